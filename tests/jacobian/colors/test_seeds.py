import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.colors.seeds import colors_of, compress
from tests.jacobian.test_compact import jacobian_of, random_matrix
from tests.oracles import Array, times


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_a_jvp_a_color_gives_every_entry_back(height: int, width: int, density: float, seed: int) -> None:
    matrix = random_matrix((height,), (width,), seed, density)
    pattern = jacobian_of(matrix, (height,), (width,)).pattern
    colors, number = color_columns(pattern.rows, pattern.indices, width)
    seeds: list[Array] = []

    def jvp(v: Array) -> Array:
        seeds.append(v)
        return np.array(times(matrix, v))

    got = compress(pattern, colors, number, jvp)
    np.testing.assert_array_equal(got.matrix(vec="row"), matrix)
    assert len(seeds) == number
    assert all(v.dtype == np.float64 and set(v.tolist()) <= {0.0, 1.0} for v in seeds)
    assert all(sum(column) <= 1 for column in zip(*(v.tolist() for v in seeds), strict=True))
    entries = [np.arange(pattern.stored)[color.entries].tolist() for color in colors_of(pattern, colors, number)]
    assert sorted(entry for of_color in entries for entry in of_color) == list(range(pattern.stored))
