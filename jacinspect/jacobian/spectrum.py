"""Singular values, eigenvalues and determinant of a Jacobian, each with what its error bars leave open.

In: a matrix as entries with bars. Out: intervals that hold the true value for every matrix within the bars. By Weyl's
inequality a singular value, or an eigenvalue of a symmetric matrix, moves by ‖E‖₂ at most, E being the bars and the
backward error of LAPACK; the determinant by what B⁻¹E allows. Each independent part is taken by itself. Next: the
pipeline's report.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.parts import ROUNDING, Entries, divided, length, most_entries, norm_bound, row_sum

__all__ = ["Interval", "defect", "eigenvalues", "singular_values", "spectral_radius"]

_RADIUS_ENTRIES = 2**17  # of all parts: so many are done in some seconds
_RADIUS = 256  # rows of a part that is not symmetric, whose eigenvalues take some 30 n³ operations, and two inverses


@dataclass(frozen=True, eq=False)
class Interval:
    """Numbers with the ends between which each true one lies: arrays, in descending order of what they are of."""

    value: Array
    low: Array
    high: Array

    @classmethod
    def merged(cls, found: "list[tuple[Array, Array]]", zeros: int, floor: float) -> "Interval":
        """Merge values and their bars, and so many exact zeros; no true value is below `floor`.

        The ends are sorted by themselves: the k-th largest true value is at least the k-th largest lower end.
        """
        value = np.concatenate([*(values.ravel() for values, _ in found), np.zeros(zeros)])
        bars = (np.broadcast_to(bar[:, None], values.shape).ravel() for values, bar in found)
        bar = np.concatenate([*bars, np.zeros(zeros)])
        low, high = np.maximum(value - bar, floor), value + bar
        low[np.isnan(low)], high[np.isnan(high)] = floor, np.inf
        return cls(*(-np.sort(-ends) for ends in (np.nan_to_num(value, nan=0.0), low, high)))

    @cached_property
    def sure(self) -> int:
        """How many are certainly above 0."""
        return int(np.count_nonzero(self.low > 0))

    @cached_property
    def possible(self) -> int:
        """How many may be above 0."""
        return int(np.count_nonzero(self.high > 0))


@np.errstate(all="ignore")
def singular_values(entries: Entries, memory: int) -> tuple[Interval | None, list[tuple[int, int]]]:
    """Return the min(M, N) singular values, descending; None, and the shapes of the parts that are too large."""
    parts, large = divided(entries, most_entries(memory))
    if large:
        return None, large
    found = []
    for part in parts:
        values = part.known_values
        sigma = length(values)[:, None] if min(part.shape) == 1 else np.linalg.svd(values, compute_uv=False)
        found.append((sigma, part.moved(sigma)))
    number = sum(values.size for values, _ in found)
    return Interval.merged(found, min(entries.shape) - number, 0.0), []


@np.errstate(all="ignore")
def eigenvalues(entries: Entries, memory: int) -> Interval | None:
    """Return the eigenvalues of a matrix that is symmetric within its bars, descending; None of too large a part."""
    parts, large = divided(entries, most_entries(memory), same=True)
    if large:
        return None
    found = []
    for part in parts:
        values = part.known_values
        symmetric = (values + values.swapaxes(1, 2)) / 2
        lam = symmetric[:, 0] if part.shape[0] == 1 else np.linalg.eigvalsh(symmetric)
        found.append((lam, part.moved(lam)))
    number = sum(values.size for values, _ in found)
    return Interval.merged(found, entries.shape[0] - number, -np.inf)


@np.errstate(all="ignore")
def spectral_radius(entries: Entries) -> Interval | None:
    """Return the largest modulus of the eigenvalues of a square matrix; None of a part of many rows.

    In the basis V of the computed eigenvectors the matrix is their eigenvalues and a rest of norm r, so each true
    eigenvalue is within r of a computed one (Bauer & Fike 1960), and each cluster of such discs has as many true ones
    as discs.
    """
    if np.all(entries.rows >= entries.columns) or np.all(entries.rows <= entries.columns):
        return _largest_modulus(entries.only(entries.rows == entries.columns))
    if entries.values.size > _RADIUS_ENTRIES:
        return None
    parts, large = divided(entries, _RADIUS**2, same=True)
    if large:
        return None
    ends = [(0.0, 0.0, 0.0)]
    for part in parts:
        values, n = part.known_values, part.shape[0]
        lam, v = np.linalg.eig(values)
        size = np.abs(lam).max(axis=1)
        moved = part.bars + n * ROUNDING * np.abs(values)
        rest = np.abs(values @ v - lam[:, None] * v) + moved @ np.abs(v)
        r = np.where(part.known, _inverse_norm(v) * row_sum(rest), np.inf)
        most = norm_bound(np.abs(values) + part.bars)
        ends.append((size.max(), np.fmax(size - (2 * n - 1) * r, 0).max(), np.fmin(size + r, most).max()))
    return _one(*np.max(ends, axis=0))


def _largest_modulus(diagonal: Entries) -> Interval:
    size, bar = np.abs(diagonal.values), np.where(np.isfinite(diagonal.bars), diagonal.bars, np.inf)
    high = np.where(np.isfinite(size), size + bar, np.inf)
    return _one(*(np.max(each, initial=0.0) for each in (np.nan_to_num(size), np.fmax(size - bar, 0), high)))


def _inverse_norm(v: Array) -> Array:
    """Bound ‖V⁻¹‖_∞ of each of some matrices; infinite for one that is singular but for rounding."""
    try:
        inverse = np.linalg.inv(v)
    except np.linalg.LinAlgError:
        return np.full(v.shape[0], np.inf)
    n = v.shape[1]
    off = row_sum(np.abs(inverse @ v - np.eye(n))) + n * ROUNDING * row_sum(np.abs(inverse) @ np.abs(v))
    return np.where(off < 1, row_sum(np.abs(inverse)) / (1 - off), np.inf)


def defect(singular: Interval) -> Interval:
    """Return ‖JᵀJ − I‖₂, or ‖JJᵀ − I‖₂ of a wide matrix: how far J is from orthogonal."""
    low, value, high = singular.low, singular.value, singular.high
    nearest = np.clip(1.0, low, high)
    return _one(
        np.max(np.abs(value**2 - 1), initial=0.0),
        np.max(np.abs(nearest**2 - 1), initial=0.0),
        np.max(np.maximum(np.abs(low**2 - 1), np.abs(high**2 - 1)), initial=0.0),
    )


def _one(value: float, low: float, high: float) -> Interval:
    return Interval(*(np.array([float(number)]) for number in (value, low, high)))
