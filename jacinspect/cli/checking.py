"""`jacinspect check`: a suite -> its outcomes, written as they come -> the exit status."""

import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jacinspect._version import __version__
from jacinspect.choices import CheckFormat
from jacinspect.cli.spelling import spelled
from jacinspect.cli.streams import Progress, is_terminal, make_console, show_beginning, standard_output
from jacinspect.errors import ExitStatus, InputError
from jacinspect.records import dataclass
from jacinspect.views.files import replace_file, require_writable
from jacinspect.wording import printable

if TYPE_CHECKING:
    from jacinspect.checks.outcomes import Outcome, Tally
    from jacinspect.checks.suite import Case
    from jacinspect.checks.workers import Pool

__all__ = ["CheckRequest", "check_suite"]


@dataclass(frozen=True)
class CheckRequest:
    """What was typed for `check`: names of checks (none for all), where they are, what to write and how to run them."""

    names: list[str]
    config: Path | None
    written: tuple[tuple[CheckFormat, Path | None], ...]
    jobs: int
    timeout: float | None
    fail_fast: bool


def check_suite(request: CheckRequest) -> int:
    """Run a suite's checks; return the exit status."""
    from jacinspect.checks.outcomes import Outcome, Tally
    from jacinspect.checks.suite import find_configuration, load_suite
    from jacinspect.checks.workers import Pool

    timeout = request.timeout
    if timeout is not None and not 0 < timeout < inf:
        raise InputError(f"--timeout {timeout:g}: a number of seconds above 0 is needed")
    for _, file in request.written:
        require_writable("--output", file)
    config = find_configuration(Path.cwd()) if request.config is None else request.config
    suite = load_suite(config).selected(request.names)
    on_screen = request.written[0][1] is None and is_terminal(sys.stdout)
    with Pool(suite, request.jobs, timeout) as pool, Progress(quiet=on_screen) as progress:
        tally, written = Tally(len(pool.cases)), dict[str, str]()

        def made() -> Iterator[Outcome]:
            for outcome in pool.outcomes():
                tally.add(outcome)
                if outcome.report.verdict != "pass" and outcome.stderr:
                    written.setdefault(outcome.stderr, outcome.name)
                progress.show(f"{tally.done} of {tally.planned} inspections")
                yield outcome
                if request.fail_fast and outcome.report.verdict != "pass":
                    return

        with _interrupts(pool):
            _write_all(made(), tally, request.written, pool)
    for text, name in written.items():  # once each, and of what failed alone
        lines = "\n".join(dict.fromkeys(text.splitlines()))  # a function is called hundreds of times
        show_beginning(f"{printable(name)} wrote on standard error", lines.encode(), len(text.encode()))
    if not any(to is CheckFormat.text for to, _ in request.written):
        for check, code in tally.unneeded:
            typer.echo(f"jacinspect: {printable(check)}: allow {code} was not needed", err=True)
    return ExitStatus.INTERRUPTED if pool.stopped else tally.exit_status


@contextmanager
def _interrupts(pool: "Pool") -> Iterator[None]:
    """Let the first Ctrl-C stop the pool after the outcomes that are there, and a second one interrupt at once."""

    def stop(*_: object) -> None:
        pool.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _label(case: "Case") -> int:
    """Return how long a case's label is; a first operand that is not named in `wrt` is known to the worker alone."""
    parts = [case.shape, f"seed {case.seed}", f"by {case.wrt}" if isinstance(case.wrt, str) else None]
    return len(", ".join(filter(None, parts)))


def _write_all(
    outcomes: "Iterator[Outcome]", tally: "Tally", written: "tuple[tuple[CheckFormat, Path | None], ...]", pool: "Pool"
) -> None:
    """Write the first format as the outcomes come, and then the others.

    A reader that has gone ends no inspection, since all of them have a say in the exit status. After Ctrl-C standard
    output has what was made until then, as a complete document, and files stay what they were.
    """
    kept: list[Outcome] = []

    def made() -> "Iterator[Outcome]":
        for outcome in outcomes:
            if len(written) > 1:
                kept.append(outcome)
            yield outcome
        if pool.stopped and written[0][1] is not None:
            raise KeyboardInterrupt

    coming = made()
    _write(coming, tally, *written[0], pool.cases)
    deque(coming, maxlen=0)
    for to, file in () if pool.stopped else written[1:]:
        _write(iter(kept), tally, to, file, pool.cases)


def _write(
    outcomes: "Iterator[Outcome]", tally: "Tally", to: CheckFormat, output: Path | None, cases: "list[Case]"
) -> None:
    """Write the outcomes as they come, to standard output or to a draft that replaces the file once it is complete."""
    if to is CheckFormat.text:
        from jacinspect.views.checks import text as check_text

        console = make_console(sys.stdout if output is None else None, soft_wrap=True)
        names, labels = max(len(case.check) for case in cases), max(map(_label, cases))
        width = console.width if output is None and is_terminal(sys.stdout) else 10**6  # a log keeps all columns
        encoding = sys.stdout.encoding if output is None and sys.stdout is not None else "utf-8"
        sign = len(spelled("\n✓", encoding)) - 1
        lines = check_text.render(outcomes, tally, check_text.Columns(names, labels, width, sign))
        if output is None:
            with standard_output():
                for line in lines:
                    console.print(line)
            return
        pieces: Iterator[str] = (f"{line.plain}\n" for line in lines)
    else:
        from importlib import import_module

        versions = (__version__,) if to in (CheckFormat.json, CheckFormat.sarif) else ()
        pieces = import_module(f"jacinspect.views.checks.{to.value}").render(outcomes, tally, *versions)
    if output is not None:
        replace_file("--output", output, (piece.encode(errors="backslashreplace") for piece in pieces))
        return
    with standard_output():
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode(errors="backslashreplace"))
            sys.stdout.buffer.flush()
