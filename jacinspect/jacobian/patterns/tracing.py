"""Which inputs does each output read, as seen between two points? By codewords, then bisection. Next: detection."""

from collections.abc import Iterator
from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.patterns.bisection import Line, bisect
from jacinspect.jacobian.patterns.codewords import decode
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair

__all__ = ["trace"]


def trace(box: BlackBox, pair: PointPair, outputs: Array, budget: Budget, dependencies: Dependencies) -> Array:
    """Find what `outputs` read between two points.

    An output is in doubt when its value changed with a group of inputs, but with neither half of the group alone: a
    product of two relus that are both zero does so. Such an output is searched once more from the other point, where it
    changes with each half.

    Parameters
    ----------
    box, pair
        The function, and the two points.
    outputs
        Flat indices, ascending.
    budget
        Past it, outputs are left unresolved.
    dependencies
        What is found is added here.

    Returns
    -------
    outputs
        Those that do not differ between the two points, and those that are in doubt from either.
    """
    moved = np.zeros(outputs.size, bool)
    for block in blocks(outputs.size):
        moved[block] = ~same(pair.y_base[outputs[block]], pair.y_flip[outputs[block]])
    still, outputs = (outputs[:0], outputs) if moved.all() else (outputs[~moved], outputs[moved])
    del moved  # as large as the output, as is all that follows
    if not outputs.size:
        return still
    bases, coupled, mixed = decode(box, pair, outputs)
    single = coupled == 0
    if single.all():
        dependencies.add(outputs, bases)
        return still
    dependencies.add(outputs[single], bases[single])
    doubtful = [still]
    for axes, chosen in _by_axes(coupled, pair.base.ndim):
        left, offset = outputs[chosen], _without(bases[chosen], axes, pair.base.shape)
        full = all(mixed >> axis & 1 for axis in axes)
        for direction in (pair, pair.reversed):
            doubt = bisect(Line(box, direction, axes, full), left, offset, budget, dependencies)
            left, offset = left[doubt], offset[doubt]
            if not left.size:
                break
        doubtful.append(left)
    return np.concatenate(doubtful)


def _by_axes(coupled: Array, ndim: int) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield the sets of axes along which outputs are searched together, and which outputs those are.

    An output that is coupled along some axes joins those that are coupled along more, where these are no fewer: they
    need the calls in any case.
    """
    sets, numbers = np.unique(coupled, return_counts=True)
    home: dict[int, int] = {}
    for axes in sets[np.argsort(-numbers, kind="stable")].tolist():
        if axes:
            home[axes] = next((other for other in home.values() if axes & other == axes), axes)
    for target in sorted(set(home.values())):
        members = [axes for axes, other in home.items() if other == target]
        yield tuple(axis for axis in range(ndim) if target >> axis & 1), np.isin(coupled, members)


def _without(bases: Array, axes: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Return flat indices with index 0 along some axes."""
    for axis in axes:
        stride = prod(shape[axis + 1 :])
        bases = bases - bases // stride % shape[axis] * stride
    return bases
