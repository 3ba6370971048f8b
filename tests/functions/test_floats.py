"""Numbers of mpmath, sympy, fractions and decimal, as functions and derivatives return them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import jacinspect
from jacinspect.errors import FunctionFailedError
from jacinspect.functions.floats import in_floats, is_number
from tests.oracles import Array

X = np.array([0.7, 1.3, -0.4])
U, V, W = SYMBOLS = sympy.symbols("u v w")
VECTOR = sympy.Matrix([U * V, sympy.exp(U)])
MATRIX = VECTOR.jacobian(SYMBOLS)


def at(expression: Any, x: Array) -> Any:
    return expression.subs(dict(zip(SYMBOLS, x, strict=True)))


def values(x: Array) -> list[float]:
    return [float(x[0] * x[1]), float(np.exp(x[0]))]


def rows(x: Array) -> list[list[float]]:
    return [[float(x[1]), float(x[0]), 0.0], [float(np.exp(x[0])), 0.0, 0.0]]


def of_kind(kind: Any, given: Any) -> Any:
    return [of_kind(kind, each) for each in given] if isinstance(given, list) else kind(given)


def of_objects(given: Any) -> Array:
    return np.array(of_kind(Fraction, given), object)


KINDS = [mpmath.mpf, sympy.Float, Fraction, Decimal]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [*KINDS, of_objects, mpmath.matrix, sympy.Matrix])
def test_results_and_jacobians_of_such_numbers(kind: Any, dtype: str) -> None:
    x, whole = X.astype(dtype), kind not in KINDS

    def made(given: Any) -> Any:
        return kind(given) if whole else of_kind(kind, given)

    numbers = rows(x.astype(np.float64))
    derivatives: list[Any] = [lambda x: made(rows(x)), numbers if kind is mpmath.matrix else made(numbers)]
    for derivative in derivatives:
        assert jacinspect.inspect(lambda x: made(values(x)), x, derivative).verdict == "pass"
    wrong = jacinspect.inspect(lambda x: made(values(x)), x, lambda x: made((1.01 * np.array(rows(x))).tolist()))
    assert wrong.findings[0].code == "J001"


@pytest.mark.parametrize("kind", KINDS)
def test_one_such_number_and_several_outputs(kind: Any) -> None:
    def one(x: Array) -> Any:
        return kind(values(x)[0])

    assert jacinspect.inspect(one, X, lambda x: of_kind(kind, rows(x)[0])).verdict == "pass"
    assert jacinspect.inspect(one, X, lambda x: of_kind(kind, rows(x)[1])).verdict == "fail"
    report = jacinspect.inspect(lambda x: {"a": one(x), "b": of_kind(kind, values(x))}, X)
    assert report.names.output.names == ("a", "b")
    assert report.jacobian is not None
    assert report.jacobian.numeric is not None
    np.testing.assert_allclose(report.jacobian.numeric.matrix(), [rows(X)[0], *rows(X)], rtol=1e-9)


def test_an_integral_of_mpmath() -> None:
    def f(x: Any) -> Any:
        return mpmath.quad(lambda u: mpmath.exp(-x * u * u), [0, 1])

    def slope(x: Any) -> Any:
        return -mpmath.quad(lambda u: u * u * mpmath.exp(-x * u * u), [0, 1])

    for x in (np.array(0.7), X):
        assert jacinspect.inspect(f, x, slope).verdict == "pass"
        assert jacinspect.inspect(f, x, lambda x: -slope(x)).verdict == "fail"


def test_a_matrix_of_sympy() -> None:
    assert jacinspect.inspect(lambda x: at(VECTOR, x), X, lambda x: at(MATRIX, x)).verdict == "pass"
    assert jacinspect.inspect(lambda x: at(VECTOR, x), X, lambda x: -at(MATRIX, x)).verdict == "fail"


def test_what_is_no_number() -> None:
    for given in ("1.5", b"1", np.str_("2"), None, U, sympy.I, mpmath.mpc(1, 2), [1], np.ones(1), Fraction(10**400)):
        assert not is_number(given)
        assert in_floats(given) is given
    for mixed in (np.array(["1", 2.0], object), np.array([None, 1.0], object), sympy.Matrix([U, 1])):
        assert in_floats(mixed) is mixed
    plain = [1, 2.5, [3j, True]]
    assert in_floats(plain) is plain
    with pytest.raises(FunctionFailedError, match="an array of objects; an array of real numbers is needed"):
        jacinspect.inspect(lambda x: np.array(["1.5", "2"], object), X)
    with pytest.raises(FunctionFailedError, match="the derivative returned object of shape 2×3"):
        jacinspect.inspect(values, X, lambda x: np.full((2, 3), "1", object))
