"""The normalisations of a line: a table of value and jvp, the tangent pushed through.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists. Nothing overflows
before the result does. At a line with one infinite entry, the limit; with several there is none.
"""

from math import frexp, isqrt, prod, sqrt

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.arithmetic.projection import centered, direction, project_out, safe_quotient
from jacinspect.functions.catalogue.arithmetic.scaling import scaled
from jacinspect.functions.catalogue.entry import ArrayFunction, Entry, not_negative
from jacinspect.functions.function import Array
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = ["NORMALIZATIONS"]


_NOTHING = -5000  # the power of 2 that a line of zeros is in units of


@dataclass(frozen=True, eq=False)
class _Moments:
    """A line, centered or not, and the moments that it is divided by, in units of a power of 2."""

    line: Array
    direction: Array  # of length 1, or 0
    square: Array  # the mean of line²
    eps: Array
    power: Array
    infinite: Array

    @property
    def root(self) -> Array:
        return np.asarray(np.sqrt(self.square + self.eps))


def _moments(x: Array, axis: int, eps: float, *, center: bool) -> _Moments:
    u, power, infinite = direction(x, axis)
    if center:
        u, more, _ = scaled(centered(u, axis), axis)
        power = power + more
    length = np.sqrt((u * u).sum(axis=axis, keepdims=True))
    # In units of the line, or of sqrt(eps) if that is larger: neither may overflow, or both of them vanish.
    own = np.where(length == 0, _NOTHING, power)
    unit = np.maximum(own, frexp(sqrt(eps))[1]) if eps else own
    line = np.ldexp(u, own - unit)
    floor = np.where(infinite & (length > 0), 0.0, np.ldexp(eps, -2 * unit))
    square = (line * line).sum(axis=axis, keepdims=True) / max(x.shape[axis], 1)
    return _Moments(line, u / np.where(length == 0, 1.0, length), square, floor, unit, infinite)


def _divided(x: Array, axis: int, eps: float, *, center: bool) -> Array:
    m = _moments(x, axis, eps, center=center)
    return safe_quotient(m.line, m.root)


def _divided_jvp(x: Array, dx: Array, axis: int, eps: float, *, center: bool) -> Array:
    m = _moments(x, axis, eps, center=center)
    dx = centered(dx, axis) if center else dx
    along = m.direction * (m.direction * dx).sum(axis=axis, keepdims=True)
    # Along the line, the share of eps is left of dx: the rest is taken off or, if it is most, that share is added.
    total = m.square + m.eps
    much = dx - along * safe_quotient(m.square, total)
    little = project_out(m.direction, dx, axis, and_mean=center) + along * safe_quotient(m.eps, total)
    slope = np.ldexp(safe_quotient(np.where(m.eps > m.square, much, little), m.root), -m.power)
    return np.where(m.infinite & ~np.isnan(slope), 0.0, slope)


def _layer_norm(x: Array, *, axis: int = -1, eps: float = 1e-5) -> Array:
    return _divided(x, axis, eps, center=True)


def _rms_norm(x: Array, *, axis: int = -1, eps: float = 2.0**-52) -> Array:
    return _divided(x, axis, eps, center=False)


def _batch_norm(x: Array, *, axis: int = 0, eps: float = 1e-5) -> Array:
    return _divided(x, axis, eps, center=True)


def _instance_norm(x: Array, *, axis: int = -1, eps: float = 1e-5) -> Array:
    flat = x.reshape(_joined(x.shape, axis))
    return _divided(flat, -1, eps, center=True).reshape(x.shape)


def _instance_norm_jvp(x: Array, dx: Array, *, axis: int, eps: float) -> Array:
    shape = _joined(x.shape, axis)
    tangent = _divided_jvp(x.reshape(shape), dx.reshape(shape), -1, eps, center=True)
    return tangent.reshape(x.shape)


