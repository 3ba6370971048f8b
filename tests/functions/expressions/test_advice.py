"""Advice on what is no expression: its first line, and that the line it shows works."""

import re

import numpy as np
import pytest

from jacinspect.errors import InputError
from jacinspect.functions.expressions.expression import expression

# what is typed, the line that is shown for it, and what it means at x = y = 0.5
ADVICE = [
    (r"\frac{1}{1+e^{-x}}", "1 / (1+e^(-x))"),
    (r"\sigma(x)", "sigmoid(x)"),
    (r"f(x) = \sqrt{x^{2}+1}", "sqrt(x^2+1)"),
    (r"$x^2$", "x^2"),
    (r"\log x", "log(x)"),
    (r"\left\| x \right\|^2", "|| x ||^2"),
    (r"x^\top \cdot y", "x' * y"),
    (r"\tanh\left(\frac{x}{2}\right)", "tanh (x / 2)"),
    ("e^{-x}", "e^(-x)"),
    ("f(x) = x^2 + 1", "x^2 + 1"),
    ("y = 2x", "2x"),
    ("f(x, y) = x*y", "x*y"),
    ("lambda x: x^2", "x^2"),
    ("f = lambda x: x**2", "x**2"),
    ("x -> x^2", "x^2"),
    ("x ↦ sin(x)", "sin(x)"),
    ("return x**2", "x**2"),
    ("sigmoid'(x)", "sigmoid(x)"),
    ("x'Ax", "x' @ A @ x"),
    ("(x - y)'inv(S)", "(x + y)' @ inv(x)"),
    ("x'(y + 1)", "x' @ (x + 1)"),
    ("x^T", "x'"),
    ("sin x", "sin(x)"),
    ("1 + log 2x", "log(2x)"),
    ("sin^2(x)", "sin(x)^2"),
    ("cos² x", "cos(x)²"),
    ("log|x - 1|", "log(|x - 1|)"),
    ("d/dx x^2", "x^2"),
    ("∂/∂x sin(x)", "sin(x)"),
    ("√x", "sqrt(x)"),
    ("√(x + 1)", "sqrt(x + 1)"),
    ("∑x", "sum(x)"),
    ("x ∘ y", "x ⊙ y"),
    ("x ⊗ y", "kron(x, y)"),
    ("A⁻¹", "inv(A)"),
    ("A %*% x", "x @ y"),
    ("A \\ b", "solve(A, b)"),
    ("|x|y||", "abs(x)"),
    ("x || y", "norm(x)"),
    ("exp[x]", "exp(x)"),
    (r"\sum_i x_i^2", "1 / (1 + e^(-x))"),
]


@pytest.mark.parametrize(("text", "works"), ADVICE)
def test_the_line_that_is_shown_works(text: str, works: str) -> None:
    with pytest.raises(InputError) as error:
        expression(text)
    words, *shown = str(error.value).split("\n")
    assert works in words
    assert len(shown) == 2
    assert "Python" not in words.replace("a word of Python's", "")
    assert not re.search("syntax|literal|invalid", words)
    f = expression(works)
    point = [np.array([[0.5, 0.25], [0.125, 0.75]])] * len(f.operands)
    assert np.isfinite(f(*point)).all()


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("np.sin(x)", "sin"),
        ("torch.relu(x)", "relu"),
        ("Math.exp(x)", "exp"),
        ("F.silu(x)", "silu"),
        ("x.sum()", "sum"),
    ],
)
def test_functions_of_modules_are_called_by_their_plain_names(text: str, works: str) -> None:
    with pytest.raises(InputError, match=rf"^only \.T may follow a dot: write {works}\(…\), by its plain name"):
        expression(text)
    assert expression(f"{works}(x)")(np.array([0.5])).size == 1


@pytest.mark.parametrize(
    "text", ["x | y", "x'@y", "x' @ x + y'", "sin(x) - log(y)", "x_1 + x_2", "|x| + |y|", "exp(x')"]
)
def test_what_can_be_read_gets_no_advice(text: str) -> None:
    if "| y" in text and "+" not in text:
        with pytest.raises(InputError, match=r"^\| is no operator here"):
            expression(text)
    else:
        expression(text)


@pytest.mark.parametrize(
    "text", ["\\" * 5000, "{" * 5000, "\\frac{" * 1000, "|" * 9999, "x'" * 4000, "a " * 5000, "'" * 9999]
)
def test_advice_on_hostile_texts_comes_soon(text: str) -> None:
    with pytest.raises(InputError):
        expression(text)
