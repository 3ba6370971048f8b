"""Parts of a report as styled lines of a terminal: headline, facts, tables, panels, findings. Next: text, details."""

from collections.abc import Iterable, Iterator

from jacinspect.inspection.codes import Finding
from jacinspect.inspection.report import Report
from jacinspect.views.cells import Panel
from jacinspect.views.facts import formulas, headline
from jacinspect.views.outcome import outcome
from jacinspect.views.panels import Line, aligned, side_by_side
from jacinspect.views.styled import MARKED, StyledLine
from jacinspect.views.wrapping import hanging
from jacinspect.wording import printable

__all__ = [
    "LABEL",
    "facts_lines",
    "finding_lines",
    "head_lines",
    "panel_lines",
    "second_lines",
    "spectrum_lines",
    "styled",
    "table_lines",
    "verdict_style",
]

LABEL = 13  # columns of the labels: the longest, "diagonality", and two
_FINDING = 12  # columns of "J001 error", and two
_STYLES = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}


def verdict_style(report: Report) -> str:
    """Return the style of the verdict, neutral where there is none."""
    return "bold" if report.structure_only else _STYLES[report.verdict]


def head_lines(report: Report, width: int) -> Iterator[StyledLine]:
    """Yield the function, the shapes and the outcome, in one line where that fits; then the formulas."""
    name, shapes = headline(report)
    said, style = outcome(report), verdict_style(report)
    if len(name) + 2 + len(shapes) + 3 + len(said) <= width:
        yield StyledLine((printable(name), "bold"), f"  {shapes}   ", (said, style))
    else:
        yield from hanging("", f"{name}  {shapes}", 0, width)
        for line in hanging(said[:2], said[2:], 2, width):  # below each other, after the sign
            yield line.styled(style)
    lines = list(formulas(report))
    indent = max((len(label) for label, _ in lines), default=0)
    for label, text in lines:
        sign = f"{label:{indent}} = " if label else ""
        yield from hanging(sign, text, len(sign), width)


def facts_lines(facts: Iterable[tuple[str, str]], width: int) -> Iterator[StyledLine]:
    """Yield each fact beside its label, wrapped, the label's column left free below it."""
    for label, text in facts:
        yield from hanging(label, text, LABEL, width, "cyan")


def table_lines(table: list[list[str]], indent: int, width: int) -> Iterator[StyledLine]:
    """Yield a table's rows; those that are too wide are wrapped."""
    for line, row in zip(aligned(table) if table else [], table, strict=True):
        if len(line) <= width - indent:
            yield StyledLine(" " * indent + line, wraps=False)
        else:
            yield from hanging(" " * indent, " ".join(row), indent, width)


def finding_lines(findings: Iterable[Finding], width: int) -> Iterator[StyledLine]:
    """Yield each finding beside its code and severity."""
    for finding in findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        label = f"{finding.code} {finding.severity}"
        yield from hanging(label, f"{finding.name}: {finding.message}", _FINDING, width, style)


def second_lines(report: Report, width: int) -> Iterator[StyledLine]:
    """Yield what was found of the second order, and a small Hessian; nothing where it was not asked for."""
    if report.second_order is None:
        return
    from jacinspect.views.second import hessian_panel, second_order  # which few inspections need

    yield from facts_lines(second_order(report), width)
    yield StyledLine()
    panel = hessian_panel(report)
    if panel is not None:
        for row in side_by_side([panel_lines([panel])], width):
            yield from styled(row)


def spectrum_lines(report: Report, width: int) -> Iterator[StyledLine]:
    """Yield what was found of the spectrum; nothing where it was not asked for."""
    if report.spectrum is None:
        return
    from jacinspect.views.spectrum import spectrum  # which imports all that finds one

    facts = list(spectrum(report))
    if facts:
        yield from facts_lines(facts, width)
        yield StyledLine()


def panel_lines(panels: Iterable[Panel]) -> list[list[str]]:
    """Write each panel as its title and aligned lines below."""
    return [[title, *aligned(cells)] for title, cells in panels]


def styled(row: Iterable[Line]) -> Iterator[StyledLine]:
    """Yield a row of panels, titles bold, dots and frames dim, marks in colour; a blank line ends it."""
    for line in row:
        yield StyledLine(*((text, "bold" if is_title else MARKED) for text, is_title in line), wraps=False)
    yield StyledLine()
