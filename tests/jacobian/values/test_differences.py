"""Error bars against the truth, one number at a time: value ± bar, where a bar that lies is the worst that can be."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import jacinspect
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.values.differences import doubtful, first_pass, last_step
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.first_look import first_look
from jacinspect.jacobian.values.ladder import ladder
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.noise import rounding_noise, significant_epsilon
from jacinspect.jacobian.values.numeric import Numeric, numeric_jacobian
from jacinspect.jacobian.values.stencil import Kind, Stencil, step_scale
from tests.lines import DOUBLE, SINGLE, stencil_of
from tests.oracles import Array

F = Callable[[Array], Any]
Truth = Callable[[Any], Any]


def measured(f: F, x: Array, epsilon: float = DOUBLE, calls: int = 10_000) -> Numeric:
    """An element-wise function's derivatives at all entries of x."""
    box = BlackBox(f, x)
    index = np.arange(x.size)
    pattern = Pattern.from_pairs(index, index, x.shape, x.shape)
    colors, number = color_columns(pattern.rows, pattern.indices, x.size)
    near = Neighbourhood(box, x, epsilon, rounding_noise(box, x))
    return numeric_jacobian(first_look(near, pattern, colors, number), calls)


DECADES = [10.0**k for k in range(-8, 9)]

# name: (function, derivative at 60 digits, points)
SMOOTH: dict[str, tuple[F, Truth, list[float]]] = {
    "sin": (np.sin, mpmath.cos, [*DECADES[:13], -3e-5, 0.1, -2.5, 7.0, 30.0, -100.0, 12345.678]),
    "sin(40x)": (lambda x: np.sin(40 * x), lambda x: 40 * mpmath.cos(40 * x), list(np.linspace(-5, 5.3, 100))),
    "sin far out": (np.sin, mpmath.cos, [1e5, 3.3e6, -1e7, 1e8, 1e8 + 1.5, -7.7e7]),
    "cos": (np.cos, lambda x: -mpmath.sin(x), [1e-8, 1e-4, 0.5, 3.0, -40.0, 1e4, 1e8]),
    "exp": (np.exp, mpmath.exp, [1e-8, -0.3, 1.0, 5.0, -20.0, 100.0, 500.0, -300.0, 700.0]),
    "tanh": (np.tanh, lambda x: mpmath.sech(x) ** 2, [*DECADES, 0.5, -2.0, 5.0, -18.0, 30.0]),
    "square": (np.square, lambda x: 2 * x, [0.0, *DECADES, -1e-3, 33.0, -1e5]),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, [0.0, *DECADES, -1e-3, 33.0, -1e5]),
    "1/x": (np.reciprocal, lambda x: -1 / x**2, [*DECADES, -1e-6, -0.3, 50.0, -1e4]),
    "pole at 1": (lambda x: 1 / (x - 1), lambda x: -1 / (x - 1) ** 2, [1.001, 0.99, 1.1, -3.0, 1.00001, 40.0, 1e6]),
    "log": (np.log, lambda x: 1 / x, [*DECADES, 0.5, 3.0]),
    "sqrt": (np.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x)), [*DECADES, 0.5, 2.0]),
    "log1p": (np.log1p, lambda x: 1 / (1 + x), [0.0, 1e-8, -0.5, -0.99, 3.0, 1e8]),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x), [*DECADES, 0.3, -2.0, 50.0]),
    "gauss": (lambda x: np.exp(-x * x), lambda x: -2 * x * mpmath.exp(-x * x), [0.0, 1e-8, 0.7, -1.5, 3.0, 6.0, -26.0]),
    "steep tanh": (
        lambda x: np.tanh(1e4 * x),
        lambda x: 1e4 * mpmath.sech(1e4 * x) ** 2,
        [0.0, 1e-8, 3e-5, -1e-4, 1e-3, 0.5],
    ),
    "steep sigmoid": (
        lambda x: 1 / (1 + np.exp(-1e3 * x)),
        lambda x: 1e3 / (2 + mpmath.exp(1e3 * x) + mpmath.exp(-1e3 * x)),
        [1e-8, 1e-3, -5e-3, 0.01, 0.2],
    ),
    "large": (lambda x: 1e200 * np.sin(x), lambda x: mpf(1e200) * mpmath.cos(x), [1e-8, 0.5, 3.0, 20.0]),
    "small": (lambda x: 1e-200 * np.sin(x), lambda x: mpf(1e-200) * mpmath.cos(x), [1e-8, 0.5, 3.0, 20.0]),
    "line": (lambda x: 3 * x + 7, lambda x: mpf(3), [0.0, 1e-8, 1.0, -7 / 3, 1e8, -1e5]),
    "power": (lambda x: np.abs(x) ** 2.5, lambda x: mpf(2.5) * x**1.5, [1e-8, 1e-4, 0.5, 3.0, 1e4]),
    "quartic": (lambda x: (x * x - 1) ** 2, lambda x: 4 * x * (x * x - 1), [0.0, 0.9, -0.7, 1.2, 30.0]),
    "sin(1/x)": (
        lambda x: np.sin(1 / x),
        lambda x: -mpmath.cos(1 / x) / x**2,
        [0.003, 0.01, -0.02, 0.1, 0.5, 3.0, 100.0],
    ),
    "sum of scales": (
        lambda x: np.sin(x) + 1e-3 * np.sin(300 * x),
        lambda x: mpmath.cos(x) + mpf(0.3) * mpmath.cos(300 * x),
        list(np.linspace(-3, 3.3, 40)),
    ),
}


