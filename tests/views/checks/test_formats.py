"""What `jacinspect check` writes, of made-up outcomes: to the letter where it is plain, and always well-formed."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
import xmlschema
from jsonschema import Draft4Validator, Draft202012Validator
from junitparser import Error, Failure, JUnitXml
from markdown_it import MarkdownIt
from referencing import Registry, Resource

import jacinspect
from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.cli.spelling import spelled
from jacinspect.inspection.codes import Finding
from jacinspect.inspection.sections import EntryReport
from jacinspect.views.checks import github, junit, sarif
from jacinspect.views.checks import html as check_html
from jacinspect.views.checks import json as check_json
from jacinspect.views.checks import markdown as check_markdown
from jacinspect.views.checks import text as check_text
from tests.checks.test_outcomes import DEAD, KINK, LATE, WIDE, WRONG, outcome
from tests.conftest import SCHEMA
from tests.program import strict_json

OFF = EntryReport("∂A[0]/∂X[1]", (0,), (1,), 0.25, 0.5, 1e-12)
DATA = Path(__file__).parents[2] / "data"
XSD = xmlschema.XMLSchema(DATA / "junit-10.xsd")
SARIF = Draft4Validator(json.loads((DATA / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")))

HOSTILE = (
    "]]> & <b>\"'</failure> | `x` ```\n  next \x1b[31m\x00\r\x08 % : , ::error:: \ud800 \ufffe \x85 \u2028 ∂\U0001f600"
)
ODD = [
    "quo\"te's",
    "a.b",
    "]]>",
    "<&>",
    "ü∂ 数 \U0001f600",
    "pi|pe",
    "st*r_s_",
    "[link](url)",
    "per%2Ccent%25::",
    "tab\t",
    "`code`",
]
CONTROLS = ["esc\x1b[31m", "nul\x00", "return\rhere", "line\nbreak", "\x85next", "para\u2029graph"]


def rendered(view: str, outcomes: list[Outcome], planned: int | None = None, width: int = 10**6) -> str:
    """All that a view writes, the outcomes being counted as they come, as the command line does."""
    tally = Tally(len(outcomes) if planned is None else planned)

    def counted() -> Iterator[Outcome]:
        for each in outcomes:
            tally.add(each)
            yield each

    if view == "text":
        names, labels = max(len(o.check) for o in outcomes), max(len(o.label) for o in outcomes)
        columns = check_text.Columns(names, labels, width)
        return "".join(f"{line.plain}\n" for line in check_text.render(counted(), tally, columns))
    if view == "json":
        return "".join(check_json.render(counted(), tally, "1.2.3"))
    if view == "sarif":
        return "".join(sarif.render(counted(), tally, "1.2.3"))
    return "".join(
        {"junit": junit, "github": github, "markdown": check_markdown, "html": check_html}[view].render(
            counted(), tally
        )
    )


def mixed() -> list[Outcome]:
    return [
        outcome("swish", label="3, seed 0", ratio=0.25),
        outcome("swish", WRONG, label="2x3, seed 0", ratio=8.0, worst=(OFF,)),
        outcome("kinked", KINK, allow=("J003", "J006"), allowed=("J003",), ratio=0.0),
        outcome("wide", WIDE, ratio=float("inf")),
        outcome("late", LATE, made=False),
        outcome("dead", DEAD, made=False, line=12),
        outcome("worse", WRONG, WIDE, ratio=1e12),
    ]


# --- Text -------------------------------------------------------------------------------------------------------------


def test_text() -> None:
    assert rendered("text", mixed()) == (
        "  check   at           verdict       structure         of bar\n"
        "✓ swish   3, seed 0    pass          diagonal          0.25\n"
        "✗ swish   2x3, seed 0  fail          diagonal          8\n"
        "    J001 derivative-disagrees: 2 entries disagree\n"
        "          entry  analytic  numeric  ± error bar  difference\n"
        "    ∂A[0]/∂X[1]      0.25      0.5        1e-12       -0.25\n"
        "✓ kinked  2, seed 0    pass          diagonal          0\n"
        "? wide    2, seed 0    inconclusive  diagonal\n"
        "    J006 inconclusive: 1 entry inconclusive\n"
        "? late    2, seed 0    inconclusive\n"
        "    J010 timeout: the inspection took longer than 3 s (--timeout) and was ended\n"
        "✗ dead    2, seed 0    fail\n"
        "    J011 crashed: the function ended its process with SIGKILL\n"
        "✗ worse   2, seed 0    fail          diagonal          1e+12\n"
        "    J001 derivative-disagrees: 2 entries disagree\n"
        "    J006 inconclusive: 1 entry inconclusive\n"
        "\n"
        "worst first:\n"
        "  dead [2, seed 0]\n"
        "  late [2, seed 0]\n"
        "  wide [2, seed 0]\n"
        "  worse [2, seed 0]  worst 1e+12 of its bar\n"
        "  swish [2x3, seed 0]  worst 8 of its bar\n"
        "kinked: allow J006 was not needed\n"
        "7 inspections: 2 pass, 3 fail, 2 inconclusive (0.0 s)\n"
    )


def test_text_says_how_long_all_took_and_each_that_was_slow() -> None:
    made = [
        replace(outcome("quick"), started=1e9, seconds=0.96),
        replace(outcome("slow"), started=1e9 + 0.5, seconds=12.25),  # beside it
    ]
    lines = rendered("text", made).splitlines()
    assert lines[1].endswith("  0.5")
    assert lines[2].endswith("  0.5      12.2 s")
    assert lines[0].index("of bar") + 7 + 2 == lines[2].index("12.2")
    assert lines[-1] == "2 inspections: 2 pass (12.8 s)"
    assert "s" not in rendered("text", made, width=60).splitlines()[2][-4:]


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (62, "✗ swish   2x3, seed 0  fail          diagonal          8"),
        (60, "✗ swish   2x3, seed 0  diagonal          8"),
        (40, "✗ swish   2x3, seed 0  8"),
    ],
)
def test_columns_that_do_not_fit_are_left_out_and_no_line_is_longer(width: int, row: str) -> None:
    lines = rendered("text", mixed(), width=width).splitlines()
    assert row in lines
    assert max(map(len, lines)) <= width


def test_the_summary_of_many_failures_has_the_worst() -> None:
    many = [outcome(f"check{n}", WRONG, ratio=float(n)) for n in range(1, 31)]
    lines = rendered("text", many).partition("worst first:\n")[2].splitlines()
    assert lines[0] == "  check30 [2, seed 0]  worst 30 of its bar"
    assert lines[19] == "  check11 [2, seed 0]  worst 11 of its bar"
    assert lines[20:] == ["  … and 10 more", "30 inspections: 30 fail (0.0 s)"]


@pytest.mark.parametrize("name", [*ODD, *CONTROLS])
def test_a_line_of_text_each_whatever_the_names_and_messages(name: str) -> None:
    lines = rendered("text", [outcome(name, Finding("J001", "x", "error", HOSTILE))]).splitlines()
    assert sum(line.startswith("✗ ") for line in lines) == 1
    header, first, *below = lines
    assert header.split() == ["check", "at", "verdict", "structure", "of", "bar"]
    assert re.search(r"  2, seed 0  fail          diagonal ", first)
    assert all(line.isprintable() for line in lines)
    assert below[0].startswith("    J001 x: ]]> & <b>\"'</failure> | `x` ```")


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def envelope(schema: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """Parse RFC 8259 JSON and hold it against check.schema.json."""
    whole = json.loads(SCHEMA.with_name("check.schema.json").read_text(encoding="utf-8"))
    registry: Registry[Any] = Registry().with_resource("report.schema.json", Resource.from_contents(schema))
    validator = Draft202012Validator(whole, registry=registry)

    def parse(text: str) -> dict[str, Any]:
        loaded = strict_json(text)
        faults = [f"{fault.json_path}: {fault.message[:300]}" for fault in validator.iter_errors(loaded)]
        assert not faults, "\n".join(faults)
        return loaded

    return parse


def test_json(envelope: Callable[[str], dict[str, Any]]) -> None:
    loaded = envelope(rendered("json", mixed()))
    assert list(loaded) == ["schema_version", "version", "reports", "summary", "verdict"]
    assert (loaded["schema_version"], loaded["version"], loaded["verdict"]) == (1, "1.2.3", "fail")
    assert loaded["summary"] == {"pass": 2, "fail": 3, "inconclusive": 2, "unchecked": 0}
    assert [(each["check"], each["verdict"]) for each in loaded["reports"]] == [
        ("swish", "pass"), ("swish", "fail"), ("kinked", "pass"), ("wide", "inconclusive"),
        ("late", "inconclusive"), ("dead", "fail"), ("worse", "fail"),
    ]  # fmt: skip
    for each, made in zip(loaded["reports"], mixed(), strict=True):
        assert {key: value for key, value in each.items() if key != "check"} == json.loads(made.report.to_json())


def test_json_of_nothing(envelope: Callable[[str], dict[str, Any]]) -> None:
    assert envelope(rendered("json", [], planned=3))["reports"] == []


@pytest.mark.parametrize("name", [*ODD, *CONTROLS])
def test_json_keeps_names_and_messages(envelope: Callable[[str], dict[str, Any]], name: str) -> None:
    text = rendered("json", [outcome(name, Finding("J001", "derivative-disagrees", "error", HOSTILE))])
    (report,) = envelope(text.encode(errors="backslashreplace").decode())["reports"]
    assert report["check"] == name
    assert report["findings"][0]["message"] == HOSTILE


# --- JUnit ------------------------------------------------------------------------------------------------------------


def validate_junit(content: bytes) -> None:
    """Hold XML against Jenkins' schema, but for the file and line of a case, which GitLab, CircleCI and others read."""
    tree = ElementTree.fromstring(content)
    for case in tree.iter("testcase"):
        assert Path(case.attrib.pop("file")).name
        assert int(case.attrib.pop("line")) > 0
        assert re.fullmatch(r"\d+\.\d{3}", case.attrib["time"])
    XSD.validate(tree)


