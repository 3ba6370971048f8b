"""Rigorous bounds from a sparse LU factorization, of a square matrix too large for LAPACK. Next: determinant, spectrum.

B = LU + R with the residual R, and so B + E = LU(I + F), F = U⁻¹L⁻¹(R + E), E being the bars. The comparison matrices
M(L) and M(U), |diagonal| − |the rest|, bound |L⁻¹| ≤ M(L)⁻¹ and |U⁻¹| ≤ M(U)⁻¹ (Higham 2002, Accuracy and Stability,
ch. 8), so that triangular solves give the row sums rᵢ of |F|. Where all are below 1, I + F is diagonally dominant,
∏(1 − rᵢ) ≤ det(I + F) ≤ ∏(1 + rᵢ) (Ostrowski 1952), and B + E is not singular.
"""

from importlib.util import find_spec
from typing import Any

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.interval import Within
from jacinspect.jacobian.spectra.parts import ROUNDING, Entries
from jacinspect.records import dataclass

__all__ = ["Factors", "factorized", "has_scipy"]

_BYTES = 16  # of a value of L or U and its index
_WORK = 2**36  # operations, the number of rows times the bandwidth squared: they take up to a minute or so
_ITERATIONS = 8  # of the inverse: each multiplies the distance to the least σ by the ratio of the two least, squared
_SLACK = 1 + 2.0**-20  # for the rounding of sums and quotients of numbers that are at least 0


@dataclass(frozen=True, eq=False)
class Factors:
    """What the LU factorization of a matrix says of every matrix within its bars, none of which is singular.

    Factor k of the determinant belongs to `rows[k]` and `columns[k]`; its absolute value is that of `pivots[k]` within
    a factor of 1 ± `moved[k]`. `least` is the smallest singular value.
    """

    rows: Array
    columns: Array
    pivots: Array
    moved: Array
    least: Within


def has_scipy() -> bool:
    """Whether scipy is installed, by which sparse matrices are factorized."""
    return find_spec("scipy") is not None


@np.errstate(all="ignore")
def factorized(entries: Entries, memory: int) -> Factors | None:
    """Factorize a square matrix within a budget of bytes.

    None where the bars or the rounding errors leave open whether it is singular, where L and U may need more memory or
    time, and where scipy is not installed.
    """
    if not has_scipy() or not (np.isfinite(entries.values) & np.isfinite(entries.bars)).all():
        return None
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    n = entries.shape[0]
    matrix = csc_array((entries.values, (entries.rows, entries.columns)), shape=entries.shape)
    width = _bandwidth(matrix)
    if n * width * _BYTES > memory or n * width**2 > _WORK:
        return None
    try:
        lu = splu(matrix)
        lower, upper = lu.L, lu.U
        at = lu.perm_r[entries.rows], lu.perm_c[entries.columns]
        error = _Error.of(csc_array((entries.values, at), shape=matrix.shape), lower, upper)
    except (RuntimeError, MemoryError):  # exactly singular, as SuperLU says it, or too much fill-in
        return None
    bars = csc_array((entries.bars, at), shape=matrix.shape)
    by_rows = _bounded(lower, upper, error.rows + bars.sum(axis=1))
    by_columns = _bounded(upper.T.tocsc(), lower.T.tocsc(), error.columns + bars.sum(axis=0))
    if by_rows is None or by_columns is None:
        return None
    low = 1 / (np.sqrt(by_rows.inverse * by_columns.inverse) * _SLACK)
    return Factors(
        np.argsort(lu.perm_r), np.argsort(lu.perm_c), upper.diagonal(), by_rows.sums, _least(lu, matrix, entries, low)
    )


def _bandwidth(matrix: Any) -> int:
    """Return the bandwidth that is left after reordering (Cuthill & McKee 1969): that of L and U is about as large."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    order = np.argsort(reverse_cuthill_mckee((abs(matrix) + abs(matrix).T).tocsr(), symmetric_mode=True))
    each = matrix.tocoo()
    return 2 * int(np.abs(order[each.row].astype(np.int64) - order[each.col]).max(initial=0)) + 1


@dataclass(frozen=True, eq=False)
class _Error:
    """Bounds of the row sums and of the column sums of |B − LU|, with the rounding errors of the product."""

    rows: Array
    columns: Array

    @classmethod
    def of(cls, matrix: Any, lower: Any, upper: Any) -> "_Error":
        terms = min(_longest(lower), _longest(upper)) + 3
        residual, one, other = abs(matrix - lower @ upper), abs(lower), abs(upper)
        ones = np.ones(matrix.shape[0])
        rounding, tiny = terms * ROUNDING, matrix.shape[0] * np.finfo(float).tiny
        return cls(
            residual.sum(axis=1) + rounding * (one @ (other @ ones)) + tiny,
            residual.sum(axis=0) + rounding * (other.T @ (one.T @ ones)) + tiny,
        )


@dataclass(frozen=True, eq=False)
class _Bounds:
    """The row sums of |F|, all below 1, and a bound of ‖(B + E)⁻¹‖_∞."""

    sums: Array
    inverse: float


def _bounded(first: Any, second: Any, error: Array) -> _Bounds | None:
    """Bound |second⁻¹| |first⁻¹| error, and the norm of that inverse; None where a row sum may be 1."""
    right = np.stack([error, np.ones(error.size)], axis=1)
    solved = _above(second, _above(first, right, lower=True), lower=False) * _SLACK
    sums = solved[:, 0]
    if not np.all(sums < 1):
        return None
    return _Bounds(sums, float(solved[:, 1].max() / (1 - sums.max())))


def _above(triangular: Any, right: Array, lower: bool) -> Array:
    """Bound |T⁻¹| b by M(T)⁻¹ b from above, for some columns b > 0; infinite where rounding prevents it.

    Any y ≥ 0 with M(T)y ≥ c·b is at least c times that: the solution is checked, and not how it was found.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import spsolve_triangular

    size, diagonal = abs(triangular), np.abs(triangular.diagonal())
    comparison = (2 * diags_array(diagonal) - size).tocsc()
    solved = np.maximum(spsolve_triangular(comparison, right, lower=lower), 0)
    product = size @ solved
    reached = 2 * diagonal[:, None] * solved - product - (_longest(size) + 4) * ROUNDING * product
    share = (reached / right).min(axis=0)
    return np.asarray(np.where(share > 0, solved / share, np.inf))


def _longest(matrix: Any) -> int:
    """Return the largest number of entries of a row or of a column."""
    lines = matrix.tocoo()
    return max(int(np.bincount(line).max(initial=0)) for line in (lines.row, lines.col))


def _least(lu: Any, matrix: Any, entries: Entries, low: float) -> Within:
    """Return the smallest singular value, no larger than any ‖Bv‖/‖v‖; inverse iteration finds such a v."""
    v = np.random.default_rng(0).standard_normal(matrix.shape[0])
    for _ in range(_ITERATIONS):
        v = lu.solve(lu.solve(v, "T"))
        v /= np.linalg.norm(v)
    value = float(np.linalg.norm(matrix @ v))
    bars = entries.bars + (_longest(matrix) + 2) * ROUNDING * np.abs(entries.values)
    sums = (np.bincount(line, bars).max() for line in (entries.rows, entries.columns))
    high = float((value + np.sqrt(np.prod([*sums]))) * _SLACK)
    return Within(value, float(low), high) if low <= value else Within(high, float(low), high)
