"""What a person types, to a Function: which of a name, an expression, a reference or a callable is meant."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function as catalogue_function
from jacinspect.functions.resolve import is_reference, resolve, with_derivative
from jacinspect.inspection.report import Report
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((2, 3))
Y = np.random.default_rng(1).standard_normal((2, 3))

CODE = """
import numpy as np

def swish(x, beta=1.0):
    return x / (1 + np.exp(-beta * x))

def swish_prime(x, beta=1.0):
    s = 1 / (1 + np.exp(-beta * x))
    return s + beta * x * s * (1 - s)

def forgetful(x):
    return swish_prime(x)

def swish_jvp(x, dx, beta=1.0):
    return swish_prime(x, beta) * dx

def tanh(x):
    return 2 * x
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "resolved_acts.py").write_text(CODE)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("resolved_acts", None)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


def output(report: Report) -> Array:
    assert report.output is not None
    return report.output


# --- Functions


@pytest.mark.parametrize("text", ["tanh", "TanH", "leaky_relu", "Leaky-ReLU", "leaky relu", "logistic"])
def test_a_name_of_the_catalogue(text: str) -> None:
    found = resolve(text)
    assert found.source == "catalogue"
    np.testing.assert_array_equal(found(X), catalogue_function(text)(X))


def test_parameters_of_the_catalogue() -> None:
    assert resolve("leaky_relu", {"negative_slope": 0.5}).parameters == {"negative_slope": 0.5}
    with pytest.raises(InputError, match="slope"):
        resolve("leaky_relu", {"slope": 0.5})


@pytest.mark.parametrize("text", ["resolved_acts:swish", "resolved_acts.py:swish"])
def test_a_reference(text: str) -> None:
    found = resolve(text, {"beta": 2.0})
    assert (found.name, found.source, found.operands, found.parameters) == (text, "python", ("x",), {"beta": 2.0})
    np.testing.assert_allclose(found.by(1, [X])(X), X / (1 + np.exp(-2 * X)))


def test_a_reference_is_not_the_catalogue_s_function_of_that_name() -> None:
    assert jacinspect.inspect("resolved_acts:tanh", X, lambda x: 2.0).verdict == "pass"
    assert jacinspect.inspect("tanh", X, lambda x: 2.0).verdict == "fail"


def test_a_function_of_ours_is_itself() -> None:
    found = catalogue_function("tanh")
    assert resolve(found) is found
    with pytest.raises(InputError, match="tanh has its parameters already; 'k' cannot be set"):
        resolve(found, {"k": 1})


def test_a_callable() -> None:
    assert resolve(np.hypot).operands == ("x", "y")
    assert resolve(lambda x, k=2.0: x, {"k": 3.0}).parameters == {"k": 3.0}


@pytest.mark.parametrize(
    ("text", "meant"), [("sigmiod", "sigmoid"), ("sofmax", "softmax"), ("leaky-rleu", "leaky_relu")]
)
def test_a_misspelt_name(text: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"there is no function '{text}'; did you mean .*{meant}"):
        resolve(text)


def test_a_backend_that_there_is_not() -> None:
    for function in ("tanh", np.sin, "resolved_acts:swish"):
        with pytest.raises(InputError) as error:
            resolve(function, backend="tensorflow")
        assert str(error.value) == "backend: 'tensorflow' is not one of numpy, torch, jax"


# --- Derivatives


def test_a_reference_or_a_callable_as_the_derivative() -> None:
    for derivative in ("resolved_acts:swish_prime", "resolved_acts.py:swish_prime", "  resolved_acts:swish_prime "):
        report = jacinspect.inspect("resolved_acts:swish", X, derivative, parameters={"beta": 1.5})
        assert report.verdict == "pass"
        assert report.function.derivative == derivative.strip()
    report = jacinspect.inspect("resolved_acts:swish", X, "resolved_acts:forgetful", parameters={"beta": 1.5})
    assert codes(report) == ["J001"]
    jvp: dict[str, Any] = {"derivative": "resolved_acts:swish_jvp", "derivative_kind": "jvp"}
    assert jacinspect.inspect("resolved_acts:swish", X, parameters={"beta": 1.5}, **jvp).verdict == "pass"
    assert jacinspect.inspect("silu", X, **jvp).verdict == "pass"


