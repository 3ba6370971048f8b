"""A Report as GitHub-flavoured markdown, for pull requests and notebooks. A pure function."""

import re
from collections.abc import Iterable, Iterator

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.views.background import background, blocks, costs
from jacinspect.views.cells import Panel, jacobian_groups, point_panels, product_groups
from jacinspect.views.facts import answers, formulas, headline, points, reasons
from jacinspect.views.outcome import outcome, verdict_of
from jacinspect.views.panels import aligned, plain, side_by_side
from jacinspect.views.second import hessian_panel, second_order
from jacinspect.views.sentences import of_outcome, of_structure
from jacinspect.views.spectrum import spectrum

__all__ = ["render"]

_WIDTH = 88  # columns of a fenced block: a pull request shows them without a scroll bar
_MARKS = re.compile(r"([\\`*_<>\[\]|&~#$])")


def render(report: Report, full: bool = False, form: str = "vec") -> str:
    """Write the report with the Jacobian in one of `choices.Form`; with `full`, matrices whatever their size.

    Raises
    ------
    InputError
        With `full`, when a dense matrix exceeds the memory budget; for a form that has no place for more axes.
    """
    parts = [*_headline(report)]
    j, arranged = report.jacobian, report.form(form, full)
    if j is not None and arranged is not None:
        parts.append(_escaped(" ".join([*of_outcome(report), *of_structure(report, j, arranged)])))
        facts = [*answers(report, j, arranged), *reasons(report, j, arranged)]
        parts.append(_table(["", ""], ([label, text] for label, text in facts)))
        header, *rows = blocks(report, j) or [[]]
        if rows:
            parts += ["### Blocks", _table(header, rows)]
        parts += _numbers(report, j, arranged, full)
        rows = [[label, text] for label, text in spectrum(report)]
        if rows:
            parts += ["### Spectrum", _table(["", ""], rows)]
        second = [[label, text] for label, text in second_order(report)]
        if second:
            panel = hessian_panel(report)
            parts += [
                "### Second order",
                _table(["", ""], second),
                *([] if panel is None else [_fenced(_lines([panel]))]),
            ]
        header, *rows = costs(report, j) or [[]]
        if rows:
            parts += [
                f"### Bytes and multiplications of one product with J, by entries of {report.names.x}",
                _table(header, rows),
            ]
        facts = [*background(report, j, arranged), *points(report)]
        parts.append(_table(["", ""], ([label, text] for label, text in facts)))
    if report.findings:
        found = (
            f"- **{finding.code} {finding.severity}** {finding.name}: {_escaped(finding.message)}"
            for finding in report.findings
        )
        parts += ["### Findings", "\n".join(found)]
    said = verdict_of(report)
    parts.append(f"**{said if report.structure_only else f'verdict: {said}'}**")
    return "\n\n".join(parts) + "\n"


def _headline(report: Report) -> Iterator[str]:
    name, shapes = headline(report)
    yield f"## {_escaped(name)}: {shapes}, {outcome(report)}"
    lines = list(formulas(report))
    indent = max((len(label) for label, _ in lines), default=0)
    if lines:
        yield _fenced([f"{label:{indent}} = {text}" if label else text for label, text in lines])


def _numbers(report: Report, j: JacobianReport, form: Unfolding, full: bool) -> Iterator[str]:
    yield from _block("Point", point_panels(report, j, _WIDTH, full))
    groups = list(jacobian_groups(report, form, _WIDTH, full))
    if groups:
        title = "Jacobian" if form.name == "vec" else f"Jacobian, as {form.name}"
        lines = [line for group in groups for line in [*_lines(group), ""]]
        yield from (f"### {title}", _fenced(lines))
    for title, group in zip(("Hadamard product", "Chain rule"), product_groups(report, _WIDTH, full), strict=False):
        yield from _block(title, group)


def _block(title: str, panels: Iterable[Panel]) -> Iterator[str]:
    yield f"### {title}"
    yield _fenced(_lines(panels))


def _lines(panels: Iterable[Panel]) -> list[str]:
    """Return panels side by side while they fit, a blank line between their rows."""
    rows = side_by_side(([[title, *aligned(cells)]] for title, cells in panels), _WIDTH)
    return [line for row in rows for line in ["", *map(plain, row)]][1:]


def _fenced(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 0)
    return f"{fence}text\n{text}\n{fence}"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
