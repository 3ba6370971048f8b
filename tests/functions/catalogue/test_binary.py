"""The binary operators against their textbook formulas at 60 digits, IEEE's special cases and plain loops."""

import itertools
import math
from collections.abc import Callable
from functools import cache
from math import inf, nan
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.typing import NDArray

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.binary import BINARY
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Jvp, Slopes
from tests.functions.catalogue.truth import DIGITS, ulps

NAMES = [entry.name for entry in BINARY]
LIMIT = 10.0  # ulp
Array = NDArray[Any]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def _power(x: Any, y: Any) -> Any:
    if x == 0 or (x < 0 and y != int(y)):
        return None
    return mpmath.exp(y * mpmath.log(abs(x))) * (-1 if x < 0 and int(y) % 2 else 1)


def _power_by_x(x: Any, y: Any) -> Any:
    power = _power(x, y - 1)
    return None if power is None else y * power


def _log_sum(x: Any, y: Any) -> Any:
    return max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y)))


def _tie(x: Any, y: Any) -> Any:
    return mpf(1 if x > y else 0.5 if x == y else 0)


def _norm(x: Any, y: Any) -> Any:
    return mpmath.sqrt(x * x + y * y)


def _divided(x: Any, y: Any, rounded: Callable[[Any], Any]) -> tuple[Any, Any]:
    """x / y rounded, and what that leaves of x; exactly, though x / y may have 632 digits before the point."""
    with mpmath.workdps(1300):
        quotient = rounded(x / y)
        return quotient, x - y * quotient


def _is_divided(x: Any, y: Any) -> bool:
    """Whether some double beside x leaves a remainder of the same quotient."""
    return bool(abs(y) > max(abs(x) / 2**52, mpf(2) ** -1074))


def _truncated(q: Any) -> Any:
    return mpmath.floor(q) if q > 0 else mpmath.ceil(q)


# value and partials; None where there is none, or where IEEE's signed zero or infinity has the word
TEXTBOOK: dict[str, tuple[Callable[[Any, Any], Any], ...]] = {
    "add": (lambda x, y: x + y, lambda x, y: mpf(1), lambda x, y: mpf(1)),
    "sub": (lambda x, y: x - y, lambda x, y: mpf(1), lambda x, y: mpf(-1)),
    "mul": (lambda x, y: x * y, lambda x, y: y, lambda x, y: x),
    "div": (
        lambda x, y: x / y if y else None,
        lambda x, y: 1 / y if y else None,
        lambda x, y: -x / y / y if y else None,
    ),
    "pow": (_power, _power_by_x, lambda x, y: _power(x, y) * mpmath.log(x) if x > 0 else None),
    "maximum": (max, _tie, lambda x, y: _tie(y, x)),
    "minimum": (min, lambda x, y: _tie(y, x), _tie),
    "hypot": (
        _norm,
        lambda x, y: x / _norm(x, y) if x or y else mpf(0),
        lambda x, y: y / _norm(x, y) if x or y else mpf(0),
    ),
    "atan2": (
        lambda x, y: mpmath.atan2(x, y) if x else None,
        lambda x, y: y / (x * x + y * y) if x or y else None,
        lambda x, y: -x / (x * x + y * y) if x or y else None,
    ),
    "fmax": (max, _tie, lambda x, y: _tie(y, x)),
    "fmin": (min, lambda x, y: _tie(y, x), _tie),
    "remainder": (
        lambda x, y: _divided(x, y, mpmath.floor)[1] if y else None,
        lambda x, y: mpf(1) if _is_divided(x, y) else None,
        lambda x, y: -_divided(x, y, mpmath.floor)[0] if _is_divided(x, y) else None,
    ),
    "fmod": (
        lambda x, y: _divided(x, y, _truncated)[1] if y else None,
        lambda x, y: mpf(1) if _is_divided(x, y) else None,
        lambda x, y: -_divided(x, y, _truncated)[0] if _is_divided(x, y) else None,
    ),
    "copysign": (
        lambda x, y: abs(x) * (1 if y > 0 else -1) if y else None,
        lambda x, y: mpmath.sign(x) * (1 if y > 0 else -1) if y else None,
        lambda x, y: mpf(0),
    ),
    "xlogy": (
        lambda x, y: x * mpmath.log(y) if y > 0 else None,
        lambda x, y: mpmath.log(y) if y > 0 else None,
        lambda x, y: x / y if y > 0 else None,
    ),
    "xlog1py": (
        lambda x, y: x * mpmath.log1p(y) if y > -1 else None,
        lambda x, y: mpmath.log1p(y) if y > -1 else None,
        lambda x, y: x / (1 + y) if y > -1 else None,
    ),
    "squared_difference": ((lambda x, y: (x - y) ** 2), (lambda x, y: 2 * (x - y)), (lambda x, y: 2 * (y - x))),
    "logaddexp": (_log_sum, lambda x, y: 1 / (1 + mpmath.exp(y - x)), lambda x, y: 1 / (1 + mpmath.exp(x - y))),
}


