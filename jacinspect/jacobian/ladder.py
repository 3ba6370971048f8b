"""Derivatives of entries in doubt, from one sequence of ever smaller steps, a bar and a kind for each. Next: numeric.

Sample first, judge afterwards. f is evaluated at steps from the unit of x down to ten spacings of numbers beside it. At
each step there is an estimate: extrapolated slopes, central and to either side, and a bar, made of what the
extrapolation still changes and of the noise over the step, which is no smaller than the rounding of f and than what
estimates at shorter steps disagree by. An estimate is believed at the finest scale at which it has settled; coarser
ones that agree with all finer ones may sharpen it (Lepskii 1991; Katkovnik 1999, intersection of confidence intervals).
Sides that settle on two slopes are a kink; a side on which f leaps between neighbouring numbers is a jump. Where a
claim is contradicted, f has to be seen to be continuous first (see stairs): the height of its steps is noise.
"""

from collections.abc import Callable

import numpy as np

from jacinspect.jacobian.averages import averaged
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.columns import Columns
from jacinspect.jacobian.differences import FAR, WIDE
from jacinspect.jacobian.stairs import end_of_tread, inputs_of, steps_beyond, steps_near
from jacinspect.jacobian.stencil import Kind, Stencil, is_single
from jacinspect.records import dataclass, replace

__all__ = ["LADDER_CALLS", "NEAREST", "Estimate", "few_digits", "is_half", "ladder"]

NEAREST = 2.0**-960  # |x| below it is too small to take steps of, which would be no doubles
# 3.07⁻³⁰ is ten spacings of 1. Not a whole number: or a step that happens to be a multiple of f's period makes all
# coarser ones so, and a wrong slope looks settled.
_RUNGS, _RATIO = 31, 3.07
_RUNGS_SINGLE, _RATIO_SINGLE = 22, 1.9  # down to ten spacings of single precision, whose noise asks for closer steps
LADDER_CALLS = 2 * _RUNGS + 2
_SMALL = 2.0**-20  # |x| below it is sampled once more, in units of |x|
_BATCH = 2**20  # entries sampled together, 500 bytes each
_BLOCK = 2**10  # entries judged together: what is computed of them stays in the processor's cache
_SETTLED = 3  # steps in a row that have to agree
_CHANGE = 2.0  # times the last change bounds the error where it shrinks by 1.5 a step, as of |x|^1.5
_SLOWLY = 0.8  # where it shrinks by less, at all of the finest steps, that is not enough
_SHARPER = 8.0  # no column claims to be more than so many times sharper than the one before: two may agree by chance
_TOLD = 16  # times its bar a slope has to be, where the bar is wide otherwise: less is what no step resolves
_DENSE = 2.0**-8  # between neighbouring numbers, so that values of f there would show that they are not all whole
_WAVE = 2.0**-5  # the shortest waves that f is searched for
_APART = 4.0  # times their bars, for two sides to be a kink: less may be one slope that has not settled
_STEADY = 14
_TILT, _LITTLE = 32.0, 2.0**-6  # 32 as measured on solve_ivp; so that 3 % are told from right wherever leaps are small
_BORNE_OUT = 3  # coarser steps have to agree with a claim for it to be looked at again: the coarsest agree with all
_LAST_BITS = 2.0**10  # of f over a unit of x: a bar below that is wide for its rounding, and not for want of a limit
_FEW = 2.0**-8, 2.0**-6, 4.0  # of a slope over many steps, in half precision, and of its rounding: two digits or so
_FINEST = 7  # the finest steps share one measure of noise, for one disagreement alone may be small by chance
_STILL = 4  # of the finest steps, over which f stands still where it has lost digits; a bend moves it by then


@dataclass(frozen=True, eq=False)
class Estimate(Columns):
    """Derivatives along a line, one per entry: value ± bar, its kind, and the one-sided slopes where it has a kink.

    `reached` is the largest change of f that was met, per unit of x. `step` is how high the steps are in which f moves
    near x, 0 where it does not; the value is then that over many steps where `over_many`, and else the slope between
    two, and `other` ± `other_bar` is that of the other scale.
    """

    value: Array
    bar: Array
    kind: Array
    left: Array
    right: Array
    reached: Array
    step: Array
    other: Array
    other_bar: Array
    over_many: Array


