"""Reverse mode of expressions, and its derivative along tangents, which the second order needs. Next: expression.py.

In: a tree of grammar.py, its operands and a cotangent w of its value. Out: the cotangents of the operands, which are
the gradient of w·f, or what they change by along tangents, which is the Hessian times these. Parts are visited
backwards, and each function is differentiated by partials.py.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jacinspect.functions.expressions.evaluation import Part, apply
from jacinspect.functions.expressions.partials import bent, pulled
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.function import Array

__all__ = ["pull_through"]

Named = Mapping[str, Array]


class _Visited(NamedTuple):
    """A part, its value, and its tangent, None where it does not move."""

    part: Part
    arguments: tuple["_Visited", ...]
    value: Array
    tangent: Array | None


def pull_through(
    typed: Typed, tree: Part, point: Named, cotangent: Array, tangents: Named | None = None
) -> dict[str, Array]:
    """Pull a cotangent back to the operands; with `tangents`, return what that changes by along these, H·v.

    Operands that are not in the result have 0.

    Raises
    ------
    NoSecondDerivativeError
        With tangents, if a function in the expression has no second derivative that is known.
    """
    found: dict[str, Array] = {}
    _pull(_visit(typed, tree, point, tangents or {}), cotangent, None, tangents is not None, found)
    return found


def _visit(typed: Typed, part: Part, point: Named, tangents: Named) -> _Visited:
    """Compute a part and its tangent, and those of all its own parts."""
    if part.constant is not None:
        return _Visited(part, (), part.constant, None)
    if part.function is None:
        return _Visited(part, (), point[part.operand], tangents.get(part.operand))
    arguments = tuple(_visit(typed, argument, point, tangents) for argument in part.arguments)
    values, moves = [each.value for each in arguments], [each.tangent for each in arguments]
    value = apply(typed, part, values)
    moved = None if all(move is None for move in moves) else part.function.push(values, moves)
    return _Visited(part, arguments, value, moved)


def _pull(visited: _Visited, cotangent: Array, change: Array | None, second: bool, found: dict[str, Array]) -> None:
    """Pull a part's cotangent back, and with `second` what that changes by, None for nothing."""
    part = visited.part
    if part.function is None:
        result = change if second else cotangent
        if part.operand and result is not None:
            found[part.operand] = found.get(part.operand, 0) + np.broadcast_to(result, visited.value.shape)
        return
    values = [each.value for each in visited.arguments]
    by = [each.part.constant is None for each in visited.arguments]
    cotangents = pulled(part.function, values, cotangent, by)
    changes: list[Array | None] = [None] * len(values)
    if change is not None:
        changes = [*pulled(part.function, values, change, by)]
    moves = [each.tangent for each in visited.arguments]
    if second and any(move is not None for move in moves):
        own = bent(part.function, values, moves, cotangent, by)
        changes = [new if old is None else old + new for old, new in zip(changes, own, strict=True)]
    for argument, pulled_back, changed in zip(visited.arguments, cotangents, changes, strict=True):
        if argument.part.constant is None:
            _pull(argument, pulled_back, changed, second, found)
