"""The running sums, products, extrema and logsumexps of a line: a table of value and jvp, the tangent pushed through.

entry.py makes a Function of each row. The rules take whole float64 arrays and an axis that exists. Products and
logsumexps are scanned in pairs, as Hillis and Steele (1986) do, in log2(n) rounds.
"""

from collections.abc import Callable

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import difference
from jacinspect.functions.catalogue.entry import ArrayFunction, Entry
from jacinspect.functions.function import Array

__all__ = ["CUMULATIVE"]

Parts = tuple[Array, ...]


def _scan(combine: Callable[[Parts, Parts], Parts], parts: Parts) -> Parts:
    """Combine along the last axis, entry by entry with all before it; `combine` is associative, earlier parts first."""
    reach = 1
    while reach < parts[0].shape[-1]:
        joined = combine(tuple(part[..., :-reach] for part in parts), tuple(part[..., reach:] for part in parts))
        parts = tuple(
            np.concatenate([part[..., :reach], new], axis=-1) for part, new in zip(parts, joined, strict=True)
        )
        reach *= 2
    return parts


def _running(rule: Callable[..., Array], axis: int, *arrays: Array) -> Array:
    """Apply a rule of running results, along the last axis, along any other."""
    return np.moveaxis(rule(*(np.moveaxis(array, axis, -1) for array in arrays)), -1, axis)


def _directed(
    rule: Callable[..., Array], start: float, axis: int, exclusive: bool, reverse: bool, *arrays: Array
) -> Array:
    """Apply a rule of running results from the other end if `reverse`; put off by one, with a start, if `exclusive`."""

    def run(*lines: Array) -> Array:
        result = rule(*(line[..., ::-1] if reverse else line for line in lines))
        if exclusive:
            first = np.full_like(result[..., :1], start)
            result = np.concatenate([first, result[..., :-1]], axis=-1)
        return result[..., ::-1] if reverse else result

    return _running(run, axis, *arrays)


# --- Sums -------------------------------------------------------------------------------------------------------------


def _cumsum(x: Array, *, axis: int = -1, exclusive: bool = False, reverse: bool = False) -> Array:
    with np.errstate(invalid="ignore"):  # inf - inf is NaN in truth
        return _directed(lambda line: np.cumsum(line, axis=-1), 0.0, axis, exclusive, reverse, x)


# --- Products, of factors in [½, 1) and powers of 2, so that none overflows before the result does --------------------


def _cumprod(x: Array, *, axis: int = -1, exclusive: bool = False, reverse: bool = False) -> Array:
    with np.errstate(invalid="ignore"):  # 0 · inf is NaN in truth
        return _directed(lambda line: _number(*_scan(_product, _split(line))), 1.0, axis, exclusive, reverse, x)


def _cumprod_jvp(x: Array, dx: Array, *, axis: int, exclusive: bool, reverse: bool) -> Array:
    def rule(line: Array, tangent: Array) -> Array:
        scanned = _scan(_product_and_tangent, (*_split(line), *_split(tangent), tangent != 0))
        return _number(*scanned[2:4])

    with np.errstate(invalid="ignore"):
        return _directed(rule, 0.0, axis, exclusive, reverse, x, dx)


def _split(x: Array) -> Parts:
    factors, powers = np.frexp(x)
    return factors, np.where(np.isfinite(x), powers, 0).astype(np.int64)


def _number(factors: Array, powers: Array) -> Array:
    return np.asarray(np.ldexp(factors, np.clip(powers, -5000, 5000)))


def _product(before: Parts, after: Parts) -> Parts:
    factors, powers = _split(before[0] * after[0])
    return factors, before[1] + after[1] + powers


def _product_and_tangent(before: Parts, after: Parts) -> Parts:
    """Combine a product, its tangent, and whether that moves: what does not is 0, though it meet an infinity."""
    p, p_power, dp, dp_power, moves = before
    q, q_power, dq, dq_power, also = after
    first, first_power = np.where(moves, dp * q, 0.0), dp_power + q_power
    second, second_power = np.where(also, p * dq, 0.0), p_power + dq_power
    unit = np.maximum(np.where(first == 0, second_power, first_power), np.where(second == 0, first_power, second_power))
    factors, powers = _split(_number(first, first_power - unit) + _number(second, second_power - unit))
    return (*_product((p, p_power), (q, q_power)), factors, unit + powers, moves | also)


# --- Extrema ----------------------------------------------------------------------------------------------------------


def _cummax(x: Array, *, axis: int = -1) -> Array:
    return np.asarray(np.maximum.accumulate(x, axis=axis))


def _cummin(x: Array, *, axis: int = -1) -> Array:
    return np.asarray(np.minimum.accumulate(x, axis=axis))


