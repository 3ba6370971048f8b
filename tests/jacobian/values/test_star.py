"""Star colorings by the definition: every path of four columns is walked, and every entry is looked up by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.values.star import directly_known, fewer_colors, star_coloring
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


@pytest.mark.parametrize(("matrix", "number"), [(arrow(40), 2), (np.eye(5, dtype=bool), 1), (np.ones((6, 6), bool), 6)])
def test_few_colors_where_few_will_do(matrix: Array, number: int) -> None:
    assert star_coloring(pattern_of(matrix))[1] == number


def test_a_path_takes_three() -> None:
    tridiagonal = np.abs(np.subtract.outer(np.arange(30), np.arange(30))) <= 1
    assert star_coloring(pattern_of(tridiagonal))[1] == 3


def test_fewer_colors_of_a_symmetric_pattern_alone() -> None:
    found = fewer_colors(pattern_of(arrow(9)), 9)
    assert found is not None
    assert found[1] == 2
    assert fewer_colors(pattern_of(np.ones((6, 6), bool)), 6) is None
    assert fewer_colors(pattern_of(np.tri(6, dtype=bool)), 6) is None
