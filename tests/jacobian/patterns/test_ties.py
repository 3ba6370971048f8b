"""At X itself, what an output reads where entries are zero or equal: every input that moves it on either side."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies
from jacinspect.jacobian.patterns.detection import Detection, detect
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.ties import _steps, _tied, trace_ties
from tests.oracles import Array, Pairs, local_reads

OPERANDS: dict[str, Callable[[np.random.Generator], Array]] = {
    "zeros of a relu": lambda rng: np.maximum(rng.standard_normal((8, 8)), 0),
    "half-integers": lambda rng: np.round(2 * rng.standard_normal((8, 8))) / 2,
    "all equal": lambda rng: np.ones((8, 8)),
    "all zero": lambda rng: np.zeros((8, 8)),
    "few integers": lambda rng: rng.integers(0, 3, (8, 8)).astype(float),
}
FUNCTIONS: dict[str, Callable[[Array], Any]] = {
    "max-pool": lambda x: x.reshape(4, 2, 4, 2).max((1, 3)),
    "running maximum": lambda x: np.maximum.accumulate(x, 1),
    "sort": lambda x: np.sort(x, 1),
    "median of three": lambda x: np.median(x.ravel()[:63].reshape(21, 3), 1),
    "sum of relus": lambda x: np.maximum(x, 0).sum(1),
}
AMPLE = Budget(100_000, 2**30)


def detected(f: Callable[[Array], Any], x: Array, seed: int) -> Detection:
    return detect(BlackBox(f, x), x, np.random.default_rng([seed, 7]), AMPLE)


def found(detection: Detection) -> Pairs:
    return set(zip(detection.pattern.rows.tolist(), detection.pattern.indices.tolist(), strict=True))


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("seed", "scale"), [(0, 1e-6), (1, 1.0), (2, 1e6)])
def test_no_input_is_missed_that_moves_an_output_on_either_side(
    operand: str, name: str, seed: int, scale: float
) -> None:
    x = scale * OPERANDS[operand](np.random.default_rng(seed))
    detection = detected(FUNCTIONS[name], x, seed)
    assert detection.proved
    assert local_reads(FUNCTIONS[name], x, 64, 1e-9 * scale) <= found(detection)


@pytest.mark.parametrize("seed", range(8))
def test_a_side_that_shows_what_is_known_is_not_the_whole_of_a_maximum(seed: int) -> None:
    x = np.array([1.0, 1.0, 1.0, -2.0])
    detection = detected(lambda x: np.array([x.max() + np.sin(x[3]), x[3]]), x, seed)
    assert found(detection) == {(0, 0), (0, 1), (0, 2), (0, 3), (1, 3)}


def test_an_element_wise_function_of_tied_numbers_takes_no_more_calls() -> None:
    x = np.round(np.random.default_rng(0).standard_normal((20, 30)))
    assert detected(np.tanh, x, 0).evaluations == detected(np.tanh, x + np.arange(600).reshape(20, 30), 0).evaluations


def test_a_smooth_function_is_seen_on_one_side_alone() -> None:
    """What the first point near X shows is what was known; a function with two slopes is seen on both sides."""
    x = np.round(np.random.default_rng(0).standard_normal((6, 7)))
    smooth, kinked = (lambda x: np.exp(x) / np.exp(x).sum(0)), (lambda x: np.maximum.accumulate(x, 0))
    assert detected(smooth, x, 0).points == 4  # X, a flip, the one near X, and another
    assert detected(kinked, x, 0).points >= 5


@pytest.mark.parametrize("seed", range(10))
def test_a_wrong_derivative_by_a_tied_entry_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.standard_normal((4, 4)), 0)

    def pool(x: Array) -> Array:
        return np.asarray(x.reshape(2, 2, 2, 2).max((1, 3)))

    def windows(x: Array) -> Array:
        return x.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 4)

    def derivative(x: Array) -> Array:
        tensor = np.zeros((4, 16))
        places = windows(np.arange(16).reshape(4, 4))
        for o, window in enumerate(windows(x)):
            first, *others = np.flatnonzero(window == window.max()).tolist()
            tensor[o, places[o, first]] = 1
            tensor[o, places[o, others]] = -1000
        return tensor.reshape(2, 2, 4, 4)

    report = jacinspect.inspect(pool, x, derivative=derivative, derivative_kind="jacobian", seed=seed)
    assert report.verdict == ("fail" if np.any(derivative(x) == -1000) else "pass")


def test_nothing_warns_where_f_is_infinite() -> None:
    x = np.array([0.0, 0.0, 1.0])
    with np.errstate(all="raise"):
        assert detected(lambda x: np.where(x.sum() > -1, np.inf, x), x, 0).proved
        assert detected(lambda x: np.array([np.inf, x.sum()]), x, 0).proved


# --- Step by step


def test_entries_are_tied_that_are_0_or_equal_to_another_and_finite() -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[0.0, 1.0, inf], [inf, nan, nan], [2.0, -1.0, 2.0], [-inf, 3.0, -2.0]])
    assert np.argwhere(_tied(x)).tolist() == [[0, 0], [2, 0], [2, 2]]


@pytest.mark.parametrize(
    ("x", "gaps"),
    [
        ([0.0, 0.0, 1.0, 11.0], [1, 1, 1, 10]),
        ([10.0, 0.0, 11.0, 10.0], [1, 10, 1, 1]),
        ([0.0, 0.0], [1, 1]),
        ([-4.0, -4.0, -4.0], [4, 4, 4]),
        ([7.0, 7.0, np.nan, 9.0], [2, 2, 7, 2]),
        ([-1.5e308, 1.5e308], [np.finfo(float).max] * 2),
        ([1.0, 1 + 2.0**-50], [2.0**-39] * 2),  # eight spacings
    ],
)
def test_a_step_is_a_small_part_of_the_way_to_the_nearest_other_number(x: list[float], gaps: list[float]) -> None:
    assert (_steps(np.array(x)) * 2**10).tolist() == gaps


def by_ties(f: Callable[[Array], Any], x: Array, known: Pairs, seed: int = 0) -> tuple[Pairs, int, int]:
    """Return what ties show, at how many points, and in how many calls."""
    box, dependencies = BlackBox(f, x), Dependencies()
    assert box.output_shape is not None
    rows, columns = np.array(sorted(known)).T
    pattern, before = Pattern.from_pairs(rows, columns, box.output_shape, x.shape), box.evaluations
    points = trace_ties(box, PointSource(x, box.domain, np.random.default_rng(seed)), pattern, AMPLE, dependencies)
    shown = dependencies.pattern(box.output_shape, x.shape)
    return set(zip(shown.rows.tolist(), shown.indices.tolist(), strict=True)), points, box.evaluations - before


def test_where_nothing_is_tied_f_is_not_called() -> None:
    f = lambda x: x.sum(keepdims=True)  # noqa: E731
    assert by_ties(f, np.array([1.0, 2.0]), {(0, 0), (0, 1)}) == (set(), 0, 0)
    assert by_ties(lambda x: x * 2, np.zeros(2), {(0, 0), (1, 1)}) == (set(), 0, 0)


def test_one_side_is_enough_where_it_shows_all_that_is_known_and_f_is_smooth() -> None:
    known = {(0, 0), (0, 1), (1, 1)}
    assert by_ties(lambda x: np.r_[x[0] * 2 + x[1], x[1]], np.zeros(2), known)[:2] == (known, 1)


@pytest.mark.parametrize("known", [{(1, 0), (1, 1)}, {(0, 1), (1, 0)}])
def test_a_side_that_shows_as_much_as_is_known_but_other_inputs_is_not_enough(known: Pairs) -> None:
    f = (lambda x: np.r_[x[0] + 2 * x[1], 1.0]) if (1, 1) in known else (lambda x: x * 2)
    assert by_ties(f, np.zeros(2), known)[1] == 2


@pytest.mark.parametrize("seed", range(6))
def test_the_other_side_is_asked_where_f_has_a_kink(seed: int) -> None:
    shown, points, _ = by_ties(lambda x: np.atleast_1d(x[0] + np.maximum(x[1], 0)), np.zeros(2), {(0, 0)}, seed)
    assert (shown, points) == ({(0, 0), (0, 1)}, 2)
