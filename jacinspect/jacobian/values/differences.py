"""A callable's numeric jvp by extrapolated differences, with an error bar for every entry. Next: ladder, noise.

Three things keep the bar honest: a rounding floor with a term for the rounding of x, a demand that the one-sided slopes
close in on each other, and the noise of the function itself where it computes in single precision.
"""

from math import log2
from typing import Any

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.stencil import Stencil, finite, precision
from jacinspect.records import dataclass

__all__ = [
    "CLOSE",
    "FAINT",
    "FAR",
    "FARTHER",
    "MANY",
    "ROUNDING",
    "TYPICAL",
    "WIDE",
    "FirstPass",
    "doubtful",
    "first_pass",
    "last_step",
    "short_pass",
]

WIDE = 1e-4  # a bar above this fraction of what it bounds is too wide to judge by
FAINT = 1e-6  # of what f moves by per unit of x: beside a small slope, a wider bar would hide what is wrong in it
ROUNDING = 4 * 2.0**-52  # what a claim may be off by for its own rounding
SHARP = 1e-8  # a bar below this fraction of the derivative, or of f per unit of x, needs no second look
FAR, SHARP_FAR = 2.0**20, 1e-9  # and this one where |x| is so large that whole waves of f fit between two steps
# Each step is not quite 2 times smaller than the last: at whole ratios a step that happens to be a multiple of f's
# period makes all coarser ones so, and a wrong slope looks settled.
_FIRST_RATIO = 1.92
_R2, _R3 = _FIRST_RATIO**2, _FIRST_RATIO**3
# Of a first pass: a step, in units of the shortest, and the weights that the one-sided slope over it has in the central
# slope extrapolated from the last two steps, in that from the first two, both off by h⁴, and in the gap between
# the sides, a + b·h + c·h³, extrapolated to step 0, where it is a: 0 where f is smooth.
_FIRST = tuple(
    (side * step, value, before, side * gap)
    for step, value, before, gap in (
        (_R2, 0.0, -0.5 / (_R2 - 1), 1 / ((_FIRST_RATIO - 1) * (_R3 - 1))),
        (
            _FIRST_RATIO,
            -0.5 / (_R2 - 1),
            0.5 * _R2 / (_R2 - 1),
            -(_FIRST_RATIO + _R3) / ((_FIRST_RATIO - 1) * (_R3 - 1)),
        ),
        (1.0, 0.5 * _R2 / (_R2 - 1), 0.0, _FIRST_RATIO * _R3 / ((_FIRST_RATIO - 1) * (_R3 - 1))),
    )
    for side in (-1, 1)
)
# Of three values: in the slope of the cubic through them and f(x), in the central slope, and in the gap between the
# sides. That which may be known is the first, so that none is looked for afterwards.
_THREE = (
    (_FIRST_RATIO, -1 / (_R2 - 1), 0.0, 0.0),
    (-1.0, 0.5 - 0.5 / (_FIRST_RATIO + 1), 0.5, -1.0),
    (1.0, 0.5 + 0.5 / (_FIRST_RATIO - 1), 0.5, 1.0),
)
CLOSE = 2.0**-13  # the shorter step of three values: the central slope is off by 3e-9 of the third derivative
FARTHER = CLOSE * _FIRST_RATIO  # and the longer one
MANY = 16  # colors, or inputs of an output: three values are enough for each, and points are not asked twice
# Times what the cubic moves the central slope by bounds what is left: by no more than 1.92 where a second or third
# derivative leaps between the steps, and by far less than a 16th where f has no bend within 1e-3.
_LEAPS, _BENDS = 2.0, 2.0**-4
# The cubic is off by 0.08 h³ times the fourth derivative, whatever it moves the central slope by; that is f''² / f in
# a wave.
_WAVES = 0.16
TYPICAL = 0.125  # of a rounding floor: of a thousand entries hardly one was off by more
_ROUNDED = 8  # rounding floors that the gap at step 0 may be off by: its weights add up to about 4, for either side
# Noise of f moves the gap by so many times what it moves the central slope by, and independently: where it happens not
# to show in the change of that, it does in the gap.
_GAP = 3.0
_CHANGE = 1.1  # times a change of the extrapolation bounds what it was off by before, down to an order of h


