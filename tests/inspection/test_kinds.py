"""Of each kind that loses digits, moves in steps, or bends, a few operands; tests/benchmarks/test_kinds.py has more."""

import pytest

from tests.kinds import KINDS, Case, Kind, inspected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_right_derivative_is_not_accused_and_a_wrong_one_does_not_pass(kind: Kind) -> None:
    """By numpy and torch in turn: all backends would take minutes."""
    number = KINDS.index(kind)
    deviation = min(3, kind.deviations[-1])  # in f's curved part, not where it has only its limits
    case = Case(kind, kind.backends[0 if kind.dense else number % min(2, len(kind.backends))], deviation, 1.0, 7)
    right, wrong = inspected(case), inspected(case, kind.wrong)
    assert right is not None
    assert wrong is not None
    assert right.verdict != "fail", right.findings
    assert wrong.verdict != "pass", wrong.findings
    if kind.lossless:
        assert (right.verdict, wrong.verdict) == ("pass", "fail")
