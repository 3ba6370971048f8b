"""Tables: the text of a .csv, .tsv, .txt or .dat file comes in, a float64 vector or matrix goes out.

Comments begin with ``#``; empty lines do not count; a number may stand in quotation marks, and may have Fortran's
exponent, ``1.0D-03``. `table_faults` words what is wrong with a table. MATLAB's ``[1 2; 3 4]`` is a table too.
"""

import io
import math
import re
from array import array
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from jacinspect.errors import InputError
from jacinspect.operands.shapes import Array
from jacinspect.operands.table_faults import hint, is_number, mixed_separators, no_numbers, other_separator
from jacinspect.wording import counted, shown

__all__ = ["data_lines", "is_bracketed", "read_brackets", "read_rows", "read_table"]

_FRACTION = re.compile(r"[.den]|-0+(?!\d)", re.IGNORECASE)  # in a number that is not whole: 1.0, 1e3, nan, -0
_LARGEST = 2.0**53  # from which float64 has no odd numbers
# 1.0D-03, and 1.0-103: an exponent of three digits leaves no room for the letter
_FORTRAN = re.compile(r"(\d\.\d*|\.\d+)(?:[dD]([-+]?\d+)|([-+]\d{3}))(?![\w.])")
_BRACKETED = re.compile(r"\s*\[[^\[\]]*\]\s*;?\s*")
_BETWEEN = re.compile(r"[\w.]\s+[-+\w.]|;[^\]]")  # how MATLAB separates numbers in brackets, and JSON does not


def read_table(text: str, name: str, delimiter: str | None, told: Callable[[str], None] = lambda _: None) -> Array:
    """Read a table of numbers, of integers if all are whole; one of a single row or column is a vector.

    A first line without numbers is a header; it is skipped, and so is a column that counts the rows and has no name,
    and `told` is called with that. Numbers between semicolons alone are separated by them.

    Parameters
    ----------
    text
        Lines of cells, equally many in each.
    name
        What an error's message begins with.
    delimiter
        What stands between two cells; any blanks if None.
    told
        A callback for what is left out, in words.

    Raises
    ------
    InputError
        At the first place where the text is no such table; it names line and column, counted from 1.
    """
    lines = data_lines(text)
    beginning = [line for line, _ in zip(lines, range(2), strict=False)]
    if not beginning:
        raise InputError(f"{name}: holds no numbers")
    number, line = beginning[0]
    if line.startswith("[") and is_bracketed(text):
        return read_brackets(text, name)
    if line[0] in "[{":
        raise InputError(f"{name}: looks like JSON; name it .json")
    if any(_semicolons(line) for _, line in beginning):
        delimiter = ";"
    header = _cells(line, delimiter)
    if not _is_header(line, header):
        return _squeezed(_table(data_lines(text), name, delimiter), text)
    if len(beginning) == 1:
        raise InputError(f"{name}, line {number}: {shown(line)} holds no number")
    if _is_header(beginning[1][1], _cells(beginning[1][1], delimiter)):
        raise InputError(f"{name}, line {beginning[1][0]}: {no_numbers(beginning[1], name)}")
    rest = ((at, row) for at, row in data_lines(text) if at > number)
    table, index = _without_index(_table(rest, name, delimiter), header)
    told(f"{name}, line {number}: {shown(line)} is skipped as a header{index}")
    return _squeezed(table, text, number)


def read_rows(lines: Iterable[tuple[int, str]], name: str, delimiter: str | None, width: int = 0) -> Array:
    """Read lines of `width` numbers each, or as many as the first one has, as a float64 matrix.

    Raises
    ------
    InputError
        At the first cell that is no number, and the first line of another width.
    """
    numbers = array("d")  # as compact as the operand, which lists of Python's floats are not
    first = 0
    for number, line in lines:
        row = _floats(line, delimiter)
        if row is None:
            row = [_number(cell, f"{name}, line {number}, column {column}", line, name, delimiter)
                   for column, cell in enumerate(_cells(line, delimiter), 1)]  # fmt: skip
        if not first:
            first, width = number, width or len(row)
        if len(row) != width:
            wanted = f"line {first} has {width}" if number != first else f"{width} are needed"
            raise InputError(f"{name}, line {number}: has {counted(len(row), 'cell')}, {wanted}")
        numbers.extend(row)
    return np.frombuffer(numbers).reshape(-1, width) if numbers else np.zeros((0, width))


def is_bracketed(text: str) -> bool:
    """Whether a text is a matrix as MATLAB writes it, ``[1 2; 3 4]``, and no JSON."""
    return _BRACKETED.fullmatch(text) is not None and _BETWEEN.search(text.strip()) is not None


