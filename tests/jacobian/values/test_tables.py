"""Tables of many knots: between two of them the slope differs from that over longer steps, and no value shows it."""

import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator

import jacinspect

KNOTS = 100_000
SPLINES = {"cubic": CubicSpline, "pchip": PchipInterpolator, "akima": Akima1DInterpolator}


@pytest.mark.parametrize("spline", SPLINES)
def test_a_spline_through_many_knots_is_not_accused(spline: str) -> None:
    """Its slopes at single points are off those over many knots by up to a relative 1e-10: the last bits of 300."""
    t = np.linspace(0, 10, KNOTS + 1)
    f = SPLINES[spline](t, 300 + 20 * np.sqrt(t + 1))
    x = np.random.default_rng(3).uniform(0.5, 9.5, 20)
    slopes = f.derivative()(x)
    assert jacinspect.inspect(lambda x: f(x), x, np.diag(slopes)).verdict == "pass"
    assert jacinspect.inspect(lambda x: f(x), x, np.diag(slopes * (1 + 1e-6 * (x > 5)))).verdict == "fail"
