"""What slopes at ever smaller steps make of an entry: slope, kink, jump or end of f, or nothing that is known."""

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.sides import Estimate, Sides, leaps_at_once
from jacinspect.jacobian.values.stencil import Kind, Stencil
from jacinspect.records import replace
from tests.lines import DOUBLE, SINGLE, F, rungs_of, stencil_of
from tests.oracles import Array

X = np.array([0.3127, -1.2871, 2.0413])
SMOOTH, KINK, JUMP, UNRESOLVED, NONFINITE = Kind.SMOOTH, Kind.KINK, Kind.JUMP, Kind.UNRESOLVED, Kind.NONFINITE


@np.errstate(all="ignore")
def judged(stencil: Stencil, step: float = 0.0) -> Estimate:
    rungs = rungs_of(stencil)
    return Sides.of(rungs, leaps_at_once(rungs), np.full(stencil.y0.size, step)).estimate()


def estimate(f: F, x: Array, epsilon: float = DOUBLE) -> Estimate:
    return judged(stencil_of(f, x, epsilon))


def at(f: F, x: float, epsilon: float = DOUBLE) -> Estimate:
    return estimate(f, np.array([x]), epsilon)


# --- A slope, of both sides or of one ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda x: x**3 - 1e3, lambda x: 3 * x**2),
        (lambda x: np.exp(50 * x), lambda x: 50 * np.exp(50 * x)),
        (lambda x: 1e-300 * np.arctan(x), lambda x: 1e-300 / (1 + x * x)),
    ],
)
def test_what_is_smooth_has_a_slope_within_its_bar(f: F, slope: F) -> None:
    found = estimate(f, X)
    assert found.kind.tolist() == [SMOOTH] * 3
    assert np.all(np.abs(found.value - slope(X)) <= found.bar)
    assert np.all(found.bar <= 1e-9 * np.abs(slope(X)))
    assert not found.step.any()


@pytest.mark.parametrize(("power", "sharp"), [(1.2, 0.02), (1.5, 1e-4), (2.0, 1e-6)])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("slope", [0.0, 2.5])
def test_a_joint_is_no_kink_and_has_a_slope_that_is_known_to_less(
    power: float, sharp: float, side: int, slope: float
) -> None:
    found = estimate(lambda x: slope * x + np.maximum(side * (x - X), 0) ** power, X)
    assert found.kind.tolist() == [UNRESOLVED if power == 1.2 and not slope else SMOOTH] * 3
    assert np.all(np.abs(found.value - slope) <= found.bar)
    assert np.all(found.bar <= sharp)


@pytest.mark.parametrize("size", [0, 1])
def test_any_number_of_entries_is_judged(size: int) -> None:
    assert estimate(np.exp, X[:size]).kind.tolist() == [SMOOTH] * size


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("outside", [np.nan, np.inf])
def test_where_f_ends_at_x_it_has_the_slope_of_the_side_where_it_is_defined(side: int, outside: float) -> None:
    found = estimate(lambda x: np.where(side * (x - X) <= 0, np.exp(x), outside), X)
    assert found.kind.tolist() == [SMOOTH] * 3
    assert np.all(np.abs(found.value - np.exp(X)) <= found.bar)
    assert np.all(found.bar <= 1e-6)


def test_where_f_is_defined_at_x_alone_there_is_no_slope() -> None:
    found = estimate(lambda x: np.where(x == X, 5.0, np.nan), X)
    assert found.kind.tolist() == [NONFINITE] * 3
    assert np.isnan(found.value).all()


@pytest.mark.parametrize("epsilon", [DOUBLE, SINGLE])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.9, 0.97, 0.99, 1.01, 1.04, 1.1, 1.2, 1.5])
def test_at_an_end_a_power_has_no_slope_but_its_own(power: float, sign: int, epsilon: float) -> None:
    """It is 0, or infinite: a number that differences creep towards is neither."""

    def f(x: Array) -> Array:
        y = np.where(sign * x >= 0, np.abs(x) ** power, np.nan)
        return y if epsilon == DOUBLE else y.astype(np.float32).astype(np.float64)

    found = at(f, 0.0, epsilon)
    is_0 = power > 1 and abs(found.value[0]) <= found.bar[0]
    assert is_0 or found.kind.tolist() == [UNRESOLVED]
    both = at(lambda x: np.fmax(f(x), f(-x)), 0.0, epsilon)
    assert both.kind.tolist() == [UNRESOLVED] or abs(both.value[0]) <= both.bar[0]


