"""Bounds of the spectral norm of a matrix that is too large for its singular values. Next: spectrum.

From below by a vector that power iteration finds; from above by the Perron root of |J| + E, E being the bars, which for
any positive x is at most the largest (AᵀAx)ᵢ/xᵢ (Collatz 1942).
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.interval import Within
from jacinspect.jacobian.spectra.parts import ROUNDING, Entries

__all__ = ["spectral_norm"]

_ITERATIONS = 30  # each multiplies the distance to the norm by the ratio of the two largest singular values, squared


@np.errstate(all="ignore")
def spectral_norm(entries: Entries) -> Within:
    """Return ‖J‖₂ between the bounds, at the cost of some 100 products with J."""
    longest = max((int(np.bincount(line).max(initial=0)) for line in (entries.rows, entries.columns)), default=0)
    rounding = 1 + 2 * longest * ROUNDING
    bars = _above(Entries(entries.shape, entries.rows, entries.columns, entries.bars, entries.bars)) * rounding
    high = _above(
        Entries(entries.shape, entries.rows, entries.columns, np.abs(entries.values) + entries.bars, entries.bars)
    )
    below = _below(entries)
    low = below / rounding - bars
    if not np.isfinite(high):
        return Within(below if np.isfinite(below) else 0.0, 0.0, np.inf)
    return Within(below, max(low, 0.0), high * rounding)


def _above(entries: Entries) -> float:
    """Bound the norm of a matrix whose values are at least 0."""
    x, bound = np.ones(entries.shape[1]), np.inf
    for _ in range(_ITERATIONS):
        y = _transposed(entries, _product(entries, x))
        bound = min(bound, float(np.max(y / x, initial=0.0)))
        if not 0 < bound < np.inf:
            break
        x = np.maximum(y / y.max(), np.finfo(float).tiny ** 0.5)  # positive, so that the next bound is one
    return float(np.sqrt(bound))


def _below(entries: Entries) -> float:
    """Return ‖Jv‖ for a unit vector v that is stretched most, or nearly so."""
    v = np.random.default_rng(0).standard_normal(entries.shape[1])
    for _ in range(_ITERATIONS):
        v = _transposed(entries, _product(entries, v / np.linalg.norm(v)))
        if not np.linalg.norm(v) > 0:
            return 0.0
    return float(np.linalg.norm(_product(entries, v / np.linalg.norm(v))))


def _product(entries: Entries, x: Array) -> Array:
    return np.bincount(entries.rows, entries.values * x[entries.columns], entries.shape[0])


def _transposed(entries: Entries, x: Array) -> Array:
    return np.bincount(entries.columns, entries.values * x[entries.rows], entries.shape[1])
