"""How high are the steps in which f moves around x, as its values at ever smaller steps show? Next: over_steps."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.slopes import Rungs
from jacinspect.jacobian.values.stairs import leaps_at_end, steps_beyond, steps_near

__all__ = ["rounding_of_x", "steps_around"]

_COARSEST = 2.0**-7  # of x, that it is rounded by, in bfloat16
_SHORT = 2.0**-7  # of a unit: a tread to both sides of x that ends in a leap on each is a tolerance, and no part of f


def steps_around(
    rungs: Rungs, entries: Array, estimate: Estimate, believed: Array, denied: Array
) -> tuple[Array, Array]:
    """Return how high the steps are in which f moves, of entries with an estimate each, and how far away one is.

    They are looked for around the step that is `believed`; there are none where f stands still around x, and bends at
    the end of that tread. Of a short tread whose slope is `denied`, the leaps at its ends are enough: so does f stand
    still around a point at which a solver stops at once.
    """
    ends = _treads(rungs.subset(entries))
    end, sign = ends.max(axis=0), np.where(ends[0] >= ends[1], -1, 1)
    flat = np.flatnonzero(end > 0)
    height, away, stencil = np.zeros(entries.size), np.ones(entries.size), rungs.stencil.subset(entries)
    leaps, within, beyond = np.ones(entries.size, bool), sign * rungs.steps[end], sign * rungs.steps[end - 1]
    if flat.size:
        leaps[flat], within[flat] = leaps_at_end(stencil.subset(flat), within[flat], beyond[flat])
    near = np.flatnonzero(leaps)
    if near.size:
        slopes = estimate.value[near], estimate.bar[near]
        height[near], away[near] = steps_near(stencil.subset(near), *slopes, believed[near])
    far = np.flatnonzero(leaps & (end > 0) & (height == 0))
    if far.size:
        height[far] = steps_beyond(stencil.subset(far), within[far], sign[far] * rungs.steps[0])
        away[far] = np.abs(within[far] * stencil.units()[far])
    reach = rungs.steps[ends].max(axis=0)
    short = (reach <= _SHORT) & (believed <= reach)
    alone = np.flatnonzero(leaps & short & (height == 0) & denied)
    if alone.size:
        other, near_end, alike = -sign[alone], ends.min(axis=0)[alone], stencil.subset(alone)
        leap, end = leaps_at_end(alike, other * rungs.steps[near_end], other * rungs.steps[near_end - 1])
        height[alone] = np.where(leap, np.abs(alike.step(end) - alike.y0), 0)
    return height, away


def _treads(rungs: Rungs) -> Array:
    """Return the longest step within the tread that x is on, on each side of each entry; the first where it is none."""
    moves = rungs.y != rungs.stencil.y0
    still = ~np.logical_or.accumulate(moves[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(still.argmax(axis=1))


def rounding_of_x(rungs: Rungs) -> float:
    """Return how far apart the numbers are that f rounds x to, as a part of x, as far as treads show; 0 without any."""
    ends, stencil = _treads(rungs), rungs.stencil
    if stencil.inputs is None:
        return 0.0
    with np.errstate(all="ignore"):
        apart = 2 * rungs.steps[ends].sum(axis=0) * np.abs(stencil.units() / stencil.x.reshape(-1)[stencil.inputs])
    flat = (ends > 0).all(axis=0)
    return float(np.min(apart, initial=_COARSEST, where=flat)) if flat.any() else 0.0
