"""What a derivative returned, as arrays of the shape that it has to have. Next: derivative.py, and claims.py."""

from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any, Literal

import numpy as np

from jacinspect.errors import FunctionFailedError, FunctionRaisedError, JacinspectError, raised
from jacinspect.functions.code.trees import items, leaves
from jacinspect.functions.floats import in_floats
from jacinspect.functions.rules import Array
from jacinspect.operands.bundle import Bundle
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = [
    "Derivative",
    "Shape",
    "broadcast_slopes",
    "broadcasts",
    "by_sample",
    "call_derivative",
    "checked",
    "described",
    "end_to_end",
    "likely_meant",
    "pieces",
    "real_array",
    "require_named",
    "wanted_shapes",
]

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Derivative:
    """∂A/∂X at one X, of M outputs and N inputs, in one of four forms.

    slopes   an array of A's shape: f' of an element-wise function, by the input that broadcasting puts at each output
    entries  (rows, columns, values): flat row-major integers and floats, an entry each; all others are 0
    jvp      a callable: a tangent of X's shape to that of A's
    vjp      a callable: a cotangent of A's shape to that of X's

    A linear operator is a jvp; `transposed` is the vjp that it has besides, None where it has none.
    """

    form: Literal["slopes", "entries", "jvp", "vjp"]
    of: Any
    transposed: Callable[[Array], Array] | None = None


def call_derivative(call: Callable[[], Any]) -> Any:
    """Call a derivative; an exception of its own becomes a FunctionRaisedError: at another X it may not raise."""
    try:
        return call()
    except JacinspectError:
        raise
    except (Exception, SystemExit) as error:
        raise FunctionRaisedError(f"the derivative raised {raised(error)}") from error


def checked(rule: Callable[[Array], Any], shape: Shape, flat: bool = True) -> Callable[[Array], Array]:
    """Wrap a jvp or vjp: it returns a float64 array of this shape; with `flat`, any shape of that size is accepted."""

    def run(tangent: Array) -> Array:
        with np.errstate(all="ignore"):
            given = call_derivative(lambda: rule(tangent))
        result = real_array(given)
        if result is None or result.size != prod(shape) or not (flat or result.shape == shape):
            needed = f"shape {format_shape(shape)} is needed" if shape else "a number is needed"
            raise FunctionFailedError(f"the derivative gives {described(given)} where {needed}")
        return result.reshape(shape)

    return run


def broadcast_slopes(slopes: Array, output_shape: Shape) -> Array:
    """Broadcast slopes to A's shape; those that have it already are returned as they are."""
    return slopes if slopes.shape == output_shape else np.broadcast_to(slopes, output_shape)


def real_array(given: Any) -> Array | None:
    """Convert what was returned to a float64 array, or None where it is no array of real numbers."""
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":
            array = np.asarray(in_floats(given))
    except ValueError:
        return None
    return array.astype(np.float64, copy=False) if array.dtype.kind in "fiub" else None


def broadcasts(operand: Shape, output: Shape) -> bool:
    """Whether numpy broadcasts the operand's shape to the output's."""
    try:
        return np.broadcast_shapes(operand, output) == output
    except ValueError:
        return False


def by_sample(operand: Shape, output: Shape) -> Shape | None:
    """Return the shape of a Jacobian in blocks, one for each sample along the first axis of both; None without such."""
    return output + operand[1:] if operand and output[:1] == operand[:1] else None


def pieces(given: Any, bundle: Bundle) -> list[Any] | None:
    """Return what a container has for each part of a bundle; None if it is none, or names others.

    They are found by name, as dW and db too are by those of W and b, and in a tuple or list else in order. It may have
    more than these, but no nested lists do that are a matrix: its numbers are none of several outputs.
    """
    named = items(given)
    in_order = isinstance(given, list | tuple) and not hasattr(given, "_fields")
    if named is None or (bundle.is_single and in_order):
        return None
    names = set(bundle.names)
    head = bundle.names[0].partition(".")[0]  # of a container whose leaves are the parts
    readings = [named, [*leaves(given)], [(f"{head}.{name}", piece) for name, piece in leaves(given)]]
    for found in readings:
        by_name = dict(found)
        if names == set(by_name) or (names < set(by_name) and (found is named or real_array(given) is None)):
            return [by_name[name] for name in bundle.names]
    for by_name in map(dict, readings):
        keys = _with_an_affix(bundle.names, by_name)
        if keys is not None:
            return [by_name[key] for key in keys]
    as_many = isinstance(given, tuple | list) and len(named) == len(bundle.parts) and not bundle.is_single
    return [piece for _, piece in named] if as_many else None


