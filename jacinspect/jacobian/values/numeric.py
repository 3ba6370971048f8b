"""The numeric Jacobian on a pattern: one seed per color, a first pass for all, a ladder for some. Next: breaks.

Nothing here knows the analytic derivative; a caller that does may only name entries that deserve a second look.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.colors.seeds import colors_of
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.closeup import moves_as_claimed
from jacinspect.jacobian.values.differences import WIDE
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, refuted_by
from jacinspect.jacobian.values.ladder import LADDER_CALLS, SMALL, ladder
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.rough import NO_KINKS, NO_STAIRS, Kinks, Stairs
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.stencil import Kind, Stencil, faintest, own_scale, step_scale
from jacinspect.records import dataclass, replace

__all__ = ["PIECES", "Numeric", "largest_of_row", "numeric_jacobian"]

# Noise moves a slope by noise / step, and the first pass's steps are up to about so many times longer than those that
# a ladder settles on: a bar that is sharper by more than that is not explained by its longer steps.
_LONGER = 256
_LAST_BITS, _FEW = 2.0**10, 2**6  # of 1; as many entries as are looked at again for it, where nobody claims anything
PIECES = 1 / 16  # of an output's largest slope, that slopes may be off at most as f is smooth in pieces, see breaks
_ENOUGH = 9  # entries of an output off at a second look, or 3 by more than PIECES: of others, the first is believed


@dataclass(frozen=True, eq=False)
class Numeric:
    """A Jacobian by differences: for each stored entry its error bar and its kind.

    `size` is that of the output near x per unit of the input, against which a bar is wide or not; `epsilon` is the
    relative noise of f's values, and `terms` the size of the terms that a claim in half precision is made of.
    `stands_still` is whether f was seen to do so around nearly all points, as a quantiser does.
    """

    jacobian: Jacobian
    bar: Array
    kind: Array
    size: Magnitudes
    epsilon: float
    kinks: Kinks = NO_KINKS
    stairs: Stairs = NO_STAIRS
    terms: float = 1.0
    stands_still: bool = False


@np.errstate(all="ignore")
def numeric_jacobian(first: FirstLook, calls: int, contradicts: Contradicts | None = None) -> Numeric:
    """Look at the doubtful entries again, at ever smaller steps, while there are `calls` of f left.

    Doubtful are entries with a wide bar, those with one-sided slopes that stay apart, and those whose value and bar
    somebody `contradicts`. Those that the calls do not suffice for keep their value and bar, and are UNRESOLVED. Where
    x or f is not finite, there is no derivative to look for.
    """
    near, pattern = first.near, first.jacobian.pattern
    credible = first.closing & ~refuted_by(first.jacobian, first.bar, contradicts)
    again = first.wide | ~credible
    faint = _faint(first) if contradicts is None and first.number == 1 else np.zeros(pattern.stored, bool)
    again |= faint
    kind = np.zeros(pattern.stored, np.int8)  # SMOOTH
    for block in blocks(again.size):
        finite = first.finite(block)
        again[block] &= finite
        kind[block][~finite] = Kind.NONFINITE
    if not again.any():
        return Numeric(first.jacobian, first.bar, kind, first.size, near.epsilon, terms=near.terms)
    value, bar, size = first.jacobian.data.copy(), first.bar.copy(), first.size.copy()
    end = near.box.evaluations + calls
    rounding = near.rounding(first.jacobian, first.bar)
    kinks, stairs = [NO_KINKS], [NO_STAIRS]
    large = cache(lambda: largest_of_row(near, first.jacobian))
    refuted = np.zeros(pattern.shape[0], np.int64)  # entries of each output that are off at a second look
    for color in colors_of(pattern, first.colors, first.number):
        chosen = np.flatnonzero(again[color.entries])
        entries = chosen if isinstance(color.entries, slice) else color.entries[chosen]
        left = np.flatnonzero((refuted[pattern.rows[entries]] < _ENOUGH) | (first.wide | ~first.closing)[entries])
        chosen, entries = chosen[left], entries[left]
        if not chosen.size:
            continue
        if near.box.evaluations + LADDER_CALLS > end:
            kind[entries] = Kind.UNRESOLVED
            continue
        stencil = near.of_color(color, rounding).subset(chosen)
        doubts = Doubts(contradicts, all=bool(faint[entries].any())).subset(entries)
        estimate = ladder(stencil, doubts)
        size[entries] = np.maximum(size[entries], estimate.reached)
        better = ~_sharper(value[entries], bar[entries], credible[entries], estimate)
        if not better.all():
            entries, estimate = entries[better], estimate.subset(better)
        if contradicts is not None:
            estimate = _without_means(stencil.subset(np.flatnonzero(better)), entries, estimate, contradicts)
            # Where f stands still, a fainter claim would not show, and is not refuted.
            shown = replace(estimate, bar=estimate.bar + np.where(estimate.value, 0, faintest(near.box.y0)))
            np.add.at(refuted, pattern.rows[entries], _times_refuted(entries, shown, large, contradicts))
        value[entries], bar[entries], kind[entries] = estimate.value, estimate.bar, estimate.kind
        kinks.append(Kinks.of(entries, estimate))
        stairs.append(Stairs.of(entries, estimate))
    jacobian = Jacobian(pattern, value)
    _add_rows(size, near, jacobian, bar)
    moving = Stairs.ascending(stairs)
    steps = Stairs.ascending([moving, _within_a_step(moving, near, jacobian, kind)])
    return Numeric(jacobian, bar, kind, size, near.epsilon, Kinks.ascending(kinks), steps, near.terms)


def _faint(first: FirstLook) -> Array:
    """Return where f is as small as last bits of 1, as what is left of larger terms may be; nowhere if it often is."""
    near, rows = first.near, first.jacobian.pattern.rows
    faint = np.empty(rows.size, bool)
    for block in blocks(faint.size):
        faint[block] = np.abs(near.box.y0[rows[block]]) <= _LAST_BITS * near.epsilon
    return faint & (np.count_nonzero(faint) <= _FEW)


def _times_refuted(entries: Array, estimate: Estimate, large: Callable[[], Array], contradicts: Contradicts) -> Array:
    """Return for how many each entry counts whose claim is refuted: 3 where no pieces of a result would explain it."""
    smooth = (estimate.kind == Kind.SMOOTH) & (estimate.step == 0)
    refuted = smooth & contradicts(entries, estimate.value, estimate.bar)
    if not refuted.any():
        return np.zeros(entries.size, np.int64)
    clearly = refuted & contradicts(entries, estimate.value, estimate.bar + PIECES * large()[entries])
    return np.asarray(refuted + 2 * clearly)


@np.errstate(all="ignore")  # where x is not finite
def largest_of_row(near: Neighbourhood, jacobian: Jacobian) -> Array:
    """Return the largest slope of each entry's output, per unit of the entry's input.

    A small x is a unit of its own as well, and the less of the two slopes counts: of inputs of 1e-12 and 1e-6, that by
    the first is a million times as large, and says nothing of that by the second.
    """
    pattern, x = jacobian.pattern, near.x.reshape(-1)
    found = np.full(pattern.stored, np.inf)
    for unit in (step_scale(x), np.where(np.abs(x) < SMALL, own_scale(x), step_scale(x))):
        moved, largest = np.abs(jacobian.data) * unit[pattern.indices], np.zeros(pattern.shape[0])
        np.maximum.at(largest, pattern.rows, np.where(np.isfinite(moved), moved, 0))
        found = np.minimum(found, largest[pattern.rows] / unit[pattern.indices])
    return found


def _without_means(stencil: Stencil, entries: Array, estimate: Estimate, contradicts: Contradicts) -> Estimate:
    """Leave unresolved what is a mean slope alone, as of a fast wave, where f moves as claimed close to x."""
    kink = estimate.kind == Kind.KINK
    gap = np.where(kink, np.abs(estimate.right - estimate.left), 0)
    refuted = (kink | (estimate.kind == Kind.SMOOTH)) & contradicts(entries, estimate.value, estimate.bar + gap / 2)
    refuted &= contradicts(entries, estimate.other, estimate.other_bar)  # which are NaN where f moves in no steps
    accused = np.flatnonzero(refuted)
    if not accused.size:
        return estimate
    shown = (estimate.value[accused], estimate.bar[accused], gap[accused])
    means = moves_as_claimed(
        stencil.subset(accused), *shown, lambda places, *slope: contradicts(entries[accused[places]], *slope)
    )
    kind, step = estimate.kind.copy(), estimate.step.copy()
    kind[accused[means]], step[accused[means]] = Kind.UNRESOLVED, 0
    return replace(estimate, kind=kind, step=step)


def _add_rows(size: Magnitudes, near: Neighbourhood, jacobian: Jacobian, bar: Array) -> None:
    """Raise the sizes of entries to the largest entry of their row, now that ladders have found it."""
    for rows in jacobian.pattern.bands:
        band = near.band(jacobian, rows)
        wide = ~(bar[band.entries] <= WIDE * np.abs(band.value))
        size[band.entries] = np.maximum(size[band.entries], band.largest(wide))


def _within_a_step(stairs: Stairs, near: Neighbourhood, jacobian: Jacobian, kind: Array) -> Stairs:
    """Return the entries by which an output stands still that moves in steps by others: a slope may be hidden there.

    It is 0 as far as a unit of x moves the output by less than two steps: of two, one would be seen as one of several.
    """
    if not stairs.entries.size:
        return NO_STAIRS
    rows = jacobian.pattern.rows
    height = stairs.of_outputs(rows, jacobian.shape[0])
    still = (jacobian.data == 0) & (kind == Kind.SMOOTH) & (height[rows] > 0)
    still[stairs.entries] = False
    entries = np.flatnonzero(still)
    height, nothing = height[rows[entries]], np.zeros(entries.size)
    unit = step_scale(near.x.reshape(-1)[jacobian.indices[entries]])
    return Stairs(entries, height, nothing, 2 * height / unit, nothing > 0)


def _sharper(value: Array, bar: Array, credible: Array, estimate: Estimate) -> Array:
    """Return where a first value that is borne out is the sharper of the two: what is noisy needs the longer steps."""
    sharper = credible & (bar < estimate.bar) & (estimate.bar < _LONGER * bar)
    sharper &= np.abs(value - estimate.value) <= estimate.bar
    return np.asarray(sharper & (estimate.step == 0))
