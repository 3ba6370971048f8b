"""Columns that no row reads together share a color, so that one difference serves them all. Next: compact.

Curtis, Powell & Reid (1974), On the estimation of sparse Jacobian matrices.
"""

import numpy as np

from jacinspect.jacobian.blackbox import Array

__all__ = ["color_columns"]

_WORK = 5 * 10**8  # pairs visited, in half a minute or so, after which a search that may end without a coloring ends
_SAMPLE = 4096  # pairs looked at before a residue is tried on all of them


def color_columns(rows: Array, columns: Array, count: int, most: int | None = None) -> tuple[Array, int]:
    """Color the columns of a pattern so that no row holds two of one color.

    Parameters
    ----------
    rows, columns
        The pattern's pairs, integers, sorted by row.
    count
        The number of columns.
    most
        More colors than this are of no use: the search for them ends, as it does when it takes very long, and what is
        returned, with a greater number, is no coloring.

    Returns
    -------
    colors, number
        A color in range(number) for each column that some row reads, -1 for the others; at least one color, and none
        that no column has where some column is read.
    """
    if rows.size == 0:
        return np.full(count, -1, np.int8), 1
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    widest = int(np.diff(np.r_[starts, rows.size]).max())
    if widest == 1:
        colors = np.full(count, -1, np.int8)
        colors[columns] = 0
        return colors, 1
    if most is not None and widest > most:
        return np.full(count, -1, np.int8), widest
    modulus = _residue(rows, columns, count, widest)
    if modulus is not None and modulus <= widest + widest // 4 + 1:
        return _residues(columns, count, modulus)
    colors, number = _greedy(rows, columns, count, starts, most)
    if modulus is not None and modulus <= number:
        return _residues(columns, count, modulus)
    return colors, number


def _residues(columns: Array, count: int, modulus: int) -> tuple[Array, int]:
    residues = columns % modulus
    used = np.bincount(residues, minlength=modulus) > 0
    colors = np.full(count, -1, np.int32)
    colors[columns] = (np.cumsum(used) - 1)[residues]
    return colors, int(np.count_nonzero(used))


def _residue(rows: Array, columns: Array, count: int, widest: int) -> int | None:
    """Return the smallest modulus whose residues are a coloring, as for bands, stencils and blocks, or None."""
    height = int(rows[-1]) + 1
    for modulus in range(widest, min(2 * widest + 8, count) + 1):
        if modulus == count:
            return count
        if height * modulus > 64 * rows.size:  # rows of very different length: the table of a trial would be too large
            return None
        if all(
            _distinct(rows[:size], columns[:size], modulus, height) for size in {min(_SAMPLE, rows.size), rows.size}
        ):
            return modulus
    return None


def _distinct(rows: Array, columns: Array, modulus: int, height: int) -> bool:
    seen = np.zeros(height * modulus, bool)
    seen[rows.astype(np.int64) * modulus + columns % modulus] = True
    return int(np.count_nonzero(seen)) == rows.size


def _greedy(rows: Array, columns: Array, count: int, starts: Array, most: int | None) -> tuple[Array, int]:
    """Color by maximal independent sets, each found in a few passes over all pairs.

    Luby (1986); Jones & Plassmann (1993): a column joins the set when it has the highest priority in each of its rows.
    """
    priority = np.random.default_rng(0).permutation(count)
    colors = np.full(count, -1, np.int32)
    color = 0
    work = 0
    while rows.size and (most is None or color <= most):
        lengths = np.diff(np.r_[starts, rows.size])
        candidate = np.zeros(count, bool)
        candidate[columns] = True
        while candidate.any():
            work += rows.size
            if most is not None and work > _WORK:
                return colors, most + 1
            rank = np.where(candidate[columns], priority[columns], -1)
            best = np.repeat(np.maximum.reduceat(rank, starts), lengths)
            chosen = candidate.copy()
            chosen[columns[rank < best]] = False
            colors[chosen] = color
            taken = np.repeat(np.logical_or.reduceat(chosen[columns], starts), lengths)
            candidate[columns[taken]] = False
            candidate &= ~chosen
        left = colors[columns] < 0
        rows, columns = rows[left], columns[left]
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if rows.size else rows
        color += 1
    return colors, color