def judged(name: str, epsilon: float = DOUBLE, single: bool = False) -> list[tuple[float, float, float, bool]]:
    """(point, error, bar, conclusive) at each of a function's points."""
    f, derivative, points = SMOOTH[name]
    x = np.array(points, np.float32).astype(np.float64) if single else np.array(points)
    wrapped = (lambda x: np.asarray(f(x)).astype(np.float32)) if single else f
    numeric = measured(wrapped, x, epsilon)
    value, bar, results = numeric.jacobian.data, numeric.bar, []
    sizes = numeric.size[:].tolist()
    for k, at in enumerate(x.tolist()):
        with mpmath.workdps(60):
            truth = derivative(mpf(at))
            error = float(abs(mpf(float(value[k])) - truth)) if np.isfinite(value[k]) else float("nan")
            large = max(float(abs(truth)), sizes[k], 1e-307)
        conclusive = bool(numeric.kind[k] == Kind.SMOOTH and bar[k] <= 1e-4 * large)
        results.append((at, error, float(bar[k]), conclusive))
    return results


def slack(name: str, at: float) -> float:
    """The derivative's own rounding, 4ε of it, which the comparison allows too."""
    with mpmath.workdps(60):
        return 4 * DOUBLE * float(abs(SMOOTH[name][1](mpf(at)))) + 5e-324


def test_the_bars_cover_the_truth_in_double_precision() -> None:
    false: list[tuple[str, float, float, float]] = []
    relative, total, open_ = [], 0, 0
    for name in SMOOTH:
        for at, error, bar, conclusive in judged(name):
            total += 1
            # from 5e7 on the rounding of x leaves a sine fewer digits than a verdict needs
            open_ += not conclusive and not (name in ("sin far out", "cos") and abs(at) > 5e7)
            if conclusive:
                if not error <= bar + slack(name, at):
                    false.append((name, at, error, bar))
                with mpmath.workdps(60):
                    size = float(abs(SMOOTH[name][1](mpf(at))))
                relative.append(error / size if size else 0.0)
    assert total >= 200
    assert not false  # a confident wrong number accuses a correct derivative
    assert np.median(relative) <= 1e-12
    assert open_ <= 0.01 * total, f"{open_} of {total}"


def test_the_bars_cover_the_truth_of_functions_that_compute_in_single_precision() -> None:
    covered = total = open_ = 0
    for name in SMOOTH:
        if name in ("large", "small"):  # beyond the range of float32
            continue
        for at, error, bar, conclusive in judged(name, SINGLE, single=True):
            if not np.isfinite(error) or not np.isfinite(float(np.float32(SMOOTH[name][0](np.array(at))))):
                continue
            total += 1
            open_ += not conclusive
            covered += not conclusive or error <= bar + slack(name, at)
    assert total >= 200
    assert covered >= 0.995 * total, f"{covered} of {total}"


