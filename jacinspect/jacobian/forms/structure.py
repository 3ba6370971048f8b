"""The structure of a pattern: diagonal, permutation, blocks, triangular …; bandwidths, symmetry. Next: vec_order.

Everything here is computed from the detected pattern, in the chosen order of vec.
"""

from collections.abc import Iterator
from functools import cached_property
from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern, vec_positions
from jacinspect.records import dataclass

__all__ = ["Arrangement", "Blocks", "diagonal_blocks"]

_SPARSE = 0.25  # largest share of stored entries of a sparse matrix, and of columns in the band of a banded one
_TABLE = 8  # places for each stored entry, of a table in which mirror images are looked up


@dataclass(frozen=True)
class Blocks:
    """The diagonal blocks of a matrix: their number, their shape if all have the same, and in which vec order."""

    count: int
    shape: tuple[int, int] | None
    vec: str


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A pattern as a matrix, with an order of vec ("column", "row") and a layout ("numerator", "denominator").

    `ignored`, booleans, are stored entries that are no part of the structure, for they move by rounding alone.
    """

    pattern: Pattern
    vec: str
    layout: str
    ignored: Array | None = None

    @cached_property
    def structural(self) -> "Arrangement":
        """The same without the ignored entries."""
        return self if self.ignored is None else Arrangement(self.pattern.only(~self.ignored), self.vec, self.layout)

    @property
    def shape(self) -> tuple[int, int]:
        """The matrix's shape: M×N in numerator layout, N×M in denominator layout."""
        outputs, inputs = self.pattern.shape
        return (outputs, inputs) if self.layout == "numerator" else (inputs, outputs)

    @cached_property
    def rows(self) -> Array:
        """The matrix row of each stored entry, in the pattern's own order."""
        return self._outputs if self.layout == "numerator" else self._inputs

    @cached_property
    def columns(self) -> Array:
        """The matrix column of each stored entry, in the pattern's own order."""
        return self._inputs if self.layout == "numerator" else self._outputs

    @cached_property
    def _outputs(self) -> Array:
        rows = self.pattern.rows
        return rows if self.vec == "row" else vec_positions(self.pattern.output_shape, self.vec)[rows]

    @cached_property
    def _inputs(self) -> Array:
        if self.pattern.is_diagonal:
            return self._outputs
        indices = self.pattern.indices
        return indices if self.vec == "row" else vec_positions(self.pattern.operand_shape, self.vec)[indices]

    @property
    def is_square(self) -> bool:
        """Whether the matrix has as many rows as columns."""
        return self.shape[0] == self.shape[1]

    @cached_property
    def bandwidths(self) -> tuple[int, int]:
        """How far the pattern reaches below and above the diagonal: (lower, upper), each at least 0."""
        if self.ignored is not None:
            return self.structural.bandwidths
        if not self.pattern.stored or self.pattern.is_diagonal:
            return 0, 0
        below = self.rows.astype(np.int64) - self.columns
        return max(int(below.max()), 0), max(int(-below.min()), 0)

    @property
    def is_diagonal(self) -> bool:
        """Whether the matrix is square and nothing is stored off its diagonal."""
        return self.is_square and self.bandwidths == (0, 0)

    @property
    def is_lower_triangular(self) -> bool:
        """Whether the matrix is square and nothing is stored above its diagonal."""
        return self.is_square and self.bandwidths[1] == 0

    @property
    def is_upper_triangular(self) -> bool:
        """Whether the matrix is square and nothing is stored below its diagonal."""
        return self.is_square and self.bandwidths[0] == 0

    @property
    def is_tridiagonal(self) -> bool:
        """Whether the matrix is square, of 3 rows at least, and nothing is stored beside the three middle diagonals."""
        return self.is_square and self.shape[0] > 2 and max(self.bandwidths) <= 1

    @property
    def is_banded(self) -> bool:
        """Whether the matrix is diagonal or tridiagonal, or its band at most a quarter as wide as its columns."""
        narrow = sum(self.bandwidths) + 1 <= _SPARSE * self.shape[1]
        return narrow or self.is_tridiagonal or self.is_diagonal

    @cached_property
    def is_broadcast(self) -> bool:
        """Whether every row holds at most one entry."""
        return self.structural.pattern.stored <= self.shape[0] and _distinct(self.structural.rows)

    @property
    def is_permutation(self) -> bool:
        """Whether every row and every column holds exactly one entry."""
        stored = self.structural.pattern.stored
        return self.is_square and stored == self.shape[0] and self.is_broadcast and _distinct(self.structural.columns)

    @property
    def density(self) -> float | None:
        """The share of all entries that is stored; None for a matrix without entries."""
        entries = prod(self.shape)
        return self.pattern.stored / entries if entries else None

    @cached_property
    def blocks(self) -> Blocks | None:
        """The diagonal blocks, in this order of vec or else in the other, if there are at least two."""
        if self.ignored is not None:
            return self.structural.blocks
        for vec in (self.vec, "row" if self.vec == "column" else "column"):
            arrangement = self if vec == self.vec else Arrangement(self.pattern, vec, self.layout)
            blocks = diagonal_blocks(*arrangement._ranges(), self.shape[1], vec)
            if blocks is not None:
                return blocks
        return None

    def _ranges(self) -> tuple[Array, Array]:
        """Return the first and the last column that each row reads."""
        height, width = self.shape
        first, last, rows = np.full(height, width), np.full(height, -1), self.rows.astype(np.int64)
        columns = self.columns.astype(np.int64)  # of one dtype with the others: so it is ten times as fast
        np.minimum.at(first, rows, columns)
        np.maximum.at(last, rows, columns)
        return first, last

    @cached_property
    def structure(self) -> str:
        """The name of the first structure that fits, from "zero" and "diagonal" to "sparse" and "dense"."""
        return next(name for name, holds in self.structural._structures() if holds)

    def _structures(self) -> Iterator[tuple[str, bool]]:
        yield "zero", not self.pattern.stored
        yield "diagonal", self.is_diagonal
        yield "permutation", self.is_permutation
        yield "broadcast", self.is_broadcast
        yield "block-diagonal", self.blocks is not None
        yield "lower-triangular", self.is_lower_triangular
        yield "upper-triangular", self.is_upper_triangular
        yield "tridiagonal", self.is_tridiagonal
        yield "banded", self.is_banded
        yield "sparse", (self.density or 0) <= _SPARSE
        yield "dense", True

    def off_diagonal_ratio(self, values: Array) -> float | None:
        """Return ‖J − diag J‖_F / ‖J‖_F for the stored values; None where the matrix is not square or is zero."""
        if not self.is_square:
            return None
        largest = float(np.max(np.abs(values), initial=0))
        if largest == 0 or not np.isfinite(largest):
            return None
        if self.bandwidths == (0, 0):
            return 0.0
        scaled = values / largest  # so that the squares neither overflow nor vanish
        return float(np.linalg.norm(scaled[self.rows != self.columns])) / float(np.linalg.norm(scaled))

    def is_symmetric(self, values: Array, bars: Array) -> bool:
        """Whether the matrix is square and equal to its transpose, in pattern and, within the bars, in value."""
        return self.is_square and (self.bandwidths == (0, 0) or not self.asymmetric(values, bars).any())

    def asymmetric(self, values: Array, bars: Array) -> Array:
        """Return which stored entries of a square matrix differ from their mirror image, or have none stored."""
        mirrors = self.mirrors
        with np.errstate(invalid="ignore"):
            close = np.abs(values - values[mirrors]) <= bars + bars[mirrors]
        different = (mirrors < 0) | ~close
        return np.asarray(different if self.ignored is None else different & ~self.ignored)

    @cached_property
    def mirrors(self) -> Array:
        """For each stored entry of a square matrix, where its mirror image is stored; -1 where it is not."""
        width = np.int64(self.pattern.shape[1])
        keys, mirrored = self.rows * width + self.columns, self.columns * width + self.rows
        if width**2 <= _TABLE * keys.size:
            places = np.full(width**2, -1)
            places[keys] = np.arange(keys.size)
            return np.asarray(places[mirrored])
        order = np.argsort(keys)
        places = order[np.minimum(np.searchsorted(keys, mirrored, sorter=order), max(keys.size - 1, 0))]
        return np.asarray(np.where(keys[places] == mirrored, places, -1))


def _distinct(lines: Array) -> bool:
    """Whether no row, or column, occurs twice."""
    return int(np.bincount(lines, minlength=1).max()) <= 1


def diagonal_blocks(first: Array, last: Array, width: int, vec: str) -> Blocks | None:
    """Return the finest division of a matrix into diagonal blocks, or None if there are fewer than two.

    A block begins at each row whose columns, and those of all rows below, are right of all columns above.

    Parameters
    ----------
    first, last
        The first and the last column of each row; `width` and -1 for a row without entries.
    width
        The number of columns.
    vec
        The order of vec in which these are rows and columns; part of the answer.
    """
    filled = np.flatnonzero(last >= 0)
    if filled.size < 2:
        return None
    reach = np.maximum.accumulate(last[filled])
    rest = np.minimum.accumulate(first[filled][::-1])[::-1]
    cuts = np.flatnonzero(rest[1:] > reach[:-1]) + 1
    if not cuts.size:
        return None
    heights = np.diff(np.r_[0, filled[cuts], first.size])
    widths = np.diff(np.r_[0, rest[cuts], width])
    alike = np.all(heights == heights[0]) and np.all(widths == widths[0])
    return Blocks(cuts.size + 1, (int(heights[0]), int(widths[0])) if alike else None, vec)
