"""Functions of several arrays, differentiated by several at once, and functions that return several."""

import json
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.inspection.report import Report
from jacinspect.views.facts import formulas
from tests.oracles import Array

X = np.array([[0.3, -0.7, 1.1], [2.0, 0.4, -0.2]])
V = np.array([0.5, -1.5, 0.8])
Pair = namedtuple("Pair", "h c")


@dataclass
class Lift:
    lift: Any
    drag: Any


def message(report: Report) -> str:
    (found,) = (each for each in report.findings if each.code == "J001")
    return found.message


# --- Several outputs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (lambda h, c: (h, c), ("0", "1")),
        (lambda h, c: [h, c], ("0", "1")),
        (lambda h, c: {"h": h, "c": c}, ("h", "c")),
        (lambda h, c: Pair(h, c), ("h", "c")),
        (lambda h, c: Lift(h, c), ("lift", "drag")),
        (lambda h, c: (h, {"state": [c]}), ("0", "1.state.0")),
    ],
)
def test_arrays_that_are_returned_together_are_laid_end_to_end(result: Any, names: tuple[str, ...]) -> None:
    report = jacinspect.inspect(lambda x: result(np.sin(x), x.sum(0)), X)
    assert report.names.output.names == names
    assert report.output is not None
    np.testing.assert_array_equal(report.output, np.concatenate([np.sin(X).ravel(), X.sum(0)]))
    assert report.jacobian is not None
    assert [(b.output, b.structure, b.stored) for b in report.jacobian.parts] == [
        (names[0], "diagonal", 6),
        (names[1], "block-diagonal", 6),
    ]
    output = json.loads(report.to_json())["output"]
    assert output["parts"] == [
        {"name": names[0], "shape": [2, 3], "offset": 0},
        {"name": names[1], "shape": [3], "offset": 6},
    ]


@pytest.mark.parametrize(("take", "shape"), [("0", (2, 3)), (0, (2, 3)), ("1.state", (3,)), ("1.state.0", (3,))])
def test_one_of_them_is_taken(take: str | int, shape: tuple[int, ...]) -> None:
    report = jacinspect.inspect(lambda x: (np.sin(x), {"state": [x.sum(0)]}), X, take=take)
    assert report.output is not None
    assert report.output.shape == shape


def test_one_with_a_name_is_taken_by_its_number() -> None:
    for take in (1, "1", "logabsdet"):
        report = jacinspect.inspect("numpy.linalg:slogdet", X[:, :2], take=take)
        assert (report.names.output.names, report.output is not None and report.output.shape) == (("logabsdet",), ())
    with pytest.raises(InputError, match="has no such output; it returns sign, logabsdet"):
        jacinspect.inspect("numpy.linalg:slogdet", X[:, :2], take=2)


def test_several_are_taken_by_their_names_or_numbers() -> None:
    def f(x: Array) -> Any:
        return {"a": np.sin(x), "b": x.sum(0), "c": {"d": x[0]}}

    for take in ("a,c", "0, c.d"):
        report = jacinspect.inspect(f, X, take=take)
        assert report.names.output.names == ("a", "c.d")
    with pytest.raises(InputError, match=r"--take e: .* has no such output; it returns a, b, c.d"):
        jacinspect.inspect(f, X, take="a,e")


def test_what_is_no_real_array_is_left_out_and_told() -> None:
    def f(x: Array) -> Any:
        return x**2, None, "a text", np.argmax(x, axis=0), {"flag": True}

    report = jacinspect.inspect(f, X)
    assert report.names.output.names == ("0",)
    assert report.jacobian is not None
    assert report.jacobian.is_diagonal
    said = [sentence for _, sentence in formulas(report)]
    assert "not in A: 1 (None), 2 (str), 3 (integers) and 4.flag (booleans), which the function returns too" in said


