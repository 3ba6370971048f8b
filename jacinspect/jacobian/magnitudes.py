"""Non-negative numbers of which the size is all that counts, in two bytes each. Next: differences, numeric."""

import numpy as np

from jacinspect.jacobian.blackbox import Array, blocks

__all__ = ["Magnitudes"]

_REST = 48  # bits of a float64 that are let go; its sign is 0, 11 bits of exponent and 4 of mantissa remain


class Magnitudes:
    """A flat array of sizes, noise and the like: what is put in comes out up to a sixteenth larger, never smaller.

    Subnormal numbers come out larger than that, and those beside the largest as infinity; 0 and infinity stay what they
    are, and NaN is taken for infinity.
    """

    def __init__(self, size: int) -> None:
        self._upper = np.zeros(size, np.uint16)

    @classmethod
    def of(cls, values: Array) -> "Magnitudes":
        """Hold a flat float64 array."""
        held = cls(values.size)
        for block in blocks(values.size):
            held[block] = values[block]
        return held

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self._upper.size)

    @property
    def vanish(self) -> Array:
        """Where they are 0."""
        return np.asarray(self._upper == 0)

    def __getitem__(self, index: Array | slice) -> Array:
        return (self._upper[index].astype(np.uint64) << _REST).view(np.float64)

    def __setitem__(self, index: Array | slice, values: Array) -> None:
        bits = np.where(np.isnan(values), np.inf, np.abs(values)).view(np.uint64)
        self._upper[index] = (bits >> _REST) + ((bits & (2**_REST - 1)) != 0)

    def put(self, index: Array | slice, others: "Magnitudes") -> None:
        """Take others in, at some places."""
        self._upper[index] = others._upper

    def subset(self, chosen: Array | slice) -> "Magnitudes":
        """Return some of them."""
        part = Magnitudes(0)
        part._upper = self._upper[chosen]
        return part
