"""A symmetric Jacobian takes fewer colors, since an entry may be known by its mirror image. Next: numeric.

In: a pattern that is symmetric. Out: a star coloring, in which no two columns that are read together, and no path of
four, have two colors alone; and which entries a jvp for each color gives directly. Of every other entry the mirror
image is one of these. A matrix with one full row and column takes 2 colors in place of N.

Coleman & Moré (1984), Estimation of sparse Hessian matrices and graph coloring problems.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import replace

__all__ = ["directly_known", "fewer_colors", "mirrored", "star_coloring"]


_MOST = 2**18  # entries: a star coloring takes about 2 µs for each


def fewer_colors(pattern: Pattern, number: int) -> tuple[Array, int] | None:
    """Return a star coloring and its number of colors, if the pattern is symmetric and `number` is larger."""
    if pattern.stored > _MOST or number < 3 or pattern.shape[0] != pattern.shape[1]:
        return None
    if np.any(pattern.places(pattern.indices, pattern.rows) < 0):
        return None
    colors, fewer = star_coloring(pattern)
    return (colors, fewer) if fewer < number else None


def star_coloring(pattern: Pattern) -> tuple[Array, int]:
    """Color the columns of a symmetric pattern, each with the first color that it may have.

    Returns the color of each column, -1 for one without entries, and the number of colors, at least 1.
    """
    width = pattern.shape[1]
    ends, indices = pattern.indptr.tolist(), pattern.indices.tolist()
    neighbours = [indices[ends[i] : ends[i + 1]] for i in range(width)]  # and itself, which changes nothing
    colors = [-1] * width
    members: list[dict[int, list[int]]] = [{} for _ in range(width)]  # the neighbours of each by their color
    seen = [0] * width  # the colors of the neighbours, as bits
    ends_of_two = [0] * width  # and of those that have another neighbour of the column's own color
    for v in np.argsort(-np.diff(pattern.indptr), kind="stable").tolist():
        if ends[v] == ends[v + 1]:
            break
        taken = seen[v]
        for w in neighbours[v]:
            if colors[w] >= 0:  # as the end of a path v, w, x, y, or in the middle of one
                taken |= ends_of_two[w] if len(members[v][colors[w]]) == 1 else seen[w]
        color = (~taken & (taken + 1)).bit_length() - 1
        colors[v] = color
        for w in neighbours[v]:
            alike = members[w].setdefault(color, [])
            alike.append(v)
            seen[w] |= 1 << color
            if len(alike) > 1 and colors[w] >= 0:
                for each in alike[-2:]:  # those before have it by now
                    ends_of_two[each] |= 1 << colors[w]
        for alike in members[v].values():
            for each in alike if len(alike) > 1 else ():
                ends_of_two[each] |= 1 << color
    return np.array(colors, np.int32), max(max(colors, default=0) + 1, 1)


def directly_known(pattern: Pattern, colors: Array, number: int) -> Array:
    """Return which stored entries are the only one of their color in their row, so that one jvp gives them."""
    keys = pattern.rows.astype(np.int64) * number + colors[pattern.indices]
    return np.asarray(np.bincount(keys, minlength=1)[keys] == 1)


def mirrored(numeric: Numeric, pattern: Pattern) -> Numeric | None:
    """Return a numeric Jacobian on a symmetric pattern, of which it has one of every two mirror images.

    None where f is not smooth, for at a kink the two may differ.
    """
    if not np.all(numeric.kind == Kind.SMOOTH) or numeric.stairs.entries.size:
        return None
    known = numeric.jacobian.pattern
    places = known.places(pattern.rows, pattern.indices)
    images = known.places(pattern.indices, pattern.rows)
    source = np.where(places >= 0, places, images)
    return replace(
        numeric,
        jacobian=Jacobian(pattern, numeric.jacobian.data[source]),
        bar=numeric.bar[source],
        kind=numeric.kind[source],
        size=numeric.size.subset(source),
    )
