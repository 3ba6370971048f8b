"""Slopes over many steps of a staircase, by least squares: what rounding to a few digits leaves of f. Next: over_steps.

Polynomials are fitted to many values around x (Savitzky & Golay 1964). What f is off them by is noise if it changes its
sign from place to place; of what is off for longer, as a solver's result is, there is the less to average over.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.differences import WIDE
from jacinspect.jacobian.values.sides import Estimate
from jacinspect.jacobian.values.stencil import Kind, Stencil, is_half
from jacinspect.records import replace

__all__ = ["averaged", "averaged_slopes", "few_digits"]

_PLACES = 96  # to each side of x, over a unit of x: a slope of half precision is then known to two digits or three
_WINDOWS = (0.12, 0.25, 0.35, 0.5, 0.71, 1.0)  # of a unit: in shorter ones, noise is too large
_POWERS = 4, 6  # of the polynomials, from 1 on: beside which those of two less show what is left out
_FEW = 2.0**-8, 2.0**-6, 4.0  # of a slope over many steps, in half precision, and of its rounding: two digits or so
_SHIFTS = 6  # three, of all inputs off the line, by about what they are rounded by: an output that reads one is moved
_MOVES = 4  # of f from place to place, in a window: the rest of fewer is no noise
_DEVIATIONS = 4.0  # of the noise, that a bar is wide
_ALIKE = 3.0  # times as much as a solver's results scatter, all are off alike over a unit: twice, by LSODA at 1e-3


def few_digits(epsilon: float) -> float:
    """Return below which part of a slope a bar has to be over many steps, where f is rounded by epsilon."""
    return max(_FEW[is_half(epsilon)], _FEW[2] * epsilon)


def averaged(coarse: Estimate, stencil: Stencil, of_x: float) -> tuple[Estimate, Array]:
    """Take slopes averaged over many steps where they are known to two digits, and the longer steps to less.

    `of_x` is what f rounds x by. In half precision, long steps show f where the other inputs are rounded to, and are
    not believed where an output reads any. Neither is where the two contradict each other. Returned is also where
    slopes are known to two digits.
    """
    elsewhere = _reads_others(stencil, of_x)
    wide = elsewhere | ~(coarse.bar <= WIDE * np.maximum(np.abs(coarse.value), coarse.reached))
    entries, sharper = np.flatnonzero(wide & (not stencil.box.whole)), np.zeros(wide.size, bool)
    if entries.size:
        before = coarse.subset(entries)
        value, bar = averaged_slopes(stencil.subset(entries), of_x)
        known = np.where(elsewhere[entries], np.inf, np.nan_to_num(before.bar, nan=np.inf))
        apart = np.abs(value - before.value) > bar + known
        better = (bar < known) & ~apart
        # What all of f is rounded to hides small slopes; elsewhere they have to be known by themselves.
        few = is_half(stencil.x_epsilon) | (bar <= few_digits(max(stencil.x_epsilon, of_x)) * np.abs(value))
        sharper[entries] = better & few
        after = replace(before, value=value, bar=bar, kind=np.full(few.size, Kind.SMOOTH, np.int8))
        coarse = coarse.replaced(entries[better], after.subset(better))
        coarse.kind[entries[apart & is_half(stencil.x_epsilon)]] = Kind.UNRESOLVED
    return coarse, sharper


def _reads_others(stencil: Stencil, of_x: float) -> Array:
    """Return which outputs are moved by inputs off the line, where x is rounded to half precision inside f."""
    if not is_half(of_x):
        return np.zeros(stencil.y0.size, bool)
    dithered = replace(stencil, dither=of_x).steps([0.0] * _SHIFTS)
    return np.asarray(np.logical_or.reduce([y != stencil.y0 for y in dithered]))


def averaged_slopes(stencil: Stencil, of_x: float) -> tuple[Array, Array]:
    """Return slopes at x and their bars, one for each output: those of the window in which the bar is narrowest.

    Where |x| is large, f may bend over a unit of |x|, and windows in units of 1 are tried as well. Where f rounds x, by
    such a part `of_x`, other inputs are dithered, for the slope would else be that at the point they are rounded to.
    """
    stencil = replace(stencil, dither=of_x)
    alike = 0.0 if is_half(stencil.x_epsilon) else _ALIKE  # rounding is as often up as down
    value, bar = _in_windows(stencil, alike)
    if stencil.step_scale().max() > 1:
        finer, narrower = _in_windows(stencil.scaled(np.ones(stencil.x.shape)), alike)
        value, bar = np.where(narrower < bar, finer, value), np.fmin(narrower, bar)
    return value, bar


def _in_windows(stencil: Stencil, alike: float) -> tuple[Array, Array]:
    """Return the same in the stencil's own unit; results may be off `alike` by so much of their scatter.

    What higher powers would do may be 0 in one window by chance, and is at least what it is in the next narrower one.
    """
    k = np.arange(_PLACES)[:, None]
    t = (k + np.random.default_rng(0).uniform(size=(k.size, 2))) / _PLACES  # even ones would meet roundings that repeat
    values = stencil.steps((t * [-1, 1]).ravel().tolist())
    y = np.array([(left, next(values)) for left in values]) - stencil.y0
    rise, bend = (y[:, 1] - y[:, 0]) / 2, (y[:, 1] + y[:, 0]) / 2
    value, bar = np.zeros(stencil.y0.size), np.full(stencil.y0.size, np.inf)
    for number in _POWERS:
        before = np.full(stencil.y0.size, np.inf)
        for window in _WINDOWS:
            inside = (k < window * _PLACES).ravel()
            left, right = t[inside].T[:, :, None]
            odd, even = np.arange(1, number + 1), np.array([0, 1, *range(2, number, 2)])
            powers = (right**odd - (-left) ** odd) / 2
            slope, noise, scatter = _fitted(powers, rise[inside], 0)
            left_out = np.abs(slope - _fitted(powers[:, :-2], rise[inside], 0)[0])
            kink, of_kink, _ = _fitted((right**even + left**even) / 2, bend[inside], 1)
            off = _DEVIATIONS * noise + np.fmax(left_out, before) + alike * scatter / window
            moves = np.count_nonzero(np.diff(y[inside], axis=0), axis=(0, 1))
            before, better = left_out, (off < bar) & (np.abs(kink) <= _DEVIATIONS * of_kink) & (moves >= _MOVES)
            value, bar = np.where(better, slope, value), np.where(better, off, bar)
    return value / stencil.units(), bar / np.abs(stencil.units())


def _fitted(powers: Array, y: Array, column: int) -> tuple[Array, Array, Array]:
    """Fit polynomials through values y; return one of their coefficients, and its standard deviation.

    The last is the standard deviation of a value, as far as it is not by itself.
    """
    inverse = np.linalg.pinv(powers)
    with np.errstate(all="ignore"):
        rest = y - powers @ (inverse @ y)
        squares = np.sum(rest**2, axis=0)
        alike = np.clip(np.sum(rest[1:] * rest[:-1], axis=0) / squares, 0, 1)  # 0 for noise, 1 for what is smooth
        scatter = np.sqrt(squares / (y.shape[0] - powers.shape[1]) * (1 + alike) / (1 - alike))
        return inverse[column] @ y, scatter * np.linalg.norm(inverse[column]), scatter
