"""The outcomes of `jacinspect check` for a terminal: a line each, the errors below it, a summary. Pure functions."""

from collections.abc import Iterable, Iterator
from math import inf

from rich.text import Text

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.views.brief import problems
from jacinspect.views.outcome import SIGNS
from jacinspect.wording import printable

__all__ = ["render"]

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "bold yellow", "unchecked": "bold"}
_WORST = 20  # failures that the summary lists, about a screen
_LABEL, _STRUCTURE = 16, 16  # columns, of the longest usual label and of the longest structure


def render(outcomes: Iterable[Outcome], tally: Tally, width: int) -> Iterator[Text]:
    """Yield the lines as the outcomes come; `width` is that of the longest name of a check."""
    failed: list[tuple[float, str]] = []
    for outcome in outcomes:
        yield _line(outcome, width)
        if outcome.report.verdict != "pass":
            yield from (Text(f"    {printable(line)}") for line in problems(outcome.report))
            failed.append((-inf if outcome.ratio is None else -outcome.ratio, outcome.name))
    yield Text()
    if failed:
        yield Text("worst first:", style="bold")
        yield from (Text(f"  {_one_line(name)}{_ratio(-rank)}") for rank, name in sorted(failed)[:_WORST])
        if len(failed) > _WORST:
            yield Text(f"  … and {len(failed) - _WORST} more")
    for check, code in tally.unneeded:
        yield Text(f"{_one_line(check)}: allow {code} was not needed", style="yellow")
    yield Text(str(tally), style=_STYLES[tally.verdict])


def _line(outcome: Outcome, width: int) -> Text:
    verdict, jacobian = outcome.verdict, outcome.report.jacobian
    structure = "" if jacobian is None else jacobian.structure
    ratio = "" if outcome.ratio is None else _ratio(outcome.ratio)
    line = Text.assemble(
        (SIGNS[verdict], _STYLES[verdict]),
        f" {_one_line(outcome.check):<{width}}  {_one_line(outcome.label):<{_LABEL}}  ",
        (f"{verdict:<12}", _STYLES[verdict]),
        f"  {structure:<{_STRUCTURE}}{ratio}",
    )
    line.rstrip()
    return line


def _ratio(ratio: float) -> str:
    return "" if ratio == inf else f"  worst {ratio:.2g} of its bar"


def _one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n")
