"""Whether a pattern is too small is asked of f bit by bit, and not of numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.refutation import refuted_bitwise
from tests.oracles import Array, Pairs, pairs_of


def refuted(f: Callable[[Array], Any], x: Array, known: Pairs, outputs: list[int], seed: int = 0) -> list[int]:
    rng = np.random.default_rng(seed)
    box = BlackBox(f, x)
    assert box.output_shape is not None
    rows, columns = (np.array([pair[k] for pair in sorted(known)], int) for k in (0, 1))
    pattern = Pattern.from_pairs(rows, columns, box.output_shape, x.shape)
    points = (x + rng.standard_normal(x.shape) / 1024 for _ in range(99))
    got = refuted_bitwise(box, x, pattern, np.array(outputs), points, rng)
    assert box.evaluations <= 2 + 2 * 16
    return got.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("width", [1, 3, 12])
def test_a_missing_input_is_seen_and_nothing_else(width: int, seed: int) -> None:
    n = 40
    rng = np.random.default_rng(seed)
    weights = np.array([[(i - o) % n < width for i in range(n)] for o in range(n)]) * rng.uniform(1, 2, (n, n))
    known = pairs_of(weights)
    o = int(rng.integers(n))
    weights[o, (o + width + 5) % n] = 1e-6
    f: Callable[[Array], Array] = lambda x: np.sin(x * 1.0) @ weights.T  # noqa: E731
    x = rng.standard_normal(n)
    others = [k for k in range(n) if k != o]
    assert refuted(f, x, known, [o], seed) == [o]
    assert refuted(f, x, known, others, seed) == []


def test_one_among_many_is_seen() -> None:
    n, seen = 500, 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        o, i = rng.choice(n, 2, replace=False).tolist()

        def f(x: Array, o: int = o, i: int = i) -> Array:
            y = np.tanh(x)
            y[o] += 1e-6 * x[i]
            return y

        seen += refuted(f, rng.standard_normal(n), {(k, k) for k in range(n)}, list(range(n)), seed) == [o]
    assert seen >= 45


@pytest.mark.parametrize("seed", range(3))
def test_an_input_is_seen_that_shows_only_where_the_known_one_stays_or_only_where_it_moves(seed: int) -> None:
    x = np.array([0.5, 1.0])
    assert refuted(lambda y: np.array([np.any(y != x) * 1.0]), x, {(0, 0)}, [0], seed) == [0]
    assert refuted(lambda y: np.array([np.all(y != x) * 1.0]), x, {(0, 0)}, [0], seed) == [0]
    assert refuted(lambda y: np.array([np.any(y != x) * 1.0]), x, {(0, 0), (0, 1)}, [0], seed) == []


def test_a_function_that_raises_refutes_nothing() -> None:
    x = np.array([0.5, 1.0])

    def f(y: Array) -> Array:
        if not np.array_equal(y, x):
            raise ValueError("elsewhere")
        return y

    assert refuted(f, x, {(0, 0)}, [0, 1]) == []


@pytest.mark.parametrize("seed", [1, 3])
def test_numbers_refute_no_pattern(seed: int) -> None:
    """The bars of x/(1 + |x|) are too small beside 0, where its second derivative jumps, but its pattern is right."""
    x = np.random.default_rng(seed).standard_normal((300, 300))
    report = jacinspect.inspect(lambda x: x / (1 + np.abs(x)), x, seed=seed)
    assert "J012" not in {finding.code for finding in report.findings}
    assert report.detection.evaluations == 2 + 2 * 11 + 5


@pytest.mark.parametrize("f", [np.sort, lambda x: np.median(x, keepdims=True)], ids=["sort", "median"])
def test_a_derivative_that_is_right_at_three_equal_numbers_is_not_accused(f: Callable[[Array], Any]) -> None:
    """No single input moves the median, and all together do: numbers contradict each other, the pattern stands."""
    size = np.size(f(np.zeros(3)))
    derivative = np.eye(3) if size == 3 else np.eye(3)[1:2]
    report = jacinspect.inspect(f, np.zeros(3), derivative=lambda x: derivative, derivative_kind="jacobian")
    assert not {finding.code for finding in report.findings} & {"J001", "J012"}
