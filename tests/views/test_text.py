"""The report for a person, short and with details: everything fits, nothing is lost, the numbers are the report's."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from io import StringIO
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

import jacinspect
from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from jacinspect.views import details, text
from jacinspect.views.outcome import outcome

WIDTHS = [40, 60, 80, 200]
VIEWS = [text, details]
FIRST = ["shape", "pattern", "diagonality", "Hadamard"]
LABELS = [
    *FIRST,
    "formula",
    "bandwidths",
    "chain rule",
    "agreement",
    "cost",
    "layout",
    "also as",
    "detection",
    "operand",
]
SIGNS = {"pass": "✓ pass", "fail": "✗ fail", "inconclusive": "? inconclusive"}


def normal(*shape: int) -> Any:
    return np.random.default_rng(3).standard_normal(shape)


def mutating(x: Any) -> Any:
    x *= 2
    return x


REPORTS: dict[str, Callable[[], Report]] = {
    "sigmoid 2x2": lambda: jacinspect.inspect("sigmoid", normal(2, 2)),
    "sigmoid 1000x1000": lambda: jacinspect.inspect("sigmoid", normal(1000, 1000)),
    "softmax by rows": lambda: jacinspect.inspect("softmax", normal(3, 4), vec="row"),
    "softmax by columns": lambda: jacinspect.inspect("softmax", normal(3, 4), expect=["diagonal"]),
    "transpose": lambda: jacinspect.inspect("transpose", normal(2, 3), layout="denominator"),
    "cumsum": lambda: jacinspect.inspect("cumsum", normal(30)),
    "kinks": lambda: jacinspect.inspect("relu", np.array([[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]])),
    "wrong": lambda: jacinspect.inspect("tanh", normal(2, 3), lambda x: np.tanh(x)),
    "inconclusive": lambda: jacinspect.inspect("sigmoid", normal(2, 2), noise=10.0),
    "nan": lambda: jacinspect.inspect("sigmoid", np.array([[1.0, np.nan], [np.inf, -np.inf]])),
    "no numbers": lambda: jacinspect.inspect("sigmoid", normal(0, 3)),
    "no rows, coupled": lambda: jacinspect.inspect("softmax", normal(3, 0)),
    "one number": lambda: jacinspect.inspect("square", normal(1)),
    "1x1": lambda: jacinspect.inspect("square", normal(1, 1)),
    "no axes": lambda: jacinspect.inspect("square", np.float64(-1.5)),
    "to no axes": lambda: jacinspect.inspect(lambda x: x.sum(), normal(3, 2)),
    "three axes": lambda: jacinspect.inspect("leaky_relu", normal(2, 3, 2), parameters={"negative_slope": 0.25}),
    "many slices": lambda: jacinspect.inspect("sigmoid", normal(5, 2, 3)),
    "four axes": lambda: jacinspect.inspect("softmax", normal(2, 1, 2, 3)),
    "huge and tiny": lambda: jacinspect.inspect("identity", np.array([[-1.2345678e300, 1e-300], [0.0, -5e-324]])),
    "constant": lambda: jacinspect.inspect(lambda x: 0 * x, normal(2, 3)),
    "numeric only": lambda: jacinspect.inspect(np.sin, normal(2, 3)),
    "wide": lambda: jacinspect.inspect(lambda x: x[:1], normal(200, 2)),
    "sampled": lambda: jacinspect.inspect("softmax", normal(6, 8), max_evaluations=5),
    "mutates": lambda: jacinspect.inspect(mutating, normal(2, 2)),
}


@cache
def report(name: str) -> Report:
    return REPORTS[name]()


@cache
def written(name: str, width: int, full: bool = False, view: Any = details) -> tuple[str, ...]:
    """Print a report as a pipe would get it, once for all tests that look at it."""
    return printed(report(name), width, full, view)


def printed(of: Report, width: int, full: bool = False, view: Any = details) -> tuple[str, ...]:
    console = Console(file=(stream := StringIO()), width=width, color_system=None, highlight=False, soft_wrap=full)
    console.print(view.render(of, width, full))
    return tuple(stream.getvalue().splitlines())


def facts(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Read the labelled lines, those that hang below them joined; all their texts begin in one column."""
    start = next((len(line) - len(line.removeprefix("shape").lstrip()) for line in lines if line[:6] == "shape "), 0)
    found: list[tuple[str, str]] = []
    hanging = False
    for line in lines:
        label, text = line[:start].rstrip(), line[start:]
        if label in LABELS and text and text[0] != " " and line[start - 1] == " ":
            found.append((label, text))
            hanging = True
        elif hanging and line and not label:
            found[-1] = (found[-1][0], f"{found[-1][1]} {text}")
        else:
            hanging = False
    return [(label, " ".join(text.split())) for label, text in found]


