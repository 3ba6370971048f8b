"""A sparse matrix as its entries: what the readers of sparse files make, and an operand or a claim is made of.

Its attributes are named as those of scipy's coo_array, so that what takes one takes the other; scipy is not needed.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from jacinspect.records import dataclass

__all__ = ["Coordinates"]

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Row, column and value of each entry of an M×N matrix, in any order; values at one place are summed.

    `vec` and `layout` are the order and the orientation of a Jacobian, where the file says them.
    """

    shape: tuple[int, int]
    row: Array
    col: Array
    data: Array
    vec: str | None = None
    layout: str | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return self.data.dtype

    def tocoo(self) -> "Coordinates":
        """Return itself."""
        return self

    def toarray(self) -> Array:
        """Return the dense matrix."""
        dense = np.zeros(self.shape, self.data.dtype)
        np.add.at(dense, (self.row, self.col), self.data)
        return dense

    def in_numerator_layout(self) -> "Coordinates":
        """Return it with outputs as rows: its transpose where the file says that it is in denominator layout."""
        if self.layout != "denominator":
            return self
        return Coordinates(self.shape[::-1], self.col, self.row, self.data, self.vec, "numerator")
