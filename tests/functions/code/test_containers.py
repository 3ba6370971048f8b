"""Derivatives by hand of functions of containers: what they are given beside the container."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from tests.oracles import Array


class Named(NamedTuple):
    w: Any
    b: Any


@dataclass
class Fields:
    w: Any
    b: Any


def of(kind: Any, dtype: str) -> Any:
    return kind(w=np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype), b=np.array([0.3, -0.7], dtype))


def entries(container: Any) -> tuple[Any, Any]:
    return (container["w"], container["b"]) if isinstance(container, dict) else (container.w, container.b)


def energy(p: Any, rate: float = 2.0, options: Any = None) -> Any:
    w, b = entries(p)
    return rate * (w**2).sum() + (w[:, 0] * b).sum() * (1 if options is None else len(options))


def gradient(p: Any, rate: float = 2.0, options: Any = None) -> Any:
    """Return it with the leaves in their order, by their names."""
    (w, b), number = entries(p), 1 if options is None else len(options)
    first = np.zeros_like(w)
    first[:, 0] = number * b
    return {"w": 2 * rate * w + first, "b": number * w[:, 0]}


def verdict(*given: Any, **how: Any) -> str:
    return jacinspect.inspect(*given, **how).verdict


def logged(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate without functools.wraps."""

    def wrapper(*args: Any, **keywords: Any) -> Any:
        return f(*args, **keywords)

    return wrapper


# --- Parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [dict, Named, Fields])
def test_parameters_reach_a_derivative_of_a_container(kind: Any, dtype: str) -> None:
    def required(p: Any, rate: float) -> Any:
        return gradient(p, rate)

    def right_by_its_default_alone(p: Any, rate: float = 0.0) -> Any:
        return {**gradient(p), "w": gradient(p, 2.5 + rate)["w"]}

    given: Any = {"parameters": {"rate": 2.5, "options": None}}
    for right in (gradient, required, lambda q, speed, number: gradient(q, speed, number)):  # by name, and by its place
        assert verdict(energy, of(kind, dtype), right, parameters={"rate": 2.5, "options": None}) == "pass"
    assert verdict(energy, of(kind, dtype), lambda p: gradient(p, 2.5), **given) == "pass"
    for wrong in (lambda p: gradient(p), right_by_its_default_alone):
        assert verdict(energy, of(kind, dtype), wrong, **given) == "fail"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [dict, Named, Fields])
def test_an_argument_with_a_default_is_no_operand_beside_a_container(kind: Any, dtype: str) -> None:
    """Where an array is given beside it, that is the operand."""

    def shifted(p: Any, x: Array, rate: float = 2.0) -> Any:
        return energy(p, rate) * x

    def slopes(p: Any, x: Array, rate: float = 2.0, factor: float = 1.0) -> Any:
        found = {name: np.multiply.outer(x, leaf) for name, leaf in gradient(p, rate).items()}
        return {**found, "w": factor * found["w"]}

    p, x = of(kind, dtype), np.array([2, 0.5, -1.5], dtype)
    for factor, expected in ((1, "pass"), (1.1, "fail")):
        assert verdict(energy, p, lambda p, k=factor: {**gradient(p), "b": k * gradient(p)["b"]}) == expected
        for others in ([x], {"x": x}):
            claim = lambda p, x, k=factor: slopes(p, x, factor=k)  # noqa: E731
            assert verdict(shifted, p, claim, others=others) == expected
    given: Any
    for given in ([x, 3.0], {"x": x, "rate": 3.0}):
        found = jacinspect.inspect(shifted, p, others=given, wrt="rate")
        assert (found.names.operand.names, found.fixed["x"].tolist()) == (("rate",), x.tolist())


def test_an_argument_with_a_default_is_the_operand_where_an_array_is_given_for_it() -> None:
    p, x = of(dict, "float64"), np.array([2, 0.5, -1.5])
    for off, expected in ((0, "pass"), (0.1, "fail")):
        claim = lambda x, off=off: energy(p) + off + 0 * x  # noqa: E731
        given = {"parameters": {"p": p}}
        assert verdict(lambda p, x=1.0: energy(p) * x, x, claim, **given) == expected


