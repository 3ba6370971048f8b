"""A derivative that is NaN or infinite somewhere never passes, whatever its form and wherever it is so."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import coo_array
from scipy.sparse.linalg import aslinearoperator

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.forms.hadamard import hadamard
from tests.oracles import Array

X = np.array([0.7, -1.2, 0.4])
BAD = [np.nan, -np.inf]
PLACES = [(0, 0), (1, 0), (0, 2), (2, 1), "row", "whole"]  # on the diagonal, in the pattern, outside it twice


def f(x: Array) -> Array:
    """Reads (0, 0), (1, 0), (1, 1) and (2, 2)."""
    return np.array([x[0] ** 2, x[0] * x[1], np.sin(x[2])])


def matrix(x: Array) -> Array:
    return np.array([[2 * x[0], 0, 0], [x[1], x[0], 0], [0, 0, np.cos(x[2])]])


def spoiled(value: float, place: Any) -> Callable[[Array], Array]:
    def jacobian(x: Array) -> Array:
        j = matrix(x)
        index: Any = {"row": 0, "whole": ...}.get(place, place)
        j[index] = value
        return j

    return jacobian


def product(j: Array, v: Array) -> Array:
    """J·v as code by hand has it: a tangent of 0 takes nothing from an entry."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(v == 0, 0, j * v).sum(axis=1))


def inspected(form: str, jacobian: Callable[[Array], Array], f: Callable[[Array], Array] = f) -> Report:
    forms: dict[str, tuple[Callable[..., Any], str | None]] = {
        "matrix": (jacobian, "jacobian"),
        "sparse": (lambda x: coo_array(jacobian(x)), None),
        "operator": (lambda x: aslinearoperator(jacobian(x)), None),
        "jvp": (lambda x, dx: product(jacobian(x), dx), "jvp"),
        "vjp": (lambda x, da: product(jacobian(x).T, da), "vjp"),
        "jvp by @": (lambda x, dx: jacobian(x) @ dx, "jvp"),
        "vjp by @": (lambda x, da: da @ jacobian(x), "vjp"),
    }
    claim, kind = forms[form]
    with np.errstate(all="ignore"):
        return jacinspect.inspect(f, X, derivative=claim, derivative_kind=kind)  # type: ignore[arg-type]


def errors(report: Report) -> list[str]:
    return [f"{found.code} {found.message}" for found in report.findings if found.severity == "error"]


@pytest.mark.parametrize("form", ["matrix", "sparse", "jvp", "vjp"])
@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("value", BAD)
def test_the_place_is_named(form: str, place: Any, value: float) -> None:
    report = inspected(form, spoiled(value, place))
    assert report.verdict == "fail"
    row, column = place if isinstance(place, tuple) else (0, 0)
    outside = isinstance(place, tuple) and matrix(X)[place] == 0
    (said,) = [error for error in errors(report) if ("outside the pattern" in error) == outside]
    assert said.startswith("J004")
    assert f"∂A[{row}]/∂X[{column}] is {value}" in said


@pytest.mark.parametrize("form", ["operator", "jvp by @", "vjp by @"])
@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("value", [np.nan])
def test_no_product_by_a_matrix_passes(form: str, place: Any, value: float) -> None:
    report = inspected(form, spoiled(value, place))
    assert report.verdict == "fail"
    assert any(("A[" in error or "X[" in error) and error.startswith(("J001", "J004")) for error in errors(report))


@pytest.mark.parametrize("form", ["matrix", "sparse", "operator", "jvp", "vjp", "jvp by @", "vjp by @"])
def test_a_right_derivative_passes(form: str) -> None:
    assert inspected(form, matrix).verdict == "pass"


@pytest.mark.parametrize("form", ["matrix", "jvp", "vjp"])
def test_an_output_on_a_kink_is_asked_as_well(form: str) -> None:
    """Random directions leave it out."""

    def kinked(x: Array) -> Array:
        return np.array([np.abs(x[0] - X[0]), x[0] * x[1], np.sin(x[2])])

    def claim(x: Array) -> Array:
        return np.array([[0, np.nan, 0], [x[1], x[0], 0], [0, 0, np.cos(x[2])]])

    report = inspected(form, claim, kinked)
    assert report.verdict == "fail"
    assert "∂A[0]/∂X[1] is nan, and A[0] does not read X[1]" in errors(report)[0]


@pytest.mark.parametrize("value", BAD)
def test_a_gradient_is_not_finite_where_nothing_is_read(value: float) -> None:
    report = jacinspect.inspect(lambda x: x[0] ** 2, X, lambda x: np.array([2 * x[0], value, 0]))
    assert errors(report) == [
        f"J004 1 entry not finite outside the pattern: the analytic ∂A/∂X[1] is {value}, and A does not read X[1]"
    ]


@pytest.mark.parametrize("value", BAD)
def test_slopes_are_not_finite_where_nothing_is_read(value: float) -> None:
    """Entry 1 is constant, and so is not in the pattern."""
    slopes = np.array([1.0, value, 1.0])
    report = jacinspect.inspect(lambda x: x * [1, 0, 1], X, lambda x: slopes)
    assert report.verdict == "fail"
    assert any("∂A[1]/∂X[1]" in error for error in errors(report))


