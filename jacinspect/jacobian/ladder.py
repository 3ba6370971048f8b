"""Differences at ever smaller steps for entries in doubt, with a bar and a kind for each. Next: numeric.

Ridders (1982), Accurate computation of F'(x) and F'(x)F''(x); a step counts only where the one-sided slopes have closed
in on each other before.
"""

from dataclasses import dataclass, replace

import numpy as np

from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.differences import LAST, LOST, SHARP, Kind, Stencil, few_last_bits, granule, is_single

__all__ = ["LADDER_CALLS", "NEAREST", "Estimate", "ladder"]

NEAREST = 2.0**-960  # |x| below it is too small to take steps of, which would be no doubles
_OPEN = 1e-5  # a bar above this fraction is wide, or nearly so, and deserves smaller steps
_TREAD = 2.0**-10  # of x: no rounding makes stairs that are wider, unless digits are lost
_FAR = 2.0**20  # the shortest step of a ladder, in units of x, is 1/20 there
_STEPLESS = 2.0**29  # the shortest step of a ladder in units of 1 moves no larger x
_RUNGS = 12
_REACHES = (1.0, 2.0**-18)  # of the finer ladders, in units of x where that is small and of 1 where it is large
LADDER_CALLS = 2 * _RUNGS  # of one; for what it leaves open up to three finer ones take as many again, each
# Each rung is not quite 4 times smaller than the last: at whole ratios a step that happens to be a multiple of f's
# period makes all coarser ones so, and a wrong slope looks settled.
_FIRST, _RATIO = 0.125, 3.84
_FIRST_SINGLE, _RATIO_SINGLE = 0.5, 2.4  # whose noise leaves no room between too long a step and too short a one


@dataclass(frozen=True, eq=False)
class Estimate:
    """Derivatives along a line, one per entry: value ± bar, its kind, and the one-sided slopes where it has a kink.

    `steepest` is the steepest slope to a side that was met: a bend as steep or steeper may look like a jump.
    `stairs` is where f rose over longer steps and stands still over the shortest: a staircase of rounding, perhaps.
    `reached` is the largest |f| that was met, per unit of x.
    """

    value: Array
    bar: Array
    kind: Array
    left: Array
    right: Array
    steepest: Array
    stairs: Array
    reached: Array

    def subset(self, chosen: Array) -> "Estimate":
        """Return the estimate of some of the entries."""
        return Estimate(*(getattr(self, name)[chosen] for name in Estimate.__dataclass_fields__))


def ladder(stencil: Stencil, size: Array | None = None) -> Estimate:
    """Difference at ever smaller steps and take, entry by entry, what has the smallest bar.

    A second, finer ladder, in units of |x| where that is small and of 1 where it is large, climbs for what the first
    does not find smooth, or only with a wide bar, or on one side alone; a third goes on from there, close to a pole.
    A bar is wide against the derivative and `size`, that of f per unit of x: the stencil's own if None.
    """
    estimate = _climb(stencil)
    if stencil.inputs is None:
        return estimate
    # Beside the end of a domain that is nearer than any step, the slope over a step says nothing of that at x.
    near = np.abs(stencil.x.reshape(-1)[stencil.inputs])
    beyond = _one_sided(estimate) & (near > 0) & (near < NEAREST)
    estimate.kind[beyond & (estimate.kind == Kind.SMOOTH)] = Kind.UNRESOLVED
    size = stencil.size() if size is None else size
    for reach in _REACHES:
        unsettled = _wide(estimate, size)
        rough = _one_sided(estimate) | (estimate.kind != Kind.SMOOTH) | _is_far(stencil)
        unsettled |= rough if reach == 1 else _unresolved(estimate)
        entries = np.flatnonzero(unsettled & ~estimate.stairs)
        if not entries.size:
            break
        before, finer = estimate.subset(entries), _climb(stencil.subset(entries).scaled(_unit(stencil.x, reach)))
        better = _better(before, finer)
        _take(estimate, entries, finer, better)
        if not is_single(stencil.epsilon):  # what computes in single precision stands still over short steps
            other = np.where(better, _apart(before, finer), _contradicted(before, finer))
            other &= (near[entries] > 0) | ~_unresolved(finer)  # a kink at 0 itself may drown in rounding
            estimate.kind[entries[other]] = Kind.UNRESOLVED
    _look_through_noise(stencil, estimate, size)
    return estimate


def _unit(x: Array, reach: float) -> Array:
    """Return the unit of a finer ladder's steps: x where that is small, and 1 where it is large."""
    far = np.abs(x)
    with np.errstate(under="ignore"):
        return np.asarray(reach * np.where(far == 0, 2.0**-22, np.minimum(far, 1)))


