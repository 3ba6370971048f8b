"""How precise the values of a callable are: the precision that it works in, and the rounding inside. Next: numeric.

Both are asked of steps too short for f to bend.
"""

from collections.abc import Callable
from math import comb, sqrt

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.differences import is_single, precision, step_scale
from jacinspect.jacobian.magnitudes import Magnitudes

__all__ = ["rounding_noise", "significant_epsilon"]

_SHORT, _LONG = 2.0**-27, 2.0**-12  # steps, in units of x


def significant_epsilon(box: BlackBox, x: Array) -> float:
    """Return the relative noise of f: its values' spacing, or that of float32 where f works in it and scales after."""
    if box.whole or box.narrow:  # whole numbers are no sign of any precision
        return box.epsilon
    size = np.where(x == 0, 1.0, np.abs(x))
    unit = np.where(np.isfinite(x), size * np.random.default_rng(1).uniform(0.5, 1, x.shape), 0)

    def at(t: float) -> Array:
        return box.where_defined((x + t * unit).astype(x.dtype, copy=False))

    still = _stands_still(box.y0, at)  # first, for it shows more of the values
    if is_single(box.epsilon):
        return 2.0**-52 if _leaps(box.y0, box.epsilon, at) else box.epsilon
    return float(precision(1.0).eps) if still else box.epsilon


def _stands_still(y0: Array, at: Callable[[float], Array]) -> bool:
    """Whether most of f moves at most once over four steps of 2⁻²⁷ to a side, as what rounds to 24 bits does."""
    moves = np.zeros((2, y0.size), np.int8)
    with np.errstate(all="ignore"):
        for side, sign in enumerate((-1, 1)):  # on a kink one of them may be flat
            before = y0
            for k in range(1, 5):
                y = at(sign * k * _SHORT)
                moves[side] += y != before
                before = y
        rise = np.abs(at(_LONG) - at(-_LONG))  # not that of an even f, which short steps need not move
        expected = rise > 2.0**-29 * np.abs(y0)  # over a step 2¹⁵ times shorter: 2⁻⁴⁵ of f, many a last bit
    return bool(2 * np.count_nonzero(expected & (moves.max(axis=0) <= 1)) > np.count_nonzero(expected))


def _leaps(y0: Array, epsilon: float, at: Callable[[float], Array]) -> bool:
    """Whether most of f moves, over a short step, by far more than a long one promises and the last bit allows.

    Then it is no single precision that leaves so few bits of its values, but what cancels.
    """
    with np.errstate(all="ignore"):
        moved = np.abs(np.stack([at(-4 * _SHORT) - y0, at(4 * _SHORT) - y0])).max(axis=0)
        rise = np.abs(at(_LONG) - at(-_LONG))
        leaps = moved > 16 * (4 * _SHORT / _LONG) * rise + 8 * epsilon * np.abs(y0)
    return bool(2 * np.count_nonzero(leaps) > np.count_nonzero(rise))


def rounding_noise(box: BlackBox, x: Array) -> Magnitudes:
    """Measure how far rounding inside f moves each output, by sixth differences over steps too short for f to bend.

    ε|f| misses what cancels inside f, such as 1 − cos x. Hamming (1962); Moré & Wild (2011), Estimating computational
    noise. Two step sizes, for at the shorter a part of f that works in float32 may not move at all; and what cancels
    leaves its trace in the values too, which are all multiples of a granule larger than their own last bit.
    """
    unit = np.random.default_rng(0).uniform(0.5, 1, x.shape)
    for block in blocks(x.size):
        part = x.reshape(-1)[block]
        unit.reshape(-1)[block] *= np.where(np.isfinite(part), step_scale(part), 0)
    noise = Magnitudes(box.y0.size)
    for delta in (2.0**-44, 2.0**-20):
        _noise_at(delta, box, x, unit, noise)
    return noise


def _noise_at(delta: float, box: BlackBox, x: Array, unit: Array, noise: Magnitudes) -> None:
    """Raise the noise to what three sixth differences of f show over nine steps of delta."""
    sums = np.zeros((3, noise.size))
    finest, moves = np.full(noise.size, np.inf), np.zeros(noise.size, bool)
    with np.errstate(all="ignore"):
        for k in range(-4, 5):
            point = unit * (k * delta)
            point += x
            y = box.where_defined(point.astype(x.dtype, copy=False))
            for block in blocks(noise.size):
                finest[block] = np.fmin(finest[block], _granule(y[block]))
                moved = y[block] - box.y0[block]  # small, so that summing adds no rounding
                moves[block] |= moved != 0
                for start, total in enumerate(sums, -4):
                    if 0 <= k - start <= 6:
                        total[block] += (-1) ** (k - start) * comb(6, k - start) * moved
        for block in blocks(noise.size):
            seen = np.abs(sums[:, block]).max(axis=0) / sqrt(924)  # the norm of the weights
            coarse = np.fmin(finest[block], _granule(box.y0[block]))
            seen = np.fmax(seen, np.where(moves[block], coarse / 2, 0))
            noise[block] = np.fmax(noise[block], np.where(np.isfinite(seen), seen, 0))


def _granule(y: Array) -> Array:
    """Return the largest power of 2 that each number is a multiple of; infinity for 0 and what is not finite."""
    bits = y.view(np.int64)
    rest = y - (bits & (bits - 1)).view(np.float64)  # without its lowest bit, unless that is one of the exponent's
    powers = (bits & (2**52 - 1)) == 0
    return np.where((y == 0) | ~np.isfinite(y), np.inf, np.abs(np.where(powers, y, rest)))
