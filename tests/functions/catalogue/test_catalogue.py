import math

import numpy as np
import pytest

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.lookup import function, names
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Parameter
from jacinspect.functions.rules import Jvp, Slopes
from tests.functions.catalogue.truth import domain

# The names that libraries give to functions of the catalogue, by the catalogue's own name. "hard_tanh", "HardTanh" and
# "hardtanh" are one spelling. A function that no library has need not be here: its names are tested as they are.
NAMES = {
    # section 2, element by element
    "identity": "linear",
    "relu": "",
    "relu6": "",
    "leaky_relu": "LeakyReLU lrelu",
    "prelu": "PReLU",
    "rrelu": "RReLU",
    "threshold": "",
    "hard_tanh": "hardtanh clip clamp clip_by_value",
    "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish hard_silu",
    "hard_shrink": "hardshrink",
    "soft_shrink": "softshrink",
    "elu": "",
    "celu": "",
    "selu": "",
    "sigmoid": "expit logistic",
    "log_sigmoid": "logsigmoid",
    "softplus": "",
    "softsign": "soft_sign",
    "tanh": "",
    "tanh_shrink": "tanhshrink",
    "silu": "swish",
    "mish": "",
    "gelu": "",
    "gelu_tanh": "gelu_new gelu_pytorch_tanh",
    "squareplus": "",
    "sparse_plus": "",
    "sparse_sigmoid": "",
    "exp": "exponential",
    "log1mexp": "",
    "quick_gelu": "",
    "hard_sigmoid_keras2": "",
    "relu_squared": "relu2 squared_relu",
    "softcap": "",
    "lisht": "",
    "tanh_exp": "",
    "smelu": "",
    "bent_identity": "",
    "isru": "",
    "isrlu": "",
    "gaussian": "",
    "snake": "",
    # section 3, elementary functions
    "abs": "absolute",
    "square": "",
    "sqrt": "",
    "rsqrt": "",
    "cbrt": "",
    "reciprocal": "",
    "exp2": "",
    "expm1": "",
    "log": "ln",
    "log2": "",
    "log10": "",
    "log1p": "",
    "logit": "",
    "sin": "",
    "cos": "",
    "tan": "",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "",
    "cosh": "",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "erf": "",
    "erfc": "",
    "ndtr": "normal_cdf",
    "log_ndtr": "normal_log_cdf",
    "sign": "sgn",
    "heaviside": "step",
    "floor": "",
    "ceil": "ceiling",
    "round": "rint",
    "trunc": "fix",
    # section 7, line by line
    "softmax": "",
    "softmin": "",
    "log_softmax": "LogSoftmax",
    "sparsemax": "",
    "layer_norm": "LayerNorm standardize LayerNormalization",
    "rms_norm": "RMSNorm rms_normalization",
    "l2_normalize": "normalize UnitNormalization",
    "l1_normalize": "",
    "center": "",
    "group_norm": "GroupNorm GroupNormalization",
    "instance_norm": "",
    "batch_norm": "BatchNormalization",
    "cumsum": "cumulative_sum",
    "cumprod": "cumulative_product",
    "cummax": "cumulative_max",
    "cummin": "cumulative_min",
    "logcumsumexp": "cumlogsumexp cumulative_logsumexp",
    "sort": "",
    "flip": "reverse",
    "roll": "",
    # section 8, reductions
    "sum": "reduce_sum",
    "mean": "reduce_mean",
    "prod": "reduce_prod",
    "max": "amax reduce_max",
    "min": "amin reduce_min",
    "logsumexp": "log_sum_exp reduce_logsumexp",
    "logmeanexp": "",
    "norm": "vector_norm l2_norm euclidean_norm frobenius frobenius_norm",
    "l1_norm": "",
    "var": "variance reduce_variance",
    "std": "reduce_std",
    "median": "",
    # section 9, shape-changing
    "glu": "",
    "bilinear_glu": "bilinear",
    "reglu": "",
    "geglu": "",
    "swiglu": "",
    "crelu": "concatenated_relu",
    "maxout": "",
    "diff": "",
    "flatten": "ravel",
    "transpose": "",
    "matmul": "",
    "inv": "inverse matrix_inverse",
    "det": "determinant",
    "logdet": "logabsdet slogdet",
    "trace": "tr",
    "solve": "linsolve",
    "outer": "outer_product",
    "kron": "kronecker",
    "mse": "mse_loss mean_squared_error",
    "cross_entropy": "cross_entropy_loss softmax_cross_entropy",
    # section 10, of two operands
    "add": "",
    "sub": "subtract",
    "mul": "multiply hadamard",
    "div": "divide true_divide",
    "pow": "power float_power",
    "maximum": "",
    "minimum": "",
    "fmax": "",
    "fmin": "",
    "hypot": "",
    "atan2": "arctan2",
    "logaddexp": "",
    "remainder": "mod floormod",
    "fmod": "",
    "copysign": "",
    "xlogy": "",
    "xlog1py": "",
    "squared_difference": "",
    "dot": "vecdot inner",
    "cosine_similarity": "",
}


