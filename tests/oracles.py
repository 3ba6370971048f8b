"""Slow and obvious: Jacobians, vec and who-reads-whom by plain loops. Imports nothing of jacinspect's."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Position = tuple[int, ...]
Reads = Callable[[Position, Position], bool]
Pairs = set[tuple[int, int]]


def positions(shape: Shape) -> list[Position]:
    """Every index of an array of this shape, the last axis fastest."""
    return list(product(*(range(n) for n in shape)))


def column_order(shape: Shape) -> list[Position]:
    """Every index, the first axis fastest: the order of vec."""
    return [index[::-1] for index in product(*(range(n) for n in reversed(shape)))]


def vec(array: Array, order: str) -> list[Any]:
    """The entries one by one: "column" by column, or "row" by row."""
    listed = column_order(array.shape) if order == "column" else positions(array.shape)
    return [array[index] for index in listed]


def flat(index: Position, shape: Shape) -> int:
    """The row-major place of an index, by counting."""
    return positions(shape).index(index)


def pairs(reads: Reads, output_shape: Shape, operand_shape: Shape) -> Pairs:
    """The flat (output, input) of every pair of which `reads(output index, input index)` says so."""
    outputs, inputs = positions(output_shape), positions(operand_shape)
    return {(o, i) for o, p in enumerate(outputs) for i, q in enumerate(inputs) if reads(p, q)}


def pairs_of(matrix: Array) -> Pairs:
    """The places of a matrix's entries that are not zero."""
    height, width = matrix.shape
    return {(o, i) for o in range(height) for i in range(width) if matrix[o, i] != 0}


def dense(entry: Callable[[Position, Position], float], output_shape: Shape, operand_shape: Shape) -> Array:
    """The M×N matrix, rows and columns row-major, from ∂A_o/∂X_i as a function of the two indices."""
    outputs, inputs = positions(output_shape), positions(operand_shape)
    matrix = np.zeros((len(outputs), len(inputs)))
    for o, p in enumerate(outputs):
        for i, q in enumerate(inputs):
            matrix[o, i] = entry(p, q)
    return matrix


def tensor_of(matrix: Array, output_shape: Shape, operand_shape: Shape) -> Array:
    """∂A_ij…/∂X_pq… from the row-major matrix, entry by entry."""
    tensor = np.zeros(output_shape + operand_shape)
    for o, p in enumerate(positions(output_shape)):
        for i, q in enumerate(positions(operand_shape)):
            tensor[p + q] = matrix[o, i]
    return tensor


def arranged(tensor: Array, output_shape: Shape, order: str, layout: str) -> Array:
    """∂vec(A)/∂vec(X) from the tensor: M×N in numerator layout, N×M in denominator layout."""
    operand_shape = tensor.shape[len(output_shape) :]
    ordered = column_order if order == "column" else positions
    rows = [[tensor[p + q] for q in ordered(operand_shape)] for p in ordered(output_shape)]
    if layout == "numerator":
        return np.array(rows).reshape(len(ordered(output_shape)), len(ordered(operand_shape)))
    return np.array([[row[k] for row in rows] for k in range(len(ordered(operand_shape)))]).reshape(
        len(ordered(operand_shape)), len(ordered(output_shape))
    )


def times(matrix: Array, vector: Iterable[float]) -> list[float]:
    """matrix · vector, by sums."""
    v = list(vector)
    return [sum((float(matrix[o, i]) * v[i] for i in range(matrix.shape[1])), 0.0) for o in range(matrix.shape[0])]


def same_line(p: Position, q: Position, axis: int) -> bool:
    """Whether two indices differ along this axis at most."""
    return all(a == b for k, (a, b) in enumerate(zip(p, q, strict=True)) if k != axis % len(p))


def softmax_jacobian(x: Array, axis: int) -> Array:
    """s_p (δ_pq - s_q) along an axis of a small array, from exps of differences."""
    listed = positions(x.shape)
    with np.errstate(over="ignore"):
        s = {p: 1 / sum(np.exp(x[q] - x[p]) for q in listed if same_line(p, q, axis)) for p in listed}
    return dense(lambda p, q: s[p] * ((p == q) - s[q]) if same_line(p, q, axis) else 0.0, x.shape, x.shape)


def valid_coloring(read: Pairs, colors: Iterable[int], number: int) -> bool:
    """Whether no row holds two columns of one color, each column read has a color, and none else has."""
    listed = [int(color) for color in colors]
    columns = {i for _, i in read}
    if any((color in range(number)) != (i in columns) for i, color in enumerate(listed)):
        return False
    if any(color != -1 for i, color in enumerate(listed) if i not in columns):
        return False
    seen = {(o, listed[i]) for o, i in read}
    return len(seen) == len(read)


def blocks(read: Pairs, height: int, width: int) -> int:
    """Into how many diagonal blocks a matrix falls apart: cuts (r, c) with nothing above-right or below-left of them.

    A cut leaves something on either side of it, and cuts that differ only by empty rows or columns are one.
    """
    corners = set()
    for r in range(height + 1):
        for c in range(width + 1):
            above = frozenset((o, i) for o, i in read if o < r)
            left = frozenset((o, i) for o, i in read if i < c)
            if above == left and above and above != frozenset(read):
                corners.add(above)
    return len(corners) + 1


def local_reads(f: Callable[[Array], Any], x: Array, samples: int = 60, step: float = 1e-7) -> Pairs:
    """Which outputs change with some of the inputs, each moved by itself by a small step to either side."""
    y0, read = np.ravel(f(x)), set()
    for i in np.random.default_rng(9).choice(x.size, min(samples, x.size), replace=False).tolist():
        for side in (step, -step):
            moved = x.copy()
            moved.ravel()[i] += side
            read |= {(int(o), i) for o in np.flatnonzero(np.ravel(f(moved)) != y0)}
    return read
