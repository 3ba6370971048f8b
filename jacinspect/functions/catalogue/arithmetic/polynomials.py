"""Values of polynomials, as numpy.polynomial computes them, whose import takes longer than that of a table."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["chebyshev", "polynomial"]

Array: TypeAlias = NDArray[Any]


def polynomial(x: Array, coefficients: Sequence[float] | Array) -> Array:
    """Return c₀ + c₁x + c₂x² + …, by Horner's scheme."""
    value = np.full_like(x, coefficients[-1], np.float64)
    for coefficient in coefficients[-2::-1]:
        value = coefficient + value * x
    return value


def chebyshev(x: Array, coefficients: Sequence[float] | Array) -> Array:
    """Return c₀ + c₁T₁(x) + c₂T₂(x) + …, of two coefficients at least, by Clenshaw's scheme."""
    before, value = np.asarray(coefficients[-2]), np.asarray(coefficients[-1])
    for coefficient in coefficients[-3::-1]:
        before, value = coefficient - value, before + value * (2 * x)
    return np.asarray(before + value * x)
