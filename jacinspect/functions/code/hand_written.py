"""People's hand-written derivatives to Claims: callables of a function's operands, and of some of its parameters.

In: a callable, the Function that it is to be the derivative of, and the kind that its user gave. Next: claims.py, which
reads what it returns.
"""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from jacinspect.errors import InputError
from jacinspect.functions.code.arguments import POSITIONAL, by_keyword, called_with
from jacinspect.functions.code.backends import Framework
from jacinspect.functions.code.by_number import ByNumber
from jacinspect.functions.code.callables import callable_of
from jacinspect.functions.code.frameworks import framework_of, signature_of
from jacinspect.functions.code.layers import with_cache
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.trees import leaves, rebuilt
from jacinspect.functions.code.weights import arrays_of, holding
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.rules import Claim
from jacinspect.records import replace

__all__ = ["claim_of", "takes"]


def claim_of(
    derivative: Callable[..., Any], name: str, function: Function, kind: str | None, backend: str | None = None
) -> Claim:
    """Make a Claim of a user's derivative: a callable of the operands, and of a tangent or cotangent for a jvp or vjp.

    It is given those of the function's parameters that it has a name for; where both have a default, each keeps its
    own. It need not take the arrays of the function's object: it finds them there. Where it returns torch tensors or
    jax arrays, the claim returns numpy's, and anything else as it is.
    """
    called = callable_of(derivative, name)
    signature = signature_of(called)
    places = list(signature.parameters.values()) if signature is not None else []
    trees = _trees_of(places, function)
    if trees:
        return _claim_by_trees(called, trees, function, kind, backend)
    positional = [place for place in places if place.kind in POSITIONAL]
    number = len(function.operands) + (kind in ("jvp", "vjp"))
    held = function.own.keys() & function.operands & arrays_of(function.origin).keys()
    named = {path.rpartition(".")[-1] for path in held} & {place.name for place in places}
    if held and not named and len(places) == len(positional) == number - len(held):
        others = tuple(operand for operand in function.operands if operand not in held)
        claim = claim_of(derivative, name, replace(function, operands=others), kind, backend)
        return _claim_of_holder(claim, function, held)
    passed = _parameters_for(places, function, number)
    required = [place for place in positional if place.default is place.empty and place.name not in function.parameters]
    cached = with_cache(called, [place.name for place in required], function, kind)
    if cached is not None:
        return cached
    if kind is None and len(required) == number + 1:
        raise InputError(
            f"{name}: takes {required[-1].name} after the operands of {function.name}; if that is a tangent, or the "
            "cotangent of the output, say --derivative-kind jvp or vjp"
        )
    names = [place.name for place in positional if place.name not in passed]
    for place, operand in enumerate(function.operands):
        if signature is not None and by_keyword(signature, operand):
            names.insert(place, operand)
    call = called_with(called, names, passed)
    call = reseeded(ByNumber(call), function.reseed)

    known: dict[Any, Framework] = {}  # by shapes, where it was found: to try it at every point is as many calls again

    def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
        shapes = tuple(getattr(each, "shape", type(each)) for each in arguments)  # of several outputs, a tuple
        if shapes not in known:
            framework, _, takes = framework_of(called, call, arguments, backend)
            if not takes:
                return framework.value(call)
            known[shapes] = framework
        return known[shapes].value(call)

    return Claim(call, kind, adapt, len(required))


def _claim_of_holder(claim: Claim, function: Function, names: Collection[str]) -> Claim:
    """Make a Claim of one that does not take some operands, an object's own arrays: it finds them in the object."""
    number = len(function.operands)

    def apart(given: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
        held = {name: value for name, value in zip(function.operands, given, strict=False) if name in names}
        others = [value for name, value in zip(function.operands, given, strict=False) if name not in names]
        return held, [*others, *given[number:]]

    def called(derivative: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            held, others = apart(given)
            with holding(function.origin, held):
                return derivative(*others)

        return call

    def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
        held, others = apart(arguments)
        with holding(function.origin, held):
            return called(claim.at(others))

    return replace(claim, derivative=called(claim.derivative), adapt=adapt)


def _trees_of(places: Sequence[inspect.Parameter], function: Function) -> dict[str, Any]:
    """Find the arguments of a derivative that are containers, some of whose leaves are operands of the function."""
    return {
        place.name: function.parameters.get(place.name, place.default)
        for place in places
        if any(name.startswith(f"{place.name}.") and name in function.own for name in function.operands)
    }


def _claim_by_trees(
    called: Callable[..., Any], trees: Mapping[str, Any], function: Function, kind: str | None, backend: str | None
) -> Claim:
    """Make a Claim of a derivative that takes containers as the function does, made of the operands' values."""
    names = [*function.operands]
    others = [name for name in names if not any(name.startswith(f"{tree}.") for tree in trees)]

    def call(*given: Any) -> Any:
        point = dict(zip(names, given, strict=False))
        made = {
            name: rebuilt(tree, iter([point.get(path, leaf) for path, leaf in leaves(tree, name)]))
            for name, tree in trees.items()
        }
        values = {**made, **{name: point[name] for name in others}}
        signature = signature_of(called)
        order = [name for name in (signature.parameters if signature else ()) if name in values]
        return called(*(values[name] for name in order), *given[len(names) :])

    def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
        return framework_of(called, call, arguments, backend)[0].value(call)

    return Claim(call, kind, adapt)


def takes(derivative: Callable[..., Any], function: Function) -> int:
    """Return how many arguments a user's derivative of a function requires, beside the function's parameters."""
    signature = signature_of(callable_of(derivative, "derivative"))
    places = [] if signature is None else signature.parameters.values()
    positional = [place for place in places if place.kind in POSITIONAL and place.default is place.empty]
    return len([place for place in positional if place.name not in function.parameters])


def _parameters_for(places: Sequence[inspect.Parameter], function: Function, number: int) -> dict[str, Parameter]:
    """Choose those of a function's parameters that a derivative takes beside its operands, so many in number.

    A value that somebody gave is for both; a default of the function's own, for a derivative that has none itself.
    """
    given = {key: value for key, value in function.parameters.items() if key not in function.defaults}
    needed = [place for place in places if place.name in given or place.default is place.empty]
    shared = [place for place in needed if place.name in function.parameters and place.name not in function.operands]
    positional = [place for place in places if place.kind in POSITIONAL]
    spare = max(len(positional) - number, 0)  # of the positional arguments, so many can be parameters: the last ones
    named = {place.name for place in shared if place not in positional}
    named |= {place.name for place in [place for place in shared if place in positional][::-1][:spare]}
    takes_any = any(place.kind is place.VAR_KEYWORD for place in places)
    return {key: value for key, value in function.parameters.items() if key in named or (takes_any and key in given)}
