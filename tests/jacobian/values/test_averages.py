"""Slopes averaged over many steps: their bars hold for what is rounded, and are wide for what is off for long."""

import numpy as np
import pytest

from jacinspect.jacobian.values.averages import averaged_slopes
from tests.lines import F, stencil_of
from tests.oracles import Array


def slopes(f: F, x: Array) -> tuple[Array, Array]:
    return averaged_slopes(stencil_of(f, x, 2.0**-10), 0.0)


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
