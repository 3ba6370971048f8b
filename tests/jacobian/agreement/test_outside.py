"""What a claim has where f has no entry: its rounding is no error, anything larger is."""

from typing import Any, Literal

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.report import Report
from tests.oracles import Array


def imaginary(x: Array) -> Array:
    """Return the imaginary part of a Fourier transform: exactly 0 at the highest frequency."""
    return np.fft.fft(x).imag


def claimed(x: Array, matrix: Array, kind: Literal["jacobian", "jvp", "vjp"]) -> Report:
    given: dict[str, Any] = {
        "jacobian": lambda _: matrix,
        "jvp": lambda _, v: matrix @ v,
        "vjp": lambda _, w: matrix.T @ w,
    }
    return jacinspect.inspect(imaginary, x, given[kind], derivative_kind=kind)


@pytest.mark.parametrize("kind", ["jacobian", "jvp", "vjp"])
@pytest.mark.parametrize("x", [np.random.default_rng(0).standard_normal(16), np.ones(16)], ids=["random", "ones"])
def test_a_sine_of_multiples_of_pi_is_0(x: Array, kind: Literal["jacobian", "jvp", "vjp"]) -> None:
    """In the claim each is 1e-15 or so, and that is all that there is in the row of an output that reads nothing."""
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(16)) / 16).imag
    assert claimed(x, matrix, kind).verdict == "pass"
    wrong = matrix.copy()
    wrong[8, 3] = 1e-6
    assert claimed(x, wrong, kind).verdict == "fail"


def test_terms_of_a_claim_that_cancel_at_a_small_operand_are_no_entries() -> None:
    """The derivative of atan2(s, s) is s / 2s² - s / 2s²: terms of 1 / 2s, in a rule that knows no better."""
    x = np.array([0.0035, -0.0142, -0.0057, -0.0031, 0.0074, 0.0005])
    rounding = 1e-14 * np.tril(np.random.default_rng(4).standard_normal((6, 6)))

    def f(x: Array) -> Array:
        largest = np.maximum.accumulate(x)
        s = np.where(largest > x, largest * x, largest + x)
        return np.arctan2(s, s)

    assert jacinspect.inspect(f, x, lambda _: rounding, derivative_kind="jacobian").verdict != "fail"
    assert jacinspect.inspect(f, x, lambda _: 1e4 * rounding, derivative_kind="jacobian").verdict == "fail"
