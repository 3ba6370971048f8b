"""Functions of Python's floats, as math.sin, that refuse arrays: they are called number by number.

In: a callable. Out: one of arrays too; once it has refused one, it is called with each of the numbers in turn. Next:
callables.py.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["ByNumber"]

# How float(x) and `x if x > 0 else …` refuse an array (numpy, before 2.4 and since), x.item(), and mpmath
_REFUSALS = (
    "converted to Python scalar", "truth value of an array", "convert an array of size 1", "create mpf",
)  # fmt: skip


class ByNumber:
    """A callable that is called number by number from when it first refuses an array; `needed` says whether it was.

    Several operands are broadcast. Whatever else it raises is raised here, and so is a refusal where its results are no
    numbers either.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call, self.needed = call, False

    def __call__(self, *operands: Any) -> Any:
        """Return the result of the call, or an array of the results."""
        if self.needed:
            return self._one_by_one(operands)
        try:
            return self._call(*operands)
        except (TypeError, ValueError) as error:
            refused = any(words in str(error) for words in _REFUSALS)
            if not refused or not all(isinstance(operand, np.ndarray) for operand in operands):
                raise
            try:
                results = self._one_by_one(operands)
            except Exception:
                raise error from None
            self.needed = True
            return results

    def _one_by_one(self, operands: tuple[Any, ...]) -> Any:
        arrays = np.broadcast_arrays(*operands)
        numbers = [self._call(*point) for point in zip(*(array.ravel().tolist() for array in arrays), strict=True)]
        return np.fromiter(map(float, numbers), float, len(numbers)).reshape(arrays[0].shape)
