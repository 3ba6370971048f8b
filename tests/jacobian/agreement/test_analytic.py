"""An analytic derivative on a pattern and along directions, against dense loops; the shapes differ in every axis."""

from collections.abc import Callable

import numpy as np
import pytest

from jacinspect.jacobian.agreement.analytic import from_entries, from_jvp, from_slopes, from_vjp, is_linear
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Pattern
from tests.oracles import Array, Position, Shape, dense, pairs_of, positions, times

SHAPES: list[tuple[Shape, Shape]] = [
    ((2, 4), (2, 3)),
    ((3, 2), (4,)),
    ((5,), (2, 3, 2)),
    ((), (2, 3)),
    ((4,), ()),
    ((1, 1), (1,)),
    ((0, 3), (2, 2)),
    ((2, 2), (0,)),
]


def random_matrix(output: Shape, operand: Shape, seed: int, density: float = 0.4) -> Array:
    rng = np.random.default_rng(seed)
    shape = len(positions(output)), len(positions(operand))
    return np.asarray(np.where(rng.random(shape) < density, rng.standard_normal(shape), 0.0))


def pattern_of(places: set[tuple[int, int]], output: Shape, operand: Shape) -> Pattern:
    ordered = np.array(sorted(places), dtype=np.int64).reshape(-1, 2)
    return Pattern.from_pairs(ordered[:, 0], ordered[:, 1], output, operand)


def colored(pattern: Pattern) -> tuple[Pattern, Array, int]:
    return pattern, *color_columns(pattern.rows, pattern.indices, pattern.shape[1])


def on_pattern(matrix: Array, places: set[tuple[int, int]]) -> list[float]:
    """The matrix's values at these places, row by row, which is the order in which they are stored."""
    return [float(matrix[place]) for place in sorted(places)]


def some_places(matrix: Array, seed: int) -> set[tuple[int, int]]:
    """Places that miss some of the entries that are not zero, and have others that are."""
    rng = np.random.default_rng([seed, 1])
    return {(o, i) for o in range(matrix.shape[0]) for i in range(matrix.shape[1]) if rng.random() < 0.5}


# --- f' of an element-wise function


def source_of(p: Position, operand: Shape) -> Position:
    """The index of the input that broadcasting puts at an output."""
    return tuple(0 if size == 1 else p[len(p) - len(operand) + k] for k, size in enumerate(operand))


BROADCAST: list[tuple[Shape, Shape]] = [
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((2, 3), (2, 1)),
    ((2, 3), ()),
    ((4, 2, 3), (2, 1)),
    ((), ()),
    ((1,), (1,)),
    ((0, 3), (3,)),
    ((0, 3), (0, 3)),
]


@pytest.mark.parametrize(("output", "operand"), BROADCAST)
@pytest.mark.parametrize("seed", range(3))
def test_slopes(output: Shape, operand: Shape, seed: int) -> None:
    rng = np.random.default_rng(seed)
    slopes = rng.standard_normal(output)
    matrix = dense(lambda p, q: float(slopes[p]) if q == source_of(p, operand) else 0.0, output, operand)
    analytic = from_slopes(slopes.copy)
    everything = {(o, i) for o in range(matrix.shape[0]) for i in range(matrix.shape[1])}
    for places in (pairs_of(matrix), some_places(matrix, seed), everything, set[tuple[int, int]]()):
        found = analytic.on(*colored(pattern_of(places, output, operand)))
        assert found.data.tolist() == on_pattern(matrix, places)
    tangent = rng.standard_normal(operand)
    assert analytic.push is not None
    assert analytic.pull is None
    np.testing.assert_allclose(analytic.push(tangent), times(matrix, tangent.ravel()), rtol=1e-15)
    assert analytic.push(tangent).shape == (matrix.shape[0],)


def test_an_infinite_slope_is_not_read_where_the_tangent_is_zero() -> None:
    analytic = from_slopes(np.array([[np.inf, 2.0, np.nan], [1.0, -np.inf, 3.0]]).copy)
    assert analytic.push is not None
    assert analytic.push(np.array([[0.0, 1.0, 0.0], [2.0, -1.0, 0.0]])).tolist() == [0.0, 2.0, 0.0, 2.0, np.inf, 0.0]


