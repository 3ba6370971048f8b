"""What may be wrong with a derivative that disagrees: the first explanation that fits every entry, or none.

In: the claim and the numeric Jacobian with its bars. Out: a few words for J001's message, after "consistent with".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import e, gcd, isqrt, log, pi, prod, sqrt

import numpy as np

from jacinspect.inspection.naming import Names, entry_name
from jacinspect.jacobian.agreement import Comparison, Status
from jacinspect.jacobian.analytic import Analytic, is_linear
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.differences import ROUNDING
from jacinspect.jacobian.numeric import Numeric

__all__ = ["Suspicion", "diagnose"]

_FEW = 4  # entries that may be named one by one: more would fill the line
_OFF_ZERO = 8  # bars that a value has to be above for its ratio to the claim to be known to three bits or more
_IN_FLOAT32 = 2.0**-21  # relative: four roundings of float32, of 2⁻²³ each
_LARGEST = 10  # numerator and denominator of the fractions that are tried: with more, some fraction fits by chance
_NO_FACTORS = ("axis", "dim", "correction")  # parameters that multiply nothing
_CONSTANTS = (
    *(("π", pi), ("1/π", 1 / pi), ("2π", 2 * pi), ("1/(2π)", 1 / (2 * pi)), ("π/2", pi / 2), ("2/π", 2 / pi)),
    *(("√π", sqrt(pi)), ("√(2π)", sqrt(2 * pi)), ("1/√(2π)", 1 / sqrt(2 * pi)), ("√(2/π)", sqrt(2 / pi))),
    *(("e", e), ("1/e", 1 / e), ("ln 2", log(2)), ("1/ln 2", 1 / log(2)), ("ln 10", log(10)), ("1/ln 10", 1 / log(10))),
    *(("π/180", pi / 180), ("180/π", 180 / pi)),
)


@dataclass(frozen=True, eq=False)
class Suspicion:
    """What is known of a derivative that disagrees.

    `claimed` and `numeric` have one pattern; `claimed` was computed by `analytic`. `complete` is whether every entry of
    the Jacobian was compared, `whole` whether f returned whole numbers alone. `x` and `y0` are the operand and f(x),
    flat; `parameters` are f's numbers by name. `neighbours` returns names and derivatives, flat, of functions that may
    have been meant; `at_output` returns the claim's entries at f(X) in place of X, for an element-wise f.
    """

    analytic: Analytic
    claimed: Jacobian
    numeric: Numeric
    comparison: Comparison
    complete: bool
    whole: bool
    x: Array
    y0: Array
    parameters: Mapping[str, float]
    neighbours: Callable[[], Iterable[tuple[str, Array]]]
    at_output: Callable[[], Array | None]
    names: Names

    @cached_property
    def judged(self) -> Array:
        """Which stored entries agree or disagree, and are not on a kink."""
        status = self.comparison.status
        judged = np.asarray((status == Status.AGREES) | (status == Status.DISAGREES))
        judged[self.numeric.kinks.entries] = False
        return judged

    @cached_property
    def wrong(self) -> Array:
        """Which of those disagree."""
        return np.asarray((self.comparison.status == Status.DISAGREES) & self.judged)

    @cached_property
    def certain(self) -> Array:
        """Which of those have a value well off 0, so that its ratio to the claim is known, by relative bar."""
        value = np.abs(self.value)
        entries = np.flatnonzero(self.judged & (value > _OFF_ZERO * self.numeric.bar))
        return np.asarray(entries[np.argsort(self.numeric.bar[entries] / value[entries], kind="stable")])

    @cached_property
    def is_elementwise(self) -> bool:
        """Whether every output reads nothing but the input at its place, and all of them one."""
        pattern = self.claimed.pattern
        return pattern.is_elementwise and pattern.stored == pattern.shape[0]

    @property
    def value(self) -> Array:
        """The numeric value of each stored entry."""
        return self.numeric.jacobian.data

    def is_times(self, factor: float) -> bool:
        """Whether the claim is `factor` times the numeric value in every entry, one that disagrees among them."""
        if not (np.isfinite(factor) and self.wrong[self.certain].any()):
            return False
        return self._is_times(factor, self.certain[:1]) and self._is_times(factor, self.judged)

    def _is_times(self, factor: float, where: Array) -> bool:
        claimed = self.claimed.data[where]
        with np.errstate(all="ignore"):
            allowed = abs(factor) * self.numeric.bar[where] + ROUNDING * np.abs(claimed)
            return bool(np.all(np.abs(claimed - factor * self.value[where]) <= allowed))

    def is_given(self, expected: Array, bar: Array | None = None) -> bool:
        """Whether the claim is as expected, in every entry, to within the numeric bars or those given."""
        bars = self.numeric.bar if bar is None else bar
        claimed, expected, bars = (part[self.judged] for part in (self.claimed.data, expected, bars))
        with np.errstate(all="ignore"):
            return bool(np.all(np.abs(claimed - expected) <= bars + ROUNDING * np.abs(claimed)))


def diagnose(suspicion: Suspicion) -> str:
    """Return the first explanation that fits every entry, such as "the opposite sign", or nothing."""
    if not suspicion.judged.any():
        return ""
    explanations: tuple[Callable[[Suspicion], str], ...] = (_nonlinear, _transposed)
    if suspicion.wrong.any():  # otherwise only a random direction refutes the claim
        entrywise = (_other_function, _as_if_elementwise, _factor, _somewhere)
        explanations = (_nonlinear, _whole, _single, _sign, _named_factor, _transposed, _zero, *entrywise)
    return next(filter(None, (explain(suspicion) for explain in explanations)), "")


def _nonlinear(s: Suspicion) -> str:
    if is_linear(s.analytic, s.claimed.pattern.operand_shape, s.y0.size):
        return ""
    of = "tangent" if s.analytic.push is not None else "cotangent"
    return f"a rule that is not linear in the {of}: its result has to be multiplied by it"


def _single(s: Suspicion) -> str:
    claimed, value = s.claimed.data[s.judged], s.value[s.judged]
    with np.errstate(all="ignore"):
        close = np.abs(claimed - value) <= _IN_FLOAT32 * np.abs(value) + s.numeric.bar[s.judged]
        narrow = claimed.astype(np.float32) == claimed
    return "a derivative computed in float32" if np.all(close & narrow) else ""


def _whole(s: Suspicion) -> str:
    return "an f that returns whole numbers, whose derivative is 0" if s.whole and not s.value.any() else ""


def _zero(s: Suspicion) -> str:
    """Test whether the claim is 0 throughout, outside f's pattern too."""
    rng, pattern = np.random.default_rng(0), s.claimed.pattern
    if s.claimed.data[s.judged].any():
        return ""
    if s.analytic.push is not None:
        product = s.analytic.push(rng.standard_normal(pattern.operand_shape))
    else:
        assert s.analytic.pull is not None
        product = s.analytic.pull(rng.standard_normal(pattern.shape[0]))
    return "" if np.any(product) else "a derivative cut off from X: it is 0 in every entry"


