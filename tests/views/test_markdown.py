"""The markdown report: parsed as a pull request's page parses it, it has its headings, tables, blocks and findings."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import jacinspect
from jacinspect.choices import Form
from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from jacinspect.views.markdown import render

PARSER = MarkdownIt("gfm-like", {"linkify": False})
X = np.array([[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]])


@cache
def reports() -> dict[str, Report]:
    draws = np.random.default_rng(0)
    return {
        "sigmoid": jacinspect.inspect("sigmoid", X),
        "softmax": jacinspect.inspect("softmax", X, expect=["diagonal"], vec="row"),
        "kinks": jacinspect.inspect("abs", X),
        "transpose": jacinspect.inspect("transpose", X, layout="denominator"),
        "vector": jacinspect.inspect("tanh", X[0]),
        "number": jacinspect.inspect(lambda x: np.sum(x * x), X),
        "nothing": jacinspect.inspect("tanh", np.zeros((0, 3))),
        "large": jacinspect.inspect("tanh", np.ones((40, 30))),
        "three axes": jacinspect.inspect("softmax", np.ones((2, 3, 2))),
        "restless": jacinspect.inspect(lambda x: x + draws.standard_normal(x.shape), X),
        "sampled": jacinspect.inspect("softmax", np.ones((6, 8)), max_evaluations=5),
    }


def parsed(text: str) -> list[Token]:
    return PARSER.parse(text)


def spoken(tokens: list[Token]) -> list[str]:
    """Give the text of each paragraph, heading, cell and item as a reader sees it; no other markup may be in it."""
    texts = []
    for token in tokens:
        if token.type == "inline":
            assert token.children is not None
            assert {child.type for child in token.children} <= {"text", "text_special", "strong_open", "strong_close"}
            texts.append("".join(child.content for child in token.children))
    return texts


REFUSED = [("three axes", form) for form in (Form.stacked, Form.blocks)]


@pytest.mark.parametrize(("name", "form"), REFUSED)
def test_more_axes_have_no_rows_and_columns(name: str, form: Form) -> None:
    with pytest.raises(InputError):
        render(reports()[name], form=form)


@pytest.mark.parametrize(("name", "form"), [(n, f) for n in sorted(reports()) for f in Form if (n, f) not in REFUSED])
def test_it_parses_into_what_was_meant(name: str, form: Form) -> None:
    report = reports()[name]
    text = render(report, form=form)
    tokens = parsed(text)
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} <= {
        *("heading", "inline", "fence", "table", "thead", "tbody", "tr", "th", "td", "paragraph", "bullet_list"),
        "list_item",
    }
    texts = spoken(tokens)
    assert texts[-1].endswith("structure only" if report.structure_only else report.verdict)
    for finding in report.findings:
        assert f"{finding.code} {finding.severity} {finding.name}: {finding.message}".replace("\n", " ") in texts
    if report.jacobian is not None:
        assert report.jacobian.index_formula in texts
        tables = text.count("\n| --- |")
        assert (
            sum(token.type == "table_open" for token in tokens)
            == tables
            == 2 + (report.jacobian.arrangement is not None)
        )


@pytest.mark.parametrize("name", sorted(reports()))
def test_a_block_fits_a_pull_request(name: str) -> None:
    for token in parsed(render(reports()[name])):
        if token.type == "fence":
            assert token.info == "text"
            assert max(map(len, token.content.splitlines())) <= 88
            assert not any(line != line.rstrip() for line in token.content.splitlines())


def test_the_numbers_are_those_of_the_report() -> None:
    text = render(jacinspect.inspect("square", np.array([[1.0, 2.0], [3.0, 4.0]])))
    assert "J analytic    J numeric" in text
    assert "2  ·  ·  ·    2  ·  ·  ·" in text
    assert "·  ·  ·  8    ·  ·  ·  8" in text


def test_a_formula_with_marks_stays_what_it_is() -> None:
    def rule(x: Any) -> Any:
        return np.abs(x)

    rule.__name__ = "a|b_*c*_`d`<e>"
    report = jacinspect.inspect(rule, X)
    assert any(report.function.name in text for text in spoken(parsed(render(report))))


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"^--full: the dense"):
        render(jacinspect.inspect("tanh", np.ones((40, 30)), memory=10**6), full=True)
