"""Derivatives that do not take the arrays of the function's object: they find them there. Next: hand_written."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from jacinspect.functions.code.arguments import POSITIONAL, apart
from jacinspect.functions.code.attributes import arrays_of, holding
from jacinspect.functions.code.frameworks import signature_of
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim
from jacinspect.records import replace

__all__ = ["held_by", "of_holder"]


def held_by(called: Callable[..., Any], function: Function, vectors: int) -> Collection[str]:
    """Name the operands that a derivative finds in the function's object: all of the object's, or none.

    So many `vectors`, tangents or cotangents, follow the operands that it takes.
    """
    signature = signature_of(called)
    places = list(signature.parameters.values()) if signature is not None else []
    held = function.own.keys() & function.operands & arrays_of(function.origin).keys()
    named = {path.rpartition(".")[-1] for path in held} & {place.name for place in places}
    required = [place for place in places if place.default is place.empty]
    number = len(function.operands) - len(held) + vectors
    takes = all(place.kind in POSITIONAL for place in required) and len(required) == number
    return held if takes and not named else ()


def of_holder(claim: Claim, function: Function, names: Collection[str]) -> Claim:
    """Make a Claim of one that does not take some operands, an object's own arrays: it finds them in the object."""

    def called(derivative: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            held, others = apart(names, function.operands, given)
            with holding(function.origin, held):
                return derivative(*others)

        return call

    def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
        held, others = apart(names, function.operands, arguments)
        with holding(function.origin, held):
            return called(claim.at(others))

    places = [place for place, operand in enumerate(function.operands) if operand not in names]

    def of(opened: Sequence[int]) -> Claim:
        of_others = claim.at_places([places.index(place) for place in opened if place in places])
        return of_holder(of_others, function, names)

    return replace(claim, derivative=called(claim.derivative), adapt=adapt, of=claim.of and of)