def read_brackets(text: str, name: str) -> Array:
    """Read MATLAB's ``[1 2; 3 4]``: rows end with semicolons or lines, cells with commas or blanks.

    Raises
    ------
    InputError
        As `read_table`, where the lines are the rows.
    """
    inside = text.strip(" \t\n\r\ufeff;")[1:-1]
    rows = [re.sub(r"\s*,\s*|\s+", ",", row.strip()) for row in re.split(r"[;\n]", inside)]
    numbered = [(number, row) for number, row in enumerate(rows, 1) if row]
    if not numbered:
        raise InputError(f"{name}: holds no numbers")
    return _squeezed(read_rows(numbered, name, ","), "\n".join(rows))


def data_lines(text: str, comment: str = "#") -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the content of each line that is more than blanks and comments."""
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        content = line.partition(comment)[0].strip(" \n")  # not tabs: cells of a .tsv file may be empty
        if content and not content.isspace():
            yield number, content


def _table(lines: Iterator[tuple[int, str]], name: str, delimiter: str | None) -> Array:
    """Read the lines of a table; one that has decimal commas, or rows that end with semicolons, is refused."""
    number, line = next(lines)
    if delimiter != ";" and (fault := mixed_separators(line, name)):
        raise InputError(f"{name}, line {number}: {fault}")

    def all_lines() -> Iterator[tuple[int, str]]:
        yield number, line
        yield from lines

    return read_rows(all_lines(), name, delimiter)


def _squeezed(table: Array, text: str, header: int = 0) -> Array:
    """Return whole numbers as integers, and a single row or column as a vector."""
    written = (line for number, line in data_lines(text) if number > header)
    if table.size and np.abs(table).max() < _LARGEST and not any(map(_FRACTION.search, written)):
        table = table.astype(np.int64)
    return table.reshape(-1) if 1 in table.shape else table


def _semicolons(line: str) -> bool:
    """Whether semicolons, and nothing else, separate the numbers of a line."""
    pieces = line.split(";")
    return len(pieces) > 1 and all(map(is_number, pieces))


def _is_header(line: str, cells: list[str]) -> bool:
    """Whether a line names the columns: none of it is a number, or else its cells are an empty one, 0, 1, 2 …."""
    if not line.replace("\t", "").isprintable() or mixed_separators(line, "") or _FORTRAN.search(line):
        return False
    counting = [str(column) for column in range(len(cells) - 1)]
    if len(cells) > 1 and not cells[0].strip() and [cell.strip() for cell in cells[1:]] == counting:
        return True
    return not any(is_number(cell) or other_separator(cell) for cell in cells)


def _without_index(table: Array, header: list[str]) -> tuple[Array, str]:
    """Take away a first column that has no name and counts the rows, as pandas and R write it; say so."""
    unnamed = table.shape[1] > 1 and (len(header) == table.shape[1] - 1 or not header[0].strip())
    if not unnamed:
        return table, ""
    counted_from = table[0, 0]
    if counted_from in (0, 1) and np.array_equal(table[:, 0], counted_from + np.arange(len(table))):
        return table[:, 1:], ", and so is the first column, which has no name and counts the rows"
    advice = "if it is pandas' index, write to_csv(index=False)"
    return table, f"; the first column has no name and is read as numbers:\n{advice}"


def _cells(line: str, delimiter: str | None) -> list[str]:
    cells = line.split(delimiter)
    if '"' in line:  # a number in quotation marks holds no delimiter; anything else in them is a fault all the same
        cells = [re.sub(r'^\s*"(.*)"\s*$', r"\1", cell) for cell in cells]
    return cells


def _floats(line: str, delimiter: str | None) -> list[float] | None:
    """Read the cells of a line at once; None where one of them has to be looked at alone."""
    if "_" in line or not line.isascii():  # float takes 1_000 and ١
        return None
    for written in (_cells(line, delimiter), None):
        try:
            row = [*map(float, written or _cells(_FORTRAN.sub(r"\1e\2\3", line), delimiter))]
        except ValueError:
            continue
        return None if math.inf in row or -math.inf in row else row
    return None


def _number(cell: str, where: str, line: str, name: str, delimiter: str | None) -> float:
    """Read one cell.

    Raises
    ------
    InputError
        With what is wrong with it.
    """
    if not cell.strip():
        trailing = hint(cell, name, delimiter) if line.rstrip(" ").endswith(delimiter or " ") else ""
        raise InputError(f"{where}: the cell is empty; write nan for a missing number{trailing}")
    cell = _FORTRAN.sub(r"\1e\2\3", cell)
    if not is_number(cell):
        raise InputError(f"{where}: {shown(cell)} is not a number{hint(cell, name, delimiter)}")
    number = float(cell)
    if math.isinf(number) and "inf" not in cell.lower():
        raise InputError(f"{where}: {shown(cell)} is too large for float64")
    return number