CANCELLING: list[tuple[F, Truth, float]] = [
    (lambda x: 1 - np.cos(x), mpmath.sin, 1e-3),
    (lambda x: (x * x - 1) ** 2, lambda x: 4 * x * (x * x - 1), 1.0),
    (lambda x: np.log(np.exp(x) / (np.exp(x) + 1)), lambda x: 1 / (1 + mpmath.exp(x)), 12.0),
    (lambda x: (x + 1e3) - 1e3, lambda x: mpf(1), 1e-3),
    (lambda x: np.exp(x) - 1 - x, lambda x: mpmath.expm1(x), 1e-4),
]


def uncovered(cases: list[tuple[F, Truth, float]]) -> list[float]:
    """List the points at which a confident number lies outside its bar."""
    false = []
    for f, derivative, around in cases:
        x = around * np.random.default_rng(0).uniform(0.5, 1.5, 40)
        numeric = measured(f, x)
        for k, at in enumerate(x.tolist()):
            with mpmath.workdps(60):
                error = abs(mpf(float(np.nan_to_num(numeric.jacobian.data[k]))) - derivative(mpf(at)))
            if numeric.kind[k] == Kind.SMOOTH and error > numeric.bar[k] + 1e-15:
                false.append(at)
    return false


def test_the_bars_cover_the_truth_of_functions_that_cancel_inside() -> None:
    assert not uncovered(CANCELLING)


def test_the_bars_cover_the_truth_where_all_digits_are_lost() -> None:
    naive_log_sigmoid, derivative, _ = CANCELLING[2]
    assert not uncovered([(naive_log_sigmoid, derivative, 30.0)])


def test_noise_of_f_is_in_the_bar_as_well_by_the_sides_that_it_moves_apart() -> None:
    """The change of the central slope alone is small by chance: of 20,000 slopes 6,800 were off by more than a bar."""
    x = np.random.default_rng(0).uniform(0.5, 2, 20_000)
    found = first_pass(stencil_of(lambda x: np.sin(x) + 1e-11 * np.sin(1e9 * x * x), x))
    assert np.count_nonzero(np.abs(found.value - np.cos(x)) > found.bar) < 0.06 * x.size


def test_where_the_first_pass_has_no_doubt_it_is_right() -> None:
    x = np.linspace(-3, 3.1, 500)
    stencil = stencil_of(np.sin, x)
    box, first = stencil.box, first_pass(stencil)
    assert box.evaluations == 2 + 6
    assert first.closing.all()
    assert not doubtful(first.value, first.bar, np.abs(box.y0), step_scale(x), DOUBLE).any()
    assert np.all(np.abs(first.value - np.cos(x)) <= first.bar)
    assert np.median(first.bar) <= 1e-11


@pytest.mark.parametrize("steeper", [1, -1])
def test_the_size_of_f_is_what_it_moves_by_to_either_side(steeper: int) -> None:
    first = first_pass(stencil_of(lambda x: np.where(steeper * x > 0, 5 * x, x), np.zeros(1)))
    assert first.size[:].tolist() == pytest.approx([5 * last_step(DOUBLE)], rel=0.02)


@pytest.mark.parametrize(
    ("value", "bar", "size", "unit", "again"),
    [
        (1.0, 5e-9, 0.0, 1.0, False),
        (1.0, 5e-8, 0.0, 1.0, True),
        (1.0, 5e-9, 0.0, 2.0**21, True),  # whole waves of f fit between two steps
        (0.0, 5e-9, 1.0, 1.0, False),
        (0.0, 1e-310, 0.0, 1.0, False),
        (np.nan, 0.0, 1.0, 1.0, True),
        (1.0, np.nan, 1.0, 1.0, True),
        (-np.inf, np.inf, 1.0, 1.0, True),  # log(1 - sigmoid(30)) is -inf from 37 on
    ],
)
def test_a_bar_is_wide_against_the_derivative_or_what_f_moves_by(
    value: float, bar: float, size: float, unit: float, again: bool
) -> None:
    found: list[bool] = doubtful(
        np.array([value]), np.array([bar]), np.array([size]), np.array([unit]), DOUBLE
    ).tolist()
    assert found == [again]


