"""The spy plot's scales: first and last row and column, for any size, in no more columns than there are."""

import re
import time

import numpy as np
import pytest

from jacinspect.jacobian.forms.unfolding import UnfoldedPattern
from jacinspect.views.spy import spy, spy_with_scales

SIZES = [1, 2, 3, 16, 17, 40, 999, 10**6]


def placed(rows: int, columns: int) -> UnfoldedPattern:
    count = min(rows, columns)
    index = np.arange(count, dtype=np.int64)
    return UnfoldedPattern((rows, columns), index * rows // count, index * columns // count)


@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("width", [40, 80])
def test_first_and_last_are_named_and_nothing_is_cut(rows: int, columns: int, width: int) -> None:
    scale, *lines = spy_with_scales(placed(rows, columns), width)
    assert max(map(len, [scale, *lines])) <= width
    assert len(lines) <= 16
    assert scale.replace("…", " ").split() == ["0", str(columns - 1)][: min(columns, 2)]
    framed = any("│" in line for line in lines)
    beside = [re.split("│" if framed else "[■·]", line)[0] for line in lines]
    named = re.sub("[┌└─┐┘…]", " ", " ".join(beside)).split()
    assert named == ["0", str(rows - 1)][: min(rows, 2)]


def test_the_last_column_stands_below_its_number() -> None:
    scale, first, *_ = spy_with_scales(placed(12, 12), 80)
    assert scale.index("0") == first.index("■")
    assert len(scale) == len(first)
    scale, edge, *_ = spy_with_scales(placed(500, 500), 80)
    assert scale.index("0") == edge.index("┌") + 1
    assert len(scale) == len(edge) - 1


def test_the_drawing_is_that_without_scales() -> None:
    for size in (4, 100):
        plain = spy(placed(size, size), 60)
        scaled = spy_with_scales(placed(size, size), 80)[1:]
        assert all(with_scale.endswith(line) for line, with_scale in zip(plain, scaled, strict=True))


def test_nothing_has_no_scales() -> None:
    assert spy_with_scales(UnfoldedPattern((0, 3), np.zeros(0, int), np.zeros(0, int)), 80) == ["(no entries)"]


def test_a_million_rows_take_no_time() -> None:
    begun = time.process_time()
    spy_with_scales(placed(10**6, 10**6), 80)
    assert time.process_time() - begun < 2
