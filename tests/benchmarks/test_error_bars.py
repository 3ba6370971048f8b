"""Is the true derivative within value ± bar? pytest tests/benchmarks/test_error_bars.py --benchmark-only -s.

Every function is written once and evaluated twice: by numpy, and by mpmath at 60 digits, where it is differentiated. So
the truth is that of the mathematical function at the very number that was the operand, not that of its floating-point
values. What is judged is what a person gets from `jacinspect.inspect`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator, PPoly, make_interp_spline
from scipy.special import erf

import jacinspect
from jacinspect.jacobian.agreement.comparison import Status
from tests.oracles import Array

DIGITS = 60
F = Callable[[Any, Any], Any]  # (numpy or mpmath, x) -> f(x)
Points = Iterable[float]


def around(low: float, high: float, number: int, seed: int) -> list[float]:
    """Numbers of either sign, spread evenly over the decades of |x|."""
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(np.log10(low), np.log10(high), number)
    return [*map(float, size * rng.choice([-1.0, 1.0], number))]


def between(low: float, high: float, number: int, seed: int) -> list[float]:
    return [*map(float, np.random.default_rng(seed).uniform(low, high, number))]


def beside(pole: float, nearest: float, farthest: float, number: int, seed: int) -> list[float]:
    return [pole + d for d in around(nearest, farthest, number, seed)]


def right_of(pole: float, nearest: float, farthest: float, number: int, seed: int) -> list[float]:
    return [pole + abs(d) for d in around(nearest, farthest, number, seed)]


DECADES = [sign * 10.0**k for k in range(-8, 9) for sign in (1, -1)]

OSCILLATING: list[tuple[F, Points]] = [
    (lambda m, x: m.sin(40 * x), between(-5, 5, 12, 0)),
    (lambda m, x: m.cos(300 * x), between(-5, 5, 12, 1)),
    (lambda m, x: m.sin(x) + 1e-3 * m.sin(300 * x), between(-3, 3, 8, 2)),
    (lambda m, x: m.sin(x * x), between(5, 30, 8, 3)),
    (lambda m, x: m.sin(1 / x), around(3e-3, 1, 8, 4)),
    (lambda m, x: m.exp(m.sin(20 * x)), between(-3, 3, 8, 5)),
    (lambda m, x: m.sin(x), around(10, 1e6, 8, 6)),
]
STEEP: list[tuple[F, Points]] = [
    (lambda m, x: m.tanh(1e4 * x), around(1e-8, 5e-4, 10, 7)),
    (lambda m, x: 1 / (1 + m.exp(-1e3 * x)), around(1e-6, 2e-2, 10, 8)),
    (lambda m, x: m.exp(50 * x), between(-5, 10, 8, 9)),
    (lambda m, x: x**20, between(-8, 8, 8, 10)),
    (lambda m, x: 1e8 * x + m.sin(x), between(-8, 8, 6, 11)),
    (lambda m, x: m.exp(x), between(-300, 700, 8, 12)),
]
FLAT: list[tuple[F, Points]] = [
    (lambda m, x: m.tanh(x), around(3, 15, 10, 13)),
    (lambda m, x: m.exp(-x * x), around(2, 20, 10, 14)),
    (lambda m, x: 1 / (1 + x * x), around(10, 1e4, 8, 15)),
    (lambda m, x: 1 / (1 + m.exp(-x)), around(5, 30, 8, 16)),
    (lambda m, x: m.cos(x), [*between(-1e-3, 1e-3, 4, 17), np.pi, 2 * np.pi]),
    (lambda m, x: 7 + 1e-5 * m.sin(x), between(-3, 3, 6, 18)),
]
POLES: list[tuple[F, Points]] = [
    (lambda m, x: 1 / (x - 1), beside(1, 1e-7, 1, 10, 19)),
    (lambda m, x: 1 / x, around(1e-8, 1, 10, 20)),
    (lambda m, x: m.tan(x), beside(np.pi / 2, 1e-6, 1, 8, 21)),
    (lambda m, x: m.log(x), right_of(0, 1e-8, 1, 8, 22)),
    (lambda m, x: m.sqrt(x), right_of(0, 1e-8, 1, 8, 23)),
    (lambda m, x: m.log1p(x), right_of(-1, 1e-6, 1, 8, 24)),
    (lambda m, x: x**-2.5, right_of(0, 1e-6, 1, 6, 25)),
]
NEAR_0: list[tuple[F, Points]] = [
    (lambda m, x: m.sin(x), [0.0, -0.0, *around(1e-300, 1e-3, 8, 26)]),
    (lambda m, x: m.expm1(x), [0.0, 5e-324, *around(1e-20, 1e-3, 8, 27)]),
    (lambda m, x: x * x, [0.0, *around(1e-8, 1e-2, 8, 28)]),
    (lambda m, x: m.exp(x) + x**3, [0.0, *around(1e-12, 1e-2, 6, 29)]),
    (lambda m, x: x / (1 + x), [0.0, *around(1e-12, 1e-2, 6, 30)]),
]
FAR_AND_NEAR: list[tuple[F, Points]] = [
    (lambda m, x: 3 * x + 7, DECADES),
    (lambda m, x: x * x, DECADES),
    (lambda m, x: m.atan(x), DECADES),
    (lambda m, x: m.asinh(x), DECADES),
    (lambda m, x: m.sqrt(1 + x * x), DECADES),
    (lambda m, x: x * m.exp(-x * x / 2), DECADES[:16]),
]
# Of what float32 still resolves.
SINGLE: list[tuple[F, Points]] = [
    (lambda m, x: m.sin(x), around(1e-6, 100, 10, 31)),
    (lambda m, x: m.sin(5 * x), between(-3, 3, 8, 32)),
    (lambda m, x: m.exp(x), between(-20, 20, 8, 33)),
    (lambda m, x: x * x, [*DECADES[8:24], 0.0]),
    (lambda m, x: m.atan(x), around(1e-3, 1e2, 8, 34)),
    (lambda m, x: 1 / (1 + m.exp(-x)), around(1e-3, 10, 8, 35)),
    (lambda m, x: m.log(x), right_of(0, 1e-2, 1e4, 8, 36)),
    (lambda m, x: 1 / (x - 1), beside(1, 0.1, 3, 8, 37)),
    (lambda m, x: m.sqrt(1 + x * x), around(1e-2, 1e4, 8, 38)),
    (lambda m, x: 3 * x + 7, around(1e-3, 1e4, 8, 39)),
]
CANCELLING: list[tuple[F, Points]] = [
    (lambda m, x: 1 - m.cos(x), around(1e-4, 1, 12, 40)),
    (lambda m, x: (x * x - 1) ** 2, beside(1, 1e-3, 0.5, 8, 41)),
    (lambda m, x: m.exp(x) - 1 - x, around(1e-3, 1, 8, 42)),
    (lambda m, x: (x + 1e3) - 1e3, around(1e-6, 10, 8, 43)),
    (lambda m, x: m.sqrt(x + 1) - m.sqrt(x), right_of(0, 1, 1e4, 8, 44)),
    (lambda m, x: m.log(m.exp(x) / (m.exp(x) + 1)), between(-5, 14, 8, 45)),
    (lambda m, x: x**3 - 3 * x**2 + 3 * x - 1, beside(1, 1e-2, 1, 8, 46)),
]
# Where the values cannot decide, or hardly: no number is the right answer, and a wrong one the worst.
LOST: list[tuple[F, Points]] = [
    (lambda m, x: m.sin(x), around(1e8, 1e19, 12, 47)),
    (lambda m, x: m.cos(1e12 * x), between(-3, 3, 6, 48)),
    (lambda m, x: 1 - m.cos(x), around(1e-9, 1e-5, 10, 49)),
    (lambda m, x: m.exp(x) - 1 - x, around(1e-12, 1e-5, 8, 50)),
    (lambda m, x: (x + 1e12) - 1e12, around(1e-6, 1, 8, 51)),
    (lambda m, x: m.log(m.exp(x) / (m.exp(x) + 1)), between(25, 36, 10, 52)),
    (lambda m, x: (x - 1) ** 7 + 1e9, beside(1, 1e-3, 0.1, 6, 53)),
]


def rounded(digits: int) -> F:
    """eˣ to so many digits after the point, whose slopes are those of eˣ."""
    return lambda m, x: np.round(np.exp(x), digits) if m is np else m.exp(x)


def printed(m: Any, x: Any) -> Any:
    return np.array([float(f"{value:.6g}") for value in np.exp(np.sin(x))]) if m is np else m.exp(m.sin(x))


def stopped(tolerance: float) -> F:
    """The root of y³ + y = x by Newton's method, whose steps end below a tolerance: smooth in pieces."""

    def root(x: Any) -> Any:
        y, step = x / x, 1
        while abs(step) > tolerance:
            step = (y**3 + y - x) / (3 * y * y + 1)
            y -= step
        return y

    return lambda m, x: np.array([root(each) for each in x]) if m is np else root(x)


