"""Operands of single precision: all of them are lifted to double, or none, so that f computes from all alike."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax import lax

import jacinspect
from jacinspect.functions.by_operand import Operands
from jacinspect.inspection.report import Report
from tests.oracles import Array

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal(5).astype(np.float32), RNG.standard_normal(5).astype(np.float32)
A, B = RNG.standard_normal((4, 3)).astype(np.float32), RNG.standard_normal(3).astype(np.float32)
S = RNG.standard_normal((5, 5)).astype(np.float32)
IN_SINGLE = "called in single precision, for it takes no double"
PRECISIONS = [(np.float32, np.float32), (np.float64, np.float32), (np.float32, np.float64), (np.float64, np.float64)]


def angle(x: Array, y: Array) -> Array:
    return np.asarray(np.arctan2(y, x))


def angle_prime(x: Array, y: Array) -> Array:
    return np.asarray(-y / (x * x + y * y))


def rayleigh(x: Array, s: Array) -> Array:
    return np.asarray(x @ s @ x / (x @ x))


def rayleigh_prime(x: Array, s: Array) -> Array:
    return np.asarray(((s + s.T) @ x - 2 * rayleigh(x, s) * x) / (x @ x))


def batch_norm(x: Array, gain: Array) -> Array:
    return np.asarray((x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) * gain)


def batch_norm_pull(x: Array, gain: Array, g: Array) -> tuple[None, Array]:
    return None, np.asarray((g * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)).sum(0))


class Angle(torch.autograd.Function):  # type: ignore[misc]
    """arctan2(y, x), with a backward by hand that is right, times `factor`."""

    factor = 1.0

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return torch.atan2(y, x)

    @classmethod
    def backward(cls, ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return -g * y / (x * x + y * y) * cls.factor, g * x / (x * x + y * y)


class AngleWrong(Angle):
    factor = 1 + 1e-6


def dense(w: Any, x: Any) -> Any:
    return jnp.tanh(jnp.dot(x, w))


def loss(p: Any, x: Any) -> Any:
    hidden = jnp.tanh(x @ p["first"]["w"] + p["first"]["b"])
    return ((hidden @ p["second"]) ** 2).mean()


def _in(kind: Any, array: Any) -> Any:
    return array if isinstance(array, torch.Tensor) else array.astype(kind)


@pytest.mark.parametrize(
    ("function", "given", "derivative", "how"),
    [
        (angle, (X, Y), angle_prime, {}),
        (angle, (X, Y), angle_prime, {"backend": "numpy"}),
        (rayleigh, (X, S), rayleigh_prime, {}),
        (np.linalg.solve, (S, X), lambda s, x: np.linalg.inv(s), {"wrt": 2}),
        (batch_norm, (A, B), batch_norm_pull, {"wrt": "gain", "derivative_kind": "vjp"}),
        (Angle, (X, Y), None, {}),
        (Angle.apply, (torch.tensor(X), torch.tensor(Y)), None, {}),
        (jnp.arctan2, (X, Y), None, {}),
        (dense, (A.T, A), None, {}),
        (dense, (A.T, A), None, {"wrt": "x"}),
        ("x * log(y * y)", (X, Y), "log(y * y)", {}),
        ("mse", (X, Y), None, {}),
    ],
)
@pytest.mark.parametrize("precisions", PRECISIONS)
def test_a_right_derivative_of_operands_in_any_precision_passes(
    function: Any, given: Sequence[Any], derivative: Any, how: dict[str, Any], precisions: Sequence[Any]
) -> None:
    """What f computed from a fixed operand alone was rounded to 6e-8, and a right derivative was called wrong."""
    x, other = (_in(kind, each) for kind, each in zip(precisions, given, strict=True))
    report = jacinspect.inspect(function, x, derivative, others=[other], **how)
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None, "nothing was compared"
    assert not report.function.note


@pytest.mark.parametrize(
    ("function", "derivative"),
    [(angle, lambda x, y: angle_prime(x, y) * (1 + 1e-6)), (AngleWrong, None)],
)
def test_what_is_off_by_little_is_found_in_single_precision(function: Any, derivative: Any) -> None:
    report = jacinspect.inspect(function, X, derivative, others=[Y])
    assert [finding.code for finding in report.findings if finding.severity == "error"] == ["J001"]


@pytest.mark.parametrize("wrt", [None, "x", "all"])
def test_leaves_of_a_pytree_are_lifted_with_the_batch(wrt: str | None) -> None:
    parameters = {"first": {"w": jnp.asarray(A.T), "b": jnp.ones(4)}, "second": jnp.asarray(A[:, :2])}
    report = jacinspect.inspect(loss, parameters, others=[jnp.asarray(A)], wrt=wrt)
    assert (report.verdict, report.function.note) == ("pass", "")
    grad = jacinspect.inspect(loss, parameters, jax.grad(loss), others=[jnp.asarray(A)])
    assert grad.verdict == "pass"


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("wrt", ["x", "y", "all"])
@pytest.mark.parametrize("precisions", PRECISIONS)
def test_what_takes_single_precision_alone_is_given_it(precisions: Sequence[Any], wrt: str, order: int) -> None:
    """jax.lax refuses a constant of another precision; numpy's arrays it takes, and rounds them."""
    weights = jnp.array([0.5, 1.5, -2.0], jnp.float32)

    def strict(x: Any, y: Any) -> Any:
        return lax.mul(lax.sin(x), lax.add(y, weights))

    x, y = X[:3].astype(precisions[0]), Y[:3].astype(precisions[1])
    report = jacinspect.inspect(strict, x, others=[y], wrt=wrt, order=order)
    assert (report.verdict, report.function.source) == ("pass", "jax")
    assert {rule.verdict for rule in report.rules} == {"pass"}
    assert report.function.note == ("" if x.dtype == y.dtype == np.float32 else IN_SINGLE)


