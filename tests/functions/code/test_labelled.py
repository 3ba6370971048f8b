"""Containers and objects for operands: dicts of arrays, pandas, xarray, pint, np.matrix, masked arrays; odd results."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from tests.oracles import Array

X = np.random.default_rng(0).standard_normal((3, 2))
V = X[:, 0]


def passes(function: Any, x: Any, derivative: Any = None, **how: Any) -> tuple[Any, ...]:
    report = jacinspect.inspect(function, x, derivative, **how)
    assert report.verdict == "pass", report.findings
    assert derivative is None or (report.agreement is not None and report.agreement.checked)
    report.to_json()
    return report.names.operand.names


# --- Containers -------------------------------------------------------------------------------------------------------

TREE = {"w": X.T, "x": V}


def affine(p: Any) -> Array:
    return np.asarray(p["w"] @ p["x"])


def test_a_dict_of_arrays_is_an_operand() -> None:
    assert passes(affine, TREE) == ("p.w", "p.x")

    def derivative(p: Any) -> Any:
        return {"x": p["w"], "w": np.einsum("ip,j->ipj", np.eye(2), p["x"])}

    assert passes(affine, TREE, derivative) == ("p.w", "p.x")
    assert passes(affine, TREE, derivative, wrt="p.x") == ("p.x",)
    wrong = jacinspect.inspect(affine, TREE, lambda p: {**derivative(p), "x": 2 * p["w"]})
    assert "/∂p.x[" in wrong.findings[0].message
    pulled = passes(affine, TREE, lambda p, da: {"w": np.outer(da, p["x"]), "x": p["w"].T @ da}, derivative_kind="vjp")
    assert pulled == ("p.w", "p.x")


@pytest.mark.parametrize("x", [{"a": 2.0, "b": 3.0}, {"a": 2, "b": 3}])
def test_a_dict_of_plain_numbers_is_an_operand(x: Any) -> None:
    def product(p: Any) -> Array:
        return np.asarray(p["a"] * p["b"] ** 2)

    assert passes(product, x, lambda p: {"a": p["b"] ** 2, "b": 2 * p["a"] * p["b"]}) == ("p.a", "p.b")
    assert jacinspect.inspect(product, x, lambda p: {"a": p["b"] ** 2, "b": p["a"]}).verdict == "fail"


def test_a_container_among_several_operands() -> None:
    def f(p: Any, y: Array) -> Array:
        return np.asarray(p["w"] @ y)

    assert passes(f, TREE, others=[V]) == ("p.w", "p.x")
    assert passes(lambda y, p: f(p, y), V, others=[TREE]) == ("y",)
    assert passes(lambda y, p: f(p, y), V, others={"p": TREE}, wrt="p.w,y") == ("p.w", "y")
    assert passes(lambda p: p[0] * p[1]["b"], (V, {"b": 2.0})) == ("p.0", "p.1.b")
    assert passes(lambda p: p[0] * p[1], [[1.0, 2.0], [3.0, 4.0]]) == ("p",)


# --- Objects ----------------------------------------------------------------------------------------------------------


def test_matrices_and_masked_arrays() -> None:
    assert passes(lambda w: w * w.T, np.matrix(X)) == ("w",)  # which is the matrix product
    report = jacinspect.inspect(lambda w: w.sum(), np.ma.array(X, mask=X < 0))
    assert report.jacobian is not None
    assert report.jacobian.stored == np.count_nonzero(X >= 0)


def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    series, frame = pd.Series(V, index=list("abc")), pd.DataFrame(X, columns=["p", "q"])
    passes(lambda s: s["a"] * s, series)

    def derivative(s: Any) -> Any:
        return pd.DataFrame(np.eye(3) * s["a"] + np.outer(s, [1, 0, 0]), index=s.index, columns=s.index)

    passes(lambda s: s["a"] * s, series, derivative)
    passes(lambda d: d["p"] * d["q"], frame)
    passes(lambda d, s: d["p"] * s.to_numpy(), frame, others=[series])
    passes(lambda d: d.assign(r=d["p"] ** 2), frame)


def test_xarray() -> None:
    xr = pytest.importorskip("xarray")
    array = xr.DataArray(X, dims=("i", "j"))
    passes(lambda a: a.sum("i"), array)
    report = jacinspect.inspect(lambda a: xr.Dataset({"s": a.sum("i"), "d": a * 2}), array)
    assert report.names.output.names == ("s", "d")


def test_pint() -> None:
    pint = pytest.importorskip("pint")
    length = V * pint.UnitRegistry().meter
    passes(lambda q: q**2, length)
    passes(lambda q: q.to("cm").magnitude, length, lambda q: 100 * np.ones(3))


class Odd:
    """It has a shape, and nothing else of an array."""

    shape = (3, 3)


def test_what_is_no_array_is_refused_in_a_line() -> None:
    with pytest.raises(FunctionFailedError, match="the derivative returned a Odd of shape 3×3"):
        jacinspect.inspect(np.sin, V, lambda x: Odd())
    with pytest.raises(FunctionFailedError, match="the function returned a Odd"):
        jacinspect.inspect(lambda x: Odd(), V)
    with pytest.raises(InputError, match="X: an array of real numbers is needed, not of object"):
        jacinspect.inspect(np.sin, Odd())


# --- The arrays of an object ------------------------------------------------------------------------------------------


class Dense:
    def __init__(self) -> None:
        self.W, self.b, self.name = X.T.copy(), np.zeros(2), "a"

    def __call__(self, x: Array) -> Array:
        self.x = x
        return np.asarray(self.W @ x + self.b)

    def forward(self, x: Array) -> Array:
        return self(x)

    def backward(self, d: Array) -> Any:
        self.dW, self.grads = np.outer(d, self.x), {"b": d}
        return self.W.T @ d


class Doubled(Dense):
    def backward(self, d: Array) -> Any:
        found = super().backward(d)
        self.dW *= 2
        return found


class Forgets(Dense):
    def backward(self, d: Array) -> Any:
        return self.W.T @ d


@pytest.mark.parametrize("of", [lambda layer: layer, lambda layer: layer.forward])
@pytest.mark.parametrize(("wrt", "names"), [("W", ("W",)), ("b", ("b",)), ("x,W,b", ("x", "W", "b"))])
def test_a_layer_by_its_arrays(of: Callable[[Any], Any], wrt: str, names: tuple[str, ...]) -> None:
    layer = Dense()
    report = jacinspect.inspect(of(layer), V, wrt=wrt)
    assert (report.verdict, report.names.operand.names) == ("pass", names)
    assert report.agreement is not None
    assert report.agreement.checked
    np.testing.assert_array_equal(layer.W, X.T)


def test_a_gradient_that_a_layer_keeps_is_compared() -> None:
    report = jacinspect.inspect(Doubled().forward, V, wrt="W")
    assert [f.code for f in report.findings if f.severity == "error"] == ["J001"]
    assert jacinspect.inspect(Doubled().forward, V).verdict == "pass"
    with pytest.raises(FunctionFailedError, match=r"keeps no gradient by W: let it set self\.dW, or give one with -d"):
        jacinspect.inspect(Forgets().forward, V, wrt="W")
    given = jacinspect.inspect(Forgets().forward, V, lambda x, W: np.einsum("ip,j->ipj", np.eye(2), x), wrt="W")
    assert given.verdict == "pass"
