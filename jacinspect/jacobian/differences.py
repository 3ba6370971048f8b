"""A callable's numeric jvp by extrapolated differences, with an error bar and a kind for every entry. Next: numeric.

Ridders (1982), Accurate computation of F'(x) and F'(x)F''(x). Three things keep the bar honest: a rounding floor with
a term for the rounding of x, a demand that the one-sided slopes close in on each other before a step counts, and the
noise of the function itself where it computes in single precision.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from math import comb, log2, sqrt

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.compact import Index
from jacinspect.jacobian.magnitudes import Magnitudes

__all__ = [
    "LADDER_CALLS",
    "NEAREST",
    "Estimate",
    "FirstPass",
    "Kind",
    "Stencil",
    "doubtful",
    "first_pass",
    "ladder",
    "last_step",
    "precision",
    "rounding_noise",
    "significant_epsilon",
    "step_scale",
]

_SHARP = 1e-9  # a bar below this fraction of the derivative, or of f per unit of x, needs no second look
_OPEN = 1e-5  # a bar above this fraction is wide, or nearly so, and deserves smaller steps
NEAREST = 2.0**-960  # |x| below it is too small to take steps of, which would be no doubles
_TREAD = 2.0**-10  # of x: no rounding makes stairs that are wider
_FAR = 2.0**20  # the shortest step of a ladder, in units of x, is 1/20 there
_RUNGS = 12
_REACHES = (1.0, 2.0**-18)  # of the finer ladders, in units of x where that is small and of 1 where it is large
LADDER_CALLS = (1 + len(_REACHES)) * 2 * _RUNGS  # at most
_NOISIEST = 1e-5  # of f: what moves it by more within the shortest steps is no rounding, but a bend or a jump of f
# Each rung of the ladder is not quite 4, each step of the first pass not quite 2 times smaller than the last: at whole
# ratios a step that happens to be a multiple of f's period makes all coarser ones so, and a wrong slope looks settled.
_RATIO = 3.84
_FIRST_RATIO = 1.92


class Kind(IntEnum):
    """What f is like along the line, at the point."""

    SMOOTH = 0
    KINK = 1  # one-sided slopes differ
    JUMP = 2  # f itself is not continuous
    UNRESOLVED = 3  # no step size gave a derivative that can be trusted
    NONFINITE = 4


@dataclass(frozen=True, eq=False)
class Estimate:
    """Derivatives along a line, one per entry: value ± bar, its kind, and the one-sided slopes where it has a kink.

    `steepest` is the steepest slope to a side that was met: a bend as steep or steeper may look like a jump.
    `stairs` is where f rose over longer steps and stands still over the shortest: a staircase of rounding, perhaps.
    """

    value: Array
    bar: Array
    kind: Array
    left: Array
    right: Array
    steepest: Array
    stairs: Array

    def subset(self, chosen: Array) -> "Estimate":
        """Return the estimate of some of the entries."""
        return Estimate(*(getattr(self, name)[chosen] for name in Estimate.__dataclass_fields__))


def step_scale(x: Array) -> Array:
    """Return the unit in which steps are taken from each entry of x: max(1, |x|); 1 where x is not finite."""
    return np.where(np.isfinite(x), np.maximum(np.abs(x), 1), 1)


def precision(epsilon: float) -> "np.finfo[np.float32 | np.float64]":
    """Return the limits of the precision in which a function computes whose values have the relative noise epsilon."""
    return np.finfo(np.float32 if epsilon > 2.0**-40 else np.float64)


@dataclass(frozen=True, eq=False)
class Stencil:
    """A line x + t·v through a point, and the outputs that are differenced along it.

    With `inputs` (the one input along v that each output reads) slopes are by that input, divided by the difference
    that was represented; without, they are by t. `y0` is f(x) at the outputs, `epsilon` the relative noise of f. Of
    each output, `rounding` is Σ|x·∂f/∂x| over all that it reads, and `noise` what rounding inside f was measured to do;
    0 where unknown, and everywhere if None.
    """

    box: BlackBox
    x: Array
    v: Array
    outputs: Index
    inputs: Index | None
    y0: Array
    epsilon: float
    rounding: Magnitudes | None = None
    noise: Magnitudes | None = None

    def sample(self, t: float) -> tuple[Array, Array]:
        """Return f at the outputs a step t to the left and to the right."""
        return self._at(-t), self._at(t)

    def _at(self, t: float) -> Array:
        with np.errstate(all="ignore"):
            point = self.v * t
            point += self.x
            return self.box.where_defined(point.astype(self.x.dtype, copy=False))[self.outputs]

    def slopes(self, t: float, low: Array, high: Array, block: slice = slice(None)) -> tuple[Array, ...]:
        """Return the slopes to the left, central and to the right at step t, and their rounding floor.

        `low` and `high` are the sample at t; the slopes are those of a block of the outputs.
        """
        with np.errstate(all="ignore"):
            before, after, x = self._widths(t, block)
            y0, low, high = self.y0[block], low[block], high[block]
            peak = np.maximum(np.maximum(np.abs(high), np.abs(low)), np.abs(y0))
            peak = np.where(np.isfinite(peak), peak, np.abs(y0))  # where f overflows on one side
            central = (high - low) / (before + after)
            size = np.fmax(np.abs(x * central), 0.0 if self.rounding is None else self.rounding[block])
            size = np.where(np.isfinite(size), size, 0)
            noise = 0.0 if self.noise is None else self.noise[block]
            noise = np.where(noise <= _NOISIEST * peak, np.maximum(noise, self.epsilon * peak), self.epsilon * peak)
            smallest = float(precision(self.epsilon).smallest_subnormal)
            floor = 8 * (noise + self.epsilon * size + smallest) / (before + after)
            return (y0 - low) / before, central, (high - y0) / after, floor

    def _widths(self, t: float, block: slice) -> tuple[Array, Array, Array]:
        """Return the differences that were represented, to the left and to the right, and x, for a block of outputs."""
        if self.inputs is None:
            return np.asarray(t), np.asarray(t), np.asarray(0.0)
        inputs = block if isinstance(self.inputs, slice) else self.inputs[block]
        x, v = self.x.reshape(-1)[inputs], self.v.reshape(-1)[inputs]
        before = (x - (x - t * v).astype(x.dtype, copy=False)).astype(np.float64, copy=False)
        after = ((x + t * v).astype(x.dtype, copy=False) - x).astype(np.float64, copy=False)
        return before, after, x

    def subset(self, chosen: Array) -> "Stencil":
        """Return the stencil of some of the outputs, by their indices here."""
        return replace(
            self,
            outputs=_indices(self.outputs, self.y0.size)[chosen],
            inputs=None if self.inputs is None else _indices(self.inputs, self.x.size)[chosen],
            y0=self.y0[chosen],
            rounding=self.rounding and self.rounding.subset(chosen),
            noise=self.noise and self.noise.subset(chosen),
        )

    def size(self, block: slice = slice(None)) -> Array:
        """Return the size of f per unit of x, of a block of the outputs."""
        unit: Array | float = 1.0
        if self.inputs is not None:
            unit = step_scale(self.x.reshape(-1)[block if isinstance(self.inputs, slice) else self.inputs[block]])
        with np.errstate(under="ignore"):
            return np.asarray(np.abs(self.y0[block]) / unit)

    def scaled(self, x_unit: Array) -> "Stencil":
        """Return the stencil with steps in another unit; x_unit has x's shape."""
        return replace(self, v=np.where(self.v != 0, x_unit, 0).astype(self.v.dtype))


