from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mpf
from numpy.typing import NDArray

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function
from tests.functions.catalogue.lines import SHAPES as LINES
from tests.functions.catalogue.lines import Matrix, Row, Textbook, errors, jacobian
from tests.functions.catalogue.truth import DIGITS, ulps

inf, nan = np.inf, np.nan
Floats = NDArray[np.float64]
SHAPES = [((5,), 0), ((3, 4), 1), ((3, 4), 0), ((3, 4), -2), ((2, 3, 4), 1), ((1, 1), 1), ((0, 3), 1), ((3, 0), -1)]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def exact_softmax(row: Any) -> Row:
    exps = [mpmath.exp(mpf(entry)) for entry in row]
    return [e / mpmath.fsum(exps) for e in exps]


def exact_softmax_jacobian(row: Any) -> Matrix:
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


def _exact_log_softmax(row: Row) -> Row:
    return [mpmath.log(s) for s in exact_softmax(row)]


def _exact_log_softmax_jacobian(row: Row) -> Matrix:
    s = exact_softmax(row)
    # 1 - s_i as a sum, which is right where s_i rounds to 1 at any number of digits
    return [[mpmath.fsum(s[:i] + s[i + 1 :]) if i == j else -s[j] for j in range(len(s))] for i in range(len(s))]


def _support(row: Row) -> tuple[list[int], Any]:
    """The entries above the threshold, and the threshold, by trying all numbers of them."""
    order = sorted(range(len(row)), key=lambda i: -row[i])
    for count in range(1, len(row) + 1):
        support = order[:count]
        threshold = (mpmath.fsum(row[i] for i in support) - 1) / count
        if all((row[i] > threshold) == (i in support) for i in range(len(row))):
            return support, threshold
    raise AssertionError


def _exact_sparsemax(row: Row) -> Row:
    _, threshold = _support(row)
    return [max(x - threshold, mpf(0)) for x in row]


def _exact_sparsemax_jacobian(row: Row) -> Matrix:
    support, _ = _support(row)
    inside = [mpf(i in support) for i in range(len(row))]
    return [
        [inside[i] * inside[j] * ((i == j) - mpf(1) / len(support)) for j in range(len(row))] for i in range(len(row))
    ]


TEXTBOOK: dict[str, Textbook] = {
    "softmax": (exact_softmax, exact_softmax_jacobian),
    "softmin": (
        lambda row: exact_softmax([-x for x in row]),
        lambda row: [[-entry for entry in line] for line in exact_softmax_jacobian([-x for x in row])],
    ),
    "log_softmax": (_exact_log_softmax, _exact_log_softmax_jacobian),
    "sparsemax": (_exact_sparsemax, _exact_sparsemax_jacobian),
}
# Ulps of a row's largest number: n roundings of a sum and a division, rows having fewer than 10 entries.
LIMIT = 10.0
ROWS: list[list[float]] = [
    [0.3, -1.7, 2.2],
    [0.1, 0.2, 0.4, 0.8],
    [0.3, 0.2, -0.1, 0.25],
    [3.0],
    [0.0, 0.0, 0.0],
    [0.0, 40.0],
    [1.0, 1.0, 0.0],
    [1.0, 0.0],
    [2.0, 0.0, 3.0],
    [1.0, 1e-10, -1e-20],
    [1e8, 1e8 + 1, 1e8 + 2],
    [1e8 + 0.1, 1e8 + 0.2, 1e8 - 0.7],
    [1e16, 1e16, 0.0],
    [1e16, 1e16 + 2, 1e16 + 6],
    [0.1, -700.3, 3.0, -30.7],
    [1e200, 1e200, 1e200],
    [1.7e308, -1.7e308, 0.0],
    [3e-160, 4e-160, 0.0],
    [5e-324, 2e-323, 1e-322],
]


@pytest.mark.parametrize(("shape", "axis"), LINES)
@pytest.mark.parametrize("name", TEXTBOOK)
def test_value_and_jacobian_line_by_line(name: str, shape: tuple[int, ...], axis: int) -> None:
    x = np.random.default_rng(3).normal(size=shape)
    assert max(errors(function(name, axis=axis), x, axis, TEXTBOOK[name])) <= LIMIT


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("name", TEXTBOOK)
def test_rows_keep_their_digits(name: str, row: list[float]) -> None:
    value, slopes = errors(function(name), np.array(row), 0, TEXTBOOK[name], 700)
    assert value <= LIMIT
    assert slopes <= LIMIT


@pytest.mark.parametrize(
    "row", [[0.0, 40.0], [40.0, 0.0], [0.1, 700.3, 699.9], [0.1, -700.3, 3.0], [0.1, 0.2, 0.4]], ids=str
)
def test_log_softmax_and_its_jacobian_entry_by_entry(row: list[float]) -> None:
    f, x = function("log_softmax"), np.array(row)
    with mpmath.workdps(400):
        exact = [mpf(entry) for entry in row]
        assert max(map(ulps, f(x).tolist(), _exact_log_softmax(exact))) <= 10
        for got_row, true_row in zip(jacobian(f, x).tolist(), _exact_log_softmax_jacobian(exact), strict=True):
            assert max(map(ulps, got_row, true_row)) <= 10


@pytest.mark.parametrize(
    ("name", "row", "value", "slopes"),
    [
        (
            "log_softmax",
            [-inf, 0, 0],
            [-inf, -np.log(2), -np.log(2)],
            [[1, -0.5, -0.5], [0, 0.5, -0.5], [0, -0.5, 0.5]],
        ),
        ("log_softmax", [inf, 3, -inf], [0, -inf, -inf], [[0, 0, 0], [-1, 1, 0], [-1, 0, 1]]),
        ("log_softmax", [-inf], [0], [[0]]),
        ("softmin", [-inf, 1, 2], [1, 0, 0], np.zeros((3, 3))),
        ("sparsemax", [-inf, 0, 0], [0, 0.5, 0.5], [[0, 0, 0], [0, 0.5, -0.5], [0, -0.5, 0.5]]),
        ("sparsemax", [inf, 3, -inf], [1, 0, 0], np.zeros((3, 3))),
    ],
)
def test_limits(name: str, row: Row, value: Row, slopes: Matrix) -> None:
    f, x = function(name), np.array(row, float)
    np.testing.assert_allclose(f(x), value, rtol=1e-15)
    np.testing.assert_array_equal(jacobian(f, x), slopes)


@pytest.mark.parametrize("row", [[inf, inf, 0], [-inf, -inf], [nan, inf, -inf], [nan, 0]], ids=str)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax"])
def test_without_a_limit(name: str, row: Row) -> None:
    f, x = function(name), np.array(row, float)
    assert np.isnan(f(x)).all()
    assert np.isnan(jacobian(f, x)).all()


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
    st.sampled_from(
        [*TEXTBOOK, "layer_norm", "l2_normalize", "center", "cumsum", "cumprod", "sort", "flip", "transpose"]
    ),
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
