"""Functions that repeat themselves but for their last bits, as a sum in random order, are inspected."""

from collections.abc import Callable

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.jacobian.calls.jitter import Snap, jitter_of
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal(200)
BLOCKS = np.kron(np.eye(4), np.ones((1, 50)))


def shuffled(seed: int = 0) -> Callable[[Array], Array]:
    """Four sums of sines, each of 50 terms in another order at every call."""
    rng = np.random.default_rng(seed)
    return lambda x: np.array([np.add.reduce(np.sin(row[rng.permutation(50)])) for row in x.reshape(4, 50)])


def jittering(size: float) -> Callable[[Array], Array]:
    rng = np.random.default_rng(1)
    return lambda x: np.tanh(x) * (1 + size * rng.standard_normal(x.shape))


def slopes(x: Array) -> Array:
    return 1 - np.tanh(x) ** 2


def noted(report: Report) -> list[tuple[str, str]]:
    return [(found.code, found.severity) for found in report.findings if found.code == "J005"]


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_in_random_order_is_inspected(seed: int) -> None:
    report = jacinspect.inspect(shuffled(seed), X, lambda x: BLOCKS * np.cos(x))
    assert (report.verdict, noted(report)) == ("pass", [("J005", "note")])
    assert not report.detection.deterministic
    assert (report.jacobian.structure, report.jacobian.stored) == ("block-diagonal", 200)  # type: ignore[union-attr]


def test_a_wrong_derivative_of_it_is_found() -> None:
    few = BLOCKS[:, ::10]  # five terms each: a small error is looked at over many steps before it is accused
    rng = np.random.default_rng(0)
    report = jacinspect.inspect(
        lambda x: np.array([np.add.reduce(np.sin(row[rng.permutation(5)])) for row in x.reshape(4, 5)]),
        X[::10],
        lambda x: few * np.cos(x) * (1 + 1e-6),
    )
    assert report.verdict == "fail"
    assert "J001" in [found.code for found in report.findings]


def test_an_element_wise_function_stays_diagonal() -> None:
    report = jacinspect.inspect(jittering(1e-15), X, slopes)
    assert (report.verdict, report.jacobian.structure) == ("pass", "diagonal")  # type: ignore[union-attr]


def test_single_precision_may_jitter_by_more() -> None:
    rng = np.random.default_rng(2)

    def f(x: Array) -> Array:
        return (np.tanh(x) * (1 + 1e-7 * rng.standard_normal(x.shape))).astype(np.float32)

    assert jacinspect.inspect(f, X, slopes).verdict == "pass"


def test_more_than_the_last_bits_is_not_deterministic_and_the_advice_works() -> None:
    report = jacinspect.inspect(jittering(1e-6), X, slopes)
    (found,) = report.findings
    assert (report.verdict, found.code, found.severity) == ("fail", "J005", "error")
    assert "--reseed 0" in found.message
    noise = float(found.message.split("--noise ")[1].split()[0])
    again = jacinspect.inspect(jittering(1e-6), X, slopes, noise=noise)
    assert (again.verdict, noted(again)) == ("pass", [("J005", "note")])
    assert jacinspect.inspect(jittering(1e-6), X, lambda x: 1.1 * slopes(x), noise=noise).verdict == "fail"


def test_a_random_function_is_not_excused_by_noise() -> None:
    rng = np.random.default_rng(3)
    report = jacinspect.inspect(lambda x: rng.permutation(x), X, noise=1e-3)
    assert (report.verdict, noted(report)) == ("fail", [("J005", "error")])
    assert "--noise" not in report.findings[0].message


def test_what_is_finite_now_and_then_is_not_deterministic() -> None:
    y0 = np.array([1.0, 2.0])
    assert jitter_of(y0, [np.array([1.0, np.nan])]) == np.inf
    assert jitter_of(np.array([1.0, np.inf]), [np.array([1.0, np.inf])]) == 0
    assert jitter_of(y0, [np.array([1.0, np.inf])]) == np.inf


def test_values_seen_before_are_given_again() -> None:
    snap = Snap(1e-10)
    first = np.array([1.0, -2.0, np.nan, 0.0])
    np.testing.assert_array_equal(snap(first), first)
    np.testing.assert_array_equal(snap(first * (1 + 2e-10) + 1e-14), first)
    np.testing.assert_array_equal(snap(first + 1e-6), first + 1e-6)
