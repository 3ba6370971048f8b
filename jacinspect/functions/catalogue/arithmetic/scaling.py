"""Arrays brought near 1 by a power of 2, so that squares and sums of them neither overflow nor vanish."""

import numpy as np

from jacinspect.functions.function import Array

__all__ = ["scaled"]


def scaled(x: Array, axis: int | None) -> tuple[Array, Array, Array]:
    """Return x over the power of 2 that brings the largest |x| to [½, 1); that power; and the largest |x|.

    An infinite entry becomes ±1 and leaves of a finite one 0: the direction of x is all that remains.
    """
    top = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    _, power = np.frexp(top)
    u = np.where(np.isinf(top), np.isinf(x) * np.sign(x), np.ldexp(x, -power))
    return np.where(np.isnan(x), x, u), power, top
