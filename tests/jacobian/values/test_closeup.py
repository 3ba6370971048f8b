"""Whether f moves close to x as a claim has it: fast waves and teeth do, steps and wrong claims do not."""

import numpy as np
import pytest

from jacinspect.jacobian.values.closeup import moves_as_claimed
from jacinspect.jacobian.values.stencil import Stencil
from tests.lines import F, of_one_input, stencil_of
from tests.oracles import Array

X = np.array([0.3127, -1.2871, 2.0413])


def looked_at(stencil: Stencil, claim: Array, value: Array, gap: float = 0.0) -> list[bool]:
    """Return where f moves as claimed, and not by `value` ± 1e-9 of it."""

    def contradicts(places: Array, value: Array, bar: Array) -> Array:
        return np.asarray(~(np.abs(claim[places] - value) <= bar))

    bar, gaps = 1e-9 * np.abs(value), np.full(value.size, gap)
    found: list[bool] = moves_as_claimed(stencil, value, bar, gaps, contradicts).tolist()
    return found


def borne_out(f: F, claim: Array, value: Array, x: Array = X, gap: float = 0.0) -> list[bool]:
    """Return the same of an element-wise function."""
    return looked_at(stencil_of(f, x), claim, value, gap)


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
    slope = np.array([1e-3, 1.0])
    waves = slope * (1 + 10 * np.cos(1e7 * X[0]))
    for claim, borne in ((waves, True), (-waves, False)):
        stencil = of_one_input(lambda x: np.concatenate([1e-3 * wave(x), 1e3 + wave(x)]), X[0])
        assert looked_at(stencil, claim, slope) == [borne, borne]
        assert stencil.box.evaluations == 2 + 2 + 2 * (6 if borne else 2)  # at x, half of x away, and over the steps


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


def test_at_the_edge_of_a_tooth_one_side_has_its_slope() -> None:
    for side in (1, -1):
        teeth: F = lambda x, side=side: side * ((side * (x - X)) % 1e-6)  # type: ignore[misc]  # noqa: E731
        for claim, borne in ((1.0, True), (3.0, False)):
            assert borne_out(teeth, np.full(3, claim), np.zeros(3)) == [borne] * 3


def test_a_side_of_a_bend_bears_out_no_small_error() -> None:
    """Over steps that tell 1e-8 of the slope, its sides differ by as much."""
    x = np.linspace(0.2, 1.2, 300)
    for error in (1e-8, -1e-8):
        assert not np.any(borne_out(np.sin, (1 + error) * np.cos(x), np.cos(x), x))


def test_a_bend_has_its_central_slope() -> None:
    """Its sides differ from that by more than the mean of many waves does."""
    assert borne_out(lambda x: (x - X) + 1e6 * (x - X) ** 2, np.ones(3), np.full(3, 1 + 3e-5)) == [True] * 3


@pytest.mark.parametrize("claim", [1.0, 1e-3])
def test_last_bits_of_what_cancels_at_x_are_no_slope(claim: float) -> None:
    assert borne_out(lambda x: (x * x - 2 * X * x) + X * X, np.full(3, claim), np.zeros(3)) == [False] * 3


def test_a_peak_at_x_has_last_bits_of_its_own() -> None:
    def wave_on_a_peak(x: Array) -> Array:
        return np.asarray(1e3 * np.exp(-1e4 * (x - X) ** 2) + 1e-6 * np.sin(1e7 * (x - X)))

    assert borne_out(wave_on_a_peak, np.full(3, 10.0), np.zeros(3)) == [True, True, True]


def test_last_bits_of_terms_with_a_small_factor_are_no_slope() -> None:
    """Both terms are less by as much at x/2, and f stands still over the shortest steps."""
    assert borne_out(lambda x: x * 3e-6 - 1.5 * x * 2e-6, np.full(1, 1e-6), np.zeros(1), np.full(1, 1e-6)) == [False]


@pytest.mark.parametrize("x", [0.0, 1e-20])
def test_what_stands_still_over_last_bits_of_1_bears_out_nobody(x: float) -> None:
    assert borne_out(np.round, np.ones(1), np.zeros(1), np.array([x])) == [False]


def test_what_is_too_fast_for_the_numbers_is_so_at_every_point_but_0() -> None:
    x = np.linspace(0.2, 1.2, 300)
    assert np.all(borne_out(lambda x: np.sin(1e17 * x), np.full(300, 1e17), np.ones(300), x))
    assert borne_out(lambda x: x + 1e-29 * np.sin(1e60 * x), np.full(1, 11.0), np.ones(1), np.zeros(1)) == [False]


@pytest.mark.parametrize("power", [0.0, 0.3])
def test_at_a_jump_or_a_cusp_no_steep_claim_is_refuted(power: float) -> None:
    def f(x: Array) -> Array:
        return np.asarray(x + 2.0 ** (50 * power) * np.where(x == X, 0, np.abs(x - X) ** power))

    assert borne_out(f, np.full(3, 1e15), np.ones(3)) == [True] * 3


def test_a_steep_wave_that_is_followed_bears_out_no_wrong_claim() -> None:
    x = np.linspace(0.2, 1.2, 300)
    assert not np.any(borne_out(lambda x: np.sin(1e10 * x), 3e10 * np.cos(1e10 * x), np.ones(300), x))


@pytest.mark.parametrize("x", [0.3, 1e-320])
def test_a_claim_that_no_bar_is_wide_enough_for_is_borne_out_by_nothing(x: float) -> None:
    for claim in (np.nan, 1e308):
        assert borne_out(np.sin, np.array([claim]), np.ones(1), np.array([x])) == [False]
        assert borne_out(np.sin, np.array([claim]), np.zeros(1), np.array([x])) == [False]


def test_at_0_steps_are_longer_than_those_whose_powers_are_0() -> None:
    """Where f stands still longer ones follow, and of the shortest there are a thousand powers of 2."""
    stencil = stencil_of(lambda x: x**3, np.zeros(1))
    assert looked_at(stencil, np.ones(1), np.zeros(1)) == [False]
    assert stencil.box.evaluations == 2 + 2 + 2


@pytest.mark.parametrize("at", [1.0, 0.750573, 2.38328])
def test_a_minimum_between_ends_at_which_f_is_0_is_followed(at: float) -> None:
    """Far away f is nearly 0, so that its size there says nothing of its rounding."""

    def f(x: Array) -> Array:
        return np.asarray((x - at) ** 2 * np.exp(-400 * (x - at) ** 2))

    for claim in (1.0, 1.03, -1.0):
        assert borne_out(f, np.full(1, claim), np.zeros(1), np.array([at])) == [False]
