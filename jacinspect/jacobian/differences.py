"""A callable's numeric jvp by extrapolated differences, with an error bar for every entry. Next: ladder, noise.

Three things keep the bar honest: a rounding floor with a term for the rounding of x, a demand that the one-sided slopes
close in on each other, and the noise of the function itself where it computes in single precision.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from math import log2

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.seeds import Index

__all__ = [
    "LAST",
    "ROUNDING",
    "SHARP",
    "WIDE",
    "FirstPass",
    "Kind",
    "Stencil",
    "doubtful",
    "first_pass",
    "is_single",
    "last_step",
    "precision",
    "step_scale",
]

WIDE = 1e-4  # a bar above this fraction of what it bounds is too wide to judge by
ROUNDING = 4 * 2.0**-52  # what a claim may be off by for its own rounding
SHARP = 1e-8  # a bar below this fraction of the derivative, or of f per unit of x, needs no second look
LAST = 2.0**-52
_NOISIEST = 1e-5  # of f: what moves it by more within the shortest steps is no rounding, but a bend or a jump of f
# Each step is not quite 2 times smaller than the last: at whole ratios a step that happens to be a multiple of f's
# period makes all coarser ones so, and a wrong slope looks settled.
_FIRST_RATIO = 1.92
# The weights that extrapolate a gap of a + b·h + c·h³ at the three steps to step 0; a is 0 where f is smooth.
_AT_0 = np.array([1, -_FIRST_RATIO - _FIRST_RATIO**3, _FIRST_RATIO**4]) / ((_FIRST_RATIO - 1) * (_FIRST_RATIO**3 - 1))
_CLOSER = 0.75  # of the gap a step before, at most: that of a smooth f is about half as wide
_CHANGE = 1.1  # times a change of the extrapolation bounds what it was off by before, down to an order of h


class Kind(IntEnum):
    """What f is like along the line, at the point."""

    SMOOTH = 0
    KINK = 1  # one-sided slopes differ
    JUMP = 2  # f itself is not continuous
    UNRESOLVED = 3  # no step size gave a derivative that can be trusted
    NONFINITE = 4


def step_scale(x: Array) -> Array:
    """Return the unit in which steps are taken from each entry of x: max(1, |x|); 1 where x is not finite."""
    return np.where(np.isfinite(x), np.maximum(np.abs(x), 1), 1)


def precision(epsilon: float) -> "np.finfo[np.float32 | np.float64]":
    """Return the limits of the precision in which a function computes whose values have the relative noise epsilon."""
    return np.finfo(np.float32 if is_single(epsilon) else np.float64)


def is_single(epsilon: float) -> bool:
    """Whether the relative noise epsilon is that of single precision, or more."""
    return epsilon > 2.0**-40


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
        return self.at(point)

    def at(self, point: Array) -> Array:
        """Return f at the outputs, NaN where f is not defined: at those whose input is outside of the domain, too."""
        point = point.astype(self.x.dtype, copy=False)
        outside = self.box.outside(point)
        if outside is None:
            return self.box.where_defined(point)[self.outputs]
        if self.inputs is None:
            return np.full(self.y0.size, np.nan)
        return np.where(outside.reshape(-1)[self.inputs], np.nan, self.box.where_defined(point)[self.outputs])

    def slopes(self, t: float, low: Array, high: Array, block: slice = slice(None)) -> tuple[Array, Array, Array]:
        """Return the slopes to the left, central and to the right of a block of outputs, given f a step t away."""
        before, after, _ = self.widths(t, block)
        y0 = self.y0[block]
        return (y0 - low) / before, (high - low) / (before + after), (high - y0) / after

    def floor(self, t: float, peak: Array, slope: Array, block: slice = slice(None)) -> Array:
        """Return what rounding may do to the slopes of a block of the outputs at step t.

        `peak` is the size of f there, and `slope` its derivative.
        """
        before, after, x = self.widths(t, block)
        size = np.abs(x * slope)
        if self.rounding is not None:
            size = np.fmax(size, self.rounding[block])
        noise = self.epsilon * peak
        if self.noise is not None:
            measured = self.noise[block]
            lost = (measured >= LAST / 64) & (measured <= 4 * LAST * self.step_scale(block))
            noise = np.where(lost | (measured <= _NOISIEST * peak), np.maximum(measured, noise), noise)
        smallest = float(precision(self.epsilon).smallest_subnormal)
        return np.asarray(8 * (noise + self.epsilon * _finite(size) + smallest) / (before + after))

    def widths(self, t: float, block: slice = slice(None)) -> tuple[Array, Array, Array]:
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
            rounding=None if self.rounding is None else self.rounding.subset(chosen),
            noise=None if self.noise is None else self.noise.subset(chosen),
        )

    def size(self, block: slice = slice(None)) -> Array:
        """Return the size of f per unit of x, of a block of the outputs."""
        with np.errstate(under="ignore"):
            return np.asarray(np.abs(self.y0[block]) / self.step_scale(block))

    def step_scale(self, block: slice = slice(None)) -> Array:
        """Return the unit of x, of what a block of the outputs read; 1 along a line through many inputs."""
        if self.inputs is None:
            return np.asarray(1.0)
        return step_scale(self.x.reshape(-1)[block if isinstance(self.inputs, slice) else self.inputs[block]])

    def units(self) -> Array:
        """Return the unit of the steps of what each output reads, with its sign; 1 along a line through many inputs."""
        return np.ones(self.y0.size) if self.inputs is None else np.asarray(self.v.reshape(-1)[self.inputs])

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


def first_pass(stencil: Stencil, reach: float = 1.0) -> FirstPass:
    """Difference at three step sizes, each about half the last, and extrapolate (Richardson 1911).

    `reach` scales the steps, which are otherwise the best for a smooth function on the scale of x.
    """
    last, size = last_step(stencil.epsilon) * reach, stencil.y0.size
    # Between the steps, value and bar hold the first two central slopes, excess and size the first two gaps.
    running = FirstPass(np.empty(size), np.empty(size), Magnitudes(size), Magnitudes(size))
    slopes, gaps, rest = (running.value, running.bar), (running.excess, running.size), np.zeros(size)
    for number in range(3):  # one sample after the other, so that the memory is that of one
        step = last * _FIRST_RATIO ** (2 - number)
        low, high = stencil.sample(step)
        with np.errstate(all="ignore"):
            for block in blocks(size):
                left, central, right = stencil.slopes(step, low[block], high[block], block)
                rest[block] += _AT_0[number] * (right - left)
                if number < 2:
                    slopes[number][block], gaps[number][block] = central, right - left
                    continue
                peak = np.fmax(np.abs(low[block]), np.abs(high[block]))
                peak = np.fmax(np.where(np.isfinite(peak), peak, 0), np.abs(stencil.y0[block]))  # f may overflow
                floor = stencil.floor(step, peak, central, block)
                _extrapolate(running, block, central, floor)
                _compare_sides(running, block, (left, right, rest[block]), floor)
                running.size[block] = _finite(np.fmax(np.abs(left), np.abs(right)) * step)
        del low, high
    return running


def last_step(epsilon: float) -> float:
    """Return the shortest step of a first pass, in units of the direction."""
    return float(2.0 ** min(round(log2(8 * epsilon**0.2)), -2)) / _FIRST_RATIO**2


def _extrapolate(running: FirstPass, block: slice, third: Array, floor: Array) -> None:
    """Extrapolate the central slopes at three steps to step 0, by Richardson's columns."""
    power, first, second = _FIRST_RATIO**2, running.value[block], running.bar[block]
    better, before = third + (third - second) / (power - 1), second + (second - first) / (power - 1)
    best = better + (better - before) / (power**2 - 1)
    # A remainder slower than h⁴ makes the last correction small by chance, but not the one before.
    change = np.maximum(np.abs(best - better), _CHANGE * np.abs(better - before))
    running.value[block], running.bar[block] = best, change + floor


def _compare_sides(running: FirstPass, block: slice, sides: tuple[Array, Array, Array], floor: Array) -> None:
    """Find by how much the sides stay apart, given the last slopes to both and their gap extrapolated to step 0."""
    left, right, rest = sides
    first, second, third = running.excess[block], running.size[block], np.abs(right - left)
    # A floor grows as steps shrink.
    apart = np.where(second <= _CLOSER * first, 0, np.maximum(_FIRST_RATIO * second - 2 * floor, 0))
    apart = np.maximum(apart, np.where(third <= _CLOSER * second, 0, third - 2 * floor))
    rest = np.abs(rest)
    running.excess[block] = np.maximum(apart, np.where(rest > running.bar[block] + 8 * floor, rest, 0))


def _finite(size: Array) -> Array:
    return np.where(np.isfinite(size), size, 0)


def doubtful(value: Array, bar: Array, size: Array, epsilon: float) -> Array:
    """Where a ladder should look again: a value that is not finite, or a bar wide against f's size."""
    with np.errstate(all="ignore"):
        reference = np.maximum(np.abs(value), size)
        return np.asarray(~(bar <= np.maximum(SHARP * reference, precision(epsilon).tiny)))
