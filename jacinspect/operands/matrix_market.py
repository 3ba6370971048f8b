"""Matrix Market: the text of a .mtx file comes in, its entries or its dense array go out.

The format is that of Boisvert, Pozo & Remington, "The Matrix Market Exchange Formats" (1996). Symmetric matrices have
one triangle stored, and entries at one place are summed, as scipy.io.mmread has it. Next: `files`.
"""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.coordinates import Coordinates
from jacinspect.operands.shapes import Array, require_fits
from jacinspect.operands.text_files import data_lines, read_rows
from jacinspect.records import dataclass
from jacinspect.wording import did_you_mean, shown

__all__ = ["read_matrix_market"]

_BANNER = "%%MatrixMarket matrix coordinate real general"
_WORDS = (
    ("matrix",),
    ("coordinate", "array"),
    ("real", "double", "integer", "complex", "pattern"),
    ("general", "symmetric", "skew-symmetric", "hermitian"),
)
_NUMBERS = {"pattern": 0, "complex": 2}  # of an entry, beside its place; one for the others
_ARRANGED = re.compile(r"^% vec: (column|row), layout: (numerator|denominator)$", re.MULTILINE)  # of `--save`

Line = tuple[int, str]


@dataclass(frozen=True)
class _Header:
    """What the banner and the line of sizes say; `stored` is how many entries follow."""

    form: str
    field: str
    symmetry: str
    shape: tuple[int, int]
    stored: int


def read_matrix_market(text: str, name: str, dtype: npt.DTypeLike, memory: int) -> Array | Coordinates:
    """Read a matrix: a dense one as an array, a sparse one as `Coordinates`; integers stay integers.

    Raises
    ------
    InputError
        At the first line that is no part of the format, named by its number; if entries are missing or outside the
        declared shape, or are more than fit in `memory` bytes as `dtype` (see `require_fits`).
    """
    lines = data_lines(text, "%")
    header = _header(text, lines, name)
    places, numbers = 2 * (header.form == "coordinate"), _NUMBERS.get(header.field, 1)
    require_fits((header.stored * (places + numbers),), np.float64, memory, name)
    rows = read_rows(lines, name, None, places + numbers)
    if len(rows) != header.stored:
        raise InputError(f"{name}: declares {header.stored} entries, {len(rows)} follow; copy or save it anew")
    values = _values(rows[:, places:], header.field)
    if header.form == "array":
        require_fits(header.shape, dtype, memory, name)
        if header.symmetry == "general":
            dense = values.reshape(header.shape, order="F")
        else:
            dense = Coordinates(header.shape, *_mirrored(*_stored_places(header), values, header.symmetry)).toarray()
        return dense.reshape(-1) if 1 in dense.shape else dense
    row, col = (_indices(rows[:, axis], axis, header.shape[axis], text, name) for axis in (0, 1))
    arranged = _ARRANGED.search(text, 0, 4096)
    vec, layout = arranged.groups() if arranged else (None, None)
    return Coordinates(header.shape, *_mirrored(row, col, values, header.symmetry), vec, layout)


def _header(text: str, lines: Iterator[Line], name: str) -> _Header:
    banner = text[:200].partition("\n")[0].strip().lower().split()
    if not banner or banner[0] != "%%matrixmarket" or len(banner) != 5:
        raise InputError(f"{name}, line 1: is not the first line of Matrix Market, such as {_BANNER}")
    for word, known in zip(banner[1:], _WORDS, strict=True):
        if word not in known:
            raise InputError(
                f"{name}, line 1: {shown(word)} is not one of {', '.join(known)}{did_you_mean(word, known)}"
            )
    _, _, form, field, symmetry = banner
    if (form == "array" and field == "pattern") or (symmetry == "hermitian" and field != "complex"):
        raise InputError(f"{name}, line 1: there is no {form} {field} {symmetry} matrix in this format")
    number, line = next(lines, (1, ""))
    sizes = line.split()
    needed = "rows, columns and entries" if form == "coordinate" else "rows and columns"
    if len(sizes) != len(needed.split()) // 2 + 1 or not all(re.fullmatch("[0-9]{1,18}", size) for size in sizes):
        raise InputError(f"{name}, line {number}: {shown(line)} is not the numbers of {needed}")
    m, n, *stored = map(int, sizes)
    if symmetry != "general" and m != n:
        raise InputError(f"{name}, line {number}: a {symmetry} matrix is square, and this one is {m}x{n}")
    triangle = {"general": m * n, "skew-symmetric": m * (m - 1) // 2}.get(symmetry, m * (m + 1) // 2)
    return _Header(form, field, symmetry, (m, n), stored[0] if stored else triangle)


def _values(numbers: Array, field: str) -> Array:
    if field == "pattern":
        return np.ones(len(numbers), np.int64)
    if field == "complex":
        return numbers[:, 0] + 1j * numbers[:, 1]
    whole = field == "integer" and bool(np.all(np.abs(numbers) < 2.0**53))  # which float64 holds exactly
    return numbers[:, 0].astype(np.int64) if whole else numbers[:, 0]


def _stored_places(header: _Header) -> tuple[Array, Array]:
    """Return row and column of each entry that a symmetric array stores: by columns, from the diagonal downwards."""
    m, n = header.shape
    col, row = np.triu_indices(n, 1 if header.symmetry == "skew-symmetric" else 0, m)
    return row, col


def _mirrored(row: Array, col: Array, values: Array, symmetry: str) -> tuple[Array, Array, Array]:
    """Add the other triangle of a symmetric matrix."""
    if symmetry == "general":
        return row, col, values
    off = row != col
    other = {"skew-symmetric": np.negative, "hermitian": np.conj}.get(symmetry, np.positive)(values[off])
    return np.r_[row, col[off]], np.r_[col, row[off]], np.r_[values, other]


def _indices(numbers: Array, axis: int, size: int, text: str, name: str) -> Array:
    """Return indices from 0; the first that is none is an error."""
    with np.errstate(invalid="ignore"):
        wrong = ~((numbers >= 1) & (numbers <= size) & (numbers == np.floor(numbers)))
    if wrong.any():
        entry = int(np.argmax(wrong))
        line = next(line for k, (line, _) in enumerate(data_lines(text, "%")) if k == entry + 1)
        kind = ("row", "column")[axis]
        raise InputError(f"{name}, line {line}, column {axis + 1}: {numbers[entry]:.15g} is no {kind} of 1 to {size}")
    return numbers.astype(np.int64) - 1
