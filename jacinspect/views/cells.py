"""The arrays of a report as panels of short strings, whole or by their corners, for every view. Pure functions."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.operands.bundle import Bundle
from jacinspect.views.facts import short, written_out
from jacinspect.wording import format_entry, format_index

__all__ = [
    "ALL",
    "GAP",
    "NOTHING",
    "WHOLE",
    "Cells",
    "Panel",
    "array_panels",
    "few_panels",
    "is_whole",
    "jacobian_groups",
    "matrix_cells",
    "point_panels",
    "product_groups",
    "slope",
    "tensor_groups",
]

GAP, NOTHING = "…", "·"  # entries left out; an entry outside the pattern
_EDGE = 2  # rows and columns shown at each end of a large array: corners of 2×2 show what lies beside a diagonal
_DIGITS, _FEWER_DIGITS = 5, 4  # of a number; fewer in corners, so that four columns fit beside other panels
WHOLE = 8  # rows and columns shown entirely: eight numbers of five digits fit in 80 columns
_PARTS = 4  # arrays shown of a bundle, one after the other
_SLICES = 3  # slices shown of an array of more than two axes, and of a tensor along each axis

ALL = (("J analytic", "analytic"), ("J numeric", "numeric"), ("± error bar", "error_bar"))  # titles of the matrices
_MARKS: dict[int, str] = {Status.DISAGREES: "✘", Status.INCONCLUSIVE: "?", Status.OUT_OF_REACH: "?"}  # before an entry

Cells = list[list[str]]
Panel = tuple[str, Cells]  # a title, and what stands below it
Picked = list[int | None]  # indices of rows or columns to show, and None for those left out


def point_panels(report: Report, j: JacobianReport, width: int, full: bool) -> Iterator[Panel]:
    """Yield X, f(X) and, where it exists, the element-wise derivative A'."""
    several, own = report.fixed or not report.names.operand.is_single, report.names.own
    arrays: list[tuple[str, Array | None]] = [
        *_parts(_titled(report) if several else own("X"), own("X"), report.names.operand, report.operand.values),
        *((f"{name}, fixed", values) for name, values in report.fixed.items()),
        *_parts(own("A" if several else "A = f(X)"), own("A"), report.names.output, report.output),
    ]
    arrays.append((own("A'" if report.fixed else "A' = f'(X)"), slope(report, j)))
    for title, array in arrays:
        yield from array_panels(title, array, width, full)


def _titled(report: Report) -> str:
    """Title the operand among others: X = x, or by its name alone where formulas call it so."""
    name, x = report.operand.name, report.names.x
    return x if x == name else f"{x} = {name}"


def _parts(title: str, letter: str, bundle: Bundle, values: Array | None) -> list[tuple[str, Array | None]]:
    """Title an array, or the first parts of a bundle."""
    if values is None or bundle.is_single:
        return [(title, values)]
    arrays: list[Array | None] = [*bundle.split(values)]
    return list(zip([part.label(letter) for part in bundle.parts], arrays, strict=True))[:_PARTS]


def slope(report: Report, j: JacobianReport) -> Array | None:
    """Return A', of A's shape; None where f is not element-wise, or has no values."""
    values = j.analytic or j.numeric
    if values is None or not report.is_elementwise:
        return None
    return values.elementwise()


def product_groups(report: Report, width: int, full: bool) -> Iterator[list[Panel]]:
    """Yield the Hadamard product with J·vec(dX), then the chain rule's product with Jᵀ·vec(G)."""
    repeated, own = written_out(report), report.names.own
    large = max(report.operand.values.shape, default=0) > WHOLE
    of_dx, numeric = f"A' ⊙ {f'({repeated})' if ' ' in repeated else 'dX'}", _numeric(report)
    for of, factor, hadamard, long in (
        (report.hadamard, "dX", of_dx, f"{numeric}J·vec(dX)"),
        (report.chain_rule, "G = ∂L/∂A", f"A' ⊙ G{', summed' * bool(repeated)}", f"{numeric}Jᵀ·vec(G)"),
    ):
        if of is not None:
            arrays = [(factor, of.factor), (hadamard, of.hadamard), (long, of.product)]
            if large and report.hadamard_valid:  # the two are equal, and one is enough
                arrays[1:] = [(f"{hadamard} = {long}", of.product)]
            arrays.insert(1, (f"{repeated}{'' if ' ' in repeated else ', broadcast'}", of.written_out))
            yield [panel for title, array in arrays for panel in array_panels(own(title), array, width, full)]


