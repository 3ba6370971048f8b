"""What does each output read, seen between two points? Addresses first, then bisection. Next: detection.

Addresses settle every output that reads one input along an axis; bisection, with Curtis, Powell & Reid's (1974) column
grouping, settles the rest.
"""

from dataclasses import dataclass, field
from itertools import count
from math import comb, prod
from typing import Literal

import numpy as np

from jacinspect.jacobian.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.coloring import color_columns
from jacinspect.jacobian.compact import Pattern

__all__ = ["Budget", "Found", "Round", "Spent", "Unresolved", "flat_indices", "trace"]

_PAIR_BYTES = 64  # what a pair (output, input) takes while it is being found, temporaries included

Spent = Literal["evaluations", "memory"]
Round = tuple[Array, Array, Array, Array]  # a point, f there, another point, f there


@dataclass(frozen=True)
class Budget:
    """How many calls of f, and how many bytes, detection may spend."""

    evaluations: int
    memory: int


@dataclass(frozen=True, eq=False)
class Unresolved:
    """Outputs that a budget left coupled along some axes: each may read the whole line there.

    Output outputs[i] may read the inputs bases[i] + line, all flat row-major integers. `spent` is what ran out, None if
    nothing did but every search found another pattern.
    """

    outputs: Array
    bases: Array
    line: Array
    spent: Spent | None = None

    @property
    def entries(self) -> int:
        """How many entries of the Jacobian this leaves open."""
        return int(self.outputs.size * self.line.size)

    def sampled(self, positions: Array) -> tuple[Array, Array]:
        """Return the pairs (output, input) at some positions along the line."""
        inputs = self.bases[:, None] + self.line[positions]
        return np.repeat(self.outputs, positions.size), inputs.ravel()


@dataclass(eq=False)
class Found:
    """Pairs (output, input) gathered so far, and outputs left open."""

    outputs: list[Array] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)

    def add(self, outputs: Array, inputs: Array) -> None:
        """Note that output outputs[i] reads input inputs[i]."""
        if outputs.size:
            self.outputs.append(outputs)
            self.inputs.append(inputs)

    def pattern(self, output_shape: tuple[int, ...], operand_shape: tuple[int, ...]) -> Pattern:
        """Return what was found so far."""
        none = np.zeros(0, np.int64)
        outputs = self.outputs[0] if len(self.outputs) == 1 else np.concatenate([none, *self.outputs])
        inputs = self.inputs[0] if len(self.inputs) == 1 else np.concatenate([none, *self.inputs])
        return Pattern.from_pairs(outputs, inputs, output_shape, operand_shape)


def trace(box: BlackBox, rounds: list[Round], outputs: Array, budget: Budget, found: Found) -> None:
    """Find what `outputs` read between pairs of points; a later pair only for what an earlier one leaves in doubt.

    An output is in doubt when its value changed with a group of inputs, but with neither half of the group alone: a
    product of two relus that are both dead does so. Seen from the other point, it changes with each.
    """
    left = outputs
    for base, y_base, flip, y_flip in rounds:
        moves = np.zeros(left.size, bool)
        for block in blocks(left.size):
            moves[block] = ~same(y_base[left[block]], y_flip[left[block]])
        left = left if moves.all() else left[moves]
        if not left.size:
            return
        bases, kinds = _addresses(box, base, y_base, flip, y_flip, left)
        single = kinds == 0
        if single.all():
            found.add(left, bases)
            return
        found.add(left[single], bases[single])
        left, bases, kinds = left[~single], bases[~single], kinds[~single]
        doubtful = []
        for kind in np.unique(kinds):
            of_kind = kinds == kind
            axes = tuple(axis for axis in range(base.ndim) if int(kind) >> axis & 1)
            line = _Line(box, base, y_base, flip, axes)
            doubtful.append(_bisect(line, left[of_kind], bases[of_kind], budget, found))
        left = np.concatenate([left[:0], *doubtful])


def flat_indices(chosen: Array) -> Array:
    """Return where booleans are true, ascending, in as few bytes as they need."""
    return np.flatnonzero(chosen).astype(np.int32 if chosen.size < 2**31 else np.int64)


def _addresses(
    box: BlackBox, base: Array, y_base: Array, flip: Array, y_flip: Array, outputs: Array
) -> tuple[Array, Array]:
    """Find, axis by axis, the one index at which each output reads, or that it reads several.

    Every index along an axis has a word of ⌊k/2⌋ of the k probes, and probe t flips the slices whose word has t. An
    output that reads one input takes y_flip in just the probes of that input's word. The words have one weight because
    otherwise the union of two could be a third, and relu(x_i + x_{i+1}) would pass for a function of one input.

    Returns, for each output, the flat index of the input, with index 0 along the axes on which it reads several; and
    those axes, as a bit set.
    """
    bases = np.zeros(outputs.size, np.int32 if base.size < 2**31 else np.int64)
    kinds = np.zeros(outputs.size, np.min_scalar_type(2**base.ndim - 1))
    everything = outputs.size == y_base.size
    for axis, length in enumerate(base.shape):
        words, stride = _words(length), prod(base.shape[axis + 1 :])
        heard, strange = np.zeros(outputs.size, np.uint32), np.zeros(outputs.size, bool)
        for probe in range(int(words[-1]).bit_length()):
            slices = (words >> probe & 1).astype(bool).reshape([-1 if a == axis else 1 for a in range(base.ndim)])
            y = box(np.where(slices, flip, base))
            for block in blocks(outputs.size):
                pick = block if everything else outputs[block]
                value, high = y[pick], y_flip[pick]
                changed = same(value, high)
                strange[block] |= ~(changed | same(value, y_base[pick]))
                heard[block] |= np.left_shift(changed, probe, dtype=np.uint32)
        for block in blocks(outputs.size):
            place = np.minimum(np.searchsorted(words, heard[block]), length - 1).astype(bases.dtype)
            several = strange[block] | (words[place] != heard[block])
            place = np.where(several, 0, place)
            bases[block] = bases[block] + place * bases.dtype.type(stride)
            kinds[block] |= several.astype(kinds.dtype) << kinds.dtype.type(axis)
    return bases, kinds


