"""The command line: options -> inspection -> view -> exit status. Only this module prints or exits.

numpy, and all that needs it, is imported when an inspection starts, so that help, version and completion are quick.
"""

import os
import sys
from enum import StrEnum
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from jacinspect._version import __version__
from jacinspect.errors import ExitStatus, FunctionFailedError, InputError, JacinspectError

if TYPE_CHECKING:
    from jacinspect.functions.function import Array
    from jacinspect.report import Report

__all__ = ["app"]


class _InspectByDefault(TyperGroup):
    """`jacinspect sigmoid` is `jacinspect inspect sigmoid`, and the help of one shows the options of the other."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["inspect", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        inspect = self.commands["inspect"]
        rows = [inspect_row for p in inspect.get_params(ctx) if (inspect_row := p.get_help_record(ctx)) is not None]
        with formatter.section("Options of inspect, the default command"):
            formatter.write_dl([row for row in rows if not row[0].startswith("--help")])


class _Vec(StrEnum):
    column = "column"
    row = "row"


class _Layout(StrEnum):
    numerator = "numerator"
    denominator = "denominator"


class _Dtype(StrEnum):
    float64 = "float64"
    float32 = "float32"


class _Form(StrEnum):
    vec = "vec"
    tensor = "tensor"
    stacked = "stacked"
    blocks = "blocks"


class _Format(StrEnum):
    text = "text"
    json = "json"
    markdown = "markdown"
    latex = "latex"


class _Expect(StrEnum):
    diagonal = "diagonal"
    block_diagonal = "block-diagonal"
    permutation = "permutation"
    broadcast = "broadcast"
    lower_triangular = "lower-triangular"
    upper_triangular = "upper-triangular"
    symmetric = "symmetric"
    dense = "dense"


_SAVED = (".npz", ".mtx")  # what views.sparse writes

app = typer.Typer(
    cls=_InspectByDefault,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jacinspect {__version__}")
        raise typer.Exit


@app.callback(epilog="Example: jacinspect sigmoid --shape 2x2")
def _jacinspect(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Say whether a derivative is right, and what its Jacobian looks like.

    FUNCTION is a name of the catalogue, such as sigmoid, relu or softmax. Give the operand's shape, or a file with it.
    """


@app.command()
def inspect(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="What to inspect.", show_default=False)],
    shape: Annotated[
        str | None, typer.Option("--shape", "-s", help="Shape of the operand, filled at random: 4, 2x2, 2x3x4.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="FILE",
            help="The operand from .npy, .npz (file.npz:key), .csv, .tsv, .txt or .json; - is standard input.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the function.")
    ] = None,
    direction: Annotated[
        str | None, typer.Option(metavar="FILE", help="dX for the Hadamard comparison; random if left out.")
    ] = None,
    vec: Annotated[_Vec, typer.Option(help="Order of vec.")] = _Vec.column,
    layout: Annotated[_Layout, typer.Option(help="Orientation of the matrix.")] = _Layout.numerator,
    form: Annotated[
        _Form, typer.Option("--as", help="Which arrangement of the numbers to print; stacked: ∂A/∂X_pq on each other.")
    ] = _Form.vec,
    expect: Annotated[
        list[_Expect] | None,
        typer.Option(
            metavar="PROPERTY",
            show_default=False,
            help="What must hold, repeatable: diagonal, block-diagonal, permutation, broadcast, lower-triangular, "
            "upper-triangular, symmetric or dense.",
        ),
    ] = None,
    dtype: Annotated[_Dtype, typer.Option(help="What the operand's values are rounded to.")] = _Dtype.float64,
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 0,
    rtol: Annotated[float | None, typer.Option(help="Judge by this relative tolerance, not by error bars.")] = None,
    atol: Annotated[float | None, typer.Option(help="Judge by this absolute tolerance, not by error bars.")] = None,
    strict_kinks: Annotated[bool, typer.Option("--strict-kinks", help="Fail on a kink: no derivative exists.")] = False,
    memory: Annotated[str, typer.Option(help="Budget of memory: 4GiB, 512MiB.")] = "4GiB",
    max_evaluations: Annotated[
        int | None, typer.Option(metavar="N", help="Budget of calls; chosen by the operand's size if left out.")
    ] = None,
    noise: Annotated[float | None, typer.Option(help="Relative noise of the function's values.")] = None,
    to: Annotated[_Format, typer.Option("--format", "-f", help="What to print.")] = _Format.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Save the Jacobian itself, as a sparse .npz (scipy) or Matrix Market .mtx."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show arrays whatever their size.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Findings do not change the exit status.")] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where the function's own error arose.")] = False,
) -> None:
    """Inspect one Jacobian.

    Exit status: 0 everything holds, 1 something does not, 2 could not inspect, 130 interrupted.
    """
    try:
        report = _inspect(
            function, shape, source, param or [], direction, dtype.value, form.value, output, save,
            seed=seed, vec=vec.value, layout=layout.value, expect=tuple(e.value for e in expect or ()),
            rtol=rtol, atol=atol, strict_kinks=strict_kinks,
            memory=memory, max_evaluations=max_evaluations, noise=noise,
        )  # fmt: skip
        _show(report, _Format.json if as_json else to, form.value, output, full)
        if save is not None:
            _save(report, save)
    except JacinspectError as error:
        if traceback and isinstance(error, FunctionFailedError) and error.__cause__ is not None:
            import traceback as tracebacks

            tracebacks.print_exception(error.__cause__)
        typer.echo(f"jacinspect: {error}", err=True)
        raise typer.Exit(ExitStatus.UNUSABLE) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitStatus.INTERRUPTED) from None
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