@dataclass(frozen=True, eq=False)
class Doubts:
    """What may not be believed before f is seen to be continuous: what has `lost` digits, and what is contradicted.

    `contradicts` says of entries, given by their places, where somebody denies a value and its bar.
    """

    lost: Array
    contradicts: Callable[[Array, Array, Array], Array] | None = None


@np.errstate(all="ignore")
def ladder(stencil: Stencil, doubts: Doubts | None = None) -> Estimate:
    """Difference at ever smaller steps and believe, entry by entry, the finest scale that has settled.

    Where x is small, so that f may bend within any of the steps, the steps are taken once more in units of |x|; at 0,
    in shorter ones.
    Without `doubts`, f has to be seen to be continuous wherever a slope is found.
    """
    parts = [_sampled(stencil.subset(batch), batch, doubts) for batch in _parts(stencil.y0.size, _BATCH)]
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
        finer = _sampled(stencil.subset(again).scaled(unit), again, doubts)
        before = estimate.subset(again)
        better = _finer_is_better(before, finer)
        estimate = estimate.replaced(again[better], finer.subset(better))
    return estimate


def _parts(size: int, length: int) -> list[Array]:
    """Return the places below a size in parts of at most a length: one at least, which may be empty."""
    return [np.arange(start, min(start + length, size)) for start in range(0, max(size, 1), length)]


def _finer_is_better(before: Estimate, finer: Estimate) -> Array:
    gap = np.abs(before.right - before.left)
    sharp = (before.kind != Kind.KINK) | (4 * finer.bar < gap)  # rounding may hide a kink from the finer steps
    apart = np.abs(before.value - finer.value) > before.bar + finer.bar
    sharp &= (before.kind != Kind.SMOOTH) | apart | ~(before.bar <= finer.bar)
    sharp &= (before.step == 0) | (finer.step > 0)  # short steps need not reach the ends of a tread
    return np.asarray((finer.kind != Kind.UNRESOLVED) & (finer.kind != Kind.NONFINITE) & sharp)


@dataclass(frozen=True, eq=False)
class _Rungs:
    """Values of f at steps to either side, of shape (2, steps, entries), coarsest first; the steps in units of v."""

    stencil: Stencil
    steps: Array
    ratio: float
    y: Array

    def subset(self, chosen: Array) -> "_Rungs":
        return _Rungs(self.stencil.subset(chosen), self.steps, self.ratio, self.y[:, :, chosen])


def _sampled(stencil: Stencil, places: Array, doubts: Doubts | None) -> Estimate:
    count, ratio = (_RUNGS_SINGLE, _RATIO_SINGLE) if is_single(stencil.epsilon) else (_RUNGS, _RATIO)
    steps = ratio ** -np.arange(count, dtype=float)
    y = np.empty((2, count, stencil.y0.size))
    sampled = stencil.sides(steps.tolist())
    for k in range(count):
        y[0, k], y[1, k] = next(sampled), next(sampled)
    rungs = _Rungs(stencil, steps, ratio, y)
    jumps, estimates, bests, doubted = _leaps_at_once(rungs), [], [], []
    for part in _parts(stencil.y0.size, _BLOCK):
        sides = _Sides.of(rungs.subset(part), jumps[:, part], np.zeros(part.size))
        estimates.append(sides.estimate())
        bests.append(sides.both.best)
        doubted.append(np.ones(part.size, bool) if doubts is None else _doubted(doubts, places[part], sides))
    estimate = Estimate.joined(estimates)
    slope = ((estimate.kind == Kind.SMOOTH) | (estimate.kind == Kind.UNRESOLVED)) & np.isfinite(estimate.bar)
    entries = np.flatnonzero(np.concatenate(doubted) & slope)
    believed = steps[np.concatenate(bests)[entries]]
    height, away = _steps(rungs, entries, estimate.subset(entries), believed)
    on = height > 0
    if is_half(stencil.x_epsilon):
        estimate, few = _averaged(estimate, stencil)
        estimate = replace(
            estimate,
            step=np.where(few, stencil.epsilon * np.abs(stencil.y0), estimate.step),
            other=np.where(few, estimate.value, estimate.other),
            other_bar=np.where(few, estimate.bar, estimate.other_bar),
            over_many=estimate.over_many | few,
        )
    return _judged_over(rungs, estimate, entries[on], height[on], height[on] / away[on]) if on.any() else estimate


