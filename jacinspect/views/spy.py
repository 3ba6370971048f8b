"""A sparsity pattern drawn in characters: a square an entry where that fits, braille dots where it does not."""

import numpy as np
from rich.text import Text

from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.structure import Arrangement

__all__ = ["spy"]

_SMALL = 16  # rows and columns drawn one by one
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of a braille character, by row and column


def spy(arrangement: Arrangement, width: int, height: int = 8) -> list[Text]:
    """Draw a pattern in at most `width` columns and `height` lines; a dot of a large one stands for many entries."""
    rows, columns = arrangement.shape
    if not rows or not columns:
        return [Text("(no entries)", style="dim")]
    if rows <= _SMALL and columns <= min(_SMALL, width // 2):
        marks = np.zeros((rows, columns), bool)
        marks[arrangement.rows, arrangement.columns] = True
        return [_line(line) for line in marks]
    return _braille(arrangement, width, height)


def _line(marks: Array) -> Text:
    line = Text(no_wrap=True)
    for position, mark in enumerate(marks):
        line.append(" " if position else "")
        line.append("■" if mark else "·", style="bold cyan" if mark else "dim")
    return line


def _braille(arrangement: Arrangement, width: int, height: int) -> list[Text]:
    rows, columns = arrangement.shape
    down, across = 4 * height, 2 * (width - 2)
    scale = max(rows / down, columns / across)  # one for both, so that a diagonal looks like one
    down = max(1, min(rows, round(rows / scale))) if scale > 1 else rows
    across = max(1, min(columns, round(columns / scale))) if scale > 1 else columns
    dots = np.zeros((-(-down // 4) * 4, -(-across // 2) * 2), bool)
    dots[arrangement.rows.astype(np.int64) * down // rows, arrangement.columns.astype(np.int64) * across // columns] = (
        True
    )
    cells = dots.reshape(dots.shape[0] // 4, 4, dots.shape[1] // 2, 2)
    codes = 0x2800 + np.einsum("irjc,rc->ij", cells, _DOTS)
    edge = "─" * codes.shape[1]
    body = [Text(f"│{''.join(map(chr, line))}│", style="cyan", no_wrap=True) for line in codes]
    return [Text(f"┌{edge}┐", style="dim"), *body, Text(f"└{edge}┘", style="dim")]
