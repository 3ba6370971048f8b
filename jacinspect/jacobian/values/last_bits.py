"""Has a tiny f lost last bits of 1? Asked where it has risen above them. Next: breaks.

In an entropy, p log p of a small p is right, and what a probability that rounds to 1 adds is lost. Where all of f is
far below the last bit of 1, it is smooth all the same, with a slope that is off by a few percent.
"""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.stairs import inputs_of, leader
from jacinspect.jacobian.values.stencil import Stencil, finite

__all__ = ["last_bits_lost"]

# In roundings of 1: how large f is where it shows whether its last bits are those of 1, to within a factor.
_SHOWN, _WITHIN = 2.0**12, 2.0**4
# Distances at which f is followed, from |f / f'| to a unit of x, each so many times longer than the last or more: small
# ratios, for f may fall again, as p log p does. And how often the last is halved: to 1/256 of its logarithm.
_DISTANCES, _RATIO, _HALVINGS = 24, 1.5, 8
# So many places, a part of |f / f'| apart over which a power is smooth: not 1/64, for where f is 2¹² last bits of 1, it
# moves by 64 of these then, and each place would be rounded alike. A ninth difference of a leap.
_PLACES, _APART, _BITS = 18, 1 / 61, 70
_COARSE = 2.0**6  # last bits of f itself there, that it moves by at least where terms of 1 have lost theirs
_STRAIGHT = 2.0**-6  # of f, that may lie between it and its line: 64 of the 2¹² last bits of 1 that f is then
_DECADE = 4  # powers of 2, that a relative rounding to digits may differ by, and a little more
_BEYOND = 1 / 8  # of the distance: so much farther, f shows its |f / f'| there, and is still a power


def last_bits_lost(stencil: Stencil, value: Array) -> Array:
    """Return where f is far below the last bit of 1 at x, has a slope `value`, and has risen to move in such bits."""
    found = np.zeros(value.size, bool)
    faint = np.flatnonzero((np.abs(stencil.y0) < stencil.epsilon * _SHOWN / _WITHIN) & (stencil.y0 * value != 0))
    if faint.size:
        found[faint] = _lost(stencil.subset(faint), value[faint])
    return found


@np.errstate(all="ignore")
def _lost(stencil: Stencil, value: Array) -> Array:
    """Follow f to where it is a few thousand times the last bit of 1, and look there whether it moves in such bits."""
    first, columns = leader(inputs_of(stencil), np.abs(value)), np.arange(value.size)
    unit = (stencil.y0 / value / stencil.units())[first]  # by which f rises to about e times as much, if it is a power
    ratio = np.maximum(_RATIO, np.abs(unit) ** (-1 / _DISTANCES))
    far = ratio ** np.arange(_DISTANCES)[:, None]
    y = np.array([*stencil.steps([*(far * unit)])])
    high = far[(np.abs(y) > _SHOWN * stencil.epsilon)[:, first].argmax(axis=0), columns]
    low = high / ratio
    for _ in range(_HALVINGS):
        middle = np.sqrt(low) * np.sqrt(high)  # whose product may overflow
        above = (np.abs(stencil.step(middle * unit)) > _SHOWN * stencil.epsilon)[first]
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    start = high * unit
    before, after = stencil.steps([start, start * (1 + _BEYOND)])
    apart = finite((start * _APART * _BEYOND / np.abs(np.log(after / before)))[first])
    bits, size = _moved(stencil, start, apart)
    own, least = _moved(stencil, np.zeros(value.size), unit * _APART)
    shown = (bits > _COARSE * stencil.epsilon * size) & (size > _SHOWN / _WITHIN) & (size < _SHOWN * _WITHIN)
    # Bits of 1 are as high at x, or none; what is rounded to a few digits moves by as much less as it is smaller.
    lower, smaller = np.log2(bits / own), np.log2(size / least)
    shown &= ~((smaller / 2 <= lower) & (lower <= smaller + _DECADE))
    line = stencil.y0 + value * start * stencil.units()
    shown &= ~(np.abs(before - line) <= _STRAIGHT * np.abs(line))  # else the slope is that over longer steps as well
    return np.asarray(shown)


def _moved(stencil: Stencil, start: Array, apart: Array) -> tuple[Array, Array]:
    """Return how high the steps are in which f moves from a place on, and how large it is, in last bits of 1."""
    y = np.array([*stencil.steps([start + k * apart for k in range(_PLACES)])]) / stencil.epsilon
    return np.abs(np.diff(y, 9, axis=0)).max(axis=0) / _BITS, np.abs(y).max(axis=0)
