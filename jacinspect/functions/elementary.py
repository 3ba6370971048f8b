"""The elementary functions, element by element: the words of an expression, in a table of value and derivative.

In: a name's row. Out, through catalogue.py: a Function. As in elementwise.py, a row's formulas see one-dimensional
float64 arrays, and keep within 10 ulp of value and derivative (tests/functions/test_elementwise.py): at every x, but
for the one double of all, 5.3e255, that is nearest to a pole of tan: there it is 25 ulp, for the C library's cos is 8.
Outside its domain a function is NaN, and so is its derivative; at the domain's end both are their limits from inside.
"""

from math import erf

import numpy as np

from jacinspect.functions.entry import Entry, Rule
from jacinspect.functions.function import Array
from jacinspect.functions.rounding import product

__all__ = ["ELEMENTARY"]

_SLOPE_OF_ERF = 1.1283791670955126  # 2/√π


def _answered(rule: Rule) -> Rule:
    """Take IEEE 754's answers to 1 / 0, log 0, √-1 and sin ∞, infinite or NaN, without the flags it raises for them."""

    def quiet(x: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(rule(x))

    return quiet


def _rsqrt(x: Array) -> Array:
    return 1.0 / np.sqrt(x + 0.0)  # -0 + 0 is 0: there is nothing to the left of it


def _erf_derivative(x: Array) -> Array:
    x = np.clip(x, -30.0, 30.0)  # exp(-x²) is 0 there
    squared, rest = product(x, x)
    return _SLOPE_OF_ERF * np.exp(-squared) * (1.0 - rest)


ELEMENTARY = (
    Entry(
        name="sqrt",
        formula="sqrt(x)",
        value=_answered(np.sqrt),
        derivative=_answered(lambda x: 0.5 * _rsqrt(x)),
        derivative_formula="1 / (2 * sqrt(x))",
    ),
    Entry(
        name="rsqrt",
        formula="1 / sqrt(x)",
        value=_answered(_rsqrt),
        derivative=_answered(lambda x: -_rsqrt(x) / (2.0 * np.abs(x))),
        derivative_formula="-1 / (2 * x * sqrt(x))",
    ),
    Entry(
        name="reciprocal",
        formula="1 / x",
        value=_answered(lambda x: 1.0 / x),
        derivative=_answered(lambda x: -((1.0 / x) ** 2)),
        derivative_formula="-1 / x**2",
    ),
    Entry(
        name="log",
        formula="log(x)",
        value=_answered(np.log),
        derivative=_answered(lambda x: np.where(x < 0, np.nan, 1.0 / np.abs(x))),
        derivative_formula="1 / x",
    ),
    Entry(
        name="log1p",
        formula="log(1 + x)",
        value=_answered(np.log1p),
        derivative=_answered(lambda x: np.where(x < -1, np.nan, 1.0 / (1.0 + x))),
        derivative_formula="1 / (1 + x)",
    ),
    Entry(
        name="expm1",
        formula="exp(x) - 1",
        value=np.expm1,
        derivative=np.exp,
        derivative_formula="exp(x)",
    ),
    Entry(
        name="sin",
        formula="sin(x)",
        value=_answered(np.sin),
        derivative=_answered(np.cos),
        derivative_formula="cos(x)",
    ),
    Entry(
        name="cos",
        formula="cos(x)",
        value=_answered(np.cos),
        derivative=_answered(lambda x: -np.sin(x)),
        derivative_formula="-sin(x)",
    ),
    Entry(  # finite everywhere: no double is a pole
        name="tan",
        formula="tan(x)",
        value=_answered(np.tan),
        derivative=_answered(lambda x: 1.0 / np.cos(x) ** 2),
        derivative_formula="1 / cos(x)**2",
    ),
    Entry(
        name="atan",
        aliases=("arctan",),
        formula="atan(x)",
        value=np.arctan,
        derivative=lambda x: (1.0 / np.hypot(1.0, x)) ** 2,  # 1 + x² would overflow
        derivative_formula="1 / (1 + x**2)",
    ),
    Entry(
        name="sinh",
        formula="sinh(x)",
        value=np.sinh,
        derivative=np.cosh,
        derivative_formula="cosh(x)",
    ),
    Entry(
        name="cosh",
        formula="cosh(x)",
        value=np.cosh,
        derivative=np.sinh,
        derivative_formula="sinh(x)",
    ),
    Entry(
        name="asinh",
        aliases=("arcsinh",),
        formula="asinh(x)",
        value=np.arcsinh,
        derivative=lambda x: 1.0 / np.hypot(1.0, x),
        derivative_formula="1 / sqrt(1 + x**2)",
    ),
    Entry(
        name="sign",
        formula="sign(x)",
        value=np.sign,
        derivative=np.zeros_like,  # at its jump too, as the libraries have it
        derivative_formula="0",
    ),
    Entry(
        name="erf",
        formula="erf(x)",
        value=np.vectorize(erf, otypes=[np.float64]),  # numpy has none
        derivative=_erf_derivative,
        derivative_formula="2 * exp(-x**2) / sqrt(pi)",
    ),
)
