"""Does an output move in steps by most inputs? Then a slope between two of them may be none of f. Next: breaks.

Where a part of f is computed in single precision, an output moves by many a rounding at once, and some are so small
that among them longer steps than theirs seem to show a slope. By most inputs the large ones are seen.
"""

import numpy as np

from jacinspect.jacobian.colors.seeds import colors_of
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, refuted_by
from jacinspect.jacobian.values.ladder import ladder
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import replace

__all__ = ["with_shared_steps"]

_ENOUGH = 9  # entries of an output that are refuted: so many are none that steps hide
_ASKED = 16  # colors of which it is asked, a ladder each


def with_shared_steps(first: FirstLook, numeric: Numeric, contradicts: Contradicts) -> Numeric:
    """Look again at refuted entries of outputs that move in higher steps by most inputs: their height is noise."""
    pattern, stairs = numeric.jacobian.pattern, numeric.stairs
    if not stairs.entries.size:
        return numeric
    height = stairs.of_outputs(pattern.rows, pattern.shape[0])[pattern.rows]
    own = np.zeros(pattern.stored)
    own[stairs.entries] = stairs.height
    refuted = refuted_by(numeric.jacobian, numeric.bar, contradicts) & (numeric.kind == Kind.SMOOTH)
    number, stepped = (
        np.bincount(pattern.rows[which], minlength=pattern.shape[0]) for which in (refuted, stairs.entries)
    )
    refuted &= (own < height) & ((2 * stepped > pattern.lengths) & (number < _ENOUGH))[pattern.rows]
    if not refuted.any():
        return numeric
    value, bar, kind, found, asked = numeric.jacobian.data.copy(), numeric.bar.copy(), numeric.kind.copy(), [stairs], 0
    rounding = first.near.rounding(numeric.jacobian, numeric.bar)
    for color in colors_of(pattern, first.colors, first.number):
        here = np.flatnonzero(refuted[color.entries])
        if here.size and asked < _ASKED:
            entries, asked = here if isinstance(color.entries, slice) else color.entries[here], asked + 1
            stencil = first.near.of_color(color, rounding).subset(here)
            estimate = ladder(stencil, Doubts(contradicts).subset(entries), height[entries])
            entries, estimate = entries[estimate.step > 0], estimate.subset(estimate.step > 0)
            value[entries], bar[entries], kind[entries] = estimate.value, estimate.bar, estimate.kind
            found = [found[0].subset(~np.isin(found[0].entries, entries)), *found[1:], Stairs.of(entries, estimate)]
    return replace(numeric, jacobian=Jacobian(pattern, value), bar=bar, kind=kind, stairs=Stairs.ascending(found))
