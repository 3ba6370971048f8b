"""Layers as people write them by hand: classes with parameters, objects with forward and backward, caches, dropout.

In: an object that a reference names. Out: a callable, and the derivative that it brings. Next: callables.py.
"""

import dis
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, raised
from jacinspect.functions.code.arguments import POSITIONAL, apart, called_with
from jacinspect.functions.code.attributes import arrays_of, gradient_paths, left_as_given, of_object, with_arrays
from jacinspect.functions.code.frameworks import signature_of
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.trees import converted, leaves
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim
from jacinspect.records import replace

__all__ = ["from_the_start", "made", "named_backward", "own_backward", "with_cache"]

# Names of a cotangent, which no x has: the loss's derivative by what f returns, as dout, dL_dy, dY or grad_output.
_COTANGENT = re.compile(r"d(out|l_?d|[a-z]$)|grad(ient)?_?(out|$)|upstream|cotangent", re.IGNORECASE)


def made(f: Any, name: str, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Make an instance of a class with those of the parameters that its constructor takes; return it, and the others.

    What is no class of layers is returned as it is.
    """
    torch: Any = sys.modules.get("torch")
    is_layer = isinstance(f, type) and (hasattr(f, "forward") or any("__call__" in vars(base) for base in f.__mro__))
    if not is_layer or (torch is not None and issubclass(f, torch.autograd.Function)):
        return f, dict(parameters)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    try:
        places = inspect.signature(f).parameters
    except ValueError:  # a builtin one, as weakref.ref
        return f, dict(parameters)
    if places and all(place.kind in kinds for place in places.values()):  # which a metaclass passes on, as flax's does
        places = inspect.signature(partial(f.__init__, None)).parameters
    takes_any = any(place.kind is place.VAR_KEYWORD for place in places.values())
    given = {key: value for key, value in parameters.items() if key in places or takes_any}
    required = [key for key, place in places.items() if place.default is place.empty and place.kind not in kinds]
    given |= {key: _generator(f, key) for key in required if key not in given and _generator(f, key) is not None}
    missing = [key for key in required if key not in given]
    if missing:
        raise InputError(f"{name}: is a class that needs {', '.join(missing)}: -p {missing[0]}=…")
    try:
        instance = reseeded(partial(f, **given), 0)()  # its weights are drawn, and equal runs are to stay equal
    except (Exception, SystemExit) as error:
        raise FunctionFailedError(f"{name}: making one raised {raised(error)}") from error
    return instance, {key: value for key, value in parameters.items() if key not in given}


def _generator(f: type, name: str) -> Any:
    """Return the source of random numbers, with seed 0, by which a class of equinox or flax draws its weights."""
    home = f.__module__.split(".")[0]
    if home == "equinox" and name == "key":
        return sys.modules["jax"].random.key(0)
    return sys.modules["flax.nnx"].Rngs(0) if home == "flax" and name == "rngs" else None


def own_backward(
    called: Any, operands: Sequence[str], names: Sequence[str], parameters: Mapping[str, Any]
) -> Claim | None:
    """Return the backward of an object that has forward and backward, as a vjp; of torch's modules there is none.

    It is that of forward, which the object may be called as, and not of its other methods. It may take what forward
    takes too, beside the cotangent.

    `names` are those of its arrays that are among the operands; backward has to return their gradients after those of
    the others, or to keep them as dW, say, or in a dict grads. `parameters` are what forward is called with beside.
    """
    if not _has_backward(called):
        return None
    return _backward(called, operands, names, parameters, attrgetter("backward"))


def _has_backward(called: Any) -> bool:
    owner = getattr(called, "__self__", called)
    torch: Any = sys.modules.get("torch")
    if isinstance(owner, type) or (torch is not None and isinstance(owner, torch.nn.Module)):
        return False
    return hasattr(owner, "backward") and _is_forward(called, owner)


def from_the_start(called: Any) -> Any:
    """Return the forward of an object that has a backward as one that leaves the object's lists and dicts as they were.

    Anything else is returned as it is.
    """
    if not _has_backward(called):
        return called

    def call(*given: Any, **parameters: Any) -> Any:
        with left_as_given(called, arrays=False):
            return called(*given, **parameters)

    return call


def _is_forward(called: Any, owner: Any) -> bool:
    """Whether an object has forward, and this is that, or the object itself, called as it is."""
    return hasattr(owner, "forward") and (
        called is owner or called in (owner.forward, getattr(owner, "__call__", None))  # noqa: B004
    )


def _backward(
    called: Any,
    operands: Sequence[str],
    names: Sequence[str],
    parameters: Mapping[str, Any],
    backward_of: Callable[[Any], Any],
) -> Claim:
    """Return a method of an object as the vjp of what is called, which keeps what that needs."""
    takes = [name for name in operands if name not in names]
    every = [*takes, *arrays_of(called)]

    def called_back(layer: Any, others: Sequence[Array], cotangent: Array) -> Any:
        called_with(layer, takes, parameters)(*others)  # which keeps what backward needs
        holder = getattr(layer, "__self__", layer)
        found = _pulled(backward_of(holder), dict(zip(takes, others, strict=True)), cotangent)
        if isinstance(found, tuple) and len(found) == len(every):  # those of arrays that are fixed are among them
            by_name = dict(zip(every, found, strict=True))
            return tuple(by_name[name] for name in operands)
        if not names or (isinstance(found, tuple) and len(found) == len(operands)):
            return found
        by_operand = found if isinstance(found, tuple) and len(found) == len(others) else (found,) * len(others)
        return *by_operand, *(_stored_gradient(holder, name) for name in names)

    def pull(*given: Array) -> Any:
        new, [*others, cotangent] = apart(names, operands, given)
        if names:
            layer = with_arrays(called, new)
            with left_as_given(layer, arrays=False):  # they are copies
                return called_back(layer, others, cotangent)
        with left_as_given(called, arrays=True):  # what is found may be one of them
            return converted(called_back(called, others, cotangent), _copied)

    return Claim(pull, "vjp", takes=len(operands) + 1)


def _copied(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _pulled(backward: Any, operands: Mapping[str, Array], cotangent: Array) -> Any:
    """Call backward(dout), or backward(x, dout), in which x is called as it is in forward."""
    signature = signature_of(backward)
    places = [] if signature is None else signature.parameters.values()
    required = [place.name for place in places if place.kind in POSITIONAL and place.default is place.empty]
    if len(required) != len(operands) + 1:
        default = next((place.default for place in places if place.kind in POSITIONAL), None)
        return _of_loss(backward, default, cotangent) if not required else backward(cotangent)
    if not operands.keys() < {*required}:
        raise FunctionFailedError(
            f"its backward takes {' and '.join(required)}, and forward {' and '.join(operands)}: give them the same "
            "names; or, if the cotangent is the last, name it with -d FILE:OBJECT.backward --derivative-kind vjp"
        )
    return backward(*(operands.get(name, cotangent) for name in required))


def _of_loss(backward: Any, default: Any, cotangent: Array) -> Any:
    """Call backward(dout=1); where it does not read dout, as that of a loss need not, it is the one of the default."""
    found = backward(cotangent)
    if cotangent.shape or not isinstance(default, int | float) or not default:
        return found
    with suppress(Exception):  # which it was not meant to be called without
        pairs = zip(leaves(found), leaves(backward()), strict=True)
        if all(np.array_equal(one, other, equal_nan=True) for (_, one), (_, other) in pairs):
            return converted(found, lambda leaf: leaf * (cotangent / default))
    return found


def _stored_gradient(layer: Any, path: str) -> Any:
    """Return the gradient by one of its arrays that a layer stored in its backward."""
    grads, names = dict(leaves(getattr(layer, "grads", {}), "grads")), gradient_paths(path)
    for key in names:
        if key in grads or hasattr(layer, key):
            return grads[key] if key in grads else getattr(layer, key)
    raise FunctionFailedError(
        f"its backward keeps no gradient by {path}: let it set self.{names[-2]}, or give one with -d"
    )


def named_backward(derivative: Any, names: Sequence[str], function: Function, kind: str | None) -> Claim | None:
    """Read a method of f's own object as backward(dout), though its object may have several; None where it is another.

    It requires the cotangent at most, under no name of an operand, and has backward in its name, or calls it what
    cotangents are called, or is all that there is beside forward, or is said to be a vjp. Any other is f' of x,
    whatever it calls x.
    """
    owner, origin = getattr(derivative, "__self__", None), function.origin
    if kind not in (None, "vjp") or owner is None or owner is not getattr(origin, "__self__", origin):
        return None
    signature = signature_of(derivative)
    places = [] if signature is None else signature.parameters.values()
    cotangent = [*names, *(place.name for place in places if place.kind in POSITIONAL)][:1]
    if len(names) > 1 or not cotangent or (kind is None and cotangent[0] in function.operands):
        return None
    only = bool(names) and _is_forward(origin, owner) and not hasattr(owner, "backward")
    named = "backward" in getattr(derivative, "__name__", "") or _COTANGENT.match(cotangent[0])
    if kind is None and not named and not only:
        return None
    weights = [name for name in function.operands if name in function.own]
    given = {name: value for name, value in function.parameters.items() if name not in function.defaults}
    claim = _backward(origin, function.operands, weights, given, partial(of_object, derivative))
    return replace(claim, derivative=reseeded(claim.derivative, function.reseed))


def with_cache(derivative: Any, names: Sequence[str], function: Function, kind: str | None) -> Claim | None:
    """Read backward(dout, cache) of a forward that returns (out, cache); None where it is none.

    Its last argument, the cache, has the name of a variable in the code of the function, which returns a tuple: that is
    known before any operand is. The cache is what follows as many outputs as backward takes cotangents. Of a tuple that
    ends with the variable itself, as (h, c, cache), it is the last item, though backward(dh, cache) takes one for h
    alone.
    """
    outputs, operands = len(names) - 1, function.operands
    if kind not in (None, "vjp") or outputs < 1 or {*names} & {*operands}:
        return None
    variables, ends = _in_code(function.origin)
    if names[-1] not in variables:
        return None
    forward = function.value

    def pull(*given: Array) -> Any:
        result = forward(*given[: len(operands)])
        if not isinstance(result, tuple) or len(result) <= outputs:
            raise FunctionFailedError(f"{function.name} returned no (out, {names[-1]}) for its backward")
        rest = result[outputs:]
        return derivative(*given[len(operands) :], rest[-1] if len(rest) == 1 or names[-1] in ends else rest)

    return Claim(reseeded(pull, function.reseed), "vjp", takes=len(operands) + outputs, outputs=outputs)


def _in_code(f: Any) -> tuple[set[str], set[str]]:
    """Name the variables of a function that may be a cache that it returns, and those with which tuples in it end.

    The first are all, where its code returns a tuple, for it may return a copy of the cache, or None in its place.
    """
    code = getattr(inspect.unwrap(f), "__code__", None)
    if code is None:
        return set(), set()
    pairs = [*pairwise(dis.get_instructions(code))]
    loaded = [step.argval for step, after in pairs if after.opname == "BUILD_TUPLE"]
    # since Python 3.13, one step may load two
    last = (each[-1] if isinstance(each, tuple) and each else each for each in loaded)
    ends = {each for each in last if isinstance(each, str)}
    returned = [f"{step.opname} {step.argrepr}" for step, after in pairs if after.opname == "RETURN_VALUE"]
    # (out, *cache) is made of a list, for which Python 3.12 has another instruction than 3.11
    several = any("BUILD_TUPLE" in step or "LIST_TO_TUPLE" in step for step in returned)
    return ends | {*code.co_varnames, *code.co_cellvars} if several else ends, ends
