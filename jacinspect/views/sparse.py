"""The Jacobian itself as a file that scipy reads: a pure function Report -> bytes for each format.

Both files hold the analytic values, or else the numeric ones, in the report's order of vec and layout, and say which
these are. scipy itself is not needed.
"""

from io import BytesIO

import numpy as np

from jacinspect.errors import InputError
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.calls.blackbox import Array

__all__ = ["RENDERERS", "render_mtx", "render_npz"]


def render_npz(report: Report) -> bytes:
    """Write the compressed rows under the names that scipy.sparse.load_npz expects, which returns a csr_array.

    Raises
    ------
    InputError
        When there is no Jacobian, or not all of its values were taken.
    """
    j, (rows, columns, data) = _entries(report)
    arrangement = j.arrangement
    assert arrangement is not None
    shape = j.shape
    index = np.int32 if max(*shape, data.size) < 2**31 else np.int64
    indptr = np.zeros(shape[0] + 1, index)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    file = BytesIO()
    np.savez(
        file,
        data=data,
        indices=columns.astype(index),
        indptr=indptr,
        shape=np.array(shape),
        format=np.array(b"csr"),
        _is_array=np.array(True),
        vec=np.array(j.vec.encode()),  # these two are for people, and for `-d J.npz`
        layout=np.array(j.layout.encode()),
        colors=arrangement.pattern.groups(j.vec),  # of the inputs: those of one color can be differenced together
    )
    return file.getvalue()


def render_mtx(report: Report) -> bytes:
    """Write Matrix Market coordinates (Boisvert, Pozo & Remington 1996), each number so that it is read back exactly.

    Raises
    ------
    InputError
        As `render_npz`.
    """
    j, (rows, columns, data) = _entries(report)
    shape = j.shape
    function = " ".join(report.function.name.split())
    head = f"%%MatrixMarket matrix coordinate real general\n% Jacobian of {function}, jacinspect {report.version}\n"
    head += f"% vec: {j.vec}, layout: {j.layout}\n"
    triples = zip((rows + 1).tolist(), (columns + 1).tolist(), data.tolist(), strict=True)
    lines = "".join([f"{row} {column} {value!r}\n" for row, column, value in triples])
    return f"{head}{shape[0]} {shape[1]} {data.size}\n{lines}".encode()


RENDERERS = {".npz": render_npz, ".mtx": render_mtx}


def _entries(report: Report) -> tuple[JacobianReport, tuple[Array, Array, Array]]:
    """Return the Jacobian, and row, column and value of each stored entry, row by row."""
    j = report.jacobian
    if j is None:
        raise InputError(f"there is no Jacobian ({report.findings[0].code} {report.findings[0].name})")
    values = j.analytic or j.numeric
    if values is None or j.arrangement is None:
        raise InputError("only a sample of the Jacobian has values (J007);\nraise --max-evaluations or --memory")
    arrangement = j.arranged(values)
    rows, columns = arrangement.rows, arrangement.columns
    order = np.lexsort((columns, rows))
    return j, (rows[order].astype(np.int64), columns[order].astype(np.int64), values.data[order])
