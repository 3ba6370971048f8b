"""The independent parts of a matrix: blocks of rows and columns that share no entry with others. Next: spectrum.

A matrix is block-diagonal after permutations of its rows and columns, with the connected components of its bipartite
graph as blocks. Singular values are those of the blocks, and so nothing of size M·N is needed. For a determinant, rows
and columns with a single entry are eliminated first, which leaves nothing of a triangular matrix in any order.
"""

from collections.abc import Iterator
from functools import cached_property
from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.records import dataclass

__all__ = [
    "ROUNDING",
    "Entries",
    "Parts",
    "connected",
    "divided",
    "length",
    "most_entries",
    "norm_bound",
    "pivots",
    "row_sum",
]

ROUNDING = 2.0**-52  # of double precision
_LARGEST = 2048  # rows of a dense part: its singular values take a minute or two
_FEWEST = 4  # roundings in a part of few rows: LAPACK's error is a modest multiple of the rounding of the largest value
_COPIES = 5  # arrays of a part's size: values, bars, and what LAPACK works on


@dataclass(frozen=True, eq=False)
class Entries:
    """A matrix as its entries: row, column, value, and the error bar of the value."""

    shape: tuple[int, int]
    rows: Array
    columns: Array
    values: Array
    bars: Array

    @property
    def T(self) -> "Entries":  # noqa: N802 (the name that numpy gives it)
        """The transpose."""
        return Entries(self.shape[::-1], self.columns, self.rows, self.values, self.bars)

    def followed_by(self, other: "Entries") -> "Entries":
        """Return the matrix with the entries of another one after its own."""
        mine, theirs = ((e.rows, e.columns, e.values, e.bars) for e in (self, other))
        return Entries(self.shape, *map(np.concatenate, zip(mine, theirs, strict=True)))

    def only(self, kept: Array) -> "Entries":
        """Return the matrix with only those entries for which `kept` is true."""
        return Entries(self.shape, self.rows[kept], self.columns[kept], self.values[kept], self.bars[kept])


@dataclass(frozen=True, eq=False)
class Parts:
    """B independent parts of one shape m×n: their rows (B×m), columns (B×n), values and bars (B×m×n)."""

    rows: Array
    columns: Array
    values: Array
    bars: Array

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n), the shape of each part."""
        return self.values.shape[1], self.values.shape[2]

    @cached_property
    def known(self) -> Array:
        """Which of the parts have a finite value and bar in every entry."""
        return np.asarray((np.isfinite(self.values) & np.isfinite(self.bars)).all(axis=(1, 2)))

    @cached_property
    def known_values(self) -> Array:
        """The values, 0 in the parts that are not known, for LAPACK refuses what is not finite."""
        return self.values if self.known.all() else np.where(self.known[:, None, None], self.values, 0.0)

    @cached_property
    def symmetric(self) -> Array:
        """The mean of the values and their transposes, of square parts that are symmetric within their bars."""
        return np.asarray((self.known_values + self.known_values.swapaxes(1, 2)) / 2)

    def moved(self, values: Array) -> Array:
        """Bound by how much the singular values (B×k) of the parts, or eigenvalues, may differ from the true ones.

        By the spectral norm of the bars (Weyl 1912), and by the backward error of LAPACK.
        """
        bar = norm_bound(self.bars)
        if max(self.shape) > 1:
            bar = bar + max(*self.shape, _FEWEST) * ROUNDING * np.abs(values).max(axis=1)
        return np.where(self.known, bar, np.inf)


def connected(number: int, one: Array, other: Array) -> Array:
    """Return for each of so many nodes the least node of its connected component; edges join `one` and `other`."""
    labels = np.arange(number)
    while True:
        ends = labels[one], labels[other]
        if np.array_equal(*ends):
            return labels
        np.minimum.at(labels, ends[0], ends[1])  # roots are joined to lesser nodes
        np.minimum.at(labels, ends[1], ends[0])
        while not np.array_equal(labels, labels[labels]):
            labels = labels[labels]


def divided(entries: Entries, most: int, same: bool = False) -> tuple[Iterator[Parts], list[tuple[int, int]]]:
    """Divide a matrix into its independent parts.

    Parameters
    ----------
    entries
        The matrix.
    most
        The largest number of entries, zeros included, of a part that is returned as a dense array, and of several
        parts at a time.
    same
        Whether rows and columns are to be permuted alike, as for eigenvalues: the parts are square then.

    Returns
    -------
    parts, large
        The parts by their shapes, and the shapes of those that are too large. Rows and columns without an entry are in
        no part.
    """
    if not entries.values.size:
        return iter(()), []
    if _is_one_by_one(entries) and (not same or np.array_equal(entries.rows, entries.columns)):
        return iter([_one_by_one(entries)]), []
    if same:
        nodes = np.union1d(entries.rows, entries.columns)
        zeros = Entries(entries.shape, nodes, nodes, np.zeros(nodes.size), np.zeros(nodes.size))
        entries = zeros.followed_by(entries)  # so that every node is a row and a column of its part
        labels = connected(entries.shape[0], entries.rows, entries.columns)
    else:
        labels = connected(sum(entries.shape), entries.rows, entries.shape[0] + entries.columns.astype(np.int64))
    _, part = np.unique(labels[entries.rows], return_inverse=True)
    rows, columns = _Lines.of(entries.rows, part), _Lines.of(entries.columns, part)
    shapes, kinds = np.unique(np.stack([rows.sizes, columns.sizes]), axis=1, return_inverse=True)
    sizes = shapes.prod(axis=0)
    large = [tuple(shape) for shape in shapes.T[kinds.ravel()].tolist() if prod(shape) > most]

    def parts() -> Iterator[Parts]:
        for kind in np.flatnonzero(sizes <= most):
            members = np.flatnonzero(kinds.ravel() == kind)
            step = max(most // int(sizes[kind]), 1)
            for first in range(0, members.size, step):
                yield _dense(entries, part, rows, columns, members[first : first + step])

    return parts(), large


def _dense(entries: Entries, part: Array, rows: "_Lines", columns: "_Lines", members: Array) -> Parts:
    """Return some of the parts, which are of one shape, as dense arrays."""
    place = np.full(rows.sizes.size, -1)
    place[members] = np.arange(members.size)
    own = np.flatnonzero(place[part] >= 0)
    values, bars = np.zeros((2, members.size, rows.sizes[members[0]], columns.sizes[members[0]]))
    at = place[part[own]], rows.places[own], columns.places[own]
    values[at], bars[at] = entries.values[own], entries.bars[own]
    return Parts(rows.at(members), columns.at(members), values, bars)


@dataclass(frozen=True, eq=False)
class _Lines:
    """The rows (or columns) of the parts, ascending, part after part; each entry's place among those of its part."""

    lines: Array
    places: Array
    sizes: Array
    starts: Array

    @classmethod
    def of(cls, lines: Array, part: Array) -> "_Lines":
        """Find the line of each entry among those of its part."""
        number = int(lines.max()) + 1
        unique, inverse = np.unique(part.astype(np.int64) * number + lines, return_inverse=True)
        owner, line = np.divmod(unique, number)
        sizes = np.bincount(owner)
        starts = np.cumsum(sizes) - sizes
        return cls(line, (np.arange(unique.size) - starts[owner])[inverse], sizes, starts)

    def at(self, members: Array) -> Array:
        """Return the lines of some parts that have equally many, a row for each."""
        return np.asarray(self.lines[self.starts[members, None] + np.arange(self.sizes[members[0]])])


