"""The pipeline: a function and an operand in, a Report out; the steps are in the order in which the data travels."""

from typing import Any

import numpy as np

from jacinspect import __version__
from jacinspect.errors import InputError, NotDeterministicError
from jacinspect.functions.derivative import with_transposed
from jacinspect.functions.function import Array, Function, Wrt
from jacinspect.inspection import findings as find
from jacinspect.inspection.conclusion import concluded
from jacinspect.inspection.declared import declared_pattern
from jacinspect.inspection.evidence import Evidence
from jacinspect.inspection.gathering import gathered
from jacinspect.inspection.inspected import Inspected
from jacinspect.inspection.naming import Names
from jacinspect.inspection.plan import NO_PROGRESS, Plan, Progress
from jacinspect.inspection.report import Report
from jacinspect.inspection.rules import Rules
from jacinspect.inspection.sections import DetectionReport, OperandReport, RuleReport
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import analytic_at, black_box, declared, operand_epsilon, real_array
from jacinspect.jacobian.agreement.analytic import Analytic
from jacinspect.jacobian.agreement.directions import Directions, along_directions
from jacinspect.jacobian.agreement.measurements import Measurements, measure_directions
from jacinspect.jacobian.agreement.outside import Stray, find_stray
from jacinspect.jacobian.patterns.dependencies import Budget
from jacinspect.jacobian.patterns.detection import Detection, detect, detect_again
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.rounding import moved_by_rounding
from jacinspect.jacobian.patterns.unresolved import colored
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.noise import rounding_noise, significant_epsilon
from jacinspect.records import dataclass, replace
from jacinspect.wording import format_shape

__all__ = ["inspect_function", "uninspected"]

_OTHER_CALLS = 50  # to confirm a pattern, to measure the noise, and along the directions
_LAST_BITS = 2**10  # times the spacing of f's values is what a sum in random order may differ from itself by
_FROM_JITTER = 8  # times the jitter is the noise: values are moved by four times as much, and jitter themselves
_ARRAYS = 14  # of the operand's size, that an inspection has in memory at once, as tests/benchmarks measure
_LOOKS = 3  # at outputs whose pattern is refuted: each finds more of it, and a limiter at equal numbers takes two


