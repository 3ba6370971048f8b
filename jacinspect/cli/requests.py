"""What was typed -> a function, its operands, the inspection; whatever is wrong is said before any computing.

numpy, and all that needs it, is imported when an inspection starts, so that help, version and completion are quick.
"""

import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jacinspect.choices import Backend, DerivativeKind
from jacinspect.cli.files import require_savable, require_writable
from jacinspect.cli.streams import Progress
from jacinspect.errors import InputError

if TYPE_CHECKING:
    from jacinspect.functions.function import Array, Function, Parameter
    from jacinspect.identities.report import IdentityReport
    from jacinspect.inspection.report import Report

__all__ = ["Request", "inspected", "verified"]


@dataclass(frozen=True)
class Request:
    """A function as it was typed, and the derivative that is to be checked."""

    name: str
    parameters: list[str]
    derivative: str | None
    kind: DerivativeKind | None
    backend: Backend | None

    def function(self, further: list[str]) -> "Function":
        """Find what is meant; `further` is what --with was given."""
        from jacinspect.functions.resolve import claiming, resolve
        from jacinspect.operands.further import name_of

        backend = self.backend and self.backend.value
        found = resolve(self.name, dict(map(_parameter, self.parameters)), [*map(name_of, further)], backend)
        if self.derivative is not None:
            return claiming(found, self.derivative, self.kind and self.kind.value, backend)
        if self.kind is not None:
            raise InputError("--derivative-kind says what --derivative is; give that too")
        return found


def inspected(
    typed: "Request",
    shape: str | None,
    source: str | None,
    further: list[str],
    wrt: str,
    direction: str | None,
    dtype: str,
    form: str,
    output: Path | None,
    save: Path | None,
    **settings: Any,
) -> "Report":
    """Read what was typed, then inspect; whatever is wrong with it is said before any computing."""
    from jacinspect.inspection.pipeline import inspect_function
    from jacinspect.inspection.settings import Settings
    from jacinspect.jacobian.layouts import arrange
    from jacinspect.operands.further import is_shape, place
    from jacinspect.operands.shapes import parse_size

    settings["memory"] = parse_size(settings["memory"])
    checked = Settings(**settings)
    require_writable("--output", output)
    require_savable(save, output)
    found = typed.function(further)
    position = found.position(int(wrt) if wrt.isdecimal() else wrt)
    texts = [_first(shape, source), *place(found.name, found.operands, further, shape or "2x3")]
    if [*texts, direction].count("-") > 1:
        raise InputError("standard input (-) can be read only once; name a file for the others")
    drawn = [source is None, *map(is_shape, texts[1:])]
    operands = [
        _operand(text, at_random, dtype, checked.seed, checked.memory, number, found.domain_of(number))
        for number, (text, at_random) in enumerate(zip(texts, drawn, strict=True), 1)
    ]
    along = None if direction is None else _operand(direction, False, dtype, checked.seed, checked.memory)
    where = _origin(texts[position - 1], drawn[position - 1])
    of_one, operand = found.by(position, operands), operands[position - 1]
    arrange(form, (), operand.shape)  # refuses a form that has no place for the operand's axes
    with Progress() as progress:
        return inspect_function(of_one, operand, checked, source=where, direction=along, progress=progress.called)


def verified(
    typed: "Request",
    shape: str | None,
    source: str | None,
    dtype: str,
    seed: int,
    vec: str | None,
    output: Path | None,
) -> "IdentityReport":
    """Read what was typed, then verify the identities on it."""
    from jacinspect.identities.verification import verify_identities
    from jacinspect.inspection.settings import Settings

    settings = Settings(seed=seed)
    found = typed.function([])
    if len(found.operands) > 1:
        raise InputError(f"{found.name} has operands {' and '.join(found.operands)}; the identities are of A = f(X)")
    require_writable("--output", output)
    text, at_random = _first(shape, source), source is None
    operand = _operand(text, at_random, dtype, settings.seed, settings.memory, domain=found.domain_of(1))
    where = _origin(text, at_random)
    with Progress() as progress:
        return verify_identities(
            found.by(1, [operand]), operand, seed=seed, source=where, vec=vec, progress=progress.called
        )


def _first(shape: str | None, source: str | None) -> str:
    """Return what was typed for the first operand: a shape or else a file."""
    if shape is not None and source is not None:
        raise InputError("give the operand's shape (--shape 2x2) or a file with it (--input x.csv), not both")
    typed = source if shape is None else shape
    if typed is None:
        raise InputError("give the operand's shape (--shape 2x2) or a file with it (--input x.csv)")
    return typed


def _operand(
    text: str,
    at_random: bool,
    dtype: str,
    seed: int,
    memory: int,
    number: int = 1,
    domain: tuple[float, float] = (-inf, inf),
) -> "Array":
    """Draw the operand of a number in a shape, or read it from a file."""
    from jacinspect.operands.shapes import parse_shape, random_operand

    if at_random:
        return random_operand(parse_shape(text), dtype, seed, memory, number, domain)
    from jacinspect.operands.files import read_operand

    return read_operand(text, dtype, memory, sys.stdin.buffer if sys.stdin else None)


def _origin(text: str, at_random: bool) -> str:
    return "random" if at_random else "standard input" if text == "-" else text


def _parameter(text: str) -> "tuple[str, Parameter]":
    """Read NAME=VALUE: a whole number, a number, true, false or none, and anything else as the text that it is."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--param {text!r}: write NAME=VALUE, such as negative_slope=0.2")
    words: dict[str, Parameter] = {"true": True, "false": False, "none": None}
    if value.strip().lower() in words:
        return name.strip(), words[value.strip().lower()]
    for number in (int, float):
        try:
            return name.strip(), number(value)
        except ValueError:
            continue
    return name.strip(), value
