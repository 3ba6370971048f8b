from collections.abc import Callable
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
from tests.oracles import Array, Pairs

EPSILON = 2.0**-52
F = Callable[[Array], Any]


def neighbourhood(f: F, x: Array) -> Neighbourhood:
    box = BlackBox(f, x)
    return Neighbourhood(box, x, EPSILON, rounding_noise(box, x))


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
    np.testing.assert_allclose(comparison.difference(slice(None)), np.abs(off - truth), atol=1e-12)
    assert (comparison.ratio(slice(None)) > 1).tolist() == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("claim", "lenient", "strict"),
    [
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


def test_on_a_kink_the_difference_is_to_the_nearer_slope() -> None:
    assert judged(np.abs, [0.0], [-3]).difference(slice(None)) == pytest.approx([2])
    assert judged(np.abs, [0.0], [1.5]).difference(slice(None)) == pytest.approx([0.5])
    assert judged(np.abs, [0.0], [0.9]).difference(slice(None)) == pytest.approx([0])


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
    numeric = Numeric(Jacobian(pattern, value), bar, kind, Magnitudes.of(value), EPSILON)
    analytic = Jacobian(pattern, np.array([1.0, 1.0, 1.1]))
    comparison = compare(analytic, numeric, np.ones(3), np.ones(3))
    assert names(comparison) == ["AGREES", "INCONCLUSIVE", "DISAGREES"]
    own = Criteria(Tolerance(atol=1e-3))
    assert names(compare(analytic, numeric, np.ones(3), np.ones(3), own))[1] == "AGREES"


def test_suspects_are_those_that_differ_at_first_sight() -> None:
    first = at_first_sight(neighbourhood(np.sin, np.array([1.0, 2.0])), {(0, 0), (1, 1)})
    analytic = Jacobian(first.jacobian.pattern, np.cos([1.0, 2.0]) * [1, 1.001])
    seen = slice(None), first.jacobian.data, first.bar
    assert contradicts(lambda: analytic, EPSILON)(*seen).tolist() == [False, True]
    assert contradicts(lambda: Jacobian(analytic.pattern, np.array([np.nan, np.nan])), EPSILON)(*seen).all()


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
