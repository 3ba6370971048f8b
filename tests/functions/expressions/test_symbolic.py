"""The derivatives written down: their text, and that they are the derivatives."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.expressions.expression import expression
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Slopes

Array = NDArray[Any]
Shape = tuple[int, ...]


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# an expression, and its derivative by each operand
ELEMENTWISE: dict[str, tuple[str, ...]] = {
    "x * sigmoid(1.702 * x)": ("sigmoid(1.702 * x) + x * sigmoid'(1.702 * x) * 1.702",),
    "x**2": ("2 * x",),
    "x**2.5": ("2.5 * x**1.5",),
    "x**1": ("1",),
    "x**0": ("0",),
    "x**-1": ("-x**(-2)",),
    "2 * x**3": ("6 * x**2",),
    "1 / x": ("-1 / x**2",),
    "-3 / x": ("3 / x**2",),
    "x / y": ("1 / y", "-x / y**2"),
    "x * y": ("y", "x"),
    "-x * y": ("-y", "-x"),
    "x * -y": ("-y", "-x"),
    "x - -y": ("1", "1"),
    "y - x": ("-1", "1"),
    "x + x": ("2",),
    "+x * +2": ("2",),
    "x * (+2 * y) * x": ("+2 * y * x + x * (+2 * y)", "x * 2 * x"),
    "(x - y)**2": ("2 * (x - y)", "-2 * (x - y)"),
    "x**y": ("y * x**(y - 1)", "x**y * log(x)"),
    "2**x": ("2**x * log(2)",),
    "e**x": ("e**x",),
    "pi * x": ("pi",),
    "3": ("0",),
    "0 * x": ("0",),
    "tanh(x)": ("1 - tanh(x)**2",),
    "tanh(2 * x)": ("(1 - tanh(2 * x)**2) * 2",),
    "exp(-x)": ("-exp(-x)",),
    "exp(-x**2 / 2)": ("-exp(-x**2 / 2) * 2 * x / 2",),
    "Logistic(3 - x)": ("-Logistic'(3 - x)",),
    "elu(x, alpha=2)": ("elu'(x, alpha=2)",),
    "softplus(x)": ("softplus'(x)",),  # its own formula speaks of s, which is no name here
    "where(x > 0, x**2, 0)": ("where(x > 0, 2 * x, 0)",),
    "where(0 < x < 1, y, x * y)": ("where(0 < x < 1, 0, y)", "where(0 < x < 1, 1, x)"),
    "where(x > 0, 1, 2)": ("0",),
    "sin(2 * x)": ("cos(2 * x) * 2",),
    "log(x)": ("1 / x",),
    "abs(x)": ("sign(x)",),
    "sqrt(x**2 + 1)": ("sqrt'(x**2 + 1) * 2 * x",),
    "hypot(x, y)": ("x / sqrt(x**2 + y**2)", "y / sqrt(x**2 + y**2)"),
    "sign(x) * x": ("sign(x)",),
    "max(0, x)": ("where(x > 0, 1, where(0 == x, 1 / 2, 0))",),
    "logaddexp(x, y)": ("exp(x) / (exp(x) + exp(y))", "exp(y) / (exp(x) + exp(y))"),
    "tanh(exp(tanh(exp(x)))) * sigmoid(x) * x * x * x * x": ("",),
}  # fmt: skip

COUPLED: dict[str, tuple[tuple[str, ...], list[Shape]]] = {
    "x @ w": (("dx @ w", "x @ dw"), [(2, 3), (3, 4)]),
    "x @ w + b": (("dx @ w", "x @ dw", "db"), [(2, 3), (3, 4), (4,)]),
    "b - x @ w": (("-dx @ w", "db", "-x @ dw"), [(2, 3), (4,), (3, 4)]),
    "x.T": (("dx.T",), [(2, 3)]),
    "x.T @ x": (("dx.T @ x + x.T @ dx",), [(2, 3)]),
    "q @ k.T / 2": (("dq @ k.T / 2", "q @ dk.T / 2"), [(4, 3), (5, 3)]),
    "softmax(q @ k.T / 2) @ v": (("", "", "softmax(q @ k.T / 2) @ dv"), [(4, 3), (5, 3), (5, 2)]),
    "cumsum(x**2, axis=0)": (("cumsum(2 * x * dx, axis=0)",), [(2, 3)]),
    "cumsum(sigmoid(x))": (("cumsum(sigmoid'(x) * dx)",), [(2, 3)]),
    "x * cumsum(x)": (("dx * cumsum(x) + x * cumsum(dx)",), [(3,)]),
    "transpose(x * y)": (("transpose(dx * y)", "transpose(x * dy)"), [(2, 3), (3,)]),
    "cumsum(where(x > 0, x, y))": (
        ("", "cumsum(where(x > 0, 0, dy))"),
        [(2, 3), (2, 3)],
    ),
    "sum(x**2)": (("sum(2 * x * dx)",), [(2, 3)]),
    "mean((x - y)**2, axis=0)": (
        ("mean(2 * (x - y) * dx, axis=0)", "mean(-2 * (x - y) * dy, axis=0)"),
        [(2, 3), (3,)],
    ),
    "x - mean(x, axis=-1, keepdims=True)": (("dx - mean(dx, axis=-1, keepdims=True)",), [(2, 3)]),
    "sum(x - y, axis=None)": (("", ""), [(3,), (2, 3)]),
    "sum(x @ w + x @ w)": (("sum(dx @ w + dx @ w)", "sum(x @ dw + x @ dw)"), [(2, 3), (3, 4)]),
    "x / norm(x)": (("dx / norm(x) - x * sum(x * dx) / norm(x) / norm(x)**2",), [(3,)]),
    "||x - y||": (("", ""), [(3,), (2, 3)]),
    "norm(x, axis=0)": (("",), [(3, 2)]),
    "inv(X) @ b": (("-inv(X) @ dX @ inv(X) @ b", "inv(X) @ db"), [(2, 2), (2,)]),
    "solve(A, x)": (("solve(A, dx)", "-solve(A, dA @ solve(A, x))"), [(2,), (2, 2)]),
    "logdet(2X)": (("trace(inv(2 * X) @ (2 * dX))",), [(2, 2)]),
    "det(X)": (("det(X) * trace(inv(X) @ dX)",), [(2, 2)]),
    "trace(X.T @ X)": (("trace(dX.T @ X + X.T @ dX)",), [(3, 2)]),
    "outer(x, y)": (("outer(dx, y)", "outer(x, dy)"), [(2,), (3,)]),
    "matmul(x, y)": (("dx @ y", "x @ dy"), [(2, 3), (3,)]),
    "mse(x, y)": (("2 * mean((x - y) * dx)", "-2 * mean((x - y) * dy)"), [(2, 3), (2, 3)]),
    "[x[0]^2, x[1]]": (("[2 * x[0] * dx[0], dx[1]]",), [(2,)]),
    "[x[0], 1] @ y": (("[dx[0], 0] @ y", "[x[0], 1] @ dy"), [(2,), (2,)]),
    "x[1:] @ y[:, 0]": (("dx[1:] @ y[:, 0]", "x[1:] @ dy[:, 0]"), [(3,), (2, 2)]),
    "[1, 2] * sum(x)": (("[1, 2] * sum(dx)",), [(3,)]),
    "max(x) * y": (("", "max(x) * dy"), [(3,), (3,)]),
    "softmax(y) * x": (("softmax(y) * dx", ""), [(2, 3), (2, 3)]),
    # dx may have a smaller shape than x + y, and then its sums are not those of the whole
    "cumsum(x + y)": (("", ""), [(3,), (2, 3)]),
    "cumsum(x * y + x)": (("cumsum(dx * y + dx)", "cumsum(x * dy)"), [(3,), (2, 3)]),
    "cumsum(0 * x + x)": (("cumsum(dx)",), [(3,)]),
    "cumsum(x**1 * y)": (("cumsum(dx * y)", "cumsum(x**1 * dy)"), [(2, 1), (2, 3)]),
    "cumsum(identity(x + y))": (("", ""), [(3,), (2, 3)]),
    "(x + y) @ w": (("", "", "(x + y) @ dw"), [(3,), (2, 3), (3, 1)]),
    "cumsum(max(x, y))": (
        (
            "cumsum(where(x > y, 1, where(x == y, 1 / 2, 0)) * dx)",
            "cumsum(where(y > x, 1, where(x == y, 1 / 2, 0)) * dy)",
        ),
        [(3,), (2, 3)],
    ),
    "x @ dx": (("", "x @ ddx"), [(2, 3), (3, 2)]),  # dx is an operand
}  # fmt: skip


def formulas(f: Function) -> tuple[str, ...]:
    return f.partial_formulas or (f.derivative_formula,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [*ELEMENTWISE.items(), *((text, expected) for text, (expected, _) in COUPLED.items())],
)
def test_formulas(text: str, expected: tuple[str, ...]) -> None:
    f = expression(text)
    assert formulas(f) == expected
    assert f.derivative_formula == expected[0]


def test_a_parameter_keeps_its_name() -> None:
    assert expression("x**a * b", {"a": 3, "b": 2}).derivative_formula == "a * x**(a - 1) * b"


def test_a_formula_has_72_characters_at_most() -> None:
    name = "y" * 67
    assert expression(f"x * ({name} + 2)").derivative_formula == f"{name} + 2"
    assert expression(f"x * ({name}y + 2)").derivative_formula == f"{name}y + 2"
    assert expression(f"x * ({name}yy + 2)").derivative_formula == ""
    assert expression(" + ".join(["x"] + ["y * y"] * 70)).derivative_formula == ""


# --- Are they the derivatives? ---------------------------------------------------------------------------------------


def computed(formula: str, point: dict[str, Array]) -> Array:
    """What a formula says, by Python: names of the catalogue are its functions, and sigmoid' the derivative of one."""

    def derivative(name: str) -> Any:
        def slope(x: Array, **parameters: Any) -> Array:
            f = catalogue.function(name, **parameters)
            assert f.derivative is not None
            return f.derivative(np.asarray(x, float))

        return slope

    def value(name: str) -> Any:
        return lambda *operands, **parameters: catalogue.function(name, **parameters)(*operands)

    names: dict[str, Any] = {name: value(name) for name in catalogue.names()}
    names |= {f"prime_of_{name}": derivative(name) for name in [*catalogue.names(), "Logistic"]}
    python = re.sub(r"(\w+)'\(", r"prime_of_\1(", formula)
    python = re.sub(r"\b0 < x < 1\b", "(0 < x) & (x < 1)", python)  # which is two questions to Python
    tree = _Numbers().visit(ast.parse(python, mode="eval"))
    words = {"where": np.where, "pi": np.pi, "e": np.e, "Logistic": value("sigmoid"), "number": np.float64}
    names["max"] = lambda x, *y: catalogue.function("maximum" if y else "max")(x, *y)
    with np.errstate(all="ignore"):
        code = compile(ast.fix_missing_locations(tree), "", "eval")
        return np.asarray(eval(code, {"__builtins__": {}}, {**names, **words, **point}))


