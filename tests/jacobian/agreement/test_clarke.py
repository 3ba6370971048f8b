"""Derivatives in use of order statistics of equal numbers pass as kinks, and no others."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import jacinspect
from jacinspect.jacobian.agreement.clarke import with_generalized_gradients
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.agreement.entries import compare
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.numeric import Numeric
from tests.jacobian.agreement.test_entries import differenced
from tests.oracles import Array, Pairs

Tensors = Callable[[torch.Tensor], torch.Tensor]
FUNCTIONS: dict[str, Tensors] = {
    "sort": lambda x: torch.sort(x)[0],
    "median": torch.median,
    "topk": lambda x: torch.topk(x, 2)[0],
    "kthvalue": lambda x: torch.kthvalue(x, 2)[0],
    "quantile": partial(torch.quantile, q=0.5),
    "max": torch.max,
}


def value(f: Tensors, x: Array) -> Array:
    return np.asarray(f(torch.from_numpy(x.copy())).numpy())


def slopes(f: Tensors, x: Array) -> Array:
    return np.asarray(torch.autograd.functional.jacobian(f, torch.from_numpy(x.copy())).numpy())


ROWS = [[1.0, 1.0, 1.0], [0.0, 1e-6, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0]]
WRONG: list[Callable[[Array], Array]] = [lambda slopes: 1.03 * slopes, lambda slopes: slopes + 0.1, np.negative]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_torch_chooses_at_equal_numbers_passes(name: str, row: list[float]) -> None:
    f, x = FUNCTIONS[name], np.array(row)
    inspect = partial(jacinspect.inspect, partial(value, f), x, derivative_kind="jacobian", backend="numpy")
    assert inspect(derivative=partial(slopes, f)).verdict == "pass"
    wrong = WRONG[([*FUNCTIONS].index(name) + ROWS.index(row)) % 3]  # each of them for every function
    assert inspect(derivative=lambda x: wrong(slopes(f, x))).verdict != "pass"


def test_a_tie_so_close_to_another_number_that_no_step_lies_between_passes() -> None:
    sort, x = FUNCTIONS["sort"], np.array([0.0, 0.0, 0.0, -8.5e-14])
    inspect = partial(jacinspect.inspect, partial(value, sort), x, derivative_kind="jacobian", backend="numpy")
    assert inspect(derivative=partial(slopes, sort)).verdict == "pass"
    assert inspect(derivative=lambda x: -slopes(sort, x)).verdict != "pass"


def test_a_tie_is_told_as_a_kink() -> None:
    sort = FUNCTIONS["sort"]
    report = jacinspect.inspect(partial(value, sort), np.ones(3), partial(slopes, sort), derivative_kind="jacobian")
    (kink,) = [finding for finding in report.findings if finding.code == "J003"]
    assert kink.message.startswith("9 entries on a kink")
    strict = jacinspect.inspect(
        partial(value, sort), np.ones(3), partial(slopes, sort), derivative_kind="jacobian", strict_kinks=True
    )
    assert strict.verdict != "pass"


@pytest.mark.parametrize("row", [[1.0, 1, 1, 2, 2, 2], [1.0, 1, 0, 2, 2, 2, 5]], ids=str)
def test_what_torch_chooses_passes_where_a_pattern_was_refuted(row: list[float]) -> None:
    """The one in the middle of three equal numbers stays where any one is moved, and no sum of slopes shows it."""
    sort = FUNCTIONS["sort"]
    report = jacinspect.inspect(partial(value, sort), row, partial(slopes, sort), derivative_kind="jacobian", vec="row")
    assert report.verdict == "pass", report.findings


@pytest.mark.parametrize("claim", [0.5, 1.5])
def test_an_output_that_jumps_close_to_x_has_no_mean_of_slopes(claim: float) -> None:
    """x·H(y) has the slopes 0 and 1 close to y = 0, but there its slope by x is 1: it is Lipschitz nowhere near."""
    report = jacinspect.inspect(
        lambda x: x[:1] * np.heaviside(x[1:], 1.0), [1.3, 0.0], lambda x: [[claim, 0.0]], derivative_kind="jacobian"
    )
    assert report.verdict != "pass"
    assert not [finding for finding in report.findings if finding.code == "J003" and "kink" in finding.message]


def test_slopes_of_noise_are_no_generalized_gradient() -> None:
    """An integrator that chooses its steps leaps anew from one number to the next, and any claim is between slopes."""

    def solved(x: Array) -> Array:
        solution = solve_ivp(
            lambda t, y: [y[1], -x[0] * y[0] - x[1] * y[1]], (0, 5), [1.0, 0.0], "LSODA", rtol=1e-3, atol=1e-6
        )
        return np.asarray(solution.y[0, -1:])

    right = np.array([[-0.64313296, 1.7365204]])
    for factor in (-1.0, 1.1, 100.0):
        report = jacinspect.inspect(
            solved, [3.1224867, 0.10059984], lambda x, c=factor: c * right, derivative_kind="jacobian"
        )
        assert report.verdict == "fail", report.findings


def test_a_claim_by_inputs_that_move_an_output_only_with_others_is_compared() -> None:
    """Of 11 zeros among 20 numbers none moves the median by itself: directions left it out, and any claim passed."""
    x = np.maximum(np.random.default_rng(2).standard_normal((1, 20)), 0)

    def median(x: torch.Tensor) -> torch.Tensor:
        return torch.median(x, dim=-1)[0]

    inspect = partial(jacinspect.inspect, partial(value, median), x, derivative_kind="jacobian", backend="numpy")
    right = slopes(median, x).reshape(1, 20)
    assert inspect(derivative=lambda x: right).verdict != "fail"
    assert inspect(derivative=lambda x: 1.05 * right).verdict != "pass"


def test_a_claim_for_an_output_that_is_not_seen_to_read_anything_is_judged() -> None:
    """The bump is narrower than the moves by which the pattern is found, and f is 0 beside it."""
    x = np.array([1.0])

    def bump(x: Array) -> Array:
        return np.where(np.abs(x - 1) < 0.1, (1 - ((x - 1) / 0.1) ** 2) ** 2 * (x - 1) ** 2, 0)

    assert jacinspect.inspect(bump, x, np.ones_like).verdict == "fail"
    assert jacinspect.inspect(bump, x, np.zeros_like).verdict == "pass"


# --- Kinks that a claim shows, of one function


def kinked(f: Callable[[Array], Array], x: Array, claim: Array, limit: int = 10**6) -> Numeric:
    """The numeric Jacobian with kinks where a claim, of (outputs, inputs), is a mean of close derivatives."""
    read: Pairs = {(o, i) for o in range(claim.shape[0]) for i in range(x.size)}
    near, numeric = differenced(f, x, read)
    comparison = compare(Jacobian(numeric.jacobian.pattern, claim.ravel()), numeric, x, near.box.y0)
    before = near.box.evaluations
    rows = np.arange(claim.shape[0])
    found = with_generalized_gradients(near, comparison, rows, np.random.default_rng(0), before + limit)
    assert near.box.evaluations - before <= limit
    return found


def second(x: Array) -> Array:
    """The second smallest number: of equal ones, none moves it by itself."""
    return np.sort(x.ravel())[1:2]


def test_kinks_are_where_close_derivatives_differ_and_have_their_slopes() -> None:
    found = kinked(lambda x: second(x[:4]) + x[4:], np.ones(5), np.array([[0.0, 1, 0, 0, 1]]))
    assert found.kinks.entries.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found.kinks.low, 0, atol=1e-6)
    np.testing.assert_allclose(found.kinks.high, 1, atol=1e-6)


def test_a_kink_that_is_known_is_listed_once() -> None:
    found = kinked(lambda x: np.maximum(x[:1], x[1:2]) + second(x), np.ones(4), np.array([[1.0, 1, 0, 0]]))
    assert found.kinks.entries.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (np.full(12, 1 / 12), True),
        (np.r_[0.0, np.full(11, 1 / 11)], True),
        (np.r_[-1e-4, np.full(11, 1.0001 / 11)], False),  # below the slopes
        (np.r_[1.0011, np.full(11, -1e-4)], False),  # above
        (np.full(12, 1.0001 / 12), False),  # each of them between, and their sum above
        (np.full(12, 0.9999 / 12), False),
    ],
)
def test_only_a_mean_of_close_derivatives_makes_kinks(claim: Array, expected: bool) -> None:
    assert (kinked(second, np.ones(12), claim[None]).kinks.entries.size > 0) == expected


@pytest.mark.parametrize(("claim", "expected"), [([0.2, 0.4, 0.4, 0.4], True), ([0.2, 0.5, 0.3, 0.4], False)])
def test_a_claim_between_all_slopes_and_sums_may_be_a_mean_of_none(claim: list[float], expected: bool) -> None:
    """The sum of two numbers has one slope by both."""
    found = kinked(lambda x: second(np.array([x[0], x[1] + x[2], x[3]])), np.array([1, 0.5, 0.5, 1]), np.array([claim]))
    assert (found.kinks.entries.size > 0) == expected


@pytest.mark.parametrize("large", [1.0, 1e6 / 3])
@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_derivative_that_is_larger_at_x_than_anywhere_close_is_a_mean(large: float, factor: float) -> None:
    """As that of tanh at 0, where all those close to x are below 1, and are rounded by what f is there, not at x."""
    x, claim = np.zeros(4), factor * large * np.eye(1, 4)
    found = kinked(lambda x: large * second(np.tanh(x)), x, claim)
    comparison = compare(Jacobian(found.jacobian.pattern, claim.ravel()), found, x, np.zeros(1))
    assert (comparison.count(Status.KINK) == 4) == (factor == 1)


def test_a_claim_is_as_far_off_as_the_rounding_of_f_moves_slopes_close_to_x() -> None:
    """Differences over 2⁻²⁶ of an f of size 3e5 are known to a few percent."""
    for factor, expected in ((1.02, 4), (1.1, 0)):
        found = kinked(lambda x: 1e6 / 3 + second(x), np.ones(4), factor * np.eye(1, 4))
        assert found.kinks.entries.size == expected


def test_no_more_calls_are_made_than_are_left_and_of_few_inputs_alone() -> None:
    middle = np.eye(1, 4)
    calls = 32 * (4 + 1)
    assert kinked(second, np.ones(4), middle, calls).kinks.entries.size == 4
    assert kinked(second, np.ones(4), middle, calls - 1).kinks.entries.size == 0
    for size, expected in ((16, 4), (17, 0)):
        claim = np.r_[0.0, 1, 0, 0, np.ones(size - 4)]
        found = kinked(lambda x: second(x[:4]) + x[4:].sum(), np.ones(size), claim[None])
        assert found.kinks.entries.size == expected
    assert kinked(lambda x: np.ones(1), np.zeros(0), np.zeros((1, 0))).kinks.entries.size == 0


def test_outputs_are_judged_one_by_one() -> None:
    found = kinked(lambda x: np.r_[second(x), 3 * second(-x)], np.ones(3), np.array([[0.0, 1, 1], [-3.0, 0, 0]]))
    assert found.kinks.entries.tolist() == [3, 4, 5]
    np.testing.assert_allclose(found.kinks.low, -3, atol=1e-6)
