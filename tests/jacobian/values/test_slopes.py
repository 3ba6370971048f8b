"""Slopes at ever smaller steps: their bars hold for what bends, is rounded or is noisy; which of them are believed."""

from math import ulp

import mpmath
import numpy as np
import pytest

from jacinspect.jacobian.values.slopes import Rungs, View, believed, bends, creeping, extrapolated, slopes_of
from tests.lines import DOUBLE, F, rungs_of, stencil_of
from tests.oracles import Array

RATIO = 3.07
STEPS = RATIO ** -np.arange(31.0)
X = np.array([0.3127, -1.2871, 2.0413])
Sided = tuple[Array, Array, Array]


def seen(f: F, x: Array, rounding: float = 0.0) -> Rungs:
    return rungs_of(stencil_of(f, x, rounding=rounding))


@np.errstate(all="ignore")
def tableau(f: F, x: Array = X, which: int = 2) -> Sided:
    """Return extrapolated slopes to the left (0), to the right (1) or central (2): values, bars, and a step's own."""
    rungs = seen(f, x)
    *slopes, h, noise = slopes_of(rungs)
    return extrapolated(slopes[which], noise / h, h, RATIO, (2, 4) if which == 2 else (1, 2))


def view(f: F, x: Array = X, which: int = 2) -> View:
    return believed(*tableau(f, x, which)[:2])


def waves(number: int) -> tuple[Array, Array]:
    """Return places, and how fast a wave is at each."""
    return np.random.default_rng(0).uniform(-1, 1, number), np.geomspace(0.1, 300, number)


# --- What is differenced ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1.0, -1e8 / 3, 1e-30, 0.0])
def test_slopes_are_by_the_steps_that_were_represented(at: float) -> None:
    left, right, central, *_ = slopes_of(seen(lambda x: x, np.array([at])))
    np.testing.assert_allclose([left, right, central], 1, rtol=4 * DOUBLE)


def test_a_bend_is_central_to_steps_that_were_rounded_apart() -> None:
    """Numbers below 1 are twice as close as those above it, so that the shortest steps to both sides differ."""
    _, _, central, *_ = slopes_of(seen(lambda x: 1e16 * (x - 1) ** 2, np.ones(1)))
    assert np.all(np.abs(central[-3:]) < 1e-3)


@pytest.mark.parametrize(
    "f", [lambda x: np.exp(20 * x), lambda x: np.exp(-20 * x), lambda x: np.exp(-20 * x * x), lambda x: 1e-310 * x]
)
def test_the_rounding_of_f_is_that_of_the_largest_of_three_values(f: F) -> None:
    rungs = seen(f, np.zeros(1))
    noise = slopes_of(rungs)[-1][:, 0]
    largest = np.array([ulp(max(values)) for values in np.abs([*rungs.y[:, :, 0], np.full(31, f(np.zeros(1))[0])]).T])
    assert np.all(noise >= largest)
    assert np.all(noise <= 64 * largest)


@np.errstate(all="ignore")
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("at", [0.0, 1.0])
def test_what_is_infinite_on_one_side_is_no_noise_of_the_other(side: int, at: float) -> None:
    *_, noise = slopes_of(seen(lambda x: np.where(side * (x - at) > 0, np.inf, 3 + x), np.array([at])))
    assert np.all((noise > 3 * DOUBLE) & (noise < 64 * DOUBLE))


def test_where_x_is_rounded_inside_f_is_off_by_that() -> None:
    x = 1e6 * X
    rungs = seen(lambda x: np.sin(10 * (x * 0.1)), x)
    *_, noise = slopes_of(rungs)
    off = []
    for k, t in enumerate(STEPS[-5:].tolist()):
        for at, y in zip((x + t * np.abs(x)).tolist(), rungs.y[1, k - 5].tolist(), strict=True):
            off.append(abs(float(mpmath.sin(mpmath.mpf(at)) - y)))
    assert np.all(np.reshape(off, (5, 3)) <= noise[-5:])
    assert np.max(off) > 100 * DOUBLE  # by far more than by the rounding of a sine


