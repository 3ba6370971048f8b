"""Where an element-wise expression of one operand goes over to another branch. Next: expression.

Those are where(x > 6, …), max(x, 0) and relu6(2 * x - 1): the roots of the difference of what is compared, or of an
argument and a kink that its function is declared to have, between -100 and 100.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.expressions.evaluation import Part, is_elementwise, push
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.function import Array

__all__ = ["bends"]

_LARGER = ("maximum", "minimum")
_UPWARD = np.logspace(-2, 2, 33)
_PLACES = np.r_[-_UPWARD[::-1], 0, _UPWARD]  # among which a difference changes its sign
_HALVINGS = 60  # from the distance of two places to the last bits
_DIGITS = 12  # of a root: those of a threshold as people write it
_MOST = 8  # such points: an expression with more has them periodically


def bends(typed: Typed, tree: Part, operands: tuple[str, ...]) -> tuple[float, ...]:
    """Return the values of the only operand at which a part of an element-wise tree goes over to another branch."""
    if len(operands) != 1 or not is_elementwise(tree):
        return ()

    def value(part: Part, x: Array) -> Array:
        return np.broadcast_to(push(typed, part, {operands[0]: x}, {})[0], x.shape)

    try:
        with np.errstate(all="ignore"):
            found = {root for differs in _differences(tree, value) for root in _roots(differs)}
    except InputError:  # the expression takes no single numbers
        return ()
    return tuple(sorted(found)) if len(found) <= _MOST else ()


def _differences(part: Part, value: Callable[[Part, Array], Array]) -> Iterator[Callable[[Array], Array]]:
    """Yield, for each part with branches, functions of the operand that are 0 where it goes over to another one."""
    for argument in part.arguments:
        yield from _differences(argument, value)
    if part.function is None:
        return
    compared = part.arguments[:-2] if part.function.name == "where" else part.arguments
    if part.function.name in ("where", *_LARGER):
        for one, other in pairwise(compared):
            yield lambda x, one=one, other=other: value(one, x) - value(other, x)  # type: ignore[misc]
    for bend in part.function.bends:
        yield lambda x, bend=bend: value(part.arguments[0], x) - bend  # type: ignore[misc]


def _roots(difference: Callable[[Array], Array]) -> Iterator[float]:
    """Yield where a function changes its sign, as far as that shows at a few places."""
    at = difference(_PLACES)
    single = (at[1:-1] == 0) & (at[:-2] != 0) & (at[2:] != 0)
    yield from (float(place) for place in _PLACES[1:-1][single])
    changes = np.flatnonzero(at[:-1] * at[1:] < 0)
    low, high, sign = _PLACES[changes], _PLACES[changes + 1], np.sign(at[changes])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        before = np.sign(difference(middle)) == sign
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    yield from (float(f"{place:.{_DIGITS}g}") for place in high)
