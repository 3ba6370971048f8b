"""What the program adds to the calls of f, as ratios within one run: pytest tests/benchmarks --benchmark-only -s."""

from collections.abc import Callable
from time import perf_counter, process_time, thread_time
from typing import Any

import numpy as np
import pytest
from scipy.optimize._numdiff import approx_derivative

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import Detection, detect
from tests.oracles import Array, Shape

SIDE = 1000


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def normal(shape: Shape) -> Array:
    return np.asarray(np.random.default_rng(0).standard_normal(shape))


def seconds(run: Any, times: int = 5) -> float:
    """The shortest of a few runs."""
    best = float("inf")
    for _ in range(times):
        start = perf_counter()
        run()
        best = min(best, perf_counter() - start)
    return best


def show(*rows: tuple[str, float, str]) -> None:
    print()
    for what, number, unit in rows:
        print(f"  {what:<56}{number:>10.4g} {unit}")


class Timed:
    """A function that knows how often it was called, and for how long it ran where it was called."""

    def __init__(self) -> None:
        self.calls, self.seconds = 0, 0.0

    def __call__(self, x: Array) -> Array:
        start = perf_counter()
        y = sigmoid(x)
        self.seconds += perf_counter() - start
        self.calls += 1
        return y


def share(run: Callable[[Timed], Any], times: int = 3) -> tuple[float, Timed]:
    """The shortest of a few runs, and the function that it ran."""
    tried = []
    for _ in range(times):
        f = Timed()
        start = perf_counter()
        run(f)
        tried.append((perf_counter() - start, f))
    return min(tried, key=lambda pair: pair[0])


def test_detection_of_a_million_entries(benchmark: Any) -> None:
    x = normal((SIDE, SIDE))

    def detection(f: Any) -> Detection:
        return detect(BlackBox(f, x), x, np.random.default_rng(1), Budget(1000, 2**32))

    benchmark.pedantic(detection, args=(sigmoid,), rounds=3, warmup_rounds=1)
    whole, f = share(detection)
    show(
        ("one call of f", 1e3 * f.seconds / f.calls, "ms"),
        (f"detection of {SIDE}×{SIDE}, {f.calls} calls", 1e3 * whole, "ms"),
        ("detection / its calls of f", whole / f.seconds, "(at most 4)"),
    )
    assert whole <= 4 * f.seconds


@pytest.mark.parametrize("side", [2, 100, SIDE])
def test_a_whole_inspection(benchmark: Any, side: int) -> None:
    x = normal((side, side))

    def inspection(f: Any) -> Any:
        return jacinspect.inspect(f, x, derivative=lambda x: sigmoid(x) * sigmoid(-x))

    assert benchmark.pedantic(inspection, args=(sigmoid,), rounds=3, warmup_rounds=1).verdict == "pass"
    whole, f = share(inspection)
    show(
        (f"inspection of {side}×{side}, {f.calls} calls", 1e3 * whole, "ms"),
        ("inspection / its calls of f", whole / f.seconds, ""),
    )


def dense(size: int) -> Callable[[Array], Array]:
    weights = np.random.default_rng(3).standard_normal((size, size)) / np.sqrt(size)
    return lambda x: np.tanh(weights @ x)


def two_fields(n: int) -> Callable[[Array], Array]:
    """A reaction-diffusion system on a torus of n×n, both fields in one vector."""

    def laplacian(u: Array) -> Array:
        return np.asarray(sum(np.roll(u, step, axis) for axis in (0, 1) for step in (1, -1)) - 4 * u)

    def f(x: Array) -> Array:
        u, v = x.reshape(2, n, n)
        return np.concatenate([laplacian(u) - u * v**2 + 1 - u, laplacian(v) + u * v**2 - v], axis=None)

    return f


# f, operand, derivative, and the most calls of f and the most time besides f, over that in f
CASES: dict[str, tuple[Callable[[Array], Array], Array, Any, int, float]] = {
    "sigmoid, 2×2": (sigmoid, normal((2, 2)), lambda x: sigmoid(x) * sigmoid(-x), 48, np.inf),
    "sigmoid, 10×10": (sigmoid, normal((10, 10)), lambda x: sigmoid(x) * sigmoid(-x), 49, np.inf),
    f"sigmoid, {SIDE}×{SIDE}": (sigmoid, normal((SIDE, SIDE)), lambda x: sigmoid(x) * sigmoid(-x), 65, 5),
    "x / (1 + |x|), 1000×1000": (
        lambda x: x / (1 + np.abs(x)),
        normal((SIDE, SIDE)),
        lambda x: (1 + np.abs(x)) ** -2.0,
        128,
        np.inf,
    ),
    "a dense layer of 300": (dense(300), normal((300,)), None, 960, 3),
    "a dense layer of 1000": (dense(1000), normal((1000,)), None, 3060, 1.5),
    "two fields of 200×200": (two_fields(200), normal((2 * 200**2,)), None, 400, 5),
    "a million kinks of relu": (lambda x: np.maximum(x, 0), np.zeros((SIDE, SIDE)), lambda x: 1.0 * (x > 0), 128, 70),
}


@pytest.mark.parametrize("name", CASES)
def test_calls_and_time_besides_them(benchmark: Any, name: str) -> None:
    """Of the processor's time, for a machine that is not ours alone."""
    f, x, derivative, most, share_besides = CASES[name]
    calls, in_f = 0, 0.0

    def timed(x: Array) -> Array:
        nonlocal calls, in_f
        began = thread_time()
        y = f(x)
        calls, in_f = calls + 1, in_f + thread_time() - began
        return y

    jacinspect.inspect(sigmoid, np.ones((2, 2)))  # imports what is needed
    began = process_time()
    benchmark.pedantic(
        lambda: jacinspect.inspect(timed, x, derivative=derivative, backend="numpy"), rounds=1, iterations=1
    )
    besides = (process_time() - began - in_f) / in_f
    show(
        (f"{name}: calls", calls, f"(at most {most})"), ("time besides f / in f", besides, f"(at most {share_besides})")
    )
    assert calls <= most
    assert besides <= share_besides


def test_against_dense_differences(benchmark: Any) -> None:
    x = normal((100,))
    ours = benchmark.pedantic(lambda: jacinspect.inspect(sigmoid, x), rounds=3, warmup_rounds=1)
    dense = approx_derivative(sigmoid, x, method="3-point")
    truth = sigmoid(x) * sigmoid(-x)
    assert ours.jacobian is not None
    assert ours.jacobian.numeric is not None
    show(
        ("whole inspection of sigmoid at n = 100", 1e3 * seconds(lambda: jacinspect.inspect(sigmoid, x)), "ms"),
        (
            "scipy approx_derivative, dense",
            1e3 * seconds(lambda: approx_derivative(sigmoid, x, method="3-point")),
            "ms",
        ),
        ("largest error, inspection", float(np.max(np.abs(ours.jacobian.numeric.data - truth))), ""),
        ("largest error, scipy", float(np.max(np.abs(np.diag(dense) - truth))), ""),
    )
    assert np.max(np.abs(ours.jacobian.numeric.data - truth)) < np.max(np.abs(np.diag(dense) - truth))
