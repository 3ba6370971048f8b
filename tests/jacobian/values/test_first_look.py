"""Every entry at first sight: how many calls it takes, that bars hold, and at which entries a ladder looks again."""

import tracemalloc

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, first_look
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from tests.lines import DOUBLE, SINGLE, F, looked_at
from tests.oracles import Array

MANY = np.random.default_rng(0).uniform(0.5, 2, 20)  # more inputs of an output than are looked at by six values each


def dense(rows: int, columns: int) -> Pattern:
    return Pattern.from_pairs(
        np.arange(rows * columns) // columns, np.arange(rows * columns) % columns, (rows,), (columns,)
    )


def look(
    f: F,
    x: Array,
    pattern: Pattern | None = None,
    epsilon: float = DOUBLE,
    sharp: bool = False,
    contradicts: Contradicts | None = None,
) -> FirstLook:
    """Look at an element-wise function, or at one of another pattern."""
    box, index = BlackBox(f, x), np.arange(x.size)
    pattern = pattern or Pattern.from_pairs(index, index, x.shape, x.shape)
    near = Neighbourhood(box, x, epsilon, Magnitudes(box.y0.size), sharp=sharp)
    colors, number = color_columns(pattern.rows, pattern.indices, x.size)
    box.evaluations = 0
    return first_look(near, pattern, colors, number, contradicts)


def calls(found: FirstLook) -> int:
    return found.near.box.evaluations


def summed(x: Array) -> Array:
    return np.array([np.sin(x).sum(), np.exp(x).sum()])


def slopes(x: Array) -> Array:
    return np.concatenate([np.cos(x), np.exp(x)])


def holds(found: FirstLook, truth: Array) -> bool:
    return bool(np.all(np.abs(found.jacobian.data - truth) <= found.bar + 4 * DOUBLE * np.abs(truth)))


@pytest.mark.parametrize("size", [0, 1, 300])
def test_one_color_takes_six_calls(size: int) -> None:
    x = np.linspace(-2, 3.1, size)
    found = look(np.sin, x)
    assert calls(found) == 6
    assert holds(found, np.cos(x))
    assert not found.wide.any()
    assert found.closing.all()


def test_one_color_takes_little_memory() -> None:
    x = np.linspace(-2, 3.1, 200000)
    tracemalloc.start()
    look(np.sin, x)
    assert tracemalloc.get_traced_memory()[1] < 15 * x.nbytes
    tracemalloc.stop()


@pytest.mark.parametrize(("number", "each"), [(2, 6), (16, 6), (17, 3), (20, 3)])
def test_few_colors_take_six_calls_each_and_many_take_three(number: int, each: int) -> None:
    x = MANY[:number]
    found = look(summed, x, dense(2, number))
    assert calls(found) == each * number
    assert holds(found, slopes(x))
    assert not found.wide.any()


def test_bars_that_are_to_be_sharp_take_six_as_those_of_single_precision_do() -> None:
    found, sharp = look(summed, MANY, dense(2, 20)), look(summed, MANY, dense(2, 20), sharp=True)
    assert calls(sharp) == 120
    assert np.all(sharp.bar < found.bar)

    def single(x: Array) -> Array:
        return summed(x.astype(np.float32)).astype(np.float64)

    inside = look(single, MANY.astype(np.float32).astype(np.float64), dense(2, 20), epsilon=SINGLE)
    assert calls(inside) == 120
    assert np.all(np.abs(inside.jacobian.data - slopes(MANY)) <= inside.bar + 1e-6)


def test_six_values_are_asked_where_three_leave_a_bar_wide() -> None:
    def f(x: Array) -> Array:
        return np.asarray(summed(x) + np.abs(x[7] - MANY[7]) * np.array([1, 0]))

    found = look(f, MANY, dense(2, 20))
    assert calls(found) == 60 + 6
    others = np.arange(40) != 7
    assert np.all(np.abs(found.jacobian.data - slopes(MANY))[others] <= found.bar[others])
    assert not found.closing[7] or found.wide[7]


def test_six_values_are_asked_where_somebody_contradicts_three() -> None:
    claim = slopes(MANY)
    claim[[3, 23, 31]] *= 1 + 1e-6

    def contradicts(places: Array | slice, value: Array, bar: Array) -> Array:
        return np.asarray(np.abs(claim[places] - value) > bar)

    found = look(summed, MANY, dense(2, 20), contradicts=contradicts)
    assert calls(found) == 60 + 6 * 2  # of the inputs 3, by which two entries are asked, and 11
    assert np.all(found.bar[[3, 23, 31]] < 2e-10)  # rounding does less over their longer steps
    assert holds(found, slopes(MANY))


