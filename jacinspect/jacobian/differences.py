"""A callable's numeric jvp by extrapolated differences, with an error bar and a kind for every entry. Next: numeric.

Ridders (1982), Accurate computation of F'(x) and F'(x)F''(x). Three things keep the bar honest: a rounding floor with
a term for the rounding of x, a demand that the one-sided slopes close in on each other before a step counts, and the
noise of the function itself where it computes in single precision.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from math import comb, log2, sqrt

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Index

__all__ = [
    "Estimate",
    "FirstPass",
    "Kind",
    "Stencil",
    "doubtful",
    "first_pass",
    "ladder",
    "precision",
    "rounding_noise",
    "step_scale",
]

_SHARP = 1e-9  # a bar below this fraction of the derivative, or of f per unit of x, needs no second look
_RUNGS = 12
_NOISIEST = 1e-5  # of f: what moves it by more within the shortest steps is no rounding, but a bend or a jump of f
_BLOCK = 2**15  # entries, whose temporaries stay in the processor's cache
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
    """Derivatives along a line, one per entry: value ± bar, its kind, and the one-sided slopes where it has a kink."""

    value: Array
    bar: Array
    kind: Array
    left: Array
    right: Array

    def subset(self, chosen: Array) -> "Estimate":
        """Return the estimate of some of the entries."""
        return Estimate(*(part[chosen] for part in (self.value, self.bar, self.kind, self.left, self.right)))


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
    0 where unknown.
    """

    box: BlackBox
    x: Array
    v: Array
    outputs: Index
    inputs: Index | None
    y0: Array
    epsilon: float
    rounding: Array | float = 0.0
    noise: Array | float = 0.0

    def sample(self, t: float) -> tuple[Array, Array]:
        """Return f at the outputs a step t to the left and to the right."""
        with np.errstate(all="ignore"):
            low = self.box.where_defined((self.x - t * self.v).astype(self.x.dtype, copy=False))[self.outputs]
            return low, self.box.where_defined((self.x + t * self.v).astype(self.x.dtype, copy=False))[self.outputs]

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
            size = np.fmax(np.abs(x * central), np.broadcast_to(self.rounding, self.y0.shape)[block])
            size = np.where(np.isfinite(size), size, 0)
            noise = np.broadcast_to(self.noise, self.y0.shape)[block]
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
            rounding=_part(self.rounding, chosen),
            noise=_part(self.noise, chosen),
        )

    @property
    def size(self) -> Array:
        """The size of f per unit of x."""
        unit = 1.0 if self.inputs is None else step_scale(self.x).ravel()[self.inputs]
        with np.errstate(under="ignore"):
            return np.asarray(np.abs(self.y0) / unit)

    def width(self, t: float) -> Array:
        """How far apart the points at step t to the left and to the right are, for each output."""
        if self.inputs is None:
            return np.asarray(2 * t)
        return np.asarray(2 * t * self.v.ravel()[self.inputs])

    def scaled(self, x_unit: Array) -> "Stencil":
        """Return the stencil with steps in another unit; x_unit has x's shape."""
        return replace(self, v=np.where(self.v != 0, x_unit, 0).astype(self.v.dtype))


def _part(value: Array | float, chosen: Array | slice) -> Array | float:
    return value if isinstance(value, float) else np.asarray(value[chosen])


def _indices(index: Index, length: int) -> Array:
    return np.arange(length)[index] if isinstance(index, slice) else index


@dataclass(frozen=True, eq=False)
class FirstPass:
    """Derivatives along a line at first sight: value ± bar, and how far the one-sided slopes stay apart.

    `excess` is by how much the slopes' gap exceeds what their closing in and the rounding floor allow: 0 where f is
    smooth. `size` is that of f per unit of x, a step away: x² is not of size 0 at 0. `width` is the last step's.
    """

    value: Array
    bar: Array
    excess: Array
    size: Array
    width: Array

    @property
    def closing(self) -> Array:
        """Whether the one-sided slopes close in on each other."""
        return np.asarray(self.excess <= 0)


def rounding_noise(box: BlackBox, x: Array) -> Array:
    """Measure how far rounding inside f moves each output, by sixth differences over steps too short for f to bend.

    ε|f| misses what cancels inside f, such as 1 − cos x. Hamming (1962); Moré & Wild (2011), Estimating computational
    noise. Two step sizes, for at the shorter a part of f may not move at all; and what cancels leaves its trace in the
    values too, which are all multiples of a granule larger than their own last bit.
    """
    unit = np.where(np.isfinite(x), step_scale(x) * np.random.default_rng(0).uniform(0.5, 1, x.shape), 0)
    noise = np.zeros(box.y0.size)
    with np.errstate(all="ignore"):
        for delta in (2.0**-44, 2.0**-28):
            sums = [np.zeros(box.y0.size) for _ in range(3)]
            granule, moves = _granule(box.y0), np.zeros(box.y0.size, bool)
            for k in range(-4, 5):
                y = box.where_defined((x + k * delta * unit).astype(x.dtype))
                granule = np.fmin(granule, _granule(y))
                y = y - box.y0  # small, so that summing adds no rounding
                moves |= y != 0
                for start, total in enumerate(sums, -4):
                    if 0 <= k - start <= 6:
                        total += (-1) ** (k - start) * comb(6, k - start) * y
            for total in sums:
                noise = np.fmax(noise, np.abs(total) / sqrt(924))  # the norm of the weights
            noise = np.fmax(noise, np.where(moves, granule / 2, 0))
    return np.where(np.isfinite(noise), noise, 0)


