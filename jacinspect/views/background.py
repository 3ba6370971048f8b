"""The background of a report: layout, vec, detection, blocks, costs. Pure functions. Next: details, markdown."""

from collections.abc import Iterable, Iterator

import numpy as np

from jacinspect.choices import Form
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import RuleReport
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.forms.cost import Cost, cost_table, growth
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.jacobian.forms.vec_order import vec_order
from jacinspect.views.facts import short
from jacinspect.views.outcome import SIGNS
from jacinspect.wording import counted, format_duration, format_shape, format_size

__all__ = ["background", "blocks", "costs", "duration"]


def background(report: Report, j: JacobianReport, form: Unfolding) -> Iterator[tuple[str, str]]:
    """Yield the background: layout and vec, other forms, how the structure was found, what the calls of f were for."""
    yield "layout", f"{j.vec}-major vec, {_layout(j)}"
    order = vec_order(form, j.blocks, j.arrangement)
    if order is not None:
        yield "vec", report.names.own(order)
    axes = [form.output_shape, form.operand_shape]
    most = max(map(len, axes))
    names = tuple(Form) if most == 2 else ("vec", "tensor") if most > 2 else ("vec",)  # a vector has one form
    others = [report.form(name) for name in names]
    sizes = [
        f"{f.name} {format_shape(f.shape)}{'' if f.is_square else ' (not square)'}" for f in others if f and f != form
    ]
    if sizes:
        yield "also as", f"{', '.join(sizes)}: the same numbers (--as)"
    d = report.detection
    proof = "every dependence followed to single inputs" if d.proved else "not proved"
    missed = "" if d.miss_probability is None else f"; an entry missed with probability {d.miss_probability:.1g}"
    yield "detection", f"{counted(j.colors, 'color')}, observed at {counted(d.points, 'point')}, {proof}{missed}"
    yield from _calls(report)
    if len(report.rules) > 1:
        yield "rules", _rules(report.rules)
    x = report.operand.values
    yield "operand", f"{report.operand.source}, {x.dtype}, seed {report.operand.seed}{_range(x)}"


def _calls(report: Report) -> Iterator[tuple[str, str]]:
    """Say what the calls of f were for, and those of its gradient."""
    spent, second = report.spent, report.second_order
    if spent is None:
        return
    here = "" if spent.all == report.calls else f", {spent.all} of them at this {report.names.x}"
    parts = f"{spent.pattern} to find the pattern, {spent.values} for the values"
    others = f"{spent.others} for noise, random directions and checks"
    gradient = "" if second is None or second.gradient is None else f"; {second.gradient.calls} of its gradient"
    yield "calls", f"{report.calls} of f{here}: {parts}, {others}{gradient}"


def duration(report: Report) -> Iterator[tuple[str, str]]:
    """Say how long a call of f took, where that matters; this is measured, and not the same in the next run."""
    if report.spent is not None and report.spent.is_slow:
        yield "time", f"a call of f took {format_duration(report.spent.seconds)}"


def _range(x: Array) -> str:
    known = x[np.isfinite(x)]
    return f", entries from {short(known.min(), 3)} to {short(known.max(), 3)}" if known.size else ""


def _rules(rules: Iterable[RuleReport]) -> str:
    """Say which of the function's own rules were checked, and why others were not."""
    signs = (f"{rule.name} {SIGNS[rule.verdict] if rule.verdict else rule.message}" for rule in rules)
    return ", ".join(signs)


def _layout(j: JacobianReport) -> str:
    other = "denominator" if j.layout == "numerator" else "numerator"
    if j.is_symmetric:
        return f"{j.layout} layout; {other} layout is the same matrix, for J is symmetric"
    return f"{j.layout} layout; {other} layout is the transpose, {format_shape(j.shape[::-1])}"


def blocks(report: Report, j: JacobianReport) -> list[list[str]]:
    """Tabulate, for each operand of a bundle, the structure in which each part of the output reads it; a header first.

    The table is empty where neither X nor A is a bundle.
    """
    if not j.parts:
        return []
    operands, outputs = report.names.operand, report.names.output
    found = {(block.operand, block.output): block.structure for block in j.parts}
    table = [["∂ by", *(report.names.a if outputs.is_single else part.label(report.names.a) for part in outputs.parts)]]
    for part in operands.parts:
        name = f"{report.names.x if operands.is_single else part.label(report.names.x)} {format_shape(part.shape)}"
        table.append([name, *(found.get((part.name, output.name), "·") for output in outputs.parts)])
    return table


def costs(report: Report, j: JacobianReport) -> list[list[str]]:
    """Tabulate the bytes and multiplications of one product with J, for this X and larger ones; a header first.

    The table is empty where the pattern is not proved.
    """
    if j.arrangement is None:
        return []
    rows = cost_table(growth(j.arrangement.pattern), report.is_elementwise)
    table = [["entries", "dense or tensor", "compressed rows", *["⊙ (jvp, vjp)"] * report.is_elementwise]]
    for row in rows:
        ways = (row.matrix, row.sparse, row.hadamard)
        table.append([_count(row.entries), *(_cost(cost) for cost in ways if cost is not None)])
    return table


def _cost(cost: Cost) -> str:
    return f"{format_size(cost.bytes)}, {_count(cost.multiplications)}"


def _count(number: int) -> str:
    return str(number) if number < 10**6 else f"{number:.3g}"
