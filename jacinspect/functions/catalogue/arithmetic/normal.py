"""The normal distribution's density and upper tail on whole arrays: numpy has neither erf nor erfc.

Everything is a multiple of exp(-t²/2), which underflows before the results built from it do. So this module returns its
square root, to be multiplied in twice, and Mills' ratio, which falls smoothly from 1.25 to 0, like 1/t.
"""

from math import factorial

import numpy as np

from jacinspect.functions.catalogue.arithmetic.polynomials import chebyshev, polynomial
from jacinspect.functions.catalogue.arithmetic.rounding import product
from jacinspect.functions.function import Array

__all__ = [
    "DENSITY_AT_0",
    "erf",
    "erfc",
    "gaussian",
    "mills_ratio",
    "mills_ratio_minus_t",
    "root_density",
    "series_of_erf",
]

# (t + 1.25) · M(t) as a Chebyshev series in (5 - t)/(5 + t), which maps all of t >= 0 to (-1, 1]: the approach of
# Shepherd & Laframboise 1981; coefficients computed with mpmath at 40 digits. Error with rounding: 3 ulp.
_MILLS = np.array(
    [
        1.2556030981703503,
        0.3012026055204985,
        0.040366287772160406,
        -0.013103687048100101,
        -0.011392856798487191,
        -0.004548428198365326,
        -0.0012316431111726164,
        -0.00022991579266776104,
        -2.423610793409041e-05,
        6.873047947684976e-07,
        6.959737247187072e-07,
        7.717208778529749e-08,
        -1.0121832386142204e-08,
        -3.238902738306278e-09,
        4.127779336638214e-11,
        1.0622488006016224e-10,
        4.348157377243374e-12,
        -3.5033785572480687e-12,
        -2.5786046832738057e-13,
        1.2584013502194745e-13,
        1.0782259437607738e-14,
        -5.021843971313833e-15,
        -3.749033409360366e-16,
        2.1876297072859323e-16,
        9.356567435270867e-18,
        -1.0011164672330591e-17,
    ]
)

# The only zero of M(t) - t, in two parts: the second is the rounding error of the first.
_ZERO, _ZERO_REST = 0.7517915246935645, -1.4956759177009883e-17
_NEAR = 0.33  # within it of the zero the Taylor series is used; beyond, the subtraction loses no digit that matters

DENSITY_AT_0 = 0.3989422804014327  # 1/√(2π)
_ROOT_2, _ROOT_2_OVER_PI, _2_OVER_ROOT_PI = 1.4142135623730951, 0.7978845608028654, 1.1283791670955126
# erf(x)/x as a Taylor series in x², for |x| <= 1: the first term left out is 2e-18.
_SERIES = np.array([_2_OVER_ROOT_PI * (-1) ** k / (factorial(k) * (2 * k + 1)) for k in range(19)])


def mills_ratio(t: Array) -> Array:
    """M(t) = (1 - Φ(t)) / φ(t) for t >= 0, float64."""
    return np.asarray(chebyshev((5.0 - t) / (5.0 + t), _MILLS) / (t + 1.25))


def mills_ratio_minus_t(t: Array) -> Array:
    """M(t) - t for t >= 0, float64; all digits are right up to its zero, where the subtraction would lose them."""
    d = np.clip(t - _ZERO, -_NEAR, _NEAR) - _ZERO_REST
    return np.where(np.abs(t - _ZERO) < _NEAR, d * polynomial(d, _TAYLOR), mills_ratio(t) - t)


def root_density(t: Array) -> Array:
    """√(exp(-t²/2)) for 0 <= t < 1e150, float64."""
    return gaussian(t, 0.25)


def gaussian(t: Array, scale: float) -> Array:
    """exp(-scale · t²) for |t| < 1e150, float64; a scale that is a power of 2 adds no error of its own."""
    squared, remainder = product(t, t)
    return np.asarray(np.exp(-scale * squared) * (1.0 - scale * remainder))


def erf(x: Array) -> Array:
    """erf(x), float64: by its series to 1, where half its terms cancel at most, and by its tail from there on."""
    return np.where(np.abs(x) < 1.0, series_of_erf(x), np.copysign(1.0 - _tail_of_erf(x), x))


def erfc(x: Array) -> Array:
    """1 - erf(x), float64."""
    near, tail = 1.0 - series_of_erf(x), _tail_of_erf(x)
    return np.where(x > 0.5, tail, np.where(x > -1.0, near, 2.0 - tail))


def series_of_erf(x: Array) -> Array:
    """erf(x) for |x| <= 1, float64, and ±erf(1) beyond."""
    near = np.clip(x, -1.0, 1.0)
    return np.asarray(near * polynomial(near * near, _SERIES))


def _tail_of_erf(x: Array) -> Array:
    """erfc(|x|) = √(2/π) · M(√2 |x|) · exp(-x²); M is so flat that the rounding of √2 |x| does not matter."""
    t = np.minimum(np.abs(x), 40.0)  # where erfc has long been 0, and t² cannot overflow
    root = gaussian(t, 0.5)
    return np.asarray(_ROOT_2_OVER_PI * mills_ratio(_ROOT_2 * t) * root * root)


def _taylor_at_zero(terms: int) -> Array:
    """Taylor coefficients of (M(t) - t)/(t - t0) at the zero t0, from M' = tM - 1 and M(t0) = t0."""
    c = [_ZERO, _ZERO**2 - 1.0]
    for n in range(1, terms):
        c.append((_ZERO * c[n] + c[n - 1]) / (n + 1))
    return np.array([c[1] - 1.0, *c[2:]])


_TAYLOR = _taylor_at_zero(16)
