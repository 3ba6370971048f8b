"""The pairs found so far: what is kept of them, and what is said to be faint or open."""

from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.patterns.dependencies import Dependencies, PointPair, Unresolved
from tests.oracles import Array, Pairs


def ints(*numbers: int) -> Array:
    return np.array(numbers, np.int32)


def flags(*numbers: int) -> Array:
    return np.array(numbers, bool)


def found(pattern: Pattern) -> Pairs:
    return set(zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True))


def test_pairs_of_all_arrays_are_joined_once_each() -> None:
    dependencies, others = Dependencies(), Dependencies()
    dependencies.add(ints(2, 0), ints(5, 1))
    others.add(ints(0, 1), ints(1, 4))
    others.unresolved.append(Unresolved(ints(1), ints(0), ints(0, 3)))
    dependencies.join(others)
    pattern = dependencies.pattern((3,), (2, 3))
    assert found(pattern) == {(0, 1), (1, 4), (2, 5)}
    assert (pattern.shape, pattern.stored) == ((3, 6), 3)
    assert dependencies.unresolved == others.unresolved


@pytest.mark.parametrize(("output", "operand"), [((), ()), ((0,), (3,)), ((2, 0), (0, 1)), ((4,), ())])
def test_of_no_pairs_there_is_an_empty_pattern(output: tuple[int, ...], operand: tuple[int, ...]) -> None:
    dependencies = Dependencies()
    dependencies.add(ints(), ints(), flags())
    assert (dependencies.outputs, dependencies.inputs, dependencies.faint) == ([], [], [])
    pattern = dependencies.pattern(output, operand)
    assert (pattern.stored, pattern.output_shape, pattern.operand_shape) == (0, output, operand)
    assert dependencies.faint_entries(pattern) is None


def test_a_single_array_of_pairs_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    dependencies, inputs = Dependencies(), ints(4, 0, 2)
    dependencies.add(ints(0, 1, 2), inputs)
    monkeypatch.setattr(np, "concatenate", None)
    assert np.shares_memory(dependencies.pattern((3,), (5,)).indices, inputs)


# --- What is faint


def test_what_is_faint_nowhere_is_kept_as_none() -> None:
    dependencies = Dependencies()
    dependencies.add(ints(0, 1), ints(0, 1), flags(0, 0))
    dependencies.add(ints(0, 1), ints(1, 0))
    assert dependencies.faint == [None, None]


def test_where_nothing_is_faint_no_pair_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    dependencies = Dependencies()
    dependencies.add(ints(0, 1), ints(0, 1))
    pattern = dependencies.pattern((2,), (2,))

    def places(*_: Any) -> Array:
        raise AssertionError

    monkeypatch.setattr(Pattern, "places", places)
    assert dependencies.faint_entries(pattern) is None


def test_an_entry_is_faint_that_was_so_whenever_it_was_found() -> None:
    dependencies = Dependencies()
    dependencies.add(ints(0, 0, 1, 2), ints(0, 1, 1, 2), flags(1, 1, 1, 0))
    dependencies.add(ints(0, 2), ints(0, 0))  # plainly, after it was faint,
    dependencies.add(ints(0, 2, 2), ints(1, 2, 1), flags(1, 1, 0))  # and faintly after it was plain
    pattern = dependencies.pattern((3,), (3,))
    faint = dependencies.faint_entries(pattern)
    assert faint is not None
    assert found(pattern.only(faint)) == {(0, 1), (1, 1)}


def test_of_entries_each_of_which_was_once_plain_none_is_faint() -> None:
    dependencies = Dependencies()
    dependencies.add(ints(0, 1), ints(1, 0), flags(1, 1))
    dependencies.add(ints(1, 0), ints(0, 1))
    assert dependencies.faint_entries(dependencies.pattern((2,), (2,))) is None


# --- Pairs of points, and what is open


def test_a_pair_of_points_reversed_begins_at_its_end() -> None:
    pair = PointPair(ints(1), ints(2), ints(3), ints(4)).reversed
    assert [int(each[0]) for each in (pair.base, pair.y_base, pair.flip, pair.y_flip)] == [3, 4, 1, 2]


def test_an_open_line_is_counted_and_sampled_from_each_outputs_base() -> None:
    open_ = Unresolved(ints(3, 5), ints(10, 20), ints(0, 2, 4), "memory")
    assert open_.entries == 6
    outputs, inputs = open_.sampled(np.array([0, 2]))
    assert (outputs.tolist(), inputs.tolist()) == ([3, 3, 5, 5], [10, 14, 20, 24])
