"""The two benchmarks of honesty in small: bars that cover, planted errors found, and no right derivative accused."""

import numpy as np
import pytest

import jacinspect
from jacinspect.functions.catalogue.tables import ENTRIES
from tests.benchmarks.test_error_bars import BLIND, FAMILIES, all_judged, assert_honest
from tests.benchmarks.test_planted_errors import (
    PLANTS,
    Case,
    Plant,
    accused_by_check_grad,
    accused_by_gradcheck,
    accused_by_us,
    all_confident,
    outcome,
    planted,
    score,
)
from tests.oracles import Array


def test_the_bars_cover_the_truth() -> None:
    results = all_judged((*FAMILIES, *BLIND), every=5)
    assert len(results) >= 100
    assert_honest(results)


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_planted_errors_are_found(plant: Plant) -> None:
    result = score(accused_by_us, plant, 4)
    assert (result.found, result.false) == (4, 0)


def test_the_other_judges_find_what_is_gross() -> None:
    """Otherwise the benchmark's comparison with them would be of no worth."""
    case = planted(PLANTS["a transposed block"], 0, 4)
    for judge in (accused_by_gradcheck, accused_by_check_grad):
        assert judge(case, case.wrong)
        assert not judge(case, case.right)


@pytest.mark.parametrize("draw", ["ordinary", "kinks", "0 and tiny"])
def test_no_right_derivative_is_accused(draw: str) -> None:
    for entry in ENTRIES:
        if draw == "ordinary" and len(entry.operands) == 1:
            continue  # tests/inspection/test_pipeline.py has all of these
        for wrt in range(1, len(entry.operands) + 1):
            result = outcome(Case(entry.name, wrt, draw, (2, 3), np.float64 if wrt % 2 else np.float32, 1))
            assert result is None or not result.false_alarm, result


def test_a_sum_that_absorbs_a_term_is_not_accused() -> None:
    assert jacinspect.inspect("cumsum", [1.0, 1e300, 2.0]).verdict != "fail"


def test_a_slope_within_the_shortest_step_is_not_taken_for_a_jump() -> None:
    for strict in (False, True):
        report = jacinspect.inspect("atan2", [0.0], others=[[-1e-20]], strict_kinks=strict)
        assert report.verdict == "inconclusive", report.findings
    assert jacinspect.inspect(np.sign, [0.0], lambda x: 0 * x + 5).verdict == "fail"  # too slow to be the jump


def test_a_number_that_is_given_where_x_is_huge_is_right() -> None:
    results = all_confident([-1e17, 1e14, 3.7e11])
    given = [result for result in results if result.conclusive]
    assert len(given) > 40
    assert all(result.covered for result in given)
    # There floor is x, and so is x + sin(x)², but for what is below one ulp.
    assert not {"sin", "cos", "tan", "snake", "floor", "round"} & {result.name for result in given}


@pytest.mark.parametrize("x", [1e5, 1e8, 1e9, 4e9, 1e12, 1e14, 1e17])
def test_a_staircase_or_a_wave_that_looks_like_noise_is_not_accused(x: float) -> None:
    for f, df in ((np.floor, np.zeros_like), (lambda x: x + np.sin(x) ** 2, lambda x: 1 + np.sin(2 * x))):
        assert jacinspect.inspect(f, [x, -x], df).verdict != "fail"
    if x < 1e14:
        assert jacinspect.inspect(np.abs, [x, -x], lambda x: np.sign(x) * (1 + 1e-6)).verdict == "fail"


def test_a_shift_of_large_numbers_is_no_noise() -> None:
    x = 1.7e12 + np.array([0, 1000, 3600, 7200.5])
    shifted = lambda x: (x - 1.7e12) * 2  # noqa: E731
    for factor, verdict in ((2.0, "pass"), (20.0, "fail"), (-2.0, "fail"), (2 + 1e-6, "fail")):
        assert jacinspect.inspect(shifted, x, lambda x, to=factor: np.full_like(x, to)).verdict == verdict
    assert jacinspect.inspect(lambda x: np.diff(x) ** 2, x).verdict == "pass"


