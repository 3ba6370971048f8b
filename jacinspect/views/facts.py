"""What a report says in words, for every view that a person reads: labelled facts, the cost table. Pure functions."""

from collections.abc import Iterator
from math import prod

from jacinspect.errors import format_size
from jacinspect.jacobian.hadamard import Cost, cost_table
from jacinspect.jacobian.layouts import FORMS, Form, vec_order
from jacinspect.report import JacobianReport, Report

__all__ = ["SIGNS", "answers", "background", "costs", "index", "short", "times"]

SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}
_DIGITS = 5


def answers(report: Report, j: JacobianReport, form: Form) -> Iterator[tuple[str, str]]:
    """Give what a person asks first: shape, pattern, diagonality, Hadamard, agreement."""
    of = "∂vec(A)/∂vec(X)" if j.layout == "numerator" else "∂vec(A)ᵀ/∂vec(X)"
    square = "square" if j.is_square else "not square"
    yield "shape", f"{times(j.shape)}, {square}: {of} in {j.vec}-major vec, {j.layout} layout"
    if form.name != "vec":
        yield f"as {form.name}", _form(j, form)
    yield "pattern", _pattern(j)
    yield "diagonality", _diagonality(j)
    yield "formula", j.index_formula
    yield "Hadamard", _hadamard(report)
    if report.chain_rule is not None and report.chain_rule.max_difference is not None:
        sign = "=" if report.hadamard_valid else "≠"
        difference = f"largest difference {report.chain_rule.max_difference:.3g}"
        yield "chain rule", f"A' ⊙ ∂L/∂A {sign} Jᵀ·vec(∂L/∂A): {difference}"
    yield "agreement", _agreement(report)


def _form(j: JacobianReport, form: Form) -> str:
    parts = [times(form.shape), "square" if form.is_square else "not square"]
    if j.arrangement is not None:
        parts.append("diagonal" if form.is_diagonal(j.arrangement.pattern) else "not diagonal")
    return f"{', '.join(parts)}: {form.relation}"


def _pattern(j: JacobianReport) -> str:
    text = j.structure
    if j.blocks is not None:
        size = f" of {times(j.blocks.shape)}" if j.blocks.shape else ""
        order = "" if j.blocks.vec == j.vec else f" in {j.blocks.vec}-major vec (after the commutation permutation)"
        text += f", {j.blocks.count} blocks{size}{order}"
    if j.stored is None:
        return f"{text}: not proved within the budget"
    zeros = f", {j.stored - j.nonzeros} of them 0 here" if j.nonzeros is not None and j.nonzeros < j.stored else ""
    return f"{text}: {j.stored} of {j.entries} entries{zeros}; {j.colors} color{'s' * (j.colors != 1)}"


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
    difference = f"largest difference {product.max_difference:.3g}"
    if report.hadamard_valid:
        return f"A' ⊙ dX = J·vec(dX): {difference}"
    return f"A' ⊙ dX ≠ J·vec(dX): {difference}, with A' = diag J"


def _agreement(report: Report) -> str:
    a = report.agreement
    if a is None or report.jacobian is None:
        return "not compared"
    if not a.entries_compared:
        return "no analytic derivative to compare with" if report.jacobian.analytic is None else "nothing to compare"
    share = f" ({a.coverage:.3g} of all)" if a.coverage < 1 else ""
    text = f"analytic and numeric: {a.verdict} over {a.entries_compared} entries{share}"
    if a.worst:
        w = a.worst[0]
        at = f"∂A{index(w.output)}/∂X{index(w.operand)}"
        values = f"{short(w.analytic)} and {short(w.numeric)} ± {w.error_bar:.1g}"
        text += f"; worst {at}: {values}, {a.max_ratio:.2g} of its bar"
    return text


def background(report: Report, j: JacobianReport, form: Form) -> Iterator[tuple[str, str]]:
    """Give what is worth knowing besides: layout and vec, other forms, how the structure was established."""
    yield "layout", _layout(j)
    order = vec_order(form, j.blocks, j.arrangement)
    if order is not None:
        yield "vec", order
    axes = [form.output_shape, form.operand_shape]
    most = max(map(len, axes))
    names = FORMS if most == 2 else ("vec", "tensor") if most > 2 else ("vec",)  # of vectors, all are one
    others = [report.form(name) for name in names]
    sizes = [f"{f.name} {times(f.shape)}{'' if f.is_square else ' (not square)'}" for f in others if f and f != form]
    if sizes:
        yield "also as", f"{', '.join(sizes)}: the same numbers (--as)"
    d = report.detection
    proof = "every dependence followed to single inputs" if d.proved else "not proved"
    missed = "" if d.miss_probability is None else f"; an entry missed with probability {d.miss_probability:.1g}"
    yield (
        "detection",
        f"{d.evaluations} evaluations, observed at {d.points} point{'s' * (d.points != 1)}, {proof}{missed}",
    )
    yield "operand", f"{report.operand.source}, seed {report.operand.seed}"


def _layout(j: JacobianReport) -> str:
    other = "denominator" if j.layout == "numerator" else "numerator"
    if j.is_symmetric:
        return f"{j.layout}; {other} layout is the same matrix, for J is symmetric"
    return f"{j.layout}; {other} layout is the transpose, {times(j.shape[::-1])}"


def costs(report: Report, j: JacobianReport) -> list[list[str]]:
    """Tabulate bytes and multiplications of one product with J, here and for more entries of X; a header first.

    Empty where the pattern is not proved.
    """
    if j.arrangement is None:
        return []
    pattern = j.arrangement.pattern
    rows = cost_table(pattern.shape, pattern.stored, report.hadamard_valid)
    table = [["entries", "dense or tensor", "compressed rows", *["⊙ (jvp, vjp)"] * report.hadamard_valid]]
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


def index(index: tuple[int, ...]) -> str:
    """Write an index: [0,1], or nothing for that of a single number."""
    return f"[{','.join(map(str, index))}]" if index else ""


def times(shape: tuple[int, ...]) -> str:
    """Write a shape: 2×3, 4, scalar."""
    return "×".join(map(str, shape)) if len(shape) > 1 else f"{prod(shape)}" if shape else "scalar"