def _indices(index: Index, length: int) -> Array:
    return np.arange(length)[index] if isinstance(index, slice) else index


@dataclass(frozen=True, eq=False)
class FirstPass:
    """Derivatives along a line at first sight: value ± bar, and how far the one-sided slopes stay apart.

    `excess` is by how much the slopes' gap exceeds what their closing in and the rounding floor allow: 0 where f is
    smooth. `size` is that of f per unit of x, a step away: x² is not of size 0 at 0.
    """

    value: Array
    bar: Array
    excess: Magnitudes
    size: Magnitudes

    @property
    def closing(self) -> Array:
        """Whether the one-sided slopes close in on each other."""
        return self.excess.vanish


def significant_epsilon(box: BlackBox, x: Array) -> float:
    """Return the relative noise of f: its values' spacing, or that of float32 where f works in it and scales after.

    Four steps of 2⁻²⁷ to a side move an f that computes in double precision four times; one that rounds to 24 bits
    moves at most once.
    """
    if box.whole or box.epsilon > 2.0**-40:  # whole numbers are no sign of any precision
        return box.epsilon
    size = np.where(x == 0, 1.0, np.abs(x))
    unit = np.where(np.isfinite(x), size * np.random.default_rng(1).uniform(0.5, 1, x.shape), 0)

    def at(t: float) -> Array:
        return box.where_defined((x + t * unit).astype(x.dtype, copy=False))

    with np.errstate(all="ignore"):
        moves = np.zeros((2, box.y0.size), np.int8)
        for side, sign in enumerate((-1, 1)):  # on a kink one of them may be flat
            before = box.y0
            for k in range(1, 5):
                y = at(sign * k * 2.0**-27)
                moves[side] += y != before
                before = y
        rise = np.abs(at(2.0**-12) - at(-(2.0**-12)))  # not that of an even f, which short steps need not move
        expected = rise > 2.0**-29 * np.abs(box.y0)  # over a step 2¹⁵ times shorter: 2⁻⁴⁵ of f, many a last bit
    asked = int(np.count_nonzero(expected))
    few = int(np.count_nonzero(expected & (moves.max(axis=0) <= 1)))
    return float(precision(1.0).eps) if 2 * few > asked else box.epsilon


