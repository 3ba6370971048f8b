"""What an outcome and a structure mean, for a reader who knows derivatives and not this program. Pure functions."""

from collections.abc import Iterator

import numpy as np

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.forms.unfolding import Unfolding
from jacinspect.views.facts import written_out
from jacinspect.wording import counted, format_shape

__all__ = ["of_outcome", "of_structure"]


def of_outcome(report: Report) -> Iterator[str]:
    """Say what the verdict rests on, where that is not a comparison in which every entry agrees."""
    a, j = report.agreement, report.jacobian
    if a is None or j is None:
        return
    shown = j.numeric is not None
    if a.disagreeing:
        marked = " where ✘ stands in J" if shown else ""
        yield f"Finite differences of f contradict this derivative{marked}."
    elif a.undecided:
        marked = " (? in J)" if shown else ""
        near = f"Near {report.names.x}, the values of f"
        yield f"{near} do not show whether the derivative is right{marked}. It may well be."
    elif a.coverage < 1:
        rest = ", the others only together, along random directions" if a.checked else ""
        entries = counted(a.entries_compared, "entry was", "entries were")
        yield f"A budget ended the work early: {entries} compared{rest}. J is not shown."
    elif not a.checked:
        yield "J is what differences of f give. With a derivative (-d), the two are compared."


def of_structure(report: Report, j: JacobianReport, form: Unfolding) -> Iterator[str]:
    """Say what each output reads, what J looks like therefore, and whether A' ⊙ dX is the differential."""
    outputs, inputs = j.shape if j.layout == "numerator" else j.shape[::-1]
    if not j.entries:
        yield report.names.own("There is nothing to differentiate: X or A has no entries.")
    elif j.stored == 0:
        yield report.names.own("No output reads an input: around X, f is constant and J is 0.")
    elif j.arrangement is None:
        yield "Which inputs each output reads is not known entirely: J may have more zeros than is said here."
    else:
        one = min(outputs, inputs) == 1
        reads, looks = _of_one(outputs, inputs, j) if one else _STRUCTURES[j.structure](report, j)
        yield f"{report.names.own(reads)}: {j.index_formula}."
        true = "the true J" if report.is_refuted else "J"  # a claimed one, which may look otherwise, stands below
        yield f"So {true}{'' if form.name == 'vec' else ', as vec,'} {looks}{report.names.own(_product(report, j))}."


def _product(report: Report, j: JacobianReport) -> str:
    """End the sentence with what that means for A' ⊙ dX."""
    repeated = written_out(report)
    product = f"A' ⊙ ({repeated})" if " " in repeated else "A' ⊙ dX"
    if report.is_elementwise and report.hadamard is not None:
        right = " with A' = the true f'(X)" if not report.hadamard_valid else ""
        diagonal = ", its diagonal is vec(A')," if j.is_diagonal else ","
        return f"{diagonal} and {product} is the differential{right}"
    if report.hadamard is not None and report.hadamard.max_difference is None:
        return ". A and X have different shapes, so there is no A' ⊙ dX"
    return ", and no A' ⊙ dX is the differential"


def _of_one(outputs: int, inputs: int, j: JacobianReport) -> tuple[str, str]:
    """Describe the Jacobian of one output, or by one input."""
    row, column = ("row", "column") if j.layout == "numerator" else ("column", "row")
    if outputs == inputs:
        return "f maps one number to one number", "is one number, the derivative"
    if outputs == 1:
        how = "all inputs" if j.stored == j.entries else f"{j.stored} of {inputs} inputs"
        return f"The one output reads {how}", f"is one {row}, the gradient"
    how = "Every output reads" if j.stored == j.entries else f"{j.stored} of {outputs} outputs read"
    return f"{how} the one input", f"is one {column}"


def _diagonal(report: Report, _j: JacobianReport) -> tuple[str, str]:
    if report.is_elementwise:
        return "Each output reads the one input in its own place", "is diagonal"
    return "Each output reads one input, the one at its place in vec", "is diagonal"


def _permutation(_report: Report, _j: JacobianReport) -> tuple[str, str]:
    reads = "Each output reads one input, and every input is read once, in another place"
    return reads, "has one entry in every row and column, like a permutation matrix"


def _broadcast(report: Report, j: JacobianReport) -> tuple[str, str]:
    if j.layout == "denominator":
        return "Each input is read by one output at most", "has at most one entry in each row"
    repeated = ", as X is repeated to the shape of A" if report.is_elementwise else ""
    reads = f"Each output reads one input at most, and some inputs are shared or left out{repeated}"
    return reads, "has at most one entry in each row"


def _blocks(_report: Report, j: JacobianReport) -> tuple[str, str]:
    own = "group"
    if len(j.tensor_shape) == 4:  # A and X are matrices
        own = "row" if "δ_ip" in j.index_formula else "column" if "δ_jq" in j.index_formula else own
    if j.blocks is None:
        return f"Each output reads the inputs of its own {own} alone", "is block-diagonal"
    size = f" of {format_shape(j.blocks.shape)}" if j.blocks.shape else ""
    order = "" if j.blocks.vec == j.vec else f" in {j.blocks.vec}-major vec (--vec {j.blocks.vec} shows them)"
    reads = f"Each output reads the inputs of its own {own} alone"
    return reads, f"has {j.blocks.count} blocks{size} on its diagonal{order} and is 0 elsewhere"


def _lower(_report: Report, j: JacobianReport) -> tuple[str, str]:
    return _one_side(j.layout == "numerator"), "is lower triangular"


def _upper(_report: Report, j: JacobianReport) -> tuple[str, str]:
    return _one_side(j.layout != "numerator"), "is upper triangular"


def _one_side(before: bool) -> str:
    first, second = ("before", "after") if before else ("after", "before")
    return f"Each output reads inputs at its own place in vec and {first} it, none {second}"


def _banded(_report: Report, j: JacobianReport) -> tuple[str, str]:
    below, above = (0, 0) if j.arrangement is None else j.arrangement.bandwidths
    before, after = (below, above) if j.layout == "numerator" else (above, below)
    reach = [f"{n} {side}" for n, side in ((before, "before"), (after, "after")) if n]
    looks = "is tridiagonal" if j.structure == "tridiagonal" else "is a band"
    return f"Each output reads inputs near its own place in vec, up to {' and '.join(reach)}", looks


def _sparse(_report: Report, j: JacobianReport) -> tuple[str, str]:
    most = 0 if j.arrangement is None else int(np.diff(j.arrangement.pattern.indptr).max(initial=0))
    return f"Each output reads few of the inputs, {most} at most", "is mostly 0, in no regular arrangement"


def _dense(_report: Report, j: JacobianReport) -> tuple[str, str]:
    if j.stored == j.entries:
        return "Every output reads every input", "is dense"
    return "Outputs read some of the inputs, in no regular arrangement", "has zeros, and is neither sparse nor dense"


_STRUCTURES = {
    "diagonal": _diagonal,
    "permutation": _permutation,
    "broadcast": _broadcast,
    "block-diagonal": _blocks,
    "lower-triangular": _lower,
    "upper-triangular": _upper,
    "tridiagonal": _banded,
    "banded": _banded,
    "sparse": _sparse,
    "dense": _dense,
}
