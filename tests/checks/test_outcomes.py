"""Outcomes and their Tally: counts, verdict, exit status and allowances are properties of the reports."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

import jacinspect
from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.inspection.codes import Finding, finding
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import EntryReport

GOOD = jacinspect.inspect("sigmoid", np.array([0.5, -1.25]))
WRONG = Finding("J001", "derivative-disagrees", "error", "2 entries disagree")
LATE = Finding("J010", "timeout", "error", "the inspection took longer than 3 s (--timeout) and was ended")
DEAD = Finding("J011", "crashed", "error", "the function ended its process with SIGKILL")
WIDE = Finding("J006", "inconclusive", "error", "1 entry inconclusive")
KINK = Finding("J003", "kink", "note", "1 entry on a kink (allowed)")


def reported(
    *findings: Finding, ratio: float | None = None, made: bool = True, worst: tuple[EntryReport, ...] = ()
) -> Report:
    """A report that passed but for these findings; one that was not made has neither Jacobian nor agreement."""
    report = replace(GOOD, findings=findings)
    if not made:
        return replace(report, output=None, jacobian=None, agreement=None, hadamard=None, chain_rule=None)
    assert report.agreement is not None
    verdict = "fail" if worst else "pass"
    return replace(report, agreement=replace(report.agreement, verdict=verdict, max_ratio=ratio, worst=worst))


def outcome(
    check: str,
    *findings: Finding,
    label: str = "2, seed 0",
    ratio: float | None = 0.5,
    made: bool = True,
    worst: tuple[EntryReport, ...] = (),
    file: str = "src/code.py",
    line: int = 7,
    allow: tuple[str, ...] = (),
    allowed: tuple[str, ...] = (),
) -> Outcome:
    report = reported(*findings, ratio=ratio, made=made, worst=worst)
    return Outcome(check, label, report, file, line, allow, allowed)


def tallied(*outcomes: Outcome, planned: int | None = None) -> Tally:
    tally = Tally(len(outcomes) if planned is None else planned)
    for each in outcomes:
        tally.add(each)
    return tally


def test_an_outcome_is_named_by_its_check_and_what_tells_it_from_the_others() -> None:
    assert outcome("swish", label="2x3, seed 0, by k").name == "swish [2x3, seed 0, by k]"


def test_the_ratio_is_that_of_the_worst_entry_and_none_where_nothing_was_compared() -> None:
    assert outcome("a", ratio=12.5).ratio == 12.5
    assert outcome("a", ratio=None).ratio is None
    assert outcome("a", DEAD, made=False).ratio is None


@pytest.mark.parametrize(
    ("findings", "counts", "verdict", "status", "text"),
    [
        ([()], (1, 0, 0), "pass", 0, "1 inspection: 1 pass"),
        ([(KINK,), ()], (2, 0, 0), "pass", 0, "2 inspections: 2 pass"),
        ([(), (WRONG,), (WIDE,)], (1, 1, 1), "fail", 1, "3 inspections: 1 pass, 1 fail, 1 inconclusive"),
        ([(), (WIDE,)], (1, 0, 1), "inconclusive", 1, "2 inspections: 1 pass, 1 inconclusive"),
        ([(LATE,)], (0, 0, 1), "inconclusive", 1, "1 inspection: 1 inconclusive"),
        ([(DEAD,)], (0, 1, 0), "fail", 1, "1 inspection: 1 fail"),
        ([(WIDE, WRONG)], (0, 1, 0), "fail", 1, "1 inspection: 1 fail"),
    ],
)
def test_the_status_is_that_of_the_worst_whatever_their_order(
    findings: list[tuple[Finding, ...]], counts: tuple[int, int, int], verdict: str, status: int, text: str
) -> None:
    for ordered in permutations(findings):
        tally = tallied(*(outcome("a", *each) for each in ordered))
        assert tally.counts == dict(zip(("pass", "fail", "inconclusive", "unchecked"), (*counts, 0), strict=True))
        assert (tally.verdict, tally.exit_status, str(tally)) == (verdict, status, text)


def test_nothing_made_is_never_a_pass() -> None:
    assert Tally(0).exit_status == 2
    assert Tally(3).exit_status == 2
    assert str(Tally(3)) == "0 inspections: none; 3 not made"


def test_what_was_not_made_is_told() -> None:
    tally = tallied(outcome("a"), outcome("a", WRONG), planned=5)
    assert (tally.done, str(tally)) == (2, "2 inspections: 1 pass, 1 fail; 3 not made")


def test_an_allowance_is_needed_if_one_of_the_inspections_of_its_check_needed_it() -> None:
    needed = outcome("a", KINK, allow=("J003", "J006"), allowed=("J003",))
    spare = outcome("a", allow=("J003", "J006"))
    other = outcome("b", allow=("J003",))
    for ordered in permutations([needed, spare, other]):
        assert sorted(tallied(*ordered).unneeded) == [("a", "J006"), ("b", "J003")]


def test_an_allowance_is_not_called_unneeded_before_all_inspections_are_made() -> None:
    spare = outcome("a", allow=("J003",))
    assert tallied(spare, planned=2).unneeded == []
    assert tallied(spare, spare, planned=2).unneeded == [("a", "J003")]
    assert tallied(spare, outcome("a", LATE, allow=("J003",), made=False)).unneeded == []


@pytest.mark.parametrize("code", ["J005", "J008", "J010", "J011"])
def test_an_allowance_of_what_ended_the_inspection_is_no_pass(code: str) -> None:
    begun = outcome("a", allow=(code,))
    done = begun.concluded(reported(finding(code, "it ended"), made=False))
    assert (done.verdict, done.allowed) == ("inconclusive", (code,))
    assert [(found.code, found.severity) for found in done.report.findings] == [("J006", "error"), (code, "note")]
    assert done.report.findings[0].message == (
        f"nothing was compared: the check allows {code}, which is no evidence that f is right"
    )


def test_an_allowance_of_values_that_are_nowhere_finite_is_no_pass() -> None:
    nowhere = jacinspect.inspect("log", np.zeros(3))
    assert outcome("a", allow=("J004",)).concluded(nowhere).verdict == "inconclusive"
    somewhere = jacinspect.inspect("log", np.array([0.0, 1.0]))
    assert outcome("a", allow=("J004",)).concluded(somewhere).verdict == "pass"


def test_without_a_derivative_and_an_expectation_nothing_is_checked() -> None:
    of_structure = replace(outcome("a"), report=jacinspect.inspect(np.cumsum, np.ones(3)))
    expected = replace(outcome("a"), report=jacinspect.inspect(np.cumsum, np.ones(3), expect="lower-triangular"))
    unmet = replace(outcome("a"), report=jacinspect.inspect(np.cumsum, np.ones(3), expect="diagonal"))
    assert [each.verdict for each in (of_structure, expected, unmet)] == ["unchecked", "pass", "fail"]
    tally = tallied(of_structure, expected)
    assert (tally.verdict, tally.exit_status, str(tally)) == ("pass", 0, "2 inspections: 1 pass, 1 unchecked")