def _with_an_affix(names: Sequence[str], keys: Collection[str]) -> tuple[str, ...] | None:
    """Return the keys that are these names with an affix, as dW and db, or W_grad and b_grad, are; None if no one is.

    Of several, it is the one that most keys have: beside db and dW, dlimb is none of b.
    """
    first, (stem, dot, last) = names[0], names[0].rpartition(".")
    if any(name.rpartition(".")[2].isdecimal() for name in names):  # places in a list: W1 is no name of the item 1
        return None
    found: dict[tuple[str, ...], int] = {}
    for key in keys:
        around = {key.removesuffix(first), key.removeprefix(first), key.removeprefix(stem + dot).removesuffix(last)}
        for affix in (each for each in around if "." not in each):  # with a point it is no name, but a way to one
            for spelled in zip(*(_affixed(name, affix) for name in names), strict=True):
                if set(spelled) <= set(keys):
                    found[spelled] = sum(affix in each for each in keys)
    most = [spelled for spelled, number in found.items() if number == max(found.values())]
    return most[0] if len(most) == 1 else None


def _affixed(name: str, affix: str) -> tuple[str, str, str]:
    """Spell a path with an affix: before it, before its last name, and after it."""
    stem, dot, last = name.rpartition(".")
    return affix + name, f"{stem}{dot}{affix}{last}", name + affix


def require_named(given: Any, *bundles: Bundle) -> None:
    """Refuse a mapping that has other names than the parts of any of the bundles."""
    if not isinstance(given, Mapping) or hasattr(given, "tocoo") or not given:  # a sparse dok_array is a mapping
        return
    wanted = [[name.partition(".")[2] or name for name in bundle.names] for bundle in bundles]
    raise FunctionFailedError(
        f"the derivative returned a {type(given).__name__} of {', '.join(map(str, given))}; return one of "
        f"{' or of '.join(map(', '.join, wanted))}, with these names or with one affix to all, as d{wanted[0][0]}"
    )


def end_to_end(given: Any, bundle: Bundle) -> Any:
    """Lay what is given for each part of a bundle end to end; what is no container of so many is returned as it is."""
    found = pieces(given, bundle)
    if found is None:
        require_named(given, bundle)
        return given
    arrays = [*map(real_array, found)]
    for array, part in zip(arrays, bundle.parts, strict=False):
        if array is None or array.size != part.size:
            return given
    return bundle.join(arrays)


def described(given: Any) -> str:
    """Describe what a derivative returned by its type and shape, for a message."""
    array = given if isinstance(given, np.ndarray) else None
    if array is None and isinstance(given, int | float | list | tuple):
        try:
            array = np.asarray(given)
        except ValueError:
            return f"a {type(given).__name__} that is no array"
    if isinstance(given, tuple | list) and array is None:
        return f"a {type(given).__name__} of {len(given)}"
    if array is None:
        shape = getattr(given, "shape", None)
        return f"a {type(given).__name__}" + (f" of shape {format_shape(shape)}" if isinstance(shape, tuple) else "")
    return f"{array.dtype} of shape {format_shape(array.shape)}"


def likely_meant(shape: Shape, operand: Shape, output: Shape) -> str:
    """Say what a derivative of a wrong shape may be: the transpose of the Jacobian, or a Hessian."""
    size, width = prod(output), prod(operand)
    if size == 1 and width > 1 and shape in ((width, width), operand + operand):
        return f";\n{format_shape(shape)} is the shape of a Hessian: return the gradient"
    if shape in ((width, size), operand + output) and shape not in ((size, width), output + operand):
        return f";\n{format_shape(shape)} is the transpose, in denominator layout: return its transpose"
    return ""


def wanted_shapes(operand: Shape, output: Shape, kind: str | None = None) -> str:
    """Say which shapes are possible."""
    readings = []
    if broadcasts(operand, output) and kind in (None, "elementwise"):
        readings.append(f"an element-wise one has the output's shape {format_shape(output)}")
    if prod(output) == 1 and kind in (None, "gradient"):
        readings.append(f"the gradient of a scalar function has the operand's shape {format_shape(operand)}")
    if kind in (None, "jacobian"):
        matrix, tensor = format_shape((prod(output), prod(operand))), format_shape(output + operand)
        readings.append(f"a Jacobian is {matrix}" + (f" or {tensor}" if tensor != matrix else ""))
        blocks = by_sample(operand, output)
        if blocks is not None and operand[1:]:
            readings.append(f"or {format_shape(blocks)}, a block for each of {output[0]} samples")
    if not readings:
        return f"A is {format_shape(output)} and X is {format_shape(operand)}: there is no {kind} derivative of that"
    return ", ".join(readings)
