"""The command line: options -> inspection -> view -> exit status. Only this module prints or exits.

numpy, and all that needs it, is imported when an inspection starts, so that help, version and completion are quick.
"""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from jacinspect._version import __version__
from jacinspect.completion import functions, parameters
from jacinspect.errors import ExitStatus, FunctionFailedError, InputError, JacinspectError, printable

if TYPE_CHECKING:
    from jacinspect.check_report import Outcome, Tally
    from jacinspect.functions.function import Array, Function, Parameter
    from jacinspect.identity_report import IdentityReport
    from jacinspect.report import Report
    from jacinspect.workers import Pool

__all__ = ["app", "run"]


class _Command(TyperCommand):
    """A command whose completions are words alone: to render what they are about, typer would import all of rich."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        return _words_alone(super().shell_complete(ctx, incomplete))


class _InspectByDefault(TyperGroup):
    """`jacinspect sigmoid` is `jacinspect inspect sigmoid`, and the help of one shows the options of the other."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        completing = ctx.resilient_parsing
        if not args and not completing:
            raise _UsageError("name a function, as in `jacinspect sigmoid --shape 2x2`")
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["inspect", *args]
        if completing and args and args[-1].startswith("-"):
            args = args[:-1]  # an option whose value is not typed yet would end the parsing before the function is read
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        inspect = self.commands["inspect"]
        function = next(parameter for parameter in inspect.params if parameter.name == "function")
        found = [*super().shell_complete(ctx, incomplete), *inspect.shell_complete(ctx, incomplete)]
        unique = {item.value: item for item in [*found, *function.shell_complete(ctx, incomplete)]}
        return _words_alone(unique.values())

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        inspect = self.commands["inspect"]
        rows = [inspect_row for p in inspect.get_params(ctx) if (inspect_row := p.get_help_record(ctx)) is not None]
        with formatter.section("Options of inspect, the default command"):
            formatter.write_dl([row for row in rows if not row[0].startswith("--help")])


def _words_alone(items: Iterable[Any]) -> list[Any]:
    items = list(items)
    for item in items:
        item.help = None
    return items


def _parameters(ctx: typer.Context) -> list[str]:
    """List the parameters, for completion, of the function that is typed already."""
    return parameters(ctx.params.get("function") or "")


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


class _ReportFormat(StrEnum):
    text = "text"
    json = "json"


class _CheckFormat(StrEnum):
    text = "text"
    json = "json"
    junit = "junit"
    github = "github"
    markdown = "markdown"


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


class _DerivativeKind(StrEnum):
    elementwise = "elementwise"
    gradient = "gradient"
    jacobian = "jacobian"
    jvp = "jvp"
    vjp = "vjp"


class _Backend(StrEnum):
    numpy = "numpy"
    torch = "torch"
    jax = "jax"


# Options that more than one command has.
_Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="A parameter of the function.",
        autocompletion=_parameters,
    ),
]
_Derivative = Annotated[
    str | None,
    typer.Option(
        "--derivative",
        "-d",
        metavar="REF_OR_EXPR",
        help="A hand-written derivative to be checked: an expression, module:function or file.py:function.",
    ),
]
_Kind = Annotated[
    _DerivativeKind | None,
    typer.Option(help="What --derivative is, where the shape of its result should not tell.", show_default=False),
]
_Arrays = Annotated[
    _Backend | None, typer.Option("--backend", help="Whose arrays the function takes, where trying should not tell.")
]

_PRINTED_SHOWN, _LINES_SHOWN = 1000, 5  # bytes and lines of what inspected code prints
_SAVED = (".npz", ".mtx")  # what views.sparse writes

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


def _show_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # which is completion
        typer.echo(f"jacinspect {__version__}")
        raise typer.Exit


