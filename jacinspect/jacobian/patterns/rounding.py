"""Which entries of a pattern move their output by rounding alone? Asked of f, far from X. Next: structure.

In a sum that is shifted for stability, or a product computed in blocks, an input moves the last bits of outputs that do
not depend on it. Such an entry is read, and belongs to the pattern, but says nothing about its structure.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.colors.seeds import colors_of
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.patterns.points import PointSource

__all__ = ["moved_by_rounding"]

_LAST_BITS = 16  # of epsilon, relative to the output and to what it reads times its slope: a few roundings
_FLIPS = ((-1, 1), (1, 1), (-1, 100), (1, 100))  # directions and least moves: beyond the flat part of a sigmoid


def moved_by_rounding(
    box: BlackBox, source: PointSource, numeric: Jacobian, candidates: Array, coloring: tuple[Array, int]
) -> Array:
    """Return which of the candidates move their outputs by last bits alone, however far the inputs move.

    Parameters
    ----------
    box, source
        The function, and the points around X.
    numeric
        The numeric Jacobian.
    candidates
        Booleans: the stored entries whose values are 0 within their bars, and that were faint when they were found.
    coloring
        A column coloring of the pattern: a color for each input, and the number of colors.
    """
    pattern, bits = numeric.pattern, _LAST_BITS * box.epsilon
    slope = _largest(pattern, np.abs(numeric.data))
    size = slope * _largest(pattern, np.abs(source.x.ravel()[pattern.indices]))
    by_rounding = candidates.copy()
    for color in colors_of(pattern, *coloring):
        entries = np.arange(pattern.stored)[color.entries]
        entries = entries[candidates[entries]]
        outputs, inputs = pattern.rows[entries], pattern.indices[entries]
        if not entries.size:
            continue
        points = [np.where(color.seed, source.moved(side, 1, least), source.x) for side, least in _FLIPS]
        for point, y in zip(points, box.many_unless_raised(point.copy() for point in points), strict=True):
            if y is not None:
                with np.errstate(all="ignore"):
                    change = np.abs(y[outputs] - box.y0[outputs])
                    read = np.fmax(np.abs(y[outputs]), slope[outputs] * np.abs(point.ravel()[inputs]))
                    by_rounding[entries] &= np.isfinite(change) & (change <= bits * np.fmax(size[outputs], read))
    return by_rounding


def _largest(pattern: Pattern, sizes: Array) -> Array:
    """Return the largest of the sizes, one for each stored entry, in each row; 0 in an empty row."""
    largest, filled = np.zeros(pattern.shape[0]), pattern.lengths > 0
    if filled.any():
        largest[filled] = np.fmax.reduceat(sizes, pattern.indptr[:-1][filled])
    return largest
