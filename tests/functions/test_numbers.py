"""A derivative as numbers at X: files, arrays, sparse matrices, and what is told of those that do not fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import scipy.sparse.linalg

import jacinspect
from jacinspect.choices import AnyLayout, AnyVec
from jacinspect.errors import InputError

X = np.array([[0.5, -1.25, 0.1], [2.0, -0.75, 1.5]])
SLOPES = 1 - np.tanh(X) ** 2


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def jacobian(function: str, x: Any = X, vec: AnyVec = "column", layout: AnyLayout = "numerator") -> Any:
    report = jacinspect.inspect(function, x, vec=vec, layout=layout)
    assert report.jacobian is not None
    return np.asarray(report.jacobian.matrix("analytic"))


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(InputError) as error:
        jacinspect.inspect(*arguments, **options)
    return str(error.value)


def written(matrix: Any, name: str) -> str:
    matrix = np.asarray(matrix)
    match Path(name).suffix:
        case ".npy":
            np.save(name, matrix)
        case ".npz":
            np.savez(name, j=matrix)
        case ".mtx":
            scipy.io.mmwrite(name, matrix, precision=17)
        case ".csv":
            np.savetxt(name, matrix, "%.17g", ",")
        case ".json":
            Path(name).write_text(repr(matrix.tolist()))
    return name


@pytest.mark.parametrize("file", ["J.npy", "J.npz", "J.mtx", "J.csv", "J.json"])
def test_a_jacobian_from_a_file_is_right_or_wrong(file: str) -> None:
    right = jacobian("softmax")
    assert jacinspect.inspect("softmax", X, written(right, file), vec="column").verdict == "pass"
    assert jacinspect.inspect("softmax", X, written(right, file), vec="row").verdict == "fail"
    wrong = right.copy()
    wrong[2, 0] *= 2
    report = jacinspect.inspect("softmax", X, written(wrong, file), vec="column")
    assert report.verdict == "fail"
    assert "1 entry disagrees" in report.findings[0].message
    assert report.function.derivative == file


@pytest.mark.parametrize("file", ["J.npy", "J.npz", "J.mtx", "J.csv", "J.json"])
def test_slopes_and_gradients_from_a_file(file: str) -> None:
    assert jacinspect.inspect("tanh", X, written(SLOPES, file)).verdict == "pass"
    assert jacinspect.inspect("tanh", X, written(2 * SLOPES, file)).verdict == "fail"
    assert jacinspect.inspect("sum(x**2)", X, written(2 * X, file)).verdict == "pass"


@pytest.mark.parametrize("file", ["J.npy", "J.mtx", "J.csv"])
@pytest.mark.parametrize("shape", [(1, 3), (3, 1)])
def test_one_row_or_column_is_a_vector_or_the_matrix(file: str, shape: tuple[int, int]) -> None:
    x = X[0]
    for factor, verdict in ((2, "pass"), (2.1, "fail")):
        gradient = written(factor * x.reshape(shape), file)
        assert jacinspect.inspect("sum(x**2)", x, gradient).verdict == verdict
    if file != "J.npy":  # which has a shape of its own
        assert jacinspect.inspect("tanh", x, written(SLOPES[0].reshape(shape), file)).verdict == "pass"
    else:
        said = refusal("tanh", x, written(SLOPES[0].reshape(shape), file))
        assert said.startswith(f"derivative J.npy: is float64 of shape {shape[0]}×{shape[1]}; ")
        assert "a Jacobian is 3×3" in said


def test_a_flat_gradient_of_a_matrix_needs_the_order_of_vec() -> None:
    flat = written(2 * X.ravel(order="F").reshape(1, 6), "J.csv")
    assert "--vec column or --vec row" in refusal("sum(x**2)", X, flat)
    assert jacinspect.inspect("sum(x**2)", X, flat, vec="column").verdict == "pass"
    assert jacinspect.inspect("sum(x**2)", X, flat, vec="row").verdict == "fail"


@pytest.mark.parametrize("vec", ["column", "row"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("file", ["J.npz", "J.mtx"])
@pytest.mark.parametrize("function", ["softmax", "cumsum", "transpose"])
def test_what_is_saved_is_read_back_in_its_own_order(function: str, file: str, layout: AnyLayout, vec: AnyVec) -> None:
    report = jacinspect.inspect(function, X, vec=vec, layout=layout)
    report.save(file)
    for other in (None, "column", "row"):
        again = jacinspect.inspect(function, X, file, vec=other)
        assert again.verdict == "pass", again.findings
        assert again.agreement is not None
        assert again.agreement.entries_compared == report.jacobian.stored  # type: ignore[union-attr]


@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix, scipy.sparse.dia_array])
def test_arrays_and_sparse_matrices_in_python(make: Any) -> None:
    right = jacobian("softmax")
    assert jacinspect.inspect("softmax", X, make(right), vec="column").verdict == "pass"
    assert jacinspect.inspect("softmax", X, make(2 * right), vec="column").verdict == "fail"
    jacinspect.assert_jacobian("softmax", X, make(right), vec="column")


def test_other_numbers_in_python() -> None:
    operator = scipy.sparse.linalg.aslinearoperator(np.diag([2.0, 2.0]))
    numbers: list[Any] = [operator, [[2, 0], [0, 2]], [2.0, 2.0], 2, np.float64(2)]
    for derivative in numbers:
        assert jacinspect.inspect(lambda x: 2 * x, np.ones(2), derivative).verdict == "pass"
    torch = pytest.importorskip("torch")
    assert jacinspect.inspect(lambda x: 2 * x, np.ones(2), torch.full((2,), 2.0, requires_grad=True)).verdict == "pass"


def test_a_large_sparse_jacobian_stays_sparse() -> None:
    n = 20_000
    x = np.linspace(-1, 1, n)
    scipy.sparse.save_npz("J.npz", scipy.sparse.diags_array(1 - np.tanh(x) ** 2))
    report = jacinspect.inspect(np.tanh, x, "J.npz", memory=2**28)
    assert report.verdict == "pass"
    assert report.agreement is not None
    assert report.agreement.entries_compared == n


@pytest.mark.parametrize("sparse", [False, True])
def test_a_shape_that_does_not_fit_is_told_with_what_would(sparse: bool) -> None:
    matrix = np.ones((3, 4))
    if sparse:
        scipy.sparse.save_npz("J.npz", scipy.sparse.csr_array(matrix))
    else:
        np.savez("J.npz", matrix)
    said = refusal(lambda x: np.ones((4, 3)) @ x, np.ones(3), "J.npz")
    assert said.startswith("derivative J.npz: is ")
    assert "of shape 3×4; " in said
    assert "a Jacobian is 4×3" in said
    assert said.endswith("3×4 is the transpose, in denominator layout: return its transpose")


def test_the_kind_decides_in_doubt() -> None:
    x = np.array([1.0, 2.0])
    both = np.array([[2.0, 0.0], [0.0, 2.0]])
    square = np.ones((2, 2))
    assert jacinspect.inspect(lambda x: 2 * x, x, both, derivative_kind="jacobian").verdict == "pass"
    said = refusal(lambda x: 2 * x, x, both, derivative_kind="elementwise")
    wanted = "an element-wise one has the output's shape 2"
    assert said.startswith(f"derivative ndarray: is float64 of shape 2×2; {wanted}")
    assert "is numbers, and a jvp is code" in refusal(np.tanh, x, square, derivative_kind="jvp")


def test_numbers_hold_at_x_alone() -> None:
    said = "is numbers, which hold at X alone, and --{} needs others; give an expression or code"
    assert said.format("points 3") in refusal("tanh", X, written(SLOPES, "d.npy"), points=3)
    assert said.format("order 2") in refusal("sum(x**2)", X, 2 * X, order=2)
    drawn = jacinspect.inspect(np.tanh, X, SLOPES)  # of people's own code: not looked at elsewhere
    assert drawn.verdict == "pass"


def test_a_hessian_from_a_file() -> None:
    written(np.diag([2.0, 6.0]), "H.npy")
    x = np.array([3.0, 1.0])
    gradient = "[2*x[0], 3*x[1]**2]"
    assert jacinspect.inspect("x[0]**2 + x[1]**3", x, gradient, hessian="H.npy").verdict == "pass"
    assert jacinspect.inspect("x[0]**2 + x[1]**3", x, gradient, hessian=np.eye(2)).verdict == "fail"


def test_several_operands() -> None:
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert jacinspect.inspect("x * y", a, b, others=[b]).verdict == "pass"
    assert jacinspect.inspect("x * y", a, a, others=[b], wrt="y").verdict == "pass"
    both = np.hstack([np.diag(b), np.diag(a)])
    assert jacinspect.inspect("x * y", a, both, others=[b], wrt="all").verdict == "pass"


def test_a_file_that_cannot_be_read() -> None:
    assert refusal("tanh", X, "none.npz") == "none.npz: there is no such file"
    Path("J.mtx").write_text("%%MatrixMarket matrix coordinate real general\n9 9 1\n1 1 x\n")
    assert refusal("tanh", X, "J.mtx") == "J.mtx, line 3, column 3: 'x' is not a number"
    assert refusal("tanh", X, "J.mat").startswith("J.mat: is not read; convert it:\npython -c ")
    np.save("J.npy", np.ones((100, 100)))
    assert "over the 1 MiB of --memory" in refusal("tanh", X, "J.npy", memory=2**20)
