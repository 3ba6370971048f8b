"""Patterns that a budget left open in part: what is sampled, colored, and known of them."""

import numpy as np
import pytest

from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.structure import Blocks
from jacinspect.jacobian.patterns.dependencies import Unresolved
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.jacobian.patterns.unresolved import ENTRY_BYTES, affordable_rows, colored, known_blocks, with_samples
from tests.oracles import Array, Pairs, Shape

Open = tuple[list[int], list[int], list[int]]  # outputs, the base of each, and a line


def ints(numbers: list[int]) -> Array:
    return np.array(numbers, np.int64)


def detection_of(known: Pairs, output_shape: Shape, operand_shape: Shape, *opened: Open) -> Detection:
    rows, columns = np.array(sorted(known), np.int64).reshape(-1, 2).T
    groups = tuple(Unresolved(ints(outputs), ints(bases), ints(line)) for outputs, bases, line in opened)
    return Detection(Pattern.from_pairs(rows, columns, output_shape, operand_shape), 1, 1, groups)


def found(pattern: Pattern) -> Pairs:
    return set(zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


OWN = {(k, k) for k in range(4)}


# --- Samples


def test_what_is_proved_needs_no_sample() -> None:
    detection = detection_of(OWN, (4,), (6,))
    pattern, total = with_samples(detection, 2**30, rng())
    assert pattern is detection.pattern
    assert total == 4


def test_an_open_line_is_sampled_at_the_same_positions_of_all_outputs_and_counted_whole() -> None:
    detection = detection_of({(0, 0), (3, 90)}, (4,), (100,), ([1, 2], [0, 10], list(range(0, 80, 2))))
    pattern, total = with_samples(detection, 2**30, rng())
    assert total == 2 + 2 * 40
    sampled = found(pattern) - {(0, 0), (3, 90)}
    assert found(pattern) > {(0, 0), (3, 90)}
    assert {o for o, _ in sampled} == {1, 2}
    assert {i for o, i in sampled if o == 1} == {i - 10 for o, i in sampled if o == 2}
    assert len(sampled) == 2 * 16
    assert all((i - 10 * (o - 1)) in range(0, 80, 2) for o, i in sampled)


def test_a_sample_is_no_longer_than_its_line_and_than_memory_and_never_empty() -> None:
    line = ([1, 2], [0, 0], list(range(50)))
    for memory, number in ((2**30, 16), (4 * ENTRY_BYTES * 2 * 5, 5), (1, 1), (0, 1)):
        assert with_samples(detection_of(set(), (3,), (50,), line), memory, rng())[0].stored == 2 * number
    short = with_samples(detection_of(set(), (3,), (50,), ([1], [7], [0, 1, 2]), ([], [], [0, 1])), 2**30, rng())
    assert (found(short[0]), short[1]) == ({(1, 7), (1, 8), (1, 9)}, 3)


# --- Colors


def test_what_is_proved_is_colored_as_its_pattern_is() -> None:
    detection = detection_of(OWN | {(0, 1)}, (4,), (4,))
    assert colored(detection.pattern, detection) is detection.pattern.coloring


def test_a_column_that_an_open_output_reads_has_a_color_to_itself() -> None:
    detection = detection_of(OWN | {(1, 5)}, (5,), (7,), ([1, 4], [0, 0], [0, 2, 4, 6]))
    pattern = Pattern.from_pairs(np.array([0, 1, 1, 2, 3, 4]), np.array([0, 1, 5, 2, 3, 4]), (5,), (7,))
    colors, number = colored(pattern, detection)
    assert (colors.tolist(), number) == ([0, 1, 0, 0, 2, 3, -1], 4)


def test_where_all_outputs_are_open_the_colors_count_from_0() -> None:
    detection = detection_of({(0, 2), (1, 0)}, (2,), (4,), ([0, 1], [0, 0], [1, 3]))
    colors, number = colored(detection.pattern, detection)
    assert (colors.tolist(), number) == ([0, -1, 1, -1], 2)


def test_there_is_a_color_at_least() -> None:
    detection = detection_of(set(), (2,), (3,), ([0], [0], [1, 2]))
    colors, number = colored(detection.pattern, detection)
    assert (colors.tolist(), number) == ([-1, -1, -1], 1)


# --- Rows


def test_rows_are_kept_of_as_many_colors_as_can_be_afforded() -> None:
    pattern = detection_of({(o, i) for o in range(5) for i in (0, 1 + o % 2)}, (5,), (3,)).pattern
    assert affordable_rows(pattern, 5, rng()) is pattern
    assert affordable_rows(pattern, 9, rng()) is pattern
    kept = [affordable_rows(pattern, 2, rng(seed)) for seed in range(9)]
    assert len({frozenset(found(each)) for each in kept}) > 1
    for each in kept:
        rows = {o for o, _ in found(each)}
        assert len(rows) == 2
        assert found(each) == {(o, i) for o, i in found(pattern) if o in rows}
        assert (each.output_shape, each.operand_shape) == ((5,), (3,))


# --- Blocks


BLOCKS = {(o, i) for o in range(4) for i in range(6) if o // 2 == i // 3}
OPENED: Open = ([1], [0], [0, 1, 2])  # output 1 may read all of its block


@pytest.mark.parametrize(("layout", "shape"), [("numerator", (2, 3)), ("denominator", (3, 2))])
def test_blocks_are_known_of_which_a_line_is_open(layout: str, shape: tuple[int, int]) -> None:
    detection = detection_of({(o, i) for o, i in BLOCKS if o != 1}, (4,), (6,), OPENED)
    assert known_blocks(detection, "column", layout) == Blocks(2, shape, "column")


def test_an_open_line_may_join_the_blocks_it_reaches_to_the_left_or_right() -> None:
    for group in (([1], [0], [0, 3]), ([2], [2], [0, 2])):
        assert known_blocks(detection_of(BLOCKS, (4,), (6,), group), "column", "numerator") is None
    alone = detection_of(BLOCKS, (4,), (7,), ([3], [3], [0, 3]))
    assert known_blocks(alone, "column", "denominator") == Blocks(2, None, "column")


@pytest.mark.parametrize("vec", ["row", "column"])
def test_blocks_of_rows_or_of_columns_are_known_in_the_order_in_which_they_stand_together(vec: str) -> None:
    x = np.arange(6).reshape(2, 3)
    rows = {(int(o), int(i)) for line in x for o in line for i in line}
    columns = {(int(o), int(i)) for line in x.T for o in line for i in line}
    of_rows = detection_of(rows - {(1, 0)}, (2, 3), (2, 3), ([1], [0], [0, 1]))
    of_columns = detection_of(columns - {(4, 1)}, (2, 3), (2, 3), ([4], [1], [0, 3]))
    assert known_blocks(of_rows, vec, "numerator") == Blocks(2, (3, 3), "row")
    assert known_blocks(of_columns, vec, "numerator") == Blocks(3, (2, 2), "column")


@pytest.mark.parametrize("vec", ["row", "column"])
def test_the_order_that_is_asked_for_comes_first(vec: str) -> None:
    detection = detection_of({(k, k) for k in range(6)} - {(1, 1)}, (2, 3), (2, 3), ([1], [1], [0]))
    assert known_blocks(detection, vec, "numerator") == Blocks(6, (1, 1), vec)
