"""A user's derivative at one point, read by the shape of its result, or by the kind that the claim declares.

f' has the output's shape, the gradient of a scalar function the operand's, and a Jacobian is an M×N matrix, in an order
of vec, or a vector where M or N is 1, or the tensor of the output's shape and the operand's. Where none of these fits,
it may be in blocks, one for each sample along the first axis, as vmap gives them: all other entries are 0.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any, Literal

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, raised
from jacinspect.functions.function import Function
from jacinspect.functions.returned import (
    Derivative,
    Shape,
    broadcast_slopes,
    broadcasts,
    by_sample,
    call_derivative,
    checked,
    described,
    end_to_end,
    likely_meant,
    pieces,
    real_array,
    wanted_shapes,
)
from jacinspect.functions.rules import Array, Claim, copied
from jacinspect.operands.bundle import Bundle, Part
from jacinspect.wording import format_shape

__all__ = ["claimed_derivative"]


def claimed_derivative(function: Function, x: Array, output_shape: Shape, vec: str | None) -> Derivative:
    """Return a function's claim at x in the form that its result has; see `derivative_at`."""
    claim = function.rule
    assert isinstance(claim, Claim)
    operand, output = function.bundles(x.shape, output_shape)
    if claim.kind == "jvp":
        derivative = claim.at([x, np.ones(x.shape)])
        push = checked(lambda dx: end_to_end(derivative(copied(x), copied(dx)), output), output_shape, flat=False)
        return Derivative("jvp", push)
    if claim.kind == "vjp":
        apart = claim.takes >= len(function.operands) + len(output.parts)  # a cotangent for each part of the output

        def cotangents(da: Array) -> list[Any]:
            parts = [copied(part) for part in output.split(da.reshape(output_shape))]
            return parts if apart or output.is_single else [tuple(parts)]

        pullback = claim.at([x, *cotangents(np.ones(output_shape))])
        pull = checked(lambda da: end_to_end(pullback(copied(x), *cotangents(da)), operand), x.shape, flat=False)
        return Derivative("vjp", pull)
    given = _nested(
        _in_parts(call_derivative(lambda: claim.at([x])(x.copy())), output), operand, output, function.operands
    )
    try:
        return _by_shape(given, operand, output, claim.kind, vec)
    except FunctionFailedError as error:
        if claim.numbers:
            said = str(error).replace("the derivative returned", f"derivative {claim.numbers}: is", 1)
            raise InputError(said) from error
        raise


def _by_shape(given: Any, operand: Bundle, output: Bundle, kind: str | None, vec: str | None) -> Derivative:
    """Read what a derivative returned, for the whole operand and output or for parts of them."""
    blocks = [(block, row, column) for rows, row in _along(given, output) for block, column in _along(rows, operand)]
    if len(blocks) == 1:
        try:
            return _read(blocks[0][0], operand.shape, output.shape, kind, vec)
        except FunctionFailedError as error:
            if output.is_single:
                raise
            raise FunctionFailedError(f"{error}{_of_one_part(blocks[0][0], operand.shape, output, kind)}") from error
    read = [_block(_read(block, column.shape, row.shape, kind, vec), row, column) for block, row, column in blocks]
    rows, columns, values = (np.concatenate(each) for each in zip(*read, strict=True))
    return Derivative("entries", (rows, columns, values))


def _in_parts(given: Any, output: Bundle) -> Any:
    """Return the parts of a complex derivative of a complex output by real numbers; anything else as it is."""
    complex_ = getattr(getattr(given, "dtype", None), "kind", "") == "c" or isinstance(given, complex)
    if not complex_ or len(output.complex_pairs) != 1 or len(output.parts) != 2:
        return given
    return dict(zip(output.names, (np.real(given), np.imag(given)), strict=True))


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


def _along(given: Any, bundle: Bundle) -> list[tuple[Any, Part]]:
    """Return what a derivative has for each part of a bundle, or itself for the whole."""
    found = pieces(given, bundle)
    if found is None:
        return [(given, Part("", bundle.shape, 0))]
    return list(zip(found, bundle.parts, strict=True))


def _of_one_part(given: Any, operand: Shape, output: Bundle, kind: str | None) -> str:
    """Say which of several outputs a derivative fits alone; nothing if none."""
    for part in output.parts:
        with suppress(FunctionFailedError, InputError):
            _read(given, operand, part.shape, kind, "row")
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


def _read(given: Any, operand: Shape, output: Shape, kind: str | None, vec: str | None) -> Derivative:
    """Read what was returned by its shape: slopes, a gradient, or a Jacobian of an output by an operand."""
    size, shape = (prod(output), prod(operand)), getattr(given, "shape", None)
    if kind in (None, "jacobian") and shape == size and _is_matrix(given):
        return _of_matrix(given, operand, output, vec)
    array = real_array(given)
    if array is None:
        likely = likely_meant(shape, operand, output) if isinstance(shape, tuple) else ""
        wanted = wanted_shapes(operand, output)
        raise FunctionFailedError(f"the derivative returned {described(given)}; {wanted}{likely}")
    readings = {
        "elementwise": broadcasts(operand, output) and array.shape in ((), output),
        "gradient": size[0] == 1 and array.shape in ((), operand),
        "jacobian": array.shape in (size, output + operand) or (1 in size and array.shape == (max(size),)),
    }
    fitting = [name for name, fits in readings.items() if fits and kind in (None, name)]
    if not fitting and kind in (None, "jacobian") and array.shape == by_sample(operand, output):
        return _of_samples(array.reshape(array.shape[0], prod(output[1:]), prod(operand[1:])))
    if not fitting:
        wanted = wanted_shapes(operand, output, kind)
        likely = likely_meant(array.shape, operand, output)
        raise FunctionFailedError(f"the derivative returned {described(given)}; {wanted}{likely}")
    if fitting[0] == "elementwise":  # where another fits too, it has the same numbers in the same order
        return Derivative("slopes", broadcast_slopes(array, output))
    if fitting[0] == "gradient":
        return _entries(np.broadcast_to(array, operand).reshape(size))
    if array.shape == output + operand:
        return _entries(array.reshape(size))
    return _ordered(array.reshape(size), operand, output, vec)


