from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.agreement.comparison import Comparison, Criteria, Status, Tolerance
from jacinspect.jacobian.agreement.entries import compare, contradicts
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.first_look import FirstLook, first_look
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.noise import rounding_noise
from jacinspect.jacobian.values.numeric import Numeric, numeric_jacobian
from jacinspect.jacobian.values.rough import NO_KINKS, NO_STAIRS, Kinks, Stairs
from jacinspect.jacobian.values.stencil import Kind
from tests.oracles import Array, Pairs

DOUBLE, SINGLE, HALF = 2.0**-52, 2.0**-23, 2.0**-10
F = Callable[[Array], Any]


def neighbourhood(f: F, x: Array) -> Neighbourhood:
    box = BlackBox(f, x)
    return Neighbourhood(box, x, DOUBLE, rounding_noise(box, x))


def at_first_sight(near: Neighbourhood, read: Pairs) -> FirstLook:
    outputs, inputs = (np.array([pair[k] for pair in sorted(read)], int) for k in (0, 1))
    pattern = Pattern.from_pairs(outputs, inputs, (near.box.y0.size,), near.x.shape)
    colors, number = color_columns(pattern.rows, pattern.indices, near.x.size)
    return first_look(near, pattern, colors, number)


def differenced(f: F, x: Array, read: Pairs) -> tuple[Neighbourhood, Numeric]:
    near = neighbourhood(f, x)
    return near, numeric_jacobian(at_first_sight(near, read), 1000)


def judged(
    f: F, x: list[float], claim: list[float] | None, strict: bool = False, own: Tolerance | None = None
) -> Comparison:
    """An element-wise f with a claimed derivative."""
    at = np.array(x)
    near, numeric = differenced(f, at, {(k, k) for k in range(at.size)})
    analytic = None if claim is None else Jacobian(numeric.jacobian.pattern, np.array(claim, float))
    return compare(analytic, numeric, at, near.box.y0, Criteria(own, strict))


NAMES = {status: name for name, status in vars(Status).items() if name.isupper()}


def names(comparison: Comparison) -> list[str]:
    return [NAMES[status] for status in comparison.status.tolist()]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def test_right_and_wrong_claims_about_a_smooth_function() -> None:
    x = [0.5, 1.0, -2.0, 3.0, 0.1]
    truth = np.cos(x)
    off = truth * [1, 1 + 1e-9, -1, 1, 0]
    comparison = judged(np.sin, x, off.tolist())
    assert names(comparison) == ["AGREES", "DISAGREES", "DISAGREES", "AGREES", "DISAGREES"]


def test_what_is_off_by_as_little_as_an_approximation_of_f_is_inconclusive() -> None:
    x, factors = [0.5, 1.0, -2.0], [1 + 2e-10, 1 - 9e-10, 1 + 1e-9]
    comparison = judged(np.sin, x, (np.cos(x) * factors).tolist())
    assert names(comparison) == ["INCONCLUSIVE", "INCONCLUSIVE", "DISAGREES"]


@pytest.mark.parametrize(
    ("claim", "lenient", "strict"),
    [
        (1 + 4e-10, "DISAGREES", "DISAGREES"),
        (0, "KINK", "DISAGREES"),
        (1, "KINK", "DISAGREES"),
        (0.5, "KINK", "DISAGREES"),
        (-1, "DISAGREES", "DISAGREES"),
        (1.01, "DISAGREES", "DISAGREES"),
        (-1e-6, "DISAGREES", "DISAGREES"),
    ],
)
def test_a_subgradient_agrees_unless_kinks_are_refused(claim: float, lenient: str, strict: str) -> None:
    assert names(judged(relu, [0.0, 1.0], [claim, 1])) == [lenient, "AGREES"]
    assert names(judged(relu, [0.0, 1.0], [claim, 1], strict=True)) == [strict, "AGREES"]


