"""𝔻, 𝕄, Diag, TensorDiag and K_mn: the tensors by which A' ⊙ dX is a contraction. Next: of_arrays, arrangements.

𝔻_ijk is 1 where i = j = k, else 0; 𝕄_{ip jq kr} = 𝔻_ijk 𝔻_pqr. The axes of 𝕄 stand in that order, (i, p, j, q, k, r),
so that a double dot from the left takes the first pair and one from the right takes the last: A:𝕄:B has (j, q) left.

What would be large is never built: 𝔻 and 𝕄 are then contracted over their non-zero places, and a matrix or a tensor of
the fourth order that is diagonal or a permutation is held as compressed sparse rows.
"""

from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern, vec_positions
from jacinspect.records import dataclass

__all__ = [
    "LARGEST_BUILT",
    "DiagonalTensor",
    "Factor",
    "commutation",
    "diagonal",
    "fits",
    "sixth_order",
    "third_order",
]

LARGEST_BUILT = 2**20  # entries of one tensor or matrix: 8 MiB, built and contracted in milliseconds

Factor = tuple[Array, tuple[int, ...]]  # an array, and the axes of a tensor that its own are contracted with


def fits(*shape: int) -> bool:
    """Whether an array of this shape may be built; a length of 0 counts as 1, since parts of it are built too."""
    return prod(max(length, 1) for length in shape) <= LARGEST_BUILT


def third_order(n: int) -> Array:
    """Build 𝔻, n×n×n: 1 where all three indices are equal."""
    i = np.arange(n)
    return np.asarray((i[:, None, None] == i[:, None]) & (i[:, None] == i), np.float64)


def sixth_order(m: int, n: int) -> Array:
    """Build 𝕄 = 𝔻𝔻, m×n×m×n×m×n, with the axes (i, p, j, q, k, r)."""
    return np.asarray(np.einsum("ijk,pqr->ipjqkr", third_order(m), third_order(n)))


def diagonal(a: Array, *, built: bool) -> Array | Jacobian:
    """Return Diag(a), n×n, of a vector, and TensorDiag(A), m×n×m×n, of a matrix, by plain indexing.

    It is an array where it is to be `built`, else compressed sparse rows.
    """
    if not built:
        n = a.size
        pattern = Pattern(np.arange(n + 1), np.arange(n), a.shape, a.shape)
        return Jacobian(pattern, a.ravel())
    tensor = np.zeros(2 * a.shape, a.dtype)
    places = tuple(np.indices(a.shape))
    tensor[places + places] = a
    return tensor


def commutation(shape: tuple[int, ...], *, built: bool) -> Array | Jacobian:
    """Return K_mn, mn×mn, with K_mn·vec(A) = vec(Aᵀ) for A of this shape (Magnus & Neudecker 1979).

    vec stacks columns, and so vec(Aᵀ) is the row-major vec of A. Of a vector it is the identity.
    """
    n = prod(shape)
    columns = vec_positions(shape, "column")
    if not built:
        return Jacobian(Pattern(np.arange(n + 1), columns, (n,), (n,)), np.ones(n))
    matrix = np.zeros((n, n))
    matrix[np.arange(n), columns] = 1.0
    return matrix


@dataclass(frozen=True)
class DiagonalTensor:
    """𝔻 of a vector's shape (n,) or 𝕄 of a matrix's shape (m, n): 1 where three (pairs of) indices are equal."""

    of: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """n×n×n of 𝔻, m×n×m×n×m×n of 𝕄."""
        return 3 * self.of

    @property
    def is_built(self) -> bool:
        """Whether contractions build it; else they run over its non-zero places."""
        return fits(*self.shape)

    def built(self) -> Array:
        """Return the tensor itself."""
        return third_order(*self.of) if len(self.of) == 1 else sixth_order(*self.of)

    def places(self) -> tuple[Array, ...]:
        """Return where it is not 0, an index array per axis: of 𝕄, every place of 𝔻_ijk with every one of 𝔻_pqr."""
        if len(self.of) == 1:
            return 3 * (np.arange(self.of[0]),)
        m, n = self.of
        return 3 * (np.repeat(np.arange(m), n), np.tile(np.arange(n), m))

    def contract(self, *factors: Factor) -> Array | Jacobian:
        """Sum over the axes that the factors take, and return what is left.

        The factors leave one index (a pair, of 𝕄): the result is an array of the shape `of`. Or they leave two: it has
        that shape twice, and is an array if the tensor is built, else compressed sparse rows.
        """
        taken = {axis for _, axes in factors for axis in axes}
        left = [axis for axis in range(len(self.shape)) if axis not in taken]
        if self.is_built:
            operands = [part for array, axes in factors for part in (array, list(axes))]
            return np.asarray(np.einsum(self.built(), list(range(len(self.shape))), *operands, left))
        places = self.places()
        terms = np.ones(places[0].size)
        for array, axes in factors:
            terms = terms * array[tuple(places[axis] for axis in axes)]
        return self._gathered(terms, [places[axis] for axis in left])

    def _gathered(self, terms: Array, left: list[Array]) -> Array | Jacobian:
        """Put each term at its place along the axes that are left."""
        order = len(self.of)
        flat = _flat(left[:order], self.of)
        if len(left) == order:
            return np.bincount(flat, terms, prod(self.of)).reshape(self.of)
        second = _flat(left[order:], self.of)
        ascending = np.lexsort((second, flat))
        pattern = Pattern.from_pairs(flat[ascending], second[ascending], self.of, self.of)
        return Jacobian(pattern, terms[ascending])


def _flat(indices: list[Array], shape: tuple[int, ...]) -> Array:
    """Return row-major flat indices; np.ravel_multi_index refuses the lengths of an empty array."""
    flat = indices[0]
    for index, length in zip(indices[1:], shape[1:], strict=True):
        flat = flat * length + index
    return flat