@pytest.mark.parametrize("options", [[1.5, 2.0, 3.0], "abc", {"a": 1, "b": [2], "c": np.ones((2, 3))}])
def test_such_a_parameter_is_anything(options: Any) -> None:
    given: Any = {"parameters": {"options": options, "rate": 2.0}}
    assert verdict(energy, of(dict, "float64"), gradient, **given) == "pass"
    assert verdict(energy, of(dict, "float64"), lambda p, options: gradient(p, options=options), **given) == "pass"
    assert verdict(energy, of(dict, "float64"), lambda p, options=(): gradient(p, options=options), **given) == "pass"
    assert verdict(energy, of(dict, "float64"), lambda p: gradient(p), **given) == "fail"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_reach_products_and_second_derivatives(dtype: str) -> None:
    def f(p: Any, k: float) -> Any:
        return k * p["a"] ** 2 * p["b"]

    def jacobian(p: Any, k: float) -> Any:
        return np.stack([2 * k * p["a"] * p["b"], k * p["a"] ** 2])

    def hessian(p: Any, k: float = 1.0) -> Any:
        return np.array([[2 * k * p["b"], 2 * k * p["a"]], [2 * k * p["a"], 0]])

    p, given = {"a": np.array(3, dtype), "b": np.array(0.5, dtype)}, {"parameters": {"k": 2.5}}

    def product(p: Any, dp: Any, k: float = 1.0) -> Any:
        a, b = jacobian(p, k)
        return a * dp["a"] + b * dp["b"]

    def pulled(p: Any, g: Any, k: float = 1.0) -> Any:
        return dict(zip("ab", jacobian(p, k) * g, strict=True))

    for kind, right in (("jvp", product), ("vjp", pulled)):
        assert verdict(f, p, right, derivative_kind=kind, **given) == "pass"
        assert verdict(f, p, logged(right), derivative_kind=kind, **given) == "pass"
        for factor, expected in ((2.5, "pass"), (1.0, "fail")):
            unaware = lambda *a, k=factor, right=right: right(*a, k)  # noqa: E731
            assert verdict(f, p, lambda *a, g=unaware: g(*a), derivative_kind=kind, **given) == expected
    assert verdict(f, p, jacobian, hessian=hessian, **given) == "pass"
    assert verdict(f, p, jacobian, hessian=lambda p: hessian(p), **given) == "fail"


# --- Tangents ---------------------------------------------------------------------------------------------------------


def scaled(p: Any, x: Array) -> Any:
    return (p["w"] @ x) * p["b"] ** 2 * p["n"]


def pushed(p: Any, x: Array, dp: Any, dx: Any = 0.0) -> Any:
    assert dp["n"] == 0
    by_w, by_b = (dp["w"] @ x) * p["b"] ** 2, (p["w"] @ x) * 2 * p["b"] * dp["b"]
    return p["n"] * (by_w + by_b + (p["w"] @ (x * 0 + dx)) * p["b"] ** 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "p.*", "p.b", "p.w", "p.b,p.w", "all"])
def test_a_tangent_is_a_container_as_its_operand_is(wrt: str | None, dtype: str) -> None:
    """Leaves that are fixed, or no numbers to differentiate by, have the tangent 0."""
    p, how = {**of(dict, dtype), "n": 3}, {"others": [np.array([2, 0.5, -1.5], dtype)], "wrt": wrt}
    as_they_are = (lambda p, x, dp, dx: pushed(p, x, dp, dx)) if wrt == "all" else (lambda p, x, dp: pushed(p, x, dp))
    for claim in (as_they_are, lambda *a: pushed(*a)):
        assert verdict(scaled, p, claim, derivative_kind="jvp", **how) == "pass"
        assert verdict(scaled, p, lambda *a, c=claim: 1.1 * c(*a), derivative_kind="jvp", **how) == "fail"


def test_tangents_of_leaves_are_taken_by_themselves_too() -> None:
    def flat(p: Any, x: Array, db: Array, dw: Array) -> Any:
        return pushed(p, x, {"w": dw, "b": db, "n": 0})

    p, how = {**of(dict, "float64"), "n": 3}, {"others": [np.array([2, 0.5, -1.5])], "wrt": "p.b,p.w"}
    assert verdict(scaled, p, flat, derivative_kind="jvp", **how) == "pass"
    by_x = lambda p, x, dx: pushed(p, x, {"w": 0 * p["w"], "b": 0 * p["b"], "n": 0}, dx)  # noqa: E731
    assert verdict(scaled, p, by_x, derivative_kind="jvp", **{**how, "wrt": "x"}) == "pass"


