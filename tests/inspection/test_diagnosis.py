"""What J001 is said to be consistent with: mistakes made on purpose are named, and nothing else ever is.

Derivatives are written down here as M×N matrices, rows and columns row-major, and given in every form there is.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import e, inf, log, pi, prod, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import jacinspect
from jacinspect.choices import AnyDerivativeKind
from jacinspect.errors import FunctionFailedError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.with_claims import with_derivative
from jacinspect.identities.verification import verify_identities
from jacinspect.inspection.report import Report
from jacinspect.views.brief import problems
from jacinspect.views.facts import reasons
from samples.activations import swish, swish_prime_broken
from samples.attention import attention, attention_backward_broken
from samples.layer import dense, dense_backward_broken
from samples.torch_functions import Cube
from tests.benchmarks.test_explanations import FAMILIES, score
from tests.oracles import Array, Shape

F = Callable[..., Any]

FORMS = ["slopes", "matrix", "jvp", "vjp", "torch"]
CUT_OFF = "a derivative cut off from X: it is 0 in every entry"
AT_OUTPUT = "a derivative in terms of f(x): it is right where it is given f(X) for X"
AS_IF = "an element-wise derivative, while f is not element-wise: the entries off the diagonal are missing"
STEPS = "a straight-through rule: f moves in steps, and its derivative is 0 on each"
TRANSPOSE = "the transpose of the Jacobian"


def normal(shape: Shape, seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def refusals(report: Report) -> list[str]:
    return [finding.message for finding in report.findings if finding.code == "J001"]


def explanation(report: Report) -> str:
    """What J001 is said to be consistent with, which is one thing or nothing (""); that there is a J001 is asserted."""
    messages = refusals(report)
    assert messages, report.findings
    causes = [cause for message in messages for cause in message.split("; consistent with ")[1:]]
    assert len(causes) <= 1, messages
    return causes[0] if causes else ""


def cause(f: Any, x: Any, derivative: Any, **options: Any) -> str:
    return explanation(jacinspect.inspect(f, x, derivative, **options))


def inspected(form: str, f: F, matrix: F, x: Array, **options: Any) -> Report:
    """Inspect f with a derivative whose M×N matrix is given, in one of the forms that a derivative may have."""
    shape = np.shape(f(x))
    if form == "torch":
        return jacinspect.inspect(with_backward(f, matrix), x, **options)
    forms: dict[str, tuple[F, str]] = {
        "slopes": (lambda x: np.diagonal(matrix(x)).reshape(shape), "elementwise"),
        "matrix": (lambda x: matrix(x).reshape(shape + x.shape), "jacobian"),
        "jvp": (lambda x, dx: (matrix(x) @ dx.ravel()).reshape(shape), "jvp"),
        "vjp": (lambda x, da: (da.ravel() @ matrix(x)).reshape(x.shape), "vjp"),
    }
    derivative, kind = forms[form]
    return jacinspect.inspect(f, x, derivative, derivative_kind=kind, **options)  # type: ignore[arg-type]


def with_backward(f: F, matrix: F) -> Any:
    """Make a torch.autograd.Function of a function of numpy arrays and of the matrix that its backward pulls by."""

    class Mine(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.from_numpy(np.array(f(x.detach().numpy())))

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            (x,) = ctx.saved_tensors
            return torch.from_numpy((grads[0].numpy().ravel() @ matrix(x.numpy())).reshape(x.shape))

    signature = inspect.signature(f)
    if len(signature.parameters) == 1:
        return Mine

    def with_parameters(x: Any, **_defaults: Any) -> Any:
        return Mine.apply(x)

    with_parameters.__signature__ = signature  # type: ignore[attr-defined]
    return with_parameters


# --- Functions, and their derivatives by hand -------------------------------------------------------------------------

WEIGHT = normal((3, 3), 77)


def wave(x: Array) -> Array:
    return np.asarray(np.sin(x) * np.exp(x / 3))


def wave_slope(x: Array) -> Array:
    return np.asarray(np.cos(x) * np.exp(x / 3) + np.sin(x) * np.exp(x / 3) / 3)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def silu_slope(x: Array) -> Array:
    return np.asarray(sigmoid(x) * (1 + x * (1 - sigmoid(x))))


def softmax(x: Array) -> Array:
    powers = np.exp(x)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def softmax_matrix(x: Array) -> Array:
    p, n = softmax(x).reshape(-1, x.shape[-1]), x.shape[-1]
    matrix = np.zeros((x.size, x.size))
    for row, values in enumerate(p):
        block = slice(row * n, (row + 1) * n)
        matrix[block, block] = np.diag(values) - np.outer(values, values)
    return matrix


def layer(x: Array) -> Array:
    return np.asarray(np.tanh(x @ WEIGHT))


def layer_matrix(x: Array) -> Array:
    return np.asarray((1 - layer(x) ** 2).reshape(-1, 1) * np.kron(np.eye(x.size // 3), WEIGHT.T))


def diagonal(slope: F) -> F:
    return lambda x: np.diag(slope(x).ravel())


def times(factor: float, matrix: F) -> F:
    return lambda x: factor * matrix(x)


# --- Every explanation, in every form, at many points -----------------------------------------------------------------


@dataclass(frozen=True)
class Mistake:
    """A function, the matrix of a derivative that is wrong, the points where they are compared, and the cause."""

    f: F
    wrong: F
    shapes: tuple[Shape, ...]
    text: str
    elementwise: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def x(self, seed: int) -> Array:
        """A point with numbers of both signs."""
        x = normal(self.shapes[seed % len(self.shapes)], seed)
        x.flat[:2] = -abs(x.flat[0]), abs(x.flat[1])
        return x

    def report(self, form: str, seed: int) -> Report:
        return inspected(form, self.f, self.wrong, self.x(seed), **self.options)


VECTORS: tuple[Shape, ...] = ((5,), (3, 5), (7, 1))
SQUARES: tuple[Shape, ...] = ((2, 2), (3, 3), (4, 4))
ROWS: tuple[Shape, ...] = ((3,), (2, 3), (1, 3), (4, 3))


def stretched(x: Array, k: float = 1.7) -> Array:
    return wave(k * x)


def stretched_rows(x: Array, k: float = 1.7) -> Array:
    return softmax(k * x)


def squeezed(x: Array, k: float = 1.7) -> Array:
    return wave(x) / k


def scaled_silu(x: Array, beta: float = 1.5) -> Array:
    return x * sigmoid(beta * x)


def where(side: F, right: F, wrong: F) -> F:
    return diagonal(lambda x: np.asarray(np.where(side(x), wrong(x), right(x))))


def one_off(matrix: F, row: int, column: int) -> F:
    def wrong(x: Array) -> Array:
        result = np.array(matrix(x))
        result[row, column] += 0.37
        return result

    return wrong


MISTAKES = {
    "sign": Mistake(wave, times(-1, diagonal(wave_slope)), VECTORS, "the opposite sign"),
    "sign, row-wise": Mistake(softmax, times(-1, softmax_matrix), ROWS, "the opposite sign", False),
    "sign, layer": Mistake(layer, times(-1, layer_matrix), ROWS, "the opposite sign", False),
    "named": Mistake(wave, times(pi, diagonal(wave_slope)), VECTORS, "a constant factor of π"),
    "named, row-wise": Mistake(softmax, times(5 / 7, softmax_matrix), ROWS, "a constant factor of 5/7", False),
    "unnamed": Mistake(wave, times(1.37, diagonal(wave_slope)), VECTORS, "a constant factor of 1.37"),
    "unnamed, layer": Mistake(layer, times(-0.37, layer_matrix), ROWS, "a constant factor of -0.37", False),
    "zero": Mistake(wave, times(0, diagonal(wave_slope)), VECTORS, CUT_OFF),
    "zero, row-wise": Mistake(softmax, times(0, softmax_matrix), ROWS, CUT_OFF, False),
    "no chain factor": Mistake(
        stretched,
        diagonal(lambda x: wave_slope(1.7 * x)),
        VECTORS,
        "a missing chain factor: it is right times k=1.7",
    ),
    "no chain factor, row-wise": Mistake(
        stretched_rows,
        lambda x: softmax_matrix(1.7 * x),
        ROWS,
        "a missing chain factor: it is right times k=1.7",
        False,
    ),
    "chain factor too many": Mistake(
        squeezed, diagonal(wave_slope), VECTORS, "a chain factor too many: it is k=1.7 times what is right"
    ),
    "slopes transposed": Mistake(wave, diagonal(lambda x: wave_slope(x).T), SQUARES, "f'(X) transposed"),
    "transposed": Mistake(layer, lambda x: layer_matrix(x).T, ROWS, TRANSPOSE, False),
    "f itself": Mistake(wave, diagonal(wave), VECTORS, "f itself in place of its derivative"),
    "without beta": Mistake(scaled_silu, diagonal(silu_slope), VECTORS, "the derivative of silu with beta=1"),
    "another with beta": Mistake(
        scaled_silu, diagonal(lambda x: sigmoid(1.5 * x)), VECTORS, "the derivative of softplus with beta=1.5"
    ),
    "another": Mistake(wave, diagonal(lambda x: 1 / np.cosh(x) ** 2), VECTORS, "the derivative of tanh"),
    "as if element-wise": Mistake(softmax, diagonal(lambda x: softmax(x) * (1 - softmax(x))), ROWS, AS_IF, False),
    "below 0": Mistake(
        wave,
        where(lambda x: x < 0, wave_slope, lambda x: 0.3 + x),
        VECTORS,
        "a derivative that is right except where x < 0",
    ),
    "above 0": Mistake(
        wave,
        where(lambda x: x > 0, wave_slope, lambda x: 0.3 - x),
        VECTORS,
        "a derivative that is right except where x > 0",
    ),
    "one entry": Mistake(
        wave,
        one_off(diagonal(wave_slope), 3, 3),
        ((2, 5), (3, 5)),
        "a derivative that is right except in ∂A[0,3]/∂X[0,3]",
    ),
    "one entry, row-wise": Mistake(
        softmax,
        one_off(softmax_matrix, 1, 2),
        ((2, 3), (4, 3)),
        "a derivative that is right except in ∂A[0,1]/∂X[0,2]",
        False,
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_named_in_every_form(name: str, form: str) -> None:
    mistake = MISTAKES[name]
    seed = FORMS.index(form)  # other points, and another shape, in every form
    if form == "slopes" and not mistake.elementwise:
        form = "matrix"
    assert explanation(mistake.report(form, seed)) == mistake.text


def right_at_output(f: F, of_output: F) -> Mistake:
    return Mistake(f, diagonal(of_output), VECTORS, AT_OUTPUT)


BY_OUTPUT = {
    "sigmoid": right_at_output(sigmoid, lambda x: x * (1 - x)),
    "tanh": right_at_output(np.tanh, lambda x: 1 - x**2),
    "tan": right_at_output(lambda x: np.tan(x / 3), lambda x: (1 + x**2) / 3),
}


@pytest.mark.parametrize("name", BY_OUTPUT)
def test_a_derivative_in_terms_of_the_output(name: str) -> None:
    for seed in range(6):
        assert explanation(BY_OUTPUT[name].report("slopes", seed)) == AT_OUTPUT, seed


# backward that saved x and not f(x).
@pytest.mark.parametrize("form", FORMS[1:])
def test_a_derivative_in_terms_of_the_output_in_other_forms(form: str) -> None:
    assert explanation(BY_OUTPUT["sigmoid"].report(form, 0)) == AT_OUTPUT


def test_a_derivative_in_terms_of_the_output_that_is_an_expression() -> None:
    assert cause("sigmoid", normal((4, 3)), "x * (1 - x)") == AT_OUTPUT
    assert cause("sigmoid(x)", normal((4, 3)), "x * (1 - x)") == AT_OUTPUT


@pytest.mark.parametrize("f", [np.sign, lambda x: np.eye(4)[x.argmax(axis=-1)]])
def test_a_derivative_of_a_function_that_has_steps_alone(f: F) -> None:
    for seed in range(4):
        assert cause(f, normal((3, 4), seed), lambda x, da: da, derivative_kind="vjp") == STEPS


def test_torch_s_own_derivatives() -> None:
    x = normal((3, 4))
    assert cause(lambda x: torch.sin(x.detach()), x, None) == CUT_OFF
    assert cause(lambda x: torch.softmax(x.detach(), -1), x, None) == CUT_OFF
    assert cause(lambda x: torch.sin(x.detach()) + x - x.detach() + 0 * x, x, lambda x: -torch.cos(x)) == (
        "the opposite sign"
    )
    half = torch.where
    masked = lambda x: half(x < 0, torch.sin(x.detach()), torch.sin(x))  # noqa: E731
    assert cause(masked, x, None) == "a derivative that is right except where x < 0"


def test_the_samples() -> None:
    q, k, v = normal((4, 3), 1), normal((5, 3), 2), normal((5, 2), 3)
    weight, bias = normal((3, 2), 4), normal((2,), 5)
    assert cause(swish, q, swish_prime_broken, parameters={"beta": 1.5}) == "the derivative of silu with beta=1"
    for wrt in "qk":
        backward = {"derivative_kind": "vjp", "others": [k, v], "wrt": wrt}
        assert cause(attention, q, attention_backward_broken, **backward) == (
            f"a constant factor of √3 (3 is a size of {wrt})"
        )
    backward = {"derivative_kind": "vjp", "others": [weight, bias], "wrt": "bias"}
    assert cause(dense, q, dense_backward_broken, **backward) == "a constant factor of 1/4 (4 is a size of A)"
    assert cause(Cube, q, None) == "a constant factor of 2/3"


def test_the_whole_message() -> None:
    x = np.array([[0.5, -1.0, 2.0, 0.25, 1.5], [0.1, 0.2, -0.3, 0.4, 3.0]])
    (found,) = [f for f in jacinspect.inspect(np.sin, x, lambda x: -np.cos(x)).findings if f.code == "J001"]
    assert re.fullmatch(
        r"10 entries disagree, worst by its bar ∂A\[(\d,\d)\]/∂X\[\1\]: "
        r"analytic -?0\.\d+, numeric -?0\.\d+ ± \S+, analytic/numeric = -1; consistent with the opposite sign",
        found.message,
    )
    assert found.severity == "error"
    assert found.at == tuple((i, j) for i in range(2) for j in range(5))


@pytest.mark.parametrize("off", [1e-6, 3e-9, 1e-9])
def test_nothing_is_accused_with_two_numbers_that_print_alike(off: float) -> None:
    report = jacinspect.inspect(np.square, np.array([1.5, -0.7]), lambda x: 2 * x * (1 + off))
    (message,) = refusals(report)
    analytic, numeric = re.findall(r"(?<!/)(?:analytic|numeric) (\S+?),? ", message)
    assert analytic != numeric
    worst = dict(reasons(report, report.jacobian, report.form("vec")))["agreement"]  # type: ignore[arg-type]
    first, second = re.findall(r": (\S+) and (\S+) ±", worst)[0]
    assert first != second
    *_, line = problems(report)
    assert len(set(line.split()[1:3])) == 2


def test_a_kink_is_told_apart_from_its_slopes() -> None:
    f = lambda x: np.where(x > 0, x * (1 + 1e-7), x)  # noqa: E731
    report = jacinspect.inspect(f, np.array([0.0]), lambda x: np.where(x == 0, 1 + 3e-7, 1.0))
    (message,) = refusals(report)
    numbers = re.findall(r"slope (\S+) to the left and (\S+) to the right; analytic (\S+)", message)[0]
    assert len({*numbers}) == 3


# --- The factors that have names --------------------------------------------------------------------------------------

FACTORS = {
    "2": 2.0,
    "1/2": 0.5,
    "3": 3.0,
    "2/3": 2 / 3,
    "9/10": 0.9,
    "10": 10.0,
    "√2": sqrt(2),
    "1/√2": 1 / sqrt(2),
    "√3": sqrt(3),
    "1/√5": 1 / sqrt(5),
    "π": pi,
    "2π": 2 * pi,
    "π/2": pi / 2,
    "π/180": pi / 180,
    "√π": sqrt(pi),
    "√(2π)": sqrt(2 * pi),
    "1/√(2π)": 1 / sqrt(2 * pi),
    "√(2/π)": sqrt(2 / pi),
    "e": e,
    "ln 2": log(2),
    "ln 10": log(10),
    "7 (7 is the size of A)": 7.0,
    "1/7 (7 is the size of A)": 1 / 7,
    "√7 (7 is the size of A)": sqrt(7),
    "1/√7 (7 is the size of A)": 1 / sqrt(7),
}


@pytest.mark.parametrize("name", FACTORS)
def test_factors_by_name(name: str) -> None:
    x = normal((7,))
    assert cause(wave, x, lambda x: FACTORS[name] * wave_slope(x)) == f"a constant factor of {name}"
    assert cause(wave, x, lambda x: -FACTORS[name] * wave_slope(x)) == f"a constant factor of −{name}"


@pytest.mark.parametrize("factor", [1 / pi, 1 / e, 1 / log(2), 180 / pi])
def test_inverses_of_constants_have_names_too(factor: float) -> None:
    name = cause(wave, normal((7,)), lambda x: factor * wave_slope(x)).removeprefix("a constant factor of ")
    assert "." not in name
    assert evaluated(name) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("factor", [1.1, -0.997, 1 + 1e-7, 1234.5678, -1e-6, 22 / 7, 3.1415, 0.99999])
def test_factors_without_a_name_are_written_out(factor: float) -> None:
    found = cause(wave, normal((7,)), lambda x: factor * wave_slope(x))
    assert float(found.removeprefix("a constant factor of ")) == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(
    ("f", "shape", "factor", "text"),
    [
        (wave, (2, 3), 6, "6 (6 is the size of A)"),
        (wave, (2, 3), 3, "3 (3 is a size of A)"),
        (wave, (2, 3), 0.5, "1/2 (2 is a size of A)"),
        (lambda x: wave(x).sum(), (2, 3), 6, "6 (6 is the size of X)"),
        (lambda x: wave(x).sum(), (2, 3), 1 / 3, "1/3 (3 is a size of X)"),
        (lambda x: wave(x).sum(), (2, 3), 5, "5"),
        (lambda x: wave(x).sum(axis=0), (2, 5), 1 / 5, "1/5 (5 is the size of A)"),
        (lambda x: wave(x).sum(axis=0), (2, 5), 1 / 2, "1/2 (2 is a size of X)"),
        (lambda x: wave(x).sum(axis=0), (2, 5), 10, "10 (10 is the size of X)"),
        (lambda x: wave(x).sum(axis=0), (2, 5), -1 / sqrt(5), "−1/√5 (5 is the size of A)"),
    ],
)
def test_factors_that_are_a_size(f: F, shape: Shape, factor: float, text: str) -> None:
    def right(x: Array, da: Array) -> Array:
        return np.asarray(wave_slope(x) * da)

    wrong = lambda x, da: factor * right(x, da)  # noqa: E731
    assert cause(f, normal(shape), wrong, derivative_kind="vjp") == f"a constant factor of {text}"
    report = jacinspect.inspect(f, normal(shape), right, derivative_kind="vjp")
    assert report.verdict == "pass"  # so that it is the factor that was found


# --- Of the explanations that fit, the most specific ------------------------------------------------------------------


def doubled(x: Array, k: float = 2.0) -> Array:
    return np.asarray(np.sin(k * x))


def leaky(x: Array, negative_slope: float = 0.2) -> Array:
    return np.where(x > 0, x, negative_slope * x)


MIXED = np.array([-1.5, -0.25, 0.75, 2.0, 0.5])


@pytest.mark.parametrize(
    ("f", "x", "wrong", "text"),
    [
        # a parameter before a size, and a number
        (doubled, normal((2,)), lambda x: np.cos(2 * x), "a missing chain factor: it is right times k=2"),
        (doubled, normal((5,)), lambda x: np.cos(2 * x), "a missing chain factor: it is right times k=2"),
        (doubled, normal((2,)), lambda x: 4 * np.cos(2 * x), "a chain factor too many: it is k=2 times what is right"),
        # but a number where it is not the parameter's
        (doubled, normal((5,)), lambda x: 6 * np.cos(2 * x), "a constant factor of 3"),
        (doubled, normal((3,)), lambda x: 6 * np.cos(2 * x), "a constant factor of 3 (3 is the size of A)"),
        # a sign before a factor of −1, f itself before another's derivative, that before a part of the entries
        (doubled, normal((5,)), lambda x: -2 * np.cos(2 * x), "the opposite sign"),
        (np.cosh, normal((5,)), np.cosh, "f itself in place of its derivative"),
        (np.sinh, normal((5,)), np.sinh, "f itself in place of its derivative"),
        (leaky, MIXED, lambda x: np.where(x > 0, 1.0, 0.0), "the derivative of relu"),
        (leaky, MIXED, lambda x: np.where(x > 0, 1.0, 0.01), "the derivative of leaky_relu with negative_slope=0.01"),
        (leaky, MIXED, np.sign, "the derivative of abs"),
        (leaky, MIXED, lambda x: np.where(x > 0, 1.0, 0.37), "a derivative that is right except where x < 0"),
        # of one number alone a factor with a name is reported
        (np.sin, np.float64(0.7), lambda x: 2 * np.cos(x), "a constant factor of 2"),
        (np.sin, np.array([0.7]), lambda x: np.cos(x) * pi, "a constant factor of π"),
        # all entries that are missing, before a list of them
        (lambda x: x**2 + x[1] * (np.arange(5) == 0), normal((5,)), lambda x: np.diag(2 * x), AS_IF),
    ],
)
def test_the_more_specific_explanation_wins(f: F, x: Array, wrong: F, text: str) -> None:
    assert cause(f, x, wrong) == text


@pytest.mark.parametrize("number", [1.0, -1.0, 0.0])
def test_a_parameter_that_changes_nothing_is_no_factor(number: float) -> None:
    def f(x: Array, k: float = number) -> Array:
        return np.asarray(wave(x) + k)

    assert cause(f, normal((5,)), lambda x: -wave_slope(x)) == "the opposite sign"
    assert cause(f, normal((5,)), lambda x: 0 * x) == CUT_OFF


def test_parameters_that_are_no_numbers_are_left_out() -> None:
    def f(x: Array, mode: str = "3", flag: bool = True) -> Array:
        return wave(x)

    assert cause(f, normal((5,)), lambda x: 3 * wave_slope(x)) == "a constant factor of 3"


def test_an_axis_is_no_chain_factor() -> None:
    right = jacinspect.function("softmax", axis=2)
    options = {"derivative_kind": "jvp", "parameters": {"axis": 2}}
    assert cause("softmax", normal((3, 5, 4)), lambda x, dx: 2 * right.jvp(x, dx), **options).startswith(
        "a constant factor of "
    )


# --- The transpose ----------------------------------------------------------------------------------------------------


def triangle(seed: int) -> Array:
    return np.tril(normal((5, 5), seed))


@pytest.mark.parametrize("form", FORMS[1:])
def test_a_triangular_jacobian_transposed(form: str) -> None:
    for seed in range(3):
        matrix = triangle(seed)
        report = inspected(form, lambda x: matrix @ x, lambda x: matrix.T, normal((5,), seed))  # noqa: B023
        assert explanation(report) == TRANSPOSE


# not: it has entries elsewhere. Of a permutation given as a rule all entries agree by chance, for one color is enough
# for them, and directions alone refute it: nobody then asks for a cause.
@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("matrix", [np.roll(np.eye(5), 1, axis=0), np.tril(normal((5, 5)), -1)])
def test_a_permutation_or_a_strict_triangle_transposed(matrix: Array, form: str) -> None:
    assert explanation(inspected(form, lambda x: matrix @ x, lambda x: matrix.T, normal((5,)))) == TRANSPOSE


def test_a_permutation_that_moves_some_transposed() -> None:
    x = normal((2, 3))
    matrix = np.eye(6).reshape(2, 3, 6).transpose(1, 0, 2).reshape(6, 6)  # of the transposition of a 2×3 matrix
    assert inspected("matrix", lambda x: x.T, lambda x: matrix, x).verdict == "pass"
    assert explanation(inspected("matrix", lambda x: x.T, lambda x: matrix.T, x)) == TRANSPOSE


def test_an_elementwise_derivative_of_a_permutation_is_not_cut_off() -> None:
    assert cause(lambda x: np.roll(x, 1), normal((5,)), np.ones_like) in ("", AS_IF)


def test_a_weight_that_was_not_transposed_in_a_backward() -> None:
    for seed in range(5):
        vjp = lambda x, da: da @ WEIGHT  # noqa: E731 (it should be WEIGHT.T)
        assert cause(lambda x: x @ WEIGHT, normal((2, 3), seed), vjp, derivative_kind="vjp") == TRANSPOSE


def test_slopes_transposed_where_entries_are_of_many_sizes() -> None:
    for seed in range(5):
        x = normal((4, 4), seed) * 10.0 ** np.random.default_rng(seed).integers(-4, 5, (4, 4))
        assert cause(lambda x: x**3, x, lambda x: (3 * x**2).T) == "f'(X) transposed", seed


def test_slopes_transposed_of_a_matrix_that_is_not_square_do_not_fit() -> None:
    x = normal((2, 3))
    assert cause(wave, x, lambda x: wave_slope(x).T.reshape(2, 3)) == ""


@pytest.mark.parametrize("form", FORMS[1:])
def test_a_symmetric_jacobian_is_never_called_transposed(form: str) -> None:
    """It is its own transpose, which therefore explains nothing that is wrong with it."""
    for seed in range(3):
        root = normal((6, 6), seed)
        matrix = root @ root.T
        wrong = matrix + 1e-3 * normal((6, 6), seed + 50)
        x = normal((2, 3), seed)
        given = lambda x: np.tensordot(matrix.reshape(2, 3, 2, 3), x, 2)  # noqa: B023, E731
        assert explanation(inspected(form, given, lambda x: wrong, x)) == ""  # noqa: B023
        spurious = matrix.copy()
        spurious[0, 1:] = spurious[1:, 0] = 0
        banded = spurious + 0.1 * np.eye(6)[[0]].T @ np.eye(6)[[1]]
        f = lambda x: np.tensordot(spurious.reshape(2, 3, 2, 3), x, 2)  # noqa: B023, E731
        assert explanation(inspected(form, f, lambda x: banded, x)) == ""  # noqa: B023


def test_the_transpose_where_a_and_x_differ_in_shape() -> None:
    matrix = normal((6, 6))
    for shape, output in (((2, 3), (6,)), ((6,), (3, 2)), ((2, 3), (3, 2))):
        f = lambda x: (matrix @ x.ravel()).reshape(output)  # noqa: B023, E731
        assert cause(f, normal(shape), lambda x: matrix.T.reshape(output + x.shape)) == TRANSPOSE  # noqa: B023


# --- Places -----------------------------------------------------------------------------------------------------------


def test_a_column_with_its_factor_in_the_message() -> None:
    matrix = normal((4, 4))
    wrong = matrix / np.where(np.arange(4) == 2, 1.7, 1)
    (message,) = refusals(jacinspect.inspect(lambda x: matrix @ x, normal((4,)), lambda x: wrong))
    assert message.endswith("; consistent with a derivative that is right except in column X[2], times 1/1.7")


def test_a_column_that_a_part_of_a_reads_is_a_column() -> None:
    weight = normal((3, 2))
    wrong = np.kron(np.eye(4), weight.T)
    wrong[:, 5] *= 3
    found = explanation(inspected("jvp", lambda x: x @ weight, lambda x: wrong, normal((4, 3))))
    assert found == "a derivative that is right except in column X[1,2], times 3"


PLACES: dict[str, tuple[Shape, Any, str]] = {
    "columns": ((2, 3), np.s_[:, :, :, 1], "columns X[:,1]"),
    "rows": ((2, 3), np.s_[1], "rows A[1,:]"),
    "a block": ((2, 3), np.s_[1, :, 0, :], "the block ∂A[1,:]/∂X[0,:]"),
    "a line of a block": ((3, 3), np.s_[1, :, 0, 2], "the block ∂A[1,:]/∂X[0,2]"),
}


@pytest.mark.parametrize("form", ["matrix", "vjp"])
@pytest.mark.parametrize("name", PLACES)
def test_slices_of_matrices(name: str, form: str) -> None:
    shape, where, text = PLACES[name]
    right = normal(2 * shape)
    for factor, said in ((0.0, ", where it is 0"), (-1.0, ", times −1"), (2.5, ", times 5/2"), (1.23, ", times 1.23")):
        wrong = right.copy()
        wrong[where] *= factor
        size = prod(shape)
        report = inspected(
            form,
            lambda x: np.tensordot(right, x, 2),
            lambda x: wrong.reshape(size, size),  # noqa: B023
            normal(shape),
        )
        assert explanation(report) == f"a derivative that is right except in {text}{said}"


def test_a_place_without_a_factor_is_named_alone() -> None:
    right, noise = normal((5, 5)), 1 + 0.1 * normal((5, 5), 1)
    wrong = np.where(np.arange(5) == 3, right * noise, right)
    assert (
        cause(lambda x: right @ x, normal((5,)), lambda x: wrong) == "a derivative that is right except in column X[3]"
    )


def test_entries_that_f_has_not_are_part_of_a_place() -> None:
    """The full column of a triangle that is given too much."""
    right = np.tril(normal((5, 5)))
    wrong = right.copy()
    wrong[:, 3] = 7
    for form in FORMS[1:]:
        report = inspected(form, lambda x: right @ x, lambda x: wrong, normal((5,)))
        assert explanation(report) == "a derivative that is right except in column X[3]"


def test_a_derivative_that_forgets_a_mask() -> None:
    """f reads nothing where the claim has its entries: the claim is asked at f(X) for those entries too."""
    keep = np.array([[True, False, True]])
    message = refusals(jacinspect.inspect(lambda x: np.where(keep, wave(x), 0.0), normal((2, 3)), wave_slope))
    assert len(message) == 1
    assert "the derivative has entries where the function has none: 2 entries" in message[0]
    assert AT_OUTPUT not in message[0]


def test_silence_where_all_of_a_place_but_one_entry_is_wrong() -> None:
    right = normal((5, 5))
    for factor in (1.7, 0.0):
        wrong = np.where(np.arange(5) == 3, factor * right, right)
        wrong[1, 3] = right[1, 3]
        assert "column" not in cause(lambda x: right @ x, normal((5,)), lambda x: wrong)  # noqa: B023


# --- Right along some directions alone --------------------------------------------------------------------------------


def test_a_claim_without_its_mean_is_not_explained_where_f_does_not_move_along_it() -> None:
    """p (1 - p) four times: the claim and the Jacobian are both 0 along what keeps a variance of two numbers."""
    assert cause(softmax, np.array([0.3, -0.4]), lambda x: 1.37 * softmax_matrix(x)) == ""


def test_a_symmetric_x_is_needed_to_call_it_so() -> None:
    x = normal((3, 3))
    report = jacinspect.inspect(lambda x: (x**3).sum(), x, lambda x: 3 * (x**2 + x.T**2) / 2)
    assert "symmetric" not in explanation(report)


# --- f itself is what the claim is the derivative of ------------------------------------------------------------------


def test_the_derivative_of_the_very_function_is_not_accused_alone() -> None:
    gelu, x = function("gelu"), normal((3, 5))
    assert gelu.derivative is not None
    rough = lambda x: gelu(x) * (1 + 3e-8 * np.sin(1e4 * x))  # noqa: E731
    name = "gelu with approximate=none"
    found = cause(rough, x, gelu.derivative)
    assert found == f"the derivative of {name}, and f is {name} at X to 6 digits: look at f before the derivative"
    tanh_form = lambda x: 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))  # noqa: E731
    assert cause(tanh_form, x, gelu.derivative) == f"the derivative of {name}"


@pytest.mark.parametrize("width", [8.0, 2.0, 0.5, 0.4])
def test_a_straight_through_rule_of_any_step_width(width: float) -> None:
    x = width * (np.array([0.2, -1.3, 2.1, 0.4]))
    report = jacinspect.inspect(lambda x: np.round(x / width) * width, x, np.ones_like)
    assert report.verdict == "inconclusive"
    (message,) = [finding.message for finding in report.findings if finding.code == "J006"]
    assert "the analytic one is 1; consistent with a straight-through rule" in message


@pytest.mark.parametrize("f", [lambda x: np.where(x > 3, x, 0.5), np.sign, lambda x: np.clip(x, -0.1, 0.1)])
def test_what_is_flat_at_x_and_moves_elsewhere_is_no_step(f: F) -> None:
    shifted = lambda x: f(x) / 3 + 0.1  # noqa: E731
    assert cause(shifted, -1 - np.abs(normal((4,))), np.ones_like) == ""


# --- Broadcast operands -----------------------------------------------------------------------------------------------


def test_a_factor_of_a_broadcast_product() -> None:
    x, y = normal((5, 1)), normal((5, 7), 1)
    assert cause("multiply", x, lambda x, y: 3 * y, others=[y]) == "a constant factor of 3"
    assert cause("multiply", x, lambda x, y: -y, others=[y]) == "the opposite sign"


def test_a_broadcast_operand_whose_derivative_has_no_constant_factor() -> None:
    x, y = normal((5, 1)), normal((5, 7), 1)
    assert cause("multiply", x, lambda x, y: y + x, others=[y]) == ""
    assert cause(lambda x: np.exp(x) * np.ones((3, 1)), normal((5,)), lambda x: 2 * x * np.ones((3, 1))) == (
        "the derivative of square"
    )
    assert cause(lambda x: np.tanh(x) * np.ones((3, 1)), normal((5,)), lambda x: np.tanh(x) * np.ones((3, 1))) == (
        "f itself in place of its derivative"
    )


# --- Silence ----------------------------------------------------------------------------------------------------------


def test_silence_where_errors_are_random() -> None:
    for seed in range(5):
        for size in (1e-6, 1e-2, 1.0):
            off = 1 + size * normal((3, 5), seed + 100)
            assert cause(wave, normal((3, 5), seed), lambda x: wave_slope(x) * off) == ""  # noqa: B023


def test_silence_where_errors_are_random_off_the_diagonal_too() -> None:
    for seed in range(10):
        noise = 1 + 0.01 * normal((6, 6), seed)
        x = normal((2, 3), seed)
        assert explanation(inspected(FORMS[1 + seed % 4], softmax, lambda x: softmax_matrix(x) * noise, x)) == ""  # noqa: B023


@pytest.mark.parametrize(
    "other",
    [
        lambda x: 3 * wave_slope(x),
        lambda x: 1.37 * wave_slope(x),
        wave,
        lambda x: 0 * x,
        silu_slope,
    ],
)
def test_silence_where_two_causes_have_an_entry_each(other: F) -> None:
    for seed in range(4):
        mixed = where(lambda x: np.arange(x.size).reshape(x.shape) % 2 == 0, lambda x: -wave_slope(x), other)
        assert explanation(inspected(FORMS[seed], wave, mixed, normal((3, 5), seed))) == ""


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_silence_where_one_entry_is_off_by_a_factor_without_a_name(shape: Shape) -> None:
    for seed in range(3):
        x = normal(shape, seed) + 5
        assert cause(lambda x: x**2, x, lambda x: 1.37 * 2 * x) == ""


def test_silence_where_all_entries_are_one_and_the_factor_has_no_name() -> None:
    assert cause(lambda x: 3 * x, normal((5,)), lambda x: 1.37 * 3 * np.ones_like(x)) == ""
    assert cause(softmax, np.array([0.3, -0.4]), lambda x: 1.37 * softmax_matrix(x)) == ""  # p(1-p), four times


def test_one_entry_beside_zeros_makes_no_constant_factor() -> None:
    found = cause(lambda x: x**3, np.array([0.0, 0, 0, 0, 2]), lambda x: 1.37 * 3 * x**2)
    assert found in (
        "a derivative that is right except in ∂A[4]/∂X[4]",
        "a derivative that is right except where x > 0",
    )


def test_two_entries_of_very_different_size_make_a_constant_factor() -> None:
    found = cause(lambda x: x**3, np.array([1e-9, 0, 0, 0, 2]), lambda x: 1.37 * 3 * x**2)
    assert found == "a constant factor of 1.37"


@pytest.mark.parametrize("wrong", [np.ones_like, lambda x: x + 7])
@pytest.mark.parametrize("f", ["relu", lambda x: np.tanh(30 * x) / 3])
def test_silence_where_the_function_is_flat(f: Any, wrong: F) -> None:
    assert cause(f, -1 - np.abs(normal((4,))), wrong) == ""


# the factor, reach up to them.
@pytest.mark.parametrize("multiple", [1.5, 3.0, -3.0, 7.7])
def test_a_factor_of_what_may_be_0_is_no_explanation(multiple: float) -> None:
    x = np.array([30.0, 40.0, 50.0])
    flat = lambda x: np.tanh(x) / 3  # noqa: E731
    report = jacinspect.inspect(flat, x)
    assert report.jacobian is not None
    assert report.jacobian.error_bar is not None
    wrong = multiple * report.jacobian.error_bar
    assert cause(flat, x, lambda x: wrong) == ""


@pytest.mark.parametrize("number", [-1e30, inf])
def test_a_parameter_for_what_is_masked_is_no_explanation(number: float) -> None:
    def masked(x: Array, mask: float = number) -> Array:
        return np.asarray(np.where(np.isnan(x), mask, np.tanh(x) / 3))

    assert cause(masked, np.array([30.0, 40.0, 50.0]), lambda x: x) == ""


def test_a_parameter_that_is_not_finite_is_no_factor() -> None:
    def limited(x: Array, limit: float = inf) -> Array:
        return np.asarray(np.sin(np.minimum(x, limit)))

    assert cause(limited, normal((5,)), lambda x: np.cos(x) + x) == ""


def test_a_claim_that_is_0_at_0_is_not_in_terms_of_the_output() -> None:
    assert cause("relu", -1 - np.abs(normal((4,))), lambda x: x) == ""


@pytest.mark.parametrize("x", [[0.0], [1.0, 0.0, 2.0], [-1.0, -2.0, 0.0]])
def test_silence_where_only_kinks_are_refused(x: list[float]) -> None:
    at = np.array(x)
    assert cause("relu", at, lambda x: np.where(x == 0, 5.0, x > 0)) == ""
    assert cause("relu", at, lambda x: np.where(x == 0, -1.0, x > 0)) == ""


@pytest.mark.parametrize("at_kink", [-2.0, 0.0, 7.0])
def test_a_kink_does_not_hide_what_explains_the_others(at_kink: float) -> None:
    x = np.array([-1.0, 0.0, 2.0, 3.0, -0.5])
    for factor, text in ((-1, "the opposite sign"), (1.37, "a constant factor of 1.37")):
        report = jacinspect.inspect(
            lambda x: np.abs(x) + 2 * x + x**2,
            x,
            lambda x: np.where(x == 0, at_kink, factor * (np.sign(x) + 2 + 2 * x)),  # noqa: B023
        )
        assert explanation(report) == text
        assert len(refusals(report)) == 2  # one of them on the kink, of which no cause is reported


def test_a_claim_that_is_not_finite_is_no_entry_elsewhere() -> None:
    report = jacinspect.inspect(np.exp, np.array([1.0, 2.0]), lambda x: np.array([inf, np.exp(2)]))
    assert [finding.code for finding in report.findings] == ["J004"]


def test_entries_that_are_not_finite_are_left_out() -> None:
    x = np.array([np.nan, 1.0, 2.0, np.inf, -0.5, 0.3, 0.1])
    assert cause(np.sin, x, lambda x: -np.cos(x)) == "the opposite sign"
    assert cause(np.sin, x, lambda x: np.cos(x) + x) == ""


ALL_BUT_ONE = [name for name in MISTAKES if not name.startswith(("one entry", "below", "above"))]


@pytest.mark.parametrize("name", ALL_BUT_ONE)
def test_silence_where_an_explanation_fits_all_entries_but_one(name: str) -> None:
    mistake = MISTAKES[name]
    largest = tuple(shape for shape in mistake.shapes if prod(shape) >= 5)
    once_more = replace(mistake, wrong=one_off(mistake.wrong, 0, 0), shapes=largest)
    forms = FORMS if mistake.elementwise else FORMS[1:]
    for seed in range(3):
        assert explanation(once_more.report(forms[seed], seed)) == "", seed


@pytest.mark.parametrize(("name", "place"), [("below 0", 1), ("above 0", 0)])
def test_silence_where_one_entry_on_the_right_side_is_wrong_too(name: str, place: int) -> None:
    for seed in range(4):
        mistake = replace(MISTAKES[name], shapes=((5,),), wrong=one_off(MISTAKES[name].wrong, place, place))
        assert explanation(mistake.report(FORMS[seed], seed)) == ""


@pytest.mark.parametrize(("number", "of", "listed"), [(4, 16, True), (4, 15, False), (5, 40, False), (1, 4, True)])
def test_entries_are_listed_where_they_are_few(number: int, of: int, listed: bool) -> None:
    x = normal((of,)) * (-1.0) ** np.arange(of)
    x[[0, -1]] = -1.1, -1.2  # a wrong one and a right one on the same side
    wrong = cause(wave, x, lambda x: wave_slope(x) + 0.1 * (np.arange(of) < number))
    places = ", ".join(f"∂A[{k}]/∂X[{k}]" for k in range(number))
    assert wrong == (f"a derivative that is right except in {places}" if listed else "")


# --- Single precision -------------------------------------------------------------------------------------------------


def single(f: F) -> F:
    """Compute in float32, whatever is asked for."""
    return lambda x: np.asarray(f(np.asarray(x, np.float32)), np.float32)


def test_an_operand_of_single_precision() -> None:
    for name in ("sign", "named", "unnamed", "no chain factor", "f itself", "slopes transposed", "without beta"):
        mistake = MISTAKES[name]
        for seed in range(3):
            x = mistake.x(seed).astype(np.float32)
            assert explanation(inspected(FORMS[seed], mistake.f, mistake.wrong, x)) == mistake.text, (name, seed)


@pytest.mark.parametrize(
    ("f", "wrong", "text"),
    [
        (wave, lambda x: -wave_slope(x), "the opposite sign"),
        (wave, lambda x: 2 * wave_slope(x), "a constant factor of 2"),
        (wave, wave, "f itself in place of its derivative"),
        (wave, lambda x: 0 * x, CUT_OFF),
        (lambda x: x * sigmoid(np.float32(1.5) * x), silu_slope, "the derivative of silu with beta=1"),
        (sigmoid, lambda x: x * (1 - x), AT_OUTPUT),
    ],
)
def test_a_function_that_computes_in_single_precision(f: F, wrong: F, text: str) -> None:
    for seed in range(3):
        assert cause(single(f), normal((3, 5), seed).astype(np.float32), single(wrong)) == text


def test_factors_in_single_precision_are_as_good_as_the_values() -> None:
    for seed in range(3):
        found = cause(single(wave), normal((3, 5), seed), single(lambda x: 1.37 * wave_slope(x)))
        assert float(found.removeprefix("a constant factor of ")) == pytest.approx(1.37, rel=1e-3)


def test_silence_in_single_precision() -> None:
    for seed in range(5):
        noise = 1 + 0.1 * normal((3, 5), seed)
        assert cause(single(wave), normal((3, 5), seed), lambda x: wave_slope(x) * noise) == ""  # noqa: B023


# --- Random functions and random mistakes -----------------------------------------------------------------------------

COEFFICIENTS = st.tuples(*[st.floats(0.25, 2.0).flatmap(lambda x: st.sampled_from([x, -x]))] * 3)
SHAPES = st.sampled_from([(), (1,), (3,), (6,), (2, 2), (2, 3), (3, 3)])


@dataclass(frozen=True)
class Smooth:
    """A smooth function with its derivative by hand."""

    kind: str
    a: float
    b: float
    c: float

    def value(self, x: Array) -> Array:
        a, b, c = self.a, self.b, self.c
        return np.asarray(
            {
                "wave": lambda: a * np.sin(b * x) + c * x**2,
                "bell": lambda: a * np.exp(-((b * x) ** 2)) + c * x,
                "step": lambda: a * np.tanh(b * x + c),
                "cubic": lambda: a * x**3 + b * x**2 + c * x,
            }[self.kind]()
        )

    def slope(self, x: Array) -> Array:
        a, b, c = self.a, self.b, self.c
        return np.asarray(
            {
                "wave": lambda: a * b * np.cos(b * x) + 2 * c * x,
                "bell": lambda: -2 * a * b**2 * x * np.exp(-((b * x) ** 2)) + c,
                "step": lambda: a * b / np.cosh(b * x + c) ** 2,
                "cubic": lambda: 3 * a * x**2 + 2 * b * x + c,
            }[self.kind]()
        )


SMOOTH = st.builds(
    lambda kind, abc: Smooth(kind, *abc), st.sampled_from(["wave", "bell", "step", "cubic"]), COEFFICIENTS
)
POINTS = st.builds(normal, SHAPES, st.integers(0, 2**32))


@settings(deadline=None, max_examples=40)
@given(SMOOTH, POINTS, st.sampled_from(FORMS), st.booleans())
def test_right_derivatives_are_never_accused(f: Smooth, x: Array, form: str, narrow: bool) -> None:
    x = x.astype(np.float32) if narrow else x
    report = inspected(form, f.value, diagonal(f.slope), x)
    assert refusals(report) == []
    assert report.verdict == "pass"


@settings(deadline=None, max_examples=40)
@given(SMOOTH, SMOOTH, POINTS, st.sampled_from(FORMS))
def test_a_random_mistake_is_not_explained(f: Smooth, other: Smooth, x: Array, form: str) -> None:
    right, wrong = f.slope(x), other.slope(x)
    assume(np.all(np.abs(wrong - right) > 1e-3 * (np.abs(right) + np.abs(wrong))))
    text = explanation(inspected(form, f.value, diagonal(other.slope), x))
    assert text == "" or confirmed(text, x, f, other.slope), text


CHANGES: dict[str, Callable[[Smooth], F]] = {
    "sign": lambda f: lambda x: -f.slope(x),
    "half": lambda f: lambda x: 0.5 * f.slope(x),
    "factor": lambda f: lambda x: 1.0123 * f.slope(x),
    "no chain rule": lambda f: lambda x: f.slope(x) / f.b,
    "by the output": lambda f: lambda x: f.slope(f.value(x)),
    "itself": lambda f: f.value,
    "transposed": lambda f: lambda x: f.slope(x).T.reshape(x.shape),
    "below 0": lambda f: lambda x: f.slope(x) + 0.2 * (x < 0),
    "first": lambda f: lambda x: f.slope(x) + 0.2 * (np.arange(x.size).reshape(x.shape) == 0),
    "silu": lambda f: silu_slope,
    "cut off": lambda f: lambda x: 0 * x,
    "silu and a shift": lambda f: lambda x: silu_slope(x) + 1e-4,
    "sign, mostly": lambda f: lambda x: np.where(np.arange(x.size).reshape(x.shape) == 0, 1.1, -1) * f.slope(x),
}


@settings(deadline=None, max_examples=60)
@given(SMOOTH, st.sampled_from(sorted(CHANGES)), POINTS)
def test_an_explanation_is_true(f: Smooth, change: str, x: Array) -> None:
    claim = CHANGES[change](f)
    named = lambda x, b=f.b: replace(f, b=b).value(x)  # noqa: E731
    report = jacinspect.inspect(named, x, claim)
    assume(refusals(report))
    text = explanation(report)
    assert text == "" or confirmed(text, x, f, claim), text


def confirmed(text: str, x: Array, f: Smooth, claim: F) -> bool:
    """Whether an explanation of a claim about an element-wise function is true, by what it says."""
    right, given_ = f.slope(x), claim(x)
    fits = {
        "the opposite sign": lambda: near(given_, -right),
        CUT_OFF: lambda: not np.any(given_),
        AT_OUTPUT: lambda: near(claim(f.value(x)), right),
        "f'(X) transposed": lambda: near(given_, right.T),
        "f itself in place of its derivative": lambda: near(given_, f.value(x)),
        "a derivative that is right except where x < 0": lambda: np.array_equal(~entrywise(given_, right), x < 0),
        "a derivative that is right except where x > 0": lambda: np.array_equal(~entrywise(given_, right), x > 0),
        f"a missing chain factor: it is right times b={f.b:g}": lambda: near(given_ * f.b, right),
        f"a chain factor too many: it is b={f.b:g} times what is right": lambda: near(given_, f.b * right),
    }
    if text in fits:
        return bool(fits[text]())
    if text.startswith("a constant factor of "):
        return near(given_, evaluated(text.removeprefix("a constant factor of ")) * right)
    if text.startswith("a derivative that is right except in "):
        listed = set(re.findall(r"∂A(\S*?)/∂X\1(?:,|$)", text))
        off = {str(list(map(int, index))).replace(" ", "") for index in np.argwhere(~entrywise(given_, right))}
        return listed == off
    name, *rest = text.removeprefix("the derivative of ").split(" with ")
    numbers = dict(number.split("=") for number in "".join(rest).split(", ") if number)
    other = jacinspect.function(name, **{key: float(value) for key, value in numbers.items()})
    h = 1e-5
    return near(given_, (other(x + h) - other(x - h)) / (2 * h), 1e-6)


def near(a: Array, b: Array, tolerance: float = 1e-8) -> bool:
    return bool(np.all(np.abs(a - b) <= tolerance * (1 + np.abs(b))))


def entrywise(a: Array, b: Array) -> Array:
    return np.asarray(np.abs(a - b) <= 1e-8 * (1 + np.abs(b)))


def evaluated(name: str) -> float:
    """The number that a factor's name stands for."""
    text = re.sub(r" \(\d+ is (a|the) size of [AX]\)$", "", name).replace("−", "-")
    text = re.sub(r"ln (\d+)", r"log(\1)", re.sub(r"(\d)π", r"\1*π", text))
    text = re.sub(r"√(\d+|π)", r"sqrt(\1)", text).replace("√(", "sqrt(").replace("π", "pi")
    assert re.fullmatch(r"(?:[\d.*/()+-]|sqrt|log|pi|e)+", text), name
    return float(eval(text, {"__builtins__": {}}, {"sqrt": sqrt, "log": log, "pi": pi, "e": e}))


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_a_rule_that_forgets_to_multiply(kind: AnyDerivativeKind) -> None:
    x = np.array([0.5, -1.0, 2.0])
    of = "tangent" if kind == "jvp" else "cotangent"
    report = jacinspect.inspect("tanh", x, lambda x, v: 1 - np.tanh(x) ** 2 + 0 * v, derivative_kind=kind)
    (found,) = [finding for finding in report.findings if finding.code == "J001"]
    assert (
        f"; consistent with a rule that is not linear in the {of}: its result has to be multiplied by it"
        in found.message
    )
    with pytest.raises(FunctionFailedError, match=f"the derivative is not linear in the {of}"):
        verify_identities(
            with_derivative(function("tanh"), lambda x, v: 1 - np.tanh(x) ** 2 + 0 * v, kind).by(1, [x]), x
        )