# --- Kinks, jumps and what cannot be resolved -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at"),
    [(np.sin, 1e17), (np.sin, 3e19), (lambda x: np.sin(1e12 * x), 1.0), (lambda x: np.sin(1e9 * x**2), 1e4)],
)
def test_what_no_step_resolves_is_not_given_a_number(f: F, at: float) -> None:
    numeric = measured(f, np.array([at]))
    assert numeric.kind.tolist() == [Kind.UNRESOLVED]


def test_an_infinite_slope_is_not_given_a_number() -> None:
    assert measured(np.cbrt, np.array([0.0])).kind.tolist() != [Kind.SMOOTH]
    assert measured(lambda x: np.sqrt(np.abs(x)), np.array([0.0])).kind.tolist() != [Kind.SMOOTH]


# --- What surrounds the numbers ---------------------------------------------------------------------------------------


def test_every_entry_is_judged_by_itself() -> None:
    """A kink, a jump, a hopeless oscillation and smooth neighbours, in one array."""

    def f(x: Array) -> Array:
        parts = [np.abs(x[0]), np.sign(x[1]), np.sin(1e17 * x[2]), np.log(x[3]), np.exp(x[4]), x[5] ** 2]
        return np.array(parts)

    numeric = measured(f, np.array([0.0, 0.0, 1.0, -1.0, 0.5, 3.0]))
    assert numeric.kind[:4].tolist() == [Kind.KINK, Kind.JUMP, Kind.UNRESOLVED, Kind.NONFINITE]
    assert numeric.kind[4:].tolist() == [Kind.SMOOTH, Kind.SMOOTH]
    assert numeric.kinks.entries.tolist() == [0, 1]
    np.testing.assert_allclose(numeric.jacobian.data[4:], [np.exp(0.5), 6.0], rtol=1e-10)


def test_calls_that_have_run_out_leave_entries_unresolved() -> None:
    numeric = measured(np.abs, np.array([0.0, 1.0]), calls=0)
    assert numeric.kind.tolist() == [Kind.UNRESOLVED, Kind.SMOOTH]


def test_noise_that_is_named_widens_the_bars() -> None:
    """f is off by a pattern of relative size 1e-7: bars that know it hold, and where nobody names it, nearly all do."""

    def noisy(x: Array) -> Array:
        return np.sin(x) * (1 + 1e-7 * np.sin(1e13 * x))

    x = np.linspace(0.2, 1.3, 200)
    for epsilon, share in ((1e-7, 1.0), (1e-10, 0.0)):
        numeric = measured(noisy, x, epsilon)
        smooth = numeric.kind == Kind.SMOOTH
        off = np.abs(numeric.jacobian.data - np.cos(x)) > numeric.bar
        if share == 1.0:
            assert smooth.all()
            assert not off.any()
        else:
            assert np.count_nonzero(off | ~smooth) <= 5


def test_nothing_warns() -> None:
    with np.errstate(all="raise"):
        for f in (np.exp, np.log, np.reciprocal, np.square, lambda x: np.sign(x) * 1e308):
            with np.errstate(all="ignore"):
                x = np.array([0.0, -0.0, 1e308, -1e308, 5e-324, 1e-300, 800.0, np.inf, np.nan])
            measured(f, x)


def test_along_a_direction_slopes_are_by_the_step() -> None:
    x, v = np.array([0.5, 2.0, -1.0]), np.array([0.3, -0.7, 2.0])

    def f(x: Array) -> Array:
        return np.array([x[0] * x[1], np.sin(x[2]) + x[0], 5.0])

    box = BlackBox(f, x)
    stencil = Stencil(box, x, v, slice(None), None, box.y0, DOUBLE)
    truth = [0.3 * 2.0 + 0.5 * -0.7, np.cos(-1.0) * 2.0 + 0.3, 0.0]
    for estimate in (first_pass(stencil), ladder(stencil, Doubts(all=True))):
        assert np.all(np.abs(estimate.value - truth) <= estimate.bar)
        assert np.all(estimate.bar <= 1e-8)
    part = ladder(stencil.subset(np.array([1])), Doubts(all=True))
    assert abs(part.value[0] - truth[1]) <= part.bar[0]


@pytest.mark.parametrize("x", [[0.0], [-0.0, 1e-300, 0.5, -1.0], [3.0, -1e300, np.inf, -np.inf, np.nan]])
def test_steps_are_taken_in_units_of_the_larger_of_1_and_x(x: list[float]) -> None:
    expected = [abs(at) if np.isfinite(at) and abs(at) > 1 else 1.0 for at in x]
    assert step_scale(np.array(x)).tolist() == expected


