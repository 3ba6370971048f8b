"""The identities of A = f(X) with A': the differential, the gradient and the chain rule by ⊙. Next: verification.

The left sides are measured by differences of f, which know nothing of A'; the right sides take A' from the function's
own rule. So these identities fail where f is not element-wise.
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.identities.identity import Identity, Route, exact, impossible, within_bars
from jacinspect.identities.measurement import Measured, differential
from jacinspect.identities.of_arrays import how_contracted, how_held, times
from jacinspect.identities.rule import unvec, vec
from jacinspect.identities.tensors import DiagonalTensor, diagonal
from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.stencil import step_scale
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

__all__ = ["ElementWise", "without_slopes"]

# The name of an identity, its statement for vectors ("" where it would say nothing new), and that for matrices.
_STATEMENTS = {
    "differential-hadamard": ("da = a' ⊙ dx", "dA = A' ⊙ dX"),
    "differential-tensor": ("da = Diag(a')·dx", "dA = TensorDiag(A') : dX"),
    "gradient": ("∂a_i/∂x_j = f'(x_i) δ_ij", "∂A/∂X = TensorDiag(A')"),
    "differential-vec-column": ("", "vec(dA) = Diag(vec A')·vec(dX)"),
    "differential-vec-row": ("", "vec(dAᵀ) = Diag(vec A'ᵀ)·vec(dXᵀ)"),
    "chain-rule": ("∂L/∂x = a' ⊙ ∂L/∂a", "∂L/∂X = A' ⊙ ∂L/∂A"),
    "chain-rule-vec": ("a' ⊙ ∂L/∂a = Diag(a')ᵀ·∂L/∂a", "A' ⊙ ∂L/∂A = Diag(vec A')ᵀ·vec(∂L/∂A)"),
}


def without_slopes(output: tuple[int, ...], operand: tuple[int, ...]) -> Iterator[Identity]:
    """Give each identity with A' as one without a right side: A' does not exist, since A and X differ in shape."""
    of_matrix = len(operand) == 2
    x, a, prime = ("X", "A", "A'") if of_matrix else ("x", "a", "a'")
    why = f"{prime} does not exist: {a} is {_named(output)} and {x} is {_named(operand)}"
    for name, statements in _STATEMENTS.items():
        if statements[of_matrix]:
            left = _left_shape(name, output, operand)
            yield impossible(name, statements[of_matrix], f"{a} = f({x})", left, why)


def _left_shape(name: str, output: tuple[int, ...], operand: tuple[int, ...]) -> tuple[int, ...]:
    if name == "gradient":
        return output + operand
    if name.startswith("differential-vec"):
        return (int(np.prod(output)),)
    return operand if name == "chain-rule" else output


def _named(shape: tuple[int, ...]) -> str:
    return f"a vector of {shape[0]}" if len(shape) == 1 else format_shape(shape)


@dataclass(frozen=True, eq=False)
class ElementWise:
    """f at X with a claimed element-wise derivative, `slopes`, which is A' and 0 where it is not `usable`.

    `given` says where A' comes from. `dx` and `upstream` (∂L/∂A) are random, 0 where something is not finite. Only the
    slices ∂A/∂X_pq at the flat places `slices` are measured; `sample` says so where these are not all. `epsilon` is the
    relative noise of f's values.
    """

    box: BlackBox
    x: Array
    epsilon: float
    slopes: Array
    usable: Array
    given: str
    dx: Array
    upstream: Array
    slices: Array
    sample: str

    def identities(self) -> Iterator[Identity]:
        """Verify them all."""
        yield from self._differentials()
        yield from self._gradient_and_chain_rule()

    @property
    def _of_matrix(self) -> bool:
        return self.x.ndim == 2

    def _statement(self, name: str) -> str:
        return _STATEMENTS[name][self._of_matrix]

    def _measure(self, direction: Array, claimed: Array | None) -> Measured:
        # If A' is right, rounding X changes A by no more than this; where it changes A by more, A' is wrong.
        rounding = np.abs(self.slopes * np.where(self.usable, self.x, 0.0)).ravel()
        return differential(self.box, self.x, direction, self.epsilon, rounding, claimed)

    def _differentials(self) -> Iterator[Identity]:
        """Verify dA = A' ⊙ dX, by TensorDiag, and by Diag in both orders of vec."""
        dx, shape, slopes = self.dx, self.x.shape, self.slopes
        short = slopes * dx
        measured = self._measure(dx, short.ravel()).only(self.usable.ravel())
        by = Route(f"d{'A' if self._of_matrix else 'a'} by differences of f")

        def line(name: str, sides: tuple[int, ...], right: Array, route: Route) -> Identity:
            return within_bars(name, self._statement(name), self.given, (sides, sides), measured, right.ravel(), route)

        yield line("differential-hadamard", shape, short, by)
        tensor = DiagonalTensor(shape)
        product = times(tensor.contract((slopes, (4, 5) if self._of_matrix else (2,))), dx)
        contracted = how_contracted(tensor, "𝕄" if self._of_matrix else "𝔻")
        yield line("differential-tensor", shape, product, by + contracted)
        for name, order in (("column", "F"), ("row", "C")) if self._of_matrix else ():
            matrix = diagonal(vec(slopes, order), built=not self.sample)
            product = unvec(times(matrix, vec(dx, order)), shape, order)
            yield line(f"differential-vec-{name}", (dx.size,), product, by + how_held(matrix, "Diag(vec A')"))

    def _gradient_and_chain_rule(self) -> Iterator[Identity]:
        """Verify ∂A/∂X = TensorDiag(A'), and what follows for ∂L/∂X."""
        shape, slices = self.x.shape, self.slices
        measured, known = self._measured_slices(), self.usable.ravel()[slices]
        claimed = np.zeros(measured.low.shape)  # TensorDiag(A'), as measured: outputs as rows, the slices as columns
        claimed[slices, np.arange(slices.size)] = self.slopes.ravel()[slices]
        route = Route(f"∂{'A/∂X' if self._of_matrix else 'a/∂x'} by differences of f", self.sample)
        sides = (2 * shape, 2 * shape)
        yield within_bars(
            "gradient", self._statement("gradient"), self.given, sides, measured.only(known), claimed, route
        )
        short = self.slopes * self.upstream
        pulled = measured.pulled(self.upstream.ravel()).only(known)
        right = short.ravel()[slices]
        statement = self._statement("chain-rule")
        yield within_bars("chain-rule", statement, self.given, (shape, shape), pulled, right, route)
        matrix = diagonal(vec(self.slopes, "F"), built=not self.sample)
        flat = vec(self.upstream, "F")
        product = unvec(matrix.vjp(flat) if isinstance(matrix, Jacobian) else matrix.T @ flat, shape, "F")
        route = how_held(matrix, "Diag(vec A')" if self._of_matrix else "Diag(a')")
        yield exact("chain-rule-vec", self._statement("chain-rule-vec"), self.given, short, product, route)

    def _measured_slices(self) -> Measured:
        """Measure ∂A/∂X_pq for the chosen slices, each a column; X_pq is moved in units of its own size."""
        units, size = step_scale(self.x).ravel(), self.x.size
        columns = []
        refuted = False
        for place in self.slices:
            unit = float(units[place])
            claimed, direction = np.zeros(size), np.zeros(size)
            claimed[place] = self.slopes.flat[place] * unit
            direction[place] = unit if self.usable.flat[place] else 0.0
            column = self._measure(direction.reshape(self.x.shape), None if refuted else claimed)
            refuted = refuted or bool(column.refutes(claimed).any())
            columns.append(column.scaled(1 / unit))
        return Measured.columns(columns, size)
