"""The reductions against their textbook formulas at many digits, line by line in plain loops."""

from collections.abc import Callable
from functools import partial
from itertools import product
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
from jacinspect.functions.catalogue.reductions import REDUCTIONS
from jacinspect.functions.function import Function, Parameter
from tests.functions.catalogue.truth import ulps

NAMES = [entry.name for entry in REDUCTIONS]
LIMIT = 10.0  # ulp, of rows as short as these
Floats = NDArray[np.float64]
Row = list[Any]
Shape = tuple[int, ...]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def _mean(row: Row) -> Any:
    return mpmath.fsum(row) / len(row)


def _var(row: Row, correction: int = 0) -> Any:
    return mpmath.fsum((x - _mean(row)) ** 2 for x in row) / (len(row) - correction)


def _std_slopes(row: Row, correction: int = 0) -> Row:
    std = mpmath.sqrt(_var(row, correction))
    return [(x - _mean(row)) / ((len(row) - correction) * std) if std else mpf(0) for x in row]


def _norm(row: Row) -> Any:
    return mpmath.sqrt(mpmath.fsum(x * x for x in row))


def _exps(row: Row) -> Row:
    return [mpmath.exp(x) for x in row]


def _chosen(choose: Callable[[Row], Any], row: Row) -> Row:
    return [mpf(x == choose(row)) / row.count(choose(row)) for x in row]


