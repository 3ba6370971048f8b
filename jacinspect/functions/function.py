"""A function with its analytic rule: what the catalogue hands to the inspection.

One of several operands becomes, by `by`, a function of the one operand that its Jacobian is taken by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import InputError
from jacinspect.functions.broadcasting import require_broadcastable
from jacinspect.wording import format_shape

__all__ = ["Array", "Function", "NoForwardRuleError", "Parameter"]

Array = NDArray[Any]
Parameter = float | bool | str | None


class NoForwardRuleError(TypeError):
    """What a `rule` raises where a function turns out to have a vjp alone."""


@dataclass(frozen=True)
class Function:
    """A differentiable function of one array or of several, its parameters bound.

    `value` maps an array of shape `x.shape` to the output array; `jvp(x, dx)` maps a point and a tangent of the same
    shape to the tangent of the output. An element-wise function gives its `derivative` instead, f'(x) of the output's
    shape, and its jvp is the Hadamard product f'(x) ⊙ dx. The declared `kind` is for people to read; no measurement
    uses it.

    Of several `operands`, `value(x, y, …)` takes them all. If it is element-wise, with broadcasting, `partials` has a
    derivative for each, of all operands and the output's shape; if not, `rule(x, y, …, dx, dy, …)` pushes a tangent of
    each.

    A framework's function has a `vjp(x, dA)` that pulls a cotangent of the output back, perhaps beside a rule.
    Somebody's own derivative is a `claim` of the same operands, whose result is told apart by its shape unless
    `claim_kind` says what it is; as "jvp" or "vjp" it takes a tangent or a cotangent after the operands (see
    derivative.py). A claim is taken in place of every other rule. A vjp or a claim may give a tuple with an entry for
    each operand.

    Only what `by` makes of it, a function of one operand, the others being `fixed`, can be inspected.
    """

    name: str
    kind: str  # "elementwise", "row-wise", "reduction", "shape-changing", "binary"
    value: Callable[..., Array]
    derivative: Callable[..., Array] | None = None
    rule: Callable[..., Array] | None = None  # the jvp of a function that is not element-wise
    vjp: Callable[..., Array] | None = None
    claim: Callable[..., Any] | None = None
    claim_kind: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  # all of them, in declared order
    formula: str = ""
    derivative_formula: str = ""
    latex: str = ""  # the formula, as LaTeX has it
    domain: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # the interval of an operand, if not all
    source: str = "catalogue"
    operands: tuple[str, ...] = ("x",)
    partials: tuple[Callable[..., Array], ...] = ()
    partial_formulas: tuple[str, ...] = ()
    fixed: Mapping[str, Array] = field(default_factory=dict)  # the values of all operands but one, by name
    place: tuple[str, int] | None = None  # the file and line that somebody's own code is defined at
    tried: Callable[["Function", Sequence[Array]], "Function"] | None = None  # itself, once it is tried on operands

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
        if self.tried is not None:
            return self.tried(self, operands).by(wrt, operands)
        claim, vjp = (rule and _of_operand(rule, place, len(operands)) for rule in (self.claim, self.vjp))
        if len(operands) == 1:
            return replace(self, claim=claim, vjp=vjp)
        if self.partials:
            require_broadcastable(self.name, self.operands, [np.shape(operand) for operand in operands])
        fixed = [np.asarray(operand).view() for operand in operands]
        for operand in fixed:  # a function that writes into one of these would be another at the next call
            operand.flags.writeable = False
        before, after = fixed[:place], fixed[place + 1 :]

        def fix(rule: Callable[..., Any]) -> Callable[..., Any]:
            return lambda x, *tangent: rule(*before, x, *after, *tangent)

        def push(x: Array, dx: Array) -> Array:
            return self.push([*before, x, *after], [dx if k == place else None for k in range(len(operands))])

        derivative = self.partials[place] if self.partials else self.derivative
        return replace(
            self,
            value=fix(self.value),
            derivative=derivative and fix(derivative),
            rule=self.rule and push,
            vjp=vjp and fix(vjp),
            claim=claim and fix(claim),
            derivative_formula=self.partial_formulas[place] if self.partial_formulas else self.derivative_formula,
            partials=(),
            partial_formulas=(),
            fixed={name: operands[k] for k, name in enumerate(self.operands) if k != place},
        )

    def claiming(self, derivative: Callable[..., Any], kind: str | None = None, formula: str = "") -> "Function":
        """Return this function with somebody's own derivative, to be checked in place of every other rule."""
        return replace(self, claim=derivative, claim_kind=kind, derivative_formula=formula, partial_formulas=())

    def push(self, operands: Sequence[Array], tangents: Sequence[Array | None]) -> Array:
        """Push a tangent of each operand (its shape; None where it does not move) through f; gives the output's shape.

        At least one operand moves.

        Raises
        ------
        TypeError
            If the function has no analytic rule.
        """
        if self.rule is not None:
            still = [np.zeros(np.shape(x)) if dx is None else dx for x, dx in zip(operands, tangents, strict=True)]
            return self.rule(*operands, *still)
        rules = self.partials or (self.derivative,)
        total: Array | None = None
        for rule, tangent in zip(rules, tangents, strict=True):
            if tangent is None:
                continue
            if rule is None:
                raise TypeError(f"{self.name} has no analytic derivative")
            # A zero tangent selects nothing: 0 · inf would be NaN where the entry is not even read.
            slopes = np.where(tangent == 0, 0.0, rule(*operands))
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # inf and 0 are the answers there
                term = np.asarray(slopes * tangent)
                total = term if total is None else total + term
        assert total is not None
        return total

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
        return self.push([x], [dx])


def _of_operand(derivative: Callable[..., Any], place: int, number: int) -> Callable[..., Any]:
    """Wrap a derivative that may give a tuple, an entry for each operand, so that it gives that at a place."""

    def derivative_by(*operands: Any) -> Any:
        given = derivative(*operands)
        return given[place] if isinstance(given, tuple) and len(given) == number else given

    return derivative_by
