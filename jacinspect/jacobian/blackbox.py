"""The function as a black box on whole arrays: counted, and held to its contract. Next: detection, differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import FunctionFailedError, InputError, format_shape

__all__ = ["Array", "BlackBox", "same"]

Array = NDArray[Any]


def same(a: Array, b: Array) -> NDArray[np.bool_]:
    """Entry by entry: equal, where NaN equals NaN and -0 equals 0."""
    equal = a == b
    if not np.all(equal):
        equal |= (a != a) & (b != b)
    return np.asarray(equal)


class BlackBox:
    """A callable array -> array, called only with fresh arrays of one shape.

    Called with an array of `x`'s shape, it gives the output flat (row-major, float64). It counts its `evaluations`,
    and notes whether f is `deterministic`, whether it `mutates` its argument, and whether everything it has returned so
    far is a float32 number (`single`), as of a function that computes in float32. `progress` hears of every call.

    Raises FunctionFailedError when f raises, or returns something that is not one array of real numbers of one shape.
    """

    def __init__(self, f: Callable[[Array], Any], x: Array, progress: Callable[[int], None] = lambda _: None) -> None:
        self._f, self._progress = f, progress
        self._last: Any = None
        self.evaluations = 0
        self.single = True
        self.output_shape: tuple[int, ...] | None = None
        argument = x.copy()
        self.y0 = self(argument).copy()  # a copy: f may hand out the same buffer, or its argument, every time
        self.mutates = not bool(same(argument, x).all())
        argument = x.copy()
        again = self(argument)
        self.mutates |= not bool(same(argument, x).all())
        self.deterministic = self.mutates or bool(same(self.y0, again).all())

    def __call__(self, x: Array) -> Array:
        """Return f(x), flat; x is not to be used again, for f may have changed it."""
        self.evaluations += 1
        self._progress(self.evaluations)
        try:
            with np.errstate(all="ignore"):
                raw = self._f(x)
        except InputError:  # a catalogue function's own word, already worded for the person
            raise
        except Exception as error:
            raise FunctionFailedError(f"the function raised {type(error).__name__}: {error}") from error
        y = self._checked(raw)
        if self.single and y.size:
            with np.errstate(over="ignore", under="ignore"):
                self.single = bool(same(y.astype(np.float32).astype(np.float64), y).all())
        return y

    def _checked(self, raw: Any) -> Array:
        try:
            array = np.asarray(raw)
        except ValueError as error:
            raise FunctionFailedError(f"the function returned a {type(raw).__name__} that is no array") from error
        if array.dtype.kind not in "fiub":
            what = "complex numbers" if array.dtype.kind == "c" else f"a {type(raw).__name__}"
            raise FunctionFailedError(f"the function returned {what}; an array of real numbers is needed")
        if self.output_shape is None:
            self.output_shape = array.shape
        elif array.shape != self.output_shape:
            raise FunctionFailedError(
                f"the function returned shape {format_shape(array.shape)} after shape "
                f"{format_shape(self.output_shape)} for inputs of one shape"
            )
        reused = self._last is not None and np.may_share_memory(array, self._last)
        self._last = array  # held, so that a fresh result cannot come to lie where this one was
        return np.array(array, dtype=np.float64, copy=reused or None).ravel()
