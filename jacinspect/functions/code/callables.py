"""People's own callables to Functions, and to the derivatives that they claim.

In: a callable of numpy, torch or jax arrays, its parameters, and how many further operands there are. Out: a Function
that is adapted to the framework of its arrays (frameworks.py) once its operands are known.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jacinspect.errors import InputError, is_own_file
from jacinspect.functions.code.backends import Call, Framework
from jacinspect.functions.code.by_number import ByNumber
from jacinspect.functions.code.double import rules_for_second, second_rules
from jacinspect.functions.code.frameworks import autograd_function, framework_of, plain, signature_of
from jacinspect.functions.code.in_place import returning
from jacinspect.functions.code.layers import made, own_backward, with_cache
from jacinspect.functions.code.outputs import Joined
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.trees import leaves, rebuilt
from jacinspect.functions.code.weights import weights_of
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.rules import Claim
from jacinspect.records import replace

__all__ = ["claim_of", "of_callable", "place_of", "takes"]

_LETTERS = "xyzuvwabcdefghijklmnopqrst"  # for operands without a name of their own: x first, as people write formulas
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def of_callable(
    f: Callable[..., Any],
    name: str | None = None,
    parameters: Mapping[str, Parameter] | None = None,
    further: Sequence[str | None] = (),
    backend: str | None = None,
) -> Function:
    """Make a Function of a callable of numpy, torch or jax arrays.

    Parameters
    ----------
    f
        Its positional arguments without a default are its operands; one with a default, or by keyword alone, is an
        operand where `further` names it, one with a default also where that has an operand for it. All others are
        parameters. A torch.autograd.Function and an instance of an nn.Module are callables too.
    name
        What to call it; its own name if None.
    parameters
        Values for its parameters.
    further
        The operands after the first, each with its name where it was given one.
    backend
        "numpy", "torch" or "jax"; found by trying if None.

    Raises
    ------
    InputError
        If it is a class, takes no operand, or has no such parameter.
    """
    name = name or str(getattr(f, "__name__", type(f).__name__))
    f, given = made(f, name, dict(parameters or {}))
    called = _instance(f, name)
    weights = weights_of(called, given, lambda g, values: _call(g, operands, values))
    operands, values = _divided(called, name, given, further, needs_one=weights is None)
    held = {} if weights is None else weights.values
    own = {key: value for key, value in held.items() if key not in (*operands, *values)}  # the argument has the name

    def of(names: Sequence[str]) -> Function:
        """Make the Function of the operands and of those weights."""

        def adapt(
            function: Function, point: Sequence[Array], moves: Sequence[bool]
        ) -> tuple[Function, Sequence[Array]]:
            if function.mode is not None and not (weights is not None and weights.note):
                raise InputError(f"{name} has no torch module: leave out --mode {function.mode}")
            call = _call(called, operands, given) if weights is None else weights.bind(names, function.mode == "train")
            by_number = ByNumber(returning(call, name, (*operands, *names)))
            note = f"in {function.mode or 'eval'} mode, {function.note}" if function.note else ""
            ready = replace(
                function,
                value=reseeded(by_number, function.reseed),
                is_by_number=lambda: by_number.needed,
                note=note,
            )
            return _adapted(ready, called, point, moves, backend)

        backward = own_backward(called, f, names)
        owner: Any = getattr(called, "__self__", f)
        return Function(
            name,
            "unknown",
            _call(called, operands, given),
            rule=backward,
            source="python",
            operands=(*operands, *names),
            parameters=values,
            defaults=values.keys() - given.keys(),
            origin=called,
            place=place_of(f),
            derivative_place=None if backward is None else place_of(owner.backward),
            adapt=adapt,
            own=own,
            buffers=() if weights is None else weights.buffers,
            enlarged=of,
            note="" if weights is None else weights.note,
        )

    return of(())


def _adapted(
    function: Function, f: Callable[..., Any], given: Sequence[Array], moves: Sequence[bool], backend: str | None
) -> tuple[Function, Sequence[Array]]:
    """Adapt a function to the framework whose arrays it takes; f is the callable, for what it is and mentions."""
    followed = _followed_by(moves, function.value)
    framework, stays, call, tried = _accepted(f, followed, given, backend)
    differentiated = function.rule is None and stays
    # Elsewhere a detached output may be a mistake.
    marks = differentiated and autograd_function(f) is not None
    unfollowed = framework.unfollowed(function.value, tried) if marks else ()
    joined = Joined(function.name, framework.ready(call, tried), framework, function.take, unfollowed)
    note = function.note if call is followed else "called in single precision, for it takes no double"
    convention = framework.gradient if any(operand.dtype.kind == "c" for operand in given) else ""
    rules = framework.rules(joined, tried) if differentiated else ()
    adapted = replace(
        function,
        value=framework.value(joined),
        rule=rules[0] if rules else function.rule,  # a claim, if any
        others=(*rules[1:], *(rules_for_second(framework.name, joined) if rules else ())),
        second=second_rules(framework.name, joined) if rules else (),
        output=lambda: joined.bundle,
        take=None,
        mode=None,
        derivative_formula=function.derivative_formula or framework.autodiff * stays,
        note="; ".join(filter(None, (note, convention))),
        source="python" if framework.name == "numpy" else framework.name,
        adapt=None,
    )
    # Integers are as f accepts them, and real operands in the precision in which they were given.
    return adapted, [
        as_tried if operand.dtype.kind in "iu" else operand for as_tried, operand in zip(tried, given, strict=True)
    ]


def _followed_by(moves: Sequence[bool], call: Call) -> Call:
    """Return a callable that torch's autograd follows by the operands that move alone: some it refuses to follow."""

    def called(*operands: Any) -> Any:
        return call(
            *(
                operand if follows or not getattr(operand, "requires_grad", False) else operand.detach()
                for operand, follows in zip(operands, moves, strict=True)
            )
        )

    return called


