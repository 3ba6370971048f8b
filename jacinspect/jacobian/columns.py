"""Results for many entries: arrays of one length, which hold one thing of each entry. Next: ladder, numeric."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Self

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.records import dataclass

__all__ = ["Columns"]


@dataclass(frozen=True, eq=False)
class Columns:
    """What is known of some entries; every field of a subclass is an array with a place for each."""

    def subset(self, chosen: Array | slice) -> Self:
        """Return what is known of some of the entries."""
        return type(self)(*(getattr(self, column.name)[chosen] for column in fields(self)))

    def replaced(self, chosen: Array, others: Self) -> Self:
        """Return the same with others at some places."""
        columns = {column.name: getattr(self, column.name).copy() for column in fields(self)}
        for name, column in columns.items():
            column[chosen] = getattr(others, name)
        return type(self)(**columns)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return what is known of all entries of several such results, one after the other."""
        return cls(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)))
