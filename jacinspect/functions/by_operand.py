"""A function by some of its operands, the others being fixed, and what a derivative gives for each. Next: rules.py."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jacinspect.functions.code.trees import is_tree
from jacinspect.records import dataclass

__all__ = ["Array", "Operands", "as_rows", "entries_of", "fix", "is_by", "shape_of"]

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Operands:
    """The operands of a function, in order, some of which are open and have other values at every call.

    The others are fixed. Those of single precision are taken in double precision where the open ones are in double,
    because what f computes from them alone, such as y*y, is rounded to 6e-8 otherwise.
    """

    arrays: Sequence[Array]

    def __len__(self) -> int:
        return len(self.arrays)

    def at(self, places: Iterable[int], values: Iterable[Array]) -> list[Array]:
        """Return all operands, those at `places` with these values."""
        opened = list(zip(places, values, strict=True))
        point = list(self._double if any(value.dtype == np.float64 for _, value in opened) else self.arrays)
        for place, value in opened:
            point[place] = value
        return point

    def entries(self, given: Any, places: Sequence[int]) -> list[Any] | None:
        """Return the entries at `places` of a derivative's tuple with one for each operand; None of anything else.

        The tuple may leave out integers, as labels are, where its entries have the shapes of the others, and not all
        the same: they may be the rows of a matrix then. It may leave out others where the shapes of its entries say
        which, in order.
        """
        if not isinstance(given, tuple | list):
            return None
        if len(given) == len(self):
            return [given[place] for place in places]
        real = [place for place, array in enumerate(self.arrays) if array.dtype.kind in "fc" or place in places]
        if len(given) != len(real) or not all(map(is_by, given, (self.arrays[place] for place in real))):
            fitting = [[place for place in real if is_by(entry, self.arrays[place])] for entry in given]
            real = [place for each in fitting for place in each]
            if any(len(each) != 1 for each in fitting) or real != sorted({*real}) or not {*places} <= {*real}:
                return None
        if len({np.shape(entry) for entry in given}) == 1 < len(given):
            return None
        return [given[real.index(place)] for place in places]

    @cached_property
    def _double(self) -> Sequence[Array]:
        return [_in_double(array) for array in self.arrays]


def is_by(entry: Any, operand: Any) -> bool:
    """Whether a derivative may be one by an operand, for it has its shape or size last."""
    shape, last = shape_of(entry), np.shape(operand)
    return shape is not None and (shape[len(shape) - len(last) :] == last or shape[-1:] == (prod(last),))


def shape_of(entry: Any) -> tuple[int, ...] | None:
    """Return the shape of what a derivative returned, or None where it is no array, as of ragged lists, or a dict."""
    shape = getattr(entry, "shape", None)
    if isinstance(shape, tuple) or not is_tree(entry):
        return tuple(shape or ()) if entry is not None else None
    try:
        return np.shape(entry) if isinstance(entry, list | tuple) else None
    except (TypeError, ValueError, RuntimeError):  # as of lists of torch's tensors that have a gradient
        return None


def as_rows(given: Any) -> Array | None:
    """Return lists or tuples of as many numbers each as the matrix whose rows they may be; None of anything else."""
    if not isinstance(given, list | tuple) or hasattr(given, "_fields"):
        return None
    return np.asarray(given) if len(shape_of(given) or ()) == 2 else None


def entries_of(given: Any) -> Literal["outputs", "operands", "either"]:
    """Say what each item of what may be rows is meant for; "either" where people mean both.

    A list of lists or tuples is written as the matrix is. A tuple of arrays is by operands, as jax.jacobian's is.
    """
    kinds = {type(item) for item in given}
    if isinstance(given, tuple):
        return "either" if kinds & {list, tuple} else "operands"
    return "outputs" if kinds <= {list, tuple} else "either"


def _in_double(array: Array) -> Array:
    if array.dtype != np.float32:
        return array
    wide = array.astype(np.float64)
    wide.flags.writeable = array.flags.writeable
    return wide


def fix(function: Callable[..., Any], place: int, operands: Operands) -> Callable[..., Any]:
    """Fix all operands of a function but the one at `place`; a tangent or cotangent may follow that one."""
    if len(operands) == 1:
        return function
    return lambda x, *tangent: function(*operands.at([place], [x]), *tangent)
