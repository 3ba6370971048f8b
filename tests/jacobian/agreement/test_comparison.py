"""What claims may be off by, how far they are off, and what sums that up; bounds are exact numbers."""

import numpy as np
import pytest

from jacinspect.jacobian.agreement.comparison import Comparison, Status, Summary, Tolerance, in_single
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import NO_KINKS, Kinks
from tests.oracles import Array

DOUBLE, SINGLE, HALF = 2.0**-52, 2.0**-23, 2.0**-10
NAN = np.nan


def compared(
    claimed: list[float],
    value: list[float] | None = None,
    bar: list[float] | None = None,
    kinks: Kinks = NO_KINKS,
    tolerance: Tolerance | None = None,
) -> Comparison:
    """Claims beside values ± bars, of an element-wise function."""
    size = len(claimed)
    pattern = Pattern.from_pairs(np.arange(size), np.arange(size), (size,), (size,))
    jacobian = Jacobian(pattern, np.array(claimed if value is None else value))
    numeric = Numeric(
        jacobian,
        np.array(bar or [0.0] * size),
        np.zeros(size, np.int8),
        Magnitudes.of(np.ones(size)),
        DOUBLE,
        kinks,
    )
    return Comparison(np.zeros(size, np.int8), np.array(claimed), numeric, tolerance)


def rounding(claim: float, numeric: Numeric, beside: float = 1 / 3) -> float:
    """What the second of two claims may be off by."""
    comparison = Comparison(np.zeros(2, np.int8), np.array([beside, claim]), numeric)
    assert comparison.rounding(np.array([1])) == comparison.rounding(slice(None))[1]
    return float(comparison.rounding(np.array([1]))[0])


def of_two(epsilon: float = DOUBLE, size: float = 0.0, terms: float = 1.0, shape: tuple[int, ...] = (2,)) -> Numeric:
    pattern = Pattern.from_pairs(np.arange(2), np.arange(2), (2,), shape)
    sizes = Magnitudes.of(np.full(2, size))
    return Numeric(Jacobian(pattern, np.zeros(2)), np.zeros(2), np.zeros(2, np.int8), sizes, epsilon, terms=terms)


def beside_1(value: float, size: float, claim: float) -> Comparison:
    """A claim of an entry in the row of a slope of 1, and of the size that f has by its own input."""
    pattern = Pattern.from_pairs(np.zeros(2, np.int64), np.arange(2), (1,), (2,))
    sizes, kinds = Magnitudes.of(np.array([4.0, size])), np.zeros(2, np.int8)
    numeric = Numeric(Jacobian(pattern, np.array([1.0, value])), np.full(2, 1e-16), kinds, sizes, DOUBLE)
    return Comparison(kinds, np.array([1.0, claim]), numeric)


# --- What a claim may be off by


def test_what_is_unsure_is_inconclusive_and_off_by_little() -> None:
    comparison = compared([1 + 2.0**-32, -1 - 2.0**-32, 1 + 2.0**-29, 1 + 2.0**-32, NAN], [1.0, -1.0, 1.0, 1.0, 1.0])
    assert not comparison.unsure(slice(None)).any()
    comparison.status[[0, 1, 2, 4]] = Status.INCONCLUSIVE
    assert comparison.unsure(slice(None)).tolist() == [2.0**-32, 2.0**-32, 0, 0, 0]
    assert comparison.unsure(np.array([3, 1])).tolist() == [0, 2.0**-32]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (8.0, 2.0**-47),  # of itself,
        (-0.3, 2.0**-50),  # of terms of size 1,
        (2.0**-20 / 3, 2.0**-50),
        (2.0**-30 / 7, 2.0**-57 / 7),  # but to a relative 1e-8,
        (5 * 2.0**-53, 2.0**-50),  # unless it is a whole number of last bits,
        (-5 * 2.0**-53 / 6, 2.0**-50),  # or a mean over some or all inputs, 2×3 of them
        (5 * 2.0**-53 / 3, 2.0**-50),
        (5 * 2.0**-53 / 7, 2.0**-80 * 5 / 7),
        (0.0, 0.0),
    ],
)
def test_a_claim_is_as_rounded_as_terms_of_size_1(claim: float, expected: float) -> None:
    assert rounding(claim, of_two(shape=(2, 3))) == pytest.approx(expected, rel=1e-12, abs=0)


def test_last_bits_are_those_of_single_precision_where_f_and_all_claims_are_in_it() -> None:
    claim, third = 5 * 2.0**-24, float(np.float32(1 / 3))
    assert rounding(claim, of_two(SINGLE), third) == 2.0**-21
    assert rounding(claim, of_two(SINGLE), 1 / 3) == 2.0**-50
    assert rounding(claim, of_two(DOUBLE), third) == 2.0**-50
    assert rounding(5 * 2.0**-53, of_two(2.0**-45), third) == 2.0**-50  # a noise that is named


@pytest.mark.parametrize(
    ("claim", "size", "terms", "expected"),
    [
        (1e-3, 0.5, 1.0, 2.0**-11),  # of f,
        (1.0, 0.0, 1.0, 2.0**-11),  # of terms of size 1, by half a last bit,
        (1.0, 0.0, 2.0**-5, 2.0**-16),  # or of the size that they have,
        (-(2.0**-10), 0.0, 1.0, 2.0**-13),  # but by no more than an eighth
    ],
)
def test_a_claim_in_half_precision_is_as_rounded_as_its_terms(
    claim: float, size: float, terms: float, expected: float
) -> None:
    assert rounding(claim, of_two(HALF, size, terms)) == expected


