"""Every form of a Jacobian against plain loops: where each entry stands, its shape, whether it is diagonal."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest

from jacinspect.choices import Form
from jacinspect.errors import InputError
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.unfolding import Unfolding, unfold

Shape = tuple[int, ...]

# output and operand: asymmetric matrices, transposed ones, vectors, numbers, nothing at all
SHAPES: list[tuple[Shape, Shape]] = [
    *[((2, 2), (2, 2)), ((3, 2), (2, 3)), ((2, 3), (4, 5)), ((1, 3), (3, 1)), ((4,), (3,)), ((4,), (2, 3))],
    *[
        ((2, 3), (4,)),
        ((), (2, 3)),
        ((), (3,)),
        ((), ()),
        ((2, 3), ()),
        ((0, 3), (0, 3)),
        ((0,), (2, 3)),
        ((2,), (3, 0)),
    ],
]
MORE_AXES: list[tuple[Shape, Shape]] = [
    ((2, 3, 4), (3, 2)),
    ((2, 1, 3), (2, 1, 3)),
    ((3,), (2, 3, 2)),
    ((2, 2, 1, 3), ()),
]
ORDERS = list(product(("column", "row"), ("numerator", "denominator")))


def in_vec_order(shape: Shape, vec: str) -> list[Shape]:
    """List the indices of an array as vec puts them: the first index runs fastest in column order, the last in row."""
    indices = list(np.ndindex(*shape))
    return sorted(indices, key=lambda index: index[::-1]) if vec == "column" else indices


def as_column(index: Shape) -> tuple[int, int]:
    """Read the index of a number, a vector or a matrix as that of a matrix; a vector is a column."""
    return (*index, 0, 0)[:2]  # type: ignore[return-value]


def oracle(name: str, entries: Any, output: Shape, operand: Shape, vec: str) -> Any:
    """Build a matrix form in numerator layout, entry by entry, from `entries`[output index + operand index]."""
    (m, n), (p, q) = ((*shape, 1, 1)[:2] for shape in (output, operand))
    if name == "vec":
        dense = np.zeros((prod(output), prod(operand)))
        for r, a in enumerate(in_vec_order(output, vec)):
            for c, x in enumerate(in_vec_order(operand, vec)):
                dense[r, c] = entries[a + x]
        return dense
    dense = np.zeros((p * q * m, n) if name == "stacked" else (p * m, q * n))
    for number, x in enumerate(in_vec_order(operand, vec)):
        for a in np.ndindex(*output):
            (i, j), (down, along) = as_column(a), as_column(x)
            place = (number * m + i, j) if name == "stacked" else (down * m + i, along * n + j)
            dense[place] = entries[a + x]
    return dense


def forms(shapes: list[tuple[Shape, Shape]], names: tuple[str, ...]) -> Iterator[Unfolding]:
    for (output, operand), name, (vec, layout) in product(shapes, names, ORDERS):
        yield unfold(name, output, operand, vec, layout)


def full_pattern(output: Shape, operand: Shape) -> Pattern:
    outputs, inputs = np.divmod(np.arange(prod(output) * prod(operand)), max(prod(operand), 1))
    return Pattern.from_pairs(outputs, inputs, output, operand)


def elementwise(*shape: int) -> Pattern:
    index = np.arange(prod(shape))
    return Pattern.from_pairs(index, index, shape, shape)


@pytest.mark.parametrize("name", ["vec", "stacked", "blocks"])
def test_every_entry_stands_where_the_loops_put_it(name: str) -> None:
    for form in [*forms(SHAPES, (name,)), *(forms(MORE_AXES, (name,)) if name == "vec" else ())]:
        pattern = full_pattern(form.output_shape, form.operand_shape)
        values = np.arange(1.0, pattern.stored + 1)
        placed = form.placed(pattern)
        dense = np.zeros(placed.shape)
        dense[placed.rows, placed.columns] = values
        entries = values.reshape(form.output_shape + form.operand_shape)
        expected = oracle(name, entries, form.output_shape, form.operand_shape, form.vec)
        assert np.array_equal(dense, expected if form.layout == "numerator" else expected.T), form
        assert form.shape == dense.shape


def test_the_tensor_is_a_grid_of_slices() -> None:
    for form in forms(SHAPES + MORE_AXES, ("tensor",)):
        straight = form.layout == "numerator"
        a, x = form.output_shape, form.operand_shape
        assert form.shape == (a + x if straight else x + a)
        placed = form.placed(full_pattern(a, x))
        assert len(set(zip(placed.rows.tolist(), placed.columns.tolist(), strict=True))) == prod(a + x)
    form = unfold("tensor", (2, 3), (4, 5))
    placed = form.placed(full_pattern((2, 3), (4, 5)))
    places = zip(placed.rows.tolist(), placed.columns.tolist(), strict=True)
    for (i, j, p, q), place in zip(np.ndindex(2, 3, 4, 5), places, strict=True):
        assert place == (i * 4 + p, j * 5 + q)


def test_what_stands_somewhere_is_what_was_placed_there() -> None:
    for form in [*forms(SHAPES, tuple(Form)), *forms(MORE_AXES, ("vec", "tensor"))]:
        pattern = full_pattern(form.output_shape, form.operand_shape)
        placed = form.placed(pattern)
        outputs, inputs = form.sources(placed.rows, placed.columns)
        assert np.array_equal(outputs, pattern.rows)
        assert np.array_equal(inputs, pattern.indices)


def test_sources_are_found_for_rows_and_columns_crosswise() -> None:
    form = unfold("stacked", (2, 2), (2, 2))
    outputs, inputs = form.sources(np.arange(8)[:, None], np.arange(2))
    assert outputs.shape == inputs.shape == (8, 2)
    # X_00, X_10, X_01, X_11 in column order; A's rows i and columns j in each block
    assert inputs[:, 0].tolist() == [0, 0, 2, 2, 1, 1, 3, 3]
    assert outputs.tolist() == [[0, 1], [2, 3]] * 4


@pytest.mark.parametrize(
    ("name", "shape", "square", "diagonal"),
    [
        ("vec", (6, 6), True, True),
        ("tensor", (2, 3, 2, 3), True, True),
        ("stacked", (12, 3), False, False),
        ("blocks", (4, 9), False, False),
    ],
)
def test_an_element_wise_function_of_a_matrix(name: str, shape: Shape, square: bool, diagonal: bool) -> None:
    form = unfold(name, (2, 3), (2, 3))
    assert (form.shape, form.is_square) == (shape, square)
    assert form.is_diagonal(elementwise(2, 3)) is diagonal
    assert not form.is_diagonal(full_pattern((2, 3), (2, 3)))


def test_square_is_not_yet_diagonal() -> None:
    form = unfold("blocks", (2, 2), (2, 2))
    assert form.is_square
    assert not form.is_diagonal(elementwise(2, 2))


def test_a_tensor_is_diagonal_only_between_equal_shapes() -> None:
    index = np.arange(6)
    flattened = Pattern.from_pairs(index, index, (6,), (2, 3))  # a reshape: the vec matrix is diagonal in row order
    assert unfold("vec", (6,), (2, 3), "row").is_diagonal(flattened)
    assert not unfold("tensor", (6,), (2, 3), "row").is_diagonal(flattened)


def test_labels_name_the_indices_of_x_before_those_of_a() -> None:
    stacked, blocks = unfold("stacked", (2, 2), (2, 3)), unfold("blocks", (2, 2), (2, 3))
    assert (stacked.row_letters, stacked.column_letters) == ("p,q,i", "j")
    assert [stacked.row_label(row) for row in range(5)] == ["0,0,0", "0,0,1", "1,0,0", "1,0,1", "0,1,0"]
    assert (blocks.row_letters, blocks.column_letters) == ("p,i", "q,j")
    assert [blocks.column_label(column) for column in range(3)] == ["0,0", "0,1", "1,0"]


def test_every_form_says_what_it_is() -> None:
    sentences = {form.relation for form in forms([((2, 3), (4, 5))], tuple(Form))}
    assert len(sentences) == 2 * len(Form)  # in both layouts; the order of vec changes no word
    assert unfold("stacked", (2, 2), (2, 2)).relation == (
        "the blocks ∂A/∂X_pq on each other, in the order of vec(X); vec of a block is its column of J"
    )
    for form in forms(SHAPES + MORE_AXES, ("vec", "tensor")):
        assert form.relation


@pytest.mark.parametrize("name", ["stacked", "blocks"])
@pytest.mark.parametrize(("output", "operand", "which"), [((2,), (2, 1, 3), "operand"), ((2, 3, 1), (3,), "output")])
def test_more_axes_are_refused(name: str, output: Shape, operand: Shape, which: str) -> None:
    with pytest.raises(InputError, match=f"^--as {name}: is for vectors and matrices, and the {which} has 3 axes"):
        unfold(name, output, operand)


FILLED = [(output, operand) for output, operand in SHAPES if prod(output + operand)]
DIVIDED = [
    *[(name, *shapes) for shapes in FILLED for name in ("stacked", "blocks", "tensor")],
    *[("tensor", *shapes) for shapes in MORE_AXES],
]


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize(("name", "output", "operand"), DIVIDED)
def test_a_division_holds_one_block_or_slice(name: str, output: Shape, operand: Shape, layout: str) -> None:
    form = unfold(name, output, operand, "column", layout)
    down, along = (each or length for each, length in zip(form.division, form.matrix_shape, strict=True))
    rows, columns = np.indices(form.matrix_shape)
    outputs, inputs = form.sources(rows, columns)
    fixed = outputs if name == "tensor" and layout == "numerator" else inputs
    inner = form.inner_shape if name == "tensor" else (0, 0)
    for row in range(0, form.matrix_shape[0], down):
        for column in range(0, form.matrix_shape[1], along):
            places = fixed[row : row + down, column : column + along]
            if len(inner) == 1:  # the slices are rows, and need no lines between them
                assert all(len(set(line)) == 1 for line in places)
            elif inner:  # else each number is a slice
                assert np.unique(places).size == 1
