"""The inputs of an output that reads several: halves of halves, or one by one, within a budget."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns import bisection
from jacinspect.jacobian.patterns.bisection import Line, _inside, bisect, read_pairs
from jacinspect.jacobian.patterns.dependencies import PAIR_BYTES, Budget, Dependencies, PointPair
from jacinspect.records import dataclass
from tests.oracles import Array, Pairs, pairs_of

F = Callable[[Array], Any]
AMPLE = Budget(10_000, 2**30)


def line_of(f: F, base: Array, full: bool = False, to: float = 1.0) -> Line:
    """All positions of an operand, between two points."""
    box, flip = BlackBox(f, base), np.full(base.shape, to)
    return Line(box, PointPair(base, box.y0, flip, box(flip.copy())), tuple(range(base.ndim)), full)


@dataclass(frozen=True, eq=False)
class Bisected:
    """What was found, which outputs are doubtful, how many calls it took, what budget was spent, what is faint."""

    found: Pairs
    doubtful: list[bool]
    calls: int
    spent: list[str | None]
    faint: Pairs


def bisected(line: Line, budget: Budget = AMPLE) -> Bisected:
    """Search all outputs of a line; the budget is that of the calls made here."""
    box, dependencies, outputs = line.box, Dependencies(), np.arange(line.box.y0.size)
    before = box.evaluations
    budget = Budget(before + budget.evaluations, budget.memory)
    doubtful = bisect(line, outputs, np.zeros(outputs.size, np.int64), budget, dependencies)
    pattern = dependencies.pattern((outputs.size,), (line.offsets.size,))
    faint = dependencies.faint_entries(pattern)
    return Bisected(
        set(zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True)),
        doubtful.tolist(),
        box.evaluations - before,
        [each.spent for each in dependencies.unresolved],
        set()
        if faint is None
        else set(zip(pattern.rows[faint].tolist(), pattern.indices[faint].tolist(), strict=True)),
    )


def matrix(rows: list[list[int]], width: int) -> Array:
    """Row o is 1 in some columns, and a little more in later ones."""
    dense = np.zeros((len(rows), width))
    for o, columns in enumerate(rows):
        dense[o, columns] = 1 + np.arange(len(columns)) / 8
    return dense


# --- A line, and what changes along it


def test_a_line_goes_along_its_axes_the_last_one_fastest() -> None:
    x = np.zeros((2, 3, 4))
    box = BlackBox(lambda x: x, x)
    pair = PointPair(x, box.y0, x, box.y0)
    assert Line(box, pair, (1,)).offsets.tolist() == [0, 4, 8]
    assert Line(box, pair, (0, 2)).offsets.tolist() == [0, 1, 2, 3, 12, 13, 14, 15]
    assert Line(box, pair, (0, 1, 2)).offsets.tolist() == list(range(24))


def test_the_other_axes_move_together() -> None:
    x, one = np.zeros((2, 3)), np.ones((2, 3))
    box = BlackBox(lambda x: x, x)
    (y,) = Line(box, PointPair(x, box.y0, one, one.ravel()), (1,)).each_moved([2])
    assert y.tolist() == [0, 0, 1, 0, 0, 1]
    (y,) = Line(box, PointPair(x, box.y0, one, one.ravel()), (0,)).each_moved([np.array([0, 1])])
    assert y.tolist() == [1] * 6


def test_a_change_is_faint_that_is_small_beside_the_largest_output() -> None:
    line = line_of(lambda x: np.r_[1e6, x, np.inf], np.array([0.0, 0.0, 1.0, 5.0]))
    changed, faint = line.changes(np.array([1e6, 1e-6, 1e-4, 1.0, 5 + 1e-9, np.inf]), np.arange(6))
    assert changed.tolist() == [False, True, True, False, True, False]
    assert faint.tolist() == [False, True, False, False, True, False]


def test_what_is_faint_is_told_only_where_it_is_asked_for() -> None:
    line = line_of(lambda x: x * 1, np.array([1.0, 2.0, 3.0]))
    y = np.array([1 + 1e-15, 2.0, 4.0])
    assert [each.tolist() for each in line.changes(y, np.arange(3), faintly=False)] == [
        [True, False, True],
        [False] * 3,
    ]
    assert [each.tolist() for each in line.changes(y, np.array([2, 0]))] == [[True, True], [False, True]]


def test_values_of_all_outputs_are_not_copied_out() -> None:
    class Whole(np.ndarray[Any, Any]):
        def __getitem__(self, index: Any) -> Any:
            raise AssertionError

    line = line_of(lambda x: x * 1, np.zeros(3))
    assert line.changes(np.ones(3).view(Whole), np.arange(3), faintly=False)[0].all()


def test_a_small_step_shows_what_changes_by_more_than_rounding_of_the_largest_output() -> None:
    line = line_of(lambda x: np.r_[x, 1e-13 * x[0], np.nan * x[0], 1e6], np.ones(3))
    (seen,) = line.seen([0, 2], np.arange(6))
    assert seen.tolist() == [[True, *[False] * 5], [False, False, True, *[False] * 3]]


def test_pairs_are_read_or_not_and_faint_only_where_a_group_is_one_position() -> None:
    line = line_of(lambda x: np.r_[x[0] + 1e-13 * x[1], x[1] + x[2] + x[4]], np.ones(5), to=2.0)
    rows, groups = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 3])
    read, faint = read_pairs(line, np.arange(2), (rows, groups), (np.array([0, 1, -1, 2, -1]), 3), 0)
    assert read.tolist() == [True, True, True, False]
    assert faint.tolist() == [False, True, False, False]
    read, faint = read_pairs(line, np.arange(2), (rows, groups), (np.array([0, 1, -1]), 2), 1)
    assert not faint.any()


# --- Halves of halves


@pytest.mark.parametrize(
    ("rows", "width"),
    [
        ([[0, 1]], 2),
        ([[0, 2], [1, 2]], 3),
        ([[0, 6], [3, 4], [1, 5]], 7),
        ([[1, 2, 11], [0, 12]], 13),
        ([[0, 31], [5, 6, 7, 8], [12, 30]], 32),
        ([list(range(9)), [2, 7]], 9),
        ([list(range(64)), [0, 63], [5, 60]], 64),
    ],
)
def test_all_inputs_are_found_and_no_other(rows: list[list[int]], width: int) -> None:
    dense = matrix(rows, width)
    for full in (False, True):
        result = bisected(line_of(lambda x: dense @ x, np.zeros(width), full))
        assert (result.found, result.doubtful, result.spent) == (pairs_of(dense), [False] * len(rows), [])


def test_groups_that_no_output_reads_together_are_moved_in_one_call() -> None:
    dense = matrix([[4 * k, 4 * k + 1] for k in range(8)], 32)
    assert bisected(line_of(lambda x: dense @ x, np.zeros(32))).calls <= 2 * 5


def test_what_moves_last_bits_alone_is_found_and_faint() -> None:
    result = bisected(line_of(lambda x: np.r_[x[0] + x[5] + 1e-13 * x[2], x[1] + x[2]], np.ones(7), to=2.0))
    assert result.found == {(0, 0), (0, 2), (0, 5), (1, 1), (1, 2)}
    assert result.faint == {(0, 2)}


def test_an_output_that_changed_with_a_group_but_with_neither_half_is_doubtful() -> None:
    result = bisected(line_of(lambda x: np.r_[x[0] + x[1] + x[4] * x[7], x[2] + x[3]], np.zeros(8)))
    assert (result.found, result.doubtful) == ({(0, 0), (0, 1), (1, 2), (1, 3)}, [True, False])


def test_an_output_that_reads_fewer_than_two_inputs_here_is_doubtful() -> None:
    result = bisected(line_of(lambda x: np.r_[x[3], x[4] + x[5]], np.zeros(7)))
    assert (result.found, result.doubtful) == ({(0, 3), (1, 4), (1, 5)}, [True, False])


def test_a_group_past_the_end_of_an_odd_line_is_left_out_and_no_pair_copied_otherwise() -> None:
    rows, groups = np.array([0, 0, 1]), np.array([1, 2, 3])
    assert [each.tolist() for each in _inside(rows, groups, 3)] == [[0, 0], [1, 2]]
    assert _inside(rows, groups, 4)[1] is groups


def test_pairs_take_four_bytes_for_each_index(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def watched(line: Line, outputs: Array, pairs: tuple[Array, Array], *rest: Any) -> tuple[Array, Array]:
        seen.extend(each.dtype for each in pairs)
        return read_pairs(line, outputs, pairs, *rest)

    monkeypatch.setattr(bisection, "read_pairs", watched)
    bisected(line_of(lambda x: x[[0, 3]].sum(keepdims=True), np.zeros(6)))
    assert set(seen) == {np.dtype(np.int32)}


# --- One by one


def test_where_nearly_all_is_read_every_position_is_moved_by_itself() -> None:
    dense = matrix([list(range(64)), [0, 3]], 64)
    result = bisected(line_of(lambda x: dense @ x, np.zeros(64)))
    assert result.found == pairs_of(dense)
    assert result.calls == 2 + 4 + 8 + 4 + 64  # not 2 + 4 + … + 64


def test_where_one_position_of_each_group_is_read_halving_goes_on() -> None:
    dense = matrix([[1, 18, 33, 63, 70, 95, 97, 120]], 128)
    result = bisected(line_of(lambda x: dense @ x, np.zeros(128)))
    assert result.found == pairs_of(dense)
    assert result.calls < 128


@pytest.mark.parametrize("rows", [3, 2**15])
def test_what_is_read_in_full_is_seen_by_steps_that_differences_take_as_well(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bisection, "_ROWS", rows)
    dense = matrix([list(range(20))] * 2, 20)
    line = line_of(lambda x: dense @ x, np.ones(20), full=True)
    result = bisected(line)
    assert (result.found, result.calls) == (pairs_of(dense), 20)
    before = line.box.evaluations
    assert all(read.all() for read in line.seen(range(20), np.arange(2)))
    assert line.box.evaluations == before


def test_what_a_small_step_does_not_show_is_asked_of_the_other_point() -> None:
    def f(x: Array) -> Array:
        return np.asarray(np.r_[x.sum(), x.sum() + 5 * np.maximum(x[3] - 0.5, 0) - x[3], x.sum() - x[8]])

    line = line_of(f, np.zeros(20), full=True)
    result = bisected(line)
    all_ = {(o, i) for o in range(3) for i in range(20)}
    assert (result.found, result.doubtful, result.calls) == (all_ - {(2, 8)}, [False] * 3, 22)


def test_a_line_is_not_read_in_full_that_a_few_small_steps_do_not_show_to_be() -> None:
    seen = matrix([[0, 1, 5]], 20)
    assert bisected(line_of(lambda x: seen @ x, np.zeros(20), full=True)).found == pairs_of(seen)
    line = line_of(lambda x: np.r_[x.sum(), x[[1, 5]].sum()], np.zeros(20), full=True)
    assert bisected(line).found == {*((0, i) for i in range(20)), (1, 1), (1, 5)}


@pytest.mark.parametrize(("full", "width", "elsewhere"), [(False, 20, False), (True, 16, False), (True, 20, True)])
def test_small_steps_are_taken_of_long_lines_from_x_that_seem_to_be_read_in_full(
    full: bool, width: int, elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = line_of(lambda x: x.sum(keepdims=True), np.zeros(width), full)
    line = Line(line.box, line.pair.reversed, line.axes, full) if elsewhere else line
    monkeypatch.setattr(Line, "seen", None)
    assert bisected(line).found == {(0, i) for i in range(width)}


# --- Within a budget


def test_halving_ends_where_the_next_halves_take_too_many_calls() -> None:
    dense = matrix([[0, 3], [5, 6]], 8)
    line = line_of(lambda x: dense @ x, np.zeros(8))
    enough = bisected(line).calls
    assert bisected(line, Budget(enough, 2**30)).spent == []
    result = bisected(line, Budget(enough - 1, 2**30))
    assert (result.found, result.doubtful, result.spent) == (set(), [False] * 2, ["evaluations"])
    assert result.calls < enough


def test_halving_ends_where_the_next_halves_take_too_much_memory() -> None:
    dense = matrix([[0, 3], [5, 6]], 8)
    line = line_of(lambda x: dense @ x, np.zeros(8))
    assert bisected(line, Budget(99, 8 * PAIR_BYTES)).spent == []
    result = bisected(line, Budget(99, 8 * PAIR_BYTES - 1))
    assert (result.found, result.doubtful, result.spent) == (set(), [False] * 2, ["memory"])


def test_one_by_one_ends_before_it_begins() -> None:
    line = line_of(lambda x: x.sum(keepdims=True), np.ones(20), full=True)
    assert bisected(line, Budget(24, 20 * PAIR_BYTES)).spent == []
    for budget, spent in (
        (Budget(15, 20 * PAIR_BYTES), "evaluations"),
        (Budget(24, 20 * PAIR_BYTES - 1), "memory"),
    ):
        fresh = line_of(lambda x: x.sum(keepdims=True), np.ones(20), full=True)
        result = bisected(fresh, budget)
        assert (result.found, result.doubtful, result.spent, result.calls) == (set(), [False], [spent], 4)


def test_more_inputs_than_there_are_calls_left_are_given_up_at_once() -> None:
    dense = matrix([[3, 16, 35, 59, 70, 90, 99, 120]], 128)  # one position in each of 8 groups; 1 of 4 asked is read
    result = bisected(line_of(lambda x: dense @ x, np.zeros(128)), Budget(18 + 20, 2**30))
    assert (result.found, result.spent, result.calls) == (set(), ["evaluations"], 18)
