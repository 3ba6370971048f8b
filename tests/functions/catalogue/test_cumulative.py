"""The running results of a line against their textbook formulas at many digits, line by line in plain loops."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from jacinspect.functions.catalogue.cumulative import CUMULATIVE
from jacinspect.functions.catalogue.lookup import function
from tests.functions.catalogue.lines import SHAPES, Matrix, Row, Textbook, errors, jacobian

NAMES = [entry.name for entry in CUMULATIVE]
LIMIT = 10.0  # ulp of a row's largest number; a row of n takes some n roundings, and all of the rows have fewer than 10
inf, nan = np.inf, np.nan

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def _exp(x: Any) -> Any:
    return mpmath.exp(x)


def _chosen(choose: Callable[[Row], Any]) -> Callable[[Row], Row]:
    def slopes(prefix: Row) -> Row:
        latest = max(j for j, x in enumerate(prefix) if x == choose(prefix))
        return [mpf(j == latest) for j in range(len(prefix))]

    return slopes


# name: the value of a prefix that is not empty, and its slopes
PREFIX: dict[str, tuple[Callable[[Row], Any], Callable[[Row], Row]]] = {
    "cumsum": (mpmath.fsum, lambda prefix: [mpf(1)] * len(prefix)),
    "cumprod": (
        mpmath.fprod,
        lambda prefix: [mpmath.fprod(prefix[:j] + prefix[j + 1 :]) for j in range(len(prefix))],
    ),
    "cummax": (max, _chosen(max)),
    "cummin": (min, _chosen(min)),
    "logcumsumexp": (
        lambda prefix: mpmath.log(mpmath.fsum(map(_exp, prefix))),
        lambda prefix: [_exp(x) / mpmath.fsum(map(_exp, prefix)) for x in prefix],
    ),
}


def textbook(name: str, exclusive: bool = False, reverse: bool = False) -> Textbook:
    """The formulas of a row, from those of its prefixes."""
    of_prefix, slopes_of_prefix = PREFIX[name]
    empty = mpf(name == "cumprod")

    def ends(n: int) -> range:
        return range(n) if exclusive else range(1, n + 1)

    def value(row: Row) -> Row:
        row = row[::-1] if reverse else row
        y = [of_prefix(row[:end]) if end else empty for end in ends(len(row))]
        return y[::-1] if reverse else y

    def slopes(row: Row) -> Matrix:
        row = row[::-1] if reverse else row
        n = len(row)
        matrix = [(slopes_of_prefix(row[:end]) if end else []) + [mpf(0)] * (n - end) for end in ends(n)]
        return [line[::-1] for line in matrix[::-1]] if reverse else matrix

    return value, slopes


ROWS: list[list[float]] = [
    [0.3, -1.7, 2.2],
    [0.1, 0.2, 0.4, 0.8],
    [3.0],
    [0.0, 0.0, 0.0],
    [2.0, 0.0, 3.0],
    [0.0, 5.0, 0.0, -2.0],
    [1.0, 1.0, 0.0, 1.0],
    [2.0, -1.0, 2.0, 3.0, 3.0],
    [0.0, 40.0],
    [40.0, 0.0, 80.0],
    [1e8, 1e8 + 1, 1e8 + 2],
    [1e16, 1e16, 0.0],
    [1e-200, 1e-200, 1e300, 1e250],
    [5e-324, 1e300, 5e-324],
    [700.3, 699.9, 0.1, 745.0],
    [-700.3, -3.1, 0.0, -740.0],
    [-1e3, -1e3 + 1e-9, -1001.0],
    [1.7e308, -1.7e308, 1.0],
]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_value_and_jacobian_line_by_line(name: str, shape: tuple[int, ...], axis: int) -> None:
    x = np.random.default_rng(3).normal(size=shape)
    assert max(errors(function(name, axis=axis), x, axis, textbook(name))) <= LIMIT


@pytest.mark.parametrize(("exclusive", "reverse"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_exclusive_and_reverse(name: str, shape: tuple[int, ...], axis: int, exclusive: bool, reverse: bool) -> None:
    x = np.random.default_rng(3).normal(size=shape)
    f = function(name, axis=axis, exclusive=exclusive, reverse=reverse)
    assert max(errors(f, x, axis, textbook(name, exclusive, reverse))) <= LIMIT


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rows_keep_their_digits(name: str, row: list[float]) -> None:
    value, slopes = errors(function(name), np.array(row), 0, textbook(name), 1000)
    assert value <= LIMIT
    assert slopes <= LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_a_long_row(name: str) -> None:
    x = np.random.default_rng(1).normal(size=37) * 3
    value, slopes = errors(function(name), x, 0, textbook(name))
    assert value <= 4 * LIMIT
    assert slopes <= 4 * LIMIT


def test_prefixes_that_overflow_or_vanish_do_not_spoil_those_after_them() -> None:
    f, x = function("cumprod"), np.array([1e200, 1e200, 1e-300, 1e-300, 1e-300, 1e300, 1e300])
    np.testing.assert_allclose(f(x), [1e200, inf, 1e100, 1e-200, 0, 1e-200, 1e100], rtol=1e-14)
    np.testing.assert_allclose(jacobian(f, x)[5], [0, 0, 1e100, 1e100, 1e100, 0, 0], rtol=1e-14, atol=1e-320)


@pytest.mark.parametrize(
    ("name", "row", "value", "slopes"),
    [
        ("cumsum", [1, inf, -inf, 2], [1, inf, nan, nan], [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]),
        ("cumprod", [0, inf, 2], [0, nan, nan], None),
        ("cumprod", [inf, 3, 2], [inf, inf, inf], [[1, 0, 0], [3, inf, 0], [6, inf, inf]]),
        ("cumprod", [2, nan, 3], [2, nan, nan], [[1, 0, 0], [nan, 2, 0], [nan, 6, nan]]),
        ("cummax", [1, nan, 3], [1, nan, nan], [[1, 0, 0], [nan, nan, nan], [nan, nan, nan]]),
        ("cummax", [-inf, 2, inf], [-inf, 2, inf], np.eye(3)),
        ("cummin", [2, 2, 5], [2, 2, 2], [[1, 0, 0], [0, 1, 0], [0, 1, 0]]),
        ("cummax", [1, 1, 1], [1, 1, 1], np.eye(3)),
        ("logcumsumexp", [-inf, 0, 0], [-inf, 0, np.log(2)], [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]),
        ("logcumsumexp", [-inf, -inf, 0], [-inf, -inf, 0], [[1, 0, 0], [nan, nan, nan], [0, 0, 1]]),
        ("logcumsumexp", [0, inf, 1], [0, inf, inf], [[1, 0, 0], [0, 1, 0], [0, 1, 0]]),
        ("logcumsumexp", [inf, 0, inf], [inf, inf, inf], [[1, 0, 0], [1, 0, 0], [nan, nan, nan]]),
        ("logcumsumexp", [1, nan, 0], [1, nan, nan], [[1, 0, 0], [nan, nan, nan], [nan, nan, nan]]),
    ],
)
def test_at_the_ends_of_the_line_and_at_ties(name: str, row: Row, value: Row, slopes: Any) -> None:
    f, x = function(name), np.array(row, float)
    np.testing.assert_allclose(f(x), value, rtol=1e-15)
    if slopes is not None:
        np.testing.assert_array_equal(jacobian(f, x), slopes)
