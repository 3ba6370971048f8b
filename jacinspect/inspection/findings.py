"""What is worth saying about a result, in words: numbers in, Findings out. Next: report."""

from collections.abc import Callable, Collection, Iterator, Sequence
from math import prod

import numpy as np

from jacinspect.inspection.codes import Finding, Severity, finding
from jacinspect.inspection.sections import JacobianReport
from jacinspect.jacobian.agreement import Comparison, Status
from jacinspect.jacobian.blackbox import Array
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.detection import Detection
from jacinspect.jacobian.differences import Kind, is_single
from jacinspect.jacobian.directions import Directions
from jacinspect.jacobian.hadamard import Product
from jacinspect.jacobian.numeric import Numeric
from jacinspect.jacobian.structure import Arrangement
from jacinspect.jacobian.tracing import Spent
from jacinspect.wording import format_shape, format_size

__all__ = [
    "budgets",
    "crashed",
    "hadamard_invalid",
    "mutates_input",
    "not_deterministic",
    "of_coverage",
    "of_directions",
    "of_entries",
    "of_expectations",
    "timed_out",
]

_LISTED = 16  # places that a finding lists; its message has their number


def not_deterministic() -> Finding:
    """J005: nothing more can be said of a function that is not one."""
    message = "the same input gave two different outputs; fix its random state (a seed, evaluation mode) to inspect it"
    return finding("J005", message)


def timed_out(seconds: float) -> Finding:
    """J010: the inspection did not end in time."""
    message = f"the inspection took longer than {seconds:g} s (--timeout) and was ended"
    return finding("J010", message)


def crashed(how: str) -> Finding:
    """J011: the function raised, or ended the process that it ran in."""
    return finding("J011", how)


def mutates_input() -> Finding:
    """J008: what f leaves behind in its argument would be taken for its doing elsewhere."""
    message = "the function changed the array it was given; let it work on a copy"
    return finding("J008", message)


def of_entries(
    comparison: Comparison, analytic: Jacobian | None, numeric: Numeric, x: Array, y0: Array, cause: str = ""
) -> Iterator[Finding]:
    """J001, J003, J004 and J006: what became of the entries compared; `cause` is what explains J001, if any."""
    words = _Words(numeric.jacobian.pattern, analytic, numeric, x, y0, cause)
    status = comparison.status
    on_kink = np.zeros(status.size, bool)
    on_kink[list(numeric.kinks)] = True
    refused = status == Status.DISAGREES
    yield from words.finding("J001", refused & ~on_kink, words.disagreement, comparison.ratio)
    wrong = refused & on_kink
    wrong[wrong] = words.outside(comparison, np.flatnonzero(wrong))
    yield from words.finding("J001", wrong, words.kink)
    yield from words.finding("J003", on_kink & refused & ~wrong, words.kink, severity="error")
    yield from words.finding("J003", on_kink & ~refused, words.kink)
    yield from words.finding("J004", status == Status.NONFINITE, words.nonfinite)
    yield from words.finding("J004", status == Status.OVERFLOWS, words.overflow, severity="note")
    yield from words.finding("J004", status == Status.EXCUSED, words.excused, severity="note")
    yield from words.finding("J006", status == Status.INCONCLUSIVE, words.inconclusive)
    yield from words.finding("J006", status == Status.OUT_OF_REACH, words.out_of_reach)
    filled = np.diff(numeric.jacobian.indptr) > 0
    constant = np.flatnonzero(~np.isfinite(y0) & ~filled)
    if constant.size and np.isfinite(x).all():
        output = _at("A", int(constant[0]), numeric.jacobian.pattern.output_shape)
        yield finding("J004", f"{output} is {y0[constant[0]]} whatever the operand is")


