"""Functions that return f's value and its derivative, as jax.value_and_grad makes them. Next: hand_written.py."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacinspect.errors import JacinspectError
from jacinspect.functions.by_operand import shape_of
from jacinspect.functions.code.callables import callable_of
from jacinspect.functions.code.containers import Containers, may_be_by
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.trees import items
from jacinspect.functions.function import Array, Function
from jacinspect.functions.returned import call_derivative
from jacinspect.functions.rules import Claim
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


def _is_output(found: Any, result: Any, take: str | None = None) -> bool:
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
    """Return a function whose value is the first of a tuple that it returns, where its derivative follows that value.

    So it is where the function is its own derivative, or that returns the same value before the derivative, too.
    """
    adapt = function.adapt
    if adapt is None or function.take is not None:
        return function
    is_itself = _is_itself(derivative, function)

    def adapted(function: Function, point: Sequence[Array], moves: Sequence[bool]) -> tuple[Function, Sequence[Array]]:
        ready, values = adapt(function, point, moves)
        given = () if is_itself else _tuple_of(function.rule, values)  # before f is called, which may be slow
        outputs = _outputs(function, ready, values) if is_itself or given else ()
        if not outputs or (given and not _is_first(outputs[0], given, values, moves)):
            return ready, values
        rule = function.rule.then(_after_first) if given and isinstance(function.rule, Claim) else function.rule
        ready, values = adapt(replace(function, take="0", rule=rule), point, moves)
        rest = "the rest is read as its derivative" if is_itself else "what the derivative returns after it is compared"
        note = f"A is the first of what f returns, and {rest}"
        return replace(ready, note="; ".join(filter(None, (ready.note, note)))), values

    return replace(function, adapt=adapted)


def _tuple_of(rule: Any, point: Sequence[Array]) -> tuple[Any, ...]:
    """Return the tuple of several that a derivative returns; an empty one where it returns anything else."""
    if not isinstance(rule, Claim) or rule.kind in ("jvp", "vjp"):
        return ()
    try:
        found = call_derivative(lambda: rule.at(point)(*(operand.copy() for operand in point)))
    except JacinspectError:  # reported when the derivative is called
        return ()
    return found if type(found) is tuple and len(found) > 1 else ()


def _is_first(value: Any, given: Sequence[Any], point: Sequence[Array], moves: Sequence[bool]) -> bool:
    """Whether f's first output is the first item of what its derivative returned, and is there no derivative itself.

    By its shape, exp(x) may be one: the tuple may have an item for each output then.
    """
    shape = np.shape(value)
    is_apart = not any(moving and may_be_by(value, {"": x}, shape) for x, moving in zip(point, moves, strict=True))
    return is_apart and shape_of(given[0]) == shape and _is_output(given[0], value)


def _after_first(given: tuple[Any, ...]) -> Any:
    return given[1] if len(given) == 2 else given[1:]


def _is_itself(derivative: Any, function: Function) -> bool:
    """Whether a function is given as its own derivative, which it returns after its value."""
    return callable(derivative) and bool(callable_of(derivative, "derivative") == function.origin)


def _outputs(function: Function, ready: Function, point: Sequence[Array]) -> Sequence[Any]:
    """Return the outputs of a function, which is `ready` for arrays of numpy, where it returns a tuple of several."""
    call: Callable[..., Any] = function.value if ready.source == "python" else ready.value
    try:
        result = call(*(operand.copy() for operand in point))
    except Exception:  # reported when f is called
        return ()
    output = ready.output()
    if type(result) is tuple:
        return result
    return output.split(result) if output is not None and output.names[0].partition(".")[0] == "0" else ()
