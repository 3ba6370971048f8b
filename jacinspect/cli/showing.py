"""Showing a report in the format asked for, on standard output or in a file."""

import sys
from typing import TYPE_CHECKING

from jacinspect.choices import Detail, Format
from jacinspect.cli.console import make_console
from jacinspect.cli.requests import OutputRequest
from jacinspect.cli.streams import standard_output
from jacinspect.views.files import replace_file

if TYPE_CHECKING:
    from jacinspect.identities.report import IdentityReport
    from jacinspect.inspection.report import Report
    from jacinspect.views.styled import StyledText

__all__ = ["show"]

_WIDTH = 80  # columns of a file, as of most terminals


def show(report: "Report | IdentityReport", output: OutputRequest) -> None:
    """Print the report, or replace a file with it."""
    written = "" if output.format is Format.text and output.file is None else _written(report, output)
    if output.file is not None:
        replace_file("--output", output.file, [written.encode(errors="backslashreplace")])
        return
    with standard_output():
        if output.format is Format.text:
            console = make_console(sys.stdout, _is_soft_wrapped(output))
            console.print(_view(report, output, console.width))
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
        text = _view(report, output, _WIDTH)
        return f"{text.plain if _is_soft_wrapped(output) else text.wrapped(_WIDTH)}\n"
    from importlib import import_module

    view = import_module(f"jacinspect.views.{output.format.value}")
    return str(view.render(report, output.full, output.form.value))


def _is_soft_wrapped(output: OutputRequest) -> bool:
    """Whether lines may be longer than a terminal is wide."""
    return output.full or output.detail is Detail.headline


def _view(report: "Report | IdentityReport", output: OutputRequest, width: int) -> "StyledText":
    """Lay a report out as fully as is asked for."""
    from jacinspect.inspection.report import Report

    if not isinstance(report, Report):
        from jacinspect.views import identities

        return identities.render(report, width)
    if output.detail is Detail.everything:
        from jacinspect.views import details

        return details.render(report, width, output.full, output.form.value)
    from jacinspect.views import text

    if output.detail is Detail.headline:
        return text.headline(report)
    return text.render(report, width, output.full, output.form.value)
