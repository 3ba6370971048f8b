"""The functions of matrices against mpmath at many digits, one entry moved at a time, and against plain loops."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.typing import NDArray

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.matrices import cofactors
from jacinspect.functions.function import Function

Floats = NDArray[np.float64]
Shape = tuple[int, ...]
SINGULAR = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def matrix(x: Floats) -> Any:
    return mpmath.matrix(x.reshape(x.shape[0], -1).tolist())


def floats(m: Any) -> Floats:
    return np.array([[float(m[i, j]) for j in range(m.cols)] for i in range(m.rows)])


def logdet(x: Any) -> Any:
    return mpmath.log(abs(mpmath.det(x)))


def kron(x: Any, y: Any) -> Any:
    found = mpmath.zeros(x.rows * y.rows, x.cols * y.cols)
    for i in range(found.rows):
        for j in range(found.cols):
            found[i, j] = x[i // y.rows, j // y.cols] * y[i % y.rows, j % y.cols]
    return found


# the truth at many digits, and shapes
TRUTH: dict[str, tuple[Callable[..., Any], list[list[Shape]]]] = {
    "inv": (mpmath.inverse, [[(1, 1)], [(2, 2)], [(4, 4)]]),
    "det": (mpmath.det, [[(1, 1)], [(2, 2)], [(4, 4)]]),
    "logdet": (logdet, [[(1, 1)], [(2, 2)], [(4, 4)]]),
    "trace": (lambda x: mpmath.fsum(x[k, k] for k in range(min(x.rows, x.cols))), [[(1, 1)], [(3, 3)], [(2, 3)]]),
    "solve": (
        lambda a, b: mpmath.inverse(a) * b,
        [[(1, 1), (1,)], [(3, 3), (3,)], [(3, 3), (3, 1)], [(3, 3), (3, 2)]],
    ),
    "outer": (lambda x, y: x * y.T, [[(1,), (1,)], [(2,), (3,)]]),
    "kron": (kron, [[(1, 1), (1, 1)], [(2, 3), (1, 2)], [(2, 2), (2, 1)]]),
}


@pytest.mark.parametrize(("name", "shapes"), [(name, shapes) for name, (_, all_) in TRUTH.items() for shapes in all_])
def test_value_and_jacobian(name: str, shapes: list[Shape]) -> None:
    """The slope by each entry is a difference of mpmath's over 1e-30, of 60 digits."""
    rng = np.random.default_rng(6)
    f, truth = function(name), TRUTH[name][0]
    point = [rng.normal(size=shape) for shape in shapes]
    with mpmath.workdps(90):
        value = mpmath.matrix([[truth(*map(matrix, point))]]) if not f(*point).ndim else truth(*map(matrix, point))
        np.testing.assert_allclose(f(*point).reshape(value.rows, value.cols), floats(value), rtol=1e-12, atol=1e-14)
        for place, x in enumerate(point):
            for entry in np.ndindex(x.shape):
                moved = [matrix(each) for each in point]
                moved[place][entry[0], entry[1] if len(entry) > 1 else 0] += mpf(10) ** -30
                ahead = truth(*moved)
                ahead = ahead if f(*point).ndim else mpmath.matrix([[ahead]])
                tangents: list[Any] = [None] * len(point)
                tangents[place] = np.zeros(x.shape)
                tangents[place][entry] = 1
                got = f.push(point, tangents)
                slope = floats((ahead - value) * mpf(10) ** 30)
                np.testing.assert_allclose(got.reshape(slope.shape), slope, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "x", [SINGULAR, np.outer([1.0, 2, 3], [4.0, 5, 6]), np.zeros((2, 2)), np.diag([0.0, 1e-9, 5]), np.zeros((1, 1))]
)
def test_a_singular_matrix_has_a_determinant_with_slopes(x: Floats) -> None:
    f, n = function("det"), len(x)
    assert abs(f(x)) < 1e-12
    for i, j in np.ndindex(x.shape):
        seed = np.zeros(x.shape)
        seed[i, j] = 1
        minor = np.delete(np.delete(x, i, 0), j, 1)
        cofactor = (-1) ** (i + j) * (np.linalg.det(minor) if n > 1 else 1)
        assert f.jvp(x, seed) == pytest.approx(cofactor, abs=1e-12)
    report = jacinspect.inspect("det", x)
    assert report.verdict == "pass"