def of_directions(
    directions: Directions,
    comparison: Comparison,
    numeric: Numeric,
    unresolved: Array,
    cause: str = "",
    complete: bool = True,
) -> Iterator[Finding]:
    """J012 for patterns refuted twice, J001 for a rule with entries that no output was found to read.

    Of a Jacobian that is not `complete` only some entries were compared, and any other may be wrong as well.
    """
    pattern = numeric.jacobian.pattern
    elsewhere = "the derivative has entries where the function has none"
    if not complete:
        elsewhere = (
            "it is wrong in others, which the budget left out (J007), or has entries where the function has none"
        )
    disagrees = comparison.status == Status.DISAGREES
    consistent = f"; consistent with {cause}" if cause and not disagrees.any() else ""  # said of those entries if any
    if unresolved.size:
        message = (
            f"random directions refuted the inputs found for {_number(unresolved.size, 'output')}, and again after a "
            f"second search, first of {_at('A', int(unresolved[0]), pattern.output_shape)}"
        )
        yield finding("J012", message, _places(unresolved, pattern.output_shape))
    accused = np.zeros(pattern.shape[0], bool)
    told = disagrees | (comparison.status == Status.NONFINITE) | (comparison.status == Status.OVERFLOWS)
    accused[pattern.rows[told]] = True
    accused[unresolved] = True
    rows = directions.analytic_refuted[~accused[directions.analytic_refuted]]
    if rows.size:
        message = (
            f"along a random direction the analytic derivative of {_number(rows.size, 'output')}, first of "
            f"{_at('A', int(rows[0]), pattern.output_shape)}, is off although every entry "
            f"{'that the output was found to read' if complete else 'of it that was compared'} agrees: "
            f"{elsewhere}{consistent}"
        )
        yield finding("J001", message)
    inputs = np.setdiff1d(directions.inputs_refuted, pattern.indices[told])
    if inputs.size and not disagrees.any():
        message = (
            f"along a random cotangent the analytic derivative by {_number(inputs.size, 'input')}, first by "
            f"{_at('X', int(inputs[0]), pattern.operand_shape)}, is off although every entry that was compared "
            f"agrees: {elsewhere}{consistent}"
        )
        places = _places(inputs, pattern.operand_shape)
        yield finding("J001", message, places)


def of_expectations(expected: Sequence[str], jacobian: JacobianReport, numeric: Numeric) -> Iterator[Finding]:
    """J002 for every --expect that does not hold, with a witness."""
    for name in expected:
        arrangement = jacobian.arrangement
        if arrangement is None:
            if name == "block-diagonal" and jacobian.structure == name:
                continue
            message = f"expected {name}, which could not be established within the budget (J007)"
            yield finding("J002", message)
        elif name == "symmetric" and jacobian.is_square and jacobian.is_symmetric is None:
            message = "expected symmetric, which could not be established from a sample of the values (J007)"
            yield finding("J002", message)
        elif not _holds(name, jacobian, arrangement):
            yield _unexpected(name, jacobian, arrangement, numeric)


def budgets(ended: Collection[Spent | None], calls: int, memory: int) -> str:
    """Name what ended the work early, of so many calls and bytes, and the option that allows more of it."""
    causes: dict[Spent | None, str] = {
        "evaluations": f"the budget of {calls} calls (--max-evaluations)",
        "memory": f"the budget of {format_size(memory)} (--memory)",
        None: "a pattern that changed from point to point",
    }
    return " and ".join(cause for spent, cause in causes.items() if spent in ended)


def of_coverage(detection: Detection, coverage: float, jacobian: JacobianReport, budget: str) -> Iterator[Finding]:
    """J007 where a budget ended detection or comparison early, and which."""
    if not detection.proved:
        entries = sum(group.entries for group in detection.unresolved)
        known = ""
        if jacobian.blocks is not None:
            shape = jacobian.blocks.shape
            known = f"; proved: {jacobian.blocks.count} diagonal blocks" + (
                f" of {shape[0]}×{shape[1]}" if shape else ""
            )
        message = (
            f"{budget} ended detection early: which of {entries} entries are zero is not proved{known}; "
            f"{coverage:.3g} of them were compared, all were held against random directions"
        )
        yield finding("J007", message)
    elif coverage < 1:
        message = (
            f"{budget} allows values for {coverage:.3g} of the entries; the pattern is proved, the sampled entries "
            "were compared, and all were held against random directions"
        )
        yield finding("J007", message)


def hadamard_invalid(product: Product | None, pattern: Pattern) -> Finding:
    """J009: how far A' ⊙ dX is from the differential, or why there is no such product."""
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
        message = f"f is not element-wise, so no A' ⊙ dX is its differential: with A' = {nearest}, the nearest, {off}"
    return finding("J009", message)


