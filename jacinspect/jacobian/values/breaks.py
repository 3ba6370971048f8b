"""Is f smooth in pieces near x, whose slopes differ a little, as what a solver returns? Next: agreement.

An integrator that chooses its steps, an optimiser, or an iteration that stops at a tolerance is smooth between the
places at which it takes another number of steps, and its slope there is off by about as much as the slopes of two
pieces differ. A claim that is off by no more than that is no error that differences could show.
"""

from itertools import islice

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.averages import averaged_slopes
from jacinspect.jacobian.values.first_look import Contradicts, FirstLook, refuted_by
from jacinspect.jacobian.values.last_bits import last_bits_lost
from jacinspect.jacobian.values.numeric import PIECES, Numeric, largest_of_row
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.stairs import FARTHEST, SIDE, Places, leader
from jacinspect.jacobian.values.stencil import Kind, Stencil, own_scale
from jacinspect.records import dataclass, replace

__all__ = ["between_pieces", "in_pieces"]

_ORDER = 9  # of differences: those of a smooth f are then as small as rounding, and a break of 1e-12 stands out
_FINER = 8  # times closer the places are, twice, around the largest difference
_ROUGH = 2.0**9  # differences that shrink by less, from 64 times closer: by 64 at a kink, 4096 where f'' jumps
_ROUNDINGS = 2.0**10  # of f, that a ninth difference (weights up to 126, norm 220) is larger than at a break
_SETTLED = 0.4  # times, from 8 times closer: less is the second kink of two that are close to each other
_GROWS = 4.0  # times, from 64 times closer: what grows is a pole
_FOLLOWED = 1e-3  # of what f ranges over, that half of the ninth differences stay below: else f waves between places
_TINY = float(np.finfo(np.float64).tiny)
_LEAP = 70  # the largest ninth difference of a leap of height 1
_OFF, _BY_LEAPS = 2.0, 16.0  # times as much a slope may be off as two differ, or as a leap makes over its distance
# and where both are small more, for all pieces are off alike: of RK45 at 1e-3, slopes by up to 24 times as much
_ALIKE, _BIAS = 32.0, 2.0**-8  # but no more than so much of a slope: 1 % is found
_BY_MANY = 2.0**9  # times as much as leaps are high within |x|: 130, and of another sign, as measured on RK45 at 1e-3
_ONE_LEAP = 1 / 64  # of a slope, that it may be off at most by one
_ONE_KINK = 2.0**-7  # of a slope, that one turns it by: 0.5 % as measured on RK45 at 1e-3; a larger one is f's own
# Of a slope, that each of several kinks turns it by, where together they turn it by less than a part of what it changes
# by: by 1 to 3 % as measured on RK23 at 1e-3, off by 1 % itself. Rectifiers make most of what a slope changes by.
_TURNS, _TOGETHER = 2.0**-5, 2.0**-3
_OWN_LEAP = 2.0**-4  # of f, that a larger leap is its own, as at a branch cut: a tolerance in use is far smaller
_ROUNDED = 2.0**-8  # of what f moves by, that noise is less: in half precision it is more, and slopes are not known
_OWN_RISE = 2.0**-2  # of what f moves by within half a unit, that leaps of a solver are less: mod(x, 1) leaps by all
# Centers, in units of x, and how far apart the places are, of FARTHEST: half a unit to both sides, and where nothing is
# there, down to 0.04 x, beside 0: Newton's method takes a step less where x is a third as large. Half as far as at
# first, where breaks turn f by more than a solver's do, RK45 at 1e-3 has fainter ones.
_WINDOWS, _HALF = ((0.0, 1.0), (-0.72, 0.5)), 0.5
# Where those show noise or nothing, in units of |x|: the nearest place where RK45 at 1e-3 takes another step may be
# beyond 0, and that where Jacobi's iteration does is seldom within half a unit.
_FAR_WINDOWS = (1.5, 2.0), (-2.0, 2.0)
_SMALL = 2.0**-4  # |x|, below which places are taken in units of |x| as well
_LEAST = 2.0**-31  # of a slope: a claim that is off by less is open anyway, and leaps of rounding show no solver
# Of a slope, that kinks turn it by in a solver that chooses its steps, however many there are: RK23 at 1e-4, by 0.1 %.
_FAINT = 2.0**-8
_CLOSE = 2.0**-20  # of a slope: where those of pieces differ by no more, one is judged, with a bar that includes that
_FEW = 4  # kinks in reach of the places: as measured, solvers have no more, and networks of rectifiers have
_FAINT_KINK = 2.0**-12  # of its slopes: 3e-5 as measured on solve_ivp by BDF, at 1e-3
_ASKED = 4  # colors of which it is asked: some 260 to 450 calls each, and all outputs at once
_WITHIN = 64  # places within a small |x|, down to which a break that is close to it is followed
_STRIDE, _GAP = 3, 2.5  # places from which slopes on both sides of a break are extrapolated, and how far from it


