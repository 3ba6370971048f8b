"""A report as it was asked for: to standard output, or to a file in one piece."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from jacinspect.choices import Format
from jacinspect.cli.files import replace_file
from jacinspect.cli.streams import make_console, standard_output

if TYPE_CHECKING:
    from jacinspect.identities.report import IdentityReport
    from jacinspect.inspection.report import Report

__all__ = ["show"]


def show(report: "Report | IdentityReport", to: Format, form: str, output: Path | None, full: bool) -> None:
    """Print the report, or write it to a file in one piece."""
    written = "" if to is Format.text and output is None else _written(report, to, form, full)
    if output is not None:
        replace_file("--output", output, [written.encode(errors="backslashreplace")])
        return
    with standard_output():
        if to is Format.text:
            _text(report, form, full, sys.stdout)
        else:
            sys.stdout.buffer.write(written.encode())


def _written(report: "Report | IdentityReport", to: Format, form: str, full: bool) -> str:
    """Write the report as JSON, text, markdown or LaTeX."""
    from jacinspect.inspection.report import Report

    if isinstance(report, Report):
        report.form(form)  # refuses, in JSON too, a form that has no place for the output's axes
    if to is Format.json:
        return report.to_json(full)
    if to is Format.text:
        return _text(report, form, full)
    from importlib import import_module

    return str(import_module(f"jacinspect.views.{to.value}").render(report, full, form))


def _text(report: "Report | IdentityReport", form: str, full: bool, stream: TextIO | None = None) -> str:
    """Render for a terminal, or whatever the stream is; without one, return the text, plain and 80 columns wide."""
    from jacinspect.inspection.report import Report

    console = make_console(stream, full)
    if isinstance(report, Report):
        from jacinspect.views import text as view

        console.print(view.render(report, console.width, full, form))
    else:
        from jacinspect.views import identities as identities_view

        console.print(identities_view.render(report, console.width))
    return "" if stream else str(console.file.getvalue())
