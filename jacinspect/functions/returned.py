"""What a derivative returned, as arrays of the shape that it has to have. Next: derivative.py, and claims.py."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np

from jacinspect.errors import FunctionFailedError, FunctionRaisedError, JacinspectError, raised
from jacinspect.functions.by_operand import shape_of
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
    """Convert what was returned to a float64 array, or None where it is no array of real numbers.

    Complex ones, all of whose imaginary parts are 0, are real, as those of np.roots or of a power may be.
    """
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":
            array = np.asarray(in_floats(given))
    except ValueError:
        return None
    if array.dtype.kind == "c" and not array.imag.any():
        array = array.real
    return array.astype(np.float64, copy=False) if array.dtype.kind in "fiub" else None


def broadcasts(operand: Shape, output: Shape) -> bool:
    """Whether numpy broadcasts the operand's shape to the output's."""
    try:
        return np.broadcast_shapes(operand, output) == output
    except ValueError:
        return False


def by_sample(operand: Shape, output: Shape, axis: Literal[0, -1] = 0) -> Shape | None:
    """Return the shape of a Jacobian in blocks, one for each sample; None without such.

    The samples are along this axis of the operand, of the output, and of the blocks.
    """
    if not operand or not output or operand[axis] != output[axis]:
        return None
    return output + operand[1:] if axis == 0 else (*output[:-1], *operand)


def pieces(given: Any, bundle: Bundle) -> list[Any] | None:
    """Return what a container has for each part of a bundle; None if it is none, or names others.

    They are found by name, as dW and db too are by those of W and b, and in a tuple or list else in order. It may have
    more than these, but no nested lists do that are a matrix: its numbers are none of several outputs.
    """
    named = items(given)
    is_plain_sequence = isinstance(given, list | tuple) and not hasattr(given, "_fields")
    if named is None or (bundle.is_single and is_plain_sequence):
        return None
    names, readings = set(bundle.names), _readings(given, bundle)
    for number, by_name in enumerate(readings):
        if names == set(by_name) or (names < set(by_name) and (number == 0 or real_array(given) is None)):
            return [by_name[name] for name in bundle.names]
    spelled = _with_an_affix(bundle.names, readings)
    if len(spelled) == 1:
        return next(iter(spelled.values()))
    by_place = isinstance(given, tuple | list) and len(named) == len(bundle.parts) and not bundle.is_single
    return [piece for _, piece in named] if by_place else None


def _readings(given: Any, bundle: Bundle) -> list[dict[str, Any]]:
    """Return what a container has by its own names, by paths from it, and by paths from an argument of f that it is of.

    A path ends at a part of the bundle, which may be a container itself: a row of blocks is.
    """
    head = bundle.names[0].partition(".")[0]  # of a container whose leaves are the parts

    def is_part(path: str, inner: Any) -> bool:
        return inner is not given and path in bundle.names

    return [dict(items(given) or ()), *(dict(leaves(given, start, is_leaf=is_part)) for start in ("", head))]


def _with_an_affix(names: Sequence[str], readings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], list[Any]]:
    """Return what the keys have that are these names with one affix to all, as dW and db, or W_grad and b_grad, are.

    Where several affixes fit, it is by the keys of each; none is more likely meant than another. Upper and lower case
    are the same where several names fit none as they are written: dw and db are of W and b, but grad is of no A.
    """
    for spell in (str, str.lower)[: len(names)]:
        found: dict[tuple[str, ...], list[Any]] = {}
        for by_key in readings:
            around = [_affixes(name, by_key, spell) for name in names]
            for affix in (each for each in around[0] if all(each in by_affix for by_affix in around)):
                for keys in product(*(by_affix[affix] for by_affix in around)):
                    if len({*keys}) == len(keys):
                        found.setdefault(keys, [by_key[key] for key in keys])
        if found:
            return found
    return {}


def _affixes(name: str, keys: Iterable[str], spell: Callable[[str], str]) -> dict[tuple[str, str], list[str]]:
    """Return the keys that are a path with something before it, or around its last name, by what is before and after.

    A place in a list is no name: W1 is not the item 1 with an affix. Neither is a pair ('y', 'x') a name with one.
    """
    found: dict[tuple[str, str], list[str]] = {}
    path = spell(name)
    stem, _, last = path.rpartition(".")
    for key in () if last.isdecimal() else (key for key in keys if " " not in key):
        spelled = spell(key)
        before, _, step = spelled.rpartition(".")
        starts = [at for at in range(len(step)) if before == stem and step.startswith(last, at)]
        affixes = {(step[:at], step[at + len(last) :]) for at in starts}
        if spelled.endswith(path) and "." not in (start := spelled.removesuffix(path)):
            affixes.add((start, ""))
        for affix in affixes:
            found.setdefault(affix, []).append(key)
    return found


def require_named(given: Any, *bundles: Bundle) -> None:
    """Refuse a mapping that has other names than the parts of any of the bundles."""
    if not isinstance(given, Mapping) or hasattr(given, "tocoo") or not given:  # a sparse dok_array is a mapping
        return
    found = f"the derivative returned a {type(given).__name__} of {', '.join(map(str, given))}"
    for bundle in bundles:
        names, spelled = _own_names(bundle), _with_an_affix(bundle.names, _readings(given, bundle))
        if len(spelled) > 1:
            head = f"{bundle.names[0].partition('.')[0]}."
            meant = " and ".join(", ".join(key.removeprefix(head) for key in keys) for keys in spelled)
            raise FunctionFailedError(
                f"{found}: {meant} all are {', '.join(names)} with an affix; call the right ones {', '.join(names)}"
            )
    wanted = [*map(_own_names, bundles)]
    example = f" or with one affix to all, as d{wanted[0][0]}" if wanted[0][0].isidentifier() else ""
    raise FunctionFailedError(
        f"{found}; return one of {' or of '.join(dict.fromkeys(map(', '.join, wanted)))}, with these names{example}"
    )


def _own_names(bundle: Bundle) -> list[str]:
    """Return the names of the parts, in the argument of f that they are of where they are of one."""
    return [name.partition(".")[2] or name for name in bundle.names]


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


def likely_meant(given: Any, operand: Shape, output: Shape) -> str:
    """Say what a derivative that does not fit may be: complex, the transpose of the Jacobian, a Hessian, or a band."""
    shape = shape_of(given)
    if not shape:
        return ""
    size, width, named = prod(output), prod(operand), format_shape(shape)
    if np.iscomplexobj(given):
        return ";\nits numbers are complex, and f's are real: return their real part, J.real"
    if size == 1 and width > 1 and shape in ((width, width), operand + operand):
        return f";\n{named} is the shape of a Hessian: return the gradient"
    if shape in ((width, size), operand + output) and shape not in ((size, width), output + operand):
        return f";\n{named} is the transpose, in denominator layout: return its transpose"
    if output == operand == shape[1:] and shape[0] < 2 * width and isinstance(given, np.ndarray | list):
        return (
            f";\n{named} may be the {shape[0]} = uband + 1 + lband diagonals of a banded Jacobian, as LAPACK stores "
            f"them:\nreturn scipy.sparse.dia_array((J, range(uband, -lband - 1, -1)), shape=({width}, {width}))"
        )
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
        first, last = by_sample(operand, output), by_sample(operand, output, -1)
        if first is not None and operand[1:]:
            readings.append(f"or {format_shape(first)}, a block for each of {output[0]} samples")
        if last is not None and operand[1:]:
            readings.append(f"or {format_shape(last)}, one for each of {output[-1]} samples along the last axis")
    if not readings:
        return f"A is {format_shape(output)} and X is {format_shape(operand)}: there is no {kind} derivative of that"
    return ", ".join(readings)
