"""What a claim has where f has no entry: its rounding is no error, anything larger is."""

from typing import Any, Literal, get_args

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.report import Report
from jacinspect.jacobian.agreement.analytic import from_entries, from_jvp, from_slopes, from_vjp
from jacinspect.jacobian.agreement.outside import Stray, asked_alone, find_stray, hidden, visible
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.records import replace
from tests.jacobian.agreement.test_entries import DOUBLE, SINGLE, F, differenced
from tests.oracles import Array

NAN, INF = np.nan, np.inf
Form = Literal["entries", "jvp", "vjp"]
FORMS = pytest.mark.parametrize("form", get_args(Form))
Entries = dict[tuple[int, int], float]

READ = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]])  # columns share a color, and so do rows
RIGHT = READ * [[2.0], [3.0], [5.0]]


def pattern_of(read: Array) -> Pattern:
    outputs, inputs = np.nonzero(read)
    return Pattern.from_pairs(outputs, inputs, read.shape[:1], read.shape[1:])


def product(matrix: Array, v: Array) -> Array:
    """Multiply as a rule does that skips zeros."""
    return np.asarray(np.where(v == 0, 0, matrix * v).sum(axis=1))


class Claim:
    """The claim that a derivative is a matrix, and how many `calls` of its rule were made."""

    def __init__(self, matrix: Array, form: Form, dtype: type = float) -> None:
        self.calls = 0
        (rows, columns), shapes = np.nonzero(matrix), (matrix.shape[:1], matrix.shape[1:])

        def rule(matrix: Array, v: Array) -> Array:
            self.calls += 1
            return product(matrix.astype(dtype), v.astype(dtype))

        self.analytic = {
            "entries": from_entries((rows, columns, matrix[rows, columns]), *shapes),
            "jvp": from_jvp(lambda v: rule(matrix, v)),
            "vjp": from_vjp(lambda w: rule(matrix.T, w)),
        }[form]

    def on(self, read: Array) -> Jacobian:
        pattern = pattern_of(read)
        known = self.analytic.on(pattern, *pattern.coloring)
        self.calls = 0
        return known


def wrong(entries: Entries, matrix: Array = RIGHT) -> Array:
    """A matrix with some other entries."""
    matrix = matrix.copy()
    for place, value in entries.items():
        matrix[place] = value
    return matrix


def ones(claimed: Jacobian) -> tuple[Array, Array]:
    """Return an operand and an output of size 1 throughout."""
    return np.ones(claimed.shape[1]), np.ones(claimed.shape[0])


def by_itself(claim: Claim, read: Array) -> Array:
    on_pattern = claim.on(read)
    found = asked_alone(claim.analytic, on_pattern, *ones(on_pattern))
    added = found.pattern.stored - on_pattern.pattern.stored
    assert (found.pattern is on_pattern.pattern) == (added == 0)  # nothing is copied where nothing is added
    return found.matrix()


# --- A claim's entries where f has none


@FORMS
@pytest.mark.parametrize(
    "entries",
    [{}, {(0, 1): 7.0}, {(0, 1): 7.0, (2, 3): -1e-6}, {(1, 2): 7.0, (1, 3): -7.0}, {(1, 0): 8.0, (2, 0): 9.0}],
)
def test_each_entry_is_found_as_it_is_by_itself(form: Form, entries: Entries) -> None:
    matrix = wrong(entries)
    assert np.array_equal(by_itself(Claim(matrix, form), READ), matrix)


@pytest.mark.parametrize("form", ["jvp", "vjp"])
@pytest.mark.parametrize(
    ("matrix", "dtype"), [(RIGHT, float), (RIGHT / 7, float), (RIGHT / 7, np.float32), (wrong({(0, 3): NAN}), float)]
)
def test_one_product_shows_that_there_are_no_others(form: Form, matrix: Array, dtype: type) -> None:
    matrix = matrix.astype(dtype).astype(float)
    claim = Claim(matrix, form, dtype)
    assert np.array_equal(by_itself(claim, READ), matrix, equal_nan=True)
    assert claim.calls == 1


