"""Expressions against plain numpy and differences in extended precision, every refusal's text, and token soup."""

import ast
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.expressions import advice, evaluation, grammar, reading, spelling, symbolic
from jacinspect.functions.expressions import expression as module
from jacinspect.functions.expressions import source as typed
from jacinspect.functions.expressions.expression import expression
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Jvp

Array = NDArray[Any]
Shape = tuple[int, ...]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


# --- Values and tangents ---------------------------------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


# text, what it means in numpy, and shapes that go together, in the order of the operands
CASES: list[tuple[str, Callable[..., Array], list[Shape]]] = [
    ("x", lambda x: x, [(2, 3)]),
    ("x * sigmoid(1.702 * x)", lambda x: x * sigmoid(1.702 * x), [(2, 3)]),
    ("x*Logistic(x)", lambda x: x * sigmoid(x), [(2, 3)]),
    ("-x / (1 + y)", lambda x, y: -x / (1 + y), [(2, 3), (3,)]),
    ("y - +x - -y", lambda x, y: y - x + y, [(3,), (2, 1)]),
    ("x * y * z", lambda x, y, z: x * y * z, [(2, 1, 1), (3, 1), (4,)]),
    ("x**3 - 2 * x**-1", lambda x: x**3 - 2 / x, [(4,)]),
    ("x**y", lambda x, y: x**y, [(2, 3), (2, 3)]),
    ("2**x + e**-x * pi", lambda x: 2**x + np.exp(-x) * np.longdouble(np.pi), [(2, 3)]),
    ("exp(log_scale) * x", lambda x, s: np.exp(s) * x, [(2, 3), ()]),
    ("where(x > y, x**2, 3 * y)", lambda x, y: np.where(x > y, x**2, 3 * y), [(2, 3), (3,)]),
    ("where(0.5 < x <= 1 != y, x * y, -x)", lambda x, y: np.where((x > 0.5) & (x <= 1), x * y, -x), [(9,), (9,)]),
    ("where(1 > x, 7, 2 * x)", lambda x: np.where(x < 1, 7, 2 * x), [(9,)]),
    ("|x - 1| * |y|", lambda x, y: abs(x - 1) * abs(y), [(3,), (2, 3)]),
    ("|x - |y||^2 / 2", lambda x, y: abs(x - abs(y)) ** 2 / 2, [(3,), (3,)]),
    ("||x||^2 + ‖y‖_2 + ||x||_1", lambda x, y: (x**2).sum() + np.sqrt((y**2).sum()) + abs(x).sum(), [(3,), (2, 3)]),
    ("x' @ y @ x", lambda x, y: x @ y @ x, [(3,), (3, 3)]),
    ("(x + y)'|x'|", lambda x, y: (x + y).T * abs(x.T), [(2, 3), (2, 3)]),
    ("x[0] * x[-1] + 2x[1]^2", lambda x: x[0] * x[-1] + 2 * x[1] ** 2, [(3,)]),
    ("[x[0]^2, x[0]*x[1]]", lambda x: np.stack([x[0] ** 2, x[0] * x[1]]), [(2,)]),
    ("x[1,:] - x[:,0] * x[0,1]", lambda x: x[1, :] - x[:, 0] * x[0, 1], [(3, 3)]),
    ("x[1:3] @ x[:-1] + x[::2] @ y[..., 1, -2:]", lambda x, y: x[1:3] @ x[:-1] + x[::2] @ y[1, -2:], [(3,), (2, 3)]),
    ("[[cos(x), -sin(x)], [sin(x), cos(x)]] @ y", lambda x, y: np.stack(
        [np.cos(x) * y[0] - np.sin(x) * y[1], np.sin(x) * y[0] + np.cos(x) * y[1]]), [(), (2,)]),
    ("[[1, 2], [3, 4], [5, 6]] @ x", lambda x: np.array([[1, 2], [3, 4], [5, 6]]) @ x, [(2, 3)]),
    ("[x, 2x, y] @ x", lambda x, y: np.stack([x, 2 * x, y]) @ x, [(2,), (2,)]),
    ("e^(-x.^2 ./ 2)", lambda x: np.exp(-(x**2) / 2), [(3,)]),
    ("where(z == 0, x, y)", lambda x, z, y: y + 0 * x * z, [(3,), (2, 1), ()]),
    ("max(1, x) + min(x, y)", lambda x, y: np.maximum(1, x) + np.minimum(x, y), [(9,), (9,)]),
    ("leaky_relu(1 - x, negative_slope=1/4)", lambda x: np.where(x < 1, 1 - x, (1 - x) / 4), [(9,)]),
    ("x @ w + b", lambda x, w, b: x @ w + b, [(2, 3), (3, 4), (4,)]),
    ("x.T @ x", lambda x: x.T @ x, [(2, 3)]),
    ("x @ y", lambda x, y: x @ y, [(3,), (3,)]),
    ("x @ y", lambda x, y: x @ y, [(2, 3), (3,)]),
    ("x @ y", lambda x, y: x @ y, [(3,), (3, 4)]),
    ("x @ y", lambda x, y: x @ y, [(5, 2, 3), (3, 4)]),
    ("x @ y", lambda x, y: x @ y, [(5, 1, 2, 3), (6, 3, 4)]),
    ("x.T", lambda x: x.T, [(2, 3, 4)]),
    ("softmax(q @ k.T / 2) @ v", lambda q, k, v: softmax(q @ k.T / 2) @ v, [(4, 3), (5, 3), (5, 2)]),
    ("softmax(x, axis=1) * w", lambda x, w: softmax(x, 1) * w, [(2, 3, 4), (2, 1, 1)]),
    ("cumsum(x * y, axis=-2)", lambda x, y: np.cumsum(x * y, axis=-2), [(2, 3, 4), (3, 1)]),
    ("softmax(x, axis=0).T @ cumsum(x, axis=2 - 1)", lambda x: softmax(x, 0).T @ np.cumsum(x, 1), [(3, 2)]),
    ("sum(x * y)", lambda x, y: (x * y).sum(), [(2, 3), (3,)]),
    ("mean((x - y)**2, axis=1)", lambda x, y: ((x - y) ** 2).mean(1), [(2, 3, 4), (3, 1)]),
    ("(x - mean(x, axis=-1, keepdims=True)) / std(x)", lambda x: (x - x.mean(-1)[:, None]) / x.std(ddof=1), [(2, 3)]),
    ("x / max(x, axis=0, keepdims=True)", lambda x: x / x.max(0), [(3, 2)]),
    ("min(x) * sum(x, axis=None)", lambda x: x.min() * x.sum(), [(4,)]),
    ("prod(x, axis=-1) @ y", lambda x, y: x.prod(-1) @ y, [(2, 3), (2, 4)]),
    ("sum(x, axis=0)", lambda x: x.sum(0), [(0, 3)]),
    ("y * x @ y.T", lambda x, y: (y * x) @ y.T, [(1, 1), (1, 1)]),
    ("x * y + 1", lambda x, y: x * y + 1, [(0, 3), (1, 3)]),
    ("x @ y", lambda x, y: x @ y, [(0, 3), (3, 2)]),
    ("x @ y", lambda x, y: x @ y, [(2, 0), (0, 3)]),
]  # fmt: skip
NAMED = [pytest.param(*case, id=f"{case[0]} {case[2]}") for case in CASES]


