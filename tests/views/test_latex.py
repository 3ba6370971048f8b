"""The LaTeX fragment: a real LaTeX takes it, and the numbers in it are those of the report."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.choices import Form
from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from jacinspect.views.latex import render

X = np.array([[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]])
DOCUMENT = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n%s\n\\end{document}\n"


def odd(x: Any) -> Any:
    return np.exp(x)


odd.__name__ = r"a_b^c ~ {50%} \alpha #1 & $x$ 𝔻 σ"


@cache
def reports() -> dict[str, Report]:
    draws = np.random.default_rng(0)
    return {
        "column": jacinspect.inspect("sigmoid", X),
        "row": jacinspect.inspect("sigmoid", X, vec="row"),
        "denominator": jacinspect.inspect("sigmoid", X, layout="denominator"),
        "row denominator": jacinspect.inspect("gelu", X, vec="row", layout="denominator"),
        "softmax": jacinspect.inspect("softmax", X),
        "transpose": jacinspect.inspect("transpose", X, layout="denominator"),
        "vector": jacinspect.inspect("tanh", X[0]),
        "to a number": jacinspect.inspect(lambda x: np.sum(x * x), X),
        "of a number": jacinspect.inspect("square", np.float64(3.0)),
        "nothing": jacinspect.inspect("tanh", np.zeros((0, 3))),
        "large": jacinspect.inspect("tanh", np.ones((40, 30))),
        "not finite": jacinspect.inspect("exp", np.array([1e3, np.nan, -np.inf, 1e-9])),
        "odd name": jacinspect.inspect(odd, X),
        "restless": jacinspect.inspect(lambda x: x + draws.standard_normal(x.shape), X),
        "sampled": jacinspect.inspect("softmax", np.ones((6, 8)), max_evaluations=5),
    }


def fragments() -> dict[str, str]:
    found = {f"{name}, {form}": render(report, form=form) for name, report in reports().items() for form in Form}
    found["in full"] = render(jacinspect.inspect("tanh", np.ones((4, 5))), full=True)
    cubes = jacinspect.inspect("softmax", np.ones((2, 3, 2))), jacinspect.inspect("tanh", np.ones((4, 2, 2)))
    found |= {f"cube {k}, {form}": render(cube, form=form) for k, cube in enumerate(cubes) for form in [*Form][:2]}
    return found


def test_a_real_latex_takes_every_fragment(tmp_path: Path) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        assert not os.environ.get("CI"), "CI is to install texlive-latex-base (.ci/run does)"
        pytest.skip("no pdflatex here")
    marked = "\n".join(f"\\typeout{{== {name}}}\n{text}\n\\clearpage" for name, text in fragments().items())
    (tmp_path / "all.tex").write_text(DOCUMENT % marked, "utf-8")
    call = [program, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    assert "Missing character" not in log
    assert (tmp_path / "all.pdf").stat().st_size > 0


def numbers(text: str) -> list[list[str]]:
    """Give the rows of every matrix in a fragment."""
    bodies = re.findall(r"\\begin\{array\}\{r*\}\n(.*?)\n\\end\{array\}", text, re.DOTALL)
    return [[cell for row in body.split(" \\\\\n") for cell in row.split(" & ")] for body in bodies]


def test_the_numbers_are_those_of_the_report() -> None:
    report = jacinspect.inspect("square", np.array([[1.0, 2.0], [3.0, 4.0]]), direction=[[1.0, 10.0], [100.0, 1000.0]])
    diagonal, slope = list("2000060000400008"), ["2", "4", "6", "8"]
    x, a, derivative, j, *identities = numbers(render(report))
    assert (x, a, derivative, j) == (["1", "2", "3", "4"], ["1", "4", "9", "16"], slope, diagonal)
    dx, da = ["1", "10", "100", "1000"], ["2", "40", "600", "8000"]
    columns = [["1", "100", "10", "1000"], ["2", "600", "40", "8000"]]
    assert identities == [slope, dx, da, diagonal, *columns]
    text = render(report)
    assert r"dA = A' \odot dX = " in text
    assert r"\operatorname{vec}(dA) = \operatorname{Diag}(\operatorname{vec} A')\,\operatorname{vec}(dX) = " in text


def test_the_failing_short_cut_is_shown_with_its_error() -> None:
    report = jacinspect.inspect("softmax", X)
    text = render(report)
    assert report.hadamard is not None
    assert report.hadamard.max_difference is not None
    assert (
        rf"A' \odot dX \neq dA, \qquad \max\lvert A' \odot dX - dA\rvert = {report.hadamard.max_difference:.3g}" in text
    )
    assert r"\operatorname{vec}(dA) = J\,\operatorname{vec}(dX) = " in text
    assert "Diag" not in text
    assert "does not exist: $A$ is $3\\times 2$ and $X$ is $2\\times 3$" in render(jacinspect.inspect("transpose", X))


def test_what_is_large_is_shown_by_its_corners() -> None:
    text = render(reports()["large"])
    assert all(dots in text for dots in (r"\cdots", r"\vdots", r"\ddots"))
    assert len(text) < 10_000


def test_numbers_are_mathematics() -> None:
    text = render(reports()["not finite"])
    assert r"10^{-9}" in text
    assert r"\infty" in text
    assert r"\mathrm{NaN}" in text
    assert not re.search(r"\d[eE][+-]?\d|(?<![a-z\\])(inf|nan)\b", text)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"^--full: the dense"):
        render(jacinspect.inspect("tanh", np.ones((40, 30)), memory=10**6), full=True)
