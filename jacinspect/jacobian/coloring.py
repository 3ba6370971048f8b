"""Columns that no row reads together get one color, so that one call of f serves all of them. Next: compact.

Curtis, Powell & Reid (1974), On the estimation of sparse Jacobian matrices.
"""

import numpy as np

from jacinspect.jacobian.blackbox import Array

__all__ = ["color_columns"]

_WORK = 5 * 10**8  # pairs visited, about half a minute, after which a search limited in its colors is given up
_SAMPLE = 4096  # pairs on which a modulus is tried first: most that fail do so there, at no cost
_TABLE = 64  # bytes for each pair, of the table in which a modulus is tried


def color_columns(rows: Array, columns: Array, count: int, most: int | None = None) -> tuple[Array, int]:
    """Color the columns of a pattern so that no row holds two of one color.

    Parameters
    ----------
    rows, columns
        The pattern's pairs, integers, sorted by row.
    count
        The number of columns.
    most
        The largest useful number of colors. If more are needed, or if the search takes very long, a number greater than
        `most` is returned, and the colors are not a coloring.

    Returns
    -------
    colors, number
        A color in range(number) for each column that some row reads, -1 for the others. `number` is at least 1, and
        every color is used unless no column is read.
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
    if modulus is not None and modulus <= widest + widest // 4 + 1:  # near the least number; the search costs more
        return _residues(columns, count, modulus)
    colors, number = _greedy(rows, columns, count, starts, most)
    if modulus is not None and modulus <= number:
        return _residues(columns, count, modulus)
    return colors, number


def _residues(columns: Array, count: int, modulus: int) -> tuple[Array, int]:
    """Color each column that is read by its residue, leaving out residues that no such column has."""
    residues = columns % modulus
    used = np.bincount(residues, minlength=modulus) > 0
    colors = np.full(count, -1, np.int32)
    colors[columns] = (np.cumsum(used) - 1)[residues]
    return colors, int(np.count_nonzero(used))


def _residue(rows: Array, columns: Array, count: int, widest: int) -> int | None:
    """Return the smallest modulus whose residues are a coloring, or None; bands, stencils and blocks have one."""
    height = int(rows[-1]) + 1
    for modulus in range(widest, min(2 * widest + 8, count) + 1):
        if modulus == count:
            return count
        if height * modulus > _TABLE * rows.size:  # rows of very different length
            return None
        if all(
            _distinct(rows[:size], columns[:size], modulus, height) for size in {min(_SAMPLE, rows.size), rows.size}
        ):
            return modulus
    return None


def _distinct(rows: Array, columns: Array, modulus: int, height: int) -> bool:
    """Whether no row has two columns with the same residue."""
    seen = np.zeros(height * modulus, bool)
    seen[rows.astype(np.int64) * modulus + columns % modulus] = True
    return int(np.count_nonzero(seen)) == rows.size


def _greedy(rows: Array, columns: Array, count: int, starts: Array, most: int | None) -> tuple[Array, int]:
    """Color by maximal independent sets, each found in a few passes over all pairs (Luby 1986).

    A column joins the set when it has the highest priority in each of its rows (Jones & Plassmann 1993).
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
