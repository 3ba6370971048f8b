"""The second order: the gradient inspected as a function, whose Jacobian is the Hessian of w·f. Next: report.

In: the report of the first order, by which the gradient was compared with f. Out: the same report with what was found
of the gradient. w is 1 where f has one output, or where each output reads the input in its own place (the Hessian is
Diag(f'') then); else it is random. The Hessian is differenced from the first-order rule, and compared with the
second-order rule, or with a claim.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim, Jvp, NoSecondDerivativeError, Second, Vjp
from jacinspect.inspection.codes import finding, ordered
from jacinspect.inspection.pipeline import inspect_function
from jacinspect.inspection.report import Report, SecondOrderReport
from jacinspect.inspection.sections import RuleReport
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import analytic_at
from jacinspect.jacobian.coloring import color_columns

__all__ = ["require_gradient", "with_second_order"]

_FEWEST = 200  # calls of the gradient: what a pattern and some of its columns take


def require_gradient(function: Function, settings: Settings) -> None:
    """Raise InputError where the second order is asked for of a function without a derivative."""
    if settings.order == 2 and function.rule is None:
        raise InputError(
            f"{function.name}: --order 2 needs a gradient, and there is none: give one with "
            "-d file.py:gradient (derivative= in Python, derivative = in a check)"
        )


def with_second_order(
    report: Report, function: Function, settings: Settings, progress: Callable[[int], None]
) -> Report:
    """Return the report with the second order, where it is asked for."""
    if settings.order == 1:
        return report
    gradient = _gradient(report, function, settings)
    if isinstance(gradient, str):
        return replace(report, second_order=SecondOrderReport(None, None, gradient))
    found, weights = gradient
    nested = _inspected(found, report, settings, progress)
    told = [replace(each, message=f"second order: {each.message}") for each in nested.findings]
    return replace(
        report,
        second_order=SecondOrderReport(nested, weights),
        findings=ordered([*report.findings, *told]),
    )


def _inspected(gradient: Function, report: Report, settings: Settings, progress: Callable[[int], None]) -> Report:
    """Inspect the gradient; a second-order rule that raises is a finding, and the Hessian is measured without it."""
    operand = report.operand
    settings = replace(settings, expect=(), points=None, order=1, max_evaluations=_budget(report, gradient, settings))

    def inspected(gradient: Function) -> Report:
        return inspect_function(
            gradient, operand.values, settings, source=operand.source, progress=lambda n: progress(report.calls + n)
        )

    try:
        return inspected(gradient)
    except FunctionFailedError as error:
        if not isinstance(gradient.rule, Jvp | Vjp):
            raise
        name = gradient.rule.name
        nested = inspected(replace(gradient, rule=None, others=()))
        message = f"{name} fails: {str(error).removeprefix('the derivative raised ').splitlines()[0]}"
        return replace(
            nested,
            rules=(RuleReport(name, "fail", message),),
            findings=ordered([*nested.findings, finding("J015", message)]),
        )


def _budget(report: Report, gradient: Function, settings: Settings) -> int:
    """Return how often the gradient may be called: a vjp counts as one call of f, a jvp once for each color."""
    assert report.jacobian is not None
    calls = settings.calls(report.operand.values.size)
    return calls if gradient.value.is_pulled else max(calls // max(report.jacobian.colors, 1), _FEWEST)


def _gradient(report: Report, function: Function, settings: Settings) -> tuple[Function, Array] | str:
    """Return the gradient of w·f as a function, and w; or the reason why it is not inspected."""
    j, a, output = report.jacobian, report.agreement, report.output
    if j is None or a is None or output is None:
        return "not inspected, for the first order could not be"
    later = {rule.name for rule in function.others if rule.order > 1}
    if a.verdict == "fail" or any(rule.verdict == "fail" and rule.name not in later for rule in report.rules):
        return "not inspected, for the derivative itself is wrong"
    if not np.isfinite(report.operand.values).all() or not np.isfinite(output).all():
        return "not inspected, for X or f(X) is not finite"
    first = _reverse(function, report)
    if not isinstance(first.rule, Vjp | Claim) and (j.numeric is None or j.arrangement is None):
        return "not inspected, for the pattern of the first order is not proved (J007)"
    x, own = report.operand.values, output.size == 1 or (report.is_elementwise and output.shape == report.operand.values.shape)
    rng = np.random.default_rng([settings.seed, 9])
    weights = np.ones(output.shape) if own else rng.standard_normal(output.shape)
    bundle = function.operand
    rules = (function.hessian,) if function.hessian is not None else _rules(function, x, weights, isinstance(first.rule, Vjp))
    gradient = replace(
        function,
        value=_Gradient(first, report, weights, settings.vec),
        rule=rules[0] if rules else None,
        others=rules[1:],
        second=(),
        hessian=None,
        gradient_of="f" if own else "(w·f)",
        output=lambda: bundle,
        formula="",
        derivative_formula="",
        bends=(),
    )
    return gradient, weights


def _reverse(function: Function, report: Report) -> Function:
    """Return the function with a vjp as its rule, if it has one that was run: the gradient is one call of it."""
    unusable = {rule.name for rule in report.rules if rule.verdict != report.rules[0].verdict}
    pulls = [rule for rule in (function.rule, *function.others) if isinstance(rule, Vjp) and rule.name not in unusable]
    return replace(function, rule=max(pulls, key=lambda rule: rule.order)) if pulls else function


def _rules(function: Function, x: Array, weights: Array, reverse: bool) -> tuple[Jvp | Vjp, ...]:
    """Return the second-order rules as rules of the gradient: forward mode twice where there is no vjp."""
    rules = []
    for rule in function.second:
        assert isinstance(rule, Second)
        if rule.reverses != reverse:
            continue
        with suppress(NoSecondDerivativeError):
            if not reverse:
                rule.product(x, weights, np.ones(x.shape))
            rules.append(_rule(rule, weights))
    return tuple(rules)


def _rule(rule: Second, weights: Array) -> Jvp | Vjp:
    """Return a second-order rule as one of the gradient of w·f."""

    def product(x: Array, v: Array) -> Any:
        return rule.product(x, weights, v.reshape(x.shape))

    return Vjp(product, rule.name) if rule.pulls else Jvp(product, rule.name)


class _Gradient:
    """x -> J(x)ᵀw by the first-order rule, in x's shape."""

    def __init__(self, function: Function, report: Report, weights: Array, vec: str | None) -> None:
        self._function, self._weights, self._vec = function, weights, vec
        assert report.jacobian is not None
        numeric = report.jacobian.numeric
        self._pattern = None if numeric is None else numeric.pattern
        if self._pattern is not None:
            p = self._pattern
            self._colors = color_columns(p.rows, p.indices, p.shape[1])

    @property
    def is_pulled(self) -> bool:
        """Whether it is one call of a vjp."""
        return isinstance(self._function.rule, Vjp)

    def __call__(self, x: Array) -> Array:
        analytic = analytic_at(self._function, x, self._weights.shape, self._vec)
        assert analytic is not None
        w = self._weights
        if analytic.pull is not None:
            return analytic.pull(w.ravel()).reshape(x.shape)
        assert self._pattern is not None
        stored = None if analytic.stored is None else analytic.stored(self._pattern)
        jacobian = analytic.on(self._pattern, *self._colors) if stored is None else stored
        return jacobian.vjp(w)