def _steps(rungs: _Rungs, entries: Array, estimate: Estimate, believed: Array) -> tuple[Array, Array]:
    """Return how high the steps are in which f moves, of entries with an estimate each, and how far away one is.

    They are looked for around the step that is `believed`. Where f stands still around x, there are none if it bends at
    the end of that tread, and they may be beyond it if it leaps. Of outputs that read one input, the nearest steps are
    followed, and those of others, that may be farther away, are as high as what is first off the slope.
    """
    moves = rungs.y[:, :, entries] != rungs.stencil.y0[entries]
    still = ~np.logical_or.accumulate(moves[:, ::-1], axis=1)[:, ::-1]
    ends = still.argmax(axis=1)  # the longest step within the tread, on each side
    end, sign = ends.max(axis=0), np.where(ends[0] >= ends[1], -1, 1)
    flat = np.flatnonzero((estimate.value == 0) & (end > 0) & still[:, -1].all(axis=0))
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


def _first_rise(rungs: _Rungs, estimate: Estimate) -> tuple[Array, Array]:
    """Return by how much f is off a slope at the finest step where it is off by more than the bar, and that step."""
    stencil, columns = rungs.stencil, np.arange(estimate.value.size)
    moved = rungs.steps[:, None] * stencil.units()
    line = stencil.y0 + np.stack([-moved, moved]) * estimate.value
    off = np.nan_to_num(np.abs(rungs.y - line).max(axis=0))
    least = _SHARPER * (estimate.bar * np.abs(moved) + stencil.epsilon * np.abs(stencil.y0))
    first = off.shape[0] - 1 - (off > least)[::-1].argmax(axis=0)
    return off[first, columns], np.abs(moved[first, columns])


def _doubted(doubts: Doubts, places: Array, sides: "_Sides") -> Array:
    """Return what may not be believed: a claim that every scale refutes is wrong, even if f moves in steps."""
    view, (values, bars) = sides.both, sides.scales
    coarser = np.arange(bars.shape[0])[:, None] < view.best
    off = np.where(coarser, np.abs(values - view.value) - view.bar, 0)
    # Where a second derivative jumps, differences lose digits too; but one scale at most contradicts another.
    opposed, against = (np.count_nonzero(off > far, axis=0) for far in (bars, 2 * bars + np.abs(values) / 2))
    doubted = (doubts.lost[places] & (opposed >= _SETTLED)) | (against >= _SETTLED)
    ends = (view.value == 0) & (sides.rungs.y != sides.rungs.stencil.y0).any(axis=(0, 1))  # f stands still, on a tread
    if doubts.contradicts is None:  # the steps of what gives whole numbers are its own
        return np.asarray(doubted | (ends & (not sides.rungs.stencil.box.whole)))
    borne_out = np.count_nonzero(coarser & np.isfinite(bars) & ~doubts.contradicts(places, values, bars), axis=0)
    return np.asarray(doubted | (doubts.contradicts(places, view.value, view.bar) & ((borne_out >= _BORNE_OUT) | ends)))


