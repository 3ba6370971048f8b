"""Does an output change with an input that it is not known to read? Asked bit by bit along a direction. Next: pipeline.

Random directions compare numbers, and a number may be poor where a pattern is right. So before an output is detected
anew, everything that it is not known to read is moved, or stays, apart from the rest.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.compact import Pattern

__all__ = ["refuted_bitwise"]

_ROUNDS = 16  # of two calls: one input among many that an output is not known to read is missed with (3/4)^16 = 1 %


def refuted_bitwise(
    box: BlackBox, x: Array, pattern: Pattern, outputs: Array, points: Iterator[Array], rng: np.random.Generator
) -> Array:
    """Return which of some outputs change with inputs that they are not known to read.

    In each round the inputs of some of the outputs, drawn at random, stay at X while all others move, or move while all
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
    points
        Where everything has moved, of x's shape, one for each round: of equal inputs, another is the largest at each.
    """
    changed, lengths = np.zeros(outputs.size, bool), pattern.lengths[outputs]
    drawn = []
    for _ in range(_ROUNDS):
        order = rng.permutation(outputs.size)
        kept = max(int(np.searchsorted(np.cumsum(lengths[order]), x.size / 2)), 1)
        drawn.append(_inputs_of(pattern, outputs[order[:kept]]))

    def asked() -> Iterator[Array]:
        for number, point in enumerate(islice(points, _ROUNDS)):
            chosen = drawn[number].reshape(x.shape)
            yield point.copy()
            yield np.where(chosen, x, point) if number % 2 else np.where(chosen, point, x)

    values = box.many_unless_raised(asked())
    for number, (end, y) in enumerate(zip(values, values, strict=True)):
        if end is not None and y is not None:
            whole = pattern.sums(~drawn[number][pattern.indices] * 1.0)[outputs] == 0  # read nothing but chosen inputs
            expected = box.y0 if number % 2 else end
            changed |= whole & ~same(y[outputs], expected[outputs]) & np.isfinite(end[outputs])
    return np.asarray(outputs[changed])


def _inputs_of(pattern: Pattern, outputs: Array) -> Array:
    """Return, as N booleans, which inputs some outputs read."""
    chosen, inputs = np.zeros(pattern.shape[0], bool), np.zeros(pattern.shape[1], bool)
    chosen[outputs] = True
    inputs[pattern.indices[chosen[pattern.rows]]] = True
    return inputs
