"""The numeric Jacobian on a pattern: a seed a color, a first pass for all, a ladder for some. Next: agreement.

Nothing here knows the analytic rule; whoever does may only point at entries that deserve a second look.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.differences import FirstPass, Kind, Stencil, doubtful, first_pass, last_step, step_scale
from jacinspect.jacobian.ladder import LADDER_CALLS, Estimate, ladder
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.seeds import Color, Index, colors_of

__all__ = ["Numeric", "numeric_jacobian", "refine"]


_LONGER = 256  # times longer steps than the ladder's account for so many times sharper bars, and not for more


@dataclass(eq=False)
class Numeric:
    """A Jacobian by differences: for each stored entry its error bar, its kind, and whether it is still doubtful.

    `epsilon` is the relative noise of f's values, and `noise`, of each output, what rounding inside f does to it.
    `credible` is where nothing speaks against the first pass, neither its one-sided slopes nor another's claim; `size`
    is that of the output near x per unit of the input, against which a bar is wide or not. Of the entries on a kink or
    a jump, `kinks` lists (entry, slope to the left, slope to the right), and `jumps`, of those on a jump, how steep a
    bend at least has to be to look like it.
    """

    jacobian: Jacobian
    bar: Array
    kind: Array
    doubtful: Array
    credible: Array
    size: Magnitudes
    epsilon: float
    noise: Magnitudes
    kinks: dict[int, tuple[float, float]]
    jumps: dict[int, float] = field(default_factory=dict)

    def rounding(self, x: Array, y0: Array, factor: float = 1.0) -> Magnitudes:
        """Return, for each output, what a relative change of `factor` in everything that it reads may do: Σ|x·∂A/∂x|.

        What has too wide a bar is left out, for it may be far too large.
        """
        pattern = self.jacobian.pattern
        held = Magnitudes(pattern.shape[0])
        for rows in blocks(held.size):
            entries = pattern.entries(rows)
            terms = self.rounding_terms(x, entries, self.is_wide(x, y0, entries))
            held[rows] = factor * pattern.band(rows).sums(terms)
        return held

    def rounding_terms(self, x: Array, block: slice, wide: Array) -> Array:
        """Return the terms of that sum, for a block of the entries, of which some have too `wide` a bar."""
        with np.errstate(all="ignore"):
            terms = np.abs(self.jacobian.data[block] * x.reshape(-1)[self.jacobian.indices[block]])
        return np.where(wide | ~np.isfinite(terms), 0, terms)

    def forget_infinite(self, x: Array, y0: Array) -> None:
        """Let nothing be in doubt where f or x is not finite: there is no derivative to be found."""
        pattern = self.jacobian.pattern
        for block in blocks(pattern.stored):
            finite = np.isfinite(y0[pattern.rows[block]]) & np.isfinite(x.reshape(-1)[pattern.indices[block]])
            self.doubtful[block] &= finite

    def is_wide(self, x: Array, y0: Array, block: slice) -> Array:
        """Where differences should look again at a block of the entries: their bars are wide."""
        pattern = self.jacobian.pattern
        with np.errstate(all="ignore"):
            size = np.abs(y0[pattern.rows[block]]) / step_scale(x.reshape(-1)[pattern.indices[block]])
        return doubtful(self.jacobian.data[block], self.bar[block], size, self.epsilon)


def numeric_jacobian(
    box: BlackBox, x: Array, pattern: Pattern, colors: Array, number: int, epsilon: float, noise: Magnitudes
) -> Numeric:
    """Difference f along one seed a color; `epsilon` is the relative noise of f's values, `noise` what was measured.

    Only when all entries are there is it known what an output's rounding depends on: Σ|x·∂A/∂x| over all that it
    reads, for a sum of large terms may be small. The bars and the slopes' gaps are judged with that.
    """
    firsts = (
        (color.entries, first_pass(_stencil(box, x, color, epsilon, noise)))
        for color in colors_of(pattern, colors, number)
    )
    first = _gathered(firsts, pattern.stored) if number > 1 else next(firsts)[1]
    kind, again, credible = (np.zeros(pattern.stored, dtype) for dtype in (np.int8, bool, bool))
    jacobian = Jacobian(pattern, first.value)
    numeric = Numeric(jacobian, first.bar, kind, again, credible, first.size, epsilon, noise, {})
    for rows in blocks(pattern.shape[0]):
        _judge(numeric, first.excess, box, x, rows)
    return numeric


def _gathered(firsts: Iterable[tuple[Index, FirstPass]], stored: int) -> FirstPass:
    """Put the first passes of all colors together, in the order of the stored entries."""
    whole = FirstPass(np.zeros(stored), np.zeros(stored), Magnitudes(stored), Magnitudes(stored))
    for entries, part in firsts:
        whole.value[entries], whole.bar[entries] = part.value, part.bar
        whole.excess.put(entries, part.excess)
        whole.size.put(entries, part.size)
    return whole


def _judge(numeric: Numeric, excess: Magnitudes, box: BlackBox, x: Array, rows: slice) -> None:
    """Widen the bars of some neighbouring outputs by the rounding of all else that they read, and note the doubtful."""
    pattern = numeric.jacobian.pattern
    entries, band = pattern.entries(rows), pattern.band(rows)
    wide = numeric.is_wide(x, box.y0, entries)
    terms = numeric.rounding_terms(x, entries, wide)
    others = np.repeat(band.sums(terms), np.diff(band.indptr)) - terms
    width = 2 * last_step(numeric.epsilon) * step_scale(x.reshape(-1)[band.indices])
    floor = 8 * numeric.epsilon * others / width
    numeric.bar[entries] += floor
    numeric.credible[entries] = excess[entries] <= 2 * floor
    numeric.doubtful[entries] = wide | ~numeric.credible[entries] | numeric.is_wide(x, box.y0, entries)


def refine(numeric: Numeric, box: BlackBox, x: Array, colors: Array, number: int, calls: int) -> None:
    """Look at the doubtful entries again, at ever smaller steps, while there are `calls` of f left.

    What the calls do not suffice for keeps the bar that it has, and is UNRESOLVED.
    """
    if not numeric.doubtful.any():
        return
    end = box.evaluations + calls
    rounding = numeric.rounding(x, box.y0)
    for color in colors_of(numeric.jacobian.pattern, colors, number):
        again = np.flatnonzero(numeric.doubtful[color.entries])
        if not again.size:
            continue
        entries = again if isinstance(color.entries, slice) else color.entries[again]
        if box.evaluations + LADDER_CALLS > end:
            numeric.kind[entries] = Kind.UNRESOLVED
            continue
        stencil = _stencil(box, x, color, numeric.epsilon, numeric.noise, rounding).subset(again)
        _put(numeric, entries, ladder(stencil, numeric.size[entries]))


def _put(numeric: Numeric, entries: Array, estimate: Estimate) -> None:
    numeric.doubtful[entries] = False
    with np.errstate(all="ignore"):  # of two that bear each other out, the sharper: noise asks for the longer steps
        bar = numeric.bar[entries]
        sharper = numeric.credible[entries] & (bar < estimate.bar) & (estimate.bar < _LONGER * bar)
        sharper &= np.abs(numeric.jacobian.data[entries] - estimate.value) <= estimate.bar
        sharper &= estimate.kind == Kind.SMOOTH
    if sharper.any():
        entries, estimate = entries[~sharper], estimate.subset(~sharper)
    numeric.jacobian.data[entries] = estimate.value
    numeric.bar[entries] = estimate.bar
    numeric.kind[entries] = estimate.kind
    flat = estimate.value == 0  # where nothing else is there to hold a bar against, what f does further away is
    numeric.size[entries[flat]] = np.maximum(numeric.size[entries[flat]], estimate.reached[flat])
    on = (estimate.kind == Kind.KINK) | (estimate.kind == Kind.JUMP)
    slopes = zip(estimate.left[on].tolist(), estimate.right[on].tolist(), strict=True)
    numeric.kinks.update(zip(entries[on].tolist(), slopes, strict=True))
    jump = estimate.kind == Kind.JUMP
    numeric.jumps.update(zip(entries[jump].tolist(), estimate.steepest[jump].tolist(), strict=True))


def _stencil(
    box: BlackBox, x: Array, color: Color, epsilon: float, noise: Magnitudes, rounding: Magnitudes | None = None
) -> Stencil:
    seed, flat = np.zeros(x.shape, x.dtype), x.reshape(-1)
    for block in blocks(x.size):
        seed.reshape(-1)[block] = np.where(color.seed.reshape(-1)[block], step_scale(flat[block]), 0)
    known = None if rounding is None else rounding.subset(color.outputs)
    return Stencil(
        box, x, seed, color.outputs, color.inputs, box.y0[color.outputs], epsilon, known, noise.subset(color.outputs)
    )
