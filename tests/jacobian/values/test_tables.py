"""Tables of many knots: between two of them the slope differs from that over longer steps, and no value shows it."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator

import jacinspect
from tests.oracles import Array

KNOTS = 100_000
TABLES: dict[str, Callable[[Array], Array]] = {
    "a line and waves": lambda t: t + np.sin(t) / 2,
    "a temperature": lambda t: 300 + 20 * np.sqrt(t + 1),
}
SPLINES = {"cubic": CubicSpline, "pchip": PchipInterpolator, "akima": Akima1DInterpolator}


@pytest.mark.parametrize("spline", SPLINES)
@pytest.mark.parametrize("table", TABLES)
def test_a_spline_through_many_knots_is_not_accused(spline: str, table: str) -> None:
    t = np.linspace(0, 10, KNOTS + 1)
    f = SPLINES[spline](t, TABLES[table](t))
    x = np.random.default_rng(3).uniform(0.5, 9.5, 20)
    slopes = f.derivative()(x)
    assert jacinspect.inspect(lambda x: f(x), x, np.diag(slopes)).verdict == "pass"
    assert jacinspect.inspect(lambda x: f(x), x, np.diag(slopes * (1 + 1e-6 * (x > 5)))).verdict == "fail"
