"""The Jacobian as vec matrix, as tensor, as the stack or the Kronecker blocks of all ∂A/∂X_pq. Next: vec_order, views.

Each form is an unfolding of the tensor (Kolda & Bader 2009): its axes, first those of A (i, j …), then those of X
(p, q …), are divided into those that number the rows and those that number the columns, in some order. Nothing dense is
built.
"""

from math import prod

import numpy as np

from jacinspect.errors import InputError
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.index_formula import index_letters
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = ["UnfoldedPattern", "Unfolding", "unfold"]


@dataclass(frozen=True, eq=False)
class UnfoldedPattern:
    """A pattern in one of the forms: the matrix's shape, and the row and column of each stored entry."""

    shape: tuple[int, int]
    rows: Array
    columns: Array


@dataclass(frozen=True)
class Unfolding:
    """A form of the Jacobian: which axes of output_shape + operand_shape number the rows, and which the columns.

    The tensor is a grid of slices as a matrix: ∂A_ij/∂X at (i, j), or, in denominator layout, ∂A/∂X_pq at (p, q).
    """

    name: str
    output_shape: tuple[int, ...]
    operand_shape: tuple[int, ...]
    vec: str
    layout: str
    row_axes: tuple[int, ...]
    column_axes: tuple[int, ...]

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """The numbers of rows and columns; of the tensor, as a grid of its slices."""
        return self._length(self.row_axes), self._length(self.column_axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The matrix's shape, or the tensor's: output_shape + operand_shape in numerator layout."""
        if self.name != "tensor":
            return self.matrix_shape
        return self.outer_shape + self.inner_shape

    @property
    def is_matrix(self) -> bool:
        """Whether it has at most two axes, as a tensor between vectors or numbers has."""
        return self.name != "tensor" or max(len(self.output_shape), len(self.operand_shape)) < 2

    @property
    def outer_shape(self) -> tuple[int, ...]:
        """The shape of the tensor as a grid of slices: the output's in numerator layout."""
        return self.output_shape if self.layout == "numerator" else self.operand_shape

    @property
    def inner_shape(self) -> tuple[int, ...]:
        """The shape of one slice of the tensor: the operand's in numerator layout."""
        return self.operand_shape if self.layout == "numerator" else self.output_shape

    @property
    def division(self) -> tuple[int, int]:
        """After how many rows and columns a new block begins, or a new slice of the tensor; 0 where none does."""
        block, inner = (*self.output_shape, 1, 1)[:2], self.inner_shape
        if self.name == "tensor":
            beside = bool(inner) and len(self.outer_shape) > 1
            return inner[-2] if len(inner) > 1 else 0, inner[-1] if beside else 0
        rows, columns = {"vec": (0, 0), "stacked": (block[0], 0), "blocks": block}[self.name]
        return (rows, columns) if self.layout == "numerator" else (columns, rows)

    @property
    def is_square(self) -> bool:
        """Whether there are as many rows as columns; for the tensor, whether A and X have the same shape."""
        if self.name == "tensor":
            return self.output_shape == self.operand_shape
        return self.matrix_shape[0] == self.matrix_shape[1]

    def is_diagonal(self, pattern: Pattern) -> bool:
        """Whether it is square with no entry off the diagonal; for the tensor, with no entry but ∂A_ij/∂X_ij."""
        if not self.is_square:
            return False
        if self.name == "tensor":
            return np.array_equal(pattern.rows, pattern.indices)
        placed = self.placed(pattern)
        return np.array_equal(placed.rows, placed.columns)

    def placed(self, pattern: Pattern) -> UnfoldedPattern:
        """Return the row and column of each stored entry of a pattern, in the pattern's own order."""
        return self.placed_at(pattern.rows, pattern.indices)

    def placed_at(self, outputs: Array, inputs: Array) -> UnfoldedPattern:
        """Return the row and column of each entry (output, input), given as two equal vectors of flat indices."""
        index = [*_unravel(outputs, self.output_shape), *_unravel(inputs, self.operand_shape)]
        rows, columns = (self._ravel(index, axes, outputs.size) for axes in (self.row_axes, self.column_axes))
        return UnfoldedPattern(self.matrix_shape, rows, columns)

    def sources(self, rows: Array, columns: Array) -> tuple[Array, Array]:
        """Return the flat row-major output and input of the entry at each (row, column): the inverse of `placed`."""
        dims = self.output_shape + self.operand_shape
        index: dict[int, Array] = {}
        for axes, flat in ((self.row_axes, rows), (self.column_axes, columns)):
            of_axes = _unravel(np.asarray(flat, np.int64), tuple(dims[axis] for axis in axes))
            index |= dict(zip(axes, of_axes, strict=True))
        places = [index[axis] for axis in range(len(dims))]
        split = len(self.output_shape)
        size = np.broadcast_shapes(np.shape(rows), np.shape(columns))
        return (
            np.broadcast_to(self._ravel(places, range(split)), size),
            np.broadcast_to(self._ravel(places, range(split, len(dims))), size),
        )

    @property
    def row_letters(self) -> str:
        """The indices that number the rows, X's before A's: p,q,i of the stack."""
        return ",".join(self._letters[axis] for axis in self._named(self.row_axes))

    @property
    def column_letters(self) -> str:
        """The indices that number the columns."""
        return ",".join(self._letters[axis] for axis in self._named(self.column_axes))

    def row_label(self, row: int) -> str:
        """Return the values of `row_letters` at a row: 0,1,0."""
        return self._label(row, self.row_axes)

    def column_label(self, column: int) -> str:
        """Return the values of `column_letters` at a column."""
        return self._label(column, self.column_axes)

    @property
    def relation(self) -> str:
        """One sentence: what the form is, and how it maps to the vec matrix J."""
        i, p = index_letters(len(self.output_shape), len(self.operand_shape))
        a, x = _entry("A", i), _entry("X", p)
        straight = self.layout == "numerator"
        line, block = ("column", f"∂A/∂{x}") if straight else ("row", f"(∂A/∂{x})ᵀ")
        read = "vec of a block" if straight else "vec of a block's transpose"
        if self.name == "vec":
            return f"{line} k is vec(∂A/∂{x}), where {x} is entry k of vec(X)"
        if self.name == "tensor":
            letters, product = (i + p, "dA = T : dX") if straight else (p + i, "dA = dX : T")
            vec = " and ".join(f"vec over {','.join(axes)}" for axes in (i, p) if axes)
            return f"T_{''.join(letters)} = ∂{a}/∂{x}, {product}; J is T reshaped: {vec or 'the one number'}"
        if self.name == "stacked":
            where = "on each other" if straight else "side by side"
            return f"the blocks {block} {where}, in the order of vec(X); {read} is its {line} of J"
        down, along = [*p, "0", "0"][:2]
        at = (down, along) if straight else (along, down)
        placed = f"the block {block} at ({','.join(at)}), the sum of all E_{''.join(at)} ⊗ {block}"
        return f"{placed}; {read} is its {line} of J"

    @property
    def _letters(self) -> list[str]:
        outputs, inputs = index_letters(len(self.output_shape), len(self.operand_shape))
        return outputs + inputs

    def _named(self, axes: tuple[int, ...]) -> list[int]:
        split = len(self.output_shape)
        return sorted(axes, key=lambda axis: (axis < split, axis))

    def _label(self, place: int, axes: tuple[int, ...]) -> str:
        dims = self.output_shape + self.operand_shape
        index = dict(zip(axes, _unravel(np.asarray(place), tuple(dims[axis] for axis in axes)), strict=True))
        return ",".join(str(index[axis]) for axis in self._named(axes))

    def _length(self, axes: tuple[int, ...]) -> int:
        dims = self.output_shape + self.operand_shape
        return prod(dims[axis] for axis in axes)

    def _ravel(self, index: list[Array], axes: "tuple[int, ...] | range", size: int | tuple[()] = ()) -> Array:
        dims = self.output_shape + self.operand_shape
        flat = np.zeros(size, np.int64)
        for axis in axes:
            flat = flat * dims[axis] + index[axis]
        return flat


def unfold(
    name: str,
    output_shape: tuple[int, ...],
    operand_shape: tuple[int, ...],
    vec: str = "column",
    layout: str = "numerator",
) -> Unfolding:
    """Return a form of the Jacobian: "vec", "tensor", "stacked" or "blocks".

    Parameters
    ----------
    name, output_shape, operand_shape
        Which form, of ∂A/∂X for arrays of these shapes. Of the last two, a vector is a column.
    vec
        The order of vec, "column" or "row": of the vec matrix, and of the blocks in the stack.
    layout
        "denominator" transposes the form, and gives the tensor X's axes before A's.

    Raises
    ------
    InputError
        For "stacked" and "blocks" of arrays with more than two axes.
    """
    split, number = len(output_shape), len(output_shape) + len(operand_shape)
    a, x = tuple(range(split)), tuple(range(split, number))
    if name in ("stacked", "blocks") and max(len(a), len(x)) > 2:
        which, shape = ("the operand", operand_shape) if len(x) > 2 else ("the output", output_shape)
        raise InputError(
            f"--as {name}: is for vectors and matrices, and {which} has {len(shape)} axes "
            f"({format_shape(shape)});\nuse --as vec or --as tensor"
        )
    order = -1 if vec == "column" else 1
    rows, columns = {
        "vec": (a[::order], x[::order]),
        "stacked": (x[::order] + a[:1], a[1:]),
        "blocks": (x[:1] + a[:1], x[1:] + a[1:]),
        "tensor": _slices(a, x) if layout == "numerator" else _slices(x, a)[::-1],
    }[name]
    if layout == "denominator":
        rows, columns = columns, rows
    return Unfolding(name, output_shape, operand_shape, vec, layout, rows, columns)


def _slices(outer: tuple[int, ...], inner: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes of a grid of slices as a matrix: the slices of a vector go down; a vector as a slice is a row."""
    down, along = (outer, ()) if len(outer) == 1 else (outer[:-1], outer[-1:])
    return down + inner[:-1], along + inner[-1:]


def _unravel(flat: Array, dims: tuple[int, ...]) -> list[Array]:
    """Return the index along each axis; broadcasts, and allows axes of length 0 where there is nothing to place."""
    return [flat // max(prod(dims[axis + 1 :]), 1) % max(dims[axis], 1) for axis in range(len(dims))]


def _entry(name: str, letters: list[str]) -> str:
    return f"{name}_{''.join(letters)}" if letters else name
