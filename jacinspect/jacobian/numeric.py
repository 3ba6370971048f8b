"""The numeric Jacobian on a pattern: one seed per color, a first pass for all, a ladder for some. Next: agreement.

Nothing here knows the analytic derivative; a caller that does may only name entries that deserve a second look.
"""

from collections.abc import Callable
from typing import Self

import numpy as np

from jacinspect.jacobian.blackbox import Array, blocks
from jacinspect.jacobian.breaks import PIECES, between_pieces
from jacinspect.jacobian.closeup import moves_as_claimed
from jacinspect.jacobian.coloring import by_color
from jacinspect.jacobian.columns import Columns
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.differences import (
    CLOSE,
    MANY,
    TYPICAL,
    WIDE,
    FirstPass,
    Kind,
    Stencil,
    first_pass,
    is_single,
    last_step,
    precision,
    short_pass,
    step_scale,
)
from jacinspect.jacobian.ladder import LADDER_CALLS, Doubts, Estimate, ladder
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.neighbourhood import Neighbourhood
from jacinspect.jacobian.seeds import colors_of
from jacinspect.records import dataclass, replace

__all__ = ["FLOOR", "NO_KINKS", "FirstLook", "Kinks", "Numeric", "first_look", "numeric_jacobian"]


# Noise moves a slope by noise / step, and the first pass's steps are up to about so many times longer than those that
# a ladder settles on: a bar that is sharper by more than that is not explained by its longer steps.
_LONGER = 256
_LOST = 2.0**-20  # of a slope whose sides close in: with a bar above it, f has lost digits
_NEARLY = 0.125  # of a bar that is too wide to judge by: longer or shorter steps may do better
_FAINT_KINK = 2.0**-12  # of its slopes: 3e-5 as measured on solve_ivp by BDF, at 1e-3
_LENIENT = 64  # times wider a bar of three values may be: it allows for leaps of derivatives that few functions have
_ASKED = 4  # colors of which it is asked whether f is smooth in pieces: 195 calls each, and all outputs at once
FLOOR = 8  # roundings that a difference may be off by, as in a stencil's own rounding floor: two values, four each


@dataclass(frozen=True, eq=False)
class _Listed(Columns):
    """Some of the stored entries, ascending, and what is known of each."""

    entries: Array

    def within(self, block: slice) -> slice:
        """Return the places, among these, of the entries that lie in a block of the stored ones."""
        first, last = np.searchsorted(self.entries, [block.start, block.stop])
        return slice(int(first), int(last))

    @classmethod
    def ascending(cls, parts: list[Self]) -> Self:
        """Put what is listed of all colors together, by entry."""
        whole = cls.joined(parts)
        return whole.subset(np.argsort(whole.entries))


@dataclass(frozen=True, eq=False)
class Kinks(_Listed):
    """The stored entries on a kink or a jump, and the slopes to the left and to the right of each."""

    left: Array
    right: Array

    @property
    def low(self) -> Array:
        """The smaller of the two slopes."""
        return np.minimum(self.left, self.right)

    @property
    def high(self) -> Array:
        """The larger of the two slopes."""
        return np.maximum(self.left, self.right)

    def slopes(self, entry: int) -> tuple[float, float]:
        """Return the slopes to the left and to the right of a stored entry that is one of these."""
        place = int(np.searchsorted(self.entries, entry))
        return float(self.left[place]), float(self.right[place])

    @classmethod
    def of(cls, entries: Array, estimate: Estimate) -> Self:
        """Return those of some entries that an estimate finds on a kink or a jump."""
        on = (estimate.kind == Kind.JUMP) | (estimate.kind == Kind.KINK)
        return cls(entries[on], estimate.left[on], estimate.right[on])


@dataclass(frozen=True, eq=False)
class Stairs(_Listed):
    """The stored entries around which f moves in steps: how high the steps are, and what each scale says.

    An entry's own value is that over many steps where `over_many`, and else the slope between two; `other` ± `bar` is
    that of the other scale.
    """

    height: Array
    other: Array
    bar: Array
    over_many: Array

    @classmethod
    def of(cls, entries: Array, estimate: Estimate) -> Self:
        """Return those of some entries around which an estimate finds f to move in steps."""
        on = estimate.step > 0
        columns = (estimate.step, estimate.other, estimate.other_bar, estimate.over_many)
        return cls(entries[on], *(column[on] for column in columns))


