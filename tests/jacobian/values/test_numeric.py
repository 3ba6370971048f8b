"""The numeric Jacobian: which entries are looked at again, what is kept of the first look, what becomes of claims."""

import numpy as np
import pytest
from scipy.special import erf

from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.first_look import FirstLook
from jacinspect.jacobian.values.ladder import LADDER_CALLS
from jacinspect.jacobian.values.numeric import Numeric, largest_of_row, numeric_jacobian
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import replace
from tests.lines import F, looked_at
from tests.oracles import Array


def of(first: FirstLook, claim: Array | None = None) -> tuple[Numeric, int]:
    """Return the Jacobian, with a claim of all entries or without one, and how many calls more that takes."""
    before, claimed = first.near.box.evaluations, np.ravel(np.zeros(0) if claim is None else claim)

    def contradicts(entries: Array | slice, value: Array, bar: Array) -> Array:
        return np.asarray(~(np.abs(claimed[entries] - value) <= bar))

    numeric = numeric_jacobian(first, 10_000, None if claim is None else contradicts)
    return numeric, first.near.box.evaluations - before


# --- What is looked at again ------------------------------------------------------------------------------------------


def test_what_nobody_doubts_is_kept_as_it_is() -> None:
    first = looked_at(np.sin, np.array([0.3, -1.2, 2.0]), dense=False)
    for claim in (None, np.cos([0.3, -1.2, 2.0])):
        numeric, calls = of(first, claim)
        assert numeric.jacobian is first.jacobian
        assert calls == 0


@pytest.mark.parametrize(("off", "columns"), [(0.5, 3), (1e-3, 9)])
def test_an_output_that_is_clearly_off_is_looked_at_again_by_a_few_inputs(off: float, columns: int) -> None:
    """By three, where no pieces of a solver's result would explain it, and else by nine."""
    weights = np.random.default_rng(0).uniform(0.5, 1, (5, 40))
    first = looked_at(lambda x: np.sin(weights @ x), np.random.default_rng(1).standard_normal(40) / 9)
    slopes = first.jacobian.data.copy()
    numeric, calls = of(first, (1 + off) * slopes)
    assert columns * LADDER_CALLS <= calls <= (columns + 1) * LADDER_CALLS
    assert np.all(np.abs(numeric.jacobian.data - slopes) <= numeric.bar + 1e-9)


def test_but_by_all_inputs_by_which_the_first_look_shows_little() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 1, (2, 20))
    first = looked_at(lambda x: weights @ x, np.random.default_rng(1).standard_normal(20))
    columns = np.tile(np.arange(20), 2)
    first = replace(first, bar=np.full(40, 1e-3), wide=columns == 19, closing=columns != 15)
    numeric, _ = of(first, 2 * weights)
    assert np.flatnonzero(numeric.bar < 1e-3).tolist() == [0, 1, 2, 15, 19, 20, 21, 22, 35, 39]


def test_an_output_that_is_borne_out_at_a_second_look_is_looked_at_by_all_inputs() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 1, (1, 14))
    first = looked_at(lambda x: weights @ x, np.random.default_rng(1).standard_normal(14))
    off = replace(first, bar=np.full(14, 1e-3), jacobian=replace(first.jacobian, data=2 * first.jacobian.data))
    assert np.all(of(off, weights)[0].bar < 1e-3)


def many_waves(x: Array) -> Array:
    return np.asarray([np.sum(x + 1e-11 * np.sin(1e12 * x))])


@pytest.mark.parametrize(
    ("f", "kind", "claim"),
    [
        (lambda x: np.asarray([np.round(1e7 * np.sum(x)) / 1e7]), Kind.SMOOTH, np.full(14, 3.0)),
        (many_waves, Kind.UNRESOLVED, 1 + 10 * np.cos(1e12 * np.linspace(-1, 1.3, 14))),
    ],
)
def test_what_moves_in_steps_or_as_claimed_is_not_counted(f: F, kind: int, claim: Array) -> None:
    first = looked_at(f, np.linspace(-1, 1.3, 14))
    shown = replace(first, bar=np.full(14, 1e-9), wide=np.zeros(14, bool), closing=np.ones(14, bool))
    numeric, _ = of(shown, claim)
    assert np.all(numeric.bar != 1e-9)
    assert (numeric.kind == kind).all()


@pytest.mark.parametrize(("claim", "counted"), [(1e-16, False), (1e-3, True)])
def test_a_claim_too_faint_to_show_where_f_stands_still_is_not_counted(claim: float, counted: bool) -> None:
    first = looked_at(lambda x: np.zeros(1) * x.sum(), np.linspace(-1, 1.3, 14))
    shown = replace(first, bar=np.zeros(14))
    assert (of(shown, np.full(14, claim))[1] < 9 * LADDER_CALLS) == counted


def test_what_is_not_finite_is_not_looked_at() -> None:
    numeric, calls = of(looked_at(np.log, np.array([-1.0, np.nan]), dense=False))
    assert (numeric.kind.tolist(), calls) == ([Kind.NONFINITE, Kind.NONFINITE], 0)


def gelu(x: Array) -> Array:
    return np.asarray(x / 2 * (1 + erf(x / np.sqrt(2))))


