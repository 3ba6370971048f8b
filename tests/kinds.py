"""Functions that lose digits, move in steps, or bend: of each kind the value by a backend, and the slopes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import cos
from types import ModuleType
from typing import Any

import jax
import jax.numpy
import numpy as np
import torch
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import erf, log_ndtr, ndtr

import jacinspect
from tests.oracles import Array

__all__ = ["BACKENDS", "KINDS", "SCALES", "Case", "Kind", "cases", "inspected"]

BACKENDS = ("numpy", "torch", "jax")
F = Callable[[Any, Any], Any]  # (numpy, torch or jax.numpy, X) -> A
D = Callable[[Array], Array]


@dataclass(frozen=True)
class Kind:
    """A function f(m, x), m being numpy, torch or jax.numpy, and f' by numpy, to its last digits.

    Operands are normal numbers times a deviation, which `at` then maps to where f is to be looked at. Of `dense` kinds
    f' is a Jacobian, and else slopes. `wrong` is by what factor a planted error is off; `lossless` says that a right
    derivative passes at deviations of up to 3.
    """

    name: str
    value: F
    slopes: D
    at: D = lambda x: x
    backends: tuple[str, ...] = BACKENDS
    wrong: float = 1.03
    dense: bool = False
    deviations: tuple[float, ...] = (0.3, 1, 3, 10)
    lossless: bool = False

    def function(self, backend: str, scale: float) -> Callable[[Array], Array]:
        """Return f times a scale, of numpy's arrays, computed by a backend in its double precision."""

        def by_numpy(x: Array) -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(scale * self.value(np, x))

        def by_torch(x: Array) -> Array:
            return np.asarray((scale * self.value(torch, torch.from_numpy(x.copy()))).numpy())

        def by_jax(x: Array) -> Array:
            with jax.enable_x64(True):
                return np.asarray(scale * self.value(jax.numpy, jax.numpy.asarray(x)))

        return {"numpy": by_numpy, "torch": by_torch, "jax": by_jax}[backend]


def _erf(m: ModuleType, x: Any) -> Any:
    return {"numpy": lambda: erf(x), "torch": lambda: torch.erf(x)}.get(m.__name__, lambda: jax.scipy.special.erf(x))()


def _cast(m: ModuleType, x: Any, dtype: str) -> Any:
    return x.to(getattr(torch, dtype)) if m is torch else x.astype(getattr(m, dtype))


def _gelu(m: ModuleType, x: Any) -> Any:
    if m is torch:
        return torch.nn.functional.gelu(x)
    return jax.nn.gelu(x, approximate=False) if m is jax.numpy else 0.5 * x * (1 + erf(x / np.sqrt(2)))


def _softmax(m: ModuleType, x: Any) -> Any:
    e = m.exp(x - m.max(x))
    return e / m.sum(e)


def _softmax_jacobian(x: Array) -> Array:
    s = _softmax(np, x)
    return np.diag(s) - np.outer(s, s)


def _cross_entropy(m: ModuleType, x: Any) -> Any:
    """Of the first class, by a log of the softmax."""
    return -m.log(_softmax(m, x))[0:1]


_WEIGHTS = np.random.default_rng(1).standard_normal((4, 6))


def _layer(m: ModuleType, x: Any, dtype: str) -> Any:
    weights = torch.from_numpy(_WEIGHTS) if m is torch else m.asarray(_WEIGHTS)
    return 1.0 * _cast(m, m.tanh(_cast(m, weights, dtype) @ _cast(m, x, dtype)), "float64")


def _layer_jacobian(x: Array) -> Array:
    return np.asarray((1 - np.tanh(_WEIGHTS @ x)[:, None] ** 2) * _WEIGHTS)


def _iterated(tolerance: float) -> F:
    """The fixed point of cos(a·y), each stopped at a tolerance of its own."""

    def solved(a: float) -> float:
        y = 0.0
        for _ in range(400):
            before, y = y, cos(a * y)
            if abs(y - before) < tolerance:
                break
        return y

    return lambda m, x: np.array([solved(a) for a in x.tolist()])


def _iterated_slopes(a: Array) -> Array:
    y = np.full_like(a, 0.8)
    for _ in range(100):
        y = y - (y - np.cos(a * y)) / (1 + a * np.sin(a * y))
    return np.asarray(-np.sin(a * y) * y / (1 + a * np.sin(a * y)))


def _newton(tolerance: float) -> F:
    """The root of y³ + y = a by Newton's method, each stopped when a step is below a tolerance."""

    def solved(a: float) -> float:
        y = 1.0
        for _ in range(60):
            step = (y**3 + y - a) / (3 * y * y + 1)
            y -= step
            if abs(step) < tolerance:
                break
        return y

    return lambda m, x: np.array([solved(a) for a in x.tolist()])


