"""An expression, as a person types it, to a Function: "x * sigmoid(1.702 * x)", "softmax(q @ k.T / 2) @ v".

In: a text, and numbers for some of its names. Out: a Function of the other names, for the inspection. grammar.py reads
the text, evaluation.py computes it and pushes tangents through it, by the catalogue's own rules, and symbolic.py writes
the derivative down.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from numbers import Real

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.expressions.bends import bends
from jacinspect.functions.expressions.evaluation import Part, is_elementwise, push
from jacinspect.functions.expressions.grammar import parse
from jacinspect.functions.expressions.reverse import pull_through
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.expressions.symbolic import derivative_formula
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.rules import Jvp, Second, Vjp

__all__ = ["expression"]

_LONGEST_DIFFERENTIATED = 500  # characters; the derivative of a longer text would not fit on a line
_ENTRY_BY_ENTRY = "* is entry by entry; the matrix product is @"


def expression(text: str, parameters: Mapping[str, Parameter] = {}, known: Mapping[str, Parameter] = {}) -> Function:
    """Make a Function of an expression; grammar.py says what can be written.

    Parameters
    ----------
    text
        Numbers, names, + - * / ** @, .T, functions of the catalogue, and where(x > 0, a, b).
    parameters
        Finite numbers for some of its names. The other names are the operands: x or X first, the others in order
        of appearance.
    known
        Numbers for names that it may have or not; anything else in it is ignored.

    Returns
    -------
    Function
        Its operands are any real arrays whose shapes go together; it computes in float64, and the result is of a
        narrower dtype if all operands are. Its rule pushes tangents forward. No floating-point warning is emitted.

    Raises
    ------
    InputError
        If the text is not an expression, with the offending piece underlined, or a parameter is not a finite number or
        not in it; when called, if an operand is not real, or shapes do not go together.
    """
    typed = Typed.stripped(text)
    numbers = {name: _number(name, given) for name, given in parameters.items()}
    for name, given in known.items():
        with suppress(InputError):
            numbers[name] = _number(name, given)
    parsed = parse(typed, numbers)
    for name in parameters:
        if name not in parsed.parameters:
            names = ", ".join((*parsed.operands, *parsed.parameters)) or "none"
            raise InputError(f"the expression has no name {name!r} to set; its names: {names}")
    operands = tuple(sorted(parsed.operands, key=lambda name: (name != "x", name != "X"))) or ("x",)
    forward = _Forward(typed, parsed.tree, operands)
    formula = " ".join(typed.text.split())
    formulas = ("",) * len(operands)
    if len(formula) <= _LONGEST_DIFFERENTIATED:
        formulas = tuple(derivative_formula(parsed.tree, name) for name in operands)
    return Function(
        name=formula,
        kind="elementwise" if is_elementwise(parsed.tree) else "coupled",
        value=forward.value,
        rule=Jvp(forward.push),
        others=(Vjp(forward.pull, "reverse", order=2),),
        second=(Second(forward.product, "forward over reverse"),),
        parameters={name: numbers[name] for name in parsed.parameters},
        formula=formula,
        derivative_formula=formulas[0],
        source="expression",
        operands=operands,
        bends=bends(typed, parsed.tree, operands),
        note=_ENTRY_BY_ENTRY if _multiplies_a_transpose(parsed.tree) else "",
        partial_formulas=formulas if len(operands) > 1 else (),
    )


def _multiplies_a_transpose(part: Part) -> bool:
    """Whether an operand that is transposed is multiplied entry by entry, as a textbook's x'x is not."""
    name = "" if part.function is None else part.function.name
    turned = any(each.function is not None and each.function.name == "transpose" for each in part.arguments)
    return (name == "mul" and turned) or any(map(_multiplies_a_transpose, part.arguments))


def _number(name: str, given: object) -> float:
    """Check a parameter: a finite number, which True is not."""
    if isinstance(given, bool) or not isinstance(given, Real):
        raise InputError(f"{name} must be a number, not {given!r}")
    try:
        number = float(given)
    except OverflowError:
        number = np.inf
    if not isfinite(number):
        raise InputError(f"{name} must be a finite number, not {number:g}")
    return number


class _Forward:
    """The value and the jvp of a tree whose operands have an order."""

    def __init__(self, typed: Typed, tree: Part, operands: tuple[str, ...]) -> None:
        self._typed, self._tree, self._operands = typed, tree, operands

    def value(self, *operands: Array) -> Array:
        """Compute f(x, y, …)."""
        return self._computed(operands, {})[0]

    def push(self, *both: Array) -> Array:
        """Push tangents, push(x, y, …, dx, dy, …); one that is all 0 costs nothing."""
        operands, tangents = both[: len(self._operands)], both[len(self._operands) :]
        moving = {name: dx for name, dx in zip(self._operands, tangents, strict=True) if np.any(dx)}
        value, tangent = self._computed(operands, moving)
        return np.zeros_like(value) if tangent is None else tangent

    def pull(self, *given: Array) -> tuple[Array, ...]:
        """Pull a cotangent back, pull(x, y, …, w)."""
        return self._pulled(given[:-1], given[-1], None)

    def product(self, *given: Array) -> tuple[Array, ...]:
        """Multiply by the Hessian of w·f, product(x, y, …, w, dx, dy, …)."""
        half = len(given) // 2
        moving = {name: v for name, v in zip(self._operands, given[half + 1 :], strict=True) if np.any(v)}
        return self._pulled(given[:half], given[half], moving)

    def _pulled(self, operands: Sequence[Array], w: Array, tangents: Mapping[str, Array] | None) -> tuple[Array, ...]:
        point = _in_double(dict(zip(self._operands, operands, strict=True)))
        with np.errstate(all="ignore"):
            found = pull_through(self._typed, self._tree, point, np.asarray(w, np.float64), tangents)
        return tuple(found.get(name, np.zeros(x.shape)) for name, x in point.items())

    def _computed(self, operands: tuple[Array, ...], tangents: Mapping[str, Array]) -> tuple[Array, Array | None]:
        point = dict(zip(self._operands, map(np.asarray, operands), strict=True))
        for name, operand in point.items():
            if operand.dtype.kind not in "buif":
                raise InputError(f"{name}: an operand of dtype {operand.dtype} is not made of real numbers")
        narrow = all(operand.dtype in (np.float16, np.float32) for operand in point.values())
        dtype = np.result_type(*point.values()) if narrow else np.float64
        with np.errstate(all="ignore"):  # inf and NaN are results
            value, tangent = push(self._typed, self._tree, _in_double(point), _in_double(tangents))
            # a copy: the operand itself is no result
            return np.array(value, dtype), None if tangent is None else np.asarray(tangent).astype(dtype, copy=False)


def _in_double(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.asarray(array).astype(np.float64, copy=False) for name, array in arrays.items()}
