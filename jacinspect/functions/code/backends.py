"""The backends: numpy, torch and jax, one row each, with all that is particular to a framework's arrays and autodiff.

In: a callable of a framework's arrays. Out: the same of numpy's, and the framework's own derivative. No framework is
ever imported here; a function that needs one has imported it. Next: frameworks.py, which finds the row.
"""

import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import compress
from typing import Any

import numpy as np

from jacinspect.functions.code.trees import converted, leaves
from jacinspect.functions.rules import Array, Jvp, Vjp
from jacinspect.records import dataclass

__all__ = ["FRAMEWORKS", "Call", "Framework", "from_jax", "from_torch", "laid_out", "of_real", "tangents_of", "to_jax"]

Call = Callable[..., Any]


@dataclass(frozen=True)
class Framework:
    """One framework. The first three fields take a callable of its arrays.

    `trial` calls it with the framework's arrays in place of numpy's. `value` returns it as a function
    of numpy arrays, and `rules`, given operands to try it on, its derivatives by the framework's autodiff, which
    `autodiff` names: the first is the one that people call, and the others have to agree with it. `join` lays several
    of its arrays end to end as one; `kind` is numpy's letter for what one holds, "f" for real and "c" for complex
    numbers, and "" for what is no array of the framework. `gradient` says how its autodiff has the gradient by complex
    numbers; that of the rules is ∂L/∂re + i ∂L/∂im. `ready`, given operands to try it on, returns what is to be called
    in place of a callable, and `unfollowed` the paths of the outputs that it marks as not differentiable.
    """

    name: str
    trial: Callable[[Call, Sequence[Array]], Any]
    value: Callable[[Call], Call]
    rules: Callable[[Call, Sequence[Array]], tuple[Jvp | Vjp, ...]]
    join: Callable[[Sequence[Any]], Any]
    kind: Callable[[Any], str]
    autodiff: str = ""
    gradient: str = "by a complex number z, a claimed gradient is ∂L/∂re + i ∂L/∂im"
    ready: Callable[[Call, Sequence[Array]], Call] = lambda call, _: call
    unfollowed: Callable[[Call, Sequence[Array]], Collection[str]] = lambda _, __: ()


# --- numpy ------------------------------------------------------------------------------------------------------------


def _numpy_trial(call: Call, operands: Sequence[Array]) -> Any:
    return call(*operands)


def _numpy_value(call: Call) -> Call:
    return call


def _numpy_join(arrays: Sequence[Any]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


def _numpy_kind(leaf: Any) -> str:
    try:
        return np.asarray(leaf).dtype.kind
    except (TypeError, ValueError):
        return ""


def _no_rules(_: Call, __: Sequence[Array]) -> tuple[()]:
    """Numpy has no autodiff."""
    return ()


# --- torch ------------------------------------------------------------------------------------------------------------


def _torch_trial(call: Call, operands: Sequence[Array]) -> Any:
    """Call with tensors that autograd follows, which numpy's functions do not take."""
    torch: Any = sys.modules["torch"]
    return call(*(_leaf(torch, operand).clone() for operand in operands))


def _leaf(torch: Any, operand: Array) -> Any:
    return torch.tensor(operand, requires_grad=operand.dtype.kind in "fc")


def _torch_unfollowed(call: Call, operands: Sequence[Array]) -> Collection[str]:
    """Find what a torch.autograd.Function marks as not differentiable, as the statistics of a batch norm are."""
    torch: Any = sys.modules["torch"]
    try:
        found = list(leaves(_torch_trial(call, operands)))
    except (Exception, SystemExit):  # it is reported when f is inspected
        return ()
    return [path for path, leaf in found if isinstance(leaf, torch.Tensor) and not leaf.requires_grad]


def _torch_join(arrays: Sequence[Any]) -> Any:
    return sys.modules["torch"].cat([array.reshape(-1) for array in arrays])


def _torch_kind(leaf: Any) -> str:
    torch: Any = sys.modules["torch"]
    if not isinstance(leaf, torch.Tensor):
        return ""
    return "f" if leaf.is_floating_point() else "c" if leaf.is_complex() else "i"


def _torch_value(call: Call) -> Call:
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


def _torch_rules(call: Call, _: Sequence[Array]) -> tuple[Jvp | Vjp, ...]:
    """Reverse mode, forward mode, and the backward of several cotangents at once, as torch.func.vmap runs it."""
    batched = partial(_torch_pull, call, batched=True)
    return Vjp(partial(_torch_pull, call), "backward"), Jvp(partial(_torch_push, call), "forward"), Vjp(batched, "vmap")


def _torch_pull(call: Call, *given: Array, batched: bool = False) -> tuple[Array, ...]:
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


def _torch_push(call: Call, *given: Array) -> Array:
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


# --- jax --------------------------------------------------------------------------------------------------------------


def _jax_trial(call: Call, operands: Sequence[Array]) -> Any:
    jax: Any = sys.modules["jax"]
    with jax.enable_x64(True):
        return call(*to_jax(operands))


class _Compilations:
    """How many times jax has compiled something since this was made."""

    def __init__(self) -> None:
        self.number = 0
        sys.modules["jax"].monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, *_: Any, **__: Any) -> None:
        self.number += "backend_compile" in event


@cache
def _compilations() -> _Compilations:
    return _Compilations()


