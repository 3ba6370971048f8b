"""Suggest a function of numbers for containers of objects that hold one each, as lmfit's Parameters do.

In: a function, and the containers that it was given. Out: the advice. Next: given.py.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from jacinspect.errors import InputError
from jacinspect.functions.code.trees import is_real, leaves

__all__ = ["require_numbers"]


def require_numbers(tree: Any, name: str, f: Callable[..., Any], arguments: Sequence[str]) -> None:
    """Raise InputError if a container, f's argument of that name, has no real numbers; say how to wrap f."""
    found = list(leaves(tree, name))
    if any(is_real(leaf) for _, leaf in found):
        return
    kinds = ", ".join(dict.fromkeys(str(getattr(leaf, "dtype", type(leaf).__name__)) for _, leaf in found))
    said = f"X: {name} has no real numbers to differentiate by: it holds {kinds or 'nothing'}"
    attributes = {key: _attribute_of(leaf) for key, leaf in tree.items()} if isinstance(tree, Mapping) else {}
    another = next((each for each in arguments if each != name), None)
    if another is not None and not any(attributes.values()):
        raise InputError(f"{said}; name what to differentiate by, as wrt={another!r}")
    if not attributes or not all(attributes.values()):
        raise InputError(f"{said}; inspect a function of an array, which puts its numbers there")
    numbers = ", ".join(f"{float(tree[key])!r}" for key in attributes)
    written = ", ".join(f"p[{key!r}].{attribute}" for key, attribute in attributes.items())
    taken, passed = (", ".join(own if each == name else each for each in arguments) for own in ("values", "p"))
    call = f"{getattr(f, '__name__', 'f')}({passed})"
    raise InputError(
        f"{said}; inspect a function of their values, at [{numbers}], such as\n"
        f"  def g({taken}): p = copy.deepcopy({name}); {written}{',' * (len(attributes) == 1)} = values; return {call}"
    )


def _attribute_of(box: Any) -> str | None:
    """Return the attribute that sets the number that an object stands for, which float() makes of it; None if none."""
    for name in dir(box):
        if name.startswith("_"):
            continue
        try:
            copy = deepcopy(box)
            setattr(copy, name, float(box) + 1)
            if float(copy) == float(box) + 1:
                return name
        except Exception:  # any code of theirs may run: a property may refuse to be set, float() to be called
            continue
    return None