def _granule(y: Array) -> Array:
    """Return the largest power of 2 that each number is a multiple of; infinity for 0."""
    mantissa, exponent = np.frexp(np.where(np.isfinite(y), y, 0))
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    return np.where(digits == 0, np.inf, np.ldexp((digits & -digits).astype(np.float64), exponent - 53))


def first_pass(stencil: Stencil, reach: float = 1.0) -> FirstPass:
    """Difference at three step sizes, each about half the last, and extrapolate (Richardson 1911).

    `reach` scales the steps, which are otherwise the best for a smooth function on the scale of x.
    """
    t = reach * 2.0 ** min(round(log2(8 * stencil.epsilon**0.2)), -2)
    steps = [t, t / _FIRST_RATIO, t / _FIRST_RATIO**2]
    samples = [stencil.sample(step) for step in steps]
    value, bar, excess, size = *(np.empty(stencil.y0.size) for _ in range(3)), stencil.size
    for start in range(0, value.size, _BLOCK):  # the temporaries are of the size of a block
        block = slice(start, start + _BLOCK)
        slopes = [stencil.slopes(step, *sample, block) for step, sample in zip(steps, samples, strict=True)]
        value[block], bar[block], excess[block], rise = _extrapolated(slopes, steps[-1])
        size[block] += rise
    return FirstPass(value, bar, excess, size, stencil.width(steps[-1]))


def _extrapolated(slopes: list[tuple[Array, ...]], t: float) -> tuple[Array, Array, Array, Array]:
    """Extrapolate three slopes, the last at step t: value, bar, excess of the gap, how far f moves in a step."""
    power = _FIRST_RATIO**2
    with np.errstate(all="ignore"):
        (_, coarse, _, _), (_, middle, _, middle_floor), (left, fine, right, floor) = slopes
        gap, smaller, smallest = (np.abs(after - before) for before, _, after, _ in slopes)
        excess = np.maximum(
            np.where(smaller <= 0.75 * gap, 0, smaller - 2 * middle_floor)
            * _FIRST_RATIO,  # a floor grows as steps shrink
            np.where(smallest <= 0.75 * smaller, 0, smallest - 2 * floor),
        )
        coarse = middle + (middle - coarse) / (power - 1)
        middle = fine + (fine - middle) / (power - 1)
        value = middle + (middle - coarse) / (power**2 - 1)
        rise = np.fmax(np.abs(left), np.abs(right)) * t
        return value, np.abs(value - middle) + floor, excess, np.where(np.isfinite(rise), rise, 0)


def doubtful(value: Array, bar: Array, size: Array, epsilon: float) -> Array:
    """Where a ladder should look again: a value that is not finite, or a bar wide against f's size."""
    with np.errstate(all="ignore"):
        reference = np.maximum(np.abs(value), size)
        return np.asarray(~(bar <= np.maximum(_SHARP * reference, precision(epsilon).tiny)))


def ladder(stencil: Stencil) -> Estimate:
    """Difference at ever smaller steps and take, entry by entry, what has the smallest bar.

    A second, finer ladder, in units of |x| where that is small and of 1 where it is large, climbs for what the first
    does not find smooth.
    """
    estimate = _climb(stencil)
    rough = np.flatnonzero(estimate.kind != Kind.SMOOTH)
    if stencil.inputs is None or not rough.size:
        return estimate
    size = np.abs(stencil.x)
    finer = _climb(stencil.subset(rough).scaled(np.where(size == 0, 2.0**-22, np.minimum(size, 1))))
    better = (finer.kind != Kind.UNRESOLVED) & (finer.kind != Kind.NONFINITE)
    with np.errstate(all="ignore"):  # a kink is not gone where the finer steps drown it in rounding
        gap = np.abs(estimate.right - estimate.left)[rough]
        better &= (estimate.kind[rough] != Kind.KINK) | (finer.bar < gap / 4)
    for name in ("value", "bar", "kind", "left", "right"):
        getattr(estimate, name)[rough[better]] = getattr(finer, name)[better]
    return estimate


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
    size = stencil.y0.size
    central, left, right = _Tableau(size, _RATIO**2), _Tableau(size, _RATIO), _Tableau(size, _RATIO)
    before = between = after = np.full(size, np.nan)
    left_grows, right_grows = np.zeros(size, np.int8), np.zeros(size, np.int8)
    left_finite, right_finite = np.zeros(size, bool), np.zeros(size, bool)
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
            before, between, after = low, middle, high
            if not central.improved and np.all(central.bar <= _SHARP * np.maximum(np.abs(central.value), stencil.size)):
                break
        grows = left_grows >= 4, right_grows >= 4
        return _judge(central, left, right, (left_finite, right_finite), grows, np.isfinite(stencil.y0))


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
    y0: Array,
) -> Estimate:
    """Say what each entry is: smooth if its two sides close in on each other, else by what its sides do alone."""
    one, other = left.converged, right.converged
    alone = (one & ~finite[1]) | (other & ~finite[0])  # f ends here: the slope of the side where it is defined
    apart = np.abs(left.value - right.value) > left.bar + right.bar
    jump = (one & grows[1]) | (other & grows[0]) | (grows[0] & grows[1])
    kind = np.select(
        [~y0 | ~(finite[0] | finite[1]), central.converged, alone, one & other & apart, one & other, jump],
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
    return Estimate(value, bar, kind, low, np.where(kind == Kind.JUMP, value, right.value))
