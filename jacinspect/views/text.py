"""A Report for a person at a terminal: what is asked first stands first, then the numbers. A pure function.

What is too large to be read is shown by its pattern and its corners, never as pages of numbers.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, zip_longest
from textwrap import wrap

from rich.console import Group, RenderableType
from rich.text import Text

from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import JacobianReport
from jacinspect.jacobian.layouts import Unfolding
from jacinspect.views.cells import GAP, NOTHING, WHOLE, Cells, jacobian_groups, point_panels, product_groups
from jacinspect.views.facts import SIGNS, answers, background, costs, formulas, headline, reservation
from jacinspect.views.spy import spy_with_scales
from jacinspect.wording import printable

__all__ = ["render"]

_GAP = 4  # columns between panels
_STYLED = 1024  # cells of a matrix in which dots are dimmed; styles take long
_STYLES = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}

Panel = tuple[str, list[Text]]  # a title, and lines below it


def render(report: Report, width: int, full: bool = False, form: str = "vec") -> RenderableType:
    """Lay the report out in `width` columns, the Jacobian in one of `choices.Form`; with `full`, whatever its size.

    Raises
    ------
    InputError
        With `full`, when a dense matrix exceeds the memory budget; for a form that has no place for more axes.
    """
    if full:
        report.require_dense_fits()
    lines = [*_headline(report, width), Text()]
    j, arranged = report.jacobian, report.form(form)
    if j is not None and arranged is not None:
        lines += [*_facts(answers(report, j, arranged), width), Text()]
        lines += _numbers(report, j, arranged, width, full)
        lines += _costs(report, j, width)
        lines += [*_facts(background(report, j, arranged), width), Text()]
    if report.findings:
        lines += [*_findings(report, width), Text()]
    if reservation(report):
        lines += [*_hanging("", 0, "", reservation(report), width), Text()]
    return Group(*lines, Text(f"verdict: {SIGNS[report.verdict]} {report.verdict}", style=_STYLES[report.verdict]))


def _headline(report: Report, width: int) -> Iterator[Text]:
    name, shapes = headline(report)
    told = Text(f"{SIGNS[report.verdict]} {report.verdict}", style=_STYLES[report.verdict])
    if len(name) + 2 + len(shapes) + 3 + len(told) <= width:
        yield Text.assemble((printable(name), "bold"), f"  {shapes}   ", told)
    else:
        yield from _hanging("", 2, "", f"{name}  {shapes}", width)
        yield told
    lines = list(formulas(report))
    indent = max((len(label) for label, _ in lines), default=0)
    for label, text in lines:
        sign = f"{label:{indent}} = " if label else ""
        yield from _hanging(sign, len(sign), "", text, width)


def _numbers(report: Report, j: JacobianReport, form: Unfolding, width: int, full: bool) -> Iterator[Text]:
    """Give the arrays and matrices: point and value, the Jacobian, the Hadamard product, the chain rule.

    Each of these begins on a line of its own, except where only corners are shown: a glimpse should be short.
    """
    jacobian = [_panels(group) for group in jacobian_groups(j, form, width, full)] or [[]]
    jacobian[0] = _pattern(j, form, width) + jacobian[0]
    products = [_panels(group) for group in product_groups(report, width, full)]
    groups = [_panels(point_panels(report, j, width, full)), *jacobian, *products]
    glimpse = max(report.operand.values.shape, default=0) > WHOLE and form.is_matrix
    for row in [chain.from_iterable(groups)] if glimpse else groups:
        yield from _flow(row, width)


def _costs(report: Report, j: JacobianReport, width: int) -> Iterator[Text]:
    """Give the cost table below a label among the facts'; where it is too wide, each of its rows wrapped."""
    table = costs(report, j)
    if not table:
        return
    yield from _hanging("cost", 13, "cyan", "bytes and multiplications of one product with J, by entries of X", width)
    for line, row in zip(_aligned(table), table, strict=True):
        if line.cell_len <= width - 13:
            yield Text(" " * 13).append_text(line)
        else:
            yield from _hanging("", 13, "", " ".join(row), width)


# --- Panels as lines --------------------------------------------------------------------------------------------------


def _panels(panels: Iterable[tuple[str, Cells]]) -> list[Panel]:
    return [(title, _aligned(cells)) for title, cells in panels]


def _pattern(j: JacobianReport, form: Unfolding, width: int) -> list[Panel]:
    """Give the sparsity pattern of the form; of a tensor, whose slices show little of it, that of the vec matrix."""
    if j.arrangement is None:
        return []
    if form.name in ("vec", "tensor"):
        return [("pattern" if form.name == "vec" else "pattern, as vec", spy_with_scales(j.arrangement, width))]
    return [("pattern", spy_with_scales(form.placed(j.arrangement.pattern), width))]


def _aligned(cells: Cells) -> list[Text]:
    if not cells or not cells[0]:
        return [Text("(no entries)", style="dim")]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if len(cells) * len(widths) > _STYLED:
        return [Text("  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)), no_wrap=True) for row in cells]
    lines = []
    for row in cells:
        line = Text(no_wrap=True)
        for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
            line.append(f"{'  ' if position else ''}{cell:>{width}}", style="dim" if cell in (GAP, NOTHING) else "")
        lines.append(line)
    return lines


def _flow(panels: Iterable[Panel], width: int) -> Iterator[Text]:
    """Set panels side by side while they fit, and go on below; a blank line ends each row of them."""
    row: list[Panel] = []
    used = 0
    for title, lines in panels:
        size = max(len(title), *(line.cell_len for line in lines), 0)
        if row and used + _GAP + size > width:
            yield from _beside(row)
            row, used = [], 0
        used += (_GAP if row else 0) + size
        row.append((title, lines))
    if row:
        yield from _beside(row)


def _beside(panels: list[Panel]) -> Iterator[Text]:
    columns = [[Text(title, style="bold"), *lines] for title, lines in panels]
    starts = list(accumulate((max(line.cell_len for line in column) + _GAP for column in columns), initial=0))
    for row in zip_longest(*columns):
        line = Text(no_wrap=True)
        for part, start in zip(row, starts, strict=False):
            if part is not None:
                line.append(" " * (start - line.cell_len)).append_text(part)
        yield line
    yield Text()


# --- Words ----------------------------------------------------------------------------------------------------------


def _facts(facts: Iterable[tuple[str, str]], width: int) -> Iterator[Text]:
    """Set each fact beside its label, wrapped, the label's column left free below it."""
    for label, text in facts:
        yield from _hanging(label, 13, "cyan", text, width)


def _findings(report: Report, width: int) -> Iterator[Text]:
    for finding in report.findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        label = f"{finding.code} {finding.severity}"
        yield from _hanging(label, 12, style, f"{finding.name}: {finding.message}", width)


def _hanging(label: str, indent: int, style: str, text: str, width: int) -> Iterator[Text]:
    lines = wrap(printable(text), max(width - indent, 20), break_on_hyphens=False) or [""]
    yield Text.assemble((label.ljust(indent), style), lines[0])
    for line in lines[1:]:
        yield Text(" " * indent + line)
