"""What outputs read between two points: single inputs by codewords, others by bisection along the axes they share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns import tracing
from jacinspect.jacobian.patterns.bisection import Line
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair
from jacinspect.jacobian.patterns.tracing import _by_axes, _without, trace
from jacinspect.records import dataclass
from tests.oracles import Array, Pairs, Shape

F = Callable[[Array], Any]


@dataclass(frozen=True, eq=False)
class Traced:
    """What was found, in which outputs it is in doubt, how many calls it took."""

    found: Pairs
    left: list[int]
    calls: int


def traced(f: F, shape: Shape, outputs: list[int] | None = None, dependencies: Dependencies | None = None) -> Traced:
    """Trace between 0 and 1: the inputs are 0, or 1 where they moved."""
    box, one = BlackBox(f, np.zeros(shape)), np.ones(shape)
    pair, dependencies = PointPair(np.zeros(shape), box.y0, one, box(one.copy())), dependencies or Dependencies()
    before, asked = box.evaluations, np.arange(box.y0.size) if outputs is None else np.array(outputs)
    left = trace(box, pair, asked, Budget(1000, 2**30), dependencies)
    pattern = dependencies.pattern(box.y0.shape, shape)
    found = set(zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True))
    return Traced(found, sorted(left.tolist()), box.evaluations - before)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """The lines that are searched; in vain."""
    searched: list[Line] = []

    def search(line: Line, outputs: Array, *_: Any) -> Array:
        searched.append(line)
        return np.zeros(outputs.size, bool)

    monkeypatch.setattr(tracing, "bisect", search)
    return searched


# --- Outputs that read one input, or none


def test_outputs_that_do_not_differ_stay_in_doubt_and_take_no_call() -> None:
    traced_ = traced(lambda x: np.r_[x[0] * 0, x[1] - x[2], 1.0], (3,))
    assert (traced_.found, traced_.left, traced_.calls) == (set(), [0, 1, 2], 0)


def test_outputs_that_do_not_differ_are_not_searched_beside_others(lines: list[Line]) -> None:
    traced_ = traced(lambda x: np.r_[x[1], 0 * x[0], x[2], 7.0], (3,))
    assert (traced_.found, traced_.left, lines) == ({(0, 1), (2, 2)}, [1, 3], [])


def test_where_each_reads_one_input_the_outputs_are_not_copied() -> None:
    dependencies, outputs = Dependencies(), np.arange(3)
    box, one = BlackBox(lambda x: x[::-1], np.zeros(3)), np.ones(3)
    trace(box, PointPair(np.zeros(3), box.y0, one, one), outputs, Budget(99, 2**30), dependencies)
    assert dependencies.outputs[0] is outputs
    assert dependencies.inputs[0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 2), (1, 3, 2)])
def test_operands_without_numbers_or_with_few(shape: Shape) -> None:
    traced_ = traced(lambda x: x * 1, shape)
    assert traced_.found == {(k, k) for k in range(int(np.prod(shape)))}
    assert traced_.left == []


def test_only_the_outputs_that_are_asked_for_are_traced() -> None:
    traced_ = traced(lambda x: np.r_[x[0], x[1] + x[2], x[2], x[0] + x[3]], (4,), [1, 2])
    assert (traced_.found, traced_.left) == ({(1, 1), (1, 2), (2, 2)}, [])


# --- Outputs that read several


def test_outputs_are_searched_along_the_axes_that_they_share() -> None:
    def f(x: Array) -> Array:
        rows, columns = x[:2].sum(axis=1), x[0, 1:, :] + x[2, 1:, :]
        return np.asarray(np.r_[rows.ravel(), columns.ravel(), x[1, 2, 0], x.sum(), x[:, :2, 1].sum()])

    shape = (3, 4, 2)
    place = np.arange(24).reshape(shape)
    reads = [
        *(place[i, :, k] for i in range(2) for k in range(2)),
        *(place[[0, 2], j, k] for j in range(1, 4) for k in range(2)),
        *(place[1, 2, 0], place, place[:, :2, 1]),
    ]
    traced_ = traced(f, shape)
    assert traced_.found == {(o, int(p)) for o, read in enumerate(reads) for p in np.ravel(read)}
    assert traced_.left == []


def test_what_changes_with_neither_half_is_found_from_the_other_point() -> None:
    traced_ = traced(lambda x: np.r_[x[1] * x[6], x[2] + x[3]], (8,))
    assert (traced_.found, traced_.left) == ({(0, 1), (0, 6), (1, 2), (1, 3)}, [])


def test_what_is_found_in_part_from_each_point_stays_in_doubt() -> None:
    def f(x: Array) -> Array:
        product, maximum = x[0] * x[1], np.maximum(x[6], x[7])  # of which the first is found at 1, the other at 0
        return np.asarray(np.r_[product + maximum, x[2], x[3] + x[5]])

    traced_ = traced(f, (8,))
    assert traced_.found == {(0, 0), (0, 1), (0, 6), (0, 7), (1, 2), (2, 3), (2, 5)}
    assert traced_.left == [0]


def test_a_search_that_leaves_no_doubt_is_not_repeated(lines: list[Line]) -> None:
    traced(lambda x: np.r_[x.sum(), x[2]], (6,))
    assert len(lines) == 1


def test_a_line_seems_to_be_read_in_full_where_every_axis_of_it_was_mixed(lines: list[Line]) -> None:
    traced(lambda x: x.sum(keepdims=True), (5, 6))
    traced(lambda x: x.sum(axis=1), (5, 6))
    traced(lambda x: (x[0] + x[3]).sum(keepdims=True), (4, 6))  # along the first axis, half of the probes moved none
    assert [(line.axes, line.full) for line in lines] == [((0, 1), True), ((1,), True), ((0, 1), False)]


def test_an_output_joins_those_that_are_coupled_along_more_axes_where_these_are_no_fewer() -> None:
    def sets(*coupled: int) -> list[tuple[tuple[int, ...], list[int]]]:
        return [(axes, np.flatnonzero(which).tolist()) for axes, which in _by_axes(np.array(coupled), 3)]

    assert sets(0, 0) == []
    assert sets(3, 0, 1, 3, 4) == [((0, 1), [0, 2, 3]), ((2,), [4])]
    assert sets(1, 3, 1) == [((0,), [0, 2]), ((0, 1), [1])]
    assert sets(5, 3, 3, 5, 4) == [((0, 1), [1, 2]), ((0, 2), [0, 3, 4])]
    assert sets(6, 6, 2, 4) == [((1, 2), [0, 1, 2, 3])]


def test_an_index_along_an_axis_is_set_to_0() -> None:
    place = np.arange(24).reshape(2, 3, 4)
    some = place[[1, 0, 1], [2, 1, 0], [3, 2, 1]]
    assert _without(some, (1,), place.shape).tolist() == place[[1, 0, 1], 0, [3, 2, 1]].tolist()
    assert _without(some, (0, 2), place.shape).tolist() == place[0, [2, 1, 0], 0].tolist()
    assert _without(some, (), place.shape).tolist() == some.tolist()
