"""Torch's arrays and autodiff. Nothing here imports torch: a function that needs it has imported it."""

import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np

from jacinspect.functions.code.backends import Call, Framework
from jacinspect.functions.code.trees import converted, leaves
from jacinspect.functions.rules import Array, Jvp, Vjp

__all__ = ["TORCH", "from_torch", "laid_out", "lasting", "with_backward"]


def _trial(call: Call, operands: Sequence[Array]) -> Any:
    """Call with tensors that autograd follows, which numpy's functions do not take."""
    torch: Any = sys.modules["torch"]
    return call(*(_leaf(torch, operand).clone() for operand in operands))


def _leaf(torch: Any, operand: Array) -> Any:
    return torch.tensor(operand, requires_grad=operand.dtype.kind in "fc")


def _unfollowed(call: Call, operands: Sequence[Array]) -> Collection[str]:
    """Find what a torch.autograd.Function marks as not differentiable, as the statistics of a batch norm are."""
    torch: Any = sys.modules["torch"]
    try:
        found = list(leaves(_trial(call, operands)))
    except (Exception, SystemExit):  # it is reported when f is inspected
        return ()
    return [path for path, leaf in found if isinstance(leaf, torch.Tensor) and not leaf.requires_grad]


def _approximates(call: Call, operands: Sequence[Array]) -> bool:
    """Whether no torch.autograd.Function is on the way to a result: torch's own trigamma is off by 5e-10."""
    torch: Any = sys.modules["torch"]
    nodes, seen = [_trial(call, operands).grad_fn], set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return False
        if node is not None and node not in seen:
            seen.add(node)
            nodes += [before for before, _ in node.next_functions]
    return True


def _join(arrays: Sequence[Any]) -> Any:
    return sys.modules["torch"].cat([array.reshape(-1) for array in arrays])


def _kind(leaf: Any) -> str:
    torch: Any = sys.modules["torch"]
    if not isinstance(leaf, torch.Tensor):
        return ""
    return "f" if leaf.is_floating_point() else "c" if leaf.is_complex() else "i"


def _value(call: Call) -> Call:
    torch: Any = sys.modules["torch"]

    def tensor(array: Array) -> Any:  # shares X's memory, so that a function that changes X is detected
        return torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)

    def value(*operands: Array) -> Any:
        try:
            return converted(call(*map(tensor, operands)), from_torch)
        except RuntimeError as error:
            if "dtype" in str(error):
                error.add_note("float64 does not go with tensors of its own: try --dtype float32, or name the module")
            raise

    return value


def _rules(call: Call, _: Sequence[Array]) -> tuple[Jvp | Vjp, ...]:
    """Reverse mode, forward mode, and the backward of several cotangents at once, as torch.func.vmap runs it."""
    batched = partial(_pull, call, batched=True)
    return Vjp(partial(_pull, call), "backward"), Jvp(partial(_push, call), "forward"), Vjp(batched, "vmap")


_UNTIL_BACKWARD: ContextVar[ExitStack | None] = ContextVar("until_backward", default=None)


@contextmanager
def with_backward() -> Iterator[None]:
    """Call f and pull back in one: what is `lasting` holds for both, as checkpointing calls parts of f in backward."""
    with ExitStack() as stack:
        token = _UNTIL_BACKWARD.set(stack)
        try:
            yield
        finally:
            _UNTIL_BACKWARD.reset(token)


def lasting(context: AbstractContextManager[None]) -> AbstractContextManager[None]:
    """Return a context of a call of f that holds until the backward of this call has run, where one follows."""
    stack = _UNTIL_BACKWARD.get()
    return context if stack is None else nullcontext(stack.enter_context(context))


@with_backward()
def _pull(call: Call, *given: Array, batched: bool = False) -> tuple[Array, ...]:
    """Pull a cotangent back by `torch.autograd.grad`, as torch.func fails on ordinary custom Functions."""
    torch: Any = sys.modules["torch"]
    *operands, cotangent = given
    leaves = [laid_out(operand).requires_grad_(operand.dtype.kind in "fc") for operand in operands]
    moving = [leaf for leaf in leaves if leaf.requires_grad]
    with torch.enable_grad():
        result = call(*leaves)
    if not result.requires_grad:  # no path from X to A that autograd sees: its derivative is 0
        return tuple(np.zeros(operand.shape) for operand in operands)
    weights = laid_out(cotangent, result.dtype).reshape(result.shape)
    if batched:  # a second cotangent beside it must not change what the first one gives
        weights = torch.stack([weights, 1 - weights])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # vmap says which operations it is slow at
        pulled = torch.autograd.grad(result, moving, weights, allow_unused=True, is_grads_batched=batched)
    parts = iter(pulled)
    by_leaf = [next(parts) if leaf.requires_grad else None for leaf in leaves]
    return tuple(
        np.zeros(operand.shape) if part is None else from_torch(part[0] if batched else part)
        for operand, part in zip(operands, by_leaf, strict=True)
    )


def _push(call: Call, *given: Array) -> Array:
    """Push tangents forward by torch.autograd.forward_ad."""
    torch: Any = sys.modules["torch"]
    half, forward = len(given) // 2, torch.autograd.forward_ad
    with forward.dual_level():
        points = [laid_out(operand) for operand in given[:half]]
        tangents = (laid_out(tangent, point.dtype) for tangent, point in zip(given[half:], points, strict=True))
        result = call(
            *(
                forward.make_dual(point, tangent) if point.is_floating_point() or point.is_complex() else point
                for point, tangent in zip(points, tangents, strict=True)
            )
        )
        pushed = forward.unpack_dual(result).tangent
        return np.zeros(result.shape) if pushed is None else np.asarray(from_torch(pushed))


def laid_out(array: Array, dtype: Any = None) -> Any:
    """Return a new tensor with an array's strides; memory between its entries is 0.

    An array that repeats one number becomes an expanded one, as sum().backward() gives it to a backward.
    """
    torch: Any = sys.modules["torch"]
    dense = torch.tensor(array, dtype=dtype)
    if array.ndim and array.size and not any(array.strides):
        return dense.flatten()[0].expand(array.shape)
    steps = [step // array.itemsize for step in array.strides]
    if dense.stride() == tuple(steps):
        return dense
    reach = 1 + sum((n - 1) * step for n, step in zip(array.shape, steps, strict=True))
    return torch.zeros(reach, dtype=dense.dtype).as_strided(array.shape, steps).copy_(dense)


def from_torch(result: Any) -> Any:
    """Return a tensor as one of numpy's arrays, and anything else as it is."""
    torch: Any = sys.modules["torch"]
    if not isinstance(result, torch.Tensor):
        return result
    # numpy has no bfloat16
    return (result.double() if result.dtype is torch.bfloat16 else result).to_dense().numpy(force=True)


TORCH = Framework(
    "torch",
    _trial,
    _value,
    _rules,
    _join,
    _kind,
    "torch.autograd",
    "torch's gradient is ∂L/∂re + i ∂L/∂im",
    unfollowed=_unfollowed,
    approximates=_approximates,
    constant=lambda array: array.detach() if isinstance(array, sys.modules["torch"].Tensor) else array,
)