@app.callback(epilog="Example: jacinspect sigmoid --shape 2x2")
def _jacinspect(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Say whether a derivative is right, and what its Jacobian looks like.

    FUNCTION is a name of the catalogue (sigmoid, softmax), an expression ('x * sigmoid(x)'), or somebody's own code
    (module:function, path/file.py:function). Give the operand's shape, or a file with it.
    """


@app.command(cls=_Command)
def inspect(
    function: Annotated[
        str,
        typer.Argument(metavar="FUNCTION", help="What to inspect.", show_default=False, autocompletion=functions),
    ],
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
    param: _Param = None,
    derivative: _Derivative = None,
    derivative_kind: _Kind = None,
    backend: _Arrays = None,
    direction: Annotated[
        str | None, typer.Option(metavar="FILE", help="dX for the Hadamard comparison; random if left out.")
    ] = None,
    vec: Annotated[_Vec | None, typer.Option(help="Order of vec; column if left out.", show_default=False)] = None,
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
        int | None,
        typer.Option(metavar="N", help="Budget of calls, 100 at least; by the operand's size if left out."),
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
    with _errors_told(traceback), _own_words():
        report = _inspect(
            _Request(function, param or [], derivative, derivative_kind, backend),
            shape, source, further or [], wrt, direction, dtype.value, form.value, output, save,
            seed=seed, vec=vec and vec.value, layout=layout.value, expect=tuple(e.value for e in expect or ()),
            rtol=rtol, atol=atol, strict_kinks=strict_kinks,
            memory=memory, max_evaluations=max_evaluations, noise=noise,
        )  # fmt: skip
    with _errors_told(traceback):
        _show(report, _Format.json if as_json else to, form.value, output, full)
        if save is not None:
            _save(report, save)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


@app.command(cls=_Command)
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
    param: _Param = None,
    derivative: _Derivative = None,
    derivative_kind: _Kind = None,
    backend: _Arrays = None,
    vec: Annotated[
        _Vec | None, typer.Option(help="Order of a derivative that is an M×N matrix.", show_default=False)
    ] = None,
    dtype: Annotated[_Dtype, typer.Option(help="What X is rounded to.")] = _Dtype.float64,
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 0,
    to: Annotated[_ReportFormat, typer.Option("--format", "-f", help="What to print.")] = _ReportFormat.text,
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
    with _errors_told(traceback), _own_words():
        typed = _Request(function, param or [], derivative, derivative_kind, backend)
        report = _identities(typed, shape, source, dtype.value, seed, vec and vec.value, output)
    with _errors_told(traceback):
        _show(report, _Format.json if as_json else _Format(to.value), "vec", output, False)
    raise typer.Exit(ExitStatus.OK if exit_zero else report.exit_status)


@app.command(cls=_Command)
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
    to: Annotated[_CheckFormat, typer.Option("--format", "-f", help="What to print.")] = _CheckFormat.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Inspections made side by side.")] = 1,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="End an inspection that takes longer (J010).")
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first that does not pass.")] = False,
) -> None:
    """Run the checks declared in pyproject.toml or jacinspect.toml.

    Exit status: 0 everything holds, 1 something does not, 2 nothing could be checked, 130 interrupted.
    """
    with _errors_told(False):
        status = _check(names or [], config, to, output, jobs, timeout, fail_fast)
    raise typer.Exit(status)


@app.command("list", cls=_Command)
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
    with _errors_told(False):
        from jacinspect.listing import search

        found = search(text)
        with _standard_output():
            if as_json:
                sys.stdout.buffer.write(found.to_json().encode())
                return
            from jacinspect.views import catalogue

            console = _console(sys.stdout, soft_wrap=False)
            console.print(catalogue.render(found, console.width))


def _check(
    names: list[str],
    config: Path | None,
    to: _CheckFormat,
    output: Path | None,
    jobs: int,
    timeout: float | None,
    fail_fast: bool,
) -> int:
    from jacinspect.check_report import Outcome, Tally
    from jacinspect.suite import find_configuration, load_suite
    from jacinspect.workers import Pool

    if timeout is not None and not 0 < timeout < inf:
        raise InputError(f"--timeout {timeout:g}: a number of seconds above 0 is needed")
    _require_writable("--output", output)
    suite = load_suite(find_configuration(Path.cwd()) if config is None else config).selected(names)
    with Pool(suite, jobs, timeout) as pool, _Progress(quiet=output is None and _is_terminal(sys.stdout)) as progress:
        tally = Tally(len(pool.inspections))

        def made() -> Iterator[Outcome]:
            for outcome in pool.outcomes():
                tally.add(outcome)
                progress.tell(f"{tally.done} of {tally.planned} inspections")
                yield outcome
                if fail_fast and outcome.report.verdict != "pass":
                    return

        with _interrupts(pool):  # what was made is told all the same
            _write_checked(made(), tally, to, output, max(len(each.name) for each in suite.checks))
    if to is not _CheckFormat.text:
        for check, code in tally.unneeded:
            typer.echo(f"jacinspect: {printable(check)}: allow {code} was not needed", err=True)
    return ExitStatus.INTERRUPTED if pool.stopped else tally.exit_status


@contextmanager
def _interrupts(pool: "Pool") -> Iterator[None]:
    """Let the first Ctrl-C stop the pool, whatever is being done just then, and the second do what it always does."""

    def stop(*_: object) -> None:
        pool.stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write_checked(
    outcomes: "Iterator[Outcome]", tally: "Tally", to: _CheckFormat, output: Path | None, width: int
) -> None:
    """Write the outcomes as they come: to standard output, or to a draft that replaces the file when it is complete."""
    if to is _CheckFormat.text:
        from jacinspect.views import check_text

        console = _console(sys.stdout if output is None else None, soft_wrap=True)
        lines = check_text.render(outcomes, tally, width)
        if output is None:
            with _standard_output():
                for line in lines:
                    console.print(line)
            return
        pieces: Iterator[str] = (f"{line.plain}\n" for line in lines)
    elif to is _CheckFormat.json:
        from jacinspect.views import check_json

        pieces = check_json.render(outcomes, tally, __version__)
    else:
        from importlib import import_module

        module = {_CheckFormat.markdown: "check_markdown"}.get(to, to.value)
        pieces = import_module(f"jacinspect.views.{module}").render(outcomes, tally)
    if output is not None:
        _replace("--output", output, (piece.encode(errors="backslashreplace") for piece in pieces))
        return
    with _standard_output():
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode(errors="backslashreplace"))
            sys.stdout.buffer.flush()


def _identities(
    typed: "_Request",
    shape: str | None,
    source: str | None,
    dtype: str,
    seed: int,
    vec: str | None,
    output: Path | None,
) -> "IdentityReport":
    from jacinspect.identities import verify_identities
    from jacinspect.inspection import Settings

    settings = Settings(seed=seed)
    found = typed.function([])
    if len(found.operands) > 1:
        raise InputError(f"{found.name} has operands {' and '.join(found.operands)}; the identities are of A = f(X)")
    _require_writable("--output", output)
    text, at_random = _first(shape, source), source is None
    operand = _operand(text, at_random, dtype, settings.seed, settings.memory, domain=found.domain_of(1))
    where = _origin(text, at_random)
    with _Progress() as progress:
        return verify_identities(
            found.by(1, [operand]), operand, seed=seed, source=where, vec=vec, progress=progress.called
        )


@dataclass(frozen=True)
class _Request:
    """A function as it was typed, and the derivative that is to be checked."""

    name: str
    parameters: list[str]
    derivative: str | None
    kind: _DerivativeKind | None
    backend: _Backend | None

    def function(self, further: list[str]) -> "Function":
        """Find what is meant; `further` is what --with was given."""
        from jacinspect.functions.resolve import claiming, resolve
        from jacinspect.operands.further import name_of

        backend = self.backend and self.backend.value
        found = resolve(self.name, dict(map(_parameter, self.parameters)), [*map(name_of, further)], backend)
        if self.derivative is not None:
            return claiming(found, self.derivative, self.kind and self.kind.value, backend)
        if self.kind is not None:
            raise InputError("--derivative-kind says what --derivative is; give that too")
        return found


@contextmanager
def _own_words() -> Iterator[None]:
    """Keep off standard output what inspected code prints there; then tell the beginning of it on standard error."""
    from tempfile import TemporaryFile

    if sys.stdout is None:
        yield
        return
    sys.stdout.flush()
    with TemporaryFile() as printed:
        saved = os.dup(1)
        os.dup2(printed.fileno(), 1)
        try:
            yield
        finally:
            closed = sys.stdout.closed
            if not closed:
                sys.stdout.flush()
            os.dup2(saved, 1)
            if closed:  # by the code
                sys.stdout = os.fdopen(1, "w", closefd=False)
            os.close(saved)
            size = printed.seek(0, os.SEEK_END)
            printed.seek(0)
            beginning = printed.read(_PRINTED_SHOWN).decode(errors="replace").splitlines()
            shown = [f"\n  {printable(line)}" for line in beginning[:_LINES_SHOWN]]
            if shown:
                more = f"\n  … {size} bytes in all" if len(beginning) > _LINES_SHOWN or size > _PRINTED_SHOWN else ""
                typer.echo(f"jacinspect: the inspected code printed:{''.join(shown)}{more}", err=True)


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
    typed: "_Request",
    shape: str | None,
    source: str | None,
    further: list[str],
    wrt: str,
    direction: str | None,
    dtype: str,
    form: str,
    output: Path | None,
    save: Path | None,
    **settings: Any,
) -> "Report":
    """Read what was typed, then inspect; whatever is wrong with it is said before any computing."""
    from jacinspect.inspection import Settings, inspect_function
    from jacinspect.jacobian.layouts import arrange
    from jacinspect.operands.further import is_shape, place
    from jacinspect.operands.shapes import parse_size

    settings["memory"] = parse_size(settings["memory"])
    checked = Settings(**settings)
    _require_writable("--output", output)
    _require_writable("--save", save)
    if save is not None and save.suffix not in _SAVED:
        raise InputError(f"--save {save}: the name has to end in {' or '.join(_SAVED)}")
    if save is not None and output is not None and save.resolve() == output.resolve():
        raise InputError(f"--save {save}: is where --output writes the report; name another file")
    found = typed.function(further)
    position = found.position(int(wrt) if wrt.isdecimal() else wrt)
    texts = [_first(shape, source), *place(found.name, found.operands, further, shape or "2x3")]
    if [*texts, direction].count("-") > 1:
        raise InputError("standard input (-) can be read only once; name a file for the others")
    drawn = [source is None, *map(is_shape, texts[1:])]
    operands = [
        _operand(text, at_random, dtype, checked.seed, checked.memory, number, found.domain_of(number))
        for number, (text, at_random) in enumerate(zip(texts, drawn, strict=True), 1)
    ]
    along = None if direction is None else _operand(direction, False, dtype, checked.seed, checked.memory)
    where = _origin(texts[position - 1], drawn[position - 1])
    of_one, operand = found.by(position, operands), operands[position - 1]
    arrange(form, (), operand.shape)  # refuses a form that has no place for the operand's axes
    with _Progress() as progress:
        return inspect_function(of_one, operand, checked, source=where, direction=along, progress=progress.called)


def _first(shape: str | None, source: str | None) -> str:
    """Return what was typed for the first operand: a shape or else a file."""
    if shape is not None and source is not None:
        raise InputError("give the operand's shape (--shape 2x2) or a file with it (--input x.csv), not both")
    typed = source if shape is None else shape
    if typed is None:
        raise InputError("give the operand's shape (--shape 2x2) or a file with it (--input x.csv)")
    return typed


def _operand(
    text: str,
    at_random: bool,
    dtype: str,
    seed: int,
    memory: int,
    number: int = 1,
    domain: tuple[float, float] = (-inf, inf),
) -> "Array":
    """Draw the operand of a number in a shape, or read it from a file."""
    from jacinspect.operands.shapes import parse_shape, random_operand

    if at_random:
        return random_operand(parse_shape(text), dtype, seed, memory, number, domain)
    from jacinspect.operands.files import read_operand

    return read_operand(text, dtype, memory, sys.stdin.buffer if sys.stdin else None)


def _origin(text: str, at_random: bool) -> str:
    return "random" if at_random else "standard input" if text == "-" else text


class _Progress:
    """After a second of work, and on a terminal only, tells on standard error how far it has come."""

    def __init__(self, quiet: bool = False) -> None:
        self._due = monotonic() + 1 if _is_terminal(sys.stderr) and not quiet else inf
        self._status: Any = None

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def called(self, evaluations: int) -> None:
        self.tell(f"{evaluations} calls of the function")

    def tell(self, words: str) -> None:
        if monotonic() < self._due:
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(words)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _parameter(text: str) -> "tuple[str, Parameter]":
    """Read NAME=VALUE: a whole number, a number, true, false or none, and anything else as the text that it is."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--param {text!r}: write NAME=VALUE, such as negative_slope=0.2")
    words: dict[str, Parameter] = {"true": True, "false": False, "none": None}
    if value.strip().lower() in words:
        return name.strip(), words[value.strip().lower()]
    for number in (int, float):
        try:
            return name.strip(), number(value)
        except ValueError:
            continue
    return name.strip(), value