class _Numbers(ast.NodeTransformer):
    """Numpy's numbers, which divide by 0, in place of Python's; but not as parameters and indices."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node.value = self.visit(node.value)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Call(ast.Name("number", ast.Load()), [node], [])

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        return node


def check_slopes(text: str, shape: Shape) -> int:
    """Hold an element-wise expression's formulas against its rule; how many there are."""
    f = expression(text)
    rng = np.random.default_rng(1)
    point = {name: rng.uniform(0.2, 1.6, shape) for name in f.operands}
    checked = 0
    for wrt, formula in zip(f.operands, formulas(f), strict=True):
        if not formula:
            continue
        ones = [np.ones(shape) if name == wrt else None for name in f.operands]
        pushed = f.push(list(point.values()), ones)
        slope = np.broadcast_to(computed(formula, point), pushed.shape)
        known = np.isfinite(pushed) & np.isfinite(slope)
        np.testing.assert_allclose(slope[known], pushed[known], rtol=1e-9, atol=1e-9, err_msg=f"{text}: {formula}")
        checked += 1
    return checked


@pytest.mark.parametrize("text", ELEMENTWISE)
def test_the_slopes_written_down_are_those_computed(text: str) -> None:
    assert check_slopes(text, (3, 2)) == len([formula for formula in ELEMENTWISE[text] if formula])


