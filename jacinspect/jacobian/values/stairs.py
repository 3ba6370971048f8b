"""Does f move in steps near x? Then the slope between two of them says nothing of f's derivative. Next: treads.

Where digits are lost, a program is smooth between two steps, with a wrong slope and a tiny bar: so is one that computes
in half precision, prints digits, or stops an iteration at a tolerance. f is evaluated at places to both sides of x, a
little further apart than the step at which a slope is believed, and fifth differences show where it may leap (Hamming
1962); bisection tells a leap from a bend. One leap is a jump of f and excuses nobody; several are a staircase.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.stencil import Stencil
from jacinspect.records import dataclass

__all__ = ["FARTHEST", "SIDE", "Places", "inputs_of", "leader", "leaps_at_end", "steps_beyond", "steps_near"]

SIDE = 32  # places to each side that are searched for leaps, twice as far apart as the step that is believed is long
# Apart at most, in units of x: half a unit away f may be another function. Not a whole number of steps.
FARTHEST = 0.01507
_FURTHER = (1.0, 8.0, 64.0, 512.0, 4096.0)  # times as far apart: x may lie close to the end of a tread, or leaps be far
_BEND = 2.0**-12  # of how far f moves on: it moves by less at the end of a tread that is bent, after all halvings
_RISES = 8.0  # steps beyond the end of a tread that are searched: several prove a staircase, and places tell 8 apart
_HALVINGS, _FIRST_HALVINGS = 20, 6  # a leap persists however near its two ends; a bend is seen to be one after a few
_MATTERS = 8.0  # times the bar over the step: leaps that are smaller do not move the slope by much more than its bar
_ROUNDINGS = 16  # of f's values, that are no leap
_SEVERAL = 8  # large fifth differences: one leap makes three
# Where so near to x f leaps again and again, it has lost digits, even if each leap is less than the one before, as of
# (1 - cos x)/x away from 0; f's own jumps are further apart.
_NEAR, _DECAYS = 2.0**-14, 256
_LEADERS, _ENOUGH = 16, 4  # outputs of an input that are looked at by themselves, 20 calls each, and if all leap
_LEAP = 6  # the largest fifth difference of a step of height 1
# Of the height that a fifth difference has, a leap is that much at least: it is made of several uneven ones where f
# moves by a few last bits up and down, as XLA's tanh does.
_PART = 16
_BESIDE = 0.25  # of the largest fifth difference, that those beside it may be off: a second leap 4 places away is seen
_SMALL = 8  # times a step is less than what f moves on by up to there: then it is no jump that f is about


def steps_near(stencil: Stencil, value: Array, bar: Array, believed: Array) -> tuple[Array, Array]:
    """Return how high the steps are in which f moves near x, 0 where it does not, and how far away one is.

    `value` ± `bar` is the slope at the step that is `believed`, in units of the direction.
    """
    height, away, before = np.zeros(value.size), np.ones(value.size), np.zeros(value.size)
    for further in _FURTHER:
        spacing = np.minimum(2 * believed * further, FARTHEST)
        again = np.flatnonzero((height == 0) & (spacing > before))
        if again.size:
            places = Places.at(stencil.subset(again), spacing[again])
            before[again] = places.spacing  # that of the output of an input whose steps are the closest
            slope = value[again] * places.spacing * places.stencil.units()
            search = _Search(places, slope, _MATTERS * bar[again] * places.width)
            height[again], away[again] = search.steps()
    return height, away * np.abs(stencil.units())


def leaps_at_end(stencil: Stencil, still: Array, moved: Array) -> tuple[Array, Array]:
    """Return where f leaps at the end of the tread that x is on, and the step at which that ends.

    f has the value at x as far as a step that is `still`, and another at one that has `moved`: both of one sign. The
    nearest end is followed, where several outputs read an input; others may leap.
    """
    first = leader(inputs_of(stencil), -np.abs(moved))
    far = np.abs(stencil.step(moved[first]) - stencil.y0)
    end, rise = _first_above(stencil, still[first], moved[first], np.zeros(first.size), first)
    return np.asarray((rise == 0) | ~(rise <= _BEND * far)), end


def steps_beyond(stencil: Stencil, end: Array, far: Array) -> Array:
    """Return how high the steps are in which f moves from the end of a tread on, up to a step that is `far`.

    Around x these may be too many to be told apart, where f rises as an exponential does. It is 0 where f leaps once.
    """
    first = leader(inputs_of(stencil), -np.abs(end))
    end, height = end[first], np.abs(stencil.step(end[first]) - stencil.y0)
    top, _ = _first_above(stencil, end, far[first], _RISES * height, first)
    places = Places.at(stencil, np.abs(top - end) / (2 * SIDE), (top + end) / 2)
    return _Search(places, np.zeros(first.size), height / 2).steps()[0]


def _first_above(stencil: Stencil, low: Array, high: Array, height: Array, first: Array) -> tuple[Array, Array]:
    """Bisect for the step, between two, from which on f is further than a height from f(x), and return by how much.

    `first` is the entry that each follows.
    """
    rise = np.abs(stencil.step(high) - stencil.y0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        moved = np.abs(stencil.step(middle) - stencil.y0)
        above = (moved > height)[first]
        low, high = np.where(above, low, middle), np.where(above, middle, high)
        rise = np.where(above, moved, rise)
    return high, rise


def inputs_of(stencil: Stencil) -> Array:
    """Return the input that each output reads; 0 along a line through many."""
    if stencil.inputs is None:
        return np.zeros(stencil.y0.size, np.int64)
    return np.asarray(np.arange(stencil.x.size)[stencil.inputs])


@dataclass(frozen=True, eq=False)
class Places:
    """Values of f at 2·SIDE + 1 places, `spacing` apart, around a step `start` from x, the same for one input."""

    stencil: Stencil
    inputs: Array
    start: Array
    spacing: Array
    y: Array

    @classmethod
    def at(cls, stencil: Stencil, spacing: Array, start: Array | None = None) -> "Places":
        """Evaluate f; around x itself without `start`."""
        size = stencil.y0.size
        inputs = inputs_of(stencil)
        spacing = spacing[leader(inputs, -spacing)]
        places = cls(
            stencil, inputs, np.zeros(size) if start is None else start, spacing, np.empty((2 * SIDE + 1, size))
        )
        called = [k for k in range(-SIDE, SIDE + 1) if k or start is not None]
        places.y[SIDE] = stencil.y0
        for k, y in zip(called, stencil.steps([places.start + k * spacing for k in called]), strict=True):
            places.y[k + SIDE] = y
        return places

    @property
    def width(self) -> Array:
        """How far apart they are, in units of x."""
        return np.asarray(self.spacing * np.abs(self.stencil.units()))

    def differences(self, order: int) -> Array:
        """Return the sizes of differences of an order, 0 where f is not finite."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.abs(np.diff(self.y, order, axis=0)), nan=0, posinf=0)


