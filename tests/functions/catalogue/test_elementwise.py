import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mpf
from numpy.typing import NDArray

from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Parameter
from tests.functions.catalogue.truth import DOMAINS, TEXTBOOK, defined, domain, grid, sloped, worst

NAMES = [entry.name for entry in ENTRIES if entry.derivative]
LIMIT = 10.0  # ulp
CASES: list[tuple[str, dict[str, Parameter]]] = [
    *[(name, {}) for name in NAMES],
    ("relu", {"negative_slope": 0.1, "max_value": 6.0, "threshold": 0.3}),
    ("relu", {"negative_slope": -0.3}),
    ("prelu", {"weight": -1.7}),
    ("rrelu", {"lower": -0.3, "upper": 0.7}),
    ("threshold", {"threshold": -3.0, "value": 0.0}),
    ("hard_tanh", {"min_val": -0.3, "max_val": 1.702}),
    ("hard_tanh", {"min_val": 2.0, "max_val": 2.0}),
    ("hard_shrink", {"lambd": 0.3}),
    ("hard_shrink", {"lambd": 0.0}),
    ("soft_shrink", {"lambd": 0.3}),
    ("soft_shrink", {"lambd": 0.0}),
    ("leaky_relu", {"negative_slope": 0.0}),
    ("leaky_relu", {"negative_slope": 1.7}),
    ("elu", {"alpha": 0.3}),
    ("elu", {"alpha": 0.0}),
    ("elu", {"alpha": -1.702}),
    ("celu", {"alpha": 0.3}),
    ("celu", {"alpha": 17.3}),
    ("celu", {"alpha": 1e10}),
    ("smelu", {"beta": 0.3}),
    ("smelu", {"beta": 17.3}),
    ("squareplus", {"b": 0.3}),
    ("squareplus", {"b": 1e6}),
    ("isru", {"alpha": 0.3}),
    ("isru", {"alpha": 17.3}),
    ("isrlu", {"alpha": 0.3}),
    ("softcap", {"cap": 50.0}),
    ("softcap", {"cap": 0.3}),
    ("snake", {"alpha": 0.3}),
    ("snake", {"alpha": -1.0}),
    ("gelu", {"approximate": "tanh"}),
    ("silu", {"beta": 1.702}),
    ("silu", {"beta": 0.3}),
    ("silu", {"beta": -1.1}),
    ("silu", {"beta": 0.0}),
    ("heaviside", {"at_zero": 0.0}),
    ("softplus", {"beta": 0.3}),
    ("softplus", {"beta": 17.3}),
    ("softplus", {"threshold": 20.0}),
]
IDS = ["-".join([name, *(f"{key}={value}" for key, value in parameters.items())]) for name, parameters in CASES]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def test_the_truth_knows_every_function() -> None:
    assert set(TEXTBOOK) == set(NAMES) > set(DOMAINS)


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
def test_value_and_derivative_are_within_ten_ulp(name: str, parameters: dict[str, Parameter]) -> None:
    f, x = function(name, **parameters), domain(name, grid())
    if name == "snake":  # farther out, its derivative's double zeros are lost: see below
        x = x[np.abs(x) < 1e15]
    assert x.size > 120
    assert f.derivative is not None
    for got, truth in zip((f(x), f.derivative(x)), TEXTBOOK[name], strict=True):
        error, at = worst(got, x, partial(truth, **parameters))
        assert error <= LIMIT, f"{error:g} ulp at {at!r}"


@pytest.mark.parametrize(
    ("name", "parameters", "zero"),
    [
        ("gelu", {}, -0.7517915246935645),
        ("gelu_tanh", {}, -0.7524614220710163),
        ("mish", {}, -1.1924312145154952),
        ("tanh_exp", {}, -1.078860058464624),
        ("quick_gelu", {}, -1.2784645427610737 / 1.702),
        ("hard_swish", {}, -1.5),
        ("silu", {}, -1.2784645427610737),
        ("silu", {"beta": 1.702}, -1.2784645427610737 / 1.702),
    ],
)
def test_a_derivative_keeps_its_digits_beside_its_zero(
    name: str, parameters: dict[str, Parameter], zero: float
) -> None:
    f = function(name, **parameters)
    assert f.derivative is not None
    steps = np.concatenate([[0.0], *(10.0 ** -np.arange(0.2, 16.5, 0.25) * side for side in (-1, 1)), [-0.33, 0.33]])
    x = zero + steps
    error, at = worst(f.derivative(x), x, partial(TEXTBOOK[name][1], **parameters))
    assert error <= LIMIT, f"{error:g} ulp at {at!r}"


