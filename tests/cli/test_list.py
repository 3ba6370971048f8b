"""`jacinspect list`: what is typed, and both streams and the exit status that come of it."""

from typing import Any

import pytest

from jacinspect.functions.catalogue.entry import Entry, at
from jacinspect.functions.catalogue.listing import search
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.tables import ENTRIES
from tests.cli.test_commands import ESCAPE, one_message
from tests.program import in_shell, on_a_terminal, ran, run, strict_json

KEYS = [
    "name", "aliases", "kind", "operands", "parameters", "formula", "derivative", "partials", "latex", "kinks", "jumps",
    "domain", "properties", "source", "note",
]  # fmt: skip


def listed(text: str) -> list[str]:
    return [found.name for found in search(text).functions]


def parsed(text: str) -> list[dict[str, Any]]:
    """Read one line of RFC 8259 JSON."""
    assert text.endswith("\n")
    assert text.count("\n") == 1
    content = strict_json(text)
    assert list(content) == ["schema_version", "version", "functions"]
    functions: list[dict[str, Any]] = content["functions"]
    return functions


# --- What is found


def test_everything() -> None:
    assert listed("") == [entry.name for entry in ENTRIES]
    done = ran("list")
    assert (done.status, done.err) == (0, "")
    words = done.text.replace(",", " ").replace(";", " ").split()
    assert {name for entry in ENTRIES for name in (entry.name, *entry.aliases, entry.kind)} <= set(words)
    assert done.lines[-1] == f"{len(ENTRIES)} functions; jacinspect list NAME says all about one"


@pytest.mark.parametrize("text", ["max", "MAX", "Max"])
def test_a_part_of_a_name_or_an_alias_whatever_its_case(text: str) -> None:
    found = listed(text)
    assert set(found) == {e.name for e in ENTRIES if any("max" in name for name in (e.name, *e.aliases))}
    assert {"max", "maximum", "softmax"} <= set(found)
    assert found[0] == "max"


def test_an_alias_and_every_spelling_that_inspect_takes() -> None:
    assert listed("logistic") == listed("LOGISTIC") == ["sigmoid"]
    for text in ("LeakyReLU", "leaky-relu", "leaky relu", "leaky_relu"):
        assert listed(text)[0] == "leaky_relu"


def test_a_kind() -> None:
    for text in ("reduction", "binary", "row-wise", "shape-changing"):
        assert set(listed(text)) >= {entry.name for entry in ENTRIES if entry.kind == text} != set()
    assert "sigmoid" not in listed("binary")


def test_elsewhere_if_in_no_name() -> None:
    found = search("exp(-x)")
    assert not found.in_names
    assert "sigmoid" in {each.name for each in found.functions}
    assert "leaky_relu" in listed("negative_slope")
    assert search("exp").in_names  # which stands in many a formula
    assert not {"sigmoid", "expm1", "exp"} - set(listed("exp"))  # sigmoid is expit
    assert "softmax" not in listed("exp")


def test_nothing() -> None:
    one_message(ran("list sigmod"), "nothing in the catalogue has 'sigmod'", "did you mean sigmoid")
    one_message(ran("list sigmod --json"), "sigmod")
    one_message(ran("list qqq"), "'qqq'; jacinspect list shows all")
    one_message(ran("list a b"), "b")
    one_message(run("list", "a\x1b[31m"), "a\\x1b[31m")


# --- What is said of it


def test_the_whole_of_one_first_then_the_others() -> None:
    done = ran("list leaky_relu")
    assert done.lines[:3] == [
        "leaky_relu  elementwise",
        "f(x)  = x if x > 0 else negative_slope * x",
        "f'(x) = 1 if x > 0 else negative_slope",
    ]
    assert "parameters   negative_slope=0.01" in done.lines
    assert ran("list lrelu").lines[0] == ran("list leaky").lines[0] == done.lines[0]
    greatest = ran("list max")
    assert greatest.lines[0] == "max  reduction"
    assert any(line.startswith("  maximum ") for line in greatest.lines[greatest.lines.index("others with 'max':") :])