def spelling(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def test_what_there_is() -> None:
    assert {entry.name for entry in ENTRIES} >= set(NAMES)
    for entry in ENTRIES:
        if entry.name in NAMES:
            tried = {spelling(name) for name in (entry.name, *NAMES[entry.name].split())}
            assert {spelling(name) for name in (entry.name, *entry.aliases)} <= tried, "a name that no test knows"


def test_no_two_functions_answer_to_one_name() -> None:
    spelled = [spelling(name) for name in names()]
    assert len(set(spelled)) == len(spelled)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *[(typed, name) for name in NAMES for typed in (name, *NAMES[name].split())],
        *[
            (typed, entry.name)
            for entry in ENTRIES
            if entry.name not in NAMES
            for typed in (entry.name, *entry.aliases)
        ],
    ],
)
def test_every_name_of_every_library_is_found(typed: str, name: str) -> None:
    for spelled in (typed, typed.upper(), typed.replace("_", "-"), typed.replace("_", " "), typed.replace("_", "")):
        assert function(spelled).name == name


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("sigmod", "there is no function 'sigmod'; did you mean sigmoid, log_sigmoid or hard_sigmoid?"),
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
    assert str(error.value) == f"there is no function {typed!r}; jacinspect list shows all {len(ENTRIES)} functions"


AXIS: dict[str, Parameter] = {"axis": -1}
SUMS: dict[str, Parameter] = {"axis": -1, "exclusive": False, "reverse": False}
NORM: dict[str, Parameter] = {"axis": -1, "eps": 1e-5}
REDUCED: dict[str, Parameter] = {"axis": None, "keepdims": False}
HALVES: dict[str, Parameter] = {"axis": -1, "gate": "second"}
# of the functions that libraries have, whose defaults are theirs
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "relu": {"negative_slope": None, "max_value": None, "threshold": None},
    "leaky_relu": {"negative_slope": 0.01},
    "prelu": {"weight": 0.25},
    "rrelu": {"lower": 1 / 8, "upper": 1 / 3},
    "threshold": {"threshold": 0.1, "value": 20.0},
    "hard_tanh": {"min_val": -1.0, "max_val": 1.0},
    **{name: {"lambd": 0.5} for name in ("hard_shrink", "soft_shrink")},
    **{name: {"alpha": 1.0} for name in ("elu", "celu", "isru", "isrlu", "snake")},
    "softplus": {"beta": 1.0, "threshold": None},
    **{name: {"beta": 1.0} for name in ("silu", "smelu")},
    "gelu": {"approximate": "none"},
    "squareplus": {"b": 4.0},
    "softcap": {"cap": 30.0},
    "heaviside": {"at_zero": 0.5},
    **dict.fromkeys(("softmax", "softmin", "log_softmax", "sparsemax", "center", "flip", "crelu", "diff"), AXIS),
    **dict.fromkeys(("cummax", "cummin", "logcumsumexp"), AXIS),
    **dict.fromkeys(("cumsum", "cumprod"), SUMS),
    "sort": {"axis": -1, "descending": False},
    "roll": {"shift": 1, "axis": -1},
    **dict.fromkeys(("layer_norm", "instance_norm"), NORM),
    "rms_norm": {"axis": -1, "eps": 2.0**-52},
    "group_norm": {"num_groups": 1, **NORM},
    "batch_norm": {"axis": 0, "eps": 1e-5},
    **{name: {"axis": -1, "eps": 1e-12} for name in ("l2_normalize", "l1_normalize")},
    **dict.fromkeys(("sum", "mean", "prod", "max", "min", "logsumexp", "logmeanexp", "norm", "l1_norm"), REDUCED),
    **{name: {"axis": None, "correction": 1, "keepdims": False} for name in ("var", "std")},
    "median": {"axis": None, "interpolation": "lower", "keepdims": False},
    **dict.fromkeys(("glu", "bilinear_glu", "reglu", "geglu"), HALVES),
    "swiglu": {**HALVES, "beta": 1.0},
    "maxout": {"axis": -1, "size": 2},
    "dot": {"axis": -1, "keepdims": False},
    "mse": {"reduction": "mean"},
    "cross_entropy": {"reduction": "mean"},
    "cosine_similarity": {"axis": -1, "eps": 1e-8, "keepdims": False},
}


def test_the_parameters_and_their_defaults() -> None:
    known = [entry for entry in ENTRIES if entry.name in NAMES]
    assert {entry.name: entry.defaults for entry in known if entry.defaults} == PARAMETERS