def test_where_larger_terms_cancel_f_is_off_by_their_rounding() -> None:
    def f(x: Array) -> Array:
        return (x + 1e9) - 1e9

    rungs = seen(f, X, rounding=1e9)
    assert np.all(np.abs(f(X) - X) <= slopes_of(rungs)[-1])
    assert np.any(np.abs(f(X) - X) > slopes_of(seen(f, X))[-1])


@pytest.mark.parametrize("size", [0, 1, 2])
def test_any_number_of_entries_has_slopes_each_by_itself(size: int) -> None:
    values = np.array([np.exp(X[:size]), np.exp(X[:size])])
    for which in range(3):
        found = view(np.exp, X[:size], which)
        assert found.settled.tolist() == [True] * size
        np.testing.assert_allclose(found.value, values[0], rtol=1e-8)
    rungs = seen(np.exp, X).subset(np.arange(size))
    assert rungs.y.tolist() == seen(np.exp, X[:size]).y.tolist()


# --- Extrapolated -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("orders", "powers"), [((1, 2), (1, 2)), ((2, 4), (2, 4))])
def test_what_is_left_out_of_a_slope_is_extrapolated_away(orders: tuple[int, int], powers: tuple[int, int]) -> None:
    h = STEPS[:6, None] * np.ones(2)
    slope = np.array([3.0, -1e-5]) + 0.7 * h ** powers[0] - 0.2 * h ** powers[1]
    value, _, own = extrapolated(slope, 0 * h, h, RATIO, orders)
    np.testing.assert_allclose(value[3:], np.broadcast_to([3.0, -1e-5], (3, 2)), atol=1e-13)
    assert np.isnan(value[0]).all()  # one slope alone says nothing of its error
    assert np.all(own[3:] < own[2])


@pytest.mark.parametrize("power", [1.4, 1.5, 1.7, 2.5, 3.5])
def test_the_bar_holds_for_powers(power: float) -> None:
    value, bar, _ = tableau(lambda x: np.abs(x) ** power, np.zeros(1), which=1)
    assert np.all(np.abs(value[1:]) <= bar[1:])


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("large", [0.0, 1e3])
def test_what_is_believed_holds_for_waves(which: int, large: float) -> None:
    x, rate = waves(500)
    found = view(lambda x: large + np.sin(rate * x), x, which)
    truth = rate * np.cos(rate * x)
    assert np.all(np.abs(found.value - truth) <= found.bar + 4 * DOUBLE * np.abs(truth))
    assert np.median(found.bar / np.abs(truth)) < 1e-7


def test_two_extrapolated_slopes_that_agree_by_chance_are_no_sharper_by_far() -> None:
    """As they do somewhere beside a joint, at which the third derivative leaps."""
    x, _ = waves(3000)
    rng = np.random.default_rng(1)
    joint, leap = x + 10 ** rng.uniform(-6, -2, x.size) * rng.choice([-1, 1], x.size), 10 ** rng.uniform(-3, 0, x.size)
    found = view(lambda x: np.exp(x) + leap * np.maximum(x - joint, 0) ** 3, x, which=0)
    truth = np.exp(x) + 3 * leap * np.maximum(x - joint, 0) ** 2
    assert np.all(np.abs(found.value - truth) <= found.bar)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_noise_that_is_not_known_widens_the_bars(which: int) -> None:
    """Here f moves by last bits of 45, which cancel, and stands still between: the finest steps agree by chance."""
    x, rate = waves(1000)
    found = view(lambda x: (np.sin(rate * x) + 45) - 45, x, which)
    truth = rate * np.cos(rate * x)
    assert np.all(np.abs(found.value - truth) <= found.bar)
    assert np.median(found.bar / np.abs(truth)) < 1e-7


def test_noise_widens_a_bar_but_not_what_a_step_has_of_its_own() -> None:
    _, bar, own = tableau(lambda x: np.sin(x) + 1e-9 * np.sin(1e15 * x))
    assert np.all(np.median(bar[10:-10] / own[10:-10], axis=0) > 2)


def test_steps_at_which_f_is_not_finite_leave_the_others_alone() -> None:
    """A logarithm has no value a whole step to the left, and its last values settle."""
    found = tableau(np.log, np.array([0.25]))
    assert not np.isfinite(found[1][:3]).any()
    assert np.isfinite(found[1][3:]).all()
    np.testing.assert_allclose(view(np.log, np.array([0.25])).value, 4, rtol=1e-9)


