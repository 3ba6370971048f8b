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
