"""The functions of two operands that couple entries, against their textbook formulas and plain loops."""

import itertools
from math import inf, nan
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.typing import NDArray

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.expressions.expression import expression
from jacinspect.functions.function import Function, Parameter
from tests.functions.catalogue.truth import ulps

Floats = NDArray[np.float64]
Shape = tuple[int, ...]
Exact = list[Any]
ROWWISE = ["dot", "cosine_similarity"]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def jacobian(f: Function, x: Floats, y: Floats, wrt: int) -> Floats:
    """The M×N matrix by one operand, a column for every unit seed."""
    of_one, at = f.by(wrt, [x, y]), (x, y)[wrt - 1]
    seeds = np.eye(at.size).reshape(at.size, *at.shape)
    return np.array([of_one.jvp(at, seed).reshape(-1) for seed in seeds]).T.reshape(f(x, y).size, at.size)


def _dot(x: Exact, y: Exact) -> tuple[Any, Exact]:
    return mpmath.fsum(a * b for a, b in zip(x, y, strict=True)), y


def _cosine(x: Exact, y: Exact) -> tuple[Any, Exact]:
    eps = mpf(1e-8)
    p, q = (mpmath.sqrt(mpmath.fsum(a * a for a in row)) for row in (x, y))
    c = _dot(x, y)[0] / max(p, eps) / max(q, eps)
    v = [b / max(q, eps) for b in y]
    if p <= eps:
        return c, [b / eps for b in v]
    return c, [(b - c * a / p) / p for a, b in zip(x, v, strict=True)]