def in_pieces(first: FirstLook, numeric: Numeric, contradicts: Contradicts) -> Numeric:
    """Add what is left open where f is smooth in pieces: claims that are off by a little, or as slopes over many are.

    A few colors are asked, and what the pieces of outputs differ by holds for all entries of outputs that have pieces.
    """
    if numeric.jacobian is first.jacobian:
        return numeric  # nothing was doubted
    known, pattern, large = numeric.stairs, numeric.jacobian.pattern, largest_of_row(first.near, numeric.jacobian)
    refuted = _of_pieces(numeric, np.flatnonzero(refuted_by(numeric.jacobian, numeric.bar, contradicts)))
    on = np.flatnonzero(np.isin(refuted, known.entries))
    places = np.searchsorted(known.entries, refuted[on])
    excused = np.zeros(refuted.size, bool)  # which are asked all the same: the work of f may depend on all its inputs
    excused[on] = ~contradicts(refuted[on], known.other[places], known.bar[places])
    if excused.all():
        return numeric
    off, leaps = _asked(first, numeric, refuted, contradicts, large)
    # Outputs that read an input share the work of f, and are off by parts of it, with or without a break in reach.
    share = np.zeros(pattern.shape[0], bool)
    share[pattern.rows[off[pattern.indices] > 0]] = True
    entries = refuted[~excused]
    entries = entries[share[pattern.rows[entries]]]
    value, slack = numeric.jacobian.data[entries], off.max() * large[entries]
    bar = numeric.bar[entries] + slack
    close, bars = bar <= _CLOSE * np.abs(value), numeric.bar.copy()
    bars[entries[close]] = bar[close]
    pieces = Stairs(entries, np.zeros(entries.size), value, bar, np.zeros(entries.size, bool))
    many = _over_leaps(first, pieces, slack, leaps[pattern.rows[entries]], contradicts)
    pieces = pieces.subset(~close & ~np.isin(entries, many.entries))
    others = known.subset(~np.isin(known.entries, entries))
    return replace(numeric, bar=bars, stairs=Stairs.ascending([others, pieces, many]))


def _of_pieces(numeric: Numeric, entries: Array) -> Array:
    """Return those of some entries that are smooth, or on a kink as faint as those between a solver's pieces."""
    kinks = numeric.kinks
    with np.errstate(all="ignore"):
        faint = kinks.entries[kinks.high - kinks.low <= _FAINT_KINK * np.abs(kinks.high)]
    return np.asarray(entries[(numeric.kind[entries] == Kind.SMOOTH) | np.isin(entries, faint)])


def _asked(
    first: FirstLook, numeric: Numeric, refuted: Array, contradicts: Contradicts, large: Array
) -> tuple[Array, Array]:
    """Return what the pieces of f differ by for each input, in parts of `large`, and how high each output leaps.

    A few colors are asked: those of `refuted` entries whose claims are off by a little, then of others, and where
    neither is in pieces, those of other entries of the same outputs.
    """
    pattern, asked = numeric.jacobian.pattern, 0
    off, leaps = np.zeros(pattern.shape[1]), np.zeros(pattern.shape[0])
    value, colors = numeric.jacobian.data, first.colors[pattern.indices]
    near = refuted[~contradicts(refuted, value[refuted], numeric.bar[refuted] + PIECES * large[refuted])]
    by_little = np.isin(colors, colors[near])
    of_refuted = np.isin(np.arange(pattern.stored), refuted)
    beside = np.isin(pattern.rows, pattern.rows[near]) & ~np.isin(colors, colors[refuted])
    for chosen in (of_refuted & by_little, of_refuted & ~by_little, beside):
        if chosen is beside and off.any():
            break
        for entries, stencil in first.stencils(chosen):
            if asked == _ASKED:
                break
            asked, kinks = asked + 1, numeric.kind[entries] == Kind.KINK
            briefly = not by_little[entries[0]]
            change, height = between_pieces(stencil, value[entries], large[entries], kinks, briefly=briefly)
            with np.errstate(all="ignore"):
                np.fmax.at(off, pattern.indices[entries], change / large[entries])
            np.maximum.at(leaps, pattern.rows[entries], height)
    return off, leaps


