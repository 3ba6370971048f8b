"""The entries of a Jacobian as flat arrays: values, difference, status; a sample of many, or their sums by tiles."""

from typing import Any

import numpy as np

from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.stored import StoredEntries
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.forms.unfolding import UnfoldedPattern
from jacinspect.records import dataclass

__all__ = ["Entries", "rounded"]

_COUNTED = 10**6  # entries that are counted by tiles; of more, so many at random, so that a page takes a second or two
_TILES = 4096  # tiles that hold anything, of one drawing: seven drawings of 25 bytes a tile stay below 800 kB
_FINEST = 512  # tiles along a side, as many as a drawing has dots
_DIGITS, _FEWER_DIGITS = 12, 3  # of a value; of a bar or a difference
_ROUNDING = 4 * np.finfo(float).eps  # of a claim itself, which adds to its bar (as in agreement.py)
_JUDGED = (Status.AGREES, Status.DISAGREES, Status.INCONCLUSIVE)  # by the difference; the others have reasons of theirs
_WORST_LAST = (
    *(Status.AGREES, Status.KINK, Status.EXCUSED, Status.OVERFLOWS, Status.OUT_OF_REACH),
    *(Status.INCONCLUSIVE, Status.NONFINITE, Status.DISAGREES),
)
_RANK = np.argsort(np.array(_WORST_LAST))


@dataclass(frozen=True, eq=False)
class Entries(StoredEntries):
    """The stored entries, in the order of the pattern."""

    @classmethod
    def of_report(cls, j: JacobianReport) -> "Entries":
        """Collect the entries of a Jacobian whose pattern is proved."""
        assert j.arrangement is not None
        return cls.of(j.arrangement.pattern, j.numeric, j.analytic, j.error_bar, j.status)

    def sample(self, most: int) -> Array:
        """Return the places of at most so many: all, or those that do not agree, the ends, and evenly spread ones."""
        if self.number <= most:
            return np.arange(self.number)
        part = most // 4
        odd = np.zeros(0, np.int64) if self.status is None else np.flatnonzero(self.status != Status.AGREES)[:part]
        spread = np.linspace(0, self.number - 1, part).astype(np.int64)
        return np.unique(np.concatenate([odd, np.arange(part), self.number - 1 - np.arange(part), spread]))

    def counted(self) -> "Entries":
        """Return all, or a million at random: what tiles are made of."""
        if self.number <= _COUNTED:
            return self
        return self.at(np.sort(np.random.default_rng(0).integers(0, self.number, _COUNTED)))

    @property
    def difference(self) -> Array | None:
        """The distance from the analytic to the numeric values."""
        if self.analytic is None or self.numeric is None:
            return None
        with np.errstate(all="ignore"):
            return np.asarray(np.abs(self.analytic - self.numeric))

    @property
    def ratio(self) -> Array | None:
        """The difference in bars; NaN where it is not what the entry is judged by, as at a kink."""
        difference = self.difference
        if difference is None or self.analytic is None or self.bar is None:
            return None
        with np.errstate(all="ignore"):
            ratio = np.where(difference == 0, 0.0, difference / (self.bar + _ROUNDING * np.abs(self.analytic)))
        return ratio if self.status is None else np.where(np.isin(self.status, _JUDGED), ratio, np.nan)

    def listed(self) -> dict[str, Any]:
        """Return them as JSON-ready lists, rounded to what a reader can use."""
        return {
            "output": self.outputs.tolist(),
            "input": self.inputs.tolist(),
            "analytic": rounded(self.analytic, _DIGITS),
            "numeric": rounded(self.numeric, _DIGITS),
            "bar": rounded(self.bar),
            "difference": rounded(self.difference),
            "ratio": rounded(self.ratio),
            "status": None if self.status is None else self.status.tolist(),
        }

    def tiles(self, placed: UnfoldedPattern) -> dict[str, Any]:
        """Sum up by tiles of equal size, as fine as a bounded number allows; `placed` is where the entries are."""
        judged = self.numeric if self.analytic is None else self.analytic
        side = _FINEST
        while True:
            tile = [max(-(-length // side), 1) for length in placed.shape]
            grid = [-(-length // each) for length, each in zip(placed.shape, tile, strict=True)]
            keys = placed.rows // tile[0] * grid[1] + placed.columns // tile[1]
            counts = np.bincount(keys, minlength=grid[0] * grid[1])
            at = np.flatnonzero(counts)
            if at.size <= _TILES or side <= 8:
                break
            side //= 2

        def largest(values: Array | None) -> Array | None:
            if values is None:
                return None
            most = np.zeros(counts.size, values.dtype)
            np.maximum.at(most, keys, np.nan_to_num(values))
            return np.asarray(most[at])

        rank = None if self.status is None else largest(_RANK[self.status])
        return {
            "tile": tile,
            "grid": grid,
            "at": at.tolist(),
            "count": counts[at].tolist(),
            "largest": rounded(_signed(largest(judged), largest(None if judged is None else -judged))),
            "ratio": rounded(largest(self.ratio)),
            "status": None if rank is None else np.array(_WORST_LAST)[rank].tolist(),
        }


def _signed(most: Array | None, least: Array | None) -> Array | None:
    """Return the larger of the largest positive and the largest negative value, with its sign."""
    return None if most is None or least is None else np.where(most >= least, most, -least)


def rounded(values: Array | None, digits: int = _FEWER_DIGITS) -> list[Any] | None:
    """Return numbers as JSON-ready ones of a few digits, NaN as None and infinities as strings."""
    if values is None:
        return None
    short = (float(f"{value:.{digits}g}") for value in values.tolist())
    return [None if value != value else value if abs(value) != np.inf else f"{value:+}"[0] + "∞" for value in short]
