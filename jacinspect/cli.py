"""The command line: options -> inspection -> view -> exit status. Only this module prints or exits.

numpy, and all that needs it, is imported when an inspection starts, so that help, version and completion are quick.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from jacinspect._version import __version__
from jacinspect.errors import ExitStatus, FunctionFailedError, InputError, JacinspectError, printable

if TYPE_CHECKING:
    from jacinspect.functions.function import Array
    from jacinspect.identity_report import IdentityReport
    from jacinspect.report import Report

__all__ = ["app", "run"]


class _InspectByDefault(TyperGroup):
    """`jacinspect sigmoid` is `jacinspect inspect sigmoid`, and the help of one shows the options of the other."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            raise _UsageError("name a function, as in `jacinspect sigmoid --shape 2x2`")
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


class _Format(StrEnum):
    text = "text"
    json = "json"


class _Expect(StrEnum):
    diagonal = "diagonal"
    block_diagonal = "block-diagonal"
    permutation = "permutation"
    broadcast = "broadcast"
    lower_triangular = "lower-triangular"
    upper_triangular = "upper-triangular"
    symmetric = "symmetric"
    dense = "dense"


app = typer.Typer(
    cls=_InspectByDefault,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> int:
    """Run the command line; return its exit status. A mistake in the options is told in a line."""
    try:
        status = typer.main.get_command(app).main(prog_name="jacinspect", standalone_mode=False)
    except _UsageError as error:
        typer.echo(f"jacinspect: {error.format_message()} (jacinspect --help lists the options)", err=True)
        return ExitStatus.UNUSABLE
    return status or ExitStatus.OK


_UsageError: Any = typer.BadParameter.__base__  # which typer does not export by itself


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
    further: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="[NAME=]SHAPE_OR_FILE",
            help="A further operand, repeatable, in order: filled at random, or from a file.",
        ),
    ] = None,
    wrt: Annotated[
        str, typer.Option(metavar="NAME_OR_NUMBER", show_default=False, help="The operand to differentiate by.")
    ] = "1",
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the function.")
    ] = None,
    direction: Annotated[
        str | None, typer.Option(metavar="FILE", help="dX for the Hadamard comparison; random if left out.")
    ] = None,
    vec: Annotated[_Vec, typer.Option(help="Order of vec.")] = _Vec.column,
    layout: Annotated[_Layout, typer.Option(help="Orientation of the matrix.")] = _Layout.numerator,
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
    form: Annotated[_Format, typer.Option("--format", "-f", help="What to print.")] = _Format.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show arrays whatever their size.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Findings do not change the exit status.")] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where the function's own error arose.")] = False,
) -> None:
    """Inspect one Jacobian.

    Exit status: 0 everything holds, 1 something does not, 2 could not inspect, 130 interrupted.
    """
    with _errors_told(traceback):
        report = _inspect(
            function, shape, source, further or [], wrt, param or [], direction, dtype.value, output,
            seed=seed, vec=vec.value, layout=layout.value, expect=tuple(e.value for e in expect or ()),
            rtol=rtol, atol=atol, strict_kinks=strict_kinks,
            memory=memory, max_evaluations=max_evaluations, noise=noise,
        )  # fmt: skip
        _show(report, _Format.json if as_json else form, output, full)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


@app.command()
def identities(
    function: Annotated[str, typer.Argument(metavar="[FUNCTION]", help="What A = f(X) is.")] = "sigmoid",
    shape: Annotated[
        str | None, typer.Option("--shape", "-s", help="Shape of X, filled at random: 4, 2x3.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", "-i", metavar="FILE", help="X from a file, as for inspect.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the function.")
    ] = None,
    dtype: Annotated[_Dtype, typer.Option(help="What X is rounded to.")] = _Dtype.float64,
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 0,
    form: Annotated[_Format, typer.Option("--format", "-f", help="What to print.")] = _Format.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="A ✗ does not change the exit status.")] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where the function's own error arose.")] = False,
) -> None:
    """Verify the tensor identities of a vector or a matrix on its own numbers.

    Exit status: 0 all hold, 1 one does not, 2 could not verify, 130 interrupted.
    """
    with _errors_told(traceback):
        report = _identities(function, shape, source, param or [], dtype.value, seed, output)
        _show(report, _Format.json if as_json else form, output, False)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


def _identities(
    name: str, shape: str | None, source: str | None, param: list[str], dtype: str, seed: int, output: Path | None
) -> "IdentityReport":
    from jacinspect.functions.catalogue import function
    from jacinspect.identities import verify_identities
    from jacinspect.inspection import Settings

    settings = Settings(seed=seed)
    found = function(name, **dict(map(_parameter, param)))
    if len(found.operands) > 1:
        raise InputError(f"{found.name} has operands {' and '.join(found.operands)}; the identities are of A = f(X)")
    if output is not None:
        _require_writable(output)
    text, at_random = _first(shape, source), source is None
    operand = _operand(text, at_random, dtype, settings.seed, settings.memory)
    where = _origin(text, at_random)
    with _Progress() as progress:
        return verify_identities(found, operand, seed=seed, source=where, progress=progress.called)


@contextmanager
def _errors_told(traceback: bool) -> Iterator[None]:
    """Tell what the user can mend on standard error, and leave with the status that says so."""
    try:
        yield
    except JacinspectError as error:
        if traceback and isinstance(error, FunctionFailedError) and error.__cause__ is not None:
            import traceback as tracebacks

            tracebacks.print_exception(error.__cause__)
        typer.echo(f"jacinspect: {printable(str(error))}", err=True)
        raise typer.Exit(ExitStatus.UNUSABLE) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitStatus.INTERRUPTED) from None


