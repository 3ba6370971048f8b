"""Which outputs read, at another point, what their neighbours are known to read beside their own place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns import offsets
from jacinspect.jacobian.patterns.dependencies import Dependencies, PointPair
from jacinspect.jacobian.patterns.offsets import trace_stencil
from jacinspect.records import dataclass
from tests.oracles import Array, Pairs, Shape

F = Callable[[Array], Any]
OWN = {(o, o) for o in range(5)}


@dataclass(frozen=True, eq=False)
class Traced:
    """What was found, in which outputs it is in doubt, how many calls it took, and what is faint."""

    found: Pairs
    left: list[int]
    calls: int
    faint: Array | None


def traced(f: F, shape: Shape, known: Pairs, outputs: list[int]) -> Traced:
    """Trace the stencil of what is known between 0 and 1: the inputs are 0, or 1 where they moved."""
    box, one, dependencies = BlackBox(f, np.zeros(shape)), np.ones(shape), Dependencies()
    assert box.output_shape is not None
    pair = PointPair(np.zeros(shape), box.y0, one, box(one.copy()))
    rows, inputs = np.array(sorted(known), np.int64).reshape(-1, 2).T
    pattern, before = Pattern.from_pairs(rows, inputs, box.output_shape, shape), box.evaluations
    left = trace_stencil(box, pair, np.array(outputs), pattern, dependencies)
    all_ = dependencies.pattern(box.output_shape, shape)
    found = set(zip(all_.rows.tolist(), all_.indices.tolist(), strict=True))
    return Traced(found, left.tolist(), box.evaluations - before, dependencies.faint_entries(all_))


def both(x: Array) -> Array:
    """Of 6 inputs 5 outputs, which at 1 change with either of two neighbours, and at 0 with none alone."""
    return np.minimum(x[:-1], x[1:])


def either(x: Array) -> Array:
    """The same, but at 1 with none alone, and at 0 with either."""
    return np.maximum(x[:-1], x[1:])


def test_outputs_are_found_to_read_at_the_second_point_what_one_of_them_is_known_to() -> None:
    traced_ = traced(both, (6,), OWN | {(0, 1)}, [1, 2, 3, 4])
    assert traced_.found == {(1, 2), (2, 3), (3, 4), (4, 5)}
    assert (traced_.left, traced_.calls, traced_.faint) == ([], 2, None)


def test_or_at_the_first_point_where_only_those_in_doubt_are_asked_again() -> None:
    traced_ = traced(either, (6,), OWN | {(0, 1)}, [2])
    assert (traced_.found, traced_.left) == ({(2, 3)}, [])


def test_others_than_those_in_doubt_are_asked_besides_at_the_second_point() -> None:
    traced_ = traced(both, (6,), OWN | {(0, 1)}, [2])
    assert (traced_.found, traced_.left) == ({(1, 2), (2, 3), (3, 4), (4, 5)}, [])


def test_others_are_not_asked_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "_MANY", 4)
    assert traced(both, (6,), OWN | {(0, 1)}, [1, 3]).found == {(1, 2), (3, 4)}


def test_an_output_that_reads_nothing_more_stays_in_doubt_however_much_it_is_known_to_read() -> None:
    def f(x: Array) -> Array:
        return np.asarray(np.r_[x[0] * x[1], x[1], x[2] * x[3], x[3] + x[4], x[4]])

    traced_ = traced(f, (6,), OWN | {(0, 1), (3, 4)}, [1, 2, 3])
    assert (traced_.found, traced_.left) == ({(2, 3)}, [1, 3])


def test_an_output_that_reads_one_input_in_all_stays_in_doubt() -> None:
    traced_ = traced(lambda x: x * 1, (5,), OWN - {(2, 2)}, [2])
    assert (traced_.found, traced_.left) == ({(2, 2)}, [2])


def test_what_moves_last_bits_alone_is_faint() -> None:
    traced_ = traced(lambda x: x[:-1] + 1e-13 * x[1:] * (np.arange(5) == 3), (6,), OWN | {(0, 1)}, [3])
    assert traced_.found == {(3, 4)}
    assert traced_.faint is not None


def test_where_the_stencil_holds_nothing_more_f_is_not_called() -> None:
    traced_ = traced(lambda x: x * 1, (5,), OWN, [1, 3])
    assert (traced_.found, traced_.left, traced_.calls) == (set(), [1, 3], 0)


def test_many_offsets_are_no_stencil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "_OFFSETS", 2)
    assert traced(both, (6,), OWN | {(0, 1)}, [2]).left == []
    traced_ = traced(both, (6,), OWN | {(0, 1), (4, 2)}, [2])
    assert (traced_.found, traced_.left, traced_.calls) == (set(), [2], 0)


# --- Places, along each axis


def test_offsets_to_either_side_end_at_the_edges_of_a_grid() -> None:
    def f(x: Array) -> Array:
        padded = np.pad(x, 1, constant_values=1)  # the least of itself and of those above and to the right
        return np.asarray(np.minimum(np.minimum(padded[1:-1, 1:-1], padded[:-2, 1:-1]), padded[1:-1, 2:]))

    own = {(k, k) for k in range(12)}
    up, right = {(k, k - 4) for k in range(4, 12)}, {(k, k + 1) for k in range(12) if k % 4 < 3}
    traced_ = traced(f, (3, 4), own | {(5, 1), (5, 6)}, [k for k in range(12) if k != 5])
    assert traced_.found == (up | right) - {(5, 1), (5, 6)}
    assert traced_.left == [3]  # at the corner, with nobody above or to the right


def test_places_are_scaled_along_each_axis_where_there_are_fewer_outputs() -> None:
    def f(x: Array) -> Array:
        return np.asarray(x.reshape(2, 2, 3, 2).min(axis=(1, 3)))

    place = np.arange(24).reshape(2, 2, 3, 2)
    reads = {(3 * i + j, int(p)) for i in range(2) for j in range(3) for p in place[i, :, j].ravel()}
    known = {(o, p) for o, p in reads if o == 0} | {(o, max(p for q, p in reads if q == o)) for o in range(1, 6)}
    traced_ = traced(f, (4, 6), known, [1, 2, 3, 4, 5])
    assert (traced_.found, traced_.left) == (reads - known, [])


def test_flat_places_are_scaled_where_there_are_fewer_axes() -> None:
    known = {(0, 0), (0, 1), (1, 2), (2, 5)}
    traced_ = traced(lambda x: x.min(axis=1), (3, 2), known, [1, 2])
    assert (traced_.found, traced_.left) == ({(1, 3), (2, 4)}, [])


def test_a_single_number_is_a_line_of_one() -> None:
    traced_ = traced(lambda x: np.repeat(x, 3), (1,), {(0, 0)}, [1, 2])
    assert (traced_.found, traced_.left) == ({(1, 0), (2, 0)}, [1, 2])
    assert traced(lambda x: x * 1, (), {(0, 0)}, [0]).left == [0]
    assert traced(lambda x: np.repeat(x, 3), (), {(0, 0)}, [1, 2]).left == [1, 2]
    assert traced(lambda x: x.min(), (4,), {(0, 0), (0, 3)}, [0]).left == [0]


def test_no_pair_that_is_known_is_no_stencil() -> None:
    assert traced(lambda x: x * 1, (3,), set(), [0, 2]).left == [0, 2]
