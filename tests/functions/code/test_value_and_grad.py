"""Derivatives that return the value too: a pair of the value and the gradient, as jax.value_and_grad makes it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from tests.oracles import Array


class Pair(NamedTuple):
    a: Any
    b: Any


def energy(x: Any, y: Any) -> Any:
    return (x**2 * y).sum()


def with_value(x: Any, y: Any, factor: float = 1.0) -> Any:
    return energy(x, y), factor * 2 * x * y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_a_value_and_a_gradient_the_gradient_is_compared(dtype: str) -> None:
    """As an optimizer takes both from one function."""
    x, y = np.array([0.3, -1.2, 0.7], dtype), np.array([2, 0.5, 1.5], dtype)
    pair: Any = jax.value_and_grad(energy)
    assert jacinspect.inspect(energy, jnp.asarray(x), pair, others=[jnp.asarray(y)]).verdict == "pass"
    for factor, verdict in ((1, "pass"), (1.01, "fail")):
        claim = lambda x, y, k=factor: with_value(x, y, k)  # noqa: E731
        assert jacinspect.inspect(energy, x, claim, others=[y]).verdict == verdict
        alone = lambda x, k=factor: with_value(x, y, k)  # noqa: E731
        assert jacinspect.inspect(lambda x: energy(x, y), x, alone).verdict == verdict
        of_dict = lambda p, k=factor: (energy(**p), {"y": p["x"] ** 2, "x": with_value(**p, factor=k)[1]})  # noqa: E731
        assert jacinspect.inspect(lambda p: energy(**p), {"x": x, "y": y}, of_dict).verdict == verdict
        tensors = lambda x, k=factor: (torch.sin(x).sum(), k * torch.cos(x))  # noqa: E731
        assert jacinspect.inspect(lambda x: torch.sin(x).sum(), x, tensors).verdict == verdict


@pytest.mark.parametrize("wrt", ["t", "y", "all"])
def test_a_derivative_as_large_as_the_function_is_an_entry(wrt: str) -> None:
    def grown(t: Any, y: Any) -> Any:
        return np.exp(t) * y.sum()

    both = lambda t, y: (grown(t, y), np.exp(t) * np.ones(3))  # noqa: E731
    assert jacinspect.inspect(grown, 0.5, both, others=[np.array([2, 0.5, 1.5])], wrt=wrt).verdict == "pass"


def ragged(p: Any, x: Any) -> Any:
    return jnp.sum(jnp.tanh(p[0] @ x + p[1]) ** 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "x", "all"])
def test_a_tuple_of_two_may_have_ragged_entries(wrt: str | None, dtype: str) -> None:
    w, b, x = (np.linspace(-1, 1.5, size).astype(dtype) for size in (6, 2, 3))
    p, both = [w.reshape(2, 3), b], jax.grad(ragged, argnums=(0, 1))
    for k, verdict in ((1, "pass"), (1.1, "fail")):
        scaled = lambda p, x, k=k: jax.tree.map(lambda leaf: k * leaf, both(p, x))  # noqa: E731
        assert jacinspect.inspect(ragged, p, scaled, others=[x], wrt=wrt).verdict == verdict


def test_a_number_is_no_gradient_by_an_array() -> None:
    """A pair of numbers is the gradient by two, of which the first may be as large as f."""

    def numbers(p: Any) -> list[Any]:
        return [*(p.values() if isinstance(p, dict) else p)]

    def grown(p: Any) -> Any:
        a, b = numbers(p)
        return np.exp(a) * b

    at = np.array([0.3, 1.7])
    for k, verdict in ((1, "pass"), (1.1, "fail")):
        claim = lambda p, k=k: (grown(p), k * np.exp(numbers(p)[0]))  # noqa: E731
        for x in (at, {"a": at[0], "b": at[1]}, Pair(*at)):
            assert jacinspect.inspect(grown, x, claim).verdict == verdict
    for one in (1.0, np.float64(1), np.ones(1)):
        with pytest.raises(FunctionFailedError, match=r"no array|of shape 2"):
            jacinspect.inspect(lambda x: x.sum(), np.array([0.3, 1.7, 2]), lambda x, one=one: (x.sum(), one))
    assert jacinspect.inspect(lambda x: x.sum(), at, lambda x: (x.sum(), np.float64(1))).verdict == "fail"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("leaves", ["W", "Wb"])
def test_the_gradient_of_a_pair_is_a_container(leaves: str, dtype: str) -> None:
    p = {"W": np.linspace(-1, 1.5, 6, dtype=dtype).reshape(2, 3), "b": np.array([0.5, 2], dtype)}
    p, x = {key: p[key] for key in leaves}, np.array([0.3, -1.2, 0.7], dtype)

    def loss(p: Any, x: Any) -> Any:
        return jnp.sum(jnp.tanh(p["W"] @ x + p.get("b", 1.0)))

    def scaled(k: float, **how: Any) -> Any:
        def pair(p: Any, x: Any) -> Any:
            value, gradient = jax.value_and_grad(loss, **how)(p, x)
            return value, jax.tree.map(lambda leaf: k * leaf, gradient)

        return pair

    for k, verdict in ((1, "pass"), (1.1, "fail")):
        assert jacinspect.inspect(loss, p, scaled(k), others=[x]).verdict == verdict
        for wrt in ("x", "all", "p"):
            assert jacinspect.inspect(loss, p, scaled(k, argnums=(0, 1)), others=[x], wrt=wrt).verdict == verdict
        by_x = scaled(k, argnums=1)
        assert jacinspect.inspect(loss, p, by_x, others=[x], wrt="x").verdict == verdict


@pytest.mark.parametrize("wrt", ["t", "p", "all"])
def test_an_entry_by_a_number_beside_one_by_a_container(wrt: str) -> None:
    def grown(t: Any, p: Any) -> Any:
        return np.exp(t) * p["w"].sum()

    for k, verdict in ((1, "pass"), (1.1, "fail")):
        claim = lambda t, p, k=k: (k * grown(t, p), {"w": k * np.exp(t) * np.ones(3)})  # noqa: E731
        given: Any = {"others": [{"w": np.array([2, 0.5, 1.5])}], "wrt": wrt}
        assert jacinspect.inspect(grown, 0.5, claim, **given).verdict == verdict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["w", "b", "all", "b,w"])
def test_a_value_before_the_gradients_by_several(wrt: str, dtype: str) -> None:
    w, b = np.array([[0.5, -1.2, 2], [1, 0.3, -0.7]], dtype), np.array([2, 0.7], dtype)

    def loss(w: Any, b: Any) -> Any:
        return ((w @ np.arange(3.0) + b) ** 2).sum()

    def gradients(w: Any, b: Any) -> Any:
        r = w @ np.arange(3.0) + b
        return 2 * np.outer(r, np.arange(3.0)), 2 * r

    forms: list[Callable[..., Any]] = [
        lambda w, b, k: (loss(w, b), k * gradients(w, b)[0], k * gradients(w, b)[1]),
        lambda w, b, k: (loss(w, b), tuple(k * each for each in gradients(w, b))),
        lambda w, b, k: (loss(w, b), [k * each for each in gradients(w, b)]),
        lambda w, b, k: (loss(w, b), {"db": k * gradients(w, b)[1], "dw": k * gradients(w, b)[0]}),
    ]
    for k, verdict in ((1, "pass"), (1.01, "fail")):
        for form in forms:
            claim = lambda w, b, k=k, form=form: form(w, b, k)  # noqa: E731
            assert jacinspect.inspect(loss, w, claim, others=[b], wrt=wrt).verdict == verdict
    labelled: Any = lambda w, b, labels: (loss(w, b), *gradients(w, b))  # noqa: E731
    of_labels: Any = lambda w, b, labels: loss(w, b)  # noqa: E731
    given: Any = {"others": [b, np.array([0, 1])], "wrt": wrt}
    assert jacinspect.inspect(of_labels, w, labelled, **given).verdict == "pass"


def turned(x: Any, k: float = 1.0) -> Any:
    """Return two numbers of two, and their Jacobian."""
    d = x[0] - x[1]
    return np.array([x[0] + d**3, x[1] - 2 * d]), k * np.array([[1 + 3 * d**2, -3 * d**2], [-2, 3]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_several_values_and_a_jacobian_the_jacobian_is_compared(dtype: str) -> None:
    """As scipy.optimize.root takes both with jac=True."""
    x = np.array([0.3, -1.2], dtype)
    for k, verdict in ((1, "pass"), (1.01, "fail")):
        both = lambda x, k=k: turned(x, k)  # noqa: E731
        assert jacinspect.inspect(lambda x: turned(x)[0], x, both).verdict == verdict
        assert jacinspect.inspect(turned, x, both, take=0).verdict == verdict
        lists = lambda x, both=both: tuple(each.tolist() for each in both(x))  # noqa: E731
        assert jacinspect.inspect(lambda x: turned(x)[0], x, lists).verdict == verdict
        of_two = lambda x, t, k=k: tuple(t * each for each in turned(x, k))  # noqa: E731
        assert jacinspect.inspect(lambda x, t: t * turned(x)[0], x, of_two, others=[1.7]).verdict == verdict
    slopes = lambda x: (np.tanh(x), 1 - np.tanh(x) ** 2)  # noqa: E731
    assert jacinspect.inspect(np.tanh, x, slopes).verdict == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_value_that_is_drawn_and_a_derivative(dtype: str) -> None:
    """Both are with the same draw as f where a seed is given."""

    def dropped(x: Array) -> tuple[Array, Array]:
        kept = np.random.rand(*x.shape) > 0.5  # noqa: NPY002 (what a seed is for)
        return x**2 * kept, 2 * x * kept

    x = np.array([0.3, -1.2, 2, 0.7, -0.4, 1.1], dtype)
    for k, verdict in ((1, "pass"), (1.01, "fail")):

        def both(x: Array, k: float = k) -> tuple[Array, Array]:
            value, gradient = dropped(x)
            return value.sum(), k * gradient

        assert jacinspect.inspect(lambda x: dropped(x)[0].sum(), x, both, reseed=3).verdict == verdict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["x", "y", "all"])
def test_a_value_before_gradients_of_one_shape(wrt: str, dtype: str) -> None:
    x, y = np.array([0.5, -1.2, 2], dtype), np.array([2, 0.7, -0.3], dtype)

    def loss(x: Any, y: Any) -> Any:
        return (np.exp(x) * y).sum()

    for k, verdict in ((1, "pass"), (1.01, "fail")):
        for form in (list, tuple):
            claim = lambda x, y, k=k, form=form: (loss(x, y), form((k * np.exp(x) * y, k * np.exp(x))))  # noqa: E731
            assert jacinspect.inspect(loss, x, claim, others=[y], wrt=wrt).verdict == verdict


def test_a_list_after_the_value_that_may_be_rows_is_not_guessed() -> None:
    def f(a: Any, b: Any) -> Any:
        return np.array([a * b, a**2 * b])

    def rows(a: Any, b: Any) -> list[Any]:
        return [[b, a], [2 * a * b, a**2]]

    def with_value(a: Any, b: Any) -> Any:
        return f(a, b), [*map(np.array, rows(a, b))]

    with pytest.raises(InputError, match="a list of 2, which can be the rows of the Jacobian 2×2 or by a and b"):
        jacinspect.inspect(with_value, 0.5, with_value, others=[1.7], wrt="all")
    nested: Any = lambda a, b: (f(a, b), rows(a, b))  # noqa: E731
    assert jacinspect.inspect(nested, 0.5, nested, others=[1.7], wrt="all").verdict == "pass"


def test_several_values_may_be_an_entry_by_a_number() -> None:
    def grown(t: Any, y: Any) -> Any:
        return np.exp(t) * y**2

    for wrt in ("t", "y", "all"):
        claim = lambda t, y: (np.exp(t) * y**2, 2 * np.exp(t) * y)  # noqa: E731
        assert jacinspect.inspect(grown, 0.5, claim, others=[np.array([2, 0.5, 1.5])], wrt=wrt).verdict == "pass"


def labelled_loss(x: Any, labels: Any, k: float = 1.0) -> Any:
    """Return the loss and its gradient by x."""
    p = np.exp(x - x.max(1, keepdims=True))
    p = p / p.sum(1, keepdims=True)
    rows = np.arange(len(x))
    d = p.copy()
    d[rows, labels] -= 1
    return -np.log(p[rows, labels]).sum(), k * d


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("take", [None, 0])
def test_a_function_that_is_its_own_derivative_has_its_value_first(take: int | None, dtype: str) -> None:
    x, labels = np.linspace(-1, 2, 12, dtype=dtype).reshape(4, 3), np.array([2, 0, 1, 1])
    for k, verdict in ((1, "pass"), (1.01, "fail")):
        both = lambda x, labels, k=k: labelled_loss(x, labels, k)  # noqa: E731
        report = jacinspect.inspect(both, x, both, others=[labels], take=take)
        assert (report.verdict, report.jacobian and report.jacobian.shape) == (verdict, (1, 12))
        root = lambda x, k=k: turned(x, k)  # noqa: E731
        assert jacinspect.inspect(root, x[0, :2], root, take=take).verdict == verdict
        tensors = lambda x, k=k: (torch.sin(x).sum(), k * torch.cos(x))  # noqa: E731
        assert jacinspect.inspect(tensors, torch.linspace(0, 1, 3), tensors, take=take).verdict == verdict
        parts = lambda w, b, k=k: ((w**2 * b).sum(), 2 * k * w * b, k * w**2)  # noqa: E731
        given: Any = {"others": [x[1]], "wrt": "all", "take": take}
        assert jacinspect.inspect(parts, x[0], parts, **given).verdict == verdict
    assert jacinspect.inspect(np.exp, x, np.exp).verdict == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_value_that_f_and_its_derivative_return_first(dtype: str) -> None:
    x, labels = np.linspace(-1, 2, 12, dtype=dtype).reshape(4, 3), np.array([2, 0, 1, 1])

    def pairs(k: float) -> list[Any]:
        return [
            lambda x: ((x**2).sum(), 2 * k * x),
            lambda w, b: ((w**2 * b).sum(), 2 * k * w * b, k * w**2),
            lambda x: (x[:2] * x[1:], k * np.array([[x[1], x[0], 0], [0, x[2], x[1]]])),
        ]

    for k, verdict in ((1, "pass"), (1.01, "fail")):
        other = lambda x, labels, k=k: labelled_loss(x, labels, k)  # noqa: E731
        report = jacinspect.inspect(labelled_loss, x, other, others=[labels])
        assert (report.verdict, report.jacobian and report.jacobian.shape) == (verdict, (1, 12))
        assert "what the derivative returns after it is compared" in " ".join(str(report).split())
        by_both: list[Any] = [{}, {"others": [x[1]], "wrt": "all"}, {}]
        for f, derivative, given in zip(pairs(1), pairs(k), by_both, strict=True):
            assert jacinspect.inspect(f, x[0], derivative, **given).verdict == verdict
        tensors = lambda x, k=k: (torch.sin(x).sum(), k * torch.cos(x))  # noqa: E731
        single = lambda x: (torch.sin(x).sum(), torch.cos(x))  # noqa: E731
        assert jacinspect.inspect(single, torch.linspace(0, 1, 3), tensors).verdict == verdict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_derivative_that_is_equal_to_the_first_output_is_one(dtype: str) -> None:
    x = np.array([0.5, -1.25, 2.0], dtype)
    for k, verdict in ((1, "pass"), (1.01, "fail")):
        by_outputs = lambda x, k=k: (np.exp(x), k * np.cos(x))  # noqa: E731
        report = jacinspect.inspect(lambda x: (np.exp(x), np.sin(x)), x, by_outputs)
        assert (report.verdict, report.jacobian and report.jacobian.shape) == (verdict, (6, 3))


def test_another_value_before_the_gradient_is_not_left_out() -> None:
    x = np.array([0.5, -1.25, 2.0])
    with pytest.raises(FunctionFailedError, match="float64 of shape scalar"):
        jacinspect.inspect(lambda x: (x @ x, 2 * x), x, lambda x: (x @ x + 1, 2 * x))


def test_a_number_is_no_entry_by_a_larger_operand() -> None:
    x, y = np.ones((2, 3)), np.array([0.5, 2])
    f: Any = lambda x, y: (x.sum(1) * y).sum()  # noqa: E731
    for wrt in ("x", "all"):
        for one in (1.0, np.float64(2), 0):
            with pytest.raises(FunctionFailedError, match=r"scalar; .*operand's shape 2×3"):
                jacinspect.inspect(f, x, lambda x, y, one=one: (one, x.sum(1)), others=[y], wrt=wrt)
    slopes = jacinspect.inspect(np.add, x, lambda x, y: (1.0, 1.0), others=[2 * x], wrt="all")
    assert slopes.verdict == "pass"


def test_another_number_is_no_value() -> None:
    x = np.array([0.3, -1.2, 0.7])
    with pytest.raises(FunctionFailedError, match="a tuple that is no array"):
        jacinspect.inspect(lambda x: (x**2).sum(), x, lambda x: (1.0, 2 * x))
