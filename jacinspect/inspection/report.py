"""The result of an inspection: a frozen Report with its findings, verdict, exit status and JSON. Next: a view."""

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jacinspect.errors import ExitStatus, InputError
from jacinspect.inspection.codes import Finding, verdict
from jacinspect.inspection.matrix import JacobianReport, Shown, parts
from jacinspect.inspection.naming import Names
from jacinspect.inspection.plan import Calls
from jacinspect.inspection.sections import (
    AgreementReport,
    DetectionReport,
    FunctionReport,
    OperandReport,
    PointReport,
    RuleReport,
)
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.forms.hadamard import HadamardComparison
from jacinspect.jacobian.forms.unfolding import Unfolding, unfold
from jacinspect.records import dataclass
from jacinspect.wording import format_size, jsonable

if TYPE_CHECKING:
    from jacinspect.inspection.logdet import LogdetReport
    from jacinspect.inspection.spectrum import SpectrumReport

__all__ = ["SCHEMA_VERSION", "Report", "SecondOrderReport"]

SCHEMA_VERSION = 1  # of report.schema.json and check.schema.json, and of the JSON of `identities`
_BYTES = 8  # of a float64
_BYTES_AS_TEXT = 800  # of an entry while JSON is written: three matrices, and the entries again by rows (measured)

