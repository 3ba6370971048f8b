"""The interval in which a function is defined, closed: "0:", "-1:1" or a pair comes in, a pair of numbers goes out."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.rules import Array

__all__ = ["EVERYWHERE", "Interval", "common", "parse_interval", "require_inside", "written"]

Interval = tuple[float, float]
EVERYWHERE = (-inf, inf)


def parse_interval(given: str | Sequence[float]) -> Interval:
    """Read LOW:HIGH, either of which may be left out, or a pair of numbers.

    Raises
    ------
    InputError
        If it is anything else, or LOW is not below HIGH.
    """
    try:
        ends: Sequence[Any] = given.split(":") if isinstance(given, str) else [*given]
        low, high = (float(end) if str(end).strip() else open_ for end, open_ in zip(ends, EVERYWHERE, strict=True))
    except (TypeError, ValueError):
        low = high = 0.0
    if not low < high:
        raise InputError(f"domain: {given!r} is not LOW:HIGH with LOW below HIGH, such as 0:1, 0: or :1")
    return low, high


def written(interval: Interval) -> str:
    """Write an interval as LOW:HIGH."""
    low, high = interval
    return f"{'' if low == -inf else f'{low:g}'}:{'' if high == inf else f'{high:g}'}"


def common(name: str, one: Interval, other: Interval) -> Interval:
    """Return what two intervals of an operand have in common; InputError if nothing."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    if not low < high:
        raise InputError(f"domain {written(other)} lies outside of {name}'s own, {written(one)}")
    return low, high


def require_inside(name: str, operand: Array, interval: Interval) -> None:
    """Raise InputError if an operand has an entry outside of an interval."""
    outside = np.argwhere((operand < interval[0]) | (operand > interval[1]))
    if len(outside):
        index = tuple(outside[0].tolist())
        place = f"{name}[{','.join(map(str, index))}]" if index else name
        raise InputError(f"{place} is {operand[index]:g}, outside of the domain {written(interval)}")
