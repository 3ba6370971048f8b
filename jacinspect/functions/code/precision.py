"""The precision in which a callable takes its operands: double where it can, as differences need it.

In: a callable, and operands as they were given. Out: its framework, and the operands as it takes them. Next: callables.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacinspect.functions.code.backends import Call, Framework
from jacinspect.functions.code.frameworks import framework_of
from jacinspect.functions.rules import Array

__all__ = ["accepted"]


def accepted(
    f: Callable[..., Any], call: Call, given: Sequence[Array], backend: str | None
) -> tuple[Framework, bool, Call, Sequence[Array]]:
    """Find f's framework, as `framework_of`, a callable that calls it, and the operands as it takes them.

    All operands of single precision are tried in double precision first, for that is how f is differenced. Integers are
    tried as integers, for they may be labels or indices, and else as real numbers. What takes no double precision is
    given single.
    """
    wide = _cast(given, "fc", np.float64)
    whole = _cast(wide, "iu", np.float64)
    framework, stays, takes = framework_of(f, call, wide, backend)
    if takes:
        return framework, stays, call, wide
    if _dtypes(whole) != _dtypes(wide):
        found, follows, accepts = framework_of(f, call, whole, backend)
        if accepts:
            return found, follows, call, whole
    for narrow in (given, _cast(given, "f", np.float32)):
        if _dtypes(narrow) == _dtypes(wide):
            continue
        found, follows, accepts = framework_of(f, call, narrow, backend)
        # What takes these numbers in double precision raised for another reason.
        if accepts and not framework_of(f, call, _cast(narrow, "f", np.float64), backend)[2]:
            single = [operand.dtype == np.float32 for operand in narrow]
            as_given = not any(operand.dtype == np.float64 for operand in given)
            return found, follows, call if as_given else _in_single(call, found, single), narrow
    return framework, stays, call, given


def _cast(operands: Sequence[Array], kinds: str, dtype: type[np.floating]) -> list[Array]:
    """Return operands, those of some of numpy's kinds as real numbers of a dtype, or as complex ones no narrower."""
    return [
        operand.astype(np.promote_types(operand.dtype, dtype) if operand.dtype.kind == "c" else dtype, copy=False)
        if operand.dtype.kind in kinds
        else operand
        for operand in operands
    ]


def _dtypes(operands: Sequence[Array]) -> list[np.dtype[Any]]:
    return [operand.dtype for operand in operands]


def _in_single(call: Call, framework: Framework, single: Sequence[bool]) -> Call:
    """Return a callable that gives some of its real operands, arrays of the framework, in single precision."""

    def rounded(array: Any, narrow: bool) -> Any:
        if not narrow or framework.kind(array) != "f":
            return array
        return array.float() if framework.name == "torch" else array.astype(np.float32)

    return lambda *operands: call(*map(rounded, operands, single))
