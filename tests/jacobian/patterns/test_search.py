"""Which flip is traced for which outputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.search import _flat_indices, _Search, trace_flips, trace_near_one
from tests.oracles import Array

F = Callable[[Array], Any]
EVERYWHERE = (-np.inf, np.inf)
AMPLE = Budget(1000, 2**30)
INF, NAN = np.inf, np.nan


def source_of(x: Array, seed: int = 0) -> PointSource:
    return PointSource(x, EVERYWHERE, np.random.default_rng(seed))


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The outputs that are traced between two points, each time."""
    asked: list[list[int]] = []

    def trace(box: BlackBox, pair: PointPair, outputs: Array, *_: Any) -> Array:
        asked.append(outputs.tolist())
        return outputs[:0]

    monkeypatch.setattr("jacinspect.jacobian.patterns.search.trace", trace)
    return asked


# --- The search, flip by flip


def search_of(f: F, pending: list[int] | None = None) -> _Search:
    x = np.zeros(3)
    box = BlackBox(f, x)
    some = np.ones(box.y0.size, bool) if pending is None else np.array(pending, bool)
    return _Search(box, x, AMPLE, Dependencies(), some)


def test_outputs_are_traced_that_the_flip_changes_and_no_earlier_one_did(traced: list[list[int]]) -> None:
    search = search_of(lambda x: np.r_[x[0], x[1], 7.0, x[2]], [0, 1, 1, 1])
    search.trace(np.array([1.0, 1.0, 0.0]))
    search.trace(np.array([1.0, 1.0, 0.0]))
    search.trace(np.array([2.0, 2.0, 2.0]))
    assert traced == [[1], [3]]
    assert search.pending.tolist() == [False, False, True, False]
    assert (search.points, search.called, search.undefined) == (2, True, False)


def test_outputs_are_traced_to_where_they_are_not_finite_only_at_last(traced: list[list[int]]) -> None:
    search = search_of(lambda x: np.r_[x[0], np.where(x[1] > 0, INF, 1), np.where(x[2] > 0, NAN, 1)])
    search.trace(np.ones(3))
    assert (traced, search.pending.tolist(), search.undefined) == ([[0]], [False, True, True], True)
    search.trace(np.ones(3), anywhere=True)
    assert (traced, search.pending.tolist()) == ([[0], [1, 2]], [False] * 3)


def test_what_is_not_finite_at_x_may_be_so_elsewhere(traced: list[list[int]]) -> None:
    search = search_of(lambda x: np.r_[x[0], np.where(x[1] > 0, -INF, INF), NAN])
    search.trace(np.ones(3))
    assert (traced, search.undefined) == ([[0, 1]], False)


def test_where_f_raises_nothing_is_traced_and_the_last_failure_but_the_one_anywhere_is_kept() -> None:
    def f(x: Array) -> Array:
        if x[0] > 0:
            raise ValueError(f"{x[0]:g}")
        return x + 1

    search = search_of(f)
    for place in (3.0, 2.0):
        search.trace(np.full(3, place))
    search.trace(np.ones(3), anywhere=True)
    assert search.failure is not None
    assert "ValueError: 2\n" in search.failure.what
    assert (search.nearest, search.called, search.undefined, search.points) == ("2", False, True, 0)
    assert search.pending.all()


def test_one_flip_is_enough_where_it_changes_all_outputs(traced: list[list[int]]) -> None:
    x = np.ones(3)
    box = BlackBox(lambda x: x * 2, x)
    assert trace_flips(box, source_of(x), AMPLE, Dependencies()) == 1
    assert (traced, box.evaluations) == ([[0, 1, 2]], 3)


def test_no_output_is_sought_of_an_operand_without_numbers(traced: list[list[int]]) -> None:
    x = np.zeros((0, 2))
    box = BlackBox(lambda x: np.ones(3), x)
    assert trace_flips(box, source_of(x), AMPLE, Dependencies()) == 0
    assert (traced, box.evaluations) == ([], 2)


def test_points_nearer_to_x_are_tried_where_f_is_not_finite_farther_away(traced: list[list[int]]) -> None:
    x = np.ones(3)
    box = BlackBox(lambda y: np.where(np.abs(y - x) < 1e-2, y, NAN), x)
    assert trace_flips(box, source_of(x), AMPLE, Dependencies()) == 1
    assert traced == [[0, 1, 2]]
    box = BlackBox(lambda y: np.ones(2), x)
    before = box.evaluations
    assert trace_flips(box, source_of(x), AMPLE, Dependencies()) == 0
    assert box.evaluations - before == 13  # 12 flips, and the one anywhere; none nearer


@pytest.mark.parametrize(("reaches", "times"), [(0.1, 1), (INF, 0)])
def test_ends_are_sought_where_f_raises(reaches: float, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[Array] = []
    monkeypatch.setattr("jacinspect.jacobian.patterns.search.keep_within_ends", lambda box, x: sought.append(x))
    x = np.ones(3)

    def f(y: Array) -> Array:
        if np.abs(y - x).max() > reaches:
            raise ValueError
        return np.where(np.abs(y - x) < 0.05, y, INF)

    trace_flips(BlackBox(f, x), source_of(x), AMPLE, Dependencies())
    assert len(sought) == times


def test_that_f_raises_everywhere_is_said_with_how_near_it_was_tried() -> None:
    x = np.ones(3)

    def f(y: Array) -> Array:
        if np.any(y != x):
            raise ValueError("off")
        return y

    with pytest.raises(FunctionRaisedError, match=r"moved by .*e-07 % only"):
        trace_flips(BlackBox(f, x), source_of(x), AMPLE, Dependencies())


# --- Numbers of very different size


@pytest.mark.parametrize(
    ("x", "points"),
    [
        ([1.0, 1e-13], 2),
        ([-1e-20, 1e20, 0.0], 2),
        ([1.0, 1e-12], 0),
        ([0.0, 1.0], 0),
        ([1.0, NAN, INF, -INF], 0),
        ([0.0, 0.0], 0),
        ([], 0),
    ],
)
def test_two_points_near_one_are_traced_where_a_number_is_lost_beside_another(
    x: list[float], points: int, traced: list[list[int]]
) -> None:
    at = np.array(x)
    box = BlackBox(lambda x: np.append(x * 0, 1.0), at)
    assert trace_near_one(box, source_of(at), AMPLE, Dependencies()) == points
    assert len(traced) == points / 2


def test_near_one_outputs_are_traced_that_are_finite_there_and_at_x(traced: list[list[int]]) -> None:
    x = np.array([1.0, 1e-20])
    values = iter([*[[1, 1, 1, INF]] * 2, [2, INF, 2, 2], [3, 3, NAN, 3]])
    box = BlackBox(lambda x: np.array(next(values), float), x)
    trace_near_one(box, source_of(x), AMPLE, Dependencies())
    assert traced == [[0]]


def test_near_one_f_may_raise(traced: list[list[int]]) -> None:
    x = np.array([1.0, 1e-20])

    def f(y: Array) -> Array:
        if y[1] > 0.1:
            raise ValueError
        return y

    assert trace_near_one(BlackBox(f, x), source_of(x), AMPLE, Dependencies()) == 0
    assert traced == []


def test_places_take_four_bytes_unless_there_are_too_many() -> None:
    class Many(np.ndarray[Any, Any]):
        @property
        def size(self) -> int:
            return 2**31

    few = np.array([False, True, True])
    for chosen, dtype in ((few, np.dtype(np.int32)), (few.view(Many), np.dtype(np.int64))):
        assert _flat_indices(chosen).tolist() == [1, 2]
        assert _flat_indices(chosen).dtype == dtype
