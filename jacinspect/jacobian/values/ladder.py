"""Derivatives of entries in doubt, from one sequence of ever smaller steps, a bar and a kind for each. Next: numeric.

Sample first, judge afterwards. f is evaluated at steps from the unit of x down to ten spacings of numbers beside it. At
each step there is an estimate: extrapolated slopes, central and to either side, and a bar, made of what the
extrapolation still changes and of the noise over the step, which is no smaller than the rounding of f and than what
estimates at shorter steps disagree by. From the finest on, estimates ± bars are intersected while that is possible, and
the narrowest on the way is believed (Lepskii 1991; Katkovnik 1999, intersection of confidence intervals).
Sides that settle on two slopes are a kink; a side on which f leaps between neighbouring numbers is a jump. Where a
claim is contradicted, f has to be seen to be continuous first (see stairs): the height of its steps is noise.
"""

from collections.abc import Callable

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.averages import averaged, few_digits
from jacinspect.jacobian.values.differences import WIDE
from jacinspect.jacobian.values.sides import Estimate, Sides, leaps_at_once
from jacinspect.jacobian.values.slopes import SETTLED, SHARPER, Rungs
from jacinspect.jacobian.values.stairs import end_of_tread, inputs_of, steps_beyond, steps_near
from jacinspect.jacobian.values.stencil import Kind, Stencil, is_half, is_single
from jacinspect.records import dataclass, replace

__all__ = ["LADDER_CALLS", "NEAREST", "ladder"]

NEAREST = 2.0**-960  # |x| below it is too small to take steps of, which would be no doubles
# 3.07⁻³⁰ is ten spacings of 1. Not a whole number: or a step that happens to be a multiple of f's period makes all
# coarser ones so, and a wrong slope looks settled.
_RUNGS, _RATIO = 31, 3.07
_RUNGS_SINGLE, _RATIO_SINGLE = 22, 1.9  # down to ten spacings of single precision, whose noise asks for closer steps
LADDER_CALLS = 2 * _RUNGS + 2
_SMALL = 2.0**-20  # |x| below it is sampled once more, in units of |x|
_BATCH = 2**20  # entries sampled together, 500 bytes each
_BLOCK = 2**10  # entries judged together: what is computed of them stays in the processor's cache
_TILT, _LITTLE = 32.0, 2.0**-6  # 32 as measured on solve_ivp; so that 3 % are told from right wherever leaps are small
_ONE_DIGIT = 2.0**-3  # of a slope: 1 - cos(x) at 1e-10 is known to no more
_BORNE_OUT = 3  # coarser steps have to agree with a claim for it to be looked at again: the coarsest agree with all
_SCALES = 4  # of steps, each higher than those before: as measured, BDF has two
_COARSEST = 2.0**-7  # of x, that it is rounded by, in bfloat16


@dataclass(frozen=True, eq=False)
class Doubts:
    """What may not be believed before f is seen to be continuous: what has `lost` digits, and what is contradicted.

    `contradicts` says of entries, given by their places, where somebody denies a value and its bar.
    """

    lost: Array
    contradicts: Callable[[Array, Array, Array], Array] | None = None

    def subset(self, chosen: Array) -> "Doubts":
        """Return what is doubted of some of the entries."""
        if self.contradicts is None:
            return Doubts(self.lost[chosen])
        contradicts = self.contradicts
        return Doubts(self.lost[chosen], lambda places, value, bar: contradicts(chosen[places], value, bar))


