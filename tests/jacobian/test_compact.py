import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.compact import Jacobian, Pattern, vec_positions
from tests.oracles import Array, Shape, arranged, column_order, positions, tensor_of, times, vec

shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
SHAPES: list[tuple[Shape, Shape]] = [
    ((3, 2), (2, 4)),
    ((4,), (2, 3)),
    ((), (5,)),
    ((5,), ()),
    ((), ()),
    ((2, 3, 2), (4, 1)),
    ((1, 1), (1,)),
    ((0, 3), (2, 2)),
    ((2, 2), (0,)),
]


def random_matrix(output_shape: Shape, operand_shape: Shape, seed: int, density: float = 0.4) -> Array:
    rng = np.random.default_rng(seed)
    shape = len(positions(output_shape)), len(positions(operand_shape))
    return np.asarray(np.where(rng.random(shape) < density, rng.standard_normal(shape), 0.0))


def jacobian_of(matrix: Array, output_shape: Shape, operand_shape: Shape, seed: int = 0) -> Jacobian:
    """The matrix's own non-zeros, handed over in a random order, some of them twice."""
    outputs, inputs = np.nonzero(matrix)
    order = np.random.default_rng(seed).permutation(np.r_[np.arange(outputs.size), np.arange(outputs.size)[::3]])
    pattern = Pattern.from_pairs(outputs[order], inputs[order], output_shape, operand_shape)
    data = [matrix[o, i] for o, i in zip(*np.nonzero(matrix), strict=True)]
    return Jacobian(pattern, np.array(data, float))


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (4, 1), (2, 3, 4), (0,), (0, 3), (2, 0, 3)])
def test_places_in_vec_order(shape: Shape) -> None:
    x = np.arange(len(positions(shape))).reshape(shape)
    assert vec_positions(shape, "row").tolist() == list(range(x.size))
    column = vec_positions(shape, "column").tolist()
    for k, p in enumerate(positions(shape)):
        assert column_order(shape)[column[k]] == p


