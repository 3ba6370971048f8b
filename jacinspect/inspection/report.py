"""What an inspection found: a frozen Report, its findings, its verdict and exit status, and its JSON. Next: a view."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite, prod
from typing import Any

import numpy as np

from jacinspect.errors import ExitStatus, InputError
from jacinspect.inspection.codes import Finding, verdict
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.hadamard import Product
from jacinspect.jacobian.layouts import Unfolding, arrange
from jacinspect.jacobian.structure import Arrangement, Blocks
from jacinspect.wording import format_parameter, format_size

__all__ = [
    "LARGEST_PRINTED",
    "AgreementReport",
    "DetectionReport",
    "EntryReport",
    "FunctionReport",
    "JacobianReport",
    "OperandReport",
    "Report",
]

SCHEMA_VERSION = 1
LARGEST_PRINTED = 4096  # entries; larger arrays are null in JSON unless asked for in full
_BYTES = 8  # of a float64
_BYTES_AS_TEXT = 400  # of an entry on its way into JSON: three matrices as Python's numbers, then as text (measured)


@dataclass(frozen=True)
class FunctionReport:
    """The function as it was declared; nothing here was measured."""

    name: str
    kind: str
    parameters: dict[str, float | bool | str | None]
    source: str
    formula: str | None
    derivative: str | None
    operands: tuple[str, ...] = ("x",)
    latex: str | None = None  # the formula

    @property
    def title(self) -> str:
        """Its name with its parameters, but for those that are off."""
        on = {name: value for name, value in self.parameters.items() if value is not None and value is not False}
        said = ", ".join(f"{name}={format_parameter(value)}" for name, value in on.items())
        return f"{self.name}({said})" if said else self.name


@dataclass(frozen=True, eq=False)
class OperandReport:
    """The operand that the Jacobian is taken by: its values, their source, and the seed of all that is random."""

    name: str
    position: int
    values: Array
    source: str
    seed: int


@dataclass(frozen=True, eq=False)
class DetectionReport:
    """How the pattern was established: calls of f, points it was observed at, whether it is proved."""

    evaluations: int
    points: int
    proved: bool
    deterministic: bool
    miss_probability: float | None


@dataclass(frozen=True)
class EntryReport:
    """One entry of the Jacobian, by its output's and its operand's index, as claimed and as measured."""

    output: tuple[int, ...]
    operand: tuple[int, ...]
    analytic: float | None
    numeric: float
    error_bar: float


@dataclass(frozen=True)
class AgreementReport:
    """Whether the analytic and the numeric Jacobian agree, over which share of the entries, and where least.

    `checked` is whether there is an analytic derivative at all.
    """

    checked: bool
    verdict: str
    entries_compared: int
    coverage: float
    max_difference: float | None
    max_error_bar: float | None
    max_ratio: float | None
    worst: tuple[EntryReport, ...]


@dataclass(frozen=True, eq=False)
class JacobianReport:
    """The Jacobian in an order of vec and a layout: what it is, and its values (None where they were not all taken).

    `arrangement` is None where the pattern is not proved; `structure` and `blocks` then say what is known all the same.
    """

    shape: tuple[int, int]
    tensor_shape: tuple[int, ...]
    vec: str
    layout: str
    index_formula: str
    structure: str
    blocks: Blocks | None
    colors: int
    arrangement: Arrangement | None
    is_symmetric: bool | None
    off_diagonal_ratio: float | None
    nonzeros: int | None
    analytic: Jacobian | None
    numeric: Jacobian | None
    error_bar: Array | None  # like numeric.data

    @property
    def is_square(self) -> bool:
        """Whether the matrix has as many rows as columns."""
        return self.shape[0] == self.shape[1]

    @property
    def is_diagonal(self) -> bool:
        """Whether the matrix is square and its pattern has nothing off the diagonal."""
        return self.arrangement is not None and self.arrangement.is_diagonal

    @property
    def entries(self) -> int:
        """How many entries the matrix has."""
        return prod(self.shape)

    @property
    def stored(self) -> int | None:
        """How many entries the pattern has; None where it is not proved."""
        return None if self.arrangement is None else self.arrangement.pattern.stored

    def at(self, of: str, outputs: Array, inputs: Array) -> list[list[float | None]]:
        """Return "analytic", "numeric" or "error_bar" at entries (output, input): two equal matrices of flat indices.

        None where nothing is stored.
        """
        jacobian = self.analytic if of == "analytic" else self.numeric
        if jacobian is None:
            return []
        values = jacobian.data if self.error_bar is None or of != "error_bar" else self.error_bar
        places = jacobian.pattern.places(outputs, inputs)
        return [[None if place < 0 else float(values[place]) for place in line] for line in places]

    def matrix(self, of: str) -> Array | None:
        """Return "analytic", "numeric" or "error_bar" as a dense matrix in this vec order and layout, or None."""
        if of == "error_bar":
            if self.numeric is None or self.error_bar is None:
                return None
            return Jacobian(self.numeric.pattern, self.error_bar).matrix(self.vec, self.layout)
        jacobian: Jacobian | None = getattr(self, of)
        return None if jacobian is None else jacobian.matrix(self.vec, self.layout)


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that an inspection found.

    `output`, `jacobian`, `agreement` and what follows from them are None where the inspection had to stop (J005, J008).
    """

    version: str
    function: FunctionReport
    operand: OperandReport
    output: Array | None
    jacobian: JacobianReport | None
    detection: DetectionReport
    agreement: AgreementReport | None
    hadamard: Product | None
    hadamard_valid: bool
    chain_rule: Product | None
    findings: tuple[Finding, ...]
    memory: int  # bytes that a dense array may take
    fixed: Mapping[str, Array] = field(default_factory=dict)  # the function's other operands, by name

    @cached_property
    def verdict(self) -> str:
        """The worst that a finding says: "fail", "inconclusive" or "pass"."""
        return verdict(self.findings)

    @property
    def exit_status(self) -> ExitStatus:
        """0 where everything holds, 1 where something does not."""
        return ExitStatus.OK if self.verdict == "pass" else ExitStatus.FINDINGS

    def form(self, name: str) -> Unfolding | None:
        """Return the Jacobian's form "vec", "tensor", "stacked" or "blocks"; None where the inspection had to stop.

        Raises
        ------
        InputError
            For "stacked" and "blocks" of arrays with more than two axes.
        """
        j = self.jacobian
        if j is None or self.output is None:
            return None
        return arrange(name, self.output.shape, self.operand.values.shape, j.vec, j.layout)

    def to_dict(self, full: bool = False) -> dict[str, Any]:
        """Return the report as JSON-ready objects, in the order of report.schema.json.

        Arrays of over 4096 entries are None unless `full`.

        Raises
        ------
        InputError
            With `full`, when a dense matrix exceeds the memory budget.
        """
        if full:
            self.require_dense_fits()
        show = _Shower(full)
        return {
            "schema_version": SCHEMA_VERSION,
            "version": self.version,
            "function": {
                "name": self.function.name,
                "kind": self.function.kind,
                "parameters": {name: _number(value) for name, value in self.function.parameters.items()},
                "source": self.function.source,
                "formula": self.function.formula,
                "derivative": self.function.derivative,
            },
            "operand": {
                "name": self.operand.name,
                "position": self.operand.position,
                "shape": list(self.operand.values.shape),
                "dtype": str(self.operand.values.dtype),
                "source": _unicode(self.operand.source),
                "seed": self.operand.seed,
                "values": show.array(self.operand.values),
            },
            "output": None
            if self.output is None
            else {"shape": list(self.output.shape), "values": show.array(self.output)},
            "jacobian": self._jacobian(show),
            "detection": {
                "evaluations": self.detection.evaluations,
                "points": self.detection.points,
                "proved": self.detection.proved,
                "deterministic": self.detection.deterministic,
                "miss_probability": self.detection.miss_probability,
            },
            "agreement": self._agreement(),
            "hadamard": self._hadamard(show),
            "chain_rule": self._chain_rule(show),
            "findings": [
                {
                    "code": finding.code,
                    "name": finding.name,
                    "severity": finding.severity,
                    "message": finding.message,
                    "at": [list(index) for index in finding.at],
                }
                for finding in self.findings
            ],
            "verdict": self.verdict,
        }

    def to_json(self, full: bool = False) -> str:
        """Return the report as one line of RFC 8259 JSON; equal inspections give equal text."""
        return json.dumps(self.to_dict(full), ensure_ascii=False, allow_nan=False) + "\n"

    def require_dense_fits(self) -> None:
        """Raise InputError when the dense matrix, written out, would exceed the memory budget."""
        if self.jacobian is not None and _BYTES_AS_TEXT * self.jacobian.entries > self.memory:
            rows, columns = self.jacobian.shape
            size, written = (format_size(each * self.jacobian.entries) for each in (_BYTES, _BYTES_AS_TEXT))
            raise InputError(
                f"--full: the dense {rows}×{columns} matrix takes {size}, and about {written} to be written out: over "
                f"the {format_size(self.memory)} of --memory;\nleave --full out, or raise --memory"
            )

    def _jacobian(self, show: "_Shower") -> dict[str, Any] | None:
        j = self.jacobian
        if j is None:
            return None
        a = j.arrangement
        blocks = j.blocks and {
            "count": j.blocks.count,
            "shape": j.blocks.shape and list(j.blocks.shape),
            "vec": j.blocks.vec,
        }
        few = a is not None and (show.full or a.pattern.stored <= LARGEST_PRINTED)
        return {
            "shape": list(j.shape),
            "tensor_shape": list(j.tensor_shape),
            "vec": j.vec,
            "layout": j.layout,
            "index_formula": j.index_formula,
            "structure": j.structure,
            "is_square": j.is_square,
            "is_diagonal": j.is_diagonal,
            "is_symmetric": j.is_symmetric,
            "off_diagonal_ratio": _number(j.off_diagonal_ratio),
            "lower_bandwidth": a and a.bandwidths[0],
            "upper_bandwidth": a and a.bandwidths[1],
            "blocks": blocks,
            "entries": j.entries,
            "stored": j.stored,
            "nonzeros": j.nonzeros,
            "density": a and a.density,
            "colors": j.colors,
            "pattern": _pairs(a) if a is not None and few else None,
            **{of: show.matrix(j, of) for of in ("analytic", "numeric", "error_bar")},
        }

    def _agreement(self) -> dict[str, Any] | None:
        a = self.agreement
        if a is None:
            return None
        return {
            "verdict": a.verdict,
            "entries_compared": a.entries_compared,
            "coverage": a.coverage,
            "max_difference": _number(a.max_difference),
            "max_error_bar": _number(a.max_error_bar),
            "max_ratio": _number(a.max_ratio),
            "worst": [
                {
                    "output": list(entry.output),
                    "operand": list(entry.operand),
                    "analytic": _number(entry.analytic),
                    "numeric": _number(entry.numeric),
                    "error_bar": _number(entry.error_bar),
                }
                for entry in a.worst
            ],
        }

    def _hadamard(self, show: "_Shower") -> dict[str, Any] | None:
        h = self.hadamard
        if h is None:
            return None
        return {
            "direction": show.array(h.factor),
            "hadamard": show.array(h.hadamard),
            "jacobian_product": show.array(h.product),
            "max_difference": _number(h.max_difference),
            "valid": self.hadamard_valid,
            "cost": {
                name: cost and {"bytes": cost.bytes, "multiplications": cost.multiplications}
                for name, cost in (("hadamard", h.hadamard_cost), ("matrix", h.matrix_cost))
            },
        }

    def _chain_rule(self, show: "_Shower") -> dict[str, Any] | None:
        c = self.chain_rule
        if c is None:
            return None
        return {
            "upstream": show.array(c.factor),
            "hadamard": show.array(c.hadamard),
            "transposed_product": show.array(c.product),
            "max_difference": _number(c.max_difference),
        }


