"""Is every wrong rule beside a right one found, and no right rule accused? pytest FILE --benchmark-only -s.

Faults that entries by the main rule do not show are planted in 20 seeds each, in numpy, torch and jax; the right
functions are torch's and jax's own, at kinks and zeros, at large operands and in single precision.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.choices import AnyDerivativeKind
from jacinspect.inspection.report import Report

pytestmark = pytest.mark.usefixtures("benchmark")  # skipped with the other tables, unless by --benchmark-only

SEEDS = 20
SHAPE = (2, 3)

Rule = Callable[[Any, Any], Any]  # (x, tangent or cotangent) -> its image


def accused(report: Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.severity == "error"} & {"J001", "J015"}


def operand(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(SHAPE)


# --- Planted faults ---------------------------------------------------------------------------------------------------


def slope(x: Any) -> Any:
    return 1 - (np.tanh(x) if isinstance(x, np.ndarray) else torch.tanh(x)) ** 2


def right(x: Any, v: Any) -> Any:
    return slope(x) * v


def one_entry(x: Any, v: Any) -> Any:
    """A slope that is off by 1e-6 of itself at the last entry."""
    image = slope(x) * v
    image[-1, -1] *= 1 + 1e-6
    return image


def coupled(x: Any, v: Any) -> Any:
    return slope(x) * v + 1e-3 * v.flip(0, 1)


NUMPY: dict[str, tuple[Rule, str]] = {
    "memory order": (lambda x, g: slope(x) * g.ravel(order="K").reshape(g.shape), "vjp"),
    "memory of the operand": (lambda x, g: slope(x.ravel(order="K").reshape(x.shape)) * g, "vjp"),
    "contiguous buffer": (lambda x, g: slope(x) * np.frombuffer(g.data).reshape(g.shape), "vjp"),
    "NaN at one 0": (lambda x, g: slope(x) * g * g / g, "vjp"),
    "NaN if all are 0": (lambda x, g: slope(x) * (g / np.abs(g).max()) * np.abs(g).max(), "vjp"),
    "NaN tangent": (lambda x, t: slope(x) * t / np.linalg.norm(t) * np.linalg.norm(t), "jvp"),
}


def strides(x: Any, g: Any) -> Any:
    return slope(x) * torch.as_strided(g, g.shape, (g.shape[1], 1)) if g.numel() == 6 and g.stride(0) else right(x, g)


TORCH: dict[str, tuple[Rule, Rule | None]] = {
    "forward, one entry": (right, one_entry),
    "forward, coupled": (right, coupled),
    "forward, a factor": (right, lambda x, t: 0.5 * slope(x) * t),
    "backward beside a right forward": (one_entry, right),
    "strides": (strides, None),
    "view": (lambda x, g: (slope(x).reshape(-1) * g.view(-1)).view(x.shape), None),
    "in place": (lambda x, g: g.mul_(slope(x)), None),
    "NaN if all are 0": (lambda x, g: slope(x) * (g / g.abs().max()) * g.abs().max(), None),
}


def autograd(backward: Rule, forward: Rule | None) -> Any:
    class Made(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            return backward(ctx.saved_tensors[0], cotangent)

    if forward is not None:
        Made.jvp = staticmethod(lambda ctx, tangent: forward(ctx.saved_tensors[0], tangent))
    return Made


def custom(pull: Rule) -> Any:
    function = jax.custom_vjp(jnp.tanh)
    function.defvjp(lambda x: (jnp.tanh(x), x), lambda x, g: (pull(x, g),))
    return function


JAX = {
    "where": lambda x: jnp.where(x > 0, x, 0) + jnp.where(x > 0, jnp.sqrt(jnp.abs(x)) * jnp.log(x), 0),
    "sinc": lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / x),
    "NaN if all are 0": custom(lambda x, g: (1 - jnp.tanh(x) ** 2) * (g / jnp.abs(g).max()) * jnp.abs(g).max()),
}


@pytest.mark.parametrize("kind", NUMPY)
def test_every_fault_in_numpy_is_found(kind: AnyDerivativeKind) -> None:
    rule, form = NUMPY[kind]
    reports = [jacinspect.inspect("tanh", operand(seed), rule, derivative_kind=form) for seed in range(SEEDS)]  # type: ignore[arg-type]
    assert [accused(report) for report in reports] == [{"J015"}] * SEEDS


@pytest.mark.parametrize("kind", TORCH)
def test_every_fault_in_torch_is_found(kind: str) -> None:
    reports = [jacinspect.inspect(autograd(*TORCH[kind]), operand(seed)) for seed in range(SEEDS)]
    expected = "J001" if kind.startswith("backward") else "J015"
    assert [accused(report) for report in reports] == [{expected}] * SEEDS


@pytest.mark.parametrize("kind", JAX)
def test_every_fault_in_jax_is_found(kind: str) -> None:
    points = [operand(seed) for seed in range(SEEDS)]
    for x in points:
        x[0, 0] = -abs(x[0, 0]) if kind == "where" else 0.0  # the branch that is not taken
    reports = [jacinspect.inspect(JAX[kind], x, backend="jax") for x in points]
    assert [accused(report) for report in reports] == [{"J015"}] * SEEDS


# --- Right rules ------------------------------------------------------------------------------------------------------

F = torch.nn.functional
KERNEL = torch.tensor([[[1.0, -2.0, 0.5]]])

RIGHT_TORCH: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(F, name) for name in ("gelu", "relu6", "elu", "silu", "mish", "hardswish", "softshrink")},
    **{name: getattr(F, name) for name in ("hardtanh", "softplus", "logsigmoid", "softsign", "tanhshrink")},
    **{name: getattr(torch, name) for name in ("abs", "sinc", "erf", "atan", "expm1", "var", "std", "median")},
    "softmax": lambda x: F.softmax(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -1),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "conv": lambda x: F.conv1d(x[:, None], KERNEL.to(x.dtype)),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "max_pool": lambda x: F.max_pool1d(x[None], 2),
    "sort": lambda x: torch.sort(x, -1).values,
    "topk": lambda x: x.topk(2, -1).values,
    "cumsum": lambda x: torch.cumsum(x, -1),
    "cumprod": lambda x: torch.cumprod(x, -1),
    "cummax": lambda x: x.cummax(-1).values,
    "norm": torch.linalg.vector_norm,
    "norm of 1": lambda x: x.norm(p=1),
    "norm of infinity": lambda x: x.norm(p=float("inf")),
    "norm by rows": lambda x: x.norm(dim=-1),
    "normalize": lambda x: F.normalize(x, dim=-1),
    "amax": lambda x: x.amax(-1),
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "logsumexp": lambda x: torch.logsumexp(x, -1),
    "prod": lambda x: x.prod(-1),
    "transpose": lambda x: x.T,
    "expand": lambda x: x[0].expand(3, 4),
    "where": lambda x: torch.where(x > 0, x, 2 * x),
    "cosine": lambda x: F.cosine_similarity(x, x.flip(0) + 1, -1),
    "cross_entropy": lambda x: F.cross_entropy(x, torch.zeros(x.shape[0], dtype=torch.long)),
    "inverse": lambda x: torch.linalg.inv(x @ x.T + torch.eye(x.shape[0], dtype=x.dtype)),
    "cholesky": lambda x: torch.linalg.cholesky(x @ x.T + torch.eye(x.shape[0], dtype=x.dtype)),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "half": lambda x: F.silu(x.half()).double(),
    "single": lambda x: torch.softmax(x.float(), -1).double(),
}

RIGHT_JAX: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(jax.nn, name) for name in ("relu", "relu6", "gelu", "celu", "softplus", "hard_tanh", "glu")},
    "softmax": jax.nn.softmax,
    "logsumexp": lambda x: jax.nn.logsumexp(x, -1),
    "sort": lambda x: jnp.sort(x, -1),
    "clip": lambda x: jnp.clip(x, -0.5, 0.5),
    "max": lambda x: x.max(),
    "safe where": lambda x: jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), x),
    "while": lambda x: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.tanh(c[1])), (0, x))[1],
}

NORMAL = np.random.default_rng(0).standard_normal((3, 4))
POINTS = {
    "kinks and ties": np.array([[0, 0, 1, -1.0], [1, 1, 0, 0], [0.5, -0.5, 0.5, -0.5]]),
    "large": 50 * NORMAL,
    "single precision": NORMAL.astype(np.float32),
}


@pytest.mark.parametrize("point", POINTS)
def test_no_right_rule_of_torch_is_accused(point: str) -> None:
    reports = {name: jacinspect.inspect(f, POINTS[point], backend="torch") for name, f in RIGHT_TORCH.items()}
    assert [name for name, report in reports.items() if "J015" in accused(report)] == []
    checked = sum(rule.verdict is not None for report in reports.values() for rule in report.rules)
    print(f"{point}: {checked} of {3 * len(reports)} rules checked, none accused")
    assert checked > 2.5 * len(reports)


def test_no_right_rule_of_jax_is_accused() -> None:
    x = POINTS["kinks and ties"]
    reports = {name: jacinspect.inspect(f, x, backend="jax") for name, f in RIGHT_JAX.items()}
    assert [name for name, report in reports.items() if "J015" in accused(report)] == []
    assert [rule.verdict for rule in reports["while"].rules] == ["pass", None]
