"""Groups of columns and rows: a Jacobian is recovered exactly from the products with both."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import jacinspect
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern
from samples.arrowhead import arrowhead, jvp, recovered, vjp


def pattern_of(kept: Array) -> Pattern:
    outputs, inputs = np.nonzero(kept)
    return Pattern.from_pairs(outputs, inputs, (kept.shape[0],), (kept.shape[1],))


def number(groups: Array) -> int:
    return int(groups.max(initial=-1)) + 1


def needed(kept: Array) -> int:
    """How many groups columns alone need."""
    return number(pattern_of(kept).groups()) if kept.any() else 0


@settings(max_examples=150, deadline=None)
@given(st.tuples(st.integers(0, 9), st.integers(0, 9)).flatmap(lambda shape: arrays(bool, shape)))
def test_the_jacobian_comes_back_from_no_more_products_than_in_one_direction(kept: Array) -> None:
    J = np.where(kept, 1.0 + np.arange(kept.size).reshape(kept.shape), 0.0)
    pattern = pattern_of(kept)
    columns, rows = pattern.bidirectional_groups()
    assert number(columns) + number(rows) <= min(needed(kept), needed(kept.T))
    for groups in (columns, rows):
        assert set(range(number(groups))) <= set(groups.tolist()) <= set(range(-1, number(groups)))
    assert np.array_equal(recovered(pattern, lambda v: J @ v, lambda w: w @ J).toarray(), J)


@pytest.mark.parametrize("wide", [1, 3])
def test_full_rows_and_full_columns_take_a_group_each(wide: int) -> None:
    kept = np.eye(200, dtype=bool)
    kept[-wide:], kept[:, :wide] = True, True
    assert needed(kept) == needed(kept.T) == 200
    assert sum(map(number, pattern_of(kept).bidirectional_groups())) <= 2 * wide + 1


def test_the_groups_are_in_the_order_of_vec() -> None:
    pattern = jacinspect.sparsity(lambda x: np.cumsum(x, axis=1) * x[0, 0], np.ones((2, 3)))
    for vec in ("column", "row"):
        columns, rows = pattern.bidirectional_groups(vec)
        kept = pattern.to_scipy(vec).toarray() > 0
        by_column = [(kept[i] & (columns == columns[j])).sum() == 1 and columns[j] >= 0 for i, j in np.argwhere(kept)]
        by_row = [(kept[:, j] & (rows == rows[i])).sum() == 1 and rows[i] >= 0 for i, j in np.argwhere(kept)]
        assert np.all(np.logical_or(by_column, by_row))


def test_the_arrowhead_of_the_samples_takes_three_products() -> None:
    x = np.linspace(0.5, 1.5, 20)
    pattern = jacinspect.sparsity(arrowhead, x)
    assert number(pattern.groups()) == 20
    assert sum(map(number, pattern.bidirectional_groups())) == 3
    J = recovered(pattern, lambda v: jvp(x, v), lambda w: vjp(x, w)).toarray()
    assert np.array_equal(J, np.stack([jvp(x, v) for v in np.eye(20)], axis=1))
