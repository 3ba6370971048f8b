"""Panels of plain lines, each with its title, set on and beside each other. Pure functions. Next: lines, markdown."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.views.cells import Cells
from jacinspect.views.spy import spy_with_scales

__all__ = ["GAP", "Line", "aligned", "pattern_panel", "plain", "side_by_side"]

GAP = 4  # columns between two panels: more than the two between numbers, so that panels can be told apart

Lines = list[str]  # of a panel: its title, and those below it
Line = list[tuple[str, bool]]  # a line across panels, in pieces, and whether each piece is a title


def aligned(cells: Cells) -> list[str]:
    """Write cells as lines, the columns aligned to the right; of none, say so."""
    if not cells or not cells[0]:
        return ["(no entries)"]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def side_by_side(columns: Iterable[list[Lines]], width: int) -> Iterator[list[Line]]:
    """Lay columns side by side while they fit into `width`, then start a new row; yield each row as lines.

    A column is one panel, or several on each other.
    """
    row: list[list[tuple[str, bool]]] = []
    used = 0
    for column in filter(None, columns):
        pieces = [(line, number == 0) for panel in column for number, line in enumerate(panel)]
        size = max(len(text) for text, _ in pieces)
        if row and used + GAP + size > width:
            yield _joined(row)
            row, used = [], 0
        used += size + (GAP if row else 0)
        row.append(pieces)
    if row:
        yield _joined(row)


def _joined(row: list[list[tuple[str, bool]]]) -> list[Line]:
    """Join columns of pieces to lines; each piece but the last of a line is filled up with blanks."""
    sizes = [max(len(text) for text, _ in column) + GAP for column in row]
    lines = []
    for pieces in zip_longest(*row, fillvalue=("", False)):
        line = [(text.ljust(size), title) for (text, title), size in zip(pieces, sizes, strict=True)]
        while len(line) > 1 and not line[-1][0].strip():
            line.pop()
        lines.append([*line[:-1], (line[-1][0].rstrip(), line[-1][1])])
    return lines


def pattern_panel(j: JacobianReport, form: Unfolding, width: int) -> list[Lines]:
    """Return the sparsity pattern of the form; for a tensor, whose slices show little of it, that of the vec matrix."""
    if j.arrangement is None:
        return []
    if form.name in ("vec", "tensor"):
        drawn = spy_with_scales(j.arrangement, width, marked=j.spurious)
        return [["pattern" if form.name == "vec" else "pattern, as vec", *drawn]]
    marked = None if j.spurious is None else form.placed(j.spurious.pattern)
    return [["pattern", *spy_with_scales(form.placed(j.arrangement.pattern), width, marked=marked)]]


def plain(line: Line) -> str:
    """Return a line without its division into pieces."""
    return "".join(text for text, _ in line)
