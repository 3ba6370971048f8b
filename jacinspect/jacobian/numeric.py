"""The numeric Jacobian on a pattern: a seed a color, a first pass for all, a ladder for some. Next: agreement.

Nothing here knows the analytic rule; whoever does may only point at entries that deserve a second look.
"""

from dataclasses import dataclass

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Color, Jacobian, Pattern, colors_of
from jacinspect.jacobian.differences import Estimate, Kind, Stencil, first_pass, ladder, step_scale

__all__ = ["Numeric", "numeric_jacobian", "refine"]


_LONGER = 256  # times longer steps than the ladder's account for so many times sharper bars, and not for more


@dataclass(eq=False)
class Numeric:
    """A Jacobian by differences: for each stored entry its error bar, its kind, and whether it is still doubtful.

    `epsilon` is the relative noise of f's values.
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
    kinks: dict[int, tuple[float, float]]


def numeric_jacobian(box: BlackBox, x: Array, pattern: Pattern, colors: Array, number: int, epsilon: float) -> Numeric:
    """Difference f along one seed a color; `epsilon` is the relative noise of f's values."""
    stored = pattern.stored
    data, bar, size = np.zeros(stored), np.zeros(stored), np.zeros(stored)
    doubtful, credible = np.zeros(stored, bool), np.zeros(stored, bool)
    for color in colors_of(pattern, colors, number):
        first = first_pass(_stencil(box, x, color, epsilon))
        data[color.entries], bar[color.entries], size[color.entries] = first.value, first.bar, first.size
        doubtful[color.entries], credible[color.entries] = first.doubtful(epsilon), first.closing
    return Numeric(Jacobian(pattern, data), bar, np.zeros(stored, np.int8), doubtful, credible, size, epsilon, {})


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
        _put(numeric, entries, ladder(_stencil(box, x, color, epsilon).subset(again)))


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


def _stencil(box: BlackBox, x: Array, color: Color, epsilon: float) -> Stencil:
    seed = np.where(color.seed, step_scale(x), 0).astype(x.dtype)
    return Stencil(box, x, seed, color.outputs, color.inputs, box.y0[color.outputs], epsilon)
