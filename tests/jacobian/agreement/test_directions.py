from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.agreement.analytic import Analytic, from_jvp, from_vjp
from jacinspect.jacobian.agreement.comparison import Comparison, Criteria, Tolerance
from jacinspect.jacobian.agreement.directions import (
    Directions,
    along_directions,
    comparable,
    inputs_refuted,
)
from jacinspect.jacobian.agreement.entries import compare
from jacinspect.jacobian.agreement.measurements import Measurements, measure_directions
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.records import replace
from tests.jacobian.agreement.test_entries import DOUBLE, differenced
from tests.oracles import Array, Pairs, pairs_of, times

F = Callable[[Array], Any]


def compared(
    near: Neighbourhood, numeric: Numeric, rule: Analytic | None, seed: int = 0, coverage: float = 1.0
) -> Directions:
    return against(near, compare(None, numeric, near.x, near.box.y0), rule, seed, coverage)


def against(
    near: Neighbourhood,
    comparison: Comparison,
    rule: Analytic | None,
    seed: int = 0,
    coverage: float = 1.0,
    **seen: Any,
) -> Directions:
    """Compare along directions, of which something else may have been `seen` than there is."""
    rng = np.random.default_rng(seed)
    directions = measure_directions(near, rng).directions
    measured = Measurements(near, tuple(replace(direction, **seen) for direction in directions))
    return along_directions(measured, comparison, rule, coverage, rng)


WEIGHTS = np.random.default_rng(5).uniform(1, 2, (6, 7)) * (np.random.default_rng(6).random((6, 7)) < 0.5)


def mixed(x: Array) -> Array:
    return np.asarray(np.sin(WEIGHTS @ x))


def exact(x: Array) -> Array:
    return np.asarray(np.cos(WEIGHTS @ x)[:, None] * WEIGHTS)


def refuted(read: Pairs, claim: Array, seed: int = 0) -> tuple[list[int], list[int], float | None]:
    x = np.random.default_rng(7).standard_normal(7)
    near, numeric = differenced(mixed, x, read)
    rule = from_jvp(lambda v: np.array(times(claim, v)))
    directions = compared(near, numeric, rule, seed)
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
    near, numeric = differenced(np.abs, x, {(k, k) for k in range(3)})
    directions = compared(near, numeric, from_jvp(lambda v: 5 * v))
    assert directions.analytic_refuted.tolist() == [1, 2]
    assert directions.compared == 2


def test_outputs_with_a_kink_within_a_direction_s_steps_are_left_out() -> None:
    x = np.array([1e-6, 1.0, -2e-6])
    near, numeric = differenced(np.abs, x, {(k, k) for k in range(3)})
    claim = from_jvp(lambda v: np.sign(x) * v)
    directions = compared(near, numeric, claim)
    assert directions.compared == 1
    assert directions.pattern_refuted.size == directions.analytic_refuted.size == 0


def test_a_sampled_jacobian_refutes_no_pattern_but_a_wrong_rule() -> None:
    weights = np.array([[1.0, 2, 3, 4]])
    x = np.ones(4)
    near, numeric = differenced(lambda x: weights @ x, x, {(0, 0), (0, 2)})
    for factor, expected in ((1.0, []), (1.1, [0])):
        claim = factor * weights
        directions = compared(near, numeric, from_jvp(partial(np.matmul, claim)), coverage=0.5)
        assert directions.pattern_refuted.tolist() == []
        assert directions.analytic_refuted.tolist() == expected


def test_a_vjp_with_entries_outside_the_pattern_is_refuted_by_its_inputs() -> None:
    x = np.arange(1.0, 5.0)
    pairs = {(o, i) for o in range(4) for i in range(o + 1)}
    near, numeric = differenced(np.cumsum, x, pairs)
    right = np.tril(np.ones((4, 4)))
    for column, excess in ((None, 0.0), (2, 1e-6), (3, 1.0)):
        claim = right.copy()
        if column is not None:
            claim[0, column] += excess
        vjp = from_vjp(partial(np.matmul, claim.T))
        assert vjp.on(numeric.jacobian.pattern, np.zeros(4), 1).matrix("row").tolist() == right.tolist()
        directions = compared(near, numeric, vjp)
        assert directions.inputs_refuted.tolist() == [] if column is None else [column]
        assert directions.analytic_refuted.size == directions.pattern_refuted.size == 0


