"""The identities between the arrangements of ∂A/∂X, tensor and matrices, which hold for every f. Next: verification."""

from collections.abc import Iterator

import numpy as np

from jacinspect.identities.identity import Identity, Route, Side, exact
from jacinspect.identities.of_arrays import times
from jacinspect.identities.rule import Rule
from jacinspect.identities.tensors import commutation
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, vec_positions
from jacinspect.records import dataclass

__all__ = ["Arrangements"]

_GIVEN = "A = f(X)"
_RESHAPE = "∂A/∂X = Reshape(∂vec A/∂vec X, {})"
_RESHAPE_BACK = "∂vec A/∂vec X = Reshape(∂A/∂X, {})"
_COMMUTED = "∂vec Aᵀ/∂vec Xᵀ = K·(∂vec A/∂vec X)·Kᵀ"
_BY_RULE = "tensor and matrix by the rule, one unit tangent a time"


@dataclass(frozen=True, eq=False)
class Arrangements:
    """∂A/∂X of a matrix function by its rule: as a tensor, and as matrices in both orders of vec.

    Where the tensor is too large to be built, `sample` says so, and only the slices ∂A/∂X_pq at `slices`, flat
    row-major places in X, are compared.
    """

    rule: Rule
    slices: Array
    sample: str = ""

    def identities(self) -> Iterator[Identity]:
        """Verify that tensor, column-major and row-major matrix hold the same numbers."""
        output, operand = self.rule.output_shape, self.rule.x.shape
        if self.sample:
            yield from self._sampled(output, operand)
            return
        tensor = self.rule.columns(self.slices, "C").reshape(output + operand)
        matrix = self.rule.columns(self.slices, "F")
        route = Route(_BY_RULE)
        reshaped = matrix.reshape(tensor.shape, order="F")
        yield exact("reshape-to-tensor", self._statement(_RESHAPE), _GIVEN, tensor, reshaped, route)
        reshaped = tensor.reshape(matrix.shape, order="F")
        yield exact("reshape-to-matrix", self._statement(_RESHAPE_BACK), _GIVEN, matrix, reshaped, route)
        left, right = (commutation(shape, built=True) for shape in (output, operand))
        assert not isinstance(left, Jacobian)
        assert not isinstance(right, Jacobian)
        swapped, route = left @ matrix @ right.T, route + Route("K built")
        yield exact("commuted-jacobian", _COMMUTED, _GIVEN, tensor.reshape(matrix.shape), swapped, route)

    def _sampled(self, output: tuple[int, ...], operand: tuple[int, ...]) -> Iterator[Identity]:
        """Verify the same on some slices ∂A/∂X_pq and the columns of ∂vec A/∂vec X at their places."""
        rows = self.rule.columns(self.slices, "C")
        columns = self.rule.columns(vec_positions(operand, "column")[self.slices], "F")
        route = Route(_BY_RULE, self.sample)
        back, there = np.empty_like(rows), np.empty_like(rows)
        for at in range(self.slices.size):
            back[:, at] = columns[:, at].reshape(output, order="F").ravel()
            there[:, at] = rows[:, at].reshape(output).ravel(order="F")
        whole, flat = output + operand, (rows.shape[0], self.rule.x.size)
        for name, statement, shape, left, right in (
            ("reshape-to-tensor", self._statement(_RESHAPE), whole, rows, back),
            ("reshape-to-matrix", self._statement(_RESHAPE_BACK), flat, columns, there),
            ("commuted-jacobian", _COMMUTED, flat, rows, _times_each(commutation(output, built=False), columns)),
        ):
            yield exact(name, statement, _GIVEN, left, right, route, shape)

    def _statement(self, of: str) -> str:
        """Return a statement with the sizes that it reshapes to: letters where A has X's shape, else numbers."""
        output, operand = self.rule.output_shape, self.rule.x.shape
        if of is _RESHAPE:
            letters, sizes = "m,n,m,n", output + operand
        else:
            letters, sizes = "mn,mn", (int(np.prod(output)), self.rule.x.size)
        return of.format(letters if output == operand else ",".join(map(str, sizes)))


def _times_each(matrix: Side, columns: Array) -> Array:
    """Multiply a matrix with every column."""
    return np.stack([times(matrix, column) for column in columns.T], axis=1)
