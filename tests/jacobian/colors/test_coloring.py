from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.colors.coloring import color_columns
from tests.oracles import Array, Pairs, pairs_of, valid_coloring


def colored(read: Pairs, width: int) -> tuple[Array, int]:
    listed = sorted(read)
    rows, columns = (np.array([pair[k] for pair in listed], np.int32) for k in (0, 1))
    return color_columns(rows, columns, width)


def widest(read: Pairs) -> int:
    return max((sum(o == row for o, _ in read) for row in {row for row, _ in read}), default=1)


@given(
    st.integers(1, 25), st.integers(1, 25), st.floats(0, 1), st.floats(0, 1), st.booleans(), st.integers(0, 2**32 - 1)
)
@settings(max_examples=150, deadline=None)
def test_no_row_reads_two_columns_of_one_color(
    height: int, width: int, density: float, unread: float, arrow: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    matrix = (rng.random((height, width)) < density) & (rng.random(width) >= unread)
    if arrow:
        matrix[rng.integers(height)] = True
    read = pairs_of(matrix)
    colors, number = colored(read, width)
    assert colors.shape == (width,)
    assert valid_coloring(read, colors, number)
    assert widest(read) <= number
    assert not read or set(colors.tolist()) - {-1} == set(range(number))
    columns = {i for _, i in read}
    assert all((colors[i] == -1) == (i not in columns) for i in range(width))
    # A greedy coloring needs no more colors than a column has neighbours, and one more.
    neighbours = [len({j for o, j in read for p, k in read if k == i and p == o} - {i}) for i in columns]
    assert number <= max(2 * widest(read) + 8, max(neighbours, default=0) + 1)


@pytest.mark.parametrize(("n", "below", "above"), [(1, 0, 0), (9, 0, 0), (30, 1, 1), (30, 0, 2), (31, 3, 1), (6, 2, 2)])
def test_bands_take_as_many_colors_as_they_are_wide(n: int, below: int, above: int) -> None:
    read = {(o, i) for o in range(n) for i in range(n) if -below <= i - o <= above}
    colors, number = colored(read, n)
    assert number == min(below + above + 1, n)
    assert valid_coloring(read, colors, number)


@pytest.mark.parametrize(("count", "height", "width"), [(1, 3, 4), (5, 3, 4), (7, 1, 6), (2, 6, 1), (40, 2, 3)])
def test_blocks_take_as_many_colors_as_they_are_wide(count: int, height: int, width: int) -> None:
    read = {(b * height + o, b * width + i) for b in range(count) for o in range(height) for i in range(width)}
    colors, number = colored(read, count * width)
    assert number == width
    assert valid_coloring(read, colors, number)


def test_blocks_of_columns_far_apart() -> None:
    """Softmax down the columns of an m×n matrix: the residues of no modulus below m·n … but the greedy finds m."""
    m, n = 5, 7
    read = {(a * n + c, b * n + c) for c in range(n) for a in range(m) for b in range(m)}
    colors, number = colored(read, m * n)
    assert valid_coloring(read, colors, number)
    assert number == m


def test_a_dense_row_takes_every_column_and_a_dense_column_takes_two() -> None:
    n = 30
    down = {(o, 0) for o in range(n)} | {(o, o) for o in range(n)}
    across = {(0, i) for i in range(n)} | {(o, o) for o in range(n)}
    assert colored(down, n)[1] == 2
    assert colored(across, n)[1] == n


def test_five_point_stencils_take_few_colors() -> None:
    m, n = 12, 13
    cells = [(a, b) for a in range(m) for b in range(n)]
    read = {(a * n + b, c * n + d) for a, b in cells for c, d in cells if abs(a - c) + abs(b - d) <= 1}
    colors, number = colored(read, m * n)
    assert valid_coloring(read, colors, number)
    assert 5 <= number <= 8


@pytest.mark.parametrize("width", [0, 1, 4])
def test_nothing_read_is_one_color_that_nothing_has(width: int) -> None:
    colors, number = colored(set(), width)
    assert number == 1
    assert colors.tolist() == [-1] * width


def test_columns_that_nothing_reads() -> None:
    colors, number = colored({(0, 1), (0, 4), (2, 4)}, 6)
    assert number == 2
    assert [color == -1 for color in colors.tolist()] == [True, False, True, True, False, True]


def test_an_elementwise_map_of_a_million_is_one_color() -> None:
    index = np.arange(10**6, dtype=np.int32)
    colors, number = color_columns(index, index[::-1].copy(), index.size)
    assert number == 1
    assert not colors.any()


def test_equal_patterns_have_equal_colors() -> None:
    matrix = np.random.default_rng(3).random((60, 60)) < 0.1
    (one, n), (other, m) = (colored(pairs_of(matrix), 60) for _ in range(2))
    assert n == m
    np.testing.assert_array_equal(one, other)


def test_first_fit_takes_no_more_time_than_some_passes_over_the_pairs() -> None:
    """Half of 1000 columns in each row at random: nearly every column needs a color of its own."""
    matrix = np.random.default_rng(0).random((1000, 1000)) < 0.5
    rows, columns = np.nonzero(matrix)
    began = perf_counter()
    colors, number = color_columns(rows, columns, 1000)
    assert perf_counter() - began < 5  # 0.5 s; by independent sets, each found in passes over all pairs, 30 s
    assert number >= 990
    assert all(np.unique(colors[row]).size == np.count_nonzero(row) for row in matrix)
