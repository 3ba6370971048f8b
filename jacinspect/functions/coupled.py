"""The functions that are not element-wise: a table of value and jvp, the tangent pushed through.

In: a name's row. Out, through catalogue.py: a Function. Rules see whole float64 arrays and an axis that exists.
"""

import numpy as np

from jacinspect.functions.entry import Entry
from jacinspect.functions.function import Array
from jacinspect.functions.rounding import difference

__all__ = ["COUPLED", "exponentials", "softmax"]


def exponentials(x: Array, axis: int | None) -> tuple[Array, Array]:
    """Give the maximum along the axis, -inf of nothing, with that axis kept; and exp(x - maximum), at it 1."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):  # inf - inf
        below, rest = difference(x, top)
    e = np.exp(np.where(x == top, 0.0, below))
    return top, e + e * np.where(np.isfinite(rest), rest, 0.0)


def softmax(x: Array, *, axis: int | None = -1) -> Array:
    """exp(x) over its sum; the limit where one entry is +inf, and NaN where several compete for an infinite maximum."""
    top, e = exponentials(x, axis)
    s = e / e.sum(axis=axis, keepdims=True)
    undecided = np.isinf(top) & ((x == top).sum(axis=axis, keepdims=True) > 1)
    return np.where(undecided, np.nan, s)


def _softmax_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    s = softmax(x, axis=axis)
    # A constant tangent gives 0, so any constant may be taken off. Where one entry has more than half of the weight, it
    # is that entry's dx: of its 1 - s_i, which cancels, Σ_{j≠i} s_j remains. Every other 1 - s_i is above a half.
    heavy = np.where(s > 0.5, dx, 0.0).sum(axis=axis, keepdims=True)
    relative = dx - heavy
    return np.asarray(s * (relative - (s * relative).sum(axis=axis, keepdims=True)))


def _cumsum(x: Array, *, axis: int = -1) -> Array:
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        return np.cumsum(x, axis=axis)


COUPLED = (
    Entry(
        name="softmax",
        kind="row-wise",
        formula="exp(x_i) / (exp(x_1) + ... + exp(x_n))",
        value=lambda x, *, axis=-1: softmax(x, axis=axis),
        jvp=_softmax_jvp,
        derivative_formula="s_i * (dx_i - (s_1 * dx_1 + ... + s_n * dx_n)), s = softmax(x)",
    ),
    Entry(
        name="cumsum",
        aliases=("cumulative_sum",),
        kind="row-wise",
        formula="x_1 + ... + x_i",
        value=_cumsum,
        jvp=lambda x, dx, *, axis: _cumsum(dx, axis=axis),  # noqa: ARG005
        derivative_formula="dx_1 + ... + dx_i",
    ),
    Entry(
        name="transpose",
        kind="shape-changing",
        formula="x.T",
        value=np.transpose,
        jvp=lambda x, dx: np.transpose(dx),  # noqa: ARG005
        derivative_formula="dx.T",
    ),
)
