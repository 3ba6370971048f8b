"""A function with its analytic rule: what the catalogue, an expression or people's code is for the inspection.

One of several operands becomes, by `by`, a function of the one operand that its Jacobian is taken by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.broadcasting import require_broadcastable
from jacinspect.functions.rules import Array, Jvp, Rule, Slopes, Vjp, fix
from jacinspect.wording import format_shape

__all__ = ["Array", "Function", "Parameter"]

Parameter = float | bool | str | None


@dataclass(frozen=True)
class Function:
    """A differentiable function of one array or of several, its parameters bound.

    `value(x, y, …)` takes all operands and gives the output array; `rule` is the analytic derivative, in one of the
    forms of rules.py. An element-wise function, with broadcasting, has `Slopes`. The declared `kind` is for people to
    read; no measurement uses it.

    Only what `by` makes of it, a function of one operand, the others being `fixed`, can be inspected. People's own code
    may be written for numpy, torch or jax: `adapt`, given operands to try it on, returns the function with a value and
    a rule of numpy arrays.
    """

    name: str
    kind: str  # "elementwise", "binary" (element-wise of several operands), "row-wise", "reduction", …
    value: Callable[..., Array]
    rule: Rule | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  # all of them, in declared order
    formula: str = ""
    derivative_formula: str = ""
    latex: str = ""  # the formula, as LaTeX has it
    domain: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # the interval of an operand, if not all
    bends: tuple[float, ...] = ()  # where an element-wise function has a kink or a jump, as far as that is declared
    source: str = "catalogue"
    operands: tuple[str, ...] = ("x",)
    partial_formulas: tuple[str, ...] = ()  # of a function of several operands, one by each
    fixed: Mapping[str, Array] = field(default_factory=dict)  # the values of all operands but one, by name
    place: tuple[str, int] | None = None  # the file and line of the definition, of people's own code
    adapt: Callable[["Function", Sequence[Array]], "Function"] | None = None
    others: tuple[Jvp | Vjp, ...] = ()  # the function's own rules beside `rule`: forward mode beside a backward

    def __call__(self, *operands: Array) -> Array:
        """f(x) or f(x, y, …), an array; operands are any real arrays."""
        return self.value(*map(np.asarray, operands))

    @property
    def derivative(self) -> Callable[..., Array] | None:
        """The derivative f' of an element-wise function of one operand: f'(x) has the output's shape. Else None."""
        return self.rule.partials[0] if isinstance(self.rule, Slopes) and len(self.rule.partials) == 1 else None

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

    def domain_of(self, place: int) -> tuple[float, float]:
        """Return the closed interval in which the operand at a place, from 1, is declared to be defined."""
        return self.domain.get(self.operands[place - 1], (-np.inf, np.inf))

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
        if self.adapt is not None:
            return self.adapt(self, operands).by(wrt, operands)
        if len(operands) == 1:
            return replace(self, rule=self.rule and self.rule.by(place, operands))
        if self.kind == "binary":
            require_broadcastable(self.name, self.operands, [np.shape(operand) for operand in operands])
        fixed = [np.asarray(operand).view() for operand in operands]
        for operand in fixed:  # a function that writes into one of these would be another at the next call
            operand.flags.writeable = False
        return replace(
            self,
            value=fix(self.value, place, fixed),
            rule=self.rule and self.rule.by(place, fixed),
            others=tuple(rule.by(place, fixed) for rule in self.others),
            derivative_formula=self.partial_formulas[place] if self.partial_formulas else self.derivative_formula,
            partial_formulas=(),
            fixed={name: operands[k] for k, name in enumerate(self.operands) if k != place},
        )

    def push(self, operands: Sequence[Array], tangents: Sequence[Array | None]) -> Array:
        """Push a tangent of each operand (its shape; None where it does not move) through f; gives the output's shape.

        At least one operand moves.

        Raises
        ------
        TypeError
            If the function has no rule that pushes tangents.
        """
        if not isinstance(self.rule, Slopes | Jvp):
            raise TypeError(f"{self.name} has no analytic derivative")
        return self.rule.jvp(operands, tangents)

    def jvp(self, x: Array, dx: Array) -> Array:
        """Push the tangent dx (x's shape) through f at x; gives the output's shape.

        Raises
        ------
        InputError
            If the shapes of x and dx differ.
        TypeError
            If the function has no rule that pushes tangents.
        """
        x, dx = np.asarray(x), np.asarray(dx)
        if dx.shape != x.shape:
            raise InputError(
                f"a tangent of shape {format_shape(dx.shape)} does not fit the operand's {format_shape(x.shape)}"
            )
        return self.push([x], [dx])
