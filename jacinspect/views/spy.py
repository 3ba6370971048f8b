"""A sparsity pattern drawn in characters: a square for each entry where that fits, else braille dots."""

from typing import Protocol

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array

__all__ = ["Placed", "spy", "spy_with_scales"]

_SMALL = 16  # rows and columns up to which every entry is drawn: 16 squares take 31 columns
_MARGIN = 2  # columns between a scale and the drawing
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of a braille character, by row and column


class Placed(Protocol):
    """A pattern to draw: a matrix's shape, and the row and column of each of its entries."""

    @property
    def shape(self) -> tuple[int, int]: ...  # noqa: D102

    @property
    def rows(self) -> Array: ...  # noqa: D102

    @property
    def columns(self) -> Array: ...  # noqa: D102


def spy(arrangement: Placed, width: int, height: int = 8, marked: Placed | None = None) -> list[str]:
    """Draw a pattern in at most `width` columns and `height` lines; a dot of a large one stands for many entries.

    Entries of a second pattern are `marked` by a cross where every entry is drawn.
    """
    rows, columns = arrangement.shape
    if not rows or not columns:
        return ["(no entries)"]
    if _one_by_one(arrangement.shape, width):
        marks = np.full((rows, columns), "·")
        marks[arrangement.rows, arrangement.columns] = "■"
        if marked is not None:
            marks[marked.rows, marked.columns] = "✘"
        return [" ".join(line) for line in marks]
    return _braille(arrangement, width, height)


def spy_with_scales(arrangement: Placed, width: int, height: int = 8, marked: Placed | None = None) -> list[str]:
    """Draw a pattern as `spy` does, with the first and last column above it, the first and last row beside it."""
    rows, columns = arrangement.shape
    if not rows or not columns:
        return spy(arrangement, width, height, marked)
    margin = max(len(_ends(rows)), 1) + _MARGIN
    small = _one_by_one(arrangement.shape, width - margin)
    drawn = spy(arrangement, max(width - margin, 3), height, marked)
    inside = drawn if small else drawn[1:-1]
    first, last = ("0…" * (len(inside) == 1 < rows) + str(rows - 1), "") if len(inside) == 1 else ("0", str(rows - 1))
    labels = [first, *[""] * (len(inside) - 2), last][: len(inside)]
    labels = labels if small else ["", *labels, ""]
    margin = max(map(len, labels)) + _MARGIN
    beside = (f"{label:>{margin - _MARGIN}}{' ' * _MARGIN}" for label in labels)
    lines = [label + line for label, line in zip(beside, drawn, strict=True)]
    edge = 0 if small else 1
    across = _scale(columns, len(drawn[0]) - 2 * edge)
    return [" " * (margin + edge) + across, *lines]


def _scale(length: int, width: int) -> str:
    """Return 0 and the last index at the ends of `width` columns, or next to each other where that is too narrow."""
    last = str(length - 1)
    if length == 1:
        return last
    return f"0{last:>{width - 1}}" if len(last) + 2 <= width else _ends(length)


def _ends(length: int) -> str:
    return f"0…{length - 1}" if length > 1 else "0"


def _one_by_one(shape: tuple[int, int], width: int) -> bool:
    return shape[0] <= _SMALL and shape[1] <= min(_SMALL, width // 2)


def _braille(arrangement: Placed, width: int, height: int) -> list[str]:
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
    return [f"┌{edge}┐", *(f"│{''.join(map(chr, line))}│" for line in codes), f"└{edge}┘"]
