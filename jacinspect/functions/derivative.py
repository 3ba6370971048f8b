"""The analytic derivative of a function at one point, in the form that its rule has. Next: the inspection.

A catalogue function has slopes or a jvp, a framework's function a jvp or a vjp; a user's own derivative is read by
claims.py.
"""

from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError
from jacinspect.functions.claims import claimed_derivative
from jacinspect.functions.function import Function
from jacinspect.functions.returned import (
    Derivative,
    Shape,
    broadcast_slopes,
    call_derivative,
    checked,
    described,
    real_array,
    wanted_shapes,
)
from jacinspect.functions.rules import Array, Claim, Jvp, Slopes, Vjp
from jacinspect.records import replace

__all__ = ["Derivative", "derivative_at", "with_transposed"]


def derivative_at(function: Function, x: Array, output_shape: Shape, vec: str | None = None) -> Derivative | None:
    """Ask a function of one operand for its analytic derivative at x; None where it has none.

    Parameters
    ----------
    function, x, output_shape
        f, the operand, and the shape of f(x).
    vec
        The order, "column" or "row", of the rows and columns of a user's M×N matrix; None where it is not known.

    Raises
    ------
    FunctionFailedError
        When the derivative raises, or returns what no reading fits.
    InputError
        When two readings fit.
    """
    with np.errstate(all="ignore"):
        match function.rule:
            case Claim():
                return claimed_derivative(function, x, output_shape, vec)
            case Jvp(push):
                return Derivative("jvp", checked(lambda dx: push(x, dx), output_shape))
            case Vjp(pull):
                return Derivative("vjp", checked(lambda da: pull(x, da.reshape(output_shape)), x.shape))
            case Slopes((slope,)):
                given = call_derivative(lambda: slope(x))  # a formula of the catalogue, which leaves x alone
                return Derivative("slopes", _slopes(given, x.shape, output_shape))
    return None


def with_transposed(function: Function, x: Array, output_shape: Shape, vec: str | None = None) -> Function:
    """Return the function with the transposed product of the linear operator that it claims at x as a further rule."""
    derivative = derivative_at(function, x, output_shape, vec)
    product = None if derivative is None else derivative.transposed
    if product is None:
        return function
    return replace(function, others=(*function.others, Vjp(lambda _, da: product(da), "rmatvec")))


def _slopes(given: Any, operand: Shape, output: Shape) -> Array:
    """Broadcast what f' returned to A's shape."""
    slopes = real_array(given)
    if slopes is None or slopes.shape not in ((), output):
        wanted = wanted_shapes(operand, output, "elementwise")
        raise FunctionFailedError(f"the derivative returned {described(given)}; {wanted}")
    return broadcast_slopes(slopes, output)