def _sign(s: Suspicion) -> str:
    return "the opposite sign" if s.is_times(-1.0) else ""


def _named_factor(s: Suspicion) -> str:
    """Look for a factor that has a name: a parameter that the chain rule multiplies by, a length, 2, π."""
    for name, number in s.parameters.items():
        if abs(number) in (0.0, 1.0) or name in _NO_FACTORS:
            continue
        if s.is_times(1 / number):
            return f"a missing chain factor: it is right times {name}={number:g}"
        if s.is_times(number):
            return f"a chain factor too many: it is {name}={number:g} times what is right"
    for called, factor in _factors(s):
        for sign in (1, -1):
            if s.is_times(sign * factor):
                return f"a constant factor of {'−' * (sign < 0)}{called}"
    return ""


def _factors(s: Suspicion) -> Iterator[tuple[str, float]]:
    """Yield factors with their names: sizes and their roots, as in a mean or a scale; fractions; and constants."""
    pattern = s.claimed.pattern
    for of, shape in (("A", pattern.output_shape), ("X", pattern.operand_shape)):
        for size in dict.fromkeys([*shape, prod(shape)]):
            if size > 1:
                of_what = f"{size} is {'the' if size == prod(shape) else 'a'} size of {of}"
                root = isqrt(size)
                name = f"√{size} ({of_what})" if root**2 != size else f"{root} (√{size}, and {of_what})"
                yield f"{size} ({of_what})", size
                yield f"1/{size} ({of_what})", 1 / size
                yield name, sqrt(size)
                yield f"1/{name}", 1 / sqrt(size)
    for above in range(1, _LARGEST + 1):
        for below in range(1, _LARGEST + 1):
            if gcd(above, below) == 1 and above != below:
                yield f"{above}/{below}" if below > 1 else f"{above}", above / below
    for n in (2, 3, 5):
        yield f"√{n}", sqrt(n)
        yield f"1/√{n}", 1 / sqrt(n)
    yield from _CONSTANTS


