"""What the order of vec does to a Jacobian: the permutation between row-major and column-major vec. Next: views."""

from math import prod

import numpy as np

from jacinspect.jacobian.compact import Pattern, vec_positions
from jacinspect.jacobian.forms.structure import Arrangement, Blocks
from jacinspect.jacobian.forms.unfolding import Unfolding

__all__ = ["commutation_name", "is_transposition", "vec_order"]


def commutation_name(shape: tuple[int, ...]) -> str | None:
    """Name the permutation K with vec_row = K·vec_column of an m×n matrix: K_mn (Magnus & Neudecker 1979).

    It maps vec(X) to vec(Xᵀ). None for a vector, whose two orders are equal, and for more than two axes, where the
    permutation has no name.
    """
    if len(shape) != 2 or min(shape) < 2:
        return None
    m, n = shape
    return f"K_{m}{n}" if max(shape) < 10 else f"K_({m},{n})"


def is_transposition(pattern: Pattern) -> bool:
    """Whether entry (i, j) of an m×n matrix is read by output (j, i) alone: K_mn is the matrix's pattern."""
    shape = pattern.output_shape
    if len(shape) != 2 or min(shape) < 2 or pattern.operand_shape != shape[::-1] or pattern.stored != prod(shape):
        return False
    alone = np.array_equal(pattern.rows, np.arange(pattern.stored))
    return alone and np.array_equal(pattern.indices, vec_positions(shape, "column"))


def vec_order(form: Unfolding, blocks: Blocks | None, arrangement: Arrangement | None) -> str | None:
    """Describe what the order of vec does to this Jacobian, and by which permutation; None where it does nothing.

    Parameters
    ----------
    form
        Gives the shapes, the order of vec and the layout.
    blocks, arrangement
        The blocks that were found, in either order, and the pattern where it is proved.
    """
    names = [
        commutation_name(shape) or ("P" if len(shape) > 2 else "") for shape in (form.output_shape, form.operand_shape)
    ]
    if not any(names):
        return None
    if arrangement is not None and is_transposition(arrangement.structural.pattern):
        swap = (form.vec == "row") != (form.layout == "denominator")
        m, n = form.operand_shape[:: -1 if swap else 1]
        return (
            f"J has the pattern of the commutation permutation {commutation_name((m, n))}, with K_mn·vec(X) = vec(Xᵀ)"
        )
    meaning = f"vec_row = {names[1] or names[0]}·vec_column"
    meaning += " (P a permutation)" if "P" in names else " (the commutation permutation)"
    same = form.output_shape == form.operand_shape
    if same and arrangement is not None and _is_diagonal(arrangement.structural.pattern):
        return f"J is diagonal in either order; {meaning} only reorders it"
    if blocks is None:
        return None
    other = {"row": "column", "column": "row"}[form.vec]
    left, right = names if form.layout == "numerator" else names[::-1]
    if form.vec == "column":
        right = right and f"{right}ᵀ"
    else:
        left = left and f"{left}ᵀ"
    product = "·".join(filter(None, (left, "J", right)))
    if blocks.vec != form.vec:
        return f"strided in {form.vec}-major vec; {product} is J in {other}-major vec, block-diagonal: {meaning}"
    both = arrangement is not None and _has_blocks(arrangement, other)
    also = "block-diagonal as well" if both else "strided"
    return f"block-diagonal in {form.vec}-major vec; {product} is J in {other}-major vec, {also}: {meaning}"


def _is_diagonal(pattern: Pattern) -> bool:
    return np.array_equal(pattern.rows, pattern.indices)


def _has_blocks(arrangement: Arrangement, vec: str) -> bool:
    blocks = Arrangement(arrangement.structural.pattern, vec, arrangement.layout).blocks
    return blocks is not None and blocks.vec == vec
