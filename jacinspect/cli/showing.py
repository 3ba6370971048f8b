"""Showing a report in the format asked for, on standard output or in a file."""

import sys
from typing import TYPE_CHECKING, TextIO

from jacinspect.choices import Detail, Format
from jacinspect.cli.requests import OutputRequest
from jacinspect.cli.streams import make_console, standard_output
from jacinspect.views.files import replace_file

if TYPE_CHECKING:
    from rich.console import RenderableType

    from jacinspect.identities.report import IdentityReport
    from jacinspect.inspection.report import Report

__all__ = ["show"]


def show(report: "Report | IdentityReport", output: OutputRequest) -> None:
    """Print the report, or replace a file with it."""
    written = "" if output.format is Format.text and output.file is None else _written(report, output)
    if output.file is not None:
        replace_file("--output", output.file, [written.encode(errors="backslashreplace")])
        return
    with standard_output():
        if output.format is Format.text:
            _text(report, output, sys.stdout)
        else:
            sys.stdout.buffer.write(written.encode())


def _written(report: "Report | IdentityReport", output: OutputRequest) -> str:
    """Write the report as JSON, text, markdown or LaTeX."""
    from jacinspect.inspection.report import Report

    if isinstance(report, Report):
        report.form(output.form)  # refuses, in JSON too, a form that has no place for the output's axes
    if output.format is Format.json:
        return report.to_json(output.full)
    if output.format is Format.text:
        return _text(report, output)
    from importlib import import_module

    view = import_module(f"jacinspect.views.{output.format.value}")
    return str(view.render(report, output.full, output.form.value))


def _text(report: "Report | IdentityReport", output: OutputRequest, stream: TextIO | None = None) -> str:
    """Render to a stream in its width and colours; without one, return plain text of 80 columns."""
    from jacinspect.inspection.report import Report

    console = make_console(stream, output.full or output.detail is Detail.headline)
    if isinstance(report, Report):
        console.print(_view(report, output, console.width))
    else:
        from jacinspect.views import identities as identities_view

        console.print(identities_view.render(report, console.width))
    return "" if stream else str(console.file.getvalue())


def _view(report: "Report", output: OutputRequest, width: int) -> "RenderableType":
    """Lay a report out as fully as is asked for."""
    if output.detail is Detail.everything:
        from jacinspect.views import details

        return details.render(report, width, output.full, output.form.value)
    from jacinspect.views import text

    if output.detail is Detail.headline:
        return text.headline(report)
    return text.render(report, width, output.full, output.form.value)
