"""Jacobians by the numbers that code holds itself: torch modules, and trees of arrays as jax's libraries have them."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils.checkpoint import checkpoint

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from tests.conftest import RunHere
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((3, 4))


def net() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Tanh(), torch.nn.Linear(3, 2))


# --- torch ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrt", "names"),
    [
        ("0.weight", ("0.weight",)),
        ("*.bias", ("0.bias", "1.bias", "3.bias")),
        ("0.weight,3.*", ("0.weight", "3.weight", "3.bias")),
        ("1.*", ("1.weight", "1.bias")),
        (None, ("input",)),
    ],
)
def test_a_module_by_its_weights(wrt: str | None, names: tuple[str, ...]) -> None:
    module = net()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    report = jacinspect.inspect(module, X, wrt=wrt)
    assert (report.verdict, report.names.operand.names) == ("pass", names)
    assert report.agreement is not None
    assert report.agreement.checked
    for name, value in module.state_dict().items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])
    assert report.function.note == "in eval mode, its weights are copied in double precision"
    assert [*report.fixed] == ([] if wrt is None else ["input"])


def test_batch_norm_in_training_mode_keeps_its_running_statistics() -> None:
    module = net()
    report = jacinspect.inspect(module, X, mode="train", wrt="0.weight")
    assert (report.verdict, report.detection.deterministic) == ("pass", True)
    assert not module[1].running_mean.any()
    assert module.training
    assert report.function.note.startswith("in train mode")
    evaluated = jacinspect.inspect(module, X, wrt="0.weight")
    assert report.output is not None
    assert evaluated.output is not None
    assert not np.allclose(report.output, evaluated.output)


def test_a_function_of_a_module_works_in_double_precision() -> None:
    model = net()

    def loss(x: Any) -> Any:
        return (model(x) ** 2).mean()

    assert jacinspect.inspect(loss, X).verdict == "pass"
    report = jacinspect.inspect(loss, X, wrt="model.0.weight,model.3.bias")
    assert (report.verdict, report.jacobian and report.jacobian.shape) == ("pass", (1, 14))
    assert model[0].weight.dtype == torch.float32
    assert model.training  # the mode is put back
    assert jacinspect.inspect(model.forward, X).verdict == "pass"


def test_a_function_of_its_weights_alone() -> None:
    model = net()

    def loss() -> Any:
        return model(torch.ones(3, 4, dtype=torch.float64)).sum()

    def scaled(by: float = 2.0) -> Any:
        return by * loss()

    for f in (loss, scaled):
        assert jacinspect.inspect(f, wrt="model.3.weight").verdict == "pass"
        assert jacinspect.inspect(f).names.operand.names[0] == "model.0.weight"


class Shared(torch.nn.Module):  # type: ignore[misc]
    """y = W tanh(W x): the weight is used twice, under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(3, 3, bias=False)
        self.second = torch.nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Any) -> Any:
        return self.second(torch.tanh(self.first(x)))


def test_a_shared_weight_is_one_operand() -> None:
    module = Shared()
    report = jacinspect.inspect(module, X[:, :3], wrt="all")
    assert (report.verdict, report.names.operand.names) == ("pass", ("x", "first.weight"))
    w = module.first.weight.detach().double().numpy()
    report = jacinspect.inspect(
        lambda x, w: np.tanh(x @ w.T) @ w.T, X[:, :3], others=[w], wrt="w", backend="numpy"
    )  # fmt: skip
    assert report.verdict == "pass"
    weights = jacinspect.inspect(module, X[:, :3], wrt="first.weight")
    assert weights.jacobian is not None
    assert report.jacobian is not None
    assert weights.jacobian.numeric is not None
    assert report.jacobian.numeric is not None
    found, expected = weights.jacobian.numeric.matrix(), report.jacobian.numeric.matrix()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_recurrent_layers_return_pairs() -> None:
    torch.manual_seed(0)
    report = jacinspect.inspect(torch.nn.LSTM(4, 2, batch_first=True), X[:2], wrt="weight_hh_l0")
    assert (report.verdict, report.names.output.names) == ("pass", ("0", "1.0", "1.1"))
    attention = torch.nn.MultiheadAttention(4, 2)
    report = jacinspect.inspect(attention, X, others=[X, X], wrt="in_proj_bias", take=0)
    assert report.verdict == "pass"


