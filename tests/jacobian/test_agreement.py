from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.agreement import Comparison, Status, Tolerance, along_directions, compare, suspicious
from jacinspect.jacobian.analytic import from_jvp, from_vjp
from jacinspect.jacobian.blackbox import BlackBox
from jacinspect.jacobian.coloring import color_columns
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.numeric import Numeric, numeric_jacobian, refine
from tests.oracles import Array, Pairs, pairs_of, times

EPSILON = 2.0**-52
F = Callable[[Array], Any]


def differenced(f: F, x: Array, read: Pairs) -> tuple[BlackBox, Numeric]:
    box = BlackBox(f, x)
    outputs, inputs = (np.array([pair[k] for pair in sorted(read)], int) for k in (0, 1))
    pattern = Pattern.from_pairs(outputs, inputs, (box.y0.size,), x.shape)
    colors, number = color_columns(pattern.rows, pattern.indices, x.size)
    numeric = numeric_jacobian(box, x, pattern, colors, number, EPSILON)
    refine(numeric, box, x, colors, number, EPSILON, 1000)
    return box, numeric


def judged(
    f: F, x: list[float], claim: list[float] | None, strict: bool = False, own: Tolerance | None = None
) -> Comparison:
    """An element-wise f with a claimed derivative."""
    at = np.array(x)
    box, numeric = differenced(f, at, {(k, k) for k in range(at.size)})
    analytic = None if claim is None else Jacobian(numeric.jacobian.pattern, np.array(claim, float))
    return compare(analytic, numeric, at, box.y0, own, strict)


def names(comparison: Comparison) -> list[str]:
    return [Status(int(status)).name for status in comparison.status]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def test_right_and_wrong_claims_about_a_smooth_function() -> None:
    x = [0.5, 1.0, -2.0, 3.0, 0.1]
    truth = np.cos(x)
    off = truth * [1, 1 + 1e-9, -1, 1, 0]
    comparison = judged(np.sin, x, off.tolist())
    assert names(comparison) == ["AGREES", "DISAGREES", "DISAGREES", "AGREES", "DISAGREES"]
    np.testing.assert_allclose(comparison.difference, np.abs(off - truth), atol=1e-12)
    assert (comparison.ratio > 1).tolist() == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("claim", "lenient", "strict"),
    [
        (0, "KINK", "DISAGREES"),
        (1, "KINK", "DISAGREES"),
        (0.5, "KINK", "DISAGREES"),
        (-1, "DISAGREES", "DISAGREES"),
        (1.01, "DISAGREES", "DISAGREES"),
        (-1e-6, "DISAGREES", "DISAGREES"),
    ],
)
def test_a_subgradient_agrees_unless_kinks_are_refused(claim: float, lenient: str, strict: str) -> None:
    assert names(judged(relu, [0.0, 1.0], [claim, 1])) == [lenient, "AGREES"]
    assert names(judged(relu, [0.0, 1.0], [claim, 1], strict=True)) == [strict, "AGREES"]


def test_on_a_kink_the_difference_is_to_the_nearer_slope() -> None:
    assert judged(np.abs, [0.0], [-3]).difference == pytest.approx([2])
    assert judged(np.abs, [0.0], [1.5]).difference == pytest.approx([0.5])
    assert judged(np.abs, [0.0], [0.9]).difference == pytest.approx([0])


def test_without_a_claim_kinks_are_seen_and_nothing_disagrees() -> None:
    comparison = judged(lambda x: np.array([abs(x[0]), x[1] ** 2, np.sin(1e17 * x[2])]), [0.0, 3.0, 1.0], None)
    assert names(comparison) == ["KINK", "AGREES", "INCONCLUSIVE"]


def test_what_is_not_finite() -> None:
    x = [-1.0, 2.0, 800.0, np.inf, np.nan, 5.0]

    def f(x: Array) -> Array:
        return np.array([np.log(x[0]), x[1], np.exp(x[2]), x[3], x[4], x[5]])

    claims = [-1.0, np.nan, np.inf, 1.0, 1.0, 1.0]
    expected = ["NONFINITE", "NONFINITE", "OVERFLOWS", "EXCUSED", "EXCUSED", "AGREES"]
    assert names(judged(f, x, claims)) == expected
    assert names(judged(f, x, None))[2] == "NONFINITE"
    assert names(judged(f, x, [*claims[:2], -np.inf, *claims[3:]]))[2] == "NONFINITE"


