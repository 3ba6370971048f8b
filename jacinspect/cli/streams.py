"""Standard output and standard error: results, the output of inspected code, progress, and error messages."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from math import inf
from shutil import get_terminal_size
from textwrap import wrap
from time import monotonic
from typing import Any, TextIO

from jacinspect.errors import ExitStatus, FunctionFailedError, InputError, JacinspectError, raised
from jacinspect.inspection.plan import Plan
from jacinspect.inspection.plan import Progress as Callback
from jacinspect.wording import counted, format_duration, printable

__all__ = [
    "Interrupted",
    "Progress",
    "ProgressBar",
    "captured_output",
    "complain",
    "ctrl_c",
    "is_terminal",
    "reported_errors",
    "say",
    "show_beginning",
    "show_note",
    "spell_out",
    "standard_output",
]

_PRINTED_SHOWN, _LINES_SHOWN = 1000, 5  # bytes and lines of what inspected code prints: enough to recognise it


@contextmanager
def captured_output() -> Iterator[None]:
    """Capture what inspected code prints on standard output; then show its beginning on standard error."""
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
            show_beginning("the inspected code printed", printed.read(_PRINTED_SHOWN), size)


def show_beginning(of: str, beginning: bytes, size: int) -> None:
    """Show on standard error the beginning of what code printed; `size` is how many bytes there are in all."""
    lines = beginning[:_PRINTED_SHOWN].decode(errors="replace").splitlines()
    shown = [f"\n  {printable(line)}" for line in lines[:_LINES_SHOWN]]
    if shown:
        more = f"\n  … {size} bytes in all" if len(lines) > _LINES_SHOWN or size > _PRINTED_SHOWN else ""
        say(f"jacinspect: {of}:{''.join(shown)}{more}")


def show_note(note: str) -> None:
    """Show on standard error what was left out of a file when it was read."""
    complain(note)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; inspected code that raises KeyboardInterrupt itself does not raise this."""


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Raise Interrupted on Ctrl-C, unless it is ignored, as in the background of a shell."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def reported_errors(traceback: bool) -> Iterator[None]:
    """Report errors that the user can mend on standard error, and exit with status 2; with 130 on Ctrl-C."""
    try:
        yield
    except JacinspectError as error:
        if traceback and isinstance(error, FunctionFailedError) and error.__cause__ is not None:
            import traceback as tracebacks

            tracebacks.print_exception(error.__cause__)
        complain(str(error))
        raise _exit(ExitStatus.UNUSABLE) from None
    except Interrupted:
        raise _exit(ExitStatus.INTERRUPTED) from None
    except Exception:
        raise
    except BaseException as error:  # such as KeyboardInterrupt, which nothing of ours raises
        complain(f"the inspected code raised {raised(error)}")
        raise _exit(ExitStatus.UNUSABLE) from None


def _exit(status: ExitStatus) -> Exception:
    import typer  # which takes longer than an answer that needs no parser

    return typer.Exit(status)


def complain(message: str) -> None:
    """Write an error to standard error, wrapped for a terminal but for lines that begin with a blank: to be copied."""
    lines = f"jacinspect: {printable(message)}".splitlines()
    if is_terminal(sys.stderr):
        width = get_terminal_size().columns
        wrapped = [[line] if line[:1] == " " else wrap(line, width, break_on_hyphens=False) for line in lines]
        lines = [line for piece in wrapped for line in piece]
    say("\n".join(lines))


def say(text: str) -> None:
    """Write a line on standard error, if it is open; that its reader has gone changes nothing of what was found."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


@contextmanager
def standard_output() -> Iterator[None]:
    """Write to standard output; what it cannot encode is spelled out, and a reader that has gone is no error."""
    if sys.stdout is None:
        raise InputError("standard output is closed; write to a file with --output")
    spell_out(sys.stdout)
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):  # the reader of a pipe may stop early, as head does
            raise InputError(f"standard output: {(error.strerror or str(error)).lower()}") from None


def _discard(stream: TextIO) -> None:
    """Send what is left in a stream nowhere, or Python reports the pipe again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def spell_out(stream: TextIO | None) -> None:
    """Have a stream whose encoding is not Unicode spell out the signs that it does not have."""
    if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
        from jacinspect.cli.spelling import SPELLED

        stream.reconfigure(errors=SPELLED)


class Progress(Callback):
    """Shows progress on standard error, after a second of work and on a terminal only; and first, how long it takes.

    `serial` is whether the function is called here, and not on an executor.
    """

    def __init__(self, serial: bool = True) -> None:
        self._began, self._serial = monotonic(), serial
        self._due = self._began + 1 if is_terminal(sys.stderr) else inf
        self._status: Any = None
        self._plan: Plan | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, calls: int) -> None:
        """Show how often the function was called, and how long the rest takes."""
        if self._plan is None or self._plan.calls <= calls or monotonic() < self._due:
            self.show(f"{calls} calls of the function")
            return
        left = (self._plan.calls - calls) * (monotonic() - self._began) / calls
        of = "about" if self._plan.found else "at most"
        self.show(f"{calls} of {of} {self._plan.calls} calls of the function, {format_duration(left)} left")

    def planned(self, plan: Plan) -> None:
        """Say once how many calls of a slow function there will be, and how long they take."""
        if self._plan is None and plan.is_slow:
            many = f"about {plan.pattern:,} calls to find the pattern, {plan.values:,} for the values"
            on = counted(plan.workers, "worker")
            faster = "--jobs N makes them side by side, " if self._serial else ""
            complain(
                f"a call takes {format_duration(plan.seconds)}; if outputs read all inputs, {many}: "
                f"{format_duration(plan.duration)} on {on}; {faster}--max-evaluations N samples, --order 2 and "
                "--points multiply"
            )
        self._plan = plan

    def show(self, words: str) -> None:
        """Show a line of progress, unless it is too early."""
        if monotonic() < self._due:
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(words)


class ProgressBar:
    """Shows how many of some things are done, on standard error, after `wait` seconds and on a terminal only."""

    def __init__(self, of: str, planned: int, wait: float) -> None:
        self._of, self._planned, self._wait, self._began = of, planned, wait, monotonic()
        self._due = self._began + wait if is_terminal(sys.stderr) else inf
        self._bar: Any = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def show(self, done: int) -> None:
        """Show the bar as it is now, unless it is too early."""
        if monotonic() < self._due:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            words = TextColumn("{task.completed} of {task.total} {task.description}")
            self._bar = Progress(
                words,
                BarColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
            )
            self._bar.add_task(self._of, total=self._planned)
            self._bar.tasks[0].start_time = self._began
        self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done)
        self._bar.refresh()

    def hide(self) -> None:
        """Erase the bar, for a line to be written where it is; it comes again if that takes long."""
        if self._bar is not None:
            self._bar.stop()
        self._due = max(self._due, monotonic() + self._wait)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal."""
    return stream is not None and stream.isatty()
