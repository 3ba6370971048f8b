"""Random operands moved to where a function is defined: numbers as they were drawn come in, numbers it takes go out.

A draw at which the function is finite stays as it is.
"""

import math
from collections.abc import Callable, Sequence
from itertools import chain, islice, product
from typing import Any

import numpy as np

from jacinspect.operands.shapes import Array, Interval, inside

__all__ = ["interval_of", "where_defined", "works_at"]

# Where elementary functions are defined, the widest first: sqrt and log; acos; logit; acosh; log(-x). Then near 0.
_INTERVALS = (
    (0, math.inf), (-1, 1), (0, 1), (1, math.inf), (-math.inf, 0), (-1 / 8, 1 / 8), (0, 1 / 8),
)  # fmt: skip
_EVERYWHERE = (-math.inf, math.inf)
_TRIED = 64  # combinations: all that there are of two operands


def where_defined(
    f: Callable[..., Array], operands: Sequence[Array], domains: Sequence[Interval | None]
) -> list[Array]:
    """Move operands into the first of a few intervals in which f is finite, or else into those in which it most is.

    The same interval for all is tried first.

    Parameters
    ----------
    f
        A function of all operands, without side effects.
    operands
        Real arrays.
    domains
        For each operand the interval that it was drawn in, which it stays in, and None where it was not drawn.
    """

    def undefined(point: Sequence[Array]) -> float:
        try:
            with np.errstate(all="ignore"):
                return int(np.count_nonzero(~np.isfinite(f(*point))))
        except (Exception, SystemExit):  # it is reported when f is inspected
            return math.inf

    best = list(operands)
    fewest = undefined(best)
    drawn = [place for place, domain in enumerate(domains) if domain is not None]
    together = ((interval,) * len(drawn) for interval in _INTERVALS)
    if fewest < math.inf:
        for intervals in chain(together, islice(product((_EVERYWHERE, *_INTERVALS), repeat=len(drawn)), _TRIED)):
            if not fewest:
                break
            point = list(operands)
            for place, interval in zip(drawn, intervals, strict=True):
                point[place] = inside(inside(operands[place], interval), domains[place] or _EVERYWHERE)
            number = undefined(point)
            if number < fewest:
                best, fewest = point, number
    return best


def interval_of(f: Callable[[Array], Any], x: Array) -> Interval | None:
    """Return the first of the intervals in which f neither raises nor is infinite or NaN when x is brought into it."""
    return next((interval for interval in _INTERVALS if works_at(f, inside(x, interval))), None)


def works_at(f: Callable[[Array], Any], x: Array) -> bool:
    """Whether f at x neither raises nor is infinite or NaN."""
    try:
        with np.errstate(all="ignore"):
            return bool(np.isfinite(f(x)).all())
    except (Exception, SystemExit):  # it is not defined there
        return False
