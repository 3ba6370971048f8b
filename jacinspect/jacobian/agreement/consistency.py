"""Does a jvp or a vjp agree with a known Jacobian, and is it linear whatever array it is given? Next: findings.

A rule is compared along random directions, component by component, which takes a few calls; a difference is then
located by asking for ever smaller parts of the direction, down to one unit vector. Tangents and cotangents as they come
in practice (zeros, transposed views, expanded numbers) are compared with what the same rule gives for ordinary ones.
"""

from collections.abc import Callable, Iterator

import numpy as np

from jacinspect.errors import FunctionFailedError
from jacinspect.jacobian.agreement.analytic import LinearMap
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.records import dataclass, replace

__all__ = ["Difference", "Fault", "Known", "difference", "fault", "strided"]

_DIRECTIONS = 2  # an error hides from one by chance, where two terms of a row nearly cancel
_LOCATED = 4  # components looked at closely: the first has nearly always a wrong entry, if any has
_ROUNDINGS = 64  # of a product's size: what two orders of summing thousands of terms differ by
_ALGORITHM = 2.0**-30  # of a product's size: torch's forward logcumsumexp loses 12 of 53 bits, single precision 29
_GROSS = 2.0**-20  # of a product's size: what misreads memory or a zero is off by far more, and rounding by less


@dataclass(frozen=True, eq=False)
class Known:
    """A Jacobian to compare a rule with, or its transpose for a vjp.

    `slack` is how far each stored entry may be off, inf where it is not known, and `size` that of the numbers that a
    rule computes it from; `epsilon` is the relative rounding of the function. Where only a sample of J is known, the
    pattern is empty, and `largest` is the size of its entries.
    """

    jacobian: Jacobian
    slack: Array
    size: Array
    epsilon: float
    largest: float = 0.0

    @property
    def T(self) -> "Known":  # noqa: N802 (as of a Jacobian)
        """The transpose."""
        order = self.jacobian.pattern.transposed_order()
        return replace(self, jacobian=self.jacobian.T, slack=self.slack[order], size=self.size[order])

    def off(self, given: Array, tangent: Array) -> Array:
        """Return the components of a rule's result that are not J @ tangent, the worst first."""
        return _off(given, (self.jacobian @ tangent).ravel(), self.allowed(tangent, _ALGORITHM))

    def allowed(self, tangent: Array, relative: float) -> Array:
        """Return what each component of J @ tangent may be off by, `relative` being the rounding of a rule.

        It is infinite, or NaN as 0 · inf is, where an entry is not known.
        """
        relative = max(relative, _ROUNDINGS * self.epsilon)
        slack = Jacobian(self.jacobian.pattern, self.slack + relative * self.size)
        return (slack @ np.abs(tangent)).ravel() + relative * self.largest


def _off(given: Array, expected: Array, allowed: Array) -> Array:
    """Return where `given` is neither as expected nor excused by an expected value that is not finite, worst first."""
    with np.errstate(all="ignore"):
        distance = np.where(np.isfinite(given), np.abs(given - expected), np.inf)
        off = np.flatnonzero(np.isfinite(expected) & (np.isinf(distance) | (distance > allowed)))
        return off[np.argsort(-distance[off] / allowed[off], kind="stable")]


@dataclass(frozen=True)
class Difference:
    """An entry that a rule gives otherwise: of the result, `place`, for a tangent that is `length` at `along` alone."""

    place: int
    along: int
    length: float
    given: float
    expected: float


def difference(
    rule: LinearMap, known: Known, rng: np.random.Generator, excuses: Callable[[Difference], bool] = lambda _: False
) -> Difference | None:
    """Compare a rule with J along random directions; return an entry that differs and is not excused, or None.

    Raises
    ------
    FunctionFailedError
        When the rule raises.
    """
    for _ in range(_DIRECTIONS):
        tangent = rng.standard_normal(known.jacobian.pattern.operand_shape)
        for place in known.off(rule(tangent.copy()), tangent)[:_LOCATED]:
            found = _located(rule, known, tangent, int(place))
            if found is not None and not excuses(found):
                return found
    return None