def test_where_nobody_claims_anything_a_value_as_small_as_last_bits_of_1_is_looked_at() -> None:
    """It is 0 for a while, and its slope is not; nobody looks at 65 such numbers, nor where a color has many."""
    few, many = (np.linspace(-9.2, -8.8, number) for number in (3, 65))
    numeric, calls = of(looked_at(gelu, few, dense=False))
    assert numeric.stairs.entries.tolist() == [0, 1, 2]
    assert calls > LADDER_CALLS
    assert of(looked_at(gelu, many, dense=False))[1] == 0
    assert of(looked_at(gelu, few, dense=False), np.zeros(3))[1] == 0
    assert of(looked_at(lambda x: gelu(x[:1] + x[1:]), np.array([-9.0, 0.0])))[1] == 0


# --- What is kept -----------------------------------------------------------------------------------------------------


def noisy(x: Array) -> Array:
    return np.asarray(np.sin(x) * (1 + 1e-11 * np.sin(1e13 * x)))


@pytest.mark.parametrize(
    ("sharper", "off", "closing", "kept"),
    [
        (2.0, 0.0, True, True),
        (0.5, 0.0, True, False),
        (1e3, 0.0, True, False),
        (2.0, 2.0, True, False),
        (2.0, 0.0, False, False),
    ],
)
def test_a_first_value_that_is_sharper_and_borne_out_is_kept(
    sharper: float, off: float, closing: bool, kept: bool
) -> None:
    """By as much as its longer steps explain: noise moves a slope by less over them."""
    first = looked_at(noisy, np.array([0.7]), dense=False)
    wide = replace(first, wide=np.ones(1, bool), closing=np.zeros(1, bool))
    again, _ = of(wide)
    value, bar = again.jacobian.data + off * again.bar, again.bar / sharper
    shown = replace(wide, bar=bar, closing=np.array([closing]))
    shown.jacobian.data[:] = value
    numeric, _ = of(shown)
    assert (numeric.bar.tolist() == bar.tolist()) == kept


def test_a_first_value_is_not_kept_where_f_moves_in_steps() -> None:
    first = replace(looked_at(lambda x: np.round(np.sin(x), 7), np.array([0.7]), dense=False), wide=np.ones(1, bool))
    again, _ = of(first)
    shown = replace(first, bar=again.bar / 2, closing=np.ones(1, bool))
    shown.jacobian.data[:] = again.jacobian.data
    assert of(shown)[0].stairs.entries.tolist() == [0]


# --- What a bar is wide against ---------------------------------------------------------------------------------------


def test_sizes_are_what_f_moves_by_over_any_step_and_the_largest_of_the_row() -> None:
    def f(x: Array) -> Array:
        return np.array([10 * max(x[0] - 0.5, 0.0) + 100 * x[1], 5 + 10 * max(x[0] - 0.5, 0.0) + 0.01 * abs(x[1])])

    first = replace(looked_at(f, np.zeros(2)), wide=np.ones(4, bool))
    np.testing.assert_allclose(of(first)[0].size[:], [100, 100, 5, 1], rtol=1e-6)
    np.testing.assert_allclose(of(replace(first, size=Magnitudes(4)))[0].size[:], [100, 100, 5, 0.01], rtol=0.03)


# --- Claims -----------------------------------------------------------------------------------------------------------


def wave(x: Array) -> Array:
    return np.asarray(x + 1e-11 * np.sin(1e12 * x))


def test_a_mean_slope_is_not_held_against_a_claim_by_which_f_moves_close_to_x() -> None:
    x = np.array([0.3127, -1.2871, 2.0413])
    first, slopes = looked_at(wave, x, dense=False), 1 + 10 * np.cos(1e12 * x)
    first = replace(first, wide=np.ones(3, bool))
    means, _ = of(first, np.array([slopes[0], 1.1, 1.0]))
    assert means.kind.tolist() == [Kind.UNRESOLVED, Kind.SMOOTH, Kind.SMOOTH]


def test_a_claim_between_the_slopes_of_a_kink_is_not_looked_at_closer() -> None:
    first = looked_at(np.abs, np.zeros(1), dense=False)
    calls = [of(first, np.array([claim]))[1] for claim in (0.5, 3.0)]
    assert calls[0] <= LADDER_CALLS < calls[1]


def test_a_claim_of_the_slope_between_two_steps_is_not_looked_at_closer() -> None:
    first = looked_at(lambda x: np.round(np.sin(x), 7) + 0.3 * x, np.array([0.7]), dense=False)
    numeric, _ = of(first, np.array([0.3]))
    assert numeric.stairs.entries.tolist() == [0]


def test_what_is_not_finite_is_no_output_s_largest_slope() -> None:
    first = looked_at(lambda x: np.array([x[0] + 3e5 * x[1]]), np.array([1.0, 2.0]))
    first.jacobian.data[0] = np.inf
    assert largest_of_row(first.near, first.jacobian).tolist() == pytest.approx([6e5, 3e5])


# --- Where an output stands still -------------------------------------------------------------------------------------


def test_an_output_that_moves_in_steps_hides_small_slopes() -> None:
    """By the second input it moves by a tenth of a step, not by the third, by the others as it should."""

    def f(x: Array) -> Array:
        return np.array([np.round(x[0] + 1e-3 * x[1], 2) + x[3] + abs(x[4]), x[0] + 1e-3 * x[1]])

    first = looked_at(f, np.array([0.3127, 0.2, 8.0, 0.0, 0.0]))
    numeric, _ = of(replace(first, wide=first.wide | (np.arange(10) == 0)))
    assert numeric.kind[4] == Kind.KINK
    assert numeric.stairs.entries.tolist() == [0, 1, 2]
    np.testing.assert_allclose(numeric.stairs.height, 0.01, rtol=0.5)
    np.testing.assert_allclose(numeric.stairs.bar[1:], [2 * numeric.stairs.height[0], numeric.stairs.height[0] / 4])
