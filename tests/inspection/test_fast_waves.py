"""Waves and sawteeth that are faster than any step of a difference: their slope at X, or the mean of many periods?"""

from collections.abc import Callable

import numpy as np
import pytest

import jacinspect
from tests.oracles import Array

Function = Callable[[Array], Array]
SMALL = 1e-14 * np.array([0.3, -1.7, 2.9])
PLAIN = np.array([0.3, -1.7, 0.9])

# Each with its derivative, and where neither sees the other end of a period or a last bit.
FAST: dict[str, tuple[Function, Function, Array]] = {
    "a sawtooth of slope 1e14": (lambda x: np.remainder(1, x), lambda x: -np.floor(1 / x), SMALL),
    "one of which every number is on another tooth": (
        lambda x: np.remainder(1, x),
        lambda x: -np.floor(1 / x),
        SMALL / 100,
    ),
    "a truncated one": (lambda x: np.fmod(1, x), lambda x: -np.trunc(1 / x), SMALL),
    "a wave": (lambda x: x + np.sin(1e12 * x) / 1e12, lambda x: 1 + np.cos(1e12 * x), PLAIN),
    "a wave at 0": (lambda x: x * x * np.sin(1 / x), lambda x: 2 * x * np.sin(1 / x) - np.cos(1 / x), 100 * SMALL),
    "a triangle": (
        lambda x: x * x + np.abs(1e12 * x - np.round(1e12 * x)) / 1e12,
        lambda x: 2 * x + np.sign(1e12 * x - np.round(1e12 * x)),
        PLAIN + 1e-13,
    ),
    "what is left of x": (lambda x: np.sin(x) + np.remainder(x, 1e-12), lambda x: 1 + np.cos(x), PLAIN + 3e-13),
    "a hash": (lambda x: np.remainder(1e15 * np.sin(x), 1), lambda x: 1e15 * np.cos(x), PLAIN),
}


@pytest.mark.parametrize("name", FAST)
def test_a_slope_that_f_has_close_to_x_is_not_accused(name: str) -> None:
    f, slopes, x = FAST[name]
    for factor in (1.0, 1.03):
        assert jacinspect.inspect(f, x, lambda x, factor=factor: factor * slopes(x)).verdict == "inconclusive"


def test_a_slope_that_f_has_at_steps_far_longer_than_a_small_x_is_not_accused() -> None:
    """A pivot of 4e-145 is added to the entry of 2e-274, which moves nothing by itself, and hides behind steps of 1."""
    rows = [-6.852876052172032e-22, -1.8597668744330333e-274], [9.092925311825915e-14, -4.930937268018211e-137]

    def inverse(x: Array) -> Array:
        """Eliminate with the larger pivot, without fused products: these differ between processors."""
        (a, b), (c, d) = x
        part = a / c
        pivot = b - part * d
        return np.array([[-d / pivot / c, (1 + d * part / pivot) / c], [1 / pivot, -part / pivot]])

    def slopes(x: Array, dx: Array) -> Array:
        return np.asarray(-inverse(x) @ dx @ inverse(x))

    report = jacinspect.inspect(inverse, np.array(rows), slopes, derivative_kind="jvp")
    assert report.verdict == "inconclusive", report.findings


@pytest.mark.parametrize("name", ["a wave", "a wave at 0", "a triangle", "what is left of x"])
def test_a_slope_that_f_has_at_no_scale_is_wrong(name: str) -> None:
    f, slopes, x = FAST[name]
    assert jacinspect.inspect(f, x, lambda x: 5 + slopes(x)).verdict == "fail"


def test_a_slope_that_would_move_smooth_values_by_more_than_they_differ_is_wrong() -> None:
    assert jacinspect.inspect(np.sin, PLAIN, lambda x: 1e16 * np.cos(x)).verdict == "fail"
    assert jacinspect.inspect(lambda x: (np.exp(x) - 1) / x, 1e-6 * PLAIN, lambda x: 0.55 + 0 * x).verdict == "fail"


def test_outputs_of_one_input_have_steps_of_their_own() -> None:
    """Each is off by another amount, so that its claim could be told from its slope after another step."""

    def waves(x: Array) -> Array:
        return np.stack([x[0] + np.sin(1e10 * x[0]) / 1e10, x[0] + np.sin(1e12 * x[0]) / 1e9])

    def slopes(x: Array) -> Array:
        return np.array([[1 + np.cos(1e10 * x[0])], [1 + 1e3 * np.cos(1e12 * x[0])]])

    x = np.array([0.3])
    assert jacinspect.inspect(waves, x, slopes).verdict == "inconclusive"
    assert jacinspect.inspect(waves, x, lambda x: slopes(x) * [[1.1], [1]]).verdict == "fail"


def test_what_looks_like_a_kink_over_many_periods_is_none() -> None:
    x = np.array([-8.278974e-09])
    at = np.array([0.46549])
    report = jacinspect.inspect("fmod", x, others=[at], wrt=2)
    assert "J001" not in [finding.code for finding in report.findings]
    sawtooth = lambda x: np.fmod(0.46549, x)  # noqa: E731
    assert jacinspect.inspect(sawtooth, x, lambda x: -np.trunc(0.46549 / x)).verdict == "pass"
    assert jacinspect.inspect(sawtooth, x, lambda x: -1.001 * np.trunc(0.46549 / x)).verdict == "fail"


