"""An IdentityReport for a terminal: one identity a line, with notes on how it was computed below. A pure function."""

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from jacinspect.identities.identity import Identity
from jacinspect.identities.report import IdentityReport
from jacinspect.views.styled import StyledLine, StyledText
from jacinspect.views.wrapping import hanging
from jacinspect.wording import format_shape

__all__ = ["render"]

_STATEMENT = 39  # columns of the longest statement
_HEADING = "difference ≤ bar"  # 0 alone is exact
_LETTERS = {  # what no textbook has, and what it stands for
    "𝔻": "𝔻_ijk = 1 if i = j = k, else 0",
    "𝕄": "𝕄 = 𝔻𝔻",
    "Diag(": "Diag(a) has the diagonal a",
    "diag(": "diag(B) is the diagonal of B",
    "TensorDiag": "TensorDiag(A)_ijpq = A_ij δ_ip δ_jq",
    "K": "K reorders vec",
    "·": "· sums over one index",
    ":": ": sums over two",
}
_HANGING = "    "
_WIDEST = 2 + _STATEMENT + 2 + len(_HEADING)
_SIGNS = {"pass": ("✓", "bold green"), "fail": ("✗", "bold red")}


def render(report: IdentityReport, width: int) -> StyledText:
    """Lay the report out in `width` columns."""
    caveats = list(dict.fromkeys(i.route.caveat for i in report.identities if i.route.caveat))
    said = " ".join(identity.statement for identity in report.identities)
    letters = "; ".join(meaning for letter, meaning in _LETTERS.items() if letter in said)
    lines = [_headline(report), StyledLine(), *hanging("", letters, 0, width), StyledLine()]
    column = "identity".ljust(_STATEMENT) if width >= _WIDEST else "identity:"
    lines.append(StyledLine((f"  {column}  {_HEADING}", "dim")))
    for given, group in groupby(report.identities, key=lambda identity: identity.given):
        lines += [StyledLine(), *(StyledLine((line, "cyan")) for line in wrap(f"with {given}", width))]
        for identity in group:
            mark = f"[{caveats.index(identity.route.caveat) + 1}]" if identity.route.caveat else ""
            lines += _line(identity, mark, width)
    if caveats:
        lines.append(StyledLine())
    for number, caveat in enumerate(caveats, 1):
        mark = f"[{number}] "
        text = wrap(caveat, max(width - len(mark), 20), break_on_hyphens=False)
        lines += [StyledLine((f"{mark if not at else ' ' * len(mark)}{line}", "dim")) for at, line in enumerate(text)]
    failed = sum(not identity.holds for identity in report.identities)
    sign, style = _SIGNS[report.verdict]
    count = len(report.identities)
    said = f"all {count} identities hold" if not failed else f"{failed} of {count} identities do not hold"
    return StyledText([*lines, StyledLine(), StyledLine((f"verdict: {sign} {report.verdict}, {said}", style))])


def _headline(report: IdentityReport) -> StyledLine:
    function, operand = report.function, report.operand.values
    shapes = f"  X {format_shape(operand.shape)} {operand.dtype} → A {format_shape(report.output_shape)}"
    sign, style = _SIGNS[report.verdict]
    return StyledLine((function.title, "bold"), shapes, (f"   {sign} {report.verdict}", style))


def _line(identity: Identity, mark: str, width: int) -> Iterator[StyledLine]:
    """Yield sign, statement and difference side by side; the difference stands below where it does not fit.

    Shapes are told where the two sides differ in them.
    """
    sign, style = _SIGNS["pass" if identity.holds else "fail"]
    line = identity.statement.ljust(_STATEMENT)
    below = []
    for cell in filter(None, (f"{_difference(identity)} {mark}".strip(), _shapes(identity))):
        if len(f"{sign} {line}  {cell}") <= width:
            line = f"{line}  {cell}"
        else:
            below += wrap(cell, max(width - len(_HANGING), 20), break_on_hyphens=False)
    yield StyledLine((sign, style), " ", line.rstrip())
    for cell in below:
        yield StyledLine(f"{_HANGING}{cell}")


def _shapes(identity: Identity) -> str:
    left, right = format_shape(identity.left_shape), identity.right_shape
    if right is None:
        return f"{left}, none"
    return "" if right == identity.left_shape else f"{left}, {format_shape(right)}"


def _difference(identity: Identity) -> str:
    """Return the largest difference beside its bound; a bare 0 is exact."""
    if identity.max_difference is None or identity.bound is None:
        return ""
    if not identity.max_difference:
        return "0"
    sign = "≤" if identity.max_difference <= identity.bound else ">"
    return f"{identity.max_difference:.2g} {sign} {identity.bound:.1g}"
