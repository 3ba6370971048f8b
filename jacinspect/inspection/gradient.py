"""The gradient of w·f as a function, called where f is. In: f, with a rule, and w. Out: a Function. Next: second_order.

In another process, f is made anew with its derivative; where that cannot be sent there, it is called here.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from jacinspect.errors import FunctionFailedError
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim, Jvp, Vjp
from jacinspect.inspection.report import Report
from jacinspect.inspection.subject import analytic_at
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.values.stencil import step_scale
from jacinspect.records import dataclass, replace

__all__ = ["Gradient", "Zero", "as_function", "gradient_of", "zero_by_rounding"]

_ROUNDINGS = 64  # of f: terms that cancel may be larger than f, and there are many
_BESIDE = 0.25  # of the unit of x: near enough for functions that end, and far enough to leave a stationary point


@dataclass(frozen=True, eq=False)
class Gradient:
    """x -> J(x)ᵀw, by the function's rule, or by its vjp that `pull` names; of a jvp, a column at a time of a pattern.

    `function` gives f of one operand, here or in another process. Entries at `zero`, booleans, are 0 but for rounding.
    """

    function: Callable[[], Function]
    pull: str
    pattern: Pattern | None
    w: Array
    vec: str | None
    zero: Array | None = None

    def __call__(self, x: Array) -> Array:
        """Return the gradient, of x's shape."""
        given = self._at(x)
        return given if self.zero is None else np.where(self.zero, 0.0, given)

    @cached_property
    def _function(self) -> Function:
        function = self.function()
        rules = [rule for rule in (function.rule, *function.others) if isinstance(rule, Vjp)]
        return replace(function, rule=next((rule for rule in rules if rule.name == self.pull), function.rule))

    def _at(self, x: Array) -> Array:
        analytic = analytic_at(self._function, x, self.w.shape, self.vec)
        assert analytic is not None
        if analytic.pull is not None:
            return analytic.pull(self.w.ravel()).reshape(x.shape)
        pattern = self.pattern
        assert pattern is not None
        stored = None if analytic.stored is None else analytic.stored(pattern)
        if stored is None:
            stored = analytic.on(pattern, *pattern.coloring)
        return stored.vjp(self.w)


def gradient_of(function: Function, report: Report, w: Array, vec: str | None) -> Gradient:
    """Return the gradient of w·f by the function's rule, as called in this process."""
    known = None if report.jacobian is None else report.jacobian.numeric
    pull = function.rule.name if isinstance(function.rule, Vjp) else ""
    return Gradient(lambda: function, pull, None if known is None else known.pattern, w, vec)


def as_function(function: Function, value: Gradient) -> Function:
    """Return the gradient as a function, which is called where f is: in another process, it is made anew there."""
    bundle, elsewhere, remade = function.operand, function.elsewhere, function.remade
    if elsewhere is not None:
        there = value if remade is None else replace(value, function=remade.with_rules().function)
        elsewhere = elsewhere.calling(there, value)
    return replace(
        function,
        value=value,
        second=(),
        hessian=None,
        logdet=None,
        declared=None,
        output=lambda: bundle,
        remade=None,
        elsewhere=elsewhere,
        formula="",
        derivative_formula="",
        bends=(),
    )


@dataclass(frozen=True, eq=False)
class Zero:
    """Entries of the gradient that are 0 but for rounding, booleans, and what rounding makes of their derivatives.

    Sums such as that of softmax do not depend on an input, and their gradient is some 1e-17, which no step differences.
    """

    entries: Array
    rounding: Array

    def of(self, gradient: Gradient) -> Gradient:
        """Return the gradient with these entries 0."""
        return replace(gradient, zero=self.entries) if self.entries.any() else gradient

    def rule(self, rule: Jvp | Vjp | Claim) -> Jvp | Vjp | Claim:
        """Return a second-order rule with what rounding leaves there taken for 0."""
        if isinstance(rule, Claim) or not self.entries.any():
            return rule

        def product(x: Array, v: Array) -> Array:
            given = np.reshape(run(x, v), x.shape)
            return np.where(self.entries & (np.abs(given) <= self.rounding * np.abs(v).max(initial=0)), 0.0, given)

        run = rule.push if isinstance(rule, Jvp) else rule.pull
        return replace(rule, push=product) if isinstance(rule, Jvp) else replace(rule, pull=product)


def zero_by_rounding(gradient: Callable[[Array], Array], x: Array, size: float, rng: np.random.Generator) -> Zero:
    """Find the entries that are no more than rounding of f, of this size, is per unit of x, at x and beside it."""
    unit = step_scale(x.ravel()).reshape(x.shape)
    rounding = _ROUNDINGS * np.finfo(float).eps * size / unit
    entries = np.abs(gradient(x)) <= rounding
    for _ in range(2 * entries.any()):
        try:
            entries &= np.abs(gradient(x + unit * rng.uniform(-_BESIDE, _BESIDE, x.shape))) <= rounding
        except FunctionFailedError:  # as where f ends
            entries[...] = False
    return Zero(entries, rounding / unit)
