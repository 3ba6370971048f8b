"""The errors of every element-wise function of one operand, in ulp, with torch's and jax's beside them:

pytest tests/benchmarks/test_accuracy.py --benchmark-enable --benchmark-only -s, and -k "[erf]" for one function. A
function takes about a second, torch and jax ten once.

What is in the catalogue and has a truth in tests/functions/catalogue/truth.py is judged, with the defaults of its
parameters and with what `FURTHER` has, at 4200 points. A library's function is that of the same name, or an alias;
it is judged where x and the truth are normal numbers, for jax flushes others to 0.
"""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from math import inf, isfinite, ulp
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.tables import ENTRIES
from tests.functions.catalogue.truth import DIGITS, TEXTBOOK, domain
from tests.oracles import Array

LIMIT = 10.0  # ulp
FURTHER: dict[str, list[dict[str, Any]]] = {
    "leaky_relu": [{"negative_slope": 0.2}],
    "elu": [{"alpha": 0.3}],
    "celu": [{"alpha": 0.3}],
    "silu": [{"beta": 1.702}, {"beta": -0.3}],
    "softplus": [{"beta": 0.3}],
    "hard_shrink": [{"lambd": 0.3}],
    "soft_shrink": [{"lambd": 0.3}],
    "snake": [{"alpha": 0.3}],
}
# Derivatives with double zeros that are no doubles, beside which half of the digits are lost: judged where f' > 0.1.
DOUBLE_ZEROS = {"snake"}

MODULES = {
    "torch": ("torch.nn.functional", "torch.special", "torch"),
    "jax": ("jax.nn", "jax.scipy.special", "jax.numpy", "jax.lax"),
}
# what a library calls otherwise, or has under parameters of its own: a name and its arguments
CALLED: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("torch", "gelu_tanh"): ("gelu", {"approximate": "tanh"}),
    ("jax", "gelu"): ("gelu", {"approximate": False}),
    ("jax", "gelu_tanh"): ("gelu", {"approximate": True}),
    ("torch", "softplus"): ("softplus", {"threshold": inf}),
}

CASES = [
    (entry, parameters)
    for entry in ENTRIES
    if entry.derivative and entry.name in TEXTBOOK
    for parameters in ({}, *FURTHER.get(entry.name, []))
    if set(parameters) <= set(entry.defaults)
]


def named(entry: Entry, parameters: dict[str, Any]) -> str:
    return entry.name + "".join(f" {key}={value:g}" for key, value in parameters.items())


def grid() -> Array:
    """The 4200 points: special ones, log-spaced ones, and those where exp(x) and exp(-x²/2) underflow."""
    special = [0.0, 5e-324, 1e-300, 1e-160, 1e-20, 1e-10, 1e-5, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 36.7]
    special += [37.0, 40.0, 100.0, 300.0, 700.0, 709.0, 710.0, 745.0, 750.0, 1e3, 1e10, 1e154, 1e300, 1.7e308]
    spaced = [np.logspace(-307, 308, 500), np.logspace(-8, 3, 1500), np.arange(700.3, 760), np.arange(35, 40.05, 0.1)]
    positive = np.concatenate([special, *spaced])
    return np.concatenate([positive, -positive])


class Truth(NamedTuple):
    """A number to more digits than a double's; None where there is none, or IEEE's signed zero has the word."""

    exact: Any
    nearest: float


def truths(formula: Callable[..., Any], x: Array) -> list[Truth | None]:
    """The formula at each x: at ever more digits, until two agree to 25."""

    def true(at: float) -> Truth | None:
        before = None
        for digits in (30, DIGITS, 130, 400, 1400):
            with mpmath.workdps(digits):
                now = formula(mpf(at))
            if now is None:
                return None
            # Far below the least double it is 0, whatever its digits are.
            close = before is not None and abs(now - before) <= mpf(10) ** -25 * abs(now) + mpf(10) ** -400
            if close or now == before:
                return Truth(now, float(now))
            before = now
        raise AssertionError(f"no two agree at {at!r}")

    with mpmath.workdps(DIGITS):
        return [true(float(at)) for at in x]


class Worst(NamedTuple):
    """The largest error in ulp and where it is, and the points with a NaN or an infinity for a finite truth."""

    error: float
    at: float
    infinite: list[float]

    def __str__(self) -> str:
        lost = f" and {len(self.infinite)} NaN/Inf, as at {self.infinite[0]:.6g}" if self.infinite else ""
        return f"{self.error:.3g} @ {self.at:.6g}{lost}" if self.error else f"0{lost}"


