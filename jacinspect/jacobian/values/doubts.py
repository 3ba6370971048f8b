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
    """What may not be believed before f is seen to be continuous: what scales or somebody `contradicts`.

    `contradicts` says of entries, given by their places, where somebody denies a value and its bar; None if nobody
    claims anything, where `all` may be doubted.
    """

    contradicts: Callable[[Array, Array, Array], Array] | None = None
    all: bool = False

    @classmethod
    def unless_near(cls, slopes: Array, allowed: Array) -> "Doubts":
        """Doubt what is further than its bar and what is `allowed` from slopes that are given."""
        return cls(lambda places, value, bar: ~(np.abs(slopes[places] - value) <= bar + allowed[places]))

    def subset(self, chosen: Array) -> "Doubts":
        """Return what is doubted of some of the entries."""
        contradicts = self.contradicts
        if contradicts is None:
            return self
        return Doubts(lambda places, value, bar: contradicts(chosen[places], value, bar), self.all)

    def deny(self, value: Array, bar: Array) -> Array:
        """Return where somebody denies values of all entries: the last axis is theirs."""
        if self.contradicts is None:
            return np.zeros(value.shape, bool)
        return np.asarray(self.contradicts(np.arange(value.shape[-1]), value, bar))

    def of(self, sides: Sides) -> Array:
        """Return which slopes may not be believed: a claim that every scale refutes is wrong, steps or none."""
        view, (values, bars) = sides.both, sides.scales
        # On a tread, f stands still where a slope would move it, or where it has none, but not for ever.
        still = (sides.rungs.y == sides.rungs.stencil.y0).all(axis=0)
        tread = (still & (np.abs(view.value) * sides.h > sides.noise)).any(axis=0)
        tread |= (view.value == 0) & ~still.all(axis=0)
        # Where a second derivative jumps, or digits are lost, one scale contradicts others by a little.
        off = np.abs(values - view.value) - view.bar
        opposed = np.count_nonzero(off > 2 * bars + np.abs(values) / 2, axis=0) >= SETTLED
        if self.contradicts is None:  # the steps of what gives whole numbers are its own
            return np.asarray(self.all | opposed | (tread & (not sides.rungs.stencil.box.whole)))
        coarser = np.arange(bars.shape[0])[:, None] < view.best
        borne_out = np.count_nonzero(coarser & ~self.deny(values, bars), axis=0) >= _BORNE_OUT
        return np.asarray(opposed | (self.deny(view.value, view.bar) & (borne_out | tread)))
