"""Patterns as drawings: small ones against a plain drawing, large ones by decoding their braille dots."""

from collections.abc import Iterable
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.structure import Arrangement
from jacinspect.views.spy import spy

Pairs = Iterable[tuple[int, int]]

# Unicode numbers the dots of a braille cell 1 2 3 7 down its left half and 4 5 6 8 down its right; dot n is bit n - 1.
DOTS = {1: (0, 0), 2: (1, 0), 3: (2, 0), 7: (3, 0), 4: (0, 1), 5: (1, 1), 6: (2, 1), 8: (3, 1)}


def arranged(rows: int, columns: int, pairs: Pairs) -> Arrangement:
    """A pattern of a matrix; a function of vectors, so that vec changes nothing."""
    entries = sorted(set(pairs))
    outputs, inputs = (np.array([entry[axis] for entry in entries], np.int64) for axis in (0, 1))
    return Arrangement(Pattern.from_pairs(outputs, inputs, (rows,), (columns,)), "column", "numerator")


def drawn(rows: int, columns: int, pairs: Pairs, width: int = 80) -> list[str]:
    return spy(arranged(rows, columns, pairs), width)


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """Decode the dots of a framed drawing: (row, column) of each."""
    found = set()
    for top, line in enumerate(lines[1:-1]):
        assert line[0] == line[-1] == "│"
        for left, character in enumerate(line[1:-1]):
            bits = ord(character) - 0x2800
            assert 0 <= bits < 256, f"{character!r} is no braille"
            found |= {(4 * top + r, 2 * left + c) for dot, (r, c) in DOTS.items() if bits >> (dot - 1) & 1}
    return found


@pytest.mark.parametrize(
    ("rows", "columns", "pairs"),
    [
        (4, 4, [(k, k) for k in range(4)]),
        (6, 6, [(k, 5 - k) for k in range(6)]),
        (6, 6, [(0, 0), (1, 2), (2, 4), (3, 1), (4, 3), (5, 5)]),
        (3, 5, [(r, c) for r in range(3) for c in range(5)]),
        (5, 2, [(4, 0)]),
        (1, 1, [(0, 0)]),
        (2, 3, []),
        (16, 16, [(15, 0), (0, 15)]),
    ],
)
def test_small_patterns_are_drawn_square_by_square(rows: int, columns: int, pairs: Pairs) -> None:
    plain = [["·"] * columns for _ in range(rows)]
    for r, c in pairs:
        plain[r][c] = "■"
    assert drawn(rows, columns, pairs) == [" ".join(line) for line in plain]


def test_orders_of_vec_and_layouts_are_drawn() -> None:
    # A = X.T, X being 2×3: the output (q, p), at 2q + p by rows, reads the input (p, q), at 3p + q by rows
    pairs = sorted((2 * q + p, 3 * p + q) for p in range(2) for q in range(3))
    outputs, inputs = (np.array(axis, np.int64) for axis in zip(*pairs, strict=True))
    pattern = Pattern.from_pairs(outputs, inputs, (3, 2), (2, 3))

    def marks(vec: str, layout: str) -> list[str]:
        return [line.replace(" ", "") for line in spy(Arrangement(pattern, vec, layout), 80)]

    assert marks("row", "numerator") == ["■·····", "···■··", "·■····", "····■·", "··■···", "·····■"]
    assert marks("row", "denominator") == ["■·····", "··■···", "····■·", "·■····", "···■··", "·····■"]
    # by columns, the output is at q + 3p and the input at p + 2q
    assert marks("column", "numerator") == ["■·····", "··■···", "····■·", "·■····", "···■··", "·····■"]


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 5), (5, 0)])
def test_without_entries_it_says_so(rows: int, columns: int) -> None:
    (line,) = drawn(rows, columns, [])
    assert "no entries" in line


@pytest.mark.parametrize("size", [17, 100, 1000, 4097])
@pytest.mark.parametrize("width", [30, 80, 200])
def test_a_large_diagonal_lies_on_the_diagonal(size: int, width: int) -> None:
    lines = drawn(size, size, [(k, k) for k in range(size)], width)
    marked = dots(lines)
    assert all(r == c for r, c in marked)
    assert len(marked) >= 17  # every dot of it, without a gap
    assert {r for r, _ in marked} == set(range(len(marked)))
    assert len(marked) >= 4 * (len(lines) - 2) - 3  # and it goes from corner to corner
    assert len(marked) >= 2 * (len(lines[0]) - 2) - 1


def test_a_large_anti_diagonal_goes_the_other_way() -> None:
    marked = dots(drawn(300, 300, [(k, 299 - k) for k in range(300)]))
    last = max(r for r, _ in marked)
    assert all(abs(r + c - last) <= 1 for r, c in marked)
    assert {r for r, _ in marked} == set(range(last + 1))


def test_large_blocks_are_squares_on_the_diagonal() -> None:
    marked = dots(drawn(120, 120, [(r, c) for r in range(120) for c in range(120) if r // 40 == c // 40]))
    side = max(r for r, _ in marked) + 1
    expected = {(r, c) for r in range(side) for c in range(side) if r * 3 // side == c * 3 // side}
    near = {(r + i, c + j) for r, c in expected for i in (-1, 0, 1) for j in (-1, 0, 1)}
    assert expected - {(r, c) for r, c in expected if any(k * side % 120 for k in (40, 80))} <= marked
    assert marked <= near
    assert len(marked) < 0.45 * side**2


@pytest.mark.parametrize(("rows", "columns"), [(400, 100), (100, 400), (50, 75), (1000, 10), (20, 2000)])
def test_the_aspect_is_kept(rows: int, columns: int) -> None:
    marked = dots(drawn(rows, columns, [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)]))
    high, wide = (max(place[axis] for place in marked) + 1 for axis in (0, 1))
    assert abs(high - wide * rows / columns) <= max(1, rows / columns)
    assert len(marked) == len({0, high - 1}) * len({0, wide - 1})  # the corners of the frame


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(12, 120), st.data())
def test_every_entry_has_a_dot_and_every_dot_an_entry(rows: int, columns: int, width: int, data: st.DataObject) -> None:
    place = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    pairs = data.draw(st.sets(place, max_size=30)) | {(rows - 1, columns - 1)}
    lines = drawn(rows, columns, pairs, width)
    assert all(len(line) <= width for line in lines)
    if not lines[0].startswith("┌"):
        assert sum(line.count("■") for line in lines) == len(pairs)
        return
    marked = dots(lines)
    high, wide = (max(dot[axis] for dot in marked) + 1 for axis in (0, 1))
    for r, c in pairs:
        assert any(abs(y - r * high / rows) <= 1 and abs(x - c * wide / columns) <= 1 for y, x in marked)
    tall, broad = ceil(rows / high), ceil(columns / wide)
    for y, x in marked:
        assert any(abs(r - y * rows / high) <= tall and abs(c - x * columns / wide) <= broad for r, c in pairs)


@pytest.mark.parametrize(("rows", "columns"), [(10**6, 10**6), (1, 10**6), (10**6, 1), (17, 3), (3, 17), (17, 10**5)])
@pytest.mark.parametrize("width", [20, 40, 200])
def test_it_fits(rows: int, columns: int, width: int) -> None:
    lines = drawn(rows, columns, [(0, 0), (rows - 1, columns - 1)], width)
    assert 1 <= len(lines) <= 20
    assert max(map(len, lines)) <= width
    assert len({len(line) for line in lines}) == 1


def test_a_given_height_is_kept() -> None:
    lines = spy(arranged(500, 500, [(k, k) for k in range(500)]), 80, 5)
    assert len(lines) <= 5 + 2