@cache
def pairs() -> tuple[Array, Array]:
    """Huge and tiny ones crossed with each other; ordinary ones; and where pow and logaddexp meet their limits."""
    ends = [0.0, 5e-324, 1.5e-323, 1e-310, 1e-300, 3e-160, 1e-20, 1e-9, 0.3, 0.477, 1.0, 1.0000000000000002, 1.001]
    ends += [
        2.0,
        3.0,
        7.3,
        37.1,
        333.3,
        709.7,
        745.2,
        7.1e5,
        1e10,
        1e154,
        3e200,
        1e300,
        1.7e308,
        1.7976931348623157e308,
    ]
    crossed = np.array(list(itertools.product([*ends, *(-end for end in ends[1:])], repeat=2))).T
    rng = np.random.default_rng(1)
    ordinary = rng.standard_normal((2, 700)) * 10.0 ** rng.integers(-3, 3, (2, 700))
    base = np.exp(rng.uniform(-700, 700, 500))
    extreme_powers = np.array([base, rng.uniform(-1, 1, 500) * 700 / np.log(base)])
    near_one = np.array([1 + rng.standard_normal(300) * 1e-5, rng.uniform(-7e7, 7e7, 300)])
    exponents = rng.uniform(-760, 760, 300)
    apart = np.array([exponents, exponents + rng.uniform(-760, 760, 300)])
    tails = np.array([10.0 ** rng.uniform(-30, 0, 300), -rng.uniform(0, 745, 300)])
    x, y = np.concatenate([crossed, ordinary, extreme_powers, near_one, apart, tails], axis=1)
    return x, y


def worst(got: Array, truth: Callable[[Any, Any], Any], absolute: float = 0.0) -> tuple[float, tuple[float, float]]:
    """The largest error in ulp, or where that is larger in units of `absolute`, and where."""
    errors = [(0.0, (0.0, 0.0))]
    with mpmath.workdps(DIGITS):
        for value, x, y in zip(got.tolist(), *(operand.tolist() for operand in pairs()), strict=True):
            exact = truth(mpf(x), mpf(y))
            if exact is not None:
                error = ulps(value, exact)
                if absolute:
                    error = min(error, float(abs(mpf(value) - exact) / absolute))
                errors.append((error, (x, y)))
    assert len(errors) > 1000
    return max(errors)


def rules(name: str) -> tuple[Callable[..., Array], ...]:
    f = function(name)
    assert isinstance(f.rule, Slopes)
    return f, *f.rule.partials


def test_the_truth_knows_every_operator() -> None:
    assert set(TEXTBOOK) == set(NAMES)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["value", "by x", "by y"])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_partials_are_within_ten_ulp(name: str, which: int) -> None:
    # beside the curve exp(x) + exp(y) = 1 the value of logaddexp passes through 0: there, in units of 2^-52
    absolute = 2.0**-52 if (name, which) == ("logaddexp", 0) else 0.0
    error, at = worst(rules(name)[which](*pairs()), TEXTBOOK[name][which], absolute)
    assert error <= LIMIT, f"{error:g} ulp at {at!r}"


