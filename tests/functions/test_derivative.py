"""A user's own derivative, in whichever form it comes, against the dense matrix that it stands for."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import jacinspect
from jacinspect.choices import AnyDerivativeKind, AnyVec
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions import rules
from jacinspect.functions.derivative import Derivative, derivative_at
from jacinspect.functions.function import Function
from jacinspect.inspection.report import Report
from tests.oracles import Array, Shape, arranged, column_order, dense, positions, tensor_of

Claim = Callable[..., Any]

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((2, 3)), RNG.standard_normal((3, 4))

# A = X·W, of shape 2×4: no two of the sizes are equal, and neither order of vec is the other's transpose.
MATRIX = dense(lambda p, q: float(W[q[1], p[1]]) if p[0] == q[0] else 0.0, (2, 4), (2, 3))
TENSOR = tensor_of(MATRIX, (2, 4), (2, 3))
IN_ORDER = {order: arranged(TENSOR, (2, 4), order, "numerator") for order in ("column", "row")}


def product(x: Array) -> Array:
    return np.asarray(x @ W)


def claimed(claim: Claim, x: Array, output: Shape, kind: str | None = None, vec: str | None = None) -> Derivative:
    function = Function("f", "unknown", lambda x: np.zeros(output), rules.Claim(claim, kind)).by(1, [x])
    found = derivative_at(function, x, output, vec)
    assert found is not None
    return found


def matrix_of(derivative: Derivative, output: Shape, operand: Shape) -> Array:
    """The dense row-major matrix that a derivative stands for, an entry or a unit vector at a time."""
    outputs, inputs = positions(output), positions(operand)
    matrix = np.zeros((len(outputs), len(inputs)))
    if derivative.form == "slopes":
        assert derivative.of.shape == output
        for o, p in enumerate(outputs):
            for i, q in enumerate(inputs):
                here = p[len(p) - len(q) :]
                matrix[o, i] = derivative.of[p] * all(k in (at, 0) and (k == at or n == 1)
                                                      for k, at, n in zip(q, here, operand, strict=True))  # fmt: skip
    elif derivative.form == "entries":
        for o, i, value in zip(*derivative.of, strict=True):
            matrix[o, i] += value
    elif derivative.form == "jvp":
        for i, q in enumerate(inputs):
            unit = np.zeros(operand)
            unit[q] = 1
            assert derivative.of(unit).shape == output
            matrix[:, i] = derivative.of(unit).ravel()
    else:
        for o, p in enumerate(outputs):
            unit = np.zeros(output)
            unit[p] = 1
            assert derivative.of(unit).shape == operand
            matrix[o] = derivative.of(unit).ravel()
    return matrix


def refused(claim: Claim, x: Array, output: Shape, kind: str | None = None, vec: str | None = None) -> str:
    """What is said of a derivative that fits in no way."""
    with pytest.raises(FunctionFailedError) as error:
        claimed(claim, x, output, kind, vec)
    return str(error.value)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


# --- One Jacobian in many forms


class Tocoo:
    """The least of scipy.sparse's face."""

    def __init__(self, matrix: Array) -> None:
        self.shape = matrix.shape
        self.tocoo = lambda: scipy.sparse.coo_matrix(matrix)


class Times:
    """Nothing but a shape and a product."""

    def __init__(self, matrix: Array) -> None:
        self.shape, self.matrix = matrix.shape, matrix

    def __matmul__(self, vector: Array) -> Array:
        return np.asarray(self.matrix @ vector)


class BackwardFace(Times):
    """LinearOperator's face where only the transposed product is written."""

    def __matmul__(self, vector: Array) -> Array:
        raise NotImplementedError

    def rmatvec(self, vector: Array) -> Array:
        return np.asarray(self.matrix.T @ vector)


class Backward(scipy.sparse.linalg.LinearOperator):  # type: ignore[misc]
    """scipy's own LinearOperator with rmatvec alone, which it allows, with a warning."""

    def __init__(self, matrix: Array) -> None:
        super().__init__(np.dtype(float), matrix.shape)
        self.matrix = matrix

    def _rmatvec(self, vector: Array) -> Array:
        return np.asarray(self.matrix.T @ vector)


class BackwardRefusing(Backward):
    """The same, where the forward product says so."""

    def _matvec(self, vector: Array) -> Array:
        raise NotImplementedError


class MatvecFace:
    """LinearOperator's methods without its operators."""

    def __init__(self, matrix: Array) -> None:
        self.shape = matrix.shape
        self.matvec = lambda vector: matrix @ vector
        self.rmatvec = lambda vector: matrix.T @ vector