def test_a_derivative_of_single_precision() -> None:
    report = jacinspect.inspect("tanh", np.array([0.5, -1.0]), lambda x: 1 - np.tanh(x.astype(np.float32)) ** 2)
    (found,) = [finding for finding in report.findings if finding.code == "J001"]
    assert found.message.endswith("; consistent with a derivative computed in float32")


def test_a_derivative_with_constants_in_single_precision() -> None:
    """As a module has them whose weights are in float32, the default of torch and jax."""
    weights = np.array([0.5, 1.3, 0.7], np.float32)
    x = normal((4, 3))
    report = jacinspect.inspect(lambda x: ((x / weights.astype(float)) ** 2).sum(), x, lambda x: 2 * x / weights**2)
    (found,) = [finding for finding in report.findings if finding.code == "J001"]
    assert found.message.endswith("; consistent with a derivative with constants in float32")


def mixed(x: Array) -> Array:
    """Return three numbers of two, all of which read both."""
    return np.array([np.exp(x[0] / 100) * np.sin(x[1]), x[0] / (1 + x[1] ** 2), x[0] ** 2 * np.cos(x[1])])


def quotient(f: F, x: Array, low: int, high: int, steps: Array) -> Array:
    """Return differences of f as a tensor, by one input at a time."""
    units = np.eye(x.size)
    moved = [[f(x + side * h * e) for h, e in zip(steps, units, strict=True)] for side in (low, high)]
    return np.asarray((np.stack(moved[1], axis=-1) - np.stack(moved[0], axis=-1)) / ((high - low) * steps))


