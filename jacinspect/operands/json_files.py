"""JSON: the text of a .json file, nested lists of numbers, comes in; an array of as many axes goes out.

It is of int64 if all are whole numbers, and of float64 if not. ``file.json:key`` is what an object has under a key, or
objects inside of it, ``a.b``. A list of objects with the same keys, or records, is a table with a column for each key.

The non-finite numbers, which JSON has no word for, are NaN, Infinity and -Infinity, in quotation marks or not.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.keys import chosen, split_key
from jacinspect.operands.shapes import MOST_AXES, Array, require_fits
from jacinspect.wording import shown

__all__ = ["of_arrays", "read_json"]

_MOST_DIGITS = 19  # int64 holds every number of 18 digits
_NON_FINITE = ("NaN", "Infinity", "-Infinity")
_NOT_NUMBERS = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}


def read_json(text: str, name: str, dtype: npt.DTypeLike, memory: int) -> Array:
    """Read nested lists of numbers, all lists of a level of one length, or records; a lone number has no axes.

    Raises
    ------
    InputError
        At the first place where the text is something else, named by line and column or by index (``[1][0]``); if
        there are more numbers than fit in `memory` bytes as `dtype` (see `require_fits`), or none.
    """
    path, key = split_key(name)
    if not text.strip():
        raise InputError(f"{name}: holds no numbers")
    # nested lists of n numbers hold n - 1 commas: no need to build objects ten times the array's size to count them
    require_fits((text.count(",") + 1,), dtype, memory, name)
    try:
        # the literal Infinity becomes a string, like "Infinity", so that an infinite float is one that overflowed
        value = json.loads(text, parse_int=_whole, parse_constant=str)
        value = value if key is None else _under(value, key, path)
        leaves, shape = _unnest(_table(value, name), name)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}, column {error.colno}: is not JSON: {error.msg}") from error
    except RecursionError:
        raise InputError(f"{name}: is nested too deeply: numpy allows {MOST_AXES} axes") from None
    if not leaves:
        raise InputError(f"{name}: holds no numbers")
    for position, leaf in enumerate(leaves):
        if fault := _fault(leaf):
            raise InputError(f"{name}: {_path(position, shape)} {fault}{_keys_of(leaf, name) if not shape else ''}")
    if all(type(leaf) is int for leaf in leaves):
        return np.array(leaves, np.int64).reshape(shape)
    return np.fromiter(map(float, leaves), np.float64, len(leaves)).reshape(shape)


def of_arrays(value: Any, dtype_of: Callable[[str], npt.DTypeLike | None], path: str = "") -> Any:
    """Return what JSON has with arrays for the numbers, and for nested lists of them, in its objects and other lists.

    They are of the dtype of their path; whole numbers are of int64 where that is None.
    """

    def inside(pairs: Iterable[tuple[object, Any]]) -> Iterator[Any]:
        return (of_arrays(each, dtype_of, f"{path}.{key}" if path else str(key)) for key, each in pairs)

    if isinstance(value, dict):
        return dict(zip(value, inside(value.items()), strict=True))
    try:
        leaves, shape = _unnest(value, "")
    except (InputError, RecursionError):  # lists of several lengths
        leaves, shape = [None], ()
    if leaves and not any(map(_fault, leaves)):
        dtype = dtype_of(path)
        whole = dtype is None and all(type(leaf) is int for leaf in leaves)
        return np.array(leaves if whole else [*map(float, leaves)], np.int64 if whole else dtype).reshape(shape)
    return [*inside(enumerate(value))] if isinstance(value, list) else value


def _whole(digits: str) -> int | float:
    """Read an integer; one that int64 cannot hold becomes a float."""
    return float(digits) if len(digits) >= _MOST_DIGITS or digits == "-0" else int(digits)


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and each for each in value)


def _table(value: Any, name: str) -> Any:
    """Return the rows of a list of records, in the order of the first one's keys; anything else as it is."""
    if not _is_records(value):
        return value
    keys = value[0].keys()
    for number, record in enumerate(value):
        if record.keys() != keys:
            raise InputError(f"{name}: [{number}] has keys {_listed(record)}, [0] has {_listed(value[0])}")
    rows = [[record[key] for key in keys] for record in value]
    for number, row in enumerate(rows):
        for key, leaf in zip(keys, row, strict=True):
            if fault := _fault(leaf):
                raise InputError(f"{name}: [{number}][{shown(key)}] {fault}; write FILE.json:KEY for one column")
    return rows


def _under(value: Any, key: str, path: str) -> Any:
    """Return what an object, or an object inside of it, has under a key, and of records that column."""
    if _is_records(value):
        value = {name: [record.get(name) for record in value] for name in value[0]}
    if not isinstance(value, dict):
        raise InputError(f"{path}: has no {shown(key)}: no object is there, so no keys")
    head, dot, rest = key.partition(".")
    if key not in value and dot and head in value:
        return _under(value[head], rest, path)
    return value[chosen(path, key, [*value])]


def _keys_of(value: Any, name: str) -> str:
    """Say how to write which of an object's keys is meant, where it is that of a file."""
    path, key = split_key(name)
    if not isinstance(value, dict) or not path.lower().endswith(".json"):
        return ""
    return f"; write {path}:{'' if key is None else f'{key}.'}KEY, the key being {_listed(value)}"


def _listed(record: dict[str, Any]) -> str:
    return ", ".join([*map(shown, [*record][:20])]) + ", …" * (len(record) > 20)


def _unnest(value: object, name: str) -> tuple[list[Any], tuple[int, ...]]:
    """Peel off lists level by level, each a level of lists of one length; return what is left, and the shape."""
    leaves: list[Any] = [value]
    shape: tuple[int, ...] = ()
    while leaves and isinstance(leaves[0], list):
        lengths = [len(leaf) if isinstance(leaf, list) else None for leaf in leaves]
        if lengths.count(lengths[0]) != len(lengths):
            odd = next(i for i, length in enumerate(lengths) if length != lengths[0])
            found = "no list" if lengths[odd] is None else f"a list of {lengths[odd]}"
            raise InputError(f"{name}: {_path(odd, shape)} is {found}, {_path(0, shape)} a list of {lengths[0]}")
        shape += (len(leaves[0]),)
        if len(shape) > MOST_AXES:
            raise RecursionError  # as the parser itself does, at some thousand levels
        leaves = list(itertools.chain.from_iterable(leaves))
    return leaves, shape


def _fault(leaf: Any) -> str:
    if type(leaf) in (int, float):
        return "is too large for float64" if math.isinf(leaf) else ""
    if isinstance(leaf, str):
        return "" if leaf in _NON_FINITE else f"is the text {shown(leaf)}; texts may only be {', '.join(_NON_FINITE)}"
    return f"is {_NOT_NUMBERS[type(leaf)]}, not a number"


def _path(position: int, shape: tuple[int, ...]) -> str:
    return "".join(f"[{index}]" for index in np.unravel_index(position, shape)) if shape else "the top level"
