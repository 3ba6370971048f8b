"""The element-wise operators of two operands: a table of value and partial derivatives side by side.

entry.py makes a Function of x and y of each row; x and y broadcast as numpy's operands do. A row's formulas take
one-dimensional float64 arrays of one length; entry.py handles dtypes, NaN and poles. As in elementwise.py, every
formula keeps its digits wherever float64 has any: within 10 ulp, at every pair (x, y), except for the value of
logaddexp beside its zeros, which lie on the curve exp(x) + exp(y) = 1: there it is right to 2 ulp of 1.

At a tie the derivative of maximum, minimum, fmax and fmin is ½ in each operand; that of hypot at (0, 0) and of copysign
at x = 0 is 0, as abs'(0) is; and where remainder and fmod jump it is that of the quotient they take.
"""

from functools import partial
from math import log

import numpy as np

from jacinspect.functions.catalogue.arithmetic.rounding import LARGEST, difference
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array

__all__ = ["BINARY"]


def _above(x: Array, y: Array) -> Array:
    """1 where x > y, ½ where x = y, else 0."""
    return 0.5 * (x > y) + 0.5 * (x >= y)


def _ratio_over_square(x: Array, y: Array) -> Array:
    """Divide x by y², in parts that neither overflow nor lose digits before the result does."""
    (x, p), (y, q) = np.frexp(x), np.frexp(y)
    return np.asarray(np.ldexp(x / y / y, p - 2 * q))


def _times_power(factor: Array, x: Array, p: Array) -> Array:
    """Return factor · |x|^p, by halves where the power overflows or loses digits before the product; 0 if it is 0."""
    power, root = np.power(np.abs(x), p), np.power(np.abs(x), 0.5 * p)
    tame = (power > 1e-290) & (power < 1e290)
    return np.where(root == 0, 0.0, np.where(tame, factor * power, factor * root * root))


def _pow_by_x(x: Array, y: Array) -> Array:
    p, rest = difference(np.clip(y, -LARGEST, LARGEST), np.ones(()))
    log_x = np.log(np.abs(x))
    # The exponent's rounding error counts log x times. That is little, or the power is 0 or inf whatever it is.
    mended = 1.0 + np.where(np.abs(rest * log_x) < 0.5, rest * log_x, 0.0)
    odd = np.where(x < 0, np.fmod(p, 2.0), 0.0)  # a fraction of an exponent is for x >= 0 alone
    sign = np.where(odd == 0, 1.0, np.where(np.abs(odd) == 1, -1.0, np.nan))
    return np.where(y == 0, 0.0, _times_power(y, x, p) * mended * sign)


def _pow_by_y(x: Array, y: Array) -> Array:
    return np.where(x < 0, np.nan, _times_power(np.log(np.abs(x)), x, y))


