"""People's callables: how a signature is divided, and what a broken contract gets."""

import functools
import inspect
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.code.callables import of_callable
from jacinspect.functions.function import Function
from jacinspect.inspection.report import Report
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((2, 3))
Y = np.random.default_rng(1).standard_normal((2, 3))


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


def output(report: Report) -> Array:
    assert report.output is not None
    return report.output


# --- Signatures


def plain(x: Array, y: Array) -> Array:
    return x * y


def with_default(x: Array, beta: float = 1.5) -> Array:
    return x * beta


def keyword_only(x: Array, *, a: float, b: float = 2.0) -> Array:
    return a * x**b


def by_position(x: Array, n: int, /, y: Array) -> Array:
    return x**n * y


def any_number(*xs: Array) -> Array:
    return np.asarray(sum(xs))


def one_and_more(x: Array, *xs: Array, scale: float = 2.0) -> Array:
    return np.asarray(scale * sum(xs, x))


def any_keyword(x: Array, **given: float) -> Array:
    return np.asarray(x * sum(given.values()))


def between(x: Array, n: int, y: Array) -> Array:
    return x**n * y


def with_objects(x: Array, out: Any = None, mode: str = "fast", flag: bool = True, size: tuple[int, ...] = ()) -> Array:
    return x


class Callable_:  # noqa: N801
    def __call__(self, x: Array, factor: float = 2.0) -> Array:
        return x * factor

    def method(self, x: Array, y: Array) -> Array:
        return x * y


DIVIDED: list[tuple[Callable[..., Any], dict[str, Any], list[str | None], tuple[str, ...], dict[str, Any]]] = [
    (plain, {}, [None], ("x", "y"), {}),
    (plain, {}, [], ("x", "y"), {}),
    (with_default, {}, [], ("x",), {"beta": 1.5}),
    (with_default, {"beta": 3}, [], ("x",), {"beta": 3}),
    (with_default, {}, ["beta"], ("x", "beta"), {}),
    (with_default, {}, [None], ("x", "beta"), {}),
    (keyword_only, {"a": 1}, [], ("x",), {"a": 1, "b": 2.0}),
    (keyword_only, {}, ["a"], ("x", "a"), {"b": 2.0}),
    (keyword_only, {}, ["b", "a"], ("x", "a", "b"), {}),
    (by_position, {}, [None, None], ("x", "n", "y"), {}),
    (by_position, {"n": 2}, [None], ("x", "y"), {"n": 2}),
    (any_number, {}, [], ("x",), {}),
    (any_number, {}, [None, None], ("x", "y", "z"), {}),
    (any_number, {}, ["q", None], ("x", "q", "y"), {}),
    (one_and_more, {"scale": 3}, [None], ("x", "y"), {"scale": 3}),
    (any_keyword, {"a": 1, "b": 2}, [], ("x",), {"a": 1, "b": 2}),
    (between, {"n": 2}, [None], ("x", "y"), {"n": 2}),
    (with_objects, {}, [], ("x",), {"mode": "fast", "flag": True}),
    (Callable_(), {}, [], ("x",), {"factor": 2.0}),
    (Callable_().method, {}, [None], ("x", "y"), {}),
    (functools.partial(plain, np.ones(3)), {}, [], ("y",), {}),
    (functools.partial(with_default, beta=4.0), {}, [], ("x",), {"beta": 4.0}),
    (np.multiply, {}, [], ("x", "y"), {}),
    (np.multiply, {}, ["w"], ("x", "w"), {}),
    (np.exp, {}, [], ("x",), {}),
    (abs, {}, [], ("x",), {}),
    (max, {}, [None], ("x", "y"), {}),
    (np.sum, {"axis": 0}, [], ("a",), {"axis": 0}),
]


@pytest.mark.parametrize(("f", "given", "further", "operands", "parameters"), DIVIDED)
def test_a_signature_is_divided(
    f: Callable[..., Any],
    given: dict[str, Any],
    further: list[str | None],
    operands: tuple[str, ...],
    parameters: dict[str, Any],
) -> None:
    function = of_callable(f, None, given, [None, *further])
    assert function.operands == operands
    assert dict(function.parameters) == parameters


class Signed:
    """A function that counts how often its signature is read, which takes as long as a small f."""

    read = 0

    @property
    def __signature__(self) -> inspect.Signature:
        self.read += 1
        return inspect.signature(plain)

    def __call__(self, x: Array, y: Array) -> Array:
        return plain(x, y)


