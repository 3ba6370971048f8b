"""An inspection at several operands, for branches that one does not visit; the report is of the worst. Next: report.

The first operand is the given one. The others have its shape and other scales: drawn anew where it was drawn, and else
its multiples, so that they keep its signs and zeros.
"""

from contextlib import suppress
from math import inf
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, JacinspectError
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim
from jacinspect.inspection.pipeline import inspect_function
from jacinspect.inspection.plan import NO_PROGRESS, Progress
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import PointReport
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import analytic_at, black_box, domain_of, operand_epsilon
from jacinspect.jacobian.agreement.analytic import Analytic
from jacinspect.jacobian.agreement.measurements import Direction, measure_directions
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.operands.defined import where_defined
from jacinspect.records import dataclass, replace

__all__ = ["inspect_at_points"]

_FURTHER = 10.0  # times a standard normal operand: thresholds of most functions in use are well below 30
_JITTER = 2.0**-6  # of each entry at the same scale: the signs and most of the order stay


def inspect_at_points(
    function: Function,
    x: Array,
    settings: Settings,
    *,
    source: str = "array",
    direction: Any = None,
    progress: Progress = NO_PROGRESS,
) -> Report:
    """Inspect a function at an operand and at `settings.points` - 1 others; the arguments are those of one inspection.

    Without `points`, a function of people's own that passes at a random operand is looked at once more, at a larger
    one, and reported there if its derivative disagrees. The second order is inspected where the report is made.
    """
    _require_code(function, settings)
    operand = _Operands(function, x, settings, source)
    if settings.order == 1:
        return _first_order(operand, direction, progress)
    from jacinspect.inspection.second_order import require_gradient, with_second_order

    require_gradient(function)
    return with_second_order(_first_order(operand, direction, progress), function, settings, progress)


def _require_code(function: Function, settings: Settings) -> None:
    """Raise InputError where a derivative that is numbers at X would be needed elsewhere."""
    numbers = _numbers(function)
    if numbers and (settings.order > 1 or (settings.points or 1) > 1):
        option = "order 2" if settings.order > 1 else f"points {settings.points}"
        raise InputError(
            f"{numbers}: is numbers, which hold at X alone, and --{option} needs others; give an expression or code"
        )


def _numbers(function: Function) -> str:
    """Name a claim that is numbers; nothing where claims are code."""
    claims = (("derivative", function.rule), ("logdet", function.logdet))
    named = (f"{name} {claim.numbers}" for name, claim in claims if isinstance(claim, Claim) and claim.numbers)
    return next(named, "")


def _first_order(operand: "_Operands", direction: Any, progress: Progress) -> Report:
    first, settings = operand.first(direction, progress), operand.settings
    if settings.points is None:
        return operand.looked_at_further(first, progress)
    points, reports, calls = [_point(1.0, first)], [first], first.calls
    for number in range(1, settings.points):
        scale = _scale(number)
        at = operand.at(number, scale)
        try:
            report = operand.inspected(at, scale, progress.after(calls))
        except FunctionFailedError as error:  # as where f ends: the given operand is the one that counts
            points.append(PointReport(scale, _range(at), None, None, str(error).splitlines()[0]))
            continue
        calls += report.calls
        # As where f overflows: the given operand counts.
        if report.without_evidence and report.verdict == "inconclusive":
            points.append(PointReport(scale, _range(at), None, None, report.findings[0].message))
            continue
        points.append(_point(scale, report))
        reports.append(report)
    return replace(max(reports, key=_badness), points=tuple(points) if len(points) > 1 else (), calls=calls)


