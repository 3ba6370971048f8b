"""Does an output change with an input that it is not known to read? Asked bit by bit along a direction. Next: pipeline.

Random directions compare numbers, and a number may be poor where a pattern is right. So before an output is detected
anew, everything that it is not known to read is moved, or stays, apart from the rest.
"""

from contextlib import suppress

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.blackbox import Array, BlackBox, same
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.points import NEAR, NEARER

__all__ = ["refuted_bitwise"]

_ROUNDS = 16  # calls: one input among many that an output reads and is not known to is missed with (3/4)^16 = 1 %
_REACHES = (NEAR, NEARER)  # of the direction: close to x, where other branches of f are not taken


def refuted_bitwise(
    box: BlackBox, x: Array, pattern: Pattern, outputs: Array, tangents: list[Array], rng: np.random.Generator
) -> Array:
    """Return which of some outputs change with inputs that they are not known to read.

    In each call the inputs of some of the outputs, drawn at random, stay at X while all others move, or move while all
    others stay. There are as many as make up half of all inputs at most. The first must not change, and the second have
    to be what they are where everything moves.

    Parameters
    ----------
    box, x
        The function and the operand.
    pattern
        What each output is known to read.
    outputs
        Flat indices.
    tangents
        Directions to move along, of x's shape.
    """
    changed, lengths = np.zeros(outputs.size, bool), pattern.lengths[outputs]
    points = [(x + reach * tangent).astype(x.dtype) for reach in _REACHES for tangent in tangents]
    ends = [box.where_defined(point.copy())[outputs] for point in points]
    for number in range(_ROUNDS):
        point, end = points[number // 2 % len(points)], ends[number // 2 % len(points)]
        order = rng.permutation(outputs.size)
        kept = max(int(np.searchsorted(np.cumsum(lengths[order]), x.size / 2)), 1)
        chosen = _inputs_of(pattern, outputs[order[:kept]])
        whole = pattern.sums(~chosen[pattern.indices] * 1.0)[outputs] == 0  # these read nothing but chosen inputs
        mask = chosen.reshape(x.shape)
        first, second, expected = (x, point, box.y0[outputs]) if number % 2 else (point, x, end)
        with suppress(FunctionRaisedError):
            y = box(np.where(mask, first, second))[outputs]
            changed |= whole & ~same(y, expected) & np.isfinite(end)
    return np.asarray(outputs[changed])


def _inputs_of(pattern: Pattern, outputs: Array) -> Array:
    """Return, as N booleans, which inputs some outputs read."""
    chosen, inputs = np.zeros(pattern.shape[0], bool), np.zeros(pattern.shape[1], bool)
    chosen[outputs] = True
    inputs[pattern.indices[chosen[pattern.rows]]] = True
    return inputs