def parsed(text: str) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
    """Hold XML against Jenkins' schema, then read it as a consumer does: suites, their cases and results."""
    content = text.encode()
    validate_junit(content)
    found = JUnitXml.fromstring(content)
    for number in ("tests", "failures", "errors"):
        assert getattr(found, number) == sum(getattr(suite, number) for suite in found)
    for suite in found:
        results = [result for case in suite for result in case.result]
        counted = (len(list(suite)), *(sum(isinstance(r, kind) for r in results) for kind in (Failure, Error)))
        assert (suite.tests, suite.failures, suite.errors) == counted
    return [(suite.name, [(case.name, list(case.result)) for case in suite]) for suite in found]


def test_junit() -> None:
    suites = parsed(rendered("junit", mixed()))
    assert [name for name, _ in suites] == ["swish", "kinked", "wide", "late", "dead", "worse"]
    (_, ((first, nothing), (second, (failure,)))), (_, ((_, allowed),)), *rest = suites
    assert (first, second, nothing, allowed) == ("swish [3, seed 0]", "swish [2x3, seed 0]", [], [])
    assert (failure.type, failure.message) == ("J001 derivative-disagrees", "2 entries disagree")
    assert failure.text.splitlines() == [
        "J001 derivative-disagrees: 2 entries disagree",
        "      entry  analytic  numeric  ± error bar  difference",
        "∂A[0]/∂X[1]      0.25      0.5        1e-12       -0.25",
    ]
    kinds = {name: type(result) for name, ((_, (result,)),) in rest}
    assert kinds == {"wide": Failure, "late": Error, "dead": Error, "worse": Failure}


