"""Textbook formulas at 60 digits, the grid they are judged on, and the judge. Imports nothing of jacinspect's."""

from collections.abc import Callable, Iterable
from math import inf, isnan, ulp
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf
from numpy.typing import NDArray

DIGITS = 60
SPECIAL = [
    *[
        0.0,
        5e-324,
        1.5e-323,
        1e-310,
        1e-300,
        1e-160,
        1e-20,
        1e-10,
        1e-5,
        0.1,
        0.5,
        1.0,
        2.0,
        3.0,
        5.0,
        10.0,
        20.0,
        30.0,
    ],
    *[36.7, 37.0, 37.7, 38.3, 40.0, 100.0, 300.0, 700.0, 709.0, 709.78, 710.0, 745.0, 750.0, 1e3, 1e10, 1e154, 1e200],
    *[1e300, 1.7e308, 1.7976931348623157e308],
]


def grid() -> NDArray[np.float64]:
    """About 600 points: special ones, log-spaced ones, and those where exp(x) and exp(-x²/2) underflow."""
    positive = np.concatenate(
        [
            SPECIAL,
            np.logspace(-307.5, 308, 40),
            np.logspace(-8, 3, 200),
            np.arange(700.3, 760, 4),
            np.arange(35, 40, 0.37),
        ]
    )
    return np.concatenate([positive, -positive])


def ulps(got: float, truth: Any) -> float:
    """|got - truth| in units of the spacing of doubles at the truth, at least 2^-1074; inf for a wrong NaN or inf.

    Where got is the double nearest to the truth, as most are, this is the bound ½, which takes no long arithmetic.
    """
    nearest = float(truth)
    if got == nearest:
        return 0.5
    nearest = abs(nearest)
    if nearest == inf:
        return 0.0 if got == (inf if truth > 0 else -inf) else inf
    if isnan(got) or abs(got) == inf:
        return inf
    return float(abs(mpf(got) - truth) / mpf(ulp(nearest)))


def worst(got: Iterable[float], x: Iterable[float], truth: Callable[[Any], Any]) -> tuple[float, float]:
    """The largest error in ulp, and where; a truth of None leaves the word to IEEE's signed zero."""
    with mpmath.workdps(DIGITS):
        true = [(float(y), float(at), truth(mpf(float(at)))) for y, at in zip(got, x, strict=True)]
        return max((ulps(y, exact), at) for y, at, exact in true if exact is not None)