def _latest(extremum: ArrayFunction) -> ArrayFunction:
    """Return the jvp of a running extremum, which is the latest of the entries that are equal to it."""

    def jvp(x: Array, dx: Array, *, axis: int) -> Array:
        def rule(line: Array, tangent: Array) -> Array:
            y = extremum(line, axis=-1)
            place = np.maximum.accumulate(np.where(line == y, np.arange(line.shape[-1]), 0), axis=-1)
            return np.where(np.isnan(y), np.nan, np.take_along_axis(tangent, place, axis=-1))

        return _running(rule, axis, x, dx)

    return jvp


# --- Logsumexps: a maximum, and the sum of exp(x - maximum) but for the 1 that the maximum adds -----------------------


def _logcumsumexp(x: Array, *, axis: int = -1) -> Array:
    def rule(line: Array) -> Array:
        top, others = _scan(_sum_of_exponentials, (line, np.zeros_like(line)))
        return np.asarray(top + np.log1p(others))

    return _running(rule, axis, x)


def _logcumsumexp_jvp(x: Array, dx: Array, *, axis: int) -> Array:
    def rule(line: Array, tangent: Array) -> Array:
        top, others, mean = _scan(_sum_of_exponentials, (line, np.zeros_like(line), tangent))
        undecided = np.isnan(top) | (np.isinf(top) & (others > 0))  # several entries share an infinite maximum
        return np.where(undecided, np.nan, mean / (1 + others))

    return _running(rule, axis, x, dx)


def _sum_of_exponentials(before: Parts, after: Parts) -> Parts:
    """Combine a maximum, the sum of the other exponentials, and, if there is one, a sum weighted by all of them."""
    with np.errstate(invalid="ignore"):  # inf - inf
        gap, rest = difference(before[0], after[0])
    gap = np.where(before[0] == after[0], 0.0, gap)
    rest = np.where(np.isfinite(rest), rest, 0.0)
    e = np.exp(-np.abs(gap))
    e = e - e * np.copysign(1.0, gap) * rest
    falls = gap >= 0  # the maximum is the earlier one
    others = np.where(falls, before[1] + (1 + after[1]) * e, after[1] + (1 + before[1]) * e)
    sums = (np.where(falls, a + b * e, b + a * e) for a, b in zip(before[2:], after[2:], strict=True))
    return (np.maximum(before[0], after[0]), others, *sums)


CUMULATIVE = (
    Entry(
        name="cumsum",
        aliases=("cumulative_sum",),
        kind="row-wise",
        formula="x_1 + ... + x_i",
        latex=r"\sum_{j \le i} x_j",
        value=_cumsum,
        jvp=lambda x, dx, **parameters: _cumsum(dx, **parameters),  # noqa: ARG005
        derivative_formula="dx_1 + ... + dx_i",
        properties=("lower-triangular",),
        note="numpy and keras flatten if no axis is named, tf takes axis 0; exclusive and reverse are tf's",
    ),
    Entry(
        name="cumprod",
        aliases=("cumulative_product",),
        kind="row-wise",
        formula="x_1 * ... * x_i",
        latex=r"\prod_{j \le i} x_j",
        value=_cumprod,
        jvp=_cumprod_jvp,
        derivative_formula="p_1 * dx_1 + ... + p_i * dx_i, p_j = product of x_1 to x_i but x_j",
        properties=("lower-triangular",),
        note="prefixes that overflow or vanish do not spoil those after them; tf's derivative is wrong beside a zero",
    ),
    Entry(
        name="cummax",
        aliases=("cumulative_max",),
        kind="row-wise",
        formula="max(x_1, ..., x_i)",
        latex=r"\max_{j \le i} x_j",
        value=_cummax,
        jvp=_latest(_cummax),
        derivative_formula="dx_j, the last j <= i such that x_j = max(x_1, ..., x_i)",
        properties=("lower-triangular",),
        note="of equal entries the latest counts, as in torch; jax shares among them, halving again and again",
    ),
    Entry(
        name="cummin",
        aliases=("cumulative_min",),
        kind="row-wise",
        formula="min(x_1, ..., x_i)",
        latex=r"\min_{j \le i} x_j",
        value=_cummin,
        jvp=_latest(_cummin),
        derivative_formula="dx_j, the last j <= i such that x_j = min(x_1, ..., x_i)",
        properties=("lower-triangular",),
        note="of equal entries the latest counts, as in torch; jax shares among them, halving again and again",
    ),
    Entry(
        name="logcumsumexp",
        aliases=("cumlogsumexp", "cumulative_logsumexp"),
        kind="row-wise",
        formula="log(exp(x_1) + ... + exp(x_i))",
        latex=r"\log \sum_{j \le i} e^{x_j}",
        value=_logcumsumexp,
        jvp=_logcumsumexp_jvp,
        derivative_formula="s_1 * dx_1 + ... + s_i * dx_i, s = softmax(x_1, ..., x_i)",
        properties=("lower-triangular",),
        note="jax's cumlogsumexp and tf's take axis 0",
    ),
)