@pytest.mark.parametrize("number", [3, 20])
@pytest.mark.parametrize("seed", range(5))
def test_the_bars_allow_for_what_rounding_does_to_large_terms_of_the_same_output(number: int, seed: int) -> None:
    """Here each term is added to 1e6 times the first."""
    x, weights = MANY[:number] + 1e-3 * seed, np.where(np.arange(number) == 0, 1e6, 1.0)
    found = look(lambda at: np.array([np.cumsum(weights * at)[-1] - 1e6 * x[0]]), x, dense(1, number))
    assert holds(found, weights)
    assert np.median(found.bar) < 2e-5


def test_three_values_may_have_bars_that_are_wider_for_they_allow_for_leaps_of_derivatives() -> None:
    found = look(lambda x: np.array([np.sin(3 * x).sum() / 3]), MANY, dense(1, 20))
    assert calls(found) == 60
    assert holds(found, np.cos(3 * MANY))


def test_six_values_have_no_such_leave() -> None:
    def denied(places: Array | slice, *_: Array) -> Array:
        return np.asarray((np.arange(20) == 7)[places])

    found = look(lambda x: np.array([np.sin(x).sum() + np.sin(16 * x[7]) / 16]), MANY, dense(1, 20), contradicts=denied)
    assert calls(found) == 60 + 6
    assert np.flatnonzero(found.wide).tolist() == [7]
    assert holds(found, np.cos(MANY) + np.where(np.arange(20) == 7, np.cos(16 * MANY), 0))


def sizes(f: F, x: list[float]) -> list[float]:
    """Return the sizes of an output by each of its inputs, which are rounded up to a sixteenth."""
    found: list[float] = look(f, np.array(x), dense(1, len(x))).size[:].tolist()
    return found


def test_the_size_of_an_output_is_that_of_its_values_and_of_the_largest_slope_of_its_row() -> None:
    assert 0 < sizes(lambda x: x**2, [0.0])[0] < 0.01  # not 0, for it moves
    assert 0.5 <= sizes(lambda x: np.cos(x) / 2, [0.0])[0] <= 0.54
    assert 1 <= sizes(lambda x: 1e12 + np.sin(x) / 2, [1.0])[0] <= 1.07  # whatever is added
    for size, expected in zip(
        sizes(lambda x: np.array([3e3 * x[0] + np.cos(x[1])]), [0.0, 100.0]), (3e3, 30), strict=True
    ):
        assert expected <= size <= 1.07 * expected


def test_a_bar_is_wide_against_that_size() -> None:
    assert look(lambda x: 1e12 + np.sin(x), np.ones(1)).wide.tolist() == [True]
    assert look(lambda x: 1e12 * x, np.ones(1)).wide.tolist() == [False]
    assert look(lambda x: 1e-315 * np.sin(x), np.ones(1)).wide.tolist() == [False]
    assert look(np.zeros_like, np.ones(1)).wide.tolist() == [False]


def test_a_small_slope_needs_a_bar_that_is_narrow_beside_that_size_alone() -> None:
    x = np.array([1.0, 1.3])
    small = look(lambda x: np.array([x[0] + 1e-9 * np.sin(x[1])]), x, dense(1, 2))
    assert small.bar[1] > 1e-13
    assert not small.wide.any()


def test_where_sides_do_not_close_in_there_is_a_kink_unless_rounding_hides_it() -> None:
    assert look(np.abs, np.array([0.0, 1.0])).closing.tolist() == [False, True]
    found = look(lambda x: np.array([np.abs(x[0]) + 1e20 * x[1]]), np.array([0.0, 1.0]), dense(1, 2))
    assert found.closing.tolist() == [True, True]


def test_there_is_no_derivative_where_x_or_f_is_not_finite() -> None:
    x = np.array([1.0, np.nan, -1.0, np.inf, 2.0])
    with np.errstate(all="ignore"):
        found = look(lambda x: np.where(np.isnan(x), 5.0, np.log(x)), x)
        bounded = look(np.tanh, x)
    assert found.finite(slice(0, 5)).tolist() == [True, False, False, False, True]
    assert found.finite(slice(1, 3)).tolist() == [False, False]
    assert bounded.finite(slice(0, 5)).tolist() == [True, False, True, False, True]


def test_a_slope_of_0_beside_a_large_constant_is_looked_at_again_where_its_bar_would_be_too_wide() -> None:
    """As the radius of the Earth at the equator, by the latitude, beside the slope 1 by the height."""
    first = looked_at(lambda x: np.asarray([6378137 * np.cos(np.radians(x[0])) + x[1]]), np.zeros(2))
    assert 1e-6 < first.bar[0] < 1e-5
    assert first.wide.tolist() == [True, False]