def _middle(row: Row, interpolation: str = "lower") -> list[int]:
    """The places in the middle of a row in order, one or two."""
    n = len(row)
    return [(n - 1) // 2, n // 2] if interpolation == "midpoint" else [(n - 1) // 2]


def _median(row: Row, interpolation: str = "lower") -> Any:
    return _mean([sorted(row)[place] for place in _middle(row, interpolation)])


def _median_slopes(row: Row, interpolation: str = "lower") -> Row:
    """The same for equal entries, by looking: which places does an entry take, put above or below the others?

    That is a subgradient where the middle place is the first of theirs, or the last.
    """
    middle = _middle(row, interpolation)
    slopes = []
    for i, x in enumerate(row):
        equal = sum(other == x for other in row)
        ahead = sum(other < x for other in row)  # where it comes to stand among its equals if it goes down
        behind = ahead + sum(other == x for k, other in enumerate(row) if k != i)
        slopes.append(_mean([mpf(place in (ahead, behind)) / equal for place in middle]))
    return slopes


# name: the value of a row, and its slopes by every entry
TEXTBOOK: dict[str, tuple[Callable[..., Any], Callable[..., Row]]] = {
    "sum": (mpmath.fsum, lambda row: [mpf(1)] * len(row)),
    "mean": (_mean, lambda row: [mpf(1) / len(row)] * len(row)),
    "prod": (mpmath.fprod, lambda row: [mpmath.fprod(row[:i] + row[i + 1 :]) for i in range(len(row))]),
    "max": (max, partial(_chosen, max)),
    "min": (min, partial(_chosen, min)),
    "logsumexp": (
        lambda row: mpmath.log(mpmath.fsum(_exps(row))),
        lambda row: [e / mpmath.fsum(_exps(row)) for e in _exps(row)],
    ),
    "logmeanexp": (
        lambda row: mpmath.log(_mean(_exps(row))),
        lambda row: [e / mpmath.fsum(_exps(row)) for e in _exps(row)],
    ),
    "l1_norm": (lambda row: mpmath.fsum(map(abs, row)), lambda row: [mpmath.sign(x) for x in row]),
    "median": (_median, _median_slopes),
    "norm": (_norm, lambda row: [x / _norm(row) if _norm(row) else mpf(0) for x in row]),
    "var": (
        _var,
        lambda row, correction=0: [2 * (x - _mean(row)) / (len(row) - correction) for x in row],
    ),
    "std": (lambda row, correction=0: mpmath.sqrt(_var(row, correction)), _std_slopes),
}


def plain(name: str, **parameters: Parameter) -> Function:
    """The reduction; var and std divide by n, so that one entry has them too."""
    return function(name, **({"correction": 0} if name in ("var", "std") else {}), **parameters)


def jacobian(f: Function, x: Floats) -> Floats:
    """The M×N matrix, a column for every unit seed."""
    seeds = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([f.jvp(x, seed).reshape(-1) for seed in seeds]).T.reshape(f(x).size, x.size)


def lines(shape: Shape, axis: int | None) -> list[list[Shape]]:
    """The positions of the operand that go into each output, outputs in row-major order."""
    ranges = [range(size) for size in shape]
    if axis is None:
        return [list(product(*ranges))]
    axis %= len(shape)
    others = product(*ranges[:axis], *ranges[axis + 1 :])
    return [[(*p[:axis], k, *p[axis:]) for k in range(shape[axis])] for p in others]


def test_the_truth_knows_every_reduction() -> None:
    assert set(TEXTBOOK) == set(NAMES)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5,), None), ((5,), 0), ((2, 3), None), ((2, 3), 0), ((2, 3), -1), ((3, 4, 2), None), ((3, 4, 2), 0),
        ((3, 4, 2), 1), ((3, 4, 2), -1), ((1, 3), 0), ((3, 1), None), ((1,), None), ((), None), ((3, 0), 0),
        ((0, 3), 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_value_and_jacobian_line_by_line(name: str, shape: Shape, axis: int | None, keepdims: bool) -> None:
    f, x = plain(name, axis=axis, keepdims=keepdims), np.asarray(np.random.default_rng(4).normal(size=shape))
    value, slopes = TEXTBOOK[name]
    y, matrix = f(x), jacobian(f, x)
    assert y.shape == f.jvp(x, x).shape == np.sum(x, axis=axis, keepdims=keepdims).shape
    truth = np.zeros(matrix.shape)
    read = lines(shape, axis)
    with mpmath.workdps(60):
        for output, positions in enumerate(read):
            row = [mpf(float(x[p])) for p in positions]
            assert float(y.reshape(-1)[output]) == pytest.approx(float(value(row)), rel=1e-14, abs=1e-15)
            for p, slope in zip(positions, slopes(row), strict=True):
                truth[output, np.ravel_multi_index(p, shape) if shape else 0] = float(slope)
    np.testing.assert_allclose(matrix, truth, rtol=1e-13, atol=1e-16)


ROWS: list[list[float]] = [
    [0.1, 0.2, 0.4, 0.8],
    [3.0],
    [0.0, 2.5],
    [0.0, 0.0, 0.0],
    [1e200, 3e200, -2e200],
    [1.7e308, 1.7e308, 1.5e308],
    [1.7e308, -1.7e308, -1.6e308],
    [1e-200, 3e-200, -7e-200],
    [5e-324, 2e-323, 1e-322],
    [1e200, 1e200, 1e-300, 1e-300, 7.0],
    [1e-200, 1e-200, 1e300, 1e300],
    [1e8 + 0.1, 1e8 + 0.2, 1e8 - 0.7],
    [1e16, 1e16 + 2, 1e16 + 6],
    [700.3, 699.9, 0.1],
    [0.0, -700.3, -3.1],
    [-1e3, -1e3 - 1e-9],
    [745.0, 0.0, 1.0],
    [2.0, -1.0, 2.0, 2.0],
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rows_keep_their_digits(name: str, row: list[float]) -> None:
    f, x = plain(name), np.array(row)
    value, slopes = TEXTBOOK[name]
    with mpmath.workdps(1000):
        exact = [mpf(entry) for entry in row]
        true_value = value(exact)
        # a sum of both signs is right to its terms' own ulp
        terms = mpmath.fsum(map(abs, exact)) if name in ("sum", "mean") else abs(true_value)
        assert abs(mpf(float(f(x))) - true_value) <= 4e-15 * terms or ulps(float(f(x)), true_value) <= LIMIT
        for got, true in zip(jacobian(f, x)[0].tolist(), slopes(exact), strict=True):
            assert ulps(got, true) <= LIMIT


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("correction", [-1, 0, 1, 2])
def test_the_correction(name: str, correction: int) -> None:
    x = np.array([1.0, 4.0, 5.5, -2.0])
    f = function(name, correction=correction)
    value, slopes = TEXTBOOK[name]
    assert float(f(x)) == pytest.approx(float(value(x.tolist(), correction)), rel=1e-14)
    np.testing.assert_allclose(jacobian(f, x)[0], [float(s) for s in slopes(x.tolist(), correction)], rtol=1e-14)


@pytest.mark.parametrize("interpolation", ["lower", "midpoint"])
@pytest.mark.parametrize(
    "row",
    [[3.0, 1.0], [4.0, 2.0, 9.0, 3.0], [5.0, 1.0, 2.0], [2.0, 1.0, 2.0, 7.0], [2.0, 2.0, 2.0, 1.0, 5.0], [7.0]],
    ids=str,
)
def test_which_middle(row: list[float], interpolation: str) -> None:
    f, x = function("median", interpolation=interpolation), np.array(row)
    assert float(f(x)) == _median(row, interpolation) == (np.median(x) if interpolation == "midpoint" else f(x))
    np.testing.assert_array_equal(jacobian(f, x)[0], [float(slope) for slope in _median_slopes(row, interpolation)])


def test_a_median_of_infinities_and_of_what_overflows_when_added() -> None:
    f = function("median", interpolation="midpoint")
    assert f(np.array([1.5e308, 1.7e308])) == 1.6e308
    assert f(np.array([5e-324, 5e-324])) == 5e-324
    assert np.isnan(f(np.array([-np.inf, np.inf])))


def test_kinks_are_told() -> None:
    for name, at in (("l1_norm", [0.0, 1.0]), ("median", [1.0, 1.0, 2.0]), ("max", [1.0, 1.0]), ("norm", [0.0, 0.0])):
        report = jacinspect.inspect(name, np.array(at))
        assert report.verdict == "pass"
        assert "J003" in [finding.code for finding in report.findings]


def test_a_mean_of_exps_keeps_the_digits_that_a_difference_of_logs_loses() -> None:
    x = np.array([1e-20, 3e-20])
    assert function("logmeanexp")(x) == pytest.approx(2e-20, rel=1e-15)
    assert function("logsumexp")(x) - np.log(2) == 0


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("constant", [0.1, -1e300, 7.7e-310, 3.0])
@pytest.mark.parametrize("n", [1, 3, 7, 10])
def test_equal_entries_do_not_vary(name: str, constant: float, n: int) -> None:
    f, x = plain(name), np.full(n, constant)
    assert f(x) == 0
    np.testing.assert_array_equal(jacobian(f, x), np.zeros((1, n)))


def test_naive_forms_would_be_refused() -> None:
    with np.errstate(all="ignore"):
        assert not np.isfinite(np.linalg.norm([1e200, 1e200]))
        assert not np.isfinite(np.std([1e200, -1e200]))
        assert not np.isfinite(np.prod([1e200, 1e200, 1e-300]))
        assert not np.isfinite(np.mean([1.7e308, 1.7e308]))
        x = np.array([1.0, 0.0, 2.0])
        assert np.isnan(np.prod(x) / x).any()


@pytest.mark.parametrize(
    ("name", "row", "slopes"),
    [
        ("max", [1.0, 3.0, 3.0, 2.0], [0, 0.5, 0.5, 0]),
        ("max", [0.0, -0.0], [0.5, 0.5]),
        ("max", [np.inf, 1.0, np.inf, np.inf], [1 / 3, 0, 1 / 3, 1 / 3]),
        ("min", [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0]),
        ("min", [-np.inf, 0.0], [1, 0]),
        ("prod", [0.0, 2.0, 3.0], [6, 0, 0]),
        ("prod", [0.0, 0.0, 3.0], [0, 0, 0]),
        ("prod", [0.0, np.inf], [np.inf, 0]),
        ("norm", [0.0, 0.0], [0, 0]),
        ("norm", [np.inf, 1.0], [1, 0]),
        ("norm", [-np.inf, 0.0, np.inf], [-np.sqrt(0.5), 0, np.sqrt(0.5)]),
        ("logsumexp", [np.inf, 1.0], [1, 0]),
        ("logsumexp", [-np.inf, 1.0], [0, 1]),
        ("logmeanexp", [-np.inf, 1.0], [0, 1]),
        ("l1_norm", [0.0, -0.0, -2.0, np.inf], [0, 0, -1, 1]),
        ("median", [1.0, 1.0, 2.0], [0.5, 0.5, 0]),
        ("median", [2.0, 1.0, 2.0, 3.0], [0.5, 0, 0.5, 0]),
        ("median", [1.0, 1.0, 1.0], [0, 0, 0]),  # no entry moves it alone
        ("median", [1.0, 1.0], [0.5, 0.5]),
        ("median", [1.0, 1.0, 1.0, 0.0, -1.0, 2.0, 3.0, 0.0], [1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0, 0]),
        ("median", [-np.inf, np.inf, 1.0], [0, 0, 1]),
    ],
)
def test_ties_and_the_ends_of_the_line(name: str, row: list[float], slopes: list[float]) -> None:
    np.testing.assert_allclose(jacobian(function(name), np.array(row))[0], slopes, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("sum", [np.inf, -np.inf], np.nan),
        ("sum", [1.7e308, 1.7e308], np.inf),
        ("mean", [np.inf, 1.0], np.inf),
        ("prod", [0.0, np.inf], np.nan),
        ("prod", [-2.0, np.inf], -np.inf),
        ("prod", [1e200, 1e200], np.inf),
        ("max", [np.inf, 1.0], np.inf),
        ("min", [-np.inf, -np.inf], -np.inf),
        ("logsumexp", [np.inf, np.inf], np.inf),
        ("logsumexp", [-np.inf, -np.inf], -np.inf),
        ("logsumexp", [-np.inf, 2.0], 2),
        ("logmeanexp", [np.inf, np.inf], np.inf),
        ("logmeanexp", [-np.inf, -np.inf], -np.inf),
        ("logmeanexp", [0.0, 0.0, 0.0], 0),
        ("logmeanexp", [1.7e308, 1.7e308], 1.7e308),
        ("l1_norm", [-np.inf, 1.0], np.inf),
        ("median", [-np.inf, np.inf], -np.inf),
        ("norm", [-np.inf, 1.0], np.inf),
        ("var", [np.inf, 1.0], np.nan),
        ("var", [1e200, -1e200], np.inf),
        ("std", [np.inf, 1.0], np.nan),
    ],
)
def test_values_at_the_ends_of_the_line(name: str, row: list[float], value: float) -> None:
    np.testing.assert_array_equal(function(name)(np.array(row)), value)


@pytest.mark.parametrize("name", NAMES)
def test_nan_gives_nan_in_its_own_line_alone(name: str) -> None:
    x = np.array([[1.0, np.nan, 2.0], [np.inf, 1.0, np.nan], [1.0, 5.0, 2.0]])
    f = function(name, axis=1)
    assert np.isnan(f(x)).tolist() == [True, True, False]
    if name not in ("sum", "mean"):  # whose tangents do not look at x
        assert np.isnan(f.jvp(x, np.array([1.0, 2.0, 3.0]) * np.ones((3, 3)))).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("name", "value"), [("sum", 0), ("prod", 1), ("norm", 0), ("l1_norm", 0), ("logsumexp", -np.inf)]
)
def test_of_no_entries_where_there_is_an_answer(name: str, value: float) -> None:
    np.testing.assert_array_equal(function(name)(np.zeros(0)), value)
    np.testing.assert_array_equal(function(name, axis=0)(np.zeros((0, 3))), [value] * 3)
    np.testing.assert_array_equal(function(name, axis=0).jvp(np.zeros((0, 3)), np.zeros((0, 3))), [0] * 3)
    assert function(name, axis=1, keepdims=True)(np.zeros((0, 3))).shape == (0, 1)


