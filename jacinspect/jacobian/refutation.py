"""Does an output change with an input that it is not known to read? Asked bit by bit along a direction. Next: pipeline.

Random directions compare numbers, and a number may be poor where a pattern is right. So before an output is detected
anew, everything that it is not known to read is moved, and everything else stays.
"""

from contextlib import suppress
from itertools import cycle

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.blackbox import Array, BlackBox, same
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.points import NEAR, NEARER

__all__ = ["refuted_bitwise"]

_ROUNDS = 16  # calls: one input among many that an output reads and is not known to is missed with (3/4)^16 = 1 %
_REACHES = (NEAR, NEARER)  # of the direction, in turn: close to x, where other branches of f are not taken


def refuted_bitwise(
    box: BlackBox, x: Array, pattern: Pattern, outputs: Array, tangents: list[Array], rng: np.random.Generator
) -> Array:
    """Return which of some outputs change when inputs are moved that they are not known to read.

    In each call the inputs of some of the outputs, drawn at random, stay, as many as make up half of all inputs at
    most; all others move.

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
    changed, lengths = np.zeros(outputs.size, bool), np.diff(pattern.indptr)[outputs]
    for reach, tangent, _ in zip(cycle(_REACHES), cycle(tangents), range(_ROUNDS), strict=False):
        order = rng.permutation(outputs.size)
        number = max(int(np.searchsorted(np.cumsum(lengths[order]), x.size / 2)), 1)
        stays = _inputs_of(pattern, outputs[order[:number]])
        moved = pattern.sums(~stays[pattern.indices] * 1.0)[outputs] > 0
        with suppress(FunctionRaisedError), np.errstate(over="ignore"):
            y = box(np.where(stays.reshape(x.shape), x, x + reach * tangent).astype(x.dtype))
            changed |= ~moved & ~same(y, box.y0)[outputs]
    return np.asarray(outputs[changed])


def _inputs_of(pattern: Pattern, outputs: Array) -> Array:
    """Return, as N booleans, which inputs some outputs read."""
    chosen, inputs = np.zeros(pattern.shape[0], bool), np.zeros(pattern.shape[1], bool)
    chosen[outputs] = True
    inputs[pattern.indices[chosen[pattern.rows]]] = True
    return inputs
