"""Which inputs does each output read? Found by calling f and comparing values exactly. Next: coloring.

f is called at X, at a *flip* of X in which every entry has moved, and at mixtures of the two. What this cannot see: an
exact cancellation, an effect below one unit in the last place, a branch that none of the points takes.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.dependencies import Budget, Dependencies, PointPair, Unresolved
from jacinspect.jacobian.points import PointSource
from jacinspect.jacobian.tracing import trace

__all__ = ["Detection", "detect", "detect_again"]

_MIXTURES = 3  # of two points: an output that reads one input shows a missing one in each with probability 1/2
_MORE_MIXTURES = 8  # where some output reads several inputs: a mixture that moves a known one shows nothing
_CONFIRMATIONS = 12  # patterns that depend on the data change a few times; after these, they are left open
_REACHES = (1.0, 0.25, 2.0**-10)  # of a second point, in units of |x|: nearer where f raises
_NEAR_REACHES = (0.25, 2.0**-10)  # of the points at which a refuted pattern is detected again: close to X
_UNEQUAL = 2.0**40  # of two numbers with this ratio, the smaller has 12 of its 53 bits left in their sum


@dataclass(frozen=True, eq=False)
class Detection:
    """The pattern, at how many points it was observed, calls of f so far, and what a budget left open."""

    pattern: Pattern
    points: int
    evaluations: int
    unresolved: tuple[Unresolved, ...] = ()

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
        When f raises at every flip tried.
    """
    assert box.output_shape is not None
    source, dependencies = PointSource(x, box.domain, rng), Dependencies()
    flips, failure = _trace_flips(box, source, budget, dependencies)
    points = 1 + flips + _trace_near_one(box, source, budget, dependencies)
    if failure is not None and points == 1:
        raise failure
    for _ in range(_CONFIRMATIONS):
        pattern = dependencies.pattern(box.output_shape, x.shape)
        refuted, pairs = _confirm(box, source, pattern, dependencies)
        points += bool(pairs)
        if not refuted.size:
            break
        with suppress(FunctionRaisedError):  # at a mixture; the next confirmation draws others
            trace(box, pairs, refuted, budget, dependencies)
    else:
        dependencies.unresolved.append(Unresolved(refuted, np.zeros(refuted.size, np.int64), np.arange(x.size)))
        pattern = dependencies.pattern(box.output_shape, x.shape)
    return Detection(pattern, points, box.evaluations, tuple(dependencies.unresolved))


def detect_again(
    box: BlackBox, x: Array, before: Detection, outputs: Array, rng: np.random.Generator, budget: Budget
) -> Detection:
    """Detect outputs whose pattern was refuted once more, at new flips close to x, and add what is found."""
    assert box.output_shape is not None
    dependencies = Dependencies([before.pattern.rows], [before.pattern.indices], list(before.unresolved))
    source, points = PointSource(x, box.domain, rng), before.points
    for reach in _NEAR_REACHES:
        flip = source.moved(0, reach, reach)
        with suppress(FunctionRaisedError):
            pair = PointPair(x, box.y0, flip, box(flip.copy()))
            points += 1
            moved = outputs[~same(pair.y_flip, box.y0)[outputs]]
            trace(box, [pair, pair.reversed], moved, budget, dependencies)
    pattern = dependencies.pattern(box.output_shape, x.shape)
    return Detection(pattern, points, box.evaluations, tuple(dependencies.unresolved))


def _trace_flips(
    box: BlackBox, source: PointSource, budget: Budget, dependencies: Dependencies
) -> tuple[int, FunctionRaisedError | None]:
    """Trace every output between X and the first flip that changes it.

    Returns the number of flips at which some output was traced, and what f raised at the last flip where it did.
    """
    pending = np.full(box.y0.size, source.x.size > 0)
    points, failure = 0, None
    for flip, last in source.flips():
        if not pending.any():
            break
        try:
            y = box(flip.copy())
            shown = pending & ~same(y, box.y0)
            if not last:  # f may have left its domain there; a nearer flip comes later
                shown &= np.isfinite(y) | ~np.isfinite(box.y0)
            if shown.any():
                pair = PointPair(source.x, box.y0, flip, y)
                trace(box, [pair, pair.reversed], _flat_indices(shown), budget, dependencies)
                del pair  # arrays of the operand's size, not needed while the next flip is drawn
                points += 1
            del y
        except FunctionRaisedError as error:
            failure = error
            continue
        pending &= ~shown
    return points, failure