@np.errstate(all="ignore")
def ladder(stencil: Stencil, doubts: Doubts | None = None) -> Estimate:
    """Difference at ever smaller steps and believe, entry by entry, the finest scale that has settled.

    Where x is small, so that f may bend within any of the steps, the steps are taken once more in units of |x|; at 0,
    in shorter ones.
    Without `doubts`, f has to be seen to be continuous wherever a slope is found.
    """
    parts = [
        _sampled(stencil.subset(batch), doubts and doubts.subset(batch)) for batch in _parts(stencil.y0.size, _BATCH)
    ]
    estimate = Estimate.joined(parts)
    if stencil.inputs is None:
        return estimate
    near = np.abs(stencil.x.reshape(-1)[stencil.inputs])
    beyond = (near > 0) & (near < NEAREST) & ~(np.isfinite(estimate.left) & np.isfinite(estimate.right))
    beyond &= estimate.kind == Kind.SMOOTH
    estimate = replace(estimate, kind=np.where(beyond, np.int8(Kind.UNRESOLVED), estimate.kind))
    wide = ~(estimate.bar <= 1e-9 * np.abs(estimate.value)) | (estimate.kind != Kind.SMOOTH)
    at_zero = (near == 0) & (estimate.kind == Kind.UNRESOLVED)
    again = np.flatnonzero(((near > 0) & (near < _SMALL) & wide) | at_zero)
    if again.size:
        unit = np.where(stencil.x == 0, _SMALL, np.abs(stencil.x))  # at 0 itself numbers are dense however short a step
        # Where nobody claims anything, the slope of a tread so short would be believed.
        finer_doubts = doubts.subset(again) if doubts is not None and doubts.contradicts is not None else None
        finer = _sampled(stencil.subset(again).scaled(unit), finer_doubts)
        before = estimate.subset(again)
        better = _finer_is_better(before, finer)
        estimate = estimate.replaced(again[better], finer.subset(better))
        elsewhere = np.flatnonzero(_kink_is_elsewhere(before, finer))
        there = finer.subset(elsewhere)
        if finer_doubts is not None and finer_doubts.contradicts is not None:
            there.kind[finer_doubts.contradicts(elsewhere, there.value, there.bar)] = Kind.UNRESOLVED
        estimate = estimate.replaced(again[elsewhere], there)
    return estimate


def _parts(size: int, length: int) -> list[Array]:
    """Return the places below a size in parts of at most a length: one at least, which may be empty."""
    return [np.arange(start, min(start + length, size)) for start in range(0, max(size, 1), length)]


def _finer_is_better(before: Estimate, finer: Estimate) -> Array:
    """Return where steps in units of |x| show more than those in units of 1."""
    gap = np.abs(before.right - before.left)
    sharp = (before.kind != Kind.KINK) | (4 * finer.bar < gap)  # rounding may hide a kink from the finer steps
    apart = np.abs(before.value - finer.value) > before.bar + finer.bar
    sharp &= (before.kind != Kind.SMOOTH) | apart | ~(before.bar <= finer.bar)
    # Short steps need not reach the end of a tread, nor many, and many may be known already.
    known = before.over_many & (before.bar <= few_digits(0.0) * np.abs(before.value))
    sharp &= (before.step == 0) | np.where(known, finer.over_many, finer.step > 0)
    return np.asarray((finer.kind != Kind.UNRESOLVED) & sharp)


def _kink_is_elsewhere(before: Estimate, finer: Estimate) -> Array:
    """Return where steps in units of 1 show a kink and leaps, and those in units of |x| a slope and neither."""
    kink = (before.kind == Kind.KINK) & (before.step > 0)
    return np.asarray(kink & (finer.kind == Kind.SMOOTH) & (finer.step == 0) & (finer.bar < np.abs(finer.value)))


def _sampled(stencil: Stencil, doubts: Doubts | None) -> Estimate:
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
        bests.append(sides.both.best)
        doubted.append(np.ones(part.size, bool) if doubts is None else _doubted(doubts.subset(part), sides))
    estimate = Estimate.joined(estimates)
    if is_half(stencil.x_epsilon):
        return _over_many(estimate, stencil)
    slope = ((estimate.kind == Kind.SMOOTH) | (estimate.kind == Kind.UNRESOLVED)) & np.isfinite(estimate.bar)
    entries = np.flatnonzero(np.concatenate(doubted) & slope)
    believed = steps[np.concatenate(bests)[entries]]
    return _among_steps(rungs, estimate, entries, believed, doubts)


