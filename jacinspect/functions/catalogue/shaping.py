"""The functions that change the shape: a table of value and jvp; halves gated by halves, groups, differences.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists.

A gated half a · g(b) is whole even where g(b) underflows, and at infinities it is the limit where there is one: -inf
for a = -inf at every finite b with g(b) > 0, 0 where g is 0 all around b, and NaN where g falls to 0 as a grows.
"""

from functools import partial
from typing import Any, Literal

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import gates
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.gates import Gate, Parts, joined
from jacinspect.functions.catalogue.reductions import shared
from jacinspect.functions.function import Array
from jacinspect.wording import format_shape

__all__ = ["SHAPING"]

Side = Literal["second", "first"]

_HALVES = "halves along the axis; gate=first lets the first half gate the second, as many language models do"


def _not_split(name: str, x: Array, axis: int, parts: str, fits: str) -> InputError:
    n = x.shape[axis]
    has = "1 entry, which is" if n == 1 else f"{n} entries, which are"
    return InputError(
        f"{name}: axis {axis} of an operand of shape {format_shape(x.shape)} has {has} no {parts}; give it {fits}"
    )


# --- Halves ----------------------------------------------------------------------------------------------------------


def _halves(name: str, x: Array, axis: int, gate: Side) -> tuple[Array, Array]:
    """Split x into the half that is gated and the one that gates."""
    n = x.shape[axis]
    if n % 2:
        raise _not_split(name, x, axis, "two halves", f"{n + 1} or another even number")
    first, second = np.split(x, 2, axis=axis)
    return (first, second) if gate == "second" else (second, first)


def _gated(name: str, g: Gate, x: Array, axis: int, gate: Side) -> Array:
    a, b = _halves(name, x, axis, gate)
    value, _, dead = g(b)
    return joined(np.frexp(np.where(dead & ~np.isnan(a), 0.0, a)), value)


def _gated_jvp(name: str, g: Gate, x: Array, dx: Array, axis: int, gate: Side) -> Array:
    a, b = _halves(name, x, axis, gate)
    da, db = _halves(name, dx, axis, gate)
    value, slope, dead = g(b)
    by_a = joined(np.frexp(da), _read(da, value))
    by_b = joined(np.frexp(db), _read(db, np.frexp(np.where(dead & ~np.isnan(a), 0.0, a))), _read(db, slope))
    with np.errstate(invalid="ignore"):  # inf - inf
        return np.asarray(np.where(np.isnan(a), a, by_a) + by_b)


def _read(tangent: Array, parts: Parts) -> Parts:
    """Return the parts, and 0 where the tangent is 0: 0 · inf would be NaN where the entry is not even read."""
    return np.where(tangent == 0, 0.0, parts[0]), parts[1]


def _glu(name: str, g: Gate, gate: str, latex: str, called: str, **more: Any) -> Entry:
    """Make the row of a · g(b), whose gate is written so and called so."""

    def value(x: Array, *, axis: int = -1, gate: Side = "second") -> Array:
        return _gated(name, g, x, axis, gate)

    def jvp(x: Array, dx: Array, *, axis: int, gate: Side) -> Array:
        return _gated_jvp(name, g, x, dx, axis, gate)

    row: dict[str, Any] = {**_gated_words(gate, latex, called), "value": value, "jvp": jvp, **more}
    return Entry(name=name, **row)


def _gated_words(gate: str, latex: str, called: str) -> dict[str, Any]:
    return {
        "kind": "shape-changing",
        "formula": f"a * {gate}, (a, b) = halves of x",
        "latex": rf"a \odot {latex}, \; (a, b) = x",
        "derivative_formula": f"g(b) * da + a * g'(b) * db, g = {called}, (a, b) = halves of x",
        "source": "Shazeer 2020",
        "note": _HALVES,
    }


def _swiglu(x: Array, *, axis: int = -1, gate: Side = "second", beta: float = 1.0) -> Array:
    return _gated("swiglu", partial(gates.silu, beta=beta), x, axis, gate)


def _swiglu_jvp(x: Array, dx: Array, *, axis: int, gate: Side, beta: float) -> Array:
    return _gated_jvp("swiglu", partial(gates.silu, beta=beta), x, dx, axis, gate)


# --- Neighbours and signs --------------------------------------------------------------------------------------------


