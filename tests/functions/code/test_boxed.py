"""Containers of objects that hold a number each: the advice, which works when it is followed."""

import copy
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from tests.oracles import Array


class Parameter:
    """As lmfit's: its number is set by a property, and it has others."""

    def __init__(self, value: float) -> None:
        self._val, self.min, self.init_value = value, -np.inf, value

    @property
    def value(self) -> float:
        return self._val

    @value.setter
    def value(self, new: float) -> None:
        self._val = new

    def __float__(self) -> float:
        return float(self._val)


class Parameters(dict[str, Parameter]):
    pass


def decay(t: Array, params: Any) -> Any:
    return params["amp"].value * np.exp(-t / params["tau"].value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_function_of_their_values_is_suggested(dtype: str) -> None:
    params, t = Parameters(amp=Parameter(2.0), tau=Parameter(1.5)), np.array([0.1, 0.5, 2], dtype)
    with pytest.raises(InputError) as error:
        jacinspect.inspect(decay, params, others={"t": t})
    said, line = str(error.value).split("\n")
    assert said == (
        "X: params has no real numbers to differentiate by: it holds Parameter; inspect a function of their values, at "
        "[2.0, 1.5], such as"
    )
    namespace: dict[str, Any] = {"copy": copy, "decay": decay, "params": params}
    exec(line.strip(), namespace)

    def slopes(t: Array, values: Array, factor: float = 1.0) -> Any:
        e = np.exp(-t / values[1])
        return np.stack([e, factor * values[0] * t / values[1] ** 2 * e], 1)

    for factor, verdict in ((1, "pass"), (1.01, "fail")):
        claim = lambda t, values, k=factor: slopes(t, values, k)  # noqa: E731
        report = jacinspect.inspect(namespace["g"], [2.0, 1.5], claim, others={"t": t})
        assert report.verdict == verdict
    assert params["amp"].value == 2


def test_one_of_them_is_unpacked_as_well() -> None:
    with pytest.raises(InputError, match=r"p\['amp'\].value, = values; return <lambda>\(p\)$"):
        jacinspect.inspect(lambda params: params["amp"].value ** 2, {"amp": Parameter(2.0)})


@pytest.mark.parametrize(
    ("given", "held"),
    [({"a": np.array([True, False]), "b": "x"}, "bool, str"), ({}, "nothing"), ({"a": None}, "NoneType")],
)
def test_containers_without_numbers(given: Any, held: str) -> None:
    with pytest.raises(InputError) as error:
        jacinspect.inspect(lambda p: 1.0, given)
    assert str(error.value) == (
        f"X: p has no real numbers to differentiate by: it holds {held}; inspect a function of an array, which puts "
        "its numbers there"
    )