def _newton_slopes(a: Array) -> Array:
    y = np.asarray(_newton(1e-14)(np, a))
    return np.asarray(1 / (3 * y * y + 1))


def _series(x: Array, *weights: float) -> Array:
    """Sum a power series: its first terms, beside 0."""
    return np.asarray(sum(weight * x**k for k, weight in enumerate(weights)))


def _tiny(exponent: float) -> D:
    """Map normal numbers to such near 0: their logarithms lie around an exponent."""
    return lambda x: np.sign(x) * 10 ** (exponent + np.clip(x, -2, 2))


_KNOTS = np.linspace(-4, 4, 1001)
_SPLINE = CubicSpline(_KNOTS, np.sin(3 * _KNOTS) + 0.1 * _KNOTS**2)
_FINE = np.linspace(-4, 4, 10_001)
_MONOTONE = PchipInterpolator(_FINE, np.sin(3 * _FINE))
_TABLE = np.linspace(-4, 4, 100_001)
_VALUES = np.sin(3 * _TABLE)


def _table_slopes(x: Array) -> Array:
    i = np.clip(np.searchsorted(_TABLE, x) - 1, 0, _TABLE.size - 2)
    return np.asarray((_VALUES[i + 1] - _VALUES[i]) / (_TABLE[i + 1] - _TABLE[i]))


def _inside(x: Array) -> Array:
    return np.asarray(3 * np.tanh(x / 3))


