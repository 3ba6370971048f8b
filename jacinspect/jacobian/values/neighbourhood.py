"""f around a point x, as differences see it: its stencils, its noise, what rounding does to it. Next: numeric.

Differences are taken along a color's seed for the entries of a Jacobian, and along a direction for all outputs.
"""

from itertools import pairwise

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.colors.coloring import by_color
from jacinspect.jacobian.colors.seeds import Color
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.differences import doubtful
from jacinspect.jacobian.values.stencil import Stencil, finite, is_half, step_scale
from jacinspect.records import dataclass

__all__ = ["Band", "Neighbourhood"]


@dataclass(frozen=True, eq=False)
class Band:
    """The entries of neighbouring outputs of a Jacobian, as differences see them.

    `entries` is where they are stored, and `pattern` their own. Each has its `value`, its input `x`, the `unit` of that
    one's steps, and the `size` of f per unit; `epsilon` is the relative noise of f.
    """

    entries: slice
    pattern: Pattern
    value: Array
    x: Array
    unit: Array
    size: Array
    epsilon: float

    def is_wide(self, bar: Array) -> Array:
        """Return which entries have so wide a bar that differences should look again."""
        return doubtful(self.value, bar, self.size, self.unit, self.epsilon)

    def terms(self, wide: Array) -> Array:
        """Return |x·∂A/∂x| of each entry, what rounding of x does to A by it; 0 for those with too `wide` a bar."""
        return np.where(wide, 0, finite(np.abs(self.value * self.x)))

    def others(self, wide: Array) -> Array:
        """Return, for each entry, the sum of the terms of all others in its row."""
        terms = self.terms(wide)
        return np.asarray(np.repeat(self.pattern.sums(terms), self.pattern.lengths) - terms)

    def largest(self, wide: Array) -> Array:
        """Return, for each entry, the largest of its row that is not too `wide`, in units of the entry's own input."""
        moved, lengths = np.where(wide, 0, np.abs(self.value) * self.unit), self.pattern.lengths
        filled = lengths > 0
        largest = np.maximum.reduceat(moved, self.pattern.indptr[:-1][filled])
        return np.asarray(np.repeat(largest, lengths[filled]) / self.unit)


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """f around a point x, as differences see it.

    `epsilon` is the relative noise of f's values, and `of_x` the relative rounding of x inside f, the same if None: a
    noise that is named is of values alone. `noise` is, for each output, the absolute noise that rounding inside f was
    measured to cause. With `sharp`, bars are to be as narrow as they can be: small singular values are lost in them.
    """

    box: BlackBox
    x: Array
    epsilon: float
    noise: Magnitudes
    of_x: float | None = None
    sharp: bool = False

    @property
    def x_epsilon(self) -> float:
        """The relative rounding of x inside f."""
        return self.epsilon if self.of_x is None else self.of_x

    @property
    def terms(self) -> float:
        """The size of the terms in which f computes: 1, but where it scales what it has computed in half precision."""
        scaled = is_half(self.epsilon) and not is_half(self.box.epsilon)
        return float(np.max(finite(np.abs(self.box.y0)), initial=0)) if scaled else 1.0

    def along(self, v: Array, rounding: Magnitudes | None = None) -> Stencil:
        """Return the stencil of all outputs along a direction v of x's shape; `rounding` as of `rounding` below."""
        y0 = self.box.y0
        return Stencil(
            self.box, self.x, v, slice(None), None, y0, self.epsilon, rounding, noise=self.noise, of_x=self.of_x
        )

    def of_color(self, color: Color, rounding: Magnitudes | None = None) -> Stencil:
        """Return the stencil of a color's entries along its seed, in units of the steps of x."""
        seed, flat = np.zeros(self.x.shape, self.x.dtype), self.x.reshape(-1)
        for block in blocks(self.x.size):
            seed.reshape(-1)[block] = np.where(color.seed.reshape(-1)[block], step_scale(flat[block]), 0)
        return Stencil(
            self.box,
            self.x,
            seed,
            color.outputs,
            color.inputs,
            self.box.y0[color.outputs],
            self.epsilon,
            rounding=None if rounding is None else rounding.subset(color.outputs),
            noise=self.noise.subset(color.outputs),
            of_x=self.of_x,
        )

    def of_entries(self, pattern: Pattern, colors: Array, order: Array, bounds: Array) -> Stencil:
        """Return the stencil of all entries of a pattern, in the order of their colors, which begin at `bounds`."""
        outputs, read = (index[order].astype(np.intp, copy=False) for index in (pattern.rows, pattern.indices))
        inputs, ends = by_color(colors, bounds.size - 1)
        parts = zip(pairwise(ends.tolist()), pairwise(bounds.tolist()), strict=True)
        return Stencil(
            self.box,
            self.x,
            step_scale(self.x),
            outputs,
            read,
            self.box.y0[outputs],
            self.epsilon,
            noise=self.noise.subset(outputs),
            of_x=self.of_x,
            parts=[(inputs[slice(*own)], slice(*asked)) for own, asked in parts if asked[0] < asked[1]],
        )

    def band(self, jacobian: Jacobian, rows: slice) -> Band:
        """Return the entries of neighbouring outputs."""
        entries, pattern = jacobian.pattern.entries(rows), jacobian.pattern.band(rows)
        x = self.x.reshape(-1)[pattern.indices]
        unit, y0 = step_scale(x), self.box.y0[jacobian.pattern.rows[entries]]
        return Band(entries, pattern, jacobian.data[entries], x, unit, np.abs(y0) / unit, self.epsilon)

    @np.errstate(all="ignore")
    def rounding(self, jacobian: Jacobian, bar: Array, factor: float = 1.0) -> Magnitudes:
        """Return, for each output, what a relative change of `factor` in all that it reads may do: Σ|x·∂A/∂x|.

        Entries with too wide a bar are left out, for they may be far too large.
        """
        sums = Magnitudes(jacobian.shape[0])
        for rows in jacobian.pattern.bands:
            band = self.band(jacobian, rows)
            sums[rows] = factor * band.pattern.sums(band.terms(band.is_wide(bar[band.entries])))
        return sums
