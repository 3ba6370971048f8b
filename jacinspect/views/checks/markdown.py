"""The outcomes of `jacinspect check` as markdown, such as for $GITHUB_STEP_SUMMARY. Pure functions."""

from collections.abc import Iterable, Iterator

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.views.brief import problems
from jacinspect.views.outcome import SIGNS
from jacinspect.wording import printable

__all__ = ["render"]


def render(outcomes: Iterable[Outcome], tally: Tally) -> Iterator[str]:
    """Yield the text in pieces: a row of the table for each outcome, then the details of those that do not pass."""
    yield "## jacinspect check\n\n| | check | at | structure | worst, of its bar |\n|---|---|---|---|---|\n"
    details = []
    for outcome in outcomes:
        jacobian, ratio = outcome.report.jacobian, outcome.ratio
        cells = [
            f"{SIGNS[outcome.verdict]} {outcome.verdict}",
            outcome.check,
            outcome.label,
            "" if jacobian is None else jacobian.structure,
            "" if ratio is None else f"{ratio:.2g}",
        ]
        yield f"| {' | '.join(map(_escaped, cells))} |\n"
        if outcome.report.verdict != "pass":
            details.append(f"### {_escaped(outcome.name)}\n\n{_block(problems(outcome.report))}\n")
    yield "\n"
    yield from details
    for check, code in tally.unneeded:
        yield f"{_escaped(check)}: allow {code} was not needed\n\n"
    yield f"**{tally}**\n"


def _block(lines: Iterable[str]) -> str:
    """Return lines in a fence longer than any in them."""
    text = "\n".join(lines)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}\n"


def _escaped(text: str) -> str:
    text = "\t".join(printable(" ".join(part.splitlines())) for part in text.split("\t")).replace("&", "&amp;")
    for character in "\\|`*_<>[]":
        text = text.replace(character, f"\\{character}")
    return text
