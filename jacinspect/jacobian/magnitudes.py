"""Non-negative numbers of which only the size counts, in two bytes each. Next: differences, numeric."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks

__all__ = ["Magnitudes"]

# Bits of a float64 that are not kept: its sign is 0, 11 bits of exponent and 4 of mantissa remain.
_DROPPED, _ROUNDS_UP = np.array(48, np.uint64), np.array(2**48 - 1, np.uint64)  # faster than numpy's scalars
_INFINITY = np.array(np.inf).view(np.uint64) >> _DROPPED


class Magnitudes:
    """A flat array of sizes, noise levels and the like, each rounded up, by a sixteenth at most.

    Subnormal numbers are rounded up by more than that, and those next to the largest to infinity; 0 and infinity are
    kept as they are, and NaN becomes infinity.
    """

    def __init__(self, size: int) -> None:
        self._upper = np.zeros(size, np.uint16)

    @classmethod
    def of(cls, values: Array) -> "Magnitudes":
        """Take a flat float64 array."""
        rounded = cls(values.size)
        for block in blocks(values.size):
            rounded[block] = values[block]
        return rounded

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self._upper.size)

    @property
    def vanish(self) -> Array:
        """Where they are 0."""
        return np.asarray(self._upper == 0)

    def __getitem__(self, index: Array | slice) -> Array:
        return (self._upper[index].astype(np.uint64) << _DROPPED).view(np.float64)

    def __setitem__(self, index: Array | slice, values: Array) -> None:
        bits = np.abs(values).view(np.uint64)
        bits += _ROUNDS_UP
        bits >>= _DROPPED
        self._upper[index] = np.minimum(bits, _INFINITY, out=bits)  # NaN has more bits than infinity

    def subset(self, chosen: Array | slice) -> "Magnitudes":
        """Return some of them."""
        part = Magnitudes(0)
        part._upper = self._upper[chosen]
        return part

    def copy(self) -> "Magnitudes":
        """Return a copy that can be changed on its own."""
        whole = Magnitudes(0)
        whole._upper = self._upper.copy()
        return whole
