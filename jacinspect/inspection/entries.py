"""Findings about the entries that were compared: what became of them, with the worst of each kind. Next: report."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jacinspect.inspection.codes import Finding, Severity, finding
from jacinspect.inspection.naming import Names, entry_name, input_name, listed, output_name
from jacinspect.jacobian.agreement.comparison import UNDERFLOW, Comparison, Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.values.differences import WIDE
from jacinspect.jacobian.values.ladder import NEAREST
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import Kind, is_single, step_scale
from jacinspect.wording import counted, rounded_up, told_apart

__all__ = ["of_entries"]

_NEARLY = 2.0**-6  # of a slope: a solver's result is not off by more, or is of no use
_NOISIEST = 0.05  # of f, that is worth naming: differences show nothing beyond
_BAR_OF_NOISE = 7.5  # times f's noise is less than what differences over a unit of x allow for: of a linear f, 7.6
_LEAST_SHARE = 0.5  # of the noise that made the bar over many steps: solvers' right claims pass with it, 3 % wrong fail
_FAR = 2.0**19  # |x| from which single-precision numbers are too far apart to follow f, see agreement/conditions.py


def of_entries(
    comparison: Comparison,
    analytic: Jacobian | None,
    numeric: Numeric,
    x: Array,
    y0: Array,
    names: Names,
    because: str = "",
) -> Iterator[Finding]:
    """J001, J003, J004, J006, J014: findings about the compared entries; `because` ends J001's message."""
    rough = bool(numeric.stairs.entries.size) or is_single(numeric.epsilon)
    if comparison.status.any() or rough:  # else every entry agrees, and none is on a kink or known to few digits
        yield from _of_compared(comparison, _Messages(names, analytic, numeric, x, y0, because))
    filled = numeric.jacobian.pattern.lengths > 0
    constant = np.flatnonzero(~np.isfinite(y0) & ~filled)
    if constant.size and np.isfinite(x).all():
        output = output_name(names, int(constant[0]))
        yield finding("J004", f"{output} is {y0[constant[0]]} whatever the operand is")


def _of_compared(comparison: Comparison, messages: "_Messages") -> Iterator[Finding]:
    status, numeric = comparison.status, comparison.numeric
    on_kink = np.zeros(status.size, bool)
    on_kink[numeric.kinks.entries] = True
    refused = status == Status.DISAGREES
    smooth = np.flatnonzero(refused & ~on_kink)
    if (comparison.difference(smooth) <= _NEARLY * np.abs(numeric.jacobian.data[smooth])).all():
        messages.noise = float(messages.noise_needed(smooth).max(initial=0))
    yield from messages.finding("J001", refused & ~on_kink, messages.disagreement, comparison.ratio)
    wrong = refused & on_kink
    wrong[wrong] = messages.outside(comparison, np.flatnonzero(wrong))
    yield from messages.finding("J001", wrong, messages.kink)
    yield from messages.finding("J003", on_kink & refused & ~wrong, messages.kink, severity="error")
    jump = numeric.kind == Kind.JUMP
    yield from messages.finding("J003", on_kink & ~refused & ~jump, messages.kink)
    yield from messages.finding("J003", on_kink & ~refused & jump, messages.jump)
    yield from messages.finding("J004", status == Status.NONFINITE, messages.nonfinite)
    yield from messages.finding("J004", status == Status.OVERFLOWS, messages.overflow, severity="note")
    yield from messages.finding("J004", status == Status.EXCUSED, messages.excused, severity="note")
    left_out = (status == Status.OVERFLOWS) | (status == Status.EXCUSED)
    if messages.analytic is not None and left_out.all():
        yield from messages.finding("J006", left_out, messages.nothing)
    on_stairs = np.zeros(status.size, bool)
    on_stairs[numeric.stairs.entries] = True
    by_little = inconclusive = (status == Status.INCONCLUSIVE) & ~on_stairs
    if inconclusive.any():
        by_little = inconclusive & (comparison.unsure(slice(None)) > comparison.allowed(slice(None)))
    yield from messages.finding("J006", by_little, messages.by_little, messages.off)
    yield from messages.finding("J006", inconclusive & ~by_little, messages.inconclusive)
    two_scales = (status == Status.INCONCLUSIVE) & on_stairs
    messages.noise = float(messages.noise_needed(np.flatnonzero(two_scales)).max(initial=0))
    yield from messages.finding("J006", two_scales, messages.two_scales)
    if is_single(numeric.epsilon):
        value = np.abs(numeric.jacobian.data)
        wide = ~(numeric.bar <= WIDE * np.fmax(value, numeric.size[:]))
        few = (status == Status.AGREES) & ~on_stairs & (value > 0) & wide
        yield from messages.finding("J014", few, messages.few_digits)
    on_stairs[numeric.stairs.entries] = numeric.stairs.over_many
    yield from messages.finding("J014", (status == Status.AGREES) & on_stairs, messages.staircase)
    yield from messages.finding("J006", status == Status.OUT_OF_REACH, messages.out_of_reach)


