import math

import numpy as np
import pytest

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import ENTRIES, function, names
from jacinspect.functions.entry import Entry
from jacinspect.functions.function import Parameter
from tests.functions.truth import domain

ALL = {
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "identity", "square", "exp", "abs"),
    *("sqrt", "rsqrt", "reciprocal", "log", "log1p", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "asinh"),
    *("sign", "erf", "log_sigmoid"),
    *("add", "sub", "mul", "div", "pow", "maximum", "minimum", "hypot", "atan2", "logaddexp"),
    *("softmax", "softmin", "log_softmax", "sparsemax", "transpose"),
    *("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm", "l2_normalize", "l1_normalize", "center"),
    *("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "sort", "flip", "roll"),
    *("sum", "mean", "prod", "max", "min", "logsumexp", "norm", "var", "std"),
}


def test_what_there_is() -> None:
    assert {entry.name for entry in ENTRIES} == ALL
    assert set(names()) > ALL
    spelled = [name.replace("_", "") for name in names()]
    assert len(set(spelled)) == len(spelled), "two functions answer to one name"


@pytest.mark.parametrize("name", names())
def test_every_listed_name_is_found(name: str) -> None:
    assert function(name).name in ALL


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("logistic", "sigmoid"),
        ("expit", "sigmoid"),
        ("swish", "silu"),
        ("linear", "identity"),
        ("exponential", "exp"),
        ("arctan", "atan"),
        ("arcsinh", "asinh"),
        ("LogSigmoid", "log_sigmoid"),
        ("standardize", "layer_norm"),
        ("normalize", "l2_normalize"),
        ("LogSoftmax", "log_softmax"),
        ("cumulative_logsumexp", "logcumsumexp"),
        ("cumlogsumexp", "logcumsumexp"),
        ("reverse", "flip"),
        ("amax", "max"),
        ("amin", "min"),
        ("log_sum_exp", "logsumexp"),
        ("LeakyReLU", "leaky_relu"),
        ("leaky-relu", "leaky_relu"),
        ("Leaky ReLU", "leaky_relu"),
        ("GELU", "gelu"),
        ("SoftMax", "softmax"),
    ],
)
def test_aliases_and_spellings(typed: str, name: str) -> None:
    assert function(typed).name == name


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("sigmod", "there is no function 'sigmod'; did you mean sigmoid, log_sigmoid or sign?"),
        ("swich", "there is no function 'swich'; did you mean swish, sinh or asinh?"),
        ("leeky-relu", "there is no function 'leeky-relu'; did you mean leaky_relu, lrelu or relu?"),
    ],
)
def test_a_misspelt_name(typed: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        function(typed)
    assert str(error.value) == message


@pytest.mark.parametrize("typed", ["qqq", ""])
def test_a_name_like_no_other(typed: str) -> None:
    with pytest.raises(InputError) as error:
        function(typed)
    start, _, listed = str(error.value).partition("there are ")
    assert start == f"there is no function {typed!r}; "
    expected = [entry.name for entry in ENTRIES]
    assert listed.split(", ") == (expected if len(expected) <= 24 else [*expected[:24], "…"])


def test_parameters_are_effective_and_complete() -> None:
    assert dict(function("leaky_relu").parameters) == {"negative_slope": 0.01}
    assert dict(function("leaky_relu", negative_slope=0.2).parameters) == {"negative_slope": 0.2}
    assert dict(function("softmax", axis=0.0).parameters) == {"axis": 0}
    assert isinstance(function("softmax", axis=np.float64(0)).parameters["axis"], int)
    assert dict(function("relu").parameters) == {}
    x = np.array([-2.0, 3.0])
    np.testing.assert_allclose(function("leaky_relu", negative_slope=0.2)(x), [-0.4, 3])
    np.testing.assert_allclose(function("elu", alpha=2)(x), [2 * np.expm1(-2), 3])
    # a parameter of one call must not leak into the next
    np.testing.assert_allclose(function("leaky_relu")(x), [-0.02, 3])


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("relu", {"slope": 1.0}, "relu has no parameters; 'slope' cannot be set"),
        ("LeakyReLU", {"slope": 1.0}, "leaky_relu has no parameter 'slope'; it has negative_slope"),
        ("softmax", {"axis": 0.5}, "softmax: axis must be an integer, not 0.5"),
        ("softmax", {"axis": np.nan}, "softmax: axis must be an integer, not nan"),
        ("cumsum", {"axis": np.inf}, "cumsum: axis must be an integer, not inf"),
        ("elu", {"alpha": np.nan}, "elu: alpha must be a finite number, not nan"),
        ("silu", {"beta": -np.inf}, "silu: beta must be a finite number, not -inf"),
        ("silu", {"beta": "big"}, "silu: beta must be a number, not 'big'"),
        ("silu", {"beta": None}, "silu: beta must be a number, not none"),
        ("silu", {"beta": True}, "silu: beta must be a number, not true"),
        ("softmax", {"axis": True}, "softmax: axis must be an integer, not true"),
        ("softmax", {"axis": "last"}, "softmax: axis must be an integer, not 'last'"),
        ("softmax", {"axis": None}, "softmax: axis must be an integer, not none"),
        ("softplus", {"beta": 0}, "softplus: beta must be greater than 0, not 0"),
        ("softplus", {"beta": -1.5}, "softplus: beta must be greater than 0, not -1.5"),
    ],
)
def test_parameters_that_make_no_sense(name: str, parameters: dict[str, Parameter], message: str) -> None:
    with pytest.raises(InputError) as error:
        function(name, **parameters)
    assert str(error.value) == message