def test_a_vjp_compared_with_a_sample_is_refuted_in_sum() -> None:
    weights = np.array([[1.0, 2, 3, 4], [0, 5, 0, 7]])
    x = np.ones(4)
    near, numeric = differenced(lambda x: weights @ x, x, {(0, 0), (0, 2)})
    for factor, expected in ((1.0, []), (1 + 1e-6, [0, 1, 2, 3])):
        vjp = from_vjp(partial(np.matmul, factor * weights.T))
        directions = compared(near, numeric, vjp, coverage=0.5)
        assert directions.inputs_refuted.tolist() == expected


def test_a_direction_is_finite_where_x_is_huge() -> None:
    """Or a slope of 0 times it would be NaN, which accuses a right derivative: fmod by y at 1.7e308."""
    x = np.full(40, -1.7e308)
    report = jacinspect.inspect(lambda x: np.fmod(0.5, x), x, derivative=np.zeros_like)
    assert report.verdict == "pass"
    assert not report.findings


def diagonal(f: F, x: list[float]) -> tuple[Neighbourhood, Numeric]:
    return differenced(f, np.array(x), {(k, k) for k in range(len(x))})


def jvp(claim: Array) -> Analytic:
    return from_jvp(partial(np.matmul, claim))


def vjp(claim: Array) -> Analytic:
    return from_vjp(lambda w: w @ claim)


# --- Directions


def test_a_direction_is_the_same_whenever_it_is_drawn_and_0_where_x_is_not_finite() -> None:
    x = np.array([2.0, np.inf, -5.0, np.nan])
    near = Neighbourhood(BlackBox(np.negative, x), x, DOUBLE, Magnitudes(4))
    for direction in measure_directions(near, np.random.default_rng(0)).directions:
        v = direction.tangent(x)
        assert (v != 0).tolist() == [True, False, True, False]
        assert np.array_equal(v, direction.tangent(x))
        np.testing.assert_allclose(direction.value[[0, 2]], -v[[0, 2]], rtol=1e-12)


def test_a_direction_is_shorter_beside_the_end_of_the_domain() -> None:
    x = np.array([1.0, 1.5, 1.001])
    near = Neighbourhood(BlackBox(np.sqrt, x, domain=(1.0, 2.0)), x, DOUBLE, Magnitudes(3))
    for direction in measure_directions(near, np.random.default_rng(0)).directions:
        v = direction.tangent(x)
        assert v[0] == 0
        assert abs(v[1]) > 0.1
        assert 0 < abs(v[2]) <= 0.001 * 16


# --- Which outputs are compared


def test_outputs_that_are_rough_out_of_reach_or_not_finite_are_not_compared() -> None:
    near, numeric = diagonal(lambda x: np.array([x[0], abs(x[1]), x[2], np.exp(x[3]), x[4]]), [1, 0, 2.0**46, 800, 3])
    none = compare(None, numeric, near.x, near.box.y0)
    assert comparable(none, near.box.y0).tolist() == [True, False, False, False, True]
    stairs = Stairs(np.array([4]), np.ones(1), np.ones(1), np.ones(1), np.array([True]))
    none = replace(none, numeric=replace(numeric, stairs=stairs))
    assert comparable(none, near.box.y0).tolist() == [True, False, False, False, False]
    seen = compared(near, numeric, jvp(5 * np.eye(5)))
    assert (seen.compared, seen.left_out.tolist()) == (2, [1, 2, 3])
    assert seen.analytic_refuted.tolist() == [0, 4]


def test_without_a_claim_patterns_are_refuted_and_where_nothing_is_compared_no_chance_is_given() -> None:
    near, numeric = differenced(lambda x: x[:1] * x[1:], np.array([2.0, 3.0]), {(0, 0)})
    assert compared(near, numeric, None).pattern_refuted.tolist() == [0]
    near, numeric = diagonal(lambda x: np.maximum(x, 0), [0.0, 0.0])
    assert compared(near, numeric, None).miss_probability is None
    near, numeric = differenced(np.zeros_like, np.array([2.0, 3.0]), set())
    assert compared(near, numeric, None).miss_probability is None


# --- A rule along them


def test_a_tolerance_is_allowed_along_directions_as_well() -> None:
    near, numeric = diagonal(np.negative, [2.0, 3.0])
    for own, expected in ((None, [0, 1]), (Tolerance(atol=2e-3), []), (Tolerance(rtol=2e-3), [])):
        comparison = compare(None, numeric, near.x, near.box.y0, Criteria(own))
        assert against(near, comparison, jvp(-1.001 * np.eye(2))).analytic_refuted.tolist() == expected
        assert against(near, comparison, vjp(-1.001 * np.eye(2))).inputs_refuted.tolist() == expected


