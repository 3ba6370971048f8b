"""Vjps of the catalogue that are written by hand, by name, and what these change by along a tangent. Next: partials."""

from collections.abc import Callable, Sequence

import numpy as np

from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.catalogue.matrices import cofactors
from jacinspect.functions.function import Array, Function

__all__ = ["SECOND", "VJPS", "summed", "times"]


def times(slopes: Array, cotangent: Array) -> Array:
    """Multiply; a cotangent of 0 selects nothing, not 0 · inf."""
    with np.errstate(all="ignore"):
        return np.where(cotangent == 0, 0.0, slopes) * cotangent


def summed(array: Array, shape: tuple[int, ...]) -> Array:
    """Sum an array over what broadcasting from a shape repeated."""
    extra = array.ndim - len(shape)
    repeated = tuple(
        axis for axis in range(array.ndim) if axis < extra or (shape[axis - extra] == 1 and array.shape[axis] != 1)
    )
    return np.asarray(array.sum(axis=repeated, keepdims=True)).reshape(shape)


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
        of_arms.append(summed(times(taken, cotangent), values[arm].shape))
    return [*(np.zeros(x.shape) for x in values[:-2]), *of_arms]


def _matmul(_: Function, values: Sequence[Array], cotangent: Array) -> list[Array]:
    x, y = values
    rows, columns = (x[None, :] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)
    c = np.expand_dims(cotangent, -1) if y.ndim == 1 else cotangent
    c = np.expand_dims(c, -2) if x.ndim == 1 else c
    by_x, by_y = c @ np.swapaxes(columns, -1, -2), np.swapaxes(rows, -1, -2) @ c
    return [summed(by_x, rows.shape).reshape(x.shape), summed(by_y, columns.shape).reshape(y.shape)]


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
    return [times(np.where(length == 0, 0.0, x / np.where(length == 0, 1.0, length)), _spread(function, x, cotangent))]


def _norm_second(function: Function, x: Array, v: Array, cotangent: Array) -> Array:
    axis, length = function.parameters["axis"], _spread(function, x, function(x))
    with np.errstate(all="ignore"):
        unit = x / length
        across = v - unit * (unit * v).sum(axis=axis, keepdims=True)
        return np.asarray(across / length * _spread(function, x, cotangent))


VJPS: dict[str, Callable[[Function, Sequence[Array], Array], list[Array]]] = {
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
SECOND: dict[str, Callable[[Function, Array, Array, Array], Array]] = {
    "softmax": _softmax_second,
    "log_softmax": _log_softmax_second,
    "logsumexp": _logsumexp_second,
    "logmeanexp": _logsumexp_second,
    "norm": _norm_second,
}
