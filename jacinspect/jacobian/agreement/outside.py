"""The entries that a claim has where f has none: numbers other than 0, and what is not finite. Next: numeric, findings.

A jvp or a vjp that is asked for many entries at once gives their sum where it has entries outside the pattern; it is
then asked again with ever fewer, down to one unit vector at a time. A vjp is taken for the jvp of the transpose. f is
not asked: a comparison with differences cannot show what an output has outside that is left out of it, as at a kink.
"""

from collections.abc import Sequence

import numpy as np

from jacinspect.jacobian.agreement.analytic import Analytic, LinearMap
from jacinspect.jacobian.agreement.comparison import UNDERFLOW, in_single
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.indices import distinct
from jacinspect.jacobian.values.first_look import FLOOR
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import LAST, finite, own_scale, smallest, step_scale
from jacinspect.records import dataclass, replace

__all__ = ["NOTHING", "Stray", "asked_alone", "find_stray", "hidden", "visible"]

_MOST = 1024  # calls of a rule: halving finds all entries in 512 columns
_ROUNDING = 2.0**-40  # of the terms of a product: rules sum up to thousands of terms of 2⁻⁵³ each in another order
_ROUNDING_SINGLE = 2.0**-12  # and those in single precision, of 2⁻²⁴ each
# Of the largest entry of its row: what a rule leaves by rounding where it has no entry. Of the largest of all, where an
# output reads nothing, as the imaginary part of a Fourier transform at the highest frequency.
NOTHING = 2.0**-44
_NOTHING_SINGLE = 2.0**-15  # and by a rule in single precision: 2⁹ of its last bits as well
_RESIDUE = 2.0**-64  # of terms, the least that is left of them by rounding: 2⁻¹¹ of their last bit
_LARGE = 2.0**-10  # of the largest of its row, in units of x: no entry to pass over, whatever it is a residue of
# The least |x| over which an entry has to move an output: terms of a claim that cancel are as large as f / |x|, and at
# a smaller x their rounding could be an entry.
_NEAR = 2.0**-10


def asked_alone(analytic: Analytic, claimed: Jacobian, x: Array, y0: Array) -> Jacobian:
    """Return a claim on the pattern and on every other entry where it is not 0, each entry as it is by itself.

    It has the pattern of `claimed`, the claim on f's pattern, where there are no others, and is `claimed` itself where
    they are too many to find. They are sought in units of 1, and in those of x and of f(x), `y0`, in which entries by
    inputs of 1e-19 and of 1e9 are alike: a jvp along tangents of the size of x, a vjp along cotangents of 1 / f(x).
    """
    if analytic.stored is not None:
        whole = analytic.stored(claimed.pattern)
    elif analytic.push is not None:
        whole = _whole(analytic.push, claimed, own_scale(x.reshape(-1)))
    else:
        transpose = _whole(_pull(analytic), claimed.T, 1 / np.maximum(own_scale(y0.reshape(-1)), UNDERFLOW))
        whole = None if transpose is None else transpose.T
    return claimed if whole is None else _without_rounding(whole, claimed.pattern, own_scale(x.reshape(-1)))


def visible(others: Jacobian, near: Neighbourhood, numeric: Numeric, tolerance: float, reach: float = 1.0) -> Array:
    """Return the outputs of those entries outside the pattern that would move them by more than their rounding.

    That is over a `reach`, in units of x; entries of at most a `tolerance` are left out. An output that is 0, and does
    not move either, has no last bit of its own: it may be that of 1, or of the largest output. One that moves in steps
    has to move by more than two of them.
    """
    size, rows, y0 = np.abs(others.data), others.pattern.rows, np.abs(near.box.y0)
    x = np.abs(near.x.reshape(-1)[others.indices])
    moved = size * reach * np.where(finite(x) > 0, np.maximum(x, _NEAR), 1)
    terms = np.fmax(y0, near.rounding(numeric.jacobian, numeric.bar)[:])
    largest = np.max(y0, initial=1, where=np.isfinite(y0))
    last = FLOOR * max(LAST, near.x_epsilon) * np.where(terms < UNDERFLOW, largest, terms)
    steps = numeric.stairs.of_outputs(numeric.jacobian.pattern.rows, y0.size)
    last = np.fmax(last, 2 * np.fmax(steps, smallest(near.epsilon, near.box.y0)))
    return distinct(rows[(moved > last[rows]) & (size > tolerance)])


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
    if analytic.push is not None:
        return _stray_along(analytic.push, on, pattern, (outputs, inputs), seed)
    stray = _stray_along(_pull(analytic), on.T, pattern.T, (inputs, outputs), seed)
    return None if stray is None else replace(stray, output=stray.input, input=stray.output)


def _stray_along(
    jvp: LinearMap, on: Jacobian, pattern: Pattern, sound: tuple[Array, Array], seed: Sequence[int]
) -> Stray | None:
    """Look for an entry that is not finite along a random direction, of those outputs and inputs that are `sound`."""
    outputs, inputs = sound
    rule, v = _flat(jvp, pattern), np.where(inputs, np.random.default_rng(seed).standard_normal(inputs.size), 0.0)
    given = rule(v)
    bad = np.flatnonzero(outputs & ~np.isfinite(given) & np.isfinite(np.ravel(on @ v)))
    if not bad.size:
        return None
    output = int(bad[0])
    inputs[pattern.indices[pattern.entries(slice(output, output + 1))]] = False
    input_, value = _cause(rule, v, np.flatnonzero(inputs), output)
    return Stray(output, input_, float(given[output]) if input_ is None else value, bad.size)


