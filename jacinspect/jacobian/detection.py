"""Which inputs does each output read? Asked of the function by experiment, comparing values exactly. Next: coloring.

Two points, X and a *flip* of it in which every entry has moved, and mixtures of the two. What this cannot see: an exact
cancellation, an effect below one ulp, a branch that none of the points takes.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.points import flips, moved_by, within
from jacinspect.jacobian.tracing import Budget, Found, Round, Unresolved, flat_indices, trace

__all__ = ["Detection", "detect", "detect_again"]

_MIXTURES = 3  # of two points, to hold a pattern against
_MORE_MIXTURES = 8  # where some output reads several inputs, and a mixture tells less
_CONFIRMATIONS = 12
_UNEQUAL = 2.0**40  # how many times larger a number may be than another that still moves a sum with it


@dataclass(frozen=True, eq=False)
class Detection:
    """What was found: the pattern at so many points, with so many calls, and what a budget left open."""

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
        Past it, what is still coupled stays a group: `Detection.unresolved`.

    Raises
    ------
    FunctionRaisedError
        When f raises at every flip tried.
    """
    assert box.output_shape is not None
    found = Found()
    pending = np.full(box.y0.size, x.size > 0)
    points = 1
    failure: FunctionRaisedError | None = None
    for flip, last in flips(box, x, rng):
        if not pending.any():
            break
        try:
            y = box(flip.copy())
            shown = pending & ~same(y, box.y0)
            if not last:  # f may have left its domain there; a nearer flip comes later
                shown &= np.isfinite(y) | ~np.isfinite(box.y0)
            if shown.any():
                trace(box, [(x, box.y0, flip, y), (flip, y, x, box.y0)], flat_indices(shown), budget, found)
                points += 1
            del y
        except FunctionRaisedError as error:
            failure = error
            continue
        pending &= ~shown
    del flip
    points += _trace_near_one(box, x, rng, budget, found)
    if failure is not None and points == 1:
        raise failure
    for _ in range(_CONFIRMATIONS):
        pattern = found.pattern(box.output_shape, x.shape)
        refuted, rounds = _confirm(box, x, pattern, found, rng)
        points += bool(rounds)
        if not refuted.size:
            break
        with suppress(FunctionRaisedError):  # between points at which f does not raise; the next round has others
            trace(box, rounds, refuted, budget, found)
    else:
        found.unresolved.append(Unresolved(refuted, np.zeros(refuted.size, np.int64), np.arange(x.size)))
        pattern = found.pattern(box.output_shape, x.shape)
    return Detection(pattern, points, box.evaluations, tuple(found.unresolved))


def detect_again(
    box: BlackBox, x: Array, before: Detection, outputs: Array, rng: np.random.Generator, budget: Budget
) -> Detection:
    """Look once more at outputs whose pattern was refuted, at new flips close to x, and add what is found."""
    assert box.output_shape is not None
    found = Found([before.pattern.rows], [before.pattern.indices], list(before.unresolved))
    points = before.points
    for reach in (0.25, 2.0**-10):
        step = moved_by(box, x, rng, 0, reach, reach)
        with suppress(FunctionRaisedError):
            y = box(step.copy())
            points += 1
            moved = outputs[~same(y, box.y0)[outputs]]
            trace(box, [(x, box.y0, step, y), (step, y, x, box.y0)], moved, budget, found)
    return Detection(found.pattern(box.output_shape, x.shape), points, box.evaluations, tuple(found.unresolved))


def _trace_near_one(box: BlackBox, x: Array, rng: np.random.Generator, budget: Budget, found: Found) -> int:
    """Where x has numbers of very different size, trace between two points that have not; return how many there were.

    Beside a number that is so much larger, what is small moves no bit of a sum.
    """
    size = np.abs(x[np.isfinite(x) & (x != 0)])
    if not size.size or size.max() / _UNEQUAL <= size.min():
        return 0
    with suppress(FunctionRaisedError):
        base, flip = (within(rng.uniform(0.5, 2, x.shape).astype(x.dtype), box.domain) for _ in range(2))
        y_base, y_flip = box(base.copy()), box(flip.copy())
        moved = np.isfinite(y_base) & np.isfinite(y_flip) & np.isfinite(box.y0)
        trace(box, [(base, y_base, flip, y_flip), (flip, y_flip, base, y_base)], flat_indices(moved), budget, found)
        return 2
    return 0


def _confirm(
    box: BlackBox, x: Array, pattern: Pattern, found: Found, rng: np.random.Generator
) -> tuple[Array, list[Round]]:
    """Hold the pattern against a second flip and mixtures with it.

    Returns the outputs that refute it and the points that show it; no points where f raises at every second flip.
    """
    none = np.zeros(0, np.int64)
    if not x.size or not box.y0.size:
        return none, []
    for reach in (1.0, 0.25, 2.0**-10):
        second = moved_by(box, x, rng, 0, reach, reach)
        try:
            y2 = box(second.copy())
            break
        except FunctionRaisedError:
            continue
    else:
        return none, []
    refuted = np.zeros(box.y0.size, bool)
    rounds: list[Round] = [(x, box.y0, second, y2), (second, y2, x, box.y0)]
    for _ in range(_MORE_MIXTURES if pattern.stored > np.count_nonzero(np.diff(pattern.indptr)) else _MIXTURES):
        moved = rng.random(x.shape) < 0.5
        mixture = np.where(moved, second, x)
        try:
            y = box(mixture)
        except FunctionRaisedError:
            continue
        wrong = np.zeros(y.size, bool)
        for block in blocks(y.size):
            wrong[block] = ~_predicted(pattern.band(block), moved.ravel(), box.y0[block], y2[block], y[block])
        for unresolved in found.unresolved:
            wrong[unresolved.outputs] = False
        if np.any(wrong & ~refuted):
            rounds += [(x, box.y0, mixture, y), (mixture, y, second, y2)]
        refuted |= wrong
    return np.flatnonzero(refuted), rounds


def _predicted(pattern: Pattern, moved: Array, y0: Array, y1: Array, y: Array) -> Array:
    """Whether each output is as its inputs say: y0 where none of them moved, y1 where all did, anything in between."""
    lengths = np.diff(pattern.indptr)
    flags = moved[pattern.indices]
    if flags.size == lengths.size and np.all(lengths == 1):
        return same(y, np.where(flags, y1, y0))
    ups = np.zeros(lengths.size, np.int64)
    filled = lengths > 0
    if filled.any():
        ups[filled] = np.add.reduceat(flags, pattern.indptr[:-1][filled], dtype=np.int64)
    expected = np.where(ups == 0, y0, y1)
    return same(y, expected) | ((ups > 0) & (ups < lengths))