@pytest.mark.parametrize("name", ["inv", "det", "logdet", "trace"])
def test_several_matrices_are_taken_one_by_one(name: str) -> None:
    x, dx = np.random.default_rng(2).normal(size=(2, 3, 3, 3))
    f = function(name)
    np.testing.assert_array_equal(f(x), [f(each) for each in x])
    np.testing.assert_allclose(f.jvp(x, dx), [f.jvp(*pair) for pair in zip(x, dx, strict=True)], rtol=1e-12)
    report = jacinspect.inspect(name, x)
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.structure in ("block-diagonal", "broadcast", "sparse", "banded")


def test_several_systems() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3, 2))
    f = function("solve")
    np.testing.assert_allclose(a @ f(a, b), b, rtol=1e-12)
    assert jacinspect.inspect(f, a, others=[b]).verdict == "pass"


@pytest.mark.parametrize(
    ("name", "shape", "value"),
    [("inv", (0, 0), np.zeros((0, 0))), ("det", (0, 0), 1), ("logdet", (0, 0), 0), ("trace", (0, 0), 0)],
)
def test_no_entries(name: str, shape: Shape, value: Any) -> None:
    f = function(name)
    np.testing.assert_array_equal(f(np.zeros(shape)), value)
    assert f.jvp(np.zeros(shape), np.zeros(shape)).shape == np.shape(value)
    assert jacinspect.inspect(name, np.zeros(shape)).verdict == "pass"


def test_no_entries_of_two() -> None:
    assert function("solve")(np.zeros((0, 0)), np.zeros(0)).shape == (0,)
    assert function("outer")(np.zeros(0), np.zeros(2)).shape == (0, 2)
    assert function("kron")(np.zeros((0, 2)), np.ones((2, 2))).shape == (0, 4)


