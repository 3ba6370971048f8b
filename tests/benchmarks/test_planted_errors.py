"""Is every planted error found, and no right derivative accused? pytest FILE --benchmark-only -s.

Beside the program, on the same planted errors at 10×10: torch.autograd.gradcheck, in full and in its fast mode, and
scipy.optimize.check_grad, which gives a number: what it gives for the right derivative has to double. The missing
coupling in 1000×1000 inputs is planted in 5 seeds, or in as many as the environment's JACINSPECT_SEEDS says: 100 take
some minutes.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf
from scipy.optimize import check_grad

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.inspection.report import Report
from tests.functions.catalogue.truth import DIGITS, TEXTBOOK, domain, inside
from tests.oracles import Array, Shape

SEEDS = 100
LARGE_SEEDS = int(os.environ.get("JACINSPECT_SEEDS", "5"))
SIDE = 10

# --- Errors to plant ------------------------------------------------------------------------------------------------

Value = Callable[[Any, Any], Any]  # (numpy or torch, X) -> A
Pull = Callable[[Any, Any, Any], Any]  # (numpy or torch, X, dA) -> dX


@dataclass(frozen=True)
class Planted:
    """A function, its point, and two backward rules of it; an element-wise one is given to the program as f'(X)."""

    x: Array
    value: Value
    right: Pull
    wrong: Pull
    elementwise: bool = True


Plant = Callable[[np.random.Generator, int], Planted]


def sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


FUNCTIONS: tuple[tuple[Value, Value], ...] = (
    (sigmoid, lambda m, x: sigmoid(m, x) * sigmoid(m, -x)),
    (lambda m, x: m.tanh(x), lambda m, x: 1 / m.cosh(x) ** 2),
    (lambda m, x: m.sin(x), lambda m, x: m.cos(x)),
    (lambda m, x: m.exp(x), lambda m, x: m.exp(x)),
    (lambda m, x: m.log1p(m.exp(x)), sigmoid),
    (lambda m, x: x**3, lambda m, x: 3 * x**2),
)


def scaled(x: Array, value: Value, slope: Value, factors: Array) -> Planted:
    """Plant an error that multiplies each entry of f'(X) by a factor."""
    return Planted(
        x,
        value,
        lambda m, x, w: slope(m, x) * w,
        lambda m, x, w: m.asarray(factors) * slope(m, x) * w,
    )


def one_entry(factor: float, least: float, rng: np.random.Generator, side: int) -> Planted:
    """Plant it in one of the entries whose |f'| is at least that fraction of |f|."""
    x = rng.standard_normal((side, side))
    value, slope = FUNCTIONS[rng.integers(len(FUNCTIONS))]
    factors = np.ones_like(x)
    eligible = np.flatnonzero(np.abs(slope(np, x)) >= least * np.abs(value(np, x)))
    factors.ravel()[rng.choice(eligible)] = factor
    return scaled(x, value, slope, factors)


def all_entries(rng: np.random.Generator, side: int) -> Planted:
    x = rng.standard_normal((side, side))
    return scaled(x, *FUNCTIONS[rng.integers(len(FUNCTIONS))], np.full_like(x, 1 + 1e-6))


def transposed_block(rng: np.random.Generator, side: int) -> Planted:
    """Plant Wᵀ for W in one diagonal block of the Jacobian of tanh(W·X), a block for each column of X."""
    x, weights = rng.standard_normal((side, side)), rng.standard_normal((side, side)) / 3
    column = np.zeros(side)
    column[rng.integers(side)] = 1

    def value(m: Any, x: Any) -> Any:
        return m.tanh(m.asarray(weights) @ x)

    def right(m: Any, x: Any, w: Any) -> Any:
        return m.asarray(weights.T) @ ((1 - value(m, x) ** 2) * w)

    def wrong(m: Any, x: Any, w: Any) -> Any:
        there = m.asarray(column)
        return right(m, x, w) * (1 - there) + m.asarray(weights) @ ((1 - value(m, x) ** 2) * w) * there

    return Planted(x, value, right, wrong, elementwise=False)


