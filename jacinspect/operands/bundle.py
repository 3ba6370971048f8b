"""A bundle: several named arrays laid end to end, in row-major order, as one vector; one array alone keeps its shape.

The operands that a Jacobian is taken by, and the arrays that a function returns, are bundles. Everything between the
border (functions) and the names in a report sees one array alone.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jacinspect.records import dataclass

__all__ = ["Bundle", "Part", "index_of", "names_of_parts", "whole"]

Array: TypeAlias = NDArray[Any]
Shape = tuple[int, ...]


def names_of_parts(name: str) -> tuple[str, str]:
    """Name the two real arrays that stand for a complex one."""
    return f"{name}.re", f"{name}.im"


def whole(part: str) -> str:
    """Return the name of the complex array that a part named so belongs to."""
    return part.removesuffix(".re").removesuffix(".im")


@dataclass(frozen=True)
class Part:
    """One array of a bundle: its name, its shape, and the place of its first entry in the vector."""

    name: str
    shape: Shape
    offset: int

    @property
    def size(self) -> int:
        """How many entries it has."""
        return prod(self.shape)

    def label(self, letter: str) -> str:
        """Return its name as it stands in a formula: that of the second item of a tuple is ``A1``."""
        return f"{letter}{self.name}" if self.name[:1].isdigit() else self.name

    @property
    def span(self) -> slice:
        """Its entries in the vector."""
        return slice(self.offset, self.offset + self.size)


@dataclass(frozen=True)
class Bundle:
    """Named arrays laid end to end; `left_out` says in words what was returned beside them and is no part of it."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, arrays: Iterable[tuple[str, Shape]], left_out: Sequence[str] = ()) -> "Bundle":
        """Lay arrays of these names and shapes end to end."""
        parts, offset = [], 0
        for name, shape in arrays:
            parts.append(Part(name, tuple(shape), offset))
            offset += parts[-1].size
        return cls(tuple(parts), tuple(left_out))

    @property
    def is_single(self) -> bool:
        """Whether it is one array alone, which keeps its shape."""
        return len(self.parts) == 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its parts."""
        return tuple(part.name for part in self.parts)

    @property
    def shape(self) -> Shape:
        """The shape of the one array that stands for it: that of its only part, or that of the vector."""
        return self.parts[0].shape if self.is_single else (sum(part.size for part in self.parts),)

    @property
    def complex_pairs(self) -> "list[tuple[Part, Part]]":
        """The parts that stand for complex arrays, real and imaginary ones together."""
        pairs = pairwise(self.parts)
        return [(re, im) for re, im in pairs if (re.name, im.name) == names_of_parts(whole(re.name))]

    @cached_property
    def _ends(self) -> Array:
        return np.array([part.offset + part.size for part in self.parts])

    def join(self, arrays: Sequence[Any]) -> Array:
        """Lay arrays, one for each part, end to end."""
        if self.is_single:
            return np.asarray(arrays[0])
        return np.concatenate([np.ravel(array) for array in arrays])

    def split(self, array: Array) -> list[Array]:
        """Return a view of each part, in its shape; the inverse of `join`."""
        if self.is_single:
            return [array]
        return [array[part.span].reshape(part.shape) for part in self.parts]

    def place(self, flat: int) -> tuple[Part, tuple[int, ...]]:
        """Find the part that an entry of the vector belongs to, and the entry's index in it."""
        part = self.parts[0 if self.is_single else int(np.searchsorted(self._ends, flat, side="right"))]
        return part, index_of(flat - part.offset, part.shape)


def index_of(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a row-major flat index as an index into an array of this shape."""
    index = []
    for length in reversed(shape):
        flat, place = divmod(flat, length)
        index.append(place)
    return tuple(reversed(index))
