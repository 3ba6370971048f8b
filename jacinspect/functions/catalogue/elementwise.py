"""The smooth element-wise functions: a table in which value and derivative stand together, to check one another.

entry.py makes a Function of each row. A row's formulas take one-dimensional float64 arrays; entry.py handles dtypes,
NaN and overflow. They are not the shortest formulas but those that keep their digits wherever float64 has any: within
10 ulp of value and derivative, at every x (tests/functions/catalogue/test_elementwise.py).

In the derivative formulas s is the sigmoid. The other activations are in piecewise.py and hard.py, which have
kinks; rectifiers.py, 0 to the left and x to the right; gated.py, x times something; and algebraic.py.
"""

from math import factorial, inf

import numpy as np

from jacinspect.functions.catalogue.arithmetic.normal import gaussian
from jacinspect.functions.catalogue.arithmetic.polynomials import polynomial
from jacinspect.functions.catalogue.arithmetic.rounding import LARGEST, LOG_2, difference, product, quotient
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["ELEMENTWISE", "sech_squared"]

_SMALL = 1e-9  # below it q and tanh(q) are one, and x itself has more digits than a subnormal q
_EIGHTH, _EIGHTH_REST = 0.7853981633974483, 3.061616997868383e-17  # π/4


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))  # at most 1
    return np.asarray(np.maximum(e, x >= 0) / (1.0 + e))


