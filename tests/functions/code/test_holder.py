"""Objects whose arrays are operands: which of them, beside a backward, and derivatives that find them in the object."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import jacinspect
from tests.oracles import Array

X = np.arange(6.0).reshape(2, 3) / 7
V = np.array([0.1, -0.2, 0.7])


class Dense:
    """A layer with its parameters, and the gradients by them, in dicts."""

    def __init__(self) -> None:
        self.params = {"W": np.ones((3, 2)), "b": np.zeros(2)}
        self.grads = {key: np.zeros_like(value) for key, value in self.params.items()}

    def forward(self, x: Array) -> Any:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, g: Array) -> Any:
        self.grads = {"W": self.x.T @ g, "b": g.sum(axis=0)}
        return g @ self.params["W"].T


class Adding(Dense):
    def backward(self, g: Array) -> Any:
        self.grads["W"] += self.x.T @ g
        self.grads["b"] += g.sum(axis=0)
        return g @ self.params["W"].T


class WithMomentum(Dense):
    def __init__(self) -> None:
        super().__init__()
        self.m = {key: np.zeros_like(value) for key, value in self.params.items()}


class Caching(Dense):
    def __init__(self) -> None:
        super().__init__()
        self.cache = {"x": X}

    def forward(self, x: Array) -> Any:
        self.cache["x"] = x
        return super().forward(x)


class KeepingElsewhere(Dense):
    def __init__(self) -> None:
        super().__init__()
        self.gradients = self.grads
        del self.grads

    def backward(self, g: Array) -> Any:
        self.gradients = {"W": self.x.T @ g, "b": g.sum(axis=0)}
        return g @ self.params["W"].T


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [(Dense, 6 + 6 + 2), (Adding, 6 + 6 + 2), (WithMomentum, 6 + 6 + 2), (Caching, 6 + 6 + 2), (KeepingElsewhere, 6)],
)
def test_a_layer_by_the_arrays_that_its_backward_keeps_a_gradient_by(layer: type[Dense], inputs: int) -> None:
    made: Any = layer()
    report = jacinspect.inspect(made, X, wrt="all")
    assert report.jacobian is not None
    assert (report.verdict, report.jacobian.shape) == ("pass", (4, inputs))
    kept = getattr(made, "grads", made.params)
    assert kept["b"].tolist() == [0, 0]


class Lazy(Mapping[str, Any]):
    """A container that cannot be read any more, as a closed file."""

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: str) -> Any:
        raise OSError("the file is closed")


def nested(depth: int, times: int) -> Any:
    value: Any = np.ones(1)
    for _ in range(depth):
        value = [value] * times
    return value


@pytest.mark.parametrize("other", [Lazy(), nested(2000, 1), nested(18, 2), list(range(300_000)), "text", None])
def test_what_an_object_holds_besides_is_not_looked_through(other: Any) -> None:
    class Scale:
        def __init__(self) -> None:
            self.k, self.other = np.array([1.0, 2.0, 3.0]), other

        def f(self, x: Array) -> Any:
            return self.k * x

    scale = Scale()
    assert jacinspect.inspect(scale.f, V, lambda x: scale.k).verdict == "pass"
    report = jacinspect.inspect(scale.f, V, wrt="all")
    assert report.jacobian is not None
    assert report.jacobian.shape == (3, 6)


def test_a_container_with_a_default() -> None:
    class Scale:
        def __init__(self) -> None:
            self.p: dict[str, Any] = {"w": np.ones(3), "others": defaultdict(lambda: np.zeros(3), k=np.full(3, 2.0))}

        def f(self, x: Array) -> Any:
            return self.p["w"] * self.p["others"]["k"] * x

    assert jacinspect.inspect(Scale().f, V, wrt="p.w").verdict == "pass"


class Tanh:
    def __init__(self) -> None:
        self.A = np.array([[1.0, 2, 0], [0, 1, 3]])

    def f(self, x: Array, alpha: float = 1.0) -> Any:
        return alpha * np.tanh(self.A @ x)

    def by_a(self, x: Array, alpha: float = 1.0) -> Any:
        return alpha * np.einsum("i,ij,k->ijk", 1 - np.tanh(self.A @ x) ** 2, np.eye(2), x)


@pytest.mark.parametrize("given", [{}, {"alpha": 0.5}])
def test_a_derivative_of_an_object_s_array_has_parameters_of_its_own(given: dict[str, float]) -> None:
    model = Tanh()
    assert jacinspect.inspect(model.f, V, model.by_a, wrt="A", parameters=given).verdict == "pass"
    assert jacinspect.inspect(model.f, V, lambda x: 1.01 * model.by_a(x), wrt="A").verdict == "fail"


def passed_on(*args: Any, **k: Any) -> Any:
    return scaled(*args, **k)


def scaled(p: dict[str, Array], x: Array, k: float = 2.0) -> Any:
    return k * p["a"] * x


@pytest.mark.parametrize(("factor", "verdict"), [(3.0, "pass"), (2.0, "fail")])
def test_a_parameter_with_the_name_of_what_takes_all_others(factor: float, verdict: str) -> None:
    report = jacinspect.inspect(
        passed_on, {"a": V}, lambda p, x: {"a": np.diag(factor * x)}, others=[V], parameters={"k": 3.0}
    )
    assert report.verdict == verdict


@pytest.mark.parametrize("kind", [None, "jacobian"])
def test_rows_of_a_matrix_are_no_entries_by_operands(kind: Any) -> None:
    def f(x: Array, y: Array, labels: Array) -> Any:
        return np.array([x @ y, x @ x])

    others = [np.array([0.3, 0.4]), np.array([0, 1])]
    report = jacinspect.inspect(f, V[:2], lambda x, y, labels: (y, 2 * x), others=others, derivative_kind=kind)
    assert report.verdict == "pass"
    wrong = jacinspect.inspect(f, V[:2], lambda x, y, labels: (y, x), others=others, derivative_kind=kind)
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["x", "A", ["x", "A"], ["A", "x"], "all"])
def test_a_jvp_has_a_tangent_for_each_operand_that_moves(wrt: Any, dtype: str) -> None:
    """Its arguments are told apart by how many move: it finds the array in the object, or takes it."""

    class Layer:
        def __init__(self) -> None:
            self.A = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype)

        def f(self, x: Array) -> Any:
            return np.tanh(self.A @ x)

        def push(self, x: Array, tangents: Any, k: float) -> Any:
            return (1 - self.f(x) ** 2) * (tangents.get("A", 0 * self.A) @ x + k * self.A @ tangents.get("x", 0 * x))

    names = [*(["x", "A"] if wrt == "all" else [wrt] if isinstance(wrt, str) else wrt)]
    layer, x = Layer(), np.array([0.1, -0.2, 0.7], dtype)
    for k, expected in ((1, "pass"), (1.1, "pass" if wrt == "A" else "fail")):

        def found(x: Array, *tangents: Array, k: float = k) -> Any:
            return layer.push(x, dict(zip(names, tangents, strict=True)), k)

        one, two = (lambda x, u, f=found: f(x, u)), (lambda x, u, v, f=found: f(x, u, v))
        claim = one if len(names) == 1 else two
        assert jacinspect.inspect(layer.f, x, claim, wrt=wrt, derivative_kind="jvp").verdict == expected
    taken = lambda x, a, u: (1 - np.tanh(a @ x) ** 2) * (u @ x)  # noqa: E731
    if wrt == "A":
        assert jacinspect.inspect(layer.f, x, taken, wrt=wrt, derivative_kind="jvp").verdict == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "W", "b", "all", ["b", "x"]])
def test_a_backward_may_return_gradients_by_arrays_that_are_fixed(wrt: Any, dtype: str) -> None:
    class Affine:
        def __init__(self, factor: float) -> None:
            self.W, self.b, self.factor = np.ones((3, 2), dtype), np.array([0.5, -1], dtype), factor

        def forward(self, x: Array) -> Any:
            self.x = x
            return x @ self.W + self.b**2

        def backward(self, g: Array) -> Any:
            return tuple(self.factor * each for each in (g @ self.W.T, self.x.T @ g, 2 * self.b * g.sum(0)))

    for factor, expected in ((1, "pass"), (1.1, "fail")):
        assert jacinspect.inspect(Affine(factor).forward, X.astype(dtype), wrt=wrt).verdict == expected
