"""The report in a failing test's few lines, to the letter; most numbers are made up, and so the same anywhere."""

from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.codes import Finding
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import EntryReport
from jacinspect.views.brief import render
from jacinspect.wording import format_entry
from tests.oracles import Array

X = np.array([[0.5, -1.25, 2.0], [0.75, -0.5, 1.5]])
WRONG = Finding("J001", "derivative-disagrees", "error", "2 entries disagree", ((0, 1),))
NOTE = Finding("J003", "kink", "note", "1 entry on a kink", ((0, 0),))


def made_up(report: Report, *findings: Finding, verdict: str = "fail", worst: tuple[EntryReport, ...] = ()) -> Report:
    """A report with other findings, and with other entries that are off by most."""
    assert report.agreement is not None
    return replace(report, findings=findings, agreement=replace(report.agreement, verdict=verdict, worst=worst))


def entry(output: tuple[int, ...], analytic: float | None, numeric: float, bar: float, *operand: int) -> EntryReport:
    name = format_entry(output, operand or output)
    return EntryReport(name, output, operand or output, analytic, numeric, bar)


# --- What passes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (lambda: jacinspect.inspect("sigmoid", X), "sigmoid: pass, X 2×3 → A 2×3"),
        (
            lambda: jacinspect.inspect("leaky_relu", X, parameters={"negative_slope": 0.25}),
            "leaky_relu(negative_slope=0.25): pass, X 2×3 → A 2×3",
        ),
        (lambda: jacinspect.inspect(np.sum, X.astype(np.float32)), "sum: pass, a 2×3 float32 → Y scalar"),
        (lambda: jacinspect.inspect("square", 1.5), "square: pass, X scalar → A scalar"),
        (lambda: jacinspect.inspect("x * sigmoid(x)", X[0]), "x * sigmoid(x): pass, X 3 → A 3"),
        (lambda: jacinspect.inspect("sigmoid", X[:0]), "sigmoid: pass, X 0×3 → A 0×3"),
    ],
)
def test_a_report_that_passes_is_a_line(report: Any, text: str) -> None:
    assert render(report()) == text


def test_notes_are_not_told() -> None:
    report = jacinspect.inspect("relu", np.array([0.0, 1.0]))
    assert [finding.code for finding in report.findings] == ["J003", "J013"]
    assert render(report) == "relu: pass, X 2 → A 2"


# --- What fails -------------------------------------------------------------------------------------------------------


def test_findings_and_entries_in_columns() -> None:
    worst = (
        entry((0, 1), -1.25, 2.5, 1e-12),
        entry((1, 2), 1234567.890625, 1234567.0, 2.4e-8, 0, 0),
        entry((1, 0), 0.0, 1e-30, 0.0),
    )
    structure = Finding("J002", "structure-unexpected", "error", "expected dense, found diagonal")
    report = made_up(jacinspect.inspect("tanh", X), WRONG, structure, NOTE, worst=worst)
    assert render(report) == (
        "tanh: fail, X 2×3 → A 2×3\n"
        "  J001 derivative-disagrees: 2 entries disagree\n"
        "  J002 structure-unexpected: expected dense, found diagonal\n"
        "            entry     analytic  numeric  ± error bar  difference\n"
        "  ∂A[0,1]/∂X[0,1]        -1.25      2.5        1e-12       -3.75\n"
        "  ∂A[1,2]/∂X[0,0]  1234567.891  1234567        2e-08       0.891\n"
        "  ∂A[1,0]/∂X[1,0]            0    1e-30            0      -1e-30"
    )


def test_numbers_of_no_axes() -> None:
    report = jacinspect.inspect(np.sin, np.float64(0.5), lambda x: 2 * np.cos(x))
    (finding,) = report.findings
    worst = (entry((), 2.0, 1.0, 5e-13),)
    assert render(made_up(report, finding, worst=worst)) == (
        "sin: fail, X scalar → A scalar\n"
        f"  J001 derivative-disagrees: {finding.message}\n"
        "  entry  analytic  numeric  ± error bar  difference\n"
        "  ∂A/∂X         2        1        5e-13           1"
    )
    assert finding.message.startswith("1 entry disagrees, worst ∂A/∂X: analytic ")


def test_numbers_that_are_not_finite() -> None:
    worst = (
        entry((0,), nan, 1.0, 1e-12),
        entry((1,), inf, -inf, inf),
        entry((2,), None, 0.5, 1e-12),
        entry((3,), inf, inf, nan),
    )
    report = made_up(jacinspect.inspect("tanh", np.arange(4.0)), WRONG, worst=worst)
    assert render(report) == (
        "tanh: fail, X 4 → A 4\n"
        "  J001 derivative-disagrees: 2 entries disagree\n"
        "        entry  analytic  numeric  ± error bar  difference\n"
        "  ∂A[0]/∂X[0]       nan        1        1e-12         nan\n"
        "  ∂A[1]/∂X[1]       inf     -inf          inf         inf\n"
        "  ∂A[2]/∂X[2]       nan      0.5        1e-12         nan\n"
        "  ∂A[3]/∂X[3]       inf      inf          nan         nan"
    )


def test_what_is_inconclusive_is_listed_too() -> None:
    wide = Finding("J006", "inconclusive", "error", "1 entry inconclusive")
    report = made_up(jacinspect.inspect("tanh", X), wide, verdict="inconclusive", worst=(entry((0, 0), 0.5, 0.4, 0.3),))
    assert render(report) == (
        "tanh: inconclusive, X 2×3 → A 2×3\n"
        "  J006 inconclusive: 1 entry inconclusive\n"
        "            entry  analytic  numeric  ± error bar  difference\n"
        "  ∂A[0,0]/∂X[0,0]       0.5      0.4          0.3         0.1"
    )


def test_entries_that_agree_are_not_listed() -> None:
    report = jacinspect.inspect("sigmoid", X, expect=["dense"])
    assert report.agreement is not None
    assert report.agreement.worst
    assert render(report) == (
        "sigmoid: fail, X 2×3 → A 2×3\n  J002 structure-unexpected: expected dense, found diagonal: ∂A[0,0]/∂X[0,1] = 0"
    )


def test_no_table_where_nothing_was_compared() -> None:
    report = made_up(jacinspect.inspect(np.sin, X), WRONG)
    assert render(report) == "sin: fail, X 2×3 → A 2×3\n  J001 derivative-disagrees: 2 entries disagree"


# --- What had to stop -------------------------------------------------------------------------------------------------


def test_a_function_that_is_not_deterministic() -> None:
    numbers = np.random.default_rng(0)

    def noisy(x: Array, rate: float = 0.5) -> Array:
        return x + rate * numbers.random(x.shape)

    assert render(jacinspect.inspect(noisy, X)) == (
        "noisy(rate=0.5): fail, X 2×3 → A 2×3\n"
        "  J005 not-deterministic: the same input gave different outputs, apart by 3 of their size; "
        "give it --reseed 0, which seeds its random numbers before every call, or evaluation mode"
    )


def test_a_function_that_changes_its_argument() -> None:
    def doubling(x: Array) -> Array:
        x *= 2
        return np.asarray(x.sum(axis=0))

    assert render(jacinspect.inspect(doubling, X)) == (
        "doubling: fail, X 2×3 → A 3\n"
        "  J008 mutates-input: the function changed the array it was given; let it work on a copy"
    )