# --- Several containers -----------------------------------------------------------------------------------------------


def residual(inputs: Any, outputs: Any) -> Any:
    return inputs["w"] @ outputs["x"] + inputs["b"] * outputs["x"][0] ** 2


def partials(inputs: Any, outputs: Any) -> Any:
    return {"w": np.einsum("ij,k->ijk", np.eye(2), outputs["x"]), "b": np.diag(np.full(2, outputs["x"][0] ** 2))}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", [lambda o: {"others": [o]}, lambda o: {"others": {"outputs": o}},
                                 lambda o: {"parameters": {"outputs": o}}])  # fmt: skip
def test_a_derivative_takes_two_containers(how: Callable[[Any], dict[str, Any]], dtype: str) -> None:
    given = how({"x": np.array([2, 0.5, -1.5], dtype)})
    for right in (partials, lambda i, o: partials(i, o), lambda *both: partials(*both)):
        assert verdict(residual, of(dict, dtype), right, **given) == "pass"
    wrong = lambda inputs, outputs: {**partials(inputs, outputs), "b": np.eye(2)}  # noqa: E731
    assert verdict(residual, of(dict, dtype), wrong, **given) == "fail"


def test_arguments_are_told_apart_by_their_names() -> None:
    x, given = np.array([2, 0.5, -1.5]), of(dict, "float64")

    def f(p: Any, x: Array) -> Any:
        return p["w"] @ x + p["b"]

    right = {"w": np.einsum("ij,k->ijk", np.eye(2), x), "b": np.eye(2)}
    for claim in (lambda p, x: right, lambda x, p: {**right, "b": np.eye(2) + 0 * p["b"] * x[0]}, lambda q, y: right):
        assert verdict(f, given, claim, others=[x]) == "pass"
    by_leaves = verdict(f, given, lambda x, w, b: (0, right["w"] + 0 * w[0, 0], right["b"] + 0 * b), others=[x])
    assert by_leaves == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operands_beside_a_container_that_is_fixed_are_told_apart_by_their_names(dtype: str) -> None:
    """As an object's own array is, which comes after them."""

    class Scaled:
        def __init__(self) -> None:
            self.scale = np.array([0.5, 2, -1], dtype)

        def value(self, p: Any, x: Array) -> Any:
            return np.asarray(self.scale * np.sin(p["a"] * x))

    p, x = {"a": np.array([0.5, 1, 2], dtype)}, np.array([0.75, -1.5, 2.5], dtype)
    how: Any = {"wrt": "scale", "others": [x]}
    for k, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda scale, p, x, k=k: np.diag(k * np.sin(p["a"] * x))  # noqa: E731
        assert verdict(Scaled().value, p, claim, **how) == expected
        pull = lambda scale, p, x, g, k=k: k * np.sin(p["a"] * x) * g  # noqa: E731
        assert verdict(Scaled().value, p, pull, derivative_kind="vjp", **how) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "p.b", "all"])
def test_a_tuple_has_an_entry_for_each_argument(wrt: str | None, dtype: str) -> None:
    """As jax.grad returns one with argnums=(0, 1), and a backward of several arguments."""

    def f(p: Any, x: Array) -> Any:
        return ((p["w"] @ x + p["b"]) ** 2).sum()

    def both(p: Any, x: Array, g: float = 1.0, k: float = 1.0) -> Any:
        r = 2 * g * (p["w"] @ x + p["b"])
        return {"b": k * r, "w": k * np.outer(r, x)}, k * p["w"].T @ r

    p, x = of(dict, dtype), np.array([2, 0.5, -1.5], dtype)
    how: Any = {"others": [x], "wrt": wrt}
    for k, expected in ((1, "pass"), (1.1, "fail")):
        assert verdict(f, p, lambda p, x, k=k: both(p, x, 1, k), **how) == expected
        assert verdict(f, p, lambda p, x, g, k=k: both(p, x, g, k), derivative_kind="vjp", **how) == expected
        if wrt is None:
            alone = lambda p, k=k: (both(p, x, 1, k)[0],)  # noqa: E731
            assert verdict(lambda p: f(p, x), p, alone) == expected


def cross_entropy(p: Any, x: Array, labels: Any, scale: Any = 1.0) -> Any:
    z = scale * (x @ p["w"].T + p["b"])
    return np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(labels)), labels])


