"""Kinks of several inputs together: vectors of entries that are each a slope are accused, subgradients never."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.jacobian.agreement.entries import compare
from jacinspect.jacobian.agreement.joint_kinks import (
    JointKink,
    joint_kinks,
    not_additive,
    not_differentiable,
    separable,
)
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.records import replace
from tests.jacobian.agreement.test_entries import F, differenced
from tests.oracles import Array, Pairs

TIED = np.array([1.0, 1.0, 1.0, -2.0])
ZERO = np.zeros(3)


class Compared:
    """A claim beside differences, and how many `calls` of f are made from now on."""

    def __init__(self, f: F, x: Array, claim: Any, read: Pairs | None = None) -> None:
        matrix = np.atleast_2d(np.array(claim, float))
        read = {(row, column) for row, column in np.ndindex(matrix.shape)} if read is None else read
        self.near, numeric = differenced(lambda x: np.atleast_1d(f(x)), x, read)
        pattern = numeric.jacobian.pattern
        claimed = Jacobian(pattern, matrix[pattern.rows, pattern.indices])
        self.comparison = compare(claimed, numeric, x, self.near.box.y0)
        self.before = self.near.box.evaluations

    @property
    def calls(self) -> int:
        return self.near.box.evaluations - self.before

    def joint(self, calls: int = 10000, seed: int = 0) -> JointKink | None:
        return joint_kinks(self.near, self.comparison, np.random.default_rng(seed), calls)

    def unclear(self, calls: int = 10000) -> Any:
        return not_differentiable(self.near, self.comparison, np.random.default_rng(0), calls).tolist()

    def sums(self) -> Any:
        rows = np.arange(self.near.box.y0.size)
        return separable(self.near, self.comparison, rows, np.random.default_rng(0)).tolist()


ACCUSING = 2 + 64 + 132  # calls: one to each side, a ladder, and lines


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        (np.sin, ZERO, np.eye(3)),
        (lambda x: np.maximum(x, 0), ZERO, 0.5 * np.eye(3)),  # one kink each
        (lambda x: np.abs(x[0]) - np.abs(x[1]), ZERO, [1, 1, 0]),  # one up, one down
        (np.max, TIED, [2, 0, 0, 0]),  # which is accused by itself
    ],
)
def test_f_is_not_called_where_no_output_has_several_kinks_one_way(f: F, x: Array, claim: list[float]) -> None:
    compared = Compared(f, x, claim)
    assert compared.joint() is None
    assert compared.calls == 0


@pytest.mark.parametrize(
    ("f", "claim", "directions"),
    [
        (lambda x: np.max(x), [1, 0, 0], 4),
        (lambda x: np.min(x), [0.25, 0.25, 0.5], 4),
        (lambda x: np.linalg.norm(x), [0, 0, 0], 3),
        (lambda x: np.log1p(np.maximum(np.max(x), 0)), [0.5, 0, 0.5], 4),  # curved by as much as the claim is inside
        (lambda x: -np.log1p(np.maximum(np.max(-x), 0)), [0.5, 0, 0.5], 4),
        (lambda x: np.expm1(np.minimum(np.min(x), 0)), [0.5, 0, 0.5], 4),
    ],
)
def test_a_right_claim_takes_two_calls_for_each_direction(f: F, claim: list[float], directions: int) -> None:
    compared = Compared(f, ZERO, claim)
    assert compared.joint() is None
    assert compared.calls == 2 * directions


def test_a_wrong_claim_takes_the_calls_that_it_needs_or_none() -> None:
    few, enough = Compared(np.max, TIED, [1, 1, 1, 0]), Compared(np.max, TIED, [1, 1, 1, 0])
    assert few.joint(ACCUSING - 1) is None
    assert few.calls == 0
    assert enough.joint(ACCUSING) is not None
    assert enough.calls == ACCUSING - 2  # along a line a ladder has no numbers beside x


@pytest.mark.parametrize("seed", range(5))
def test_the_claim_itself_is_a_direction(seed: int) -> None:
    """A gradient of a norm at 0 has at most length 1: it is impossible along directions close to it alone."""
    assert Compared(np.linalg.norm, ZERO, [0.6, -0.6, 0.6]).joint(seed=seed) is not None
    assert Compared(np.linalg.norm, ZERO, [0.57, -0.57, 0.57]).joint(seed=seed) is None


def test_other_inputs_are_not_moved() -> None:
    """A step as long as those of tied inputs is beyond the domain of a root."""
    x = np.array([1.0, 1.0, 1e-12])
    with np.errstate(invalid="ignore"):
        found = Compared(lambda x: np.max(x[:2]) + np.sqrt(x[2]), x, [1, 1, 5e5]).joint()
    assert found is not None
    assert (found.claimed, found.inputs.tolist()) == (2, [0, 1])


def test_the_worst_of_several_outputs_is_named_with_its_inputs() -> None:
    def f(x: Array) -> Array:
        median = 100 * (9 * x[:5].max() + np.median(x[:5]))  # not convex, and off by more
        return np.array([x[:2].max(), x[5], 3 * x[2:4].min() + x[5], median])

    claim = [[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 3, 3, 0, 1], [900, 100, 0, 0, 0, 0]]
    found = Compared(f, np.ones(6), claim).joint()
    assert found is not None
    assert (found.output, found.inputs.tolist(), found.number) == (2, [2, 3], 2)
    assert (found.claimed, found.left, found.right) == pytest.approx((6, 3, 3), rel=1e-9)


def test_where_f_is_smooth_along_a_direction_there_is_one_slope() -> None:
    found = Compared(lambda x: np.exp(np.max(x)), np.full(3, 0.5), np.full(3, np.exp(0.5))).joint()
    assert found is not None
    assert found.left == found.right == pytest.approx(np.exp(0.5), rel=1e-9)


def curved(x: Array) -> Array:
    return np.asarray(np.max(x) - 3e4 * (x @ x))


def test_a_claim_that_short_steps_alone_deny_is_right() -> None:
    """Over a step of 1.5e-8 the slope of 1 along an input is 1 - 5e-4."""
    compared = Compared(curved, ZERO, [0, 1, 0])
    assert compared.joint() is None
    assert compared.calls == 8 + 3 * 62  # and none along lines
    assert Compared(lambda x: -curved(x), ZERO, [0, -1, 0]).joint() is None


@pytest.mark.parametrize("seed", [1, 3])
def test_what_stands_still_over_short_steps_accuses_nobody(seed: int) -> None:
    """Printed digits hide the kink, and a step of a last digit is all that differences see."""
    assert Compared(lambda x: np.round(np.linalg.norm(x), 6), ZERO, [0.6, -0.8, 0]).joint(seed=seed) is None


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_what_is_not_convex_is_not_accused(sign: int, offset: float) -> None:
    """Of an order statistic one entry is chosen, and the sum of the chosen ones lies outside the slopes."""
    claim = sign * np.array([9.0, 1, 0, 0, 0])
    compared = Compared(lambda x: offset + sign * (9 * x.max() + np.median(x)), np.ones(5), claim)
    assert [compared.joint(seed=seed) for seed in range(3)] == [None] * 3


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_beside_a_constant_f_is_moved_farther(offset: float) -> None:
    """Over steps of 1.5e-8 the rounding of 1e6 is a tenth of a slope, and what bends is hidden."""
    found = Compared(lambda x: offset + np.max(x), TIED, [0.3, 0.3, 0.3, 0]).joint()
    assert found is not None
    assert found.claimed == pytest.approx(0.9)


def test_f_is_moved_no_farther_for_an_output_beside_a_large_constant_than_another_allows() -> None:
    compared = Compared(lambda x: np.array([1e8 + x.sum(), np.median(np.exp(1e3 * x))]), ZERO, [[2, 1, 1], [1e3, 0, 0]])
    assert compared.unclear() == [1]


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e12])
def test_a_smooth_function_of_large_numbers_is_a_sum(scale: float) -> None:
    """Over a step as long as the sum of exponentials of 1e6 and 1e6 is large, it is their maximum."""

    def f(x: Array) -> Array:
        return np.asarray(scale * (x.max() + np.log(np.exp(x - x.max()).sum())))

    x = np.array([1e6, 1e6, -1e3] if scale == 1 else [1.0, 1, -2])
    share = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    assert Compared(f, x, 2 * scale * share).unclear() == []


# --- Outputs that are accused, and are not the sum of what single inputs do

MEDIAN = (np.median, np.ones(5), [0.0, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        (np.sin, ZERO, np.eye(3)),  # nothing is accused,
        (np.abs, ZERO, 2 * np.eye(3)),  # or by one input
    ],
)
def test_f_is_not_called_where_no_output_may_be_unclear(f: F, x: Array, claim: Any) -> None:
    compared = Compared(f, x, claim, {(k, k) for k in range(3)})
    assert compared.unclear() == []
    assert compared.calls == 0


def test_what_moves_in_steps_is_not_unclear() -> None:
    compared = Compared(*MEDIAN)
    stairs = Stairs(np.array([2]), np.array([1e-9]), np.ones(1), np.array([1e-6]), np.array([True]))
    compared.comparison = replace(compared.comparison, numeric=replace(compared.comparison.numeric, stairs=stairs))
    assert compared.unclear() == []
    assert compared.calls == 0


def test_a_median_of_equal_numbers_is_unclear() -> None:
    compared = Compared(*MEDIAN)
    assert compared.unclear() == [0]
    assert compared.calls == 12
    assert Compared(*MEDIAN).unclear(calls=2) == []


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        (lambda x: np.sin(x).sum(), ZERO, [2, 1, 1]),
        (lambda x: np.maximum(x, 0) @ [1, -2, 3], ZERO, [2, 0, 0]),  # a sum
        (np.max, TIED, [2, 0, 0, 0]),  # convex
        (np.min, -TIED, [2, 0, 0, 0]),
        (lambda x: x.sum() + 1e-7 * np.sin(1e12 * x.sum()), ZERO + 0.1, [2, 1, 1]),  # noise
    ],
)
def test_what_is_wrong_by_a_single_input_stays_wrong(f: F, x: Array, claim: Any) -> None:
    assert Compared(f, x, claim).unclear() == []


def test_what_has_kinks_up_and_down_is_unclear() -> None:
    compared = Compared(lambda x: np.quantile(x, 0.3), np.ones(4), [0.1, 0.9, 0, 0])
    assert compared.unclear() == [0]
    assert Compared(np.max, TIED, [2, 0, 0, 0]).unclear(calls=12) == [0]  # too few to see that it is convex


def test_what_reads_more_than_its_pattern_is_unclear_however_it_bends() -> None:
    compared = Compared(lambda x: x[0] + np.abs(x[1]), ZERO, [2, 0, 0], {(0, 0), (0, 2)})
    assert compared.unclear() == [0]


def limited(x: Array) -> Array:
    """A limiter's choice of the smaller of two differences, and what is smooth."""
    one, other = x[1] - x[0], x[2] - x[1]
    return np.array([np.where(one * other > 0, min(one, other, key=abs), 0), np.sin(x).sum(), x[0] * x[1], 7.0])