def test_outputs_that_cannot_be_taken() -> None:
    with pytest.raises(InputError, match=r"--take hh: .* has no such output; it returns h, c; did you mean 'h'\?"):
        jacinspect.inspect(lambda x: {"h": x, "c": x}, X, take="hh")
    with pytest.raises(InputError, match="returns no array of real numbers: 0 \\(None\\), 1 \\(str\\)"):
        jacinspect.inspect(lambda x: (None, "a"), X)
    for function in (lambda x: x, "sigmoid"):
        with pytest.raises(InputError, match="returns one array: leave out --take 1"):
            jacinspect.inspect(function, X, take=1)
    shrunk = iter([False, *[True] * 100])
    with pytest.raises(FunctionFailedError, match="returned shape 3 for its output 1 after shape 2×3"):
        jacinspect.inspect(lambda x: (x, x[0] if next(shrunk) else x), X, backend="numpy")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_fields_of_a_structured_array_are_named(dtype: str) -> None:
    def f(x: Array) -> Any:
        result = np.zeros(3, [("speed", "f8"), ("height", "f8")])
        result["speed"], result["height"] = x[0] * x[1], x[1:].sum()
        return result

    with pytest.raises(InputError) as error:
        jacinspect.inspect(f, V.astype(dtype))
    said = str(error.value)
    assert said.startswith("f returns a structured array, whose fields are speed, height: let it return one, as A['spe")
    made = said.partition("a dict of them, ")[2]
    report = jacinspect.inspect(lambda x: eval(made, {"A": f(x)}), V.astype(dtype))
    assert report.names.output.names == ("speed", "height")


def test_a_claim_has_a_block_for_each_output() -> None:
    def f(x: Array) -> Any:
        return {"lift": x[0] * x[1], "drag": np.array([x[0] ** 2, x[1]])}

    def right(x: Array) -> Any:
        return {"lift": np.array([x[1], x[0]]), "drag": np.array([[2 * x[0], 0], [0, 1]])}

    def wrong(x: Array) -> Any:
        return {"lift": np.array([x[1], x[0]]), "drag": np.array([[2 * x[0], 0], [0, 2]])}

    assert jacinspect.inspect(f, V[:2], right).verdict == "pass"
    report = jacinspect.inspect(f, V[:2], wrong)
    assert "worst ∂drag[1]/∂X[1]: analytic 2, numeric 1" in message(report)
    assert jacinspect.inspect(f, V[:2], lambda x: list(right(x).values())).verdict == "pass"
    by_cotangents = jacinspect.inspect(
        f, V[:2], lambda x, da: np.array([x[1], x[0]]) * da[0] + np.array([2 * x[0] * da[1][0], da[1][1]]),
        derivative_kind="vjp",
    )  # fmt: skip
    assert by_cotangents.verdict == "pass"
    apart = jacinspect.inspect(
        f, V[:2], lambda x, dl, dd: np.array([x[1], x[0]]) * dl + np.array([2 * x[0] * dd[0], dd[1]]),
        derivative_kind="vjp",
    )  # fmt: skip
    assert apart.verdict == "pass"
    tangents = jacinspect.inspect(
        f, V[:2], lambda x, dx: (x[1] * dx[0] + x[0] * dx[1], np.array([2 * x[0] * dx[0], dx[1]])),
        derivative_kind="jvp",
    )  # fmt: skip
    assert tangents.verdict == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("take", [0, "0"])
def test_nested_lists_of_numbers_are_one_array_as_f_alone_returns_it(take: int | str, dtype: str) -> None:
    """As scipy.optimize.root has it with jac=True: the rows of J are no outputs, nor their numbers."""

    def both(x: Array) -> Any:
        return [x[0] * x[1] ** 2, 3 * x[0] + x[1]], [[x[1] ** 2, 2 * x[0] * x[1]], [3, 1]]

    x = np.array([2, 5], dtype)
    for f in (both, lambda x: [both(x)[0]], lambda x: ([*both(x)[0]], "no array")):
        report = jacinspect.inspect(f, x, lambda x: both(x)[1], take=take)
        assert report.verdict == "pass"
        assert report.output is not None
        assert report.output.shape == (2,)
        transposed = jacinspect.inspect(f, x, lambda x: np.transpose(both(x)[1]).tolist(), take=take)
        assert "∂A[1]/∂X[0]: analytic 20, numeric 3" in message(transposed)
    entry = jacinspect.inspect(both, x, lambda x: [3, 1], take="0.1")
    assert (entry.verdict, entry.output is not None and entry.output.shape) == ("pass", ())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lists_of_several_lengths_are_an_array_each(dtype: str) -> None:
    def f(x: Array) -> Any:
        return [x[0] * x[1], x[1] ** 2], [x[0]]

    x = np.array([2, 5], dtype)
    for off, verdict in ((0, "pass"), (1, "fail")):
        report = jacinspect.inspect(f, x, lambda x, off=off: ([[x[1], x[0]], [0, 2 * x[1] + off]], [[1, 0]]))
        assert [part.shape for part in report.names.output.parts] == [(2,), (1,)]
        assert report.verdict == verdict
    by_name = jacinspect.inspect(lambda x: {"f": f(x)[0]}, x, lambda x: {"f": [[x[1], x[0]], [0, 2 * x[1]]]})
    assert by_name.verdict == "pass"