@pytest.mark.parametrize("name", ["inv", "det", "logdet", "trace"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_matrix_that_is_not_finite(name: str, bad: float) -> None:
    x = np.array([[[1.0, 2], [3, 5]], [[bad, 2], [3, 5]]])
    f = function(name)
    assert np.isfinite(f(x)[0]).all()
    assert not np.isfinite(f(x)[1]).any()
    f.jvp(x, np.ones(x.shape))  # no warning


@pytest.mark.parametrize(
    "x", [np.diag([1e-20, 1.0]), np.array([[1.0, 2], [0, 3]]), 1e60 * np.array([[1.0, 2, 0], [3, 4, 1], [0, 0, 1e-70]])]
)
def test_slopes_of_a_determinant_of_any_scale(x: Floats) -> None:
    for name in ("det", "logdet", "inv"):
        assert jacinspect.inspect(name, x).verdict != "fail", name


def test_a_determinant_has_its_digits_at_any_scale() -> None:
    """Differences of it are exact but for rounding, and the cofactors must be so as well."""
    for seed, scale in ((0, 1e-8), (1, 1e8), (2, 1e-100), (3, 1e-8)):
        x = scale * np.random.default_rng(seed).normal(size=(3, 3))
        with mpmath.workdps(60):
            assert float(function("det")(x)) == pytest.approx(float(mpmath.det(matrix(x))), rel=4e-15)
        assert jacinspect.inspect("det", x).verdict == "pass"


def test_the_cofactors_of_a_large_matrix() -> None:
    x = np.random.default_rng(0).normal(size=(14, 14))
    np.testing.assert_allclose(cofactors(x), np.linalg.det(x) * np.linalg.inv(x).T, rtol=1e-9)
    np.testing.assert_allclose(cofactors(1e3 * x), 1e39 * cofactors(x), rtol=1e-9)
    x[:, 1:3] = x[:, :1]
    assert not cofactors(x).any()  # of rank n - 2


def test_a_matrix_of_any_scale_has_its_inverse() -> None:
    for x in (np.diag([1e-20, 1.0]), np.diag([1e200, 1e-200, 1]), 1e-300 * np.array([[1.0, 2], [3, 4]])):
        np.testing.assert_allclose(x @ function("inv")(x), np.eye(len(x)), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "operands", "message"),
    [
        ("inv", [np.ones((2, 3))], "inv: a square matrix is needed, such as 3×3, and this is 2×3"),
        ("det", [np.ones(4)], "det: a square matrix is needed, such as 3×3, and this is a vector of 4"),
        ("logdet", [np.ones(())], "logdet: a square matrix is needed, such as 3×3, and this is a number"),
        ("trace", [np.ones(3)], "trace: a matrix is needed, and this is a vector of 3"),
        ("solve", [np.ones((2, 3)), np.ones(2)], "solve: a square matrix is needed, such as 3×3, and A is 2×3"),
        (
            "solve",
            [np.eye(3), np.ones(2)],
            "solve: A 3×3 and b 2 do not go together: A has 3 rows, and b has 2 entries",
        ),
        (
            "solve",
            [np.eye(3), np.ones((2, 3))],
            "solve: A 3×3 and b 2×3 do not go together: A has 3 rows, and b has 2 rows",
        ),
        (
            "solve",
            [np.eye(3), np.ones(())],
            "solve: A 3×3 and b scalar do not go together: A has 3 rows, and b is a number",
        ),
        (
            "solve",
            [np.stack([np.eye(2)] * 2), np.ones(2)],
            "solve: A 2×2×2 and b 2 do not go together: for several matrices, b has a row for each row of A: n×1, "
            "not n",
        ),
        ("outer", [np.ones((2, 2)), np.ones(2)], "outer: two vectors are needed, and x is 2×2; flatten(x) is one"),
        ("outer", [np.ones(2), np.ones(())], "outer: two vectors are needed, and y is a number"),
    ],
)
def test_what_does_not_fit(name: str, operands: list[Floats], message: str) -> None:
    with pytest.raises(InputError) as error:
        function(name)(*operands)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("x", "rank"), [(SINGULAR, "2 of 3"), (np.ones((3, 3)), "1 of 3"), (np.zeros((1, 1)), "0 of 1")]
)
def test_a_singular_matrix_has_no_inverse(x: Floats, rank: str) -> None:
    words = f"the matrix is singular, and has no inverse: its rank is {rank}"
    for name, operands in (("inv", [x]), ("solve", [x, np.ones(len(x))])):
        with pytest.raises(np.linalg.LinAlgError, match=f"^{words}$"):
            function(name)(*operands)
        with pytest.raises(FunctionFailedError, match=f"^the function raised LinAlgError: {words}$"):
            jacinspect.inspect(name, operands[0], others=operands[1:])


def test_a_singular_logdet_has_no_slopes() -> None:
    f: Function = function("logdet")
    assert f(np.ones((2, 2))) == -np.inf
    with pytest.raises(np.linalg.LinAlgError, match=r"^the matrix is singular"):
        f.jvp(np.ones((2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("inv(X) @ b", [(3, 3), (3,)]),
        ("logdet(X)", [(3, 3)]),
        ("det(X)", [(3, 3)]),
        ("trace(A @ X)", [(2, 3), (3, 2)]),
        ("solve(A, b)", [(3, 3), (3,)]),
        ("kron(x, y)", [(2, 2), (1, 2)]),
        ("mse(X @ w, y)", [(4, 2), (2,), (4,)]),
        ("cross_entropy(X @ W, [0, 2, 1])", [(3, 2), (2, 3)]),
        ("||x||", [(3,)]),
    ],
)
def test_first_and_second_order_in_expressions(text: str, shapes: list[Shape]) -> None:
    point = [np.random.default_rng(7).normal(size=shape) for shape in shapes]
    for wrt in range(1, len(shapes) + 1):
        report = jacinspect.inspect(text, point[0], others=point[1:], wrt=wrt, order=2)
        assert report.verdict == "pass", (wrt, report.findings)
