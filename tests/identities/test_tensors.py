"""𝔻, 𝕄, Diag, TensorDiag and K_mn against sums over indices in plain loops, built and not."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jacinspect.identities import tensors
from jacinspect.identities.of_arrays import matrix_identities, times, vector_identities
from jacinspect.identities.tensors import DiagonalTensor, commutation, diagonal, fits, sixth_order, third_order
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian

MATRICES = [(2, 3), (3, 2), (1, 4), (4, 1), (1, 1), (2, 2), (0, 3), (3, 0)]
LENGTHS = [4, 1, 0]


@pytest.fixture(params=[True, False], ids=["built", "not built"])
def built(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run a test twice: with tensors that are built, and with the limit so low that none is."""
    if not request.param:
        monkeypatch.setattr(tensors, "LARGEST_BUILT", 0)
    return bool(request.param)


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def dense(side: Array | Jacobian) -> Array:
    return side.tensor() if isinstance(side, Jacobian) else side


# --- The oracles: the mission's definitions, entry by entry ----------------------------------------------------------


def delta(i: int, j: int, k: int) -> float:
    return 1.0 if i == j and j == k else 0.0


def em(i: int, p: int, j: int, q: int, k: int, r: int) -> float:
    return delta(i, j, k) * delta(p, q, r)


def third_by_loops(n: int) -> Array:
    tensor = np.full((n, n, n), np.nan)
    for index in np.ndindex(n, n, n):
        tensor[index] = delta(*index)
    return tensor


def sixth_by_loops(m: int, n: int) -> Array:
    tensor = np.full((m, n, m, n, m, n), np.nan)
    for i, p, j, q, k, r in np.ndindex(m, n, m, n, m, n):
        tensor[i, p, j, q, k, r] = em(i, p, j, q, k, r)
    return tensor


def diag_by_loops(a: Array) -> Array:
    n = a.size
    return np.array([[a[i] if i == j else 0.0 for j in range(n)] for i in range(n)]).reshape(n, n)


def tensor_diag_by_loops(A: Array) -> Array:
    m, n = A.shape
    tensor = np.full((m, n, m, n), np.nan)
    for i, p, j, q in np.ndindex(m, n, m, n):
        tensor[i, p, j, q] = A[i, p] if i == j and p == q else 0.0
    return tensor


def vec_by_loops(A: Array) -> Array:
    m, n = A.shape
    return np.array([A[i, j] for j in range(n) for i in range(m)])


def commutation_by_loops(m: int, n: int) -> Array:
    """Σ_ij E_ij ⊗ E_ijᵀ, with E_ij m×n (Magnus & Neudecker 1979, definition 3.1)."""
    total = np.zeros((m * n, m * n))
    for i, j in np.ndindex(m, n):
        unit = np.zeros((m, n))
        unit[i, j] = 1.0
        total += np.kron(unit, unit.T)
    return total


# --- The tensors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", LENGTHS)
def test_third_order(n: int) -> None:
    assert np.array_equal(third_order(n), third_by_loops(n))


@pytest.mark.parametrize("shape", MATRICES)
def test_sixth_order(shape: tuple[int, int]) -> None:
    assert np.array_equal(sixth_order(*shape), sixth_by_loops(*shape))


@pytest.mark.parametrize("shape", [(4,), (1,), (0,), *MATRICES])
def test_places_are_where_the_tensor_is_1(shape: tuple[int, ...]) -> None:
    tensor = DiagonalTensor(shape)
    here = np.zeros(tensor.shape)
    np.add.at(here, tensor.places(), 1.0)
    assert np.array_equal(here, tensor.built())


@pytest.mark.parametrize("n", LENGTHS)
def test_diag(n: int, built: bool) -> None:
    a = numbers(n)
    expected = diag_by_loops(a)
    assert np.array_equal(dense(diagonal(a, built=built)), expected)
    assert np.array_equal(dense(DiagonalTensor((n,)).contract((a, (0,)))), expected)
    assert np.array_equal(dense(DiagonalTensor((n,)).contract((a, (2,)))), expected)


