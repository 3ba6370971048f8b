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
from tests.oracles import Array

TIED = np.array([1.0, 1.0, 1.0, -2.0])
ZERO = np.zeros(3)


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
