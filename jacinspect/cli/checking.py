"""`jacinspect check`: a suite -> its outcomes, written as they come -> the exit status."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jacinspect._version import __version__
from jacinspect.choices import CheckFormat
from jacinspect.cli.files import replace_file, require_writable
from jacinspect.cli.streams import Progress, is_terminal, make_console, standard_output
from jacinspect.errors import ExitStatus, InputError
from jacinspect.wording import printable

if TYPE_CHECKING:
    from jacinspect.checks.outcomes import Outcome, Tally
    from jacinspect.checks.workers import Pool

__all__ = ["check_suite"]


def check_suite(
    names: list[str],
    config: Path | None,
    to: CheckFormat,
    output: Path | None,
    jobs: int,
    timeout: float | None,
    fail_fast: bool,
) -> int:
    """Run a suite's checks, those of some names alone if there are any; return the exit status."""
    from jacinspect.checks.outcomes import Outcome, Tally
    from jacinspect.checks.suite import find_configuration, load_suite
    from jacinspect.checks.workers import Pool

    if timeout is not None and not 0 < timeout < inf:
        raise InputError(f"--timeout {timeout:g}: a number of seconds above 0 is needed")
    require_writable("--output", output)
    suite = load_suite(find_configuration(Path.cwd()) if config is None else config).selected(names)
    with Pool(suite, jobs, timeout) as pool, Progress(quiet=output is None and is_terminal(sys.stdout)) as progress:
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
    if to is not CheckFormat.text:
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
    outcomes: "Iterator[Outcome]", tally: "Tally", to: CheckFormat, output: Path | None, width: int
) -> None:
    """Write the outcomes as they come: to standard output, or to a draft that replaces the file when it is complete."""
    if to is CheckFormat.text:
        from jacinspect.views.checks import text as check_text

        console = make_console(sys.stdout if output is None else None, soft_wrap=True)
        lines = check_text.render(outcomes, tally, width)
        if output is None:
            with standard_output():
                for line in lines:
                    console.print(line)
            return
        pieces: Iterator[str] = (f"{line.plain}\n" for line in lines)
    elif to is CheckFormat.json:
        from jacinspect.views.checks import json as check_json

        pieces = check_json.render(outcomes, tally, __version__)
    else:
        from importlib import import_module

        pieces = import_module(f"jacinspect.views.checks.{to.value}").render(outcomes, tally)
    if output is not None:
        replace_file("--output", output, (piece.encode(errors="backslashreplace") for piece in pieces))
        return
    with standard_output():
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode(errors="backslashreplace"))
            sys.stdout.buffer.flush()
