"""A Report in a few plain lines, for a failing test: what was expected to hold, what does not, and where most. Pure."""

from jacinspect.report import Report
from jacinspect.views.facts import headline, index

__all__ = ["render"]


def render(report: Report) -> str:
    """Write the verdict, the errors among the findings, and the entries that are off by most, as plain text."""
    name, shapes = headline(report)
    lines = [f"{name}: {report.verdict}, {shapes}"]
    lines += [
        f"  {finding.code} {finding.name}: {finding.message}"
        for finding in report.findings
        if finding.severity == "error"
    ]
    agreement = report.agreement
    if agreement is not None and agreement.verdict != "pass" and agreement.worst:
        rows = [("entry", "analytic", "numeric", "± error bar", "difference")]
        for entry in agreement.worst:
            claimed = float("nan") if entry.analytic is None else entry.analytic
            rows.append(
                (
                    f"∂A{index(entry.output)}/∂X{index(entry.operand)}",
                    f"{claimed:.10g}",
                    f"{entry.numeric:.10g}",
                    f"{entry.error_bar:.1g}",
                    f"{claimed - entry.numeric:.3g}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += ["  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(lines)
