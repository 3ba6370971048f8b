"""Does f move in steps near x? Then the slope between two of them says nothing of f's derivative. Next: ladder.

Where digits are lost, a program is smooth between two steps, with a wrong slope and a tiny bar: so is one that computes
in half precision, prints digits, or stops an iteration at a tolerance. f is evaluated at places to both sides of x, a
little further apart than the step at which a slope is believed, and fifth differences show where it may leap (Hamming
1962); bisection tells a leap from a bend. One leap is a jump of f and excuses nobody; several are a staircase.
"""

from dataclasses import dataclass

import numpy as np

from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.differences import Stencil

__all__ = ["steps_near"]

_SIDE = 32  # places to each side that are searched for leaps, twice as far apart as the step that is believed is long
_FARTHEST = (
    0.01507  # apart at most, in units of x: half a unit away f may be another function; no whole number of steps
)
_FURTHER = (1.0, 8.0, 64.0, 512.0, 4096.0)  # times as far apart: x may lie close to the end of a tread, or leaps be far
_HALVINGS, _FIRST_HALVINGS = 20, 6  # a leap persists however near its two ends; a bend is seen to be one after a few
_MATTERS = 8.0  # times the bar over the step: leaps that are smaller do not move the slope by much more than its bar
_ROUNDINGS = 16  # of f's values, that are no leap
_SEVERAL = 8  # large fifth differences: one leap makes three
_LEAP = 6  # the largest fifth difference of a step of height 1
_SMALL = 8  # times a step is less than what f moves on by up to there: then it is no jump that f is about


def steps_near(stencil: Stencil, value: Array, bar: Array, believed: Array) -> tuple[Array, Array]:
    """Return how high the steps are in which f moves near x, 0 where it does not, and how far away one is.

    `value` ± `bar` is the slope at the step that is `believed`, in units of the direction.
    """
    height, away, leaping = np.zeros(value.size), np.ones(value.size), np.zeros(value.size, bool)
    for number, further in enumerate(_FURTHER):
        spacing = np.minimum(2 * believed * further, _FARTHEST)
        sampled = (number > 0) & (2 * believed * _FURTHER[number - 1] >= _FARTHEST)
        again = np.flatnonzero((height == 0) & ~sampled)
        if again.size:
            search = _Search.at(stencil.subset(again), value[again], bar[again], spacing[again])
            height[again], away[again], leaping[again] = search.steps(leaping[again])
    return height, away * np.abs(stencil.units())