def with_duplicates(matrix: Array) -> Any:
    """A coo matrix whose every entry comes as two that sum to it, from the last to the first."""
    rows, columns = (np.tile(index[::-1], 2) for index in np.nonzero(matrix))
    values = matrix[rows, columns] * np.repeat([0.75, 0.25], rows.size // 2)
    return scipy.sparse.coo_matrix((values, (rows, columns)), matrix.shape)


def forward(matrix: Array) -> Any:
    return scipy.sparse.linalg.LinearOperator(matrix.shape, matvec=lambda vector: matrix @ vector, dtype=float)


FACES: dict[str, Callable[[Array], Any]] = {
    "an array": np.array,
    "an array in Fortran order": np.asfortranarray,
    "nested lists": lambda matrix: matrix.tolist(),
    **{
        kind.__name__: kind
        for kind in (
            scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.dia_matrix, scipy.sparse.lil_matrix,
            scipy.sparse.coo_array, scipy.sparse.csr_array, scipy.sparse.bsr_array, scipy.sparse.dok_array,
        )
    },
    "coo with duplicates": with_duplicates,
    "csr of float32": lambda matrix: scipy.sparse.csr_matrix(matrix.astype(np.float32)),
    "tocoo alone": Tocoo,
    "LinearOperator with matvec": forward,
    "LinearOperator of a matrix": scipy.sparse.linalg.aslinearoperator,
    "LinearOperator with rmatvec alone": Backward,
    "LinearOperator whose matvec refuses": BackwardRefusing,
    "anything with @": Times,
    "anything with rmatvec": BackwardFace,
    "methods without operators": MatvecFace,
}  # fmt: skip


@pytest.mark.parametrize("vec", ["column", "row"])
@pytest.mark.parametrize("face", FACES)
def test_a_jacobian_in_any_face(face: str, vec: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LinearOperator subclass", RuntimeWarning)
        found = claimed(lambda x: FACES[face](IN_ORDER[vec]), X, (2, 4), vec=vec)
        matrix = matrix_of(found, (2, 4), (2, 3))
    np.testing.assert_allclose(matrix, MATRIX, rtol=1e-6 if "float32" in face else 1e-15)
    if "rmatvec" in face or "refuses" in face:
        assert found.form == "vjp"


@pytest.mark.parametrize("face", ["an array", "csr_array", "coo with duplicates", "LinearOperator with matvec"])
@pytest.mark.parametrize("vec", ["column", "row"])
def test_one_entry_of_it_that_is_off_by_a_millionth(face: str, vec: AnyVec) -> None:
    spoiled = IN_ORDER[vec].copy()
    row, column = np.argwhere(spoiled)[5]
    spoiled[row, column] *= 1 + 1e-6
    assert jacinspect.inspect(product, X, lambda x: FACES[face](IN_ORDER[vec]), vec=vec).verdict == "pass"
    report = jacinspect.inspect(product, X, lambda x: FACES[face](spoiled), vec=vec)
    assert codes(report) == ["J001"]
    (finding,) = (finding for finding in report.findings if finding.code == "J001")
    order = column_order if vec == "column" else positions
    assert finding.at == (order((2, 3))[column],)
    assert finding.message.startswith("1 entry")


def test_a_matrix_in_the_other_order_or_transposed_is_wrong() -> None:
    other = {"column": "row", "row": "column"}
    for vec in ("column", "row"):
        assert codes(jacinspect.inspect(product, X, lambda x, vec=vec: IN_ORDER[other[vec]], vec=vec)) == ["J001"]
    square = RNG.standard_normal((3, 3))
    vector = RNG.standard_normal(3)
    for face in (np.array, scipy.sparse.csr_array, forward):
        assert jacinspect.inspect(lambda x: square @ x, vector, lambda x, face=face: face(square)).verdict == "pass"
        report = jacinspect.inspect(lambda x: square @ x, vector, lambda x, face=face: face(square.T))
        assert codes(report) == ["J001"]


def test_a_superfluous_entry_of_a_sparse_matrix_is_found() -> None:
    x = RNG.standard_normal(5)
    for face in (np.array, scipy.sparse.csr_matrix, forward, Times, BackwardFace):
        spoiled = np.diag(np.cos(x))
        assert jacinspect.inspect(np.sin, x, lambda x, face=face: face(np.diag(np.cos(x)))).verdict == "pass"
        spoiled[4, 1] = 0.1
        report = jacinspect.inspect(np.sin, x, lambda x, face=face, spoiled=spoiled: face(spoiled))
        assert (report.verdict, codes(report)) == ("fail", ["J001"]), face


def test_a_tensor_needs_no_order() -> None:
    found = claimed(lambda x: TENSOR, X, (2, 4))
    np.testing.assert_array_equal(matrix_of(found, (2, 4), (2, 3)), MATRIX)
    assert jacinspect.inspect(product, X, lambda x: TENSOR).verdict == "pass"
    spoiled = TENSOR.copy()
    spoiled[1, 3, 1, 0] *= -1
    assert codes(jacinspect.inspect(product, X, lambda x: spoiled)) == ["J001"]


# --- Where two readings fit

TWO_READINGS = (
    "the derivative returned 8×6, which can be ∂vec(A)/∂vec(X) in column-major or in row-major vec:\n"
    "say which with --vec column or --vec row, or return the tensor 2×4×2×3"
)


@pytest.mark.parametrize("face", ["an array", "csr_matrix", "coo_array", "LinearOperator with matvec"])
def test_without_an_order_a_matrix_is_not_guessed_at(face: str) -> None:
    for matrix in IN_ORDER.values():
        with pytest.raises(InputError) as error:
            jacinspect.inspect(product, X, lambda x, matrix=matrix: FACES[face](matrix))
        assert str(error.value) == TWO_READINGS


def test_without_an_order_a_matrix_of_a_matrix_s_single_output_is_not_guessed_at() -> None:
    gradient = np.arange(6.0).reshape(2, 3)
    with pytest.raises(InputError, match="column-major or in row-major"):
        claimed(lambda x: gradient.reshape(1, 6), X, ())
    for vec, order in (("column", "F"), ("row", "C")):
        found = claimed(lambda x, order=order: gradient.ravel(order=order)[None], X, (), vec=vec)
        assert matrix_of(found, (), (2, 3)).ravel().tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("face", ["an array", "csr_matrix", "LinearOperator with matvec"])
@pytest.mark.parametrize(("output", "operand"), [((4,), (3,)), ((1, 4), (3, 1)), ((4, 1, 1), (3,)), ((), (3,))])
def test_of_vectors_both_orders_are_one(face: str, output: Shape, operand: Shape) -> None:
    matrix = RNG.standard_normal((len(positions(output)), len(positions(operand))))
    found = claimed(lambda x: FACES[face](matrix), np.ones(operand), output)
    np.testing.assert_array_equal(matrix_of(found, output, operand), matrix)


@pytest.mark.parametrize("face", ["an array", "csr_matrix"])
def test_a_matrix_that_both_orders_read_alike_is_no_matter_of_order(face: str) -> None:
    found = claimed(lambda x: FACES[face](2 * np.eye(6)), X, (2, 3))
    np.testing.assert_array_equal(matrix_of(found, (2, 3), (2, 3)), 2 * np.eye(6))


def test_nan_at_one_place_of_both_readings_is_one_reading() -> None:
    matrix = np.eye(4)
    matrix[0, 0] = np.nan
    found = claimed(lambda x: matrix, np.ones((2, 2)), (2, 2))
    assert np.isnan(matrix_of(found, (2, 2), (2, 2))[0, 0])


# --- Element-wise, gradient, jvp, vjp


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2, 3), (2, 3, 2), (0,), (0, 3), (3, 1)])
def test_of_the_output_s_shape_it_is_element_wise(shape: Shape) -> None:
    x = np.random.default_rng(1).standard_normal(shape)
    found = claimed(np.cos, x, shape)
    assert found.form == "slopes"
    np.testing.assert_array_equal(found.of, np.cos(x))
    report = jacinspect.inspect(np.sin, x, np.cos)
    assert (report.verdict, codes(report)) == ("pass", [])
    if x.size:
        wrong = jacinspect.inspect(np.sin, x, lambda x: np.cos(x) * (1 + 1e-6))
        assert codes(wrong) == ["J001"]


