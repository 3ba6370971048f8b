"""What an inspection found, and the parts of the report that describe it. Next: findings, report."""

from dataclasses import dataclass

import numpy as np

from jacinspect.inspection.codes import Finding, verdict
from jacinspect.inspection.naming import index_of
from jacinspect.inspection.sections import AgreementReport, EntryReport, JacobianReport
from jacinspect.jacobian.agreement import Comparison, Status
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.dependencies import Spent
from jacinspect.jacobian.detection import Detection
from jacinspect.jacobian.directions import Directions
from jacinspect.jacobian.index_formula import index_formula
from jacinspect.jacobian.joint_kinks import JointKink
from jacinspect.jacobian.numeric import Numeric
from jacinspect.jacobian.stray import Stray
from jacinspect.jacobian.structure import Arrangement
from jacinspect.jacobian.unresolved import known_blocks

__all__ = ["Evidence", "agreement_report", "jacobian_report"]

_WORST = 5  # entries listed: enough to see whether they have something in common, and few enough to read


@dataclass(frozen=True, eq=False)
class Evidence:
    """The two Jacobians, and how they compare with each other and along random directions.

    `colors` is the number of colors, `coverage` the share of the entries that were compared, and `spent` the budget
    that ran out where that is not 1. `by_rounding`, booleans, are the stored entries that move by rounding alone; None
    for no entry. `stray` is an analytic entry outside the pattern that is not finite, `joint` an output whose entries
    are possible on their kinks one by one, but not together.
    """

    analytic: Jacobian | None
    numeric: Numeric
    comparison: Comparison
    directions: Directions
    colors: int
    coverage: float
    spent: Spent
    by_rounding: Array | None = None
    stray: Stray | None = None
    joint: JointKink | None = None

    @property
    def best(self) -> Jacobian:
        """The values to show products with: the analytic ones, unless there are none or they are wrong."""
        return self.numeric.jacobian if self.analytic is None or self.is_refuted else self.analytic

    @property
    def is_refuted(self) -> bool:
        """Whether the analytic derivative is wrong somewhere."""
        refuted = self.directions.analytic_refuted.size or self.directions.inputs_refuted.size
        return bool(refuted or self.stray or self.joint or np.any(self.comparison.status == Status.DISAGREES))

    @property
    def nonzero(self) -> Array:
        """Which stored entries are not zero at this point."""
        if self.analytic is not None and not self.is_refuted:
            return np.asarray(self.analytic.data != 0)
        return np.asarray(~(np.abs(self.numeric.jacobian.data) <= self.numeric.bar))  # nor is NaN


def jacobian_report(detection: Detection, evidence: Evidence, vec: str, layout: str) -> JacobianReport:
    """Describe the Jacobian: its pattern as it is arranged, and its values where they are complete."""
    values, numeric = evidence.best, evidence.numeric
    pattern = detection.pattern
    arrangement = Arrangement(pattern, vec, layout, evidence.by_rounding) if detection.proved else None
    complete = evidence.coverage == 1 and arrangement is not None
    blocks = None if arrangement is not None else known_blocks(detection, vec, layout)
    structure = arrangement.structure if arrangement is not None else "block-diagonal" if blocks else "dense"
    if arrangement is not None and structure == "block-diagonal":
        blocks = arrangement.blocks
    return JacobianReport(
        shape=pattern.shape if layout == "numerator" else pattern.shape[::-1],
        tensor_shape=pattern.output_shape + pattern.operand_shape,
        vec=vec,
        layout=layout,
        index_formula=_formula(evidence, complete),
        structure=structure,
        blocks=blocks,
        colors=evidence.colors,
        arrangement=arrangement,
        is_symmetric=(
            arrangement.is_symmetric(numeric.jacobian.data, numeric.bar) if complete and arrangement else None
        ),
        off_diagonal_ratio=arrangement.off_diagonal_ratio(values.data) if complete and arrangement else None,
        nonzeros=int(np.count_nonzero(evidence.nonzero)) if complete else None,
        analytic=evidence.analytic if complete else None,
        numeric=numeric.jacobian if complete else None,
        error_bar=numeric.bar if complete else None,
    )


def _formula(evidence: Evidence, complete: bool) -> str:
    values, bars = evidence.best, evidence.numeric.bar
    if evidence.by_rounding is not None:
        values, bars = values.only(~evidence.by_rounding), bars[~evidence.by_rounding]
    return index_formula(values, bars, complete)


def agreement_report(evidence: Evidence, found: list[Finding]) -> AgreementReport:
    """Sum up the comparison; the verdict is that of the findings."""
    comparison, analytic, numeric = evidence.comparison, evidence.analytic, evidence.numeric
    compared = (comparison.status <= Status.INCONCLUSIVE) & (analytic is not None)
    # Of an inconclusive entry, nothing is known that could be the worst.
    summary = comparison.summary(compared & (comparison.status != Status.INCONCLUSIVE), _WORST)
    return AgreementReport(
        checked=analytic is not None,
        verdict=verdict(found, about="agreement") if analytic is not None else None,
        entries_compared=int(np.count_nonzero(compared)),
        coverage=evidence.coverage,
        max_difference=summary.difference,
        max_error_bar=summary.bar if analytic is not None else float(numeric.bar.max()) if numeric.bar.size else None,
        max_ratio=summary.ratio,
        worst=tuple(_entry(evidence, entry) for entry in summary.worst),
    )


def _entry(evidence: Evidence, entry: int) -> EntryReport:
    numeric = evidence.numeric
    pattern = numeric.jacobian.pattern
    return EntryReport(
        output=index_of(int(pattern.rows[entry]), pattern.output_shape),
        operand=index_of(int(pattern.indices[entry]), pattern.operand_shape),
        analytic=None if evidence.analytic is None else float(evidence.analytic.data[entry]),
        numeric=float(numeric.jacobian.data[entry]),
        error_bar=float(numeric.bar[entry]),
    )
