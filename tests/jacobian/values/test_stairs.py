"""Whether f moves in steps: leaps are told from bends, several leaps from one, and the end of a tread from a bend."""

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.stairs import SIDE, Places, leaps_at_end, steps_beyond, steps_near
from jacinspect.jacobian.values.stencil import Stencil
from tests.lines import DOUBLE, F, of_one_input, stencil_of
from tests.oracles import Array

X = np.array([0.3127, -1.2871, 2.0413])


@np.errstate(all="ignore")
def searched(stencil: Stencil, slope: Array | float, bar: float, step: float) -> tuple[Array, Array, int]:
    """Return the height of the steps, how far away one is, and how many calls that took."""
    before, like = stencil.box.evaluations, np.ones(stencil.y0.size)
    height, away = steps_near(stencil, slope * like, bar * like, step * like)
    return height, away, stencil.box.evaluations - before


def found(f: F, slope: Array | float = 0.0, bar: float = 1e-10, step: float = 1e-9, x: Array = X) -> Array:
    """Return the height of the steps at x, for slopes that were believed at a step."""
    return searched(stencil_of(f, x), slope, bar, step)[0]


@pytest.mark.parametrize("height", [1e-3, 1e-6, 1e-9])
def test_the_height_of_steps(height: float) -> None:
    steps, away, _ = searched(stencil_of(lambda x: height * np.floor(x / height), X), 0, 1e-10, height / 30)
    np.testing.assert_allclose(steps, height, rtol=0.5)
    assert (away <= 4 * height).all()


@pytest.mark.parametrize("f", [np.sin, np.exp, lambda x: x / (1 + np.abs(x)), lambda x: np.abs(x - 0.3) ** 1.5])
def test_a_function_without_steps_has_none(f: F) -> None:
    slope = (f(X + 1e-6) - f(X - 1e-6)) / 2e-6
    assert found(f, slope, bar=1e-6).tolist() == [0, 0, 0]


def test_one_jump_is_no_staircase() -> None:
    assert found(lambda x: np.where(x > 0.3128, x + 1.0, x), 1.0).tolist() == [0, 0, 0]


def test_where_f_raises_there_are_no_steps_to_see() -> None:
    def f(x: Array) -> Array:
        if np.any(np.abs(x - X) > 1e-4):
            raise ValueError("far")
        return np.sin(x)

    assert found(f, np.cos(X), bar=1e-6).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("step", "times"), [(1e-9, 5), (1e-3, 2), (0.01, 1)])
def test_a_smooth_function_is_looked_at_once_at_each_distance(step: float, times: int) -> None:
    """As far as half a unit, which the longest of the steps that may be believed reaches at once."""
    assert searched(stencil_of(np.sin, X), np.cos(X), 1e-6, step)[2] == 64 * times


@pytest.mark.parametrize("step", [1e-4, 1e-3])
def test_steps_wider_than_the_believed_ones_are_seen_from_farther_away(step: float) -> None:
    np.testing.assert_allclose(found(lambda x: np.floor(64 * x + 0.3) / 64, step=step), 1 / 64, rtol=0.5)


def test_leaps_that_are_most_of_a_unit_apart_are_f_s_own() -> None:
    assert found(lambda x: np.floor(1.7 * x + 0.3), step=1e-2, x=X / 2.5).tolist() == [0, 0, 0]


def test_steps_along_a_line_through_many_inputs() -> None:
    box = BlackBox(lambda x: np.atleast_1d(np.floor(1e6 * x.sum()) / 1e6), X)
    along = Stencil(box, X, np.array([1.0, 0, -0.3]), slice(None), None, box.y0, DOUBLE)
    np.testing.assert_allclose(searched(along, 0, 1e-10, 1e-8)[0], 1e-6, rtol=0.5)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("jump", [0, 1])
def test_the_nearest_steps_count(side: int, jump: int) -> None:
    """A jump, and larger steps, are farther away."""

    def f(x: Array) -> Array:
        far = side * (x - X)
        larger = 2e-5 * np.floor(np.maximum(far - 4.5e-5, 0) / 7e-6 + 0.9)
        return np.asarray(1e-7 * np.floor(far / 3e-6 + 0.4) + larger + jump * (far < -4e-5))

    height, away, _ = searched(stencil_of(f, X), 0, 1e-10, 1e-6)
    np.testing.assert_allclose(height, 1e-7, rtol=0.5)
    assert (away <= 2e-5).all()


