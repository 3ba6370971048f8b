"""Points at which to ask: X moved by finite, generic amounts, within the domain of the function. Next: detection."""

from collections.abc import Iterator

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, Interval, blocks

__all__ = ["flips", "moved_by", "within"]


def flips(box: BlackBox, x: Array, rng: np.random.Generator) -> Iterator[tuple[Array, bool]]:
    """Give flips of x, each with whether it is the last: across zero, nearer (a domain), around 0, farther.

    Around 0 lives what vanishes or overflows at x, such as exp(-x²); farther lies what is flat at x and around it.
    """
    yield moved_by(box, x, rng, -1, 1, 1), False
    yield moved_by(box, x, rng, 1, 0.25, 0), False
    yield moved_by(box, x, rng, -1, 0.25, 0), False
    for _ in range(4):  # a product of two relus, one of them dead
        yield moved_by(box, x, rng, 0, 1, 1), False
    for least in (1e2, 1e4):
        for way in (-1, 1):
            yield moved_by(box, x, rng, way, 1, least), False
    yield within((2 * rng.random(x.shape) - 1).astype(x.dtype), box.domain), False
    yield moved_by(box, x, rng, -1, 1, 1), True


def moved_by(box: BlackBox, x: Array, rng: np.random.Generator, way: int, reach: float, least: float) -> Array:
    """Move every entry of x by a generic amount, reach·|x| to twice that, but at least by `least`.

    Away from 0 for a `way` of 1, towards it for -1, at random for 0; where x is not finite, draw a number. Where f is
    declared to be defined, it stays.
    """
    moved = np.empty(x.shape, x.dtype)
    into, largest = moved.reshape(-1), np.finfo(x.dtype).max
    for block in blocks(x.size):
        part = x.reshape(-1)[block]
        u = rng.random(part.size)
        away = rng.choice([-1.0, 1.0], part.size) if way == 0 else np.where(part < 0, -way, way)
        with np.errstate(all="ignore"):
            there = (part + away * np.maximum(reach * np.abs(part), least) * (1 + u)).astype(x.dtype)
        there = np.where(np.isfinite(part), np.clip(there, -largest, largest), (2 * u - 1).astype(x.dtype))
        stuck = there == part  # at 0 under a relative reach, and at the largest numbers
        into[block] = within(np.where(stuck, np.where(part == 0, away * u, part / 2), there), box.domain)
    return moved


def within(x: Array, domain: Interval) -> Array:
    """Bring what lies outside a domain into it: by reflection at an end, and round between two."""
    low, high = domain
    with np.errstate(all="ignore"):
        inside = low + np.abs(x - low) % (high - low) if np.isfinite(low) else high - np.abs(high - x)
    return np.where((x < low) | (x > high), inside, x).astype(x.dtype, copy=False)