@dataclass(frozen=True, eq=False)
class FirstPass:
    """Derivatives along a line at first sight: value ± bar, and how far the one-sided slopes stay apart.

    `excess` is by how much the slopes' gap at step 0, extrapolated, exceeds what is allowed: 0 where f is smooth.
    `size` is that of f per unit of x, a step away: x² is not of size 0 at 0. `trusted` is, of what three values show,
    by how much claims may be off before six have to decide, which is less than the bar; 0 of what six values show.
    """

    value: Array
    bar: Array
    excess: Magnitudes
    size: Magnitudes
    trusted: Magnitudes | None = None

    def put_back(self, order: Array) -> "FirstPass":
        """Return the derivatives at the places from which an order took them."""
        places = np.empty_like(order)
        places[order] = np.arange(order.size)
        trusted = None if self.trusted is None else self.trusted.subset(places)
        return FirstPass(
            self.value[places], self.bar[places], self.excess.subset(places), self.size.subset(places), trusted
        )

    def replace(self, chosen: Array, others: "FirstPass") -> None:
        """Put what six values show at some places."""
        assert self.trusted is not None
        self.value[chosen], self.bar[chosen], self.trusted[chosen] = others.value, others.bar, np.zeros(chosen.size)
        self.excess[chosen], self.size[chosen] = others.excess[:], others.size[:]

    @property
    def closing(self) -> Array:
        """Whether the one-sided slopes close in on each other."""
        return self.excess.vanish


@np.errstate(all="ignore")
def first_pass(stencil: Stencil, reach: float = 1.0) -> FirstPass:
    """Difference at three step sizes, each about half the last, and extrapolate (Richardson 1911).

    `reach` scales the steps, which are otherwise the best for a smooth function on the scale of x.
    """
    last = last_step(stencil.epsilon) * reach
    value, before, gap, moved = _weighed(stencil, last, _FIRST)
    excess = Magnitudes(value.size)
    for block in blocks(value.size):
        floor = stencil.floor(last, _peak(stencil, moved, block), value[block], block)
        change = value[block] - before[block]
        # A remainder slower than h⁴ makes the last correction small by chance, but not the one before.
        apart = np.abs(gap[block])
        before[block] = _CHANGE * (np.abs(change) + apart / _GAP) + floor
        value[block] += change / (_FIRST_RATIO**4 - 1)
        excess[block] = np.where(apart <= before[block] + _ROUNDED * floor, 0, apart)
    return FirstPass(value, before, excess, moved)


@np.errstate(all="ignore")
def short_pass(stencil: Stencil) -> FirstPass:
    """Difference by three values, two beside x and one farther on, which shows what a central slope is off by.

    The bar allows for derivatives that leap between the steps, and is wider than what claims may be off by.
    """
    value, before, gap, moved = _weighed(stencil, CLOSE, _THREE)
    trusted = Magnitudes(value.size)
    for block in blocks(value.size):
        peak = _peak(stencil, moved, block)
        floor = stencil.floor(CLOSE, peak, value[block], block)
        change = np.abs(value[block] - before[block])
        wave = np.nan_to_num(gap[block] ** 2 * np.abs(stencil.width(CLOSE, block)) / peak)
        before[block] = _LEAPS * change + _WAVES * wave + floor
        trusted[block] = _BENDS * change + TYPICAL * floor
    return FirstPass(value, before, Magnitudes(value.size), moved, trusted)


def _weighed(stencil: Stencil, unit: float, table: tuple[tuple[float, ...], ...]) -> tuple[Any, ...]:
    """Return sums of one-sided slopes, weighed as in each column of a table, and how far f moves over a `unit`.

    Each step is given in such units. All sums are linear in f's values, so that each is added as it comes, and none is
    kept.
    """
    size = stencil.y0.size
    sums, moved = [np.zeros(size) for _ in table[0][1:]], Magnitudes(size)
    values = stencil.steps([step * unit for step, *_ in table])
    for step, *weights in table:
        y = next(values)
        for block in blocks(size):
            slope = (y[block] - stencil.y0[block]) / stencil.width(step * unit, block)
            for total, weight in zip(sums, weights, strict=True):
                if weight:
                    total[block] += weight * slope
            if abs(step) == 1:
                moved[block] = np.fmax(moved[block], finite(np.abs(slope) * unit))
        del y
    return *sums, moved


def _peak(stencil: Stencil, moved: Magnitudes, block: slice) -> Array:
    """Return how large f is at most at the steps of a block, over which it has `moved`."""
    return np.asarray(np.abs(stencil.y0[block]) + moved[block] * stencil.step_scale(block))


def last_step(epsilon: float) -> float:
    """Return the shortest step of a first pass, in units of the direction."""
    return float(2.0 ** min(round(log2(8 * epsilon**0.2)), -2)) / _FIRST_RATIO**2


def doubtful(value: Array, bar: Array, size: Array, unit: Array, epsilon: float) -> Array:
    """Where a ladder should look again: a value that is not finite, or a bar wide against f's size.

    `size` is that of f per `unit` of x.
    """
    with np.errstate(all="ignore"):
        allowed = np.where(unit > FAR, SHARP_FAR, SHARP) * np.maximum(np.abs(value), size)
        return np.asarray(~(bar < np.maximum(allowed, precision(epsilon).tiny)))  # an infinite one is wide
