"""The arrays of numpy among an object's attributes, in its dicts and lists too, by their paths.

Out: these, and the object with others in their place. Next: weights.py, layers.py and holder.py.
"""

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import partial
from itertools import chain
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from jacinspect.functions.code.trees import leaves, rebuilt
from jacinspect.functions.rules import Array

__all__ = ["arrays_of", "gradient_paths", "holding", "left_as_given", "of_object", "with_arrays"]

_DEEPEST, _LONGEST = 4, 1000  # of an object's containers: its attributes, and up to three below each


def arrays_of(f: Any) -> dict[str, Array]:
    """Return the real arrays of numpy among the attributes of an object that is called, or that f is a method of.

    Those in its dicts and lists are there by their paths, as params.W. Beside a backward, these are the ones by which
    it keeps a gradient: others may be its caches, or an optimiser's. The gradients are left out.
    """
    owner = getattr(f, "__self__", f)
    if isinstance(owner, type | ModuleType | FunctionType | partial | np.ufunc):
        return {}
    held = dict(_within(getattr(owner, "__dict__", {}), "", _DEEPEST))
    if not hasattr(owner, "backward"):
        return held
    gradients, found = {key for path in held for key in gradient_paths(path)}, dict[str, Array]()
    left = gradients & held.keys()
    for path, array in held.items():
        own = next((key for key in gradient_paths(path) if key in left), "")
        if path not in gradients and (own or "." not in path):
            left.discard(own)
            found[path] = array
    return found


def _within(value: Any, path: str, depth: int) -> Iterator[tuple[str, Array]]:
    """Yield the real arrays in plain dicts and lists that are no deeper, and no longer, than such of parameters are."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield path, value
    elif depth and type(value) in (dict, list, tuple) and len(value) <= _LONGEST:
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _within(each, f"{path}.{key}" if path else str(key), depth - 1)


def gradient_paths(path: str) -> tuple[str, ...]:
    """Return the paths at which a layer may keep the gradient by one of its arrays, as its backward finds it."""
    _, _, within = path.partition(".")  # of params.W, or params.0, it is in grads at the same place
    name = path.rpartition(".")[-1]
    return f"grads.{path}", f"grads.{within}", f"d{name}", f"grad_{name}"


def with_arrays(f: Any, arrays: Mapping[str, Array]) -> Any:
    """Return a copy of such an object, or the method of a copy, with other arrays at some paths.

    All its arrays are copies too, for a backward may add to them.
    """
    owner = copy(getattr(f, "__self__", f))
    for name, held in list(vars(owner).items()):
        if any(True for _ in _within(held, name, _DEEPEST - 1)):
            new = [arrays.get(path, leaf) for path, leaf in leaves(held, name)]
            vars(owner)[name] = rebuilt(
                held, iter([np.copy(leaf) if type(leaf) is np.ndarray else leaf for leaf in new])
            )
    return of_object(f, owner)


def of_object(f: Any, owner: Any) -> Any:
    """Return what an object is of f: itself, or where f is a method, that method of it."""
    if getattr(f, "__self__", f) is f:
        return owner
    # what decorates a method may have another name
    return f.__func__.__get__(owner) if hasattr(f, "__func__") else getattr(owner, f.__name__)


@contextmanager
def holding(f: Any, arrays: Mapping[str, Array]) -> Iterator[None]:
    """Put other arrays at some paths of such an object itself, and back."""
    owner = getattr(f, "__self__", f)
    before = dict(vars(owner))
    new = {name: value for name, value in vars(with_arrays(owner, arrays)).items() if value is not before[name]}
    try:
        vars(owner).update(new)
        yield
    finally:
        vars(owner).update({name: before[name] for name in new})


@contextmanager
def left_as_given(f: Any, arrays: bool) -> Iterator[None]:
    """Put back what such an object's lists and dicts hold, those in them, and what is in its `arrays`.

    They are put back into the same lists, dicts and arrays, for others may refer to them, as views do to an array.
    """
    held = [*getattr(getattr(f, "__self__", f), "__dict__", {}).values()]
    inner = (list(_items(value)) for value in held if len(_items(value)) <= _LONGEST)
    refills = [refill for value in chain(held, *inner) if (refill := _refills(value, arrays)) is not None]
    try:
        yield
    finally:
        for refill in refills:
            refill()


def _items(value: Any) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()


def _refills(value: Any, arrays: bool) -> Callable[[], object] | None:
    """Return what fills a list, a dict or one of `arrays` with what it holds now; None of anything else."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.flags.writeable and arrays:
        return partial(np.copyto, value, value.copy())
    if isinstance(value, list):
        return partial(operator.setitem, value, slice(None), [*value])
    return partial(_refill, value, dict(value)) if isinstance(value, dict) else None


def _refill(held: dict[Any, Any], items: dict[Any, Any]) -> None:
    held.clear()
    held.update(items)