def test_the_judge_refuses_naive_forms() -> None:
    x, y = pairs()
    with np.errstate(all="ignore"):
        naive = {
            ("div", 2): -x / y**2,
            ("pow", 1): y * np.power(x, y - 1),
            ("hypot", 1): x / np.sqrt(x * x + y * y),
            ("atan2", 1): y / (x * x + y * y),
            ("logaddexp", 1): np.exp(x) / (np.exp(x) + np.exp(y)),
            ("logaddexp", 2): 1 / (1 + np.exp(x - y)),
        }
    for (name, which), form in naive.items():
        assert worst(form, TEXTBOOK[name][which])[0] > 100, name


@pytest.mark.parametrize(
    ("name", "x", "y", "value", "by_x", "by_y"),
    [
        ("add", inf, -inf, nan, 1, 1),
        ("mul", 0, inf, nan, inf, 0),
        ("div", 0, 0, nan, inf, nan),
        ("div", 1, 0, inf, inf, -inf),
        ("div", 1e-200, 1e-200, 1, 1e200, -1e200),
        ("maximum", 1, 1, 1, 0.5, 0.5),
        ("maximum", inf, inf, inf, 0.5, 0.5),
        ("maximum", 0, -0.0, 0, 0.5, 0.5),
        ("minimum", -inf, -inf, -inf, 0.5, 0.5),
        ("minimum", -1, 2, -1, 1, 0),
        ("pow", 0, 0, 1, 0, -inf),
        ("pow", 0, 0.5, 0, inf, 0),
        ("pow", 0, -1, inf, -inf, -inf),
        ("pow", 0, 2, 0, 0, 0),
        ("pow", 0, 1, 0, 1, 0),
        ("pow", -2, 3, -8, 12, nan),
        ("pow", -2, 2, 4, -4, nan),
        ("pow", -2, -1, -0.5, -0.25, nan),
        ("pow", -2, 0, 1, 0, nan),
        ("pow", -2, 0.5, nan, nan, nan),
        ("pow", inf, 2, inf, inf, inf),
        ("pow", inf, -2, 0, 0, 0),
        ("pow", 0.5, inf, 0, 0, 0),
        ("pow", 2, inf, inf, inf, inf),
        ("pow", 2, -inf, 0, 0, 0),
        ("fmax", 1, 1, 1, 0.5, 0.5),
        ("fmax", nan, 1, 1, 0, 1),
        ("fmax", 1, nan, 1, 1, 0),
        ("fmax", nan, nan, nan, nan, nan),
        ("fmax", nan, -inf, -inf, 0, 1),
        ("fmin", 1, 2, 1, 1, 0),
        ("fmin", 2, nan, 2, 1, 0),
        ("fmin", nan, inf, inf, 0, 1),
        ("fmin", -inf, -inf, -inf, 0.5, 0.5),
        ("maximum", nan, 1, nan, nan, nan),
        ("remainder", -7, 3, 2, 1, 3),
        ("remainder", 7, -3, -2, 1, 3),
        ("remainder", 6, 3, 0, 1, -2),
        ("remainder", 5, inf, 5, 1, 0),
        ("remainder", 5, 0, nan, nan, nan),
        ("remainder", inf, 3, nan, nan, nan),
        ("remainder", 1, 2.0**-51, 0, 1, -(2.0**51)),
        ("remainder", 1, 2.0**-52, 0, nan, nan),
        ("remainder", 5e-324, -5e-324, 0, nan, nan),
        ("fmod", -7, 3, -1, 1, 2),
        ("fmod", 7, -3, 1, 1, 2),
        ("fmod", 5, -inf, 5, 1, 0),
        ("fmod", 5, 0, nan, nan, nan),
        ("fmod", -inf, 3, nan, nan, nan),
        ("fmod", -1, 2.0**-51, 0, 1, 2.0**51),
        ("fmod", -1, 2.0**-60, 0, nan, nan),
        ("copysign", 0, -2, 0, 0, 0),
        ("copysign", 3, -0.0, -3, -1, 0),
        ("copysign", -3, 0, 3, -1, 0),
        ("copysign", inf, -inf, -inf, -1, 0),
        ("xlogy", 0, 2, 0, np.log(2), 0),
        ("xlogy", 0, 0, 0, -inf, nan),
        ("xlogy", 0, inf, 0, inf, 0),
        ("xlogy", 2, 0, -inf, -inf, inf),
        ("xlogy", inf, 1, nan, 0, inf),
        ("xlogy", 0, -1, nan, nan, nan),
        ("xlog1py", 0, -1, 0, -inf, nan),
        ("xlog1py", 2, 1e-20, 2e-20, 1e-20, 2),
        ("xlog1py", 0, -2, nan, nan, nan),
        ("squared_difference", inf, inf, nan, nan, nan),
        ("squared_difference", inf, 1, inf, inf, -inf),
        ("div", 1e200, 1e200, 1, 1e-200, -1e-200),
        ("hypot", 1e200, 1e200, np.sqrt(2) * 1e200, np.sqrt(0.5), np.sqrt(0.5)),
        ("hypot", 1e200, 3e200, np.sqrt(10) * 1e200, np.sqrt(0.1), 3 * np.sqrt(0.1)),
        ("hypot", 1e-170, 2e-170, np.sqrt(5) * 1e-170, np.sqrt(0.2), 2 * np.sqrt(0.2)),
        ("atan2", 1e-200, 1e-200, np.pi / 4, 5e199, -5e199),
        ("atan2", 3e-160, 4e-160, np.arctan(0.75), 1.6e159, -1.2e159),
        ("atan2", 1e-160, 1e160, 1e-320, 1e-160, -0.0),
        ("hypot", 0, 0, 0, 0, 0),
        ("hypot", inf, 1, inf, 1, 0),
        ("hypot", 1, -inf, inf, 0, -1),
        ("hypot", inf, -inf, inf, np.sqrt(0.5), -np.sqrt(0.5)),
        ("atan2", 0, 0, 0, nan, nan),
        ("atan2", inf, 1, np.pi / 2, 0, 0),
        ("atan2", inf, inf, np.pi / 4, 0, 0),
        ("atan2", 1e200, 1e200, np.pi / 4, 5e-201, -5e-201),
        ("logaddexp", inf, 0, inf, 1, 0),
        ("logaddexp", -inf, 3, 3, 0, 1),
        ("logaddexp", inf, inf, inf, 0.5, 0.5),
        ("logaddexp", -inf, -inf, -inf, 0.5, 0.5),
        ("logaddexp", inf, -inf, inf, 1, 0),
    ],
)
def test_special_pairs(name: str, x: float, y: float, value: float, by_x: float, by_y: float) -> None:
    got = [rule(np.array(float(x)), np.array(float(y))) for rule in rules(name)]
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(got, [value, by_x, by_y], rtol=4e-16, atol=0)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("fmax", "fmin")])
def test_nan_gives_nan(name: str) -> None:
    x = np.array([nan, 1.0, inf, nan, nan, 0.0])
    y = np.array([1.0, nan, nan, nan, 0.0, nan])
    for rule in rules(name):
        assert np.isnan(rule(x, y)).all()


