"""Singular values, eigenvalues and determinant of a Jacobian, each with what its error bars leave open.

In: a matrix as entries with bars. Out: intervals that hold the true value for every matrix within the bars. By Weyl's
inequality a singular value, or an eigenvalue of a symmetric matrix, moves by ‖E‖₂ at most, E being the bars and the
backward error of LAPACK; the determinant by what B⁻¹E allows. Each independent part is taken by itself; a sparse part
that is too large for LAPACK leaves the norm, and by a sparse LU the determinant and the least singular value. Next: the
pipeline's report.
"""

from collections.abc import Callable, Iterator

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.determinant import Determinant, determinant
from jacinspect.jacobian.spectra.factors import factorized, has_scipy
from jacinspect.jacobian.spectra.interval import Interval, Within
from jacinspect.jacobian.spectra.norm import spectral_norm
from jacinspect.jacobian.spectra.parts import (
    ROUNDING,
    Entries,
    Parts,
    divided,
    length,
    most_entries,
    norm_bound,
    row_sum,
)
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = [
    "Spectrum",
    "eigenvalues",
    "eigenvector",
    "singular_values",
    "singular_vector",
    "spectral_radius",
    "spectrum",
]

_RADIUS_ENTRIES = 2**17  # of all parts: so many are done in some seconds
_RADIUS = 256  # rows of a part that is not symmetric, whose eigenvalues take some 30 n³ operations, and two inverses


