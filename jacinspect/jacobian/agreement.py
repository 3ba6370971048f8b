"""Do the analytic and the numeric Jacobian agree? Entry by entry, then along random directions. Next: findings."""

from dataclasses import dataclass
from enum import IntEnum
from math import pi, sqrt

import numpy as np

from jacinspect.jacobian.analytic import Analytic
from jacinspect.jacobian.blackbox import Array, BlackBox
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.differences import Kind, Stencil, first_pass, ladder, precision, step_scale
from jacinspect.jacobian.numeric import Numeric

__all__ = ["Comparison", "Directions", "Status", "Tolerance", "along_directions", "compare", "suspicious"]

_DIRECTIONS = 2
_REACH = 0.125  # of a direction's steps: smaller than a seed's, so that fewer of its many inputs cross a kink
_WIDE = 1e-4  # a bar above this fraction of what it bounds is too wide to judge by
_ROUNDING = 4 * 2.0**-52  # what an analytic value may be off by for its own rounding


class Status(IntEnum):
    """What became of an entry."""

    AGREES = 0
    KINK = 1
    DISAGREES = 2
    INCONCLUSIVE = 3
    NONFINITE = 4
    OVERFLOWS = 5  # value and analytic derivative overflow, as where |f| grows with x or away from x = 0
    EXCUSED = 6  # an operand that the output reads is not finite


@dataclass(frozen=True)
class Tolerance:
    """A user's own tolerance |analytic − numeric| ≤ atol + rtol·|numeric|, in place of the error bars."""

    rtol: float = 0.0
    atol: float = 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """For each stored entry its status, the difference, and what the difference was allowed to be."""

    status: Array
    difference: Array
    allowed: Array

    @property
    def ratio(self) -> Array:
        """How much of its allowance each entry takes: above 1 it disagrees."""
        with np.errstate(all="ignore"):
            return np.where(self.difference == 0, 0.0, self.difference / self.allowed)


def suspicious(analytic: Jacobian, numeric: Numeric) -> Array:
    """Return where the two differ at first sight, so that differences can look again before anyone is accused."""
    with np.errstate(all="ignore"):
        difference = np.abs(analytic.data - numeric.jacobian.data)
        return np.asarray(~(difference <= numeric.bar + _ROUNDING * np.abs(analytic.data)))


def compare(
    analytic: Jacobian | None, numeric: Numeric, x: Array, y0: Array, tolerance: Tolerance | None, strict_kinks: bool
) -> Comparison:
    """Judge every stored entry; without an analytic Jacobian, only whether the numeric one can be trusted.

    At a kink any analytic value between the one-sided slopes agrees (a subgradient), unless `strict_kinks`.
    """
    pattern, value, bar = numeric.jacobian.pattern, numeric.jacobian.data, numeric.bar
    claimed = value if analytic is None else analytic.data
    with np.errstate(all="ignore"):
        difference = np.abs(claimed - value)
        allowed = bar + _ROUNDING * np.abs(claimed)
        if tolerance is not None:
            allowed = tolerance.atol + tolerance.rtol * np.abs(value)
        large = np.maximum(np.maximum(np.abs(claimed), np.abs(value)), numeric.size)
        wide = bar > (np.maximum(_WIDE * large, precision(numeric.epsilon).tiny) if tolerance is None else allowed)
        status = np.where(difference > allowed, Status.DISAGREES, np.where(wide, Status.INCONCLUSIVE, Status.AGREES))
    status[numeric.kind == Kind.UNRESOLVED] = Status.INCONCLUSIVE
    for entry, slopes in numeric.kinks.items():
        slack = bar[entry] + _ROUNDING * abs(claimed[entry])
        between = min(slopes) - slack <= claimed[entry] <= max(slopes) + slack
        status[entry] = Status.KINK if between or analytic is None else Status.DISAGREES
        difference[entry] = max(min(slopes) - claimed[entry], claimed[entry] - max(slopes), 0.0)
        if strict_kinks:
            status[entry] = Status.DISAGREES
    limit = y0[pattern.rows]
    status[~np.isfinite(limit) | (numeric.kind == Kind.NONFINITE) | ~np.isfinite(claimed) & (analytic is not None)] = (
        Status.NONFINITE
    )
    if analytic is not None:
        outward = np.where(x.ravel()[pattern.indices] < 0, -limit, limit)  # the slope's, as of cosh on both sides
        status[np.isinf(limit) & ((claimed == limit) | (claimed == outward))] = Status.OVERFLOWS
    if not np.isfinite(x).all():
        fine = np.isfinite(x).ravel()[pattern.indices]
        excused = np.zeros(pattern.shape[0], bool)
        excused[pattern.rows[~fine]] = True
        status[(excused[pattern.rows] & (status != Status.AGREES)) | ~fine] = Status.EXCUSED
    return Comparison(status.astype(np.int8), difference, allowed)


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


@dataclass(frozen=True, eq=False)
class _Told:
    """The same while it gathers, a boolean for each output or input, and the widest difference that was allowed."""

    pattern_refuted: Array
    analytic_refuted: Array
    inputs_refuted: Array
    compared: Array
    widest: float