def _numeric(report: Report) -> str:
    """Say before a product with J that it is that of the numeric one, where the claimed one differs."""
    return "numeric " if report.is_refuted else ""


def few_panels(report: Report, j: JacobianReport, width: int, full: bool) -> tuple[list[Panel], list[Panel]]:
    """Return what is looked at first: X and A'; and dX with its products, one alone where the two are equal."""
    names, repeated, product = report.names, written_out(report), report.hadamard
    random = ", random" if report.operand.source == "random" else ""  # as a reader who gave a shape cannot know
    title = f"{_titled(report) if report.fixed else names.x}{random}"
    point: list[tuple[str, Array | None]] = [*_parts(title, names.x, names.operand, report.operand.values)]
    claimed = ", as claimed" if report.is_refuted else "" if report.fixed else " = f'(X)"
    point.append((names.own(f"A'{claimed}"), slope(report, j)))
    products: list[tuple[str, Array | None]] = []
    if product is not None:
        hadamard = f"A' ⊙ {f'({repeated})' if ' ' in repeated else 'dX'}"
        products = [(names.own("dX"), product.factor), (names.own(hadamard), product.hadamard)]
        products += [] if report.hadamard_valid else [(names.own(f"{_numeric(report)}J·vec(dX)"), product.product)]

    def panels(arrays: list[tuple[str, Array | None]]) -> list[Panel]:
        return [panel for title, array in arrays for panel in array_panels(title, array, width, full)]

    return panels(point), panels(products)


def jacobian_groups(
    report: Report, form: Unfolding, width: int, full: bool, shown: tuple[tuple[str, str], ...] = ALL
) -> Iterator[list[Panel]]:
    """Yield the Jacobian: what of it is `shown` as one group; of a tensor, a group for a row of slices."""
    matrices, j = [], report.jacobian
    assert j is not None
    for title, of in shown:
        if j.numeric is None or (of == "analytic" and j.analytic is None):
            continue
        of = "judged" if of == "analytic" else of
        if not form.is_matrix:
            for group in tensor_groups(j, of, form, title, width, full):
                yield [(report.names.own(name), cells) for name, cells in group]
        else:
            matrices.append((title, matrix_cells(j, of, form, width, full)))
    if matrices:
        yield matrices


def is_whole(groups: list[list[Panel]]) -> bool:
    """Whether groups of panels show all entries of a matrix or tensor, so that no pattern needs to be drawn."""
    cells = [cell for group in groups for _, grid in group for row in grid for cell in row]
    return bool(groups) and GAP not in cells


# --- Arrays -----------------------------------------------------------------------------------------------------------


def array_panels(title: str, array: Array | None, width: int, full: bool) -> Iterator[Panel]:
    """Yield an array as panels: a vector as one line, a matrix as lines, more axes as slices."""
    if array is None:
        return
    if array.ndim <= 2:
        yield title, _grid(array.reshape((1, -1) if array.ndim < 2 else array.shape), width, full)
        return
    slices = list(np.ndindex(array.shape[:-2]))
    for at in slices if full else slices[:_SLICES]:
        yield f"{title}{format_index(at)}", _grid(array[at], width, full)
    if len(slices) > _SLICES and not full:
        yield GAP, [[f"{len(slices) - _SLICES} more slices"]]


def _grid(matrix: Array, width: int, full: bool) -> Cells:
    def cells(rows: Picked, columns: Picked) -> Cells:
        digits = _digits(rows, columns)
        return [[GAP if r is None or c is None else short(float(matrix[r, c]), digits) for c in columns] for r in rows]

    return _fitted(cells, matrix.shape, width, full)


# --- Jacobians --------------------------------------------------------------------------------------------------------


def matrix_cells(j: JacobianReport, of: str, form: Unfolding, width: int, full: bool, labelled: bool = True) -> Cells:
    """Return a form as a matrix, or its corners; labelled where row and column numbers do not identify an entry."""

    def cells(rows: Picked, columns: Picked) -> Cells:
        body = _entries(j, of, rows, columns, form.sources)
        if form.name in ("vec", "tensor") or not labelled or not rows or not columns:
            return body
        head = [GAP if c is None else form.column_label(c) for c in columns]
        labels = [GAP if r is None else form.row_label(r) for r in rows]
        corner = f"{form.row_letters} \\ {form.column_letters}".strip(" \\")
        return [[corner, *head], *([label, *line] for label, line in zip(labels, body, strict=True))]

    return _fitted(cells, form.matrix_shape, width, full)


