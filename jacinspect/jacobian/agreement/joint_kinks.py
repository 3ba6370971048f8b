"""Outputs on a kink in several inputs: is a claim possible in all of them together? Next: findings.

At a tie of three, a maximum has slopes 0 and 1 by each input, and each entry of a gradient (1, 1, 1) lies between them.
Along a direction v that moves all three, J·v has to lie between the one-sided slopes along v, as it does for every
subgradient of a convex or a concave function (Rockafellar 1970, theorem 23.2). Others, as the median, have
derivatives in use that do not, so that only convex and concave outputs are accused.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np

from jacinspect.jacobian.agreement.comparison import Comparison, Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.indices import distinct, without
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.ladder import LADDER_CALLS, ladder
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.stencil import Kind, finite, own_scale, step_scale
from jacinspect.records import dataclass, replace

__all__ = ["JointKink", "joint_kinks", "not_additive", "not_differentiable", "separable"]

_RANDOM = 2  # directions among the inputs, besides their sum and that of the claim itself
_QUIET = 6  # directions that show no further output: at half of them or so, a limiter's or min(x, max/2) does not show
# Differences over one short step h are off by a fraction of a slope that is about h, where f is curved.
_SUSPECT = 2.0**-12, 64.0  # of a slope, and of h: claims that are closer to the slopes are accepted
_BENT = 2.0**-16, 4.0  # what is less than convex or concave by that is not found out, but then no claim is off by more
_APART = 0.125  # of a slope: at a tie, slopes and their sum are apart by more, and where f is curved by less
_LONGEST = 2.0**-16  # first step of doubles: over 64 times that, what is smooth is nearly straight
_LENGTHS = 8.0, 64.0  # times a first step: f rises in proportion where inputs tie, but for curvature
# Along a line, tied inputs change their order several times, where an order statistic bends up or down.
_LINES, _FEWER, _POINTS, _FAR = 8, 4, 33, 3.0  # or fewer lines, where calls are few; points on each, and how far


@dataclass(frozen=True, eq=False)
class JointKink:
    """An output whose claim is impossible along a direction, the inputs that were moved, and the slopes along it.

    `number` is how many such outputs there are.
    """

    output: int
    inputs: Array
    claimed: float
    left: float
    right: float
    number: int


def joint_kinks(near: Neighbourhood, comparison: Comparison, rng: np.random.Generator, calls: int) -> JointKink | None:
    """Compare J·v of the claim with the one-sided slopes along v, where outputs have kinks in several inputs.

    The claim is on all of f's pattern. At most so many `calls` of f are made; returned is the worst output.
    """
    pattern, numeric = comparison.numeric.jacobian.pattern, comparison.numeric
    joint = _joint(comparison)
    rows = distinct(pattern.rows[joint])
    if not rows.size:
        return None
    end = near.box.evaluations + calls
    claim, unit = Jacobian(pattern, comparison.claimed), step_scale(near.x.reshape(-1))
    moved, read = np.zeros(unit.size), pattern.indices[joint]
    moved[read] = unit[read]
    rounding = near.rounding(numeric.jacobian, numeric.bar)
    ask = _Asked(near, moved, rows)
    for direction in _directions(claim, joint, unit, rng):
        if near.box.evaluations + 2 + LADDER_CALLS + _FEWER * _POINTS > end:
            return None
        v = ask.tangent(direction)
        claimed = (claim @ v).ravel()
        suspects = rows[ask.suspected(direction, claimed[rows])]
        if not suspects.size:
            continue
        allowed = _allowed(comparison, v)[suspects]
        stencil = near.along(v.reshape(near.x.shape), rounding).subset(suspects)
        estimate = ladder(stencil, Doubts.unless_near(claimed[suspects], allowed))
        outside = _beyond(claimed[suspects], estimate.left, estimate.right) - estimate.bar - allowed
        off = np.flatnonzero(outside > 0)
        off = off[replace(ask, rows=suspects[off]).bend_one_way(rng, end - near.box.evaluations)]
        if off.size:
            worst = off[np.argmax(outside[off])]
            output = int(suspects[worst])
            inputs = pattern.indices[joint & (pattern.rows == output)]
            sides = float(estimate.left[worst]), float(estimate.right[worst])
            if estimate.kind[worst] == Kind.SMOOTH:
                sides = (float(estimate.value[worst]),) * 2
            return JointKink(output, inputs, float(claimed[output]), *sides, off.size)
    return None


def not_differentiable(near: Neighbourhood, comparison: Comparison, rng: np.random.Generator, calls: int) -> Array:
    """Return outputs that are accused although along random directions they do not rise by what single inputs add.

    Such are order statistics of equal numbers: the derivative in use of a median is 1 by one of them. What is convex or
    concave has its slopes along v between those that single inputs show. At most so many `calls` are made.
    """
    pattern, numeric = comparison.numeric.jacobian.pattern, comparison.numeric
    accused = distinct(pattern.rows[comparison.status == Status.DISAGREES])
    rows = accused[pattern.lengths[accused] > 1]
    rows = without(rows, pattern.rows[numeric.stairs.entries])  # what moves in steps adds up over long ones alone
    if not rows.size:
        return rows
    found, end = np.zeros(rows.size, bool), near.box.evaluations + calls
    ask = _Asked(near, step_scale(near.x.reshape(-1)), rows)  # all inputs: at a tie a pattern may lack some
    for _ in range(_RANDOM):
        direction = rng.standard_normal(near.x.size)
        for v in (direction, -direction):
            if near.box.evaluations + 1 + len(_LENGTHS) <= end:
                rise = ask.steady(v)
                found |= np.isfinite(rise) & ask.apart(rise, _summed(comparison, ask.tangent(v))[rows])
    kinked = found & np.isin(rows, pattern.rows[numeric.kind != Kind.SMOOTH])
    if near.box.evaluations + _FEWER * _POINTS <= end:
        found[kinked] = ~replace(ask, rows=rows[kinked]).bend_one_way(rng, end - near.box.evaluations)
    return np.asarray(rows[found])


def not_additive(near: Neighbourhood, rows: Array, rng: np.random.Generator, calls: int) -> Array:
    """Return those of some outputs that do not rise along the sum of two directions by what they do along each.

    No Jacobian describes these: so a slope limiter at equal numbers, which has one derivative along each line. At most
    so many `calls` are made.
    """
    ask, found = _Asked(near, step_scale(near.x.reshape(-1)), rows), np.zeros(rows.size, bool)
    quiet, end = 0, near.box.evaluations + calls
    while quiet < _QUIET and not found.all() and near.box.evaluations + 3 * (1 + len(_LENGTHS)) <= end:
        one, other = rng.standard_normal((2, near.x.size))
        rise, besides, both = map(ask.steady, (one, other, one + other))
        with np.errstate(all="ignore"):
            slack = 3 * ask.noise + _APART * np.maximum(np.abs(rise), np.abs(besides))
            off = np.isfinite(rise + besides + both) & ~(np.abs(rise + besides - both) <= slack)
        quiet = 0 if (off & ~found).any() else quiet + 1
        found |= off
    return np.asarray(rows[found])


def separable(near: Neighbourhood, comparison: Comparison, rows: Array, rng: np.random.Generator) -> Array:
    """Return those of some outputs that rise along random directions by what each input alone adds, as a sum of relus.

    So nothing else is read by them, and they are on no tie. Each direction takes a call of f. Where steps in units of 1
    are too long for a small x, as many are taken in units of x, which may be short enough.
    """
    x, found = near.x.reshape(-1), rows[:0]
    for unit in (step_scale(x), own_scale(x)):
        ask = _Asked(near, unit, without(rows, found))
        if not ask.rows.size:
            break
        for _ in range(_QUIET):
            direction = rng.standard_normal(x.size)
            (rise,) = ask.rises([direction])
            summed = _summed(comparison, ask.tangent(direction))[ask.rows]
            ask = replace(ask, rows=ask.rows[~ask.apart(rise, summed)])
        found = distinct(found, ask.rows)
    return found


def _summed(comparison: Comparison, v: Array) -> Array:
    """Return the sum over the inputs of what each alone adds to f's one-sided derivative along v."""
    jacobian, kinks = comparison.numeric.jacobian, comparison.numeric.kinks
    slopes = jacobian.data.copy()
    forward = v[jacobian.pattern.indices[kinks.entries]] > 0
    slopes[kinks.entries] = np.where(forward, kinks.right, kinks.left)
    slopes[v[jacobian.pattern.indices] == 0] = 0  # slopes by what is not finite are unknown, and it is not moved
    return np.asarray((Jacobian(jacobian.pattern, slopes) @ v).ravel())


