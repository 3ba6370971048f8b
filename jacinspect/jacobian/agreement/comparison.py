"""What the comparison of two Jacobians found: a status for each entry, and what sums them up. Next: agreement."""

from dataclasses import field
from functools import cached_property
from math import prod

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import LAST, finite, is_half, is_single
from jacinspect.records import dataclass

__all__ = [
    "APPROXIMATE_OF_ROW",
    "STATUSES",
    "UNDERFLOW",
    "Comparison",
    "Criteria",
    "Status",
    "Summary",
    "Tolerance",
    "in_single",
]

_CANCELLED = 2.0**-27  # of a claim, that the rounding of its terms may be: a relative 1e-8 is an error at any scale
_CANCELLED_HALF = 2.0**-3  # the same in half precision: gelu' near its minimum, in jax's bfloat16, is off by 20 %
_APPROXIMATE = 2.0**-30  # of a claim: torch's trigamma is off by a relative 4.9e-10 itself, and a slip by far more
# Of the largest of its row, that rounding in a rule may leave: (1 - cos θ)/θ² of a pose near 0, 1e-8 of what it makes.
_ROUNDED_OF_ROW = 2.0**-40
# And where only a framework's own rules are involved, in which slips are not so small, or the operand is in single
# precision, and data may be: the gradient of an entropy is a difference of two trigammas.
APPROXIMATE_OF_ROW = 2.0**-23
_CANCELLED_OF_ROW = 2.0**-16  # but no more of a claim itself: 0.01 % of it is an error, however large others are
_NOTHING = 2.0**-43  # of the largest of its row, that a rule leaves where f has no slope: of a pose near 0, 8e-14
UNDERFLOW = float(np.finfo(np.float64).tiny)  # numbers below it have lost digits, in f or in a claim


class Status:
    """The outcome of comparing an entry: integers, for numpy compares a member of an Enum far slower."""

    AGREES = 0
    KINK = 1
    DISAGREES = 2
    INCONCLUSIVE = 3
    NONFINITE = 4
    OVERFLOWS = 5  # value and analytic derivative overflow, as where |f| grows with x or away from x = 0
    EXCUSED = 6  # an operand that the output reads is not finite
    OUT_OF_REACH = 7  # no number near x could show it


STATUSES = tuple(name.lower().replace("_", "-") for name in vars(Status) if name.isupper())  # in words


@dataclass(frozen=True)
class Tolerance:
    """A user's own tolerance, atol + rtol·|numeric|, which is added to the error bars."""

    rtol: float = 0.0
    atol: float = 0.0


@dataclass(frozen=True, eq=False)
class Criteria:
    """By what entries are judged: the error bars, and a `tolerance` of the user's besides.

    With `noise`, that of f's values is known, named by the user or measured, and so are the bars that it makes: they
    are accepted however wide.

    At a kink any analytic value between the one-sided slopes agrees (a subgradient), unless `strict_kinks`. No entry of
    the outputs in `unresolved` is called wrong: f is not the sum of what it does by each input there. Nor is one whose
    claim is off by less than 2⁻³⁰ of it, for special functions are approximations, with own slopes; or by less than the
    part `approximate` of the largest of its row, and by little of itself.
    """

    tolerance: Tolerance | None = None
    strict_kinks: bool = False
    noise: bool = False
    unresolved: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    approximate: float = _ROUNDED_OF_ROW


