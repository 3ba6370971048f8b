"""The errors of a report in a few plain lines, for a failing test or check. Pure functions."""

from collections.abc import Iterator

from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import AgreementReport
from jacinspect.views.facts import headline
from jacinspect.views.panels import aligned
from jacinspect.wording import told_apart

__all__ = ["narrow", "problems", "render", "worst_entries"]

_DIGITS, _FEWER_DIGITS = 10, 6  # of an entry at least: for a log, and so that a table fits into 60 columns


def render(report: Report) -> str:
    """Return the verdict, the errors among the findings, and the worst entries, as plain text."""
    name, shapes = headline(report)
    return "\n".join([f"{name}: {report.verdict}, {shapes}", *(f"  {line}" for line in problems(report))])


def problems(report: Report, width: int = 10**6) -> Iterator[str]:
    """Yield the errors among the findings, line by line, and a table of the worst entries, which fits into `width`."""
    for finding in report.findings:
        if finding.severity == "error":
            yield from f"{finding.code} {finding.name}: {finding.message}".splitlines()
    yield from _table(report.agreement, width)
    if report.second_order is not None and report.second_order.gradient is not None:
        yield from _table(report.second_order.gradient.agreement, width)


def _table(agreement: AgreementReport | None, width: int) -> list[str]:
    rows = worst_entries(agreement, _DIGITS)
    lines = aligned(rows) if rows else []
    return lines if not lines or len(lines[0]) <= width else aligned(narrow(worst_entries(agreement, _FEWER_DIGITS)))


def narrow(rows: list[list[str]]) -> list[list[str]]:
    """Join the columns of the numeric value and its bar in a table of the worst entries."""
    beside = [
        [name, analytic, f"{numeric} ± {bar}" if bar else "", difference]
        for name, analytic, numeric, bar, difference in rows
    ]
    return [[*beside[0][:2], "numeric ± bar", beside[0][3]], *beside[1:]]


def worst_entries(agreement: AgreementReport | None, digits: int = _FEWER_DIGITS) -> list[list[str]]:
    """Tabulate the worst entries of a derivative that does not pass, a header first; of none, nothing.

    They are the wrong ones alone, where there are any, each with the mark that it has in J.
    """
    if agreement is None or agreement.verdict in ("pass", None) or not agreement.worst:
        return []
    rows = [["entry", "analytic", "numeric", "± error bar", "difference"]]
    wrong = [entry for entry in agreement.worst if entry.disagrees]
    for entry in wrong or agreement.worst:
        claimed = float("nan") if entry.analytic is None else entry.analytic
        analytic, numeric = told_apart(claimed, entry.numeric, digits=digits)
        marked = f"{'✘' * entry.disagrees}{analytic}"
        rows.append([entry.name, marked, numeric, f"{entry.error_bar:.1g}", f"{claimed - entry.numeric:.3g}"])
    if wrong and agreement.disagreeing > len(wrong):
        rows.append([f"and {agreement.disagreeing - len(wrong)} more", "", "", "", ""])
    return rows
