"""∂A_ij/∂X_pq as a formula with δs and brackets, read off the pattern and the values. Next: unfolding."""

from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.compact import Jacobian, Pattern

__all__ = ["index_formula", "index_letters"]

_INPUTS = "pqrstuvw"
_OUTPUTS = "ijklmno"


def index_formula(jacobian: Jacobian, bars: Array, complete: bool = True) -> str:
    """Return ∂A_ij/∂X_pq as a formula such as A'_ij δ_ip δ_jq.

    Two axes of equal length whose indices are equal in every entry give a δ; two whose indices are ordered in every
    entry give a bracket. For a Jacobian that is not `complete`, but a sample, only the δs are given.
    """
    pattern = jacobian.pattern
    outputs, inputs = pattern.output_shape, pattern.operand_shape
    i, p = index_letters(len(outputs), len(inputs))
    head = f"∂A{_sub(i)}/∂X{_sub(p)}"
    if not pattern.stored:
        return f"{head} = 0"
    deltas, orders = _relations(pattern)
    orders = orders if complete else []
    factors = [f"δ_{i[a]}{p[b]}" for a, b in deltas]
    factors += [f"[{p[axis]} {sign} {i[axis]}]" for axis, sign in orders]
    # If every entry that the δs and brackets allow is stored and is 1, the formula needs no coefficient.
    allowed = prod(outputs) * prod(inputs)
    for a, _ in deltas:
        allowed //= outputs[a]
    for axis, _ in orders:
        allowed = allowed * (outputs[axis] + 1) // (2 * outputs[axis])
    if allowed == pattern.stored and all(
        np.all(np.abs(jacobian.data[part] - 1) <= bars[part]) for part in blocks(pattern.stored)
    ):
        coefficient = ""
    elif pattern.is_elementwise:
        coefficient = f"A'{_sub(i)}"
    else:
        free = [p[b] for b in range(len(inputs)) if b not in {b for _, b in deltas}]
        coefficient = f"J{_sub([*i, *free])}"
    return f"{head} = {' '.join([coefficient, *factors]).strip() or '1'}"


def _relations(pattern: Pattern) -> tuple[list[tuple[int, int]], list[tuple[int, str]]]:
    """Return the pairs (output axis, operand axis) with equal indices everywhere, and the axes with ordered ones."""
    outputs, inputs = pattern.output_shape, pattern.operand_shape
    deltas: list[tuple[int, int]] = []
    # an axis is paired with the one at its own place, if that agrees
    for a, b in sorted(np.ndindex(len(outputs), len(inputs)), key=lambda ab: (ab[0] != ab[1], ab)):
        taken = any(a == other or b == another for other, another in deltas)
        if not taken and outputs[a] == inputs[b] and _agree(pattern, a, b):
            deltas.append((a, b))
    orders = []
    for axis in range(min(len(outputs), len(inputs))):
        if outputs[axis] == inputs[axis] and not any(axis in pair for pair in deltas):
            to, by = _indices(pattern, axis, axis)
            sign = "≤" if np.all(by <= to) else "≥" if np.all(by >= to) else None
            orders += [(axis, sign)] if sign else []
    return sorted(deltas), orders


def _agree(pattern: Pattern, a: int, b: int) -> bool:
    """Whether the index along output axis a equals that along operand axis b in every entry."""
    if a == b and pattern.is_diagonal:
        return True
    return all(np.array_equal(*_indices(pattern, a, b, block)) for block in blocks(pattern.stored))


def _indices(pattern: Pattern, a: int, b: int, block: slice = slice(None)) -> tuple[Array, Array]:
    """Return the indices along output axis a and along operand axis b of a block of the stored entries."""
    outputs, inputs = pattern.output_shape, pattern.operand_shape
    return (
        pattern.rows[block] // prod(outputs[a + 1 :]) % outputs[a],
        pattern.indices[block] // prod(inputs[b + 1 :]) % inputs[b],
    )


def index_letters(outputs: int, inputs: int) -> tuple[list[str], list[str]]:
    """Return a letter for each axis of A (i, j …) and of X (p, q …)."""
    return _letters(_OUTPUTS, outputs), _letters(_INPUTS, inputs)


def _letters(alphabet: str, number: int) -> list[str]:
    return list(alphabet[:number]) if number <= len(alphabet) else [f"{alphabet[0]}{k}" for k in range(1, number + 1)]


def _sub(letters: list[str]) -> str:
    return f"_{''.join(letters)}" if letters else ""