def test_a_framework_s_gradient_is_not_finite() -> None:
    class Spoiled(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            context.save_for_backward(x)
            return x[:2] ** 2

        @staticmethod
        def backward(context: Any, da: Any) -> Any:
            (x,) = context.saved_tensors
            return torch.cat([2 * x[:2] * da, torch.full_like(x[2:], torch.nan)])

    report = jacinspect.inspect(Spoiled.apply, X, backend="torch")
    assert report.verdict == "fail"
    assert any("X[2]" in error for error in errors(report))


def test_infinite_slopes_at_an_infinite_operand_are_nobody_s_fault() -> None:
    """A cotangent of 0 times the infinite slope of an output that is left out is NaN, for that input alone."""
    x = np.array([0.5, 0.0, np.inf, 2.0])
    with np.errstate(all="ignore"):
        report = jacinspect.inspect(lambda x: x**2, x, lambda x, da: da * (2 * x), derivative_kind="vjp")
    assert report.verdict == "pass"


def test_a_hadamard_product_that_is_nan_differs_from_a_number() -> None:
    pattern = Pattern.from_pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), (2,), (2,))
    jacobian = Jacobian(pattern, np.array([1.0, np.nan, 2.0]))
    compared = hadamard(jacobian, jacobian.elementwise(), np.ones(2))
    assert compared.max_difference == np.inf


def test_what_a_claim_is_off_by_in_numbers_that_have_lost_digits_is_inconclusive() -> None:
    report = jacinspect.inspect(lambda x: 1e-310 * np.sin(x), [0.3], derivative=lambda x: 1.5e-310 * np.cos(x))
    assert report.verdict == "inconclusive"
    assert "numbers below 2.2e-308 have lost digits" in report.findings[0].message


def test_entries_of_a_matrix_as_far_apart_as_doubles_can_be_are_judged_in_finite_time() -> None:
    x = [[-0.18, -0.74, -1.7e308], [-1.7e308, 1e5, 0.69], [-1e154, -0.17, 1e5]]
    assert jacinspect.inspect("inv", x).jacobian is not None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_passes_where_no_entry_could_be_compared(dtype: str) -> None:
    def f(x: Array) -> Any:
        return np.sum(x**2)

    x = np.array([1, np.nan, 3], dtype)
    for factor in (2, -7):
        report = jacinspect.inspect(f, x, lambda x, factor=factor: factor * np.nan_to_num(x))
        assert (report.verdict, report.agreement and report.agreement.verdict) == ("inconclusive", "inconclusive")
        assert "J006 no entry could be compared, which is no evidence that the derivative is right" in errors(report)
        assert "? inconclusive: no entry could be compared" in str(report)
    beyond = jacinspect.inspect(np.exp, np.array([710, 900], dtype), np.exp)
    assert errors(beyond) == ["J006 no entry could be compared, which is no evidence that the derivative is right"]
    some = jacinspect.inspect(lambda x: x**2, x, lambda x: 2 * x)
    assert (some.verdict, errors(some)) == ("pass", [])
    assert jacinspect.inspect(f, x).verdict == "pass"  # no derivative was given


@pytest.mark.parametrize("factor", [1, 1.1, -1, 0])
@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanmax", "nanmedian"])
def test_what_passes_over_missing_values_is_compared_by_the_others(name: str, factor: float) -> None:
    x = np.array([[1.0, np.nan, 3.0, 0.5], [-2.0, 0.25, np.nan, np.nan]])
    known = np.isfinite(x)
    derivatives: dict[str, Array] = {
        "nansum": known * 1.0,
        "nanmean": known / known.sum(1, keepdims=True),
        "nanmax": np.array([[0, 0, 1, 0], [0, 1, 0, 0]]),
        "nanmedian": np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0]]),
    }
    jacobian = np.zeros((2, *x.shape))
    jacobian[[0, 1], [0, 1]] = derivatives[name]
    f = getattr(np, name)
    report = jacinspect.inspect(lambda x: f(x, axis=1), x, factor * jacobian)
    assert report.verdict == ("pass" if factor == 1 else "fail"), report.findings
    assert "J004" in [finding.code for finding in report.findings]


def test_another_point_where_nothing_is_left_does_not_count() -> None:
    report = jacinspect.inspect(np.sinh, np.array([2.0, -3.0]), np.cosh, points=8)
    assert (report.verdict, [point.verdict for point in report.points].count(None)) == ("pass", 1)
    assert str(report.points[6].message).startswith("no entry could be compared")  # at ±3000
    assert "agree at each of 7 points" in str(report)


@pytest.mark.parametrize(("f", "bar"), [(lambda x: 1 / x, 1e-9), (lambda x: 1 / x.sum(), None)])
def test_a_report_is_printed_where_a_bar_is_nan(f: Callable[[Array], Array], bar: float | None) -> None:
    x = np.array([0.0, 1.0] if bar else [0.0, 0.0])
    report = jacinspect.inspect(f, x)
    assert report.agreement is not None
    assert report.agreement.max_error_bar == (None if bar is None else pytest.approx(bar, rel=1))
    assert ("numeric J within" in str(report)) == (bar is not None)
