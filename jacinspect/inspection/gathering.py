"""The evidence: both Jacobians on what was detected, compared with each other and with f. Next: pipeline."""

from collections.abc import Callable
from functools import cache, partial
from itertools import chain, cycle

import numpy as np

from jacinspect.functions.function import Array
from jacinspect.inspection.evidence import Evidence
from jacinspect.inspection.inspected import Inspected
from jacinspect.inspection.sampling import Sample, affordable
from jacinspect.jacobian.agreement.analytic import Analytic
from jacinspect.jacobian.agreement.comparison import APPROXIMATE_OF_ROW, Comparison, Criteria, Status
from jacinspect.jacobian.agreement.directions import Directions, along_directions, inputs_refuted
from jacinspect.jacobian.agreement.entries import compare, contradicts
from jacinspect.jacobian.agreement.joint_kinks import joint_kinks, not_additive, not_differentiable, separable
from jacinspect.jacobian.agreement.measurements import Measurements
from jacinspect.jacobian.agreement.outside import asked_alone, visible
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.indices import distinct, without
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.jacobian.patterns.points import NEAR, NEARER, PointSource
from jacinspect.jacobian.values.breaks import in_pieces
from jacinspect.jacobian.values.first_look import first_look
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.numeric import Numeric, numeric_jacobian
from jacinspect.jacobian.values.shared_steps import with_shared_steps
from jacinspect.jacobian.values.star import mirrored
from jacinspect.jacobian.values.wide_steps import with_wide_steps
from jacinspect.records import replace

__all__ = ["gathered"]

_FEW, _LOOKS = 4, 2  # outputs that are looked at by themselves, and how often: one that is accused will do
_INPUTS = 3  # that such an output is known to read: of many on a tie, one more would show at few points alone
_NONE: Array = np.zeros(0, np.int64)


def gathered(
    of: Inspected, measured: Measurements, detection: Detection, budget: Budget, *, mirror: bool = True
) -> Evidence:
    """Build the analytic and the numeric Jacobian on what was detected, and compare each with the other.

    The budget's evaluations are those at which to stop, earlier ones included. With `mirror`, one of two mirror
    images is enough of a Jacobian that has to be symmetric, unless random directions say that it is not.
    """
    sample = affordable(of, detection, budget, mirror=mirror and bool(of.names.gradient_of))
    limit = budget.evaluations
    claim, numeric = _both(of, sample, measured.near, limit)
    analytic = None if claim is None else claim.on(sample.pattern)
    comparison = _compared(of, analytic, numeric)
    unresolved = _NONE
    if analytic is not None and comparison.count(Status.DISAGREES):
        rng = np.random.default_rng([of.settings.seed, 4])
        unresolved = not_differentiable(measured.near, comparison, rng, limit - of.box.evaluations)
        comparison = _compared(of, analytic, numeric, unresolved) if unresolved.size else comparison
    directions = _along_directions(of, measured, comparison, sample.coverage, limit)
    spurious = None if claim is None or claim is analytic else claim.outside(sample.pattern)
    if directions.pattern_refuted.size and sample.star is not None:
        return gathered(of, measured, detection, budget, mirror=False)
    if directions.pattern_refuted.size:
        unresolved = np.union1d(unresolved, directions.pattern_refuted)
        comparison = _compared(of, analytic, numeric, unresolved)
        directions = _borne_out(of, directions, measured, comparison)
    if spurious is not None:
        directions = _beside_directions(of, directions, measured, comparison, spurious)
        if directions.pattern_refuted.size:
            unresolved = np.union1d(unresolved, directions.pattern_refuted)
            comparison = _compared(of, analytic, numeric, unresolved)
    if analytic is not None and unresolved.size and not of.settings.strict_kinks:
        from jacinspect.jacobian.agreement.clarke import with_generalized_gradients

        rng = np.random.default_rng([of.settings.seed, 6])
        numeric = with_generalized_gradients(measured.near, comparison, unresolved, rng, limit)
        comparison = _compared(of, analytic, numeric, unresolved)
    joint = None
    kinked = bool(numeric.kinks.entries.size) and not of.settings.strict_kinks
    if analytic is not None and sample.coverage == 1 and kinked and not directions.pattern_refuted.size:
        rng = np.random.default_rng([of.settings.seed, 5])
        joint = joint_kinks(measured.near, comparison, rng, limit - of.box.evaluations)
    return Evidence(
        analytic,
        numeric,
        comparison,
        directions,
        sample.number if sample.star is None else sample.star[1],
        sample.coverage,
        sample.spent,
        joint=joint,
        spurious=spurious,
    )


