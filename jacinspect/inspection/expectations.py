"""Findings about structure: J002 where an expected property does not hold, J015 for a Hessian that is not symmetric.

Each has a witness. Next: report.
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from jacinspect.choices import is_spectral
from jacinspect.inspection.codes import Finding, finding
from jacinspect.inspection.holomorphic import against_cauchy_riemann, is_complex, other_part
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.naming import Names, entry_name, input_name, listed, output_name
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.structure import Arrangement
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.wording import format_shape

__all__ = ["asymmetric_entry", "of_expectations", "of_symmetry"]


def of_expectations(
    expected: Sequence[str], jacobian: JacobianReport, numeric: Numeric, names: Names
) -> Iterator[Finding]:
    """J002 for every --expect that does not hold, with a witness; those of the spectrum are in spectral.py."""
    for name in expected:
        if is_spectral(name):
            continue
        arrangement = jacobian.arrangement
        if arrangement is None:
            if name == "block-diagonal" and jacobian.structure == name:
                continue
            message = f"expected {name}, which could not be established within the budget (J007)"
            yield finding("J002", message)
        elif name == "holomorphic" and not is_complex(names):
            yield finding("J002", "expected holomorphic, and not all of X and A is complex: try --dtype complex128")
        elif name == "symmetric" and jacobian.is_square and jacobian.is_symmetric is None:
            message = "expected symmetric, which could not be established from a sample of the values (J007)"
            yield finding("J002", message)
        elif name == "holomorphic" and jacobian.is_holomorphic is None:
            message = "expected holomorphic, which could not be established from a sample of the values (J007)"
            yield finding("J002", message)
        elif not _holds(name, jacobian, arrangement):
            yield _unexpected(name, jacobian, arrangement, numeric, names)


def of_symmetry(jacobian: JacobianReport, numeric: Numeric, names: Names) -> Iterator[Finding]:
    """J015 for a gradient whose Jacobian is not symmetric: it is the gradient of no function."""
    arrangement = jacobian.arrangement
    if not names.gradient_of or arrangement is None or jacobian.is_symmetric is not False:
        return
    pattern, mirrors, value, bar = arrangement.pattern, arrangement.mirrors, numeric.jacobian.data, numeric.bar
    stored = mirrors >= 0  # elsewhere the mirror image is 0
    image, image_bar = np.where(stored, value[mirrors], 0), np.where(stored, bar[mirrors], 0)
    smooth = (numeric.kind == Kind.SMOOTH) & (~stored | (numeric.kind[mirrors] == Kind.SMOOTH))
    with np.errstate(invalid="ignore"):
        gap = np.abs(value - image)
        wrong = smooth & (gap > bar + image_bar)
    if not wrong.any():
        return
    worst = int(np.argmax(np.where(wrong, gap, -1)))
    row, column = int(pattern.rows[worst]), int(pattern.indices[worst])
    one, other = (
        f"{number:.8g} ± {width:.1g}"
        for number, width in ((value[worst], bar[worst]), (image[worst], image_bar[worst]))
    )
    message = (
        f"this gradient is that of no function, for its Jacobian is not symmetric: the derivative of "
        f"{output_name(names, row)} by {input_name(names, column)} is {one}, and that of {output_name(names, column)} "
        f"by {input_name(names, row)} is {other}"
    )
    yield finding("J015", message, listed(np.array([column]), pattern.operand_shape))


def _holds(name: str, jacobian: JacobianReport, arrangement: Arrangement) -> bool:
    pattern = arrangement.pattern
    return {
        "diagonal": lambda: arrangement.is_diagonal,
        "block-diagonal": lambda: arrangement.is_diagonal or arrangement.blocks is not None,
        "permutation": lambda: arrangement.is_permutation,
        "broadcast": lambda: arrangement.is_broadcast,
        "lower-triangular": lambda: arrangement.is_lower_triangular,
        "upper-triangular": lambda: arrangement.is_upper_triangular,
        "banded": lambda: arrangement.is_banded,
        "symmetric": lambda: bool(jacobian.is_symmetric),
        "holomorphic": lambda: bool(jacobian.is_holomorphic),
        "dense": lambda: pattern.stored == prod(pattern.shape),
    }[name]()


def _unexpected(
    name: str, jacobian: JacobianReport, arrangement: Arrangement, numeric: Numeric, names: Names
) -> Finding:
    found = jacobian.looks if jacobian.structure != name or name == "dense" else "entries that are not there"
    if name == "holomorphic":
        return _not_holomorphic(numeric, names)
    message = f"expected {name}, found {found}"
    needs_square = name in ("diagonal", "permutation", "lower-triangular", "upper-triangular", "symmetric")
    if needs_square and not jacobian.is_square:
        message += f": the matrix is {format_shape(jacobian.shape)}, not square"
        return finding("J002", message)
    pattern = arrangement.pattern
    if name == "dense":
        output, column = _unread(pattern)
        value = "0"
    else:
        entry = _witness(name, arrangement, numeric)
        if entry is None:
            return finding("J002", message)
        output, column = int(pattern.rows[entry]), int(pattern.indices[entry])
        value = f"{numeric.jacobian.data[entry]:.6g}" if numeric.jacobian.pattern.stored == pattern.stored else "not 0"
        if name == "symmetric":
            value += f", its mirror {_mirror(entry, arrangement, numeric)}"
    message += f": {entry_name(names, output, column)} = {value}"
    return finding("J002", message, listed(np.array([column]), pattern.operand_shape))


def asymmetric_entry(jacobian: JacobianReport, numeric: Numeric, names: Names) -> str:
    """Name an entry that differs from its mirror image; nothing of a symmetric Jacobian, or one that is not square."""
    arrangement = jacobian.arrangement
    if arrangement is None or jacobian.is_symmetric is not False or not jacobian.is_square:
        return ""
    entry = _witness("symmetric", arrangement, numeric)
    if entry is None:
        return ""
    output, column = int(arrangement.pattern.rows[entry]), int(arrangement.pattern.indices[entry])
    value = f"{numeric.jacobian.data[entry]:.6g}"
    return f"{entry_name(names, output, column)} = {value}, its mirror {_mirror(entry, arrangement, numeric)}"


def _mirror(entry: int, arrangement: Arrangement, numeric: Numeric) -> str:
    mirror = int(arrangement.mirrors[entry])
    return "is not read" if mirror < 0 else f"{numeric.jacobian.data[mirror]:.6g} ± {numeric.bar[mirror]:.1g}"


def _not_holomorphic(numeric: Numeric, names: Names) -> Finding:
    """Name the largest entry that contradicts the Cauchy–Riemann equations, and the one that it should equal."""
    jacobian = numeric.jacobian
    against = np.flatnonzero(against_cauchy_riemann(jacobian, numeric.bar, names))
    worst = against[np.argmax(np.nan_to_num(np.abs(jacobian.data[against])))]
    row, column = int(jacobian.pattern.rows[worst]), int(jacobian.indices[worst])
    (output, from_im), (operand, by_im) = other_part(names.output), other_part(names.operand)
    place = int(jacobian.pattern.places(output[row], operand[column]))
    other = 0.0 if place < 0 else jacobian.data[place]
    same = from_im[row] == by_im[column]
    message = (
        f"expected holomorphic, but {entry_name(names, row, column)} = {jacobian.data[worst]:.6g}, and "
        f"{'' if same else '−'}{entry_name(names, int(output[row]), int(operand[column]))} = "
        f"{(other if same else -other) + 0.0:.6g}"
    )
    return finding("J002", message, listed(np.array([column]), jacobian.pattern.operand_shape))


def _witness(name: str, arrangement: Arrangement, numeric: Numeric) -> int | None:
    """Return the stored entry with the largest value among those that contradict the property, or None."""
    rows, columns = arrangement.rows.astype(np.int64), arrangement.columns.astype(np.int64)
    against = {
        "diagonal": rows != columns,
        "lower-triangular": columns > rows,
        "upper-triangular": columns < rows,
        "block-diagonal": np.abs(rows - columns) == np.abs(rows - columns).max(initial=0),
        "banded": np.abs(rows - columns) == np.abs(rows - columns).max(initial=0),
    }.get(name)
    if name == "symmetric":
        against = arrangement.asymmetric(numeric.jacobian.data, numeric.bar)
    elif against is None:  # permutation, broadcast: a row, or else a column, with several entries
        against = np.bincount(rows, minlength=1)[rows] > 1
        if name == "permutation" and not against.any():
            against = np.bincount(columns, minlength=1)[columns] > 1
    if arrangement.ignored is not None:
        against = against & ~arrangement.ignored
    entries = np.flatnonzero(against)
    if not entries.size:
        return None
    values = numeric.jacobian.data
    if values.size != rows.size:
        return int(entries[0])
    size = np.nan_to_num(np.abs(values[entries]))
    # The first of those that are equal but for rounding, so that the witness is the same on every machine.
    return int(entries[np.argmax(size >= size.max() * (1 - 1e-9))])


def _unread(pattern: Pattern) -> tuple[int, int]:
    """Return an output and an input that it does not read."""
    short = int(np.argmin(pattern.lengths))
    read = pattern.indices[pattern.indptr[short] : pattern.indptr[short + 1]]
    return short, int(np.setdiff1d(np.arange(pattern.shape[1]), read)[0])