def missing_coupling(rng: np.random.Generator, side: int) -> Planted:
    """Plant the derivative of sigmoid(X) for that of a function of which one output reads 1e-6 of another input."""
    x = rng.standard_normal((side, side))
    reader, source = rng.choice(x.size, 2, replace=False)
    at, place = np.zeros_like(x), np.unravel_index(source, x.shape)
    at.ravel()[reader] = 1e-6
    there = np.zeros_like(x)
    there[place] = 1

    def wrong(m: Any, x: Any, w: Any) -> Any:
        return sigmoid(m, x) * sigmoid(m, -x) * w

    return Planted(
        x,
        lambda m, x: sigmoid(m, x) + m.asarray(at) * x[place],
        lambda m, x, w: wrong(m, x, w) + m.asarray(there) * (m.asarray(at) * w).sum(),
        wrong,
    )


PLANTS: dict[str, Plant] = {
    "one entry, by a relative 1e-8": partial(one_entry, 1 + 1e-8, 0.2),
    "the sign of one entry": partial(one_entry, -1.0, 1e-3),
    "a factor of 1 + 1e-6 in all": all_entries,
    "a transposed block": transposed_block,
    "a missing coupling of 1e-6": missing_coupling,
}


def planted(plant: Plant, seed: int, side: int) -> Planted:
    return plant(np.random.default_rng(seed), side)


# --- What finds them ------------------------------------------------------------------------------------------------


def accused_by_us(case: Planted, pull: Pull, seed: int = 0) -> bool:
    def claim(x: Array) -> Array:
        return np.asarray(pull(np, x, np.ones_like(x)))

    def vjp(x: Array, w: Array) -> Array:
        return np.asarray(pull(np, x, w))

    # A right derivative that is not element-wise is not to be given as f'(X), though it is of an element-wise function.
    form = ("elementwise", claim) if case.elementwise and pull is case.wrong else ("vjp", vjp)
    report = jacinspect.inspect(partial(case.value, np), case.x, form[1], derivative_kind=form[0], seed=seed)  # type: ignore[arg-type]
    codes = {finding.code for finding in report.findings if finding.severity == "error"}
    assert codes <= {"J001"}, report.findings
    return codes == {"J001"}


