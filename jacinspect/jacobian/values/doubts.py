"""What may not be believed of a slope before f is seen to be continuous. Next: over_steps, ladder."""

from collections.abc import Callable

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.sides import Sides
from jacinspect.jacobian.values.slopes import SETTLED
from jacinspect.records import dataclass

__all__ = ["Doubts"]

_BORNE_OUT = 3  # coarser steps have to agree with a claim for it to be looked at again: the coarsest agree with all


@dataclass(frozen=True, eq=False)
class Doubts:
    """What may not be believed before f is seen to be continuous: what has `lost` digits, and what is contradicted.

    `contradicts` says of entries, given by their places, where somebody denies a value and its bar; None if nobody
    claims anything. Without `lost`, no slope may be believed.
    """

    lost: Array | None = None
    contradicts: Callable[[Array, Array, Array], Array] | None = None

    @classmethod
    def unless_near(cls, slopes: Array, allowed: Array) -> "Doubts":
        """Doubt what is further than its bar and what is `allowed` from slopes that are given."""
        return cls(
            np.zeros(slopes.size, bool),
            lambda places, value, bar: ~(np.abs(slopes[places] - value) <= bar + allowed[places]),
        )

    def subset(self, chosen: Array) -> "Doubts":
        """Return what is doubted of some of the entries."""
        lost = None if self.lost is None else self.lost[chosen]
        if self.contradicts is None:
            return Doubts(lost)
        contradicts = self.contradicts
        return Doubts(lost, lambda places, value, bar: contradicts(chosen[places], value, bar))

    def deny(self, value: Array, bar: Array) -> Array:
        """Return where somebody denies values of all entries: the last axis is theirs."""
        if self.contradicts is None:
            return np.zeros(value.shape, bool)
        return np.asarray(self.contradicts(np.arange(value.shape[-1]), value, bar))

    def of(self, sides: Sides) -> Array:
        """Return which slopes may not be believed: a claim that every scale refutes is wrong, whatever f moves in."""
        view, (values, bars) = sides.both, sides.scales
        if self.lost is None:
            return np.ones(view.value.size, bool)
        coarser = np.arange(bars.shape[0])[:, None] < view.best
        off = np.where(coarser, np.abs(values - view.value) - view.bar, 0)
        # Where a second derivative jumps, differences lose digits too; but one scale at most contradicts another.
        opposed, against = (np.count_nonzero(off > far, axis=0) for far in (bars, 2 * bars + np.abs(values) / 2))
        doubted = (self.lost & (opposed >= SETTLED)) | (against >= SETTLED)
        rungs = sides.rungs
        ends = (view.value == 0) & (rungs.y != rungs.stencil.y0).any(axis=(0, 1))  # f stands still, on a tread
        if self.contradicts is None:  # the steps of what gives whole numbers are its own
            return np.asarray(doubted | (ends & (not rungs.stencil.box.whole)))
        borne_out = np.count_nonzero(coarser & np.isfinite(bars) & ~self.deny(values, bars), axis=0)
        return np.asarray(doubted | (self.deny(view.value, view.bar) & ((borne_out >= _BORNE_OUT) | ends)))
