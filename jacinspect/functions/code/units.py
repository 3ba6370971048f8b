"""Quantities with units, as pint has them: a function of such, and its derivative, as callables that return magnitudes.

In: the operands, and callables of quantities. Out: f's values in the units that it returned first, and its derivative's
in these by those of X. No package is imported here. Next: labelled.py, given.py.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError
from jacinspect.functions.code.trees import converted, leaves
from jacinspect.functions.numbers import Numbers

__all__ = ["Units", "has_units", "magnitude"]


def magnitude(given: Any) -> Any:
    """Return the numbers of a quantity; anything else as it is."""
    return given.magnitude if has_units(given) else given


class Units:
    """The units of a function's operands, in order, and those of what it returned first, once it was called.

    Both are units of differences, as delta_degC is of temperatures; None stands for none.
    """

    def __init__(self, operands: Sequence[Any], names: Sequence[str]) -> None:
        self._names = names
        self._by = [_of_differences(operand) for operand in operands]
        self._of: dict[str, Any] = {}  # by the paths of the results
        self._first: dict[str, Any] = {}  # the units themselves

    def __bool__(self) -> bool:
        """Whether an operand has units."""
        return any(unit is not None for unit in self._by)

    def of_function(self, call: Any) -> Any:
        """Return the function as one that returns numbers, all in the units of its first result."""

        @wraps(call)
        def numbers(*given: Any, **keywords: Any) -> Any:
            result = call(*given, **keywords)
            found = dict(leaves(result))
            if not self._of:
                self._of = {path: _of_differences(leaf) for path, leaf in found.items()}
                self._first = {path: leaf.units for path, leaf in found.items() if has_units(leaf)}
            if not any(map(has_units, found.values())):
                return result
            units = iter([self._first.get(path) for path in found])
            return converted(result, lambda leaf: _in(leaf, next(units)))

        return numbers

    def of_derivative(self, derivative: Any, kind: str | None, place: int | None) -> Any:
        """Return a derivative as one of numbers in the units of f by those of an operand.

        Parameters
        ----------
        derivative
            A callable of all operands, or numbers at X.
        kind
            That which the user says it is. A jvp is given a tangent with units, and so has those of f; where it has
            not, it is one of magnitudes, and is given those. A vjp is given a cotangent without units, and has those
            of a gradient.
        place
            Of the operand to differentiate by, from 0; None where they are several.
        """
        if not callable(derivative):
            if not _has_any(derivative):
                return derivative
            return Numbers(derivative, read=lambda given: self._read(given, kind, place))
        by = None if place is None else self._by[place]

        @wraps(derivative)
        def numbers(*given: Any, **keywords: Any) -> Any:
            def called(tangent: Any) -> Any:
                point, rest = given[: len(self._by)], given[len(self._by) :]
                moved = (tangent(each) if isinstance(each, np.ndarray) else each for each in rest)
                return derivative(*point, *moved, **keywords)

            if kind != "jvp" or by is None:
                return self._read(derivative(*given, **keywords), kind, place)
            try:
                return self._read(called(lambda each: each * by), kind, place)
            except Exception:
                with suppress(Exception):
                    plain = called(lambda each: each)
                    if not _has_any(plain):
                        return plain
                raise

        return numbers

    def _read(self, given: Any, kind: str | None, place: int | None) -> Any:
        """Return what a derivative returned as numbers, where it has units."""
        if not _has_any(given):
            return given
        if isinstance(given, Mapping) and given.keys() <= {*self._names} and self._of.keys() == {""}:
            by = dict(zip(self._names, self._by, strict=False))
            return {name: self._in_those_by(by[name], each) for name, each in given.items()}
        if isinstance(given, tuple) and len(given) == len(self._by) > 1:
            return tuple(self._in_those_by(by, each) for by, each in zip(self._by, given, strict=True))
        if place is None:
            raise _undecided()
        return self._in_those_by(None if kind == "jvp" else self._by[place], given)

    def _in_those_by(self, by: Any, given: Any) -> Any:
        """Return numbers in the units of f by these; of a product with a tangent, by none."""
        if len(set(self._of.values())) != 1:
            raise _undecided()
        (of,) = set(self._of.values())

        def read(leaf: Any) -> Any:
            none = leaf.units**0
            wanted = (none if of is None else of) / (none if by is None else by)
            try:
                return leaf.m_as(wanted)
            except TypeError as error:  # which pint's DimensionalityError is
                said = f"the derivative is in {leaf.units}, which cannot be converted to {wanted}"
                raise FunctionFailedError(f"{said}, the unit of f by that of X") from error

        return converted(given, lambda leaf: read(leaf) if has_units(leaf) else leaf)


def has_units(given: Any) -> bool:
    """Whether this is a quantity, as pint's are."""
    return hasattr(given, "units") and hasattr(given, "m_as") and not isinstance(given, type)


def _has_any(given: Any) -> bool:
    """Whether there is a quantity in a container."""
    return any(has_units(leaf) for _, leaf in leaves(given))


def _of_differences(given: Any) -> Any:
    return (given - given).units if has_units(given) else None


def _in(given: Any, units: Any) -> Any:
    return given.m_as(given.units**0 if units is None else units) if has_units(given) else given


def _undecided() -> FunctionFailedError:
    return FunctionFailedError(
        "the derivative has units, which are read where f has the same ones in all that it returns, by one operand;\n"
        "let it return magnitudes, or, by several operands, a tuple with an entry for each, or a dict with their names"
    )
