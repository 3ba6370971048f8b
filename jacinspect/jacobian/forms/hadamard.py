"""A' ⊙ dX compared with J·vec(dX), the chain rule's A' ⊙ G with Jᵀ·vec(G), and the cost of each. Next: report."""

from math import inf, isnan, prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks, same
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.forms.cost import FLOAT_BYTES, Cost
from jacinspect.records import dataclass, replace

__all__ = ["HadamardComparison", "chain_rule", "hadamard"]


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


def hadamard(jacobian: Jacobian, slopes: Array | None, direction: Array) -> HadamardComparison:
    """Compare A' ⊙ dX, with dX broadcast to A's shape, with J·vec(dX); dX has the operand's shape.

    A' is given as `slopes`: the derivative of each output by the input at its place (see `Jacobian.elementwise`), of J
    itself or of a claim; None where the operand does not broadcast.
    """
    output_shape = jacobian.pattern.output_shape
    if slopes is None:
        return _compare(jacobian, direction, None, jacobian @ direction)
    written_out = np.broadcast_to(direction, output_shape)
    with np.errstate(all="ignore"):
        compared = _compare(jacobian, direction, slopes * written_out, jacobian @ direction)
    return compared if direction.shape == output_shape else replace(compared, written_out=written_out)


def chain_rule(jacobian: Jacobian, slopes: Array | None, upstream: Array) -> HadamardComparison:
    """Compare A' ⊙ G, summed where the operand is broadcast, with Jᵀ·vec(G): backpropagation by ⊙ and in full.

    G = ∂L/∂A has the output's shape; both results have the operand's.
    """
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
    matrix = Cost(FLOAT_BYTES * prod(pattern.shape), prod(pattern.shape))
    if short is None:
        return HadamardComparison(factor, None, product, None, None, matrix)
    largest = max((_largest_difference(short, product, block) for block in blocks(short.size)), default=0.0)
    if largest == 0 and same(short, product).all():
        product = short  # equal arrays are stored once
    size = pattern.shape[0]
    return HadamardComparison(factor, short, product, largest, Cost(FLOAT_BYTES * size, size), matrix)


def _largest_difference(a: Array, b: Array, block: slice) -> float:
    """Return the largest difference, 0 where both are NaN or overflow alike, inf where one alone does."""
    a, b = a.reshape(-1)[block], b.reshape(-1)[block]
    with np.errstate(all="ignore"):
        largest = float(np.where(same(a, b), 0.0, np.abs(a - b)).max(initial=0))
    return inf if isnan(largest) else largest
