"""Findings about the function, the random directions, the coverage and the Hadamard product. Next: report.

Those about single entries are in entries.py, those about the expected structure in expectations.py.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import numpy as np

from jacinspect.inspection.codes import Finding, finding
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.naming import Names, entry_name, input_name, listed, output_name, worst_outside
from jacinspect.inspection.sections import RuleReport
from jacinspect.jacobian.agreement.comparison import Comparison, Status
from jacinspect.jacobian.agreement.directions import Directions
from jacinspect.jacobian.agreement.joint_kinks import JointKink
from jacinspect.jacobian.agreement.outside import Stray
from jacinspect.jacobian.calls.blackbox import Array, BlackBox, Domain
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.forms.hadamard import HadamardComparison
from jacinspect.jacobian.indices import without
from jacinspect.jacobian.patterns.dependencies import Spent
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.operands.bundle import index_of
from jacinspect.wording import counted, format_shape, format_size, rounded_up

__all__ = [
    "because",
    "budgets",
    "crashed",
    "differs_elsewhere",
    "hadamard_invalid",
    "mutates_input",
    "not_deterministic",
    "nothing_compared",
    "of_branches",
    "of_coverage",
    "of_directions",
    "of_hidden",
    "of_jitter",
    "of_joint_kinks",
    "of_rules",
    "of_spurious",
    "of_stray",
    "timed_out",
]


_TOLERABLE = 1e-2  # relative: noise beyond it leaves no digit of a derivative
_NAMED = 4  # inputs named in a message: enough to recognize a tie


def not_deterministic(jitter: float, seed: int | None) -> Finding:
    """J005: the function returns different outputs for the same input, with its generators seeded or not (None)."""
    by = f", apart by {jitter:.1g} of their size" if np.isfinite(jitter) else ""
    advice = "give it --reseed 0, which seeds its random numbers before every call, or evaluation mode"
    if seed is not None:
        advice = f"--reseed {seed} does not reach what it draws from or remembers: seed or reset that in the function"
    if 0 < jitter <= _TOLERABLE:
        advice += f", or give --noise {rounded_up(2 * jitter)} where they are noise"
    return finding("J005", f"the same input gave different outputs{by}; {advice}")


def differs_elsewhere(jitter: float) -> Finding:
    """J005: two workers gave different outputs for the same input."""
    by = f", apart by {jitter:.1g} of their size" if np.isfinite(jitter) else ""
    advice = "use workers that are alike, with the same libraries on the same kind of processor"
    return finding("J005", f"two workers gave different outputs for the same input{by}; {advice}")


def nothing_compared(allowed: Sequence[str]) -> Finding:
    """J006: an error that the check allows ended the inspection, or left no entry to compare."""
    message = f"nothing was compared: the check allows {' and '.join(allowed)}, which is no evidence that f is right"
    return finding("J006", message)


def of_jitter(box: BlackBox) -> Iterator[Finding]:
    """J005, a note, where the function repeats itself but for its last bits, or for the noise that the user named."""
    if not box.deterministic:
        message = (
            f"the same input gave different outputs, apart by {box.jitter:.1g} of their size: the inspection takes "
            "that for noise"
        )
        yield finding("J005", message, severity="note")


def timed_out(seconds: float) -> Finding:
    """J010: the inspection did not end in time."""
    return finding("J010", f"the inspection took longer than {seconds:g} s (--timeout) and was ended")


def crashed(how: str) -> Finding:
    """J011: the function raised, or ended the process that it ran in."""
    return finding("J011", how)


def mutates_input() -> Finding:
    """J008: the function changes its argument, so that later calls would see other numbers."""
    return finding("J008", "the function changed the array it was given; let it work on a copy")


def of_directions(
    directions: Directions,
    comparison: Comparison,
    numeric: Numeric,
    names: Names,
    unresolved: Array,
    cause: str = "",
    complete: bool = True,
) -> Iterator[Finding]:
    """J012 for patterns refuted twice, J001 for a rule with entries outside the pattern.

    Of a Jacobian that is not `complete` only some entries were compared, and the others may be wrong as well.
    """
    if not (directions.analytic_refuted.size or directions.inputs_refuted.size or unresolved.size):
        return
    pattern = numeric.jacobian.pattern
    elsewhere = "the derivative has entries where the function has none"
    if not complete:
        elsewhere = (
            "it is wrong in others, which the budget left out (J007), or has entries where the function has none"
        )
    disagrees = comparison.status == Status.DISAGREES
    # The findings about entries name the cause where there are some.
    consistent = f"; consistent with {cause}" if cause and not disagrees.any() else ""
    if unresolved.size:
        message = (
            f"random directions refuted the inputs found for {counted(unresolved.size, 'output')}, and again after "
            f"further searches, first of {output_name(names, int(unresolved[0]))}"
        )
        yield finding("J012", message, listed(unresolved, pattern.output_shape))
    accused = np.zeros(pattern.shape[0], bool)
    reported = disagrees | (comparison.status == Status.NONFINITE) | (comparison.status == Status.OVERFLOWS)
    accused[pattern.rows[reported]] = True
    accused[unresolved] = True
    rows = directions.analytic_refuted[~accused[directions.analytic_refuted]]
    if rows.size:
        message = (
            f"along a random direction the analytic derivative of {counted(rows.size, 'output')}, first of "
            f"{output_name(names, int(rows[0]))}, is off although every entry "
            f"{'that the output was found to read' if complete else 'of it that was compared'} agrees: "
            f"{elsewhere}{consistent}"
        )
        yield finding("J001", message)
    inputs = without(directions.inputs_refuted, pattern.indices[reported])
    if inputs.size and not disagrees.any():
        message = (
            f"along a random cotangent the analytic derivative by {counted(inputs.size, 'input')}, first by "
            f"{input_name(names, int(inputs[0]))}, is off although every entry that was compared "
            f"agrees: {elsewhere}{consistent}"
        )
        places = listed(inputs, pattern.operand_shape)
        yield finding("J001", message, places)


def of_joint_kinks(joint: JointKink | None, pattern: Pattern, names: Names) -> Iterator[Finding]:
    """J001 for an output on a kink in several inputs whose claim is outside its slopes along a direction."""
    if joint is None:
        return
    inputs = [input_name(names, int(column)) for column in joint.inputs[:_NAMED]]
    more = f" and {joint.inputs.size - _NAMED} more" if joint.inputs.size > _NAMED else ""
    slopes = f"slope {joint.left:.6g} to the left and {joint.right:.6g} to the right"
    if joint.left == joint.right:
        slopes = f"slope {joint.left:.6g}"
    message = (
        f"{counted(joint.number, 'output')} on a kink of several inputs, worst {output_name(names, joint.output)}: "
        f"along {', '.join(inputs)}{more} together it has {slopes}; analytic {joint.claimed:.6g}: entries that are "
        "each possible, but not together"
    )
    yield finding("J001", message, listed(joint.inputs, pattern.operand_shape))


def of_stray(stray: Stray | None, pattern: Pattern, names: Names) -> Iterator[Finding]:
    """J004 for an analytic entry that is not finite outside the pattern."""
    if stray is None:
        return
    entries = f"{counted(stray.number, 'entry', 'entries')} not finite outside the pattern"
    if stray.input is None:
        assert stray.output is not None
        output = output_name(names, stray.output)
        yield finding("J004", f"{entries}: the analytic derivative of {output} is {stray.value} along a random tangent")
    elif stray.output is None:
        by = input_name(names, stray.input)
        message = f"{entries}: the analytic derivative by {by} is {stray.value} along a random cotangent"
        yield finding("J004", message, (index_of(stray.input, pattern.operand_shape),))
    else:
        output, by = output_name(names, stray.output), input_name(names, stray.input)
        entry = entry_name(names, stray.output, stray.input)
        message = f"{entries}: the analytic {entry} is {stray.value}, and {output} does not read {by}"
        yield finding("J004", message, (index_of(stray.input, pattern.operand_shape),))


def because(outside: Jacobian | None, names: Names, cause: str) -> str:
    """End the message about entries that disagree: with those `outside`, where f has none, and the cause, if any."""
    besides = ""
    if outside is not None:
        besides = f"; {outside.data.size} more where the true entry is 0, {worst_outside(outside, names)}"
    return f"{besides}{cause and '; consistent with '}{cause}"


def of_spurious(spurious: Jacobian, names: Names, cause: str) -> Finding:
    """J001 for analytic entries where f has none; `cause` explains them, if anything does."""
    pattern = spurious.pattern
    entries = f"{counted(pattern.stored, 'entry', 'entries')}, {worst_outside(spurious, names)}"
    message = f"the derivative has entries where the function has none: {entries}"
    places = listed(np.unique(pattern.indices), pattern.operand_shape)
    return finding("J001", message + because(None, names, cause), places)


def of_hidden(hidden: Jacobian, y0: Array, names: Names) -> Finding:
    """J006 for claims of outputs of which nothing moves a bit, and that would not either; y0 is f(x), flat."""
    row, column = int(hidden.pattern.rows[0]), int(hidden.indices[0])
    still = f"nothing moves {output_name(names, row)} = {y0[row]:.8g}"
    claim = f"{entry_name(names, row, column)} = {hidden.data[0]:.8g}"
    number = counted(hidden.data.size, "entry", "entries")
    return finding("J006", f"{number} inconclusive: {still}, where {claim} would not show in its last bit")


def budgets(ended: Collection[Spent | None], calls: int, memory: int) -> str:
    """Name the budgets that ended the work early, with their size and the option that raises them."""
    causes: dict[Spent | None, str] = {
        "evaluations": f"the budget of {calls} calls (--max-evaluations)",
        "memory": f"the budget of {format_size(memory)} (--memory)",
        None: "a pattern that changed from point to point",
    }
    return " and ".join(cause for spent, cause in causes.items() if spent in ended)


def of_branches(bends: Sequence[float], domain: Domain, x: Array, names: Names) -> Iterator[Finding]:
    """J013 where no entry of the operand lies below, between or above the points where f is declared to bend."""
    least, greatest = domain
    ends = [least, *(bend for bend in bends if least < bend < greatest), greatest]
    if len(ends) == 2 or not np.isfinite(x).any():
        return
    missed = [
        f"above {low:g}" if high == greatest else f"below {high:g}" if low == least else f"between {low:g} and {high:g}"
        for low, high in pairwise(ends)
        if not np.any((low < x) & (x < high))
    ]
    if missed:
        sides = f"{', '.join(missed[:-1])} or {missed[-1]}" if len(missed) > 1 else missed[0]
        message = (
            f"no entry of {names.x} is {sides}, where f has another branch: the derivative there was not looked at"
        )
        yield finding("J013", message)


def of_coverage(
    detection: Detection, coverage: float, jacobian: JacobianReport, budget: str, left_out: int
) -> Iterator[Finding]:
    """J007 where a budget ended detection or comparison early, and which; directions have `left_out` some outputs."""
    held = "all were held against random directions"
    held += f", but for those of {counted(left_out, 'output')}" if left_out else ""
    if not detection.proved:
        entries = sum(group.entries for group in detection.unresolved)
        known = ""
        if jacobian.blocks is not None:
            of = "" if jacobian.blocks.shape is None else f" of {format_shape(jacobian.blocks.shape)}"
            known = f"; proved: {jacobian.blocks.count} diagonal blocks{of}"
        message = (
            f"{budget} ended detection early: which of {entries} entries are zero is not proved{known}; "
            f"{coverage:.3g} of them were compared, {held}"
        )
        yield finding("J007", message)
    elif coverage < 1:
        message = (
            f"{budget} allows values for {coverage:.3g} of the entries; the pattern is proved, the sampled entries "
            f"were compared, and {held}"
        )
        yield finding("J007", message)


def of_rules(rules: Sequence[RuleReport]) -> Iterator[Finding]:
    """J015 for each rule that differs from the others, or fails for some tangent; a note for one that refuses views."""
    for rule in rules:
        if rule.verdict is not None and rule.message:
            yield finding("J015", rule.message, rule.at, None if rule.verdict == "fail" else "note")


def hadamard_invalid(
    product: HadamardComparison | None, pattern: Pattern, names: Names, refuted: bool = False
) -> Finding:
    """J009: how far A' ⊙ dX is from the differential, or why there is no such product.

    A' is that of a claim, which may be `refuted`.
    """
    shapes = [
        format_shape(shape) if shape else "a single number" for shape in (pattern.output_shape, pattern.operand_shape)
    ]
    if pattern.sources is None:
        message = f"A' ⊙ dX does not exist: A is {shapes[0]} and X is {shapes[1]}"
    elif product is None or product.max_difference is None:
        message = "f is not element-wise, so no A' ⊙ dX is its differential"
    else:
        nearest = "diag J" if shapes[0] == shapes[1] else "J where broadcasting puts X"
        off = f"it is off by up to {product.max_difference:.3g}" if product.max_difference else "it agrees here alone"
        given = "the claimed A'" if refuted else f"vec(A') = {nearest}, the nearest"
        message = f"f is not element-wise, so no A' ⊙ dX is its differential: with {given}, {off}"
    return finding("J009", names.own(message))
