"""Slopes over longer steps than those in which f moves, whose height is noise to them. Next: ladder."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.averages import averaged
from jacinspect.jacobian.values.differences import WIDE
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.sides import Estimate, Sides
from jacinspect.jacobian.values.slopes import Rungs
from jacinspect.jacobian.values.stencil import Kind, Stencil, own_scale
from jacinspect.jacobian.values.treads import rounding_of_x, steps_around
from jacinspect.records import replace

__all__ = ["among_known", "among_steps", "over_many"]

_TILT, _LITTLE = 32.0, 2.0**-6  # 32 as measured on solve_ivp; so that 3 % are told from right wherever leaps are small
_ONE_DIGIT = 2.0**-3  # of a slope: 1 - cos(x) at 1e-10 is known to no more
_SCALES = 4  # of steps, each higher than those before: as measured, BDF has two


def among_steps(rungs: Rungs, estimate: Estimate, entries: Array, believed: Array, doubts: Doubts) -> Estimate:
    """Take the height of the steps in which f moves for noise, of entries with a slope at the step that is `believed`.

    Longer steps that are believed then may be among higher ones, as of BDF at 1e-3, whose leaps of 3e-6 lie between
    those of 5e-3: where somebody contradicts it all, these are looked for.
    """
    fine = seen = estimate.subset(entries)
    lower = np.zeros(entries.size)
    for _ in range(_SCALES):
        denied = doubts.subset(entries).deny(seen.value, seen.bar)
        height, away = steps_around(rungs, entries, seen, believed, denied)
        on = np.flatnonzero(height > lower)
        if not on.size:
            break
        entries, fine, lower = entries[on], fine.subset(on), height[on]
        sides = Sides.of(rungs.subset(entries), np.zeros((2, entries.size), bool), lower)
        seen, believed = sides.estimate(), rungs.steps[sides.both.best]
        judged = _judged_over(rungs.subset(entries), fine, seen, lower / away[on])
        estimate = estimate.replaced(entries, judged)
        claims = doubts.subset(entries)
        left = claims.deny(judged.value, judged.bar) & claims.deny(judged.other, judged.other_bar)
        if not left.any():
            break
        entries, fine, seen = entries[left], fine.subset(left), seen.subset(left)
        lower, believed = lower[left], believed[left]
    return estimate


def among_known(rungs: Rungs, estimate: Estimate, entries: Array, height: Array) -> Estimate:
    """Judge some entries over long steps, with the known height of their outputs' steps as noise.

    What long steps show is believed where it contradicts the slope between two steps: else that may be f's own.
    """
    fine, no_jumps = estimate.subset(entries), np.zeros((2, entries.size), bool)  # what leaps is one of the steps
    coarse = Sides.of(rungs.subset(entries), no_jumps, height).estimate()
    apart = ~(np.abs(coarse.value - fine.value) <= coarse.bar + fine.bar)
    better = (coarse.kind == Kind.SMOOTH) & apart
    over = replace(coarse, other=fine.value, other_bar=fine.bar)
    return estimate.replaced(entries[better], over.subset(better))


def _judged_over(rungs: Rungs, fine: Estimate, coarse: Estimate, tilt: Array) -> Estimate:
    """Believe what longer steps show, with the height of the steps in which f moves for noise, where it is narrow.

    `tilt` is the height of a step over its distance. What leaps as its work changes, as an adaptive integrator does, is
    off by far more than it leaps: slopes that differ by a little are then left open.
    """
    natural = own_scale(rungs.stencil.widths(1.0)[2])  # beside a small x, what f moves by over a unit says little
    large, digits = np.abs(coarse.value), np.where(coarse.kind == Kind.SMOOTH, _ONE_DIGIT, WIDE)
    narrow = coarse.bar <= WIDE * np.maximum(large, coarse.reached)
    narrow &= coarse.bar <= np.maximum(digits * large, WIDE * natural * coarse.reached)
    coarse, few = averaged(coarse, rungs.stencil, rounding_of_x(rungs))
    narrow = (few | narrow) & ((coarse.kind == Kind.SMOOTH) | (coarse.kind == Kind.KINK))
    little = np.minimum(_TILT * tilt, _LITTLE * np.abs(fine.value))
    over = replace(coarse, other=fine.value, other_bar=np.maximum(fine.bar, little))
    between = replace(fine, step=coarse.step, other=coarse.value, other_bar=np.maximum(coarse.bar, little))
    return between.replaced(np.flatnonzero(narrow), over.subset(narrow))


def over_many(estimate: Estimate, stencil: Stencil) -> Estimate:
    """Take slopes averaged over many steps of half precision, whose height is known."""
    estimate, few = averaged(estimate, stencil, stencil.x_epsilon)
    return replace(
        estimate,
        step=np.where(few, stencil.epsilon * np.abs(stencil.y0), estimate.step),
        other=np.where(few, estimate.value, estimate.other),
        other_bar=np.where(few, estimate.bar, estimate.other_bar),
        over_many=few,
    )
