"""Which inputs does each output read? Found by calling f and comparing values exactly. Next: coloring.

f is called at X, at a *flip* of X in which every entry has moved, and at mixtures of the two. What this cannot see: an
exact cancellation, an effect below one unit in the last place, a branch that none of the points takes.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.calls.ends import keep_within_ends
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.indices import distinct
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair, Unresolved
from jacinspect.jacobian.patterns.offsets import trace_stencil
from jacinspect.jacobian.patterns.points import NEAR, NEARER, PointSource
from jacinspect.jacobian.patterns.ties import trace_ties
from jacinspect.jacobian.patterns.tracing import trace
from jacinspect.records import dataclass, replace

__all__ = ["Detection", "detect", "detect_again"]

_MIXTURES = 3  # of two points: an output that reads one input shows a missing one in each with probability 1/2
_MORE_MIXTURES = 5  # besides, where some output reads several inputs: a mixture that moves a known one shows nothing
_CONFIRMATIONS = (1.0, NEAR, *[NEARER] * 10)  # where inputs are read that depend on the data, far away shows others
_AGAIN = (0.25, NEAR, *[NEARER] * 4)  # a median of three equal numbers shows two of them at a point
_UNEQUAL = 2.0**40  # of two numbers with this ratio, the smaller has 12 of its 53 bits left in their sum


@dataclass(frozen=True, eq=False)
class Detection:
    """The pattern, at how many points it was observed, how many calls of f that took, and what a budget left open.

    `faint`, booleans, are the entries whose output changed by so little that it may be rounding; None for no entry.
    """

    pattern: Pattern
    points: int
    evaluations: int
    unresolved: tuple[Unresolved, ...] = ()
    faint: Array | None = None

    @property
    def proved(self) -> bool:
        """Whether every dependence was followed down to single inputs."""
        return not self.unresolved


def detect(box: BlackBox, x: Array, rng: np.random.Generator, budget: Budget) -> Detection:
    """Find which entries of x each output of f reads.

    Parameters
    ----------
    box
        The function, already called at x.
    x
        The operand, floating point, any shape; its entries may be non-finite.
    rng
        Draws the flips.
    budget
        Past it, outputs that read several inputs are left open: `Detection.unresolved`.

    Raises
    ------
    FunctionRaisedError
        When f raises at every point tried but x.
    """
    assert box.output_shape is not None
    dependencies = Dependencies()
    flips = _trace_flips(box, PointSource(x, box.limits, rng), budget, dependencies)
    source = PointSource(x, box.limits, rng)  # within ends that may have been found by now
    points = 1 + flips + _trace_near_one(box, source, budget, dependencies)
    pattern = dependencies.pattern(box.output_shape, x.shape)
    ties = trace_ties(box, source, pattern, budget, dependencies)
    points += ties
    for number, reach in enumerate(_CONFIRMATIONS):
        pattern = dependencies.pattern(box.output_shape, x.shape) if number or ties else pattern
        evidence = _confirm(box, source, pattern, dependencies, reach)
        points += bool(evidence.pairs)
        if not evidence.refuted.size:
            break
        _trace_refuted(box, evidence, evidence.refuted, pattern, budget, dependencies)
    else:
        refuted = evidence.refuted
        dependencies.unresolved.append(Unresolved(refuted, np.zeros(refuted.size, np.int64), np.arange(x.size)))
        pattern = dependencies.pattern(box.output_shape, x.shape)
    open_, faint = tuple(dependencies.unresolved), dependencies.faint_entries(pattern)
    return Detection(pattern, points, box.evaluations, open_, faint)


def detect_again(
    box: BlackBox, x: Array, before: Detection, outputs: Array, rng: np.random.Generator, budget: Budget
) -> Detection:
    """Detect outputs whose pattern was refuted once more, at new points close to x, and add what is found.

    Each is compared with the one before, too: of equal numbers, an output may read some only where others differ.
    Outputs of which no further input shows are traced a unit away, too: rounding may hide one close to x.
    """
    assert box.output_shape is not None
    began, dependencies = box.evaluations, Dependencies(unresolved=list(before.unresolved))
    dependencies.add(before.pattern.rows, before.pattern.indices, before.faint)
    source, points, pattern = PointSource(x, box.limits, rng), before.points, before.pattern
    last: PointPair | None = None
    suspects = outputs
    for reach in _AGAIN:
        evidence = _confirm(box, source, pattern, dependencies, reach)
        if evidence.pairs:
            points += 1
            suspects, here = distinct(suspects, evidence.refuted), evidence.pairs[0]
            _trace_refuted(box, evidence, suspects, pattern, budget, dependencies)
            if last is not None:
                with suppress(FunctionRaisedError):
                    trace(box, replace(here, base=last.flip, y_base=last.y_flip), suspects, budget, dependencies)
            last, pattern = here, dependencies.pattern(box.output_shape, x.shape)
    left = outputs[pattern.lengths[outputs] == before.pattern.lengths[outputs]]
    if left.size:
        for direction in (-1, 1):
            with suppress(FunctionRaisedError):
                point = source.moved(direction, 1, 1)
                trace(box, PointPair(x, box.y0, point, box(point.copy())), left, budget, dependencies)
        pattern = dependencies.pattern(box.output_shape, x.shape)
    open_, faint = tuple(dependencies.unresolved), dependencies.faint_entries(pattern)
    return Detection(pattern, points, before.evaluations + box.evaluations - began, open_, faint)


def _trace_flips(box: BlackBox, source: PointSource, budget: Budget, dependencies: Dependencies) -> int:
    """Trace every output between X and the first flip that changes it; return at how many flips one was traced.

    Where f raises, or is not finite, points nearer to X are tried.

    Raises
    ------
    FunctionRaisedError
        When f raises at every point but X.
    """
    search = _Search(box, source.x, budget, dependencies, np.full(box.y0.size, source.x.size > 0))
    for flip in source.flips():
        if not search.pending.any():
            return search.points
        search.trace(flip)
    if search.undefined:
        if search.failure is not None:
            keep_within_ends(box, source.x)
            source = replace(source, domain=box.limits)
        for flip in source.nearer():
            search.trace(flip)
    search.trace(source.moved(-1, 1, 1), anywhere=True)
    if search.failure is not None and not search.called:
        moved = f"at every point tried but X, even one that was moved by {search.nearest} only, "
        raise FunctionRaisedError(search.failure.what, moved) from search.failure
    return search.points


@dataclass(eq=False)
class _Search:
    """The outputs whose inputs are not known yet, at how many flips some were traced, and where f has no value."""

    box: BlackBox
    x: Array
    budget: Budget
    dependencies: Dependencies
    pending: Array
    points: int = 0
    called: bool = False  # whether f returned a value at some flip
    undefined: bool = False  # whether f raised, or was not finite where f(x) is, at some flip
    failure: FunctionRaisedError | None = None
    nearest: str = ""  # by how much X was moved where it failed so

    def trace(self, flip: Array, anywhere: bool = False) -> None:
        """Trace the pending outputs that the flip changes, those that are not finite there only if `anywhere`."""
        y0 = self.box.y0
        try:
            y = self.box(flip.copy())
            self.called = True
            shown = self.pending & ~same(y, y0)
            if not anywhere:
                shown &= self._finite(y)
            if shown.any():
                trace(self.box, PointPair(self.x, y0, flip, y), _flat_indices(shown), self.budget, self.dependencies)
                self.points += 1
        except FunctionRaisedError as error:
            self.undefined = True
            if not anywhere:  # all before were nearer
                self.failure, self.nearest = error, self.box.moved_by(flip)
        else:
            self.pending &= ~shown

    def _finite(self, y: Array) -> Array:
        """Return where a value is finite, or f(x) is not, and note if it is not everywhere so."""
        finite = np.isfinite(y) | ~np.isfinite(self.box.y0)
        self.undefined |= not bool(finite.all())
        return np.asarray(finite)


def _trace_near_one(box: BlackBox, source: PointSource, budget: Budget, dependencies: Dependencies) -> int:
    """Where x has numbers of very different size, trace between two points that have not; return how many there were.

    Added to a much larger number, a small one changes no bit of the sum.
    """
    size = np.abs(source.x[np.isfinite(source.x) & (source.x != 0)])
    if not size.size or size.max() / _UNEQUAL <= size.min():
        return 0
    with suppress(FunctionRaisedError):
        base, flip = source.near_one(), source.near_one()
        y_base, y_flip = box.many([base.copy(), flip.copy()])
        pair = PointPair(base, y_base, flip, y_flip)
        finite = np.isfinite(pair.y_base) & np.isfinite(pair.y_flip) & np.isfinite(box.y0)
        trace(box, pair, _flat_indices(finite), budget, dependencies)
        return 2
    return 0


@dataclass(frozen=True, eq=False)
class _Evidence:
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


def _confirm(
    box: BlackBox, source: PointSource, pattern: Pattern, dependencies: Dependencies, reach: float
) -> _Evidence:
    """Compare f at mixtures of X and a second point, at some reach or nearer, with what the pattern predicts.

    There are no pairs of points where f raises everywhere. Nothing is asked where all outputs read all of several
    inputs, for no point can refute that.
    """
    none = _Evidence(np.zeros(0, np.int64), [], [])
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
            return _Evidence(np.flatnonzero(refuted), pairs, seen)
    return none


def _mixtures(box: BlackBox, source: PointSource, pair: PointPair, number: int) -> Iterator[tuple[Array, Array]]:
    """Yield which entries have moved at a random mixture of two points, and f there.

    All are drawn first, so that what is drawn after them does not depend on how many are asked for.
    """
    moves = [source.rng.random(source.x.shape) < 0.5 for _ in range(number)]
    return zip(moves, box.many(np.where(moved, pair.flip, pair.base) for moved in moves), strict=True)


def _trace_refuted(
    box: BlackBox, evidence: _Evidence, outputs: Array, pattern: Pattern, budget: Budget, dependencies: Dependencies
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


def _flat_indices(chosen: Array) -> Array:
    """Return where booleans are true, ascending, in 4 bytes each where that suffices."""
    return np.flatnonzero(chosen).astype(np.int32 if chosen.size < 2**31 else np.int64)
