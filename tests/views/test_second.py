"""What the views say of the second order."""

from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.views import brief, markdown, text

X = np.array([0.5, -1.0, 2.0])


def shown(report: Report) -> str:
    console = Console(width=80, no_color=True, record=True, file=StringIO())
    console.print(text.render(report, 80))
    return console.export_text()


def test_the_hessian_is_described_and_written_out() -> None:
    lines = shown(jacinspect.inspect("x**3", X, order=2))
    assert "f''(x)       6 * x\n" in lines
    assert "Hessian      ∂²f/∂X∂X, 3×3: diagonal, 3 of 9 entries; 1 color, symmetric\n" in lines
    assert "2nd order    forward over reverse and differences of the gradient: pass over 3\n" in lines
    assert "H analytic\n3   ·   ·\n·  -6   ·\n·   ·  12\n" in lines


def test_nothing_is_said_unless_it_was_asked_for() -> None:
    assert "Hessian" not in shown(jacinspect.inspect("x**3", X))


def test_what_was_not_inspected_says_why() -> None:
    report = jacinspect.inspect("x**3", X, "x**2", order=2)
    assert "2nd order    not inspected, for the derivative itself is wrong\n" in shown(report)


def test_a_random_sum_of_outputs_is_called_that() -> None:
    assert "∂²(w·f)/∂X∂X, w random, 3×3: dense, 9 of 9 entries" in shown(jacinspect.inspect("softmax", X, order=2))


def test_without_a_second_derivative_it_is_measured() -> None:
    def gradient(x: Any) -> Any:
        return 3 * x**2

    report = jacinspect.inspect(lambda x: np.sum(x**3), X, gradient, order=2)
    assert "2nd order    measured from the gradient; there is no second derivative to" in shown(report)
    assert "H numeric\n" in shown(report)


def test_markdown_has_a_section() -> None:
    written = markdown.render(jacinspect.inspect("x**3", X, order=2))
    assert "### Second order" in written
    assert "H analytic" in written


def test_a_failing_test_lists_its_worst_entries() -> None:
    lines = brief.render(jacinspect.inspect("x**3", X, hessian="3 * x"))
    assert "J001 derivative-disagrees: second order: 3 entries disagree" in lines
    assert {line.split()[0] for line in lines.splitlines()[-3:]} == {f"∂²f/∂X[{k}]∂X[{k}]" for k in range(3)}