@pytest.mark.parametrize(
    ("claim", "value", "size", "verdict"),
    [
        (8e-14, 0.0, 4.0, True),
        (2e-13, 0.0, 4.0, False),
        (8e-14, 2e-16, 4.0, False),  # by its bar of 1e-16, f has a slope
        (8e-14, 0.0, 0.5, False),  # in units of that input, the other entry is as small
        (8e-14, NAN, 4.0, False),
    ],
)
def test_where_f_has_no_slope_a_rule_leaves_last_bits_of_its_row(
    claim: float, value: float, size: float, verdict: bool
) -> None:
    comparison = beside_1(value, size, claim)
    (allowed,) = comparison.allowed(np.array([1]))
    assert bool(claim <= allowed) == verdict


@pytest.mark.parametrize(
    ("value", "off", "size", "verdict"),
    [
        (2e-5, 2e-13, 4.0, True),  # 1e-8 of itself, as (1 - cos θ)/θ² at 1e-4
        (2e-5, 2e-12, 4.0, False),  # too much of its row,
        (2e-9, 2e-13, 4.0, False),  # or of itself
        (1.0, 2e-9, 4.0, False),
        (2e-5, 2e-13, 1e-4, False),  # in units of that input, the other entry is as small
        (2e-5, NAN, 4.0, False),
    ],
)
def test_beside_larger_entries_a_rule_is_rounded_by_last_bits_of_those(
    value: float, off: float, size: float, verdict: bool
) -> None:
    comparison = beside_1(value, size, value + off)
    assert comparison.is_approximate(slice(None)).tolist() == [True, verdict]
    assert comparison.is_approximate(np.array([1])).tolist() == [verdict]


def test_what_is_allowed_are_the_bar_the_rounding_and_a_tolerance_together() -> None:
    own = Tolerance(rtol=0.5, atol=0.25)
    assert compared([8.0], [4.0], [1.0]).allowed(slice(None)).tolist() == [1 + 2.0**-47]
    assert compared([8.0], [-4.0], [1.0], tolerance=own).allowed(slice(None)).tolist() == [3.25 + 2.0**-47]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1 / 3, 0.5, NAN]), False),
        (np.array([1 / 3, 0.5, NAN]).astype(np.float32).astype(float), True),
        (np.array([0.5, 1.0, NAN, -3.0]), False),  # as in any precision
        (np.zeros(0), False),
    ],
)
def test_numbers_of_few_bits_are_in_no_precision(values: Array, expected: bool) -> None:
    assert in_single(values) == expected


# --- How far off it is


def test_on_a_kink_the_difference_is_to_the_nearer_slope() -> None:
    kinks = Kinks(np.array([1, 2, 3]), np.array([-1.0, 1.0, 2.0]), np.array([1.0, -1.0, 2.5]))
    comparison = compared([3.0, 0.9, -3.0, 2.75, 7.0], [1.0, 0.0, 0.0, 2.25, 7.0], kinks=kinks)
    assert comparison.difference(np.array([0, 1, 3, 4])).tolist() == [2.0, 0.0, 0.25, 0.0]
    assert comparison.difference(np.array([2])).tolist() == [2.0]
    assert comparison.difference(np.array([0, 4])).tolist() == [2.0, 0.0]
    assert comparison.difference(np.zeros(0, np.int64)).tolist() == []


# --- What sums it up


def test_the_largest_of_all_and_the_worst_first() -> None:
    comparison = compared([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.5, 3.25, 4.0, 7.0], [0.0, 1.0, 0.25, 8.0, 0.5])
    everything = np.ones(5, bool)
    found = comparison.summary(everything, 3)
    assert (found.difference, found.bar, found.worst) == (2.0, 8.0, (4, 2, 1))
    assert found.ratio == pytest.approx(4.0)
    found = comparison.summary(np.array([True, True, True, False, False]), 9)
    assert (found.difference, found.bar, found.worst) == (0.5, 1.0, (2, 1, 0))
    assert comparison.summary(~everything, 3) == compared([]).summary(np.zeros(0, bool), 3)
    assert comparison.summary(~everything, 3) == Summary(None, None, None, ())


def test_the_first_of_equals_are_the_worst() -> None:
    off = [1.0, 2.0, 2.0, 1.0, 2.0]
    assert compared([0.0] * 5, off, [1.0] * 5).summary(np.ones(5, bool), 2).worst == (1, 2)
    assert compared([0.0] * 5, off, [1.0] * 5).summary(np.ones(5, bool), 4).worst == (1, 2, 4, 0)


def test_what_is_unknown_is_the_worst_and_not_the_largest() -> None:
    found = compared([1.0, NAN, 3.0], [2.0, 2.0, NAN], [1.0, 1.0, NAN]).summary(np.ones(3, bool), 2)
    assert (found.difference, found.bar, found.worst) == (1.0, 1.0, (1, 2))
    assert found.ratio == pytest.approx(1.0)


def test_no_difference_is_nothing_of_no_allowance() -> None:
    found = compared([1e-300, 0.0], [1e-300, 0.0]).summary(np.ones(2, bool), 1)
    assert (found.ratio, found.worst) == (0.0, (0,))


def test_a_summary_is_of_all_blocks() -> None:
    size = 70_000  # more than two blocks
    claimed, bar = np.zeros(size), np.ones(size)
    claimed[[5, 40_000, 69_999]] = [3.0, 5.0, 2.0]
    bar[7] = 9.0
    found = compared(claimed.tolist(), [0.0] * size, bar.tolist()).summary(np.ones(size, bool), 2)
    assert (found.difference, found.bar, found.worst) == (5.0, 9.0, (40_000, 5))
