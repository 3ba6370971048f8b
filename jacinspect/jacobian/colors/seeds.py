"""The seed of each color, and the Jacobian built from one jvp a seed. Next: numeric, analytic."""

from collections.abc import Callable, Iterator

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.colors.coloring import by_color
from jacinspect.jacobian.compact import Jacobian, Pattern, counts_up
from jacinspect.records import dataclass

__all__ = ["Color", "Index", "colors_of", "compress"]

Index = Array | slice
_ALONE = 8  # columns: enough to name the place of a fault, and few beside the colors of most functions


@dataclass(frozen=True, eq=False)
class Color:
    """A color's seed, a 0/1 array of the operand's shape, and the entries of J that a jvp with it gives."""

    seed: Array
    entries: Index  # of the pattern's stored entries
    outputs: Index  # the row of each, flat
    inputs: Index  # the column of each, flat


def colors_of(pattern: Pattern, colors: Array, number: int) -> Iterator[Color]:
    """Yield each color of a column coloring; its indices are slices where they are all entries in order."""
    if number == 1:
        seed = (colors == 0).reshape(pattern.operand_shape)
        yield Color(
            seed, slice(None), _slice(pattern.rows, pattern.shape[0]), _slice(pattern.indices, pattern.shape[1])
        )
        return
    of_entry = colors[pattern.indices]
    order, bounds = by_color(of_entry, number)
    for color in range(number):
        entries = order[bounds[color] : bounds[color + 1]]
        if entries.size:
            seed = (colors == color).reshape(pattern.operand_shape)
            yield Color(seed, entries, pattern.rows[entries], pattern.indices[entries])


def _slice(index: Array, length: int) -> Index:
    return slice(None) if index.size == length and counts_up(index) else index


def compress(pattern: Pattern, colors: Array, number: int, jvp: Callable[[Array], Array]) -> Jacobian:
    """Build the Jacobian on a pattern from one jvp for each color.

    What is not finite may come from an input that the output does not read: the first of those columns are asked alone.

    Parameters
    ----------
    pattern, colors, number
        Which inputs each output reads, and a column coloring of it.
    jvp
        Maps a tangent of the operand's shape (float64) to the tangent of the output.
    """
    data = np.zeros(pattern.stored)
    for color in colors_of(pattern, colors, number):
        data[color.entries] = np.asarray(jvp(color.seed.astype(np.float64)), np.float64).ravel()[color.outputs]
    unknown = np.flatnonzero(~np.isfinite(data))
    for column in np.unique(pattern.indices[unknown])[:_ALONE] if number < pattern.shape[1] else ():
        seed = np.zeros(pattern.operand_shape)
        seed.flat[column] = 1.0
        entries = unknown[pattern.indices[unknown] == column]
        data[entries] = np.asarray(jvp(seed), np.float64).ravel()[pattern.rows[entries]]
    return Jacobian(pattern, data)
