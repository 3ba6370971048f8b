"""The results of `jacinspect check`: an Outcome for each case, and a Tally of all of them. Next: views/checks."""

from collections import Counter
from dataclasses import field

from jacinspect.errors import ExitStatus
from jacinspect.inspection.codes import ordered
from jacinspect.inspection.findings import nothing_compared
from jacinspect.inspection.report import Report
from jacinspect.records import dataclass, replace
from jacinspect.wording import counted

__all__ = ["Outcome", "Tally"]

_OF_DERIVATIVE = ("J001", "J015")


@dataclass(frozen=True, eq=False)
class Outcome:
    """The report of one case of a check, a label that distinguishes it from the check's others, and its place.

    `file` and `line` are where the function is defined, or else where the check is; `derivative` are those of the
    derivative that the check gives, if it is code. `allow` holds the codes of the findings that the check allows,
    `allowed` those that occurred. `stderr` is what the code wrote on standard error. `started` is the time at which the
    inspection began, in seconds since 1970, and `seconds` how long it took.
    """

    check: str
    label: str  # such as "2x3, seed 0, by k"
    report: Report
    file: str
    line: int
    allow: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    stderr: str = ""
    derivative: tuple[str, int] | None = None
    started: float = 0.0
    seconds: float = 0.0

    def concluded(self, report: Report) -> "Outcome":
        """Return the outcome with the report of the inspection, the errors that the check allows turned into notes.

        An allowance excuses a finding, and not that nothing was compared: such an inspection is inconclusive.
        """
        errors = {finding.code for finding in report.findings if finding.severity == "error"}
        allowed = errors & set(self.allow)
        findings = [
            replace(finding, severity="note", message=f"{finding.message} (allowed)")
            if finding.code in allowed
            else finding
            for finding in report.findings
        ]
        if allowed and report.without_evidence and all(finding.severity == "note" for finding in findings):
            findings.append(nothing_compared(sorted(allowed)))
        return replace(self, report=replace(report, findings=ordered(findings)), allowed=tuple(sorted(allowed)))

    @property
    def verdict(self) -> str:
        """The verdict of the report, or "unchecked" where there was nothing to compare the structure with."""
        return "unchecked" if self.report.structure_only else self.report.verdict

    @property
    def name(self) -> str:
        """The check and the label: ``swish [2x3, seed 0]``."""
        return f"{self.check} [{self.label}]"

    def place(self, code: str) -> tuple[str, int]:
        """Return the file and the line that a finding is about: those of the derivative, where that is wrong."""
        return self.derivative if self.derivative and code in _OF_DERIVATIVE else (self.file, self.line)

    @property
    def ratio(self) -> float | None:
        """How much of its error bar the worst entry takes; None where nothing was compared."""
        return None if self.report.agreement is None else self.report.agreement.max_ratio


@dataclass(eq=False)
class Tally:
    """How many cases passed, failed, were inconclusive and were unchecked so far, of `planned` ones.

    `allowances` maps (check, code), for each finding that a check allows, to whether it occurred, or might have where
    no inspection was made. `whole` is whether all inspections of each check are planned.
    """

    planned: int
    verdicts: Counter[str] = field(default_factory=Counter)
    allowances: dict[tuple[str, str], bool] = field(default_factory=dict)
    whole: bool = True

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.verdicts[outcome.verdict] += 1
        for code in outcome.allow:
            key = outcome.check, code
            unknown = outcome.report.jacobian is None  # nothing was inspected, and so it may be needed
            self.allowances[key] = self.allowances.get(key, False) or unknown or code in outcome.allowed

    @property
    def unneeded(self) -> list[tuple[str, str]]:
        """The allowances, (check, code), that no case needed; none before all cases of the checks are done."""
        complete = self.whole and self.done == self.planned
        return [key for key, needed in self.allowances.items() if not needed] if complete else []

    @property
    def done(self) -> int:
        """How many cases are done."""
        return sum(self.verdicts.values())

    @property
    def counts(self) -> dict[str, int]:
        """The number of each verdict."""
        return {verdict: self.verdicts[verdict] for verdict in ("pass", "fail", "inconclusive", "unchecked")}

    @property
    def verdict(self) -> str:
        """The worst of all: "fail" or "inconclusive"; else "pass", or "interrupted" before all cases are done."""
        done = "pass" if self.done == self.planned else "interrupted"
        return next((verdict for verdict in ("fail", "inconclusive") if self.verdicts[verdict]), done)

    @property
    def exit_status(self) -> ExitStatus:
        """0 where every case passed or was unchecked, 1 where one was neither, 2 where none was done."""
        if not self.done:
            return ExitStatus.UNUSABLE
        return ExitStatus.OK if self.verdict == "pass" else ExitStatus.FINDINGS

    def __str__(self) -> str:
        counts = ", ".join(f"{number} {verdict}" for verdict, number in self.counts.items() if number)
        left = self.planned - self.done
        made = counted(self.done, "inspection")
        return f"{made}: {counts or 'none'}" + (f"; {left} not made" if left else "")
