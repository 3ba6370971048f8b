"""The whole Jacobian compared with f along random directions: what entry by entry cannot refute. Next: findings.

A pattern that is too small is refuted by the assembled J·v, an analytic derivative with entries outside the pattern by
its own product.
"""

from math import pi, sqrt

import numpy as np

from jacinspect.jacobian.agreement.analytic import Analytic
from jacinspect.jacobian.agreement.comparison import UNDERFLOW, Comparison, Status
from jacinspect.jacobian.agreement.measurements import Direction, Measurements, width
from jacinspect.jacobian.agreement.outside import NOTHING
from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.indices import distinct
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.first_look import FLOOR
from jacinspect.jacobian.values.ladder import ladder
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.stencil import LAST, Kind, finite, step_scale
from jacinspect.records import dataclass

__all__ = ["Directions", "along_directions", "comparable", "inputs_refuted"]

_LAST_BITS = 4.0  # of 1: where f stands still, entries that would move it by less are nothing
_LEAST = 1e-12  # coverage to divide by, where no entry was compared


@dataclass(frozen=True, eq=False)
class Directions:
    """What random directions refute: the pattern of some outputs, the analytic derivative of some.

    `inputs_refuted` lists the inputs by which an analytic derivative is refuted of which only the vjp is known.
    """

    pattern_refuted: Array
    analytic_refuted: Array
    inputs_refuted: Array
    left_out: Array  # the outputs not compared along every direction
    compared: int  # how many are
    miss_probability: float | None  # that an entry as large as the largest stored one was missed all the same


@np.errstate(all="ignore")
def along_directions(
    measured: Measurements,
    comparison: Comparison,
    analytic: Analytic | None,
    coverage: float,
    rng: np.random.Generator,
) -> Directions:
    """Compare J·v and the analytic product with f along random directions, output by output.

    The assembled J·v refutes a pattern that is too small; it is compared only where J is complete (coverage 1). The
    analytic product refutes a derivative with entries outside the pattern. Where only its vjp is known, that is
    compared with Jᵀ·w, input by input, or with w·(J·v) in one number where J is not complete. Outputs with a kink near
    x are left out. A tolerance of the user's is allowed for besides.
    """
    near, numeric, coverage = measured.near, comparison.numeric, max(coverage, _LEAST)
    rounding = near.rounding(numeric.jacobian, numeric.bar, 1 / coverage)
    compared = comparable(comparison, near.box.y0)
    outcomes: list[_Outcome] = []
    for direction in measured.directions:
        line = _Line(near, direction, direction.tangent(near.x), comparison, coverage, rounding)
        outcomes.append(line.outcome(analytic, compared, rng))
        compared = outcomes[-1].compared
    data = numeric.jacobian.data
    largest = float(np.max(np.abs(data), initial=0, where=np.isfinite(data)))
    widest = max((outcome.widest for outcome in outcomes), default=0.0)
    missed = min(1.0, sqrt(2 / pi) * widest / largest) ** len(outcomes) if largest and compared.any() else None
    return Directions(
        distinct(*(outcome.pattern_refuted for outcome in outcomes)),
        distinct(*(outcome.analytic_refuted for outcome in outcomes)),
        distinct(*(outcome.inputs_refuted for outcome in outcomes)),
        np.flatnonzero(~compared),
        int(np.count_nonzero(compared)),
        missed,
    )


def inputs_refuted(
    analytic: Analytic, comparison: Comparison, near: Neighbourhood, left_out: Array, rng: np.random.Generator
) -> Array:
    """Return by which inputs a vjp is refuted along a random cotangent that is 0 for the outputs `left_out`."""
    assert analytic.pull is not None
    compared = comparable(comparison, near.box.y0)
    compared[left_out] = False
    w = np.where(compared, rng.standard_normal(compared.size), 0.0)
    return np.flatnonzero(_differs_by_input(comparison, analytic.pull(w), w, _unseen(near, w)))


