"""The activations that are x times a gate of x, which opens from 0 or -1 to 1: a table of value and derivative.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays, and s
is the sigmoid in the derivative formulas.

Most of these derivatives vanish somewhere below 0, at x0, and their formulas cancel there. All but gelu's are a
positive factor times an N of which N(x) - N(x0) is a sum of terms that have the sign of x - x0: no digit is lost.
"""

from math import exp, factorial
from typing import Literal

import numpy as np

from jacinspect.functions.catalogue.arithmetic.normal import (
    DENSITY_AT_0,
    mills_ratio,
    mills_ratio_minus_t,
    root_density,
)
from jacinspect.functions.catalogue.arithmetic.polynomials import polynomial
from jacinspect.functions.catalogue.arithmetic.rounding import LARGEST, difference, half_exponential, product
from jacinspect.functions.catalogue.elementwise import sech_squared
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["GATED", "silu_numerator"]

_QUICK = 1.702  # the β of quick_gelu, for which s(βx) is near Φ(x) (Hendrycks & Gimpel 2016)

# Where derivatives vanish, in two parts: the second is the rounding error of the first. silu's is of p = βx.
_SILU_ZERO, _SILU_ZERO_REST = -1.2784645427610737, -1.0946994183093437e-16
_MISH_ZERO, _MISH_ZERO_REST = -1.1924312145154952, -4.8484829848031044e-17
_GELU_TANH_ZERO, _GELU_TANH_ZERO_REST = -0.7524614220710163, 3.635560509207687e-17
_TANH_EXP_ZERO, _TANH_EXP_ZERO_REST = -1.078860058464624, -9.55786742622646e-17

_TWICE_ROOT, _TWICE_ROOT_REST = 1.5957691216057308, -9.96930880911092e-17  # 2√(2/π)
_CUBE, _CUBE_REST = 0.044715, 2.1960211427085595e-18  # the factor of x³ in gelu_tanh


def _logistic_gate(x: Array, p: Array, h: Array) -> Array:
    """Return x / (1 + exp(-p)), where h is exp(-|p|/2); its sign is p's."""
    return np.where(p > 0, x, np.clip(x, -LARGEST, LARGEST) * h * h) / (1.0 + h * h)


def _logistic_gate_derivative(z: Array, p: Array, h: Array, n: Array) -> Array:
    """Differentiate it: s(p)·(1 + z·s(-p)) for z = x·p'. It is exp(p)·N/(1 + exp(p))² with N = 1 + exp(p) + z."""
    e = h * h
    return np.where(p > 0, 1.0 + z * e / (1.0 + e), n * h * h / (1.0 + e)) / (1.0 + e)


def _numerator(from_zero: Array, p_from_zero: Array, at_zero: float) -> Array:
    """Return N, of z and p less what they are at its zero, where exp(p) is `at_zero`."""
    return np.asarray(from_zero + at_zero * np.expm1(np.minimum(p_from_zero, 2.0)))


def _silu(x: Array, *, beta: float = 1.0) -> Array:
    p, _, h = half_exponential(x, beta)
    return _logistic_gate(x, p, h)


def _silu_derivative(x: Array, *, beta: float) -> Array:
    p, rest, h = half_exponential(x, beta)
    return _logistic_gate_derivative(p, p, h, silu_numerator(p, rest))


def silu_numerator(p: Array, rest: Array) -> Array:
    """Return 1 + p + exp(p), the N of silu's derivative, of p + rest up to 0; no digit is lost beside its zero."""
    d = (p - _SILU_ZERO) - _SILU_ZERO_REST + rest
    return _numerator(d, d, -1.0 - _SILU_ZERO)


def _gelu_tanh_exponent(x: Array) -> tuple[Array, Array]:
    """Return p = 2√(2/π)·(x + 0.044715x³) and exp(-|p|/2), p being known in two parts; |x| <= 30."""
    squared, squared_rest = product(x, x)
    cube, cube_rest = product(np.asarray(_CUBE), squared)
    u, u_rest = difference(cube, np.asarray(-1.0))
    v, v_rest = product(x, u)
    p, p_rest = product(np.asarray(_TWICE_ROOT), v)
    u_rest = u_rest + (cube_rest + _CUBE * squared_rest + _CUBE_REST * squared)
    p_rest = p_rest + _TWICE_ROOT * (v_rest + x * u_rest) + _TWICE_ROOT_REST * v
    return p, np.exp(-0.5 * np.abs(p)) * (1.0 - 0.5 * np.sign(p) * p_rest)


def _gelu_tanh(x: Array) -> Array:
    p, h = _gelu_tanh_exponent(np.clip(x, -30.0, 30.0))
    return _logistic_gate(x, p, h)


