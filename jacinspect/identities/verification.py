"""The tensor identities, verified on a person's numbers: a function and an operand in, an IdentityReport out.

First those of any vectors and matrices (jacobian/tensor_identities.py), then those of A = f(X). Where these speak of
dA, their left side is measured by differences of f, which know nothing of A'; their right side has A' from the
function's own rule. So they fail where f is not element-wise.
"""

from collections.abc import Callable, Iterator

import numpy as np

from jacinspect._version import __version__
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.function import Array, Function
from jacinspect.identities.differential import Measured, differential
from jacinspect.identities.identity import Identity, Route, Side, exact, impossible, within_bars
from jacinspect.identities.of_arrays import (
    how_contracted,
    how_held,
    matrix_identities,
    times,
    vector_identities,
)
from jacinspect.identities.report import IdentityReport
from jacinspect.identities.tensors import LARGEST_BUILT, DiagonalTensor, commutation, diagonal, fits
from jacinspect.inspection import findings as find
from jacinspect.inspection.sections import OperandReport
from jacinspect.inspection.subject import analytic_at, black_box, declared
from jacinspect.jacobian.analytic import Analytic, is_linear
from jacinspect.jacobian.compact import Jacobian, vec_positions
from jacinspect.jacobian.differences import step_scale

__all__ = ["verify_identities"]

_SINGLE = 2.0**-23
_FEWEST_SLICES = 2  # ∂A/∂X_pq that are compared, however large they are