@pytest.mark.parametrize("given", [3, 3.0, np.float32(3), np.array(3), np.full((2, 3), 3), [[3, 3, 3], [3, 3, 3]]])
def test_a_constant_slope(given: Any) -> None:
    found = claimed(lambda x: given, X, (2, 3))
    assert found.form == "slopes"
    assert found.of.tolist() == [[3.0] * 3] * 2
    assert found.of.dtype == np.float64


def test_booleans_are_the_slopes_of_relu() -> None:
    report = jacinspect.inspect(lambda x: np.maximum(x, 0), X, lambda x: x > 0)
    assert report.verdict == "pass"
    assert codes(jacinspect.inspect(lambda x: np.maximum(x, 0), X, lambda x: x < 0)) == ["J001"]


@pytest.mark.parametrize(("output", "operand"), [((2, 3), (3,)), ((2, 3), (2, 1)), ((4, 2, 3), (2, 3)), ((5,), ())])
def test_slopes_where_the_operand_is_broadcast(output: Shape, operand: Shape) -> None:
    factor = np.random.default_rng(2).standard_normal(output)
    x = np.random.default_rng(3).standard_normal(operand)
    report = jacinspect.inspect(lambda x: factor * np.sin(x), x, lambda x: factor * np.cos(x))
    assert (report.verdict, codes(report)) == ("pass", [])
    wrong = jacinspect.inspect(lambda x: factor * np.sin(x), x, lambda x: np.broadcast_to(np.cos(x), output))
    assert codes(wrong) == ["J001"]


@pytest.mark.parametrize("output", [(), (1,), (1, 1)])
def test_of_the_operand_s_shape_it_is_the_gradient_of_a_scalar_function(output: Shape) -> None:
    def square(x: Array) -> Array:
        return np.asarray((x**2).sum()).reshape(output)

    found = claimed(lambda x: 2 * x, X, output)
    np.testing.assert_array_equal(matrix_of(found, output, (2, 3)), 2 * X.reshape(1, 6))
    assert jacinspect.inspect(square, X, lambda x: 2 * x).verdict == "pass"
    assert codes(jacinspect.inspect(square, X, lambda x: x)) == ["J001"]
    assert codes(jacinspect.inspect(square, X, lambda x: 2 * x[::-1])) == ["J001"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "gradient"])
def test_a_gradient_by_a_vector_may_be_a_column(kind: AnyDerivativeKind | None, dtype: str) -> None:
    x = np.array([0.5, -1.25, 2.0], dtype)

    def verdict(f: Claim, gradient: Claim) -> str:
        return jacinspect.inspect(f, x, gradient, derivative_kind=kind).verdict

    for output in ((), (1,)):
        cubes = lambda x, output=output: np.sum(x**3).reshape(output)  # noqa: E731
        assert verdict(cubes, lambda x: (3 * x**2)[:, None]) == "pass"
        assert verdict(cubes, lambda x: (3.1 * x**2)[:, None]) == "fail"
        assert verdict(cubes, lambda x: (3 * x**2)[::-1, None]) == "fail"


def test_a_column_by_each_operand_of_several() -> None:
    x, y = np.array([0.5, -1.25, 2.0]), np.array([0.75, 1.5])
    for factor, verdict in ((1.0, "pass"), (1.1, "fail")):
        claim = lambda x, y, k=factor: (2 * k * x.reshape(3, 1) * y.sum(), np.full((2, 1), x @ x))  # noqa: E731
        assert jacinspect.inspect(lambda x, y: x @ x * y.sum(), x, claim, others=[y]).verdict == verdict
        assert jacinspect.inspect(lambda x, y: x @ x * y.sum(), x, claim, others=[y], wrt="all").verdict == verdict


def test_a_column_that_can_mean_something_else_is_no_gradient() -> None:
    x = np.array([0.5, -1.25, 2.0])
    assert "transpose" in refused(lambda x: np.ones((3, 1)), x, (), "jacobian")  # which is said to be M×N
    assert "float64 of shape 3×1" in refused(lambda x: np.ones((3, 1)), x, (2,))
    assert "transpose" in refused(lambda x: np.ones((6, 1)), X, ())


def test_a_constant_gradient() -> None:
    assert jacinspect.inspect(np.sum, X, lambda x: 1.0).verdict == "pass"
    assert codes(jacinspect.inspect(np.sum, X, lambda x: 1.5)) == ["J001"]


def test_rules() -> None:
    def jvp(x: Array, dx: Array) -> Array:
        return np.asarray(dx @ W)

    def vjp(x: Array, da: Array) -> Array:
        return np.asarray(da @ W.T)

    for rule, kind in ((jvp, "jvp"), (vjp, "vjp")):
        found = claimed(rule, X, (2, 4), kind)
        assert found.form == kind
        np.testing.assert_allclose(matrix_of(found, (2, 4), (2, 3)), MATRIX, rtol=1e-15)
        with pytest.raises(FunctionFailedError, match=r"of shape \d where shape 2×\d is needed"):
            jacinspect.inspect(product, X, lambda x, v, rule=rule: rule(x, v).ravel(), derivative_kind=kind)  # type: ignore[arg-type]
        assert jacinspect.inspect(product, X, rule, derivative_kind=kind).verdict == "pass"  # type: ignore[arg-type]
        for spoil in (-1.0, 1 + 1e-6, 0.0):
            wrong = jacinspect.inspect(
                product,
                X,
                lambda x, v, rule=rule, spoil=spoil: spoil * rule(x, v),
                derivative_kind=kind,  # type: ignore[arg-type]
            )
            assert codes(wrong) == ["J001"]


