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
    assert stencil.inputs is not None
    x = np.abs(stencil.x.reshape(-1)[inputs_of(stencil)])
    numbers = np.finfo(stencil.x.dtype)  # which are evenly spaced near 0
    # What cancels at x has the size that it has a little farther on, to both sides, and the last bits of that.
    peak = np.fmax(np.fmin(*(np.abs(y) for y in stencil.sides([x / 2 / np.abs(stencil.units())]))), np.abs(stencil.y0))
    rounding = stencil.epsilon * peak + stencil.x_epsilon * x * np.abs(value) + numbers.smallest_subnormal
    apart = np.maximum(bar, numbers.smallest_subnormal)  # 0 stays 0 doubled
    while (further := contradicts(np.arange(x.size), value, gap / 2 + 2 * apart) & np.isfinite(apart)).any():
        apart[further] *= 2
    nearest = np.where(x == 0, numbers.eps**2, stencil.x_epsilon * x)  # at 0, far from where powers of steps underflow
    step = _ROUNDINGS * (rounding / apart + nearest) / np.abs(stencil.units())
    found, left = np.zeros(x.size, bool), np.arange(x.size)
    while left.size:
        part = _Closeup(stencil.subset(left), step[left], value[left], rounding[left], apart[left])
        found[left], still = part.fit(lambda places, *slope, at=left: contradicts(at[places], *slope))
        step[left] *= _LONGER
        left = left[still & (x[left] > 0) & (x[left] < _SMALLEST) & (step[left] < _SMALLEST)]
    return found


@dataclass(frozen=True, eq=False)
class _Closeup:
    """Outputs that are looked at over a step each, where claims are `apart` from their `value`; `rounding` is f's."""

    stencil: Stencil
    step: Array
    value: Array
    rounding: Array
    apart: Array

    def fit(self, contradicts: Contradicts) -> tuple[Array, Array]:
        """Return where f moves as claimed, or too fast to be followed; and where it does not move at all."""
        inputs, left = inputs_of(self.stencil), np.arange(self.step.size)
        found, still = np.zeros((2, left.size), bool)
        for _ in range(_ROUNDS):
            if not left.size:
                break
            t = self.step[left][leader(inputs[left], -self.step[left])]
            now, part = self.step[left] <= 4 * t, self.stencil.subset(left)
            moves = _Moves(np.zeros((0, 2, left.size)), np.zeros((0, 2, left.size)), self.apart[left])
            possible = now
            for longer in _STEPS:
                if not possible.any():
                    break
                moves = moves.with_those(part, longer * t)
                steep = moves.too_steep(np.abs(self.value[left]), self.rounding[left])
                steep &= self.stencil.x.reshape(-1)[inputs[left]] != 0  # 0 has no nearest numbers
                possible = now & (steep | moves.fit(self.value[left], lambda *slope, at=left: contradicts(at, *slope)))
            found[left] |= possible
            still[left] |= now & (moves.rises == 0).all(axis=(0, 1))
            left = left[~now]
        return found, still


@dataclass(frozen=True, eq=False)
class _Moves:
    """By how much f moves over a few steps to both sides, (steps, 2, entries), and how far x was moved.

    `apart` is by how much claims differ from the slopes that were found, at least.
    """

    rises: Array
    widths: Array
    apart: Array

    def with_those(self, stencil: Stencil, t: Array) -> "_Moves":
        """Return these and those over a further step."""
        rises = [y - stencil.y0 for y in stencil.sides([t])]
        widths = [stencil.width(side * t) for side in (-1, 1)]
        return _Moves(np.r_[self.rises, [rises]], np.r_[self.widths, [widths]], self.apart)

    def straight(self, slope: Array) -> Array:
        """Return where f moves along a line to each side, but for what a slope moves it by over a first step.

        That is known of three steps, of which the second is half way.
        """
        if self.rises.shape[0] < len(_STEPS):
            return np.ones(self.apart.size, bool)
        off = np.abs(self.rises[1] - (self.rises[0] + self.rises[2]) / 2).max(axis=0)
        return np.asarray(off <= np.abs(slope * self.widths[0, 1]))

    def fit(self, value: Array, contradicts: Callable[[Array, Array], Array]) -> Array:
        """Return where f moves as claimed, and not by `value`: at one side at least, if x is at the end of a tooth.

        The sides of a bend differ as well, by as much more as the step is longer, and its central slope is `value`.
        Between two steps of a staircase f stands still, and that bears out nobody.
        """
        slopes = self.rises / self.widths
        central, gap = slopes.mean(axis=1), slopes[:, 1] - slopes[:, 0]
        kinds = (central, slopes[:, 0], slopes[:, 1])
        fits = [np.all([~contradicts(each, self.apart / 2) for each in kind], axis=0) for kind in kinds]
        end = ~(np.abs(central - value) <= self.apart / 2).any(axis=0) | (np.abs(gap[-1] - gap[0]) <= self.apart / 2)
        moved = (self.rises != 0).any(axis=(0, 1)) | (self.rises.shape[0] < len(_STEPS))
        return np.asarray((fits[0] | (end & (fits[1] | fits[2]))) & moved & self.straight(self.apart))

    def bent(self, moved: Array) -> Array:
        """Return where f moves by a power of the step, to both sides alike, besides a line: at a minimum, say."""
        if self.rises.shape[0] < len(_STEPS):
            return np.zeros(moved.size, bool)
        alike, line = self.rises.sum(axis=1) / 2, (self.rises[:, 1] - self.rises[:, 0]) / 2
        power = np.log2(alike[2] / alike[0])
        twisted = [line[1] - line[0] * _STEPS[1], line[2] - line[0] * _STEPS[2]]
        off = np.abs([alike[1] - alike[0] * _STEPS[1] ** power, *twisted])
        return np.asarray((power >= _LEAST_POWER) & (off <= moved / 8).all(axis=0))

    def too_steep(self, slope: Array, rounding: Array) -> Array:
        """Return where f moves by far more than a slope explains, along no line or bend, and within what is claimed."""
        moved, width = np.abs(self.rises).max(axis=(0, 1)), np.abs(self.widths[-1, 1])
        scattered = moved > np.maximum(_FOLLOWED * slope * width, _SCATTERED * rounding)
        central = (self.rises / self.widths).mean(axis=1)
        even = (np.abs(central - central[0]) <= np.abs(central[0]) / 4).all(axis=0) & self.straight(central[0] / 4)
        even &= self.rises.shape[0] == len(_STEPS)
        return np.asarray(scattered & ~even & ~self.bent(moved) & (moved <= _STEEP * self.apart * width))