def test_a_slope_of_0_among_zeros_is_as_well_known_as_what_f_moves_by() -> None:
    """Outputs, inputs and most slopes are 0: only what f does over a unit says that a bar of 1e-15 is none."""
    read = {(row, column) for row in range(3) for column in range(4)}
    near, numeric = differenced(lambda x: np.maximum(x[:-1], x[1:]) * x[0], np.zeros(4), read)
    claim = Jacobian(numeric.jacobian.pattern, np.zeros(12))
    assert 0 < numeric.bar.max() < 1e-11
    assert names(compare(claim, numeric, np.zeros(4), near.box.y0)) == ["AGREES"] * 12
    claim.data[-1] = 1e-6
    assert names(compare(claim, numeric, np.zeros(4), near.box.y0))[-1] == "DISAGREES"


def test_without_a_claim_kinks_are_seen_and_nothing_disagrees() -> None:
    comparison = judged(lambda x: np.array([abs(x[0]), x[1] ** 2, np.sin(1e17 * x[2])]), [0.0, 3.0, 1.0], None)
    assert names(comparison) == ["KINK", "AGREES", "INCONCLUSIVE"]


def test_what_is_not_finite() -> None:
    x = [-1.0, 2.0, 800.0, np.inf, np.nan, 5.0]

    def f(x: Array) -> Array:
        return np.array([np.log(x[0]), x[1], np.exp(x[2]), x[3], x[4], x[5]])

    claims = [-1.0, np.nan, np.inf, 1.0, 1.0, 1.0]
    expected = ["NONFINITE", "NONFINITE", "OVERFLOWS", "EXCUSED", "EXCUSED", "AGREES"]
    assert names(judged(f, x, claims)) == expected
    assert names(judged(f, x, None))[2] == "NONFINITE"
    assert names(judged(f, x, [*claims[:2], -np.inf, *claims[3:]]))[2] == "NONFINITE"


@pytest.mark.parametrize(("f", "slopes"), [(np.sinh, [np.inf, np.inf]), (np.cosh, [-np.inf, np.inf])])
def test_overflow_on_the_left_as_on_the_right(f: F, slopes: list[float]) -> None:
    assert names(judged(f, [-800.0, 800.0], slopes)) == ["OVERFLOWS", "OVERFLOWS"]
    assert names(judged(f, [-800.0, 800.0], [-slopes[0], -slopes[1]]))[1] == "NONFINITE"


def test_a_tolerance_is_added_to_the_bars() -> None:
    x, truth = [1.0, 2.0], np.cos([1.0, 2.0])
    for factor, own, expected in [
        (1 + 1e-6, Tolerance(rtol=1e-5), "AGREES"),
        (1 + 1e-4, Tolerance(rtol=1e-5), "DISAGREES"),
        (1 + 1e-4, Tolerance(atol=1e-3), "AGREES"),
        (1 + 1e-2, Tolerance(atol=1e-3), "DISAGREES"),
    ]:
        assert names(judged(np.sin, x, (truth * factor).tolist(), own=own)) == [expected] * 2


def test_a_bar_too_wide_to_judge_by_is_inconclusive() -> None:
    pattern = Pattern.from_pairs(np.arange(3), np.arange(3), (3,), (3,))
    value = np.array([1.0, 1.0, 1.0])
    bar, kind = np.array([1e-5, 2e-4, 2e-4]), np.zeros(3, np.int8)
    numeric = Numeric(Jacobian(pattern, value), bar, kind, Magnitudes.of(value), DOUBLE)
    analytic = Jacobian(pattern, np.array([1.0, 1.0, 1.1]))
    comparison = compare(analytic, numeric, np.ones(3), np.ones(3))
    assert names(comparison) == ["AGREES", "INCONCLUSIVE", "DISAGREES"]
    own = Criteria(Tolerance(atol=1e-3))
    assert names(compare(analytic, numeric, np.ones(3), np.ones(3), own))[1] == "AGREES"


