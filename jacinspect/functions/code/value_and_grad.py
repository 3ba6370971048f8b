"""Functions that return f's value and its derivative, as jax.value_and_grad makes them. Next: hand_written.py."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacinspect.functions.by_operand import shape_of
from jacinspect.functions.code.callables import callable_of
from jacinspect.functions.code.containers import Containers
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.trees import items
from jacinspect.functions.function import Array, Function
from jacinspect.records import replace

__all__ = ["of_first", "without_value"]

_SAME = 1e-5  # relative: rounding, as of sums of a thousand terms in float32, and no other number by chance


def without_value(
    derivative: Callable[..., Any], called: Any, function: Function, containers: Containers
) -> Callable[..., Any]:
    """Return a derivative that gives what follows f(x) in a tuple alone, as the gradient of jax.value_and_grad.

    A tuple that may be a derivative itself is none, as the derivative by a number may be as large as f; unless what is
    `called` for it is f.
    """
    value, is_itself = reseeded(function.value, function.reseed), _is_itself(called, function)

    def after(*given: Any) -> Any:
        found = derivative(*given)
        output = shape_of(found[0]) if type(found) is tuple and len(found) > 1 else None
        if output is None:
            return found
        rest = containers.with_entries(output, found[1:], given)
        if not is_itself and not (
            containers.is_apart(output, rest, given) and _is_output(found[0], value(*given), function.take)
        ):
            return found
        return rest[0] if len(rest) == 1 else rest

    return after


def _is_output(found: Any, result: Any, take: str | None) -> bool:
    """Whether this is what f returned, or one of several of which `take` says which."""
    of_several = () if take is None else (child for _, child in items(result) or ())
    array, outputs = _numbers(found), map(_numbers, (result, *of_several))
    return any(array.size == each.size and np.allclose(array, each, rtol=_SAME, atol=0) for each in outputs)


def _numbers(given: Any) -> Array:
    """Return a vector of numbers, of any framework; NaN of what is none."""
    try:
        return np.ravel(np.asarray(given.detach() if hasattr(given, "detach") else given, dtype=float))
    except (TypeError, ValueError):
        return np.array([math.nan])


def of_first(function: Function, derivative: Any) -> Function:
    """Return a function whose value is the first of a tuple that it returns, where it is its own derivative."""
    adapt = function.adapt
    if adapt is None or function.take is not None or not _is_itself(derivative, function):
        return function

    def adapted(function: Function, point: Sequence[Array], moves: Sequence[bool]) -> tuple[Function, Sequence[Array]]:
        ready, values = adapt(function, point, moves)
        if not _returns_several(function, ready, values):
            return ready, values
        ready, values = adapt(replace(function, take="0"), point, moves)
        note = "A is the first of what f returns, and the rest is read as its derivative"
        return replace(ready, note="; ".join(filter(None, (ready.note, note)))), values

    return replace(function, adapt=adapted)


def _is_itself(derivative: Any, function: Function) -> bool:
    """Whether a function is given as its own derivative, which it returns after its value."""
    return callable(derivative) and bool(callable_of(derivative, "derivative") == function.origin)


def _returns_several(function: Function, ready: Function, point: Sequence[Array]) -> bool:
    """Whether a function, which is `ready` for arrays of numpy, returns a tuple of several."""
    call: Callable[..., Any] = function.value if ready.source == "python" else ready.value
    try:
        result = call(*(operand.copy() for operand in point))
    except Exception:  # reported when f is called
        return False
    output = ready.output()
    return type(result) is tuple or (output is not None and output.names[0].partition(".")[0] == "0")