def _stray_entry(given: Jacobian, pattern: Pattern, outputs: Array, inputs: Array) -> Stray | None:
    """Look through the entries that a derivative has outside the pattern."""
    others = given.outside(pattern)
    bad = np.flatnonzero(outputs[others.pattern.rows] & inputs[others.indices] & ~np.isfinite(others.data))
    if not bad.size:
        return None
    first = bad[0]
    return Stray(int(others.pattern.rows[first]), int(others.indices[first]), float(others.data[first]), bad.size)


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
    value, everywhere = at(sought, 1.0), candidates.size != 1 and not np.isfinite(at(sought[:0], 0.0))
    return (None if np.isfinite(value) or everywhere else int(sought[0])), value


def _pull(analytic: Analytic) -> LinearMap:
    """Return a vjp, which is a jvp of the transpose."""
    assert analytic.pull is not None
    return analytic.pull


def _flat(jvp: LinearMap, pattern: Pattern) -> LinearMap:
    """Return a jvp as a map from one flat vector to another."""
    return lambda v: np.ravel(jvp(v.reshape(pattern.operand_shape)))


def _whole(jvp: LinearMap, claimed: Jacobian, units: Array) -> Jacobian | None:
    """Return a claim with all the entries of those rows that have others than on the pattern; None if there are none.

    It is None as well where they are too many to find.
    """
    pattern, rule = claimed.pattern, _flat(jvp, claimed.pattern)
    off = _summed(rule, claimed, units)
    found = _entries(rule, pattern.shape[1], off) if off.size else []
    if not found:
        return None
    columns, rows, values = (np.concatenate(part) for part in zip(*found, strict=True))
    alone = Pattern.from_pairs(rows, columns, pattern.output_shape, pattern.operand_shape)
    known = Jacobian(alone, values[np.lexsort((columns, rows))])
    data = np.where(np.isin(pattern.rows, off), known.on(pattern).data, claimed.data)
    return Jacobian(pattern, data).with_entries(known.outside(pattern))


def _summed(rule: LinearMap, claimed: Jacobian, units: Array) -> Array:
    """Return the outputs at which a jvp differs from the claim on the pattern, whatever that has of it.

    The product with a random vector differs there, for the claim has entries outside the pattern: a vector in units of
    1, and one in those of its own, in which other entries are large.
    """
    size, vector = Jacobian(claimed.pattern, np.abs(claimed.data)), np.random.default_rng(0).standard_normal(units.size)
    rounding, off = _ROUNDING_SINGLE if in_single(claimed.data) else _ROUNDING, np.zeros(claimed.shape[0], bool)
    for unit in (np.ones(units.size), units)[: 1 + (units != 1).any()]:
        with np.errstate(all="ignore"):
            v = unit * vector
            given, expected, terms = rule(v), np.ravel(claimed @ v), np.ravel(size @ np.abs(v))
            agrees = np.abs(given - expected) <= rounding * terms
        off |= ~agrees & np.isfinite(given)  # what is not finite is looked for in find_stray
    return np.flatnonzero(off)


def _entries(rule: LinearMap, number: int, rows: Array) -> list[tuple[Array, Array, Array]]:
    """Return columns, rows and values of the entries that a rule has in some rows, of so many columns.

    Groups of columns are halved while they give something; nothing where that takes too many calls.
    """
    weights = np.random.default_rng(1).uniform(1, 2, number)  # so that entries of opposite signs do not cancel
    found, groups, calls = [], [np.arange(number)], 0
    while groups and calls < _MOST:
        group, calls = groups.pop(), calls + 1
        seed = np.zeros(number)
        seed[group] = weights[group] if group.size > 1 else 1.0
        product = rule(seed)[rows]
        some = np.flatnonzero(product)
        if group.size == 1:
            found.append((np.repeat(group, some.size), rows[some], product[some]))
        elif some.size:
            groups += np.split(group, [group.size // 2])
    return [] if groups else found


def _without_rounding(whole: Jacobian, pattern: Pattern, units: Array) -> Jacobian:
    """Return a claim without what is rounding, or not finite, outside the pattern."""
    claimed, others = whole.on(pattern), whole.outside(pattern)
    nothing = _NOTHING_SINGLE if in_single(claimed.data) else NOTHING
    by_1, by_x = (_parts_of_largest(whole, others, pattern, each) for each in (np.ones(units.size), units))
    # Beside an input of 1e-19, an entry that is nothing by units of 1 may be large by those of x. It counts where it is
    # too small to be what rounding leaves of the row's largest, or too large to be passed over.
    large_by_x = (by_x > nothing) & ((by_1 < _RESIDUE) | (by_x >= _LARGE))
    spurious = (by_1 > nothing) | large_by_x
    return claimed.with_entries(others.only(spurious)) if spurious.any() else claimed


@np.errstate(all="ignore")
def _parts_of_largest(whole: Jacobian, others: Jacobian, pattern: Pattern, units: Array) -> Array:
    """Return the sizes of entries outside the pattern, each times its input's unit, in parts of the row's largest.

    Of an output that reads nothing, they are parts of the largest of all; NaN where that is 0 as they are.
    """
    largest = np.zeros(pattern.shape[0])
    np.maximum.at(largest, whole.pattern.rows, finite(np.abs(whole.data) * units[whole.indices]))
    largest[pattern.lengths == 0] = np.max(largest, initial=0)
    size = finite(np.abs(others.data) * units[others.indices])
    return np.asarray(size / largest[others.pattern.rows])