def test_parameters_are_effective_and_complete() -> None:
    assert dict(function("leaky_relu").parameters) == {"negative_slope": 0.01}
    assert dict(function("leaky_relu", negative_slope=0.2).parameters) == {"negative_slope": 0.2}
    assert dict(function("softmax", axis=0.0).parameters) == {"axis": 0}
    assert isinstance(function("softmax", axis=np.float64(0)).parameters["axis"], int)
    assert dict(function("relu").parameters) == {"negative_slope": None, "max_value": None, "threshold": None}
    assert dict(function("identity").parameters) == {}
    x = np.array([-2.0, 3.0])
    np.testing.assert_allclose(function("leaky_relu", negative_slope=0.2)(x), [-0.4, 3])
    np.testing.assert_allclose(function("elu", alpha=2)(x), [2 * np.expm1(-2), 3])
    # a parameter of one call must not leak into the next
    np.testing.assert_allclose(function("leaky_relu")(x), [-0.02, 3])


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("tanh", {"slope": 1.0}, "tanh has no parameters; 'slope' cannot be set"),
        ("relu", {"slope": 1.0}, "relu has no parameter 'slope'; it has negative_slope, max_value, threshold"),
        ("relu", {"max_value": "big"}, "relu: max_value must be a number or none, not 'big'"),
        ("relu", {"max_value": -1}, "relu: max_value must not be below 0, and -1 is"),
        ("relu", {"max_value": 1, "threshold": 2}, "relu: max_value must not be below threshold, 2, and 1 is"),
        ("relu", {"threshold": -2}, "relu: threshold must not be negative, and -2 is"),
        ("hard_tanh", {"min_val": 2}, "hard_tanh: min_val, 2, is above max_val, 1"),
        ("rrelu", {"lower": 1}, "rrelu: lower, 1, is above upper, 0.333333"),
        ("hard_shrink", {"lambd": -1}, "hard_shrink: lambd must not be negative, and -1 is"),
        ("snake", {"alpha": 0}, "snake: alpha must not be 0"),
        ("celu", {"alpha": 0}, "celu: alpha must be greater than 0, not 0"),
        ("gelu", {"approximate": "erf"}, "gelu: approximate must be none or tanh, not 'erf'"),
        ("gelu", {"approximate": True}, "gelu: approximate must be none or tanh, not true"),
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
    assert sigmoid.derivative_formula == "s(x) * (1 - s(x)), s = f"
    assert (sigmoid.kind, sigmoid.source) == ("elementwise", "catalogue")


# What a formula may use; s is the sigmoid. The conditional and the operators are Python's own.
WORDS = {
    **{
        name: getattr(np, name)
        for name in ("exp", "tanh", "log", "log2", "log10", "sqrt", "cbrt", "sign", "abs", "floor", "ceil", "trunc")
    },
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh")},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "round": round,
    "ndtr": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "max": max,
    "min": min,
    "erf": math.erf,
    "pi": np.pi,
}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *[(entry.name, {}) for entry in ENTRIES if entry.derivative],
        ("relu", {"negative_slope": 0.1}),
        ("relu", {"max_value": 0.5}),
        ("relu", {"threshold": 0.9}),
        ("relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.9}),
        ("softplus", {"beta": 1.5, "threshold": 2.0}),
        ("gelu", {"approximate": "tanh"}),
    ],
)
def test_the_formulas_printed_are_those_computed(name: str, parameters: dict[str, Parameter]) -> None:
    f = function(name, **parameters)
    assert f.derivative is not None
    for x in domain(f.name, np.array([-2.5, -0.3, 0.7, 3.1])).tolist():
        scope = {**WORDS, **f.parameters, "x": x}
        assert eval(f.formula, scope) == pytest.approx(float(f(np.array(x))), rel=1e-12)
        formula, _, named = f.derivative_formula.partition(", s = ")
        if named:
            scope["s"] = f if named == "f" else function(named)
        assert eval(formula, scope) == pytest.approx(float(f.derivative(np.array(x))), rel=1e-12)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_has_one_rule(entry: Entry) -> None:
    assert sum(map(bool, (entry.derivative, entry.jvp, entry.partials))) == 1
    assert function(entry.name).formula


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.kind == "binary"], ids=lambda entry: entry.name)
def test_every_entry_of_two_operands_has_a_partial_for_each(entry: Entry) -> None:
    f = function(entry.name)
    assert isinstance(f.rule, Slopes)
    assert len(f.operands) == len(f.rule.partials) == len(f.partial_formulas)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.kind != "binary"], ids=lambda entry: entry.name)
def test_every_other_entry_has_slopes_or_a_jvp(entry: Entry) -> None:
    f = function(entry.name)
    assert f.derivative_formula
    assert isinstance(f.rule, Slopes if f.kind == "elementwise" else Jvp)
    assert (f.kind == "elementwise") == (f.derivative is not None)


def test_operands_that_are_not_real_and_tangents_that_do_not_fit() -> None:
    for name in ("sigmoid", "softmax"):
        with pytest.raises(InputError) as error:
            function(name)(np.array([1j]))
        assert str(error.value) == f"{name}: an operand of dtype complex128 is not made of real numbers"
        with pytest.raises(InputError) as error:
            function(name).jvp(np.zeros((2, 3)), np.zeros(3))
        assert str(error.value) == "a tangent of shape 3 does not fit the operand's 2×3"
