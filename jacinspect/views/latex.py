r"""A Report as a LaTeX fragment: its matrices, and the identities with their numbers. A pure function.

The fragment needs amsmath. Indices count from 1, as in mathematics, and a vector is a column.
"""

import re
from collections.abc import Iterator

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.forms.unfolding import Unfolding, unfold
from jacinspect.views.cells import GAP, NOTHING, Cells, array_panels, matrix_cells, slope, tensor_groups
from jacinspect.views.facts import short, written_out
from jacinspect.views.outcome import NO_DERIVATIVE
from jacinspect.wording import format_shape

__all__ = ["render"]

_WIDTH = 10**6  # a page has no columns of characters
_NAMES = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{NaN}", NOTHING: "0", "none": r"\text{--}"}
_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def render(report: Report, full: bool = False, form: str = "vec") -> str:
    """Write the report with the Jacobian in one of `choices.Form`; with `full`, matrices whatever their size.

    Raises
    ------
    InputError
        With `full`, when a dense matrix exceeds the memory budget; for a form that has no place for more axes.
    """
    parts = [*_headline(report)]
    j, arranged = report.jacobian, report.form(form, full)
    if j is not None and arranged is not None and report.output is not None:
        parts += [*_point(report, j, full), *_jacobian(report, j, arranged, full)]
        parts += [_own(report, part) for part in _identities(report, j, full)]
    return "\n\n".join(parts) + "\n"


def _headline(report: Report) -> Iterator[str]:
    function, operand = report.function, report.operand
    name = " ".join(function.name.split()).encode("ascii", "backslashreplace").decode()
    output = "" if report.output is None else rf" \to A\colon {_size(report.output.shape)}"
    shapes = _own(report, rf"X\colon {_size(operand.values.shape)}{output}")
    yield (
        f"% jacinspect {report.version}, --format latex; needs \\usepackage{{amsmath}}. Indices count from 1.\n"
        rf"\noindent\texttt{{{_escaped(name)}}}, ${shapes}$, "
        f"{NO_DERIVATIVE if report.structure_only else f'verdict: {report.verdict}'}."
    )
    if function.latex is not None:
        yield _display(f"f({', '.join(function.operands)}) = {function.latex}")


def _point(report: Report, j: JacobianReport, full: bool) -> Iterator[str]:
    arrays = ("X", report.operand.values), ("A = f(X)", report.output), ("A' = f'(X)", slope(report, j))
    for name, array in arrays:
        yield from _arrays(_own(report, name), array, full)


def _jacobian(report: Report, j: JacobianReport, form: Unfolding, full: bool) -> Iterator[str]:
    """Yield the Jacobian in the form that was asked for, with the analytic values or else the numeric ones."""
    if j.numeric is None:
        yield "Only a sample of the Jacobian has values."
        return
    of = "analytic" if j.analytic is not None else "numeric"
    yield f"The Jacobian, {of}, as {form.name} ({j.layout} layout):"
    if form.is_matrix:
        yield _display(
            f"{_own(report, _head(form))} = {_matrix(matrix_cells(j, of, form, _WIDTH, full, labelled=False))}"
        )
        return
    for group in tensor_groups(j, of, form, "", _WIDTH, full):
        slices = (
            rf"{_own(report, _symbol(title))} = {_matrix(cells)}" if title else r"\cdots" for title, cells in group
        )
        yield _display(r" \qquad ".join(slices))


def _head(form: Unfolding) -> str:
    """Return the symbol of a form's matrix."""
    vec = _vec(form.vec)
    straight = form.layout == "numerator"
    if form.name == "vec" and straight:
        return rf"J = \frac{{\partial\,{vec} A}}{{\partial({vec} X)^{{\mathsf T}}}}"
    if form.name == "vec":
        return rf"J^{{\mathsf T}} = \frac{{\partial({vec} A)^{{\mathsf T}}}}{{\partial\,{vec} X}}"
    if form.name == "tensor":
        return "T" if straight else r"T^{\mathsf T}"
    index = ["p", "q"][: len(form.operand_shape)]
    block = rf"\frac{{\partial A}}{{\partial X{_below(index)}}}"
    if form.name == "blocks":
        unit = f"E_{{{([*index, '1', '1'])[0]}{([*index, '1', '1'])[1]}}}"
        head = rf"\sum_{{{''.join(index)}}} {unit} \otimes {block}" if index else block
    else:
        first, last = _below(["1"] * len(index)), _below([str(length) for length in form.operand_shape])
        head = (
            rf"\begin{{pmatrix}} \partial A/\partial X{first} \\ \vdots \\ \partial A/\partial X{last} \end{{pmatrix}}"
        )
    return head if straight else rf"\Bigl({head}\Bigr)^{{\mathsf T}}"


