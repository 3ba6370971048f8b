"""A callable's arguments: which are operands, which parameters, and how it is called with both. Next: callables."""

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import wraps
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.code.frameworks import signature_of
from jacinspect.functions.function import Parameter

__all__ = [
    "POSITIONAL",
    "apart",
    "by_keyword",
    "called_with",
    "divided",
    "in_order",
    "with_documented_names",
    "with_names",
]

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_LETTERS = "xyzuvwabcdefghijklmnopqrst"  # for operands without a name of their own: x first, as people write formulas


def divided(
    f: Callable[..., Any],
    name: str,
    given: dict[str, Parameter],
    named: Sequence[str | None],
    needs_one: bool = True,
) -> tuple[tuple[str, ...], dict[str, Parameter]]:
    """Divide f's arguments into operands, by name, and parameters, each with the value given or its plain default.

    Operands are those that are `named`, those without a default, and as many others as `named` has more, or one at
    least where f `needs_one`.

    Raises
    ------
    InputError
        If there is no operand, or `given` lacks a parameter, has an unknown one, or a text for a number.
    """
    signature = signature_of(f)
    arguments = [] if signature is None else list(signature.parameters.values())
    unknown = [key for key in given if key not in {p.name for p in arguments}]
    if unknown and arguments and not any(p.kind is p.VAR_KEYWORD for p in arguments):
        settable = [p.name for p in arguments if p.kind is p.KEYWORD_ONLY or p.default is not p.empty]
        settable = _documented(f) or settable
        raise InputError(f"{name} has no parameter {unknown[0]!r}; it has {', '.join(settable) or 'none'}")
    if signature is None or isinstance(f, np.ufunc):
        number = f.nin if isinstance(f, np.ufunc) else len(named)
        return tuple(_names(number, named)), given
    named_alone = [p for p in arguments if p.kind is p.KEYWORD_ONLY and p.name in named]
    positional = [p for p in arguments if (p.kind in POSITIONAL or p in named_alone) and p.name not in given]
    required = [p.name for p in positional if p.default is p.empty or p.name in named]
    optional = [p.name for p in positional if p.name not in required]
    unnamed = named.count(None) - len([name for name in required if name not in named])
    optional = optional[: max(unnamed, 1 if needs_one and not required else 0)]
    operands = [p.name for p in positional if p.name in (*required, *optional)]
    if any(p.kind is p.VAR_POSITIONAL for p in arguments):
        more = [name for name in _names(len(named), named) if name not in operands]
        operands += more[: max(len(named) - len(operands), 0)]
    if not operands and needs_one:
        raise InputError(f"{name}: takes no positional argument to be the operand")
    known = (*given, *operands)
    missing = [p.name for p in arguments if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in known]
    if missing:
        array = f"or --with {missing[0]}=… if that is an array"
        raise InputError(f"{name}: needs a value for its parameter {missing[0]}: -p {missing[0]}=…, {array}")
    for p in arguments:
        _require_kind(name, p.name, p.default, given.get(p.name))
    plainly = {p.name: p.default for p in arguments if isinstance(p.default, bool | int | float | str)}
    return tuple(operands), {key: value for key, value in {**plainly, **given}.items() if key not in operands}


def in_order(f: Callable[..., Any], operands: Sequence[str], weights: Sequence[str]) -> tuple[str, ...]:
    """Return operands and weights in f's own order: leaves of an argument where that stands, other weights last."""
    signature = signature_of(f)
    arguments = {} if signature is None else signature.parameters
    places = {name: place for place, name in enumerate(arguments)}
    many = next((places[name] for name, p in arguments.items() if p.kind is p.VAR_POSITIONAL), 0)
    keys = {name: places.get(name, many) for name in operands}
    for name in weights:
        argument = name.partition(".")[0]
        keys[name] = len(places) if argument in operands else places.get(argument, len(places))
    return tuple(sorted(keys, key=lambda name: keys[name]))


