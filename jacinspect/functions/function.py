"""A function with its analytic rule: what the catalogue hands to the inspection.

One of several operands becomes, by `by`, a function of the one operand that its Jacobian is taken by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import InputError, format_shape
from jacinspect.functions.broadcasting import require_broadcastable

__all__ = ["Array", "Function", "Parameter"]

Array = NDArray[Any]
Parameter = float | bool | str | None


@dataclass(frozen=True)
class Function:
    """A differentiable function of one array or of several, its parameters bound.

    `value` maps an array of shape `x.shape` to the output array; `jvp(x, dx)` maps a point and a tangent of the same
    shape to the tangent of the output. An element-wise function gives its `derivative` instead, f'(x) of the output's
    shape, and its jvp is the Hadamard product f'(x) ⊙ dx. The declared `kind` is for people to read; no measurement
    uses it.

    Of several `operands`, `value(x, y, …)` takes them all. If it is element-wise, with broadcasting, `partials` has a
    derivative for each, of all operands and the output's shape; if not, `rule(x, y, …, dx, dy, …)` pushes a tangent of
    each. Only what `by` makes of it, a function of one operand, the others being `fixed`, can be inspected.
    """

    name: str
    kind: str  # "elementwise", "row-wise", "reduction", "shape-changing", "binary"
    value: Callable[..., Array]
    derivative: Callable[..., Array] | None = None
    rule: Callable[..., Array] | None = None  # the jvp of a function that is not element-wise
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  # all of them, in declared order
    formula: str = ""
    derivative_formula: str = ""
    source: str = "catalogue"
    operands: tuple[str, ...] = ("x",)
    partials: tuple[Callable[..., Array], ...] = ()
    partial_formulas: tuple[str, ...] = ()
    fixed: Mapping[str, Array] = field(default_factory=dict)  # the values of all operands but one, by name

    def __call__(self, *operands: Array) -> Array:
        """f(x) or f(x, y, …), an array; operands are any real arrays."""
        return self.value(*map(np.asarray, operands))

    def position(self, wrt: int | str) -> int:
        """Find the place, from 1, of the operand named or numbered `wrt`.

        Raises
        ------
        InputError
            If there is no such operand.
        """
        places = {name: place for place, name in enumerate(self.operands, 1)}
        place = places.get(wrt, wrt) if isinstance(wrt, str) else wrt
        if place not in places.values():
            known = " and ".join(f"{name} ({place})" for name, place in places.items())
            raise InputError(f"{self.name} has no operand {wrt!r} to differentiate by; it has {known}")
        return int(place)

    def by(self, wrt: int | str, operands: Sequence[Array]) -> "Function":
        """Fix all operands but one, `wrt`, its name or its place from 1; gives a function of that one.

        Parameters
        ----------
        wrt
            The operand that stays open.
        operands
            A value for every operand, in order; of the open one, only the shape counts.

        Raises
        ------
        InputError
            If there is no such operand, there are more or fewer values than operands, or the operands of an
            element-wise function cannot be broadcast to one shape.
        """
        place = self.position(wrt) - 1
        if len(operands) != len(self.operands):
            takes = "one operand" if len(self.operands) == 1 else f"the operands {' and '.join(self.operands)}"
            raise InputError(f"{self.name} takes {takes}; the number given is {len(operands)}")
        if len(operands) == 1:
            return self
        if self.partials:
            require_broadcastable(self.name, self.operands, [np.shape(operand) for operand in operands])
        before, after = list(operands[:place]), list(operands[place + 1 :])

        def fix(rule: Callable[..., Array]) -> Callable[..., Array]:
            return lambda x: rule(*before, x, *after)

        def push(x: Array, dx: Array) -> Array:
            zeros = [np.zeros(np.shape(operand)) for operand in operands]
            assert self.rule is not None
            return self.rule(*before, x, *after, *zeros[:place], dx, *zeros[place + 1 :])

        derivative = self.partials[place] if self.partials else self.derivative
        return replace(
            self,
            value=fix(self.value),
            derivative=derivative and fix(derivative),
            rule=self.rule and push,
            derivative_formula=self.partial_formulas[place] if self.partial_formulas else self.derivative_formula,
            partials=(),
            partial_formulas=(),
            fixed={name: operands[k] for k, name in enumerate(self.operands) if k != place},
        )

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
            raise InputError(
                f"a tangent of shape {format_shape(dx.shape)} does not fit the operand's {format_shape(x.shape)}"
            )
        if self.rule is not None:
            return self.rule(x, dx)
        if self.derivative is None:
            raise TypeError(f"{self.name} has no analytic derivative")
        # A zero tangent selects nothing: 0 · inf would be NaN where the entry is not even read.
        slopes = np.where(dx == 0, 0.0, self.derivative(x))
        with np.errstate(over="ignore", under="ignore"):  # inf and 0 are the answers there
            return np.asarray(slopes * dx)
