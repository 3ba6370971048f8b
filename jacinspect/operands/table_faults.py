"""What is wrong with a table, in words: a cell or a line comes in, what it may be and a line that mends it go out.

Commas may separate numbers or be decimal ones, and semicolons may end cells or rows: where both can be meant, both
commands are given and nothing is guessed.
"""

import re
import shlex
from pathlib import PurePath

from jacinspect.wording import shown

__all__ = ["hint", "is_number", "mixed_separators", "no_numbers", "other_separator", "through"]

_OTHER_SEPARATORS = {";": "semicolons?", ",": "commas, as .csv files are?", "\t": "tabs, as .tsv files are?",
                     " ": "blanks, as .txt files are?"}  # fmt: skip
_QUOTED_COMMA = re.compile(r'"\s*[-+]?\d+,\d+\s*"')
_DECIMAL = re.compile(r"\s*[-+]?\d*,\d+(e[-+]?\d+)?\s*", re.IGNORECASE)


def is_number(cell: str) -> bool:
    """Whether a cell is a number as Python reads it, in plain digits."""
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell  # float alone would take ١ and 1_000


def other_separator(cell: str) -> str | None:
    """Return what else separates the numbers that a cell consists of, if it does."""
    for separator in _OTHER_SEPARATORS:
        pieces = cell.strip().split(separator)
        if len(pieces) > 1 and all(map(is_number, pieces)):
            return separator
    return None


def mixed_separators(line: str, name: str) -> str:
    """Say what a line of a table may mean that has semicolons beside commas or blanks; nothing if it has not."""
    if _QUOTED_COMMA.search(line):
        command = through(r"""sed -E 's/"([^",]*),([^",]*)"/\1.\2/g'""", name)
        return f"{shown(line)} has decimal commas; make them points: {command}"
    pieces = [piece for piece in line.split(";") if piece.strip()]
    if ";" not in line or not all(is_number(part) for piece in pieces for part in re.split(r"[,\s]+", piece.strip())):
        return ""
    rows = through(r"tr ';' '\n'", name)
    if all(_DECIMAL.fullmatch(piece) or is_number(piece) for piece in pieces) and "," in line:
        decimal = through("tr ',;' '.,'", name)
        return f"{shown(line)}: if its commas are decimal ones, make them points: {decimal}\nif rows end with ;: {rows}"
    return f"{shown(line)} has rows that end with semicolons; give each a line: {rows}"


def no_numbers(line: tuple[int, str], name: str) -> str:
    """Say what to do about a second line without numbers."""
    number, content = line
    command = through(f"tail -n +{number + 1}", name)
    fault = f"{shown(content)} holds no number, and one header line is skipped"
    return f"{fault};\nremove the lines before the numbers: {command}"


def hint(cell: str, name: str, delimiter: str | None) -> str:
    """Say what a cell that is no number may be, and a line that mends it; nothing where that is not known."""
    if not cell.strip():
        end = {"\t": r"\t", None: " "}.get(delimiter, delimiter)
        command = through(f"sed 's/{end}[[:blank:]]*$//'", name)
        return f";\nif each line ends so: {command}"
    separator = other_separator(cell)
    if separator == "," and _DECIMAL.fullmatch(cell):
        points = through("tr ',;' '.,'" if delimiter == ";" else "tr , .", name)
        named = "" if delimiter == ";" else "separated by commas, as .csv files are, or "
        return f" ({named}with a decimal comma? {points})"
    if set(cell.strip()) == {"*"}:
        return " (Fortran's stars: the number did not fit its format)"
    return f" (separated by {_OTHER_SEPARATORS[separator]})" if separator else ""


def through(command: str, name: str) -> str:
    """Write a command that reads a file and writes a new one, or stands in a pipe."""
    if name == "standard input":
        return command
    return f"{command} < {shlex.quote(name)} > new{PurePath(name).suffix}"
