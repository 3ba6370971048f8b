"""A user's derivative at one point, read by the shape of its result, or by the kind that the claim declares.

f' has the output's shape, the gradient of a scalar function the operand's, and a Jacobian is an M×N matrix, in an order
of vec, or a vector where M or N is 1, or the tensor of the output's shape and the operand's. Where none of these fits,
it may be in blocks, one for each sample (samples.py): all other entries are 0. Matrices are read in matrices.py.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.by_operand import as_rows, entries_of, shape_of
from jacinspect.functions.code.trees import converted, leaves
from jacinspect.functions.complex_parts import ComplexParts
from jacinspect.functions.function import Function
from jacinspect.functions.matrices import complex_operator, is_matrix, of_dense, of_matrix, of_operator, row_major
from jacinspect.functions.returned import (
    Derivative,
    Shape,
    broadcast_slopes,
    broadcasts,
    call_derivative,
    checked,
    described,
    end_to_end,
    likely_meant,
    pieces,
    real_array,
    require_named,
    wanted_shapes,
)
from jacinspect.functions.rules import Array, Claim, copied
from jacinspect.functions.samples import in_blocks, of_blocks
from jacinspect.operands.bundle import Bundle, Part
from jacinspect.records import dataclass, replace
from jacinspect.wording import format_shape

__all__ = ["claimed_derivative"]


@dataclass(frozen=True, eq=False)
class _Reading:
    """How a claim is to be read: its kind and order of vec, where they are known, and the function at x."""

    kind: str | None
    vec: str | None
    x: Array
    value: Callable[[Array], Array]
    is_entry: bool = False  # of several, by their operands: one number is none by a larger operand


def claimed_derivative(function: Function, x: Array, output_shape: Shape, vec: str | None) -> Derivative:
    """Return a function's claim at x in the form that its result has; see `derivative_at`."""
    claim = function.rule
    assert isinstance(claim, Claim)
    operand, output = function.bundles(x.shape, output_shape)
    if claim.kind == "jvp":
        derivative = claim.at([x, np.ones(x.shape)])

        def pushed(dx: Array) -> Any:
            return end_to_end(_in_parts(derivative(copied(x), copied(dx)), output), output)

        return Derivative("jvp", checked(pushed, output_shape, flat=False))
    if claim.kind == "vjp":
        number, whole = claim.takes - len(function.operands), ComplexParts.of_parts(output)

        def cotangents(da: Array) -> list[Any]:
            """Return one for each array that f returns, or where so many are taken, for each part of complex ones."""
            parts = [copied(part) for part in output.split(da.reshape(output_shape))]
            given = parts if number >= len(parts) else whole.join(parts)
            return given if number >= len(given) or len(given) == 1 else [tuple(given)]

        pullback = claim.at([x, *cotangents(np.ones(output_shape))])
        pull = checked(lambda da: end_to_end(pullback(copied(x), *cotangents(da)), operand), x.shape, flat=False)
        return Derivative("vjp", pull)

    def read(given: Any, is_entry: bool = False) -> Derivative:
        nested = _nested(_in_parts(given, output), operand, output, function.operands)
        return _by_shape(nested, operand, output, _Reading(claim.kind, vec, x, function, is_entry))

    given = call_derivative(lambda: claim.at([x])(x.copy()))
    try:
        rows = as_rows(given) if claim.kind in (None, "jacobian") else None
        if rows is not None and rows.shape == (prod(output.shape), prod(operand.shape)):
            return _of_rows(given, function, read, (operand.shape, output.shape))
        selected = claim.select(given)
        return read(selected, selected is not given)
    except FunctionFailedError as error:
        if claim.numbers:
            said = str(error).replace("the derivative returned", f"derivative {claim.numbers}: is", 1)
            raise InputError(said) from error
        raise FunctionFailedError(f"{error}{_of_one_item(given, read, lambda: function(x.copy()))}") from error


def _of_one_item(given: Any, read: Callable[[Any], Derivative], value: Callable[[], Array]) -> str:
    """Say that an item of a tuple is a derivative alone, as in (gradient, Hessian); nothing if only f(x) fits."""
    fitting = []
    for item in given if type(given) is tuple else ():
        with suppress(FunctionFailedError, InputError):
            if shape_of(item):  # a number fits as a constant, too
                read(item)
                fitting.append(item)
    if len(fitting) > 1:
        return ";\nseveral items of the tuple fit by themselves: return the right one alone"
    only = real_array(fitting[0]) if fitting else None
    if only is None or np.array_equal(only.ravel(), value().ravel()):
        return ""
    # By its shape, which no other that fits has: its place is another one where f(x) was before it.
    shape = format_shape(only.shape)
    return f";\nthe item of shape {shape} of the tuple fits by itself: return no other derivative with it"