@pytest.mark.parametrize("coverage", [1.0, 0.5])
def test_entries_off_by_as_little_as_an_approximation_of_f_refute_nothing(coverage: float) -> None:
    near, numeric = differenced(mixed, AT, pairs_of(WEIGHTS))
    claim = exact(AT) * (1 + 4e-10)
    data = claim[numeric.jacobian.pattern.rows, numeric.jacobian.indices]
    comparison = compare(Jacobian(numeric.jacobian.pattern, data), numeric, AT, near.box.y0)
    for rule in (from_jvp(partial(np.matmul, claim)), from_vjp(partial(np.matmul, claim.T))):
        directions = against(near, comparison, rule, coverage=coverage)
        assert directions.analytic_refuted.size == directions.inputs_refuted.size == 0


def test_an_output_with_a_wrong_entry_needs_no_more_proof() -> None:
    near, numeric = diagonal(np.negative, [2.0, 3.0])
    comparison = compare(Jacobian(numeric.jacobian.pattern, np.array([-1.0, -1.1])), numeric, near.x, near.box.y0)
    assert against(near, comparison, jvp(np.diag([-1.1, -1.1]))).analytic_refuted.tolist() == [0]


def test_rounding_of_the_largest_entry_is_no_entry_of_an_output_that_reads_nothing() -> None:
    """As sines of multiples of pi in a Fourier transform; beside an entry of its own, the output's own size counts."""
    near, numeric = differenced(lambda x: np.array([1e8, 1e-3, 0]) * x, np.array([2.0, 3.0, 0.5]), {(0, 0), (1, 1)})
    for stray, expected in ((1e-7, [1]), (1e-3, [1, 2])):
        claim = np.diag([1e8, 1e-3, 0])
        claim[1, 0] = claim[2, 2] = stray
        assert compared(near, numeric, jvp(claim)).analytic_refuted.tolist() == expected
        assert compared(near, numeric, vjp(claim.T)).inputs_refuted.tolist() == expected


def test_what_agrees_takes_no_more_calls() -> None:
    near, numeric = diagonal(np.sin, [0.5, -1.0, 2.0])
    before = near.box.evaluations
    measure_directions(near, np.random.default_rng(0))
    first = near.box.evaluations - before
    compared(near, numeric, jvp(np.diag(np.cos(near.x))))
    assert near.box.evaluations - before == 2 * first


def test_what_a_second_look_bears_out_is_not_refuted() -> None:
    near, numeric = diagonal(np.sin, [0.5, -1.0, 2.0])
    none = compare(None, numeric, near.x, near.box.y0)
    wrong = against(near, none, jvp(np.diag([np.cos(0.5), 1.0, np.cos(2.0)])), value=np.full(3, 1e3))
    assert wrong.pattern_refuted.tolist() == []
    assert wrong.analytic_refuted.tolist() == [1]


def test_a_kink_along_the_direction_refutes_nothing() -> None:
    """X[0] X[1] / |X| is 0 along either input, and a multiple of |t| along others."""

    def f(x: Array) -> Array:
        return np.array([x[0] * x[1] / np.hypot(*x) if x.any() else 0.0])

    near, numeric = differenced(f, np.zeros(2), {(0, 0), (0, 1)})
    none = compare(None, numeric, near.x, near.box.y0)
    assert against(near, none, jvp(np.eye(1, 2)), excess=Magnitudes(1)).analytic_refuted.tolist() == []


def test_a_derivative_between_two_steps_is_not_refuted_by_that_over_many() -> None:
    near, numeric = diagonal(lambda x: np.round(x, 11), [0.5, -1.0, 2.0])
    for factor, expected in ((0.0, []), (1.0, []), (3.0, [0, 1, 2])):
        assert compared(near, numeric, jvp(factor * np.eye(3)), seed=1).analytic_refuted.tolist() == expected


# --- A vjp


def test_only_inputs_that_the_rule_reads_are_refuted_in_sum() -> None:
    weights = np.array([[1.0, 2, 0, 4], [0, 5, 0, 7]])
    near, numeric = differenced(lambda x: weights @ x, np.ones(4), {(0, 0)})
    assert compared(near, numeric, vjp(1.1 * weights), coverage=0.5).inputs_refuted.tolist() == [0, 1, 3]


OVERFLOWS = np.array([[np.inf, 0, 0], [1.0, 2, 0], [0, 0, 5]])  # the derivative of exp(800 X[0]) and two others


