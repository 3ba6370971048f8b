"""One function of the catalogue in reverse: its vjp, and what that changes by along tangents. Next: reverse.py.

The vjp of an element-wise function is its slopes; their own derivatives are read off their formulas, themselves
expressions. Those of a few others are in vjps.py; what is left is pushed forward, one entry at a time.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.expressions.evaluation import Part, push
from jacinspect.functions.expressions.grammar import parse
from jacinspect.functions.expressions.pullbacks import Pullback, pullback
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.expressions.symbolic import derivative_formula, written_out
from jacinspect.functions.expressions.vjps import SECOND, VJPS, summed, times
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import NoSecondDerivativeError, Slopes, Vjp

__all__ = ["bent", "pulled", "second_formula"]

_SAME = 1e-6  # relative: a formula that has lost more digits than that, as 0 / 0 far out, has no second derivative

# The vjp does not change with x, except at kinks.
_LINEAR = {
    "entries", "stack", "trace",
    "where", "sum", "mean", "cumsum", "transpose", "flip", "roll", "flatten", "diff", "center", "max", "min", "median",
    "sort", "cummax", "cummin", "l1_norm", "maxout", "crelu", "sparsemax",
}  # fmt: skip
# The vjp at x changes along v by the vjp at v.
_QUADRATIC = {"matmul", "dot", "var", "bilinear_glu", "outer", "kron", "mse"}

Tangents = Sequence[Array | None]


def pulled(function: Function, values: Sequence[Array], cotangent: Array, by: Sequence[bool]) -> list[Array]:
    """Pull a cotangent of a function's value back to each operand that `by` is true for; 0 to the others."""
    if isinstance(function.rule, Slopes):
        return [
            summed(times(partial(*values), cotangent), x.shape) if wanted else np.zeros(x.shape)
            for partial, x, wanted in zip(function.rule.partials, values, by, strict=True)
        ]
    for rule in function.others:
        if isinstance(rule, Vjp):
            return list(rule.pull(*values, cotangent))
    written = None if function.name == "det" else pullback(function, values, cotangent)  # it may be singular
    if written is not None:
        return [
            written.pulled(k) if wanted else np.zeros(x.shape)
            for k, (x, wanted) in enumerate(zip(values, by, strict=True))
        ]
    own = VJPS.get(function.name)
    if own is not None:
        return own(function, values, cotangent)
    found = []
    for place, x in enumerate(values):
        alone: list[Array | None] = [None] * len(values)
        products = np.zeros(x.size)
        for k, unit in enumerate(np.eye(x.size) if by[place] else ()):
            alone[place] = unit.reshape(x.shape)
            products[k] = np.sum(function.push(values, alone) * cotangent)
        found.append(products.reshape(x.shape))
    return found


def bent(
    function: Function, values: Sequence[Array], tangents: Tangents, cotangent: Array, by: Sequence[bool]
) -> list[Array]:
    """Return what the vjp at these values changes by along tangents of the operands, None for one that does not move.

    As of `pulled`, it is 0 where `by` is false.

    Raises
    ------
    NoSecondDerivativeError
        If it is not known.
    """
    if isinstance(function.rule, Slopes):
        return _of_slopes(function, values, tangents, cotangent, by)
    if function.name in _LINEAR:
        return [np.zeros(x.shape) for x in values]
    moves = [np.zeros(x.shape) if v is None else np.asarray(v) for x, v in zip(values, tangents, strict=True)]
    if function.name in _QUADRATIC:
        return pulled(function, moves, cotangent, by)
    written = pullback(function, values, cotangent)
    if written is not None:
        return _bent(function, written, values, tangents, by)
    if function.name not in SECOND:
        raise NoSecondDerivativeError(f"the second derivative of {function.name} is not known")
    return [np.asarray(SECOND[function.name](function, values[0], moves[0], cotangent))]


def _bent(
    function: Function, written: Pullback, values: Sequence[Array], tangents: Tangents, by: Sequence[bool]
) -> list[Array]:
    try:
        return [
            written.bent(k, tangents) if wanted else np.zeros(x.shape)
            for k, (x, wanted) in enumerate(zip(values, by, strict=True))
        ]
    except np.linalg.LinAlgError as error:  # the determinant of a singular matrix
        raise NoSecondDerivativeError(f"the second derivative of {function.name} is not known here: {error}") from None


def _of_slopes(
    function: Function, values: Sequence[Array], tangents: Tangents, cotangent: Array, by: Sequence[bool]
) -> list[Array]:
    """Return, for each operand, Σ ∂²f/∂x∂y · v · cotangent over the operands that move."""
    assert isinstance(function.rule, Slopes)
    formulas, names = function.partial_formulas or (function.derivative_formula,), function.operands
    point, found = dict(zip(names, values, strict=True)), []
    moves = {name: move for name, move in zip(names, tangents, strict=True) if move is not None}
    for formula, partial, x, wanted in zip(formulas, function.rule.partials, values, by, strict=True):
        if not wanted:
            found.append(np.zeros(x.shape))
            continue
        typed, tree = _read(formula, names, tuple(function.parameters.items()))
        slope, change = push(typed, tree, point, moves)
        if not np.allclose(slope, partial(*values), _SAME, 0, equal_nan=True):
            raise NoSecondDerivativeError(f"the formula of {function.name}' loses its digits here")
        change = np.zeros(()) if change is None else change
        found.append(summed(times(np.broadcast_to(change, cotangent.shape), cotangent), x.shape))
    return found


def _written(names: Sequence[str], parameters: Mapping[str, Any], formula: str) -> ast.expr | None:
    """Read the formula of a derivative, in which s is sigmoid."""
    text = re.sub(r"\bs\(", "sigmoid(", formula.partition(", s = ")[0])
    return written_out(names, parameters, text, [ast.Name(name) for name in names])


@cache
def _read(formula: str, names: tuple[str, ...], parameters: tuple[tuple[str, Any], ...]) -> tuple[Typed, Part]:
    """Read the formula of a derivative as an expression in the operands."""
    written = _written(names, dict(parameters), formula)
    if written is None:
        raise NoSecondDerivativeError(f"{formula!r} is no expression")
    typed = Typed.stripped(ast.unparse(written))
    try:
        return typed, parse(typed, {}).tree
    except InputError as error:
        raise NoSecondDerivativeError(str(error)) from error


def second_formula(function: Function) -> str:
    """Write f'' of an element-wise function whose derivative has a formula; "" where that is no expression."""
    with suppress(NoSecondDerivativeError):
        _, tree = _read(function.derivative_formula, ("x",), tuple(function.parameters.items()))
        return derivative_formula(tree, "x")
    return ""
