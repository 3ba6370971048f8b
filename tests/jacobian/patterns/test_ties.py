"""At X itself, what an output reads where entries are zero or equal: every input that moves it on either side."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import Detection, detect
from tests.oracles import Array, Pairs, local_reads

OPERANDS: dict[str, Callable[[np.random.Generator], Array]] = {
    "zeros of a relu": lambda rng: np.maximum(rng.standard_normal((8, 8)), 0),
    "half-integers": lambda rng: np.round(2 * rng.standard_normal((8, 8))) / 2,
    "all equal": lambda rng: np.ones((8, 8)),
    "all zero": lambda rng: np.zeros((8, 8)),
    "few integers": lambda rng: rng.integers(0, 3, (8, 8)).astype(float),
}
FUNCTIONS: dict[str, Callable[[Array], Any]] = {
    "max-pool": lambda x: x.reshape(4, 2, 4, 2).max((1, 3)),
    "running maximum": lambda x: np.maximum.accumulate(x, 1),
    "sort": lambda x: np.sort(x, 1),
    "median of three": lambda x: np.median(x.ravel()[:63].reshape(21, 3), 1),
    "sum of relus": lambda x: np.maximum(x, 0).sum(1),
}


def detected(f: Callable[[Array], Any], x: Array, seed: int) -> Detection:
    return detect(BlackBox(f, x), x, np.random.default_rng([seed, 7]), Budget(100_000, 2**30))


def found(detection: Detection) -> Pairs:
    return set(zip(detection.pattern.rows.tolist(), detection.pattern.indices.tolist(), strict=True))


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("seed", "scale"), [(0, 1e-6), (1, 1.0), (2, 1e6)])
def test_no_input_is_missed_that_moves_an_output_on_either_side(
    operand: str, name: str, seed: int, scale: float
) -> None:
    x = scale * OPERANDS[operand](np.random.default_rng(seed))
    detection = detected(FUNCTIONS[name], x, seed)
    assert detection.proved
    assert local_reads(FUNCTIONS[name], x, 64, 1e-9 * scale) <= found(detection)


@pytest.mark.parametrize("seed", range(8))
def test_a_side_that_shows_what_is_known_is_not_the_whole_of_a_maximum(seed: int) -> None:
    x = np.array([1.0, 1.0, 1.0, -2.0])
    detection = detected(lambda x: np.array([x.max() + np.sin(x[3]), x[3]]), x, seed)
    assert found(detection) == {(0, 0), (0, 1), (0, 2), (0, 3), (1, 3)}


def test_an_element_wise_function_of_tied_numbers_takes_no_more_calls() -> None:
    x = np.round(np.random.default_rng(0).standard_normal((20, 30)))
    assert detected(np.tanh, x, 0).evaluations == detected(np.tanh, x + np.arange(600).reshape(20, 30), 0).evaluations


def test_a_smooth_function_is_seen_on_one_side_alone() -> None:
    """What the first point near X shows is what was known; a function with two slopes is seen on both sides."""
    x = np.round(np.random.default_rng(0).standard_normal((6, 7)))
    smooth, kinked = (lambda x: np.exp(x) / np.exp(x).sum(0)), (lambda x: np.maximum.accumulate(x, 0))
    assert detected(smooth, x, 0).points == 4  # X, a flip, the one near X, and another
    assert detected(kinked, x, 0).points >= 5


@pytest.mark.parametrize("seed", range(10))
def test_a_wrong_derivative_by_a_tied_entry_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.standard_normal((4, 4)), 0)

    def pool(x: Array) -> Array:
        return np.asarray(x.reshape(2, 2, 2, 2).max((1, 3)))

    def windows(x: Array) -> Array:
        return x.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 4)

    def derivative(x: Array) -> Array:
        tensor = np.zeros((4, 16))
        places = windows(np.arange(16).reshape(4, 4))
        for o, window in enumerate(windows(x)):
            first, *others = np.flatnonzero(window == window.max()).tolist()
            tensor[o, places[o, first]] = 1
            tensor[o, places[o, others]] = -1000
        return tensor.reshape(2, 2, 4, 4)

    report = jacinspect.inspect(pool, x, derivative=derivative, derivative_kind="jacobian", seed=seed)
    assert report.verdict == ("fail" if np.any(derivative(x) == -1000) else "pass")


def test_nothing_warns_where_f_is_infinite() -> None:
    x = np.array([0.0, 0.0, 1.0])
    with np.errstate(all="raise"):
        assert detected(lambda x: np.where(x.sum() > -1, np.inf, x), x, 0).proved
        assert detected(lambda x: np.array([np.inf, x.sum()]), x, 0).proved
