"""The functions of matrices: a table of value and jvp, by LAPACK. Next: tables.

entry.py makes a Function of each row. The rules take whole float64 arrays as they were given, and check themselves
which shapes fit: the last two axes are a matrix's, those before them number matrices. A matrix that has no inverse in
float64 raises where one is needed; one that is not finite gives NaN. The slopes of a determinant are its cofactors,
which a singular matrix has as well.
"""

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.broadcasting import clash
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.reductions import others
from jacinspect.functions.function import Array
from jacinspect.wording import format_shape

__all__ = ["MATRICES", "cofactors"]

_FEW = 12  # rows up to which the minors are taken one by one, n² determinants
_SUSPECT = 1e12  # a condition number from which on it is looked at whether the matrix is singular but for rounding


# --- One matrix ------------------------------------------------------------------------------------------------------


def _inv(x: Array) -> Array:
    return _inverse("inv", x)


def _inv_jvp(x: Array, dx: Array) -> Array:
    inverse = _inv(x)
    with np.errstate(invalid="ignore"):
        return -inverse @ dx @ inverse


def _det(x: Array) -> Array:
    _require_square("det", x)
    return _determinant(x)


def _determinant(x: Array) -> Array:
    """Return the determinants of matrices; scaled first, since numpy takes the exponential of a sum of logarithms."""
    safe, is_finite = _finite(x)
    y, power = _equilibrated(safe)
    with np.errstate(all="ignore"):
        # the powers of all entries add up to n times those of the rows and columns
        determinant = np.ldexp(np.linalg.det(y), -power.sum((-2, -1)) // max(x.shape[-1], 1))
        return np.where(is_finite[..., 0, 0] if x.shape[-1] else True, determinant, np.nan)


def _det_jvp(x: Array, dx: Array) -> Array:
    _require_square("det", x)
    return np.asarray((cofactors(x) * dx).sum(axis=(-2, -1)))


def _logdet(x: Array) -> Array:
    _require_square("logdet", x)
    with np.errstate(all="ignore"):
        return np.asarray(np.linalg.slogdet(x)[1])


def _logdet_jvp(x: Array, dx: Array) -> Array:
    inverse = _inverse("logdet", x)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.swapaxes(inverse, -2, -1) * dx).sum(axis=(-2, -1)))


def _trace(x: Array) -> Array:
    if x.ndim < 2:
        raise InputError(f"trace: a matrix is needed, and this is {_described(x)}")
    with np.errstate(invalid="ignore"):
        return np.asarray(np.trace(x, axis1=-2, axis2=-1))


def _require_square(name: str, x: Array, what: str = "this") -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise InputError(f"{name}: a square matrix is needed, such as 3×3, and {what} is {_described(x)}")


def _described(x: Array) -> str:
    return format_shape(x.shape) if x.ndim > 1 else f"a vector of {x.size}" if x.ndim else "a number"


def _inverse(name: str, x: Array) -> Array:
    """Invert; NaN for a matrix that is not finite, and a LinAlgError for one that has no inverse in float64."""
    _require_square(name, x)
    safe, is_finite = _finite(x)
    try:
        with np.errstate(all="ignore"):
            inverse = np.linalg.inv(safe)
            condition = np.abs(safe).sum(-2).max(-1, initial=0) * np.abs(inverse).sum(-2).max(-1, initial=0)
    except np.linalg.LinAlgError:
        raise _singular(safe) from None
    if not np.all(condition < _SUSPECT) and np.any(_ranks(safe) < x.shape[-1]):
        raise _singular(safe)
    return np.where(is_finite, inverse, np.nan)


def _finite(x: Array) -> tuple[Array, Array]:
    """Return x with the unit matrix in place of matrices that are not finite, and which are."""
    is_finite = np.asarray(np.isfinite(x).all(axis=(-2, -1), keepdims=True))
    return np.where(is_finite, x, np.eye(x.shape[-1])), is_finite


