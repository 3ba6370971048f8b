"""What f returns, as the black box that calls it sees it: its precision, and what is no array of real numbers."""

import numpy as np
import pytest

from jacinspect.errors import FunctionFailedError
from jacinspect.jacobian.calls.blackbox import BlackBox
from tests.jacobian.calls.test_blackbox import X


def test_the_precision_in_which_f_computes() -> None:
    for dtype, epsilon in ((np.float16, 2.0**-10), (np.float32, 2.0**-23), (np.float64, 2.0**-52)):
        assert BlackBox(lambda x: np.sin(x.astype(dtype)), X).epsilon == epsilon  # noqa: B023
        assert BlackBox(lambda x: np.sin(x.astype(dtype)).astype(np.float64), X).epsilon == epsilon  # noqa: B023
    assert BlackBox(np.sign, X).epsilon == 2.0**-52  # whole numbers have few bits in every precision
    assert BlackBox(lambda x: np.where(x > 0, 0.75, 0.5), X).epsilon == 2.0**-52  # nor do these
    assert BlackBox(lambda x: np.where(x > 0, 5e-324, 2.0**-1000), X).epsilon == 2.0**-52  # nor what float32 has not
    wide = BlackBox(lambda x: np.where(x > 5, x, np.float32(0.1)), X)
    assert wide.epsilon == 2.0**-23  # no value so far needs more bits
    wide(X + 10.1)
    assert wide.epsilon == 2.0**-52
    assert BlackBox(lambda x: np.where(x > 2, np.inf, np.float32(0.1)), X).epsilon == 2.0**-23


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: None, "the function returned None; an array of real numbers is needed"),
        (lambda x: x * 1j, "the function returned complex numbers; an array of real numbers is needed"),
        (lambda x: [[1], [2, 3]], "the function returned a list that is no array"),
        (lambda x: np.array([{}]), "the function returned an array of objects; an array of real numbers is needed"),
        (lambda x: (x, x), "the function returned a tuple of 2, arrays among them; it has to return one array"),
        (lambda x: [1.0, x], "the function returned a list of 2, arrays among them; it has to return one array"),
    ],
)
def test_what_breaks_the_contract(f: object, expected: str) -> None:
    assert callable(f)
    with pytest.raises(FunctionFailedError) as error:
        BlackBox(f, X)
    assert str(error.value) == expected
