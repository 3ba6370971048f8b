"""Random operands moved to where a function is defined: numbers as they were drawn come in, numbers it takes go out.

A draw at which the function is finite stays as it is.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from jacinspect.operands.shapes import Array, Interval, inside

__all__ = ["where_defined"]

# Where elementary functions are defined, the widest first: sqrt and log; acos; logit; acosh; log(-x). Then near 0.
_INTERVALS = (
    (0, math.inf), (-1, 1), (0, 1), (1, math.inf), (-math.inf, 0), (-1 / 8, 1 / 8), (0, 1 / 8),
)  # fmt: skip


def where_defined(
    f: Callable[..., Array], operands: Sequence[Array], domains: Sequence[Interval | None]
) -> list[Array]:
    """Move operands into the first of a few intervals in which f is finite, or else into that in which it most is.

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
        except Exception:  # it is reported when f is inspected
            return math.inf

    best = list(operands)
    fewest = undefined(best)
    drawn = [place for place, domain in enumerate(domains) if domain is not None]
    if not fewest < math.inf:
        return best
    for places in [drawn, *([place] for place in drawn if len(drawn) > 1)]:
        begun = best
        for interval in _INTERVALS if places else ():
            if not fewest:
                return best
            point = list(begun)
            for place in places:
                domain = domains[place]
                assert domain is not None
                point[place] = inside(inside(operands[place], interval), domain)
            number = undefined(point)
            if number < fewest:
                best, fewest = point, number
    return best
