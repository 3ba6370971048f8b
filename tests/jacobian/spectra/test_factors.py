"""Large sparse matrices by their LU factors; closed forms and dense LAPACK are the oracles."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.determinant import Determinant, determinant
from jacinspect.jacobian.spectra.factors import Factors, factorized
from jacinspect.jacobian.spectra.parts import Entries
from jacinspect.jacobian.spectra.spectrum import spectrum

MEMORY = 2**30


def entries(matrix: Any, relative: float = 0.0) -> Entries:
    each = scipy.sparse.coo_array(matrix)
    rows, columns = (line.astype(np.int64) for line in each.coords)
    return Entries(each.shape, rows, columns, each.data, relative * np.abs(each.data))


def tridiagonal(n: int, diagonal: float = 2.0) -> Any:
    return scipy.sparse.diags_array([-1.0, diagonal, -1.0], offsets=[-1, 0, 1], shape=(n, n))


def eigenvalues(n: int, diagonal: float = 2.0) -> Array:
    return np.asarray(diagonal - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1)))


def found(given: Entries) -> tuple[Factors, Determinant]:
    factors = factorized(given, MEMORY)
    assert factors is not None
    product = determinant(given, 8 * 1000, factors)  # no dense part of this size
    assert product is not None
    return factors, product


def scattered(n: int) -> Any:
    """Return a random matrix that is not symmetric, with rows and columns in no order."""
    rng = np.random.default_rng(20)
    sparse = scipy.sparse.random_array((n, n), density=1.5 / n, rng=rng, data_sampler=rng.standard_normal)
    shuffled = scipy.sparse.coo_array((rng.uniform(1, 3, n), (np.arange(n), rng.permutation(n))), shape=(n, n))
    return (sparse + shuffled + scipy.sparse.eye_array(n, k=1)).tocoo()


def test_a_tridiagonal_matrix_of_5000_rows_by_its_closed_form() -> None:
    found = spectrum(entries(tridiagonal(5000)), True, MEMORY)
    lam = eigenvalues(5000)
    assert found.singular is None
    assert found.rank == (5000, 5000)
    assert found.determinant is not None
    assert found.determinant.sign == 1
    assert found.determinant.log.may_be(np.log(5001))
    assert found.determinant.log.bar < 1e-3
    assert found.least is not None
    assert found.least.may_be(lam.min())
    assert found.least.high < 1.01 * lam.min()
    assert found.least.low > 0.5 * lam.min()
    assert found.condition is not None
    assert found.condition.may_be(lam.max() / lam.min())


def test_the_laplacian_of_a_square_by_its_closed_form() -> None:
    one = scipy.sparse.eye_array(60)
    factors, product = found(entries(scipy.sparse.kron(tridiagonal(60), one) + scipy.sparse.kron(one, tridiagonal(60))))
    lam = np.add.outer(eigenvalues(60), eigenvalues(60))
    assert product.sign == 1
    assert product.log.may_be(np.log(lam).sum())
    assert product.log.bar < 1e-5
    assert factors.least.may_be(lam.min())


def test_a_random_matrix_by_dense_lapack() -> None:
    matrix = scattered(2500)
    given = entries(matrix)
    product = found(given)[1]
    sign, log = np.linalg.slogdet(matrix.toarray())
    assert product.sign == sign
    assert product.log.value == pytest.approx(log, rel=1e-12)
    assert product.log.bar < 0.1
    turned = found(given.only(np.argsort(given.columns, kind="stable")))[1]
    assert turned.sign == sign


def test_every_matrix_within_the_bars_is_within_the_bounds() -> None:
    decided = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 30))
        kept = (rng.random((n, n)) < 0.15) | np.eye(n, dtype=bool)[rng.permutation(n)]
        given = entries(rng.standard_normal((n, n)) * kept, 10.0 ** rng.uniform(-12, -2))
        factors = factorized(given, MEMORY)
        if factors is None:
            continue
        decided += 1
        product = determinant(given, 0, factors)
        assert product is not None
        for _ in range(5):
            true = np.zeros((n, n))
            true[given.rows, given.columns] = given.values + given.bars * rng.choice([-1, 1], given.bars.size)
            sign, log = np.linalg.slogdet(true)
            assert product.sign == sign
            assert product.log.low - 1e-12 <= log <= product.log.high + 1e-12
            assert factors.least.low <= np.linalg.svd(true, compute_uv=False)[-1] <= factors.least.high
    assert decided >= 10


def test_each_item_of_a_batch_has_its_own_determinant() -> None:
    given = entries(scipy.sparse.block_diag([tridiagonal(50), -3 * tridiagonal(51, 3.0)]))
    items = found(given)[1].by_item(np.repeat([0, 1], [50, 51]), 2)
    true = np.log(eigenvalues(50)).sum(), np.log(3 * eigenvalues(51, 3.0)).sum()
    assert np.all((items.low <= true) & (true <= items.high))
    assert found(given)[1].sign == -1


def test_bars_of_single_precision() -> None:
    product = found(entries(tridiagonal(3000, 3.0), 2.0**-23))[1]
    assert product.log.may_be(float(np.log(eigenvalues(3000, 3.0)).sum()))
    assert 1e-4 < product.log.bar < 0.1
    assert factorized(entries(tridiagonal(5000), 2.0**-23), MEMORY) is None  # its least σ is 4e-7


def test_of_a_singular_or_nearly_singular_matrix_nothing_is_claimed() -> None:
    circle = scipy.sparse.lil_array(tridiagonal(3000))
    circle[0, -1] = circle[-1, 0] = -1.0  # the rows add up to 0
    said = spectrum(entries(circle), False, MEMORY)
    assert (said.rank, said.determinant, said.condition) == (None, None, None)
    assert "3000×3000, too large" in said.unknown
    twice = scipy.sparse.lil_array(scattered(300))
    twice[7] = twice[8]
    assert factorized(entries(twice), MEMORY) is None
    graded = scipy.sparse.diags_array([1.0, -2.0], offsets=[0, 1], shape=(200, 200))  # σ is as small as 2⁻²⁰⁰
    turned = scipy.sparse.kron(graded, np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert factorized(entries(turned), MEMORY) is None
    assert factorized(entries(scipy.sparse.csr_array((300, 300))), MEMORY) is None


def test_what_would_take_too_much_memory_is_not_begun() -> None:
    assert factorized(entries(tridiagonal(300)), 300 * 16) is None
    assert factorized(entries(np.full((3, 3), np.inf), 1.0), MEMORY) is None
