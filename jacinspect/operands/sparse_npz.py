"""scipy's sparse .npz: the named arrays of such an archive come in, the entries of its matrix go out.

csr, csc, bsr, coo and dia are read, as scipy.sparse.save_npz and `--save` write them. Next: `numpy_files`.
"""

from collections.abc import Callable, Collection
from math import prod

import numpy as np

from jacinspect.errors import InputError
from jacinspect.operands.coordinates import Coordinates
from jacinspect.operands.shapes import Array
from jacinspect.wording import shown

__all__ = ["is_sparse", "read_sparse"]


def is_sparse(keys: Collection[str]) -> bool:
    """Whether these are the names that a sparse matrix is saved under."""
    return {"format", "shape", "data"} <= set(keys)


def read_sparse(member: Callable[[str], Array], word: Callable[[str], str | None], name: str) -> Coordinates:
    """Read a sparse matrix from the arrays of an archive.

    Parameters
    ----------
    member, word
        Give the array of numbers and the text that are saved under a name; None where there is no such text.
    name
        What an error's message begins with.

    Raises
    ------
    InputError
        If it is of another format, or its arrays do not fit each other.
    """
    form = word("format") or ""
    if form not in _READERS:
        known = "convert it by scipy.sparse.save_npz(file, J.tocsr())"
        raise InputError(f"{name}: format {shown(form)} is not one of {', '.join(_READERS)}; {known}")
    shape = tuple(member("shape").ravel().tolist())
    if len(shape) != 2 or not all(isinstance(n, int) and 0 <= n < 2**62 for n in shape):
        raise InputError(f"{name}: its shape {shown(str(shape), str)} is no M×N")
    try:
        row, col, data = _READERS[form](member, shape)
    except (ValueError, IndexError, TypeError) as error:
        raise InputError(f"{name}: is a damaged {form} matrix: {shown(str(error), str)}") from error
    for axis, (place, size) in enumerate(zip((row, col), shape, strict=True)):
        if place.shape != data.shape or place.dtype.kind not in "iu" or not np.all((place >= 0) & (place < size)):
            raise InputError(
                f"{name}: is a damaged {form} matrix: a {('row', 'column')[axis]} is not of 0 to {size - 1}"
            )
    return Coordinates((shape[0], shape[1]), row, col, data, word("vec"), word("layout"))


Entries = tuple[Array, Array, Array]
Member = Callable[[str], Array]
Size = tuple[int, ...]


def _coo(member: Member, _: Size) -> Entries:
    row, col = member("row"), member("col")
    return row.astype(np.int64), col.astype(np.int64), member("data")


def _csr(member: Member, shape: Size) -> Entries:
    col, data = member("indices"), member("data")
    return _repeated(member("indptr"), shape[0], len(col)), col.astype(np.int64), data


def _csc(member: Member, shape: Size) -> Entries:
    col, row, data = _csr(member, shape[::-1])
    return row, col, data


def _bsr(member: Member, shape: Size) -> Entries:
    """Read blocks of R×C, the indices being those of block rows and block columns."""
    data, columns = member("data"), member("indices")
    blocks, height, width = data.shape
    if len(columns) != blocks or prod((height, width)) == 0 or shape[0] % height or shape[1] % width:
        raise ValueError(f"its blocks of {height}x{width} do not fill {shape[0]}x{shape[1]}")
    rows = _repeated(member("indptr"), shape[0] // height, blocks)
    row = rows[:, None, None] * height + np.arange(height)[:, None]
    col = columns.astype(np.int64)[:, None, None] * width + np.arange(width)
    row, col = np.broadcast_arrays(row, col)
    return row.ravel(), col.ravel(), data.ravel()


def _dia(member: Member, shape: Size) -> Entries:
    """Read diagonals: data[k, j] stands in column j of the diagonal of offset k."""
    data, offsets = member("data"), member("offsets").ravel().astype(np.int64)
    if data.ndim != 2 or len(data) != len(offsets):
        raise ValueError(f"{len(data)} diagonals have {len(offsets)} offsets")
    col = np.broadcast_to(np.arange(data.shape[1]), data.shape)
    row = col - offsets[:, None]
    inside = (row >= 0) & (row < shape[0]) & (col < shape[1])
    return row[inside], col[inside], data[inside]


def _repeated(indptr: Array, size: int, entries: int) -> Array:
    """Return the row of each entry, by the places where rows begin."""
    ends = indptr.astype(np.int64)
    lengths = ends[1:] - ends[:-1]
    if len(lengths) != size or np.any(lengths < 0) or indptr[0] != 0 or indptr[-1] != entries:
        raise ValueError(f"indptr is not that of {size} rows with {entries} entries")
    return np.repeat(np.arange(size), lengths)


_READERS: dict[str, Callable[[Member, Size], Entries]] = {
    "csr": _csr, "csc": _csc, "coo": _coo, "bsr": _bsr, "dia": _dia,
}  # fmt: skip