@pytest.mark.parametrize(
    ("name", "low", "high", "step", "said", "dtype"),
    [
        ("forward", 0, 1, 1e-6, "1e-06", "float64"),
        ("forward", 0, 1, 2.0**-26, "1.49e-08", "float64"),
        ("backward", -1, 0, 1e-4, "0.0001", "float64"),
        ("central", -1, 1, 1e-3, "0.001", "float64"),
        ("forward", 0, 1, 1e-3, "0.001", "float32"),
        ("backward", -1, 0, 1e-4, "0.0001", "float32"),
    ],
)
def test_a_claim_that_is_a_difference_quotient(
    name: str, low: int, high: int, step: float, said: str, dtype: str
) -> None:
    words = f"a {name} difference of f with step {said}"
    far, near = np.array([40.0, -1.7], dtype), np.array([0.375, -0.7], dtype)
    scaled = lambda x: quotient(mixed, x, low, high, step * np.maximum(1, np.abs(x)))  # noqa: E731
    plain = lambda x: quotient(mixed, x, low, high, np.full(2, step))  # noqa: E731
    assert cause(mixed, near, plain) == cause(mixed, near, scaled) == words
    assert cause(mixed, far, plain) == words
    assert cause(mixed, far, scaled) == f"{words} max(1, |X|)"
    total = lambda x: np.sin(mixed(x)).sum()  # noqa: E731
    assert cause(total, near, lambda x: quotient(total, x, low, high, np.full(2, step))) == words
    slopes = lambda x: (np.exp(x + high * step) - np.exp(x + low * step)) / ((high - low) * step)  # noqa: E731
    assert cause(np.exp, near, slopes) == words


