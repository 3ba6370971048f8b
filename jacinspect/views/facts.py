"""The facts of a report as labelled sentences, and its cost table, for every view. Pure functions."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from jacinspect.choices import Form
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import JacobianReport, PointReport, RuleReport
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.cost import Cost, cost_table, growth
from jacinspect.jacobian.unfolding import Unfolding
from jacinspect.jacobian.vec_order import vec_order
from jacinspect.wording import counted, format_shape, format_size, told_apart

__all__ = [
    "SIGNS",
    "answers",
    "background",
    "blocks",
    "costs",
    "formulas",
    "headline",
    "reservation",
    "short",
    "verdict_of",
    "written_out",
]

SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "unchecked": "·"}
_LISTED = 8  # parts of a bundle that are listed, about two lines of them
_DIGITS = 5  # of a number in a sentence, as many as in the matrices


def headline(report: Report) -> tuple[str, str]:
    """Return the function with its parameters, and the shapes of X and A."""
    shapes = f"X {format_shape(report.operand.values.shape)} {report.operand.values.dtype}"
    if report.output is not None:
        shapes += f" → A {format_shape(report.output.shape)}"
    return report.function.title, shapes


def _laid_out(report: Report) -> Iterator[str]:
    """Say what X and A are made of where they are several arrays, and what the function returned beside A."""
    for letter, bundle in (("X", report.names.operand), ("A", report.names.output)):
        if not bundle.is_single:
            parts = [f"{part.label(letter)} {format_shape(part.shape)}" for part in bundle.parts]
            yield f"{letter} is {_listed(parts)}, laid end to end"
    if report.names.output.left_out:
        yield f"not in A: {_listed(report.names.output.left_out)}, which the function returns too"


def _listed(words: Sequence[str]) -> str:
    few = [*words[:_LISTED], *[f"{len(words) - _LISTED} more"] * (len(words) > _LISTED)]
    return f"{', '.join(few[:-1])} and {few[-1]}" if len(few) > 1 else few[0]


def verdict_of(report: Report, label: str = "") -> str:
    """Return the verdict after its label and its sign, or that there is none, for want of a derivative."""
    if report.structure_only:
        return "no derivative given: structure only"
    jumps = report.agreement.jumps if report.agreement is not None and report.verdict == "pass" else 0
    at_jumps = f", {counted(jumps, 'entry', 'entries')} at a jump of f" if jumps else ""
    return f"{label}{SIGNS[report.verdict]} {report.verdict}{at_jumps}"


def reservation(report: Report) -> str:
    """Return a warning where no derivative was checked, so that the verdict is on what was expected; else nothing."""
    unchecked = report.agreement is not None and not report.agreement.checked and not report.structure_only
    return "no derivative was checked: the verdict is on the structure alone" if unchecked else ""


def formulas(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the formulas of the function and its derivative; of several operands, which one X is."""
    function, operand = report.function, report.operand
    if function.formula and function.formula != function.name:
        yield f"f({', '.join(function.operands)})", function.formula
    if function.derivative:
        own = "f'(x)" if function.kind == "elementwise" else "df"
        partial = report.fixed and function.kind not in ("row-wise", "reduction", "shape-changing")
        yield f"∂f/∂{operand.name}" if partial else own, function.derivative
    if function.by_number:
        yield "", "called number by number, for it takes no arrays"
    yield from (("", sentence) for sentence in _laid_out(report))
    if function.note:
        yield "", function.note
    if report.fixed:
        fixed = " and ".join(f"{name} {format_shape(values.shape)}" for name, values in report.fixed.items())
        which = f"X is {operand.name}, operand {operand.position} of {len(function.operands)}; "
        yield "", f"{which * report.names.operand.is_single}{fixed} fixed"


def answers(report: Report, j: JacobianReport, form: Unfolding) -> Iterator[tuple[str, str]]:
    """Yield what is asked first: shape, pattern, diagonality, Hadamard, agreement."""
    of = "∂vec(A)/∂vec(X)" if j.layout == "numerator" else "∂vec(A)ᵀ/∂vec(X)"
    square = "square" if j.is_square else "not square"
    yield "shape", f"{format_shape(j.shape)}, {square}: {of} in {j.vec}-major vec, {j.layout} layout"
    if form.name != "vec":
        yield f"as {form.name}", _form(j, form)
    yield "pattern", _pattern(j)
    yield "diagonality", _diagonality(j)
    yield "formula", j.index_formula
    if j.is_holomorphic is not None:
        holds = "yes: the Cauchy–Riemann equations hold" if j.is_holomorphic else "no: they do not hold"
        yield "holomorphic", holds
    yield "Hadamard", _hadamard(report)
    if report.chain_rule is not None and report.chain_rule.max_difference is not None:
        sign = "=" if report.hadamard_valid else "≠"
        difference = f"largest difference {report.chain_rule.max_difference:.3g}"
        summed = ", summed over the repeats," if written_out(report) else ""
        yield "chain rule", f"A' ⊙ ∂L/∂A{summed} {sign} Jᵀ·vec(∂L/∂A): {difference}"
    yield "agreement", _agreement(report)