@pytest.mark.parametrize("alpha", [1.0, 0.3, -1.702])
def test_double_zeros_of_a_derivative(alpha: float) -> None:
    f = function("snake", alpha=alpha)
    assert f.derivative is not None
    zeros = (np.arange(-40, 41) - 0.25) * np.pi / alpha
    truth = partial(TEXTBOOK["snake"][1], alpha=alpha)
    for distance, limit in ((1e-9, LIMIT), (-1e-12, LIMIT), (1e-3, LIMIT), (0.0, 200)):
        assert worst(f.derivative(zeros + distance), zeros + distance, truth)[0] <= limit
    far = np.concatenate([np.logspace(15, 300, 58), -np.logspace(15, 300, 58)])
    assert worst(f(far), far, partial(TEXTBOOK["snake"][0], alpha=alpha))[0] <= LIMIT
    np.testing.assert_allclose(f.derivative(far), [float(truth(mpf(x))) for x in far.tolist()], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_waves_keep_their_digits_beside_their_zeros_and_far_out(name: str) -> None:
    f = function(name)
    assert f.derivative is not None
    multiples = np.concatenate([np.arange(1, 40), 10.0 ** np.arange(2, 300, 7)]) * (np.pi / 2)
    x = np.concatenate([np.nextafter(multiples, 0), multiples, np.nextafter(multiples, np.inf)])
    nearest = np.ldexp([6381956970095103.0], 797)  # of all doubles, to a multiple: the C library itself is 8 ulp off
    for points, limit in ((np.append(x, [355.0, 1e22]), LIMIT), (nearest, 30)):
        for got, truth in zip((f(points), f.derivative(points)), TEXTBOOK[name], strict=True):
            error, at = worst(got, points, truth)
            assert error <= limit, f"{error:g} ulp at {at!r}"


def test_the_judge_refuses_naive_forms() -> None:
    x = np.linspace(-50, 50, 101)
    s, e = 1 / (1 + np.exp(-x)), np.exp(np.minimum(x, 0))
    naive = {
        ("sigmoid", 1): s * (1 - s),
        ("tanh", 1): 1 - np.tanh(x) ** 2,
        ("elu", 1): np.where(x > 0, 1, (e - 1) + 1),
        ("softplus", 0): np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20)))),
    }
    for (name, which), form in naive.items():
        assert worst(form, x, TEXTBOOK[name][which])[0] > 1e4, name
    x = np.concatenate([domain("rsqrt", grid())[1:], np.logspace(154.2, 161, 20)])
    with np.errstate(all="ignore"):
        naive = {
            ("rsqrt", 1): -0.5 / (x * np.sqrt(x)),
            ("reciprocal", 1): -1 / x**2,
            ("log1p", 0): np.log(1 + x),
            ("expm1", 0): np.exp(x) - 1,
            ("atan", 1): 1 / (1 + x**2),
            ("sinh", 0): (np.exp(x) - np.exp(-x)) / 2,
            ("asinh", 0): np.log(x + np.sqrt(x**2 + 1)),
            ("asinh", 1): 1 / np.sqrt(1 + x**2),
            ("erf", 1): np.exp(-x * x) * 2 / np.sqrt(np.pi),
            ("erfc", 0): 1 - np.vectorize(math.erf)(x),
            ("ndtr", 1): np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
            ("log_sigmoid", 0): np.log(1 / (1 + np.exp(-x))),
            ("log_sigmoid", 1): 1 - 1 / (1 + np.exp(-x)),
        }
    for (name, which), form in naive.items():
        assert worst(form, x, TEXTBOOK[name][which])[0] > 100, name
    x = np.linspace(-8, -4, 50)
    half = (1 + np.vectorize(math.erf)(x / np.sqrt(2))) / 2
    for name, form in (("ndtr", half), ("log_ndtr", np.log(half))):
        assert worst(form, x, TEXTBOOK[name][0])[0] > 100, name
    assert worst([np.nan], [1.0], TEXTBOOK["exp"][0])[0] == np.inf
    assert worst([np.inf], [1.0], TEXTBOOK["exp"][0])[0] == np.inf
    assert worst([1.7e308], [1e3], TEXTBOOK["exp"][0])[0] == np.inf