@pytest.mark.parametrize("form", ["jvp", "vjp"])
@pytest.mark.parametrize(("number", "calls"), [(2, 50), (2998, 1025)])
def test_few_are_found_among_thousands_and_many_are_left(form: Form, number: int, calls: int) -> None:
    read = np.eye(2, 3000)
    matrix = read.copy()
    matrix[0, -number:] = 7
    if form == "vjp":
        read, matrix = read.T, matrix.T
    claim = Claim(matrix, form)
    assert np.array_equal(by_itself(claim, read), matrix if number == 2 else read)
    assert claim.calls <= calls


def test_what_an_element_wise_function_has_none_of_is_not_looked_for() -> None:
    pattern, analytic = pattern_of(np.eye(3)), from_slopes(lambda: np.array([2.0, 3, 5]))
    claimed = analytic.on(pattern, *pattern.coloring)
    assert asked_alone(analytic, claimed, *ones(claimed)) is claimed


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({(0, 1): 2.0**-43}, False),  # rounding, beside a 2 in its row:
        ({(0, 1): -(2.0**-42)}, True),
        ({(3, 1): 4 * 2.0**-44}, False),  # of an output that reads nothing, beside a 5 anywhere
        ({(3, 1): 6 * 2.0**-44}, True),
    ],
)
def test_what_rounding_leaves_is_no_entry(entry: Entries, found: bool) -> None:
    read = np.vstack([READ, np.zeros(4)])
    right = np.vstack([RIGHT, np.zeros(4)])
    expected = wrong(entry, right) if found else right
    assert np.array_equal(by_itself(Claim(wrong(entry, right), "entries"), read), expected)


LARGE = 1e9  # an input's own unit, beside 1


@FORMS
@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (2.0**-50, False),  # 8e-7 of the row in units of x, and what is left of a 1 by rounding
        (2.0**-65, True),  # too little for that, and 3e-11 of the row
        (2.0**-75, False),  # 3e-14 of it
        (2.0**-38, True),  # no rounding
        (2.0**-45, False),
    ],
)
def test_what_is_nothing_beside_an_input_in_other_units_may_be_large_in_its_own(
    form: Form, entry: float, found: bool
) -> None:
    read, x = np.array([[1.0, 0], [0, 1]]), np.array([1.0, LARGE])
    right = np.array([[1.5, 0], [0, 1 / 3 / LARGE]])
    claim = Claim(wrong({(0, 1): entry}, right), form)
    expected = wrong({(0, 1): entry}, right) if found else right
    np.testing.assert_allclose(
        asked_alone(claim.analytic, claim.on(read), x, np.ones(2)).matrix(), expected, rtol=1e-12
    )


@FORMS
def test_an_entry_is_found_in_units_of_1_beside_what_is_small_by_chance(form: Form) -> None:
    matrix = wrong({(0, 1): 1e-5}, np.eye(2) / 3)
    for small in (np.array([1.0, 1e-9]), np.array([1e-9, 1.0])):
        for x, y0 in ((small, np.ones(2)), (np.ones(2), small)):
            claim = Claim(matrix, form)
            assert asked_alone(claim.analytic, claim.on(np.eye(2)), x, y0).matrix()[0, 1] == 1e-5


@FORMS
def test_an_entry_of_the_row_s_size_in_units_of_x_is_no_rounding(form: Form) -> None:
    """As the slope of n·q·µ by another input, which is 1e-41 of that by the charge q, or as little as rounding."""
    x, y0 = np.array([1e23, 1.6e-19, 0.1, 300.0]), np.array([1600.0, 0.026])
    right = np.array([[1.6e-20, 1e22, 1.6e4, 0], [0, -0.026 / 1.6e-19, 0, 0.026 / 300]])
    for entry in (5.0, 1e7):
        claim = Claim(wrong({(0, 3): entry}, right), form)
        assert asked_alone(claim.analytic, claim.on(right != 0), x, y0).matrix()[0, 3] == entry


