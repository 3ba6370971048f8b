"""Is X at the ends of f's domain, so that f raises however little it moves? Then entries move inwards. Next: detection.

So it is at the corners of a table, and where X spans one from end to end: each entry may move to one side alone.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox

__all__ = ["keep_within_ends"]

_LITTLE = 2.0**-30  # of an entry, or of 1: f raises there beside the end of its domain
_MOST = 2**8  # calls to find the entries at such ends: more than a few dozen are not told apart


def keep_within_ends(box: BlackBox, x: Array) -> None:
    """Keep the entries of X at their ends for which f raises to one side, if it raises to both where all are moved."""
    if box.is_bounded or _returns(box, x, -_LITTLE) or _returns(box, x, _LITTLE):
        return
    below, above = _ends(box, x, -_LITTLE), _ends(box, x, _LITTLE)
    if not (below & above).any():
        box.keep_within(np.where(below, x, -np.inf), np.where(above, x, np.inf))


def _returns(box: BlackBox, x: Array, t: float, entries: slice = slice(None)) -> bool:
    """Whether f does not raise where some of X's entries are moved by t, or by that part of their size."""
    moved = x.copy()
    moved.reshape(-1)[entries] += t * np.maximum(np.abs(moved.reshape(-1)[entries]), 1)
    return next(box.many_unless_raised([moved])) is not None


def _ends(box: BlackBox, x: Array, t: float) -> Array:
    """Return the entries that f raises for where they are moved by t, all if they are too many; by bisection."""
    ends, groups = np.zeros(x.size, bool), [slice(0, x.size)]
    for _ in range(_MOST):
        if not groups:
            return ends.reshape(x.shape)
        group = groups.pop()
        middle = (group.start + group.stop) // 2
        if _returns(box, x, t, group):
            continue
        if middle == group.start:
            ends[group] = True
        else:
            groups += [slice(group.start, middle), slice(middle, group.stop)]
    return np.ones(x.shape, bool)