def test_x_log_x_has_no_slope_at_0() -> None:
    assert at(lambda x: np.where(x > 0, x * np.log(x), np.where(x < 0, np.nan, 0)), 0.0).kind.tolist() == [UNRESOLVED]


def test_a_wide_bar_is_judged_by_what_f_does_within_a_small_x() -> None:
    """At an extremum, in another unit."""
    x = np.array([1e-9])
    found = judged(stencil_of(lambda x: 3 + np.sin(np.pi * x / 1e-9) ** 2, x).scaled(x))
    assert found.kind.tolist() == [SMOOTH]
    assert 1e-4 <= found.bar[0] <= 1e5


# --- Kinks ------------------------------------------------------------------------------------------------------------


def test_a_kink_is_one_if_its_slopes_are_known_to_a_digit() -> None:
    found = estimate(lambda x: 3e12 + np.abs(x - X), X)
    assert found.kind.tolist() == [KINK] * 3
    assert np.all((np.abs(found.left + 1) <= 0.2) & (np.abs(found.right - 1) <= 0.2))


@pytest.mark.parametrize(("left", "right"), [(-1.0, 1.0), (0.0, 1.0), (2.0, 0.0), (1.0, 1 + 1e-4), (-3e5, 7e5)])
@pytest.mark.parametrize("x", [0.0, 3.0, -1e6])
def test_sides_that_settle_on_two_slopes_are_a_kink_and_its_value_is_their_mean(
    left: float, right: float, x: float
) -> None:
    found = at(lambda at: np.where(at > x, right, left) * (at - x), x)
    assert found.kind.tolist() == [KINK]
    np.testing.assert_allclose([found.left[0], found.right[0]], [left, right], rtol=1e-7, atol=1e-7)
    assert found.value[0] == pytest.approx((left + right) / 2)
    assert abs(found.value[0] - (left + right) / 2) <= found.bar[0] <= 1e-7 * max(abs(left), abs(right))


def test_the_sides_of_a_kink_may_be_bent_over_long_steps() -> None:
    found = at(lambda x: np.where(x > 0, np.sin(x), np.expm1(2 * x)), 0.0)
    assert found.kind.tolist() == [KINK]
    assert abs(found.value[0] - 1.5) <= found.bar[0] <= 1e-8


@pytest.mark.parametrize("steepness", [1e2, 1e4, 1e8])
def test_a_steep_bend_is_no_kink_though_its_sides_part_over_long_steps(steepness: float) -> None:
    found = at(lambda x: np.logaddexp(0, steepness * x) / steepness, 0.0)
    assert found.kind.tolist() == [SMOOTH]
    assert abs(found.value[0] - 0.5) <= found.bar[0] <= 1e-9


def test_a_tread_to_one_side_is_no_kink_as_the_slopes_of_the_other_settle_on_no_other_at_these_steps() -> None:
    assert at(lambda x: np.floor(2.0**33 * x) / 2.0**33, 0.25).kind.tolist() == [SMOOTH]


@pytest.mark.parametrize("sign", [-1, 1])
def test_one_side_that_is_bent_close_to_x_is_no_kink(sign: int) -> None:
    """Over a few numbers beside 1, the corner of the one side is round."""

    def f(x: Array) -> Array:
        return np.where(sign * (x - 1) > 0, np.hypot(x - 1, 1e-12), 1e-12)

    assert at(f, 1.0).kind.tolist() == [UNRESOLVED]


@pytest.mark.parametrize("sign", [-1, 1])
def test_where_f_stands_still_up_to_a_kink_that_no_step_resolves_x_is_on_it(sign: int) -> None:
    """As at a tie with a number that is a few spacings away; a round corner moves f, and is none."""
    found = at(lambda x: 1 + np.maximum(sign * (x - 1), 8.5e-14), 1.0)
    assert found.kind.tolist() == [KINK]
    for width in (1e-13, 1e-12):
        corner = at(lambda x, width=width: 1 + sign * np.hypot(x - 1, width), 1.0)  # type: ignore[misc]
        assert corner.kind.tolist() == [UNRESOLVED]


