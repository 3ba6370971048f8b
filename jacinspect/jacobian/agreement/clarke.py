"""Is a claim a mean of derivatives close to x? Where f has none at x, as an order statistic of equal numbers.

That is Clarke's generalized gradient (1975), in which the derivatives of all libraries lie: of a median of three equal
numbers it is spanned by the slopes 1 by one of them. f is differenced by single inputs at random points close to x.
Next: agreement.
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.jacobian.agreement.comparison import Comparison
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.rough import Kinks
from jacinspect.jacobian.values.stencil import Kind, step_scale
from jacinspect.records import replace

__all__ = ["with_generalized_gradients"]

_POINTS = 32  # close to x: of four equal inputs, each is the largest at some, but for one case in 2,500
_INPUTS = 16  # that the outputs read, at most: 17 calls for each point
_NEAR, _STEP = 2.0**-14, 2.0**-26  # the points, and the steps there, in units of x: few steps change an order
_ROUNDINGS = 8  # of f, that a difference may be off by
_DIRECTIONS = 2**12  # in which a claim is no farther out than the derivatives are


def with_generalized_gradients(
    near: Neighbourhood, comparison: Comparison, rows: Array, rng: np.random.Generator, limit: int
) -> Numeric:
    """Return the numeric Jacobian with kinks in those outputs of `rows` whose claim is a mean of close derivatives.

    Their slopes are the smallest and the largest of those. `limit` is the number of calls of f, in all, at which to
    stop.
    """
    numeric, pattern = comparison.numeric, comparison.numeric.jacobian.pattern
    inputs = np.unique(pattern.of_outputs(rows).indices)
    if not 0 < inputs.size <= _INPUTS or near.box.evaluations + _POINTS * (inputs.size + 1) > limit:
        return numeric
    gradients, off = _close(near, rows, inputs, rng)
    kinks, kind = [numeric.kinks], numeric.kind.copy()
    for number, row in enumerate(rows):
        entries = np.arange(*pattern.indptr[row : row + 2])
        slopes = gradients[:, number, np.searchsorted(inputs, pattern.indices[entries])]
        claim = comparison.claimed[entries]
        if _is_mean(claim, slopes, off[number], rng):
            slopes = np.vstack([slopes, claim])  # they miss it by rounding, and by the curvature of f
            low, high = slopes.min(axis=0), slopes.max(axis=0)
            new = (high - low > off[number]) & ~np.isin(entries, numeric.kinks.entries)
            kinks.append(Kinks(entries[new], low[new], high[new]))
            kind[entries[new]] = Kind.KINK
    return replace(numeric, kind=kind, kinks=Kinks.ascending(kinks))


@np.errstate(all="ignore")
def _close(near: Neighbourhood, rows: Array, inputs: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return derivatives at points close to x, (points, outputs, inputs), and what they are off by, of each output."""
    x, box = near.x.reshape(-1), near.box
    unit = step_scale(x)
    gradients = np.empty((_POINTS, rows.size, inputs.size))

    shifts = _NEAR * unit[inputs] * rng.standard_normal((_POINTS, inputs.size))
    starts = (x[inputs] + shifts).astype(near.x.dtype)
    ends = (starts + _STEP * unit[inputs]).astype(near.x.dtype)
    widths = ends.astype(float) - starts

    def points() -> Iterator[Array]:
        for start, end in zip(starts, ends, strict=True):
            for place in range(-1, inputs.size):
                point = x.copy()
                point[inputs] = np.where(np.arange(inputs.size) == place, end, start)
                yield point.reshape(near.x.shape)

    values = (y[rows] for y in box.many_where_defined(points()))
    for number in range(_POINTS):
        before = next(values)
        for place in range(inputs.size):
            gradients[number, :, place] = (next(values) - before) / widths[number, place]
    size = np.abs(box.y0[rows]) + np.abs(gradients * unit[inputs]).max(axis=(0, 2))
    return gradients, _ROUNDINGS * near.epsilon * size / (_STEP * unit[inputs].min())


def _is_mean(claim: Array, gradients: Array, off: float, rng: np.random.Generator) -> bool:
    """Whether a claim is in the convex hull of some gradients, as far as many directions show."""
    size = claim.size
    directions = np.vstack([np.eye(size), np.ones(size), rng.standard_normal((_DIRECTIONS, size))])
    rises, farthest = directions @ claim, directions @ gradients.T
    slack = off * np.abs(directions).sum(axis=1)
    inside = (rises <= farthest.max(axis=1) + slack) & (rises >= farthest.min(axis=1) - slack)
    return bool(inside.all())
