"""Columns that no row reads together get one color, so that one call of f serves all of them. Next: compact.

Curtis, Powell & Reid (1974), On the estimation of sparse Jacobian matrices.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks

__all__ = ["by_color", "color_columns"]

_SAMPLE = 4096  # pairs on which a modulus is tried first: most that fail do so there, at no cost
_SAMPLED = 0.382, 0.0, 0.5  # of the way through all pairs: at no edge of a grid, at one, and where two grids meet
_TABLE = 64  # bytes for each pair, of the table in which a modulus is tried
_NEAR = 1.25  # times the least number of colors: a residue coloring as good as that is taken at once
_LARGE = 2**18  # pairs from which any residue coloring is taken: first fit takes about 1 µs for each pair


def color_columns(rows: Array, columns: Array, count: int, most: int | None = None) -> tuple[Array, int]:
    """Color the columns of a pattern so that no row holds two of one color.

    Parameters
    ----------
    rows, columns
        The pattern's pairs, integers, sorted by row.
    count
        The number of columns.
    most
        The largest useful number of colors. If more are needed, a number greater than `most` is returned, and the
        colors are not a coloring.

    Returns
    -------
    colors, number
        A color in range(number) for each column that some row reads, -1 for the others. `number` is at least 1, and
        every color is used unless no column is read.
    """
    if rows.size == 0:
        return np.full(count, -1, np.int8), 1
    new = rows[1:] != rows[:-1]
    if new.all():
        colors = np.full(count, -1, np.int8)
        colors[columns] = 0
        return colors, 1
    widest = int(np.diff(np.flatnonzero(np.r_[True, new, True])).max())
    if most is not None and widest > most:
        return np.full(count, -1, np.int8), widest
    modulus = _residue(rows, columns, count, widest)
    if modulus is not None and (modulus <= _NEAR * widest + 1 or rows.size > _LARGE):
        return _residues(columns, count, modulus)
    colors, number = _first_fit(rows, columns, count, most)
    if modulus is not None and modulus <= number:
        return _residues(columns, count, modulus)
    return colors, number


def by_color(colors: Array, number: int) -> tuple[Array, Array]:
    """Return the indices of colors, sorted by color, and where each of the colors begins in them, and the last ends."""
    short = colors.astype(np.int16) if number < 2**15 else colors  # which numpy sorts by radix, several times faster
    order = np.argsort(short, kind="stable")
    return order, np.searchsorted(short[order], np.arange(number + 1, dtype=short.dtype))


def _residues(columns: Array, count: int, modulus: int) -> tuple[Array, int]:
    """Color each column that is read by its residue, leaving out residues that no such column has."""
    read = np.zeros(count, bool)
    for block in blocks(columns.size):
        read[columns[block]] = True
    residues = np.arange(count) % modulus
    used = np.bincount(residues[read], minlength=modulus) > 0
    return np.where(read, (np.cumsum(used) - 1)[residues], -1).astype(np.int32), int(np.count_nonzero(used))


def _residue(rows: Array, columns: Array, count: int, widest: int) -> int | None:
    """Return the smallest modulus whose residues are a coloring, or None; bands, stencils and blocks have one."""
    height, left = int(rows[-1]) + 1, max(rows.size - _SAMPLE, 0)
    parts = [slice(int(part * left), int(part * left) + _SAMPLE) for part in _SAMPLED]
    samples = [(rows[part], columns[part]) for part in (*parts, slice(None))]
    for modulus in range(widest, min(2 * widest + 8, count) + 1):
        if modulus == count:
            return count
        if height * modulus > _TABLE * rows.size:  # rows of very different length
            return None
        if all(_distinct(*sample, modulus) for sample in samples):
            return modulus
    return None


def _distinct(rows: Array, columns: Array, modulus: int) -> bool:
    """Whether no row has two columns with the same residue."""
    seen = np.zeros((int(rows[-1] - rows[0]) + 1) * modulus, bool)
    for block in blocks(rows.size):
        seen[(rows[block] - rows[0]).astype(np.int64) * modulus + _remainder(columns[block], modulus)] = True
    return int(np.count_nonzero(seen)) == rows.size


def _first_fit(rows: Array, columns: Array, count: int, most: int | None) -> tuple[Array, int]:
    """Give each column the first color that none of its rows has, columns with many rows first (Welsh & Powell 1967).

    The colors of a row are the bits of an integer, so that the work is proportional to the number of pairs.
    """
    height, lengths = int(rows.max()) + 1, np.bincount(columns, minlength=count)
    # numpy sorts numbers several times faster than their indices
    by_column = np.sort(np.multiply(columns, height, dtype=np.int64) + rows)
    of_column, ends = _remainder(by_column, height).tolist(), np.cumsum(lengths)
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    taken, found, too_many = [0] * height, [], 1 << (count if most is None else most)
    mine: list[int] = []
    used = given = 0
    for end, length in zip(ends[order].tolist(), lengths[order].tolist(), strict=True):
        before, mine = mine, of_column[end - length : end]
        if mine != before:  # both halves of a group are in the same rows
            for row in before:
                taken[row] |= given
            used = given = 0
            for row in mine:
                used |= taken[row]
        free = ~used & (used + 1)  # the lowest bit that is not set
        used, given = used | free, given | free
        found.append(free.bit_length() - 1)
        if free >= too_many:
            break
    colors = np.full(count, -1, np.int32)
    colors[order[: len(found)]] = found
    return colors, max(found) + 1


def _remainder(numbers: Array, divisor: int) -> Array:
    """Return what numbers that are not negative leave when divided: numpy divides several times faster than by %."""
    return np.asarray(numbers - numbers // divisor * divisor)
