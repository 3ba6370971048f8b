"""Entries at which f stands still, while it moves in steps that are wider than the unit of x, as round(x) does.

Between two steps the derivative is 0, and a claim of another is that of a straight-through rule: the slope over many of
them (Bengio, Léonard & Courville 2013). It is no error, unless that slope is known to be another. Next: breaks.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.colors.seeds import colors_of
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.values.averages import averaged_slopes
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, refuted_by
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import NO_STAIRS, Stairs
from jacinspect.jacobian.values.stairs import SIDE, Places
from jacinspect.jacobian.values.stencil import LAST, Kind, Stencil, finite, step_scale
from jacinspect.records import replace

__all__ = ["reach_of_steps", "with_wide_steps"]

_POINTS = 12  # at each of which f is called twice
_REACHES = (1.0, 4.0, 64.0)  # units of x to either side of X: several steps of a quantiser, of a wide one too
_NEAR = 2.0**-30  # of a unit of x: a step this close to a point is rare, a smooth function moves by some bits
_FEWEST = 4  # values of an output: one with a jump, flat on both sides, has two, and a third where it leaps
_MOST_COLORS = 16  # that are followed over many steps, by some 250 calls each
_ROUNDING = 16 * LAST  # of f's values, which are no steps


def with_wide_steps(first: FirstLook, numeric: Numeric, contradicts: Contradicts) -> Numeric:
    """Add what steps beyond the unit of x show of refuted entries, where f stands still around nearly all points."""
    pattern, stairs = numeric.jacobian.pattern, numeric.stairs
    refuted = refuted_by(numeric.jacobian, numeric.bar, contradicts)
    refuted &= (numeric.jacobian.data == 0) & (numeric.kind == Kind.SMOOTH)
    reach = reach_of_steps(first.near.box, first.near.x) if refuted.any() else None
    if reach is None:
        return numeric
    refuted[stairs.entries[stairs.over_many | (stairs.other != 0)]] = False  # those were followed over many steps
    found = [NO_STAIRS]
    unit = np.asarray(reach * step_scale(first.near.x))
    for color in colors_of(pattern, first.colors, first.number):
        here = np.flatnonzero(refuted[color.entries])
        if here.size and len(found) <= _MOST_COLORS:
            entries = here if isinstance(color.entries, slice) else color.entries[here]
            found.append(_over_many(first.near.of_color(color).subset(here).scaled(unit), entries))
    others = stairs.subset(~refuted[stairs.entries])
    wide = _with_heights(Stairs.ascending(found), others, pattern, unit)
    return replace(numeric, stairs=Stairs.ascending([others, wide]), stands_still=True)


@np.errstate(over="ignore")  # where x is close to the largest number
def reach_of_steps(box: BlackBox, x: Array) -> float | None:
    """Return within how many units of x f takes several values in most outputs, and is flat around nearly all points.

    None where it is not flat, or takes few values.
    """
    rng, unit = np.random.default_rng(0), step_scale(x)
    for reach in _REACHES:
        far = [x + unit * (reach * rng.uniform(-1, 1, x.shape)) for _ in range(_POINTS)]
        values = np.array([*box.many_where_defined(np.array(point, x.dtype) for point in far)])
        beside = np.array([*box.many_where_defined(np.array(point + _NEAR * unit, x.dtype) for point in far)])
        if not (same(values, beside).mean(axis=0) > 1 - 2 / _POINTS).all():
            return None
        several = np.array([np.unique(column).size for column in values.T]) >= _FEWEST
        if 2 * np.count_nonzero(several) >= several.size:
            return reach
    return None


@np.errstate(all="ignore")
def _over_many(stencil: Stencil, entries: Array) -> Stairs:
    """Follow f over many steps, in units of the stencil: how high they are, 0 if there are none, and the slope.

    Where that is not known, it is that from end to end, and may be off by all that f moves by; and 0 of one step.
    """
    y = Places.at(stencil, np.full(entries.size, 1 / SIDE)).y
    low, high = np.fmin.reduce(y, axis=0), np.fmax.reduce(y, axis=0)
    rises = np.diff(np.sort(y, axis=0), axis=0)
    height = finite(np.where(rises > _ROUNDING * np.maximum(np.abs(low), np.abs(high)), rises, np.inf).min(axis=0))
    value, bar = averaged_slopes(stencil, 0.0)
    moved, secant = (high - low) / np.abs(stencil.units()), (y[-1] - y[0]) / 2 / stencil.units()
    known, several = bar < moved, high - low >= 2 * height
    value = np.select([known, several & np.isfinite(secant)], [value, secant], 0.0)
    return Stairs(entries, height, value, np.where(known, bar, moved), np.zeros(entries.size, bool))


def _with_heights(wide: Stairs, others: Stairs, pattern: Pattern, unit: Array) -> Stairs:
    """Return wide steps, those of no height as high as their output's by other inputs, or else as the highest of all.

    One more of them may hide a slope over less than two.
    """
    seen = Stairs.ascending([others, wide])
    by_others = seen.of_outputs(pattern.rows, pattern.shape[0])[pattern.rows[wide.entries]]
    highest = np.where(by_others > 0, by_others, np.max(seen.height, initial=0))
    height = np.where(wide.height > 0, wide.height, highest)
    one_more = np.where(wide.other == 0, height / unit.reshape(-1)[pattern.indices[wide.entries]], 0)
    return replace(wide, height=height, bar=wide.bar + one_more)