def inspect_function(
    function: Function,
    x: Array,
    settings: Settings,
    *,
    source: str = "array",
    direction: Any = None,
    progress: Progress = NO_PROGRESS,
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
    shape = box.output_shape
    assert shape is not None
    operand, output = function.bundles(x.shape, shape)
    names = Names(output, operand, function.gradient_of, tuple(function.fixed))
    base = replace(
        uninspected(function, function.open, x, settings, source),
        output=box.y0.reshape(shape),
        names=names,
        detection=DetectionReport(box.evaluations, 1, False, box.deterministic, None),
        calls=box.evaluations,
    )
    if box.mutates or not box.jitter <= max(_LAST_BITS * box.epsilon, settings.noise or 0.0):
        end = find.mutates_input() if box.mutates else find.not_deterministic(box.jitter, function.reseed)
        return replace(base, findings=(end,))
    if operand_epsilon(x):  # what f and its derivative keep is in single precision too, and both round it
        function = replace(function, approximates=lambda: True)
    declared = declared_pattern(function, point, shape, settings.vec)
    analytic = analytic_at(function, point, shape, settings.vec)
    try:
        return _Inspection(function, point, box, analytic, settings, rng, names, declared, dx).report(base, progress)
    except NotDeterministicError as error:
        return replace(base, calls=box.evaluations, findings=(find.differs_elsewhere(error.jitter),))


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


@dataclass(frozen=True, eq=False)
class _Inspection(Inspected):
    """One inspection, step by step."""

    def report(self, base: Report, progress: Progress) -> Report:
        """Detect, color, build both Jacobians, compare, refute; if a pattern was refuted, once more from the start."""
        size, calls = max(self.x.size, self.box.y0.size), self.calls
        # Pairs and entries may take the memory that those arrays leave, and a quarter of all memory at least.
        memory = max(self.settings.memory - _ARRAYS * 8 * size, self.settings.memory // 4)
        budget = Budget(max(calls - _OTHER_CALLS, 0) // 2, memory)
        plan = Plan.at_most(self.x.size, calls, self.box.seconds, self.box.workers)
        progress.planned(plan)
        detection = detect(self.box, self.x, self.rng, budget)
        progress.planned(plan.with_colors(detection.evaluations, colored(detection.pattern, detection)[1]))
        measured = self._measured()
        aside = self.box.evaluations - detection.evaluations
        evidence = gathered(self, measured, detection, Budget(calls, memory))
        refuted, before = evidence.directions.pattern_refuted, self.box.evaluations
        budget = Budget(self.box.evaluations + calls // 2, memory)  # for all further looks
        for look in range(_LOOKS):
            began = self.box.evaluations
            if refuted.size and (not look or 2 * began - before <= budget.evaluations):  # one may take as many calls
                detection = detect_again(self.box, self.x, detection, refuted, self.rng, budget)
                evidence = gathered(self, measured, detection, budget)
                refuted, before = evidence.directions.pattern_refuted, began
        evidence = replace(
            evidence,
            calls=self.box.evaluations - detection.evaluations - aside,
            by_rounding=self._by_rounding(detection, evidence),
            stray=self._stray(detection, evidence),
        )
        rules = self._rules(evidence, measured)
        del measured  # as large as the output
        return concluded(self, replace(base, rules=rules), detection, evidence, refuted)

    def _measured(self) -> Measurements:
        """Measure how noisy f is near x, and its derivatives along random directions."""
        parts = [part.span for part in self.names.operand.parts]
        rounding = max(significant_epsilon(self.box, self.x, parts), operand_epsilon(self.x))
        epsilon = max(self.settings.noise or rounding, _FROM_JITTER * self.box.jitter)
        noise = rounding_noise(self.box, self.x)
        near = Neighbourhood(self.box, self.x, epsilon, noise, min(rounding, epsilon), self.asks_spectrum)
        return measure_directions(near, self.rng)

    def _rules(self, evidence: Evidence, measured: Measurements) -> tuple[RuleReport, ...]:
        """Compare the function's further rules with the one that was compared entry by entry."""
        if self.analytic is None:
            return ()

        def along(analytic: Analytic) -> Directions:
            rng = np.random.default_rng([self.settings.seed, 3])
            return along_directions(measured, evidence.comparison, analytic, evidence.coverage, rng)

        function = self.function
        if self.analytic.rule is not None:  # as of a linear operator
            function = with_transposed(function, self.x, self.output_shape, self.settings.vec)
        rules = Rules(function, self.x, self.box, self.analytic, evidence, along, self.names)
        return rules.reports(self.settings.order)

    def _by_rounding(self, detection: Detection, evidence: Evidence) -> Array | None:
        """Return which entries move by rounding alone, if the pattern is proved and some do."""
        if detection.faint is None or not detection.proved or evidence.coverage != 1:
            return None
        jacobian, bar = evidence.numeric.jacobian, evidence.numeric.bar
        candidates = detection.faint & (np.abs(jacobian.data) <= bar)
        if not candidates.any():
            return None
        source = PointSource(self.x, self.box.limits, np.random.default_rng([self.settings.seed, 2]))
        colors = colored(jacobian.pattern, detection)
        entries = moved_by_rounding(self.box, source, jacobian, candidates, colors)
        return entries if entries.any() else None

    def _stray(self, detection: Detection, evidence: Evidence) -> Stray | None:
        """Look for an analytic entry that is not finite where f reads nothing; nothing is known of f if not proved."""
        if self.analytic is None or evidence.analytic is None or not detection.proved:
            return None
        seed = [self.settings.seed, 3]
        return find_stray(self.analytic, evidence.analytic, self.x, self.box.y0, detection.pattern, seed)
