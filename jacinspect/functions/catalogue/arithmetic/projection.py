"""A line of an array as a direction: brought near 1, centered, divided by its length; and what is beside it.

In: whole float64 arrays and an axis. Next: the tables of normalizations.py and unit_norms.py.
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import difference, product
from jacinspect.functions.catalogue.arithmetic.scaling import scaled
from jacinspect.functions.function import Array

__all__ = ["centered", "direction", "project_out", "safe_quotient"]


def direction(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """Return x over a power of 2, NaN if it has no direction; that power; and whether an entry is infinite."""
    u, power, top = scaled(x, axis)
    lost = np.isnan(top) | (np.isinf(x).sum(axis=axis, keepdims=True) > 1)
    return np.where(lost, np.nan, u), power, np.isinf(top)


def centered(x: Array, axis: int) -> Array:
    """Subtract the mean, computed to twice the digits, so that an entry close to it keeps its own digits."""
    total, lacks = _sum(np.moveaxis(x, axis, -1))
    n = np.array(float(max(x.shape[axis], 1)))
    mean = total / n
    multiple, rest = product(mean, n)
    d, lost = difference(x, np.moveaxis(mean, -1, axis))
    return np.asarray(d + (lost - np.moveaxis(((total - multiple) - rest + lacks) / n, -1, axis)))


def _sum(x: Array) -> tuple[Array, Array]:
    """Split the sum along the last axis, kept, into a rounded one and what it lacks, neighbours being added first."""
    n = max(x.shape[-1], 1)
    missing = 2 ** (n - 1).bit_length() - x.shape[-1]
    x = np.concatenate([x, np.zeros((*x.shape[:-1], missing))], axis=-1)  # np.pad takes ten times as long
    lacks = np.zeros_like(x)
    while x.shape[-1] > 1:
        x, rest = difference(x[..., ::2], -x[..., 1::2])
        lacks = lacks[..., ::2] + lacks[..., 1::2] + rest
    return x, lacks


def project_out(line: Array, dx: Array, axis: int, *, and_mean: bool = False) -> Array:
    """Remove from dx its component along a line of length 1, and with `and_mean` its mean too.

    Twice, because what a rounded projection leaves along the line can be more than all the rest.
    """
    for _ in range(2):
        dx = centered(dx, axis) if and_mean else dx
        dx = dx - line * (line * dx).sum(axis=axis, keepdims=True)
    return dx


def safe_quotient(x: Array, divisor: Array) -> Array:
    """Divide; NaN where both are 0."""
    return np.where(divisor == 0, np.nan, x / np.where(divisor == 0, 1.0, divisor))
