"""The normalisations of a line: a table of value and jvp, the tangent pushed through.

In: a name's row. Out, through catalogue.py: a Function. Rules see whole float64 arrays and an axis that exists.
Nothing overflows before the result does. At a line with one infinite entry, the limit; with several there is none.
"""

from dataclasses import dataclass
from math import frexp, isqrt, prod, sqrt

import numpy as np

from jacinspect.errors import InputError, format_shape
from jacinspect.functions.entry import Entry, Rule
from jacinspect.functions.function import Array
from jacinspect.functions.scaling import scaled

__all__ = ["NORMALIZATIONS"]

# --- Lines over a power of 2 ------------------------------------------------------------------------------------------


def _direction(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """Give x over a power of 2, NaN if it has no direction; that power; and whether an entry is infinite."""
    u, power, top = scaled(x, axis)
    lost = np.isnan(top) | (np.isinf(x).sum(axis=axis, keepdims=True) > 1)
    return np.where(lost, np.nan, u), power, np.isinf(top)


def _centered(x: Array, axis: int) -> Array:
    """Take the mean off, and then what the rounded mean was off by, which is known well."""
    for _ in range(2):
        x = x - x.sum(axis=axis, keepdims=True) / max(x.shape[axis], 1)
    return x


def _off(direction: Array, dx: Array, axis: int, *, centered: bool = False) -> Array:
    """Project dx off a direction of length 1, perhaps off (1, …, 1) too.

    Twice, because what a rounded projection leaves along the direction can be more than all the rest.
    """
    for _ in range(2):
        dx = _centered(dx, axis) if centered else dx
        dx = dx - direction * (direction * dx).sum(axis=axis, keepdims=True)
    return dx


def _quotient(x: Array, divisor: Array) -> Array:
    """Divide; NaN where both are 0."""
    return np.where(divisor == 0, np.nan, x / np.where(divisor == 0, 1.0, divisor))


def _refuse_negative(name: str, eps: float) -> None:
    if eps < 0:
        raise InputError(f"{name}: eps must be at least 0, not {eps:g}")


def _center(x: Array, *, axis: int = -1) -> Array:
    u, power, infinite = _direction(x, axis)
    at_infinity = np.where(np.isinf(x), x, 0.0)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        limit = x - at_infinity.sum(axis=axis, keepdims=True)
        alone = np.isinf(x) & (np.isinf(x).sum(axis=axis, keepdims=True) == 1)
    limit = np.where(alone, x if x.shape[axis] > 1 else 0.0, limit)
    return np.where(infinite, limit, np.ldexp(_centered(u, axis), power))


# --- By the second moment: x / √(mean x² + eps), after centering or not -----------------------------------------------


@dataclass(frozen=True, eq=False)
class _Moments:
    """A line, centered or not, and the moments that it is divided by, in units of a power of 2."""

    line: Array
    direction: Array  # of length 1, or 0
    eps: Array
    square: Array  # the mean of line² and eps
    power: Array
    infinite: Array

    @property
    def value(self) -> Array:
        return _quotient(self.line, np.sqrt(self.square))


def _moments(name: str, x: Array, axis: int, eps: float, *, centered: bool) -> _Moments:
    _refuse_negative(name, eps)
    u, power, infinite = _direction(x, axis)
    if centered:
        u, more, _ = scaled(_centered(u, axis), axis)
        power = power + more
    length = np.sqrt((u * u).sum(axis=axis, keepdims=True))
    # In units of the line, or of sqrt(eps) if that is larger: neither may overflow, or both of them vanish.
    own = np.where(length == 0, -5000, power)
    unit = np.maximum(own, frexp(sqrt(eps))[1]) if eps else own
    line = np.ldexp(u, own - unit)
    floor = np.where(infinite & (length > 0), 0.0, np.ldexp(eps, -2 * unit))
    square = (line * line).sum(axis=axis, keepdims=True) / max(x.shape[axis], 1) + floor
    return _Moments(line, u / np.where(length == 0, 1.0, length), floor, square, unit, infinite)


def _moments_jvp(name: str, x: Array, dx: Array, axis: int, eps: float, *, centered: bool) -> Array:
    m = _moments(name, x, axis, eps, centered=centered)
    dx = _centered(dx, axis) if centered else dx
    along = m.direction * (m.direction * dx).sum(axis=axis, keepdims=True)
    tangent = _off(m.direction, dx, axis, centered=centered) + along * _quotient(m.eps, m.square)
    slope = np.ldexp(_quotient(tangent, np.sqrt(m.square)), -m.power)
    return np.where(m.infinite & ~np.isnan(slope), 0.0, slope)


def _layer_norm(x: Array, *, axis: int = -1, eps: float = 1e-5) -> Array:
    return _moments("layer_norm", x, axis, eps, centered=True).value


def _rms_norm(x: Array, *, axis: int = -1, eps: float = 2.0**-52) -> Array:
    return _moments("rms_norm", x, axis, eps, centered=False).value


def _batch_norm(x: Array, *, axis: int = 0, eps: float = 1e-5) -> Array:
    return _moments("batch_norm", x, axis, eps, centered=True).value


def _instance_norm(x: Array, *, axis: int = -1, eps: float = 1e-5) -> Array:
    flat = x.reshape(_joined(x.shape, axis))
    return _moments("instance_norm", flat, -1, eps, centered=True).value.reshape(x.shape)


def _instance_norm_jvp(x: Array, dx: Array, *, axis: int, eps: float) -> Array:
    shape = _joined(x.shape, axis)
    tangent = _moments_jvp("instance_norm", x.reshape(shape), dx.reshape(shape), -1, eps, centered=True)
    return tangent.reshape(x.shape)


def _joined(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Make one axis of an axis and all that follow it."""
    axis %= len(shape)
    return (*shape[:axis], prod(shape[axis:]))


def _group_norm(x: Array, *, num_groups: int = 1, axis: int = -1, eps: float = 1e-5) -> Array:
    shape, within = _grouped(x.shape, num_groups, axis)
    return _moments("group_norm", x.reshape(shape), within, eps, centered=True).value.reshape(x.shape)


def _group_norm_jvp(x: Array, dx: Array, *, num_groups: int, axis: int, eps: float) -> Array:
    shape, within = _grouped(x.shape, num_groups, axis)
    tangent = _moments_jvp("group_norm", x.reshape(shape), dx.reshape(shape), within, eps, centered=True)
    return tangent.reshape(x.shape)


def _grouped(shape: tuple[int, ...], groups: int, axis: int) -> tuple[tuple[int, ...], int]:
    """Split an axis into groups of neighbours; gives the shape, and the axis within a group."""
    place = axis % len(shape)
    n = shape[place]
    if n % groups:
        divisors = [d for k in range(1, isqrt(n) + 1) if n % k == 0 for d in {k, n // k}]
        nearest = {max(d for d in divisors if d < groups), min((d for d in divisors if d > groups), default=n)}
        raise InputError(
            f"group_norm: num_groups = {groups} does not divide the {n} entries along axis {axis} of an operand of "
            f"shape {format_shape(shape)}; {' or '.join(map(str, sorted(nearest)))} would"
        )
    return (*shape[:place], groups, n // groups, *shape[place + 1 :]), place + 1


def _by_moments(name: str, *, centered: bool) -> Rule:
    return lambda x, dx, *, axis, eps: _moments_jvp(name, x, dx, axis, eps, centered=centered)


# --- By a norm: x / max(‖x‖, eps) -------------------------------------------------------------------------------------


def _norms(name: str, x: Array, axis: int, eps: float, order: int) -> tuple[Array, Array, Array, Array, Array]:
    """Give x and its norm over a power of 2; that power; whether the norm is below eps; and an entry infinite."""
    _refuse_negative(name, eps)
    u, power, infinite = _direction(x, axis)
    size = np.abs(u).sum(axis=axis, keepdims=True) if order == 1 else np.sqrt((u * u).sum(axis=axis, keepdims=True))
    return u, size, power, ~infinite & (np.ldexp(size, power) < eps), infinite


def _normalize(name: str, order: int, x: Array, *, axis: int = -1, eps: float = 1e-12) -> Array:
    u, size, _, below, _ = _norms(name, x, axis, eps, order)
    return np.where(below, x / (eps or 1.0), _quotient(u, size))


def _l2_normalize(x: Array, *, axis: int = -1, eps: float = 1e-12) -> Array:
    return _normalize("l2_normalize", 2, x, axis=axis, eps=eps)


def _l2_normalize_jvp(x: Array, dx: Array, *, axis: int, eps: float) -> Array:
    u, size, power, below, infinite = _norms("l2_normalize", x, axis, eps, 2)
    slope = np.ldexp(_quotient(_off(_quotient(u, size), dx, axis), size), -power)
    return np.where(below, dx / (eps or 1.0), np.where(infinite & ~np.isnan(slope), 0.0, slope))


def _l1_normalize(x: Array, *, axis: int = -1, eps: float = 1e-12) -> Array:
    return _normalize("l1_normalize", 1, x, axis=axis, eps=eps)


def _l1_normalize_jvp(x: Array, dx: Array, *, axis: int, eps: float) -> Array:
    u, size, power, below, infinite = _norms("l1_normalize", x, axis, eps, 1)
    y = _quotient(u, size)
    # A tangent along x gives 0, so any multiple of x may be taken off: that which leaves 0 at an entry with more than
    # half of the norm, whose 1 - |y_i| cancels.
    heavy = np.abs(y) > 0.5
    ratio = np.where(heavy, dx / np.where(heavy, y, 1.0), 0.0).sum(axis=axis, keepdims=True)
    relative = np.where(heavy, 0.0, dx - y * ratio)
    tangent = relative - y * (np.sign(u) * relative).sum(axis=axis, keepdims=True)
    slope = np.ldexp(_quotient(tangent, size), -power)
    return np.where(below, dx / (eps or 1.0), np.where(infinite & ~np.isnan(slope), 0.0, slope))


_MOMENTS_NOTE = "without weight and bias; eps is torch's and jax's, keras has 1e-3 in its layers and 1e-7 in keras.ops"
_SLOPE = "r * (dx_i - mean(dx) - y_i * mean(y * dx)), y = f(x), r = 1 / sqrt(var(x) + eps)"

NORMALIZATIONS = (
    Entry(
        name="layer_norm",
        aliases=("standardize",),
        kind="row-wise",
        formula="(x_i - mean(x)) / sqrt(var(x) + eps)",
        latex=r"\frac{x_i - \mu}{\sqrt{\frac{1}{n} \sum_j (x_j - \mu)^2 + \varepsilon}}",
        value=_layer_norm,
        jvp=_by_moments("layer_norm", centered=True),
        derivative_formula=_SLOPE,
        properties=("symmetric",),
        source="Ba, Kiros and Hinton, 2016",
        note=f"var divides by n; {_MOMENTS_NOTE}",
    ),
    Entry(
        name="rms_norm",
        kind="row-wise",
        formula="x_i / sqrt(mean(x**2) + eps)",
        latex=r"\frac{x_i}{\sqrt{\frac{1}{n} \sum_j x_j^2 + \varepsilon}}",
        value=_rms_norm,
        jvp=_by_moments("rms_norm", centered=False),
        derivative_formula="r * (dx_i - y_i * mean(y * dx)), y = f(x), r = 1 / sqrt(mean(x**2) + eps)",
        properties=("symmetric",),
        source="Zhang and Sennrich, 2019",
        note="without weight; eps is torch's None for float64; keras has 1e-6 in its layer and 1e-7 in keras.ops",
    ),
    Entry(
        name="l2_normalize",
        aliases=("normalize",),
        kind="row-wise",
        formula="x_i / max(norm(x), eps)",
        latex=r"\frac{x_i}{\max(\lVert x \rVert_2, \varepsilon)}",
        value=_l2_normalize,
        jvp=_l2_normalize_jvp,
        derivative_formula="(dx_i - y_i * (y_1 * dx_1 + ... + y_n * dx_n)) / norm(x), dx_i / eps if norm(x) < eps",
        properties=("symmetric",),
        note="torch's normalize(p=2) takes axis 1; eps is torch's, tf's epsilon is one of the norm's square",
    ),
    Entry(
        name="l1_normalize",
        kind="row-wise",
        formula="x_i / max(|x_1| + ... + |x_n|, eps)",
        latex=r"\frac{x_i}{\max(\lVert x \rVert_1, \varepsilon)}",
        value=_l1_normalize,
        jvp=_l1_normalize_jvp,
        derivative_formula=(
            "(dx_i - y_i * (sign(x_1) * dx_1 + ... + sign(x_n) * dx_n)) / norm1(x), dx_i / eps if norm1(x) < eps"
        ),
        note="torch's normalize(p=1) takes axis 1; at 0, sign is 0",
    ),
    Entry(
        name="center",
        kind="row-wise",
        formula="x_i - (x_1 + ... + x_n) / n",
        latex=r"x_i - \frac{1}{n} \sum_j x_j",
        value=_center,
        jvp=lambda x, dx, *, axis: _centered(dx, axis),  # noqa: ARG005
        derivative_formula="dx_i - (dx_1 + ... + dx_n) / n",
        properties=("symmetric",),
    ),
    Entry(
        name="group_norm",
        kind="row-wise",
        formula="layer_norm of num_groups equal parts of x",
        latex=r"\frac{x_i - \mu_g}{\sqrt{\sigma_g^2 + \varepsilon}}, \quad g \ni i",
        value=_group_norm,
        jvp=_group_norm_jvp,
        derivative_formula=f"{_SLOPE}, in each part",
        positive=("num_groups",),
        properties=("symmetric",),
        source="Wu and He, 2018",
        note=(
            "parts of one axis; torch's and keras's groups of channels take in all other axes but the first. torch's "
            f"num_groups has no default, keras's groups is 32; {_MOMENTS_NOTE}"
        ),
    ),
    Entry(
        name="instance_norm",
        kind="row-wise",
        formula="layer_norm over axis and all axes after it",
        latex=r"\frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}",
        value=_instance_norm,
        jvp=_instance_norm_jvp,
        derivative_formula=_SLOPE,
        properties=("symmetric",),
        source="Ulyanov, Vedaldi and Lempitsky, 2016",
        note=f"axis is the first spatial one: torch's images, N×C×H×W, take axis=-2; {_MOMENTS_NOTE}",
    ),
    Entry(
        name="batch_norm",
        kind="row-wise",
        formula="(x_i - mean(x)) / sqrt(var(x) + eps), down each column",
        latex=r"\frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}",
        value=_batch_norm,
        jvp=_by_moments("batch_norm", centered=True),
        derivative_formula=_SLOPE,
        properties=("symmetric",),
        source="Ioffe and Szegedy, 2015",
        note=(
            "as in training, and along one axis: of more than a matrix, torch and keras average over all axes but that "
            f"of the channels; {_MOMENTS_NOTE}"
        ),
    ),
)
