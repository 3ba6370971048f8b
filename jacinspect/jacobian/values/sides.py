"""What slopes at ever smaller steps make of an entry: a value, a bar and a kind. Next: ladder."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.columns import Columns
from jacinspect.jacobian.values.differences import FAR, WIDE
from jacinspect.jacobian.values.slopes import SETTLED, Rungs, View, believed, bends, creeping, extrapolated, slopes_of
from jacinspect.jacobian.values.stencil import Kind, finite, own_scale
from jacinspect.records import dataclass

__all__ = ["Estimate", "Sides", "leaps_at_once"]

_TOLD = 16  # times its bar a slope has to be, where the bar is wide otherwise: less is what no step resolves
_DENSE = 2.0**-8  # between neighbouring numbers, so that values of f there would show that they are not all whole
_WAVE = 2.0**-5  # the shortest waves that f is searched for
_FOLLOWS = 16  # steps so many times shorter than a wave follow it: they are hardly off by it, and as much by rounding
_AS_MUCH = 2.0  # rounding may be so many times larger over some steps than it was seen to be over others
_APART = 4.0  # times their bars, for two sides to be a kink: less may be one slope that has not settled
_STEADY = 14  # of the finest steps, over which what f rises by at a jump stays
_AMPLIFIED = 2.6  # times larger noise is in a one-sided slope, extrapolated twice, than in one by itself
_LAST_BITS = 2.0**10  # of f over a unit of x: a bar below that is wide for its rounding, and not for want of a limit


@dataclass(frozen=True, eq=False)
class Estimate(Columns):
    """Derivatives along a line, one per entry: value ± bar, its kind, and the one-sided slopes where it has a kink.

    `reached` is the largest change of f that was met, per unit of x, or per |x| if f moves by more within that. `step`
    is how high the steps are in which f moves near x, 0 where it does not; the value is then that over many steps where
    `over_many`, and else the slope between two, and `other` ± `other_bar` is that of the other scale.
    """

    value: Array
    bar: Array
    kind: Array
    left: Array
    right: Array
    reached: Array
    step: Array
    other: Array
    other_bar: Array
    over_many: Array


def leaps_at_once(rungs: Rungs) -> Array:
    """Return, for the left and the right, where f leaps between x and the number beside it.

    Where f leaps up to both sides, or down, its value at x alone is another: that is no jump, and no slope is known.
    """
    stencil, y0 = rungs.stencil, rungs.stencil.y0
    found: Array = np.zeros((2, y0.size), bool)
    far, near = (np.abs(rungs.y[:, step] - y0) for step in (-_STEADY, -1))
    steady = np.flatnonzero((far < 2 * near).any(axis=0))  # few, so that the rest takes no time
    rise = rungs.y[:, -_STEADY:, steady] - y0[steady]
    # a jump's rise stays over steps that are a million times apart; rounding has no one size and sign over so many
    leaps: Array = (np.abs(rise - rise[:, -1:]) <= np.abs(rise[:, -1:]) / 2).all(axis=1)
    rise = rise[:, -1]
    leaps &= np.abs(rise) > 64 * stencil.epsilon * np.abs(y0[steady])
    leaps &= ~(leaps.all(axis=0) & (np.sign(rise[0]) == np.sign(rise[1])))
    for side, towards in enumerate((-np.inf, np.inf)):
        if leaps[side].any() and stencil.inputs is not None:
            y = stencil.beside(towards)[steady]
            found[side, steady] = leaps[side] & (np.abs(y - y0[steady]) >= np.abs(rise[side]) / 2)
    return found


@dataclass(frozen=True, eq=False)
class Sides:
    """What is believed of the slopes to the left, to the right and central, and what that makes of each entry.

    `scales` is value and bar of the central slope at every step, `h` the steps and `noise` the rounding of f at each.
    `jumps` is where f leaps at once to a side, `bent` where a side's slope is that of a bend, `parted` where the slopes
    of both sides differ at the same steps, `creeps` where slopes go on changing, `step` the noise that was given.
    """

    rungs: Rungs
    jumps: Array
    step: Array
    left: View
    right: View
    both: View
    scales: tuple[Array, Array]
    bent: Array
    parted: Array
    creeps: Array
    h: Array
    noise: Array

    @classmethod
    def of(cls, rungs: Rungs, jumps: Array, step: Array) -> "Sides":
        """Judge the slopes of some entries, with noise of at least `step`."""
        left, right, central, h, noise = slopes_of(rungs)
        noise = np.maximum(noise, 2 * step)
        floor = noise / h
        lows = extrapolated(left, _AMPLIFIED * floor, h, rungs.ratio, (1, 2))
        highs = extrapolated(right, _AMPLIFIED * floor, h, rungs.ratio, (1, 2))
        value, bar, _ = extrapolated(central, floor, h, rungs.ratio, (2, 4))
        bar += np.abs(highs[0] - lows[0]) / 2  # where the sides do not meet, what lies between them is no slope
        one, other = believed(*lows[:2]), believed(*highs[:2])
        bent = bends(lows, one) | bends(highs, other)
        creeps = creeping(left) | creeping(right)
        parted = np.count_nonzero(np.abs(highs[0] - lows[0]) > _APART * (lows[1] + highs[1]), axis=0) >= SETTLED
        return cls(rungs, jumps, step, one, other, believed(value, bar), (value, bar), bent, parted, creeps, h, noise)

    @property
    def best(self) -> Array:
        """The step at which each entry's slope is believed; where f leaps at once to one side, that of the other."""
        return np.select(list(self.jumps), [self.right.best, self.left.best], self.both.best)

    def estimate(self) -> Estimate:
        """Say what each entry is."""
        one, other, both, stencil = self.left, self.right, self.both, self.rungs.stencil
        kind, change = self._kind(), np.abs(self.rungs.y - stencil.y0)
        reached = self._reached(finite(change))
        sided = (kind == Kind.JUMP) | ((kind == Kind.SMOOTH) & ~both.settled)
        value, bar = self._of_side()
        value = np.where(sided, value, np.where(kind == Kind.KINK, (one.value + other.value) / 2, both.value))
        bar = np.where(sided, bar, np.where(kind == Kind.KINK, one.bar + other.bar, both.bar))
        # Where f stands still, a slope that its noise would hide over a unit of x is as good as 0.
        bar = np.where(value == 0, np.maximum(bar, stencil.floor(1.0, self.rungs.peak[0], value)), bar)
        hidden = self._hidden(value, bar, reached) | self.creeps
        kind[(kind == Kind.SMOOTH) & hidden] = Kind.UNRESOLVED
        # A side that neither leaps at once nor has a slope is too steep for the steps, and no slope is known then.
        known = self._known(reached)
        steep = [
            ~side & ~((_TOLD * view.bar <= np.abs(view.value)) | (view.bar <= known))
            for side, view in zip(self.jumps, (one, other), strict=True)
        ]
        kind[self.jumps.any(axis=0) & (steep[0] | steep[1])] = Kind.UNRESOLVED
        # Across a jump, slope 0 is as good as the slope of the side that holds the value.
        low = np.where(kind == Kind.JUMP, 0.0, one.value)
        high = np.where(kind == Kind.JUMP, value, other.value)
        unknown = np.full(value.size, np.nan)
        return Estimate(value, bar, kind, low, high, reached, self.step, unknown, unknown, self.step > 0)

    def _kind(self) -> Array:
        """Return what each entry is, as far as slopes and jumps show."""
        one, other = self.left, self.right
        kink = np.abs(one.value - other.value) > _APART * (one.bar + other.bar)
        # beside a kink close to x, f may stand still over the finest steps; a bend moves it there
        still = (self.rungs.y[:, -SETTLED:] == self.rungs.stencil.y0).all(axis=(0, 1))
        kink &= self.parted & (still | ~self.bent)
        kinds = (
            (~np.isfinite(self.rungs.y).any(axis=(0, 1)), Kind.NONFINITE),
            (self.jumps.any(axis=0), Kind.JUMP),
            (kink, Kind.KINK),
            (one.settled | other.settled, Kind.SMOOTH),  # f may end here: the slope where it is defined
        )
        return np.select([holds for holds, _ in kinds], [kind for _, kind in kinds], Kind.UNRESOLVED).astype(np.int8)

    def _of_side(self) -> tuple[Array, Array]:
        """Return the slope and its bar on a side that has one and does not leap; 0 where there is none."""
        sides = [view.settled & ~jumps for view, jumps in zip((self.left, self.right), self.jumps, strict=True)]
        value = np.select(sides, [self.left.value, self.right.value], 0.0)
        return value, np.select(sides, [self.left.bar, self.right.bar], 0.0)

    def _reached(self, change: Array) -> Array:
        """Return the largest of some changes of f, per unit of x; or, if f moves by more within |x|, per distance.

        Within |x| it has to move to both sides: f may leap, or end, at 0. Beside a slope of longer steps, it is noise.
        """
        stencil = self.rungs.stencil
        near = own_scale(stencil.widths(1.0)[2])  # at 0, where numbers are dense, what f does near x has no size
        settled = (np.take_along_axis(self.h, self.both.best[None], axis=0) < near) & (near < stencil.step_scale())
        steep = np.where(settled & (self.h >= near / 4), change.min(axis=0) / self.h, 0)
        return np.asarray(np.maximum(change.max(axis=(0, 1)) / stencil.step_scale(), steep.max(axis=0)))

    def _known(self, reached: Array) -> Array:
        """Return how wide a bar may be against what f does near x, or for its rounding alone."""
        stencil = self.rungs.stencil
        # A product by a small x has terms as much larger over a step of 1 as that is longer than x.
        size = np.fmax(stencil.size(), stencil.summed() / own_scale(stencil.widths(1.0)[2]))
        return np.maximum(WIDE * reached, _LAST_BITS * stencil.epsilon * size)

    def _hidden(self, value: Array, bar: Array, reached: Array) -> Array:
        """Return where a slope is none that is known: its bar is wide, or steps show another, or f is whole."""
        stencil = self.rungs.stencil
        told = (_TOLD * bar <= np.abs(value)) | (bar <= self._known(reached))
        hidden = ~(told | (reached == 0))
        # Beside a large x, f may have its waves where rounding hides them: shorter steps below 1 have to show the same
        # slope, but for one rounding of f and one of x. Far shorter ones follow waves: they are off by rounding alone.
        shorter = (np.arange(self.h.shape[0])[:, None] > self.both.best) & (self.h > _WAVE) & (self.h < 1)
        off = np.abs(self.scales[0] - value) * self.h
        rounding = np.fmax.reduce(np.where(self.h < _WAVE / _FOLLOWS, off, 0), axis=0)
        waves = shorter & (off > np.maximum(self.noise / 8, _AS_MUCH * rounding))
        hidden |= (stencil.step_scale() > FAR) & waves.any(axis=0)
        if stencil.box.whole:  # no slope but 0 is f's own, if numbers are dense there
            dense = np.maximum(stencil.step_scale(), np.abs(stencil.y0)) * stencil.epsilon < _DENSE  # of x and of f
            hidden |= (value != 0) & dense
        return np.asarray(hidden)