def _gelu_tanh_derivative(x: Array) -> Array:
    x = np.clip(x, -30.0, 30.0)
    p, h = _gelu_tanh_exponent(x)
    d = (x - _GELU_TANH_ZERO) - _GELU_TANH_ZERO_REST
    quadratic = _CUBE * (x * x + x * _GELU_TANH_ZERO + _GELU_TANH_ZERO**2)  # (x³ - x0³)/(x - x0)
    z = _TWICE_ROOT * x * (1.0 + 3.0 * _CUBE * x * x)
    z_from_zero, p_from_zero = _TWICE_ROOT * d * (1.0 + 3.0 * quadratic), _TWICE_ROOT * d * (1.0 + quadratic)
    return _logistic_gate_derivative(z, p, h, _numerator(z_from_zero, p_from_zero, _GELU_TANH_AT_ZERO))


_GELU_TANH_AT_ZERO = exp(_TWICE_ROOT * (_GELU_TANH_ZERO + _CUBE * _GELU_TANH_ZERO**3))


def _gelu(x: Array, *, approximate: Literal["none", "tanh"] = "none") -> Array:
    if approximate == "tanh":
        return _gelu_tanh(x)
    t = np.minimum(np.abs(x), 40.0)
    root, tail = root_density(t), mills_ratio(t) * DENSITY_AT_0
    return np.where(x > 0, x * (1.0 - tail * root * root), np.maximum(x, -40.0) * tail * root * root)


def _gelu_derivative(x: Array, *, approximate: str) -> Array:
    if approximate == "tanh":
        return _gelu_tanh_derivative(x)
    t = np.minimum(np.abs(x), 40.0)
    root = root_density(t)
    tail = mills_ratio_minus_t(t) * DENSITY_AT_0 * root * root
    return np.where(x > 0, 1.0 - tail, tail)


def _mish(x: Array) -> Array:
    h, q = np.exp(0.5 * np.clip(x, -LARGEST, 0.0)), np.exp(-np.maximum(x, 0.0))
    e = h * h
    below = np.clip(x, -LARGEST, 0.0) * h * h * (e + 2.0) / (e * (e + 2.0) + 2.0)
    return np.where(x > 0, x * (1.0 + 2.0 * q) / (1.0 + 2.0 * q + 2.0 * q * q), below)


def _mish_derivative(x: Array) -> Array:
    # For x <= 0, exp(x)·N/(n + 2)² with n = e² + 2e and N = e³ + 4e² + 6e + 4 + 4x·(1 + e), where e = exp(x).
    low, high = np.clip(x, -1500.0, 0.0), np.clip(x, 0.0, 1500.0)
    h, q = np.exp(0.5 * low), np.exp(-high)
    e = h * h
    d = (low - _MISH_ZERO) - _MISH_ZERO_REST
    a, b, c = _MISH_TERMS
    n = a * np.expm1(3.0 * d) + b * np.expm1(2.0 * d) + c * np.expm1(d) + 4.0 * d * (1.0 + e)
    below = h * (h * n) / (e * (e + 2.0) + 2.0) ** 2
    over = 1.0 + 2.0 * q + 2.0 * q * q
    return np.where(x > 0, ((1.0 + 2.0 * q) * over + 4.0 * high * q * q * (1.0 + q)) / over**2, below)


# the coefficients of expm1(3d), expm1(2d) and expm1(d) in mish's N, where d = x - x0
_MISH_TERMS = (
    exp(3.0 * _MISH_ZERO),
    4.0 * exp(2.0 * _MISH_ZERO),
    (6.0 + 4.0 * _MISH_ZERO) * exp(_MISH_ZERO),
)


def _tanh_exp(x: Array) -> Array:
    h = np.exp(0.5 * np.clip(x, -LARGEST, 0.0))
    open_ = np.tanh(np.exp(np.clip(x, -40.0, 6.0)))
    return np.where(x < -40.0, np.maximum(x, -LARGEST) * h * h, x.clip(-40.0) * open_)


def _tanh_exp_derivative(x: Array) -> Array:
    # For x <= 0, e·sech²(e)·N with N = x + sinh(2e)/(2e), a power series in w = (2e)², where e = exp(x).
    low, high = np.clip(x, -1500.0, 0.0), np.clip(x, 0.0, 6.0)
    h = np.exp(0.5 * low)
    e = h * h
    d = (low - _TANH_EXP_ZERO) - _TANH_EXP_ZERO_REST
    n = d + _SERIES_ZERO * np.expm1(2.0 * d) * np.asarray(polynomial(4.0 * e * e, _SERIES))
    opened = np.exp(high)
    above = np.tanh(opened) + high * opened * sech_squared(opened, np.zeros(()))
    return np.asarray(np.where(x > 0, above, h * (h * n) / np.cosh(e) ** 2))