@pytest.mark.parametrize("coverage", [0.5, 1.0])
@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_what_an_infinite_output_hides_is_not_refuted(coverage: float, factor: float) -> None:
    """A vjp by X[0] is 0 · inf, and so is its sum with others: right derivatives were refuted by a sample."""

    def f(x: Array) -> Array:
        return np.array([np.exp(800 * x[0]), x[0] + 2 * x[1], 5 * x[2]])

    with np.errstate(all="ignore"):
        near, numeric = differenced(f, np.ones(3), {(0, 0), (1, 0), (1, 1), (2, 2)})
        rule = from_vjp(lambda w: (w[:, None] * OVERFLOWS * [1, factor, factor]).sum(axis=0))
        seen = compared(near, numeric, rule, coverage=coverage)
        assert seen.inputs_refuted.tolist() == ([1, 2] if coverage == 1 and factor > 1 else [])
        assert seen.compared == (2 if coverage == 1 else 0)
        finite = vjp(np.nan_to_num(OVERFLOWS, posinf=7.0) * [[1], [factor], [factor]])
        seen = compared(near, numeric, finite, coverage=coverage)
        assert seen.inputs_refuted.tolist() == ([0, 1, 2] if factor > 1 else [])


def test_a_vjp_that_is_not_finite_is_refuted_where_no_output_hides_it() -> None:
    near, numeric = diagonal(lambda x: np.array([abs(x[0]), x[1], x[2]]), [0.0, 1.0, 2.0])
    claim = np.array([0.5, np.nan, 1.0])
    assert compared(near, numeric, from_vjp(lambda w: w * claim)).inputs_refuted.tolist() == [1]
    near, numeric = differenced(lambda x: x[:1] + 2 * x[1:], np.ones(3), {(0, 0), (1, 1)})
    sampled = compared(near, numeric, vjp(np.array([[1.0, 2, 0], [1, 0, np.nan]])), coverage=0.5)
    assert sampled.inputs_refuted.tolist() == [0, 1, 2]
    near, numeric = differenced(lambda x: np.array([abs(x[0]), x[1], x[1]]), np.array([0, 1.0]), {(0, 0), (1, 1)})
    kinked = compared(near, numeric, vjp(np.array([[0.5, 0], [0, 1], [0, np.nan]])), coverage=0.5)
    assert kinked.inputs_refuted.tolist() == [1]  # an output that is left out for a kink hides nothing


def test_entries_that_would_not_move_the_last_bit_of_an_output_are_no_error_of_a_vjp() -> None:
    def f(x: Array) -> Array:
        return np.array([1e9 + x[0], abs(x[1])])

    near, numeric = differenced(f, np.array([2.0, 0.0, 3.0]), {(0, 0), (1, 1)})
    for stray, expected in ((1e-9, []), (1e-5, [2])):
        assert compared(near, numeric, vjp(np.array([[1, 0, stray], [0, 0.5, 0]]))).inputs_refuted.tolist() == expected


@pytest.mark.parametrize(("entry", "refuted"), [(1e-16, False), (1e-12, True)])
def test_where_f_stands_still_entries_below_the_last_bit_of_1_are_nothing(entry: float, refuted: bool) -> None:
    """As those of a cross-entropy of peaked logits, which is 0: for its size, any number would be large."""
    x = np.array([40.0, 1.0, 3.0])
    near, numeric = differenced(lambda x: np.array([0 * x[0], x[1]]), x, {(0, 0), (1, 1)})
    claim = np.array([[0, entry, 0], [0, 1, 0]])
    assert bool(compared(near, numeric, from_jvp(partial(np.matmul, claim))).analytic_refuted.size) == refuted
    assert bool(compared(near, numeric, from_vjp(partial(np.matmul, claim.T))).inputs_refuted.size) == refuted


def test_inputs_are_refuted_by_the_outputs_that_are_not_left_out() -> None:
    near, numeric = diagonal(np.negative, [2.0, 3.0, 4.0])
    none = compare(None, numeric, near.x, near.box.y0)
    rule, rng = vjp(-np.diag([1.0, 1.1, 1.1])), np.random.default_rng(0)
    assert inputs_refuted(rule, none, near, np.array([2]), rng).tolist() == [1]
    near, numeric = diagonal(np.abs, [2.0, 0.0, 4.0])
    none = compare(None, numeric, near.x, near.box.y0)
    assert inputs_refuted(rule, none, near, np.array([0]), rng).tolist() == [2]