@pytest.mark.parametrize(
    ("x_shape", "y_shape"),
    [
        ((2, 3), (2, 3)), ((2, 3), (2, 1)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((4, 1, 2), (3, 1)),
        ((0, 3), (1, 3)), ((0,), ()), ((), ()), ((1,), (1, 1)), ((9000, 3), (3,)), ((3, 9000), (3, 1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_operands_broadcast_as_in_a_plain_loop(name: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0.5, 3, x_shape), rng.uniform(0.5, 3, y_shape)
    shape = np.broadcast_shapes(x_shape, y_shape)
    wide_x, wide_y = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    places = list(np.ndindex(shape))[-50:]
    for rule in rules(name):
        got = rule(x, y)
        assert got.shape == shape
        assert got.dtype == np.float64
        for place in places:
            np.testing.assert_allclose(got[place], rule(wide_x[place], wide_y[place]), rtol=1e-15)


def test_a_result_is_as_wide_as_the_widest_operand() -> None:
    single, double, whole = np.ones(2, np.float32), np.ones(2), np.ones(2, int)
    assert function("mul")(single, single).dtype == np.float32
    assert function("mul")(single, double).dtype == np.float64
    assert function("mul")(single, whole).dtype == np.float64
    with pytest.raises(InputError, match="an operand of dtype complex128 is not made of real numbers"):
        function("mul")(double, double + 1j)


WORDS = {name: getattr(np, name) for name in ("exp", "log", "log1p", "sqrt", "floor", "trunc", "sign", "abs")} | {
    "max": max,
    "min": min,
    "atan2": np.arctan2,
}


@pytest.mark.parametrize("name", NAMES)
def test_the_formulas_printed_are_those_computed(name: str) -> None:
    f = function(name)
    for x, y in [(0.7, 1.9), (2.5, 0.3), (1.25, 1.25)]:
        for text, rule in zip((f.formula, *f.partial_formulas), rules(name), strict=True):
            assert eval(text, {**WORDS, "x": x, "y": y}) == pytest.approx(float(rule(np.array(x), np.array(y))))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("subtract", "sub"),
        ("multiply", "mul"),
        ("divide", "div"),
        ("true_divide", "div"),
        ("power", "pow"),
        ("float_power", "pow"),
        ("arctan2", "atan2"),
        ("Maximum", "maximum"),
        ("log_add_exp", "logaddexp"),
        ("mod", "remainder"),
        ("floormod", "remainder"),
        ("vecdot", "dot"),
        ("CosineSimilarity", "cosine_similarity"),
    ],
)
def test_the_names_of_numpy_and_torch(typed: str, name: str) -> None:
    assert function(typed).name == name


# --- One operand open, the others fixed ------------------------------------------------------------------------------


def test_fixing_an_operand_leaves_a_function_of_one() -> None:
    x, y = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 6.0]]), np.array([[10.0], [20.0]])
    by_y = function("mul").by("y", [x, y])
    np.testing.assert_array_equal(by_y(y), x * y)
    assert by_y.derivative is not None
    np.testing.assert_array_equal(by_y.derivative(y), x)
    np.testing.assert_array_equal(by_y.jvp(y, np.array([[1.0], [-1.0]])), [[1, 2, 4], [-3, -5, -6]])
    assert (by_y.derivative_formula, list(by_y.fixed)) == ("x", ["x"])