def test_a_rule_with_one_entry_that_is_wrong() -> None:
    one = np.zeros((2, 4, 2, 3))
    one[1, 2, 1, 0] = 1e-4
    jvp = lambda x, dx: dx @ W + np.einsum("abpq,pq->ab", one, dx)  # noqa: E731
    vjp = lambda x, da: da @ W.T + np.einsum("abpq,ab->pq", one, da)  # noqa: E731
    for rule, kind in ((jvp, "jvp"), (vjp, "vjp")):
        report = jacinspect.inspect(product, X, rule, derivative_kind=kind)  # type: ignore[arg-type]
        (finding,) = (finding for finding in report.findings if finding.code == "J001")
        assert (finding.at, finding.message.split(",")[0][:7]) == (((1, 0),), "1 entry")
        assert "∂A[1,2]/∂X[1,0]" in finding.message


def test_a_vjp_with_an_entry_where_the_function_has_none() -> None:
    x = RNG.standard_normal(4)

    def vjp(x: Array, da: Array) -> Array:
        pulled = np.cos(x) * da
        pulled[0] += 0.01 * da[3]
        return np.asarray(pulled)

    report = jacinspect.inspect(np.sin, x, vjp, derivative_kind="vjp")
    assert (report.verdict, codes(report)) == ("fail", ["J001"])
    assert jacinspect.inspect(np.sin, x, lambda x, da: np.cos(x) * da, derivative_kind="vjp").verdict == "pass"


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1,), (1, 1), ()])
@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_rules_of_nothing_and_of_one_number(shape: Shape, kind: AnyDerivativeKind) -> None:
    x = np.full(shape, 0.5)
    report = jacinspect.inspect(np.sin, x, lambda x, v: np.cos(x) * v, derivative_kind=kind)
    assert (report.verdict, codes(report)) == ("pass", [])


def test_jacobians_of_nothing() -> None:
    for x, matrix in ((np.zeros((0, 3)), np.zeros((0, 0))), (np.zeros(0), scipy.sparse.csr_matrix((0, 0)))):
        report = jacinspect.inspect(np.sin, x, lambda x, matrix=matrix: matrix)
        assert (report.verdict, codes(report)) == ("pass", [])
    found = claimed(lambda x: np.zeros((3, 0)), np.zeros(0), (3,))
    assert matrix_of(found, (3,), (0,)).shape == (3, 0)


def test_what_a_kind_says_is_taken() -> None:
    x = RNG.standard_normal((2, 3))
    assert claimed(lambda x: x, x, (2, 3), "elementwise").form == "slopes"
    assert claimed(lambda x: TENSOR, X, (2, 4), "jacobian").form == "entries"
    assert claimed(lambda x: 2 * x, x, (), "gradient").form == "entries"
    said = refused(lambda x: x, x, (2, 3), "jacobian")
    blocks = "or 2×3×3, a block for each of 2 samples, or 2×2×3, one for each of 3 samples along the last axis"
    assert said == f"the derivative returned float64 of shape 2×3; a Jacobian is 6×6 or 2×3×2×3, {blocks}"
    said = refused(lambda x: TENSOR, X, (2, 4), "gradient")
    there_is_none = "A is 2×4 and X is 2×3: there is no gradient derivative of that"
    assert said == f"the derivative returned float64 of shape 2×4×2×3; {there_is_none}"
    assert "there is no elementwise derivative" in refused(lambda x: TENSOR, X, (2, 4), "elementwise")
    with pytest.raises(InputError, match="derivative kind 'slope' is not one of elementwise, gradient"):
        jacinspect.inspect(np.sin, x, np.cos, derivative_kind="slope")  # type: ignore[arg-type]


# --- Blocks by sample

POINTS = np.array([[0.1, 0.2, 4.0], [-0.5, 0.3, 5.0], [0.7, -0.2, 3.0], [0.2, 0.9, 6.0]])


def projected(p: Array) -> Array:
    return np.asarray(p[:, :2] / p[:, 2:])


def by_point(p: Array) -> Array:
    x, y, z = p.T
    zero = np.zeros_like(z)
    return np.array([[1 / z, zero, -x / z**2], [zero, 1 / z, -y / z**2]]).transpose(2, 0, 1)


def energies(p: Array) -> Array:
    return np.asarray((p**2).sum(1) * p[:, 0])


def forces(p: Array) -> Array:
    return np.asarray(2 * p * p[:, :1] + (p**2).sum(1)[:, None] * np.eye(3, dtype=p.dtype)[0])


def softmaxes(x: Array) -> Array:
    e = np.exp(x)
    return np.asarray(e / e.sum(-1, keepdims=True))


def of_softmaxes(x: Array) -> Array:
    s = softmaxes(x)
    return np.asarray(s[..., None] * np.eye(x.shape[-1]) - s[..., None] * s[..., None, :])


def velocities(t: Array) -> Array:
    return np.stack([np.cos(t), 2 * t], -1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "jacobian"])
@pytest.mark.parametrize(
    ("f", "x", "blocks"),
    [
        (projected, POINTS, by_point),
        (projected, POINTS[:1], by_point),
        (energies, POINTS, forces),
        (energies, POINTS[:3], forces),
        (softmaxes, POINTS, of_softmaxes),
        (softmaxes, POINTS[:3], of_softmaxes),
        (lambda t: np.stack([np.sin(t), t**2], -1), POINTS[:, 1], velocities),
        (lambda x: projected(x[:, 0]), POINTS[:, None], lambda x: by_point(x[:, 0])[:, :, None]),
    ],
)
def test_blocks_by_sample(f: Claim, x: Array, blocks: Claim, kind: AnyDerivativeKind | None, dtype: str) -> None:
    x = x.astype(dtype)
    assert jacinspect.inspect(f, x, blocks, derivative_kind=kind).verdict == "pass"
    for wrong in (lambda x: 1.01 * blocks(x), lambda x: np.roll(blocks(x), 1, -1) + 0.1):
        assert codes(jacinspect.inspect(f, x, wrong, derivative_kind=kind)) == ["J001"]


def flow(y: Array) -> Array:
    return np.stack([y[1], -(y[0] ** 5)])


