"""Where f is rough: the stored entries on a kink or a jump, or around which f moves in steps. Next: numeric."""

from typing import Self

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.columns import Columns
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import dataclass

__all__ = ["NO_KINKS", "NO_STAIRS", "Kinks", "Stairs"]


@dataclass(frozen=True, eq=False)
class _Listed(Columns):
    """Some of the stored entries, ascending, and what is known of each."""

    entries: Array

    def within(self, block: slice) -> slice:
        """Return the places, among these, of the entries that lie in a block of the stored ones."""
        first, last = np.searchsorted(self.entries, [block.start, block.stop])
        return slice(int(first), int(last))

    @classmethod
    def ascending(cls, parts: list[Self]) -> Self:
        """Put what is listed of all colors together, by entry."""
        whole = cls.joined(parts)
        return whole.subset(np.argsort(whole.entries))


@dataclass(frozen=True, eq=False)
class Kinks(_Listed):
    """The stored entries on a kink or a jump, and the slopes to the left and to the right of each."""

    left: Array
    right: Array

    @property
    def low(self) -> Array:
        """The smaller of the two slopes."""
        return np.minimum(self.left, self.right)

    @property
    def high(self) -> Array:
        """The larger of the two slopes."""
        return np.maximum(self.left, self.right)

    def slopes(self, entry: int) -> tuple[float, float]:
        """Return the slopes to the left and to the right of a stored entry that is one of these."""
        place = int(np.searchsorted(self.entries, entry))
        return float(self.left[place]), float(self.right[place])

    @classmethod
    def of(cls, entries: Array, estimate: Estimate) -> Self:
        """Return those of some entries that an estimate finds on a kink or a jump."""
        on = (estimate.kind == Kind.JUMP) | (estimate.kind == Kind.KINK)
        return cls(entries[on], estimate.left[on], estimate.right[on])


@dataclass(frozen=True, eq=False)
class Stairs(_Listed):
    """The stored entries around which f moves in steps: how high the steps are, and what each scale says.

    An entry's own value is that over many steps where `over_many`, and else the slope between two; `other` ± `bar` is
    that of the other scale.
    """

    height: Array
    other: Array
    bar: Array
    over_many: Array

    def of_outputs(self, rows: Array, number: int) -> Array:
        """Return how high the steps of each of so many outputs are, 0 of those without; `rows` are of all entries."""
        height = np.zeros(number)
        np.maximum.at(height, rows[self.entries], self.height)
        return height

    @classmethod
    def of(cls, entries: Array, estimate: Estimate) -> Self:
        """Return those of some entries around which an estimate finds f to move in steps."""
        on = estimate.step > 0
        columns = (estimate.step, estimate.other, estimate.other_bar, estimate.over_many)
        return cls(entries[on], *(column[on] for column in columns))


NO_KINKS = Kinks(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
NO_STAIRS = Stairs(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, bool))
