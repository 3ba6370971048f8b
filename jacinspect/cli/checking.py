"""`jacinspect check`: a suite -> its outcomes, written as they come -> the exit status."""

import json
import re
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from jacinspect import __version__
from jacinspect.choices import CheckFormat
from jacinspect.cli.calls import executor_of, number_of_jobs
from jacinspect.cli.console import make_console
from jacinspect.cli.garbage import resume
from jacinspect.cli.spelling import spelled
from jacinspect.cli.streams import (
    Interrupted,
    ProgressBar,
    is_terminal,
    say,
    show_beginning,
    show_note,
    standard_output,
)
from jacinspect.errors import ExitStatus, InputError, JacinspectError
from jacinspect.records import dataclass
from jacinspect.views.files import replace_file, require_writable
from jacinspect.wording import counted, printable

if TYPE_CHECKING:
    from jacinspect.checks.outcomes import Outcome, Tally
    from jacinspect.checks.remote import RemotePool
    from jacinspect.checks.suite import Case, Suite
    from jacinspect.checks.workers import Pool
    from jacinspect.views.styled import StyledLine

__all__ = ["CheckRequest", "check_suite"]

_ALL = 10**6  # columns: a log and a file keep all of a line
_WAIT, _WAIT_ON_SCREEN = 1.0, 3.0  # seconds before progress is shown; where lines come, they show it too


@dataclass(frozen=True)
class CheckRequest:
    """What was typed for `check`: names of checks (none for all), where they are, what to write and how to run them."""

    names: list[str]
    config: Path | None
    written: tuple[tuple[CheckFormat, Path | None], ...]
    jobs: str
    timeout: float | None
    fail_fast: bool
    shard: str | None = None
    listing: bool = False
    executor: str | None = None

    @contextmanager
    def pool(self, suite: "Suite") -> "Iterator[Pool | RemotePool]":
        """Start processes for a suite, or connect to the cluster that was named."""
        if self.executor is None:
            from jacinspect.checks.workers import Pool

            with Pool(suite, number_of_jobs(self.jobs), self.timeout) as pool:
                yield pool
            return
        if self.timeout is not None:
            raise InputError(
                "--timeout kills a process that takes too long, and those of --executor cannot be killed from here: "
                "leave out --timeout, or name --jobs in place of --executor"
            )
        from jacinspect.checks.remote import RemotePool

        with executor_of(self.jobs, self.executor) as executor, RemotePool(suite, executor) as remote:
            yield remote


def check_suite(request: CheckRequest) -> int:
    """Run a suite's checks, or list its inspections; return the exit status."""
    from jacinspect.checks.suite import find_configuration, load_suite

    shard, timeout = _parse_shard(request.shard), request.timeout
    number_of_jobs(request.jobs)  # a mistake in it is reported before anything is read
    if timeout is not None and not 0 < timeout < inf:
        raise InputError(f"--timeout {timeout:g}: a number of seconds above 0 is needed")
    for to, file in request.written:
        require_writable("--output", file)
        if request.listing and to not in (CheckFormat.text, CheckFormat.json):
            raise InputError(f"--list is written as text or json; leave out --format {to}")
    config = find_configuration(Path.cwd()) if request.config is None else request.config
    suite = load_suite(config).selected(request.names)
    for note in suite.notes:
        show_note(note)
    resume()  # before workers are forked, which share what is not searched
    with request.pool(suite) as pool:
        if len(pool.cases) < shard[1]:
            here = counted(len(pool.cases), "inspection")
            raise InputError(f"--shard {request.shard}: {here} cannot be divided into {shard[1]} parts")
        pool.cases = pool.cases[shard[0] - 1 :: shard[1]]
        if request.listing:
            return _list(pool.cases, request.written)
        return _check(pool, request, shard)


def _check(pool: "Pool | RemotePool", request: CheckRequest, shard: tuple[int, int]) -> int:
    """Make the pool's inspections and write their outcomes; return the exit status."""
    from jacinspect.checks.outcomes import Tally

    on_screen = request.written[0][1] is None and is_terminal(sys.stdout)
    tally, written = Tally(len(pool.cases), whole=shard[1] == 1), dict[str, str]()
    with ProgressBar("inspections", tally.planned, _WAIT_ON_SCREEN if on_screen else _WAIT) as bar:
        pool.waiting = lambda: bar.show(tally.done)

        def made() -> "Iterator[Outcome]":
            for outcome in pool.outcomes():
                tally.add(outcome)
                if outcome.report.verdict != "pass" and outcome.stderr:
                    written.setdefault(outcome.stderr, outcome.name)
                if on_screen:
                    bar.hide()
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
            say(f"jacinspect: {printable(check)}: allow {code} was not needed")
    return ExitStatus.INTERRUPTED if pool.stopped else tally.exit_status


