"""A function of several operands, opened at some of them: the rest fixed, and the open ones laid end to end.

In: which operands are open, and a value for each. Out: the function and its rule as those of one vector. One open
operand alone is a matter of rules.py. Next: function.py.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from jacinspect.functions.by_operand import Operands, as_rows, entries_of
from jacinspect.functions.rules import Array, Claim, Jvp, Rule, Second, Slopes, Vjp
from jacinspect.operands.bundle import Bundle
from jacinspect.records import dataclass, replace

__all__ = ["Opened", "claimed_together"]


@dataclass(frozen=True, eq=False)
class Opened:
    """The operands of a function, in order; those at `places`, from 0, are open and make up the `bundle`, in its order.

    Of an open operand, only the shape counts.
    """

    operands: Operands
    places: tuple[int, ...]
    bundle: Bundle

    def point(self, x: Array) -> list[Array]:
        """Return all operands, the open ones taken from the vector x."""
        return self.operands.at(self.places, self.bundle.split(x))

    def value(self, value: Callable[..., Any]) -> Callable[[Array], Any]:
        """Return a function of all operands as one of the vector."""
        return lambda x: value(*self.point(x))

    def rule(self, rule: Rule | None) -> Rule | None:
        """Return the rule of a function of all operands as one of the vector."""
        match rule:
            case Claim():
                return self.claim(rule)
            case Jvp() | Vjp():
                return self.autodiff(rule)
            case Slopes():
                return Jvp(lambda x, dx: rule.jvp(self.point(x), self._tangents(dx)))
        return None

    def autodiff(self, rule: Jvp | Vjp) -> Jvp | Vjp:
        """Return a rule that pushes tangents, or pulls cotangents, of all operands as one of the vector."""
        if isinstance(rule, Jvp):
            return replace(rule, push=lambda x, dx: rule.jvp(self.point(x), self._tangents(dx)))
        return replace(rule, pull=lambda x, da: self.bundle.join(self._open(rule.pull(*self.point(x), da))))

    def second(self, rule: Second) -> Second:
        """Return a second-order rule of all operands as one of the vector."""

        def product(x: Array, w: Array, dx: Array) -> Array:
            point, tangents = self.point(x), self._tangents(dx)
            vectors = [np.zeros(np.shape(y)) if v is None else v for y, v in zip(point, tangents, strict=True)]
            return self.bundle.join(self._open(rule.product(*point, w, *vectors)))

        return replace(rule, product=product)

    def _tangents(self, dx: Array) -> list[Array | None]:
        tangents: list[Array | None] = [None] * len(self.operands)
        for place, part in zip(self.places, self.bundle.split(dx), strict=True):
            tangents[place] = part
        return tangents

    def _open(self, given: Any) -> Any:
        """Of what a derivative returned for each of all operands, keep what is for the open ones."""
        entries = self.operands.entries(given, self.places)
        return given if entries is None else entries

    def claim(self, claim: Claim) -> Claim:
        """Return a derivative of all operands as one of the vector."""
        claim = claim.at_places(self.places)

        def restricted(derivative: Callable[..., Any]) -> Callable[..., Any]:
            def of_vector(x: Array, *tangent: Any) -> Any:
                parts = self.bundle.split(tangent[0]) if claim.kind == "jvp" else tangent
                given = derivative(*self.point(x), *parts)
                return self._open(given) if claim.kind == "vjp" else given

            return of_vector

        def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
            x, *tangent = arguments
            parts = self.bundle.split(tangent[0]) if claim.kind == "jvp" else tangent
            return restricted(claim.at([*self.point(x), *parts]))

        return Claim(restricted(claim.derivative), claim.kind, claim.adapt and adapt, claim.takes, select=self._open)


def claimed_together(
    rule: Rule | None, operands: Sequence[Array], places: Sequence[int], output: Callable[[], Any]
) -> tuple[int, ...]:
    """Find the operands, more than those at `places`, from 0, that a claimed matrix has a column for each entry of.

    A model's jac(xdata, a, b, c) gives the columns of all its parameters, which are all operands but the first: these
    are tried first, and all operands next. Empty if there are none.
    """
    if not isinstance(rule, Claim) or rule.kind not in (None, "jacobian") or len(operands) == 1:
        return ()
    try:
        returned = rule.at(operands)(*(operand.copy() for operand in operands))
        rows = as_rows(returned)
        if rows is not None and entries_of(returned) == "operands":
            return ()
        given = tuple(getattr(returned if rows is None else rows, "shape", ()))
    except Exception:  # reported when the derivative is compared
        return ()
    ends = sorted(combinations(range(len(operands) + 1), 2), key=lambda end: (end[1] < len(operands), end[0] != 1, end))
    for first, last in ends:
        width = sum(operand.size for operand in operands[first:last])
        if not set(places) < set(range(first, last)) or given[-1:] != (width,) or not width:
            continue
        if width > sum(operands[place].size for place in places):
            shape = np.shape(output())
            if given in ((prod(shape), width), (*shape, width)):
                return tuple(range(first, last))
    return ()