def _located(rule: LinearMap, known: Known, tangent: Array, place: int) -> Difference | None:
    """Halve a direction along which a component is off until one number of it is left."""

    def part(kept: Array, values: Array) -> Array:
        partial = np.zeros(tangent.size)
        partial[kept] = values
        return partial.reshape(tangent.shape)

    def is_off(kept: Array) -> bool:
        v = part(kept, tangent.ravel()[kept])
        return bool(np.any(known.off(rule(v.copy()), v) == place))

    jacobian = known.jacobian
    read = jacobian.indices[jacobian.indptr[place] : jacobian.indptr[place + 1]]
    kept = read if read.size and is_off(read) else np.setdiff1d(np.arange(tangent.size), read)
    while kept.size > 1:
        half = kept[: kept.size // 2]
        kept = half if is_off(half) else kept[kept.size // 2 :]
    for length in (1.0, *tangent.ravel()[kept]):  # a rule that is not linear may be right for the unit vector
        v = part(kept, length)
        given = rule(v.copy())
        if kept.size and place in known.off(given, v):
            expected = float((jacobian @ v).ravel()[place])
            return Difference(place, int(kept[0]), float(length), float(given[place]), expected)
    return None


@dataclass(frozen=True)
class Fault:
    """What a rule does for some kind of tangent or cotangent: component `place` is not as expected, or it `raised`."""

    case: str
    place: int | None = None
    given: float = 0.0
    expected: float = 0.0
    raised: str = ""


def fault(
    rule: LinearMap, at_view: LinearMap | None, known: Known, kind: str, rng: np.random.Generator
) -> Fault | None:
    """Call a rule with a zero, with zeros in places, with twice the numbers, and with arrays of other memory layouts.

    Parameters
    ----------
    rule, at_view
        The rule at the operand, and at an operand of equal numbers that is a view, None where f does not take one.
    known
        J, of which the size of its entries counts here, and not their values: the rule is compared with itself.
    kind
        "tangent" or "cotangent".
    """
    w = rng.standard_normal(known.jacobian.pattern.operand_shape)

    def called(tangent: Array) -> Array:
        return np.array(rule(tangent))  # a copy: a rule may return the same buffer every time

    plain = called(w.copy())
    allowed = known.allowed(np.abs(w) + 1, _GROSS)  # for the size of all that is given below, to within a factor of 2
    largest = float(np.max(known.size, initial=0, where=np.isfinite(known.size))) or 1.0  # of 1 where f stands still
    allowed += _ROUNDINGS * known.epsilon * largest  # of what f reads and was not found to read
    for case, run in _cases(called, at_view, w, plain, kind):
        try:
            given, expected = run()
        except FunctionFailedError as error:
            return Fault(case, raised=str(error))
        off = _off(given, expected, allowed)
        if off.size:
            place = int(off[0])
            return Fault(case, place, float(given[place]), float(expected[place]))
    return None


_Run = Callable[[], tuple[Array, Array]]


def _cases(rule: LinearMap, at_view: LinearMap | None, w: Array, plain: Array, kind: str) -> Iterator[tuple[str, _Run]]:
    """Yield each kind of tangent, with what the rule gives for it and what it has to give."""
    some = (np.arange(w.size) % 2 == 0).reshape(w.shape)
    one = np.lib.stride_tricks.as_strided(np.ones(1), w.shape, (0,) * w.ndim)
    yield f"for a {kind} of zeros", lambda: (rule(np.zeros(w.shape)), 0 * plain)
    yield f"for a {kind} with zeros in places", lambda: (rule(w * some) + rule(w * ~some), plain)
    yield f"for twice a {kind}", lambda: (rule(2 * w), 2 * plain)
    if w.size > 1:
        yield f"for a {kind} that is {_view(w)}", lambda: (rule(strided(w)), plain)
        yield f"for a {kind} that is one number, expanded", lambda: (rule(one), rule(np.ones(w.shape)))
    if at_view is not None:
        yield "at an operand that is a view, not contiguous", lambda: (at_view(w.copy()), plain)


def _view(array: Array) -> str:
    return "a transposed view" if _is_matrix(array) else "every other entry of an array"


def _is_matrix(array: Array) -> bool:
    return sum(1 for size in array.shape if size > 1) > 1


def strided(array: Array) -> Array:
    """Return equal numbers in memory that is not contiguous: transposed, or for a vector, every other place."""
    if _is_matrix(array):
        return np.array(array, order="F")
    view: Array = np.zeros((*array.shape, 2), array.dtype)[..., 0]
    view[...] = array
    return view