def of_flow(y: Array) -> Array:
    zero = np.zeros_like(y[0])
    return np.array([[zero, zero + 1], [-5 * y[0] ** 4, zero]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_blocks_along_the_last_axis(number: int, dtype: str) -> None:
    """As solve_bvp's fun_jac has them; where the shape fits both axes, f says which it is."""
    y = RNG.uniform(0.5, 1.5, (2, number)).astype(dtype)
    for k, verdict in ((1, "pass"), (1.01, "fail")):
        report = jacinspect.inspect(lambda t, y: flow(y), 1.0, lambda t, y, k=k: k * of_flow(y), others=[y], wrt="y")
        assert report.verdict == verdict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [softmaxes, np.tanh])
def test_blocks_along_either_axis_of_a_square(f: Any, dtype: str) -> None:
    x = RNG.standard_normal((3, 3)).astype(dtype)

    def blocks(x: Array) -> Array:
        return of_softmaxes(x) if f is softmaxes else (1 - np.tanh(x) ** 2)[..., None] * np.eye(3)

    for k, verdict in ((1, "pass"), (1.01, "fail")):
        assert jacinspect.inspect(f, x, lambda x, k=k: k * blocks(x)).verdict == verdict
        last = lambda x, k=k: k * np.moveaxis(blocks(x.T), 0, -1)  # noqa: E731
        assert jacinspect.inspect(lambda x: f(x.T).T, x, last).verdict == verdict


def test_blocks_are_refused_where_f_does_not_say_along_which_axis() -> None:
    x, twisted = RNG.standard_normal((2, 2)), RNG.standard_normal((2, 2, 2))
    for f in (lambda x: x.T**2, lambda x: x @ x):
        with pytest.raises(InputError, match="along the first axis or along the last:\nreturn the tensor 2×2×2×2"):
            jacinspect.inspect(f, x, lambda x: twisted)
    for how, f, blocks in (
        ("kij,kl->kilj", softmaxes, of_softmaxes),
        ("ijk,kl->ikjl", lambda y: flow(y), of_flow),
    ):
        claim = lambda x, how=how, blocks=blocks: np.einsum(how, blocks(x), np.eye(2))  # noqa: E731
        assert jacinspect.inspect(f, abs(x), claim).verdict == "pass"


def test_what_the_blocks_leave_out_is_compared_as_0() -> None:
    def normalised(x: Array) -> Array:
        return np.asarray(x - x.mean(0))

    def of_rows(x: Array) -> Array:
        return np.broadcast_to(np.eye(3) * (1 - 1 / len(x)), (len(x), 3, 3))

    report = jacinspect.inspect(normalised, POINTS, of_rows)
    assert codes(report) == ["J001"]
    assert "analytic 0, numeric -0.25" in report.findings[0].message


def test_blocks_of_many_samples_stay_sparse() -> None:
    points = np.random.default_rng(0).uniform(1, 2, (10_000, 3))
    report = jacinspect.inspect(projected, points, by_point)
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.stored == 40_000


def test_blocks_beside_an_operand_that_all_samples_share() -> None:
    def scaled(p: Array, w: Array) -> Array:
        return np.asarray(projected(p) * w)

    def both(p: Array, w: Array) -> tuple[Array, Array]:
        return by_point(p) * w[:, None], projected(p)[..., None] * np.eye(2)

    w = np.array([2.0, -0.5])
    assert jacinspect.inspect(scaled, POINTS, both, others=[w], wrt="all").verdict == "pass"
    wrong = jacinspect.inspect(scaled, POINTS, lambda p, w: (both(p, 2 * w)[0], both(p, w)[1]), others=[w], wrt="all")
    assert codes(wrong) == ["J001"]


# --- Several operands


def dense_layer(x: Array, weight: Array, bias: Array) -> Array:
    return np.asarray(np.tanh(x @ weight + bias))


def backward(x: Array, weight: Array, bias: Array, upstream: Array) -> tuple[Array, Array, Array]:
    inner = upstream * (1 - dense_layer(x, weight, bias) ** 2)
    return inner @ weight.T, x.T @ inner, inner.sum(axis=0)


@pytest.mark.parametrize("wrt", ["x", "weight", "bias", 1, 2, 3])
def test_a_backward_that_returns_all_cotangents(wrt: int | str) -> None:
    operands = [W, RNG.standard_normal(4)]
    report = jacinspect.inspect(dense_layer, X, backward, derivative_kind="vjp", others=operands, wrt=wrt)
    assert (report.verdict, codes(report)) == ("pass", [])
    place = ["x", "weight", "bias"].index(wrt) if isinstance(wrt, str) else wrt - 1

    def broken(*given: Array) -> tuple[Array, ...]:
        parts = [*backward(*given)]
        parts[place] = parts[place] * (1 + 1e-6)
        return tuple(parts)

    wrong = jacinspect.inspect(dense_layer, X, broken, derivative_kind="vjp", others=operands, wrt=wrt)
    assert codes(wrong) == ["J001"]
    others = {1, 2, 3} - {place + 1}
    for other in others:
        right = jacinspect.inspect(dense_layer, X, broken, derivative_kind="vjp", others=operands, wrt=other)
        assert right.verdict == "pass"


def test_a_tuple_of_slopes_or_of_tensors() -> None:
    y = RNG.standard_normal((2, 3))
    for wrt in (1, 2):
        report = jacinspect.inspect(np.multiply, X, lambda x, y: (y, x), others=[y], wrt=wrt)
        assert report.verdict == "pass"
        swapped = jacinspect.inspect(np.multiply, X, lambda x, y: (x, y), others=[y], wrt=wrt)
        assert codes(swapped) == ["J001"]
    by_w = dense(lambda p, q: float(X[p[0], q[0]]) if p[1] == q[1] else 0.0, (2, 4), (3, 4))
    both = TENSOR, tensor_of(by_w, (2, 4), (3, 4))
    for wrt in (1, 2):
        assert jacinspect.inspect(np.matmul, X, lambda x, w: both, others=[W], wrt=wrt).verdict == "pass"
        assert jacinspect.inspect(np.matmul, X, lambda x, w, k=wrt: both[k - 1], others=[W], wrt=wrt).verdict == "pass"


def curve(t: Array, a: Any, b: Any, c: Any) -> list[Any]:
    return [a + b * each + a * c * each**2 for each in t]


def curve_rows(t: Array, a: Any, b: Any, c: Any) -> list[list[Any]]:
    """Return a row for each t, as curve_fit's jac has, in nested lists."""
    return [[1 + c * each**2, each, a * each**2] for each in t]


def tuples(rows: Any) -> Any:
    return tuple(map(tuple, rows))


def lists_of_arrays(rows: Any) -> Any:
    return [np.array(row) for row in rows]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", [2, 3, 4, 5])  # m = 3 are the open operands, and 4 are all
@pytest.mark.parametrize("form", [list, tuples, lists_of_arrays, np.array])
def test_nested_lists_of_numbers_are_rows_of_a_matrix(form: Any, number: int, dtype: str) -> None:
    t, others = np.linspace(1, 2.5, number).astype(dtype), [1.5, 2.0, -0.5]
    is_either = form is lists_of_arrays or (form is tuples and number == 3)  # a tuple of three may be by three operands
    kind: Any = "jacobian" if is_either else None
    for wrt in ("a,b,c", "b"):
        for off, verdict in ((0, "pass"), (0.01, "fail")):

            def rows(*given: Any, off: float = off) -> Any:
                found = curve_rows(*given)
                found[0][1] += off
                return form(found)

            report = jacinspect.inspect(curve, t, rows, others=others, wrt=wrt, derivative_kind=kind)
            assert (report.verdict, report.names.operand.names) == (verdict, ("a", "b", "c"))


def test_transposed_rows_of_as_many_outputs_as_operands_are_wrong() -> None:
    def f(a: Any, b: Any) -> list[Any]:
        return [a * b, a**2 * b]

    def rows(a: Any, b: Any) -> list[list[Any]]:
        return [[b, a], [2 * a * b, a**2]]

    for form in (list, lambda found: list(map(tuple, found))):
        right = jacinspect.inspect(f, 0.5, lambda *x, k=form: k(rows(*x)), others=[1.7], wrt="all")
        wrong = jacinspect.inspect(f, 0.5, lambda *x, k=form: k(zip(*rows(*x), strict=True)), others=[1.7], wrt="all")
        assert (right.verdict, codes(wrong)) == ("pass", ["J001"])


@pytest.mark.parametrize("wrt", ["a", "b", "all"])
def test_a_tuple_of_arrays_is_by_operands(wrt: str) -> None:
    def f(a: Any, b: Any) -> list[Any]:
        return [a * b, a**2 * b]

    def by_operands(a: Any, b: Any) -> tuple[Array, Array]:
        return np.array([b, 2 * a * b]), np.array([a, a**2])

    def rows(a: Any, b: Any) -> tuple[Array, Array]:
        return np.array([b, a]), np.array([2 * a * b, a**2])

    assert jacinspect.inspect(f, 0.5, by_operands, others=[1.7], wrt=wrt).verdict == "pass"
    assert codes(jacinspect.inspect(f, 0.5, rows, others=[1.7], wrt=wrt)) == ["J001"]
    as_matrix = jacinspect.inspect(f, 0.5, rows, others=[1.7], wrt="all", derivative_kind="jacobian")
    assert as_matrix.verdict == "pass"


def test_of_two_readings_of_lists_none_is_guessed() -> None:
    def f(a: Any, b: Any) -> list[Any]:
        return [a * b, a**2 * b]

    def rows(a: Any, b: Any) -> list[Array]:
        return [np.array([b, a]), np.array([2 * a * b, a**2])]

    said = "a list of 2, which can be the rows of the Jacobian 2×2 or by a and b:\nsay --derivative-kind jacobian"
    for form in (list, tuples, lambda found: tuple(map(list, found))):
        with pytest.raises(InputError, match=said.replace("list", type(form([])).__name__, 1)):
            jacinspect.inspect(f, 0.5, lambda *x, k=form: k(rows(*x)), others=[1.7], wrt="all")
    alike = jacinspect.inspect(lambda a, b: [a + b, a - b], 0.5, lambda a, b: [np.ones(2), np.array([1, -1])],
                               others=[1.7], wrt="all")  # fmt: skip
    assert alike.verdict == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_by_two_operands_in_tuples_are_not_read_as_rows(dtype: str) -> None:
    x, y = np.array([0.5, -1.2], dtype), np.array([2, 0.7], dtype)

    def slopes(x: Array, y: Array) -> tuple[tuple[Any, ...], ...]:
        return tuple(y**2), tuple(2 * x * y)

    for wrt in ("x", "y"):
        with pytest.raises(InputError, match="a tuple of 2, which can be the rows of the Jacobian 2×2 or by x and y:"):
            jacinspect.inspect(lambda x, y: x * y**2, x, slopes, others=[y], wrt=wrt)
    three, longer = np.array([0.5, -1.2, 0.3], dtype), np.array([2, 0.7, 1.1], dtype)
    assert jacinspect.inspect(lambda x, y: x * y**2, three, slopes, others=[longer], wrt="x").verdict == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_list_of_gradients_is_by_operands(dtype: str) -> None:
    def loss(w: Array, b: Array) -> Any:
        return (w**2 * b).sum()

    w, b = np.array([0.5, -1.2], dtype), np.array([2, 0.7], dtype)
    for k, verdict in ((1, "pass"), (1.01, "fail")):
        for form in (np.array, list):
            claim = lambda w, b, k=k, form=form: [form(2 * w * b), form(k * w**2)]  # noqa: E731
            assert jacinspect.inspect(loss, w, claim, others=[b], wrt="all").verdict == verdict


@pytest.mark.parametrize("wrt", ["x", ["x", "y"]])
@pytest.mark.parametrize("factor", [1, 1.01])
def test_partials_of_a_number_by_operands_of_one_entry_may_be_numbers(wrt: Any, factor: float) -> None:
    def f(x: Array, y: Array) -> dict[str, float]:
        return {"z": float(x[0] ** 2 * y[0])}

    def partials(x: Array, y: Array) -> dict[tuple[str, str], float]:
        return {("z", "x"): float(2 * x[0] * y[0]) * factor, ("z", "y"): float(x[0] ** 2)}

    report = jacinspect.inspect(f, np.array([1.2]), partials, others=[np.array([0.7])], wrt=wrt)
    assert report.verdict == ("pass" if factor == 1 else "fail")


def test_blocks_by_pairs_of_an_output_and_an_operand() -> None:
    """As OpenMDAO's partials are; what is left out is 0."""
    a, b = np.array([1.0, 2.0]), np.array([3.0])

    def f(a: Array, b: Array) -> dict[str, Array]:
        return {"y": a * b, "z": b**2}

    def partials(a: Array, b: Array) -> dict[tuple[str, str], Array]:
        return {("y", "a"): b * np.eye(2), ("y", "b"): a[:, None], ("z", "b"): 2 * b[:, None]}

    for wrt in ("a", "b", "all"):
        assert jacinspect.inspect(f, a, partials, others=[b], wrt=wrt).verdict == "pass"
    for wrong in (lambda a, b: {**partials(a, b), ("z", "b"): b[:, None]}, lambda a, b: {("y", "a"): b * np.eye(2)}):
        assert jacinspect.inspect(f, a, wrong, others=[b], wrt="all").verdict == "fail"
    with pytest.raises(FunctionFailedError, match="returned a dict"):
        jacinspect.inspect(f, a, lambda a, b: {("w", "a"): np.eye(2)}, others=[b])
    with pytest.raises(FunctionFailedError, match="blocks by 'c'; f has the operands a, b"):
        jacinspect.inspect(f, a, lambda a, b: {("y", "a"): b * np.eye(2), ("y", "c"): a}, others=[b])


def by_output(blocks: dict[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    """Return blocks by pairs as dicts of dicts."""
    return {row: {b: block for (a, b), block in blocks.items() if a == row} for row, _ in blocks}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", [dict, by_output])
def test_blocks_in_dicts_of_dicts(form: Any, dtype: str) -> None:
    """As GEMSEO has them, and jax.jacrev: what is left out is 0 in them as well."""
    a, b = np.array([1, 2], dtype), np.array([3, 0.5, 2], dtype)

    def f(a: Array, b: Array) -> dict[str, Any]:
        return {"y": a * b[0], "z": b[1] * b[2]}

    def partials(a: Array, b: Array) -> Any:
        by_b = np.array([[a[0], 0, 0], [a[1], 0, 0]])
        return {("y", "a"): b[0] * np.eye(2), ("y", "b"): by_b, ("z", "b"): np.array([0, b[2], b[1]])}

    def of_container(x: Any) -> Any:
        return f(x["a"], x["b"])

    for wrt in ("a", "b", "all"):
        assert jacinspect.inspect(f, a, lambda a, b: form(partials(a, b)), others=[b], wrt=wrt).verdict == "pass"
    for wrong in (None, *partials(a, b)):

        def claim(x: Any, wrong: Any = wrong) -> Any:
            return form({key: (1 + (key == wrong)) * block for key, block in partials(x["a"], x["b"]).items()})

        report = jacinspect.inspect(of_container, {"a": a, "b": b}, claim)
        assert report.verdict == ("pass" if wrong is None else "fail")
    taken = jacinspect.inspect(f, a, lambda a, b: form(partials(a, b)), others=[b], wrt="all", take="y")
    assert (taken.verdict, taken.names.output.names) == ("pass", ("y",))
    row = jacinspect.inspect(lambda a: {"y": a**2, "z": a[0]}, a, lambda a: form({("y", "a"): np.diag(2 * a)}))
    assert "∂z/∂a[0]: analytic 0, numeric 1" in row.findings[0].message
    with pytest.raises(FunctionFailedError, match="blocks by 'c'; f has the operands a, b"):
        jacinspect.inspect(f, a, lambda a, b: form({("y", "a"): b[0] * np.eye(2), ("z", "c"): a}), others=[b])


def test_a_backward_that_leaves_out_what_has_no_gradient() -> None:
    x, mask = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])

    def f(x: Array, mask: Array) -> Array:
        return np.where(mask, x**2, 0)

    for right, verdict in ((2, "pass"), (3, "fail")):

        def pullback(x: Array, mask: Array, da: Array, k: int = right) -> tuple[Array]:
            return (np.where(mask, k * x, 0) * da,)

        assert jacinspect.inspect(f, x, pullback, derivative_kind="vjp", others=[mask]).verdict == verdict


# --- What is no derivative


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "a NoneType"),
        ("slope", "a str"),
        ({}, "a dict"),
        (np.full((2, 3), None), "object of shape 2×3"),
        (np.full((6, 6), None), "object of shape 6×6"),
        (np.zeros((3, 2)), "float64 of shape 3×2"),
        (np.zeros(6), "float64 of shape 6"),
        (np.zeros((6, 5)), "float64 of shape 6×5"),
        (np.zeros((2, 3, 3, 2)), "float64 of shape 2×3×3×2"),
        ([[1.0], [2.0, 3.0]], "a list that is no array"),
        (scipy.sparse.csr_matrix((5, 6)), "a csr_matrix of shape 5×6"),
    ],
)
def test_what_fits_in_no_way_is_told_with_what_would(given: Any, said: str) -> None:
    jacobian = "a Jacobian is 6×6 or 2×3×2×3, or 2×3×3, a block for each of 2 samples"
    last = "or 2×2×3, one for each of 3 samples along the last axis"
    wanted = f"an element-wise one has the output's shape 2×3, {jacobian}, {last}"
    assert refused(lambda x: given, X, (2, 3)) == f"the derivative returned {said}; {wanted}"


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers_are_real_where_all_imaginary_parts_are_0(dtype: str) -> None:
    x = np.array([0.5, -1.25, 2.0])  # whose doubles are exact in single precision
    for k, verdict in ((1, "pass"), (1.25, "fail")):
        slopes = lambda x, k=k: (2 * k * x).astype(dtype)  # noqa: E731
        for claim in (slopes, lambda x, s=slopes: np.diag(s(x)), lambda x, s=slopes: scipy.sparse.diags(s(x))):
            assert jacinspect.inspect("x**2", x, claim).verdict == verdict
    for off in (1e-300j, complex(0, np.nan)):
        said = refused(lambda x, off=off: (2 * x).astype("complex128") + np.array([0, off, 0]), x, (3,))
        assert said.endswith("its numbers are complex, and f's are real: return their real part, J.real")