def _over_leaps(first: FirstLook, pieces: Stairs, slack: Array, height: Array, contradicts: Contradicts) -> Stairs:
    """Return entries whose claims are off by more than pieces differ by, and no more than as slopes over many leaps.

    Each output leaps by a `height`; what pieces differ by, `slack`, is what slopes over many may be off by as well.
    """
    entries, pattern = pieces.entries, first.jacobian.pattern
    reach = _BY_MANY * height / own_scale(first.near.x.reshape(-1))[pattern.indices[entries]]
    left = contradicts(entries, pieces.other, pieces.bar) & ~contradicts(entries, pieces.other, pieces.bar + reach)
    chosen = np.zeros(pattern.stored, bool)
    chosen[entries[left]] = True
    found = [pieces.subset(np.zeros(entries.size, bool))]
    for here, stencil in islice(first.stencils(chosen), _ASKED):
        places = np.searchsorted(entries, here)
        mean, bar = averaged_slopes(stencil, 0.0)
        many = Stairs(here, height[places], mean, bar + slack[places], np.zeros(here.size, bool))
        found.append(many.subset(~contradicts(here, many.other, many.bar)))
    return Stairs.ascending(found)


def between_pieces(
    stencil: Stencil, value: Array, size: Array, kinks: Array, *, briefly: bool = False
) -> tuple[Array, Array]:
    """Return by how much slopes may be off as f is smooth in pieces alone, 0 where it is not, and how high it leaps.

    So may they be where f has lost last bits of 1. `size` is what a slope is small against, of each output; on `kinks`,
    there have to be other breaks beside that at x. `briefly`, none is sought far away unless there is one around x.
    """
    (off, height), pieces = np.zeros((2, value.size)), np.zeros(value.size, bool)
    far = stencil.scaled(own_scale(stencil.x))
    # Beside a small x, half a unit away is far more than a solver's next step.
    near = [stencil, far] if np.abs(stencil.x).max() < _SMALL else [stencil]
    windows = [(each, window) for each in near for window in _WINDOWS] + [(far, window) for window in _FAR_WINDOWS]
    for number, (within, window) in enumerate(windows):
        again = np.flatnonzero(~pieces)
        if again.size and not (briefly and number and not off.any()):
            given = value[again], size[again], kinks[again]
            center, apart = np.full(again.size, window[0]), np.full(again.size, window[1] * FARTHEST)
            change, shown, leap = _in_window(within.subset(again), *given, (center, apart))
            off[again], height[again] = np.maximum(off[again], change), np.maximum(height[again], leap)
            pieces[again] |= shown
    lost = last_bits_lost(stencil, value)
    return np.select([lost, pieces], [PIECES * np.abs(value), off], 0), np.where(pieces & ~lost, height, 0)


def _in_window(
    stencil: Stencil, value: Array, size: Array, kinks: Array, window: tuple[Array, Array]
) -> tuple[Array, Array, Array]:
    """Return what slopes may be off by, where breaks are a solver's, and how high f leaps, at places around a center.

    Close to a small x, f may bend within |x|: what is a break from afar is followed until places are closer than that.
    Where breaks around x are no solver's, those half as far away may be.
    """
    seen = _Break.in_window(stencil, value, window)
    if seen is None:
        return np.zeros(value.size), np.zeros(value.size, bool), np.zeros(value.size)
    first, last, alone = seen.first, seen.last, seen.alone
    # A kink shrinks by 64 in all, a leap not at all, and by less than 32 what is both.
    leap = last > np.maximum(first / _FINER, _SETTLED * seen.middle)
    several = seen.many > 2 * _ORDER  # two breaks make no more
    turn, height = _turn(seen.places, seen.cell), last / _LEAP
    # A kink by itself is f's own, and so are many, unless they are faint, and steep ones: networks of rectifiers.
    few = seen.many <= _FEW * _ORDER
    shown = leap | ~few | (window[0] == 0)  # a few kinks elsewhere do not show that it is a solver
    together = several & (turn * seen.many / _ORDER <= _TOGETHER * seen.change)
    most = np.select([leap, together, few], [PIECES, _TURNS, _ONE_KINK], _FAINT) * size
    bend = alone & ~kinks & shown & (turn <= most)
    turn = np.where(together & ~leap, np.minimum(turn, _ONE_KINK * size), turn)
    turn, tilt = np.where(bend, turn, 0), np.where(last > 2 * first / _FINER**2, height / seen.apart, 0)
    leaps = np.minimum(_BY_LEAPS * tilt, np.select([alone & leap & several, leap], [PIECES, _ONE_LEAP], _FAINT) * size)
    off = _OFF * turn + leaps
    off = np.maximum(off, np.minimum(_ALIKE * np.maximum(turn, tilt), _BIAS * size))
    broken = seen.persists & ~seen.is_noise & (height <= _OWN_LEAP * np.abs(seen.places.y).max(axis=0))
    off = np.where(broken, off, 0)
    pieces = (off >= _LEAST * size) & (bend | (leap & several) | ~alone)
    height = height * (leap & several & broken & (height <= _OWN_RISE * seen.rise))
    blurred = seen.is_blurred
    again = np.flatnonzero(blurred | (broken & ~pieces & (window[0] == 0) & (window[1] == FARTHEST)))
    if again.size:
        start = np.where(blurred, seen.places.start, 0)[again]
        apart = np.where(blurred, seen.places.spacing, _HALF * FARTHEST)[again]
        given = value[again], size[again], kinks[again]
        change, pieces[again], height[again] = _in_window(stencil.subset(again), *given, (start, apart))
        off[again] = np.maximum(np.where(blurred[again], 0, off[again]), change)
    return off, pieces, height