def _require_writable(option: str, file: Path | None) -> None:
    if file is None:
        return
    if file.is_dir():
        raise InputError(f"{option} {file}: is a folder; name a file in it")
    if not file.parent.is_dir():
        raise InputError(f"{option} {file}: there is no folder {file.parent}")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InputError(f"{option} {file}: permission denied")


def _show(report: "Report | IdentityReport", to: _Format, form: str, output: Path | None, full: bool) -> None:
    """Print the report, or write it to a file in one piece."""
    written = "" if to is _Format.text and output is None else _written(report, to, form, full)
    if output is not None:
        _replace("--output", output, [written.encode(errors="backslashreplace")])
        return
    with _standard_output():
        if to is _Format.text:
            _text(report, form, full, sys.stdout)
        else:
            sys.stdout.buffer.write(written.encode())


@contextmanager
def _standard_output() -> Iterator[None]:
    """Write to standard output, whatever it can write, while somebody reads it."""
    if sys.stdout is None:
        raise InputError("standard output is closed; write to a file with --output")
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # without ∂ there is still the rest
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python finds it closed once more at exit
        if not isinstance(error, BrokenPipeError):  # whoever reads a pipe may have had enough
            raise InputError(f"standard output: {(error.strerror or str(error)).lower()}") from None


def _written(report: "Report | IdentityReport", to: _Format, form: str, full: bool) -> str:
    """Write the report as JSON, text, markdown or LaTeX."""
    from jacinspect.report import Report

    if isinstance(report, Report):
        report.form(form)  # refuses, in JSON too, a form that has no place for the output's axes
    if to is _Format.json:
        return report.to_json(full)
    if to is _Format.text:
        return _text(report, form, full)
    from importlib import import_module

    return str(import_module(f"jacinspect.views.{to.value}").render(report, full, form))