@FORMS
@pytest.mark.parametrize("none", [0.0, INF, NAN])
def test_of_an_input_and_an_output_without_a_size_it_is_1(form: Form, none: float) -> None:
    claim = Claim(wrong({(0, 1): 0.5}, np.eye(2, 3)), form)
    found = asked_alone(claim.analytic, claim.on(np.eye(2, 3)), np.array([2.0, none, 3.0]), np.array([none, 1.0]))
    assert found.matrix()[0].tolist() == [1, 0.5, 0]


def test_a_rule_in_single_precision_leaves_more() -> None:
    right = (RIGHT / 7).astype(np.float32).astype(float)
    for entry, found in ((2.0**-20, False), (2.0**-13, True)):
        matrix = wrong({(0, 1): entry}, right)
        assert np.array_equal(by_itself(Claim(matrix, "entries"), READ), matrix if found else right)


def test_what_is_not_finite_hides_no_other_entry() -> None:
    claim = Claim(wrong({(0, 1): NAN, (0, 2): 7.0, (2, 0): INF}), "entries")
    assert np.array_equal(by_itself(claim, READ), wrong({(0, 2): 7.0}))


# --- Entries that would move an output


def others(place: tuple[int, int], value: float, shape: tuple[int, int]) -> Jacobian:
    pattern = Pattern.from_pairs(np.array(place[:1]), np.array(place[1:]), shape[:1], shape[1:])
    return Jacobian(pattern, np.array([value]))


@pytest.mark.parametrize(
    ("y", "largest", "x", "epsilon", "least"),
    [
        (4.0, 1024.0, 1.0, DOUBLE, 2.0**-47),  # 8 last bits of the output,
        (-4.0, 1024.0, 1.0, DOUBLE, 2.0**-47),
        (4.0, 1024.0, 1.0, SINGLE, 2.0**-18),
        (0.0, 1024.0, 1.0, DOUBLE, 2.0**-39),  # or of the largest where it is 0,
        (0.0, 0.125, 1.0, DOUBLE, 2.0**-49),  # which is 1 at least,
        (0.0, INF, 1.0, DOUBLE, 2.0**-49),
        (4.0, 1.0, -8.0, DOUBLE, 2.0**-50),  # over |x|
        (4.0, 1.0, 2.0**-20, DOUBLE, 2.0**-37),  # or 2⁻¹⁰,
        (4.0, 1.0, 0.0, DOUBLE, 2.0**-47),  # or 1 where nothing is known of it
        (4.0, 1.0, INF, DOUBLE, 2.0**-47),
        (4.0, 1.0, NAN, DOUBLE, 2.0**-47),
    ],
)
def test_an_entry_that_moves_no_more_than_last_bits_is_not_visible(
    y: float, largest: float, x: float, epsilon: float, least: float
) -> None:
    near, numeric = differenced(lambda _: np.array([y, largest]), np.array([3.0, x]), set())
    near = replace(near, epsilon=epsilon)
    assert visible(others((0, 1), 1.01 * least, (2, 2)), near, numeric, 0.0).tolist() == [0]
    assert visible(others((0, 1), -0.99 * least, (2, 2)), near, numeric, 0.0).tolist() == []


def test_last_bits_are_those_of_terms_that_cancel() -> None:
    x = np.array([4.0, 4.0, 1.0])
    near, numeric = differenced(lambda x: x[:1] - x[1:2], x, {(0, 0), (0, 1)})
    assert visible(others((0, 2), 2.0**-45, (1, 3)), near, numeric, 0.0).tolist() == [0]
    assert visible(others((0, 2), 2.0**-47, (1, 3)), near, numeric, 0.0).tolist() == []


def test_entries_within_a_tolerance_or_two_steps_of_an_output_are_not_visible() -> None:
    near, numeric = differenced(lambda x: x[:1] + 1, np.array([3.0, 1.0]), {(0, 0)})
    at = others((0, 1), -0.5, (1, 2))
    assert visible(at, near, numeric, 0.0).tolist() == [0]
    assert visible(at, near, numeric, 0.5).tolist() == []
    for height, seen in ((0.24, [0]), (0.26, [])):  # the entry moves the output by 0.5
        stairs = Stairs(np.array([0]), np.array([height]), np.ones(1), np.array([1e-6]), np.array([True]))
        assert visible(at, near, replace(numeric, stairs=stairs), 0.0).tolist() == seen


