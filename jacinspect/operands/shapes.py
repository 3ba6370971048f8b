"""Shapes and sizes: ``2x3``, ``4GiB`` and a seed come in as text and numbers, a random operand goes out.

`require_fits` guards every operand, drawn here or read by `jacinspect.operands.files`, before it is allocated.
"""

import math
import re
import sys
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.wording import format_size, shown

__all__ = [
    "MACHINE_FULL",
    "MOST_AXES",
    "SCALAR",
    "Array",
    "Interval",
    "inside",
    "parse_shape",
    "parse_size",
    "random_operand",
    "require_fits",
]

Array: TypeAlias = npt.NDArray[Any]
Interval = tuple[float, float]

SCALAR = "scalar"  # the shape of a single number, which has no axes
MOST_AXES = 64  # numpy's own limit
MACHINE_FULL = "takes more memory than this machine gives; take a smaller operand"

_ARRAYS_AT_ONCE = 16  # an inspection keeps operand, value, tangent, steps, differences, bars … of the operand's size
_SIZE = re.compile(
    r"\s*([0-9]{1,30}(?:\.[0-9]{1,30})?(?:e\+?[0-9]{1,2})?)\s*(?:(?:([KMGTPEZY])(i?))?B)?\s*", re.ASCII | re.IGNORECASE
)


def parse_shape(text: str) -> tuple[int, ...]:
    """Read a shape such as ``4``, ``2x3``, ``2 × 3 × 4`` or ``(2, 3)``; 0 is a legal size, ``scalar`` has no axes.

    Raises
    ------
    InputError
        If the text is anything else, or has more axes than numpy allows.
    """
    if text.strip() in (SCALAR, "()"):
        return ()
    bare = re.fullmatch(r"\s*\(([^()]*?),?\s*\)\s*", text)  # as Python writes a shape
    sizes = [size.strip() for size in re.split("[xX×,]", bare[1] if bare else text)]
    # 100 digits are past every memory, and well below the length at which int() itself refuses
    if not all(re.fullmatch("[0-9]{1,100}", size) for size in sizes):
        advice = "write sizes separated by x, such as 4, 2x3 or 2x3x4, or scalar"
        raise InputError(f"shape {shown(text)} is not a shape: {advice}")
    if len(sizes) > MOST_AXES:
        raise InputError(f"shape {shown(text)} has {len(sizes)} axes: numpy allows {MOST_AXES}")
    return tuple(map(int, sizes))


def parse_size(text: str) -> int:
    """Read a number of bytes such as ``4GiB`` (1024³), ``4GB`` (1000³), ``1e9`` or ``1048576``.

    Raises
    ------
    InputError
        If the text is anything else, or less than one byte.
    """
    size = 0
    if match := _SIZE.fullmatch(text):
        number, letter, binary = match.groups(default="")
        size = int(Fraction(number) * (1024 if binary else 1000) ** " KMGTPEZY".index(letter.upper() or " "))
    if size < 1:
        raise InputError(f"size {shown(text)} is not a number of bytes: write such as 4GiB, 512MiB, 4GB or 1e9")
    return size


def require_fits(shape: tuple[int, ...], dtype: npt.DTypeLike, memory: int, what: str) -> None:
    """Refuse an operand too large to be inspected within `memory` bytes, before anything is allocated.

    Raises
    ------
    InputError
        If the 16 arrays that an inspection keeps of that shape and dtype exceed `memory`, or numpy cannot index one;
        the message begins with `what`.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    described = shown("x".join(map(str, shape)) or "()", str)
    if _ARRAYS_AT_ONCE * size > memory:
        raise InputError(
            f"{what}: shape {described} takes {format_size(size)} as {dtype}, and an inspection keeps about "
            f"{_ARRAYS_AT_ONCE} such arrays, {format_size(_ARRAYS_AT_ONCE * size)}:\n"
            f"over the {format_size(memory)} of --memory; raise that, or take a smaller operand"
        )
    # an empty array takes no memory, yet numpy multiplies its other sizes
    if len(shape) > MOST_AXES or math.prod(n or 1 for n in shape) * dtype.itemsize > sys.maxsize:
        raise InputError(f"{what}: shape {described} is more than numpy can index; take fewer or shorter axes")


def random_operand(
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    seed: int,
    memory: int,
    position: int = 1,
    domain: Interval = (-math.inf, math.inf),
) -> Array:
    """Draw a standard normal operand of `shape` and `dtype`; a float32 one is the float64 one, rounded.

    A complex one has the same numbers as its real part, and as many others as its imaginary part.

    One seed gives the operands of one function, at `position` 1, 2 …, different numbers. What falls outside the
    `domain` is brought `inside` it.

    Raises
    ------
    InputError
        If it would not fit in `memory` bytes (see `require_fits`), or the seed is negative.
    """
    if seed < 0:
        raise InputError(f"seed {seed} is negative: a seed is 0, 1, 2 …")
    require_fits(shape, dtype, memory, "random operand")
    try:
        rng = np.random.default_rng(seed if position == 1 else [seed, position])
        x = inside(rng.standard_normal(shape), domain)
        if np.dtype(dtype).kind == "c":
            x = x + 1j * inside(rng.standard_normal(shape), domain)
        return x.astype(dtype, copy=False)
    except MemoryError:
        raise InputError(f"random operand: {MACHINE_FULL}") from None


def inside(x: Array, domain: Interval) -> Array:
    """Reflect what falls outside a domain at its end; where it has two, take it modulo the width."""
    low, high = domain
    if domain == (-math.inf, math.inf):
        return x
    moved = low + np.abs(x - low) % (high - low) if math.isfinite(low) else high - np.abs(high - x)
    return np.where((x < low) | (x > high), moved, x)