def _scaled(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return x and y times the power of two that brings the larger one to [½, 1), and the power taken off.

    An infinite operand becomes ±1 and leaves of a finite one 0: the direction of (x, y) is all that remains.
    """
    largest = np.maximum(np.abs(x), np.abs(y))
    infinite = np.isinf(largest)
    _, power = np.frexp(largest)
    x, y = (np.where(infinite, np.isinf(a) * np.sign(a), np.ldexp(a, -power)) for a in (x, y))
    return x, y, power


def _cosine(x: Array, y: Array) -> Array:
    """Return x / hypot(x, y), and 0 at (0, 0)."""
    a, b, _ = _scaled(x, y)
    h = np.hypot(a, b)
    return a / np.where(h == 0, 1.0, h)


def _over_norm_squared(x: Array, y: Array) -> Array:
    """Return x / (x² + y²)."""
    a, b, power = _scaled(x, y)
    mantissa, p = np.frexp(x)
    return np.where(np.isinf(x) | np.isinf(y), 0.0, np.ldexp(mantissa / (a * a + b * b), p - 2 * power))


def _decay(x: Array, y: Array) -> Array:
    """exp(-|x - y|), where equal infinities have a difference of 0."""
    d, rest = difference(x, y)
    d, rest = np.where(x == y, 0.0, d), np.where(np.isfinite(rest), rest, 0.0)
    return np.exp(-np.abs(d)) * (1.0 - np.sign(d) * rest)


def _logaddexp(x: Array, y: Array) -> Array:
    return np.where(x == y, x + log(2), np.maximum(x, y) + np.log1p(_decay(x, y)))


def _share(x: Array, y: Array) -> Array:
    """exp(x) / (exp(x) + exp(y)), the sigmoid of x - y."""
    e = _decay(x, y)
    return np.where(x >= y, 1.0, e) / (1.0 + e)


def _over(x: Array, y: Array) -> Array:
    """Return for fmax 1 where x > y or y is NaN, ½ where x = y, else 0; NaN where both are."""
    return np.where(np.isnan(x), np.where(np.isnan(y), np.nan, 0.0), np.where(np.isnan(y), 1.0, _above(x, y)))


def _divided(x: Array, y: Array, slope: Array) -> Array:
    """Return the slope of a remainder, and NaN where it has none.

    That is so, too, where |x / y| is so large that the remainder jumps between any double and the next.
    """
    with np.errstate(under="ignore"):
        apart = np.maximum(np.abs(x) * 2.0**-52, 2.0**-1074)
    return np.where(np.isfinite(x) & (np.abs(y) > apart), slope, np.nan)


def _whole_quotient(x: Array, y: Array) -> Array:
    """Return x / y rounded to 0: x less what fmod leaves is a multiple of y."""
    return np.rint((x - np.fmod(x, y)) / y)


def _times_log(x: Array, log_y: Array) -> Array:
    """Return x · log y, which is 0 at x = 0 wherever there is a logarithm."""
    return np.where((x == 0) & ~np.isnan(log_y), 0.0, x * log_y)


def _log(y: Array) -> Array:
    return np.log(np.where(y < 0, np.nan, y))


def _log1p(y: Array) -> Array:
    return np.log1p(np.where(y < -1, np.nan, y))


_row = partial(Entry, kind="binary", operands=("x", "y"))

BINARY = (
    _row(
        name="add",
        formula="x + y",
        latex=r"x + y",
        value=np.add,
        partials=(lambda x, y: np.ones_like(x), lambda x, y: np.ones_like(y)),  # noqa: ARG005
        partial_formulas=("1", "1"),
    ),
    _row(
        name="sub",
        aliases=("subtract",),
        formula="x - y",
        latex=r"x - y",
        value=np.subtract,
        partials=(lambda x, y: np.ones_like(x), lambda x, y: -np.ones_like(y)),  # noqa: ARG005
        partial_formulas=("1", "-1"),
    ),
    _row(
        name="mul",
        aliases=("multiply", "hadamard"),
        formula="x * y",
        latex=r"x \odot y",
        value=np.multiply,
        partials=(lambda x, y: y, lambda x, y: x),  # noqa: ARG005
        partial_formulas=("y", "x"),
    ),
    _row(
        name="div",
        aliases=("divide", "true_divide"),
        formula="x / y",
        latex=r"\frac{x}{y}",
        value=np.divide,
        partials=(lambda x, y: 1.0 / y, lambda x, y: -_ratio_over_square(x, y)),  # noqa: ARG005
        partial_formulas=("1 / y", "-x / y**2"),
    ),
    _row(
        name="pow",
        aliases=("power", "float_power"),
        formula="x**y",
        latex=r"x^y",
        value=np.power,
        partials=(_pow_by_x, _pow_by_y),
        partial_formulas=("y * x**(y - 1)", "x**y * log(x)"),
        note="a negative x has a power where y is an integer, and no slope by y",
    ),
    _row(
        name="maximum",
        formula="max(x, y)",
        latex=r"\max(x, y)",
        value=np.maximum,
        partials=(_above, lambda x, y: _above(y, x)),
        partial_formulas=("1 if x > y else 1/2 if x == y else 0", "1 if y > x else 1/2 if x == y else 0"),
        note="½ and ½ at a tie, as in torch and jax; tf takes x",
    ),
    _row(
        name="minimum",
        formula="min(x, y)",
        latex=r"\min(x, y)",
        value=np.minimum,
        partials=(lambda x, y: _above(y, x), _above),
        partial_formulas=("1 if x < y else 1/2 if x == y else 0", "1 if y < x else 1/2 if x == y else 0"),
        note="½ and ½ at a tie, as in torch and jax; tf takes x",
    ),
    _row(
        name="fmax",
        formula="max(x, y)",
        latex=r"\max(x, y)",
        value=np.fmax,
        partials=(_over, lambda x, y: _over(y, x)),
        partial_formulas=("1 if x > y else 1/2 if x == y else 0", "1 if y > x else 1/2 if x == y else 0"),
        ignores_nan=True,
        note="of a number and NaN the number; ½ and ½ at a tie, where torch takes x and jax y",
    ),
    _row(
        name="fmin",
        formula="min(x, y)",
        latex=r"\min(x, y)",
        value=np.fmin,
        partials=(lambda x, y: _over(-x, -y), lambda x, y: _over(-y, -x)),
        partial_formulas=("1 if x < y else 1/2 if x == y else 0", "1 if y < x else 1/2 if x == y else 0"),
        ignores_nan=True,
        note="of a number and NaN the number; ½ and ½ at a tie, where torch takes x and jax y",
    ),
    _row(
        name="hypot",
        formula="sqrt(x**2 + y**2)",
        latex=r"\sqrt{x^2 + y^2}",
        value=np.hypot,
        partials=(_cosine, lambda x, y: _cosine(y, x)),
        partial_formulas=("x / sqrt(x**2 + y**2)", "y / sqrt(x**2 + y**2)"),
        note="slopes 0 and 0 at (0, 0); ½ and ½ in jax, NaN in torch",
    ),
    _row(
        name="atan2",
        aliases=("arctan2",),
        formula="atan2(x, y)",
        latex=r"\operatorname{atan2}(x, y)",
        value=np.arctan2,
        partials=(lambda x, y: _over_norm_squared(y, x), lambda x, y: -_over_norm_squared(x, y)),
        partial_formulas=("y / (x**2 + y**2)", "-x / (x**2 + y**2)"),
        note="the angle of the point (y, x): x is the ordinate, as in every library",
    ),
    _row(
        name="logaddexp",
        formula="log(exp(x) + exp(y))",
        latex=r"\log(e^x + e^y)",
        value=_logaddexp,
        partials=(_share, lambda x, y: _share(y, x)),
        partial_formulas=("exp(x) / (exp(x) + exp(y))", "exp(y) / (exp(x) + exp(y))"),
    ),
    _row(
        name="remainder",
        aliases=("mod", "floormod"),
        formula="x - y * floor(x / y)",
        latex=r"x - y \lfloor x / y \rfloor",
        value=np.remainder,
        partials=(
            lambda x, y: _divided(x, y, np.ones_like(x)),
            lambda x, y: _divided(x, y, -np.floor_divide(x, np.where(y == 0, np.nan, y))),
        ),
        partial_formulas=("1", "-floor(x / y)"),
        note="of the sign of y, and fmod of that of x; both jump where x / y is whole, from 2^52 on everywhere",
    ),
    _row(
        name="fmod",
        formula="x - y * trunc(x / y)",
        latex=r"x - y \operatorname{trunc}(x / y)",
        value=np.fmod,
        partials=(
            lambda x, y: _divided(x, y, np.ones_like(x)),
            lambda x, y: _divided(x, y, -_whole_quotient(x, y)),
        ),
        partial_formulas=("1", "-trunc(x / y)"),
        note="of the sign of x, and remainder of that of y; both jump where x / y is whole, from 2^52 on everywhere",
    ),
    _row(
        name="copysign",
        formula="abs(x) * (1 if y >= 0 else -1)",
        latex=r"|x| \operatorname{sign}(y)",
        value=np.copysign,
        partials=(lambda x, y: np.sign(x) * np.copysign(1.0, y), lambda x, y: np.zeros_like(y)),  # noqa: ARG005
        partial_formulas=("sign(x) * (1 if y >= 0 else -1)", "0"),
        note="0 and -0 have signs too; the slope at x = 0 is 0, as in torch",
    ),
    _row(
        name="xlogy",
        formula="x * log(y) if x != 0 else 0",
        latex=r"x \log y",
        value=lambda x, y: _times_log(x, _log(y)),
        partials=(lambda x, y: _log(y), lambda x, y: np.where(y < 0, np.nan, x / y)),  # noqa: ARG005
        partial_formulas=("log(y)", "x / y"),
        domain={"y": (0.0, np.inf)},
        note="NaN for y < 0 even at x = 0, where scipy and torch have 0",
    ),
    _row(
        name="xlog1py",
        formula="x * log1p(y) if x != 0 else 0",
        latex=r"x \log(1 + y)",
        value=lambda x, y: _times_log(x, _log1p(y)),
        partials=(lambda x, y: _log1p(y), lambda x, y: np.where(y < -1, np.nan, x / (1.0 + y))),  # noqa: ARG005
        partial_formulas=("log1p(y)", "x / (1 + y)"),
        domain={"y": (-1.0, np.inf)},
        note="NaN for y < -1 even at x = 0, where scipy and torch have 0",
    ),
    _row(
        name="squared_difference",
        formula="(x - y)**2",
        latex=r"(x - y)^2",
        value=lambda x, y: np.square(x - y),
        partials=(lambda x, y: 2.0 * (x - y), lambda x, y: 2.0 * (y - x)),
        partial_formulas=("2 * (x - y)", "-2 * (x - y)"),
    ),
)
