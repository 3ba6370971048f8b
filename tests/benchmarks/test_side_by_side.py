"""The same question put to other tools, in one run: pytest tests/benchmarks/test_side_by_side.py --benchmark-only -s.

Sigmoid of an n×n matrix, whose Jacobian is n²×n². A tool that is not installed is left out; one that would take too
long or too much memory at a size, as far as the size before can tell, has a dash there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import jacinspect
from tests.oracles import Array

SIDES = (10, 32, 64, 100, 1000, 4096)
LONGEST = 60.0  # seconds that a tool may be expected to take
LARGEST = 8 * 2**30  # bytes
BYTES = 8
SHORT = 2.0  # seconds; what is shorter runs more than once: jax compiles at every new shape


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def derivative(x: Array) -> Array:
    return np.asarray(sigmoid(x) * sigmoid(-x))


class Took(NamedTuple):
    seconds: float
    error: float | None  # of the worst entry; None of a tool that gives no entries


@dataclass(frozen=True)
class Tool:
    """`prepare` takes X and gives what is timed; that gives the error of its result's worst entry, or None.

    `dense` is how many matrices of N² numbers it holds at a time, N being the operand's entries; its time grows with
    N² then, too, and with N otherwise.
    """

    name: str
    package: str
    prepare: Callable[[Array], Callable[[], Callable[[], float | None]]]
    dense: int


def flat(x: Array) -> Array:
    """Sigmoid of raveled X: what tools are given that would take further axes for a batch."""
    return sigmoid(x)


def error_of_dense(matrix: Array, x: Array) -> float:
    """Compare in place: a temporary of a matrix of 10⁴×10⁴ takes longer than the matrix."""
    matrix = np.asarray(matrix).reshape(x.size, x.size)
    matrix = matrix if matrix.flags.writeable else matrix.copy()
    matrix[np.arange(x.size), np.arange(x.size)] -= derivative(x).ravel()
    return float(max(matrix.max(), -matrix.min()))


def error_of_diagonal(values: Array, x: Array) -> float:
    return float(np.max(np.abs(values - derivative(x).ravel())))


def ours(x: Array, **claim: Any) -> Callable[[], Callable[[], float]]:
    def run() -> Callable[[], float]:
        report = jacinspect.inspect(sigmoid, x, **claim)
        found = report.jacobian
        assert found is not None
        assert found.numeric is not None
        assert found.is_diagonal
        assert report.detection.proved
        values = found.numeric.data
        return lambda: error_of_diagonal(values, x)

    return run


def scipy_dense(x: Array) -> Callable[[], Callable[[], float]]:
    from scipy.optimize._numdiff import approx_derivative

    def run() -> Callable[[], float]:
        matrix = approx_derivative(flat, x.ravel(), method="3-point")
        return lambda: error_of_dense(matrix, x)

    return run


def scipy_told(x: Array) -> Callable[[], Callable[[], float]]:
    from scipy.optimize._numdiff import approx_derivative
    from scipy.sparse import eye_array

    told = eye_array(x.size, format="csr"), np.zeros(x.size, int)  # the pattern, and its one group of columns

    def run() -> Callable[[], float]:
        matrix = approx_derivative(flat, x.ravel(), method="3-point", sparsity=told)
        return lambda: error_of_diagonal(matrix.diagonal(), x)

    return run


def scipy_differentiate(x: Array) -> Callable[[], Callable[[], float]]:
    from scipy.differentiate import jacobian

    def run() -> Callable[[], float]:
        matrix = jacobian(flat, x.ravel()).df
        return lambda: error_of_dense(matrix, x)

    return run


def numdifftools(x: Array) -> Callable[[], Callable[[], float]]:
    nd: Any = import_module("numdifftools")  # has no types

    def run() -> Callable[[], float]:
        matrix = nd.Jacobian(flat)(x.ravel())
        return lambda: error_of_dense(matrix, x)

    return run


def gradcheck(x: Array, fast: bool) -> Callable[[], Callable[[], None]]:
    import torch

    operand = torch.tensor(x, requires_grad=True)

    def run() -> Callable[[], None]:
        assert torch.autograd.gradcheck(torch.sigmoid, (operand,), fast_mode=fast)
        return lambda: None

    return run


def jacfwd(x: Array) -> Callable[[], Callable[[], float]]:
    import jax

    def run() -> Callable[[], float]:
        with jax.enable_x64(True):
            matrix = np.asarray(jax.jacfwd(jax.nn.sigmoid)(jax.numpy.asarray(x)))
        return lambda: error_of_dense(matrix, x)

    return run


OURS, CHECKED = "jacinspect, a bare callable", "jacinspect, its derivative checked"
DENSE, FULL = "scipy approx_derivative, dense", "torch gradcheck, full"
TOOLS = (
    Tool(OURS, "jacinspect", ours, 0),
    Tool(CHECKED, "jacinspect", lambda x: ours(x, derivative=derivative), 0),
    Tool(DENSE, "scipy", scipy_dense, 2),
    Tool("scipy approx_derivative, told the pattern", "scipy", scipy_told, 0),
    Tool("scipy.differentiate.jacobian", "scipy", scipy_differentiate, 30),  # it keeps the values of all its steps
    Tool("numdifftools.Jacobian", "numdifftools", numdifftools, 60),  # and this one several of each
    Tool(FULL, "torch", lambda x: gradcheck(x, fast=False), 5),
    Tool("torch gradcheck, fast", "torch", lambda x: gradcheck(x, fast=True), 0),
    Tool("jax.jacfwd", "jax", jacfwd, 3),
)


def timed(tool: Tool, x: Array) -> Took:
    """The shortest of up to five runs, and the error of the last."""
    run = tool.prepare(x)
    best, spent = float("inf"), 0.0
    for _ in range(5):
        start = perf_counter()
        error = run()
        seconds = perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
        if seconds > SHORT or spent > 2 * SHORT:
            break
    return Took(best, error())


def expected(tool: Tool, size: int, before: tuple[int, Took] | None) -> float:
    """How long a tool will take for `size` entries, as it grew from a size before; infinity where memory forbids."""
    if tool.dense * BYTES * size**2 > LARGEST:
        return float("inf")
    return 0.0 if before is None else before[1].seconds * (size / before[0]) ** (2 if tool.dense else 1)


def line_of(tool: Tool) -> dict[int, Took]:
    """Time a tool at every size at which it can be waited for."""
    tool.prepare(np.ones((2, 2)))()  # imports, and compiles what does not depend on the size
    took: dict[int, Took] = {}
    before = None
    for side in SIDES:
        if expected(tool, side**2, before) > LONGEST:
            continue
        took[side] = timed(tool, np.random.default_rng(0).standard_normal((side, side)))
        before = side**2, took[side]
    return took


def show(table: dict[str, dict[int, Took]]) -> None:
    for side in SIDES:
        print(f"\n  sigmoid at {side}×{side}{'':<24}{'ms':>12}{'/ jacinspect':>15}{'largest error':>16}")
        reference = table[OURS].get(side)
        for name, line in table.items():
            if side not in line:
                print(f"  {name:<42}{'-':>12}{'-':>15}{'-':>16}")
                continue
            took = line[side]
            ratio = f"{took.seconds / reference.seconds:.3g}" if reference else "-"
            error = "-" if took.error is None else f"{took.error:.1e}"
            print(f"  {name:<42}{1e3 * took.seconds:>12.4g}{ratio:>15}{error:>16}")


def test_side_by_side(benchmark: Any) -> None:
    """At n = 100, with the structure found and not told, 500 times as fast as gradcheck, and 50 as dense scipy."""
    tools = [tool for tool in TOOLS if find_spec(tool.package)]
    table = benchmark.pedantic(lambda: {tool.name: line_of(tool) for tool in tools}, rounds=1)
    show(table)
    for name in (OURS, CHECKED):
        for side, took in table[name].items():
            assert took.error is not None
            assert took.error <= 1e-12, (name, side)
    fast = table[OURS][100].seconds
    for name, times in ((FULL, 500), (DENSE, 50)):
        if name in table:
            assert table[name][100].seconds >= times * fast, name