def _crelu(x: Array, *, axis: int = -1) -> Array:
    return np.concatenate([np.maximum(x, 0.0), np.maximum(-x, 0.0)], axis=axis)


def _crelu_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    nan = np.where(np.isnan(x), x, 0.0)
    return np.concatenate([np.where(x > 0, dx, nan), np.where(x < 0, -dx, nan)], axis=axis)


def _groups(x: Array, axis: int, size: int) -> Array:
    """Split the axis into groups of `size` neighbours, which become the last axis."""
    n = x.shape[axis]
    if n % size:
        fits = f"{-(-n // size) * size}" if n < size else f"{n // size * size} or {-(-n // size) * size}"
        raise _not_split("maxout", x, axis, f"groups of {size}", fits)
    last = np.moveaxis(x, axis, -1)
    return last.reshape(*last.shape[:-1], n // size, size)


def _maxout(x: Array, *, axis: int = -1, size: int = 2) -> Array:
    return np.moveaxis(_groups(x, axis, size).max(axis=-1), -1, axis)


def _maxout_jvp(x: Array, dx: Array, *, axis: int, size: int) -> Array:
    groups = _groups(x, axis, size)
    chosen = groups == groups.max(axis=-1, keepdims=True)
    return np.moveaxis(shared(chosen, _groups(dx, axis, size), -1, False), -1, axis)


def _diff(x: Array, *, axis: int = -1) -> Array:
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        return np.diff(x, axis=axis)


SHAPING = (
    _glu("glu", gates.sigmoid, "s(b)", r"\sigma(b)", "sigmoid", source="Dauphin, Fan, Auli & Grangier 2017"),
    _glu(
        "bilinear_glu",
        gates.identity,
        "b",
        "b",
        "identity",
        aliases=("bilinear",),
        source="Dauphin, Fan, Auli & Grangier 2017",
    ),
    _glu("reglu", gates.relu, "max(b, 0)", r"\max(b, 0)", "relu"),
    _glu(
        "geglu",
        gates.gelu,
        "b * (1 + erf(b / sqrt(2))) / 2",
        r"b\,\Phi(b)",
        "gelu",
        note=f"{_HALVES}; by the exact gelu, not the one with tanh",
    ),
    Entry(
        name="swiglu",
        value=_swiglu,
        jvp=_swiglu_jvp,
        **_gated_words("b / (1 + exp(-beta * b))", r"b\,\sigma(\beta b)", "silu"),
    ),
    Entry(
        name="crelu",
        aliases=("concatenated_relu",),
        kind="shape-changing",
        formula="(max(x, 0), max(-x, 0))",
        latex=r"(\max(x, 0), \max(-x, 0))",
        value=_crelu,
        jvp=_crelu_jvp,
        derivative_formula="(dx if x > 0 else 0, -dx if x < 0 else 0)",
        source="Shang, Sohn, Almeida & Lee 2016",
        note="joined along the axis, which gets twice as long",
    ),
    Entry(
        name="maxout",
        kind="shape-changing",
        formula="max(x_(i*k), ..., x_(i*k + k - 1)), k = size",
        latex=r"\max(x_{ik}, \dots, x_{ik+k-1})",
        value=_maxout,
        jvp=_maxout_jvp,
        derivative_formula="mean of dx_j where x_j is the maximum of its group",
        positive=("size",),
        source="Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013",
        note="groups are size neighbours, as in torch's max_pool1d(size, size); TensorFlow Addons groups entries n / "
        "units apart; ties share evenly, where max_pool1d takes the first",
    ),
    Entry(
        name="diff",
        kind="shape-changing",
        formula="x_(i+1) - x_i",
        latex=r"x_{i+1} - x_i",
        value=_diff,
        jvp=lambda x, dx, *, axis: _diff(dx, axis=axis),  # noqa: ARG005
        derivative_formula="dx_(i+1) - dx_i",
    ),
    Entry(
        name="flatten",
        aliases=("ravel",),
        kind="shape-changing",
        formula="the entries of x in a row, the last axis fastest",
        latex=r"\operatorname{vec}(X^\top)",
        value=lambda x: x.reshape(-1),
        jvp=lambda x, dx: dx.reshape(-1),  # noqa: ARG005
        derivative_formula="flatten(dx)",
        properties=("permutation", "symmetric"),
    ),
)