def test_json_has_everything_that_is_declared() -> None:
    done = ran("list --json")
    assert (done.status, done.err) == (0, "")
    functions = parsed(done.text)
    assert [each["name"] for each in functions] == [entry.name for entry in ENTRIES]
    for entry, each in zip(ENTRIES, functions, strict=True):
        assert list(each) == KEYS
        bound = function(entry.name)
        assert each["parameters"] == dict(bound.parameters)
        assert (each["kind"], each["operands"], each["formula"]) == (bound.kind, list(bound.operands), entry.formula)
        assert each["derivative"] or list(each["partials"]) == each["operands"]
        assert (each["source"], each["note"], each["latex"]) == (entry.source, entry.note, entry.latex)
        assert each["aliases"] == list(entry.aliases)
    assert parsed(ran("list logistic --json").text) == [each for each in functions if each["name"] == "sigmoid"]
    (product,) = (each for each in functions if each["name"] == "mul")
    assert product["partials"] == {"x": "y", "y": "x"}
    assert ran("list --json").out == run("list", "--json").out


def test_json_of_what_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(
        name="f", value=lambda x, *, slope=0.5, axis=None: x, formula="x", kinks=lambda *, slope, axis: (slope, 2),
        jumps=at(-1.0), domain={"x": (0.0, float("inf")), "y": (-float("inf"), 1)}, properties=("even",), note="∂",
    )  # fmt: skip
    monkeypatch.setattr("jacinspect.functions.catalogue.listing.ENTRIES", (entry,))
    (found,) = parsed(search("f").to_json())
    assert found["domain"] == {"x": [0.0, "Infinity"], "y": ["-Infinity", 1.0]}
    assert (found["kinks"], found["jumps"]) == ([0.5, 2.0], [-1.0])
    assert found["parameters"] == {"slope": 0.5, "axis": None}
    assert (found["properties"], found["note"]) == (["even"], "∂")


# --- How it is printed


@pytest.mark.parametrize("typed", ["list", "list max", "list elementwise", "list 1"])
def test_what_is_piped_is_plain_and_80_columns_wide(typed: str) -> None:
    done = ran(typed)
    assert done.status == 0
    assert b"\x1b" not in done.out
    assert done.out.endswith(b"\n")
    for line in done.lines:
        assert len(line) <= 80
        assert line == line.rstrip()


def test_colors_where_they_are_wanted() -> None:
    plain, colored = ran("list max"), ran("list max", FORCE_COLOR="1", TERM="xterm-256color")
    assert b"\x1b[1m" in colored.out
    assert ESCAPE.sub("", colored.text) == plain.text
    assert b"\x1b[3" not in ran("list max", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").out


@pytest.mark.parametrize("columns", [1, 20, 40, 140, 300])
def test_any_width_can_be_had(columns: int) -> None:
    done = ran("list", COLUMNS=str(columns))
    assert (done.status, done.err) == (0, "")
    assert max(map(len, done.lines)) <= columns
    assert len(done.lines) < len(ran("list").lines) or columns < 80


def test_on_a_terminal() -> None:
    done = on_a_terminal("list", "leaky", TERM="xterm")
    assert done.status == 0
    assert b"\x1b[1mleaky_relu\x1b[0m" in done.out


@pytest.mark.parametrize("closed", [">&-", ">/dev/full", "| head -1"])
def test_closed_full_and_impatient_streams_give_no_traceback(closed: str) -> None:
    for typed in ("list", "list --json"):
        done = in_shell(f"{typed} {closed}")
        assert "Traceback" not in done.err
        assert "Exception" not in done.err
        assert len(done.err.splitlines()) <= 1


def test_help() -> None:
    assert "list " in ran("--help").text
    assert "[TEXT]" in ran("list --help").text