def test_suspects_are_those_that_differ_at_first_sight() -> None:
    first = at_first_sight(neighbourhood(np.sin, np.array([1.0, 2.0])), {(0, 0), (1, 1)})
    analytic = Jacobian(first.jacobian.pattern, np.cos([1.0, 2.0]) * [1, 1.001])
    seen = slice(None), first.jacobian.data, first.bar
    assert contradicts(lambda: analytic, DOUBLE)(*seen).tolist() == [False, True]
    assert contradicts(lambda: Jacobian(analytic.pattern, np.array([np.nan, np.nan])), DOUBLE)(*seen).all()


def test_no_entry_of_an_output_whose_inputs_are_unresolved_is_called_wrong() -> None:
    at = np.array([1.0, 2.0, 3.0])
    near, numeric = differenced(np.sin, at, {(0, 0), (1, 1), (2, 2)})
    analytic = Jacobian(numeric.jacobian.pattern, np.cos(at) * [1.1, 1.1, 1])
    comparison = compare(analytic, numeric, at, near.box.y0, Criteria(unresolved=np.array([1, 2])))
    assert names(comparison) == ["DISAGREES", "INCONCLUSIVE", "AGREES"]


def test_a_second_look_leaves_the_first_as_it_was() -> None:
    first = at_first_sight(neighbourhood(np.abs, np.array([0.0, 1.0, -2.0])), {(0, 0), (1, 1), (2, 2)})
    before = first.jacobian.data.copy(), first.bar.copy(), first.size[:]
    numeric = numeric_jacobian(first, 1000, lambda entries, value, bar: np.array([True, True, False])[entries])
    assert numeric.kinks.entries.tolist() == [0]
    assert numeric.kinks.slopes(0) == pytest.approx((-1, 1))
    after = first.jacobian.data, first.bar, first.size[:]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("offset", [1e14, 1e15, 1e16])
def test_beside_a_constant_that_hides_the_slope_nothing_passes(offset: float) -> None:
    """Last bits alone move, but of f itself: no terms of it cancel, and its slope is not known to be 0."""
    x = np.array([0.43, -0.57, 2.65])
    for factor in (1.0, 1.3, -1.0):
        report = jacinspect.inspect(lambda x: offset + np.sin(x), x, lambda x, k=factor: k * np.cos(x))
        assert report.verdict != "pass"


def test_beside_a_constant_that_hides_all_of_f_what_would_show_is_refuted() -> None:
    x = np.array([0.43, -0.57, 2.65])
    assert jacinspect.inspect(lambda x: 1e16 + np.sin(x), x, lambda x: 0 * x).verdict == "pass"
    for offset in (1e14, 1e15):  # beside which f moves, and 0 is no slope of it
        assert jacinspect.inspect(lambda x, c=offset: c + np.sin(x), x, lambda x: 0 * x).verdict != "pass"
    assert jacinspect.inspect(lambda x: 1e16 + np.sin(x), x, lambda x: 1e4 * np.cos(x)).verdict == "fail"


# --- One entry by itself: what differences say of it, and its status


@dataclass(frozen=True)
class Entry:
    """An entry ∂y/∂x for which differences show `value` ± `bar`; f moves by `size`, and has a `largest` output besides.

    On a kink, `slopes` are those to its sides; on stairs, `other` is the slope over the other scale, its bar, and
    whether the value is that over many steps.
    """

    value: float
    bar: float
    kind: int = Kind.SMOOTH
    x: float = 1.0
    y: float = 1.0
    size: float = 1.0
    largest: float = 1.0
    epsilon: float = DOUBLE
    slopes: tuple[float, float] | None = None
    other: tuple[float, float, bool] | None = None

    def numeric(self) -> Numeric:
        """The entry is the second of three of an element-wise function; the others are 0, and do not move."""
        pattern = Pattern.from_pairs(np.arange(3), np.arange(3), (3,), (3,))
        value, bar, size = np.zeros((3, 3))
        value[1], bar[1], size[1] = self.value, self.bar, self.size
        at, kind = np.array([1]), np.array([Kind.SMOOTH, self.kind, Kind.SMOOTH], np.int8)
        kinks, stairs = NO_KINKS, NO_STAIRS
        if self.slopes is not None:
            kinks = Kinks(at, *(np.array([slope]) for slope in self.slopes))
        if self.other is not None:
            stairs = Stairs(at, np.array([1e-9]), *(np.array([number]) for number in self.other))
        return Numeric(Jacobian(pattern, value), bar, kind, Magnitudes.of(size), self.epsilon, kinks, stairs)

    def status(self, claim: float | None, criteria: Criteria | None = None) -> str:
        numeric = self.numeric()
        analytic = None if claim is None else Jacobian(numeric.jacobian.pattern, np.array([0, claim, 0.0]))
        x, y = np.array([1.0, self.x, 1.0]), np.array([0.0, self.y, self.largest])
        statuses = names(compare(analytic, numeric, x, y, criteria))
        assert statuses[0] == statuses[2] == "AGREES"
        return statuses[1]


