"""Star colorings by the definition: every path of four columns is walked, and every entry is looked up by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.star import directly_known, fewer_colors, mirrored, star_coloring
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import replace
from tests.oracles import Array


def pattern_of(matrix: Array) -> Pattern:
    rows, columns = np.nonzero(matrix)
    return Pattern.from_pairs(rows, columns, (len(matrix),), (len(matrix),))


def is_star(matrix: Array, colors: Array) -> bool:
    n = range(len(matrix))
    near = {i: [k for k in n if k != i and matrix[i, k]] for i in n}
    for b in n:
        for c in near[b]:
            if colors[b] == colors[c]:
                return False
            for a in near[b]:
                for d in near[c]:
                    if len({a, b, c, d}) == 4 and colors[a] == colors[c] and colors[b] == colors[d]:
                        return False
    return True


def long_arrow(n: int) -> Pattern:
    k, first = np.arange(n), np.zeros(n, int)
    return Pattern.from_pairs(np.r_[first, k, k], np.r_[k, first, k], (n,), (n,))


def arrow(n: int) -> Array:
    matrix = np.eye(n, dtype=bool)
    matrix[0] = matrix[:, 0] = True
    return matrix


@given(st.integers(1, 14), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_no_path_of_four_has_two_colors_and_every_entry_is_known(n: int, density: float, on: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.random((n, n)) < density, 1)
    matrix = matrix | matrix.T | np.diag(rng.random(n) < on)
    pattern = pattern_of(matrix)
    colors, number = star_coloring(pattern)
    assert is_star(matrix, colors)
    assert [color == -1 for color in colors] == [not row.any() for row in matrix]
    assert number == max(int(colors.max()) + 1, 1)
    # What a jvp for each color gives: the sum of a row's entries of that color; it is an entry where that is alone.
    values = matrix * rng.standard_normal((n, n))
    values = np.triu(values) + np.triu(values, 1).T
    sums = np.array([[values[i, colors == color].sum() for color in range(number)] for i in range(n)])
    direct = directly_known(pattern, colors, number)
    found = {
        (int(i), int(k)): sums[i, colors[k]]
        for i, k, is_direct in zip(pattern.rows, pattern.indices, direct, strict=True)
        if is_direct
    }
    for i, k in zip(pattern.rows.tolist(), pattern.indices.tolist(), strict=True):
        assert found.get((i, k), found.get((k, i))) == values[i, k]


def band(n: int) -> Array:
    return np.asarray(np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1)


PATH = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], bool)  # a path from its end, for all rows are alike


@pytest.mark.parametrize(
    ("matrix", "number"),
    [(arrow(40), 2), (np.eye(5, dtype=bool), 1), (np.ones((6, 6), bool), 6), (band(3), 2), (PATH, 2), (band(30), 3)],
)
def test_few_colors_where_few_will_do(matrix: Array, number: int) -> None:
    assert star_coloring(pattern_of(matrix))[1] == number


def test_fewer_colors_of_a_symmetric_pattern_alone() -> None:
    found = fewer_colors(pattern_of(arrow(9)), 9)
    assert found is not None
    assert found[1] == 2
    assert fewer_colors(pattern_of(np.ones((6, 6), bool)), 6) is None
    row = np.eye(9, dtype=bool)
    row[0] = True
    assert fewer_colors(pattern_of(row), 9) is None
    assert fewer_colors(Pattern.from_pairs(np.zeros(3, int), np.arange(3), (1,), (3,)), 3) is None


def test_fewer_colors_of_no_pattern_that_is_large() -> None:
    assert fewer_colors(long_arrow(2**17), 9) is None


def numeric(data: Array, pattern: Pattern, kind: int = Kind.SMOOTH) -> Numeric:
    """Return an entry k with a bar of k/8 and a size of k/4."""
    count = np.arange(data.size, dtype=float)
    kinds = np.full(data.size, kind, np.int8)
    return Numeric(Jacobian(pattern, data), count / 8, kinds, Magnitudes.of(count / 4), 2.0**-52)


def test_an_entry_is_known_by_its_mirror_image() -> None:
    """Known are the diagonal, the rest of the first row, and one entry below it: the last row's first."""
    known = np.eye(4, dtype=bool)
    known[0, 1:3] = known[3, 0] = True
    found = mirrored(numeric(np.array([1.0, 2, 3, 4, 5, 6, 7]), pattern_of(known)), pattern_of(arrow(4)))
    assert found is not None
    assert found.jacobian.matrix().tolist() == [[1, 2, 3, 6], [2, 4, 0, 0], [3, 0, 5, 0], [6, 0, 0, 7]]
    assert (8 * found.bar).tolist() == (4 * found.size[:]).tolist() == [0, 1, 2, 5, 1, 3, 2, 4, 5, 6]


def test_where_f_is_not_smooth_there_is_no_mirror() -> None:
    pattern, data = pattern_of(np.eye(3, dtype=bool)), np.ones(3)
    assert mirrored(numeric(data, pattern), pattern) is not None
    assert mirrored(numeric(data, pattern, Kind.KINK), pattern) is None
    place, one, no = np.zeros(1, np.int64), np.ones(1), np.zeros(1, bool)
    steps = Stairs(place, one, one, one, no)
    assert mirrored(replace(numeric(data, pattern), stairs=steps), pattern) is None