def _factor(s: Suspicion) -> str:
    """Look for any constant factor; two entries of different size are needed to call it constant."""
    value, bar = np.abs(s.value[s.certain]), s.numeric.bar[s.certain]
    if np.all(np.abs(value - value[:1]) <= bar + bar[:1]):
        return ""
    factor = float(s.claimed.data[s.certain[0]] / s.value[s.certain[0]])
    return f"a constant factor of {factor:.10g}" if s.is_times(factor) else ""


def _transposed(s: Suspicion) -> str:
    """Compare the claim's products with those of the transpose, which exist whatever form the claim has."""
    pattern = s.claimed.pattern
    shape = pattern.output_shape
    if s.is_elementwise and len(shape) == 2 and shape[0] == shape[1] and shape == pattern.operand_shape:
        value, bar = (part.reshape(shape).T.ravel() for part in (s.value, s.numeric.bar))
        if s.wrong.any() and s.is_given(value, bar):
            return "f'(X) transposed"
    if not s.complete or pattern.shape[0] != pattern.shape[1] or not s.judged.all() or s.is_elementwise:
        return ""
    jacobian, rng = s.numeric.jacobian, np.random.default_rng(0)
    bars = Jacobian(pattern, s.numeric.bar + ROUNDING * np.abs(jacobian.data))
    for _ in range(2):
        v = rng.standard_normal(pattern.shape[1])
        if s.analytic.push is not None:
            given = s.analytic.push(v.reshape(pattern.operand_shape))
            expected, slack = jacobian.vjp(v), bars.vjp(np.abs(v))
        else:
            assert s.analytic.pull is not None
            given, expected, slack = s.analytic.pull(v), jacobian @ v, bars @ np.abs(v)
        with np.errstate(all="ignore"):
            allowed = slack.ravel() + ROUNDING * pattern.shape[1] * np.abs(given).max(initial=0)
            if not np.all(np.abs(given - expected.ravel()) <= allowed):
                return ""
    return "the transpose of the Jacobian"


def _other_function(s: Suspicion) -> str:
    """Look for another function with this derivative; a single number is the derivative of too many."""
    if not s.is_elementwise or np.unique(s.claimed.data[s.judged]).size < 2:
        return ""
    if s.is_given(s.y0):
        return "f itself in place of its derivative"
    for name, slopes in s.neighbours():
        if s.is_given(slopes[s.claimed.indices]):
            return f"the derivative of {name}"
    there = s.at_output()
    if there is not None and there[s.judged].any():
        judged = s.judged
        with np.errstate(all="ignore"):
            allowed = s.numeric.bar + ROUNDING * np.abs(there)
            if np.all(np.abs(there - s.value)[judged] <= allowed[judged]):
                return "a derivative in terms of f(x): it is right where it is given f(X) for X"
    return ""


def _as_if_elementwise(s: Suspicion) -> str:
    """Test whether the claim is right where an element-wise function would have its derivative, and 0 elsewhere."""
    pattern = s.claimed.pattern
    if pattern.sources is None:
        return ""
    off = (pattern.sources[pattern.rows] != pattern.indices) & s.judged
    disagrees = s.comparison.status == Status.DISAGREES
    if off.any() and not s.claimed.data[off].any() and not disagrees[~off].any():
        return "an element-wise derivative, while f is not element-wise: the entries off the diagonal are missing"
    return ""


def _somewhere(s: Suspicion) -> str:
    """Look for the place where the claim is wrong, if it is right elsewhere."""
    wrong, right = s.wrong, s.judged & ~s.wrong
    elsewhere = (s.comparison.status == Status.DISAGREES) & ~s.judged
    if not wrong.any() or not right.any() or elsewhere.any():
        return ""
    if s.is_elementwise:
        at = s.x[s.claimed.indices]
        for where, sign in (("x < 0", -1), ("x > 0", 1)):
            if np.all((np.sign(at) == sign)[wrong]) and not np.any((np.sign(at) == sign)[right]):
                return f"a derivative that is right except where {where}"
    number = int(np.count_nonzero(wrong))
    if number <= _FEW and 4 * number <= int(np.count_nonzero(s.judged)):
        pattern = s.claimed.pattern
        pairs = zip(pattern.rows[wrong], pattern.indices[wrong], strict=True)
        places = [entry_name(s.names, int(row), int(column)) for row, column in pairs]
        return f"a derivative that is right except in {', '.join(places)}"
    return ""
