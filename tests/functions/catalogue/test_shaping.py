"""The shape-changing functions against their textbook formulas at many digits, entry by entry in plain loops."""

import itertools
from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mpf
from numpy.typing import NDArray

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.shaping import SHAPING
from jacinspect.functions.function import Function, Parameter
from tests.functions.catalogue.truth import DIGITS, TEXTBOOK, ulps

NAMES = [entry.name for entry in SHAPING]
LIMIT = 10.0  # ulp
Floats = NDArray[np.float64]
Shape = tuple[int, ...]

# The gate of each; its value and derivative are the element-wise function's.
GATES = {
    "glu": TEXTBOOK["sigmoid"],
    "bilinear_glu": TEXTBOOK["identity"],
    "reglu": TEXTBOOK["relu"],
    "geglu": TEXTBOOK["gelu"],
    "swiglu": TEXTBOOK["silu"],
}

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def jacobian(f: Function, x: Floats) -> Floats:
    """The M×N matrix, a column for every unit seed."""
    seeds = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([f.jvp(x, seed).reshape(-1) for seed in seeds]).T.reshape(f(x).size, x.size)


# --- Line by line, in loops ------------------------------------------------------------------------------------------

Row = list[float]
Rows = tuple[Row, list[Row]]  # the outputs of a line, and the slopes of each by every entry


def _halves(name: str, row: Row, gate: str = "second", **parameters: float) -> Rows:
    k = len(row) // 2
    value, slope = GATES[name]
    outputs, slopes = [], []
    for i in range(k):
        a, b = (i, i + k) if gate == "second" else (i + k, i)
        outputs.append(float(row[a] * value(mpf(row[b]), **parameters)))
        line = [0.0] * len(row)
        line[a], line[b] = float(value(mpf(row[b]), **parameters)), float(row[a] * slope(mpf(row[b]), **parameters))
        slopes.append(line)
    return outputs, slopes


def _crelu(row: Row) -> Rows:
    n = range(len(row))
    outputs = [max(x, 0.0) for x in row] + [max(-x, 0.0) for x in row]
    above = [[float(i == j and row[j] > 0) for j in n] for i in n]
    return outputs, above + [[-float(i == j and row[j] < 0) for j in n] for i in n]


def _maxout(row: Row, size: int = 2) -> Rows:
    outputs, slopes = [], []
    for start in range(0, len(row), size):
        group = row[start : start + size]
        outputs.append(max(group))
        equal = [start + j for j, x in enumerate(group) if x == max(group)]
        slopes.append([1 / len(equal) if j in equal else 0.0 for j in range(len(row))])
    return outputs, slopes


def _diff(row: Row) -> Rows:
    n = len(row)
    outputs = [row[i + 1] - row[i] for i in range(n - 1)]
    return outputs, [[float(j == i + 1) - float(j == i) for j in range(n)] for i in range(n - 1)]


LINES: dict[str, Callable[..., Rows]] = {
    **{name: partial(_halves, name) for name in GATES},
    "crelu": _crelu,
    "maxout": _maxout,
    "diff": _diff,
}


def by_lines(name: str, x: Floats, axis: int, parameters: dict[str, Any]) -> tuple[Floats, Floats]:
    """The output and the Jacobian, from what becomes of each line along the axis."""
    places = np.moveaxis(np.arange(x.size).reshape(x.shape), axis, -1)
    lengths = len(LINES[name](np.zeros(x.shape[axis]).tolist(), **parameters)[0])
    shape = list(x.shape)
    shape[axis] = lengths
    targets = np.moveaxis(np.arange(int(np.prod(shape))).reshape(shape), axis, -1)
    flat, output, matrix = x.reshape(-1), np.zeros(int(np.prod(shape))), np.zeros((int(np.prod(shape)), x.size))
    for line in np.ndindex(places.shape[:-1]):
        outputs, slopes = LINES[name](flat[places[line]].tolist(), **parameters)
        output[targets[line]] = outputs
        matrix[np.ix_(targets[line], places[line])] = np.array(slopes).reshape(lengths, x.shape[axis])
    return output.reshape(shape), matrix


