"""What do outputs read at X itself where entries are 0 or equal? Found by small steps to both sides. Next: detection.

Of equal entries, a maximum reads each that rises, and a sum of relus reads an entry at 0 on one side only. Far from X,
where no entries are equal, some of these are not read.
"""

from contextlib import suppress

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.tracing import trace

__all__ = ["trace_ties"]

_STEP = 2.0**-10  # of the distance to the nearest other number in X, so that no order among different numbers changes
_CURVED = 0.125  # of the change of f: more than it is curved over so short a step, and less than kinks bend it
_SPACINGS = 8  # of numbers beside an entry: the least step


def trace_ties(box: BlackBox, source: PointSource, pattern: Pattern, budget: Budget, dependencies: Dependencies) -> int:
    """Trace what outputs read of the tied entries, between X and two opposite points close to it.

    Where the first point shows just what is known, and f changes by as much to the other side, it reads the same on
    both, and the second is not needed; and neither is for an element-wise function.

    Returns
    -------
    points
        At how many points outputs were traced.
    """
    x = source.x
    if pattern.is_elementwise:
        return 0
    tied = _tied(x)
    if not tied.any():
        return 0
    known = pattern.restricted(tied.ravel())
    step = np.where(tied, _steps(x) * source.rng.choice([-1.0, 1.0], x.shape) * source.rng.uniform(1, 2, x.shape), 0)
    points, before = 0, None
    for point in (x + step, x - step):
        found = Dependencies()
        with suppress(FunctionRaisedError):
            near = source.inside(point.astype(x.dtype))
            y = box(near.copy())
            if before is not None and _opposite(box.y0, before, y):
                break
            trace(box, PointPair(x, box.y0, near, y), np.arange(box.y0.size), budget, found)
            points += 1
            here = found.pattern(pattern.output_shape, pattern.operand_shape)
            if np.array_equal(here.indices, known.indices) and np.array_equal(here.indptr, known.indptr):
                before = y
        dependencies.join(found)
    return points


def _opposite(y0: Array, before: Array, after: Array) -> bool:
    """Whether f changes to one side as it does to the other, but for the sign: elsewhere it has a kink."""
    with np.errstate(all="ignore"):
        change, other = before - y0, after - y0
        return bool(np.all(np.abs(change + other) <= _CURVED * np.abs(change - other)))


def _tied(x: Array) -> Array:
    """Return which entries are 0 or equal to another; those that are not finite are none."""
    _, place, number = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray(np.isfinite(x) & ((x == 0) | (number[place].reshape(x.shape) > 1)))


def _steps(x: Array) -> Array:
    """Return for each entry a step that is small beside its distances to all different ones."""
    values, place = np.unique(np.where(np.isfinite(x), x, 0), return_inverse=True)
    if values.size == 1:
        gaps = np.where(values == 0, 1, np.abs(values))
    else:
        with np.errstate(over="ignore"):
            between = np.minimum(np.diff(values), np.finfo(x.dtype).max)
        gaps = np.minimum(np.r_[between, between[-1:]], np.r_[between[:1], between])
    steps = np.maximum(_STEP * gaps, _SPACINGS * np.spacing(np.abs(values)))
    return np.asarray(steps[place].reshape(x.shape))
