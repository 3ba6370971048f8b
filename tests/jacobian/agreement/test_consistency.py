"""A rule beside a known Jacobian, and beside itself for other arrays: which entry differs, and which case."""

from collections.abc import Callable

import numpy as np
import pytest

from jacinspect.errors import FunctionFailedError
from jacinspect.jacobian.agreement.consistency import Difference, Fault, Known, difference, fault, strided
from jacinspect.jacobian.compact import Jacobian, Pattern
from tests.oracles import Array, pairs_of

MATRIX = np.array([[1.0, 0, 2, 0], [0, 0, 0, 0], [0, 3, 0, -4]])
Rule = Callable[[Array], Array]


def known(matrix: Array, slack: float = 1e-9, epsilon: float = 2.0**-52, operand: tuple[int, ...] = ()) -> Known:
    rows, columns = np.array(sorted(pairs_of(matrix)), int).reshape(-1, 2).T
    pattern = Pattern.from_pairs(rows, columns, (matrix.shape[0],), operand or (matrix.shape[1],))
    data = matrix[rows, columns]
    return Known(Jacobian(pattern, data), np.full(data.size, slack), np.abs(data), epsilon)


def times(matrix: Array) -> Rule:
    return lambda v: np.asarray(matrix @ v.ravel())


def found(rule: Rule, of: Known, **excuses: Callable[[Difference], bool]) -> Difference | None:
    return difference(rule, of, np.random.default_rng(0), **excuses)


def case(rule: Rule, of: Known, at_view: Rule | None = None) -> str:
    """What goes wrong for which kind of tangent, or nothing."""
    seen = fault(rule, at_view, of, "tangent", np.random.default_rng(0))
    return "" if seen is None else seen.case


def changed(row: int, column: int, by: float) -> Array:
    matrix = MATRIX.copy()
    matrix[row, column] += by
    return matrix


# --- What may be off


def test_what_is_off_beyond_what_is_known_the_worst_first() -> None:
    of = known(MATRIX, slack=0.5)
    v = np.array([1.0, 1.0, 1.0, 1.0])
    assert of.off(np.array([3.9, 0.0, -1.9]), v).tolist() == []
    assert of.off(np.array([4.1, 0.0, 0.5]), v).tolist() == [2, 0]
    assert of.off(np.array([4.1, 0.1, -2.1]), v).tolist() == [1, 0, 2]
    assert of.off(np.array([np.nan, 0.0, np.inf]), v).tolist() == [0, 2]


def test_what_is_not_known_is_not_off_unless_it_is_not_finite() -> None:
    of = known(MATRIX, slack=np.inf)
    for v in (np.ones(4), np.zeros(4)):
        assert of.off(np.array([9.0, 0.0, 9.0]), v).tolist() == []
        assert of.off(np.array([9.0, 0.0, np.nan]), v).tolist() == [2]
    infinite = known(np.where(MATRIX == 2, np.inf, MATRIX), slack=0.0)
    assert infinite.off(np.array([9.0, 0.0, -1.5]), np.ones(4)).tolist() == [2]
    assert infinite.off(np.array([np.nan, 0.0, -1.0]), np.ones(4)).tolist() == []


def test_the_rounding_of_a_rule_is_relative_to_the_numbers_it_computes_from() -> None:
    v, one = np.array([1.0, 1.0]), np.array([[1.0, 1.0]])
    assert known(one, slack=0.0).off(np.array([2 + 1e-9]), v).tolist() == []
    assert known(one, slack=0.0).off(np.array([2 + 1e-8]), v).tolist() == [0]
    assert known(one, slack=0.0, epsilon=2.0**-23).off(np.array([2 + 1e-5]), v).tolist() == []
    assert known(one, slack=0.0, epsilon=2.0**-23).off(np.array([2 + 1e-4]), v).tolist() == [0]


def test_the_transpose_keeps_what_is_known_of_each_entry() -> None:
    of = known(MATRIX)
    of = Known(of.jacobian, np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 2.0, 3.0, 4.0]), 0.0)
    assert of.T.jacobian.matrix("row").tolist() == MATRIX.T.tolist()
    assert of.T.slack.tolist() == [0.1, 0.3, 0.2, 0.4]
    assert of.T.size.tolist() == [1.0, 3.0, 2.0, 4.0]


# --- A rule beside a Jacobian


def test_a_rule_that_agrees_differs_nowhere() -> None:
    assert found(times(MATRIX), known(MATRIX)) is None
    assert found(times(MATRIX.T), known(MATRIX).T) is None
    assert found(times(MATRIX), known(MATRIX, operand=(2, 2))) is None
    assert found(times(np.zeros((2, 0))), known(np.zeros((2, 0)), operand=(0,))) is None


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 2), (2, 3), (0, 1), (0, 3), (1, 2), (2, 0)])
def test_the_entry_that_differs_is_found_where_f_has_one_and_where_it_has_none(row: int, column: int) -> None:
    entry = found(times(changed(row, column, 0.25)), known(MATRIX))
    assert entry == Difference(row, column, 1.0, MATRIX[row, column] + 0.25, MATRIX[row, column])


def test_of_several_entries_one_of_the_worst_output_is_found() -> None:
    matrix = changed(0, 0, 1e-3)
    matrix[2, 1] += 5
    entry = found(times(matrix), known(MATRIX))
    assert entry is not None
    assert (entry.place, entry.along) == (2, 1)


def test_what_is_excused_is_passed_over() -> None:
    matrix = changed(0, 0, 1e-3)
    matrix[2, 1] += 5
    entry = found(times(matrix), known(MATRIX), excuses=lambda each: each.place == 2)
    assert entry is not None
    assert (entry.place, entry.along) == (0, 0)
    assert found(times(matrix), known(MATRIX), excuses=lambda _: True) is None


