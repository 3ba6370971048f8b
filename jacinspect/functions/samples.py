"""Jacobians in blocks, one for each sample along the first axis or the last: all other entries are 0.

In: an array of blocks, and what f returns near X. Out: rows, columns and values. Where the shape fits both axes, f is
called to see along which of them it keeps the samples apart. Next: claims.py.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.returned import by_sample
from jacinspect.functions.rules import Array
from jacinspect.operands.bundle import Part
from jacinspect.wording import format_shape

__all__ = ["in_blocks", "of_blocks"]

Entries = tuple[Array, Array, Array]  # rows, columns, values
_STEP = 2.0**-10  # relative: what depends on an entry moves by more than rounding, and x stays in f's domain
_AXES: tuple[Literal[0], Literal[-1]] = (0, -1)


def in_blocks(given: Array, row: Part, column: Part) -> bool:
    """Whether an array has the shape of a block for each sample."""
    return any(given.shape == by_sample(column.shape, row.shape, axis) for axis in _AXES)


def of_blocks(given: Array, row: Part, column: Part, x: Array, value: Callable[[Array], Any]) -> Entries:
    """Return the entries of the blocks of an output by an operand, parts of `value(x)` and of x.

    Raises
    ------
    InputError
        Where two readings fit.
    """
    fitting = [axis for axis in _AXES if given.shape == by_sample(column.shape, row.shape, axis)]
    readings = {axis: _entries(given, row, column, axis) for axis in fitting}
    first, last = readings[fitting[0]], readings[fitting[-1]]
    if len(fitting) == 1 or all(map(np.array_equal, _sorted(first), _sorted(last), (True, True, True))):
        return first
    apart = [axis for axis in _AXES if _keeps_apart(row, column, axis, x, value)]
    known = [readings[axis] for axis in apart if all(_is_within(readings[axis], row, column, each) for each in apart)]
    if len(known) == 1:
        return known[0]
    raise InputError(
        f"the derivative returned {format_shape(given.shape)}, which can be a block for each sample along the first "
        f"axis or along the last:\nreturn the tensor {format_shape(row.shape + column.shape)}{_tensors(given)}"
    )


def _tensors(given: Array) -> str:
    """Say how a tensor is made of the blocks J of two axes, one of which is that of the samples."""
    if given.ndim != 3:
        return ""
    first, last = (f"np.einsum('{how}', J, np.eye({len(given)}))" for how in ("kij,kl->kilj", "ijk,kl->ikjl"))
    return f", {first} or {last}"


def _entries(given: Array, row: Part, column: Part, axis: int) -> Entries:
    """Return the non-zero entries of blocks along an axis."""
    samples = max(row.shape[axis], 1)
    rows, columns = (
        np.moveaxis(np.arange(part.size).reshape(part.shape), axis, 0).reshape(samples, part.size // samples)
        for part in (row, column)
    )
    blocks = np.moveaxis(given, axis, 0).reshape(samples, rows.shape[1], columns.shape[1])
    k, i, j = places = np.nonzero(blocks)
    return rows[k, i], columns[k, j], blocks[places]


def _sorted(entries: Entries) -> Entries:
    rows, columns, values = entries
    order = np.lexsort((columns, rows))
    return rows[order], columns[order], values[order]


def _is_within(entries: Entries, row: Part, column: Part, axis: int) -> bool:
    """Whether all entries are of an output by an input of its own sample along an axis."""
    rows, columns, _ = entries
    return np.array_equal(np.unravel_index(rows, row.shape)[axis], np.unravel_index(columns, column.shape)[axis])


def _keeps_apart(row: Part, column: Part, axis: int, x: Array, value: Callable[[Array], Any]) -> bool:
    """Whether f reads each sample along an axis by itself: every second one moves, and what the others give stays."""

    def outputs(at: Array) -> Array:
        array = np.asarray(value(at.reshape(x.shape))).ravel()
        return np.moveaxis(array[row.span].reshape(row.shape), axis, 0)

    samples = column.offset + np.moveaxis(np.arange(column.size).reshape(column.shape), axis, 0)
    try:
        before = outputs(x.copy())
        for start in (0, 1):
            moved, moving = x.flatten(), samples[start::2].ravel()
            moved[moving] = np.where(moved[moving] == 0, _STEP, moved[moving] * (1 + _STEP))
            if not np.array_equal(before[1 - start :: 2], outputs(moved)[1 - start :: 2], equal_nan=True):
                return False
    except Exception:  # as outside its domain
        return False
    return True
