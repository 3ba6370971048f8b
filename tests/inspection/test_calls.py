"""How many calls of f an inspection takes: what a person waits for where f is slow."""

from collections.abc import Callable

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.plan import Plan
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.differences import MANY
from jacinspect.jacobian.values.ladder import LADDER_CALLS
from jacinspect.jacobian.values.noise import significant_epsilon
from jacinspect.records import replace
from jacinspect.views import details
from tests.oracles import Array, Shape


def calls(f: Callable[[Array], Array], derivative: Callable[[Array], Array] | None, x: Array) -> int:
    """The number of calls of f, not counting those that a derivative makes."""
    number = 0

    def counted(x: Array) -> Array:
        nonlocal number
        number += 1
        return f(x)

    # With a backend f is not called to find out whose arrays it takes.
    jacinspect.inspect(counted, x, derivative=derivative, backend="numpy")
    return number


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def slope(x: Array) -> Array:
    return sigmoid(x) * sigmoid(-x)


@pytest.mark.parametrize(("shape", "at_most"), [((2, 2), 43), ((10, 10), 49), ((300, 300), 61)])
def test_an_element_wise_function_takes_few_calls(shape: Shape, at_most: int) -> None:
    assert calls(sigmoid, slope, np.random.default_rng(0).standard_normal(shape)) <= at_most


def test_a_second_derivative_that_jumps_takes_one_ladder_more() -> None:
    """Its differences converge slowly beside 0, at all scales alike: no staircase is searched for."""
    x = np.random.default_rng(0).standard_normal((100, 100))
    number = calls(lambda x: np.asarray(x / (1 + np.abs(x))), lambda x: np.asarray((1 + np.abs(x)) ** -2.0), x)
    assert number <= 61 + LADDER_CALLS


def test_a_slope_of_0_that_ends_in_a_bend_is_not_searched_for_steps() -> None:
    """Where f stands still, the end of its tread is found, and it is a relu's: the search would take 580 calls more."""
    x = np.random.default_rng(0).standard_normal((100, 100))
    assert calls(lambda x: np.maximum(x, 0), None, x) <= 61 + LADDER_CALLS + 100


@pytest.mark.parametrize(("off", "more"), [(1.0, 64), (0.01, 389)])
def test_a_derivative_that_is_wrong_in_places_takes_one_ladder_more(off: float, more: int) -> None:
    """Two calls show what may cancel. f is searched for pieces before that, and by a small error far away too."""
    x = np.random.default_rng(0).standard_normal((10, 10))
    assert calls(sigmoid, lambda x: slope(x) * (1 + off * (x > 1)), x) <= 51 + LADDER_CALLS + more
    assert LADDER_CALLS <= 64


@pytest.mark.parametrize("wrong", [np.transpose, np.negative, lambda slopes: 1.03 * slopes])
def test_a_wrong_jacobian_of_a_dense_map_is_looked_at_again_in_some_columns(wrong: Callable[[Array], Array]) -> None:
    """One of all 80 columns would take 8,000 calls."""
    rng = np.random.default_rng(0)
    weights, x = rng.standard_normal((80, 80)) / 80**0.5, rng.standard_normal(80)

    def slopes(x: Array) -> Array:
        return np.asarray((1 - np.tanh(weights @ x) ** 2)[:, None] * weights)

    def f(x: Array) -> Array:
        return np.asarray(np.tanh(weights @ x))

    assert calls(f, lambda x: wrong(slopes(x)), x) <= calls(f, slopes, x) + 40 * LADDER_CALLS


def test_a_kink_is_told_in_a_jacobian_that_is_wrong_all_over() -> None:
    rng = np.random.default_rng(0)
    weights, x = rng.uniform(0.1, 0.4, (30, 30)), rng.standard_normal(30)
    x[[0, -1]] = 0
    report = jacinspect.inspect(
        lambda x: weights @ x + np.abs(x[0]) + np.abs(x[-1]), x, lambda x: -weights, derivative_kind="jacobian"
    )
    assert report.jacobian is not None
    assert report.jacobian.status is not None
    assert np.flatnonzero((report.jacobian.status.reshape(30, 30) == Status.KINK).all(axis=0)).tolist() == [0, 29]
    assert np.count_nonzero(report.jacobian.status == Status.DISAGREES) == 30 * 28


@pytest.mark.parametrize(("precision", "asked"), [(np.float64, 2), (np.float32, 19)])
def test_two_short_steps_show_that_f_is_precise(precision: type, asked: int) -> None:
    """Of what rounds to 24 bits, most steps of 2⁻²⁷ move nothing, and all eight are taken, and two long ones.

    So it is at five points half of x away. A longer step, and one half a unit away, show that it is no half precision.
    """
    x = np.random.default_rng(0).standard_normal((10, 10))
    box = BlackBox(lambda x: np.tanh(x.astype(precision)).astype(np.float64) * 0.7, x)
    epsilon = significant_epsilon(box, x)
    assert box.evaluations == 2 + asked
    assert epsilon == np.finfo(precision).eps


