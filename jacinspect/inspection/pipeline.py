"""The pipeline: a function and an operand in, a Report out; the steps are in the order in which the data travels."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jacinspect._version import __version__
from jacinspect.choices import is_spectral
from jacinspect.errors import InputError, JacinspectError
from jacinspect.functions.function import Array, Function, Wrt
from jacinspect.inspection import findings as find
from jacinspect.inspection.codes import Finding, ordered
from jacinspect.inspection.declared import declared_pattern, of_declared
from jacinspect.inspection.entries import of_entries
from jacinspect.inspection.evidence import Evidence, agreement_report, jacobian_report
from jacinspect.inspection.expectations import of_expectations, of_symmetry
from jacinspect.inspection.naming import Names
from jacinspect.inspection.report import Report
from jacinspect.inspection.rules import Rules, with_agreement
from jacinspect.inspection.sections import DetectionReport, JacobianReport, OperandReport, RuleReport
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import analytic_at, black_box, declared, operand_epsilon, real_array
from jacinspect.jacobian.agreement import Comparison, Criteria, Status, compare, contradicts
from jacinspect.jacobian.analytic import Analytic
from jacinspect.jacobian.blackbox import BlackBox
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.dependencies import Budget, Spent
from jacinspect.jacobian.detection import Detection, detect, detect_again
from jacinspect.jacobian.directions import (
    Directions,
    Measurements,
    along_directions,
    inputs_refuted,
    measure_directions,
)
from jacinspect.jacobian.hadamard import chain_rule, hadamard
from jacinspect.jacobian.joint_kinks import joint_kinks, not_differentiable
from jacinspect.jacobian.ladder import LADDER_CALLS
from jacinspect.jacobian.neighbourhood import Neighbourhood
from jacinspect.jacobian.noise import rounding_noise, significant_epsilon
from jacinspect.jacobian.numeric import Numeric, first_look, numeric_jacobian
from jacinspect.jacobian.outside import Stray, asked_alone, find_stray
from jacinspect.jacobian.points import PointSource
from jacinspect.jacobian.rounding import moved_by_rounding
from jacinspect.jacobian.star import directly_known, fewer_colors, mirrored
from jacinspect.jacobian.unresolved import ENTRY_BYTES, affordable_rows, colored, with_samples
from jacinspect.records import dataclass
from jacinspect.wording import format_shape

if TYPE_CHECKING:
    from jacinspect.inspection.spectrum import SpectrumReport

__all__ = ["inspect_function", "uninspected"]


_OTHER_CALLS = 50  # to confirm a pattern, to measure the noise, and along the directions
_LAST_BITS = 2**10  # times the spacing of f's values is what a sum in random order may differ from itself by
_FROM_JITTER = 8  # times the jitter is the noise: values are moved by four times as much, and jitter themselves
_ARRAYS = 14  # of the operand's size, that an inspection has in memory at once, as tests/benchmarks measure
_CALLS_PER_COLOR = 8  # six for the first pass, the rest towards the ladders
_NONE: Array = np.zeros(0, np.int64)
_CALLS_PER_VJP = 4  # what a vjp takes: about four evaluations of f (Griewank & Walther 2008)


def inspect_function(
    function: Function,
    x: Array,
    settings: Settings,
    *,
    source: str = "array",
    direction: Any = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Inspect a Function of one operand, or with all others fixed, at a float array x; see `inspect`.

    `source` says where x came from; `progress` is a callback for every call of the function, with their number so far.
    """
    rng = np.random.default_rng([settings.seed, 1])  # not the stream that a random operand is drawn from
    dx = None if direction is None else real_array(direction, "direction")
    if dx is not None and dx.shape != x.shape:
        raise InputError(
            f"direction: shape {format_shape(dx.shape)} does not fit the operand's shape {format_shape(x.shape)}"
        )
    box, point = black_box(function, x, progress)
    operand, output = function.bundles(x.shape, _output_shape(box))
    names = Names(output, operand, function.gradient_of, tuple(function.fixed))
    base = replace(
        uninspected(function, function.open, x, settings, source),
        output=box.y0.reshape(_output_shape(box)),
        names=names,
        detection=DetectionReport(box.evaluations, 1, False, box.deterministic, None),
        calls=box.evaluations,
    )
    if box.mutates or not box.jitter <= max(_LAST_BITS * box.epsilon, settings.noise or 0.0):
        end = find.mutates_input() if box.mutates else find.not_deterministic(box.jitter, function.reseed)
        return replace(base, findings=(end,))
    declared = declared_pattern(function, point, _output_shape(box), settings.vec)
    analytic = analytic_at(function, point, _output_shape(box), settings.vec)
    function = replace(function, others=tuple(rule for rule in function.others if rule.order <= settings.order))
    return _Inspection(function, point, box, analytic, settings, rng, names, declared).report(base, dx)