@dataclass(frozen=True)
class _Shower:
    """Turns arrays into lists, or into None where they are too large to be read."""

    full: bool

    def array(self, array: Array | None) -> Any:
        if array is None or (array.size > LARGEST_PRINTED and not self.full):
            return None
        if np.isfinite(array).all():
            return array.tolist()
        return _numbers(array.tolist())

    def matrix(self, jacobian: JacobianReport, of: str) -> Any:
        if jacobian.entries > LARGEST_PRINTED and not self.full:
            return None
        return self.array(jacobian.matrix(of))


def _numbers(nested: Any) -> Any:
    return [_numbers(item) for item in nested] if isinstance(nested, list) else _number(nested)


def _number(x: float | str | None) -> float | str | None:
    """Write a number as RFC 8259 can, non-finite ones by name; what is none stays as it is."""
    if x is None or isinstance(x, str) or isfinite(x):
        return x
    return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"


def _unicode(text: str) -> str:
    """Spell out the lone surrogates by which Python stands for the bytes of a file name that are no UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def _pairs(arrangement: Arrangement) -> dict[str, list[int]]:
    order = np.lexsort((arrangement.columns, arrangement.rows))
    return {"rows": arrangement.rows[order].tolist(), "columns": arrangement.columns[order].tolist()}
