"""The stored entries of a Jacobian as arrays of one length, row by row: for JSON, CSV and the page. Next: report."""

from typing import Any, Self

import numpy as np

from jacinspect.jacobian.agreement.comparison import STATUSES, Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.records import dataclass
from jacinspect.wording import jsonable

__all__ = ["StoredEntries"]


@dataclass(frozen=True, eq=False)
class StoredEntries:
    """Every entry of the pattern, and the analytic ones outside it.

    `outputs` and `inputs` are flat row-major indices. `analytic` is None without a derivative; `numeric`, `bar` and
    `status`, the `Status` of each, are None where not all values were taken. Outside the pattern f has
    no entry: numeric and bar are 0 there, and the analytic one disagrees.
    """

    outputs: Array
    inputs: Array
    analytic: Array | None
    numeric: Array | None
    bar: Array | None
    status: Array | None

    @classmethod
    def of(
        cls,
        pattern: Pattern,
        numeric: Jacobian | None,
        analytic: Jacobian | None,
        bar: Array | None,
        status: Array | None,
    ) -> Self:
        """Collect the entries of a proved pattern, in its order, and those of `analytic` outside it after them."""
        if numeric is None:
            return cls(pattern.rows, pattern.indices, None, None, None, None)
        if analytic is None:
            return cls(pattern.rows, pattern.indices, None, numeric.data, bar, status)
        outside = analytic.outside(pattern)
        none, wrong = np.zeros(outside.pattern.stored), np.full(outside.pattern.stored, Status.DISAGREES)
        return cls(
            np.concatenate([pattern.rows, outside.pattern.rows]),
            np.concatenate([pattern.indices, outside.indices]),
            np.concatenate([analytic.on(pattern).data, outside.data]),
            np.concatenate([numeric.data, none]),
            None if bar is None else np.concatenate([bar, none]),
            None if status is None else np.concatenate([status, wrong]),
        )

    @property
    def number(self) -> int:
        """How many there are."""
        return int(self.outputs.size)

    def at(self, places: Array) -> Self:
        """Return only those at these places, in this order."""
        values = (self.outputs, self.inputs, self.analytic, self.numeric, self.bar, self.status)
        return type(self)(*(None if each is None else each[places] for each in values))  # type: ignore[arg-type]

    @property
    def statuses(self) -> list[str] | None:
        """The status of each as a word, such as agrees or kink; None where there is no derivative to be judged."""
        if self.status is None or self.analytic is None:
            return None
        return [STATUSES[status] for status in self.status.tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Return the values and statuses as JSON-ready lists; None for those that are not known."""
        lists = {"analytic": self.analytic, "numeric": self.numeric, "error_bar": self.bar}
        return {
            **{name: None if values is None else jsonable(values.tolist()) for name, values in lists.items()},
            "status": self.statuses,
        }
