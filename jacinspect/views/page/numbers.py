"""The numbers of a report for the page's script: the entries of J, the arrays, and where each arrangement puts them.

Whatever the size of J, this is bounded: of many entries a sample is listed, and the pattern is counted by tiles.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from jacinspect.choices import Form, Layout, Vec
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.forms.unfolding import Unfolding, unfold
from jacinspect.operands.bundle import Bundle
from jacinspect.views.facts import written_out
from jacinspect.views.page.entries import Entries, rounded
from jacinspect.wording import printable

__all__ = ["LISTED", "numbers"]

LISTED = 8192  # entries that are listed one by one: about 600 kB, and quick to draw
_KNOWN = 1024  # numbers of an array that the page has all of
_WHOLE, _EDGE = 8, 2  # rows and columns of an array that are shown, or at each end of a larger one
_SLICES, _PARTS = 4, 8  # of an array of more axes; of a bundle
_DIGITS = 8  # of a number in an array, three more than are shown
_STATUSES = {
    Status.AGREES: "agrees",
    Status.KINK: "kink",
    Status.DISAGREES: "disagrees",
    Status.INCONCLUSIVE: "inconclusive",
    Status.NONFINITE: "non-finite",
    Status.OVERFLOWS: "overflows",
    Status.EXCUSED: "reads an operand that is not finite",
    Status.OUT_OF_REACH: "inconclusive: x has no near number",
}


def numbers(report: Report, listed: int) -> dict[str, Any] | None:
    """Return what the script draws, JSON-ready; None where there is no Jacobian, or its pattern is not known.

    At most so many entries are `listed` one by one.
    """
    j = report.jacobian
    if j is None or report.output is None or j.arrangement is None or not j.entries:
        return None
    entries = Entries.of_report(j)
    shown = entries.at(entries.sample(listed))
    forms, tiles = _forms(report, entries, whole=shown.number == entries.number)
    return {
        "output": list(report.output.shape),
        "operand": list(report.operand.values.shape),
        "names": {
            "A": _parts(report.names.output, report.names.a),
            "X": _parts(report.names.operand, report.names.x),
        },
        "gradient": report.names.gradient_of,
        "matrix": _matrix(report),
        "long": report.names.own(f"{_matrix(report)}·vec(dX)"),
        "vec": j.vec,
        "layout": j.layout,
        "checked": report.agreement is not None and report.agreement.checked,
        "elementwise": report.is_elementwise,
        "valid": report.hadamard_valid,
        "product": "numeric" if _is_wrong(j) else "analytic",
        "stored": entries.number,
        "entries": shown.listed(),
        "statuses": [_STATUSES[status] for status in sorted(_STATUSES)],
        "forms": forms,
        "tiles": tiles,
        "arrays": [*_arrays(report)],
    }


def _matrix(report: Report) -> str:
    """Name the matrix: the Jacobian of a gradient is a Hessian."""
    return "H" if report.names.gradient_of else "J"


def _is_wrong(j: JacobianReport) -> bool:
    """Whether an entry of the pattern is wrong: products are then shown with the numeric values."""
    return j.status is not None and bool(np.any(j.status == Status.DISAGREES))


def _parts(bundle: Bundle, letter: str) -> list[dict[str, Any]]:
    """Name the arrays that entries are in."""
    names = (letter if bundle.is_single else printable(part.label(letter)) for part in bundle.parts)
    return [
        {"name": name, "shape": list(part.shape), "offset": part.offset}
        for name, part in zip(names, bundle.parts, strict=True)
    ]


# --- The arrangements -------------------------------------------------------------------------------------------------


def _forms(report: Report, entries: Entries, whole: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Describe each arrangement, by its name, order of vec and layout; and, unless `whole`, the tiles to draw it by.

    Two that are each other's transposes have the same tiles.
    """
    assert report.output is not None
    shapes = report.output.shape, report.operand.values.shape
    most = max(map(len, shapes))  # a vector has one arrangement; more axes than two have no place in blocks
    names = tuple(Form) if most == 2 else (Form.vec, Form.tensor) if most > 2 else (Form.vec,)
    counted = None if whole else entries.counted()
    forms: dict[str, Any] = {}
    tiles: dict[str, Any] = {}
    for name in names:
        for vec in Vec:
            for layout in Layout:
                form = unfold(name.value, *shapes, vec.value, layout.value)
                described = _described(form) | {"relation": report.names.own(form.relation)}
                if counted is not None:
                    straight, flipped = (_key(form.row_axes, form.column_axes), _key(form.column_axes, form.row_axes))
                    described |= {"tiles": flipped if flipped in tiles else straight, "flipped": flipped in tiles}
                    if not {straight, flipped} & set(tiles):
                        tiles[straight] = counted.tiles(form.placed_at(counted.outputs, counted.inputs))
                forms[f"{name} {vec} {layout}"] = described
    return forms, tiles