def test_a_claim_takes_the_place_of_every_other_rule() -> None:
    assert jacinspect.inspect("tanh", X).verdict == "pass"
    wrong = jacinspect.inspect("tanh", X, lambda x: 1 - np.tanh(x))
    assert codes(wrong) == ["J001"]
    for wrt in (1, 2):
        right = jacinspect.inspect("multiply", X, lambda x, y: (y, x), others=[Y], wrt=wrt)
        assert right.verdict == "pass"
        assert codes(jacinspect.inspect("multiply", X, lambda x, y: (x, y), others=[Y], wrt=wrt)) == ["J001"]


def test_without_a_derivative_the_jacobian_is_numeric_alone() -> None:
    report = jacinspect.inspect("resolved_acts:swish", X)
    assert (report.verdict, codes(report)) == ("pass", [])
    assert report.jacobian is not None
    assert report.jacobian.analytic is None
    assert report.jacobian.numeric is not None
    assert report.agreement is not None
    assert report.agreement.entries_compared == 0


@pytest.mark.parametrize("kind", ["slope", "JVP", ""])
def test_a_kind_that_there_is_not(kind: str) -> None:
    with pytest.raises(InputError) as error:
        with_derivative(resolve("tanh"), np.cos, kind)
    assert str(error.value) == (f"derivative kind {kind!r} is not one of elementwise, gradient, jacobian, jvp, vjp")


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_an_expression_is_no_rule(kind: str) -> None:
    with pytest.raises(InputError) as error:
        with_derivative(resolve("tanh"), "1 - tanh(x)**2", kind)
    said = f"derivative '1 - tanh(x)**2': a {kind} is code that takes a tangent too, not an expression"
    assert str(error.value) == said


@pytest.mark.parametrize("text", ["resolved_acts:swish_pirme", "resolved_acts.py:nothing", "nowhere_at_all:f"])
def test_a_derivative_that_is_not_there(text: str) -> None:
    with pytest.raises(InputError, match=f"^{text.partition(':')[0]}"):
        with_derivative(resolve("tanh"), text)


# --- Expressions

RIGHT: list[tuple[str | Callable[..., Any], str, dict[str, Any]]] = [
    ("tanh", "1 - tanh(x)**2", {}),
    ("sigmoid", "sigmoid(x) * (1 - sigmoid(x))", {}),
    (np.sin, "cos(x)", {}),
    (lambda z: z * z, "2 * x", {}),
    (lambda z: z * z, "2 * z", {}),
    (lambda x: 3 * x, "3", {}),
    (
        "resolved_acts:swish",
        "sigmoid(beta * x) + beta * x * sigmoid(beta * x) * (1 - sigmoid(beta * x))",
        {"beta": 1.5},
    ),
    ("leaky_relu", "where(x > 0, 1, negative_slope)", {"negative_slope": 0.3}),
]


@pytest.mark.parametrize(("function", "text", "parameters"), RIGHT)
def test_an_expression_as_the_derivative(function: Any, text: str, parameters: dict[str, Any]) -> None:
    report = jacinspect.inspect(function, X, text, parameters=parameters)
    assert (report.verdict, codes(report)) == ("pass", [])
    assert report.function.derivative == text
    wrong = jacinspect.inspect(function, X, f"({text}) * 1.000001", parameters=parameters)
    assert codes(wrong) == ["J001"]


def test_an_expression_in_several_operands_finds_them_by_name() -> None:
    def product(x: Array, y: Array) -> Array:
        return x * np.exp(y)

    for text, wrt in (("exp(y)", "x"), ("x * exp(y)", "y"), ("exp(y) * x", "y")):
        assert jacinspect.inspect(product, X, text, others=[Y], wrt=wrt).verdict == "pass"
        other = {"x": "y", "y": "x"}[wrt]
        assert codes(jacinspect.inspect(product, X, text, others=[Y], wrt=other)) == ["J001"]