def test_junit_skips_what_had_no_derivative_to_be_compared() -> None:
    bare = replace(outcome("bare"), report=jacinspect.inspect(np.cumsum, np.ones(3)))
    text = rendered("junit", [outcome("swish"), bare])
    validate_junit(text.encode())
    assert 'name="bare" tests="1" failures="0" errors="0" time="0.000" skipped="1"' in text
    assert '<skipped message="no derivative given: structure only"/>' in text
    shown = rendered("text", [outcome("swish"), bare])
    assert "· bare   2, seed 0  unchecked" in shown
    assert "\n    no derivative given: structure only\n" in shown
    assert "| · unchecked | bare |" in rendered("markdown", [bare])


def test_junit_of_nothing() -> None:
    assert parsed(rendered("junit", [], planned=2)) == []


def test_junit_has_places_and_times_and_their_sums() -> None:
    made = [
        replace(outcome("a", file="m.py", line=3), started=0.0, seconds=0.25),
        replace(outcome("a", label="3, seed 0", file="m.py", line=3), started=1e9, seconds=1.5),
        replace(outcome("b", WRONG, file="n.py"), started=2e9 - 0.5, seconds=60.0004),
    ]
    tree = ElementTree.fromstring(rendered("junit", made))
    assert tree.attrib == {"name": "jacinspect", "tests": "3", "failures": "1", "errors": "0", "time": "61.750"}
    assert [(suite.get("time"), suite.get("timestamp"), suite.get("file")) for suite in tree] == [
        ("1.750", "1970-01-01T00:00:00", "m.py"),
        ("60.000", "2033-05-18T03:33:19", "n.py"),
    ]
    cases = [(case.get("file"), case.get("line"), case.get("time")) for case in tree.iter("testcase")]
    assert cases == [("m.py", "3", "0.250"), ("m.py", "3", "1.500"), ("n.py", "7", "60.000")]


