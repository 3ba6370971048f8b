"""Does f move close to x as a claim has it, and not as longer steps show? Then nobody is accused. Next: numeric.

A fast wave or sawtooth looks smooth over many of its periods, with its mean slope. Before a claim is called wrong, f is
evaluated where the claim and the slope that was found could first be told apart: a few roundings from each other.
"""

from collections.abc import Callable

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.stairs import inputs_of, leader
from jacinspect.jacobian.values.stencil import Stencil
from jacinspect.records import dataclass

__all__ = ["moves_as_claimed"]

_ROUNDINGS = 4.0  # that a claim and the slope differ by over the shortest step: twice what two values are off by
_STEPS = 1.0, 1.5, 2.0  # times that: noise that happens to fit a claim at one does not at all three, on both sides
_FOLLOWED = 16.0  # times what a slope moves f by: where f moves by more, that slope explains nothing,
_SCATTERED = 2.0**16  # and by so many roundings: neighbouring values of f have nothing in common
_STEEP = 64.0  # a claim may be the slope of that, if f moves by no more than so many times what it would over a step
_STRAIGHT = 0.25  # of what f moves by, that it is off a line: twice what rounding of x makes it, and hardly by chance
_BENT = 2.0**-4  # of that, which it is off a power of the step where it bends: values by chance fit none so well
_LEAST_POWER = 0.5  # of a bend: between a jump, of which nothing is known, and |x|
# Below the shortest steps in units of 1, f may stand still over steps in units of x, for it adds larger numbers to it:
# it may move over steps so much longer in between.
_SMALLEST, _LONGER = 2.0**-50, 2.0**16
_ROUNDS = 16  # of outputs that read one input, and need steps of their own

Contradicts = Callable[[Array, Array, Array], Array]


@np.errstate(all="ignore")
def moves_as_claimed(stencil: Stencil, value: Array, bar: Array, gap: Array, contradicts: Contradicts) -> Array:
    """Return where f moves as claimed on both sides of x; or too fast to be followed from one number to the next.

    `value` ± `bar` is what longer steps show, of a kink the mean of slopes that are `gap` apart. `contradicts` says of
    entries, given by their places, where claims contradict a value and its bar.
    """
    inputs, numbers = inputs_of(stencil), np.finfo(stencil.x.dtype)
    x, least = np.abs(stencil.x.reshape(-1)[inputs]), numbers.smallest_subnormal  # so far apart are numbers near 0
    # What cancels at x has the size that it has a little farther on, to both sides, and the last bits of that.
    peak = np.fmax(np.fmin(*(np.abs(y) for y in stencil.sides([x / 2 / np.abs(stencil.units())]))), np.abs(stencil.y0))
    rounding = stencil.epsilon * peak + stencil.x_epsilon * x * np.abs(value) + least
    apart = bar + least  # 0 stays 0 doubled
    while (further := contradicts(np.arange(x.size), value, gap / 2 + 2 * apart) & np.isfinite(apart)).any():
        apart[further] *= 2
    nearest = np.where(x == 0, numbers.eps**2, stencil.x_epsilon * x + least)  # at 0, far from where powers underflow
    step = _ROUNDINGS * (rounding / apart + nearest) / np.abs(stencil.units())
    closeup = _Closeup(stencil, value, apart, rounding, contradicts)
    found, left = np.zeros(x.size, bool), np.arange(x.size)
    while left.size:
        found[left], still = closeup.fit(left, step[left])
        step[left] *= _LONGER
        left = left[still & (x[left] < _SMALLEST) & (step[left] < _SMALLEST)]
    return found


