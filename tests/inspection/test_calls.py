"""How many calls of f an inspection takes: what a person waits for where f is slow."""

from collections.abc import Callable

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.blackbox import BlackBox
from jacinspect.jacobian.ladder import LADDER_CALLS
from jacinspect.jacobian.noise import significant_epsilon
from tests.oracles import Array, Shape


def calls(f: Callable[[Array], Array], derivative: Callable[[Array], Array], x: Array) -> int:
    """The number of calls of f, not counting those that a derivative makes."""
    number = 0

    def counted(x: Array) -> Array:
        nonlocal number
        number += 1
        return f(x)

    jacinspect.inspect(
        counted, x, derivative=derivative, backend="numpy"
    )  # not called to find out whose arrays it takes
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


@pytest.mark.parametrize(("off", "more"), [(1.0, 0), (0.01, 195)])
def test_a_derivative_that_is_wrong_in_places_takes_one_ladder_more(off: float, more: int) -> None:
    """Before a small error is called one, f is searched for the pieces of a solver's result."""
    x = np.random.default_rng(0).standard_normal((10, 10))
    assert calls(sigmoid, lambda x: slope(x) * (1 + off * (x > 1)), x) <= 49 + LADDER_CALLS + more
    assert LADDER_CALLS <= 64


@pytest.mark.parametrize(("precision", "asked"), [(np.float64, 2), (np.float32, 10)])
def test_two_short_steps_show_that_f_is_precise(precision: type, asked: int) -> None:
    """Of what rounds to 24 bits, most steps of 2⁻²⁷ move nothing, and all eight are taken, and two long ones."""
    x = np.random.default_rng(0).standard_normal((10, 10))
    box = BlackBox(lambda x: np.tanh(x.astype(precision)).astype(np.float64) * 0.7, x)
    epsilon = significant_epsilon(box, x)
    assert box.evaluations == 2 + asked
    assert epsilon == np.finfo(precision).eps
