"""The same function in other units: metres for nanometres, joules for electron volts."""

from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest

import jacinspect
from tests.oracles import Array

F = Callable[[Array], Array]
# At an extremum the slope is 0, and a bar is judged by the slopes nearby.
EXTREMA: dict[str, tuple[F, F, float]] = {
    "u - log u": (lambda u: u - np.log(u), lambda u: 1 - 1 / u, 1.0),
    "Lennard-Jones": (lambda u: u**-12 - u**-6, lambda u: -12 * u**-13 + 6 * u**-7, 2 ** (1 / 6)),
    "Morse": (
        lambda u: (1 - np.exp(-1.44 * (u - 0.74))) ** 2,
        lambda u: 2.88 * np.exp(-1.44 * (u - 0.74)) * (1 - np.exp(-1.44 * (u - 0.74))),
        0.74,
    ),
    "3 + sin²": (lambda u: 3 + np.sin(u) ** 2, lambda u: np.sin(2 * u), np.pi),
    "a Gaussian": (lambda u: np.exp(-((u - 26.6) ** 2)), lambda u: -2 * (u - 26.6) * np.exp(-((u - 26.6) ** 2)), 26.6),
    "inhibition": (lambda u: u / (1 + u + u * u / 25), lambda u: (1 - u * u / 25) / (1 + u + u * u / 25) ** 2, 5.0),
}


@pytest.mark.parametrize("unit", [3.4e-10, 3.4e-9, 3.4e-6, 3.4e-4, 0.02, 1.0, 3.4e7])
@pytest.mark.parametrize("name", EXTREMA)
def test_at_an_extremum_the_slope_is_known_in_any_unit(name: str, unit: float) -> None:
    f, slope, at = EXTREMA[name]
    x = np.array([at * unit])
    right = jacinspect.inspect(lambda x: f(x / unit), x, derivative=lambda x: slope(x / unit) / unit)
    assert right.verdict == "pass"
    wrong = jacinspect.inspect(lambda x: f(x / unit), x, derivative=lambda x: (slope(x / unit) + 1e-3) / unit)
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e-9])
def test_a_line_with_a_sample_on_its_centre(unit: float) -> None:
    """The parameters of a fit: amplitude, centre and width."""
    x, p = np.array([500.0, 520.0, 532.0, 545.0]) * unit, np.array([2.0, 532.0 * unit, 12.0 * unit])

    def line(p: Array) -> Array:
        return np.asarray(p[0] * np.exp(-0.5 * ((x - p[1]) / p[2]) ** 2))

    def jacobian(p: Array) -> Array:
        z = (x - p[1]) / p[2]
        e = np.exp(-0.5 * z**2)
        return np.column_stack([e, p[0] * e * z / p[2], p[0] * e * z**2 / p[2]])

    assert jacinspect.inspect(line, p, derivative=jacobian).verdict == "pass"
    assert jacinspect.inspect(line, p, derivative=lambda p: jacobian(p) * [1, 1.01, 1]).verdict == "fail"


@pytest.mark.parametrize("energy", [1e-21, 1e-19, 1e-18])
def test_what_moves_by_less_than_the_last_bit_of_1_is_judged_by_its_own(energy: float) -> None:
    """At the minimum f is 0, and close to it as small as its own last bits."""
    f, slope, at = EXTREMA["Morse"]
    x = np.array([at])
    assert jacinspect.inspect(lambda r: energy * f(r), x, derivative=lambda r: energy * slope(r)).verdict == "pass"
    wrong = jacinspect.inspect(lambda r: energy * f(r), x, derivative=lambda r: energy * (slope(r) + 3))
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("unit", [1e-15, 3.4e-15, 7e-14])
def test_where_f_ends_beside_a_tiny_x_its_slope_is_that_within_x(unit: float) -> None:
    f, slope, _ = EXTREMA["u - log u"]
    x = np.array([unit])
    assert jacinspect.inspect(lambda x: f(x / unit), x, derivative=lambda x: slope(x / unit) / unit).verdict == "pass"


@pytest.mark.parametrize("at", [1e-14, 1e-12, 1e-10])
@pytest.mark.parametrize("claim", [0.0, 1.3, -1.0])
def test_what_waves_within_a_small_x_is_not_judged_by_longer_steps(at: float, claim: float) -> None:
    """Their slope, about 0, is none of f."""
    x = np.array([at])

    def slope(x: Array) -> Array:
        return np.asarray(claim * 1e12 / at * np.cos(1e12 * x / at))

    assert jacinspect.inspect(lambda x: np.sin(1e12 * x / at), x, derivative=slope).verdict in ("inconclusive", "fail")


@pytest.mark.parametrize("height", [0.1, 1.0, 1e3])
@pytest.mark.parametrize("at", [7.6e-13, 1e-9, 1e-7])
def test_noise_beside_a_small_x_is_no_size_of_f(height: float, at: float) -> None:
    def noisy(x: Array) -> Array:
        return np.asarray(5 * np.sin(x) + height * (crc32(x.tobytes()) / 2**32 - 0.5))

    for claim in (6.5, -5.0, 0.0):
        report = jacinspect.inspect(noisy, np.array([at]), derivative=lambda x, claim=claim: np.full(1, claim))
        assert report.verdict == "inconclusive"