# Calls in all, of functions that read everything; `tests/benchmarks/README.md` has them in a table.
WEIGHTS = np.random.default_rng(2).standard_normal((100, 100)) / 10


def log_sum_exp(x: Array) -> Array:
    return np.asarray(np.log(np.exp(x).sum()))


def softmax(x: Array) -> Array:
    return np.asarray(np.exp(x) / np.exp(x).sum())


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (lambda x: np.asarray(np.sum(x**2)), lambda x: 2 * x),
        (log_sum_exp, softmax),
        (softmax, lambda x: np.diag(softmax(x)) - np.outer(softmax(x), softmax(x))),
        (lambda x: np.tanh(WEIGHTS @ x), lambda x: (1 - np.tanh(WEIGHTS @ x) ** 2)[:, None] * WEIGHTS),
    ],
    ids=["sum of squares", "log-sum-exp", "softmax", "dense layer"],
)
def test_each_of_many_inputs_takes_three_values(
    f: Callable[[Array], Array], derivative: Callable[[Array], Array]
) -> None:
    """Of which detection asked for one: 300 for 100 inputs, where six of each and detection's own are 700."""
    x = np.random.default_rng(0).standard_normal(100)
    assert calls(f, derivative, x) <= 340
    wrong = derivative(x)
    wrong.flat[np.abs(wrong).argmax()] *= 1 + 1e-8
    assert jacinspect.inspect(f, x, derivative=lambda x: wrong).verdict == "fail"


def test_points_are_not_asked_twice() -> None:
    asked: list[bytes] = []

    def f(x: Array) -> Array:
        asked.append(x.tobytes())
        return log_sum_exp(x)

    jacinspect.inspect(f, np.random.default_rng(0).standard_normal(50))
    assert len(asked) - len(set(asked)) <= 2  # at X, which every inspection asks twice


def test_one_input_of_many_is_looked_at_again_where_f_is_steep() -> None:
    x = np.random.default_rng(0).standard_normal(40) * 0.001

    def number(scale: float) -> int:
        scales = np.where(np.arange(40) == 7, scale, 1.0)
        return calls(lambda x: np.asarray(np.sin(x / scales).sum()), lambda x: np.cos(x / scales) / scales, x)

    assert number(0.2) == number(1.0)
    assert number(1.0) + 6 < number(0.05) <= number(1.0) + 6 + LADDER_CALLS


def test_for_a_spectrum_bars_are_as_narrow_as_they_can_be() -> None:
    x = np.random.default_rng(0).standard_normal(20)

    def widest(spectrum: bool) -> float:
        jacobian = jacinspect.inspect(lambda x: np.tanh(WEIGHTS[:20, :20] @ x), x, spectrum=spectrum).jacobian
        assert jacobian is not None
        assert jacobian.error_bar is not None
        return float(jacobian.error_bar.max())

    assert widest(spectrum=True) <= widest(spectrum=False) / 4


def test_a_plan_has_fewer_values_of_many_colors_where_differences_take_fewer() -> None:
    few, many = (Plan.at_most(inputs, 10**6, 1.0, 1).values / inputs for inputs in (MANY, MANY + 1))
    assert (few, many) == (6, 3)


@pytest.mark.parametrize("function", ["sigmoid", "softmax", "x @ cumsum(x)"])
def test_a_report_says_what_the_calls_were_for(function: str) -> None:
    report = jacinspect.inspect(function, np.random.default_rng(0).standard_normal(5))
    assert report.spent is not None
    assert report.jacobian is not None
    assert report.spent.all == report.calls
    assert report.spent.pattern == report.detection.evaluations
    assert report.spent.values == 6 * report.jacobian.colors


def test_details_tell_the_calls_always_and_how_long_one_takes_where_that_is_long() -> None:
    report = jacinspect.inspect("softmax", np.arange(3.0), points=2, order=2)
    assert report.spent is not None
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    told = " ".join(details.render(report, 80).plain.split())
    assert f"calls {report.calls} of f, {report.spent.all} of them at this X: " in told
    assert f"checks; {report.second_order.gradient.calls} of its gradient" in told
    assert "a call of f took" not in told
    slow = replace(report, spent=replace(report.spent, seconds=0.3))
    assert "a call of f took 0.3 s" in details.render(slow, 80).plain
    assert slow.to_json() == report.to_json()
