"""The commands and their options, and the exit status of each. Next: requests, showing, checking."""

import os
import sys
from copy import copy
from pathlib import Path
from typing import Annotated

import typer

from jacinspect._version import __version__
from jacinspect.choices import (
    CheckFormat,
    Detail,
    Dtype,
    Form,
    Format,
    IdentitiesFormat,
    Layout,
    Mode,
    Vec,
)
from jacinspect.cli.at_once import explained
from jacinspect.cli.child import go_on_in_a_child
from jacinspect.cli.console import make_console
from jacinspect.cli.formats import destinations, format_of
from jacinspect.cli.group import Command, InspectByDefault, UsageError, advice, options_of
from jacinspect.cli.help import COMMANDS
from jacinspect.cli.options import (
    BackendOption,
    CheckFormatOption,
    DerivativeOption,
    DomainOption,
    ExecutorOption,
    ExpectOption,
    ExpectPatternOption,
    FormatOption,
    HessianOption,
    KindOption,
    LogdetOption,
    OrderOption,
    ParamOption,
    ReseedOption,
    SpectrumOption,
)
from jacinspect.cli.requests import FunctionRequest, OperandRequest, OutputRequest, inspected, verified
from jacinspect.cli.showing import show
from jacinspect.cli.streams import (
    captured_output,
    complain,
    ctrl_c,
    reported_errors,
    standard_output,
)
from jacinspect.errors import ExitStatus, InputError
from jacinspect.functions.catalogue.completion import functions

__all__ = ["app", "run_command"]


