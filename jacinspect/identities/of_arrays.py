"""The identities of any vectors and matrices: arrays in, Identities out. Next: verification.

Each has one side by contracting 𝔻, 𝕄, Diag or K_mn, and the other by plain elementwise numpy. They are exact: every sum
has one product that is not zero, and rounds it as the elementwise side does.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from jacinspect.identities.identity import Identity, Route, Side, exact
from jacinspect.identities.tensors import DiagonalTensor, commutation, diagonal, fits
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.wording import counted

__all__ = ["how_contracted", "how_held", "matrix_identities", "times", "vector_identities"]


def vector_identities(a: Array, b: Array, given: str) -> Iterator[Identity]:
    """Verify 𝔻, Diag and diag on vectors a and b of one length, n, and B = b·aᵀ; `given` says what they are."""
    third = DiagonalTensor(a.shape)
    small = third.is_built
    route = how_contracted(third, "𝔻")
    plain = diagonal(a, built=small)
    yield exact("diag-right", "Diag(a) = 𝔻·a", given, plain, third.contract((a, (2,))), route)
    yield exact("diag-left", "Diag(a) = a·𝔻", given, plain, third.contract((a, (0,))), route)
    if small:
        B = np.outer(b, a)
        plain, right, left = np.diagonal(B), third.contract((B, (1, 2))), third.contract((B, (0, 1)))
    else:  # B is only read where 𝔻 is not 0
        plain, right, left = b * a, third.contract((b, (1,)), (a, (2,))), third.contract((b, (0,)), (a, (1,)))
    yield exact("diagonal-right", "diag(B) = 𝔻:B", given, plain, right, route)
    yield exact("diagonal-left", "diag(B) = B:𝔻", given, plain, left, route)
    matrix = diagonal(a, built=fits(a.size, a.size))
    yield exact("hadamard-diag", "a ⊙ b = Diag(a)·b", given, a * b, times(matrix, b), how_held(matrix, "Diag(a)"))
    yield exact("hadamard-third-order", "a ⊙ b = a·𝔻·b", given, a * b, third.contract((a, (0,)), (b, (2,))), route)


def matrix_identities(A: Array, B: Array, given: str) -> Iterator[Identity]:
    """Verify 𝕄, TensorDiag and K_mn on matrices A and B of one shape, m×n."""
    sixth = DiagonalTensor(A.shape)
    route = how_contracted(sixth, "𝕄")
    yield _sixth_order_identity(sixth, given, route)
    product = sixth.contract((A, (0, 1)), (B, (4, 5)))
    yield exact("hadamard-sixth-order", "A ⊙ B = A:𝕄:B", given, A * B, product, route)
    plain = diagonal(A, built=sixth.is_built)
    right, left = sixth.contract((A, (4, 5))), sixth.contract((A, (0, 1)))
    yield exact("tensor-diag-right", "TensorDiag(A) = 𝕄:A", given, plain, right, route)
    yield exact("tensor-diag-left", "TensorDiag(A) = A:𝕄", given, plain, left, route)
    K = commutation(A.shape, built=fits(A.size, A.size))
    swapped = times(K, A.ravel(order="F"))
    route = Route("vec(Aᵀ) is A row by row") + how_held(K, "K_mn")
    yield exact("commutation", "vec(Aᵀ) = K_mn·vec(A)", given, A.T.ravel(order="F"), swapped, route)


def _sixth_order_identity(sixth: DiagonalTensor, given: str, route: Route) -> Identity:
    """Compare 𝕄, 1 at (i, p, i, p, i, p) for all i and p, with the product of two 𝔻; a large one by its places."""
    m, n = sixth.of
    i, p = np.divmod(np.arange(m * n), max(n, 1))
    statement = "𝕄_{ip jq kr} = 𝔻_ijk 𝔻_pqr"
    if sixth.is_built:
        plain = np.zeros(sixth.shape)
        plain[i, p, i, p, i, p] = 1.0
        return exact("sixth-order", statement, given, plain, sixth.built(), route)
    left, right = np.stack((i, p) * 3), np.stack(sixth.places())
    return exact("sixth-order", statement, given, left, right, route, sixth.shape)


def how_contracted(tensor: DiagonalTensor, name: str) -> Route:
    """Say whether 𝔻 or 𝕄 was built."""
    entries = prod(tensor.shape)
    if tensor.is_built:
        return Route(f"{name} built: {counted(entries, 'entry', 'entries')}")
    return Route(caveat=f"{name} not built, of its {entries:.2g} entries the {prod(tensor.of)} that are 1 contracted")


def how_held(matrix: Side, name: str) -> Route:
    """Say whether a matrix was built."""
    if not isinstance(matrix, Jacobian):
        return Route(f"{name} built: {counted(matrix.size, 'entry', 'entries')}")
    return Route(
        caveat=f"{name} not built, of its {prod(matrix.shape):.2g} entries {matrix.data.size} held (sparse rows)"
    )


def times(matrix: Side, operand: Array) -> Array:
    """Contract all axes of the operand with the last ones of a matrix or tensor; gives the operand's shape."""
    return matrix @ operand if isinstance(matrix, Jacobian) else np.tensordot(matrix, operand, operand.ndim)
