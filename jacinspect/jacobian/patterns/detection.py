"""Which inputs does each output read? Found by calling f and comparing values exactly. Next: coloring.

f is called at X, at a *flip* of X in which every entry has moved, and at mixtures of the two. What this cannot see: an
exact cancellation, an effect below one unit in the last place, a branch that none of the points takes.
"""

from contextlib import suppress

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.indices import distinct
from jacinspect.jacobian.patterns.confirmation import confirm, trace_refuted
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair, Unresolved
from jacinspect.jacobian.patterns.points import NEAR, NEARER, PointSource
from jacinspect.jacobian.patterns.search import trace_flips, trace_near_one
from jacinspect.jacobian.patterns.ties import trace_ties
from jacinspect.jacobian.patterns.tracing import trace
from jacinspect.records import dataclass, replace

__all__ = ["Detection", "detect", "detect_again"]

_CONFIRMATIONS = (1.0, NEAR, *[NEARER] * 10)  # where inputs are read that depend on the data, far away shows others
_AGAIN = (0.25, NEAR, *[NEARER] * 4)  # a median of three equal numbers shows two of them at a point


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
    flips = trace_flips(box, PointSource(x, box.limits, rng), budget, dependencies)
    source = PointSource(x, box.limits, rng)  # within ends that may have been found by now
    points = 1 + flips + trace_near_one(box, source, budget, dependencies)
    pattern = dependencies.pattern(box.output_shape, x.shape)
    ties = trace_ties(box, source, pattern, budget, dependencies)
    points += ties
    for number, reach in enumerate(_CONFIRMATIONS):
        pattern = dependencies.pattern(box.output_shape, x.shape) if number or ties else pattern
        evidence = confirm(box, source, pattern, dependencies, reach)
        points += bool(evidence.pairs)
        if not evidence.refuted.size:
            break
        trace_refuted(box, evidence, evidence.refuted, pattern, budget, dependencies)
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
        evidence = confirm(box, source, pattern, dependencies, reach)
        if evidence.pairs:
            points += 1
            suspects, here = distinct(suspects, evidence.refuted), evidence.pairs[0]
            trace_refuted(box, evidence, suspects, pattern, budget, dependencies)
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