@pytest.mark.parametrize(("lower", "upper"), [(1, 2), (0, 1), (3, 0), (3, 4)])
def test_a_band_is_told_from_a_jacobian(lower: int, upper: int) -> None:
    size = 5
    full = np.triu(np.tril(RNG.standard_normal((size, size)), upper), -lower)
    band = np.zeros((lower + upper + 1, size))
    for i, j in zip(*np.nonzero(full), strict=True):  # as scipy.linalg.solve_banded has them
        band[upper + i - j, j] = full[i, j]
    x = np.arange(1.0, size + 1)
    said = refused(lambda x: band, x, (size,))
    assert f"may be the {len(band)} = uband + 1 + lband diagonals of a banded Jacobian" in said
    advice = said.rpartition("return ")[2]
    made = eval(advice, {"scipy": scipy, "J": band, "uband": upper, "lband": lower, "range": range})
    np.testing.assert_array_equal(made.toarray(), full)
    assert jacinspect.inspect(lambda x: full @ x, x, lambda x: made).verdict == "pass"


@pytest.mark.parametrize(
    ("shape", "output", "likely"),
    [
        ((6, 8), (2, 4), "6×8 is the transpose, in denominator layout: return its transpose"),
        ((2, 3, 2, 4), (2, 4), "2×3×2×4 is the transpose, in denominator layout: return its transpose"),
        ((6, 1), (), "6×1 is the transpose, in denominator layout: return its transpose"),
        ((6, 6), (), "6×6 is the shape of a Hessian: return the gradient"),
        ((2, 3, 2, 3), (1,), "2×3×2×3 is the shape of a Hessian: return the gradient"),
        ((6, 7), (2, 4), ""),
    ],
)
def test_what_a_derivative_of_a_wrong_shape_may_be(shape: Shape, output: Shape, likely: str) -> None:
    said = refused(lambda x: np.ones(shape), X, output)
    assert said.partition(";\n")[2] == likely