app = typer.Typer(
    cls=InspectByDefault,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run_command() -> int:
    """Run the command that was typed; return its exit status. A mistake in the options is reported in one line."""
    try:
        with ctrl_c():
            status = typer.main.get_command(_alone(sys.argv[1:])).main(prog_name="jacinspect", standalone_mode=False)
    except SystemExit as end:
        if end.code != 1 or "_JACINSPECT_COMPLETE" in os.environ:  # 1 is typer's where a help text's reader has gone
            raise
        return ExitStatus.OK
    except UsageError as error:
        from jacinspect.cli.mistakes import correction

        command = typer.main.get_command(app)
        right = correction(sys.argv[1:], options_of(command))
        complain(right or f"{error.format_message()} ({advice(sys.argv[1:], command)})")
        return ExitStatus.UNUSABLE
    return status or ExitStatus.OK


def _alone(arguments: list[str]) -> typer.Typer:
    """Return the app with the one command that is meant: typer takes long for each, with its many options."""
    if "_JACINSPECT_COMPLETE" in os.environ:
        return app
    meant = arguments[0] if arguments and arguments[0] in dict(COMMANDS) else "inspect"
    one = copy(app)
    one.registered_commands = [info for info in app.registered_commands if info.name == meant]
    return one


def _show_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # that is, unless a shell completes the command line
        typer.echo(f"jacinspect {__version__}")
        raise typer.Exit


def _explained() -> list[str]:
    """List what `explain` explains, for completion: a word of several parts is offered with hyphens."""
    from jacinspect.views.explain import words

    return [word.replace(" ", "-") for word in words()]


@app.callback()
def _jacinspect(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Say whether a derivative is right, and what its Jacobian looks like."""


@app.command("inspect", cls=Command)
def inspect(
    function: Annotated[
        str,
        typer.Argument(
            metavar="FUNCTION",
            help="What to inspect: a name, an expression, or code.",
            show_default=False,
            autocompletion=functions,
        ),
    ],
    shape: Annotated[
        str | None, typer.Option("--shape", "-s", help="Shape of the operand, filled at random: 4, 2x2, 2x3x4, scalar.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="FILE",
            help="The operand from .npy, .npz (file.npz:key), .csv, .txt, .json, .mtx, .safetensors …; - for stdin.",
        ),
    ] = None,
    further: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="[NAME=]SHAPE_OR_FILE",
            help="A further operand, repeatable, in order: filled at random, or from a file.",
        ),
    ] = None,
    wrt: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME…]",
            show_default=False,
            help="The operands to differentiate by, end to end: names, numbers, '*.weight' or all; else the first.",
        ),
    ] = None,
    take: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_NUMBER",
            help="Which output of a function that returns several; all of them, end to end, if left out.",
        ),
    ] = None,
    mode: Annotated[Mode | None, typer.Option(help="Of a torch module; eval if left out.", show_default=False)] = None,
    domain: DomainOption = None,
    reseed: ReseedOption = None,
    param: ParamOption = None,
    derivative: DerivativeOption = None,
    derivative_kind: KindOption = None,
    order: OrderOption = None,
    hessian: HessianOption = None,
    logdet: LogdetOption = None,
    backend: BackendOption = None,
    direction: Annotated[
        str | None, typer.Option(metavar="FILE", help="dX for the Hadamard comparison; random if left out.")
    ] = None,
    vec: Annotated[Vec | None, typer.Option(help="Order of vec; column if left out.", show_default=False)] = None,
    layout: Annotated[Layout, typer.Option(help="Orientation of the matrix.")] = Layout.numerator,
    form: Annotated[
        Form, typer.Option("--as", help="Which arrangement of the numbers to print; stacked: ∂A/∂X_pq on each other.")
    ] = Form.vec,
    spectrum: SpectrumOption = False,
    expect: ExpectOption = None,
    expect_pattern: ExpectPatternOption = None,
    dtype: Annotated[Dtype, typer.Option(help="What the operand's values are rounded to.")] = Dtype.float64,
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 0,
    rtol: Annotated[float | None, typer.Option(help="Relative tolerance, added to the error bars.")] = None,
    atol: Annotated[float | None, typer.Option(help="Absolute tolerance, added to the error bars.")] = None,
    strict_kinks: Annotated[bool, typer.Option("--strict-kinks", help="Fail on a kink: no derivative exists.")] = False,
    memory: Annotated[str, typer.Option(help="Budget of memory: 4GiB, 512MiB.")] = "4GiB",
    max_evaluations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Budget of calls, 100 at least; by the operand's size if left out."),
    ] = None,
    jobs: Annotated[
        str,
        typer.Option(
            "--jobs", "-j", metavar="N|auto", help="Call the function in N processes; the report is the same."
        ),
    ] = "1",
    executor: ExecutorOption = None,
    noise: Annotated[float | None, typer.Option(help="Relative noise of the function's values.")] = None,
    points: Annotated[
        int | None,
        typer.Option(metavar="K", help="Inspect at K operands: this one, and others 1, 10, 0.1, 100 … times as large."),
    ] = None,
    to: FormatOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Write the page (html) and open it in the browser.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Save the Jacobian as a sparse .npz (scipy) or Matrix Market .mtx, or its picture as .svg or .png.",
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show arrays whatever their size.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the headline alone.")] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Print everything: chain rule, error bars, layouts, detection, costs.")
    ] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Findings do not change the exit status.")] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where the function's own error arose.")] = False,
) -> None:
    """Inspect one Jacobian; "inspect" may be left out.

    FUNCTION is a name of the catalogue (sigmoid, softmax), an expression ('x * sigmoid(x)'), or Python code
    (module:function, path/file.py:function). Give the operand's shape, or numbers.

    Exit status: 0 everything holds, 1 something does not, 2 could not inspect, 130 interrupted.
    """
    with reported_errors(traceback):
        _in_a_child(function, derivative, hessian, logdet)
    with reported_errors(traceback), captured_output():
        typed = FunctionRequest(
            function,
            param,
            derivative,
            derivative_kind,
            backend,
            take,
            domain,
            reseed,
            mode,
            hessian,
            logdet,
            expect_pattern,
        )
        operands = OperandRequest(shape, source, dtype, further or (), wrt, direction)
        asked = [*(to or ()), *(["json"] if as_json else ())]
        if open_:
            from jacinspect.cli.browser import page
        first, *more = [page(asked, output)] if open_ else destinations(asked, output, Format)
        written = OutputRequest(*first, form, full, save, _detail(quiet, details), tuple(more))
        settings = {
            "seed": seed, "vec": vec and vec.value, "layout": layout.value, "expect": expect or (),
            "rtol": rtol, "atol": atol, "strict_kinks": strict_kinks, "noise": noise,
            "points": points, "order": order or (1 if hessian is None else 2),
            "memory": memory, "max_evaluations": max_evaluations, "spectrum": spectrum,
        }  # fmt: skip
        report = inspected(typed, operands, written, settings, (jobs, executor))
    with reported_errors(traceback):
        if open_:
            from jacinspect.cli.browser import show_page

            show_page(report, written)
        else:
            for each in written.every:
                show(report, each)
        if save is not None:
            from jacinspect.views.files import save_jacobian

            save_jacobian("--save", report, save, form.value)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


def _in_a_child(*typed: str | None) -> None:
    status = go_on_in_a_child(*typed)
    if status is not None:
        raise typer.Exit(status)


def _detail(quiet: bool, details: bool) -> Detail:
    if quiet and details:
        raise InputError("--quiet shows the headline alone and --details everything: give one of them")
    return Detail.headline if quiet else Detail.everything if details else Detail.first


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
        _in_a_child(function, derivative)
    with reported_errors(traceback), captured_output():
        typed = FunctionRequest(function, param, derivative, derivative_kind, backend, None, domain, reseed)
        chosen = format_of(output, IdentitiesFormat.json if as_json else to, IdentitiesFormat)
        written = OutputRequest(Format(chosen.value), output)
        report = verified(typed, OperandRequest(shape, source, dtype), written, seed, vec)
    with reported_errors(traceback):
        show(report, written)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


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


@app.command("list", cls=Command)
def list_(
    text: Annotated[
        str,
        typer.Argument(
            metavar="[TEXT]",
            help="What to find: a name or a part of one, a kind, a word of a formula or note.",
            show_default=False,
            autocompletion=functions,
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is declared, as JSON.")] = False,
) -> None:
    """List the functions of the catalogue, or those that a text finds.

    Exit status: 0 found, 2 nothing found.
    """
    with reported_errors(False):
        from jacinspect.functions.catalogue.listing import search

        found = search(text)
        with standard_output():
            if as_json:
                sys.stdout.buffer.write(found.to_json().encode())
                return
            from jacinspect.views import listing

            console = make_console(sys.stdout, soft_wrap=False)
            console.print(listing.render(found, console.width))


@app.command("explain", cls=Command)
def explain(
    word: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]",
            help="A finding (J001, kink) or a word of a report (bar, color, vec, chain rule); none lists them.",
            show_default=False,
            autocompletion=_explained,
        ),
    ] = None,
) -> None:
    """Explain a finding or a word of a report in a few lines.

    Exit status: 0 explained, 2 there is no such word.
    """
    with reported_errors(False):
        text = explained(word or [])
        with standard_output():
            sys.stdout.write(text)