@pytest.mark.parametrize("name", ["mean", "max", "min", "var", "std", "logmeanexp", "median"])
def test_of_no_entries_where_there_is_none(name: str) -> None:
    empty = np.zeros((0, 3))
    for axis, where in ((None, ""), (-2, " along axis -2")):
        f = function(name, axis=axis)
        for rule, operands in ((f, [empty]), (f.jvp, [empty, empty])):
            with pytest.raises(InputError) as error:
                rule(*operands)
            assert str(error.value) == f"{name}: an operand of shape 0×3 has no entries{where} to take it of"


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sum", {"axis": 0.5}, "sum: axis must be an integer or none, not 0.5"),
        ("sum", {"axis": True}, "sum: axis must be an integer or none, not true"),
        ("max", {"axis": "last"}, "max: axis must be an integer or none, not 'last'"),
        ("sum", {"axis": np.inf}, "sum: axis must be an integer or none, not inf"),
        ("sum", {"keepdims": 3}, "sum: keepdims must be true or false, not 3"),
        ("sum", {"keepdims": None}, "sum: keepdims must be true or false, not none"),
        ("mean", {"keepdims": "yes"}, "mean: keepdims must be true or false, not 'yes'"),
        ("var", {"correction": 0.5}, "var: correction must be an integer, not 0.5"),
        ("median", {"interpolation": "upper"}, "median: interpolation must be lower or midpoint, not 'upper'"),
        ("std", {"correction": None}, "std: correction must be an integer, not none"),
        ("sum", {"dim": 0}, "sum has no parameter 'dim'; it has axis, keepdims"),
    ],
)
def test_parameters_that_make_no_sense(name: str, parameters: dict[str, Parameter], message: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, **parameters)
    assert str(error.value) == message