def comparable(comparison: Comparison, y0: Array) -> Array:
    """Return which outputs directions compare: those that are finite, and have smooth entries alone.

    None of these may be out of reach, or on stairs.
    """
    numeric = comparison.numeric
    pattern, comparable = numeric.jacobian.pattern, np.isfinite(y0)
    for rows in pattern.bands:
        entries = pattern.entries(rows)
        rough = (numeric.kind[entries] != Kind.SMOOTH) | (comparison.status[entries] == Status.OUT_OF_REACH)
        comparable[pattern.rows[entries][rough]] = False
    comparable[pattern.rows[numeric.stairs.entries]] = False
    return comparable


@dataclass(frozen=True, eq=False)
class _Outcome:
    """What one direction shows: the outputs compared along it, what it refutes, and the widest difference allowed."""

    compared: Array
    pattern_refuted: Array
    analytic_refuted: Array
    inputs_refuted: Array
    widest: float


@dataclass(frozen=True, eq=False)
class _Line:
    """One random direction v, and what is compared with f along it; `rounding` is Σ|x·∂f/∂x| of each output."""

    near: Neighbourhood
    direction: Direction
    v: Array
    comparison: Comparison
    coverage: float
    rounding: Magnitudes

    def outcome(self, analytic: Analytic | None, compared: Array, rng: np.random.Generator) -> _Outcome:
        """Compare J·v and the analytic product with f, of the outputs that were `compared` so far.

        Those with a kink within the direction's steps are left out.
        """
        jacobian = self.comparison.numeric.jacobian
        allowed, closing = self._allowed()
        compared = compared & closing
        by_pattern = by_rule = by_input = np.zeros(0, np.int64)
        if self.coverage == 1:
            by_pattern = self._refuted((jacobian @ self.v).ravel(), allowed, compared)
        if self.comparison.tolerance is not None:
            errors = Jacobian(jacobian.pattern, self.comparison.tolerated(slice(None)))
            allowed = Magnitudes.of(allowed[:] + (errors @ np.abs(self.v)).ravel() / self.coverage)
        push, pull = (None, None) if analytic is None else (analytic.push, analytic.pull)
        if push is not None:
            wrong = self.comparison.status == Status.DISAGREES  # an output with such an entry needs no more proof
            by_rule = self._refuted(push(self.v), allowed, compared & ~_outputs(jacobian.pattern, wrong))
        elif pull is not None:
            w = np.where(compared, rng.standard_normal(compared.size), 0.0)
            pulled = pull(w)
            if self.coverage == 1:
                by_input = np.flatnonzero(_differs_by_input(self.comparison, pulled, w, _unseen(self.near, w)))
            elif np.isfinite(self.near.box.y0[w == 0]).all() or np.isfinite(pulled).all():
                by_input = np.flatnonzero(self._differs_in_sum(pulled, w, allowed))
            else:  # an output that is left out is infinite: 0 · inf hides what the others give, and their sum
                compared = np.zeros_like(compared)
        widest = float(np.max(allowed[:], initial=0, where=compared))
        return _Outcome(compared, by_pattern, by_rule, by_input, widest)

    def _allowed(self) -> tuple[Magnitudes, Array]:
        """Return what J·v may be off by, and where the one-sided slopes close in on each other.

        That is the bar, the rounding of all that an output reads (for a sum of large terms may be small), and the
        errors of J's entries.
        """
        numeric, direction, v = self.comparison.numeric, self.direction, self.v.reshape(-1)
        pattern, epsilon = numeric.jacobian.pattern, self.near.epsilon
        allowed, closing = Magnitudes(pattern.shape[0]), np.empty(pattern.shape[0], bool)
        apart, nothing = width(epsilon), _nothing(numeric.jacobian, v)
        for rows in pattern.bands:
            entries, band = pattern.entries(rows), pattern.band(rows)
            errors = self.comparison.rounding(entries) + self.comparison.unsure(entries)
            errors = errors / self.coverage + numeric.bar[entries]
            floor = FLOOR * self.near.x_epsilon * self.rounding[rows] / apart
            slack = band.sums(errors * np.abs(v[band.indices])) + np.where(band.lengths > 0, 0, nothing)
            allowed[rows] = direction.bar[rows] + floor + slack
            closing[rows] = direction.excess[rows] <= 2 * floor
        return allowed, closing

    def _refuted(self, claimed: Array, allowed: Magnitudes, compared: Array) -> Array:
        """Return which outputs a claim is off at; each is differenced once more, at ever smaller steps, before."""
        differs, faint = compared.copy(), _LAST_BITS * LAST * np.abs(self.v).sum()
        for rows in blocks(differs.size):
            value = self.direction.value[rows]
            differs[rows] &= ~(np.abs(claimed[rows] - value) <= np.maximum(allowed[rows], np.where(value, 0, faint)))
        suspects = np.flatnonzero(differs)
        if not suspects.size:
            return suspects
        slack = allowed[suspects] - self.direction.bar[suspects]
        doubts = Doubts.unless_near(claimed[suspects], slack)
        again = ladder(self.near.along(self.v, self.rounding).subset(suspects), doubts)
        off = ~(np.abs(claimed[suspects] - again.value) <= again.bar + slack)
        off &= ~(np.abs(claimed[suspects] - again.other) <= again.other_bar + slack)  # NaN where there are no steps
        return np.asarray(suspects[off & (again.kind == Kind.SMOOTH)])

    def _differs_in_sum(self, pulled: Array, w: Array, allowed: Magnitudes) -> Array:
        """Return where a claimed Jᵀ·w is off in the number (Jᵀ·w)·v = w·(J·v): everywhere it is not 0, or nowhere.

        That may be off by what each J·v may be, and by the rounding of both sums.
        """
        on = np.flatnonzero(w)
        terms, measured = pulled * self.v.ravel(), w[on] * self.direction.value[on]
        slack = np.abs(w[on]) @ allowed[on]
        slack += LAST * (terms.size * np.abs(terms).sum() + measured.size * np.abs(measured).sum())
        return np.asarray((terms != 0) & ~(np.abs(terms.sum() - measured.sum()) <= slack))


