"""What a user claims of a function: a derivative by a reference, a callable or an expression."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.resolve import resolve
from jacinspect.functions.with_claims import with_derivative
from jacinspect.inspection.report import Report
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((2, 3))
Y = np.random.default_rng(1).standard_normal((2, 3))

pytestmark = pytest.mark.usefixtures("acts")


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


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


def test_a_rule_that_was_not_said_to_be_one() -> None:
    with pytest.raises(
        InputError, match=r"takes upstream after the operands of tanh.*say --derivative-kind jvp or vjp"
    ):
        jacinspect.inspect("tanh", [1.0], lambda x, upstream: upstream * (1 - np.tanh(x) ** 2))
    with pytest.raises(InputError, match="derivative_kind: says what derivative is"):
        jacinspect.inspect("tanh", [1.0], derivative_kind="jvp")


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
