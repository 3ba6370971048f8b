"""A row of the catalogue's tables: what the author of a function writes down, and how it becomes a Function.

The rows are bare formulas on float64 arrays. What they have in common is done here: dtypes, empty and 0-d arrays, NaN,
floating-point warnings, and the validation of parameters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from inspect import isfunction
from math import isfinite
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.rules import Jvp, Rule, Slopes
from jacinspect.records import dataclass
from jacinspect.wording import format_parameter, format_shape

__all__ = ["ArrayFunction", "Entry", "Interval", "at", "not_negative", "nowhere", "quiet"]

ArrayFunction = Callable[..., Array]

# Temporaries of this many entries stay in the processor's cache, and a result is all the memory that an array needs. At
# 128 KiB, twice as many, malloc begins to take each from the system, which doubles the time.
_BLOCK = 2**13
_NARROW, _DOUBLE = (np.dtype(np.float16), np.dtype(np.float32)), np.dtype(np.float64)
_FINITE = 3  # kinks and jumps in [-2, 2]: functions that have more there have them at all integers, or halves


Interval = tuple[float, float]


def nowhere(**_: Parameter) -> tuple[float, ...]:
    """Return no points, for any parameters."""
    return ()


def as_written(**_: Parameter) -> Mapping[str, str]:
    """Rewrite none of an entry's formulas, for any parameters."""
    return {}


def no_objection(**_: Parameter) -> str:
    """Accept any parameters together."""
    return ""


def not_negative(name: str) -> Callable[..., str]:
    """Return an objection to a parameter below 0."""
    return lambda **given: f"{name} must not be negative, and {given[name]:g} is" if given[name] < 0 else ""


def at(*points: float) -> Callable[..., tuple[float, ...]]:
    """Return a function that gives the same points for any parameters."""
    return lambda **_: points


