"""What refutes a pattern, and what is done about it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns import detection
from jacinspect.jacobian.patterns.confirmation import Evidence, _as_predicted, confirm, trace_refuted
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair, Unresolved
from jacinspect.jacobian.patterns.detection import detect
from jacinspect.jacobian.patterns.points import PointSource
from tests.jacobian.patterns.test_search import AMPLE, NAN, source_of
from tests.oracles import Array, Pairs

F = Callable[[Array], Any]


# --- What refutes a pattern


def pattern_of(known: Pairs, outputs: int, inputs: int) -> Pattern:
    rows, columns = np.array(sorted(known), np.int64).reshape(-1, 2).T
    return Pattern.from_pairs(rows, columns, (outputs,), (inputs,))


def confirmed(f: F, known: Pairs, inputs: int, *unresolved: Unresolved) -> tuple[list[int], list[PointPair], int]:
    """Return the outputs that refute a pattern, the pairs of points that show it, and how many calls that took."""
    x = np.linspace(1, 2, inputs)
    box = BlackBox(f, x)
    before, pattern = box.evaluations, pattern_of(known, box.y0.size, inputs)
    evidence = confirm(box, source_of(x), pattern, Dependencies(unresolved=list(unresolved)), 1.0)
    return evidence.refuted.tolist(), evidence.pairs, box.evaluations - before


OWN = {(k, k) for k in range(20)}


def test_a_pattern_of_one_input_each_is_confirmed_by_three_mixtures() -> None:
    refuted, pairs, calls = confirmed(lambda x: x * 2, OWN, 20)
    assert (refuted, len(pairs), calls) == ([], 1, 1 + 3)


def test_a_pattern_of_several_inputs_is_confirmed_by_eight_mixtures() -> None:
    refuted, pairs, calls = confirmed(lambda x: np.r_[x[0] + x[1], 7.0], {(0, 0), (0, 1)}, 20)
    assert (refuted, len(pairs), calls) == ([], 1, 1 + 8)


def test_a_refuted_pattern_is_shown_to_be_so_by_both_halves_of_the_first_mixture_and_no_later_one() -> None:
    def f(x: Array) -> Array:
        return np.asarray(np.r_[x.sum(), x[0] + x[1]])

    refuted, pairs, calls = confirmed(f, {(1, 0), (1, 1)}, 20)
    assert (refuted, len(pairs), calls) == ([0], 3, 1 + 3)
    whole, first, second = pairs
    for pair in pairs:
        assert (pair.y_base.tolist(), pair.y_flip.tolist()) == (f(pair.base).tolist(), f(pair.flip).tolist())
    assert first.base is whole.base
    assert first.flip is second.base
    assert second.flip is whole.flip
    moved = first.flip != whole.base
    assert 0 < np.count_nonzero(moved) < 20
    assert np.all(np.where(moved, whole.flip, whole.base) == first.flip)


def test_outputs_that_are_open_refute_nothing() -> None:
    open_ = Unresolved(np.array([0]), np.array([0]), np.arange(20))
    assert confirmed(lambda x: np.r_[x.sum(), x.sum()], set(), 20, open_)[0] == [1]


def test_nothing_is_asked_where_there_is_nothing_or_all_is_read() -> None:
    everything = {(o, i) for o in range(3) for i in range(4)}
    assert confirmed(lambda x: x[:3] * x.sum(), everything, 4) == ([], [], 0)
    assert confirmed(lambda x: np.ones(3), set(), 0) == ([], [], 0)
    assert confirmed(lambda x: np.ones(0), set(), 4) == ([], [], 0)
    assert confirmed(lambda x: x[[0, 0]], {(0, 0), (1, 0)}, 1)[2] == 1 + 3


def test_a_point_nearer_is_taken_where_f_raises_and_none_where_it_does_so_everywhere() -> None:
    x = np.linspace(1, 2, 20)

    def within(reach: float) -> F:
        def f(y: Array) -> Array:
            if np.abs(y - x).max() > reach:
                raise ValueError
            return np.asarray(y * 2)

        return f

    assert confirmed(within(0.1), OWN - {(3, 3)}, 20)[0] == [3]
    _, (pair,), _ = confirmed(within(0.1), OWN, 20)
    assert 0 < np.abs(pair.flip - x).max() < 0.1
    assert confirmed(within(0), OWN, 20) == ([], [], 6)


# --- What a pattern predicts


def predicted(known: Pairs, moved: list[int], y: list[float]) -> list[bool]:
    """Whether each value is as predicted between 0 and 1."""
    expected = (np.zeros(len(y)), np.ones(len(y)))
    pattern = pattern_of(known, len(y), len(moved))
    return list(_as_predicted(pattern, np.array(moved, bool), expected, np.array(y)).tolist())


def test_an_output_is_where_its_one_input_is() -> None:
    known = {(0, 2), (1, 0), (2, 2), (3, 1)}
    assert predicted(known, [0, 1, 1], [1, 0, 1, 1]) == [True] * 4
    assert predicted(known, [0, 1, 1], [0, 1, 0.5, NAN]) == [False] * 4


def test_an_output_may_be_anywhere_where_some_of_its_inputs_moved_and_not_otherwise() -> None:
    known = {(0, 0), (0, 1), (1, 1), (1, 2), (3, 2), (3, 3), (4, 3)}
    assert predicted(known, [0, 0, 1, 1], [0, 0.5, 0, 1, 1]) == [True] * 5
    assert predicted(known, [0, 0, 1, 1], [0.5, NAN, 1, 0.5, 0]) == [False, True, False, False, False]
    assert predicted(known, [1, 1, 0, 0], [0, 0, 0, 1, 1]) == [False, True, True, False, False]


def test_of_no_pairs_no_output_may_move() -> None:
    assert predicted(set(), [1, 1], [0, 1, NAN]) == [True, False, False]
    assert predicted(set(), [], []) == []


def test_where_each_output_reads_one_input_none_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = pattern_of(OWN, 20, 20)
    assert pattern.has_one_each
    monkeypatch.setattr(Pattern, "lengths", None)
    assert _as_predicted(pattern, np.ones(20, bool), (np.zeros(20), np.ones(20)), np.ones(20)).all()


# --- What is done about it


def beyond(x: Array) -> Array:
    """Two outputs, the first of which reads the second input far away alone."""
    return np.asarray(np.r_[x[0] + np.maximum(x[1] - 1e3, 0), x[1]])


def test_refuted_outputs_are_traced_between_each_pair_of_points_until_none_is_in_doubt() -> None:
    x, far, farther = np.array([0.2, 0.5]), np.array([0.2, 2e3]), np.array([0.7, 3e3])
    box, dependencies = BlackBox(beyond, x), Dependencies()
    pairs = [PointPair(x, box.y0, end, beyond(end)) for end in (np.array([0.2, 0.7]), far, farther)]
    evidence = Evidence(np.array([0]), pairs, [])
    trace_refuted(box, evidence, np.array([0]), pattern_of({(0, 0), (1, 1)}, 2, 2), AMPLE, dependencies)
    assert [each.tolist() for each in (*dependencies.outputs, *dependencies.inputs)] == [[0], [1]]


def test_without_ties_the_pattern_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def pattern(self: Dependencies, *shapes: tuple[int, ...]) -> Pattern:
        built.append(1)
        return Pattern.from_pairs(np.arange(3), np.arange(3), *shapes)

    monkeypatch.setattr(Dependencies, "pattern", pattern)
    x = np.array([0.3, -1.2, 2.1])
    detect(BlackBox(lambda x: x * 2, x), x, np.random.default_rng(0), AMPLE)
    assert len(built) == 1


def refuted_so_often(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first output refute its pattern so often, from far away."""
    left = [times]

    def confirm(box: BlackBox, source: PointSource, *_: Any) -> Evidence:
        left[0] -= 1
        if left[0] < 0:
            return Evidence(np.zeros(0, np.int64), [], [])
        far = np.array([0.3, 2e3])
        return Evidence(np.array([0]), [PointPair(source.x, box.y0, far, box(far.copy()))], [])

    monkeypatch.setattr(detection, "confirm", confirm)


