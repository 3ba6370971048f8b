"""The analytic derivative of a function at one point, in the form that its rule has. Next: the inspection.

A catalogue function has slopes or a jvp, a framework's function a jvp or a vjp. The shape of what a user's own
derivative returns says what it is: f' of the output's shape, the gradient of a scalar function, or a full Jacobian.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, JacinspectError, raised
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Array, Claim, Jvp, Slopes, Vjp
from jacinspect.wording import format_shape

__all__ = ["Derivative", "derivative_at"]


Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Derivative:
    """∂A/∂X at one X, of M outputs and N inputs, in one of four forms.

    slopes   an array of A's shape: f' of an element-wise function, by the input that broadcasting puts at each output
    entries  (rows, columns, values): flat row-major integers and floats, an entry each; all others are 0
    jvp      a callable: a tangent of X's shape to that of A's
    vjp      a callable: a cotangent of A's shape to that of X's
    """

    form: Literal["slopes", "entries", "jvp", "vjp"]
    of: Any


def derivative_at(function: Function, x: Array, output_shape: Shape, vec: str | None = None) -> Derivative | None:
    """Ask a function of one operand for its analytic derivative at x; None where it has none.

    Parameters
    ----------
    function, x, output_shape
        f, the operand, and the shape of f(x).
    vec
        The order, "column" or "row", of the rows and columns of a user's M×N matrix; None where nobody has said.

    Raises
    ------
    FunctionFailedError
        When the derivative raises, or returns what no reading fits.
    InputError
        When two readings fit.
    """
    with np.errstate(all="ignore"):
        match function.rule:
            case Claim() as claim:
                return _claimed(claim, x, output_shape, vec)
            case Jvp(push):
                return Derivative("jvp", _checked(lambda dx: push(x, dx), output_shape))
            case Vjp(pull):
                return Derivative("vjp", _checked(lambda da: pull(x, da.reshape(output_shape)), x.shape))
            case Slopes((slope,)):
                given = _run(lambda: slope(x))  # a formula of the catalogue, which leaves x alone
                return Derivative("slopes", _slopes(given, x.shape, output_shape))
    return None


def _slopes(given: Any, operand: Shape, output: Shape) -> Array:
    """Broadcast what f' returned to A's shape."""
    slopes = _numbers(given)
    if slopes is None or slopes.shape not in ((), output):
        wanted = _wanted(operand, output, "elementwise")
        raise FunctionFailedError(f"the derivative returned {_described(given)}; {wanted}")
    return _spread(slopes, output)


def _spread(slopes: Array, output_shape: Shape) -> Array:
    """Broadcast slopes to A's shape; those that have it stay the array that they are."""
    return slopes if slopes.shape == output_shape else np.broadcast_to(slopes, output_shape)