def test_a_kink_of_what_has_lost_digits_is_one_once_the_height_of_its_steps_is_known() -> None:
    found = judged(stencil_of(lambda x: (np.abs(x) + 1e6) - 1e6, np.zeros(1)), step=1e-9)
    assert found.kind.tolist() == [KINK]
    np.testing.assert_allclose([found.left[0], found.right[0]], [-1, 1], atol=1e-6)


# --- Jumps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [-1, 1])
def test_across_a_jump_0_is_as_good_as_the_slope_of_the_side_that_holds_the_value(side: int) -> None:
    found = estimate(lambda x: np.exp(x) + 2.0 * (side * (x - X) > 0), X)
    assert found.kind.tolist() == [JUMP] * 3
    assert np.all(np.abs(found.value - np.exp(X)) <= found.bar)
    assert np.all(found.bar <= 1e-6)
    assert found.left.tolist() == [0, 0, 0]
    assert found.right.tolist() == found.value.tolist()


def test_where_f_leaps_to_both_sides_no_side_has_a_slope() -> None:
    found = estimate(lambda x: 1e3 * np.sign(x - X), X)
    assert found.kind.tolist() == [JUMP] * 3
    assert found.value.tolist() == [0, 0, 0]
    assert np.all(found.bar >= 1e3 * DOUBLE)


def test_where_f_is_another_at_x_alone_there_is_no_jump() -> None:
    assert estimate(lambda x: np.where(x == X, 5.0, np.sin(x)), X).kind.tolist() == [UNRESOLVED] * 3
    assert estimate(lambda x: np.where(x == X, 5.0, np.sin(x) + (x > X)), X).kind.tolist() == [UNRESOLVED] * 3


@pytest.mark.parametrize("side", [-1, 1])
def test_a_jump_is_one_beside_a_steep_slope(side: int) -> None:
    found = at(lambda x: 3e7 * x + 1.0 * (side * x > 0), 0.0)
    assert found.kind.tolist() == [JUMP]
    assert found.value[0] == pytest.approx(3e7, rel=1e-6)


def test_f_is_called_twice_at_numbers_beside_x_and_only_where_it_leaps() -> None:
    for f, calls in ((np.exp, 0), (np.floor, 1), (np.sign, 2)):
        stencil = stencil_of(f, np.zeros(1))
        rungs = rungs_of(stencil)
        before = stencil.box.evaluations
        leaps_at_once(rungs)
        assert stencil.box.evaluations - before == calls


@pytest.mark.parametrize("side", [-1, 1])
def test_a_leap_of_a_few_last_bits_is_no_jump(side: int) -> None:
    found = at(lambda x: 1 + 2.0**-47 * (side * (x - 3) > 0), 3.0)
    assert found.kind.tolist() == [SMOOTH]
    assert abs(found.value[0]) <= found.bar[0]
    assert at(lambda x: 1 + 2.0**-45 * (side * (x - 3) > 0), 3.0).kind.tolist() == [JUMP]


def test_a_leap_a_few_numbers_from_x_is_no_jump_at_x() -> None:
    assert at(np.floor, 3 - 2 * np.spacing(2.5)).kind.tolist() == [UNRESOLVED]
    assert at(np.floor, 3.0).kind.tolist() == [JUMP]


def test_beside_an_entry_that_jumps_one_that_stands_still_does_not() -> None:
    found = estimate(lambda x: np.where(np.arange(3) == 1, np.sign(x), 5.0), np.zeros(3))
    assert found.kind.tolist() == [SMOOTH, JUMP, SMOOTH]


def test_a_side_on_which_rounding_hides_how_f_moves_has_its_slope_beside_a_jump_to_the_other() -> None:
    x = np.array([3.0, 5.0])
    found = estimate(lambda at: 1e3 + at + np.where([False, True], at < x, at > x), x)
    assert found.kind.tolist() == [JUMP, JUMP]
    np.testing.assert_allclose(found.value, 1)


