"""Arrays with labels, units or masks, as pandas, xarray and pint have them: made anew of the numbers of a plain array.

In: an operand as it was given, or a callable and all of its operands. Out: what makes such an operand of numbers; the
callable as one of plain arrays. None of the packages is imported here. Next: given.py.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from jacinspect.functions.code.units import has_units
from jacinspect.functions.rules import Array

__all__ = ["of_plain_arrays"]

Make = Callable[[Array], Any]


def of_plain_arrays(call: Any, given: Sequence[Any]) -> Any:
    """Return a callable that is given operands like the given ones; the same one where these are plain arrays.

    What comes after the operands, as a tangent does, is passed as it is.
    """
    makers = [_maker(operand) for operand in given]
    if not callable(call) or isinstance(call, type) or not any(makers):
        return call

    @wraps(call)
    def labelled(*arrays: Any, **keywords: Any) -> Any:
        few = zip(makers, arrays, strict=False)
        made = [array if make is None or not isinstance(array, np.ndarray) else make(array) for make, array in few]
        return call(*made, *arrays[len(makers) :], **keywords)

    return labelled


def _maker(given: Any) -> Make | None:
    """Return what makes an object like the given one of other numbers; None of a plain array."""
    home, kind = type(given).__module__.split(".")[0], type(given)
    if home == "pandas" and hasattr(given, "columns"):
        return lambda array: kind(array, index=given.index, columns=given.columns)
    if home == "pandas":
        return lambda array: kind(array, index=given.index, name=given.name)
    if home == "xarray" and hasattr(given, "dims"):
        return lambda array: given.copy(data=array)
    if has_units(given):
        return lambda array: kind(array, given.units)
    if isinstance(given, np.ma.MaskedArray):
        return lambda array: np.ma.MaskedArray(array, given.mask)
    return np.asmatrix if isinstance(given, np.matrix) else None