def uninspected(function: Function, wrt: Wrt, x: Array, settings: Settings, source: str = "array") -> Report:
    """Return the Report of an inspection that has not begun: a function, and the operand to inspect it by."""
    places = function.positions(wrt)
    name = ",".join(function.operands[place - 1] for place in places)
    return Report(
        version=__version__,
        function=declared(function),
        operand=OperandReport(name, places[0], x, source, settings.seed),
        output=None,
        jacobian=None,
        detection=DetectionReport(0, 0, False, True, None),
        agreement=None,
        hadamard=None,
        is_elementwise=False,
        hadamard_valid=False,
        chain_rule=None,
        findings=(),
        memory=settings.memory,
        expected=(*settings.expect, *([f"the pattern of {function.declared.numbers}"] if function.declared else [])),
        names=Names(*function.bundles(x.shape, ())[::-1], function.gradient_of, tuple(function.fixed)),
        fixed=dict(function.fixed),
    )


def _output_shape(box: BlackBox) -> tuple[int, ...]:
    assert box.output_shape is not None
    return box.output_shape


@dataclass(frozen=True, eq=False)
class _Inspection:
    """One inspection: the function, the point, and what else does not change between the steps."""

    function: Function
    x: Array
    box: BlackBox
    analytic: Analytic | None
    settings: Settings
    rng: np.random.Generator
    names: Names
    declared: Pattern | None

    def report(self, base: Report, dx: Array | None) -> Report:
        """Detect, color, build both Jacobians, compare, refute; if a pattern was refuted, once more from the start."""
        size = max(self.x.size, self.box.y0.size)
        calls = self.settings.calls(size)
        # Pairs and entries may take the memory that those arrays leave, and a quarter of all memory at least.
        memory = max(self.settings.memory - _ARRAYS * 8 * size, self.settings.memory // 4)
        budget = Budget(max(calls - _OTHER_CALLS, 0) // 2, memory)
        detection = detect(self.box, self.x, self.rng, budget)
        measured = self._measured()
        evidence = self._evidence(detection, measured, calls, memory)
        unresolved = _NONE
        if evidence.directions.pattern_refuted.size:
            limit = self.box.evaluations + calls // 2  # for all of the second look
            budget = Budget(limit, memory)
            refuted = evidence.directions.pattern_refuted
            detection = detect_again(self.box, self.x, detection, refuted, self.rng, budget)
            evidence = self._evidence(detection, measured, limit, memory, refuted)
            unresolved = evidence.directions.pattern_refuted
        evidence = replace(
            evidence, by_rounding=self._by_rounding(detection, evidence), stray=self._stray(detection, evidence)
        )
        rules = self._rules(evidence, measured)
        del measured  # as large as the output
        return self._finish(replace(base, rules=rules), detection, evidence, unresolved, dx)

    def _measured(self) -> Measurements:
        """Measure how noisy f is near x, and its derivatives along random directions."""
        parts = [part.span for part in self.names.operand.parts]
        rounding = max(significant_epsilon(self.box, self.x, parts), operand_epsilon(self.x))
        epsilon = max(self.settings.noise or rounding, _FROM_JITTER * self.box.jitter)
        near = Neighbourhood(self.box, self.x, epsilon, rounding_noise(self.box, self.x), min(rounding, epsilon))
        return measure_directions(near, self.rng)

    def _evidence(
        self,
        detection: Detection,
        measured: Measurements,
        limit: int,
        memory: int,
        refuted: Array = _NONE,
        *,
        mirror: bool = True,
    ) -> Evidence:
        """Build the analytic and the numeric Jacobian on what was detected, and compare each with the other.

        `limit` is the total number of calls, earlier ones included, at which to stop; `refuted` are outputs that were
        refuted before. With `mirror`, one of two mirror images is enough of a Jacobian that has to be symmetric, unless
        random directions say that it is not.
        """
        sample = self._affordable(detection, limit, memory, mirror=mirror and bool(self.names.gradient_of))
        claim, numeric = self._both(sample, measured.near, limit)
        analytic = None if claim is None else claim.on(sample.pattern)
        comparison = self._compared(analytic, numeric)
        unresolved = _NONE
        if analytic is not None and np.any(comparison.status == Status.DISAGREES):
            rng = np.random.default_rng([self.settings.seed, 4])
            unresolved = not_differentiable(measured.near, comparison, rng, limit - self.box.evaluations)
            comparison = self._compared(analytic, numeric, unresolved) if unresolved.size else comparison
        directions = along_directions(measured, comparison, self.analytic, sample.coverage, self.rng)
        if directions.pattern_refuted.size and sample.star is not None:
            return self._evidence(detection, measured, limit, memory, refuted, mirror=False)
        if directions.pattern_refuted.size:
            unresolved = np.union1d(unresolved, directions.pattern_refuted)
            comparison = self._compared(analytic, numeric, unresolved)
            directions = self._borne_out(directions, measured, comparison, refuted)
        if analytic is not None and unresolved.size and not self.settings.strict_kinks:
            from jacinspect.jacobian.clarke import with_generalized_gradients

            rng = np.random.default_rng([self.settings.seed, 6])
            numeric = with_generalized_gradients(measured.near, comparison, unresolved, rng, limit)
            comparison = self._compared(analytic, numeric, unresolved)
        joint = None
        kinked = bool(numeric.kinks.entries.size) and not self.settings.strict_kinks
        if analytic is not None and sample.coverage == 1 and kinked:
            rng = np.random.default_rng([self.settings.seed, 5])
            joint = joint_kinks(measured.near, comparison, rng, limit - self.box.evaluations)
        spurious = None if claim is None or claim is analytic else claim.outside(sample.pattern)
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

    def _borne_out(
        self, directions: Directions, measured: Measurements, comparison: Comparison, before: Array
    ) -> Directions:
        """Keep of the outputs whose pattern directions refute those that bits refute as well, now or `before`.

        Of the others it is the numbers that are poor, and the directions say nothing of their derivatives then.
        """
        from jacinspect.jacobian.refutation import refuted_bitwise

        pattern = comparison.numeric.jacobian.pattern
        tangents = [direction.tangent(self.x) for direction in measured.directions]
        refuted = refuted_bitwise(self.box, self.x, pattern, directions.pattern_refuted, tangents, self.rng)
        refuted = np.union1d(refuted, np.intersect1d(directions.pattern_refuted, before))
        poor = np.setdiff1d(directions.pattern_refuted, refuted)
        inputs = directions.inputs_refuted
        if self.analytic is not None and inputs.size and poor.size:
            inputs = inputs_refuted(self.analytic, comparison, measured.near, poor, self.rng)
        return replace(
            directions,
            pattern_refuted=refuted,
            analytic_refuted=np.setdiff1d(directions.analytic_refuted, poor),
            inputs_refuted=inputs,
            compared=directions.compared - poor.size,
        )

    def _rules(self, evidence: Evidence, measured: Measurements) -> tuple[RuleReport, ...]:
        """Compare the function's further rules with the one that was compared entry by entry."""
        if self.analytic is None:
            return ()

        def along(analytic: Analytic) -> Directions:
            rng = np.random.default_rng([self.settings.seed, 3])
            return along_directions(measured, evidence.comparison, analytic, evidence.coverage, rng)

        return Rules(self.function, self.x, self.box, self.analytic, evidence, along, self.names).reports()

    def _by_rounding(self, detection: Detection, evidence: Evidence) -> Array | None:
        """Return which entries move by rounding alone, if the pattern is proved and some do."""
        if detection.faint is None or not detection.proved or evidence.coverage != 1:
            return None
        jacobian, bar = evidence.numeric.jacobian, evidence.numeric.bar
        candidates = detection.faint & (np.abs(jacobian.data) <= bar)
        if not candidates.any():
            return None
        source = PointSource(self.x, self.box.domain, np.random.default_rng([self.settings.seed, 2]))
        colors = colored(jacobian.pattern, detection)
        entries = moved_by_rounding(self.box, source, jacobian, candidates, colors)
        return entries if entries.any() else None

    def _stray(self, detection: Detection, evidence: Evidence) -> Stray | None:
        """Look for an analytic entry that is not finite where f reads nothing; nothing is known of f if not proved."""
        if self.analytic is None or evidence.analytic is None or not detection.proved:
            return None
        seed = [self.settings.seed, 3]
        return find_stray(self.analytic, evidence.analytic, self.x, self.box.y0, detection.pattern, seed)

    def _affordable(self, detection: Detection, limit: int, memory: int, *, mirror: bool) -> "_Sample":
        """Choose the entries to compare: all of them, or as many as the budgets of calls and of memory allow."""
        pattern, total = with_samples(detection, memory, self.rng)
        colors, number = colored(pattern, detection)
        star = fewer_colors(pattern, number) if mirror and detection.proved else None
        if star is not None:
            return _Sample(pattern, colors, number, 1.0, "evaluations", star)
        # One ladder at least has to fit, or no entry could be called wrong.
        by_calls = max((limit - self.box.evaluations - LADDER_CALLS) // _CALLS_PER_COLOR, 1)
        by_memory = max(memory * number // (ENTRY_BYTES * max(pattern.stored, 1)), 1)
        spent: Spent = "memory" if by_memory < min(by_calls, number) else "evaluations"
        if number > min(by_calls, by_memory):
            kept = np.sort(self.rng.choice(number, min(by_calls, by_memory), replace=False))
            pattern = pattern.restricted(np.isin(colors, kept))
            colors, number = colored(pattern, detection)
        if self.analytic is not None and self.analytic.push is None:
            pattern = affordable_rows(pattern, max(limit // _CALLS_PER_VJP, 1), self.rng)
            colors, number = colored(pattern, detection)
        coverage = pattern.stored / total if total else 1.0
        return _Sample(pattern, colors, number, coverage, spent)

    def _both(self, sample: "_Sample", near: Neighbourhood, limit: int) -> tuple[Jacobian | None, Numeric]:
        """Build both Jacobians; differences look again at what the analytic one contradicts.

        The analytic one may have entries outside the pattern as well.
        """
        claim = None if self.analytic is None else self._claim(self.analytic, sample)
        numeric = self._differenced(near, sample.differenced, limit, claim)
        if sample.star is None:
            return claim, numeric
        whole = mirrored(numeric, sample.pattern)
        if whole is None:
            whole = self._differenced(near, (sample.pattern, sample.colors, sample.number), limit, claim)
        return claim, whole

    def _claim(self, analytic: Analytic, sample: "_Sample") -> Jacobian:
        claim = analytic.on(sample.pattern, sample.colors, sample.number)
        # Of a sample, the entries that are left out would seem to be outside the pattern.
        return asked_alone(analytic, claim) if sample.coverage == 1 else claim

    def _differenced(
        self, near: Neighbourhood, colored: tuple[Pattern, Array, int], limit: int, claim: Jacobian | None
    ) -> Numeric:
        """Difference f, and look again at entries that are doubtful, or that the claim contradicts."""
        denied = None if claim is None else contradicts(claim.on(colored[0]))
        return numeric_jacobian(first_look(near, *colored, denied), limit - self.box.evaluations, denied)

    def _compared(self, analytic: Jacobian | None, numeric: Numeric, unresolved: Array = _NONE) -> Comparison:
        """Judge every entry; no entry of an `unresolved` output, which random directions refute, is called wrong."""
        noise = bool(self.settings.noise or self.box.jitter)
        criteria = Criteria(self.settings.tolerance, self.settings.strict_kinks, noise, unresolved)
        return compare(analytic, numeric, self.x, self.box.y0, criteria)

    def _finish(
        self, base: Report, detection: Detection, evidence: Evidence, unresolved: Array, dx: Array | None
    ) -> Report:
        """Describe what was found."""
        jacobian = jacobian_report(detection, evidence, self.settings.vec_order, self.settings.layout, self.names)
        asymmetric = list(of_symmetry(jacobian, evidence.numeric, self.names))
        if self.names.gradient_of and jacobian.is_symmetric is False:
            jacobian = replace(jacobian, is_symmetric=not asymmetric)  # an entry that is 0 need not be stored twice
        cause = self._cause(detection, evidence)
        directions = evidence.unexplained
        if evidence.stray is not None:  # which is why directions refute the rule
            directions = replace(directions, analytic_refuted=_NONE, inputs_refuted=_NONE)
        outside = evidence.wrong_outside(unresolved)
        because = find.because(outside, self.names, cause)
        found = [
            *of_entries(
                evidence.comparison, evidence.analytic, evidence.numeric, self.x, self.box.y0, self.names, because
            ),
            *find.of_directions(
                directions,
                evidence.comparison,
                evidence.numeric,
                self.names,
                unresolved,
                cause,
                evidence.coverage == 1,
            ),
            *find.of_joint_kinks(evidence.joint, detection.pattern, self.names),
            *find.of_stray(evidence.stray, detection.pattern, self.names),
            *find.of_jitter(self.box),
            *find.of_branches(self.function.bends, self.box.domain, self.x, self.names),
            *([] if outside is None or evidence.disagrees else [find.of_spurious(outside, self.names, cause)]),
            *of_expectations(self.settings.expect, jacobian, evidence.numeric, self.names),
            *of_declared(self.declared, jacobian, evidence.numeric, self.names),
            *asymmetric,
            *find.of_coverage(detection, evidence.coverage, jacobian, self._budget(detection, evidence)),
            *find.of_rules(base.rules),
        ]
        values, product, chain = evidence.best, None, None
        pattern = values.pattern
        if evidence.coverage == 1:
            dx = self.rng.standard_normal(self.x.shape) if dx is None else dx
            slopes = (evidence.claim or values).elementwise()
            product = hadamard(values, slopes, dx)
            chain = chain_rule(values, slopes, self.rng.standard_normal(_output_shape(self.box)))
        agreement = agreement_report(evidence, found, self.names)
        spectrum, spectral = self._spectral(jacobian, evidence)
        found += spectral
        structural = pattern if evidence.by_rounding is None else pattern.only(~evidence.by_rounding)
        valid = structural.is_elementwise
        found += (
            []
            if valid or self.names.gradient_of
            else [find.hadamard_invalid(product, pattern, self.names, evidence.is_refuted)]
        )
        return replace(
            base,
            jacobian=jacobian,
            detection=DetectionReport(
                detection.evaluations,
                detection.points,
                detection.proved,
                self.box.deterministic,
                evidence.directions.miss_probability,
            ),
            agreement=agreement,
            rules=with_agreement(base.rules, agreement),
            hadamard=product,
            is_elementwise=valid,
            hadamard_valid=valid and not evidence.disagrees,
            chain_rule=chain,
            spectrum=spectrum,
            findings=ordered(found),
            calls=self.box.evaluations,
        )

    def _budget(self, detection: Detection, evidence: Evidence) -> str:
        ended = {group.spent for group in detection.unresolved} or {evidence.spent}
        return find.budgets(ended, self.settings.calls(max(self.x.size, self.box.y0.size)), self.settings.memory)

    def _spectral(self, jacobian: JacobianReport, evidence: Evidence) -> "tuple[SpectrumReport | None, list[Finding]]":
        """Find the spectrum, where it, a property of it or log|det J| is asked for."""
        settings = self.settings
        if not settings.spectrum and not any(map(is_spectral, settings.expect)) and self.function.logdet is None:
            return None, []
        from jacinspect.inspection.logdet import claimed_logdet
        from jacinspect.inspection.spectral import spectrum_and_findings

        claim = claimed_logdet(self.function, self.x)
        return spectrum_and_findings(jacobian, evidence, settings, self.names, claim)

    def _cause(self, detection: Detection, evidence: Evidence) -> str:
        """Return what explains every entry of a derivative that disagrees, or nothing."""
        if self.analytic is None or evidence.analytic is None or not evidence.is_refuted:
            return ""
        from jacinspect.functions.catalogue.lookup import neighbours
        from jacinspect.inspection.diagnosis import diagnose
        from jacinspect.inspection.steps import moves_in_steps
        from jacinspect.inspection.suspicion import Suspicion

        numbers = {
            name: float(value)
            for name, value in self.function.parameters.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

        def at_output() -> Array | None:
            pattern = evidence.numeric.jacobian.pattern
            if pattern.output_shape != self.x.shape:
                return None
            with suppress(JacinspectError, ValueError):
                there = analytic_at(self.function, self.box.y0.reshape(self.x.shape), self.x.shape)
                return None if there is None else there.on(pattern, np.zeros(self.x.size, np.int32), 1).data
            return None

        claim = evidence.claim
        assert claim is not None
        return diagnose(
            Suspicion(
                analytic=self.analytic,
                claim=claim,
                numeric=evidence.numeric,
                comparison=evidence.comparison,
                complete=detection.proved and evidence.coverage == 1,
                in_steps=lambda: moves_in_steps(self.box, self.x),
                x=self.x.ravel(),
                y0=self.box.y0,
                parameters=numbers,
                neighbours=lambda: neighbours(self.x, numbers),
                at_output=at_output,
                names=self.names,
                vec=self.settings.vec,
                iterates=self.function.source not in ("catalogue", "expression"),
            )
        )


@dataclass(frozen=True, eq=False)
class _Sample:
    """The entries to compare: a pattern with a column coloring, its share of all, and the budget that limits it.

    `star` is a star coloring of a symmetric pattern, where it has fewer colors.
    """

    pattern: Pattern
    colors: Array
    number: int
    coverage: float
    spent: Spent
    star: tuple[Array, int] | None = None

    @property
    def differenced(self) -> tuple[Pattern, Array, int]:
        """The pattern to difference, and its coloring: with a star coloring, of what that gives directly."""
        if self.star is None:
            return self.pattern, self.colors, self.number
        return self.pattern.only(directly_known(self.pattern, *self.star)), *self.star