Contradicts = Callable[[Array | slice, Array, Array], Array]  # of entries with values and bars: where they are denied
NO_KINKS = Kinks(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
NO_STAIRS = Stairs(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, bool))


@dataclass(frozen=True, eq=False)
class Numeric:
    """A Jacobian by differences: for each stored entry its error bar and its kind.

    `size` is that of the output near x per unit of the input, against which a bar is wide or not; `epsilon` is the
    relative noise of f's values.
    """

    jacobian: Jacobian
    bar: Array
    kind: Array
    size: Magnitudes
    epsilon: float
    kinks: Kinks = NO_KINKS
    stairs: Stairs = NO_STAIRS


@dataclass(frozen=True, eq=False)
class FirstLook:
    """Every entry by the first pass alone: value and bar, on a pattern with a column coloring.

    `wide` is where the bar is too wide, `closing` where the one-sided slopes close in on each other; `size` as in
    `Numeric`.
    """

    near: Neighbourhood
    colors: Array
    number: int
    jacobian: Jacobian
    bar: Array
    wide: Array
    closing: Array
    size: Magnitudes

    def finite(self, block: slice) -> Array:
        """Return where x and f are finite, of a block of the entries: elsewhere there is no derivative to be found."""
        pattern, near = self.jacobian.pattern, self.near
        known = np.isfinite(near.box.y0[pattern.rows[block]])
        return np.asarray(known & np.isfinite(near.x.reshape(-1)[pattern.indices[block]]))


@np.errstate(all="ignore")
def first_look(
    near: Neighbourhood, pattern: Pattern, colors: Array, number: int, contradicts: Contradicts | None = None
) -> FirstLook:
    """Difference f along one seed per color, of a column coloring of the pattern with so many colors.

    Of many colors three values each are enough, except where an entry's bar is wide, or somebody `contradicts` what
    they show.
    """
    if number == 1:
        first = first_pass(near.of_color(next(colors_of(pattern, colors, number))))
        return _judged(near, pattern, colors, number, first)
    order, bounds = by_color(colors[pattern.indices], number)
    if number <= MANY or near.sharp or is_single(near.epsilon):
        first = first_pass(near.of_entries(pattern, colors, order, bounds)).put_back(order)
        return _judged(near, pattern, colors, number, first)
    first = short_pass(near.of_entries(pattern, colors, order, bounds)).put_back(order)
    look = _judged(near, pattern, colors, number, first)
    assert first.trusted is not None
    again = look.wide | _refuted(look.jacobian, first.trusted[:] + TYPICAL * (look.bar - first.bar), contradicts)
    chosen = order[again[order]]
    if not chosen.size:
        return look
    bounds = np.searchsorted(colors[pattern.indices[chosen]], np.arange(number + 1))
    first.replace(chosen, first_pass(near.of_entries(pattern, colors, chosen, bounds)))
    return _judged(near, pattern, colors, number, first)


def _judged(near: Neighbourhood, pattern: Pattern, colors: Array, number: int, first: FirstPass) -> FirstLook:
    """Add to the bars what the rounding of x does, and note where they are wide.

    What the rounding of an output depends on is known only when all its entries are there: Σ|x·∂A/∂x| over all that it
    reads, for a sum of large terms may be small. The bars and the slopes' gaps are judged with that.
    """
    jacobian, bar, size = Jacobian(pattern, first.value), np.empty(pattern.stored), Magnitudes(pattern.stored)
    wide, closing = np.zeros(pattern.stored, bool), np.zeros(pattern.stored, bool)
    last, tiny = last_step(near.epsilon), precision(near.epsilon).tiny
    step: float | Array = last
    lenient: float | Array = 1.0
    for rows in pattern.bands:
        band = near.band(jacobian, rows)
        entries = band.entries
        if first.trusted is not None:
            three = first.trusted[entries] > 0
            step, lenient = np.where(three, CLOSE, last), np.where(three, _LENIENT, 1)
        rough = band.is_wide(first.bar[entries] / lenient)
        floor = FLOOR * near.x_epsilon * band.others(rough) / (2 * step * band.unit)
        bar[entries] = first.bar[entries] + floor
        closing[entries] = first.excess[entries] <= 2 * floor
        rough |= band.is_wide(bar[entries] / lenient)
        # Of f itself no more counts than 1 per unit of x: 1e12 + sin x has a slope of 1, whatever is added.
        own = np.maximum(np.maximum(first.size[entries], np.minimum(band.size, 1)), band.largest(rough))
        large = np.maximum(np.abs(band.value), own)
        wide[entries] = rough | ~(bar[entries] <= np.maximum(_NEARLY * WIDE * large, tiny))
        size[entries] = own
    return FirstLook(near, colors, number, jacobian, bar, wide, closing, size)