def _accepted(
    f: Callable[..., Any], call: Call, given: Sequence[Array], backend: str | None
) -> tuple[Framework, bool, Call, Sequence[Array]]:
    """Find f's framework, as `framework_of`, a callable that calls it, and the operands as it takes them.

    All operands of single precision are tried in double precision first, for that is how f is differenced. Integers are
    tried as integers, for they may be labels or indices, and else as real numbers. What takes no double precision is
    given single.
    """
    wide = _cast(given, "fc", np.float64)
    whole = _cast(wide, "iu", np.float64)
    framework, stays, takes = framework_of(f, call, wide, backend)
    if takes:
        return framework, stays, call, wide
    if _dtypes(whole) != _dtypes(wide):
        found, follows, accepts = framework_of(f, call, whole, backend)
        if accepts:
            return found, follows, call, whole
    for narrow in (given, _cast(given, "f", np.float32)):
        if _dtypes(narrow) == _dtypes(wide):
            continue
        found, follows, accepts = framework_of(f, call, narrow, backend)
        # What takes these numbers in double precision raised for another reason.
        if accepts and not framework_of(f, call, _cast(narrow, "f", np.float64), backend)[2]:
            single = [operand.dtype == np.float32 for operand in narrow]
            as_given = not any(operand.dtype == np.float64 for operand in given)
            return found, follows, call if as_given else _in_single(call, found, single), narrow
    return framework, stays, call, given


def _cast(operands: Sequence[Array], kinds: str, dtype: type[np.floating]) -> list[Array]:
    """Return operands, those of some of numpy's kinds as real numbers of a dtype, or as complex ones no narrower."""
    return [
        operand.astype(np.promote_types(operand.dtype, dtype) if operand.dtype.kind == "c" else dtype, copy=False)
        if operand.dtype.kind in kinds
        else operand
        for operand in operands
    ]


def _dtypes(operands: Sequence[Array]) -> list[np.dtype[Any]]:
    return [operand.dtype for operand in operands]