@pytest.mark.parametrize(("f", "slopes"), [(np.sinh, [np.inf, np.inf]), (np.cosh, [-np.inf, np.inf])])
def test_overflow_on_the_left_as_on_the_right(f: F, slopes: list[float]) -> None:
    assert names(judged(f, [-800.0, 800.0], slopes)) == ["OVERFLOWS", "OVERFLOWS"]
    assert names(judged(f, [-800.0, 800.0], [-slopes[0], -slopes[1]]))[1] == "NONFINITE"


def test_a_tolerance_replaces_the_bars() -> None:
    x, truth = [1.0, 2.0], np.cos([1.0, 2.0])
    for factor, own, expected in [
        (1 + 1e-6, Tolerance(rtol=1e-5), "AGREES"),
        (1 + 1e-4, Tolerance(rtol=1e-5), "DISAGREES"),
        (1 + 1e-4, Tolerance(atol=1e-3), "AGREES"),
        (1 + 1e-2, Tolerance(atol=1e-3), "DISAGREES"),
    ]:
        assert names(judged(np.sin, x, (truth * factor).tolist(), own=own)) == [expected] * 2


def test_a_bar_too_wide_to_judge_by_is_inconclusive() -> None:
    pattern = Pattern.from_pairs(np.arange(3), np.arange(3), (3,), (3,))
    value = np.array([1.0, 1.0, 1.0])
    blank = np.zeros(3, bool)
    numeric = Numeric(
        Jacobian(pattern, value),
        np.array([1e-5, 2e-4, 2e-4]),
        np.zeros(3, np.int8),
        blank,
        blank,
        value,
        EPSILON,
        value,
        value,
        {},
    )
    analytic = Jacobian(pattern, np.array([1.0, 1.0, 1.1]))
    comparison = compare(analytic, numeric, np.ones(3), np.ones(3), None, False)
    assert names(comparison) == ["AGREES", "INCONCLUSIVE", "DISAGREES"]
    assert names(compare(analytic, numeric, np.ones(3), np.ones(3), Tolerance(atol=1e-3), False))[1] == "AGREES"


def test_suspects_are_those_that_differ_at_first_sight() -> None:
    _, numeric = differenced(np.sin, np.array([1.0, 2.0]), {(0, 0), (1, 1)})
    analytic = Jacobian(numeric.jacobian.pattern, np.cos([1.0, 2.0]) * [1, 1.001])
    assert suspicious(analytic, numeric).tolist() == [False, True]
    assert suspicious(Jacobian(analytic.pattern, np.array([np.nan, np.nan])), numeric).all()


# --- Directions -------------------------------------------------------------------------------------------------------

WEIGHTS = np.random.default_rng(5).uniform(1, 2, (6, 7)) * (np.random.default_rng(6).random((6, 7)) < 0.5)


def mixed(x: Array) -> Array:
    return np.asarray(np.sin(WEIGHTS @ x))


def exact(x: Array) -> Array:
    return np.asarray(np.cos(WEIGHTS @ x)[:, None] * WEIGHTS)


def refuted(read: Pairs, claim: Array, seed: int = 0) -> tuple[list[int], list[int], float | None]:
    x = np.random.default_rng(7).standard_normal(7)
    box, numeric = differenced(mixed, x, read)
    directions = along_directions(
        box, x, numeric, lambda v: np.array(times(claim, v)), np.random.default_rng(seed), EPSILON, 1.0
    )
    assert directions.compared == 6
    return directions.pattern_refuted.tolist(), directions.analytic_refuted.tolist(), directions.miss_probability


AT = np.random.default_rng(7).standard_normal(7)


def test_what_is_right_is_never_refuted() -> None:
    for seed in range(30):
        pattern, analytic, missed = refuted(pairs_of(WEIGHTS), exact(AT), seed)
        assert (pattern, analytic) == ([], [])
        assert missed is not None
        assert 0 < missed < 1e-12


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-6])
def test_an_entry_outside_the_pattern_is_refuted(size: float) -> None:
    row, column = next((o, i) for o in range(6) for i in range(7) if WEIGHTS[o, i] == 0)
    claim = exact(AT)
    claim[row, column] += size
    assert refuted(pairs_of(WEIGHTS), claim)[:2] == ([], [row])