def _leaps_at_once(rungs: _Rungs) -> Array:
    """Return, for the left and the right, where f leaps between x and the number beside it."""
    stencil = rungs.stencil
    found: Array = np.zeros((2, stencil.y0.size), bool)
    rise = rungs.y[:, -_STEADY:]
    if not np.any(np.abs(rise[:, 0] - stencil.y0) < 2 * np.abs(rise[:, -1] - stencil.y0)):
        return found
    rise = rise - stencil.y0
    # a jump's rise stays over steps that are a million times apart; rounding has no one size and sign over so many
    leaps: Array = (np.abs(rise - rise[:, -1:]) <= np.abs(rise[:, -1:]) / 2).all(axis=1)
    leaps &= np.abs(rise[:, -1]) > 64 * stencil.epsilon * np.abs(stencil.y0)
    rise = np.abs(rise)
    for side, towards in enumerate((-np.inf, np.inf)):
        if leaps[side].any() and stencil.inputs is not None:
            y = stencil.beside(towards)
            found[side] = leaps[side] & (np.abs(y - stencil.y0) >= rise[side, -1] / 2)
    return found


@dataclass(frozen=True, eq=False)
class _View(Columns):
    """What is believed of one kind of slope: value ± bar at the step `best`."""

    value: Array
    bar: Array
    best: Array

    @property
    def settled(self) -> Array:
        return np.isfinite(self.bar)


