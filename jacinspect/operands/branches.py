"""A random operand that reaches both sides of each kink that its function is declared to have. Next: inspection."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["reaching"]

Array: TypeAlias = npt.NDArray[np.floating]


def reaching(x: Array, bends: Sequence[float], domain: tuple[float, float], seed: int) -> Array:
    """Move entries of a random operand to where it has none: below, between or above `bends`.

    Parameters
    ----------
    x
        The operand, of any shape; it is returned as it is where it has an entry in each place already.
    bends
        The points where f has another slope or value to either side.
    domain
        The interval that entries have to stay in.
    seed
        Draws the entries that are moved, and where to.

    Returns
    -------
    x
        The operand, or a copy with one entry more in each place that had none, as long as another place has several.
    """
    if x.dtype.kind == "c":  # no number is below another
        return x
    rng = np.random.default_rng([seed, 7])
    low, high = domain
    ends = [low, *sorted({float(bend) for bend in bends if low < bend < high}), high]
    places = list(pairwise(ends))
    missed = [(start, stop) for start, stop in places if not np.any((start < x) & (x < stop))]
    flat = x.flatten() if missed else x.ravel()
    for start, stop in missed:
        place = np.searchsorted(ends[1:-1], flat)
        crowded = np.flatnonzero(np.bincount(place, minlength=len(places))[place] > 1)
        if crowded.size:
            flat[rng.choice(crowded)] = _between(start, stop, rng)
    return flat.reshape(x.shape)


def _between(start: float, stop: float, rng: np.random.Generator) -> float:
    """Draw a number well inside an interval: about a unit from its end where the other one is infinite."""
    if np.isfinite(start) and np.isfinite(stop):
        return float(rng.uniform(start + 0.2 * (stop - start), stop - 0.2 * (stop - start)))
    beyond = rng.uniform(0.5, 1.5)
    return float(stop - beyond if np.isfinite(stop) else start + beyond)
