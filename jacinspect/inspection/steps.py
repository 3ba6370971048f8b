"""Does f move in steps, as a rounding or a quantiser does? Next: diagnosis."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.values.stencil import step_scale

__all__ = ["moves_in_steps"]

_POINTS = 12  # at each of which f is called twice
_REACHES = (4.0, 64.0)  # units of x to either side of X: several steps of a quantiser, of a wide one too
_NEAR = 2.0**-30  # of a unit of x: a step this close to a point is rare, a smooth function moves by some bits
_FEWEST = 4  # values of an output: one with a jump, flat on both sides, has two, and a third where it leaps


def moves_in_steps(box: BlackBox, x: Array) -> bool:
    """Whether f is flat around nearly all points near X, and yet takes several values in each output.

    A function whose values are all whole numbers moves in steps as well.
    """
    if box.whole:
        return True
    return any(_in_steps(box, x, reach) for reach in _REACHES)


def _in_steps(box: BlackBox, x: Array, reach: float) -> bool:
    rng, unit = np.random.default_rng(0), step_scale(x)
    far = [x + unit * reach * shift for shift in np.linspace(-1, 1, _POINTS) + rng.uniform(0, 0.1, _POINTS)]
    values = np.array([*box.many_where_defined(np.array(point, x.dtype) for point in far)])
    beside = np.array([*box.many_where_defined(np.array(point + _NEAR * unit, x.dtype) for point in far)])
    flat = same(values, beside).mean(axis=0)
    several = np.array([np.unique(column).size for column in values.T])
    return bool(np.all(flat > 1 - 2 / _POINTS) and np.all(several >= _FEWEST))