def _of_samples(blocks: Array) -> Derivative:
    """Keep the non-zero entries of the blocks of a block-diagonal matrix."""
    samples, rows, columns = places = np.nonzero(blocks)
    _, height, width = blocks.shape
    return Derivative("entries", (samples * height + rows, samples * width + columns, blocks[places]))


def _is_matrix(given: Any) -> bool:
    """Whether this is a sparse matrix or a linear operator, and no array: labelled tables have @ too."""
    operator = hasattr(given, "__matmul__") and not hasattr(given, "__array__")
    return operator or hasattr(given, "tocoo") or hasattr(given, "matvec")


def _of_matrix(given: Any, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Read a scipy.sparse matrix, a scipy LinearOperator, or any object of shape (M, N) that has @."""
    if hasattr(given, "tocoo"):
        return _of_sparse(given.tocoo(), operand, output, vec)
    to, along = _order(operand, output, vec)
    product = given.matvec if hasattr(given, "matvec") else given.__matmul__

    def pushed(vector: Array, product: Callable[[Array], Any], along: Array, to: Array) -> Any:
        given = product(vector.ravel()[along])
        numbers = real_array(given)
        if numbers is None or numbers.size != to.size:
            return given
        result = np.empty(to.size)
        result[to] = numbers.ravel()
        return result

    back = checked(lambda w: pushed(w, given.rmatvec, to, along), operand)
    if not _has(product, along.size, "matrix"):
        return Derivative("vjp", back)
    has_both = hasattr(given, "rmatvec") and _has(given.rmatvec, to.size, "rmatvec")
    return Derivative("jvp", checked(lambda v: pushed(v, product, along, to), output), back if has_both else None)


def _has(product: Callable[[Array], Any], size: int, name: str) -> bool:
    """Whether a linear operator has this product; scipy's recurses where it has no matvec."""
    try:
        product(np.zeros(size))
    except (NotImplementedError, RecursionError):
        return False
    except Exception as error:
        raise FunctionFailedError(f"the derivative's {name} raised {raised(error)}") from error
    return True


def _of_sparse(coo: Any, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Bring the entries of a sparse matrix into row-major order."""
    values = real_array(coo.data)
    if values is None:
        wanted = wanted_shapes(operand, output, "jacobian")
        raise FunctionFailedError(f"the derivative returned a matrix of {coo.dtype}, not of real numbers; {wanted}")

    def read(order: str | None) -> tuple[Array, Array]:
        rows, columns = _order(operand, output, order)
        return rows[np.asarray(coo.row)], columns[np.asarray(coo.col)]

    def summed(entries: tuple[Array, Array]) -> tuple[Array, Array]:
        places, inverse = np.unique(entries[0] * prod(operand) + entries[1], return_inverse=True)
        sums = np.bincount(inverse, values, places.size)
        return places[sums != 0], sums[sums != 0]

    vec = getattr(coo, "vec", None) or vec  # of a file that says it
    if vec is None and not _one_order(operand, output):
        column, row = (summed(read(order)) for order in ("column", "row"))
        if not all(map(np.array_equal, column, row)):
            raise _two_readings(operand, output)
        vec = "row"
    return Derivative("entries", (*read(vec), values))


def _ordered(matrix: Array, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Bring the rows and columns of a dense M×N matrix into row-major order."""
    if vec is None and not _one_order(operand, output):
        column, row = (_reordered(matrix, _order(operand, output, order)) for order in ("column", "row"))
        if not np.array_equal(column, row, equal_nan=True):
            raise _two_readings(operand, output)
        return _entries(row)
    return _entries(_reordered(matrix, _order(operand, output, vec)))


def _reordered(matrix: Array, order: tuple[Array, Array]) -> Array:
    result = np.empty_like(matrix)
    result[np.ix_(*order)] = matrix
    return result


def _order(operand: Shape, output: Shape, vec: str | None) -> tuple[Array, Array]:
    """Give, for each row and each column of a matrix in an order of vec, its flat row-major index."""
    if vec is None and not _one_order(operand, output):
        raise _two_readings(operand, output)
    order: Literal["C", "F"] = "F" if vec == "column" else "C"
    rows, columns = (np.arange(prod(shape)).reshape(shape).ravel(order=order) for shape in (output, operand))
    return rows, columns


def _one_order(operand: Shape, output: Shape) -> bool:
    """Whether column-major and row-major vec are the same for both."""
    return all(sum(size != 1 for size in shape) <= 1 or 0 in shape for shape in (operand, output))


def _two_readings(operand: Shape, output: Shape) -> InputError:
    size = format_shape((prod(output), prod(operand)))
    return InputError(
        f"the derivative returned {size}, which can be ∂vec(A)/∂vec(X) in column-major or in row-major vec:\n"
        f"say which with --vec column or --vec row, or return the tensor {format_shape(output + operand)}"
    )


def _entries(matrix: Array) -> Derivative:
    """Keep the non-zero entries of a row-major M×N matrix."""
    rows, columns = np.nonzero(matrix)
    return Derivative("entries", (rows, columns, matrix[rows, columns]))
