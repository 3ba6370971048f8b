"""Whether f moves in steps: leaps are told from bends, and several leaps from one."""

from collections.abc import Callable

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.stairs import steps_near
from jacinspect.jacobian.values.stencil import Stencil
from tests.oracles import Array

X = np.array([0.3127, -1.2871, 2.0413])


def found(f: Callable[[Array], Array], slope: Array, bar: float = 1e-10, step: float = 1e-9) -> Array:
    """Return the height of the steps at X, for slopes that were believed at a step."""
    box = BlackBox(f, X)
    stencil = Stencil(box, X, np.ones(3), slice(None), slice(None), box.y0, 2.0**-52)
    height, _ = steps_near(stencil, slope, np.full(3, bar), np.full(3, step))
    return height


@pytest.mark.parametrize("height", [1e-3, 1e-6, 1e-9])
def test_the_height_of_steps(height: float) -> None:
    steps = found(lambda x: height * np.floor(x / height), np.zeros(3), step=height / 30)
    np.testing.assert_allclose(steps, height, rtol=0.5)


@pytest.mark.parametrize("f", [np.sin, np.exp, lambda x: x / (1 + np.abs(x)), lambda x: np.abs(x - 0.3) ** 1.5])
def test_a_function_without_steps_has_none(f: Callable[[Array], Array]) -> None:
    slope = (f(X + 1e-6) - f(X - 1e-6)) / 2e-6
    assert found(f, slope, bar=1e-6).tolist() == [0, 0, 0]


def test_one_jump_is_no_staircase() -> None:
    assert found(lambda x: np.where(x > 0.3128, x + 1.0, x), np.ones(3)).tolist() == [0, 0, 0]


def test_where_f_raises_there_are_no_steps_to_see() -> None:
    def f(x: Array) -> Array:
        if np.any(np.abs(x - X) > 1e-4):
            raise ValueError("far")
        return np.sin(x)

    assert found(f, np.cos(X), bar=1e-6).tolist() == [0, 0, 0]


@np.errstate(all="ignore")
def by_one_input(f: Callable[[Array], Array], number: int, slope: Array, bar: float, step: float) -> Array:
    """Return the height of the steps of outputs that all read X[0], for slopes that were believed at a step."""
    x = X[:1]
    box = BlackBox(f, x)
    inputs = np.zeros(number, np.int64)
    stencil = Stencil(box, x, np.ones(1), np.arange(number), inputs, box.y0, 2.0**-52)
    height, _ = steps_near(stencil, slope, np.full(number, bar), np.full(number, step))
    return height


@pytest.mark.parametrize("number", [3, 12, 40])
def test_outputs_of_one_input_step_at_places_of_their_own(number: int) -> None:
    rates = np.linspace(1, 2, number)
    steps = by_one_input(lambda x: np.floor(np.sin(rates * x[0]) * 1e6) / 1e6, number, np.zeros(number), 1e-9, 1e-8)
    np.testing.assert_allclose(steps, 1e-6, rtol=0.5)


def test_fast_waves_of_one_input_are_no_steps() -> None:
    rates = np.linspace(40, 250, 12)
    slope = 2 * X[0] * rates / 100  # the mean slopes, over many waves
    f = lambda x: rates / 100 * x[0] ** 2 + 1e-3 * np.sin(rates * x[0])  # noqa: E731
    assert not by_one_input(f, 12, slope, 1e-6, 1e-2).any()
