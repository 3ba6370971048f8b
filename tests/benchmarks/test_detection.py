"""How many calls of f it takes to find a pattern, exactly, and in what memory: pytest tests/benchmarks -s."""

import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import Detection, detect
from tests.oracles import Array, Shape

SPARSE = 3000  # outputs, each of which reads three inputs
DENSE = 1000


def permutation(size: int) -> Array:
    return np.random.default_rng(3).permutation(size)


def threes() -> Array:
    rng = np.random.default_rng(4)
    return np.sort([rng.choice(SPARSE, 3, replace=False) for _ in range(SPARSE)], axis=1)


def triangle(size: int) -> Array:
    return np.tril(np.random.default_rng(5).uniform(1, 2, (size, size)))


def tridiagonal(x: Array) -> Array:
    y = np.sin(x) * x
    y[1:] += x[:-1] ** 2
    y[:-1] -= np.exp(x[1:])
    return y


def five_points(x: Array) -> Array:
    y = 4 * x**3
    y[1:] -= x[:-1]
    y[:-1] -= x[1:]
    y[:, 1:] -= np.sin(x[:, :-1])
    y[:, :-1] -= np.sin(x[:, 1:])
    return y


def softmax(x: Array, axis: int) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(e / e.sum(axis, keepdims=True))


def one_dense_row(x: Array) -> Array:
    y = np.tanh(x)
    y[0] = x.sum()
    return y


def two_fields(n: int) -> Callable[[Array], Array]:
    """A reaction-diffusion system on a torus of n×n, both fields in one vector."""

    def laplacian(u: Array) -> Array:
        return np.asarray(sum(np.roll(u, step, axis) for axis in (0, 1) for step in (1, -1)) - 4 * u)

    def f(x: Array) -> Array:
        u, v = x.reshape(2, n, n)
        return np.concatenate([laplacian(u) - u * v**2 + 1 - u, laplacian(v) + u * v**2 - v], axis=None)

    return f