def test_a_pattern_that_lacks_an_entry_is_refuted() -> None:
    for row, column in sorted(pairs_of(WEIGHTS))[::4]:
        short = pairs_of(WEIGHTS) - {(row, column)}
        assert row in refuted(short, exact(AT))[0]


def test_a_pair_of_errors_that_cancels_for_equal_signs_is_refuted() -> None:
    claim = exact(AT)
    (row, one), (_, other) = [pair for pair in sorted(pairs_of(WEIGHTS)) if pair[0] == 0][:2]
    claim[row, one] += 0.1
    claim[row, other] -= 0.1
    for seed in range(20):
        assert refuted(pairs_of(WEIGHTS), claim, seed)[1] == [row]


def test_outputs_on_a_kink_are_left_out() -> None:
    x = np.array([0.0, 1.0, 2.0])
    box, numeric = differenced(np.abs, x, {(k, k) for k in range(3)})
    directions = along_directions(box, x, numeric, from_jvp(lambda v: 5 * v), np.random.default_rng(0), EPSILON, 1.0)
    assert directions.analytic_refuted.tolist() == [1, 2]
    assert directions.compared == 2


def test_outputs_with_a_kink_within_a_direction_s_steps_are_left_out() -> None:
    x = np.array([1e-6, 1.0, -2e-6])
    box, numeric = differenced(np.abs, x, {(k, k) for k in range(3)})
    claim = from_jvp(lambda v: np.sign(x) * v)
    directions = along_directions(box, x, numeric, claim, np.random.default_rng(0), EPSILON, 1.0)
    assert directions.compared == 1
    assert directions.pattern_refuted.size == directions.analytic_refuted.size == 0


def test_a_sampled_jacobian_refutes_no_pattern_but_a_wrong_rule() -> None:
    weights = np.array([[1.0, 2, 3, 4]])
    x = np.ones(4)
    box, numeric = differenced(lambda x: weights @ x, x, {(0, 0), (0, 2)})
    for factor, expected in ((1.0, []), (1.1, [0])):
        claim = factor * weights
        directions = along_directions(
            box, x, numeric, from_jvp(partial(np.matmul, claim)), np.random.default_rng(0), EPSILON, 0.5
        )
        assert directions.pattern_refuted.tolist() == []
        assert directions.analytic_refuted.tolist() == expected


def test_a_vjp_with_entries_outside_the_pattern_is_refuted_by_its_inputs() -> None:
    x = np.arange(1.0, 5.0)
    pairs = {(o, i) for o in range(4) for i in range(o + 1)}
    box, numeric = differenced(np.cumsum, x, pairs)
    right = np.tril(np.ones((4, 4)))
    for column, excess in ((None, 0.0), (2, 1e-6), (3, 1.0)):
        claim = right.copy()
        if column is not None:
            claim[0, column] += excess
        vjp = from_vjp(partial(np.matmul, claim.T))
        assert vjp.on(numeric.jacobian.pattern, np.zeros(4), 1).matrix("row").tolist() == right.tolist()
        directions = along_directions(box, x, numeric, vjp, np.random.default_rng(0), EPSILON, 1.0)
        assert directions.inputs_refuted.tolist() == [] if column is None else [column]
        assert directions.analytic_refuted.size == directions.pattern_refuted.size == 0


def test_a_vjp_held_against_a_sample_is_refuted_in_sum() -> None:
    weights = np.array([[1.0, 2, 3, 4], [0, 5, 0, 7]])
    x = np.ones(4)
    box, numeric = differenced(lambda x: weights @ x, x, {(0, 0), (0, 2)})
    for factor, expected in ((1.0, []), (1 + 1e-6, [0, 1, 2, 3])):
        vjp = from_vjp(partial(np.matmul, factor * weights.T))
        directions = along_directions(box, x, numeric, vjp, np.random.default_rng(0), EPSILON, 0.5)
        assert directions.inputs_refuted.tolist() == expected
