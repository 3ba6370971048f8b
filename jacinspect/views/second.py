"""The second order of a report: labelled sentences, and the Hessian where it is small. Pure functions."""

from collections.abc import Iterator

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report, SecondOrderReport
from jacinspect.views.cells import NOTHING, Cells
from jacinspect.views.facts import short
from jacinspect.views.outcome import SIGNS
from jacinspect.views.spectrum import spectrum
from jacinspect.wording import counted, format_shape, told_apart

__all__ = ["hessian_panel", "second_order"]

_WHOLE = 8  # rows of a Hessian that is written out, as many as fit side by side in 80 columns


def second_order(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what was found of the second order, where it was asked for."""
    second = report.second_order
    if second is None:
        return
    if second.gradient is None or second.gradient.jacobian is None:
        yield "2nd order", second.message or "not inspected: see the findings"
        return
    if second.formula:
        yield "f''(x)", second.formula
    yield "Hessian", _structure(report, second, second.gradient.jacobian)
    yield "2nd order", _agreement(second.gradient)
    yield from spectrum(second.gradient)
    if len(second.gradient.rules) > 1:
        signs = (
            f"{rule.name} {SIGNS[rule.verdict] if rule.verdict else rule.message}" for rule in second.gradient.rules
        )
        yield "2nd rules", ", ".join(signs)


def _structure(report: Report, second: SecondOrderReport, j: JacobianReport) -> str:
    x = report.names.x
    of = f"∂²{second.of}/∂{x}∂{x}" + ("" if second.of == "f" else ", w random")
    stored = "not proved within the budget"
    if j.stored is not None:
        stored = f"{j.stored} of {counted(j.entries, 'entry', 'entries')}"
    symmetric = {True: ", symmetric", False: ", not symmetric", None: ""}[second.is_symmetric]
    return f"{of}, {format_shape(j.shape)}: {j.looks}, {stored}; {counted(j.colors, 'color')}{symmetric}"


def _agreement(gradient: Report) -> str:
    a = gradient.agreement
    if a is None or not a.checked:
        return "measured from the gradient; there is no second derivative to compare with (--hessian gives one)"
    text = f"{gradient.rules[0].name if gradient.rules else 'analytic'} and differences of the gradient: "
    text += f"{a.verdict} over {counted(a.entries_compared, 'entry', 'entries')}"
    if a.worst and a.max_ratio is not None:
        w = a.worst[0]
        numbers = [short(w.analytic), short(w.numeric)]
        if a.verdict == "fail" and w.analytic is not None:
            numbers = [*told_apart(w.analytic + 0.0, w.numeric + 0.0, digits=5)]
        text += f"; worst {w.name}: {' and '.join(numbers)} ± {w.error_bar:.1g}, {a.max_ratio:.2g} of its bar"
    return text


def hessian_panel(report: Report) -> tuple[str, Cells] | None:
    """Return the Hessian as a panel, in the order of vec of the report; None where it is large or not known."""
    second = report.second_order
    if second is None or second.gradient is None or second.gradient.jacobian is None:
        return None
    j = second.gradient.jacobian
    of = "analytic" if j.analytic is not None else "numeric"
    matrix = j.matrix(of) if max(j.shape) <= _WHOLE else None
    if matrix is None or j.arrangement is None or not matrix.size:
        return None
    read = {*zip(j.arrangement.rows.tolist(), j.arrangement.columns.tolist(), strict=True)}
    rows = [
        [short(float(value)) if (i, k) in read or value else NOTHING for k, value in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
    return f"H {of}", rows