def panel(lines: Sequence[str], title: str) -> list[str]:
    """Cut out what stands below a title, up to the next blank line and the next title."""
    top, start = next((n, line.index(title)) for n, line in enumerate(lines) if re.search(_whole(title), line))
    beyond = re.search(r"\s{4,}\S", lines[top][start + len(title) :])
    stop = None if beyond is None else start + len(title) + beyond.end() - 1
    below = lines[top + 1 :]
    below = below[: below.index("")] if "" in below else below
    return [line[start:stop].strip() for line in below if line[start:stop].strip()]


def _whole(title: str) -> str:
    return rf"(^|\s{{4}}){re.escape(title)}($|\s{{4}})"


def numbers(lines: Sequence[str], title: str) -> list[list[float]]:
    return [[0.0 if cell == "·" else float(cell) for cell in line.split()] for line in panel(lines, title)]


# --- For every report


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_no_line_is_longer_than_the_width(name: str, width: int, view: Any) -> None:
    for line in written(name, width, view=view):
        assert cell_len(line) <= width, line


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_it_is_plain(name: str, width: int, view: Any) -> None:
    lines = written(name, width, view=view)
    assert not [line for line in lines if line != line.rstrip()], "trailing blanks"
    assert not [line for line in lines if re.search(r"[\x00-\x1f\x7f]", line)]
    assert not any(pair == ("", "") for pair in pairwise(lines)), "two blank lines"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_name_and_outcome_stand_first_and_the_verdict_last(name: str, width: int, view: Any) -> None:
    lines, of = written(name, width, view=view), report(name)
    head = " ".join(" ".join(lines[:5]).split())  # on a narrow terminal the outcome has lines of its own
    assert head.startswith(of.function.name)
    assert outcome(of) in head
    verdict = "no derivative given: structure only" if of.structure_only else SIGNS[of.verdict]
    assert outcome(of).startswith(verdict[0])
    if view is details:
        assert lines[-1] == (verdict if of.structure_only else f"verdict: {verdict}")
    else:
        assert " ".join(lines[-2:]).endswith("--details for the rest; jacinspect explain WORD")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", sorted(set(REPORTS) - {"mutates"}))
def test_what_is_asked_first_stands_before_the_numbers(name: str, width: int) -> None:
    lines = written(name, width)
    labels = [label for label, _ in facts(lines)]
    assert labels == [label for label in LABELS if label in labels]
    assert {*LABELS} - {*labels} <= {"chain rule", "cost", "also as", "bandwidths"}
    first_panel = next(n for n, line in enumerate(lines) if line == "X" or line.startswith(("X  ", "X[")))
    agreement = next(n for n, line in enumerate(lines) if line.startswith("agreement"))
    assert agreement < first_panel
    short = written(name, width, view=text)
    assert [label for label, _ in facts(short)] == FIRST
    first_panel = next(n for n, line in enumerate(short) if line == "X" or line.startswith(("X  ", "X[")))
    assert next(n for n, line in enumerate(short) if line.startswith("Hadamard")) < first_panel


@pytest.mark.parametrize("name", REPORTS)
def test_no_words_are_lost_in_narrow_columns(name: str) -> None:
    for view in VIEWS:
        by_width = [facts(written(name, width, view=view)) for width in WIDTHS]
        assert by_width[0] == by_width[1] == by_width[2] == by_width[3]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_every_finding_is_told_with_its_whole_message(name: str, width: int) -> None:
    for view in VIEWS:
        said = " ".join(" ".join(written(name, width, view=view)).split())
        for finding in report(name).findings:
            if view is text and finding.code == "J009":  # the Hadamard line says it
                assert f"Hadamard {facts(written(name, 200, view=text))[3][1]}" in said
                assert "(J009)" in said
                continue
            assert f"{finding.code} {finding.severity} " in said
            assert f"{finding.name}: {finding.message}" in said


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_what_is_large_is_not_pages_long(name: str, width: int) -> None:
    assert len(written(name, width)) <= {40: 240, 60: 160, 80: 120, 200: 70}[width]
    assert len(written(name, width, view=text)) <= {40: 120, 60: 80, 80: 60, 200: 45}[width]


