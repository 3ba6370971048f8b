"""A steep bend is no kink and no jump: a wrong derivative there does not pass, and a pass at a jump says so."""

from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Literal

import numpy as np
import pytest
from rich.console import Console
from scipy.special import xlogy

import jacinspect
from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.inspection.report import Report
from jacinspect.views.checks import text as check_text
from jacinspect.views.text import render
from tests.oracles import Array

F = Callable[[Array], Array]

STEEP: dict[str, F] = {
    "tanh": lambda t: np.tanh(t),
    "sigmoid": lambda t: 1 / (1 + np.exp(-t)),
    "arctan": lambda t: np.arctan(t),
}
POLES: dict[str, tuple[F, F]] = {
    "1/(x - 1)": (lambda x: 1 / (x - 1), lambda x: -1 / (x - 1) ** 2),
    "log|x - 1|": (lambda x: np.log(np.abs(x - 1)), lambda x: 1 / (x - 1)),
    "sqrt|x - 1|": (lambda x: np.sqrt(np.abs(x - 1)), lambda x: np.sign(x - 1) / 2 / np.sqrt(np.abs(x - 1))),
    "cbrt(x - 1)": (lambda x: np.cbrt(x - 1), lambda x: 1 / 3 / np.cbrt(np.abs(x - 1)) ** 2),
}


def claimed(f: F, x: Array, slopes: Array) -> Report:
    return jacinspect.inspect(f, x, derivative=lambda _: slopes.copy(), derivative_kind="elementwise")


def passed(f: F, x: Array, slopes: Array) -> list[float]:
    """Return the operands at which the claim passes, each inspected by itself."""
    return [float(x[k]) for k in range(x.size) if claimed(f, x[k : k + 1], slopes[k : k + 1]).verdict == "pass"]


@pytest.mark.parametrize("width", [1e-8, 1e-10, 1e-12, 1e-13])
@pytest.mark.parametrize("name", STEEP)
def test_slope_0_of_a_steep_rise_does_not_pass(name: str, width: float) -> None:
    x = 1 + width * np.array([0, 0.5, -1])
    assert passed(lambda x: STEEP[name]((x - 1) / width), x, np.zeros(3)) == []


@pytest.mark.parametrize("width", [1e-8, 1e-10, 1e-12, 3e-13, 1e-13])
def test_a_rounded_corner_is_no_kink(width: float) -> None:
    x = 1 + width * np.array([0.3, -0.5, 2])
    true = (x - 1) / np.hypot(x - 1, width)
    for wrong in (np.zeros(3), -true, 0.5 * true):
        assert passed(lambda x: 1 + np.hypot(x - 1, width), x, wrong) == []


@pytest.mark.parametrize("width", [1e-12, 1e-14])
def test_at_0_itself_steps_are_as_short_as_a_bend_needs(width: float) -> None:
    """Beside other numbers the shortest step is a few of their spacings; beside 0 there is none so small."""
    x, slope = np.zeros(1), np.array([1 / width])
    assert claimed(lambda x: np.tanh(x / width), x, slope).verdict == "pass"
    assert claimed(lambda x: np.tanh(x / width), x, 1.03 * slope).verdict == "fail"


def test_a_slope_that_long_steps_show_is_kept_where_short_ones_show_it_to_less() -> None:
    """Steps in units of a small |x| do not cross the joint at 0, but rounding leaves them three digits."""
    report = jacinspect.inspect(lambda x: np.exp(x) + x * np.abs(x), np.array([1.6e-12, 1.5e-11, 6e-12]))
    assert report.verdict == "pass"


def test_an_entropy_has_no_slope_at_0_that_a_claim_would_be_off() -> None:
    """It grows by as much at each step, and without end; what clips a probability has 0 there."""
    report = jacinspect.inspect(lambda p: -xlogy(p, p), np.zeros(1), np.zeros_like)
    assert report.verdict == "inconclusive", report.findings


@pytest.mark.parametrize("name", POLES)
@pytest.mark.parametrize("seed", range(2))
def test_slope_0_beside_a_pole_does_not_pass(name: str, seed: int) -> None:
    f, d = POLES[name]
    rng = np.random.default_rng(seed)
    x = 1 + rng.choice([-1, 1], 6) * 10 ** rng.uniform(-12.5, -9, 6)
    assert passed(f, x, np.zeros(6)) == []
    assert claimed(f, x, d(x)).verdict != "fail"


