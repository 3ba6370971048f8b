"""Sums and products whose rounding error is known: for exponents, where an absolute error becomes a relative one.

exp(p) of a rounded p is off by |p| half-ulps: 350 of them where p is near -700. Multiplying by 1 + remainder mends it.
"""

import numpy as np

from jacinspect.functions.function import Array

__all__ = ["difference", "product"]


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


def _upper_half(x: Array) -> Array:
    """Clear the lower 27 of the 53 bits of x, so that products of halves are exact; cannot overflow."""
    return (x.view(np.int64) & -(2**27)).view(np.float64)
