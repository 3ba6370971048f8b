"""The normalisations against their textbook formulas at many digits, line by line in plain loops."""

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.normalizations import NORMALIZATIONS
from jacinspect.functions.catalogue.unit_norms import UNIT_NORMS
from tests.functions.catalogue.lines import SHAPES, Matrix, Row, Textbook, errors, jacobian

NAMES = [entry.name for entry in (*NORMALIZATIONS, *UNIT_NORMS)]

# Ulps of the largest number of a row, or of the factor of the projection where that is larger: where one entry is all
# of the deviation, or there are only two, nothing is left of the projection but rounding. A projection sums n products,
# adds to an entry up to what it takes off, and is divided by a root of n squares: about n roundings on top of one
# another, and all of the rows have fewer than 10.
LIMIT = 10.0


inf, nan = np.inf, np.nan

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def _eye(n: int) -> Matrix:
    return [[mpf(i == j) for j in range(n)] for i in range(n)]


def _mean(row: Row) -> Any:
    return mpmath.fsum(row) / len(row)


def _centered(row: Row) -> Row:
    return [x - _mean(row) for x in row]


def _layer_norm(row: Row, eps: float) -> Row:
    d = _centered(row)
    return [x / mpmath.sqrt(_mean([x * x for x in d]) + mpf(eps)) for x in d]


def _layer_norm_jacobian(row: Row, eps: float) -> Matrix:
    n, d = len(row), _centered(row)
    r = 1 / mpmath.sqrt(_mean([x * x for x in d]) + mpf(eps))
    return [[r * (e - mpf(1) / n - r * r * d[i] * d[j] / n) for j, e in enumerate(_eye(n)[i])] for i in range(n)]


def _rms_norm(row: Row, eps: float) -> Row:
    return [x / mpmath.sqrt(_mean([x * x for x in row]) + mpf(eps)) for x in row]


def _rms_norm_jacobian(row: Row, eps: float) -> Matrix:
    n, r = len(row), 1 / mpmath.sqrt(_mean([x * x for x in row]) + mpf(eps))
    return [[r * (e - r * r * row[i] * row[j] / n) for j, e in enumerate(_eye(n)[i])] for i in range(n)]


def _norm(row: Row, order: int) -> Any:
    return mpmath.root(mpmath.fsum(abs(x) ** order for x in row), order)


def _normalize(row: Row, eps: float, order: int) -> Row:
    return [x / max(_norm(row, order), mpf(eps)) for x in row]


def _normalize_jacobian(row: Row, eps: float, order: int) -> Matrix:
    norm, n = _norm(row, order), len(row)
    if norm < mpf(eps):
        return [[e / mpf(eps) for e in line] for line in _eye(n)]
    slopes = [x / norm if order == 2 else mpmath.sign(x) for x in row]
    return [[(e - row[i] / norm * slopes[j]) / norm for j, e in enumerate(_eye(n)[i])] for i in range(n)]


def textbook(name: str, eps: float | None = None) -> Textbook:
    """The formulas of a row, eps being by default what the catalogue says."""
    eps = {"rms_norm": 2.0**-52, "l2_normalize": 1e-12, "l1_normalize": 1e-12}.get(name, 1e-5) if eps is None else eps
    if name == "center":
        return _centered, lambda row: [[e - mpf(1) / len(row) for e in line] for line in _eye(len(row))]
    if name in ("l1_normalize", "l2_normalize"):
        order = int(name[1])
        return partial(_normalize, eps=eps, order=order), partial(_normalize_jacobian, eps=eps, order=order)
    if name == "rms_norm":
        return partial(_rms_norm, eps=eps), partial(_rms_norm_jacobian, eps=eps)
    return partial(_layer_norm, eps=eps), partial(_layer_norm_jacobian, eps=eps)


ROWS: list[list[float]] = [
    [0.3, -1.7, 2.2],
    [0.1, 0.2, 0.4, 0.8],
    [1.0, -1.0],
    [3.0],
    [0.0],
    [0.0, 0.0, 0.0],
    [0.1, 0.1, 0.1],
    [1e200, 1e200, 1e200],
    [0.0, 0.0, 0.0, 1.0],
    [1.0, 1e-10, -1e-20],
    [0.0, 40.0],
    [1e8, 1e8 + 1, 1e8 + 2],
    [1e8 + 0.1, 1e8 + 0.2, 1e8 - 0.7],
    [1e16, 1e16 + 2, 1e16 + 6],
    [1e160, 3e160, -2e160],
    [1e200, 3e200, -2e200],
    [1.7e308, 1.7e308, 1.5e308],
    [1.7e308, -1.7e308, -1.6e308],
    [1.7e308, -1.7e308, 1.0],
    [3e-160, 4e-160, 0.0],
    [3e-3, 1e-3, 2e-3],
    [1e-13, 3e-13],
    [1e-300, -3e-300, 2e-300],
    [5e-324, 2e-323, 1e-322],
    [1e-12, 0.0],
    [2.0, 0.0, 3.0],
    [1e16, 1e16, 0.0],
]


