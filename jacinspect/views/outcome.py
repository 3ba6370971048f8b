"""The outcome of an inspection in a clause, for the headline of every view. Pure functions. Next: text, markdown."""

from jacinspect.inspection.codes import CODES
from jacinspect.inspection.report import Report
from jacinspect.wording import counted

__all__ = ["NO_DERIVATIVE", "SIGNS", "at_jumps", "outcome", "verdict_of"]

SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "unchecked": "·"}
NO_DERIVATIVE = "no derivative given: structure only"


def verdict_of(report: Report) -> str:
    """Return the verdict after its sign, or that there is none, for want of a derivative."""
    return outcome(report) if report.structure_only else f"{SIGNS[report.verdict]} {report.verdict}{at_jumps(report)}"


def at_jumps(report: Report) -> str:
    """Count the entries that pass at a jump of f, where any value is accepted; of none, nothing."""
    jumps = report.agreement.jumps if report.agreement is not None and report.verdict == "pass" else 0
    return f", {counted(jumps, 'entry', 'entries')} at a jump of f" if jumps else ""


def outcome(report: Report) -> str:
    """Say after the verdict's sign what was compared, over how many entries and points, and how it came out."""
    if report.structure_only:
        return NO_DERIVATIVE
    said = _passed(report) if report.verdict == "pass" else _failed(report)
    return f"{SIGNS[report.verdict]} {said}"


def _passed(report: Report) -> str:
    a, j = report.agreement, report.jacobian
    if a is None or j is None:
        return "nothing was compared"
    if not a.checked:
        said = ["log|det J| is right"] * (report.logdet is not None)
        said += [f"J is as expected, {' and '.join(report.expected)}"] * bool(report.expected)
        return f"{', and '.join(said)}; no derivative was checked"
    if j.stored == 0:
        return "the derivative is right: it is 0, as f is constant" if j.entries else "there are no entries to compare"
    if j.stored is None or a.coverage < 1:
        return f"no entry is wrong of the {a.entries_compared} that were compared, {100 * a.coverage:.2g} % of all"
    passed = sum(point.verdict == "pass" for point in report.points)
    points = f" at each of {passed} points" if passed > 1 else ""
    where = "" if a.entries_compared == j.stored else " where it could be compared"
    also = ", and so is log|det J|" if report.logdet is not None else ""
    return (
        f"the derivative is right{where}: {_of(a.entries_compared, j.stored, 'agree')}{points}{at_jumps(report)}{also}"
    )


def _failed(report: Report) -> str:
    a, j = report.agreement, report.jacobian
    errors = [each for each in report.findings if each.severity == "error"]
    worst = next(each for each in errors if CODES[each.code].verdict == report.verdict)
    if worst.code == "J001" and a is not None and j is not None and a.disagreeing:
        outside = 0 if j.spurious is None else j.spurious.pattern.stored
        total = a.entries_compared if j.stored is None or a.coverage < 1 else j.stored
        return f"the derivative is wrong: {_of(a.disagreeing, total + outside, 'disagree')}"
    second = None if report.second_order is None else report.second_order.gradient
    if worst.code == "J001" and second is not None and second.is_refuted:
        return f"the second derivative is wrong{'' if report.is_refuted else ', the first one is right'}"
    if worst.code == "J001":
        return "the derivative is wrong"
    if worst.code == "J006" and a is not None and j is not None and a.undecided:
        total = a.undecided if j.stored is None or a.coverage < 1 else j.stored
        return f"inconclusive: f's values do not decide {_of(a.undecided, total)}"
    if worst.code == "J006" and a is not None and report.without_evidence:
        return "inconclusive: no entry could be compared"
    if worst.code == "J006" and a is not None and a.verdict in ("pass", None) and report.spectrum is not None:
        return "inconclusive: the error bars do not decide whether J is as expected"
    said = CODES[worst.code].when
    return f"inconclusive: {said}" if report.verdict == "inconclusive" else said


def _of(number: int, total: int, verb: str = "") -> str:
    verb = f" {verb}{'s' if number == 1 else ''}" if verb else ""
    return f"{number} of {counted(total, 'entry', 'entries')}{verb}"
