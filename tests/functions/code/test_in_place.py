"""Functions that write their result into an argument are told how to be wrapped, in a line that works."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from tests.oracles import Array

X = np.array([0.3, -1.2, 2.0])


def first(out: Array, x: Array) -> None:
    out[:] = np.sin(x)


def last(x: Array, out: Array) -> None:
    np.sin(x, out=out)


def ode(du: Array, u: Array, p: float = 2.0) -> None:
    du[0], du[1], du[2] = p * u[1], -u[0] * u[1], 0


def update(x: Array) -> None:
    x *= np.exp(x)


def two(s: Array, c: Array, x: Array) -> None:
    s[:], c[...] = np.sin(x), np.outer(x, x)


FUNCTIONS: list[tuple[Callable[..., None], list[Array], str, Callable[[Array], Array]]] = [
    (first, [X], "g(x): out = np.zeros((3,)); first(out, x); return out", lambda x: np.diag(np.cos(x))),
    (last, [X], "g(x): out = np.zeros((3,)); last(x, out); return out", lambda x: np.diag(np.cos(x))),
    (
        ode,
        [X],
        "g(u): du = np.zeros((3,)); ode(du, u); return du",
        lambda u: np.array([[0, 2, 0], [-u[1], -u[0], 0], [0, 0, 0]]),
    ),
    (update, [], "g(x): x = x.copy(); update(x); return x", lambda x: np.diag((1 + x) * np.exp(x))),
    (
        two,
        [np.zeros((3, 3)), X],
        "g(x): s = np.zeros((3,)); c = np.zeros((3, 3)); two(s, c, x); return s, c",
        lambda x: np.vstack([np.diag(np.cos(x)), np.kron(np.eye(3), x[:, None]) + np.kron(x[:, None], np.eye(3))]),
    ),
]


@pytest.mark.parametrize(("f", "others", "code", "jacobian"), FUNCTIONS, ids=lambda each: getattr(each, "__name__", ""))
def test_the_advice_works_where_it_is_followed(
    f: Callable[..., None], others: list[Array], code: str, jacobian: Callable[[Array], Array]
) -> None:
    for wrt in range(1, len(others) + 2):
        with pytest.raises(InputError) as error:
            jacinspect.inspect(f, X, others=others, wrt=wrt)
        what, line = str(error.value).split("\n")
        assert what.startswith(f"{f.__name__}: returns None and writes into ")
        assert line == f"  def {code}"
    namespace: dict[str, Any] = {"np": np, f.__name__: f}
    exec(line.strip(), namespace)
    assert jacinspect.inspect(namespace["g"], X, jacobian).verdict == "pass"
    assert jacinspect.inspect(namespace["g"], X, lambda x: jacobian(x) * 1.01).verdict == "fail"


def test_what_returns_none_and_writes_nothing_is_told_so() -> None:
    with pytest.raises(FunctionFailedError, match=r"^the function returned None; an array of real numbers is needed"):
        jacinspect.inspect(lambda x: None, X)


def test_what_writes_into_a_fixed_operand_and_returns_something_is_told_as_it_is() -> None:
    def f(x: Array, scratch: Array) -> Array:
        scratch[:] = x
        return scratch * 2

    with pytest.raises(FunctionFailedError, match="read-only"):
        jacinspect.inspect(f, X, others=[X])


def compute(inputs: Any, outputs: Any) -> None:
    outputs["lift"] = inputs["rho"] * inputs["v"] ** 2
    outputs["drag"] = inputs["v"].sum()


class Component:
    def compute(self, inputs: Any, scale: Any, outputs: Any, residuals: Any, factor: float = 1.0) -> None:
        compute(inputs, outputs)
        residuals["r"] = factor * scale["s"] * inputs["rho"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_in_a_container_are_asked_for_or_returned(dtype: str) -> None:
    """As OpenMDAO's components have them."""
    inputs = {"rho": np.array(1.2, dtype), "v": np.array([50, 40], dtype)}
    with pytest.raises(InputError) as error:
        jacinspect.inspect(compute, inputs)
    what, line = str(error.value).split("\n")
    assert what.startswith("compute: takes outputs too: give it in others; or, if it writes its result there, inspect")
    assert line == "  def g(inputs): outputs = {}; compute(inputs, outputs); return outputs"
    namespace: dict[str, Any] = {"compute": compute}
    exec(line.strip(), namespace)

    def partials(inputs: Any, power: int = 2) -> Any:
        rho, v = inputs["rho"], inputs["v"]
        return {("lift", "rho"): v[:, None] ** 2, ("lift", "v"): power * rho * np.diag(v), ("drag", "v"): np.ones(2)}

    assert jacinspect.inspect(namespace["g"], inputs, partials).verdict == "pass"
    assert jacinspect.inspect(namespace["g"], inputs, lambda inputs: partials(inputs, 3)).verdict == "fail"
    with pytest.raises(InputError) as error:
        jacinspect.inspect(Component().compute, inputs, others=[{"s": np.array(2.0)}])
    made = "outputs = {}; residuals = {}; compute(inputs, scale, outputs, residuals)"
    assert str(error.value).endswith(f"  def g(inputs, scale): {made}; return outputs, residuals")


