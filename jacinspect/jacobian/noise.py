"""How precise the values of a callable are: the precision that it works in, and the rounding inside. Next: numeric.

Both are asked of steps too short for f to bend.
"""

from math import comb, sqrt

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.differences import granule, is_single, precision, step_scale
from jacinspect.jacobian.magnitudes import Magnitudes

__all__ = ["rounding_noise", "significant_epsilon"]


def significant_epsilon(box: BlackBox, x: Array) -> float:
    """Return the relative noise of f: its values' spacing, or that of float32 where f works in it and scales after.

    Four steps of 2⁻²⁷ to a side move an f that computes in double precision four times; one that rounds to 24 bits
    moves at most once. What cancels leaves few bits in double precision too: short steps move that by far more than
    long ones promise and the last bit allows.
    """
    if box.whole or (is_single(box.epsilon) and box.narrow):  # whole numbers are no sign of any precision
        return box.epsilon
    size = np.where(x == 0, 1.0, np.abs(x))
    unit = np.where(np.isfinite(x), size * np.random.default_rng(1).uniform(0.5, 1, x.shape), 0)

    def at(t: float) -> Array:
        return box.where_defined((x + t * unit).astype(x.dtype, copy=False))

    with np.errstate(all="ignore"):
        moves, moved = np.zeros((2, box.y0.size), np.int8), np.zeros(box.y0.size)
        for side, sign in enumerate((-1, 1)):  # on a kink one of them may be flat
            before = box.y0
            for k in range(1, 5):
                y = at(sign * k * 2.0**-27)
                moves[side] += y != before
                moved = np.fmax(moved, np.abs(y - box.y0))
                before = y
        rise = np.abs(at(2.0**-12) - at(-(2.0**-12)))  # not that of an even f, which short steps need not move
        if is_single(box.epsilon):
            wild = (moves.max(axis=0) > 1) & (moved > 2.0**-9 * rise + 8 * box.epsilon * np.abs(box.y0))
            return 2.0**-52 if 2 * np.count_nonzero(wild) > np.count_nonzero(rise) else box.epsilon
        expected = rise > 2.0**-29 * np.abs(box.y0)  # over a step 2¹⁵ times shorter: 2⁻⁴⁵ of f, many a last bit
    asked = int(np.count_nonzero(expected))
    few = int(np.count_nonzero(expected & (moves.max(axis=0) <= 1)))
    return float(precision(1.0).eps) if 2 * few > asked else box.epsilon


def rounding_noise(box: BlackBox, x: Array) -> Magnitudes:
    """Measure how far rounding inside f moves each output, by sixth differences over steps too short for f to bend.

    ε|f| misses what cancels inside f, such as 1 − cos x. Hamming (1962); Moré & Wild (2011), Estimating computational
    noise. Two step sizes, for at the shorter a part of f may not move at all; and what cancels leaves its trace in the
    values too, which are all multiples of a granule larger than their own last bit.
    """
    unit = np.random.default_rng(0).uniform(0.5, 1, x.shape)
    for block in blocks(x.size):
        part = x.reshape(-1)[block]
        unit.reshape(-1)[block] *= np.where(np.isfinite(part), step_scale(part), 0)
    noise = Magnitudes(box.y0.size)
    for delta in (2.0**-44, 2.0**-28):
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
                finest[block] = np.fmin(finest[block], granule(y[block]))
                moved = y[block] - box.y0[block]  # small, so that summing adds no rounding
                moves[block] |= moved != 0
                for start, total in enumerate(sums, -4):
                    if 0 <= k - start <= 6:
                        total[block] += (-1) ** (k - start) * comb(6, k - start) * moved
        for block in blocks(noise.size):
            seen = np.abs(sums[:, block]).max(axis=0) / sqrt(924)  # the norm of the weights
            coarse = np.fmin(finest[block], granule(box.y0[block]))
            seen = np.fmax(seen, np.where(moves[block], coarse / 2, 0))
            noise[block] = np.fmax(noise[block], np.where(np.isfinite(seen), seen, 0))