@pytest.mark.parametrize(
    ("epsilon", "off", "denied"),
    [
        (DOUBLE, 2.0**-51, False),
        (DOUBLE, 2.0**-40, True),
        (SINGLE, 2.0**-25, True),
        (HALF, 2.0**-12, False),
        (HALF, 2.0**-10, True),
    ],
)
def test_a_claim_in_half_precision_is_rounded_as_f_is(epsilon: float, off: float, denied: bool) -> None:
    pattern = Pattern.from_pairs(np.zeros(1, int), np.zeros(1, int), (1,), (1,))
    differ = contradicts(lambda: Jacobian(pattern, np.array([3 + 3 * off])), epsilon)
    assert differ(slice(None), np.array([3.0]), np.zeros(1)).tolist() == [denied]


def test_what_reads_an_operand_that_is_not_finite_is_excused_unless_it_agrees() -> None:
    at = np.array([np.nan, 2.0, 3.0])
    read = {(0, 0), (0, 1), (1, 1), (2, 0), (2, 2)}
    near, numeric = differenced(
        lambda x: np.array([x[0] * x[1], 5 * x[1], 7 * x[2] if x[0] > 0 else 8 * x[2]]), at, read
    )
    claim = Jacobian(numeric.jacobian.pattern, np.array([2.0, 3.0, 5.0, 9.0, 8.0]))
    assert names(compare(claim, numeric, at, near.box.y0)) == ["EXCUSED"] * 2 + ["AGREES", "EXCUSED", "AGREES"]


def test_only_where_f_overflows_may_a_claim_be_infinite() -> None:
    with np.errstate(over="ignore", divide="ignore"):
        assert names(judged(lambda x: np.exp(x + 2000), [-1000.0, -900.0], [np.inf, -np.inf])) == ["OVERFLOWS"] * 2
        assert names(judged(np.exp, [709.79], None)) == ["NONFINITE"]
        assert names(judged(lambda x: 1 / x**2, [0.0], [0.0])) == ["NONFINITE"]
    assert names(judged(np.array, [3.0, -4.0], [3.0, 4.0])) == ["DISAGREES"] * 2  # as f(x) is, which is finite
    assert names(judged(np.array, [3.0, -4.0], [np.inf, -np.inf])) == ["NONFINITE"] * 2


@pytest.mark.parametrize("bad", [(np.nan, 0.0), (0.0, np.nan), (np.inf, np.inf)])
def test_no_value_and_no_bar_is_no_evidence(bad: tuple[float, float]) -> None:
    for kind in (Kind.SMOOTH, Kind.UNRESOLVED):
        assert {Entry(*bad, kind).status(claim) for claim in (None, 0.0, 1.0)} == {"INCONCLUSIVE"}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("factor", [1.0, -1.0, 100.0])
def test_beside_steps_at_which_f_is_infinite_no_claim_passes_that_is_wrong(factor: float) -> None:
    """Log(1 - sigmoid(x)) is -inf from 37 on, and so is its slope at first sight: any claim agreed with that."""

    def sigmoid(x: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-x)))

    report = jacinspect.inspect(lambda x: np.log(1 - sigmoid(x)), [30.0], lambda x: -factor * sigmoid(x))
    assert report.verdict != ("fail" if factor == 1 else "pass")