@dataclass(frozen=True, eq=False)
class _Sides:
    """What is believed of the slopes to the left, to the right and central, and what that makes of each entry.

    `scales` is value and bar of the central slope at every step, `h` the steps and `noise` the rounding of f at each.
    `jumps` is where f leaps at once to a side, `bent` where a side's slope is that of a bend, `creeps` how far slopes
    still have to go, `step` the noise that was given.
    """

    rungs: _Rungs
    jumps: Array
    step: Array
    left: _View
    right: _View
    both: _View
    scales: tuple[Array, Array]
    bent: Array
    creeps: Array
    h: Array
    noise: Array

    @classmethod
    def of(cls, rungs: _Rungs, jumps: Array, step: Array) -> "_Sides":
        """Judge the slopes of some entries, with noise of at least `step`."""
        left, right, central, h, noise = _slopes(rungs)
        noise = np.maximum(noise, 2 * step)
        lows = _extrapolated(left, noise / h, h, rungs.ratio, (1, 2), 2.6)
        highs = _extrapolated(right, noise / h, h, rungs.ratio, (1, 2), 2.6)
        value, bar, _ = _extrapolated(central, noise / h, h, rungs.ratio, (2, 4), 1.0)
        bar += np.abs(highs[0] - lows[0]) / 2  # where the sides do not meet, what lies between them is no slope
        one, other = _believed(*lows[:2]), _believed(*highs[:2])
        bent = _bends(lows, one) | _bends(highs, other)
        creeps = np.maximum(_creeping(left), _creeping(right))
        return cls(rungs, jumps, step, one, other, _believed(value, bar), (value, bar), bent, creeps, h, noise)

    def estimate(self) -> Estimate:
        """Say what each entry is."""
        one, other, both, stencil = self.left, self.right, self.both, self.rungs.stencil
        kind, change = self._kind(), np.abs(self.rungs.y - stencil.y0)
        reached = np.where(np.isfinite(change), change, 0).max(axis=(0, 1)) / stencil.step_scale()
        sided = (kind == Kind.JUMP) | ((kind == Kind.SMOOTH) & ~both.settled)
        value, bar = self._of_side()
        value = np.where(sided, value, np.where(kind == Kind.KINK, (one.value + other.value) / 2, both.value))
        bar = np.where(sided, bar, np.where(kind == Kind.KINK, one.bar + other.bar, both.bar))
        # Where f stands still, a slope that its noise would hide over a unit of x is as good as 0.
        peak = np.abs(self.rungs.y[:, 0])
        peak = np.maximum(np.where(np.isfinite(peak), peak, 0).max(axis=0), np.abs(stencil.y0))
        bar = np.where(value == 0, np.maximum(bar, stencil.floor(1.0, peak, value)), bar)
        hidden = self._hidden(value, bar, reached) | (self.creeps > bar)
        kind[(kind == Kind.SMOOTH) & hidden] = Kind.UNRESOLVED
        # A side that neither leaps at once nor has a slope is too steep for the steps, and no slope is known then.
        known = self._known(reached)
        steep = [
            ~side & ~((_TOLD * view.bar <= np.abs(view.value)) | (view.bar <= known))
            for side, view in zip(self.jumps, (one, other), strict=True)
        ]
        kind[self.jumps.any(axis=0) & (steep[0] | steep[1])] = Kind.UNRESOLVED
        # Across a jump, slope 0 is as good as the slope of the side that holds the value.
        low = np.where(kind == Kind.JUMP, 0.0, one.value)
        high = np.where(kind == Kind.JUMP, value, other.value)
        unknown = np.full(value.size, np.nan)
        return Estimate(value, bar, kind, low, high, reached, self.step, unknown, unknown, self.step > 0)

    def _kind(self) -> Array:
        """Return what each entry is, as far as slopes and jumps show."""
        one, other, both, y = self.left, self.right, self.both, self.rungs.y
        y0, finite = self.rungs.stencil.y0, np.logical_or.reduce(np.isfinite(y), axis=1)
        apart = np.abs(one.value - other.value) > _APART * (one.bar + other.bar)
        # Beside a kink, steps that reach over it to both sides alike have one slope as well, and no finer ones.
        meet = (both.best >= np.maximum(one.best, other.best)) & (4 * both.bar < np.abs(one.value - other.value))
        kink = one.settled & other.settled & apart & ~meet
        kink &= (y[:, -_STILL:] == y0).all(axis=(0, 1)) | ~self.bent
        alone = (one.settled & ~finite[1]) | (other.settled & ~finite[0])  # f ends here: the slope where it is defined
        kinds = (
            (~np.isfinite(y0) | ~finite.any(axis=0), Kind.NONFINITE),
            (self.jumps.any(axis=0), Kind.JUMP),
            (kink, Kind.KINK),
            (both.settled | alone, Kind.SMOOTH),
        )
        return np.select([holds for holds, _ in kinds], [kind for _, kind in kinds], Kind.UNRESOLVED).astype(np.int8)

    def _of_side(self) -> tuple[Array, Array]:
        """Return the slope and its bar on a side that has one and does not leap; 0 where there is none."""
        sides = [view.settled & ~jumps for view, jumps in zip((self.left, self.right), self.jumps, strict=True)]
        value = np.select(sides, [self.left.value, self.right.value], 0.0)
        return value, np.select(sides, [self.left.bar, self.right.bar], 0.0)

    def _known(self, reached: Array) -> Array:
        """Return how wide a bar may be against what f does near x, or for its rounding alone."""
        stencil = self.rungs.stencil
        summed = 0.0 if stencil.rounding is None else stencil.rounding[:] / stencil.step_scale()
        return np.maximum(WIDE * reached, _LAST_BITS * stencil.epsilon * np.fmax(stencil.size(), summed))

    def _hidden(self, value: Array, bar: Array, reached: Array) -> Array:
        """Return where a slope is none that is known: its bar is wide, or steps show another, or f is whole."""
        stencil, ends = self.rungs.stencil, ~np.isfinite(self.rungs.y).all(axis=(0, 1))
        told = (np.where(ends, _TOLD / 4, _TOLD) * bar <= np.abs(value)) | (bar <= self._known(reached))
        hidden = ~(told | (reached == 0))
        # Beside a large x, f may have its waves where rounding hides them: steps below 1 have to show the same slope,
        # but for one rounding of f and one of x.
        waves = (self.h > _WAVE) & (self.h < 1) & (np.abs(self.scales[0] - value) > self.noise / (8 * self.h) + bar)
        hidden |= (stencil.step_scale() > FAR) & waves.any(axis=0)
        if stencil.box.whole and stencil.inputs is not None:  # no slope but 0 is f's own, if numbers are dense there
            dense = np.maximum(stencil.step_scale(), np.abs(stencil.y0)) * stencil.epsilon < _DENSE  # of x and of f
            hidden |= (value != 0) & dense
        return np.asarray(hidden)


