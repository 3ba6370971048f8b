"""Claims that are right along some directions dX alone: those that keep X symmetric, or its mean. Next: diagnosis.

Such a claim differs from the Jacobian by multiples of the normals of what is kept: each row of the difference is 0 once
it is projected on the directions that keep it.
"""

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from jacinspect.inspection.rearrangements import is_symmetric
from jacinspect.inspection.suspicion import Suspicion
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.records import dataclass

__all__ = ["right_along"]

_LARGEST = 2**16  # entries of a dense Jacobian that is multiplied by N×N projections: half a second for all of them
_CLEAR = 8  # times what the projected difference may be: the difference itself has to be larger, to be explained by it
_ON = 1e-6  # relative: numbers typed with seven digits are still on a constraint

Axes = tuple[int, ...]


@dataclass(frozen=True)
class _Kept:
    """A quantity of X along some axes: the gradients that span its normals, its name, and whether X has to be on it.

    `gradients` takes X and the axes and returns arrays of X's shape; `holds` says whether X fulfils a constraint, after
    which the claim is then called, and None for a statistic.
    """

    words: str
    gradients: Callable[[Array, Axes], list[Array]]
    holds: Callable[[Array, Axes], bool] | None = None


def _centred(x: Array, axes: Axes) -> Array:
    return np.asarray(x - x.mean(axis=axes, keepdims=True))


def _is_one(sums: Array) -> bool:
    return bool(np.all(np.abs(sums - 1) <= _ON))


_KEPT = (
    _Kept(
        "a derivative along the unit sphere that {of} lies on: it is right along every dX tangent to it",
        lambda x, _: [x],
        lambda x, axes: _is_one((x**2).sum(axis=axes)),
    ),
    _Kept(
        "a derivative along the simplex that {of} lies on: it is right along every dX whose sum is 0",
        lambda x, _: [np.ones_like(x)],
        lambda x, axes: _is_one(x.sum(axis=axes)) and bool(np.all(x >= 0)),
    ),
    _Kept("a derivative that takes the mean of {of} as a constant", lambda x, _: [np.ones_like(x)]),
    _Kept("a derivative that takes the variance of {of} as a constant", lambda x, axes: [_centred(x, axes)]),
    _Kept("a derivative that takes the root mean square (or norm) of {of} as a constant", lambda x, _: [x]),
    _Kept(
        "a derivative that takes the sum of the exponentials of {of} as a constant",
        lambda x, axes: [np.exp(x - x.max(axis=axes, keepdims=True))],
    ),
    _Kept(
        "a derivative that takes the mean and the variance of {of} as constants",
        lambda x, axes: [np.ones_like(x), _centred(x, axes)],
    ),
)


def right_along(s: Suspicion) -> Iterator[str]:
    """Yield what the claim is right along, the simplest first."""
    shape = s.pattern.operand_shape
    size = prod(shape)
    if not s.complete or not s.judged.all() or not s.wrong.any() or size * max(s.pattern.shape) > _LARGEST:
        return
    difference = _Difference.of(s)
    x, unit = s.x.reshape(shape), np.eye(size).reshape(size, *shape)
    if is_symmetric(s.x, shape) and difference.vanishes((unit + unit.swapaxes(1, 2)) / 2):
        reads = _one_triangle(s)
        yield s.names.own(f"a derivative by a symmetric X: it is right along every symmetric dX{reads}")
    for kept in _KEPT:
        for of, axes in _groups(shape):
            projection = _projection(kept, x, axes)
            if projection is not None and difference.vanishes(projection):
                yield s.names.own(kept.words.format(of=of))


def _one_triangle(s: Suspicion) -> str:
    read = s.numeric.jacobian.indices
    row, column = np.divmod(read, s.pattern.operand_shape[1])
    one = np.all(row >= column) or np.all(row <= column)
    return ", and f reads one triangle of X alone" if one else ""


def _groups(shape: tuple[int, ...]) -> Iterator[tuple[str, Axes]]:
    """Yield the axes along which a quantity may be taken, the whole of X first."""
    yield "X", tuple(range(len(shape)))
    if len(shape) == 2:
        yield from (("each row of X", (1,)), ("each column of X", (0,)))
    elif len(shape) > 2:
        for axis in range(len(shape)):
            yield f"each X along axis {axis}", (axis,)
            yield f"each slice of X across axis {axis}", tuple(k for k in range(len(shape)) if k != axis)


def _projection(kept: _Kept, x: Array, axes: Axes) -> Array | None:
    """Project unit tangents on those along which a quantity is kept; None where there are none, or X is not on it."""
    with np.errstate(all="ignore"):
        if kept.holds is not None and not kept.holds(x, axes):
            return None
        unit = np.eye(x.size).reshape(x.size, *x.shape)
        normals: list[Array] = []
        for gradient in kept.gradients(x, axes):
            for normal in normals:
                gradient = gradient - normal * (normal * gradient).sum(axis=axes, keepdims=True)
            length = np.sqrt((gradient**2).sum(axis=axes, keepdims=True))
            if not np.all(length > _ON * np.abs(x).max(initial=1)):
                return None
            normals.append(gradient / length)
    # What one statistic leaves of two numbers is a single direction, and a claim that swaps them is right along it too.
    if prod(x.shape[axis] for axis in axes) <= len(normals) + (kept.holds is None):
        return None
    for normal in normals:
        unit = unit - normal * (normal * unit).sum(axis=tuple(axis + 1 for axis in axes), keepdims=True)
    return unit


@dataclass(frozen=True, eq=False)
class _Difference:
    """The claim less the Jacobian, what that may be off by, and the Jacobian: dense, M×N."""

    value: Array
    bar: Array
    jacobian: Array
    wrong: Array

    @classmethod
    def of(cls, s: Suspicion) -> "_Difference":
        """Return that of all entries."""
        bars = Jacobian(s.pattern, s.bar + ROUNDING * np.abs(s.claim.data)).matrix("row")
        wrong = Jacobian(s.pattern, s.wrong.astype(float)).matrix("row") > 0
        jacobian = Jacobian(s.pattern, s.value).matrix("row")
        return cls(s.claim.matrix("row") - jacobian, bars, jacobian, wrong)

    def vanishes(self, tangents: Array) -> bool:
        """Whether it is 0 along each of these directions, N arrays of X's shape, though it is not 0 and f moves."""
        flat = tangents.reshape(tangents.shape[0], -1).T
        allowed = self.bar @ np.abs(flat) + ROUNDING * np.abs(self.value) @ np.abs(flat)
        least = _CLEAR * allowed.max(axis=1, keepdims=True)
        explains = np.any((np.abs(self.value) > least) & self.wrong, axis=1)
        moves = np.any(np.abs(self.jacobian @ flat) > least, axis=1)
        return bool(np.all(np.abs(self.value @ flat) <= allowed) and np.any(explains & moves))
