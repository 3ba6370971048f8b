"""The tables joined: a name, as a person types it, to a Function.

In: a name or alias and parameters. Out: a Function with its parameters bound, for the inspection. `ENTRIES` is what
there is.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue.algebraic import ALGEBRAIC
from jacinspect.functions.catalogue.binary import BINARY
from jacinspect.functions.catalogue.coupled import COUPLED
from jacinspect.functions.catalogue.cumulative import CUMULATIVE
from jacinspect.functions.catalogue.distribution import DISTRIBUTION
from jacinspect.functions.catalogue.elementary import ELEMENTARY
from jacinspect.functions.catalogue.elementwise import ELEMENTWISE
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.gated import GATED
from jacinspect.functions.catalogue.hard import HARD
from jacinspect.functions.catalogue.normalizations import NORMALIZATIONS
from jacinspect.functions.catalogue.paired import PAIRED
from jacinspect.functions.catalogue.permutations import PERMUTATIONS
from jacinspect.functions.catalogue.piecewise import PIECEWISE
from jacinspect.functions.catalogue.rectifiers import RECTIFIERS
from jacinspect.functions.catalogue.reductions import REDUCTIONS
from jacinspect.functions.catalogue.shaping import SHAPING
from jacinspect.functions.catalogue.steps import STEPS
from jacinspect.functions.catalogue.trigonometric import TRIGONOMETRIC
from jacinspect.functions.catalogue.unit_norms import UNIT_NORMS
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.wording import close_matches, format_parameter

__all__ = ["ENTRIES", "function", "hint", "key", "knows", "names", "neighbours", "similar"]

ENTRIES: tuple[Entry, ...] = (
    *ELEMENTWISE,
    *PIECEWISE,
    *RECTIFIERS,
    *GATED,
    *HARD,
    *ALGEBRAIC,
    *ELEMENTARY,
    *TRIGONOMETRIC,
    *DISTRIBUTION,
    *STEPS,
    *BINARY,
    *COUPLED,
    *NORMALIZATIONS,
    *UNIT_NORMS,
    *CUMULATIVE,
    *PERMUTATIONS,
    *REDUCTIONS,
    *SHAPING,
    *PAIRED,
)


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
    entry = _BY_KEY.get(key(name))
    if entry is None:
        raise InputError(f"there is no function {name!r}; {hint(name)}")
    return entry.bind(parameters)


def names() -> list[str]:
    """List what `function` knows: every name, followed by its aliases, in the catalogue's order."""
    return [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]


def knows(name: str) -> bool:
    """Whether `function` would find it."""
    return key(name) in _BY_KEY


def similar(name: str) -> list[str]:
    """List up to three names that the person may have meant, the likeliest first."""
    return close_matches(name, names(), 3, key)


def neighbours(x: Array, numbers: Mapping[str, float]) -> Iterator[tuple[str, Array]]:
    """Give the element-wise functions that may have been meant, and f'(x) of each, flat.

    Each with the defaults of its parameters, and then with those of `numbers` that are called like them.
    """
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
                yield entry.name + (f" with {parameters}" if parameters else ""), f.derivative(x).ravel()


def hint(name: str) -> str:
    """Say which names a person may have meant by an unknown one, or else what names there are."""
    close = similar(name)
    if not close:
        return f"there are {', '.join(entry.name for entry in ENTRIES[:16])}{', …' * (len(ENTRIES) > 16)}"
    return f"did you mean {' or '.join(filter(None, (', '.join(close[:-1]), close[-1])))}?"


def key(name: str) -> str:
    """Reduce a name to what counts of its spelling."""
    return name.lower().translate(str.maketrans("", "", "_- "))


_BY_KEY = {key(name): entry for entry in ENTRIES for name in (entry.name, *entry.aliases)}
