"""The precision that f works in, and the rounding inside: told from what cancels, stands still, ends or is whole."""

from collections.abc import Callable

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.noise import rounding_noise, significant_epsilon
from tests.oracles import Array

F = Callable[[Array], Array]
DOUBLE, SINGLE, HALF, BRAIN = 2.0**-52, 2.0**-23, 2.0**-10, 2.0**-7
X = np.array([0.3127, -1.2871, 2.0413, 0.7])


def epsilon(f: F, x: Array = X, parts: tuple[slice, ...] = ()) -> float:
    return significant_epsilon(BlackBox(f, x), x, parts)


def noise(f: F, x: Array = X) -> Array:
    return rounding_noise(BlackBox(f, x), x)[:]


def brain(x: Array) -> Array:
    """Round to bfloat16: single precision without its last 16 bits."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return np.asarray(((bits + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32), np.float64)


def single(x: Array) -> Array:
    return np.asarray(np.sin(x.astype(np.float32)), np.float64)


def half(x: Array) -> Array:
    return np.asarray(np.sin(x.astype(np.float16)), np.float64)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.sin, DOUBLE),
        (single, SINGLE),
        (half, HALF),
        (lambda x: brain(np.sin(brain(x))), BRAIN),
        (lambda x: half(x) * np.array([1.0, 1 / 3, 0.1, np.pi]), HALF),
        (lambda x: np.sin(x.astype(np.float32)), SINGLE),
        (lambda x: np.floor(10 * x), DOUBLE),  # whole numbers fit in every precision
        (np.abs, DOUBLE),
    ],
)
def test_the_precision_is_that_in_which_f_works(f: F, expected: float) -> None:
    assert epsilon(f) == expected


@pytest.mark.parametrize("scale", [1e-6, 1 / 3, 1e6])
@pytest.mark.parametrize("seed", range(10))
def test_half_precision_is_told_where_f_hardly_rises_too(seed: int, scale: float) -> None:
    x = 3 * np.random.default_rng(seed).standard_normal(6)
    assert epsilon(lambda x: np.tanh(x.astype(np.float16)).astype(np.float64) * scale, x) == HALF
    assert epsilon(lambda x: brain(np.tanh(brain(x))) * scale, x) == BRAIN


def test_half_precision_is_told_where_all_outputs_read_all_inputs() -> None:
    weights = np.random.default_rng(1).standard_normal((5, 4))
    assert epsilon(lambda x: brain(brain(weights) @ brain(x)) / 3) == BRAIN
    assert epsilon(lambda x: (weights @ x).astype(np.float16) / 3.0) == HALF


def test_what_cancels_to_a_few_bits_and_to_nothing_beyond_is_no_half_precision() -> None:
    assert epsilon(lambda x: np.log(np.exp(x) / (np.exp(x) + 1)), np.array([31.0])) <= SINGLE
    assert epsilon(lambda x: half(np.minimum(x, 2.3)) / 3, np.array([2.2])) == HALF  # which stands still beyond


@pytest.mark.parametrize("seed", range(5))
def test_leaps_of_f_are_no_half_precision(seed: int) -> None:
    """As of a table that is looked up, or of a sum of thresholds."""
    rng = np.random.default_rng(seed)
    thresholds, heights = np.sort(rng.uniform(0, 1, 9)), rng.standard_normal(9)
    x = thresholds[rng.integers(0, 9, 5)] + 1e-7 * rng.uniform(0.5, 1.5, 5)
    f: F = lambda x: np.asarray(((x[:, None] > thresholds) * heights).sum(1))  # noqa: E731
    assert epsilon(f, x) < HALF
    report = jacinspect.inspect(f, x, lambda x: 0 * x)
    assert report.verdict != "fail", report.findings


@pytest.mark.parametrize("seed", range(4))
def test_a_sum_of_weighted_thresholds_is_no_half_precision(seed: int) -> None:
    """Its few values are no further apart than those of half precision, and on no grid."""
    rng = np.random.default_rng(seed)
    x, thresholds, heights = 3 * rng.normal(size=6), 3 * rng.normal(size=40), np.abs(3 * rng.normal(size=40))
    f: F = lambda x: np.array([np.sum((x[:, None] > thresholds) * heights)])  # noqa: E731
    assert epsilon(f, x) < HALF
    assert jacinspect.inspect(f, x, lambda x: np.zeros((1, 6))).verdict != "fail"
    assert epsilon(lambda x: brain(np.array([np.sum(x)])) / 3, x) == BRAIN  # whose values are few too


@pytest.mark.parametrize("seed", range(4))
def test_leaps_on_a_grid_are_no_half_precision(seed: int) -> None:
    """As of densities, that are counted, and of what is rounded to a decimal digit."""
    rng = np.random.default_rng(seed)
    directions, x = rng.normal(size=(30, 20)), rng.normal(size=20)
    density: F = lambda x: np.histogram(directions @ x, bins=8, range=(-4, 4))[0] / 30.0  # noqa: E731
    assert epsilon(density, x) < HALF
    assert epsilon(lambda x: np.floor(10 * x) / 10, x) < HALF
    assert jacinspect.inspect(density, x, lambda _: np.zeros((8, 20))).verdict != "fail"


def test_a_sine_of_bfloat16_is_in_half_precision() -> None:
    """A bfloat16 has few values within the steps, which no grid holds once a sine is taken of them."""
    found = [epsilon(lambda x: np.sin(brain(x)), 0.3 + 3.7 * np.random.default_rng(k).random(2)) for k in range(25)]
    assert found.count(BRAIN) >= 21  # and 19, where eight values are asked for


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_what_is_saturated_in_half_precision_is_in_it(scale: float) -> None:
    """Of a peaked softmax, one output does not move, others are 0, and the least that is not has a few values."""
    x = 10 * np.random.default_rng([409, 100]).standard_normal(6)

    def f(x: Array) -> Array:
        exponentials = np.exp((x - x.max()).astype(np.float16).astype(float))
        return np.asarray((exponentials / exponentials.sum()).astype(np.float16).astype(float) * scale)

    assert epsilon(f, x) >= HALF


def test_digits_that_are_printed_are_no_half_precision() -> None:
    printed = np.vectorize(lambda x: float(f"{x:.5e}"), otypes=[float])
    for seed in range(5):
        assert epsilon(lambda x: printed(np.sin(x)), 10 * np.random.default_rng(seed).standard_normal(6)) <= SINGLE


@pytest.mark.parametrize("size", [131_071, 300_000])
def test_many_outputs_are_told_by_some(size: int) -> None:
    x = np.random.default_rng(0).standard_normal(size)
    assert epsilon(lambda x: half(x) / 3, x) == HALF


@pytest.mark.parametrize("f", [single, half, lambda x: brain(np.sin(brain(x)))])
def test_what_it_is_multiplied_by_afterwards_hides_no_precision(f: F) -> None:
    assert epsilon(lambda x: f(x) / 3) == epsilon(f)


def test_what_cancels_has_few_bits_and_is_no_half_precision() -> None:
    assert epsilon(lambda x: (1e6 + x) - 1e6) == DOUBLE
    assert epsilon(lambda x: 1 - np.cos(x), 1e-7 * X) <= SINGLE  # which moves in steps, of 8 bits by chance


def test_half_precision_shows_half_a_unit_away_as_well() -> None:
    """At 1e-11, 1 + x rounds x to a few bits; at 0.5 it does not."""
    assert epsilon(lambda x: ((1 + x) - 1) / 3, 1e-11 * X) < HALF
    assert epsilon(lambda x: half(x) / 3, 1e-3 * X) == HALF


def test_infinite_operands_and_zeros_are_stepped_over() -> None:
    assert (
        epsilon(lambda x: single(np.where(np.isfinite(x), x, 1)), np.array([0.0, np.inf, np.nan, 0.4, -2.1])) == SINGLE
    )
    assert epsilon(lambda x: half(x + 0.1) / 3, np.zeros(4)) == HALF


@pytest.mark.parametrize("shape", [(), (2, 2)])
def test_an_operand_may_have_any_number_of_axes(shape: tuple[int, ...]) -> None:
    x = np.resize(X, shape)
    assert epsilon(np.sin, x) == DOUBLE
    assert epsilon(lambda x: single(x) / 3, x) == SINGLE
    assert (noise(np.sin, x) <= 4 * DOUBLE).all()


def test_the_precision_with_one_part_is_that_of_all() -> None:
    def f(x: Array) -> Array:
        return np.concatenate([np.sin(x[:4]), single(x[4:]) / 3])

    x = np.concatenate([X, X[::-1]])
    assert epsilon(f, x, (slice(0, 4), slice(4, 8))) == SINGLE
    assert epsilon(np.sin, x, (slice(0, 4), slice(4, 8))) == DOUBLE
    assert epsilon(np.floor, x, (slice(0, 4), slice(4, 8))) == DOUBLE


def test_the_noise_of_one_rounding_is_a_few_last_bits() -> None:
    assert (noise(np.sin) <= 4 * DOUBLE * np.abs(np.sin(X))).all()


@pytest.mark.parametrize("large", [1e3, 1e6, 1e9])
def test_the_noise_is_that_of_the_terms_that_cancel(large: float) -> None:
    seen = noise(lambda x: (large + np.sin(x)) - large)
    assert (seen >= DOUBLE * large / 8).all()
    assert (seen <= 4 * DOUBLE * large).all()


def test_what_works_in_single_precision_is_as_noisy() -> None:
    """Over the shorter steps it does not move at all."""
    seen = noise(lambda x: single(x) / 3)
    assert (seen >= SINGLE / 128).all()
    assert (seen <= SINGLE).all()


def test_a_kink_or_an_end_at_x_is_no_noise() -> None:
    assert (noise(lambda x: np.abs(x - X)) <= 4 * DOUBLE * np.abs(X)).all()
    assert noise(lambda x: np.where(x >= X, x, np.nan)).tolist() == [0, 0, 0, 0]


def test_values_that_are_all_multiples_of_a_granule_show_it() -> None:
    """Also where a fifth difference is 0 by chance; what does not move has none, however few its bits are."""
    x = 1e-14 * np.arange(1.0, 400.0)
    assert (noise(lambda x: (1 + x) - 1, x) >= DOUBLE / 4).all()
    assert noise(lambda x: np.floor(X) / 8).tolist() == [0, 0, 0, 0]
    assert noise(np.zeros_like).tolist() == [0, 0, 0, 0]


def test_a_granule_hides_no_larger_noise_and_a_value_of_0_none() -> None:
    x = np.linspace(0.1, 1, 400)
    seen = noise(lambda x: ((1e9 + np.sin(x)) - 1e9) + ((64 + x) - 64), x)
    assert np.median(seen) >= DOUBLE * 1e9 / 8
    assert (noise(lambda x: (1 + x) - 1, np.zeros(400)) >= DOUBLE / 4).all()


def test_beside_an_end_the_noise_is_that_of_shorter_steps() -> None:
    x = np.linspace(0.1, 1, 400)
    seen = noise(lambda at: np.where(np.abs(at - x) < 1e-9, ((64 + at) - 64) / 3, np.nan), x)
    assert np.median(seen) >= DOUBLE * 64 / 30


def test_an_infinite_value_has_no_granule() -> None:
    assert noise(lambda x: np.where(x > X, np.inf, 0)).tolist() == [0, 0, 0, 0]


def test_infinite_operands_stay_what_they_are() -> None:
    def f(x: Array) -> Array:
        assert x[1] == np.inf
        return np.sin(np.where(np.isfinite(x), x, 1))

    assert epsilon(f, np.array([0.3, np.inf, 0.4, -2.1])) == DOUBLE
    assert (noise(f, np.array([0.3, np.inf, 0.4, -2.1])) <= 4 * DOUBLE).all()


def test_half_precision_shows_where_f_is_0_half_a_unit_away_but_moves() -> None:
    x = np.array([0.8127])
    assert epsilon(lambda at: half(at) - half(x + 0.5), x) >= HALF


def test_half_precision_elsewhere_is_none_here() -> None:
    assert epsilon(lambda x: np.where(np.abs(x - X) < 0.1, single(x), half(x)) / 3) == SINGLE


def test_the_coarser_of_two_precisions_is_that_of_the_values() -> None:
    """What has 8 bits, as of bfloat16, may stand still over the steps of float16, which has more."""
    assert epsilon(lambda x: brain(np.sin(x))) == BRAIN


@pytest.mark.parametrize(
    ("f", "calls"),
    [
        (np.sin, 2),
        (np.floor, 0),
        (lambda x: np.sin(x).astype(np.float32), 0),
        (lambda x: np.where(x < X, X, np.sin(x)), 2),
        (lambda x: np.where(x < 1, 1 / 3, np.sin(x)), 9),
        (lambda x: np.where(x > X, X, x), 10),
        (lambda x: single(x) / 3, 12 + 5 + 1 + 1),
        (lambda x: brain(np.sin(x)), 12 + 5 + 1 + 1 + 2 * 28),
    ],
)
def test_a_few_calls_show_that_f_is_precise(f: F, calls: int) -> None:
    box = BlackBox(f, X)
    significant_epsilon(box, X)
    assert box.evaluations == 2 + calls


@pytest.mark.parametrize("unit", [1.0, 3.4e-4, 3.4e-9, 3.4e8])
@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda u: u - np.log(u), 1.0),
        (lambda u: (1 - np.exp(-1.44 * (u - 0.74))) ** 2, 0.74),
        (lambda u: 4 * (u**-12 - u**-6), 2 ** (1 / 6)),
    ],
)
def test_at_an_extremum_f_is_as_precise_as_elsewhere(f: F, at: float, unit: float) -> None:
    """It rises over long steps, more to one side than to the other, and short ones do not move it."""
    x = np.array([at * unit])
    assert significant_epsilon(BlackBox(lambda x: f(x / unit), x), x) == DOUBLE
    beside = 1.5 * x
    assert significant_epsilon(BlackBox(lambda x: single(3 + f(x / unit)) / 3, beside), beside) == SINGLE


@pytest.mark.parametrize("width", [1e-7, 1e-5, 1e-3])
@pytest.mark.parametrize("beyond", [np.abs, lambda h: np.maximum(h, 0), lambda h: h * h])
def test_a_dead_zone_around_x_is_no_rounding_to_few_bits(beyond: F, width: float) -> None:
    x = np.array([1.0, -2.5])

    def f(u: Array) -> Array:
        return beyond(np.sign(u - x) * np.maximum(np.abs(u - x) - width, 0))

    assert significant_epsilon(BlackBox(f, x), x) == DOUBLE
    assert significant_epsilon(BlackBox(lambda u: f(single(u)) / 3, x), x) == SINGLE


@pytest.mark.parametrize("number", [3, 20])
@pytest.mark.parametrize("at", [-0.5, 0.75])
def test_many_inputs_that_are_rounded_hardly_move_at_once(number: int, at: float) -> None:
    """A number that single precision has is half a spacing away from its next move, and others are nearer."""
    x = np.full(number, at)
    weights = np.random.default_rng(0).normal(size=(4, number))
    assert significant_epsilon(BlackBox(lambda u: weights @ u.astype(np.float32).astype(float) ** 2, x), x) == SINGLE


def test_outputs_that_move_at_x_say_nothing_of_those_that_do_not() -> None:
    """Of three in single precision, which end before they are seen farther on, beside two in double."""
    x = np.array([0.8, 0.75, 0.9])

    def f(u: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.concatenate([np.arcsin(u.astype(np.float32)).astype(float) / 3, np.exp(u[:2])])

    assert significant_epsilon(BlackBox(f, x), x) == SINGLE


def test_of_dead_zones_beside_what_never_moves_those_count_alone() -> None:
    x = np.array([1.0])

    def f(u: Array) -> Array:
        return np.concatenate([np.maximum(u - x - 1e-5, 0), np.full(5, 1 / 3)])

    assert significant_epsilon(BlackBox(f, x), x) == DOUBLE


def test_a_kink_beside_what_never_moves_is_no_rounding_to_few_bits() -> None:
    x = np.array([1.0])
    assert epsilon(lambda u: np.concatenate([np.minimum(u, x), np.full(5, 1 / 3)]), x) == DOUBLE


def test_where_f_ends_before_it_is_seen_farther_on_few_bits_remain_few() -> None:
    x = np.array([0.8])
    with np.errstate(all="ignore"):
        rounded = BlackBox(lambda u: np.arcsin(u.astype(np.float32)).astype(np.float64) / 3, x)
        assert significant_epsilon(rounded, x) == SINGLE


@pytest.mark.parametrize(("logit", "at"), [(30.0, 1.3), (31.0, 0.7), (31.0, 1.3), (31.5, 0.7)])
def test_what_is_left_of_larger_outputs_is_in_no_half_precision(logit: float, at: float) -> None:
    """The values of a saturated gate's rest are as far apart as those of half precision, and it has lost its digits."""
    x = np.array([at])

    def saturated(x: Array) -> Array:
        return np.array([np.tanh(20 + x[0]), 1 - 1 / (1 + np.exp(-logit - x[0]))])

    assert significant_epsilon(BlackBox(saturated, x), x) <= SINGLE
