"""Text wrapped beside a label, for a terminal. Pure functions. Next: text, listing."""

import re
from collections.abc import Iterator
from textwrap import wrap

from jacinspect.views.styled import StyledLine
from jacinspect.wording import printable

__all__ = ["NARROWEST", "broken", "hanging"]

NARROWEST = 20  # columns that a text beside a label is given at least, about three words of English
_INDENT = 2  # columns, of a text that stands below its label

_FORMULA = re.compile(r"\S+(?: [⊙=≠±] \S+)+")
_HELD = "\N{NO-BREAK SPACE}"


def hanging(label: str, text: str, indent: int, width: int, style: str = "") -> Iterator[StyledLine]:
    """Wrap a text beside a label of `indent` columns, which are left free below it; `style` is the label's.

    Where too few columns are left beside the label, the text stands below it.
    """
    if label and width - indent < NARROWEST:
        yield StyledLine((label.rstrip(), style))
        label, indent = "", _INDENT
    lines = broken(printable(text), max(width - indent, 1)) or [""]
    yield StyledLine((label.ljust(indent), style), lines[0])
    for line in lines[1:]:
        yield StyledLine(" " * indent + line)


def broken(text: str, room: int) -> list[str]:
    """Break a text into lines; a product, an equation and a value with its bar stay on one line where they fit."""
    held = _FORMULA.sub(lambda found: found[0].replace(" ", _HELD) if len(found[0]) <= room else found[0], text)
    return [line.replace(_HELD, " ") for line in wrap(held, room, break_on_hyphens=False)]