def _gelu_slopes(x: Array) -> Array:
    return np.asarray(ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


def _printed(m: Any, x: Any) -> Any:
    return np.array([float(f"{value:.6g}") for value in np.exp(np.sin(x)).ravel()]).reshape(x.shape)


def _tanh_slopes(dtype: str) -> D:
    """Return 1 - y² as rules in use have it, y being the tanh that was computed: 0 where that is 1."""

    def slopes(x: Array) -> Array:
        return np.asarray(1 - torch.tanh(torch.from_numpy(x.copy()).to(getattr(torch, dtype))).double().numpy() ** 2)

    return slopes


_NEAR = (0.3, 1.0)  # deviations of kinds whose operands are mapped to one region, so that larger ones say no more

_NUMPY = ("numpy",)

KINDS = (
    Kind("gelu", _gelu, _gelu_slopes, lossless=True),
    Kind("log(1 - sigmoid)", lambda m, x: m.log(1 - 1 / (1 + m.exp(-x))), lambda x: -1 / (1 + np.exp(-x))),
    Kind("softmax, logits far apart", _softmax, _softmax_jacobian, at=lambda x: 10 * x, dense=True, deviations=(1, 3)),
    Kind(
        "cross-entropy of them",
        _cross_entropy,
        lambda x: (_softmax(np, x) - np.eye(x.size)[0])[None],
        at=lambda x: np.r_[x[:1], 3 * x[1:]],
        dense=True,
        deviations=(1, 3, 10),
    ),
    Kind(
        "tanh in float16",
        lambda m, x: 1.0 * _cast(m, m.tanh(_cast(m, x, "float16")), "float64"),
        _tanh_slopes("float16"),
        wrong=1.1,
    ),
    Kind(
        "x² + tanh in float16",
        lambda m, x: x * x + _cast(m, m.tanh(_cast(m, x, "float16")), "float64"),
        lambda x: 2 * x + _tanh_slopes("float16")(x),
        wrong=1.1,
    ),
    Kind(
        "tanh in bfloat16",
        lambda m, x: 1.0 * _cast(m, m.tanh(_cast(m, x, "bfloat16")), "float64"),
        _tanh_slopes("bfloat16"),
        backends=("torch", "jax"),
        wrong=1.3,
    ),
    *(
        Kind(
            f"a layer in {dtype}",
            partial(_layer, dtype=dtype),
            _layer_jacobian,
            backends=("torch", "jax"),
            wrong=1.3,
            dense=True,
            deviations=(0.3, 1),
        )
        for dtype in ("float16", "bfloat16")
    ),
    Kind(
        "softmax in float16",
        lambda m, x: 1.0 * _cast(m, _softmax(m, _cast(m, x, "float16")), "float64"),
        _softmax_jacobian,
        backends=("torch", "jax"),
        wrong=1.3,
        dense=True,
    ),
    Kind(
        "x + tanh in float32",
        lambda m, x: x + _cast(m, m.tanh(_cast(m, x, "float32")), "float64"),
        lambda x: 1 + _tanh_slopes("float32")(x),
    ),
    Kind("6 digits of sin", lambda m, x: m.round(m.sin(x) * 1e6) / 1e6, np.cos),
    Kind("9 digits of sin", lambda m, x: m.round(m.sin(x) * 1e9) / 1e9, np.cos),
    Kind("6 digits printed", _printed, lambda x: np.exp(np.sin(x)) * np.cos(x), backends=_NUMPY),
    Kind("steps of 1e-8, and sin", lambda m, x: m.floor(1e8 * x) / 1e8 + m.sin(x), lambda x: 1 + np.cos(x)),
    Kind(
        "cubic spline of 1,001 knots",
        lambda m, x: _SPLINE(x),
        lambda x: _SPLINE(x, 1),
        at=_inside,
        backends=_NUMPY,
        lossless=True,
    ),
    Kind(
        "pchip of 10,001 knots",
        lambda m, x: _MONOTONE(x),
        lambda x: _MONOTONE(x, 1),
        at=_inside,
        backends=_NUMPY,
        lossless=True,
    ),
    Kind(
        "table of 100,001 entries",
        lambda m, x: np.interp(x, _TABLE, _VALUES),
        _table_slopes,
        at=_inside,
        backends=_NUMPY,
    ),
    Kind(
        "fixed point, 1e-6",
        _iterated(1e-6),
        _iterated_slopes,
        at=lambda x: 0.8 + 0.3 * np.tanh(x),
        backends=_NUMPY,
        deviations=_NEAR,
    ),
    Kind(
        "fixed point, 1e-10",
        _iterated(1e-10),
        _iterated_slopes,
        at=lambda x: 0.8 + 0.3 * np.tanh(x),
        backends=_NUMPY,
        deviations=_NEAR,
    ),
    Kind(
        "Newton, 1e-2",
        _newton(1e-2),
        _newton_slopes,
        at=lambda x: 10.5 + 9.5 * np.tanh(x),
        backends=_NUMPY,
        deviations=_NEAR,
    ),
    Kind(
        "Newton, 1e-8",
        _newton(1e-8),
        _newton_slopes,
        at=lambda x: 10.5 + 9.5 * np.tanh(x),
        backends=_NUMPY,
        deviations=_NEAR,
    ),
    Kind(
        "faint kink beside x",
        lambda m, x: 1e-6 * m.abs(x - 0.5) + m.exp(x),
        lambda x: 1e-6 * np.sign(x - 0.5) + np.exp(x),
        at=lambda x: 0.5 + _tiny(-4)(x),
        deviations=_NEAR,
    ),
    # At 23, the steps are 1e-13 of f, and the slope is off by 1e-11 of itself: called wrong in one operand of six.
    Kind("faint steps", lambda m, x: x**3 + 1e-9 * m.floor(20 * x), lambda x: 3 * x * x, deviations=(0.3, 1, 3)),
    Kind("x/(1 + |x|)", lambda m, x: x / (1 + m.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2, lossless=True),
    Kind(
        "(eˣ - 1)/x",
        lambda m, x: (m.exp(x) - 1) / x,
        lambda x: _series(x, 1 / 2, 1 / 3, 1 / 8, 1 / 30),
        at=_tiny(-7),
        deviations=_NEAR,
    ),
    Kind(
        "(1 - cos x)/x²",
        lambda m, x: (1 - m.cos(x)) / x**2,
        lambda x: _series(x, 0, -1 / 12, 0, 1 / 180),
        at=_tiny(-6),
        deviations=_NEAR,
    ),
    Kind("1 - cos x", lambda m, x: 1 - m.cos(x), np.sin, at=_tiny(-5), deviations=_NEAR),
    Kind(
        "log of ndtr by erf",
        lambda m, x: m.log(0.5 * (1 + _erf(m, x / 2**0.5))),
        lambda x: np.exp(-x * x / 2 - np.log(2 * np.pi) / 2 - log_ndtr(x)),
        at=lambda x: np.maximum(x, -7),
    ),
)

SCALES = (1e-6, 1.0, 1e6)
_SIZE = 6


@dataclass(frozen=True)
class Case:
    """A kind by one backend, at normal numbers of one deviation and seed, times a scale."""

    kind: Kind
    backend: str
    deviation: float
    scale: float
    seed: int


def cases(seeds: Iterable[int], scales: Sequence[float] = SCALES, kinds: Sequence[Kind] = KINDS) -> Iterator[Case]:
    """Yield every combination of kind, backend, deviation, scale and seed."""
    for kind in kinds:
        yield from (Case(kind, *each) for each in product(kind.backends, kind.deviations, scales, seeds))


def inspected(case: Case, factor: float = 1.0) -> jacinspect.Report | None:
    """Inspect a case with its derivative times a factor; None where f or the derivative is not finite."""
    kind = case.kind
    x = kind.at(case.deviation * np.random.default_rng([case.seed, int(10 * case.deviation)]).standard_normal(_SIZE))
    f, slopes = kind.function(case.backend, case.scale), case.scale * kind.slopes(x)
    if not (np.isfinite(slopes).all() and np.isfinite(f(x)).all()):
        return None
    form = "jacobian" if kind.dense else "elementwise"
    return jacinspect.inspect(f, x, derivative=lambda _: factor * slopes, derivative_kind=form, backend="numpy")  # type: ignore[arg-type]
