"""`jacinspect identities`: its options, and its exit status. Next: requests, showing."""

from pathlib import Path
from typing import Annotated

import typer

from jacinspect.choices import Dtype, Format, IdentitiesFormat, Vec
from jacinspect.cli.app import app, in_a_child
from jacinspect.cli.formats import format_of
from jacinspect.cli.group import Command
from jacinspect.cli.options import BackendOption, DerivativeOption, DomainOption, KindOption, ParamOption, ReseedOption
from jacinspect.cli.requests import FunctionRequest, OperandRequest, OutputRequest, verified
from jacinspect.cli.showing import show
from jacinspect.cli.streams import captured_output, reported_errors
from jacinspect.errors import ExitStatus
from jacinspect.functions.catalogue.completion import functions

__all__ = ["identities"]


@app.command("identities", cls=Command)
def identities(
    function: Annotated[
        str, typer.Argument(metavar="[FUNCTION]", help="What A = f(X) is.", autocompletion=functions)
    ] = "sigmoid",
    shape: Annotated[
        str | None, typer.Option("--shape", "-s", help="Shape of X, filled at random: 4, 2x3.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", "-i", metavar="FILE", help="X from a file, as for inspect.")
    ] = None,
    param: ParamOption = None,
    derivative: DerivativeOption = None,
    derivative_kind: KindOption = None,
    backend: BackendOption = None,
    domain: DomainOption = None,
    reseed: ReseedOption = None,
    vec: Annotated[
        Vec | None, typer.Option(help="Order of a derivative that is an M×N matrix.", show_default=False)
    ] = None,
    dtype: Annotated[Dtype, typer.Option(help="What X is rounded to.")] = Dtype.float64,
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 0,
    to: Annotated[
        IdentitiesFormat | None,
        typer.Option("--format", "-f", help="What to print; as FILE ends, if left out.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="A ✗ does not change the exit status.")] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where the function's own error arose.")] = False,
) -> None:
    """Verify the tensor identities on the numbers of a matrix.

    Exit status: 0 all hold, 1 one does not, 2 could not verify, 130 interrupted.
    """
    with reported_errors(traceback):
        in_a_child(function, derivative)
    with reported_errors(traceback), captured_output():
        typed = FunctionRequest(function, param, derivative, derivative_kind, backend, None, domain, reseed)
        chosen = format_of(output, IdentitiesFormat.json if as_json else to, IdentitiesFormat)
        written = OutputRequest(Format(chosen.value), output)
        report = verified(typed, OperandRequest(shape, source, dtype), written, seed, vec)
    with reported_errors(traceback):
        show(report, written)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)
