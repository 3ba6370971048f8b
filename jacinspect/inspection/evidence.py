"""What an inspection found, and the parts of the report that describe it. Next: findings, report."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from jacinspect.inspection.blocks import blocks_of
from jacinspect.inspection.codes import Finding, verdict
from jacinspect.inspection.holomorphic import against_cauchy_riemann, is_complex
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.naming import Names, entry_name
from jacinspect.inspection.sections import AgreementReport, EntryReport
from jacinspect.jacobian.agreement.comparison import Comparison, Status
from jacinspect.jacobian.agreement.directions import Directions
from jacinspect.jacobian.agreement.joint_kinks import JointKink
from jacinspect.jacobian.agreement.outside import Stray
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.forms.index_formula import index_formula
from jacinspect.jacobian.forms.structure import Arrangement
from jacinspect.jacobian.indices import without
from jacinspect.jacobian.patterns.dependencies import Spent
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.jacobian.patterns.unresolved import known_blocks
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.operands.bundle import index_of
from jacinspect.records import dataclass, replace

__all__ = ["Evidence", "agreement_report", "jacobian_report"]

_WORST = 5  # entries listed: enough to see whether they have something in common, and few enough to read


@dataclass(frozen=True, eq=False)
class Evidence:
    """The two Jacobians, and how they compare with each other and along random directions.

    `colors` is the number of colors, `coverage` the share of the entries that were compared, and `spent` the budget
    that ran out where that is not 1. `by_rounding`, booleans, are the stored entries that move by rounding alone; None
    for no entry. `stray` is an analytic entry outside the pattern that is not finite, `joint` an output whose entries
    are possible on their kinks one by one, but not together. `spurious` are the analytic entries outside the pattern,
    where they were looked for and found. `calls` is how many calls of f all this took.
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
    spurious: Jacobian | None = None
    calls: int = 0

    @property
    def claim(self) -> Jacobian | None:
        """The analytic Jacobian, and with it the entries outside the pattern of one that is wrong."""
        if self.analytic is None or self.spurious is None or not self.is_refuted:
            return self.analytic
        return self.analytic.with_entries(self.spurious)

    @property
    def best(self) -> Jacobian:
        """The values to show products with: the analytic ones, unless there are none or some of them are wrong."""
        return self.numeric.jacobian if self.analytic is None or self.disagrees else self.analytic

    @cached_property
    def disagrees(self) -> bool:
        """Whether an entry of the pattern is wrong."""
        return self.comparison.count(Status.DISAGREES) > 0

    @property
    def is_refuted(self) -> bool:
        """Whether the analytic derivative is wrong somewhere."""
        refuted = self.directions.analytic_refuted.size or self.directions.inputs_refuted.size
        return bool(refuted or self.stray or self.joint or self.disagrees)

    def wrong_outside(self, unresolved: Array) -> Jacobian | None:
        """Return the entries outside the pattern of a refuted derivative, but for outputs whose pattern is unresolved.

        What f does not read was moved, and did not change it by a bit: its derivative is 0.
        """
        if self.spurious is None or not self.is_refuted:
            return None
        wrong = self.spurious.only(~np.isin(self.spurious.pattern.rows, unresolved))
        return wrong if wrong.data.size else None

    @property
    def unexplained(self) -> Directions:
        """What directions refute of the analytic derivative, but for what its entries outside the pattern do."""
        if self.spurious is None:
            return self.directions
        return replace(
            self.directions,
            analytic_refuted=without(self.directions.analytic_refuted, self.spurious.pattern.rows),
            inputs_refuted=without(self.directions.inputs_refuted, self.spurious.indices),
        )

    @property
    def nonzero(self) -> Array:
        """Which stored entries are not zero at this point."""
        if self.analytic is not None and not self.disagrees:
            return np.asarray(self.analytic.data != 0)
        return np.asarray(~(np.abs(self.numeric.jacobian.data) <= self.numeric.bar))  # nor is NaN


