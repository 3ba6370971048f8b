"""Tables: the text of a .csv, .tsv or .txt file comes in, a float64 vector or matrix goes out.

Comments begin with ``#``; empty lines do not count; a number may stand in quotation marks.
"""

import io
import math
import re
import shlex
from array import array
from collections.abc import Iterator

import numpy as np

from jacinspect.errors import InputError
from jacinspect.operands.shapes import Array
from jacinspect.wording import counted, shown

__all__ = ["data_lines", "read_table"]

_OTHER_SEPARATORS = {
    ";": "semicolons? write commas",
    ",": "commas, as .csv files are, or is it a decimal comma?",
    "\t": "tabs, as .tsv files are?",
    " ": "blanks, as .txt files are?",
}


_FRACTION = re.compile(r"[.en]|-0+(?!\d)", re.IGNORECASE)  # in a number that is not whole: 1.0, 1e3, nan, -0
_LARGEST = 2.0**53  # from which float64 has no odd numbers


def read_table(text: str, name: str, delimiter: str | None) -> Array:
    """Read a table of numbers, of integers if all are whole; one of a single row or column is a vector.

    Parameters
    ----------
    text
        Lines of cells, equally many in each.
    name
        What an error's message begins with.
    delimiter
        What stands between two cells; any blanks if None.

    Raises
    ------
    InputError
        At the first place where the text is no such table; it names line and column, counted from 1.
    """
    numbers = array("d")  # as compact as the operand, which lists of Python's floats are not
    first, width = 0, 0
    for number, line in data_lines(text):
        where = f"{name}, line {number}"
        cells = line.split(delimiter)
        if '"' in line:  # a number in quotation marks holds no delimiter; anything else in them is a fault all the same
            cells = [re.sub(r'^\s*"(.*)"\s*$', r"\1", cell) for cell in cells]
        if not first:
            _require_numbers(name, number, line, cells)
            first, width = number, len(cells)
        for column, cell in enumerate(cells, 1):
            try:
                numbers.append(_number(cell))
            except ValueError as fault:
                raise InputError(f"{where}, column {column}: {fault}") from None
        if len(cells) != width:
            raise InputError(f"{where}: has {counted(len(cells), 'cell')}, line {first} has {width}")
    if not first:
        raise InputError(f"{name}: holds no numbers")
    table = np.frombuffer(numbers).reshape(-1, width)
    if np.abs(table).max() < _LARGEST and not any(_FRACTION.search(line) for _, line in data_lines(text)):
        table = table.astype(np.int64)
    return table.reshape(-1) if 1 in table.shape else table


def _require_numbers(name: str, number: int, line: str, cells: list[str]) -> None:
    """Raise InputError where the first line of a table holds no number."""
    if line[0] in "[{":
        raise InputError(f"{name}: looks like JSON; name it .json")
    if not any(_is_number(cell) or _separator_hint(cell) for cell in cells):
        command = f"tail -n +{number + 1}{'' if name == 'standard input' else ' ' + shlex.quote(name)}"
        said = f"{shown(line)} holds no number; if it is a header, remove it: {command}"
        raise InputError(f"{name}, line {number}: {said}")


def data_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the content of each line that is more than blanks and comments."""
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        content = line.partition("#")[0].strip(" \n")  # not tabs: cells of a .tsv file may be empty
        if content and not content.isspace():
            yield number, content


def _number(cell: str) -> float:
    """Read one cell; a ValueError says what is wrong with it."""
    if not cell.strip():
        raise ValueError("the cell is empty; write nan for a missing number")
    if not _is_number(cell):
        raise ValueError(f"{shown(cell)} is not a number{_separator_hint(cell)}")
    number = float(cell)
    if math.isinf(number) and "inf" not in cell.lower():
        raise ValueError(f"{shown(cell)} is too large for float64")
    return number


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell  # float alone would take ١ and 1_000


def _separator_hint(cell: str) -> str:
    for separator, advice in _OTHER_SEPARATORS.items():
        pieces = cell.strip().split(separator)
        if len(pieces) > 1 and all(map(_is_number, pieces)):
            return f" (separated by {advice})"
    return ""
