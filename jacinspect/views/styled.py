"""Lines of text in styles. They are plain text by themselves; where colours are shown, rich prints them.

rich takes as long to import as the heart of an inspection: what is piped, or goes to a file, does without it.
"""

from collections.abc import Iterable
from io import StringIO
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

__all__ = ["MARKED", "Piece", "StyledLine", "StyledText"]

Piece = tuple[str, str]  # a text, and its style as rich names it: "bold red"; "" is none

MARKED = "marked"  # the style of a text whose marks are in colours

_MARKS = {  # runs of each, since a style for every character takes long in a large matrix
    r"(?<!\S)[·…](?: *[·…])*(?!\S)|[┌─┐│└┘]+|\(no entries\)": "dim",
    r"■(?: *■)*": "bold cyan",
    r"✘\S*": "bold red",
    r"\?\S+": "bold yellow",
    r"[\u2800-\u28ff]+": "cyan",
}


class StyledLine:
    """A line in pieces, some in a style; one that does not wrap is cut off where a terminal has too few columns."""

    def __init__(self, *pieces: str | Piece, wraps: bool = True) -> None:
        self._pieces: list[Piece] = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
        self._wraps = wraps

    @property
    def plain(self) -> str:
        """The text without its styles."""
        return "".join(text for text, _ in self._pieces)

    def styled(self, style: str) -> "StyledLine":
        """Return the line in one style."""
        return StyledLine((self.plain, style), wraps=self._wraps)

    def wrapped(self, width: int) -> str:
        """Return plain text of lines of `width` columns at most."""
        text = self.plain
        if len(text) + sum(east_asian_width(sign) in "WF" for sign in text if not sign.isascii()) <= width:
            return text
        from rich.console import Console

        console = Console(
            file=(written := StringIO()), width=width, color_system=None, highlight=False, force_jupyter=False
        )
        console.print(StyledText([self]))  # of a line by itself, rich forgets that it does not wrap
        return written.getvalue().removesuffix("\n")

    def __rich__(self) -> "Text":
        from rich.text import Text

        whole = Text(no_wrap=None if self._wraps else True)
        for piece, style in self._pieces:
            text = Text(piece, "" if style == MARKED else style)
            for marks, colors in _MARKS.items() if style == MARKED else ():
                text.highlight_regex(marks, colors)
            whole.append_text(text)
        return whole


class StyledText:
    """Lines below each other."""

    def __init__(self, lines: Iterable[StyledLine]) -> None:
        self._lines = [*lines]

    @property
    def plain(self) -> str:
        """The text without its styles."""
        return "\n".join(line.plain for line in self._lines)

    def wrapped(self, width: int) -> str:
        """Return plain text of lines of `width` columns at most."""
        return "\n".join(line.wrapped(width) for line in self._lines)

    def __rich__(self) -> "Group":
        from rich.console import Group

        return Group(*self._lines)
