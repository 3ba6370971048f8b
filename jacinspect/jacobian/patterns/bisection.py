"""Which inputs does an output read that reads several? Found by bisection, many groups in one call. Next: detection.

Groups that no output reads together are moved in one call: the column grouping of Curtis, Powell & Reid (1974).
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice, pairwise
from typing import Any

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.colors.coloring import by_color, color_columns
from jacinspect.jacobian.patterns.dependencies import PAIR_BYTES, Budget, Dependencies, PointPair, Unresolved
from jacinspect.jacobian.values.differences import FARTHER, MANY
from jacinspect.jacobian.values.stencil import step_scale
from jacinspect.records import dataclass, replace

__all__ = ["Line", "bisect", "read_pairs"]

_NEARLY_ALL = 0.75  # share of the groups: an output that reads so many may read all positions, or a few in each group
_FEW = 8  # groups, below which most patterns have an output that reads nearly all
_SAMPLE_SHARE = 2  # one position for so many groups is moved by itself to find out which of the two it is
_SURE = 4  # positions that all outputs have to read, before each is moved by itself
_FAINT = 2.0**-36  # of the size of the outputs: far more than rounding, far less than most inputs change
_TABLE = 8  # bytes for each pair, of the table in which it is looked up: a few of PAIR_BYTES
_ROWS = 2**15  # values of f that are looked at together, 256 KiB
_HALF = 0.5  # share of the positions read, from which halving on costs more calls than a call for each position


@dataclass(frozen=True, eq=False)
class Line:
    """The inputs along the coupled axes, laid end to end; the other axes are moved together with them.

    A position along the line stands for all inputs that have the same index along the coupled axes. `full` is whether
    outputs seem to read all of them.
    """

    box: BlackBox
    pair: PointPair
    axes: tuple[int, ...]
    full: bool = False

    @cached_property
    def offsets(self) -> Array:
        """The flat offset of each position along the line."""
        base = self.pair.base
        index = np.arange(base.size).reshape(base.shape)
        return index[tuple(slice(None) if a in self.axes else 0 for a in range(base.ndim))].ravel()

    def each_moved(self, positions: Iterable[int | Array]) -> Iterator[Array]:
        """Yield f where a position is moved, or a set of them by their indices along the line, for each of some."""
        return self.box.many(self._points(positions, self.pair.flip))

    def seen(self, positions: Iterable[int], outputs: Array) -> Iterator[Array]:
        """Yield which of some outputs are seen to read a position by a small step, a row for each of some positions.

        Differences take that step as well, and need not call f again.
        """
        base, y_base = self.pair.base, _of(self.pair.y_base, outputs)
        beside = (step_scale(base) * FARTHER + base).astype(base.dtype, copy=False)
        values = self.box.many_kept(self._points(positions, beside))
        while rows := [_of(y, outputs) for y in islice(values, max(_ROWS // outputs.size, 1))]:
            y = np.array(rows)
            with np.errstate(all="ignore"):
                change = y - y_base  # of which NaN shows nothing
                yield np.abs(change) > _FAINT * self._size

    def _points(self, positions: Iterable[int | Array], flip: Array) -> Iterator[Array]:
        base = self.pair.base
        index: list[Any] = [slice(None)] * base.ndim
        lengths = [base.shape[axis] for axis in self.axes]
        for each in positions:
            for axis, along in zip(self.axes, np.unravel_index(each, lengths), strict=True):
                index[axis] = along
            point = base.copy()
            point[tuple(index)] = flip[tuple(index)]
            yield point

    def changes(self, y: Array, outputs: Array, faintly: bool = True) -> tuple[Array, Array]:
        """Return which of some outputs, ascending, differ from those at the base, and which perhaps by rounding.

        The second is not asked for, and then false, unless `faintly`.
        """
        y, y_base = _of(y, outputs), _of(self.pair.y_base, outputs)
        changed = ~same(y, y_base)
        if not faintly:
            return changed, np.zeros(changed.size, bool)
        with np.errstate(all="ignore"):
            return changed, changed & (np.abs(y - y_base) <= _FAINT * self._size)

    @cached_property
    def _size(self) -> float:
        """The size of the largest finite output at the base."""
        return float(np.max(np.abs(self.pair.y_base), initial=0, where=np.isfinite(self.pair.y_base)))


def _of(y: Array, outputs: Array) -> Array:
    """Return the values of some outputs, ascending: of all, f's own array, which takes no time."""
    return y if outputs.size == y.size else y[outputs]


