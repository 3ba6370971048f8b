"""Layers by hand whose backward takes the operands again, beside the cotangent."""

from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError
from tests.oracles import Array


class Dense:
    """It keeps nothing in forward; of a factor other than 1, backward is wrong."""

    def __init__(self, factor: float = 1.0) -> None:
        self.weights, self.factor = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]]), factor

    def forward(self, input: Array) -> Any:  # noqa: A002
        return np.tanh(input @ self.weights)

    def backward(self, input: Array, grad_output: Array) -> Any:  # noqa: A002
        inner = self.factor * grad_output * (1 - self.forward(input) ** 2)
        return inner @ self.weights.T


class CotangentFirst:
    def __init__(self, factor: float = 1.0) -> None:
        self.layer = Dense(factor)

    def forward(self, input: Array) -> Any:  # noqa: A002
        return self.layer.forward(input)

    def backward(self, grad_output: Array, input: Array) -> Any:  # noqa: A002
        return self.layer.backward(input, grad_output)


class Keeping(Dense):
    """It keeps the gradient by its array."""

    def backward(self, input: Array, grad_output: Array) -> Any:  # noqa: A002
        inner = grad_output * (1 - self.forward(input) ** 2)
        self.dweights = self.factor * input.T @ inner
        return inner @ self.weights.T


class Product:
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def forward(self, x: Array, y: Array) -> Any:
        return x @ y

    def backward(self, g: Array, y: Array, x: Array) -> Any:
        return self.factor * g @ y.T, self.factor * x.T @ g


class Other(CotangentFirst):
    def backward(self, grad: Array, inputs: Array) -> Any:
        return self.layer.backward(inputs, grad)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "wrt"), [(Dense, None), (CotangentFirst, None), (Keeping, "weights")])
def test_a_backward_takes_x_again_by_its_name_in_forward(layer: Any, wrt: str | None, dtype: str) -> None:
    x = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        made = layer(factor)
        for called in (made, made.forward):
            report = jacinspect.inspect(called, x, wrt=wrt)
            assert report.verdict == expected
            assert report.agreement is not None
            assert report.agreement.checked


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["x", "y", "all"])
def test_it_takes_several_operands_again(wrt: str, dtype: str) -> None:
    x, y = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype), np.linspace(0, 3, 6).reshape(2, 3).astype(dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        assert jacinspect.inspect(Product(factor).forward, x, others=[y], wrt=wrt).verdict == expected


def test_other_names_do_not_say_which_of_both_is_the_cotangent() -> None:
    x, layer = np.ones((4, 2)), Other()
    with pytest.raises(FunctionFailedError, match="its backward takes grad and inputs, and forward input: give them"):
        jacinspect.inspect(layer.forward, x)
    advised = lambda x, g: layer.backward(g, x)  # noqa: E731
    assert jacinspect.inspect(layer.forward, x, advised, derivative_kind="vjp").verdict == "pass"


class Ridge:
    """f' of x, whose argument has another name than f's."""

    def __init__(self, factor: float = 1.0, dtype: str = "float64") -> None:
        self.rows, self.factor = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype), factor

    def __call__(self, z: Array) -> Any:
        return np.tanh(z)

    def slope(self, x: Array) -> Any:
        return self.factor * (1 - np.tanh(x) ** 2)

    def loss(self, w: Array) -> Any:
        return (self.rows @ w) @ (self.rows @ w) / 2

    def gradient(self, x: Array) -> Any:
        return self.factor * self.rows.T @ (self.rows @ x)

    def residual(self, w: Array) -> Any:
        return self.rows @ w

    def jacobian(self, params: Array) -> Any:
        return self.factor * self.rows + 0 * params


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("f", "derivative"),
    [("__call__", "slope"), ("loss", "gradient"), ("residual", "jacobian")],
)
def test_two_methods_of_an_object_are_f_and_its_derivative_at_x(f: str, derivative: str, dtype: str) -> None:
    x = np.array([0.3, -1.2, 0.7], dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        made = Ridge(factor, dtype)
        for called in (getattr(made, f), *([made] if f == "__call__" else [])):
            assert jacinspect.inspect(called, x, getattr(made, derivative)).verdict == expected


class Keeper:
    """A layer whose methods have names of its own."""

    def __init__(self, factor: float = 1.0) -> None:
        self.weights, self.factor = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]]), factor

    def run(self, x: Array) -> Any:
        self.inner = np.tanh(x @ self.weights)
        return self.inner**2

    def run_backward(self, d: Array) -> Any:
        return (self.factor * d * 2 * self.inner * (1 - self.inner**2)) @ self.weights.T

    back = run_backward


class Forward(Keeper):
    """The only other method is its backward."""

    forward = Keeper.run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("layer", "f", "derivative", "kind"),
    [
        (Keeper, "run", "run_backward", None),
        (Keeper, "run", "back", "vjp"),
        (Forward, "forward", "back", None),
    ],
)
def test_a_method_that_takes_the_cotangent_alone(layer: Any, f: str, derivative: str, kind: Any, dtype: str) -> None:
    x = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        made = layer(factor)
        found = jacinspect.inspect(getattr(made, f), x, getattr(made, derivative), derivative_kind=kind)
        assert found.verdict == expected


class CrossEntropy:
    """The loss of labels; backward need not read its cotangent, which is 1, and is called with none."""

    def __init__(self, factor: float = 1.0, reads: bool = False) -> None:
        self.factor, self.reads = factor, reads

    def forward(self, x: Array, labels: Array) -> Any:
        powers = np.exp(x - x.max(1, keepdims=True))
        self.labels, self.p = labels, powers / powers.sum(1, keepdims=True)
        return -np.log(self.p[np.arange(len(x)), labels]).mean()

    def backward(self, dout: Any = 1) -> Any:
        d = self.factor * self.p / len(self.p)
        d[np.arange(len(d)), self.labels] -= 1 / len(d)
        return d * dout if self.reads else d


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reads", [True, False])
def test_a_backward_whose_cotangent_has_a_default(reads: bool, dtype: str) -> None:
    x, labels = np.linspace(-1, 2, 12).reshape(4, 3).astype(dtype), np.array([2, 0, 1, 1])
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        layer = CrossEntropy(factor, reads)
        for derivative in ((), (layer.backward,)):
            assert jacinspect.inspect(layer.forward, x, *derivative, others=[labels]).verdict == expected


class Squared(CrossEntropy):
    """It reads the cotangent, and not as a backward may."""

    def backward(self, dout: Any = 1) -> Any:
        return dout**2 * super().backward()


def test_a_default_does_not_stand_for_a_cotangent_that_is_read() -> None:
    x, labels = np.linspace(-1, 2, 12).reshape(4, 3), np.array([2, 0, 1, 1])
    assert jacinspect.inspect(Squared().forward, x, others=[labels]).verdict == "fail"
