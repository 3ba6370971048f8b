"""Do outputs read, at another point, the inputs that their neighbours read? In one call a color. Next: detection.

What a max-pool, a median filter or an upwind scheme reads depends on the data, but always lies in one stencil: the same
offsets from each output's place.
"""

from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.bisection import Line, read_pairs
from jacinspect.jacobian.patterns.dependencies import Dependencies, PointPair

__all__ = ["trace_stencil"]

_OFFSETS = 64  # more than an 8×8 window has: each costs a call or two, and a full search about as many
_MANY = 2**20  # outputs, above which only those that refute the pattern are asked: the others would take memory
_SAMPLE = 2**16  # entries of the pattern from which the offsets are taken: more say the same, and take memory


def trace_stencil(
    box: BlackBox, pair: PointPair, outputs: Array, pattern: Pattern, dependencies: Dependencies
) -> Array:
    """Find which inputs in the stencil of a pattern outputs read at the second of two points, or at the first.

    Parameters
    ----------
    box, pair
        The function, and the two points.
    outputs
        Flat indices of outputs that refute the pattern, ascending. At the second point all others that read something
        are asked as well, which takes no more calls; at the first, those of these that read nothing more at the second.
    pattern
        What is known, from which the stencil is taken.
    dependencies
        What is found besides is added here.

    Returns
    -------
    outputs
        Those that read nothing more in the stencil, or one input in all, for such a one may read others together with
        it; all of them where the pattern is no stencil.
    """
    others = np.flatnonzero(pattern.lengths) if pattern.shape[0] <= _MANY else outputs
    asked = np.union1d(outputs, others)
    for direction in (pair.reversed, pair):
        known, candidates = pattern.of_outputs(asked), _in_stencil(pattern, asked)
        if candidates.stored == known.stored:
            return outputs
        rows, inputs = candidates.rows, candidates.indices
        line = Line(box, direction, tuple(range(pair.base.ndim)))
        read, faint = read_pairs(line, asked, (rows, inputs), color_columns(rows, inputs, pattern.shape[1]), 0)
        new = read & (known.places(rows, inputs) < 0)
        dependencies.add(asked[rows[new]], inputs[new], faint[new])
        more = np.bincount(rows[new], minlength=asked.size)
        settled = asked[(more > 0) & (more + known.lengths > 1)]
        outputs = asked = np.setdiff1d(outputs, settled, assume_unique=True)
    return outputs


def _in_stencil(pattern: Pattern, outputs: Array) -> Pattern:
    """Return what some outputs are known to read, and all inputs at an offset from them that any output has.

    An offset is the difference of two indices in the operand, those of the input and of the output's place. Where there
    are many offsets, what is known is returned. It is part of the answer since inputs that are known must not be moved
    together with others.
    """
    known, shape = pattern.of_outputs(outputs), pattern.operand_shape
    if not shape:  # a single number has no neighbours
        return known
    spans = tuple(2 * n for n in shape)  # room for negative offsets
    some = slice(None, None, pattern.stored // _SAMPLE + 1)
    index = zip(
        np.unravel_index(pattern.indices[some], shape), _places(pattern, pattern.rows[some]), shape, strict=True
    )
    keys = np.unique(np.ravel_multi_index([i - place + n for i, place, n in index], spans))
    if keys.size > _OFFSETS:
        return known
    offsets = zip(_places(pattern, outputs), np.unravel_index(keys, spans), shape, strict=True)
    moved = [place[:, None] + offset - n for place, offset, n in offsets]
    inside = np.all([(i >= 0) & (i < n) for i, n in zip(moved, shape, strict=True)], axis=0)
    rows = np.broadcast_to(np.arange(outputs.size)[:, None], inside.shape)[inside]
    inputs = np.ravel_multi_index([i[inside] for i in moved], shape)
    rows, inputs = np.r_[known.rows, rows], np.r_[known.indices, inputs]
    return Pattern.from_pairs(rows, inputs, known.output_shape, known.operand_shape)


def _places(pattern: Pattern, outputs: Array) -> list[Array]:
    """Return the index along each axis of the operand at which outputs have their places.

    Where there are more or fewer outputs along an axis than inputs, the index is scaled.
    """
    output, operand = pattern.output_shape, pattern.operand_shape
    if len(output) != len(operand):
        return list(np.unravel_index(outputs.astype(np.int64) * prod(operand) // prod(output), operand))
    index = np.unravel_index(outputs, output)
    return [i * n // m for i, m, n in zip(index, output, operand, strict=True)]