class Checkpointed(torch.nn.Module):  # type: ignore[misc]
    """tanh(dropout(x Wᵀ + b)): its backward calls all of it again, with the weights that it has then."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.dropout = torch.nn.Linear(4, 2), torch.nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        return checkpoint(lambda x: torch.tanh(self.dropout(self.linear(x))), x, use_reentrant=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrt", [None, "linear.weight", "all"])
def test_a_backward_that_calls_the_module_again(dtype: type[np.floating], wrt: str | None) -> None:
    x = X.astype(dtype)
    for module in (Checkpointed(), Checkpointed().double()):
        assert jacinspect.inspect(module, x, wrt=wrt).verdict == "pass"
    assert jacinspect.inspect(module, x, wrt=wrt, mode="train", reseed=3).verdict == "pass"


def test_a_backward_that_calls_modules_again_at_other_weights() -> None:
    module = Checkpointed()
    before = {name: value.clone() for name, value in module.state_dict().items()}

    def f(x: Any) -> Any:
        return checkpoint(module, x, use_reentrant=False) ** 2

    for wrt in (None, "module.linear.weight", "all"):  # the second order calls backward at other weights
        report = jacinspect.inspect(f, X, wrt=wrt, order=2)
        assert report.second_order is not None
        assert (report.verdict, report.second_order.message) == ("pass", None)
    assert module.training
    for name, value in module.named_parameters():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


def test_dropout_is_seeded_before_every_call() -> None:
    dropout = torch.nn.Dropout(0.5)
    assert [each.code for each in jacinspect.inspect(dropout, X, mode="train").findings] == ["J005"]
    report = jacinspect.inspect(dropout, X, mode="train", reseed=3)
    assert (report.verdict, report.jacobian and report.jacobian.is_diagonal) == ("pass", True)

    def noisy(x: Array) -> Any:
        return x * np.random.rand(*x.shape)  # noqa: NPY002

    assert jacinspect.inspect(noisy, X).verdict == "fail"
    assert jacinspect.inspect(noisy, X, reseed=0).verdict == "pass"


def test_what_has_no_weights() -> None:
    with pytest.raises(InputError, match="has no torch module: leave out --mode train"):
        jacinspect.inspect(np.tanh, X, mode="train")
    for option in ({"mode": "eval"}, {"reseed": 1}):
        with pytest.raises(InputError, match="sigmoid is not Python code: leave out --"):
            jacinspect.inspect("sigmoid", X, **option)
    with pytest.raises(InputError, match=r"no operand '0.wight'.* it has input \(1\), 0.weight, 0.bias, 1.wei"):
        jacinspect.inspect(net(), X, wrt="0.wight")


CODE = """
import numpy as np
import torch
class Net(torch.nn.Module):
    def __init__(self, hidden, bias=True):
        super().__init__()
        self.fc1 = torch.nn.Linear(3, hidden, bias=bias)
        self.fc2 = torch.nn.Linear(hidden, 1)
    def forward(self, x):
        return {"loss": (self.fc2(torch.tanh(self.fc1(x))) ** 2).mean(), "hidden": None}
class Scale:
    def __init__(self, factor):
        self.factor = factor
    def forward(self, x):
        self.x = x
        return self.factor * x ** 2
    def backward(self, dout):
        return 2 * self.factor * self.x * dout
class Wrong(Scale):
    def backward(self, dout):
        return self.factor * self.x * dout
scale, wrong = Scale(3.0), Wrong(3.0)
def affine(x, w):
    out = x @ w
    cache = (x, w)
    return out, cache
def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout
def affine_wrong(dout, cache):
    x, w = cache
    return dout @ w.T, (x.T @ dout) / len(x)
def square(x):
    out = x ** 2
    cache = x
    return out, cache
def square_backward(dout, cache):
    return 2 * cache * dout
