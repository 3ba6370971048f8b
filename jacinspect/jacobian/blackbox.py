"""The function as a black box on whole arrays: its calls are counted, its contract is checked. Next: detection."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import FunctionFailedError, FunctionRaisedError, InputError, raised
from jacinspect.jacobian.jitter import Snap, jitter_of
from jacinspect.wording import format_shape

__all__ = ["Array", "BlackBox", "Domain", "blocks", "same"]

Array: TypeAlias = NDArray[Any]
Domain = tuple[float, float]

_BLOCK = 2**15  # entries, 256 KiB of float64: the temporaries of a block stay in the processor's cache

_KEPT = 2**24  # numbers kept for another who asks, 128 MiB
_REPEATS = 6  # calls at X, besides two, from which the jitter is measured
_FORMATS = (8, 11, 24, 53)  # the bits of bfloat16, float16, float32 and float64
# The bits that values are tried with, in this order. Numbers that all need a bit less than a format has are not of that
# format, which is why 7, 10 and 23 stand beside 8, 11 and 24; with 4 or fewer they could be of any.
_BITS = (4, 7, 8, 10, 11, 23, 24, 53)


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


def _bits(y: Array) -> int:
    """Return how many significant bits numbers have at most; 53 where some are beyond the range of float32."""
    mantissa, exponent = np.frexp(y[np.isfinite(y) & (y != 0)])
    if not mantissa.size:
        return 0
    if exponent.min() <= -149 or exponent.max() > 128:
        return 53
    whole = np.bitwise_or.reduce(np.abs(mantissa * 2.0**53).astype(np.int64))
    return 54 - int(whole & -whole).bit_length()


class BlackBox:
    """A callable array -> array, called only with fresh arrays of one shape.

    Called with an array of `x`'s shape, it returns the output flat (row-major, float64). It counts its `evaluations`,
    and notes whether f is `deterministic`, by how much of its values it differs from itself where it is not (`jitter`;
    values that differ by no more are made equal, see jitter.py), whether it `mutates` its argument, and whether
    everything it has returned so far is a whole number (`whole`); `epsilon` is that of the output's own precision, if
    that is `narrow`, or else of the narrowest precision that all values fit in, as of a function that computes in
    float32. `domain` is the closed interval where f is declared to be defined: an entry outside it is put back to where
    it is at X before f is called (`is_bounded`: there are such numbers). `progress` is a callback for every call, with
    the number of calls so far.

    Raises FunctionRaisedError when f raises, and FunctionFailedError when it returns something that is not one array of
    real numbers of one shape; both say how far from X that was.
    """

    def __init__(
        self,
        f: Callable[[Array], Any],
        x: Array,
        progress: Callable[[int], None] = lambda _: None,
        domain: Domain = (-np.inf, np.inf),
    ) -> None:
        self._f, self._x, self._progress, self.domain = f, x, progress, domain
        self.is_bounded = domain != (-np.inf, np.inf)
        self._moves = False  # for now it is called at X alone, which f may have changed when it raises
        self._first: Array | None = None
        self._keeps_a_buffer = False
        self._snap: Snap | None = None
        self._kept: dict[int, Array] = {}
        self.jitter = 0.0
        self.evaluations, self.narrow = 0, 0.0
        self.whole, self._bits = True, _BITS[0]
        self.output_shape: tuple[int, ...] | None = None
        argument = x.copy()
        self.y0 = self(argument).copy()  # a copy: f may return the same buffer, or its argument, every time
        self.mutates = not bool(same(argument, x).all())
        argument = x.copy()
        again = self(argument)
        self.mutates |= not bool(same(argument, x).all())
        self._first = None
        self.deterministic = self.mutates or bool(same(self.y0, again).all())
        if not self.deterministic:
            repeats = self.many(x.copy() for _ in range(_REPEATS))
            self.jitter = jitter_of(self.y0, [again, *repeats])
            self._snap = Snap(self.jitter)
            self._snap(self.y0)
        self._moves = True

    @np.errstate(all="ignore")  # which as a decorator takes half the time
    def __call__(self, x: Array) -> Array:
        """Return f(x), flat; the caller must not use x again, for f may have changed it."""
        known = self._known(x)
        if known is not None:
            return known
        self.evaluations += 1
        self._progress(self.evaluations)
        outside = self.outside(x)
        x = x if outside is None else np.where(outside, self._x, x)
        try:
            y = self._checked(self._f(x))
        except InputError:  # already worded for the user
            raise
        except FunctionFailedError as error:
            place = self._place(x)
            raise FunctionFailedError(f"{place}{error}") if place else error from error.__cause__
        except (Exception, SystemExit) as error:
            raise FunctionRaisedError(f"{self._place(x)}the function raised {raised(error)}") from error
        if self.whole or self._bits < _BITS[-1]:
            for block in blocks(y.size):
                self._learn(y[block])
        return y if self._snap is None else self._snap(y)

    def _learn(self, y: Array) -> None:
        """Note from values in which precision they may have been computed."""
        self.whole = self.whole and bool(np.all((y == np.floor(y)) | ~np.isfinite(y)))
        if self._bits < _BITS[-1]:
            needed = _bits(y)
            self._bits = max(self._bits, next(bits for bits in _BITS if bits >= needed))

    @property
    def epsilon(self) -> float:
        """The spacing of the numbers beside 1 in the precision in which f computes, or seems to."""
        if self.narrow:
            return self.narrow
        # 0, ½, 1 and whole numbers have so few bits in every precision, and say nothing of it
        known = not self.whole and self._bits in _FORMATS
        return 2.0 ** (1 - (self._bits if known else _BITS[-1]))

    def many(self, points: Iterable[Array]) -> Iterator[Array]:
        """Yield f, flat, at points none of which depends on a value of f at another."""
        return map(self, points)

    def where_defined(self, x: Array) -> Array:
        """Return f(x), flat, or NaN throughout if f raises, as it may outside its domain."""
        y = self._unless_raised(x)
        return np.full(self.y0.size, np.nan) if y is None else y

    def many_where_defined(self, points: Iterable[Array]) -> Iterator[Array]:
        """Yield what `where_defined` returns, at points as of `many`."""
        return map(self.where_defined, points)

    def many_unless_raised(self, points: Iterable[Array]) -> Iterator[Array | None]:
        """Yield f, flat, or None where f raises, at points as of `many`."""
        return map(self._unless_raised, points)

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

    def _known(self, x: Array) -> Array | None:
        """Return f(x) if it was kept, for the one who asks for it again."""
        return self._kept.pop(hash(x.tobytes()), None) if self._kept else None

    def _unless_raised(self, x: Array) -> Array | None:
        try:
            return self(x)
        except FunctionRaisedError:
            return None

    def outside(self, x: Array) -> NDArray[np.bool_] | None:
        """Return which entries of a point are outside of the domain; None where none is."""
        if not self.is_bounded:
            return None
        low, high = self.domain
        outside = np.asarray((x < low) | (x > high))
        return outside if outside.any() else None

    def limited(self, v: Array, x: Array, t: float) -> Array:
        """Shorten a direction v at x where a step of t to either side would come near the end of the domain."""
        if not self.is_bounded:
            return v
        low, high = self.domain
        with np.errstate(all="ignore"):
            room = np.maximum(np.minimum(x - low, high - x), 0) / (2 * t)
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
        if isinstance(raw, tuple | list) and any(getattr(part, "shape", ()) for part in raw):
            what = f"a {type(raw).__name__} of {len(raw)}, arrays among them"
            raise FunctionFailedError(f"the function returned {what}; it has to return one array")
        try:
            array = np.asarray(raw)
        except ValueError as error:
            raise FunctionFailedError(f"the function returned a {type(raw).__name__} that is no array") from error
        if array.dtype.kind not in "fiub":
            what = {"c": "complex numbers", "O": "an array of objects"}.get(array.dtype.kind, "")
            what = (
                what if isinstance(raw, np.ndarray) and what else "None" if raw is None else f"a {type(raw).__name__}"
            )
            raise FunctionFailedError(f"the function returned {what}; an array of real numbers is needed")
        if self.output_shape is None:
            self.output_shape = array.shape
            if array.dtype.kind == "f" and array.dtype.itemsize < 8:
                self.narrow = float(np.finfo(array.dtype).eps)
        elif array.shape != self.output_shape:
            raise FunctionFailedError(
                f"the function returned shape {format_shape(array.shape)} after shape "
                f"{format_shape(self.output_shape)} for inputs of one shape"
            )
        if self.evaluations == 1:
            self._first = array  # kept, so that a fresh result cannot be allocated at the same place
        elif self._first is not None:
            self._keeps_a_buffer = np.may_share_memory(array, self._first)
        others = self._keeps_a_buffer or array.base is not None  # f may write into it at the next call
        return np.array(array, dtype=np.float64, copy=others or None).ravel()
