"""The element-wise functions: a table in which value and derivative stand together, so that one can check the other.

In: a name's row. Out, through catalogue.py: a Function. A row's formulas see one-dimensional float64 arrays; dtypes,
NaN and overflow are entry.py's business. They are not the shortest forms but the ones that keep their digits wherever
float64 has any: within 10 ulp of value and derivative, at every x (tests/functions/test_elementwise.py).
At a kink the derivative is that of the arm which the value's own comparison takes.

In the derivative formulas s is the sigmoid.
"""

import numpy as np

from jacinspect.functions.entry import Entry
from jacinspect.functions.function import Array
from jacinspect.functions.normal import mills_ratio, mills_ratio_minus_t, root_density
from jacinspect.functions.rounding import product

__all__ = ["ELEMENTWISE"]

_LARGEST = float(np.finfo(np.float64).max)
_DENSITY_AT_0 = 0.3989422804014327  # 1/√(2π)
_SILU_ZERO, _SILU_ZERO_REST = -1.2784645427610737, -1.0946994183093437e-16  # where silu' vanishes: p0 in two parts


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def _sigmoid_derivative(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return e / (1.0 + e) ** 2


def _tanh_derivative(x: Array) -> Array:
    e = np.exp(-2.0 * np.abs(x))
    return 4.0 * e / (1.0 + e) ** 2


def _leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    below = negative_slope * x if negative_slope else 0.0  # 0 · -inf is not 0
    return np.where(x > 0, x, below)


def _elu(x: Array, *, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _elu_derivative(x: Array, *, alpha: float) -> Array:
    h = np.exp(0.5 * np.minimum(x, 0.0))  # in halves: exp(x) itself underflows before a large alpha · exp(x) does
    return np.where(x > 0, 1.0, alpha * h * h)


def _gelu(x: Array) -> Array:
    t = np.minimum(np.abs(x), 40.0)
    root, tail = root_density(t), mills_ratio(t) * _DENSITY_AT_0
    return np.where(x > 0, x * (1.0 - tail * root * root), np.maximum(x, -40.0) * tail * root * root)


def _gelu_derivative(x: Array) -> Array:
    t = np.minimum(np.abs(x), 40.0)
    root = root_density(t)
    tail = mills_ratio_minus_t(t) * _DENSITY_AT_0 * root * root
    return np.where(x > 0, 1.0 - tail, tail)


def _silu(x: Array, *, beta: float = 1.0) -> Array:
    p, _, h = _scaled(x, beta)
    return np.where(p > 0, x, np.clip(x, -_LARGEST, _LARGEST) * h * h) / (1.0 + h * h)


def _silu_derivative(x: Array, *, beta: float) -> Array:
    p, rest, h = _scaled(x, beta)
    e = h * h
    # It is s(p)·a(p) with a = 1 + p·s(-p). For p < 0 the sum cancels, and so a(p) - a(p0) is taken, where a(p0) = 0 and
    # s(-p0) = -1/p0, in a form whose two terms have one sign.
    d = (p - _SILU_ZERO) - _SILU_ZERO_REST + rest
    cancelled = -d / _SILU_ZERO - (1.0 + 1.0 / _SILU_ZERO) * p * np.expm1(np.minimum(d, 2.0)) / (1.0 + e)
    return np.where(p > 0, 1.0 + p * e / (1.0 + e), cancelled * h * h) / (1.0 + e)


def _softplus(x: Array, *, beta: float = 1.0) -> Array:
    _, _, h = _scaled(x, beta)
    return np.asarray(np.maximum(x, 0.0) + np.log1p(h * h) / beta)


def _softplus_derivative(x: Array, *, beta: float) -> Array:
    p, _, h = _scaled(x, beta)
    return np.where(p >= 0, 1.0, h * h) / (1.0 + h * h)


def _scaled(x: Array, beta: float) -> tuple[Array, Array, Array]:
    """Give p = βx, the rounding error of p, and exp(-|βx|/2); two factors of it do not underflow as exp(-|βx|) does.

    p is clipped at ±1500, where every exponential has reached its limit, so that nothing below overflows.
    """
    bound = min(1500.0 / abs(beta), _LARGEST) if beta else _LARGEST
    p, rest = product(np.asarray(beta), np.clip(x, -bound, bound))
    return p, rest, np.exp(-0.5 * np.abs(p)) * (1.0 - 0.5 * np.sign(p) * rest)


ELEMENTWISE = (
    Entry(
        name="sigmoid",
        aliases=("logistic", "expit"),
        formula="1 / (1 + exp(-x))",
        value=_sigmoid,
        derivative=_sigmoid_derivative,
        derivative_formula="s(x) * (1 - s(x))",
    ),
    Entry(
        name="tanh",
        formula="tanh(x)",
        value=np.tanh,
        derivative=_tanh_derivative,
        derivative_formula="1 - tanh(x)**2",
    ),
    Entry(
        name="relu",
        formula="max(x, 0)",
        value=lambda x: np.maximum(x, 0.0),
        derivative=lambda x: np.where(x > 0, 1.0, 0.0),
        derivative_formula="1 if x > 0 else 0",
    ),
    Entry(  # Maas, Hannun & Ng 2013
        name="leaky_relu",
        aliases=("lrelu",),
        formula="x if x > 0 else negative_slope * x",
        value=_leaky_relu,
        derivative=lambda x, *, negative_slope: np.where(x > 0, 1.0, negative_slope),
        derivative_formula="1 if x > 0 else negative_slope",
    ),
    Entry(  # Clevert, Unterthiner & Hochreiter 2016
        name="elu",
        formula="x if x > 0 else alpha * (exp(x) - 1)",
        value=_elu,
        derivative=_elu_derivative,
        derivative_formula="1 if x > 0 else alpha * exp(x)",
    ),
    Entry(  # Hendrycks & Gimpel 2016; the exact form, not the one with tanh
        name="gelu",
        formula="x * (1 + erf(x / sqrt(2))) / 2",
        value=_gelu,
        derivative=_gelu_derivative,
        derivative_formula="(1 + erf(x / sqrt(2))) / 2 + x * exp(-x**2 / 2) / sqrt(2 * pi)",
    ),
    Entry(  # Elfwing, Uchibe & Doya 2018; with beta, Ramachandran, Zoph & Le 2017
        name="silu",
        aliases=("swish",),
        formula="x / (1 + exp(-beta * x))",
        value=_silu,
        derivative=_silu_derivative,
        derivative_formula="s(beta * x) * (1 + beta * x * (1 - s(beta * x)))",
    ),
    Entry(  # Dugas et al. 2001
        name="softplus",
        formula="log(1 + exp(beta * x)) / beta",
        value=_softplus,
        derivative=_softplus_derivative,
        derivative_formula="s(beta * x)",
        positive=("beta",),
    ),
    Entry(
        name="identity",
        aliases=("linear",),
        formula="x",
        value=lambda x: x,
        derivative=np.ones_like,
        derivative_formula="1",
    ),
    Entry(
        name="square",
        formula="x**2",
        value=np.square,
        derivative=lambda x: 2.0 * x,
        derivative_formula="2 * x",
    ),
    Entry(
        name="exp",
        aliases=("exponential",),
        formula="exp(x)",
        value=np.exp,
        derivative=np.exp,
        derivative_formula="exp(x)",
    ),
    Entry(
        name="abs",
        aliases=("absolute",),
        formula="abs(x)",
        value=np.abs,
        derivative=np.sign,
        derivative_formula="sign(x)",
    ),
)