def _slopes(rungs: _Rungs) -> tuple[Array, ...]:
    """Return slopes to the left, to the right and central, step lengths, and the rounding of f, for all steps."""
    stencil = rungs.stencil
    widths = [stencil.widths(t) for t in rungs.steps.tolist()]
    shape = rungs.y.shape[1:]
    before, after = (np.stack([np.broadcast_to(width[side], shape[1:]) for width in widths]) for side in (0, 1))
    left, right = (stencil.y0 - rungs.y[0]) / before, (rungs.y[1] - stencil.y0) / after
    central = (before * right + after * left) / (before + after)  # steps that were rounded differ, and f bends
    peak = np.fmax(np.fmax(np.abs(rungs.y[0]), np.abs(rungs.y[1])), np.abs(stencil.y0))
    peak = np.where(np.isfinite(peak), peak, np.abs(stencil.y0))
    x = widths[0][2]
    size = np.fmax(np.abs(x * central), 0.0 if stencil.rounding is None else stencil.rounding[:])
    size = np.where(np.isfinite(size), size, 0)
    tiny = np.finfo(np.float32 if is_single(stencil.epsilon) else np.float64).smallest_subnormal
    noise = 4 * (stencil.epsilon * peak + stencil.x_epsilon * size + tiny)
    return left, right, central, (before + after) / 2, noise


def _extrapolated(
    slope: Array, floor: Array, h: Array, ratio: float, orders: tuple[int, int], amplified: float
) -> tuple[Array, Array, Array]:
    """Return an estimate and a bar at every step: the column of Neville's tableau that changes least, and its noise.

    The last is the bar as far as the step's own slopes and the rounding of f make it.
    """
    value, column = slope.copy(), slope.copy()
    spread = _CHANGE * _change(slope)
    bound = np.zeros_like(spread)
    for number, order in enumerate(orders, 1):
        column[number:] += (column[number:] - column[number - 1 : -1]) / (ratio**order - 1)
        column[number - 1] = np.nan
        np.maximum(_CHANGE * _change(column), bound / _SHARPER, out=bound)
        better = bound < spread
        np.copyto(value, column, where=better)
        np.copyto(spread, bound, where=better)
    value[~np.isfinite(spread)] = np.nan
    noise = np.zeros_like(h)  # what a step and those that are finer disagree by
    noise[:-1] = np.abs(value[:-1] - value[1:]) * h[1:]
    noise[~np.isfinite(noise)] = 0
    noise[-_FINEST:] = noise[-_FINEST:].max(axis=0)
    _accumulate(np.maximum, noise)
    own = spread + amplified * floor
    return value, own + 2 * noise / h, own


def _bends(side: tuple[Array, Array, Array], view: _View) -> Array:
    """Return where f bends between neighbouring numbers and the steps that a side's slope is believed of.

    The finest steps agree on another slope, if f is as precise as its rounding.
    """
    value, bar = side[0][-_SETTLED:], side[2][-_SETTLED:]
    low, high = (value - bar).max(axis=0), (value + bar).min(axis=0)
    return np.asarray((low <= high) & ((view.value + view.bar < low) | (high < view.value - view.bar)))


def _creeping(slope: Array) -> Array:
    """Return how far slopes have to go that change by little less from step to step, as of x^1.04; 0 elsewhere."""
    change = np.diff(slope[-_FINEST:], axis=0)
    shrinks = change[1:] / change[:-1]
    slowly = ((shrinks > _SLOWLY) & (shrinks < 1)).all(axis=0)
    return np.where(slowly, np.abs(change[-1]) * shrinks[-1] / (1 - shrinks[-1]), 0)


def _change(column: Array) -> Array:
    """Return by how much a column changes from step to step; NaN at the first."""
    change = np.full_like(column, np.nan)
    np.abs(column[1:] - column[:-1], out=change[1:])
    return change


def _accumulate(of: np.ufunc, rows: Array) -> Array:
    """Take each row together with all below it, in place: row by row, which is twice as fast as of.accumulate."""
    for row, below in zip(rows[-2::-1], rows[:0:-1], strict=True):
        of(row, below, out=row)
    return rows


