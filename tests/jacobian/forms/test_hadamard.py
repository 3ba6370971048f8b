import numpy as np
import pytest

from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.forms.cost import Cost
from jacinspect.jacobian.forms.hadamard import chain_rule, hadamard
from tests.oracles import Array, Shape, positions, times


def jacobian_of(matrix: Array, output_shape: Shape, operand_shape: Shape) -> Jacobian:
    outputs, inputs = np.nonzero(matrix)
    return Jacobian(Pattern.from_pairs(outputs, inputs, output_shape, operand_shape), matrix[outputs, inputs])


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 2), (0, 3)])
def test_elementwise_the_short_cut_is_exact(shape: Shape) -> None:
    rng = np.random.default_rng(0)
    slopes, dx, size = rng.standard_normal(shape), rng.standard_normal(shape), len(positions(shape))
    jacobian = jacobian_of(np.diag(np.ravel(slopes)), shape, shape)
    for product in (hadamard(jacobian, jacobian.elementwise(), dx), chain_rule(jacobian, jacobian.elementwise(), dx)):
        assert product.hadamard is not None
        assert product.hadamard.shape == product.product.shape == shape
        for p in positions(shape):
            assert product.hadamard[p] == product.product[p] == slopes[p] * dx[p]
        assert product.max_difference == 0
        assert product.factor is dx
        assert product.hadamard_cost == Cost(8 * size, size)
        assert product.matrix_cost == Cost(8 * size * size, size * size)


def test_coupled_the_short_cut_is_off_and_by_how_much() -> None:
    rng = np.random.default_rng(1)
    matrix, v = rng.standard_normal((6, 6)), rng.standard_normal((2, 3))
    jacobian = jacobian_of(matrix, (2, 3), (2, 3))
    for product, full in (
        (hadamard(jacobian, jacobian.elementwise(), v), matrix),
        (chain_rule(jacobian, jacobian.elementwise(), v), matrix.T),
    ):
        truth = times(full, v.ravel())
        short = [matrix[k, k] * v.ravel()[k] for k in range(6)]
        assert product.hadamard is not None
        np.testing.assert_allclose(product.product.ravel(), truth, rtol=1e-13)
        np.testing.assert_allclose(product.hadamard.ravel(), short, rtol=1e-15)
        off = max(abs(a - b) for a, b in zip(truth, short, strict=True))
        assert product.max_difference == pytest.approx(off, rel=1e-12)


def test_where_shapes_differ_there_is_no_hadamard_product() -> None:
    matrix = np.random.default_rng(2).standard_normal((4, 6))
    jacobian = jacobian_of(matrix, (4,), (2, 3))
    dx, g = np.ones((2, 3)), np.ones(4)
    forward, backward = hadamard(jacobian, jacobian.elementwise(), dx), chain_rule(jacobian, jacobian.elementwise(), g)
    np.testing.assert_allclose(forward.product, times(matrix, dx.ravel()), rtol=1e-13)
    np.testing.assert_allclose(backward.product.ravel(), times(matrix.T, g), rtol=1e-13)
    assert backward.product.shape == (2, 3)
    for product in (forward, backward):
        assert product.hadamard is None
        assert product.max_difference is None
        assert product.hadamard_cost is None
        assert product.matrix_cost == Cost(8 * 24, 24)


def test_infinite_products_are_left_out_of_the_difference() -> None:
    jacobian = jacobian_of(np.diag([1e300, 2.0]) + np.array([[0, 0], [1.0, 0]]), (2,), (2,))
    product = hadamard(jacobian, jacobian.elementwise(), np.array([1e300, 3.0]))
    assert product.max_difference == 1e300
    jacobian = jacobian_of(np.diag([1e300, 2.0]), (2,), (2,))
    assert hadamard(jacobian, jacobian.elementwise(), np.array([1e300, 3.0])).max_difference == 0


def test_a_claimed_derivative_is_the_one_whose_product_is_compared() -> None:
    jacobian, claimed = jacobian_of(np.diag([2.0, 3.0]), (2,), (2,)), np.array([2.0, 5.0])
    for product in (hadamard(jacobian, claimed, np.ones(2)), chain_rule(jacobian, claimed, np.ones(2))):
        assert product.hadamard is not None
        np.testing.assert_array_equal(product.hadamard, claimed)
        np.testing.assert_array_equal(product.product, [2.0, 3.0])
        assert product.max_difference == 2.0
