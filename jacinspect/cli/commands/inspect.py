"""`jacinspect inspect`: its options, and its exit status. Next: requests, showing."""

from pathlib import Path
from typing import Annotated

import typer

from jacinspect.choices import Detail, Dtype, Form, Format, Layout, Mode, Vec
from jacinspect.cli.app import app, in_a_child
from jacinspect.cli.formats import destinations
from jacinspect.cli.group import Command
from jacinspect.cli.options import (
    BackendOption,
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
from jacinspect.cli.requests import FunctionRequest, OperandRequest, OutputRequest, inspected
from jacinspect.cli.showing import show
from jacinspect.cli.streams import captured_output, reported_errors
from jacinspect.errors import ExitStatus, InputError
from jacinspect.functions.catalogue.completion import functions

__all__ = ["inspect"]


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
        in_a_child(function, derivative, hessian, logdet)
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


def _detail(quiet: bool, details: bool) -> Detail:
    if quiet and details:
        raise InputError("--quiet shows the headline alone and --details everything: give one of them")
    return Detail.headline if quiet else Detail.everything if details else Detail.first