def by_arguments(p: Any, x: Array, labels: Any, scale: Any = 1.0, off: float = 0.0) -> Any:
    """Return the derivatives of the cross entropy by its first two arguments."""
    z = scale * (x @ p["w"].T + p["b"])
    r = np.exp(z) / np.exp(z).sum(1, keepdims=True) - np.eye(2)[labels]
    r *= scale / len(labels)
    return {"w": r.T @ x, "b": r.sum(0) + off}, r @ p["w"] + off


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "p.*", "x", "p.b", "p.*,x", ["x", "p.w"], "all"])
def test_a_tuple_may_leave_out_the_last_arguments(wrt: Any, dtype: str) -> None:
    """As jax.grad's does with argnums=(0, 1), be they labels or arrays that are fixed."""
    p, x, labels = of(dict, dtype), np.array([[2, 0.5, -1.5], [-1, 1.5, 0.25]], dtype), np.array([0, 1])
    scale = np.array(1.5, dtype)
    for off, expected in ((0.0, "pass"), (0.1, "fail")):
        if wrt == ["x", "p.w"] and off:
            continue  # which is by x, too, and there all entries are off
        for others in ([x, labels], {"x": x, "labels": labels}):
            claim = lambda p, x, labels, off=off: by_arguments(p, x, labels, off=off)  # noqa: E731
            assert verdict(cross_entropy, p, claim, others=others, wrt=wrt) == expected
        if wrt != "all":
            scaled = lambda p, x, labels, scale, off=off: by_arguments(p, x, labels, scale, off)  # noqa: E731
            assert verdict(cross_entropy, p, scaled, others=[x, labels, scale], wrt=wrt) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tuple_may_have_entries_for_those_that_are_differentiated_by(dtype: str) -> None:
    """With argnums=(0, 2), and two arguments of one shape."""
    p, x = {"a": np.array([0.5, 1, 2], dtype)}, np.array([0.75, -1.5, 2.5], dtype)

    def f(p: Any, x: Array, y: Array) -> Any:
        return product(p, x) * y

    def gradient(p: Any, x: Array, y: Array, g: Any) -> Any:
        a, _ = by_both(p, x)
        return {"a": a @ (y * g)}, product(p, x) * g

    how: Any = {"others": [x, x**2], "derivative_kind": "vjp"}
    assert verdict(f, p, gradient, wrt="p.a,y", **how) == "pass"
    assert verdict(f, p, gradient, wrt="p.a", **how) == "pass"
    assert verdict(f, p, gradient, wrt="p.a,x", **how) == "fail"


def alike(p: Any, q: Any, r: Any) -> Any:
    return sum((np.sin(p[key]) * q[key] ** 2 * r[key]).sum() for key in p)


def by_alike(p: Any, q: Any, r: Any, k: float = 1.0) -> list[dict[str, Array]]:
    """Return the gradients of `alike`."""
    first = {key: k * np.cos(p[key]) * q[key] ** 2 * r[key] for key in p}
    second = {key: k * 2 * np.sin(p[key]) * q[key] * r[key] for key in p}
    return [first, second, {key: k * np.sin(p[key]) * q[key] ** 2 for key in p}]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("numbers", "wrt"),
    [((0, 1), "p"), ((0, 2), "p,r"), ((1, 2), "q,r"), ((1, 2), "r.*"), ((0, 2), "r"), ((0, 1, 2), "q"), ((1,), "q")],
)
def test_entries_by_arguments_that_are_alike_are_told_by_those_that_are_open(
    numbers: Any, wrt: str, dtype: str
) -> None:
    p, q, r = ({key: leaf * k for key, leaf in of(dict, dtype).items()} for k in (1, 0.75, 1.5))
    for k, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda p, q, r, k=k: tuple(by_alike(p, q, r, k)[number] for number in numbers)  # noqa: E731
        assert verdict(alike, p, claim, others=[q, r], wrt=wrt) == expected