@pytest.mark.parametrize(("distance", "off"), [(1e-4, 30), (-1e-3, 0.3)])
def test_a_small_error_beside_a_pole_does_not_pass(distance: float, off: float) -> None:
    """A relative 3e-7: where the slope is 10⁸, the rounding of x alone hides a few 10⁻⁹ of it."""
    f, d = POLES["1/(x - 1)"]
    x = np.array([1 + distance])
    assert claimed(f, x, d(x)).verdict == "pass"
    assert claimed(f, x, d(x) + off).verdict != "pass"


def test_a_true_kink_beside_a_large_number_stays_one() -> None:
    for shift in (0.0, 1.0, 1e3, -1e6):
        f: F = lambda x, shift=shift: np.abs(x - 3) + shift  # type: ignore[misc]  # noqa: E731
        assert claimed(f, np.array([3.0]), np.array([0.5])).verdict == "pass"
        assert claimed(f, np.array([3.0]), np.array([1.5])).verdict == "fail"


def test_a_kink_of_what_has_lost_digits_stays_one() -> None:
    """Over its last digits it stands still, which is no bend."""
    for lost in (1.0, 1e6):
        f: F = lambda x, lost=lost: (np.abs(x) + lost) - lost  # type: ignore[misc]  # noqa: E731
        assert claimed(f, np.array([0.0]), np.array([0.5])).verdict == "pass"


def test_a_slope_that_is_told_apart_from_0_but_no_more_is_left_open() -> None:
    """(x - sin x)/x³ beside 0: differences show the slope to one digit, and 3 % more would be within the bar."""
    x = np.array([-3e-4, -8e-5])
    for factor in (1, 1.03):
        assert claimed(lambda x: (x - np.sin(x)) / x**3, x, -factor * x / 60).verdict == "inconclusive"


def shown(report: Report) -> str:
    console = Console(width=80, file=StringIO(), color_system=None)
    console.print(render(report, 80))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_value_that_is_another_at_x_alone_is_no_jump() -> None:
    """As of LSODA at a few points."""
    x = np.array([0.5, 1.2])
    report = jacinspect.inspect(lambda x: np.where(x == 0.5, 3, np.sin(x)), x, derivative=np.cos)
    assert report.verdict == "inconclusive", report.findings