@dataclass(frozen=True, eq=False)
class _Closeup:
    """Outputs whose claims are `apart` from their `value`, as `contradicts` says; `rounding` is that of f."""

    stencil: Stencil
    value: Array
    apart: Array
    rounding: Array
    contradicts: Contradicts

    def fit(self, entries: Array, step: Array) -> tuple[Array, Array]:
        """Return where f moves over a step each as claimed, or too fast to be followed; and where it does not move."""
        inputs, left = inputs_of(self.stencil)[entries], np.arange(entries.size)
        found, still = np.zeros((2, entries.size), bool)
        for _ in range(_ROUNDS):
            if not left.size:
                break
            t = step[left][leader(inputs[left], -step[left])]
            now = step[left] <= 4 * t
            found[left[now]], still[left[now]] = self._fit_over(entries[left[now]], t[now])
            left = left[~now]
        return found, still

    def _fit_over(self, entries: Array, t: Array) -> tuple[Array, Array]:
        """Return the same of some entries over steps t, the same for all that read one input."""
        stencil, value, apart = self.stencil.subset(entries), self.value[entries], self.apart[entries]
        has_nearest = stencil.x.reshape(-1)[inputs_of(stencil)] != 0  # 0 has no nearest numbers
        rises, widths = np.zeros((2, 0, 2, t.size))
        for longer in _STEPS:
            rises = np.r_[rises, [[y - stencil.y0 for y in stencil.sides([longer * t])]]]
            widths = np.r_[widths, [[stencil.width(side * longer * t) for side in (-1, 1)]]]
            moves = _Moves(rises, widths, value, apart)
            fits = moves.fit(lambda *slope: self.contradicts(entries, *slope))
            steep = moves.too_steep(self.rounding[entries]) & has_nearest
            if not (fits | steep).any():
                break
        return fits | (steep & ~moves.straight() & ~moves.bent()), (rises == 0).all(axis=(0, 1))


@dataclass(frozen=True, eq=False)
class _Moves:
    """By how much f moves over a few steps to both sides, (steps, 2, entries), and how far x was moved.

    `apart` is by how much claims differ from the slopes that were found, `value`, at least.
    """

    rises: Array
    widths: Array
    value: Array
    apart: Array

    def fit(self, contradicts: Callable[[Array, Array], Array]) -> Array:
        """Return where f moves as claimed, and not by `value`: at one side at least, if x is at the end of a tooth.

        The sides of a bend differ as well, by as much more as the step is longer, and its central slope is `value`.
        Between two steps of a staircase f stands still, and that bears out nobody.
        """
        slopes = self.rises / self.widths
        central, gap = slopes.mean(axis=1), slopes[:, 1] - slopes[:, 0]
        kinds = (central, slopes[:, 0], slopes[:, 1])
        fits = [(~contradicts(kind, self.apart / 2)).all(axis=0) for kind in kinds]
        end = ~(np.abs(central - self.value) <= self.apart / 2).any(axis=0)
        end |= np.abs(gap[-1] - gap[0]) <= self.apart / 2
        return np.asarray((fits[0] | (end & (fits[1] | fits[2]))) & (self.rises != 0).any(axis=(0, 1)))

    def too_steep(self, rounding: Array) -> Array:
        """Return where f moves by far more than its slope explains, and by no more than what is claimed may."""
        width = np.abs(self.widths[-1, 1])
        explained = np.maximum(_FOLLOWED * np.abs(self.value) * width, _SCATTERED * rounding)
        return np.asarray((self.most > explained) & (self.most <= _STEEP * self.apart * width))

    def straight(self) -> Array:
        """Return where f moves along one line to both sides, as a wave does that is followed."""
        line = (self.rises[-1, 1] - self.rises[-1, 0]) / (self.widths[-1, 1] - self.widths[-1, 0])
        return np.asarray((np.abs(self.rises - line * self.widths) <= _STRAIGHT * self.most).all(axis=(0, 1)))

    def bent(self) -> Array:
        """Return where f moves by a power of the step, to both sides alike: at a minimum, say."""
        alike, width = self.rises.mean(axis=1), np.abs(self.widths).mean(axis=1)
        power = np.log(alike[-1] / alike[0]) / np.log(width[-1] / width[0])
        off = self.rises - alike[0] * np.abs(self.widths / width[0]) ** power
        return np.asarray((power >= _LEAST_POWER) & (np.abs(off) <= _BENT * self.most).all(axis=(0, 1)))

    @property
    def most(self) -> Array:
        """By how much f moves at most."""
        return np.asarray(np.abs(self.rises).max(axis=(0, 1)))
