"""A declared sparsity pattern, as a solver's jac_sparsity, compared with the one that was detected. Next: report.

What f reads and the pattern lacks is an error, for a solver would not see it. What is declared and not read is a note:
structural zeros are legal.
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.claims import claimed_derivative
from jacinspect.functions.function import Array, Function
from jacinspect.inspection.codes import Finding, finding
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.naming import Names, entry_name, listed
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.records import replace
from jacinspect.wording import counted

__all__ = ["declared_pattern", "of_declared"]


def declared_pattern(function: Function, x: Array, output_shape: tuple[int, ...], vec: str | None) -> Pattern | None:
    """Return the declared pattern of a function; None where it has none.

    Raises
    ------
    InputError
        Where the matrix is not M×N, or is another pattern in another order of vec, which is not given.
    """
    if function.declared is None:
        return None
    claim = replace(function, rule=function.declared)
    try:
        read = claimed_derivative(claim, x, output_shape, vec)
    except (InputError, FunctionFailedError) as error:
        said = str(error).removeprefix(f"derivative {function.declared.numbers}: ")
        raise InputError(f"expected pattern {function.declared.numbers}: {said}") from error
    rows, columns, _ = read.of
    return Pattern.from_pairs(np.asarray(rows), np.asarray(columns), output_shape, x.shape)


def of_declared(
    declared: Pattern | None, jacobian: JacobianReport, numeric: Numeric, names: Names
) -> Iterator[Finding]:
    """J002 for entries that are read and not declared; as a note, for those that are declared and not read."""
    if declared is None:
        return
    if jacobian.arrangement is None:
        yield finding("J002", "the pattern that f reads could not be established within the budget (J007)")
        return
    found = jacobian.arrangement.structural.pattern
    missing = np.flatnonzero(~declared.has(found))
    if missing.size:
        values = _values(found, missing, numeric)
        worst = int(missing[np.argmax(np.nan_to_num(np.abs(values)))])
        place = entry_name(names, int(found.rows[worst]), int(found.indices[worst]))
        value = float(values[missing == worst][0])
        message = (
            f"the declared pattern lacks {counted(missing.size, 'entry', 'entries')} that f reads, worst "
            f"{place} = {value:.6g}{_lines(found, missing)}"
        )
        yield finding("J002", message, listed(np.unique(found.indices[missing]), found.operand_shape))
    unread = np.flatnonzero(~found.has(declared))
    if unread.size:
        first = entry_name(names, int(declared.rows[unread[0]]), int(declared.indices[unread[0]]))
        message = (
            f"{unread.size} of {counted(declared.stored, 'declared entry', 'declared entries')} "
            f"{'is' if unread.size == 1 else 'are'} not read, first {first}: a solver takes them for free or at the "
            "cost of a color, and nothing is wrong"
        )
        yield finding("J002", message, severity="note")


def _values(found: Pattern, entries: Array, numeric: Numeric) -> Array:
    """Return the numeric values of entries of the pattern that was found, NaN where there is none."""
    places = numeric.jacobian.pattern.places(found.rows[entries], found.indices[entries])
    return np.where(places >= 0, np.append(numeric.jacobian.data, np.nan)[places], np.nan)


def _lines(found: Pattern, missing: Array) -> str:
    """Say so where all that is missing is in one row, or in one column."""
    for lines, name in ((found.rows, "row"), (found.indices, "column")):
        if missing.size > 1 and np.all(lines[missing] == lines[missing[0]]):
            return f"; all of them in {name} {int(lines[missing[0]])}"
    return ""
