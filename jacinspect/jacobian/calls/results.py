"""What f returns: an array of real numbers, in a precision that its values show. Next: blackbox."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import FunctionRaisedError
from jacinspect.records import dataclass

__all__ = ["SeenPrecision", "array_of"]

_FORMATS = (8, 11, 24, 53)  # the bits of bfloat16, float16, float32 and float64
# The bits that values are tried with, in this order. Numbers that all need a bit less than a format has are not of that
# format, which is why 7, 10 and 23 stand beside 8, 11 and 24; with 4 or fewer they could be of any.
_BITS = (4, 7, 8, 10, 11, 23, 24, 53)


def array_of(raw: Any) -> NDArray[Any]:
    """Return what f returned as an array of real numbers, of any dtype.

    Raises
    ------
    FunctionRaisedError
        If it is several arrays, no array, or none of real numbers.
    """
    if isinstance(raw, (tuple, list)) and any(getattr(part, "shape", ()) for part in raw):
        what = f"a {type(raw).__name__} of {len(raw)}, arrays among them"
        raise FunctionRaisedError(f"the function returned {what}; it has to return one array")
    try:
        array = np.asarray(raw)
    except ValueError as error:
        raise FunctionRaisedError(f"the function returned a {type(raw).__name__} that is no array") from error
    if array.dtype.kind not in "fiub":
        what = {"c": "complex numbers", "O": "an array of objects"}.get(array.dtype.kind, "")
        what = what if isinstance(raw, np.ndarray) and what else "None" if raw is None else f"a {type(raw).__name__}"
        raise FunctionRaisedError(f"the function returned {what}; an array of real numbers is needed")
    return array


@dataclass(eq=False)
class SeenPrecision:
    """The narrowest precision that all values seen so far fit in, and whether they are all whole numbers."""

    whole: bool = True
    bits: int = _BITS[0]

    @property
    def is_settled(self) -> bool:
        """Whether further values would change nothing."""
        return not self.whole and self.bits == _BITS[-1]

    @property
    def epsilon(self) -> float:
        """The spacing of the numbers beside 1 in that precision."""
        # 0, ½, 1 and whole numbers have so few bits in every precision, and say nothing of it
        known = not self.whole and self.bits in _FORMATS
        return 2.0 ** (1 - (self.bits if known else _BITS[-1]))

    def learn(self, y: NDArray[Any]) -> None:
        """Note from values, float64, in which precision they may have been computed."""
        self.whole = self.whole and bool(np.all((y == np.floor(y)) | ~np.isfinite(y)))
        if self.bits < _BITS[-1]:
            needed = _bits(y)
            self.bits = max(self.bits, next(bits for bits in _BITS if bits >= needed))


def _bits(y: NDArray[Any]) -> int:
    """Return how many significant bits numbers have at most; 53 where some are beyond the range of float32."""
    mantissa, exponent = np.frexp(y[np.isfinite(y) & (y != 0)])
    if not mantissa.size:
        return 0
    if exponent.min() <= -149 or exponent.max() > 128:
        return 53
    whole = np.bitwise_or.reduce(np.abs(mantissa * 2.0**53).astype(np.int64))
    return 54 - int(whole & -whole).bit_length()
