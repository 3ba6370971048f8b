"""Functions that compute in half precision inside: right derivatives are not called wrong, and wrong ones are found."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import jacinspect
from tests.kinds import KINDS, Case
from tests.kinds import inspected as of_kind
from tests.oracles import Array

F = Callable[[torch.Tensor], torch.Tensor]
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
WEIGHTS = torch.tensor(np.random.default_rng(1).standard_normal((4, 6)))


def inspected(f: F, exact: F, x: Array, factor: float = 1.0) -> jacinspect.Report:
    """Inspect f, with the derivative of the exact function, times a factor, as the claim."""

    def slopes(x: Array) -> Array:
        return np.asarray(factor * torch.func.jacrev(exact)(torch.as_tensor(x)).numpy())

    def of_arrays(x: Array) -> Array:
        return np.asarray(f(torch.as_tensor(x)).double().numpy())

    return jacinspect.inspect(of_arrays, x, slopes, derivative_kind="jacobian")


def normal(seed: int, scale: float) -> Array:
    return scale * np.random.default_rng(seed).standard_normal(6)


MIXED: dict[str, tuple[Callable[[torch.Tensor, torch.dtype], torch.Tensor], F]] = {
    "a layer": (
        lambda x, dtype: torch.tanh(WEIGHTS.to(dtype) @ x.to(dtype)),
        lambda x: torch.tanh(WEIGHTS @ x),
    ),
    "a product of rounded numbers": (lambda x, dtype: x.to(dtype).double().prod()[None], lambda x: x.prod()[None]),
    "a sum of squares": (lambda x, dtype: (x.to(dtype) ** 2).sum()[None], lambda x: (x**2).sum()[None]),
    "a softmax": (lambda x, dtype: torch.softmax(x.to(dtype), 0), lambda x: torch.softmax(x, 0)),
}


@pytest.mark.parametrize("scale", [0.3, 3, 10])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MIXED)
def test_where_the_other_inputs_are_rounded_as_well(name: str, dtype: str, scale: float) -> None:
    """A slope is off by what it changes to the point that those are rounded to; small ones hide within a step of f."""
    (f, exact), x = MIXED[name], normal(seed=0, scale=scale)
    right = inspected(lambda x: f(x, DTYPES[dtype]), exact, x)
    assert right.verdict != "fail", right.findings
    assert inspected(lambda x: f(x, DTYPES[dtype]), exact, x, 1.3).verdict != "pass"


@pytest.mark.parametrize("seed", [[1, 3], [1, 30]])
def test_long_steps_show_f_where_the_other_inputs_are_rounded_to(seed: list[int]) -> None:
    """By themselves they are narrower there than what is averaged, and off by 0.7 % of a product."""
    f, exact = MIXED["a product of rounded numbers"]
    x = seed[1] / 10 * np.random.default_rng(seed).standard_normal(6)
    assert inspected(lambda x: f(x, torch.bfloat16), exact, x).verdict != "fail"


def test_the_right_derivative_of_a_layer_passes_and_three_percent_are_found() -> None:
    f, exact = MIXED["a layer"]
    for seed in range(3):
        x = normal(seed, 1)
        assert inspected(lambda x: f(x, torch.float16), exact, x).verdict == "pass"
        assert inspected(lambda x: f(x, torch.float16), exact, x, 1.03).verdict == "fail"


def test_a_softmax_is_0_where_half_precision_has_no_number() -> None:
    """Its derivative has entries there, of 1e-8 and less, where f has none."""
    f, exact = MIXED["a softmax"]
    x = np.array([1.6, -27.8, -5.8, 3.4, 6.5, 7.6])
    assert inspected(lambda x: f(x, torch.float16), exact, x).verdict != "fail"
    assert inspected(lambda x: f(x, torch.float16), exact, x, 1.1).verdict == "fail"


def test_an_entry_below_the_last_numbers_of_half_precision_is_no_error_where_f_moves_in_steps() -> None:
    """The second output is the smallest number that there is, and its slopes by two inputs are 1e-9."""
    f, exact = MIXED["a softmax"]
    x = np.array([8.0449, -6.8217, -2.4776, 10.1481, 6.6451, 7.2248])
    assert inspected(lambda x: f(x, torch.float16), exact, x).verdict != "fail"


@pytest.mark.parametrize("seed", [332, 334])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_layer_that_is_scaled_is_judged_as_one_that_is_not(scale: float, seed: int) -> None:
    """Near 1 a claim is off by the rounding of 1 - tanh², which is that of the scale."""
    (kind,) = (kind for kind in KINDS if kind.name == "a layer in bfloat16")
    right, wrong = (of_kind(Case(kind, "torch", 1, scale, seed), factor) for factor in (1, kind.wrong))
    assert right
    assert wrong
    assert (right.verdict != "fail", wrong.verdict) == (True, "fail")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_kink_at_0_where_the_numbers_of_half_precision_end(dtype: str) -> None:
    def f(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.leaky_relu(x.to(DTYPES[dtype]), 0.3)

    def verdict(slope: float) -> str:
        return inspected(f, lambda x: slope * x, np.zeros(3)).verdict

    assert [verdict(slope) for slope in (0.3, 1, 1.3)] == ["pass", "pass", "fail"]
