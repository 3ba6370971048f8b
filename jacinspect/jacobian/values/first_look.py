"""Every entry of a Jacobian at first sight: one seed per color, three values or six each. Next: numeric."""

from collections.abc import Callable, Iterator

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.colors.coloring import by_color
from jacinspect.jacobian.colors.seeds import colors_of
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.differences import (
    CLOSE,
    FAINT,
    MANY,
    TYPICAL,
    WIDE,
    FirstPass,
    first_pass,
    last_step,
    short_pass,
)
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.stencil import Stencil, is_single, precision
from jacinspect.records import dataclass

__all__ = ["FLOOR", "Contradicts", "FirstLook", "first_look", "refuted_by"]

_NEARLY = 0.125  # of a bar that is too wide to judge by: longer or shorter steps may do better
_LENIENT = 64  # times wider a bar of three values may be: it allows for leaps of derivatives that few functions have
FLOOR = 8  # roundings that a difference may be off by, as in a stencil's own rounding floor: two values, four each
Contradicts = Callable[[Array | slice, Array, Array], Array]  # of entries with values and bars: where they are denied


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

    def stencils(self, chosen: Array, rounding: Magnitudes | None = None) -> Iterator[tuple[Array, Stencil]]:
        """Yield the chosen ones of the stored entries, color by color, and their stencil; no color without any.

        `rounding` is of each output, as of `Neighbourhood.rounding`.
        """
        for color in colors_of(self.jacobian.pattern, self.colors, self.number):
            here = np.flatnonzero(chosen[color.entries])
            if here.size:
                entries = here if isinstance(color.entries, slice) else color.entries[here]
                yield entries, self.near.of_color(color, rounding).subset(here)


@np.errstate(all="ignore")
def first_look(
    near: Neighbourhood, pattern: Pattern, colors: Array, number: int, contradicts: Contradicts | None = None
) -> FirstLook:
    """Difference f along one seed per color, of a column coloring of the pattern with so many colors.

    Of many colors three values each are enough, except where an entry's bar is wide, or somebody `contradicts` what
    they show.
    """
    if number == 1:  # whose entries need no order, which would take half as much memory again
        first = first_pass(near.of_color(next(colors_of(pattern, colors, number))))
        return _judged(near, pattern, colors, number, first)
    order, bounds = by_color(colors[pattern.indices], number)
    differences = first_pass if number <= MANY or near.sharp or is_single(near.epsilon) else short_pass
    first = differences(near.of_entries(pattern, colors, order, bounds)).put_back(order)
    look = _judged(near, pattern, colors, number, first)
    if first.trusted is None:
        return look
    again = look.wide | refuted_by(look.jacobian, first.trusted[:] + TYPICAL * (look.bar - first.bar), contradicts)
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
        # Of f itself no more counts than 1 per unit of x: 1e12 + sin x has a slope of 1, whatever is added. Of what is
        # scaled after half precision, it is no more than the scale.
        known = np.maximum(first.size[entries], np.minimum(band.size, near.terms))
        own = np.maximum(known, band.largest(rough))
        narrow = np.maximum(np.maximum(_NEARLY * WIDE * np.abs(band.value), FAINT * own), tiny)
        wide[entries] = rough | ~(bar[entries] <= narrow)
        size[entries] = own
    return FirstLook(near, colors, number, jacobian, bar, wide, closing, size)


def refuted_by(jacobian: Jacobian, bar: Array, contradicts: Contradicts | None) -> Array:
    """Return where somebody contradicts the entries."""
    refuted = np.zeros(bar.size, bool)
    if contradicts is not None:
        for block in blocks(bar.size):
            refuted[block] = contradicts(block, jacobian.data[block], bar[block])
    return refuted
