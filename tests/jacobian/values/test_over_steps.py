"""Slopes over longer steps than those in which f moves: believed where narrow, left beside the others where not."""

from collections.abc import Callable

import numpy as np
import pytest

from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.over_steps import among_steps, over_many
from jacinspect.jacobian.values.sides import Estimate, Sides
from jacinspect.jacobian.values.stencil import Kind
from tests.lines import F, rungs_of, stencil_of
from tests.oracles import Array

X = np.array([0.31270043, -1.28710037])
Claims = Callable[[Array, Array, Array], Array]


@np.errstate(all="ignore")
def judged(f: F, x: Array = X, claim: float | None = None) -> tuple[Estimate, Estimate]:
    """Return what is found at the finest scale, and over longer steps where somebody claims a slope, within 1e-9."""
    rungs = rungs_of(stencil_of(f, x))
    entries, doubts = np.arange(x.size), Doubts()
    if claim is not None:
        doubts = Doubts.unless_near(np.full(x.size, claim), np.full(x.size, 1e-9 * abs(claim)))
    sides = Sides.of(rungs, np.zeros((2, x.size), bool), np.zeros(x.size))
    estimate = sides.estimate()
    return estimate, among_steps(rungs, estimate, entries, rungs.steps[sides.both.best], doubts)


@pytest.mark.parametrize("height", [1e-4, 1e-6, 1e-9])
def test_what_many_steps_show_is_believed_where_it_is_narrow(height: float) -> None:
    fine, coarse = judged(lambda x: np.round(np.sin(x) / height) * height)
    assert np.all(np.abs(coarse.value - np.cos(X)) <= coarse.bar)
    assert np.all(coarse.bar <= np.maximum(1e-2, 1e3 * height))
    assert coarse.over_many.all()
    np.testing.assert_allclose(coarse.step, height, rtol=0.7)
    assert coarse.other.tolist() == fine.value.tolist()


def test_a_smooth_slope_is_left_as_it_is() -> None:
    fine, coarse = judged(np.sin)
    assert coarse.value.tolist() == fine.value.tolist()
    assert coarse.step.tolist() == [0, 0]
    assert np.isnan(coarse.other).all()


def test_a_steep_slope_may_have_a_wider_bar() -> None:
    """A relative 1e-4 of 99, by which f moves by 1 in all."""
    _, coarse = judged(lambda x: np.round(np.sin(100 * x) / 1e-6) * 1e-6)
    assert coarse.over_many.all()
    assert np.all(np.abs(coarse.value - 100 * np.cos(100 * X)) <= coarse.bar)
    assert np.all(coarse.bar >= 1e-3)


def test_a_slope_is_known_to_a_digit_at_least_or_against_what_f_moves_by() -> None:
    """Over a unit x² moves by 1, over |x| by as little as the steps; at 0 there is no such distance."""
    f: F = lambda x: np.round(1e6 * x**2) / 1e6  # noqa: E731
    assert judged(f, np.array([0.0, 1e-5]))[1].over_many.tolist() == [True, False]
    _, lost = judged(lambda x: 1 - np.cos(x), np.array([1.3e-9, 3e-10]))
    assert lost.over_many.tolist() == [True, True]
    assert np.all(np.abs(lost.value - [1.3e-9, 3e-10]) <= lost.bar)


def test_a_kink_among_steps_is_one() -> None:
    _, coarse = judged(lambda x: (np.abs(x) + 1e6) - 1e6, np.zeros(1))
    assert (coarse.kind.tolist(), coarse.over_many.tolist()) == ([Kind.KINK], [True])
    assert (coarse.left[0], coarse.right[0]) == (pytest.approx(-1), pytest.approx(1))


@pytest.mark.parametrize("height", [1.0, 3.0])
def test_what_is_not_narrow_is_left_beside_the_slope_between_two_steps(height: float) -> None:
    fine, coarse = judged(lambda x: np.floor(x / height) * height, np.array([1e8 + 1 / 3]))
    assert (coarse.value.tolist(), coarse.bar.tolist()) == (fine.value.tolist(), fine.bar.tolist())
    assert coarse.step.tolist() == [height]
    assert coarse.over_many.tolist() == [False]
    assert abs(coarse.other[0] - 1) <= coarse.other_bar[0] <= 1e-6


@pytest.mark.parametrize(
    ("slope", "leap", "apart", "least", "most"),
    [(0.5, 5e-3, 1e-2, 0.5 / 65, 0.5 / 63), (0.5, 1e-9, 1e-3, 2e-7, 1e-3), (0.0, 1e-6, 1e-6, 1e-18, 1e-3)],
)
def test_leaps_move_a_slope_by_more_than_they_are_high_but_never_by_3_percent(
    slope: float, leap: float, apart: float, least: float, most: float
) -> None:
    """As of an integrator: 32 times a leap over its distance. On a tread there is no slope that they could move."""
    _, coarse = judged(lambda x: slope * x + leap * np.floor(x / apart))
    assert np.all((least <= coarse.other_bar) & (coarse.other_bar <= most))


def test_higher_steps_are_looked_for_where_a_claim_is_denied_by_both_slopes() -> None:
    """As BDF leaps by a little a few times between higher leaps: 0.87 on a tread, 0.9 over the small ones, 1 in all."""
    f: F = lambda x: 0.87 * x + 3e-6 * np.floor(x / 1e-4) + 5e-3 * np.floor(x / 0.05)  # noqa: E731
    for claim in (None, 0.87, 0.9):
        between = judged(f, claim=claim)[1]
        np.testing.assert_allclose(between.step, 3e-6, rtol=0.7)
        np.testing.assert_allclose(between.other_bar, 0.87 / 64)
    coarse = judged(f, claim=1.0)[1]
    np.testing.assert_allclose(coarse.step, 5e-3, rtol=0.7)
    assert np.all(np.abs(coarse.value - 1) <= coarse.bar)


def test_in_half_precision_the_height_of_the_steps_is_known() -> None:
    """What is not averaged, as it is known well enough, is left as it is."""
    x = np.array([0.3, 0.7])
    f: F = lambda x: np.array([float(np.sin(np.float16(x[0]))), x[1]])  # noqa: E731
    stencil = stencil_of(f, x, 2.0**-10)
    nothing, no = np.full(2, np.nan), np.zeros(2)
    first = Estimate(
        np.ones(2), np.array([1.0, 1e-6]), np.zeros(2, np.int8), nothing, nothing, no, no, nothing, no, no > 0
    )
    estimate = over_many(first, stencil)
    assert estimate.over_many.tolist() == [True, False]
    assert estimate.step.tolist() == [2.0**-10 * float(f(x)[0]), 0]
    assert abs(estimate.value[0] - np.cos(0.3)) <= estimate.bar[0] <= 1e-2
    assert (estimate.other[0], estimate.other_bar[0]) == (estimate.value[0], estimate.bar[0])
    assert (estimate.value[1], np.isnan(estimate.other[1]), estimate.other_bar[1]) == (1, True, 0)
