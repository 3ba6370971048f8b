"""All first-order rules of a function compared with each other: torch's backward and forward mode, jax's jvp and vjp.

The rule that people call was compared with f entry by entry. The others have to give the same Jacobian, and each has to
be linear for every kind of tangent or cotangent (jacobian/consistency.py). Next: findings, report.
"""

from collections.abc import Callable
from functools import cached_property
from math import prod

import numpy as np

from jacinspect.errors import FunctionFailedError, JacinspectError
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Claim, Jvp, Vjp
from jacinspect.inspection.evidence import Evidence
from jacinspect.inspection.naming import Names, entry_name, input_name, output_name
from jacinspect.inspection.sections import AgreementReport, RuleReport
from jacinspect.inspection.subject import analytic_at
from jacinspect.jacobian.agreement.analytic import Analytic, LinearMap
from jacinspect.jacobian.agreement.comparison import Status, in_single
from jacinspect.jacobian.agreement.consistency import Difference, Fault, Known, difference, fault, strided
from jacinspect.jacobian.agreement.directions import Directions
from jacinspect.jacobian.agreement.outside import NOTHING
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.values.stencil import Kind, step_scale
from jacinspect.operands.bundle import index_of
from jacinspect.records import dataclass, replace
from jacinspect.wording import told_apart

__all__ = ["Rules", "with_agreement"]

_ALIKE = 2.0**-30  # relative: one wrong number by two rules
_CONTIGUOUS = "contiguous"  # in what numpy's buffers, torch and Cython's memoryviews say of views that they refuse
_CUTS = {"torch": "detach()", "jax": "stop_gradient"}  # what makes a constant of an array that autodiff follows
_SAME = 1e-6  # relative: two ways to one number, summed in different orders
_SINGLE = 2.0**29  # the last bit of single precision, in those of double


