"""The backends: numpy, torch and jax, one row each, with all that is particular to a framework's arrays and autodiff.

In: a callable of a framework's arrays. Out: the same of numpy's, and the framework's own derivative. No framework is
ever imported here; a function that needs one has imported it. Next: frameworks.py, which finds the row.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from jacinspect.functions.code.trees import converted
from jacinspect.functions.rules import Array, Jvp, Rule, Vjp

__all__ = ["FRAMEWORKS", "Call", "Framework"]

Call = Callable[..., Any]


@dataclass(frozen=True)
class Framework:
    """One framework. The first three fields take a callable of its arrays.

    `trial` calls it with the framework's arrays in place of numpy's. `value` returns it as a function
    of numpy arrays, and `rule`, given operands to try it on, its derivative by the framework's autodiff, which
    `autodiff` names. `join` lays several of its arrays end to end as one; `kind` is numpy's letter for what one holds,
    "f" for real numbers, and "" for what is no array of the framework.
    """

    name: str
    trial: Callable[[Call, Sequence[Array]], Any]
    value: Callable[[Call], Call]
    rule: Callable[[Call, Sequence[Array]], Rule | None]
    join: Callable[[Sequence[Any]], Any]
    kind: Callable[[Any], str]
    autodiff: str = ""


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


def _no_rule(_: Call, __: Sequence[Array]) -> None:
    """Numpy has no autodiff."""


# --- torch ------------------------------------------------------------------------------------------------------------


def _torch_trial(call: Call, operands: Sequence[Array]) -> Any:
    """Call with tensors that autograd follows, which numpy's functions do not take."""
    torch: Any = sys.modules["torch"]
    return call(*(_leaf(torch, operand).clone() for operand in operands))


def _leaf(torch: Any, operand: Array) -> Any:
    return torch.tensor(operand, requires_grad=operand.dtype.kind == "f")


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
            return converted(call(*map(tensor, operands)), _from_torch)
        except RuntimeError as error:
            if "dtype" in str(error):
                error.add_note("float64 does not go with tensors of its own: try --dtype float32, or name the module")
            raise

    return value


def _torch_rule(call: Call, _: Sequence[Array]) -> Rule:
    """Reverse mode by `torch.autograd.grad`, as torch.func fails on ordinary custom Functions."""
    torch: Any = sys.modules["torch"]

    def pull(*given: Array) -> tuple[Array, ...]:
        *operands, cotangent = given
        leaves = [_leaf(torch, operand) for operand in operands]
        moving = [leaf for leaf in leaves if leaf.requires_grad]
        with torch.enable_grad():
            result = call(*leaves)
        if not result.requires_grad:  # no path from X to A that autograd sees: its derivative is 0
            return tuple(np.zeros(operand.shape) for operand in operands)
        weights = torch.tensor(cotangent, dtype=result.dtype).reshape(result.shape)
        pulled = iter(torch.autograd.grad(result, moving, weights, allow_unused=True))
        parts = [next(pulled) if leaf.requires_grad else None for leaf in leaves]
        return tuple(
            np.zeros(operand.shape) if part is None else _from_torch(part)
            for operand, part in zip(operands, parts, strict=True)
        )

    return Vjp(pull)


def _from_torch(result: Any) -> Any:
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
        return call(*_to_jax(operands))


def _jax_value(call: Call) -> Call:
    jax: Any = sys.modules["jax"]

    def value(*operands: Array) -> Any:
        with jax.enable_x64(True):
            return converted(call(*_to_jax(operands)), _from_jax)

    return value


def _jax_rule(call: Call, operands: Sequence[Array]) -> Rule:
    """Forward mode, or reverse mode where that alone is defined, as in a function with a custom_vjp."""
    jax: Any = sys.modules["jax"]
    real = [operand.dtype.kind == "f" for operand in operands]  # all others are not differentiated by

    def of_real(point: Sequence[Any]) -> tuple[Call, list[Any]]:
        """Return the function of the real operands alone, and these."""

        def f(*moving: Any) -> Any:
            left = iter(moving)
            return call(*(next(left) if moves else fixed for moves, fixed in zip(real, point, strict=True)))

        return f, _to_jax(list(compress(point, real)))

    def push(*given: Array) -> Array:
        half = len(given) // 2
        with jax.enable_x64(True):
            f, moving = of_real(given[:half])
            _, pushed = jax.jvp(f, moving, _to_jax(list(compress(given[half:], real))))
            return np.asarray(_from_jax(pushed))

    def pull(*given: Array) -> tuple[Array, ...]:
        *point, cotangent = given
        with jax.enable_x64(True):
            f, moving = of_real(point)
            result, vjp = jax.vjp(f, *moving)
            if not jax.numpy.issubdtype(result.dtype, jax.numpy.inexact):
                return tuple(np.zeros(operand.shape) for operand in point)
            pulled = iter(vjp(jax.numpy.asarray(cotangent, result.dtype).reshape(result.shape)))
            return tuple(
                np.asarray(_from_jax(next(pulled))) if moves else np.zeros(operand.shape)
                for moves, operand in zip(real, point, strict=True)
            )

    try:
        with np.errstate(all="ignore"):
            push(*operands, *map(np.zeros_like, operands))
    except TypeError as error:
        if "custom_vjp" in str(error):
            return Vjp(pull)
    except (Exception, SystemExit):  # reported when the derivative is asked for
        pass
    return Jvp(push)


def _jax_join(arrays: Sequence[Any]) -> Any:
    jax: Any = sys.modules["jax"]
    return jax.numpy.concatenate([jax.numpy.ravel(array) for array in arrays])


def _jax_kind(leaf: Any) -> str:
    jax: Any = sys.modules["jax"]
    if not isinstance(leaf, jax.Array | np.ndarray):
        return ""
    return "f" if jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating) else np.dtype(leaf.dtype).kind


def _to_jax(arrays: Sequence[Array]) -> list[Any]:
    return [sys.modules["jax"].numpy.asarray(array) for array in arrays]


def _from_jax(result: Any) -> Any:
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
        Framework("numpy", _numpy_trial, _numpy_value, _no_rule, _numpy_join, _numpy_kind),
        Framework("torch", _torch_trial, _torch_value, _torch_rule, _torch_join, _torch_kind, "torch.autograd"),
        Framework("jax", _jax_trial, _jax_value, _jax_rule, _jax_join, _jax_kind, "jax.jvp or jax.vjp"),
    )
}
