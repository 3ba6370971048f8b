"""The algebraic activations, made of quotients and square roots: a table in which value and derivative stand together.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays.
"""

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import LARGEST
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["ALGEBRAIC"]

_SMALL = 1e-9  # below it q and q/√(1 + q²) are one, and x itself has more digits than a subnormal q
_FAR = 1e200  # beyond it, √(1 + q²) is |q|


def _softsign(x: Array) -> Array:
    x = np.clip(x, -LARGEST, LARGEST)
    return np.asarray(x / (1.0 + np.abs(x)))


def _isru(x: Array, *, alpha: float = 1.0) -> Array:
    t = np.clip(np.sqrt(alpha) * x, -_FAR, _FAR)
    return np.where(np.abs(t) < _SMALL, x, t / np.hypot(1.0, t) / np.sqrt(alpha))


def _isru_derivative(x: Array, *, alpha: float) -> Array:
    return np.asarray((1.0 / np.hypot(1.0, np.clip(np.sqrt(alpha) * x, -_FAR, _FAR))) ** 3)


def _isrlu(x: Array, *, alpha: float = 1.0) -> Array:
    return np.where(x >= 0, x, _isru(x, alpha=alpha))


def _bent(x: Array) -> tuple[Array, Array]:
    """Return x and √(1 + x²), both clipped where only their ratio counts."""
    x = np.clip(x, -_FAR, _FAR)
    return x, np.hypot(1.0, x)


def _bent_identity(x: Array) -> Array:
    near, root = _bent(x)
    return np.asarray(x * (1.0 + near / (2.0 * (root + 1.0))))


def _bent_identity_derivative(x: Array) -> Array:
    near, root = _bent(x)
    return np.asarray(1.0 + 0.5 * (near / root))


def _squareplus(x: Array, *, b: float = 4.0) -> Array:
    far = 0.5 * np.abs(x) + 0.5 * np.hypot(x, np.sqrt(b))
    return np.where(x >= 0, far, 0.25 * b / far)


def _squareplus_derivative(x: Array, *, b: float) -> Array:
    x = np.clip(x, -LARGEST, LARGEST)
    return np.asarray(_squareplus(x, b=b) / np.hypot(x, np.sqrt(b)))


ALGEBRAIC = (
    Entry(
        name="softsign",
        formula="x / (1 + abs(x))",
        latex=r"\frac{x}{1 + |x|}",
        value=_softsign,
        derivative=lambda x: (1.0 / (1.0 + np.abs(x))) ** 2,
        derivative_formula="1 / (1 + abs(x))**2",
        properties=("odd",),
        source="Turian, Bergstra & Bengio 2009",
    ),
    Entry(
        name="isru",
        formula="x / sqrt(1 + alpha * x**2)",
        latex=r"\frac{x}{\sqrt{1 + \alpha x^2}}",
        value=_isru,
        derivative=_isru_derivative,
        derivative_formula="(1 + alpha * x**2)**-1.5",
        positive=("alpha",),
        properties=("odd",),
        source="Carlile, Delamarter, Kinney, Marti & Whitney 2017",
    ),
    Entry(
        name="isrlu",
        formula="x if x >= 0 else x / sqrt(1 + alpha * x**2)",
        latex=r"\begin{cases} x & x \ge 0 \\ \frac{x}{\sqrt{1 + \alpha x^2}} & \text{otherwise} \end{cases}",
        value=_isrlu,
        derivative=lambda x, *, alpha: _isru_derivative(np.minimum(x, 0.0), alpha=alpha),
        derivative_formula="1 if x >= 0 else (1 + alpha * x**2)**-1.5",
        positive=("alpha",),
        source="Carlile, Delamarter, Kinney, Marti & Whitney 2017",
    ),
    Entry(
        name="bent_identity",
        formula="(sqrt(x**2 + 1) - 1) / 2 + x",
        latex=r"\frac{\sqrt{x^2 + 1} - 1}{2} + x",
        value=_bent_identity,
        derivative=_bent_identity_derivative,
        derivative_formula="1 + x / (2 * sqrt(x**2 + 1))",
    ),
    Entry(
        name="squareplus",
        formula="(x + sqrt(x**2 + b)) / 2",
        latex=r"\frac{x + \sqrt{x^2 + b}}{2}",
        value=_squareplus,
        derivative=_squareplus_derivative,
        derivative_formula="(1 + x / sqrt(x**2 + b)) / 2",
        positive=("b",),
        source="Barron 2021",
    ),
)