def _identities(report: Report, j: JacobianReport, full: bool) -> Iterator[str]:
    """Yield dA = A' ⊙ dX and its vec form with these numbers; where ⊙ fails, the vec form with J and the error of ⊙."""
    product, output = report.hadamard, report.output
    if product is None or j.numeric is None or output is None:
        return
    vec = _vec(j.vec)
    straight = unfold("vec", output.shape, report.operand.values.shape, j.vec)
    of = "analytic" if j.analytic is not None and not report.is_refuted else "numeric"
    matrix = _matrix(matrix_cells(j, of, straight, _WIDTH, full))
    dx, da = (_column(array, j.vec, full) for array in (product.factor, product.product))
    derivative = slope(report, j) if report.hadamard_valid else None
    if derivative is None:
        yield _display(rf"{vec}(dA) = J\,{vec}(dX) = {matrix} {dx} = {da}")
        if product.max_difference is None:
            sizes = rf"$A$ is ${_size(output.shape)}$ and $X$ is ${_size(straight.operand_shape)}$"
            yield rf"$A' \odot dX$ does not exist: {sizes}."
        else:
            error = _number(short(product.max_difference, 3))
            yield _display(rf"A' \odot dX \neq dA, \qquad \max\lvert A' \odot dX - dA\rvert = {error}")
        return
    if output.ndim <= 2:
        moved = product.factor if product.written_out is None else product.written_out  # dX, broadcast to A's shape
        left, right, result = (_whole(array, full) for array in (derivative, moved, product.product))
        repeated = written_out(report).replace("1ᵀ", r"\mathbf{1}^{\mathsf T}").replace("1 ", r"\mathbf{1}\,")
        tangent = f"({repeated})" if " " in repeated else "dX"
        yield _display(rf"dA = A' \odot {tangent} = {left} \odot {right} = {result}")
    else:
        yield _display(r"dA = A' \odot dX")
    diagonal = rf"\operatorname{{Diag}}({vec} A')" if product.written_out is None else "J"
    yield _display(rf"{vec}(dA) = {diagonal}\,{vec}(dX) = {matrix} {dx} = {da}")


def _own(report: Report, text: str) -> str:
    """Write the user's own letters for A and X; a longer name stands as a word."""
    names = report.names
    a, x = (name if len(name) == 1 else rf"\mathit{{{_escaped(name)}}}" for name in (names.a, names.x))
    return names.own(text, a, x)


# --- Pieces -----------------------------------------------------------------------------------------------------------


def _arrays(name: str, array: Array | None, full: bool) -> Iterator[str]:
    """Yield an array as a display, or, of more than two axes, each of its slices."""
    if array is None:
        return
    if array.ndim <= 2:
        yield _display(f"{name} = {_whole(array, full)}")
        return
    symbol = name.partition(" ")[0]
    if symbol != name:
        yield _display(name)
    for title, cells in array_panels(symbol, array, _WIDTH, full):
        yield r"\[ \cdots \]" if title == GAP else _display(f"{_symbol(title)} = {_matrix(cells)}")


def _whole(array: Array, full: bool) -> str:
    column = array.reshape(-1, 1) if array.ndim < 2 else array
    return "".join(_matrix(cells) for _, cells in array_panels("", column, _WIDTH, full))


def _column(array: Array, vec: str, full: bool) -> str:
    return _whole(array.ravel(order="F" if vec == "column" else "C"), full)


def _matrix(cells: Cells) -> str:
    """Write a matrix in parentheses; an array, since pmatrix stops at ten columns."""
    if not cells or not cells[0]:
        return "(\\;)"
    gaps = [all(cell == GAP for cell in column) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        down = all(cell == GAP for cell in row)
        lines.append(" & ".join(_cell(cell, down, along) for cell, along in zip(row, gaps, strict=True)))
    body = " \\\\\n".join(lines)
    return f"\\left(\\begin{{array}}{{{'r' * len(cells[0])}}}\n{body}\n\\end{{array}}\\right)"


def _cell(cell: str, down: bool, along: bool) -> str:
    if cell != GAP:
        return _number(cell)
    return r"\ddots" if down and along else r"\vdots" if down else r"\cdots"


def _number(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    if text in _NAMES or not e:
        return _NAMES.get(text, text)
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def _display(formula: str) -> str:
    return f"\\[\n{formula}\n\\]"


def _symbol(title: str) -> str:
    """Write ∂A[0,1]/∂X as a fraction with the indices below, counted from 1."""
    text = re.sub(r"\[([\d,]+)\]", lambda found: _below([str(int(k) + 1) for k in found[1].split(",")]), title)
    over, slash, under = text.replace("∂", r"\partial ").partition("/")
    return rf"\frac{{{over}}}{{{under}}}" if slash else over


def _below(index: list[str]) -> str:
    return f"_{{{('' if all(len(k) == 1 for k in index) else ',').join(index)}}}" if index else ""


def _vec(vec: str) -> str:
    return r"\operatorname{vec}" if vec == "column" else r"\operatorname{vec}_{\mathrm{row}}"


def _size(shape: tuple[int, ...]) -> str:
    return format_shape(shape).replace("×", r"\times ").replace("scalar", "1")


def _escaped(text: str) -> str:
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _SPECIAL.get(found[0], "\\" + found[0]), text)
