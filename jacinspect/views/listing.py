"""A Listing for a terminal: the functions by kind, and everything about one that was asked for. Pure functions."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from math import isfinite
from textwrap import wrap

from jacinspect.functions.catalogue.listing import Listed, Listing
from jacinspect.views.styled import StyledLine, StyledText
from jacinspect.views.wrapping import NARROWEST, broken, hanging
from jacinspect.wording import format_parameter

__all__ = ["render"]

_WIDE = 110  # columns from which on aliases and parameters stand beside the formula: both then have 30 or more
_INDENT, _GAP, _LABEL = 2, 2, 13  # columns


def render(listing: Listing, width: int) -> StyledText:
    """Lay the listing out in `width` columns."""
    whole, rest = listing.functions[: listing.is_exact], listing.functions[listing.is_exact :]
    lines: list[StyledLine] = []
    if not listing.in_names:
        text = f"no name has {listing.text!r}, but formula, parameters, source or note:"
        lines += [*hanging("", text, 0, width), *[StyledLine()] * len(whole)]
    for function in whole:
        lines += _whole(function, width)
    if whole and rest:
        lines += [StyledLine(), StyledLine(f"others with {listing.text!r}:")]
    if rest:
        lines += [*([StyledLine()] if lines else []), *_table(rest, width)]
    if not listing.text:
        count = f"{len(rest)} functions"
        lines += [StyledLine(), *hanging("", f"{count}; jacinspect list NAME says all about one", 0, width)]
    return StyledText(lines)


# --- Many functions ---------------------------------------------------------------------------------------------------


def _table(functions: Iterable[Listed], width: int) -> Iterator[StyledLine]:
    """Yield a row for each function, below its kind."""
    kinds: dict[str, list[Listed]] = {}
    for function in functions:
        kinds.setdefault(function.kind, []).append(function)
    names = max(len(function.name) for of_kind in kinds.values() for function in of_kind)
    for number, (kind, of_kind) in enumerate(kinds.items()):
        yield from [StyledLine()] * (number > 0)
        yield StyledLine((kind, "bold cyan"))
        for function in of_kind:
            yield from _row(function, names, width)


def _row(function: Listed, names: int, width: int) -> Iterator[StyledLine]:
    """Yield the formula beside the name; aliases and parameters stand beside that or, in few columns, below it."""
    start = _INDENT + names + _GAP
    room = width - start
    if room < NARROWEST:
        yield StyledLine((f"{' ' * _INDENT}{function.name}", "bold"))
        yield from hanging("", function.formula, 2 * _INDENT, width)
        if also := _details(function):
            yield from (line.styled("dim") for line in hanging("", also, 2 * _INDENT, width))
        return
    beside = width >= _WIDE
    formula = broken(function.formula, room * 3 // 5 if beside else room)
    details = wrap(_details(function), room * 2 // 5 - _GAP if beside else room, break_on_hyphens=False)
    cells = zip_longest(formula, details, fillvalue="") if beside else [(f, "") for f in formula]
    for number, (text, detail) in enumerate(cells):
        name = "" if number else function.name
        gap = " " * (room * 3 // 5 + _GAP - len(text)) if detail else ""
        blanks = " " * (start - _INDENT - len(name))
        yield StyledLine(" " * _INDENT, (name, "bold"), f"{blanks}{text}{gap}", (detail, "dim"))
    if not beside:
        yield from (StyledLine((f"{' ' * start}{line}", "dim")) for line in details)


def _details(function: Listed) -> str:
    """Return the parameters with their defaults, and the aliases."""
    also = f"also {', '.join(function.aliases)}" if function.aliases else ""
    return "; ".join(filter(None, (_parameters(function), also)))


def _parameters(function: Listed) -> str:
    return ", ".join(f"{name}={format_parameter(value)}" for name, value in function.parameters.items())


# --- One function -----------------------------------------------------------------------------------------------------


def _whole(function: Listed, width: int) -> Iterator[StyledLine]:
    yield StyledLine((function.name, "bold"), f"  {function.kind}")
    formulas = [*_formulas(function)]
    indent = max(len(label) for label, _ in formulas)
    for label, formula in formulas:
        yield from hanging(f"{label:{indent}} = ", formula, indent + 3, width)
    facts = [(label, text) for label, text in _facts(function) if text]
    if facts:
        yield StyledLine()
    for label, text in facts:
        yield from hanging(label, text, _LABEL, width)


def _formulas(function: Listed) -> Iterator[tuple[str, str]]:
    yield f"f({', '.join(function.operands)})", function.formula
    if function.derivative:
        yield "f'(x)" if function.kind == "elementwise" else "df", function.derivative
    for operand, formula in function.partials.items():
        yield f"∂f/∂{operand}", formula


def _facts(function: Listed) -> Iterator[tuple[str, str]]:
    yield "also", ", ".join(function.aliases)
    yield "parameters", _parameters(function)
    yield "kinks", _points(function.kinks)
    yield "jumps", _points(function.jumps)
    yield "domain", ", ".join(_interval(name, *interval) for name, interval in function.domain.items())
    yield "properties", ", ".join(function.properties)
    yield "LaTeX", function.latex
    yield "source", function.source
    yield "note", function.note


def _points(points: tuple[float, ...]) -> str:
    return f"x = {', '.join(f'{point:.6g}' for point in points)}" if points else ""


def _interval(operand: str, low: float, high: float) -> str:
    """Write an interval as a person would: ``x ≥ 0``, ``-1 ≤ x ≤ 1``."""
    if isfinite(low) and isfinite(high):
        return f"{low:g} ≤ {operand} ≤ {high:g}"
    return f"{operand} ≥ {low:g}" if isfinite(low) else f"{operand} ≤ {high:g}" if isfinite(high) else f"all {operand}"
