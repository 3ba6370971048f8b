"""How high the steps around x are: of staircases, beyond a tread, of outputs that share an input; none at a bend."""

import numpy as np
import pytest

from jacinspect.jacobian.values.sides import Sides
from jacinspect.jacobian.values.stencil import Stencil
from jacinspect.jacobian.values.treads import rounding_of_x, steps_around
from tests.lines import F, of_one_input, rungs_of, stencil_of
from tests.oracles import Array

X = np.array([0.31270043, -1.28710037])


@np.errstate(all="ignore")
def steps(stencil: Stencil, believed: float | None = None, denied: bool = True) -> tuple[Array, Array, int]:
    """Return how high the steps are and how far away, and how many calls of f that took."""
    rungs = rungs_of(stencil)
    entries, none = np.arange(stencil.y0.size), np.zeros((2, stencil.y0.size), bool)
    sides = Sides.of(rungs, none, np.zeros(stencil.y0.size))
    before = stencil.box.evaluations
    at = rungs.steps[sides.both.best] if believed is None else np.full(entries.size, believed)
    height, away = steps_around(rungs, entries, sides.estimate(), at, np.full(entries.size, denied))
    return height, away, stencil.box.evaluations - before


@pytest.mark.parametrize("height", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("tilt", [0.0, 1e-3])
def test_steps_are_as_high_as_they_are(height: float, tilt: float) -> None:
    found, away, _ = steps(stencil_of(lambda x: np.floor(x / height) * height + tilt * x, X))
    np.testing.assert_allclose(found, height, rtol=0.7)
    assert np.all(away <= 0.1)


def test_a_smooth_function_has_none() -> None:
    height, _, calls = steps(stencil_of(np.sin, X))
    assert height.tolist() == [0, 0]
    assert calls <= 220  # and none for what lies beyond a tread


@pytest.mark.parametrize("side", [1, -1])
def test_a_tread_whose_nearer_end_is_a_bend_is_not_searched(side: int) -> None:
    """At the farther end f leaps, by one step of its own."""

    def f(x: Array) -> Array:
        far = side * (x - X)
        return np.asarray(np.maximum(far - 1e-5, 0) + (far < -1e-3))

    height, _, calls = steps(stencil_of(f, X))
    assert height.tolist() == [0, 0]
    assert calls <= 25


@pytest.mark.parametrize("side", [1, -1])
def test_a_tread_that_ends_in_a_leap_is_searched_for_more(side: int) -> None:
    def f(x: Array) -> Array:
        far = side * (x - X)
        return np.asarray(np.floor(far / 1e-5 + 0.1) * 1e-7 + np.minimum(far + 4e-5, 0))

    np.testing.assert_allclose(steps(stencil_of(f, X))[0], 1e-7, rtol=0.7)


def test_steps_that_are_too_many_around_x_are_sought_beyond_its_tread() -> None:
    f: F = lambda x: (1 + 1e-9 * np.exp(7.3 * (x - X))).astype(np.float32).astype(float)  # noqa: E731
    height, away, _ = steps(stencil_of(f, X))
    assert np.all((height >= 2.0**-24) & (height <= 2.0**-22))
    assert np.all((away > 0.5) & (away < 0.7))


@pytest.mark.parametrize(
    ("width", "believed", "denied", "height"),
    [(1e-4, None, True, 1e-4), (1e-4, None, False, 0), (0.05, 1e-5, True, 0), (1e-4, 0.1, True, 0)],
)
def test_a_tread_between_two_leaps_is_a_step_if_it_is_short_and_its_slope_denied(
    width: float, believed: float | None, denied: bool, height: float
) -> None:
    stencil = stencil_of(lambda x: np.where(np.abs(x - X) < width, 0, x - X), X)
    np.testing.assert_allclose(steps(stencil, believed, denied)[0], height, rtol=1e-3)


def test_a_tread_that_leaps_at_one_end_alone_is_none() -> None:
    f: F = lambda x: np.where(x - X > 1e-4, x - X, np.minimum(x - X + 2e-4, 0))  # noqa: E731
    assert steps(stencil_of(f, X), believed=1e-6)[0].tolist() == [0, 0]


def test_steps_that_are_seen_are_as_high_whatever_is_at_the_other_end_of_the_tread() -> None:
    def f(x: Array) -> Array:
        far = x - X
        return np.asarray(np.floor(np.minimum(far, 0) / 1e-5 + 0.1) * 1e-7 + 1e-3 * (far > 2e-5))

    np.testing.assert_allclose(steps(stencil_of(f, X), believed=1e-6)[0], 1e-7, rtol=0.7)


def test_an_output_whose_steps_are_farther_away_is_off_by_as_much_as_it_first_leaves_its_slope() -> None:
    """The steps of the first output are near; the only leap of the second is at a quarter."""

    def f(x: Array) -> Array:
        return np.array([np.floor(1e6 * x[0]) / 1e6, x[0] + 1e-3 * (x[0] > 0.5)])

    height, away, _ = steps(of_one_input(f, 0.31270043))
    np.testing.assert_allclose(height, [1e-6, 1e-3], rtol=0.7)
    assert 0.18 <= away[1] <= 1


@pytest.mark.parametrize(("f", "spacing"), [(np.float16, 2.0**-12), (np.float32, 2.0**-25)])
def test_what_x_is_rounded_to_shows_on_treads(f: type, spacing: float) -> None:
    x = np.array([0.3])
    found = rounding_of_x(rungs_of(stencil_of(lambda x: np.sin(x.astype(f).astype(float)), x)))
    assert spacing / 0.3 / 3.07 <= found <= 2 * spacing / 0.3


def test_the_finest_of_treads_counts_and_a_line_through_many_inputs_has_none() -> None:
    x = np.array([0.3, 0.7])
    f: F = lambda x: np.where(x < 0.5, np.float16(x), np.float32(x)).astype(float)  # noqa: E731
    assert rounding_of_x(rungs_of(stencil_of(f, x))) <= 2.0**-22
    assert rounding_of_x(rungs_of(stencil_of(np.exp, x))) == 0
    stencil = stencil_of(f, x)
    along = Stencil(stencil.box, x, np.ones(2), slice(None), None, stencil.y0, 2.0**-52)
    assert rounding_of_x(rungs_of(along)) == 0
