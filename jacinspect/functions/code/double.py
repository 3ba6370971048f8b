"""The second derivatives of the frameworks: a backward of a backward, and its forward mode. Next: callables.py.

Of a framework's call of several operands. Each takes the operands, a cotangent w of the output, and a vector for each
operand, and gives the Hessian of w·f times these; a backward that leaves no graph behind has the derivative 0.
"""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import compress
from typing import Any

import numpy as np

from jacinspect.functions.code.backends import Call
from jacinspect.functions.code.with_jax import from_jax, of_real, tangents_of
from jacinspect.functions.code.with_torch import from_torch, laid_out, with_backward
from jacinspect.functions.rules import Array, Jvp, Second, Vjp

__all__ = ["rules_for_second", "second_rules"]


def second_rules(framework: str, call: Call) -> tuple[Second, ...]:
    """Return a framework's second-order rules, the one that people call first; numpy has none."""
    return {"torch": _torch_second, "jax": _jax_second}[framework](call) if framework != "numpy" else ()


def rules_for_second(framework: str, call: Call) -> tuple[Jvp | Vjp, ...]:
    """Return the first-order rules that are tried only where a second derivative is asked for.

    Torch's differentiates a backward by its cotangent, as gradgradcheck does. Jax's is the vjp under jit, as the
    gradient is called many times.
    """
    if framework == "torch":
        return (Jvp(partial(_torch_push_by_cotangent, call), "double backward by the cotangent", order=2),)
    return (_jax_compiled_vjp(call),) if framework == "jax" else ()


# --- torch ------------------------------------------------------------------------------------------------------------


def _torch_second(call: Call) -> tuple[Second, ...]:
    """Return the backward of a backward, and its forward mode."""
    return (
        Second(partial(_torch_double_backward, call), "double backward", pulls=True),
        Second(partial(_torch_forward_over_reverse, call), "forward over reverse"),
    )


def _torch_gradient(call: Call, leaves: Sequence[Any], cotangent: Any) -> list[Any]:
    """Return, for each leaf that is differentiated by, its gradient as a function of them; None where there is none."""
    torch: Any = sys.modules["torch"]
    moving = [leaf for leaf in leaves if leaf.requires_grad]
    with torch.enable_grad():
        result = call(*leaves)
        if not result.requires_grad:
            return [None] * len(moving)
        cotangent = torch.as_tensor(cotangent).to(result.dtype).reshape(result.shape)
        gradients = torch.autograd.grad(result, moving, cotangent, create_graph=True, allow_unused=True)
    return list(gradients)


def _torch_pulled(gradients: Sequence[Any], vectors: Sequence[Array], by: Sequence[Any]) -> Sequence[Any]:
    """Pull vectors, one for each gradient, back through the backward; None where that left no graph."""
    torch: Any = sys.modules["torch"]
    followed = [
        (gradient, laid_out(vector, gradient.dtype))
        for gradient, vector in zip(gradients, vectors, strict=True)
        if gradient is not None and gradient.requires_grad
    ]
    if not followed:
        return [None] * len(by)
    outputs, weights = zip(*followed, strict=True)
    pulled: Sequence[Any] = torch.autograd.grad(outputs, by, weights, allow_unused=True)
    return pulled


def _torch_leaves(operands: Sequence[Array], vectors: Sequence[Array]) -> tuple[list[Any], list[Any], list[Array]]:
    """Return all operands as tensors, those that are differentiated by, and the vectors of these."""
    leaves = [laid_out(operand).requires_grad_(operand.dtype.kind in "fc") for operand in operands]
    moves = [leaf.requires_grad for leaf in leaves]
    return leaves, list(compress(leaves, moves)), list(compress(vectors, moves))


@with_backward()
def _torch_double_backward(call: Call, *given: Array) -> tuple[Array, ...]:
    """Pull a vector back through the backward, as torch.autograd.gradgradcheck does."""
    half = len(given) // 2
    leaves, moving, vectors = _torch_leaves(given[:half], given[half + 1 :])
    gradients = _torch_gradient(call, leaves, given[half])
    return _by_operand(given[:half], map(_from_torch, _torch_pulled(gradients, vectors, moving)))


@with_backward()
def _torch_push_by_cotangent(call: Call, *given: Array) -> Array:
    """Push tangents by differentiating the backward by its cotangent, in which it is linear."""
    torch: Any = sys.modules["torch"]
    half = len(given) // 2
    leaves, _, vectors = _torch_leaves(given[:half], given[half:])
    with torch.no_grad():
        result = call(*leaves)
    if not result.is_floating_point():
        return np.zeros(result.shape)
    cotangent = torch.ones(result.shape, dtype=result.dtype, requires_grad=True)
    (pushed,) = _torch_pulled(_torch_gradient(call, leaves, cotangent), vectors, [cotangent])
    return np.zeros(result.shape) if pushed is None else np.asarray(from_torch(pushed))