# the value of two rows, and its slopes by the first: both functions are symmetric
TEXTBOOK = {"dot": _dot, "cosine_similarity": _cosine}


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("x_shape", "y_shape", "axis"),
    [
        ((2, 3), (2, 3), -1), ((2, 3), (2, 3), 0), ((4,), (4,), 0), ((1, 1), (1, 1), 1), ((0, 3), (0, 3), -1),
        ((2, 3, 2), (2, 3, 2), 1), ((2, 3), (3,), -1), ((3,), (2, 3), 1), ((2, 1), (2, 3), -1), ((2, 3), (1, 3), -2),
        ((3, 0), (3, 0), -1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrt", [1, 2])
@pytest.mark.parametrize("name", ROWWISE)
def test_value_and_jacobian_row_by_row(
    name: str, x_shape: Shape, y_shape: Shape, axis: int, wrt: int, keepdims: bool
) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=x_shape), rng.normal(size=y_shape)
    f = function(name, axis=axis, keepdims=keepdims)
    shape = np.broadcast_shapes(x_shape, y_shape)
    read = (x, y)[wrt - 1]
    places = np.moveaxis(np.broadcast_to(np.arange(read.size).reshape(read.shape), shape), axis, -1)
    rows = [np.moveaxis(np.broadcast_to(operand, shape), axis, -1) for operand in (x, y)]
    output = np.zeros(places.shape[:-1])
    matrix = np.zeros((output.size, read.size))
    for number, line in enumerate(np.ndindex(output.shape)):
        one, other = ([mpf(float(entry)) for entry in row[line]] for row in rows)
        output[line], slopes = TEXTBOOK[name](*((one, other) if wrt == 1 else (other, one)))
        for place, slope in zip(places[line].tolist(), slopes, strict=True):
            matrix[number, place] += float(slope)
    expected = np.sum(np.zeros(shape), axis=axis, keepdims=keepdims).shape
    assert f(x, y).shape == expected
    np.testing.assert_allclose(f(x, y).reshape(output.shape), output, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(jacobian(f, x, y, wrt), matrix, rtol=1e-12, atol=1e-15)


ROWS = [
    ([1e200, 3.0], [1e-200, 2.0]),
    ([1e200, 1e200], [1e200, 3e200]),
    ([1e-200, 2e-200], [3e-170, 1e-150]),
    ([5e-324, 0.0, 1e-310], [1.0, 1e300, 1e308]),
    ([1.7976931348623157e308, 1.7976931348623157e308], [1.0, 2.0]),
    ([0.1, 0.2, 0.3], [0.3, 0.1, 0.7]),
    ([0.0, 0.0], [3.0, 4.0]),
    ([3e-9, 4e-9], [3.0, 4.0]),
    ([1.5], [-2.5]),
    ([1e10, 1e-10], [1e10, 2e-10]),
]


@pytest.mark.parametrize(("left", "right"), ROWS, ids=str)
@pytest.mark.parametrize("name", ROWWISE)
def test_rows_keep_their_digits(name: str, left: list[float], right: list[float]) -> None:
    f = function(name)
    for one, other in ((left, right), (right, left)):
        x, y = np.array(one), np.array(other)
        with mpmath.workdps(800):
            value, slopes = TEXTBOOK[name]([mpf(entry) for entry in one], [mpf(entry) for entry in other])
            assert ulps(float(f(x, y)), value) <= 10
            largest = max(map(abs, slopes))
            for got, true in zip(jacobian(f, x, y, 1)[0].tolist(), slopes, strict=True):
                # beside parallel rows the slopes of a cosine are right to the ulps of 1 over the norm
                size = max(map(abs, one))
                scale = 1 / mpf(size) if name == "cosine_similarity" and size > 1e-8 else largest
                assert ulps(got, true) <= 10 or abs(mpf(got) - true) <= scale * mpf(2) ** -50


@pytest.mark.parametrize("scale", [1.0, 3e200, 1e-5, 1e300])
def test_parallel_rows_are_as_similar_as_can_be(scale: float) -> None:
    x = np.array([0.3, -0.7, 1.9])
    f, y = function("cosine_similarity"), scale * x
    assert float(f(x, y)) == pytest.approx(1, rel=1e-15)
    assert np.abs(jacobian(f, x, y, 1)).max() < 2e-16
    assert float(f(x, -y)) == pytest.approx(-1, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "x", "y", "value", "by_x", "by_y"),
    [
        ("dot", [inf, 1], [2, 3], inf, [2, 3], [inf, 1]),
        ("dot", [inf, 1], [0, 3], nan, [0, 3], [inf, 1]),
        ("dot", [inf, 1], [1, -inf], nan, [1, -inf], [inf, 1]),
        ("cosine_similarity", [inf, 1], [3, 4], 0.6, [0, 0], [0.128, -0.096]),
        ("cosine_similarity", [inf, -inf], [inf, 1], np.sqrt(0.5), [0, 0], [0, 0]),
        ("cosine_similarity", [0, 0], [0, 0], 0, [0, 0], [0, 0]),
        ("cosine_similarity", [0, 0], [3, 4], 0, [0.6e8, 0.8e8], [0, 0]),
        ("cosine_similarity", [nan, 0], [3, 4], nan, [nan, nan], [nan, nan]),
    ],
)
def test_the_ends_of_the_line(
    name: str, x: list[float], y: list[float], value: float, by_x: list[float], by_y: list[float]
) -> None:
    f, a, b = function(name), np.array(x, float), np.array(y, float)
    np.testing.assert_allclose(f(a, b), value, rtol=1e-15)
    np.testing.assert_allclose(jacobian(f, a, b, 1)[0], by_x, rtol=1e-14)
    np.testing.assert_allclose(jacobian(f, a, b, 2)[0], by_y, rtol=1e-14)


@pytest.mark.parametrize("name", ROWWISE)
def test_nan_gives_nan_in_its_own_row_alone(name: str) -> None:
    x, y = np.array([[1.0, nan], [2.0, 3.0]]), np.array([[1.0, 2.0], [4.0, 5.0]])
    assert np.isnan(function(name)(x, y)).tolist() == np.isnan(function(name)(y, x)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("x_shape", "y_shape"),
    [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3, 2)), ((0, 3), (3, 2)),
     ((1, 1), (1, 1)), ((2, 0), (0, 3)), ((2, 1, 2, 3), (3, 3, 1))],
)  # fmt: skip
@pytest.mark.parametrize("wrt", [1, 2])
def test_products_of_matrices_in_plain_loops(x_shape: Shape, y_shape: Shape, wrt: int) -> None:
    rng = np.random.default_rng(7)
    x, y = rng.integers(-5, 6, x_shape).astype(float), rng.integers(-5, 6, y_shape).astype(float)
    f, operand = function("matmul"), (x, y)[wrt - 1]
    np.testing.assert_array_equal(f(x, y), x @ y)
    matrix = np.zeros((f(x, y).size, operand.size))
    for place in range(operand.size):  # linear in each: a column is what a unit gives
        unit = np.eye(operand.size)[place].reshape(operand.shape)
        matrix[:, place] = np.asarray(unit @ y if wrt == 1 else x @ unit).reshape(-1)
    np.testing.assert_array_equal(jacobian(f, x, y, wrt), matrix)


def test_a_matrix_that_does_not_move_may_hold_infinities() -> None:
    x, y = np.array([[1.0, 2.0]]), np.array([[inf], [1.0]])
    f = function("matmul")
    assert f(x, y) == inf
    np.testing.assert_array_equal(f.push([x, y], [None, np.array([[1.0], [1.0]])]), [[3.0]])