def _of_rows(
    given: Any, function: Function, read: Callable[[Any], Derivative], shapes: tuple[Shape, Shape]
) -> Derivative:
    """Read lists or tuples of numbers that make an M×N matrix, and may have an entry for each operand instead."""
    claim = function.rule
    assert isinstance(claim, Claim)
    selected, matrix = claim.select(given), read(as_rows(given))
    if selected is given or claim.kind == "jacobian" or entries_of(given) == "outputs":
        return matrix
    try:
        by_operands = read(selected)
    except (FunctionFailedError, InputError):
        return matrix
    if entries_of(given) == "operands":
        return by_operands
    column, row = map(_only_part, shapes)
    one, other = (_dense(_block(each, row, column), row.size, column.size) for each in (matrix, by_operands))
    if np.array_equal(one, other, equal_nan=True):
        return matrix
    raise InputError(
        f"the derivative returned a {type(given).__name__} of {len(given)}, which can be the rows of the Jacobian "
        f"{format_shape(one.shape)} or by {' and '.join(function.operands)}:\nsay --derivative-kind jacobian if it is "
        "rows, or return a tuple of arrays, one for each operand"
    )


def _dense(entries: tuple[Array, Array, Array], height: int, width: int) -> Array:
    """Return the matrix of these rows, columns and values."""
    rows, columns, values = entries
    matrix = np.zeros((height, width))
    matrix[rows, columns] = values
    return matrix


def _by_shape(given: Any, operand: Bundle, output: Bundle, how: _Reading) -> Derivative:
    """Read what a derivative returned, for the whole operand and output or for parts of them."""
    complex_ = complex_operator(given, operand, output)
    if complex_ is not None:
        return of_operator(given, *complex_, how.vec)
    # Where f(A, B) has one output, A is the operand, and its entry no block of rows.
    by_operand = pieces(given, operand) if output.is_single else None
    whole = by_operand is not None and not any(isinstance(block, Mapping) for block in by_operand)
    by_output = [(given, _only_part(output.shape))] if whole else _along(given, output)
    blocks = [(block, row, column) for of_row, row in by_output for block, column in _along(of_row, operand)]
    how = replace(how, is_entry=how.is_entry or any(block is not given for block, _, _ in blocks))
    if len(blocks) == 1:
        require_named(blocks[0][0], operand, *[output] * (not output.is_single))
        try:
            return _read(blocks[0][0], _only_part(operand.shape), _only_part(output.shape), how)
        except FunctionFailedError as error:
            if output.is_single:
                raise
            raise FunctionFailedError(f"{error}{_of_one_part(blocks[0][0], operand, output, how)}") from error
    read = [_block(_read(block, column, row, how), row, column) for block, row, column in blocks]
    rows, columns, values = (np.concatenate(each) for each in zip(*read, strict=True))
    return Derivative("entries", (rows, columns, values))


def _in_parts(given: Any, output: Bundle) -> Any:
    """Return the parts of complex derivatives of complex outputs, by their names; anything else as it is."""
    whole = ComplexParts.of_parts(output)
    found = [given] if len(whole.operands) == 1 else pieces(given, Bundle.of((name, ()) for name in whole.operands))
    if not any(whole.is_complex) or not any(_is_complex(leaf) for _, leaf in leaves(found)):
        return given
    parts: list[Any] = []
    for each, two in zip(found or (), whole.is_complex, strict=True):
        parts += [converted(each, np.real), converted(each, np.imag)] if two else [each]
    return dict(zip(output.names, parts, strict=True))


def _is_complex(leaf: Any) -> bool:
    return isinstance(leaf, complex) or (
        getattr(getattr(leaf, "dtype", None), "kind", "") == "c" and not hasattr(leaf, "matvec")
    )


def _nested(given: Any, operand: Bundle, output: Bundle, operands: Sequence[str]) -> Any:
    """Return blocks by an output and an operand as dicts of dicts, in which a pair that is left out is 0.

    They are by pairs, as OpenMDAO has them, or in dicts of dicts, as GEMSEO has them; anything else is returned as it
    is. Of an operand in a container, the name may stand for itself.
    """
    rows, names = _by_output(given), set(output.names)
    if not rows or not (rows.keys() <= names or names <= rows.keys()):
        return given
    if rows is given and names <= rows.keys() and all(pieces(of_row, operand) for of_row in rows.values()):
        return given  # nothing is left out
    head = operand.names[0].partition(".")[0]
    blocks = {
        row: {column if column in operands else f"{head}.{column}": block for column, block in of_row.items()}
        for row, of_row in rows.items()
    }
    unknown = {column for of_row in blocks.values() for column in of_row} - {*operand.names, *operands}
    if not unknown:
        return {
            row.name: {
                column.name: blocks.get(row.name, {}).get(column.name, np.zeros((row.size, column.size)))
                for column in operand.parts
            }
            for row in output.parts
        }
    column, known = min(unknown).removeprefix(f"{head}."), ", ".join(operands)
    raise FunctionFailedError(f"the derivative returned blocks by {column!r}; f has the operands {known}")


