"""A line divided by its norm, or with its mean taken off: a table of value and jvp, the tangent pushed through.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists. Nothing overflows
before the result does. At a line with one infinite entry, the limit; with several there is none.
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.projection import centered, direction, project_out, safe_quotient
from jacinspect.functions.catalogue.entry import Entry, not_negative
from jacinspect.functions.function import Array

__all__ = ["UNIT_NORMS"]


def _center(x: Array, *, axis: int = -1) -> Array:
    u, power, infinite = direction(x, axis)
    at_infinity = np.where(np.isinf(x), x, 0.0)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        limit = x - at_infinity.sum(axis=axis, keepdims=True)
        alone = np.isinf(x) & (np.isinf(x).sum(axis=axis, keepdims=True) == 1)
    limit = np.where(alone, x if x.shape[axis] > 1 else 0.0, limit)
    return np.where(infinite, limit, np.ldexp(centered(u, axis), power))


def _norms(x: Array, axis: int, eps: float, order: int) -> tuple[Array, Array, Array, Array, Array]:
    """Return x and its norm over a power of 2; that power; whether the norm is below eps; and an entry infinite."""
    u, power, infinite = direction(x, axis)
    size = np.abs(u).sum(axis=axis, keepdims=True) if order == 1 else np.sqrt((u * u).sum(axis=axis, keepdims=True))
    return u, size, power, ~infinite & (np.ldexp(size, power) < eps), infinite


def _normalize(order: int, x: Array, *, axis: int = -1, eps: float = 1e-12) -> Array:
    u, size, _, below, _ = _norms(x, axis, eps, order)
    return np.where(below, x / (eps or 1.0), safe_quotient(u, size))


def _l2_normalize(x: Array, *, axis: int = -1, eps: float = 1e-12) -> Array:
    return _normalize(2, x, axis=axis, eps=eps)


def _l2_normalize_jvp(x: Array, dx: Array, *, axis: int, eps: float) -> Array:
    u, size, power, below, infinite = _norms(x, axis, eps, 2)
    slope = np.ldexp(safe_quotient(project_out(safe_quotient(u, size), dx, axis), size), -power)
    return np.where(below, dx / (eps or 1.0), np.where(infinite & ~np.isnan(slope), 0.0, slope))


def _l1_normalize(x: Array, *, axis: int = -1, eps: float = 1e-12) -> Array:
    return _normalize(1, x, axis=axis, eps=eps)


def _l1_normalize_jvp(x: Array, dx: Array, *, axis: int, eps: float) -> Array:
    u, size, power, below, infinite = _norms(x, axis, eps, 1)
    y = safe_quotient(u, size)
    # A tangent along x gives 0, so any multiple of x may be taken off: that which leaves 0 at an entry with more than
    # half of the norm, whose 1 - |y_i| cancels.
    heavy = np.abs(y) > 0.5
    ratio = np.where(heavy, dx / np.where(heavy, y, 1.0), 0.0).sum(axis=axis, keepdims=True)
    relative = np.where(heavy, 0.0, dx - y * ratio)
    tangent = relative - y * (np.sign(x) * relative).sum(axis=axis, keepdims=True)
    slope = np.ldexp(safe_quotient(tangent, size), -power)
    return np.where(below, dx / (eps or 1.0), np.where(infinite & ~np.isnan(slope), 0.0, slope))


UNIT_NORMS = (
    Entry(
        name="l2_normalize",
        aliases=("normalize", "unit_normalization"),
        kind="row-wise",
        formula="x_i / max(norm(x), eps)",
        latex=r"\frac{x_i}{\max(\lVert x \rVert_2, \varepsilon)}",
        value=_l2_normalize,
        jvp=_l2_normalize_jvp,
        objection=not_negative("eps"),
        derivative_formula="(dx_i - y_i * (y_1 * dx_1 + ... + y_n * dx_n)) / norm(x), dx_i / eps if norm(x) < eps",
        properties=("symmetric",),
        note="torch's normalize(p=2) takes axis 1; eps is torch's, tf's epsilon is one of the norm's square",
    ),
    Entry(
        name="l1_normalize",
        kind="row-wise",
        formula="x_i / max(|x_1| + ... + |x_n|, eps)",
        latex=r"\frac{x_i}{\max(\lVert x \rVert_1, \varepsilon)}",
        value=_l1_normalize,
        jvp=_l1_normalize_jvp,
        objection=not_negative("eps"),
        derivative_formula=(
            "(dx_i - y_i * (sign(x_1) * dx_1 + ... + sign(x_n) * dx_n)) / norm1(x), dx_i / eps if norm1(x) < eps"
        ),
        note="torch's normalize(p=1) takes axis 1; at 0, sign is 0",
    ),
    Entry(
        name="center",
        kind="row-wise",
        formula="x_i - (x_1 + ... + x_n) / n",
        latex=r"x_i - \frac{1}{n} \sum_j x_j",
        value=_center,
        jvp=lambda x, dx, *, axis: centered(dx, axis),  # noqa: ARG005
        derivative_formula="dx_i - (dx_1 + ... + dx_n) / n",
        properties=("symmetric",),
    ),
)