class _Words:
    """Words for entries, by their place among the stored ones."""

    def __init__(
        self, pattern: Pattern, analytic: Jacobian | None, numeric: Numeric, x: Array, y0: Array, cause: str
    ) -> None:
        self.cause = cause
        self.pattern, self.analytic, self.numeric, self.x, self.y0 = pattern, analytic, numeric, x.ravel(), y0

    def finding(
        self,
        code: str,
        where: Array,
        word: object,
        rank: Callable[[Array], Array] | None = None,
        severity: Severity | None = None,
    ) -> Iterator[Finding]:
        entries = np.flatnonzero(where)
        if not entries.size:
            return
        worst = entries[0] if rank is None else entries[np.argmax(np.nan_to_num(rank(entries), nan=np.inf))]
        assert callable(word)
        message = word(int(worst), _number(entries.size, "entry", "entries"))
        places = _places(np.unique(self.pattern.indices[entries]), self.pattern.operand_shape)
        yield finding(code, message, places, severity)

    def outside(self, comparison: Comparison, entries: Array) -> Array:
        """Where the claim lies outside the one-sided slopes, and not merely on a kink."""
        return comparison.difference(entries) > self.numeric.bar[entries]

    def disagreement(self, entry: int, number: str) -> str:
        claimed, value = self._claimed(entry), float(self.numeric.jacobian.data[entry])
        ratio = f", ratio {claimed / value:.10g}" if value and claimed else ""
        values = f"analytic {claimed:.8g}, numeric {self._value(entry)}{ratio}"
        verb = "disagrees" if number.startswith("1 ") else "disagree"
        return f"{number} {verb}, worst {self._entry(entry)}: {values}{self.cause and '; consistent with '}{self.cause}"

    def kink(self, entry: int, number: str) -> str:
        left, right = self.numeric.kinks[entry]
        slopes = f"{self._entry(entry)} has slope {left:.6g} to the left and {right:.6g} to the right"
        claim = "" if self.analytic is None else f"; analytic {self._claimed(entry):.6g}"
        if entry in self.numeric.jumps:
            return f"{number} on a kink: at {self._operand(entry)}, {self._output(entry)} jumps{claim}"
        return f"{number} on a kink: at {self._operand(entry)}, {slopes}{claim}"

    def _output(self, entry: int) -> str:
        return _at("A", int(self.pattern.rows[entry]), self.pattern.output_shape)

    def nonfinite(self, entry: int, number: str) -> str:
        row = int(self.pattern.rows[entry])
        if not np.isfinite(self.y0[row]):
            what = f"{_at('A', row, self.pattern.output_shape)} is {self.y0[row]}"
        elif self.analytic is not None and not np.isfinite(self._claimed(entry)):
            what = f"the analytic {self._entry(entry)} is {self._claimed(entry)}"
        else:
            what = f"no difference for {self._entry(entry)} is finite"
        return f"{number} not finite: {what} at the finite {self._operand(entry)}"

    def overflow(self, entry: int, number: str) -> str:
        value, slope = self.y0[self.pattern.rows[entry]], self._claimed(entry)
        limits = f"{value}" if value == slope else f"{value} and {slope}"
        return f"{number} not compared: value and derivative overflow to {limits} at {self._operand(entry)}"

    def excused(self, entry: int, number: str) -> str:
        start, stop = self.pattern.indptr[self.pattern.rows[entry] : self.pattern.rows[entry] + 2]
        read = self.pattern.indices[start:stop]
        cause = int(read[~np.isfinite(self.x[read])][0])
        return f"{number} not compared: {_at('X', cause, self.pattern.operand_shape)} is {self.x[cause]}"

    def inconclusive(self, entry: int, number: str) -> str:
        if self.numeric.kind[entry] != Kind.UNRESOLVED and np.isfinite(self.numeric.bar[entry]):
            claim = "" if self.analytic is None else f" the analytic {self._claimed(entry):.8g}"
            return f"{number} inconclusive: {self._entry(entry)} is {self._value(entry)}, too wide to judge{claim} by"
        return f"{number} inconclusive: no step size gives a difference for {self._entry(entry)} that can be trusted"

    def out_of_reach(self, entry: int, number: str) -> str:
        claim = "" if self.analytic is None else f"{self._claimed(entry):.8g}"
        x = abs(float(self.x[self.pattern.indices[entry]]))
        if claim and x < 2.0**19:
            still = f"f stands still around {self._operand(entry)}"
            return (
                f"{number} inconclusive: {still}, where {self._entry(entry)} = {claim} would not show in its last bit"
            )
        apart = float(np.spacing(np.float32(x) if is_single(self.numeric.epsilon) else x))
        values = f"{self._entry(entry)} is {self._value(entry)}" + (claim and f", the analytic one is {claim}")
        return f"{number} inconclusive: at {self._operand(entry)} the next number is {apart:.2g} away; {values}"

    def _claimed(self, entry: int) -> float:
        return float("nan") if self.analytic is None else float(self.analytic.data[entry])

    def _value(self, entry: int) -> str:
        return f"{self.numeric.jacobian.data[entry]:.8g} ± {self.numeric.bar[entry]:.1g}"

    def _operand(self, entry: int) -> str:
        column = int(self.pattern.indices[entry])
        return f"{_at('X', column, self.pattern.operand_shape)} = {self.x[column]:.6g}"

    def _entry(self, entry: int) -> str:
        output = _at("A", int(self.pattern.rows[entry]), self.pattern.output_shape)
        return f"∂{output}/∂{_at('X', int(self.pattern.indices[entry]), self.pattern.operand_shape)}"


