"""Numbers of other kinds than Python's and numpy's, as mpmath, sympy, fractions and decimal have them, as floats.

In: what a function or a derivative returned. Out: the same with floats for such numbers. Next: returned.py, outputs.py.
"""

from typing import Any

import numpy as np

__all__ = ["in_floats", "is_number"]


def in_floats(given: Any) -> Any:
    """Return such a number as a float, and nested lists, matrices and arrays of them as arrays; others as they are."""
    if isinstance(given, int | float | complex | np.generic):
        return given
    if type(given) in (list, tuple):
        made = [in_floats(each) for each in given]
        changed = any(new is not each for new, each in zip(made, given, strict=True))
        return type(given)(made) if changed else given
    if hasattr(given, "dtype"):
        return _array(given, given) if given.dtype == object else given
    if hasattr(given, "tolist"):  # a matrix of sympy or mpmath, of which numpy may make one object
        return _array(given.tolist(), given)
    return float(given) if is_number(given) else given


def is_number(given: Any) -> bool:
    """Whether float() makes a number of this: not of a text, nor of an array."""
    if isinstance(given, str | bytes) or hasattr(given, "shape") or not hasattr(given, "__float__"):
        return isinstance(given, np.number | np.bool_)
    try:
        float(given)
    except (TypeError, ValueError, OverflowError):  # of a complex number, a symbol, or one that is too large
        return False
    return True


def _array(values: Any, otherwise: Any) -> Any:
    try:
        array = np.asarray(values, object)
    except ValueError:
        return otherwise
    return array.astype(np.float64) if all(map(is_number, array.flat)) else otherwise
