"""The sections of a report, but for the Jacobian (see matrix): what each says, and its JSON. Next: report."""

from typing import Any

from jacinspect.inspection.matrix import Shown, unicode
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.records import dataclass
from jacinspect.wording import format_parameter, jsonable

__all__ = [
    "AgreementReport",
    "DetectionReport",
    "EntryReport",
    "FunctionReport",
    "OperandReport",
    "PointReport",
    "RuleReport",
]


@dataclass(frozen=True)
class FunctionReport:
    """The function as it is declared; nothing here was measured."""

    name: str
    kind: str
    parameters: dict[str, Any]
    source: str
    formula: str | None
    derivative: str | None
    operands: tuple[str, ...] = ("x",)
    latex: str | None = None  # the formula
    note: str = ""  # what was done to the code's own objects
    by_number: bool = False  # called with one number at a time, for it takes no arrays
    place: tuple[str, int] | None = None  # the file, from the current folder, and the line of people's own code
    derivative_place: tuple[str, int] | None = None  # those of a derivative that was given

    @property
    def title(self) -> str:
        """Its name with its parameters, except those that are None or False."""
        on = {name: value for name, value in self.parameters.items() if value is not None and value is not False}
        said = ", ".join(f"{name}={format_parameter(value)}" for name, value in on.items())
        return f"{self.name}({said})" if said else self.name

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as JSON-ready objects."""
        return {
            "name": self.name,
            "kind": self.kind,
            "parameters": jsonable(self.parameters),
            "source": self.source,
            "formula": self.formula,
            "derivative": self.derivative,
            "place": _place(self.place),
            "derivative_place": _place(self.derivative_place),
        }


def _place(place: tuple[str, int] | None) -> dict[str, Any] | None:
    return place and {"file": unicode(place[0]), "line": place[1]}


@dataclass(frozen=True, eq=False)
class OperandReport:
    """The operand to differentiate by: its values, their source, and the seed of everything random.

    Of several operands laid end to end, `values` is the vector, and `position` that of the first.
    """

    name: str
    position: int
    values: Array
    source: str
    seed: int

    def to_dict(self, show: Shown) -> dict[str, Any]:
        """Return the operand as JSON-ready objects; large values are None."""
        return {
            "name": self.name,
            "position": self.position,
            "shape": list(self.values.shape),
            "dtype": str(self.values.dtype),
            "source": unicode(self.source),
            "seed": self.seed,
            "values": show.array(self.values),
        }


@dataclass(frozen=True, eq=False)
class DetectionReport:
    """How the pattern was found: calls of f, points at which it was observed, whether it is proved."""

    evaluations: int
    points: int
    proved: bool
    deterministic: bool
    miss_probability: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return how the pattern was established as JSON-ready objects."""
        return {
            "evaluations": self.evaluations,
            "points": self.points,
            "proved": self.proved,
            "deterministic": self.deterministic,
            "miss_probability": self.miss_probability,
        }


@dataclass(frozen=True)
class EntryReport:
    """One entry of the Jacobian: its name, the indices of its output and input, its two values, whether they differ."""

    name: str
    output: tuple[int, ...]
    operand: tuple[int, ...]
    analytic: float | None
    numeric: float
    error_bar: float
    disagrees: bool = False


@dataclass(frozen=True)
class AgreementReport:
    """Whether the analytic and the numeric Jacobian agree, for which share of the entries, and the worst entries.

    `checked` is whether there is an analytic derivative; without one there is no verdict. `jumps` counts the analytic
    entries that pass at a jump of f, `disagreeing` those that are wrong, `undecided` those that the values of f do not
    decide.
    """

    checked: bool
    verdict: str | None
    entries_compared: int
    coverage: float
    max_difference: float | None
    max_error_bar: float | None
    max_ratio: float | None
    worst: tuple[EntryReport, ...]
    jumps: int = 0
    disagreeing: int = 0
    undecided: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready objects."""
        return {
            "verdict": self.verdict,
            "entries_compared": self.entries_compared,
            "coverage": self.coverage if self.checked else None,
            "max_difference": jsonable(self.max_difference),
            "max_error_bar": jsonable(self.max_error_bar),
            "max_ratio": jsonable(self.max_ratio),
            "worst": [
                {
                    "output": list(entry.output),
                    "operand": list(entry.operand),
                    "analytic": jsonable(entry.analytic),
                    "numeric": jsonable(entry.numeric),
                    "error_bar": jsonable(entry.error_bar),
                }
                for entry in self.worst
            ],
        }


@dataclass(frozen=True)
class RuleReport:
    """A rule of the function's own that was checked: its verdict, or None if it could not be, and the reason.

    The first of a report is the one whose entries were compared; the others have to give the same. `at` lists the
    operand indices that the message is about.
    """

    name: str
    verdict: str | None
    message: str | None = None
    at: tuple[tuple[int, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON-ready objects."""
        return {"name": self.name, "verdict": self.verdict, "message": self.message}


@dataclass(frozen=True)
class PointReport:
    """What came out at one of several operands: how much larger it is than the first, and the range of its entries.

    `verdict` is None where nothing was compared, or f could not be inspected there, for the reason in `message`.
    """

    scale: float
    range: tuple[float, float] | None
    verdict: str | None
    max_ratio: float | None
    message: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what came out there as JSON-ready objects."""
        return {
            "scale": self.scale,
            "range": self.range and list(self.range),
            "verdict": self.verdict,
            "max_ratio": jsonable(self.max_ratio),
            "message": self.message,
        }
