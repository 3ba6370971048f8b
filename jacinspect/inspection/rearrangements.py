"""The Jacobian's numbers in other places: transposed, in the other order of vec, of symmetric X. Next: diagnosis."""

from collections.abc import Iterator
from itertools import permutations
from math import prod

import numpy as np

from jacinspect.inspection.suspicion import Prediction, Suspicion
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern, vec_positions

__all__ = ["by_free_entries", "other_orders", "permuted_axes", "transposes"]

_AXES = 4  # of A and X together: two matrices, whose 24 orders are few enough to try
_MOST = 2**14  # entries up to which all these orders are tried: a quarter of a second
_LETTERS = "ijkl", "pqrs"  # indices of A and of X


def transposes(s: Suspicion) -> Iterator[Prediction]:
    """Predict f'(X) transposed, and the transpose of the Jacobian.

    Where A and X differ in shape, the transpose of the column-major matrix is not that of the row-major one.
    """
    pattern = s.pattern
    shape = pattern.output_shape
    if s.is_elementwise and len(shape) == 2 and shape[0] == shape[1] and shape == pattern.operand_shape:
        swapped = vec_positions(shape, "column")
        yield s.moved("f'(X) transposed", swapped[pattern.rows], swapped[pattern.indices])
    if s.complete and pattern.shape[0] == pattern.shape[1] and not s.is_elementwise:
        words = "the transpose of the Jacobian"
        yield s.moved(words, pattern.indices, pattern.rows)
        of_a, of_x = (vec_positions(shape, "column") for shape in (pattern.output_shape, pattern.operand_shape))
        rows, columns = of_x[pattern.indices], of_a[pattern.rows]
        yield s.moved(words, np.argsort(of_a)[rows], np.argsort(of_x)[columns])


def other_orders(s: Suspicion) -> Iterator[Prediction]:
    """Predict the Jacobian in the other order of vec: of A and X, or of one of them alone.

    A row-major matrix that was read as column-major has its entry (o, i) where the o-th and i-th of vec are.
    """
    pattern = s.pattern
    if not s.complete or (s.is_elementwise and s.vec is None):
        return
    in_column = [vec_positions(shape, "column") for shape in (pattern.output_shape, pattern.operand_shape)]
    back = [np.argsort(order) for order in in_column]
    orders = [back, in_column] if s.vec == "column" else [in_column, back]
    if s.vec is not None:
        other = "row" if s.vec == "column" else "column"
        a, x = orders[0]
        words = f"the Jacobian in {other}-major vec, which --vec {other} reads"
        yield s.moved(words, a[pattern.rows], x[pattern.indices])
    for a, x in orders:
        yield s.moved("the derivative by X transposed", pattern.rows, x[pattern.indices])
        yield s.moved("the derivative of A transposed", a[pattern.rows], pattern.indices)
        yield s.moved("the Jacobian in the other order of vec", a[pattern.rows], x[pattern.indices])


def permuted_axes(s: Suspicion) -> Iterator[Prediction]:
    """Predict the tensor ∂A/∂X with its axes in any other order that leaves its shape as it is."""
    pattern = s.pattern
    axes = pattern.output_shape + pattern.operand_shape
    rank = len(pattern.output_shape)
    if not s.complete or s.is_elementwise or not 2 <= len(axes) <= _AXES or pattern.stored > _MOST:
        return
    pairs = (pattern.rows, pattern.output_shape), (pattern.indices, pattern.operand_shape)
    index = [along for flat, shape in pairs if shape for along in np.unravel_index(flat, shape)]
    letters = [*_LETTERS[0][:rank], *_LETTERS[1][: len(axes) - rank]]
    for order in permutations(range(len(axes))):
        if order == tuple(range(len(axes))) or any(axes[k] != axes[to] for k, to in enumerate(order)):
            continue
        name = [letters[k] for k in order]
        words = f"the Jacobian with its axes in another order, {_named(letters, rank)} as {_named(name, rank)}"
        yield s.moved(words, _flat(index, order[:rank], axes), _flat(index, order[rank:], axes))


def _flat(index: list[Array], order: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    flat = np.zeros(index[0].size, np.int64)
    for axis in order:
        flat = flat * axes[axis] + index[axis]
    return flat


def _named(letters: list[str], rank: int) -> str:
    a, x = "".join(letters[:rank]), "".join(letters[rank:])
    return f"∂A{'_' * bool(a)}{a}/∂X{'_' * bool(x)}{x}"


def by_free_entries(s: Suspicion) -> Iterator[Prediction]:
    """Predict the derivative by the free entries of a symmetric X: X_pq and X_qp are one, and count for two."""
    shape = s.pattern.operand_shape
    if not s.complete or not is_symmetric(s.x, shape):
        return
    pattern, swapped = s.pattern, vec_positions(shape, "column")[s.pattern.indices]
    off = swapped != pattern.indices
    rows, columns = np.r_[pattern.rows, pattern.rows[off]], np.r_[pattern.indices, swapped[off]]
    union = Pattern.from_pairs(rows, columns, pattern.output_shape, shape)
    value, bar = np.zeros(union.stored), np.zeros(union.stored)
    places = union.places(rows, columns)
    np.add.at(value, places, np.r_[s.value, s.value[off]])
    np.add.at(bar, places, np.r_[s.bar, s.bar[off]])
    words = "a derivative by the free entries of a symmetric X: each off the diagonal counts for two"
    yield Prediction(s.names.own(words), Jacobian(union, value), bar)


def is_symmetric(x: Array, shape: tuple[int, ...]) -> bool:
    """Whether X is a symmetric matrix of at least 2×2, to the last digits of what was typed or computed."""
    if len(shape) != 2 or shape[0] != shape[1] or prod(shape) < 4:
        return False
    matrix = x.reshape(shape)
    return bool(np.allclose(matrix, matrix.T, rtol=1e-9, atol=0))