def _trace_near_one(box: BlackBox, source: PointSource, budget: Budget, dependencies: Dependencies) -> int:
    """Where x has numbers of very different size, trace between two points that have not; return how many there were.

    Added to a much larger number, a small one changes no bit of the sum.
    """
    size = np.abs(source.x[np.isfinite(source.x) & (source.x != 0)])
    if not size.size or size.max() / _UNEQUAL <= size.min():
        return 0
    with suppress(FunctionRaisedError):
        base, flip = source.near_one(), source.near_one()
        pair = PointPair(base, box(base.copy()), flip, box(flip.copy()))
        finite = np.isfinite(pair.y_base) & np.isfinite(pair.y_flip) & np.isfinite(box.y0)
        trace(box, [pair, pair.reversed], _flat_indices(finite), budget, dependencies)
        return 2
    return 0


def _confirm(
    box: BlackBox, source: PointSource, pattern: Pattern, dependencies: Dependencies
) -> tuple[Array, list[PointPair]]:
    """Compare f at mixtures of X and a second point with what the pattern predicts.

    Returns the outputs that refute the pattern and the pairs of points that show it; none where f raises at every
    second point.
    """
    none = np.zeros(0, np.int64)
    if not source.x.size or not box.y0.size:
        return none, []
    pair = _second_point(box, source)
    if pair is None:
        return none, []
    refuted = np.zeros(box.y0.size, bool)
    pairs = [pair, pair.reversed]
    coupled = pattern.stored > np.count_nonzero(np.diff(pattern.indptr))
    for _ in range(_MORE_MIXTURES if coupled else _MIXTURES):
        moved = source.rng.random(source.x.shape) < 0.5
        mixture = np.where(moved, pair.flip, source.x)
        try:
            y = box(mixture)
        except FunctionRaisedError:
            continue
        wrong = np.zeros(y.size, bool)
        for block in blocks(y.size):
            expected = (pair.y_base[block], pair.y_flip[block])
            wrong[block] = ~_as_predicted(pattern.band(block), moved.ravel(), expected, y[block])
        for unresolved in dependencies.unresolved:
            wrong[unresolved.outputs] = False
        if np.any(wrong & ~refuted):
            pairs += [PointPair(source.x, box.y0, mixture, y), PointPair(mixture, y, pair.flip, pair.y_flip)]
        refuted |= wrong
    return np.flatnonzero(refuted), pairs


def _second_point(box: BlackBox, source: PointSource) -> PointPair | None:
    """Return X and a random point at which f does not raise, or None if it raises at all that were tried."""
    for reach in _REACHES:
        point = source.moved(0, reach, reach)
        with suppress(FunctionRaisedError):
            return PointPair(source.x, box.y0, point, box(point.copy()))
    return None


def _as_predicted(pattern: Pattern, moved: Array, expected: tuple[Array, Array], y: Array) -> Array:
    """Return which outputs have the value that the pattern predicts.

    It is the first of the `expected` where none of an output's inputs moved, the second where all did, and may be
    anything where some did.
    """
    lengths = np.diff(pattern.indptr)
    flags = moved[pattern.indices]
    if flags.size == lengths.size and np.all(lengths == 1):
        return same(y, np.where(flags, expected[1], expected[0]))
    number = np.zeros(lengths.size, np.int64)  # of an output's inputs that moved
    filled = lengths > 0
    if filled.any():
        number[filled] = np.add.reduceat(flags, pattern.indptr[:-1][filled], dtype=np.int64)
    return same(y, np.where(number == 0, expected[0], expected[1])) | ((number > 0) & (number < lengths))


def _flat_indices(chosen: Array) -> Array:
    """Return where booleans are true, ascending, in 4 bytes each where that suffices."""
    return np.flatnonzero(chosen).astype(np.int32 if chosen.size < 2**31 else np.int64)
