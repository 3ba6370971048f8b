"""`domain`: f is called inside an interval alone, and a right derivative passes there, at its ends too."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from tests.oracles import Array

INSIDE = np.array([0.3, 0.7, 0.05, 0.999])
AT_THE_ENDS = np.array([0.0, 0.5, 1.0, 1e-7])


def strict(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return f, which refuses what lies outside of [0, 1]."""

    def checked(x: Any) -> Any:
        if not bool(((x >= 0) & (x <= 1)).all()):
            raise AssertionError("outside")
        return f(x)

    return checked


def tril(x: Array) -> Array:
    return np.asarray(2 * np.tril(np.ones((x.size, x.size))) * x)


def cycled(x: Array) -> Array:
    """Return the Jacobian of x·roll(x)."""
    before = np.roll(np.eye(x.size), 1, axis=0)
    return np.asarray(np.diag(np.roll(x, 1)) + x[:, None] * before)


FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "element-wise": (lambda x: x**3 - np.exp(x), lambda x: 3 * x**2 - np.exp(x)),
    "dense": (lambda x: np.cumsum(x**2), tril),
    "cyclic": (lambda x: x * np.roll(x, 1), cycled),
    "kinked": (lambda x: np.abs(x - 0.5), lambda x: np.sign(x - 0.5)),
}


@pytest.mark.parametrize("x", [INSIDE, AT_THE_ENDS, INSIDE.astype(np.float32)], ids=["inside", "ends", "float32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_f_is_called_inside_alone(name: str, x: Array) -> None:
    f, derivative = FUNCTIONS[name]
    right = jacinspect.inspect(strict(f), x, derivative, domain=(0, 1))
    assert right.verdict == "pass", right.findings
    free = jacinspect.inspect(f, x, derivative)
    assert right.jacobian is not None
    assert free.jacobian is not None
    assert right.jacobian.structure == free.jacobian.structure
    wrong = jacinspect.inspect(strict(f), x, lambda x: derivative(x) * np.where(x == x[1], 1.01, 1), domain="0:1")
    assert wrong.verdict == ("pass" if name == "kinked" and x is AT_THE_ENDS else "fail")


def test_the_slope_at_an_end_is_that_of_the_side_where_f_is_defined() -> None:
    def f(x: Array) -> Array:
        return np.where(x < 0, -5.0, np.sin(x))

    x = np.array([0.0, 1.0])
    assert jacinspect.inspect(f, x, np.cos, domain="0:").verdict == "pass"
    assert jacinspect.inspect(f, x, lambda x: np.cos(x) + (x == 0), domain="0:").verdict == "fail"
    assert [each.code for each in jacinspect.inspect(f, x, np.cos).findings] == ["J003"]  # a jump


def test_torch_and_several_operands() -> None:
    def f(x: Any, y: Any) -> Any:
        return strict(torch.sqrt)(x) * strict(torch.acos)(y)

    report = jacinspect.inspect(f, INSIDE, others={"y": INSIDE[::-1]}, wrt="all", domain="0:1")
    assert report.verdict == "pass"
    with pytest.raises(FunctionFailedError, match="AssertionError: outside"):
        jacinspect.inspect(f, INSIDE + 0.1, others={"y": INSIDE})


def test_x_has_to_lie_inside() -> None:
    with pytest.raises(InputError, match=r"^x\[1\] is 2, outside of the domain 0:1$"):
        jacinspect.inspect("tanh", [0.5, 2.0], domain="0:1")


# --- Where f raised ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_x_may_span_a_table_from_end_to_end(name: str) -> None:
    f, derivative = FUNCTIONS[name]
    x = np.array([0.0, 0.3, 0.7, 1.0])
    assert jacinspect.inspect(strict(f), x, derivative).verdict == "pass"
    assert jacinspect.inspect(strict(f), x, lambda x: 1.01 * derivative(x)).verdict == "fail"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "x", [[[0.0, 40.0]], [[0.0, 10.0], [3.0, 40.0], [1.5, 22.0], [0.0, 40.0]], [[0.0, 22.0], [0.6, 40.0]]]
)
def test_x_may_lie_at_the_corners_of_a_table(x: list[list[float]], seed: int) -> None:
    """Each column has a range of its own, and raises beyond it as scipy's RegularGridInterpolator does."""

    def f(x: Array) -> Array:
        if (x < [0, 10]).any() or (x > [3, 40]).any():
            raise ValueError("out of bounds")
        return np.asarray(np.sin(x[:, 0]) * x[:, 1])

    def right(x: Array, d: Array) -> Array:
        return np.asarray(np.cos(x[:, 0]) * x[:, 1] * d[:, 0] + np.sin(x[:, 0]) * d[:, 1])

    def wrong(x: Array, d: Array) -> Array:
        return np.asarray(np.cos(x[:, 0]) * d[:, 0] + np.sin(x[:, 0]) * d[:, 1])

    assert jacinspect.inspect(f, np.array(x), right, derivative_kind="jvp", seed=seed).verdict == "pass"
    assert jacinspect.inspect(f, np.array(x), wrong, derivative_kind="jvp", seed=seed).verdict == "fail"


def test_a_function_that_changes_its_output_is_told_where() -> None:
    told = r"^at every point tried but X, even one that was moved by \S+ % only, the function returned shape 1 aft"
    with pytest.raises(FunctionFailedError, match=told):
        jacinspect.inspect(lambda x: x[: 1 + (x == [1.0, 2.0]).all()], [1.0, 2.0])


def test_a_function_that_raises_at_x_is_told_plainly() -> None:
    def f(x: Array) -> Array:
        raise ValueError("never")

    with pytest.raises(FunctionFailedError, match=r"^the function raised ValueError: never"):
        jacinspect.inspect(f, [1.0, 2.0])


@pytest.mark.parametrize(
    "instead", [lambda x: x[:1], lambda x: x + 1j, lambda x: None], ids=["short", "complex", "None"]
)
def test_a_solver_that_gives_up_away_from_x(instead: Callable[[Any], Any]) -> None:
    """As solve_ivp does, which returns what it has until then, or logm, whose result is complex."""
    x = np.array([0.3, 1.1, -0.7])

    def f(y: Array) -> Any:
        return y * np.roll(y, 1) if np.all(np.abs(y - x) < 0.2) else instead(y)

    assert jacinspect.inspect(f, x, cycled).verdict == "pass"
    assert jacinspect.inspect(f, x, lambda y: 1.03 * cycled(y)).verdict == "fail"