@pytest.mark.parametrize("name", ODD)
def test_junit_keeps_odd_names(name: str) -> None:
    ((suite, ((case, _),)),) = parsed(rendered("junit", [outcome(name, WRONG)]))
    assert (suite, case) == (name, f"{name} [2, seed 0]")


@pytest.mark.parametrize("name", CONTROLS)
def test_junit_spells_out_what_xml_has_no_place_for(name: str) -> None:
    text = rendered("junit", [outcome(name, Finding("J001", HOSTILE, "error", HOSTILE))])
    ((_, ((_, (failure,)),)),) = parsed(text)
    for shown in (failure.message, failure.type, failure.text):
        assert "]]> & <b>\"'</failure> | `x` ```" in shown
        assert r"\x1b[31m\x00" in shown
        assert r"\x08 % : , ::error:: \ud800 \ufffe" in shown
    assert re.search("[\x00-\x08\x0b-\x1f]", text) is None


# --- GitHub -----------------------------------------------------------------------------------------------------------


def commands(text: str) -> tuple[list[tuple[str, dict[str, str], str]], list[str]]:
    """Read workflow commands as the runner does, and the lines that are none."""
    found, plain = [], []
    for line in text.split("\n"):
        match = re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line)
        if match is None:
            plain.append(line)
            continue
        kind, properties, message = match.groups()
        pairs = dict(each.split("=", 1) for each in (properties or "").split(","))
        found.append((kind, {k: decoded(v) for k, v in pairs.items()}, decoded(message)))
    return found, plain