"""


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "code.py").write_text(CODE)
    return str(tmp_path / "code.py")


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("{}:Net -p hidden=2 -s 5x3", 0),
        ("{}:Net -p hidden=2 -s 5x3 --wrt fc1.weight", 0),
        ("{}:Net -p hidden=2 -p bias=false -s 5x3 --wrt *.weight --take loss --mode train", 0),
        ("{}:Net -p hidden=2 -s 5x3 --with fc1.bias=2 --wrt fc1.bias,x", 0),
        ("torch.nn:LayerNorm -p normalized_shape=[3] -s 2x3 --wrt all", 0),
        ("{}:Scale -p factor=2.5 -s 3", 0),
        ("{}:Wrong -p factor=2.5 -s 3", 1),
        ("{}:scale -s 3", 0),
        ("{}:scale.forward -s 3 -d {}:scale.backward", 0),
        ("{}:wrong.forward -s 3 -d {}:wrong.backward", 1),
        ("{}:affine -s 2x3 --with 3x4 -d {}:affine_backward", 0),
        ("{}:affine -s 2x3 --with 3x4 -d {}:affine_backward --wrt x,w", 0),
        ("{}:affine -s 2x3 --with 3x4 -d {}:affine_wrong --wrt w", 1),
        ("{}:square -s 2x3 -d {}:square_backward", 0),
    ],
)
def test_layers_by_hand(code: str, typed: str, status: int, run_here: RunHere) -> None:
    done = run_here(*typed.replace("{}", code).split(), "--json")
    assert done.status == status, done.err
    assert json.loads(done.out)["agreement"]["verdict"] == ("fail" if status else "pass")


def test_the_names_of_weights_are_in_the_report(code: str, run_here: RunHere) -> None:
    done = run_here(f"{code}:Net", "-p", "hidden=2", "-s", "5x3", "--wrt", "fc1.*")
    text = done.out.decode()
    assert "X is fc1.weight 2×3 and fc1.bias 2, laid end to end" in text
    assert "not in A: hidden (None), which the function returns too" in text
    missing = run_here(f"{code}:Net", "-s", "5x3")
    assert (missing.status, missing.err) == (2, f"jacinspect: {code}:Net: is a class that needs hidden: -p hidden=…\n")


def test_a_weight_of_a_module_that_is_called_as_its_operand_is() -> None:
    class Shift(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.x, self.scale = torch.nn.Parameter(torch.ones(4)), torch.nn.Parameter(torch.ones(4))

        def forward(self, x: Any) -> Any:
            return self.scale * torch.tanh(x + self.x)

    report = jacinspect.inspect(Shift(), X, wrt="x")
    assert (report.verdict, report.operand.values.shape) == ("pass", (3, 4))
    assert jacinspect.inspect(Shift(), X, wrt="scale").operand.values.shape == (4,)


# --- Trees of arrays --------------------------------------------------------------------------------------------------

PARAMETERS = {"dense": [{"w": jnp.ones((4, 2)) / 2, "b": jnp.zeros(2)}], "rate": 0.5, "name": "net"}


def apply(x: Any, params: Any = PARAMETERS) -> Any:
    layer = params["dense"][0]
    return jnp.tanh(x @ layer["w"] + layer["b"]) * params["rate"]


def test_a_tree_of_parameters() -> None:
    report = jacinspect.inspect(apply, X, wrt="params.dense.*")
    assert (report.verdict, report.function.source) == ("pass", "jax")
    assert report.names.operand.names == ("params.dense.0.w", "params.dense.0.b")
    given = jacinspect.inspect(apply, X, parameters={"params": PARAMETERS}, wrt="params.dense.0.b")
    assert given.verdict == "pass"
    assert jacinspect.inspect(apply, X).verdict == "pass"


def test_parameters_reach_a_gradient_of_a_tree() -> None:
    def energy(p: Any, rate: float = 2.0) -> Any:
        return rate * (p["w"] ** 2).sum() + (p["w"][:, 0] * p["b"]).sum()

    p, gradient = {"w": jnp.arange(6.0).reshape(2, 3) - 2.5, "b": jnp.array([0.3, -0.7])}, jax.grad(energy)
    for claim, expected in ((gradient, "pass"), (lambda p, rate=0: gradient(p, rate + 1), "fail")):
        assert jacinspect.inspect(energy, p, claim, parameters={"rate": 2.5}).verdict == expected


def test_a_product_with_the_hessian_of_a_tree() -> None:
    def energy(p: Any) -> Any:
        return (p["w"] ** 3).sum() + (p["w"][:, 0] * p["b"] ** 2).sum()

    p, gradient = {"w": jnp.arange(6.0).reshape(2, 3) - 2.5, "b": jnp.array([0.3, -0.7])}, jax.grad(energy)
    report = jacinspect.inspect(energy, p, lambda p, v: jax.jvp(energy, (p,), (v,))[1], derivative_kind="jvp")
    assert report.verdict == "pass"
    for factor, expected in ((1, "pass"), (1.1, "fail")):

        def product(p: Any, v: Any, factor: float = factor) -> Any:
            return jax.tree.map(lambda leaf: factor * leaf, jax.jvp(gradient, (p,), (v,))[1])

        assert jacinspect.inspect(energy, p, gradient, hessian=product).verdict == expected


@jax.tree_util.register_pytree_with_keys_class
class Layer:
    """A registered pytree that is called, as equinox's and flax's modules are."""

    def __init__(self, w: Any) -> None:
        self.w = w

    def __call__(self, x: Any) -> Any:
        return jnp.tanh(x @ self.w)

    def tree_flatten_with_keys(self) -> Any:
        return [(jax.tree_util.GetAttrKey("w"), self.w)], None

    @classmethod
    def tree_unflatten(cls, _: Any, children: Any) -> "Layer":
        return cls(*children)


def test_a_pytree_that_is_called() -> None:
    report = jacinspect.inspect(Layer(jnp.ones((4, 2))), X, wrt="w")
    assert (report.verdict, report.operand.values.shape) == ("pass", (4, 2))
    assert jacinspect.inspect(Layer(jnp.ones((4, 2))), X).verdict == "pass"


def test_equinox() -> None:
    eqx = pytest.importorskip("equinox")
    sizes = {"in_features": 4, "out_features": 2}
    assert jacinspect.inspect("equinox.nn:Linear", X[0], parameters=sizes, wrt="weight").verdict == "pass"
    model = eqx.nn.MLP(4, 2, 3, 1, key=jax.random.key(0))
    report = jacinspect.inspect(model, X[0], wrt="layers.0.*")
    assert (report.verdict, report.names.operand.names) == ("pass", ("layers.0.weight", "layers.0.bias"))


def test_flax() -> None:
    linen, nnx = pytest.importorskip("flax.linen"), pytest.importorskip("flax.nnx")
    model = linen.Dense(2)
    variables = model.init(jax.random.key(0), jnp.ones((3, 4)))

    def applied(x: Any, variables: Any = variables) -> Any:
        return model.apply(variables, x)

    report = jacinspect.inspect(applied, X, wrt="*.kernel")
    assert (report.verdict, report.operand.values.shape) == ("pass", (4, 2))
    for layer in (nnx.Linear(4, 2, rngs=nnx.Rngs(0)), nnx.Linear):  # whose generator is made for it
        sizes = {"in_features": 4, "out_features": 2} if layer is nnx.Linear else {}
        report = jacinspect.inspect(layer, X, wrt="kernel*", parameters=sizes)
        assert (report.verdict, report.operand.values.shape) == ("pass", (4, 2))


# --- Modules of flax


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("wrt", "names"),
    [
        (None, ("inputs",)),
        ("*kernel", ("params.kernel",)),
        ("all", ("inputs", "params.kernel", "params.bias")),
    ],
)
def test_a_module_of_linen_that_is_bound_has_its_variables_for_operands(
    wrt: str | None, names: tuple[str, ...], dtype: Any
) -> None:
    linen = pytest.importorskip("flax.linen")
    dense = linen.Dense(2)
    model = dense.bind(dense.init(jax.random.key(0), jnp.ones((3, 4))))
    report = jacinspect.inspect(model, X.astype(dtype), wrt=wrt)
    assert (report.verdict, set(report.names.operand.names)) == ("pass", set(names))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrt", [None, "*scale", "all"])
@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_a_custom_vjp_that_is_wrong_by_a_variable_of_linen(factor: float, wrt: str | None, dtype: Any) -> None:
    linen = pytest.importorskip("flax.linen")

    scaled: Any = jax.custom_vjp(lambda x, scale: jnp.tanh(x) * scale)

    def pull(kept: Any, g: Any) -> Any:
        x, scale = kept
        return g * scale * (1 - jnp.tanh(x) ** 2), factor * (g * jnp.tanh(x)).sum(0)

    scaled.defvjp(lambda x, scale: (scaled(x, scale), (x, scale)), pull)

    class Scaled(linen.Module):  # type: ignore[misc, name-defined]
        @linen.compact  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            return scaled(x, self.param("scale", linen.initializers.normal(), (4,)))

    model = Scaled().bind(Scaled().init(jax.random.key(0), jnp.ones((3, 4))))
    right = factor == 1 or wrt is None
    assert jacinspect.inspect(model, X.astype(dtype), wrt=wrt).verdict == ("pass" if right else "fail")


def test_modules_of_linen_that_know_their_parents() -> None:
    """A recurrent module's cell has the module for its parent, and so the container has itself in it."""
    linen = pytest.importorskip("flax.linen")
    x = np.random.default_rng(0).standard_normal((2, 3, 2))
    recurrent = linen.RNN(linen.GRUCell(3))
    model = recurrent.bind(recurrent.init(jax.random.key(0), jnp.asarray(x)))
    assert jacinspect.inspect(model, x.astype(np.float32)).verdict == "pass"