def test_what_a_refuted_output_is_found_to_read_joins_the_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    refuted_so_often(1, monkeypatch)
    x = np.array([0.2, 0.5])
    found = detect(BlackBox(beyond, x), x, np.random.default_rng(0), AMPLE)
    assert (found.pattern.rows.tolist(), found.pattern.indices.tolist()) == ([0, 0, 1], [0, 1, 1])
    assert (found.proved, found.points) == (True, 1 + 1 + 1)


def test_an_output_that_refutes_its_pattern_again_and_again_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    refuted_so_often(99, monkeypatch)
    x = np.array([0.2, 0.5])
    found = detect(BlackBox(beyond, x), x, np.random.default_rng(0), AMPLE)
    (open_,) = found.unresolved
    assert (open_.outputs.tolist(), open_.bases.tolist(), open_.line.tolist()) == ([0], [0], [0, 1])
    assert (open_.spent, found.pattern.stored) == (None, 3)


def test_what_ties_show_joins_the_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    refuted_so_often(0, monkeypatch)

    def trace_ties(box: BlackBox, source: PointSource, pattern: Pattern, budget: Budget, known: Dependencies) -> int:
        known.add(np.array([0]), np.array([1]))
        return 2

    monkeypatch.setattr(detection, "trace_ties", trace_ties)
    x = np.array([0.2, 0.5])
    found = detect(BlackBox(beyond, x), x, np.random.default_rng(0), AMPLE)
    assert (found.pattern.stored, found.points) == (3, 1 + 1 + 2)
