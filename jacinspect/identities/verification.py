"""The tensor identities, verified on the user's numbers: a function and an operand in, an IdentityReport out.

First those of any vectors and matrices (of_arrays.py), then those of A = f(X) with A' (of_functions.py), then those
between the arrangements of ∂A/∂X (arrangements.py).
"""

from collections.abc import Callable, Iterator

import numpy as np

from jacinspect import __version__
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.function import Array, Function
from jacinspect.identities.arrangements import Arrangements
from jacinspect.identities.identity import Identity
from jacinspect.identities.of_arrays import matrix_identities, vector_identities
from jacinspect.identities.of_functions import ElementWise, without_slopes
from jacinspect.identities.report import IdentityReport
from jacinspect.identities.rule import Rule, rule_at
from jacinspect.identities.tensors import LARGEST_BUILT, fits
from jacinspect.inspection.findings import mutates_input, not_deterministic
from jacinspect.inspection.sections import OperandReport
from jacinspect.inspection.subject import black_box, declared, operand_epsilon
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.values.stencil import step_scale

__all__ = ["verify_identities"]

_FEWEST_SLICES = 2  # ∂A/∂X_pq that are compared, however large they are: a single one could not be in the wrong place


def verify_identities(
    function: Function,
    x: Array,
    *,
    seed: int = 0,
    source: str = "array",
    vec: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> IdentityReport:
    """Verify every identity on f at X, a vector or a matrix, with dX and ∂L/∂A drawn at random.

    Parameters
    ----------
    function, x
        f with its analytic rule, and a float array of one or two axes.
    seed, source
        The seed of everything random; where x comes from.
    vec
        The order, "column" or "row", of the rows and columns of a user's own M×N derivative.
    progress
        A callback for every call of the function, with the number of calls so far.

    Raises
    ------
    InputError
        When X is neither a vector nor a matrix, f has no analytic derivative, or has a vjp alone and its Jacobian is
        too large to be built.
    FunctionFailedError
        When f or its derivative raises or breaks its contract, is not deterministic, or changes its argument.
    """
    if x.ndim not in (1, 2):
        raise InputError(
            f"the identities are of vectors and matrices, and X has {x.ndim} axes; "
            "give it one or two, such as --shape 4 or --shape 2x3"
        )
    box, point = black_box(function, x, progress)
    if box.mutates or not box.deterministic:
        end = mutates_input() if box.mutates else not_deterministic(box.jitter, function.reseed)
        raise FunctionFailedError(end.message)
    assert box.output_shape is not None
    return IdentityReport(
        version=__version__,
        function=declared(function),
        operand=OperandReport(function.operands[0], 1, x, source, seed),
        output_shape=box.output_shape,
        identities=tuple(_identities(function, box, point, np.random.default_rng([seed, 1]), vec)),
    )


def _identities(
    function: Function, box: BlackBox, x: Array, rng: np.random.Generator, vec: str | None
) -> Iterator[Identity]:
    """Verify every identity: of any vectors, of any matrices, with A', and between the arrangements of ∂A/∂X."""
    assert box.output_shape is not None
    directions = _directions(box, x, rng)
    # BlackBox reads the precision of f off its values, which at x alone may be special, such as whole numbers.
    box((x + directions[0] / 8).astype(x.dtype))
    complete = fits(box.y0.size, x.size)
    rule = rule_at(function, x, box.output_shape, vec, complete)
    slices = np.arange(x.size)
    affordable = max(LARGEST_BUILT // max(box.y0.size, 1), _FEWEST_SLICES)
    if not complete and affordable < x.size:
        slices = np.sort(rng.choice(x.size, affordable, replace=False))
    sample = "" if complete else _sample(slices.size, x)
    yield from _of_arrays(x, directions[0])
    if box.output_shape != x.shape:
        yield from without_slopes(box.output_shape, x.shape)
    else:
        yield from _element_wise(box, rule, directions, slices, sample).identities()
    if x.ndim == 2:
        yield from Arrangements(rule, slices, sample).identities()


def _directions(box: BlackBox, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw dX and ∂L/∂A, 0 where X or A is not finite."""
    with np.errstate(over="ignore"):
        direction = rng.standard_normal(x.shape) * step_scale(x)
    dx = np.where(np.isfinite(x) & np.isfinite(direction), direction, 0.0)
    finite = np.isfinite(box.y0).reshape(box.output_shape)
    return dx, np.where(finite, rng.standard_normal(finite.shape), 0.0)


def _of_arrays(x: Array, dx: Array) -> Iterator[Identity]:
    """Verify the identities of any vectors and matrices, on X and dX."""
    usable = np.isfinite(x)
    values = np.where(usable, x, 0.0).astype(np.float64)
    zeros = _lost(usable)
    if x.ndim == 2:
        letters = f"a = vec X, b = vec dX, B = b·aᵀ{zeros}"
        yield from vector_identities(values.ravel(order="F"), dx.ravel(order="F"), letters)
        yield from matrix_identities(values, dx, f"A = X, B = dX{zeros}")
    else:
        yield from vector_identities(values, dx, f"a = x, b = dx, B = b·aᵀ{zeros}")


def _element_wise(
    box: BlackBox, rule: Rule, directions: tuple[Array, Array], slices: Array, sample: str
) -> ElementWise:
    """Take A' from the rule; where it is not finite it is 0, and so is dX."""
    x = rule.x
    slopes, given = rule.slopes(complete=not sample)
    usable = np.isfinite(slopes) & np.isfinite(x)
    epsilon = max(box.epsilon, operand_epsilon(x))
    zeros = _lost(usable)
    dx, upstream = directions
    slopes, dx = np.where(usable, slopes, 0.0), np.where(usable, dx, 0.0)
    return ElementWise(box, x, epsilon, slopes, usable, given + zeros, dx, upstream, slices, sample)


def _lost(usable: Array) -> str:
    lost = int(usable.size - np.count_nonzero(usable))
    return f", 0 for {lost} not finite" if lost else ""


def _sample(number: int, x: Array) -> str:
    """Say what was compared of ∂A/∂X where that is not built."""
    whole, one = ("∂A/∂X", "∂A/∂X_pq") if x.ndim == 2 else ("∂a/∂x", "∂a/∂x_j")
    return f"{whole} not built, {number} of its {x.size} slices {one} compared"
