"""The whole held against random directions: what entry by entry cannot refute. Next: findings.

f is differenced along each before anything is known of J; a pattern that is too small is refuted by the assembled J·v,
an analytic derivative with entries outside the pattern by its own product.
"""

from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np

from jacinspect.jacobian.agreement import Comparison, Status, Tolerance
from jacinspect.jacobian.analytic import Analytic
from jacinspect.jacobian.blackbox import Array, BlackBox, blocks
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.differences import ROUNDING, Kind, Stencil, first_pass, last_step, step_scale
from jacinspect.jacobian.ladder import ladder
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.numeric import Numeric

__all__ = ["Direction", "Directions", "along_directions", "measure_directions"]

_DIRECTIONS = 2
_REACH = 0.125  # of a direction's steps: smaller than a seed's, so that fewer of its many inputs cross a kink


@dataclass(frozen=True, eq=False)
class Direction:
    """The numeric jvp along one random direction, value ± bar, before what J says of the rounding is added.

    `excess` is by how much one-sided slopes stay apart, see `FirstPass`. The direction itself is drawn anew whenever it
    is needed: it is as large as the operand.
    """

    seed: int
    value: Array
    bar: Magnitudes
    excess: Magnitudes

    def tangent(self, x: Array) -> Array:
        """Draw the direction, of x's shape."""
        return _tangent(self.seed, x)


def _tangent(seed: int, x: Array) -> Array:
    """Draw a Gaussian direction, in units of the steps of x; it leaves alone what is not finite."""
    v = np.random.default_rng(seed).standard_normal(x.shape)
    flat, known = v.reshape(-1), x.reshape(-1)
    for block in blocks(v.size):
        with np.errstate(over="ignore"):
            flat[block] = np.where(np.isfinite(known[block]), flat[block] * step_scale(known[block]), 0)
    return v


def measure_directions(
    box: BlackBox, x: Array, rng: np.random.Generator, epsilon: float, noise: Magnitudes
) -> list[Direction]:
    """Difference f along a few Gaussian directions."""
    measured = []
    for _ in range(_DIRECTIONS):
        seed = int(rng.integers(2**63))
        stencil = Stencil(box, x, _tangent(seed, x), slice(None), None, box.y0, epsilon, None, noise)
        first = first_pass(stencil, _REACH)
        measured.append(Direction(seed, first.value, Magnitudes.of(first.bar), first.excess))
    return measured


@dataclass(frozen=True, eq=False)
class Directions:
    """What random directions said: outputs whose pattern they refute, and whose analytic derivative they refute.

    Of an analytic derivative that is known by its vjp alone, the inputs by which it is refuted are in `inputs_refuted`.
    """

    pattern_refuted: Array
    analytic_refuted: Array
    inputs_refuted: Array
    compared: int  # outputs held against every direction
    miss_probability: float | None  # that an entry as large as the largest stored one was missed all the same


@dataclass(eq=False)
class _Told:
    """The same while it gathers: where outputs are compared, places that are refuted, the widest allowance."""

    compared: Array
    pattern_refuted: list[Array] = field(default_factory=list)
    analytic_refuted: list[Array] = field(default_factory=list)
    inputs_refuted: list[Array] = field(default_factory=list)
    widest: float = 0.0


def along_directions(
    measured: list[Direction],
    box: BlackBox,
    x: Array,
    comparison: Comparison,
    analytic: Analytic | None,
    rng: np.random.Generator,
    coverage: float,
) -> Directions:
    """Hold J·v and the analytic product against f along random directions, output by output.

    The assembled J·v refutes a pattern that is too small; it is compared only where J is complete (coverage 1). The
    analytic product refutes a derivative with entries outside the pattern. Where only its vjp is known, that is held
    against Jᵀ·w, input by input, and against w·(J·v) in one number where J is not complete. Outputs with a kink near x
    are left out. A tolerance of the user's is allowed for besides.
    """
    numeric, tolerance = comparison.numeric, comparison.tolerance
    jacobian = numeric.jacobian
    height = jacobian.shape[0]
    compared = np.isfinite(box.y0)
    for rows in blocks(height):
        entries = jacobian.pattern.entries(rows)
        rough = (numeric.kind[entries] != Kind.SMOOTH) | ~np.isfinite(jacobian.data[entries])
        rough |= comparison.status[entries] == Status.OUT_OF_REACH
        compared[jacobian.pattern.rows[entries][rough]] = False
    told = _Told(compared)
    coverage = max(coverage, 1e-12)
    rounding = numeric.rounding(x, box.y0, 1 / coverage)
    for direction in measured:
        _Held(direction, direction.tangent(x), box, x, numeric, rounding, coverage).tell(told, analytic, rng, tolerance)
    largest = float(np.max(np.abs(jacobian.data), initial=0, where=np.isfinite(jacobian.data)))
    missed = (
        min(1.0, sqrt(2 / pi) * told.widest / largest) ** len(measured) if largest and told.compared.any() else None
    )
    return Directions(
        _union(told.pattern_refuted),
        _union(told.analytic_refuted),
        _union(told.inputs_refuted),
        int(np.count_nonzero(told.compared)),
        missed,
    )