def test_parameters_that_do() -> None:
    assert dict(function("median").parameters) == {"axis": None, "interpolation": "lower", "keepdims": False}
    assert dict(function("amax").parameters) == {"axis": None, "keepdims": False}
    assert dict(function("sum", axis=None, keepdims=True).parameters) == {"axis": None, "keepdims": True}
    assert dict(function("var", axis=1.0).parameters) == {"axis": 1, "correction": 1, "keepdims": False}


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_that_the_operand_lacks(name: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, axis=2)(np.zeros((2, 3)))
    assert str(error.value) == f"{name}: axis 2 is out of range for an operand of shape 2×3; its axes are -2 to 1"
    with pytest.raises(InputError) as error:
        function(name, axis=0)(np.array(1.0))
    assert str(error.value) == f"{name}: axis 0 is out of range for an operand of shape scalar; it has no axes"


def test_a_correction_that_leaves_nothing() -> None:
    with pytest.raises(InputError) as error:
        function("std", axis=1, correction=1)(np.zeros((3, 1)))
    assert str(error.value) == "std: n - correction = 0 cannot be divided by, n = 1 being averaged over"


@given(
    st.sampled_from(NAMES),
    st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.bool_]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4))
    ),
)
def test_any_shape_and_dtype(name: str, x: NDArray[np.generic]) -> None:
    f, before = plain(name), x.tobytes()
    y, tangent = f(x), f.jvp(x, np.ones_like(x))
    assert y.shape == tangent.shape == ()
    assert y.dtype == tangent.dtype == (x.dtype if x.dtype in (np.float16, np.float32) else np.float64)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(y, f(x.astype(np.float64)).astype(y.dtype))
    assert x.tobytes() == before


