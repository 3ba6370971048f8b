"""Reverse mode of the catalogue and of expressions: against its own forward mode, and against differences of itself."""

import numpy as np
import pytest

from jacinspect.functions.catalogue.completion import functions_without_aliases
from jacinspect.functions.function import Array, Function
from jacinspect.functions.resolve import resolve
from jacinspect.functions.rules import NoSecondDerivativeError, Second, Vjp

RNG = np.random.default_rng(3)
EXPRESSIONS = [
    "x @ W @ x", "W @ x", "x @ W", "sum(x * y) / (1 + norm(x))", "softmax(x) * y", "where(x > y, x * y, -x / y)",
    "mean(W @ (x * W.T), axis=0)", "logsumexp(W * x, axis=1)", "log_softmax(x) @ y", "exp(-x**2) + y**x",
    "inv(W) @ x", "x' @ solve(W, y)", "logdet(W + outer(x, y))", "det(W) * trace(W @ W.T)", "mse(W @ x, y)",
    "cross_entropy(W, softmax(W.T))", "cross_entropy(x, y / sum(y))", "kron(x, W[:2, 1:3])", "|x - 1| * ||W||^2",
    "[x[0] * cos(x[1]), x[0] * sin(x[1]), y[-1] * x[0]] @ W[:3]", "outer(x[:2], x[1:]) @ [1, 2, 3]",
    "solve(W, W.T) @ x", "[[x[0], y[1]], [y[0], 2]] @ inv(W[1:3, :2])", "cross_entropy(W, y[0] * 0 + [0, 1, 2, 3])",
    "cumsum(x)**3", "max(x, y) * min(x, 2 * y)", "sum(W, axis=1, keepdims=True) * x",
]  # fmt: skip


def given(function: Function) -> list[Array]:
    shapes = {"W": (4, 4), "A": (4, 4)}
    if function.name in ("inv", "det", "logdet", "trace"):
        shapes["x"] = (4, 4)
    lowest = [max(function.domain_of(name)[0], 0) for name in function.operands]
    drawn = [
        low + RNG.uniform(0.3, 0.9, shapes.get(name, (4,))) for name, low in zip(function.operands, lowest, strict=True)
    ]
    return [x + 2 * np.eye(4) if x.ndim == 2 else x for x in drawn]  # far from singular


def pulled(function: Function, operands: list[Array], w: Array) -> list[Array]:
    (rule,) = (rule for rule in function.others if isinstance(rule, Vjp))
    return list(rule.pull(*operands, w))


@pytest.mark.parametrize("text", [*EXPRESSIONS, *functions_without_aliases()])
def test_reverse_mode_is_the_transpose_of_forward_mode(text: str) -> None:
    function = resolve(text)
    operands = given(function)
    w = RNG.standard_normal(function(*operands).shape)
    tangents = [RNG.standard_normal(x.shape) for x in operands]
    forward = np.sum(w * function.push(operands, tangents))
    reverse = sum(np.sum(part * v) for part, v in zip(pulled(function, operands, w), tangents, strict=True))
    assert np.isclose(forward, reverse, rtol=1e-10)


@pytest.mark.parametrize("text", [*EXPRESSIONS, *functions_without_aliases()])
def test_the_second_derivative_is_that_of_reverse_mode(text: str) -> None:
    function = resolve(text)
    operands = given(function)
    w = RNG.standard_normal(function(*operands).shape)
    tangents = [RNG.standard_normal(x.shape) for x in operands]
    (rule,) = function.second
    assert isinstance(rule, Second)
    try:
        products = rule.product(*operands, w, *tangents)
    except NoSecondDerivativeError:
        assert text in UNKNOWN
        return
    assert text not in UNKNOWN
    h = 1e-5
    ahead, back = (
        pulled(function, [x + sign * h * v for x, v in zip(operands, tangents, strict=True)], w) for sign in (1, -1)
    )
    for product, up, down in zip(products, ahead, back, strict=True):
        assert np.allclose(product, (up - down) / (2 * h), rtol=1e-5, atol=1e-6)


# Those whose second derivative is not written down anywhere.
UNKNOWN = {
    "softmin", "layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm", "l2_normalize", "l1_normalize",
    "cumprod", "logcumsumexp", "prod", "std", "glu", "reglu", "geglu", "swiglu", "cosine_similarity",
}  # fmt: skip
