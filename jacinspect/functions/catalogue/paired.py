"""The functions of two operands that couple entries: a table of value and jvp, a tangent of each pushed through.

entry.py makes a Function of x and y of each row. The rules take whole float64 arrays as they were given, and check
themselves which shapes fit. Nothing overflows or underflows before the result does. A slope of cosine_similarity
vanishes where x and y are parallel, and beside it is right to the ulps of the largest slope.
"""

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.broadcasting import clash, require_broadcastable
from jacinspect.functions.catalogue.arithmetic.scaling import scaled
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array
from jacinspect.wording import format_shape

__all__ = ["PAIRED", "why_not_multiplied"]

Shape = tuple[int, ...]


# --- Row by row ------------------------------------------------------------------------------------------------------


def _dot(x: Array, y: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    require_broadcastable("dot", ("x", "y"), (x.shape, y.shape))
    (a, p), (b, q) = np.frexp(x), np.frexp(y)
    with np.errstate(invalid="ignore"):  # 0 · inf and inf - inf are NaN in truth
        power = p + q
        # A factor of 0 has no power; the least there is keeps it from hiding what the others have.
        power = np.where(a * b == 0, -3000, power)
        top = np.max(power, axis=axis, keepdims=True, initial=-3000)
        total = np.ldexp(a * b, power - top).sum(axis=axis, keepdims=True)
        result = np.ldexp(total, top)
    return np.asarray(result if keepdims else np.squeeze(result, axis))


def _dot_jvp(x: Array, y: Array, dx: Array, dy: Array, *, axis: int, keepdims: bool) -> Array:
    require_broadcastable("dot", ("x", "y"), (x.shape, y.shape))
    # A zero tangent selects nothing: 0 · inf would be NaN where the entry is not even read.
    by_x = _dot(dx, np.where(dx == 0, 0.0, y), axis=axis, keepdims=keepdims)
    by_y = _dot(np.where(dy == 0, 0.0, x), dy, axis=axis, keepdims=keepdims)
    with np.errstate(invalid="ignore"):
        return np.asarray(by_x + by_y)


def _cosine(x: Array, y: Array, *, axis: int = -1, eps: float = 1e-8, keepdims: bool = False) -> Array:
    u, v = (_direction(operand, axis, eps)[0] for operand in _broadcast(x, y))
    return np.asarray((u * v).sum(axis=axis, keepdims=keepdims))


def _cosine_jvp(x: Array, y: Array, dx: Array, dy: Array, *, axis: int, eps: float, keepdims: bool) -> Array:
    of_x, of_y = (_direction(operand, axis, eps) for operand in _broadcast(x, y))
    result = np.zeros(())
    for (u, root, power), (v, _, _), tangent in ((of_x, of_y, dx), (of_y, of_x, dy)):
        # v without its part along u, taken off twice: the first time leaves of it what rounding does
        across = v - (v * u).sum(axis=axis, keepdims=True) * u
        across = across - (across * u).sum(axis=axis, keepdims=True) * u
        slopes = np.where(root == 0, v / eps, np.ldexp(across / np.where(root == 0, 1.0, root), -power))
        result = result + (np.where(tangent == 0, 0.0, slopes) * tangent).sum(axis=axis, keepdims=keepdims)
    return np.asarray(result)


def _direction(x: Array, axis: int, eps: float) -> tuple[Array, Array, Array]:
    """Return x over its norm, and the norm as root · 2^power; of a norm up to eps, x over eps, and a root of 0."""
    u, power, top = scaled(x, axis)
    root = np.sqrt((u * u).sum(axis=axis, keepdims=True))
    short = np.ldexp(root, power) <= eps
    unit = np.where(short, np.ldexp(u, power) / eps, u / np.where(root == 0, 1.0, root))
    return unit, np.where(short, 0.0, root), np.where(np.isinf(top), 5000, power)


def _broadcast(x: Array, y: Array) -> tuple[Array, ...]:
    require_broadcastable("cosine_similarity", ("x", "y"), (x.shape, y.shape))
    return np.broadcast_arrays(x, y)


# --- Matrices --------------------------------------------------------------------------------------------------------


def _matmul(x: Array, y: Array) -> Array:
    words = why_not_multiplied("x", x.shape, "y", y.shape)
    if words is not None:
        raise InputError(f"matmul: x {format_shape(x.shape)} and y {format_shape(y.shape)} do not multiply: {words}")
    with np.errstate(invalid="ignore"):  # 0 · inf and inf - inf are NaN in truth
        return np.asarray(x @ y)


def _matmul_jvp(x: Array, y: Array, dx: Array, dy: Array) -> Array:
    # What does not move is left out: 0 · inf would be NaN, and it would cost a product.
    terms = [_matmul(a, b) for a, b, moved in ((dx, y, dx), (x, dy, dy)) if moved.any()]
    return np.asarray(sum(terms)) if terms else np.zeros_like(_matmul(dx, y))


def why_not_multiplied(a: str, x: Shape, b: str, y: Shape) -> str | None:
    """Say why a of shape x and b of shape y have no matrix product, and what would have; None if they have one."""
    if not x or not y:
        return "@ is for vectors and matrices; a number multiplies with *"
    columns, rows = x[-1], y[-2:][0]
    if columns == rows:
        words = clash(x[:-2], y[:-2])
        return words and f"before the last two axes, {words}"
    words = f"{_sized(columns, 'column', x)} against {_sized(rows, 'row', y)}"
    if a.isidentifier() and b.isidentifier() and len(x) == len(y) == 2:
        fits = [f"{a} @ {b}.T"] * (columns == y[1]) + [f"{a}.T @ {b}"] * (x[0] == rows)
        words += f"; {' and '.join(fits)} would" if fits else ""
    return words


def _sized(size: int, what: str, shape: Shape) -> str:
    if len(shape) == 1:
        return f"{size} {'entry' if size == 1 else 'entries'}"
    return f"{size} {what}{'s' * (size != 1)}"


PAIRED = (
    Entry(
        name="dot",
        aliases=("vecdot", "inner"),
        kind="reduction",
        operands=("x", "y"),
        formula="x_1 * y_1 + ... + x_n * y_n",
        latex=r"\sum_k x_k y_k",
        value=_dot,
        jvp=_dot_jvp,
        derivative_formula="y_1 * dx_1 + x_1 * dy_1 + ... + y_n * dx_n + x_n * dy_n",
        note="row by row, along the axis; x and y broadcast; numpy.dot of matrices is matmul, and numpy.inner x @ y.T",
    ),
    Entry(
        name="cosine_similarity",
        kind="reduction",
        operands=("x", "y"),
        formula="(x_1 * y_1 + ... + x_n * y_n) / (max(norm(x), eps) * max(norm(y), eps))",
        latex=r"\frac{\sum_k x_k y_k}{\max(\lVert x\rVert, \varepsilon)\,\max(\lVert y\rVert, \varepsilon)}",
        value=_cosine,
        jvp=_cosine_jvp,
        derivative_formula="(v - c * u) . dx / norm(x) + (u - c * v) . dy / norm(y), u = x / norm(x), v = y / norm(y)",
        positive=("eps",),
        note="row by row, along the axis, the last one by default as eps is torch's (torch: dim=1); up to a norm of "
        "eps the slope is that of x . v / eps",
    ),
    Entry(
        name="matmul",
        kind="shape-changing",
        operands=("x", "y"),
        formula="x @ y",
        latex=r"X Y",
        value=_matmul,
        jvp=_matmul_jvp,
        derivative_formula="dx @ y + x @ dy",
        partial_formulas=("dx @ y", "x @ dy"),
        note="by numpy's rules: axes before the last two broadcast",
    ),
)
