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
    """The largest error in ulp, and where."""
    with mpmath.workdps(DIGITS):
        return max((ulps(float(y), truth(mpf(float(at)))), float(at)) for y, at in zip(got, x, strict=True))


def _s(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _normal(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2 if abs(x) < 1000 else mpf(int(x > 0))


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
}