def joined(m: Any, x: Any) -> Any:
    """Huber's function, whose second derivative jumps at ±1."""
    if m is np:
        return np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5)
    return x * x / 2 if abs(x) < 1 else abs(x) - 0.5


def interpolated(spline: Any) -> F:
    """What scipy interpolates by polynomials, of which mpmath computes the one at hand."""

    def exactly(x: Any) -> Any:
        piece = int(np.searchsorted(spline.x, float(x), side="right")) - 1
        return mpmath.polyval([mpf(float(c)) for c in spline.c[:, piece]], x - mpf(float(spline.x[piece])))

    return lambda m, x: spline(x) if m is np else exactly(x)


COARSE, FINE = np.linspace(-4, 4, 1001), np.linspace(-4, 4, 10_001)
DENSE = make_interp_spline(np.linspace(-4, 4, 100_001), np.sin(3 * np.linspace(-4, 4, 100_001)), k=1)
JOINTS: list[tuple[F, Points]] = [
    (lambda m, x: x / (1 + abs(x)), around(1e-12, 1e-2, 30, 60)),
    (lambda m, x: ((x + abs(x)) / 2) ** 3 + x, around(1e-12, 1e-2, 30, 61)),
    (lambda m, x: ((x + abs(x)) / 2) ** 2 + m.exp(x), around(1e-12, 1e-2, 30, 62)),
    (lambda m, x: abs(x) ** 2.5 + m.exp(x), around(1e-12, 1e-2, 30, 63)),
    (lambda m, x: abs(x) ** 3.5 + m.sin(x), around(1e-12, 1e-2, 20, 64)),
    (lambda m, x: (x + abs(x)) / 2 + m.expm1((x - abs(x)) / 2), around(1e-12, 1e-2, 30, 65)),
    (joined, beside(1, 1e-12, 1e-2, 30, 66)),
    (lambda m, x: 1e-6 * abs(x - 0.5) + m.exp(x), beside(0.5, 1e-6, 1e-2, 30, 67)),
]
TABLES: list[tuple[F, Points]] = [
    (interpolated(CubicSpline(COARSE, np.sin(3 * COARSE) + 0.1 * COARSE**2)), between(-3, 3, 30, 70)),
    (interpolated(PchipInterpolator(FINE, np.sin(3 * FINE))), between(-3, 3, 30, 71)),
    (interpolated(Akima1DInterpolator(COARSE, np.exp(np.sin(COARSE)))), between(-3, 3, 30, 72)),
    (interpolated(PPoly.from_spline(DENSE)), between(-3, 3, 30, 73)),
]
STAIRS: list[tuple[F, Points]] = [
    (rounded(6), between(-2, 2, 30, 80)),
    (rounded(9), between(-2, 2, 30, 81)),
    (rounded(12), between(-2, 2, 30, 82)),
    (lambda m, x: (np.floor(1e8 * x) / 1e8 if m is np else x) + m.sin(x), between(-2, 2, 30, 83)),
    (lambda m, x: x**3 + (1e-9 * np.floor(20 * x) if m is np else 0), between(-3, 3, 30, 84)),
    (lambda m, x: 0.5 * x * (1 + (erf(x / 2**0.5) if m is np else m.erf(x / m.sqrt(2)))), between(-9, -1, 30, 85)),
    (lambda m, x: m.log(1 - 1 / (1 + m.exp(-x))), between(5, 33, 30, 86)),
    (printed, between(-3, 3, 20, 87)),
    (stopped(1e-3), between(0.5, 20, 20, 88)),
    (stopped(1e-6), between(0.5, 20, 20, 89)),
]
OFFSETS: list[tuple[F, Points]] = [
    (lambda m, x: 1e12 + m.sin(x), between(-3, 3, 20, 90)),
    (lambda m, x: 1e9 + 1e-3 * m.sin(x), between(-3, 3, 20, 91)),
    (lambda m, x: m.sin(x * (2 * np.pi / 86400)), between(1.6e9, 1.8e9, 20, 92)),
    (lambda m, x: m.log1p(-x), [1 - abs(d) for d in around(1e-12, 1e-2, 20, 93)]),
]
SIDES: list[tuple[F, Points]] = [
    (lambda m, x: m.sqrt(1 - x), [1 - abs(d) for d in around(1e-8, 1e-1, 20, 100)]),
    (lambda m, x: m.asin(x) if m is mpmath else np.arcsin(x), [1 - abs(d) for d in around(1e-8, 1e-1, 20, 101)]),
    (lambda m, x: m.acosh(x) if m is mpmath else np.arccosh(x), right_of(1, 1e-8, 1, 20, 102)),
    (lambda m, x: x * m.log(x), right_of(0, 1e-10, 1, 20, 103)),
    (lambda m, x: m.log(abs(x - 1)), beside(1, 1e-9, 1e-2, 20, 104)),
    (lambda m, x: m.tanh((x - 1) / 1e-9), beside(1, 1e-12, 1e-8, 20, 105)),
    (lambda m, x: 1 + m.sqrt((x - 1) ** 2 + 1e-18), beside(1, 1e-11, 1e-7, 20, 106)),
]
EVERYDAY: list[tuple[F, Points]] = [
    (lambda m, x: (x - m.sin(x)) / x**3, around(1e-8, 1e-1, 30, 110)),
    (lambda m, x: (m.exp(x) - 1) / x, around(1e-14, 1e-1, 30, 111)),
    (lambda m, x: m.log(1 + x) / x, around(1e-14, 1e-1, 30, 112)),
    (lambda m, x: x / (m.exp(x) - 1), around(1e-14, 1e-1, 30, 113)),
    (lambda m, x: 1 / m.tanh(x) - 1 / x, around(1e-8, 1e-1, 30, 114)),
    (lambda m, x: 1 / x - 1 / m.tan(x), around(1e-8, 1e-1, 30, 115)),
    (lambda m, x: 1 - m.tanh(1 / x), right_of(0, 1e-3, 1, 20, 116)),
    (lambda m, x: (1 + 1 / x) ** x, right_of(0, 1e2, 1e10, 30, 117)),
    (lambda m, x: m.sin(x) - x, around(1e-10, 1e-1, 20, 118)),
    (lambda m, x: x**5 - 5 * x**4 + 10 * x**3 - 10 * x**2 + 5 * x - 1, beside(1, 1e-3, 1, 20, 119)),
]