@pytest.mark.parametrize(
    ("entry", "y", "found"),
    [
        (1.0, 1e16, True),
        (-1.0, -1e16, True),
        (8 * DOUBLE, 1e16, True),  # at an operand of -2; as a last bit of 1
        (3 * DOUBLE, 1e16, False),
        (9.0, 1e16, False),  # which 1e16 would show
        (1.0, 1.0, False),
    ],
)
def test_what_a_large_constant_hides_is_said(entry: float, y: float, found: bool) -> None:
    x, read = np.array([5.0, -2.0]), {(1, 0)}
    near, numeric = differenced(lambda x: np.array([y, x[0]]), x, read)
    assert hidden(others((0, 1), entry, (2, 2)), numeric, x, near.box.y0).data.tolist() == [entry] * found
    assert hidden(others((1, 1), entry, (2, 2)), numeric, x, np.full(2, y)).data.size == 0  # of one that reads others


# --- Entries that are not finite


def stray(claim: Claim, read: Array, x: Array | None = None, y0: Array | None = None, seed: int = 0) -> Stray | None:
    x, y0 = np.ones(read.shape[1]) if x is None else x, np.ones(read.shape[0]) if y0 is None else y0
    with np.errstate(all="ignore"):
        return find_stray(claim.analytic, claim.on(read), x, y0, pattern_of(read), [seed])


@FORMS
@pytest.mark.parametrize("value", [NAN, INF])
def test_what_is_not_finite_where_f_has_no_entry_is_found(form: Form, value: float) -> None:
    assert stray(Claim(RIGHT, form), READ) is None
    one = stray(Claim(wrong({(0, 1): value}), form), READ)
    assert str(one) == str(Stray(0, 1, value, 1))
    two = stray(Claim(wrong({(2, 3): value, (0, 2): value}), form), READ)
    assert str(two) == str(Stray(0, 2, value, 2))


@FORMS
def test_what_reads_or_is_not_finite_is_not_judged(form: Form) -> None:
    claim = Claim(wrong({(0, 1): NAN, (1, 3): INF}), form)
    assert str(stray(claim, READ)) == str(Stray(0, 1, NAN, 2))
    assert str(stray(claim, READ, y0=np.array([INF, 1, 1]))) == str(Stray(1, 3, INF, 1))
    assert str(stray(claim, READ, x=np.array([NAN, 1, 1, 1]))) == str(Stray(1, 3, INF, 1))  # which output 0 reads
    assert stray(claim, READ, x=np.array([1, 1, 1, INF])) is None  # which output 0 reads, and (1, 3) is by it


@pytest.mark.parametrize("form", ["jvp", "vjp"])
@pytest.mark.parametrize("entry", [NAN, INF, 1.7e308])
def test_products_that_entries_of_the_pattern_make_infinite_are_none(form: Form, entry: float) -> None:
    assert stray(Claim(np.diag([entry, -entry, entry]), form), np.eye(3), seed=3) is None  # along numbers above 2


@pytest.mark.parametrize("form", ["jvp", "vjp"])
@pytest.mark.parametrize("place", range(1, 9))
def test_of_many_entries_the_one_is_found(form: Form, place: int) -> None:
    read = np.eye(1, 9)
    matrix = wrong({(0, place): NAN}, read)
    if form == "vjp":
        read, matrix = read.T, matrix.T
    expected = Stray(0, place, NAN, 1) if form == "jvp" else Stray(place, 0, NAN, 1)
    assert str(stray(Claim(matrix, form), read)) == str(expected)


