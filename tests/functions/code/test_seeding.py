"""`reseed`: functions that draw are inspected with the same draw at every call."""

import random
from typing import Any

import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.inspection.codes import CODES
from tests.conftest import RunHere
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal(6)


def by_numpy(x: Array) -> Array:
    return np.asarray(np.tanh(x) * np.random.rand(x.size))  # noqa: NPY002 (what --reseed is for)


def by_python(x: Array) -> Array:
    return np.tanh(x) * random.random()


def by_torch(x: Any) -> Any:
    return torch.nn.functional.dropout(torch.tanh(x), 0.5)


@pytest.mark.parametrize("f", [by_numpy, by_python, by_torch])
def test_a_function_that_draws(f: Any) -> None:
    plain = jacinspect.inspect(f, X)
    assert [finding.code for finding in plain.findings] == ["J005"]
    assert "--reseed 0" in plain.findings[0].message
    seeded = jacinspect.inspect(f, X, reseed=0)
    assert seeded.verdict == "pass"
    assert seeded.to_json() == jacinspect.inspect(f, X, reseed=0).to_json()
    assert seeded.output is not None
    other = jacinspect.inspect(f, X, reseed=1).output
    assert other is not None
    assert not np.array_equal(seeded.output, other)


def test_a_derivative_is_given_the_same_draw() -> None:
    def derivative(x: Array) -> Array:
        return np.asarray((1 - np.tanh(x) ** 2) * np.random.rand(x.size))  # noqa: NPY002

    assert jacinspect.inspect(by_numpy, X, derivative, reseed=3).verdict == "pass"
    assert jacinspect.inspect(by_numpy, X, lambda x: 2 * derivative(x), reseed=3).verdict == "fail"


def test_the_generators_are_left_as_they_were() -> None:
    def states() -> list[str]:
        return [str(random.getstate()), str(np.random.get_state()), str(torch.get_rng_state().tolist())]  # noqa: NPY002

    before = states()
    jacinspect.inspect(by_torch, X, reseed=0)
    assert states() == before


def test_what_seeding_does_not_reach_is_told() -> None:
    generator = np.random.default_rng(0)
    (finding,) = jacinspect.inspect(lambda x: x * generator.random(), X, reseed=7).findings
    assert finding.code == "J005"
    assert "--reseed 7 does not reach what it draws from" in finding.message


def test_the_advice_of_j005_works_where_it_is_followed(run_here: RunHere) -> None:
    command = CODES["J005"].example.split()[1:]
    done = run_here(*command)
    assert (done.status, "--reseed 0" in " ".join(done.text.split())) == (1, True)
    assert run_here(*command, "--reseed", "0").status == 0
    assert "--reseed 0" in CODES["J005"].advice


class Dropout:
    """Its mask is drawn in forward."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def forward(self, x: Array) -> Array:
        self.mask = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
        return np.asarray(x * self.mask)

    def backward(self, dout: Array) -> Array:
        return np.asarray(self.factor * dout * self.mask)


def dropout_forward(x: Array) -> tuple[Array, Array]:
    cache = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
    return x * cache, cache


def dropout_backward(dout: Array, cache: Array) -> Array:
    return np.asarray(dout * cache)


def dropout_wrong(dout: Array, cache: Array) -> Array:
    return np.asarray(1.01 * dout * cache)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [None, "vjp"])
def test_a_backward_has_the_draws_of_its_forward(kind: Any, dtype: str) -> None:
    x = np.linspace(0.5, 2, 12).reshape(4, 3).astype(dtype)
    for factor, backward, expected in ((1, dropout_backward, "pass"), (1.01, dropout_wrong, "fail")):
        layer: Any = Dropout(factor)
        assert jacinspect.inspect(layer, x, reseed=1).verdict == expected
        assert jacinspect.inspect(layer.forward, x, layer.backward, derivative_kind=kind, reseed=1).verdict == expected
        assert jacinspect.inspect(dropout_forward, x, backward, derivative_kind=kind, reseed=1).verdict == expected