def quiet(compute: ArrayFunction) -> ArrayFunction:
    """Return IEEE 754's inf or NaN for 1 / 0, log 0, √-1 and sin ∞ without numpy's warnings."""

    def computed(x: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(compute(x))

    return computed


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A catalogue function whose parameters are not bound yet.

    `value(x)` and, for an element-wise function, `derivative(x)` map a float64 array to a float64 array; for others
    `jvp(x, dx)` pushes a tangent. An element-wise function of several `operands` has `value(x, y)` and the rules in
    `partials`, one for each operand, which take arrays of one shape, to which the operands were broadcast; one that is
    not has `jvp(x, y, dx, dy)`, and checks itself which shapes fit, as its operands are not broadcast. The keyword-only
    arguments of `value`, with their defaults, are the function's parameters, and its rules take the same ones. Their
    annotations, or else their defaults, say which values are allowed: float, int, bool, Literal words, or None besides.

    What is declared beyond the rules is for people to read, and tests compare it with experiments: `kinks` are the
    points where an element-wise function has two slopes and `jumps` those where it is not continuous, both functions of
    the parameters; of infinitely many they give those in [-2, 2], and `note` says where the others are. `domain` is the
    closed interval of an operand outside which f is NaN; `properties` are "even" or "odd" of f, and "symmetric",
    "lower-triangular", "upper-triangular" or "permutation" of the Jacobian in row-major vec, whatever the operand's
    shape, where it is not diagonal. `source` is (author, year), `note` what people should know, such as where libraries
    differ.

    Parameters that turn a function into another have `rewritten` formulas: a function of them all that gives those of
    `formula`, `latex` and `derivative_formula` which differ. `objection`, a function of them all, says which exclude
    each other; "" if none do.

    An element-wise rule must give each entry the same bits whatever its neighbours are, because detection compares
    exactly: select with np.where, never by compressing (x[mask]), which moves entries between a vectorised loop and
    its tail.
    """

    name: str
    value: ArrayFunction
    formula: str
    latex: str = ""
    derivative_formula: str = ""
    derivative: ArrayFunction | None = None
    jvp: ArrayFunction | None = None
    operands: tuple[str, ...] = ("x",)
    partials: tuple[ArrayFunction, ...] = ()
    partial_formulas: tuple[str, ...] = ()
    kind: str = "elementwise"
    aliases: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()  # the parameters that have no meaning at 0 or below
    rewritten: Callable[..., Mapping[str, str]] = as_written
    objection: Callable[..., str] = no_objection
    ignores_nan: bool = False  # whether the rules handle NaN in one operand themselves; else the result is NaN
    kinks: Callable[..., tuple[float, ...]] = nowhere
    jumps: Callable[..., tuple[float, ...]] = nowhere
    domain: Mapping[str, Interval] = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    source: str = ""
    note: str = ""

    @property
    def defaults(self) -> dict[str, Parameter]:
        """The parameters and their defaults, in declared order."""
        return dict(getattr(self.value, "__kwdefaults__", None) or {})

    def bind(self, given: Mapping[str, Parameter]) -> Function:
        """Make the function with the given parameters, and the defaults of the others.

        Raises
        ------
        InputError
            If a parameter is unknown, or its value makes no sense, by itself or beside the others.
        """
        parameters = self.defaults
        for name, value in given.items():
            if not parameters:
                raise InputError(f"{self.name} has no parameters; {name!r} cannot be set")
            if name not in parameters:
                raise InputError(f"{self.name} has no parameter {name!r}; it has {', '.join(parameters)}")
            parameters[name] = self._checked(name, value)
        if objection := self.objection(**parameters):
            raise InputError(f"{self.name}: {objection}")
        rewritten = self.rewritten(**parameters)
        run: Callable[..., Any] = partial(_at_once, self.name, parameters)
        if self.jvp is None:
            run = partial(_by_blocks, self.name, parameters, spreads_nan=not self.ignores_nan)
            slopes = (self.derivative,) if self.derivative else self.partials
            rule: Rule = Slopes(tuple(partial(run, slope) for slope in slopes))
        else:
            rule = Jvp(partial(run, self.jvp))
        return Function(
            name=self.name,
            kind=self.kind,
            value=partial(run, self.value),
            rule=rule,
            parameters=parameters,
            defaults=parameters.keys() - given.keys(),
            formula=rewritten.get("formula", self.formula),
            latex=rewritten.get("latex", self.latex),
            domain=self.domain,
            derivative_formula=rewritten.get("derivative_formula", self.derivative_formula),
            operands=self.operands,
            partial_formulas=self.partial_formulas,
            bends=self._bends(parameters),
        )

    def _bends(self, parameters: Mapping[str, Parameter]) -> tuple[float, ...]:
        """Return the kinks and jumps in order, unless there are infinitely many, as of a rounding."""
        bends = sorted({*map(float, self.kinks(**parameters)), *map(float, self.jumps(**parameters))})
        return tuple(bends) if len(bends) <= _FINITE else ()

    def _checked(self, name: str, given: object) -> Parameter:
        """Convert the value of a parameter to the type of its annotation."""
        wanted = f"{self.name}: {name} must be "
        types, words = self._allowed(name)
        if words or bool in types:
            for word in words or (True, False):
                if given == word and isinstance(given, (type(word), np.bool_)):
                    return word
            raise InputError(
                f"{wanted}{' or '.join(map(format_parameter, words or (True, False)))}, not {_quoted(given)}"
            )
        if given is None and NoneType in types:
            return None
        noun = ("an integer" if int in types else "a number") + " or none" * (NoneType in types)
        try:
            if isinstance(given, (bool, np.bool_)):  # float(True) is 1, but who types true does not mean 1
                raise TypeError
            number = float(given)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"{wanted}{noun}, not {_quoted(given)}") from None
        if int in types and not number.is_integer():
            raise InputError(f"{wanted}{noun}, not {number:g}")
        if not isfinite(number):
            raise InputError(f"{wanted}a finite number, not {number:g}")
        if name in self.positive and number <= 0:
            raise InputError(f"{wanted}greater than 0, not {number:g}")
        return int(number) if int in types else number

    def _allowed(self, name: str) -> tuple[tuple[type, ...], tuple[Parameter, ...]]:
        """Return the types that a parameter may have, or the words that it may be."""
        default = self.defaults[name]
        hint = get_type_hints(self.value).get(name, type(default)) if isfunction(self.value) else type(default)
        if get_origin(hint) is Literal:
            return (), get_args(hint)
        if hint is NoneType:  # a lambda says no more
            return (int, NoneType), ()
        return get_args(hint) or (hint,), ()


def _quoted(given: object) -> str:
    """Quote a value that is refused: a word in quotes, all else as people type it."""
    return format_parameter(given) if given is None or isinstance(given, (bool, float)) else repr(given)


def _by_blocks(
    name: str, parameters: Mapping[str, Parameter], compute: ArrayFunction, *arrays: Array, spreads_nan: bool = True
) -> Array:
    """Apply an element-wise rule of 1-d float64 arrays to real arrays, broadcast to one shape; NaN gives NaN."""
    if parameters:
        compute = partial(compute, **parameters)
    if len(arrays) == 1:
        x = np.asarray(arrays[0])
        return _computed(compute, (x,), np.empty(x.shape, _result_type(name, x)), spreads_nan)
    operands = np.broadcast_arrays(*arrays)
    result = np.empty(operands[0].shape, np.result_type(*(_result_type(name, operand) for operand in operands)))
    return _computed_with_poles(compute, operands, result, spreads_nan)


# Overflow to inf and underflow to 0 are results; any other floating-point warning shows a defect of a formula, and is
# not suppressed. Of two operands, inf - inf, 0 * inf and 1 / 0 are legitimate too, and give inf or NaN.
@np.errstate(over="ignore", under="ignore")
def _computed(compute: ArrayFunction, operands: tuple[Array, ...], result: Array, spreads_nan: bool) -> Array:
    for *block, computed in _blocks(operands, result):
        computed[...] = compute(*block)
        for operand in block if spreads_nan else ():
            computed[operand != operand] = np.nan
    return result


_computed_with_poles = np.errstate(divide="ignore", invalid="ignore")(_computed)


def _blocks(operands: tuple[Array, ...], result: Array) -> Iterable[Sequence[Array]]:
    """Return parts of operands and of a result as one-dimensional float64 arrays, the result's to be written to."""
    if result.size <= _BLOCK and result.dtype == _DOUBLE:  # ten times as fast for a few numbers
        return [[array.reshape(-1).astype(np.float64, copy=False) for array in (*operands, result)]]
    access: list[list[Any]] = [*[["readonly"]] * len(operands), ["writeonly"]]
    return np.nditer(
        [*operands, result],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=access,
        op_dtypes=[_DOUBLE] * (len(operands) + 1),
        order="C",
        casting="same_kind",
        buffersize=_BLOCK,
    )


def _at_once(name: str, parameters: Mapping[str, Parameter], compute: ArrayFunction, *arrays: Array) -> Array:
    """Apply a rule of whole float64 arrays, the operands and perhaps their tangents, to real arrays."""
    operands = [np.asarray(array) for array in arrays]
    dtype = np.result_type(*(_result_type(name, operand) for operand in operands))
    if "axis" in parameters:
        _check_axis(name, parameters["axis"], max((operand.shape for operand in operands), key=len))
    with np.errstate(over="ignore", under="ignore"):
        result = compute(*(operand.astype(np.float64, copy=False) for operand in operands), **parameters)
        return np.asarray(result).astype(dtype, copy=False)


def _check_axis(name: str, axis: Parameter, shape: tuple[int, ...]) -> None:
    if isinstance(axis, int) and not -len(shape) <= axis < len(shape):
        has = f"its axes are {-len(shape)} to {len(shape) - 1}" if shape else "it has no axes"
        raise InputError(f"{name}: axis {axis} is out of range for an operand of shape {format_shape(shape)}; {has}")


def _result_type(name: str, x: Array) -> np.dtype[Any]:
    """Find the dtype of what is computed from x in float64: a narrower float's own, else float64."""
    if x.dtype.kind not in "buif":
        raise InputError(f"{name}: an operand of dtype {x.dtype} is not made of real numbers")
    return x.dtype if x.dtype in _NARROW else _DOUBLE
