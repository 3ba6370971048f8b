"""The errors of a report in a few plain lines, for a failing test or check. Pure functions."""

from collections.abc import Iterator

from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import AgreementReport
from jacinspect.views.facts import headline
from jacinspect.views.panels import aligned
from jacinspect.wording import told_apart

__all__ = ["problems", "render", "worst_entries"]


def render(report: Report) -> str:
    """Return the verdict, the errors among the findings, and the worst entries, as plain text."""
    name, shapes = headline(report)
    return "\n".join([f"{name}: {report.verdict}, {shapes}", *(f"  {line}" for line in problems(report))])


def problems(report: Report) -> Iterator[str]:
    """Yield the errors among the findings, and a table of the worst entries, line by line."""
    for finding in report.findings:
        if finding.severity == "error":
            yield from f"{finding.code} {finding.name}: {finding.message}".splitlines()
    yield from _table(worst_entries(report.agreement, 10))
    if report.second_order is not None and report.second_order.gradient is not None:
        yield from _table(worst_entries(report.second_order.gradient.agreement, 10))


def _table(rows: list[list[str]]) -> list[str]:
    return aligned(rows) if rows else []


def worst_entries(agreement: AgreementReport | None, digits: int) -> list[list[str]]:
    """Tabulate the worst entries of a derivative that does not pass, a header first; of none, nothing."""
    if agreement is None or agreement.verdict in ("pass", None) or not agreement.worst:
        return []
    rows = [["entry", "analytic", "numeric", "± error bar", "difference"]]
    for entry in agreement.worst:
        claimed = float("nan") if entry.analytic is None else entry.analytic
        analytic, numeric = told_apart(claimed, entry.numeric, digits=digits)
        rows.append([entry.name, analytic, numeric, f"{entry.error_bar:.1g}", f"{claimed - entry.numeric:.3g}"])
    return rows
