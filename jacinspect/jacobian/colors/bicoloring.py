"""Groups of columns and of rows that recover a Jacobian together, where a rule gives both jvp and vjp. Next: compact.

An arrowhead's full row needs all columns apart, and its full column all rows; one product for each of the two and one
for the diagonal are enough. Each entry is read directly from one product, J times the sum of a group's columns or the
sum of a group's rows times J. Coleman & Verma (1998), The efficient computation of sparse Jacobian matrices using
automatic differentiation.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.colors.coloring import color_columns

__all__ = ["color_both"]

_TRIED = 16  # lengths at which long rows are set apart; each costs two colorings

_Groups = tuple[Array, Array, int]  # of columns, of rows, and how many in all


def color_both(rows: Array, columns: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Group columns and rows of a pattern so that each entry is alone in its row's group or in its column's.

    Long rows are set apart and read by products with rows, all else by products with columns; or long columns, and all
    else by rows. Of the lengths from which a row counts as long, the one with the fewest groups is taken; none and all
    are among them, so that there are never more groups than for columns alone, or for rows alone.

    Parameters
    ----------
    rows, columns
        The pattern's pairs, integers, sorted by row.
    shape
        The number of rows and of columns.

    Returns
    -------
    column_groups, row_groups
        A group from 0 for each column and for each row, -1 for those that need no product.
    """
    turned = np.lexsort((rows, columns))
    by_columns, by_rows, number = _fewest(rows, columns, shape)
    other_rows, other_columns, others = _fewest(columns[turned], rows[turned], shape[::-1])
    return (by_columns, by_rows) if number <= others else (other_columns, other_rows)


def _fewest(rows: Array, columns: Array, shape: tuple[int, int]) -> _Groups:
    """Return the fewest groups that long rows, set apart, leave."""
    lengths = np.bincount(rows, minlength=shape[0])
    limits = np.unique(np.r_[0, lengths])[::-1]  # no row is longer than the first, and all with entries than the last
    if limits.size > _TRIED:
        limits = limits[np.unique(np.geomspace(1, limits.size, _TRIED).astype(int)) - 1]
    return min((_apart(rows, columns, shape, lengths > limit) for limit in limits), key=lambda found: found[2])


def _apart(rows: Array, columns: Array, shape: tuple[int, int], long: Array) -> _Groups:
    """Group the long rows, and the columns for the entries of the other rows."""
    mine = np.flatnonzero(long[rows])
    mine = mine[np.lexsort((rows[mine], columns[mine]))]
    row_groups, _ = color_columns(columns[mine], rows[mine], shape[0])
    column_groups, _ = color_columns(rows[~long[rows]], columns[~long[rows]], shape[1])
    number = sum(int(groups.max(initial=-1)) + 1 for groups in (column_groups, row_groups))
    return column_groups.astype(np.int64), row_groups.astype(np.int64), number
