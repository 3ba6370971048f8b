"""Whether what is far below the last bit of 1 has lost such bits: an entropy has, and powers have not."""

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.last_bits import last_bits_lost
from jacinspect.jacobian.values.stencil import Stencil
from tests.lines import F, stencil_of
from tests.oracles import Array

TINY = np.array([1e-16, 4e-16, 7e-17])


def lost(f: F, slope: Array, x: Array = TINY) -> list[bool]:
    found: list[bool] = last_bits_lost(stencil_of(f, x), slope).tolist()
    return found


@np.errstate(all="ignore")
def entropy(p: Array) -> Array:
    """Return -p log p - (1 - p) log(1 - p), of which the last term is p while that is small, and 0 here."""
    return np.asarray(-p * np.log(p) - (1 - p) * np.log(1 - p))


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-5])
@pytest.mark.parametrize("p", [1e-15, 2e-16, 1e-16, 1e-19, 1e-30, 1e-100, 1e-200])
def test_an_entropy_has_lost_what_a_probability_adds_that_rounds_to_1(p: float, scale: float) -> None:
    x = np.array([p])
    assert lost(lambda x: scale * entropy(x), scale * (-np.log(x) - 1), x) == [True]


def test_hardly_any_is_missed_for_places_that_are_rounded_alike() -> None:
    x = 10 ** np.random.default_rng(0).uniform(-40, -15.1, 400)
    assert np.count_nonzero(lost(entropy, -np.log(x) - 1, x)) >= 396
    assert np.count_nonzero(lost(lambda x: 3 * x + ((1 + x) - 1), np.full(400, 3.0), x)) >= 350


@pytest.mark.parametrize("logit", [0.0, 0.3, -60.0])
@pytest.mark.parametrize("other", [37.0, 60.0, 100.0])
def test_an_entropy_of_logits_has_lost_it_as_well(logit: float, other: float) -> None:
    """It grows as an exponential does: |f / f'| is 1 as far away as it has risen."""

    def f(x: Array) -> Array:
        return entropy(np.exp(x - other) / (1 + np.exp(x - other)))

    x = np.array([logit])
    assert lost(f, (other - x) * np.exp(x - other), x) == [True]


@pytest.mark.parametrize("sign", [-1, 1])
def test_on_either_side_of_0_and_with_slopes_of_either_sign(sign: int) -> None:
    x = np.array([-3e-16, 2e-16])
    assert lost(lambda x: sign * (x**2 * 3e15 + ((1 + x) - 1)), sign * 6e15 * x, x) == [True, True]


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.sin, np.cos),
        (np.expm1, np.exp),
        (lambda x: np.exp(3 * np.log(x) + 84), lambda x: 3 * np.exp(3 * np.log(x) + 84) / x),
        (lambda x: np.exp(1e16 * x - 40), lambda x: 1e16 * np.exp(1e16 * x - 40)),
        (lambda x: -x, lambda x: -np.ones_like(x)),
        (lambda x: x**3 * 1e31, lambda x: 3e31 * x**2),
        (lambda x: np.sqrt(x) * 1e-7, lambda x: 0.5e-7 / np.sqrt(x)),
        (lambda x: x * np.log(np.abs(x)), lambda x: np.log(np.abs(x)) + 1),
        (lambda x: x / (1 + x), lambda x: 1 / (1 + x) ** 2),
    ],
)
def test_what_rises_smoothly_has_lost_nothing(f: F, slope: F) -> None:
    with np.errstate(all="ignore"):
        assert lost(f, slope(TINY)) == [False, False, False]


def test_a_sum_of_terms_of_size_1_has_the_slope_that_it_has_farther_on() -> None:
    """As of an entry of pinv(A) @ x that is 0 by symmetry: its last bits are those of 1, and it rises as a line."""
    x = np.array([3.0, 7.0])
    assert lost(lambda x: (0.1 * x - 0.1 * np.array([3.0, 7.0])) + 4e-16, np.full(2, 0.1), x) == [False, False]


@pytest.mark.parametrize("largest", np.linspace(23, 27, 5))
def test_a_faint_part_of_a_small_whole_moves_by_far_less_than_last_bits_of_1(largest: float) -> None:
    """As a softmax of logits far apart, in units of 1e-6: it bends where another becomes the largest."""

    def f(x: Array) -> Array:
        logits = np.stack([np.full_like(x, 8.65), np.full_like(x, 19.9), x])
        e = np.exp(logits - logits.max(axis=0))
        return np.asarray(1e-6 * e[0] / e.sum(axis=0))

    x = largest + np.linspace(0, 1, 50)
    assert not any(lost(f, -f(x) / (1 + np.exp(19.9 - x)), x))


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_a_few_digits_of_what_rises_are_its_own_last_bits(digits: int) -> None:
    def printed(x: Array) -> Array:
        return np.array([float(f"{each * each:.{digits}g}") for each in x.tolist()])

    x = np.array([1.037e-9, 8.29e-13])
    assert lost(printed, 2 * x, x) == [False, False]


def test_what_stays_far_below_the_last_bit_of_1_shows_nothing() -> None:
    """Its steps are its own."""
    x = np.array([0.5, -0.7])
    assert lost(lambda x: 2e-14 * np.round(1e3 * np.sin(x)) / 1e3, 2e-14 * np.cos(x), x) == [False, False]


def test_what_leaps_far_above_the_last_bits_of_1_shows_nothing() -> None:
    def f(x: Array) -> Array:
        return np.where(x > 5 * TINY, 1 + 1e-10 * np.sin(1e30 * x), x)

    assert lost(f, np.ones(3)) == [False, False, False]


def test_f_is_called_only_where_it_is_faint_and_has_a_slope() -> None:
    x = np.array([1e-14])  # where an entropy is 300 times the last bit of 1, and moves in such bits
    for f, at, slope in ((entropy, x, 30.0), (np.sin, TINY, 0.0), (np.zeros_like, TINY, 1.0), (np.sin, TINY[:0], 1.0)):
        stencil = stencil_of(f, at)
        before = stencil.box.evaluations
        assert not last_bits_lost(stencil, np.full(at.size, slope)).any()
        assert stencil.box.evaluations == before


def test_outputs_of_one_input_are_followed_together() -> None:
    """Over the steps of the one that is steepest; the last rises far later, and that before is not faint."""
    x, rows = np.array([1e-16]), np.arange(4)
    box = BlackBox(lambda x: np.concatenate([entropy(x), np.sin(x), np.cosh(x), 1e-20 * np.exp(x)]), x)
    stencil = Stencil(box, x, np.ones(1), rows, np.zeros(4, np.int64), box.y0, 2.0**-52)
    assert last_bits_lost(stencil, np.array([36.0, 1.0, 1.0, 1e-20])).tolist() == [True, False, False, False]


def test_in_single_precision_the_last_bit_of_1_is_larger() -> None:
    def f(p: Array) -> Array:
        p = p.astype(np.float32)
        return np.asarray(-p * np.log(p) - (1 - p) * np.log(1 - p), np.float64)

    x = np.array([1e-7, 3e-8])
    assert last_bits_lost(stencil_of(f, x, 2.0**-23), -np.log(x) - 1).tolist() == [True, True]
