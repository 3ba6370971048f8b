"""What is written where: --format FORMAT[=FILE], repeated, and --output."""

from pathlib import Path

import pytest

from jacinspect.choices import Format
from jacinspect.cli.formats import destinations
from jacinspect.errors import InputError
from tests.conftest import RunHere


@pytest.mark.parametrize(
    ("asked", "output", "found"),
    [
        ([], None, [("text", None)]),
        (["json"], None, [("json", None)]),
        ([], "r.md", [("markdown", "r.md")]),
        (["json"], "r.md", [("json", "r.md")]),
        (["json=r.json"], None, [("text", None), ("json", "r.json")]),
        (["json=-", "csv=r.csv"], None, [("json", None), ("csv", "r.csv")]),
        (["json"], "-", [("json", None)]),
        (["json=r.json", "csv"], None, [("csv", None), ("json", "r.json")]),
        (["json=r.json", "html=r=2.html"], "r.txt", [("text", "r.txt"), ("json", "r.json"), ("html", "r=2.html")]),
    ],
)
def test_each_format_has_its_place(asked: list[str], output: str | None, found: list[tuple[str, str | None]]) -> None:
    written = destinations(asked, None if output is None else Path(output), Format)
    assert [(str(to), None if file is None else str(file)) for to, file in written] == found


@pytest.mark.parametrize(
    ("asked", "output", "said"),
    [
        (["jsn"], None, "--format jsn: there is no such format; did you mean 'json'?"),
        (["xml"], None, "--format xml: there is no such format; text, json, markdown, latex, html, csv"),
        (["csv="], None, "--format csv=: name the file, as in --format csv=report.csv"),
        (["latex="], None, "--format latex=: name the file, as in --format latex=report.tex"),
        (["json", "csv"], None, "--format json and --format csv both go to standard output; give one of them a file: "),
        (["json=a", "csv=./a"], None, "two formats go to a; name another file for one of them"),
        (["json=a"], "a", "two formats go to a; name another file for one of them"),
    ],
)
def test_what_cannot_be_written_is_told(asked: list[str], output: str | None, said: str) -> None:
    with pytest.raises(InputError) as raised:
        destinations(asked, None if output is None else Path(output), Format)
    assert str(raised.value).startswith(said)


def test_one_inspection_in_several_formats(tmp_path: Path, run_here: RunHere) -> None:
    done = run_here("tanh", "-s", "2", "-q", "-f", "json=r.json", "-f", "csv=r.csv", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert done.text == run_here("tanh", "-s", "2", "-q", cwd=tmp_path).text
    assert (tmp_path / "r.json").read_text() == run_here("tanh", "-s", "2", "--json", cwd=tmp_path).text
    assert (tmp_path / "r.csv").read_text() == run_here("tanh", "-s", "2", "-f", "csv", cwd=tmp_path).text


def test_nothing_is_written_where_one_file_cannot_be(tmp_path: Path, run_here: RunHere) -> None:
    done = run_here("tanh", "-s", "2", "-f", "json=r.json", "-f", "csv=no/r.csv", cwd=tmp_path)
    assert (done.status, done.out) == (2, b"")
    assert "no/r.csv: there is no folder no" in done.err
    assert not (tmp_path / "r.json").exists()