@pytest.mark.parametrize("seed", range(10))
def test_what_rises_along_two_directions_by_something_else_than_along_each_is_told(seed: int) -> None:
    near = Compared(limited, np.ones(3), np.zeros((4, 3))).near
    assert not_additive(near, np.arange(4), np.random.default_rng(seed), 999).tolist() == [0]
    assert not_additive(near, np.array([1, 3]), np.random.default_rng(seed), 999).tolist() == []


def test_directions_are_drawn_until_six_pairs_show_no_further_output() -> None:
    smooth = Compared(lambda x: np.sin(x).sum(), ZERO, [1, 1, 1])
    assert not_additive(smooth.near, np.array([0]), np.random.default_rng(0), 999).size == 0
    assert smooth.calls == 6 * 9
    tied = Compared(np.median, np.ones(3), [1 / 3] * 3)
    assert not_additive(tied.near, np.array([0]), np.random.default_rng(0), 999).tolist() == [0]
    assert tied.calls % 9 == 0
    assert tied.calls <= 6 * 9
    assert not_additive(tied.near, np.array([0]), np.random.default_rng(0), 8).size == 0


def test_sums_of_what_single_inputs_do_are_told_from_others() -> None:
    def f(x: Array) -> Array:
        return np.array([np.maximum(x, 0) @ [1, -2, 3], np.abs(x) @ [3, 2, 1], x.max(), 5 * x[1]])

    assert Compared(f, ZERO, np.zeros((4, 3))).sums() == [0, 1, 3]
    assert Compared(np.max, TIED, np.zeros(4)).sums() == []


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_of_small_inputs_steps_in_units_of_these_show_what_adds_up(unit: float) -> None:
    """Beside points that are 1e-9 apart, steps of 1e-5 are too long for 1/r; one is at 0 by a coordinate."""
    x = unit * np.array([[0.4, -1.7], [2.1, 0.0], [-0.9, 1.3]])
    one, other = np.array([0, 0, 1]), np.array([1, 2, 2])

    def f(x: Array) -> Array:
        return np.asarray(unit / np.linalg.norm(x[one] - x[other], axis=1))

    jacobian, apart = np.zeros((3, 3, 2)), x[one] - x[other]
    slopes = -(f(x)[:, None] ** 3) * apart / unit**2
    jacobian[np.arange(3), one], jacobian[np.arange(3), other] = slopes, -slopes
    assert jacinspect.inspect(f, x, lambda _: jacobian).verdict == "pass"
    jacobian[1, 1] = jacobian[1, 0]
    assert jacinspect.inspect(f, x, lambda _: jacobian).verdict == "fail"


