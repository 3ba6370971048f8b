"""A Jacobian as a PNG image, drawn by matplotlib: what `svg` draws, in dots. A pure function."""

from io import BytesIO
from typing import Any

from jacinspect.inspection.report import Report
from jacinspect.views.picture import FAINTEST, MINUS, PLUS, RULE, WRONG, Picture, picture

__all__ = ["render"]

_INCHES, _DOTS = 5.0, 200  # of the longer side of the matrix; dots an inch, which is sharp on paper
_NARROWEST, _TITLE = 1.25, 4.0  # inches of the shorter side; and what the title needs


def render(report: Report, form: str = "vec") -> bytes:
    """Draw the Jacobian in one of `choices.Form`; the vec order and the layout are the report's.

    Raises
    ------
    InputError
        As `picture.picture`.
    """
    from matplotlib.figure import Figure

    drawn = picture(report, form)
    rows, columns = (max(length, 1) for length in drawn.shape)
    high, wide = (max(_INCHES * length / max(rows, columns), _NARROWEST) for length in (rows, columns))
    figure = Figure(figsize=(max(wide, _TITLE) + 1, high + 1.2), layout="constrained")
    figure.suptitle(f"{drawn.title}\n{drawn.subtitle}", fontsize=9, parse_math=False)
    axes = figure.add_subplot()
    axes.set_box_aspect(high / wide)
    _marks(axes, drawn, points=72 * wide / columns)
    _lines(axes, drawn)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=_DOTS, metadata={"Software": None})  # equal runs give equal bytes
    return file.getvalue()


def _marks(axes: Any, drawn: Picture, points: float) -> None:
    """Draw entries or tiles on matplotlib's axes; a column is so many points wide."""
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    rectangles, colours, edges = [], [], []
    longest = max((len(mark.text) for mark in drawn.marks), default=0)
    for mark in drawn.marks:
        opacity = max(abs(mark.strength) ** 0.5, FAINTEST) * (0.6 if mark.text else 1)
        rectangles.append(Rectangle((mark.column, mark.row), mark.width, mark.height))
        colours.append(to_rgba(PLUS if mark.strength >= 0 else MINUS, opacity))
        edges.append(to_rgba(WRONG) if mark.wrong else (0, 0, 0, 0))
        if mark.text:
            size = min(9.0, points / (0.62 * longest + 0.6))
            middle = mark.column + 0.5, mark.row + 0.5
            axes.text(*middle, mark.text, fontsize=size, ha="center", va="center")
    axes.add_collection(PatchCollection(rectangles, facecolors=colours, edgecolors=edges, linewidths=1))


def _lines(axes: Any, drawn: Picture) -> None:
    """Draw the lines between blocks and the labels of the axes, those of the columns above."""
    rows, columns = drawn.shape
    axes.set(xlim=(0, max(columns, 1)), ylim=(max(rows, 1), 0))
    axes.hlines(drawn.row_lines, 0, columns, colors=RULE, linewidths=0.7)
    axes.vlines(drawn.column_lines, 0, rows, colors=RULE, linewidths=0.7)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(f"{drawn.column_title} →", loc="left", fontsize=8)
    axes.set_ylabel(f"← {drawn.row_title}", loc="top", fontsize=8)
    axes.set_xticks([at + 0.5 for at, _ in drawn.column_labels], [label for _, label in drawn.column_labels])
    axes.set_yticks([at + 0.5 for at, _ in drawn.row_labels], [label for _, label in drawn.row_labels])
    axes.tick_params(length=0, labelsize=7)
    for side in ("top", "bottom"):
        axes.spines[side].set_visible(False)
