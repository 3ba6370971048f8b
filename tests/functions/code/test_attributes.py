"""Jacobians by the arrays among an object's attributes, which stay what they are."""

from typing import Any

import numpy as np
import pytest

import jacinspect
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((3, 4))


class Fit:
    """Data to fit, in attributes named as people name arguments, one of which it sets when it is called."""

    def __init__(self, dtype: str) -> None:
        self.x, self.y = np.array([0.5, 1, 2], dtype), np.array([1, 2, 4.5], dtype)

    def loss(self, x: Array, y: float = 3.0) -> Any:
        return y * ((x[0] * self.x + x[1] - self.y) ** 2).sum()

    def slopes(self, x: Array) -> Array:
        off = x[0] * self.x + x[1] - self.y
        return 6 * np.array([off @ self.x, off.sum()])

    def __call__(self, x: Array) -> Array:
        self.x = x.copy()
        return np.asarray(x**2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_argument_and_an_attribute_of_one_name_are_two_things(dtype: str) -> None:
    fit, point = Fit(dtype), np.array([1.0, 2.0], dtype)
    assert jacinspect.inspect(fit.loss, point, fit.slopes).verdict == "pass"
    assert jacinspect.inspect(fit.loss, point, lambda x: 1.01 * fit.slopes(x)).verdict == "fail"
    every = jacinspect.inspect(fit.loss, point, wrt="all")
    assert every.names.operand.names == ("x",)  # y is a parameter, whose value it says
    for _ in range(2):  # it has an x of this shape the second time
        assert jacinspect.inspect(fit, point, lambda x: 2 * x).verdict == "pass"
        assert jacinspect.inspect(fit, point, lambda x: 2.01 * x).verdict == "fail"


def test_interpolation_of_scipy_has_its_data_as_x_and_y() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    f = interpolate.interp1d([0.0, 1.0, 3.0], [0.0, 2.0, 1.0])
    for off, verdict in ((0, "pass"), (0.1, "fail")):
        report = jacinspect.inspect(f, np.array([0.5, 1.5, 2.5]), lambda x, off=off: np.array([2, -0.5, -0.5 + off]))
        assert report.verdict == verdict


class Dense:
    """tanh(x W + b), and its backward; its arrays are in a dict or a list, and so are the gradients that it keeps."""

    def __init__(self, dtype: str, kind: type, factor: float = 1) -> None:
        w, b = np.arange(8).reshape(4, 2).astype(dtype) / 8, np.ones(2, dtype)
        self.params: Any = {"W": w, "b": b} if kind is dict else [w, b]
        self.grads: Any = {"W": 0 * w, "b": 0 * b} if kind is dict else [0 * w, 0 * b]
        self.factor = factor

    def forward(self, x: Array) -> Array:
        w, b = self.params.values() if isinstance(self.params, dict) else self.params
        self.x, self.w, self.out = x, w, np.tanh(x @ w + b)
        return np.asarray(self.out)

    __call__ = forward

    def backward(self, g: Array) -> Array:
        d = g * (1 - self.out**2)
        for name, gradient in zip(
            self.grads if isinstance(self.grads, dict) else (0, 1), (self.x.T @ d, d.sum(0)), strict=True
        ):
            self.grads[name] = self.factor * gradient
        return np.asarray(d @ self.w.T)

    def loss(self, x: Array) -> Any:
        return (self.forward(x) ** 2).sum()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "names"), [(dict, ("params.W", "params.b")), (list, ("params.0", "params.1"))])
def test_arrays_in_a_container_of_an_object(dtype: str, kind: type, names: tuple[str, str]) -> None:
    x = X.astype(dtype)
    functions: list[Any] = [Dense(dtype, kind).loss, Dense(dtype, kind).forward, Dense(dtype, kind)]
    for f in functions:
        every = jacinspect.inspect(f, x, wrt="all")
        assert (every.verdict, every.names.operand.names) == ("pass", ("x", *names))
        for name, shape in zip(names, ((4, 2), (2,)), strict=True):
            report = jacinspect.inspect(f, x, wrt=name)
            assert (report.verdict, report.operand.values.shape) == ("pass", shape)
            assert report.jacobian is not None
            assert report.jacobian.numeric is not None
            assert report.jacobian.numeric.matrix().any()
    assert jacinspect.inspect(Dense(dtype, kind, 0.5), x).verdict == "pass"
    assert jacinspect.inspect(Dense(dtype, kind, 0.5), x, wrt=names[0]).verdict == "fail"


def test_the_arrays_of_an_object_stay_what_they_are() -> None:
    layer = Dense("float64", dict)
    before = {name: value.copy() for name, value in layer.params.items()}
    jacinspect.inspect(layer.forward, X, wrt="all")
    for name, value in layer.params.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_method_of_a_container_has_the_arrays_of_its_object_too(dtype: str) -> None:
    class Model:
        def __init__(self) -> None:
            self.scale = np.array([1.5, -2], dtype)

        def loss(self, p: Any) -> Any:
            return np.sum(self.scale * (p["w"] @ np.array([2, 0.5, -1.5])) ** 2)

    w = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype)
    r = w.astype(float) @ [2, 0.5, -1.5]
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        right = factor * r**2
        assert jacinspect.inspect(Model().loss, {"w": w}, right, wrt="scale").verdict == expected
    found = jacinspect.inspect(Model().loss, {"w": w}, wrt="all")
    assert found.names.operand.names == ("p.w", "scale")


def logged(f: Any) -> Any:
    """Decorate without functools.wraps."""
    return lambda *args, **keywords: f(*args, **keywords)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_method_that_is_decorated_has_the_arrays_of_its_object(dtype: str) -> None:
    class Model:
        def __init__(self) -> None:
            self.scale = np.array([[1.5], [-2]], dtype)

        @logged
        def f(self, x: Any) -> Any:
            return self.scale * x

    x = np.array([2, 0.5, -1.5], dtype)
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        right = np.einsum("ik,j->ijk", np.eye(2), factor * x)[..., None]
        assert jacinspect.inspect(Model().f, x, right, wrt="scale").verdict == expected