def difference(f: Callable[..., Array], point: list[Array], tangents: list[Array]) -> Array:
    """The derivative along the tangents, by central differences in extended precision, extrapolated once."""

    def central(h: float) -> Array:
        ends = [[x.astype(np.longdouble) + s * h * dx for x, dx in zip(point, tangents, strict=True)] for s in (1, -1)]
        return np.asarray((f(*ends[0]) - f(*ends[1])) / np.longdouble(2 * h))

    return np.asarray((4 * central(2.0**-13) - central(2.0**-12)) / 3)


@pytest.mark.parametrize(("text", "meant", "shapes"), NAMED)
def test_values_and_tangents(text: str, meant: Callable[..., Array], shapes: list[Shape]) -> None:
    f = expression(text)
    rng = np.random.default_rng(0)
    point = [rng.uniform(0.2, 2, shape) for shape in shapes]
    directions = [rng.standard_normal(shape) for shape in shapes]
    truth = meant(*point)
    got = f(*point)
    assert got.shape == truth.shape
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, truth.astype(float), rtol=1e-13, atol=1e-14)
    still = [np.zeros(shape) for shape in shapes]
    for wrt in [*range(len(shapes)), None]:
        tangents = [dx if wrt in (k, None) else still[k] for k, dx in enumerate(directions)]
        assert isinstance(f.rule, Jvp)
        pushed = f.rule.push(*point, *tangents)
        assert pushed.shape == truth.shape
        assert pushed.dtype == np.float64
        np.testing.assert_allclose(pushed, difference(meant, point, tangents).astype(float), rtol=1e-10, atol=1e-12)
        if wrt is not None:
            alone = f.by(wrt + 1, point).jvp(point[wrt], directions[wrt])
            np.testing.assert_array_equal(alone, pushed)


def test_the_differences_refuse_a_wrong_rule() -> None:
    x, dx = np.array([0.3, 1.1]), np.array([1.0, -2.0])
    wrong = expression("x * sigmoid(1.703 * x)").jvp(x, dx)
    right = difference(lambda x: x * sigmoid(1.702 * x), [x], [dx]).astype(float)
    assert not np.allclose(wrong, right, rtol=1e-5)


@pytest.mark.parametrize("wrt", ["q", "k", "v"])
def test_attention_passes_the_inspection(wrt: str) -> None:
    rng = np.random.default_rng(2)
    q, k, v = (rng.standard_normal(shape) for shape in [(4, 3), (5, 3), (5, 2)])
    report = jacinspect.inspect(expression("softmax(q @ k.T / 2) @ v"), q, others=(k, v), wrt=wrt)
    assert report.verdict == "pass"


