"""What a person types or passes, to a Function: a catalogue name, an expression, a reference, or a callable.

In: the text or callable, values of parameters, and which operands are given. Out: a Function. Next: with_claims.py.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from keyword import iskeyword
from pathlib import Path
from typing import Any

from jacinspect.choices import Backend
from jacinspect.errors import InputError
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.domain import parse_interval
from jacinspect.functions.function import Function, Parameter, Wrt
from jacinspect.functions.rules import Second, Vjp
from jacinspect.records import replace

# What reads expressions, and what imports code, is imported when there is some: the catalogue needs neither.

__all__ = ["as_given_in", "code_of", "configured", "is_reference", "resolve"]

_SEEDS = 2**32  # how many there are of numpy's global generator


def is_reference(text: str) -> bool:
    """Whether a text is meant as a reference to code: a module or a .py file, a colon, and a dotted name."""
    place, colon, name = text.rpartition(":")
    if not colon:
        return text.endswith(".py") and not text.startswith(("'", '"'))
    dotted = all(part.isidentifier() and not iskeyword(part) for part in place.split("."))
    return place.endswith(".py") or (dotted and all(part.isidentifier() for part in name.split(".")))


def resolve(
    function: str | Function | Callable[..., Any],
    parameters: Mapping[str, Parameter] | None = None,
    operands: Sequence[str | None] = (None,),
    backend: str | None = None,
    wrt: Wrt | None = None,
) -> Function:
    """Find the Function that a name, a text or a callable stands for.

    Parameters
    ----------
    function
        A name of the catalogue, an expression, "module:function", "file.py:function", or a callable.
    parameters
        Values for its parameters, by name.
    operands
        The operands that are given, each with its name where it was given one.
    backend
        "numpy", "torch" or "jax", for code; found by trying if None.
    wrt
        What it is to be differentiated by: such numbers in parameters become arrays.

    Raises
    ------
    InputError
        If it names nothing, or a parameter cannot be set.
    FunctionFailedError
        If importing the code raises.
    """
    given = dict(parameters or {})
    if backend is not None:
        Backend.require(backend, "backend:")
    if isinstance(function, Function):
        if given:
            raise InputError(f"{function.name} has its parameters already; {next(iter(given))!r} cannot be set")
        return function
    if any(isinstance(value, Mapping) for value in given.values()):
        from jacinspect.functions.code.containers import with_numbers_opened

        given = with_numbers_opened(code_of(function), given, wrt)
    make = partial(_resolved_from, str(Path.cwd()), function, given, tuple(operands), backend)
    return replace(_resolved(function, given, operands, backend), make=make)


def code_of(given: Any) -> Any:
    """Return the code that a reference is to; anything else as it is."""
    from jacinspect.functions.code.references import load

    return load(given.strip()) if isinstance(given, str) and is_reference(given.strip()) else given


def _resolved_from(folder: str, function: str | Callable[..., Any], *others: Any) -> Function:
    """Resolve, in another process, what was given in a folder."""
    return resolve(as_given_in(folder, function), *others)


def as_given_in(folder: str, given: Any) -> Any:
    """Return what was given in a folder as it can be found from where this process is."""
    if not isinstance(given, str) or not is_reference(given.strip()):
        return given
    from jacinspect.functions.code.references import typed_in

    return typed_in(folder, given.strip())


def _resolved(
    function: str | Callable[..., Any], given: dict[str, Parameter], operands: Sequence[str | None], backend: str | None
) -> Function:
    if not isinstance(function, str):
        from jacinspect.functions.code.callables import of_callable

        return of_callable(function, None, given, operands, backend)
    if is_reference(function):
        from jacinspect.functions.code.callables import of_callable
        from jacinspect.functions.code.references import load

        return of_callable(load(function), function, given, operands, backend)
    if backend is not None:
        raise InputError(f"backend {backend}: is for people's own code, and {function!r} is none")
    name = re.fullmatch(r"(?![xX]$|\d)\w*", function) is not None
    dashed = re.fullmatch(r"[^\W\d_]{2,}([ -][^\W\d_]{2,})+", function) is not None and not operands[1:] and not given
    if name or catalogue.knows(function) or (dashed and catalogue.similar(function)):
        return _with_reverse(catalogue.function(function, **given))
    from jacinspect.functions.expressions.expression import expression

    return expression(function, given)


def _with_reverse(function: Function) -> Function:
    """Return a function of the catalogue with its reverse mode and second derivative, imported when they are called."""

    def pull(*given: Any) -> Any:
        from jacinspect.functions.expressions.partials import pulled

        return tuple(pulled(function, given[:-1], given[-1], [True] * (len(given) - 1)))

    def product(*given: Any) -> Any:
        from jacinspect.functions.expressions.partials import bent

        half = len(given) // 2
        return tuple(bent(function, given[:half], given[half + 1 :], given[half], [True] * half))

    if function.source != "catalogue" or function.second:
        return function
    return replace(function, others=(Vjp(pull, "reverse", order=2),), second=(Second(product, "forward over reverse"),))


def configured(
    function: Function,
    take: int | str | None = None,
    domain: str | Sequence[float] | None = None,
    reseed: int | None = None,
) -> Function:
    """Return the function as it is to be inspected; what is None stays as it is.

    Parameters
    ----------
    take
        Which of several outputs to inspect: its name or its number.
    domain
        The interval in which every operand is drawn and moved, "LOW:HIGH" or a pair.
    reseed
        The seed of all generators at every call of the function and its derivative.

    Raises
    ------
    InputError
        If the domain is no interval, or has none of an operand's own, or the seed is none.
    """
    if take is not None:
        function = replace(function, take=str(take))
    if domain is not None:
        function = replace(function, bounds=parse_interval(domain))
        for name in function.operands:
            function.domain_of(name)
    if reseed is not None:
        if not (isinstance(reseed, int) and 0 <= reseed < _SEEDS):
            raise InputError(f"reseed: {reseed!r} is no seed of numpy's generator: an integer from 0 to {_SEEDS - 1}")
        function = replace(function, reseed=reseed)
    return function
