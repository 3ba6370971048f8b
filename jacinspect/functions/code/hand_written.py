"""People's hand-written derivatives to Claims: callables of a function's operands, and of some of its parameters.

In: a callable, the Function that it is to be the derivative of, and the kind that its user gave. Next: claims.py, which
reads what it returns.
"""

import inspect
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from jacinspect.errors import InputError
from jacinspect.functions.code.arguments import POSITIONAL, by_keyword, called_with
from jacinspect.functions.code.attributes import arrays_of
from jacinspect.functions.code.backends import Call, Framework
from jacinspect.functions.code.by_number import ByNumber
from jacinspect.functions.code.callables import callable_of
from jacinspect.functions.code.containers import Containers
from jacinspect.functions.code.frameworks import framework_of, signature_of
from jacinspect.functions.code.holder import held_by, of_holder
from jacinspect.functions.code.in_place import require_returned
from jacinspect.functions.code.layers import named_backward, with_cache
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.value_and_grad import without_value
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.rules import Claim
from jacinspect.records import replace

__all__ = ["claim_of", "takes_vector"]

_PRODUCTS = ("jvp", "vjp")  # kinds that take a tangent or a cotangent after the operands


def claim_of(
    derivative: Callable[..., Any], name: str, function: Function, kind: str | None, backend: str | None = None
) -> Claim:
    """Make a Claim of a user's derivative: a callable of the operands, and of a tangent or cotangent for a jvp or vjp.

    It takes containers of operands as the function does, and need not take the arrays of the function's object, as it
    finds them there. It is given those of the function's parameters that it has a name for; where both have a default,
    each keeps its own. Where it returns torch tensors or jax arrays, the claim returns numpy's, and anything else as it
    is.
    """
    called = callable_of(derivative, name)
    of_object = named_backward(called, _required(signature_of(called), function), function, kind)
    if of_object is not None:
        return of_object

    def taking(vectors: int) -> Claim:
        held = held_by(called, function, vectors)
        others = tuple(operand for operand in function.operands if operand not in held)
        claim = _of_operands(called, name, replace(function, operands=others), kind, backend)
        return of_holder(claim, function, held) if held else claim

    if kind != "jvp" or not arrays_of(function.origin):
        return taking(int(kind == "vjp"))
    # as many tangents as there are operands that move
    return replace(taking(1), of=lambda opened: taking(len(opened)).at_places(opened))


def _of_operands(
    called: Callable[..., Any], name: str, function: Function, kind: str | None, backend: str | None
) -> Claim:
    """Make a Claim of a derivative that takes all operands of a function."""
    containers = _containers_of(called, function, kind)
    whole = containers.whole(function)
    cached = with_cache(called, _required(signature_of(called), whole), whole, kind)
    if cached is not None:
        takes = len(function.operands) + cached.outputs
        return replace(cached, derivative=containers.of_operands(cached.derivative), takes=takes)
    signature = _signature_for(called, whole, kind)
    required = _required(signature, whole)
    of_arguments = _of_arguments(called, signature, whole, kind, bool(containers.trees))
    extra = required[len(whole.operands) :]
    if kind not in _PRODUCTS and extra:
        return Claim(containers.of_operands(_refusing(of_arguments, name, extra, whole)), kind)
    if kind not in _PRODUCTS:
        of_arguments = without_value(of_arguments, called, whole, containers)
    apart = len(required) - len(whole.operands)  # tangents, or cotangents
    takes = len(function.operands) + apart

    def claim(opened: Sequence[int] = (), moving: Sequence[str] = ()) -> Claim:
        call = reseeded(ByNumber(containers.of_operands(of_arguments, opened, moving)), function.reseed)
        return Claim(call, kind, _adapting(called, call, backend), takes)

    def of(opened: Sequence[int]) -> Claim:
        """Make it for some operands, whose tangents it takes in containers, too, or each by itself."""
        if kind != "jvp" or not containers.are_taken:
            return claim(opened)
        return claim(opened, _moving(name, required, containers, opened, _takes_any(signature)))

    return replace(claim(), of=of) if containers.trees else claim()


