"""Jacobians as matrices, in an order of vec: dense, sparse, or a linear operator. Next: claims.py."""

from collections.abc import Callable
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, raised
from jacinspect.functions.complex_parts import ComplexParts, joined
from jacinspect.functions.returned import Derivative, Shape, checked, real_array, wanted_shapes
from jacinspect.functions.rules import Array
from jacinspect.operands.bundle import Bundle
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = ["complex_operator", "is_matrix", "of_dense", "of_matrix", "of_operator", "row_major"]

Whole: TypeAlias = tuple[Shape, bool]  # the shape of an array, and whether it is complex


def is_matrix(given: Any) -> bool:
    """Whether this is a sparse matrix or a linear operator, and no array: labelled tables have @ too."""
    operator = hasattr(given, "__matmul__") and not hasattr(given, "__array__")
    return operator or hasattr(given, "tocoo") or hasattr(given, "matvec")


def of_matrix(given: Any, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Read a scipy.sparse matrix, a scipy LinearOperator, or any object of shape (M, N) that has @."""
    if hasattr(given, "tocoo"):
        return _of_sparse(given.tocoo(), operand, output, vec)
    return of_operator(given, (operand, False), (output, False), vec)


def complex_operator(given: Any, operand: Bundle, output: Bundle) -> tuple[Whole, Whole] | None:
    """Return the operand and the output of a linear operator of complex numbers; None of anything else."""
    sides = [(ComplexParts.of_parts(bundle), bundle.parts[0].shape) for bundle in (operand, output)]
    if not hasattr(given, "matvec") or any(len(parts.operands) != 1 for parts, _ in sides):
        return None
    (of_x, x), (of_a, a) = sides
    if not of_a.is_complex[0] or getattr(given, "shape", None) != (prod(a), prod(x)):
        return None
    return (x, of_x.is_complex[0]), (a, True)


@dataclass(frozen=True, eq=False)
class _Side:
    """The operand or the output of a matrix: the flat row-major index of each of its entries, in the matrix's order.

    Where it is complex, its real numbers are the real parts, and the imaginary parts after them.
    """

    order: Array
    is_complex: bool

    def vector(self, numbers: Array) -> Array:
        """Return the vector that the matrix takes."""
        flat = numbers.ravel()
        return (joined(*np.split(flat, 2)) if self.is_complex else flat)[self.order]

    def numbers(self, vector: Any, are_complex: bool) -> Any:
        """Return the real numbers of a vector that the matrix gave, of complex ones perhaps; what is none, as it is."""
        array = np.asarray(vector) if are_complex else real_array(vector)
        if array is None or array.size != self.order.size or array.dtype.kind not in "fiubc":
            return vector
        result = np.empty(self.order.size, array.dtype)
        result[self.order] = array.ravel()
        return np.concatenate([result.real, result.imag]) if self.is_complex else result.real


def of_operator(given: Any, operand: Whole, output: Whole, vec: str | None) -> Derivative:
    """Read a linear operator, of an operand and an output, each of which may be complex."""
    orders = _order(operand[0], output[0], vec)
    a, x = (_Side(order, is_complex) for order, (_, is_complex) in zip(orders, (output, operand), strict=True))
    product = given.matvec if hasattr(given, "matvec") else given.__matmul__
    shapes = [(2, *shape) if is_complex else shape for shape, is_complex in (operand, output)]

    def push(v: Array) -> Any:
        return a.numbers(product(x.vector(v)), a.is_complex)

    def pull(w: Array) -> Any:
        return x.numbers(given.rmatvec(a.vector(w)), a.is_complex)

    back = checked(pull, shapes[0])
    if not _has(product, x.order.size, "matrix"):
        return Derivative("vjp", back)
    has_both = hasattr(given, "rmatvec") and _has(given.rmatvec, a.order.size, "rmatvec")
    return Derivative("jvp", checked(push, shapes[1]), back if has_both else None)


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


def of_dense(matrix: Array, operand: Shape, output: Shape, vec: str | None) -> Derivative:
    """Bring the rows and columns of a dense M×N matrix into row-major order."""
    if vec is None and not _one_order(operand, output):
        column, row = (_reordered(matrix, _order(operand, output, order)) for order in ("column", "row"))
        if not np.array_equal(column, row, equal_nan=True):
            raise _two_readings(operand, output)
        return row_major(row)
    return row_major(_reordered(matrix, _order(operand, output, vec)))


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


def row_major(matrix: Array) -> Derivative:
    """Keep the non-zero entries of a row-major M×N matrix."""
    rows, columns = np.nonzero(matrix)
    return Derivative("entries", (rows, columns, matrix[rows, columns]))