@dataclass(frozen=True, eq=False)
class Comparison:
    """The status of each stored entry; and, of any entries asked for, the difference and what it may be."""

    status: Array
    claimed: Array
    numeric: Numeric
    tolerance: Tolerance | None = None
    approximate: float = _ROUNDED_OF_ROW

    def count(self, status: int) -> int:
        """Return how many entries have a status."""
        return int(np.count_nonzero(self.status == status))

    def difference(self, entries: Array) -> Array:
        """Return how far claims are off: on a kink, from what lies between its two slopes."""
        claimed, kinks = self.claimed[entries], self.numeric.kinks
        with np.errstate(all="ignore"):
            difference = np.asarray(np.abs(claimed - self.numeric.jacobian.data[entries]))
        first, last = (np.searchsorted(kinks.entries, entries, side) for side in ("left", "right"))
        on = last > first
        places = first[on]
        difference[on] = np.maximum(np.maximum(kinks.low[places] - claimed[on], claimed[on] - kinks.high[places]), 0)
        return difference

    def allowed(self, entries: Array | slice) -> Array:
        """Return what the difference may be: the error bar, the claim's own rounding and the user's tolerance."""
        return np.asarray(self.numeric.bar[entries] + self.rounding(entries) + self.tolerated(entries))

    def rounding(self, entries: Array | slice) -> Array:
        """Return what claims may be off by: each may be a difference of terms of size 1, as 1 - tanh(x)².

        It surely is one where it is a whole number of last bits of 1, as sigmoid(x) - 1 is, or that in a mean. Claims
        in half precision are made of values of f, as 1 - y² is for tanh, or of other terms, most of size 1, and
        are off by the rounding of those. Where f has no slope, it is what a rule leaves of the largest of its row.
        """
        claimed, epsilon = np.abs(self.claimed[entries]), self.numeric.epsilon
        if is_half(epsilon):
            others = np.minimum(epsilon / 2 * self.numeric.terms, _CANCELLED_HALF * claimed)
            return np.maximum(epsilon * self.numeric.size[entries], others)
        rounding = np.maximum(ROUNDING * claimed, np.minimum(ROUNDING, _CANCELLED * claimed))
        shape = self.numeric.jacobian.pattern.operand_shape
        small = np.flatnonzero((claimed > 0) & (rounding < 4 * self.last))
        whole = np.zeros(small.size, bool)
        for number in {1, *shape, prod(shape)}:
            bits = claimed[small] / (self.last / 2) * number
            whole |= np.abs(bits - np.rint(bits)) <= 4 * self.last * np.rint(bits)
        rounding[small[whole]] = 4 * self.last
        flat = np.abs(self.numeric.jacobian.data[entries]) <= self.numeric.bar[entries]
        nothing = np.flatnonzero((claimed > 0) & flat)
        if nothing.size:
            left = _NOTHING * self.last / LAST * self._of_row(entries)[nothing]
            rounding[nothing] = np.maximum(rounding[nothing], left)
        return rounding

    def _of_row(self, entries: Array | slice) -> Array:
        """Return the largest slope of each entry's output, but no more than what f moves by per unit of its input."""
        return np.minimum(self.numeric.size[entries], self._largest[self.numeric.jacobian.pattern.rows[entries]])

    @cached_property
    def _largest(self) -> Array:
        """The largest slope of each output."""
        jacobian = self.numeric.jacobian
        largest = np.zeros(jacobian.shape[0])
        np.maximum.at(largest, jacobian.pattern.rows, finite(np.abs(jacobian.data)))
        return largest

    @cached_property
    def last(self) -> float:
        """The last bit of 1 in claims: that of single precision where all of them are in it, and f as well."""
        epsilon = self.numeric.epsilon
        return epsilon if is_single(epsilon) and in_single(self.claimed) else LAST

    def tolerated(self, entries: Array | slice) -> Array:
        """Return the user's tolerance, 0 if there is none."""
        value = np.abs(self.numeric.jacobian.data[entries])
        return self.tolerance.atol + self.tolerance.rtol * value if self.tolerance else np.zeros(value.size)

    def ratio(self, entries: Array) -> Array:
        """Return how much of its allowance each entry takes: above 1 it disagrees."""
        difference = self.difference(entries)
        with np.errstate(all="ignore"):
            return np.where(difference == 0, 0.0, difference / self.allowed(entries))

    def unsure(self, entries: Array | slice) -> Array:
        """Return what claims are off by that are inconclusive for being off by so little, and 0 of all others."""
        unsure = (self.status[entries] == Status.INCONCLUSIVE) & self.is_approximate(entries)
        with np.errstate(all="ignore"):
            return np.where(unsure, np.abs(self.claimed[entries] - self.numeric.jacobian.data[entries]), 0.0)

    def is_approximate(self, entries: Array | slice) -> Array:
        """Return where claims are off by so little that they, or f, may be approximations, see Criteria."""
        claimed, value = self.claimed[entries], self.numeric.jacobian.data[entries]
        with np.errstate(all="ignore"):
            off = np.abs(claimed - value)
            found = off <= _APPROXIMATE * np.abs(claimed)
            left = np.flatnonzero(~found & (off <= _CANCELLED_OF_ROW * np.abs(claimed)))
            if left.size:
                found[left] = off[left] <= self.approximate * self._of_row(entries)[left]
            return np.asarray(found)

    def summary(self, compared: Array, number: int) -> "Summary":
        """Sum up the entries where `compared` is true, and find the worst of them."""
        largest, worst = np.zeros(3), np.zeros((2, 0))
        for block in blocks(compared.size):
            entries = block.start + np.flatnonzero(compared[block])
            of_each = np.array([self.difference(entries), self.numeric.bar[entries], self.ratio(entries)])
            largest = np.maximum(largest, np.fmax.reduce(of_each, axis=1, initial=0))  # of what is not NaN
            ranked = np.array([np.nan_to_num(of_each[2], nan=np.inf, posinf=np.inf), entries])
            least = worst[0, number - 1] if worst.shape[1] == number else -1.0  # to sort the few above it alone
            worst = np.concatenate([worst, ranked[:, ranked[0] > least]], axis=1)
            worst = worst[:, np.argsort(-worst[0], kind="stable")[:number]]
        if not worst.size:
            return Summary(None, None, None, ())
        difference, bar, ratio = map(float, largest)
        return Summary(difference, bar, ratio, tuple(map(int, worst[1])))


@dataclass(frozen=True)
class Summary:
    """The largest difference, error bar and ratio, None of no entries; and the entries of the largest ratios."""

    difference: float | None
    bar: float | None
    ratio: float | None
    worst: tuple[int, ...]


def in_single(values: Array) -> bool:
    """Whether all values are in single precision, and not only numbers of few bits, such as 0, ½ and 1."""
    few = values * 2.0**10
    single = np.array_equal(values.astype(np.float32), values, equal_nan=True)
    return single and not np.array_equal(few, np.floor(few), equal_nan=True)
