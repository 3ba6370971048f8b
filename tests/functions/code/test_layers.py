"""Layers by hand whose backward takes the operands again, beside the cotangent."""

import weakref
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
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


def logged(method: Any) -> Any:
    """Decorate a method, which has another name then."""

    def backward_logged(self: Any, d: Array) -> Any:
        return method(self, d)

    return backward_logged


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
    decorated = logged(run_backward)

    def backprop(self, dout: Array) -> Any:
        return self.run_backward(dout)

    def bwd(self, dY: Array) -> Any:
        return self.run_backward(dY)

    def grad(self, grad_output: Array) -> Any:
        return self.run_backward(grad_output)


class Forward(Keeper):
    """The only other method is its backward."""

    forward = Keeper.run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("layer", "f", "derivative", "kind"),
    [
        (Keeper, "run", "run_backward", None),
        (Keeper, "run", "decorated", None),
        (Keeper, "run", "back", "vjp"),
        (Keeper, "run", "backprop", None),
        (Keeper, "run", "bwd", None),
        (Keeper, "run", "grad", None),
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


# --- Forwards that return a cache


def affine(x: Array, w: Array) -> Any:
    out = np.tanh(x @ w)
    cache = (x, w, out)
    return out, cache


def affine_backward(dout: Array, cache: Any) -> Any:
    x, w, out = cache
    inner = dout * (1 - out**2)
    return inner @ w.T, x.T @ inner


def step(x: Array, w: Array) -> Any:
    """As an LSTM's: two outputs, and a cache of a dict."""
    h, c = np.tanh(x @ w), x @ w
    memory = {"x": x, "w": w, "h": h}
    return h, c, memory


def step_backward(dh: Array, dc: Array, memory: Any) -> Any:
    dc += dh * (1 - memory["h"] ** 2)  # in place, as people do
    return dc @ memory["w"].T, memory["x"].T @ dc


def of_h_alone(dh: Array, memory: Any) -> Any:
    return step_backward(dh, np.zeros_like(dh), memory)


def scaled(backward: Any, factor: float) -> Any:
    """Return a backward of the same arguments, whose last entry has this factor."""

    def one(dh: Array, cache: Any) -> Any:
        *rest, last = backward(dh, cache)
        return *rest, factor * last

    def memory_alone(dh: Array, memory: Any) -> Any:
        return one(dh, memory)

    def two(dh: Array, dc: Array, memory: Any) -> Any:
        *rest, last = backward(dh, dc, memory)
        return *rest, factor * last

    return {affine_backward: one, of_h_alone: memory_alone, step_backward: two}[backward]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "vjp"])
@pytest.mark.parametrize("wrt", ["w", "all"])
@pytest.mark.parametrize(
    ("forward", "backward", "size"), [(affine, affine_backward, 12), (step, step_backward, 24), (step, of_h_alone, 12)]
)
def test_a_backward_takes_a_cotangent_for_each_output_and_the_cache(
    forward: Any, backward: Any, size: int, wrt: str, kind: Any, dtype: str
) -> None:
    x, w = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype), np.linspace(-0.5, 1, 6).reshape(2, 3).astype(dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        claim = backward if factor == 1 else scaled(backward, factor)
        report = jacinspect.inspect(forward, x, claim, others=[w], wrt=wrt, derivative_kind=kind)
        assert report.verdict == expected
        assert report.output is not None
        assert report.output.size == size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("forward", "backward", "number"), [(affine, affine_backward, 1), (step, step_backward, 2)])
def test_a_vjp_takes_no_cotangent_of_the_cache(forward: Any, backward: Any, number: int, dtype: str) -> None:
    x, w = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype), np.linspace(-0.5, 1, 6).reshape(2, 3).astype(dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):

        def pull(x: Array, w: Array, *cotangents: Array, k: float = factor) -> Any:
            return tuple(k * each for each in backward(*cotangents, forward(x, w)[-1]))

        claim = (lambda x, w, d, f=pull: f(x, w, d)) if number == 1 else (lambda x, w, d, e, f=pull: f(x, w, d, e))
        report = jacinspect.inspect(forward, x, claim, others=[w], wrt="all", derivative_kind="vjp")
        assert report.verdict == expected
        assert report.output is not None
        assert report.output.size == 12 * number


def in_a_copy(x: Array, w: Array) -> Any:
    cache = []
    cache.append(x)
    cache.append(w)
    return x @ w, tuple(cache)


def or_none(x: Array, w: Array) -> Any:
    cache = (x, w)
    return x @ w, cache if np.ndim(x) else None


def laid_out(x: Array, w: Array) -> Any:
    cache = (x, w)
    return (x @ w, *cache)


def product_backward(dout: Array, cache: Any) -> Any:
    x, w = cache
    return dout @ w.T, x.T @ dout


def product_scaled(dout: Array, cache: Any) -> Any:
    x, w = cache
    return dout @ w.T, 1.01 * (x.T @ dout)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "vjp"])
@pytest.mark.parametrize("forward", [in_a_copy, or_none, laid_out])
def test_a_cache_is_returned_in_several_forms(forward: Any, kind: Any, dtype: str) -> None:
    x, w = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype), np.linspace(-0.5, 1, 6).reshape(2, 3).astype(dtype)
    for backward, expected in ((product_backward, "pass"), (product_scaled, "fail")):
        report = jacinspect.inspect(forward, x, backward, others=[w], wrt="all", derivative_kind=kind)
        assert report.verdict == expected


def beside(x: Array) -> Any:
    return np.sin(x), [x**2, x**3]


def nested(x: Array) -> Any:
    return {"y": np.sin(x), "aux": {"u": x**2, "v": x**3}}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [beside, nested])
