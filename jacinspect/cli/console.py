"""Styled lines -> standard output: by rich in the colours of a terminal, or as plain text. Next: showing, checking."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from jacinspect.cli.streams import is_terminal
from jacinspect.views.styled import StyledLine, StyledText

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["make_console"]

_WIDTH = 80  # columns, where no terminal tells
_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE")  # variables by which rich may take any stream for a terminal


class PlainConsole:
    """Writes to a stream what a rich Console would write there without colours, and does without rich."""

    def __init__(self, stream: TextIO, soft_wrap: bool) -> None:
        self._stream, self._soft_wrap, self.width = stream, soft_wrap, _columns()

    def print(self, shown: StyledLine | StyledText) -> None:
        """Write lines, wrapped to the width unless the reader wraps them (`soft_wrap`)."""
        self._stream.write(f"{shown.plain if self._soft_wrap else shown.wrapped(self.width)}\n")
        self._stream.flush()


def make_console(stream: TextIO, soft_wrap: bool) -> "PlainConsole | Console":
    """Make a console for a stream: rich's for a terminal, and wherever variables may ask for colours."""
    if not (is_terminal(stream) or any(name in os.environ for name in _FORCING)):
        return PlainConsole(stream, soft_wrap)
    from rich.console import Console

    class OutputConsole(Console):
        def on_broken_pipe(self) -> None:
            raise  # what `standard_output` handles; rich would exit with status 1

    console = OutputConsole(file=stream, highlight=False, soft_wrap=soft_wrap)
    if console.width < 1:  # COLUMNS=0, as some shells have it
        console.width = _WIDTH
    return console


def _columns() -> int:
    """Return the columns that COLUMNS says, or else of the terminal that one of the standard streams still is."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit():
        return int(columns) or _WIDTH
    for stream in (0, 1, 2):
        with suppress(OSError):
            return os.get_terminal_size(stream).columns or _WIDTH
    return _WIDTH
