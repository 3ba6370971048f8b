"""--open: the page is written, to a temporary file if none is named, and shown by the browser."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jacinspect.choices import Format
from jacinspect.cli.formats import format_of
from jacinspect.cli.requests import OutputRequest
from jacinspect.cli.showing import show
from jacinspect.errors import InputError
from jacinspect.wording import printable

if TYPE_CHECKING:
    from jacinspect.inspection.report import Report

__all__ = ["page_format", "show_page"]


def page_format(file: Path | None, named: Format | None) -> Format:
    """Return the format of a page that is to be opened; raise InputError where another one is asked for."""
    chosen = format_of(file, named, Format)
    if chosen is not Format.html and (named is not None or chosen is not Format.text):
        asked = f"--format {named.value}" if named is not None else f"--output {file}"
        raise InputError(f"--open shows a page, which {asked} is not; leave one of them out")
    return Format.html


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
        typer.echo(f"jacinspect: there is no browser to open; the page is {printable(str(output.file))}", err=True)
