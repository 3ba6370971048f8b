"""The softmax family, which couples the entries of a line: a table of value and jvp, the tangent pushed through.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists. An entry of a
Jacobian that is 1 minus a weight is never computed so, but as the sum of all the other weights.
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import difference
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["COUPLED", "exponentials", "log_softmax", "log_softmax_jvp", "softmax"]


def exponentials(x: Array, axis: int | None) -> tuple[Array, Array]:
    """Return the maximum along the axis, -inf of nothing, with that axis kept; and exp(x - maximum), at it 1."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    below, rest = _below(x, top)
    e = np.exp(below)
    return top, e + e * rest


def _below(x: Array, top: Array) -> tuple[Array, Array]:
    """Split x - top into the rounded difference and what it lacks; both 0 where x is the top, though it be infinite."""
    with np.errstate(invalid="ignore"):  # inf - inf
        below, rest = difference(x, top)
    return np.where(x == top, 0.0, below), np.where(np.isfinite(rest), rest, 0.0)


def softmax(x: Array, *, axis: int | None = -1) -> Array:
    """exp(x) over its sum; the limit where one entry is +inf, and NaN where several compete for an infinite maximum."""
    top, e = exponentials(x, axis)
    return np.where(_undecided(x, top, axis), np.nan, e / e.sum(axis=axis, keepdims=True))


def _undecided(x: Array, top: Array, axis: int | None) -> Array:
    return np.asarray(np.isinf(top) & ((x == top).sum(axis=axis, keepdims=True) > 1))


def _softmax_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    s = softmax(x, axis=axis)
    relative, mean = _relative(s, dx, axis)
    return np.asarray(s * (relative - mean))


def _relative(s: Array, dx: Array, axis: int) -> tuple[Array, Array]:
    """Take a constant off dx, and give that and its mean by the weights s, so that their difference keeps its digits.

    Where one entry has more than half of the weight, the constant is that entry's dx: of its 1 - s_i, which cancels,
    Σ_{j≠i} s_j remains. Every other 1 - s_i is above a half.
    """
    heavy = np.where(s > 0.5, dx, 0.0).sum(axis=axis, keepdims=True)
    relative = dx - heavy
    return relative, (s * relative).sum(axis=axis, keepdims=True)


def _softmin(x: Array, *, axis: int = -1) -> Array:
    return softmax(-x, axis=axis)


def _softmin_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    return -_softmax_jvp(-x, dx, axis=axis)


def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """Return log(softmax(x))."""
    top, e = exponentials(x, axis)
    below, rest = _below(x, top)
    at_top = x == top
    equals = at_top.sum(axis=axis, keepdims=True)
    # The 1 that a maximum adds is left to log1p, so that small others keep their digits.
    others = np.where(at_top, 0.0, e).sum(axis=axis, keepdims=True) + np.maximum(equals - 1, 0)
    return np.where(_undecided(x, top, axis), np.nan, (below - np.log1p(others)) + rest)


def log_softmax_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    """Push a tangent through log_softmax."""
    relative, mean = _relative(softmax(x, axis=axis), dx, axis)
    return np.asarray(relative - mean)


def _sparsemax(x: Array, *, axis: int = -1) -> Array:
    return np.maximum(_above_threshold(x, axis), 0.0)


def _sparsemax_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    above = _above_threshold(x, axis)
    support = above > 0
    number = np.maximum(support.sum(axis=axis, keepdims=True), 1)
    mean = np.where(support, dx, 0.0).sum(axis=axis, keepdims=True) / number
    return np.where(np.isnan(above), np.nan, np.where(support, dx - mean, 0.0))


def _above_threshold(x: Array, axis: int) -> Array:
    """Return x minus the τ for which the entries above τ exceed it by 1 in all."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    z = np.maximum(_below(x, top)[0], -2.0)  # from -1 down none is above the threshold
    ordered = np.moveaxis(-np.sort(-z, axis=axis), axis, -1)
    sums = np.cumsum(ordered, axis=-1)
    number = np.arange(1, ordered.shape[-1] + 1)
    # The kth largest is above the threshold if the k - 1 before it exceed it by less than 1 in all.
    count = np.maximum((1 + number * ordered > sums).sum(axis=-1, keepdims=True), 1)
    total = np.where(number <= count, ordered, 0.0).sum(axis=-1, keepdims=True)
    threshold = np.moveaxis((total - 1) / count, -1, axis)
    return np.where(_undecided(x, top, axis), np.nan, z - threshold)


COUPLED = (
    Entry(
        name="softmax",
        kind="row-wise",
        formula="exp(x_i) / (exp(x_1) + ... + exp(x_n))",
        latex=r"\frac{e^{x_i}}{\sum_j e^{x_j}}",
        value=lambda x, *, axis=-1: softmax(x, axis=axis),
        jvp=_softmax_jvp,
        derivative_formula="s_i * (dx_i - (s_1 * dx_1 + ... + s_n * dx_n)), s = softmax(x)",
        properties=("symmetric",),
        source="Bridle 1990",
        note="torch's dim has no default that is not deprecated; jax, keras and tf take the last axis, as here",
    ),
    Entry(
        name="softmin",
        kind="row-wise",
        formula="exp(-x_i) / (exp(-x_1) + ... + exp(-x_n))",
        latex=r"\frac{e^{-x_i}}{\sum_j e^{-x_j}}",
        value=_softmin,
        jvp=_softmin_jvp,
        derivative_formula="-s_i * (dx_i - (s_1 * dx_1 + ... + s_n * dx_n)), s = softmin(x)",
        properties=("symmetric",),
    ),
    Entry(
        name="log_softmax",
        kind="row-wise",
        formula="x_i - log(exp(x_1) + ... + exp(x_n))",
        latex=r"x_i - \log \sum_j e^{x_j}",
        value=log_softmax,
        jvp=log_softmax_jvp,
        derivative_formula="dx_i - (s_1 * dx_1 + ... + s_n * dx_n), s = softmax(x)",
    ),
    Entry(
        name="sparsemax",
        kind="row-wise",
        formula="max(x_i - t, 0), t such that these add up to 1",
        latex=r"\max(x_i - \tau, 0), \quad \sum_j \max(x_j - \tau, 0) = 1",
        value=_sparsemax,
        jvp=_sparsemax_jvp,
        derivative_formula="dx_i - mean of dx_j where x_j > t, if x_i > t, else 0",
        source="Martins & Astudillo 2016",
        note="keras.activations.sparsemax 3.15 sums its cumulative sums, and is wrong where several entries survive",
    ),
    Entry(
        name="transpose",
        kind="shape-changing",
        formula="x.T",
        latex=r"X^\top",
        value=np.transpose,
        jvp=lambda x, dx: np.transpose(dx),  # noqa: ARG005
        derivative_formula="dx.T",
        properties=("permutation",),
        note="of more than two axes, all in reverse order, as in numpy",
    ),
)