@pytest.mark.parametrize(
    ("name", "value_below", "value_above", "slope_below", "slope_above"),
    [
        ("sigmoid", 0, 1, 0, 0),
        ("tanh", -1, 1, 0, 0),
        ("relu", 0, np.inf, 0, 1),
        ("leaky_relu", -np.inf, np.inf, 0.01, 1),
        ("elu", -1, np.inf, 0, 1),
        ("gelu", 0, np.inf, 0, 1),
        ("silu", 0, np.inf, 0, 1),
        ("softplus", 0, np.inf, 0, 1),
        ("identity", -np.inf, np.inf, 1, 1),
        ("square", np.inf, np.inf, -np.inf, np.inf),
        ("exp", 0, np.inf, 0, np.inf),
        ("abs", np.inf, np.inf, -1, 1),
        ("sqrt", np.nan, np.inf, np.nan, 0),
        ("rsqrt", np.nan, 0, np.nan, 0),
        ("reciprocal", 0, 0, 0, 0),
        ("log", np.nan, np.inf, np.nan, 0),
        ("log1p", np.nan, np.inf, np.nan, 0),
        ("expm1", -1, np.inf, 0, np.inf),
        ("sin", *[np.nan] * 4),
        ("cos", *[np.nan] * 4),
        ("tan", *[np.nan] * 4),
        ("atan", -np.pi / 2, np.pi / 2, 0, 0),
        ("sinh", -np.inf, np.inf, np.inf, np.inf),
        ("cosh", np.inf, np.inf, -np.inf, np.inf),
        ("asinh", -np.inf, np.inf, 0, 0),
        ("cbrt", -np.inf, np.inf, 0, 0),
        ("log2", np.nan, np.inf, np.nan, 0),
        ("log10", np.nan, np.inf, np.nan, 0),
        ("logit", *[np.nan] * 4),
        ("exp2", 0, np.inf, 0, np.inf),
        ("asin", *[np.nan] * 4),
        ("acos", *[np.nan] * 4),
        ("acosh", np.nan, np.inf, np.nan, 0),
        ("atanh", *[np.nan] * 4),
        ("sign", -1, 1, 0, 0),
        ("heaviside", 0, 1, 0, 0),
        ("floor", -np.inf, np.inf, 0, 0),
        ("ceil", -np.inf, np.inf, 0, 0),
        ("round", -np.inf, np.inf, 0, 0),
        ("trunc", -np.inf, np.inf, 0, 0),
        ("erf", -1, 1, 0, 0),
        ("erfc", 2, 0, 0, 0),
        ("ndtr", 0, 1, 0, 0),
        ("log_ndtr", -np.inf, 0, np.inf, 0),
        ("log_sigmoid", -np.inf, 0, 1, 0),
        ("relu6", 0, 6, 0, 0),
        ("prelu", -np.inf, np.inf, 0.25, 1),
        ("rrelu", -np.inf, np.inf, 0.22916666666666666, 1),
        ("threshold", 20, np.inf, 0, 1),
        ("hard_tanh", -1, 1, 0, 0),
        ("hard_sigmoid", 0, 1, 0, 0),
        ("hard_sigmoid_keras2", 0, 1, 0, 0),
        ("hard_swish", 0, np.inf, 0, 1),
        ("hard_shrink", -np.inf, np.inf, 1, 1),
        ("soft_shrink", -np.inf, np.inf, 1, 1),
        ("celu", -1, np.inf, 0, 1),
        ("selu", -1.7580993408473768, np.inf, 0, 1.0507009873554805),
        ("softsign", -1, 1, 0, 0),
        ("tanh_shrink", -np.inf, np.inf, 1, 1),
        ("quick_gelu", 0, np.inf, 0, 1),
        ("mish", 0, np.inf, 0, 1),
        ("gelu_tanh", 0, np.inf, 0, 1),
        ("squareplus", 0, np.inf, 0, 1),
        ("sparse_plus", 0, np.inf, 0, 1),
        ("sparse_sigmoid", 0, 1, 0, 0),
        ("log1mexp", np.nan, 0, np.nan, 0),
        ("relu_squared", 0, np.inf, 0, np.inf),
        ("softcap", -30, 30, 0, 0),
        ("lisht", np.inf, np.inf, -1, 1),
        ("tanh_exp", 0, np.inf, 0, 1),
        ("smelu", 0, np.inf, 0, 1),
        ("bent_identity", -np.inf, np.inf, 0.5, 1.5),
        ("isru", -1, 1, 0, 0),
        ("isrlu", -1, np.inf, 0, 1),
        ("gaussian", 0, 0, 0, 0),
        ("snake", -np.inf, np.inf, np.nan, np.nan),
    ],
)
def test_limits(name: str, value_below: float, value_above: float, slope_below: float, slope_above: float) -> None:
    f, ends = function(name), np.array([-np.inf, np.inf])
    assert f.derivative is not None
    np.testing.assert_array_equal(f(ends), [value_below, value_above])
    np.testing.assert_array_equal(f.derivative(ends), [slope_below, slope_above])


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [
        ("sqrt", 0.0, 0.0, np.inf),
        ("sqrt", -0.0, -0.0, np.inf),
        ("rsqrt", 0.0, np.inf, -np.inf),
        ("rsqrt", -0.0, np.inf, -np.inf),
        ("reciprocal", 0.0, np.inf, -np.inf),
        ("reciprocal", -0.0, -np.inf, -np.inf),
        ("log", 0.0, -np.inf, np.inf),
        ("log", -0.0, -np.inf, np.inf),
        ("log1p", -1.0, -np.inf, np.inf),
        ("log1p", -0.0, -0.0, 1.0),
        ("log1mexp", 0.0, -np.inf, np.inf),
        ("log1mexp", -0.0, -np.inf, np.inf),
        ("log2", -0.0, -np.inf, np.inf),
        ("log10", -0.0, -np.inf, np.inf),
        ("logit", 0.0, -np.inf, np.inf),
        ("logit", -0.0, -np.inf, np.inf),
        ("logit", 1.0, np.inf, np.inf),
        ("logit", 0.5, 0.0, 4.0),
        ("cbrt", -0.0, -0.0, np.inf),
        ("asin", -1.0, -np.pi / 2, np.inf),
        ("asin", 1.0, np.pi / 2, np.inf),
        ("acos", -1.0, np.pi, -np.inf),
        ("acos", 1.0, 0.0, -np.inf),
        ("acosh", 1.0, 0.0, np.inf),
        ("atanh", -1.0, -np.inf, np.inf),
        ("atanh", 1.0, np.inf, np.inf),
        ("heaviside", -0.0, 0.5, 0.0),
        ("round", 2.5, 2.0, 0.0),
        ("round", -0.5, -0.0, 0.0),
        ("erf", -0.0, -0.0, 1.1283791670955126),
        ("ndtr", -0.0, 0.5, 0.3989422804014327),
    ],
)
def test_poles_and_the_ends_of_domains(name: str, x: float, value: float, slope: float) -> None:
    f = function(name)
    assert f.derivative is not None
    assert [float(f(np.array(x))), float(f.derivative(np.array(x)))] == [value, slope]


