"""What may not be believed before f is seen to be continuous: what other scales, a claim or a tread speaks against."""

import numpy as np
import pytest

from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.sides import Sides
from tests.lines import F, rungs_of, stencil_of
from tests.oracles import Array

X = np.array([0.31270043, -1.28710037])


def sides(f: F, x: Array = X) -> Sides:
    return Sides.of(rungs_of(stencil_of(f, x)), np.zeros((2, x.size), bool), np.zeros(x.size))


def doubted(f: F, claim: float | Array | None = None) -> list[bool]:
    """Return what is doubted where somebody claims a slope, and denies what is further from it than 1e-9 of it."""
    slopes = np.broadcast_to(0.0 if claim is None else claim, X.shape)
    doubts = Doubts() if claim is None else Doubts.unless_near(slopes, 1e-9 * np.abs(slopes))
    found: list[bool] = doubts.of(sides(f)).tolist()
    return found


def rounded(x: Array) -> Array:
    """Treads of 1e-6 beside each other, each with a slope of a thousandth."""
    return np.asarray(np.floor(1e6 * x) / 1e6 + 1e-3 * x)


def stands_still(x: Array) -> Array:
    return np.asarray(np.floor(1e6 * x) / 1e6)


def test_all_is_doubted_on_demand() -> None:
    assert Doubts(all=True).of(sides(np.sin)).tolist() == [True, True]
    assert Doubts(all=True).subset(np.array([1])).of(sides(np.sin, X[1:])).tolist() == [True]


@pytest.mark.parametrize("claim", [None, np.cos(X), 1.1 * np.cos(X), -np.cos(X), 0.0])
def test_a_smooth_function_is_not_doubted_whatever_is_claimed(claim: Array | None) -> None:
    assert doubted(np.sin, claim) == [False, False]


def test_a_slope_that_longer_steps_contradict_is_doubted_by_itself() -> None:
    assert doubted(rounded) == [True, True]
    assert doubted(rounded, sides(rounded).both.value) == [True, True]


def test_a_second_derivative_that_jumps_beside_x_is_no_contradiction() -> None:
    assert doubted(lambda x: np.where(x > X + 1e-4, x**2, 2 * X * x - X**2)) == [False, False]


def test_a_claim_that_longer_steps_bear_out_is_doubted_with_what_speaks_against_it() -> None:
    """A wave of 3e-5 adds a tenth to a slope of 1: no scale contradicts another by half of it."""
    f: F = lambda x: x + 3e-6 * np.sin((x - X) / 3e-5)  # noqa: E731
    assert doubted(f) == [False, False]
    assert doubted(f, 1.0) == [True, True]
    assert doubted(f, 3.0) == [False, False]


@pytest.mark.parametrize("claim", [0.5, -1.0])
def test_where_f_stands_still_for_a_while_every_claim_is_doubted(claim: float) -> None:
    assert doubted(stands_still, claim) == [True, True]
    assert doubted(lambda x: 0 * x + 3, claim) == [False, False]


def test_so_it_is_where_nobody_claims_anything_unless_f_is_whole() -> None:
    assert doubted(lambda x: np.round(x - X + 0.3, 1)) == [True, True]
    assert doubted(lambda x: np.round(x - X + 0.3)) == [False, False]


def test_so_it_is_where_one_step_alone_is_longer_than_the_tread() -> None:
    f: F = lambda x: np.round(x - X + 0.3)  # noqa: E731
    assert doubted(f, 1.0) == [True, True]
    assert doubted(f, 0.0) == [False, False]


def test_where_a_slope_would_move_f_that_stands_still_a_claim_is_doubted() -> None:
    """Many short treads: what is believed is the slope over them, and a claim is off by more than its bar."""
    f: F = lambda x: np.round(1e12 * x) / 1e12  # noqa: E731
    assert doubted(f, 1.01) == [True, True]
    assert doubted(lambda x: 1e-7 * x + 1, 1.01e-7) == [False, False]