def apart(names: Collection[str], operands: Sequence[str], given: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Divide values of operands into those of some names, and the others, with what follows the operands."""
    held = {name: value for name, value in zip(operands, given, strict=False) if name in names}
    others = [value for name, value in zip(operands, given, strict=False) if name not in names]
    return held, [*others, *given[len(operands) :]]


def _documented(f: Any) -> list[str]:
    """Return the names that a ufunc's docstring has for its arguments, as scipy's jv(v, z, out=None); else none.

    The first such line is numpy's own, in which they are x1 and x2.
    """
    if not isinstance(f, np.ufunc):
        return []
    lines = re.findall(rf"^\s*{re.escape(f.__name__)}\(([^()]*)\)", f.__doc__ or "", re.M)[:2]
    names = [name.strip() for name in lines[-1].split(",")][: f.nin] if lines else []
    return names if len(names) == f.nin and all(map(str.isidentifier, names)) else []


def with_documented_names(f: Any, given: Mapping[str, Parameter]) -> Any:
    """Return a ufunc as a function whose arguments have their documented names, where some of these are given."""
    names = _documented(f)
    if not given.keys() & {*names}:
        return f
    return _with_signature(f, [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names])


def _names(number: int, named: Sequence[str | None], taken: Sequence[str] = ()) -> Iterator[str]:
    """Name so many operands: as they were named, else by the next letter, x first, that is not taken."""
    names = [*named, *[None] * number][:number]
    letters = (letter for letter in _LETTERS if letter not in (*names, *taken))
    return (name or next(letters) for name in names)


def with_names(f: Callable[..., Any], named: Sequence[str | None]) -> Callable[..., Any]:
    """Return a callable that has a name for each positional argument that is given, where f has *args for them."""
    signature = signature_of(f)
    places = [] if signature is None else list(signature.parameters.values())
    number = next((k for k, place in enumerate(places) if place.kind is place.VAR_POSITIONAL), len(named))
    if signature is None or number >= len(named) or any(place.default is not place.empty for place in places[:number]):
        return f
    taken = [place.name for place in places]
    rest = [name for name in named if name not in taken][number - len(named) :]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    made = [inspect.Parameter(name, kind) for name in _names(len(rest), rest, taken)]
    return _with_signature(f, [*places[:number], *made, *places[number + 1 :]])


def _with_signature(f: Any, places: Sequence[inspect.Parameter]) -> Callable[..., Any]:
    """Return a callable with a signature of these arguments, which it passes on to f."""

    @wraps(f)
    def called(*args: Any, **keywords: Any) -> Any:
        return f(*args, **keywords)

    called.__signature__ = inspect.Signature(places)  # type: ignore[attr-defined]
    return called


def _require_kind(function: str, name: str, default: Any, given: Parameter) -> None:
    """Refuse a text for a parameter whose default says that it is a number, or true or false."""
    if isinstance(given, str) and isinstance(default, bool | int | float):
        wanted = "true or false" if isinstance(default, bool) else "a number"
        raise InputError(f"{function}: {name} must be {wanted}, not {given!r}")


def by_keyword(signature: inspect.Signature | None, name: str) -> bool:
    """Whether an argument is given by keyword alone."""
    place = None if signature is None else signature.parameters.get(name)
    return place is not None and place.kind is place.KEYWORD_ONLY


def called_with(
    f: Callable[..., Any],
    operands: Sequence[str],
    parameters: Mapping[str, Parameter],
    signature: inspect.Signature | None = None,
) -> Callable[..., Any]:
    """Return a callable of the operands alone: it calls f with them and the parameters, each by position or by name.

    The signature is f's own if None. More operands than have a name there are passed on where f takes any number. Dicts
    and lists among the parameters are copies at every call: what f writes into them is gone at the next.
    """
    signature = signature_of(f) if signature is None else signature
    names = {} if signature is None else signature.parameters
    fresh: Callable[[], dict[str, Any]] = _copier(dict(parameters)) or dict
    in_order = [*names][: len(operands)] == [*operands] and not any(by_keyword(signature, name) for name in operands)
    if signature is None or not set(operands) <= set(names) or (in_order and not parameters):
        return lambda *given: f(*given, **fresh())
    rest, many = (
        next((name for name, place in names.items() if place.kind is kind), "")
        for kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    )
    stray = [name for name in parameters if name not in names or name in (rest, many)]

    def call(*given: Any) -> Any:
        now = fresh()
        arguments = {
            **now,
            **dict(zip(operands, given, strict=False)),
            rest: {name: now[name] for name in stray},
            many: given[len(operands) :],
        }
        bound = inspect.BoundArguments(signature, {name: arguments[name] for name in names if name in arguments})
        bound.apply_defaults()  # what is taken by position alone cannot be left out in the middle
        return f(*bound.args, **bound.kwargs)

    return call


def _copier(value: Any, within: frozenset[int] = frozenset()) -> Callable[[], Any] | None:
    """Return what copies a dict or list, with those in it, at each call; None of what has none of its own to copy.

    Whatever else is in them is the same in each copy, and so are those that they are in themselves.
    """
    if not isinstance(value, dict | list | tuple) or hasattr(value, "_fields") or id(value) in within:
        return None
    pairs = [*(value.items() if isinstance(value, dict) else enumerate(value))]
    found = ((key, _copier(each, within | {id(value)})) for key, each in pairs)
    inner = [(key, each) for key, each in found if each is not None]
    if not isinstance(value, tuple):
        return lambda: _with(copy(value), inner)
    return (lambda: tuple(_with([*value], inner))) if inner else None


def _with(container: Any, new: Sequence[tuple[Any, Callable[[], Any]]]) -> Any:
    """Put new items into a container at their keys; return it."""
    for key, make in new:
        container[key] = make()
    return container
