from collections.abc import Callable
from functools import partial
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.errors import FunctionFailedError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import Detection, detect, detect_again
from jacinspect.records import replace
from tests.oracles import (
    Array,
    Pairs,
    Position,
    Reads,
    Shape,
    flat,
    local_reads,
    pairs,
    pairs_of,
    positions,
    same_line,
    softmax_jacobian,
)

F = Callable[[Array], Any]
SHAPES: list[Shape] = [(), (1,), (5,), (1, 1), (1, 6), (4, 1), (3, 4), (2, 3, 4), (2, 1, 5)]
AMPLE = Budget(100_000, 2**30)


def normal(shape: Shape, seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def detected(f: F, x: Array, seed: int = 0, budget: Budget = AMPLE) -> Detection:
    return detect(BlackBox(f, x), x, np.random.default_rng([seed, 7]), budget)


def found(detection: Detection) -> Pairs:
    pattern = detection.pattern
    listed = [
        (o, int(i)) for o in range(pattern.shape[0]) for i in pattern.indices[pattern.indptr[o] : pattern.indptr[o + 1]]
    ]
    assert listed == sorted(set(listed))
    assert pattern.stored == len(listed)
    return set(listed)


def proved(f: F, x: Array, seed: int = 0) -> Pairs:
    detection = detected(f, x, seed)
    assert detection.proved
    return found(detection)


# --- How many calls it takes ------------------------------------------------------------------------------------------


def probes(n: int) -> int:
    return next(k for k in range(64) if comb(k, k // 2) >= n)


@pytest.mark.parametrize(
    "shape", [(), (1,), (2,), (7,), (2, 2), (3, 4), (20, 21), (70, 71), (2, 3, 4), (1, 6), (1000, 1000)]
)
def test_an_elementwise_function_takes_a_few_calls_per_axis(shape: Shape) -> None:
    counts: list[int] = []

    def f(x: Array) -> Array:
        counts.append(1)
        return x + 1

    detection = detected(f, normal(shape))
    first_point = 2 + sum(probes(n) for n in shape)
    # f(X) once more, to see that it is deterministic; a second flip and three mixtures
    assert detection.evaluations == len(counts) == first_point + 5
    assert detection.points == 3
    assert detection.proved


def test_the_counts_that_the_method_promises() -> None:
    assert detected(np.tanh, normal((2, 2))).evaluations == 6 + 5
    assert detected(np.negative, normal((1000, 1000))).evaluations == 28 + 5


@pytest.mark.parametrize(
    ("f", "shape", "at_most"),
    [
        (lambda x: x[1:] - x[:-1] ** 2, (4096,), 80),
        (function("softmax"), (24, 20), 80),
        (lambda x: x * np.roll(x, 1), (512,), 70),
    ],
    ids=["bidiagonal", "softmax", "neighbours on a ring"],
)
def test_coupled_patterns_take_far_fewer_calls_than_inputs(f: F, shape: Shape, at_most: int) -> None:
    detection = detected(f, normal(shape))
    assert detection.proved
    assert detection.evaluations <= at_most


# --- Exact patterns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [*SHAPES, (0,), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("f", [np.tanh, np.exp, np.abs, np.square, np.negative, function("relu"), function("gelu")])
def test_elementwise(f: F, shape: Shape, dtype: type) -> None:
    x: Array = normal(shape).astype(dtype)
    assert proved(f, x) == {(k, k) for k in range(x.size)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_permutation_gather_and_transpose(shape: Shape, seed: int) -> None:
    rng, size = np.random.default_rng(seed), len(positions(shape))
    order = rng.permutation(size)
    assert proved(lambda x: x.ravel()[order], normal(shape)) == {(o, int(i)) for o, i in enumerate(order)}
    picked = rng.integers(0, size, size=3 * size + 2)
    assert proved(lambda x: np.sin(x.ravel()[picked]), normal(shape)) == {(o, int(i)) for o, i in enumerate(picked)}
    assert proved(np.transpose, normal(shape)) == pairs(lambda p, q: p == q[::-1], shape[::-1], shape)


def test_broadcast_repeat_tile_concatenate_and_reversal() -> None:
    v = normal((3,))
    assert proved(lambda x: x[:, None] * np.ones(4), v) == pairs(lambda p, q: p[0] == q[0], (3, 4), (3,))
    assert proved(lambda x: np.repeat(x, 5), v) == {(5 * i + k, i) for i in range(3) for k in range(5)}
    assert proved(lambda x: np.tile(x, 2), v) == {(i + 3 * k, i) for i in range(3) for k in range(2)}
    assert proved(lambda x: np.concatenate([x[1:], np.ones(2), x[:1] ** 2]), v) == {(0, 1), (1, 2), (4, 0)}
    assert proved(lambda x: x[::-1, ::-1], normal((2, 3))) == {(k, 5 - k) for k in range(6)}


@pytest.mark.parametrize(("shape", "axis"), [((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1), ((1, 6), 1)])
@pytest.mark.parametrize("f", [np.sum, np.mean, np.prod, np.var, np.linalg.norm])
def test_reductions_over_an_axis(f: Callable[..., Any], shape: Shape, axis: int) -> None:
    kept = tuple(n for k, n in enumerate(shape) if k != axis)
    got = proved(partial(f, axis=axis), normal(shape))
    if f is np.var and shape[axis] == 1:
        assert got == set()
    else:
        assert got == pairs(lambda p, q: p == q[:axis] + q[axis + 1 :], kept, shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_scalar_output_reads_all_and_a_constant_nothing(shape: Shape) -> None:
    x = normal(shape)
    assert proved(lambda x: float(np.sum(np.sin(x))), x) == {(0, k) for k in range(x.size)}
    detection = detected(lambda x: np.ones((3, 2)), x)
    assert found(detection) == set()
    assert detection.proved
    assert detection.pattern.shape == (6, x.size)


@pytest.mark.parametrize("n", [1, 2, 3, 9, 40])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_bands(n: int, width: int) -> None:
    near = np.array([[abs(o - i) <= width for i in range(n)] for o in range(n)])
    weights = near * np.random.default_rng(n).uniform(1, 2, (n, n))
    assert proved(lambda x: np.tanh(weights @ x), normal((n,))) == pairs_of(weights)


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (7, 6), (12, 3)])
def test_five_point_stencil(shape: Shape) -> None:
    def f(x: Array) -> Array:
        padded = np.pad(x, 1)
        return np.asarray(padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * x**3)

    assert proved(f, normal(shape)) == pairs(lambda p, q: abs(p[0] - q[0]) + abs(p[1] - q[1]) <= 1, shape, shape)


@pytest.mark.parametrize(("shape", "axis"), [((5,), 0), ((3, 4), 1), ((3, 4), 0), ((2, 3, 4), 1), ((1, 1), 1)])
def test_softmax_and_cumsum_along_an_axis(shape: Shape, axis: int) -> None:
    line: Reads = lambda p, q: same_line(p, q, axis)  # noqa: E731
    if shape[axis] > 1:
        assert proved(function("softmax", axis=axis), normal(shape)) == pairs(line, shape, shape)
    upto = pairs(lambda p, q: line(p, q) and q[axis] <= p[axis], shape, shape)
    assert proved(function("cumsum", axis=axis), normal(shape)) == upto


def test_softmax_of_one_number_is_constant() -> None:
    assert proved(function("softmax"), normal((4, 1))) == set()


@pytest.mark.parametrize("n", [1, 3, 17, 40])
def test_dense_triangular_and_arrow(n: int) -> None:
    weights = np.random.default_rng(n).uniform(1, 2, (n, n))
    arrow = np.eye(n)
    arrow[n // 2] = 1
    for matrix in (weights, np.tril(weights), np.triu(weights), arrow, arrow.T):
        assert proved(partial(sine_of_product, matrix), normal((n,))) == pairs_of(matrix)


def sine_of_product(matrix: Array, x: Array) -> Array:
    return np.asarray(np.sin(matrix @ x))


def test_a_product_of_matrices_reads_rows() -> None:
    w = normal((4, 5))
    assert proved(lambda x: x @ w, normal((3, 4))) == pairs(lambda p, q: p[0] == q[0], (3, 5), (3, 4))
    got = proved(lambda x: np.swapaxes(x, 1, 2) * 2, normal((2, 3, 4)))
    assert got == pairs(lambda p, q: p == (q[0], q[2], q[1]), (2, 4, 3), (2, 3, 4))


@given(
    st.integers(1, 14), st.integers(1, 14), st.floats(0, 0.7), st.integers(0, 2**32 - 1), st.sampled_from(["", "tanh"])
)
@settings(max_examples=60, deadline=None)
def test_random_sparse_maps(height: int, width: int, density: float, seed: int, bend: str) -> None:
    rng = np.random.default_rng(seed)
    weights = np.where(rng.random((height, width)) < density, rng.choice([-1, 1]) * rng.uniform(1, 2), 0.0)
    outer = np.tanh if bend else np.positive
    assert proved(lambda x: outer(weights @ x), normal((width,), seed), seed) == pairs_of(weights)


@given(
    st.lists(st.integers(1, 4), max_size=3).map(tuple),
    st.lists(st.integers(1, 4), max_size=3).map(tuple),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_random_maps_of_any_shape(output_shape: Shape, operand_shape: Shape, terms: int, seed: int) -> None:
    """Each output is a sum of cubes of some inputs, which no shape suggests."""
    rng = np.random.default_rng(seed)
    height, width = len(positions(output_shape)), len(positions(operand_shape))
    chosen = [sorted({int(i) for i in rng.integers(0, width, rng.integers(0, terms + 1))}) for _ in range(height)]

    def f(x: Array) -> Array:
        values = [sum((float(x.ravel()[i]) ** 3 for i in read), 0.5) for read in chosen]
        return np.array(values).reshape(output_shape)

    assert proved(f, normal(operand_shape, seed), seed) == {(o, i) for o, read in enumerate(chosen) for i in read}


# --- No output that reads two inputs passes for one that reads one ----------------------------------------------------


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


COUPLED: dict[str, tuple[F, Callable[[int], list[tuple[int, ...]]]]] = {
    "relu of a sum": (lambda x: relu(x[1:] + x[:-1]), lambda n: [(o, o + 1) for o in range(n - 1)]),
    "relu times relu": (lambda x: relu(x[1:]) * relu(x[:-1]), lambda n: [(o, o + 1) for o in range(n - 1)]),
    "distant relu times relu": (lambda x: relu(x) * relu(np.roll(x, n_half(x))), lambda n: ring(n, n // 2)),
    "log plus log": (lambda x: np.log(x[1:]) + np.log(x[:-1]), lambda n: [(o, o + 1) for o in range(n - 1)]),
    "larger of two": (lambda x: np.maximum(x[1:], x[:-1]), lambda n: [(o, o + 1) for o in range(n - 1)]),
    "product": (lambda x: x[1:] * x[:-1], lambda n: [(o, o + 1) for o in range(n - 1)]),
}


def n_half(x: Array) -> int:
    return int(x.size) // 2


def ring(n: int, step: int) -> list[tuple[int, ...]]:
    return [(o, (o - step) % n) for o in range(n)]


SEEDS = 40  # each with ten outputs or six pools: enough to tell shares that differ by a tenth


@pytest.mark.parametrize("name", COUPLED)
def test_two_inputs_are_never_taken_for_one(name: str) -> None:
    """All or, where the output is dead or not a number at every point that was tried, nothing."""
    f, reads = COUPLED[name]
    whole = 0
    for seed in range(SEEDS):
        got = proved(f, normal((11,), seed), seed)
        for o, read in enumerate(reads(11)):
            inputs = {i for output, i in got if output == o}
            assert inputs in (set(read), set()), (seed, o)
            whole += bool(inputs)
    assert whole >= 0.9 * SEEDS * len(reads(11))


def test_max_pools_in_many_seeds() -> None:
    """A pool may read an input at no point that was tried, but never seems element-wise, and its maximum is found."""
    within = strays = 0
    for seed in range(SEEDS):
        x = normal((4, 6), seed)
        got = proved(lambda x: np.max(x.reshape(2, 2, 3, 2), axis=(1, 3)), x, seed)
        for o, p in enumerate(positions((2, 3))):
            window = [i for i, q in enumerate(positions(x.shape)) if (q[0] // 2, q[1] // 2) == p]
            inputs = {i for output, i in got if output == o}
            assert len(inputs) >= 2, (seed, o)
            assert max(window, key=lambda i: float(x.ravel()[i])) in inputs, (seed, o)
            within += len(inputs & set(window))
            strays += len(inputs - set(window))
    assert within >= 0.75 * SEEDS * 24
    assert strays <= 0.01 * SEEDS * 24


# --- Saturation, symmetry, limits, domains ----------------------------------------------------------------------------

HARD: dict[str, tuple[F, list[float]]] = {
    "sigmoid at ±60": (lambda x: 1 / (1 + np.exp(-x)), [60, -60, 60.5, 800, -800]),
    "sigmoid all at 40": (lambda x: 1 / (1 + np.exp(-x)), [40.0] * 6),
    "tanh at 1e4": (np.tanh, [1e4, 2e4, -1e4, 1e4]),
    "relu at -1e5": (relu, [-1e5, -1e5, -2.0, -0.0]),
    "exp at 1e-20": (np.exp, [1e-20, -1e-20, 0.0, -0.0, 5e-324]),
    "exp where it overflows": (np.exp, [709.0, 710.0, 1e5, -1e5, -746.0]),
    "an even function": (np.square, [1.0, 1.0, -1.0, 3.0]),
    "an even function that vanishes": (lambda x: np.exp(-(x**2)), [100.0, -1e3, 40.0, 0.0]),
    "cos of a period": (np.cos, [2 * np.pi, 0.0, 1e8]),
    "squares that overflow": (np.square, [1e200, -1e300, 1.7e308]),
    "the largest and the smallest": (np.positive, [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -5e-324]),
    "infinite and not a number": (np.positive, [np.inf, -np.inf, np.nan, 1.0, -0.0]),
    "exp of infinite": (np.exp, [np.inf, -np.inf, np.nan, 1.0]),
    "log on both sides of its domain": (np.log, [1.0, 1e-8, 5.0, -2.0, 0.0]),
    "root": (np.sqrt, [1e-12, 2.0, 0.0, -3.0]),
    "arcsin": (np.arcsin, [0.999, -0.5, 0.0]),
    "arccosh": (np.arccosh, [1.0001, 50.0]),
    "dead until 50": (lambda x: relu(np.abs(x) - 50), [0.5, -1.0, 0.0, 3.0]),
    "dead until 5000": (lambda x: relu(x - 5000), [0.5, -1.0, 0.0, 3.0]),
    "sign": (np.sign, [0.5, -3.0, 0.0]),
    "floor": (np.floor, [0.5, -3.25, 1e5]),
    "clip": (partial(np.clip, a_min=-1, a_max=1), [5.0, -5.0, 0.5, 1.0, 1e4]),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("seed", range(3))
def test_elementwise_functions_at_hard_points(name: str, seed: int) -> None:
    f, entries = HARD[name]
    x = np.array(entries)
    before = x.tobytes()
    assert proved(f, x, seed) == {(k, k) for k in range(x.size)}
    assert x.tobytes() == before


@pytest.mark.parametrize("seed", range(5))
def test_saturated_rows_of_a_softmax(seed: int) -> None:
    x = np.array([[1e3, 0, -1e3], [0, 0, 0], [-50, 60, 700.0]])
    got = proved(function("softmax"), x, seed)
    assert got <= pairs(lambda p, q: p[0] == q[0], (3, 3), (3, 3))
    assert got >= pairs_of(np.where(np.abs(softmax_jacobian(x, 1)) > 1e-300, 1, 0))
    assert got >= {(k, k) for k in range(9)}


def strict(f: F, inside: Callable[[Array], Array]) -> F:
    def checked(x: Array) -> Any:
        if not np.all(inside(x)):
            raise ValueError("math domain error")
        return f(x)

    return checked


@pytest.mark.parametrize("seed", range(5))
def test_functions_that_raise_outside_their_domain(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(0.1, 3, (3, 4))
    diagonal = {(k, k) for k in range(12)}
    assert proved(strict(np.log, lambda x: x > 0), x, seed) == diagonal
    assert proved(strict(np.sqrt, lambda x: x >= 0), x, seed) == diagonal
    narrow = strict(np.arcsin, lambda x: np.abs(x) <= 1)
    assert proved(narrow, np.random.default_rng(seed).uniform(-0.4, 0.4, 5), seed) == {(k, k) for k in range(5)}
    total = strict(lambda x: np.cumsum(np.log(x)), lambda x: x > 0)
    assert proved(total, x.ravel(), seed) == {(o, i) for o in range(12) for i in range(o + 1)}


@pytest.mark.parametrize("margin", [0.1, 2.0**-5, 2.0**-9, 2.0**-19, 2.0**-29])
def test_a_function_that_raises_beyond_some_distance_from_x(margin: float) -> None:
    """As a table with an end does, or a solver that does not converge from everywhere."""
    x = np.random.default_rng(0).uniform(-1, 1, 30)
    f = strict(lambda y: np.sin(y) + np.roll(y, 1) ** 2, lambda y: abs(y - x) < margin)
    assert proved(f, x) == {(o, i) for o in range(30) for i in (o, (o - 1) % 30)}


def test_a_factorisation_that_needs_a_definite_matrix() -> None:
    half = normal((4, 4))
    x = half @ half.T + 0.05 * np.eye(4)  # mixtures of two points with other entries are seldom definite

    def reads(p: Position, q: Position) -> bool:
        return p[0] >= p[1] >= q[1] and q[0] >= q[1] and (q[0] == p[0] or q[0] <= p[1])

    assert proved(np.linalg.cholesky, x) == pairs(reads, (4, 4), (4, 4))


def test_knots_that_have_to_increase() -> None:
    def f(knots: Array) -> Array:
        if np.any(np.diff(knots) <= 0):
            raise ValueError("x must be an increasing sequence")
        return np.asarray(np.interp([0.25, 1.4], knots, [1.0, 3.0, 2.0, 5.0]))

    assert proved(f, np.array([0.0, 1.0, 1.5, 1.75])) == {(0, 0), (0, 1), (1, 1), (1, 2)}


def test_a_function_that_raises_at_every_other_point() -> None:
    x = normal((3,))
    told = (
        r"^at every point tried but X, even one that was moved by \S+e-0[78] % only, the function raised "
        "ValueError: math domain error"
    )
    with pytest.raises(FunctionFailedError, match=told):
        detected(strict(np.positive, lambda y: y == x), x)


# --- Budget -----------------------------------------------------------------------------------------------------------


def test_a_sum_over_a_large_input_stays_open_and_ends_soon() -> None:
    detection = detected(np.sum, normal((300, 400)), budget=Budget(200, 2**30))
    assert not detection.proved
    assert detection.evaluations <= 200 + 40
    (group,) = detection.unresolved
    assert group.outputs.tolist() == [0]
    assert group.entries == 120_000
    outputs, inputs = group.sampled(np.array([0, 5, 119_999]))
    assert (outputs.tolist(), inputs.tolist()) == ([0, 0, 0], [0, 5, 119_999])


def test_rows_stay_open_separately() -> None:
    detection = detected(function("softmax"), normal((3, 100)), budget=Budget(20, 2**30))
    assert not detection.proved
    left = {pair for group in detection.unresolved for pair in zip(*group.sampled(np.arange(100)), strict=True)}
    assert left == {(100 * r + a, 100 * r + b) for r in range(3) for a in range(100) for b in range(100)}
    assert sum(group.entries for group in detection.unresolved) == 3 * 100 * 100


def test_a_small_memory_leaves_open_what_needs_many_pairs() -> None:
    wide = normal((64,))
    weights = np.random.default_rng(1).uniform(1, 2, (64, 64))
    assert detected(lambda x: weights @ x, wide, budget=Budget(10_000, 2**30)).proved
    detection = detected(lambda x: weights @ x, wide, budget=Budget(10_000, 64 * 100))
    assert not detection.proved
    assert sum(group.entries for group in detection.unresolved) == 64 * 64


def test_a_small_memory_ends_bisection_too() -> None:
    x = normal((64,))
    assert detected(np.diff, x, budget=Budget(10_000, 64 * 1000)).proved
    detection = detected(np.diff, x, budget=Budget(10_000, 64 * 100))
    assert sum(group.entries for group in detection.unresolved) == 63 * 64


def test_what_is_not_coupled_is_proved_beside_what_is_left_open() -> None:
    def f(x: Array) -> Array:
        return np.concatenate([np.sin(x), [x.sum()]])

    detection = detected(f, normal((5000,)), budget=Budget(100, 2**30))
    assert found(detection) == {(k, k) for k in range(5000)}
    assert [group.outputs.tolist() for group in detection.unresolved] == [[5000]]


def two_fields(n: int) -> F:
    """A reaction-diffusion system on a torus of n×n, both fields in one vector."""

    def laplacian(u: Array) -> Array:
        return np.asarray(sum(np.roll(u, step, axis) for axis in (0, 1) for step in (1, -1)) - 4 * u)

    def f(x: Array) -> Array:
        u, v = x.reshape(2, n, n)
        return np.concatenate([laplacian(u) - u * v**2 + 1 - u, laplacian(v) + u * v**2 - v], axis=None)

    return f


def test_two_fields_in_one_vector_are_proved_within_fewer_calls_than_inputs() -> None:
    """Each output reads both halves of the vector, but few positions of either."""
    n = 20
    detection = detected(two_fields(n), normal((2 * n * n,)), budget=Budget(400, 2**30))
    assert detection.proved

    def near(p: Position, q: Position) -> bool:
        return sum(min((a - b) % n, (b - a) % n) for a, b in zip(p, q, strict=True)) <= 1

    within = pairs(near, (n, n), (n, n))
    between = {(o, o) for o in range(n * n)}
    expected = {
        (a * n * n + o, b * n * n + i) for a in (0, 1) for b in (0, 1) for o, i in (within if a == b else between)
    }
    assert found(detection) == expected


@pytest.mark.parametrize(("m", "k"), [(8, 64), (40, 50), (4, 1000)])
def test_sums_over_a_folded_vector_are_proved_within_fewer_calls_than_inputs(m: int, k: int) -> None:
    """Each output reads something of all groups, down to groups of k."""
    detection = detected(lambda x: np.sin(x).reshape(m, k).sum(0), normal((m * k,)), budget=Budget(m * k // 2, 2**30))
    assert detection.proved
    assert found(detection) == {(j, i * k + j) for i in range(m) for j in range(k)}


def test_a_dense_map_is_moved_one_by_one_as_soon_as_that_is_known() -> None:
    weights = np.random.default_rng(1).uniform(1, 2, (300, 300))
    assert detected(lambda x: np.sin(weights @ x), normal((300,))).evaluations <= 300 + 60


def test_a_large_sum_is_given_up_within_a_few_calls() -> None:
    detection = detected(np.sum, normal((300, 400)), budget=Budget(10_000, 2**30))
    assert not detection.proved
    assert detection.evaluations <= 70


# --- More points ------------------------------------------------------------------------------------------------------


def windows(x: Array, width: int, reduce: Callable[..., Array]) -> Array:
    """A reduction over the width×width window around each entry, the edges repeated."""
    padded = np.pad(x, width // 2, mode="edge")
    shifts = range(width)
    return reduce([padded[a:, b:][: x.shape[0], : x.shape[1]] for a in shifts for b in shifts], axis=0)


def near(p: Position, q: Position) -> bool:
    return max(abs(a - b) for a, b in zip(p, q, strict=True)) <= 1


@pytest.mark.parametrize(
    ("f", "shape", "reads", "at_most"),
    [
        (partial(windows, width=3, reduce=np.max), (64, 64), near, 250),
        (partial(windows, width=3, reduce=np.median), (32, 32), near, 250),
        (lambda x: x.reshape(32, 2, 32, 2).max((1, 3)), (64, 64), lambda p, q: p == (q[0] // 2, q[1] // 2), 150),
        (
            lambda x: x * np.where(x > 0, x - np.roll(x, 1), np.roll(x, -1) - x),
            (1000,),
            lambda p, q: (p[0] - q[0]) % 1000 in (0, 1, 999),
            100,
        ),
    ],
    ids=["dilation", "median filter", "max-pool", "upwind"],
)
def test_patterns_that_depend_on_the_data_are_joined(f: F, shape: Shape, reads: Reads, at_most: int) -> None:
    for seed in range(3):
        detection = detected(f, normal(shape, seed), seed)
        assert detection.proved
        assert detection.evaluations <= at_most
        read = found(detection)
        assert read >= local_reads(f, normal(shape, seed))
        output_shape = np.shape(f(normal(shape)))
        outputs, inputs = positions(output_shape), positions(shape)
        assert all(reads(outputs[o], inputs[i]) for o, i in read)


def test_a_branch_that_only_a_later_point_takes_is_followed() -> None:
    """x_0 reads x_1 where x_1 > 1 alone; X and its first flip are both below."""
    truth = {(0, 0), (0, 1), (1, 1), (2, 2)}

    def f(x: Array) -> Array:
        return np.array([x[0] + (x[1] if x[1] > 1 else 0), x[1], x[2]])

    hits = sum(found(detected(f, np.array([0.3, 0.5, 0.7]), seed)) == truth for seed in range(200))
    assert hits >= 60  # half of the second points go that way


def test_detection_is_a_function_of_its_seed() -> None:
    for seed in range(3):
        one, other = (detected(function("softmax"), normal((4, 5)), seed) for _ in range(2))
        assert one.evaluations == other.evaluations
        assert one.pattern.indices.tolist() == other.pattern.indices.tolist()


def test_a_second_look_close_to_x_adds_to_what_was_known() -> None:
    x = normal((4,))

    def f(y: Array) -> Array:
        near = np.max(np.abs(y - x)) < 0.6
        return np.asarray(y + (y - x)[::-1] * near)

    box = BlackBox(f, x)
    rng = np.random.default_rng(0)
    before = detect(box, x, rng, AMPLE)
    assert found(before) == {(k, k) for k in range(4)}
    after = detect_again(box, x, before, np.arange(4), rng, AMPLE)
    assert found(after) == {(k, k) for k in range(4)} | {(k, 3 - k) for k in range(4)}
    assert after.points == before.points + 6


def test_a_second_look_goes_farther_where_nothing_new_shows_close_to_x() -> None:
    x = np.array([0.3, 0.0, -0.2])

    def f(y: Array) -> Array:
        return np.asarray([y[0] + 1e-9 * (y[1] > 0.9), y[2] + 1e-9 * (y[1] > 0.9) + 1e-9 * (y[0] > 1.2)])

    box, rng = BlackBox(f, x), np.random.default_rng(0)
    known = Pattern.from_pairs(np.array([0, 1, 1]), np.array([0, 0, 2]), (2,), (3,))
    before = replace(detect(box, x, rng, AMPLE), pattern=known)
    assert found(detect_again(box, x, before, np.array([0]), rng, AMPLE)) == {(0, 0), (0, 1), (1, 0), (1, 2)}
    assert found(detect_again(box, x, before, np.array([0, 1]), rng, AMPLE)) == {(o, 1) for o in (0, 1)} | found(before)


def minmod(one: Array, other: Array) -> Array:
    return np.where(one * other > 0, np.where(np.abs(one) < np.abs(other), one, other), 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [5, 8, 24])
def test_what_moves_an_output_with_several_inputs_alone_is_found_at_equal_numbers(n: int, seed: int) -> None:
    """A limiter is 0 where its neighbours are equal, and stays 0 if any one of them moves."""

    def f(u: Array) -> Array:
        face = u + minmod(u - np.roll(u, 1), np.roll(u, -1) - u) / 2
        return np.asarray(np.roll(face, 1) - face)

    x, own = np.ones(n), {(o, (o + k) % n) for o in range(n) for k in (-1, 0)}
    box, rng = BlackBox(f, x), np.random.default_rng(seed)
    detection = detect(box, x, rng, AMPLE)
    again = detect_again(box, x, detection, np.arange(n), rng, AMPLE)
    assert own <= found(detection) <= found(again) <= {(o, (o + k) % n) for o in range(n) for k in (-2, -1, 0, 1)}
    assert len(found(again)) > 3.5 * n


def test_flat_is_the_place_in_memory() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    assert all(x[p] == flat(p, x.shape) for p in positions(x.shape))


def test_flips_stay_where_f_is_declared_to_be_defined() -> None:
    asked: list[Array] = []

    def f(x: Array) -> Array:
        asked.append(x)
        return np.asarray(np.sqrt(x) + np.sqrt(1 - x))

    x = np.random.default_rng(0).uniform(0, 1, 50)
    detection = detect(BlackBox(f, x, domain=(0.0, 1.0)), x, np.random.default_rng(1), Budget(1000, 2**30))
    assert np.array_equal(detection.pattern.indices, np.arange(50))
    assert all(np.all((point >= 0) & (point <= 1)) for point in asked)