def test_what_would_fit_depends_on_the_shapes() -> None:
    assert refused(lambda x: np.zeros(7), X, (2, 4)).endswith(
        "; a Jacobian is 8×6 or 2×4×2×3, or 2×4×3, a block for each of 2 samples"
    )
    assert refused(lambda x: np.zeros(7), X, (4, 3)).endswith(
        "; a Jacobian is 12×6 or 4×3×2×3, or 4×2×3, one for each of 3 samples along the last axis"
    )
    assert refused(lambda x: np.zeros(7), X, (4, 2)).endswith("; a Jacobian is 8×6 or 4×2×2×3")
    assert refused(lambda x: np.zeros(7), X, ()).endswith(
        "; the gradient of a scalar function has the operand's shape 2×3, a Jacobian is 1×6 or 2×3"
    )
    assert refused(lambda x: np.zeros(7), np.zeros(3), (4,)).endswith("; a Jacobian is 4×3")


@pytest.mark.parametrize(("kind", "needed"), [("jvp", "2×4"), ("vjp", "2×3")])
def test_a_rule_of_another_shape(kind: AnyDerivativeKind, needed: str) -> None:
    for given, said in ((np.zeros(5), "float64 of shape 5"), (None, "a NoneType"), ("no", "a str")):
        with pytest.raises(FunctionFailedError) as error:
            jacinspect.inspect(product, X, lambda x, v, given=given: given, derivative_kind=kind)
        assert str(error.value) == f"the derivative gives {said} where shape {needed} is needed"