@pytest.mark.parametrize("n", LENGTHS)
def test_the_diagonal_of_a_matrix(n: int, built: bool) -> None:
    B = numbers(n, n)
    third = DiagonalTensor((n,))
    expected = np.array([sum(delta(i, j, k) * B[j, k] for j, k in np.ndindex(n, n)) for i in range(n)])
    assert np.array_equal(dense(third.contract((B, (1, 2)))), expected)
    assert np.array_equal(dense(third.contract((B, (0, 1)))), expected)


@pytest.mark.parametrize("n", LENGTHS)
def test_the_product_of_two_vectors(n: int, built: bool) -> None:
    a, b = numbers(n), numbers(n, seed=1)
    expected = [sum(a[i] * delta(i, j, k) * b[k] for i, k in np.ndindex(n, n)) for j in range(n)]
    assert np.array_equal(dense(DiagonalTensor((n,)).contract((a, (0,)), (b, (2,)))), np.array(expected))
    assert np.array_equal(times(diagonal(a, built=built), b), diag_by_loops(a) @ b)


@pytest.mark.parametrize("shape", MATRICES)
def test_the_product_of_two_matrices(shape: tuple[int, int], built: bool) -> None:
    A, B = numbers(*shape), numbers(*shape, seed=1)
    m, n = shape
    expected = np.full(shape, np.nan)
    for j, q in np.ndindex(m, n):
        terms = (A[i, p] * em(i, p, j, q, k, r) * B[k, r] for i, p, k, r in np.ndindex(m, n, m, n))
        expected[j, q] = sum(terms)
    assert np.array_equal(dense(DiagonalTensor(shape).contract((A, (0, 1)), (B, (4, 5)))), expected)
    assert np.array_equal(expected, A * B)


@pytest.mark.parametrize("shape", MATRICES)
def test_tensor_diag(shape: tuple[int, int], built: bool) -> None:
    A, dX = numbers(*shape), numbers(*shape, seed=1)
    expected = tensor_diag_by_loops(A)
    sixth = DiagonalTensor(shape)
    assert sixth.is_built is built
    for side in (diagonal(A, built=built), sixth.contract((A, (0, 1))), sixth.contract((A, (4, 5)))):
        assert isinstance(side, Jacobian) is not built
        assert np.array_equal(dense(side), expected)
        assert np.array_equal(times(side, dX), A * dX)


@pytest.mark.parametrize("shape", MATRICES)
def test_vec_of_tensor_diag_is_diag_of_vec(shape: tuple[int, int]) -> None:
    A = numbers(*shape)
    tensor = np.asarray(diagonal(A, built=True))
    assert np.array_equal(tensor.reshape(A.size, A.size, order="F"), diag_by_loops(vec_by_loops(A)))
    assert np.array_equal(tensor.reshape(A.size, A.size), diag_by_loops(vec_by_loops(A.T)))


@pytest.mark.parametrize("shape", MATRICES)
def test_the_commutation_matrix(shape: tuple[int, int], built: bool) -> None:
    A = numbers(*shape)
    K = commutation(shape, built=built)
    assert np.array_equal(dense(K), commutation_by_loops(*shape))
    assert np.array_equal(times(K, vec_by_loops(A)), vec_by_loops(A.T))


@pytest.mark.parametrize("n", LENGTHS)
def test_the_commutation_matrix_of_a_vector_is_the_identity(n: int, built: bool) -> None:
    assert np.array_equal(dense(commutation((n,), built=built)), np.eye(n))


def test_what_is_built() -> None:
    assert fits(101, 101, 101)
    assert not fits(102, 102, 102)
    assert not fits(10**6, 0, 10**6)  # on its way to nothing, 𝔻 of a million would be built
    assert DiagonalTensor((10, 10)).is_built
    assert not DiagonalTensor((11, 10)).is_built


# --- The identities --------------------------------------------------------------------------------------------------

FINITE = st.floats(-1e150, 1e150)


@given(st.integers(0, 6).flatmap(lambda n: arrays(float, (2, n), elements=FINITE)))
def test_identities_hold_for_any_vectors(ab: Array) -> None:
    found = list(vector_identities(ab[0], ab[1], ""))
    assert [i.name for i in found if not i.holds or i.max_difference != 0] == []
    assert len(found) == 6


