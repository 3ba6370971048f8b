"""The tree of an expression, and how it is computed: values, and tangents pushed forward beside them, part by part.

grammar.py makes the tree; expression.py makes a Function of it. Arrays are float64 here. A tangent is None where
nothing moves, and no rule is called for it.
"""

import ast
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from types import EllipsisType

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.broadcasting import clash
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.catalogue.paired import why_not_multiplied
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Jvp, Vjp
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = ["ELEMENTWISE", "MATMUL", "STACK", "Index", "Part", "apply", "entries", "is_elementwise", "push", "where"]

MATMUL = catalogue.function("matmul")
ELEMENTWISE = ("elementwise", "binary")  # the kinds of functions of entries alone
Index = tuple[int | slice | EllipsisType, ...]
_LONGEST_NAME = 20  # characters; an error names a longer part by its place


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of an expression: an operand, a constant, or a function applied to parts.

    What has no operand in it is a constant, however it was written. `node` is where it stands in the text.
    """

    node: ast.expr
    function: Function | None = None
    arguments: tuple["Part", ...] = ()
    operand: str = ""
    constant: Array | None = None


def is_elementwise(part: Part) -> bool:
    """Whether a part is one of entries alone, all its own parts being so."""
    own = part.function is None or part.function.kind in ELEMENTWISE
    return own and all(map(is_elementwise, part.arguments))


def push(
    typed: Typed, part: Part, point: Mapping[str, Array], tangents: Mapping[str, Array]
) -> tuple[Array, Array | None]:
    """Compute a part at a point, the operands by name, and push the tangents of those that move through it.

    Raises
    ------
    InputError
        If the shapes of its parts do not go together, with the part underlined.
    """
    if part.constant is not None:
        return part.constant, None
    if part.function is None:
        return point[part.operand], tangents.get(part.operand)
    pairs = [push(typed, argument, point, tangents) for argument in part.arguments]
    values, moves = [value for value, _ in pairs], [move for _, move in pairs]
    value = apply(typed, part, values)
    return value, None if all(move is None for move in moves) else part.function.push(values, moves)


def apply(typed: Typed, part: Part, values: Sequence[Array]) -> Array:
    """Apply a part's function to the values of its arguments; shapes that do not go together are an InputError."""
    assert part.function is not None
    _require_fitting(typed, part, part.function, values)
    try:
        return part.function(*values)
    except InputError as error:  # an axis or index out of range, a matrix that is not square
        raise typed.refuse(str(error), part.node) from None


def _require_fitting(typed: Typed, part: Part, function: Function, values: Sequence[Array]) -> None:
    shapes = [value.shape for value in values]
    if function.name == MATMUL.name:
        x, y = shapes
        if why_not_multiplied("", x, "", y) is not None:
            a, b = _names(typed, part)
            words = why_not_multiplied(a, x, b, y)
            raise typed.refuse(f"{a} {format_shape(x)} and {b} {format_shape(y)} do not multiply: {words}", part.node)
        return
    if function.kind not in ELEMENTWISE:  # such a function says itself what does not fit
        return
    for first, second in combinations(range(len(shapes)), 2):
        words = clash(shapes[first], shapes[second])
        if words is not None:
            names = _names(typed, part)
            one, other = (f"{names[k]} {format_shape(shapes[k])}" for k in (first, second))
            raise typed.refuse(f"{one} and {other} do not go together: {words}", part.node)


def _names(typed: Typed, part: Part) -> list[str]:
    """Name a part's arguments: by their text, or by their place if that is long."""
    pieces = [typed.piece(argument.node) for argument in part.arguments]
    places = ["the left side", "the right side"]
    if not isinstance(part.node, ast.BinOp):
        places = [f"operand {place}" for place in range(1, len(pieces) + 1)]
    return [piece if len(piece) <= _LONGEST_NAME else place for piece, place in zip(pieces, places, strict=True)]


# --- Functions that are not in the catalogue ------------------------------------------------------------------------


def where(comparisons: Sequence[np.ufunc]) -> Function:
    """Make the function of c_0, c_1, …, a, b that is a where c_0 < c_1 < … holds, with these comparisons, and else b.

    Its tangent is that of the arm taken; the other arm's slope, which may be infinite, is not computed.
    """
    compared = len(comparisons) + 1

    def chosen(values: Sequence[Array], a: Array, b: Array) -> Array:
        holds = [compare(*pair) for compare, pair in zip(comparisons, pairwise(values), strict=True)]
        taken = holds[0]
        for each in holds[1:]:
            taken = taken & each
        return np.where(taken, a, b)

    return Function(
        name="where",
        kind="elementwise",
        value=lambda *operands: chosen(operands[:compared], *operands[compared:]),
        rule=Jvp(lambda *both: chosen(both[:compared], *both[-2:])),
        operands=(*(f"c_{place}" for place in range(compared)), "a", "b"),
    )


def entries(index: Index) -> Function:
    """Make the function of x that picks x[index]: an entry, a row, a column, a slice."""

    def picked(x: Array) -> Array:
        _require_inside(x.shape, index)
        return np.asarray(x[index])

    def pull(x: Array, cotangent: Array) -> tuple[Array]:
        pulled = np.zeros(x.shape)
        pulled[index] = cotangent  # no entry is picked twice
        return (pulled,)

    return Function(
        name="entries",
        kind="shape-changing",
        value=picked,
        rule=Jvp(lambda x, dx: picked(np.broadcast_to(dx, x.shape))),
        others=(Vjp(pull),),
    )


def _require_inside(shape: tuple[int, ...], index: Index) -> None:
    picked = [each for each in index if each is not ...]
    if len(picked) > len(shape):
        has = f"{len(shape)} {'axis' if len(shape) == 1 else 'axes'}" if shape else "no entries to pick"
        raise InputError(f"{len(picked)} indices are too many: this is {format_shape(shape)}, and has {has}")
    first = index.index(...) if ... in index else len(index)
    axes = [axis if axis < first else len(shape) - len(picked) + axis for axis in range(len(picked))]
    for axis, each in zip(axes, picked, strict=True):
        n = shape[axis]
        if isinstance(each, int) and not -n <= each < n:
            has = f"its indices are 0 to {n - 1}, or -{n} to -1" if n else "it has no entries"
            along = f" along axis {axis}" if len(shape) > 1 else ""
            raise InputError(f"index {each} is out of range: this is {format_shape(shape)}, and{along} {has}")


def _stacked(*parts: Array) -> Array:
    shapes = [part.shape for part in parts]
    for place, shape in enumerate(shapes):
        if shape != shapes[0]:
            one, other = format_shape(shapes[0]), format_shape(shape)
            raise InputError(f"entries 0 and {place} of [ ] differ in shape, {one} and {other}: they must have one")
    return np.stack(parts)


STACK = Function(
    name="stack",
    kind="shape-changing",
    value=_stacked,
    rule=Jvp(lambda *both: _stacked(*both[len(both) // 2 :])),
    others=(Vjp(lambda *given: tuple(given[-1])),),
)
