"""Branches that an operand does not visit: they are named, visited on request, and looked at once more."""

from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.resolve import resolve
from jacinspect.functions.with_claims import with_derivative
from jacinspect.inspection.elsewhere import inspect_at_points
from jacinspect.inspection.report import Report
from jacinspect.inspection.settings import Settings
from tests.conftest import RunHere
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((4, 4))


def relu6(x: Array) -> Array:
    return np.minimum(np.maximum(x, 0.0), 6.0)


def no_upper(x: Array) -> Array:
    return (x > 0).astype(float)


def right(x: Array) -> Array:
    return ((x > 0) & (x < 6)).astype(float)


def unvisited(report: Report) -> list[str]:
    return [found.message for found in report.findings if found.code == "J013"]


def drawn(derivative: Any, function: Any = relu6, **settings: Any) -> Report:
    """The report of an inspection at a random operand, as the command line makes it."""
    of = with_derivative(resolve(function), derivative).by(1, [X])
    return inspect_at_points(of, X, Settings(**settings), source="random")


def test_the_sides_of_a_declared_kink_without_an_entry_are_named() -> None:
    assert unvisited(jacinspect.inspect("relu6", np.array([-1.0, 3.0, 7.5]))) == []
    assert unvisited(jacinspect.inspect("relu6", X)) == [
        "no entry of X is above 6, where f has another branch: the derivative there was not looked at"
    ]
    assert unvisited(jacinspect.inspect("relu6", np.array([7.0, 8.0]))) == [
        "no entry of X is below 0 or between 0 and 6, where f has another branch: the derivative there was not "
        "looked at"
    ]
    assert unvisited(jacinspect.inspect("relu", np.array([[np.nan]]))) == []
    assert unvisited(jacinspect.inspect("floor", np.array([0.5]))) == []  # no operand visits all its branches
    assert unvisited(jacinspect.inspect("tanh", X)) == []


def test_points_visit_them() -> None:
    wrong = jacinspect.inspect(relu6, X, no_upper, points=3)
    assert wrong.verdict == "fail"
    assert [point.scale for point in wrong.points] == [1, 1, 10]
    assert [point.verdict for point in wrong.points] == ["pass", "pass", "fail"]
    assert wrong.operand.source == "array, scale 10"
    np.testing.assert_array_equal(wrong.operand.values, 10 * X)
    held = jacinspect.inspect(relu6, X, right, points=5)
    assert (held.verdict, [point.scale for point in held.points]) == ("pass", [1, 1, 10, 0.1, 100])
    assert held.calls > 5 * jacinspect.inspect(relu6, X, right).calls / 2
    assert held.to_dict()["points"][2]["range"] == [10 * X.min(), 10 * X.max()]


def test_one_point_is_the_given_one() -> None:
    report = jacinspect.inspect(relu6, X, no_upper, points=1)
    assert (report.verdict, report.points, report.to_dict()["points"]) == ("pass", (), [])
    with pytest.raises(InputError, match="points: 0 is not at least 1"):
        jacinspect.inspect(relu6, X, points=0)


def test_a_point_where_f_raises_is_told_and_does_not_count() -> None:
    def bounded(x: Array) -> Array:
        if np.abs(x).max() > 5:
            raise ValueError("out of the table")
        return np.tanh(x)

    report = jacinspect.inspect(bounded, X, lambda x: 1 - np.tanh(x) ** 2, points=3)
    assert report.verdict == "pass"
    assert report.points[2].message == "the function raised ValueError: out of the table"
    assert report.points[2].verdict is None


def test_multiples_keep_signs_and_zeros() -> None:
    x = np.array([0.0, 1.5, 3.0])
    report = jacinspect.inspect(np.sqrt, x[1:], lambda x: 0.5 / np.sqrt(x), points=4)
    assert report.verdict == "pass"


def test_a_random_operand_of_people_s_own_code_is_looked_at_once_more() -> None:
    wrong = drawn(no_upper)
    assert (wrong.verdict, wrong.operand.source) == ("fail", "random, scale 10")
    assert [point.verdict for point in wrong.points] == ["pass", "fail"]
    held = drawn(right)
    assert (held.verdict, held.operand.source, held.points) == ("pass", "random", ())


def lossy(x: Array) -> Array:
    return np.asarray(relu6(x).sum())


def mixed(x: Array) -> Array:
    return relu6(x) @ np.ones((4, 4)) + np.tanh(x[::-1])


def mixed_vjp(x: Array, cotangent: Array) -> Array:
    bent: Array = (cotangent @ np.ones((4, 4))) * no_upper(x)
    smooth: Array = (cotangent * (1 - np.tanh(x[::-1]) ** 2))[::-1]
    return np.add(bent, smooth)


@pytest.mark.parametrize(("function", "derivative", "kind"), [(lossy, no_upper, None), (mixed, mixed_vjp, "vjp")])
def test_a_look_takes_no_more_calls_for_many_colors(function: Any, derivative: Any, kind: Any) -> None:
    of = with_derivative(resolve(function), derivative, kind).by(1, [X])
    wrong = inspect_at_points(of, X, Settings(), source="random")
    assert (wrong.verdict, wrong.operand.source) == ("fail", "random, scale 10")
    assert [point.verdict for point in wrong.points] == ["pass", "fail"]
    assert drawn(right, lossy).points == ()


def test_what_is_only_not_finite_further_out_is_not_reported() -> None:
    """Nobody asked for that operand."""
    report = drawn(lambda x: np.exp(np.exp(x)) * np.exp(x), lambda x: np.exp(np.exp(x)))
    assert (report.verdict, report.points) == ("pass", ())


@pytest.mark.parametrize("text", ["log(x)", "log(1 - x)", "acosh(x) * acos(y)"])
def test_an_expression_is_drawn_where_it_is_defined(text: str, run_here: RunHere) -> None:
    further = ["--with", "3", "--wrt", "all"] if "y" in text else []
    done = run_here(text, "-s", "3", "--points", "4", "--json", *further)
    assert (done.status, [point["verdict"] for point in done.report["points"]]) == (0, ["pass"] * 4)


def test_nobody_looks_further_than_the_points_that_are_asked_for() -> None:
    assert drawn(no_upper, points=1).verdict == "pass"