def rounding_noise(box: BlackBox, x: Array) -> Magnitudes:
    """Measure how far rounding inside f moves each output, by sixth differences over steps too short for f to bend.

    ε|f| misses what cancels inside f, such as 1 − cos x. Hamming (1962); Moré & Wild (2011), Estimating computational
    noise. Two step sizes, for at the shorter a part of f may not move at all; and what cancels leaves its trace in the
    values too, which are all multiples of a granule larger than their own last bit.
    """
    unit = np.random.default_rng(0).uniform(0.5, 1, x.shape)
    for block in blocks(x.size):
        part = x.reshape(-1)[block]
        unit.reshape(-1)[block] *= np.where(np.isfinite(part), step_scale(part), 0)
    noise = Magnitudes(box.y0.size)
    for delta in (2.0**-44, 2.0**-28):
        _noise_at(delta, box, x, unit, noise)
    return noise


def _noise_at(delta: float, box: BlackBox, x: Array, unit: Array, noise: Magnitudes) -> None:
    """Raise the noise to what three sixth differences of f show over nine steps of delta."""
    sums = np.zeros((3, noise.size))
    granule, moves = np.full(noise.size, np.inf), np.zeros(noise.size, bool)
    with np.errstate(all="ignore"):
        for k in range(-4, 5):
            point = unit * (k * delta)
            point += x
            y = box.where_defined(point.astype(x.dtype, copy=False))
            for block in blocks(noise.size):
                granule[block] = np.fmin(granule[block], _granule(y[block]))
                moved = y[block] - box.y0[block]  # small, so that summing adds no rounding
                moves[block] |= moved != 0
                for start, total in enumerate(sums, -4):
                    if 0 <= k - start <= 6:
                        total[block] += (-1) ** (k - start) * comb(6, k - start) * moved
        for block in blocks(noise.size):
            seen = np.abs(sums[:, block]).max(axis=0) / sqrt(924)  # the norm of the weights
            coarse = np.fmin(granule[block], _granule(box.y0[block]))
            seen = np.fmax(seen, np.where(moves[block], coarse / 2, 0))
            noise[block] = np.fmax(noise[block], np.where(np.isfinite(seen), seen, 0))


def _granule(y: Array) -> Array:
    """Return the largest power of 2 that each number is a multiple of; infinity for 0 and what is not finite."""
    bits = y.view(np.int64)
    rest = y - (bits & (bits - 1)).view(np.float64)  # without its lowest bit, unless that is one of the exponent's
    powers = (bits & (2**52 - 1)) == 0
    return np.where((y == 0) | ~np.isfinite(y), np.inf, np.abs(np.where(powers, y, rest)))