def test_a_tuple_is_refused_where_two_readings_of_it_differ() -> None:
    p, q, r = ({key: leaf * k for key, leaf in of(dict, "float64").items()} for k in (1, 0.75, 1.5))
    how: Any = {"others": [q, r], "wrt": "q"}
    with pytest.raises(InputError, match="by p and q or by q and r: return an entry for each of p, q, r, which is Non"):
        verdict(alike, p, lambda p, q, r: tuple(by_alike(p, q, r)[1:]), **how)
    for k, expected in ((1, "pass"), (1.1, "fail")):
        assert verdict(alike, p, lambda p, q, r, k=k: (None, *by_alike(p, q, r, k)[1:]), **how) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_containers_of_the_same_names_are_told_apart_by_shapes(dtype: str) -> None:
    p = {"w": np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype)}
    q, r = {"w": np.array([2, 0.5, -1.5], dtype)}, {"w": np.array([0.5, -2], dtype)}

    def f(p: Any, q: Any, r: Any) -> Any:
        return r["w"] @ p["w"] @ q["w"]

    for k, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda p, q, r, k=k: ({"w": k * r["w"] @ p["w"]}, {"w": k * p["w"] @ q["w"]})  # noqa: E731
        for wrt in ("q", "r", "q,r"):
            assert verdict(f, p, claim, others=[q, r], wrt=wrt) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["p", "y", "p,y"])
def test_an_array_between_those_of_a_tuple_is_left_out(wrt: str, dtype: str) -> None:
    """As with argnums=(0, 2), x and y being alike."""
    p, x = {"a": np.array([0.5, 1, 2], dtype)}, np.array([0.75, -1.5, 2.5], dtype)

    def gradient(p: Any, x: Array, y: Array, k: float) -> Any:
        return {"a": k * 2 * p["a"] * np.sin(x) * y}, k * product(p, x)

    for k, expected in ((1, "pass"), (1.1, "fail")):
        claim = lambda p, x, y, k=k: gradient(p, x, y, k)  # noqa: E731
        assert verdict(lambda p, x, y: (product(p, x) * y).sum(), p, claim, others=[x, x**2], wrt=wrt) == expected


@pytest.mark.parametrize("options", [{"scale": 0.5}, {"scale": np.array(0.5)}])
def test_none_stands_for_a_container_that_is_fixed(options: Any) -> None:
    """As in the backward of a jax.custom_vjp."""
    x, given = np.array([2, 0.5, -1.5]), {"parameters": {"options": options}}

    def f(options: Any, x: Array) -> Any:
        return options["scale"] * x**2

    for k, expected in ((2, "pass"), (2.1, "fail")):
        claim = lambda options, x, k=k: (None, np.diag(k * options["scale"] * x))  # noqa: E731
        assert verdict(f, x, claim, **given) == expected
        pull = lambda options, x, g, k=k: (None, k * options["scale"] * x * g)  # noqa: E731
        assert verdict(f, x, pull, derivative_kind="vjp", **given) == expected


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("kind", ["jvp", "vjp"])
@pytest.mark.parametrize("options", [{"scale": 0.5}, {"scale": np.array(0.5)}])
def test_a_container_that_is_fixed_may_have_another_name(options: Any, kind: Any, last: bool) -> None:
    x, y = np.array([2, 0.5, -1.5]), np.array([0.5, -1, 3])

    def f(options: Any, x: Array) -> Any:
        return options["scale"] * x**2

    def g(options: Any, x: Array, y: Array) -> Any:
        return f(options, x) + y**2

    for k, expected in ((2, "pass"), (2.1, "fail")):
        rule = lambda c, u, v, k=k: k * c["scale"] * u * v  # noqa: E731
        how: Any = {"parameters": {"options": options}, "derivative_kind": kind}
        if last:
            assert verdict(lambda x, options: f(options, x), x, lambda u, c, v, r=rule: r(c, u, v), **how) == expected
            continue
        assert verdict(f, x, rule, **how) == expected
        if kind == "jvp":
            both = lambda c, u, v, du, dv, r=rule: r(c, u, du) + 2 * v * dv  # noqa: E731
            assert verdict(g, x, both, others={"y": y}, wrt="x,y", **how) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "p.b", "x", "all"])
def test_a_backward_returns_all_containers(wrt: str | None, dtype: str) -> None:
    p, x = of(dict, dtype), np.array([2, 0.5, -1.5], dtype)

    def f(p: Any, x: Array) -> Any:
        return p["w"] @ x + p["b"] ** 2

    for k, expected in ((1, "pass"), (1.1, "fail")):
        pull = lambda p, x, g, k=k: ({"w": k * np.outer(g, x), "b": k * 2 * p["b"] * g}, k * p["w"].T @ g)  # noqa: E731
        for others in ([x], {"x": x}):
            assert verdict(f, p, pull, others=others, wrt=wrt, derivative_kind="vjp") == expected


