"""`jacinspect check`: its options, and its exit status. Next: checking."""

from pathlib import Path
from typing import Annotated

import typer

from jacinspect.choices import CheckFormat
from jacinspect.cli.app import app
from jacinspect.cli.formats import destinations
from jacinspect.cli.group import Command
from jacinspect.cli.options import CheckFormatOption, ExecutorOption
from jacinspect.cli.streams import reported_errors

__all__ = ["check"]


@app.command("check", cls=Command)
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME ...]", help="The checks to run, all if left out; * and ? match.", show_default=False
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the checks are; the nearest jacinspect.toml or pyproject.toml if left out."
        ),
    ] = None,
    to: CheckFormatOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    jobs: Annotated[
        str,
        typer.Option("--jobs", "-j", metavar="N|auto", help="Inspections side by side; auto: one for each processor."),
    ] = "1",
    executor: ExecutorOption = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="End an inspection that takes longer (J010).")
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first that does not pass.")] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N", help="Make the Kth and every Nth inspection after it: a part for each of N machines."
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the inspections, and make none.")] = False,
) -> None:
    """Run the checks declared in pyproject.toml or jacinspect.toml.

    A check is a table [checks.NAME] in jacinspect.toml, or [tool.jacinspect.checks.NAME] in pyproject.toml, with
    lines such as function = "sigmoid" and shapes = ["2x2"]; derivative, parameters, operands … are keys of it too.

    Exit status: 0 everything holds, 1 something does not, 2 nothing could be checked, 130 interrupted.
    """
    with reported_errors(False):
        written = destinations([*(to or ()), *(["json"] if as_json else ())], output, CheckFormat)
        from jacinspect.cli.checking import CheckRequest, check_suite

        status = check_suite(
            CheckRequest(names or [], config, written, jobs, timeout, fail_fast, shard, listing, executor)
        )
    raise typer.Exit(status)