def test_a_name_in_an_expression_that_the_function_has_not() -> None:
    with pytest.raises(InputError) as error:
        with_derivative(resolve("resolved_acts:swish"), "x * gamma")
    assert "gamma" in str(error.value)
    assert str(error.value).startswith("derivative 'x * gamma'")


def test_an_expression_as_the_function() -> None:
    report = jacinspect.inspect("x * tanh(x)", X, "tanh(x) + x * (1 - tanh(x)**2)")
    assert report.verdict == "pass"
    np.testing.assert_allclose(output(report), X * np.tanh(X))
    assert codes(jacinspect.inspect("x * tanh(x)", X, "tanh(x)")) == ["J001"]
    assert jacinspect.inspect("x * tanh(x)", X, lambda x: np.tanh(x) + x / np.cosh(x) ** 2).verdict == "pass"


def test_an_expression_that_is_a_bare_x_is_the_identity() -> None:
    np.testing.assert_array_equal(output(jacinspect.inspect("x", X)), X)


def test_parameters_called_like_functions_of_the_catalogue() -> None:
    def standardised(x: Array, mean: float = 0.5, std: float = 2.0) -> Array:
        return (x - mean) / std

    x = np.array([1.0, -3.0])
    assert jacinspect.inspect(standardised, x, "1 / std").verdict == "pass"
    assert jacinspect.inspect("logits-max", x, parameters={"max": 1.0}).verdict == "pass"


def test_a_rule_that_was_not_said_to_be_one() -> None:
    with pytest.raises(
        InputError, match=r"takes upstream after the operands of tanh.*say --derivative-kind jvp or vjp"
    ):
        jacinspect.inspect("tanh", [1.0], lambda x, upstream: upstream * (1 - np.tanh(x) ** 2))
    with pytest.raises(InputError, match="derivative_kind: says what derivative is"):
        jacinspect.inspect("tanh", [1.0], derivative_kind="jvp")


def test_a_word_of_python_s_is_no_module() -> None:
    assert not is_reference("lambda:x")
    with pytest.raises(InputError, match="lambda"):
        resolve("lambda:x")


def cyclic(p: dict[str, Any]) -> Any:
    xs = p["w"]
    return sum(a * b for a, b in zip(xs, xs[1:] + xs[:1], strict=True))  # which joins lists, and adds arrays


def by_cyclic(p: dict[str, Any]) -> Array:
    w = np.array([float(each) for each in p["w"]])
    return np.asarray(np.roll(w, 1) + np.roll(w, -1))


@pytest.mark.parametrize("w", [[0.5, 1, 1.5], [0.5, 1.25, -2.0]])  # at the first, both give the same number
def test_lists_are_no_arrays_where_f_is_another_function_of_these(w: list[float]) -> None:
    calls = []

    def counted(p: dict[str, Any], x: float = 1.0) -> Any:
        calls.append(p)
        return cyclic(p) * x

    for factor, expected in ((1, "pass"), (1.01, "fail")):
        claim = lambda p, k=factor: k * by_cyclic(p)  # noqa: E731
        given: Any = {"parameters": {"p": {"w": w, "k": 2.0}}, "derivative": claim, "wrt": "p.w"}
        assert jacinspect.inspect(cyclic, **given).verdict == expected
    resolve(counted, {"p": {"w": w}})
    resolve(counted, {"p": {"w": 2.0}}, wrt="p.*")
    assert not calls
    resolve(counted, {"p": {"w": w}}, wrt="p.*")
    assert {type(p["w"]) for p in calls} == {list, np.ndarray}


@pytest.mark.parametrize(
    "f", [lambda p: (p["w"].T @ p["w"]).sum(), lambda p: np.tanh(p["w"]).sum(), lambda p, x: p["w"]]
)
def test_lists_are_arrays_where_f_is_the_same_or_of_these_alone(f: Any) -> None:
    assert "p.w" in resolve(f, {"p": {"w": [[0.5, 1, 1.5], [2, 3, 1]]}}, wrt="p.*").own
