"""The cost table against the sizes of real arrays, and where it ends."""

import numpy as np
import pytest

from jacinspect.jacobian.hadamard import Cost, cost_table


def test_a_row_counts_the_bytes_of_real_arrays() -> None:
    m, n = 3, 4
    row = cost_table((m * n, m * n), m * n, True)[0]
    assert row.entries == 12
    assert row.matrix == Cost(np.zeros((12, 12)).nbytes, 144)
    rows = (np.zeros(12).nbytes, np.zeros(12, np.int32).nbytes, np.zeros(13, np.int32).nbytes)
    assert row.sparse == Cost(sum(rows), 12)
    assert row.hadamard == Cost(np.zeros((m, n)).nbytes, 12)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (12, 7), (10**6, 10**6), (3, 1)])
def test_it_ends_with_the_first_dense_matrix_over_a_terabyte(shape: tuple[int, int]) -> None:
    table = cost_table(shape, max(shape), False)
    assert [row.entries for row in table] == [shape[1] * 10**k for k in range(len(table))]
    assert table[-1].matrix.bytes > 2**40
    assert all(row.matrix.bytes <= 2**40 for row in table[:-1])
    assert all(row.hadamard is None for row in table)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_costs_nothing_and_ends(shape: tuple[int, int]) -> None:
    (row,) = cost_table(shape, 0, True)
    assert row.matrix == Cost(0, 0)


def test_indices_widen_where_they_must() -> None:
    table = cost_table((10**9, 10**9), 10**9, True)
    assert table[0].sparse.bytes == 12 * 10**9 + 4 * (10**9 + 1)
    assert cost_table((4 * 10**9, 1), 0, True)[0].sparse.bytes == 8 * (4 * 10**9 + 1)
