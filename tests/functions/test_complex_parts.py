"""Functions of complex numbers, by their real and imaginary parts: claims, torch and jax; holomorphic or not."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse.linalg
import torch

import jacinspect
from jacinspect.choices import AnyVec
from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from jacinspect.views.facts import formulas
from tests.conftest import RunHere
from tests.oracles import Array

RNG = np.random.default_rng(0)
X, Z = RNG.standard_normal(3), RNG.standard_normal(3) + 1j * RNG.standard_normal(3)
W = RNG.standard_normal((2, 3)) + 1j * RNG.standard_normal((2, 3))


def codes(report: Report) -> list[str]:
    return [found.code for found in report.findings if found.severity == "error"]


def compared(report: Report) -> bool:
    return report.agreement is not None and report.agreement.checked


def real_matrix(slopes: Array) -> Array:
    return np.block([[np.diag(slopes.real), -np.diag(slopes.imag)], [np.diag(slopes.imag), np.diag(slopes.real)]])


# --- Claims of numpy functions ----------------------------------------------------------------------------------------

RIGHT: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "f'": (np.exp, np.exp, {}),
    "f' by one part": (np.exp, np.exp, {"wrt": "x.re"}),
    "a matrix": (lambda z: W @ z, lambda z: W, {}),
    "one of two operands": (lambda z, w: w @ z, lambda z, w: w, {"others": [W]}),
    "the other": (lambda z, w: w @ z, lambda z, w: np.einsum("ip,j->ipj", np.eye(2), z), {"others": [W], "wrt": "w"}),
    "both": (
        lambda z, w: w @ z,
        lambda z, w: (w, np.einsum("ip,j->ipj", np.eye(2), z)),
        {"others": [W], "wrt": "all"},
    ),
    "a gradient": (lambda z: (np.abs(z) ** 2).sum(), lambda z: 2 * z, {}),
    "a jvp": (
        lambda z: np.conj(z) * z**2,
        lambda z, dz: np.conj(dz) * z**2 + 2 * np.conj(z) * z * dz,
        {"derivative_kind": "jvp"},
    ),
    "a vjp": (lambda z: z**2, lambda z, da: np.conj(2 * z) * da, {"derivative_kind": "vjp"}),
}
WRONG: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "f' conjugated": (np.exp, lambda z: np.conj(np.exp(z)), {}),
    "f' of what is not holomorphic": (lambda z: z * np.conj(np.roll(z, 1)), lambda z: np.conj(np.roll(z, 1)), {}),
    "a matrix conjugated": (lambda z: W @ z, lambda z: W.conj(), {}),
    "Wirtinger's half": (lambda z: (np.abs(z) ** 2).sum(), lambda z: z, {}),
    "a vjp that is not conjugated": (lambda z: z**2, lambda z, da: 2 * z * da, {"derivative_kind": "vjp"}),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_claim_passes(kind: str) -> None:
    function, derivative, how = RIGHT[kind]
    report = jacinspect.inspect(function, Z, derivative, **how)
    assert (report.verdict, codes(report), compared(report)) == ("pass", [], True)


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_claim_is_found(kind: str) -> None:
    function, derivative, how = WRONG[kind]
    assert codes(jacinspect.inspect(function, Z, derivative, **how)) == ["J001"]


def test_the_parts_are_named_and_their_jacobian_is_a_rotation_and_a_scaling() -> None:
    report = jacinspect.inspect(np.exp, Z, np.exp)
    assert (report.names.operand.names, report.names.output.names) == (("x.re", "x.im"), ("A.re", "A.im"))
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    np.testing.assert_allclose(report.jacobian.analytic.matrix(), real_matrix(np.exp(Z)), rtol=1e-12)
    assert {block.structure for block in report.jacobian.parts} == {"diagonal"}
    found = json.loads(report.to_json())
    assert [part["name"] for part in found["output"]["parts"]] == ["A.re", "A.im"]
    assert found["jacobian"]["is_holomorphic"] is True
    said = [sentence for _, sentence in formulas(report)]
    assert "by a complex number z, a claimed gradient is ∂L/∂re + i ∂L/∂im" in said


def test_real_numbers_to_complex_ones_and_back() -> None:
    report = jacinspect.inspect(lambda x: np.exp(1j * x), X, lambda x: 1j * np.exp(1j * x))
    assert (report.verdict, compared(report)) == ("pass", True)
    assert report.jacobian is not None
    assert report.jacobian.is_holomorphic is None
    assert jacinspect.inspect(np.fft.fft, X).names.output.names == ("A.re", "A.im")
    several = jacinspect.inspect(lambda z: {"z": z * 2, "size": np.abs(z)}, Z)
    assert several.names.output.names == ("z.re", "z.im", "size")
    assert jacinspect.inspect(lambda z: [z[0] * z[1], z[2]], Z).names.output.shape == (4,)


def test_expressions_and_the_catalogue_are_of_real_numbers() -> None:
    for function in ("sigmoid", "x**2"):
        with pytest.raises(InputError, match="is inspected at real numbers; name code for complex ones, as numpy:exp"):
            jacinspect.inspect(function, Z)


@pytest.mark.parametrize("f", [torch.exp, lambda z: z * z.conj(), lambda z: torch.sin(z).real, torch.abs])
def test_the_second_order_is_by_the_parts(f: Any) -> None:
    report = jacinspect.inspect(f, Z, backend="torch", order=2)
    assert report.verdict != "fail", report.findings  # an imaginary part that is 0 is not known to any digit


# --- Real numbers to complex ones: rules, operators, lists

V = RNG.standard_normal((2, 3))


def spectrum(x: Array) -> Array:
    return np.fft.fft(x)


def adjoint(x: Array, w: Array) -> Array:
    assert (w.dtype.kind, w.shape) == ("c", x.shape)
    return np.asarray((x.shape[-1] * np.fft.ifft(w)).real)


def response(x: Array) -> tuple[Array, Array]:
    return 1 / (1 + 1j * x), x**2


def of_response(x: Array) -> Array:
    return np.asarray(-1j / (1 + 1j * x) ** 2)


RULES: dict[str, tuple[Any, Any, str]] = {
    "a jvp": (spectrum, lambda x, v: np.fft.fft(v), "jvp"),
    "a vjp": (spectrum, adjoint, "vjp"),
    "a jvp of one number": (lambda x: np.exp(1j * x).sum(), lambda x, v: (1j * np.exp(1j * x) * v).sum(), "jvp"),
    "a vjp of one number": (
        lambda x: np.exp(1j * x).sum(),
        lambda x, w: (np.conj(1j * np.exp(1j * x)) * w).real,
        "vjp",
    ),
    "a jvp of two outputs": (response, lambda x, v: (of_response(x) * v, 2 * x * v), "jvp"),
    "a vjp of two outputs": (response, lambda x, w: (np.conj(of_response(x)) * w[0]).real + 2 * x * w[1], "vjp"),
    "a vjp of two cotangents": (response, lambda x, w, u: (np.conj(of_response(x)) * w).real + 2 * x * u, "vjp"),
    "a vjp of the parts": (np.fft.fft, lambda x, re, im: adjoint(x, re + 1j * im), "vjp"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", RULES)
def test_rules_of_a_complex_output_are_of_complex_numbers(kind: str, dtype: str) -> None:
    function, rule, of = RULES[kind]
    x: Array = V.astype(dtype)
    report = jacinspect.inspect(function, x, rule, derivative_kind=of)  # type: ignore[arg-type]
    assert (report.verdict, compared(report)) == ("pass", True)

    @wraps(rule)
    def wrong(*given: Any) -> Any:
        found = rule(*given)
        return tuple(1.01 * each for each in found) if isinstance(found, tuple) else 1.01 * found

    assert codes(jacinspect.inspect(function, x, wrong, derivative_kind=of)) == ["J001"]  # type: ignore[arg-type]


def test_rules_from_complex_numbers_to_several_outputs() -> None:
    def f(z: Array) -> Any:
        return {"square": z**2, "size": np.abs(z) ** 2}

    def jvp(z: Array, v: Array) -> Any:
        return {"square": 2 * z * v, "size": 2 * (np.conj(z) * v).real}

    def vjp(z: Array, w: Any) -> Array:
        return np.asarray(2 * np.conj(z) * w[0] + 2 * z * w[1])

    assert jacinspect.inspect(f, Z, jvp, derivative_kind="jvp").verdict == "pass"
    assert jacinspect.inspect(f, Z, vjp, derivative_kind="vjp").verdict == "pass"
    wrong = jacinspect.inspect(f, Z, lambda z, w: vjp(z, (np.conj(w[0]), w[1])), derivative_kind="vjp")
    assert codes(wrong) == ["J001"]


def of_columns(matrix: Array) -> Any:
    return scipy.sparse.linalg.aslinearoperator(matrix)


@pytest.mark.parametrize("vec", ["row", "column"])
@pytest.mark.parametrize("is_complex", [False, True])
def test_a_linear_operator_of_complex_numbers(is_complex: bool, vec: AnyVec) -> None:
    order: Any = "C" if vec == "row" else "F"
    x: Array = np.asarray(W if is_complex else W.real)  # 2×3, and A is 2×4
    m = RNG.standard_normal((3, 4)) + 1j * RNG.standard_normal((3, 4))
    matrix = np.stack([(unit.reshape(2, 3, order=order) @ m).ravel(order=order) for unit in np.eye(6)], axis=1)

    def f(x: Array) -> Array:
        return np.asarray(x @ m)

    assert jacinspect.inspect(f, x, lambda x: of_columns(matrix), vec=vec).verdict == "pass"
    wrong = jacinspect.inspect(f, x, lambda x: of_columns(matrix.conj()), vec=vec)
    assert codes(wrong) == ["J001"]
    with pytest.raises(InputError, match="say which with --vec column or --vec row"):
        jacinspect.inspect(f, x, lambda x: of_columns(matrix))


def test_a_wrong_rmatvec_of_complex_numbers() -> None:
    def operator(x: Array, sign: int) -> Any:
        n = x.size
        return scipy.sparse.linalg.LinearOperator(
            (n, n), matvec=np.fft.fft, rmatvec=lambda w: sign * n * np.fft.ifft(w), dtype=complex
        )

    for x in (X, Z):
        assert jacinspect.inspect(np.fft.fft, x, lambda x: operator(x, 1)).verdict == "pass"
        assert codes(jacinspect.inspect(np.fft.fft, x, lambda x: operator(x, -1))) == ["J015"]


@pytest.mark.parametrize("of", [list, tuple, np.array])
def test_lists_of_python_s_complex_numbers(of: Any) -> None:
    def f(x: Array) -> Any:
        z = complex(x[0], x[1])
        return of([z**2, np.exp(z), z * x[2]])

    def rows(x: Array) -> Any:
        z = complex(x[0], x[1])
        return [[2 * z, 2j * z, 0], [np.exp(z), 1j * np.exp(z), 0], [x[2], 1j * x[2], z]]

    assert jacinspect.inspect(f, X, rows).verdict == "pass"
    assert codes(jacinspect.inspect(f, X, lambda x: np.conj(rows(x)).tolist())) == ["J001"]
    assert jacinspect.inspect(lambda x: complex(x[0], x[1]) ** 2, X, lambda x: rows(x)[0]).verdict == "pass"


def test_a_complex_tuple_by_several_operands() -> None:
    def f(w: Array, r: Array) -> Array:
        return np.asarray(1 / (1j * w + r))

    def both(w: Array, r: Array) -> Any:
        slope = -1 / (1j * w + r) ** 2
        return 1j * slope, slope

    r = np.array([0.3, 2.0, 1.1])
    assert jacinspect.inspect(f, X, both, others=[r], wrt="all").verdict == "pass"
    wrong = jacinspect.inspect(f, X, lambda w, r: both(w, r)[::-1], others=[r], wrt="all")
    assert codes(wrong) == ["J001"]


# --- Holomorphic or not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "holds"),
    [(np.exp, True), (np.conj, False), (lambda z: W @ z, True), (lambda z: z * np.abs(z), False), (np.log, True)],
)
def test_the_cauchy_riemann_equations(function: Callable[[Array], Array], holds: bool) -> None:
    report = jacinspect.inspect(function, Z, expect="holomorphic")
    assert report.jacobian is not None
    assert report.jacobian.is_holomorphic is holds
    assert codes(report) == ([] if holds else ["J002"])


def test_a_witness_of_what_is_not_holomorphic() -> None:
    (found,) = (f for f in jacinspect.inspect(np.conj, Z, expect="holomorphic").findings if f.code == "J002")
    assert found.message == "expected holomorphic, but ∂A.re[0]/∂x.re[0] = 1, and ∂A.im[0]/∂x.im[0] = -1"
    (found,) = (f for f in jacinspect.inspect(np.exp, X, expect="holomorphic").findings if f.code == "J002")
    assert "not all of X and A is complex: try --dtype complex128" in found.message


# --- torch and jax, each with its convention --------------------------------------------------------------------------


def squared(backward: Callable[[Any, Any], Any]) -> Any:
    class Square(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            ctx.save_for_backward(z)
            return z**2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return backward(ctx.saved_tensors[0], g)

    return Square


@pytest.mark.parametrize(
    "function", [torch.exp, torch.abs, lambda z: (z.abs() ** 2).sum(), lambda z: torch.fft.ifft(z * z.conj().roll(1))]
)
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_torch(function: Any, dtype: Any) -> None:
    report = jacinspect.inspect(function, Z.astype(dtype))
    assert (report.verdict, codes(report), compared(report)) == ("pass", [], True)
    assert report.function.note == "torch's gradient is ∂L/∂re + i ∂L/∂im"
    assert len(report.rules) == 3


def test_a_backward_of_torch_is_conjugated() -> None:
    assert jacinspect.inspect(squared(lambda z, g: g * (2 * z).conj()), Z).verdict == "pass"
    assert "J001" in codes(jacinspect.inspect(squared(lambda z, g: g * 2 * z), Z))


def test_jax() -> None:
    for function in (jnp.exp, jnp.abs, lambda z: jnp.conj(z) * jnp.roll(z, 1), lambda z: (jnp.abs(z) ** 2).sum()):
        report = jacinspect.inspect(function, Z)
        assert (report.verdict, codes(report), compared(report)) == ("pass", [], True)
        assert report.function.note == "jax's gradient is ∂L/∂re − i ∂L/∂im"


def test_a_custom_rule_of_jax_is_not_conjugated() -> None:
    def custom(pull: Any) -> Any:
        square = jax.custom_vjp(lambda z: z**2)
        square.defvjp(lambda z: (z**2, z), pull)
        return square

    assert jacinspect.inspect(custom(lambda z, g: (g * 2 * z,)), Z, backend="jax").verdict == "pass"
    assert codes(jacinspect.inspect(custom(lambda z, g: (g * 2 * z.conj(),)), Z, backend="jax")) == ["J001"]


# --- The command line -------------------------------------------------------------------------------------------------


def test_complex_operands_are_drawn_and_read(run_here: RunHere, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", Z)
    np.savez(tmp_path / "z.npz", z=Z.astype(np.complex64))
    drawn = ["--shape", "2x3", "--dtype", "complex128"]
    for operand in (drawn, ["--input", str(tmp_path / "z.npy")], ["--input", str(tmp_path / "z.npz")]):
        result = run_here("numpy:exp", *operand, "-d", "numpy:exp", "--expect", "holomorphic", "--json")
        assert result.status == 0, result.err
        found = json.loads(result.text)
        assert [part["name"] for part in found["operand"]["parts"]] == ["x.re", "x.im"]
        assert found["operand"]["dtype"] == "float64"
    text = run_here("numpy:conj", "--shape", "2", "--dtype", "complex64").text
    assert "holomorphic  no: they do not hold" in text


# --- Tangents of some of several operands


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("wrt", "right"),
    [
        ("b", lambda a, b, c, db: a * db),
        ("b,c", lambda a, b, c, db, dc: a * (db + 2 * c * dc)),
        ("c,b", lambda a, b, c, dc, db: a * (db + 2 * c * dc)),
        ("a", lambda a, b, c, da: da * (b + c**2)),
        ("a.re", lambda a, b, c, da: da * (b + c**2)),
        ("a.im", lambda a, b, c, da: da * (b + c**2)),
        ("a,c", lambda a, b, c, da, dc: da * (b + c**2) + 2 * a * c * dc),
        ("all", lambda a, b, c, da, db, dc: da * (b + c**2) + a * (db + 2 * c * dc)),
    ],
)
def test_real_operands_have_tangents_of_their_own_beside_complex_ones(wrt: str, right: Any, dtype: str) -> None:
    a, b, c = np.array([0.5 + 1j, -1 + 0.3j, 2j]), np.array([1.5, -2, 0.7]), np.array([0.3, 1, -1.2])
    given = (a.astype("c8" if dtype == "float32" else "c16"), b.astype(dtype), c.astype(dtype))
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda *each, k=factor: k * right(*each)  # noqa: E731
        how: Any = {"others": given[1:], "wrt": wrt, "derivative_kind": "jvp"}
        assert jacinspect.inspect(lambda a, b, c: a * (b + c**2), given[0], claim, **how).verdict == expected