@pytest.mark.parametrize("wrt", ["x", "p.w,x", "p"])
def test_a_container_of_plain_numbers_has_an_entry_in_a_tuple(wrt: str) -> None:
    x, options = np.array([2, 0.5, -1.5]), {"options": {"tolerance": 0.5}}

    def f(options: Any, p: Any, x: Array) -> Any:
        return p["w"] * np.sin(x) * options["tolerance"]

    def by_all(options: Any, p: Any, x: Array, k: float = 1.0) -> Any:
        half = options["tolerance"] * k
        return {"tolerance": p["w"] * np.sin(x)}, {"w": half * np.sin(x)}, np.diag(half * p["w"] * np.cos(x))

    given: Any = {"parameters": {**options, "p": {"w": 1.5}}, "wrt": wrt}
    for k, expected in ((1, "pass"), (1.1, "fail")):
        assert verdict(f, x, lambda options, p, x, k=k: by_all(options, p, x, k), **given) == expected
        if wrt != "x":  # where p is no more than the options are
            assert verdict(f, x, lambda options, p, x, k=k: by_all(options, p, x, k)[1:], **given) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [dict, Named, Fields])
def test_a_backward_by_one_leaf_returns_its_container(kind: Any, dtype: str) -> None:
    w = np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]], dtype)
    p, one = of(kind, dtype), {"w": w}
    for k, expected in ((2, "pass"), (2.1, "fail")):
        pull = lambda p, g, k=k: {"w": k * p["w"] * g}  # noqa: E731
        assert verdict(lambda p: p["w"] ** 2, one, pull, derivative_kind="vjp") == expected
        whole = lambda p, g, k=k: kind(w=k * entries(p)[0] * g, b=0 * entries(p)[1])  # noqa: E731
        assert verdict(lambda p: entries(p)[0] ** 2, p, whole, wrt="p.w", derivative_kind="vjp") == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", [None, "p.b", "p.w,p.b", "x", "all"])
def test_tangents_of_all_arguments_are_given_where_they_are_taken(wrt: str | None, dtype: str) -> None:
    """Those that are fixed are 0."""
    p, x = of(dict, dtype), np.array([2, 0.5, -1.5], dtype)

    def f(p: Any, x: Array) -> Any:
        return p["w"] @ x + p["b"] ** 2

    for k, expected in ((1, "pass"), (1.1, "fail")):
        push = lambda p, x, dp, dx, k=k: k * (dp["w"] @ x + 2 * p["b"] * dp["b"] + p["w"] @ dx)  # noqa: E731
        assert verdict(f, p, push, others=[x], wrt=wrt, derivative_kind="jvp") == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [dict, list])
def test_as_many_tangents_as_arguments_and_as_operands_are_told_by_their_names(kind: Any, dtype: str) -> None:
    w, b = of(dict, dtype).values()
    p: Any = {"w": w, "b": b} if kind is dict else [w, b]
    first, last = ("w", "b") if kind is dict else (0, 1)
    x, y = np.array([2, 0.5, -1.5], dtype), np.array([0.5, -2], dtype)

    def f(p: Any, x: Array, y: Array) -> Any:
        return (p[first] @ x + p[last]) * y

    def pushed(p: Any, x: Array, y: Array, *tangents: Any) -> Any:
        w, b, dx, dy = tangents
        return (w @ x + b + p[first] @ dx) * y + (p[first] @ x + p[last]) * dy

    how: Any = {"others": [x, y], "wrt": "p,x", "derivative_kind": "jvp"}
    for k, expected in ((1, "pass"), (1.1, "fail")):
        whole = lambda p, x, y, dp, dx, dy, k=k: k * pushed(p, x, y, dp[first], dp[last], dx, dy)  # noqa: E731
        assert verdict(f, p, whole, **how) == expected
        own = lambda q, s, t, dq, ds, dt, k=k: k * pushed(q, s, t, dq[first], dq[last], ds, dt)  # noqa: E731
        assert verdict(f, p, own, **how) == expected
        singly = lambda p, x, y, dw, db, dx, k=k: k * pushed(p, x, y, dw, db, dx, 0)  # noqa: E731
        assert verdict(f, p, singly, **how) == expected
        others = lambda p, x, y, d_weight, d_bias, d_in, k=k: k * pushed(p, x, y, d_weight, d_bias, d_in, 0)  # noqa: E731
        assert verdict(f, p, others, **how) == expected
    with pytest.raises(
        InputError, match=r"takes t, u, v, .* each of p, x, y, or of p\..*, x: call them dp, dx, dy, or d"
    ):
        verdict(f, p, lambda p, x, y, t, u, v: pushed(p, x, y, t[first], t[last], u, v), **how)


