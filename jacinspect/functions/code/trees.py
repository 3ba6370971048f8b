"""Nested containers of arrays: the leaves of one, each with its path, and the same container with other leaves.

In: what a function returned, or an argument of several arrays. Out: (path, leaf) pairs, such as ("layers.0.weight",
array). Containers are dicts, lists, tuples, named tuples and dataclasses, and what jax knows as a pytree.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy
from typing import Any

import numpy as np

__all__ = ["converted", "is_real", "is_tree", "items", "leaves", "of_arrays", "rebuilt"]

Children = tuple[list[str], list[Any], Callable[[list[Any]], Any]]  # names, values, and what makes a container of such


def leaves(
    tree: Any,
    path: str = "",
    is_leaf: Callable[[str, Any], bool] = lambda _path, _tree: False,
    within: frozenset[int] = frozenset(),
) -> Iterator[tuple[str, Any]]:
    """Yield the leaves with their paths, in the container's order; of a leaf, itself with the path that is given.

    A container of which `is_leaf`, given its path and itself, is true counts as a leaf, and so does one of those that
    it is in, whose ids are `within`, as a parent that its child knows.
    """
    children = None if id(tree) in within or is_leaf(path, tree) else _children(tree)
    if children is None:
        yield path, tree
        return
    for name, child in zip(children[0], children[1], strict=True):
        yield from leaves(child, f"{path}.{name}" if path else name, is_leaf, within | {id(tree)})


def rebuilt(
    tree: Any,
    new: Iterator[Any],
    within: frozenset[int] = frozenset(),
    is_leaf: Callable[[str, Any], bool] = lambda _path, _tree: False,
) -> Any:
    """Return a container like this one with other leaves, in the order of `leaves`; `is_leaf` is given no path."""
    children = None if id(tree) in within or is_leaf("", tree) else _children(tree)
    if children is None:
        return next(new)
    return children[2]([rebuilt(child, new, within | {id(tree)}, is_leaf) for child in children[1]])


def items(value: Any) -> list[tuple[str, Any]] | None:
    """Return the items of a container with their names, one level of it; None of a leaf."""
    children = _children(value)
    return None if children is None else list(zip(children[0], children[1], strict=True))


def converted(tree: Any, convert: Callable[[Any], Any]) -> Any:
    """Return a container like this one with every leaf converted; a leaf, converted."""
    return rebuilt(tree, (convert(leaf) for _, leaf in leaves(tree)))


def of_arrays(tree: Any, of_lists: bool = False) -> Any:
    """Return a container of plain numbers, or of whole ones alone, with real arrays in their place.

    One that has real arrays, or whole ones beside real numbers, is returned as it is. With `of_lists`, nested lists of
    numbers in it are an array each.
    """
    found = [leaf for _, leaf in leaves(tree)]
    if any(hasattr(leaf, "dtype") for leaf in found) and any(map(is_real, found)):
        return tree

    def is_array(_: str, inner: Any) -> bool:
        return of_lists and inner is not tree and isinstance(inner, list) and _are_numbers(inner)

    def real(leaf: Any) -> Any:
        is_number = type(leaf) in (int, float) or getattr(getattr(leaf, "dtype", None), "kind", "") in ("i", "u")
        return np.array(leaf, np.float64) if is_number or is_array("", leaf) else leaf

    return rebuilt(tree, (real(leaf) for _, leaf in leaves(tree, is_leaf=is_array)), is_leaf=is_array)


def is_real(leaf: Any) -> bool:
    """Whether a leaf is a real number, or an array of such."""
    if isinstance(leaf, float):
        return True
    dtype = getattr(leaf, "dtype", None)
    return hasattr(leaf, "shape") and dtype is not None and "float" in str(dtype)


def _are_numbers(tree: list[Any]) -> bool:
    """Whether nested lists are an array of plain numbers."""
    try:
        np.array(tree, float)
    except (TypeError, ValueError):
        return False
    return bool(tree) and all(type(leaf) in (int, float) for _, leaf in leaves(tree))


def is_tree(value: Any) -> bool:
    """Whether a value is a container, and not a leaf."""
    return _children(value) is not None


def _children(tree: Any) -> Children | None:
    kind = type(tree)
    fields = getattr(kind, "__match_args__", ())
    if isinstance(tree, tuple) and len(fields) == len(tree) > 0:  # a named tuple, or a result of torch.max
        return list(fields), list(tree), kind._make if hasattr(kind, "_make") else kind
    if isinstance(tree, list | tuple):
        # what is derived from a tuple may not be made of its items alone
        return list(map(str, range(len(tree)))), list(tree), list if isinstance(tree, list) else tuple
    if isinstance(tree, Mapping) and not hasattr(tree, "tocoo"):  # as a sparse dok_array is
        return list(map(str, tree)), list(tree.values()), lambda new: _mapping(tree, new)
    registered = _registered(tree)
    if registered is not None or not dataclasses.is_dataclass(tree) or isinstance(tree, type):
        return registered
    names = [field.name for field in dataclasses.fields(tree)]
    return names, [getattr(tree, name) for name in names], lambda new: _replaced(tree, names, new)


def _mapping(tree: Mapping[Any, Any], new: list[Any]) -> Any:
    made = dict(zip(tree, new, strict=True))
    if not isinstance(tree, MutableMapping):
        return type(tree)(made)  # type: ignore[call-arg]
    other = copy(tree)  # a defaultdict is not made of its items alone
    other.update(made)
    return other


def _replaced(tree: Any, names: list[str], new: list[Any]) -> Any:
    """Copy a dataclass without calling its __init__, which may compute fields or refuse some."""
    made = object.__new__(type(tree))
    for name, value in zip(names, new, strict=True):
        object.__setattr__(made, name, value)
    return made


def _registered(tree: Any) -> Children | None:
    """Open one level of what is registered with jax as a pytree: flax's and equinox's modules are."""
    jax: Any = sys.modules.get("jax")
    if jax is None or tree is None:
        return None
    pairs, structure = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda node: node is not tree)
    if len(pairs) == 1 and pairs[0][1] is tree:
        return None
    names = [".".join(map(_key, path)) for path, _ in pairs]
    return names, [child for _, child in pairs], structure.unflatten


def _key(key: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key).strip(".[]'\"")