# where a function is defined, if not at every number and both infinities
DOMAINS: dict[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = {
    "sqrt": lambda x: x >= 0,
    "rsqrt": lambda x: x >= 0,
    "log": lambda x: x >= 0,
    "log2": lambda x: x >= 0,
    "log10": lambda x: x >= 0,
    "log1p": lambda x: x >= -1,
    "log1mexp": lambda x: x >= 0,
    "logit": lambda x: np.asarray((x >= 0) & (x <= 1)),
    "sin": np.isfinite,
    "cos": np.isfinite,
    "tan": np.isfinite,
    "asin": lambda x: np.asarray(np.abs(x) <= 1),
    "acos": lambda x: np.asarray(np.abs(x) <= 1),
    "acosh": lambda x: x >= 1,
    "atanh": lambda x: np.asarray(np.abs(x) <= 1),
}


def defined(name: str, x: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the function has a value at each of x; it has none at NaN."""
    return DOMAINS[name](x) if name in DOMAINS else np.asarray(x == x)


def sloped(name: str, x: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the derivative has a value at each of x; a wave's has no limit."""
    return defined(name, x) & (np.isfinite(x) if name == "snake" else True)


def domain(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """Those of x at which the function has a value."""
    return x[defined(name, x)]


def inside(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """x itself, or for a function with a domain's end, a pole or jumps, numbers that are some way from these."""
    if name in ("sqrt", "rsqrt", "log", "log2", "log10", "log1p", "log1mexp", "acosh"):
        x = np.abs(x)
    if name in ("asin", "acos", "atanh"):
        return np.asarray(np.tanh(x) * 0.75)
    if name == "logit":  # not ½, where it is 0: the identities find no scale to hold the gradient's zeros against
        return np.asarray(0.45 + np.tanh(x) * 0.25)
    if name in ("floor", "ceil", "round", "trunc"):  # a third from any integer, and a sixth from any half
        return np.asarray(np.rint(x) + np.copysign(1 / 3, x), x.dtype)
    away = {"acosh": 1.5} | dict.fromkeys(
        ("sqrt", "rsqrt", "log", "log2", "log10", "log1mexp", "cbrt", "reciprocal", "sign", "heaviside"), 0.5
    )
    return x + np.copysign(away[name], x).astype(x.dtype) if name in away else x


def _s(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _mills(t: Any) -> Any:
    """(1 - Φ(t))/φ(t) for t >= 0; far out by its asymptotic series, whose smallest term is of the order exp(-t²/2)."""
    if t < 40:
        return mpmath.sqrt(mpmath.pi / 2) * mpmath.exp(t * t / 2) * mpmath.erfc(t / mpmath.sqrt(2))
    term = total = 1 / t
    for k in range(1, 400):
        term *= -(2 * k - 1) / t**2
        total += term
        if abs(term) < abs(total) * mpmath.eps:
            break
    return total


def _normal(x: Any) -> Any:
    return _mills(-x) * _density(x) if x < 0 else 1 - _mills(x) * _density(x)


def _log_normal(x: Any) -> Any:
    if x > 0:
        return mpmath.log1p(-_mills(x) * _density(x))
    return mpmath.log(_mills(-x)) - x * x / 2 - mpmath.log(2 * mpmath.pi) / 2


def _erfc(x: Any) -> Any:
    return mpmath.erfc(x) if abs(x) < 40 else mpf(2 * int(x < 0))


def _to_even(x: Any) -> Any:
    return mpmath.floor(x) if x - mpmath.floor(x) == 0.5 and mpmath.floor(x) % 2 == 0 else mpmath.floor(x + 0.5)


def _zero(x: Any, **_: float) -> Any:
    return mpf(0)


def _inverse(x: Any) -> Any:
    return 1 / x if x else mpf(inf)


def _density(x: Any) -> Any:
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def _clipped(x: Any, low: float, high: float) -> Any:
    return min(max(x, mpf(low)), mpf(high))


def _step(condition: bool, slope: Any = 1) -> Any:
    return mpf(slope if condition else 0)


def _relu(x: Any, negative_slope: Any = None, max_value: Any = None, threshold: Any = None) -> Any:
    top, start = mpf("inf") if max_value is None else max_value, threshold or 0
    return min(x, top) if x > start else (negative_slope or 0) * (x - start)


def _relu_slope(x: Any, negative_slope: Any = None, max_value: Any = None, threshold: Any = None) -> Any:
    top = mpf("inf") if max_value is None else max_value
    return _step(x < top) if x > (threshold or 0) else mpf(negative_slope or 0)


def _softplus(x: Any, beta: float = 1.0, threshold: float | None = None) -> Any:
    if threshold is not None and mpf(beta) * x > threshold:
        return x
    return mpmath.log1p(mpmath.exp(beta * x)) / beta


def _softplus_slope(x: Any, beta: float = 1.0, threshold: float | None = None) -> Any:
    return mpf(1) if threshold is not None and mpf(beta) * x > threshold else _s(beta * x)


def _selu() -> tuple[Any, Any]:
    return mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")


def _softsign(x: Any) -> Any:
    return x / (1 + abs(x))


def _isru(x: Any, alpha: float = 1.0) -> Any:
    return x / mpmath.sqrt(1 + alpha * x * x)


def _isru_slope(x: Any, alpha: float = 1.0) -> Any:
    return 1 / mpmath.sqrt(1 + alpha * x * x) ** 3


def _widely(form: Callable[..., Any]) -> Callable[..., Any]:
    """A form that cancels everything away at 60 digits: at 1400, with which 1e308² + 1 is not 1e308²."""

    def precise(x: Any, **parameters: Any) -> Any:
        with mpmath.workdps(1400):
            return form(x, **parameters)

    return precise


def _softcapped(x: Any, cap: float = 30.0) -> Any:
    return cap * mpmath.tanh(x / cap)


def _gelu(x: Any, approximate: str = "none") -> Any:
    return x * (_normal(x) if approximate == "none" else _s(_tanh_exponent(x)))


def _tanh_exponent(x: Any) -> Any:
    return 2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3)


def _gelu_slope(x: Any, approximate: str = "none") -> Any:
    if approximate == "none":
        return _normal(x) + x * _density(x)
    p, slope = _tanh_exponent(x), 2 * mpmath.sqrt(2 / mpmath.pi) * (1 + 3 * mpf("0.044715") * x * x)
    return _s(p) * (1 + x * slope * _s(-p))


def _mish(x: Any) -> Any:
    return x * mpmath.tanh(mpmath.log1p(mpmath.exp(x)))


def _mish_slope(x: Any) -> Any:
    softplus = mpmath.log1p(mpmath.exp(x))
    return mpmath.tanh(softplus) + x * mpmath.sech(softplus) ** 2 * _s(x)


def _tanh_exp_slope(x: Any) -> Any:
    e = mpmath.exp(min(x, mpf(20)))  # sech² of more is 0 in double precision, whatever it is multiplied by
    return mpmath.tanh(e) + x * e * mpmath.sech(e) ** 2


def _hard_swish_slope(x: Any) -> Any:
    return mpf(0) if x <= -3 else mpf(1) if x >= 3 else (2 * x + 3) / 6


def _smelu(x: Any, beta: float = 1.0) -> Any:
    return x if x >= beta else max(x + beta, mpf(0)) ** 2 / (4 * mpf(beta))


def _smelu_slope(x: Any, beta: float = 1.0) -> Any:
    return _clipped((x + beta) / (2 * mpf(beta)), 0, 1)


# name: value and derivative as functions of x and the parameters
TEXTBOOK: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sigmoid": (_s, lambda x: _s(x) * _s(-x)),
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "relu": (_relu, _relu_slope),
    "relu6": (lambda x: _clipped(x, 0, 6), lambda x: _step(0 < x < 6)),
    "leaky_relu": (
        lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x,
        lambda x, negative_slope=0.01: mpf(1 if x > 0 else negative_slope),
    ),
    "elu": (
        lambda x, alpha=1.0: x if x > 0 else alpha * mpmath.expm1(x),
        lambda x, alpha=1.0: mpf(1) if x > 0 else alpha * mpmath.exp(x),
    ),
    "gelu": (_gelu, _gelu_slope),
    "gelu_tanh": (lambda x: _gelu(x, "tanh"), lambda x: _gelu_slope(x, "tanh")),
    "silu": (
        lambda x, beta=1.0: x * _s(beta * x),
        lambda x, beta=1.0: _s(beta * x) * (1 + beta * x * _s(-beta * x)),
    ),
    "softplus": (_softplus, _softplus_slope),
    "quick_gelu": (
        lambda x: x * _s(1.702 * x),
        lambda x: _s(1.702 * x) * (1 + 1.702 * x * _s(-1.702 * x)),
    ),
    "prelu": (
        lambda x, weight=0.25: x if x > 0 else weight * x,
        lambda x, weight=0.25: mpf(1 if x > 0 else weight),
    ),
    "rrelu": (
        lambda x, lower=1 / 8, upper=1 / 3: x if x > 0 else (mpf(lower) + upper) / 2 * x,
        lambda x, lower=1 / 8, upper=1 / 3: mpf(1) if x > 0 else (mpf(lower) + upper) / 2,
    ),
    "threshold": (
        lambda x, threshold=0.1, value=20.0: x if x > threshold else mpf(value),
        lambda x, threshold=0.1, value=20.0: _step(x > threshold),
    ),
    "hard_tanh": (
        lambda x, min_val=-1.0, max_val=1.0: _clipped(x, min_val, max_val),
        lambda x, min_val=-1.0, max_val=1.0: _step(min_val < x < max_val),
    ),
    "hard_sigmoid": (lambda x: _clipped((x + 3) / 6, 0, 1), lambda x: _step(abs(x) < 3, mpf(1) / 6)),
    "hard_sigmoid_keras2": (lambda x: _clipped((x + 2.5) / 5, 0, 1), lambda x: _step(abs(x) < 2.5, mpf(1) / 5)),
    "sparse_sigmoid": (lambda x: _clipped((x + 1) / 2, 0, 1), lambda x: _step(abs(x) < 1, mpf(1) / 2)),
    "hard_shrink": (
        lambda x, lambd=0.5: x if abs(x) > lambd else mpf(0),
        lambda x, lambd=0.5: _step(abs(x) > lambd or lambd == 0),
    ),
    "soft_shrink": (
        lambda x, lambd=0.5: mpmath.sign(x) * max(abs(x) - lambd, mpf(0)),
        lambda x, lambd=0.5: _step(abs(x) > lambd or lambd == 0),
    ),
    "celu": (
        lambda x, alpha=1.0: x if x > 0 else alpha * mpmath.expm1(x / alpha),
        lambda x, alpha=1.0: mpf(1) if x > 0 else mpmath.exp(x / alpha),
    ),
    "selu": (
        lambda x: _selu()[0] * (x if x > 0 else _selu()[1] * mpmath.expm1(x)),
        lambda x: _selu()[0] * (mpf(1) if x > 0 else _selu()[1] * mpmath.exp(x)),
    ),
    "squareplus": (
        _widely(lambda x, b=4.0: (x + mpmath.sqrt(x * x + b)) / 2),
        _widely(lambda x, b=4.0: (1 + x / mpmath.sqrt(x * x + b)) / 2),
    ),
    "smelu": (_smelu, _smelu_slope),
    "sparse_plus": (_smelu, _smelu_slope),
    "relu_squared": (lambda x: max(x, mpf(0)) ** 2, lambda x: 2 * max(x, mpf(0))),
    "mish": (_mish, _mish_slope),
    "tanh_exp": (lambda x: x * mpmath.tanh(mpmath.exp(min(x, mpf(20)))), _tanh_exp_slope),
    "lisht": (lambda x: x * mpmath.tanh(x), lambda x: mpmath.tanh(x) + x * mpmath.sech(x) ** 2),
    "hard_swish": (lambda x: x * _clipped((x + 3) / 6, 0, 1), _hard_swish_slope),
    "softcap": (_softcapped, lambda x, cap=30.0: mpmath.sech(x / cap) ** 2),
    "tanh_shrink": (_widely(lambda x: x - mpmath.tanh(x)), lambda x: mpmath.tanh(x) ** 2),
    "softsign": (_softsign, lambda x: 1 / (1 + abs(x)) ** 2),
    "isru": (_isru, _isru_slope),
    "isrlu": (
        lambda x, alpha=1.0: x if x >= 0 else _isru(x, alpha),
        lambda x, alpha=1.0: mpf(1) if x >= 0 else _isru_slope(x, alpha),
    ),
    "bent_identity": (
        _widely(lambda x: (mpmath.sqrt(x * x + 1) - 1) / 2 + x),
        lambda x: 1 + x / (2 * mpmath.sqrt(x * x + 1)),
    ),
    "gaussian": (lambda x: mpmath.exp(-x * x), lambda x: -2 * x * mpmath.exp(-x * x)),
    "snake": (
        _widely(lambda x, alpha=1.0: x + mpmath.sin(alpha * x) ** 2 / alpha),
        _widely(lambda x, alpha=1.0: 1 + mpmath.sin(2 * mpf(alpha) * x)),
    ),
    "log1mexp": (
        _widely(lambda x: mpmath.log(-mpmath.expm1(-x)) if x else -mpf(inf)),
        _widely(lambda x: _inverse(mpmath.expm1(x))),
    ),
    "identity": (lambda x: x, lambda x: mpf(1)),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "exp": (mpmath.exp, mpmath.exp),
    "abs": (abs, mpmath.sign),
    "sqrt": (mpmath.sqrt, lambda x: _inverse(2 * mpmath.sqrt(x))),
    "rsqrt": (lambda x: _inverse(mpmath.sqrt(x)), lambda x: -_inverse(2 * x * mpmath.sqrt(x))),
    "reciprocal": (lambda x: 1 / x if x else None, lambda x: -_inverse(x * x)),
    "log": (mpmath.log, _inverse),
    "log1p": (lambda x: mpmath.log1p(x) if x > -1 else -mpf(inf), lambda x: _inverse(1 + x)),
    "expm1": (mpmath.expm1, mpmath.exp),
    "sin": (mpmath.sin, mpmath.cos),
    "cos": (mpmath.cos, lambda x: -mpmath.sin(x)),
    "tan": (mpmath.tan, lambda x: mpmath.sec(x) ** 2),
    "atan": (mpmath.atan, lambda x: 1 / (1 + x * x)),
    "sinh": (mpmath.sinh, mpmath.cosh),
    "cosh": (mpmath.cosh, mpmath.sinh),
    "asinh": (mpmath.asinh, lambda x: 1 / mpmath.sqrt(1 + x * x)),
    "log2": (lambda x: mpmath.log(x, 2) if x else -mpf(inf), lambda x: _inverse(x * mpmath.log(2))),
    "log10": (lambda x: mpmath.log(x, 10) if x else -mpf(inf), lambda x: _inverse(x * mpmath.log(10))),
    "logit": (
        lambda x: mpmath.log(x / (1 - x)) if x < 1 else mpf(inf),
        lambda x: _inverse(x * (1 - x)),
    ),
    "exp2": (lambda x: mpf(2) ** x, lambda x: mpf(2) ** x * mpmath.log(2)),
    "cbrt": (
        lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
        lambda x: _inverse(3 * mpmath.cbrt(abs(x)) ** 2),
    ),
    "asin": (mpmath.asin, lambda x: _inverse(mpmath.sqrt(1 - x * x))),
    "acos": (mpmath.acos, lambda x: -_inverse(mpmath.sqrt(1 - x * x))),
    "acosh": (mpmath.acosh, lambda x: _inverse(mpmath.sqrt(x * x - 1))),
    "atanh": (lambda x: mpmath.atanh(x) if abs(x) < 1 else x * mpf(inf), lambda x: _inverse(1 - x * x)),
    "sign": (mpmath.sign, _zero),
    "heaviside": (lambda x, at_zero=0.5: mpf(int(x > 0)) if x else mpf(at_zero), _zero),
    "floor": (mpmath.floor, _zero),
    "ceil": (mpmath.ceil, _zero),
    "round": (_to_even, _zero),
    "trunc": (lambda x: mpmath.floor(x) if x > 0 else mpmath.ceil(x), _zero),
    "erf": (mpmath.erf, lambda x: 2 * mpmath.exp(-x * x) / mpmath.sqrt(mpmath.pi)),
    "erfc": (_erfc, lambda x: -2 * mpmath.exp(-x * x) / mpmath.sqrt(mpmath.pi)),
    "ndtr": (_normal, _density),
    "log_ndtr": (_log_normal, lambda x: 1 / _mills(-x) if x < 0 else _density(x) / _normal(x)),
    "log_sigmoid": (lambda x: -mpmath.log1p(mpmath.exp(-x)), lambda x: _s(-x)),
}
