"""Points at which f is called: X moved by finite, generic amounts, within the domain of f. Next: detection."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.records import dataclass

__all__ = ["NEAR", "NEARER", "PointSource"]

NEAR = 2.0**-10  # of an entry, or of 1 if that is larger: close to x
NEARER = 2.0**-20  # so close that few maxima or branches change, and still eight spacings of float32
# Tables end, and matrices stop being definite, at any of these; fractions may have to sum to 1 within 1e-8.
_DISTANCES = (1.0, 0.25, 2.0**-6, NEAR, NEARER, 2.0**-30)


@dataclass(frozen=True, eq=False)
class PointSource:
    """Draws points around x, a floating-point array of any shape, within f's domain: of all entries, or of each."""

    x: Array
    domain: tuple[float | Array, float | Array]
    rng: np.random.Generator

    def flips(self) -> Iterator[Array]:
        """Yield points at which every entry has moved.

        The order: across zero; nearer, for an f with a domain; around 0, where f does not vanish or overflow as
        exp(-x²) does far away; farther, for an f that is constant around x.
        """
        yield self.moved(-1, 1, 1)
        yield self.moved(1, 0.25, 0)
        yield self.moved(-1, 0.25, 0)
        for _ in range(4):  # one factor of a product of two relus is zero at three of four random points
            yield self.moved(0, 1, 1)
        for least in (1e2, 1e4):  # past the constant part of a sigmoid, or of a clip
            for direction in (-1, 1):
                yield self.moved(direction, 1, least)
        yield self.inside((2 * self.rng.random(self.x.shape) - 1).astype(self.x.dtype))

    def nearer(self, reach: float = 1.0) -> Iterator[Array]:
        """Yield points nearer and nearer to x, from some reach on: f may raise, or be infinite, at those far away."""
        for distance in _DISTANCES:
            if distance <= reach:
                yield self.moved(0, distance, distance * (1 if distance == 1 else self._unit))

    @cached_property
    def _unit(self) -> float:
        """The size of x where that is less than 1: of half of its entries that are not 0."""
        size = np.abs(self.x[np.isfinite(self.x) & (self.x != 0)])
        return min(float(np.median(size)), 1.0) if size.size else 1.0

    def moved(self, direction: int, reach: float, least: float) -> Array:
        """Move every entry of x by a random amount between reach·|x| and twice that, or `least` and twice that.

        The direction is away from 0 for 1, towards it for -1, random for 0. An entry that is not finite is replaced by
        a random number in (-1, 1).
        """
        moved = np.empty(self.x.shape, self.x.dtype)
        into, largest = moved.reshape(-1), np.finfo(self.x.dtype).max
        for block in blocks(self.x.size):
            part = self.x.reshape(-1)[block]
            u = self.rng.random(part.size)
            if direction == 0:
                sign = 2.0 * self.rng.integers(0, 2, part.size) - 1
            else:
                sign = np.where(part < 0, -direction, direction)
            with np.errstate(all="ignore"):
                there = (part + sign * np.maximum(reach * np.abs(part), least) * (1 + u)).astype(self.x.dtype)
                there = np.minimum(np.maximum(there, -largest), largest)
            finite, stuck = np.isfinite(part), there == part  # at 0 under a relative reach, and at the largest numbers
            if not finite.all():
                there = np.where(finite, there, (2 * u - 1).astype(self.x.dtype))
            if stuck.any():
                there = np.where(stuck, np.where(part == 0, sign * u, part / 2), there)
            into[block] = there
        return self.inside(moved)

    def near_one(self) -> Array:
        """Draw a point whose entries all lie between 1/2 and 2."""
        return self.inside(self.rng.uniform(0.5, 2, self.x.shape).astype(self.x.dtype))

    def inside(self, x: Array) -> Array:
        """Bring entries outside the domain into it: by reflection at one end, cyclically between two."""
        low, high = self.domain
        if np.all(np.isinf(low) & np.isinf(high)):
            return x
        with np.errstate(all="ignore"):
            inside = np.where(np.isfinite(low), low + np.abs(x - low) % (high - low), high - np.abs(high - x))
        return np.where((x < low) | (x > high), inside, x).astype(x.dtype, copy=False)