def _joined(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Make one axis of an axis and all that follow it."""
    axis %= len(shape)
    return (*shape[:axis], prod(shape[axis:]))


def _group_norm(x: Array, *, num_groups: int = 1, axis: int = -1, eps: float = 1e-5) -> Array:
    shape, within = _grouped(x.shape, num_groups, axis)
    return _divided(x.reshape(shape), within, eps, center=True).reshape(x.shape)


def _group_norm_jvp(x: Array, dx: Array, *, num_groups: int, axis: int, eps: float) -> Array:
    shape, within = _grouped(x.shape, num_groups, axis)
    tangent = _divided_jvp(x.reshape(shape), dx.reshape(shape), within, eps, center=True)
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


def _by_moments(*, center: bool) -> ArrayFunction:
    return lambda x, dx, *, axis, eps: _divided_jvp(x, dx, axis, eps, center=center)


_MOMENTS_NOTE = "without weight and bias; eps is torch's and jax's, keras has 1e-3 in its layers and 1e-7 in keras.ops"
_SLOPE = "r * (dx_i - mean(dx) - y_i * mean(y * dx)), y = f(x), r = 1 / sqrt(var(x) + eps)"

NORMALIZATIONS = (
    Entry(
        name="layer_norm",
        aliases=("standardize", "layer_normalization"),
        kind="row-wise",
        formula="(x_i - mean(x)) / sqrt(var(x) + eps)",
        latex=r"\frac{x_i - \mu}{\sqrt{\frac{1}{n} \sum_j (x_j - \mu)^2 + \varepsilon}}",
        value=_layer_norm,
        jvp=_by_moments(center=True),
        objection=not_negative("eps"),
        derivative_formula=_SLOPE,
        properties=("symmetric",),
        source="Ba, Kiros & Hinton 2016",
        note=f"var divides by n; {_MOMENTS_NOTE}",
    ),
    Entry(
        name="rms_norm",
        aliases=("rms_normalization",),
        kind="row-wise",
        formula="x_i / sqrt(mean(x**2) + eps)",
        latex=r"\frac{x_i}{\sqrt{\frac{1}{n} \sum_j x_j^2 + \varepsilon}}",
        value=_rms_norm,
        jvp=_by_moments(center=False),
        objection=not_negative("eps"),
        derivative_formula="r * (dx_i - y_i * mean(y * dx)), y = f(x), r = 1 / sqrt(mean(x**2) + eps)",
        properties=("symmetric",),
        source="Zhang & Sennrich 2019",
        note="without weight; eps is torch's None for float64; keras has 1e-6 in its layer and 1e-7 in keras.ops",
    ),
    Entry(
        name="group_norm",
        aliases=("group_normalization",),
        kind="row-wise",
        formula="layer_norm of num_groups equal parts of x",
        latex=r"\frac{x_i - \mu_g}{\sqrt{\sigma_g^2 + \varepsilon}}, \quad g \ni i",
        value=_group_norm,
        jvp=_group_norm_jvp,
        objection=not_negative("eps"),
        derivative_formula=f"{_SLOPE}, in each part",
        positive=("num_groups",),
        properties=("symmetric",),
        source="Wu & He 2018",
        note=(
            "parts of one axis; torch's and keras's groups of channels take in all other axes but the first; torch's "
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
        objection=not_negative("eps"),
        derivative_formula=_SLOPE,
        properties=("symmetric",),
        source="Ulyanov, Vedaldi & Lempitsky 2016",
        note=f"axis is the first spatial one: torch's images, N×C×H×W, take axis=-2; {_MOMENTS_NOTE}",
    ),
    Entry(
        name="batch_norm",
        aliases=("batch_normalization",),
        kind="row-wise",
        formula="(x_i - mean(x)) / sqrt(var(x) + eps), down each column",
        latex=r"\frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}",
        value=_batch_norm,
        jvp=_by_moments(center=True),
        objection=not_negative("eps"),
        derivative_formula=_SLOPE,
        properties=("symmetric",),
        source="Ioffe & Szegedy 2015",
        note=(
            "as in training, and along one axis: of more than a matrix, torch and keras average over all axes but that "
            f"of the channels; {_MOMENTS_NOTE}"
        ),
    ),
)