def test_a_million_entries_take_little_more_than_a_screen() -> None:
    assert len(written("sigmoid 1000x1000", 80)) <= 90
    assert len(written("sigmoid 1000x1000", 80, view=text)) <= 45


def test_a_2x2_takes_22_lines_and_softmax_40() -> None:
    assert len(written("sigmoid 2x2", 80, view=text)) <= 22
    assert len(written("softmax by rows", 80, view=text)) <= 40


# --- One by one


@pytest.mark.parametrize("width", [80, 200])
def test_the_answers_about_a_sigmoid(width: int) -> None:
    said = dict(facts(written("sigmoid 2x2", width)))
    assert said["shape"] == "4×4, square: J = ∂vec(A)/∂vec(X)"
    assert "column-major" in said["layout"]
    assert "numerator" in said["layout"]
    assert "1 color" in said["detection"]
    assert said["pattern"].startswith("diagonal: 4 of 16 entries")
    assert said["diagonality"].startswith("diagonal")
    assert said["formula"] == "∂A_ij/∂X_pq = A'_ij δ_ip δ_jq"
    assert "A' ⊙ dX = J·vec(dX)" in said["Hadamard"]
    assert "pass over 4 entries" in said["agreement"]
    assert "seed 0" in said["operand"]


def test_the_answers_about_a_softmax() -> None:
    by_rows, by_columns = (dict(facts(written(f"softmax by {way}", 80))) for way in ("rows", "columns"))
    for said in (by_rows, by_columns):
        assert said["pattern"].startswith("block-diagonal, 3 blocks of 4×4")
        assert "48 of 144" in said["pattern"]
        assert said["diagonality"].startswith("not diagonal")
        assert "≠" in said["Hadamard"]
        assert "≠" in said["chain rule"]
    assert "commutation" in by_columns["pattern"]
    assert "commutation" not in by_rows["pattern"]


def test_without_an_analytic_derivative_none_is_shown() -> None:
    lines = written("numeric only", 200)
    assert not any("J analytic" in line for line in lines)
    assert numbers(lines, "J numeric")[0][0] == pytest.approx(np.cos(normal(2, 3)[0, 0]), rel=1e-3)
    assert "no analytic derivative" in dict(facts(lines))["agreement"]


def test_the_least_bar_that_there_is_can_be_written() -> None:
    """Of a unit that is dead at -2000: powers of ten are 0 below 1e-323."""
    report = jacinspect.inspect("relu", np.array([-2000.0]))
    assert report.agreement is not None
    assert report.agreement.max_error_bar == 5e-324
    assert any("numeric J within ±1e-323" in line for line in printed(report, 80, view=text))


def test_a_stopped_inspection_says_why_and_shows_no_matrix() -> None:
    lines = written("mutates", 80)
    assert len(lines) < 12
    assert facts(lines) == []
    assert any(line.startswith("J008") for line in lines)


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", ["sigmoid 2x2", "transpose", "kinks", "one number", "1x1", "no axes", "huge and tiny"])
def test_the_numbers_shown_are_the_report_s(name: str, width: int) -> None:
    lines, data = written(name, width), report(name).to_dict()
    for title, of in (("J analytic", "analytic"), ("J numeric", "numeric"), ("± error bar", "error_bar")):
        digit = 0.5 if of == "error_bar" else 1e-3
        for shown, exact in zip(numbers(lines, title), data["jacobian"][of], strict=True):
            assert shown == pytest.approx(exact, rel=digit, abs=0)
    x = np.atleast_2d(np.array(data["operand"]["values"]))
    assert np.array(numbers(lines, "X")) == pytest.approx(x, rel=1e-3, abs=0)
    dx = np.atleast_2d(np.array(data["hadamard"]["direction"]))
    assert np.array(numbers(lines, "dX")) == pytest.approx(dx, rel=1e-3, abs=0)


