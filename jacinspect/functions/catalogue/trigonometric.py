"""Circular and hyperbolic functions and their inverses, element by element: a table of value and derivative.

entry.py makes a Function of each row. A row's formulas take one-dimensional float64 arrays, and keep within 10 ulp of
value and derivative (tests/functions/catalogue/test_elementwise.py) at every x but one: at 5.3e255, the double nearest
to a pole of tan, it is 25 ulp, since the C library's cos is off by 8. tanh is in elementwise.py.
"""

import numpy as np

from jacinspect.functions.catalogue.entry import Entry, quiet
from jacinspect.functions.function import Array

__all__ = ["TRIGONOMETRIC"]

_NO_LIMIT = "NaN at ±inf, where there is no limit"


def _asin_derivative(x: Array) -> Array:
    return 1.0 / np.sqrt((1.0 - x) * (1.0 + x))  # 1 - x² would cancel near ±1


def _acosh_derivative(x: Array) -> Array:
    return 1.0 / (np.sqrt(x - 1.0) * np.sqrt(x + 1.0))  # x² - 1 would overflow, too


def _atanh_derivative(x: Array) -> Array:
    return np.where(np.abs(x) > 1, np.nan, 1.0 / np.abs((1.0 - x) * (1.0 + x)))


TRIGONOMETRIC = (
    Entry(
        name="sin",
        formula="sin(x)",
        latex=r"\sin x",
        value=quiet(np.sin),
        derivative=quiet(np.cos),
        derivative_formula="cos(x)",
        properties=("odd",),
        note=_NO_LIMIT,
    ),
    Entry(
        name="cos",
        formula="cos(x)",
        latex=r"\cos x",
        value=quiet(np.cos),
        derivative=quiet(lambda x: -np.sin(x)),
        derivative_formula="-sin(x)",
        properties=("even",),
        note=_NO_LIMIT,
    ),
    Entry(
        name="tan",
        formula="tan(x)",
        latex=r"\tan x",
        value=quiet(np.tan),
        derivative=quiet(lambda x: 1.0 / np.cos(x) ** 2),
        derivative_formula="1 / cos(x)**2",
        properties=("odd",),
        note=f"finite at every number, for no double is one of the poles π/2 + kπ; {_NO_LIMIT}",
    ),
    Entry(
        name="asin",
        aliases=("arcsin",),
        formula="asin(x)",
        latex=r"\arcsin x",
        value=quiet(np.arcsin),
        derivative=quiet(_asin_derivative),
        derivative_formula="1 / sqrt(1 - x**2)",
        domain={"x": (-1.0, 1.0)},
        properties=("odd",),
    ),
    Entry(
        name="acos",
        aliases=("arccos",),
        formula="acos(x)",
        latex=r"\arccos x",
        value=quiet(np.arccos),
        derivative=quiet(lambda x: -_asin_derivative(x)),
        derivative_formula="-1 / sqrt(1 - x**2)",
        domain={"x": (-1.0, 1.0)},
    ),
    Entry(
        name="atan",
        aliases=("arctan",),
        formula="atan(x)",
        latex=r"\arctan x",
        value=np.arctan,
        derivative=lambda x: (1.0 / np.hypot(1.0, x)) ** 2,  # 1 + x² would overflow
        derivative_formula="1 / (1 + x**2)",
        properties=("odd",),
    ),
    Entry(
        name="sinh",
        formula="sinh(x)",
        latex=r"\sinh x",
        value=np.sinh,
        derivative=np.cosh,
        derivative_formula="cosh(x)",
        properties=("odd",),
    ),
    Entry(
        name="cosh",
        formula="cosh(x)",
        latex=r"\cosh x",
        value=np.cosh,
        derivative=np.sinh,
        derivative_formula="sinh(x)",
        properties=("even",),
    ),
    Entry(
        name="asinh",
        aliases=("arcsinh",),
        formula="asinh(x)",
        latex=r"\operatorname{arsinh} x",
        value=np.arcsinh,
        derivative=lambda x: 1.0 / np.hypot(1.0, x),
        derivative_formula="1 / sqrt(1 + x**2)",
        properties=("odd",),
    ),
    Entry(
        name="acosh",
        aliases=("arccosh",),
        formula="acosh(x)",
        latex=r"\operatorname{arcosh} x",
        value=quiet(np.arccosh),
        derivative=quiet(_acosh_derivative),
        derivative_formula="1 / sqrt(x**2 - 1)",
        domain={"x": (1.0, np.inf)},
    ),
    Entry(
        name="atanh",
        aliases=("arctanh",),
        formula="atanh(x)",
        latex=r"\operatorname{artanh} x",
        value=quiet(np.arctanh),
        derivative=quiet(_atanh_derivative),
        derivative_formula="1 / (1 - x**2)",
        domain={"x": (-1.0, 1.0)},
        properties=("odd",),
    ),
)
