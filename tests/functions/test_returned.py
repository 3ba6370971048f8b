"""Dicts of derivatives: their entries are found by name, whatever order they are in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError
from tests.oracles import Array


def entries(dtype: str) -> dict[str, Array]:
    """Give arrays of which two have the same shape, and one has another."""
    return {
        "W1": np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype),
        "W2": np.array([[1, 0.5, -0.3], [0.2, 0.4, 0.6]], dtype),
        "b1": np.array([0.3, -0.7], dtype),
    }


def cost(W1: Array, W2: Array, b1: Array) -> Any:
    return (W1**2 * W2).sum() + (W1[:, 0] * b1).sum()


def gradient(W1: Array, W2: Array, b1: Array) -> dict[str, Array]:
    """Return it from the last to the first, as backpropagation fills a dict."""
    return {"b1": W1[:, 0], "W2": W1**2, "W1": 2 * W1 * W2 + np.outer(b1, [1, 0, 0])}


def of_container(p: dict[str, Array]) -> Any:
    return cost(**p)


def spelled(spell: Callable[[str], str], factor: float = 1.0, **more: Any) -> Callable[..., dict[str, Any]]:
    """Return the gradient under other names, that of W1 times a factor."""

    def given(**p: Array) -> dict[str, Any]:
        return {spell(name): factor * by if name == "W1" else by for name, by in gradient(**p).items()} | more

    return given


SPELLINGS = ["d{}", "{}_grad", "grad_{}", "g{}", "{}"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("more", [{}, {"dA0": np.ones((2, 3)), "dZ1": None, "loss": 0.5}])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_affix_that_all_names_have_is_taken_off(spelling: str, more: dict[str, Any], dtype: str) -> None:
    p = entries(dtype)
    others = {"W2": p["W2"], "b1": p["b1"]}
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        claim = spelled(spelling.format, factor, **more)
        for wrt in (None, "p.W1", "p.*"):
            assert jacinspect.inspect(of_container, p, lambda p, c=claim: c(**p), wrt=wrt).verdict == expected
            pull = lambda p, g, c=claim: {k: g * v if isinstance(v, np.ndarray) else v for k, v in c(**p).items()}  # noqa: E731
            assert jacinspect.inspect(of_container, p, pull, derivative_kind="vjp", wrt=wrt).verdict == expected
        for wrt in ("W1", "all"):
            by_name = lambda W1, W2, b1, c=claim: c(W1=W1, W2=W2, b1=b1)  # noqa: E731
            assert jacinspect.inspect(cost, p["W1"], by_name, others=others, wrt=wrt).verdict == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_names_deep_in_containers_have_it_as_well(dtype: str) -> None:
    p = [entries(dtype), {name: leaf + 1 for name, leaf in entries(dtype).items()}]
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        gradients = spelled("d{}".format, factor)
        claim = lambda p, c=gradients: [c(**each) for each in p]  # noqa: E731
        assert jacinspect.inspect(lambda p: of_container(p[0]) + of_container(p[1]), p, claim).verdict == expected


def test_of_several_affixes_it_is_the_one_that_most_names_have() -> None:
    p = {"b": np.array([0.3, -0.7]), "W": np.array([1.5, 2.5])}
    claim = lambda p: {"dlimb": p["W"], "db": 2 * p["b"] * p["W"], "dW": p["b"] ** 2}  # noqa: E731
    for wrt in ("p.b", "p.*"):
        assert jacinspect.inspect(lambda p: (p["b"] ** 2 * p["W"]).sum(), p, claim, wrt=wrt).verdict == "pass"


@pytest.mark.parametrize("kind", [None, "vjp"])
@pytest.mark.parametrize(
    ("spell", "more"),
    [
        ({"W1": "first", "W2": "second", "b1": "offset"}.__getitem__, {}),
        ("d{}".format, {"vW1": 0, "vW2": 0, "vb1": 0}),
        ({"W1": "dW1", "W2": "gW2", "b1": "db1"}.__getitem__, {}),
    ],
)
def test_entries_that_are_not_found_by_name_are_not_paired_by_place(spell: Any, more: Any, kind: Any) -> None:
    claim = (lambda p: spelled(spell, **more)(**p)) if kind is None else (lambda p, g: spelled(spell, **more)(**p))
    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(of_container, entries("float64"), claim, derivative_kind=kind)
    keys = ", ".join([*map(spell, ("b1", "W2", "W1")), *more])
    assert str(error.value) == (
        f"the derivative returned a dict of {keys}; return one of W1, W2, b1, "
        "with these names or with one affix to all, as dW1"
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_operand_may_have_the_name_of_the_output(dtype: str) -> None:
    A, B = np.array([[1, 2, 3], [4, 5, 7]], dtype), np.array([0.5, 2, 1], dtype)

    def gradients(A: Array, B: Array, factor: float = 1.0) -> dict[str, Array]:
        return {"B": A.sum(axis=0), "A": factor * np.broadcast_to(B, A.shape)}

    for factor, expected in ((1, "pass"), (1.1, "fail")):
        given = lambda A, B, k=factor: gradients(A, B, k)  # noqa: E731
        assert jacinspect.inspect(lambda A, B: (A @ B).sum(), A, given, others=[B], wrt="all").verdict == expected


def test_blocks_may_be_by_outputs_or_by_operands() -> None:
    f = lambda a, b: {"y": a * 2, "z": b * 3}  # noqa: E731
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    with pytest.raises(FunctionFailedError, match="a dict of q, r; return one of a, b or of y, z, with"):
        jacinspect.inspect(f, a, lambda a, b: {"q": 1, "r": 2}, others=[b], wrt="all")