def _look_through_noise(stencil: Stencil, estimate: Estimate, size: Array) -> None:
    """Trust no slope where what was measured as noise is none: where f, over shorter steps, goes its own smooth way."""
    doubted = (estimate.kind == Kind.SMOOTH) & (_is_far(stencil) | _wide(estimate, size))
    entries = np.flatnonzero(doubted & stencil.is_noisy(estimate.value))
    if entries.size:
        exact = replace(stencil.subset(entries).scaled(_unit(stencil.x, 1)), noise=None)
        finer = _climb(exact)
        other = (finer.kind != Kind.UNRESOLVED) & _contradicted(estimate.subset(entries), finer)
        estimate.kind[entries[other | (np.abs(exact.x.reshape(-1)[exact.inputs]) > _STEPLESS)]] = Kind.UNRESOLVED


def _contradicted(before: Estimate, finer: Estimate) -> Array:
    """Where short steps show something else than long ones: another slope, a kink, a jump, nothing that converges.

    Or they do not move f at all, as on a staircase, though long steps do.
    """
    with np.errstate(invalid="ignore"):
        still = (finer.steepest == 0) & (before.value != 0)
    other = np.where(finer.kind == Kind.SMOOTH, still | _apart(before, finer), finer.kind != before.kind)
    return np.asarray(other & (before.kind != Kind.NONFINITE) & (finer.kind != Kind.NONFINITE))


def _apart(before: Estimate, finer: Estimate) -> Array:
    """Where two slopes that both seem settled are further apart than their bars allow."""
    settled = (before.kind == Kind.SMOOTH) & (finer.kind == Kind.SMOOTH)
    with np.errstate(all="ignore"):
        return np.asarray(settled & (np.abs(finer.value - before.value) > finer.bar + before.bar))


