"""What is true of an entry, one named condition each, and the status that follows. Next: entries."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from jacinspect.jacobian.agreement.comparison import UNDERFLOW, Comparison, Criteria, Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.averages import few_digits
from jacinspect.jacobian.values.differences import FAINT, ROUNDING, WIDE
from jacinspect.jacobian.values.ladder import NEAREST
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.stencil import LAST, Kind, is_half, is_single, precision, step_scale
from jacinspect.records import dataclass

__all__ = ["Conditions"]

# Neighbouring numbers that are further apart than this leave too few points to follow f from one to the next.
_APART = 2.0**-8  # doubles are so from x = 2⁴⁴ on,
_APART_SINGLE = 2.0**-4  # and single precision, in which fewer numbers have to do, from 2¹⁹
_SOME_DIGITS = 2.0**-6  # a bar below this fraction of a slope over many steps: the slope between two is not f's
_FEW_DIGITS = 2.0**-8  # of a slope in single precision: differences keep two thirds of its seven digits at the best
_LAST_BITS = 2.0**10  # roundings of f's largest numbers: a slope of 0 need not be known better
_CANCELLED = 2.0**-10  # of f's largest numbers: an output below it may be a difference of such


@dataclass(frozen=True, eq=False)
class Conditions:
    """What is true of each entry of a block, one boolean each, and the status that follows.

    `x` and `y0` are the operand's and the output's value at each entry. `checked` is whether there is a claim,
    `reads_unknown` where the output reads an operand that is not finite, `not_a_sum` where its inputs are unresolved.
    `faintest` is the slope that would show where f stands still, `reach` gives the largest number that is known of f,
    see entries.py, and a bar of at most `nothing` is not too wide for a 0.
    """

    comparison: Comparison
    block: slice
    x: Array
    y0: Array
    checked: bool
    criteria: Criteria
    reads_unknown: Array
    not_a_sum: Array
    faintest: float
    reach: Callable[[], float]
    nothing: float

    def status(self) -> Array:
        """Return the status of each entry: of the first of these conditions that holds."""
        precedence = (
            (self.agrees, Status.AGREES),
            (self.reads_unknown & ~self.is_known, Status.EXCUSED),
            (self.overflows, Status.OVERFLOWS),
            (self.nonfinite, Status.NONFINITE),
            (self.may_bend, Status.INCONCLUSIVE),
            (self.out_of_reach, Status.OUT_OF_REACH),
            (self.subgradient, Status.KINK),
            (self.on_stairs, Status.INCONCLUSIVE),
            (self.not_a_sum, Status.INCONCLUSIVE),
            (self.disagrees, Status.DISAGREES),
        )
        conditions, statuses = [condition for condition, _ in precedence], [status for _, status in precedence]
        return np.select(conditions, statuses, Status.INCONCLUSIVE)

    @property
    def claimed(self) -> Array:
        """The claims; without any, the numbers themselves."""
        return self.comparison.claimed[self.block]

    @property
    def value(self) -> Array:
        """The derivatives by differences."""
        return self.comparison.numeric.jacobian.data[self.block]

    @property
    def bar(self) -> Array:
        """Their error bars."""
        return self.comparison.numeric.bar[self.block]

    @property
    def kind(self) -> Array:
        """What f is like at x, see Kind."""
        return self.comparison.numeric.kind[self.block]

    @cached_property
    def agrees(self) -> Array:
        """No condition contradicts the claim, or makes it impossible to judge."""
        doubt = self.on_kink | self.on_stairs | self.differs | self.unresolved | self.wide
        return np.asarray(~(doubt | self.nonfinite | self.out_of_reach))

    @property
    def is_known(self) -> Array:
        """Operand, output and slope are finite, as where f is a sum that passes over missing values."""
        return np.isfinite(self.x) & np.isfinite(self.y0) & np.isfinite(self.value)

    @cached_property
    def overflows(self) -> Array:
        """The value and the claim overflow alike."""
        outward = np.where(self.x < 0, -self.y0, self.y0)  # as of cosh on both sides
        return np.asarray(np.isinf(self.y0) & ((self.claimed == self.y0) | (self.claimed == outward)))

    @cached_property
    def nonfinite(self) -> Array:
        """The value, every difference or the claim is not finite."""
        nonfinite = self.kind == Kind.NONFINITE
        return np.asarray(nonfinite | ~np.isfinite(self.claimed) if self.checked else nonfinite)

    @cached_property
    def out_of_reach(self) -> Array:
        """No number near x could show that the claim is wrong.

        That is so where numbers are too far apart to follow f from one to the next; and, where f stands still, of a
        slope too small to move the last bit of 1 or of the largest output, or within |x| that of f, or of what f moves
        by if the slope is faint beside that; and where what the claim is off by has underflowed. Without a claim, a
        slope other than 0 is not relied on by itself where doubles are far apart: x + sin(x)² is x there.
        """
        epsilon, size = self.comparison.numeric.epsilon, np.abs(self.x)
        still = (self.value == 0) & (self.kind == Kind.SMOOTH)
        if not self.checked:
            return np.asarray((size * LAST >= _APART) & ~still)
        apart = size * epsilon >= (_APART_SINGLE if is_single(epsilon) else _APART)
        claimed = np.abs(self.claimed)
        with np.errstate(all="ignore"):
            reached = self.comparison.numeric.size[self.block]
            last = np.where(claimed <= FAINT * reached, reached * step_scale(self.x), 0)
            last = max(LAST, epsilon) * np.maximum(last, np.abs(self.y0))
            # What is seen to move by less than the last bit of 1 is not made of such terms, or was scaled later:
            # of a slope that is faint beside that, nothing can be said.
            of_one = ~((reached > 0) & (reached * step_scale(self.x) <= self.faintest)) | (claimed <= FAINT * reached)
            faint = still & (((claimed <= self.faintest) & of_one) | ((claimed * size <= last) & (size > 0)))
            off = np.abs(self.claimed - self.value)
            cancels = (claimed == 0) & (off <= self.comparison.last * np.minimum(reached * step_scale(self.x), 1))
            lost = self.differs & ((off <= UNDERFLOW) | cancels)
        return np.asarray(self.disagrees & (apart | faint | lost))

    @cached_property
    def on_kink(self) -> Array:
        """There is a kink or a jump of f at x."""
        return np.asarray((self.kind == Kind.KINK) | (self.kind == Kind.JUMP))

    @cached_property
    def between(self) -> Array:
        """On a kink, the claim lies between the one-sided slopes."""
        kinks = self.comparison.numeric.kinks
        these, on, between = kinks.within(self.block), self.on_kink, np.zeros(self.x.size, bool)
        claimed = self.claimed[on]
        with np.errstate(all="ignore"):
            slack = self.bar[on] + ROUNDING * np.abs(claimed)
            between[on] = (kinks.low[these] - slack <= claimed) & (claimed <= kinks.high[these] + slack)
        return between

    @cached_property
    def may_bend(self) -> Array:
        """On a kink, the claim is wrong, unless f bends within the shortest step, and that cannot be ruled out."""
        size = np.abs(self.x)
        return np.asarray(self.on_kink & ~self.between & (size > 0) & (size < NEAREST))

    @cached_property
    def stairs(self) -> tuple[Stairs, Array]:
        """The entries of the block that are on stairs, and their places in it."""
        stairs = self.comparison.numeric.stairs
        stairs = stairs.subset(stairs.within(self.block))
        return stairs, stairs.entries - self.block.start

    @cached_property
    def on_stairs(self) -> Array:
        """The function moves in steps, and the claim is the slope of one scale alone, which need not be that of f.

        The slope over many steps is believed where it is known to some digits, and that between two where it is not.
        """
        on, (stairs, places) = np.zeros(self.x.size, bool), self.stairs
        with np.errstate(all="ignore"):
            slack = ROUNDING * np.abs(self.claimed[places]) + self.comparison.tolerated(self.block)[places]
            fits = np.abs(self.claimed[places] - stairs.other) <= stairs.bar + slack
            known = stairs.over_many | (stairs.bar > np.abs(stairs.other) * _SOME_DIGITS)
        one_alone = np.where(self.differs[places], fits, ~fits & ~known) if self.checked else ~stairs.over_many
        on[places] = one_alone
        return on & ~self.by_rounding

    @property
    def subgradient(self) -> Array:
        """On a kink, the claim is accepted."""
        if self.criteria.strict_kinks:
            return np.zeros(self.x.size, bool)
        return self.between

    @cached_property
    def disagrees(self) -> Array:
        """The claim is wrong as far as the differences show, and by more than an approximation of f may be."""
        smooth = self.differs & ~self.unresolved & ~self.comparison.is_approximate(self.block)
        return np.where(self.on_kink, ~self.subgradient, smooth)

    @cached_property
    def differs(self) -> Array:
        """The claim is off by more than is allowed."""
        with np.errstate(all="ignore"):
            return np.asarray(~(np.abs(self.claimed - self.value) <= self.comparison.allowed(self.block)))

    @property
    def unresolved(self) -> Array:
        """No step size gave a reliable derivative."""
        with np.errstate(all="ignore"):
            unresolved = (self.kind == Kind.UNRESOLVED) | ~np.isfinite(self.value + self.bar)
        return np.asarray(unresolved & ~self.by_rounding)

    @property
    def last_bits(self) -> Array:
        """What the largest numbers of f are rounded by in double precision, per unit of x."""
        return np.asarray(_LAST_BITS * LAST * self.reach() / step_scale(self.x))

    @cached_property
    def by_rounding(self) -> Array:
        """The slope is the claim's 0 where terms cancel, as a distance of a point to itself: last bits move alone.

        Where f moves in steps, so it is at both scales. Of an output that is as large as its terms, nothing cancels.
        """
        zero, (stairs, places) = self._is_zero(self.value, self.bar), self.stairs
        zero[places] &= self._is_zero(stairs.other, stairs.bar, places)
        return np.asarray(zero & (np.abs(self.y0) <= _CANCELLED * self.reach()) & ~self.differs)

    def _is_zero(self, value: Array, bar: Array, places: Array | slice = slice(None)) -> Array:
        """Return where slopes are 0 within their bars, which are no wider than the last bits of f's largest numbers."""
        with np.errstate(all="ignore"):
            return np.asarray((np.abs(value) <= bar) & (bar <= self.last_bits[places]))

    @property
    def wide(self) -> Array:
        """The bar is too wide to judge by."""
        numeric, (known, faint) = self.comparison.numeric, self._narrow()
        with np.errstate(all="ignore"):
            large, size = np.maximum(np.abs(self.claimed), np.abs(self.value)), numeric.size[self.block]
            narrow = np.maximum(known * large, faint * size)
            narrow = np.maximum(narrow, self.comparison.tolerated(self.block))
            tiny = float(precision(numeric.epsilon).tiny)
            narrow = np.maximum(narrow, np.where(large == 0, self.nothing, tiny))
            return np.asarray(~(self.bar <= narrow) & ~self.by_rounding)

    def _narrow(self) -> tuple[Array | float, Array | float]:
        """Return what parts of a slope, and of what f moves by, a bar may be: J014 says to how many digits it is."""
        epsilon, (stairs, places) = self.comparison.numeric.epsilon, self.stairs
        if self.criteria.noise:
            return 1.0, 1.0
        if is_half(epsilon):
            return few_digits(epsilon), few_digits(epsilon)
        known, faint = (_FEW_DIGITS, WIDE) if is_single(epsilon) else (WIDE, FAINT)
        of_slope, of_size = np.full(self.x.size, known), np.full(self.x.size, faint)
        of_slope[places] = np.where(stairs.over_many, _SOME_DIGITS, WIDE)
        of_size[places] = WIDE
        return of_slope, of_size
