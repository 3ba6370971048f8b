"""A' ⊙ dX compared with J·vec(dX), the chain rule's A' ⊙ G with Jᵀ·vec(G), and the cost of each. Next: report."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from jacinspect.jacobian.blackbox import Array, blocks, same
from jacinspect.jacobian.compact import Jacobian

__all__ = ["Cost", "CostRow", "HadamardComparison", "chain_rule", "cost_table", "hadamard"]

_BYTES = 8  # of a float64
_TERABYTE = 2**40  # more than the memory of most machines


@dataclass(frozen=True)
class Cost:
    """The cost of one product: bytes of the stored derivative, and multiplications."""

    bytes: int
    multiplications: int


@dataclass(frozen=True)
class CostRow:
    """The cost of one product with J, for an operand of `entries`: dense (or as the tensor), compressed rows, ⊙.

    `hadamard` is None for a function that is not element-wise.
    """

    entries: int
    matrix: Cost
    sparse: Cost
    hadamard: Cost | None


@dataclass(frozen=True, eq=False)
class HadamardComparison:
    """A Hadamard product with A' (None where the shapes do not fit) and the product with all of J.

    Where the operand is broadcast, `written_out` is dX in the output's shape, each number as often as it is read.
    """

    factor: Array
    hadamard: Array | None
    product: Array
    max_difference: float | None
    hadamard_cost: Cost | None
    matrix_cost: Cost
    written_out: Array | None = None


def hadamard(jacobian: Jacobian, direction: Array) -> HadamardComparison:
    """Compare A' ⊙ dX, with dX broadcast to A's shape, with J·vec(dX); dX has the operand's shape.

    A' is the derivative of each output by the input at its place (see `Jacobian.elementwise`); the other entries of J
    are not in it.
    """
    slopes, output_shape = jacobian.elementwise(), jacobian.pattern.output_shape
    if slopes is None:
        return _compare(jacobian, direction, None, jacobian @ direction)
    written_out = np.broadcast_to(direction, output_shape)
    with np.errstate(all="ignore"):
        compared = _compare(jacobian, direction, slopes * written_out, jacobian @ direction)
    return compared if direction.shape == output_shape else replace(compared, written_out=written_out)


def chain_rule(jacobian: Jacobian, upstream: Array) -> HadamardComparison:
    """Compare A' ⊙ G, summed where the operand is broadcast, with Jᵀ·vec(G): backpropagation by ⊙ and in full.

    G = ∂L/∂A has the output's shape; both results have the operand's.
    """
    slopes = jacobian.elementwise()
    if slopes is None:
        return _compare(jacobian, upstream, None, jacobian.vjp(upstream))
    with np.errstate(all="ignore"):
        short = _summed_to(slopes * upstream, jacobian.pattern.operand_shape)
    return _compare(jacobian, upstream, short, jacobian.vjp(upstream))


def _summed_to(array: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an array of `shape` was broadcast: the transpose of broadcasting."""
    ahead = array.ndim - len(shape)
    repeats = [axis for axis, n in enumerate(array.shape) if axis < ahead or (shape[axis - ahead] == 1 and n != 1)]
    return array.sum(axis=tuple(repeats), keepdims=True).reshape(shape) if repeats else array


def _compare(jacobian: Jacobian, factor: Array, short: Array | None, product: Array) -> HadamardComparison:
    pattern = jacobian.pattern
    matrix = Cost(_BYTES * prod(pattern.shape), prod(pattern.shape))
    if short is None:
        return HadamardComparison(factor, None, product, None, None, matrix)
    largest = max((_largest_difference(short, product, block) for block in blocks(short.size)), default=0.0)
    if largest == 0 and same(short, product).all():
        product = short  # equal arrays are stored once
    size = pattern.shape[0]
    return HadamardComparison(factor, short, product, largest, Cost(_BYTES * size, size), matrix)


def _largest_difference(a: Array, b: Array, block: slice) -> float:
    """Return the largest difference, 0 where both are NaN or overflow alike, inf where one alone does."""
    a, b = a.reshape(-1)[block], b.reshape(-1)[block]
    with np.errstate(all="ignore"):
        difference = np.where(same(a, b), 0.0, np.abs(a - b))
    return float(np.nan_to_num(difference, nan=np.inf, posinf=np.inf).max(initial=0))


def cost_table(shape: tuple[int, int], stored: int, elementwise: bool) -> list[CostRow]:
    """Tabulate the cost of one product with an M×N Jacobian, and with 10, 100 … times the outputs and inputs.

    The last row is the first whose dense matrix exceeds a terabyte. Each output is assumed to read the same number of
    inputs at every size, so that the `stored` entries grow with the outputs.
    """
    rows: list[CostRow] = []
    factor = 1
    while not rows or (0 < rows[-1].matrix.bytes <= _TERABYTE):
        height, width, number = (factor * count for count in (*shape, stored))
        index = 4 if max(height, width, number) < 2**31 else 8
        rows.append(
            CostRow(
                width,
                Cost(_BYTES * height * width, height * width),
                Cost((_BYTES + index) * number + index * (height + 1), number),
                Cost(_BYTES * height, height) if elementwise else None,
            )
        )
        factor *= 10
    return rows