def _in_single(call: Call, framework: Framework, single: Sequence[bool]) -> Call:
    """Return a callable that gives some of its real operands, arrays of the framework, in single precision."""

    def rounded(array: Any, narrow: bool) -> Any:
        if not narrow or framework.kind(array) != "f":
            return array
        return array.float() if framework.name == "torch" else array.astype(np.float32)

    return lambda *operands: call(*map(rounded, operands, single))


def claim_of(
    derivative: Callable[..., Any], name: str, function: Function, kind: str | None, backend: str | None = None
) -> Claim:
    """Make a Claim of a user's derivative: a callable of the operands, and of a tangent or cotangent for a jvp or vjp.

    It is given those of the function's parameters that it has a name for; where both have a default, each keeps its
    own. Where it returns torch tensors or jax arrays, the claim returns numpy's, and anything else as it is.
    """
    called = _instance(derivative, name)
    signature = signature_of(called)
    places = list(signature.parameters.values()) if signature is not None else []
    trees = _trees_of(places, function)
    if trees:
        return _claim_by_trees(called, trees, function, kind, backend)
    positional = [place for place in places if place.kind in _POSITIONAL]
    number = len(function.operands) + (kind in ("jvp", "vjp"))
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
        if signature is not None and _by_keyword(signature, operand):
            names.insert(place, operand)
    call = _call(called, names, passed)
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
    signature = signature_of(_instance(derivative, "derivative"))
    places = [] if signature is None else signature.parameters.values()
    positional = [place for place in places if place.kind in _POSITIONAL and place.default is place.empty]
    return len([place for place in positional if place.name not in function.parameters])


def _parameters_for(places: Sequence[inspect.Parameter], function: Function, number: int) -> dict[str, Parameter]:
    """Choose those of a function's parameters that a derivative takes beside its operands, so many in number.

    A value that somebody gave is for both; a default of the function's own, for a derivative that has none itself.
    """
    given = {key: value for key, value in function.parameters.items() if key not in function.defaults}
    needed = [place for place in places if place.name in given or place.default is place.empty]
    shared = [place for place in needed if place.name in function.parameters and place.name not in function.operands]
    positional = [place for place in places if place.kind in _POSITIONAL]
    spare = max(len(positional) - number, 0)  # of the positional arguments, so many can be parameters: the last ones
    named = {place.name for place in shared if place not in positional}
    named |= {place.name for place in [place for place in shared if place in positional][::-1][:spare]}
    takes_any = any(place.kind is place.VAR_KEYWORD for place in places)
    return {key: value for key, value in function.parameters.items() if key in named or (takes_any and key in given)}


def place_of(f: Any) -> tuple[str, int] | None:
    """Find the file and the line at which a function or its class is defined; None of what nobody here wrote."""
    f = inspect.unwrap(f.func if isinstance(f, partial) else f)
    owner = getattr(f, "__self__", None)
    for definition in (owner if isinstance(owner, type) else f, type(f)):
        try:
            file = inspect.getsourcefile(definition)
            code = getattr(definition, "__code__", None)  # without it, source text has to be searched
            line = code.co_firstlineno if code else inspect.getsourcelines(definition)[1]
            is_own = file is not None and is_own_file(file) and Path(file).is_file()  # a notebook's cells are in none
            return (str(file), max(line, 1)) if is_own else None
        except (OSError, TypeError):
            continue
    return None


def _instance(f: Any, name: str) -> Callable[..., Any]:
    called = plain(f)
    if isinstance(called, type):
        raise InputError(f"{name}: is a class; name an instance of it, or a function")
    if not callable(called):
        called = getattr(called, "forward", called)
    if not callable(called):
        raise InputError(f"{name}: is a {type(f).__name__}, not a function")
    if inspect.isfunction(called) and called.__code__.co_varnames[:1] == ("self",):
        raise InputError(f"{name}: is a method of a class, without an object; name the method of an instance of it")
    return called  # type: ignore[no-any-return]


