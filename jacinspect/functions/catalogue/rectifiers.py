"""The smooth rectifiers, 0 or a constant far to the left and x to the right: a table of value and derivative.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays, and s
is the sigmoid in the derivative formulas.
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import half_exponential, quotient
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["RECTIFIERS"]

_TINY = 1e-17  # below it, expm1(q) is q, and x itself has more digits than a subnormal q
_SELU_SCALE, _SELU_BELOW = 1.0507009873554805, 1.7580993408473768  # λ, and λα rounded once


def _exponential_linear(x: Array, above: float, below: float) -> Array:
    return np.where(x > 0, above * x, below * np.expm1(np.minimum(x, 0.0)))


def _exponential_linear_derivative(x: Array, above: float, below: float) -> Array:
    h = np.exp(0.5 * np.minimum(x, 0.0))  # in halves: exp(x) itself underflows before a large below · exp(x) does
    return np.where(x > 0, above, below * h * h)


def _elu(x: Array, *, alpha: float = 1.0) -> Array:
    return _exponential_linear(x, 1.0, alpha)


def _celu(x: Array, *, alpha: float = 1.0) -> Array:
    q, _ = quotient(np.minimum(x, 0.0), alpha)
    return np.where(q > -_TINY, x, alpha * np.expm1(q))


def _celu_derivative(x: Array, *, alpha: float) -> Array:
    q, rest = quotient(np.minimum(x, 0.0), alpha)
    return np.asarray(np.exp(q) * (1.0 + rest))


def _softplus(x: Array, *, beta: float = 1.0, threshold: float | None = None) -> Array:
    _, _, h = half_exponential(x, beta)
    smooth = np.maximum(x, 0.0) + np.log1p(h * h) / beta
    return np.asarray(smooth if threshold is None else np.where(_beyond(x, beta, threshold), x, smooth))


def _softplus_derivative(x: Array, *, beta: float, threshold: float | None) -> Array:
    p, _, h = half_exponential(x, beta)
    smooth = np.where(p >= 0, 1.0, h * h) / (1.0 + h * h)
    return smooth if threshold is None else np.where(_beyond(x, beta, threshold), 1.0, smooth)


def _beyond(x: Array, beta: float, threshold: float) -> Array:
    return np.asarray(beta * x > threshold)


def _written_softplus(*, threshold: float | None, **_: object) -> dict[str, str]:
    if threshold is None:
        return {}
    return {
        "formula": "x if beta * x > threshold else log(1 + exp(beta * x)) / beta",
        "derivative_formula": "1 if beta * x > threshold else s(beta * x), s = sigmoid",
        "latex": r"\begin{cases} x & \beta x > \theta \\"
        r" \frac{1}{\beta} \log(1 + e^{\beta x}) & \text{otherwise} \end{cases}",
    }


RECTIFIERS = (
    Entry(
        name="elu",
        formula="x if x > 0 else alpha * (exp(x) - 1)",
        latex=r"\begin{cases} x & x > 0 \\ \alpha (e^x - 1) & \text{otherwise} \end{cases}",
        value=_elu,
        derivative=lambda x, *, alpha: _exponential_linear_derivative(x, 1.0, alpha),
        derivative_formula="1 if x > 0 else alpha * exp(x)",
        kinks=lambda *, alpha: () if alpha == 1 else (0.0,),
        source="Clevert, Unterthiner & Hochreiter 2016",
        note="tf has no alpha",
    ),
    Entry(
        name="celu",
        formula="x if x > 0 else alpha * (exp(x / alpha) - 1)",
        latex=r"\begin{cases} x & x > 0 \\ \alpha (e^{x / \alpha} - 1) & \text{otherwise} \end{cases}",
        value=_celu,
        derivative=_celu_derivative,
        derivative_formula="1 if x > 0 else exp(x / alpha)",
        positive=("alpha",),
        source="Barron 2017",
    ),
    Entry(
        name="selu",
        formula="1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1))",
        latex=r"\lambda \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & \text{otherwise} \end{cases}",
        value=lambda x: _exponential_linear(x, _SELU_SCALE, _SELU_BELOW),
        derivative=lambda x: _exponential_linear_derivative(x, _SELU_SCALE, _SELU_BELOW),
        derivative_formula="1.0507009873554805 * (1 if x > 0 else 1.6732632423543772 * exp(x))",
        kinks=lambda: (0.0,),
        source="Klambauer, Unterthiner, Mayr & Hochreiter 2017",
        note="λ = 1.0507009873554805 and α = 1.6732632423543772; at 0, tf takes the slope from the right",
    ),
    Entry(
        name="softplus",
        formula="log(1 + exp(beta * x)) / beta",
        latex=r"\frac{1}{\beta} \log(1 + e^{\beta x})",
        value=_softplus,
        derivative=_softplus_derivative,
        derivative_formula="s(beta * x), s = sigmoid",
        positive=("beta",),
        rewritten=_written_softplus,
        jumps=lambda *, beta, threshold: () if threshold is None else (threshold / beta,),
        source="Dugas, Bengio, Bélisle, Nadeau & Garcia 2001",
        note="torch has threshold=20, and there it jumps; jax, keras and tf have neither beta nor threshold",
    ),
    Entry(
        name="log_sigmoid",
        formula="-log(1 + exp(-x))",
        latex=r"-\log(1 + e^{-x})",
        value=lambda x: -_softplus(-x),
        derivative=lambda x: _softplus_derivative(-x, beta=1.0, threshold=None),
        derivative_formula="1 - s(x), s = sigmoid",
    ),
    Entry(
        name="relu_squared",
        aliases=("relu2", "squared_relu"),
        formula="max(x, 0)**2",
        latex=r"\max(x, 0)^2",
        value=lambda x: np.square(np.maximum(x, 0.0)),
        derivative=lambda x: 2.0 * np.maximum(x, 0.0),
        derivative_formula="2 * max(x, 0)",
        source="So et al. 2021",
    ),
)