def _run(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except JacinspectError:
        raise
    except (Exception, SystemExit) as error:
        raise FunctionFailedError(f"the derivative raised {raised(error)}") from error


def _checked(rule: Callable[[Array], Any], shape: Shape, flat: bool = True) -> Callable[[Array], Array]:
    """Wrap a jvp or vjp so that what it gives is a float64 array of the shape it has to have, or `flat` of its size."""

    def run(tangent: Array) -> Array:
        with np.errstate(all="ignore"):
            given = _run(lambda: rule(tangent))
        result = _numbers(given)
        if result is None or result.size != prod(shape) or not (flat or result.shape == shape):
            needed = f"shape {format_shape(shape)} is needed" if shape else "a number is needed"
            raise FunctionFailedError(f"the derivative gives {_described(given)} where {needed}")
        return result.reshape(shape)

    return run


# --- A user's own derivative -----------------------------------------------------------------------------------------


def _claimed(claim: Claim, x: Array, output_shape: Shape, vec: str | None) -> Derivative:
    kind = claim.kind
    last = {"jvp": x.shape, "vjp": output_shape}.get(kind or "")  # the shape of the tangent or cotangent
    derivative = claim.at([x] if last is None else [x, np.ones(last)])
    if kind == "jvp":
        return Derivative("jvp", _checked(lambda dx: derivative(x.copy(), dx.copy()), output_shape, flat=False))
    if kind == "vjp":
        pull = _checked(lambda da: derivative(x.copy(), da.reshape(output_shape).copy()), x.shape, flat=False)
        return Derivative("vjp", pull)
    given = _run(lambda: derivative(x.copy()))
    size, shape = (prod(output_shape), x.size), getattr(given, "shape", None)
    if kind in (None, "jacobian") and shape == size and not isinstance(given, np.ndarray):
        return _of_matrix(given, x.shape, output_shape, vec)
    array = _numbers(given)
    if array is None:
        raise FunctionFailedError(f"the derivative returned {_described(given)}; {_wanted(x.shape, output_shape)}")
    readings = {
        "elementwise": _broadcasts(x.shape, output_shape) and array.shape in ((), output_shape),
        "gradient": size[0] == 1 and array.shape in ((), x.shape),
        "jacobian": array.shape in (size, output_shape + x.shape),
    }
    fitting = [name for name, fits in readings.items() if fits and kind in (None, name)]
    if not fitting:
        wanted = _wanted(x.shape, output_shape, kind)
        raise FunctionFailedError(f"the derivative returned {_described(given)}; {wanted}")
    if fitting[0] == "elementwise":  # where another fits too, it has the same numbers in the same order
        return Derivative("slopes", _spread(array, output_shape))
    if fitting[0] == "gradient":
        return _entries(np.broadcast_to(array, x.shape).reshape(size))
    if array.shape == output_shape + x.shape:
        return _entries(array.reshape(size))
    return _ordered(array, x.shape, output_shape, vec)


def _of_matrix(given: Any, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Read a scipy.sparse matrix, a scipy LinearOperator, or any object of shape (M, N) that has @."""
    if hasattr(given, "tocoo"):
        return _of_sparse(given.tocoo(), operand, output, vec)
    to, along = _order(operand, output, vec)
    product = given.matvec if hasattr(given, "matvec") else given.__matmul__

    def pushed(vector: Array, product: Callable[[Array], Any], along: Array, to: Array) -> Any:
        given = product(vector.ravel()[along])
        numbers = _numbers(given)
        if numbers is None or numbers.size != to.size:
            return given
        result = np.empty(to.size)
        result[to] = numbers.ravel()
        return result

    try:
        product(np.zeros(along.size))
    except (NotImplementedError, RecursionError):  # scipy's LinearOperator recurses where it has no matvec
        return Derivative("vjp", _checked(lambda w: pushed(w, given.rmatvec, to, along), operand))
    except Exception as error:
        raise FunctionFailedError(f"the derivative's matrix raised {raised(error)}") from error
    return Derivative("jvp", _checked(lambda v: pushed(v, product, along, to), output))


def _of_sparse(coo: Any, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Bring the entries of a sparse matrix into row-major order."""
    values = _numbers(coo.data)
    if values is None:
        wanted = _wanted(operand, output, "jacobian")
        raise FunctionFailedError(f"the derivative returned a matrix of {coo.dtype}, not of real numbers; {wanted}")

    def read(order: str | None) -> tuple[Array, Array]:
        rows, columns = _order(operand, output, order)
        return rows[np.asarray(coo.row)], columns[np.asarray(coo.col)]

    def summed(entries: tuple[Array, Array]) -> tuple[Array, Array]:
        places, inverse = np.unique(entries[0] * prod(operand) + entries[1], return_inverse=True)
        sums = np.bincount(inverse, values, places.size)
        return places[sums != 0], sums[sums != 0]

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


def _numbers(given: Any) -> Array | None:
    """Convert what was returned to a float64 array, or None where it is no array of real numbers."""
    try:
        array = np.asarray(given)
    except ValueError:
        return None
    return array.astype(np.float64, copy=False) if array.dtype.kind in "fiub" else None


def _broadcasts(operand: Shape, output: Shape) -> bool:
    try:
        return np.broadcast_shapes(operand, output) == output
    except ValueError:
        return False


def _described(given: Any) -> str:
    array = given if isinstance(given, np.ndarray) else None
    if array is None and isinstance(given, int | float | list | tuple):
        try:
            array = np.asarray(given)
        except ValueError:
            return f"a {type(given).__name__} that is no array"
    if array is None:
        shape = getattr(given, "shape", None)
        return f"a {type(given).__name__}" + (f" of shape {format_shape(shape)}" if isinstance(shape, tuple) else "")
    return f"{array.dtype} of shape {format_shape(array.shape)}"


def _wanted(operand: Shape, output: Shape, kind: str | None = None) -> str:
    """Say which shapes are possible."""
    readings = []
    if _broadcasts(operand, output) and kind in (None, "elementwise"):
        readings.append(f"an element-wise one has the output's shape {format_shape(output)}")
    if prod(output) == 1 and kind in (None, "gradient"):
        readings.append(f"the gradient of a scalar function has the operand's shape {format_shape(operand)}")
    if kind in (None, "jacobian"):
        matrix, tensor = format_shape((prod(output), prod(operand))), format_shape(output + operand)
        readings.append(f"a Jacobian is {matrix}" + (f" or {tensor}" if tensor != matrix else ""))
    if not readings:
        return f"A is {format_shape(output)} and X is {format_shape(operand)}: there is no {kind} derivative of that"
    return ", ".join(readings)