# --- Derivatives that write in place, as solvers of differential equations take them


def growth(t: Array, y: Array) -> Array:
    return np.array([t * y[0] * y[1], y[2] ** 2 + t])


def of_growth(t: Array, y: Array, fy: Array, J: Array) -> None:
    assert np.array_equal(fy, growth(t, y))
    J[0, 0], J[0, 1], J[1, 2] = t * y[1], t * y[0], 2 * y[2]


def of_growth_alone(t: Array, y: Array, jac: Array) -> None:
    of_growth(t, y, growth(t, y), jac)


def energy(x: Array) -> Array:
    return np.asarray((x**2).sum())


def of_energy(x: Array, out: Array) -> None:
    out[0], out[1:] = 2 * x[0], 2 * x[1:]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("f", "derivative", "line"),
    [
        (
            growth,
            of_growth,
            "d(t, y): fy = growth(t, y); J = np.zeros((2, 3)); of_growth(t, y, fy, J); return J",
        ),
        (growth, of_growth_alone, "d(t, y): jac = np.zeros((2, 3)); of_growth_alone(t, y, jac); return jac"),
        (energy, of_energy, "d(x): out = np.zeros((3,)); of_energy(x, out); return out"),
    ],
)
def test_the_advice_for_a_derivative_works_where_it_is_followed(f: Any, derivative: Any, line: str, dtype: str) -> None:
    x, how = X.astype(dtype), {"wrt": "y", "others": {"y": X.astype(dtype)}} if f is growth else {}
    x = np.array(2.0, dtype) if f is growth else x
    with pytest.raises(InputError) as error:
        jacinspect.inspect(f, x, derivative, **how)  # type: ignore[arg-type]
    what, code = str(error.value).split("\n")
    into = line.rpartition(" ")[2]
    assert what == (
        f"{derivative.__name__}: returns None and writes into {into}; give a derivative that returns it, such as"
    )
    assert code == f"  def {line}"
    namespace: dict[str, Any] = {"np": np, f.__name__: f, derivative.__name__: derivative}
    exec(code.strip(), namespace)
    assert jacinspect.inspect(f, x, namespace["d"], **how).verdict == "pass"  # type: ignore[arg-type]
    twice = jacinspect.inspect(f, x, lambda *given: 2 * namespace["d"](*given), **how)  # type: ignore[arg-type]
    assert twice.verdict == "fail"


def test_a_derivative_that_takes_more_and_returns_something_is_told_as_it_is() -> None:
    with pytest.raises(InputError, match="takes v after the operands of energy; if that is a tangent"):
        jacinspect.inspect(energy, X, lambda x, v: 2 * x * v)
    with pytest.raises(FunctionFailedError, match="missing 2 required positional arguments: 'a' and 'b'"):
        jacinspect.inspect(energy, X, lambda x, a, b: 2 * x)
