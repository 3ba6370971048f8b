"""Whether f moves close to x as a claim has it: fast waves and teeth do, steps and wrong claims do not."""

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.closeup import moves_as_claimed
from jacinspect.jacobian.values.stencil import Stencil, step_scale
from tests.lines import F, stencil_of
from tests.oracles import Array

X = np.array([0.3127, -1.2871, 2.0413])


def borne_out(f: F, claim: Array, value: Array, x: Array = X, gap: float = 0.0) -> list[bool]:
    """Return where f moves as claimed, and not by `value` ± 1e-6 of it."""
    stencil = stencil_of(f, x)
    bar = 1e-6 * np.abs(value)

    def contradicts(places: Array, value: Array, bar: Array) -> Array:
        return np.asarray(~(np.abs(claim[places] - value) <= bar))

    found: list[bool] = moves_as_claimed(stencil, value, bar, np.full(x.size, gap), contradicts).tolist()
    return found


def wave(x: Array) -> Array:
    return np.asarray(x + 1e-6 * np.sin(1e7 * x))


def test_a_fast_wave_moves_by_its_own_slope() -> None:
    slope = 1 + 10 * np.cos(1e7 * X)
    assert borne_out(wave, slope, np.ones(3)) == [True, True, True]
    assert borne_out(wave, -slope, np.ones(3)) == [False, False, False]


@pytest.mark.parametrize("factor", [0.0, -1.0, 1.0001, 3.0])
def test_a_smooth_function_bears_out_no_wrong_claim(factor: float) -> None:
    assert borne_out(np.sin, factor * np.cos(X), np.cos(X)) == [False, False, False]


def test_the_end_of_a_tooth_has_the_slopes_of_both_sides() -> None:
    def teeth(x: Array) -> Array:
        return np.asarray(x + 5 * np.abs((x - X + 0.5e-6) % 1e-6 - 0.5e-6))

    for claim, borne in ((6.0, True), (-4.0, True), (3.0, False)):
        assert borne_out(teeth, np.full(3, claim), np.ones(3)) == [borne] * 3


def test_a_step_on_which_f_stands_still_bears_out_nobody() -> None:
    assert borne_out(lambda x: np.round(1e6 * x) / 1e6, np.zeros(3), np.ones(3)) == [False, False, False]


def test_at_0_steps_are_shorter_than_any_last_bit_of_1() -> None:
    x = np.zeros(1)
    assert borne_out(lambda x: x + 1e-20 * np.sin(1e21 * x), np.array([11.0]), np.ones(1), x) == [True]
    assert borne_out(lambda x: x + 1e-20 * np.sin(1e21 * x), np.array([5.0]), np.ones(1), x) == [False]


def test_what_moves_too_fast_from_one_number_to_the_next_is_no_error() -> None:
    assert borne_out(lambda x: np.sin(1e17 * x), 1e17 * np.cos(1e17 * X), np.ones(3)) == [True, True, True]
    assert borne_out(lambda x: np.sin(1e17 * x), np.full(3, 2.0), np.ones(3)) == [False, False, False]


def test_outputs_of_one_input_are_looked_at_over_steps_of_their_own() -> None:
    box = BlackBox(lambda x: np.concatenate([1e-3 * wave(x), 1e3 + wave(x)]), X[:1])
    inputs, rows = np.zeros(2, np.int64), np.arange(2)
    slope = 1 + 10 * np.cos(1e7 * X[:1])
    claim, value = np.array([1e-3, 1.0]) * slope, np.array([1e-3, 1.0])
    stencil = Stencil(box, X[:1], step_scale(X[:1]), rows, inputs, box.y0, 2.0**-52)

    def borne(claim: Array) -> list[bool]:
        found: list[bool] = moves_as_claimed(
            stencil, value, 1e-9 * value, np.zeros(2), lambda at, value, bar: ~(np.abs(claim[at] - value) <= bar)
        ).tolist()
        return found

    assert borne(claim) == [True, True]
    assert borne(-claim) == [False, False]


@pytest.mark.parametrize("f", [lambda x: 1e6 * x, lambda x: 1e12 * (x - X) ** 2, lambda x: 1e3 * np.abs(x - X) ** 0.75])
def test_what_is_steep_along_a_line_or_a_bend_is_followed(f: F) -> None:
    assert borne_out(f, np.full(3, 3e6), np.ones(3)) == [False, False, False]


def test_a_wave_on_a_sum_with_larger_terms_is_seen_over_longer_steps_alone() -> None:
    x = np.array([1e-30, 1e-30, 0.5])

    def f(x: Array) -> Array:
        return np.asarray((1e-20 + (x + 1e-22 * np.sin(1e23 * x))) - 1e-20)

    assert borne_out(f, np.array([11.0, -9.0, 1.0]), np.array([1.0, 1.0, 1.0]), x)[:2] == [True, False]


def test_a_mean_of_two_slopes_is_apart_from_claims_by_more_than_half_their_gap() -> None:
    """A claim between the slopes of a kink contradicts nothing, however narrow the bar."""
    assert borne_out(lambda x: 3 * np.abs(x - X), np.full(3, 2.0), np.zeros(3), gap=6.0) == [False, False, False]
    assert borne_out(lambda x: x + 1e-7 * np.sin(1e8 * x), 1 + 10 * np.cos(1e8 * X), np.ones(3), gap=0.1) == [True] * 3
