"""Hand-written derivatives: what parameters they are given, and the framework of their arrays."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.choices import AnyDerivativeKind
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.derivative import derivative_at
from jacinspect.functions.resolve import resolve
from jacinspect.functions.with_claims import with_derivative
from tests.functions.code.test_callables import X, Y, between, codes, with_default
from tests.oracles import Array

# --- They get those of the parameters that they have a name for


def powers(x: Array, n: int = 3, scale: float = 2.0) -> Array:
    return scale * x**n


@pytest.mark.parametrize(
    "derivative",
    [
        lambda x, n, scale: scale * n * x ** (n - 1),
        lambda x, scale, n: scale * n * x ** (n - 1),
        lambda x, *, n, scale: scale * n * x ** (n - 1),
        lambda x, n=3, scale=2.0: scale * n * x ** (n - 1),
        lambda x, scale, /, n: scale * n * x ** (n - 1),
        lambda value, n, scale, own=1.0: own * scale * n * value ** (n - 1),
    ],
)
@pytest.mark.parametrize("given", [{}, {"n": 2}, {"n": 2, "scale": 0.5}])
def test_parameters_reach_the_derivative(derivative: Callable[..., Array], given: dict[str, Any]) -> None:
    report = jacinspect.inspect(powers, X, derivative, parameters=given)
    assert (report.verdict, codes(report)) == ("pass", [])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "derivative",
    [
        lambda x, n=2, scale=1.0: scale * n * x ** (n - 1),
        lambda x, *, n=2, scale=1.0: scale * n * x ** (n - 1),
        functools.partial(lambda x, n, scale: scale * n * x ** (n - 1), n=2, scale=1.0),
        lambda x, **given: given.get("scale", 1.0) * given.get("n", 2) * x ** (given.get("n", 2) - 1),
    ],
)
def test_a_derivative_is_called_with_its_own_defaults(derivative: Callable[..., Array], dtype: str) -> None:
    """Only what somebody gave is for both; neither a default nor what f's partial has is."""
    x = X.astype(dtype)
    for f in (powers, functools.partial(powers, scale=2.0), functools.partial(powers, n=3, scale=2.0)):
        assert codes(jacinspect.inspect(f, x, derivative)) == ["J001"]
        assert codes(jacinspect.inspect(f, x, derivative, parameters={"n": 2})) == ["J001"]
        assert jacinspect.inspect(f, x, derivative, parameters={"n": 3, "scale": 2.0}).verdict == "pass"
    assert jacinspect.inspect(functools.partial(powers, n=2, scale=1.0), x, derivative).verdict == "pass"


def test_what_a_partial_of_the_function_has_is_passed_where_the_derivative_needs_it() -> None:
    def needs(x: Array, n: int, scale: float = 2.0) -> Array:
        return scale * n * x ** (n - 1)

    fourth = functools.partial(powers, n=4)
    assert jacinspect.inspect(fourth, X, needs).verdict == "pass"
    product = jacinspect.inspect(fourth, X, lambda x, dx, n: needs(x, n) * dx, derivative_kind="jvp")
    assert product.verdict == "pass"


def test_a_default_of_the_catalogue_is_not_passed_either() -> None:
    def slope(x: Array, negative_slope: float = 0.2) -> Array:
        return np.where(x > 0, 1, negative_slope)

    assert codes(jacinspect.inspect("leaky_relu", X, slope)) == ["J001"]
    assert jacinspect.inspect("leaky_relu", X, slope, parameters={"negative_slope": 0.3}).verdict == "pass"
    assert jacinspect.inspect("leaky_relu", X, lambda x, negative_slope: slope(x, negative_slope)).verdict == "pass"


def test_a_derivative_that_has_no_name_for_a_parameter_is_not_given_it() -> None:
    assert jacinspect.inspect(powers, X, lambda x, n: 2 * n * x ** (n - 1)).verdict == "pass"
    report = jacinspect.inspect(powers, X, lambda x, n: 2 * n * x ** (n - 1), parameters={"scale": 3.0})
    assert codes(report) == ["J001"]