def test_silence_where_no_difference_quotient_fits() -> None:
    x = np.array([0.375, -0.7])

    def forward(x: Array, step: float) -> Array:
        return quotient(mixed, x, 0, 1, np.full(2, step))

    for wrong in (
        lambda x: forward(x, 3e-6),
        lambda x: forward(x, 1e-6) + np.array([[0, 1e-7], [0, 0], [0, 0]]),
        lambda x: forward(x, 1e-5) + 1e-6,
    ):
        assert "difference" not in cause(mixed, x, wrong)


def test_a_function_that_is_random_is_not_differenced_for_a_cause() -> None:
    rng = np.random.default_rng(0)
    noisy = lambda x: mixed(x) * (1 + 1e-15 * rng.standard_normal())  # noqa: E731
    x, wrong = np.array([0.375, -0.7]), lambda x: quotient(mixed, x, 0, 1, np.full(2, 1e-4))
    assert "difference" in cause(mixed, x, wrong)
    assert "difference" not in cause(noisy, x, wrong)


KINDS = [(name, plant, shapes) for plants, shapes in FAMILIES for name, plant in plants.items()]


@pytest.mark.parametrize(("name", "plant", "shapes"), KINDS, ids=[name for name, *_ in KINDS])
def test_every_planted_mistake_is_explained(name: str, plant: Any, shapes: tuple[Shape, ...]) -> None:
    """The benchmark in small: each kind at one point of one shape."""
    result = score(plant, shapes[len(name) % len(shapes) :][:1], 1)
    assert (result.right, result.wrong) == (1, 0), result