def decoded(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_github() -> None:
    assert rendered("github", mixed()) == (
        "::error file=src/code.py,line=7,title=swish [2x3%2C seed 0]%3A J001 derivative-disagrees::2 entries disagree\n"
        "::error file=src/code.py,line=7,title=wide [2%2C seed 0]%3A J006 inconclusive::1 entry inconclusive\n"
        "::error file=src/code.py,line=7,title=late [2%2C seed 0]%3A J010 timeout::"
        "the inspection took longer than 3 s (--timeout) and was ended\n"
        "::error file=src/code.py,line=12,title=dead [2%2C seed 0]%3A J011 crashed::"
        "the function ended its process with SIGKILL\n"
        "::error file=src/code.py,line=7,title=worse [2%2C seed 0]%3A J001 derivative-disagrees::2 entries disagree\n"
        "::error file=src/code.py,line=7,title=worse [2%2C seed 0]%3A J006 inconclusive::1 entry inconclusive\n"
        "::notice title=kinked::allow J006 was not needed\n"
        "jacinspect: 7 inspections: 2 pass, 3 fail, 2 inconclusive\n"
    )


def test_github_names_a_file_below_here_relative_to_it_and_others_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    places = {
        "src/a,b:c%.py": str(tmp_path / "here" / "src" / "a,b:c%.py"),
        str(tmp_path / "d.py"): str(tmp_path / "d.py"),
    }
    for shown, given in places.items():
        ((_, properties, _),), _ = commands(rendered("github", [outcome("a", WRONG, file=given)]))
        assert properties == {"file": shown, "line": "7", "title": "a [2, seed 0]: J001 derivative-disagrees"}


@pytest.mark.parametrize("name", [*ODD, *CONTROLS])
def test_github_is_a_command_an_error_whatever_the_names_and_messages(name: str) -> None:
    each = outcome(name, Finding("J001", "x", "error", HOSTILE), allow=("J003",))
    ((kind, properties, message), notice), plain = commands(rendered("github", [each]))
    assert (kind, properties["line"]) == ("error", "7")
    assert message.startswith("]]> & <b>\"'</failure> | `x` ```\n  next \\x1b[31m\\x00\\r\\x08 % : , ::error:: ")
    assert properties["title"].endswith(" [2, seed 0]: J001 x")
    if name in ODD and "\t" not in name:
        assert properties["title"] == f"{name} [2, seed 0]: J001 x"
        assert notice == ("notice", {"title": name}, "allow J003 was not needed")
    assert plain == ["jacinspect: 1 inspection: 1 fail", ""]


# --- Markdown ---------------------------------------------------------------------------------------------------------


def read(text: str) -> tuple[list[list[str]], list[tuple[str, str]], list[str]]:
    """Read markdown as GitHub's does: the table's rows as they are shown, (heading, block) pairs, paragraphs."""
    rows: list[list[str]] = []
    details: list[tuple[str, str]] = []
    paragraphs: list[str] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in pairwise(tokens):
        if token.type == "tr_open":
            rows.append([])
        shown = "".join(child.content for child in token.children or [])
        if before.type in ("td_open", "th_open"):
            rows[-1].append(shown)
        elif before.type == "heading_open":
            details.append((shown, ""))
        elif before.type == "paragraph_open":
            paragraphs.append(shown)
        if token.type == "fence":
            assert details[-1][1] == ""
            details[-1] = details[-1][0], token.content
    return rows, details, paragraphs


def test_markdown() -> None:
    assert rendered("markdown", mixed()[:4]) == (
        "## jacinspect check\n"
        "\n"
        "| | check | at | structure | worst, of its bar |\n"
        "|---|---|---|---|---|\n"
        "| ✓ pass | swish | 3, seed 0 | diagonal | 0.25 |\n"
        "| ✗ fail | swish | 2x3, seed 0 | diagonal | 8 |\n"
        "| ✓ pass | kinked | 2, seed 0 | diagonal | 0 |\n"
        "| ? inconclusive | wide | 2, seed 0 | diagonal | inf |\n"
        "\n"
        "### swish \\[2x3, seed 0\\]\n"
        "\n"
        "```\n"
        "J001 derivative-disagrees: 2 entries disagree\n"
        "      entry  analytic  numeric  ± error bar  difference\n"
        "∂A[0]/∂X[1]      0.25      0.5        1e-12       -0.25\n"
        "```\n"
        "\n"
        "### wide \\[2, seed 0\\]\n"
        "\n"
        "```\n"
        "J006 inconclusive: 1 entry inconclusive\n"
        "```\n"
        "\n"
        "kinked: allow J006 was not needed\n"
        "\n"
        "**4 inspections: 2 pass, 1 fail, 1 inconclusive**\n"
    )


@pytest.mark.parametrize("name", [*ODD, "&lt;b&gt;", *CONTROLS])
def test_markdown_is_a_row_and_a_block_whatever_the_names_and_messages(name: str) -> None:
    each = outcome(name, Finding("J001", "x", "error", HOSTILE), allow=("J003",))
    rows, details, paragraphs = read(rendered("markdown", [each]))
    assert [len(row) for row in rows] == [5, 5]
    assert rows[1][0] == "✗ fail"
    assert rows[1][2:] == ["2, seed 0", "diagonal", "0.5"]
    if name not in CONTROLS:
        assert rows[1][1].split() == name.split()  # HTML shows any blanks as one
        assert details[1][0].split() == f"{name} [2, seed 0]".split()
    assert details[0] == ("jacinspect check", "")
    assert len(details) == 2
    assert details[1][1].startswith("J001 x: ]]> & <b>\"'</failure> | `x` ```\n")
    assert paragraphs[-1] == "1 inspection: 1 fail"
    assert len(paragraphs) == 2


# --- SARIF ------------------------------------------------------------------------------------------------------------


def logged(text: str) -> dict[str, Any]:
    """Hold SARIF against the published schema, and against what GitHub asks of it; return the only run."""
    loaded = strict_json(text.encode(errors="backslashreplace"))
    assert [f"{fault.json_path}: {fault.message[:300]}" for fault in SARIF.iter_errors(loaded)] == []
    (run,) = loaded["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert rule["help"]["text"].startswith(f"{rule['id']} {rule['name']}, ")
        assert max(len(rule["shortDescription"]["text"]), len(rule["fullDescription"]["text"])) <= 1024
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert len(result["locations"]) == 1
    prints = [json.dumps(result["partialFingerprints"]) for result in run["results"]]
    assert len(set(prints)) == len(prints)
    return run  # type: ignore[no-any-return]


def test_sarif_has_a_result_for_every_error() -> None:
    run = logged(rendered("sarif", mixed()))
    assert (run["tool"]["driver"]["name"], run["tool"]["driver"]["semanticVersion"]) == ("jacinspect", "1.2.3")
    assert [(each["ruleId"], each["level"], each["message"]["text"].partition(":")[0]) for each in run["results"]] == [
        ("J001", "error", "swish [2x3, seed 0]"),
        ("J006", "error", "wide [2, seed 0]"),
        ("J010", "error", "late [2, seed 0]"),
        ("J011", "error", "dead [2, seed 0]"),
        ("J001", "error", "worse [2, seed 0]"),
        ("J006", "error", "worse [2, seed 0]"),
    ]
    place = run["results"][3]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "src/code.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12},
    }
    assert run["invocations"] == [{"executionSuccessful": True}]
    assert logged(rendered("sarif", [], planned=2))["results"] == []


@pytest.mark.parametrize("name", [*ODD, *CONTROLS])
def test_sarif_keeps_odd_names_and_messages(name: str) -> None:
    odd = Finding("J015", "rule-disagrees", "error", HOSTILE)
    run = logged(rendered("sarif", [outcome(name, odd, odd, file=f"src/{name}.py")]))
    assert [each["message"]["text"].split("]]> & <b>")[1][:10] for each in run["results"]] == ["\"'</failur"] * 2
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri) == f"src/{name}.py"
    assert re.fullmatch(r"[!-~]+", uri)


