"""A Report for a terminal: the facts first, then the numbers. A pure function.

Large arrays are shown by their pattern and their corners, never as pages of numbers.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from rich.console import Group, RenderableType
from rich.text import Text

from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import JacobianReport
from jacinspect.jacobian.unfolding import Unfolding
from jacinspect.views.cells import WHOLE, Cells, jacobian_groups, point_panels, product_groups
from jacinspect.views.facts import answers, background, blocks, costs, formulas, headline, reservation, verdict_of
from jacinspect.views.panels import aligned, side_by_side
from jacinspect.views.second import hessian_panel, second_order
from jacinspect.views.spy import spy_with_scales
from jacinspect.views.wrapping import hanging
from jacinspect.wording import printable

__all__ = ["render"]

_LABEL = 13  # columns of the labels: the longest, "diagonality", and two
_STYLES = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}

_MARKS = {  # runs of each, since a style for every character takes long in a large matrix
    r"[·…](?: *[·…])*|[┌─┐│└┘]+|\(no entries\)": "dim",
    r"■(?: *■)*": "bold cyan",
    r"✗": "bold red",
    r"[\u2800-\u28ff]+": "cyan",
}


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
        parts = blocks(report, j)
        lines += _table("blocks", "the structure of ∂(each part of A)/∂(each part of X)", parts, width)
        lines += [Text()] * bool(parts)
        lines += _numbers(report, j, arranged, width, full)
        lines += _second_order(report, width)
        lines += _table(
            "cost", "bytes and multiplications of one product with J, by entries of X", costs(report, j), width
        )
        lines += [*_facts(background(report, j, arranged), width), Text()]
    if report.findings:
        lines += [*_findings(report, width), Text()]
    if reservation(report):
        lines += [*hanging("", reservation(report), 0, width), Text()]
    return Group(*lines, Text(verdict_of(report, "verdict: "), style=_style(report)))


def _second_order(report: Report, width: int) -> Iterator[Text]:
    facts = list(second_order(report))
    if not facts:
        return
    yield from _facts(facts, width)
    yield Text()
    panel = hessian_panel(report)
    if panel is not None:
        for row in side_by_side(_panels([panel]), width):
            yield from _styled(row)


def _style(report: Report) -> str:
    return "bold" if report.structure_only else _STYLES[report.verdict]


def _headline(report: Report, width: int) -> Iterator[Text]:
    name, shapes = headline(report)
    verdict = Text(verdict_of(report), style=_style(report))
    if len(name) + 2 + len(shapes) + 3 + len(verdict) <= width:
        yield Text.assemble((printable(name), "bold"), f"  {shapes}   ", verdict)
    else:
        yield from hanging("", f"{name}  {shapes}", 2, width)
        yield verdict
    lines = list(formulas(report))
    indent = max((len(label) for label, _ in lines), default=0)
    for label, text in lines:
        sign = f"{label:{indent}} = " if label else ""
        yield from hanging(sign, text, len(sign), width)


def _numbers(report: Report, j: JacobianReport, form: Unfolding, width: int, full: bool) -> Iterator[Text]:
    """Yield the arrays and matrices: X and f(X), the Jacobian, the Hadamard product, the chain rule.

    Each of these begins on a new line, except where only corners are shown, which should take few lines.
    """
    jacobian = [_panels(group) for group in jacobian_groups(j, form, width, full)] or [[]]
    jacobian[0] = _pattern(j, form, width) + jacobian[0]
    products = [_panels(group) for group in product_groups(report, width, full)]
    groups = [_panels(point_panels(report, j, width, full)), *jacobian, *products]
    corners = max(report.operand.values.shape, default=0) > WHOLE and form.is_matrix
    for group in [chain.from_iterable(groups)] if corners else groups:
        for row in side_by_side(group, width):
            yield from _styled(row)


def _table(label: str, title: str, table: list[list[str]], width: int) -> Iterator[Text]:
    """Yield a table beside its label; where it is too wide, each of its rows is wrapped."""
    if not table:
        return
    yield from hanging(label, title, _LABEL, width, "cyan")
    for line, row in zip(aligned(table), table, strict=True):
        if len(line) <= width - _LABEL:
            yield Text(" " * _LABEL + line, no_wrap=True)
        else:
            yield from hanging(" " * _LABEL, " ".join(row), _LABEL, width)


# --- Panels as lines --------------------------------------------------------------------------------------------------


def _panels(panels: Iterable[tuple[str, Cells]]) -> list[list[str]]:
    return [[title, *aligned(cells)] for title, cells in panels]


def _pattern(j: JacobianReport, form: Unfolding, width: int) -> list[list[str]]:
    """Return the sparsity pattern of the form; for a tensor, whose slices show little of it, that of the vec matrix."""
    if j.arrangement is None:
        return []
    if form.name in ("vec", "tensor"):
        drawn = spy_with_scales(j.arrangement, width, marked=j.spurious)
        return [["pattern" if form.name == "vec" else "pattern, as vec", *drawn]]
    marked = None if j.spurious is None else form.placed(j.spurious.pattern)
    return [["pattern", *spy_with_scales(form.placed(j.arrangement.pattern), width, marked=marked)]]


def _styled(lines: list[str]) -> Iterator[Text]:
    """Yield a row of panels, its titles bold, dots and frames dim, marks in colour; a blank line ends it."""
    titles, *rest = lines
    yield Text(titles, style="bold", no_wrap=True)
    for line in rest:
        styled = Text(line, no_wrap=True)
        for marks, style in _MARKS.items():
            styled.highlight_regex(marks, style)
        yield styled
    yield Text()


# --- Words ----------------------------------------------------------------------------------------------------------


def _facts(facts: Iterable[tuple[str, str]], width: int) -> Iterator[Text]:
    """Yield each fact beside its label, wrapped, the label's column left free below it."""
    for label, text in facts:
        yield from hanging(label, text, _LABEL, width, "cyan")


def _findings(report: Report, width: int) -> Iterator[Text]:
    for finding in report.findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        label = f"{finding.code} {finding.severity}"
        yield from hanging(label, f"{finding.name}: {finding.message}", 12, width, style)