def test_a_place_in_a_bundle_is_called_by_the_part_s_name() -> None:
    x, w, b = normal((4, 3)), normal((3, 2), 1), normal((2,), 2)

    def pull(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array]:
        d = (1 - np.tanh(x @ w + b) ** 2) * g
        return d @ w.T, x.T @ d, 2.5 * d.sum(axis=0)

    def value(x: Array, w: Array, b: Array) -> Array:
        return np.asarray(np.tanh(x @ w + b))

    found = cause(value, x, pull, derivative_kind="vjp", others=[w, b], wrt="all")
    assert found == "a derivative that is right except in columns b, times 5/2"

    def column(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array]:
        of_x, of_w, of_b = pull(x, w, b, g)
        return of_x, of_w * np.array([1.0, -1.0]), of_b / 2.5

    found = cause(value, x, column, derivative_kind="vjp", others=[w, b], wrt="all")
    assert found == "a derivative that is right except in the block ∂A[:,1]/∂w[:,1], times −1"


def test_two_swapped_numbers_are_no_variance_that_was_taken_as_a_constant() -> None:
    """Whatever sums to 0 is a multiple of what two numbers are off their mean."""
    report = jacinspect.inspect(lambda x: x[0] * x[1], [2.0, 3.0], lambda x: x, derivative_kind="gradient")
    assert report.verdict == "fail"
    assert not any("constant" in found.message for found in report.findings)


