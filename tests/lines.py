"""Lines through a point, as differences see a function: stencils, and values at ever smaller steps."""

from collections.abc import Callable

import numpy as np

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.first_look import FirstLook, first_look
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.slopes import Rungs
from jacinspect.jacobian.values.stencil import Stencil, step_scale
from tests.oracles import Array

F = Callable[[Array], Array]
DOUBLE, SINGLE = 2.0**-52, 2.0**-23


def stencil_of(f: F, x: Array, epsilon: float = DOUBLE, rounding: float = 0.0) -> Stencil:
    """Return the stencil of an element-wise function, with as much rounding inside of each output."""
    box, terms = BlackBox(f, x), Magnitudes.of(np.full(x.size, rounding))
    return Stencil(box, x, step_scale(x), slice(None), slice(None), box.y0, epsilon, terms)


def of_one_input(f: F, at: float) -> Stencil:
    """Return the stencil of all outputs of a function of one number."""
    x = np.array([at])
    box = BlackBox(f, x)
    inputs = np.zeros(box.y0.size, np.int64)
    return Stencil(box, x, step_scale(x), np.arange(box.y0.size), inputs, box.y0, DOUBLE)


def looked_at(f: F, x: Array, dense: bool = True) -> FirstLook:
    """Return the first look at all entries, or at those on the diagonal."""
    box = BlackBox(f, x)
    outputs, inputs = np.indices((box.y0.size, x.size)).reshape(2, -1) if dense else (np.arange(x.size),) * 2
    pattern = Pattern.from_pairs(outputs, inputs, box.y0.shape, x.shape)
    near = Neighbourhood(box, x, DOUBLE, Magnitudes(box.y0.size))
    return first_look(near, pattern, *color_columns(pattern.rows, pattern.indices, x.size))


@np.errstate(all="ignore")
def rungs_of(stencil: Stencil) -> Rungs:
    """Return f at steps from a unit down to ten spacings of 1."""
    count, ratio = (31, 3.07) if stencil.epsilon < 1e-10 else (22, 1.9)
    steps = ratio ** -np.arange(float(count))
    y = np.array([*stencil.sides(steps.tolist())]).reshape(count, 2, stencil.y0.size)
    return Rungs(stencil, steps, ratio, y.swapaxes(0, 1))