def test_what_is_unresolved_neither_agrees_nor_disagrees() -> None:
    unresolved = Entry(1.0, 1e-9, Kind.UNRESOLVED)
    assert {unresolved.status(claim) for claim in (None, 1.0, 2.0)} == {"INCONCLUSIVE"}


# --- Out of reach


@pytest.mark.parametrize(("epsilon", "far"), [(DOUBLE, 2.0**44), (SINGLE, 2.0**19)])
def test_nothing_is_wrong_where_numbers_are_too_far_apart_to_follow_f(epsilon: float, far: float) -> None:
    assert Entry(1.0, 1e-9, x=far, epsilon=epsilon).status(2.0) == "OUT_OF_REACH"
    assert Entry(1.0, 1e-9, x=-far, epsilon=epsilon).status(1.0) == "AGREES"
    assert Entry(1.0, 1e-9, x=far / 2, epsilon=epsilon).status(2.0) == "DISAGREES"


def test_without_a_claim_a_slope_so_far_away_is_not_relied_on_unless_f_stands_still() -> None:
    assert names(judged(lambda x: x * [1, 1, 0], [2.0**44, 2.0**43, 2.0**44], None)) == [
        "OUT_OF_REACH",
        "AGREES",
        "AGREES",
    ]
    assert Entry(0.0, 1.0, Kind.UNRESOLVED, x=2.0**44).status(None) == "OUT_OF_REACH"


@pytest.mark.parametrize(
    ("entry", "shown"),  # f stands still: up to which slope, nothing would be seen of it
    [
        (Entry(0.0, 0.0, x=0.0), 4 * DOUBLE),  # last bits of 1,
        (Entry(0.0, 0.0, x=0.0, largest=100.0), 400 * DOUBLE),  # or of the largest output,
        (Entry(0.0, 0.0, x=-1e-3, y=5.0), 5e3 * DOUBLE),  # or within |x| that of f,
        (Entry(0.0, 0.0, x=-1e-3, y=-5.0, epsilon=SINGLE), 5e3 * SINGLE),
        (Entry(0.0, 0.0, x=-8.0, size=2.0**60), 2.0**8),  # or of what f moves by over a unit of x:
        (Entry(0.0, 0.0, x=1e-3, size=2.0**60), 2.0**8 * 1e3),
        (Entry(0.0, 0.0, x=1e-12, size=2.0**60), 1e-6 * 2.0**60),  # if the slope is faint beside that,
        (Entry(0.0, 0.0, x=-10.0, y=0.0, size=2.0**-60), 1e-6 * 2.0**-60),  # as it may be of what was scaled down
    ],
)
def test_a_slope_that_would_not_move_the_last_bit_is_out_of_reach(entry: Entry, shown: float) -> None:
    assert entry.status(shown * 0.99) == "OUT_OF_REACH"
    assert entry.status(-shown * 1.01) == "DISAGREES"


@pytest.mark.parametrize(("size", "value"), [(1.0, 0.9 * DOUBLE), (1e6, 0.9 * DOUBLE), (1e-9, 0.9e-9 * DOUBLE)])
def test_what_a_claim_of_0_has_lost_to_cancellation_is_out_of_reach(size: float, value: float) -> None:
    """As sigmoid(x) - 1 at x = 50: the last bit of 1, or of what f moves by if that is less."""
    assert Entry(-value, 1e-9 * value, size=size).status(0.0) == "OUT_OF_REACH"
    assert Entry(-2 * value, 1e-9 * value, size=size).status(0.0) == "DISAGREES"
    assert Entry(-value, 1e-9 * value, size=size).status(0.1 * value) == "DISAGREES"


def test_what_a_claim_has_lost_to_underflow_is_out_of_reach() -> None:
    assert Entry(3e-308, 0.0, size=0.0).status(1e-308) == "OUT_OF_REACH"
    assert Entry(5e-308, 0.0, size=0.0).status(1e-308) == "DISAGREES"


