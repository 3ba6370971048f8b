"""The outcomes of `jacinspect check` as GitHub's workflow commands, which annotate file and line. Pure functions."""

from collections.abc import Iterable, Iterator

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.views.checks.places import in_repository
from jacinspect.wording import printable

__all__ = ["render"]


def render(outcomes: Iterable[Outcome], tally: Tally) -> Iterator[str]:
    """Yield a line for every error, and for every allowance that was not needed, then the summary as plain text."""
    for outcome in outcomes:
        for finding in outcome.report.findings:
            if finding.severity == "error":
                title = f"{outcome.name}: {finding.code} {finding.name}"
                yield _command("error", outcome.place(finding.code), title, finding.message)
    for check, code in tally.unneeded:
        yield f"::notice title={_property(check)}::{_data(f'allow {code} was not needed')}\n"
    yield f"jacinspect: {tally}\n"


def _command(kind: str, place: tuple[str, int], title: str, message: str) -> str:
    file, line = place
    where = f"file={_property(in_repository(file))},line={line}"
    return f"::{kind} {where},title={_property(title)}::{_data(message)}\n"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
