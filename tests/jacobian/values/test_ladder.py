"""One sequence of ever smaller steps: kinks, jumps, bends, sides that end; and once more in units of a small x."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import golden

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.ladder import LADDER_CALLS, ladder
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.stencil import Kind, Stencil
from tests.lines import DOUBLE, SINGLE, stencil_of
from tests.oracles import Array

F = Callable[[Array], Any]


def looked_at(f: F, at: float, epsilon: float = DOUBLE) -> Estimate:
    x = np.array([at])
    return ladder(stencil_of(f, x, epsilon), Doubts(all=True))


@pytest.mark.parametrize(
    ("f", "at", "left", "right"),
    [
        (lambda x: np.maximum(x, 0), 0.0, 0, 1),
        (lambda x: np.maximum(x, 0), -0.0, 0, 1),
        (np.abs, 0.0, -1, 1),
        (lambda x: np.where(x > 0, x, 0.01 * x), 0.0, 0.01, 1),
        (lambda x: np.abs(x - 3), 3.0, -1, 1),
        (lambda x: np.maximum(x, 2 * x - 3.0), 3.0, 1, 2),
        (lambda x: np.where(x > 0, np.sin(x), np.expm1(2 * x)), 0.0, 2, 1),
        (lambda x: np.abs(x) + 1e3, 0.0, -1, 1),
        (lambda x: np.abs(np.sin(x)), 0.0, -1, 1),
        (lambda x: np.abs(x - 1e6), 1e6, -1, 1),
        # a yield strain, seen as nothing by long steps, to both ends of which f is odd
        (lambda x: np.clip(2e5 * x, -250, 250) + 995 * x, 0.00125, 200995, 995),
    ],
)
def test_kinks(f: F, at: float, left: float, right: float) -> None:
    estimate = looked_at(f, at)
    assert estimate.kind.tolist() == [Kind.KINK]
    assert estimate.left[0] == pytest.approx(left, rel=1e-7, abs=1e-7)
    assert estimate.right[0] == pytest.approx(right, rel=1e-7, abs=1e-7)


def test_a_tread_to_one_side_and_long_steps_to_the_other_are_no_kink() -> None:
    """The finest steps meet a leap of the last bits on one side alone; long ones have the same slope on both."""

    def minimum(a: Array) -> Array:
        return np.array([golden(lambda x: x**4 / 4 + a[0] * x * x / 2 - 2.4 * x, brack=(0, 1, 2))])

    estimate = looked_at(minimum, 1.3)
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert estimate.value[0] == pytest.approx(-0.230438, rel=1e-5)


@pytest.mark.parametrize("at", [1e-12, -1e-12, 1e-9, -3e-7, 1e-20, -1e-100, 1e-3])
def test_close_to_a_kink_there_is_a_derivative(at: float) -> None:
    cases: list[tuple[F, int, int]] = [(np.abs, -1, 1), (lambda x: np.maximum(x, 0), 0, 1)]
    for f, below, above in cases:
        estimate = looked_at(f, at)
        assert estimate.kind.tolist() == [Kind.SMOOTH]
        assert estimate.value[0] == pytest.approx(above if at > 0 else below, abs=1e-6)
        assert abs(estimate.value[0] - (above if at > 0 else below)) <= estimate.bar[0]


@pytest.mark.parametrize(
    ("f", "at"),
    [(np.sign, 0.0), (lambda x: np.heaviside(x, 0), 0.0), (lambda x: np.heaviside(x, 1), 0.0), (np.floor, 3.0)],
)
def test_jumps(f: F, at: float) -> None:
    estimate = looked_at(f, at)
    assert estimate.kind.tolist() == [Kind.JUMP]
    assert estimate.value[0] == 0
    assert min(estimate.left[0], estimate.right[0]) <= 0 <= max(estimate.left[0], estimate.right[0])


@pytest.mark.parametrize(("f", "at"), [(np.sign, 0.3), (np.floor, 2.5), (np.round, -1.3), (np.sign, -1e-6)])
def test_beside_a_jump_a_step_function_is_flat(f: F, at: float) -> None:
    estimate = looked_at(f, at)
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert abs(estimate.value[0]) <= estimate.bar[0] < 1e-4


@pytest.mark.parametrize("at", [0.0, 1e-7, -2e-6, 1e-6, 5e-6])
@pytest.mark.parametrize("steepness", [1e4, 1e6])
def test_a_steep_smooth_bend_is_no_kink(at: float, steepness: float) -> None:
    estimate = looked_at(lambda x: np.logaddexp(0, steepness * x) / steepness, at)
    truth = 1 / (1 + np.exp(-steepness * at))
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert abs(estimate.value[0] - truth) <= estimate.bar[0] <= 1e-3


@pytest.mark.parametrize(
    ("f", "derivative", "at"),
    [
        (np.exp, np.exp, 709.78),
        (lambda x: np.where(x > 2, np.inf, x**2), lambda x: 2 * x, 2.0),
        (lambda x: np.where(x < 2, np.nan, x**2), lambda x: 2 * x, 2.0),
        (lambda x: np.where(x < 0, np.nan, x**2 + x), lambda x: 1.0, 0.0),
        (np.positive, lambda x: 1.0, 1.7976931348623157e308),
    ],
)
def test_where_one_side_has_no_value_the_other_gives_the_slope(f: F, derivative: F, at: float) -> None:
    estimate = looked_at(f, at)
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert estimate.value[0] == pytest.approx(float(derivative(np.array(at))), rel=1e-5)
    assert abs(estimate.value[0] - float(derivative(np.array(at)))) <= estimate.bar[0]


def test_where_neither_side_has_a_value() -> None:
    only_here = looked_at(lambda x: np.where(x == 2, 5.0, np.nan), 2.0)
    assert only_here.kind.tolist() == [Kind.NONFINITE]
    assert looked_at(np.log, -1.0).kind.tolist() == [Kind.NONFINITE]


# --- Once more, in units of a small x ---------------------------------------------------------------------------------


def asked(f: F, at: float, allowed: float = np.inf) -> tuple[Estimate, int]:
    """Return what is found at a point where nobody denies what is so near to 0, and how often f was called."""
    x = np.array([at])
    stencil = stencil_of(f, x)
    doubts, before = Doubts.unless_near(np.zeros(1), np.array([allowed])), stencil.box.evaluations
    estimate = ladder(stencil, doubts)
    return estimate, stencil.box.evaluations - before


@pytest.mark.parametrize(
    ("f", "at", "times"),
    [
        (np.sin, 0.3, 1),
        (np.abs, 0.0, 1),
        (np.sin, 1e-7, 1),  # known to 1e-9 at once
        (lambda x: np.sin(1e17 * x), 0.3, 1),
        (lambda x: np.where(x >= 0, np.sqrt(x), np.nan), 0.0, 2),
        (lambda x: np.cbrt(x), 0.0, 2),
        (np.abs, 1e-9, 2),
        (np.abs, 0.25, 1),
    ],
)
def test_steps_are_taken_once_more_only_where_x_is_small_and_they_show_little(f: F, at: float, times: int) -> None:
    _, calls = asked(f, at)
    assert (times - 1) * LADDER_CALLS - 4 <= calls <= times * LADDER_CALLS


@pytest.mark.parametrize("at", [3e-13, -3e-11, 2e-7])
def test_a_bend_within_a_small_x_is_followed(at: float) -> None:
    """A wave of that length, of which the steps in units of 1 see little, or all but to fewer digits."""
    estimate, _ = asked(lambda x: np.sin(3 * x / at) * at / 3, at)
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert abs(estimate.value[0] - np.cos(3.0)) <= estimate.bar[0] <= 1e-9


def test_at_0_itself_steps_are_shorter_than_any_beside_1() -> None:
    estimate, _ = asked(lambda x: np.tanh(x / 1e-14), 0.0)
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert abs(estimate.value[0] - 1e14) <= estimate.bar[0] <= 10


@pytest.mark.parametrize("at", [1.6e-12, 1.5e-11, 6e-12])
def test_what_the_longer_steps_show_is_kept_where_the_shorter_ones_show_it_to_less(at: float) -> None:
    """Rounding of 1 leaves steps of |x| three digits."""
    estimate, _ = asked(lambda x: np.exp(x) + x * np.abs(x), at)
    assert estimate.kind.tolist() == [Kind.SMOOTH]
    assert abs(estimate.value[0] - 1) <= estimate.bar[0] <= 1e-6


def test_where_steps_of_1_show_nothing_of_f_the_shorter_ones_are_right_however_wide_their_bar() -> None:
    """As the radius p/(q·B) by the charge of an electron, which is 1e19 times smaller than such a step."""
    charge, part = 1.6e-19, 2.5e-27
    found = ladder(stencil_of(lambda x: part / x, np.array([charge])), Doubts(all=True))
    slope = -part / charge**2
    assert abs(found.value[0] - slope) <= found.bar[0] <= 1e-6 * abs(slope)
    x = np.array([2.5e-22, charge, 1e5])
    slopes = np.array([1, -1, -1]) / x * 2.5e-22 / charge / 1e5
    for factor, verdict in ((1.0, "pass"), (1.3, "fail")):
        claim = slopes * [1, factor, 1]
        assert jacinspect.inspect(lambda x: x[0] / x[1] / x[2], x, lambda _, claim=claim: claim).verdict == verdict


def test_a_kink_stays_one_where_the_shorter_steps_are_lost_in_rounding() -> None:
    estimate, _ = asked(lambda x: np.abs(x) + 1e3, 1e-19)
    assert estimate.kind.tolist() == [Kind.KINK]


@pytest.mark.parametrize("digits", [6, 9])
def test_a_slope_over_many_steps_is_kept_where_the_shorter_ones_reach_the_end_of_no_tread(digits: int) -> None:
    estimate, _ = asked(lambda x: np.round(np.sin(x + 0.3), digits), 1e-8, allowed=0.9)
    assert estimate.over_many.tolist() == [True]
    assert abs(estimate.value[0] - np.cos(0.3)) <= estimate.bar[0] <= 1e-4


def test_a_kink_among_leaps_gives_way_to_the_slope_close_to_x() -> None:
    """As of a limiter at values of 1e-6, where longer steps reach what is around 0."""
    f: F = lambda x: np.where(x > 1e-6, x**2, np.where(x < -1e-6, np.floor(3e6 * x) / 1e6, x / 2))  # noqa: E731
    estimate, _ = asked(f, 5e-7, allowed=0.3)
    assert (estimate.kind.tolist(), estimate.value.tolist()) == ([Kind.SMOOTH], [0.5])


@pytest.mark.parametrize(("claim", "kind"), [(1.1e151, Kind.UNRESOLVED), (1e160, Kind.SMOOTH), (0.0, Kind.SMOOTH)])
def test_where_f_ends_within_the_shortest_step_it_may_bend_there(claim: float, kind: int) -> None:
    """A power that is 1 to its last bit over a small x may have a slope that its rounding over |x| would hide."""
    claims = Doubts(lambda _, value, bar: ~(np.abs(claim - value) <= bar))
    estimate = ladder(stencil_of(lambda x: x**6.859e-19, np.array([6.19e-170])), claims)
    assert estimate.kind.tolist() == [kind]


def test_a_wrong_slope_beside_0_is_told_where_f_does_not_end_there() -> None:
    claims = Doubts(lambda _, value, bar: ~(np.abs(5.0 - value) <= bar))
    assert ladder(stencil_of(np.cos, np.array([1e-20])), claims).kind.tolist() == [Kind.SMOOTH]


def test_where_nobody_claims_anything_no_slope_between_two_steps_is_believed() -> None:
    x = np.array([1e-13, 3e-12])
    estimate = ladder(stencil_of(lambda x: np.log(1 + x) / x, x), Doubts())
    between = (estimate.kind == Kind.SMOOTH) & (estimate.step == 0)
    assert not (between & ~(np.abs(estimate.value + 0.5) <= estimate.bar)).any()


# --- What is taken, and for what --------------------------------------------------------------------------------------


def test_along_a_direction_a_kink_is_by_the_step() -> None:
    x, v = np.array([0.5, 1e-9, -1.0]), np.array([0.25, 0.0, -2.0])
    box = BlackBox(lambda x: np.array([abs(x[0] - 0.5) + x[2], x[1] * x[0]]), x)
    estimate = ladder(Stencil(box, x, v, slice(None), None, box.y0, DOUBLE), Doubts())
    assert estimate.kind.tolist() == [Kind.KINK, Kind.SMOOTH]
    np.testing.assert_allclose([estimate.left[0], estimate.right[0]], [-2.25, -1.75], rtol=1e-9)
    assert abs(estimate.value[1] - 2.5e-10) <= estimate.bar[1]


def test_no_steps_are_looked_for_at_a_kink() -> None:
    stencil = stencil_of(np.abs, np.zeros(1))
    ladder(stencil, Doubts(all=True))
    assert stencil.box.evaluations <= LADDER_CALLS + 2


def test_in_single_precision_steps_are_fewer_and_longer() -> None:
    x = np.array([0.3], np.float32)
    stencil = stencil_of(np.sin, x, SINGLE)
    estimate = ladder(stencil, Doubts.unless_near(np.zeros(1), np.full(1, np.inf)))
    assert stencil.box.evaluations <= 2 + 46
    assert abs(estimate.value[0] - np.cos(np.float64(x[0]))) <= estimate.bar[0] <= 1e-4


def test_in_half_precision_slopes_are_over_many_steps() -> None:
    estimate = looked_at(lambda x: np.sin(x.astype(np.float16)).astype(float), 0.3, 2.0**-10)
    assert estimate.over_many.tolist() == [True]
    assert estimate.step[0] == 2.0**-10 * float(np.sin(np.float16(0.3)))
    assert abs(estimate.value[0] - np.cos(0.3)) <= estimate.bar[0] <= 1e-2