def test_along_a_line_through_many_inputs_no_jump_is_looked_for() -> None:
    x = np.zeros(2)
    box = BlackBox(lambda x: np.array([np.floor(x.sum()), np.exp(x[0] - x[1])]), x)
    found = judged(Stencil(box, x, np.array([0.3, 0.7]), slice(None), None, box.y0, DOUBLE))
    assert found.kind.tolist() == [UNRESOLVED, SMOOTH]
    assert abs(found.value[1] + 0.4) <= found.bar[1]


@pytest.mark.parametrize("side", [-1, 1])
def test_a_side_that_neither_leaps_nor_has_a_slope_leaves_nothing_known(side: int) -> None:
    def f(x: Array, other: Array) -> Array:
        return np.where(side * (x - 3) > 0, 5.0, other)

    with np.errstate(all="ignore"):
        assert at(lambda x: f(x, np.cbrt(x - 3)), 3.0).kind.tolist() == [UNRESOLVED]
        assert at(lambda x: f(x, np.where(x == 3, 0, np.nan)), 3.0).kind.tolist() == [UNRESOLVED]
        assert at(lambda x: f(x, 1e-3 * (x - 3)), 3.0).kind.tolist() == [JUMP]
        assert at(lambda x: f(x, np.full(1, 1.0)), 3.0).kind.tolist() == [JUMP]
        noise = 0.1 * np.sin(3e15)
        assert at(lambda x: f(x, 100 * (x - 3) + 0.1 * np.sin(1e15 * x) - noise), 3.0).kind.tolist() == [JUMP]


# --- Noise, and what it hides -----------------------------------------------------------------------------------------


def test_noise_that_is_given_is_allowed_for() -> None:
    f, x = lambda x: np.sin(x) + 1e-6 * np.sin(1e9 * x), np.linspace(0.2, 1.3, 200)
    found = judged(stencil_of(f, x), step=1e-6)
    assert found.kind.tolist() == [SMOOTH] * 200
    assert np.all(np.abs(found.value - np.cos(x)) <= found.bar)
    assert np.all(found.step == 1e-6)
    assert found.over_many.all()


def test_noise_is_larger_in_slopes_of_a_side_which_are_extrapolated_twice() -> None:
    """Treads of 1e-4, whose heights are off by 1e-9 up and down."""
    rng, rate = np.random.default_rng(0), np.geomspace(0.1, 100, 4000)
    x = rng.uniform(-1, 1, rate.size)
    stencil = stencil_of(lambda x: np.sin(rate * x) + 1e-9 * np.sin(1e4 * np.floor(1e4 * x)), x)
    with np.errstate(all="ignore"):
        sides = Sides.of(rungs_of(stencil), np.zeros((2, x.size), bool), np.full(x.size, 5e-10))
    for view in (sides.left, sides.right):
        assert np.all(np.abs(view.value - rate * np.cos(rate * x)) <= view.bar)


def test_where_f_stands_still_a_slope_as_its_noise_would_hide_over_a_unit_is_as_good_as_0() -> None:
    stencil = stencil_of(lambda x: 3.0 + 0 * x, X)
    for noise in (0.0, 1e-9):
        found = judged(replace(stencil, noise=Magnitudes.of(np.full(3, noise))))
        assert found.value.tolist() == [0, 0, 0]
        assert np.all(found.bar >= 3 * DOUBLE / 2.1)
        assert np.all((found.bar >= noise) & (found.bar <= 10 * noise + 1e-14))


def test_where_f_stands_still_for_more_than_a_unit_its_slope_is_known_to_the_height_of_a_step() -> None:
    found = judged(stencil_of(lambda x: np.floor(1e-3 * x), 400 + X), step=1.0)
    assert found.value.tolist() == [0, 0, 0]
    assert np.all(found.bar >= 1e-3)


def test_an_output_that_is_0_throughout_has_slope_0() -> None:
    found = estimate(np.zeros_like, X)
    assert found.kind.tolist() == [SMOOTH] * 3
    assert np.all(found.bar < 1e-300)


