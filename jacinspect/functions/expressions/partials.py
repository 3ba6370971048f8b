"""One function of the catalogue in reverse: its vjp, and what that changes by along tangents. Next: reverse.py.

The vjp of an element-wise function is its slopes; their own derivatives are read off their formulas, themselves
expressions. Those of a few others are written here; what is left is pushed forward, one entry at a time.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.catalogue.matrices import cofactors
from jacinspect.functions.expressions.evaluation import Part, push
from jacinspect.functions.expressions.grammar import parse
from jacinspect.functions.expressions.pullbacks import Pullback, pullback
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.expressions.symbolic import derivative_formula, written_out
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
            _summed(_times(partial(*values), cotangent), x.shape) if wanted else np.zeros(x.shape)
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
    own = _VJPS.get(function.name)
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
    if function.name not in _SECOND:
        raise NoSecondDerivativeError(f"the second derivative of {function.name} is not known")
    return [np.asarray(_SECOND[function.name](function, values[0], moves[0], cotangent))]


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


def _times(slopes: Array, cotangent: Array) -> Array:
    """Multiply; a cotangent of 0 selects nothing, not 0 · inf."""
    with np.errstate(all="ignore"):
        return np.where(cotangent == 0, 0.0, slopes) * cotangent


def _summed(array: Array, shape: tuple[int, ...]) -> Array:
    """Sum an array over what broadcasting from a shape repeated."""
    extra = array.ndim - len(shape)
    repeated = tuple(
        axis for axis in range(array.ndim) if axis < extra or (shape[axis - extra] == 1 and array.shape[axis] != 1)
    )
    return np.asarray(array.sum(axis=repeated, keepdims=True)).reshape(shape)


# --- Element-wise functions -------------------------------------------------------------------------------------------


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
        found.append(_summed(_times(np.broadcast_to(change, cotangent.shape), cotangent), x.shape))
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


# --- Others -----------------------------------------------------------------------------------------------------------


def _spread(function: Function, x: Array, cotangent: Array) -> Array:
    """Broadcast a reduction's cotangent to the shape of its operand."""
    axis = function.parameters["axis"]
    if axis is not None and not function.parameters["keepdims"]:
        cotangent = np.expand_dims(cotangent, axis)
    return np.broadcast_to(cotangent, x.shape)


def _sum(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    return [_spread(function, values[0], cotangent)]


def _mean(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    return [_spread(function, values[0], cotangent) * (cotangent.size / max(values[0].size, 1))]


def _transpose(_: Function, __: Sequence[Array], cotangent: Array) -> list[Array]:
    return [cotangent.T]


def _where(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    """Give the cotangent to the arm that is taken, of operands c_0, …, a, b."""
    nothing = np.zeros(())
    of_arms = []
    for arm in (-2, -1):
        ones: list[Array | None] = [None] * (len(values) - 2) + [nothing, nothing]
        ones[arm] = np.ones(values[arm].shape)
        taken = np.broadcast_to(function.push(values, ones), cotangent.shape)
        of_arms.append(_summed(_times(taken, cotangent), values[arm].shape))
    return [*(np.zeros(x.shape) for x in values[:-2]), *of_arms]


def _matmul(_: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    x, y = values
    rows, columns = (x[None, :] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)
    c = np.expand_dims(cotangent, -1) if y.ndim == 1 else cotangent
    c = np.expand_dims(c, -2) if x.ndim == 1 else c
    by_x, by_y = c @ np.swapaxes(columns, -1, -2), np.swapaxes(rows, -1, -2) @ c
    return [_summed(by_x, rows.shape).reshape(x.shape), _summed(by_y, columns.shape).reshape(y.shape)]


def _trace(_: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    return [cotangent[..., None, None] * np.eye(*values[0].shape[-2:])]


def _det(_: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    return [cotangent[..., None, None] * cofactors(values[0])]


def _mse(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    x, y = values
    by_x = 2 * (x - y) * cotangent / (max(x.size, 1) if function.parameters["reduction"] == "mean" else 1)
    return [by_x, -by_x]


def _softmax_at(function: Function, x: Array) -> tuple[Function, Array]:
    """Return softmax along the axis of a function, and x in a shape that it takes."""
    axis = function.parameters["axis"]
    return catalogue.function("softmax", axis=-1 if axis is None else axis), x.reshape(-1) if axis is None else x


def _softmax(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    return [function.push(values, [cotangent])]  # its Jacobian is symmetric


def _softmax_second(function: Function, x: Array, v: Array, cotangent: Array) -> Array:
    axis, s, moved = function.parameters["axis"], function(x), function.push([x], [v])
    inside = cotangent - (s * cotangent).sum(axis=axis, keepdims=True)
    return np.asarray(moved * inside - s * (moved * cotangent).sum(axis=axis, keepdims=True))


def _log_softmax(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    softmax, x = _softmax_at(function, values[0])
    return [cotangent - softmax(x) * cotangent.sum(axis=function.parameters["axis"], keepdims=True)]


def _log_softmax_second(function: Function, x: Array, v: Array, cotangent: Array) -> Array:
    softmax, x = _softmax_at(function, x)
    return np.asarray(-softmax.push([x], [v]) * cotangent.sum(axis=function.parameters["axis"], keepdims=True))


def _logsumexp(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    softmax, x = _softmax_at(function, values[0])
    return [softmax(x).reshape(values[0].shape) * _spread(function, values[0], cotangent)]


def _logsumexp_second(function: Function, x: Array, v: Array, cotangent: Array) -> Array:
    softmax, flat = _softmax_at(function, x)
    return softmax.push([flat], [v.reshape(flat.shape)]).reshape(x.shape) * _spread(function, x, cotangent)


def _norm(function: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    (x,) = values
    length = _spread(function, x, function(x))
    return [_times(np.where(length == 0, 0.0, x / np.where(length == 0, 1.0, length)), _spread(function, x, cotangent))]


def _norm_second(function: Function, x: Array, v: Array, cotangent: Array) -> Array:
    axis, length = function.parameters["axis"], _spread(function, x, function(x))
    with np.errstate(all="ignore"):
        unit = x / length
        across = v - unit * (unit * v).sum(axis=axis, keepdims=True)
        return np.asarray(across / length * _spread(function, x, cotangent))


_VJPS: dict[str, Callable[[Function, Sequence[Array], Array], list[Array]]] = {
    "sum": _sum,
    "mean": _mean,
    "transpose": _transpose,
    "where": _where,
    "matmul": _matmul,
    "trace": _trace,
    "det": _det,
    "mse": _mse,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "logmeanexp": _logsumexp,
    "norm": _norm,
}
_SECOND: dict[str, Callable[[Function, Array, Array, Array], Array]] = {
    "softmax": _softmax_second,
    "log_softmax": _log_softmax_second,
    "logsumexp": _logsumexp_second,
    "logmeanexp": _logsumexp_second,
    "norm": _norm_second,
}