def first_pass(stencil: Stencil, reach: float = 1.0) -> FirstPass:
    """Difference at three step sizes, each about half the last, and extrapolate (Richardson 1911).

    `reach` scales the steps, which are otherwise the best for a smooth function on the scale of x.
    """
    t = last_step(stencil.epsilon) * reach
    number_of = stencil.y0.size
    running = FirstPass(np.empty(number_of), np.empty(number_of), Magnitudes(number_of), Magnitudes(number_of))
    for number in range(3):  # one sample after the other, so that the memory is that of one
        step = t * _FIRST_RATIO ** (2 - number)
        sample = stencil.sample(step)
        for block in blocks(number_of):
            _extrapolate(running, block, number, stencil.slopes(step, *sample, block))
            if number == 2:
                with np.errstate(all="ignore"):
                    rise = running.size[block] * step
                running.size[block] = stencil.size(block) + np.where(np.isfinite(rise), rise, 0)
        del sample
    return running


def last_step(epsilon: float) -> float:
    """Return the shortest step of a first pass, in units of the direction."""
    return float(2.0 ** min(round(log2(8 * epsilon**0.2)), -2)) / _FIRST_RATIO**2


def _extrapolate(running: FirstPass, block: slice, number: int, slopes: tuple[Array, ...]) -> None:
    """Take the slopes at step `number` of three into what is running.

    Between the steps, `value` and `bar` hold Richardson's columns, and `size` the gap between the one-sided slopes; at
    the end `size` holds the steeper of those two.
    """
    left, central, right, floor = slopes
    power = _FIRST_RATIO**2
    value, bar = running.value[block], running.bar[block]
    with np.errstate(all="ignore"):
        gap = np.abs(right - left)
        if number:
            apart = np.where(gap <= 0.75 * running.size[block], 0, gap - 2 * floor)
            better = central + (central - bar) / (power - 1)
        if number == 0:
            bar[:] = central
        elif number == 1:
            value[:], bar[:] = better, central
            running.excess[block] = np.maximum(apart, 0) * _FIRST_RATIO  # a floor grows as steps shrink
        else:
            best = better + (better - value) / (power**2 - 1)
            value[:], bar[:] = best, np.abs(best - better) + floor
            running.excess[block] = np.maximum(running.excess[block], apart)
            gap = np.fmax(np.abs(left), np.abs(right))
        running.size[block] = gap


def doubtful(value: Array, bar: Array, size: Array, epsilon: float) -> Array:
    """Where a ladder should look again: a value that is not finite, or a bar wide against f's size."""
    with np.errstate(all="ignore"):
        reference = np.maximum(np.abs(value), size)
        return np.asarray(~(bar <= np.maximum(_SHARP * reference, precision(epsilon).tiny)))


def ladder(stencil: Stencil, size: Array | None = None) -> Estimate:
    """Difference at ever smaller steps and take, entry by entry, what has the smallest bar.

    A second, finer ladder, in units of |x| where that is small and of 1 where it is large, climbs for what the first
    does not find smooth, or only with a wide bar, or on one side alone; a third goes on from there, close to a pole.
    A bar is wide against the derivative and `size`, that of f per unit of x: the stencil's own if None.
    """
    estimate = _climb(stencil)
    if stencil.inputs is None:
        return estimate
    # Beside the end of a domain that is nearer than any step, the slope over a step says nothing of that at x.
    near = np.abs(stencil.x.reshape(-1)[stencil.inputs])
    beyond = _one_sided(estimate) & (near > 0) & (near < NEAREST)
    estimate.kind[beyond & (estimate.kind == Kind.SMOOTH)] = Kind.UNRESOLVED
    size, far = stencil.size() if size is None else size, np.abs(stencil.x)
    for reach in _REACHES:
        with np.errstate(under="ignore"):
            unit = reach * np.where(far == 0, 2.0**-22, np.minimum(far, 1))
        unsettled = _wide(estimate, size)
        rough = _one_sided(estimate) | (estimate.kind != Kind.SMOOTH) | _is_far(stencil)
        unsettled |= rough if reach == 1 else _unresolved(estimate)
        entries = np.flatnonzero(unsettled & ~estimate.stairs)
        if not entries.size:
            break
        finer = _climb(stencil.subset(entries).scaled(unit))
        _take(estimate, entries, finer, _better(estimate.subset(entries), finer))
        if stencil.epsilon < 2.0**-40:  # what computes in single precision stands still over short steps
            estimate.kind[entries[_contradicted(estimate.subset(entries), finer)]] = Kind.UNRESOLVED
    return estimate


