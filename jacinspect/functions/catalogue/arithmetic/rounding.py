"""Sums and products whose rounding error is known: for exponents, where an absolute error becomes a relative one.

exp(p) of a rounded p is off by |p| half-ulps: 350 of them for p near -700. Multiplying by 1 + remainder corrects it.
"""

import numpy as np

from jacinspect.functions.function import Array

__all__ = ["LARGEST", "LOG_2", "difference", "half_exponential", "product", "quotient"]

LARGEST = float(np.finfo(np.float64).max)  # infinities are clipped to it where inf / inf or inf · 0 would be NaN
LOG_2 = 0.6931471805599453  # the natural logarithm of 2
_EXPONENT = 1500.0  # where every exponential, and every square root of one, has reached its limit


def difference(a: Array, b: Array) -> tuple[Array, Array]:
    """Split a - b into the rounded difference and what it lacks (Knuth 1969, TwoSum); float64, shapes may broadcast."""
    rounded = a - b
    taken = rounded - a
    return rounded, (a - (rounded - taken)) - (b + taken)


def product(a: Array, b: Array) -> tuple[Array, Array]:
    """Split a · b into the rounded product and what it lacks (Dekker 1971); float64, shapes may broadcast."""
    rounded = a * b
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    return rounded, ((a_high * b_high - rounded) + a_high * b_low + a_low * b_high) + a_low * b_low


def quotient(a: Array, b: float) -> tuple[Array, Array]:
    """Split a / b, for b > 0, into the rounded quotient and what it lacks; the quotient is clipped at ±1500."""
    bound = min(_EXPONENT * b, LARGEST)
    a = np.clip(a, -bound, bound)
    rounded = a / b
    back, lacking = product(rounded, np.asarray(b))
    return rounded, np.asarray(((a - back) - lacking) / b)


def half_exponential(x: Array, beta: float) -> tuple[Array, Array, Array]:
    """Return p = βx, what it lacks, and exp(-|βx|/2): two factors of it do not underflow as exp(-|βx|) does.

    p is clipped at ±1500, where every exponential has reached its limit, so that nothing built of it overflows.
    """
    bound = min(_EXPONENT / abs(beta), LARGEST) if beta else LARGEST
    p, rest = product(np.asarray(beta), np.clip(x, -bound, bound))
    return p, rest, np.exp(-0.5 * np.abs(p)) * (1.0 - 0.5 * np.sign(p) * rest)


def _upper_half(x: Array) -> Array:
    """Clear the lower 27 of the 53 bits of x, so that products of halves are exact; cannot overflow."""
    return (x.view(np.int64) & -(2**27)).view(np.float64)
