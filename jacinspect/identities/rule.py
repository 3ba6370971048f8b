"""A function's analytic rule as the identities use it: a jvp, columns of its Jacobian, and A'. Next: verification."""

from collections.abc import Callable

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.function import Array, Function
from jacinspect.inspection.subject import analytic_at
from jacinspect.jacobian.agreement.analytic import Analytic, is_linear
from jacinspect.records import dataclass

__all__ = ["Rule", "rule_at", "unvec", "vec"]


@dataclass(frozen=True, eq=False)
class Rule:
    """The analytic derivative of A = f(X) at X: `jvp` maps a tangent of X's shape to the flat tangent of A."""

    analytic: Analytic
    jvp: Callable[[Array], Array]
    x: Array
    output_shape: tuple[int, ...]

    def push(self, tangent: Array) -> Array:
        """Return the jvp in A's shape, 0 where it is not finite."""
        with np.errstate(all="ignore"):
            pushed = self.jvp(tangent)
        return np.where(np.isfinite(pushed), pushed, 0.0).reshape(self.output_shape)

    def columns(self, places: Array, order: str) -> Array:
        """Return, as columns, vec of the jvp of unit tangents, each with its 1 at one of `places` in vec of X.

        `order` is that of vec, "C" (rows) or "F" (columns). The result has a row for each output.
        """
        columns = np.zeros((int(np.prod(self.output_shape)), places.size))
        for at, place in enumerate(places):
            unit = np.zeros(self.x.size)
            unit[place] = 1.0
            columns[:, at] = vec(self.push(unvec(unit, self.x.shape, order)), order)
        return columns

    def slopes(self, complete: bool) -> tuple[Array, str]:
        """Return A', of X's shape and NaN where it does not exist, and how it was obtained.

        It is the rule's f'(X) where the rule is element-wise; else the diagonal of its Jacobian, or, where that is too
        large (not `complete`), its derivative along 1.
        """
        prime, x = ("A'", "X") if self.x.ndim == 2 else ("a'", "x")
        if self.analytic.slopes is not None:
            return self.analytic.slopes(), f"{prime} = f'({x})"
        if complete:
            columns = self.columns(np.arange(self.x.size), "C")
            return columns.diagonal().reshape(self.x.shape), _as_diagonal(prime, columns)
        return self.push(np.ones(self.x.shape)), f"{prime} = the analytic derivative along dX = 1"


def _as_diagonal(prime: str, jacobian: Array) -> str:
    """Say that A' is the diagonal of J, and what cannot hold where J has other entries."""
    said = f"vec({prime}) = diag J, J the analytic Jacobian"
    if np.array_equal(jacobian, np.diag(jacobian.diagonal())):
        return said
    return f"{said}; it is not diagonal, f is not element-wise, and no {prime} makes all of these hold"


def rule_at(function: Function, x: Array, output_shape: tuple[int, ...], order: str | None, complete: bool) -> Rule:
    """Return the analytic derivative at x; from a vjp alone, the whole Jacobian is built.

    Parameters
    ----------
    function, x, output_shape
        f, its operand, and the shape of f(x).
    order
        The order of vec, "column" or "row", of a hand-written M×N derivative.
    complete
        Whether the whole Jacobian is small enough to be built.

    Raises
    ------
    InputError
        When f has no analytic derivative, or has a vjp alone and the Jacobian is too large to be built.
    FunctionFailedError
        When the rule is not linear.
    """
    outputs = int(np.prod(output_shape))
    analytic = analytic_at(function, x, output_shape, order)
    if analytic is None:
        raise InputError(f"{function.name} has no analytic derivative, and the identities are about A' = f'(X)")
    if not is_linear(analytic, x.shape, outputs):
        of = "tangent" if analytic.push is not None else "cotangent"
        raise FunctionFailedError(f"the derivative is not linear in the {of}: it has to be multiplied by it")
    if analytic.push is not None:
        return Rule(analytic, analytic.push, x, output_shape)
    assert analytic.pull is not None
    if not complete:
        raise InputError(
            f"{function.name} has a vjp alone, from which a Jacobian of {outputs}×{x.size} is too "
            "large to be built for the identities; take a smaller X"
        )
    matrix = np.reshape([analytic.pull(unit) for unit in np.eye(outputs)], (outputs, x.size))
    return Rule(analytic, lambda tangent: np.asarray(matrix @ tangent.ravel()), x, output_shape)


def vec(array: Array, order: str) -> Array:
    """Return vec of an array: its columns stacked for "F", its rows for "C"."""
    return array.ravel(order="F" if order == "F" else "C")


def unvec(flat: Array, shape: tuple[int, ...], order: str) -> Array:
    """Return the array of a shape whose vec this is; the inverse of `vec`."""
    return flat.reshape(shape, order="F" if order == "F" else "C")
