"""The headline's outcome and the sentences about the structure, for every structure and every outcome."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.views import details, text
from jacinspect.views.facts import formulas
from jacinspect.views.outcome import outcome
from jacinspect.views.sentences import of_outcome, of_structure


def normal(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(3).standard_normal(shape)


WIDE = np.eye(16) + np.eye(16, k=1) + np.eye(16, k=-2)
BAND = np.eye(12) + np.diag(np.arange(1.0, 12), 1) + np.diag(np.arange(1.0, 12), -1)
SCATTERED = np.random.default_rng(5).random((9, 9)) < 0.15
SCATTERED[0, 8] = SCATTERED[8, 0] = SCATTERED[4, 0] = True

STRUCTURES: list[tuple[str, Callable[[], Report], str]] = [
    (
        "diagonal",
        lambda: jacinspect.inspect("sigmoid", normal((2, 2))),
        "Each output reads the one input in its own place: ∂A_ij/∂X_pq = A'_ij δ_ip δ_jq. "
        "So J is diagonal, its diagonal is vec(A'), and A' ⊙ dX is the differential.",
    ),
    (
        "permutation",
        lambda: jacinspect.inspect("flip", normal((3,))),
        "Each output reads one input, and every input is read once, in another place: ∂A_i/∂X_p = J_ip. "
        "So J has one entry in every row and column, like a permutation matrix, and no A' ⊙ dX is the differential.",
    ),
    (
        "broadcast",
        lambda: jacinspect.inspect("multiply", normal((2, 1)), others=[normal((2, 3))]),
        "Each output reads one input at most, and some inputs are shared or left out, as X is repeated to the shape of "
        "A: ∂A_ij/∂X_pq = A'_ij δ_ip. So J has at most one entry in each row, and A' ⊙ (dX 1ᵀ) is the differential.",
    ),
    (
        "block-diagonal",
        lambda: jacinspect.inspect("softmax", normal((3, 4))),
        "Each output reads the inputs of its own row alone: ∂A_ij/∂X_pq = J_ijq δ_ip. So J has 3 blocks of 4×4 on its "
        "diagonal in row-major vec (--vec row shows them) and is 0 elsewhere, and no A' ⊙ dX is the differential.",
    ),
    (
        "lower-triangular",
        lambda: jacinspect.inspect("cumsum", normal((4,))),
        "Each output reads inputs at its own place in vec and before it, none after: ∂A_i/∂X_p = [p ≤ i]. "
        "So J is lower triangular, and no A' ⊙ dX is the differential.",
    ),
    (
        "upper-triangular",
        lambda: jacinspect.inspect("cumsum", normal((4,)), layout="denominator"),
        "Each output reads inputs at its own place in vec and before it, none after: ∂A_i/∂X_p = [p ≤ i]. "
        "So J is upper triangular, and no A' ⊙ dX is the differential.",
    ),
    (
        "banded",
        lambda: jacinspect.inspect(lambda x: WIDE @ np.sin(x), normal((16,))),
        "Each output reads inputs near its own place in vec, up to 2 before and 1 after: ∂A_i/∂X_p = J_ip. "
        "So J is a band, and no A' ⊙ dX is the differential.",
    ),
    (
        "tridiagonal",
        lambda: jacinspect.inspect(lambda x: BAND[:5, :5] @ np.sin(x), normal((5,))),
        "Each output reads inputs near its own place in vec, up to 1 before and 1 after: ∂A_i/∂X_p = J_ip. "
        "So J is tridiagonal, and no A' ⊙ dX is the differential.",
    ),
    (
        "dense",
        lambda: jacinspect.inspect(lambda x: (np.ones((3, 3)) - np.eye(3)) @ np.sin(x), normal((3,))),
        "Outputs read some of the inputs, in no regular arrangement: ∂A_i/∂X_p = J_ip. "
        "So J has zeros, and is neither sparse nor dense, and no A' ⊙ dX is the differential.",
    ),
    (
        "sparse",
        lambda: jacinspect.inspect(lambda x: SCATTERED @ np.sin(x), normal((9,))),
        r"Each output reads few of the inputs, \d at most: ∂A_i/∂X_p = J_ip. "
        "So J is mostly 0, in no regular arrangement, and no A' ⊙ dX is the differential.",
    ),
    (
        "dense",
        lambda: jacinspect.inspect("softmax", normal((4,))),
        "Every output reads every input: ∂A_i/∂X_p = J_ip. So J is dense, and no A' ⊙ dX is the differential.",
    ),
    (
        "dense",
        lambda: jacinspect.inspect(np.sum, normal((2, 3))),
        "The one output reads all inputs: ∂Y/∂a_pq = 1. "  # numpy calls the operand a
        "So J is one row, the gradient. Y and a have different shapes, so there is no Y' ⊙ da.",
    ),
    (
        "zero",
        lambda: jacinspect.inspect(np.ones_like, normal((3,))),
        "No output reads an input: around a, f is constant and J is 0.",
    ),
    (
        "zero",
        lambda: jacinspect.inspect("sigmoid", normal((0, 3))),
        "There is nothing to differentiate: X or A has no entries.",
    ),
]


@pytest.mark.parametrize(
    ("structure", "report", "said"), STRUCTURES, ids=[f"{s[0]} {n}" for n, s in enumerate(STRUCTURES)]
)
def test_a_structure_is_said_in_plain_words(structure: str, report: Callable[[], Report], said: str) -> None:
    of = report()
    assert of.jacobian is not None
    assert of.jacobian.structure == structure
    form = of.form("vec")
    assert form is not None
    found = " ".join(of_structure(of, of.jacobian, form))
    assert found == said or re.fullmatch(re.escape(said).replace(r"\\d", r"\d"), found)


def test_another_form_speaks_of_the_vec_matrix_as_such() -> None:
    of = jacinspect.inspect("sigmoid", normal((2, 2)))
    form = of.form("stacked")
    assert of.jacobian is not None
    assert form is not None
    assert [*of_structure(of, of.jacobian, form)][1].startswith("So J, as vec, is diagonal")


def wrong_in_one(x: Any) -> Any:
    slopes = 1 - np.tanh(x) ** 2
    slopes[0, 1] *= -1
    return slopes


OUTCOMES: list[tuple[Callable[[], Report], str, str | None]] = [
    (lambda: jacinspect.inspect("tanh", normal((2, 3))), "✓ the derivative is right: 6 of 6 entries agree", ""),
    (
        lambda: jacinspect.inspect("tanh", normal((3,)), points=2),
        "✓ the derivative is right: 3 of 3 entries agree at each of 2 points",
        "",
    ),
    (
        lambda: jacinspect.inspect("tanh", np.array([1.0, np.nan])),
        "✓ the derivative is right where it could be compared: 1 of 2 entries agrees",
        "",
    ),
    (
        lambda: jacinspect.inspect("tanh", normal((2, 3)), wrong_in_one),
        "✗ the derivative is wrong: 1 of 6 entries disagrees",
        "Finite differences of f contradict this derivative where ✘ stands in J.",
    ),
    (
        lambda: jacinspect.inspect("tanh", normal((2,)), noise=10.0),
        "? inconclusive: f's values do not decide 2 of 2 entries",
        "Near X, the values of f do not show whether the derivative is right (? in J). It may well be.",
    ),
    (
        lambda: jacinspect.inspect(np.tanh, normal((2,))),
        "no derivative given: structure only",
        "J is what differences of f give. With a derivative (-d), the two are compared.",
    ),
    (
        lambda: jacinspect.inspect(np.tanh, normal((2,)), expect="diagonal"),
        "✓ J is as expected, diagonal; no derivative was checked",
        "J is what differences of f give. With a derivative (-d), the two are compared.",
    ),
    (
        lambda: jacinspect.inspect("tanh", normal((2,)), expect="dense"),
        "✗ what --expect or --expect-pattern asks for does not hold",
        "",
    ),
    (
        lambda: jacinspect.inspect("softmax", normal((6, 8)), max_evaluations=5),
        "✓ no entry is wrong of the 8 that were compared, 2.1 % of all",
        "A budget ended the work early: 8 entries were compared, the others only together, along random directions. "
        "J is not shown.",
    ),
    (lambda: jacinspect.inspect("0 * x", normal((3,))), "✓ the derivative is right: it is 0, as f is constant", ""),
    (
        lambda: jacinspect.inspect("relu", np.zeros(1), strict_kinks=True),
        "✗ f has a kink or a jump at X: its one-sided slopes differ",
        None,
    ),
]


@pytest.mark.parametrize(("report", "headline", "said"), OUTCOMES, ids=[each[1] for each in OUTCOMES])
def test_an_outcome_is_said_in_plain_words(report: Callable[[], Report], headline: str, said: str | None) -> None:
    of = report()
    assert outcome(of) == headline
    if said is not None:
        assert " ".join(of_outcome(of)) == said


def shown(of: Report, view: Any = text) -> str:
    console = Console(file=(stream := StringIO()), width=80, color_system=None, highlight=False)
    console.print(view.render(of, 80))
    return stream.getvalue()


@pytest.mark.parametrize("view", [text, details])
def test_wrong_entries_are_marked_in_the_matrix_and_no_others(view: Any) -> None:
    of = jacinspect.inspect("tanh", np.arange(6.0).reshape(2, 3) / 7, wrong_in_one)
    said = shown(of, view)
    marked = re.findall(r"✘(-?[0-9.]+)", said)
    assert [f"{float(number):.4g}" for number in marked] == [f"{np.tanh(1 / 7) ** 2 - 1:.4g}"]


def test_an_entry_where_f_has_none_is_marked_too() -> None:
    matrix = np.diag(2 * np.arange(1.0, 4))
    matrix[2, 0] = 0.5
    of = jacinspect.inspect(np.square, np.arange(1.0, 4), lambda x: matrix, derivative_kind="jacobian")
    assert re.findall(r"✘\S+", shown(of)) == ["✘0.5"]


def test_the_worst_entries_are_listed_with_both_values_the_bar_and_the_difference() -> None:
    of = jacinspect.inspect("tanh", normal((2, 2)), lambda x: 1 + np.tanh(x) ** 2)
    lines = shown(of).splitlines()
    header = next(
        n for n, line in enumerate(lines) if line.split() == ["entry", "analytic", "numeric", "±", "bar", "difference"]
    )
    for line in lines[header + 1 : header + 5]:
        assert re.fullmatch(r"  +∂A\[\d,\d\]/∂X\[\d,\d\] +\S+ +\S+ ± \S+ +\S+", line)


def test_colour_goes_with_the_sign() -> None:
    of = jacinspect.inspect("tanh", normal((2, 2)), wrong_in_one)
    console = Console(file=(stream := StringIO()), width=80, force_terminal=True, color_system="standard")
    console.print(text.render(of, 80))
    assert re.search(r"\x1b\[1;31m✘-?[0-9.]+\x1b\[0m", stream.getvalue())


def wrong_outside(matrix: Any) -> Report:
    return jacinspect.inspect(np.square, np.arange(1.0, 4), lambda x: matrix, derivative_kind="jacobian")


def test_a_refuted_claim_is_told_from_the_true_jacobian() -> None:
    of = jacinspect.inspect("tanh", normal((2, 3)), wrong_in_one)
    said = shown(of)
    assert "So the true J is diagonal, its diagonal is vec(A'), and A' ⊙ dX is the\n" in said
    assert "differential with A' = the true f'(X)." in said
    assert "J, as claimed" in said
    for view in (text, details):
        assert "numeric J·vec(dX)" in shown(of, view)
    assert of.hadamard is not None
    slope = (1 - np.tanh(normal((2, 3))) ** 2) * of.hadamard.factor  # that of f, not of the claim
    np.testing.assert_allclose(of.hadamard.product, slope, rtol=1e-9)
    right = shown(jacinspect.inspect("tanh", normal((2, 3))))
    assert "claimed" not in right
    assert "numeric J·vec(dX)" not in right
    assert "the true" not in right


def test_only_wrong_entries_are_listed_and_those_left_out_are_counted() -> None:
    def wrong_in_two(x: Any) -> Any:
        return wrong_in_one(x) * np.array([[1, 1, 1], [2, 1, 1]])

    lines = shown(jacinspect.inspect("tanh", normal((2, 3)), wrong_in_two)).splitlines()
    rows = [line for line in lines if re.match(r" +∂A\S+ +✘", line)]
    assert [*map(str.split, rows)] == [line.split() for line in lines if line.startswith("  ∂A")]
    assert len(rows) == 2
    lines = shown(jacinspect.inspect("tanh", normal((2, 4)), lambda x: 2 + x)).splitlines()
    assert "and 3 more" in [line.strip() for line in lines]


def test_the_worst_entry_of_f_is_listed_beside_many_where_f_has_none() -> None:
    said = shown(wrong_outside(np.full((3, 3), 9.0)))
    named = re.search(r"worst by its bar\s+(∂A\[\d\]/∂X\[\d\])", said)
    assert named is not None
    assert re.search(rf"^ +{re.escape(named[1])} +✘9", said, re.M)


DERIVATIVES = {
    "df": ("x.T @ A @ x", None, "3", ["A=3x3"]),
    "∂f/∂X": ("log(det(X))", "inv(X).T", "2x2", []),
    "f'(x)": ("tanh", "1 - tanh(x)**2", "3", []),
    "∂f/∂x": ("sum(x)", "[1, 1, 1]", "3", []),
    "derivative": ("sum(x)", "numpy:ones_like", "3", []),
}


@pytest.mark.parametrize("label", DERIVATIVES)
def test_a_derivative_is_called_a_differential_only_if_it_is_one(label: str) -> None:
    of, claim, shape, others = DERIVATIVES[label]
    sizes = {"3": (3,), "2x2": (2, 2)}
    report = jacinspect.inspect(of, normal(sizes[shape]), claim, others=[normal((3, 3))] * len(others))
    assert label in [name for name, _ in formulas(report)]


def test_a_transposed_operand_that_is_multiplied_entry_by_entry_is_noted() -> None:
    note = "* is entry by entry; the matrix product is @"
    assert note in shown(jacinspect.inspect("x' * x", normal((3,))))
    assert note not in shown(jacinspect.inspect("X.T @ X * 2", normal((2, 2))))


def test_a_formula_is_not_broken_where_it_fits() -> None:
    of = jacinspect.inspect("softmax", normal((3, 4)))
    for width in range(40, 90):
        console = Console(file=(stream := StringIO()), width=width, color_system=None, highlight=False)
        console.print(text.render(of, width))
        assert not re.search(r"(⊙|=|±)$|^ *(⊙|=|±)", stream.getvalue(), re.M)


def test_the_calls_stand_on_a_line_of_their_own_where_they_do_not_fit() -> None:
    of = jacinspect.inspect("tanh", normal((2, 3)), lambda x: 1 + x)
    console = Console(file=(stream := StringIO()), width=70, color_system=None, highlight=False)
    console.print(text.render(of, 70))
    assert re.search(r"^\d+ calls of f$", stream.getvalue(), re.M)
    assert re.search(r"its bar · \d+ calls of f$", shown(jacinspect.inspect("tanh", normal((2, 3)))), re.M)


def test_a_random_operand_is_called_so() -> None:
    of = jacinspect.inspect("tanh", normal((2, 2)))
    drawn = replace(of, operand=replace(of.operand, source="random"))
    assert re.search(r"^X, random  ", shown(drawn), re.M)
    assert re.search(r"^X  ", shown(of), re.M)
