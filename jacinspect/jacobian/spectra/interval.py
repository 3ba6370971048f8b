"""Numbers with the ends between which the true ones lie. Next: spectrum, determinant."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.records import dataclass

__all__ = ["Interval", "Within", "written"]


_DIGITS = 6  # of a number that is written, and no more than its bar leaves


class Within(NamedTuple):
    """A number, and the ends between which the true one is."""

    value: float
    low: float
    high: float

    @property
    def bar(self) -> float:
        """How far the true number may be from the value."""
        return 0.0 if self.low == self.high else max(self.high - self.value, self.value - self.low)

    def may_be(self, number: float) -> bool:
        """Whether the true number may be this one."""
        return self.low <= number <= self.high


def written(number: Within) -> str:
    """Write a number with its bar, 0.25 ± 3e-14, or by its ends where one is infinite."""
    if not np.isfinite(number.low) or not np.isfinite(number.high):
        if number.low == number.high:
            return f"{number.value:g}"
        ends = [f"at least {number.low:.2g}"] * bool(np.isfinite(number.low))
        return " and ".join([*ends, *[f"at most {number.high:.2g}"] * bool(np.isfinite(number.high))]) or "not known"
    if not number.bar:
        return f"{number.value + 0.0:.6g}"
    digits = np.floor(np.log10(abs(number.value))) - np.floor(np.log10(number.bar)) + 1 if number.value else 0
    return (f"{number.value:.{int(min(digits, _DIGITS))}g}" if digits > 0 else "0") + f" ± {number.bar:.1g}"


@dataclass(frozen=True, eq=False)
class Interval:
    """Several numbers with the ends between which the true ones are, as arrays."""

    value: Array
    low: Array
    high: Array

    @classmethod
    def merged(cls, found: "list[tuple[Array, Array]]", zeros: int, floor: float) -> "Interval":
        """Merge values (B×k) and their bars (B), and so many exact zeros; no true value is below `floor`.

        All are in descending order then. The ends are sorted by themselves: the k-th largest true value is at least
        the k-th largest lower end.
        """
        value = np.concatenate([*(values.ravel() for values, _ in found), np.zeros(zeros)])
        bars = (np.broadcast_to(bar[:, None], values.shape).ravel() for values, bar in found)
        bar = np.concatenate([*bars, np.zeros(zeros)])
        low, high = np.maximum(value - bar, floor), value + bar
        low[np.isnan(low)], high[np.isnan(high)] = floor, np.inf
        return cls(*(-np.sort(-ends) for ends in (np.nan_to_num(value, nan=0.0), low, high)))

    def at(self, place: int) -> Within:
        """Return one of the numbers; -1 is the least."""
        return Within(float(self.value[place]), float(self.low[place]), float(self.high[place]))

    @cached_property
    def sure(self) -> int:
        """How many are certainly above 0."""
        return int(np.count_nonzero(self.low > 0))

    @cached_property
    def possible(self) -> int:
        """How many may be above 0."""
        return int(np.count_nonzero(self.high > 0))