class _Messages:
    """Messages about stored entries, each given by its index among them."""

    def __init__(
        self, names: Names, analytic: Jacobian | None, numeric: Numeric, x: Array, y0: Array, because: str
    ) -> None:
        self.names, self.pattern, self.because = names, numeric.jacobian.pattern, because
        self.analytic, self.numeric, self.x, self.y0 = analytic, numeric, x.ravel(), y0
        self.noise = 0.0

    def finding(
        self,
        code: str,
        where: Array,
        message_of: Callable[[int, str], str],
        rank: Callable[[Array], Array] | None = None,
        severity: Severity | None = None,
    ) -> Iterator[Finding]:
        entries = np.flatnonzero(where)
        if not entries.size:
            return
        worst = entries[0] if rank is None else entries[np.argmax(np.nan_to_num(rank(entries), nan=np.inf))]
        message = message_of(int(worst), counted(entries.size, "entry", "entries"))
        places = listed(np.unique(self.pattern.indices[entries]), self.pattern.operand_shape)
        yield finding(code, message, places, severity)

    def outside(self, comparison: Comparison, entries: Array) -> Array:
        """Where the claim lies outside the one-sided slopes, and not merely on a kink."""
        return np.asarray(~(comparison.difference(entries) <= self.numeric.bar[entries]))

    def disagreement(self, entry: int, number: str) -> str:
        claimed, value = self._claimed(entry), float(self.numeric.jacobian.data[entry])
        ratio = f", analytic/numeric = {claimed / value:.10g}" if value and claimed else ""
        values = self._both(entry) + (self._relative(entry) if ratio.endswith(" = 1") else ratio)
        verb = "disagrees" if number.startswith("1 ") else "disagree"
        because = self.because or self._noise("f is no more precise")
        worst = "worst" if verb == "disagrees" else "worst by its bar"  # as the table below it is sorted
        return f"{number} {verb}, {worst} {self._entry(entry)}: {values}{because}"

    def by_little(self, entry: int, number: str) -> str:
        values = f"{self._entry(entry)}: {self._both(entry)}{self._relative(entry)}"
        may_be = "as f, or the rules that its derivative is made of, may be if they approximate"
        return f"{number} inconclusive: {values}, {may_be}; give --rtol {rounded_up(float(self.off(entry)))} if they do"

    def _both(self, entry: int) -> str:
        """Say what the two values are, with as many digits as tell them apart."""
        analytic, numeric = told_apart(self._claimed(entry), float(self.numeric.jacobian.data[entry]), digits=8)
        return f"analytic {analytic}, numeric {numeric} ± {self.numeric.bar[entry]:.1g}"

    def _relative(self, entry: int) -> str:
        return f", off by a relative {self.off(entry):.1g}"

    def off(self, entries: Array | int) -> Array:
        """Return by which part of the numeric values claims are off."""
        assert self.analytic is not None
        value = self.numeric.jacobian.data[entries]
        return np.asarray(np.abs(self.analytic.data[entries] - value) / np.abs(value))

    def kink(self, entry: int, number: str) -> str:
        known = () if self.analytic is None else (self._claimed(entry),)
        left, right, *claimed = told_apart(*self.numeric.kinks.slopes(entry), *known, digits=6)
        slopes = f"{self._entry(entry)} has slope {left} to the left and {right} to the right"
        claim = "".join(f"; analytic {number}" for number in claimed)
        if self.numeric.kind[entry] == Kind.JUMP:
            slope = f", beside a slope of {right}{claim}" if float(right) else claim
            return f"{number} at a jump: at {self._operand(entry)}, {self._output(entry)} jumps{slope}"
        return f"{number} on a kink: at {self._operand(entry)}, {slopes}{claim}"

    def jump(self, entry: int, number: str) -> str:
        none = "; f has no derivative there" if self.analytic is None else ", which passes: f has no derivative there"
        return self.kink(entry, number) + none

    def _output(self, entry: int) -> str:
        return output_name(self.names, int(self.pattern.rows[entry]))

    def nonfinite(self, entry: int, number: str) -> str:
        row = int(self.pattern.rows[entry])
        if not np.isfinite(self.y0[row]):
            what = f"{output_name(self.names, row)} is {self.y0[row]}"
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
        return f"{number} not compared: {input_name(self.names, cause)} is {self.x[cause]}"

    def nothing(self, *_: Any) -> str:
        return "no entry could be compared, which is no evidence that the derivative is right"

    def inconclusive(self, entry: int, number: str) -> str:
        if self.numeric.kind[entry] != Kind.UNRESOLVED and np.isfinite(self.numeric.bar[entry]):
            claim = "" if self.analytic is None else f" the analytic {self._claimed(entry):.8g}"
            if self._not_a_sum(entry):
                what = f"{self._entry(entry)} is {self._value(entry)} by that input alone,{claim.removeprefix(' the')}"
                return f"{number} inconclusive: {what}; {self._output(entry)} is not the sum of what single inputs do"
            return f"{number} inconclusive: {self._entry(entry)} is {self._value(entry)}, too wide to judge{claim} by"
        return f"{number} inconclusive: no step size gives a difference for {self._entry(entry)} that can be trusted"

    def _not_a_sum(self, entry: int) -> bool:
        """Whether the bar is narrow: what makes the entry inconclusive is that its output is not a sum over inputs."""
        if self.analytic is None or 0 < abs(self.x[self.pattern.indices[entry]]) < NEAREST:
            return False
        claimed, value = self._claimed(entry), float(self.numeric.jacobian.data[entry])
        return bool(self.numeric.bar[entry] <= WIDE * max(abs(claimed), abs(value)))

    def few_digits(self, entry: int, number: str) -> str:
        precise = f"f is precise to a relative {self.numeric.epsilon:.1g}"
        return f"{number} judged to few digits: {precise}; {self._known(entry)}"

    def staircase(self, entry: int, number: str) -> str:
        return f"{number} judged over longer steps: {self._steps(entry)}; {self._known(entry)}"

    def _known(self, entry: int) -> str:
        """Say what an entry is, and to how many digits."""
        value, bar = abs(float(self.numeric.jacobian.data[entry])), float(self.numeric.bar[entry])
        digits = max(int(np.floor(np.log10(value / bar))), 0) if value and bar else 0
        known = f", known to {counted(digits, 'digit')}" if digits else ""
        return f"{self._entry(entry)} is {self._value(entry)}{known}"

    def two_scales(self, entry: int, number: str) -> str:
        stairs, place = self.numeric.stairs, int(np.searchsorted(self.numeric.stairs.entries, entry))
        scales = [self._value(entry), f"{stairs.other[place]:.8g} ± {stairs.bar[place]:.1g}"]
        claim = "" if self.analytic is None else f"; the analytic one is {self._claimed(entry):.8g}"
        if claim and self.numeric.stands_still:
            claim += "; consistent with a straight-through rule"
        if stairs.other[place] == self.numeric.jacobian.data[entry]:
            seen, where, cause = self._steps(entry), "over many of them", "they are noise"
            if not stairs.over_many[place] and stairs.other[place] == 0:
                where = "over fewer than two of them"
            elif not stairs.over_many[place]:
                smooth = f"{self._output(entry)} is smooth in pieces, as what a solver returns"
                seen, where, cause = f"around {self._operand(entry)}, {smooth}", "in this one", "f is no more precise"
            slopes = f"the slope {self._entry(entry)} {where} is {scales[1]}"
            return f"{number} inconclusive: {seen}; {slopes}{claim}{self._noise(cause)}"
        many, between = scales if stairs.over_many[place] else scales[::-1]
        slopes = f"the slope {self._entry(entry)} is {between} between two steps and {many} over many{claim}"
        return f"{number} inconclusive: {self._steps(entry)}; {slopes}{self._noise('they are noise')}"

    def noise_needed(self, entries: Array) -> Array:
        """Return the noise of f, relative to its size, that would explain how far entries are off; 0 where f is 0.

        That is what differences over a unit of x need, the longest there are: shorter ones make wider bars of it. Where
        f moves in steps, half their height is what the bar over many steps is made of.
        """
        if not entries.size:
            return np.zeros(0)
        numeric, stairs = self.numeric, self.numeric.stairs
        value, size = numeric.jacobian.data[entries], np.abs(self.y0[self.pattern.rows[entries]])
        off = np.zeros(entries.size) if self.analytic is None else np.abs(self.analytic.data[entries] - value)
        height = np.zeros(entries.size)
        on = np.flatnonzero(np.isin(entries, stairs.entries))
        places = np.searchsorted(stairs.entries, entries[on])
        on, places = (each[stairs.other[places] != value[on]] for each in (on, places))
        many = np.where(stairs.over_many[places], value[on], stairs.other[places])
        bar = np.where(stairs.over_many[places], numeric.bar[entries[on]], stairs.bar[places])
        off[on] = np.abs(off[on] if self.analytic is None else self.analytic.data[entries[on]] - many)
        with np.errstate(all="ignore"):
            height[on] = stairs.height[places] / 2 * np.clip(off[on] / bar, _LEAST_SHARE, 1)
        off[on] = 0
        off *= step_scale(self.x[self.pattern.indices[entries]]) / _BAR_OF_NOISE
        with np.errstate(all="ignore"):
            return np.where(size > 0, np.maximum(off, height) / size, 0)

    def _noise(self, where: str) -> str:
        """Name the option that accepts what was seen, rounded up to a digit."""
        if not 0 < self.noise < _NOISIEST:
            return ""
        return f"; give --noise {rounded_up(self.noise)} if {where}"

    def _steps(self, entry: int) -> str:
        stairs = self.numeric.stairs
        height = float(stairs.height[np.searchsorted(stairs.entries, entry)])
        return f"around {self._operand(entry)}, {self._output(entry)} moves in steps of {height:.1g}"

    def out_of_reach(self, entry: int, number: str) -> str:
        claim = "" if self.analytic is None else f"{self._claimed(entry):.8g}"
        x = abs(float(self.x[self.pattern.indices[entry]]))
        values = f"{self._entry(entry)} is {self._value(entry)}" + (claim and f", the analytic one is {claim}")
        if claim and abs(self._claimed(entry) - self.numeric.jacobian.data[entry]) <= UNDERFLOW:
            return f"{number} inconclusive: {values}; numbers below {UNDERFLOW:.2g} have lost digits"
        if claim == "0" and self.numeric.jacobian.data[entry]:
            return f"{number} inconclusive: {values}, as what is less than the last bit of 1 cancels to"
        if claim and x < _FAR:
            unseen = f"{self._entry(entry)} = {claim} would not show in its last bit"
            return f"{number} inconclusive: f stands still around {self._operand(entry)}, where {unseen}"
        apart = float(np.spacing(np.float32(x) if is_single(self.numeric.epsilon) else x))
        return f"{number} inconclusive: at {self._operand(entry)} the next number is {apart:.2g} away; {values}"

    def _claimed(self, entry: int) -> float:
        return float("nan") if self.analytic is None else float(self.analytic.data[entry])

    def _value(self, entry: int) -> str:
        return f"{self.numeric.jacobian.data[entry]:.8g} ± {self.numeric.bar[entry]:.1g}"

    def _operand(self, entry: int) -> str:
        column = int(self.pattern.indices[entry])
        return f"{input_name(self.names, column)} = {self.x[column]:.6g}"

    def _entry(self, entry: int) -> str:
        return entry_name(self.names, int(self.pattern.rows[entry]), int(self.pattern.indices[entry]))