@dataclass(frozen=True, eq=False)
class _Held:
    """A direction v and the Jacobian that is held against it; `rounding` is Σ|x·∂f/∂x| of each output."""

    direction: Direction
    v: Array
    box: BlackBox
    x: Array
    numeric: Numeric
    rounding: Magnitudes
    coverage: float

    def tell(
        self, told: _Told, analytic: Analytic | None, rng: np.random.Generator, tolerance: Tolerance | None
    ) -> None:
        """Add to what was told what this direction says."""
        jacobian, value = self.numeric.jacobian, self.direction.value
        allowed = self._allowed(told.compared)
        if self.coverage == 1:
            self._refute(told.pattern_refuted, (jacobian @ self.v).ravel(), allowed, told.compared)
        if tolerance is not None:
            errors = Jacobian(jacobian.pattern, tolerance.atol + tolerance.rtol * np.abs(jacobian.data))
            allowed += (errors @ np.abs(self.v)).ravel() / self.coverage
        if analytic is not None and analytic.push is not None:
            self._refute(told.analytic_refuted, analytic.push(self.v), allowed, told.compared)
        elif analytic is not None and analytic.pull is not None:
            w = np.where(told.compared, rng.standard_normal(told.compared.size), 0.0)
            pulled = analytic.pull(w)
            off = (
                _differs_by_input(self.numeric, pulled, w, tolerance)
                if self.coverage == 1
                else _differs_in_sum(pulled, self.v.ravel(), w, value, allowed)
            )
            told.inputs_refuted.append(np.flatnonzero(off))
        told.widest = max(told.widest, float(np.max(allowed, initial=0, where=told.compared)))

    def _allowed(self, compared: Array) -> Array:
        """Return what J·v may be off by: the bar, the rounding, and the errors of J's entries; and note what is rough.

        The rounding is that of all that an output reads, for a sum of large terms may be small.
        """
        pattern, v = self.numeric.jacobian.pattern, self.v.reshape(-1)
        allowed = np.empty(compared.size)
        width = 2 * _REACH * last_step(self.numeric.epsilon)
        for rows in blocks(compared.size):
            entries, band = pattern.entries(rows), pattern.band(rows)
            size = np.abs(self.numeric.jacobian.data[entries])
            with np.errstate(all="ignore"):
                errors = 4 * self.numeric.epsilon * size / self.coverage + self.numeric.bar[entries]
                floor = 8 * self.numeric.epsilon * self.rounding[rows] / width
                slack = band.sums(errors * np.abs(v[band.indices]))
                allowed[rows] = self.direction.bar[rows] + floor + slack
            compared[rows] &= (self.direction.excess[rows] <= 2 * floor) & np.isfinite(self.direction.value[rows])
        return allowed

    def _refute(self, refuted: list[Array], claimed: Array, allowed: Array, compared: Array) -> None:
        """Note where a claim is off; each is looked at once more, at ever smaller steps, before it is called so."""
        differs = compared.copy()
        for rows in blocks(differs.size):
            with np.errstate(all="ignore"):
                differs[rows] &= np.abs(claimed[rows] - self.direction.value[rows]) > allowed[rows]
        suspects = np.flatnonzero(differs)
        if not suspects.size:
            return
        box, numeric = self.box, self.numeric
        stencil = Stencil(
            box, self.x, self.v, slice(None), None, box.y0, numeric.epsilon, self.rounding, numeric.noise
        ).subset(suspects)
        again = ladder(stencil)
        with np.errstate(all="ignore"):
            slack = allowed[suspects] - self.direction.bar[suspects]
            off = np.abs(claimed[suspects] - again.value) > again.bar + slack
        refuted.append(suspects[off & (again.kind == Kind.SMOOTH)])


def _union(places: list[Array]) -> Array:
    return np.unique(np.concatenate([np.zeros(0, np.int64), *places]))


def _differs_by_input(numeric: Numeric, pulled: Array, w: Array, tolerance: Tolerance | None) -> Array:
    """Where a claimed Jᵀ·w is off the assembled one, whose rows with a weight of 0 are left out."""
    jacobian = numeric.jacobian
    data = np.where(w[jacobian.pattern.rows] == 0, 0.0, jacobian.data)
    size = np.abs(data)
    bars = np.where(w[jacobian.pattern.rows] == 0, 0.0, numeric.bar) + 2 * ROUNDING * size
    if tolerance is not None:
        bars = bars + tolerance.atol + tolerance.rtol * size
    difference = np.abs(pulled - Jacobian(jacobian.pattern, data).vjp(w).ravel())
    return np.asarray(difference > Jacobian(jacobian.pattern, bars).vjp(np.abs(w)).ravel())


def _differs_in_sum(pulled: Array, v: Array, w: Array, value: Array, allowed: Array) -> Array:
    """Where a claimed Jᵀ·w is off in the one number (Jᵀ·w)·v = w·(J·v): everywhere it is not 0, or nowhere."""
    still = w == 0
    terms, measured = pulled * v, np.where(still, 0.0, w * value)
    slack = np.where(still, 0.0, np.abs(w) * allowed).sum()
    slack += terms.size * 2.0**-52 * np.abs(terms).sum() + measured.size * 2.0**-52 * np.abs(measured).sum()
    off = abs(terms.sum() - measured.sum()) > slack
    return np.asarray((terms != 0) & off)
