"""What is typed -> the values of a command's parameters, by their annotations. Next: commands.

typer would convert them too, but since 0.29 it does so by pydantic, which takes longer to import than numpy; and what
it says about a wrong value is worded differently from version to version.
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import typer

__all__ = ["convert_by_annotations"]


def convert_by_annotations(parameters: list[Any], function: Any) -> list[Any]:
    """Let the parameters of a command convert what is typed as the command's function is annotated."""
    annotations = get_type_hints(function)
    for parameter in parameters:
        annotation = annotations.get(parameter.name, bool)  # typer's own options, --help and the like, are flags
        parameter.process_value = partial(_processed, parameter, annotation, type(parameter).process_value)
    return parameters


def _processed(parameter: Any, annotation: Any, by_typer: Callable[..., Any], ctx: Any, typed: Any) -> Any:
    """Do what typer's method of this name does: convert a value, demand it, and call the parameter's callback."""
    if typed is None and parameter.required:
        return by_typer(parameter, ctx, typed)  # which says what is missing
    try:
        if parameter.multiple or parameter.nargs == -1:
            value: Any = tuple(_converted(annotation, each) for each in typed or ())
        else:
            value = _converted(annotation, typed)
    except ValueError as error:
        raise typer.BadParameter(str(error), ctx=ctx, param=parameter) from None
    return value if parameter.callback is None else parameter.callback(ctx, parameter, value)


def _converted(annotation: Any, typed: Any) -> Any:
    """Convert a word; what is no word is a default, or the value of a flag."""
    kind = _kind(annotation)
    if not isinstance(typed, str) or kind in (str, bool):
        return typed
    try:
        return kind(typed)
    except ValueError:
        if issubclass(kind, Enum):
            one_of = ", ".join(repr(member.value) for member in kind)
            raise ValueError(f"{typed!r} is not one of {one_of}.") from None
        raise ValueError(f"{typed!r} is not {'an integer' if kind is int else 'a number'}.") from None


def _kind(annotation: Any) -> type:
    """Return the type of one word: that of `list[float] | None` is float."""
    if get_origin(annotation) is UnionType:
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    inner: type = get_args(annotation)[0] if get_origin(annotation) is list else annotation
    return inner