@pytest.mark.parametrize("text", ["x * sigmoid(1.702 * x)", "where(x > 0, x, exp(x) - 1)", "tanh(x)**2 / 3", "0 * x"])
def test_an_element_wise_expression_has_a_diagonal_jacobian(text: str) -> None:
    report = jacinspect.inspect(expression(text), np.random.default_rng(3).standard_normal((2, 3)))
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.is_diagonal or text.startswith("0")


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("where(x > 0, x, 2 * x)", 0, 0, 2),
        ("where(x >= 0, x, 2 * x)", 0, 0, 1),
        ("where(x > 0, 1 / x, 0)", 0, 0, 0),
        ("where(x != 0, x * x**-1, 1)", 0, 1, 0),
        ("max(0, x)", 0, 0, 0.5),
        ("max(0, x) - min(0, x)", 0, 0, 0),
        ("relu(x)", 0, 0, 0),
        ("abs(x - 1)", 1, 0, 0),
        ("where(x > 0, 2, x)", np.nan, np.nan, 1),
        ("1 / x", 0, np.inf, -np.inf),
        ("x - x", np.inf, np.nan, 0),
        ("exp(x) * 0", 1000, np.nan, np.nan),
        ("x**2", -3, 9, -6),
        ("3", 5, 3, 0),
        ("x**0", 0, 1, 0),
    ],
)  # fmt: skip
def test_kinks_poles_and_constants(text: str, x: float, value: float, slope: float) -> None:
    f = expression(text)
    np.testing.assert_array_equal([f(np.array(x)), f.jvp(np.array(x), np.array(1.0))], [value, slope])


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["f4", "f4"], "f4"),
        (["f2", "f2"], "f2"),
        (["f2", "f4"], "f4"),
        (["f4", "f8"], "f8"),
        (["f4", "i8"], "f8"),
        (["?", "u1"], "f8"),
    ],
)
def test_it_computes_in_double_and_gives_the_operands_precision(dtypes: list[str], expected: str) -> None:
    x, y = (np.array([1, 0, 1], dtype) for dtype in dtypes)
    f = expression("(x + 1e-9) / 3 * y - x / 3")
    exact = (x.astype(float) + 1e-9) / 3 * y.astype(float) - x.astype(float) / 3
    with np.errstate(under="ignore"):
        exact = exact.astype(expected)
    np.testing.assert_array_equal(f(x, y), exact, strict=True)
    assert isinstance(f.rule, Jvp)
    assert f.rule.push(x, y, np.ones(3, expected), np.zeros(3, expected)).dtype == expected
    assert f.rule.push(x, y, np.zeros(3, expected), np.zeros(3, expected)).dtype == expected


def test_the_operand_is_neither_changed_nor_handed_back() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    for text in ("x", "+x", "x.T"):
        got = expression(text)(x)
        assert not np.shares_memory(got, x)
        got[:] = 0
    np.testing.assert_array_equal(x, [[1, 2], [3, 4]])


# --- What the Function says of itself --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parameters", "operands", "bound", "kind"),
    [
        ("  b *  x\n + a ", {}, ("x", "b", "a"), {}, "elementwise"),
        ("b * x + a", {"b": 2}, ("x", "a"), {"b": 2.0}, "elementwise"),
        ("q @ k.T", {}, ("q", "k"), {}, "coupled"),
        ("3", {}, ("x",), {}, "elementwise"),
        ("a", {"a": np.float32(0.5)}, ("x",), {"a": 0.5}, "elementwise"),
        ("where(y < x, a, z)", {"a": 1}, ("x", "y", "z"), {"a": 1.0}, "elementwise"),
        ("softmax(x)", {}, ("x",), {}, "coupled"),
        ("leaky_relu(x, negative_slope=slope)", {"slope": 0.2}, ("x",), {"slope": 0.2}, "elementwise"),
        ("λ * x", {}, ("x", "λ"), {}, "elementwise"),
    ],
)
def test_operands_parameters_and_kind(
    text: str, parameters: dict[str, Any], operands: tuple[str, ...], bound: dict[str, float], kind: str
) -> None:
    f = expression(text, parameters)
    assert (f.operands, f.parameters, f.kind, f.source) == (operands, bound, kind, "expression")
    assert f.name == f.formula == " ".join(text.split())
    assert len(f.partial_formulas) in (0, len(operands))


def test_parameters_are_numbers_in_the_expression() -> None:
    f = expression("leaky_relu(a * x, negative_slope=b)", {"a": 3, "b": 0.5})
    np.testing.assert_array_equal(f(np.array([-2.0, 2.0])), [-3, 6])
    np.testing.assert_array_equal(f.jvp(np.array([-2.0, 2.0]), np.ones(2)), [1.5, 3])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"b": 1}, "the expression has no name 'b' to set; its names: a, x"),
        ({"a": 1, "pi": 3}, "the expression has no name 'pi' to set; its names: x, a"),
        ({"a": True}, "a must be a number, not True"),
        ({"a": "1"}, "a must be a number, not '1'"),
        ({"a": None}, "a must be a number, not None"),
        ({"a": 1j}, "a must be a number, not 1j"),
        ({"a": float("nan")}, "a must be a finite number, not nan"),
        ({"a": 10**400}, "a must be a finite number, not inf"),
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        expression("a * x", parameters)
    assert str(error.value) == message