@dataclass(frozen=True, eq=False)
class _Break:
    """The largest ninth difference in a window, as seen from afar (`first`), 8 and 64 times closer (`last`).

    `persists` says where it is a break and no bend, `alone` where others are so far away that slopes beside it can be
    had; `apart` is its distance from x or, if that is less, from the next. `many` are large from afar. `change` is what
    slopes change by between all places, seen from afar, as far as the largest of an output is not larger than this one.
    `rise` is what f moves by between all places. What is large between most places, 8 or 64 times closer, `is_noise`.
    """

    places: Places
    cell: Array
    first: Array
    middle: Array
    last: Array
    persists: Array
    alone: Array
    apart: Array
    many: Array
    change: Array
    rise: Array
    is_noise: Array

    @classmethod
    def in_window(cls, stencil: Stencil, value: Array, window: tuple[Array, Array]) -> "_Break | None":
        """Follow the largest difference; None where all are as small as rounding."""
        start, spacing = window
        sizes, large, changes, rises = [], [], [], []
        columns = np.arange(value.size)
        for _ in range(3):
            places = Places.at(stencil, spacing, start if start.any() else None)
            ninth, y = places.differences(_ORDER), np.nan_to_num(places.y, posinf=0, neginf=0)
            bits = stencil.epsilon * (np.abs(y).max(axis=0) + np.abs(value) * stencil.step_scale()) + _TINY
            if not (ninth.max(axis=0) > _ROUNDINGS * bits).any():
                return None
            cell = np.clip(ninth.argmax(axis=0)[leader(places.inputs, ninth.max(axis=0) / bits)], 1, ninth.shape[0] - 2)
            rises.append(np.ptp(y, axis=0))
            large.append(np.count_nonzero(ninth >= ninth.max(axis=0) / _FINER**2, axis=0))
            sizes.append(ninth[cell + np.arange(-1, 2)[:, None], columns].max(axis=0))
            changes.append(
                np.ptp(places.differences(1), axis=0) / places.width * (sizes[-1] / (ninth.max(axis=0) + _TINY))
            )
            start = start + (cell + _ORDER / 2 - SIDE) * places.spacing
            spacing = places.spacing / _FINER
        first, middle, last = sizes
        persists = (last > first / _ROUGH) & (last < _GROWS * first) & (last > _ROUNDINGS * bits)
        persists &= np.median(ninth, axis=0) < _FOLLOWED * np.max(rises, axis=0)
        beside = np.abs(np.arange(ninth.shape[0])[:, None] - cell) > _ORDER
        alone = (ninth * beside).max(axis=0) < last / 8
        next_one = 2 * SIDE * window[1] * _ORDER / large[0]
        distance = np.minimum(np.abs(start), next_one) * np.abs(stencil.units())
        distance = np.where(alone, distance, _ORDER * places.width)
        noise = (np.maximum(large[1], large[2]) > SIDE) & (last <= _ROUNDED * rises[0])
        return cls(places, cell, first, middle, last, persists, alone, distance, large[0], changes[0], rises[0], noise)

    @property
    def is_blurred(self) -> Array:
        """Where it is close to a small x, and places are so far apart that f may bend between them within |x|."""
        stencil, width = self.places.stencil, self.places.width
        x = np.abs(stencil.widths(1.0)[2])
        close = np.abs(self.places.start * stencil.units()) <= _ORDER * width + x
        return np.asarray(close & (x > _TINY) & (width > x / _WITHIN))


@np.errstate(all="ignore")
def _turn(places: Places, cell: Array) -> Array:
    """Return by how much the slopes on both sides of a break differ, each extrapolated from four places."""
    columns, far = np.arange(cell.size), np.arange(4)
    # of the places that a difference is made of, or left of them
    before = _ORDER // 2 - int(_GAP - 0.5) - _STRIDE * far
    after = _ORDER - before
    first = np.clip(cell, -before[-1], 2 * SIDE - after[-1])[:, None]
    # the derivative at the break, of a cubic through places that are so many of them away
    weights = np.linalg.solve((-_GAP - _STRIDE * far) ** far[:, None].astype(float), [0, 1, 0, 0])
    low, high = places.y[first + before, columns[:, None]], places.y[first + after, columns[:, None]]
    return np.asarray(np.nan_to_num(np.abs((low + high) @ weights), nan=np.inf) / places.width)
