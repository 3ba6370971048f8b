"""The facts of a report beside their labels, for every view. Pure functions. Next: text, markdown."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import FunctionReport, PointReport
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.views.outcome import SIGNS
from jacinspect.wording import counted, format_shape, told_apart

__all__ = [
    "answers",
    "derivative_label",
    "formulas",
    "headline",
    "points",
    "reasons",
    "shape_line",
    "short",
    "written_out",
]

_LISTED = 8  # parts of a bundle that are listed, about two lines of them
_DIGITS = 5  # of a number in a sentence, as many as in the matrices


def headline(report: Report) -> tuple[str, str]:
    """Return the function with its parameters, and the shapes of X and A."""
    x = report.operand.values
    shapes = f"{report.names.x} {format_shape(x.shape)}{'' if x.dtype == np.float64 else f' {x.dtype}'}"
    if report.output is not None:
        shapes += f" → {report.names.a} {format_shape(report.output.shape)}"
    return report.function.title, shapes


def _laid_out(report: Report) -> Iterator[str]:
    """Say what X and A are made of where they are several arrays, and what the function returned beside A."""
    for letter, bundle in ((report.names.x, report.names.operand), (report.names.a, report.names.output)):
        if not bundle.is_single:
            parts = [f"{part.label(letter)} {format_shape(part.shape)}" for part in bundle.parts]
            yield f"{letter} is {_listed(parts)}, laid end to end"
    if report.names.output.left_out:
        yield f"not in {report.names.a}: {_listed(report.names.output.left_out)}, which the function returns too"


def _listed(words: Sequence[str]) -> str:
    few = [*words[:_LISTED], *[f"{len(words) - _LISTED} more"] * (len(words) > _LISTED)]
    return f"{', '.join(few[:-1])} and {few[-1]}" if len(few) > 1 else few[0]


def formulas(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the formulas of the function and its derivative; of several operands, which one X is."""
    function, operand = report.function, report.operand
    if function.formula and function.formula != function.name:
        yield f"f({', '.join(function.operands)})", function.formula
    if function.derivative:
        yield derivative_label(function, operand.name), function.derivative
    if function.by_number:
        yield "", "called number by number, for it takes no arrays"
    yield from (("", sentence) for sentence in _laid_out(report))
    if function.note:
        yield "", function.note
    if report.fixed:
        fixed = " and ".join(f"{name} {format_shape(values.shape)}" for name, values in report.fixed.items())
        x = report.names.x
        name = "" if x == operand.name else f"{operand.name}, "
        which = f"{x} is {name}operand {operand.position} of {len(function.operands)}; "
        yield "", f"{which * report.names.operand.is_single}{fixed} fixed"


def derivative_label(function: FunctionReport, operand: str) -> str:
    """Say what a derivative's text is: f'(x), the differential df, ∂f/∂x, or a derivative by the name of its code."""
    text = function.derivative or ""
    if function.kind == "elementwise":
        return f"f'({_named(operand, text)})"
    words = set(re.findall(r"[^\W\d_]\w*", text))
    # the catalogue names entries dx_i, and the halves of x in gated functions a and b
    if any(word.partition("_")[0] in {f"d{name}" for name in (*function.operands, "a", "b")} for word in words):
        return "df"
    return f"∂f/∂{operand}" if not words or words & {*function.operands} else "derivative"


def _named(operand: str, formula: str) -> str:
    """Return the name that a formula has for the operand: its own, or x."""
    return operand if operand.isidentifier() and re.search(rf"\b{operand}\b", formula) else "x"


def answers(report: Report, j: JacobianReport, form: Unfolding) -> Iterator[tuple[str, str]]:
    """Yield what is asked first, of the form that is shown: shape, pattern, diagonality; and the Hadamard product."""
    if form.name == "vec":
        yield "shape", report.names.own(shape_line(j))
        yield "pattern", _pattern(j)
        yield "diagonality", _diagonality(j)
    else:
        square = "square" if form.is_square else "not square"
        yield "shape", f"as {form.name} {format_shape(form.shape)}, {square}: {report.names.own(form.relation)}"
        yield "pattern", _stored(j)
        yield "diagonality", _diagonality_of(j, form)
    if j.is_holomorphic is not None:
        holds = "yes: the Cauchy–Riemann equations hold" if j.is_holomorphic else "no: they do not hold"
        yield "holomorphic", holds
    yield "Hadamard", report.names.own(_hadamard(report))


