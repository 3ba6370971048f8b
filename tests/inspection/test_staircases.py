"""Functions that move in steps: right derivatives are not called wrong, wrong ones are found where steps allow it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import jacinspect
from tests.oracles import Array


def normal(*shape: int, seed: int, scale: float = 1.0) -> Array:
    return scale * np.random.default_rng(seed).standard_normal(shape)


def printed(x: Array) -> Array:
    """Return sin x as a program would that prints six digits and reads them again."""
    return np.array([float(f"{value:.6g}") for value in np.sin(x)])


def in_half_precision(x: Array) -> Array:
    return np.tanh(x).astype(np.float16).astype(np.float64) + x


def newton(x: Array) -> Array:
    """Return √x by Newton's method, stopped when a step is below 1e-4 for every entry."""
    root = np.ones_like(x)
    for _ in range(60):
        step = (root - x / root) / 2
        root = root - step
        if np.all(np.abs(step) < 1e-4):
            return root
    raise ValueError("no convergence")


STEPPED: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "printed digits": (printed, np.cos),
    "rounded to 9": (lambda x: np.round(np.exp(x), 9), np.exp),
    "half precision": (in_half_precision, lambda x: 2 - np.tanh(x) ** 2),
    "treads of 1e-8": (lambda x: np.floor(1e8 * x) / 1e8 + np.sin(x), lambda x: 1 + np.cos(x)),
}


@pytest.mark.parametrize("scale", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_right_derivative_of_torch_s_gelu_is_not_called_wrong(scale: float, seed: int) -> None:
    report = jacinspect.inspect(torch.nn.functional.gelu, normal(6, 10, seed=seed, scale=scale))
    assert report.verdict != "fail", report.findings


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", ["", "1e6 * ", "1e-6 * "])
def test_what_cancels_to_few_digits_is_not_called_wrong(seed: int, factor: str) -> None:
    report = jacinspect.inspect(f"{factor}log(1 - sigmoid(x))", normal(10, seed=seed, scale=10))
    assert report.verdict != "fail", report.findings


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("seed", range(3))
def test_a_right_derivative_over_steps_is_not_called_wrong(name: str, seed: int) -> None:
    f, derivative = STEPPED[name]
    report = jacinspect.inspect(f, normal(8, seed=seed), derivative=derivative)
    assert report.verdict != "fail", report.findings
    assert {finding.code for finding in report.findings} <= {"J006", "J014"}


@pytest.mark.parametrize("name", ["rounded to 9", "treads of 1e-8"])
def test_a_wrong_derivative_over_small_steps_is_found(name: str) -> None:
    f, derivative = STEPPED[name]
    for seed in range(3):
        report = jacinspect.inspect(f, normal(8, seed=seed), derivative=lambda x: 1.03 * derivative(x))
        assert report.verdict == "fail", report.findings


def test_steps_are_named_where_entries_are_judged_over_them() -> None:
    f, derivative = STEPPED["treads of 1e-8"]
    codes: dict[str, str] = {}
    for seed in range(4):
        report = jacinspect.inspect(f, normal(8, seed=seed), derivative=derivative)
        codes |= {finding.code: finding.message for finding in report.findings}
    assert "moves in steps of" in codes["J014"]


def test_one_jump_excuses_nobody() -> None:
    """A hard shrink leaps at 0.5 and is smooth beside it: a slope of 1.2 there is wrong."""
    x = np.array([0.5 + 1e-6, 0.5 + 1e-3, 0.7, -0.6])
    report = jacinspect.inspect("hardshrink", x, derivative=lambda x: 1.2 * (np.abs(x) > 0.5))
    assert report.verdict == "fail"


def test_noise_that_the_user_names_is_accepted() -> None:
    x = np.array([2.0, 7.0, 11.0])

    def slope(x: Array) -> Array:
        return 0.5 / np.sqrt(x)

    assert jacinspect.inspect(newton, x, derivative=slope, noise=1e-4).verdict == "pass"
    assert jacinspect.inspect(newton, x, derivative=lambda x: 1.1 * slope(x), noise=1e-4).verdict == "fail"


def test_a_tolerance_of_the_user_s_is_added_to_the_bars() -> None:
    x = np.array([0.5, -0.25, 2.0])

    def off(x: Array) -> Array:
        return np.cos(x) * 1.001

    assert jacinspect.inspect(np.sin, x, derivative=off).verdict == "fail"
    assert jacinspect.inspect(np.sin, x, derivative=off, rtol=2e-3).verdict == "pass"
    assert jacinspect.inspect(np.sin, x, derivative=off, rtol=5e-4).verdict == "fail"
    assert jacinspect.inspect(np.sin, x, derivative=np.cos, rtol=1e-300).verdict == "pass"
