"""How precise the values of a callable are: the precision that it works in, and the rounding inside. Next: numeric.

Both are asked of steps too short for f to bend.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import comb, sqrt

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.stencil import finite, step_scale

__all__ = ["rounding_noise", "significant_epsilon"]

# Single precision: f moves once at most over four of these steps to a side, in units of x, in which a double moves each
# time, if its slope makes it rise by at least such a part of itself over the long step: 2⁻⁴⁴ of f is many a last bit.
_SHORT, _LONG, _LEAST, _SINGLE = 2.0**-27, 2.0**-6, 2.0**-23, 2.0**-23
# Units of x, at which f may move though it stands still around x, and steps there: one of many inputs that are rounded
# to single precision may be about to move, at steps that are not so short.
_ELSEWHERE, _SHORTER = 0.5, 2.0**-35
# Half precision, float16 and bfloat16: f moves once at most over four short steps to a side, and its values are apart
# by half of what numbers of 8 bits are, or, of more bits and 4 decimal digits, of what 16 bits are. Single precision
# has 8 numbers within the shortest step; the longest ones meet some of bfloat16, which are up to 2⁻⁷ apart.
_HALVES, _SHORTEST, _LONGEST = ((2.0**-10, 2.0**-16), (2.0**-7, 2.0**-9)), 2.0**-20, 2.0**-4
_CLOSE = 4  # numbers of half precision, or fewer, lie between values of half of the outputs: f itself leaps by more
_MANY, _OFF_GRID = 6, 2.0**-8  # values over all steps; and of the least rise, that others are no multiples of it
_SIDES = [[sign * k * _SHORTEST for k in range(5)] for sign in (1, -1)]
_STEPS = [sign * _LONGEST / 2**k for k in range(9) for sign in (1, -1)]
_OUTPUTS = 2**16  # that are asked for their gaps, or somewhat more: all need memory, and show nothing else
# The weights that seven values have in two neighbouring fifth differences, and the size of those of each.
_FIFTH = np.array([[(-1) ** k * comb(5, k) for k in range(6)] + [0]], float)
_WEIGHTS = np.vstack([_FIFTH, np.roll(_FIFTH, 1)]).T[:, :, None]
_NORM = sqrt(np.square(_FIFTH).sum())
_DELTAS = 2.0**-44, 2.0**-20  # steps of rounding_noise: at the first, what works in float32 may not move at all
_PLACES = -3, -2, -1, 1, 2, 3
_KINK = 2.0**-10  # of a fifth difference: two neighbouring ones cancel to that where x is on a kink, by chance hardly
_REST = 2.0**-40  # of the largest output, below which others may be what is left of it
_ULPS = 32  # a granule of fewer last bits is no more than what a rounding floor allows for anyway
_NONE: Array = np.zeros(0, np.int64)


def significant_epsilon(box: BlackBox, x: Array, parts: Sequence[slice] = ()) -> float:
    """Return the relative noise of f: its values' spacing, or that of the single or half precision that it works in.

    What f computes so, it may scale or cast after. Of a vector that is made of several arrays, its `parts`, f may work
    in single precision with one alone.
    """
    return max(_epsilon_by(box, x, part) for part in (parts if len(parts) > 1 else [slice(None)]))


def _epsilon_by(box: BlackBox, x: Array, part: slice) -> float:
    """Return the relative noise of f where only one part of a vector moves, or all of an array.

    Half precision has to show half a unit away as well, unless f stands still there and is not 0, and so have values of
    few bits: what cancels at a small x is precise there, and what cancels to a few bits at a large one is 0.
    """
    if box.whole or box.narrow:  # whole numbers are no sign of any precision
        return box.epsilon
    at = _values_along(box, x, part)
    if not _stands_still(box.y0, at):
        return box.epsilon
    from_there = _values_along(box, x + box.limited(step_scale(x).astype(x.dtype), x, 0.5) / 2, part)
    beyond = next(from_there([0.0]))  # of values of few bits so far, the box notes how many this one has
    epsilon = max(box.epsilon, _SINGLE)
    if not _most_apart(_gaps(_some([box.y0, *at([_SHORTEST])])), _HALVES[0][1]):
        return epsilon
    here, there = map(_gaps_by, (at, from_there))
    if not np.isfinite(here).any() or not (np.isfinite(there).any() or beyond.any()):
        return epsilon
    apart = (each for each in _HALVES if _most_apart(here, each[1]) and _most_apart(there, each[1]))
    return max([epsilon, *(half for half, _ in apart if _some_close(here, _CLOSE * half))])


def _values_along(box: BlackBox, x: Array, part: slice) -> Callable[[Sequence[float]], Iterator[Array]]:
    """Return what gives f at some steps from x, in units of about |x|, by which only one part of a vector moves."""
    size, moved = finite(np.abs(x)).reshape(-1), np.zeros(x.size)
    moved[part] = (np.where(size == 0, 1, size) * np.random.default_rng(1).uniform(0.5, 1, x.size))[part]
    unit = box.limited(moved.reshape(x.shape), x, _LONGEST)

    def at(steps: Sequence[float]) -> Iterator[Array]:
        return box.many_where_defined((x + t * unit).astype(x.dtype, copy=False) for t in steps)

    return at


def _stands_still(y0: Array, at: Callable[[Sequence[float]], Iterator[Array]]) -> bool:
    """Whether most of f moves at most once over four short steps to a side, as where it has few bits.

    Two steps suffice where half of f moves at both, as nearly everything does that has more bits.
    """
    moves, expected = np.zeros((2, y0.size), np.int8), np.ones(y0.size, bool)
    right, left = ([sign * k * _SHORT for k in range(1, 5)] for sign in (1, -1))
    values = at([*right, _LONG, -_LONG, _LONG / 2, -_LONG / 2, *left])
    with np.errstate(all="ignore"):
        for side in range(2):  # on a kink one of them may be flat
            before = y0
            for _ in range(4):
                y = next(values)
                moves[side] += np.abs(y - before) > 0
                before = y
                if _most_move(moves, expected):
                    return False
            if side == 0:
                # Of a rise a h + b h³, that is a h: where the slope is 0, short steps need not move f.
                far, near = next(values) - next(values), next(values) - next(values)
                expected = np.abs(8 * near - far) / 3 > _LEAST * np.abs(y0)
    return not _moves_elsewhere(y0, moves.max(axis=0) <= 1, at)


def _moves_elsewhere(y0: Array, still: Array, at: Callable[[Sequence[float]], Iterator[Array]]) -> bool:
    """Whether what stands still moves over short steps far from x: beyond a dead zone, but not rounded, it does."""
    y = np.array([*at([_ELSEWHERE + k * _SHORTER for k in range(5)])])
    often = np.count_nonzero(y[1:] != y[:-1], axis=0) > 1
    moved = still & np.isfinite(y).all(axis=0) & (y[0] != y0)
    return bool(2 * np.count_nonzero(often & moved) > np.count_nonzero(moved))


def _most_move(moves: Array, expected: Array) -> bool:
    """Whether more than one move to a side is seen of half as many as are expected to move, at least."""
    return bool(2 * np.count_nonzero(moves.max(axis=0) > 1) >= np.count_nonzero(expected))


def _gaps_by(at: Callable[[Sequence[float]], Iterator[Array]]) -> Array:
    """Return the gaps of each output, see below: 0 where it moves more than once over short steps to a side.

    They are infinite of what is as small beside other outputs as what is left where these have lost all digits, and of
    what takes two values alone, as it does where f itself leaps.
    """
    y = _some(at([*_SIDES[0], *_SIDES[1], *_STEPS]))
    sides = y[: 2 * len(_SIDES[0])].reshape(2, len(_SIDES[0]), -1)
    often = (np.count_nonzero(sides[:, 1:] != sides[:, :-1], axis=1) > 1).any(axis=0)
    size = finite(np.abs(y)).max(axis=0)
    gaps = np.where(often | ~_is_rounded(y), 0.0, _gaps(y))
    known = ((y > np.fmin.reduce(y)) & (y < np.fmax.reduce(y))).any(axis=0) & (size >= _REST * size.max(initial=0))
    return np.where(known, gaps, np.inf)


def _is_rounded(values: Array) -> Array:
    """Return which outputs take many values, or those of a grid, as rounding leaves them: a sum of steps need not."""
    rises = np.diff(np.sort(values, axis=0), axis=0)
    with np.errstate(all="ignore"):
        least = np.where(rises > 0, rises, np.inf).min(axis=0)
        off = np.abs(rises / least - np.rint(rises / least)) > _OFF_GRID
    return np.asarray((np.count_nonzero(rises > 0, axis=0) >= _MANY) | ~off.any(axis=0))


def _some(values: Iterable[Array]) -> Array:
    """Return values of some outputs, or of all, a row for each of f's results."""
    return np.array([y[:: y.size // _OUTPUTS + 1].copy() for y in values])  # a view would keep all of a result


def _gaps(values: Array) -> Array:
    """Return how close values of an output come that differ, relative to their size; infinity where none do."""
    y = np.sort(values, axis=0)
    with np.errstate(all="ignore"):
        gaps = np.diff(y, axis=0) / np.abs(y[1:])
        return np.asarray(np.where(gaps > 0, gaps, np.inf).min(axis=0))


def _most_apart(gaps: Array, least: float) -> bool:
    """Whether values of at most half of the outputs that move come closer than some numbers."""
    return bool(2 * np.count_nonzero(gaps < least) <= np.count_nonzero(np.isfinite(gaps)))


def _some_close(gaps: Array, least: float) -> bool:
    """Whether values of half of the outputs that move, or more, come closer than some numbers."""
    return bool(2 * np.count_nonzero(gaps < least) >= np.count_nonzero(np.isfinite(gaps)))


def rounding_noise(box: BlackBox, x: Array) -> Magnitudes:
    """Measure how far rounding inside f moves each output, by fifth differences over steps too short for f to bend.

    ε|f| misses what cancels inside f, such as 1 − cos x. Hamming (1962); Moré & Wild (2011), Estimating computational
    noise. Two step sizes, for at the shorter a part of f that works in float32 may not move at all; and what cancels
    leaves its trace in the values too, which are all multiples of a granule larger than their own last bit.
    """
    unit = np.random.default_rng(0).uniform(0.5, 1, x.shape)
    for block in blocks(x.size):
        unit.reshape(-1)[block] *= step_scale(x.reshape(-1)[block])
    unit = box.limited(unit, x, 3 * 2.0**-20)
    coarse = np.concatenate([_NONE, *(_coarse(box.y0[block]) + block.start for block in blocks(box.y0.size))])
    noise = Magnitudes(box.y0.size)

    def point(step: float) -> Array:
        moved = step * unit
        moved += x
        return moved.astype(x.dtype, copy=False)

    values = box.many_where_defined(point(delta * k) for delta in _DELTAS for k in _PLACES)
    for _ in _DELTAS:
        coarse = _noise_at(box.y0, values, coarse, noise)
    return noise


def _noise_at(y0: Array, values: Iterator[Array], coarse: Array, noise: Magnitudes) -> Array:
    """Raise the noise to what two fifth differences of f show over seven points, and the granule of `coarse` values.

    The next `values` are those at the points besides x. Returns which values are coarse at all those points.
    """
    sums = np.zeros((2, noise.size))
    granule, moves = _granule(y0[coarse]), np.zeros(coarse.size, bool)
    with np.errstate(all="ignore"):
        for k, y in zip(_PLACES, values, strict=False):
            if coarse.size:
                still = _coarse(y[coarse])
                coarse, moves, granule = coarse[still], moves[still], granule[still]
                moves |= y[coarse] != y0[coarse]
                granule = np.fmin(granule, _granule(y[coarse]))
            for block in blocks(noise.size):
                rise = y[block] - y0[block]  # small, so that summing adds no rounding
                sums[:, block] += _WEIGHTS[k + 3] * rise
        for block in blocks(noise.size):
            first, second = sums[:, block]
            seen = np.abs(np.where(np.abs(first + second) < _KINK * np.abs(first), first + second, sums[:, block]))
            noise[block] = np.maximum(noise[block], finite(seen.max(axis=0) / _NORM))
        if coarse.size:
            noise[coarse] = np.maximum(noise[coarse], moves * finite(granule) / 2)
    return coarse


def _coarse(y: Array) -> Array:
    """Return the places of numbers with so few bits that all values near them may be multiples of a large granule."""
    return np.flatnonzero((y.view(np.int64) & (_ULPS - 1)) == 0)


def _granule(y: Array) -> Array:
    """Return the largest power of 2 that each number is a multiple of; infinity for 0 and what is not finite."""
    mantissa, exponent = np.frexp(finite(y))
    bits = (mantissa * 2.0**53).astype(np.int64)
    granule = np.ldexp((bits & -bits).astype(np.float64), exponent - 53)  # of the lowest bit alone
    return np.where(granule == 0, np.inf, granule)