def test_a_rule_that_is_right_for_unit_vectors_alone_is_told_by_the_tangent() -> None:
    entry = found(lambda v: MATRIX @ v**3, known(MATRIX))
    assert entry is not None
    assert abs(entry.length) != 1
    assert entry.given == pytest.approx(MATRIX[entry.place, entry.along] * entry.length**3)
    assert entry.expected == pytest.approx(MATRIX[entry.place, entry.along] * entry.length)


def test_a_rule_that_adds_a_constant_differs_in_what_reads_nothing_too() -> None:
    entry = found(lambda v: MATRIX @ v + [0, 7, 0], known(MATRIX))
    assert entry is not None
    assert (entry.place, entry.given, entry.expected) == (1, 7.0, 0.0)
    assert found(lambda v: np.full(2, 7.0), known(np.zeros((2, 0)), operand=(0,))) is None


def test_what_differs_for_several_numbers_together_alone_is_no_entry() -> None:
    def together(v: Array) -> Array:
        return np.asarray(MATRIX @ v + (np.count_nonzero(v) > 1) * np.array([5.0, 0, 0]))

    assert found(together, known(MATRIX), excuses=lambda each: each.place == 2) is None


# --- A rule beside itself


def test_a_linear_rule_has_no_fault_even_if_it_returns_one_buffer() -> None:
    assert case(times(MATRIX), known(MATRIX), times(MATRIX)) == ""
    assert case(times(MATRIX.T), known(MATRIX).T) == ""
    assert case(times(np.eye(1)), known(np.eye(1))) == ""
    assert case(times(MATRIX), known(MATRIX, operand=(2, 2))) == ""
    buffer = np.zeros(3)
    assert case(lambda v: np.matmul(MATRIX, v, out=buffer), known(MATRIX)) == ""


def is_view(v: Array) -> bool:
    return v.size > 1 and not v.flags.c_contiguous


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (lambda v: not v.any(), "for a tangent of zeros"),
        (lambda v: v.any() and not v.all(), "for a tangent with zeros in places"),
        (lambda v: np.abs(v).max() > 1.1, "for twice a tangent"),
        (lambda v: is_view(v) and 0 not in v.strides, "for a tangent that is every other entry of an array"),
        (lambda v: 0 in v.strides, "for a tangent that is one number, expanded"),
    ],
)
def test_each_kind_of_tangent_is_tried(wrong: Callable[[Array], bool], expected: str) -> None:
    def rule(v: Array) -> Array:
        return np.asarray(MATRIX @ v + 1.0 * bool(wrong(v)))

    def raising(v: Array) -> Array:
        if wrong(v):
            raise FunctionFailedError("no such tangent")
        return np.asarray(MATRIX @ v)

    assert case(rule, known(MATRIX)) == expected
    seen = fault(raising, None, known(MATRIX), "tangent", np.random.default_rng(0))
    assert seen == Fault(expected, raised="no such tangent")


def test_a_matrix_is_tried_transposed_and_a_column_is_none() -> None:
    def rule(v: Array) -> Array:
        return np.asarray(MATRIX @ v.ravel() + is_view(v))

    assert case(rule, known(MATRIX, operand=(2, 2))) == "for a tangent that is a transposed view"
    assert case(rule, known(MATRIX, operand=(4, 1))) == "for a tangent that is every other entry of an array"


def test_an_operand_that_is_a_view_is_tried() -> None:
    wrong = times(changed(2, 1, 1e-3))
    seen = fault(times(MATRIX), wrong, known(MATRIX), "tangent", np.random.default_rng(0))
    assert seen is not None
    assert (seen.case, seen.place) == ("at an operand that is a view, not contiguous", 2)
    assert seen.given != seen.expected


def test_rounding_is_no_fault_and_nothing_of_what_f_reads_is_rounded_by_that_much() -> None:
    def rounded(*sizes: float) -> Rule:
        noise = np.random.default_rng(1)
        return lambda v: np.asarray(MATRIX @ v + noise.uniform(0.5, 1, 3) * sizes)

    assert case(rounded(1e-7, 1e-15, 1e-7), known(MATRIX)) == ""
    assert case(rounded(0, 0, 1e-4), known(MATRIX)) == "for a tangent of zeros"
    infinite = known(np.where(MATRIX == 2, np.inf, MATRIX))
    for of in (known(MATRIX), infinite):  # the second output reads nothing
        assert case(rounded(0, 1e-12, 0), of) == "for a tangent of zeros"


def test_where_f_stands_still_a_rule_is_rounded_as_of_numbers_of_size_1() -> None:
    """As the forward mode of a loss whose entries of 1e-18 are differences of terms of size 1."""
    still = Known(known(MATRIX).jacobian, np.zeros(4), np.zeros(4), 2.0**-52)
    assert case(lambda v: times(MATRIX)(v) * 1e-18 + 1e-16 * (v != 0).all(), still) == ""
    assert case(lambda v: times(MATRIX)(v) * 1e-18 + 1e-12 * (v != 0).all(), still) != ""


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1), (1, 4), (2, 3), (2, 1, 3)])
def test_equal_numbers_in_memory_that_is_not_contiguous(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).standard_normal(shape)
    view = strided(array)
    np.testing.assert_array_equal(view, array, strict=True)
    assert view.size == 1 or not view.flags.c_contiguous
    assert view.flags.f_contiguous == (sum(size > 1 for size in shape) > 1 or view.size == 1)  # a matrix, transposed