@pytest.mark.parametrize(
    ("name", "x_shape", "y_shape", "message"),
    [
        (
            "dot",
            (2, 3),
            (2,),
            "dot: x of shape 2x3 and y of shape 2 are incompatible: their last axes have sizes 3 and 2, and neither is "
            "1;\ngive y as 2x1 for one value per row, as 3 or 1x3 for one per column",
        ),
        (
            "cosine_similarity",
            (3,),
            (4,),
            "cosine_similarity: x of shape 3 and y of shape 4 are incompatible: their last axes have sizes 3 and 4, "
            "and neither is 1;\ngive y as 3 for one value per entry, or as 1 for one for all",
        ),
        (
            "matmul",
            (2, 3),
            (2, 3),
            "matmul: x 2×3 and y 2×3 do not multiply: 3 columns against 2 rows; x @ y.T and x.T @ y would",
        ),
        (
            "matmul",
            (2, 3),
            (),
            "matmul: x 2×3 and y scalar do not multiply: @ is for vectors and matrices; a number multiplies with *",
        ),
        (
            "dot",
            (),
            (),
            "dot: axis -1 is out of range for an operand of shape scalar; it has no axes",
        ),
    ],
)
def test_shapes_that_do_not_fit(name: str, x_shape: Shape, y_shape: Shape, message: str) -> None:
    x, y, f = np.ones(x_shape), np.ones(y_shape), function(name)
    for attempt in (
        lambda: f(x, y),
        lambda: f.by(1, [x, y]).jvp(x, x),
        lambda: f.by(2, [x, y]).jvp(y, y),
        lambda: jacinspect.inspect(name, x, others=(y,), wrt=2),
    ):
        with pytest.raises(InputError) as error:
            attempt()
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("cosine_similarity", {"eps": 0}, "cosine_similarity: eps must be greater than 0, not 0"),
        ("dot", {"axis": None}, "dot: axis must be an integer, not none"),
        ("matmul", {"axis": 0}, "matmul has no parameters; 'axis' cannot be set"),
    ],
)
def test_parameters_that_make_no_sense(name: str, parameters: dict[str, Parameter], message: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, **parameters)
    assert str(error.value) == message


@pytest.mark.parametrize("name", [*ROWWISE, "matmul"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.bool_])
def test_any_dtype(name: str, dtype: Any) -> None:
    x, y = np.array([[1, 0], [1, 1]], dtype), np.array([[1, 1], [0, 1]], dtype)
    f, wide = function(name), np.float16(0).dtype.type
    result = f(x, y)
    assert result.dtype == (dtype if dtype in (np.float16, np.float32) else np.float64)
    np.testing.assert_array_equal(result, f(x.astype(float), y.astype(float)).astype(result.dtype))
    assert f(np.ones(2, wide), np.ones(2)).dtype == np.float64


@pytest.mark.parametrize("wrt", [1, 2])
@pytest.mark.parametrize("shape", [(2, 3), (4,), (1, 1), (0, 3), (2, 3, 2)])
@pytest.mark.parametrize("name", [*ROWWISE, "matmul"])
def test_generic_points_pass(name: str, shape: Shape, wrt: int) -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=shape), rng.normal(size=shape)
    if name == "matmul" and len(shape) > 1:
        y = np.swapaxes(y, -1, -2)
    report = jacinspect.inspect(name, x, others=(y,), wrt=wrt)
    assert report.verdict == "pass", report.findings
    assert (report.operand.name, report.operand.position) == ("xy"[wrt - 1], wrt)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_along_any_axis(axis: int) -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    for name, wrt in itertools.product(ROWWISE, (1, 2)):
        report = jacinspect.inspect(name, x, others=(y,), wrt=wrt, parameters={"axis": axis})
        assert report.verdict == "pass", report.findings


def test_in_an_expression() -> None:
    q, k = np.arange(6.0).reshape(2, 3), np.ones((3, 4))
    np.testing.assert_array_equal(expression("matmul(q, k) + 1")(q, k), q @ k + 1)
    np.testing.assert_array_equal(expression("dot(q, w, axis=0)")(q, q), (q * q).sum(0))
    for text, start in (
        ("matmul(q, k)", "q 2×3 and k 2×4 do not multiply: 3 columns against 2 rows"),
        ("dot(q, k)", "dot: x of shape 2x3 and y of shape 2x4 are incompatible"),
    ):
        with pytest.raises(InputError, match=start):
            expression(text)(q, np.ones((2, 4)))