def jacobian_report(detection: Detection, evidence: Evidence, vec: str, layout: str, names: Names) -> JacobianReport:
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
        index_formula=names.own(_formula(evidence, complete)),
        structure=structure,
        blocks=blocks,
        colors=evidence.colors,
        arrangement=arrangement,
        is_symmetric=(
            arrangement.is_symmetric(numeric.jacobian.data, numeric.bar) if complete and arrangement else None
        ),
        off_diagonal_ratio=arrangement.off_diagonal_ratio(values.data) if complete and arrangement else None,
        nonzeros=int(np.count_nonzero(evidence.nonzero)) if complete else None,
        analytic=evidence.claim if complete else None,
        numeric=numeric.jacobian if complete else None,
        error_bar=numeric.bar if complete else None,
        status=evidence.comparison.status if complete else None,
        is_holomorphic=(
            not against_cauchy_riemann(numeric.jacobian, numeric.bar, names).any()
            if complete and is_complex(names)
            else None
        ),
        parts=() if arrangement is None else blocks_of(arrangement.structural.pattern, names, vec, layout),
    )


def _formula(evidence: Evidence, complete: bool) -> str:
    values, bars = evidence.best, evidence.numeric.bar
    if evidence.by_rounding is not None:
        values, bars = values.only(~evidence.by_rounding), bars[~evidence.by_rounding]
    return index_formula(values, bars, complete)


def agreement_report(evidence: Evidence, found: list[Finding], names: Names) -> AgreementReport:
    """Sum up the comparison; the verdict is that of the findings."""
    comparison, analytic, numeric = evidence.comparison, evidence.analytic, evidence.numeric
    compared = (comparison.status <= Status.INCONCLUSIVE) & (analytic is not None)
    # Of an inconclusive entry, nothing is known that could be the worst.
    summary = comparison.summary(compared & (comparison.status != Status.INCONCLUSIVE), _WORST)
    outside = tuple(_outside(evidence, names))
    bars = numeric.bar[~np.isnan(numeric.bar)]
    off = max((abs(entry.analytic or 0.0) for entry in outside), default=0.0)
    return AgreementReport(
        checked=analytic is not None,
        verdict=verdict(found, about="agreement") if analytic is not None else None,
        entries_compared=int(np.count_nonzero(compared)),
        coverage=evidence.coverage,
        max_difference=max(summary.difference or 0.0, off) if outside else summary.difference,
        max_error_bar=summary.bar if analytic is not None else float(bars.max()) if bars.size else None,
        max_ratio=max(summary.ratio or 0.0, 1 / ROUNDING) if outside else summary.ratio,
        worst=(*outside[: _WORST - evidence.disagrees], *(_entry(evidence, each, names) for each in summary.worst))[
            :_WORST
        ],
        disagreeing=comparison.count(Status.DISAGREES)
        + (evidence.spurious.data.size if outside and evidence.spurious is not None else 0),
        undecided=sum(map(comparison.count, (Status.INCONCLUSIVE, Status.OUT_OF_REACH))),
        jumps=int(np.count_nonzero(compared & (comparison.status == Status.KINK) & (numeric.kind == Kind.JUMP))),
    )


def _outside(evidence: Evidence, names: Names) -> Iterator[EntryReport]:
    """Yield the largest analytic entries where f has none, which differ from 0 by all that they are."""
    spurious = evidence.spurious
    if spurious is None or not evidence.is_refuted:
        return
    pattern = spurious.pattern
    for entry in np.argsort(-np.abs(spurious.data), kind="stable")[:_WORST]:
        row, column = int(pattern.rows[entry]), int(pattern.indices[entry])
        output, operand = index_of(row, pattern.output_shape), index_of(column, pattern.operand_shape)
        yield EntryReport(entry_name(names, row, column), output, operand, float(spurious.data[entry]), 0.0, 0.0, True)


def _entry(evidence: Evidence, entry: int, names: Names) -> EntryReport:
    numeric = evidence.numeric
    pattern = numeric.jacobian.pattern
    row, column = int(pattern.rows[entry]), int(pattern.indices[entry])
    return EntryReport(
        name=entry_name(names, row, column),
        output=index_of(row, pattern.output_shape),
        operand=index_of(column, pattern.operand_shape),
        analytic=None if evidence.analytic is None else float(evidence.analytic.data[entry]),
        numeric=float(numeric.jacobian.data[entry]),
        error_bar=float(numeric.bar[entry]),
        disagrees=bool(evidence.comparison.status[entry] == Status.DISAGREES),
    )