def test_what_is_no_output_may_stand_beside_the_blocks() -> None:
    def f(x: Array) -> Any:
        return x**2, (x[0] * x[1], 7), "no array"

    for factor, verdict in ((1, "pass"), (3, "fail")):
        report = jacinspect.inspect(f, V[:2], lambda x, k=factor: (np.diag(2 * x), (k * x[::-1], None), None))
        assert (report.verdict, report.names.output.names) == (verdict, ("0", "1.0"))
        pair = jacinspect.inspect(
            lambda x: ((x[0] * x[1], x[1] ** 2), "no array"), V[:2],
            lambda x, k=factor: [[x[1], k * x[0]], [0, 2 * x[1]]], take=0,
        )  # fmt: skip
        assert (pair.verdict, pair.names.output.names) == (verdict, ("0.0", "0.1"))


# --- Several operands -------------------------------------------------------------------------------------------------


def test_an_expression_by_all_its_operands() -> None:
    q, k = np.random.default_rng(0).standard_normal((2, 4, 3))
    report = jacinspect.inspect("softmax(q @ k.T / 2)", q, others={"k": k}, wrt="q,k")
    assert report.verdict == "pass"
    assert report.operand.name == "q,k"
    assert report.operand.values.shape == (24,)
    operand = json.loads(report.to_json())["operand"]
    assert operand["parts"] == [
        {"name": "q", "shape": [4, 3], "offset": 0},
        {"name": "k", "shape": [4, 3], "offset": 12},
    ]
    assert report.jacobian is not None
    assert [(block.operand, block.structure) for block in report.jacobian.parts] == [
        ("q", "block-diagonal"),
        ("k", "dense"),
    ]


@pytest.mark.parametrize("wrt", ["all", "x,y", ["x", "y"], [1, 2], "1,2", "?"])
def test_ways_to_name_operands(wrt: Any) -> None:
    report = jacinspect.inspect("multiply", X, others=[V], wrt=wrt)
    assert (report.verdict, report.operand.name) == ("pass", "x,y")
    assert report.jacobian is not None
    assert report.jacobian.shape == (6, 9)
    with pytest.raises(InputError, match=r"has no operand 'z\*' to differentiate by; it has x \(1\) and y \(2\)"):
        jacinspect.inspect("multiply", X, others=[V], wrt="z*")


def model(t: Array, a: float, b: float, c: float) -> Any:
    return a + b * np.exp(c * t)


def jac(t: Array, a: float, b: float, c: float) -> Any:
    e = np.exp(c * t)
    return np.column_stack([np.ones_like(t), e, b * t * e])


def forgets(t: Array, a: float, b: float, c: float) -> Any:
    e = np.exp(c * t)
    return np.column_stack([np.ones_like(t), e, t * e])


def test_a_model_by_its_parameters() -> None:
    """curve_fit's form: model(t, a, b, c), and its derivative by a, b and c as the columns of a matrix."""
    t, others = np.linspace(0, 10, 15), {"a": 0.5, "b": 2.0, "c": -1.0}
    assert jacinspect.inspect(model, t, jac, others=others, wrt="a,b,c").verdict == "pass"
    report = jacinspect.inspect(model, t, forgets, others=others, wrt=["a", "b", "c"])
    assert "/∂c: analytic" in message(report)
    report = jacinspect.inspect(model, t, forgets, others=others, wrt="a")  # which its columns by b and c go beyond
    assert report.names.operand.names == ("a", "b", "c")
    assert "the derivative is by a and b and c, and so it is compared" in [sentence for _, sentence in formulas(report)]
    assert "/∂c: analytic" in message(report)
    assert jacinspect.inspect(model, t, jac, others=others, wrt="b").verdict == "pass"
    assert (
        jacinspect.inspect(model, t, lambda t, a, b, c: jac(t, a, b, c)[:, :1], others=others, wrt="a").verdict
        == "pass"
    )


