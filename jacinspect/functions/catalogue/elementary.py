"""Roots, logarithms and exponentials, element by element: a table of value and derivative.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays, and
keep within 10 ulp of value and derivative (tests/functions/catalogue/test_elementwise.py). Outside its domain a
function is NaN, and so is its derivative; at the domain's end both are their limits from inside.
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import LOG_2
from jacinspect.functions.catalogue.entry import Entry, at, quiet
from jacinspect.functions.function import Array

__all__ = ["ELEMENTARY"]

_LOG2_OF_E, _LOG10_OF_E = 1.4426950408889634, 0.4342944819032518
_POSITIVE = {"x": (0.0, np.inf)}


def _rsqrt(x: Array) -> Array:
    return 1.0 / np.sqrt(x + 0.0)  # -0 + 0 is 0: there is nothing to the left of it


def _cbrt_derivative(x: Array) -> Array:
    root = np.cbrt(x)  # which may be 2.6 ulp off, and its square twice that
    return np.where(np.isfinite(x) & (x != 0), root / x / 3.0, 1.0 / (root * root))


def _log_derivative(x: Array, factor: float = 1.0) -> Array:
    return np.where(x < 0, np.nan, factor / np.abs(x))


def _exp2_derivative(x: Array) -> Array:
    h = np.exp2(0.5 * x)  # in halves: 2**x overflows before log(2) * 2**x does
    return LOG_2 * h * h


def _logit(x: Array) -> Array:
    near = np.arctanh(np.clip(2.0 * x - 1.0, -0.5, 0.5))  # log(x / (1 - x)) would cancel near ½
    return np.where(np.abs(x - 0.5) <= 0.25, 2.0 * near, np.log(x) - np.log1p(-x))


def _logit_derivative(x: Array) -> Array:
    return np.where((x < 0) | (x > 1), np.nan, 1.0 / np.abs(x * (1.0 - x)))


ELEMENTARY = (
    Entry(
        name="sqrt",
        formula="sqrt(x)",
        latex=r"\sqrt{x}",
        value=quiet(np.sqrt),
        derivative=quiet(lambda x: 0.5 * _rsqrt(x)),
        derivative_formula="1 / (2 * sqrt(x))",
        domain=_POSITIVE,
    ),
    Entry(
        name="rsqrt",
        formula="1 / sqrt(x)",
        latex=r"\frac{1}{\sqrt{x}}",
        value=quiet(_rsqrt),
        derivative=quiet(lambda x: -_rsqrt(x) / (2.0 * np.abs(x))),
        derivative_formula="-1 / (2 * x * sqrt(x))",
        domain=_POSITIVE,
    ),
    Entry(
        name="cbrt",
        formula="cbrt(x)",
        latex=r"\sqrt[3]{x}",
        value=np.cbrt,
        derivative=quiet(_cbrt_derivative),
        derivative_formula="1 / (3 * cbrt(x)**2)",
        properties=("odd",),
        note="vertical at 0: f' is inf",
    ),
    Entry(
        name="reciprocal",
        formula="1 / x",
        latex=r"\frac{1}{x}",
        value=quiet(lambda x: 1.0 / x),
        derivative=quiet(lambda x: -((1.0 / x) ** 2)),
        derivative_formula="-1 / x**2",
        jumps=at(0.0),
        properties=("odd",),
        note="a pole at 0",
    ),
    Entry(
        name="log",
        aliases=("ln",),
        formula="log(x)",
        latex=r"\log x",
        value=quiet(np.log),
        derivative=quiet(_log_derivative),
        derivative_formula="1 / x",
        domain=_POSITIVE,
    ),
    Entry(
        name="log2",
        formula="log2(x)",
        latex=r"\log_2 x",
        value=quiet(np.log2),
        derivative=quiet(lambda x: _log_derivative(x, _LOG2_OF_E)),
        derivative_formula="1 / (x * log(2))",
        domain=_POSITIVE,
    ),
    Entry(
        name="log10",
        formula="log10(x)",
        latex=r"\log_{10} x",
        value=quiet(np.log10),
        derivative=quiet(lambda x: _log_derivative(x, _LOG10_OF_E)),
        derivative_formula="1 / (x * log(10))",
        domain=_POSITIVE,
    ),
    Entry(
        name="log1p",
        formula="log(1 + x)",
        latex=r"\log(1 + x)",
        value=quiet(np.log1p),
        derivative=quiet(lambda x: np.where(x < -1, np.nan, 1.0 / (1.0 + x))),
        derivative_formula="1 / (1 + x)",
        domain={"x": (-1.0, np.inf)},
    ),
    Entry(
        name="logit",
        formula="log(x / (1 - x))",
        latex=r"\log\frac{x}{1 - x}",
        value=quiet(_logit),
        derivative=quiet(_logit_derivative),
        derivative_formula="1 / (x * (1 - x))",
        domain={"x": (0.0, 1.0)},
        note="the inverse of sigmoid",
    ),
    Entry(
        name="expm1",
        formula="exp(x) - 1",
        latex="e^x - 1",
        value=np.expm1,
        derivative=np.exp,
        derivative_formula="exp(x)",
    ),
    Entry(
        name="exp2",
        formula="2**x",
        latex="2^x",
        value=np.exp2,
        derivative=_exp2_derivative,
        derivative_formula="2**x * log(2)",
    ),
)
