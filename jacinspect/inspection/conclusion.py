"""What an inspection found, put together: structure, findings, the Hadamard product, the spectrum. Next: report."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from jacinspect.errors import JacinspectError
from jacinspect.functions.rules import Claim
from jacinspect.inspection import findings as find
from jacinspect.inspection.codes import Finding, ordered
from jacinspect.inspection.declared import of_declared
from jacinspect.inspection.entries import of_entries
from jacinspect.inspection.evidence import Evidence, agreement_report, jacobian_report
from jacinspect.inspection.expectations import of_expectations, of_symmetry
from jacinspect.inspection.inspected import Inspected
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.plan import Calls
from jacinspect.inspection.report import Report
from jacinspect.inspection.rules import with_agreement
from jacinspect.inspection.sections import DetectionReport
from jacinspect.inspection.subject import analytic_at
from jacinspect.jacobian.agreement.outside import hidden
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.hadamard import HadamardComparison, chain_rule, hadamard
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.records import replace

if TYPE_CHECKING:
    from jacinspect.inspection.spectrum import SpectrumReport

__all__ = ["concluded"]

_SLOW = 0.1  # seconds a call: to find what explains a derivative may take forty calls
_NONE: Array = np.zeros(0, np.int64)


def concluded(of: Inspected, base: Report, detection: Detection, evidence: Evidence, unresolved: Array) -> Report:
    """Add what was found to `base`, the report of the function, the operand and what its further rules gave.

    `unresolved` are the outputs whose pattern random directions refute, however often it is detected.
    """
    jacobian = jacobian_report(detection, evidence, of.settings.vec_order, of.settings.layout, of.names)
    asymmetric = list(of_symmetry(jacobian, evidence.numeric, of.names))
    if of.names.gradient_of and jacobian.is_symmetric is False:
        jacobian = replace(jacobian, is_symmetric=not asymmetric)  # an entry that is 0 need not be stored twice
    found = [
        *_of_the_derivative(of, detection, evidence, unresolved),
        *of_expectations(of.settings.expect, jacobian, evidence.numeric, of.names),
        *of_declared(of.declared, jacobian, evidence.numeric, of.names),
        *asymmetric,
        *find.of_coverage(
            detection,
            evidence.coverage,
            jacobian,
            _budget(of, detection, evidence),
            evidence.directions.left_out.size,
        ),
        *find.of_rules(base.rules),
    ]
    product, chain = _products(of, evidence) if evidence.coverage == 1 else (None, None)
    agreement = agreement_report(evidence, found, of.names)
    spectrum, spectral = _spectral(of, jacobian, evidence)
    pattern = evidence.best.pattern
    structural = pattern if evidence.by_rounding is None else pattern.only(~evidence.by_rounding)
    valid = structural.is_elementwise
    found += spectral
    if not valid and not of.names.gradient_of:
        found.append(find.hadamard_invalid(product, pattern, of.names, evidence.is_refuted))
    return replace(
        base,
        jacobian=jacobian,
        detection=DetectionReport(
            detection.evaluations,
            detection.points,
            detection.proved,
            of.box.deterministic,
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
        calls=of.box.evaluations,
        spent=_spent(of, detection, evidence),
    )


def _spent(of: Inspected, detection: Detection, evidence: Evidence) -> Calls:
    """Say what the calls of f were for, once all are made."""
    others = of.box.evaluations - detection.evaluations - evidence.calls
    return Calls(detection.evaluations, evidence.calls, others, of.box.seconds)


def _of_the_derivative(of: Inspected, detection: Detection, evidence: Evidence, unresolved: Array) -> list[Finding]:
    """Say where the derivative disagrees, cannot be judged, or has entries that f has not."""
    cause, outside = _cause(of, detection, evidence), evidence.wrong_outside(unresolved)
    directions = evidence.unexplained
    if evidence.stray is not None:  # which is why directions refute the rule
        directions = replace(directions, analytic_refuted=_NONE, inputs_refuted=_NONE)
    because = find.because(outside, of.names, cause)
    comparison, numeric = evidence.comparison, evidence.numeric
    whole, unseen = evidence.coverage == 1, None
    if evidence.spurious is not None and not evidence.is_refuted:
        unseen = hidden(evidence.spurious, numeric, of.x.reshape(-1), of.box.y0)
    return [
        *of_entries(comparison, evidence.analytic, numeric, of.x, of.box.y0, of.names, because),
        *find.of_directions(directions, comparison, numeric, of.names, unresolved, cause, whole),
        *find.of_joint_kinks(evidence.joint, detection.pattern, of.names),
        *find.of_stray(evidence.stray, detection.pattern, of.names),
        *find.of_jitter(of.box),
        *find.of_branches(of.function.bends, of.box.domain, of.x, of.names),
        *([find.of_hidden(unseen, of.box.y0, of.names)] if unseen is not None and unseen.data.size else []),
        *([] if outside is None or evidence.disagrees else [find.of_spurious(outside, of.names, cause)]),
    ]


def _products(of: Inspected, evidence: Evidence) -> tuple[HadamardComparison, HadamardComparison]:
    """Compare ⊙ with the products of the Jacobian, forward and backward."""
    slopes = (evidence.claim or evidence.best).elementwise()
    dx = of.rng.standard_normal(of.x.shape) if of.dx is None else of.dx
    product = hadamard(evidence.best, slopes, dx)
    return product, chain_rule(evidence.best, slopes, of.rng.standard_normal(of.output_shape))


def _budget(of: Inspected, detection: Detection, evidence: Evidence) -> str:
    ended = {group.spent for group in detection.unresolved} or {evidence.spent}
    return find.budgets(ended, of.calls, of.settings.memory)


def _spectral(
    of: Inspected, jacobian: JacobianReport, evidence: Evidence
) -> "tuple[SpectrumReport | None, list[Finding]]":
    """Find the spectrum, where it, a property of it or log|det J| is asked for."""
    settings = of.settings
    if not of.asks_spectrum:
        return None, []
    from jacinspect.inspection.logdet import claimed_logdet
    from jacinspect.inspection.spectral import spectrum_and_findings

    claim = claimed_logdet(of.function, of.x)
    return spectrum_and_findings(jacobian, evidence, settings, of.names, claim)


def _cause(of: Inspected, detection: Detection, evidence: Evidence) -> str:
    """Return what explains every entry of a derivative that disagrees, or nothing."""
    if of.analytic is None or evidence.analytic is None or not evidence.is_refuted:
        return ""
    from jacinspect.functions.catalogue.lookup import neighbours
    from jacinspect.inspection.diagnosis import diagnose
    from jacinspect.inspection.suspicion import Suspicion
    from jacinspect.jacobian.values.wide_steps import WideSteps

    numbers = {
        name: float(value)
        for name, value in of.function.parameters.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }

    claim = evidence.claim
    assert claim is not None
    pattern = claim.pattern

    def at_output() -> Array | None:
        if pattern.output_shape != of.x.shape:
            return None
        with suppress(JacinspectError, ValueError):
            there = analytic_at(of.function, of.box.y0.reshape(of.x.shape), of.x.shape)
            return None if there is None else there.on(pattern, np.zeros(of.x.size, np.int32), 1).data
        return None

    return diagnose(
        Suspicion(
            analytic=of.analytic,
            claim=claim,
            numeric=evidence.numeric,
            comparison=evidence.comparison,
            complete=detection.proved and evidence.coverage == 1,
            in_steps=lambda: of.box.whole or WideSteps.of(of.box, of.x) is not None,
            x=of.x.ravel(),
            y0=of.box.y0,
            parameters=numbers,
            neighbours=lambda: neighbours(of.x, numbers),
            at_output=at_output,
            of_others=lambda: _of_others(of, pattern),
            names=of.names,
            vec=of.settings.vec,
            iterates=of.function.source not in ("catalogue", "expression"),
            f=of.box.where_defined if of.box.deterministic and of.box.seconds < _SLOW else None,
        )
    )


def _of_others(of: Inspected, pattern: Pattern) -> Iterator[tuple[int, str, Array]]:
    """Yield the entries that a claim's tuple has for each operand that is fixed, as if they were for the open one.

    Before them are the operand's place, from 0, and its name.
    """
    rule = of.function.rule
    if not isinstance(rule, Claim):
        return
    for place, select in rule.select_for_fixed:
        function = replace(of.function, rule=replace(rule, select=select))
        with suppress(JacinspectError, ValueError):
            there = analytic_at(function, of.x, of.output_shape, of.settings.vec)
            if there is not None:
                yield place, of.function.operands[place], there.on(pattern, np.zeros(of.x.size, np.int32), 1).data