@dataclass(frozen=True)
class Family:
    """Functions and points of one kind; `smooth`, where f's values suffice to tell the derivative."""

    name: str
    cases: list[tuple[F, Points]]
    operand: type = np.float64
    inside: type | None = None  # the precision in which f computes, if not the operand's
    factor: float | None = None  # by which f multiplies in float64 what it has computed
    smooth: bool = True

    def pairs(self) -> Iterator["Pair"]:
        single = np.float32 in (self.operand, self.inside)
        for f, points in self.cases:
            for point in points:
                at = float(np.float32(point)) if single else point
                yield Pair(self, f, at)


@dataclass(frozen=True)
class Pair:
    """A function and a number."""

    family: Family
    f: F
    at: float

    def value(self, x: Array) -> Array:
        y = self.f(np, x if self.family.inside is None else x.astype(self.family.inside))
        return np.asarray(y if self.family.factor is None else self.family.factor * y.astype(np.float64))

    def truth(self) -> Any:
        slope = mpmath.diff(lambda x: self.f(mpmath, x), mpf(self.at))
        return slope if self.family.factor is None else self.family.factor * slope


FAMILIES = (
    Family("oscillating", OSCILLATING),
    Family("steep", STEEP),
    Family("flat", FLAT),
    Family("near poles", POLES),
    Family("near 0", NEAR_0),
    Family("|x| from 1e-8 to 1e8", FAR_AND_NEAR),
    Family("cancelling inside", CANCELLING),
    Family("float32 operand", SINGLE, np.float32),
    Family("float32 inside", SINGLE, inside=np.float32),
    Family("float32 operand, hard functions", [*STEEP[:2], *OSCILLATING[:2], *CANCELLING], np.float32),
)
# What rounds its operand more coarsely than its values show is a staircase, and its derivative on a step is 0.
BLIND = (
    Family("float32 inside, scaled in float64", SINGLE, inside=np.float32, factor=0.7),
    Family("lost to rounding", LOST, smooth=False),
)
# What people have: functions that bend beside x, that are read from tables, that move in steps, or cancel.
ROUGH = (
    Family("second derivatives that jump", JOINTS),
    Family("tables", TABLES),
    Family("moves in steps", STAIRS, smooth=False),
    Family("large offsets", OFFSETS, smooth=False),
    Family("ends, and steep bends", SIDES),
    Family("everyday cancellation", EVERYDAY, smooth=False),
)