# --- Refusals --------------------------------------------------------------------------------------------------------

COMMA = "a comma can only stand between the operands of a function"
LOOPS = "there are no loops: a function takes whole arrays"
BRACES = "{ } cannot be read: write ( ) around a part, [ ] around the entries of an array"
INDEX = "an index is an integer or a slice, counted from 0: x[0], x[-1], x[1:3], X[1,:], X[:,0]"
INFINITE = "a constant must be finite, and this is inf"
NO_AND = "there is no and, or: chain the comparison, as in 0 < x < 1, or put one where into another"
ONLY_NAMES = "only a function of the catalogue can be called, by its name; to multiply, write *"
QUOTES = "a text in quotes is not a number"
LAMBDA = "lambda is a word of Python's: write the formula alone, and call an operand lam"
TOO_LARGE = "this number is too large: float64 ends at 1.8e308"
UNDERSCORE = "a name cannot begin with an underscore"
DOT = "only .T may follow a dot"
WHERE = "where takes three: where(condition, a, b)"
ASSIGNED = "nothing can be given a value with =; is equal to is written =="
MISSING = "an operator is missing: to multiply, write *, or @ for matrices"

# the text with the underlined piece in «», and the words
REFUSALS = [
    ("x * «x.shape»", DOT),
    ("«x.T.real» * 2", DOT),
    ("«numpy.tanh»", f"{DOT}; for Python code, write MODULE:FUNCTION, as in numpy:tanh"),
    ("«torch.nn.functional.silu»", f"{DOT}; for Python code, write MODULE:FUNCTION, as in torch.nn.functional:silu"),
    ("2 * «np.tanh»(x)", f"{DOT}: write tanh(…), by its plain name"),
    ("«x.cumsum»(axis=0)", f"{DOT}: write cumsum(…), by its plain name"),
    ("«os.system»('rm -rf /')", f"{DOT}; for Python code, write MODULE:FUNCTION"),
    ("αβγ + «softmx»(x)", "there is no function 'softmx'; did you mean softmax, softmin or log_softmax?"),
    ("2 * «f»(x)", "f is not a function; to multiply, write f * (…)"),
    ("«pi»(x + 1)", "pi is a number; to multiply, write pi * (…)"),
    ("x * «sigmoid»", "sigmoid is a function: write sigmoid(x)"),
    ("«LeakyReLU» + 1", "LeakyReLU is a function: write LeakyReLU(x)"),
    ("«where» * x", "where is a function: write where(condition, a, b)"),
    ("x + «_y»", UNDERSCORE),
    ("«__import__»('os')", UNDERSCORE),
    ("«__sigmoid__»(x)", UNDERSCORE),
    ("«f(x)»(x)", ONLY_NAMES),
    ("(«x + 1»)(x)", ONLY_NAMES),
    ("(«lambda x: x»)(x)", ONLY_NAMES),
    ("1 + «sigmoid(x, y)»", "sigmoid takes one operand, and here are 2"),
    ("«maximum(x)»", "maximum takes 2 operands, and here are 1"),
    ("«exp()»", "exp takes one operand, and here are 0"),
    (
        "«leaky_relu(x, 0.2)»",
        "leaky_relu takes one operand, and here are 2; parameters are written name=value: negative_slope",
    ),
    ("2 * «max(x, y, z)»", "max takes one operand or 2; put one max into another"),
    ("sum(x, «axis=0.5»)", "sum: axis must be an integer or none, not 0.5"),
    ("sum(x, axis=«'a'»)", QUOTES),
    ("softmax(x, «axes=1»)", "softmax has no parameter 'axes'; it has axis"),
    ("exp(x, «axis=1»)", "exp has no parameters; 'axis' cannot be set"),
    ("softmax(x, axis=«y + 1»)", "axis must be a constant: a number, True, False or None"),
    ("softmax(x, «axis=1.5»)", "softmax: axis must be an integer, not 1.5"),
    ("softmax(x, axis=1, «axis=2»)", "axis is given twice"),
    ("softmax(«*x»)", "operands are written one by one, without *"),
    ("softmax(x, «**y»)", "parameters are written one by one, without **"),
    ("«[i for i in x]»", LOOPS),
    ("exp«(i for i in x)»", LOOPS),
    ("«lambda x: x»", "lambda is a word of Python's; write the formula alone: x"),
    ("(«lambda x: x»)", LAMBDA),
    ("«lambda» * x", LAMBDA),
    ("(«y := x»)", "nothing can be given a name with :=; write the part where it is needed"),
    ("x * «'a'»", QUOTES),
    ('«b"a"»', QUOTES),
    ('«f"{x}"»', QUOTES),
    ("«b'a»'", "between x' and what it multiplies, write @ or *: b' @ a"),
    ("1 + «2j» * x", "numbers are real: there is no imaginary unit j"),
    ("x * «True»", "True is not a number; it can only be a parameter's value, as in keepdims=True"),
    ("«None»", "None is not a number; it can only be a parameter's value, as in keepdims=True"),
    ("«...»", "this is not a number"),
    ("2 * x[«0.5»]", INDEX),
    ("x[«y»]", INDEX),
    ("x[«[0, 1]»]", INDEX),
    ("x[«..., ...»]", INDEX),
    ("x[«1:3:0»]", INDEX),
    ("x[«None»]", "None is not a number; it can only be a parameter's value, as in keepdims=True"),
    ("«exp»[x]", "exp is a function: write exp(x)"),
    ("«[1, 2][2]»", "index 2 is out of range: this is 2, and its indices are 0 to 1, or -2 to -1"),
    ("«[1, [2, 3]]» @ x", "entries 0 and 1 of [ ] differ in shape, scalar and 2: they must have one"),
    ("«[]»", "there is nothing in [ ]: write its entries, as in [x[0]^2, x[0]*x[1]]"),
    ("«x if x > 0 else 0»", "there is no if … else: write where(condition, a, b)"),
    ("where(«x > 0 and x < 1», x, 0)", NO_AND),
    ("«x or y»", NO_AND),
    ("«not x»", "there is no not: turn the comparison round"),
    ("2 * «~x»", "there is no ~: turn the comparison round"),
    ("x^2 «&» y", "& is no operator here: chain a comparison, as in 0 < x < 1, or put one where into another"),
    ("1 / «2x»", "it is not clear what is divided by: write / (…), or * between the two"),
    ("1 / «2»(x + 1)", "it is not clear what is divided by: write / (…), or * between the two"),
    ("x² * «q.foo»", DOT),
    ("2x^2 + «√x»", "√ cannot be read: write sqrt(x)"),
    ("x «&» y", "& is no operator here: chain a comparison, as in 0 < x < 1, or put one where into another"),
    ("x «|» y", "| is no operator here: put one where into another"),
    ("x «%» 2", "% is no operator here; there are + - * / ** @"),
    ("x «//» 2", "// is no operator here: a quotient is written /"),
    ("x «<<» 2", "<< is no operator here: less than is written <"),
    ("x «>>» 2", ">> is no operator here: greater than is written >"),
    ("x «=» 3", ASSIGNED),
    ("where(x «=» 0, 1, 2)", "the operands come first, then name=value; is equal to is written =="),
    ("«(x, y)»", COMMA),
    ("«x, y»", COMMA),
    ("«{x}»", BRACES),
    ("«{}»", BRACES),
    ("(«await x»)", "there is no await: write the formula alone"),
    ("(«yield»)", "there is no yield: write the formula alone"),
    ("«import» os", "import is a word of Python's: it cannot be a name, and an expression needs none"),
    ("x * «class»", "class is a word of Python's: it cannot be a name, and an expression needs none"),
    ("x«;» y", "this cannot stand here: an expression is operands with operators between them"),
    ("x«)»", "this cannot be read: unmatched ')'"),
    ("2 * «(»x", "this cannot be read: '(' was never closed"),
    ("2«_»x", "this number cannot be read; between a number and a name, write *"),
    ("2 «x»", MISSING),
    ("«x» (y + 1)", "x is not a function; to multiply, write x * (…)"),
    ("x *«»", "the expression ends too early: something is missing after it"),
    ("x «# twice»", "there are no comments in an expression"),
    ("where(«x», 1, 2)", "the condition of where must be a comparison, such as x > 0"),
    ("where(«x is 0», 1, 2)", "a comparison is one of < <= > >= == !="),
    ("where(«x in y», 1, 2)", "a comparison is one of < <= > >= == !="),
    ("«where(x > 0, 1)»", WHERE),
    ("«where(x > 0, 1, 2, axis=0)»", WHERE),
    ("2 * («x > 0»)", "a comparison can only be the condition of a where: where(condition, a, b)"),
    ("«1e999» * x", TOO_LARGE),
    ("x + «9**9**9»", "a constant must be finite, and this is inf"),
    ("«1 / 0» + x", INFINITE),
    ("[«1 / 0», 2] @ x", INFINITE),
    ("«0 / 0» * x", "a constant must be finite, and this is nan"),
    ("«9007199254740993»", "float64 cannot hold this integer; the nearest that it can is 9007199254740992"),
    ("x + «softmax(3)»", "softmax: axis -1 is out of range for an operand of shape scalar; it has no axes"),
    ("«3 @ 4»", "3 scalar and 4 scalar do not multiply: @ is for vectors and matrices; a number multiplies with *"),
]  # fmt: skip