def test_slopes_on_their_own_pattern_are_not_copied_and_are_all_that_there_is() -> None:
    slopes = np.array([[1.0, 2, 3], [4, 5, 6]])
    analytic = from_slopes(lambda: slopes)
    own = pattern_of({(k, k) for k in range(6)}, (2, 3), (2, 3))
    assert np.shares_memory(analytic.on(*colored(own)).data, slopes)
    assert analytic.stored is not None
    assert analytic.stored(own) is None


def test_all_slopes_are_stored_where_the_pattern_has_others() -> None:
    analytic = from_slopes(np.array([1.0, 2, 3]).copy)
    assert analytic.stored is not None
    for places in ({(0, 1), (1, 2), (2, 0)}, {(0, 0), (1, 1)}):  # as many in other places, and fewer
        stored = analytic.stored(pattern_of(places, (3,), (3,)))
        assert stored is not None
        assert stored.matrix("row").tolist() == np.diag([1.0, 2, 3]).tolist()


# --- Entries


@pytest.mark.parametrize(("output", "operand"), SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_entries_in_any_order_and_some_of_them_in_parts(output: Shape, operand: Shape, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = len(positions(output)), len(positions(operand))
    number = 30 if height and width else 0
    rows = rng.integers(0, max(height, 1), number)
    columns = rng.integers(0, max(width, 1), number)
    values = rng.integers(-9, 10, number).astype(float)
    matrix = np.zeros((height, width))
    for o, i, value in zip(rows, columns, values, strict=True):
        matrix[o, i] += value
    assert number == 0 or len(set(zip(rows.tolist(), columns.tolist(), strict=True))) < number, "nothing stands twice"
    analytic = from_entries((rows, columns, values), output, operand)
    for places in (pairs_of(matrix), some_places(matrix, seed)):
        found = analytic.on(*colored(pattern_of(places, output, operand)))
        assert found.data.tolist() == on_pattern(matrix, places)
    tangent = rng.standard_normal(operand)
    assert analytic.push is not None
    np.testing.assert_allclose(analytic.push(tangent), times(matrix, tangent.ravel()), rtol=1e-12, atol=1e-12)


def test_entries_of_a_zero_matrix() -> None:
    nothing = np.zeros(0, np.int64)
    analytic = from_entries((nothing, nothing, np.zeros(0)), (2,), (3,))
    found = analytic.on(*colored(pattern_of({(0, 1), (1, 2)}, (2,), (3,))))
    assert found.data.tolist() == [0.0, 0.0]
    assert analytic.push is not None
    assert analytic.push(np.ones(3)).tolist() == [0.0, 0.0]


# --- Rules


def counted(rule: Callable[[Array], Array]) -> tuple[Callable[[Array], Array], list[Shape]]:
    """The rule, and the shapes that it has been asked with."""
    asked: list[Shape] = []

    def run(tangent: Array) -> Array:
        asked.append(tangent.shape)
        return rule(tangent)

    return run, asked


@pytest.mark.parametrize(("output", "operand"), SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_a_jvp(output: Shape, operand: Shape, seed: int) -> None:
    matrix = random_matrix(output, operand, seed)
    jvp, asked = counted(lambda dx: np.array(times(matrix, dx.ravel())).reshape(output))
    analytic = from_jvp(jvp)
    pattern, colors, number = colored(pattern_of(pairs_of(matrix), output, operand))
    np.testing.assert_array_equal(
        analytic.on(pattern, colors, number).data, on_pattern(matrix, pairs_of(matrix)), strict=True
    )
    assert len(asked) <= number
    tangent = np.random.default_rng(seed).standard_normal(operand)
    assert analytic.push is not None
    assert analytic.pull is None
    assert analytic.push(tangent).tolist() == times(matrix, tangent.ravel())
    assert set(asked) == {operand}


@pytest.mark.parametrize(("output", "operand"), SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_a_vjp(output: Shape, operand: Shape, seed: int) -> None:
    matrix = random_matrix(output, operand, seed)
    vjp, asked = counted(lambda da: np.array(times(matrix.T, da.ravel())).reshape(operand))
    analytic = from_vjp(vjp)
    pattern, colors, number = colored(pattern_of(pairs_of(matrix), output, operand))
    np.testing.assert_array_equal(
        analytic.on(pattern, colors, number).data, on_pattern(matrix, pairs_of(matrix)), strict=True
    )
    assert len(asked) <= max(matrix.shape[0], 1)
    cotangent = np.random.default_rng(seed).standard_normal(output)
    assert analytic.push is None
    assert analytic.pull is not None
    assert analytic.pull(cotangent).tolist() == times(matrix.T, cotangent.ravel())
    assert set(asked) == {output}


def test_a_vjp_is_asked_a_color_of_the_rows() -> None:
    # A[i, j] = X[i] * Y[j] by X: each column is read by all of its row, so rows of one j share a color
    output, operand = (3, 4), (3,)
    matrix = dense(lambda p, q: float(10 * p[0] + p[1] + 1) if p[0] == q[0] else 0.0, output, operand)
    vjp, asked = counted(lambda da: np.array(times(matrix.T, da.ravel())))
    pattern, colors, number = colored(pattern_of(pairs_of(matrix), output, operand))
    assert number == 1
    data = from_vjp(vjp).on(pattern, colors, number).data
    assert data.tolist() == on_pattern(matrix, pairs_of(matrix))
    assert len(asked) == 4


def test_a_jvp_of_integers_or_float32_is_read_as_float64() -> None:
    matrix = np.array([[0, 2, 0], [3, 0, 0]])
    places = pairs_of(matrix)
    for rule in (lambda v: (matrix @ v).astype(np.int32), lambda v: (matrix @ v).astype(np.float32)):
        analytic = from_jvp(rule)
        data = analytic.on(*colored(pattern_of(places, (2,), (3,)))).data
        assert data.dtype == np.float64
        assert data.tolist() == [2.0, 3.0]
        assert analytic.push is not None
        assert analytic.push(np.ones(3)).dtype == np.float64


def test_only_what_is_called_is_a_rule_of_the_function_s_own() -> None:
    forward, backward = from_jvp(np.negative), from_vjp(np.negative)
    assert forward.rule is forward.push
    assert backward.rule is backward.pull
    assert None not in (forward.rule, backward.rule)
    nothing = np.zeros(0, np.int64)
    assert from_slopes(lambda: np.ones(3)).rule is None
    assert from_entries((nothing, nothing, np.zeros(0)), (2,), (3,)).rule is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda v: np.float32(1 / 3) * v.astype(np.float32), True),
        (lambda v: v + 1e-3, False),
        (np.ones_like, False),
        (np.zeros_like, True),
        (lambda v: np.where(np.arange(v.size) == 1, np.nan, 3 * v), True),
        (lambda v: np.where(np.arange(v.size) == 1, 1.5e308 * np.sign(v) * np.abs(v) / np.abs(v[1]), 0 * v), True),
        (lambda v: np.where(np.arange(v.size) == 1, np.nan, 3 * v**2), False),
        (lambda v: np.where(np.abs(v) < np.abs(v).max() / 2, np.inf, v), True),
    ],
)
def test_a_rule_is_linear_if_twice_the_tangent_doubles_what_is_finite(
    rule: Callable[[Array], Array], expected: bool
) -> None:
    assert is_linear(from_jvp(rule), (5,), 2) == expected
    assert is_linear(from_vjp(rule), (2,), 5) == expected


def test_a_rule_is_asked_with_tangents_of_the_operand_s_shape_and_flat_cotangents() -> None:
    jvp, asked = counted(lambda v: v.sum(axis=0))
    assert is_linear(from_jvp(jvp), (2, 3), 3)
    vjp, asked_back = counted(lambda w: np.tile(w, (2, 1)))
    assert is_linear(from_vjp(vjp), (2, 3), 3)
    assert (asked, asked_back) == ([(2, 3)] * 2, [(3,)] * 2)
