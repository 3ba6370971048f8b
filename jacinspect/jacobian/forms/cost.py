"""What one product with J costs, in bytes and multiplications, at this size of X and at larger ones. Next: views.

How J grows with the first axis of X is read off the pattern: whether an axis of A grows with it, and whether an output
then reads as many inputs as before (a diagonal, a band, blocks) or more (a triangle, a dense row).
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern
from jacinspect.records import dataclass

__all__ = ["FLOAT_BYTES", "Cost", "CostRow", "Growth", "cost_table", "growth"]

FLOAT_BYTES = 8  # of a float64
_TERABYTE = 2**40  # more than the memory of most machines


@dataclass(frozen=True)
class Cost:
    """The cost of one product: bytes of the stored derivative, and multiplications."""

    bytes: int
    multiplications: int


@dataclass(frozen=True)
class CostRow:
    """The cost of one product with J, for an operand of `entries`: dense (or as the tensor), compressed rows, ⊙.

    `hadamard` is None for a function that is not element-wise.
    """

    entries: int
    matrix: Cost
    sparse: Cost
    hadamard: Cost | None


@dataclass(frozen=True)
class _Along:
    """Which indices along the first axis of X (there are `inputs`) an index along an axis of A (`outputs`) reads.

    They are `pairs` pairs; the index of A exceeds that of X by `least` to `most` in them.
    """

    outputs: int
    inputs: int
    pairs: int
    least: int
    most: int

    @property
    def is_filled(self) -> bool:
        """Whether there is no pair between the least and the most that is not read: a band, a triangle or all."""
        return self.pairs == self.at(1)[1]

    @property
    def is_dense(self) -> bool:
        """Whether every index of A reads every index of X."""
        return self.pairs == self.outputs * self.inputs

    def at(self, factor: int) -> tuple[int, int]:
        """Return outputs and pairs for `factor` times as many inputs, the band's edges where they are now.

        An edge that is a corner of this matrix is a corner of the larger one as well, as that of a triangle.
        """
        inputs = factor * self.inputs
        outputs = inputs + self.outputs - self.inputs
        least, most = self.least, self.most
        if self.inputs > 1 and least == 1 - self.inputs:
            least = 1 - inputs
        if self.outputs > 1 and most == self.outputs - 1:
            most = outputs - 1
        return outputs, _pairs_from(least, outputs, inputs) - _pairs_from(most + 1, outputs, inputs)


def _pairs_from(least: int, outputs: int, inputs: int) -> int:
    """Count pairs (i, j), i < outputs and j < inputs, with i - j of at least `least`."""
    whole = min(max(1 - least, 0), inputs)  # of these j, every i is far enough
    first = max(outputs - max(least + whole, 0), 0)  # i's of the next j; one less of each that follows
    number = min(inputs - whole, first)
    return whole * outputs + number * first - number * (number - 1) // 2


@dataclass(frozen=True)
class Growth:
    """How many outputs, inputs and stored entries there are, and what an axis of A reads of X's first axis.

    Without such an axis (`along` is None), outputs and stored entries multiply by the factor to these `powers`.
    """

    shape: tuple[int, int]
    stored: int
    powers: tuple[int, int]
    along: _Along | None = None

    def at(self, factor: int) -> tuple[int, int, int]:
        """Return outputs, inputs and stored entries where the first axis of X is `factor` times as long."""
        (height, width), along = self.shape, self.along
        if along is None:
            power, of_stored = self.powers
            return factor**power * height, factor * width, factor**of_stored * self.stored
        outputs, pairs = along.at(factor)
        return height // along.outputs * outputs, factor * width, round(self.stored / along.pairs * pairs)


def growth(pattern: Pattern) -> Growth:
    """Tell how a pattern grows with the first axis of X.

    The axis of A that grows is the one whose indices read the fewest along that of X each. Where each of them reads all
    of it, A grows if it has X's shape (a dense square), and does not else (a sum). Where what they read is neither a
    band nor a triangle, an output reads as many inputs as before.
    """
    sizes, output, operand = pattern.shape, pattern.output_shape, pattern.operand_shape or (1,)
    if not pattern.stored:
        return Growth(sizes, 0, (1, 1))
    if sizes[0] == 1 and output != pattern.operand_shape:
        return Growth(sizes, pattern.stored, (0, 1))
    axes = sorted(_axes(pattern), key=lambda along: along.pairs / along.outputs)
    narrow = [along for along in axes if along.is_filled and not along.is_dense]
    if narrow or output == pattern.operand_shape:
        along = (narrow or axes)[0]
        return Growth(sizes, pattern.stored, (1, 1), along if along.is_filled else None)
    if np.unique(pattern.rows.astype(np.int64) * operand[0] + _first(pattern)).size == sizes[0] * operand[0]:
        return Growth(sizes, pattern.stored, (0, 1))
    alike = max(sum(length == operand[0] for length in output), 1)  # x xᵀ grows along both of its axes
    return Growth(sizes, pattern.stored, (alike, alike))


def _axes(pattern: Pattern) -> Iterator[_Along]:
    """Yield what each axis of A reads along the first axis of X."""
    output, operand, read = pattern.output_shape, pattern.operand_shape or (1,), _first(pattern)
    for axis, index in enumerate(np.unravel_index(pattern.rows, output) if output else [np.zeros_like(read)]):
        pairs: Array = np.unique(index.astype(np.int64) * operand[0] + read)
        apart = pairs // operand[0] - pairs % operand[0]
        yield _Along((output or (1,))[axis], operand[0], pairs.size, int(apart.min()), int(apart.max()))


def _first(pattern: Pattern) -> Array:
    """Return the index along the first axis of X of each stored entry."""
    return np.asarray(np.unravel_index(pattern.indices, pattern.operand_shape or (1,))[0]).astype(np.int64)


def cost_table(growth: Growth, elementwise: bool) -> list[CostRow]:
    """Tabulate the cost of one product with J, and with 10, 100 … times the first axis of X.

    The last row is the first whose dense matrix exceeds a terabyte.
    """
    rows: list[CostRow] = []
    factor = 1
    while not rows or (0 < rows[-1].matrix.bytes <= _TERABYTE):
        height, width, number = growth.at(factor)
        index = 4 if max(height, width, number) < 2**31 else 8
        rows.append(
            CostRow(
                width,
                Cost(FLOAT_BYTES * height * width, height * width),
                Cost((FLOAT_BYTES + index) * number + index * (height + 1), number),
                Cost(FLOAT_BYTES * height, height) if elementwise else None,
            )
        )
        factor *= 10
    return rows
