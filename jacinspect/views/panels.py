"""Panels of plain lines, each with its title, set side by side while they fit. Pure functions. Next: text, markdown."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from jacinspect.views.cells import Cells

__all__ = ["aligned", "side_by_side"]

_GAP = 4  # columns between two panels: more than the two between numbers, so that panels can be told apart

Lines = list[str]  # of a panel: its title, and those below it


def aligned(cells: Cells) -> list[str]:
    """Write cells as lines, the columns aligned to the right; of none, say so."""
    if not cells or not cells[0]:
        return ["(no entries)"]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]


def side_by_side(panels: Iterable[Lines], width: int) -> Iterator[Lines]:
    """Lay panels side by side while they fit into `width` columns, then start a new row; yield each row as lines."""
    row: list[str] = []
    for panel in panels:
        used, size = max(map(len, row), default=0), max(map(len, panel))
        if row and used + _GAP + size > width:
            yield row
            row, used = [], 0
        start = used + _GAP if row else 0
        row = [f"{left:<{start}}{right}" if right else left for left, right in zip_longest(row, panel, fillvalue="")]
    if row:
        yield row