CASES: list[tuple[Shape, int]] = [
    ((4,), 0), ((4,), -1), ((2, 4), -1), ((2, 4), 1), ((2, 3), 0), ((2, 3, 2), -1), ((2, 3, 2), 0), ((3, 4, 2), 1),
    ((0, 4), -1), ((0, 3), 0), ((1, 2), 1), ((6, 1), 0),
]  # fmt: skip
PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in LINES),
    *((name, {"gate": "first"}) for name in GATES),
    ("swiglu", {"beta": 1.702}),
    ("swiglu", {"beta": -0.5, "gate": "first"}),
    ("swiglu", {"beta": 0.0}),
]


@pytest.mark.parametrize(("shape", "axis"), CASES)
@pytest.mark.parametrize(("name", "parameters"), PARAMETERS, ids=str)
def test_value_and_jacobian_by_plain_loops(name: str, parameters: dict[str, Any], shape: Shape, axis: int) -> None:
    f, x = function(name, axis=axis, **parameters), np.random.default_rng(4).normal(size=shape)
    output, matrix = by_lines(name, x, axis, parameters)
    assert f(x).shape == f.jvp(x, x).shape == output.shape
    np.testing.assert_allclose(f(x), output, rtol=1e-14)
    np.testing.assert_allclose(jacobian(f, x), matrix, rtol=1e-13)
    np.testing.assert_allclose(f.jvp(x, 2.5 * np.ones(shape)).reshape(-1), matrix @ np.full(x.size, 2.5), rtol=1e-12)


@pytest.mark.parametrize(("shape", "axis", "size"), [((6,), 0, 3), ((2, 6), -1, 3), ((4, 3), 0, 4), ((3, 5), 1, 1)])
def test_groups_of_any_size(shape: Shape, axis: int, size: int) -> None:
    f, x = function("maxout", axis=axis, size=size), np.random.default_rng(5).integers(0, 3, shape).astype(float)
    output, matrix = by_lines("maxout", x, axis, {"size": size})
    np.testing.assert_array_equal(f(x), output)
    np.testing.assert_allclose(jacobian(f, x), matrix, rtol=1e-15)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0, 3), (2, 3, 2)])
def test_flatten(shape: Shape) -> None:
    f, x = function("flatten"), np.random.default_rng(6).normal(size=shape)
    assert f(x).tolist() == [float(x[place]) for place in np.ndindex(shape)]
    np.testing.assert_array_equal(jacobian(f, x), np.eye(x.size))


# --- To the last bits ------------------------------------------------------------------------------------------------


def pairs() -> tuple[Floats, Floats]:
    """a of every scale crossed with b where gates are ordinary, underflow, or have a derivative of 0."""
    a = np.array([0.0, 5e-324, 3e-310, 1e-300, 7e-160, 0.3, 1.0, 37.1, 1e154, 3e300, 1.7976931348623157e308])
    b = np.array([0.0, 5e-324, 1e-310, 1e-20, 1e-5, 0.1, 0.7, 0.7517915246935645, 1.0, 1.2784645427610737, 2.4, 5.0])
    b = np.concatenate([b, [20.0, 37.7, 38.6, 45.3, 53.8, 54.7, 90.0, 333.3, 709.8, 745.2, 1100.7, 1416.3, 1455.1]])
    b = np.concatenate([b, [1500.0, 1e10, 1e154, 1e300, 1.7976931348623157e308]])
    crossed = list(itertools.product([*a, *-a[1:]], [*b, *-b[1:]]))
    rng = np.random.default_rng(1)
    ordinary = (10.0 ** rng.uniform(-300, 300, 400) * rng.choice([-1, 1], 400), rng.normal(size=400) * 40)
    left, right = np.concatenate([np.array(crossed).T, ordinary], axis=1)
    return left, right


def worst_of_gated(name: str, which: int, **parameters: float) -> tuple[float, tuple[float, float]]:
    """The largest error in ulp of a · g(b), of its slope by a, or by b, and where."""
    f = function(name, axis=0, **parameters)
    x = np.stack(pairs())
    value, slope = (partial(rule, **parameters) for rule in GATES[name])
    seeds = np.zeros_like(x)
    seeds[which - 1] = 1
    got = f(x) if which == 0 else f.jvp(x, seeds)
    errors = []
    with mpmath.workdps(DIGITS):
        for computed, a, b in zip(got[0].tolist(), *x.tolist(), strict=True):
            exact = value(mpf(b)) if which == 1 else mpf(a) * (slope if which else value)(mpf(b))
            errors.append((ulps(computed, exact), (a, b)))
    return max(errors)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["value", "by a", "by b"])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [*((name, {}) for name in GATES), *(("swiglu", {"beta": beta}) for beta in (1.702, -2.0, 0.0, 1e-305, 1e100))],
    ids=str,
)
def test_halves_are_within_ten_ulp(name: str, parameters: dict[str, float], which: int) -> None:
    error, at = worst_of_gated(name, which, **parameters)
    assert error <= LIMIT, f"{error:g} ulp at {at!r}"


