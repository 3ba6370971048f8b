"""Which one index does each output read along each axis? Found by group testing, in O(log n) calls. Next: bisection.

Each index along an axis has a codeword, a set of probes; a probe moves all slices whose codeword contains it. An output
that reads a single input changes in exactly the probes of that input's codeword. All codewords have the same number of
probes, so that no codeword contains another (Sperner 1928): if the union of two could be a third, relu(x_i + x_{i+1})
would be mistaken for a function of one input.
"""

from collections.abc import Iterator
from functools import cache
from itertools import count
from math import comb, prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox, blocks, same
from jacinspect.jacobian.patterns.dependencies import PointPair

__all__ = ["decode"]


def decode(box: BlackBox, pair: PointPair, outputs: Array) -> tuple[Array, Array, int]:
    """Find, axis by axis, the one index at which each output reads, or that it reads several.

    Parameters
    ----------
    box, pair
        The function, and the two points between which slices are moved.
    outputs
        Flat indices of the outputs that differ between the two points.

    Returns
    -------
    bases, coupled, mixed
        For each output, the flat index of the input that it reads, with index 0 along the axes on which it reads
        several; and those axes, as a bit set. `mixed`, another one, are the axes along which each output read, in every
        probe, inputs that moved and inputs that did not.
    """
    base, values = pair.base, box.many(_probes(pair))
    bases = np.zeros(outputs.size, np.int32 if base.size < 2**31 else np.int64)
    coupled, mixed = np.zeros(outputs.size, np.min_scalar_type(2**base.ndim - 1)), 0
    for axis, length in enumerate(base.shape):
        index, in_every_probe = _index_along(length, values, pair, outputs)
        mixed |= in_every_probe << axis
        for block in blocks(outputs.size):
            several = index[block] == length
            place = np.where(several, 0, index[block]).astype(bases.dtype)
            bases[block] = bases[block] + place * bases.dtype.type(prod(base.shape[axis + 1 :]))
            coupled[block] |= several.astype(coupled.dtype) << coupled.dtype.type(axis)
        del index  # 4 bytes for each output, of which there may be many
    return bases, coupled, mixed


def _probes(pair: PointPair) -> Iterator[Array]:
    """Yield the points of all probes, axis by axis."""
    for axis, length in enumerate(pair.base.shape):
        codewords, along = _codewords(length), [-1 if other == axis else 1 for other in range(pair.base.ndim)]
        for probe in range(_bits(codewords)):
            yield np.where((codewords >> probe & 1).astype(bool).reshape(along), pair.flip, pair.base)


def _bits(codewords: Array) -> int:
    return int(codewords[-1]).bit_length()


def _index_along(length: int, values: Iterator[Array], pair: PointPair, outputs: Array) -> tuple[Array, bool]:
    """Return the index along an axis at which each output reads, or the axis' length if it reads at several.

    The next `values` are those of f at the axis' probes. Returned is also whether each output had, in every probe, a
    value of neither of the two points.
    """
    codewords, everything = _codewords(length), outputs.size == pair.y_base.size
    observed, third, always = np.zeros(outputs.size, np.uint32), np.zeros(outputs.size, bool), True
    for probe, y in zip(range(_bits(codewords)), values, strict=False):
        for block in blocks(outputs.size):
            pick = block if everything else outputs[block]
            value = y[pick]
            changed = same(value, pair.y_flip[pick])
            neither = ~(changed | same(value, pair.y_base[pick]))
            third[block] |= neither
            always = always and bool(neither.all())
            observed[block] |= np.left_shift(changed, probe, dtype=np.uint32)
    for block in blocks(outputs.size):  # what was observed gives way to the index, of 4 bytes as well
        index = np.minimum(np.searchsorted(codewords, observed[block]), length - 1)
        observed[block] = np.where(third[block] | (codewords[index] != observed[block]), length, index)
    return observed, always


@cache
def _codewords(length: int) -> Array:
    """Return `length` distinct ascending integers with equally many bits set, as short as possible; (0,) for one."""
    bits = next(k for k in count() if comb(k, k // 2) >= length)
    known: dict[tuple[int, int], Array] = {}

    def of_weight(bits: int, ones: int) -> Array:
        if ones in (0, bits):
            return np.array([(1 << ones) - 1], np.uint32)
        if (bits, ones) not in known:
            top = np.uint32(1 << (bits - 1))
            known[bits, ones] = np.concatenate([of_weight(bits - 1, ones), of_weight(bits - 1, ones - 1) | top])
        return known[bits, ones]

    return of_weight(bits, bits // 2)[:length]
