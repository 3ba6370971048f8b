"""Text wrapped beside a label, for a terminal. Pure functions. Next: text, listing."""

import re
from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text

from jacinspect.wording import printable

__all__ = ["NARROWEST", "hanging"]

NARROWEST = 20  # columns that a text beside a label is given at least, about three words of English
_INDENT = 2  # columns, of a text that stands below its label

_FORMULA = re.compile(r"\S+(?: [⊙=≠±] \S+)+")
_HELD = "\N{NO-BREAK SPACE}"


def hanging(label: str, text: str, indent: int, width: int, style: str = "") -> Iterator[Text]:
    """Wrap a text beside a label of `indent` columns, which are left free below it; `style` is the label's.

    Where too few columns are left beside the label, the text stands below it. A product, an equation and a value with
    its bar stay on one line where they fit.
    """
    if label and width - indent < NARROWEST:
        yield Text(label.rstrip(), style)
        label, indent = "", _INDENT
    room = max(width - indent, 1)
    held = _FORMULA.sub(lambda f: f[0].replace(" ", _HELD) if len(f[0]) <= room else f[0], printable(text))
    wrapped = wrap(held, room, break_on_hyphens=False)
    lines = [line.replace(_HELD, " ") for line in wrapped] or [""]
    yield Text.assemble((label.ljust(indent), style), lines[0])
    for line in lines[1:]:
        yield Text(" " * indent + line)
