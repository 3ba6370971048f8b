"""A report as an article of the page: what is text is written here; the script draws the numbers. Next: html."""

import re
from collections.abc import Iterable, Iterator
from html import unescape

from jacinspect.inspection.codes import Finding
from jacinspect.inspection.report import Report
from jacinspect.views.background import background
from jacinspect.views.brief import worst_entries
from jacinspect.views.explain import words
from jacinspect.views.facts import answers, formulas, headline, points, reasons
from jacinspect.views.outcome import outcome
from jacinspect.views.page.document import data, element, text
from jacinspect.views.page.numbers import LISTED, numbers
from jacinspect.views.second import second_order
from jacinspect.views.sentences import of_outcome, of_structure
from jacinspect.views.spectrum import spectrum

__all__ = ["article", "explanations", "verdict_class"]

_WORDS = ("tensor", "stacked", "vec", "blocks", "layout")  # that the script marks
_INDICES = re.compile(r"(?<=[\w;)])_(?=[i-np-u])(i?j?k?l?m?n?p?q?r?s?t?u?)\b")  # ';' ends an escaped prime, as in A'_ij
_HARD_BREAK = re.compile(r"(?<!\n)\n(?!\n)")  # the end of a line of 80 columns, which is not that of a paragraph


def article(report: Report, form: str = "vec", listed: int = LISTED, before: str = "", **attributes: str) -> str:
    """Return the article of a report, after the markup `before`; its facts are about one of `choices.Form`.

    At most so many entries are `listed` one by one.
    """
    j, arranged = report.jacobian, report.form(form)
    parts = [before, *_head(report)]
    facts: list[tuple[str, str]] = []
    if j is not None and arranged is not None:
        sentences = [*of_outcome(report), *of_structure(report, j, arranged)]
        parts.append(element("p", _indexed(" ".join(sentences)), _class="lead"))
        facts += [
            *answers(report, j, arranged),
            *reasons(report, j, arranged),
            *spectrum(report),
            *second_order(report),
            *background(report, j, arranged),
            *points(report),
        ]
    parts += [*_drawn(report, listed), *_hessian(report, listed), *_findings(report)]
    if facts:
        parts.append(element("section", "<h2>Facts</h2>", _pairs(facts), _class="facts"))
    return element("article", *parts, **attributes)


def explanations(markup: str) -> dict[str, str]:
    """Return what `jacinspect explain` says about the words that are marked in the markup, and those of the script."""
    known = words()
    marked = {unescape(word) for word in re.findall(r'data-word="([^"]*)"', markup)}
    found = {word: known.get(word) or known.get(word.removesuffix("s")) for word in sorted(marked.union(_WORDS))}
    return {word: _HARD_BREAK.sub(" ", said).strip() for word, said in found.items() if said}


def verdict_class(report: Report) -> str:
    """Return the verdict as the style and the filter of `check` know it."""
    return "unchecked" if report.structure_only else report.verdict


def _head(report: Report) -> Iterator[str]:
    name, shapes = headline(report)
    yield element("h1", element("span", text(name)), " ", element("small", text(shapes)))
    yield element("p", text(outcome(report)), _class=f"outcome {verdict_class(report)}")
    yield _pairs(formulas(report), "formulas")


def _drawn(report: Report, listed: int) -> Iterator[str]:
    """Yield the places that the script fills, and what with; nothing where there is no pattern to draw."""
    drawn = numbers(report, listed)
    if drawn is not None:
        yield from ('<div class="arrays"></div>', '<p class="sum"></p>', '<div class="forms"></div>')
        yield data("numbers", drawn)


def _hessian(report: Report, listed: int) -> Iterator[str]:
    """Yield the Hessian, which is drawn as the Jacobian of the gradient that it is."""
    gradient = None if report.second_order is None else report.second_order.gradient
    drawn = [] if gradient is None else [*_drawn(gradient, listed)]
    if gradient is not None and drawn:
        said = element("p", text(outcome(gradient)), _class=f"outcome {verdict_class(gradient)}")
        yield element("section", "<h2>Second order</h2>", said, *drawn, _class="second")


def _findings(report: Report) -> Iterator[str]:
    items = [_finding(each) for each in report.findings]
    if items:
        yield element("section", "<h2>Findings</h2>", element("ul", *items), _table(report), _class="findings")


def _finding(finding: Finding) -> str:
    """Write a finding; the script links it to the entries that it is about, by its code and by `at`."""
    at = " ".join(",".join(map(str, place)) for place in finding.at)
    code = element("b", text(finding.code), data_word=finding.code)
    name = f"{text(finding.severity)}, {text(finding.name)}"
    return element(
        "li", code, " ", name, element("p", text(finding.message)),
        _class=finding.severity, data_code=finding.code, data_at=at,
    )  # fmt: skip


def _table(report: Report) -> str:
    rows = worst_entries(report.agreement)
    if not rows:
        return ""
    head, *body = (
        element("tr", *(element("th" if number == 0 else "td", text(cell)) for cell in row))
        for number, row in enumerate(rows)
    )
    return element("table", element("thead", head), element("tbody", *body), _class="worst")


def _indexed(plain: str) -> str:
    """Escape a text, and set indices low: letters from i and from p on, in their order, as in A_ij and δ_ip."""
    return _INDICES.sub(r"<sub>\1</sub>", text(plain))


def _pairs(facts: Iterable[tuple[str, str]], kind: str = "") -> str:
    """Write labelled texts as a list of definitions; the script explains those labels that it has an explanation of."""
    pairs = (element("dt", text(label), data_word=label) + element("dd", _indexed(said)) for label, said in facts)
    return element("dl", *pairs, _class=kind)