@pytest.mark.parametrize("kind", [dict, Named, Fields])
@pytest.mark.parametrize("wrt", ["p", ["p"], "p,x", "p.*,x", "all"])
def test_the_name_of_a_container_stands_for_its_leaves(wrt: Any, kind: Any) -> None:
    p, x = of(kind, "float64"), np.array([2, 0.5, -1.5])
    found = jacinspect.inspect(lambda p, x: entries(p)[0] @ x + entries(p)[1], p, others=[x], wrt=wrt)
    assert found.names.operand.names == (("p.w", "p.b") if wrt in ("p", ["p"]) else ("p.w", "p.b", "x"))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_leaves_of_whole_numbers_alone_are_differentiated_by(dtype: str) -> None:
    """Beside real ones, and where something else is named, they may be labels."""
    n, w = np.array([[1, 2, 3], [4, 5, 6]], dtype), np.array([0.5, -1.5, 2])
    given: Any
    for given, wrt in (({"n": n}, None), ({"n": n, "k": 3}, "p.n"), ({"n": n}, "all")):
        for factor, expected in ((2, "pass"), (3, "fail")):
            claim = lambda p, k=factor: np.einsum("ij,ik,jl->ijkl", k * p["n"], np.eye(2), np.eye(3))  # noqa: E731
            assert verdict(lambda p: p["n"] ** 2, given, claim, wrt=wrt) == expected
    labels = {"n": n[:, 0] % 3}
    for given, wrt in (({**labels, "w": w}, None), (labels, "x")):
        found = jacinspect.inspect(lambda p, x: x[p["n"]] * np.sum(p.get("w", 1.0)), given, others=[w], wrt=wrt)
        assert found.names.operand.names == (("x",) if wrt == "x" else ("p.w",))


def test_another_operand_is_named_beside_a_container_without_numbers() -> None:
    def f(options: Any, x: Array) -> Any:
        return x**2 if options["mode"] == "fast" else x * x

    with pytest.raises(InputError, match="name what to differentiate by, as wrt='x'"):
        jacinspect.inspect(f, {"mode": "fast"}, others=[np.array([0.5, -1.5, 2])])
    assert verdict(f, {"mode": "fast"}, lambda options, x: 2 * x, others=[np.array([0.5, -1.5, 2])], wrt="x") == "pass"


# --- Order ------------------------------------------------------------------------------------------------------------


def product(p: Any, x: Array) -> Any:
    return p["a"] ** 2 * np.sin(x)