# --- Whole inspections


def fault(f: Callable[..., Any], x: Array, claim: Any = None, **settings: Any) -> str:
    """The message that accuses entries of being impossible together, or nothing."""
    derivative = None if claim is None else lambda _: np.asarray(claim, float)
    return of_together(jacinspect.inspect(f, x, derivative=derivative, **settings))


def of_together(report: Report) -> str:
    messages = [found.message for found in report.findings if found.code == "J001"]
    assert report.verdict == "fail" or not messages
    return " ".join(messages)


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        (np.max, TIED, [1, 1, 1, 0]),
        (np.max, TIED, [0, 0, 0, 0]),
        (np.max, TIED, [0.3, 0.3, 0.3, 0]),
        (np.min, -TIED, [1, 1, 1, 0]),
        (np.max, 1e6 * TIED, [1, 1, 1, 0]),
        (np.max, 1e-9 * TIED, [1, 1, 1, 0]),
        (np.linalg.norm, ZERO, [1, 1, 1]),
        (np.linalg.norm, ZERO, [1, -1, 1]),
        (np.linalg.norm, ZERO, [0.7, -0.7, 0.7]),
        (lambda x: np.abs(x[0] - x[1]), ZERO, [1, 1, 0]),
        (lambda x: np.array([x.max() + np.sin(x[3]), x[3]]), TIED, [[1, 0, 1, np.cos(-2)], [0, 0, 0, 1]]),
        (lambda x: x.reshape(2, 2).max(axis=1), np.ones(4), [[1, 1, 0, 0], [0, 0, 1, 0]]),
    ],
)
def test_entries_that_are_each_possible_but_not_together(f: Callable[..., Any], x: Array, claim: Any) -> None:
    assert "entries that are each possible, but not together" in fault(f, x, claim)


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        (np.max, TIED, [0, 1, 0, 0]),
        (np.max, TIED, [0.5, 0.25, 0.25, 0]),
        (np.min, -TIED, [1 / 3, 1 / 3, 1 / 3, 0]),
        (np.linalg.norm, ZERO, [0, 0, 0]),
        (np.linalg.norm, ZERO, [0.6, -0.8, 0]),
        (np.linalg.norm, ZERO, [0.57, 0.57, -0.57]),
        (np.sort, TIED, np.eye(4)[[3, 1, 2, 0]]),
        (np.sort, np.ones(7), np.eye(7)[[3, 1, 6, 2, 0, 5, 4]]),
        (np.median, np.ones(5), [0, 0, 0, 1, 0]),
        (lambda x: np.maximum(x, 0).sum(), ZERO, [0, 0, 0]),
        (lambda x: np.maximum(x, 0).sum(), ZERO, [0, 1, 0.5]),
        (lambda x: np.ptp(x), np.ones(4), [1, -1, 0, 0]),
        # Not convex or concave: one entry is chosen for each order statistic, and the sum lies outside the slopes.
        (lambda x: 9 * x.max() + np.median(x), np.ones(5), [9, 1, 0, 0, 0]),
        (lambda x: np.quantile(x, 0.9), np.ones(5), [0, 0.4, 0, 0, 0.6]),
        # The slopes are 0.1 and 0 by each entry, and 1 by all of them together.
        (lambda x: np.quantile(x, 0.3), np.ones(4), [0.1, 0.9, 0, 0]),
    ],
)
def test_subgradients_and_choices_of_one_entry_are_not_accused(f: Callable[..., Any], x: Array, claim: Any) -> None:
    assert fault(f, x, claim) == ""


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        (np.max, TIED, [2, 0, 0, 0]),
        (lambda x: np.abs(x) @ [1, -2, 3], ZERO, [2, 0, 0]),
        (lambda x: np.maximum(x, 0) @ [1, -2, 3] + x[0] * x[1], ZERO, [0, 0, -1]),
    ],
    ids=["convex", "a sum", "a sum, and a product"],
)
def test_entries_outside_their_slopes_are_accused_where_single_inputs_show_all(
    f: Callable[..., Any], x: Array, claim: Any
) -> None:
    assert "entry on a kink" in fault(f, x, claim)