# --- Places -----------------------------------------------------------------------------------------------------------


def placed(made: Outcome) -> list[str]:
    """Give where an outcome's only error is, as a file and a line, in each format that has it."""
    ((_, properties, _),), _ = commands(rendered("github", [made]))
    (result,) = logged(rendered("sarif", [made]))["results"]
    place = result["locations"][0]["physicalLocation"]
    return [
        f"{properties['file']}:{properties['line']}",
        f"{place['artifactLocation']['uri']}:{place['region']['startLine']}",
    ]


def test_an_error_is_where_its_repository_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "repository" / "project"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    made = outcome("a", WRONG, file=str(below / "m.py"))
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert placed(made) == ["m.py:7"] * 2
    (tmp_path / "repository" / ".git").mkdir()
    assert placed(made) == ["project/m.py:7"] * 2
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert placed(made) == ["repository/project/m.py:7"] * 2
    (tmp_path / "link").symlink_to(tmp_path / "repository")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "link"))
    assert placed(made) == ["project/m.py:7"] * 2
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert placed(made) == [f"{below / 'm.py'}:7", f"{(below / 'm.py').as_uri()}:7"]


def test_a_wrong_derivative_is_where_it_is_defined_and_a_crash_where_the_function_is() -> None:
    wrong = replace(outcome("a", WRONG), derivative=("src/prime.py", 9))
    assert placed(wrong) == ["src/prime.py:9"] * 2
    assert placed(replace(outcome("a", DEAD), derivative=("src/prime.py", 9))) == ["src/code.py:7"] * 2


