"""The losses of predictions x and targets y: a table of value and jvp, with torch's shapes and reductions.

entry.py makes a Function of each row. The rules take whole float64 arrays as they were given, and check themselves
which shapes fit.
"""

from typing import Literal

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.coupled import log_softmax, log_softmax_jvp
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array
from jacinspect.wording import format_shape

__all__ = ["LOSSES", "class_axis", "probabilities"]

Reduction = Literal["mean", "sum", "none"]


def _mse(x: Array, y: Array, *, reduction: Reduction = "mean") -> Array:
    d = _difference(x, y)
    return _reduced(d, d, reduction)


def _mse_jvp(x: Array, y: Array, dx: Array, dy: Array, *, reduction: Reduction) -> Array:
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        moved = dx - dy
        return _reduced(np.where(moved == 0, 0.0, 2.0 * _difference(x, y)), moved, reduction)


def _difference(x: Array, y: Array) -> Array:
    if x.shape != y.shape:
        shapes = f"x {format_shape(x.shape)} and y {format_shape(y.shape)}"
        raise InputError(f"mse: {shapes} differ in shape; they are not broadcast, as n×1 against n would be to n×n")
    with np.errstate(invalid="ignore"):
        return np.asarray(x - y)


def _reduced(a: Array, b: Array, reduction: Reduction) -> Array:
    """Multiply, and add up or average; divided first, so that nothing overflows before the mean does."""
    with np.errstate(invalid="ignore"):
        if reduction == "none":
            return a * b
        if reduction == "mean" and not a.size:
            raise InputError("mse: operands without entries have no mean; there is reduction=sum")
        return np.asarray((a * (b / a.size if reduction == "mean" else b)).sum())


def _cross_entropy(x: Array, y: Array, *, reduction: Reduction = "mean") -> Array:
    axis, p = class_axis(x), probabilities(x, y)
    return _over_samples(-_product(p, log_softmax(x, axis=axis), axis), reduction)


def _cross_entropy_jvp(x: Array, y: Array, dx: Array, dy: Array, *, reduction: Reduction) -> Array:
    axis, p = class_axis(x), probabilities(x, y)
    result = -_product(p, log_softmax_jvp(x, dx, axis=axis), axis)
    if dy.any():
        if y.shape != x.shape:
            raise InputError("cross_entropy: y holds labels, and there is no derivative by them")
        result = result - _product(dy, log_softmax(x, axis=axis), axis)
    return _over_samples(result, reduction)


def _product(p: Array, logs: Array, axis: int) -> Array:
    """Sum p · logs over the classes; a probability of 0 selects nothing, not 0 · -inf."""
    with np.errstate(invalid="ignore"):
        return np.asarray((np.where(p == 0, 0.0, logs) * p).sum(axis=axis))


def _over_samples(losses: Array, reduction: Reduction) -> Array:
    if reduction == "none":
        return losses
    if reduction == "mean" and not losses.size:
        raise InputError("cross_entropy: no samples have no mean; there is reduction=sum")
    return np.asarray(losses.sum() / (losses.size if reduction == "mean" else 1))


def class_axis(x: Array) -> int:
    """Return the axis of the classes: the only one of a vector, the second of anything else, as in torch."""
    if not x.ndim:
        raise InputError("cross_entropy: x holds a number for each class: a vector, or a row for each sample")
    return min(x.ndim - 1, 1)


def probabilities(x: Array, y: Array) -> Array:
    """Return y, of x's shape, or where it holds labels, 1 at each of them and 0 elsewhere."""
    axis = class_axis(x)
    classes, of_labels = x.shape[axis], x.shape[:axis] + x.shape[axis + 1 :]
    if y.shape == x.shape:
        return y
    wanted = f"one label from 0 to {classes - 1}"
    wanted += f" for each sample, {format_shape(of_labels)}" if of_labels else ""
    example = f", such as y={[k % max(classes, 1) for k in range(*of_labels)]}" if len(of_labels) == 1 else ""
    if y.shape != of_labels:
        shapes = f"cross_entropy: x {format_shape(x.shape)} and y {format_shape(y.shape)} do not go together"
        raise InputError(f"{shapes}: y holds {wanted}, or probabilities, {format_shape(x.shape)}")
    wrong = ~((y == np.rint(y)) & (y >= 0) & (y < classes))
    if wrong.any():
        raise InputError(f"cross_entropy: y holds {y[wrong][0]:.6g}, which is no label: it needs {wanted}{example}")
    return np.moveaxis(np.eye(classes)[y.astype(np.intp)], -1, axis)


_REDUCED_MSE: dict[str, dict[str, str]] = {
    "sum": {
        "formula": "(x_1 - y_1)**2 + ... + (x_n - y_n)**2",
        "latex": r"\sum_k (x_k - y_k)^2",
        "derivative_formula": "2 * ((x_1 - y_1) * (dx_1 - dy_1) + ... + (x_n - y_n) * (dx_n - dy_n))",
    },
    "none": {
        "formula": "(x - y)**2",
        "latex": "(x - y)^2",
        "derivative_formula": "2 * (x - y) * (dx - dy)",
    },
}

LOSSES = (
    Entry(
        name="mse",
        aliases=("mse_loss", "mean_squared_error"),
        kind="reduction",
        operands=("x", "y"),
        formula="((x_1 - y_1)**2 + ... + (x_n - y_n)**2) / n",
        latex=r"\frac{1}{n} \sum_k (x_k - y_k)^2",
        value=_mse,
        jvp=_mse_jvp,
        derivative_formula="2 * ((x_1 - y_1) * (dx_1 - dy_1) + ... + (x_n - y_n) * (dx_n - dy_n)) / n",
        rewritten=lambda reduction: _REDUCED_MSE.get(reduction, {}),
        note="x and y of one shape; the reduction is mean, sum or none, as torch's",
    ),
    Entry(
        name="cross_entropy",
        aliases=("cross_entropy_loss", "softmax_cross_entropy"),
        kind="reduction",
        operands=("x", "y"),
        formula="-mean over samples of y_1 * log s_1 + ... + y_c * log s_c, s = softmax(x)",
        latex=r"-\frac{1}{N} \sum_{n,c} y_{nc} \log \operatorname{softmax}(x_n)_c",
        value=_cross_entropy,
        jvp=_cross_entropy_jvp,
        derivative_formula="mean over samples of (s * sum(y) - y) . dx - log(s) . dy, s = softmax(x)",
        note="x holds logits, the classes along its second axis (of a vector, the only one), as in torch; y holds "
        "labels, whole numbers from 0, without that axis, or probabilities (one-hot too) of x's shape",
    ),
)