def _inspect(
    name: str,
    shape: str | None,
    source: str | None,
    further: list[str],
    wrt: str,
    param: list[str],
    direction: str | None,
    dtype: str,
    output: Path | None,
    **settings: Any,
) -> "Report":
    """Read what was typed, then inspect; whatever is wrong with it is said before any computing."""
    from jacinspect.functions.catalogue import function
    from jacinspect.inspection import Settings, inspect_function
    from jacinspect.operands.further import is_shape, place
    from jacinspect.operands.shapes import parse_size

    settings["memory"] = parse_size(settings["memory"])
    checked = Settings(**settings)
    found = function(name, **dict(map(_parameter, param)))
    if output is not None:
        _require_writable(output)
    position = found.position(int(wrt) if wrt.isdecimal() else wrt)
    texts = [_first(shape, source), *place(found.name, found.operands, further, shape or "2x3")]
    if [*texts, direction].count("-") > 1:
        raise InputError("standard input (-) can be read only once; name a file for the others")
    drawn = [source is None, *map(is_shape, texts[1:])]
    operands = [
        _operand(text, at_random, dtype, checked.seed, checked.memory, number)
        for number, (text, at_random) in enumerate(zip(texts, drawn, strict=True), 1)
    ]
    along = None if direction is None else _operand(direction, False, dtype, checked.seed, checked.memory)
    where = _origin(texts[position - 1], drawn[position - 1])
    of_one, operand = found.by(position, operands), operands[position - 1]
    with _Progress() as progress:
        return inspect_function(of_one, operand, checked, source=where, direction=along, progress=progress.called)


def _first(shape: str | None, source: str | None) -> str:
    """Return what was typed for the first operand: a shape or else a file."""
    if (shape is None) == (source is None):
        raise InputError(
            "give the operand's shape (--shape 2x2) or a file with it (--input x.csv)" + (", not both" if shape else "")
        )
    return source if shape is None else shape  # type: ignore[return-value]


def _operand(text: str, at_random: bool, dtype: str, seed: int, memory: int, number: int = 1) -> "Array":
    """Draw the operand of a number in a shape, or read it from a file."""
    from jacinspect.operands.shapes import parse_shape, random_operand

    if at_random:
        return random_operand(parse_shape(text), dtype, seed, memory, number)
    from jacinspect.operands.files import read_operand

    return read_operand(text, dtype, memory, sys.stdin.buffer if sys.stdin else None)


def _origin(text: str, at_random: bool) -> str:
    return "random" if at_random else "standard input" if text == "-" else text


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


def _parameter(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        if not equals or not name.strip():
            raise ValueError
        return name.strip(), float(value)
    except ValueError:
        raise InputError(f"--param {text!r}: write NAME=VALUE with a number, such as negative_slope=0.2") from None


def _require_writable(output: Path) -> None:
    if output.is_dir():
        raise InputError(f"--output {output}: is a folder; name a file in it")
    if not output.parent.is_dir():
        raise InputError(f"--output {output}: there is no folder {output.parent}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise InputError(f"--output {output}: permission denied")


def _show(report: "Report | IdentityReport", form: _Format, output: Path | None, full: bool) -> None:
    """Print the report, or write it to a file in one piece."""
    if output is not None:
        text = report.to_json(full) if form is _Format.json else _text(report, full)
        _replace(output, text.encode(errors="backslashreplace"))
        return
    if sys.stdout is None:
        raise InputError("standard output is closed; write to a file with --output")
    try:
        if form is _Format.json:
            sys.stdout.buffer.write(report.to_json(full).encode())
        else:
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # without ∂ there is still the rest
            _text(report, full, sys.stdout)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python finds it closed once more at exit
        if not isinstance(error, BrokenPipeError):  # whoever reads a pipe may have had enough
            raise InputError(f"standard output: {(error.strerror or str(error)).lower()}") from None


def _text(report: "Report | IdentityReport", full: bool, stream: TextIO | None = None) -> str:
    """Render for a terminal, or whatever the stream is; without one, return the text, plain and 80 columns wide."""
    from io import StringIO

    from rich.console import Console

    from jacinspect.report import Report

    plain = {"width": 80, "color_system": None} if stream is None else {}
    console = Console(file=stream or StringIO(), highlight=False, soft_wrap=full, **plain)  # type: ignore[arg-type]
    if isinstance(report, Report):
        from jacinspect.views import text as view

        console.print(view.render(report, console.width, full))
    else:
        from jacinspect.views import identities as identities_view

        console.print(identities_view.render(report, console.width))
    return "" if stream else str(console.file.getvalue())  # type: ignore[attr-defined]


def _replace(output: Path, content: bytes) -> None:
    """Write a file so that it is, at every moment, either the old one or the complete new one."""
    try:
        if output.exists() and not output.is_file():  # a device or a pipe
            output.write_bytes(content)
            return
        target = output.resolve()
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            draft.write_bytes(content)
            if target.exists():
                draft.chmod(target.stat().st_mode)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except BrokenPipeError:
        return
    except OSError as error:
        raise InputError(f"--output {output}: {(error.strerror or str(error)).lower()}") from None