def _among_steps(rungs: Rungs, estimate: Estimate, entries: Array, believed: Array, doubts: Doubts | None) -> Estimate:
    """Take the height of the steps in which f moves for noise, of entries with a slope at the step that is `believed`.

    Longer steps that are believed then may be among higher ones, as of BDF at 1e-3, whose leaps of 3e-6 lie between
    those of 5e-3: where somebody contradicts it all, these are looked for.
    """
    fine = seen = estimate.subset(entries)
    lower = np.zeros(entries.size)
    for _ in range(_SCALES):
        height, away = _steps(rungs, entries, seen, believed)
        on = np.flatnonzero(height > lower)
        if not on.size:
            break
        entries, fine, lower = entries[on], fine.subset(on), height[on]
        sides = Sides.of(rungs.subset(entries), np.zeros((2, entries.size), bool), lower)
        seen, believed = sides.estimate(), rungs.steps[sides.both.best]
        judged = _judged_over(rungs.subset(entries), fine, seen, lower / away[on])
        estimate = estimate.replaced(entries, judged)
        if doubts is None or doubts.contradicts is None:
            break
        left = doubts.contradicts(entries, judged.value, judged.bar)
        left &= doubts.contradicts(entries, judged.other, judged.other_bar)
        entries, fine, seen = entries[left], fine.subset(left), seen.subset(left)
        lower, believed = lower[left], believed[left]
    return estimate


def _over_many(estimate: Estimate, stencil: Stencil) -> Estimate:
    """Take slopes averaged over many steps of half precision, whose height is known."""
    estimate, few = averaged(estimate, stencil, stencil.x_epsilon)
    return replace(
        estimate,
        step=np.where(few, stencil.epsilon * np.abs(stencil.y0), estimate.step),
        other=np.where(few, estimate.value, estimate.other),
        other_bar=np.where(few, estimate.bar, estimate.other_bar),
        over_many=estimate.over_many | few,
    )


def _steps(rungs: Rungs, entries: Array, estimate: Estimate, believed: Array) -> tuple[Array, Array]:
    """Return how high the steps are in which f moves, of entries with an estimate each, and how far away one is.

    They are looked for around the step that is `believed`. Where f stands still around x, there are none if it bends at
    the end of that tread, and they may be beyond it if it leaps. Of outputs that read one input, the nearest steps are
    followed, and those of others, that may be farther away, are as high as what is first off the slope.
    """
    ends = _treads(rungs.subset(entries))
    end, sign = ends.max(axis=0), np.where(ends[0] >= ends[1], -1, 1)
    flat = np.flatnonzero((estimate.value == 0) & (end > 0))
    height, away, stencil = np.zeros(entries.size), np.ones(entries.size), rungs.stencil.subset(entries)
    tread, leaps = np.zeros(entries.size), np.ones(entries.size, bool)
    if flat.size:
        within, beyond = rungs.steps[end[flat]], rungs.steps[end[flat] - 1]
        tread[flat], leaps[flat] = end_of_tread(stencil.subset(flat), sign[flat] * within, sign[flat] * beyond)
    near = np.flatnonzero(leaps)
    if near.size:
        slopes = estimate.value[near], estimate.bar[near]
        height[near], away[near] = steps_near(stencil.subset(near), *slopes, believed[near])
    on = np.flatnonzero((tread != 0) & leaps & (height == 0))
    if on.size:
        height[on], away[on] = steps_beyond(stencil.subset(on), tread[on])
    inputs = inputs_of(stencil)
    longer = np.flatnonzero((height == 0) & leaps & np.isin(inputs, inputs[height > 0]))
    if longer.size:
        height[longer], away[longer] = _first_rise(rungs.subset(entries[longer]), estimate.subset(longer))
    return height, away


