"""f along a few random directions, differenced before anything is known of J. Next: directions."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.differences import first_pass, last_step
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.stencil import step_scale
from jacinspect.records import dataclass

__all__ = ["Direction", "Measurements", "measure_directions", "width"]

_DIRECTIONS = 2  # the chance of missing an error is squared, and each takes no more calls than a color does
_REACH = 0.125  # of a seed's steps: shorter, so that fewer of a direction's many inputs cross a kink
_LONGEST = _REACH / 4  # a quarter is the longest step of a first pass in any precision, see `last_step`
_LARGEST = np.finfo(np.float64).max / 64  # a direction is finite, or 0 times it would be NaN


@dataclass(frozen=True, eq=False)
class Direction:
    """The numeric jvp along one random direction, value ± bar, before the rounding that J predicts is added.

    `excess` is by how much one-sided slopes stay apart, see `FirstPass`. The direction itself is drawn anew whenever it
    is needed: it is as large as the operand.
    """

    box: BlackBox
    seed: int
    value: Array
    bar: Magnitudes
    excess: Magnitudes

    def tangent(self, x: Array) -> Array:
        """Draw the direction, of x's shape."""
        return _tangent(self.seed, x, self.box)


def _tangent(seed: int, x: Array, box: BlackBox) -> Array:
    """Draw a Gaussian direction, in units of the steps of x, and 0 where x is not finite.

    It is shorter beside the end of f's domain, and 0 there.
    """
    v = np.random.default_rng(seed).standard_normal(x.shape)
    flat, known = v.reshape(-1), x.reshape(-1)
    for block in blocks(v.size):
        flat[block] *= np.where(np.isfinite(known[block]), np.minimum(step_scale(known[block]), _LARGEST), 0)
    return box.limited(v, x, _LONGEST)


@dataclass(frozen=True, eq=False)
class Measurements:
    """f near a point, and its derivatives along random directions there; known before any of the Jacobian is."""

    near: Neighbourhood
    directions: tuple[Direction, ...]


def measure_directions(near: Neighbourhood, rng: np.random.Generator) -> Measurements:
    """Difference f along a few Gaussian directions."""
    measured = []
    for _ in range(_DIRECTIONS):
        seed = int(rng.integers(2**63))
        first = first_pass(near.along(_tangent(seed, near.x, near.box)), _REACH)
        measured.append(Direction(near.box, seed, first.value, Magnitudes.of(first.bar), first.excess))
    return Measurements(near, tuple(measured))


def width(epsilon: float) -> float:
    """Return how far apart the two nearest places are at which f is evaluated, in units of the direction."""
    return 2 * _REACH * last_step(epsilon)
