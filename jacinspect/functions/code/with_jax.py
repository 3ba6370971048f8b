"""Jax's arrays and autodiff. Nothing here imports jax: a function that needs it has imported it."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import compress
from typing import Any

import numpy as np

from jacinspect.functions.code.backends import Call, Framework
from jacinspect.functions.code.trees import converted, leaves
from jacinspect.functions.rules import Array, Jvp, Vjp

__all__ = ["JAX", "from_jax", "of_real", "tangents_of", "to_jax"]


def _trial(call: Call, operands: Sequence[Array]) -> Any:
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


def _ready(call: Call, operands: Sequence[Array]) -> Call:
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


def _value(call: Call) -> Call:
    jax: Any = sys.modules["jax"]

    def value(*operands: Array) -> Any:
        with jax.enable_x64(True):
            return converted(call(*to_jax(operands)), from_jax)

    return value


def _rules(call: Call, operands: Sequence[Array]) -> tuple[Jvp | Vjp, ...]:
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


def _join(arrays: Sequence[Any]) -> Any:
    jax: Any = sys.modules["jax"]
    return jax.numpy.concatenate([jax.numpy.ravel(array) for array in arrays])


def _kind(leaf: Any) -> str:
    jax: Any = sys.modules["jax"]
    if not isinstance(leaf, jax.Array | np.ndarray):
        return ""
    return "f" if jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating) else np.dtype(leaf.dtype).kind


def _constant(array: Any) -> Any:
    jax: Any = sys.modules["jax"]
    return jax.lax.stop_gradient(array) if isinstance(array, jax.core.Tracer) else array


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


JAX = Framework(
    "jax",
    _trial,
    _value,
    _rules,
    _join,
    _kind,
    "jax.jvp or jax.vjp",
    "jax's gradient is ∂L/∂re − i ∂L/∂im",
    _ready,
    constant=_constant,
)
