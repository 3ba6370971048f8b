"""torch and jax: their functions, rules of the user's own, modules; what is right passes, what is wrong is found."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own name for it)

import jacinspect
from jacinspect.errors import FunctionFailedError, FunctionRaisedError, InputError, JacinspectError
from jacinspect.functions.code.frameworks import framework_of, plain, signature_of
from jacinspect.inspection.report import Report
from tests.oracles import Array, Shape, dense, softmax_jacobian

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "samples"
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((2, 3)), RNG.standard_normal((2, 3))
W = RNG.standard_normal((3, 4))


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(ROOT)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


def output(report: Report) -> Array:
    assert report.output is not None
    return report.output


def passes(function: Any, x: Any = X, source: str = "torch", **how: Any) -> Report:
    report = jacinspect.inspect(function, x, **how)
    assert (report.verdict, codes(report)) == ("pass", [])
    assert report.function.source == source
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None, "nothing was compared"
    return report


def matrix(report: Report) -> Array:
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    return report.jacobian.analytic.matrix(vec="row")


# --- Whose arrays a function takes


def spread(x: torch.Tensor) -> torch.Tensor:
    return x.std() + (x[1:] * x[:-1]).sum()


def spread_in_words(x: "torch.Tensor") -> "torch.Tensor":
    return x.std() + (x[1:] * x[:-1]).sum()


def spread_of_jax(x: jax.Array) -> jax.Array:
    return x.std() + (x[1:] * x[:-1]).sum()


def test_what_an_argument_is_annotated_with_says_whose_arrays_it_takes() -> None:
    """The code names no framework, and numpy's arrays have all that it calls."""
    for f, source in ((spread, "torch"), (spread_in_words, "torch"), (spread_of_jax, "jax")):
        passes(f, source=source)


# --- Compiled as a whole, or not


def test_a_loop_with_a_lambda_in_it_is_compiled_once() -> None:
    seen = []

    def loop(x: Any) -> Any:
        seen.append(x)  # once, and again wherever jax traces it
        return jax.lax.fori_loop(0, 3, lambda _, c: jnp.sin(c) * x, x)

    report = passes(loop, X, "jax")
    assert report.calls > 40
    assert len(seen) < 12


def test_what_differs_when_it_is_compiled_is_not() -> None:
    def noisy(x: Any) -> Any:
        return jax.lax.fori_loop(0, 2, lambda _, c: c * 2, x) + np.random.rand()  # noqa: NPY002

    assert codes(jacinspect.inspect(noisy, X)) == ["J005"]

    def looks(x: Any) -> Any:
        return jax.lax.fori_loop(0, 2, lambda _, c: c * x, x) if np.asarray(x).sum() < 100 else x

    assert codes(jacinspect.inspect(looks, X[:1, :2], lambda x: 3 * x**2)) == []  # few calls, each of which compiles


# --- Functions of the framework


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 3), (2, 1, 3)])
@pytest.mark.parametrize(
    ("function", "source", "slope"),
    [
        ("torch:tanh", "torch", lambda x: 1 / np.cosh(x) ** 2),
        ("torch.nn.functional:softplus", "torch", lambda x: 1 / (1 + np.exp(-x))),
        ("jax.numpy:tanh", "jax", lambda x: 1 / np.cosh(x) ** 2),
        ("jax.nn:softplus", "jax", lambda x: 1 / (1 + np.exp(-x))),
    ],
)
def test_elementwise_functions(function: str, source: str, slope: Callable[[Array], Array], shape: Shape) -> None:
    x = np.random.default_rng(1).standard_normal(shape)
    report = passes(function, x, source)
    np.testing.assert_allclose(np.diag(matrix(report)).ravel(), slope(x).ravel(), rtol=1e-12)
    assert report.jacobian is not None
    assert report.jacobian.is_diagonal


@pytest.mark.parametrize(
    ("function", "source", "parameters"),
    [
        ("torch.nn.functional:gelu", "torch", {}),
        ("torch.nn.functional:gelu", "torch", {"approximate": "tanh"}),
        ("torch.nn.functional:silu", "torch", {}),
        ("torch.nn.functional:leaky_relu", "torch", {"negative_slope": 0.3}),
        ("torch.nn.functional:softmax", "torch", {"dim": -1}),
        ("torch:softmax", "torch", {"dim": 0}),
        ("torch.special:erf", "torch", {}),
        ("jax.nn:silu", "jax", {}),
        ("jax.nn:gelu", "jax", {"approximate": False}),
        ("jax.nn:leaky_relu", "jax", {"negative_slope": 0.3}),
        ("jax.nn:softmax", "jax", {"axis": 0}),
        ("jax.scipy.special:erf", "jax", {}),
    ],
)
def test_functions_by_reference(function: str, source: str, parameters: dict[str, Any]) -> None:
    for seed in range(2):
        report = passes(function, np.random.default_rng(seed).standard_normal((2, 3)), source, parameters=parameters)
        assert dict(report.function.parameters).items() >= parameters.items()