def along_directions(
    box: BlackBox,
    x: Array,
    numeric: Numeric,
    analytic: Analytic | None,
    rng: np.random.Generator,
    epsilon: float,
    coverage: float,
    tolerance: Tolerance | None = None,
) -> Directions:
    """Difference f along Gaussian directions v, and hold J·v and the analytic product against it, output by output.

    The assembled J·v refutes a pattern that is too small; it is compared only where J is complete (coverage 1). The
    analytic product refutes a derivative with entries outside the pattern. Where only its vjp is known, that is held
    against Jᵀ·w, input by input, and against w·(J·v) in one number where J is not complete. Outputs with a kink near x
    are left out. A `tolerance` of the user's is allowed for besides.
    """
    jacobian = numeric.jacobian
    height, width = jacobian.shape
    rough = np.zeros(height, bool)
    rough[jacobian.pattern.rows[(numeric.kind != Kind.SMOOTH) | ~np.isfinite(jacobian.data)]] = True
    compared = ~rough & np.isfinite(box.y0)
    told = _Told(np.zeros(height, bool), np.zeros(height, bool), np.zeros(width, bool), compared, 0.0)
    for _ in range(_DIRECTIONS):
        told = _along(box, x, numeric, analytic, rng, epsilon, max(coverage, 1e-12), tolerance, told)
    largest = float(np.max(np.abs(jacobian.data), initial=0, where=np.isfinite(jacobian.data)))
    missed = min(1.0, sqrt(2 / pi) * told.widest / largest) ** _DIRECTIONS if largest and told.compared.any() else None
    return Directions(
        np.flatnonzero(told.pattern_refuted),
        np.flatnonzero(told.analytic_refuted),
        np.flatnonzero(told.inputs_refuted),
        int(np.count_nonzero(told.compared)),
        missed,
    )


def _along(
    box: BlackBox,
    x: Array,
    numeric: Numeric,
    analytic: Analytic | None,
    rng: np.random.Generator,
    epsilon: float,
    coverage: float,
    tolerance: Tolerance | None,
    told: _Told,
) -> _Told:
    """Add to what was told what one direction says; all its arrays are gone when the next one is asked."""
    jacobian = numeric.jacobian
    with np.errstate(all="ignore"):
        v = np.where(np.isfinite(x), rng.standard_normal(x.shape) * step_scale(x), 0)
        rounding = numeric.rounding if coverage == 1 else numeric.rounding / coverage
        stencil = Stencil(box, x, v, slice(None), None, box.y0, epsilon, rounding, numeric.noise)
        first = first_pass(stencil, _REACH)
        errors = Jacobian(jacobian.pattern, 4 * epsilon * np.abs(jacobian.data) / coverage + numeric.bar)
        slack = (errors @ np.abs(v)).ravel()
        allowed = first.bar + slack
        compared = told.compared & first.closing & np.isfinite(first.value)
        pattern_refuted, analytic_refuted, inputs_refuted = (
            told.pattern_refuted, told.analytic_refuted, told.inputs_refuted
        )  # fmt: skip
        if coverage == 1:
            predicted = (jacobian @ v).ravel()
            pattern_refuted = pattern_refuted | _differs(stencil, first.value, predicted, allowed, slack, compared)
        if tolerance is not None:
            errors = Jacobian(jacobian.pattern, tolerance.atol + tolerance.rtol * np.abs(jacobian.data))
            slack = slack + (errors @ np.abs(v)).ravel() / coverage
            allowed = first.bar + slack
        if analytic is not None and analytic.push is not None:
            claimed = analytic.push(v)
            analytic_refuted = analytic_refuted | _differs(stencil, first.value, claimed, allowed, slack, compared)
        elif analytic is not None and analytic.pull is not None:
            w = np.where(compared, rng.standard_normal(compared.size), 0.0)
            pulled = analytic.pull(w)
            inputs_refuted = inputs_refuted | (
                _differs_by_input(numeric, pulled, w, tolerance)
                if coverage == 1
                else _differs_in_sum(pulled, v.ravel(), w, first.value, allowed)
            )
    widest = max(told.widest, float(allowed[compared].max(initial=0)))
    return _Told(pattern_refuted, analytic_refuted, inputs_refuted, compared, widest)


def _differs_by_input(numeric: Numeric, pulled: Array, w: Array, tolerance: Tolerance | None) -> Array:
    """Where a claimed Jᵀ·w is off the assembled one, whose rows with a weight of 0 are left out."""
    jacobian = numeric.jacobian
    data = np.where(w[jacobian.pattern.rows] == 0, 0.0, jacobian.data)
    size = np.abs(data)
    bars = np.where(w[jacobian.pattern.rows] == 0, 0.0, numeric.bar) + 2 * _ROUNDING * size
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


def _differs(stencil: Stencil, value: Array, claimed: Array, allowed: Array, slack: Array, compared: Array) -> Array:
    """Where a claim is off; each is looked at once more, at ever smaller steps, before it is called so."""
    differs = compared & (np.abs(claimed - value) > allowed)
    suspects = np.flatnonzero(differs)
    if suspects.size:
        again = ladder(stencil.subset(suspects))
        off = np.abs(claimed[suspects] - again.value) > again.bar + slack[suspects]
        differs[suspects] = off & (again.kind == Kind.SMOOTH)
    return np.asarray(differs)
