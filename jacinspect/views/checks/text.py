"""The outcomes of `jacinspect check` for a terminal: a row each, the errors below it, a summary. Pure functions."""

from collections.abc import Iterable, Iterator
from math import inf

from rich.text import Text

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.records import dataclass
from jacinspect.views.brief import problems
from jacinspect.views.outcome import NO_DERIVATIVE, SIGNS, at_jumps
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


def render(outcomes: Iterable[Outcome], tally: Tally, columns: Columns) -> Iterator[Text]:
    """Yield the lines as the outcomes come: each a row of a table, with the errors below it; then a summary."""
    failed: list[tuple[float, str]] = []
    spans: list[tuple[float, float]] = []
    yield _row(columns, (" " * columns.sign, ""), "check", "at", {name: name for name in _WIDTHS})
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
    yield Text()
    if failed:
        yield Text("worst first:", style="bold")
        for rank, name in sorted(failed)[:_WORST]:
            worst = f"  worst {_ratio(-rank)} of its bar" if rank != -inf else ""
            yield from _below(f"{_one_line(name)}{worst}", columns.width, 2)
        if len(failed) > _WORST:
            yield Text(f"  … and {len(failed) - _WORST} more")
    for check, code in tally.unneeded:
        yield from _below(f"{_one_line(check)}: allow {code} was not needed", columns.width, 0, "yellow")
    took = max((end for _, end in spans), default=0.0) - min((start for start, _ in spans), default=0.0)
    yield from _below(f"{tally} ({took:.1f} s)", columns.width, 0, _STYLES[tally.verdict])


def _line(outcome: Outcome, columns: Columns) -> Text:
    verdict, jacobian = outcome.verdict, outcome.report.jacobian
    structure = "" if jacobian is None else jacobian.structure
    ratio = "" if outcome.ratio in (None, inf) else _ratio(outcome.ratio or 0.0)
    cells = {"verdict": verdict, "structure": structure, "of bar": ratio}
    check, label = _one_line(outcome.check), _one_line(outcome.label)
    line = _row(columns, (SIGNS[verdict], _STYLES[verdict]), check, label, cells)
    took = f"  {outcome.seconds:.1f} s"
    if outcome.seconds < _SLOW or columns.taken + len(took) > columns.width:
        return line
    return line.append(" " * (columns.taken - len(line)) + took)  # a column of its own, behind the last


def _row(columns: Columns, sign: tuple[str, str], check: str, label: str, cells: dict[str, str]) -> Text:
    line = Text.assemble((sign[0] or " ", sign[1]), f" {check:<{columns.check}}{' ' * _GAP}{label:<{columns.label}}")
    for name in columns.shown:
        text = f"{cells[name]:<{_WIDTHS[name]}}"
        line.append(" " * _GAP).append(text, style=sign[1] if name == "verdict" else "")
    line.rstrip()
    return line


def _below(text: str, width: int, indent: int = _INDENT, style: str = "") -> Iterator[Text]:
    """Yield a line that stands below an outcome; blanks between the columns of a table are kept where it fits."""
    if indent + len(text) <= width:
        yield Text(" " * indent + text, style)
        return
    for line in hanging(" " * indent, text, indent, width):
        line.stylize(style)
        yield line


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}"


def _one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n")