@pytest.mark.parametrize(
    ("name", "function", "source"),
    [("gelu", F.gelu, "torch"), ("silu", F.silu, "torch"), ("silu", jax.nn.silu, "jax"), ("tanh", jnp.tanh, "jax")],
)
def test_they_agree_with_the_catalogue(name: str, function: Callable[..., Any], source: str) -> None:
    ours, theirs = jacinspect.inspect(name, X), passes(function, X, source)
    np.testing.assert_allclose(matrix(ours), matrix(theirs), rtol=1e-12)


@pytest.mark.parametrize(("softmax", "source"), [(lambda t: torch.softmax(t, -1), "torch"), (jax.nn.softmax, "jax")])
def test_row_wise_functions(softmax: Callable[..., Any], source: str) -> None:
    report = passes(softmax, X, source, expect="block-diagonal", vec="row")
    np.testing.assert_allclose(matrix(report), softmax_jacobian(X, -1), atol=1e-14)


def test_layer_norm() -> None:
    report = passes(lambda t: F.layer_norm(t, (3,)), X, vec="row", expect="block-diagonal")
    assert report.jacobian is not None
    assert report.jacobian.blocks is not None
    assert report.jacobian.blocks.count == 2
    weight, bias = RNG.standard_normal(3), RNG.standard_normal(3)
    for wrt in (1, 2, 3):
        passes(lambda x, w, b: F.layer_norm(x, (3,), w, b), X, others=[weight, bias], wrt=wrt)


@pytest.mark.parametrize(("matmul", "source"), [(torch.matmul, "torch"), (jnp.matmul, "jax"), ("torch:mm", "torch")])
def test_a_product_by_each_of_its_operands(matmul: Any, source: str) -> None:
    by_x = dense(lambda p, q: float(W[q[1], p[1]]) if p[0] == q[0] else 0.0, (2, 4), (2, 3))
    by_w = dense(lambda p, q: float(X[p[0], q[0]]) if p[1] == q[1] else 0.0, (2, 4), (3, 4))
    for wrt, expected in ((1, by_x), (2, by_w)):
        report = passes(matmul, X, source, others=[W], wrt=wrt)
        np.testing.assert_allclose(matrix(report), expected, rtol=1e-12)


@pytest.mark.parametrize("wrt", ["q", "k", "v"])
@pytest.mark.parametrize("source", ["torch", "jax"])
def test_attention_by_each_of_its_operands(wrt: str, source: str) -> None:
    def of_torch(q: Any, k: Any, v: Any) -> Any:
        return torch.softmax(q @ k.T / 2, -1) @ v

    def of_jax(q: Any, k: Any, v: Any) -> Any:
        return jax.nn.softmax(q @ k.T / jnp.asarray(2.0)) @ v

    operands = {"k": RNG.standard_normal((5, 3)), "v": RNG.standard_normal((5, 2))}
    function = {"torch": of_torch, "jax": of_jax}[source]
    report = passes(function, RNG.standard_normal((4, 3)), source, others=operands, wrt=wrt)
    assert report.operand.name == wrt


# --- torch.autograd.Function


