"""The sparsity pattern of a function alone, at the cost of detection: no derivative is taken. For solvers."""

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.function import Array, Function
from jacinspect.inspection import findings as find
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import black_box
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import detect

__all__ = ["Pattern", "found_pattern"]


def found_pattern(function: Function, x: Array, settings: Settings) -> Pattern:
    """Detect which entries of x each output of a function of one array reads; see `jacinspect.sparsity`."""
    box, point = black_box(function, x, lambda _: None)
    if box.mutates or not box.deterministic:
        end = find.mutates_input() if box.mutates else find.not_deterministic(box.jitter, function.reseed)
        raise FunctionFailedError(f"{function.name}: {end.message}")
    calls = settings.calls(max(x.size, box.y0.size))
    detection = detect(box, point, np.random.default_rng([settings.seed, 1]), Budget(calls, settings.memory))
    if not detection.proved:
        ended = find.budgets({group.spent for group in detection.unresolved}, calls, settings.memory)
        raise InputError(f"{function.name}: {ended} ended before the pattern was proved")
    return detection.pattern
