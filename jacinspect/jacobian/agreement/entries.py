"""Do the analytic and the numeric Jacobian agree, entry by entry? Next: directions.

The status of an entry is computed once, from the conditions that hold of it.
"""

from collections.abc import Callable
from functools import cache
from itertools import chain

import numpy as np

from jacinspect.jacobian.agreement.comparison import Comparison, Criteria
from jacinspect.jacobian.agreement.conditions import Conditions
from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.first_look import FLOOR, Contradicts
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import faintest, finite, is_half, precision, smallest, step_scale

__all__ = ["compare", "contradicts"]


def contradicts(analytic: Callable[[], Jacobian], epsilon: float) -> Contradicts:
    """Return what says where claims differ from differences, which look again before anything is called wrong.

    Of an f in half precision, with a relative noise epsilon, the numbers that it is made of are rounded for claims too.
    """
    rounding = epsilon / 2 if is_half(epsilon) else ROUNDING

    def differ(entries: Array | slice, value: Array, bar: Array) -> Array:
        claimed = analytic().data[entries]
        with np.errstate(all="ignore"):
            return np.asarray(~(np.abs(claimed - value) <= bar + rounding * np.abs(claimed)))

    return differ


def compare(
    analytic: Jacobian | None, numeric: Numeric, x: Array, y0: Array, criteria: Criteria | None = None
) -> Comparison:
    """Judge every stored entry; without an analytic Jacobian, only whether the numeric one is reliable.

    x is the operand, and y0 is f(x), flat; by the error bars alone if no `criteria` are given.
    """
    criteria = Criteria() if criteria is None else criteria
    pattern, x = numeric.jacobian.pattern, x.reshape(-1)
    claimed = numeric.jacobian.data if analytic is None else analytic.data
    comparison = Comparison(
        np.zeros(pattern.stored, np.int8), claimed, numeric, criteria.tolerance, criteria.approximate
    )
    reads_unknown = np.zeros(pattern.shape[0], bool)
    reads_unknown[pattern.rows[~np.isfinite(x)[pattern.indices]]] = True
    reach = cache(lambda: _reach(numeric, x, y0))
    nothing = max(float(precision(numeric.epsilon).tiny), FLOOR * smallest(numeric.epsilon, y0))
    for block in blocks(pattern.stored):
        rows = pattern.rows[block]
        conditions = Conditions(
            comparison=comparison,
            block=block,
            x=x[pattern.indices[block]],
            y0=y0[rows],
            checked=analytic is not None,
            criteria=criteria,
            reads_unknown=reads_unknown[rows],
            not_a_sum=np.isin(rows, criteria.unresolved),
            faintest=faintest(y0),
            reach=reach,
            nothing=nothing,
        )
        comparison.status[block] = conditions.status()
    return comparison


def _reach(numeric: Numeric, x: Array, y0: Array) -> float:
    """Return the largest finite number that is known of f: an output, or a slope times its input.

    Where these are all 0, as of a product at zeros, it is what f moves by over a unit of an input.
    """
    jacobian, every = numeric.jacobian, blocks(numeric.jacobian.data.size)
    with np.errstate(all="ignore"):
        by_x = (np.abs(jacobian.data[block] * x[jacobian.indices[block]]) for block in every)
        by_unit = (numeric.size[block] * step_scale(x[jacobian.indices[block]]) for block in every)
        largest = max(float(np.max(finite(moved), initial=0)) for moved in chain([np.abs(y0)], by_x))
        return largest or max((float(np.max(finite(moved), initial=0)) for moved in by_unit), default=0.0)