def tensor_groups(
    j: JacobianReport, of: str, form: Unfolding, title: str, width: int, full: bool
) -> Iterator[list[Panel]]:
    """Yield the tensor as a grid of slices ∂A_ij/∂X (∂A/∂X_pq in denominator layout), a group for each row of it."""
    rank = len(form.outer_shape)
    choices = [_shown(length, full, _SLICES, 1) for length in form.outer_shape + form.inner_shape[:-2]]
    grid = [[]] if rank < 2 else product(*choices[: rank - 1])
    for number, line in enumerate(grid):
        panels: list[Panel] = []
        for rest in product(*choices[rank - 1 if rank > 1 else 0 :]):
            fixed = [k for k in (*line, *rest) if k is not None]
            gap = len(fixed) < len(choices)
            name = _slice_name(form, tuple(fixed[:rank]), tuple(fixed[rank:]))
            panels.append(("", [[GAP]]) if gap else (name, _slice(j, of, form, fixed, width, full)))
        if title and panels and not number:
            panels[0] = (f"{title}, {panels[0][0]}", panels[0][1])
        yield panels


def _slice_name(form: Unfolding, outer: tuple[int, ...], inner: tuple[int, ...]) -> str:
    a, x = (outer, inner) if form.layout == "numerator" else (inner, outer)
    return format_entry(a, x)


def _slice(j: JacobianReport, of: str, form: Unfolding, fixed: list[int], width: int, full: bool) -> Cells:
    """Return the matrix that is left of the tensor when its first indices are fixed; a vector is a row."""
    rank = len(form.outer_shape)
    height, along = (1, 1, *form.inner_shape)[-2:]
    outer, lead = _flat(fixed[:rank], form.outer_shape), _flat(fixed[rank:], form.inner_shape[:-2])

    def source(rows: Array, columns: Array) -> tuple[Array, Array]:
        inner = (lead * height + rows) * along + columns
        other = np.full_like(inner, outer)
        return (other, inner) if form.layout == "numerator" else (inner, other)

    return _fitted(lambda rows, columns: _entries(j, of, rows, columns, source), (height, along), width, full)


def _flat(fixed: list[int], shape: tuple[int, ...]) -> int:
    flat = 0
    for k, length in zip(fixed, shape, strict=True):
        flat = flat * length + k
    return flat


Source = Callable[[Array, Array], tuple[Array, Array]]  # row and column -> output and input


def _entries(j: JacobianReport, of: str, rows: Picked, columns: Picked, source: Source) -> Cells:
    """Return the entries at some rows and columns; one outside the pattern is a dot, one that is "judged" is marked."""
    there = np.array([r for r in rows if r is not None], np.int64)[:, None]
    places = source(there, np.array([c for c in columns if c is not None], np.int64))
    values, digits = iter(j.at(of, *places)), 1 if of == "error_bar" else _digits(rows, columns)
    statuses = iter(j.statuses(*places) if of == "judged" else [])
    cells = []
    for r in rows:
        line, marks = iter(next(values) if r is not None else []), iter(next(statuses, []) if r is not None else [])
        cells.append(
            [
                GAP if r is None or c is None else _marked(short(next(line), digits, NOTHING), next(marks, 0))
                for c in columns
            ]
        )
    return cells


def _marked(entry: str, status: int) -> str:
    return entry if entry == NOTHING else f"{_MARKS.get(status, '')}{entry}"


# --- What is shown of a large array -----------------------------------------------------------------------------------


def _fitted(cells: Callable[[Picked, Picked], Cells], shape: tuple[int, ...], width: int, full: bool) -> Cells:
    """Return all cells, or corners of them that fit into `width` columns."""
    rows, columns = (_shown(length, full) for length in shape)
    while True:
        grid = cells(rows, columns)
        if full or len(columns) <= 2 or _width(grid) <= width:
            return grid
        columns = _fewer(columns, shape[1])


def _width(grid: Cells) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*grid, strict=True)) - 2


def _digits(rows: Picked, columns: Picked) -> int:
    return _FEWER_DIGITS if None in rows or None in columns else _DIGITS


def _shown(length: int, full: bool, whole: int = WHOLE, edge: int = _EDGE) -> Picked:
    """Return the indices to show, with None for a gap."""
    if full or length <= whole:
        return list(range(length))
    return [*range(edge), None, *range(length - edge, length)]


def _fewer(columns: Picked, length: int) -> Picked:
    """Drop a column beside the gap, or make the gap."""
    half = (len(columns) - (None in columns)) // 2
    last = half if None not in columns and len(columns) % 2 else half - 1
    return [*range(last), None, *range(length - half, length)] if half else columns[:1]
