"""Do outputs read, at another point, the inputs that their neighbours read? In one call a color. Next: detection.

What a max-pool, a median filter or an upwind scheme reads depends on the data, but always lies in one stencil: the same
offsets from each output's place.
"""

from math import prod

import numpy as np

from jacinspect.jacobian.bisection import Line, read_pairs
from jacinspect.jacobian.blackbox import Array, BlackBox
from jacinspect.jacobian.coloring import color_columns
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.dependencies import Dependencies, PointPair

__all__ = ["trace_stencil"]

_OFFSETS = 64  # more than an 8×8 window has: each costs a call or two, and a full search about as many
_SAMPLE = 2**16  # entries of the pattern from which the offsets are taken: more say the same, and take memory


def trace_stencil(
    box: BlackBox, pair: PointPair, outputs: Array, pattern: Pattern, dependencies: Dependencies
) -> Array:
    """Find which inputs in the stencil of a pattern some outputs read at each of two points.

    Parameters
    ----------
    box, pair
        The function, and the two points.
    outputs
        Flat indices of outputs that refute the pattern, ascending.
    pattern
        What is known; it gives the stencil, and what is found outside it is added to `dependencies`.

    Returns
    -------
    outputs
        Those that read nothing more in the stencil; all of them where the pattern is no stencil.
    """
    rows, inputs = _in_stencil(pattern, outputs)
    new = pattern.places(outputs[rows], inputs) < 0
    rows, inputs = rows[new], inputs[new]
    coloring = color_columns(rows, inputs, pattern.shape[1])
    more = np.zeros(outputs.size, bool)
    for direction in (pair, pair.reversed) if rows.size else ():
        line = Line(box, direction, tuple(range(pair.base.ndim)))
        read = read_pairs(line, outputs[rows], inputs, coloring, 0)
        dependencies.add(outputs[rows[read]], inputs[read])
        more[rows[read]] = True
    return outputs[~more]


def _in_stencil(pattern: Pattern, outputs: Array) -> tuple[Array, Array]:
    """Return pairs (place in `outputs`, input), sorted: each output with each offset that any output has.

    An offset is the difference of two indices in the operand, those of the input and of the output's place. There are
    no pairs if there are many offsets.
    """
    shape = pattern.operand_shape or (1,)
    spans = tuple(2 * n for n in shape)  # room for negative offsets
    some = slice(None, None, pattern.stored // _SAMPLE + 1)
    index = np.unravel_index(pattern.indices[some], shape)
    differences = [
        i - place + n for i, place, n in zip(index, _places(pattern, pattern.rows[some]), shape, strict=True)
    ]
    keys = np.unique(np.ravel_multi_index(differences, spans))
    if keys.size > _OFFSETS:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    offsets = zip(_places(pattern, outputs), np.unravel_index(keys, spans), shape, strict=True)
    moved = [place[:, None] + offset - n for place, offset, n in offsets]
    inside = np.all([(i >= 0) & (i < n) for i, n in zip(moved, shape, strict=True)], axis=0)
    rows = np.broadcast_to(np.arange(outputs.size)[:, None], inside.shape)[inside]
    return rows, np.ravel_multi_index([i[inside] for i in moved], shape)


def _places(pattern: Pattern, outputs: Array) -> list[Array]:
    """Return the index along each axis of the operand at which outputs have their places.

    Where there are more or fewer outputs along an axis than inputs, the index is scaled.
    """
    output, operand = pattern.output_shape or (1,), pattern.operand_shape or (1,)
    if len(output) != len(operand):
        return list(np.unravel_index(outputs.astype(np.int64) * prod(operand) // prod(output), operand))
    index = np.unravel_index(outputs, output)
    return [i * n // m for i, m, n in zip(index, output, operand, strict=True)]
