"""Derivatives of entries in doubt, from one sequence of ever smaller steps, a bar and a kind for each. Next: numeric.

Sample first, judge afterwards. f is evaluated at steps from the unit of x down to ten spacings of numbers beside it. At
each step there is an estimate: extrapolated slopes, central and to either side, and a bar, made of what the
extrapolation still changes and of the noise over the step, which is no smaller than the rounding of f and than what
estimates at shorter steps disagree by. From the finest on, estimates ± bars are intersected while that is possible, and
the narrowest on the way is believed (Lepskii 1991; Katkovnik 1999, intersection of confidence intervals).
Sides that settle on two slopes are a kink; a side on which f leaps between neighbouring numbers is a jump. Where a
claim is contradicted, f has to be seen to be continuous first (see stairs): the height of its steps is noise.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.over_steps import among_known, among_steps, over_many
from jacinspect.jacobian.values.sides import Estimate, Sides, leaps_at_once
from jacinspect.jacobian.values.slopes import Rungs
from jacinspect.jacobian.values.stencil import Kind, Stencil, is_half, is_single

__all__ = ["LADDER_CALLS", "NEAREST", "SMALL", "ladder"]

NEAREST = 2.0**-960  # |x| below it is too small to take steps of, which would be no doubles
# 3.07⁻³⁰ is ten spacings of 1. Not a whole number: or a step that happens to be a multiple of f's period makes all
# coarser ones so, and a wrong slope looks settled.
_RUNGS, _RATIO = 31, 3.07
_RUNGS_SINGLE, _RATIO_SINGLE = 22, 1.9  # down to ten spacings of single precision, whose noise asks for closer steps
LADDER_CALLS = 2 * _RUNGS + 2
SMALL = 2.0**-20  # |x| below it is sampled once more, in units of |x|,
_SHARP = 1e-9  # of a slope: unless its bar is less, which shorter steps hardly make narrower for their rounding
_BATCH = 2**20  # entries sampled together, 500 bytes each
_BLOCK = 2**10  # entries judged together: what is computed of them stays in the processor's cache


@np.errstate(all="ignore")
def ladder(stencil: Stencil, doubts: Doubts, known: Array | None = None) -> Estimate:
    """Difference at ever smaller steps and believe, entry by entry, the finest scale that has settled.

    Where there are `doubts`, f has to be seen to be continuous first; or it is `known` how high the steps are in which
    each output moves by other inputs.
    """
    estimate = Estimate.joined(
        [
            _sampled(stencil.subset(batch), doubts.subset(batch), None if known is None else known[batch])
            for batch in _parts(stencil.y0.size, _BATCH)
        ]
    )
    return estimate if stencil.inputs is None else _in_units_of_x(estimate, stencil, doubts)


def _in_units_of_x(estimate: Estimate, stencil: Stencil, doubts: Doubts) -> Estimate:
    """Take the steps once more where x is small, so that f may bend within any of them; and at 0, in shorter ones."""
    near = np.abs(stencil.x.reshape(-1)[stencil.inputs])
    wide = ~(estimate.bar <= _SHARP * np.abs(estimate.value)) | (estimate.kind != Kind.SMOOTH)
    wide |= np.isnan(estimate.left) != np.isnan(estimate.right)  # f ends within the shortest step, see below
    at_zero = (near == 0) & (estimate.kind == Kind.UNRESOLVED)
    again = np.flatnonzero(((near > 0) & (near < SMALL) & wide) | at_zero)
    if not again.size:
        return estimate
    unit = np.where(stencil.x == 0, SMALL, np.abs(stencil.x))  # at 0 itself numbers are dense however short a step
    # Where nobody claims anything, the slope of a tread so short would be believed.
    doubts = Doubts(all=True) if doubts.contradicts is None else doubts.subset(again)
    before, finer = estimate.subset(again), _sampled(stencil.subset(again).scaled(unit), doubts)
    better = _finer_is_better(before, finer)
    estimate = estimate.replaced(again[better], finer.subset(better))
    ends = np.isnan(before.left) != np.isnan(before.right)  # f ends within the shortest step, and may bend there
    unseen = ends & doubts.deny(before.value, before.bar) & ~doubts.deny(finer.value, finer.bar)
    elsewhere = np.flatnonzero(unseen | _kink_is_elsewhere(before, finer))
    there = finer.subset(elsewhere)
    there.kind[doubts.subset(elsewhere).deny(there.value, there.bar)] = Kind.UNRESOLVED
    return estimate.replaced(again[elsewhere], there)


def _parts(size: int, length: int) -> list[Array]:
    """Return the places below a size in parts of at most a length: one at least, which may be empty."""
    return [np.arange(start, min(start + length, size)) for start in range(0, max(size, 1), length)]


def _finer_is_better(before: Estimate, finer: Estimate) -> Array:
    """Return where steps in units of |x| show more than those in units of 1."""
    gap = np.abs(before.right - before.left)
    sharp = (before.kind != Kind.KINK) | (4 * finer.bar < gap)  # rounding may hide a kink from the finer steps
    # Where steps of 1 show a slope of 0 alone, and shorter ones another, f bends within |x|, far closer than at those.
    apart = (np.abs(before.value) <= before.bar) & ~(np.abs(finer.value) <= before.bar + finer.bar)
    sharp &= (before.kind != Kind.SMOOTH) | apart | ~(before.bar <= finer.bar)
    # Short steps need not reach the end of a tread.
    sharp &= (before.step == 0) | (finer.step > 0)
    return np.asarray((finer.kind != Kind.UNRESOLVED) & sharp)


def _kink_is_elsewhere(before: Estimate, finer: Estimate) -> Array:
    """Return where steps in units of 1 show a kink and leaps, and those in units of |x| a slope."""
    kink = (before.kind == Kind.KINK) & (before.step > 0)
    return np.asarray(kink & (finer.kind == Kind.SMOOTH))


def _sampled(stencil: Stencil, doubts: Doubts, known: Array | None = None) -> Estimate:
    count, ratio = (_RUNGS_SINGLE, _RATIO_SINGLE) if is_single(stencil.epsilon) else (_RUNGS, _RATIO)
    steps = ratio ** -np.arange(count, dtype=float)
    y = np.empty((2, count, stencil.y0.size))
    sampled = stencil.sides(steps.tolist())
    for k in range(count):
        y[0, k], y[1, k] = next(sampled), next(sampled)
    rungs = Rungs(stencil, steps, ratio, y)
    jumps, estimates, bests, doubted = leaps_at_once(rungs), [], [], []
    for part in _parts(stencil.y0.size, _BLOCK):
        sides = Sides.of(rungs.subset(part), jumps[:, part], np.zeros(part.size))
        estimates.append(sides.estimate())
        bests.append(sides.best)
        doubted.append(doubts.subset(part).of(sides))
    estimate = Estimate.joined(estimates)
    if is_half(stencil.x_epsilon):
        return over_many(estimate, stencil)
    # A jump may be one of many steps, where somebody denies every slope from 0 to that beside the jump.
    middle = estimate.value / 2
    jump = (estimate.kind == Kind.JUMP) & doubts.deny(middle, np.abs(middle) + estimate.bar)
    slope = (estimate.kind == Kind.SMOOTH) | (estimate.kind == Kind.UNRESOLVED)
    entries = np.flatnonzero((np.concatenate(doubted) & slope) | jump)
    if known is not None:
        return among_known(rungs, estimate, entries, known[entries])
    believed = steps[np.concatenate(bests)[entries]]
    return among_steps(rungs, estimate, entries, believed, doubts)
