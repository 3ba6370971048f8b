"""Operands, results and derivatives that are objects: what numpy can read as an array is one, the rest is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from tests.oracles import Array

X = np.array([0.2, 0.4, -1.1])


class Labelled:
    """A labelled table, as pandas and xarray have them, without the `@` that some have."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.index = self.values.shape, list("abc")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.asarray(self.values, dtype)


class Aligned(Labelled):
    """One whose `@` refuses what has no labels."""

    def __matmul__(self, other: Any) -> Any:
        raise TypeError("needs labels")


class Opaque:
    """Something with a shape, and no numbers that numpy can read."""

    def __init__(self, values: Array) -> None:
        self.shape = values.shape


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [Labelled, Aligned, np.matrix, np.ma.array, list])
def test_what_numpy_reads_is_an_array(kind: Any) -> None:
    def wrapped(x: Array) -> Any:
        return kind(np.sin(x))

    shape = (1, 3) if kind is np.matrix else (3,)
    x = kind(X.reshape(shape))
    right = jacinspect.inspect(wrapped, x, lambda x: kind(np.diag(np.asarray(np.cos(x)).ravel())))
    assert right.verdict == "pass"
    assert right.output is not None
    assert right.output.shape == shape
    assert (
        jacinspect.inspect(wrapped, x, lambda x: kind(1.1 * np.diag(np.asarray(np.cos(x)).ravel()))).verdict == "fail"
    )


def test_what_numpy_does_not_read_is_refused_in_a_line() -> None:
    with pytest.raises(
        FunctionFailedError, match=r"^the function returned a Opaque; an array of real numbers is needed$"
    ):
        jacinspect.inspect(lambda x: Opaque(x + 1), X)
    with pytest.raises(FunctionFailedError, match=r"^the derivative returned a Opaque of shape 3×3; an element-wise"):
        jacinspect.inspect(np.sin, X, lambda x: Opaque(np.eye(3)))
    with pytest.raises(InputError, match=r"^X: an array of real numbers is needed, not of object"):
        jacinspect.inspect(np.sin, Opaque(X))


# --- What is no array of numpy's is passed as it is


def drawn(x: Any, key: Any, y: Any) -> Any:
    return jnp.tanh(x) * jax.random.normal(key, x.shape) * y


def drawn_slope(a: Any, b: Any, c: Any) -> Any:
    return (1 - jnp.tanh(a) ** 2) * jax.random.normal(b, a.shape) * c


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
def test_a_random_key_is_passed_as_it_is(make: Any, dtype: str) -> None:
    x, y, key = np.array([0.3, -1.2, 0.7], dtype), np.array([2, 0.5, 1.5], dtype), make(0)
    given: Any
    for given in ([key, y], {"y": y, "key": key}):
        for factor, expected in ((1, "pass"), (1.01, "fail")):
            claim = lambda x, key, y, k=factor: k * drawn_slope(x, key, y)  # noqa: E731
            assert jacinspect.inspect(drawn, x, claim, others=given).verdict == expected
        assert jacinspect.inspect(drawn, x, drawn_slope, others=given).verdict == "pass"  # by the places of arguments
        assert jacinspect.inspect(drawn, x, others=given, wrt="y").verdict == "pass"
    first = lambda key, x: drawn(x, key, 1)  # noqa: E731
    assert jacinspect.inspect(first, key, others=[x], wrt="x").verdict == "pass"


def test_a_random_key_is_no_operand() -> None:
    x, key = np.array([0.3, -1.2, 0.7]), jax.random.key(0)
    with pytest.raises(InputError, match="has no operand 'key' to differentiate by; it has x"):
        jacinspect.inspect(drawn, x, others=[key, x], wrt="key")
    with pytest.raises(InputError, match="X: "):
        jacinspect.inspect(lambda key, x: drawn(x, key, 1), key, others=[x])