def _words(length: int) -> Array:
    """Give `length` distinct words of one weight, ascending integers, with as few bits as can be; (0,) for one."""
    bits = next(k for k in count() if comb(k, k // 2) >= length)
    known: dict[tuple[int, int], Array] = {}

    def words(bits: int, ones: int) -> Array:
        if ones in (0, bits):
            return np.array([(1 << ones) - 1], np.uint32)
        if (bits, ones) not in known:
            top = np.uint32(1 << (bits - 1))
            known[bits, ones] = np.concatenate([words(bits - 1, ones), words(bits - 1, ones - 1) | top])
        return known[bits, ones]

    return words(bits, bits // 2)[:length]


@dataclass(frozen=True, eq=False)
class _Line:
    """Moves intervals of the line that the coupled axes make, laid end to end; the other axes ride along."""

    box: BlackBox
    base: Array
    y_base: Array
    flip: Array
    axes: tuple[int, ...]

    @property
    def offsets(self) -> Array:
        """The flat offset of each position along the line."""
        index = np.arange(self.base.size).reshape(self.base.shape)
        return index[tuple(slice(None) if a in self.axes else 0 for a in range(self.base.ndim))].ravel()

    def changed(self, positions: Array) -> Array:
        """Move the positions (booleans along the line) and tell which outputs change."""
        shape = [n if axis in self.axes else 1 for axis, n in enumerate(self.base.shape)]
        return ~same(self.box(np.where(positions.reshape(shape), self.flip, self.base)), self.y_base)


def _bisect(line: _Line, outputs: Array, bases: Array, budget: Budget, found: Found) -> Array:
    """Halve the line again and again, following each output into the halves that it reads.

    Many halves are probed in one call, where no output reads two of them. Where some output reads nearly all, every
    position is probed by itself at once: that costs one call each, where halving on would cost two.

    Adds to `found`; returns the outputs left in doubt.
    """
    offsets = line.offsets
    length = offsets.size
    small = np.int32 if max(outputs.size, length) < 2**30 else np.int64
    rows, groups = np.arange(outputs.size, dtype=small), np.zeros(outputs.size, small)
    masked = np.zeros(outputs.size, bool)
    shift = (length - 1).bit_length()
    while shift:
        shift -= 1
        number = -(-length >> shift)
        most = budget.evaluations - line.box.evaluations
        calls, fits = most + 1, 2 * rows.size * _PAIR_BYTES <= budget.memory
        if fits:
            rows, groups = np.repeat(rows, 2), np.add.outer(2 * groups, np.arange(2, dtype=groups.dtype)).ravel()
            inside = groups < number
            colors, calls = color_columns(rows[inside], groups[inside], number, most)
        if calls > most:
            found.unresolved.append(Unresolved(outputs, bases, offsets, "evaluations" if fits else "memory"))
            return outputs[:0]
        read = np.zeros(rows.size, bool)
        of_position = colors[np.arange(length) >> shift]
        of_pair = np.where(inside, colors[np.minimum(groups, number - 1)], -1)
        order = np.argsort(of_pair, kind="stable")
        bounds = np.searchsorted(of_pair[order], np.arange(calls + 1))
        for color in range(calls):
            asked = order[bounds[color] : bounds[color + 1]]
            read[asked] = line.changed(of_position == color)[outputs[rows[asked]]]
        masked[rows[::2][~(read[::2] | read[1::2])]] = True
        rows, groups = rows[read], groups[read]
        widest = np.bincount(rows).max(initial=0)
        hopeless = line.box.evaluations + length > budget.evaluations and rows.size == outputs.size * number >= 64
        if shift and widest >= 0.75 * number and (number >= max(8, length / 64) or hopeless):
            return _one_by_one(line, outputs, bases, rows.size << shift, budget, found)
    found.add(outputs[rows], bases[rows] + offsets[groups])
    masked |= np.bincount(rows, minlength=outputs.size) < 2  # addresses saw it read several
    return outputs[masked]


def _one_by_one(line: _Line, outputs: Array, bases: Array, entries: int, budget: Budget, found: Found) -> Array:
    """Probe every position of the line by itself; `entries` is about how many dependences there will be."""
    offsets = line.offsets
    fits = entries * _PAIR_BYTES <= budget.memory
    if line.box.evaluations + offsets.size > budget.evaluations or not fits:
        found.unresolved.append(Unresolved(outputs, bases, offsets, "evaluations" if fits else "memory"))
        return outputs[:0]
    times = np.zeros(outputs.size, np.int64)
    for position in range(offsets.size):
        read = np.flatnonzero(line.changed(np.arange(offsets.size) == position)[outputs])
        found.add(outputs[read], bases[read] + offsets[position])
        times[read] += 1
    return outputs[times < 2]
