"""The second order: the gradient inspected as a function, whose Jacobian is the Hessian of w·f. Next: report.

In: the report of the first order, by which the gradient was compared with f. Out: the same report with what was found
of the gradient. w is 1 where f has one output, or where each output reads the input in its own place (the Hessian is
Diag(f'') then); else it is random. The Hessian is differenced from the first-order rule, and compared with the
second-order rule, or with a claim.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, UnsendableError
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim, Jvp, NoSecondDerivativeError, Second, Slopes, Vjp
from jacinspect.inspection.codes import finding, ordered
from jacinspect.inspection.gradient import as_function, gradient_of, zero_by_rounding
from jacinspect.inspection.pipeline import inspect_function
from jacinspect.inspection.plan import Progress
from jacinspect.inspection.report import Report, SecondOrderReport
from jacinspect.inspection.sections import RuleReport
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import black_box
from jacinspect.records import replace

__all__ = ["require_gradient", "with_second_order"]

_ADVICE = {
    "torch": "a backward has to be differentiable itself: no detach, numpy or once_differentiable in it",
    "jax": "a rule has to be differentiable itself: no stop_gradient or callback in it",
}
_FEWEST = 200  # calls of the gradient: what a pattern and some of its columns take


def require_gradient(function: Function) -> None:
    """Raise InputError where there is no derivative to differentiate."""
    if function.rule is None:
        raise InputError(
            f"{function.name}: --order 2 needs a gradient, and there is none: give one with "
            "-d file.py:gradient (derivative= in Python, derivative = in a check)"
        )


def with_second_order(report: Report, function: Function, settings: Settings, progress: Progress) -> Report:
    """Return the report with the second order."""
    reason = _why_not(report, function)
    if reason:
        untold = [finding("J006", f"second order: {reason}")] if report.verdict == "pass" else []
        found = ordered([*report.findings, *untold])
        return replace(report, second_order=SecondOrderReport(None, None, reason), findings=found)
    assert report.output is not None
    output = report.output
    _, x = black_box(function, report.operand.values, lambda _: None)
    is_own = output.size == 1 or (report.is_elementwise and output.shape == x.shape)
    rng = np.random.default_rng([settings.seed, 9])
    w = np.ones(output.shape) if is_own else rng.standard_normal(output.shape)
    first = _with_vjp(function, report)
    value = gradient_of(first, report, w, settings.vec)
    zero = zero_by_rounding(value, x, float(np.abs(w * output).sum()), rng)
    rules = [zero.rule(rule) for rule in _second_rules(function, x, w, isinstance(first.rule, Vjp))]
    gradient = replace(
        as_function(first, zero.of(value)),
        rule=next(iter(rules), None),
        others=tuple(rule for rule in rules[1:] if not isinstance(rule, Claim)),
        gradient_of="f" if is_own else "(w·f)",
    )
    nested = _inspected(gradient, report, replace(settings, max_evaluations=_budget(first, report, settings)), progress)
    nested = _advised(nested, gradient)
    told = [replace(each, message=f"second order: {each.message}") for each in nested.findings]
    return replace(
        report,
        second_order=SecondOrderReport(nested, w, formula=_formula(function, nested)),
        findings=ordered([*report.findings, *told]),
    )


def _why_not(report: Report, function: Function) -> str:
    """Say why the second order is not inspected: the gradient is wrong or not known; nothing if it can be."""
    if report.jacobian is None or report.agreement is None or report.output is None:
        return "not inspected, for the first order could not be"
    later = {rule.name for rule in function.others if rule.order > 1}
    wrong = any(rule.verdict == "fail" and rule.name not in later for rule in report.rules)
    if wrong or report.agreement.verdict == "fail":
        return "not inspected, for the derivative itself is wrong"
    if report.agreement.verdict != "pass":
        return "not inspected, for it is not known whether the derivative itself is right"
    if not np.isfinite(report.operand.values).all() or not np.isfinite(report.output).all():
        return "not inspected, for X or f(X) is not finite"
    if isinstance(_with_vjp(function, report).rule, Slopes | Jvp) and report.jacobian.numeric is None:
        return "not inspected, for the pattern of the first order is not proved (J007)"
    return ""


def _with_vjp(function: Function, report: Report) -> Function:
    """Return the function with a vjp as its rule, if it has one that agrees: the gradient is one call of it then."""
    agree = {rule.name for rule in report.rules if rule.verdict == report.rules[0].verdict}
    pulls = [rule for rule in (function.rule, *function.others) if isinstance(rule, Vjp) and rule.name in agree]
    return replace(function, rule=max(pulls, key=lambda rule: rule.order)) if pulls else function


def _budget(function: Function, report: Report, settings: Settings) -> int:
    """Return how often the gradient may be called: a vjp counts as one call of f, a jvp as one for each color."""
    assert report.jacobian is not None
    calls = settings.calls(report.operand.values.size)
    by_color = isinstance(function.rule, Jvp) or (isinstance(function.rule, Claim) and function.rule.kind == "jvp")
    return max(calls // max(report.jacobian.colors, 1), _FEWEST) if by_color else calls


# --- The Hessian ------------------------------------------------------------------------------------------------------


def _second_rules(function: Function, x: Array, w: Array, is_reverse: bool) -> Sequence[Jvp | Vjp | Claim]:
    """Return the claimed Hessian, or the second-order rules as far as they are known, as rules of the gradient."""
    if function.hessian is not None:
        return [_contracted(function.hessian, x.size, w)]
    rules: list[Jvp | Vjp] = []
    for rule in function.second if is_reverse else ():
        with suppress(NoSecondDerivativeError):
            if function.source in ("catalogue", "expression"):
                rule.product(x, w, np.ones(x.shape))
            rules.append(_rule(rule, w))
    return rules


def _rule(rule: Second, w: Array) -> Jvp | Vjp:
    """Return a second-order rule as one of the gradient of w·f."""

    def product(x: Array, v: Array) -> Any:
        return rule.product(x, w, v.reshape(x.shape))

    return Vjp(product, rule.name) if rule.pulls else Jvp(product, rule.name)


def _contracted(claim: Claim, size: int, w: Array) -> Claim:
    """Return a claimed Hessian as that of w·f, where it is the M×N×N tensor of several outputs."""

    def of_w(hessian: Callable[..., Any]) -> Callable[..., Any]:
        def contracted(x: Array, *vector: Array) -> Any:
            given = hessian(x, *vector)
            selected = claim.select(given)
            if vector or w.size == 1 or prod(getattr(selected, "shape", ())) != w.size * size**2:
                return given
            return np.tensordot(w.ravel(), np.reshape(selected, (w.size, size, size)), 1)

        return contracted

    return replace(claim, derivative=of_w(claim.derivative), adapt=lambda arguments: of_w(claim.at(arguments)))


def _inspected(gradient: Function, report: Report, settings: Settings, progress: Progress) -> Report:
    """Inspect the gradient; a second-order rule that raises is a finding, and the Hessian is measured without it."""
    of_hessian = ["positive-definite"] if report.output is not None and report.output.size == 1 else []
    expect = [name for name in settings.expect if name in of_hessian]
    operand, settings = report.operand, replace(settings, expect=expect, points=None, order=1)

    def inspected(gradient: Function) -> Report:
        after = progress.after(report.calls)
        try:
            return inspect_function(gradient, operand.values, settings, source=operand.source, progress=after)
        except UnsendableError:  # f can be sent, but not its derivative, such as a closure
            return inspected(replace(gradient, elsewhere=None))

    try:
        return inspected(gradient)
    except FunctionFailedError as error:
        if not isinstance(gradient.rule, Jvp | Vjp):
            raise
        name, nested = gradient.rule.name, inspected(replace(gradient, rule=None, others=()))
        message = f"{name} fails: {str(error).removeprefix('the derivative raised ').splitlines()[0]}"
        return replace(
            nested,
            rules=(RuleReport(name, "fail", message),),
            findings=ordered([*nested.findings, finding("J015", message)]),
        )


def _advised(nested: Report, gradient: Function) -> Report:
    """Say what makes a framework's second derivative wrong, where it is."""
    advice = _ADVICE.get(gradient.source, "") if isinstance(gradient.rule, Jvp | Vjp) else ""
    told = (
        replace(each, message=f"{each.message}; {advice}") if each.code == "J001" and advice else each
        for each in nested.findings
    )
    return replace(nested, findings=tuple(told))


def _formula(function: Function, nested: Report) -> str | None:
    """Write f'' where the Hessian is diagonal, for an element-wise function whose derivative is written down."""
    declared = function.source in ("catalogue", "expression") and function.kind == "elementwise"
    if nested.jacobian is None or not nested.jacobian.is_diagonal or not declared or len(function.operands) > 1:
        return None
    from jacinspect.functions.expressions.partials import second_formula  # what reads expressions is imported late

    return second_formula(function) or None