def _refusing(call: Callable[..., Any], name: str, extra: Sequence[str], function: Function) -> Callable[..., Any]:
    """Return a derivative that requires extra arguments as a callable of the operands, which says what they may be."""

    def refused(*given: Any) -> Any:
        require_returned(call, name, extra, function, given)
        if len(extra) > 1:
            return call(*given)
        raise InputError(
            f"{name}: takes {extra[0]} after the operands of {function.name}; if that is a tangent, or the "
            "cotangent of the output, say --derivative-kind jvp or vjp"
        )

    return refused


def _adapting(
    called: Callable[..., Any], call: Call, backend: str | None
) -> Callable[[Sequence[Array]], Callable[..., Any]]:
    """Return what adapts a call of a user's derivative to arguments, by the framework whose arrays it takes."""
    known: dict[Any, Framework] = {}  # by shapes, where it was found: to try it at every point is as many calls again

    def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
        shapes = tuple(getattr(each, "shape", type(each)) for each in arguments)  # of several outputs, a tuple
        if shapes not in known:
            framework, _, takes = framework_of(called, call, arguments, backend)
            if not takes:
                return framework.value(call)
            known[shapes] = framework
        return known[shapes].value(call)

    return adapt


def _moving(
    name: str, required: Sequence[str], containers: Containers, opened: Sequence[int], takes_any: bool
) -> Sequence[str]:
    """Name the arguments that a jvp takes tangents of: all, or those that move; none where it takes one an operand.

    It is told by their number, and where so many are all arguments, and as many operands move, by their names.
    """
    everything, moved = containers.arguments, containers.moved(opened)
    operands = [containers.operands[place].rpartition(".")[2] for place in opened]
    own, tangents = required[: len(everything)], required[len(everything) :]
    if len(tangents) != len(everything) or len(tangents) == len(moved):
        return moved if takes_any or len(tangents) == len(moved) else ()
    if len(tangents) != len(operands):
        return everything
    by_argument, singly = max(_named(tangents, everything), _named(tangents, own)), _named(tangents, operands)
    start = len([*takewhile(lambda letters: len({*letters}) == 1, zip(*tangents, strict=False))])
    others = [tangent[start:] for tangent in tangents]  # as W and b, of dW and db, which are no arguments
    if by_argument == singly and not (start and all(map(str.isidentifier, others))):
        plain, dotted = (", ".join(f"d{each}" for each in names) for names in (everything, operands))
        raise InputError(
            f"{name}: takes {', '.join(tangents)}, which can be a tangent each of {', '.join(everything)}, or of "
            f"{', '.join(containers.operands[place] for place in opened)}: call them {plain}, or {dotted}"
        )
    return everything if by_argument > singly else ()


def _named(tangents: Sequence[str], operands: Sequence[str]) -> int:
    """Count the tangents, as dp and dx are, that have one affix to the names of their operands: of several, most."""
    pairs = zip(tangents, operands, strict=True)
    affixes = [tangent.replace(name, "*", 1) for tangent, name in pairs if name in tangent]
    return max(map(affixes.count, affixes), default=0)


def _takes_any(signature: inspect.Signature | None) -> bool:
    """Whether there are *args."""
    return signature is not None and any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())


def takes_vector(derivative: Callable[..., Any], function: Function) -> bool:
    """Whether a user's derivative of a function requires a vector after the operands."""
    called = callable_of(derivative, "derivative")
    whole = _containers_of(called, function).whole(function)
    return len(_required(signature_of(called), whole)) == len(whole.operands) + 1


def _containers_of(called: Callable[..., Any], function: Function, kind: str | None = None) -> Containers:
    """Find the containers of a function's operands; none where a derivative has names for these alone.

    Those that are fixed are among them where it takes a tangent for every argument.
    """
    containers = Containers.of(function)
    everything = _required(signature_of(called), replace(function, parameters={}))
    if kind == "jvp" and len(containers.arguments) < len(containers.returned) == len(everything) / 2:
        return replace(containers, arguments=containers.returned)
    signature = signature_of(called) if containers.are_taken else None
    names = [] if signature is None else [*signature.parameters]
    own = {operand: operand.rpartition(".")[2] for operand in function.operands}
    if not {*own.values()} <= {*names} or {*names} & {*containers.arguments} & containers.trees.keys():
        return containers
    return Containers.none(function, sorted(own, key=lambda operand: names.index(own[operand])))