def _ranks(x: Array) -> Array:
    """Return the ranks of matrices, scaled first: diag(1e-20, 1) has rank 2."""
    return np.asarray(np.linalg.matrix_rank(_equilibrated(x)[0]))


def _equilibrated(x: Array) -> tuple[Array, Array]:
    """Scale rows and columns by powers of 2, so that their largest entries are about 1; and the power of each entry."""
    power = np.zeros(x.shape, np.int64)
    for axis in (-1, -2):
        by = -np.frexp(np.abs(x).max(axis=axis, keepdims=True, initial=0))[1].astype(np.int64)
        x, power = np.ldexp(x, by), power + by
    return x, power


def _singular(x: Array) -> np.linalg.LinAlgError:
    """Make numpy's error; no InputError, since beside a matrix that has an inverse there may be one without."""
    rank = np.min(_ranks(x))
    return np.linalg.LinAlgError(f"the matrix is singular, and has no inverse: its rank is {rank} of {x.shape[-1]}")


def cofactors(x: Array) -> Array:
    """Return det(x) times the transposed inverse, whether or not x has one.

    They are the determinants of the minors, each with its own digits; of a large matrix they come from the singular
    values, those within rounding of 0 counting as 0, and are right to the ulps of the largest.
    """
    n = x.shape[-1]
    if n <= _FEW:
        rest = [np.delete(np.arange(n), k) for k in range(n)]
        minors = [
            [_determinant(x[..., rest[i][:, None], rest[j]]) * (-1) ** (i + j) for j in range(n)] for i in range(n)
        ]
        return np.moveaxis(np.array(minors).reshape(n, n, *x.shape[:-2]), (0, 1), (-2, -1))
    safe, is_finite = _finite(x)
    y, power = _equilibrated(safe)
    with np.errstate(all="ignore"):
        u, s, v = np.linalg.svd(y)
        s = np.where(s <= n * np.finfo(float).eps * s.max(-1, keepdims=True, initial=0), 0.0, s)
        sign = np.sign(np.linalg.det(u) * np.linalg.det(v))
        scaled = sign[..., None, None] * (u * others(s)[..., None, :]) @ v
        return np.where(is_finite, np.ldexp(scaled, power - power.sum((-2, -1), keepdims=True) // n), np.nan)


# --- Two of them -----------------------------------------------------------------------------------------------------


def _solve(a: Array, b: Array) -> Array:
    _require_solvable(a, b)
    _inverse("solve", a)
    safe, is_finite = _finite(a)
    with np.errstate(all="ignore"):
        solution = np.linalg.solve(safe, b)
    return np.where(is_finite[..., 0] if b.ndim == 1 else is_finite, solution, np.nan)


def _solve_jvp(a: Array, b: Array, da: Array, db: Array) -> Array:
    with np.errstate(invalid="ignore"):
        moved = da @ _solve(a, b) if da.any() else np.zeros(())
        return _solve(a, db - moved if b.ndim > 1 or a.ndim == 2 else (db - moved)[..., None])


def _require_solvable(a: Array, b: Array) -> None:
    _require_square("solve", a, "A")
    shapes = f"solve: A {format_shape(a.shape)} and b {format_shape(b.shape)} do not go together"
    rows = b.shape[-2:][0] if b.ndim else None
    if b.ndim == 1 and a.ndim > 2:
        raise InputError(f"{shapes}: for several matrices, b has a row for each row of A: n×1, not n")
    if rows != a.shape[-1]:
        has = "a number" if rows is None else f"{rows} {'entries' if b.ndim == 1 else 'rows'}"
        raise InputError(f"{shapes}: A has {a.shape[-1]} rows, and b {'is' if rows is None else 'has'} {has}")
    words = clash(a.shape[:-2], b.shape[:-2])
    if words is not None:
        raise InputError(f"{shapes}: before the last two axes, {words}")


def _outer(x: Array, y: Array) -> Array:
    for name, operand in (("x", x), ("y", y)):
        if operand.ndim != 1:
            words = "is a number" if not operand.ndim else f"is {format_shape(operand.shape)}; flatten({name}) is one"
            raise InputError(f"outer: two vectors are needed, and {name} {words}")
    with np.errstate(invalid="ignore"):
        return np.multiply.outer(x, y)


def _outer_jvp(x: Array, y: Array, dx: Array, dy: Array) -> Array:
    terms = [_outer(a, b) for a, b, moved in ((dx, y, dx), (x, dy, dy)) if moved.any()]
    return np.asarray(sum(terms)) if terms else np.zeros_like(_outer(dx, dy))


def _kron(x: Array, y: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.kron(x, y))


def _kron_jvp(x: Array, y: Array, dx: Array, dy: Array) -> Array:
    terms = [_kron(a, b) for a, b, moved in ((dx, y, dx), (x, dy, dy)) if moved.any()]
    return np.asarray(sum(terms)) if terms else np.zeros_like(_kron(dx, dy))


MATRICES = (
    Entry(
        name="inv",
        aliases=("inverse", "matrix_inverse"),
        kind="shape-changing",
        formula="inv(x)",
        latex=r"X^{-1}",
        value=_inv,
        jvp=_inv_jvp,
        derivative_formula="-inv(x) @ dx @ inv(x)",
        note="of square matrices, along the last two axes; reciprocal(x) is 1 / x, entry by entry",
    ),
    Entry(
        name="det",
        aliases=("determinant",),
        kind="reduction",
        formula="det(x)",
        latex=r"\det X",
        value=_det,
        jvp=_det_jvp,
        derivative_formula="det(x) * trace(inv(x) @ dx)",
        note="of square matrices, along the last two axes; its slopes are the cofactors, for singular ones as well",
    ),
    Entry(
        name="logdet",
        aliases=("logabsdet", "slogdet"),
        kind="reduction",
        formula="log(abs(det(x)))",
        latex=r"\log \lvert\det X\rvert",
        value=_logdet,
        jvp=_logdet_jvp,
        derivative_formula="trace(inv(x) @ dx)",
        note="log|det x|, the second of numpy's and torch's slogdet; torch.logdet is NaN where det(x) < 0",
    ),
    Entry(
        name="trace",
        aliases=("tr",),
        kind="reduction",
        formula="trace(x)",
        latex=r"\operatorname{tr} X",
        value=_trace,
        jvp=lambda x, dx: _trace(dx),  # noqa: ARG005
        derivative_formula="trace(dx)",
        note="along the last two axes, whose sizes may differ",
    ),
    Entry(
        name="solve",
        aliases=("linsolve",),
        kind="shape-changing",
        operands=("A", "b"),
        formula="inv(A) @ b",
        latex=r"A^{-1} b",
        value=_solve,
        jvp=_solve_jvp,
        derivative_formula="solve(A, db - dA @ solve(A, b))",
        partial_formulas=("-solve(A, dA @ solve(A, b))", "solve(A, db)"),
        note="the solution x of A @ x = b; b is a vector, or a matrix of several right sides",
    ),
    Entry(
        name="outer",
        aliases=("outer_product",),
        kind="shape-changing",
        operands=("x", "y"),
        formula="x_i * y_j",
        latex=r"x y^{\mathsf T}",
        value=_outer,
        jvp=_outer_jvp,
        derivative_formula="outer(dx, y) + outer(x, dy)",
        partial_formulas=("outer(dx, y)", "outer(x, dy)"),
        note="of two vectors",
    ),
    Entry(
        name="kron",
        aliases=("kronecker",),
        kind="shape-changing",
        operands=("x", "y"),
        formula="the blocks x_ij * y",
        latex=r"X \otimes Y",
        value=_kron,
        jvp=_kron_jvp,
        derivative_formula="kron(dx, y) + kron(x, dy)",
        partial_formulas=("kron(dx, y)", "kron(x, dy)"),
        note="by numpy's rules, for any numbers of axes",
    ),
)
