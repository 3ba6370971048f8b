import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.structure import Arrangement
from tests.oracles import (
    Array,
    Pairs,
    Reads,
    Shape,
    arranged,
    blocks,
    column_order,
    pairs,
    pairs_of,
    positions,
    same_line,
    tensor_of,
)


def pattern_of(read: Pairs, output_shape: Shape, operand_shape: Shape) -> Pattern:
    outputs, inputs = (np.array([pair[k] for pair in sorted(read)], int) for k in (0, 1))
    return Pattern.from_pairs(outputs, inputs, output_shape, operand_shape)


def arrangement(read: Pairs, output_shape: Shape, operand_shape: Shape, vec: str = "row") -> Arrangement:
    return Arrangement(pattern_of(read, output_shape, operand_shape), vec, "numerator")


def square(read: Pairs, n: int) -> Arrangement:
    return arrangement(read, (n,), (n,))


N = 12
NAMED: dict[str, tuple[str, Pairs]] = {
    "nothing": ("zero", set()),
    "all of the diagonal": ("diagonal", {(k, k) for k in range(N)}),
    "some of the diagonal": ("diagonal", {(3, 3), (7, 7)}),
    "a reversal": ("permutation", {(k, N - 1 - k) for k in range(N)}),
    "a rotation": ("permutation", {(k, (k + 5) % N) for k in range(N)}),
    "one input for all": ("broadcast", {(k, 4) for k in range(N)}),
    "a gather": ("broadcast", {(k, k // 2) for k in range(N)}),
    "a lone entry": ("broadcast", {(2, 9)}),
    "blocks of 3": ("block-diagonal", {(o, i) for o in range(N) for i in range(N) if o // 3 == i // 3}),
    "blocks of 4 and 8": ("block-diagonal", {(o, i) for o in range(N) for i in range(N) if (o < 4) == (i < 4)}),
    "below": ("lower-triangular", {(o, i) for o in range(N) for i in range(o + 1)}),
    "a band below": ("lower-triangular", {(o, i) for o in range(N) for i in range(N) if 0 <= o - i <= 2}),
    "above": ("upper-triangular", {(o, i) for o in range(N) for i in range(o, N)}),
    "tridiagonal": ("tridiagonal", {(o, i) for o in range(N) for i in range(N) if abs(o - i) <= 1}),
    "a pentadiagonal too wide": ("dense", {(o, i) for o in range(N) for i in range(N) if abs(o - i) <= 2}),
    "a ring": ("sparse", {(o, (o + d) % N) for o in range(N) for d in (-1, 0, 1)}),
    "an arrow both ways": (
        "dense",
        {(o, i) for o in range(N) for i in range(N) if o == i or 0 in (o, i) or 11 in (o, i)},
    ),
    "everything": ("dense", {(o, i) for o in range(N) for i in range(N)}),
}


@pytest.mark.parametrize("name", NAMED)
def test_names(name: str) -> None:
    expected, read = NAMED[name]
    assert square(read, N).structure == expected


def test_names_of_matrices_that_are_not_square() -> None:
    assert arrangement({(k, k) for k in range(3)}, (3,), (5,)).structure == "broadcast"
    assert arrangement({(o, i) for o in range(2) for i in range(6)}, (2,), (6,)).structure == "dense"
    assert arrangement({(o, i) for o in range(2) for i in range(6) if i // 3 == o}, (2,), (6,)).structure == (
        "block-diagonal"
    )
    assert arrangement(set(), (2,), (0,)).structure == "zero"
    assert arrangement({(0, k) for k in range(4)}, (), (4,)).structure == "dense"
    assert arrangement({(0, 0)}, (), ()).structure == "diagonal"


@given(
    st.integers(1, 7), st.integers(1, 7), st.floats(0, 1), st.integers(0, 2**32 - 1), st.sampled_from(["row", "column"])
)
@settings(max_examples=150, deadline=None)
def test_properties_by_plain_loops(height: int, width: int, density: float, seed: int, vec: str) -> None:
    matrix = (np.random.default_rng(seed).random((height, width)) < density).astype(int)
    read = pairs_of(matrix)
    it = arrangement(read, (height,), (width,), vec)
    below = [o - i for o, i in read]
    assert it.bandwidths == (max([0, *below]), max([0, *(-d for d in below)]))
    assert it.is_square == (height == width)
    assert it.is_diagonal == (height == width and all(o == i for o, i in read))
    assert it.is_lower_triangular == (height == width and all(i <= o for o, i in read))
    assert it.is_upper_triangular == (height == width and all(i >= o for o, i in read))
    assert it.is_broadcast == all(sum(row) <= 1 for row in matrix.tolist())
    full = all(sum(row) == 1 for row in matrix.tolist()) and all(sum(column) == 1 for column in matrix.T.tolist())
    assert it.is_permutation == (height == width and full)
    assert it.density == len(read) / (height * width)
    found = it.blocks
    assert (1 if found is None else found.count) == blocks(read, height, width)


@pytest.mark.parametrize(
    ("axis", "vec", "where", "count", "side"),
    [
        (1, "row", "row", 3, 4),
        (1, "column", "row", 3, 4),
        (0, "column", "column", 4, 3),
        (0, "row", "column", 4, 3),
    ],
)
def test_blocks_in_either_order_of_vec(axis: int, vec: str, where: str, count: int, side: int) -> None:
    """Softmax along an axis of a 3×4 matrix: blocks in one order of vec, which is said."""
    line: Reads = lambda p, q: same_line(p, q, axis)  # noqa: E731
    it = arrangement(pairs(line, (3, 4), (3, 4)), (3, 4), (3, 4), vec)
    assert it.structure == "block-diagonal"
    assert it.blocks is not None
    assert (it.blocks.count, it.blocks.shape, it.blocks.vec) == (count, (side, side), where)


def test_the_shapes_of_blocks() -> None:
    alike = arrangement({(o, i) for o in range(4) for i in range(6) if o // 2 == i // 3}, (4,), (6,)).blocks
    assert alike is not None
    assert (alike.count, alike.shape) == (2, (2, 3))
    unlike = square({(o, i) for o in range(5) for i in range(5) if (o < 2) == (i < 2)}, 5).blocks
    assert unlike is not None
    assert (unlike.count, unlike.shape) == (2, None)
    denominator = Arrangement(
        pattern_of({(o, i) for o in range(4) for i in range(6) if o // 2 == i // 3}, (4,), (6,)), "row", "denominator"
    )
    assert denominator.shape == (6, 4)
    assert denominator.blocks is not None
    assert denominator.blocks.shape == (3, 2)


@pytest.mark.parametrize("vec", ["row", "column"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("shapes", [((3, 2), (2, 4)), ((4,), (2, 3)), ((), (3,)), ((2, 1, 3), (3, 2))])
def test_rows_and_columns_are_the_matrix_s(vec: str, layout: str, shapes: tuple[Shape, Shape]) -> None:
    output_shape, operand_shape = shapes
    size = len(positions(output_shape)), len(positions(operand_shape))
    matrix = (np.random.default_rng(3).random(size) < 0.5).astype(float)
    it = Arrangement(pattern_of(pairs_of(matrix), output_shape, operand_shape), vec, layout)
    expected = arranged(tensor_of(matrix, output_shape, operand_shape), output_shape, vec, layout)
    assert it.shape == expected.shape
    assert set(zip(it.rows.tolist(), it.columns.tolist(), strict=True)) == pairs_of(expected)


def test_a_transpose_is_diagonal_in_no_order_and_a_permutation_in_both() -> None:
    read = pairs(lambda p, q: p == q[::-1], (4, 3), (3, 4))
    for vec in ("row", "column"):
        assert arrangement(read, (4, 3), (3, 4), vec).structure == "permutation"


def test_lower_triangular_in_one_order_of_vec_alone() -> None:
    """A pattern x[a, b] -> A[a, b] and A[a+1, b-1]: below the diagonal by rows, above it by columns."""
    read = pairs(lambda p, q: p == q or p == (q[0] + 1, q[1] - 1), (3, 3), (3, 3))
    assert arrangement(read, (3, 3), (3, 3), "row").is_lower_triangular
    assert not arrangement(read, (3, 3), (3, 3), "row").is_upper_triangular
    assert arrangement(read, (3, 3), (3, 3), "column").is_upper_triangular
    assert not arrangement(read, (3, 3), (3, 3), "column").is_lower_triangular


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300, 1e-308])
def test_off_diagonal_ratio(scale: float) -> None:
    matrix = np.array([[3.0, 0, 4], [0, 5, 0], [12, 0, 0.5]])
    read = pairs_of(matrix)
    values = np.array([matrix[pair] for pair in sorted(read)])
    off = (16 + 144) ** 0.5
    whole = sum(float(v) ** 2 for v in values) ** 0.5
    it = square(read, 3)
    assert it.off_diagonal_ratio(values * scale) == pytest.approx(off / whole, rel=1e-7)
    assert it.off_diagonal_ratio(-values * scale) == pytest.approx(off / whole, rel=1e-7)
    assert it.off_diagonal_ratio(values * 0) is None


def test_off_diagonal_ratio_at_its_ends() -> None:
    diagonal = square({(0, 0), (1, 1)}, 2)
    assert diagonal.off_diagonal_ratio(np.array([2.0, 1.0])) == 0
    assert square({(0, 1), (1, 0)}, 2).off_diagonal_ratio(np.array([2.0, 1.0])) == 1
    assert arrangement({(0, 0)}, (1,), (2,)).off_diagonal_ratio(np.array([2.0])) is None
    assert square(set(), 2).off_diagonal_ratio(np.array([])) is None
    assert diagonal.off_diagonal_ratio(np.array([np.inf, 1.0])) is None


@pytest.mark.parametrize("seed", range(5))
def test_symmetry_of_pattern_and_of_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((5, 5)) * (rng.random((5, 5)) < 0.5)
    matrix = half + half.T + np.diag(rng.uniform(1, 2, 5))
    matrix[0, 1] = matrix[1, 0] = 3.0
    read = pairs_of(matrix)

    def symmetric(matrix: Array, bar: float) -> bool:
        read = pairs_of(matrix)
        values = np.array([matrix[pair] for pair in sorted(read)])
        return square(read, 5).is_symmetric(values, np.full(len(read), bar))

    assert symmetric(matrix, 0.0)
    matrix[0, 1] += 0.1
    assert symmetric(matrix, 0.06)
    assert not symmetric(matrix, 0.04)
    matrix[0, 1] = 0.0
    assert not symmetric(matrix, 10.0)
    assert len(read) > 5


def test_symmetry_needs_a_square_and_a_diagonal_has_it() -> None:
    assert not arrangement({(0, 0)}, (1,), (2,)).is_symmetric(np.ones(1), np.zeros(1))
    assert square({(0, 0), (1, 1)}, 2).is_symmetric(np.array([1.0, 2.0]), np.zeros(2))


def test_column_order_counts_the_first_axis_fastest() -> None:
    assert column_order((2, 3)) == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]


# --- Entries that are no part of the structure ------------------------------------------------------------------------


def test_ignored_entries_are_stored_and_are_no_part_of_the_structure() -> None:
    read = {(k, k) for k in range(6)} | {(0, 4), (5, 1)}
    pattern = pattern_of(read, (6,), (6,))
    ignored = np.array([pair not in {(k, k) for k in range(6)} for pair in sorted(read)])
    plain, it = Arrangement(pattern, "row", "numerator"), Arrangement(pattern, "row", "numerator", ignored)
    assert (plain.structure, plain.bandwidths, plain.is_broadcast) == ("sparse", (4, 4), False)
    assert (it.structure, it.bandwidths, it.is_broadcast, it.is_permutation) == ("diagonal", (0, 0), True, True)
    assert it.pattern.stored == it.rows.size == 8
    values = np.where(ignored, 1e-15, 1.0)
    assert it.off_diagonal_ratio(values) == 0
    assert it.is_symmetric(values, np.full(8, 1e-13))


def test_blocks_and_symmetry_without_ignored_entries() -> None:
    blocks = {(o, i) for o in range(6) for i in range(6) if o // 3 == i // 3}
    pattern = pattern_of(blocks | {(0, 5)}, (6,), (6,))
    ignored = np.array([pair == (0, 5) for pair in sorted(blocks | {(0, 5)})])
    it = Arrangement(pattern, "row", "numerator", ignored)
    assert it.structure == "block-diagonal"
    assert it.blocks is not None
    assert it.blocks.shape == (3, 3)
    assert it.is_symmetric(np.ones(19), np.full(19, 1e-9))
    assert it.is_square