@dataclass(frozen=True, eq=False)
class _Search:
    """Values of f at 2·_SIDE + 1 places around x, `spacing` apart; the same ones for all that read one input.

    `slope` is what f moves by from one place to the next, `least` the height of a step that would matter.
    """

    stencil: Stencil
    inputs: Array
    spacing: Array
    slope: Array
    least: Array
    y: Array

    @classmethod
    def at(cls, stencil: Stencil, value: Array, bar: Array, spacing: Array) -> "_Search":
        """Evaluate f at the places."""
        inputs = np.zeros(value.size, np.int64)
        if stencil.inputs is not None:
            inputs = np.arange(stencil.x.size)[stencil.inputs]
        spacing = spacing[_leader(inputs, -spacing)]
        width, y = spacing * stencil.units(), np.empty((2 * _SIDE + 1, value.size))
        search = cls(stencil, inputs, spacing, value * width, _MATTERS * bar * np.abs(width), y)
        for k in range(-_SIDE, _SIDE + 1):
            y[k + _SIDE] = search.value(k * spacing) if k else stencil.y0
        return search

    def value(self, t: Array) -> Array:
        """Return f a step t away, which is the same for all entries of one input."""
        stencil = self.stencil
        if stencil.inputs is None:
            point = stencil.x + t[0] * stencil.v
        else:
            offset = np.zeros(stencil.x.size)
            offset[self.inputs] = t
            point = stencil.x + offset.reshape(stencil.x.shape) * stencil.v
        return stencil.at(point)

    def steps(self, leaping: Array) -> tuple[Array, Array, Array]:
        """Return the height of the steps, how far away one is, and where f is now known to leap, as in `leaping`."""
        fifth = np.nan_to_num(np.abs(np.diff(self.y, 5, axis=0)), nan=0, posinf=0)
        bits = self.stencil.epsilon * np.fmax(np.abs(self.y[:-5]), np.abs(self.y[5:]))
        fifth[~(fifth > _LEAP * _ROUNDINGS * (bits + np.finfo(np.float64).smallest_subnormal))] = 0
        distance = np.abs(np.arange(fifth.shape[0]) - fifth.shape[0] // 2)[:, None]
        beyond = distance - np.where(fifth > _LEAP * self.least, distance, 2 * _SIDE).min(axis=0)
        found, away = np.zeros(self.slope.size), np.ones(self.slope.size)
        for part in (fifth * ((beyond >= 0) & (beyond < 5)), fifth):  # the leap nearest to x, and the largest
            height = part.max(axis=0) / _LEAP
            sought = (found == 0) & (height > self.least)
            if not sought.any():
                break
            leader = _leader(self.inputs, np.where(sought, height / self.least, -1))
            cell = np.clip(part.argmax(axis=0)[leader] + 3, 4, 2 * _SIDE - 3)
            large = np.count_nonzero(fifth > 2 * height, axis=0)
            everywhere = np.where(large > _SIDE, self.slope, np.nan)
            leap, place = self._leap(cell, everywhere, np.where(sought, height, np.inf))
            leaping = leaping | (sought & (leap >= height / 4))
            moves_on = _SMALL * height <= np.abs(self.slope / self.spacing * place)
            steps = sought & leaping & ((large > _SEVERAL) | moves_on)
            found, away = np.where(steps, height, found), np.where(steps, np.abs(place), away)
        return found, away, leaping

    def _leap(self, cell: Array, slope: Array, height: Array) -> tuple[Array, Array]:
        """Bisect between two neighbouring places, and return by how much f leaps there, and where.

        A bend is followed until it is smaller than a quarter of the `height` looked for. Beyond a leap f is nearer to
        what is extrapolated from the far side: by a cubic through four places, or where every place is beyond another
        leap, so that cubics are of no use, by the `slope` (NaN elsewhere).
        """
        columns = np.arange(cell.size)
        low, high = np.zeros(cell.size), np.ones(cell.size)
        before, after = (
            [self.y[cell - 1 - k, columns] for k in range(4)],
            [self.y[cell + k, columns] for k in range(4)],
        )
        stairs = np.isfinite(slope)
        below, above = before[0], after[0]
        for halving in range(_HALVINGS):
            middle = (low + high) / 2
            there = self.value((middle + cell - 1 - _SIDE) * self.spacing)
            ahead = np.where(stairs, before[0] + middle * slope, _cubic(before, middle))
            back = np.where(stairs, after[0] - (1 - middle) * slope, _cubic(after, 1 - middle))
            beyond = ~(np.abs(there - ahead) <= np.abs(there - back))
            high, above = np.where(beyond, middle, high), np.where(beyond, there, above)
            low, below = np.where(beyond, low, middle), np.where(beyond, below, there)
            smooth = _cubic(before, high) - _cubic(before, low)
            leap = np.nan_to_num(np.abs(above - below - smooth), nan=0)
            if halving >= _FIRST_HALVINGS and not (leap >= height / 4).any():
                break
        return leap, (high + cell - 1 - _SIDE) * self.spacing


def _leader(inputs: Array, rank: Array) -> Array:
    """Return, for each entry, which of those that read its input has the largest rank."""
    order = np.lexsort((rank, inputs))
    return np.asarray(order[np.searchsorted(inputs[order], inputs, side="right") - 1])


def _cubic(points: list[Array], part: Array) -> Array:
    """Extrapolate through values at 0, -1, -2 and -3 to `part`."""
    first = points[0] - points[1]
    second = first - (points[1] - points[2])
    third = second - (points[1] - 2 * points[2] + points[3])
    return np.asarray(
        points[0] + part * first + part * (part + 1) / 2 * second + part * (part + 1) * (part + 2) / 6 * third
    )
