"""Forward mode twice: the second derivative of expressions, and of the catalogue's functions. Next: inspection.

In: a tree of grammar.py, or a function of the catalogue. Out: D²f[u, v] at a point. A part changes by its own D², and by
its derivative times what its arguments change by. The D² of an element-wise function is read off its derivative's
formula, itself an expression; those of a few others are written here.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.expressions.evaluation import Part, apply
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.expressions.symbolic import written_out
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import NoSecondDerivativeError, Slopes

__all__ = ["bend_of", "bend_of_tree"]

_SAME = 1e-6  # relative: a formula that has lost more digits than that, as 0 / 0 far out, has no second derivative

# The differential does not change with x, except at kinks.
_LINEAR = {
    "where", "sum", "mean", "cumsum", "transpose", "flip", "roll", "flatten", "diff", "center", "max", "min", "median",
    "sort", "cummax", "cummin", "l1_norm", "maxout", "crelu", "sparsemax",
}  # fmt: skip
_QUADRATIC = {"matmul", "dot", "var", "bilinear_glu"}  # D²f[u, v] is the differential at u, along v

Tangents = Sequence[Array | None]


class _Moved(NamedTuple):
    """A part's value, its tangents along u and along v, and its second differential; None is 0."""

    value: Array
    u: Array | None
    v: Array | None
    uv: Array | None


def bend_of_tree(
    typed: Typed, tree: Part, point: Mapping[str, Array], us: Mapping[str, Array], vs: Mapping[str, Array]
) -> Array:
    """Return D²f[u, v] of an expression at a point, all by the names of operands.

    Raises
    ------
    NoSecondDerivativeError
        If a function in it has none that is known.
    """
    moved = _moved(typed, tree, point, us, vs)
    return np.zeros(moved.value.shape) if moved.uv is None else np.broadcast_to(moved.uv, moved.value.shape)


def _moved(
    typed: Typed, part: Part, point: Mapping[str, Array], us: Mapping[str, Array], vs: Mapping[str, Array]
) -> _Moved:
    if part.constant is not None:
        return _Moved(np.asarray(part.constant), None, None, None)
    if part.function is None:
        return _Moved(point[part.operand], us.get(part.operand), vs.get(part.operand), None)
    arguments = [_moved(typed, argument, point, us, vs) for argument in part.arguments]
    values, u, v, uv = (list(each) for each in zip(*arguments, strict=True))
    value = apply(typed, part, values)
    along = [None if all(move is None for move in moves) else part.function.push(values, moves) for moves in (u, v, uv)]
    if along[0] is not None and along[1] is not None:
        bent = bend_of(part.function)(values, u, v)
        along[2] = bent if along[2] is None else along[2] + bent
    return _Moved(value, *along)


def bend_of(function: Function) -> Callable[[Sequence[Array], Tangents, Tangents], Array]:
    """Return D²f[u, v] of a function of the catalogue, a callable of its operands and two tangents of each."""

    def bend(values: Sequence[Array], us: Tangents, vs: Tangents) -> Array:
        if isinstance(function.rule, Slopes):
            return _of_slopes(function, values, us, vs)
        if function.name in _LINEAR:
            return np.zeros(np.shape(function.value(*values)))
        u, v = ([np.zeros(np.shape(x)) if t is None else t for x, t in zip(values, ts, strict=True)] for ts in (us, vs))
        if function.name in _QUADRATIC:
            return function.push(u, v)
        if function.name not in _COUPLED:
            raise NoSecondDerivativeError(f"the second derivative of {function.name} is not known")
        return np.asarray(_COUPLED[function.name](function, values[0], u[0], v[0]))

    return bend


# --- Element-wise functions -------------------------------------------------------------------------------------------


def _of_slopes(function: Function, values: Sequence[Array], us: Tangents, vs: Tangents) -> Array:
    """Return Σ ∂²f/∂x∂y · u · v over the operands that move."""
    assert isinstance(function.rule, Slopes)
    formulas = function.partial_formulas or (function.derivative_formula,)
    names, total = function.operands, np.zeros(())
    for formula, partial, u in zip(formulas, function.rule.partials, us, strict=True):
        if u is None:
            continue
        slope = _slope(formula, names, tuple(function.parameters.items()))
        point = dict(zip(names, values, strict=True))
        tangents = {name: v for name, v in zip(names, vs, strict=True) if v is not None and name in slope.operands}
        if not tangents:
            continue
        read = [point[name] for name in slope.operands]
        if not np.allclose(slope(*read), partial(*values), _SAME, 0, equal_nan=True):
            raise NoSecondDerivativeError(f"the formula of {function.name}' loses its digits here")
        bent = slope.push(read, [tangents.get(name) for name in slope.operands])
        with np.errstate(all="ignore"):
            total = total + np.where(u == 0, 0, bent) * u
    return np.broadcast_to(total, np.shape(function.value(*values)))


@cache
def _slope(formula: str, names: tuple[str, ...], parameters: tuple[tuple[str, Any], ...]) -> Function:
    """Read the formula of a derivative as an expression in the operands, in which s is sigmoid."""
    from jacinspect.functions.expressions.expression import expression  # which imports this

    text = re.sub(r"\bs\(", "sigmoid(", formula)
    written = written_out(names, dict(parameters), text, [ast.Name(name) for name in names])
    if written is None:
        raise NoSecondDerivativeError(f"{formula!r} is no expression")
    try:
        return expression(ast.unparse(written))
    except InputError as error:
        raise NoSecondDerivativeError(str(error)) from error


# --- Others -----------------------------------------------------------------------------------------------------------


def _lines(function: Function) -> dict[str, Any]:
    return {"axis": function.parameters.get("axis"), "keepdims": True}


def _of_softmax(function: Function, x: Array, u: Array, v: Array) -> Array:
    along = _lines(function)
    moved = function.push([x], [v])
    return moved * (u - (function(x) * u).sum(**along)) - function(x) * (moved * u).sum(**along)


def _of_log_softmax(function: Function, x: Array, u: Array, v: Array) -> Array:
    softmax = catalogue.function("softmax", axis=function.parameters["axis"])
    return np.broadcast_to(-(softmax.push([x], [v]) * u).sum(**_lines(function)), x.shape)


def _of_logsumexp(function: Function, x: Array, u: Array, v: Array) -> Array:
    axis = function.parameters["axis"]
    flat = x.reshape(-1), v.reshape(-1)
    softmax = catalogue.function("softmax", axis=-1 if axis is None else axis)
    moved = softmax.push([x], [v]) if axis is not None else softmax.push([flat[0]], [flat[1]]).reshape(x.shape)
    return np.asarray((moved * u).sum(axis=axis, keepdims=function.parameters["keepdims"]))


def _of_norm(function: Function, x: Array, u: Array, v: Array) -> Array:
    along = {"axis": function.parameters["axis"], "keepdims": function.parameters["keepdims"]}
    length = function(x)
    with np.errstate(all="ignore"):
        across = (u * v).sum(**along) - (x * u).sum(**along) / length * ((x * v).sum(**along) / length)
        return np.asarray(across / length)


_COUPLED = {
    "softmax": _of_softmax,
    "log_softmax": _of_log_softmax,
    "logsumexp": _of_logsumexp,
    "logmeanexp": _of_logsumexp,
    "norm": _of_norm,
}
