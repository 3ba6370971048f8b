"""An analytic derivative at one point, as it is compared: its values on a pattern, and products. Next: agreement.

It is given as the slopes of an element-wise function, as the entries of a matrix, or as a rule for one product. A jvp
is called once for each color of the columns, a vjp for each color of the rows (two outputs may share one when they read
no common input).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array, blocks
from jacinspect.jacobian.colors.seeds import compress
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.records import dataclass

__all__ = ["Analytic", "LinearMap", "from_entries", "from_jvp", "from_slopes", "from_vjp", "is_linear"]

LinearMap = Callable[[Array], Array]

_LINEAR = 1e-6  # of the largest entry: a linear rule in float32 rounds by some 1e-7, one that is not linear is far off


@dataclass(frozen=True)
class Analytic:
    """A claimed ∂A/∂X; it may have entries outside the pattern that was found.

    `on` returns its values on a pattern, given a column coloring and the number of colors. `push`, the jvp, maps a
    tangent of X's shape to J·v, flat; `pull`, the vjp where there is no jvp, maps a cotangent of A's M entries to
    Jᵀ·w, flat. Of an element-wise function, `slopes` returns f' in A's shape. Where the entries are known one by one,
    `stored` returns all of them, given f's pattern, or None where they are those of the pattern. `by_rule` is whether
    push or pull calls a rule of the function's own, not the product with a matrix that is already there.
    """

    on: Callable[[Pattern, Array, int], Jacobian]
    push: LinearMap | None = None
    pull: LinearMap | None = None
    slopes: Callable[[], Array] | None = None
    stored: Callable[[Pattern], Jacobian | None] | None = None
    by_rule: bool = False

    @property
    def rule(self) -> LinearMap | None:
        """The jvp or the vjp, where it is a rule of the function's own."""
        return (self.push or self.pull) if self.by_rule else None


def from_slopes(slopes: Callable[[], Array]) -> Analytic:
    """Take f' of A's shape: the derivative of each output by the input that broadcasting puts at its place.

    `slopes` is called whenever they are needed; what it returns is not modified.
    """

    def on(pattern: Pattern, _colors: Array, _number: int) -> Jacobian:
        flat = slopes().ravel()
        if pattern.stored == flat.size and pattern.is_elementwise:
            return Jacobian(pattern, flat)
        assert pattern.sources is not None
        return Jacobian(pattern, np.where(pattern.sources[pattern.rows] == pattern.indices, flat[pattern.rows], 0.0))

    def push(tangent: Array) -> Array:
        values = slopes()
        product, factors = np.empty(values.size), values.reshape(-1)
        v = np.broadcast_to(tangent, values.shape).reshape(-1)
        for block in blocks(product.size):
            with np.errstate(all="ignore"):
                product[block] = np.where(v[block] == 0, 0.0, factors[block]) * v[block]
        return product

    def stored(pattern: Pattern) -> Jacobian | None:
        if pattern.stored == pattern.shape[0] and pattern.is_elementwise:
            return None
        assert pattern.sources is not None
        rows = np.arange(pattern.shape[0])
        own = Pattern.from_pairs(rows, pattern.sources, pattern.output_shape, pattern.operand_shape)
        return Jacobian(own, slopes().ravel())

    return Analytic(on, push, slopes=slopes, stored=stored)


def from_entries(
    entries: tuple[Array, Array, Array], output_shape: tuple[int, ...], operand_shape: tuple[int, ...]
) -> Analytic:
    """Take entries (rows, columns, values), flat row-major; those at one place are summed, all others are 0."""
    rows, columns, values = entries
    pattern = Pattern.from_pairs(rows, columns, output_shape, operand_shape)
    data = np.zeros(pattern.stored)
    np.add.at(data, pattern.places(rows, columns), values)
    jacobian = Jacobian(pattern, data)

    def on(pattern: Pattern, _colors: Array, _number: int) -> Jacobian:
        return jacobian.on(pattern)

    return Analytic(on, lambda tangent: (jacobian @ tangent).ravel(), stored=lambda _: jacobian)


def from_jvp(jvp: LinearMap) -> Analytic:
    """Take a map from a tangent of X's shape to that of A's."""
    return Analytic(
        partial(compress, jvp=jvp), lambda tangent: np.asarray(jvp(tangent), np.float64).ravel(), by_rule=True
    )


def from_vjp(vjp: LinearMap) -> Analytic:
    """Take a map from a cotangent of A's shape to that of X's."""

    def on(pattern: Pattern, _colors: Array, _number: int) -> Jacobian:
        order, transposed = pattern.transposed_order(), pattern.T
        data = np.empty(pattern.stored)
        data[order] = compress(transposed, *transposed.coloring, vjp).data
        return Jacobian(pattern, data)

    return Analytic(on, pull=lambda cotangent: np.asarray(vjp(cotangent), np.float64).ravel(), by_rule=True)


def is_linear(analytic: Analytic, operand_shape: tuple[int, ...], outputs: int) -> bool:
    """Whether twice the tangent or cotangent doubles a rule's result; one that forgets to multiply by it does not."""
    rule, shape = (analytic.push, operand_shape) if analytic.push is not None else (analytic.pull, (outputs,))
    assert rule is not None
    direction = np.random.default_rng(0).standard_normal(shape)
    with np.errstate(all="ignore"):
        once, twice = rule(direction), rule(2 * direction)
        off = np.abs(twice - 2 * once)
        known = np.isfinite(off)  # of the others nothing can be said
        return bool(np.all(off[known] <= _LINEAR * np.abs(twice[known]).max(initial=0)))
