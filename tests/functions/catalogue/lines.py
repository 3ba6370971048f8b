"""Functions of a line, held against textbook formulas of one row: plain loops over all lines of an array."""

from collections.abc import Callable
from itertools import product
from math import inf, isfinite, ulp
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf
from numpy.typing import NDArray

from jacinspect.functions.function import Function

Floats = NDArray[np.float64]
Row = list[Any]
Matrix = list[Row]
Shape = tuple[int, ...]
Textbook = tuple[Callable[..., Row], Callable[..., Matrix]]  # the value of a row, and its Jacobian

SHAPES: list[tuple[Shape, int]] = [
    ((5,), 0), ((4,), -1), ((2, 3), 0), ((2, 3), -1), ((2, 3), 1), ((2, 3, 2), 0), ((2, 3, 2), 1), ((2, 3, 2), -1),
    ((3, 1), 1), ((1, 1), -1), ((1,), 0), ((0, 3), -1), ((0, 3), 0), ((3, 0), 1), ((0,), 0),
]  # fmt: skip


def jacobian(f: Function, x: Floats) -> Floats:
    """The M×N matrix, a column for every unit seed."""
    seeds = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([f.jvp(x, seed).reshape(-1) for seed in seeds]).T.reshape(f(x).size, x.size)


def lines(shape: Shape, axis: int) -> list[list[Shape]]:
    """The positions of an array along each of its lines."""
    axis %= len(shape)
    ranges = [range(size) for size in shape]
    others = product(*ranges[:axis], *ranges[axis + 1 :])
    return [[(*p[:axis], k, *p[axis:]) for k in range(shape[axis])] for p in others]


def errors(
    f: Function,
    x: Floats,
    axis: int,
    textbook: Textbook,
    digits: int = 50,
    size: Callable[[Row], Any] = lambda row: mpf(0),
) -> tuple[float, float]:
    """The largest error of value and of Jacobian, each in ulps of the largest true number of its row.

    `size` is that of a Jacobian which the largest of some of its rows may fall far below.
    """
    value, slopes = textbook
    y, matrix = f(x), jacobian(f, x)
    assert y.shape == x.shape
    true, worst = np.zeros(matrix.shape, bool), [0.0, 0.0]
    with mpmath.workdps(digits):
        for positions in filter(None, lines(x.shape, axis)):
            row = [mpf(float(x[p])) for p in positions]
            flat = [int(np.ravel_multi_index(p, x.shape)) for p in positions]
            worst[0] = max(worst[0], row_error([float(y[p]) for p in positions], value(row)))
            for o, slope in zip(flat, slopes(row), strict=True):
                worst[1] = max(worst[1], row_error(matrix[o, flat].tolist(), slope, size(row)))
            true[np.ix_(flat, flat)] = True
    np.testing.assert_array_equal(matrix[~true], 0)  # no line reads another
    return worst[0], worst[1]


def row_error(got: list[float], truth: Row, size: Any = 0) -> float:
    """The largest error in ulps of the largest finite number of the truth, or of `size`; a wrong infinity's is inf."""
    worst, largest = 0.0, max([abs(t) for t in [*truth, size] if float(abs(t)) < inf], default=0)
    scale = mpf(ulp(float(largest)))
    for g, t in zip(got, truth, strict=True):
        if abs(float(t)) == inf:
            worst = max(worst, 0.0 if g == float(t) else inf)
        else:
            worst = max(worst, float(abs(mpf(g) - t) / scale) if isfinite(g) else inf)
    return worst