def test_a_rule_of_several_operands_serves_as_well() -> None:
    matmul = Function(
        "matmul",
        "coupled",
        value=lambda q, k: q @ k,
        rule=Jvp(lambda q, k, dq, dk: dq @ k + q @ dk),
        operands=("q", "k"),
        source="python",
    )
    rng = np.random.default_rng(0)
    q, k = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    dk = rng.standard_normal((3, 4))
    np.testing.assert_allclose(matmul.by("k", [q, k]).jvp(k, dk), q @ dk)
    report = jacinspect.inspect(matmul, q, others=(k,), wrt="k", vec="row")
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    np.testing.assert_allclose(report.jacobian.analytic.matrix("row"), np.kron(q, np.eye(4)))


@pytest.mark.parametrize(
    ("wrt", "shapes", "message"),
    [
        ("z", [(2,), (2,)], "mul has no operand 'z' to differentiate by; it has x (1) and y (2)"),
        (0, [(2,), (2,)], "mul has no operand 0 to differentiate by; it has x (1) and y (2)"),
        (1, [(2,)], "mul takes the operands x and y; the number given is 1"),
        (1, [(2,)] * 3, "mul takes the operands x and y; the number given is 3"),
        (
            1,
            [(2, 3), (2,)],
            "mul: x of shape 2x3 and y of shape 2 are incompatible: their last axes have sizes 3 and 2, and neither is "
            "1;\ngive y as 2x1 for one value per row, as 3 or 1x3 for one per column",
        ),
        (
            2,
            [(2,), (2, 3)],
            "mul: x of shape 2 and y of shape 2x3 are incompatible: their last axes have sizes 2 and 3, and neither is "
            "1;\ngive x as 2x1 for one value per row, as 3 or 1x3 for one per column",
        ),
        (
            1,
            [(2, 3), (4, 3)],
            "mul: x of shape 2x3 and y of shape 4x3 are incompatible: their second last axes have sizes 2 and 4, and "
            "neither is 1;\ngive y as 2x1 for one value per row, as 3 or 1x3 for one per column, as 2x3 for one per "
            "entry",
        ),
        (
            1,
            [(3,), (0,)],
            "mul: x of shape 3 and y of shape 0 are incompatible: their last axes have sizes 3 and 0, and neither is "
            "1;\ngive y as 3 for one value per entry, or as 1 for one for all",
        ),
        (
            1,
            [(2, 3, 4), (2, 3)],
            "mul: x of shape 2x3x4 and y of shape 2x3 are incompatible: their last axes have sizes 4 and 3, and "
            "neither is 1;\ngive y as 2x3x1, or as 2x3x4, any of whose sizes may be 1",
        ),
    ],
)
def test_operands_that_do_not_fit(wrt: int | str, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(InputError) as error:
        function("mul").by(wrt, [np.ones(shape) for shape in shapes])
    assert str(error.value) == message


# --- Inspected -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrt", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_equal_shapes_have_a_diagonal_jacobian_in_each_operand(name: str, wrt: int) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0.5, 3, (2, 3)), rng.uniform(0.5, 3, (2, 3))
    report = jacinspect.inspect(name, x, others=(y,), wrt=wrt)
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.structure == "diagonal"
    assert (report.operand.name, report.operand.position) == ("xy"[wrt - 1], wrt)


@pytest.mark.parametrize(
    ("shape", "other", "formula"),
    [
        ((2, 1), (2, 3), "∂A_ij/∂y_pq = A'_ij δ_ip"),
        ((1, 3), (2, 3), "∂A_ij/∂y_pq = A'_ij δ_jq"),
        ((3,), (2, 3), "∂A_ij/∂y_p = A'_ij δ_jp"),
        ((3,), (3, 3), "∂A_ij/∂y_p = A'_ij δ_jp"),
        ((), (2, 3), "∂A_ij/∂y = A'_ij"),
        ((2, 1), (1, 3), "∂A_ij/∂y_pq = A'_ij δ_ip"),
        ((3, 1), (2, 3, 2), "∂A_ijk/∂y_pq = A'_ijk δ_jp"),
    ],
)
def test_a_broadcast_operand(shape: tuple[int, ...], other: tuple[int, ...], formula: str) -> None:
    rng = np.random.default_rng(6)
    x, y, dx = rng.uniform(0.5, 3, shape), rng.uniform(0.5, 3, other), rng.standard_normal(shape)
    report = jacinspect.inspect("div", y, others=(x,), wrt="y", direction=dx, vec="row")
    j, h, c = report.jacobian, report.hadamard, report.chain_rule
    assert j is not None
    assert h is not None
    assert c is not None
    assert (report.verdict, j.structure, j.index_formula) == ("pass", "broadcast", formula)
    outputs, inputs = np.broadcast_shapes(shape, other), np.arange(x.size).reshape(shape)
    expected, dense = np.zeros((int(np.prod(outputs)), x.size)), -y / x**2
    tangent, summed = np.zeros(outputs), np.zeros(x.size)
    read = np.broadcast_to(inputs, outputs)
    for row, place in enumerate(np.ndindex(outputs)):
        expected[row, read[place]] = dense[place]
        tangent[place] = dense[place] * dx.ravel()[read[place]]
        summed[read[place]] += dense[place] * c.factor[place]
    assert j.analytic is not None
    np.testing.assert_allclose(j.analytic.matrix("row"), expected, rtol=1e-14)
    assert report.hadamard_valid
    assert h.hadamard is not None
    assert c.hadamard is not None
    np.testing.assert_allclose(h.hadamard, tangent, rtol=1e-14)
    np.testing.assert_allclose(h.product, tangent, rtol=1e-14)
    np.testing.assert_array_equal(h.written_out, dx.ravel()[read])
    np.testing.assert_allclose(c.hadamard, summed.reshape(shape), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(c.product, summed.reshape(shape), rtol=1e-13, atol=1e-15)
    assert "J009" not in {finding.code for finding in report.findings}


def test_ties_are_kinks_and_pass() -> None:
    report = jacinspect.inspect("maximum", [1.0, 2.0], others=([1.0, 1.0],))
    assert report.verdict == "pass"
    assert [finding.code for finding in report.findings] == ["J003"]


@pytest.mark.parametrize("wrt", [1, 2])
@pytest.mark.parametrize("shape", [(2, 3), (4,), (1, 1), (0, 3), (2, 3, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_generic_points_pass_whatever_the_shape(name: str, shape: tuple[int, ...], wrt: int) -> None:
    rng = np.random.default_rng(8)
    report = jacinspect.inspect(
        name, rng.uniform(0.5, 3, shape), others=(rng.uniform(0.5, 3, shape),), wrt=wrt, direction=np.ones(shape)
    )
    assert report.verdict == "pass", report.findings


@pytest.mark.parametrize(
    ("name", "x", "y", "wrt"),
    [
        ("maximum", 1.5, 1.5, 1), ("minimum", 1.5, 1.5, 2), ("fmax", 1.5, 1.5, 1), ("fmin", -2.0, -2.0, 2),
        ("copysign", 0.0, -2.0, 1), ("hypot", 0.0, 0.0, 1), ("remainder", 6.0, 3.0, 1), ("fmod", 6.0, 3.0, 2),
    ],
)  # fmt: skip
def test_kinks_and_jumps_are_told(name: str, x: float, y: float, wrt: int) -> None:
    report = jacinspect.inspect(name, np.array([x, 0.3]), others=(np.array([y, 0.7]),), wrt=wrt)
    assert report.verdict == "pass"
    assert [finding.code for finding in report.findings] == ["J003"]


def test_a_number_beside_nan_is_inspected_where_nan_is_ignored() -> None:
    report = jacinspect.inspect("fmax", np.array([1.0, 2.0]), others=(np.array([nan, 1.5]),))
    assert report.verdict == "pass"


@pytest.mark.parametrize("entry", [entry for entry in BINARY if entry.domain], ids=lambda entry: entry.name)
def test_the_domain_declared_is_where_there_is_a_value(entry: Any) -> None:
    f = function(entry.name)
    for operand, (low, high) in entry.domain.items():
        assert (operand, high) == ("y", inf)
        x = np.array([2.0, 0.0, -1.0])
        assert np.isfinite(f(x, np.array(math.nextafter(low, inf)))).all()
        assert np.isnan(f(x, np.array(math.nextafter(low, -inf)))).all()
        assert not np.isnan(f(x, np.array(low))).any()


@pytest.mark.parametrize("slope", ["y", "2 * y"])
def test_a_derivative_of_one_s_own_takes_all_operands(slope: str) -> None:
    report = jacinspect.inspect(
        lambda x, y: x * y,
        np.array([[1.0], [2.0]]),
        lambda x, y: eval(slope) * np.ones_like(x),
        others=(np.array([3.0, 4.0, 5.0]),),
    )
    assert report.verdict == ("pass" if slope == "y" else "fail")


def test_a_function_that_couples_what_it_broadcasts_is_not_element_wise() -> None:
    report = jacinspect.inspect(lambda x, y: np.cumsum(x * y, axis=0), np.ones((3, 1)), others=(np.ones((3, 2)),))
    assert not report.hadamard_valid
    assert [finding.code for finding in report.findings] == ["J009"]
    assert "J where broadcasting puts X" in report.findings[0].message


def test_a_vector_written_out_to_a_matrix_by_a_function_of_one() -> None:
    report = jacinspect.inspect(lambda x: np.tile(x**3, (2, 1)), np.array([1.0, 2.0, 3.0]))
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.structure == "broadcast"