def test_state_that_modules_of_flax_change_is_seen_by_nobody() -> None:
    linen, nnx = pytest.importorskip("flax.linen"), pytest.importorskip("flax.nnx")
    x = np.random.default_rng(0).standard_normal((5, 3))
    norm = nnx.BatchNorm(3, rngs=nnx.Rngs(0))
    before = np.asarray(norm.mean[...])
    for dtype in (np.float32, np.float64):
        for wrt in ("x", "all"):
            assert jacinspect.inspect(norm, x.astype(dtype), wrt=wrt).verdict == "pass"
    recurrent = nnx.RNN(nnx.GRUCell(2, 3, rngs=nnx.Rngs(0)))  # which draws its first state
    assert jacinspect.inspect(recurrent, x[None, :, :2].astype(np.float32)).verdict == "pass"
    np.testing.assert_array_equal(np.asarray(norm.mean[...]), before)
    layer = linen.BatchNorm(use_running_average=False)
    bound = layer.bind(layer.init(jax.random.key(0), jnp.asarray(x)), mutable=["batch_stats"])
    assert jacinspect.inspect(bound, x).verdict == "pass"
    np.testing.assert_array_equal(bound.variables["batch_stats"]["mean"], np.zeros(3))
    dropout = linen.Dropout(0.5, deterministic=False).bind({}, rngs={"dropout": jax.random.key(0)})
    assert jacinspect.inspect(dropout, x).verdict == "pass"  # its key is the same at every call