@dataclass(frozen=True)
class Judged:
    """What became of a pair; on a kink, no number is said, and the true derivative is not to be accused."""

    pair: Pair
    conclusive: bool
    covered: bool
    accused: bool
    relative: float  # error
    bar: float

    def __str__(self) -> str:
        where = f"{self.pair.family.name}, function {[f for f, _ in self.pair.family.cases].index(self.pair.f)}"
        return f"{where}, x = {self.pair.at!r}: relative error {self.relative:.3g}, bar {self.bar:.3g}"


def judged(pair: Pair) -> Judged:
    """Hold the number that a person gets, if any, against the truth."""
    x: Array = np.array([pair.at], pair.family.operand)
    report = jacinspect.inspect(pair.value, x)
    assert report.jacobian is not None
    numeric, bars = report.jacobian.numeric, report.jacobian.error_bar
    assert numeric is not None
    assert bars is not None
    value, bar = (float(numeric.data[0]), float(bars[0])) if numeric.data.size else (0.0, 0.0)
    assert report.jacobian.status is not None
    conclusive = report.verdict == "pass" and Status.KINK not in report.jacobian.status
    with mpmath.workdps(DIGITS):
        truth = pair.truth()
        error = abs(mpf(value) - truth) if np.isfinite(value) else mpf("inf")
        relative = float(error / abs(truth)) if truth else float(error)
    claimed = jacinspect.inspect(pair.value, x, derivative=lambda x: np.full_like(x, float(truth)))
    return Judged(pair, conclusive, bool(error <= bar), claimed.verdict == "fail", relative, bar)


