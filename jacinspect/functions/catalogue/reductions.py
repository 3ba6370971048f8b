"""The reductions: a table of value and jvp, along one axis or, as numpy does if none is named, of everything.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists, or None. Nothing
overflows before the result does, and no digits are lost but to the n roundings of a sum or product. An entry's slope in
var and std vanishes at the mean, and beside it is right to the ulps of the largest slope. Where there is no derivative
it is 0 for norm, l1_norm and std, as abs'(0) is, and shared evenly among equal maxima.
"""

from functools import partial
from typing import Literal

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.arithmetic.scaling import scaled
from jacinspect.functions.catalogue.coupled import exponentials, softmax
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array
from jacinspect.wording import format_shape

__all__ = ["REDUCTIONS", "others", "shared"]

Axis = int | None


def _sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        return np.asarray(np.sum(x, axis=axis, keepdims=keepdims))


def _mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    n = _count("mean", x, axis)
    total = _sum(x, axis=axis, keepdims=keepdims)
    return np.where(np.isfinite(total), total / n, _sum(x / n, axis=axis, keepdims=keepdims))


def _prod(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    with np.errstate(invalid="ignore"):  # 0 · inf is NaN in truth
        factors, powers = np.frexp(_along_last(x, axis))
        while factors.shape[-1] > 1:
            factors, powers = _pairs(factors, powers)
        return _kept(np.ldexp(factors, powers).prod(axis=-1), x, axis, keepdims)


def _prod_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    with np.errstate(invalid="ignore"):
        slopes = others(_along_last(x, axis))
        seeds = _along_last(dx, axis)
        # A zero tangent selects nothing: 0 · inf would be NaN where the entry is not even read.
        return _kept((np.where(seeds == 0, 0.0, slopes) * seeds).sum(axis=-1), x, axis, keepdims)


def others(x: Array) -> Array:
    """Return, for each entry along the last axis, the product of all others."""
    return np.asarray(np.ldexp(*_others(*np.frexp(x))))


def _pairs(factors: Array, powers: Array) -> tuple[Array, Array]:
    """Multiply neighbours along the last axis, an odd one by 1; factors in [½, 1) and powers of 2, so no overflow."""
    if factors.shape[-1] % 2:
        one = [(0, 0)] * (factors.ndim - 1) + [(0, 1)]
        factors, powers = np.pad(factors, one, constant_values=1.0), np.pad(powers, one)
    products, carried = np.frexp(factors[..., ::2] * factors[..., 1::2])
    return products, powers[..., ::2] + powers[..., 1::2] + carried


def _others(factors: Array, powers: Array) -> tuple[Array, Array]:
    """Return, for each entry along the last axis, the product of all others: its neighbour times all other pairs."""
    n = factors.shape[-1]
    if n <= 1:
        return np.ones_like(factors), np.zeros_like(powers)
    outer, outer_powers = (np.repeat(part, 2, axis=-1)[..., :n] for part in _others(*_pairs(factors, powers)))
    partner = np.arange(n) ^ 1
    alone = partner == n  # the odd one has none
    partner[alone] = 0
    products, carried = np.frexp(outer * np.where(alone, 1.0, factors[..., partner]))
    return products, outer_powers + carried + np.where(alone, 0, powers[..., partner])


def _max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    _count("max", x, axis)
    return np.asarray(np.max(x, axis=axis, keepdims=keepdims))


def _max_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    return shared(x == _max(x, axis=axis, keepdims=True), dx, axis, keepdims)


def _min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    _count("min", x, axis)
    return np.asarray(np.min(x, axis=axis, keepdims=keepdims))


def _min_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    return shared(x == _min(x, axis=axis, keepdims=True), dx, axis, keepdims)


def shared(chosen: Array, dx: Array, axis: Axis, keepdims: bool) -> Array:
    """Average the tangent over the entries chosen; where there is none, because of a NaN, it is NaN."""
    number = chosen.sum(axis=axis, keepdims=True)
    share = np.where(chosen, dx / np.maximum(number, 1), 0.0).sum(axis=axis, keepdims=True)
    return _squeezed(np.where(number, share, np.nan), axis, keepdims)


def _logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    top, e = exponentials(x, axis)
    at_top = x == top
    equals = at_top.sum(axis=axis, keepdims=True)
    # The 1 that a maximum adds is left to log1p, so that small others keep their digits.
    others = np.where(at_top, 0.0, e).sum(axis=axis, keepdims=True) + np.maximum(equals - 1, 0)
    return _squeezed(top + np.log1p(others), axis, keepdims)


def _logsumexp_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    return np.asarray((softmax(x, axis=axis) * dx).sum(axis=axis, keepdims=keepdims))


def _logmeanexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    n = _count("logmeanexp", x, axis)
    top, e = exponentials(x, axis)
    with np.errstate(invalid="ignore"):  # inf - inf
        below = np.where(x == top, 0.0, x - top)
    # The mean is 1 - what it lacks, of which the digits count if that is little.
    lacks = np.expm1(below).sum(axis=axis, keepdims=True) / n
    near = lacks > -0.5
    mean = np.where(near, 1.0, e.sum(axis=axis, keepdims=True) / n)
    return _squeezed(top + np.where(near, np.log1p(np.maximum(lacks, -0.5)), np.log(mean)), axis, keepdims)


def _logmeanexp_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    _count("logmeanexp", x, axis)
    return _logsumexp_jvp(x, dx, axis=axis, keepdims=keepdims)


def _norm(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    u, power, top = scaled(x, axis)
    root = np.ldexp(np.sqrt((u * u).sum(axis=axis, keepdims=True)), power)
    return _squeezed(np.where(np.isinf(top), top, root), axis, keepdims)


def _norm_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    u, _, _ = scaled(x, axis)
    root = np.sqrt((u * u).sum(axis=axis, keepdims=True))
    return _squeezed((u / np.where(root == 0, 1.0, root) * dx).sum(axis=axis, keepdims=True), axis, keepdims)


def _l1_norm(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return _sum(np.abs(x), axis=axis, keepdims=keepdims)


def _l1_norm_jvp(x: Array, dx: Array, *, axis: Axis, keepdims: bool) -> Array:
    return _sum(np.sign(x) * dx, axis=axis, keepdims=keepdims)


Middle = Literal["lower", "midpoint"]


def _median(x: Array, *, axis: Axis = None, interpolation: Middle = "lower", keepdims: bool = False) -> Array:
    low, high = _middle(x, axis, interpolation)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        total = low + high
        return _squeezed(np.where(np.isinf(total), 0.5 * low + 0.5 * high, 0.5 * total), axis, keepdims)


def _median_jvp(x: Array, dx: Array, *, axis: Axis, interpolation: Middle, keepdims: bool) -> Array:
    places = _places(x, axis, interpolation)
    slopes = np.zeros(x.shape)
    for place, entry in zip(places, _middle(x, axis, interpolation), strict=True):
        below, equal = (found.sum(axis=axis, keepdims=True) for found in (x < entry, x == entry))
        # Equal entries share the slope of their least, if the middle place is the first of theirs, or of their largest,
        # if it is the last; one of three equals in the middle moves and the median does not.
        share = 0.5 * ((place == below) | (place == below + equal - 1)) / np.maximum(equal, 1)
        slopes = slopes + np.where(np.isnan(entry), np.nan, np.where(x == entry, share, 0.0))
    return _sum(slopes * dx, axis=axis, keepdims=keepdims)


def _places(x: Array, axis: Axis, interpolation: Middle) -> tuple[int, int]:
    """Find the two places in the middle: one and the same if n is odd, or the lower is asked for."""
    n = _count("median", x, axis)
    return (n - 1) // 2, n // 2 if interpolation == "midpoint" else (n - 1) // 2


def _middle(x: Array, axis: Axis, interpolation: Middle) -> list[Array]:
    """Return the entries at the two places in the middle, the axis kept; NaN where there is any."""
    places = _places(x, axis, interpolation)
    in_order = np.sort(_along_last(x, axis), axis=-1)
    unknown = np.isnan(in_order[..., -1])  # NaN is sorted to the end
    return [_kept(np.where(unknown, np.nan, in_order[..., place]), x, axis, True) for place in places]


def _var(x: Array, *, axis: Axis = None, correction: int = 1, keepdims: bool = False) -> Array:
    d, power, n = _deviations("var", x, axis, correction)
    return _squeezed(np.ldexp((d * d).sum(axis=axis, keepdims=True) / n, 2 * power), axis, keepdims)


def _var_jvp(x: Array, dx: Array, *, axis: Axis, correction: int, keepdims: bool) -> Array:
    d, power, n = _deviations("var", x, axis, correction)
    return _squeezed(np.ldexp(2.0 * (d * dx).sum(axis=axis, keepdims=True) / n, power), axis, keepdims)


def _std(x: Array, *, axis: Axis = None, correction: int = 1, keepdims: bool = False) -> Array:
    d, power, n = _deviations("std", x, axis, correction)
    return _squeezed(np.ldexp(np.sqrt((d * d).sum(axis=axis, keepdims=True) / n), power), axis, keepdims)


def _std_jvp(x: Array, dx: Array, *, axis: Axis, correction: int, keepdims: bool) -> Array:
    d, _, n = _deviations("std", x, axis, correction)
    std = np.sqrt((d * d).sum(axis=axis, keepdims=True) / n)
    slopes = d / (n * np.where(std == 0, 1.0, std))
    return _squeezed((slopes * dx).sum(axis=axis, keepdims=True), axis, keepdims)


def _deviations(name: str, x: Array, axis: Axis, correction: int) -> tuple[Array, Array, int]:
    """Return x minus its mean, over a power of 2; that power; and what the sum of squares is divided by."""
    n = _count(name, x, axis)
    if n <= correction:
        raise InputError(f"{name}: n - correction = {n - correction} cannot be divided by, n = {n} being averaged over")
    u, power, top = scaled(x, axis)
    d = u - u.sum(axis=axis, keepdims=True) / n
    d = d - d.sum(axis=axis, keepdims=True) / n  # the rounded mean is off; what it is off by is known well
    return np.where(np.isinf(top), np.nan, d), power, n - correction


def _count(name: str, x: Array, axis: Axis) -> int:
    """How many entries are reduced to one; InputError if that is none."""
    n = x.size if axis is None else x.shape[axis]
    if not n:
        where = "" if axis is None else f" along axis {axis}"
        raise InputError(f"{name}: an operand of shape {format_shape(x.shape)} has no entries{where} to take it of")
    return n


def _along_last(x: Array, axis: Axis) -> Array:
    return x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1)


def _kept(result: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Put back the axes that were reduced, if they are to be kept."""
    if not keepdims:
        return np.asarray(result)
    return result.reshape((1,) * x.ndim) if axis is None else np.expand_dims(result, axis)


def _squeezed(result: Array, axis: Axis, keepdims: bool) -> Array:
    return result if keepdims else np.squeeze(result, axis)


_row = partial(Entry, kind="reduction")

REDUCTIONS = (
    _row(
        name="sum",
        aliases=("reduce_sum",),
        formula="x_1 + ... + x_n",
        latex=r"\sum_k x_k",
        value=_sum,
        jvp=lambda x, dx, *, axis, keepdims: _sum(dx, axis=axis, keepdims=keepdims),  # noqa: ARG005
        derivative_formula="dx_1 + ... + dx_n",
    ),
    _row(
        name="mean",
        aliases=("reduce_mean",),
        formula="(x_1 + ... + x_n) / n",
        latex=r"\frac{1}{n} \sum_k x_k",
        value=_mean,
        jvp=lambda x, dx, *, axis, keepdims: _mean(dx, axis=axis, keepdims=keepdims),  # noqa: ARG005
        derivative_formula="(dx_1 + ... + dx_n) / n",
    ),
    _row(
        name="prod",
        aliases=("reduce_prod",),
        formula="x_1 * ... * x_n",
        latex=r"\prod_k x_k",
        value=_prod,
        jvp=_prod_jvp,
        derivative_formula="p_1 * dx_1 + ... + p_n * dx_n, p_i = product of all x but x_i",
    ),
    _row(
        name="max",
        aliases=("amax", "reduce_max"),
        formula="max(x_1, ..., x_n)",
        latex=r"\max_k x_k",
        value=_max,
        jvp=_max_jvp,
        derivative_formula="mean of dx_i where x_i = max(x)",
        note="ties share evenly, as in torch's amax and jax; torch.max(dim) takes the first",
    ),
    _row(
        name="min",
        aliases=("amin", "reduce_min"),
        formula="min(x_1, ..., x_n)",
        latex=r"\min_k x_k",
        value=_min,
        jvp=_min_jvp,
        derivative_formula="mean of dx_i where x_i = min(x)",
        note="ties share evenly, as in torch's amin and jax; torch.min(dim) takes the first",
    ),
    _row(
        name="logsumexp",
        aliases=("reduce_logsumexp",),
        formula="log(exp(x_1) + ... + exp(x_n))",
        latex=r"\log \sum_k e^{x_k}",
        value=_logsumexp,
        jvp=_logsumexp_jvp,
        derivative_formula="s_1 * dx_1 + ... + s_n * dx_n, s = softmax(x)",
    ),
    _row(
        name="logmeanexp",
        formula="log((exp(x_1) + ... + exp(x_n)) / n)",
        latex=r"\log \frac{1}{n} \sum_k e^{x_k}",
        value=_logmeanexp,
        jvp=_logmeanexp_jvp,
        derivative_formula="s_1 * dx_1 + ... + s_n * dx_n, s = softmax(x)",
    ),
    _row(
        name="norm",
        aliases=("vector_norm", "l2_norm", "euclidean_norm", "frobenius", "frobenius_norm"),
        formula="sqrt(x_1**2 + ... + x_n**2)",
        latex=r"\sqrt{\sum_k x_k^2}",
        value=_norm,
        jvp=_norm_jvp,
        derivative_formula="(x_1 * dx_1 + ... + x_n * dx_n) / norm(x)",
        note="the slope at 0 is 0",
    ),
    _row(
        name="l1_norm",
        formula="abs(x_1) + ... + abs(x_n)",
        latex=r"\sum_k |x_k|",
        value=_l1_norm,
        jvp=_l1_norm_jvp,
        derivative_formula="sign(x_1) * dx_1 + ... + sign(x_n) * dx_n",
        note="the slope of an entry 0 is 0, as in torch; jax has 1",
    ),
    _row(
        name="var",
        aliases=("variance", "reduce_variance"),
        formula="((x_1 - m)**2 + ... + (x_n - m)**2) / (n - correction), m = mean(x)",
        latex=r"\frac{1}{n - c} \sum_k (x_k - \bar{x})^2",
        value=_var,
        jvp=_var_jvp,
        derivative_formula="2 * ((x_1 - m) * dx_1 + ... + (x_n - m) * dx_n) / (n - correction)",
        note="correction=1 divides by n - 1, as torch does; correction=0 by n, as the others do",
    ),
    _row(
        name="std",
        aliases=("reduce_std",),
        formula="sqrt(var(x))",
        latex=r"\sqrt{\frac{1}{n - c} \sum_k (x_k - \bar{x})^2}",
        value=_std,
        jvp=_std_jvp,
        derivative_formula="((x_1 - m) * dx_1 + ... + (x_n - m) * dx_n) / ((n - correction) * std(x)), m = mean(x)",
        note="correction=1 divides by n - 1, as torch does; correction=0 by n, as the others do; "
        "the slope of equal entries is 0",
    ),
    _row(
        name="median",
        formula="the entry in the middle of x in order",
        latex=r"\operatorname{median}_k x_k",
        value=_median,
        jvp=_median_jvp,
        derivative_formula="dx_i where x_i = median(x)",
        note="of an even number the lower of the two in the middle, as in torch; interpolation=midpoint takes their "
        "mean, as numpy, jax and keras do; equal entries share the slope, where one of them alone moves it",
    ),
)
