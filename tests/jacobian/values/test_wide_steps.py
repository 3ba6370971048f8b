"""Steps wider than the unit of x: a straight-through rule is no error, unless the slope over many steps is another."""

from collections.abc import Callable

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.wide_steps import WideSteps
from tests.oracles import Array

F = Callable[[Array], Array]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max())
    return np.asarray(e / e.sum())


def softmax_jacobian(x: Array) -> Array:
    s = softmax(x)
    return np.asarray(np.diag(s) - np.outer(s, s))


def rounded(width: float) -> F:
    return lambda x: np.asarray(np.round(x / width) * width)


def words(report: Report, code: str) -> str:
    return " ".join(finding.message for finding in report.findings if finding.code == code)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [np.round, np.floor, rounded(0.75), rounded(5.0), lambda x: np.ceil(x) / 4 * 4])
def test_a_straight_through_rule_is_inconclusive_and_a_slope_of_0_passes(f: F, dtype: str) -> None:
    x = normal(2, 3).astype(dtype) * 1.7
    report = jacinspect.inspect(f, x, np.ones_like)
    assert report.verdict == "inconclusive"
    assert "the analytic one is 1; consistent with a straight-through rule" in words(report, "J006")
    assert jacinspect.inspect(f, x, np.zeros_like).verdict == "pass"


@pytest.mark.parametrize("factor", [-1.0, 3.0, 10.0])
@pytest.mark.parametrize("f", [np.round, np.floor, rounded(5.0)])
def test_a_slope_that_is_another_over_many_steps_is_wrong(f: F, factor: float) -> None:
    report = jacinspect.inspect(f, normal(2, 3) * 1.7, lambda x: np.full(x.shape, factor))
    assert report.verdict == "fail"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [16, 256])
def test_entries_that_move_an_output_by_less_than_a_step_are_not_called_wrong(levels: int, seed: int) -> None:
    x = normal(6, seed=seed)
    report = jacinspect.inspect(lambda x: np.round(levels * softmax(x)) / levels, x, softmax_jacobian)
    assert report.verdict == "inconclusive"


@pytest.mark.parametrize("f", [np.sign, np.heaviside, lambda x: np.where(x > 0.5, 0.7, np.where(x < -0.5, -0.7, 0))])
def test_a_leap_or_two_are_jumps_of_f(f: Callable[..., Array]) -> None:
    """A surrogate of what leaps once, as that of a spiking neuron, is not a slope of f over any steps."""
    g = f if f is not np.heaviside else lambda x: np.heaviside(x, 0.5)
    x = np.array([[0.3, -0.7, 1.1], [2.0, 0.4, -0.2]])
    assert jacinspect.inspect(g, x, lambda x: 1.0 * (np.abs(x) < 1)).verdict == "fail"


@pytest.mark.parametrize(
    ("f", "reach", "height"),
    [
        (np.round, 4.0, 1.0),
        (rounded(0.4), 1.0, 0.4),
        (rounded(20.0), 64.0, 20.0),
        (np.sign, None, 0.0),
        (lambda x: np.round(x) + 1e-3 * x, None, 0.0),
        (lambda x: np.maximum(x, 0), None, 0.0),
        (lambda x: 0 * x, None, 0.0),
    ],
)
def test_how_far_steps_are_followed_and_how_high_they_are(f: F, reach: float | None, height: float) -> None:
    x = normal(5)
    steps = WideSteps.of(BlackBox(f, x), x)
    assert (None if steps is None else steps.reach) == reach
    if steps is not None:
        np.testing.assert_allclose(steps.height, height, rtol=1e-14)


def test_an_output_that_never_moves_has_steps_as_high_as_others() -> None:
    steps = WideSteps.of(BlackBox(lambda x: np.array([np.round(3 * x[0]), 7.0]), x := np.array([0.2])), x)
    assert steps is not None
    assert steps.height.tolist() == [1, 1]


@pytest.mark.parametrize(("f", "claim"), [(np.sin, np.sin), (np.round, np.zeros_like)])
def test_steps_are_looked_for_where_f_stands_still_and_the_claim_does_not(
    f: F, claim: F, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WideSteps, "of", lambda *_: pytest.fail("looked for steps"))
    jacinspect.inspect(f, normal(2, 3), claim)


def test_a_dense_layer_whose_outputs_are_rounded() -> None:
    weights = normal(20, 20) * 4
    f: F = lambda x: np.round(weights @ x)  # noqa: E731
    assert jacinspect.inspect(f, normal(20, seed=1), lambda _: weights).verdict == "inconclusive"
    assert jacinspect.inspect(f, normal(20, seed=1), lambda _: 5 * weights).verdict == "fail"


@pytest.mark.parametrize(("slope", "verdict"), [(0.04, "inconclusive"), (0.9, "inconclusive"), (30.0, "fail")])
def test_an_output_that_no_input_moves_by_itself_has_steps_as_high_as_others(slope: float, verdict: str) -> None:
    def f(x: Array) -> Array:
        return np.round(np.array([3 * x[0] + x[1], 0.04 * x[0] + 2 * x[1]]))

    report = jacinspect.inspect(f, np.array([0.3, 0.1]), lambda x: np.array([[3, 1], [slope, 2]]))
    assert report.verdict == verdict


def test_the_slope_over_many_steps_is_said() -> None:
    report = jacinspect.inspect(lambda x: np.round(3 * x), np.array([0.3, -2.1]), lambda x: np.full(2, 3.0))
    assert "between two steps and 2.9136549 ± 3 over many; the analytic one is 3" in words(report, "J006")


@pytest.mark.parametrize("claim", [0.1, 1.0, -1.0])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.maximum(x.astype(np.float32) - 1, np.float32(0)).astype(float),
        lambda x: np.clip(x.astype(np.float32), np.float32(0.7), np.float32(2)).astype(float),
        lambda x: 1e12 + 1e3 * np.maximum(x - 1, 0),
    ],
)
def test_a_dead_zone_of_a_rectifier_has_no_steps(f: F, claim: float) -> None:
    x = np.array([0.6, -0.4, 0.3])
    assert jacinspect.inspect(f, x, lambda x: np.full(3, claim)).verdict == "fail"


def test_a_table_whose_values_are_in_no_order_has_no_slope_over_its_steps() -> None:
    values = np.random.default_rng(3).standard_normal(8)

    def look_up(x: Array) -> Array:
        return np.asarray(values[np.clip(np.floor(x) + 4, 0, 7).astype(int)])

    for x in (np.array([0.3, 1.2, -0.6]), np.array([-1.7, 2.4, 0.1])):
        assert jacinspect.inspect(look_up, x, lambda x: np.full(3, 0.5)).verdict == "fail"


def test_what_stands_still_as_all_inputs_are_shifted_moves_in_no_steps() -> None:
    """As the distances of points do in single precision, but for what rounding adds."""
    x = np.array([0.1, 0.1, 0.3])

    def f(x: Array) -> Array:
        distances = np.hypot(x[:, None] - x, 1)
        return np.asarray(distances.sum(axis=1).astype(np.float32).astype(float))

    assert WideSteps.of(BlackBox(f, x), x) is None
