"""An IdentityReport for a terminal: one identity a line, with notes on how it was computed below. A pure function."""

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from rich.console import Group, RenderableType
from rich.text import Text

from jacinspect.identities.identity import Identity
from jacinspect.identities.report import IdentityReport
from jacinspect.wording import format_shape

__all__ = ["render"]

_STATEMENT, _DIFFERENCE = 39, 19  # columns of the longest statement, and of two numbers with a sign between
_HANGING = "    "
_SIGNS = {"pass": ("✓", "bold green"), "fail": ("✗", "bold red")}


def render(report: IdentityReport, width: int) -> RenderableType:
    """Lay the report out in `width` columns."""
    caveats = list(dict.fromkeys(i.route.caveat for i in report.identities if i.route.caveat))
    lines = [_headline(report)]
    for given, group in groupby(report.identities, key=lambda identity: identity.given):
        lines += [Text(), *(Text(line, style="cyan") for line in wrap(f"with {given}", width))]
        for identity in group:
            mark = f"[{caveats.index(identity.route.caveat) + 1}]" if identity.route.caveat else ""
            lines += _line(identity, mark, width)
    if caveats:
        lines.append(Text())
    for number, caveat in enumerate(caveats, 1):
        mark = f"[{number}] "
        text = wrap(caveat, max(width - len(mark), 20), break_on_hyphens=False)
        lines += [Text(f"{mark if not at else ' ' * len(mark)}{line}", style="dim") for at, line in enumerate(text)]
    failed = sum(not identity.holds for identity in report.identities)
    sign, style = _SIGNS[report.verdict]
    count = len(report.identities)
    said = f"all {count} identities hold" if not failed else f"{failed} of {count} identities do not hold"
    return Group(*lines, Text(), Text(f"verdict: {sign} {report.verdict}, {said}", style=style))


def _headline(report: IdentityReport) -> Text:
    function, operand = report.function, report.operand.values
    line = Text.assemble((function.title, "bold"))
    line.append(f"  X {format_shape(operand.shape)} {operand.dtype} → A {format_shape(report.output_shape)}")
    sign, style = _SIGNS[report.verdict]
    return line.append(f"   {sign} {report.verdict}", style=style)


def _line(identity: Identity, mark: str, width: int) -> Iterator[Text]:
    """Yield sign, statement, difference and shapes side by side; cells that do not fit stand below."""
    sign, style = _SIGNS["pass" if identity.holds else "fail"]
    line = identity.statement.ljust(_STATEMENT)
    below = []
    for cell, column in ((f"{_difference(identity)} {mark}".strip(), _DIFFERENCE), (_shapes(identity), 0)):
        if len(f"{sign} {line}  {cell}") <= width:
            line = f"{line}  {cell:<{column}}"
        else:
            below += wrap(cell, max(width - len(_HANGING), 20), break_on_hyphens=False)
    yield Text.assemble((sign, style), " ", line.rstrip())
    for cell in below:
        yield Text(f"{_HANGING}{cell}")


def _shapes(identity: Identity) -> str:
    left, right = format_shape(identity.left_shape), identity.right_shape
    if right is None:
        return f"{left}, none"
    return f"both {left}" if right == identity.left_shape else f"{left}, {format_shape(right)}"


def _difference(identity: Identity) -> str:
    """Return the largest difference beside its bound; a bare 0 is exact."""
    if identity.max_difference is None or identity.bound is None:
        return ""
    if not identity.max_difference:
        return "0"
    sign = "≤" if identity.max_difference <= identity.bound else ">"
    return f"{identity.max_difference:.2g} {sign} {identity.bound:.1g}"
