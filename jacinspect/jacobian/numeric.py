"""The numeric Jacobian on a pattern: a seed a color, a first pass for all, a ladder for some. Next: agreement.

Nothing here knows the analytic rule; whoever does may only point at entries that deserve a second look.
"""

from dataclasses import dataclass

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Color, Jacobian, Pattern, colors_of
from jacinspect.jacobian.differences import (
    Estimate,
    Kind,
    Stencil,
    doubtful,
    first_pass,
    ladder,
    rounding_noise,
    step_scale,
)

__all__ = ["Numeric", "numeric_jacobian", "refine"]


_LONGER = 256  # times longer steps than the ladder's account for so many times sharper bars, and not for more


@dataclass(eq=False)
class Numeric:
    """A Jacobian by differences: for each stored entry its error bar, its kind, and whether it is still doubtful.

    `epsilon` is the relative noise of f's values; for each output, `noise` is what rounding inside f was measured to
    do, and `rounding` what a relative change of 1 in everything that it reads does.
    `credible` is where nothing speaks against the first pass, neither its one-sided slopes nor another's claim; `size`
    is that of the output near x per unit of the input, against which a bar is wide or not. Of the entries on a kink or
    a jump, `kinks` lists (entry, slope to the left, slope to the right).
    """

    jacobian: Jacobian
    bar: Array
    kind: Array
    doubtful: Array
    credible: Array
    size: Array
    epsilon: float
    noise: Array
    rounding: Array
    kinks: dict[int, tuple[float, float]]


def numeric_jacobian(box: BlackBox, x: Array, pattern: Pattern, colors: Array, number: int, epsilon: float) -> Numeric:
    """Difference f along one seed a color; `epsilon` is the relative noise of f's values.

    Only when all entries are there is it known what an output's rounding depends on: Σ|x·∂A/∂x| over all that it
    reads, for a sum of large terms may be small. The bars and the slopes' gaps are judged with that.
    """
    stored = pattern.stored
    data, bar, size, excess, width = (np.zeros(stored) for _ in range(5))
    noise = rounding_noise(box, x)
    for color in colors_of(pattern, colors, number):
        first = first_pass(_stencil(box, x, color, epsilon, noise))
        for whole, part in ((data, first.value), (bar, first.bar), (size, first.size), (excess, first.excess)):
            whole[color.entries] = part
        width[color.entries] = first.width
    with np.errstate(all="ignore"):
        here = np.abs(box.y0)[pattern.rows] / step_scale(x).ravel()[pattern.indices]
        again = doubtful(data, bar, here, epsilon)
        terms = np.where(again, 0, np.abs(data * x.ravel()[pattern.indices]))  # what is in doubt may be far too large
        rounding = np.bincount(pattern.rows, weights=terms, minlength=pattern.shape[0])[: pattern.shape[0]]
        floor = 8 * epsilon * (rounding[pattern.rows] - terms) / width
    bar += floor
    credible = excess <= 2 * floor
    again |= ~credible | doubtful(data, bar, here, epsilon)
    kind = np.zeros(stored, np.int8)
    return Numeric(Jacobian(pattern, data), bar, kind, again, credible, size, epsilon, noise, rounding, {})


def refine(numeric: Numeric, box: BlackBox, x: Array, colors: Array, number: int, epsilon: float, calls: int) -> None:
    """Look at the doubtful entries again, at ever smaller steps, while there are `calls` of f left.

    What the calls do not suffice for is left with the bar that it has, and UNRESOLVED where it has none.
    """
    if not numeric.doubtful.any():
        return
    end = box.evaluations + calls
    for color in colors_of(numeric.jacobian.pattern, colors, number):
        again = np.flatnonzero(numeric.doubtful[color.entries])
        if not again.size:
            continue
        entries = np.arange(numeric.bar.size)[color.entries][again]
        if box.evaluations >= end:
            numeric.kind[entries] = Kind.UNRESOLVED
            continue
        _put(numeric, entries, ladder(_stencil(box, x, color, epsilon, numeric.noise, numeric.rounding).subset(again)))


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
    on = (estimate.kind == Kind.KINK) | (estimate.kind == Kind.JUMP)
    slopes = zip(estimate.left[on].tolist(), estimate.right[on].tolist(), strict=True)
    numeric.kinks.update(zip(entries[on].tolist(), slopes, strict=True))


def _stencil(
    box: BlackBox, x: Array, color: Color, epsilon: float, noise: Array, rounding: Array | None = None
) -> Stencil:
    seed = np.where(color.seed, step_scale(x), 0).astype(x.dtype)
    known = 0.0 if rounding is None else rounding[color.outputs]
    y0, noise = box.y0[color.outputs], noise[color.outputs]
    return Stencil(box, x, seed, color.outputs, color.inputs, y0, epsilon, known, noise)
