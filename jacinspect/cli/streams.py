"""Standard output and standard error: what is printed there, what is kept off, and how errors are told."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Any, TextIO

import typer

from jacinspect.errors import ExitStatus, FunctionFailedError, InputError, JacinspectError
from jacinspect.wording import printable

__all__ = ["Progress", "errors_told", "is_terminal", "make_console", "own_words", "standard_output"]

_PRINTED_SHOWN, _LINES_SHOWN = 1000, 5  # bytes and lines of what inspected code prints


@contextmanager
def own_words() -> Iterator[None]:
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
def errors_told(traceback: bool) -> Iterator[None]:
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


@contextmanager
def standard_output() -> Iterator[None]:
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


def make_console(stream: TextIO | None, soft_wrap: bool) -> Any:
    """Make a rich Console for a stream, or without one for a text of 80 columns."""
    from io import StringIO

    from rich.console import Console

    plain = {"width": 80, "color_system": None} if stream is None else {}
    console = Console(file=stream or StringIO(), highlight=False, soft_wrap=soft_wrap, **plain)  # type: ignore[arg-type]
    if console.width < 1:  # COLUMNS=0, as some shells have it
        console.width = 80
    return console


class Progress:
    """After a second of work, and on a terminal only, tells on standard error how far it has come."""

    def __init__(self, quiet: bool = False) -> None:
        self._due = monotonic() + 1 if is_terminal(sys.stderr) and not quiet else inf
        self._status: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def called(self, evaluations: int) -> None:
        """Hear of a call of the function."""
        self.tell(f"{evaluations} calls of the function")

    def tell(self, words: str) -> None:
        """Show some words, if it is time."""
        if monotonic() < self._due:
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(words)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at it."""
    return stream is not None and stream.isatty()
