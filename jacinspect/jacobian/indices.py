"""Sets of indices as ascending arrays: a part of numpy's set functions, which import numpy.ma when they are called.

That takes longer than everything else in an inspection of a few numbers.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["distinct", "without"]

Indices: TypeAlias = NDArray[np.intp]


def distinct(*parts: Indices) -> Indices:
    """Return what is in any of the arrays, ascending, each index once."""
    found = np.sort(np.concatenate([np.zeros(0, np.int64), *(part.ravel() for part in parts)]))
    if found.size < 2:
        return found
    return np.asarray(found[np.append(True, found[1:] != found[:-1])[: found.size]])


def without(indices: Indices, others: Indices) -> Indices:
    """Return what is in `indices` and not in `others`, ascending, each index once."""
    found = distinct(indices)
    return np.asarray(found[~np.isin(found, others)])
