from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.agreement.analytic import Analytic, from_jvp, from_vjp
from jacinspect.jacobian.agreement.directions import Directions, along_directions, measure_directions
from jacinspect.jacobian.agreement.entries import compare
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.numeric import Numeric
from tests.jacobian.agreement.test_entries import differenced
from tests.oracles import Array, Pairs, pairs_of, times

F = Callable[[Array], Any]


def compared(near: Neighbourhood, numeric: Numeric, rule: Analytic, seed: int = 0, coverage: float = 1.0) -> Directions:
    rng = np.random.default_rng(seed)
    measured = measure_directions(near, rng)
    comparison = compare(None, numeric, near.x, near.box.y0)
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