def _wide(estimate: Estimate, size: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(~(estimate.bar <= _OPEN * np.maximum(np.abs(estimate.value), size)))


def _is_far(stencil: Stencil) -> Array:
    """Where steps in units of x are so long that f may have many bends within the shortest."""
    inputs = slice(None) if stencil.inputs is None else stencil.inputs
    return np.asarray(np.abs(stencil.x.reshape(-1)[inputs]) > _FAR)


def _unresolved(estimate: Estimate) -> Array:
    return np.asarray(estimate.kind == Kind.UNRESOLVED)


def _one_sided(estimate: Estimate) -> Array:
    return np.isnan(estimate.left) ^ np.isnan(estimate.right)


def _better(before: Estimate, finer: Estimate) -> Array:
    """Where the finer steps tell more."""
    found = (finer.kind != Kind.UNRESOLVED) & (finer.kind != Kind.NONFINITE)
    with np.errstate(all="ignore"):
        sharper = finer.bar < before.bar
        # A kink is not gone where the finer steps drown it in rounding.
        beyond = (before.kind != Kind.KINK) | (finer.bar < np.abs(before.right - before.left) / 4)
    # Where f is not defined a long step away, what it does on the other side says little of a point close to the end.
    inside = _one_sided(before) & ~_one_sided(finer)
    smooth = before.kind == Kind.SMOOTH
    moved = finer.steepest > 0  # a plateau of what has lost its digits is flat, too
    return np.asarray(found & np.where(smooth, (finer.kind == Kind.SMOOTH) & moved & (sharper | inside), beyond))


def _take(estimate: Estimate, entries: Array, finer: Estimate, better: Array) -> None:
    for name in set(Estimate.__dataclass_fields__) - {"reached"}:
        getattr(estimate, name)[entries[better]] = getattr(finer, name)[better]


class _Tableau:
    """Neville's extrapolation to step 0 of at most three columns, entry by entry, fed one rung at a time."""

    def __init__(self, size: int, ratio: float) -> None:
        self.value, self.bar = np.full(size, np.nan), np.full(size, np.inf)
        self.improved = False  # by the last rung, somewhere
        self._ratio = ratio
        self._previous: list[Array] = []
        self._gap = np.full(size, np.nan)
        self._steady = np.zeros(size, np.int8)

    def add(self, slope: Array, gap: Array, floor: Array) -> None:
        """Take the slope at the next smaller step; `gap` must halve, or lie on the floor, three times running."""
        closing = (gap <= self._gap / 2) | (gap <= 2 * floor)
        self._steady = np.where(closing, np.minimum(self._steady + 1, 3), 0).astype(np.int8)
        self._gap = gap
        columns = [slope]
        spread = np.zeros(slope.size)
        self.improved = False
        for power, previous in enumerate(self._previous[:2], 1):
            better = columns[-1] + (columns[-1] - previous) / (self._ratio**power - 1)
            # No column claims to be more than so much sharper than the one before: where f'' jumps close to x, two
            # columns may agree by chance.
            spread = np.fmax(np.maximum(np.abs(better - columns[-1]), np.abs(better - previous)), spread / 8)
            bar = spread + floor
            take = (self._steady == 3) & (bar < self.bar)
            self.value[take], self.bar[take] = better[take], bar[take]
            self.improved |= bool(take.any())
            columns.append(better)
        self._previous = columns

    @property
    def converged(self) -> Array:
        """Whether any rung counted."""
        return np.asarray(np.isfinite(self.bar))


def _climb(stencil: Stencil) -> Estimate:
    number, size = stencil.y0.size, stencil.size()
    first, ratio = (_FIRST_SINGLE, _RATIO_SINGLE) if is_single(stencil.epsilon) else (_FIRST, _RATIO)
    central, left, right = _Tableau(number, ratio**2), _Tableau(number, ratio), _Tableau(number, ratio)
    before = between = after = np.full(number, np.nan)
    left_grows, right_grows = np.zeros(number, np.int8), np.zeros(number, np.int8)
    left_finite, right_finite = np.zeros(number, bool), np.zeros(number, bool)
    rose, steepest, reached = np.zeros(number, bool), np.zeros(number), np.zeros(number)
    with np.errstate(all="ignore"):
        for rung in range(_RUNGS):
            t = first * ratio**-rung
            sample = stencil.sample(t)
            stencil = stencil.hearing(sample)
            low, middle, high, floor = stencil.slopes(t, *sample)
            central.add(middle, np.maximum(np.abs(high - low), np.abs(middle - between)), floor)
            left.add(low, np.abs(low - before), 2 * floor)
            right.add(high, np.abs(high - after), 2 * floor)
            left_grows, right_grows = (
                _growing(low, before, left_grows, ratio),
                _growing(high, after, right_grows, ratio),
            )
            left_finite |= np.isfinite(low)
            right_finite |= np.isfinite(high)
            if t < _TREAD:
                rose |= (low / high > 0.5) & (low / high < 2)
            rose |= (np.abs(central.value) > central.bar) | _loses_digits(stencil, sample)
            steepest = np.fmax(steepest, np.fmax(np.abs(low), np.abs(high)))
            reached = np.fmax(reached, np.fmax(np.abs(sample[0]), np.abs(sample[1])))
            before, between, after = low, middle, high
            if not central.improved and np.all(central.bar <= SHARP * np.maximum(np.abs(central.value), size)):
                break
        grows = left_grows >= 4, right_grows >= 4
        stairs = rose & (before == 0) & (after == 0)
        defined = np.isfinite(stencil.y0)
        reached = reached / stencil.step_scale()
        return _judge(central, left, right, (left_finite, right_finite), grows, defined, steepest, stairs, reached)


def _loses_digits(stencil: Stencil, sample: tuple[Array, Array]) -> Array:
    """Where f moves by so few last bits of x, or of 1, that it can be nothing else, and these are no last bits of f."""
    lost = np.zeros(stencil.y0.size, bool)
    for y in sample:
        rise = np.abs(y - stencil.y0)
        few = few_last_bits(rise) | (rise <= LOST * granule(rise))
        lost |= few & (rise <= LOST * LAST * stencil.step_scale()) & (rise > 8 * LAST * np.abs(stencil.y0))
    return lost


def _growing(slope: Array, before: Array, times: Array, ratio: float) -> Array:
    """Count how many times running a slope grew as the step shrank, as it does across a jump and nowhere else."""
    grown = np.abs(slope) / np.abs(before)
    return np.where((grown > 0.9 * ratio) & (grown < 1.1 * ratio), np.minimum(times + 1, 4), 0).astype(np.int8)


def _judge(
    central: _Tableau,
    left: _Tableau,
    right: _Tableau,
    finite: tuple[Array, Array],
    grows: tuple[Array, Array],
    defined: Array,
    steepest: Array,
    stairs: Array,
    reached: Array,
) -> Estimate:
    """Say what each entry is: smooth if its two sides close in on each other, else by what its sides do alone."""
    one, other = left.converged, right.converged
    alone = (one & ~finite[1]) | (other & ~finite[0])  # f ends here: the slope of the side where it is defined
    apart = np.abs(left.value - right.value) > left.bar + right.bar
    jump = (one & grows[1]) | (other & grows[0]) | (grows[0] & grows[1])
    kind = np.select(
        [~defined | ~(finite[0] | finite[1]), central.converged, alone, one & other & apart, one & other, jump],
        [Kind.NONFINITE, Kind.SMOOTH, Kind.SMOOTH, Kind.KINK, Kind.SMOOTH, Kind.JUMP],
        Kind.UNRESOLVED,
    ).astype(np.int8)
    side = np.where(one & ~(other & (right.bar < left.bar)), left.value, right.value)
    sided = ~central.converged & (kind == Kind.SMOOTH)
    value = np.where(sided, side, np.where(kind == Kind.KINK, (left.value + right.value) / 2, central.value))
    bar = np.where(
        sided, np.minimum(left.bar, right.bar), np.where(kind == Kind.KINK, left.bar + right.bar, central.bar)
    )
    value = np.where(kind == Kind.JUMP, np.where(one, left.value, np.where(other, right.value, 0)), value)
    bar = np.where(kind == Kind.JUMP, np.where(one, left.bar, np.where(other, right.bar, 0)), bar)
    # Across a jump, slope 0 is as good as the slope of the side that holds the value.
    low = np.where(kind == Kind.JUMP, 0.0, left.value)
    high = np.where(kind == Kind.JUMP, value, right.value)
    stairs = stairs & (kind == Kind.SMOOTH) & (value == 0)
    kind[stairs] = Kind.UNRESOLVED
    return Estimate(value, bar, kind, low, high, steepest, stairs, reached)
