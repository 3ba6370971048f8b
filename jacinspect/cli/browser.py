"""--open: the page is written, to a temporary file if none is named, and shown by the browser."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jacinspect.choices import Format
from jacinspect.cli.formats import destinations
from jacinspect.cli.requests import OutputRequest
from jacinspect.cli.showing import show
from jacinspect.cli.streams import say
from jacinspect.errors import InputError
from jacinspect.records import replace
from jacinspect.wording import printable

if TYPE_CHECKING:
    from jacinspect.inspection.report import Report

__all__ = ["page", "show_page"]


def page(asked: Sequence[str], file: Path | None) -> tuple[Format, Path | None]:
    """Return the format and the file of a page that is to be opened; raise InputError where another is asked for."""
    (chosen, to), *more = destinations(asked, file, Format)
    if more and to is None and chosen is Format.text:  # which is printed where all formats have files
        (chosen, to), *more = more
    if more or (chosen is not Format.html and (asked or chosen is not Format.text)):
        given = f"--format {asked[0]}" if asked else f"--output {file}"
        raise InputError(f"--open shows a page, which {given} is not; leave one of them out")
    return Format.html, to


def show_page(report: "Report", output: OutputRequest) -> None:
    """Write the page and open it in the browser; where there is none, say where the page is."""
    import webbrowser
    from tempfile import NamedTemporaryFile

    if output.file is None:
        with NamedTemporaryFile(prefix="jacinspect-", suffix=".html", delete=False) as made:
            output = replace(output, file=Path(made.name))
    show(report, output)
    assert output.file is not None
    if not webbrowser.open(output.file.resolve().as_uri()):
        say(f"jacinspect: there is no browser to open; the page is {printable(str(output.file))}")
