"""The functions that put the entries of a line in another order: a table of value and jvp.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists.
"""

import numpy as np

from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["PERMUTATIONS"]


def _sort(x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    return _in_order_of(x, x, axis, descending)


def _sort_jvp(x: Array, dx: Array, *, axis: int, descending: bool) -> Array:
    return _in_order_of(x, dx, axis, descending)


def _in_order_of(x: Array, array: Array, axis: int, descending: bool) -> Array:
    """Arrange an array as sorting x does, equal entries as they stand; NaN where x has one, which has no place."""
    order = np.argsort(-x if descending else x, axis=axis, kind="stable")
    unordered = np.isnan(x).any(axis=axis, keepdims=True)
    return np.where(unordered, np.nan, np.take_along_axis(array, order, axis=axis))


def _flip(x: Array, *, axis: int = -1) -> Array:
    return np.flip(x, axis=axis)


def _roll(x: Array, *, shift: int = 1, axis: int = -1) -> Array:
    return np.roll(x, shift, axis=axis)


PERMUTATIONS = (
    Entry(
        name="sort",
        kind="row-wise",
        formula="the ith smallest of x, or the ith largest if descending",
        latex=r"x_{(i)}",
        value=_sort,
        jvp=_sort_jvp,
        derivative_formula="dx of the ith smallest of x, or of the ith largest if descending",
        note="equal entries stay in their order, as in numpy; NaN anywhere in a line gives NaN, which numpy sorts last",
    ),
    Entry(
        name="flip",
        aliases=("reverse",),
        kind="row-wise",
        formula="x_(n+1-i)",
        latex=r"x_{n+1-i}",
        value=_flip,
        jvp=lambda x, dx, *, axis: _flip(dx, axis=axis),  # noqa: ARG005
        derivative_formula="dx_(n+1-i)",
        properties=("permutation", "symmetric"),
        note="numpy's and torch's flip have no default axis but all",
    ),
    Entry(
        name="roll",
        kind="row-wise",
        formula="x_(i-shift), i counted modulo n",
        latex=r"x_{(i - s) \bmod n}",
        value=_roll,
        jvp=lambda x, dx, *, shift, axis: _roll(dx, shift=shift, axis=axis),  # noqa: ARG005
        derivative_formula="dx_(i-shift), i counted modulo n",
        properties=("permutation",),
        note="torch calls it shifts; along no axis named, torch and numpy roll the whole array",
    ),
)