def _form(j: JacobianReport, form: Unfolding) -> str:
    parts = [format_shape(form.shape), "square" if form.is_square else "not square"]
    if j.arrangement is not None:
        parts.append("diagonal" if form.is_diagonal(j.arrangement.structural.pattern) else "not diagonal")
    return f"{', '.join(parts)}: {form.relation}"


def _pattern(j: JacobianReport) -> str:
    text = j.structure
    if j.blocks is not None:
        size = f" of {format_shape(j.blocks.shape)}" if j.blocks.shape else ""
        order = "" if j.blocks.vec == j.vec else f" in {j.blocks.vec}-major vec (after the commutation permutation)"
        text += f", {j.blocks.count} blocks{size}{order}"
    if j.stored is None:
        return f"{text}: not proved within the budget"
    zeros = f", {j.stored - j.nonzeros} of them 0 here" if j.nonzeros is not None and j.nonzeros < j.stored else ""
    entries = counted(j.entries, "entry", "entries")
    return f"{text}: {j.stored} of {entries}{zeros}{_by_rounding(j)}; {counted(j.colors, 'color')}{_readers(j)}"


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
    parts = ["diagonal" if j.is_diagonal else "not diagonal"]
    if j.off_diagonal_ratio is not None:
        parts.append(f"off-diagonal ratio {j.off_diagonal_ratio:.3g}")
    if j.arrangement is not None:
        parts.append("bandwidths {} below, {} above".format(*j.arrangement.bandwidths))
    if j.is_symmetric is not None:
        parts.append("symmetric" if j.is_symmetric else "not symmetric")
    return ", ".join(parts)


def _hadamard(report: Report) -> str:
    product = report.hadamard
    if product is None:
        return "not computed: only a sample of J has values"
    if product.max_difference is None:
        return "A' ⊙ dX does not exist: A and X have different shapes"
    sign = "=" if report.hadamard_valid else "≠"
    difference = f"largest difference {product.max_difference:.3g}"
    if report.is_elementwise and not report.hadamard_valid:
        difference = f"{SIGNS['fail']} {difference}, with the claimed A'"
    if product.written_out is None:
        nearest = "" if report.is_elementwise or report.is_refuted else ", with A' = diag J"
        return f"A' ⊙ dX {sign} J·vec(dX): {difference}{nearest}"
    repeated = written_out(report)
    how = " by products with vectors of ones" if " " in repeated else ""
    return (
        f"A' ⊙ {f'({repeated})' if how else 'dX'} {sign} J·vec(dX): {difference}; "
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


def background(report: Report, j: JacobianReport, form: Unfolding) -> Iterator[tuple[str, str]]:
    """Yield the background: layout and vec, other forms, how the structure was found."""
    yield "layout", _layout(j)
    order = vec_order(form, j.blocks, j.arrangement)
    if order is not None:
        yield "vec", order
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
    calls = f"{d.evaluations} of {counted(report.calls, 'call')} of f"
    yield "detection", f"{calls}, observed at {counted(d.points, 'point')}, {proof}{missed}"
    if len(report.rules) > 1:
        yield "rules", _rules(report.rules)
    yield "operand", f"{report.operand.source}, seed {report.operand.seed}{_range(report.operand.values)}"
    for number, point in enumerate(report.points):
        yield f"× {point.scale:g}" if number else "X", _point(point)


def _point(point: PointReport) -> str:
    entries = "" if point.range is None else "entries from {} to {}: ".format(*(short(end, 3) for end in point.range))
    ratio = "" if point.max_ratio is None else f", worst {point.max_ratio:.2g} of its bar"
    return f"{entries}{point.message or point.verdict or 'structure only'}{ratio}"


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
        return f"{j.layout}; {other} layout is the same matrix, for J is symmetric"
    return f"{j.layout}; {other} layout is the transpose, {format_shape(j.shape[::-1])}"


def blocks(report: Report, j: JacobianReport) -> list[list[str]]:
    """Tabulate, for each operand of a bundle, the structure in which each part of the output reads it; a header first.

    The table is empty where neither X nor A is a bundle.
    """
    if not j.parts:
        return []
    operands, outputs = report.names.operand, report.names.output
    found = {(block.operand, block.output): block.structure for block in j.parts}
    table = [["∂ by", *("A" if outputs.is_single else part.label("A") for part in outputs.parts)]]
    for part in operands.parts:
        name = f"{'X' if operands.is_single else part.label('X')} {format_shape(part.shape)}"
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


def short(value: float | None, digits: int = _DIGITS, none: str = "none") -> str:
    """Write a number with few digits: 0.24901, 4e-13."""
    return none if value is None else f"{value + 0.0:.{digits}g}"  # -0 is 0
