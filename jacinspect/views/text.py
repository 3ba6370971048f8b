"""A Report for a terminal: the verdict, what it means, the numbers that are looked at first. A pure function.

Large arrays are shown by their pattern and their corners, never as pages of numbers.
"""

from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.views.brief import narrow, worst_entries
from jacinspect.views.cells import few_panels, is_whole, jacobian_groups
from jacinspect.views.facts import answers, points
from jacinspect.views.lines import (
    facts_lines,
    finding_lines,
    head_lines,
    panel_lines,
    second_lines,
    spectrum_lines,
    styled,
    table_lines,
)
from jacinspect.views.outcome import SIGNS
from jacinspect.views.panels import GAP, Line, pattern_panel, side_by_side
from jacinspect.views.sentences import of_outcome, of_structure
from jacinspect.views.styled import StyledLine, StyledText
from jacinspect.views.wrapping import hanging
from jacinspect.wording import counted, rounded_up

__all__ = ["as_html", "headline", "plain", "plain_headline", "render"]

_NARROW = 24  # columns that corners of J are given at least


def headline(report: Report) -> StyledText:
    """Return the function, the shapes and the outcome in one line, however long."""
    return StyledText([next(head_lines(report, 10**6))])


def render(report: Report, width: int, full: bool = False, form: str = "vec") -> StyledText:
    """Lay out what is looked at first in `width` columns, the Jacobian in one of `choices.Form`.

    With `full`, arrays are shown whatever their size.

    Raises
    ------
    InputError
        With `full`, when a dense matrix exceeds the memory budget; for a form that has no place for more axes.
    """
    errors = [finding for finding in report.findings if finding.severity == "error"]
    notes = [finding for finding in report.findings if finding.severity == "note" and finding.code != "J009"]
    j, arranged = report.jacobian, report.form(form, full)
    lines = [*head_lines(report, width), StyledLine(), *_sentences(of_outcome(report), width)]
    if errors:
        lines += [*finding_lines(errors, width), *table_lines(_worst(report), 2, width), StyledLine()]
    if j is not None and arranged is not None:
        lines += _sentences(of_structure(report, j, arranged), width)
        lines += [StyledLine(), *facts_lines([*answers(report, j, arranged), *points(report)], width), StyledLine()]
        lines += [*_numbers(report, j, arranged, width, full), *spectrum_lines(report, width)]
        lines += second_lines(report, width)
    if notes:
        lines += [*finding_lines(notes, width), StyledLine()]
    for part in _measured(report, width):
        lines += hanging("", part, 0, width)
    return StyledText([*lines, *hanging("", "--details for the rest; jacinspect explain WORD", 0, width)])


def plain(report: Report, width: int) -> str:
    """Return what a terminal of so many columns shows, without colours."""
    return render(report, width).wrapped(width)


def plain_headline(report: Report) -> str:
    """Return the headline as text."""
    return headline(report).plain


def as_html(report: Report, width: int) -> str:
    """Return what a terminal of so many columns shows, with its colours, as an element of a notebook."""
    from rich.console import Console

    console = Console(
        file=StringIO(), width=width, record=True, force_terminal=True, force_jupyter=False, highlight=False
    )
    console.print(render(report, width))
    return console.export_html(inline_styles=True, code_format='<pre style="line-height: 1.25">{code}</pre>')


def _sentences(sentences: Iterable[str], width: int) -> Iterator[StyledLine]:
    for sentence in sentences:
        yield from hanging("", sentence, 0, width)


def _worst(report: Report) -> list[list[str]]:
    """Tabulate the worst entries, where there are more than the one that the finding names."""
    rows = worst_entries(report.agreement)
    return narrow(rows) if len(rows) > 2 else []  # a header, and two


def _numbers(report: Report, j: JacobianReport, form: Unfolding, width: int, full: bool) -> Iterator[StyledLine]:
    """Yield X, A', the Jacobian, dX and its products, in whichever arrangement takes the fewest lines."""
    by = ", numeric" if j.analytic is None else ", as claimed" if report.is_refuted else ""
    title = f"J{'' if form.name == 'vec' else f' as {form.name}'}{by}"
    shown = ((title, "judged"),)
    groups = [*jacobian_groups(report, form, width, full, shown)]
    pattern = [] if is_whole(groups) else pattern_panel(j, form, width)
    point, products = (panel_lines(panels) for panels in few_panels(report, j, width, full))
    if form.is_matrix:
        matrix = [*pattern, *(panel for group in groups for panel in panel_lines(group))]
        alone, left = [[panel] for panel in matrix], [*point, *products]
        if pattern:
            beside = max(width - max(len(line) for panel in left for line in panel) - GAP, _NARROW)
            corners = panel_lines(chain(*jacobian_groups(report, form, beside, full, shown)))
            matrix = [*pattern, *corners]
        candidates = (
            [point, matrix, products],
            [left, matrix],
            [left, *alone],
            [*([panel] for panel in point), *alone, *([panel] for panel in products)],
        )
        rows = min(([*side_by_side(columns, width)] for columns in candidates), key=_height)
    else:
        columns = [[point, products], [pattern], *([[panel] for panel in panel_lines(group)] for group in groups)]
        rows = [row for line in columns for row in side_by_side(line, width)]
    for row in rows:
        yield from styled(row)


def _height(rows: list[list[Line]]) -> int:
    return sum(len(row) + 1 for row in rows)


def _measured(report: Report, width: int) -> list[str]:
    """Say how precise the numeric Jacobian is, how much of that the derivative takes; and what it took, beside it."""
    # The report of what does not pass is long, and the first line with the verdict has scrolled away.
    again = "" if report.verdict == "pass" else f"{SIGNS[report.verdict]} {report.verdict}: "
    calls = f"{counted(report.calls, 'call')} of f"
    a = report.agreement
    if a is None or not a.max_error_bar:
        return [again + calls]
    off = "" if a.max_ratio is None else ", no difference"
    if a.max_ratio:
        share = f"{100 * a.max_ratio:.2g} % of" if a.max_ratio <= 1 else f"{a.max_ratio:.1g} times"
        off = f", largest difference {share} its bar"
    precise = f"{again}numeric J within ±{rounded_up(a.max_error_bar)}{off}"
    together = f"{precise} · {calls}"
    return [together] if len(together) <= width else [precise, calls]