@dataclass(frozen=True, eq=False)
class Rules:
    """What the rules of a function are compared with.

    `analytic` is the rule that was compared entry by entry, and `evidence` what came of it; `along` compares a further
    rule with f along random directions, where only a sample of the Jacobian is known.
    """

    function: Function
    x: Array
    box: BlackBox
    analytic: Analytic
    evidence: Evidence
    along: Callable[[Analytic], Directions]
    names: Names

    def reports(self, order: int) -> tuple[RuleReport, ...]:
        """Compare every rule up to an order; the first report is of the main rule, whose entries J001 is about."""
        main = _rule_name(self.function, self.analytic)
        return (self._main(main), *(self._other(rule, main) for rule in self.function.others if rule.order <= order))

    @property
    def _is_written(self) -> bool:
        """Whether its rules are people's own; those of the catalogue and of expressions have tests of their own."""
        return isinstance(self.function.rule, Claim) or self.function.source not in ("catalogue", "expression")

    @property
    def pattern(self) -> Pattern:
        """The pattern of the entries that were compared."""
        return self.evidence.numeric.jacobian.pattern

    def _main(self, name: str) -> RuleReport:
        """Try the main rule, whose entries were compared with f, with other arrays; if it is people's own."""
        if self.analytic.rule is None or not self._is_written or not self._is_finite:
            return RuleReport(name, "pass")
        return self._linear(name, self.analytic, self.function)

    def _other(self, own: Jvp | Vjp, main: str) -> RuleReport:
        function = replace(self.function, rule=own, others=())
        analytic = analytic_at(function, self.x, self.pattern.output_shape)
        if not self._is_finite or analytic is None or analytic.rule is None:
            return RuleReport(own.name, None, "not compared: X or f(X) is not finite")
        try:
            wrong = self._wrong(own.name, analytic, main)
            if wrong is not None:
                return wrong
            # vmap lays its cotangents out anew
            if _pushes(analytic) == _pushes(self.analytic) or not self._is_written:
                return RuleReport(own.name, "pass")
            return self._linear(own.name, analytic, function)
        except FunctionFailedError as error:  # as of a torch Function that has no jvp, or jax's vjp of a while_loop
            return RuleReport(own.name, None, f"left out: {error}")

    def _wrong(self, name: str, analytic: Analytic, main: str) -> RuleReport | None:
        """Compare a further rule with what is known of the Jacobian, or with f where that is a sample of it."""
        assert analytic.rule is not None
        if not self._is_complete:
            refuted = self.along(analytic)
            if not (refuted.analytic_refuted.size or refuted.inputs_refuted.size):
                return None
            return RuleReport(name, "fail") if self.evidence.is_refuted else self._refuted(name, refuted)
        as_main: list[Difference] = []

        def is_as_main(found: Difference) -> bool:
            if self._is_as_main(analytic, found):
                as_main.append(found)
            return found in as_main

        known = self._oriented(analytic)
        different = difference(_without_rounding(analytic.rule, known), known, _random(), is_as_main)
        if different is not None:
            return self._differs(name, analytic, different, main)
        return RuleReport(name, "fail") if as_main and self.evidence.is_refuted else None

    def _is_as_main(self, analytic: Analytic, found: Difference) -> bool:
        """Whether the main rule, asked for that entry alone, gives the same: then J001 is about it, if anything is."""
        main = self.analytic.rule
        if main is None:
            return False
        place, along = (found.along, found.place)[:: -1 if _pushes(analytic) == _pushes(self.analytic) else 1]
        shape = self.pattern.operand_shape if _pushes(self.analytic) else self.pattern.output_shape
        unit = np.zeros(prod(shape))
        unit[along] = found.length
        given = float(main(unit.reshape(shape))[place])
        with np.errstate(invalid="ignore"):
            alike = max(_ALIKE, 64 * self.evidence.numeric.epsilon)
            return bool(np.isclose(given, found.given, alike, 0, equal_nan=True))

    def _linear(self, name: str, analytic: Analytic, function: Function) -> RuleReport:
        """Try a rule with zeros and with arrays that are not contiguous; it may refuse those where f does, too."""
        assert analytic.rule is not None
        kind = "tangent" if _pushes(analytic) else "cotangent"
        of_view, refusals = self._refusal_of_view(), list[str]()
        at_view = self._at_view(function) if of_view is None else None
        rule = _of_contiguous(analytic.rule, refusals) if _CONTIGUOUS in (of_view or "") else analytic.rule
        found = fault(rule, at_view, self._oriented(analytic), kind, _random())
        if found is not None:
            return self._faulty(name, analytic, found)
        return RuleReport(name, "pass", f"{name} refuses views, as f does: {refusals[0]}" if refusals else None)

    def _refusal_of_view(self) -> str | None:
        """Return what f says of an operand that is not contiguous; None where it gives the same values there."""
        if self.x.size < 2:
            return ""
        try:
            y = self.box(strided(self.x))
        except JacinspectError as error:
            return str(error)
        return None if np.allclose(y, self.box.y0, _SAME, _SAME * np.abs(self.box.y0).max()) else ""

    def _at_view(self, function: Function) -> LinearMap | None:
        """Return a rule at an operand that is not contiguous, if it takes one."""
        try:
            analytic = analytic_at(function, strided(self.x), self.pattern.output_shape)
        except JacinspectError:
            return None
        return None if analytic is None else analytic.rule

    # --- What is known of J -------------------------------------------------------------------------------------------

    @property
    def _is_finite(self) -> bool:
        return bool(np.isfinite(self.x).all() and np.isfinite(self.box.y0).all() and self.x.size and self.box.y0.size)

    @property
    def _is_complete(self) -> bool:
        return self.evidence.coverage == 1 and not self.evidence.directions.pattern_refuted.size

    def _oriented(self, analytic: Analytic) -> Known:
        return self._known if _pushes(analytic) else self._transposed

    @cached_property
    def _transposed(self) -> Known:
        return self._known.T

    @cached_property
    def _known(self) -> Known:
        """Return the main rule's Jacobian, or f's where they disagree, with what a further rule may be off by.

        On a kink that is anything between the one-sided slopes; nothing is known of an entry that is inconclusive.
        """
        evidence, numeric = self.evidence, self.evidence.numeric
        pattern, claimed = self.pattern, evidence.analytic
        if not self._is_complete or claimed is None:
            data = numeric.jacobian.data
            largest = float(np.max(np.abs(data), initial=0, where=np.isfinite(data)))
            none, no_data = np.zeros(0, np.int64), np.zeros(0)
            empty = Pattern.from_pairs(none, none, pattern.output_shape, pattern.operand_shape)
            return Known(Jacobian(empty, no_data), no_data, no_data, numeric.epsilon, largest)
        status, kinks = evidence.comparison.status, numeric.kinks
        value = np.where(status == Status.DISAGREES, numeric.jacobian.data, claimed.data)
        open_ = (status == Status.INCONCLUSIVE) | (status == Status.OUT_OF_REACH) | (numeric.kind == Kind.UNRESOLVED)
        slack = np.where(open_, np.inf, numeric.bar + evidence.comparison.tolerated(slice(None)))
        values = np.abs(self.box.y0)[pattern.rows] / step_scale(self.x.ravel())[pattern.indices]
        on = np.isfinite(value[kinks.entries])
        entries, low, high = kinks.entries[on], kinks.low[on], kinks.high[on]
        with np.errstate(all="ignore"):
            known = np.isfinite(high - low)
            value[entries[known]] = (low + high)[known] / 2
            slack[entries] += np.where(known, (high - low) / 2, np.inf)
        size = np.maximum(np.abs(value), values)  # an intermediate result may be as large as f per unit of X
        return Known(Jacobian(pattern, value), slack, size, numeric.epsilon)

    # --- Words --------------------------------------------------------------------------------------------------------

    def _differs(self, name: str, analytic: Analytic, found: Difference, main: str) -> RuleReport:
        """Say which entry differs, with its value by each rule and by differences of f."""
        pushes = _pushes(analytic)
        row, column = (found.place, found.along) if pushes else (found.along, found.place)
        output, operand = output_name(self.names, row), input_name(self.names, column)
        given, expected = _apart(found.given, found.expected)
        message = f"{entry_name(self.names, row, column)} is {given} by {name}"
        stored = int(self.pattern.places(np.array([row]), np.array([column]))[0])
        if found.length != 1:
            kind, along = ("tangent", operand) if pushes else ("cotangent", output)
            of = f"a {kind} of {found.length:.6g} at {along} alone"
            message = f"{name} is not linear: for {of} it gives {given}, not {expected}"
        elif stored < 0:
            message += f", and {output} does not read {operand}"
        else:
            claimed, numeric = self.evidence.analytic, self.evidence.numeric
            if claimed is not None:
                message += f", {_apart(float(claimed.data[stored]), found.given)[0]} by {main}"
            message += f", {numeric.jacobian.data[stored]:.8g} ± {numeric.bar[stored]:.1g} by differences"
            cut = _CUTS.get(self.function.source)
            if found.given == 0 and cut and self.evidence.comparison.status[stored] == Status.AGREES:
                message += f": {main} is right, and {name} alone takes it for constant, as after {cut}"
        return self._fails(name, message, column)

    def _faulty(self, name: str, analytic: Analytic, found: Fault) -> RuleReport:
        if found.place is None:
            return self._fails(name, f"{name} fails {found.case}: {found.raised}")
        pushes = _pushes(analytic)
        where = (output_name if pushes else input_name)(self.names, found.place)
        given, expected = _apart(found.given, found.expected)
        message = f"{name} gives {given} for {where} {found.case}, not {expected}"
        return self._fails(name, message, None if pushes else found.place)

    def _refuted(self, name: str, refuted: Directions) -> RuleReport:
        if refuted.analytic_refuted.size:
            where = output_name(self.names, int(refuted.analytic_refuted[0]))
            return self._fails(name, f"{name} is off for {where} along a random direction")
        column = int(refuted.inputs_refuted[0])
        return self._fails(name, f"{name} is off by {input_name(self.names, column)} for a random cotangent", column)

    def _fails(self, name: str, message: str, column: int | None = None) -> RuleReport:
        at = () if column is None else (index_of(column, self.pattern.operand_shape),)
        return RuleReport(name, "fail", message, at)


