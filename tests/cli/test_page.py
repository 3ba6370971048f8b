"""The page on the command line: --format html, --open, and the format that a file's extension asks for."""

import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from jacinspect.choices import CheckFormat, Format, IdentitiesFormat
from jacinspect.cli.formats import format_of
from tests.conftest import RunHere

SIGMOID = ("sigmoid", "--shape", "2x2")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """List the files that the browser was asked to open."""
    files: list[Path] = []

    def show(address: str) -> bool:
        files.append(Path(unquote(urlsplit(address).path)))
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    return files


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("r.json", b'{"schema_version"'), ("r.md", b"## sigmoid"), ("r.tex", b"%"), ("r.html", b"<!DOCTYPE html>")],
)
def test_the_extension_of_the_file_is_the_format(
    name: str, beginning: bytes, run_here: RunHere, tmp_path: Path
) -> None:
    done = run_here(*SIGMOID, "-o", str(tmp_path / name))
    assert (done.status, done.out) == (0, b"")
    assert (tmp_path / name).read_bytes().startswith(beginning)


@pytest.mark.parametrize(("name", "file"), [("text", "r.txt"), ("text", "r"), ("html", "R.HTM"), ("text", "r.xml")])
def test_extensions_that_a_command_does_not_write_mean_text(name: str, file: str) -> None:
    assert format_of(Path(file), None, Format) == name


def test_a_format_that_is_named_is_taken_and_each_command_has_its_own() -> None:
    assert format_of(Path("r.html"), Format.json, Format) is Format.json
    assert format_of(None, None, Format) is Format.text
    assert format_of(Path("r.xml"), None, CheckFormat) is CheckFormat.junit
    assert format_of(Path("r.html"), None, IdentitiesFormat) is IdentitiesFormat.text


def test_the_page_is_printed_and_written_alike(run_here: RunHere, tmp_path: Path) -> None:
    printed = run_here(*SIGMOID, "-f", "html")
    assert printed.status == 0
    run_here(*SIGMOID, "-f", "html", "-o", str(tmp_path / "page"))
    assert (tmp_path / "page").read_bytes() == printed.out
    assert run_here("softmax", "-s", "2", "--expect", "diagonal", "-f", "html").status == 1


def test_open_shows_the_file_that_is_named(run_here: RunHere, tmp_path: Path, shown: list[Path]) -> None:
    page = tmp_path / "a page.html"
    done = run_here(*SIGMOID, "--open", "-o", str(page))
    assert (done.status, done.out, done.err, shown) == (0, b"", "", [page])
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")


def test_open_without_a_name_writes_a_temporary_file(
    run_here: RunHere, tmp_path: Path, shown: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_here("softmax", "-s", "2", "--expect", "diagonal", "--open").status == 1
    (page,) = tmp_path.iterdir()
    assert shown == [page]
    assert b"J002" in page.read_bytes()
    assert run_here("sigmiod", "-s", "2", "--open").status == 2
    assert list(tmp_path.iterdir()) == [page]  # where nothing was inspected, nothing is left behind


def test_without_a_browser_one_is_told_where_the_page_is(
    run_here: RunHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    page = tmp_path / "page.html"
    done = run_here(*SIGMOID, "--open", "-o", str(page))
    assert (done.status, done.err) == (0, f"jacinspect: there is no browser to open; the page is {page}\n")
    assert page.exists()


@pytest.mark.parametrize(
    ("typed", "asked"),
    [("--json", "--format json"), ("-f markdown", "--format markdown"), ("-o r.md", "--output r.md")],
)
def test_open_is_for_pages(typed: str, asked: str, run_here: RunHere, shown: list[Path]) -> None:
    done = run_here(*SIGMOID, "--open", *typed.split())
    assert (done.status, done.out) == (2, b"")
    assert done.err == f"jacinspect: --open shows a page, which {asked} is not; leave one of them out\n"
    assert shown == []


def test_a_page_replaces_a_file_only_when_it_is_complete(run_here: RunHere, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("before")
    assert run_here("softmax", "-s", "2x2x2", "--as", "blocks", "-o", str(page)).status == 2
    assert page.read_text() == "before"


# --- Pictures ---------------------------------------------------------------------------------------------------------


def test_save_draws_the_arrangement_that_is_asked_for(run_here: RunHere, tmp_path: Path) -> None:
    done = run_here("softmax", "-s", "2x3", "-q", "--as", "stacked", "--save", str(tmp_path / "J.svg"))
    assert done.status == 0
    assert "as stacked: 18 of 36 entries" in (tmp_path / "J.svg").read_text("utf-8")


def test_a_png_needs_matplotlib(run_here: RunHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jacinspect.views.files.find_spec", lambda _: None)
    done = run_here(*SIGMOID, "--save", "J.png", cwd=tmp_path)
    assert (done.status, done.out) == (2, b"")
    assert done.err == ("jacinspect: --save J.png: needs matplotlib (pip install matplotlib); J.svg does not\n")
    assert list(tmp_path.iterdir()) == []


def test_a_png_is_saved(run_here: RunHere, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run_here(*SIGMOID, "-q", "--save", "J.png", cwd=tmp_path).status == 0
    assert (tmp_path / "J.png").read_bytes().startswith(b"\x89PNG")
