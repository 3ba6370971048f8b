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


@pytest.mark.parametrize(
    ("first", "second", "more"),
    [
        (("W_ana", "b_ana"), ("W_num", "b_num"), {"err_num": 0.1}),
        (("dW", "db"), ("vW", "vb"), {"val": 1.0}),
        (("dW", "db"), ("W_next", "b_next"), {"has_next": 1}),
        (("dw", "db"), ("vw", "vb"), {"val": 1.0}),
    ],
)
@pytest.mark.parametrize("factors", [(1.0, 1.1), (1.1, 1.0)])
def test_of_several_affixes_none_is_guessed(first: Any, second: Any, more: Any, factors: Any) -> None:
    p = {"W": np.array([[1.5, 2.5, -1], [0.5, 2, 3]]), "b": np.array([0.3, -0.7, 1])}

    def claim(p: dict[str, Array]) -> dict[str, Any]:
        right = (2 * p["W"] * p["b"], (p["W"] ** 2).sum(axis=0))
        by = {
            key: c * v
            for c, keys in zip(factors, (first, second), strict=True)
            for key, v in zip(keys, right, strict=True)
        }
        return {**by, **more}

    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(lambda p: (p["W"] ** 2 * p["b"]).sum(), p, claim)
    meant = f"{', '.join(first)} and {', '.join(second)}"
    assert str(error.value).endswith(f": {meant} all are W, b with an affix; call the right ones W, b")


def test_an_affix_is_that_of_all_names() -> None:
    p = {"b": np.array([0.3, -0.7]), "W": np.array([1.5, 2.5])}
    claim = lambda p: {"dlimb": p["W"], "db": 2 * p["b"] * p["W"], "dW": p["b"] ** 2}  # noqa: E731
    assert jacinspect.inspect(lambda p: (p["b"] ** 2 * p["W"]).sum(), p, claim).verdict == "pass"
    with pytest.raises(FunctionFailedError, match="dlimb and db all are b with an affix; call the right ones b"):
        jacinspect.inspect(lambda p: (p["b"] ** 2 * p["W"]).sum(), p, claim, wrt="p.b")
    with pytest.raises(FunctionFailedError, match="a dict of grad; return one of x, with"):  # of A, it has an affix
        jacinspect.inspect(lambda x: (x**2).sum(), p["W"], lambda x: {"grad": 2 * x})
    claim = lambda p: {"a": 0.0, "w": np.array([0, p["a"]])}  # noqa: E731
    with pytest.raises(FunctionFailedError, match=r"a dict of a, w; return one of w.1, with these names$"):
        jacinspect.inspect(lambda p: p["a"] * p["w"][1], {"a": 2.0, "w": [0.5, 1.5]}, claim, wrt="p.w.1")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spelling", ["d{}_dx", "d{}dx", "grad({})", "grad{}1"])
def test_an_affix_may_be_on_both_sides_and_in_other_case(spelling: str, dtype: str) -> None:
    x = np.array([0.3, -0.7, 1.5], dtype)
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda x, k=factor: {spelling.format("z"): np.diag(2 * x), spelling.format("y"): k * np.diag(3 * x**2)}  # noqa: E731
        for names in ("yz", "YZ"):
            f = lambda x, names=names: dict(zip(names, (x**3, x**2), strict=True))  # noqa: E731
            assert jacinspect.inspect(f, x, claim).verdict == expected


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_blocks_are_by_the_names_in_a_container(dtype: str, nested: bool) -> None:
    p = {"b": np.array([0.3, -0.7], dtype), "W": np.array([1.5, 2.5, -1], dtype)}

    def hessian(p: dict[str, Any], factor: float = 1.0) -> dict[str, Any]:
        b, W = (p["inner"] if nested else p).values()
        blocks = {
            "W": {"W": factor * 2 * np.eye(3) * (b**2).sum(), "b": 4 * np.outer(W, b)},
            "b": {"W": 4 * np.outer(b, W), "b": 2 * np.eye(2) * (W**2).sum()},
        }
        return {"inner": {row: {"inner": of_row} for row, of_row in blocks.items()}} if nested else blocks

    def f(p: dict[str, Any]) -> Any:
        b, W = (p["inner"] if nested else p).values()
        return (b**2).sum() * (W**2).sum()

    def gradient(p: dict[str, Any]) -> dict[str, Any]:
        b, W = (p["inner"] if nested else p).values()
        by = {"b": 2 * b * (W**2).sum(), "W": 2 * W * (b**2).sum()}
        return {"inner": by} if nested else by

    for factor, expected in ((1, "pass"), (1.1, "fail")):
        given = {"inner": p} if nested else p
        claim = lambda p, k=factor: hessian(p, k)  # noqa: E731
        assert jacinspect.inspect(f, given, gradient, hessian=claim).verdict == expected


@pytest.mark.parametrize("kind", [None, "vjp"])
@pytest.mark.parametrize(
    ("spell", "more"),
    [
        ({"W1": "first", "W2": "second", "b1": "offset"}.__getitem__, {}),
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