def marked(text: str) -> tuple[str, str]:
    """The text without its «», and the line of carets."""
    start, end = text.index("«"), text.index("»") - 1
    return text.replace("«", "").replace("»", ""), " " * start + "^" * max(end - start, 1)


@pytest.mark.parametrize(("text", "words"), REFUSALS)
def test_refusals(text: str, words: str) -> None:
    plain, carets = marked(text)
    with pytest.raises(InputError) as error:
        expression(f" {plain}\n")
    assert str(error.value) == f"{words}\n  {plain}\n  {carets}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty: write one of x, such as x * tanh(x)"),
        (" \n", "the expression is empty: write one of x, such as x * tanh(x)"),
        ("x" * 10001, "the expression has 10001 characters; it may have 10000"),
        ("x\0", "the expression has a character that cannot be read: a NUL byte"),
        ("x\ud800", "the expression has a character that cannot be read"),
        ("9" * 5000, "a number of the expression has too many digits"),
        ("-" * 9000 + "x", "the expression is nested too deeply; it may be 100 deep"),
        ("+".join("x" * 5000), "the expression is nested too deeply; it may be 100 deep"),
    ],
)
def test_refusals_without_a_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        expression(text)
    assert str(error.value) == message


def test_nesting_may_be_a_hundred_deep() -> None:
    x = np.array([0.5])
    assert expression("+".join("x" * 100))(x) == 50
    assert expression("exp(-" * 49 + "x" + ")" * 49)(x) < 1
    for text in ("+".join("x" * 102), "-" * 100 + "x"):
        with pytest.raises(InputError, match=r"nested too deeply; it may be 100 deep\n  .*\n +\^"):
            expression(text)
    with pytest.raises(InputError, match="too many nested parentheses"):
        expression("(" * 300 + "x" + ")" * 300)