@dataclass(frozen=True, eq=False)
class _Search:
    """A search for leaps at some places.

    `slope` is what f moves by from one place to the next, `least` the height of a step that would matter.
    """

    places: Places
    slope: Array
    least: Array

    def steps(self) -> tuple[Array, Array]:
        """Return the height of the steps, and how far away one is."""
        places, y = self.places, self.places.y
        fifth = places.differences(5)
        bits = places.stencil.epsilon * (np.abs(y[:-5]) + np.abs(y[5:])) / 2
        fifth[~(fifth > _LEAP * _ROUNDINGS * (bits + np.finfo(np.float64).smallest_subnormal))] = 0
        distance = np.abs(np.arange(fifth.shape[0]) - fifth.shape[0] // 2)[:, None]
        nearest = np.where(fifth > _LEAP * self.least, distance, 2 * SIDE).min(axis=0)
        near = places.width * SIDE < _NEAR * places.stencil.step_scale()
        found, away = np.zeros(self.slope.size), np.ones(self.slope.size)
        for part in (fifth * (distance < nearest + 5), fifth):  # the leap nearest to x, and the largest
            height, start = part.max(axis=0) / _LEAP, part.argmax(axis=0)
            cells = np.abs(start + 2.5 - SIDE)
            moves_on = _SMALL * height <= np.abs(self.slope) * cells
            large = np.count_nonzero(fifth > np.where(near, 2 / _DECAYS, 2) * height, axis=0)
            steps = self._leaps(height * ((found == 0) & (height > self.least)), start, fifth)
            steps &= (large > _SEVERAL) | moves_on
            found, away = np.where(steps, height, found), np.where(steps, cells * places.spacing, away)
        return found, away

    def _leaps(self, height: Array, start: Array, fifth: Array) -> Array:
        """Return where f leaps by about a height, of outputs for which that is not 0.

        All that read an input are evaluated at the same places: one leads, and those that leap elsewhere follow. Where
        each of the first few leaders leaps, all do. In a crowd of leaps, that cell is followed in which f moves most.
        """
        crowd = np.count_nonzero(fifth > 2 * height, axis=0) > SIDE
        shown, left, all_leap = np.zeros(height.size, bool), height > 0, np.ones(height.size, bool)
        for number in range(_LEADERS):
            if not left.any():
                break
            first = leader(self.places.inputs, np.where(left, height / self.least, -1))
            crowded = crowd | ~_alone(fifth, start[first])
            cell = start[first] + np.where(crowded, 1 + self._rise(start[first]).argmax(axis=0), 3)
            leap = self._leap(np.clip(cell, 4, 2 * SIDE - 3)[first], crowded, np.where(left, height, np.inf), first)
            found = left & (leap >= height / _PART) & (leap <= 4 * height)
            all_leap &= found[first]
            left[first] = False
            found |= left & all_leap & (number + 1 >= _ENOUGH)
            shown, left = shown | found, left & ~found
        return shown

    def _rise(self, start: Array) -> Array:
        """Return by how much f moves more than its slope, in each of the five cells that a fifth difference spans."""
        cells = start + np.arange(5)[:, None]
        rise = np.diff(self.places.y, axis=0)[cells, np.arange(start.size)] - self.slope
        return np.asarray(np.nan_to_num(np.abs(rise), nan=0))

    def _leap(self, cell: Array, crowded: Array, height: Array, first: Array) -> Array:
        """Bisect between two neighbouring places, and return by how much f leaps there.

        A bend is followed until it is smaller than that part of the `height` looked for. Beyond a leap f is nearer to
        what is extrapolated from the far side: by a cubic through four places, or in a crowd of leaps, where cubics are
        of no use, by the slope.
        """
        columns, places = np.arange(cell.size), self.places
        low, high = np.zeros(cell.size), np.ones(cell.size)
        before, after = (
            [places.y[cell - 1 - k, columns] for k in range(4)],
            [places.y[cell + k, columns] for k in range(4)],
        )
        below, above = before[0], after[0]
        for halving in range(_HALVINGS):
            middle = (low + high) / 2
            there = places.stencil.step((middle + cell - 1 - SIDE) * places.spacing)
            ahead = np.where(crowded, before[0] + middle * self.slope, _cubic(before, middle))
            back = np.where(crowded, after[0] - (1 - middle) * self.slope, _cubic(after, 1 - middle))
            beyond = ~(np.abs(there - ahead) <= np.abs(there - back))[first]
            high, above = np.where(beyond, middle, high), np.where(beyond, there, above)
            low, below = np.where(beyond, low, middle), np.where(beyond, below, there)
            rise, smooth = above - below, _cubic(before, high) - _cubic(before, low)
            # Where f explodes to a side, a cubic through its values there predicts far more than f moves by.
            leap = np.nan_to_num(np.fmin(np.abs(rise), np.abs(rise - smooth)), nan=0)
            if halving >= _FIRST_HALVINGS and not (leap >= height / _PART).any():
                break
        return np.asarray(leap)


def leader(inputs: Array, rank: Array) -> Array:
    """Return, for each entry, which of those that read its input has the largest rank."""
    order = np.lexsort((rank, inputs))
    return np.asarray(order[np.searchsorted(inputs[order], inputs, side="right") - 1])


def _alone(fifth: Array, start: Array) -> Array:
    """Return where a leap is by itself: the fifth differences beside its largest are about 4/6 of that."""
    columns = np.arange(start.size)
    beside = [fifth[np.clip(start + k, 0, fifth.shape[0] - 1), columns] / fifth[start, columns] for k in (-1, 1)]
    return np.asarray((np.abs(np.array(beside) - 4 / _LEAP) < _BESIDE).all(axis=0))


def _cubic(points: list[Array], part: Array) -> Array:
    """Extrapolate through values at 0, -1, -2 and -3 to `part`."""
    first = points[0] - points[1]
    second = first - (points[1] - points[2])
    third = second - (points[1] - 2 * points[2] + points[3])
    return np.asarray(
        points[0] + part * first + part * (part + 1) / 2 * second + part * (part + 1) * (part + 2) / 6 * third
    )
