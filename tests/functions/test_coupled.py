import warnings
from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mpf
from numpy.typing import NDArray

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import function
from jacinspect.functions.function import Function
from tests.functions.truth import DIGITS, ulps

Floats = NDArray[np.float64]
SHAPES = [((5,), 0), ((3, 4), 1), ((3, 4), 0), ((3, 4), -2), ((2, 3, 4), 1), ((1, 1), 1), ((0, 3), 1), ((3, 0), -1)]


@pytest.fixture(autouse=True)
def _no_floating_point_warning() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


def jacobian(f: Function, x: Floats) -> Floats:
    """The M×N matrix, a column for every unit seed."""
    columns = []
    for position in range(x.size):
        seed = np.zeros(x.size)
        seed[position] = 1
        columns.append(f.jvp(x, seed.reshape(x.shape)).reshape(-1))
    return np.array(columns).T.reshape(f(x).size, x.size)


def exact_softmax(row: Floats) -> list[mpf]:
    exps = [mpmath.exp(mpf(float(entry))) for entry in row]
    return [e / mpmath.fsum(exps) for e in exps]


def exact_softmax_jacobian(row: Floats) -> list[list[mpf]]:
    s = exact_softmax(row)
    return [[s[i] * ((1 if i == j else 0) - s[j]) for j in range(len(s))] for i in range(len(s))]


def same_line(p: tuple[int, ...], q: tuple[int, ...], axis: int) -> bool:
    """Whether two positions differ along this axis alone."""
    axis %= len(p)
    return p[:axis] + p[axis + 1 :] == q[:axis] + q[axis + 1 :]


@pytest.mark.parametrize(
    "row",
    [
        [0.0, 40.0],
        [40.0, 0.0],
        [0.0, 0.0],
        [0.1, 0.2, 0.3, 0.0],
        [0.1, -700.3, 3.0, -30.7],
        [0.1, 700.3, 699.9],
        [-1e3, -1e3 + 1e-9, -1001.0],
        [5.0],
        np.linspace(0, 1, 40).tolist(),
        [0.0, 745.0, 1.0],
    ],
    ids=str,
)
def test_softmax_and_its_jacobian_entry_by_entry(row: list[float]) -> None:
    f, x = function("softmax"), np.array(row)
    with mpmath.workdps(400):
        assert max(map(ulps, f(x).tolist(), exact_softmax(x))) <= 10
        for got_row, true_row in zip(jacobian(f, x).tolist(), exact_softmax_jacobian(x), strict=True):
            assert max(map(ulps, got_row, true_row)) <= 10


def test_softmax_keeps_the_digits_that_s_minus_s_squared_loses() -> None:
    x = np.array([0.0, 40.0])
    assert function("softmax").jvp(x, np.array([0.0, 1.0]))[1] == pytest.approx(4.248354255291589e-18, rel=1e-15)
    s = function("softmax")(x)
    assert s[1] - s[1] ** 2 == 0