def test_the_formulas_of_the_contract() -> None:
    sigmoid = function("sigmoid")
    assert sigmoid.formula == "1 / (1 + exp(-x))"
    assert sigmoid.derivative_formula == "s(x) * (1 - s(x))"
    assert (sigmoid.kind, sigmoid.source) == ("elementwise", "catalogue")


# What a formula may use; s is the sigmoid. The conditional and the operators are Python's own.
WORDS = {
    **{
        name: getattr(np, name)
        for name in ("exp", "tanh", "log", "sqrt", "sign", "abs", "sin", "cos", "tan", "sinh", "cosh")
    },
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "max": max,
    "erf": math.erf,
    "pi": np.pi,
    "s": lambda x: 1 / (1 + np.exp(-x)),
}


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.derivative], ids=lambda entry: entry.name)
def test_the_formulas_printed_are_those_computed(entry: Entry) -> None:
    f = function(entry.name)
    assert f.derivative is not None
    for x in domain(f.name, np.array([-2.5, -0.3, 0.7, 3.1])).tolist():
        scope = {**WORDS, **f.parameters, "x": x}
        assert eval(f.formula, scope) == pytest.approx(float(f(np.array(x))), rel=1e-12)
        assert eval(f.derivative_formula, scope) == pytest.approx(float(f.derivative(np.array(x))), rel=1e-12)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_has_one_rule_that_takes_its_parameters(entry: Entry) -> None:
    f = function(entry.name)
    assert f.formula
    if len(f.operands) > 1:
        assert len(f.operands) == len(f.partials) == len(f.partial_formulas)
        return
    assert (f.derivative is None) != (f.rule is None)
    assert f.derivative_formula
    assert (f.kind == "elementwise") == (f.derivative is not None)


def test_operands_that_are_not_real_and_tangents_that_do_not_fit() -> None:
    for name in ("sigmoid", "softmax"):
        with pytest.raises(InputError) as error:
            function(name)(np.array([1j]))
        assert str(error.value) == f"{name}: an operand of dtype complex128 is not made of real numbers"
        with pytest.raises(InputError) as error:
            function(name).jvp(np.zeros((2, 3)), np.zeros(3))
        assert str(error.value) == "a tangent of shape 3 does not fit the operand's 2×3"
