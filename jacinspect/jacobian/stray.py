"""Entries of an analytic derivative that are not finite outside the pattern, where f reads nothing. Next: findings.

A comparison with differences cannot show them where an output is left out of it, as at a kink; here f is not asked.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jacinspect.jacobian.analytic import Analytic
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern

__all__ = ["Stray", "find_stray"]


@dataclass(frozen=True)
class Stray:
    """The first analytic entry that is not finite outside the pattern, and how many there are at least.

    `input` is None where the rule is not finite along a random direction, but along no single input; `output` likewise
    of a vjp.
    """

    output: int | None
    input: int | None
    value: float
    number: int


def find_stray(
    analytic: Analytic, on: Jacobian, x: Array, y0: Array, pattern: Pattern, rng: np.random.Generator
) -> Stray | None:
    """Look for an analytic entry that is not finite although it is not in f's `pattern`.

    `on` is the analytic derivative on that pattern, or on a part of it. Inputs and outputs that are not finite
    themselves are left out, and so are those that have an entry that is not finite within the pattern.
    """
    inputs, outputs = np.isfinite(x.reshape(-1)), np.isfinite(y0)
    outputs[pattern.rows[~inputs[pattern.indices]]] = False
    if analytic.stored is not None:
        stored = analytic.stored(pattern)
        if stored is None:
            return None
        return _of_entries(stored, pattern, outputs, inputs)
    unknown = ~np.isfinite(on.data)
    if analytic.push is not None:
        outputs[on.pattern.rows[unknown]] = False
        push, shape = analytic.push, pattern.operand_shape
        found = _of_product(lambda v: push(v.reshape(shape)), pattern, on, outputs, inputs, rng)
        return found and Stray(*found)
    assert analytic.pull is not None
    inputs[on.indices[unknown]] = False
    found = _of_product(analytic.pull, pattern.T, on.T, inputs, outputs, rng)
    return found and Stray(found[1], found[0], *found[2:])


def _of_entries(given: Jacobian, pattern: Pattern, outputs: Array, inputs: Array) -> Stray | None:
    """Compare the entries that a derivative has with the pattern."""
    bad = np.flatnonzero(~np.isfinite(given.data))
    rows, columns = given.pattern.rows[bad], given.indices[bad]
    bad = bad[outputs[rows] & inputs[columns] & (pattern.places(rows, columns) < 0)]
    if not bad.size:
        return None
    first = bad[0]
    return Stray(int(given.pattern.rows[first]), int(given.indices[first]), float(given.data[first]), bad.size)


def _of_product(
    product: Callable[[Array], Array],
    pattern: Pattern,
    on: Jacobian,
    results: Array,
    arguments: Array,
    rng: np.random.Generator,
) -> tuple[int, int | None, float, int] | None:
    """Look for a result that is not finite of a product with a random vector, and for what makes it so.

    Compared are the `results` and used are the `arguments` for which those booleans are true. Returns a result, an
    argument or None, the value, and the number of such results.
    """
    if pattern.stored == pattern.shape[0] * pattern.shape[1]:
        return None
    vector = np.where(arguments, rng.standard_normal(arguments.size), 0.0)
    given = product(vector)
    bad = np.flatnonzero(results & ~np.isfinite(given) & np.isfinite((on @ vector).ravel()))
    if not bad.size:
        return None
    result = int(bad[0])
    read = pattern.indices[pattern.indptr[result] : pattern.indptr[result + 1]]
    candidates = sought = np.setdiff1d(np.flatnonzero(arguments), read)
    while sought.size > 1:
        half = np.zeros_like(vector)
        half[sought[: sought.size // 2]] = vector[sought[: sought.size // 2]]
        within = not np.isfinite(product(half)[result])
        sought = sought[: sought.size // 2] if within else sought[sought.size // 2 :]
    if sought.size:
        unit = np.zeros_like(vector)
        unit[sought] = 1.0
        value = float(product(unit)[result])
        everywhere = candidates.size > 1 and not np.isfinite(product(np.zeros_like(vector))[result])
        if not np.isfinite(value) and not everywhere:
            return result, int(sought[0]), value, bad.size
    return result, None, float(given[result]), bad.size