def test_a_vjp_takes_all_cotangents_in_one_tuple(f: Any, dtype: str) -> None:
    x = np.array([[0.5, -1.5, 2], [1.25, 0.75, -0.5]], dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):

        def pull(x: Array, ct: Any, k: float = factor) -> Any:
            return ct[0] * np.cos(x) + ct[1] * 2 * x + k * ct[2] * 3 * x**2

        report = jacinspect.inspect(f, x, pull, derivative_kind="vjp")
        assert report.verdict == expected
        assert report.output is not None
        assert report.output.size == 18


def power(v: Array, i: Array) -> Any:
    m = v * i
    return m**2


def filled(v: Array, i: Array) -> Any:
    m = v * i
    return np.zeros((len(m), 1))[:, 0] + m**2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [power, filled])
def test_an_argument_with_the_name_of_a_local_variable_is_no_cache(f: Any, dtype: str) -> None:
    v, i = np.array([0.5, -1.5, 2], dtype), np.array([1.5, 0.25, -1], dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):

        def slopes(a: Array, m: Array, k: float = factor) -> Any:
            return np.diag(2 * k * a * m**2), np.diag(2 * a**2 * m)

        assert jacinspect.inspect(f, v, slopes, others=[i], wrt="all").verdict == expected


# --- Objects that keep things in lists and dicts


class Listing:
    """As numpy-ml's layers: it appends what it is called with, and adds up its gradients."""

    def __init__(self, factor: float = 1.0) -> None:
        self.inputs: list[Array] = []
        self.params = {"W": np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]])}
        self.grads = {"W": np.zeros((2, 3))}
        self.kept: dict[str, list[Array]] = {"out": []}
        self.factor = factor

    def forward(self, x: Array, power: int = 2) -> Any:
        out = np.tanh(x @ self.params["W"])
        self.inputs.append(x)
        self.kept["out"].append(out)
        self.power = power
        return out**power

    def backward(self, dout: Array) -> Any:
        found = []
        for x, out in zip(self.inputs, self.kept["out"], strict=True):
            inner = self.factor * dout * self.power * out ** (self.power - 1) * (1 - out**2)
            self.grads["W"] += x.T @ inner
            found.append(inner @ self.params["W"].T)
        return found[0] if len(found) == 1 else found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "params.W", "all"])
@pytest.mark.parametrize("power", [None, 3])
def test_a_layer_is_at_every_call_as_it_was_given(power: int | None, wrt: str | None, dtype: str) -> None:
    x = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype)
    parameters = {} if power is None else {"power": power}
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        layer = Listing(factor)
        for _ in range(2):
            for derivative in ((), (layer.backward,)):
                report = jacinspect.inspect(layer.forward, x, *derivative, wrt=wrt, parameters=parameters)
                assert report.verdict == expected
        assert not any([*layer.inputs, *layer.kept["out"], layer.grads["W"].any()])


class Stepwise:
    """It calls methods that it holds in a list, and finds its cache again in another container."""

    def __init__(self, factor: float = 1.0) -> None:
        self.w = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]])
        self.steps, self.cache = [self.product, self.tanh], dict[str, Any]()
        self.caches, self.factor = (self.cache,), factor
        self.buffer = np.zeros(12)
        self.view = self.buffer[:]

    def product(self, x: Array) -> Any:
        return x @ self.w

    def tanh(self, x: Array) -> Any:
        self.cache["out"] = np.tanh(x)
        self.buffer[:] = self.cache["out"].ravel()
        return self.cache["out"]

    def forward(self, x: Array) -> Any:
        for each in self.steps:
            x = each(x)
        return x

    def backward(self, dout: Array) -> Any:
        assert np.array_equal(self.view.reshape(4, 3), self.caches[0]["out"])
        return self.factor * (dout * (1 - self.caches[0]["out"] ** 2)) @ self.w.T


class Uncopied(Stepwise):
    """It finds its attributes in a dict, which a copy lacks at first, and is made of an argument."""

    def __new__(cls, factor: float, *, made: bool = True) -> Any:
        return object.__new__(cls)

    def __init__(self, factor: float, *, made: bool) -> None:
        super().__init__(factor)
        self.extra = {"vocabulary": [[each] for each in range(2000)], "made": made}

    def __getattr__(self, name: str) -> Any:
        if name not in self.extra:
            raise AttributeError(name)
        return self.extra[name]

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("it is not copied")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("made", [Stepwise, lambda factor: Uncopied(factor, made=True)])
def test_what_refers_to_an_object_and_its_containers_still_does_so(made: Any, dtype: str) -> None:
    x = np.linspace(-1, 1, 8).reshape(4, 2).astype(dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        layer = made(factor)
        for derivative in ((), (layer.backward,)):
            assert jacinspect.inspect(layer.forward, x, *derivative).verdict == expected
        assert not layer.cache


# --- Classes


class Activation:
    def __call__(self, z: Array) -> Any:
        return self.scale * np.tanh(z)

    scale = 1.0


class Scaled(Activation):
    def __init__(self, scale: float) -> None:
        self.scale = scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_instance_is_made_of_a_class_that_inherits_how_it_is_called(dtype: str) -> None:
    x = np.array([0.3, -1.2, 0.7], dtype)
    for k, expected in ((2.5, "pass"), (2.6, "fail")):
        slope = lambda z, k=k: k * (1 - np.tanh(z) ** 2)  # noqa: E731
        assert jacinspect.inspect(Scaled, x, slope, parameters={"scale": 2.5}).verdict == expected


def test_a_builtin_class_that_says_nothing_about_its_arguments_is_refused() -> None:
    with pytest.raises(InputError, match="ReferenceType: is a class; name an instance of it, or a function"):
        jacinspect.inspect(weakref.ref, np.ones(3))
