"""The flips of X that show what outputs read: each is traced at the first that changes it. Next: tracing.

Where f raises, or is not finite, points nearer to X are tried.
"""

from contextlib import suppress

import numpy as np

from jacinspect.errors import FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import Array, BlackBox, same
from jacinspect.jacobian.calls.ends import keep_within_ends
from jacinspect.jacobian.patterns.dependencies import Budget, Dependencies, PointPair
from jacinspect.jacobian.patterns.points import PointSource
from jacinspect.jacobian.patterns.tracing import trace
from jacinspect.records import dataclass, replace

__all__ = ["trace_flips", "trace_near_one"]

_UNEQUAL = 2.0**40  # of two numbers with this ratio, the smaller has 12 of its 53 bits left in their sum


def trace_flips(box: BlackBox, source: PointSource, budget: Budget, dependencies: Dependencies) -> int:
    """Trace every output between X and the first flip that changes it; return at how many flips one was traced.

    Where f raises, or is not finite, points nearer to X are tried.

    Raises
    ------
    FunctionRaisedError
        When f raises at every point but X.
    """
    search = _Search(box, source.x, budget, dependencies, np.full(box.y0.size, source.x.size > 0))
    for flip in source.flips():
        if not search.pending.any():
            return search.points
        search.trace(flip)
    if search.undefined:
        if search.failure is not None:
            keep_within_ends(box, source.x)
            source = replace(source, domain=box.limits)
        for flip in source.nearer():
            search.trace(flip)
    search.trace(source.moved(-1, 1, 1), anywhere=True)
    if search.failure is not None and not search.called:
        moved = f"at every point tried but X, even one that was moved by {search.nearest} only, "
        raise FunctionRaisedError(search.failure.what, moved) from search.failure
    return search.points


@dataclass(eq=False)
class _Search:
    """The outputs whose inputs are not known yet, at how many flips some were traced, and where f has no value."""

    box: BlackBox
    x: Array
    budget: Budget
    dependencies: Dependencies
    pending: Array
    points: int = 0
    called: bool = False  # whether f returned a value at some flip
    undefined: bool = False  # whether f raised, or was not finite where f(x) is, at some flip
    failure: FunctionRaisedError | None = None
    nearest: str = ""  # by how much X was moved where it failed so

    def trace(self, flip: Array, anywhere: bool = False) -> None:
        """Trace the pending outputs that the flip changes, those that are not finite there only if `anywhere`."""
        y0 = self.box.y0
        try:
            y = self.box(flip.copy())
            self.called = True
            shown = self.pending & ~same(y, y0)
            if not anywhere:
                shown &= self._finite(y)
            if shown.any():
                trace(self.box, PointPair(self.x, y0, flip, y), _flat_indices(shown), self.budget, self.dependencies)
                self.points += 1
        except FunctionRaisedError as error:
            self.undefined = True
            if not anywhere:  # all before were nearer
                self.failure, self.nearest = error, self.box.moved_by(flip)
        else:
            self.pending &= ~shown

    def _finite(self, y: Array) -> Array:
        """Return where a value is finite, or f(x) is not, and note if it is not everywhere so."""
        finite = np.isfinite(y) | ~np.isfinite(self.box.y0)
        self.undefined |= not bool(finite.all())
        return np.asarray(finite)


def trace_near_one(box: BlackBox, source: PointSource, budget: Budget, dependencies: Dependencies) -> int:
    """Where x has numbers of very different size, trace between two points that have not; return how many there were.

    Added to a much larger number, a small one changes no bit of the sum.
    """
    size = np.abs(source.x[np.isfinite(source.x) & (source.x != 0)])
    if not size.size or size.max() / _UNEQUAL <= size.min():
        return 0
    with suppress(FunctionRaisedError):
        base, flip = source.near_one(), source.near_one()
        y_base, y_flip = box.many([base.copy(), flip.copy()])
        pair = PointPair(base, y_base, flip, y_flip)
        finite = np.isfinite(pair.y_base) & np.isfinite(pair.y_flip) & np.isfinite(box.y0)
        trace(box, pair, _flat_indices(finite), budget, dependencies)
        return 2
    return 0


def _flat_indices(chosen: Array) -> Array:
    """Return where booleans are true, ascending, in 4 bytes each where that suffices."""
    return np.flatnonzero(chosen).astype(np.int32 if chosen.size < 2**31 else np.int64)
