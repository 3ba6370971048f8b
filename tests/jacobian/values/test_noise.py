"""The precision that f works in, and the rounding inside: told from what cancels, stands still, ends or is whole."""

from collections.abc import Callable

import numpy as np
import pytest

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
