"""f around a point x, as differences see it: its stencils, its noise, what rounding does to it. Next: numeric.

Differences are taken along a color's seed for the entries of a Jacobian, and along a direction for all outputs.
"""

from dataclasses import dataclass

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.differences import Stencil, doubtful, step_scale
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.seeds import Color

__all__ = ["Neighbourhood"]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """f around a point x, as differences see it.

    `epsilon` is the relative noise of f's values; `noise` is, for each output, the absolute noise that rounding inside
    f was measured to cause.
    """

    box: BlackBox
    x: Array
    epsilon: float
    noise: Magnitudes

    def along(self, v: Array, rounding: Magnitudes | None = None) -> Stencil:
        """Return the stencil of all outputs along a direction v of x's shape; `rounding` as of `rounding` below."""
        return Stencil(
            self.box, self.x, v, slice(None), None, self.box.y0, self.epsilon, rounding=rounding, noise=self.noise
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
        )

    def is_wide(self, jacobian: Jacobian, bar: Array, block: slice) -> Array:
        """Return which entries of a block have so wide a bar that differences should look again."""
        pattern = jacobian.pattern
        with np.errstate(all="ignore"):
            unit = step_scale(self.x.reshape(-1)[pattern.indices[block]])
            size = np.abs(self.box.y0[pattern.rows[block]]) / unit
        return doubtful(jacobian.data[block], bar[block], size, unit, self.epsilon)

    def rounding(self, jacobian: Jacobian, bar: Array, factor: float = 1.0) -> Magnitudes:
        """Return, for each output, what a relative change of `factor` in all that it reads may do: Σ|x·∂A/∂x|.

        Entries with too wide a bar are left out, for they may be far too large.
        """
        pattern = jacobian.pattern
        sums = Magnitudes(pattern.shape[0])
        for rows in blocks(sums.size):
            entries = pattern.entries(rows)
            terms = self.rounding_terms(jacobian, entries, self.is_wide(jacobian, bar, entries))
            sums[rows] = factor * pattern.band(rows).sums(terms)
        return sums

    def rounding_terms(self, jacobian: Jacobian, block: slice, wide: Array) -> Array:
        """Return the terms of that sum for a block of the entries, 0 for those with too `wide` a bar."""
        with np.errstate(all="ignore"):
            terms = np.abs(jacobian.data[block] * self.x.reshape(-1)[jacobian.indices[block]])
        return np.where(wide | ~np.isfinite(terms), 0, terms)