# --- A tuple that has something else than an entry for each operand


def boosted(true: Array, predicted: Array) -> Any:
    return 0.5 * np.sum((np.log1p(predicted) - np.log1p(true)) ** 2)


def of_boosted(true: Array, predicted: Array) -> tuple[Array, Array]:
    """Return the gradient and the diagonal of the Hessian by the second operand, as xgboost's objectives do."""
    off = np.log1p(predicted) - np.log1p(true)
    return off / (predicted + 1), (1 - off) / (predicted + 1) ** 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_and_a_hessian_by_the_second_operand_are_named(dtype: str) -> None:
    true, predicted = np.array([1, 2, 3, 0.5], dtype), np.array([2, 1, 1.5, 0.25], dtype)
    report = jacinspect.inspect(boosted, true, of_boosted, others=[predicted], wrt="predicted")
    assert explanation(report) == (
        "a tuple in another order: its entry by true is right for X; of a gradient and what follows it, return "
        "the gradient alone"
    )
    alone = jacinspect.inspect(boosted, true, lambda *x: of_boosted(*x)[0], others=[predicted], wrt="predicted")
    assert alone.verdict == "pass"
    neither = jacinspect.inspect(
        boosted, true, lambda *x: (1.01 * of_boosted(*x)[0], of_boosted(*x)[1]), others=[predicted], wrt="predicted"
    )
    assert not explanation(neither).startswith("a tuple in another order")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_two_gradients_in_another_order_none_is_left_out(dtype: str) -> None:
    def loss(x: Array, y: Array) -> Any:
        return (np.exp(x) * y**2).sum()

    def swapped(x: Array, y: Array) -> tuple[Array, Array]:
        return 2 * np.exp(x) * y, np.exp(x) * y**2

    x, y = np.array([0.3, -1, 0.7], dtype), np.array([2, 1, 1.5], dtype)
    report = jacinspect.inspect(loss, x, swapped, others=[y])
    assert explanation(report) == "a tuple in another order: its entry by y is right for X"