def test_of_several_lines_the_one_in_question_is_shown() -> None:
    with pytest.raises(InputError) as error:
        expression("x +\r\n\ty.foo * 3 +\n z")
    assert str(error.value) == f"{DOT}\n   y.foo * 3 +\n   ^^^^^"
    assert expression("x +\n  1").formula == "x + 1"


def test_of_a_long_line_the_surroundings_are_shown() -> None:
    long = " + ".join(f"x{place}" for place in range(45))
    with pytest.raises(InputError) as error:
        expression(f"{long} + x.foo + {long}")
    words, line, carets = str(error.value).split("\n")
    assert words == DOT
    assert len(line) == 74
    assert (line[2], line[-1]) == ("…", "…")
    assert line[carets.index("^") : len(carets)] == "x.foo"
    with pytest.raises(InputError) as error:
        expression(f"x.foo + {long}")
    assert str(error.value).split("\n")[1:] == [f"  x.foo + {long}"[:72] + "…", "  ^^^^^"]
    with pytest.raises(InputError) as error:
        expression(f"{long} + x.foo")
    words, line, carets = str(error.value).split("\n")
    assert line == "  …" + f"{long} + x.foo"[-70:]
    assert line[carets.index("^") :] == "x.foo"
    with pytest.raises(InputError) as error:
        expression(f"{{{'x,' * 200}}}")
    assert str(error.value).split("\n")[1:] == [f"  {{{'x,' * 200}"[:72] + "…", "  " + "^" * 70]


def test_a_control_character_is_one_character_wide() -> None:
    with pytest.raises(InputError) as error:
        expression("x\u00a0+ '\x1b' + 1")
    assert str(error.value) == f"{QUOTES}\n  x + '�' + 1\n      ^^^"


@pytest.mark.parametrize(
    ("text", "shapes", "words"),
    [
        ("1 + «q @ k»", [(4, 3), (5, 2)], "q 4×3 and k 5×2 do not multiply: 3 columns against 5 rows"),
        ("«q @ k»", [(4, 3), (5, 3)], "q 4×3 and k 5×3 do not multiply: 3 columns against 5 rows; q @ k.T would"),
        ("«q @ k»", [(4, 3), (4, 1)], "q 4×3 and k 4×1 do not multiply: 3 columns against 4 rows; q.T @ k would"),
        ("«q @ k.T»", [(4, 3), (1, 2)], "q 4×3 and k.T 2×1 do not multiply: 3 columns against 2 rows"),
        ("«x @ y»", [(1,), (3, 2)], "x 1 and y 3×2 do not multiply: 1 entry against 3 rows"),
        ("«x @ y»", [(3, 1), (3,)], "x 3×1 and y 3 do not multiply: 1 column against 3 entries"),
        (
            "«x @ y»",
            [(), (3,)],
            "x scalar and y 3 do not multiply: @ is for vectors and matrices; a number multiplies with *",
        ),
        (
            "«x @ y»",
            [(2, 3, 4), (5, 4, 2)],
            "x 2×3×4 and y 5×4×2 do not multiply: before the last two axes, their last axes have sizes 2 and 5, and "
            "neither is 1",
        ),
        (
            "2 * («x * y»)",
            [(2, 3), (2,)],
            "x 2×3 and y 2 do not go together: their last axes have sizes 3 and 2, and neither is 1",
        ),
        (
            "exp(«y - (x + x + x + x + x + x)»)",
            [(2, 3), (4, 3)],
            "y 4×3 and the right side 2×3 do not go together: their second last axes have sizes 4 and 2, and neither "
            "is 1",
        ),
        (
            "«where(x > y, x * x * x * x * x * x * x, 0)»",
            [(2,), (3,)],
            "x 2 and y 3 do not go together: their last axes have sizes 2 and 3, and neither is 1",
        ),
        (
            "«where(y < 1, x * x * x * x * x * x * x, 0)»",
            [(2,), (3,)],
            "y 3 and operand 3 2 do not go together: their last axes have sizes 3 and 2, and neither is 1",
        ),
        ("1 + «max(x)»", [(0,)], "max: an operand of shape 0 has no entries to take it of"),
        (
            "x + «softmax(y, axis=2)»",
            [(2, 3), (2, 3)],
            "softmax: axis 2 is out of range for an operand of shape 2×3; its axes are -2 to 1",
        ),
    ],
)
def test_shapes_that_do_not_go_together(text: str, shapes: list[Shape], words: str) -> None:
    plain, carets = marked(text)
    f, point = expression(plain), [np.ones(shape) for shape in shapes]
    with pytest.raises(InputError) as error:
        f(*point)
    assert str(error.value) == f"{words}\n  {plain}\n  {carets}"
    with pytest.raises(InputError) as error:
        f.push(point, point)
    assert str(error.value) == f"{words}\n  {plain}\n  {carets}"


