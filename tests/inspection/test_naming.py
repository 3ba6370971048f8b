"""The letters of a report: the user's own names for the operand, and one for the output that no operand has."""

import re

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.naming import Names
from jacinspect.operands.bundle import Bundle
from jacinspect.views import details, latex, markdown, text
from jacinspect.views.page.numbers import numbers
from tests.views.test_text import printed

RNG = np.random.default_rng(4)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def of(operand: str, *fixed: str) -> Names:
    return Names(Bundle.of([("A", (2,))]), Bundle.of([(operand, (2,))]), "", fixed)


@pytest.mark.parametrize(
    ("operand", "fixed", "letters"),
    [
        ("x", (), ("A", "X")),
        ("X", (), ("A", "X")),
        ("X", ("A", "B"), ("Y", "X")),
        ("A", ("X", "B"), ("Y", "A")),
        ("A", ("Y",), ("F", "A")),
        ("a", (), ("Y", "a")),
        ("w", ("a",), ("A", "w")),
        ("fc1.weight", (), ("A", "X")),
        ("fc1.weight", ("X",), ("A", "Z")),
        ("x", ("X",), ("A", "x")),
        ("a_long_name", (), ("A", "X")),
    ],
)
def test_letters(operand: str, fixed: tuple[str, ...], letters: tuple[str, str]) -> None:
    names = of(operand, *fixed)
    assert (names.a, names.x) == letters


def test_texts_about_a_and_x_are_written_with_them() -> None:
    said = "∂A_ij/∂X_pq = A'_ij δ_ip: vec(Aᵀ), dA = A' ⊙ (dX 1ᵀ), A[0,1], Axis, MAX, E_ij, X"
    assert of("x").own(said) == said
    assert of("A", "X").own(said) == (
        "∂Y_ij/∂A_pq = Y'_ij δ_ip: vec(Yᵀ), dY = Y' ⊙ (dA 1ᵀ), Y[0,1], Axis, MAX, E_ij, A"
    )
    assert of("x_1").own("∂A_i/∂X_p, dX") == "∂A_i/∂(x_1)_p, dx_1"
    assert of("w").own(r"\partial A / \partial X_{pq} \Axis A' \odot dX") == (
        r"\partial A / \partial w_{pq} \Axis A' \odot dw"
    )


@pytest.mark.parametrize("form", ["vec", "tensor", "stacked", "blocks"])
def test_no_view_speaks_of_another_operand(form: str) -> None:
    """Of M @ W by W, with the output A, neither X nor dX is spoken of anywhere."""
    report = jacinspect.inspect("M @ W", normal(2, 2), others=[normal(2, 2)], wrt="W", order=2)
    for view in (text, details):
        console = "\n".join(printed(report, 80, view=view))
        assert "W 2×2 → A 2×2" in console
        assert not re.search(r"(?<![A-Za-z])d?X(?![A-Za-z])", console)
    assert "= ∂vec(A)/∂vec(W)" in "\n".join(printed(report, 80, view=text))
    for page in (markdown.render(report, form=form), latex.render(report, form=form)):
        assert not re.search(r"(?<![A-Za-z])d?X(?![A-Za-z])", page)
    drawn = numbers(report, 100)
    assert drawn is not None
    assert [part["name"] for part in drawn["names"]["X"]] == ["W"]
    assert not [array["title"] for array in drawn["arrays"] if "X" in array["title"]]
    assert not [each["relation"] for each in drawn["forms"].values() if "X" in each["relation"]]
    assert report.jacobian is not None
    assert report.jacobian.index_formula == "∂A_ij/∂W_pq = J_ijp δ_jq"
    assert [finding.message for finding in report.findings] == [
        "f is not element-wise, so no A' ⊙ dW is its differential: with vec(A') = diag J, the nearest, it is off by up "
        "to " + report.findings[0].message.rpartition(" ")[2]
    ]


def test_the_product_of_three_matrices() -> None:
    """The contract's example: A @ X @ B is inspected by X, and its output is Y."""
    report = jacinspect.inspect("A @ X @ B", normal(3, 2), others={"A": normal(2, 3), "B": normal(2, 2)})
    assert report.operand.name == "X"
    shown = "\n".join(printed(report, 80, view=text))
    assert "X 3×2 → Y 2×2" in shown
    assert "J = ∂vec(Y)/∂vec(X)" in shown
    assert "X is operand 1 of 3; A 2×3 and B 2×2 fixed" in shown
    by_a = jacinspect.inspect("A @ X @ B", normal(3, 2), others={"A": normal(2, 3), "B": normal(2, 2)}, wrt="A")
    assert "J = ∂vec(Y)/∂vec(A)" in "\n".join(printed(by_a, 80, view=text))


def test_findings_speak_of_the_operand_by_its_name() -> None:
    report = jacinspect.inspect(lambda w: np.outer(w, w), normal(3), lambda w: np.zeros((3, 3, 3)))
    assert "a derivative cut off from w: it is 0 in every entry" in report.findings[0].message
    assert re.search(r"worst by its bar ∂A\[\d,\d\]/∂w\[\d\]", report.findings[0].message)
    report = jacinspect.inspect("relu(w)", np.array([1.0, 2.0]))
    assert [finding.message for finding in report.findings] == [
        "no entry of w is below 0, where f has another branch: the derivative there was not looked at"
    ]
    assert "f'(w) = " in "\n".join(printed(report, 80))