# --- Inspected --------------------------------------------------------------------------------------------------------


# What the least operands are refused with, where a function is not defined on them.
REFUSED: dict[tuple[str, Shape], str] = {
    **{
        (name, (0, 3)): "an operand of shape 0×3 has no entries to take it of"
        for name in ("mean", "max", "min", "var", "std", "logmeanexp", "median")
    },
    **{(name, (1, 1)): "n - correction = 0 cannot be divided by, n = 1 being averaged over" for name in ("var", "std")},
}
TAKEN = [(n, s) for n in NAMES for s in [(2, 3), (4,), (1, 1), (0, 3), (2, 3, 2)] if (n, s) not in REFUSED]


@pytest.mark.parametrize(("name", "shape"), REFUSED)
def test_a_shape_with_too_few_entries_is_refused_clearly(name: str, shape: Shape) -> None:
    with pytest.raises(InputError, match=REFUSED[name, shape]):
        jacinspect.inspect(name, np.zeros(shape))


@pytest.mark.parametrize(("name", "shape"), TAKEN)
def test_every_other_shape_passes(name: str, shape: Shape) -> None:
    x = np.random.default_rng(3).normal(size=shape)
    for axis in [None, *range(-1, x.ndim)] if x.size > 1 else [None]:
        report = jacinspect.inspect(name, x, parameters={"axis": axis})
        if (name, x.size) == ("logsumexp", 0):
            assert [finding.message for finding in report.findings][:1] == ["A is -inf whatever the operand is"]
        else:
            assert report.verdict == "pass", report.findings


@pytest.mark.parametrize("parameters", [{}, {"axis": 0}, {"axis": -1, "keepdims": True}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_its_jacobian_is_right_and_is_found(name: str, parameters: dict[str, Parameter]) -> None:
    report = jacinspect.inspect(name, np.random.default_rng(2).normal(size=(3, 4)), parameters=parameters)
    assert report.verdict == "pass", report.findings
    assert report.function.kind == "reduction"
    written = report.to_dict()["function"]["parameters"]
    assert (written["axis"], written["keepdims"]) == (parameters.get("axis"), parameters.get("keepdims", False))