def dilation(x: Array, width: int = 3) -> Array:
    padded = np.pad(x, width // 2, mode="edge")
    shifts = range(width)
    return np.asarray(np.max([padded[a:, b:][: x.shape[0], : x.shape[1]] for a in shifts for b in shifts], axis=0))


def max_pool(x: Array) -> Array:
    m, n = x.shape
    return np.asarray(x.reshape(m // 2, 2, n // 2, 2).max((1, 3)))


PERMUTATION, THREES, TRIANGLE = permutation(5000), threes(), triangle(DENSE)
FULL = TRIANGLE + TRIANGLE.T


class Case(NamedTuple):
    f: Callable[[Array], Array]
    shape: Shape
    most: int  # calls
    stored: int  # entries of the true pattern


CASES = {
    "element-wise, 4096×4096": Case(np.tanh, (4096, 4096), 32, 4096**2),
    "permutation of 5000": Case(lambda x: x[PERMUTATION] ** 3, (5000,), 17, 5000),
    "tridiagonal, 100,000": Case(tridiagonal, (10**5,), 100, 3 * 10**5 - 2),
    "five-point stencil, 256×256": Case(five_points, (256, 256), 150, 5 * 256**2 - 4 * 256),
    "softmax along rows, 64×64": Case(lambda x: softmax(x, 1), (64, 64), 150, 64**3),
    "softmax along columns, 64×64": Case(lambda x: softmax(x, 0), (64, 64), 150, 64**3),
    "random, 3000 with 3 in a row": Case(lambda x: np.sin(x[THREES]).sum(1), (SPARSE,), 1000, 3 * SPARSE),
    "lower triangular, 1000": Case(lambda x: TRIANGLE @ x, (DENSE,), DENSE + 60, DENSE * (DENSE + 1) // 2),
    "dense, 1000": Case(lambda x: np.sin(FULL @ x), (DENSE,), DENSE + 60, DENSE**2),
    "diagonal with one dense row, 2000": Case(one_dense_row, (2000,), 2100, 2 * 2000 - 1),
    "two fields of 128×128 in one vector": Case(two_fields(128), (2 * 128**2,), 230, 2 * 6 * 128**2),
    "40,000 numbers folded to 10,000": Case(lambda x: np.sin(x).reshape(4, -1).sum(0), (40_000,), 170, 40_000),
}

# Patterns that depend on the data: calls in all, for the pattern at several points is joined.
JOINED: dict[str, tuple[Callable[[Array], Array], Shape, int]] = {
    "3×3 dilation of 64×64": (dilation, (64, 64), 250),
    "5×5 dilation of 64×64": (lambda x: dilation(x, 5), (64, 64), 450),
    "max-pool of 256×256": (max_pool, (256, 256), 200),
    "median of neighbours, 5000": (lambda x: np.median([np.roll(x, k) for k in (-1, 0, 1)], axis=0), (5000,), 170),
}


def found(case: Case) -> tuple[int, Detection]:
    """Detect, and count the calls at one point: those after it hold the pattern against other points."""
    x = np.random.default_rng(0).standard_normal(case.shape)
    box = BlackBox(case.f, x)
    detection = detect(box, x, np.random.default_rng(1), Budget(10**6, 2**32))
    # Not counted: the second call at x, which asks whether f is deterministic, and another point with mixtures.
    full, coupled = detection.pattern.stored == box.y0.size * x.size, detection.pattern.stored > box.y0.size
    return box.evaluations - 1 - (0 if full else 9 if coupled else 4), detection


@pytest.mark.parametrize("name", CASES)
def test_calls(benchmark: Any, name: str) -> None:
    case = CASES[name]
    calls, detection = benchmark.pedantic(found, args=(case,), rounds=1)
    print(f"\n  {name:<40}{calls:>6} calls, at most {case.most};{detection.pattern.stored:>10} entries")
    assert detection.proved
    assert detection.pattern.stored == case.stored
    assert calls <= case.most


@pytest.mark.parametrize("name", JOINED)
def test_calls_where_the_pattern_depends_on_the_data(benchmark: Any, name: str) -> None:
    f, shape, most = JOINED[name]
    x = np.random.default_rng(0).standard_normal(shape)
    box = BlackBox(f, x)
    detection = benchmark.pedantic(
        detect, args=(box, x, np.random.default_rng(1), Budget(10**5, 2**32)), rounds=1, iterations=1
    )
    print(f"\n  {name:<40}{box.evaluations:>6} calls, at most {most};{detection.pattern.stored:>10} entries")
    assert detection.proved
    assert box.evaluations <= most


def test_bookkeeping_takes_no_more_time_than_calls(benchmark: Any) -> None:
    """40,000 outputs that read three inputs each at random: groups are colored at every level of the bisection."""
    size, spent = 40_000, [0.0]
    rng = np.random.default_rng(4)
    threes = rng.integers(0, size, (size, 3))

    def f(x: Array) -> Array:
        began = perf_counter()
        y = np.sin(x[threes]).sum(1)
        spent[0] += perf_counter() - began
        return np.asarray(y)

    def ratio() -> float:
        x = rng.standard_normal(size)
        began = perf_counter()
        assert detect(BlackBox(f, x), x, rng, Budget(10**5, 2**32)).proved
        return (perf_counter() - began - spent[0]) / spent[0]

    measured = benchmark.pedantic(ratio, rounds=1)
    print(f"\n  three in a row of 40,000: {spent[0]:.1f} s in f, {measured:.2f} times that besides")
    assert measured <= 1.5


def test_memory_of_a_diagonal_with_one_dense_row(benchmark: Any) -> None:
    """It is of the order of the entries: a table of rows as long as the longest would be their square."""
    size = 20_000
    x = np.random.default_rng(0).standard_normal(size)

    def peak() -> int:
        tracemalloc.start()
        try:
            detect(BlackBox(one_dense_row, x), x, np.random.default_rng(1), Budget(10**6, 2**32))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    bytes_ = benchmark.pedantic(peak, rounds=1)
    print(f"\n  diagonal with one dense row, {size}: {bytes_ / (2 * size):.0f} bytes an entry at most")
    assert bytes_ <= 500 * 2 * size


@pytest.mark.parametrize("seeds", [100])
def test_two_inputs_are_never_taken_for_one(benchmark: Any, seeds: int) -> None:
    """An output that reads two inputs is found to read both, or, dead at every point that was tried, none."""

    def relu(x: Array) -> Array:
        return np.maximum(x, 0)

    functions: dict[str, Callable[[Array], Array]] = {
        "relu(x_i + x_i+1)": lambda x: relu(x[1:] + x[:-1]),
        "relu(x_i) · relu(x_i+1)": lambda x: relu(x[1:]) * relu(x[:-1]),
        "log x_i + log x_i+1": lambda x: np.log(x[1:]) + np.log(x[:-1]),
        "max(x_i, x_i+1)": lambda x: np.maximum(x[1:], x[:-1]),
    }

    def misread() -> dict[str, tuple[int, int, int]]:
        told = {}
        for name, f in functions.items():
            counts = np.zeros(3, int)
            for seed in range(seeds):
                x = np.random.default_rng(seed).standard_normal(30)
                detection = detect(BlackBox(f, x), x, np.random.default_rng(seed), Budget(10**6, 2**32))
                counts += np.bincount(np.diff(detection.pattern.indptr), minlength=3)[:3]
            told[name] = tuple(counts.tolist())
        return told

    print()
    for name, (none, one, both) in benchmark.pedantic(misread, rounds=1).items():
        print(f"  {name:<28} both {both:>6}, one {one}, dead {none}")
        assert one == 0
        assert both >= 0.9 * (none + both)
