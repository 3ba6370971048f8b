"""Functions that write their result into an argument, as f(out, x) does: how to wrap one so that it is returned.

In: a callable that returned nothing, could not write into an operand that is fixed, or was given a container and not
the one for its result; a derivative that takes more than its function. Out: the advice. Next: callables.py.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.code.frameworks import signature_of
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Array

__all__ = ["require_all", "require_returned", "returning"]


def returning(call: Callable[..., Any], name: str, operands: Sequence[str]) -> Callable[..., Any]:
    """Return the callable, which raises InputError with a way to wrap it where it writes its result into an argument.

    Parameters
    ----------
    call
        A callable of the operands.
    name, operands
        Its name and those of its operands, for the advice.
    """

    def checked(*given: Any) -> Any:
        try:
            result = call(*given)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            _require_returned(call, name, operands, given)
            raise
        if result is None:
            _require_returned(call, name, operands, given)
        return result

    return checked


def require_all(f: Any, name: str, missing: Sequence[str]) -> None:
    """Raise InputError if operands of f, whose others are in containers, are missing: its result may go into them."""
    signature = signature_of(f)
    if not missing or signature is None:
        return
    required = [place.name for place in signature.parameters.values() if place.default is place.empty]
    taken = ", ".join(each for each in required if each not in missing)
    made = "".join(f"{each} = {{}}; " for each in missing)
    code = f"{made}{name.rpartition(':')[2]}({', '.join(required)}); return {', '.join(missing)}"
    raise InputError(
        f"{name}: takes {' and '.join(missing)} too: give it in others; or, if it writes its result there, inspect a "
        f"function that returns it, such as\n  def g({taken}): {code}"
    )


def require_returned(
    call: Callable[..., Any], name: str, extra: Sequence[str], function: Function, given: Sequence[Any]
) -> None:
    """Raise InputError if a derivative writes its result into the last of some extra arguments; say how to wrap it.

    Parameters
    ----------
    call, name
        The derivative: it takes the function's operands, and after them one or two `extra` arguments, as
        jac(t, y, fy, J) does, of which the first is the function's value then.
    function, given
        The function, and its operands.
    """
    try:
        value = np.asarray(function.value(*(operand.copy() for operand in given)))
        shapes = [(*value.shape, *operand.shape) for operand in given]
        shapes += [(value.size, operand.size) for operand in given]
    except Exception:  # reported when the function is inspected
        return
    shape = next((shape for shape in shapes if _is_filled(call, given, value, extra, shape)), None)
    if shape is None:
        return
    f, derivative = (each.rpartition(":")[2] for each in (function.name, name))
    operands = ", ".join(function.operands)
    values = "".join(f"{each} = {f}({operands}); " for each in extra[:-1])
    called = f"{derivative}({', '.join([*function.operands, *extra])})"
    raise InputError(
        f"{name}: returns None and writes into {extra[-1]}; give a derivative that returns it, such as\n"
        f"  def d({operands}): {values}{extra[-1]} = np.zeros({shape}); {called}; return {extra[-1]}"
    )


def _is_filled(
    call: Callable[..., Any], given: Sequence[Any], value: Array, extra: Sequence[str], shape: tuple[int, ...]
) -> bool:
    """Whether a derivative returns None, and fills an array of this shape that is its last argument."""
    result = np.zeros(shape)
    try:
        nothing = call(*(operand.copy() for operand in given), *(value.copy() for _ in extra[:-1]), result) is None
    except Exception:  # any code of theirs, given an array that it may not fit
        return False
    return nothing and bool(np.any(result != 0))


def _require_returned(call: Callable[..., Any], name: str, operands: Sequence[str], given: Sequence[Any]) -> None:
    """Raise InputError if the callable returns None and writes into some of its operands, arrays of numpy."""
    if not all(isinstance(operand, np.ndarray) for operand in given) or len(given) != len(operands):
        return
    found = {name: _written(call, given, place) for place, name in enumerate(operands)}
    written = {name: how for name, how in found.items() if how is not None}
    if not written:
        return
    made = [
        f"{out} = {out}.copy()" if read else f"{out} = np.zeros({given[operands.index(out)].shape})"
        for out, read in written.items()
    ]
    taken = [each for each in operands if written.get(each) is not False]
    code = "; ".join([*made, f"{name.rpartition(':')[2]}({', '.join(operands)})", f"return {', '.join(written)}"])
    raise InputError(
        f"{name}: returns None and writes into {' and '.join(written)}; inspect a function that returns it, such as\n"
        f"  def g({', '.join(taken)}): {code}"
    )


def _written(call: Callable[..., Any], given: Sequence[Array], place: int) -> bool | None:
    """Whether an operand that the callable writes into is read as well; None if it returns something or does not write.

    It is called with other numbers there: what is written does not depend on them where they are not read.
    """
    results = []
    for seed in (0, 1):
        copies = [operand.copy() for operand in given]
        copies[place][...] = before = np.random.default_rng(seed).uniform(0.5, 1, given[place].shape)
        try:
            if call(*copies) is not None or np.array_equal(copies[place], before):
                return None
        except Exception:
            return None
        results.append(copies[place])
    return not np.array_equal(results[0], results[1], equal_nan=True)