def _along_directions(
    of: Inspected, measured: Measurements, comparison: Comparison, coverage: float, limit: int
) -> Directions:
    """Compare along directions, and leave out of what is refuted the outputs that no Jacobian describes.

    A vjp is compared with f itself where J is not complete, in one sum of all outputs.
    """
    directions = along_directions(measured, comparison, of.analytic, coverage, of.rng)
    in_sum = bool(directions.inputs_refuted.size) and coverage < 1
    suspects = without(np.arange(of.box.y0.size), directions.left_out) if in_sum else directions.analytic_refuted
    if not suspects.size:
        return directions
    rng = np.random.default_rng([of.settings.seed, 8])
    odd = not_additive(measured.near, suspects, rng, limit - of.box.evaluations)
    if in_sum and odd.size:
        excess = np.zeros(of.box.y0.size)
        excess[odd] = np.inf  # what is on a kink along a direction is left out of the sum
        besides = [replace(each, excess=Magnitudes.of(each.excess[:] + excess)) for each in measured.directions]
        return along_directions(replace(measured, directions=tuple(besides)), comparison, of.analytic, coverage, of.rng)
    return replace(
        directions,
        analytic_refuted=without(directions.analytic_refuted, odd),
        left_out=distinct(directions.left_out, odd),
        compared=directions.compared - odd.size,
    )


def _borne_out(of: Inspected, directions: Directions, measured: Measurements, comparison: Comparison) -> Directions:
    """Keep of the outputs whose pattern directions refute those that bits refute as well.

    Of the others it is the numbers that are poor, and the directions say nothing of their derivatives then.
    """
    refuted = _refuted_bitwise(of, measured, comparison.numeric.jacobian.pattern, directions.pattern_refuted)
    poor = np.setdiff1d(directions.pattern_refuted, refuted)
    inputs = directions.inputs_refuted
    if of.analytic is not None and inputs.size and poor.size:
        inputs = inputs_refuted(of.analytic, comparison, measured.near, poor, of.rng)
    return replace(
        directions,
        pattern_refuted=refuted,
        analytic_refuted=np.setdiff1d(directions.analytic_refuted, poor),
        inputs_refuted=inputs,
        left_out=distinct(directions.left_out, poor),
        compared=directions.compared - poor.size,
    )


def _beside_directions(
    of: Inspected, directions: Directions, measured: Measurements, comparison: Comparison, spurious: Jacobian
) -> Directions:
    """Judge the outputs whose claim has entries where f has none, and that directions do not refute.

    Directions leave out what is on a kink, and do not see what is lost in the rounding of inputs in larger units.
    """
    near, numeric, tolerance = measured.near, comparison.numeric, of.settings.tolerance
    shown = visible(spurious, near, numeric, tolerance.atol if tolerance else 0.0)
    rows = without(shown[np.isfinite(of.box.y0[shown])], directions.pattern_refuted)
    rows = without(rows, directions.analytic_refuted)
    if rows.size:
        sums = separable(near, comparison, rows, np.random.default_rng([of.settings.seed, 7]))
        close = visible(spurious, near, numeric, 0.0, NEAR)
        bits = partial(_refuted_bitwise, of, measured, numeric.jacobian.pattern, close=close)
        directions = _judged(directions, comparison, rows, sums, bits)
    # A vjp was compared with what the pattern has, which may lack an entry that f would not show.
    seen = np.isin(spurious.pattern.rows, without(shown, directions.pattern_refuted))
    inputs = without(directions.inputs_refuted, without(spurious.indices, spurious.indices[seen]))
    return replace(directions, inputs_refuted=inputs)