def test_a_slope_that_creeps_to_its_limit_is_none() -> None:
    """From step to step, the slope of x^1.04 at 0 changes by 4 %."""
    powers = lambda x: np.where(x < 0, np.nan, np.abs(x)) ** 1.04  # noqa: E731
    assert jacinspect.inspect(powers, [0.0], np.zeros_like).verdict == "inconclusive"
    assert jacinspect.inspect(lambda x: np.abs(x) ** 1.3, [0.0], lambda x: 0.1 + x).verdict == "fail"


@pytest.mark.parametrize("x", [0.5, 0.3, 1.7])
def test_steps_that_are_rounded_make_no_slope_of_a_bend(x: float) -> None:
    assert jacinspect.inspect(lambda at: (at - x) ** 2, [x], lambda at: 2 * (at - x)).verdict == "pass"


def test_the_sides_of_a_bend_bear_out_no_small_error() -> None:
    """To one side f moves by more than its slope, and by as much as a claim that is off by 1e-8, at some points."""
    x = np.linspace(0.2, 1.2, 300)
    for factor in (1 + 1e-8, 1 - 1e-8):
        report = jacinspect.inspect(np.sin, x, lambda x, factor=factor: factor * np.cos(x))
        assert report.agreement is not None
        assert report.agreement.undecided == 0
        assert report.verdict == "fail"


@pytest.mark.parametrize("x", [[0.0, 0.0], [0.0, 1e-310], [1e-300, 1e-150]])
@pytest.mark.parametrize("factor", [1.02, 1.5, 0.999])
def test_near_0_numbers_are_coarse_and_excuse_nobody(x: list[float], factor: float) -> None:
    report = jacinspect.inspect(lambda x: np.sin(factor * x), np.array(x), np.ones_like)
    assert [each.code for each in report.findings] == ["J001"]


@pytest.mark.parametrize("error", [1e-3, -0.5])
def test_a_minimum_of_0_excuses_nobody(error: float) -> None:
    """Close to it f moves by the square of a step, which no slope explains, and by far less than is claimed."""
    f = lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)  # noqa: E731
    assert jacinspect.inspect(f, np.ones(4), np.zeros_like).verdict == "pass"
    assert jacinspect.inspect(f, np.ones(4), lambda x: np.full_like(x, error)).verdict == "fail"


@pytest.mark.parametrize("seed", [4, 5])
def test_of_many_colors_bars_are_not_small_by_chance(seed: int) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, 20, 20)) / np.sqrt(20)
    report = jacinspect.inspect(lambda x: np.sin(50 * (a @ x)) ** 3 + np.cos(40 * (b @ x)), np.zeros(20))
    jacobian = report.jacobian
    assert jacobian is not None
    assert jacobian.numeric is not None
    assert jacobian.error_bar is not None
    assert (np.abs(jacobian.numeric.data) <= jacobian.error_bar).all()


def test_waves_of_hours_at_a_large_time_are_resolved() -> None:
    """A claim was left open at |x| above 2**20 wherever f bends within a unit, however many shorter steps agree."""

    def f(x: Array) -> Array:
        return np.sin(4 * np.pi * (x - 2451545))

    def slopes(x: Array) -> Array:
        return 4 * np.pi * np.cos(4 * np.pi * (x - 2451545))

    x = np.array([2460000.5, 2460001.13])
    assert jacinspect.inspect(f, x, slopes).verdict == "pass"
    assert jacinspect.inspect(f, x, lambda x: slopes(x) / 2).verdict == "fail"


def test_digits_that_f_has_lost_are_no_wave() -> None:
    """Values of a variance are multiples of 1e-4 here, and leap by that between neighbouring numbers."""
    x = np.array([1000001.0, 1000002.0, 1000004.5])

    def variance(x: Array) -> Array:
        return np.asarray(np.mean(x * x) - np.mean(x) ** 2)

    def claim(x: Array) -> Array:
        return 2 * x / 3

    assert jacinspect.inspect(variance, x, claim, derivative_kind="gradient").verdict == "fail"
    right = jacinspect.inspect(variance, x, lambda x: 2 * (x - x.mean()) / 3, derivative_kind="gradient")
    assert right.verdict == "pass"


def test_terms_that_cancel_at_a_small_x_leave_a_slope_of_0() -> None:
    """They are far larger over a step of 1, and so is their rounding there; close to x it looks like a wave."""
    x = np.array([1e-6, 2e-6, 3e-6])

    def f(x: Array) -> Array:
        return np.stack([x[0] * x[2] - 1.5 * x[0] * x[1], x[0] ** 2 - x[0] * x[1] + x[1] ** 2 / 4])

    def right(x: Array) -> Array:
        return np.array([[x[2] - 1.5 * x[1], -1.5 * x[0], x[0]], [2 * x[0] - x[1], x[1] / 2 - x[0], 0]])

    first = np.array([[1, 0, 0], [0, 0, 0]])
    assert jacinspect.inspect(f, x, right).verdict == "pass"
    assert jacinspect.inspect(f, x, lambda x: right(x) + 1e-6 * first).verdict == "fail"
    assert jacinspect.inspect(f, x, lambda x: right(x) + 1e-6 * first[::-1]).verdict == "fail"
