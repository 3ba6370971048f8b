"""What a person types, to a Function: which of a name, an expression, a reference or a callable is meant."""

from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function as catalogue_function
from jacinspect.functions.resolve import is_reference, resolve
from jacinspect.inspection.report import Report
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((2, 3))

pytestmark = pytest.mark.usefixtures("acts")


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


# --- Expressions


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
