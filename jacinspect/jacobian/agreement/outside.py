"""The entries that a claim has where f has none: numbers other than 0, and what is not finite. Next: numeric, findings.

A jvp or a vjp that is asked for many entries at once gives their sum where it has entries outside the pattern; it is
then asked again with one unit vector at a time. Of many vectors, those that matter are found by halving. f is not
asked: a comparison with differences cannot show what an output has outside that is left out of it, as at a kink.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from jacinspect.jacobian.agreement.analytic import Analytic, LinearMap
from jacinspect.jacobian.agreement.comparison import UNDERFLOW, in_single
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.indices import distinct
from jacinspect.jacobian.values.first_look import FLOOR
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import LAST, step_scale
from jacinspect.records import dataclass

__all__ = ["NOTHING", "Stray", "asked_alone", "find_stray", "hidden", "visible"]

_MOST = 512  # calls of a rule: about as many as an inspection makes of f
_ROUNDING = 2.0**-40  # of the terms of a product: rules sum up to thousands of terms of 2⁻⁵³ each in another order
_ROUNDING_SINGLE = 2.0**-12  # and those in single precision, of 2⁻²⁴ each
# Of the largest entry of its row: what a rule leaves by rounding where it has no entry. Of the largest of all, where an
# output reads nothing, as the imaginary part of a Fourier transform at the highest frequency.
NOTHING = 2.0**-44
# The least |x| over which an entry has to move an output: terms of a claim that cancel are as large as f / |x|, and at
# a smaller x their rounding could be an entry.
_NEAR = 2.0**-10

Products = list[tuple[int, Array]]  # of unit vectors, each with the place of its 1


def asked_alone(analytic: Analytic, claimed: Jacobian) -> Jacobian:
    """Return a claim on the pattern and on every other entry where it is not 0, each entry as it is by itself.

    It is `claimed` itself, the claim on f's pattern, where there are no others, or where they are too many to find.
    """
    pattern = claimed.pattern
    if analytic.stored is not None:
        stored = analytic.stored(pattern)
        return claimed if stored is None else _united(stored.on(pattern), stored)
    off = _summed(analytic, claimed)
    if not off.size:
        return claimed
    by_column = analytic.push is not None
    number = pattern.shape[by_column]
    rule = _flat_rule(analytic, pattern)
    products = _all_products(rule, number) if number <= _MOST else _products_at(rule, number, off)
    if products is None:
        return claimed
    known = _jacobian(products, pattern, by_column)
    asked = np.isin(pattern.rows if by_column else pattern.indices, off)
    return _united(Jacobian(pattern, np.where(asked, known.on(pattern).data, claimed.data)), known)


def visible(others: Jacobian, near: Neighbourhood, numeric: Numeric, tolerance: float) -> Array:
    """Return the outputs of those entries outside the pattern that would move them by more than their rounding.

    An output that is 0, and does not move either, has no last bit of its own: it may be that of 1, or of the largest
    output. Of one that moves in steps, nothing is known; entries of at most a `tolerance` are left out.
    """
    size, rows, y0 = np.abs(others.data), others.pattern.rows, np.abs(near.box.y0)
    x = np.abs(near.x.reshape(-1)[others.indices])
    moved = size * np.where((x > 0) & np.isfinite(x), np.maximum(x, _NEAR), 1)
    terms = np.fmax(y0, near.rounding(numeric.jacobian, numeric.bar)[:])
    largest = np.max(y0, initial=1, where=np.isfinite(y0))
    last = FLOOR * max(LAST, near.x_epsilon) * np.where(terms < UNDERFLOW, largest, terms)
    steps = np.isin(rows, numeric.jacobian.pattern.rows[numeric.stairs.entries])
    return distinct(rows[(moved > last[rows]) & (size > tolerance) & ~steps])


def hidden(others: Jacobian, numeric: Numeric, x: Array, y0: Array) -> Jacobian:
    """Return those entries outside the pattern that an output which reads nothing hides, as 1e16 + sin x does.

    They would move the last bit of 1, and not that of the output. x and y0 are the operand and f(x), flat.
    """
    rows, last = others.pattern.rows, FLOOR * max(LAST, numeric.epsilon)
    moved = np.abs(others.data) * step_scale(x)[others.indices]
    reads_nothing = numeric.jacobian.pattern.lengths[rows] == 0
    return others.only(reads_nothing & (moved > last) & (moved <= last * np.abs(y0[rows])))


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
    analytic: Analytic, on: Jacobian, x: Array, y0: Array, pattern: Pattern, seed: Sequence[int]
) -> Stray | None:
    """Look for an analytic entry that is not finite although it is not in f's `pattern`.

    `on` is the analytic derivative on that pattern, or on a part of it. Inputs and outputs that are not finite
    themselves are left out, and so are those that have an entry that is not finite within the pattern.
    """
    inputs, outputs = np.isfinite(x.reshape(-1)), np.isfinite(y0)
    outputs[pattern.rows[~inputs[pattern.indices]]] = False
    if analytic.stored is not None:
        stored = analytic.stored(pattern)
        return None if stored is None else _stray_entry(stored, pattern, outputs, inputs)
    if pattern.stored == pattern.shape[0] * pattern.shape[1]:
        return None
    by_column, unknown = analytic.push is not None, ~np.isfinite(on.data)
    results, arguments = (outputs, inputs) if by_column else (inputs, outputs)
    results[(on.pattern.rows if by_column else on.indices)[unknown]] = False
    random = np.random.default_rng(seed).standard_normal(arguments.size)
    rule, vector = _flat_rule(analytic, pattern), np.where(arguments, random, 0.0)
    given, known = rule(vector), np.ravel(on @ vector if by_column else on.vjp(vector))
    bad = np.flatnonzero(results & ~np.isfinite(given) & np.isfinite(known))
    if not bad.size:
        return None
    result = int(bad[0])
    across, along = (pattern.rows, pattern.indices) if by_column else (pattern.indices, pattern.rows)
    arguments[along[across == result]] = False
    argument, value = _cause(rule, vector, np.flatnonzero(arguments), result)
    output, input_ = (result, argument) if by_column else (argument, result)
    return Stray(output, input_, float(given[result]) if argument is None else value, bad.size)


def _stray_entry(given: Jacobian, pattern: Pattern, outputs: Array, inputs: Array) -> Stray | None:
    """Compare the entries that a derivative has with the pattern."""
    bad = np.flatnonzero(~np.isfinite(given.data))
    rows, columns = given.pattern.rows[bad], given.indices[bad]
    bad = bad[outputs[rows] & inputs[columns] & (pattern.places(rows, columns) < 0)]
    if not bad.size:
        return None
    first = bad[0]
    return Stray(int(given.pattern.rows[first]), int(given.indices[first]), float(given.data[first]), bad.size)


def _cause(rule: LinearMap, vector: Array, candidates: Array, result: int) -> tuple[int | None, float]:
    """Find by halving which of the candidates makes a result of a rule not finite, and what it is by that one alone.

    None where no single one does.
    """

    def at(places: Array, values: Array | float) -> float:
        part = np.zeros_like(vector)
        part[places] = values
        return float(rule(part)[result])

    sought = candidates
    while sought.size > 1:
        half, rest = np.split(sought, [sought.size // 2])
        sought = rest if np.isfinite(at(half, vector[half])) else half
    if not sought.size:
        return None, 0.0
    value, everywhere = at(sought, 1.0), candidates.size > 1 and not np.isfinite(at(sought[:0], 0.0))
    return (None if np.isfinite(value) or everywhere else int(sought[0])), value


def _flat_rule(analytic: Analytic, pattern: Pattern) -> LinearMap:
    """Return the rule as a map from one flat vector to another."""
    push, pull = analytic.push, analytic.pull
    if push is not None:
        return lambda tangent: np.ravel(push(tangent.reshape(pattern.operand_shape)))
    assert pull is not None
    return lambda cotangent: np.ravel(pull(cotangent))


def _summed(analytic: Analytic, claimed: Jacobian) -> Array:
    """Return the outputs of a jvp, or the inputs of a vjp, at which it differs from the claim on the pattern.

    The product with a random vector differs there, for the claim has entries outside the pattern.
    """
    pattern, size = claimed.pattern, Jacobian(claimed.pattern, np.abs(claimed.data))
    by_column = analytic.push is not None
    v = np.random.default_rng(0).standard_normal(pattern.shape[by_column])
    with np.errstate(all="ignore"):
        given = _flat_rule(analytic, pattern)(v)
        expected, terms = (claimed @ v, size @ np.abs(v)) if by_column else (claimed.vjp(v), size.vjp(np.abs(v)))
        rounding = _ROUNDING_SINGLE if in_single(claimed.data) else _ROUNDING
        agrees = np.abs(given - np.ravel(expected)) <= rounding * np.ravel(terms)
    return np.flatnonzero(~agrees & np.isfinite(given))  # what is not finite is looked for in find_stray


def _all_products(rule: LinearMap, number: int) -> Products:
    return [(place, rule(unit)) for place, unit in enumerate(np.eye(number))]


def _products_at(rule: LinearMap, number: int, off: Array) -> Products | None:
    """Return the products with those unit vectors that give something at the places `off`, 0 elsewhere in them.

    Groups of vectors are halved while they give something; None where that takes too many calls.
    """
    weights = np.random.default_rng(1).uniform(1, 2, number)  # so that entries of opposite signs do not cancel
    found: Products = []
    groups, calls = [np.arange(number)], 0
    while groups:
        halves = [half for group in groups for half in np.array_split(group, 2)]
        calls += len(halves)
        if calls > _MOST:
            return None
        groups = []
        for half in halves:
            seed = np.zeros(number)
            seed[half] = weights[half] if half.size > 1 else 1.0
            product = rule(seed)
            only = np.zeros(product.size)
            only[off] = product[off]
            if not only.any():
                continue
            if half.size > 1:
                groups.append(half)
            else:
                found.append((int(half[0]), only))
    return found


def _jacobian(products: Iterable[tuple[int, Array]], pattern: Pattern, by_column: bool) -> Jacobian:
    """Build a Jacobian from its products with unit vectors: columns, or else rows."""
    others = [
        (np.full(np.count_nonzero(product), place), np.flatnonzero(product), product) for place, product in products
    ]
    places = np.concatenate([np.zeros(0, np.int64), *(place for place, _, _ in others)])
    across = np.concatenate([np.zeros(0, np.int64), *(other for _, other, _ in others)])
    values = np.concatenate([np.zeros(0), *(product[other] for _, other, product in others)])
    rows, columns = (across, places) if by_column else (places, across)
    order = np.lexsort((columns, rows))
    return Jacobian(Pattern.from_pairs(rows, columns, pattern.output_shape, pattern.operand_shape), values[order])


def _united(on_pattern: Jacobian, known: Jacobian) -> Jacobian:
    """Add to a claim on the pattern those of its other entries that are finite and not rounding."""
    pattern = on_pattern.pattern
    size = np.where(np.isfinite(known.data), np.abs(known.data), 0)
    largest = np.where(pattern.lengths > 0, 0, np.max(size, initial=0))
    np.maximum.at(largest, known.pattern.rows, size)
    spurious = ~pattern.has(known.pattern) & (size > NOTHING * largest[known.pattern.rows])
    return on_pattern.with_entries(known.only(spurious)) if spurious.any() else on_pattern
