"""Which inputs does each output read? Asked of the function by experiment, comparing values exactly. Next: coloring.

Two points, X and a *flip* of it in which every entry has moved, and mixtures of the two. Addresses settle every output
that reads one input along an axis; bisection, with Curtis, Powell & Reid's (1974) column grouping, settles the rest.
What this cannot see: an exact cancellation, an effect below one ulp, a branch that none of the points takes.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import comb, prod
from typing import Literal

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.blackbox import Array, BlackBox, Interval, blocks, same
from jacinspect.jacobian.coloring import color_columns
from jacinspect.jacobian.compact import Pattern

__all__ = ["Budget", "Detection", "Spent", "Unresolved", "detect", "detect_again"]

_PAIR_BYTES = 64  # what a pair (output, input) takes while it is being found, temporaries included
_MIXTURES = 3  # of two points, to hold a pattern against
_MORE_MIXTURES = 8  # where some output reads several inputs, and a mixture tells less
_CONFIRMATIONS = 12
_UNEQUAL = 2.0**40  # how many times larger a number may be than another that still moves a sum with it


Spent = Literal["evaluations", "memory"]


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


@dataclass(frozen=True, eq=False)
class Detection:
    """What was found: the pattern at so many points, with so many calls, and what a budget left open."""

    pattern: Pattern
    points: int
    evaluations: int
    unresolved: tuple[Unresolved, ...] = ()

    @property
    def proved(self) -> bool:
        """Whether every dependence was followed down to single inputs."""
        return not self.unresolved


@dataclass(eq=False)
class _Found:
    """Pairs (output, input) gathered so far, and outputs left open."""

    outputs: list[Array] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)

    def add(self, outputs: Array, inputs: Array) -> None:
        if outputs.size:
            self.outputs.append(outputs)
            self.inputs.append(inputs)

    def pattern(self, output_shape: tuple[int, ...], operand_shape: tuple[int, ...]) -> Pattern:
        none = np.zeros(0, np.int64)
        outputs = self.outputs[0] if len(self.outputs) == 1 else np.concatenate([none, *self.outputs])
        inputs = self.inputs[0] if len(self.inputs) == 1 else np.concatenate([none, *self.inputs])
        return Pattern.from_pairs(outputs, inputs, output_shape, operand_shape)


def detect(box: BlackBox, x: Array, rng: np.random.Generator, budget: Budget) -> Detection:
    """Find which entries of x each output of f reads.

    Parameters
    ----------
    box
        The function, already called at x.
    x
        The operand, floating point, any shape; its entries may be non-finite.
    rng
        Draws the flips.
    budget
        Past it, what is still coupled stays a group: `Detection.unresolved`.

    Raises
    ------
    FunctionRaisedError
        When f raises at every flip tried.
    """
    assert box.output_shape is not None
    found = _Found()
    pending = np.full(box.y0.size, x.size > 0)
    points = 1
    failure: FunctionRaisedError | None = None
    for flip, last in _flips(box, x, rng):
        if not pending.any():
            break
        try:
            y = box(flip.copy())
            shown = pending & ~same(y, box.y0)
            if not last:  # f may have left its domain there; a nearer flip comes later
                shown &= np.isfinite(y) | ~np.isfinite(box.y0)
            if shown.any():
                _trace(box, [(x, box.y0, flip, y), (flip, y, x, box.y0)], _numbers(shown), budget, found)
                points += 1
            del y
        except FunctionRaisedError as error:
            failure = error
            continue
        pending &= ~shown
    del flip
    points += _trace_near_one(box, x, rng, budget, found)
    if failure is not None and points == 1:
        raise failure
    for _ in range(_CONFIRMATIONS):
        pattern = found.pattern(box.output_shape, x.shape)
        refuted, rounds = _confirm(box, x, pattern, found, rng)
        points += bool(rounds)
        if not refuted.size:
            break
        with suppress(FunctionRaisedError):  # between points at which f does not raise; the next round has others
            _trace(box, rounds, refuted, budget, found)
    else:
        found.unresolved.append(Unresolved(refuted, np.zeros(refuted.size, np.int64), np.arange(x.size)))
        pattern = found.pattern(box.output_shape, x.shape)
    return Detection(pattern, points, box.evaluations, tuple(found.unresolved))


def detect_again(
    box: BlackBox, x: Array, before: Detection, outputs: Array, rng: np.random.Generator, budget: Budget
) -> Detection:
    """Look once more at outputs whose pattern was refuted, at new flips close to x, and add what is found."""
    assert box.output_shape is not None
    found = _Found([before.pattern.rows], [before.pattern.indices], list(before.unresolved))
    points = before.points
    for reach in (0.25, 2.0**-10):
        step = _moved(box, x, rng, 0, reach, reach)
        with suppress(FunctionRaisedError):
            y = box(step.copy())
            points += 1
            moved = outputs[~same(y, box.y0)[outputs]]
            _trace(box, [(x, box.y0, step, y), (step, y, x, box.y0)], moved, budget, found)
    return Detection(found.pattern(box.output_shape, x.shape), points, box.evaluations, tuple(found.unresolved))


def _trace_near_one(box: BlackBox, x: Array, rng: np.random.Generator, budget: Budget, found: _Found) -> int:
    """Where x has numbers of very different size, trace between two points that have not; return how many there were.

    Beside a number that is so much larger, what is small moves no bit of a sum.
    """
    size = np.abs(x[np.isfinite(x) & (x != 0)])
    if not size.size or size.max() / _UNEQUAL <= size.min():
        return 0
    with suppress(FunctionRaisedError):
        base, flip = (_within(rng.uniform(0.5, 2, x.shape).astype(x.dtype), box.domain) for _ in range(2))
        y_base, y_flip = box(base.copy()), box(flip.copy())
        moved = np.isfinite(y_base) & np.isfinite(y_flip) & np.isfinite(box.y0)
        _trace(box, [(base, y_base, flip, y_flip), (flip, y_flip, base, y_base)], _numbers(moved), budget, found)
        return 2
    return 0


# --- Points ---------------------------------------------------------------------------------------------------------


def _flips(box: BlackBox, x: Array, rng: np.random.Generator) -> Iterator[tuple[Array, bool]]:
    """Give flips of x, each with whether it is the last: across zero, nearer (a domain), around 0, farther.

    Around 0 lives what vanishes or overflows at x, such as exp(-x²); farther lies what is flat at x and around it.
    """
    yield _moved(box, x, rng, -1, 1, 1), False
    yield _moved(box, x, rng, 1, 0.25, 0), False
    yield _moved(box, x, rng, -1, 0.25, 0), False
    for _ in range(4):  # a product of two relus, one of them dead
        yield _moved(box, x, rng, 0, 1, 1), False
    for least in (1e2, 1e4):
        for way in (-1, 1):
            yield _moved(box, x, rng, way, 1, least), False
    yield _within((2 * rng.random(x.shape) - 1).astype(x.dtype), box.domain), False
    yield _moved(box, x, rng, -1, 1, 1), True


def _moved(box: BlackBox, x: Array, rng: np.random.Generator, way: int, reach: float, least: float) -> Array:
    """Move every entry of x by a generic amount, reach·|x| to twice that, but at least by `least`.

    Away from 0 for a `way` of 1, towards it for -1, at random for 0; where x is not finite, draw a number. Where f is
    declared to be defined, it stays.
    """
    moved = np.empty(x.shape, x.dtype)
    into, largest = moved.reshape(-1), np.finfo(x.dtype).max
    for block in blocks(x.size):
        part = x.reshape(-1)[block]
        u = rng.random(part.size)
        away = rng.choice([-1.0, 1.0], part.size) if way == 0 else np.where(part < 0, -way, way)
        with np.errstate(all="ignore"):
            there = (part + away * np.maximum(reach * np.abs(part), least) * (1 + u)).astype(x.dtype)
        there = np.where(np.isfinite(part), np.clip(there, -largest, largest), (2 * u - 1).astype(x.dtype))
        stuck = there == part  # at 0 under a relative reach, and at the largest numbers
        into[block] = _within(np.where(stuck, np.where(part == 0, away * u, part / 2), there), box.domain)
    return moved


def _within(x: Array, domain: Interval) -> Array:
    """Bring what lies outside a domain into it: by reflection at an end, and round between two."""
    low, high = domain
    with np.errstate(all="ignore"):
        inside = low + np.abs(x - low) % (high - low) if np.isfinite(low) else high - np.abs(high - x)
    return np.where((x < low) | (x > high), inside, x).astype(x.dtype, copy=False)


Round = tuple[Array, Array, Array, Array]  # a point, f there, another point, f there


def _confirm(
    box: BlackBox, x: Array, pattern: Pattern, found: _Found, rng: np.random.Generator
) -> tuple[Array, list[Round]]:
    """Hold the pattern against a second flip and mixtures with it.

    Returns the outputs that refute it and the points that show it; no points where f raises at every second flip.
    """
    none = np.zeros(0, np.int64)
    if not x.size or not box.y0.size:
        return none, []
    for reach in (1.0, 0.25, 2.0**-10):
        second = _moved(box, x, rng, 0, reach, reach)
        try:
            y2 = box(second.copy())
            break
        except FunctionRaisedError:
            continue
    else:
        return none, []
    refuted = np.zeros(box.y0.size, bool)
    rounds: list[Round] = [(x, box.y0, second, y2), (second, y2, x, box.y0)]
    for _ in range(_MORE_MIXTURES if pattern.stored > np.count_nonzero(np.diff(pattern.indptr)) else _MIXTURES):
        moved = rng.random(x.shape) < 0.5
        mixture = np.where(moved, second, x)
        try:
            y = box(mixture)
        except FunctionRaisedError:
            continue
        wrong = np.zeros(y.size, bool)
        for block in blocks(y.size):
            wrong[block] = ~_predicted(pattern.band(block), moved.ravel(), box.y0[block], y2[block], y[block])
        for unresolved in found.unresolved:
            wrong[unresolved.outputs] = False
        if np.any(wrong & ~refuted):
            rounds += [(x, box.y0, mixture, y), (mixture, y, second, y2)]
        refuted |= wrong
    return np.flatnonzero(refuted), rounds


def _predicted(pattern: Pattern, moved: Array, y0: Array, y1: Array, y: Array) -> Array:
    """Whether each output is as its inputs say: y0 where none of them moved, y1 where all did, anything in between."""
    lengths = np.diff(pattern.indptr)
    flags = moved[pattern.indices]
    if flags.size == lengths.size and np.all(lengths == 1):
        return same(y, np.where(flags, y1, y0))
    ups = np.zeros(lengths.size, np.int64)
    filled = lengths > 0
    if filled.any():
        ups[filled] = np.add.reduceat(flags, pattern.indptr[:-1][filled], dtype=np.int64)
    expected = np.where(ups == 0, y0, y1)
    return same(y, expected) | ((ups > 0) & (ups < lengths))


# --- Tracing: addresses, then bisection of what is coupled -----------------------------------------------------------


def _trace(box: BlackBox, rounds: list[Round], outputs: Array, budget: Budget, found: _Found) -> None:
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


def _numbers(chosen: Array) -> Array:
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


def _bisect(line: _Line, outputs: Array, bases: Array, budget: Budget, found: _Found) -> Array:
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


def _one_by_one(line: _Line, outputs: Array, bases: Array, entries: int, budget: Budget, found: _Found) -> Array:
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