def all_judged(families: Iterable[Family], every: int = 1) -> list[Judged]:
    return [judged(pair) for family in families for pair in list(family.pairs())[::every]]


def median(results: list[Judged]) -> float:
    relative = [result.relative for result in results if result.conclusive]
    return float(np.median(relative)) if relative else float("nan")


def row(name: str, results: list[Judged]) -> str:
    conclusive = [result for result in results if result.conclusive]
    covered = sum(result.covered for result in conclusive)
    share = f"{covered} of {len(conclusive)}"
    left, accused = len(results) - len(conclusive), sum(result.accused for result in results)
    return f"  {name:<36}{len(results):>7}{share:>14}{median(results):>12.1e}{left:>8}{accused:>9}"


def table(results: list[Judged]) -> str:
    """A row for each family, and one for all."""
    heading = f"  {'':<36}{'pairs':>7}{'covered':>14}{'median err':>12}{'open':>8}{'accused':>9}"
    names = dict.fromkeys(result.pair.family.name for result in results)
    rows = [row(name, [result for result in results if result.pair.family.name == name]) for name in names]
    return "\n".join(["", heading, *rows, row("all", results)])


def uncovered(results: list[Judged]) -> list[Judged]:
    """Those of which a confident number is wrong."""
    return [result for result in results if result.conclusive and not result.covered]


def is_double(result: Judged) -> bool:
    return np.float32 not in (result.pair.family.operand, result.pair.family.inside)


def assert_honest(results: list[Judged]) -> None:
    """Hold them to what is promised: what is said is right, and of what is smooth in float64 something is said."""
    conclusive = [result for result in results if result.conclusive]
    wrong = uncovered(results)
    assert len(wrong) <= 0.005 * len(conclusive), "\n".join(map(str, wrong))
    double = [result for result in results if is_double(result) and result.pair.family not in BLIND]
    assert median(double) <= 1e-12
    unsettled = [result for result in double if result.pair.family.smooth and not result.conclusive]
    assert len(unsettled) < 0.01 * len(double), "\n".join(map(str, unsettled))


def reported(benchmark: Any, families: Iterable[Family]) -> list[Judged]:
    """Judge the families, and print the table and what it hides."""
    results: list[Judged] = benchmark.pedantic(all_judged, args=(families,), rounds=1)
    print(table(results))
    print("\n".join(f"  not covered: {result}" for result in uncovered(results)))
    print("\n".join(f"  accused: {result}" for result in results if result.accused))
    unsettled = [result for result in results if result.pair.family.smooth and not result.conclusive]
    print("\n".join(f"  inconclusive: {result}" for result in unsettled))
    return results


@pytest.mark.benchmark(group="error bars")
def test_the_bars_cover_the_truth(benchmark: Any) -> None:
    results = reported(benchmark, (*FAMILIES, *BLIND))
    assert len(results) >= 200
    assert_honest(results)


@pytest.mark.benchmark(group="error bars")
def test_of_what_bends_cancels_or_moves_in_steps_hardly_a_bar_misses_and_none_is_accused(benchmark: Any) -> None:
    """Where f stands still over all steps of a first pass, its slope is 0, whatever the formula's is."""
    results = reported(benchmark, ROUGH)
    conclusive = [result for result in results if result.conclusive]
    assert len(uncovered(results)) <= 0.015 * len(conclusive), "\n".join(map(str, uncovered(results)))
    assert not [result for result in results if result.accused]
