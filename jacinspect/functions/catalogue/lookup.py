"""A name, as a person types it, to a Function of the catalogue.

In: a name or alias and parameters. Out: a Function with its parameters bound, for the inspection. names.txt says which
table has the name (completion.py), and no other is imported.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import completion
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.records import replace
from jacinspect.wording import close_matches, format_parameter

__all__ = ["function", "hint", "key", "knows", "names", "neighbours", "similar"]


def function(name: str, /, **parameters: Parameter) -> Function:
    """Look up a function of the catalogue.

    Parameters
    ----------
    name
        Its name or an alias; case, ``_``, ``-`` and spaces make no difference (``LeakyReLU`` is ``leaky_relu``).
    **parameters
        Values for its parameters; those left out keep their defaults.

    Returns
    -------
    Function
        Takes any array of real numbers, of any shape, and computes in float64. The result is float64, or of the
        operand's dtype if that is a narrower float. NaN gives NaN, and no floating-point warning is ever emitted.

    Raises
    ------
    InputError
        If there is no such function or parameter, or a parameter's value makes no sense; when called, if the operand
        is not real or lacks the axis asked for.
    """
    table = _TABLE_OF.get(key(name))
    if table is None:
        raise InputError(f"there is no function {name!r}; {hint(name)}")
    entries: tuple[Entry, ...] = getattr(import_module(f"jacinspect.functions.catalogue.{table}"), table.upper())
    entry = next(entry for entry in entries if key(name) in map(key, (entry.name, *entry.aliases)))
    return replace(entry.bind(parameters), make=partial(function, name, **parameters))


def names() -> list[str]:
    """List every name, followed by its aliases, in the catalogue's order."""
    return completion.functions()


def knows(name: str) -> bool:
    """Whether the catalogue has a function of this name."""
    return key(name) in _TABLE_OF


def similar(name: str) -> list[str]:
    """List up to three names that are spelled like this one, the likeliest first."""
    return close_matches(name, names(), 3, key)


def neighbours(x: Array, numbers: Mapping[str, float]) -> Iterator[tuple[str, Array, Function]]:
    """Yield the name of each element-wise function, f'(x), flat, and f: a claimed derivative may be one of these.

    Each is given with its parameters' defaults, and then with the values that `numbers` has under their names.
    """
    from jacinspect.functions.catalogue.tables import ENTRIES

    for entry in ENTRIES:
        if entry.derivative is None:
            continue
        known = {name: numbers[name] for name in entry.defaults if name in numbers}
        for given in [{}, known] if known else [{}]:
            try:
                f = entry.bind(given)
            except InputError:
                continue
            assert f.derivative is not None
            effective = {name: value for name, value in f.parameters.items() if value is not None}
            parameters = ", ".join(f"{name}={format_parameter(value)}" for name, value in effective.items())
            with np.errstate(all="ignore"):
                named = entry.name + (f" with {parameters}" if parameters else "")
                yield named, f.derivative(x).ravel(), f


def hint(name: str) -> str:
    """Say which names a person may have meant by an unknown one, or else what lists them."""
    close = similar(name)
    if not close:
        return f"jacinspect list shows all {len(completion.functions_without_aliases())} functions"
    return f"did you mean {' or '.join(filter(None, (', '.join(close[:-1]), close[-1])))}?"


def key(name: str) -> str:
    """Normalise a name's spelling: case, ``_``, ``-`` and spaces make no difference."""
    return name.lower().translate(str.maketrans("", "", "_- "))


_TABLE_OF = {key(name): table for name, table in completion.tables().items()}