def test_a_pass_at_a_jump_says_so() -> None:
    x = np.array([1.0, 2.0])
    f: F = lambda x: np.where(x > 1, x + 1, x)  # noqa: E731
    report = claimed(f, x, np.ones(2))
    assert report.verdict == "pass"
    headline = " ".join(shown(report).splitlines()[:2])
    assert headline.endswith("✓ the derivative is right: 2 of 2 entries agree, 1 entry at a jump of f")
    messages = [each.message for each in report.findings if each.code == "J003"]
    assert messages == [
        "1 entry at a jump: at X[0] = 1, A[0] jumps, beside a slope of 1; analytic 1, which passes: f has no "
        "derivative there"
    ]
    outcome = Outcome("step", "X 2", report, "", 0, (), ())
    _, _, line, *_ = check_text.render([outcome], Tally(1), check_text.Columns(4, 3))
    assert line.plain == "    1 entry at a jump of f"
    kink = claimed(np.abs, np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert shown(kink).splitlines()[0].endswith("✓ the derivative is right: 2 of 2 entries agree")
    (wrong,) = (each.message for each in claimed(f, x, np.array([5.0, 1.0])).findings if each.code == "J001")
    assert wrong == "1 entry at a jump: at X[0] = 1, A[0] jumps, beside a slope of 1; analytic 5"


def test_where_all_digits_are_lost_a_slope_too_faint_to_show_is_not_called_wrong() -> None:
    """x - sin x is 0 up to 1e-8; a relu's wrong slope as near to its kink is found."""
    x = np.array([3.8e-9, -4.1e-9])
    assert claimed(lambda x: (x - np.sin(x)) / x**3, x, -x / 60).verdict == "inconclusive"
    assert claimed(lambda x: np.maximum(x, 0), -x, np.array([1e-3, 1.0])).verdict == "fail"


@pytest.mark.parametrize("seed", range(2))
def test_leaps_that_become_smaller_away_from_x_are_steps_as_well(seed: int) -> None:
    """(1 - cos x)/x² leaps by less and less between 1e-8 and 1e-6; a hard shrink at its own jumps is none of that."""
    rng = np.random.default_rng(seed)
    x = 10 ** rng.uniform(-9, -6, 20) * rng.choice([-1, 1], 20)
    assert claimed(lambda x: (1 - np.cos(x)) / x**2, x, -x / 12).verdict != "fail"
    shrunk: F = lambda x: np.where(np.abs(x) > 0.5, x, 0)  # noqa: E731
    assert claimed(shrunk, 0.5 + x, np.where(x > 0, 0.0, 1.0)).verdict == "fail"


def test_a_claim_may_be_off_by_the_rounding_of_terms_of_size_1() -> None:
    x = np.array([-14.0, -17.0])
    slopes = 1 - 1 / (1 + np.exp(x))
    assert claimed(lambda x: np.log1p(np.exp(x)), x, slopes).verdict == "pass"
    assert claimed(lambda x: np.log1p(np.exp(x)), x, 1.00001 * slopes).verdict == "fail"
    off = 1e-9 * np.cos(x) * (1 + 1e-8)
    assert claimed(lambda x: 1e-9 * np.sin(x), x, off).verdict == "fail"


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_a_claim_that_is_a_whole_number_of_last_bits_of_1_is_off_by_those(
    number: int, kind: Literal["jvp", "vjp"]
) -> None:
    """Cross-entropy is log(1 + exp(-x)), and its derivative sigmoid(x) - 1, which is off by 1e-3 of itself at 30."""
    x = np.array([15.0, 20.0, 30.0])[-number:]
    slopes = (1 / (1 + np.exp(-x)) - 1) / number
    for factor, verdict in ((1.0, "pass"), (1.01, "fail"), (0.9, "fail")):
        rules: dict[str, Callable[..., Array]] = {
            "jvp": lambda _, v, claims: np.asarray(np.sum(claims * v)),
            "vjp": lambda _, w, claims: claims * w,
        }
        rule = partial(rules[kind], claims=factor * slopes)
        mean: F = lambda x: np.asarray(np.mean(np.log1p(np.exp(-x))))  # noqa: E731
        assert jacinspect.inspect(mean, x, rule, derivative_kind=kind).verdict == verdict


def test_so_it_is_in_single_precision() -> None:
    """Sigmoid(18) is 1 there, and at 12 its distance from 1 is known to 1e-2."""

    def loss(x: Array) -> Array:
        return np.log1p(np.exp(-x.astype(np.float32)))

    def slope(x: Array) -> Array:
        x = x.astype(np.float32)
        return np.asarray(1 / (1 + np.exp(-x)) - 1, np.float32)

    x = np.array([3.0, 10.0, 12.0, 15.0])
    assert jacinspect.inspect(loss, x, slope).verdict == "pass"
    assert jacinspect.inspect(loss, [*x, 18.0], slope).verdict == "inconclusive"
    assert jacinspect.inspect(loss, x, lambda x: 1.1 * slope(x)).verdict == "fail"


def test_a_claim_of_0_is_left_open_where_terms_of_size_1_cancel_to_it() -> None:
    """Sigmoid(50) is 1; what is larger than the last bit of 1 would not have cancelled."""
    x, slope = np.array([50.0, 3.0]), lambda x: 1 / (1 + np.exp(-x)) - 1
    report = jacinspect.inspect(lambda x: np.log1p(np.exp(-x)), x, slope)
    assert report.verdict == "inconclusive"
    said = next(finding.message for finding in report.findings if finding.code == "J006")
    assert "the analytic one is 0, as what is less than the last bit of 1 cancels to" in said
    assert claimed(lambda x: 1e-14 * np.sin(x), x, 0 * x).verdict == "fail"


@pytest.mark.parametrize("x", [[100.0, 0.0, -100.0], [131.0, -101.0, -20.9], [35.7, -120.8, -0.4]])
def test_nothing_shows_in_the_last_bit_of_an_output_that_is_0(x: list[float]) -> None:
    """The loss of far logits stands still at 0; its gradient of 1e-44 is no entry where f has none."""

    def loss(x: Array) -> Array:
        return np.asarray(x.max() + np.log(np.exp(x - x.max()).sum()) - x[0])

    def gradient(x: Array) -> Array:
        p = np.exp(x - x.max())
        return np.asarray(p / p.sum() - (np.arange(x.size) == 0))

    vjp = jacinspect.inspect(loss, x, lambda x, w: w * gradient(x), derivative_kind="vjp")
    assert (vjp.verdict, jacinspect.inspect(loss, x, gradient).verdict) == ("inconclusive", "inconclusive")
    assert jacinspect.inspect(loss, x, lambda x: gradient(x) + np.array([0, 1e-12, 1e-12])).verdict == "fail"