@pytest.mark.parametrize("precisions", PRECISIONS)
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_what_takes_one_operand_in_single_precision_alone(factor: float, precisions: Sequence[Any]) -> None:
    """x.float() @ w.double() is refused: no operand is lifted then."""

    def projected(x: torch.Tensor, w: torch.Tensor) -> Any:
        return w @ x.float()

    x, w = B.astype(precisions[0]), A.astype(precisions[1])
    report = jacinspect.inspect(projected, x, lambda x, w: w * factor, others=[w], backend="torch")
    assert report.verdict == ("pass" if factor == 1 else "fail")


def test_a_numpy_function_that_takes_no_double_keeps_all_operands() -> None:
    def strict(x: Array, y: Array) -> Array:
        if not x.dtype == y.dtype == np.float32:
            raise TypeError("expected float32")
        return np.asarray(np.sin(x) * y)

    def inspected(derivative: Callable[..., Array]) -> Report:
        return jacinspect.inspect(strict, X, derivative, others=[Y], backend="numpy")

    assert inspected(lambda x, y: np.cos(x) * y).verdict == "pass"
    assert inspected(lambda x, y: np.cos(x) * y * 1.01).verdict == "fail"


def test_fixed_operands_are_read_only_in_either_precision() -> None:
    def writes(x: Array, y: Array) -> Array:
        y += 1
        return x * y

    with pytest.raises(jacinspect.JacinspectError, match="read-only"):
        jacinspect.inspect(writes, X, others=[Y])


def test_operands_at_a_point() -> None:
    operands = Operands([X, Y, np.arange(3)])
    assert [array.dtype for array in operands.at([0], [X.astype(float)])] == [np.float64, np.float64, np.int64]
    assert [array.dtype for array in operands.at([1], [Y])] == [np.float32, np.float32, np.int64]
    assert operands.at([0], [X])[1] is Y


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: torch.nn.BatchNorm1d(3), (4, 3)),
        (lambda: torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(3, 2)), (4, 3)),
        (lambda: torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 2)), (4, 3)),
    ],
)
def test_weights_of_a_module_and_a_batch_of_single_precision(
    make: Callable[[], Any], shape: tuple[int, ...], kind: Any
) -> None:
    """The weights are taken in double precision, which some modules do not mix with single."""
    torch.manual_seed(0)
    module = make()
    x = np.random.default_rng(1).standard_normal(shape).astype(kind)
    names = [name for name, _ in module.named_parameters()]
    assert jacinspect.inspect(module, x, wrt=names).verdict == "pass"
