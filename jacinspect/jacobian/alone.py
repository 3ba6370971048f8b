"""A claim's entries, each asked for alone, and those that it has where f has none. Next: numeric, findings.

A jvp or a vjp that is asked for many entries at once gives their sum where it has entries outside the pattern; it is
then asked again with one unit vector at a time.
"""

from collections.abc import Callable

import numpy as np

from jacinspect.jacobian.analytic import Analytic
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern

__all__ = ["all_entries", "asked_alone"]

_MOST = 512  # unit vectors that a rule is asked with: as many calls of it as an inspection has of f, about
_ROUNDING = 2.0**-40  # of the terms of a product: rules sum up to thousands of terms of 2⁻⁵³ each in another order
_NONE = 2.0**-44  # of the largest entry of its row: what a rule leaves by rounding where it has no entry


def asked_alone(analytic: Analytic, claimed: Jacobian) -> Jacobian:
    """Return a claim on the pattern and on every other entry where it is not 0, each entry as it is by itself.

    It is `claimed` itself, the claim on f's pattern, where there are no others, or too many vectors to ask.
    """
    if _is_all(analytic, claimed):
        return claimed
    known = all_entries(analytic, claimed.pattern)
    return claimed if known is None else _united(known, claimed.pattern)


def _is_all(analytic: Analytic, claimed: Jacobian) -> bool:
    """Whether the claim on the pattern gives the same product with a random vector as the claim itself."""
    pattern, rng = claimed.pattern, np.random.default_rng(0)
    if analytic.stored is not None:
        return analytic.stored(pattern) is None
    size = Jacobian(pattern, np.abs(claimed.data))
    with np.errstate(all="ignore"):
        if analytic.push is not None:
            v = rng.standard_normal(pattern.operand_shape)
            given, expected, terms = analytic.push(v), claimed @ v, size @ np.abs(v)
        else:
            assert analytic.pull is not None
            w = rng.standard_normal(pattern.shape[0])
            given, expected, terms = analytic.pull(w), claimed.vjp(w), size.vjp(np.abs(w))
        off = np.abs(given.ravel() - expected.ravel()) > _ROUNDING * terms.ravel()
    return not off.any()


def all_entries(analytic: Analytic, pattern: Pattern) -> Jacobian | None:
    """Return every entry of a claim, or None where that takes too many unit vectors."""
    if analytic.stored is not None:
        return analytic.stored(pattern)
    height, width = pattern.shape
    rule: Callable[[Array], Array]
    if analytic.push is not None:
        push = analytic.push
        number, rule = width, lambda unit: push(unit.reshape(pattern.operand_shape))
    else:
        assert analytic.pull is not None
        number, rule = height, analytic.pull
    if number > _MOST or not number:
        return None
    products = [rule(unit) for unit in np.eye(number)]
    dense = np.reshape(products, (number, -1))
    matrix = dense.T if analytic.push is not None else dense
    rows, columns = np.nonzero(matrix)
    entries = Pattern.from_pairs(rows, columns, pattern.output_shape, pattern.operand_shape)
    return Jacobian(entries, matrix[rows, columns])


def _united(known: Jacobian, pattern: Pattern) -> Jacobian:
    """Return all entries of a claim on the pattern, and those of the others that are finite and not rounding."""
    size = np.where(np.isfinite(known.data), np.abs(known.data), 0)
    largest = np.zeros(pattern.shape[0])
    np.maximum.at(largest, known.pattern.rows, size)
    spurious = ~pattern.has(known.pattern) & (size > _NONE * largest[known.pattern.rows])
    on_pattern = known.on(pattern)
    return on_pattern.with_entries(known.only(spurious)) if spurious.any() else on_pattern