def judge(got: Array, x: Array, true: list[Truth | None], keep: Callable[[float, Truth], bool]) -> Worst:
    """Hold what was computed at x against the truth, where that is to be kept."""
    error, where, infinite = 0.0, 0.0, []
    with mpmath.workdps(DIGITS):
        for y, at, truth in zip(got.tolist(), x.tolist(), true, strict=True):
            if truth is None or not keep(at, truth) or y == truth.nearest == truth.exact:
                continue
            if not (isfinite(y) and isfinite(truth.nearest)):
                infinite += [at] * (y != truth.nearest)
                continue
            here = float(abs(mpf(y) - truth.exact) / mpf(ulp(truth.nearest)))
            if here > error:
                error, where = here, at
    return Worst(error, where, infinite)


def anything(_: float, __: Truth) -> bool:
    return True


def normal(at: float, truth: Truth) -> bool:
    smallest, largest = float(np.finfo(np.float64).tiny), float(np.finfo(np.float64).max)
    return (at == 0 or abs(at) >= smallest) and (truth.exact == 0 or smallest <= abs(truth.nearest) <= largest)


def beside_no_double_zero(_: float, truth: Truth) -> bool:
    return truth.nearest > 0.1


def libraries(entry: Entry, parameters: dict[str, Any], x: Array) -> Iterator[tuple[Array, Array] | None]:
    """Value and derivative by torch and by jax; None from one that is not there or lacks the function."""
    for library, run in (("torch", by_torch), ("jax", by_jax)):
        yield next((result for f in candidates(library, entry) if (result := tried(run, f, parameters, x))), None)


def candidates(library: str, entry: Entry) -> Iterator[Any]:
    """What a library has under a name or alias of the catalogue's."""
    if find_spec(library) is None:
        return
    called, arguments = CALLED.get((library, entry.name), ("", {}))
    wanted = {name.replace("_", "") for name in ([called] if called else [entry.name, *entry.aliases])}
    for module in map(import_module, MODULES[library]):
        for name in dir(module):
            if name.islower() and name.replace("_", "") in wanted:
                yield partial(getattr(module, name), **arguments)


def tried(run: Any, f: Any, parameters: dict[str, Any], x: Array) -> tuple[Array, Array] | None:
    """Value and derivative, or None where the function is another one than its name says."""
    try:
        return run(partial(f, **parameters), x)  # type: ignore[no-any-return]
    except (TypeError, ValueError, RuntimeError):
        return None


def by_torch(f: Any, x: Array) -> tuple[Array, Array]:
    import torch

    operand = torch.tensor(x, requires_grad=True)
    value = f(operand)
    if value.shape != operand.shape:
        raise ValueError
    if not value.requires_grad:
        return value.numpy(), np.zeros_like(x)
    (slope,) = torch.autograd.grad(value, operand, torch.ones_like(value))
    return value.detach().numpy(), slope.numpy()


def by_jax(f: Any, x: Array) -> tuple[Array, Array]:
    import jax

    with jax.enable_x64(True):
        operand = jax.numpy.asarray(x)

        def both(x: Any) -> Any:
            value, pull = jax.vjp(f, x)
            if value.shape != x.shape:
                raise ValueError
            return value, pull(jax.numpy.ones_like(value))[0]

        value, slope = jax.jit(both)(operand)
        return np.asarray(value), np.asarray(slope)


@pytest.fixture(scope="module")
def table() -> Iterator[list[list[str]]]:
    """Rows to print when all are there."""
    rows = [["function", "value", "derivative", "torch value", "derivative", "jax value", "derivative"]]
    yield rows
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print("\n\nworst error in ulp @ x\n")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@pytest.mark.parametrize(("entry", "parameters"), CASES, ids=[named(*case) for case in CASES])
def test_every_function_keeps_its_digits(
    benchmark: Any, table: list[list[str]], entry: Entry, parameters: dict[str, Any]
) -> None:
    f, x = function(entry.name, **parameters), domain(entry.name, grid())
    assert f.derivative is not None
    bound = dict(f.parameters)
    broken = {*entry.kinks(**bound), *entry.jumps(**bound)}
    value, slope = (truths(partial(formula, **parameters), x) for formula in TEXTBOOK[entry.name])
    slope = [None if at in broken else truth for at, truth in zip(x.tolist(), slope, strict=True)]
    benchmark.pedantic(f, args=(x,), rounds=5, warmup_rounds=1)
    ours = [judge(got, x, true, anything) for got, true in ((f(x), value), (f.derivative(x), slope))]
    theirs = [
        ["-", "-"]
        if got is None
        else [str(judge(y, x, true, normal)) for y, true in zip(got, (value, slope), strict=True)]
        for got in libraries(entry, parameters, x)
    ]
    table.append([named(entry, parameters), *map(str, ours), *theirs[0], *theirs[1]])
    if entry.name in DOUBLE_ZEROS:
        ours[1] = judge(f.derivative(x), x, slope, beside_no_double_zero)
    for worst in ours:
        assert worst.error <= LIMIT
        assert not worst.infinite