def _outputs(pattern: Pattern, entries: Array) -> Array:
    """Return which outputs have one of some entries, a boolean for each."""
    found = np.zeros(pattern.shape[0], bool)
    found[pattern.rows[entries]] = True
    return found


def _unseen(near: Neighbourhood, w: Array) -> Array:
    """Return what entries that would not move the last bit of an output over a unit of x may add to a Jᵀ·w.

    An output that is 0 has no last bit of its own: it may be that of 1.
    """
    on = np.flatnonzero(w)
    y0 = np.abs(near.box.y0[on])
    size = (np.abs(w[on]) * np.where(y0 < UNDERFLOW, 1, y0)).sum()
    return np.asarray(max(LAST, near.x_epsilon) * size / step_scale(near.x.reshape(-1)))


def _nothing(jacobian: Jacobian, v: Array) -> float:
    """Return what a rule's product with v may be by rounding where J has no entry."""
    return float(NOTHING * np.max(finite(np.abs(jacobian.data)), initial=0) * np.abs(v).sum())


def _differs_by_input(comparison: Comparison, pulled: Array, w: Array, unseen: Array) -> Array:
    """Return where a claimed Jᵀ·w is off the assembled one, whose rows with a weight of 0 are left out.

    What entries that are not stored may add to each is `unseen`. A row that is left out may be infinite, and 0 · inf
    then hides what the others give.
    """
    jacobian = comparison.numeric.jacobian
    left_out = w[jacobian.pattern.rows] == 0
    hidden = np.bincount(jacobian.indices[left_out], minlength=pulled.size) > 0
    errors = comparison.allowed(slice(None)) + comparison.unsure(slice(None))
    data, bars = np.where(left_out, 0.0, np.array([jacobian.data, errors]))
    difference = np.abs(pulled - Jacobian(jacobian.pattern, data).vjp(w).ravel())
    unread = np.bincount(jacobian.indices, minlength=pulled.size) == 0
    allowed = unseen + Jacobian(jacobian.pattern, bars).vjp(np.abs(w)).ravel()
    allowed += np.where(unread, _nothing(jacobian, w), 0)
    return np.asarray((np.isfinite(pulled) | ~hidden) & ~(difference <= allowed))