def _divided(
    f: Callable[..., Any],
    name: str,
    given: dict[str, Parameter],
    further: Sequence[str | None],
    needs_one: bool = True,
) -> tuple[tuple[str, ...], dict[str, Parameter]]:
    """Divide f's arguments into operands, by name, and parameters, those with a plain value, with that or their own."""
    signature = signature_of(f)
    arguments = [] if signature is None else list(signature.parameters.values())
    unknown = [key for key in given if key not in {p.name for p in arguments}]
    if unknown and arguments and not any(p.kind is p.VAR_KEYWORD for p in arguments):
        settable = [p.name for p in arguments if p.kind is p.KEYWORD_ONLY or p.default is not p.empty]
        raise InputError(f"{name} has no parameter {unknown[0]!r}; it has {', '.join(settable) or 'none'}")
    if signature is None or isinstance(f, np.ufunc):
        number = f.nin if isinstance(f, np.ufunc) else 1 + len(further)
        return tuple(_named(number, further)), given
    named = [p for p in arguments if p.kind is p.KEYWORD_ONLY and p.name in further]
    positional = [p for p in arguments if (p.kind in _POSITIONAL or p in named) and p.name not in given]
    required = [p.name for p in positional if p.default is p.empty] or [p.name for p in positional[:1]]
    unnamed = sum(name is None for name in further) - len([name for name in required if name not in further][1:])
    optional = [p.name for p in positional if p.name not in (*required, *further)][: max(unnamed, 0)]
    operands = [p.name for p in positional if p.name in (*required, *optional, *further)]
    if any(p.kind is p.VAR_POSITIONAL for p in arguments):
        number = 1 + len(further)
        operands += [name for name in _named(number, further) if name not in operands][: number - len(operands)]
    if not operands and needs_one:
        raise InputError(f"{name}: takes no positional argument to be the operand")
    known = (*given, *operands)
    missing = [p.name for p in arguments if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in known]
    if missing:
        array = f"or --with {missing[0]}=… if that is an array"
        raise InputError(f"{name}: needs a value for its parameter {missing[0]}: -p {missing[0]}=…, {array}")
    for p in arguments:
        _require_kind(name, p.name, p.default, given.get(p.name))
    plainly = {p.name: p.default for p in arguments if isinstance(p.default, bool | int | float | str)}
    return tuple(operands), {key: value for key, value in {**plainly, **given}.items() if key not in operands}


def _by_keyword(signature: inspect.Signature, name: str) -> bool:
    """Whether an argument is given by keyword alone."""
    place = signature.parameters.get(name)
    return place is not None and place.kind is place.KEYWORD_ONLY


def _require_kind(function: str, name: str, default: Any, given: Parameter) -> None:
    """Refuse a text for a parameter whose default says that it is a number, or true or false."""
    if isinstance(given, str) and isinstance(default, bool | int | float):
        wanted = "true or false" if isinstance(default, bool) else "a number"
        raise InputError(f"{function}: {name} must be {wanted}, not {given!r}")


def _named(number: int, further: Sequence[str | None]) -> Iterator[str]:
    """Name so many operands: x, then as they were named, else by the next letter."""
    names = [None, *further, *[None] * number][:number]
    letters = (letter for letter in _LETTERS if letter not in names)
    return (name or next(letters) for name in names)


def _call(f: Callable[..., Any], operands: Sequence[str], parameters: Mapping[str, Parameter]) -> Callable[..., Any]:
    """Return a callable of the operands alone: it calls f with them and the parameters, each by position or by name."""
    signature = signature_of(f)
    names = {} if signature is None else signature.parameters
    named = signature is not None and (parameters or any(_by_keyword(signature, name) for name in operands))
    if signature is None or not named or not set(operands) <= set(names):
        return lambda *given: f(*given, **parameters)
    rest = next((name for name, place in names.items() if place.kind is place.VAR_KEYWORD), "")
    stray = {name: value for name, value in parameters.items() if name not in names}

    def call(*given: Any) -> Any:
        arguments = {**parameters, **dict(zip(operands, given, strict=False)), **({rest: stray} if stray else {})}
        bound = inspect.BoundArguments(signature, {name: arguments[name] for name in names if name in arguments})
        bound.apply_defaults()  # what is taken by position alone cannot be left out in the middle
        return f(*bound.args, **bound.kwargs)

    return call