@pytest.mark.parametrize(
    ("f", "single"),
    [
        (lambda x: 0.7 * np.sin(x.astype(np.float32)).astype(np.float64), True),
        (lambda x: np.float64(np.pi) * (x.astype(np.float32) ** 2).astype(np.float64), True),
        (np.sin, False),
        (np.exp, False),
        (lambda x: 1 / (1 + np.exp(-x)), False),
        (lambda x: x * 1e-3 + 5, False),
        (np.floor, False),
        (lambda x: 0 * x + 1 / 3, False),
    ],
)
@pytest.mark.parametrize("at", [[0.3, -1.7, 2.2], [345.9, -12.5], [1e-4, 3e-3, -0.02]])
def test_single_precision_inside_is_seen_through_a_scale(f: F, single: bool, at: list[float]) -> None:
    x = np.array(at)
    assert (significant_epsilon(BlackBox(f, x), x) > 1e-10) == single


@pytest.mark.parametrize(
    ("f", "at", "over_many"),
    [
        (lambda x: (x + 1e12) - 1e12, 2e-5, "pass"),
        (np.floor, 1e8 + 1 / 3, "inconclusive"),
    ],
)
def test_on_a_staircase_no_slope_is_called_the_slope(f: F, at: float, over_many: str) -> None:
    """But that over many steps, where it is known to some digits, which J014 then says."""
    report = jacinspect.inspect(f, np.array([at]), np.ones_like)
    assert report.verdict == over_many
    assert ("J014" in {each.code for each in report.findings}) == (over_many == "pass")
    assert jacinspect.inspect(f, np.array([at]), lambda x: 1.01 * np.ones_like(x)).verdict != "pass"
    assert jacinspect.inspect(f, np.array([at]), np.zeros_like).verdict == "inconclusive"


LOST: list[tuple[F, F, Array]] = [
    (lambda x: 1 - np.cos(x), np.sin, np.logspace(-11, -1, 11)),
    (lambda x: np.exp(x) - 1 - x, np.expm1, np.logspace(-11, -1, 21)),
    (lambda x: np.log(1 + x) - x, lambda x: -x / (1 + x), np.logspace(-11, -1, 21)),
    (lambda x: np.sqrt(1 + x * x) - 1, lambda x: x / np.sqrt(1 + x * x), np.logspace(-11, -1, 11)),
    (lambda x: np.log(1 + x * x), lambda x: 2 * x / (1 + x * x), np.logspace(-11, -1, 11)),
    (lambda x: x - np.sin(x), lambda x: 2 * np.sin(x / 2) ** 2, np.logspace(-9, -1, 11)),
    (lambda x: np.log(1 + np.exp(-x)), lambda x: -1 / (1 + np.exp(x)), np.linspace(20, 60, 11)),
    (lambda x: 1 - np.tanh(x), lambda x: -1 / np.cosh(x) ** 2, np.linspace(10, 40, 11)),
    (lambda x: 1 / (1 + np.exp(-x)) - 1, lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, np.linspace(20, 60, 11)),
    (
        lambda x: np.sqrt(x * x + 1) - x,
        lambda x: -1 / (np.sqrt(x * x + 1) * (np.sqrt(x * x + 1) + x)),
        np.logspace(0, 12, 13),
    ),
]


@pytest.mark.parametrize("case", range(len(LOST)))
def test_a_right_derivative_of_what_has_lost_its_digits_is_not_accused(case: int) -> None:
    f, df, points = LOST[case]
    verdicts = [jacinspect.inspect(f, [x], df).verdict for x in points]
    assert "fail" not in verdicts
    assert "pass" in verdicts


def test_what_has_lost_some_of_its_digits_still_tells_a_wrong_derivative() -> None:
    for x in (1e-10, 1e-6, 1e-3):
        assert jacinspect.inspect(lambda x: 1 - np.cos(x), [x], lambda x: 1.1 * np.sin(x)).verdict == "fail"
    f = lambda x: np.log(np.exp(x) / (np.exp(x) + 1))  # noqa: E731
    for claim in (np.ones_like, np.zeros_like, lambda x: 2 / (1 + np.exp(x))):
        assert jacinspect.inspect(f, [31.0], claim).verdict == "fail"


