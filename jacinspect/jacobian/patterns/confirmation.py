"""Does f move at mixtures of X and a second point as a pattern predicts? What refutes it is traced. Next: tracing."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.indices import distinct
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair
from jacinspect.jacobian.patterns.offsets import trace_stencil
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.tracing import trace
from jacinspect.records import dataclass

__all__ = ["Evidence", "confirm", "trace_refuted"]

_MIXTURES = 3  # of two points: an output that reads one input shows a missing one in each with probability 1/2
_MORE_MIXTURES = 5  # besides, where some output reads several inputs: a mixture that moves a known one shows nothing


@dataclass(frozen=True, eq=False)
class Evidence:
    """The outputs that refute a pattern, and the pairs of points and the mixtures of the first pair that show it."""

    refuted: Array
    pairs: list[PointPair]
    mixtures: list[tuple[Array, Array]]  # which entries have moved, and f

    def still(self, pattern: Pattern) -> Array:
        """Return which of the outputs have another value at some mixture than a pattern predicts."""
        wrong = np.zeros(pattern.shape[0], bool)
        for moved, y in self.mixtures:
            wrong |= _not_as_predicted(pattern, moved.ravel(), self.pairs[0], y)
        return self.refuted[wrong[self.refuted]]


def confirm(box: BlackBox, source: PointSource, pattern: Pattern, dependencies: Dependencies, reach: float) -> Evidence:
    """Compare f at mixtures of X and a second point, at some reach or nearer, with what the pattern predicts.

    There are no pairs of points where f raises everywhere. Nothing is asked where all outputs read all of several
    inputs, for no point can refute that.
    """
    none = Evidence(np.zeros(0, np.int64), [], [])
    if not source.x.size or not box.y0.size or pattern.stored == source.x.size * box.y0.size > box.y0.size:
        return none
    coupled = pattern.stored > np.count_nonzero(pattern.lengths)
    for point in source.nearer(reach):
        with suppress(FunctionRaisedError):
            pair = PointPair(source.x, box.y0, point, box(point.copy()))
            refuted, pairs, seen = np.zeros(box.y0.size, bool), [pair], []
            rounds = (_MIXTURES, _MORE_MIXTURES) if coupled else (_MIXTURES,)
            mixtures = chain.from_iterable(_mixtures(box, source, pair, number) for number in rounds)
            for tried, (moved, y) in enumerate(mixtures, 1):
                wrong = _not_as_predicted(pattern, moved.ravel(), pair, y)
                for unresolved in dependencies.unresolved:
                    wrong[unresolved.outputs] = False
                if wrong.any():
                    seen.append((moved, y))  # others would take memory: what they show stays as predicted
                if np.count_nonzero(wrong & ~refuted):
                    mixture = np.where(moved, pair.flip, source.x)
                    pairs += [PointPair(source.x, box.y0, mixture, y), PointPair(mixture, y, pair.flip, pair.y_flip)]
                refuted |= wrong
                if tried >= _MIXTURES and refuted.any():
                    break
            return Evidence(np.flatnonzero(refuted), pairs, seen)
    return none


def _mixtures(box: BlackBox, source: PointSource, pair: PointPair, number: int) -> Iterator[tuple[Array, Array]]:
    """Yield which entries have moved at a random mixture of two points, and f there.

    All are drawn first, so that what is drawn after them does not depend on how many are asked for.
    """
    moves = [source.rng.random(source.x.shape) < 0.5 for _ in range(number)]
    return zip(moves, box.many(np.where(moved, pair.flip, pair.base) for moved in moves), strict=True)


def trace_refuted(
    box: BlackBox, evidence: Evidence, outputs: Array, pattern: Pattern, budget: Budget, dependencies: Dependencies
) -> None:
    """Join what refuted outputs read between each pair of points with what is known, until none is in doubt.

    Where no output shows anything new between X and the second point, they do between a mixture and one of the two: X
    may be where they move with several inputs alone, as at equal numbers.
    """
    known = pattern.stored
    with suppress(FunctionRaisedError):  # at a mixture; the next confirmation draws others
        doubtful = trace_stencil(box, evidence.pairs[0], outputs, pattern, dependencies)
        for pair in evidence.pairs:
            pattern = dependencies.pattern(pattern.output_shape, pattern.operand_shape)
            if pattern.stored == known:
                doubtful = distinct(doubtful, evidence.still(pattern))
            if doubtful.size:
                doubtful = trace(box, pair, doubtful, budget, dependencies)


def _not_as_predicted(pattern: Pattern, moved: Array, pair: PointPair, y: Array) -> Array:
    """Return which outputs have another value at a mixture of two points than the pattern predicts."""
    wrong = np.zeros(y.size, bool)
    for block in pattern.bands:
        expected = (pair.y_base[block], pair.y_flip[block])
        wrong[block] = ~_as_predicted(pattern.band(block), moved, expected, y[block])
    return wrong


def _as_predicted(pattern: Pattern, moved: Array, expected: tuple[Array, Array], y: Array) -> Array:
    """Return which outputs have the value that the pattern predicts.

    It is the first of the `expected` where none of an output's inputs moved, the second where all did, and may be
    anything where some did.
    """
    flags = moved[pattern.indices]
    if pattern.has_one_each:
        return same(y, np.where(flags, expected[1], expected[0]))
    lengths = pattern.lengths
    number = np.zeros(lengths.size, np.int64)  # of an output's inputs that moved
    filled = lengths > 0
    if filled.any():
        number[filled] = np.add.reduceat(flags, pattern.indptr[:-1][filled], dtype=np.int64)
    return same(y, np.where(number == 0, expected[0], expected[1])) | ((number > 0) & (number < lengths))
