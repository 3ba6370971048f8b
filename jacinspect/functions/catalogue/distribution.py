"""The normal distribution, element by element: a table of value and derivative.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays, and
keep within 10 ulp of value and derivative (tests/functions/catalogue/test_elementwise.py).
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.normal import (
    DENSITY_AT_0,
    erf,
    erfc,
    gaussian,
    mills_ratio,
    root_density,
    series_of_erf,
)
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["DISTRIBUTION"]

_SLOPE_OF_ERF = 1.1283791670955126  # 2/√π
_1_OVER_ROOT_2 = 0.7071067811865476


def _erf_derivative(x: Array) -> Array:
    return _SLOPE_OF_ERF * gaussian(np.clip(x, -30.0, 30.0), 1.0)  # 0 beyond


def _ndtr_derivative(x: Array) -> Array:
    return DENSITY_AT_0 * gaussian(np.clip(x, -40.0, 40.0), 0.5)


def _tail(x: Array) -> Array:
    """1 - Φ(|x|); near 0 by erf, so that it is ½ there."""
    t = np.minimum(np.abs(x), 40.0)
    root = root_density(t)
    near = 0.5 - 0.5 * series_of_erf(_1_OVER_ROOT_2 * t)
    return np.where(t < 1.0, near, DENSITY_AT_0 * mills_ratio(t) * root * root)


def _ndtr(x: Array) -> Array:
    tail = _tail(x)
    return np.where(x > 0, 1.0 - tail, tail)


def _log_ndtr(x: Array) -> Array:
    t, tail = np.clip(-x, 0.0, 1e300), _tail(x)
    far = t >= 1.0
    factor = np.where(far, DENSITY_AT_0 * mills_ratio(t), np.maximum(tail, 0.125))  # less than that right of 1 alone
    below = np.log(factor) - np.where(far, 0.5 * t * t, 0.0)
    return np.where(x > 0, np.log1p(-tail), below)


def _log_ndtr_derivative(x: Array) -> Array:
    t = np.clip(-x, 0.0, 1e9)  # 1/M(t) is t + 1/t - …
    below = np.where(-x > 1e9, -x, 1.0 / mills_ratio(t))
    return np.where(x > 0, _ndtr_derivative(x) / (1.0 - _tail(x)), below)


DISTRIBUTION = (
    Entry(
        name="erf",
        formula="erf(x)",
        latex=r"\frac{2}{\sqrt{\pi}} \int_0^x e^{-t^2} \, dt",
        value=erf,
        derivative=_erf_derivative,
        derivative_formula="2 * exp(-x**2) / sqrt(pi)",
        properties=("odd",),
    ),
    Entry(
        name="erfc",
        formula="1 - erf(x)",
        latex=r"1 - \operatorname{erf}(x)",
        value=erfc,
        derivative=lambda x: -_erf_derivative(x),
        derivative_formula="-2 * exp(-x**2) / sqrt(pi)",
    ),
    Entry(
        name="ndtr",
        aliases=("normal_cdf",),
        formula="(1 + erf(x / sqrt(2))) / 2",
        latex=r"\Phi(x) = \frac{1}{2} \left(1 + \operatorname{erf}\frac{x}{\sqrt{2}}\right)",
        value=_ndtr,
        derivative=_ndtr_derivative,
        derivative_formula="exp(-x**2 / 2) / sqrt(2 * pi)",
    ),
    Entry(
        name="log_ndtr",
        aliases=("normal_log_cdf",),
        formula="log((1 + erf(x / sqrt(2))) / 2)",
        latex=r"\log \Phi(x)",
        value=_log_ndtr,
        derivative=_log_ndtr_derivative,
        derivative_formula="exp(-x**2 / 2) / sqrt(2 * pi) / ndtr(x)",
    ),
)
