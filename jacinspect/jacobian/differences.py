"""A callable's numeric jvp by extrapolated differences, with an error bar for every entry. Next: ladder, noise.

Three things keep the bar honest: a rounding floor with a term for the rounding of x, a demand that the one-sided slopes
close in on each other, and the noise of the function itself where it computes in single precision.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from math import log2
from typing import Any

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.seeds import Index
from jacinspect.records import dataclass, replace

__all__ = [
    "CLOSE",
    "FAR",
    "FARTHER",
    "LAST",
    "MANY",
    "ROUNDING",
    "TYPICAL",
    "WIDE",
    "FirstPass",
    "Kind",
    "Stencil",
    "doubtful",
    "first_pass",
    "is_single",
    "last_step",
    "precision",
    "short_pass",
    "step_scale",
]

WIDE = 1e-4  # a bar above this fraction of what it bounds is too wide to judge by
ROUNDING = 4 * 2.0**-52  # what a claim may be off by for its own rounding
SHARP = 1e-8  # a bar below this fraction of the derivative, or of f per unit of x, needs no second look
FAR, SHARP_FAR = 2.0**20, 1e-9  # and this one where |x| is so large that whole waves of f fit between two steps
LAST = 2.0**-52
_NOISIEST = 1e-5  # of f: what moves it by more within the shortest steps is no rounding, but a bend or a jump of f
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
_CHANGE = 1.1  # times a change of the extrapolation bounds what it was off by before, down to an order of h


class Kind:
    """What f is like along the line, at the point: integers, for numpy compares a member of an Enum far slower."""

    SMOOTH = 0
    KINK = 1  # one-sided slopes differ
    JUMP = 2  # f itself is not continuous
    UNRESOLVED = 3  # no step size gave a derivative that can be trusted
    NONFINITE = 4


def step_scale(x: Array) -> Array:
    """Return the unit in which steps are taken from each entry of x: max(1, |x|); 1 where x is not finite."""
    unit = np.asarray(np.fmax(np.abs(x), 1))  # which is 1 for NaN
    unit[np.isinf(unit)] = 1
    return unit


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
    that was represented; without, they are by t. With `parts`, of the outputs, the inputs that are given with each part
    are moved for it, and no others. `y0` is f(x) at the outputs, `epsilon` the relative noise of f. Of each output,
    `rounding` is Σ|x·∂f/∂x| over all that it reads, and `noise` what rounding inside f was measured to do; 0 where
    unknown, and everywhere if None.
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
    of_x: float | None = None
    parts: Sequence[tuple[Array, slice]] = ()

    @property
    def x_epsilon(self) -> float:
        """The relative rounding of x inside f: as that of its values, unless their noise is of another kind."""
        return self.epsilon if self.of_x is None else self.of_x

    def sides(self, steps: Iterable[float | Array]) -> Iterator[Array]:
        """Yield f at the outputs each of some steps to the left, and to the right."""
        return self.steps([side * t for t in steps for side in (-1, 1)])

    def step(self, t: float | Array) -> Array:
        """Return f at the outputs a step along the line, which may be negative; see `steps`."""
        return next(self.steps([t]))

    def steps(self, steps: Sequence[float | Array]) -> Iterator[Array]:
        """Yield f at the outputs at each of some steps along the line, NaN where f is not defined.

        It is not where an output's input, or any along a line through many, is outside of the domain. A step may be an
        array, with one for each output, which is the same for all outputs of one input.
        """
        defined = [not (self.inputs is None and self.box.is_bounded and self._is_outside(t)) for t in steps]
        values = self.box.many_where_defined(self._points(compress(steps, defined)))
        for t, is_defined in zip(steps, defined, strict=True):
            if not is_defined:
                yield np.full(self.y0.size, np.nan)
            elif not self.parts:
                yield self._inside(next(values), t)
            else:
                y = np.empty(self.y0.size)
                for _, part in self.parts:
                    y[part] = self._inside(next(values), t, part)
                yield y

    def _points(self, steps: Iterable[float | Array]) -> Iterator[Array]:
        """Yield where f is called for some steps: at one point for each, or one for each of the parts."""
        for t in steps:
            point = self._point(t)
            if not self.parts:
                yield point
            flat = point.reshape(-1)
            for inputs, _ in self.parts:
                alone = self.x.copy()
                alone.reshape(-1)[inputs] = flat[inputs]
                yield alone

    def _point(self, t: float | Array) -> Array:
        if isinstance(t, np.ndarray):
            t = self._of_inputs(t)
        point = self.v * t
        point += self.x
        return point.astype(self.x.dtype, copy=False)

    def _of_inputs(self, t: Array) -> Array | float:
        """Return the steps of all inputs, given those of the outputs."""
        if self.inputs is None:
            return float(t[0])
        steps = np.zeros(self.x.size)
        steps[self.inputs] = t
        return steps.reshape(self.x.shape)

    def _is_outside(self, t: float | Array) -> bool:
        return self.box.outside(self._point(t)) is not None

    def _inside(self, y: Array, t: float | Array, part: slice = slice(None)) -> Array:
        """Return f at a part of the outputs, NaN where their input is outside of the domain at a step."""
        y = y[_part(self.outputs, part)]
        if self.inputs is None or not self.box.is_bounded:
            return y
        inputs = _part(self.inputs, part)
        x, v = self.x.reshape(-1)[inputs], self.v.reshape(-1)[inputs]
        outside = self.box.outside((x + t * v).astype(x.dtype, copy=False))
        return y if outside is None else np.where(outside, np.nan, y)

    def beside(self, towards: float) -> Array:
        """Return f at the outputs, at the numbers beside x in a direction."""
        assert self.inputs is not None
        point = np.where(self.v != 0, np.nextafter(self.x, towards), self.x)
        outside = self.box.outside(point)
        y = self.box.where_defined(point)[self.outputs]
        return y if outside is None else np.where(outside.reshape(-1)[self.inputs], np.nan, y)

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
        return np.asarray(8 * (noise + self.x_epsilon * _finite(size) + smallest) / (before + after))

    def widths(self, t: float, block: slice = slice(None)) -> tuple[Array, Array, Array]:
        """Return the differences that were represented, to the left and to the right, and x, for a block of outputs."""
        x = np.asarray(0.0) if self.inputs is None else self.x.reshape(-1)[_part(self.inputs, block)]
        return -self.width(-t, block), self.width(t, block), x

    def width(self, t: float | Array, block: slice = slice(None)) -> Array:
        """Return by how much x was moved at step t, or steps, as it was represented, for a block of outputs."""
        if self.inputs is None:
            return np.asarray(t)
        inputs = _part(self.inputs, block)
        x, v = self.x.reshape(-1)[inputs], self.v.reshape(-1)[inputs]
        return np.asarray(((x + t * v).astype(x.dtype, copy=False) - x).astype(np.float64, copy=False))

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
        return np.asarray(np.abs(self.y0[block]) / self.step_scale(block))

    def step_scale(self, block: slice = slice(None)) -> Array:
        """Return the unit of x, of what a block of the outputs read; 1 along a line through many inputs."""
        if self.inputs is None:
            return np.asarray(1.0)
        return step_scale(self.x.reshape(-1)[_part(self.inputs, block)])

    def units(self) -> Array:
        """Return the unit of the steps of what each output reads, with its sign; 1 along a line through many inputs."""
        return np.ones(self.y0.size) if self.inputs is None else np.asarray(self.v.reshape(-1)[self.inputs])

    def scaled(self, x_unit: Array) -> "Stencil":
        """Return the stencil with steps in another unit; x_unit has x's shape."""
        return replace(self, v=np.where(self.v != 0, x_unit, 0).astype(self.v.dtype))


