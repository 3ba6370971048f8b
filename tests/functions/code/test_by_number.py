"""Functions of Python's floats: scalar operands, and arrays number by number."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError
from jacinspect.functions.code.by_number import ByNumber
from jacinspect.views.facts import formulas
from tests.conftest import RunHere

X = np.random.default_rng(0).standard_normal((2, 3))
TOLD = "called number by number, for it takes no arrays"


def wave(x: float) -> float:
    return math.exp(-x) * math.sin(3 * x)


def slope(x: float) -> float:
    return math.exp(-x) * (3 * math.cos(3 * x) - math.sin(3 * x))


def soft(x: float, beta: float = 1.0) -> float:
    return x if x > 4 else math.log1p(math.exp(beta * x)) / beta


@pytest.mark.parametrize("x", [np.array(0.7), X, X[:, :1], X[0, :1], np.zeros((0, 2)), X.astype(np.float32)])
def test_newtons_method_of_a_beginner(x: Any) -> None:
    right = jacinspect.inspect(wave, x, slope)
    assert right.verdict == "pass"
    assert right.jacobian is not None
    assert right.jacobian.is_diagonal
    assert right.function.by_number is (x.ndim > 0)
    assert (("", TOLD) in formulas(right)) is (x.ndim > 0)
    if x.size:
        assert jacinspect.inspect(wave, x, lambda x: slope(x) + math.sin(3 * x)).verdict == "fail"


@pytest.mark.parametrize(
    "f", [math.sin, soft, lambda x: x.item() ** 2 if hasattr(x, "item") else x**2, lambda x: float(x)]
)
def test_what_refuses_arrays_is_called_with_numbers(f: Callable[[Any], Any]) -> None:
    report = jacinspect.inspect(f, X)
    assert report.function.by_number
    assert report.output is not None
    np.testing.assert_array_equal(report.output, [[f(x) for x in row] for row in X.tolist()])


def test_several_operands_and_parameters() -> None:
    report = jacinspect.inspect(math.atan2, X, others=[X[:, :1]], wrt="all")
    assert report.jacobian is not None
    assert report.jacobian.shape == (6, 8)
    assert report.verdict == "pass"
    assert jacinspect.inspect(soft, X, parameters={"beta": 2.0}, derivative="sigmoid(2 * x)").verdict == "pass"


def test_what_takes_arrays_is_given_arrays() -> None:
    calls: list[Any] = []

    def f(x: Any) -> Any:
        calls.append(np.shape(x))
        return np.sin(x)

    assert not jacinspect.inspect(f, X).function.by_number
    assert set(calls) == {X.shape}


def test_an_error_of_the_functions_own_is_told_as_it_is() -> None:
    for f, words in (
        (lambda x: x @ np.ones(7), "mismatch in its core dimension"),
        (lambda x: math.log(-1) if np.ndim(x) else x, "math domain error|expected a positive input"),
        (lambda x: [float(x), np.zeros(2)], "converted to Python scalar"),  # no number comes of a number either
    ):
        with pytest.raises(FunctionFailedError, match=words):
            jacinspect.inspect(f, X)


def test_a_number_that_is_refused_later_is_an_error() -> None:
    f = ByNumber(math.log)
    assert f(np.array([1.0, math.e])).tolist() == [0, 1]
    with pytest.raises(ValueError, match=re.escape("math domain error") + "|positive"):
        f(np.array([1.0, -1.0]))


def test_a_scalar_is_drawn(run_here: RunHere) -> None:
    done = run_here("tanh", "-s", "scalar", "--json")
    assert (done.status, done.report["operand"]["shape"], done.report["jacobian"]["shape"]) == (0, [], [1, 1])
    both = run_here("multiply", "-s", "3", "--with", "scalar", "--wrt", "y", "--json")
    assert (both.status, both.report["jacobian"]["shape"]) == (0, [3, 1])
