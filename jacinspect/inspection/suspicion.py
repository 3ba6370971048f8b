"""What is known of a derivative that disagrees, and whether it is as an explanation predicts. Next: diagnosis.

An explanation is tried on every entry: on those of the pattern one by one, and on all of them, those outside the
pattern too, along random directions.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import numpy as np

from jacinspect.inspection.naming import Names
from jacinspect.jacobian.agreement.analytic import Analytic
from jacinspect.jacobian.agreement.comparison import Comparison, Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.records import dataclass

__all__ = ["Neighbour", "Prediction", "Suspicion"]

_OFF_ZERO = 8  # bars that a value has to be above for its ratio to the claim to be known to three bits or more
_DIRECTIONS = 2  # an explanation that is wrong in one entry survives one with probability 0, but for the bars

Neighbour = tuple[str, Array, Callable[[Array], Array]]  # the name of a function, its derivative at X, flat, and itself


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the claim would be if an explanation, in `words`, were true: values ± `bar`, one for each of `value`'s."""

    words: str
    value: Jacobian
    bar: Array


@dataclass(frozen=True, eq=False)
class Suspicion:
    """What is known of a derivative that disagrees.

    `claim` has the pattern of `numeric`, and besides any entries that it has where f has none; it was computed by
    `analytic`. `complete` is whether every entry of the Jacobian was compared, `in_steps` whether f moves in steps.
    `x` and `y0` are the operand and f(x), flat; `parameters` are f's numbers by name, and `vec` is the order in which
    an M×N claim was read. `neighbours` returns functions that may have been meant; `at_output` returns the claim's
    entries at f(X) in place of X, for an element-wise f; `of_others`, what it has for each operand that is fixed, by
    its place and name, as if it were for the open one. `iterates` is whether f may be code that stops at a tolerance.
    `f` returns f(x), flat, NaN where it raises; it is None where f is slow or random.
    """

    analytic: Analytic
    claim: Jacobian
    numeric: Numeric
    comparison: Comparison
    complete: bool
    in_steps: Callable[[], bool]
    x: Array
    y0: Array
    parameters: Mapping[str, float]
    neighbours: Callable[[], Iterable[Neighbour]]
    at_output: Callable[[], Array | None]
    of_others: Callable[[], Iterable[tuple[int, str, Array]]]
    names: Names
    vec: str | None = None
    iterates: bool = False
    f: Callable[[Array], Array] | None = None

    @property
    def pattern(self) -> Pattern:
        """The pattern of the claim: that of f, and the entries outside it."""
        return self.claim.pattern

    @cached_property
    def _places(self) -> Array:
        """Where each of the claim's entries is stored in the numeric Jacobian; -1 where f has none."""
        of_f = self.numeric.jacobian.pattern
        if of_f is self.pattern:
            return np.arange(self.pattern.stored)
        return of_f.places(self.pattern.rows, self.pattern.indices)

    def _of_each(self, values: Array, outside: float) -> Array:
        """Return what belongs to each entry of the claim, given what belongs to each of the numeric Jacobian."""
        return np.append(values, np.asarray(outside, values.dtype))[self._places]

    @cached_property
    def outside(self) -> Array:
        """Which entries of the claim are where f has none."""
        return np.asarray(self._places < 0)

    @cached_property
    def judged(self) -> Array:
        """Which entries agree or disagree, and are not on a kink; those where f has none are all judged."""
        status = self.comparison.status
        judged = (status == Status.AGREES) | (status == Status.DISAGREES)
        judged[self.numeric.kinks.entries] = False
        return self._of_each(judged, True)

    @cached_property
    def disagrees(self) -> Array:
        """Which entries disagree, on a kink too."""
        return self._of_each(self.comparison.status == Status.DISAGREES, True)

    @cached_property
    def wrong(self) -> Array:
        """Which of the judged entries disagree."""
        return np.asarray(self.disagrees & self.judged)

    @cached_property
    def value(self) -> Array:
        """The numeric value of each entry, 0 where it is not judged."""
        return np.where(self.judged, self._of_each(self.numeric.jacobian.data, 0), 0)

    @cached_property
    def bar(self) -> Array:
        """The bar of each value, infinite where it is not judged."""
        return np.where(self.judged, self._of_each(self.numeric.bar, 0), np.inf)

    @cached_property
    def certain(self) -> Array:
        """Which entries have a value well off 0, so that its ratio to the claim is known, by relative bar."""
        value = np.abs(self.value)
        entries = np.flatnonzero(self.judged & (value > _OFF_ZERO * self.bar))
        return np.asarray(entries[np.argsort(self.bar[entries] / value[entries], kind="stable")])

    @cached_property
    def is_elementwise(self) -> bool:
        """Whether every output reads nothing but the input at its place, and all of them one; so does the claim."""
        return self.pattern.is_elementwise and self.pattern.stored == self.pattern.shape[0]

    def prediction(self, words: str, value: Array, bar: Array) -> Prediction:
        """Return a prediction of the claim's own entries, and of 0 elsewhere."""
        return Prediction(words, Jacobian(self.pattern, value), bar)

    def moved(self, words: str, rows: Array, columns: Array) -> Prediction:
        """Predict that the entries of the Jacobian are at other places: (row, column), flat, for each."""
        order = np.lexsort((columns, rows))
        pattern = Pattern.from_pairs(rows, columns, self.pattern.output_shape, self.pattern.operand_shape)
        return Prediction(self.names.own(words), Jacobian(pattern, self.value[order]), self.bar[order])

    def fits(self, prediction: Prediction) -> bool:
        """Whether the claim is as predicted, in every entry, and not as f's Jacobian in one that disagrees."""
        value = prediction.value.on(self.pattern).data
        bar = Jacobian(prediction.value.pattern, prediction.bar).on(self.pattern).data
        claimed = self.claim.data
        with np.errstate(all="ignore"):
            close = np.abs(claimed - value) <= bar + ROUNDING * np.abs(claimed)
            explains = ~(np.abs(value - self.value) <= bar + self.bar)
        if not np.all(close[self.judged]) or (self.wrong.any() and not explains[self.wrong].any()):
            return False
        return not self.complete or all(self._agrees(prediction, *product) for product in self._products)

    @cached_property
    def _products(self) -> list[tuple[Array, Array]]:
        """Random tangents (cotangents, where only the vjp is known) and the claim's products with them."""
        rng, pattern, analytic = np.random.default_rng(0), self.pattern, self.analytic
        shape = pattern.operand_shape if analytic.push is not None else pattern.shape[:1]
        rule = analytic.push or analytic.pull
        assert rule is not None
        directions = [rng.standard_normal(shape) for _ in range(_DIRECTIONS)]
        with np.errstate(all="ignore"):
            return [(direction, np.ravel(rule(direction.copy()))) for direction in directions]

    def _agrees(self, prediction: Prediction, direction: Array, given: Array) -> bool:
        jacobian = prediction.value
        bars = Jacobian(jacobian.pattern, prediction.bar + ROUNDING * np.abs(jacobian.data))
        with np.errstate(all="ignore"):
            if self.analytic.push is not None:
                expected, slack = jacobian @ direction, bars @ np.abs(direction)
            else:
                expected, slack = jacobian.vjp(direction), bars.vjp(np.abs(direction))
            largest = np.max(np.abs(given), initial=0, where=np.isfinite(given))
            allowed = slack.ravel() + ROUNDING * max(self.pattern.shape) * largest
            return bool(np.all((np.abs(given - expected.ravel()) <= allowed) | np.isposinf(allowed)))
