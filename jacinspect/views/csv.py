"""The stored entries as CSV: output, input, analytic, numeric, bar, status. A pure function Report -> str."""

import csv
from io import StringIO

import numpy as np

from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from jacinspect.jacobian.calls.blackbox import Array

__all__ = ["render"]

_COLUMNS = ("output", "input", "analytic", "numeric", "bar", "status")


def render(report: Report, full: bool = False, form: str = "vec") -> str:  # noqa: ARG001 (as every view is called)
    """Write a row per stored entry, row by row of the matrix; what is not known is empty.

    An index is as numpy has it, its axes separated by commas: 0,1 in A[0,1]. Numbers are read back exactly.

    Raises
    ------
    InputError
        When there is no Jacobian, or its pattern is not proved.
    """
    j = report.jacobian
    entries = None if j is None else j.stored_entries()
    if entries is None or report.output is None:
        raise InputError("csv: the stored entries are not known; --format json says why")
    values = [[] if each is None else each.tolist() for each in (entries.analytic, entries.numeric, entries.bar)]
    columns = [
        _indices(entries.outputs, report.output.shape),
        _indices(entries.inputs, report.operand.values.shape),
        *(each or [""] * entries.number for each in (*values, entries.statuses)),
    ]
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(zip(*columns, strict=True))
    return file.getvalue()


def _indices(flat: Array, shape: tuple[int, ...]) -> list[str]:
    """Write flat row-major indices as indices along the axes."""
    axes = [axis.tolist() for axis in np.unravel_index(flat, shape)] if shape else []
    return [",".join(map(str, index)) for index in zip(*axes, strict=True)] if axes else [""] * flat.size