Large = tuple[tuple[int, int], ...]  # shapes of the parts that are too large for LAPACK, or for the memory


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What a matrix says by its singular values, its determinant and its eigenvalues.

    `singular` are its min(M, N) singular values, descending, `norm` the largest and `least` the smallest. Where parts
    are too `large`, `singular` is None, which `unknown` explains, the norm has wide bounds, and so has `least`, which
    is None where it may be 0. `determinant` and `radius`, the spectral radius, are None where it is not square or has
    too large a part (that LU does not decide), `eigenvalues` as well where it is not symmetric.
    """

    shape: tuple[int, int]
    singular: Interval | None
    norm: Within | None
    least: Within | None
    large: Large
    unknown: str
    determinant: Determinant | None
    eigenvalues: Interval | None
    radius: Within | None

    @property
    def rank(self) -> tuple[int, int] | None:
        """The ranks that the bars leave possible, from the least to the largest."""
        if self.singular is None:
            return None if self.least is None else (self.shape[0], self.shape[0])
        return self.singular.sure, self.singular.possible

    @property
    def condition(self) -> Within | None:
        """The largest singular value by the smallest; infinite where the smallest is 0 or may be."""
        largest, least = self.norm, self.least
        if largest is None or least is None:
            return None
        ends = ((largest.value, least.value), (largest.low, least.high), (largest.high, least.low))
        return Within(*(one / other if other else np.inf for one, other in ends))

    @property
    def defect(self) -> Within | None:
        """‖JᵀJ − I‖₂, or ‖JJᵀ − I‖₂ of a wide matrix: how far J is from orthogonal."""
        if self.singular is None or not self.singular.value.size:
            return None
        low, value, high = self.singular.low, self.singular.value, self.singular.high
        nearest, farthest = np.clip(1.0, low, high), np.where(high - 1 > 1 - low, high, low)
        return Within(*(float(np.max(np.abs(each**2 - 1))) for each in (value, nearest, farthest)))

    @property
    def definiteness(self) -> str | None:
        """What the signs of the eigenvalues say of a symmetric matrix; None where the bars do not decide."""
        lam = self.eigenvalues
        if lam is None or not lam.value.size:
            return None
        cases = {
            "positive-definite": np.all(lam.low > 0),
            "negative-definite": np.all(lam.high < 0),
            "indefinite": np.any(lam.low > 0) and np.any(lam.high < 0),
            "zero": np.all((lam.low == 0) & (lam.high == 0)),
            "positive-semidefinite": np.all(lam.low >= 0),
            "negative-semidefinite": np.all(lam.high <= 0),
        }
        return next((name for name, holds in cases.items() if holds), None)


def spectrum(entries: Entries, symmetric: bool, memory: int) -> Spectrum:
    """Find all of it, of a matrix that is `symmetric` within its bars or not, with dense parts within the memory."""
    square = entries.shape[0] == entries.shape[1]
    singular, large = singular_values(entries, memory)
    eigen = eigenvalues(entries, memory) if symmetric else None
    if eigen is not None and eigen.value.size:
        ends = [eigen.at(0), eigen.at(-1)]
        radius: Within | None = Within(
            max(abs(end.value) for end in ends),
            max(max(end.low, -end.high, 0.0) for end in ends),
            max(max(end.high, -end.low) for end in ends),
        )
    else:
        radius = spectral_radius(entries) if square else None
    factors = factorized(entries, memory) if square and large else None
    norm, least = (singular.at(place) if singular is not None and singular.value.size else None for place in (0, -1))
    if singular is None:
        norm, least = spectral_norm(entries), None if factors is None else factors.least
    product = determinant(entries, memory, factors) if square else None
    unknown = "" if singular is not None else _too_large(large[0], square)
    return Spectrum(entries.shape, singular, norm, least, tuple(large), unknown, product, eigen, radius)


def _too_large(shape: tuple[int, int], square: bool) -> str:
    missing = "; for a sparse J, its rank and determinant need scipy: pip install 'jacinspect[scipy]'"
    return f"a part of J is {format_shape(shape)}, too large for its singular values" + (
        missing if square and not has_scipy() else ""
    )


@np.errstate(all="ignore")
def singular_values(entries: Entries, memory: int) -> tuple[Interval | None, list[tuple[int, int]]]:
    """Return the min(M, N) singular values, descending; None, and the shapes of the parts that are too large."""
    parts, large = divided(entries, most_entries(memory))
    if large:
        return None, large
    found = []
    for part in parts:
        sigma = _sigma(part)
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
        lam = _lam(part)
        found.append((lam, part.moved(lam)))
    number = sum(values.size for values, _ in found)
    return Interval.merged(found, entries.shape[0] - number, -np.inf)


def singular_vector(entries: Entries, memory: int, sigma: float) -> Array:
    """Return the unit vector v, of N, with ‖Jv‖ = sigma, one of the singular values that were found."""
    vector = np.zeros(entries.shape[1])
    part, place = _nearest(divided(entries, most_entries(memory))[0], sigma, _sigma)
    right = np.linalg.svd(part.known_values[place])[2]
    vector[part.columns[place]] = right[np.argmin(np.abs(_sigma(part)[place] - sigma))]
    return vector


def eigenvector(entries: Entries, memory: int, lam: float) -> Array:
    """Return the unit vector v, of N, with vᵀJv = lam, one of the eigenvalues that were found."""
    vector = np.zeros(entries.shape[1])
    part, place = _nearest(divided(entries, most_entries(memory), same=True)[0], lam, _lam)
    values, vectors = np.linalg.eigh(part.symmetric[place])
    vector[part.columns[place]] = vectors[:, np.argmin(np.abs(values - lam))]
    return vector


def _nearest(parts: Iterator[Parts], number: float, values: Callable[[Parts], Array]) -> tuple[Parts, int]:
    """Return the part with a value nearest to a number, as some parts and a place among them."""
    gaps = ((part, np.abs(values(part) - number).min(axis=1)) for part in parts)
    part, gap = min(gaps, key=lambda found: float(found[1].min()))
    return part, int(np.argmin(gap))


def _sigma(part: Parts) -> Array:
    values = part.known_values
    return length(values)[:, None] if min(part.shape) == 1 else np.linalg.svd(values, compute_uv=False)


def _lam(part: Parts) -> Array:
    return part.symmetric[:, 0] if part.shape[0] == 1 else np.linalg.eigvalsh(part.symmetric)


@np.errstate(all="ignore")
def spectral_radius(entries: Entries) -> Within | None:
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
    return Within(*np.max(ends, axis=0).tolist())


def _largest_modulus(diagonal: Entries) -> Within:
    size, bar = np.abs(diagonal.values), np.where(np.isfinite(diagonal.bars), diagonal.bars, np.inf)
    high = np.where(np.isfinite(size), size + bar, np.inf)
    ends = (np.nan_to_num(size), np.fmax(size - bar, 0), high)
    return Within(*(float(np.max(each, initial=0.0)) for each in ends))


def _inverse_norm(v: Array) -> Array:
    """Bound ‖V⁻¹‖_∞ of each of some matrices; infinite for one that is singular but for rounding."""
    try:
        inverse = np.linalg.inv(v)
    except np.linalg.LinAlgError:
        return np.full(v.shape[0], np.inf)
    n = v.shape[1]
    off = row_sum(np.abs(inverse @ v - np.eye(n))) + n * ROUNDING * row_sum(np.abs(inverse) @ np.abs(v))
    return np.where(off < 1, row_sum(np.abs(inverse)) / (1 - off), np.inf)