@np.errstate(all="ignore")
def numeric_jacobian(first: FirstLook, calls: int, contradicts: Contradicts | None = None) -> Numeric:
    """Look at the doubtful entries again, at ever smaller steps, while there are `calls` of f left.

    Doubtful are entries with a wide bar, those with one-sided slopes that stay apart, and those whose value and bar
    somebody `contradicts`. Those that the calls do not suffice for keep their value and bar, and are UNRESOLVED. Where
    x or f is not finite, there is no derivative to look for.
    """
    near, pattern = first.near, first.jacobian.pattern
    credible = first.closing & ~_refuted(first.jacobian, first.bar, contradicts)
    again = first.wide | ~credible
    kind = np.zeros(pattern.stored, np.int8)  # SMOOTH
    for block in blocks(again.size):
        finite = first.finite(block)
        again[block] &= finite
        kind[block][~finite] = Kind.NONFINITE
    if not again.any():
        return Numeric(first.jacobian, first.bar, kind, first.size, near.epsilon)
    value, bar, size = first.jacobian.data.copy(), first.bar.copy(), first.size.copy()
    end = near.box.evaluations + calls
    rounding = near.rounding(first.jacobian, first.bar)
    kinks, stairs = [NO_KINKS], [NO_STAIRS]
    for color in colors_of(pattern, first.colors, first.number):
        chosen = np.flatnonzero(again[color.entries])
        if not chosen.size:
            continue
        entries = chosen if isinstance(color.entries, slice) else color.entries[chosen]
        if near.box.evaluations + LADDER_CALLS > end:
            kind[entries] = Kind.UNRESOLVED
            continue
        stencil = near.of_color(color, rounding).subset(chosen)
        lost = (first.closing & first.wide)[entries] & (bar[entries] > _LOST * np.abs(value[entries]))
        lost |= near.box.whole
        estimate = ladder(stencil, _doubts(lost, entries, contradicts))
        size[entries] = np.maximum(size[entries], estimate.reached)
        better = ~_sharper(value[entries], bar[entries], credible[entries], estimate)
        if not better.all():
            entries, estimate = entries[better], estimate.subset(better)
        if contradicts is not None:
            estimate = _without_means(stencil.subset(np.flatnonzero(better)), entries, estimate, contradicts)
        value[entries], bar[entries], kind[entries] = estimate.value, estimate.bar, estimate.kind
        kinks.append(Kinks.of(entries, estimate))
        stairs.append(Stairs.of(entries, estimate))
    jacobian = Jacobian(pattern, value)
    _add_rows(size, near, jacobian, bar)
    numeric = Numeric(jacobian, bar, kind, size, near.epsilon, Kinks.ascending(kinks), Stairs.ascending(stairs))
    refuted = np.flatnonzero(_refuted(jacobian, bar, contradicts))
    if contradicts is None or not refuted.size:
        return numeric
    return replace(numeric, stairs=_in_pieces(first, numeric, refuted, contradicts))


def _without_means(stencil: Stencil, entries: Array, estimate: Estimate, contradicts: Contradicts) -> Estimate:
    """Leave unresolved what is a mean slope alone, as of a fast wave, where f moves as claimed close to x."""
    kink = estimate.kind == Kind.KINK
    gap = np.where(kink, np.abs(estimate.right - estimate.left), 0)
    refuted = (kink | (estimate.kind == Kind.SMOOTH)) & contradicts(entries, estimate.value, estimate.bar + gap / 2)
    refuted &= ~(estimate.step > 0) | contradicts(entries, estimate.other, estimate.other_bar)
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


def _refuted(jacobian: Jacobian, bar: Array, contradicts: Contradicts | None) -> Array:
    """Return where somebody contradicts the entries."""
    refuted = np.zeros(bar.size, bool)
    if contradicts is not None:
        for block in blocks(bar.size):
            refuted[block] = contradicts(block, jacobian.data[block], bar[block])
    return refuted