def test_the_signature_is_not_read_at_every_call() -> None:
    few, many = Signed(), Signed()
    assert jacinspect.inspect(few, X[:1, :1], others={"y": Y[:1, :1]}).calls < 60
    assert jacinspect.inspect(many, X, others={"y": Y}, max_evaluations=100, seed=1).calls > 30
    assert few.read == many.read


CALLED: list[tuple[Callable[..., Any], dict[str, Any], list[Array], Array]] = [
    (plain, {}, [Y], X * Y),
    (with_default, {}, [], X * 1.5),
    (with_default, {"beta": 3}, [], X * 3),
    (with_default, {}, [Y], X * Y),
    (keyword_only, {"a": 3}, [], 3 * X**2),
    (keyword_only, {"a": 3, "b": 3}, [], 3 * X**3),
    (by_position, {"n": 2}, [Y], X**2 * Y),
    (any_number, {}, [Y, Y], X + 2 * Y),
    (one_and_more, {}, [Y, Y], 2 * X + 4 * Y),
    (one_and_more, {"scale": 3}, [], 3 * X),
    (any_keyword, {"a": 1, "b": 2}, [], 3 * X),
    (between, {"n": 2}, [Y], X**2 * Y),
    (Callable_(), {"factor": 3}, [], X * 3),
    (Callable_().method, {}, [Y], X * Y),
    (functools.partial(plain, Y), {}, [], X * Y),
    (functools.partial(with_default, beta=4.0), {}, [], X * 4),
    (functools.partial(with_default, beta=4.0), {"beta": 5}, [], X * 5),
    (np.hypot, {}, [Y], np.hypot(X, Y)),
    (abs, {}, [], np.abs(X)),
    (np.sum, {"axis": 0}, [], X.sum(axis=0)),
    (np.clip, {"a_min": -0.5, "a_max": 0.5}, [], np.clip(X, -0.5, 0.5)),
]


@pytest.mark.parametrize(("f", "parameters", "others", "expected"), CALLED)
def test_what_is_called_is_the_function_with_everything_in_its_place(
    f: Callable[..., Any], parameters: dict[str, Any], others: list[Array], expected: Array
) -> None:
    report = jacinspect.inspect(f, X, parameters=parameters, others=others)
    np.testing.assert_allclose(output(report), expected, rtol=1e-12)
    assert (report.verdict, codes(report), report.function.source) == ("pass", [], "python")


def masked_back(x: Array, da: Array, *, a: Array, b: float = 2.0) -> tuple[Array, Array]:
    return da * a * b * x ** (b - 1), da * x**b


@pytest.mark.parametrize(("wrt", "derivative"), [("x", lambda x, a, b=2.0: a * b * x), ("a", lambda x, *, a: x**2)])
def test_an_operand_that_is_given_by_keyword_alone(wrt: str, derivative: Callable[..., Any]) -> None:
    given: dict[str, Any] = {"others": {"a": Y}, "wrt": wrt}
    assert jacinspect.inspect(keyword_only, X, derivative, **given).verdict == "pass"
    assert jacinspect.inspect(keyword_only, X, masked_back, derivative_kind="vjp", **given).verdict == "pass"
    assert jacinspect.inspect(keyword_only, X, lambda x, *, a: a, **given).verdict == "fail"
    y_last = functools.partial(between, n=3)  # what follows a bound argument is given by keyword
    wrt = {"x": "x", "a": "y"}[wrt]
    report = jacinspect.inspect(y_last, X, lambda x, y: x**3, others={"y": Y}, wrt=wrt)
    assert report.verdict == {"x": "fail", "y": "pass"}[wrt]


@pytest.mark.parametrize(("given", "verdict"), [({}, "pass"), ({"n": 3}, "fail"), ({"n": 2}, "fail")])
def test_a_partial_keeps_what_it_was_made_with(given: dict[str, Any], verdict: str) -> None:
    """x³ y has the derivative 3 x² y; n, which is asked for, is that of both."""
    cubes, slopes = functools.partial(between, n=3, y=np.ones(())), functools.partial(between, n=2, y=np.array(3.0))
    assert jacinspect.inspect(cubes, X, slopes, parameters=given).verdict == verdict
    scaled = functools.partial(with_default, beta=4.0)
    slope = functools.partial(lambda x, beta: beta, beta=4.0)
    assert jacinspect.inspect(scaled, X, slope, parameters={"beta": 5.0}).verdict == "pass"