def factor(name: str, eps: float = 1e-5) -> Callable[[Row], Any]:
    """What the projection is multiplied by, in those of a row's functions that take off its mean."""
    if name in ("center", "rms_norm", "l1_normalize", "l2_normalize"):
        return lambda row: mpf(0)
    return lambda row: 1 / mpmath.sqrt(_mean([x * x for x in _centered(row)]) + mpf(eps))


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "instance_norm"])
def test_value_and_jacobian_line_by_line(name: str, shape: tuple[int, ...], axis: int) -> None:
    x = np.random.default_rng(3).normal(size=shape)
    assert max(errors(function(name, axis=axis), x, axis, textbook(name), size=factor(name))) <= LIMIT


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rows_keep_their_digits(name: str, row: list[float]) -> None:
    value, slopes = errors(function(name), np.array(row), 0, textbook(name), 1000, factor(name))
    assert value <= LIMIT
    assert slopes <= LIMIT


@pytest.mark.parametrize("row", [row for row in ROWS if len(set(row)) > 1], ids=str)
@pytest.mark.parametrize("eps", [0.0, 1e-300, 1e300])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "center"])
def test_any_eps(name: str, eps: float, row: list[float]) -> None:
    value, slopes = errors(function(name, eps=eps), np.array(row), 0, textbook(name, eps), 1000, factor(name, eps))
    assert value <= LIMIT
    assert slopes <= LIMIT


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_instance_norm_takes_in_the_axes_after_its_own(axis: int) -> None:
    x = np.random.default_rng(3).normal(size=(2, 3, 2))
    f, flat = function("instance_norm", axis=axis), x.reshape(*x.shape[: axis % 3], -1)
    one = function("layer_norm")
    np.testing.assert_array_equal(f(x), one(flat).reshape(x.shape))
    np.testing.assert_array_equal(jacobian(f, x), jacobian(one, flat))
    assert f(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm_part_by_part(groups: int, axis: int) -> None:
    x = np.random.default_rng(3).normal(size=(4, 4, 4))
    f, one = function("group_norm", num_groups=groups, axis=axis), function("layer_norm", axis=axis)
    parts = np.split(x, groups, axis=axis)
    np.testing.assert_allclose(f(x), np.concatenate([one(part) for part in parts], axis=axis), rtol=1e-14)
    dx = np.random.default_rng(4).normal(size=x.shape)
    tangents = [one.jvp(part, seed) for part, seed in zip(parts, np.split(dx, groups, axis=axis), strict=True)]
    np.testing.assert_allclose(f.jvp(x, dx), np.concatenate(tangents, axis=axis), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("shape", "axis", "groups", "message"),
    [
        ((2, 6), -1, 4, "4 does not divide the 6 entries along axis -1 of an operand of shape 2×6; 3 or 6 would"),
        ((2, 6), 0, 4, "4 does not divide the 2 entries along axis 0 of an operand of shape 2×6; 2 would"),
        ((7,), -1, 3, "3 does not divide the 7 entries along axis -1 of an operand of shape 7; 1 or 7 would"),
    ],
)
def test_groups_that_do_not_fit(shape: tuple[int, ...], axis: int, groups: int, message: str) -> None:
    with pytest.raises(InputError) as error:
        function("group_norm", num_groups=groups, axis=axis)(np.zeros(shape))
    assert str(error.value) == f"group_norm: num_groups = {message}"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "center"])
def test_eps_below_0(name: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, eps=-1e-5)(np.ones(3))
    assert str(error.value) == f"{name}: eps must not be negative, and -1e-05 is"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "center"])
def test_nothing_over_nothing(name: str) -> None:
    f, x = function(name, eps=0), np.zeros(3)
    assert np.isnan(f(x)).all()
    assert np.isnan(jacobian(f, x)).all()


def test_a_norm_that_is_eps_is_divided_by() -> None:
    np.testing.assert_array_equal(jacobian(function("l2_normalize"), np.array([1e-12, 0])), [[0, 0], [0, 1e12]])


@pytest.mark.parametrize(
    ("name", "row", "value", "slopes"),
    [
        ("layer_norm", [inf, 3, -1], [np.sqrt(2), -np.sqrt(0.5), -np.sqrt(0.5)], 0),
        ("layer_norm", [-inf], [0], 0),
        ("rms_norm", [1, -inf, 0, 2], [0, -2, 0, 0], 0),
        ("l2_normalize", [1, -inf, 0], [0, -1, 0], 0),
        ("l1_normalize", [1, -inf, 0], [0, -1, 0], 0),
        ("center", [inf, 0, 1], [inf, -inf, -inf], None),
        ("center", [-inf], [0], 0),
        ("center", [inf, inf, 1], [nan, nan, -inf], None),
        ("center", [nan, inf, 1], [nan, nan, nan], None),
        *[(name, [inf, -inf, 0], [nan] * 3, nan) for name in NAMES if name != "center"],
        *[(name, [nan, inf, -inf], [nan] * 3, nan) for name in NAMES if name != "center"],
        *[(name, [nan, 0, 1], [nan] * 3, nan) for name in NAMES if name != "center"],
    ],
)
def test_at_the_ends_of_the_line(name: str, row: Row, value: Row, slopes: float | None) -> None:
    f, x = function(name), np.array(row, float)
    np.testing.assert_allclose(f(x), value, rtol=1e-15)
    if slopes is not None:
        np.testing.assert_array_equal(jacobian(f, x), np.full((x.size, x.size), slopes))
