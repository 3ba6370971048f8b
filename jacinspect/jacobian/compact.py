"""Pattern and Jacobian as compressed sparse rows, named as in scipy. Next: seeds, structure, hadamard.

Rows are outputs and columns are inputs, both flat in row-major order; the order of vec is chosen only when a matrix is
shown. For an element-wise function, `data` *is* A'.
"""

from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.colors.bicoloring import color_both
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = ["Jacobian", "Pattern", "counts_up", "vec_positions"]


def vec_positions(shape: tuple[int, ...], vec: str) -> Array:
    """Return the position in vec order ("column" or "row") of each row-major flat index of an array of this shape."""
    size = prod(shape)
    index = np.arange(size, dtype=np.int32 if size < 2**31 else np.int64)
    return index.reshape(shape, order="F" if vec == "column" else "C").ravel()


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which inputs each output reads: output o reads indices[indptr[o]:indptr[o + 1]], ascending."""

    indptr: Array
    indices: Array
    output_shape: tuple[int, ...]
    operand_shape: tuple[int, ...]

    @classmethod
    def from_pairs(
        cls, outputs: Array, inputs: Array, output_shape: tuple[int, ...], operand_shape: tuple[int, ...]
    ) -> "Pattern":
        """Build a pattern from (output, input) pairs, flat row-major integers in any order, repeats allowed."""
        height, width = prod(output_shape), prod(operand_shape)
        index = np.int32 if max(height, width, outputs.size) < 2**31 else np.int64
        if outputs.size > 1 and not np.all(outputs[1:] > outputs[:-1]):
            keys = np.sort(outputs.astype(np.int64) * width + inputs, kind="stable")  # quick on long sorted runs
            keys = keys[np.r_[True, keys[1:] != keys[:-1]]]
            outputs = keys // width
            inputs = keys - outputs * width  # several times faster than divmod
        indptr = np.zeros(height + 1, index)
        np.cumsum(np.bincount(outputs, minlength=height), out=indptr[1:])
        if inputs.size == height == width and counts_up(inputs) and counts_up(indptr):
            return cls(indptr, indptr[:-1], output_shape, operand_shape)  # one array for both saves a quarter
        return cls(indptr, inputs.astype(index, copy=False), output_shape, operand_shape)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(M, N): the number of outputs and of inputs."""
        return prod(self.output_shape), prod(self.operand_shape)

    def to_scipy(self, vec: str = "column", layout: str = "numerator") -> Any:
        """Return the pattern as a scipy.sparse.csr_array of ones; see `Jacobian.to_scipy`."""
        return Jacobian(self, np.ones(self.stored)).to_scipy(vec, layout)

    def groups(self, vec: str = "column") -> Array:
        """Return a color for each column, as scipy's group_columns does: no row has an entry in two of one color."""
        colors, _ = self.coloring
        ordered = np.empty(colors.size, np.int64)
        ordered[vec_positions(self.operand_shape, vec)] = np.maximum(colors, 0)  # what is not read may have any
        return ordered

    def bidirectional_groups(self, vec: str = "column") -> tuple[Array, Array]:
        """Return a group for each column and for each row, for a function with both jvp and vjp; -1 needs no product.

        Every entry is alone either in its row among the columns of its group, and is read from J times their sum (a
        jvp), or in its column among the rows of its group, and is read from their sum times J (a vjp). In all there are
        no more groups than for columns or rows alone: 3 of an arrowhead, whose columns need a group each. An inspection
        takes one direction nevertheless, since each rule is judged alone.
        """
        shapes = self.operand_shape, self.output_shape
        found = color_both(self.rows, self.indices, self.shape)
        ordered = tuple(
            groups[np.argsort(vec_positions(shape, vec))] for groups, shape in zip(found, shapes, strict=True)
        )
        return ordered[0], ordered[1]

    @property
    def stored(self) -> int:
        """The number of entries in the pattern."""
        return int(self.indices.size)

    @property
    def lengths(self) -> Array:
        """How many entries each row holds."""
        return np.asarray(self.indptr[1:] - self.indptr[:-1])

    @cached_property
    def rows(self) -> Array:
        """The output of each stored entry, ascending."""
        if self.is_identity:
            return self.indices  # equal, and as large as the operand
        return np.repeat(np.arange(self.shape[0], dtype=self.indices.dtype), self.lengths)

    @cached_property
    def is_identity(self) -> bool:
        """Whether it is square, and output k reads input k and nothing else."""
        return self.stored == self.shape[0] == self.shape[1] and counts_up(self.indptr) and counts_up(self.indices)

    @property
    def is_diagonal(self) -> bool:
        """Whether A has X's shape, and every output reads the input at its own place and nothing else."""
        return self.output_shape == self.operand_shape and self.is_identity

    @cached_property
    def has_one_each(self) -> bool:
        """Whether every row holds one entry."""
        return self.stored == self.shape[0] and bool((self.lengths == 1).all())

    @cached_property
    def bands(self) -> tuple[slice, ...]:
        """Slices of the flat outputs, so short that the temporaries of computing their entries take little memory."""
        return blocks(self.shape[0], self.stored // max(self.shape[0], 1))

    def band(self, outputs: slice) -> "Pattern":
        """Return the pattern of a slice of the flat outputs."""
        if outputs.stop - outputs.start == self.shape[0]:
            return self
        indptr = self.indptr[outputs.start : outputs.stop + 1] - self.indptr[outputs.start]
        indices = self.indices[self.entries(outputs)]
        return Pattern(indptr, indices, (outputs.stop - outputs.start,), self.operand_shape)

    def entries(self, outputs: slice) -> slice:
        """Return where the entries of a slice of the flat outputs are stored."""
        return slice(int(self.indptr[outputs.start]), int(self.indptr[outputs.stop]))

    def sums(self, terms: Array) -> Array:
        """Sum `terms`, one for each stored entry, by rows; M numbers."""
        if self.has_one_each:
            return terms
        lengths = self.lengths
        sums = np.zeros(lengths.size)
        filled = lengths > 0  # for an empty row, reduceat returns the next row's first term
        if filled.any():
            with np.errstate(all="ignore"):
                sums[filled] = np.add.reduceat(terms, self.indptr[:-1][filled])
        return sums

    @cached_property
    def coloring(self) -> tuple[Array, int]:
        """A color for each column, -1 for one that is not read, and their number; see `color_columns`."""
        return color_columns(self.rows, self.indices, self.shape[1])

    @cached_property
    def sources(self) -> Array | None:
        """The input at each output's place: the operand's flat indices, broadcast to the output's shape and flat."""
        inputs = np.arange(self.shape[1], dtype=self.indices.dtype).reshape(self.operand_shape)
        try:
            return np.broadcast_to(inputs, self.output_shape).ravel()
        except ValueError:
            return None

    @property
    def is_elementwise(self) -> bool:
        """Whether each output reads at most the input at its place (see `sources`)."""
        if self.is_diagonal:
            return True
        return self.sources is not None and np.array_equal(self.sources[self.rows], self.indices)

    def places(self, outputs: Array, inputs: Array) -> Array:
        """Return where the entries (output, input) are stored, -1 for those that are not; arrays of equal shape."""
        if not outputs.size:
            return np.zeros(outputs.shape, np.int64)
        first, last = self.indptr[outputs.min()], self.indptr[outputs.max() + 1]
        number = np.int64(self.shape[1])  # of columns: rows times that need 64 bits
        stored, sought = self.rows[first:last] * number + self.indices[first:last], outputs * number + inputs
        stored = np.append(stored, -1)  # which is sought nowhere
        low = np.searchsorted(stored[:-1], sought)
        return np.where(stored[low] == sought, first + low, -1)

    def transposed_order(self) -> Array:
        """Return the order of the stored entries that sorts them by input, then by output."""
        return np.argsort(self.indices, kind="stable")

    @property
    def T(self) -> "Pattern":  # noqa: N802 (the name that numpy and scipy give it)
        """The transpose: which outputs read each input; its entries are stored in `transposed_order`."""
        order = self.transposed_order()
        return Pattern.from_pairs(self.indices[order], self.rows[order], self.operand_shape, self.output_shape)

    def of_outputs(self, outputs: Array) -> "Pattern":
        """Return the pattern of some flat outputs, numbered anew in the order in which they are given."""
        lengths = self.lengths[outputs].astype(np.int64)
        starts = np.cumsum(lengths) - lengths
        entries = np.arange(lengths.sum()) + np.repeat(self.indptr[outputs] - starts, lengths)
        rows = np.repeat(np.arange(outputs.size), lengths)
        return Pattern.from_pairs(rows, self.indices[entries], (outputs.size,), self.operand_shape)

    def only(self, entries: Array) -> "Pattern":
        """Return the pattern of only those stored entries for which `entries` (booleans) is true."""
        return Pattern.from_pairs(self.rows[entries], self.indices[entries], self.output_shape, self.operand_shape)

    def has(self, other: "Pattern") -> Array:
        """Return which stored entries of another pattern of the same shapes are stored in this one."""
        return self.places(other.rows, other.indices) >= 0

    def restricted(self, keep: Array) -> "Pattern":
        """Return the pattern of only those columns for which `keep` (N booleans) is true."""
        return self.only(keep[self.indices])


@dataclass(frozen=True, eq=False)
class Jacobian:
    """A pattern with a value for each stored entry: ∂A/∂X as compressed sparse rows."""

    pattern: Pattern
    data: Array

    @property
    def indptr(self) -> Array:
        """Where each row starts in `indices` and `data`, M + 1 integers."""
        return self.pattern.indptr

    @property
    def indices(self) -> Array:
        """The column of each stored entry."""
        return self.pattern.indices

    @property
    def shape(self) -> tuple[int, int]:
        """(M, N), the shape of the vec-flattened matrix in numerator layout."""
        return self.pattern.shape

    def matrix(self, vec: str = "column", layout: str = "numerator") -> Array:
        """Return the dense matrix: M×N in numerator layout, N×M in denominator layout, ordered by `vec`."""
        dense = np.zeros(self.shape, self.data.dtype)
        rows = vec_positions(self.pattern.output_shape, vec)[self.pattern.rows]
        columns = vec_positions(self.pattern.operand_shape, vec)[self.indices]
        dense[rows, columns] = self.data
        return dense if layout == "numerator" else dense.T

    def to_scipy(self, vec: str = "column", layout: str = "numerator") -> Any:
        """Return the matrix as a scipy.sparse.csr_array, without a dense one; rows and columns as in `matrix`.

        Raises
        ------
        InputError
            Where scipy is not installed.
        """
        try:
            from scipy.sparse import csr_array
        except ImportError:
            raise InputError("to_scipy: scipy is not installed;\npip install scipy") from None
        rows = vec_positions(self.pattern.output_shape, vec)[self.pattern.rows]
        columns = vec_positions(self.pattern.operand_shape, vec)[self.indices]
        matrix = csr_array((self.data, (rows, columns)), shape=self.shape)
        return matrix if layout == "numerator" else matrix.T.tocsr()

    def tensor(self) -> Array:
        """Return ∂A_ij…/∂X_pq… as a dense array of shape output_shape + operand_shape."""
        return self.matrix(vec="row").reshape(self.pattern.output_shape + self.pattern.operand_shape)

    @property
    def T(self) -> "Jacobian":  # noqa: N802 (the name that numpy and scipy give it)
        """The transpose, N×M."""
        return Jacobian(self.pattern.T, self.data[self.pattern.transposed_order()])

    def __matmul__(self, tangent: Array) -> Array:
        """J @ dX, the jvp: dX in the operand's shape (or flat); gives the output's shape (or flat)."""
        tangent = np.asarray(tangent)
        if tangent.size != self.shape[1]:
            raise InputError(
                f"J @ dX: {format_shape(tangent.shape)} does not fit the {format_shape(self.shape)} Jacobian"
            )
        shape = self.pattern.output_shape if tangent.shape == self.pattern.operand_shape else (self.shape[0],)
        product = np.empty(self.shape[0])
        for block in self.pattern.bands:
            product[block] = self.band(block).weigh(tangent.reshape(-1))
        return product.reshape(shape)

    def weigh(self, tangent: Array) -> Array:
        """J @ dX for a flat dX; flat, without cutting J into blocks."""
        with np.errstate(all="ignore"):
            return self.pattern.sums(self.data * tangent[self.indices])

    def band(self, outputs: slice) -> "Jacobian":
        """Return the rows of a slice of the flat outputs."""
        return Jacobian(self.pattern.band(outputs), self.data[self.pattern.entries(outputs)])

    def only(self, entries: Array) -> "Jacobian":
        """Return the Jacobian with only those stored entries for which `entries` (booleans) is true."""
        return Jacobian(self.pattern.only(entries), self.data[entries])

    def on(self, pattern: Pattern) -> "Jacobian":
        """Return the values on another pattern of the same shapes, 0 where none is stored."""
        if pattern is self.pattern:
            return self
        values = np.append(self.data, 0.0)  # at the place -1, which stands for an entry that is not stored
        return Jacobian(pattern, values[self.pattern.places(pattern.rows, pattern.indices)])

    def with_entries(self, other: "Jacobian") -> "Jacobian":
        """Return the Jacobian that has the entries of another one as well, at other places."""
        shapes = self.pattern.output_shape, self.pattern.operand_shape
        rows, columns = (
            np.concatenate([mine, theirs])
            for mine, theirs in ((self.pattern.rows, other.pattern.rows), (self.indices, other.indices))
        )
        order = np.lexsort((columns, rows))
        return Jacobian(Pattern.from_pairs(rows, columns, *shapes), np.concatenate([self.data, other.data])[order])

    def outside(self, pattern: Pattern) -> "Jacobian":
        """Return the Jacobian of only those entries that are not stored in another pattern."""
        return self.only(~pattern.has(self.pattern))

    def vjp(self, cotangent: Array) -> Array:
        """J.T @ dA without building the transpose: dA of M entries; gives the operand's shape."""
        with np.errstate(all="ignore"):
            if self.pattern.is_identity:
                return np.asarray(self.data * np.ravel(cotangent)).reshape(self.pattern.operand_shape)
            terms = self.data * np.asarray(cotangent).ravel()[self.pattern.rows]
        sums = np.bincount(self.indices, weights=terms, minlength=self.shape[1])
        return sums[: self.shape[1]].reshape(self.pattern.operand_shape)

    def elementwise(self) -> Array | None:
        """Return A', the derivative of each output by the input at its place, zero where none is stored.

        The input at an output's place is the one that broadcasting the operand to the output's shape puts there: for
        equal shapes, A' is the diagonal. None where the operand does not broadcast.
        """
        if self.pattern.is_diagonal:
            return self.data.reshape(self.pattern.output_shape)
        places = self.pattern.sources
        if places is None:
            return None
        on = places[self.pattern.rows] == self.indices
        slopes = np.zeros(self.shape[0], self.data.dtype)
        slopes[self.pattern.rows[on]] = self.data[on]
        return slopes.reshape(self.pattern.output_shape)


def counts_up(numbers: Array) -> bool:
    """Whether the numbers are 0, 1, 2 and so on."""
    return not any(
        np.count_nonzero(numbers[block] != np.arange(block.start, block.stop)) for block in blocks(numbers.size)
    )