def _key(rows: tuple[int, ...], columns: tuple[int, ...]) -> str:
    return "|".join("".join(map(str, axes)) for axes in (rows, columns))


def _described(form: Unfolding) -> dict[str, Any]:
    """Say what an arrangement is: its axes, its shape, and after how many rows and columns a line divides it."""
    return {
        "name": form.name,
        "shape": list(form.shape),
        "matrix": list(form.matrix_shape),
        "axes": [list(form.row_axes), list(form.column_axes)],
        "lines": list(form.division),
        "square": form.is_square,
    }


# --- The arrays -------------------------------------------------------------------------------------------------------


def _arrays(report: Report) -> Iterator[dict[str, Any]]:
    """Yield X, A, A', dX and both products, each whole or by its corners."""
    product, j, of = report.hadamard, report.jacobian, report.names.gradient_of
    matrix = _matrix(report)
    yield from _split("X", "X", report, report.operand.values)
    yield from _split(f"∂{of}/∂X" if of else "A", "A", report, report.output)
    values = None if j is None else j.analytic or j.numeric
    slopes = None if values is None or report.output is None else values.elementwise()
    if product is None:
        return
    a = "A'" if report.is_elementwise and not of else f"diag {matrix}"
    if slopes is not None and product.hadamard is not None:
        yield from _split(a, "slope", report, slopes)
    yield from _split("dX", "dX", report, product.factor)
    repeated = written_out(report)
    yield from _split(repeated if " " in repeated else "dX, broadcast", "repeated", report, product.written_out)
    if product.hadamard is not None:
        yield from _split(f"{a} ⊙ {f'({repeated})' if ' ' in repeated else 'dX'}", "short", report, product.hadamard)
    yield from _split(f"{matrix}·vec(dX)", "long", report, product.product)


def _split(title: str, role: str, report: Report, values: Array | None) -> Iterator[dict[str, Any]]:
    """Yield an array, or the parts of a bundle."""
    if values is None:
        return
    names = report.names
    bundle, own = names.operand if role in ("X", "dX") else names.output, names.own(title)
    for part, array in list(zip(bundle.parts, bundle.split(values), strict=True))[:_PARTS]:
        of_part = own if bundle.is_single else f"{own}: {part.name}" if title != "X" else part.label(own)
        yield _shown(printable(of_part), role, part.offset, np.asarray(array))


def _shown(title: str, role: str, offset: int, array: Array) -> dict[str, Any]:
    """Describe an array: a vector as a column, more axes as slices; which rows and columns are shown, None for a gap.

    `values` are its numbers, or those that are shown, and `at` their flat indices, which begin at `offset`.
    """
    rows, columns = (*array.shape, 1, 1)[:2] if array.ndim < 2 else array.shape[-2:]
    flat = np.arange(array.size).reshape(-1, rows, columns)
    picked = _picked(rows), _picked(columns)
    if array.size > _KNOWN:
        r, c = ([k for k in each if k is not None] for each in picked)
        flat = flat[:_SLICES, r][:, :, c]
    return {
        "title": title,
        "role": role,
        "shape": list(array.shape),
        "slices": [offset + rows * columns * number for number in range(min(len(flat), _SLICES))],
        "width": columns,
        "rows": picked[0],
        "columns": picked[1],
        "at": (offset + flat.ravel()).tolist(),
        "values": rounded(array.ravel()[flat.ravel()], _DIGITS),
    }


def _picked(length: int) -> list[int | None]:
    """Return which rows or columns are shown, with None for a gap."""
    if length <= _WHOLE:
        return list(range(length))
    return [*range(_EDGE), None, *range(length - _EDGE, length)]