def _scale(number: int) -> float:
    """Return 1, 10, 0.1, 100, 0.01 … for 1, 2, 3, 4, 5 …; the given operand is number 0."""
    return float(10.0 ** (number // 2 if number % 2 == 0 else -(number // 2)))


def _badness(report: Report) -> tuple[int, float]:
    ratio = None if report.agreement is None else report.agreement.max_ratio
    return ("pass", "inconclusive", "fail").index(report.verdict), -inf if ratio is None else ratio


def _point(scale: float, report: Report) -> PointReport:
    ratio = None if report.agreement is None else report.agreement.max_ratio
    verdict = None if report.structure_only else report.verdict
    return PointReport(scale, _range(report.operand.values), verdict, ratio)


def _range(x: Array) -> tuple[float, float] | None:
    known = x[np.isfinite(x)]
    return (float(known.min()), float(known.max())) if known.size else None


@dataclass(frozen=True, eq=False)
class _Operands:
    """The operand of an inspection, and others like it."""

    function: Function
    x: Array
    settings: Settings
    source: str

    def at(self, number: int, scale: float) -> Array:
        """Return the operand of a number from 1, of a scale."""
        rng = np.random.default_rng([self.settings.seed, 8, number])
        if self.source == "random":
            other = scale * rng.standard_normal(self.x.shape)
        else:
            other = scale * self.x * (1 + (_JITTER * rng.uniform(-1, 1, self.x.shape) if scale == 1 else 0))
        domain = domain_of(self.function)
        with np.errstate(over="ignore"):
            other = PointSource(self.x, domain, rng).inside(other.astype(self.x.dtype))
        if self.source != "random" or self.function.source != "expression":
            return other
        bundle, _ = self.function.bundles(self.x.shape, ())
        parts = bundle.split(other)
        moved = where_defined(lambda *parts: self.function(bundle.join(parts)), parts, [domain] * len(parts))
        return bundle.join(moved)

    def first(self, direction: Any, progress: Progress) -> Report:
        """Inspect the function at the given operand."""
        return inspect_function(
            self.function, self.x, self.settings, source=self.source, direction=direction, progress=progress
        )

    def inspected(self, at: Array, scale: float, progress: Progress) -> Report:
        """Inspect the function at another operand."""
        source = f"{self.source}, scale {scale:g}"
        return inspect_function(self.function, at, self.settings, source=source, progress=progress)

    def looked_at_further(self, first: Report, progress: Progress) -> Report:
        """Return the report at a larger operand if the derivative disagrees there, and else the first one."""
        known = first.agreement is not None and first.agreement.checked and first.verdict == "pass"
        known = known and not _numbers(self.function)
        if not known or self.source != "random" or self.function.source == "catalogue" or first.jacobian is None:
            return first
        at = self.at(1, _FURTHER)
        if not self._differs(at, first):
            return first
        with suppress(JacinspectError):
            report = self.inspected(at, _FURTHER, progress.after(first.calls))
            if any(finding.code == "J001" for finding in report.findings):
                points = (_point(1.0, first), _point(_FURTHER, report))
                return replace(report, points=points, calls=first.calls + report.calls)
        return first

    def _differs(self, at: Array, first: Report) -> bool:
        """Whether short differences along random directions contradict the derivative at an operand."""
        assert first.jacobian is not None
        with suppress(JacinspectError):
            box, point = black_box(self.function, at, lambda _: None)
            shape = box.output_shape or ()
            if (*shape, *at.shape) != first.jacobian.tensor_shape:
                return False
            analytic = analytic_at(self.function, point, shape, self.settings.vec)
            if analytic is None:
                return False
            epsilon = max(self.settings.noise or box.epsilon, operand_epsilon(point))
            near = Neighbourhood(box, point, epsilon, Magnitudes(box.y0.size))
            rng = np.random.default_rng([self.settings.seed, 9])
            return any(_contradicted(analytic, each, point, rng) for each in measure_directions(near, rng).directions)
        return False


def _contradicted(analytic: Analytic, measured: Direction, x: Array, rng: np.random.Generator) -> bool:
    """Whether a difference along a direction contradicts J·v, or w·J·v where only the vjp is known, where finite."""
    v, value, bar = measured.tangent(x), measured.value, measured.bar[:]
    with np.errstate(all="ignore"):
        if analytic.push is not None:
            claimed = analytic.push(v)
        else:
            assert analytic.pull is not None
            w = np.where(np.isfinite(value), rng.standard_normal(value.size), 0.0)
            terms = analytic.pull(w) * v.reshape(-1)
            value, bar = np.nansum(w * value), np.nansum(np.abs(w) * bar) + ROUNDING * np.abs(terms).sum()
            claimed = terms.sum()
        known = np.isfinite(claimed) & np.isfinite(value)
        return bool(np.any(known & ~(np.abs(claimed - value) <= bar + ROUNDING * np.abs(claimed))))
