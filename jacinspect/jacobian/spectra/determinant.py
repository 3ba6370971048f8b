"""The determinant of a Jacobian: its sign, and log|det J| with the interval that the error bars leave. Next: report.

Rows, then columns, with a single entry left are eliminated; what remains is divided into independent parts. So a
diagonal, permuted or triangular matrix needs no factorization. Where a part is too large, the factors of the whole are
those of a sparse LU. log|det| is kept apart by rows, so that it can be summed for each item of a batch.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.factors import Factors
from jacinspect.jacobian.spectra.interval import Interval, Within
from jacinspect.jacobian.spectra.parts import (
    ROUNDING,
    Entries,
    Parts,
    divided,
    length,
    most_entries,
    pivots,
)
from jacinspect.records import dataclass

__all__ = ["Determinant", "determinant"]


@dataclass(frozen=True, eq=False)
class Determinant:
    """A determinant as a product of factors: log|factor|, the ends of its interval, and a row that it is of.

    `sign` is that of the whole: 1, -1, 0 where the determinant is certainly 0, None where it is not known.
    """

    sign: int | None
    rows: Array
    value: Array
    low: Array
    high: Array

    @property
    def log(self) -> Within:
        """The logarithm of the absolute value."""
        return Within(*(float(np.sum(each)) for each in (self.value, self.low, self.high)))

    def by_item(self, item: Array, number: int) -> Interval:
        """Return log|det| of each of so many items of a batch; `item` is that of each row of the matrix."""
        owner = item[self.rows]
        return Interval(*(np.bincount(owner, each, number) for each in (self.value, self.low, self.high)))


@np.errstate(all="ignore")
def determinant(entries: Entries, memory: int, factors: Factors | None = None) -> Determinant | None:
    """Return the determinant of a square matrix; of one with a part that is too large by its `factors`, or None."""
    by_rows = pivots(entries)
    rest = _without(entries, by_rows)
    by_columns = pivots(rest.T)
    found = [_of_numbers(entries.only(by_rows)), _of_numbers(rest.only(by_columns))]
    rest = _without(rest, by_columns)
    parts, large = divided(rest, most_entries(memory))
    if large:
        return None if factors is None else _of_factors(factors)
    found += [_of_parts(part) for part in parts if part.shape[0] == part.shape[1]]
    rows, columns, sign, value, low, high = (np.concatenate(each) for each in zip(*found, strict=True))
    unmatched = np.flatnonzero(np.bincount(rows, minlength=entries.shape[0]) == 0)
    if unmatched.size:
        nothing = np.full(unmatched.size, -np.inf)  # a row that no column is left for: the determinant is 0
        rows = np.concatenate([rows, unmatched])
        value, low, high = (np.concatenate([each, nothing]) for each in (value, low, high))
    return Determinant(_sign(rows, columns, sign, high), rows, value, low, high)


def _of_factors(factors: Factors) -> Determinant:
    """Return the product of the pivots of LU."""
    rows, columns, value = factors.rows, factors.columns, np.log(np.abs(factors.pivots))
    low, high = value + np.log1p(-factors.moved), value + np.log1p(factors.moved)
    rounding = ROUNDING * (rows.size + 4) * np.abs(value)  # of the logarithms, and of their sum
    return Determinant(
        _sign(rows, columns, np.sign(factors.pivots), high), rows, value, low - rounding, high + rounding
    )


def _without(entries: Entries, pivot: Array) -> Entries:
    """Return the matrix without the rows and the columns of some of its entries."""
    rows, columns = (np.ones(length, bool) for length in entries.shape)
    rows[entries.rows[pivot]], columns[entries.columns[pivot]] = False, False
    return entries.only(rows[entries.rows] & columns[entries.columns])


def _sign(rows: Array, columns: Array, sign: Array, high: Array) -> int | None:
    """Multiply the signs of all factors and that of the permutation from rows to columns."""
    if np.any(high == -np.inf):
        return 0
    if np.any(sign == 0):
        return None
    odd = np.count_nonzero(sign < 0) + rows.size - _cycles(rows, columns)
    return -1 if odd % 2 else 1


def _cycles(rows: Array, columns: Array) -> int:
    """Count the cycles of a permutation from rows to columns, by the least row of each, with steps twice as far."""
    step = np.empty(rows.size, np.int64)
    step[rows] = columns
    least = np.arange(rows.size)
    for _ in range(rows.size.bit_length()):
        if np.array_equal(step, np.arange(rows.size)):
            break
        least, step = np.minimum(least, least[step]), step[step]
    return int(np.count_nonzero(least == np.arange(rows.size)))


_Factors = tuple[Array, Array, Array, Array, Array, Array]  # row, column, sign (0: not known), log|factor|, low, high


def _of_numbers(pivots: Entries) -> _Factors:
    """Return the factors that are single entries."""
    size = np.abs(pivots.values)
    known = np.isfinite(size) & np.isfinite(pivots.bars)
    low = np.where(known, np.log(np.maximum(size - pivots.bars, 0)), -np.inf)
    high = np.where(known, np.log(size + pivots.bars), np.inf)
    sign = np.where(low > -np.inf, np.sign(pivots.values), 0)
    return pivots.rows, pivots.columns, sign, np.where(known, np.log(size), np.nan), low, high


def _of_parts(part: Parts) -> _Factors:
    """Return the determinants of square parts, each with the rows and columns of its part.

    The first row of a part has the logarithm of its determinant, the others have 0.
    """
    n, values = part.shape[0], part.known_values
    _, exponent = np.frexp(np.abs(values).max(axis=2, keepdims=True))
    scaled, bars = np.ldexp(values, -exponent), np.ldexp(part.bars, -exponent)  # exact, and rows count alike
    sign, value = np.linalg.slogdet(scaled)
    bar = _moved(scaled, bars, sign != 0)
    sure = part.known & np.isfinite(bar)
    low, high = value - bar, value + bar
    if not sure.all():
        sigma = np.linalg.svd(scaled[~sure], compute_uv=False)
        rest = Parts(part.rows[~sure], part.columns[~sure], scaled[~sure], bars[~sure])
        moved = rest.moved(sigma)[:, None]
        low[~sure] = np.log(np.maximum(sigma - moved, 0)).sum(axis=1)
        high[~sure] = np.log(sigma + moved).sum(axis=1)
        low[~part.known], high[~part.known], value[~part.known] = -np.inf, np.inf, np.nan
    shift = np.log(2.0) * exponent.sum(axis=(1, 2))
    firsts = np.where(sure, sign, 0), value + shift, low + shift, high + shift
    sign, value, low, high = (
        np.c_[each, np.full((each.size, n - 1), rest)] for each, rest in zip(firsts, (1, 0, 0, 0), strict=True)
    )
    return part.rows.ravel(), part.columns.ravel(), sign.ravel(), value.ravel(), low.ravel(), high.ravel()


def _moved(values: Array, bars: Array, regular: Array) -> Array:
    """Bound by how much log|det B| moves within the bars E, and by the backward error of LAPACK's factorization.

    log|det(B + E)| − log|det B| = Σ ± tr((B⁻¹E)ᵏ)/k is at most tr F + ‖F‖²/2(1 − ‖F‖) with F = |B⁻¹|E. The inverse W
    is computed, and B⁻¹ = (I − R)⁻¹W with the residual R = I − WB. Infinite where ‖F‖ or ‖R‖ is 1 or more.
    """
    n = values.shape[1]
    safe = np.where(regular[:, None, None], values, np.eye(n))
    inverse = np.linalg.inv(safe)
    size = np.abs(inverse)
    backward = n * ROUNDING * np.abs(values).max(axis=1, keepdims=True)  # partial pivoting works by columns
    f = size @ (bars + backward)
    residual = np.abs(np.eye(n) - inverse @ safe) + n * ROUNDING * (size @ np.abs(safe))
    r = length(residual)
    moved = length(f) / (1 - r)
    first = np.trace(f, axis1=1, axis2=2) + r * moved
    bar = first + moved**2 / (2 * (1 - moved)) + n * ROUNDING * n
    return np.where(regular & (r < 1) & (moved < 1), bar, np.inf)