def _holds(name: str, jacobian: JacobianReport, arrangement: Arrangement) -> bool:
    pattern = arrangement.pattern
    return {
        "diagonal": lambda: arrangement.is_diagonal,
        "block-diagonal": lambda: arrangement.is_diagonal or arrangement.blocks is not None,
        "permutation": lambda: arrangement.is_permutation,
        "broadcast": lambda: arrangement.is_broadcast,
        "lower-triangular": lambda: arrangement.is_lower_triangular,
        "upper-triangular": lambda: arrangement.is_upper_triangular,
        "symmetric": lambda: bool(jacobian.is_symmetric),
        "dense": lambda: pattern.stored == prod(pattern.shape),
    }[name]()


def _unexpected(name: str, jacobian: JacobianReport, arrangement: Arrangement, numeric: Numeric) -> Finding:
    found = jacobian.structure if jacobian.structure != name else "entries that are not there"
    message = f"expected {name}, found {found}"
    needs_square = name in ("diagonal", "permutation", "lower-triangular", "upper-triangular", "symmetric")
    if needs_square and not jacobian.is_square:
        message += f": the matrix is {format_shape(jacobian.shape)}, not square"
        return finding("J002", message)
    pattern = arrangement.pattern
    if name == "dense":
        output, column = _unread(pattern)
        value = "0"
    else:
        entry = _witness(name, arrangement, numeric)
        if entry is None:
            return finding("J002", message)
        output, column = int(pattern.rows[entry]), int(pattern.indices[entry])
        value = f"{numeric.jacobian.data[entry]:.6g}" if numeric.jacobian.pattern.stored == pattern.stored else "not 0"
        if name == "symmetric":
            mirror = int(arrangement.mirrors[entry])
            value += ", its mirror " + (
                "is not read" if mirror < 0 else f"{numeric.jacobian.data[mirror]:.6g} ± {numeric.bar[mirror]:.1g}"
            )
    place = _at("X", column, pattern.operand_shape)
    message += f": ∂{_at('A', output, pattern.output_shape)}/∂{place} = {value}"
    return finding("J002", message, _places(np.array([column]), pattern.operand_shape))


def _witness(name: str, arrangement: Arrangement, numeric: Numeric) -> int | None:
    """Return a stored entry that speaks against the property: of those that do, the one with the largest value."""
    rows, columns = arrangement.rows.astype(np.int64), arrangement.columns.astype(np.int64)
    against = {
        "diagonal": rows != columns,
        "lower-triangular": columns > rows,
        "upper-triangular": columns < rows,
        "block-diagonal": np.abs(rows - columns) == np.abs(rows - columns).max(initial=0),
    }.get(name)
    if name == "symmetric":
        against = arrangement.asymmetric(numeric.jacobian.data, numeric.bar)
    elif against is None:  # permutation, broadcast: a row, or else a column, with company
        against = np.bincount(rows, minlength=1)[rows] > 1
        if name == "permutation" and not against.any():
            against = np.bincount(columns, minlength=1)[columns] > 1
    entries = np.flatnonzero(against)
    if not entries.size:
        return None
    values = numeric.jacobian.data
    if values.size != rows.size:
        return int(entries[0])
    size = np.nan_to_num(np.abs(values[entries]))
    return int(
        entries[np.argmax(size >= size.max() * (1 - 1e-9))]
    )  # the first of those that rounding alone tells apart


def _unread(pattern: Pattern) -> tuple[int, int]:
    """Return an output and an input that it does not read."""
    short = int(np.argmin(np.diff(pattern.indptr)))
    read = pattern.indices[pattern.indptr[short] : pattern.indptr[short + 1]]
    return short, int(np.setdiff1d(np.arange(pattern.shape[1]), read)[0])


def _at(name: str, flat: int, shape: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, np.unravel_index(flat, shape)))}]" if shape else name


def _places(flat: Array, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(i) for i in np.unravel_index(int(k), shape)) for k in flat[:_LISTED])


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