@given(hnp.arrays(float, st.integers(1, 6), elements=st.floats(-50, 50)), st.integers(0, 2**32 - 1))
def test_softmax_along_gaussian_directions(x: Floats, seed: int) -> None:
    dx = np.random.default_rng(seed).normal(size=x.size)
    got = function("softmax").jvp(x, dx)
    with mpmath.workdps(DIGITS):
        for entry, row in zip(got.tolist(), exact_softmax_jacobian(x), strict=True):
            terms = [a * mpf(float(v)) for a, v in zip(row, dx, strict=True)]
            assert abs(mpf(entry) - mpmath.fsum(terms)) <= 4e-15 * mpmath.fsum(map(abs, terms))


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_softmax_by_plain_loops(shape: tuple[int, ...], axis: int) -> None:
    x = np.random.default_rng(5).normal(size=shape)
    f = function("softmax", axis=axis)
    positions = list(np.ndindex(shape))
    s = {p: np.exp(x[p]) / sum(np.exp(x[q]) for q in positions if same_line(p, q, axis)) for p in positions}
    truth = [[s[p] * ((p == q) - s[q]) if same_line(p, q, axis) else 0.0 for q in positions] for p in positions]
    np.testing.assert_allclose(f(x), np.array([s[p] for p in positions]).reshape(shape), rtol=1e-14)
    np.testing.assert_allclose(jacobian(f, x), np.array(truth).reshape(x.size, x.size), rtol=1e-13)


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ([-np.inf, 0.0, 0.0], [0, 0.5, 0.5]),
        ([np.inf, 3.0, -np.inf], [1, 0, 0]),
        ([1.7e308, -1.7e308, 0.0], [1, 0, 0]),
        ([1.7e308, 1.7e308], [0.5, 0.5]),
        ([-np.inf], [1]),
        ([np.inf], [1]),
        ([-np.inf, -np.inf], [np.nan, np.nan]),
        ([np.inf, np.inf, 0.0], [np.nan] * 3),
        ([np.nan, 0.0], [np.nan, np.nan]),
        ([np.nan, np.inf], [np.nan, np.nan]),
    ],
    ids=str,
)
def test_softmax_at_the_ends_of_the_line(row: list[float], value: list[float]) -> None:
    f, x = function("softmax"), np.array(row)
    np.testing.assert_array_equal(f(x), value)
    if not np.isnan(value).any():
        s = np.array(value)
        np.testing.assert_allclose(jacobian(f, x), np.diag(s) - np.outer(s, s), atol=1e-300)


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_cumsum_by_plain_loops(shape: tuple[int, ...], axis: int) -> None:
    x = np.random.default_rng(6).integers(-9, 9, size=shape).astype(float)
    f = function("cumsum", axis=axis)
    positions = list(np.ndindex(shape))
    reads = [[float(same_line(p, q, axis) and q[axis] <= p[axis]) for q in positions] for p in positions]
    matrix = np.array(reads).reshape(x.size, x.size)
    np.testing.assert_array_equal(jacobian(f, x), matrix)
    np.testing.assert_array_equal(f(x).reshape(-1), [sum(np.where(row, x.reshape(-1), 0)) for row in matrix])


def test_cumsum_of_opposite_infinities_is_nan_without_a_warning() -> None:
    np.testing.assert_array_equal(function("cumsum")(np.array([1, np.inf, -np.inf, 2])), [1, np.inf, np.nan, np.nan])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (1, 4), (0, 2)])
def test_transpose_by_plain_loops(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(8).normal(size=shape)
    f = function("transpose")
    y = f(x)
    assert y.shape == shape[::-1]
    assert all(y[p[::-1]] == x[p] for p in np.ndindex(shape))
    reads = [[float(p[::-1] == q) for q in np.ndindex(shape)] for p in np.ndindex(shape[::-1])]
    np.testing.assert_array_equal(jacobian(f, x), np.array(reads).reshape(x.size, x.size))


@given(
    st.sampled_from(["softmax", "cumsum", "transpose"]),
    st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.bool_]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=3, min_side=0, max_side=4))
    ),
)
def test_any_shape_and_dtype(name: str, x: NDArray[np.generic]) -> None:
    f, before = function(name), x.tobytes()
    y, tangent = f(x), f.jvp(x, np.ones_like(x))
    wide = f(x.astype(np.float64))
    assert y.shape == tangent.shape == (x.shape[::-1] if name == "transpose" else x.shape)
    assert y.dtype == tangent.dtype == (x.dtype if x.dtype in (np.float16, np.float32) else np.float64)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(y, wide.astype(y.dtype))
    assert x.tobytes() == before


@pytest.mark.parametrize("name", ["softmax", "cumsum"])
def test_an_axis_that_the_operand_lacks(name: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, axis=2)(np.zeros((2, 3)))
    assert str(error.value) == f"{name}: axis 2 is out of range for an operand of shape 2×3; its axes are -2 to 1"
    with pytest.raises(InputError) as error:
        function(name, axis=-3).jvp(np.zeros((2, 3)), np.zeros((2, 3)))
    assert str(error.value) == f"{name}: axis -3 is out of range for an operand of shape 2×3; its axes are -2 to 1"
    with pytest.raises(InputError) as error:
        function(name)(np.array(1.0))
    assert str(error.value) == f"{name}: axis -1 is out of range for an operand of shape scalar; it has no axes"