def test_a_module_of_nnx_inside_a_function_that_changes_its_state() -> None:
    nnx = pytest.importorskip("flax.nnx")
    norm = nnx.BatchNorm(3, rngs=nnx.Rngs(0))

    def used(x: Any) -> Any:
        return 2 * norm(x)

    with pytest.raises(FunctionFailedError, match=r"or make it without, as nnx.BatchNorm.*use_running_average=True"):
        jacinspect.inspect(used, np.random.default_rng(0).standard_normal((5, 3)))


# --- Together ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "wrt"),
    [
        *((dtype, wrt) for dtype in ("float32", "float64") for wrt in (None, "params.*,x", "x", "net.*")),
        ("float64", "params.bias"),
    ],
)
def test_parameters_of_a_functional_call_are_operands(dtype: str, wrt: str | None) -> None:
    """Beside those of the module, which its code mentions; they may be followed by autograd."""
    net = torch.nn.Linear(3, 2)
    params = {name: parameter.to(getattr(torch, dtype)) for name, parameter in net.named_parameters()}
    x = (np.arange(12).reshape(4, 3) / 7).astype(dtype)

    def loss(params: Any, x: Any) -> Any:
        return torch.func.functional_call(net, params, (x,)).pow(2).sum()

    if wrt == "net.*":  # which are not used
        assert jacinspect.inspect(loss, params, np.zeros(8), others=[x], wrt=wrt).verdict == "pass"
        return
    gradient = torch.func.grad(loss, argnums=(0, 1))
    for factor, expected in ((1, "pass"), (1.1, "fail")):

        def claim(params: Any, x: Any, factor: float = factor) -> Any:
            by_params, by_x = gradient(params, x)
            return {name: factor * leaf for name, leaf in by_params.items()}, factor * by_x

        assert jacinspect.inspect(loss, params, claim, others=[x], wrt=wrt).verdict == expected


class Rounding(torch.nn.Module):  # type: ignore[misc]
    """A module that takes its operand in single precision, whatever it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return torch.tanh(self.linear(x.float()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["x", "all", "linear.bias"])
def test_a_module_that_takes_single_precision_has_weights_of_its_own_precision(wrt: str, dtype: str) -> None:
    x = (np.arange(12).reshape(4, 3) / 7).astype(dtype)
    assert jacinspect.inspect(Rounding(), x, wrt=wrt).verdict == "pass"