def test_a_slope_that_is_lost_in_rounding_is_known_to_so_much_and_one_that_is_lost_in_waves_is_not() -> None:
    for large in (1e10, 1e12, 1e14):
        found = estimate(lambda x, large=large: large + np.sin(x), X)  # type: ignore[misc]
        assert found.kind.tolist() == [SMOOTH] * 3
        assert np.all(np.abs(found.value - np.cos(X)) <= found.bar)
    assert estimate(lambda x: np.sin(x) + 0.03 * np.sin(1e15 * x), X).kind.tolist() == [UNRESOLVED] * 3


def test_beside_a_small_x_a_slope_is_known_to_the_rounding_of_terms_over_that_x() -> None:
    """Here f is at a crest, and all that it reads besides has terms of 1e7."""
    x = np.array([1e-6, -1e-3, 0.0])
    stencil = stencil_of(lambda at: np.cos(1e3 * (at - x) + 1e-9), x)
    assert judged(stencil).kind.tolist() == [SMOOTH] * 3
    found = judged(replace(stencil, rounding=Magnitudes.of(np.full(3, 1e7))))
    assert found.kind.tolist() == [SMOOTH, SMOOTH, UNRESOLVED]


def test_reached_is_how_far_f_moves_per_unit_of_x() -> None:
    x = np.array([2.0, -50.0])
    np.testing.assert_allclose(estimate(lambda x: 7 + 3 * x, x).reached, 3)
    np.testing.assert_allclose(estimate(lambda x: np.where(x > 1.5, np.inf, x**2), np.ones(1)).reached, 1)


def test_beside_a_large_number_waves_that_rounding_hides_leave_a_slope_open() -> None:
    """Long steps show no more than a mean slope, and short ones can tell it from that of a wave."""
    rng = np.random.default_rng(0)
    rate, size, mean = (10 ** rng.uniform(low, high, 1000) for low, high in ((-0.7, 1.5), (-3.0, 0.0), (-3.0, 0.0)))
    for powers, least in (((6, 8), 1000), ((10, 13), 300)):
        x = 10 ** rng.uniform(*powers, 1000)
        found = estimate(lambda x: size * np.sin(rate * x) + mean * x, x)
        smooth = found.kind == SMOOTH
        off = np.abs(found.value - size * rate * np.cos(rate * x) - mean) > found.bar
        assert np.count_nonzero(smooth) >= least
        assert np.count_nonzero(smooth & off) <= 0.02 * x.size


def test_beside_a_large_number_last_bits_that_have_no_slope_are_no_waves() -> None:
    """Of 1 + 1/x they are lost, over steps of 1 and more, and those are e·x times larger then."""
    for x in (1278872.281700665, 2888102.8891322, 785757341.1188339, 1991642310.5164168):
        found = judged(stencil_of(lambda x: (1 + 1 / x) ** x, np.array([x])), step=np.e * x * DOUBLE)
        assert found.kind.tolist() == [SMOOTH]
        assert abs(found.value[0] - np.e / (2 * x * x)) <= found.bar[0]


def test_beside_a_large_number_rounding_of_large_terms_is_no_wave() -> None:
    """As in the area of a polygon in map coordinates."""
    x = 4.6e6 + np.linspace(0.2, 130, 40)
    found = estimate(lambda x: 500060 * x - 5e5 * x - 60 * 4.6e6, x)
    smooth = found.kind == SMOOTH
    assert np.count_nonzero(smooth) >= 36
    assert np.all(np.abs(found.value - 60)[smooth] <= found.bar[smooth])


# --- Whole numbers ----------------------------------------------------------------------------------------------------


def test_what_is_whole_has_slope_0_or_none_where_numbers_are_dense() -> None:
    assert at(np.floor, 2.5).kind.tolist() == [SMOOTH]
    assert at(np.floor, 2.5).value.tolist() == [0]
    assert at(lambda x: np.round(1e12 * x), 1 / 3).kind.tolist() == [UNRESOLVED]
    assert at(lambda x: np.round(1e17 * x), 1 / 3).kind.tolist() == [SMOOTH]  # all numbers as large are whole
    assert at(lambda x: x - 2.0**53, 2.0**53).kind.tolist() == [SMOOTH]  # and so are those beside such an operand