def _text(report: "Report | IdentityReport", form: str, full: bool, stream: TextIO | None = None) -> str:
    """Render for a terminal, or whatever the stream is; without one, return the text, plain and 80 columns wide."""
    from jacinspect.report import Report

    console = _console(stream, full)
    if isinstance(report, Report):
        from jacinspect.views import text as view

        console.print(view.render(report, console.width, full, form))
    else:
        from jacinspect.views import identities as identities_view

        console.print(identities_view.render(report, console.width))
    return "" if stream else str(console.file.getvalue())


def _console(stream: TextIO | None, soft_wrap: bool) -> Any:
    """Make a rich Console for a stream, or without one for a text of 80 columns."""
    from io import StringIO

    from rich.console import Console

    plain = {"width": 80, "color_system": None} if stream is None else {}
    console = Console(file=stream or StringIO(), highlight=False, soft_wrap=soft_wrap, **plain)  # type: ignore[arg-type]
    if console.width < 1:  # COLUMNS=0, as some shells have it
        console.width = 80
    return console


def _save(report: "Report", file: Path) -> None:
    """Write the Jacobian itself, once the report has said what there is to say about it."""
    from jacinspect.views.sparse import RENDERERS

    try:
        content = RENDERERS[file.suffix](report)
    except InputError as error:
        raise InputError(f"--save {file}: {error}") from None
    _replace("--save", file, [content])


def _replace(option: str, file: Path, content: Iterable[bytes]) -> None:
    """Write a file so that it is, at every moment, either the old one or the complete new one."""

    def write(to: Path) -> None:
        with to.open("wb") as opened:
            for piece in content:
                opened.write(piece)
                opened.flush()

    try:
        if file.exists() and not file.is_file():  # a device or a pipe
            write(file)
            return
        target = file.resolve()
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            write(draft)
            if target.exists():
                draft.chmod(target.stat().st_mode)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except BrokenPipeError:
        return
    except OSError as error:
        raise InputError(f"{option} {file}: {(error.strerror or str(error)).lower()}") from None