def test_claims_by_several_operands() -> None:
    def f(x: Array, w: Array) -> Any:
        return x @ w

    x, w = X, np.arange(6.0).reshape(3, 2) - 2
    both: dict[str, Any] = {"others": [w], "wrt": "w,x"}
    by_x, by_w = np.einsum("ip,qj->ijpq", np.eye(2), w), np.einsum("ip,jq->ijpq", x, np.eye(2))
    for given in (lambda x, w: (by_x, by_w), lambda x, w: {"w": by_w, "x": by_x}):
        assert jacinspect.inspect(f, x, given, **both).verdict == "pass"
    pulled = jacinspect.inspect(f, x, lambda x, w, da: (da @ w.T, x.T @ da), derivative_kind="vjp", **both)
    assert pulled.verdict == "pass"
    pushed = jacinspect.inspect(f, x, lambda x, w, dw, dx: dx @ w + x @ dw, derivative_kind="jvp", **both)
    assert pushed.verdict == "pass"
    half = jacinspect.inspect(f, x, lambda x, w, da: (da @ w.T, 2 * x.T @ da), derivative_kind="vjp", **both)
    assert "/∂w[" in message(half)


def test_the_slope_by_one_operand_is_not_shown_as_that_by_two() -> None:
    report = jacinspect.inspect("x * y", np.ones(2), others={"y": np.ones(2)}, wrt="x,y")
    assert report.verdict == "pass"
    assert report.function.derivative is None


# --- Single precision inside, along some of the operands --------------------------------------------------------------


def probabilities(q: Array, k: Array) -> Array:
    """Attention's, in single precision, as jax's dot_product_attention has them."""
    exponentials = np.exp((q @ k.T).astype(np.float32) / 2)
    return np.asarray(exponentials / exponentials.sum(-1, keepdims=True), np.float64)


def attention(q: Array, k: Array, v: Array) -> Array:
    return probabilities(q, k) @ v


def pulled(q: Array, k: Array, v: Array, da: Array) -> tuple[Array, Array, Array]:
    p = probabilities(q, k)
    along = da @ v.T
    by_logits = p * (along - (p * along).sum(-1, keepdims=True)) / 2
    return by_logits @ k, by_logits.T @ q, p.T @ da


@pytest.mark.parametrize("seed", [0, 1])
def test_what_works_in_single_precision_along_some_operands_is_not_accused(seed: int) -> None:
    """Of v it is a smooth function in double precision; along q and k it moves in steps."""
    q, k, v = (np.random.default_rng([seed, n]).standard_normal((n, 4)) for n in (3, 5, 5))
    report = jacinspect.inspect(attention, q, pulled, others=[k, v], wrt="all", derivative_kind="vjp")
    assert (report.verdict, report.calls < 6000) == ("pass", True)

    def wrong(q: Array, k: Array, v: Array, da: Array) -> Any:
        return (1.01 * pulled(q, k, v, da)[0], *pulled(q, k, v, da)[1:])

    assert jacinspect.inspect(attention, q, wrong, others=[k, v], wrt="all", derivative_kind="vjp").verdict == "fail"


# --- Many numbers -----------------------------------------------------------------------------------------------------


def test_the_pattern_of_a_hundred_thousand_numbers_takes_few_calls() -> None:
    n = 50_000
    x, w = np.random.default_rng(0).standard_normal((2, n))
    report = jacinspect.inspect(lambda x, w: np.sin(x) * w, x, others=[w], wrt="all")
    assert report.jacobian is not None
    assert (report.detection.proved, report.jacobian.stored) == (True, 2 * n)
    assert report.detection.evaluations < 10 * np.log2(2 * n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("take", "order"), [("c,a", "ca"), ("a,c", "ac"), ("2,0", "ca"), ("a,c,a", "ac")])
def test_several_outputs_are_taken_in_the_order_given(take: str, order: str, dtype: str) -> None:
    def f(x: Array) -> Any:
        return {"a": np.sin(x), "b": x, "c": x**2}

    x = np.array([0.5, -1.5, 2], dtype)
    for factor, expected in ((1, "pass"), (1.01, "fail")):

        def claim(x: Array, k: float = factor) -> Any:
            blocks = {"a": np.diag(np.cos(x)), "c": np.diag(2 * k * x)}
            return np.vstack([blocks[name] for name in order])

        report = jacinspect.inspect(f, x, claim, take=take)
        assert report.verdict == expected
        assert report.names.output.names == tuple(order)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_output_may_have_a_name_with_a_comma(dtype: str) -> None:
    def f(x: Array) -> Any:
        return {"a": x**3, "a,b": np.sin(x), "c": x}

    x = np.array([0.5, -1.5, 2], dtype)
    for take, expected in (("a,b", "pass"), ("a", "fail"), ("c", "fail")):
        assert jacinspect.inspect(f, x, np.cos, take=take).verdict == expected
    with pytest.raises(InputError, match=r"--take b: .* has no such output"):
        jacinspect.inspect(f, x, take="a,b,c")
