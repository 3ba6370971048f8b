"""Everything that a report knows, for a terminal: the facts first, then the numbers. A pure function."""

from collections.abc import Iterator
from itertools import chain

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.views.background import background, blocks, costs, duration
from jacinspect.views.cells import WHOLE, is_whole, jacobian_groups, point_panels, product_groups
from jacinspect.views.facts import answers, points, reasons
from jacinspect.views.lines import (
    LABEL,
    facts_lines,
    finding_lines,
    head_lines,
    panel_lines,
    second_lines,
    spectrum_lines,
    styled,
    table_lines,
    verdict_style,
)
from jacinspect.views.outcome import verdict_of
from jacinspect.views.panels import pattern_panel, side_by_side
from jacinspect.views.styled import StyledLine, StyledText

__all__ = ["render"]


def render(report: Report, width: int, full: bool = False, form: str = "vec") -> StyledText:
    """Lay out all of a report in `width` columns; see `text.render`.

    Raises
    ------
    InputError
        With `full`, when a dense matrix exceeds the memory budget; for a form that has no place for more axes.
    """
    lines = [*head_lines(report, width), StyledLine()]
    j, arranged = report.jacobian, report.form(form, full)
    if j is not None and arranged is not None:
        lines += [*facts_lines([*answers(report, j, arranged), *reasons(report, j, arranged)], width), StyledLine()]
        parts = blocks(report, j)
        lines += _table(
            "blocks", report.names.own("the structure of ∂(each part of A)/∂(each part of X)"), parts, width
        )
        lines += [StyledLine()] * bool(parts)
        lines += _numbers(report, j, arranged, width, full)
        lines += [*spectrum_lines(report, width), *second_lines(report, width)]
        cost = f"bytes and multiplications of one product with J, by entries of {report.names.x}"
        lines += _table("cost", cost, costs(report, j), width)
        facts = [*background(report, j, arranged), *duration(report), *points(report)]
        lines += [*facts_lines(facts, width), StyledLine()]
    if report.findings:
        lines += [*finding_lines(report.findings, width), StyledLine()]
    said = verdict_of(report)
    verdict = said if report.structure_only else f"verdict: {said}"
    return StyledText([*lines, StyledLine((verdict, verdict_style(report)))])


def _table(label: str, title: str, table: list[list[str]], width: int) -> Iterator[StyledLine]:
    if table:
        yield from facts_lines([(label, title)], width)
        yield from table_lines(table, LABEL, width)


def _numbers(report: Report, j: JacobianReport, form: Unfolding, width: int, full: bool) -> Iterator[StyledLine]:
    """Yield the arrays and matrices: X and f(X), the Jacobian, the Hadamard product, the chain rule.

    Each of these begins on a new line, except where only corners are shown, which should take few lines.
    """
    shown = [*jacobian_groups(report, form, width, full)]
    jacobian = [panel_lines(group) for group in shown] or [[]]
    if not is_whole(shown):
        jacobian[0] = pattern_panel(j, form, width) + jacobian[0]
    products = [panel_lines(group) for group in product_groups(report, width, full)]
    groups = [panel_lines(point_panels(report, j, width, full)), *jacobian, *products]
    corners = max(report.operand.values.shape, default=0) > WHOLE and form.is_matrix
    for group in [chain.from_iterable(groups)] if corners else groups:
        for row in side_by_side(([panel] for panel in group), width):
            yield from styled(row)