@pytest.mark.parametrize("scale", [1.0, 1e-15, 1e-17])
def test_a_plateau_of_a_small_function_is_flat(scale: float) -> None:
    f = lambda x: scale * np.sign(x) * np.maximum(np.abs(x) - 0.01, 0)  # noqa: E731
    assert jacinspect.inspect(f, [0.0, 0.003, 0.5], lambda x: scale * (np.abs(x) > 0.01)).verdict == "pass"


@pytest.mark.parametrize("name", ["relu", "soft_shrink", "hard_shrink", "hard_tanh", "relu6", "hard_sigmoid"])
def test_a_plateau_beside_a_kink_is_flat(name: str) -> None:
    x = np.concatenate([np.linspace(-0.6, 0.6, 97) + 0.001, np.linspace(-7, 7, 97) + 0.003])
    assert jacinspect.inspect(name, x).verdict == "pass"


@pytest.mark.parametrize("x", [1e6, 1e7, 1e9])
def test_waves_below_the_last_bit_of_single_precision_are_not_accused(x: float) -> None:
    single = lambda x: (x + np.sin(x) ** 2).astype(np.float32)  # noqa: E731
    assert jacinspect.inspect(single, [x], lambda x: 1 + np.sin(2 * x)).verdict == "inconclusive"


def test_an_error_beyond_the_noise_of_single_precision_is_found() -> None:
    single = lambda x: np.tanh(x.astype(np.float32))  # noqa: E731
    x = np.random.default_rng(0).standard_normal((2, 3))
    for factor, verdict in ((1.0, "pass"), (1 + 1e-4, "fail")):
        claim = lambda x, factor=factor: factor * (1 - np.tanh(x) ** 2)  # noqa: E731
        assert jacinspect.inspect(single, x, claim).verdict == verdict


@pytest.mark.parametrize("sign", [1, -1])
def test_where_no_double_is_near_a_derivative_that_agrees_passes_and_no_other_is_accused(sign: int) -> None:
    x = [sign * 1e17, 2.0]
    passed = jacinspect.inspect(np.abs, x, np.sign)
    assert passed.verdict == "pass"
    for claim in (None, lambda x: np.sign(x) * (1 + (abs(x) > 5))):
        report = jacinspect.inspect(np.abs, x, claim)
        (finding,) = report.findings
        assert (report.verdict, finding.code, finding.at) == ("inconclusive", "J006", ((0,),))
        assert "the next number is 16 away" in finding.message
    assert jacinspect.inspect(np.tanh, x).verdict == "pass"  # flat, near and far


def test_few_bits_that_cancellation_leaves_are_no_single_precision() -> None:
    y = np.array([6.357e-09, -3.6163e-09, -5.1354e-09, -7.5038e-09], np.float32).astype(float)
    x = np.array([15.156408, -9.95392, 7.387482, -13.139677], np.float32)
    report = jacinspect.inspect(lambda x: np.remainder(x, y), x, np.ones_like)
    assert report.verdict == "inconclusive", report.findings


def test_a_gross_error_at_large_numbers_in_single_precision_is_found() -> None:
    single = lambda x: np.maximum(x.astype(np.float32), 0)  # noqa: E731
    for factor, verdict in ((1.0, "pass"), (2.0, "fail")):
        claim = lambda x, factor=factor: factor * (x > 0)  # noqa: E731
        assert jacinspect.inspect(single, [1e5 + 0.5, -3e4, 2.0], claim).verdict == verdict


@pytest.mark.parametrize("factor", [-1, 0.5, 1.01])
def test_a_wrong_derivative_is_found_beside_an_explosion(factor: float) -> None:
    """It passed, "judged over longer steps": what explodes to one side was taken for steps, as high as it explodes."""
    rates = np.arange(0, 300, 7.0)

    def f(x: Array) -> Array:
        return np.asarray([np.sum(np.exp(-rates * x) * np.cos(1.7 * rates * x))])

    def derivative(x: Array) -> Array:
        waves = np.cos(1.7 * rates * x) + 1.7 * np.sin(1.7 * rates * x)
        return np.asarray([-np.sum(rates * np.exp(-rates * x) * waves)])

    for x in ([0.03], [0.04], [0.06]):
        assert jacinspect.inspect(f, x, derivative).verdict == "pass"
        assert jacinspect.inspect(f, x, lambda x: factor * derivative(x)).verdict == "fail"
