"""A Report as one self-contained page for a browser: it loads nothing, and looks up nothing. A pure function."""

from sys import maxsize

from jacinspect.inspection.report import Report
from jacinspect.views.facts import headline
from jacinspect.views.page.content import article, explanations, verdict_class
from jacinspect.views.page.document import data, document
from jacinspect.views.page.numbers import LISTED

__all__ = ["render"]


def render(report: Report, full: bool = False, form: str = "vec") -> str:
    """Write the page; its facts are about one of `choices.Form`, and it shows all of them side by side.

    Its size is bounded, unless `full`: of many entries, a sample is listed, and the rest is drawn by tiles.

    Raises
    ------
    InputError
        For a form that has no place for more axes.
    """
    name, shapes = headline(report)
    shown = article(report, form, maxsize if full else LISTED, _class=verdict_class(report))
    return document(f"{name}, {shapes}", [shown, data("words", explanations(shown))])