def accused_by_gradcheck(case: Planted, pull: Pull, seed: int = 0, fast: bool = False) -> bool:
    class Mine(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return case.value(torch, x)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return pull(torch, x, grad)

    torch.manual_seed(seed)
    x = torch.tensor(case.x, requires_grad=True)
    return not torch.autograd.gradcheck(Mine.apply, (x,), raise_exception=False, fast_mode=fast)


def accused_by_check_grad(case: Planted, pull: Pull, seed: int = 0) -> bool:
    """Take one number, w·A, for check_grad takes nothing else; the right derivative has an error of half as much."""
    w = np.random.default_rng(seed).standard_normal(case.value(np, case.x).shape)

    def error(pull: Pull) -> float:
        f = lambda flat: float((w * case.value(np, flat.reshape(case.x.shape))).sum())  # noqa: E731
        return float(check_grad(f, lambda flat: pull(np, flat.reshape(case.x.shape), w).ravel(), case.x.ravel()))

    return error(pull) > 2 * error(case.right)


JUDGES: dict[str, Callable[..., bool]] = {
    "jacinspect": accused_by_us,
    "gradcheck": accused_by_gradcheck,
    "gradcheck fast": partial(accused_by_gradcheck, fast=True),
    "check_grad": accused_by_check_grad,
}


@dataclass(frozen=True)
class Score:
    """How often one judge found one planted error, and accused the right derivative instead."""

    seeds: int
    found: int
    false: int


def score(judge: Callable[..., bool], plant: Plant, seeds: int, side: int = SIDE) -> Score:
    found = false = 0
    for seed in range(seeds):
        case = planted(plant, seed, side)
        found += judge(case, case.wrong, seed)
        false += judge(case, case.right, seed)
    return Score(seeds, found, false)


def scores(seeds: int) -> dict[str, dict[str, Score]]:
    return {
        what: {name: score(judge, plant, seeds) for name, judge in JUDGES.items()} for what, plant in PLANTS.items()
    }


def table_of_scores(results: dict[str, dict[str, Score]]) -> str:
    names = [name for name in JUDGES if any(name in row for row in results.values())]
    rows = ["", f"  {'found, of 100 seeds if no other number':<44}" + "".join(f"{name:>16}" for name in names)]
    for what, row in results.items():
        cells = [_cell(row[name]) if name in row else "" for name in names]
        rows.append(f"  {what:<44}" + "".join(f"{cell:>16}" for cell in cells))
    false = sum(result.false for row in results.values() for result in row.values())
    return "\n".join([*rows, f"  right derivatives accused, by any: {false}"])


def _cell(result: Score) -> str:
    return f"{result.found}" if result.seeds == SEEDS else f"{result.found} of {result.seeds}"


@pytest.mark.benchmark(group="planted errors")
def test_every_planted_error_is_found(benchmark: Any) -> None:
    results = benchmark.pedantic(scores, args=(SEEDS,), rounds=1)
    print(table_of_scores(results))
    for what, row in results.items():
        assert row["jacinspect"] == Score(SEEDS, SEEDS, 0), what


@pytest.mark.parametrize(("side", "seeds"), [(100, SEEDS), (1000, LARGE_SEEDS)])
@pytest.mark.benchmark(group="planted errors")
def test_a_missing_coupling_among_many_inputs(benchmark: Any, side: int, seeds: int) -> None:
    result = benchmark.pedantic(score, args=(accused_by_us, missing_coupling, seeds, side), rounds=1)
    print(table_of_scores({f"a missing coupling of 1e-6 in {side}×{side}": {"jacinspect": result}}))
    assert result == Score(seeds, seeds, 0)


# --- False alarms ---------------------------------------------------------------------------------------------------

SHAPES: tuple[Shape, ...] = ((4,), (2, 3), (2, 3, 2))
SCALES = (1e-8, 1e-3, 1.0, 30.0, 1e4)
TINY = (0.0, -0.0, 5e-324, -1e-310, 1e-300, -1e-160, 1e-40, -1e-20, 1e-12, -1e-9, 1e-6)
HUGE = (1e5, -1e8, 1e12, -1e17, 1e30, -1e154, 1e300, -1.7e308)
KINKS = (0.0, 1.0, -1.0, 0.5, 2.0, -3.0)  # equal ones among them: a maximum's kinks
INCONCLUSIVE = {"J006", "J012"}

Draw = Callable[[np.random.Generator, Shape], Array]


def ordinary(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.standard_normal(shape) * rng.choice(SCALES))


def among(values: Iterable[float], rng: np.random.Generator, shape: Shape) -> Array:
    """Draw half of the entries from some numbers, and the others as is ordinary."""
    return np.where(rng.random(shape) < 0.5, rng.choice(np.array([*values]), shape), rng.standard_normal(shape))


DRAWS: dict[str, Draw] = {
    "ordinary": ordinary,
    "0 and tiny": partial(among, TINY),
    "huge": partial(among, HUGE),
    "kinks": partial(among, KINKS),
}


@dataclass(frozen=True)
class Case:
    """A catalogue function, by one of its operands, at a point."""

    name: str
    wrt: int
    draw: str
    shape: Shape
    dtype: type
    seed: int

    @property
    def entry(self) -> Entry:
        (entry,) = (entry for entry in ENTRIES if entry.name == self.name)
        return entry

    def report(self) -> Report:
        rng = np.random.default_rng([self.seed, *self.shape])
        with np.errstate(over="ignore", under="ignore"):
            drawn: list[Array] = [DRAWS[self.draw](rng, self.shape).astype(self.dtype) for _ in self.entry.operands]
        x, others = drawn[0], drawn[1:]
        if self.draw == "ordinary":
            x = inside(self.name, x)
        expect = ["diagonal"] if self.entry.kind in ("elementwise", "binary") else []
        return jacinspect.inspect(self.name, x, others=others, wrt=self.wrt, seed=self.seed, expect=expect)  # type: ignore[arg-type]


def cases(seeds: Iterable[int], draws: Iterable[str] = DRAWS) -> Iterator[Case]:
    for draw in draws:
        for entry in ENTRIES:
            for wrt in range(1, len(entry.operands) + 1):
                for shape in SHAPES:
                    for dtype in (np.float32, np.float64):
                        yield from (Case(entry.name, wrt, draw, shape, dtype, seed) for seed in seeds)


@dataclass(frozen=True)
class Outcome:
    """What was said of a right derivative."""

    case: Case
    codes: frozenset[str]
    messages: tuple[str, ...]

    @property
    def false_alarm(self) -> bool:
        """Whether anything is accused; what is not finite is so, outside a domain, and no alarm."""
        return not self.codes <= {"J004"} | INCONCLUSIVE

    @property
    def inconclusive(self) -> bool:
        return bool(self.codes & INCONCLUSIVE)

    def __str__(self) -> str:
        case = self.case
        where = f"{case.name} by {case.wrt}, {case.draw}, {case.shape}, {case.dtype.__name__}, seed {case.seed}"
        return f"{where}: {'; '.join(self.messages)}"


def outcome(case: Case) -> Outcome | None:
    """Inspect; None where the function does not take operands of that shape, and says so."""
    try:
        errors = [finding for finding in case.report().findings if finding.severity == "error"]
    except InputError:
        return None
    return Outcome(case, frozenset(f.code for f in errors), tuple(f"{f.code} {f.message}" for f in errors))


def outcomes(cases: Iterable[Case]) -> list[Outcome]:
    with ProcessPoolExecutor() as pool:
        return [result for result in pool.map(outcome, cases, chunksize=64) if result is not None]


def table_of_outcomes(results: list[Outcome]) -> str:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for result in results:
        for kind in (result.case.entry.kind, "all"):
            row = counts.setdefault((kind, result.case.draw), Counter())
            row["all"] += 1
            row.update(name for name in ("false_alarm", "inconclusive") if getattr(result, name))
            row["non-finite"] += "J004" in result.codes
    columns = ("inspections", "false alarms", "inconclusive", "non-finite")
    rows = ["", f"  {'kind':<16}{'inputs':<12}" + "".join(f"{column:>14}" for column in columns)]
    for (kind, draw), row in sorted(counts.items(), key=lambda item: item[0][0] == "all"):
        numbers = (row["all"], row["false_alarm"], row["inconclusive"], row["non-finite"])
        rows.append(f"  {kind:<16}{draw:<12}" + "".join(f"{number:>14}" for number in numbers))
    return "\n".join(rows)


@pytest.mark.benchmark(group="false alarms")
def test_no_right_derivative_is_accused(benchmark: Any) -> None:
    results = benchmark.pedantic(outcomes, args=(cases(range(20)),), rounds=1)
    print(table_of_outcomes(results))
    alarms = [str(result) for result in results if result.false_alarm]
    assert not alarms, "\n".join(alarms)


# --- Confident numbers where x is huge ------------------------------------------------------------------------------

LARGE = [sign * 10.0**k * digits for k in (5, 8, 11, 14, 17, 22, 100, 300) for digits in (1.0, 3.7) for sign in (1, -1)]


@dataclass(frozen=True)
class Confident:
    """A number that a person gets of f'(x), if any, and whether the truth is within its bar."""

    name: str
    x: float
    conclusive: bool
    covered: bool
    text: str


def confident(name: str, x: float) -> Confident:
    report = jacinspect.inspect(partial(_only_values, name), np.array([x]))
    assert report.jacobian is not None
    numeric, bars = report.jacobian.numeric, report.jacobian.error_bar
    assert numeric is not None
    assert bars is not None
    value, bar = (float(numeric.data[0]), float(bars[0])) if numeric.data.size else (0.0, 0.0)
    conclusive = not any(finding.severity == "error" for finding in report.findings)
    with mpmath.workdps(DIGITS):
        truth = TEXTBOOK[name][1](mpf(x))
        covered = (
            np.isfinite(value) and abs(mpf(value) - truth) <= mpf(bar) + mpf(2) ** -50 * abs(truth) + mpf(2) ** -1022
        )
        return Confident(name, x, conclusive, bool(covered), f"{value} ± {bar}, in truth {mpmath.nstr(truth, 10)}")


def _only_values(name: str, x: Array) -> Array:
    return np.asarray(jacinspect.function(name)(x))


def all_confident(points: Iterable[float]) -> list[Confident]:
    return [confident(name, x) for name in TEXTBOOK for x in domain(name, np.array([*points])).tolist()]


@pytest.mark.benchmark(group="false alarms")
def test_a_number_that_is_given_where_x_is_huge_is_right(benchmark: Any) -> None:
    results = benchmark.pedantic(all_confident, args=(LARGE,), rounds=1)
    given = [result for result in results if result.conclusive]
    wrong = [f"{result.name}({result.x}): {result.text}" for result in given if not result.covered]
    print(
        f"\n  |x| from 1e5 to 3.7e300: {len(results)} numbers asked for, {len(given)} given, {len(wrong)} of them wrong"
    )
    assert not wrong, "\n".join(wrong)