@pytest.mark.parametrize("text", COUPLED)
def test_the_differentials_written_down_are_those_computed(text: str) -> None:
    f, (_, shapes) = expression(text), COUPLED[text]
    rng = np.random.default_rng(1)
    point = {name: rng.standard_normal(shape) for name, shape in zip(f.operands, shapes, strict=True)}
    for wrt, formula in zip(f.operands, formulas(f), strict=True):
        if formula:
            dx = rng.standard_normal(point[wrt].shape)
            pushed = f.push(list(point.values()), [dx if name == wrt else None for name in f.operands])
            differential = computed(formula, {**point, f"d{wrt}": dx})
            np.testing.assert_allclose(np.broadcast_to(differential, pushed.shape), pushed, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "name", [name for name in catalogue.names() if isinstance(catalogue.function(name).rule, Slopes)]
)
def test_the_slope_of_every_element_wise_function(name: str) -> None:
    operands = ["x", "y", "z"][: len(catalogue.function(name).operands)]
    check_slopes(f"{name}({', '.join(operands)})", (4,))
    check_slopes(f"2 - x * {name}({', '.join(f'{operand} / 2' for operand in operands)})", (4,))


PARTS = st.recursive(
    st.sampled_from(["x", "y", "x", "2", "1", "0", "-1", "1.5", "e"]),
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from(["+", "-", "*", "/", "**"]), parts).map(lambda p: f"({' '.join(p)})"),
        st.tuples(st.sampled_from(["sigmoid", "exp", "-", "+", "tanh", "identity"]), parts).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        st.tuples(parts, parts, parts).map(lambda p: f"where({p[0]} < {p[1]}, {p[1]}, {p[2]})"),
    ),
    max_leaves=6,
)


def is_expression(text: str) -> bool:
    """Whether a text is one: a constant in it may not be finite."""
    try:
        expression(text)
    except ValueError:
        return False
    return True


@given(PARTS.filter(is_expression))
def test_whatever_is_written_down_is_the_derivative(text: str) -> None:
    check_slopes(text, (3,))
