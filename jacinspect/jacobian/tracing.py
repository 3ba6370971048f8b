"""Which inputs does each output read, as seen between two points? By codewords, then bisection. Next: detection."""

import numpy as np

from jacinspect.jacobian.bisection import Line, bisect
from jacinspect.jacobian.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.codewords import decode
from jacinspect.jacobian.dependencies import Budget, Dependencies, PointPair

__all__ = ["trace"]


def trace(box: BlackBox, pairs: list[PointPair], outputs: Array, budget: Budget, dependencies: Dependencies) -> None:
    """Find what `outputs` read between pairs of points; a later pair only for what an earlier one leaves in doubt.

    An output is in doubt when its value changed with a group of inputs, but with neither half of the group alone: a
    product of two relus that are both zero does so. Moved from the other point, it changes with each half.

    Parameters
    ----------
    box, pairs
        The function, and the pairs of points, at least one.
    outputs
        Flat indices, ascending.
    budget
        Past it, outputs are left unresolved.
    dependencies
        What is found is added here.
    """
    left = outputs
    for pair in pairs:
        moves = np.zeros(left.size, bool)
        for block in blocks(left.size):
            moves[block] = ~same(pair.y_base[left[block]], pair.y_flip[left[block]])
        left = left if moves.all() else left[moves]
        if not left.size:
            return
        bases, coupled = decode(box, pair, left)
        single = coupled == 0
        if single.all():
            dependencies.add(left, bases)
            return
        dependencies.add(left[single], bases[single])
        left, bases, coupled = left[~single], bases[~single], coupled[~single]
        doubtful = []
        for axis_set in np.unique(coupled):
            chosen = coupled == axis_set
            axes = tuple(axis for axis in range(pair.base.ndim) if int(axis_set) >> axis & 1)
            doubtful.append(bisect(Line(box, pair, axes), left[chosen], bases[chosen], budget, dependencies))
        left = np.concatenate([left[:0], *doubtful])