@pytest.mark.parametrize(
    ("derivative", "kind"),
    [
        (lambda x, y, n: n * x ** (n - 1) * y, None),
        (lambda x, y, *, n: n * x ** (n - 1) * y, None),
        (lambda x, n, y: n * x ** (n - 1) * y, None),  # the function's own signature
        (lambda x, y, dx, n: n * x ** (n - 1) * y * dx, "jvp"),
        (lambda x, y, upstream, n: (n * x ** (n - 1) * y * upstream, x**n * upstream), "vjp"),
        (lambda x, n, y, upstream: (n * x ** (n - 1) * y * upstream, x**n * upstream), "vjp"),  # so does this
    ],
)
def test_parameters_that_stand_between_the_operands(
    derivative: Callable[..., Any], kind: AnyDerivativeKind | None
) -> None:
    report = jacinspect.inspect(between, X, derivative, derivative_kind=kind, parameters={"n": 2}, others=[Y], wrt="x")
    assert (report.verdict, codes(report)) == ("pass", [])


def test_a_derivative_s_own_operand_may_be_called_like_a_parameter() -> None:
    report = jacinspect.inspect(lambda x, y=3.0: y * x**2, X, lambda y: 6 * y)
    assert report.verdict == "pass"


def test_derivatives_that_are_not_plain_functions() -> None:
    class Slope:
        def __call__(self, x: Array, beta: float) -> Array:
            return np.full(x.shape, beta)

    assert jacinspect.inspect(with_default, X, Slope(), parameters={"beta": 3.0}).verdict == "pass"
    assert jacinspect.inspect(np.sin, X, np.cos).verdict == "pass"
    assert jacinspect.inspect(np.sin, X, functools.partial(lambda k, x: k * np.cos(x), 1.0)).verdict == "pass"
    assert codes(jacinspect.inspect(np.sin, X, functools.partial(lambda k, x: k * np.cos(x), 2.0))) == ["J001"]
    with pytest.raises(InputError, match="Slope: is a class"):
        jacinspect.inspect(np.sin, X, Slope)


# --- Frameworks


def test_the_framework_of_a_derivative_does_not_depend_on_earlier_calls() -> None:
    """At the first point torch's tensors are taken and numpy's arrays refused; at the second it is the other way."""

    def derivative(x: Any) -> Any:
        if isinstance(x, np.ndarray) != (len(x) == 3):
            raise TypeError("not these")
        return 1 - (np if isinstance(x, np.ndarray) else torch).tanh(x) ** 2

    function = with_derivative(resolve("tanh"), derivative)
    for n in (2, 3, 2):
        x = np.linspace(-1, 1, n)
        found = derivative_at(function.by(1, [x]), x, (n,))
        assert found is not None
        np.testing.assert_allclose(found.of, 1 - np.tanh(x) ** 2, rtol=1e-15)


# --- A tuple of gradients by the real operands alone, beside labels and indices


def margins(x: Array, w: Array, b: Array, labels: Array, row: int) -> Any:
    return ((x @ w)[np.arange(len(labels)), labels] ** 2).sum() + (b[row] ** 2).sum()


def by_all_but_the_integers(x: Array, w: Array, b: Array, labels: Array, row: int) -> tuple[Array, Array, Array]:
    d, by_b = np.zeros((len(x), w.shape[1])), np.zeros_like(b)
    d[np.arange(len(labels)), labels] = 2 * (x @ w)[np.arange(len(labels)), labels]
    by_b[row] = 2 * b[row]
    return d @ w.T, x.T @ d, by_b


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "gradient", "vjp"])
@pytest.mark.parametrize("wrt", [1, 2, 3, [1, 3], [3, 2], "all"])
def test_a_tuple_of_the_gradients_by_the_real_operands(wrt: Any, kind: Any, dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in ((4, 3), (3, 2), (5, 2)))
    for factor, verdict in ((1, "pass"), (1.01, "fail")):

        def gradients(*given: Any, factor: float = factor) -> Any:
            found = by_all_but_the_integers(*given[:5])
            return tuple(factor * each * (given[5] if kind == "vjp" else 1) for each in found)

        others = [w, b, np.array([0, 1, 1, 0]), 3]
        report = jacinspect.inspect(margins, x, gradients, others=others, wrt=wrt, derivative_kind=kind)
        assert report.verdict == verdict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "gradient", "vjp"])