def test_a_class_of_layers_is_made() -> None:
    report = jacinspect.inspect(Callable_, X, lambda x: 3.0, parameters={"factor": 3.0})
    assert (report.verdict, report.function.parameters) == ("pass", {"factor": 3.0})


@pytest.mark.parametrize(
    ("f", "given", "said"),
    [
        (Exception, {}, "Exception: is a class; name an instance of it, or a function"),
        (int, {}, "int: is a class; name an instance of it, or a function"),
        (with_default, {"bet": 1}, "with_default has no parameter 'bet'; it has beta"),
        (by_position, {"z": 1}, "by_position has no parameter 'z'; it has none"),
        (
            keyword_only,
            {},
            "keyword_only: needs a value for its parameter a: -p a=…, or --with a=… if that is an array",
        ),
        (lambda: 1, {}, "<lambda>: takes no positional argument to be the operand"),
        (lambda *, a=1: a, {}, "<lambda>: takes no positional argument to be the operand"),
        (lambda x: x, {"x": 1}, "<lambda>: takes no positional argument to be the operand"),
        (3, {}, "int: is a int, not a function"),
        (
            Callable_.method,
            {},
            "method: is a method of a class, without an object; name the method of an instance of it",
        ),
        (
            functools.partial(between, n=3),
            {},
            "partial: needs a value for its parameter y: -p y=…, or --with y=… if that is an array",
        ),
    ],
)
def test_what_cannot_be_called_with_arrays(f: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        of_callable(f, None, given)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("f", "others", "said"),
    [
        (plain, [], "plain takes the operands x and y; the number given is 1"),
        (plain, [Y, Y], "plain takes the operands x and y; the number given is 3"),
        (np.exp, [Y], "exp takes one operand; the number given is 2"),
    ],
)
def test_operands_that_are_missing_or_too_many(f: Callable[..., Any], others: list[Array], said: str) -> None:
    with pytest.raises(InputError) as error:
        jacinspect.inspect(f, X, others=others)
    assert str(error.value) == said


def test_further_operands_by_name() -> None:
    report = jacinspect.inspect(between, X, parameters={"n": 2}, others={"y": Y}, wrt="y")
    assert report.operand.name == "y"
    np.testing.assert_array_equal(report.operand.values, Y)
    with pytest.raises(InputError, match="no operand 'z' to differentiate by"):
        jacinspect.inspect(plain, X, others=[Y], wrt="z")


# --- A broken contract


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda x: None, "the function returned None; an array of real numbers is needed"),
        (lambda x: "no", "the function returned a str; an array of real numbers is needed"),
        (lambda x: {}, "the function returned a dict; an array of real numbers is needed"),
        (
            lambda x: x.astype(str).astype(object),
            "the function returned an array of objects; an array of real numbers is needed",
        ),
        (lambda x: [[1.0], [2.0, 3.0]], "the function returned a list that is no array"),
    ],
)
def test_what_is_no_array(value: Callable[[Array], Any], said: str) -> None:
    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(value, X)
    assert str(error.value) == said


def test_a_list_of_numbers_is_an_array() -> None:
    report = jacinspect.inspect(lambda x: [[2 * v for v in row] for row in x], X, lambda x: 2.0)
    assert (report.verdict, output(report).shape) == ("pass", (2, 3))
    assert jacinspect.inspect(lambda x: float(x.sum()), X, lambda x: np.ones((2, 3))).verdict == "pass"


def test_another_shape_at_each_call() -> None:
    calls: list[int] = []

    def growing(x: Array) -> Array:
        calls.append(1)
        return np.zeros(len(calls) + 1)

    said = "^the function returned shape (3 after shape 2|4 after shape 3) for"  # is it tried first?
    with pytest.raises(FunctionFailedError, match=said):
        jacinspect.inspect(growing, X)


def test_integers_come_out_of_a_function_that_counts() -> None:
    report = jacinspect.inspect(lambda x: (x > 0).astype(int), np.array([3.0, -2.0, 5.0]), lambda x: 0.0)
    assert (report.verdict, codes(report)) == ("pass", [])
    assert output(report).tolist() == [1, 0, 1]
    wrong = jacinspect.inspect(lambda x: (x > 0).astype(int), np.array([3.0, -2.0, 5.0]), lambda x: 1.0)
    assert codes(wrong) == ["J001"]