def _joint(comparison: Comparison) -> Array:
    """Return the entries accepted on a kink of outputs that have several, all bent up or all bent down."""
    numeric, pattern = comparison.numeric, comparison.numeric.jacobian.pattern
    on, kinks, bend = comparison.status == Status.KINK, numeric.kinks, np.zeros(pattern.stored)
    bend[kinks.entries] = np.where(kinks.left < kinks.right, 1, -1)
    number, bends = pattern.sums(on.astype(float)), pattern.sums(bend)
    several = (number > 1) & (np.abs(bends) == number)
    several[pattern.rows[~on & (comparison.status != Status.AGREES)]] = False
    return np.asarray(on & several[pattern.rows])


def _directions(claim: Jacobian, joint: Array, unit: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Yield directions in units of the inputs: their sum, that in which the claim is steepest, and others."""
    yield np.ones(unit.size)
    steepest = claim.only(joint).vjp(np.ones(claim.shape[0])).ravel() * unit
    if steepest.any():
        yield steepest / np.abs(steepest).max()
    for _ in range(_RANDOM):
        yield rng.standard_normal(unit.size)


def _allowed(comparison: Comparison, v: Array) -> Array:
    """Return what each J·v may be off by beside the slopes' bars: what its entries may."""
    jacobian = comparison.numeric.jacobian
    whole = slice(0, jacobian.pattern.stored)
    errors = comparison.numeric.bar + ROUNDING * np.abs(comparison.claimed) + comparison.tolerated(whole)
    return (Jacobian(jacobian.pattern, errors) @ np.abs(v)).ravel()


@np.errstate(all="ignore")
def _beyond(numbers: Array, one: Array, other: Array) -> Array:
    """Return how far numbers are from what lies between two others; NaN where one of these is."""
    return np.asarray(np.abs(numbers - np.clip(numbers, *np.sort([one, other], axis=0))))


@dataclass(frozen=True, eq=False)
class _Asked:
    """Some outputs, and f a short step away along directions that are given in the units of the inputs, 0 for some."""

    near: Neighbourhood
    unit: Array
    rows: Array

    @cached_property
    def step(self) -> float:
        """The step, in units of the inputs, at which rounding and curvature are about equal, for the smallest output.

        Over a shorter one, the rounding of a constant that is large beside the inputs would hide slopes.
        """
        size, shortest = np.min(finite(np.abs(self.near.box.y0[self.rows])), initial=np.inf), self.near.epsilon**0.5
        return float(max(shortest, min(shortest * np.sqrt(size / np.max(self.unit)), _LONGEST)))

    @cached_property
    def noise(self) -> Array:
        """By how much rounding moves a slope over that step."""
        return np.asarray(8 * self.near.epsilon * np.abs(self.near.box.y0[self.rows]) / self.step)

    def tangent(self, direction: Array) -> Array:
        """Return a direction in the units of f's operand, flat, that does not leave its domain."""
        x = self.near.x
        v = np.where(np.isfinite(x.reshape(-1)), direction * self.unit, 0)
        return self.near.box.limited(v.reshape(x.shape), x, self.step).reshape(-1)

    def rises(self, directions: Iterable[Array]) -> Iterator[Array]:
        """Yield f's one-sided derivatives along directions, to first order."""
        for y in self.near.box.many_where_defined(map(self._point, directions)):
            with np.errstate(all="ignore"):
                rise = (y[self.rows] - self.near.box.y0[self.rows]) / self.step
            yield rise

    def _point(self, direction: Array) -> Array:
        point = (self.near.x.reshape(-1) + self.step * self.tangent(direction)).reshape(self.near.x.shape)
        return point.astype(self.near.x.dtype, copy=False)

    @np.errstate(all="ignore")
    def apart(self, rise: Array, slope: Array) -> Array:
        """Return where what f rises by clearly differs from a slope."""
        return np.asarray(~(np.abs(rise - slope) <= self.noise + _APART * np.abs(slope)))

    def steady(self, direction: Array) -> Array:
        """Return what `rises` does along a direction, NaN where it is another over longer steps, as of noise."""
        rise, *longer = self.rises(length * direction for length in (1, *_LENGTHS))
        for length, far in zip(_LENGTHS, longer, strict=True):
            rise[self.apart(rise, far / length)] = np.nan
        return rise

    @np.errstate(all="ignore")
    def suspected(self, direction: Array, claimed: Array) -> Array:
        """Return where a claim is not clearly between the one-sided slopes."""
        right, left = self.rises([direction, -direction])
        slack = self.noise + max(_SUSPECT[0], _SUSPECT[1] * self.step) * np.maximum(np.abs(left), np.abs(right))
        return np.asarray(~(_beyond(claimed, -left, right) <= slack))

    def bend_one_way(self, rng: np.random.Generator, calls: int) -> Array:
        """Return which outputs are convex, or concave, around x along random lines; not those that seem to be both."""
        convex = concave = np.ones(self.rows.size, bool)
        part = max(_BENT[0], _BENT[1] * self.step)
        for _ in range(min(_LINES, calls // _POINTS) if self.rows.size else 0):
            middle, along = rng.standard_normal((2, self.unit.size))
            rises = list(self.rises(middle + s * along for s in np.linspace(-_FAR, _FAR, _POINTS)))
            for one, two, three in zip(rises, rises[1:], rises[2:], strict=False):
                with np.errstate(all="ignore"):
                    bend = one - 2 * two + three
                    slack = 4 * self.noise + part * (np.abs(one) + 2 * np.abs(two) + np.abs(three))
                    convex, concave = convex & (bend >= -slack), concave & (bend <= slack)
        return np.asarray(convex != concave)
