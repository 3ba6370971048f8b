"""Singular values, eigenvalues and determinants: the true value lies in every interval; mpmath is the oracle."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.determinant import determinant
from jacinspect.jacobian.spectra.interval import Interval
from jacinspect.jacobian.spectra.norm import spectral_norm
from jacinspect.jacobian.spectra.parts import Entries, connected, divided, pivots
from jacinspect.jacobian.spectra.spectrum import eigenvalues, singular_values, spectral_radius, spectrum

MEMORY = 2**30


def entries(values: Array, bars: Array | float = 0.0, kept: Array | None = None) -> Entries:
    rows, columns = np.nonzero(np.ones(values.shape) if kept is None else kept)
    wide = np.broadcast_to(bars, values.shape)
    return Entries(values.shape, rows, columns, values[rows, columns], wide[rows, columns])


def planted(number: int) -> tuple[Entries, Array]:
    """Return a small matrix with planted singular values, within its bars of the true one."""
    rng = np.random.default_rng([20, number])
    n = int(rng.integers(1, 7))
    m = n if number % 3 else int(rng.integers(1, 7))
    sigma = 10.0 ** rng.uniform(rng.uniform(-14, 0), 0, min(m, n))
    if number % 5 == 0:
        sigma[-1] = 0
    u, v = (np.linalg.qr(rng.standard_normal((k, k)))[0][:, : sigma.size] for k in (m, n))
    scale = 10.0 ** rng.uniform(-8, 8, (m, 1)) if number % 7 == 0 else 1.0
    values = scale * ((u * sigma) @ v.T)
    bars = scale * (0, 1e-16, 1e-12, 1e-6)[number % 4] * rng.uniform(0, 1, values.shape)
    return entries(values, bars), np.clip(values + bars * rng.uniform(-1, 1, bars.shape), values - bars, values + bars)


def holds(found: Interval, true: Array, slack: float = 0.0) -> bool:
    true = -np.sort(-np.asarray(true, float))
    inside = (found.low - slack <= true) & (true <= found.high + slack)
    return found.value.size == true.size and bool(np.all(inside))


def singular(matrix: Array) -> Array:
    with mpmath.workdps(50):
        return np.array([float(each) for each in mpmath.svd_r(mpmath.matrix(matrix.tolist()), compute_uv=False)])


@pytest.mark.parametrize("number", range(48))
def test_every_true_value_lies_in_its_interval(number: int) -> None:
    given, true = planted(number)
    found, large = singular_values(given, MEMORY)
    assert found is not None
    assert not large
    assert holds(found, singular(true))
    if given.shape[0] != given.shape[1]:
        return
    product = determinant(given, MEMORY)
    assert product is not None
    with mpmath.workdps(50):
        exact = mpmath.det(mpmath.matrix(true.tolist()))
        log = float(mpmath.log(abs(exact))) if exact else -np.inf
    _, low, high = product.log
    assert low <= log <= high
    assert product.sign in (None, int(np.sign(float(exact))))
    radius = spectral_radius(given)
    assert radius is not None
    with mpmath.workdps(50):
        largest = max(abs(complex(each)) for each in mpmath.eig(mpmath.matrix(true.tolist()))[0])
    assert radius.low <= largest <= radius.high


@pytest.mark.parametrize("number", [k for k in range(24) if k % 3])
def test_every_true_eigenvalue_lies_in_its_interval(number: int) -> None:
    given, true = planted(number)
    n = given.shape[0]
    values, bars = given.values.reshape(n, n), given.bars.reshape(n, n)
    symmetric, bars = (values + values.T) / 2, (bars + bars.T) / 2
    inside = np.clip((true + true.T) / 2, symmetric - bars, symmetric + bars)
    found = eigenvalues(entries(symmetric, bars), MEMORY)
    with mpmath.workdps(50):
        exact = [float(each) for each in mpmath.eigsy(mpmath.matrix(inside.tolist()), eigvals_only=True)]
    assert found is not None
    assert holds(found, np.array(exact))


@pytest.mark.parametrize("gap", [1e-14, 1e-12, 1e-8, 1e-3, 1.0])
def test_a_rank_is_claimed_only_where_the_bars_decide(gap: float) -> None:
    rng = np.random.default_rng(3)
    u, v = (np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in "uv")
    values = (u * [1, 1, gap]) @ v.T
    for bar in (0, 1e-13, 1e-9, 1e-4):
        found, _ = singular_values(entries(values, bar), MEMORY)
        assert found is not None
        assert (found.sure, found.possible) == ((3, 3) if gap > 4 * bar else (2, 3))


def test_structural_zeros_are_exact() -> None:
    kept = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 0]])
    given = entries(np.full((3, 3), 2.0), 0.5, kept)
    found, _ = singular_values(given, MEMORY)
    assert found is not None
    assert (found.sure, found.possible) == (2, 2)
    product = determinant(given, MEMORY)
    assert product is not None
    assert product.sign == 0
    assert product.log == (-np.inf,) * 3
    wide, _ = singular_values(entries(np.ones((2, 3)), 0, np.zeros((2, 3))), MEMORY)
    assert wide is not None
    assert wide.value.tolist() == wide.high.tolist() == [0, 0]
    nothing, _ = singular_values(entries(np.ones((0, 3))), MEMORY)
    assert nothing is not None
    assert nothing.value.size == 0


PATTERNS: dict[str, Callable[[np.random.Generator], Array]] = {
    "diagonal": lambda _: np.eye(6, dtype=int),
    "permutation": lambda rng: np.eye(6, dtype=int)[rng.permutation(6)],
    "lower": lambda _: np.tri(6, dtype=int),
    "upper": lambda _: np.tri(6, dtype=int).T,
    "lower in another order": lambda rng: np.tri(6, dtype=int)[rng.permutation(6)][:, rng.permutation(6)],
    "blocks": lambda _: np.kron(np.eye(3, dtype=int), np.ones((2, 2), int)),
    "blocks in another order": lambda _: np.kron(np.ones((2, 2), int), np.eye(3, dtype=int)),
    "blocks above each other": lambda _: np.kron(np.tri(3, dtype=int), np.ones((2, 2), int)),
    "arrow": lambda _: np.eye(6, dtype=int) | (np.arange(6) == 0) | (np.arange(6) == 0)[:, None],
    "sparse": lambda rng: (rng.random((6, 6)) < 0.35) | np.eye(6, dtype=bool),
    "very sparse": lambda rng: rng.random((6, 6)) < 0.25,
}


@pytest.mark.parametrize("name", PATTERNS)
def test_parts_and_pivots_give_what_the_whole_matrix_does(name: str) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        kept = np.asarray(PATTERNS[name](rng))
        values = rng.standard_normal((6, 6)) * (kept != 0)
        given = entries(values, 1e-9, kept)
        found, _ = singular_values(given, MEMORY)
        product = determinant(given, MEMORY)
        assert found is not None
        assert holds(found, np.linalg.svd(values, compute_uv=False), slack=1e-14)
        assert product is not None
        sign, log = np.linalg.slogdet(values)
        value, low, high = product.log
        if abs(log) < 30:
            assert low <= log <= high
            assert abs(value - log) < 1e-9
            assert product.sign == sign
        else:
            assert product.sign in (0, None)
            assert low == -np.inf
        alone = product.by_item(np.arange(6) // 3, 2)
        np.testing.assert_allclose([np.sum(each) for each in (alone.value, alone.low, alone.high)], product.log)
        radius = spectral_radius(given)
        assert radius is not None
        assert radius.low <= np.abs(np.linalg.eigvals(values)).max() + 1e-9
        assert radius.high >= np.abs(np.linalg.eigvals(values)).max() - 1e-9


def test_a_triangle_needs_no_factorization() -> None:
    rng = np.random.default_rng(0)
    kept = np.tri(40)[rng.permutation(40)][:, rng.permutation(40)]
    assert pivots(entries(np.ones((40, 40)), 0, kept)).size == 40
    parts, large = divided(entries(np.ones((40, 40)), 0, kept), 1000)
    assert large == [(40, 40)]
    assert not list(parts)


def test_parts_are_found_by_their_edges() -> None:
    assert connected(6, np.array([4, 1, 5]), np.array([2, 0, 4])).tolist() == [0, 0, 2, 3, 2, 2]
    path = connected(1000, np.arange(999), np.arange(1, 1000))
    assert not path.any()


def test_what_is_not_finite_leaves_its_part_open() -> None:
    values, bars = np.diag([3.0, np.nan, 2.0]), np.diag([0, 0, np.inf])
    found, _ = singular_values(entries(values, bars, np.eye(3)), MEMORY)
    assert found is not None
    assert found.high.tolist() == [np.inf, np.inf, 3]
    assert found.low.tolist() == [3, 0, 0]
    product = determinant(entries(values, bars, np.eye(3)), MEMORY)
    assert product is not None
    assert product.sign is None
    assert product.log[1:] == (-np.inf, np.inf)


def test_too_large_a_part_is_left_out_by_memory() -> None:
    given = entries(np.ones((50, 50)))
    assert singular_values(given, 1000) == (None, [(50, 50)])
    assert determinant(given, 1000) is None
    assert eigenvalues(given, 1000) is None


def test_the_norm_of_a_large_matrix_is_between_bounds() -> None:
    rng = np.random.default_rng(0)
    for number in range(60):
        shape = tuple(rng.integers(1, 9, 2))
        kept = rng.random(shape) < 0.6
        values = rng.standard_normal(shape) * kept
        values = np.abs(values) if number % 3 == 0 else values
        bars = 10.0 ** rng.uniform(-12, -1) * rng.random(shape) * kept
        true = np.linalg.norm(values + bars * rng.uniform(-1, 1, shape), 2)
        found = spectral_norm(entries(values, bars, kept))
        assert found.low <= true * (1 + 1e-13)
        assert true <= found.high * (1 + 1e-13)
        if number % 3 == 0 and kept.any():
            assert found.high <= 1.001 * np.linalg.norm(values + bars, 2)  # of numbers of one sign the bounds are sharp
    assert spectrum(entries(np.ones((50, 50))), False, 1000).norm == pytest.approx((50, 50, 50), rel=1e-12)
    assert spectral_norm(entries(np.full((2, 2), np.inf))).high == np.inf


def test_orthogonality_is_measured_from_the_singular_values() -> None:
    off = spectrum(entries(np.array([[0.6, 0.8], [-0.8, 0.6]])), False, MEMORY).defect
    assert off is not None
    assert off.low == 0
    assert off.high < 1e-14
    off = spectrum(entries(np.diag([2.0, 1.0]), 0.01, np.eye(2)), False, MEMORY).defect
    assert off is not None
    assert off[1:] == pytest.approx((1.99**2 - 1, 2.01**2 - 1))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([[2, 1], [1, 2]], "positive-definite"),
        ([[-2, 1], [1, -2]], "negative-definite"),
        ([[0, 1], [1, 0]], "indefinite"),
        ([[2, 0], [0, 0]], "positive-semidefinite"),
        ([[0, 0], [0, -1]], "negative-semidefinite"),
        ([[0, 0], [0, 0]], "zero"),
        ([[1, 1], [1, 1]], None),
    ],
)
def test_definiteness_is_that_of_the_eigenvalues(values: list[list[float]], word: str | None) -> None:
    matrix = np.array(values, float)
    found = spectrum(entries(matrix, 1e-9, matrix != 0), True, MEMORY)
    assert found.definiteness == word
    assert found.radius is not None
    assert found.radius.may_be(np.abs(np.linalg.eigvalsh(matrix)).max())


def test_the_condition_is_infinite_where_the_bars_leave_it_open() -> None:
    found = spectrum(entries(np.array([[1.0, 1], [1, 1]]), 1e-9), False, MEMORY)
    assert found.rank == (1, 2)
    assert found.condition is not None
    assert found.condition.low > 1e8
    assert found.condition.high == np.inf
    assert spectrum(entries(np.ones((0, 2))), False, MEMORY).condition is None
