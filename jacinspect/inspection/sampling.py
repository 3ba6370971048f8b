"""Which entries are compared: all, or as many as the budgets of calls and of memory allow. Next: gathering."""

import numpy as np

from jacinspect.inspection.inspected import Inspected
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.dependencies import Budget, Spent
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.jacobian.patterns.unresolved import ENTRY_BYTES, affordable_rows, colored, with_samples
from jacinspect.jacobian.values.ladder import LADDER_CALLS
from jacinspect.jacobian.values.star import directly_known, fewer_colors
from jacinspect.records import dataclass

__all__ = ["Sample", "affordable"]

_CALLS_PER_COLOR = 9  # three, and six where these are doubtful; or six, and the rest towards the ladders
_CALLS_PER_VJP = 4  # what a vjp takes: about four evaluations of f (Griewank & Walther 2008)


@dataclass(frozen=True, eq=False)
class Sample:
    """The entries to compare: a pattern with a column coloring, its share of all, and the budget that limits it.

    `star` is a star coloring of a symmetric pattern, where it has fewer colors.
    """

    pattern: Pattern
    colors: Array
    number: int
    coverage: float
    spent: Spent
    star: tuple[Array, int] | None = None

    @property
    def differenced(self) -> tuple[Pattern, Array, int]:
        """The pattern to difference, and its coloring: with a star coloring, of what that gives directly."""
        if self.star is None:
            return self.pattern, self.colors, self.number
        return self.pattern.only(directly_known(self.pattern, *self.star)), *self.star


def affordable(of: Inspected, detection: Detection, budget: Budget, *, mirror: bool) -> Sample:
    """Choose the entries to compare: all of them, or as many as the budgets of calls and of memory allow.

    The budget's evaluations are those at which to stop, earlier ones included; with `mirror`, one of two mirror images
    is enough of a symmetric pattern.
    """
    limit, memory = budget.evaluations, budget.memory
    pattern, total = with_samples(detection, memory, of.rng)
    colors, number = colored(pattern, detection)
    star = fewer_colors(pattern, number) if mirror and detection.proved else None
    if star is not None:
        return Sample(pattern, colors, number, 1.0, "evaluations", star)
    # One ladder at least has to fit, or no entry could be called wrong.
    by_calls = max((limit - of.box.evaluations - LADDER_CALLS) // _CALLS_PER_COLOR, 1)
    by_memory = max(memory * number // (ENTRY_BYTES * max(pattern.stored, 1)), 1)
    spent: Spent = "memory" if by_memory < min(by_calls, number) else "evaluations"
    if number > min(by_calls, by_memory):
        kept = np.sort(of.rng.choice(number, min(by_calls, by_memory), replace=False))
        pattern = pattern.restricted(np.isin(colors, kept))
        colors, number = colored(pattern, detection)
    if of.analytic is not None and of.analytic.push is None:
        pattern = affordable_rows(pattern, max(limit // _CALLS_PER_VJP, 1), of.rng)
        colors, number = colored(pattern, detection)
    coverage = pattern.stored / total if total else 1.0
    return Sample(pattern, colors, number, coverage, spent)