def test_the_corners_shown_are_the_matrix_s() -> None:
    shown, exact = (
        panel(written("cumsum", 80), "J analytic"),
        report("cumsum").to_dict()["jacobian"]["analytic"],
    )
    top, bottom = shown[0].split(), shown[-1].split()
    assert "…" in top
    assert any(set(line.split()) == {"…"} for line in shown)
    assert len(shown) < 10
    assert (float(top[0]), top[-1]) == (exact[0][0], "·")
    assert (float(bottom[0]), float(bottom[-1])) == (exact[-1][0], exact[-1][-1]) == (1.0, 1.0)
    assert exact[0][-1] == 0


def test_a_large_operand_is_shown_by_its_corners_and_its_pattern_by_dots() -> None:
    lines, x = written("sigmoid 1000x1000", 80), normal(1000, 1000)
    shown = [line.split() for line in panel(lines, "X")]
    assert float(shown[0][0]) == pytest.approx(x[0, 0], rel=1e-3)
    assert float(shown[0][-1]) == pytest.approx(x[0, -1], rel=1e-3)
    assert float(shown[-1][0]) == pytest.approx(x[-1, 0], rel=1e-3)
    assert float(shown[-1][-1]) == pytest.approx(x[-1, -1], rel=1e-3)
    assert any("⠑⢄" in line for line in lines)
    assert dict(facts(lines))["pattern"].startswith("diagonal: 1000000 of 1000000000000 entries")


def test_nan_and_infinity_are_shown() -> None:
    lines = written("nan", 80)
    assert panel(lines, "X")[0].split() == ["1", "nan"]
    assert panel(lines, "X")[1].split() == ["inf", "-inf"]


@pytest.mark.parametrize("name", ["no numbers", "no rows, coupled"])
def test_without_numbers_it_says_so(name: str) -> None:
    lines = written(name, 80)
    assert any("no entries" in line for line in lines)
    assert dict(facts(lines))["pattern"].startswith("zero")


def test_three_axes_are_shown_as_slices() -> None:
    lines, x = written("three axes", 80), normal(2, 3, 2)
    assert "leaky_relu(negative_slope=0.25)" in lines[0]
    for k in range(2):
        assert np.array(numbers(lines, f"X[{k}]")) == pytest.approx(x[k], rel=1e-3)
    many = written("many slices", 200)
    assert any("2 more slices" in line for line in many)
    assert not any("more slices" in line for line in written("many slices", 200, full=True))
    assert any("X[4]" in line for line in written("many slices", 200, full=True))


def test_full_shows_every_number() -> None:
    lines = written("cumsum", 80, full=True)
    assert numbers(lines, "J analytic") == np.tri(30).tolist()
    assert np.array(numbers(lines, "X"))[0] == pytest.approx(normal(30), rel=1e-3)
    assert not [line for line in lines if line != line.rstrip()]


def test_full_keeps_to_the_memory() -> None:
    with pytest.raises(InputError, match=r"1000000×1000000 .*7\.28 TiB"):
        written("sigmoid 1000x1000", 80, full=True)


@pytest.mark.parametrize("source", ["[bold red]x[/].csv", "a:smile:.csv", "[/].csv", "\\[x].csv", "名前.csv"])
def test_a_file_s_name_is_shown_as_it_is(source: str) -> None:
    of = report("sigmoid 2x2")
    said = dict(facts(printed(replace(of, operand=replace(of.operand, source=source)), 80)))
    assert said["operand"].startswith(source)


@pytest.mark.parametrize("source", ["\x1b[31mred.csv", "two\nlines.csv", "back\rto.csv", "\x9b31m.csv"])
def test_a_file_s_name_cannot_command_the_terminal(source: str) -> None:
    of = report("sigmoid 2x2")
    lines = printed(replace(of, operand=replace(of.operand, source=source)), 80)
    assert not [line for line in lines if re.search(r"[\x00-\x1f\x7f-\x9f]", line)]
    assert len(lines) == len(printed(of, 80))


def test_colors_follow_the_verdict_only() -> None:
    """Every style is the view's own: without them, the text is the same."""
    for name, view in product(("sigmoid 2x2", "wrong", "inconclusive"), VIEWS):
        console = Console(file=(stream := StringIO()), width=80, force_terminal=True, color_system="truecolor")
        console.print(view.render(report(name), 80))
        plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
        assert tuple(line.rstrip() for line in plain) == written(name, 80, view=view)
        assert "\x1b[" in stream.getvalue()
