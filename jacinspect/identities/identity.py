"""An identity, and the comparison of its two sides. Next: of_arrays, of_functions, arrangements.

The two sides come from different computations; here they are only compared.
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.identities.measurement import Measured
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.records import dataclass
from jacinspect.wording import counted

__all__ = ["Identity", "Route", "Side", "exact", "impossible", "within_bars"]

Side = Array | Jacobian


@dataclass(frozen=True)
class Route:
    """How two sides were computed, and the caveats: what was not built, sampled or left out."""

    note: str = ""
    caveat: str = ""

    def __add__(self, other: "Route") -> "Route":
        return Route(*("; ".join(filter(None, pair)) for pair in zip(self, other, strict=True)))

    def __iter__(self) -> Iterator[str]:
        return iter((self.note, self.caveat))


@dataclass(frozen=True)
class Identity:
    """One identity: its name for scripts, its statement for people, and whether it holds.

    `max_difference` is the largest difference of the two sides, and `bound` what is allowed at that entry; both are
    None where nothing was compared. A side that does not exist has no shape.
    """

    name: str
    statement: str
    given: str  # what the letters of the statement stand for
    left_shape: tuple[int, ...]
    right_shape: tuple[int, ...] | None
    max_difference: float | None
    bound: float | None
    holds: bool
    route: Route  # how the two sides were computed


def exact(
    name: str, statement: str, given: str, left: Side, right: Side, route: Route, whole: tuple[int, ...] | None = None
) -> Identity:
    """Compare two sides that must agree to the last bit: selections, and sums of one product with exact zeros.

    Parameters
    ----------
    left, right
        Two arrays, or the compressed sparse rows of two matrices or tensors.
    whole
        The shape of the two whole sides, where the arrays are a sample of them.
    """
    shapes = [_shape(side) for side in (left, right)]
    difference = _difference(left, right) if shapes[0] == shapes[1] else np.inf
    left_shape, right_shape = (whole, whole) if whole is not None else shapes
    return Identity(name, statement, given, left_shape, right_shape, difference, 0.0, difference == 0, route)


def impossible(name: str, statement: str, given: str, left_shape: tuple[int, ...], why: str) -> Identity:
    """Return an identity whose right side does not exist."""
    return Identity(name, statement, given, left_shape, None, None, None, False, Route(caveat=why))


def within_bars(
    name: str,
    statement: str,
    given: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    left: Measured,
    right: Array,
    route: Route,
) -> Identity:
    """Compare a measured left side with a claimed right side of its shape, every entry within its own bar.

    `shapes` are those of the two whole sides, of which the arrays may be a sample.
    """
    difference, allowed, off = left.distance(right), left.allowed(right), left.refutes(right)
    unclear = left.finite & left.unclear(right) & ~off
    judged = left.finite & ~unclear
    if unclear.any():
        route += Route(caveat=f"{_entries(unclear)} inconclusive: no step size gives a derivative to judge by")
    if not left.finite.all():
        route += Route(caveat=f"{_entries(~left.finite)} left out of {left.finite.size}, not being finite")
    if judged.size and not judged.any() and not unclear.any():
        route += Route(caveat="nothing is left to compare")
    holds = not off.any() and not unclear.any() and bool(judged.any() or not judged.size)
    at = _worst(difference, off if off.any() else judged)
    worst, bound = (None, None) if at is None else (float(difference.flat[at]), float(allowed.flat[at]))
    if not judged.size:
        worst, bound = 0.0, 0.0
    return Identity(name, statement, given, *shapes, worst, bound, holds, route)


def _entries(chosen: Array) -> str:
    return counted(int(np.count_nonzero(chosen)), "entry", "entries")


def _worst(difference: Array, among: Array) -> int | None:
    """Return the flat index of the largest difference among some entries, or None where there are none."""
    if not among.any():
        return None
    return int(np.argmax(np.where(among, np.nan_to_num(difference, nan=np.inf), -1.0)))


def _shape(side: Side) -> tuple[int, ...]:
    """Return an array's shape; of compressed sparse rows the output's axes and the operand's."""
    return side.pattern.output_shape + side.pattern.operand_shape if isinstance(side, Jacobian) else side.shape


def _difference(left: Side, right: Side) -> float:
    """Return the largest difference, 0 of no entries; inf where only one side is NaN, or the patterns differ."""
    if isinstance(left, Jacobian) and isinstance(right, Jacobian):
        if not (np.array_equal(left.indptr, right.indptr) and np.array_equal(left.indices, right.indices)):
            return np.inf
        left, right = left.data, right.data
    assert not isinstance(left, Jacobian)
    assert not isinstance(right, Jacobian)
    with np.errstate(all="ignore"):
        difference = np.where(left == right, 0.0, np.abs(left - right))
    return float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0))