def test_an_operand_must_be_real() -> None:
    with pytest.raises(InputError, match=r"^y: an operand of dtype complex128 is not made of real numbers$"):
        expression("x + y")(np.ones(2), np.ones(2) * 1j)


# --- Whatever is typed -----------------------------------------------------------------------------------------------

TOKENS = [
    *["x", "y", "x", "2", "0", "1.5", "9", "1e300", "pi", "e", "+", "-", "*", "/", "**", "@", "(", ")", ",", ".T"],
    *["sigmoid(", "softmax(", "sum(x", "max(", "where(", "maximum(", "axis=", "0)", "<", "==", ", 1)", "transpose("],
    *[
        "[",
        "]",
        "{",
        "}",
        "lambda",
        "if",
        "else",
        "for",
        "in",
        "not",
        "and",
        "'",
        '"',
        "f'",
        "True",
        "None",
        "...",
        "=",
    ],
    *[":=", "%", "//", "^", "~", "#", "\\", "\n", ";", "await", "yield", "*x", "__import__", "eval(", ".real", "1j"],
    *[
        "|",
        "|",
        "||",
        "‖",
        "'",
        "x[",
        "[0]",
        "[1:",
        "[-1]",
        ":]",
        "...",
        "_2",
        "\\frac{",
        "^{",
        "}",
        "^T",
        "⁻",
        "lambda x:",
    ],
    *["²", "×", "λ", "ﬁ", "\0", "\ud800", "\u2028", "_", "0x1f", "1_0", "007", "2x", "!", "?", "$", "`", "@@", "->"],
]


def tried(text: str) -> Function | None:
    """Read a text, and compute it at a few shapes: a Function or an InputError of few lines, and nothing else."""
    try:
        f = expression(text)
    except InputError as error:
        assert str(error).count("\n") in (0, 2)  # noqa: PT017
        return None
    assert f.name
    assert f.operands[0] == "x" or "x" not in f.operands
    for shape in [(2, 2), (3, 2), (2,), ()]:
        point = [np.full(shape, 0.5)] * len(f.operands)
        try:
            value, tangent = f(*point), f.push(point, point)
        except InputError as error:
            assert "\n  " in str(error)  # noqa: PT017
            continue
        assert value.shape == tangent.shape
        assert value.dtype == tangent.dtype == np.float64
    return f


@given(st.lists(st.sampled_from(TOKENS), max_size=14), st.sampled_from(["", " "]))
def test_token_soup_is_read_or_refused(tokens: list[str], between: str) -> None:
    tried(between.join(tokens))


@given(st.text(max_size=40))
@example("\x0c x")
@example("x\\\n+ 1")
@example("﻿x")
def test_any_text_is_read_or_refused(text: str) -> None:
    tried(text)


PARTS = st.recursive(
    st.sampled_from(["x", "y", "2", "1.5", "pi"]),
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from(["+", "-", "*", "/", "**", "@"]), parts).map(lambda p: f"({' '.join(p)})"),
        st.tuples(st.sampled_from(["sigmoid", "softmax", "cumsum", "-", "transpose"]), parts).map(
            lambda p: f"({p[0]}({p[1]}))"
        ),
        st.tuples(parts, parts, parts).map(lambda p: f"where({p[0]} < {p[1]}, {p[1]}, {p[2]})"),
        st.tuples(parts, parts).map(lambda p: f"max({p[0]}, {p[1]})"),
        parts.map(lambda part: f"({part}).T"),
    ),
    max_leaves=12,
)


@given(PARTS)
def test_whatever_the_grammar_makes_is_computed_without_a_warning(text: str) -> None:
    tried(text)


def test_the_longest_texts_do_not_hang() -> None:
    wide = "x0"
    for depth in range(1, 11):
        wide = f"max({wide}, {wide.replace('x', f'y{depth}')})"
    for text in ("+".join(["(" + "+".join(f"a{k}_{j}" for j in range(30)) + ")" for k in range(40)]), wide[:10000]):
        tried(text)


