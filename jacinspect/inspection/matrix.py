"""What a report says of the Jacobian: its structure, its values, and the matrix that vec makes of it. Next: report."""

from math import prod
from typing import Any

import numpy as np

from jacinspect.inspection.blocks import BlockReport
from jacinspect.inspection.stored import StoredEntries
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, vec_positions
from jacinspect.jacobian.forms.structure import Arrangement, Blocks
from jacinspect.operands.bundle import Bundle
from jacinspect.records import dataclass
from jacinspect.wording import jsonable

__all__ = ["JacobianReport", "Shown", "parts", "unicode"]

_LARGEST_PRINTED = 4096  # entries: a 64×64 matrix, about what a reader or an issue's text can take
_MOST_STORED = 100_000  # stored entries in JSON: some 10 MB, which is read in a second


@dataclass(frozen=True)
class Shown:
    """How arrays are written: as nested lists, or as None where they are too large to be read, unless `full`."""

    full: bool

    def array(self, array: Array | None) -> Any:
        """Return an array as JSON-ready lists, or None."""
        if array is None or (array.size > _LARGEST_PRINTED and not self.full):
            return None
        return array.tolist() if np.isfinite(array).all() else jsonable(array.tolist())


@dataclass(frozen=True, eq=False)
class JacobianReport:
    """The Jacobian in an order of vec and a layout: its structure, and its values (None where only a sample was taken).

    `arrangement` is None where the pattern is not proved; `structure` and `blocks` then say what is known.
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
    parts: tuple[BlockReport, ...] = ()  # of bundles, block by block
    is_holomorphic: bool | None = None  # None where not all of X and A is complex
    status: Array | None = None  # like numeric.data, see agreement.Status

    @property
    def is_square(self) -> bool:
        """Whether the matrix has as many rows as columns."""
        return self.shape[0] == self.shape[1]

    @property
    def looks(self) -> str:
        """The structure in a word, for people: a "dense" matrix with zeros is irregular."""
        return "irregular" if self.structure == "dense" and self.stored not in (None, self.entries) else self.structure

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

    @property
    def spurious(self) -> Arrangement | None:
        """The analytic entries where f has none; None if there are none."""
        if self.analytic is None or self.arrangement is None or self.analytic.pattern.stored == self.stored:
            return None
        return self.arranged(self.analytic.outside(self.arrangement.pattern))

    def stored_entries(self) -> StoredEntries | None:
        """Return every entry of the pattern, and the analytic ones outside it, row by row of the matrix; or None."""
        if self.arrangement is None:
            return None
        pattern = self.arrangement.pattern
        entries = StoredEntries.of(pattern, self.numeric, self.analytic, self.error_bar, self.status)
        rows, columns = self._places(entries)
        return entries.at(np.lexsort((columns, rows)))

    def arranged(self, jacobian: Jacobian) -> Arrangement:
        """Return where a Jacobian's entries are in this vec order and layout."""
        return Arrangement(jacobian.pattern, self.vec, self.layout)

    def at(self, of: str, outputs: Array, inputs: Array) -> list[list[float | None]]:
        """Return "analytic", "numeric" or "error_bar" at entries (output, input): two equal matrices of flat indices.

        "judged" are the analytic ones, if there are any, or else the numeric ones. None where nothing is stored.
        """
        jacobian = self.analytic if of == "analytic" or (of == "judged" and self.analytic) else self.numeric
        if jacobian is None:
            return []
        values = jacobian.data if self.error_bar is None or of != "error_bar" else self.error_bar
        places = jacobian.pattern.places(outputs, inputs)
        return [[None if place < 0 else float(values[place]) for place in line] for line in places]

    def statuses(self, outputs: Array, inputs: Array) -> list[list[int]]:
        """Return the `Status` of entries as `at` does; an analytic entry where f has none disagrees."""
        found = np.full(outputs.shape, Status.AGREES)
        if self.numeric is not None and self.status is not None:
            if self.analytic is not None:
                found[self.analytic.pattern.places(outputs, inputs) >= 0] = Status.DISAGREES
            places = self.numeric.pattern.places(outputs, inputs)
            found[places >= 0] = self.status[places[places >= 0]]
        return found.tolist()  # type: ignore[no-any-return]

    def matrix(self, of: str) -> Array | None:
        """Return "analytic", "numeric" or "error_bar" as a dense matrix in this vec order and layout, or None."""
        if of == "error_bar":
            if self.numeric is None or self.error_bar is None:
                return None
            return Jacobian(self.numeric.pattern, self.error_bar).matrix(self.vec, self.layout)
        jacobian: Jacobian | None = getattr(self, of)
        return None if jacobian is None else jacobian.matrix(self.vec, self.layout)

    def to_dict(self, show: Shown) -> dict[str, Any]:
        """Return the Jacobian as JSON-ready objects; what is too large to be shown is None."""
        a = self.arrangement
        blocks = self.blocks and {
            "count": self.blocks.count,
            "shape": self.blocks.shape and list(self.blocks.shape),
            "vec": self.blocks.vec,
        }
        few = a is not None and (show.full or a.pattern.stored <= _LARGEST_PRINTED)
        return {
            "shape": list(self.shape),
            "tensor_shape": list(self.tensor_shape),
            "vec": self.vec,
            "layout": self.layout,
            "index_formula": self.index_formula,
            "structure": self.structure,
            "is_square": self.is_square,
            "is_diagonal": self.is_diagonal,
            "is_symmetric": self.is_symmetric,
            "is_holomorphic": self.is_holomorphic,
            "off_diagonal_ratio": jsonable(self.off_diagonal_ratio),
            "lower_bandwidth": a and a.bandwidths[0],
            "upper_bandwidth": a and a.bandwidths[1],
            "blocks": blocks,
            "parts": [block.to_dict() for block in self.parts] or None,
            "entries": self.entries,
            "stored": self.stored,
            "nonzeros": self.nonzeros,
            "density": a and a.density,
            "colors": self.colors,
            "pattern": _pairs(a) if a is not None and few else None,
            "sparse": self._sparse(show),
            **{of: self._shown(of, show) for of in ("analytic", "numeric", "error_bar")},
        }

    def _sparse(self, show: Shown) -> dict[str, Any] | None:
        if self.stored is None or (self.stored > _MOST_STORED and not show.full):
            return None
        entries = self.stored_entries()
        assert entries is not None
        rows, columns = self._places(entries)
        return {"rows": rows.tolist(), "columns": columns.tolist(), **entries.to_dict()}

    def _places(self, entries: StoredEntries) -> tuple[Array, Array]:
        """Return the row and the column of entries in this vec order and layout."""
        assert self.arrangement is not None
        pattern = self.arrangement.pattern
        outputs = vec_positions(pattern.output_shape, self.vec)[entries.outputs]
        inputs = vec_positions(pattern.operand_shape, self.vec)[entries.inputs]
        return (outputs, inputs) if self.layout == "numerator" else (inputs, outputs)

    def _shown(self, of: str, show: Shown) -> Any:
        return show.array(self.matrix(of)) if show.full or self.entries <= _LARGEST_PRINTED else None


def parts(bundle: Bundle) -> list[dict[str, Any]]:
    """Describe the arrays of a bundle as JSON-ready objects."""
    return [{"name": part.name, "shape": list(part.shape), "offset": part.offset} for part in bundle.parts]


def unicode(text: str) -> str:
    """Escape lone surrogates, by which Python represents the bytes of a file name that are not UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def _pairs(arrangement: Arrangement) -> dict[str, list[int]]:
    order = np.lexsort((arrangement.columns, arrangement.rows))
    return {"rows": arrangement.rows[order].tolist(), "columns": arrangement.columns[order].tolist()}