POOLED = np.repeat(np.arange(4.0), 4).reshape(1, 1, 4, 4)
OF_TORCH: dict[str, tuple[Callable[[Any], Any], Array]] = {
    "max": (torch.max, TIED),
    "amax": (torch.amax, TIED),
    "min": (torch.min, -TIED),
    "sort": (lambda x: torch.sort(x)[0], TIED),
    "median": (torch.median, np.ones(5)),
    "norm": (torch.linalg.vector_norm, ZERO),
    "infinity norm": (lambda x: torch.linalg.vector_norm(x, ord=torch.inf), np.ones(3)),
    "relu": (lambda x: torch.relu(x).sum(), ZERO),
    "max_pool2d": (lambda x: torch.nn.functional.max_pool2d(x, 2), POOLED),
    "sum of max_pool2d": (lambda x: torch.nn.functional.max_pool2d(x, 3, 1).sum(), POOLED),
    "topk": (lambda x: torch.topk(x, 2)[0].sum(), np.ones(4)),
    "quantile": (lambda x: torch.quantile(x, 0.9), np.ones(5)),
    "quantiles": (lambda x: torch.quantile(x, 0.3, dim=1), np.array([[0, 0, 0, 0], [3.0, 1, 3, 3]])),
    "weighted relus": (lambda x: (torch.relu(x) * torch.tensor([1.0, -2.0, 3.0])).sum(), ZERO),
    "maximum of relus": (lambda x: torch.relu(x).max(), ZERO),
}
OF_JAX: dict[str, tuple[Callable[[Any], Any], Array]] = {
    "max": (jnp.max, TIED),
    "min": (jnp.min, -TIED),
    "sort": (jnp.sort, TIED),
    "median": (jnp.median, np.ones(5)),
    "relu": (lambda x: jax.nn.relu(x).sum(), ZERO),
    "abs": (lambda x: jnp.abs(x).sum(), ZERO),
    "maximum": (lambda x: jnp.maximum(x[0], jnp.maximum(x[1], x[2])), ZERO),
}