def by_both(p: Any, x: Array) -> tuple[Array, Array]:
    """Return the derivatives of `product` by p.a and by x, in this order."""
    return np.diag(2 * p["a"] * np.sin(x)), np.diag(p["a"] ** 2 * np.cos(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["all", "p.a,x", ["x", "p.a"], "x,p.*", "p.a", None])
@pytest.mark.parametrize("last", [False, True])
def test_operands_have_the_order_of_the_function(last: bool, wrt: Any, dtype: str) -> None:
    """A tuple with an array for each operand is in this order, whatever it is differentiated by."""
    p, x = {"a": np.array([0.5, 1, 2], dtype)}, np.array([0.75, -1.5, 2.5], dtype)

    def in_order(of: Callable[..., Any]) -> Any:  # f(x, p) is given p as another operand
        return (lambda x, p, *rest: of(p, x, *rest)) if last else of

    def inspected(claim: Any, **how: Any) -> str:
        first, other = (x, p) if last else (p, x)
        by = "p.*" if wrt is None else wrt
        return verdict(in_order(product), first, in_order(claim), others=[other], wrt=by, **how)

    def ordered(both: Any, swapped: bool) -> Any:
        a, b = both
        return (b, a) if swapped != last else (a, b)

    for swapped, expected in ((False, "pass"), (True, "fail")):
        assert inspected(lambda p, x, s=swapped: ordered(by_both(p, x), s)) == expected
        pulled = lambda p, x, g, s=swapped: ordered([d @ g for d in by_both(p, x)], s)  # noqa: E731
        assert inspected(pulled, derivative_kind="vjp") == expected
        if wrt == "all":
            assert inspected(lambda p, x, s=swapped: np.hstack(ordered(by_both(p, x), s))) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tangents_and_columns_have_the_order_of_wrt(dtype: str) -> None:
    p, x = {"a": np.array([0.5, 1, 2], dtype)}, np.array([0.75, -1.5, 2.5], dtype)

    def pushed(p: Any, x: Array, da: Any, dx: Any) -> Any:
        a, b = by_both(p, x)
        return a @ da + b @ dx

    for wrt, order in (("all", 1), (["p.a", "x"], 1), (["x", "p.a"], -1)):
        for step, expected in ((order, "pass"), (-order, "fail")):
            how: Any = {"others": [x], "wrt": wrt}
            assert verdict(product, p, lambda p, x, s=step: np.hstack(by_both(p, x)[::s]), **how) == expected
            claim = lambda a, x, u, v, s=step: pushed({"a": a}, x, *(u, v)[::s])  # noqa: E731
            assert verdict(product, p, claim, derivative_kind="jvp", **how) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaves_of_two_containers_stand_where_these_do(dtype: str) -> None:
    def f(p: Any, x: Array, q: Any, k: float = 1.0) -> Any:
        return k * (p["w"] @ x + p["b"]) * q["c"]

    p, x, q = of(dict, dtype), np.array([2, 0.5, -1.5], dtype), {"c": np.array([0.5, -2], dtype)}
    found: Any = jacinspect.inspect(f, p, others=[x, q], wrt="all")
    assert found.names.operand.names == ("p.w", "p.b", "x", "q.c")
    assert found.function.operands == ("p.w", "p.b", "x", "q.c")
    by_name: Any = jacinspect.inspect(f, p, others={"q": q, "x": x}, wrt=["q.*", "x"])
    assert by_name.names.operand.names == ("q.c", "x")
    whole, part = (report.jacobian.numeric.tensor() for report in (found, by_name))
    assert np.allclose(part, whole[:, [11, 12, 8, 9, 10]], rtol=1e-5)


# --- *args ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_decorated_derivative_is_given_what_the_function_is(dtype: str) -> None:
    def f(t: float, y: Array, k: float = 1.0) -> Any:
        return t * k * y**2

    def slope(t: float, y: Array, k: float = 1.0) -> Any:
        return 2 * t * k * y

    y = np.array([2, 0.5, -1.5], dtype)
    for claim in (logged(slope), lambda *all_: slope(*all_)):
        for given in ({"t": 3.0}, {"t": 3.0, "k": 2.5}):
            assert verdict(f, y, claim, parameters=given) == "pass"
            assert verdict(f, y, lambda *a, c=claim: c(*a) + 0.1, parameters=given) == "fail"
    of_container = logged(lambda t, p, k=1.0: {"y": np.diag(slope(t, p["y"], k))})
    assert verdict(lambda t, p, k: f(t, p["y"], k), {"y": y}, of_container, parameters={"t": 3.0, "k": 2.5}) == "pass"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_decorated_function_takes_containers(dtype: str) -> None:
    p, x = of(dict, dtype), np.array([2, 0.5, -1.5], dtype)

    def f(p: Any, x: Array, k: float = 1.0) -> Any:
        return k * p["w"] @ x + p["b"]

    def jacobian(p: Any, x: Array, k: float = 1.0) -> Any:
        return {"w": np.einsum("ij,k->ijk", np.eye(2), k * x), "b": np.eye(2)}

    for decorated in (logged(f), lambda p, *rest, **keywords: f(p, *rest, **keywords)):
        for claim in (jacobian, logged(jacobian), lambda q, y, k=1.0: jacobian(q, y, k)):
            for given in ({"others": [x]}, {"others": [x], "parameters": {"k": 2.5}}):
                assert verdict(decorated, p, claim, **given) == "pass"
                assert verdict(decorated, p, lambda *a, c=claim, **k: {**c(*a, **k), "b": 2}, **given) == "fail"
    assert verdict(logged(energy), p, logged(gradient)) == "pass"
    named = jacinspect.inspect(logged(f), p, others=[x], wrt="all")
    assert named.names.operand.names == ("x.w", "x.b", "y")
