"""A Report for a person at a terminal: what is asked first stands first, then the numbers. A pure function.

What is too large to be read is shown by its pattern and its corners, never as pages of numbers.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate, zip_longest
from math import prod
from textwrap import wrap

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from jacinspect.errors import format_size, printable
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.hadamard import Cost
from jacinspect.report import JacobianReport, Report
from jacinspect.views.spy import spy

__all__ = ["render"]

_EDGE = 2  # rows and columns shown at each end of what is too large
_DIGITS, _FEWER_DIGITS = 5, 4  # of a number; fewer in corners, which are only a glimpse
_WHOLE = 8  # rows and columns shown entirely
_SLICES = 3  # of an array of more than two axes
_GAP = 4  # columns between panels
_STYLED = 1024  # cells of a matrix in which dots are dimmed; styles take long
_STYLES = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}
_SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}

Panel = tuple[str, list[Text]]  # a title, and lines below it


def render(report: Report, width: int, full: bool = False) -> RenderableType:
    """Lay the report out in `width` columns; with `full`, matrices are printed whatever their size.

    Raises
    ------
    InputError
        With `full`, when a dense matrix exceeds the memory budget.
    """
    if full:
        report.require_dense_fits()
    lines = [*_headline(report, width), Text()]
    if report.jacobian is not None:
        lines += [*_facts(_answers(report, report.jacobian), width), Text()]
        lines += _numbers(report, report.jacobian, width, full)
        lines += [*_facts(_background(report, report.jacobian), width), Text()]
    if report.findings:
        lines += [*_findings(report, width), Text()]
    return Group(*lines, Text(f"verdict: {_SIGNS[report.verdict]} {report.verdict}", style=_STYLES[report.verdict]))


def _headline(report: Report, width: int) -> Iterator[Text]:
    function, operand = report.function, report.operand
    parameters = ", ".join(f"{name}={value:g}" for name, value in function.parameters.items())
    name = printable(function.name) + (f"({parameters})" if parameters else "")
    shapes = f"X {_times(operand.values.shape)} {operand.values.dtype}"
    if report.output is not None:
        shapes += f" → A {_times(report.output.shape)}"
    verdict = Text(f"{_SIGNS[report.verdict]} {report.verdict}", style=_STYLES[report.verdict])
    if len(name) + 2 + len(shapes) + 3 + len(verdict) <= width:
        yield Text.assemble((name, "bold"), f"  {shapes}   ", verdict)
    else:
        yield from _hanging("", 2, "", f"{name}  {shapes}", width)
        yield verdict
    call = f"f({', '.join(function.operands)})"
    derivative = f"∂f/∂{operand.name}" if report.fixed else "f'(x)" if function.kind == "elementwise" else "df"
    indent = max(len(call), 5)
    if function.formula:
        yield from _hanging(f"{call:{indent}} = ", indent + 3, "", function.formula, width)
    if function.derivative:
        yield from _hanging(f"{derivative:{indent}} = ", indent + 3, "", function.derivative, width)
    if report.fixed:
        fixed = " and ".join(f"{name} {_times(values.shape)}" for name, values in report.fixed.items())
        line = f"X is {operand.name}, operand {operand.position} of {len(function.operands)}; {fixed} fixed"
        yield from _hanging("", 0, "", line, width)


def _answers(report: Report, j: JacobianReport) -> Iterator[tuple[str, str]]:
    """Give what a person asks first: shape, pattern, diagonality, Hadamard, agreement."""
    of = "∂vec(A)/∂vec(X)" if j.layout == "numerator" else "∂vec(A)ᵀ/∂vec(X)"
    square = "square" if j.is_square else "not square"
    yield "shape", f"{_times(j.shape)}, {square}: {of} in {j.vec}-major vec, {j.layout} layout"
    yield "pattern", _pattern(j)
    yield "diagonality", _diagonality(j)
    yield "formula", j.index_formula
    yield "Hadamard", _hadamard(report)
    if report.chain_rule is not None and report.chain_rule.max_difference is not None:
        sign = "=" if report.hadamard_valid else "≠"
        difference = f"largest difference {report.chain_rule.max_difference:.3g}"
        summed = ", summed over the repeats," if _written_out(report) else ""
        yield "chain rule", f"A' ⊙ ∂L/∂A{summed} {sign} Jᵀ·vec(∂L/∂A): {difference}"
    yield "agreement", _agreement(report)


def _pattern(j: JacobianReport) -> str:
    text = j.structure
    if j.blocks is not None:
        size = f" of {_times(j.blocks.shape)}" if j.blocks.shape else ""
        order = "" if j.blocks.vec == j.vec else f" in {j.blocks.vec}-major vec (after the commutation permutation)"
        text += f", {j.blocks.count} blocks{size}{order}"
    if j.stored is None:
        return f"{text}: not proved within the budget"
    zeros = f", {j.stored - j.nonzeros} of them 0 here" if j.nonzeros is not None and j.nonzeros < j.stored else ""
    entries = "entry" if j.entries == 1 else "entries"
    colors = f"{j.colors} color{'s' * (j.colors != 1)}"
    return f"{text}: {j.stored} of {j.entries} {entries}{zeros}; {colors}{_readers(j)}"


def _readers(j: JacobianReport) -> str:
    """Say how often each input is read, where each output reads one and some input is read by several."""
    if j.arrangement is None or not j.stored:
        return ""
    pattern = j.arrangement.pattern
    readers = np.bincount(pattern.indices, minlength=pattern.shape[1])
    if np.diff(pattern.indptr).max() > 1 or readers.max() < 2:
        return ""
    fewest, most = int(readers.min()), int(readers.max())
    return f"; each input is read by {most if fewest == most else f'{fewest} to {most}'} outputs"


def _written_out(report: Report) -> str:
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
    if product.written_out is None:
        nearest = "" if report.hadamard_valid else ", with A' = diag J"
        return f"A' ⊙ dX {sign} J·vec(dX): {difference}{nearest}"
    repeated = _written_out(report)
    how = " by products with vectors of ones" if " " in repeated else ""
    return (
        f"A' ⊙ {f'({repeated})' if how else 'dX'} {sign} J·vec(dX): {difference}; "
        f"dX, {_times(product.factor.shape)}, is broadcast to A's {_times(product.written_out.shape)}{how}"
    )


def _agreement(report: Report) -> str:
    a = report.agreement
    if a is None or report.jacobian is None:
        return "not compared"
    if not a.entries_compared:
        return "no analytic derivative to compare with" if report.jacobian.analytic is None else "nothing to compare"
    share = f" ({a.coverage:.3g} of all)" if a.coverage < 1 else ""
    entries = f"{a.entries_compared} {'entry' if a.entries_compared == 1 else 'entries'}"
    text = f"analytic and numeric: {a.verdict} over {entries}{share}"
    if a.worst:
        w = a.worst[0]
        at = f"∂A{_index(w.output)}/∂X{_index(w.operand)}"
        values = f"{_short(w.analytic)} and {_short(w.numeric)} ± {w.error_bar:.1g}"
        text += f"; worst {at}: {values}, {a.max_ratio:.2g} of its bar"
    return text


def _background(report: Report, j: JacobianReport) -> Iterator[tuple[str, str]]:
    """Give what is worth knowing besides: costs, other arrangements, how the structure was established."""
    if report.hadamard is not None:
        short = report.hadamard.hadamard_cost
        parts = [f"⊙ {_cost(short)}"] if short and report.hadamard_valid else []
        yield "cost", "; ".join([*parts, f"matrix {_cost(report.hadamard.matrix_cost)}"])
    others = [f"the {_times(j.tensor_shape)} tensor"] if len(j.tensor_shape) > 2 else []
    if report.output is not None and report.output.ndim == 2 and report.operand.values.ndim in (1, 2):
        height, width = report.output.shape
        others.append(f"the {_times((report.operand.values.size * height, width))} stack of ∂A/∂X_pq")
    if others:
        yield "also as", f"{' and '.join(others)}: other arrangements of the same numbers"
    d = report.detection
    proof = "every dependence followed to single inputs" if d.proved else "not proved"
    missed = "" if d.miss_probability is None else f"; an entry missed with probability {d.miss_probability:.1g}"
    yield (
        "detection",
        f"{d.evaluations} evaluations, observed at {d.points} point{'s' * (d.points != 1)}, {proof}{missed}",
    )
    yield "operand", printable(f"{report.operand.source}, seed {report.operand.seed}")


def _numbers(report: Report, j: JacobianReport, width: int, full: bool) -> Iterator[Text]:
    """Give the arrays and matrices: point and value, the Jacobian, the Hadamard product, the chain rule."""
    point: list[tuple[str, Array | None]] = [("X", report.operand.values), ("A = f(X)", report.output)]
    if report.fixed:
        fixed = [(f"{name}, fixed", values) for name, values in report.fixed.items()]
        point = [(f"X = {report.operand.name}", report.operand.values), *fixed, ("A", report.output)]
    if report.hadamard_valid and j.numeric is not None:
        point.append(("A' = f'(X)" if not report.fixed else "A'", (j.analytic or j.numeric).elementwise()))
    yield from _flow((p for title, array in point for p in _array(title, array, width, full)), width)
    panels = [("pattern", spy(j.arrangement, width))] if j.arrangement is not None else []
    for title, of in (("J analytic", "analytic"), ("J numeric", "numeric"), ("± error bar", "error_bar")):
        if getattr(j, of) is not None:
            panels.append((title, _matrix(j, of, width, full)))
    yield from _flow(panels, width)
    large = max(report.operand.values.shape, default=0) > _WHOLE
    written_out = _written_out(report)
    for product, factor, short, long in (
        (report.hadamard, "dX", f"A' ⊙ {f'({written_out})' if ' ' in written_out else 'dX'}", "J·vec(dX)"),
        (report.chain_rule, "G = ∂L/∂A", f"A' ⊙ G{', summed' if written_out else ''}", "Jᵀ·vec(G)"),
    ):
        if product is not None:
            arrays = [(factor, product.factor), (short, product.hadamard), (long, product.product)]
            if large and report.hadamard_valid:  # the two are the same, and one glimpse is enough
                arrays[1:] = [(f"{short} = {long}", product.product)]
            repeated = f"{written_out}{'' if ' ' in written_out else ', broadcast'}"
            arrays.insert(1, (repeated, product.written_out))
            yield from _flow((p for title, array in arrays for p in _array(title, array, width, full)), width)


# --- Arrays as lines ------------------------------------------------------------------------------------------------


def _array(title: str, array: Array | None, width: int, full: bool) -> Iterator[Panel]:
    """Give an array as panels: a vector as one line, a matrix as lines, more axes as slices."""
    if array is None:
        return
    if array.ndim <= 2:
        yield title, _grid(array.reshape((1, -1) if array.ndim < 2 else array.shape), width, full)
        return
    slices = list(np.ndindex(array.shape[:-2]))
    for index in slices if full else slices[:_SLICES]:
        yield f"{title}{_index(index)}", _grid(array[index], width, full)
    if len(slices) > _SLICES and not full:
        yield "…", [Text(f"{len(slices) - _SLICES} more slices", style="dim")]


def _grid(matrix: Array, width: int, full: bool) -> list[Text]:
    rows, columns = (_shown(length, full) for length in matrix.shape)
    while True:
        digits = _FEWER_DIGITS if None in rows or None in columns else _DIGITS
        cells = [
            ["…" if r is None or c is None else _short(float(matrix[r, c]), digits) for c in columns] for r in rows
        ]
        lines = _aligned(cells)
        if full or len(columns) <= 2 or max((line.cell_len for line in lines), default=0) <= width:
            return lines
        columns = _fewer(columns, matrix.shape[1])


def _matrix(j: JacobianReport, of: str, width: int, full: bool) -> list[Text]:
    """Give the matrix, or its corners; what is outside the pattern is a dot."""
    rows, columns = (_shown(length, full) for length in j.shape)
    while True:
        values = j.part(of, [r for r in rows if r is not None], [c for c in columns if c is not None])
        lines = iter(values)
        digits = 1 if of == "error_bar" else _FEWER_DIGITS if None in rows or None in columns else _DIGITS
        cells = []
        for r in rows:
            line = iter(next(lines)) if r is not None else iter([])
            cells.append(["…" if r is None or c is None else _short(next(line), digits, "·") for c in columns])
        grid = _aligned(cells)
        if full or len(columns) <= 2 or max((line.cell_len for line in grid), default=0) <= width:
            return grid
        columns = _fewer(columns, j.shape[1])


def _shown(length: int, full: bool) -> list[int | None]:
    """Return the indices to show, with None for a gap."""
    if full or length <= _WHOLE:
        return list(range(length))
    return [*range(_EDGE), None, *range(length - _EDGE, length)]


def _fewer(columns: list[int | None], length: int) -> list[int | None]:
    """Take away a column beside the gap, or make the gap."""
    half = (len(columns) - (None in columns)) // 2
    last = half if None not in columns and len(columns) % 2 else half - 1
    return [*range(last), None, *range(length - half, length)] if half else columns[:1]


def _aligned(cells: list[list[str]]) -> list[Text]:
    if not cells or not cells[0]:
        return [Text("(no entries)", style="dim")]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if len(cells) * len(widths) > _STYLED:
        return [
            Text("  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)), no_wrap=True) for row in cells
        ]
    lines = []
    for row in cells:
        line = Text(no_wrap=True)
        for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
            line.append(f"{'  ' if position else ''}{cell:>{width}}", style="dim" if cell in "·…" else "")
        lines.append(line)
    return lines


def _flow(panels: Iterable[Panel], width: int) -> Iterator[Text]:
    """Set panels side by side while they fit, and go on below; a blank line ends each row of them."""
    row: list[Panel] = []
    used = 0
    for title, lines in panels:
        size = max(len(title), *(line.cell_len for line in lines), 0)
        if row and used + _GAP + size > width:
            yield from _beside(row)
            row, used = [], 0
        used += (_GAP if row else 0) + size
        row.append((title, lines))
    if row:
        yield from _beside(row)


def _beside(panels: list[Panel]) -> Iterator[Text]:
    columns = [[Text(title, style="bold"), *lines] for title, lines in panels]
    starts = list(accumulate((max(line.cell_len for line in column) + _GAP for column in columns), initial=0))
    for row in zip_longest(*columns):
        line = Text(no_wrap=True)
        for part, start in zip(row, starts, strict=False):
            if part is not None:
                line.append(" " * (start - line.cell_len)).append_text(part)
        yield line
    yield Text()


# --- Words ----------------------------------------------------------------------------------------------------------


def _facts(facts: Iterable[tuple[str, str]], width: int) -> Iterator[Text]:
    """Set each fact beside its label, wrapped, the label's column left free below it."""
    for label, text in facts:
        yield from _hanging(label, 13, "cyan", text, width)


def _findings(report: Report, width: int) -> Iterator[Text]:
    for finding in report.findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        label = f"{finding.code} {finding.severity}"
        yield from _hanging(label, 12, style, printable(f"{finding.name}: {finding.message}"), width)


def _hanging(label: str, indent: int, style: str, text: str, width: int) -> Iterator[Text]:
    lines = wrap(text, max(width - indent, 20), break_on_hyphens=False) or [""]
    yield Text.assemble((label.ljust(indent), style), lines[0])
    for line in lines[1:]:
        yield Text(" " * indent + line)


def _cost(cost: Cost) -> str:
    return f"{format_size(cost.bytes)}, {cost.multiplications} multiplication{'s' * (cost.multiplications != 1)}"


def _short(value: float | None, digits: int = _DIGITS, none: str = "none") -> str:
    return none if value is None else f"{value + 0.0:.{digits}g}"  # -0 is 0


def _index(index: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, index))}]" if index else ""


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) if len(shape) > 1 else f"{prod(shape)}" if shape else "scalar"
