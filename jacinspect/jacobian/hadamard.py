"""A' ⊙ dX beside J·vec(dX), the chain rule's A' ⊙ G beside Jᵀ·vec(G), and what each costs. Next: report."""

from dataclasses import dataclass
from math import prod

import numpy as np

from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian

__all__ = ["Cost", "CostRow", "Product", "chain_rule", "cost_table", "hadamard"]

_BYTES = 8  # of a float64
_TERABYTE = 2**40


@dataclass(frozen=True)
class Cost:
    """What one product takes: bytes for the derivative that is kept, and multiplications."""

    bytes: int
    multiplications: int


@dataclass(frozen=True)
class CostRow:
    """What one product with J takes for an operand of some entries: dense (or as the tensor), compressed rows, ⊙.

    `hadamard` is None for a function that is not element-wise.
    """

    entries: int
    matrix: Cost
    sparse: Cost
    hadamard: Cost | None


@dataclass(frozen=True, eq=False)
class Product:
    """The Hadamard product with the diagonal of J (None where shapes forbid it) beside the product with all of J."""

    factor: Array
    hadamard: Array | None
    product: Array
    max_difference: float | None
    hadamard_cost: Cost | None
    matrix_cost: Cost


def hadamard(jacobian: Jacobian, direction: Array) -> Product:
    """Compare A' ⊙ dX with J·vec(dX), A' being the diagonal of J in the operand's shape; dX has the operand's shape."""
    return _compare(jacobian, direction, jacobian @ direction)


def chain_rule(jacobian: Jacobian, upstream: Array) -> Product:
    """Compare A' ⊙ G with Jᵀ·vec(G), where G = ∂L/∂A has the output's shape: backpropagation by ⊙ and in full."""
    return _compare(jacobian, upstream, jacobian.vjp(upstream))


def _compare(jacobian: Jacobian, factor: Array, product: Array) -> Product:
    pattern = jacobian.pattern
    matrix = Cost(_BYTES * prod(pattern.shape), prod(pattern.shape))
    if pattern.output_shape != pattern.operand_shape:
        return Product(factor, None, product, None, None, matrix)
    with np.errstate(all="ignore"):
        short = jacobian.diagonal().reshape(factor.shape) * factor
        difference = np.abs(short - product)
    finite = difference[np.isfinite(difference)]  # inf − inf where both overflow alike
    size = pattern.shape[0]
    return Product(factor, short, product, float(finite.max(initial=0)), Cost(_BYTES * size, size), matrix)


def cost_table(shape: tuple[int, int], stored: int, elementwise: bool) -> list[CostRow]:
    """Tabulate what one product with an M×N Jacobian takes, then for 10, 100 … times the outputs and inputs.

    The last row is the first whose dense matrix exceeds a terabyte. Each output is taken to go on reading as many
    inputs as it does here, so that `stored` entries grow with the outputs.
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
