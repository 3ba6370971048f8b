"""Entries of outputs that move in steps by most of their inputs. Next: breaks.

Where a part of f is computed in single precision, an output moves by roundings of many heights. A slope between two of
the high ones may be none of f, even where low ones alone were seen; by most inputs the high ones are seen.
"""

from itertools import islice

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, refuted_by
from jacinspect.jacobian.values.ladder import ladder
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import replace

__all__ = ["with_shared_steps"]

_MANY_REFUTED = 9  # entries of an output: so many are an error of the claim, and a few may be hidden by steps
_MOST_COLORS = 16  # that are looked at again, by a ladder each: as measured, a few entries in hundreds are hidden


def with_shared_steps(first: FirstLook, numeric: Numeric, contradicts: Contradicts) -> Numeric:
    """Look again at refuted entries of outputs that move in higher steps by most inputs: their height is noise."""
    pattern, stairs = numeric.jacobian.pattern, numeric.stairs
    if not stairs.entries.size:
        return numeric
    height = stairs.of_outputs(pattern.rows, pattern.shape[0])[pattern.rows]
    doubtful = _doubtful(numeric, height, contradicts)
    if not doubtful.any():
        return numeric
    value, bar, kind = numeric.jacobian.data.copy(), numeric.bar.copy(), numeric.kind.copy()
    rounding = first.near.rounding(numeric.jacobian, numeric.bar)
    for entries, stencil in islice(first.stencils(doubtful, rounding), _MOST_COLORS):
        estimate = ladder(stencil, Doubts(contradicts).subset(entries), height[entries])
        on, estimate = entries[estimate.step > 0], estimate.subset(estimate.step > 0)
        value[on], bar[on], kind[on] = estimate.value, estimate.bar, estimate.kind
        others = stairs.subset(~np.isin(stairs.entries, on))
        stairs = Stairs.ascending([others, Stairs.of(on, estimate)])
    return replace(numeric, jacobian=Jacobian(pattern, value), bar=bar, kind=kind, stairs=stairs)


def _doubtful(numeric: Numeric, height: Array, contradicts: Contradicts) -> Array:
    """Return which entries are refuted by slopes beside lower steps, or none, than their output's `height`."""
    pattern, stairs = numeric.jacobian.pattern, numeric.stairs
    own = np.zeros(pattern.stored)
    own[stairs.entries] = stairs.height
    refuted = refuted_by(numeric.jacobian, numeric.bar, contradicts) & (numeric.kind == Kind.SMOOTH)
    number, stepped = (
        np.bincount(pattern.rows[which], minlength=pattern.shape[0]) for which in (refuted, stairs.entries)
    )
    by_most = (2 * stepped > pattern.lengths) & (number < _MANY_REFUTED)
    return np.asarray(refuted & (own < height) & by_most[pattern.rows])