@pytest.mark.parametrize("x", [[1e-3, 2e-9, 1.0, 30.0], [[1e-6, 1e6, 1.0], [3.0, 1e-300, 0.1]]])
def test_a_function_that_raises_outside_its_domain_is_inspected_inside_it(x: Any) -> None:
    log = np.vectorize(math.log)
    x = np.array(x)
    right = jacinspect.inspect(log, x, lambda x: 1 / x)
    assert (right.verdict, codes(right)) == ("pass", [])
    assert right.jacobian is not None
    assert right.jacobian.is_diagonal
    np.testing.assert_allclose(right.jacobian.analytic.data, 1 / x.ravel())  # type: ignore[union-attr]
    wrong = jacinspect.inspect(log, x, lambda x: (1 + 1e-5) / x)
    assert codes(wrong) == ["J001"]


def test_a_function_that_always_raises_is_told_with_its_own_last_line() -> None:
    def inner(x: Array) -> Array:
        raise ValueError("never again")

    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(lambda x: inner(x), X)
    first, second = str(error.value).split("\n")
    assert first == "the function raised ValueError: never again"
    assert second.endswith(': raise ValueError("never again")')
    assert isinstance(error.value.__cause__, ValueError)


def test_the_last_line_is_the_user_s_own_where_a_library_raises() -> None:
    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(lambda x: np.linalg.inv(x), X)
    first, second = str(error.value).split("\n")
    assert first.startswith("the function raised LinAlgError: ")
    assert "test_callables.py:" in second
    assert "np.linalg.inv(x)" in second


@pytest.mark.parametrize("status", [None, 0, 3, "bye"])
def test_a_function_that_exits_has_raised(status: Any) -> None:
    with pytest.raises(FunctionFailedError, match="the function raised SystemExit"):
        jacinspect.inspect(lambda x: sys.exit(status), X)


def test_a_function_that_is_interrupted_is_interrupted() -> None:
    def interrupted(x: Array) -> Array:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jacinspect.inspect(interrupted, X)


def test_a_function_that_changes_its_argument() -> None:
    def doubled(x: Array) -> Array:
        x *= 2
        return x

    given = X.copy()
    report = jacinspect.inspect(doubled, given)
    assert (report.verdict, codes(report)) == ("fail", ["J008"])
    np.testing.assert_array_equal(given, X)


def test_a_function_that_changes_another_operand_is_told() -> None:
    def spoiling(x: Array, y: Array) -> Array:
        y += 1
        return x * y

    other = Y.copy()
    with pytest.raises(FunctionFailedError, match="read-only") as error:
        jacinspect.inspect(spoiling, X, others=[other])
    assert "y += 1" in str(error.value)
    np.testing.assert_array_equal(other, Y)
    assert codes(jacinspect.inspect(spoiling, X, others=[other], wrt="y")) == ["J008"]


def test_a_random_function() -> None:
    rng = np.random.default_rng(0)
    report = jacinspect.inspect(lambda x: x + rng.standard_normal(), X)
    assert (report.verdict, codes(report)) == ("fail", ["J005"])


def test_a_function_that_hands_out_one_buffer_or_its_argument() -> None:
    buffer = np.empty((2, 3))
    assert jacinspect.inspect(lambda x: np.sin(x, out=buffer), X, np.cos).verdict == "pass"
    assert codes(jacinspect.inspect(lambda x: np.sin(x, out=buffer), X, np.sin)) == ["J001"]
    assert jacinspect.inspect(lambda x: x, X, lambda x: 1.0).verdict == "pass"


def test_a_function_that_takes_single_precision_alone() -> None:
    def single(x: Array) -> Array:
        if x.dtype != np.float32:
            raise TypeError("float32 alone")
        return np.asarray(np.sin(x))

    x = X.astype(np.float32)
    assert jacinspect.inspect(single, x, np.cos).verdict == "pass"
    assert codes(jacinspect.inspect(single, x, lambda x: 1.1 * np.cos(x))) == ["J001"]


def test_a_function_that_is_one_already_has_its_parameters() -> None:
    with pytest.raises(InputError, match="has its parameters already; 'a' cannot be set"):
        jacinspect.inspect(Function("f", "unknown", np.sin), X, parameters={"a": 1})
