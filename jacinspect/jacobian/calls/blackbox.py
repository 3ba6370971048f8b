"""The function as a black box on whole arrays: its calls are counted, its contract is checked. Next: detection."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import FunctionFailedError, FunctionRaisedError, InputError, NotDeterministicError, raised
from jacinspect.jacobian.calls.jitter import Snap, jitter_of
from jacinspect.jacobian.calls.results import SeenPrecision, array_of
from jacinspect.wording import format_shape

if TYPE_CHECKING:
    from jacinspect.jacobian.calls.evaluation import Elsewhere

__all__ = ["Array", "BlackBox", "Domain", "blocks", "same"]

Array: TypeAlias = NDArray[Any]
Domain = tuple[float, float]
T = TypeVar("T")

_BLOCK = 2**15  # entries, 256 KiB of float64: the temporaries of a block stay in the processor's cache

_LAST_BITS = 2**10  # times the spacing of f's values is what sums in another order may differ by
_KEPT = 2**24  # numbers kept for another who asks, 128 MiB
_REPEATS = 6  # calls at X, besides two, from which the jitter is measured


@lru_cache(16)  # an inspection cuts arrays of two or three sizes, some hundred times
def blocks(size: int, entries: int = 1) -> tuple[slice, ...]:
    """Cut a range into slices so short that the temporaries of computing one of them take little memory.

    Where there are several `entries` in each place, on average, slices are shorter.
    """
    length = max(_BLOCK // max(entries, 1), 1)
    return tuple(slice(start, min(start + length, size)) for start in range(0, size, length))


def same(a: Array, b: Array) -> NDArray[np.bool_]:
    """Compare entry by entry; NaN equals NaN, and -0 equals 0."""
    equal = np.asarray(a == b)
    if np.count_nonzero(equal) < equal.size:  # a third of the time of all()
        equal |= (a != a) & (b != b)
    return equal


class BlackBox:
    """A callable array -> array, called only with fresh arrays of one shape.

    `elsewhere` is where f is called besides, at many points side by side; here, one after the other, if None. The first
    call is made here in any case. A call takes about so many `seconds`.

    Called with an array of `x`'s shape, it returns the output flat (row-major, float64). It counts its `evaluations`,
    and notes whether f is `deterministic`, by how much of its values it differs from itself where it is not (`jitter`;
    values that differ by no more are made equal, see jitter.py), whether it `mutates` its argument, and whether
    everything it has returned so far is a whole number (`whole`); `epsilon` is that of the narrowest precision that all
    values fit in, as of a function that computes in float32, or of the output's own, if that is `narrow` and no finer.
    `domain` is the closed interval where f is declared to be defined: an entry outside it is put back to where it is at
    X before f is called (`is_bounded`: there are such numbers). `progress` is a callback for every call, with the
    number of calls so far.

    Raises FunctionRaisedError when f raises, or returns something that is not one array of real numbers of one shape,
    as a solver does that gives up; it says how far from X that was.
    """

    def __init__(
        self,
        f: Callable[[Array], Any],
        x: Array,
        progress: Callable[[int], None] = lambda _: None,
        domain: Domain = (-np.inf, np.inf),
        elsewhere: "Elsewhere | None" = None,
    ) -> None:
        self._f, self._x, self._progress, self.domain = f, x, progress, domain
        self._low: float | Array
        self._high: float | Array
        self._low, self._high = domain
        self._elsewhere: Elsewhere | None = None
        self.is_bounded = domain != (-np.inf, np.inf)
        self._moves = False  # for now it is called at X alone, which f may have changed when it raises
        self._first: Array | None = None
        self._keeps_a_buffer = False
        self._snap: Snap | None = None
        self._kept: dict[int, Array] = {}
        self.jitter = 0.0
        self.evaluations, self.narrow = 0, 0.0
        self._seen = SeenPrecision()
        self.output_shape: tuple[int, ...] | None = None
        if elsewhere is not None:
            elsewhere.begin(x)
        argument, began = x.copy(), monotonic()
        self.y0 = self(argument).copy()  # a copy: f may return the same buffer, or its argument, every time
        self.seconds, began = monotonic() - began, monotonic()
        self.mutates = not bool(same(argument, x).all())
        if elsewhere is not None:
            self._elsewhere, elsewhere.latest = elsewhere, self.seconds
            elsewhere.longest = max(elsewhere.longest, self.seconds)
        argument = x.copy()
        (again,) = self.many([argument])
        self.seconds = min(self.seconds, monotonic() - began)  # to start a worker, or to compile f, takes longer
        self.mutates |= not bool(same(argument, x).all())
        self._first = None
        self.deterministic = self.mutates or bool(same(self.y0, again).all())
        if not self.deterministic and elsewhere is not None:
            self._go_by_workers(again)
        if not self.deterministic:
            repeats = self.many(x.copy() for _ in range(_REPEATS))
            self.jitter = jitter_of(self.y0, [again, *repeats])
            self._snap = Snap(self.jitter)
            self._snap(self.y0)
        self._moves = True

    def __call__(self, x: Array) -> Array:
        """Return f(x), flat; the caller must not use x again, for f may have changed it."""
        (y,) = self.many((x,))
        return y

    def where_defined(self, x: Array) -> Array:
        """Return f(x), flat, or NaN throughout if f raises."""
        (y,) = self.many_where_defined((x,))
        return y

    def many(self, points: Iterable[Array]) -> Iterator[Array]:
        """Yield f, flat, at points none of which depends on a value of f at another."""
        return self._each(self._taken, points)

    def many_where_defined(self, points: Iterable[Array]) -> Iterator[Array]:
        """Yield f, flat, at points as of `many`, or NaN throughout where f raises, as it may outside its domain."""
        return self._each(self._taken_or_nan, points)

    def many_unless_raised(self, points: Iterable[Array]) -> Iterator[Array | None]:
        """Yield f, flat, at points as of `many`, or None where f raises."""
        return self._each(self._taken_or_none, points)

    def many_kept(self, points: Iterable[Array]) -> Iterator[Array]:
        """Yield what `many_where_defined` yields, and keep it for the next who asks for the same points."""
        keys: deque[int] = deque()

        def noted() -> Iterator[Array]:
            for point in points:
                keys.append(hash(point.tobytes()))
                yield point

        for y in self.many_where_defined(noted()):
            if (len(self._kept) + 1) * y.size <= _KEPT:
                self._kept[keys[0]] = y
            keys.popleft()
            yield y

    def _each(self, take: Callable[..., T], points: Iterable[Array]) -> Iterator[T | Array]:
        """Yield what is kept of f at points, or taken of a call there; these are made side by side where possible."""
        if self._elsewhere is None:
            return map(partial(self._here, take), points)
        return self._there(take, points, self._elsewhere)

    def _here(self, take: Callable[..., T], x: Array) -> T | Array:
        known = self._kept.pop(hash(x.tobytes()), None) if self._kept else None
        if known is not None:
            return known
        if self.is_bounded:
            x = self._defined(x)
        return take(x, partial(self._f, x))

    def _there(self, take: Callable[..., T], points: Iterable[Array], elsewhere: "Elsewhere") -> Iterator[T | Array]:
        order: deque[Array | None] = deque()  # the points that are known, None for one that is called

        def called() -> Iterator[Array]:
            for x in points:
                known = bool(self._kept) and hash(x.tobytes()) in self._kept
                order.append(x if known else None)
                if not known:
                    yield self._defined(x)

        for call in chain(elsewhere(called()), [None]):
            while order and (x := order[0]) is not None:
                order.popleft()
                yield self._here(take, x)
            if call is not None:
                order.popleft()
                yield take(*call)

    def _defined(self, x: Array) -> Array:
        outside = self.outside(x)
        return x if outside is None else np.where(outside, self._x, x)

    @np.errstate(all="ignore")  # which as a decorator takes half the time
    def _taken(self, x: Array, result: Callable[[], Any], at_x: Array | None = None) -> Array:
        """Count a call of f and check what it gives; `at_x` is f(X) by the worker that made it, where it is new."""
        self.evaluations += 1
        self._progress(self.evaluations)
        if at_x is not None and self._moves:
            self._require_same(at_x)
        try:
            y = self._checked(result())
        except InputError:  # already worded for the user
            raise
        except FunctionRaisedError as error:
            raise FunctionRaisedError(error.what, self._place(x)) from error.__cause__
        except FunctionFailedError as error:
            raise FunctionFailedError(f"{self._place(x)}{error}") from error.__cause__
        except (Exception, SystemExit) as error:
            raise FunctionRaisedError(f"the function raised {raised(error)}", self._place(x)) from error
        if not self._seen.is_settled:
            for block in blocks(y.size):
                self._seen.learn(y[block])
        return y if self._snap is None else self._snap(y)

    @property
    def whole(self) -> bool:
        """Whether all values so far are whole numbers."""
        return self._seen.whole

    @property
    def epsilon(self) -> float:
        """The spacing of the numbers beside 1 in the precision in which f computes, or seems to."""
        return max(self.narrow, self._seen.epsilon)

    def _taken_or_none(self, *called: Any) -> Array | None:
        try:
            return self._taken(*called)
        except FunctionRaisedError:
            return None

    def _taken_or_nan(self, *called: Any) -> Array:
        try:
            return self._taken(*called)
        except FunctionRaisedError:
            return np.full(self.y0.size, np.nan)

    def _go_by_workers(self, there: Array) -> None:
        """Where workers agree with each other, and differ from this process by rounding alone, take their f(X).

        A sum of BLAS has other last bits with another number of threads, and dask gives its workers one each.
        """
        (again,) = self.many([self._x.copy()])
        if same(there, again).all() and jitter_of(self.y0, [there]) <= _LAST_BITS * self.epsilon:
            self.y0, self.deterministic = there.copy(), True

    def _require_same(self, at_x: Array) -> None:
        """Raise NotDeterministicError where another worker's f(X) differs by more than f differs from itself."""
        if at_x.shape == self.y0.shape and not bool(same(at_x, self.y0).all()):
            jitter = jitter_of(self.y0, [at_x])
            if self._snap is None or not jitter <= self._snap.tolerance:
                raise NotDeterministicError("two workers gave different outputs for the same input", jitter)

    @property
    def workers(self) -> int:
        """How many calls are made side by side."""
        return 1 if self._elsewhere is None else self._elsewhere.workers

    def outside(self, x: Array) -> NDArray[np.bool_] | None:
        """Return which entries of a point are outside of the domain; None where none is."""
        if not self.is_bounded:
            return None
        outside = np.asarray((x < self._low) | (x > self._high))
        return outside if outside.any() else None

    @property
    def limits(self) -> tuple[float | Array, float | Array]:
        """The lowest and the highest numbers at which f is known to be defined, for all entries or of each."""
        return self._low, self._high

    def keep_within(self, low: Array, high: Array) -> None:
        """From now on, take what is beyond some ends of each entry for outside of the domain, see ends."""
        self._low, self._high, self.is_bounded = low, high, True

    def limited(self, v: Array, x: Array, t: float) -> Array:
        """Shorten a direction v at x where a step of t to either side would come near the end of the domain."""
        if not self.is_bounded:
            return v
        with np.errstate(all="ignore"):
            room = np.maximum(np.minimum(x - self._low, self._high - x), 0) / (2 * t)
            return np.where(np.isfinite(x), np.clip(v, -room, room), v)

    def moved_by(self, x: Array) -> str:
        """Say by how much the entries of a point differ from X at most, in percent of X's largest; nothing at X."""
        if not self._moves:
            return ""
        with np.errstate(all="ignore"):
            finite = np.isfinite(self._x) & np.isfinite(x)
            farthest = float(np.max(np.abs(x - self._x), initial=0, where=finite))
            size = float(np.max(np.abs(self._x), initial=0, where=finite))
        return "" if not farthest else f"{100 * farthest / size:.3g} %" if size else f"{farthest:.3g}"

    def _place(self, x: Array) -> str:
        moved = self.moved_by(x)
        return f"at a point that was moved by {moved}, not at X, " if moved else ""

    def _checked(self, raw: Any) -> Array:
        array = array_of(raw)
        if self.output_shape is None:
            self.output_shape = array.shape
            if array.dtype.kind == "f" and array.dtype.itemsize < 8:
                self.narrow = float(np.finfo(array.dtype).eps)
        elif array.shape != self.output_shape:
            raise FunctionRaisedError(
                f"the function returned shape {format_shape(array.shape)} after shape "
                f"{format_shape(self.output_shape)} for inputs of one shape"
            )
        if self.evaluations == 1:
            self._first = array  # kept, so that a fresh result cannot be allocated at the same place
        elif self._first is not None:
            self._keeps_a_buffer = np.may_share_memory(array, self._first)
        others = self._keeps_a_buffer or array.base is not None  # f may write into it at the next call
        return np.array(array, dtype=np.float64, copy=others or None).ravel()