@np.errstate(all="ignore")
def test_short_steps_at_which_f_is_not_finite_leave_the_longer_ones_alone() -> None:
    """As where what is divided by underflows."""

    def f(x: Array) -> Array:
        power = (x - X) ** 30
        return np.where(x == X, np.sin(x), np.sin(x) * (power / power))

    found = view(f)
    assert not np.isfinite(f(X + 1e-12)).any()
    assert np.all(np.abs(found.value - np.cos(X)) <= found.bar)
    assert np.all(found.bar < 1e-9)


# --- Believed ---------------------------------------------------------------------------------------------------------


def chosen(values: list[float], bars: list[float]) -> tuple[float, float, int]:
    found = believed(np.array([values]).T, np.array([bars]).T)
    return float(found.value[0]), float(found.bar[0]), int(found.best[0])


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "bars", "best"),
    [
        ([1.0, 1.1, 1.3], [0.1, 0.2, 0.5], 0),  # all agree: the narrowest, which is the coarsest here
        ([5.0, 1.1, 1.3], [0.1, 0.2, 0.5], 1),  # the coarsest does not agree with what is finer
        ([1.2, 5.0, 1.3], [0.1, 0.2, 0.5], 2),  # and beyond one that does not, none is believed
        ([-5.0, 0.9, 0.7], [0.1, 0.2, 0.5], 1),
        ([1.0, NAN, 1.3], [0.1, NAN, 0.5], 0),
        ([NAN, 1.1, NAN], [NAN, 0.2, NAN], 1),
        ([1.0, 1.1, 1.3], [np.inf, 0.2, np.inf], 1),
        ([7.0], [0.5], 0),
    ],
)
def test_the_narrowest_is_believed_of_those_that_agree_with_all_finer_ones(
    values: list[float], bars: list[float], best: int
) -> None:
    assert chosen(values, bars) == (values[best], bars[best], best)


def test_without_any_bar_nothing_is_settled() -> None:
    assert not believed(np.full((4, 2), NAN), np.full((4, 2), NAN)).settled.any()
    assert believed(np.zeros((4, 0)), np.zeros((4, 0))).settled.size == 0


# --- Bent, or creeping ------------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def bent(f: F, x: Array, which: int) -> list[bool]:
    found = tableau(f, x, which)
    return [bool(each) for each in bends(found, believed(*found[:2]))]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_corner_that_is_round_over_a_few_numbers_is_bent_and_a_kink_is_not(which: int, sign: int) -> None:
    x = np.ones(1)
    for width in (3e-14, 1e-13, 1e-12):
        assert bent(lambda x, width=width: 1 + sign * np.hypot(x - 1, width), x, which) == [True]  # type: ignore[misc]
    assert bent(lambda x: 1 + sign * np.abs(x - 1), x, which) == [False]
    assert bent(np.exp, X, which) == [False] * 3


@pytest.mark.parametrize("which", [0, 1])
def test_slopes_that_have_not_settled_are_not_bent(which: int) -> None:
    """A root grows over all steps, of which those over 1e-12 have no value here."""

    def f(x: Array) -> Array:
        return np.where(np.abs(x - X) < 1e-12, np.sqrt(np.abs(x - X)), np.nan)

    assert bent(f, X, which) == [False] * 3


def test_the_slopes_of_a_power_near_1_creep() -> None:
    """That of x^1.04 at 0 is 0, and at the finest step still a quarter; that of x^0.96 is infinite."""
    rounded = np.random.default_rng(0).uniform(-1, 1, (31, 1000))
    with np.errstate(all="ignore"):
        slope = STEPS[:, None] ** np.array([0.04, 0.04, -0.04, 0.5, -0.5, 0])
        slope[:, 1] += 5 * STEPS  # which is something else from longer steps
        noisy = creeping(rounded), creeping(rounded / STEPS[:, None])
        assert creeping(slope).tolist() == [True, True, True, False, False, False]
        assert creeping(-np.log(STEPS)[:, None]).tolist() == [True]
    assert not np.any(noisy)  # two changes are alike by chance, and not six