def _divided_series(w0: float, terms: int) -> Array:
    """Coefficients in w of (g(w) - g(w0))/(w - w0) for g(w) = Σ w^k/(2k + 1)!, which is sinh(√w)/√w."""
    return np.array(
        [sum(w0 ** (k - 1 - j) / factorial(2 * k + 1) for k in range(j + 1, terms + 1)) for j in range(terms)]
    )


_SERIES_ZERO = 4.0 * exp(2.0 * _TANH_EXP_ZERO)
_SERIES = _divided_series(_SERIES_ZERO, 14)  # w is at most 4, where the 14th term is below an ulp


def _lisht_derivative(x: Array) -> Array:
    near = np.clip(x, -400.0, 400.0)
    return np.asarray(np.tanh(x) + near * sech_squared(near, np.zeros(())))


_TANH_FORM = {
    "formula": "x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2",
    "derivative_formula": "(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2 + x * sqrt(2 / pi)"
    " * (1 + 0.134145 * x**2) * (1 - tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))**2) / 2",
    "latex": r"\frac{x}{2} \left(1 + \tanh\left(\sqrt{\tfrac{2}{\pi}} (x + 0.044715 x^3)\right)\right)",
}


GATED = (
    Entry(
        name="silu",
        aliases=("swish",),
        formula="x / (1 + exp(-beta * x))",
        latex=r"\frac{x}{1 + e^{-\beta x}}",
        value=_silu,
        derivative=_silu_derivative,
        derivative_formula="s(beta * x) * (1 + beta * x * (1 - s(beta * x))), s = sigmoid",
        source="Elfwing, Uchibe & Doya 2018; with beta, Ramachandran, Zoph & Le 2017",
        note="only tf has beta",
    ),
    Entry(
        name="quick_gelu",
        formula="x / (1 + exp(-1.702 * x))",
        latex=r"\frac{x}{1 + e^{-1.702 x}}",
        value=lambda x: _silu(x, beta=_QUICK),
        derivative=lambda x: _silu_derivative(x, beta=_QUICK),
        derivative_formula="s(1.702 * x) * (1 + 1.702 * x * (1 - s(1.702 * x))), s = sigmoid",
        source="Hendrycks & Gimpel 2016",
        note="silu with beta=1.702",
    ),
    Entry(
        name="gelu",
        formula="x * (1 + erf(x / sqrt(2))) / 2",
        latex=r"\frac{x}{2} \left(1 + \operatorname{erf}\left(\frac{x}{\sqrt{2}}\right)\right)",
        value=_gelu,
        derivative=_gelu_derivative,
        derivative_formula="(1 + erf(x / sqrt(2))) / 2 + x * exp(-x**2 / 2) / sqrt(2 * pi)",
        rewritten=lambda *, approximate: _TANH_FORM if approximate == "tanh" else {},
        source="Hendrycks & Gimpel 2016",
        note="the exact form, as in torch, keras.activations and tf; jax and keras.ops take approximate=tanh",
    ),
    Entry(
        name="gelu_tanh",
        aliases=("gelu_new", "gelu_pytorch_tanh"),
        formula=_TANH_FORM["formula"],
        latex=_TANH_FORM["latex"],
        value=_gelu_tanh,
        derivative=_gelu_tanh_derivative,
        derivative_formula=_TANH_FORM["derivative_formula"],
        source="Hendrycks & Gimpel 2016",
        note="gelu with approximate=tanh, which is jax's default",
    ),
    Entry(
        name="mish",
        formula="x * tanh(log(1 + exp(x)))",
        latex=r"x \tanh(\log(1 + e^x))",
        value=_mish,
        derivative=_mish_derivative,
        derivative_formula="tanh(log(1 + exp(x))) + x * s(x) * (1 - tanh(log(1 + exp(x)))**2), s = sigmoid",
        source="Misra 2019",
    ),
    Entry(
        name="tanh_exp",
        formula="x * tanh(exp(x))",
        latex=r"x \tanh(e^x)",
        value=_tanh_exp,
        derivative=_tanh_exp_derivative,
        derivative_formula="tanh(exp(x)) + x * exp(x) * (1 - tanh(exp(x))**2)",
        source="Liu & Di 2020",
    ),
    Entry(
        name="lisht",
        formula="x * tanh(x)",
        latex=r"x \tanh(x)",
        value=lambda x: x * np.tanh(x),
        derivative=_lisht_derivative,
        derivative_formula="tanh(x) + x * (1 - tanh(x)**2)",
        properties=("even",),
        source="Roy, Manna, Dubey & Chaudhuri 2019",
    ),
)