def found_along(rule: F, read: list[list[int]]) -> str:
    pattern = pattern_of(np.array(read))
    on, (outputs, inputs) = Jacobian(pattern, np.ones(pattern.stored)), map(np.ones, pattern.shape)
    with np.errstate(invalid="ignore"):
        return str(find_stray(from_jvp(rule), on, inputs, outputs, pattern, [0]))


@pytest.mark.parametrize(("size", "place"), [(2, 1), (3, None)])
def test_a_product_with_a_matrix_names_an_entry_if_there_is_but_one(size: int, place: int | None) -> None:
    """0 · NaN is NaN: it is not finite whatever part of the direction is left."""
    matrix = wrong({(0, 1): NAN}, np.eye(1, size))
    assert found_along(lambda v: matrix @ v, [[1] + [0] * (size - 1)]) == str(Stray(0, place, NAN, 1))
    assert found_along(lambda v: NAN * v, [[1, 1], [0, 1]]) == str(Stray(0, None, NAN, 2))  # output 0 reads all inputs


@pytest.mark.parametrize(
    ("read", "found"),
    [
        ([[1, 0], [0, 1]], Stray(0, None, NAN, 1)),
        ([[1, 1], [0, 1]], Stray(0, None, NAN, 1)),
        ([[1, 1], [1, 1]], None),  # nothing is outside the pattern
    ],
)
def test_a_rule_that_is_finite_by_each_input_alone_is_found_by_its_output(
    read: list[list[int]], found: Stray | None
) -> None:
    def rule(v: Array) -> Array:
        return np.array([v[0] + np.sqrt(v[1]), v[1]])  # v[1] is below 0 along the direction

    assert found_along(rule, read) == str(found)


def test_what_an_element_wise_function_has_none_of_is_finite() -> None:
    pattern, analytic, x = pattern_of(np.eye(3)), from_slopes(lambda: np.array([2.0, NAN, 5])), np.ones(3)
    assert find_stray(analytic, analytic.on(pattern, *pattern.coloring), x, x, pattern, [0]) is None


# --- Whole inspections


def imaginary(x: Array) -> Array:
    """Return the imaginary part of a Fourier transform: exactly 0 at the highest frequency."""
    return np.fft.fft(x).imag


def claimed(x: Array, matrix: Array, kind: Literal["jacobian", "jvp", "vjp"]) -> Report:
    given: dict[str, Any] = {
        "jacobian": lambda _: matrix,
        "jvp": lambda _, v: matrix @ v,
        "vjp": lambda _, w: matrix.T @ w,
    }
    return jacinspect.inspect(imaginary, x, given[kind], derivative_kind=kind)


@pytest.mark.parametrize("kind", ["jacobian", "jvp", "vjp"])
@pytest.mark.parametrize("x", [np.random.default_rng(0).standard_normal(16), np.ones(16)], ids=["random", "ones"])
def test_a_sine_of_multiples_of_pi_is_0(x: Array, kind: Literal["jacobian", "jvp", "vjp"]) -> None:
    """In the claim each is 1e-15 or so, and that is all that there is in the row of an output that reads nothing."""
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(16)) / 16).imag
    assert claimed(x, matrix, kind).verdict == "pass"
    wrong = matrix.copy()
    wrong[8, 3] = 1e-6
    assert claimed(x, wrong, kind).verdict == "fail"


def test_terms_of_a_claim_that_cancel_at_a_small_operand_are_no_entries() -> None:
    """The derivative of atan2(s, s) is s / 2s² - s / 2s²: terms of 1 / 2s, in a rule that knows no better."""
    x = np.array([0.0035, -0.0142, -0.0057, -0.0031, 0.0074, 0.0005])
    rounding = 1e-14 * np.tril(np.random.default_rng(4).standard_normal((6, 6)))

    def f(x: Array) -> Array:
        largest = np.maximum.accumulate(x)
        s = np.where(largest > x, largest * x, largest + x)
        return np.arctan2(s, s)

    assert jacinspect.inspect(f, x, lambda _: rounding, derivative_kind="jacobian").verdict != "fail"
    assert jacinspect.inspect(f, x, lambda _: 1e4 * rounding, derivative_kind="jacobian").verdict == "fail"
