"""The outcomes of `jacinspect check` as one page: a row for each, which opens its report. Pure functions."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.views.outcome import SIGNS
from jacinspect.views.page.content import article, explanations
from jacinspect.views.page.document import data, document, element, text

__all__ = ["render"]

_LISTED = 1024  # entries of one report: 32×32 numbers, about 70 kB
_LARGEST = (
    8_000_000  # characters of all reports together: above, a browser takes more than a second or two to open them
)
_RESERVED = 4  # parts of that kept for what does not pass


def render(outcomes: Iterable[Outcome], tally: Tally) -> Iterator[str]:
    """Yield the page, once all outcomes are there: the sum of them stands first.

    Reports are left out where they would make the page too large, those that pass first.
    """
    rows, reports, used = [], [], 0
    for number, outcome in enumerate(outcomes):
        report = _report(outcome, number)
        passes = outcome.verdict in ("pass", "unchecked")
        fits = used + len(report) <= (_LARGEST - _LARGEST // _RESERVED if passes else _LARGEST)
        rows.append(_row(outcome, number, fits))
        if fits:
            reports.append(report)
            used += len(report)
    heads = ("", "check", "at", "structure", "entries", "worst, of its bar", "defined at")
    head = element("thead", element("tr", *(element("th", text(each)) for each in heads)))
    unneeded = [element("p", text(f"{check}: allow {code} was not needed")) for check, code in tally.unneeded]
    run = element(
        "section", "<h1>jacinspect check</h1>", element("p", text(str(tally)), _class=f"outcome {tally.verdict}"),
        _filters(tally), *unneeded, element("table", head, element("tbody", *rows), _class="run"), _class="run",
    )  # fmt: skip
    body = [run, *reports]
    yield document(f"jacinspect check: {tally}", [*body, data("words", explanations("".join(body)))])


def _filters(tally: Tally) -> str:
    buttons = (
        element(
            "button",
            text(f"{SIGNS[verdict]} {number} {verdict}"),
            type="button",
            data_filter=verdict,
            aria_pressed="false",
        )
        for verdict, number in tally.counts.items()
        if number
    )
    return element("p", *buttons, _class="filters", aria_label="show one verdict alone")


def _row(outcome: Outcome, number: int, fits: bool) -> str:
    j, ratio = outcome.report.jacobian, outcome.ratio
    stored = "" if j is None or j.stored is None else f"{j.stored} of {j.entries}"
    name = element("a", text(outcome.check), href=f"#report-{number}") if fits else text(outcome.check)
    cells = [
        element("td", text(f"{SIGNS[outcome.verdict]} {outcome.verdict}"), _class=f"outcome {outcome.verdict}"),
        element("th", name, scope="row"),
        *(text(each) for each in (outcome.label, "" if j is None else j.structure, stored)),
        "" if ratio is None else text(f"{ratio:.2g}"),
        text(f"{PurePath(outcome.file).name}:{outcome.line}"),
    ]
    return element(
        "tr", *(each if each.startswith("<t") else element("td", each) for each in cells), data_verdict=outcome.verdict
    )


def _report(outcome: Outcome, number: int) -> str:
    back = element("a", "← all inspections", href="#run", _class="back")
    of = element("p", back, " ", text(outcome.name))
    return article(outcome.report, listed=_LISTED, before=of, id=f"report-{number}", _class="one")