def test_nothing_that_is_typed_is_run() -> None:
    modules: list[ModuleType] = [module, grammar, reading, advice, spelling, evaluation, symbolic, typed]
    called = [
        (name.__name__.rpartition(".")[2], ast.unparse(node.func))
        for name in modules
        for node in ast.walk(ast.parse(inspect.getsource(name)))
        if isinstance(node, ast.Call)
    ]
    assert {place for place, call in called if call == "ast.parse"} == {"source", "symbolic"}  # symbolic: our formulas
    words = {"eval", "exec", "compile", "__import__"}
    words |= {"getattr", "globals", "vars", "open", "ast.literal_eval"}
    assert not words & {call for _, call in called}


def test_every_function_of_the_catalogue_can_be_called() -> None:
    for name in catalogue.names():
        f = catalogue.function(name)
        operands = ["x", "y", "z"][: len(f.operands)]
        g = expression(f"{name}({', '.join(operands)})")
        x = np.array([[0.3, 0.6], [0.2, 0.9]])
        point = [x[0] if f.name == "outer" else x] * len(operands)
        np.testing.assert_array_equal(g(*point), f(*point), err_msg=name)
        np.testing.assert_array_equal(g.push(point, point), f.push(point, point), err_msg=name)


@pytest.mark.parametrize("text", ["sum(**x, x)", "where(x==1, sum(x, axis=0, x), 1)", "sum(axis=0, x)"])
def test_an_operand_after_a_parameter(text: str) -> None:
    with pytest.raises(InputError, match="the operands come first, then name=value"):
        expression(text)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        *(("x^2", "x**2"), ("x²", "x**2"), ("x³ + 1", "x**3 + 1"), ("2x", "2*x"), ("2(x+1)", "2*(x+1)")),
        *(("1.5e-3x", "1.5e-3*x"), ("2exp(x)", "2*exp(x)"), ("2x^2", "2*x**2"), ("-x^2", "-x**2")),
        *(("x·y", "x*y"), ("x × y", "x * y"), ("x ⊙ y", "x * y"), ("x ⋅ y", "x * y"), ("x ÷ y", "x / y")),
        *(("xᵀ", "x.T"), ("x @ yᵀ", "x @ y.T"), ("x − y", "x - y"), ("2πx", "2*πx"), ("2π * x", "2*pi * x")),
        *(("σ(x)", "sigmoid(x)"), ("2σ(x)", "2*sigmoid(x)"), ("x²y", "x**2*y"), ("x²(x+1)", "x**2*(x+1)")),
        *(("where(x ≤ 1, x, 2x)", "where(x <= 1, x, 2*x)"), ("e^(-x)", "e**(-x)"), ("ln(x)", "ln(x)")),
        *(("|x|", "abs(x)"), ("2|x - 1|", "2*abs(x - 1)"), ("||x||", "norm(x)"), ("‖x‖²", "norm(x)**2")),
        *(("|x||y|", "abs(x)*abs(y)"), ("|x - |y||", "abs(x - abs(y))"), ("||x| - |y||", "abs(abs(x) - abs(y))")),
        *(("||x||_1", "l1_norm(x)"), ("||x||_F^2", "norm(x)**2"), ("||x||_3", "norm(x)_3"), ("(|x|)'", "(abs(x)).T")),
        *(("|||x|||", "norm(abs(x))"), ("f(|x|, |y|)", "f(abs(x), abs(y))"), ("|x|'", "abs(x).T"), ("x⊤", "x.T")),
        *(("x | y", "x | y"), ("|(x|)", "|(x|)"), ("'|x|'", "'|x|'"), ("x.*y./x.^2", "x*y/x**2"), ("x'", "x.T")),
        *(("log2(x)", "log2(x)"), ("x2 + 1e5", "x2 + 1e5"), ("0x1f", "0x1f"), ("2j", "2j"), ("log1p(x)", "log1p(x)")),
    ],
)
def test_what_people_write_is_spelled_as_python_reads_it(text: str, spelled: str) -> None:
    found, places = typed.Typed(text).spelled
    assert found == spelled
    assert len(places) == len(found) + 1
    assert places == sorted(places)
    assert places[-1] == len(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2x^2 + 3x - 1", "2 * x**2 + 3 * x - 1"),
        ("x²·exp(−x)", "x**2 * exp(-x)"),
        ("2(x+1)^3", "2 * (x + 1)**3"),
        ("σ(2x) ⊙ x", "sigmoid(2 * x) * x"),
        ("2π * x", "2 * pi * x"),
    ],
)
def test_it_is_the_same_function_with_the_same_derivative(text: str, same: str) -> None:
    one, other, x = expression(text), expression(same), np.array([[0.3, -1.2], [2.0, 0.7]])
    assert one.name == text
    np.testing.assert_array_equal(one(x), other(x))
    np.testing.assert_array_equal(one.push([x], [x]), other.push([x], [x]))


def test_a_parameter_called_e() -> None:
    assert expression("e * x", {"e": 3.0}).value(np.array([2.0])).tolist() == [6.0]
    assert expression("e * x").value(np.array([1.0])).tolist() == [np.e]
