"""The cost table against the sizes of real arrays, against larger operands, and where it ends."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.jacobian.forms.cost import Cost, CostRow, Growth, cost_table, growth
from tests.oracles import Array, Shape


def linear(shape: tuple[int, int], stored: int) -> Growth:
    """Each output reads as many inputs at every size."""
    return Growth(shape, stored, (1, 1))


def test_a_row_counts_the_bytes_of_real_arrays() -> None:
    m, n = 3, 4
    row = cost_table(linear((m * n, m * n), m * n), True)[0]
    assert row.entries == 12
    assert row.matrix == Cost(np.zeros((12, 12)).nbytes, 144)
    rows = (np.zeros(12).nbytes, np.zeros(12, np.int32).nbytes, np.zeros(13, np.int32).nbytes)
    assert row.sparse == Cost(sum(rows), 12)
    assert row.hadamard == Cost(np.zeros((m, n)).nbytes, 12)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (12, 7), (10**6, 10**6), (3, 1)])
def test_it_ends_with_the_first_dense_matrix_over_a_terabyte(shape: tuple[int, int]) -> None:
    table = cost_table(linear(shape, max(shape)), False)
    assert [row.entries for row in table] == [shape[1] * 10**k for k in range(len(table))]
    assert table[-1].matrix.bytes > 2**40
    assert all(row.matrix.bytes <= 2**40 for row in table[:-1])
    assert all(row.hadamard is None for row in table)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_costs_nothing_and_ends(shape: tuple[int, int]) -> None:
    (row,) = cost_table(linear(shape, 0), True)
    assert row.matrix == Cost(0, 0)


def test_indices_widen_where_they_must() -> None:
    table = cost_table(linear((10**9, 10**9), 10**9), True)
    assert table[0].sparse.bytes == 12 * 10**9 + 4 * (10**9 + 1)
    assert cost_table(linear((4 * 10**9, 1), 0), True)[0].sparse.bytes == 8 * (4 * 10**9 + 1)


# --- Every row is that of a report of its size ------------------------------------------------------------------------


def stencil(x: Array) -> Array:
    padded = np.concatenate([x[:1], x, x[-1:]])
    return np.asarray(padded[:-2] * padded[2:] + x**2)


def softmax(x: Array) -> Array:
    powers = np.exp(x)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


GROWING: dict[str, tuple[Any, Shape]] = {
    "a diagonal": ("tanh", (3,)),
    "a diagonal, of matrices": ("tanh", (2, 3)),
    "a diagonal of one": ("tanh", (1,)),
    "a dense row": ("sum(x**2)", (3,)),
    "a dense row, of matrices": ("sum(x**2)", (2, 3)),
    "a row for each column": (lambda x: (x**2).sum(axis=0), (3, 3)),
    "a row for each row": (lambda x: (x**2).sum(axis=1), (3, 3)),
    "a triangle": ("cumsum", (3,)),
    "an upper triangle": (lambda x: np.cumsum(x[::-1] ** 2)[::-1].copy(), (3,)),
    "triangles along columns": (lambda x: np.cumsum(x**2, axis=0), (4, 2)),
    "triangles along rows": (lambda x: np.cumsum(x**2, axis=1), (2, 4)),
    "a band": (stencil, (5,)),
    "bands of matrices": (stencil, (5, 2)),
    "a band of fewer outputs": (lambda x: np.diff(x**2), (4,)),
    "a band that wraps around": (lambda x: x * np.roll(x, 1), (6,)),
    "a square": ("softmax", (3,)),
    "blocks": ("softmax", (2, 3)),
    "blocks of a vector": (lambda x: softmax(x.reshape(-1, 2)).ravel(), (6,)),
    "a transposition": (lambda x: x.T.copy(), (2, 3)),
    "a square transposition": (lambda x: x.T.copy(), (3, 3)),
    "a product with a column": (lambda x: x * np.arange(1.0, 8), (5, 1)),
    "a choice": (lambda x: x[::2] ** 2, (6,)),
    "a repetition": (lambda x: np.repeat(x, 2), (3,)),
    "a layer": (lambda x: np.tanh(x @ np.arange(1.0, 7).reshape(3, 2)), (2, 3)),
}


@pytest.mark.parametrize("name", GROWING)
def test_every_row_is_that_of_a_report_of_its_size(name: str) -> None:
    f, shape = GROWING[name]
    small, large = (row_by_row(f, (factor * shape[0], *shape[1:])) for factor in (1, 10))
    assert small[1:] == large[: len(small) - 1]


def row_by_row(f: str | Callable[[Array], Array], shape: Shape) -> list[CostRow]:
    report: Report = jacinspect.inspect(f, np.random.default_rng(0).standard_normal(shape))
    assert report.jacobian is not None
    assert report.jacobian.arrangement is not None
    return cost_table(growth(report.jacobian.arrangement.pattern), report.hadamard_valid)


def test_a_matrix_that_x_cannot_outgrow_keeps_its_outputs() -> None:
    weight = np.arange(1.0, 16).reshape(5, 3)
    (first, second, *_) = row_by_row(lambda x: weight @ x, (3,))
    assert first.matrix == Cost(8 * 15, 15)
    assert second.matrix == Cost(8 * 150, 150)


def test_a_number_stays_one_whatever_it_reads() -> None:
    assert row_by_row(lambda x: x[0] ** 2 + x[1] ** 2, (5,))[1].matrix == Cost(8 * 50, 50)


def test_an_outer_product_grows_along_both_axes() -> None:
    small, large = (row_by_row(lambda x: np.outer(x, x), (length,)) for length in (3, 30))
    assert small[1].matrix == large[0].matrix
    assert small[1].sparse.multiplications == pytest.approx(large[0].sparse.multiplications, rel=0.2)