def bisect(line: Line, outputs: Array, bases: Array, budget: Budget, dependencies: Dependencies) -> Array:
    """Halve the line again and again, following each output into the halves that it reads.

    Where outputs read so many positions that more halving would cost two calls for each, every position is moved by
    itself at once.

    Parameters
    ----------
    line
        The positions to search.
    outputs, bases
        Flat indices of outputs, and for each the input to which the offsets along the line are added.
    budget
        Past it, the outputs are left `Unresolved`.
    dependencies
        What is found is added here.

    Returns
    -------
    doubtful
        Which outputs changed with a group, but with neither half of it alone, or read fewer than two inputs here
        although their codewords showed several.
    """
    offsets = line.offsets
    length = offsets.size
    line = replace(line, full=_all_read(line, outputs))
    if line.full:
        return _one_by_one(line, outputs, bases, budget, dependencies, outputs.size * length)
    small = np.int32 if max(outputs.size, length) < 2**30 else np.int64
    rows, groups = np.arange(outputs.size, dtype=small), np.zeros(outputs.size, small)
    masked, faint = np.zeros(outputs.size, bool), np.zeros(outputs.size, bool)
    shift = (length - 1).bit_length()
    while shift:
        shift -= 1
        number = -(-length >> shift)
        most = budget.evaluations - line.box.evaluations
        calls, fits = most + 1, 2 * rows.size * PAIR_BYTES <= budget.memory
        if fits:
            rows, halves = np.repeat(rows, 2), np.repeat(2 * groups, 2)
            halves[1::2] += 1
            groups = halves
            colors, calls = color_columns(*_inside(rows, groups, number), number, most)
        if calls > most:
            dependencies.unresolved.append(Unresolved(outputs, bases, offsets, "evaluations" if fits else "memory"))
            return np.zeros(outputs.size, bool)
        read, faint = read_pairs(line, outputs, (rows, groups), (colors, calls), shift)
        neither = ~(read[::2] | read[1::2])
        if neither.any():
            masked[rows[::2][neither]] = True
        found = np.flatnonzero(read)
        rows, groups, faint = rows[found], groups[found], faint[found]
        wide = np.bincount(rows, minlength=outputs.size) >= _NEARLY_ALL * number
        if shift and number >= _FEW and wide.any():
            share = _share_read(line, outputs[wide], -(-number // _SAMPLE_SHARE))
            if share >= _HALF or share * length > budget.evaluations - line.box.evaluations:
                return _one_by_one(line, outputs, bases, budget, dependencies, rows.size << shift)
    dependencies.add(outputs[rows], bases[rows] + offsets[groups], faint)
    return masked | (np.bincount(rows, minlength=outputs.size) < 2)


def _inside(rows: Array, groups: Array, number: int) -> tuple[Array, Array]:
    """Return the pairs with one of the first groups: the second half of the last may lie past the end of the line."""
    if number % 2 == 0:
        return rows, groups
    inside = groups < number
    return rows[inside], groups[inside]


def read_pairs(
    line: Line, outputs: Array, pairs: tuple[Array, Array], coloring: tuple[Array, int], shift: int
) -> tuple[Array, Array]:
    """Return which pairs of an output and a group are read, and which faintly, by one call for each color of groups.

    A pair is a place among the `outputs` and a group. Group g is the positions from g << shift to (g + 1) << shift; one
    past the end of the line is not read. Where there are several positions in a group, none is faint. The `coloring` is
    a color for each group, -1 for groups that are in no pair, and the number of colors.
    """
    (rows, groups), (colors, calls) = pairs, coloring
    positions, bounds = by_color(colors[np.arange(line.offsets.size) >> shift], calls)
    values = line.each_moved(positions[start:end] for start, end in pairwise(bounds))
    answers = np.zeros(groups.size, np.int8)  # 1 where a pair is read, 2 where faintly
    many, nothing = max(_TABLE * groups.size // outputs.size, 1), np.zeros(outputs.size, np.int8)
    for first in range(0, calls, many):  # what changes in some calls is noted for all outputs, then looked up
        table = [np.add(*line.changes(y, outputs, faintly=not shift), dtype=np.int8) for y in islice(values, many)]
        place = np.full(calls + 1, len(table))
        place[first : first + len(table)] = np.arange(len(table))
        starts, found = outputs.size * place[np.append(colors, -1)], np.concatenate([*table, nothing])
        for block in blocks(groups.size):
            answers[block] |= found.take(starts[groups[block]] + rows[block])
    return answers > 0, answers > 1


def _all_read(line: Line, outputs: Array) -> bool:
    """Whether some outputs seem to read all positions, as a few of many show by small steps from X."""
    length = line.offsets.size
    if not line.full or length <= MANY or line.pair.y_base is not line.box.y0:
        return False
    return all(read.all() for read in line.seen(_spread(length, _SURE), outputs))


def _share_read(line: Line, outputs: Array, number: int) -> float:
    """Estimate which share of the positions some outputs read, on average, by moving a few of them by themselves."""
    sample = _spread(line.offsets.size, number)
    return float(np.mean([line.changes(y, outputs)[0].mean() for y in line.each_moved(sample)]))


def _spread(length: int, number: int) -> list[int]:
    """Return a number of positions, spread evenly over a length."""
    return [(2 * k + 1) * length // (2 * number) for k in range(number)]


def _one_by_one(
    line: Line, outputs: Array, bases: Array, budget: Budget, dependencies: Dependencies, entries: int
) -> Array:
    """Move every position of the line by itself; `entries` is about how many pairs will be found.

    Of a line that is read in full, by a small step first, which differences take as well.
    """
    offsets = line.offsets
    fits = entries * PAIR_BYTES <= budget.memory
    if line.box.evaluations + offsets.size > budget.evaluations or not fits:
        dependencies.unresolved.append(Unresolved(outputs, bases, offsets, "evaluations" if fits else "memory"))
        return np.zeros(outputs.size, bool)
    times, every = np.zeros(outputs.size, np.int64), range(offsets.size)
    asked = {} if line.full else dict.fromkeys(every, np.arange(outputs.size))

    def add(positions: Array | int, read: Array, faint: Array | None = None) -> None:
        dependencies.add(outputs[read], bases[read] + offsets[positions], faint)
        times[:] += np.bincount(read, minlength=times.size)

    start = 0
    for table in line.seen(every, outputs) if line.full else ():
        read, positions = np.nonzero(table.T)
        add(start + positions, read)
        asked |= {start + row: np.flatnonzero(~table[row]) for row in np.flatnonzero(~table.all(axis=1)).tolist()}
        start += len(table)
    for (position, places), y in zip(asked.items(), line.each_moved(asked), strict=True):
        changed, faint = line.changes(y, outputs[places])
        add(position, places[changed], faint[changed])
    return times < 2