def reasons(report: Report, j: JacobianReport, form: Unfolding) -> Iterator[tuple[str, str]]:
    """Yield the facts behind the answers: index formula, bandwidths, chain rule, how the two Jacobians agree."""
    yield "formula", j.index_formula
    if form.name != "vec":
        yield "as vec", f"{report.names.own(shape_line(j))}; {_pattern(j)}"
    if j.arrangement is not None:
        below, above = j.arrangement.bandwidths
        symmetric = "" if j.is_symmetric is None else "; symmetric" if j.is_symmetric else "; not symmetric"
        yield "bandwidths", f"{below} below the diagonal, {above} above{symmetric}"
    if report.chain_rule is not None and report.chain_rule.max_difference is not None:
        sign = "=" if report.hadamard_valid else "≠"
        difference = f"largest difference {report.chain_rule.max_difference:.3g}"
        summed = ", summed over the repeats," if written_out(report) else ""
        yield "chain rule", report.names.own(f"vec(A' ⊙ ∂L/∂A){summed} {sign} Jᵀ·vec(∂L/∂A), {difference}")
    yield "agreement", _agreement(report)


def shape_line(j: JacobianReport) -> str:
    """Return the vec matrix's shape, and what it is; order and layout where they are not the usual ones."""
    of = "∂vec(A)/∂vec(X)" if j.layout == "numerator" else "∂vec(A)ᵀ/∂vec(X)"
    chosen = [f"{j.vec}-major vec"] * (j.vec != "column") + [f"{j.layout} layout"] * (j.layout != "numerator")
    square = "square" if j.is_square else "not square"
    return ", ".join([f"{format_shape(j.shape)}, {square}: J = {of}", *chosen])


def _pattern(j: JacobianReport) -> str:
    text = j.looks
    if j.blocks is not None:
        size = f" of {format_shape(j.blocks.shape)}" if j.blocks.shape else ""
        order = "" if j.blocks.vec == j.vec else f" in {j.blocks.vec}-major vec (after the commutation permutation)"
        text += f", {j.blocks.count} blocks{size}{order}"
    if j.structure == "banded" and j.arrangement is not None:
        text += ", {} below the diagonal and {} above".format(*j.arrangement.bandwidths)
    return f"{text}: {_stored(j)}{_readers(j)}"


def _stored(j: JacobianReport) -> str:
    """Count the entries of the pattern."""
    if j.stored is None:
        return "not proved within the budget"
    zeros = f", {j.stored - j.nonzeros} of them 0 here" if j.nonzeros is not None and j.nonzeros < j.stored else ""
    return f"{j.stored} of {counted(j.entries, 'entry', 'entries')}{zeros}{_by_rounding(j)}"


def _by_rounding(j: JacobianReport) -> str:
    number = 0 if j.arrangement is None or j.arrangement.ignored is None else np.count_nonzero(j.arrangement.ignored)
    moves = "entry moves" if number == 1 else "entries move"
    return f", {number} {moves} by rounding alone" if number else ""


def _readers(j: JacobianReport) -> str:
    """Say how many outputs read each input, where every output reads at most one input and some inputs are shared."""
    if j.arrangement is None or not j.stored:
        return ""
    pattern = j.arrangement.pattern
    readers = np.bincount(pattern.indices, minlength=pattern.shape[1])
    if pattern.lengths.max() > 1 or readers.max() < 2:
        return ""
    fewest, most = int(readers.min()), int(readers.max())
    return f"; each input is read by {most if fewest == most else f'{fewest} to {most}'} outputs"


def written_out(report: Report) -> str:
    """Write the operand's tangent as it is broadcast to A's shape, such as dX 1ᵀ; nothing where shapes are equal."""
    product = report.hadamard
    if product is None or product.written_out is None:
        return ""
    shape, output = product.factor.shape, product.written_out.shape
    if len(output) != 2:
        return "dX"
    rows, columns = (1, 1, *shape)[-2:]
    down = "1 " * (rows == 1 and output[0] != 1)
    along = " 1ᵀ" * (columns == 1 and output[1] != 1)
    return f"{down}dX{'ᵀ' * (len(shape) == 1 and columns != 1)}{along}"