def boom(*_: Any) -> Any:
    raise ValueError("no such slope")


@pytest.mark.parametrize("kind", [None, "jvp", "vjp"])
def test_a_derivative_that_raises(kind: AnyDerivativeKind | None) -> None:
    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(np.sin, X, boom, derivative_kind=kind)
    first, second = str(error.value).split("\n")
    assert first == "the derivative raised ValueError: no such slope"
    assert second.endswith('raise ValueError("no such slope")')
    assert "test_derivative.py:" in second


def test_a_derivative_that_exits() -> None:
    with pytest.raises(FunctionFailedError, match="the derivative raised SystemExit: 3"):
        jacinspect.inspect(np.sin, X, lambda x: __import__("sys").exit(3))


def test_an_operator_whose_product_raises() -> None:
    def broken(x: Array) -> Any:
        return scipy.sparse.linalg.LinearOperator((3, 3), matvec=boom, dtype=float)

    with pytest.raises(FunctionFailedError, match=r"the derivative's matrix raised ValueError: no such slope\n"):
        jacinspect.inspect(np.sin, np.ones(3), broken)


def test_a_derivative_that_spoils_what_it_is_given_does_no_harm() -> None:
    def derivative(x: Array) -> Array:
        slopes = np.cos(x)
        x[...] = 7
        return np.asarray(slopes)

    def rule(x: Array, v: Array) -> Array:
        result = np.cos(x) * v
        x[...] = 7
        v[...] = 7
        return np.asarray(result)

    assert jacinspect.inspect(np.sin, X, derivative).verdict == "pass"
    for kind in ("jvp", "vjp"):
        assert jacinspect.inspect(np.sin, X, rule, derivative_kind=kind).verdict == "pass"


def test_a_slope_that_is_not_finite_is_not_passed_over() -> None:
    x = np.array([1.0, 2.0, 3.0])
    for place in (np.nan, np.inf):
        report = jacinspect.inspect(np.sin, x, lambda x, place=place: np.where(x == 2, place, np.cos(x)))
        assert report.verdict == "fail"
        matrix = jacinspect.inspect(np.sin, x, lambda x, place=place: np.diag(np.where(x == 2, place, np.cos(x))))
        assert matrix.verdict == "fail"


def test_a_function_without_any_derivative_has_none() -> None:
    assert derivative_at(Function("f", "unknown", np.sin), X, (2, 3)) is None


def test_complex_matrices_are_refused_in_every_face() -> None:
    x = np.array([1.0, 2.0])
    for given in (
        lambda x: scipy.sparse.diags(2 * x + 5j),
        lambda x: scipy.sparse.linalg.aslinearoperator(np.diag(2 * x + 5j)),
        lambda x: np.diag(2j * x),
    ):
        with pytest.raises(FunctionFailedError, match=r"complex|where shape 2 is needed"):
            jacinspect.inspect("x**2", x, given)


def test_a_rule_is_called_once_for_each_product() -> None:
    calls: list[int] = []

    def jvp(x: Array, dx: Array) -> Array:
        calls.append(1)
        return np.cumsum(dx)

    report = jacinspect.inspect(np.cumsum, np.arange(30.0), jvp, derivative_kind="jvp", backend="numpy")
    assert report.verdict == "pass"
    # A color each, the directions, one for its shape, one in units of x, and zeros and views besides.
    assert len(calls) <= 30 + 2 + 1 + 1 + 10
