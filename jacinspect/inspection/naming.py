"""Names for outputs, inputs and entries in messages: ``A[0,1]``, ``∂A[0,1]/∂X[2]``. Next: findings."""

import numpy as np

from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.wording import format_entry, format_index

__all__ = ["entry_name", "index_of", "input_name", "listed", "output_name", "worst_outside"]

_LISTED = 16  # places that a finding lists; its message has their number


def output_name(pattern: Pattern, row: int) -> str:
    """Name an output by its flat index: ``A[0,1]``, or ``A`` where there is one alone."""
    return f"A{format_index(index_of(row, pattern.output_shape))}"


def input_name(pattern: Pattern, column: int) -> str:
    """Name an input by its flat index: ``X[0,1]``."""
    return f"X{format_index(index_of(column, pattern.operand_shape))}"


def entry_name(pattern: Pattern, row: int, column: int) -> str:
    """Name an entry of the Jacobian: ``∂A[0,1]/∂X[2]``."""
    return format_entry(index_of(row, pattern.output_shape), index_of(column, pattern.operand_shape))


def worst_outside(spurious: Jacobian) -> str:
    """Name the largest of the entries that a derivative has where the function has none."""
    worst = int(np.argmax(np.abs(spurious.data)))
    entry = entry_name(spurious.pattern, int(spurious.pattern.rows[worst]), int(spurious.indices[worst]))
    return f"worst {entry}: analytic {spurious.data[worst]:.8g}, numeric 0"


def listed(flat: Array, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the first places of a list of flat indices as indices into an array of this shape."""
    return tuple(index_of(int(k), shape) for k in flat[:_LISTED])


def index_of(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a row-major flat index as an index into an array of this shape."""
    return tuple(int(i) for i in np.unravel_index(flat, shape))