def _add_rows(size: Magnitudes, near: Neighbourhood, jacobian: Jacobian, bar: Array) -> None:
    """Raise the sizes of entries to the largest entry of their row, now that ladders have found it."""
    for rows in jacobian.pattern.bands:
        band = near.band(jacobian, rows)
        wide = ~(bar[band.entries] <= WIDE * np.abs(band.value))
        size[band.entries] = np.maximum(size[band.entries], band.largest(wide))


def _in_pieces(first: FirstLook, numeric: Numeric, refuted: Array, contradicts: Contradicts) -> Stairs:
    """Add what is left open where claims are off by a little, and f is smooth in pieces: see breaks.

    A few colors are asked, and what the pieces of outputs differ by holds for all entries of outputs that have pieces.
    """
    known, kinks = numeric.stairs, numeric.kinks
    with np.errstate(all="ignore"):  # a kink of f's own is larger than one between the pieces of a solver's result
        faint = kinks.high - kinks.low <= _FAINT_KINK * np.maximum(np.abs(kinks.low), np.abs(kinks.high))
    pieces = (numeric.kind[refuted] == Kind.SMOOTH) | np.isin(refuted, kinks.entries[faint])
    refuted = refuted[pieces]
    value, bar, large = numeric.jacobian.data[refuted], numeric.bar[refuted], _largest_of_row(first.near, numeric)
    near = contradicts(refuted, value, bar) & ~contradicts(refuted, value, bar + PIECES * large[refuted])
    chosen, outputs = np.zeros(numeric.bar.size, bool), numeric.jacobian.pattern.rows
    chosen[refuted[near]] = True  # those that are excused already as well: the work of f may depend on all its inputs
    on = np.flatnonzero(np.isin(refuted, known.entries))
    places = np.searchsorted(known.entries, refuted[on])
    near[on] &= contradicts(refuted[on], known.other[places], known.bar[places])
    if not near.any():
        return known
    indices, asked = numeric.jacobian.pattern.indices, 0
    off, height = np.zeros(first.near.x.size), np.zeros(first.near.box.y0.size)
    for color in colors_of(numeric.jacobian.pattern, first.colors, first.number):
        here = np.flatnonzero(chosen[color.entries])
        if here.size and asked < _ASKED:
            entries = here if isinstance(color.entries, slice) else color.entries[here]
            value, asked = numeric.jacobian.data[entries], asked + 1
            kinks_here = numeric.kind[entries] == Kind.KINK
            change, leap = between_pieces(first.near.of_color(color).subset(here), value, large[entries], kinks_here)
            with np.errstate(all="ignore"):
                np.fmax.at(off, indices[entries], change / large[entries])
            np.maximum.at(height, outputs[entries], leap)
    # Outputs that read an input share the work of f, and are off by parts of it, with or without a break in reach.
    share = np.zeros(height.size, bool)
    share[outputs[off[indices] > 0]] = True
    entries = refuted[near]
    entries = entries[share[outputs[entries]]]
    value, rows = numeric.jacobian.data[entries], outputs[entries]
    bar = numeric.bar[entries] + off.max() * large[entries]
    pieces = Stairs(entries, height[rows], value, bar, np.zeros(entries.size, bool))
    return Stairs.ascending([known.subset(~np.isin(known.entries, entries)), pieces])


def _largest_of_row(near: Neighbourhood, numeric: Numeric) -> Array:
    """Return the largest slope of each entry's output, per unit of the entry's input."""
    pattern, unit = numeric.jacobian.pattern, step_scale(near.x.reshape(-1))
    moved, largest = np.abs(numeric.jacobian.data) * unit[pattern.indices], np.zeros(pattern.shape[0])
    np.maximum.at(largest, pattern.rows, np.where(np.isfinite(moved), moved, 0))
    return np.asarray(largest[pattern.rows] / unit[pattern.indices])


def _doubts(lost: Array, entries: Array, contradicts: Contradicts | None) -> Doubts:
    if contradicts is None:
        return Doubts(lost)
    return Doubts(lost, lambda places, value, bar: contradicts(entries[places], value, bar))


def _sharper(value: Array, bar: Array, credible: Array, estimate: Estimate) -> Array:
    """Return where a first value that is borne out is the sharper of the two: what is noisy needs the longer steps."""
    sharper = credible & (bar < estimate.bar) & (estimate.bar < _LONGER * bar)
    sharper &= np.abs(value - estimate.value) <= estimate.bar
    return np.asarray(sharper & (estimate.kind == Kind.SMOOTH) & (estimate.step == 0))
