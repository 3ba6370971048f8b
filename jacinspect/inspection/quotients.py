"""Is a claim a difference quotient of f, with a step that people write down? Next: diagnosis."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from jacinspect.inspection.suspicion import Suspicion
from jacinspect.jacobian.calls.blackbox import Array

__all__ = ["difference_quotients"]

_STEPS = (*(10.0**-k for k in range(3, 11)), 2.0**-26, 2.0 ** (-52 / 3))  # ε^(1/2) and ε^(1/3) too, of doubles
_QUOTIENTS = (("forward", 0, 1), ("backward", -1, 0), ("central", -1, 1))  # with f at these multiples of the step
_COLUMNS = 2  # a step that fits two entries or more by chance is rare, and f is called for each column
_UNEXPLAINED = 2.0**-6  # of the difference: f's rounding over the step, and no step but the one that fits
_COARSE = 2.0**-9  # relative: few quotients are off by more, and f is not called for what other mistakes are off by


def difference_quotients(s: Suspicion) -> Iterator[str]:
    """Try forward, backward and central differences of f, in a few columns with entries that disagree."""
    wrong = np.flatnonzero(s.wrong)
    columns, off = np.unique(s.pattern.indices[wrong])[:_COLUMNS], np.abs(s.claim.data - s.value)
    if s.f is None or wrong.size < 2 or not np.all(off[wrong] <= _COARSE * np.max(np.abs(s.value))):
        return
    f = s.f

    @cache
    def moved(column: int, step: float) -> Array:
        x = s.x.astype(np.float64)
        x[column] += step
        return f(x.reshape(s.pattern.operand_shape))

    def fits(column: int, step: float, low: int, high: int) -> bool:
        entries = wrong[s.pattern.indices[wrong] == column]
        with np.errstate(all="ignore"):
            quotient = (moved(column, high * step) - moved(column, low * step)) / ((high - low) * step)
        return bool(np.all(np.abs(s.claim.data - quotient[s.pattern.rows])[entries] <= _UNEXPLAINED * off[entries]))

    for step in _STEPS:
        for unit, scales in (("", np.ones(s.x.size)), (f" max(1, |{s.names.x}|)", np.maximum(1, np.abs(s.x)))):
            for name, low, high in _QUOTIENTS:
                if all(fits(int(column), step * float(scales[column]), low, high) for column in columns):
                    yield f"a {name} difference of f with step {step:.3g}{unit}"