def _believed(values: Array, bars: Array) -> _View:
    """From the finest step on, intersect value ± bar while that is possible: the narrowest on the way is believed.

    Where a coarser step contradicts, what is finer stands if it has settled, and else is begun anew.
    """
    known = np.isfinite(bars)
    low = _accumulate(np.maximum, np.where(known, values - bars, -np.inf))
    high = _accumulate(np.minimum, np.where(known, values + bars, np.inf))
    agrees = low <= high
    settled = np.count_nonzero(known & agrees, axis=0) >= _SETTLED
    inside = np.where(known & agrees & settled, bars, np.inf)
    best = inside.argmin(axis=0)
    columns = np.arange(best.size)
    bar = inside[best, columns]
    value = np.where(np.isfinite(bar), values[best, columns], np.nan)
    view = _View(value, bar, best)
    anew = np.flatnonzero(~settled & ~agrees[0])
    if anew.size:
        rest = _believed(values[:, anew], np.where(agrees[:, anew], np.inf, bars[:, anew]))
        view = view.replaced(anew, rest)
    return view


def is_half(epsilon: float) -> bool:
    """Whether a relative rounding is that of half precision, or more."""
    return epsilon > 2.0**-16


def few_digits(epsilon: float) -> float:
    """Return below which part of a slope a bar has to be over many steps, where f is rounded by epsilon."""
    return max(_FEW[is_half(epsilon)], _FEW[2] * epsilon)


def _averaged(coarse: Estimate, stencil: Stencil) -> tuple[Estimate, Array]:
    """Take slopes averaged over many steps where they are known to two digits, and the longer steps to less.

    Returned is also where that is so.
    """
    sharper = ~(coarse.bar <= WIDE * np.maximum(np.abs(coarse.value), coarse.reached)) & (coarse.kind != Kind.KINK)
    entries = np.flatnonzero(sharper & (not stencil.box.whole))
    sharper[:] = False
    if entries.size:
        before = coarse.subset(entries)
        value, bar = averaged(stencil.subset(entries))
        wide = np.nan_to_num(before.bar, nan=np.inf)
        better = (bar < wide) & ~(np.abs(value - before.value) > bar + wide)
        # What all of f is rounded to hides small slopes; elsewhere they have to be known by themselves.
        few = is_half(stencil.x_epsilon) | (bar <= few_digits(stencil.x_epsilon) * np.abs(value))
        sharper[entries] = better & few
        after = replace(before, value=value, bar=bar, kind=np.full(few.size, Kind.SMOOTH, np.int8))
        coarse = coarse.replaced(entries[better], after.subset(better))
    return coarse, sharper


def _judged_over(rungs: _Rungs, estimate: Estimate, entries: Array, height: Array, tilt: Array) -> Estimate:
    """Take the height of the steps for noise, and believe what that makes of the longer steps where it is narrow.

    `tilt` is the height of a step over its distance. What leaps as its work changes, as an adaptive integrator does, is
    off by far more than it leaps: slopes that differ by a little are then left open.
    """
    coarse = _Sides.of(rungs.subset(entries), np.zeros((2, entries.size), bool), height).estimate()
    fine = estimate.subset(entries)
    off = np.abs(coarse.value - fine.value)
    narrow = coarse.bar <= WIDE * np.maximum(np.abs(coarse.value), coarse.reached)
    coarse, few = _averaged(coarse, rungs.stencil.subset(entries))
    narrow = (few | narrow) & ((coarse.kind == Kind.SMOOTH) | (coarse.kind == Kind.KINK))
    near = narrow & (off <= WIDE * np.abs(coarse.value))
    little, bar = np.minimum(_TILT * tilt, _LITTLE * np.abs(fine.value)), coarse.bar + np.where(near, off, 0)
    narrow &= not rungs.stencil.box.whole  # all steps of what gives whole numbers are its own, and no lost digits
    step = np.where(np.isfinite(bar), height, 0)
    over = replace(coarse, bar=bar, other=fine.value, other_bar=np.maximum(fine.bar, little))
    between = replace(fine, step=step, other=coarse.value, other_bar=np.maximum(bar, little))
    return estimate.replaced(entries, between).replaced(entries[narrow], over.subset(narrow))