# --- Kinks and jumps


def test_on_a_jump_claims_between_the_slopes_of_its_sides_agree() -> None:
    def f(x: Array) -> Array:
        return np.where(x < 1, 2 * x, 3 * x + 5)

    with np.errstate(all="ignore"):
        assert names(judged(f, [1.0], None)) == ["KINK"]
        assert [names(judged(f, [1.0], [claim])) for claim in (0.0, 3.0, 3.5)] == [["KINK"], ["KINK"], ["DISAGREES"]]


def test_the_middle_of_two_slopes_is_no_derivative_where_kinks_are_refused() -> None:
    """Of |x| the middle is 0, which is no slope too small to be seen."""
    assert names(judged(np.abs, [0.0], [0.0], strict=True)) == ["DISAGREES"]


@pytest.mark.parametrize(
    ("x", "claim", "status"),
    [
        (1e-300, 2.0, "INCONCLUSIVE"),
        (-1e-300, 2.0, "INCONCLUSIVE"),
        (1e-300, 0.5, "KINK"),
        (0.0, 2.0, "DISAGREES"),
        (1e-280, 2.0, "DISAGREES"),
    ],
)
def test_f_may_bend_closer_to_a_tiny_operand_than_any_step(x: float, claim: float, status: str) -> None:
    assert Entry(0.0, 1e-12, Kind.KINK, x=x, slopes=(1.0, -1.0)).status(claim) == status
    assert Entry(1.0, 1e-12, x=x).status(claim) == "DISAGREES"


# --- Stairs


@pytest.mark.parametrize(
    ("other", "bar", "over_many", "claim", "status"),
    [
        (7.0, 1e-6, False, 1.0, "INCONCLUSIVE"),  # of the slope between two steps, if that over many is known
        (7.0, 1.0, False, 1.0, "AGREES"),
        (1.5, 0.6, False, 1.0, "AGREES"),
        (7.0, 1e-6, False, 7.0, "INCONCLUSIVE"),  # of the slope over many steps, in place of that between two
        (7.0, 1e-6, False, 6.5, "DISAGREES"),
        (7.0, 1e-6, True, 1.0, "AGREES"),  # the value is that over many
        (7.0, 1e-6, True, 7.0, "INCONCLUSIVE"),
        (7.0, 1e-6, True, 6.5, "DISAGREES"),
        (1.0, 1e-6, False, 1.0, "AGREES"),
        (7.0, 1e-6, False, None, "INCONCLUSIVE"),
        (7.0, 1.0, False, None, "INCONCLUSIVE"),
        (7.0, 1e-6, True, None, "AGREES"),
    ],
)
def test_the_slope_of_one_scale_alone_neither_agrees_nor_disagrees(
    other: float, bar: float, over_many: bool, claim: float | None, status: str
) -> None:
    assert Entry(1.0, 1e-6, other=(other, bar, over_many)).status(claim) == status


def test_a_tolerance_is_added_to_the_bar_of_the_other_scale() -> None:
    entry = Entry(1.0, 1e-6, other=(7.0, 1e-6, False))
    assert entry.status(6.9) == "DISAGREES"
    assert entry.status(6.9, Criteria(Tolerance(atol=0.2))) == "INCONCLUSIVE"


# --- Wide bars