def _by_output(given: Any) -> Mapping[Any, Mapping[Any, Any]] | None:
    """Return blocks, by pairs or in dicts of dicts, as dicts by outputs of dicts by operands; None of anything else."""
    if not isinstance(given, Mapping):
        return None
    if all(isinstance(block, Mapping) and not hasattr(block, "tocoo") for block in given.values()):
        return given
    if not all(isinstance(key, tuple) and len(key) == 2 for key in given):
        return None
    rows: dict[Any, dict[Any, Any]] = {}
    for (row, column), block in given.items():
        rows.setdefault(row, {})[column] = block
    return rows


def _as_column(operand: Shape) -> Shape:
    """Return the shape of a vector's gradient as a column, which casadi and OpenTURNS return; of others, their own."""
    return (*operand, 1) if len(operand) == 1 else operand


def _along(given: Any, bundle: Bundle) -> list[tuple[Any, Part]]:
    """Return what a derivative has for each part of a bundle, or itself for the whole."""
    found = pieces(given, bundle)
    if found is None:
        return [(given, _only_part(bundle.shape))]
    return list(zip(found, bundle.parts, strict=True))


def _only_part(shape: Shape) -> Part:
    """Return the only part of an array."""
    return Part("", shape, 0)


def _of_one_part(given: Any, operand: Bundle, output: Bundle, how: _Reading) -> str:
    """Say which of several outputs a derivative fits alone; nothing if none."""
    for part in output.parts:
        with suppress(FunctionFailedError, InputError):
            _read(given, _only_part(operand.shape), part, replace(how, vec="row"))
            return f";\nit may be that of {part.label('A')} alone: --take {part.name}"
    return ""


def _block(read: Derivative, row: Part, column: Part) -> tuple[Array, Array, Array]:
    """Return the entries of one block, at their places in the whole Jacobian."""
    if read.form == "slopes":
        columns = np.broadcast_to(np.arange(column.size).reshape(column.shape), row.shape).ravel()
        return row.offset + np.arange(row.size), column.offset + columns, np.ravel(read.of)
    if read.form != "entries":
        raise FunctionFailedError("the derivative returned several blocks, of which one is no array or sparse matrix")
    rows, columns, values = read.of
    return row.offset + rows, column.offset + columns, values


def _read(given: Any, column: Part, row: Part, how: _Reading) -> Derivative:
    """Read what was returned by its shape: slopes, a gradient, or a Jacobian of an output by an operand."""
    operand, output, kind, vec = column.shape, row.shape, how.kind, how.vec
    size, shape = (prod(output), prod(operand)), getattr(given, "shape", None)
    if kind in (None, "jacobian") and shape == size and is_matrix(given):
        return of_matrix(given, operand, output, vec)
    array = real_array(given)
    if array is None:
        likely = likely_meant(given, operand, output)
        wanted = wanted_shapes(operand, output)
        raise FunctionFailedError(f"the derivative returned {described(given)}; {wanted}{likely}")
    readings = {
        "elementwise": broadcasts(operand, output) and array.shape in ((), output),
        "gradient": size[0] == 1
        and (
            array.shape in (operand, _as_column(operand)) or (array.shape == () and (size[1] == 1 or not how.is_entry))
        ),
        "jacobian": array.shape in (size, output + operand) or (1 in size and array.shape == (max(size),)),
    }
    fitting = [name for name, fits in readings.items() if fits and kind in (None, name)]
    if not fitting and kind in (None, "jacobian") and in_blocks(array, row, column):
        return Derivative("entries", of_blocks(array, row, column, how.x, how.value))
    if not fitting:
        wanted = wanted_shapes(operand, output, kind)
        likely = likely_meant(given, operand, output)
        raise FunctionFailedError(f"the derivative returned {described(given)}; {wanted}{likely}")
    if fitting[0] == "elementwise":  # where another fits too, it has the same numbers in the same order
        return Derivative("slopes", broadcast_slopes(array, output))
    if fitting[0] == "gradient":
        return row_major(np.broadcast_to(array.ravel(), size))
    if array.shape == output + operand:
        return row_major(array.reshape(size))
    return of_dense(array.reshape(size), operand, output, vec)
