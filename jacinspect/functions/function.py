"""A function with its analytic rule: what the catalogue hands to the inspection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import InputError

__all__ = ["Array", "Function"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Function:
    """A differentiable function of one array, its parameters bound.

    `value` maps an array of shape `x.shape` to the output array; `jvp(x, dx)` maps a point and a tangent of the same
    shape to the tangent of the output. An element-wise function gives its `derivative` instead, f'(x) of x's shape, and
    its jvp is the Hadamard product f'(x) ⊙ dx. The declared `kind` is for people to read; no measurement uses it.
    """

    name: str
    kind: str  # "elementwise", "row-wise", "shape-changing"
    value: Callable[[Array], Array]
    derivative: Callable[[Array], Array] | None = None
    rule: Callable[[Array, Array], Array] | None = None  # the jvp of a function that is not element-wise
    parameters: Mapping[str, float] = field(default_factory=dict)  # all of them, in declared order, with their values
    formula: str = ""
    derivative_formula: str = ""
    source: str = "catalogue"

    def __call__(self, x: Array) -> Array:
        """f(x), an array; x is any real array."""
        return self.value(np.asarray(x))

    def jvp(self, x: Array, dx: Array) -> Array:
        """Push the tangent dx (x's shape) through f at x; gives the output's shape.

        Raises
        ------
        InputError
            If the shapes of x and dx differ.
        TypeError
            If the function has no analytic rule.
        """
        x, dx = np.asarray(x), np.asarray(dx)
        if dx.shape != x.shape:
            raise InputError(f"a tangent of shape {dx.shape} does not fit an operand of shape {x.shape}")
        if self.rule is not None:
            return self.rule(x, dx)
        if self.derivative is None:
            raise TypeError(f"{self.name} has no analytic derivative")
        # A zero tangent selects nothing: 0 · inf would be NaN where the entry is not even read.
        slopes = np.where(dx == 0, 0.0, self.derivative(x))
        with np.errstate(over="ignore", under="ignore"):  # inf and 0 are the answers there
            return np.asarray(slopes * dx)