def cubes(factor: float = 3.0, at: tuple[int, ...] | None = None) -> Any:
    """x³ whose backward has this factor, everywhere or at one place."""

    class Cube(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            scale = torch.full_like(x, 3.0 if at else factor)
            if at:
                scale[at] = factor
            return scale * x**2 * grad

    return Cube


class Powers(torch.autograd.Function):  # type: ignore[misc]
    """scale * x^n in the old style, n and scale being no tensors."""

    @staticmethod
    def forward(ctx: Any, x: Any, n: int, scale: float = 2.0) -> Any:
        ctx.save_for_backward(x)
        ctx.n, ctx.scale = n, scale
        return scale * x**n

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return (ctx.scale * ctx.n * x ** (ctx.n - 1) * grad, None, None)[: len(ctx.needs_input_grad)]


class Product(torch.autograd.Function):  # type: ignore[misc]
    """x · w in the new style, whose cotangent of w is right, and that of x is not transposed."""

    @staticmethod
    def forward(x: Any, w: Any) -> Any:
        return x @ w

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        x, w = ctx.saved_tensors
        return grad @ w, x.T @ grad


class Once(torch.autograd.Function):  # type: ignore[misc]
    """sin, whose backward cannot be differentiated again."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return torch.from_numpy(np.cos(x.numpy())) * grad


@pytest.mark.parametrize("by", ["class", "apply"])
def test_a_backward_that_is_right(by: str) -> None:
    cube = cubes()
    report = passes(cube if by == "class" else cube.apply)
    np.testing.assert_allclose(np.diag(matrix(report)), 3 * X.ravel() ** 2)
    assert report.function.derivative == "torch.autograd"
    passes(Once if by == "class" else Once.apply)


@pytest.mark.parametrize("factor", [-3.0, 3 * (1 + 1e-6), 2.0, 0.0])
@pytest.mark.parametrize("by", ["class", "apply", "call"])
def test_a_backward_that_is_wrong(factor: float, by: str) -> None:
    cube = cubes(factor)
    function = {"class": cube, "apply": cube.apply, "call": lambda x: cube.apply(x)}[by]
    report = jacinspect.inspect(function, X)
    assert (report.verdict, codes(report), report.function.source) == ("fail", ["J001"], "torch")
    (finding,) = (finding for finding in report.findings if finding.code == "J001")
    assert finding.message.startswith("6 entries disagree")


def test_a_backward_with_one_entry_that_is_wrong() -> None:
    report = jacinspect.inspect(cubes(3 * (1 + 1e-6), (1, 2)), X)
    (finding,) = (finding for finding in report.findings if finding.code == "J001")
    assert (finding.at, report.verdict) == (((1, 2),), "fail")


def test_a_backward_with_a_transposed_matrix() -> None:
    square = RNG.standard_normal((3, 3))
    report = jacinspect.inspect(Product, X, others=[square])
    assert (report.verdict, codes(report)) == ("fail", ["J001"])
    passes(Product, X, others=[square], wrt=2)
    passes(Product, X, others=[square + square.T])


@pytest.mark.parametrize("given", [{"n": 3}, {"n": 2, "scale": 0.5}])
def test_parameters_of_an_autograd_function(given: dict[str, Any]) -> None:
    for function in (Powers, Powers.apply):
        report = passes(function, parameters=given)
        np.testing.assert_allclose(output(report), given.get("scale", 2.0) * X ** given["n"])
        assert dict(report.function.parameters) == {"scale": 2.0, **given}


def test_the_samples() -> None:
    file = SAMPLES / "torch_functions.py"
    assert codes(jacinspect.inspect(f"{file}:Cube", X)) == ["J001"]
    for given in ({}, {"limit": 0.5}):
        for name in ("ClampedExp", "ClampedExp.apply"):
            report = passes(f"{file}:{name}", parameters=given)
            np.testing.assert_allclose(output(report), np.exp(np.minimum(X, given.get("limit", 3.0))))
    passes(f"{file}:network")
    passes(f"{SAMPLES / 'jax_functions.py'}:squared_tanh", X, "jax")
    assert codes(jacinspect.inspect(f"{SAMPLES / 'jax_functions.py'}:squared_tanh_broken", X)) == ["J001"]


def test_a_function_that_detaches() -> None:
    report = jacinspect.inspect(lambda t: t.detach() ** 2 + 0 * torch.zeros_like(t), X, backend="torch")
    assert (report.verdict, codes(report)) == ("fail", ["J001"])
    half = jacinspect.inspect(lambda t: torch.mul(t, t.detach()), X)
    assert codes(half) == ["J001"]
    (finding,) = (finding for finding in half.findings if finding.code == "J001")
    assert "analytic/numeric = 0.5" in finding.message


# --- Modules


def test_a_linear_layer() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 4)
    weight = layer.weight.detach().double().numpy()
    expected = dense(lambda p, q: float(weight[p[1], q[1]]) if p[0] == q[0] else 0.0, (2, 4), (2, 3))
    report = passes(layer)
    np.testing.assert_allclose(matrix(report), expected, rtol=1e-12)
    assert output(report).dtype == np.float64
    single = passes(layer, X.astype(np.float32))
    np.testing.assert_allclose(matrix(single), expected, rtol=1e-6)


def test_a_module_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5), torch.nn.GELU())
    module.train()
    with torch.no_grad():
        module(torch.ones(2, 3))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    report = passes(module, expect="block-diagonal", vec="row")
    assert report.jacobian is not None
    assert report.jacobian.blocks is not None, "in evaluation mode no row reads another"
    assert report.jacobian.blocks.count == 2
    assert all(part.training for part in module.modules())
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    assert all(p.requires_grad and p.grad is None for p in module.parameters())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    assert plain(module) is not module


def test_a_module_of_several_operands_and_of_a_keyword() -> None:
    class Bilinear(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(W, dtype=torch.float32))

        def forward(self, x: Any, y: Any, scale: float = 2.0) -> Any:
            return scale * (x @ self.weight) * torch.tanh(y)

    y = RNG.standard_normal((2, 4))
    for wrt in ("x", "y"):
        report = passes(Bilinear(), X, others=[y], wrt=wrt, parameters={"scale": 3.0})
        np.testing.assert_allclose(output(report), 3 * (X @ W.astype(np.float32)) * np.tanh(y), rtol=1e-12)
    with pytest.raises(InputError, match="Bilinear takes the operands x and y"):  # one is made of the class
        jacinspect.inspect(Bilinear, X)


def test_a_module_whose_backward_is_wrong() -> None:
    class Wrong(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return cubes(2.5).apply(x)

    assert codes(jacinspect.inspect(Wrong(), X)) == ["J001"]
    assert codes(jacinspect.inspect(torch.nn.Sequential(torch.nn.Linear(3, 3), Wrong()), X)) == ["J001"]


@pytest.mark.parametrize("kind", ["script", "trace", "weight norm"])
@pytest.mark.filterwarnings("ignore")
def test_modules_that_are_not_copied_or_changed_like_others(kind: str) -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(3, 4)
    module: Any = {
        "script": lambda: torch.jit.script(linear),
        "trace": lambda: torch.jit.trace(linear, torch.ones(2, 3)),
        "weight norm": lambda: torch.nn.utils.weight_norm(linear),
    }[kind]()
    try:
        report = jacinspect.inspect(module, X.astype(np.float32))
    except JacinspectError as error:
        assert kind.split()[0] in str(error).lower() or "copy" in str(error)  # noqa: PT017 (told is as good as done)
    else:
        assert (report.verdict, codes(report)) == ("pass", [])


def test_dropout_that_is_always_on_is_not_deterministic() -> None:
    assert codes(jacinspect.inspect(lambda t: F.dropout(t, 0.5, training=True), X, seed=1)) == ["J005"]


# --- Precision


def test_single_precision() -> None:
    assert passes(torch.tanh, X.astype(np.float32)).operand.values.dtype == np.float32
    passes(jnp.tanh, X.astype(np.float32), "jax")
    passes(lambda t: torch.tanh(t.float()), X)
    for factor in (-1.0, 1.01):
        spoiled = jacinspect.inspect(cubes(3 * factor), X.astype(np.float32))
        assert codes(spoiled) == ["J001"]


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_a_result_of_half_precision_is_read(kind: Any) -> None:
    report = jacinspect.inspect(lambda t: torch.tanh(t.to(kind)), X)
    np.testing.assert_allclose(output(report), np.tanh(X), rtol=1e-2)
    assert output(report).dtype == np.float64


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_a_right_function_of_half_precision_is_not_accused(kind: Any) -> None:
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((2, 3))
        assert "J001" not in codes(jacinspect.inspect(lambda t: torch.tanh(t.to(kind)), x))


# --- jax


@jax.custom_jvp  # type: ignore[untyped-decorator]
def jvp_only(x: Any) -> Any:
    return jnp.sin(x)


jvp_only.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), jnp.cos(primals[0]) * tangents[0]))


@jax.custom_jvp  # type: ignore[untyped-decorator]
def jvp_wrong(x: Any) -> Any:
    return jnp.sin(x)


jvp_wrong.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), jnp.cos(primals[0]) * (1 + 1e-6) * tangents[0]))


def custom_vjp(factor: float) -> Any:
    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def product(x: Any, w: Any) -> Any:
        return jnp.tanh(x @ w)

    def backward(kept: Any, upstream: Any) -> Any:
        x, w, t = kept
        inner = upstream * (1 - t**2)
        return factor * inner @ w.T, x.T @ inner

    product.defvjp(lambda x, w: (product(x, w), (x, w, jnp.tanh(x @ w))), backward)
    return product


def test_a_custom_jvp() -> None:
    np.testing.assert_allclose(np.diag(matrix(passes(jvp_only, X, "jax"))), np.cos(X).ravel())
    report = jacinspect.inspect(jvp_wrong, X)
    assert (report.verdict, codes(report)) == ("fail", ["J001"])


def test_a_custom_vjp_is_the_one_that_is_checked() -> None:
    right = custom_vjp(1.0)
    for wrt in (1, 2):
        passes(right, X, "jax", others=[W], wrt=wrt)
    for factor in (-1.0, 1 + 1e-6):
        wrong = custom_vjp(factor)
        assert codes(jacinspect.inspect(wrong, X, others=[W])) == ["J001"]
        passes(wrong, X, "jax", others=[W], wrt=2)
    double = custom_vjp(2.0)
    wrapped = jacinspect.inspect(lambda x, w: double(x, w) + 0 * x[:, :1], X, others=[W])
    assert codes(wrapped) == ["J001"]


def test_a_custom_rule_within_a_function_of_anything() -> None:
    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, upstream: (x * upstream,))
    assert codes(jacinspect.inspect(square, X)) == ["J001"]
    assert codes(jacinspect.inspect(lambda x: square(x), X, backend="jax")) == ["J001"]
    assert codes(jacinspect.inspect(lambda x: square(x), X)) == ["J001"]


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16, jnp.float32])
def test_a_result_of_jax_in_lower_precision_is_read(kind: Any) -> None:
    report = jacinspect.inspect(lambda x: jnp.tanh(x.astype(kind)), X)
    np.testing.assert_allclose(output(report), np.tanh(X), rtol=2e-2)
    assert report.function.source == "jax"


@pytest.mark.parametrize("count", [lambda t: torch.argsort(t), lambda x: jnp.argsort(x)])
def test_a_result_of_integers_has_the_derivative_0(count: Callable[..., Any]) -> None:
    report = jacinspect.inspect(count, np.array([[3.0, -20.0, 50.0], [7.0, 90.0, -4.0]]))
    assert "J001" not in codes(report)
    assert output(report).tolist() == [[1, 0, 2], [2, 0, 1]]


def test_jit() -> None:
    passes(jax.jit(lambda x: jnp.sin(x) * x), X, "jax")
    passes(jax.jit(jvp_only), X, "jax")
    assert codes(jacinspect.inspect(jax.jit(jvp_wrong), X)) == ["J001"]
    assert codes(jacinspect.inspect(jax.jit(custom_vjp(2.0)), X, others=[W])) == ["J001"]


def test_jax_computes_in_double_precision_here_and_is_left_as_it_was() -> None:
    before = jnp.ones(1).dtype
    report = passes(jnp.tanh, X, "jax")
    assert output(report).dtype == np.float64
    np.testing.assert_allclose(output(report), np.tanh(X), rtol=1e-15)
    assert jnp.ones(1).dtype == before == np.float32
    assert report.agreement is not None
    assert report.agreement.max_error_bar is not None
    assert report.agreement.max_error_bar < 1e-9


def test_stop_gradient_is_found() -> None:
    assert codes(jacinspect.inspect(lambda x: jnp.multiply(x, jax.lax.stop_gradient(x)), X)) == ["J001"]


# --- Derivatives by hand


def test_derivatives_by_hand_in_either_s_arrays() -> None:
    for derivative in (lambda x: 1 - np.tanh(x) ** 2, lambda x: 1 - torch.tanh(x) ** 2, lambda x: 1 - jnp.tanh(x) ** 2):
        for function, source in ((torch.tanh, "torch"), (jnp.tanh, "jax"), (np.tanh, "python")):
            passes(function, X, source, derivative=derivative)
            wrong = jacinspect.inspect(function, X, lambda x, d=derivative: d(x) * (1 + 1e-6))
            assert codes(wrong) == ["J001"]


def test_a_jacobian_by_hand_from_autograd() -> None:
    jacobian: Any = torch.autograd.functional.jacobian
    passes(
        lambda x: np.sin(x) @ W,
        X,
        "python",
        derivative=lambda x: jacobian(lambda t: torch.sin(t) @ torch.tensor(W), x),
    )
    passes(lambda x: np.sin(x) @ W, X, "python", derivative=jax.jacobian(lambda t: jnp.sin(t) @ W))


def test_operands_of_the_framework_s_own() -> None:
    for x in (torch.tensor(X, requires_grad=True), jnp.asarray(X)):
        report = passes(torch.tanh, x)
        np.testing.assert_allclose(report.operand.values, X, rtol=1e-6)


# --- Which framework


@pytest.mark.parametrize(
    ("backend", "source"), [("numpy", "python"), ("torch", "torch"), ("jax", "jax"), (None, "python")]
)
def test_a_function_of_anything_takes_what_it_is_said_to(backend: str | None, source: str) -> None:
    seen: set[str] = set()

    def square(x: Any) -> Any:
        seen.add(type(x).__module__.split(".")[0])
        return x * x

    report = jacinspect.inspect(square, X, backend=backend)  # type: ignore[arg-type]
    assert (report.verdict, report.function.source) == ("pass", source)
    assert {"numpy": "numpy", "torch": "torch", "jax": "jax", None: "numpy"}[backend] in seen
    assert backend == "jax" or len(seen) == 1


def test_functions_that_take_one_framework_s_arrays_alone_are_found_out() -> None:
    passes(lambda t: t.sin().mul(2.0), X)
    passes(lambda t: torch.where(t > 0, t, 2 * t), X)
    passes(lambda a: a.at[0].multiply(2.0), X, "jax")
    assert framework_of(np.sin, np.sin, [X])[0].name == "numpy"


def test_a_mistake_of_the_function_s_own_is_told_and_not_one_of_the_trial() -> None:
    with pytest.raises(FunctionFailedError, match="the function raised ValueError: my own") as error:
        jacinspect.inspect(raising, X)
    assert "torch" not in str(error.value)
    with pytest.raises(FunctionFailedError, match="A must be batches of square matrices") as error:
        jacinspect.inspect(lambda t: torch.linalg.inv(t), X)
    assert "test_frameworks.py:" in str(error.value)


def raising(x: Any) -> Any:
    raise ValueError("my own")


def test_a_tuple_of_tensors_is_laid_end_to_end() -> None:
    for function in (lambda t: (t, torch.tanh(t)), lambda t: (torch.tanh(t), torch.sum(t))):
        report = jacinspect.inspect(function, X)
        assert (report.verdict, report.function.source) == ("pass", "torch")
        assert [part.name for part in report.names.output.parts] == ["0", "1"]
    report = jacinspect.inspect(lambda t: torch.max(t, dim=0), X)
    assert (report.verdict, report.names.output.names) == ("pass", ("values",))
    assert report.names.output.left_out == ("indices (integers)",)


def test_the_rows_of_a_matrix_are_not_taken_for_outputs_in_a_list() -> None:
    """Each number in a list is an output of jax's, and none in the rows of a Jacobian is."""

    def f(x: Any) -> Any:
        return [x[0] * jnp.exp(x[1]), 3 * x[0] + x[1]], x

    x = np.array([2.0, 0.5])
    right = [[np.exp(0.5), 2 * np.exp(0.5)], [3, 1]]
    for derivative, verdict in ((right, "pass"), (np.transpose(right).tolist(), "fail")):
        for given in (lambda x, d=derivative: d, lambda x, d=derivative: [*map(np.array, d)]):
            assert jacinspect.inspect(f, x, given, take=0, backend="jax").verdict == verdict


def test_a_function_that_changes_its_tensor() -> None:
    assert codes(jacinspect.inspect(lambda t: t.mul_(2), X)) == ["J008"]


def test_signatures() -> None:
    signature = signature_of(Powers.apply)
    assert signature is not None
    assert list(signature.parameters) == ["x", "n", "scale"]
    signature = signature_of(Product.apply)
    assert signature is not None
    assert list(signature.parameters) == ["x", "w"]
    assert signature_of(torch.tanh) is None


# --- Neither is imported for whoever has not done it

PROBE = """
import sys
import numpy as np
import jacinspect
report = jacinspect.inspect({function}, np.array([[0.5, -1.0, 2.0]]), {derivative}, parameters={parameters})
print(report.verdict, sorted({{"torch", "jax", "scipy"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("function", "derivative", "parameters"),
    [
        ("np.sin", "np.cos", "{}"),
        ("'samples/activations.py:swish'", "'samples/activations.py:swish_prime'", "{'beta': 1.5}"),
        ("'tanh'", "None", "{}"),
        ("lambda x: x.sin()", "None", "{}"),
    ],
)
def test_a_numpy_function_imports_no_framework(function: str, derivative: str, parameters: str) -> None:
    program = PROBE.format(function=function, derivative=derivative, parameters=parameters)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    if "x.sin()" in function:
        assert "AttributeError: 'numpy.ndarray' object has no attribute 'sin'" in done.stderr
        assert "import torch" not in done.stderr
    else:
        assert (done.stdout, done.stderr) == ("pass []\n", "")


def test_a_backend_that_the_code_has_not_imported() -> None:
    for backend in ("torch", "jax"):
        program = f"import numpy, jacinspect\njacinspect.inspect(lambda x: x, numpy.ones(2), backend={backend!r})"
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
        said = f"InputError: --backend {backend}: the function's code has not imported {backend}\n"
        assert done.stderr.endswith(said)


def test_a_function_that_leaves_its_framework_has_no_derivative_there() -> None:
    for f in (lambda x: torch.tanh(x).detach().numpy(), lambda x: torch.tanh(x).sum().item()):
        report = jacinspect.inspect(f, X)
        assert (report.verdict, report.function.source) == ("pass", "torch")
        assert report.agreement is not None
        assert not report.agreement.checked


def test_a_module_of_single_precision_inside_a_function() -> None:
    inner = torch.nn.Linear(3, 2)
    assert jacinspect.inspect(lambda x: inner(x), X).verdict == "pass"
    assert jacinspect.inspect(lambda x: torch.nn.functional.linear(x.float(), inner.weight), X).verdict == "pass"
    assert jacinspect.inspect(inner.forward, X.astype(np.float32)).function.source == "torch"


@pytest.mark.parametrize(("off", "verdict"), [(1.0, "pass"), (1.001, "fail")])
def test_what_takes_single_precision_alone_is_given_it(off: float, verdict: str) -> None:
    weight = torch.nn.Linear(3, 2).weight.detach()

    class Linear(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x @ weight.T

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return off * (grad @ weight)

    report = jacinspect.inspect(Linear.apply, X)
    assert report.verdict == verdict, report.findings
    assert report.function.note == "called in single precision, for it takes no double"


def test_what_raises_at_x_alone_is_not_given_single_precision() -> None:
    """The number beside x that single precision has lies on the other side of a threshold."""
    x = np.array([0.1257302210933933])

    def f(x: Array) -> Array:
        if x[0] > 0.12573022:
            raise ValueError("no convergence")
        return np.sin(x)

    with pytest.raises(FunctionRaisedError, match="no convergence"):
        jacinspect.inspect(f, x)


def test_what_takes_single_precision_of_numpy_alone() -> None:
    def f(x: Array) -> Array:
        if x.dtype != np.float32:
            raise TypeError("expected float32")
        return np.tanh(x)

    assert jacinspect.inspect(f, X, lambda x: 1 - np.tanh(x) ** 2).verdict == "pass"


def test_without_a_framework_numpy_s_arrays_alone_are_tried() -> None:
    program = (
        "import numpy as np, sys, jacinspect\n"
        "calls = []\n"
        "def f(x): calls.append(float(x[0])); return np.tanh(x)\n"
        "jacinspect.inspect(f, [1.0])\n"
        "assert not {'torch', 'jax'} & set(sys.modules)\n"
        "print(calls[:4])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert eval(done.stdout)[:3] == [1.0] * 3  # to see that f takes them, and twice to see that it is a function
    assert eval(done.stdout)[3] != 1.0


def test_a_kernel_of_single_precision_is_found_where_the_backend_is_given() -> None:
    def kernel(x: torch.Tensor) -> torch.Tensor:
        if x.dtype != torch.float32:
            raise RuntimeError("expected scalar type Float but found Double")
        return torch.tanh(x)

    report = jacinspect.inspect(kernel, X, backend="torch")
    assert report.verdict == "pass", report.findings
    assert report.function.note == "called in single precision, for it takes no double"


# --- Outputs that are not differentiable


class Standardized(torch.autograd.Function):  # type: ignore[misc]
    """Standardized columns, with their means and variances, which it says are not differentiable."""

    factor = 1.0

    @staticmethod
    def forward(ctx: Any, x: Any, gain: Any) -> Any:
        mean, variance = x.mean(0), x.var(0, unbiased=False)
        scale = (variance + 1e-5).rsqrt()
        centered = (x - mean) * scale
        ctx.save_for_backward(centered, scale, gain)
        ctx.mark_non_differentiable(mean, variance)
        return centered * gain, mean, variance

    @classmethod
    def backward(cls, ctx: Any, g: Any, *_: Any) -> Any:
        centered, scale, gain = ctx.saved_tensors
        moved = g * gain
        moved = moved - moved.mean(0) - cls.factor * centered * (moved * centered).mean(0)
        return moved * scale, (g * centered).sum(0)


class StandardizedWrong(Standardized):
    factor = 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrt", ["x", "gain", "all"])
@pytest.mark.parametrize("function", [Standardized, StandardizedWrong])
def test_outputs_that_are_marked_as_not_differentiable_are_left_out(function: Any, wrt: str, dtype: Any) -> None:
    report = jacinspect.inspect(function, W.astype(dtype), others=[Y[:, 1:].repeat(2, 1)[0].astype(dtype)], wrt=wrt)
    assert report.verdict == ("fail" if function is StandardizedWrong and wrt != "gain" else "pass")
    assert report.names.output.names == ("0",)
    assert report.names.output.left_out == (
        "1 (no derivative by torch.autograd)",
        "2 (no derivative by torch.autograd)",
    )


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (lambda x: x.detach() ** 2, {}),
        (lambda x: (x**2, (x**3).detach()), {}),
        (lambda x: {"loss": (x**2).sum(), "penalty": (x.detach() ** 2).sum()}, {}),
        (lambda x: (x.detach() ** 2, x**3), {"take": 0}),
    ],
)
def test_outputs_that_are_detached_are_compared(function: Any, how: dict[str, Any]) -> None:
    """In one of several outputs, too, for it may be a mistake."""

    def called(x: torch.Tensor) -> Any:
        return function(x)

    report = jacinspect.inspect(called, X, **how)
    assert codes(report) == ["J001"]
    assert report.names.output.left_out == ()


def test_a_derivative_by_hand_is_of_all_outputs() -> None:
    def f(x: torch.Tensor) -> Any:
        return x**2, x.detach() ** 3

    report = jacinspect.inspect(f, X[0], lambda x: np.vstack([np.diag(2 * x), np.diag(3 * x**2)]))
    assert (report.verdict, report.names.output.names) == ("pass", ("0", "1"))


# --- Operands that are not differentiated by

SIGNS = np.sign(Y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "function",
    [
        torch.nn.SoftMarginLoss(),
        F.soft_margin_loss,
        lambda x, target: F.soft_margin_loss(x, target, reduction="none"),
        "torch.nn.functional:soft_margin_loss",
    ],
)
def test_targets_that_torch_does_not_differentiate_by(function: Any, order: int, dtype: Any) -> None:
    report = passes(function, X.astype(dtype), others=[SIGNS.astype(dtype)], order=order)
    second = report.second_order
    assert second is None or (second.gradient is not None and second.gradient.verdict == "pass")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [1, 2])
def test_operands_that_jax_does_not_differentiate_by(order: int, dtype: Any) -> None:
    x, a, b = (array.astype(dtype) for array in (np.array([[0.2, 0.7, 0.4]]), np.array([[0.5], [1.2]]), np.array(2.0)))
    cdf = jax.scipy.stats.beta.cdf
    for function in (lambda x, a, b: cdf(x, a, b), jax.jit(lambda x, a, b: cdf(x, a, b))):
        report = passes(function, x, source="jax", others=[a, b], order=order)
        assert {rule.name: rule.verdict for rule in report.rules[:2]} == {"jvp": "pass", "vjp": "pass"}
    with pytest.raises(FunctionFailedError, match="gradient with respect to a and b not supported"):
        jacinspect.inspect(function, x, others=[a, b], wrt="a")


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_targets_that_torch_does_not_differentiate_by(dtype: Any) -> None:
    class Scaled(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, z: Any, target: Any) -> Any:
            if target.requires_grad:
                raise RuntimeError("not differentiable with respect to argument 'target'")
            ctx.save_for_backward(target)
            return z * target.real.sum()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0].real.sum(), None

    passes(Scaled, (X + 1j * Y).astype(dtype), others=[(W + 2j).astype(dtype)])


@pytest.mark.parametrize(("wrt", "verdict"), [("x", "pass"), ("y", "fail"), ("all", "fail")])
def test_an_operand_that_is_cut_off_is_found_by_it_alone(wrt: str, verdict: str) -> None:
    def product(x: torch.Tensor, y: torch.Tensor) -> Any:
        return x * y.detach(), x + y

    assert jacinspect.inspect(product, X, others=[Y], wrt=wrt).verdict == verdict
    assert jacinspect.inspect(product, X, others=[Y], wrt=wrt, take=0).verdict == verdict


@pytest.mark.parametrize(("wrt", "asked"), [("x", (True, False)), ("y", (False, True)), ("all", (True, True))])
def test_a_backward_is_asked_for_what_is_differentiated_by(wrt: str, asked: tuple[bool, bool]) -> None:
    seen = set()

    class Product(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.add(ctx.needs_input_grad)
            x, y = ctx.saved_tensors
            return g * y if ctx.needs_input_grad[0] else None, g * x if ctx.needs_input_grad[1] else None

    passes(Product, X, others=[Y], wrt=wrt)
    assert seen == {asked}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "params.*,x", "x", "all"])
def test_gradients_of_jax_by_a_container_and_an_array_stand_beside_labels(wrt: str | None, dtype: str) -> None:
    def loss(params: Any, x: Any, labels: Any) -> Any:
        z = jax.nn.log_softmax(x @ params["w"].T + params["b"])
        return -jnp.mean(z[jnp.arange(2), labels])

    params = {"w": np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype), "b": np.array([0.3, -0.7], dtype)}
    x, labels = np.array([[2, 0.5, -1.5], [-1, 1.5, 0.25]], dtype), np.array([0, 1])
    gradient = jax.grad(loss, argnums=(0, 1))
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda *given, k=factor: jax.tree.map(lambda leaf: k * leaf, gradient(*given))  # noqa: E731
        assert jacinspect.inspect(loss, params, claim, others=[x, labels], wrt=wrt).verdict == expected
    assert jacinspect.inspect(loss, params, gradient, others=[x, labels], wrt=wrt).verdict == "pass"
