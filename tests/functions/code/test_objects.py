"""Operands, results and derivatives that are objects: what numpy can read as an array is one, the rest is refused."""

from typing import Any

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