@pytest.mark.parametrize("name", OF_TORCH)
def test_what_torch_gives_at_ties_is_not_accused(name: str) -> None:
    f, x = OF_TORCH[name]
    assert fault(f, x, backend="torch") == ""


@pytest.mark.parametrize("name", OF_JAX)
def test_what_jax_gives_at_ties_is_not_accused(name: str) -> None:
    f, x = OF_JAX[name]
    assert fault(f, x, backend="jax") == ""


@pytest.mark.parametrize("seed", [10, 38])
def test_an_order_statistic_is_told_though_its_pattern_lacks_inputs(seed: int) -> None:
    """Where numbers tie beside one that is 1e-9 away: those that are missed move f along random directions."""
    assert jacinspect.inspect("sort", [1e-9, 0, 0, 0, 0], seed=seed).verdict == "pass"


def test_the_message_names_the_inputs_and_the_slope() -> None:
    assert fault(np.max, TIED, [1, 1, 1, 0]) == (
        "1 output on a kink of several inputs, worst Y: along a[0], a[1], a[2] together it has slope 1; analytic 3: "
        "entries that are each possible, but not together"
    )


def test_the_message_about_a_median_of_equal_numbers_does_not_call_its_bar_wide() -> None:
    report = jacinspect.inspect(np.median, np.zeros(3), derivative=lambda _: np.array([0.0, 2.0, 0.0]))
    assert [found.message for found in report.findings if found.code == "J006"] == [
        "1 entry inconclusive: ∂Y/∂a[1] is 0 ± 6e-323 by that input alone, analytic 2; Y is not the sum of what single "
        "inputs do"
    ]