def energy(x: Array) -> Any:
    return np.sin(x).sum()


def with_both(x: Array) -> Any:
    """Return the value, the gradient and the Hessian."""
    return energy(x), np.cos(x), -np.diag(np.sin(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("f", "claim"),
    [(energy, with_both), (with_both, with_both), (energy, lambda x: with_both(x)[1:]),
     (energy, lambda x: with_both(x)[:0:-1])],
)  # fmt: skip
def test_the_only_item_of_a_tuple_that_fits_is_named(f: Any, claim: Any, dtype: str) -> None:
    said = ";\nthe item of shape 3 of the tuple fits by itself: return no other derivative with it"
    with pytest.raises(FunctionFailedError, match=f"{said}$"):
        jacinspect.inspect(f, np.array([0.3, 1, -0.5], dtype), claim)


def test_of_several_items_that_fit_none_is_named() -> None:
    x = np.linspace(-1, 2, 5)
    several = ";\nseveral items of the tuple fit by themselves: return the right one alone$"
    with pytest.raises(FunctionFailedError, match=several):
        jacinspect.inspect(np.square, x, lambda x: (2 * x, np.full(5, 2.0)))

    def loss(x: Array, y: Array, labels: Array) -> Any:
        return (np.exp(x) * y * labels).sum() + x.sum()

    def by_two(x: Array, y: Array, labels: Array) -> Any:
        return np.exp(x) * y * labels + 1, np.exp(x) * labels

    with pytest.raises(FunctionFailedError, match=several):
        jacinspect.inspect(loss, x, by_two, others=[x + 2, x - 3], wrt="y")


def test_f_itself_is_not_named_as_its_derivative() -> None:
    x = np.linspace(-1, 2, 5)
    with pytest.raises(FunctionFailedError, match="a tuple that is no array") as told:
        jacinspect.inspect(np.square, x, lambda x: (x**2, np.ones((7, 2))))
    assert "itself" not in str(told.value)
