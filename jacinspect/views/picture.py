"""What a picture of a Jacobian shows: entries or tiles, lines between blocks, labels of the axes. Next: svg, png."""

from collections.abc import Iterator

import numpy as np

from jacinspect.errors import InputError
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.records import dataclass
from jacinspect.views.facts import headline, short
from jacinspect.views.page.entries import Entries
from jacinspect.wording import format_shape, printable

__all__ = ["FAINTEST", "MINUS", "PLUS", "RULE", "WRONG", "Mark", "Picture", "picture"]

PLUS, MINUS, WRONG, RULE = "#2f78b7", "#d07c1c", "#c2390f", "#b9bbb5"  # as in page.css
FAINTEST = 0.08  # of a mark's opacity: a stored 0 is part of the pattern
_DRAWN = 4096  # entries that are drawn one by one; more are drawn by tiles
_WRITTEN = 12  # rows and columns of a matrix whose numbers are written into its cells
_LABELLED, _TICKS = 16, 5  # rows whose labels are all written; labels along a longer side
_LINES = 64  # blocks along a side, above which lines would hide what is between them


@dataclass(frozen=True)
class Mark:
    """An entry, or a tile of entries: where it begins, its size, how strong it is from -1 to 1, and what is written.

    The strength of a pattern without values is 1. `wrong` is whether the derivative disagrees there.
    """

    row: int
    column: int
    height: int
    width: int
    strength: float
    text: str
    wrong: bool


@dataclass(frozen=True)
class Picture:
    """A matrix to draw: its marks, lines before these rows and columns, and labels (place, text) along its axes."""

    title: str
    subtitle: str
    shape: tuple[int, int]
    marks: tuple[Mark, ...]
    row_lines: tuple[int, ...]
    column_lines: tuple[int, ...]
    row_labels: tuple[tuple[int, str], ...]
    column_labels: tuple[tuple[int, str], ...]
    row_title: str
    column_title: str
    largest: str  # the magnitude of strength 1; empty where there are no values


def picture(report: Report, form: str = "vec") -> Picture:
    """Return the picture of a Jacobian in one of `choices.Form`.

    Raises
    ------
    InputError
        When there is no Jacobian, its pattern is not known, or the form has no place for more axes.
    """
    j, arranged = report.jacobian, report.form(form)
    if j is None or arranged is None:
        raise InputError(f"there is no Jacobian ({report.findings[0].code} {report.findings[0].name})")
    if j.arrangement is None:
        raise InputError("the pattern of the Jacobian is not known (J007);\nraise --max-evaluations or --memory")
    entries = Entries.of_report(j)
    judged = entries.numeric if entries.analytic is None else entries.analytic
    known = np.zeros(0) if judged is None else np.abs(judged[np.isfinite(judged)])
    largest = float(known.max(initial=0))
    kind = j.structure if form == "vec" else f"as {form}"
    rows, columns = (
        _lines(each, length) for each, length in zip(_division(j, arranged), arranged.matrix_shape, strict=True)
    )
    matrix = f"{report.names.own(_of(arranged))}, {format_shape(arranged.shape)}"
    return Picture(
        title=printable(headline(report)[0]),
        subtitle=f"{matrix}, {kind}: {entries.number} of {j.entries} entries",
        shape=arranged.matrix_shape,
        marks=tuple(_marks(entries, arranged, largest or 1.0)),
        row_lines=rows,
        column_lines=columns,
        row_labels=tuple((k, arranged.row_label(k)) for k in _ticks(arranged.matrix_shape[0])),
        column_labels=tuple((k, arranged.column_label(k)) for k in _ticks(arranged.matrix_shape[1])),
        row_title=arranged.row_letters,
        column_title=arranged.column_letters,
        largest="" if judged is None else short(largest),
    )


def _of(form: Unfolding) -> str:
    if form.name != "vec":
        return "∂A/∂X"
    return "∂vec(A)/∂vec(X)" if form.layout == "numerator" else "∂vec(A)ᵀ/∂vec(X)"


def _marks(entries: Entries, form: Unfolding, largest: float) -> Iterator[Mark]:
    placed = form.placed_at(entries.outputs, entries.inputs)
    if entries.number > _DRAWN:
        yield from _tiles(entries.counted(), form, largest)
        return
    judged = entries.numeric if entries.analytic is None else entries.analytic
    written = judged is not None and max(form.matrix_shape) <= _WRITTEN
    for k, (row, column) in enumerate(zip(placed.rows.tolist(), placed.columns.tolist(), strict=True)):
        value = None if judged is None else float(judged[k])
        wrong = entries.status is not None and entries.status[k] == Status.DISAGREES and entries.analytic is not None
        yield Mark(row, column, 1, 1, _strength(value, largest), short(value, 3) if written else "", bool(wrong))


def _tiles(entries: Entries, form: Unfolding, largest: float) -> Iterator[Mark]:
    tiles = entries.tiles(form.placed_at(entries.outputs, entries.inputs))
    high, wide = tiles["tile"]
    values, statuses = (tiles[of] or [None] * len(tiles["at"]) for of in ("largest", "status"))
    for at, value, status in zip(tiles["at"], values, statuses, strict=True):
        row, column = divmod(at, tiles["grid"][1])
        wrong = status == Status.DISAGREES and entries.analytic is not None
        yield Mark(row * high, column * wide, high, wide, _strength(value, largest), "", wrong)


def _strength(value: float | str | None, largest: float) -> float:
    if value is None or isinstance(value, str) or not np.isfinite(value):
        return 1.0
    return float(np.clip(value / largest, -1, 1))


def _division(j: JacobianReport, form: Unfolding) -> tuple[int, int]:
    """Return after how many rows and columns a line divides the matrix: its diagonal blocks, or those of the form."""
    blocks = j.blocks
    if form.name == "vec" and blocks is not None and blocks.shape is not None and blocks.vec == j.vec:
        return blocks.shape
    return form.division


def _lines(every: int, length: int) -> tuple[int, ...]:
    return tuple(range(every, length, every)) if every and length <= _LINES * every else ()


def _ticks(length: int) -> list[int]:
    """Return the rows or columns that have a label."""
    if length <= _LABELLED:
        return list(range(length))
    return [k * (length - 1) // (_TICKS - 1) for k in range(_TICKS)]
