"""Do the analytic and the numeric Jacobian agree, entry by entry? Next: directions."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np

from jacinspect.jacobian.blackbox import Array, blocks
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.differences import LAST, ROUNDING, WIDE, Kind, is_single, precision
from jacinspect.jacobian.ladder import NEAREST
from jacinspect.jacobian.numeric import Numeric

__all__ = ["Comparison", "Status", "Summary", "Tolerance", "compare", "suspicious"]

_APART = 2.0**-8  # from each other: doubles are so from x = 2⁴⁴ on,
_APART_SINGLE = 2.0**-4  # and what computes in single precision, where fewer numbers have to do, from 2¹⁹


class Status(IntEnum):
    """What became of an entry."""

    AGREES = 0
    KINK = 1
    DISAGREES = 2
    INCONCLUSIVE = 3
    NONFINITE = 4
    OVERFLOWS = 5  # value and analytic derivative overflow, as where |f| grows with x or away from x = 0
    EXCUSED = 6  # an operand that the output reads is not finite
    OUT_OF_REACH = 7  # no number near x could show it


@dataclass(frozen=True)
class Tolerance:
    """A user's own tolerance |analytic − numeric| ≤ atol + rtol·|numeric|, in place of the error bars."""

    rtol: float = 0.0
    atol: float = 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """For each stored entry its status; and of some at a time the difference and what it was allowed to be."""

    status: Array
    claimed: Array
    numeric: Numeric
    tolerance: Tolerance | None = None

    def difference(self, entries: Array | slice) -> Array:
        """Return how far claims are off: on a kink, from what lies between its two slopes."""
        claimed = self.claimed[entries]
        with np.errstate(all="ignore"):
            difference = np.asarray(np.abs(claimed - self.numeric.jacobian.data[entries]))
        kinks, low, high = self._kinks
        if kinks.size:
            numbers = np.arange(*entries.indices(self.status.size)) if isinstance(entries, slice) else entries
            places = np.minimum(np.searchsorted(kinks, numbers), kinks.size - 1)
            on = kinks[places] == numbers
            low, high = low[places[on]], high[places[on]]
            difference[on] = np.maximum(np.maximum(low - claimed[on], claimed[on] - high), 0)
        return difference

    @cached_property
    def _kinks(self) -> tuple[Array, Array, Array]:
        """The entries on a kink, ascending, and the smaller and the larger slope of each."""
        kinks = np.array(sorted(self.numeric.kinks), np.int64)
        slopes = np.array([self.numeric.kinks[entry] for entry in kinks.tolist()]).reshape(-1, 2)
        return kinks, slopes.min(axis=1, initial=np.inf), slopes.max(axis=1, initial=-np.inf)

    def leave_open(self, outputs: Array) -> None:
        """Call no entry of some outputs wrong: f is not the sum of what it does by each input there."""
        of_these = np.isin(self.numeric.jacobian.pattern.rows, outputs)
        self.status[of_these & (self.status == Status.DISAGREES)] = Status.INCONCLUSIVE

    def allowed(self, entries: Array | slice) -> Array:
        """Return what the difference may be: the error bar and the claim's own rounding, or the user's tolerance."""
        if self.tolerance is not None:
            return self.tolerance.atol + self.tolerance.rtol * np.abs(self.numeric.jacobian.data[entries])
        return np.asarray(self.numeric.bar[entries] + ROUNDING * np.abs(self.claimed[entries]))

    def ratio(self, entries: Array | slice) -> Array:
        """Return how much of its allowance each entry takes: above 1 it disagrees."""
        difference = self.difference(entries)
        with np.errstate(all="ignore"):
            return np.where(difference == 0, 0.0, difference / self.allowed(entries))

    def summary(self, compared: Array, number: int) -> "Summary":
        """Sum up the entries where `compared` is true, and find the worst of them."""
        largest, worst = np.full((0, 3), 0.0), np.zeros((2, 0))
        for block in blocks(compared.size):
            entries = block.start + np.flatnonzero(compared[block])
            if entries.size:
                difference, bar, ratio = self.difference(entries), self.numeric.bar[entries], self.ratio(entries)
                known = np.where(np.isnan([difference, bar, ratio]), 0, [difference, bar, ratio])
                largest = np.vstack([largest, known.max(axis=1)]).max(axis=0, keepdims=True)
                worst = np.hstack([worst, np.stack([np.where(np.isnan(ratio), np.inf, ratio), entries])])
                if worst.shape[1] > number:
                    least = np.partition(worst[0], -number)[-number]
                    worst = worst[:, worst[0] >= least]  # the first of equal ones are the worst, as stable as can be
                worst = worst[:, np.argsort(-worst[0], kind="stable")[:number]]
        found = tuple(map(int, worst[1]))
        if not largest.size:
            return Summary(None, None, None, found)
        return Summary(float(largest[0, 0]), float(largest[0, 1]), float(largest[0, 2]), found)


@dataclass(frozen=True)
class Summary:
    """The largest difference, error bar and ratio, None of no entries; and the entries of the largest ratios."""

    difference: float | None
    bar: float | None
    ratio: float | None
    worst: tuple[int, ...]