@given(shapes, shapes, st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_pattern_and_matrix_as_scipy_has_them(
    output_shape: Shape, operand_shape: Shape, density: float, s: int
) -> None:
    matrix = random_matrix(output_shape, operand_shape, s, density)
    jacobian, truth = jacobian_of(matrix, output_shape, operand_shape, s), scipy.sparse.csr_matrix(matrix)
    assert jacobian.shape == matrix.shape
    assert jacobian.pattern.stored == truth.nnz
    assert jacobian.indptr.tolist() == truth.indptr.tolist()
    assert jacobian.indices.tolist() == truth.indices.tolist()
    assert jacobian.pattern.rows.tolist() == truth.tocoo().row.tolist()
    np.testing.assert_array_equal(jacobian.matrix(vec="row"), matrix)
    transposed = jacobian.T
    assert transposed.pattern.output_shape == operand_shape
    assert transposed.pattern.operand_shape == output_shape
    assert transposed.indices.tolist() == truth.T.tocsr().indices.tolist()
    np.testing.assert_array_equal(transposed.matrix(vec="row"), matrix.T)


@pytest.mark.parametrize(("output_shape", "operand_shape"), SHAPES)
@pytest.mark.parametrize("order", ["column", "row"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_matrix_by_plain_loops(output_shape: Shape, operand_shape: Shape, order: str, layout: str) -> None:
    matrix = random_matrix(output_shape, operand_shape, 1)
    tensor = tensor_of(matrix, output_shape, operand_shape)
    jacobian = jacobian_of(matrix, output_shape, operand_shape)
    np.testing.assert_array_equal(jacobian.tensor(), tensor)
    got = jacobian.matrix(vec=order, layout=layout)
    expected = arranged(tensor, output_shape, order, layout)
    assert got.shape == (matrix.shape if layout == "numerator" else matrix.shape[::-1])
    np.testing.assert_array_equal(got, expected.reshape(got.shape))


def test_the_matrix_is_column_major_in_numerator_layout_unless_asked() -> None:
    matrix = random_matrix((3, 2), (2, 4), 4)
    jacobian = jacobian_of(matrix, (3, 2), (2, 4))
    np.testing.assert_array_equal(
        jacobian.matrix(), arranged(tensor_of(matrix, (3, 2), (2, 4)), (3, 2), "column", "numerator")
    )


@pytest.mark.parametrize(("output_shape", "operand_shape"), SHAPES)
@pytest.mark.parametrize("density", [0.0, 0.15, 0.5, 1.0])
def test_products_by_plain_loops(output_shape: Shape, operand_shape: Shape, density: float) -> None:
    matrix = random_matrix(output_shape, operand_shape, 2, density)
    jacobian = jacobian_of(matrix, output_shape, operand_shape)
    rng = np.random.default_rng(3)
    tangent, cotangent = rng.standard_normal(operand_shape), rng.standard_normal(output_shape)
    pushed, pulled = jacobian @ tangent, jacobian.vjp(cotangent)
    assert pushed.shape == output_shape
    assert pulled.shape == operand_shape
    np.testing.assert_allclose(pushed.ravel(), times(matrix, vec(tangent, "row")), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(pulled.ravel(), times(matrix.T, vec(cotangent, "row")), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose((jacobian.T @ cotangent).ravel(), pulled.ravel(), rtol=1e-13, atol=1e-14)
    flat = jacobian @ np.ravel(tangent)
    assert flat.shape in ((matrix.shape[0],), output_shape)
    np.testing.assert_array_equal(np.ravel(flat), pushed.ravel())


def test_rows_without_entries_are_zero_wherever_they_stand() -> None:
    for empty in [(0,), (3,), (1, 2), (0, 1, 3), (0, 1, 2, 3)]:
        matrix = np.arange(1.0, 21).reshape(4, 5)
        for row in empty:
            matrix[row] = 0
        jacobian = jacobian_of(matrix, (4,), (5,))
        np.testing.assert_array_equal(jacobian @ np.ones(5), [sum(row) for row in matrix.tolist()])
        np.testing.assert_array_equal(jacobian.vjp(np.ones(4)), [sum(matrix[:, i]) for i in range(5)])


def test_products_overflow_quietly() -> None:
    jacobian = jacobian_of(np.array([[1e300, 1e300], [0, 1]]), (2,), (2,))
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert (jacobian @ np.array([1e300, 1e300])).tolist() == [np.inf, 1e300]
        assert jacobian.vjp(np.array([1e300, 1.0])).tolist() == [np.inf, np.inf]


def test_restricted_to_some_columns() -> None:
    matrix = random_matrix((6,), (5,), 9, 0.7)
    keep = np.array([True, False, True, True, False])
    pattern = jacobian_of(matrix, (6,), (5,)).pattern.restricted(keep)
    kept = [(o, i) for o in range(6) for i in range(5) if keep[i] and matrix[o, i] != 0]
    assert list(zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True)) == kept


def test_indices_are_as_narrow_as_they_can_be() -> None:
    pattern = Pattern.from_pairs(np.array([2]), np.array([1]), (3,), (2**33,))
    assert pattern.indices.dtype == np.int64
    assert Pattern.from_pairs(np.array([2]), np.array([1]), (3,), (2,)).indices.dtype == np.int32


def test_places_are_those_of_a_plain_search() -> None:
    rng = np.random.default_rng(3)
    for density in (0.0, 0.2, 0.7, 1.0):
        there = rng.random((5, 7)) < density
        pattern = Pattern.from_pairs(np.nonzero(there)[0], np.nonzero(there)[1], (5,), (7,))
        pairs = list(zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True))
        outputs, inputs = np.indices((5, 7))
        expected = [[pairs.index((o, i)) if (o, i) in pairs else -1 for i in range(7)] for o in range(5)]
        assert pattern.places(outputs, inputs).tolist() == expected
