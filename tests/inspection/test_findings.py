"""The words of a finding, from numbers made up for it; that inspections come to say them is test_pipeline.py's."""

import numpy as np
import pytest

from jacinspect.inspection.codes import Finding
from jacinspect.inspection.entries import of_entries
from jacinspect.inspection.findings import (
    budgets,
    hadamard_invalid,
    mutates_input,
    not_deterministic,
    of_coverage,
    of_directions,
)
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.naming import Names
from jacinspect.jacobian.agreement.comparison import Comparison, Status
from jacinspect.jacobian.agreement.directions import Directions
from jacinspect.jacobian.agreement.entries import compare
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.patterns.dependencies import Unresolved
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.operands.bundle import Bundle
from tests.oracles import Array, Shape

EPSILON = 2.0**-52


def diagonal(shape: Shape) -> Pattern:
    index = np.arange(int(np.prod(shape)))
    return Pattern.from_pairs(index, index, shape, shape)


def numeric_of(values: list[float], bars: list[float], shape: Shape | None = None) -> Numeric:
    data, size = np.array(values), len(values)
    jacobian = Jacobian(diagonal((size,) if shape is None else shape), data)
    return Numeric(jacobian, np.array(bars), np.zeros(size, np.int8), Magnitudes.of(np.abs(data)), EPSILON)


def findings(numeric: Numeric, claim: list[float], x: Array | None = None, y0: Array | None = None) -> list[Finding]:
    analytic = Jacobian(numeric.jacobian.pattern, np.array(claim))
    shape = numeric.jacobian.pattern.operand_shape
    x = np.ones(shape) if x is None else x
    y0 = np.ones(len(claim)) if y0 is None else y0
    comparison = compare(analytic, numeric, x, y0)
    return list(of_entries(comparison, analytic, numeric, x, y0, names(numeric.jacobian.pattern)))


def names(pattern: Pattern) -> Names:
    return Names(Bundle.of([("A", pattern.output_shape)]), Bundle.of([("x", pattern.operand_shape)]))


def test_the_worst_of_those_that_disagree_is_named() -> None:
    numeric = numeric_of([1.0, 2.0, 3.0, 4.0], [1e-9, 1e-9, 1e-12, 1e-9], (2, 2))
    (found,) = findings(numeric, [1.0, 2.5, 3.1, 4.0])
    assert (found.code, found.name, found.severity) == ("J001", "derivative-disagrees", "error")
    assert found.at == ((0, 1), (1, 0))
    assert found.message == (
        "2 entries disagree, worst by its bar ∂A[1,0]/∂X[1,0]: analytic 3.1, numeric 3 ± 1e-12, "
        "analytic/numeric = 1.033333333"
    )


def test_one_entry_disagrees() -> None:
    (found,) = findings(numeric_of([1.0, 0.0], [1e-12, 0.0]), [1.00000001, 0.0])
    assert found.message == (
        "1 entry disagrees, worst ∂A[0]/∂X[0]: analytic 1.00000001, numeric 1 ± 1e-12, analytic/numeric = 1.00000001; "
        "give --noise 2e-09 if f is no more precise"
    )
    (found,) = findings(numeric_of([1.0, 0.0], [1e-12, 1e-12]), [1.0, 0.5])
    assert found.message == "1 entry disagrees, worst ∂A[1]/∂X[1]: analytic 0.5, numeric 0 ± 1e-12"


def test_an_entry_off_by_as_little_as_an_approximation_is() -> None:
    (found,) = findings(numeric_of([1.0, 2.0, 3.0], [1e-12] * 3), [1 + 1e-10, 2 + 4e-10, 3.0])
    assert (found.code, found.at) == ("J006", ((0,), (1,)))
    assert found.message == (
        "2 entries inconclusive: ∂A[1]/∂X[1]: analytic 2.0000000004, numeric 2 ± 1e-12, off by a relative 2e-10, "
        "as f, or the rules that its derivative is made of, may be if they approximate; give --rtol 3e-10 if they do"
    )
    wide = numeric_of([1.0, 1.0], [1e-12, 1e-2])
    little, wide_one = findings(wide, [1 + 1e-10, 1.0])
    assert little.message.startswith("1 entry inconclusive: ∂A[0]/∂X[0]: analytic")
    assert "too wide to judge" in wide_one.message


def test_more_places_than_are_listed_are_counted() -> None:
    (found,) = findings(numeric_of([1.0] * 100, [1e-12] * 100), [2.0] * 100)
    assert found.message.startswith("100 entries disagree")
    assert found.at == tuple((k,) for k in range(16))


def test_inconclusive_entries() -> None:
    wide = numeric_of([1.0, 1.0], [1e-12, 1e-2])
    (found,) = findings(wide, [1.0, 1.0])
    assert (found.code, found.severity) == ("J006", "error")
    assert found.message == "1 entry inconclusive: ∂A[1]/∂X[1] is 1 ± 0.01, too wide to judge the analytic 1 by"
    unresolved = numeric_of([np.nan, 1.0], [np.inf, 1e-12])
    unresolved.kind[0] = Kind.UNRESOLVED
    (found,) = findings(unresolved, [1.0, 1.0])
    assert found.message == (
        "1 entry inconclusive: no step size gives a difference for ∂A[0]/∂X[0] that can be trusted"
    )