def test_the_nearest_steps_may_be_a_good_way_off() -> None:
    x = X / 2.5

    def f(t: Array) -> Array:
        left, right = np.maximum(x - t - 2.6e-6, 0), np.maximum(t - x - 1.8e-6, 0)
        return np.asarray(1e-7 * np.floor(right / 1.3e-6) + 1e-5 * np.floor(left / 1.3e-6))

    np.testing.assert_allclose(found(f, step=1e-7, x=x), 1e-7, rtol=0.5)


def test_steps_of_a_bent_function_that_are_several_places_apart() -> None:
    x = X / 2.5

    def f(x: Array) -> Array:
        return np.asarray(x**2 - 2e-5 * np.floor(8 * x + 0.2))

    np.testing.assert_allclose(found(f, 2 * x, 1e-6, 1e-2, x), 2e-5, rtol=0.5)


def test_steps_that_one_output_has_do_not_hide_those_of_another() -> None:
    """The first output has steps nearby, and the other a bend, and steps beyond it."""

    def f(x: Array) -> Array:
        far = x[0] - 0.3127
        larger = 1e-4 * np.floor(np.maximum(far - 2e-5, 0) / 1.3e-5)
        return np.array([1e-7 * np.floor(far / 1.4e-5 + 0.4), np.maximum(far - 3e-6, 0) + larger])

    height, away, _ = searched(of_one_input(f, 0.3127), 0, 1e-10, 1e-6)
    np.testing.assert_allclose(height, [1e-7, 1e-4], rtol=0.5)
    assert away[0] <= 1.4e-5


def test_one_output_that_leaps_does_not_stand_for_another() -> None:
    waves = np.arange(1.0, 4)

    def f(x: Array) -> Array:
        return np.array([1e-3 * np.floor(x[0] / 0.02), *(x[0] + 1e-5 * np.sin(300 * waves * x[0]))])

    height = searched(of_one_input(f, X[0]), np.array([0.0, 1, 1, 1]), 1e-7, 4e-3)[0]
    np.testing.assert_allclose(height, [1e-3, 0, 0, 0], rtol=0.5)


def test_a_leap_by_itself_is_a_step_where_f_moves_on_by_far_more() -> None:
    def f(x: Array, height: float) -> Array:
        return np.asarray(np.sin(x) + height * (x > X + 1e-6))

    assert found(lambda x: f(x, 1e-3), np.cos(X), 1e-9, 1e-7).tolist() == [0, 0, 0]
    height, away, _ = searched(stencil_of(lambda x: f(x, 2e-8), X), np.cos(X), 1e-9, 1e-7)
    np.testing.assert_allclose(height, 2e-8, rtol=0.5)
    np.testing.assert_allclose(away, 1e-6, rtol=0.5)


def test_uneven_leaps_are_steps_where_they_are_very_close_together() -> None:
    """Those of lost digits are as uneven as f's values, and f's own are farther apart."""
    x = np.array([3e-6, 7e-6, 2e-5])
    steps = found(lambda x: (1 - np.cos(x)) / x, 0.5, 1e-9, 2e-7, x)
    assert (steps >= 0.9 * 2.0**-53 / x).all()


def test_places_around_a_step_are_as_far_apart_as_they_are_asked_to_be() -> None:
    start, spacing = np.array([0.5, -0.25, 0.0]), np.array([0.1, 0.01, 1e-3])
    places = Places.at(stencil_of(np.copy, X), spacing, start)
    np.testing.assert_allclose(places.y[SIDE], X + start * np.maximum(np.abs(X), 1))
    np.testing.assert_allclose(np.diff(places.y, axis=0)[[0, -1]], [places.width] * 2, rtol=1e-9)


def test_rounding_where_f_crosses_0_is_no_step() -> None:
    x = np.array([0.25, -1.0, 2.0])  # moved by powers of 2, without rounding
    assert found(lambda t: 0.1 * (t - x), 0.1, bar=0.0, step=2.0**-24, x=x).tolist() == [0, 0, 0]


def test_a_bend_that_is_resolved_is_no_step_however_often_there_is_one() -> None:
    stencil = stencil_of(lambda x: x + 1e-7 * np.tanh(np.sin(1e5 * (x - X) + 1) * 20), X)
    height, _, calls = searched(stencil, 1.0, 1e-9, 1e-6)
    assert height.tolist() == [0, 0, 0]
    assert calls < 480