@with_backward()
def _torch_forward_over_reverse(call: Call, *given: Array) -> tuple[Array, ...]:
    """Push tangents through the backward by torch.autograd.forward_ad."""
    half, forward = len(given) // 2, sys.modules["torch"].autograd.forward_ad
    with forward.dual_level():
        leaves, _, _ = _torch_leaves(given[:half], given[half + 1 :])
        duals = [
            forward.make_dual(leaf, laid_out(vector, leaf.dtype)) if leaf.requires_grad else leaf
            for leaf, vector in zip(leaves, given[half + 1 :], strict=True)
        ]
        gradients = _torch_gradient(call, duals, given[half])
        pushed = [None if gradient is None else forward.unpack_dual(gradient).tangent for gradient in gradients]
        return _by_operand(given[:half], map(_from_torch, pushed))


def _from_torch(found: Any) -> Array | None:
    return None if found is None else np.asarray(from_torch(found))


def _by_operand(operands: Sequence[Array], found: Iterable[Array | None]) -> tuple[Array, ...]:
    """Return what was found for each real operand, and 0 for the others and for None."""
    left = iter(found)
    parts = [next(left) if operand.dtype.kind in "fc" else None for operand in operands]
    return tuple(
        np.zeros(operand.shape) if part is None else part for operand, part in zip(operands, parts, strict=True)
    )


# --- jax --------------------------------------------------------------------------------------------------------------


def _jax_second(call: Call) -> tuple[Second, ...]:
    """Return forward over reverse, as jax.hessian has it, and reverse over reverse."""
    jax: Any = sys.modules["jax"]

    def forward(f: Call, moving: Sequence[Any], cotangent: Any, vectors: Sequence[Any]) -> Any:
        return jax.jvp(partial(_jax_gradient, f, cotangent), moving, tangents_of(moving, vectors))[1]

    def reverse(f: Call, moving: Sequence[Any], cotangent: Any, vectors: Sequence[Any]) -> Any:
        return jax.vjp(partial(_jax_gradient, f, cotangent), *moving)[1](tuple(tangents_of(moving, vectors)))

    def product(compiled: "_Compiled", *given: Array) -> Any:
        half = len(given) // 2
        vectors = [vector for x, vector in zip(given[:half], given[half + 1 :], strict=True) if x.dtype.kind in "fc"]
        return compiled(given[:half], given[half], vectors)

    return (
        Second(partial(product, _Compiled(call, forward)), "forward over reverse"),
        Second(partial(product, _Compiled(call, reverse)), "reverse over reverse", pulls=True),
    )


def _jax_compiled_vjp(call: Call) -> Vjp:
    compiled = _Compiled(call, lambda f, moving, cotangent: _jax_gradient(f, cotangent, *moving), always=True)
    return Vjp(lambda *given: compiled(given[:-1], given[-1]), "vjp under jit", order=2)


def _jax_gradient(f: Call, cotangent: Any, *moving: Any) -> Any:
    jax: Any = sys.modules["jax"]
    result, vjp = jax.vjp(f, *moving)
    return vjp(jax.numpy.asarray(cotangent, result.dtype).reshape(result.shape))


class _Compiled:
    """`run(f, moving, *rest)` under jax.jit, f being the call as a function of its real operands.

    Without it each call takes as long as tracing f, some 30 ms. What cannot be compiled, such as a branch on a value,
    is run as it is, unless `always`.
    """

    def __init__(self, call: Call, run: Call, always: bool = False) -> None:
        self._call, self._run, self._always = call, run, always
        self._known: dict[tuple[int, ...], Any] = {}  # for each choice of whole operands, with these

    def __call__(self, point: Sequence[Array], *rest: Any) -> tuple[Array, ...]:
        jax: Any = sys.modules["jax"]
        real = [operand.dtype.kind in "fc" for operand in point]
        whole = [operand for operand in point if operand.dtype.kind not in "fc"]
        with jax.enable_x64(True):
            f, moving = of_real(self._call, real, point)
            plain = partial(self._run, f)
            _, compiled = self._known.setdefault(tuple(map(id, whole)), (whole, jax.jit(plain)))
            try:
                found = compiled(moving, *rest)
            except Exception:
                if self._always:
                    raise
                self._known[tuple(map(id, whole))] = whole, plain
                found = plain(moving, *rest)
            return _by_operand(
                point, (np.conj(from_jax(part)) for part in found)
            )  # ∂L/∂re + i ∂L/∂im, as of backends.py