def with_agreement(rules: tuple[RuleReport, ...], agreement: AgreementReport) -> tuple[RuleReport, ...]:
    """Let the main rule's verdict be that of its entries, where it is not worse."""
    if not rules or rules[0].verdict == "fail":
        return rules
    return (replace(rules[0], verdict=agreement.verdict), *rules[1:])


def _without_rounding(rule: LinearMap, known: Known) -> LinearMap:
    """Return a rule that is 0 where a component reads nothing and rounding alone, beside J's largest entry, is left."""
    reads_nothing, entries = known.jacobian.pattern.lengths == 0, np.abs(known.jacobian.data)
    largest = float(np.max(entries, initial=0, where=np.isfinite(entries)))
    nothing = NOTHING * (_SINGLE if in_single(known.jacobian.data) else 1) * largest

    def rounded(tangent: Array) -> Array:
        given = rule(tangent)
        residue = reads_nothing & (np.abs(given) <= nothing * np.max(np.abs(tangent), initial=0))
        return np.where(residue, 0.0, given)

    return rounded


def _of_contiguous(rule: LinearMap, refusals: list[str]) -> LinearMap:
    """Return a rule that is given a copy of each array that it refuses for not being contiguous; add what it says."""

    def called(tangent: Array) -> Array:
        try:
            return rule(tangent)
        except FunctionFailedError as error:
            if tangent.flags.c_contiguous or _CONTIGUOUS not in str(error):
                raise
            refusals.append(str(error))
            return rule(tangent.copy())

    return called


def _rule_name(function: Function, analytic: Analytic) -> str:
    """Name the main rule as the report's `rules` do."""
    if isinstance(function.rule, Jvp | Vjp):
        return function.rule.name
    if analytic.slopes is not None:
        return "slopes"
    return "matrix" if analytic.rule is None else "vjp" if analytic.push is None else "jvp"


def _pushes(analytic: Analytic) -> bool:
    """Whether a rule is a jvp; else it is a vjp."""
    return analytic.push is not None


def _random() -> np.random.Generator:
    """Draw the same numbers for every rule."""
    return np.random.default_rng(4)


def _apart(given: float, expected: float) -> tuple[str, str]:
    """Write two numbers with as many digits as tell them apart, six at least; -0 as 0."""
    first, second = told_apart(given + 0.0, expected + 0.0, digits=6)
    return first.replace("nan", "NaN"), second.replace("nan", "NaN")
