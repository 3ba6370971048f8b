"""Derivatives with units, as pint has them: in those of f by those of X, whatever compatible ones they are given in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError

pint = pytest.importorskip("pint")
pytestmark = pytest.mark.filterwarnings("error::pint.UnitStrippedWarning")

U = pint.UnitRegistry()
K = 1.2 * U("kg/m")
V = np.array([30.0, 50.0]) * U("km/h")
HOT = np.array([15.0, 30.0]) * U.degC


def drag(v: Any, k: Any) -> Any:
    return (k * v**2).to("N")


def of_v(v: Any) -> Any:
    return drag(v, K)


def slope(v: Any) -> Any:
    return (2 * K * v).to("N s/m")  # by m/s, where X is in km/h


def matrix(v: Any) -> Any:
    return np.diag(slope(v).magnitude) * slope(v).units


def rows(v: Any) -> Any:
    a, b = slope(v)
    return [[a, 0 * a], [0 * b, b]]


def density(t: Any) -> Any:
    return (101325 * U.Pa / (287 * U("J/kg/K") * t.to("K"))).to("g/l")


def by_temperature(t: Any) -> Any:
    return -(101325 * U.Pa / (287 * U("J/kg/K") * t.to("K") ** 2))


@pytest.mark.parametrize(
    ("f", "x", "derivative", "how"),
    [
        (of_v, V, slope, {}),
        (of_v, V.astype(np.float32), slope, {}),
        (of_v, V, matrix, {}),
        (of_v, V, rows, {}),
        (of_v, V, lambda v, dv: 2 * K * v * dv, {"derivative_kind": "jvp"}),
        (of_v, V, lambda v, w: 2 * K * v * w, {"derivative_kind": "vjp"}),
        (lambda v: of_v(v).sum(), V, slope, {}),
        (drag, V, lambda v, k: 2 * k * v, {"others": [K]}),
        (drag, V, lambda v, k: v**2, {"others": [K], "wrt": "k"}),
        (drag, V, lambda v, k: v**2, {"others": [K], "wrt": 2}),
        (drag, V, lambda v, k: (np.diag((k * v).magnitude) * 2 * (k * v).units, v**2), {"others": [K], "wrt": "all"}),
        (drag, V, lambda v, k: {"k": v**2, "v": matrix(v)}, {"others": [K], "wrt": "all"}),
        (drag, V, lambda v, k: {"k": v**2, "v": slope(v)}, {"others": [K], "wrt": "k"}),
        (density, HOT, by_temperature, {}),
        (density, HOT, lambda t, dt: by_temperature(t) * dt, {"derivative_kind": "jvp"}),
        (lambda a: a * U("m"), np.array([1.0, 2.0]) * U("1"), lambda a: 100 * np.ones(2) * U("cm"), {}),
    ],
)
def test_a_derivative_in_other_units(f: Any, x: Any, derivative: Callable[..., Any], how: Any) -> None:
    def wrong(*given: Any) -> Any:
        found = derivative(*given)
        if isinstance(found, dict):
            return {name: 1.01 * each for name, each in found.items()}
        return tuple(1.01 * each for each in found) if isinstance(found, tuple) else 1.01 * np.ones(()) * found

    assert jacinspect.inspect(f, x, derivative, **how).verdict == "pass"
    if derivative is not rows:
        assert jacinspect.inspect(f, x, wrong, **how).verdict == "fail"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_jvp_of_magnitudes_is_given_them(dtype: str) -> None:
    x = np.array([1.5, -2, 0.5], dtype) * U("m")
    for factor, expected in ((1, "pass"), (1.01, "fail")):
        for push in (lambda x, v: 2 * x.magnitude * v, lambda x, v: 2 * x.magnitude * (v + 1 - 1)):
            claim = lambda x, v, k=factor, push=push: k * push(x, v)  # noqa: E731
            assert jacinspect.inspect(lambda x: x**2, x, claim, derivative_kind="jvp").verdict == expected
    cubic = lambda x, v: 2 * x**2 * v  # noqa: E731
    with pytest.raises(FunctionFailedError, match=r"is in meter \*\* 3, which cannot be converted to meter \*\* 2"):
        jacinspect.inspect(lambda x: x**2, x, cubic, derivative_kind="jvp", backend="numpy")


def test_numbers_at_x_with_units() -> None:
    assert jacinspect.inspect(of_v, V, slope(V)).verdict == "pass"
    assert jacinspect.inspect(of_v, V, 1.01 * slope(V)).verdict == "fail"


def test_a_function_that_changes_its_unit() -> None:
    def f(v: Any) -> Any:
        return of_v(v).to("N" if v[0] <= V[0] else "kN")

    assert jacinspect.inspect(f, V, slope).verdict == "pass"


def test_a_derivative_of_another_dimension_is_refused() -> None:
    said = "the derivative is in pascal, which cannot be converted to hour . newton / kilometer, the unit of f by that"
    with pytest.raises(FunctionFailedError, match=said):
        jacinspect.inspect(of_v, V, lambda v: slope(v).magnitude * U.Pa)


def test_units_of_several_are_refused_unless_they_are_told_apart() -> None:
    def columns(v: Any, k: Any) -> Any:
        return np.column_stack([np.diag((2 * k * v).magnitude), (v**2).magnitude]) * U.N

    with pytest.raises(FunctionFailedError, match="let it return magnitudes, or, by several operands, a tuple"):
        jacinspect.inspect(drag, V, columns, others=[K], wrt="v,k")
    with pytest.raises(FunctionFailedError, match="which are read where f has the same ones in all that it returns"):
        jacinspect.inspect(lambda v: {"a": of_v(v), "b": v}, V, lambda v: {"a": slope(v), "b": np.ones(2) * U("1")})
