"""Slopes over many steps of a staircase, by least squares: what rounding to a few digits leaves of f. Next: ladder.

Polynomials are fitted to many values around x (Savitzky & Golay 1964). What f is off them by is noise if it changes its
sign from place to place; of what is off for longer, as a solver's result is, there is the less to average over.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.stencil import Stencil, is_half

__all__ = ["averaged"]

_SIDE = 96  # places to each side of x, over a unit of x: a slope of half precision is then known to two digits or three
_WINDOWS = (0.12, 0.25, 0.35, 0.5, 0.71, 1.0)  # of a unit: in shorter ones, noise is too large
_POWERS = 5, 7  # of the polynomials, from 0 on: to 4 and 6, beside which those to 2 less show what is left out
_DEVIATIONS = 4.0  # of the noise, that a bar is wide
_ALIKE = 3.0  # times as much as a solver's results scatter, all are off alike over a unit: twice, by LSODA at 1e-3


def averaged(stencil: Stencil) -> tuple[Array, Array]:
    """Return slopes at x and their bars, one for each output: those of the window in which the bar is narrowest.

    Where |x| is large, f may bend over a unit of |x|, and windows in units of 1 are tried as well.
    """
    value, bar = _averaged(stencil)
    if stencil.step_scale().max() > 1:
        finer, narrower = _averaged(stencil.scaled(np.ones(stencil.x.shape)))
        value, bar = np.where(narrower < bar, finer, value), np.fmin(narrower, bar)
    return value, bar


def _averaged(stencil: Stencil) -> tuple[Array, Array]:
    """Return the same in the stencil's own unit.

    What higher powers would do may be 0 in one window by chance, and is at least what it is in the next narrower one.
    """
    k = np.arange(-_SIDE, _SIDE + 1)
    t = (k + np.random.default_rng(0).uniform(-0.5, 0.5, k.size)) / _SIDE  # even ones would meet roundings that repeat
    y = np.array([each - stencil.y0 for each in stencil.steps(t.tolist())])
    value, bar = np.zeros(stencil.y0.size), np.full(stencil.y0.size, np.inf)
    shared = 0.0 if is_half(stencil.x_epsilon) else _ALIKE  # rounding is as often up as down
    for number in _POWERS:
        before = np.full(stencil.y0.size, np.inf)
        for window in _WINDOWS:
            inside = np.abs(k) <= window * _SIDE
            *fitted, scatter = _fitted(t[inside] / window, y[inside], number)
            slope, noise, left_out = (each / window for each in fitted)
            off = _DEVIATIONS * noise + np.fmax(left_out, before) + shared * scatter
            before, better = left_out, off < bar
            value, bar = np.where(better, slope, value), np.where(better, off, bar)
    return value / stencil.units(), bar / np.abs(stencil.units())


def _fitted(t: Array, y: Array, number: int) -> tuple[Array, Array, Array, Array]:
    """Return slopes at 0 of polynomials through values at t, their standard deviations, and what higher powers do.

    The polynomials have so many powers. The last is the standard deviation of a value, as far as it is not by itself.
    """
    powers = t[:, None] ** np.arange(number)
    inverse = np.linalg.pinv(powers)
    coarse = np.linalg.pinv(powers[:, :-2])[1]
    with np.errstate(all="ignore"):
        rest = y - powers @ (inverse @ y)
        squares = np.sum(rest**2, axis=0)
        alike = np.clip(np.sum(rest[1:] * rest[:-1], axis=0) / squares, 0, 1)  # 0 for noise, 1 for what is smooth
        scatter = np.sqrt(squares / (t.size - number) * (1 + alike) / (1 - alike))
        slope = inverse[1] @ y
        return slope, scatter * np.linalg.norm(inverse[1]), np.abs(slope - coarse @ y), scatter