@pytest.mark.parametrize(
    ("f", "error"), [(np.cosh, 2e-6), (lambda x: 3 + np.cos(x), 1e-5), (lambda x: 10 + x**2, 3e-4)]
)
def test_where_f_is_even_it_is_not_taken_for_single_precision(f: F, error: float) -> None:
    assert jacinspect.inspect(f, np.zeros((2, 3)), lambda x: np.zeros(x.shape) + error).verdict == "fail"


def test_what_takes_float32_alone_is_held_against_directions() -> None:
    def f(x: Array) -> Array:
        if x.dtype != np.float32:
            raise TypeError("float32 is needed")
        return np.tanh(x)

    x = np.array([0.5, -1.0, 2.0], np.float32)
    claim = np.diag(1 - np.tanh(x) ** 2)
    assert jacinspect.inspect(f, x, lambda x: claim).verdict == "pass"
    claim[0, 1] = 0.5
    assert jacinspect.inspect(f, x, lambda x: claim).verdict == "fail"


def of_many(f: F, x: Array) -> Numeric:
    """The gradient of a sum of f over all of many entries, which takes three values for each."""
    box = BlackBox(lambda x: np.asarray(f(x).sum()), x)
    pattern = Pattern.from_pairs(np.zeros(x.size, np.int64), np.arange(x.size), (), x.shape)
    near = Neighbourhood(box, x, DOUBLE, rounding_noise(box, x))
    return numeric_jacobian(first_look(near, pattern, *color_columns(pattern.rows, pattern.indices, x.size)), 10_000)


@pytest.mark.parametrize("power", [2, 3])
@pytest.mark.parametrize("faint", [1.0, 1e-2, 1e-4])
def test_three_values_have_a_bar_that_holds_beside_a_joint(power: int, faint: float) -> None:
    """The second or third derivative leaps between the steps, at any of their places."""
    x = np.linspace(0.1, 0.9, 60)
    joints = x + np.linspace(-3e-4, 3e-4, 60)
    numeric = of_many(lambda x: np.exp(x) / 60 + faint * np.maximum(x - joints, 0) ** power, x)
    truth = np.exp(x) / 60 + faint * power * np.maximum(x - joints, 0) ** (power - 1)
    assert np.all(np.abs(numeric.jacobian.data - truth) <= numeric.bar)
    assert (numeric.kind == Kind.SMOOTH).all()


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "arctan", "gauss", "log1p", "quartic", "sin(1/x)"])
def test_three_values_have_a_bar_that_holds(name: str) -> None:
    f, derivative, _ = SMOOTH[name]
    x = np.random.default_rng(0).uniform(0.05, 2.5, 40)
    numeric = of_many(lambda x: np.asarray(f(x)), x)
    with mpmath.workdps(30):
        truth = np.array([float(derivative(mpf(at))) for at in x.tolist()])
    error = np.abs(numeric.jacobian.data - truth)
    assert np.all(error <= numeric.bar + 4 * DOUBLE * np.abs(truth))
    assert np.median(numeric.bar / np.abs(truth)) <= 1e-7


def test_three_values_have_a_bar_that_holds_at_the_crest_of_a_wave() -> None:
    """There the third derivative vanishes, and not the fourth, which the slope of a cubic is off by."""
    rng = np.random.default_rng(2)
    inner, x, crest = rng.normal(size=(20, 20)) / 4, rng.normal(size=20), np.pi / 2 + 1e-3 * rng.normal(size=20)
    jacobian = jacinspect.inspect(lambda at: np.sin(crest + 100 * (inner @ (at - x))), x).jacobian
    assert jacobian is not None
    assert jacobian.numeric is not None
    assert jacobian.error_bar is not None
    truth = 100 * inner * np.cos(crest)[:, None]
    assert np.all(np.abs(jacobian.numeric.data - truth.ravel()) <= jacobian.error_bar)


def test_a_strong_kink_is_seen_by_three_values() -> None:
    x = np.linspace(-1, 1, 41)
    numeric = of_many(lambda x: np.maximum(x - x[20] + 1e-3 * x[20], 0) + x**2 / 10, x)
    assert numeric.kind[20] == Kind.KINK