def _diagonality(j: JacobianReport) -> str:
    ratio = "" if j.off_diagonal_ratio is None else f", off-diagonal ratio {j.off_diagonal_ratio:.3g}"
    return f"{'diagonal' if j.is_diagonal else 'not diagonal'}{ratio}"


def _diagonality_of(j: JacobianReport, form: Unfolding) -> str:
    """Say whether a form is diagonal, and whether the vec matrix of the same numbers is."""
    as_vec = f"as vec, {format_shape(j.shape)}, it is {'' if j.is_diagonal else 'not '}diagonal"
    if j.arrangement is None:
        return as_vec
    diagonal = form.is_diagonal(j.arrangement.structural.pattern)
    also = "also " if diagonal == j.is_diagonal else ""
    return f"{'' if diagonal else 'not '}diagonal; {as_vec.replace('it is ', f'it is {also}')}"


def _hadamard(report: Report) -> str:
    code = " (J009)" if any(finding.code == "J009" for finding in report.findings) else ""
    wrong = f"{SIGNS['fail']} " if report.is_elementwise and not report.hadamard_valid else ""
    return f"{wrong}{_product(report)}{code}"


def _product(report: Report) -> str:
    product = report.hadamard
    if product is None:
        return "not computed: only a sample of J has values"
    if product.max_difference is None:
        return "A' ⊙ dX does not exist: A and X have different shapes"
    sign = "=" if report.hadamard_valid else "≠"
    difference = f"largest difference {product.max_difference:.3g}"
    if report.is_elementwise and not report.hadamard_valid:
        difference += ", with the claimed A'"
    if product.written_out is None:
        nearest = "" if report.is_elementwise or report.is_refuted else " if vec(A') = diag J"
        return f"A' ⊙ dX {sign} J·vec(dX), {difference}{nearest}"
    repeated = written_out(report)
    how = " by products with vectors of ones" if " " in repeated else ""
    return (
        f"A' ⊙ {f'({repeated})' if how else 'dX'} {sign} J·vec(dX), {difference}; "
        f"dX, {format_shape(product.factor.shape)}, is broadcast to A's {format_shape(product.written_out.shape)}{how}"
    )


def _agreement(report: Report) -> str:
    a = report.agreement
    if a is None or report.jacobian is None:
        return "not compared"
    if not a.entries_compared:
        return "nothing to compare" if a.checked else "no analytic derivative to compare with (--derivative gives one)"
    share = f" ({a.coverage:.3g} of all)" if a.coverage < 1 else ""
    entries = counted(a.entries_compared, "entry", "entries")
    text = f"analytic and numeric: {a.verdict} over {entries}{share}"
    if a.worst:
        w = a.worst[0]
        numbers = [short(w.analytic), short(w.numeric)]
        if a.verdict == "fail" and w.analytic is not None:
            numbers = told_apart(w.analytic + 0.0, w.numeric + 0.0, digits=_DIGITS)
        values = f"{' and '.join(numbers)} ± {w.error_bar:.1g}"
        text += f"; worst {w.name}: {values}, {a.max_ratio:.2g} of its bar"
    return text


def points(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what came out at each of several operands."""
    for number, point in enumerate(report.points):
        yield f"× {point.scale:g}" if number else report.names.x, _point(point)


def _point(point: PointReport) -> str:
    entries = "" if point.range is None else "entries from {} to {}: ".format(*(short(end, 3) for end in point.range))
    ratio = "" if point.max_ratio is None else f", worst {point.max_ratio:.2g} of its bar"
    return f"{entries}{point.message or point.verdict or 'structure only'}{ratio}"


def short(value: float | None, digits: int = _DIGITS, none: str = "none") -> str:
    """Write a number with few digits: 0.24901, 4e-13."""
    return none if value is None else f"{value + 0.0:.{digits}g}"  # -0 is 0