@pytest.mark.parametrize(
    ("entry", "widest"),
    [
        (Entry(2.0, 0.0, size=0.0), 2e-4),
        (Entry(0.5, 0.0, size=2.0), 0.5e-4),
        (Entry(0.0, 0.0, size=2.0), 2e-6),
        (Entry(2.0, 0.0, size=0.0, epsilon=SINGLE), 2.0**-7),
        (Entry(0.0, 0.0, size=2.0, epsilon=SINGLE), 2e-4),
        (Entry(2.0, 0.0, size=0.0, epsilon=HALF), 2.0**-5),
        (Entry(0.1, 0.0, size=2.0, epsilon=HALF), 2.0**-5),
        (Entry(0.0, 0.0, size=0.0, y=0.5, largest=0.25, epsilon=HALF), 2.0**-22),  # 8 · 2⁻²⁴ of the largest output
        (Entry(1e-9, 0.0, size=0.0, largest=1.0, epsilon=HALF), 2.0**-6 * 1e-9),
        (Entry(2.0, 0.0, size=2.0, other=(2.0, 1.0, True)), 2.0**-5),
        (Entry(2.0, 0.0, size=2.0, other=(2.0, 1.0, False)), 2e-4),
        (Entry(0.0, 0.0, size=2.0, other=(2.0, 1.0, False)), 2e-4),
        (Entry(0.0, 0.0, size=2.0, other=(2.0, 1.0, True)), 2e-4),
    ],
)
def test_how_wide_a_bar_may_be(entry: Entry, widest: float) -> None:
    for bar, expected in ((0.99 * widest, "AGREES"), (1.01 * widest, "INCONCLUSIVE")):
        assert replace(entry, bar=bar).status(entry.value) == expected


@pytest.mark.parametrize(("value", "claim"), [(0.0, 2.0**-24), (2.0**-24, 0.0), (0.0, 0.0)])
def test_a_bar_of_what_half_precision_has_no_numbers_for_is_narrow_for_a_0_alone(value: float, claim: float) -> None:
    entry = Entry(value, 2.0**-23, size=0.0, epsilon=HALF)
    assert entry.status(claim) == ("INCONCLUSIVE" if value or claim else "AGREES")


@pytest.mark.parametrize(("value", "size"), [(2.0, 0.1), (0.1, 2.0)])
def test_bars_that_known_noise_makes_are_accepted_up_to_the_slope(value: float, size: float) -> None:
    noisy = Criteria(noise=True)
    assert Entry(value, 1.9, size=size).status(value) == "INCONCLUSIVE"
    assert Entry(value, 1.9, size=size).status(value, noisy) == "AGREES"
    assert Entry(value, 2.2, size=size).status(value, noisy) == "INCONCLUSIVE"


# --- Zeros where terms cancel

FEW = 2.0**10 * DOUBLE * 1000  # last bits of the largest output, 1000
CANCELLED = Entry(0.0, 0.9 * FEW, y=0.5, size=0.0, largest=1000.0)


@pytest.mark.parametrize("kind", [Kind.SMOOTH, Kind.UNRESOLVED])
@pytest.mark.parametrize("value", [0.0, -0.5 * FEW])
def test_a_claim_of_0_agrees_where_last_bits_of_what_cancels_move_alone(kind: int, value: float) -> None:
    cancelled = replace(CANCELLED, kind=kind, value=value)
    assert cancelled.status(0.0) == "AGREES"
    assert cancelled.status(0.5 * FEW if value == 0 else 0.0) == "AGREES"
    assert cancelled.status(3 * FEW) == "INCONCLUSIVE" if kind == Kind.UNRESOLVED else "DISAGREES"
    assert replace(cancelled, bar=1.1 * FEW).status(0.0) == "INCONCLUSIVE"  # more than last bits
    assert replace(cancelled, y=1.1).status(0.0) == "INCONCLUSIVE"  # too large to be what is left of terms
    assert replace(cancelled, x=-2.0).status(0.0) == "INCONCLUSIVE"  # last bits per unit of x are half as many
    assert replace(cancelled, value=2 * FEW).status(2 * FEW) == "INCONCLUSIVE"  # no zero


@pytest.mark.parametrize("claim", [None, 0.0])
@pytest.mark.parametrize(
    ("other", "bar", "status"),
    [(0.4 * FEW, 0.5 * FEW, "AGREES"), (2 * FEW, 0.5 * FEW, "INCONCLUSIVE"), (0.0, 2 * FEW, "INCONCLUSIVE")],
)
def test_on_stairs_last_bits_alone_move_at_both_scales(
    claim: float | None, other: float, bar: float, status: str
) -> None:
    assert replace(CANCELLED, other=(other, bar, False)).status(claim) == status
