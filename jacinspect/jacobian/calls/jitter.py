"""A function that repeats itself but for its last bits, as a sum in random order does. Next: blackbox, detection.

Detection compares values bit by bit. What differs from a value that was seen before by no more than the function
differs from itself is replaced by that value, which moves it by no more than the noise that differences allow for.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Snap", "jitter_of"]

Array: TypeAlias = NDArray[np.float64]

_CANCELS = 2.0**-10  # of the largest output: smaller ones are what is left of terms of about that size
_MARGIN = 4  # the largest of a few differences is exceeded now and then, by less than that
_REMEMBERED = 24  # values of f: those of X and of the points that detection compares with
_NUMBERS = 2**24  # that are remembered in all, 128 MiB


def jitter_of(y0: Array, repeats: list[Array]) -> float:
    """Return by how much values at one point differ, relative to their size; infinity where not all are finite."""
    size = np.maximum(np.abs(y0), _CANCELS * np.max(np.abs(y0), initial=0, where=np.isfinite(y0)))
    with np.errstate(all="ignore"):
        apart = [np.where(repeat == y0, 0, np.abs(repeat - y0) / size) for repeat in repeats]
    unknown = [np.isnan(y0) != np.isnan(repeat) for repeat in repeats]
    if np.any(unknown):
        return float("inf")
    return float(np.max(np.nan_to_num(apart, nan=0, posinf=np.inf), initial=0))


class Snap:
    """Replaces each output by the first value remembered for it that is within the jitter of it."""

    def __init__(self, jitter: float) -> None:
        self.tolerance = _MARGIN * jitter
        self._known: list[Array] = []

    def __call__(self, y: Array) -> Array:
        """Return the values of a call, those seen before in their place, and remember them."""
        for known in self._known:
            with np.errstate(all="ignore"):
                size = np.maximum(np.abs(known), _CANCELS * np.max(np.abs(y), initial=0, where=np.isfinite(y)))
                y = np.where(np.abs(y - known) <= self.tolerance * size, known, y)
        if len(self._known) < _REMEMBERED and (len(self._known) + 1) * y.size <= max(_NUMBERS, 2 * y.size):
            self._known.append(y)
        return y