def _signature_for(called: Callable[..., Any], function: Function, kind: str | None) -> inspect.Signature | None:
    """Return a derivative's signature, with the function's names for the arguments that have none of them.

    That is so in *args, and where the derivative requires as many arguments as the function, of which some are
    parameters, beside its tangents or cotangent.
    """
    signature, of_f = (None if each is None else signature_of(each) for each in (called, function.origin))
    if signature is None or of_f is None:
        return signature
    places = list(signature.parameters.values())
    kinds, there = [place.kind for place in places], [p for p in of_f.parameters.values() if p.kind in POSITIONAL]
    by_name = function.parameters if inspect.Parameter.VAR_KEYWORD in kinds else function.defaults
    known = {*function.operands, *function.parameters}
    needed = [p.name for p in there if p.default is p.empty or p.name in known - {*by_name}]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        number = kinds.index(inspect.Parameter.VAR_POSITIONAL)
        before = function.operands if kind in _PRODUCTS else needed  # a tangent may stand before what is needed then
        last = max((k for k, p in enumerate(there, 1) if p.name in before), default=0)
        rest = [p.replace(default=p.empty) for p in there[number:last] if p.name in known - {*signature.parameters}]
        has_defaults = any(place.default is not place.empty for place in places[:number])
        places[number:number] = [] if has_defaults else rest
        return signature.replace(parameters=places)
    required = [k for k, p in enumerate(places) if p.kind in POSITIONAL and p.default is p.empty]
    vectors = {"vjp": 1, "jvp": len(function.operands)}.get(kind or "", 0)
    if len(required) == len(needed) + vectors and (kind not in _PRODUCTS or len(needed) > len(function.operands)):
        for place, name in zip(required, needed, strict=False):
            renamed = kind not in _PRODUCTS or name in function.parameters
            if renamed and places[place].name not in of_f.parameters and name not in signature.parameters:
                places[place] = places[place].replace(name=name)
    return signature.replace(parameters=places)


def _required(signature: inspect.Signature | None, function: Function) -> list[str]:
    """Name the arguments that a derivative requires, beside the function's parameters."""
    places = [] if signature is None else signature.parameters.values()
    positional = [place for place in places if place.kind in POSITIONAL and place.default is place.empty]
    return [place.name for place in positional if place.name not in function.parameters]


def _of_arguments(
    called: Callable[..., Any],
    signature: inspect.Signature | None,
    function: Function,
    kind: str | None,
    by_name: bool,
) -> Callable[..., Any]:
    """Return a derivative as a callable of the function's operands, and of a tangent or cotangent after them.

    They are given in the function's order, or `by_name` where it has all of their names.
    """
    places = [] if signature is None else list(signature.parameters.values())
    passed = _parameters_for(places, function, len(function.operands) + (kind in _PRODUCTS))
    names = [place.name for place in places if place.kind in POSITIONAL and place.name not in passed]
    if by_name and set(function.operands) <= set(names):
        names = [*function.operands, *(name for name in names if name not in function.operands)]
    for place, operand in enumerate(function.operands):
        if by_keyword(signature, operand):
            names.insert(place, operand)
    return called_with(called, names, passed, signature)


def _parameters_for(places: Sequence[inspect.Parameter], function: Function, number: int) -> dict[str, Parameter]:
    """Choose those of a function's parameters that a derivative takes beside its operands, so many in number.

    A value that somebody gave is for both; a default of the function's own, for a derivative that has none itself.
    """
    given = {key: value for key, value in function.parameters.items() if key not in function.defaults}
    needed = [place for place in places if place.name in given or place.default is place.empty]
    shared = [place for place in needed if place.name in function.parameters and place.name not in function.operands]
    positional = [place for place in places if place.kind in POSITIONAL]
    many = any(place.kind is place.VAR_POSITIONAL for place in places)  # which takes what is left over
    spare = len(positional) - (0 if many else min(number, len(positional)))  # so many can be parameters: the last ones
    named = {place.name for place in shared if place not in positional}
    named |= {place.name for place in [place for place in shared if place in positional][::-1][:spare]}
    takes_any = any(place.kind is place.VAR_KEYWORD for place in places)
    return {key: value for key, value in function.parameters.items() if key in named or (takes_any and key in given)}