# What is said of a Hessian as of a Jacobian, by the same keys.
_OF_HESSIAN = (
    *("shape", "structure", "entries", "stored", "nonzeros", "density", "colors", "pattern"),
    *("sparse", "analytic", "numeric", "error_bar"),
)


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that an inspection found.

    `output`, `jacobian`, `agreement` and the products are None where the inspection had to stop (J005, J008).
    `is_elementwise` is what was found of f: whether each output reads at most the input at its own place. A' in both
    products is the function's own: the claimed one where a claim was checked. `hadamard_valid` is whether A' ⊙ dX is
    the differential: f is element-wise, and A' is its derivative.
    """

    version: str
    function: FunctionReport
    operand: OperandReport
    output: Array | None
    jacobian: JacobianReport | None
    detection: DetectionReport
    agreement: AgreementReport | None
    hadamard: HadamardComparison | None
    is_elementwise: bool
    hadamard_valid: bool
    chain_rule: HadamardComparison | None
    findings: tuple[Finding, ...]
    memory: int  # bytes that a dense array may take
    names: Names  # of the arrays that the operand and the output are made of
    expected: tuple[str, ...] = ()  # the properties asked for
    calls: int = 0  # of the function, all together
    spent: Calls | None = None  # what those at this X were for
    fixed: Mapping[str, Array] = field(default_factory=dict)  # the function's other operands, by name
    rules: tuple[RuleReport, ...] = ()  # the analytic rules that were checked; the main one is the first
    points: tuple[PointReport, ...] = ()  # where the inspection was made at several operands
    second_order: "SecondOrderReport | None" = None  # where it was asked for
    spectrum: "SpectrumReport | None" = None  # where it, or a property of it, was asked for

    @cached_property
    def verdict(self) -> str:
        """The worst that a finding says: "fail", "inconclusive" or "pass"."""
        return verdict(self.findings)

    @property
    def structure_only(self) -> bool:
        """Whether nothing was compared with anything: there is no derivative, and no property was asked for."""
        unchecked = self.agreement is not None and not self.agreement.checked
        return unchecked and not self.expected and self.logdet is None and self.verdict == "pass"

    @property
    def logdet(self) -> "LogdetReport | None":
        """What came out for a claim for log|det J|; None without one."""
        return None if self.spectrum is None else self.spectrum.logdet

    @property
    def without_evidence(self) -> bool:
        """Whether the inspection ended before anything was compared, or no entry of a derivative could be."""
        if self.agreement is None or self.jacobian is None:
            return True
        return self.agreement.checked and not self.agreement.entries_compared and self.jacobian.stored != 0

    @property
    def is_refuted(self) -> bool:
        """Whether the analytic derivative is wrong somewhere."""
        return self.agreement is not None and self.agreement.checked and self.agreement.verdict == "fail"

    @property
    def exit_status(self) -> ExitStatus:
        """0 where everything holds, 1 where something does not."""
        return ExitStatus.OK if self.verdict == "pass" else ExitStatus.FINDINGS

    def form(self, name: str, full: bool = False) -> Unfolding | None:
        """Return the Jacobian's form "vec", "tensor", "stacked" or "blocks"; None where the inspection had to stop.

        Raises
        ------
        InputError
            For "stacked" and "blocks" of arrays with more than two axes; with `full`, when the dense matrix exceeds the
            memory budget.
        """
        if full:
            self._require_dense_fits()
        j = self.jacobian
        if j is None or self.output is None:
            return None
        return unfold(name, self.output.shape, self.operand.values.shape, j.vec, j.layout)

    def to_dict(self, full: bool = False) -> dict[str, Any]:
        """Return the report as JSON-ready objects, in the order of report.schema.json.

        Arrays of over 4096 entries are None unless `full`.

        Raises
        ------
        InputError
            With `full`, when a dense matrix exceeds the memory budget.
        """
        if full:
            self._require_dense_fits()
        show = Shown(full)
        return {
            "schema_version": SCHEMA_VERSION,
            "version": self.version,
            "function": self.function.to_dict(),
            "operand": {**self.operand.to_dict(show), "parts": parts(self.names.operand), "fixed": self._fixed(show)},
            "output": self._output(show),
            "jacobian": self.jacobian and self.jacobian.to_dict(show),
            "detection": self.detection.to_dict(),
            "calls": self.calls,
            "agreement": self.agreement and self.agreement.to_dict(),
            "rules": [rule.to_dict() for rule in self.rules],
            "points": [point.to_dict() for point in self.points],
            "second_order": self.second_order and self.second_order.to_dict(show),
            "spectrum": self.spectrum and self.spectrum.to_dict(show),
            "hadamard": self._hadamard(show),
            "chain_rule": self._chain_rule(show),
            "findings": [jsonable(asdict(finding)) for finding in self.findings],
            "verdict": self.verdict,
        }

    def to_json(self, full: bool = False) -> str:
        """Return the report as one line of RFC 8259 JSON; equal inspections give equal text."""
        return json.dumps(self.to_dict(full), ensure_ascii=False, allow_nan=False) + "\n"

    def _require_dense_fits(self) -> None:
        """Raise InputError when the dense matrix, written out, would exceed the memory budget."""
        if self.jacobian is not None and _BYTES_AS_TEXT * self.jacobian.entries > self.memory:
            rows, columns = self.jacobian.shape
            size, written = (format_size(each * self.jacobian.entries) for each in (_BYTES, _BYTES_AS_TEXT))
            raise InputError(
                f"--full: the dense {rows}×{columns} matrix takes {size}, and about {written} to be written out: over "
                f"the {format_size(self.memory)} of --memory;\nleave --full out, or raise --memory"
            )

    def _fixed(self, show: Shown) -> list[dict[str, Any]]:
        return [
            {"name": name, "shape": list(values.shape), "dtype": str(values.dtype), "values": show.array(values)}
            for name, values in self.fixed.items()
        ]

    def _output(self, show: Shown) -> dict[str, Any] | None:
        if self.output is None:
            return None
        shape = list(self.output.shape)
        return {"shape": shape, "values": show.array(self.output), "parts": parts(self.names.output)}

    def _hadamard(self, show: Shown) -> dict[str, Any] | None:
        h = self.hadamard
        if h is None:
            return None
        return {
            "direction": show.array(h.factor),
            "hadamard": show.array(h.hadamard),
            "jacobian_product": show.array(h.product),
            "max_difference": jsonable(h.max_difference),
            "valid": self.hadamard_valid,
            "cost": {
                name: cost and {"bytes": cost.bytes, "multiplications": cost.multiplications}
                for name, cost in (("hadamard", h.hadamard_cost), ("matrix", h.matrix_cost))
            },
        }

    def _chain_rule(self, show: Shown) -> dict[str, Any] | None:
        c = self.chain_rule
        if c is None:
            return None
        return {
            "upstream": show.array(c.factor),
            "hadamard": show.array(c.hadamard),
            "transposed_product": show.array(c.product),
            "max_difference": jsonable(c.max_difference),
        }


@dataclass(frozen=True, eq=False)
class SecondOrderReport:
    """What was found of the gradient of w·f, whose Jacobian is the Hessian; or why it was not inspected.

    `gradient` is the report of its inspection. `weights` is w, of f's output shape: 1 where f has one output, or where
    each output reads the input in its own place.
    """

    gradient: Report | None
    weights: Array | None
    message: str | None = None
    formula: str | None = None  # f'', of an element-wise function

    @property
    def of(self) -> str:
        """What is differentiated twice, as in ∂²f/∂x∂y."""
        return "f" if self.gradient is None else self.gradient.names.gradient_of

    @property
    def is_symmetric(self) -> bool | None:
        """Whether the Hessian is symmetric within its bars; None where not all of its values are known."""
        known = self.gradient is not None and self.gradient.jacobian is not None
        return self.gradient.jacobian.is_symmetric if known else None  # type: ignore[union-attr]

    def to_dict(self, show: Shown) -> dict[str, Any]:
        """Return the Hessian as a Jacobian, with what its comparison found, as JSON-ready objects."""
        g = self.gradient
        j = None if g is None or g.jacobian is None else g.jacobian.to_dict(show)
        return {
            "message": self.message,
            "of": self.of,
            "formula": self.formula,
            "weights": show.array(self.weights),
            "symmetric": self.is_symmetric,
            **{key: j and j[key] for key in _OF_HESSIAN},
            "detection": g and g.detection.to_dict(),
            "calls": g and g.calls,
            "agreement": g and g.agreement and g.agreement.to_dict(),
            "rules": [rule.to_dict() for rule in g.rules] if g else [],
            "spectrum": g and g.spectrum and g.spectrum.to_dict(show),
            "findings": [jsonable(asdict(finding)) for finding in g.findings] if g else [],
            "verdict": g and g.verdict,
        }