def _inspect(
    name: str,
    shape: str | None,
    source: str | None,
    param: list[str],
    direction: str | None,
    dtype: str,
    form: str,
    output: Path | None,
    save: Path | None,
    **settings: Any,
) -> "Report":
    """Read what was typed, then inspect; whatever is wrong with it is said before any computing."""
    from jacinspect.functions.catalogue import function
    from jacinspect.inspection import Settings, inspect_function
    from jacinspect.jacobian.layouts import arrange
    from jacinspect.operands.shapes import parse_shape, parse_size, random_operand

    settings["memory"] = parse_size(settings["memory"])
    checked = Settings(**settings)
    found = function(name, **dict(map(_parameter, param)))
    _require_writable("--output", output)
    _require_writable("--save", save)
    if save is not None and save.suffix not in _SAVED:
        raise InputError(f"--save {save}: the name has to end in {' or '.join(_SAVED)}")
    if save is not None and output is not None and save.resolve() == output.resolve():
        raise InputError(f"--save {save}: is where --output writes the report; name another file")
    if (shape is None) == (source is None):
        raise InputError(
            "give the operand's shape (--shape 2x2) or a file with it (--input x.csv)" + (", not both" if shape else "")
        )
    operand: Array
    if source is not None:
        operand = _read(source, dtype, checked.memory)
    else:
        operand = random_operand(parse_shape(shape or ""), dtype, checked.seed, checked.memory)
    arrange(form, (), operand.shape)  # refuses a form that has no place for the operand's axes
    along = None if direction is None else _read(direction, dtype, checked.memory)
    where = "random" if source is None else "standard input" if source == "-" else source
    with _Progress() as progress:
        return inspect_function(found, operand, checked, source=where, direction=along, progress=progress.called)


class _Progress:
    """After a second of work, and on a terminal only, tells on standard error how many calls were made."""

    def __init__(self) -> None:
        self._due = monotonic() + 1 if sys.stderr.isatty() else inf
        self._status: Any = None

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def called(self, evaluations: int) -> None:
        if monotonic() < self._due:
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(f"{evaluations} calls of the function")


def _read(source: str, dtype: str, memory: int) -> "Array":
    from jacinspect.operands.files import read_operand

    return read_operand(source, dtype, memory, sys.stdin.buffer)


def _parameter(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        if not equals or not name.strip():
            raise ValueError
        return name.strip(), float(value)
    except ValueError:
        raise InputError(f"--param {text!r}: write NAME=VALUE with a number, such as negative_slope=0.2") from None


def _require_writable(option: str, file: Path | None) -> None:
    if file is None:
        return
    if file.is_dir():
        raise InputError(f"{option} {file}: is a folder; name a file in it")
    if not file.parent.is_dir():
        raise InputError(f"{option} {file}: there is no folder {file.parent}")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InputError(f"{option} {file}: permission denied")


def _show(report: "Report", to: _Format, form: str, output: Path | None, full: bool) -> None:
    """Print the report, or write it to a file in one piece."""
    report.form(form)  # refuses, in JSON too, a form that has no place for the output's axes
    try:
        if output is not None:
            _replace("--output", output, _written(report, to, form, full).encode())
        elif to is _Format.text:
            _print(report, form, full)
            sys.stdout.flush()
        else:
            sys.stdout.buffer.write(_written(report, to, form, full).encode())
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough; Python must not find the pipe closed once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _written(report: "Report", to: _Format, form: str, full: bool) -> str:
    if to is _Format.json:
        return report.to_json(full)
    if to is _Format.text:
        return _plain(report, form, full)
    from importlib import import_module

    render = import_module(f"jacinspect.views.{to.value}").render
    return str(render(report, full, form))


def _print(report: "Report", form: str, full: bool) -> None:
    from rich.console import Console

    from jacinspect.views.text import render

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ∂ still gets everything else
    console = Console(highlight=False, soft_wrap=full)
    console.print(render(report, console.width, full, form))


def _plain(report: "Report", form: str, full: bool) -> str:
    from io import StringIO

    from rich.console import Console

    from jacinspect.views.text import render

    console = Console(file=StringIO(), width=80, highlight=False, color_system=None, soft_wrap=full)
    console.print(render(report, console.width, full, form))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def _save(report: "Report", file: Path) -> None:
    """Write the Jacobian itself, once the report has said what there is to say about it."""
    from jacinspect.views.sparse import RENDERERS

    try:
        content = RENDERERS[file.suffix](report)
    except InputError as error:
        raise InputError(f"--save {file}: {error}") from None
    _replace("--save", file, content)


def _replace(option: str, file: Path, content: bytes) -> None:
    """Write a file so that it is, at every moment, either the old one or the complete new one."""
    target = file.resolve()
    try:
        if target.exists() and not target.is_file():  # a device or a pipe
            target.write_bytes(content)
            return
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            draft.write_bytes(content)
            if target.exists():
                draft.chmod(target.stat().st_mode)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{option} {file}: {(error.strerror or str(error)).lower()}") from None
