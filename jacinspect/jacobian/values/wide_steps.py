"""Entries at which f stands still, while it moves in steps that are wider than the unit of x, as round(x) does.

Between two steps the derivative is 0, and a claim of another is that of a straight-through rule: the slope over many of
them (Bengio, Léonard & Courville 2013). It is no error, unless that slope is known to be another. Next: breaks.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.values.averages import averaged_slopes
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, refuted_by
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.stencil import Stencil, step_scale
from jacinspect.records import dataclass, replace

__all__ = ["WideSteps", "with_wide_steps"]

_POINTS = 12  # at each of which f is called twice
_REACHES = (1.0, 4.0, 64.0)  # units of x to either side of X: several steps of a quantiser, of a wide one too
_NEAR = 2.0**-16  # of a unit of x: a step this close to a point is rare, and what is smooth moves, in float32 as well
_FEWEST = 4  # values of an output: one with a jump, flat on both sides, has two, and a third where it leaps


@dataclass(frozen=True, eq=False)
class WideSteps:
    """Steps in which f moves, flat around nearly all points: within how many units of x, and how high by each output.

    An output that takes one value alone has steps as high as the highest of all.
    """

    reach: float
    height: Array

    @classmethod
    @np.errstate(over="ignore")  # where x is close to the largest number
    def of(cls, box: BlackBox, x: Array) -> "WideSteps | None":
        """Look for them around x; None where f is not flat, or most of its outputs take few values."""
        rng, unit = np.random.default_rng(0), step_scale(x)
        aside = _NEAR * unit * rng.uniform(0.5, 1, x.shape)  # of each by its own, for a shift of all may not move f
        for reach in _REACHES:
            far = [x + unit * (reach * rng.uniform(-1, 1, x.shape)) for _ in range(_POINTS)]
            values = np.array([*box.many_where_defined(np.array(point, x.dtype) for point in far)])
            beside = np.array([*box.many_where_defined(np.array(point + aside, x.dtype) for point in far)])
            if not (same(values, beside).mean(axis=0) > 1 - 2 / _POINTS).all():
                return None
            several = np.array([np.unique(column).size for column in values.T]) >= _FEWEST
            if 2 * np.count_nonzero(several) >= several.size:
                rises = np.diff(np.sort(values, axis=0), axis=0)
                lowest = np.where(rises > 0, rises, np.inf).min(axis=0)
                highest = np.max(lowest, initial=0, where=np.isfinite(lowest))
                return cls(reach, np.where(np.isfinite(lowest), lowest, highest))
        return None


def with_wide_steps(first: FirstLook, numeric: Numeric, contradicts: Contradicts) -> Numeric:
    """Add what steps beyond the unit of x show of refuted entries, where f stands still around nearly all points."""
    pattern, stairs, near = numeric.jacobian.pattern, numeric.stairs, first.near
    refuted = refuted_by(numeric.jacobian, numeric.bar, contradicts) & (numeric.jacobian.data == 0)
    steps = WideSteps.of(near.box, near.x) if refuted.any() else None
    if steps is None:
        return numeric
    refuted[stairs.entries[stairs.other != 0]] = False  # those were followed over many steps
    found = [stairs.subset(~refuted[stairs.entries])]
    unit = np.asarray(steps.reach * step_scale(near.x))
    for entries, stencil in first.stencils(refuted):
        found.append(_over_many(stencil.scaled(unit), entries, steps.height[pattern.rows[entries]]))
    return replace(numeric, stairs=Stairs.ascending(found), stands_still=True)


@np.errstate(all="ignore")
def _over_many(stencil: Stencil, entries: Array, height: Array) -> Stairs:
    """Return the slope over many steps of some height, in units of the stencil, of entries that have one.

    Where it is not known, and f rises or falls throughout or takes two steps at most, it is that from end to end, and
    may be off by all that f moves by, and one step more. A table whose values are in no order has none.
    """
    value, bar = averaged_slopes(stencil, 0.0)
    low, high, units = stencil.step(-1.0), stencil.step(1.0), stencil.units()
    rises = np.diff([low, stencil.step(-0.5), stencil.y0, stencil.step(0.5), high], axis=0)
    in_order = (rises >= 0).all(axis=0) | (rises <= 0).all(axis=0) | (np.abs(rises).max(axis=0) <= 2 * height)
    moved = np.fmax(np.abs(low - stencil.y0), np.abs(high - stencil.y0))
    widest = np.nan_to_num((moved + height) / np.abs(units), nan=np.inf)
    known, secant = bar < widest, np.nan_to_num((high - low) / 2 / units)
    found = Stairs(
        entries, height, np.where(known, value, secant), np.where(known, bar, widest), np.zeros(entries.size, bool)
    )
    return found.subset(known | in_order)