def _is_one_by_one(entries: Entries) -> bool:
    """Whether no row and no column has two entries; quick where the entries are sorted, as on a diagonal."""
    lines = (entries.rows, entries.columns)
    return all(np.all(line[1:] > line[:-1]) or np.bincount(line).max() <= 1 for line in lines)


def _one_by_one(entries: Entries) -> Parts:
    cube = (-1, 1, 1)
    rows, columns = entries.rows[:, None], entries.columns[:, None]
    return Parts(rows, columns, entries.values.reshape(cube), entries.bars.reshape(cube))


def pivots(entries: Entries) -> Array:
    """Eliminate rows that have a single entry left, each with its column, until there are no more.

    Return which entries these are. Those of a triangular matrix, in whatever order of its rows, are all it takes for
    its determinant.
    """
    height, width = entries.shape
    if np.all(entries.rows >= entries.columns) and height == width:
        diagonal = np.flatnonzero(entries.rows == entries.columns)
        if diagonal.size == height:  # lower triangular as it stands
            return diagonal
    count = np.bincount(entries.rows, minlength=height)
    left = np.zeros(height, np.int64)  # the sum of the entries that a row has left: the entry, where there is one
    np.add.at(left, entries.rows, np.arange(entries.rows.size))
    order = np.argsort(entries.columns, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(entries.columns, minlength=width))]
    taken, found = np.zeros(height, bool), []
    ready = np.flatnonzero(count == 1)
    while ready.size:
        columns, first = np.unique(entries.columns[left[ready]], return_index=True)
        chosen = left[ready[first]]
        found.append(chosen)
        taken[entries.rows[chosen]] = True
        lengths = starts[columns + 1] - starts[columns]
        offsets = np.repeat(starts[columns] - np.cumsum(lengths) + lengths, lengths)
        removed = order[offsets + np.arange(lengths.sum())]
        touched = entries.rows[removed]
        np.subtract.at(count, touched, 1)
        np.subtract.at(left, touched, removed)
        ready = np.unique(touched[(count[touched] == 1) & ~taken[touched]])
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def most_entries(memory: int) -> int:
    """Return how many entries a dense part may have within a budget of bytes."""
    return min(_LARGEST**2, memory // (_COPIES * 8))


def norm_bound(bars: Array) -> Array:
    """Bound the spectral norms of matrices of at least 0, B×m×n: by Frobenius, and by the row and column sums."""
    if bars.shape[1] == bars.shape[2] == 1:
        return np.asarray(bars[:, 0, 0])
    sums = np.sqrt(row_sum(bars)) * np.sqrt(row_sum(bars.swapaxes(1, 2)))
    return np.asarray(np.fmin(length(bars), sums) * (1 + 2.0**-40))  # for the rounding of the sums


def row_sum(matrices: Array) -> Array:
    """Return the largest sum of a row of each of some matrices, B×m×n."""
    return np.asarray(matrices.sum(axis=2).max(axis=1))


def length(matrices: Array) -> Array:
    """Return the Frobenius norms of matrices, B×m×n, without overflow."""
    largest = np.abs(matrices).max(axis=(1, 2))
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return np.asarray(scale * np.sqrt(((matrices / scale[:, None, None]) ** 2).sum(axis=(1, 2))))