def _contradicted(before: Estimate, finer: Estimate) -> Array:
    """Where f rises over long steps, and no short one moves it at all: on a staircase no slope is the slope."""
    still = (finer.kind == Kind.SMOOTH) & (finer.steepest == 0)
    return np.asarray(still & (before.kind == Kind.SMOOTH) & (np.abs(before.value) > before.bar))


def _wide(estimate: Estimate, size: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(~(estimate.bar <= _OPEN * np.maximum(np.abs(estimate.value), size)))


def _is_far(stencil: Stencil) -> Array:
    """Where steps in units of x are so long that f may have many bends within the shortest."""
    inputs = slice(None) if stencil.inputs is None else stencil.inputs
    return np.asarray(np.abs(stencil.x.reshape(-1)[inputs]) > _FAR)


def _unresolved(estimate: Estimate) -> Array:
    return np.asarray(estimate.kind == Kind.UNRESOLVED)


def _one_sided(estimate: Estimate) -> Array:
    return np.isnan(estimate.left) ^ np.isnan(estimate.right)


def _better(before: Estimate, finer: Estimate) -> Array:
    """Where the finer steps tell more."""
    found = (finer.kind != Kind.UNRESOLVED) & (finer.kind != Kind.NONFINITE)
    with np.errstate(all="ignore"):
        sharper = finer.bar < before.bar
        # A kink is not gone where the finer steps drown it in rounding.
        beyond = (before.kind != Kind.KINK) | (finer.bar < np.abs(before.right - before.left) / 4)
    # Where f is not defined a long step away, what it does on the other side says little of a point close to the end.
    inside = _one_sided(before) & ~_one_sided(finer)
    smooth = before.kind == Kind.SMOOTH
    return np.asarray(found & np.where(smooth, (finer.kind == Kind.SMOOTH) & (sharper | inside), beyond))


def _take(estimate: Estimate, entries: Array, finer: Estimate, better: Array) -> None:
    for name in Estimate.__dataclass_fields__:
        getattr(estimate, name)[entries[better]] = getattr(finer, name)[better]


class _Tableau:
    """Neville's extrapolation to step 0 of at most three columns, entry by entry, fed one rung at a time."""

    def __init__(self, size: int, ratio: float) -> None:
        self.value, self.bar = np.full(size, np.nan), np.full(size, np.inf)
        self.improved = False  # by the last rung, somewhere
        self._ratio = ratio
        self._previous: list[Array] = []
        self._gap = np.full(size, np.nan)
        self._steady = np.zeros(size, np.int8)

    def add(self, slope: Array, gap: Array, floor: Array) -> None:
        """Take the slope at the next smaller step; `gap` must halve, or lie on the floor, three times running."""
        closing = (gap <= self._gap / 2) | (gap <= 2 * floor)
        self._steady = np.where(closing, np.minimum(self._steady + 1, 3), 0).astype(np.int8)
        self._gap = gap
        columns = [slope]
        spread = np.zeros(slope.size)
        self.improved = False
        for power, previous in enumerate(self._previous[:2], 1):
            better = columns[-1] + (columns[-1] - previous) / (self._ratio**power - 1)
            # No column claims to be more than so much sharper than the one before: where f'' jumps close to x, two
            # columns may agree by chance.
            spread = np.fmax(np.maximum(np.abs(better - columns[-1]), np.abs(better - previous)), spread / 8)
            bar = spread + floor
            take = (self._steady == 3) & (bar < self.bar)
            self.value[take], self.bar[take] = better[take], bar[take]
            self.improved |= bool(take.any())
            columns.append(better)
        self._previous = columns

    @property
    def converged(self) -> Array:
        """Whether any rung counted."""
        return np.asarray(np.isfinite(self.bar))


def _climb(stencil: Stencil) -> Estimate:
    number, size = stencil.y0.size, stencil.size()
    central, left, right = _Tableau(number, _RATIO**2), _Tableau(number, _RATIO), _Tableau(number, _RATIO)
    before = between = after = np.full(number, np.nan)
    left_grows, right_grows = np.zeros(number, np.int8), np.zeros(number, np.int8)
    left_finite, right_finite = np.zeros(number, bool), np.zeros(number, bool)
    rose, steepest = np.zeros(number, bool), np.zeros(number)
    with np.errstate(all="ignore"):
        for rung in range(_RUNGS):
            t = 0.125 * _RATIO**-rung
            low, middle, high, floor = stencil.slopes(t, *stencil.sample(t))
            central.add(middle, np.maximum(np.abs(high - low), np.abs(middle - between)), floor)
            left.add(low, np.abs(low - before), 2 * floor)
            right.add(high, np.abs(high - after), 2 * floor)
            left_grows, right_grows = _growing(low, before, left_grows), _growing(high, after, right_grows)
            left_finite |= np.isfinite(low)
            right_finite |= np.isfinite(high)
            if t < _TREAD:
                rose |= (low / high > 0.5) & (low / high < 2)
            steepest = np.fmax(steepest, np.fmax(np.abs(low), np.abs(high)))
            before, between, after = low, middle, high
            if not central.improved and np.all(central.bar <= _SHARP * np.maximum(np.abs(central.value), size)):
                break
        grows = left_grows >= 4, right_grows >= 4
        estimate = _judge(central, left, right, (left_finite, right_finite), grows, np.isfinite(stencil.y0), steepest)
        estimate.stairs[:] = (
            rose & (before == 0) & (after == 0) & (estimate.kind == Kind.SMOOTH) & (estimate.value == 0)
        )
        estimate.kind[estimate.stairs] = Kind.UNRESOLVED
        return estimate


def _growing(slope: Array, before: Array, times: Array) -> Array:
    """Count how many times running a slope grew as the step shrank, as it does across a jump and nowhere else."""
    ratio = np.abs(slope) / np.abs(before)
    return np.where((ratio > 0.9 * _RATIO) & (ratio < 1.1 * _RATIO), np.minimum(times + 1, 4), 0).astype(np.int8)


def _judge(
    central: _Tableau,
    left: _Tableau,
    right: _Tableau,
    finite: tuple[Array, Array],
    grows: tuple[Array, Array],
    defined: Array,
    steepest: Array,
) -> Estimate:
    """Say what each entry is: smooth if its two sides close in on each other, else by what its sides do alone."""
    one, other = left.converged, right.converged
    alone = (one & ~finite[1]) | (other & ~finite[0])  # f ends here: the slope of the side where it is defined
    apart = np.abs(left.value - right.value) > left.bar + right.bar
    jump = (one & grows[1]) | (other & grows[0]) | (grows[0] & grows[1])
    kind = np.select(
        [~defined | ~(finite[0] | finite[1]), central.converged, alone, one & other & apart, one & other, jump],
        [Kind.NONFINITE, Kind.SMOOTH, Kind.SMOOTH, Kind.KINK, Kind.SMOOTH, Kind.JUMP],
        Kind.UNRESOLVED,
    ).astype(np.int8)
    side = np.where(one & ~(other & (right.bar < left.bar)), left.value, right.value)
    sided = ~central.converged & (kind == Kind.SMOOTH)
    value = np.where(sided, side, np.where(kind == Kind.KINK, (left.value + right.value) / 2, central.value))
    bar = np.where(
        sided, np.minimum(left.bar, right.bar), np.where(kind == Kind.KINK, left.bar + right.bar, central.bar)
    )
    value = np.where(kind == Kind.JUMP, np.where(one, left.value, np.where(other, right.value, 0)), value)
    bar = np.where(kind == Kind.JUMP, np.where(one, left.bar, np.where(other, right.bar, 0)), bar)
    # Across a jump, slope 0 is as good as the slope of the side that holds the value.
    low = np.where(kind == Kind.JUMP, 0.0, left.value)
    return Estimate(
        value, bar, kind, low, np.where(kind == Kind.JUMP, value, right.value), steepest, np.zeros_like(defined)
    )
