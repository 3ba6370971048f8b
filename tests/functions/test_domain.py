"""The interval in which a function is defined: how it is read, and what lies outside of it."""

from typing import Any

import numpy as np
import pytest

from jacinspect.errors import InputError
from jacinspect.functions.domain import parse_interval, written
from jacinspect.functions.resolve import configured, resolve

INF = np.inf


@pytest.mark.parametrize(
    ("given", "interval", "text"),
    [
        ("0:1", (0, 1), "0:1"), ("0:", (0, INF), "0:"), (":-1.5", (-INF, -1.5), ":-1.5"), (" -1 : 1 ", (-1, 1), "-1:1"),
        (":", (-INF, INF), ":"), ((0, 1), (0, 1), "0:1"), (np.array([0.0, INF]), (0, INF), "0:"),
    ],
)  # fmt: skip
def test_an_interval(given: Any, interval: tuple[float, float], text: str) -> None:
    assert parse_interval(given) == interval
    assert written(interval) == text


@pytest.mark.parametrize("given", ["", "1", "1:0", "0:0", "a:b", "0:1:2", "nan:1", (0,), (0, None), 3, "0:nan"])
def test_what_is_no_interval(given: Any) -> None:
    with pytest.raises(InputError, match="is not LOW:HIGH with LOW below HIGH, such as 0:1, 0: or :1"):
        parse_interval(given)


def test_a_functions_own_domain_is_kept() -> None:
    assert configured(resolve("log"), domain="-1:3").domain_of(1) == (0, 3)
    with pytest.raises(InputError, match=r"^domain -3:-1 lies outside of x's own, 0:$"):
        configured(resolve("log"), domain="-3:-1")


def test_an_operand_outside_is_named() -> None:
    f = configured(resolve("x * y"), domain="0:")
    negative = np.array([[1.0, 2.0], [-3.0, 4.0]])
    with pytest.raises(InputError, match=r"^y\[1,0\] is -3, outside of the domain 0:$"):
        f.opened("y", [abs(negative), negative])
    f.opened("x", [abs(negative), negative])  # y does not move


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5])
def test_what_is_no_seed(seed: Any) -> None:
    with pytest.raises(InputError, match="is no seed of numpy's generator: an integer from 0 to 4294967295"):
        configured(resolve("tanh"), reseed=seed)
