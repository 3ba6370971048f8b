"""Slopes averaged over many steps: their bars hold for what is rounded, and are wide for what is off for long."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.averages import averaged, averaged_slopes
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.stencil import Kind, Stencil
from jacinspect.records import replace
from tests.lines import DOUBLE, F, of_one_input, stencil_of
from tests.oracles import Array

HALF = 2.0**-10
X = np.array([0.3127, -1.2871, 2.0413])


def slopes(f: F, x: Array) -> tuple[Array, Array]:
    return averaged_slopes(stencil_of(f, x, HALF), 0.0)


def in_steps(f: F, height: float) -> F:
    return lambda x: np.round(f(x) / height) * height


def coarse(value: Array, bar: float, reached: float = 0.0) -> Estimate:
    """Return slopes over steps that are longer than those in which f moves."""
    no, unknown = np.zeros(value.size), np.full(value.size, np.nan)
    bars, moved = np.full(value.size, bar), np.full(value.size, reached)
    kind = np.full(value.size, Kind.UNRESOLVED, np.int8)
    return Estimate(value, bars, kind, unknown, unknown, moved, no, unknown, unknown, no > 0)


@pytest.mark.parametrize("step", [1e-4, 1e-3])
def test_the_bars_hold_for_what_is_rounded(step: float) -> None:
    x = np.random.default_rng(0).uniform(-4, 4, 300)
    value, bar = slopes(lambda x: np.round(np.sin(x) / step) * step, x)
    assert np.all(np.abs(value - np.cos(x)) <= bar)
    assert np.median(bar) < 8 * step


def test_the_bars_hold_where_f_bends_within_a_unit_of_a_large_operand() -> None:
    x = np.random.default_rng(1).uniform(20, 60, 300)
    value, bar = slopes(lambda x: np.round(np.sin(x) / 1e-4) * 1e-4, x)
    assert np.all(np.abs(value - np.cos(x)) <= bar)
    assert np.median(bar) < 1e-3


def test_the_bars_hold_where_the_operand_is_rounded_as_well() -> None:
    """Places that are evenly apart would meet roundings that repeat: these two are beside 1/2."""
    x = np.array([0.4958800664642217, -0.49737203549585546])
    value, bar = slopes(lambda x: np.tanh(x.astype(np.float16)).astype(float), x)
    assert np.all(np.abs(value - 1 / np.cosh(x) ** 2) <= bar)
    assert np.all(bar < 3e-3)


def test_what_is_off_for_long_leaves_wide_bars() -> None:
    """It is no noise that averages would get rid of: here f goes up and down by as much four times in a unit."""
    x = np.linspace(0.1, 0.9, 20)
    value, bar = slopes(lambda x: np.sin(x) + 1e-3 * (np.floor(8 * x) % 2), x)
    short = slopes(lambda x: np.sin(x) + 1e-3 * (np.floor(800 * x) % 2), x)[1]
    assert np.all(np.abs(value - np.cos(x)) <= bar)
    assert np.median(bar) > 1.5 * np.median(short)


def test_where_f_is_not_finite_there_is_no_average() -> None:
    x = np.array([0.01, 0.5])
    _, bar = slopes(lambda x: np.where(x > 0, x, np.nan), x)
    assert np.isfinite(bar).tolist() == [False, True]


def test_a_few_steps_are_no_noise_to_average_over() -> None:
    """As a softmax in float16 moves by the smaller of two logits that are 7 apart: its slope was off by 1.4 bars."""
    x = np.array([0.3, 0.3])
    _, bar = slopes(lambda x: np.round(x * [1, 8]), x)
    assert np.isfinite(bar).tolist() == [False, True]


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.sin(2 * x), lambda x: 2 * np.cos(2 * x)),
        (lambda x: np.exp(-4 * x * x), lambda x: -8 * x * np.exp(-4 * x * x)),
    ],
)
def test_what_polynomials_leave_out_is_allowed_for_even_where_it_is_0_by_chance(f: F, slope: F) -> None:
    x = np.random.default_rng(2).uniform(-4, 4, 300)
    value, bar = slopes(in_steps(f, 1e-6), x)
    assert np.all(np.abs(value - slope(x)) <= bar)


def test_a_kink_has_no_average() -> None:
    assert np.isinf(slopes(in_steps(lambda x: np.abs(x - X), 1e-4), X)[1]).all()


def test_what_is_straight_for_long_is_averaged_over_a_unit_of_a_large_operand() -> None:
    x = 1000 * X
    value, bar = slopes(in_steps(lambda x: np.sin(x / 1000), 1e-4), x)
    assert np.all(np.abs(value - np.cos(X) / 1000) <= bar)
    assert np.all(bar < 1e-6)


def test_the_results_of_a_solver_are_off_alike_by_more_than_they_scatter() -> None:
    """Of those of LSODA, to three digits; what is rounded to half precision is off by nothing for long."""
    spring, start = np.array([[0, 1], [-1, -0.1]]), np.array([1.10875214, 0.58806047])

    def end(x: Array) -> Array:
        solved = solve_ivp(lambda t, y: spring @ y, (0, 10), [start[0], x[0]], "LSODA", rtol=1e-3, atol=1e-6)
        return np.asarray(solved.y[:, -1])

    value, bar = averaged_slopes(of_one_input(end, start[1]), 0.0)
    assert np.all(np.abs(value - expm(10 * spring)[:, 1]) <= bar)
    assert np.all(bar <= 0.03 * np.abs(value))
    f = in_steps(np.sin, 1e-4)
    assert np.all(slopes(f, X)[1] < 0.9 * averaged_slopes(stencil_of(f, X), 0.0)[1])


@pytest.mark.parametrize(("value", "bar", "reached"), [(np.cos(X), 1e-5, 0.0), (np.zeros(3), 1e-5, 1.0)])
def test_longer_steps_that_show_a_slope_well_are_believed(value: Array, bar: float, reached: float) -> None:
    stencil = stencil_of(in_steps(np.sin, 1e-3), X)
    estimate, known = averaged(coarse(value, bar, reached), stencil, 0.0)
    assert (estimate.value.tolist(), estimate.bar.tolist(), known.tolist()) == (value.tolist(), [bar] * 3, [False] * 3)
    assert stencil.box.evaluations == 2


@pytest.mark.parametrize("bar", [0.1, np.nan, np.inf])
def test_slopes_to_two_digits_are_better_than_none(bar: float) -> None:
    estimate, known = averaged(coarse(np.cos(X), bar), stencil_of(in_steps(np.sin, 1e-4), X), 0.0)
    assert known.all()
    assert np.all(np.abs(estimate.value - np.cos(X)) <= estimate.bar)
    assert np.all(estimate.bar < 1e-3)
    assert (estimate.kind == Kind.SMOOTH).all()


@pytest.mark.parametrize(("value", "bar"), [(np.cos(X), 1.5e-4), (np.cos(X) + 1, 0.1)])
def test_what_is_sharper_or_elsewhere_stays(value: Array, bar: float) -> None:
    estimate, known = averaged(coarse(value, bar), stencil_of(in_steps(np.sin, 1e-4), X), 0.0)
    assert (estimate.value.tolist(), estimate.bar.tolist(), known.tolist()) == (value.tolist(), [bar] * 3, [False] * 3)


@pytest.mark.parametrize("apart", [0.0, 1.0])
@pytest.mark.parametrize("epsilon", [DOUBLE, HALF])
def test_in_half_precision_nothing_is_known_where_the_two_contradict_each_other(epsilon: float, apart: float) -> None:
    longer = replace(coarse(np.cos(X) + apart, 0.1), kind=np.full(3, Kind.SMOOTH, np.int8))
    estimate, known = averaged(longer, stencil_of(in_steps(np.sin, 1e-4), X, epsilon), 0.0)
    unknown = epsilon == HALF and apart > 0
    assert estimate.kind.tolist() == [Kind.UNRESOLVED if unknown else Kind.SMOOTH] * 3
    assert known.tolist() == [not apart] * 3


@pytest.mark.parametrize(("epsilon", "enough"), [(DOUBLE, False), (HALF, True)])
def test_a_small_slope_is_known_to_less_where_all_of_f_is_rounded(epsilon: float, enough: bool) -> None:
    stencil = stencil_of(in_steps(lambda x: 1 + 0.02 * x, 1e-3), X, epsilon)
    estimate, known = averaged(coarse(np.zeros(3), 1.0), stencil, epsilon)
    assert np.all(np.abs(estimate.value - 0.02) <= estimate.bar)
    assert known.tolist() == [enough] * 3


def test_the_steps_of_whole_numbers_are_no_noise() -> None:
    f: F = lambda x: np.round(1e4 * x)  # noqa: E731
    assert not averaged(coarse(np.full(3, 1e4), np.inf), stencil_of(f, X), 0.0)[1].any()
    assert averaged(coarse(np.full(3, 1e4), np.inf), stencil_of(lambda x: f(x) / 3, X), 0.0)[1].all()


@pytest.mark.parametrize("bar", [1e-3, 1e-6])
def test_in_half_precision_long_steps_show_f_where_the_other_inputs_are_rounded_to(bar: float) -> None:
    """There is a slope that is as narrow as any, and off by what four roundings do."""
    x, along = np.array([0.01, 1.2003, 1.3003, 1.1003, 1.4003]), np.array([1.0, 0, 0, 0, 0])
    product, rounded = np.prod(x[1:]), np.prod(x[1:].astype(np.float16).astype(float))
    first = coarse(np.array([rounded]), bar)
    assert abs(rounded - product) > bar

    def found(f: F) -> Estimate:
        box = BlackBox(f, x)
        only = np.array([0])
        return averaged(first, Stencil(box, x, along, only, only, box.y0, HALF), HALF)[0]

    there = found(lambda x: np.prod(x.astype(np.float16).astype(float), keepdims=True))
    assert abs(there.value[0] - product) <= there.bar[0]
    assert found(lambda x: x[:1].astype(np.float16).astype(float) * rounded).bar[0] <= bar
