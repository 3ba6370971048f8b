"""Slopes at ever smaller steps, to one side or central: extrapolated, and which of them are believed. Next: sides."""

from functools import cached_property

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.columns import Columns
from jacinspect.jacobian.values.stencil import Stencil, finite
from jacinspect.records import dataclass

__all__ = ["SETTLED", "Rungs", "View", "believed", "bends", "creeping", "extrapolated", "slopes_of"]

SETTLED = 3  # steps in a row that show what one may by chance
_CHANGE = 2.0  # times the last change bounds the error where it shrinks by 1.5 a step, as of |x|^1.5
_SLOWLY = 0.8  # where it shrinks by less, at all of the finest steps, or grows by as little, no change bounds it
_SHARPER = 8.0  # no column claims to be more than so many times sharper than the one before: two may agree by chance
_FINEST = 7  # the finest steps share one measure of noise, for one disagreement alone may be small by chance


@dataclass(frozen=True, eq=False)
class Rungs:
    """Values of f at steps to either side, of shape (2, steps, entries), coarsest first; the steps in units of v."""

    stencil: Stencil
    steps: Array
    ratio: float
    y: Array

    @cached_property
    def peak(self) -> Array:
        """The size of f at each step: of its values to either side and at x, the largest."""
        return np.asarray(np.fmax(finite(np.abs(self.y)).max(axis=0), np.abs(self.stencil.y0)))

    def subset(self, chosen: Array) -> "Rungs":
        """Return the values of some entries."""
        return Rungs(self.stencil.subset(chosen), self.steps, self.ratio, self.y[:, :, chosen])


@dataclass(frozen=True, eq=False)
class View(Columns):
    """What is believed of one kind of slope: value ± bar at the step `best`."""

    value: Array
    bar: Array
    best: Array

    @property
    def settled(self) -> Array:
        """Where any step's slope is believed."""
        return np.isfinite(self.bar)


def slopes_of(rungs: Rungs) -> tuple[Array, ...]:
    """Return slopes to the left, to the right and central, step lengths, and the rounding of f, for all steps."""
    stencil = rungs.stencil
    widths = [stencil.widths(t) for t in rungs.steps.tolist()]
    shape = rungs.y.shape[1:]
    before, after = (np.stack([np.broadcast_to(width[side], shape[1:]) for width in widths]) for side in (0, 1))
    left, right = (stencil.y0 - rungs.y[0]) / before, (rungs.y[1] - stencil.y0) / after
    central = (before * right + after * left) / (before + after)  # steps that were rounded differ, and f bends
    x = widths[0][2]
    size = np.fmax(np.abs(x * central), stencil.summed())
    noise = 4 * (stencil.epsilon * rungs.peak + stencil.x_epsilon * finite(size) + stencil.smallest)
    return left, right, central, (before + after) / 2, noise


def extrapolated(
    slope: Array, floor: Array, h: Array, ratio: float, orders: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Return an estimate and a bar at every step: the column of Neville's tableau that changes least, and its noise.

    `floor` is what the rounding of f does to an estimate. The last is the bar as far as the step's own slopes and that
    make it.
    """
    value, column = slope.copy(), slope.copy()
    spread = _CHANGE * _change(slope)
    bound = np.zeros_like(spread)
    for number, order in enumerate(orders, 1):
        column[number:] += (column[number:] - column[number - 1 : -1]) / (ratio**order - 1)
        np.maximum(_CHANGE * _change(column), bound / _SHARPER, out=bound)
        better = bound < spread
        np.copyto(value, column, where=better)
        np.copyto(spread, bound, where=better)
    value[~np.isfinite(spread)] = np.nan
    noise = np.zeros_like(h)  # what a step and those that are finer disagree by
    noise[:-1] = np.abs(value[:-1] - value[1:]) * h[1:]
    noise[~np.isfinite(noise)] = 0
    noise[-_FINEST:] = noise[-_FINEST:].max(axis=0)
    _accumulate(np.maximum, noise)
    own = spread + floor
    return value, own + 2 * noise / h, own


def bends(side: tuple[Array, Array, Array], view: View) -> Array:
    """Return where f bends between neighbouring numbers and the steps that a side's slope is believed of.

    Any of the finest steps shows another slope, if f is as precise as its rounding.
    """
    value, bar = side[0][-SETTLED:], side[2][-SETTLED:]
    return np.asarray((np.abs(value - view.value) > bar + view.bar).any(axis=0))


def creeping(slope: Array) -> Array:
    """Return where slopes go on changing by about as much at each of the finest steps, as of x^1.04 or x log x."""
    change = np.diff(slope[-_FINEST:], axis=0)
    shrinks = change[1:] / change[:-1]
    return np.asarray((np.fmin(shrinks, 1 / shrinks) > _SLOWLY).all(axis=0))


def _change(column: Array) -> Array:
    """Return by how much a column changes from step to step; NaN at the first."""
    change = np.full_like(column, np.nan)
    np.abs(column[1:] - column[:-1], out=change[1:])
    return change


def _accumulate(of: np.ufunc, rows: Array) -> Array:
    """Take each row together with all below it, in place: row by row, which is twice as fast as of.accumulate."""
    for row, below in zip(rows[-2::-1], rows[:0:-1], strict=True):
        of(row, below, out=row)
    return rows


def believed(values: Array, bars: Array) -> View:
    """From the finest step on, intersect value ± bar while that is possible: the narrowest on the way is believed."""
    known = np.isfinite(bars)
    low = _accumulate(np.maximum, np.where(known, values - bars, -np.inf))
    high = _accumulate(np.minimum, np.where(known, values + bars, np.inf))
    inside = np.where(known & (low <= high), bars, np.inf)
    best, columns = inside.argmin(axis=0), np.arange(values.shape[1])
    return View(values[best, columns], inside[best, columns], best)  # where none is, the first, which is NaN