def _parse_shard(text: str | None) -> tuple[int, int]:
    """Read K/N; without it, all is one part."""
    if text is None:
        return 1, 1
    parts = re.fullmatch("([0-9]{1,9})/([0-9]{1,9})", text)
    number, of = (int(parts[1]), int(parts[2])) if parts else (0, 0)
    if not 1 <= number <= of:
        raise InputError(f"--shard {text}: the number of a part and that of all are needed, such as 1/4 … 4/4")
    return number, of


def _list(cases: "list[Case]", written: "tuple[tuple[CheckFormat, Path | None], ...]") -> int:
    """Write what would be inspected, a line each."""
    for to, file in written:
        if to is CheckFormat.json:
            rows = [{"name": c.name, "check": c.check, "shape": c.shape, "seed": c.seed, "wrt": c.by} for c in cases]
            listed = json.dumps(rows, ensure_ascii=False) + "\n"
        else:
            names = (printable(case.name).replace("\n", "\\n") for case in cases)
            listed = "".join(f"{name}\n" for name in names)
        if file is not None:
            replace_file("--output", file, [listed.encode(errors="backslashreplace")])
            continue
        with standard_output():
            sys.stdout.buffer.write(listed.encode(errors="backslashreplace"))
    return ExitStatus.OK


@contextmanager
def _interrupts(pool: "Pool | RemotePool") -> Iterator[None]:
    """Let the first Ctrl-C stop the pool after the outcomes that are there, and a second one interrupt at once."""

    def stop(*_: object) -> None:
        pool.stop()
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as it is in the background of a shell
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write_all(
    outcomes: "Iterator[Outcome]",
    tally: "Tally",
    written: "tuple[tuple[CheckFormat, Path | None], ...]",
    pool: "Pool | RemotePool",
) -> None:
    """Write the first format as the outcomes come, and then the others.

    A reader that has gone ends no inspection, since all of them have a say in the exit status. After Ctrl-C, and where
    no worker can be had any more, standard output has what was made until then, as a complete document, and files stay
    what they were.
    """
    kept: list[Outcome] = []
    failures: list[JacinspectError] = []
    has_file = written[0][1] is not None

    def made() -> "Iterator[Outcome]":
        try:
            for outcome in outcomes:
                if len(written) > 1:
                    kept.append(outcome)
                yield outcome
        except JacinspectError as error:
            if has_file:
                raise
            failures.append(error)
        if pool.stopped and has_file:
            raise Interrupted

    coming = made()
    _write(coming, tally, *written[0], pool.cases)
    deque(coming, maxlen=0)
    for failure in failures:
        raise failure
    for to, file in () if pool.stopped else written[1:]:
        _write(iter(kept), tally, to, file, pool.cases)


def _write(
    outcomes: "Iterator[Outcome]", tally: "Tally", to: CheckFormat, output: Path | None, cases: "list[Case]"
) -> None:
    """Write the outcomes as they come, to standard output or to a draft that replaces the file once it is complete."""
    if to is CheckFormat.text and output is None:
        with standard_output():
            console = make_console(sys.stdout, soft_wrap=True)
            width = console.width if is_terminal(sys.stdout) else _ALL
            for line in _lines(outcomes, tally, cases, width, sys.stdout.encoding):
                console.print(line)
        return
    pieces: Iterator[str]
    if to is CheckFormat.text:
        pieces = (f"{line.plain}\n" for line in _lines(outcomes, tally, cases))
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


def _lines(
    outcomes: "Iterator[Outcome]", tally: "Tally", cases: "list[Case]", width: int = _ALL, encoding: str = "utf-8"
) -> "Iterator[StyledLine]":
    """Lay the outcomes out in `width` columns, for an encoding that may not have the signs of the verdicts."""
    from jacinspect.views.checks.text import Columns, render

    names, labels = max(len(case.check) for case in cases), max(len(case.label()) for case in cases)
    return render(outcomes, tally, Columns(names, labels, width, len(spelled("\n✓", encoding)) - 1))