@pytest.mark.parametrize("zeros", [1, 5, 30])
def test_a_kink_is_no_noise(zeros: int) -> None:
    """An output on kinks of some of its inputs has sharp slopes by the others, where it stands still too."""
    x = np.array([0.0] * zeros + [-1.0, -0.5, 2.0])
    report = jacinspect.inspect(lambda x: np.maximum(x, 0).sum(), x, lambda x: (x > 0).astype(float))
    assert report.verdict == "pass"
    bar = None if report.jacobian is None else report.jacobian.error_bar
    assert bar is not None
    assert np.all(bar[-3:] < 1e-9)


WEIGHTS = np.array([[1.0, 0, 0], [0, 3, 0]])  # of an output each; the last input is read by none


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("f", "slopes", "x"),
    [
        (lambda x: np.abs(x) ** 1.5, lambda x: np.diag(1.5 * np.abs(x) ** 0.5 * np.sign(x)), [0.0, 1, 2]),
        (lambda x: np.maximum(x, [x[1], x[2], x[1]]), lambda x: [[1, 0, 0], [0, 0, 1], [0, 0, 1]], [1.0, 1, 3]),
        (lambda x: np.abs([x[1] - x[0], x[1], x[2]]), lambda x: np.diag([0.0, 1, 1]), [1.0, 1, 3]),
    ],
)
def test_an_entry_where_f_has_none_is_wrong_where_f_is_no_sum_as_well(
    f: F, slopes: F, x: list[float], seed: int
) -> None:
    spurious = np.zeros((3, 3))
    assert jacinspect.inspect(f, x, lambda x: np.array(slopes(x), float) + spurious, seed=seed).verdict == "pass"
    spurious[0, 2] = 5
    assert jacinspect.inspect(f, x, lambda x: np.array(slopes(x), float) + spurious, seed=seed).verdict == "fail"


@pytest.mark.parametrize("seed", [0, 5, 8])
@pytest.mark.parametrize("x", [[1.0, 1, 1, 2, 3], [1.0, 1, 1, 2, 2, 2], [0.0, 0, 0, 1, 0.5, 0.2, 0.7]])
def test_what_autodiff_gives_for_tied_extremes_is_not_accused(x: list[float], seed: int) -> None:
    """At such seeds, the pattern lacked inputs that are the least of the tied ones at few points alone."""

    def slopes(x: Array) -> Array:
        low, high = ((x == end) / np.count_nonzero(x == end) for end in (x.min(), x.max()))
        return np.asarray((np.eye(x.size) - low) / np.ptp(x) - np.outer(x - x.min(), high - low) / np.ptp(x) ** 2)

    assert jacinspect.inspect(lambda x: (x - x.min()) / np.ptp(x), x, slopes, seed=seed).verdict == "pass"


@pytest.mark.parametrize("form", ["jacobian", "jvp", "vjp"])
@pytest.mark.parametrize(
    ("entry", "atol", "verdict"),
    [(0.1, 0, "fail"), (-1e-3, 0, "fail"), (0.0, 0, "pass"), (1e-20, 0, "pass"), (0.1, 0.2, "pass")],
)
def test_an_entry_where_f_has_none_is_wrong_on_a_kink_as_well(
    form: Any, entry: float, atol: float, verdict: str
) -> None:
    """No direction compares an output on a kink; entries too small to move its last bit may be right."""
    claim = WEIGHTS / 2
    claim[0, 2] = entry
    rules: dict[str, Any] = {
        "jacobian": lambda x: claim.copy(),
        "jvp": lambda x, dx: claim @ dx,
        "vjp": lambda x, g: g @ claim,
    }
    report = jacinspect.inspect(
        lambda x: 1 + np.maximum(WEIGHTS @ x, 0), np.zeros(3), derivative=rules[form], derivative_kind=form, atol=atol
    )
    assert report.verdict == verdict, report.findings
    if verdict == "fail":
        (wrong,) = [finding.message for finding in report.findings if finding.code == "J001"]
        assert wrong.startswith("the derivative has entries where the function has none: 1 entry, worst ∂A[0]/∂X[2]")
