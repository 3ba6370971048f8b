"""A line through a point, and the outputs that are differenced along it. Next: differences, ladder."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import compress

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.colors.seeds import Index
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.records import dataclass, replace

__all__ = [
    "LAST",
    "Kind",
    "Stencil",
    "faintest",
    "finite",
    "is_half",
    "is_single",
    "own_scale",
    "precision",
    "smallest",
    "step_scale",
]

LAST = 2.0**-52  # the spacing of doubles beside 1
_SMALLEST_HALF = 2.0**-24  # of half precision, in units of 1: a softmax is 0 where its logits are 17 apart
_NOISIEST = 1e-5  # of f: what moves it by more within the shortest steps is no rounding, but a bend or a jump of f


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


def own_scale(x: Array) -> Array:
    """Return the size of each entry of x: |x|; 1 where x is 0 or not finite."""
    size = np.abs(x)
    return np.asarray(np.where(np.isfinite(size) & (size > 0), size, 1.0))


def faintest(y0: Array) -> float:
    """Return a few last bits of 1, or of f's largest value: where f stands still, no fainter slope would show."""
    return 4 * LAST * float(np.max(np.abs(y0), initial=1, where=np.isfinite(y0)))


def precision(epsilon: float) -> "np.finfo[np.float32 | np.float64]":
    """Return the limits of the precision in which a function computes whose values have the relative noise epsilon."""
    return np.finfo(np.float32 if is_single(epsilon) else np.float64)


def smallest(epsilon: float, y0: Array) -> float:
    """Return the spacing of the smallest numbers in which a function computes that has values y0 with a noise epsilon.

    Half precision has far fewer of them; what its values were scaled by after is told by the largest of them, if any.
    """
    if is_half(epsilon):
        return _SMALLEST_HALF * (float(np.max(finite(np.abs(y0)), initial=0)) or 1.0)
    return float(precision(epsilon).smallest_subnormal)


def is_single(epsilon: float) -> bool:
    """Whether the relative noise epsilon is that of single precision, or more."""
    return epsilon > 2.0**-40


def is_half(epsilon: float) -> bool:
    """Whether a relative rounding is that of half precision, or more."""
    return epsilon > 2.0**-16


@dataclass(frozen=True, eq=False)
class Stencil:
    """A line x + t·v through a point, and the outputs that are differenced along it.

    With `inputs` (the one input along v that each output reads) slopes are by that input, divided by the difference
    that was represented; without, they are by t. With `parts`, of the outputs, the inputs that are given with each part
    are moved for it, and no others. `y0` is f(x) at the outputs, `epsilon` the relative noise of f. Of each output,
    `rounding` is Σ|x·∂f/∂x| over all that it reads, and `noise` what rounding inside f was measured to do; 0 where
    unknown, and everywhere if None. With `dither`, what is not moved along the line is shifted at random by about such
    a part of itself, alike at each two of some steps, so that its rounding inside f averages out.
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
    dither: float = 0.0

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
        for number, t in enumerate(steps):
            point = self._point(t)
            if self.dither:
                shift = self.dither * np.random.default_rng(number // 2).standard_normal(point.shape)
                point += np.where(self.v == 0, shift * self.x, 0).astype(point.dtype)
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
        point = np.asarray(self.v * t)
        point += self.x
        np.copyto(point, self.x, where=point == self.x)  # 0 + -0.0 is 0, and sides of a cut are told by the sign of 0
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
        outside = self.box.outside(self._point(t)) if self.box.is_bounded else None
        if outside is None:
            return y
        assert self.inputs is not None  # or f was not called
        return np.where(outside.reshape(-1)[_part(self.inputs, part)], np.nan, y)

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
        size = np.fmax(np.abs(x * slope), self.summed(block))
        noise = self.epsilon * peak
        if self.noise is not None:
            measured = self.noise[block]
            lost = (measured >= LAST / 64) & (measured <= 4 * LAST * self.step_scale(block))
            noise = np.where(lost | (measured <= _NOISIEST * peak), np.maximum(measured, noise), noise)
        return np.asarray(8 * (noise + self.x_epsilon * finite(size) + self.smallest) / (before + after))

    @cached_property
    def smallest(self) -> float:
        """The spacing of the smallest numbers in which f computes, see `smallest`."""
        return smallest(self.epsilon, self.box.y0)

    def summed(self, block: slice = slice(None)) -> Array:
        """Return Σ|x·∂f/∂x| over all that each output of a block reads, 0 where that is unknown."""
        return np.asarray(0.0) if self.rounding is None else self.rounding[block]

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


def finite(size: Array) -> Array:
    """Return sizes, 0 for those that are not finite."""
    return np.where(np.isfinite(size), size, 0)