@pytest.mark.parametrize(("kept", "wrt"), [([0, 1], 1), ([0, 1], 2), ([1, 2], 3), ([0, 2], 1), ([0, 1], [1, 2])])
def test_a_tuple_for_some_operands_is_read_where_shapes_say_which(kept: Any, wrt: Any, kind: Any, dtype: str) -> None:
    """As a backward returns that of the weights alone, x being data."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in ((4, 3), (3, 2), (5, 2)))
    for factor, verdict in ((1, "pass"), (1.01, "fail")):

        def gradients(*given: Any, factor: float = factor) -> Any:
            found = by_all_but_the_integers(*given[:5])
            return tuple(factor * found[place] * (given[5] if kind == "vjp" else 1) for place in kept)

        others = [w, b, np.array([0, 1, 1, 0]), 3]
        report = jacinspect.inspect(margins, x, gradients, others=others, wrt=wrt, derivative_kind=kind)
        assert report.verdict == verdict


def test_a_tuple_for_some_operands_is_not_guessed() -> None:
    x, w, alike, other = np.ones((4, 3)), np.ones((3, 2)), np.ones((3, 2)), np.ones((5, 2))
    labels = np.array([0, 1, 1, 0])
    for b, wrt in ((alike, 1), (other, 3)):
        with pytest.raises(FunctionFailedError, match="a tuple that is no array"):
            jacinspect.inspect(
                margins, x, lambda *given: by_all_but_the_integers(*given)[:2], others=[w, b, labels, 2], wrt=wrt
            )


# --- They find an object's own arrays in the object


class Affine:
    """tanh(x W + b); backward keeps the gradients as attributes."""

    def __init__(self, dtype: str) -> None:
        self.params = {"W": np.arange(6).reshape(3, 2).astype(dtype) / 4}
        self.b = np.ones(2, dtype)

    def forward(self, x: Array) -> Array:
        self.x, self.out = x, np.tanh(x @ self.params["W"] + self.b)
        return np.asarray(self.out)

    def pulled(self, x: Array, g: Array) -> tuple[Array, Array, Array]:
        self.forward(x)
        d = g * (1 - self.out**2)
        return d @ self.params["W"].T, self.x.T @ d, d.sum(0)

    def loss(self, x: Array) -> Any:
        return (self.forward(x) ** 2).sum()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("wrt", "entries"), [("params.W", 1), ("b", 2), ("all", slice(None))])
def test_a_rule_that_finds_an_object_s_arrays_in_the_object(dtype: str, wrt: str, entries: Any) -> None:
    right, wrong, x = Affine(dtype), Affine(dtype), np.linspace(-1, 1, 12).reshape(4, 3).astype(dtype)
    before = right.params["W"]
    for layer, rule, verdict in (
        (right, lambda x, g: right.pulled(x, g)[entries], "pass"),
        (wrong, lambda x, g: wrong.pulled(x, 1.01 * g)[entries], "fail"),
    ):
        assert jacinspect.inspect(layer.forward, x, rule, derivative_kind="vjp", wrt=wrt).verdict == verdict
    assert right.params["W"] is before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rule_is_called_where_the_object_has_the_arrays_of_the_moment(dtype: str) -> None:
    layer, x = Affine(dtype), np.linspace(-1, 1, 12).reshape(4, 3).astype(dtype)

    def by_w(x: Array) -> Array:
        return layer.pulled(x, 2 * layer.forward(x))[1]

    report = jacinspect.inspect(layer.loss, x, by_w, wrt="params.W", order=2)
    assert report.verdict == "pass"
    assert report.second_order is not None
    assert report.second_order.gradient is not None
