"""The outcomes of `jacinspect check` for a terminal: a row each, the errors below it, a summary. Pure functions."""

from collections.abc import Iterable, Iterator
from math import inf

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.records import dataclass
from jacinspect.views.brief import problems
from jacinspect.views.outcome import NO_DERIVATIVE, SIGNS, at_jumps
from jacinspect.views.styled import Piece, StyledLine
from jacinspect.views.wrapping import hanging
from jacinspect.wording import printable

__all__ = ["Columns", "render"]

_STYLES = {
    "pass": "green",
    "fail": "bold red",
    "inconclusive": "bold yellow",
    "unchecked": "bold",
    "interrupted": "bold yellow",
}
_WORST = 20  # failures that the summary lists, about a screen
_VERDICT, _STRUCTURE, _RATIO = 12, 16, 7  # columns, of the longest verdict, structure and ratio (1.2e+12)
_GAP = 2
_INDENT = 4  # columns, of what stands below an outcome
_SLOW = 1.0  # seconds that a person notices


@dataclass(frozen=True)
class Columns:
    """How many columns the names of the checks and the labels of their cases take, and how many there are in all.

    `sign` is how many a verdict's sign takes: more than one where the terminal's encoding does not have it.
    """

    check: int
    label: int
    width: int = 10**6
    sign: int = 1

    @property
    def shown(self) -> tuple[str, ...]:
        """The further columns that fit: the sign says what the verdict does, and so that is left out first."""
        used = 2 + self.check + _GAP + self.label
        for columns in (("verdict", "structure", "of bar"), ("structure", "of bar"), ("of bar",)):
            if used + sum(_GAP + _WIDTHS[column] for column in columns) <= self.width:
                return columns
        return ()

    @property
    def taken(self) -> int:
        """The width of a whole row."""
        return self.sign + 1 + self.check + _GAP + self.label + sum(_GAP + _WIDTHS[column] for column in self.shown)


_WIDTHS = {"verdict": _VERDICT, "structure": _STRUCTURE, "of bar": _RATIO}


def render(outcomes: Iterable[Outcome], tally: Tally, columns: Columns) -> Iterator[StyledLine]:
    """Yield the lines as the outcomes come: each a row of a table, with the errors below it; then a summary."""
    failed: list[tuple[float, str]] = []
    spans: list[tuple[float, float]] = []
    yield _stripped(_row(columns, (" " * columns.sign, ""), "check", "at", {name: name for name in _WIDTHS}))
    for outcome in outcomes:
        spans.append((outcome.started, outcome.started + outcome.seconds))
        yield _line(outcome, columns)
        if jumps := at_jumps(outcome.report):
            yield from _below(jumps.removeprefix(", "), columns.width)
        if outcome.verdict == "unchecked":
            yield from _below(NO_DERIVATIVE, columns.width)
        if outcome.report.verdict != "pass":
            for line in problems(outcome.report, columns.width - _INDENT):
                yield from _below(printable(line), columns.width)
            failed.append((-inf if outcome.ratio is None else -outcome.ratio, outcome.name))
    yield StyledLine()
    if failed:
        yield StyledLine(("worst first:", "bold"))
        for rank, name in sorted(failed)[:_WORST]:
            worst = f"  worst {_ratio(-rank)} of its bar" if rank != -inf else ""
            yield from _below(f"{_one_line(name)}{worst}", columns.width, 2)
        if len(failed) > _WORST:
            yield StyledLine(f"  … and {len(failed) - _WORST} more")
    for check, code in tally.unneeded:
        yield from _below(f"{_one_line(check)}: allow {code} was not needed", columns.width, 0, "yellow")
    took = max((end for _, end in spans), default=0.0) - min((start for start, _ in spans), default=0.0)
    yield from _below(f"{tally} ({took:.1f} s)", columns.width, 0, _STYLES[tally.verdict])


def _line(outcome: Outcome, columns: Columns) -> StyledLine:
    verdict, jacobian = outcome.verdict, outcome.report.jacobian
    structure = "" if jacobian is None else jacobian.structure
    ratio = "" if outcome.ratio in (None, inf) else _ratio(outcome.ratio or 0.0)
    cells = {"verdict": verdict, "structure": structure, "of bar": ratio}
    check, label = _one_line(outcome.check), _one_line(outcome.label)
    took = f"  {outcome.seconds:.1f} s"  # in a column of its own, behind the last
    is_shown = outcome.seconds >= _SLOW and columns.taken + len(took) <= columns.width
    row = _row(columns, (SIGNS[verdict], _STYLES[verdict]), check, label, cells)
    return _stripped([*row, (" " * (columns.sign - 1) + took, "")] if is_shown else row)


def _row(columns: Columns, sign: Piece, check: str, label: str, cells: dict[str, str]) -> list[Piece]:
    pieces = [sign, (f" {check:<{columns.check}}{' ' * _GAP}{label:<{columns.label}}", "")]
    for name in columns.shown:
        pieces += [(" " * _GAP, ""), (f"{cells[name]:<{_WIDTHS[name]}}", sign[1] if name == "verdict" else "")]
    return pieces


def _stripped(pieces: list[Piece]) -> StyledLine:
    *others, (text, style) = pieces
    return StyledLine(*others, (text.rstrip(), style)) if text.strip() else _stripped(others)


def _below(text: str, width: int, indent: int = _INDENT, style: str = "") -> Iterator[StyledLine]:
    """Yield a line that stands below an outcome; blanks between the columns of a table are kept where it fits."""
    if indent + len(text) <= width:
        yield StyledLine((" " * indent + text, style))
        return
    yield from (line.styled(style) for line in hanging(" " * indent, text, indent, width))


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}"


def _one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n")
