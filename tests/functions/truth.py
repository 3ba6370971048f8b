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
    """|got - truth| in units of the spacing of doubles at the truth, at least 2^-1074; inf for a wrong NaN or inf."""
    nearest = abs(float(truth))
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


def domain(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """Those of x at which the function has a value."""
    return x[defined(name, x)]


def inside(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """x itself, or for a function with a domain's end, a pole or jumps, numbers that are some way from these."""
    if name in ("sqrt", "rsqrt", "log", "log2", "log10", "log1p", "acosh"):
        x = np.abs(x)
    if name in ("asin", "acos", "atanh"):
        return np.asarray(np.tanh(x) * 0.75)
    if name == "logit":  # not ½, where it is 0: the identities find no scale to hold the gradient's zeros against
        return np.asarray(0.45 + np.tanh(x) * 0.25)
    if name in ("floor", "ceil", "round", "trunc"):  # a third from any integer, and a sixth from any half
        return np.asarray(np.rint(x) + np.copysign(1 / 3, x), x.dtype)
    away = {"acosh": 1.5} | dict.fromkeys(
        ("sqrt", "rsqrt", "log", "log2", "log10", "cbrt", "reciprocal", "sign", "heaviside"), 0.5
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


# name: value and derivative as functions of x and the parameters
TEXTBOOK: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sigmoid": (_s, lambda x: _s(x) * _s(-x)),
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "relu": (lambda x: max(x, mpf(0)), lambda x: mpf(int(x > 0))),
    "leaky_relu": (
        lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x,
        lambda x, negative_slope=0.01: mpf(1 if x > 0 else negative_slope),
    ),
    "elu": (
        lambda x, alpha=1.0: x if x > 0 else alpha * mpmath.expm1(x),
        lambda x, alpha=1.0: mpf(1) if x > 0 else alpha * mpmath.exp(x),
    ),
    "gelu": (lambda x: x * _normal(x), lambda x: _normal(x) + x * _density(x)),
    "silu": (
        lambda x, beta=1.0: x * _s(beta * x),
        lambda x, beta=1.0: _s(beta * x) * (1 + beta * x * _s(-beta * x)),
    ),
    "softplus": (
        lambda x, beta=1.0: mpmath.log1p(mpmath.exp(beta * x)) / beta,
        lambda x, beta=1.0: _s(beta * x),
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