def _jax_ready(call: Call, operands: Sequence[Array]) -> Call:
    """Compile a callable as a whole if it compiles something anew at every call, as a loop with a lambda in it does.

    It is left as it is where it cannot be compiled, or returns something else then.
    """
    jax: Any = sys.modules["jax"]
    whole = jax.jit(call)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        try:
            for _ in range(2):  # at the first call, everything may be new
                before = _compilations().number
                expected = call(*to_jax(operands))
                if _compilations().number == before:
                    return call
            found = [leaf for _, leaf in leaves(whole(*to_jax(operands)))]
            numbers = [leaf for _, leaf in leaves(expected)]
            same = all(np.allclose(a, b, equal_nan=True) for a, b in zip(found, numbers, strict=True))
            return whole if same else call
        except (Exception, SystemExit):  # it looks at its numbers, or raises, which is reported later
            return call


def _jax_value(call: Call) -> Call:
    jax: Any = sys.modules["jax"]

    def value(*operands: Array) -> Any:
        with jax.enable_x64(True):
            return converted(call(*to_jax(operands)), from_jax)

    return value


def _jax_rules(call: Call, operands: Sequence[Array]) -> tuple[Jvp | Vjp, ...]:
    """Forward and reverse mode, or reverse mode where that alone is defined, as in a function with a custom_vjp."""
    jax: Any = sys.modules["jax"]
    real = [operand.dtype.kind in "fc" for operand in operands]  # all others are not differentiated by

    def push(*given: Array) -> Array:
        half = len(given) // 2
        with _differentiating():
            f, moving = of_real(call, real, given[:half])
            _, pushed = jax.jvp(f, moving, tangents_of(moving, compress(given[half:], real)))
            return np.asarray(from_jax(pushed))

    def pull(*given: Array) -> tuple[Array, ...]:
        *point, cotangent = given
        with _differentiating():
            f, moving = of_real(call, real, point)
            result, vjp = jax.vjp(f, *moving)
            if not jax.numpy.issubdtype(result.dtype, jax.numpy.inexact):
                return tuple(np.zeros(operand.shape) for operand in point)
            pulled = iter(vjp(jax.numpy.asarray(cotangent, result.dtype).reshape(result.shape)))
            return tuple(
                np.conj(from_jax(next(pulled))) if moves else np.zeros(operand.shape)
                for moves, operand in zip(real, point, strict=True)
            )

    try:
        with np.errstate(all="ignore"):
            push(*operands, *map(np.zeros_like, operands))
    except TypeError as error:
        if "custom_vjp" in str(error):
            return (Vjp(pull),)
    except (Exception, SystemExit):  # reported when the derivative is asked for
        pass
    return Jvp(push), Vjp(pull)


@contextmanager
def _differentiating() -> Iterator[None]:
    """Enable double precision, and say what to do about a module of flax that changes its state."""
    with sys.modules["jax"].enable_x64(True):
        try:
            yield
        except Exception as error:
            if type(error).__name__ == "TraceContextError":  # flax does not promise where its class is
                error.add_note(
                    "a module that f uses changes its own state: inspect the module itself, or make it without, as "
                    "nnx.BatchNorm(…, use_running_average=True)"
                )
            raise


def of_real(call: Call, real: Sequence[bool], point: Sequence[Any]) -> tuple[Call, list[Any]]:
    """Return the function of the real operands alone, and these."""

    def f(*moving: Any) -> Any:
        left = iter(moving)
        return call(*(next(left) if moves else fixed for moves, fixed in zip(real, point, strict=True)))

    return f, to_jax(list(compress(point, real)))


def _jax_join(arrays: Sequence[Any]) -> Any:
    jax: Any = sys.modules["jax"]
    return jax.numpy.concatenate([jax.numpy.ravel(array) for array in arrays])


def _jax_kind(leaf: Any) -> str:
    jax: Any = sys.modules["jax"]
    if not isinstance(leaf, jax.Array | np.ndarray):
        return ""
    return "f" if jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating) else np.dtype(leaf.dtype).kind


def to_jax(arrays: Sequence[Array]) -> list[Any]:
    """Return numpy's arrays as jax's."""
    return [sys.modules["jax"].numpy.asarray(array) for array in arrays]


def tangents_of(points: Sequence[Any], tangents: Iterable[Array]) -> list[Any]:
    """Return tangents as jax's arrays, in the precision of the points that they are of, as jax.jvp demands."""
    jax: Any = sys.modules["jax"]
    return [jax.numpy.asarray(each, point.dtype) for point, each in zip(points, tangents, strict=True)]


def from_jax(result: Any) -> Any:
    """Return a jax array as one of numpy's, and anything else as it is."""
    jax: Any = sys.modules["jax"]
    if getattr(result, "dtype", None) == jax.dtypes.float0:  # the tangents of whole numbers
        return np.zeros(result.shape)
    if not isinstance(result, jax.Array):
        return result
    # numpy has no bfloat16
    return np.asarray(result.astype(np.float64) if result.dtype == jax.numpy.bfloat16 else result)


# --- The table --------------------------------------------------------------------------------------------------------

FRAMEWORKS = {
    framework.name: framework
    for framework in (
        Framework("numpy", _numpy_trial, _numpy_value, _no_rules, _numpy_join, _numpy_kind),
        Framework(
            "torch",
            _torch_trial,
            _torch_value,
            _torch_rules,
            _torch_join,
            _torch_kind,
            "torch.autograd",
            "torch's gradient is ∂L/∂re + i ∂L/∂im",
            unfollowed=_torch_unfollowed,
        ),
        Framework(
            "jax",
            _jax_trial,
            _jax_value,
            _jax_rules,
            _jax_join,
            _jax_kind,
            "jax.jvp or jax.vjp",
            "jax's gradient is ∂L/∂re − i ∂L/∂im",
            _jax_ready,
        ),
    )
}