def test_a_gate_that_underflows_would_lose_the_product() -> None:
    x = np.array([1e300, -800.0])
    assert function("sigmoid")(x[1:]) == 0
    assert float(function("glu")(x)[0]) == pytest.approx(3.672e-48, rel=1e-3)
    assert float(function("swiglu")(x)[0]) == pytest.approx(-800 * 3.672e-48, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "a", "b", "value", "by_a", "by_b"),
    [
        ("glu", -inf, 0, -inf, 0.5, -inf),
        ("glu", -inf, -1e4, -inf, 0, -inf),  # the gate is positive, however small
        ("glu", 2, -inf, 0, 0, 0),
        ("glu", 2, inf, 2, 1, 0),
        ("glu", inf, -inf, nan, 0, nan),
        ("glu", inf, inf, inf, 1, nan),
        ("bilinear_glu", inf, 0, nan, 0, inf),
        ("bilinear_glu", inf, -2, -inf, -2, inf),
        ("reglu", -inf, -3, 0, 0, 0),  # 0 all around
        ("reglu", -inf, -inf, 0, 0, 0),
        ("reglu", -inf, 0, nan, 0, nan),
        ("reglu", -inf, 2, -inf, 2, -inf),
        ("geglu", inf, -60, -inf, -0.0, -inf),
        ("geglu", 2, -inf, 0, 0, 0),
        ("geglu", -1, inf, -inf, inf, -1),
        ("geglu", inf, -inf, nan, 0, nan),
        ("swiglu", -inf, -1e4, inf, -0.0, inf),
        ("swiglu", 2, -inf, 0, 0, 0),
        ("swiglu", 2, inf, inf, inf, 2),
        ("swiglu", -inf, -inf, nan, 0, nan),
    ],
)
def test_halves_at_the_ends_of_the_line(name: str, a: float, b: float, value: float, by_a: float, by_b: float) -> None:
    f, x = function(name), np.array([a, b], float)
    np.testing.assert_array_equal([f(x)[0], *jacobian(f, x)[0]], [value, by_a, by_b])


@pytest.mark.parametrize("name", NAMES)
def test_nan_gives_nan_in_what_reads_it_alone(name: str) -> None:
    x = np.array([[1.0, 2.0, nan, 4.0], [4.0, 3.0, 2.0, 1.0]])
    f = function(name)
    reading = {"crelu": [2, 6], "maxout": [1], "diff": [1, 2], "flatten": [2]}.get(name, [0])
    places = np.zeros(f(x).size, bool)
    places[reading] = True
    np.testing.assert_array_equal(np.isnan(f(x).reshape(-1)), places)
    if name not in ("diff", "flatten"):  # whose tangents do not look at x
        tangent = f.jvp(x, np.array([1.0, 2.0, 3.0, 5.0]) * np.ones((2, 4)))
        np.testing.assert_array_equal(np.isnan(tangent.reshape(-1)), places)
    x[0, 2], x[0, 0] = 1.0, nan
    if name in GATES:
        assert (
            np.isnan(f(x)).tolist() == np.isnan(f.jvp(x, np.ones((2, 4)))).tolist() == [[True, False], [False, False]]
        )


# --- What does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GATES)
def test_an_odd_length_has_no_halves(name: str) -> None:
    words = "has 3 entries, which are no two halves; give it 4 or another even number"
    for axis, shape, typed in ((-1, (2, 3), "2×3"), (0, (3, 2), "3×2")):
        f, x = function(name, axis=axis), np.zeros(shape)
        for rule, operands in ((f, [x]), (f.jvp, [x, x])):
            with pytest.raises(InputError) as error:
                rule(*operands)
            assert str(error.value) == f"{name}: axis {axis} of an operand of shape {typed} {words}"
    with pytest.raises(InputError, match="has 1 entry, which is no two halves; give it 2"):
        jacinspect.inspect(name, np.ones((1, 1)))


