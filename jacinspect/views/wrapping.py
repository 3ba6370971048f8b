"""Text wrapped beside a label, for a terminal. Pure functions. Next: text, listing."""

from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text

from jacinspect.wording import printable

__all__ = ["NARROWEST", "hanging"]

NARROWEST = 20  # columns that a text beside a label is given at least, about three words of English
_INDENT = 2  # columns, of a text that stands below its label


def hanging(label: str, text: str, indent: int, width: int, style: str = "") -> Iterator[Text]:
    """Wrap a text beside a label of `indent` columns, which are left free below it; `style` is the label's.

    Where too few columns are left beside the label, the text stands below it.
    """
    if label and width - indent < NARROWEST:
        yield Text(label.rstrip(), style)
        label, indent = "", _INDENT
    lines = wrap(printable(text), max(width - indent, 1), break_on_hyphens=False) or [""]
    yield Text.assemble((label.ljust(indent), style), lines[0])
    for line in lines[1:]:
        yield Text(" " * indent + line)