@pytest.mark.parametrize("name", DOMAINS)
def test_outside_its_domain_a_function_is_nan(name: str) -> None:
    f, x = function(name), np.concatenate([grid(), [-np.inf, np.inf, np.nextafter(-1, -2)]])
    assert f.derivative is not None
    np.testing.assert_array_equal(np.isnan(f(x)), ~defined(name, x))
    np.testing.assert_array_equal(np.isnan(f.derivative(x)), ~sloped(name, x))


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
def test_nan_gives_nan_and_within_the_domain_only_nan_does(name: str, parameters: dict[str, Parameter]) -> None:
    f = function(name, **parameters)
    assert f.derivative is not None
    x = np.array([np.nan, -np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, -np.nan])
    np.testing.assert_array_equal(np.isnan(f(x)), ~defined(name, x))
    np.testing.assert_array_equal(np.isnan(f.derivative(x)), ~sloped(name, x))


@pytest.mark.parametrize(
    ("name", "parameters", "at", "slope"),
    [
        ("relu", {}, 0.0, 0),
        ("relu", {"negative_slope": 0.2}, 0.0, 0.2),
        ("relu", {"negative_slope": 0.2, "max_value": 6.0, "threshold": 1.0}, 1.0, 0.2),
        ("relu", {"negative_slope": 0.2, "max_value": 6.0, "threshold": 1.0}, 6.0, 0),
        ("relu6", {}, 0.0, 0),
        ("relu6", {}, 6.0, 0),
        ("leaky_relu", {}, 0.0, 0.01),
        ("leaky_relu", {"negative_slope": 0.2}, 0.0, 0.2),
        ("prelu", {}, 0.0, 0.25),
        ("rrelu", {}, 0.0, 0.22916666666666666),
        ("threshold", {}, 0.1, 0),
        ("hard_tanh", {}, -1.0, 0),
        ("hard_tanh", {}, 1.0, 0),
        ("hard_sigmoid", {}, -3.0, 0),
        ("hard_sigmoid", {}, 3.0, 0),
        ("hard_sigmoid_keras2", {}, -2.5, 0),
        ("hard_sigmoid_keras2", {}, 2.5, 0),
        ("sparse_sigmoid", {}, -1.0, 0),
        ("sparse_sigmoid", {}, 1.0, 0),
        ("hard_swish", {}, -3.0, 0),
        ("hard_swish", {}, 3.0, 1),
        ("hard_shrink", {}, 0.5, 0),
        ("hard_shrink", {}, -0.5, 0),
        ("soft_shrink", {}, 0.5, 0),
        ("soft_shrink", {}, -0.5, 0),
        ("elu", {"alpha": 0.3}, 0.0, 0.3),
        ("selu", {}, 0.0, 1.7580993408473768),
        ("celu", {"alpha": 0.3}, 0.0, 1),
        ("abs", {}, 0.0, 0),
        ("sign", {}, 0.0, 0),
        ("heaviside", {}, 0.0, 0),
        ("heaviside", {"at_zero": 1.0}, 0.0, 0),
        ("floor", {}, 0.0, 0),
        ("ceil", {}, 0.0, 0),
        ("trunc", {}, 1.0, 0),
    ],
)
def test_at_a_kink_the_derivative_is_that_of_the_arm_taken(
    name: str, parameters: dict[str, Parameter], at: float, slope: float
) -> None:
    f = function(name, **parameters)
    assert f.derivative is not None
    np.testing.assert_array_equal(f.derivative(np.array([at, at - 0.0 if at else -0.0])), [slope, slope])


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_do_not_change_a_bit(name: str) -> None:
    f = function(name)
    assert f.derivative is not None
    generator = np.random.default_rng(7)
    for size in (1, 5, 64, 1003, 70_000):
        x = generator.normal(size=size) * 10.0 ** generator.integers(-3, 3, size)
        kept = generator.random(size) < 0.5
        before = [g(x)[kept].tobytes() for g in (f, f.derivative)]
        for others in (np.nan, np.inf, 1e20, -1e20, 0.0, -0.3):
            changed = np.where(kept, x, others)
            assert [g(changed)[kept].tobytes() for g in (f, f.derivative)] == before, (size, others)