def _part(index: Index, part: slice) -> Index:
    """Return a part of indices; of a slice, which stands for all of them in their order, that part itself."""
    return part if isinstance(index, slice) else index[part]


def _indices(index: Index, length: int) -> Array:
    return np.arange(length)[index] if isinstance(index, slice) else index


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
        before[block] = _CHANGE * np.abs(change) + floor
        value[block] += change / (_FIRST_RATIO**4 - 1)
        apart = np.abs(gap[block])
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
                moved[block] = np.fmax(moved[block], _finite(np.abs(slope) * unit))
        del y
    return *sums, moved


def _peak(stencil: Stencil, moved: Magnitudes, block: slice) -> Array:
    """Return how large f is at most at the steps of a block, over which it has `moved`."""
    return np.asarray(np.abs(stencil.y0[block]) + moved[block] * stencil.step_scale(block))


def last_step(epsilon: float) -> float:
    """Return the shortest step of a first pass, in units of the direction."""
    return float(2.0 ** min(round(log2(8 * epsilon**0.2)), -2)) / _FIRST_RATIO**2


def _finite(size: Array) -> Array:
    return np.where(np.isfinite(size), size, 0)


def doubtful(value: Array, bar: Array, size: Array, unit: Array, epsilon: float) -> Array:
    """Where a ladder should look again: a value that is not finite, or a bar wide against f's size.

    `size` is that of f per `unit` of x.
    """
    with np.errstate(all="ignore"):
        allowed = np.where(unit > FAR, SHARP_FAR, SHARP) * np.maximum(np.abs(value), size)
        return np.asarray(~(bar <= np.maximum(allowed, precision(epsilon).tiny)))