def test_entries_without_a_number() -> None:
    numeric = numeric_of([1.0, np.nan, 1.0], [1e-12, np.inf, 1e-12])
    numeric.kind[1] = Kind.NONFINITE
    (found,) = findings(numeric, [1.0, 1.0, 1.0])
    assert (found.code, found.severity) == ("J004", "error")
    assert found.message == "1 entry not finite: no difference for ∂A[1]/∂X[1] is finite at the finite X[1] = 1"


def test_rules_and_patterns_that_directions_refute() -> None:
    numeric = numeric_of([1.0, 2.0, 3.0], [1e-12] * 3)
    calm = Comparison(np.zeros(3, np.int8), numeric.jacobian.data, numeric)
    none = np.zeros(0, np.int64)
    assert (
        list(
            of_directions(
                Directions(none, none, none, none, 3, 1e-9), calm, numeric, names(numeric.jacobian.pattern), none
            )
        )
        == []
    )
    rule = Directions(none, np.array([1, 2]), none, none, 3, 1e-9)
    (found,) = of_directions(rule, calm, numeric, names(numeric.jacobian.pattern), none)
    assert found.code == "J001"
    assert "of 2 outputs, first of A[1], is off" in found.message
    (found,) = of_directions(
        Directions(none, none, np.array([1]), none, 3, 1e-9), calm, numeric, names(numeric.jacobian.pattern), none
    )
    assert (found.code, found.at) == ("J001", ((1,),))
    assert "the analytic derivative by 1 input, first by X[1], is off" in found.message
    (found,) = of_directions(rule, calm, numeric, names(numeric.jacobian.pattern), np.array([1, 2]))
    assert (found.code, found.severity) == ("J012", "error")
    assert "for 2 outputs" in found.message
    assert found.at == ((1,), (2,))
    status = np.array([0, Status.DISAGREES, Status.DISAGREES], np.int8)
    (found,) = of_directions(
        Directions(none, np.array([1]), none, none, 3, 1e-9),
        calm,
        numeric,
        names(numeric.jacobian.pattern),
        none,
        complete=False,
    )
    assert "every entry of it that was compared agrees: it is wrong in others, which the budget left" in found.message
    accused = Comparison(status, numeric.jacobian.data, numeric)
    assert (
        list(of_directions(rule, accused, numeric, names(numeric.jacobian.pattern), none)) == []
    )  # their entries are listed already


def coverage(detection: Detection, share: float, left_out: int = 0) -> list[Finding]:
    jacobian = JacobianReport(
        (4, 4), (4, 4), "column", "numerator", "", "dense", None, 1, None, None, None, None, None, None, None
    )
    return list(of_coverage(detection, share, jacobian, "the budget", left_out))


def test_what_a_budget_left_out() -> None:
    assert coverage(Detection(diagonal((4,)), 3, 11), 1.0) == []
    (found,) = coverage(Detection(diagonal((4,)), 3, 11), 0.25)
    assert (found.code, found.severity) == ("J007", "note")
    assert found.message.startswith("the budget allows values for 0.25 of the entries; the pattern is proved")
    open_ = Unresolved(np.array([1, 2]), np.zeros(2, int), np.arange(4))
    (found,) = coverage(Detection(diagonal((4,)), 3, 11, (open_,)), 0.5)
    assert "which of 8 entries are zero is not proved" in found.message
    assert found.message.endswith("0.5 of them were compared, all were held against random directions")
    for detection in (Detection(diagonal((4,)), 3, 11), Detection(diagonal((4,)), 3, 11, (open_,))):
        (found,) = coverage(detection, 0.5, 2)
        assert found.message.endswith("all were held against random directions, but for those of 2 outputs")


def test_which_budget_ended_the_work() -> None:
    assert budgets({"evaluations"}, 200, 2**20) == "the budget of 200 calls (--max-evaluations)"
    both = "the budget of 200 calls (--max-evaluations) and the budget of 1 MiB (--memory)"
    assert budgets({"memory", "evaluations"}, 200, 2**20) == both
    assert budgets({None}, 200, 2**20) == "a pattern that changed from point to point"


@pytest.mark.parametrize(("finding", "code"), [(not_deterministic(0.5, None), "J005"), (mutates_input(), "J008")])
def test_what_ends_an_inspection(finding: Finding, code: str) -> None:
    assert (finding.code, finding.severity, finding.at) == (code, "error", ())


def test_shapes_without_a_hadamard_product() -> None:
    pattern = Pattern.from_pairs(np.array([0]), np.array([1]), (), (2, 3))
    found = hadamard_invalid(None, pattern, names(pattern))
    assert found.message == "A' ⊙ dX does not exist: A is a single number and X is 2×3"