@pytest.mark.parametrize(
    ("n", "size", "words"),
    [
        (5, 2, "has 5 entries, which are no groups of 2; give it 4 or 6"),
        (2, 3, "has 2 entries, which are no groups of 3; give it 3"),
        (1, 2, "has 1 entry, which is no groups of 2; give it 2"),
    ],
)
def test_groups_that_do_not_come_out(n: int, size: int, words: str) -> None:
    with pytest.raises(InputError) as error:
        function("maxout", size=size)(np.zeros((2, n)))
    assert str(error.value) == f"maxout: axis -1 of an operand of shape 2×{n} {words}"


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("maxout", {"size": 0}, "maxout: size must be greater than 0, not 0"),
        ("maxout", {"size": 1.5}, "maxout: size must be an integer, not 1.5"),
        ("glu", {"gate": "third"}, "glu: gate must be second or first, not 'third'"),
        ("glu", {"dim": 1}, "glu has no parameter 'dim'; it has axis, gate"),
        ("swiglu", {"beta": "x"}, "swiglu: beta must be a number, not 'x'"),
    ],
)
def test_parameters_that_make_no_sense(name: str, parameters: dict[str, Parameter], message: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, **parameters)
    assert str(error.value) == message


@pytest.mark.parametrize("name", LINES)
def test_an_axis_that_the_operand_lacks(name: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, axis=2)(np.zeros((2, 4)))
    assert str(error.value) == f"{name}: axis 2 is out of range for an operand of shape 2×4; its axes are -2 to 1"
    with pytest.raises(InputError) as error:
        function(name)(np.array(1.0))
    assert str(error.value) == f"{name}: axis -1 is out of range for an operand of shape scalar; it has no axes"


@given(
    st.sampled_from(NAMES),
    st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.bool_]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(0, 3), st.sampled_from([0, 2, 4])))
    ),
)
def test_any_shape_and_dtype(name: str, x: NDArray[np.generic]) -> None:
    f, before = function(name), x.tobytes()
    y, tangent = f(x), f.jvp(x, np.ones_like(x))
    assert y.shape == tangent.shape
    assert y.dtype == tangent.dtype == (x.dtype if x.dtype in (np.float16, np.float32) else np.float64)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(y, f(x.astype(np.float64)).astype(y.dtype))
    assert x.tobytes() == before


# --- Inspected -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "axis"), CASES)
@pytest.mark.parametrize("name", LINES)
def test_its_jacobian_is_right_and_is_found(name: str, shape: Shape, axis: int) -> None:
    x = np.random.default_rng(2).normal(size=shape)
    report = jacinspect.inspect(name, x, parameters={"axis": axis}, vec="row")
    assert report.verdict == "pass", report.findings
    assert report.function.kind == "shape-changing"
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    np.testing.assert_allclose(report.jacobian.analytic.matrix("row"), by_lines(name, x, axis, {})[1], rtol=1e-13)


@pytest.mark.parametrize("name", ["crelu", "flatten", "diff"])
@pytest.mark.parametrize("shape", [(2, 3), (4,), (1, 1), (0, 3), (2, 3, 2)])
def test_shapes_of_any_length_pass(name: str, shape: Shape) -> None:
    report = jacinspect.inspect(name, np.random.default_rng(2).normal(size=shape))
    assert report.verdict == "pass", report.findings


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 3, 2)])
def test_what_flatten_declares_is_found(shape: Shape) -> None:
    report = jacinspect.inspect("flatten", np.random.default_rng(2).normal(size=shape), vec="row")
    assert report.jacobian is not None
    assert report.jacobian.structure in ("diagonal", "identity", "zero")


@pytest.mark.parametrize(
    ("name", "row"),
    [("reglu", [1.0, 2.0, 0.0, 1.0]), ("crelu", [0.0, 1.0]), ("maxout", [1.0, 1.0, 2.0, 3.0])],
)
def test_kinks_and_ties_are_told(name: str, row: list[float]) -> None:
    report = jacinspect.inspect(name, np.array(row))
    assert report.verdict == "pass"
    assert [finding.code for finding in report.findings if finding.code != "J009"] == ["J003"]