DTYPES = [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.bool_]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@given(st.sampled_from(NAMES), ARRAYS)
def test_any_shape_and_dtype(name: str, x: NDArray[np.generic]) -> None:
    f, before = function(name), x.tobytes()
    assert f.derivative is not None
    narrow = x.dtype in (np.float16, np.float32)
    for g in (f, f.derivative):
        y = g(x)
        assert isinstance(y, np.ndarray)
        assert y.shape == x.shape
        assert y.dtype == (x.dtype if narrow else np.float64)
        assert not np.shares_memory(x, y)
        there_is = defined if g is f else sloped
        np.testing.assert_array_equal(np.isnan(y), ~there_is(name, x.astype(float)))
        for index in np.ndindex(x.shape):  # of one entry, in float64
            alone = g(np.array([float(x[index])]))[0]
            with np.errstate(over="ignore", under="ignore"):
                np.testing.assert_array_equal(y[index], alone.astype(y.dtype))
    assert x.tobytes() == before


@pytest.mark.parametrize("name", NAMES)
def test_strided_operands(name: str) -> None:
    f = function(name)
    x = np.random.default_rng(1).normal(size=(300, 200))
    for view in (x.T, x[::3, ::-2], np.asfortranarray(x), np.broadcast_to(x[0], (4, 200))):
        np.testing.assert_array_equal(f(view), f(view.copy()))


@pytest.mark.parametrize("name", NAMES)
def test_jvp_is_the_hadamard_product(name: str) -> None:
    f = function(name)
    assert f.derivative is not None
    x, dx = np.random.default_rng(3).normal(size=(2, 3, 4))
    np.testing.assert_array_equal(f.jvp(x, dx), f.derivative(x) * dx)


@pytest.mark.parametrize("name", ["exp", "square"])
def test_a_zero_tangent_selects_nothing(name: str) -> None:
    x, dx = np.array([1e3, np.inf, 1e308, 0.0, np.nan]), np.zeros(5)
    np.testing.assert_array_equal(function(name).jvp(x, dx), dx)


def test_a_product_that_overflows_is_infinite_and_silent() -> None:
    np.testing.assert_array_equal(function("exp").jvp(np.array([700.0]), np.array([-1e10])), [-np.inf])
    np.testing.assert_array_equal(function("exp")(np.array([100.0], np.float32)), [np.inf])
