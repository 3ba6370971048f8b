"""Gates g(b) and their slopes as mantissas and powers of two, so that a · g(b) is right where g(b) underflows.

In: b. Out, to shaping.py: for each gate the parts of g(b), those of g'(b), and whether g is 0 all around b; `joined`
multiplies parts. For b far below 0, exp(b) underflows although a · exp(b) is an ordinary number.
"""

from collections.abc import Callable

import numpy as np

from jacinspect.functions.catalogue.arithmetic.normal import DENSITY_AT_0, mills_ratio, mills_ratio_minus_t
from jacinspect.functions.catalogue.arithmetic.rounding import product
from jacinspect.functions.catalogue.gated import silu_numerator
from jacinspect.functions.function import Array

__all__ = ["Gate", "Parts", "gelu", "identity", "joined", "relu", "sigmoid", "silu"]

Parts = tuple[Array, Array]
GateAndSlope = tuple[Parts, Parts, Array | bool]
Gate = Callable[[Array], GateAndSlope]

_LN2, _LN2_REST = 0.6931471803691238, 1.9082149292705877e-10  # the first has 21 zeros at its end, for exact multiples
_POWERS = 5000  # of two: far past those where ldexp gives 0 or inf
_FARTHEST = 3000.0  # where exp(-p), times the two largest doubles, is 0


def joined(*factors: Parts) -> Array:
    """Multiply mantissas in [½, 1) and their powers of two; 0 · inf is NaN, without a warning."""
    mantissa, power = np.ones(()), np.zeros((), int)
    with np.errstate(invalid="ignore"):
        for m, p in factors:
            mantissa, carried = np.frexp(mantissa * m)
            power = power + p + carried
        return np.asarray(np.ldexp(mantissa, np.clip(power, -_POWERS, _POWERS)))


def identity(b: Array) -> GateAndSlope:
    """Return b and 1."""
    return np.frexp(b), np.frexp(np.where(np.isnan(b), b, 1.0)), False


def relu(b: Array) -> GateAndSlope:
    """Return max(b, 0), and 1 where b > 0, else 0."""
    return np.frexp(np.maximum(b, 0.0)), np.frexp(np.where(np.isnan(b), b, np.where(b > 0, 1.0, 0.0))), b < 0


def sigmoid(b: Array) -> GateAndSlope:
    """Return s(b) = 1 / (1 + exp(-b)), and s(b) · s(-b)."""
    m, k = _decay(np.abs(b), np.zeros(()))
    e = np.ldexp(m, k)
    value = np.where(b >= 0, 1.0, m) / (1.0 + e), np.where(b >= 0, 0, k)
    return _parts(*value, b == -np.inf), _parts(m / (1.0 + e) ** 2, k, np.isinf(b)), False


def gelu(b: Array) -> GateAndSlope:
    """Return b · Φ(b), and Φ(b) + b · φ(b), by Mills' ratio."""
    t = np.minimum(np.abs(b), 80.0)  # exp(-t²/2) is exp(-3200) there: beyond _FARTHEST
    squared, rest = product(t, t)
    m, k = _decay(0.5 * squared, 0.5 * rest)
    ratio, excess = mills_ratio(t) * DENSITY_AT_0, mills_ratio_minus_t(t) * DENSITY_AT_0
    tail, slope_tail = ratio * m, excess * m
    share = np.where(b > 0, 1.0 - np.ldexp(tail, k), tail)
    slope = np.where(b > 0, 1.0 - np.ldexp(slope_tail, k), slope_tail)
    mantissa, carried = np.frexp(np.maximum(b, -80.0))
    power = np.where(b > 0, 0, k)
    return _parts(mantissa * share, power + carried, b == -np.inf), _parts(slope, power, b == -np.inf), False


def silu(b: Array, *, beta: float) -> GateAndSlope:
    """Return b · s(βb), and s(βb) · (1 + βb · s(-βb)); see gated.py for the latter."""
    bound = min(_FARTHEST / abs(beta), np.finfo(float).max) if beta else np.finfo(float).max
    p, rest = product(np.asarray(beta), np.clip(b, -bound, bound))
    m, k = _decay(np.abs(p), np.sign(p) * rest)
    e = np.ldexp(m, k)
    below = m * silu_numerator(p, rest) / (1.0 + e)
    slope = np.where(p > 0, 1.0 + p * e / (1.0 + e), below) / (1.0 + e)
    factor = np.where(p > 0, 1.0, m) / (1.0 + e)
    power = np.where(p > 0, 0, k)
    mantissa, carried = np.frexp(b)
    gone = np.isinf(b) & (p < 0)
    return _parts(mantissa * factor, power + carried, gone), _parts(slope, power, gone), False


def _decay(p: Array, rest: Array) -> Parts:
    """exp(-(p + rest)) for p >= 0 as a number near 1 and a power of two (Cody & Waite 1980)."""
    p = np.minimum(p, _FARTHEST)
    k = np.rint(np.where(np.isnan(p), 0.0, p / _LN2))
    reduced = (p - k * _LN2) - k * _LN2_REST
    return np.exp(-reduced) * (1.0 - rest), -k.astype(int)


def _parts(mantissa: Array, power: Array, zero: Array) -> Parts:
    mantissa, carried = np.frexp(np.where(zero, 0.0, mantissa))
    return mantissa, np.asarray(power + carried)