# Of A = f(X): the name, what it says of a vector ("" where it would say nothing new), and of a matrix.
_STATEMENTS = {
    "differential-hadamard": ("da = a' ⊙ dx", "dA = A' ⊙ dX"),
    "differential-tensor": ("da = Diag(a')·dx", "dA = TensorDiag(A') : dX"),
    "gradient": ("∂a_i/∂x_j = f'(x_i) δ_ij", "∂A/∂X = TensorDiag(A')"),
    "differential-vec-column": ("", "vec(dA) = Diag(vec A')·vec(dX)"),
    "differential-vec-row": ("", "vec(dAᵀ) = Diag(vec A'ᵀ)·vec(dXᵀ)"),
    "chain-rule": ("∂L/∂x = a' ⊙ ∂L/∂a", "∂L/∂X = A' ⊙ ∂L/∂A"),
    "chain-rule-vec": ("a' ⊙ ∂L/∂a = Diag(a')ᵀ·∂L/∂a", "A' ⊙ ∂L/∂A = Diag(vec A')ᵀ·vec(∂L/∂A)"),
}
_RESHAPE = "∂A/∂X = Reshape(∂vec A/∂vec X, {})"
_RESHAPE_BACK = "∂vec A/∂vec X = Reshape(∂A/∂X, {})"
_COMMUTED = "∂vec Aᵀ/∂vec Xᵀ = K·(∂vec A/∂vec X)·Kᵀ"


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
        Of everything random; and where x came from.
    vec
        The order, "column" or "row", of the rows and columns of a user's own M×N derivative.
    progress
        Hears of every call of the function, by their number so far.

    Raises
    ------
    InputError
        When X is neither a vector nor a matrix, f has no analytic derivative to take A' from, or has a vjp alone
        where its Jacobian is too large to be built.
    FunctionFailedError
        When f or its derivative raises or breaks its contract, is not deterministic, or changes its argument.
    """
    if x.ndim not in (1, 2):
        raise InputError(
            f"the identities are of vectors and matrices, and X has {x.ndim} axes; "
            "give it one or two, such as --shape 4 or --shape 2x3"
        )
    verification = _Verification(function, x, np.random.default_rng([seed, 1]), vec, progress)
    return IdentityReport(
        version=__version__,
        function=declared(function),
        operand=OperandReport(function.operands[0], 1, x, source, seed),
        output_shape=verification.output_shape,
        identities=tuple(verification.identities()),
    )


class _Verification:
    """One function at one operand, and what its identities have in common."""

    def __init__(
        self,
        function: Function,
        x: Array,
        rng: np.random.Generator,
        vec: str | None,
        progress: Callable[[int], None],
    ) -> None:
        self._box, self._x = black_box(function, x, progress)
        if self._box.mutates or not self._box.deterministic:
            raise FunctionFailedError((find.mutates_input() if self._box.mutates else find.not_deterministic()).message)
        assert self._box.output_shape is not None
        self.output_shape = self._box.output_shape
        self._of_matrix = x.ndim == 2
        self._usable = np.isfinite(self._x)
        with np.errstate(over="ignore"):
            direction = rng.standard_normal(x.shape) * step_scale(self._x)
        self._dx = np.where(self._usable & np.isfinite(direction), direction, 0.0)
        finite = np.isfinite(self._box.y0).reshape(self.output_shape)
        self._upstream = np.where(finite, rng.standard_normal(self.output_shape), 0.0)
        self._box((self._x + self._dx / 8).astype(self._x.dtype))  # at x, float32 numbers may be chance
        self._epsilon = max(self._box.epsilon, _SINGLE if self._x.dtype == np.float32 else 0.0)
        self._complete = fits(self._box.y0.size, x.size)
        affordable = x.size if self._complete else max(LARGEST_BUILT // max(self._box.y0.size, 1), _FEWEST_SLICES)
        self._slices = np.arange(x.size)
        self._analytic, self._push_flat = self._derivative(function, vec)
        if affordable < x.size:
            self._slices = np.sort(rng.choice(x.size, affordable, replace=False))

    def identities(self) -> Iterator[Identity]:
        """Give every identity: of any vectors, of any matrices, with A', and of ∂A/∂X in its arrangements."""
        x = np.where(self._usable, self._x, 0.0).astype(np.float64)
        lost = int(x.size - np.count_nonzero(self._usable))
        zeros = f", 0 for {lost} not finite" if lost else ""
        if self._of_matrix:
            letters = f"a = vec X, b = vec dX, B = b·aᵀ{zeros}"
            yield from vector_identities(x.ravel(order="F"), self._dx.ravel(order="F"), letters)
            yield from matrix_identities(x, self._dx, f"A = X, B = dX{zeros}")
        else:
            yield from vector_identities(x, self._dx, f"a = x, b = dx, B = b·aᵀ{zeros}")
        if self.output_shape != self._x.shape:
            yield from self._impossible()
        else:
            slopes, given = self._slopes()
            yield from self._differentials(slopes, given)
            yield from self._gradient_and_chain_rule(slopes, given)
        if self._of_matrix:
            yield from self._arrangements()

    def _statement(self, name: str) -> str:
        return _STATEMENTS[name][self._of_matrix]

    def _impossible(self) -> Iterator[Identity]:
        """Say of each identity with A' that it has no right side: A' ⊙ dX is of one shape or of none."""
        x, a, prime = ("X", "A", "A'") if self._of_matrix else ("x", "a", "a'")
        note = f"{prime} does not exist: {a} is {_by(self.output_shape)} and {x} is {_by(self._x.shape)}"
        for name in _STATEMENTS:
            if self._statement(name):
                yield impossible(name, self._statement(name), f"{a} = f({x})", self._left_shape(name), note)

    def _left_shape(self, name: str) -> tuple[int, ...]:
        if name == "gradient":
            return self.output_shape + self._x.shape
        if name.startswith("differential-vec"):
            return (self._box.y0.size,)
        return self._x.shape if name == "chain-rule" else self.output_shape

    # --- By the rule: A', and slices of ∂A/∂X ---

    def _derivative(self, function: Function, vec: str | None) -> tuple[Analytic, Callable[[Array], Array]]:
        """Return f's analytic derivative at X and its jvp, flat; of a vjp alone, by way of the whole Jacobian."""
        analytic = analytic_at(function, self._x, self.output_shape, vec)
        if analytic is None:
            raise InputError(f"{function.name} has no analytic derivative, and the identities are about A' = f'(X)")
        if not is_linear(analytic, self._x.shape, self._box.y0.size):
            of = "tangent" if analytic.push is not None else "cotangent"
            raise FunctionFailedError(f"the derivative is not linear in the {of}: it has to be multiplied by it")
        if analytic.push is not None:
            return analytic, analytic.push
        assert analytic.pull is not None
        if not self._complete:
            raise InputError(
                f"{function.name} has a vjp alone, from which a Jacobian of {self._box.y0.size}×{self._x.size} is too "
                "large to be built for the identities; take a smaller X"
            )
        rows = [analytic.pull(unit) for unit in np.eye(self._box.y0.size)]
        matrix = np.reshape(rows, (self._box.y0.size, self._x.size))
        return analytic, lambda tangent: np.asarray(matrix @ tangent.ravel())

    def _push(self, tangent: Array) -> Array:
        """Return the rule's jvp, 0 where it is not finite."""
        with np.errstate(all="ignore"):
            pushed = self._push_flat(tangent)
        return np.where(np.isfinite(pushed), pushed, 0.0).reshape(self.output_shape)

    def _columns(self, places: Array, order: str) -> Array:
        """Push one unit tangent a column, at these places of vec, and stack vec of what comes out; order "C" or "F"."""
        columns = np.zeros((self._box.y0.size, places.size))
        for at, place in enumerate(places):
            unit = np.zeros(self._x.size)
            unit[place] = 1.0
            columns[:, at] = _vec(self._push(_unvec(unit, self._x.shape, order)), order)
        return columns

    def _slopes(self) -> tuple[Array, str]:
        """Return A', and what it is; where it is not finite it is 0, and so is dX from now on."""
        prime = "A'" if self._of_matrix else "a'"
        if self._analytic.slopes is not None:
            slopes, given = self._analytic.slopes(), f"{prime} = f'({'X' if self._of_matrix else 'x'})"
        elif self._complete:
            diagonal_of_rule = self._columns(self._slices, "C").diagonal()
            slopes, given = diagonal_of_rule.reshape(self._x.shape), f"{prime} = the diagonal of the rule's Jacobian"
        else:
            slopes, given = self._push(np.ones(self._x.shape)), f"{prime} = the rule's derivative along 1"
        self._usable = np.isfinite(slopes) & np.isfinite(self._x)
        self._dx = np.where(self._usable, self._dx, 0.0)
        lost = int(slopes.size - np.count_nonzero(self._usable))
        return np.where(self._usable, slopes, 0.0), given + (f", 0 for {lost} not finite" if lost else "")

    def _arrangements(self) -> Iterator[Identity]:
        """Verify that tensor, column-major and row-major matrix are the same numbers, whatever f is."""
        given, shapes = "A = f(X)", (self.output_shape, self._x.shape)
        if not self._complete:
            yield from self._sampled_arrangements(given, *shapes)
            return
        tensor = self._columns(self._slices, "C").reshape(self.output_shape + self._x.shape)
        matrix = self._columns(self._slices, "F")
        route = Route("tensor and matrix by the rule, one unit tangent a time")
        reshaped = matrix.reshape(tensor.shape, order="F")
        yield exact("reshape-to-tensor", _RESHAPE.format(self._letters("tensor")), given, tensor, reshaped, route)
        reshaped = tensor.reshape(matrix.shape, order="F")
        yield exact("reshape-to-matrix", _RESHAPE_BACK.format(self._letters("matrix")), given, matrix, reshaped, route)
        left, right = (commutation(shape, built=True) for shape in shapes)
        assert not isinstance(left, Jacobian)
        assert not isinstance(right, Jacobian)
        swapped, route = left @ matrix @ right.T, route + Route("K built")
        yield exact("commuted-jacobian", _COMMUTED, given, tensor.reshape(matrix.shape), swapped, route)

    def _sampled_arrangements(
        self, given: str, output: tuple[int, ...], operand: tuple[int, ...]
    ) -> Iterator[Identity]:
        """Verify the same on some slices ∂A/∂X_pq and the columns of ∂vec A/∂vec X at their places."""
        rows = self._columns(self._slices, "C")
        columns = self._columns(vec_positions(operand, "column")[self._slices], "F")
        route = Route("tensor and matrix by the rule, one unit tangent a time", self._sample())
        back, there = np.empty_like(rows), np.empty_like(rows)
        for at in range(self._slices.size):
            back[:, at] = columns[:, at].reshape(output, order="F").ravel()
            there[:, at] = rows[:, at].reshape(output).ravel(order="F")
        whole = output + operand
        flat = (self._box.y0.size, self._x.size)
        for name, statement, shape, left, right in (
            ("reshape-to-tensor", _RESHAPE.format(self._letters("tensor")), whole, rows, back),
            ("reshape-to-matrix", _RESHAPE_BACK.format(self._letters("matrix")), flat, columns, there),
            ("commuted-jacobian", _COMMUTED, flat, rows, _each(commutation(output, built=False), columns)),
        ):
            yield exact(name, statement, given, left, right, route, shape)

    def _letters(self, of: str) -> str:
        same = self.output_shape == self._x.shape
        if of == "matrix":
            return "mn,mn" if same else ",".join(map(str, (self._box.y0.size, self._x.size)))
        return "m,n,m,n" if same else ",".join(map(str, self.output_shape + self._x.shape))

    def _sample(self) -> str:
        """Say what was compared of ∂A/∂X where that is not built."""
        whole, one = ("∂A/∂X", "∂A/∂X_pq") if self._of_matrix else ("∂a/∂x", "∂a/∂x_j")
        return f"{whole} not built, {self._slices.size} of its {self._x.size} slices {one} compared"

    # --- By differences of f: dA, ∂A/∂X and ∂L/∂X ---

    def _measure(self, direction: Array, slopes: Array, claimed: Array | None) -> Measured:
        # While A' holds, rounding X changes A by no more than this; and where this is too little, A' does not hold.
        rounding = np.abs(slopes * np.where(self._usable, self._x, 0.0)).ravel()
        return differential(self._box, self._x, direction, self._epsilon, rounding, claimed)

    def _differentials(self, slopes: Array, given: str) -> Iterator[Identity]:
        """Verify dA = A' ⊙ dX, by TensorDiag, and by Diag in both orders of vec."""
        dx, shape = self._dx, self._x.shape
        short = slopes * dx
        measured = self._measure(dx, slopes, short.ravel()).only(self._usable.ravel())
        by = Route(f"d{'A' if self._of_matrix else 'a'} by differences of f")

        def line(name: str, sides: tuple[int, ...], right: Array, route: Route) -> Identity:
            return within_bars(name, self._statement(name), given, (sides, sides), measured, right.ravel(), route)

        yield line("differential-hadamard", shape, short, by)
        tensor = DiagonalTensor(shape)
        product = times(tensor.contract((slopes, (4, 5) if self._of_matrix else (2,))), dx)
        contracted = how_contracted(tensor, "𝕄" if self._of_matrix else "𝔻")
        yield line("differential-tensor", shape, product, by + contracted)
        for vec, order in (("column", "F"), ("row", "C")) if self._of_matrix else ():
            matrix = diagonal(_vec(slopes, order), built=self._complete)
            product = _unvec(times(matrix, _vec(dx, order)), shape, order)
            yield line(f"differential-vec-{vec}", (dx.size,), product, by + how_held(matrix, "Diag(vec A')"))

    def _gradient_and_chain_rule(self, slopes: Array, given: str) -> Iterator[Identity]:
        """Verify ∂A/∂X = TensorDiag(A'), and what follows for ∂L/∂X."""
        shape, upstream = self._x.shape, self._upstream
        measured, known = self._measured_slices(slopes), self._usable.ravel()[self._slices]
        claimed = np.zeros(measured.low.shape)  # TensorDiag(A'), as measured: outputs as rows, the slices as columns
        claimed[self._slices, np.arange(self._slices.size)] = slopes.ravel()[self._slices]
        by = f"∂{'A/∂X' if self._of_matrix else 'a/∂x'} by differences of f"
        route = Route(by, "" if self._complete else self._sample())
        sides = (2 * shape, 2 * shape)
        yield within_bars("gradient", self._statement("gradient"), given, sides, measured.only(known), claimed, route)
        short = slopes * upstream
        pulled = measured.pulled(upstream.ravel()).only(known)
        right = short.ravel()[self._slices]
        yield within_bars("chain-rule", self._statement("chain-rule"), given, (shape, shape), pulled, right, route)
        matrix = diagonal(_vec(slopes, "F"), built=self._complete)
        vec = _vec(upstream, "F")
        product = _unvec(matrix.vjp(vec) if isinstance(matrix, Jacobian) else matrix.T @ vec, shape, "F")
        route = how_held(matrix, "Diag(vec A')" if self._of_matrix else "Diag(a')")
        yield exact("chain-rule-vec", self._statement("chain-rule-vec"), given, short, product, route)

    def _measured_slices(self, slopes: Array) -> Measured:
        """Measure ∂A/∂X_pq for the chosen slices, each a column; X_pq is moved in units of its own size."""
        units, size = step_scale(self._x).ravel(), self._x.size
        columns = []
        refuted = False
        for place in self._slices:
            unit = float(units[place])
            claimed, direction = np.zeros(size), np.zeros(size)
            claimed[place] = slopes.flat[place] * unit
            direction[place] = unit if self._usable.flat[place] else 0.0
            column = self._measure(direction.reshape(self._x.shape), slopes, None if refuted else claimed)
            refuted = refuted or bool(column.refutes(claimed).any())
            columns.append(column.scaled(1 / unit))
        return Measured.columns(columns, size)


def _vec(array: Array, order: str) -> Array:
    """Return vec of an array: columns stacked for "F", rows for "C"."""
    return array.ravel(order="F" if order == "F" else "C")


def _unvec(flat: Array, shape: tuple[int, ...], order: str) -> Array:
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _each(matrix: Side, columns: Array) -> Array:
    """Multiply a matrix with every column."""
    return np.stack([times(matrix, column) for column in columns.T], axis=1)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) if len(shape) != 1 else f"a vector of {shape[0]}"