def _treads(rungs: Rungs) -> Array:
    """Return the longest step within the tread that x is on, on each side of each entry; the first where it is none."""
    moves = rungs.y != rungs.stencil.y0
    still = ~np.logical_or.accumulate(moves[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(still.argmax(axis=1))


def _rounding_of_x(rungs: Rungs) -> float:
    """Return how far apart the numbers are that f rounds x to, as a part of x, as far as treads show; 0 without any."""
    ends, stencil = _treads(rungs), rungs.stencil
    if stencil.inputs is None:
        return 0.0
    with np.errstate(all="ignore"):
        apart = 2 * rungs.steps[ends].sum(axis=0) * np.abs(stencil.units() / stencil.x.reshape(-1)[stencil.inputs])
    flat = (ends > 0).all(axis=0)
    return float(np.min(apart, initial=_COARSEST, where=flat)) if flat.any() else 0.0


def _first_rise(rungs: Rungs, estimate: Estimate) -> tuple[Array, Array]:
    """Return by how much f is off a slope at the finest step where it is off by more than the bar, and that step."""
    stencil, columns = rungs.stencil, np.arange(estimate.value.size)
    moved = rungs.steps[:, None] * stencil.units()
    line = stencil.y0 + np.stack([-moved, moved]) * estimate.value
    off = np.nan_to_num(np.abs(rungs.y - line).max(axis=0))
    least = SHARPER * (estimate.bar * np.abs(moved) + stencil.epsilon * np.abs(stencil.y0))
    first = off.shape[0] - 1 - (off > least)[::-1].argmax(axis=0)
    return off[first, columns], np.abs(moved[first, columns])


def _doubted(doubts: Doubts, sides: Sides) -> Array:
    """Return what may not be believed: a claim that every scale refutes is wrong, even if f moves in steps."""
    view, (values, bars) = sides.both, sides.scales
    coarser = np.arange(bars.shape[0])[:, None] < view.best
    off = np.where(coarser, np.abs(values - view.value) - view.bar, 0)
    # Where a second derivative jumps, differences lose digits too; but one scale at most contradicts another.
    opposed, against = (np.count_nonzero(off > far, axis=0) for far in (bars, 2 * bars + np.abs(values) / 2))
    doubted = (doubts.lost & (opposed >= SETTLED)) | (against >= SETTLED)
    ends = (view.value == 0) & (sides.rungs.y != sides.rungs.stencil.y0).any(axis=(0, 1))  # f stands still, on a tread
    if doubts.contradicts is None:  # the steps of what gives whole numbers are its own
        return np.asarray(doubted | (ends & (not sides.rungs.stencil.box.whole)))
    entries = np.arange(view.value.size)
    borne_out = np.count_nonzero(coarser & np.isfinite(bars) & ~doubts.contradicts(entries, values, bars), axis=0)
    return np.asarray(
        doubted | (doubts.contradicts(entries, view.value, view.bar) & ((borne_out >= _BORNE_OUT) | ends))
    )


def _judged_over(rungs: Rungs, fine: Estimate, coarse: Estimate, tilt: Array) -> Estimate:
    """Believe what longer steps show, with the height of the steps in which f moves for noise, where it is narrow.

    `tilt` is the height of a step over its distance. What leaps as its work changes, as an adaptive integrator does, is
    off by far more than it leaps: slopes that differ by a little are then left open.
    """
    off, height = np.abs(coarse.value - fine.value), coarse.step
    x = np.abs(rungs.stencil.widths(1.0)[2])
    natural = np.where(x == 0, 1, np.minimum(x, 1))  # beside a small x, what f moves by over a unit says little
    large, digits = np.abs(coarse.value), np.where(coarse.kind == Kind.SMOOTH, _ONE_DIGIT, WIDE)
    narrow = coarse.bar <= WIDE * np.maximum(large, coarse.reached)
    narrow &= coarse.bar <= np.maximum(digits * large, WIDE * natural * coarse.reached)
    coarse, few = averaged(coarse, rungs.stencil, _rounding_of_x(rungs))
    narrow = (few | narrow) & ((coarse.kind == Kind.SMOOTH) | (coarse.kind == Kind.KINK))
    near = narrow & (off <= WIDE * np.abs(coarse.value))
    little, bar = np.minimum(_TILT * tilt, _LITTLE * np.abs(fine.value)), coarse.bar + np.where(near, off, 0)
    step = np.where(np.isfinite(bar), height, 0)
    over = replace(coarse, bar=bar, other=fine.value, other_bar=np.maximum(fine.bar, little))
    between = replace(fine, step=step, other=coarse.value, other_bar=np.maximum(bar, little))
    return between.replaced(np.flatnonzero(narrow), over.subset(narrow))
