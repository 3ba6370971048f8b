"""Each output's one index along each axis, by codewords none of which contains another."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations
from math import comb
from typing import Any, cast

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns.codewords import _codewords, decode
from jacinspect.jacobian.patterns.dependencies import PointPair
from tests.oracles import Array, Shape


def decoded(f: Callable[[Array], Any], shape: Shape, outputs: list[int] | None = None) -> tuple[Any, Any, int]:
    """Decode between 0 and 1 (inputs are 0, or 1 where they moved)."""
    box, one = BlackBox(f, np.zeros(shape)), np.ones(shape)
    pair = PointPair(np.zeros(shape), box.y0, one, box(one.copy()))
    bases, coupled, mixed = decode(box, pair, np.arange(box.y0.size) if outputs is None else np.array(outputs))
    return bases.tolist(), coupled.tolist(), mixed


# --- The codewords


@pytest.mark.parametrize("length", [1, 2, 3, 6, 7, 10, 11, 35, 36, 126, 127])
def test_codewords_are_as_many_as_asked_for_all_of_one_weight_and_as_short_as_can_be(length: int) -> None:
    _codewords.cache_clear()
    words = _codewords(length).tolist()
    assert words == sorted(set(words))
    assert len(words) == length
    assert len({word.bit_count() for word in words}) == 1
    bits = words[-1].bit_length()
    assert length == 1 or comb(bits - 1, (bits - 1) // 2) < length <= comb(bits, bits // 2)


def test_no_two_codewords_together_contain_a_third_as_the_whole_of_it() -> None:
    _codewords.cache_clear()
    words = _codewords(20).tolist()
    assert not {a | b for a, b in combinations(words, 2)} & set(words)


# --- Where outputs read one input


def test_an_output_that_reads_one_input_is_told_its_place_in_row_major_order() -> None:
    read = np.array([[5, 0, 23, 11], [7, 7, 16, 2]])
    assert decoded(lambda x: x.ravel()[read], (2, 3, 4)) == (read.ravel().tolist(), [0] * 8, 0)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1)])
def test_a_single_input_takes_no_call(shape: Shape) -> None:
    box = BlackBox(lambda x: x, np.zeros(shape))
    before = box.evaluations
    one = np.ones(shape)
    bases, coupled, _ = decode(box, PointPair(np.zeros(shape), box.y0, one, one.ravel()), np.array([0]))
    assert (bases.tolist(), coupled.tolist(), box.evaluations) == ([0], [0], before)


def test_only_the_outputs_that_are_asked_for_are_told() -> None:
    assert decoded(lambda x: x[::-1], (7,), [1, 4]) == ([5, 2], [0, 0], 0)


def test_values_of_all_outputs_are_not_copied_out() -> None:
    class Sliced(np.ndarray[Any, Any]):
        def __getitem__(self, index: Any) -> Any:
            assert isinstance(index, slice)
            return super().__getitem__(index)

    box, one = BlackBox(lambda x: x, np.zeros(3)), np.ones(3)
    pair = PointPair(np.zeros(3), box.y0.view(Sliced), one, one.view(Sliced))
    assert decode(box, pair, np.arange(3))[0].tolist() == [0, 1, 2]


class Told:
    """Stands for a function of one output that reads one of very many inputs, and for its calls."""

    def __init__(self, shape: Shape, index: tuple[int, ...]) -> None:
        words = [_codewords(n) for n in shape]
        self.bits = [
            int(word[i]) >> probe & 1
            for word, i in zip(words, index, strict=True)
            for probe in range(int(word[-1]).bit_length())
        ]

    def many(self, points: Iterable[Array]) -> Iterator[Array]:
        return (np.array([float(bit)]) for bit in self.bits)


def test_places_take_four_bytes_unless_there_are_too_many_inputs() -> None:
    shape, last = (2**16, 2**15 + 1), (2**16 - 1, 2**15)
    zero, y = np.broadcast_to(0.0, shape), np.zeros(1)
    bases, coupled, _ = decode(cast(BlackBox, Told(shape, last)), PointPair(zero, y, zero, y + 1), np.array([0]))
    assert (bases.tolist(), coupled.tolist()) == ([2**16 * (2**15 + 1) - 1], [0])
    box = BlackBox(lambda x: x, np.zeros(3))
    few = decode(box, PointPair(np.zeros(3), box.y0, np.ones(3), np.ones(3)), np.arange(3))
    assert few[0].dtype == np.int32


# --- Where outputs read several


def test_several_inputs_couple_the_axes_along_which_they_differ_and_have_index_0_there() -> None:
    shape = (3, 4, 2)

    def f(x: Array) -> Array:
        return np.array([x[1, :, 1].sum(), x[:, 2, 0].sum(), x[2, 3, :].sum(), x[2, :, :].sum(), x[1, 3, 1]])

    place = np.arange(24).reshape(shape)
    assert decoded(f, shape)[:2] == (
        [place[1, 0, 1], place[0, 2, 0], place[2, 3, 0], place[2, 0, 0], place[1, 3, 1]],
        [0b010, 0b001, 0b100, 0b110, 0],
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.maximum(x[4], x[5]),  # moves where either does,
        lambda x: np.minimum(x[4], x[5]),  # where both do,
        lambda x: x[0] * 2 - x[0] * x[5],  # wherever the first does, yet not always to where it ends,
        lambda x: np.where(x[0] > 0, 1.0, 2 * x[5]),  # and to there exactly where the first does
    ],
)
def test_two_inputs_are_not_taken_for_one(f: Callable[[Array], Any]) -> None:
    assert decoded(f, (6,))[:2] == ([0], [1])


def test_an_axis_is_mixed_where_every_output_had_a_value_between_the_two_in_every_probe() -> None:
    assert decoded(lambda x: x.sum(keepdims=True), (6,)) == ([0], [1], 1)
    assert decoded(lambda x: np.stack([x.sum(axis=0), x[::-1].sum(axis=0) ** 2]), (6, 3))[2] == 0b01
    assert decoded(lambda x: x.sum(axis=(1, 2)), (2, 3, 4))[2] == 0b110


def test_an_axis_is_not_mixed_where_a_probe_moved_all_or_nothing_of_what_an_output_reads() -> None:
    for i, j in combinations(range(5), 2):  # of 6 codewords the first and the last have all bits together, and so on
        both = np.isin(np.arange(5), [i, j])
        assert decoded(partial(np.dot, both[None]), (5,))[2] == (i + j == 5)
    assert decoded(lambda x: np.r_[x.sum(), x[:2].sum()], (6,))[2] == 0