@pytest.mark.parametrize(("number", "most"), [(3, 270), (12, 410), (40, 620)])
def test_outputs_of_one_input_step_at_places_of_their_own(number: int, most: int) -> None:
    rates = np.linspace(1, 2, number)
    stencil = of_one_input(lambda x: np.floor(np.sin(rates * x[0]) * 1e6) / 1e6, X[0])
    steps, _, calls = searched(stencil, 0, 1e-9, 1e-8)
    np.testing.assert_allclose(steps, 1e-6, rtol=0.5)
    assert calls <= most


def test_fast_waves_of_one_input_are_no_steps() -> None:
    rates = np.linspace(40, 250, 12)
    slope = 2 * X[0] * rates / 100  # the mean slopes, over many waves
    stencil = of_one_input(lambda x: rates / 100 * x[0] ** 2 + 1e-3 * np.sin(rates * x[0]), X[0])
    height, _, calls = searched(stencil, slope, 1e-6, 1e-2)
    assert not height.any()
    assert calls < 300


@pytest.mark.parametrize("rate", [30.0, 300.0, 1000.0])
def test_what_explodes_to_a_side_moves_in_no_steps(rate: float) -> None:
    f: F = lambda x: np.exp(-rate * x) + np.exp(-x)  # noqa: E731
    steps, _, _ = searched(of_one_input(f, 12 / rate), 0, 1e-9, 1e-5)
    assert not steps.any()


def leaps(f: F, still: float, moved: float | Array, at: float = 0.3127) -> list[bool]:
    """Return where outputs of one number leap between two steps."""
    stencil = of_one_input(f, at)
    like = np.ones(stencil.y0.size)
    found, end = leaps_at_end(stencil, still * like, moved * like)
    assert np.all((np.abs(still) <= np.abs(end)) & (np.abs(end) <= np.abs(moved)))
    return found.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("end", [1e-4, 1.3e-4, 1.7e-3])
def test_a_tread_ends_in_a_leap_or_in_a_bend(side: int, end: float) -> None:
    assert leaps(lambda x: 1.0 * (side * (x - 0.3127) > end), side * 1e-5, side * 1e-2) == [True]
    assert leaps(lambda x: np.maximum(side * (x - 0.3127) - end, 0), side * 1e-5, side * 1e-2) == [False]


def test_the_nearest_end_is_followed_and_other_outputs_may_leap() -> None:
    def f(x: Array) -> Array:
        moved = x[0] - 0.3127
        return np.array([max(moved - 1e-4, 0), moved > 1e-3])

    assert leaps(f, 1e-5, np.array([2e-4, 2e-3])) == [False, True]


def test_an_output_that_stands_still_where_another_bends_may_leap_beyond() -> None:
    def f(x: Array) -> Array:
        moved = x[0] - 0.3127
        return np.array([moved > 1.3e-4, max(moved - 1e-4, 0)])

    assert leaps(f, 1e-5, 2e-4) == [True, False]


def beyond(f: F, end: float | Array, far: float) -> list[float]:
    """Return how high the steps are of outputs of one number, from the end of a tread on."""
    stencil = of_one_input(f, 0.3127)
    like = np.ones(stencil.y0.size)
    return steps_beyond(stencil, end * like, far * like).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("rate", [3, 30])
def test_steps_are_seen_from_the_end_of_a_tread_on_where_f_rises_as_an_exponential(side: int, rate: float) -> None:
    end, height = 10 / rate, 1e-7
    f: F = lambda x: height * np.floor(np.exp(rate * (side * (x - 0.3127) - end)))  # noqa: E731
    assert beyond(f, side * end * (1 + 1e-9), side * 3 * end) == pytest.approx([height])


def test_a_leap_or_two_beyond_a_tread_are_no_steps() -> None:
    """As of a hard shrink, and of a clip between two numbers."""
    assert beyond(lambda x: np.where(x > 1, x, 0), 0.6873001, 3) == [0]
    assert beyond(lambda x: 1.0 * (x > 1) + 1.0 * (x > 1.5), 0.6873001, 3) == [0]


def test_of_treads_along_one_input_the_shortest_is_followed() -> None:
    def f(x: Array) -> Array:
        moved = x[0] - 0.3127
        return np.asarray(1e-7 * np.floor(np.exp(30 * (moved - [0.01, 0.2]))))

    assert beyond(f, np.array([0.010000001, 0.20000001]), 1.0) == pytest.approx([1e-7, 0])