# --- All --------------------------------------------------------------------------------------------------------------

VIEWS = ["text", "json", "junit", "github", "markdown", "sarif"]


@pytest.mark.parametrize("view", VIEWS)
def test_what_comes_is_written_before_what_is_not_there_yet(view: str) -> None:
    wanted: list[str] = []

    def outcomes() -> Iterator[Outcome]:
        for name in ("first", "second"):
            wanted.append(name)
            yield outcome(name, WRONG)
        wanted.append("end")

    tally = Tally(2)
    renderers: dict[str, Callable[[], Iterator[Any]]] = {
        "text": lambda: (line.plain for line in check_text.render(outcomes(), tally, check_text.Columns(6, 9))),
        "json": lambda: check_json.render(outcomes(), tally, "1"),
        "junit": lambda: junit.render(outcomes(), tally),
        "github": lambda: github.render(outcomes(), tally),
        "markdown": lambda: check_markdown.render(outcomes(), tally),
        "sarif": lambda: sarif.render(outcomes(), tally, "1"),
    }
    pieces = renderers[view]()
    text = ""
    while "first" not in text:
        text += next(pieces)
    assert wanted == (["first", "second", "end"] if view == "junit" else ["first"])


@pytest.mark.parametrize("view", VIEWS)
def test_an_interrupted_run_is_complete(view: str) -> None:
    last = rendered(view, [outcome("a")], planned=9).rstrip().splitlines()[-1]
    counts = '{"pass": 1, "fail": 0, "inconclusive": 0, "unchecked": 0}'
    expected = {
        "text": "1 inspection: 1 pass; 8 not made (0.0 s)",
        "json": f'], "summary": {counts}, "verdict": "interrupted"}}',
        "junit": "</testsuites>",
        "github": "jacinspect: 1 inspection: 1 pass; 8 not made",
        "markdown": "**1 inspection: 1 pass; 8 not made**",
        "sarif": '], "invocations": [{"executionSuccessful": false}]}]}',
    }
    assert last == expected[view]


# --- A page -----------------------------------------------------------------------------------------------------------


def test_a_page_has_a_row_for_each_and_their_reports_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rendered("html", mixed())
    assert re.findall(r'<tr data-verdict="(\w+)">', whole) == [
        *("pass", "fail", "pass", "inconclusive", "inconclusive", "fail", "fail"),
    ]
    assert whole.count("<article") == whole.count('href="#report-') == 7
    assert "7 inspections: 2 pass, 3 fail, 2 inconclusive" in whole
    assert "kinked: allow J006 was not needed" in whole
    monkeypatch.setattr(check_html, "_LARGEST", 4 * len(whole) // 7)
    part = rendered("html", [outcome("right")] * 7 + mixed())
    assert part.count('<tr data-verdict="') == 14
    assert 2 < part.count("<article") == part.count('href="#report-') < 14
    for number in (8, 10, 11):  # that do not pass, and have room reserved for them
        assert f'id="report-{number}"' in part


@pytest.mark.parametrize("odd", [HOSTILE, *ODD, *CONTROLS])
def test_names_and_messages_are_text_in_a_page(odd: str) -> None:
    found = Finding("J001", "derivative-disagrees", "error", odd)
    page = rendered("html", [outcome(odd, found, label=odd, file=f"{odd}/{odd}.py")])
    page.encode()
    assert "<b>" not in page.split('<table class="run">')[1].split("</table>")[0]
    assert page.count("<tr") == 2
    assert not re.search("[\x00-\x08\x0b-\x1f]", page)


def test_the_header_is_aligned_where_signs_are_spelled_out() -> None:
    for encoding in ("ascii", "utf-8"):
        sign = len(spelled("\n✓", encoding)) - 1
        columns = check_text.Columns(5, 11, sign=sign)
        lines = islice(check_text.render([outcome("swish", label="3, seed 0")], Tally(1), columns), 2)
        header, first, *_ = spelled("\n".join(["", *(line.plain for line in lines)]), encoding).splitlines()[1:]
        assert header.index("check") == first.index("swish")
        assert header.index("verdict") == first.index("pass")
