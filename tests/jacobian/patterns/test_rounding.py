"""What moves the last bits of an output alone is read, and is no part of the structure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.rounding import moved_by_rounding
from jacinspect.views.markdown import render
from tests.oracles import Array


def shifted(x: Array) -> Array:
    """Shifted by the mean and back, as for stability: each output is its own input to the power of 3."""
    return np.asarray((x - x.mean()) + x.mean()) ** 3


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_a_shift_leaves_the_structure_diagonal(seed: int, scale: float) -> None:
    x = scale * np.random.default_rng(seed).standard_normal((3, 4))
    report = jacinspect.inspect(shifted, x, derivative=lambda x: 3 * x**2, seed=seed, expect=["diagonal"])
    assert {finding.code for finding in report.findings} <= {"J006"}  # not J002, and nothing is accused
    j = report.jacobian
    assert j is not None
    assert j.arrangement is not None
    assert j.arrangement.ignored is not None
    ignored = int(j.arrangement.ignored.sum())
    assert (j.structure, j.is_diagonal, j.stored) == ("diagonal", True, 12 + ignored)
    assert ignored >= 12
    assert report.agreement is not None
    assert report.agreement.entries_compared == 12 + ignored
    assert report.hadamard_valid
    assert j.index_formula == "∂A_ij/∂X_pq = A'_ij δ_ip δ_jq"


def test_it_is_said_how_many_entries_move_by_rounding_alone() -> None:
    report = jacinspect.inspect(shifted, np.random.default_rng(0).standard_normal(4), seed=0)
    assert report.jacobian is not None
    assert report.jacobian.arrangement is not None
    assert report.jacobian.arrangement.ignored is not None
    number = np.count_nonzero(report.jacobian.arrangement.ignored)
    assert f"{number} entries move by rounding alone" in render(report)


COUPLED: dict[str, Callable[[Array], Any]] = {
    "a weak coupling": lambda x: np.tanh(x) + 1e-12 * np.roll(x, 1),
    "a sum of very different numbers": lambda x: 1e9 * x + np.roll(x, 1),
    "a softmax": lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
    "saturated neighbours": lambda x: np.tanh(x) + np.tanh(25 + 20 * np.roll(x, 1)),
    "a square at 0": lambda x: x + np.square(np.roll(x - x, 1) + np.roll(x, 1) - np.roll(x, 1)) + np.roll(x, 1) ** 8,
    "a maximum": lambda x: np.maximum(x, np.roll(x, 1)),
}


@pytest.mark.parametrize("name", COUPLED)
@pytest.mark.parametrize("seed", range(3))
def test_what_moves_more_than_last_bits_somewhere_is_structure(name: str, seed: int) -> None:
    report = jacinspect.inspect(COUPLED[name], np.random.default_rng(seed).standard_normal(6), seed=seed)
    assert report.jacobian is not None
    assert report.jacobian.arrangement is not None
    assert report.jacobian.arrangement.ignored is None
    assert not report.jacobian.is_diagonal


# --- Asked of one input after the other


def by_rounding(f: Callable[[Array], Any], x: Array, slopes: list[list[float]], asked: list[int]) -> tuple[Any, int]:
    """Return of which inputs that all outputs seem to move with by rounding alone they do so, and in how many calls."""
    box, columns = BlackBox(f, x), np.tile(np.arange(x.size), len(slopes))
    rows = np.repeat(np.arange(len(slopes)), x.size)
    numeric = Jacobian(Pattern.from_pairs(rows, columns, (len(slopes),), x.shape), np.ravel(slopes))
    before, source = box.evaluations, PointSource(x, box.domain, np.random.default_rng(0))
    found = moved_by_rounding(box, source, numeric, np.isin(columns, asked), (np.arange(x.size), x.size))
    return found.reshape(len(slopes), x.size).tolist(), box.evaluations - before


def test_last_bits_are_those_of_what_an_output_reads_where_it_cancels_out() -> None:
    x = np.array([2.0**20 - 0.3, 1.1])  # whose sum has fewer bits after the point than the first
    f: Callable[[Array], Array] = lambda y: ((y[:1] + y[1]) - y[1]) - x[0]  # noqa: E731
    assert any(f(np.array([x[0], other])) != 0 for other in (1.1, 2.3, 150.7))
    assert by_rounding(f, x, [[1, 0]], [1]) == ([[False, True]], 4)


def test_last_bits_are_those_of_the_output() -> None:
    x = np.array([1.0, 1.3])
    assert by_rounding(lambda x: (1e6 + x[:1] + x[1]) - x[1], x, [[1, 0]], [1]) == ([[False, True]], 4)


def test_more_than_last_bits_are_no_rounding_and_neither_is_what_is_not_finite() -> None:
    def f(x: Array) -> Array:
        far = np.array([1e-12 * x[1], np.inf * (x[1] > 50), -np.inf * (x[1] > 50), 0.0])
        return np.asarray(x[0] + np.where(np.isnan(far), 0, far))

    slopes = [[1.0, 0.0]] * 4
    with np.errstate(all="ignore"):
        moved, _ = by_rounding(f, np.array([0.7, 1.3]), slopes, [1])
    assert [row[1] for row in moved] == [False, False, False, True]


def test_only_inputs_that_are_asked_about_are_moved() -> None:
    assert by_rounding(lambda x: x[:1] * 1.0, np.array([0.7, 1.3, 2.1]), [[1, 0, 0]], [2])[1] == 4
    assert by_rounding(lambda x: x[:1] * 1.0, np.array([0.7, 1.3, 2.1]), [[1, 0, 0]], []) == ([[False] * 3], 0)
