"""The result of `jacinspect identities`: frozen, with its verdict, exit status and JSON. Next: views/identities."""

import json
from typing import Any

from jacinspect.errors import ExitStatus
from jacinspect.identities.identity import Identity
from jacinspect.inspection.report import SCHEMA_VERSION
from jacinspect.inspection.sections import FunctionReport, OperandReport
from jacinspect.records import dataclass
from jacinspect.wording import jsonable

__all__ = ["IdentityReport"]


@dataclass(frozen=True, eq=False)
class IdentityReport:
    """Every identity, verified for one function at one operand; `output_shape` is that of f(X)."""

    version: str
    function: FunctionReport
    operand: OperandReport
    output_shape: tuple[int, ...]
    identities: tuple[Identity, ...]

    @property
    def verdict(self) -> str:
        """Whether all of them hold: "pass" or "fail"."""
        return "pass" if all(identity.holds for identity in self.identities) else "fail"

    @property
    def exit_status(self) -> ExitStatus:
        """0 where all of them hold, 1 where one does not."""
        return ExitStatus.OK if self.verdict == "pass" else ExitStatus.FINDINGS

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready objects."""
        return {
            "schema_version": SCHEMA_VERSION,
            "version": self.version,
            "function": self.function.to_dict(),
            "operand": {
                "shape": list(self.operand.values.shape),
                "dtype": str(self.operand.values.dtype),
                "source": self.operand.source,
                "seed": self.operand.seed,
            },
            "identities": [_as_dict(identity) for identity in self.identities],
            "verdict": self.verdict,
        }

    def to_json(self, _full: bool = False) -> str:
        """Return the report as one line of RFC 8259 JSON; equal runs give equal text. It is always given in full."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "replace").decode() + "\n"  # a file's name need not be Unicode


def _as_dict(identity: Identity) -> dict[str, Any]:
    return {
        "name": identity.name,
        "statement": identity.statement,
        "left_shape": list(identity.left_shape),
        "right_shape": None if identity.right_shape is None else list(identity.right_shape),
        "max_difference": jsonable(identity.max_difference),
        "bound": jsonable(identity.bound),
        "holds": identity.holds,
        "note": "; ".join(filter(None, (identity.given, *identity.route))),
    }