def _sigmoid_derivative(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return e / (1.0 + e) ** 2


def sech_squared(q: Array, rest: Array) -> Array:
    """1/cosh²(q + rest), the derivative of tanh, without overflow or early underflow; float64."""
    h = np.exp(-np.abs(q)) * (1.0 - np.sign(q) * rest)
    return np.asarray(4.0 * h * h / (1.0 + h * h) ** 2)


def _softcap(x: Array, *, cap: float = 30.0) -> Array:
    q, _ = quotient(x, cap)
    return np.where(np.abs(q) < _SMALL, x, cap * np.tanh(q))


def _tanh_shrink(x: Array) -> Array:
    # x - tanh(x) = (x·cosh(x) - sinh(x))/cosh(x), and the series of that difference has one sign
    near = np.clip(x, -1.25, 1.25)
    squared = near * near
    series = near * (squared * polynomial(squared, _SHRINK)) / np.cosh(near)
    return np.where(np.abs(x) < 1.25, series, x - np.tanh(x))


_SHRINK = np.array([2 * k / factorial(2 * k + 1) for k in range(1, 14)])


def _root_of_gaussian(x: Array) -> Array:
    return gaussian(np.clip(x, -40.0, 40.0), 0.5)


def _gaussian(x: Array) -> Array:
    return _root_of_gaussian(x) ** 2


def _gaussian_derivative(x: Array) -> Array:
    root = _root_of_gaussian(x)
    return np.asarray(-2.0 * np.clip(x, -40.0, 40.0) * root * root)


def _phase(x: Array, alpha: float) -> tuple[Array, Array]:
    bound = LARGEST / max(abs(alpha), 1.0)
    return product(np.asarray(alpha), np.clip(x, -bound, bound))


def _sine(first: Array, *more: Array) -> Array:
    """Take the sine of a sum of angles, however large they are."""
    sine, cosine = np.sin(first), np.cos(first)
    for angle in more:
        s, c = np.sin(angle), np.cos(angle)
        sine, cosine = sine * c + cosine * s, cosine * c - sine * s
    return np.asarray(sine)


def _snake(x: Array, *, alpha: float = 1.0) -> Array:
    return np.asarray(x + _sine(*_phase(x, alpha)) ** 2 / alpha)


def _snake_derivative(x: Array, *, alpha: float) -> Array:
    # 1 + sin(2αx) = 2·sin²(αx + π/4), whose zeros are double: they are met exactly while αx + π/4 is known to be near
    p, rest = _phase(x, alpha)
    angle, lacking = difference(p, np.asarray(-_EIGHTH))
    further, rest = difference(rest, -lacking)
    known = np.abs(x) <= LARGEST / max(abs(alpha), 1.0)  # beyond, αx overflows, and a wave has no limit
    return np.where(known, 2.0 * _sine(angle, further, rest + _EIGHTH_REST) ** 2, np.nan)


def _log1mexp(x: Array) -> Array:
    near, far = np.clip(x, 0.0, LOG_2), np.maximum(x, LOG_2)
    with np.errstate(divide="ignore"):  # log 0 at 0
        value = np.where(x < LOG_2, np.log(np.abs(np.expm1(-near))), np.log1p(-np.exp(-far)))
    return np.where(x < 0, np.nan, value)


def _log1mexp_derivative(x: Array) -> Array:
    inside = np.maximum(x, 0.0)
    with np.errstate(divide="ignore"):  # 1 / 0 at 0
        return np.where(x < 0, np.nan, np.exp(-inside) / np.abs(np.expm1(-inside)))


ELEMENTWISE = (
    Entry(
        name="sigmoid",
        aliases=("logistic", "expit"),
        formula="1 / (1 + exp(-x))",
        latex=r"\frac{1}{1 + e^{-x}}",
        value=_sigmoid,
        derivative=_sigmoid_derivative,
        derivative_formula="s(x) * (1 - s(x)), s = f",
        source="Verhulst 1845",
    ),
    Entry(
        name="tanh",
        formula="tanh(x)",
        latex=r"\tanh(x)",
        value=np.tanh,
        derivative=lambda x: sech_squared(x, np.zeros(())),
        derivative_formula="1 - tanh(x)**2",
        properties=("odd",),
    ),
    Entry(
        name="softcap",
        formula="cap * tanh(x / cap)",
        latex=r"c \tanh\left(\frac{x}{c}\right)",
        value=_softcap,
        derivative=lambda x, *, cap: sech_squared(*quotient(x, cap)),
        derivative_formula="1 - tanh(x / cap)**2",
        positive=("cap",),
        properties=("odd",),
        source="Gemma Team 2024",
        note="Gemma 2 has cap=50 for attention and cap=30 for logits; no library has a default",
    ),
    Entry(
        name="tanh_shrink",
        formula="x - tanh(x)",
        latex=r"x - \tanh(x)",
        value=_tanh_shrink,
        derivative=lambda x: np.tanh(x) ** 2,
        derivative_formula="tanh(x)**2",
        properties=("odd",),
    ),
    Entry(
        name="gaussian",
        formula="exp(-x**2)",
        latex=r"e^{-x^2}",
        value=_gaussian,
        derivative=_gaussian_derivative,
        derivative_formula="-2 * x * exp(-x**2)",
        properties=("even",),
    ),
    Entry(
        name="snake",
        formula="x + sin(alpha * x)**2 / alpha",
        latex=r"x + \frac{\sin^2(\alpha x)}{\alpha}",
        value=_snake,
        derivative=_snake_derivative,
        derivative_formula="1 + sin(2 * alpha * x)",
        objection=lambda *, alpha: "" if alpha else "alpha must not be 0",
        source="Ziyin, Hartwig & Ueda 2020",
        note="tfa calls alpha frequency",
    ),
    Entry(
        name="log1mexp",
        formula="log(1 - exp(-x))",
        latex=r"\log(1 - e^{-x})",
        value=_log1mexp,
        derivative=_log1mexp_derivative,
        derivative_formula="1 / (exp(x) - 1)",
        domain={"x": (0.0, inf)},
        source="Mächler 2012",
    ),
    Entry(
        name="identity",
        aliases=("linear",),
        formula="x",
        latex="x",
        value=lambda x: x,
        derivative=np.ones_like,
        derivative_formula="1",
        properties=("odd",),
    ),
    Entry(
        name="square",
        formula="x**2",
        latex="x^2",
        value=np.square,
        derivative=lambda x: 2.0 * x,
        derivative_formula="2 * x",
        properties=("even",),
    ),
    Entry(
        name="exp",
        aliases=("exponential",),
        formula="exp(x)",
        latex="e^x",
        value=np.exp,
        derivative=np.exp,
        derivative_formula="exp(x)",
    ),
)
