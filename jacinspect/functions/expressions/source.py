"""The text that a person typed, and how an error points into it: a caret line under the piece that is meant."""

import ast
import warnings
from functools import cached_property

from jacinspect.errors import InputError
from jacinspect.functions.expressions.spelling import spelled
from jacinspect.records import dataclass

__all__ = ["Typed", "reads"]

_WIDTH = 70  # characters of a long line that are shown


@dataclass(frozen=True)
class Typed:
    """A text and its pieces; they are named by their first character and the one after their last, from 0."""

    text: str

    @classmethod
    def stripped(cls, text: str) -> "Typed":
        """Strip the white space around a text, and write every line end as a single newline."""
        return cls(text.strip().replace("\r\n", "\n").replace("\r", "\n"))

    @property
    def line(self) -> str:
        """The text in one line, character for character, so that every line break is a blank."""
        return "".join(" " if character.isspace() else character for character in self.text)

    @cached_property
    def spelled(self) -> tuple[str, list[int]]:
        """The line as Python reads it, and the place in the line of each of its characters and of its end."""
        return spelled(self.line)

    def parsed(self) -> ast.expr:
        """Parse the line with Python's parser, and raise what that raises."""
        with warnings.catch_warnings():  # SyntaxWarnings: what is wrong is refused by the grammar
            warnings.simplefilter("ignore")
            return ast.parse(self.spelled[0], mode="eval").body

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Find the piece that a node of the parsed line stands for; ast counts UTF-8 bytes, a person characters."""
        assert node.end_col_offset is not None
        line, places = self.spelled
        encoded = line.encode()
        first, last = (len(encoded[:offset].decode()) for offset in (node.col_offset, node.end_col_offset))
        return places[first], places[last - 1] + 1 if last > first else places[last]

    def piece(self, node: ast.expr) -> str:
        """Quote what was typed for a node."""
        start, end = self.span(node)
        return self.line[start:end]

    def refuse(self, words: str, where: ast.expr | ast.keyword | tuple[int, int]) -> InputError:
        """Make the error that says these words and shows the text, with carets under a piece of it.

        Of several lines, the one in which the piece begins is shown; of a very long line, what is around the piece.
        """
        start, end = where if isinstance(where, tuple) else self.span(where)
        begin = self.text.rfind("\n", 0, start) + 1
        line, _, _ = self.text[begin:].partition("\n")
        start, end = start - begin, max(min(end - begin, len(line)), start - begin + 1)
        left, before = 0, ""
        if len(line) > _WIDTH + 2:  # the two that the ellipses take
            middle = (start + min(end, start + _WIDTH)) // 2
            left = max(min(middle - _WIDTH // 2, len(line) - _WIDTH), 0)
            before, after = "…" * (left > 0), "…" * (left + _WIDTH < len(line))
            line, end = f"{before}{line[left : left + _WIDTH]}{after}", min(end, left + _WIDTH)
        carets = " " * (start - left + len(before)) + "^" * max(end - start, 1)
        return InputError(f"{words}\n  {''.join(map(_visible, line))}\n  {carets}")


def _visible(character: str) -> str:
    """Keep every character one character wide: a terminal would obey a control rather than show it."""
    return " " if character.isspace() else character if character.isprintable() else "�"


def reads(text: str) -> bool:
    """Whether Python's parser reads a text, once it is spelled."""
    try:
        Typed.stripped(text).parsed()
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
