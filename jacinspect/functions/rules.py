"""The analytic rules of a function: slopes, a jvp, a vjp, or a claimed derivative; and those of second order.

Each rule of several operands can be restricted to one of them, the others being fixed: `by(place, operands)`, in which
`place` counts from 0 and the value of the open operand, one of `Operands`, is not read. Next: derivative.py.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from jacinspect.functions.by_operand import Array, Operands, fix
from jacinspect.records import dataclass, replace

__all__ = ["Array", "Claim", "Jvp", "NoSecondDerivativeError", "Rule", "Second", "Slopes", "Vjp", "copied"]


@dataclass(frozen=True)
class Slopes:
    """The derivatives of an element-wise function, one by each operand.

    Each is a function of all operands and gives an array of the output's shape. The jvp is the sum of the Hadamard
    products ∂f/∂x ⊙ dx.
    """

    partials: tuple[Callable[..., Array], ...]

    def by(self, place: int, operands: Operands) -> "Slopes":
        """Return the derivative by one operand."""
        return Slopes((fix(self.partials[place], place, operands),))

    def jvp(self, operands: Sequence[Array], tangents: Sequence[Array | None]) -> Array:
        """Push a tangent of each operand, None where it does not move; at least one moves."""
        total: Array | None = None
        for slope, tangent in zip(self.partials, tangents, strict=True):
            if tangent is None:
                continue
            # A zero tangent selects nothing: 0 · inf would be NaN where the entry is not even read.
            slopes = np.where(tangent == 0, 0.0, slope(*operands))
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # they give inf and 0 there
                term = np.asarray(slopes * tangent)
                total = term if total is None else total + term
        assert total is not None
        return total


@dataclass(frozen=True)
class Jvp:
    """Forward mode: `push(x, y, …, dx, dy, …)` takes the operands and their tangents to the tangent of the output."""

    push: Callable[..., Array]
    name: str = "jvp"
    order: int = 1  # 2 where it differentiates a backward, and is tried only where a second derivative is asked for

    def by(self, place: int, operands: Operands) -> "Jvp":
        """Return the rule in which one operand alone has a tangent."""
        if len(operands) == 1:
            return self

        def push(x: Array, dx: Array) -> Array:
            point = operands.at([place], [x])
            return self.jvp(point, [dx if k == place else None for k in range(len(point))])

        return replace(self, push=push)

    def jvp(self, operands: Sequence[Array], tangents: Sequence[Array | None]) -> Array:
        """Push a tangent of each operand, None where it does not move."""
        given = [np.zeros(np.shape(x)) if dx is None else dx for x, dx in zip(operands, tangents, strict=True)]
        return self.push(*operands, *given)


@dataclass(frozen=True)
class Vjp:
    """Reverse mode: `pull(x, y, …, dA)` takes the operands and a cotangent of the output to the operands' cotangents.

    They are a tuple; that of the only operand need not be in one.
    """

    pull: Callable[..., Any]
    name: str = "vjp"
    order: int = 1  # as of a Jvp

    def by(self, place: int, operands: Operands) -> "Vjp":
        """Return the rule that gives the cotangent of one operand."""
        pull = fix(self.pull, place, operands)

        def pull_by(*arguments: Any) -> Any:
            given = pull(*arguments)
            return given[place] if isinstance(given, tuple) else given

        return replace(self, pull=pull_by)


@dataclass(frozen=True)
class Claim:
    """A derivative of the user's own, which is to be checked.

    `derivative` takes the operands, and as a "jvp" or a "vjp" a tangent or a cotangent after them; it may give a tuple
    with an entry for each operand. It is read by the shape of what it returns (claims.py), unless `kind`, one of
    `choices.DerivativeKind`, is given. `adapt` is for code that may take a framework's arrays: given arguments
    to try it on, it returns the derivative as a function of numpy's.
    """

    derivative: Callable[..., Any]
    kind: str | None = None
    adapt: Callable[[Sequence[Array]], Callable[..., Any]] | None = None
    takes: int = 0  # how many arguments it requires, where that is known
    outputs: int = 0  # as a vjp, of so many of the function's outputs alone, the first ones; 0 of all
    numbers: str = ""  # what they are called where it is numbers, which hold at one X alone, and no code
    # The claim for the operands that are open, from 0, where its tangents depend on these.
    of: Callable[[Sequence[int]], "Claim"] | None = None
    # Of what is returned for each operand, selects what is for the open ones, once it is not read as rows of a matrix.
    select: Callable[[Any], Any] = lambda given: given
    # The same of each of the fixed operands, by its place, from 0.
    select_for_fixed: tuple[tuple[int, Callable[[Any], Any]], ...] = ()

    def at(self, arguments: Sequence[Array]) -> Callable[..., Any]:
        """Return the derivative as a function of numpy arrays like these."""
        return self.derivative if self.adapt is None else self.adapt(arguments)

    def at_places(self, opened: Sequence[int]) -> "Claim":
        """Return the claim for the operands that are open, from 0."""
        return self if self.of is None else self.of(opened)

    def then(self, step: Callable[[Any], Any]) -> "Claim":
        """Return the claim of what a step makes of each result."""

        def stepped(derivative: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *given: step(derivative(*given))

        adapt = self.adapt and (lambda arguments: stepped(self.at(arguments)))
        return replace(self, derivative=stepped(self.derivative), adapt=adapt)

    def by(self, place: int, operands: Operands) -> "Claim":
        """Return the derivative by one operand."""
        if self.of is not None:
            return self.of([place]).by(place, operands)

        def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
            x, *tangent = arguments
            return restricted(self.at([*operands.at([place], [x]), *tangent]))

        def restricted(derivative: Callable[..., Any]) -> Callable[..., Any]:
            fixed = fix(derivative, place, operands)
            return fixed if self.kind != "vjp" else lambda *arguments: select(fixed(*arguments))

        def select(given: Any, place: int = place) -> Any:
            entries = operands.entries(given, [place]) if isinstance(given, tuple) else None
            entry = given if entries is None else entries[0]
            alone = self.kind == "vjp" and isinstance(entry, tuple) and len(entry) == 1
            return entry[0] if alone else entry  # a backward may leave out the Nones after it

        others = tuple((other, partial(select, place=other)) for other in range(len(operands)) if other != place)
        derivative = restricted(self.derivative)
        return replace(self, derivative=derivative, adapt=self.adapt and adapt, select=select, select_for_fixed=others)


Rule = Slopes | Jvp | Vjp | Claim


class NoSecondDerivativeError(Exception):
    """A function is built of one whose second derivative is not known."""


@dataclass(frozen=True)
class Second:
    """A second-order rule: the Hessian of w·f, w being a cotangent of the output, times a vector.

    `product(x, y, …, w, dx, dy, …)` takes the operands, w, and a vector for each operand, and gives a tuple with a
    vector for each; that of the only operand need not be in one. `pulls` is whether the vector is a cotangent of the
    gradient, as in a backward of a backward; else it is a tangent of the operand.
    """

    product: Callable[..., Any]
    name: str
    pulls: bool = False

    def by(self, place: int, operands: Operands) -> "Second":
        """Return the rule of one operand, `product(x, w, dx)`."""

        def product(x: Array, w: Array, dx: Array) -> Any:
            point = operands.at([place], [x])
            vectors = [dx if k == place else np.zeros(np.shape(each)) for k, each in enumerate(point)]
            given = self.product(*point, w, *vectors)
            return given[place] if isinstance(given, tuple) else given

        return replace(self, product=product)


def copied(array: Array) -> Array:
    """Copy an array with its strides, so that a rule meets the memory layout that its caller chose.

    Entries that share memory, as broadcasting makes them, get memory of their own: a rule may write into its copy.
    """
    if 0 in array.strides or not array.size:
        return array.copy()
    reach = 1 + sum((n - 1) * (step // array.itemsize) for n, step in zip(array.shape, array.strides, strict=True))
    copy: Array = np.ndarray(array.shape, array.dtype, np.zeros(reach, array.dtype), strides=array.strides)
    copy[...] = array
    return copy