def suspicious(analytic: Jacobian, numeric: Numeric) -> Array:
    """Return where the two differ at first sight, so that differences can look again before anyone is accused."""
    suspects = np.zeros(numeric.bar.size, bool)
    for block in blocks(suspects.size):
        claimed = analytic.data[block]
        with np.errstate(all="ignore"):
            difference = np.abs(claimed - numeric.jacobian.data[block])
            suspects[block] = ~(difference <= numeric.bar[block] + ROUNDING * np.abs(claimed))
    return suspects


def compare(
    analytic: Jacobian | None, numeric: Numeric, x: Array, y0: Array, tolerance: Tolerance | None, strict_kinks: bool
) -> Comparison:
    """Judge every stored entry; without an analytic Jacobian, only whether the numeric one can be trusted.

    At a kink any analytic value between the one-sided slopes agrees (a subgradient), unless `strict_kinks`.
    """
    pattern = numeric.jacobian.pattern
    claimed = numeric.jacobian.data if analytic is None else analytic.data
    comparison = Comparison(np.zeros(pattern.stored, np.int8), claimed, numeric, tolerance)
    for block in blocks(pattern.stored):
        comparison.status[block] = _statuses(comparison, block)
    for entry, slopes in numeric.kinks.items():
        slack = numeric.bar[entry] + ROUNDING * abs(claimed[entry])
        between = min(slopes) - slack <= claimed[entry] <= max(slopes) + slack
        accepted = (between or analytic is None) and not strict_kinks
        comparison.status[entry] = Status.KINK if accepted else Status.DISAGREES
        tiny = 0 < abs(x.flat[pattern.indices[entry]]) < NEAREST
        if not between and (tiny or abs(claimed[entry]) >= numeric.jumps.get(entry, np.inf)):
            comparison.status[entry] = Status.INCONCLUSIVE  # if that is right, f bends within the shortest step
    for block in blocks(pattern.stored):
        _leave_out_of_reach(comparison, block, x, y0, analytic is not None)
        _note_infinities(comparison, block, x, y0, analytic is not None)
    if not np.isfinite(x).all():
        fine = np.isfinite(x).ravel()[pattern.indices]
        excused = np.zeros(pattern.shape[0], bool)
        excused[pattern.rows[~fine]] = True
        status = comparison.status
        status[(excused[pattern.rows] & (status != Status.AGREES)) | ~fine] = Status.EXCUSED
    return comparison


def _statuses(comparison: Comparison, block: slice) -> Array:
    """Judge a block of the entries by their bars alone."""
    numeric, claimed = comparison.numeric, comparison.claimed[block]
    with np.errstate(all="ignore"):
        allowed = comparison.allowed(block)
        difference = np.abs(claimed - numeric.jacobian.data[block])
        large = np.maximum(np.maximum(np.abs(claimed), np.abs(numeric.jacobian.data[block])), numeric.size[block])
        narrow = np.maximum(WIDE * large, precision(numeric.epsilon).tiny) if comparison.tolerance is None else allowed
        status = np.where(numeric.bar[block] > narrow, Status.INCONCLUSIVE, Status.AGREES)
        status[difference > allowed] = Status.DISAGREES
    status[numeric.kind[block] == Kind.UNRESOLVED] = Status.INCONCLUSIVE
    return status


def _leave_out_of_reach(comparison: Comparison, block: slice, x: Array, y0: Array, checked: bool) -> None:
    """Call nothing wrong, in a block of the entries, that no number near x could show.

    That is so where numbers are too far apart to follow f from one to the next; and, where f stands still, of a slope
    too small to move the last bit of 1, or within |x| that of f. Nor is a slope other than 0 vouched for by itself
    where doubles are far apart: x + sin(x)² is x there.
    """
    numeric, status = comparison.numeric, comparison.status[block]
    still = (numeric.jacobian.data[block] == 0) & (numeric.kind[block] == Kind.SMOOTH)
    size = np.abs(x.reshape(-1)[numeric.jacobian.indices[block]])
    if checked and comparison.tolerance is None:
        apart = size * numeric.epsilon >= (_APART_SINGLE if is_single(numeric.epsilon) else _APART)
        claimed, value = np.abs(comparison.claimed[block]), np.abs(y0[numeric.jacobian.pattern.rows[block]])
        with np.errstate(all="ignore"):
            faint = still & ((claimed <= 4 * LAST) | ((claimed * size <= LAST * value) & (size > 0)))
        status[(status == Status.DISAGREES) & (apart | faint)] = Status.OUT_OF_REACH
    elif not checked:
        status[(size * LAST >= _APART) & ~still] = Status.OUT_OF_REACH


def _note_infinities(comparison: Comparison, block: slice, x: Array, y0: Array, checked: bool) -> None:
    """Mark, in a block of the entries, where value or derivative are not finite, and where both overflow alike."""
    pattern, claimed, status = comparison.numeric.jacobian.pattern, comparison.claimed[block], comparison.status[block]
    limit = y0[pattern.rows[block]]
    status[~np.isfinite(limit) | (comparison.numeric.kind[block] == Kind.NONFINITE)] = Status.NONFINITE
    if checked:
        status[~np.isfinite(claimed)] = Status.NONFINITE
        outward = np.where(x.reshape(-1)[pattern.indices[block]] < 0, -limit, limit)  # as of cosh on both sides
        status[np.isinf(limit) & ((claimed == limit) | (claimed == outward))] = Status.OVERFLOWS
