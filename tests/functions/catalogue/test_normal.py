import mpmath
import numpy as np
from mpmath import mpf

from jacinspect.functions.catalogue.arithmetic.normal import (
    erf,
    erfc,
    gaussian,
    mills_ratio,
    mills_ratio_minus_t,
    root_density,
)
from tests.functions.catalogue.truth import worst

T = np.concatenate([[0.0, 5e-324], np.logspace(-20, 1.6, 200), np.linspace(0, 40, 201)])


def true_mills(t: mpf) -> mpf:
    return mpmath.sqrt(mpmath.pi / 2) * mpmath.exp(t * t / 2) * mpmath.erfc(t / mpmath.sqrt(2))


def test_mills_ratio() -> None:
    assert worst(mills_ratio(T), T, true_mills)[0] <= 4
    far = np.array([1e3, 1e5, 1e9, 1e20, 1e154, 1e300])  # M(t) = 1/t - 1/t³ + …
    assert worst(mills_ratio(far), far, lambda t: 1 / t - 1 / t**3 + 3 / t**5 - 15 / t**7)[0] <= 4


def test_mills_ratio_minus_t() -> None:
    assert worst(mills_ratio_minus_t(T), T, lambda t: true_mills(t) - t)[0] <= 8


def test_root_density() -> None:
    assert worst(root_density(T), T, lambda t: mpmath.exp(-t * t / 4))[0] <= 3


def test_gaussian() -> None:
    assert worst(gaussian(T, 0.5), T, lambda t: mpmath.exp(-t * t / 2))[0] <= 3
    assert worst(gaussian(-T, 1.0), T, lambda t: mpmath.exp(-t * t))[0] <= 3


def test_erf_and_erfc_also_where_their_forms_meet() -> None:
    meeting = np.array([0.5, 1.0])
    x = np.concatenate([T, np.linspace(0, 3, 601), np.linspace(25, 29, 201), meeting, np.nextafter(meeting, 0)])
    x = np.concatenate([x, -x, np.nextafter(meeting, 2)])
    assert worst(erf(x), x, mpmath.erf)[0] <= 2
    assert worst(erfc(x), x, mpmath.erfc)[0] <= 6