@given(st.tuples(st.integers(0, 4), st.integers(0, 4)).flatmap(lambda s: arrays(float, (2, *s), elements=FINITE)))
def test_identities_hold_for_any_matrices(AB: Array) -> None:
    found = list(matrix_identities(AB[0], AB[1], ""))
    assert [i.name for i in found if not i.holds or i.max_difference != 0] == []
    m, n = AB[0].shape
    shapes = {i.name: (i.left_shape, i.right_shape) for i in found}
    assert shapes == {
        "sixth-order": 2 * ((m, n, m, n, m, n),),
        "hadamard-sixth-order": 2 * ((m, n),),
        "tensor-diag-right": 2 * ((m, n, m, n),),
        "tensor-diag-left": 2 * ((m, n, m, n),),
        "commutation": 2 * ((m * n,),),
    }


@pytest.mark.parametrize("shape", MATRICES)
def test_identities_hold_without_building(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "LARGEST_BUILT", 0)
    A, B = numbers(*shape), numbers(*shape, seed=1)
    found = [*vector_identities(A.ravel(), B.ravel(), ""), *matrix_identities(A, B, "")]
    assert [i.name for i in found if not i.holds] == []
    assert all("not built" in i.route.caveat for i in found)


ORDERS = [order for order in map("".join, product("ijkpqr", repeat=6)) if len(set(order)) == 6]


@pytest.mark.parametrize("order", ["ijkpqr", "ipqjkr", "pijqkr", "iqjkpr", "ijqpkr"])
def test_a_wrong_order_of_the_axes_is_caught(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = np.einsum(f"ijk,pqr->{order}", third_order(2), third_order(2))  # of a square matrix, so that shapes agree
    assert wrong.shape == sixth_order(2, 2).shape
    monkeypatch.setattr(tensors, "sixth_order", lambda m, n: wrong)
    found = {i.name: i for i in matrix_identities(numbers(2, 2), numbers(2, 2, seed=1), "")}
    assert not found["sixth-order"].holds
    assert not all(found[name].holds for name in ("hadamard-sixth-order", "tensor-diag-right", "tensor-diag-left"))
    assert found["commutation"].holds


@pytest.mark.parametrize("order", ORDERS[::7])
def test_only_an_order_that_gives_the_same_tensor_passes(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = np.einsum(f"ijk,pqr->{order}", third_order(2), third_order(2))
    monkeypatch.setattr(tensors, "sixth_order", lambda m, n: other)
    found = next(i for i in matrix_identities(numbers(2, 2), numbers(2, 2, seed=1), "") if i.name == "sixth-order")
    assert found.holds is np.array_equal(other, sixth_by_loops(2, 2))


def test_a_wrong_place_is_caught_where_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "LARGEST_BUILT", 0)
    right = DiagonalTensor.places

    def swapped(self: DiagonalTensor) -> tuple[Array, ...]:
        i, p, j, q, k, r = right(self)
        return i, p, q, j, k, r

    monkeypatch.setattr(DiagonalTensor, "places", swapped)
    found = {i.name: i for i in matrix_identities(numbers(3, 3), numbers(3, 3, seed=1), "")}
    assert [name for name, i in found.items() if i.holds] == ["commutation"]


def test_a_wrong_third_order_tensor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(n: int) -> Array:
        tensor = third_by_loops(n)
        tensor[0, 0, 1] = 1e-12
        return tensor

    monkeypatch.setattr(tensors, "third_order", wrong)
    found = list(vector_identities(numbers(3), numbers(3, seed=1), ""))
    assert [i.name for i in found if i.holds] == ["hadamard-diag"]
    assert all(0 < (i.max_difference or 0) < 1e-11 for i in found if not i.holds)


def test_nothing_large_is_built() -> None:
    A = numbers(300, 200)
    sixth = DiagonalTensor(A.shape)
    assert prod(sixth.shape) > 2e14
    side = sixth.contract((A, (4, 5)))
    assert isinstance(side, Jacobian)
    assert side.data.size == A.size
