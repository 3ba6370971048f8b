"""The numeric differential dA of a callable along dX, with an error bar for every output. Next: identity.

Differences along one direction (see differences.py) are all there is: neither a pattern nor a rule is known here.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, BlackBox
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.differences import ROUNDING, WIDE, doubtful, first_pass
from jacinspect.jacobian.values.doubts import Doubts
from jacinspect.jacobian.values.ladder import ladder
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.stencil import LAST, Kind, Stencil
from jacinspect.records import dataclass, replace

__all__ = ["Measured", "differential"]

_BATCH = 2**17  # outputs on one ladder, whose columns take some 40 numbers an output
# A bar up to it is never too wide: where value, claim and f are 0, WIDE of them is 0 as well.
_SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Measured:
    """Derivatives that lie between `low` and `high` (apart only at a kink or a jump), give or take `bar`.

    `size` is that of f per unit of the direction, against which a bar is wide or not; `resolved` is where a derivative
    was found, `finite` where f is. All have one shape.
    """

    low: Array
    high: Array
    bar: Array
    size: Array
    resolved: Array
    finite: Array

    def distance(self, claimed: Array) -> Array:
        """Return how far a claim lies outside [low, high]."""
        with np.errstate(all="ignore"):
            return np.asarray(np.maximum(np.maximum(self.low - claimed, claimed - self.high), 0.0))

    def allowed(self, claimed: Array) -> Array:
        """Return what that distance may be: the bar, and the rounding of the claim itself."""
        return np.asarray(self.bar + ROUNDING * np.abs(claimed))

    def unclear(self, claimed: Array) -> Array:
        """Where no derivative was found, or with too wide a bar to judge a claim by."""
        large = np.maximum(np.maximum(np.abs(self.low), np.abs(self.high)), np.fmax(np.abs(claimed), self.size))
        with np.errstate(all="ignore"):
            wide = ~(self.bar <= np.fmax(WIDE * large, _SMALLEST))
        return np.asarray(~self.resolved | (self.finite & wide))

    def refutes(self, claimed: Array) -> Array:
        """Where a claim is off by more than is allowed."""
        with np.errstate(all="ignore"):
            return np.asarray(self.finite & self.resolved & ~(self.distance(claimed) <= self.allowed(claimed)))

    def scaled(self, factor: float) -> "Measured":
        """Return these times a positive factor."""
        low, high, bar, size = (part * factor for part in (self.low, self.high, self.bar, self.size))
        return Measured(low, high, bar, size, self.resolved, self.finite)

    def only(self, known: Array) -> "Measured":
        """Return these, marked as not finite where `known` is false; the shapes may broadcast."""
        return replace(self, finite=self.finite & known)

    @classmethod
    def columns(cls, columns: Sequence["Measured"], height: int) -> "Measured":
        """Stack flat measurements of `height` entries each as columns."""
        parts = {part.name: [getattr(column, part.name) for column in columns] for part in fields(cls)}
        empty = {name: np.zeros((height, 0), bool if name in ("resolved", "finite") else float) for name in parts}
        return cls(**{name: np.stack(part, axis=1) if part else empty[name] for name, part in parts.items()})

    def pulled(self, weights: Array) -> "Measured":
        """Pull a cotangent back: sum over the first axis, each index of it multiplied by its entry of `weights`."""
        w = weights.reshape(-1, *(1,) * (self.low.ndim - 1))
        known = self.finite & self.resolved
        with np.errstate(all="ignore"):
            ends = [np.where(known, w * end, 0.0) for end in (self.low, self.high)]
            low, high = np.minimum(*ends), np.maximum(*ends)
            terms = np.maximum(np.abs(low), np.abs(high))
            # n products and their sum are off by at most n·u/(1 - n·u) < n·ε of Σ|terms| (Higham 2002, 3.1).
            bar = np.where(known, np.abs(w) * self.bar, 0.0) + weights.size * LAST * terms
            size = np.where(known, np.abs(w) * self.size, 0.0)
        resolved = np.all(self.resolved | ~self.finite | (w == 0), axis=0)
        finite = np.all(self.finite | (w == 0), axis=0)
        low, high, bar, size = (part.sum(axis=0) for part in (low, high, bar, size))
        return Measured(low, high, bar, size, np.asarray(resolved), np.asarray(finite))


def differential(
    box: BlackBox, x: Array, dx: Array, epsilon: float, rounding: Array, claimed: Array | None = None
) -> Measured:
    """Difference f along dX at X.

    Parameters
    ----------
    box, x, dx
        f, and point and direction of the operand's shape; dX is 0 where X is not finite.
    epsilon
        The relative noise of f's values.
    rounding
        A bound, for each output, on what a relative change of epsilon in X does to it, over epsilon.
    claimed
        A claimed dA, flat. Where the first pass differs from it, smaller steps are tried before it counts as refuted.
        Once one output is refuted, the others are left as they are.

    Returns
    -------
    Measured
        Flat, an entry an output.
    """
    # Along one input alone, slopes are by that input, and small steps are taken in units of it, as near a kink at 0.
    moved = np.flatnonzero(dx)
    alone = moved.size == 1 and dx.flat[moved[0]] > 0
    inputs, unit = (np.full(box.y0.size, moved[0]), float(dx.flat[moved[0]])) if alone else (None, 1.0)
    claimed = None if claimed is None else claimed / unit
    stencil = Stencil(box, x, dx, slice(None), inputs, box.y0, epsilon, Magnitudes.of(rounding))
    first = first_pass(stencil)
    finite = np.isfinite(box.y0)
    known = np.where(first.closing & np.isfinite(first.bar), Kind.SMOOTH, Kind.UNRESOLVED)
    kind = np.where(finite, known, Kind.NONFINITE).astype(np.int8)
    nothing, unknown = np.zeros(kind.size), np.full(kind.size, np.nan)
    value, over_many = first.value, np.zeros(kind.size, bool)
    found = Estimate(value, first.bar, kind, value, value, nothing, nothing, unknown, unknown, over_many)
    doubted = finite & (
        ~first.closing | doubtful(first.value, first.bar, stencil.size(), stencil.step_scale(), epsilon)
    )
    found = _again(stencil, found, np.flatnonzero(doubted))
    found = _again(stencil, found, np.flatnonzero(_refuted(found, claimed)), claimed)
    size = np.maximum(first.size[:], stencil.size())  # f may be 0 and yet move, or stand still
    return _measured(found, np.maximum(size, rounding / unit)).scaled(unit)


def _again(stencil: Stencil, found: Estimate, outputs: Array, claimed: Array | None = None) -> Estimate:
    """Look at some outputs at ever smaller steps, a batch at a time; with a claim, until one batch refutes it.

    Where f moves in steps, what is found between two of them is no derivative.
    """
    renewed = found
    for start in range(0, outputs.size, _BATCH):
        batch = outputs[start : start + _BATCH]
        claims = None if claimed is None else claimed[batch]
        doubts = Doubts() if claims is None else Doubts.unless_near(claims, ROUNDING * np.abs(claims))
        estimate = ladder(stencil.subset(batch), doubts)
        on_stairs = (estimate.step > 0) & ~estimate.over_many & _refuted(estimate, claims)
        estimate = replace(estimate, kind=np.where(on_stairs, Kind.UNRESOLVED, estimate.kind))
        with np.errstate(all="ignore"):  # where both agree, keep the smaller bar: a noisy f needs the longer steps
            sharper = (found.kind[batch] == Kind.SMOOTH) & (found.bar[batch] < estimate.bar)
            sharper &= (estimate.kind == Kind.SMOOTH) & (np.abs(found.value[batch] - estimate.value) <= estimate.bar)
        if claimed is not None:  # the claim contradicts the first pass, so its values are not kept
            sharper[:] = False
        renewed = renewed.replaced(batch[~sharper], estimate.subset(~sharper))
        if _refuted(renewed.subset(batch), claims).any():
            break
    return renewed


def _refuted(estimate: Estimate, claimed: Array | None) -> Array:
    """Where a derivative contradicts a claim; nowhere without a claim."""
    if claimed is None:
        return np.zeros(estimate.kind.shape, bool)
    with np.errstate(all="ignore"):
        off = ~(np.abs(claimed - estimate.value) <= estimate.bar + ROUNDING * np.abs(claimed))
    return np.asarray(off & np.isfinite(claimed) & (estimate.kind == Kind.SMOOTH))


def _measured(found: Estimate, size: Array) -> Measured:
    apart = (found.kind == Kind.KINK) | (found.kind == Kind.JUMP)
    return Measured(
        low=np.where(apart, np.fmin(found.left, found.right), found.value),
        high=np.where(apart, np.fmax(found.left, found.right), found.value),
        bar=found.bar,
        size=size,
        resolved=np.asarray(found.kind != Kind.UNRESOLVED),
        finite=np.asarray(found.kind != Kind.NONFINITE),
    )