def _judged(
    directions: Directions, comparison: Comparison, rows: Array, sums: Array, bits: Callable[[Array], Array]
) -> Directions:
    """Say of some outputs, whose claim has entries where f seems to have none, whether that or the pattern is wrong.

    Where a bit of an output changes when only others move, it is the pattern that is refuted, and else the claim: of
    `sums`, which rise by what single inputs add, and, after a closer look, of a few that do not, as |x|^1.5 or a
    maximum of two. Of all others, as a median of many equal numbers, the pattern has to be looked at again.
    """
    moved, lengths = bits(rows), comparison.numeric.jacobian.pattern.lengths
    if comparison.count(Status.DISAGREES):  # a claim that is wrong elsewhere needs no more proof
        rows = distinct(sums, moved)
    others = without(rows, distinct(sums, moved))
    for row in others[lengths[others] <= _INPUTS][:_FEW]:
        looked = [bits(row[None]) for _ in range(_LOOKS)]
        moved, sums = distinct(moved, *looked), distinct(sums, row[None])
    return replace(
        directions,
        pattern_refuted=distinct(directions.pattern_refuted, without(rows, without(sums, moved))),
        analytic_refuted=distinct(directions.analytic_refuted, without(sums, moved)),
    )


def _refuted_bitwise(
    of: Inspected, measured: Measurements, pattern: Pattern, outputs: Array, close: Array | None = None
) -> Array:
    """Return which outputs change with inputs that they are not known to read, close to x.

    There, other branches of f are not taken. Of outputs that are not among those in which it would show `close` to x,
    if these are given, it is asked farther away as well: what moves last bits of f there does not in between.
    """
    from jacinspect.jacobian.patterns.refutation import refuted_bitwise

    far = outputs[:0] if close is None else without(outputs, close)
    first, draw = measured.directions[0], partial(of.rng.integers, 2**63)
    source = PointSource(of.x, of.box.limits, of.rng)
    near = (
        (of.x + reach * replace(first, seed=int(draw())).tangent(of.x)).astype(of.x.dtype)
        for reach in cycle((NEAR, NEAR, NEARER, NEARER))  # in pairs: every other round moves what is known to be read
    )
    away = (source.moved(direction, 1, 1) for direction in (1, 1, -1, -1))
    asked = ((without(outputs, far), near), (far, chain(away, near)))
    return distinct(
        *(refuted_bitwise(of.box, of.x, pattern, some, points, of.rng) for some, points in asked if some.size)
    )


def _both(of: Inspected, sample: Sample, near: Neighbourhood, limit: int) -> tuple[Jacobian | None, Numeric]:
    """Build both Jacobians; differences look again at what the analytic one contradicts.

    That one may have entries outside the pattern as well. It is built when it is first asked for, after the first
    differences: it is as large as the operand, and these need most memory.
    """
    claim = None if of.analytic is None else cache(partial(_claim, of, of.analytic, sample))
    numeric = _differenced(of, near, sample.differenced, limit, claim)
    whole = numeric if sample.star is None else mirrored(numeric, sample.pattern)
    if whole is None:
        whole = _differenced(of, near, (sample.pattern, sample.colors, sample.number), limit, claim)
    return claim and claim(), whole


def _claim(of: Inspected, analytic: Analytic, sample: Sample) -> Jacobian:
    claim = analytic.on(sample.pattern, sample.colors, sample.number)
    # Of a sample, the entries that are left out would seem to be outside the pattern.
    return asked_alone(analytic, claim, of.x, of.box.y0) if sample.coverage == 1 else claim


def _differenced(
    of: Inspected,
    near: Neighbourhood,
    colored: tuple[Pattern, Array, int],
    limit: int,
    claim: Callable[[], Jacobian] | None,
) -> Numeric:
    """Difference f, and look again at entries that are doubtful, or that the claim contradicts."""
    denied = None if claim is None else contradicts(cache(lambda: claim().on(colored[0])), near.epsilon)
    first = first_look(near, *colored, denied)
    numeric = numeric_jacobian(first, limit - of.box.evaluations, denied)
    if denied is None:
        return numeric
    for look_again in (with_shared_steps, with_wide_steps, in_pieces):
        numeric = look_again(first, numeric, denied)
    return numeric


def _compared(of: Inspected, analytic: Jacobian | None, numeric: Numeric, unresolved: Array = _NONE) -> Comparison:
    """Judge every entry; no entry of an `unresolved` output, which random directions refute, is called wrong."""
    noise = bool(of.settings.noise or of.box.jitter)
    criteria = Criteria(of.settings.tolerance, of.settings.strict_kinks, noise, unresolved)
    comparison = compare(analytic, numeric, of.x, of.box.y0, criteria)
    if not comparison.count(Status.DISAGREES) or not of.function.approximates():
        return comparison
    criteria = replace(criteria, approximate=APPROXIMATE_OF_ROW)
    return compare(analytic, numeric, of.x, of.box.y0, criteria)
