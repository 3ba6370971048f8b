"""The vjps of the catalogue's matrix functions and losses, written as expressions. Next: partials.py.

In: a function, its operands and a cotangent w of its value. Out: an expression for each operand's cotangent, and the
arrays that its names stand for. What such a cotangent changes by, for the second order, is the expression's tangent.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from jacinspect.functions.catalogue.losses import class_axis, probabilities
from jacinspect.functions.expressions.evaluation import Part, push
from jacinspect.functions.expressions.grammar import parse
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.function import Array, Function

__all__ = ["Pullback", "pullback"]


class Pullback(NamedTuple):
    """Expressions in the function's operands and w, one by each operand, and the arrays that they are computed at."""

    formulas: tuple[str, ...]
    operands: tuple[str, ...]
    values: Sequence[Array]
    w: Array

    def pulled(self, place: int) -> Array:
        """Return the cotangent of the operand at a place."""
        return self._pushed(place, {})[0]

    def bent(self, place: int, tangents: Sequence[Array | None]) -> Array:
        """Return what that changes by along tangents of the operands, None for one that does not move."""
        moving = {
            name: v
            for name, x, v in zip(self.operands, self.values, tangents, strict=True)
            if v is not None and v.shape == x.shape  # which the labels of cross_entropy, made probabilities, have not
        }
        value, change = self._pushed(place, moving)
        return np.zeros(value.shape) if change is None else change

    def _pushed(self, place: int, moving: dict[str, Array]) -> tuple[Array, Array | None]:
        typed, tree = _read(self.formulas[place])
        point = {**dict(zip(self.operands, self.values, strict=True)), "w": self.w}
        with np.errstate(all="ignore"):
            return push(typed, tree, point, moving)


def pullback(function: Function, values: Sequence[Array], w: Array) -> Pullback | None:
    """Return a function's vjp as expressions, or None if there are none for it, or for operands of these shapes."""
    if function.name == "cross_entropy":
        return _of_cross_entropy(function, values, w)
    formulas = _FORMULAS.get(function.name)
    if formulas is None or max(x.ndim for x in values) > 2:
        return None
    return Pullback(formulas(*values), function.operands, values, w)


def _of_cross_entropy(function: Function, values: Sequence[Array], w: Array) -> Pullback:
    """Return the pullback at probabilities, which labels are turned into, with w / N in the place of each sample."""
    x, y = values
    axis, p = class_axis(x), probabilities(x, y)
    samples = max(x.size // max(x.shape[axis], 1), 1) if function.parameters["reduction"] == "mean" else 1
    spread = w if function.parameters["reduction"] != "none" else np.expand_dims(w, axis)
    by_x = f"w * (softmax(x, axis={axis}) * sum(y, axis={axis}, keepdims=True) - y)"
    by_y = f"-w * log_softmax(x, axis={axis})" if y.shape == x.shape else f"0 * sum(y, axis={axis})"
    return Pullback((by_x, by_y), function.operands, (x, p), spread / samples)


@cache
def _read(formula: str) -> tuple[Typed, Part]:
    typed = Typed.stripped(formula)
    return typed, parse(typed, {}).tree


def _solved(_: Array, b: Array) -> tuple[str, ...]:
    product = "outer(solve(A.T, w), solve(A, b))" if b.ndim == 1 else "solve(A.T, w) @ solve(A, b).T"
    return f"-{product}", "solve(A.T, w)"


_FORMULAS: dict[str, Callable[..., tuple[str, ...]]] = {
    "inv": lambda _: ("-inv(x).T @ w @ inv(x).T",),
    "det": lambda _: ("w * det(x) * inv(x).T",),
    "logdet": lambda _: ("w * inv(x).T",),
    "solve": _solved,
    "outer": lambda _, __: ("w @ y", "w.T @ x"),
}
