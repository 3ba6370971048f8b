"""The configuration: [tool.jacinspect] is read and checked, before anything is imported or run.

In: a pyproject.toml or jacinspect.toml. Out: a Suite of Checks, and its Cases, check × shape × seed × operand. Next:
workers.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jacinspect.checks.keys import OWN, SETTINGS, SHARED, Reader, form, named
from jacinspect.errors import InputError
from jacinspect.records import dataclass, replace
from jacinspect.wording import did_you_mean

__all__ = ["Case", "Check", "Suite", "find_configuration", "load_suite"]

_LISTED = 5  # seeds that a note lists: enough to see how they are written


@dataclass(frozen=True)
class Check:
    """One entry of [tool.jacinspect.checks]: a function, what it is inspected at, and what is expected of it.

    `line` is where its table begins in the configuration file, from 1; 0 where that was not found.
    """

    name: str
    function: str
    line: int = 0
    derivative: str | None = None
    derivative_kind: str | None = None
    backend: str | None = None
    take: int | str | None = None
    mode: str | None = None
    domain: str | tuple[float, ...] | None = None
    reseed: int | None = None
    hessian: str | None = None
    logdet: str | float | None = None
    expect_pattern: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    operands: Mapping[str, str] = field(default_factory=dict)
    wrt: tuple[str | int, ...] = (1,)
    shapes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    dtype: str = "float64"
    allow: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)  # those of inspection.Settings but for the seed
    own: frozenset[str] = frozenset()  # the keys in its own table, and not in the one for all checks


@dataclass(frozen=True)
class Case:
    """One inspection that a check asks for.

    `shape` is that of the first operand, None where the check gives that operand itself; `wrt` is the operand to
    differentiate by, one of `operands`, the names of all, or a pattern of such names.
    """

    check: str
    shape: str | None
    seed: int
    wrt: str | int
    operands: tuple[str, ...] = ("x",)

    def label(self, by: str = "") -> str:
        """Return what distinguishes it from the check's other cases, such as "2x3, seed 0, by k".

        `by` has the operands that `wrt` stands for, where they are known.
        """
        parts = [self.shape] if self.shape is not None else []
        parts.append(f"seed {self.seed}")
        if len(self.operands) > 1:
            parts.append(f"by {by or self.by}")
        return ", ".join(parts)

    @property
    def by(self) -> str:
        """The name of the operand, or the pattern."""
        return self.operands[self.wrt - 1] if isinstance(self.wrt, int) else self.wrt

    @property
    def name(self) -> str:
        """The check and the label: ``swish [2x3, seed 0]``."""
        return f"{self.check} [{self.label()}]"


@dataclass(frozen=True)
class Suite:
    """The checks of a configuration file, in its order; `notes` say what was made of values that could mean another."""

    file: Path
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    def selected(self, patterns: Sequence[str]) -> "Suite":
        """Keep the checks whose names match one of the patterns, with `*`, `?` and `[…]`; all where there are none.

        Raises
        ------
        InputError
            If a pattern matches no check, or there are no checks at all.
        """
        for pattern in patterns:
            if not any(_matches(check.name, pattern) for check in self.checks):
                names = [check.name for check in self.checks]
                hint = did_you_mean(pattern, names, 3, str, f"there are {', '.join(names[:12]) or 'none'}")
                raise InputError(f"{self.file}: there is no check {pattern!r}{hint}")
        kept = [c for c in self.checks if not patterns or any(_matches(c.name, pattern) for pattern in patterns)]
        if not kept:
            raise InputError(f"{self.file}: has no checks; {form(_prefix(self.file))}")
        return replace(self, checks=tuple(kept))

    def cases(self, operands: Mapping[str, tuple[str, ...]]) -> list[Case]:
        """List every check × shape × seed × operand; `operands` maps each check to the names of its operands.

        Raises
        ------
        InputError
            If a check gives neither its first operand nor shapes to draw it in.
        """
        listed = []
        for check in self.checks:
            names = operands[check.name]
            shapes: tuple[str | None, ...] = (None,) if names[0] in check.operands else check.shapes
            if not shapes:
                raise InputError(f'{self.key(check)}: shapes are missing, such as shapes = ["3", "2x3"]')
            listed += [
                Case(check.name, shape, seed, wrt, names)
                for shape in shapes
                for seed in check.seeds
                for wrt in check.wrt
            ]
        return listed

    def key(self, check: Check, key: str = "") -> str:
        """Return how a message names a check's table, or a key where it stands: in that table or in the one for all."""
        table = f"{self.file}: {_prefix(self.file)}"
        if key and key.split(".")[0] not in check.own:
            return f"{table}{key}"
        return f"{table}checks.{check.name}" + (f".{key}" if key else "")


def find_configuration(folder: Path) -> Path:
    """Find the nearest jacinspect.toml, or pyproject.toml with a [tool.jacinspect], in a folder or those above it.

    Raises
    ------
    InputError
        If there is none, or a pyproject.toml on the way cannot be read.
    """
    for place in (folder, *folder.parents):
        if (place / "jacinspect.toml").is_file():
            return place / "jacinspect.toml"
        project = place / "pyproject.toml"
        if project.is_file() and "jacinspect" in _table(_parsed(project), "tool", project):
            return project
    raise InputError(
        f"there is no jacinspect.toml, and no pyproject.toml with a [tool.jacinspect], in {folder} or above it; "
        "name one with --config"
    )


def load_suite(file: Path) -> Suite:
    """Read the checks of a jacinspect.toml, or of the [tool.jacinspect] of any other TOML file.

    Raises
    ------
    InputError
        If the file cannot be read, or a key in it is unknown, missing or of a wrong type; the message names it.
    """
    document = _parsed(file)
    prefix = _prefix(file)
    if prefix:
        tool = _table(document, "tool", file)
        if "jacinspect" not in tool:
            raise InputError(f"{file}: has no [tool.jacinspect]")
        document = _table(tool, "jacinspect", file, "tool.")
    elif "tool" in document:
        raise InputError(
            f"{file}: tool: this file has its tables without [tool.jacinspect]: write [checks.NAME] in place of "
            "[tool.jacinspect.checks.NAME]"
        )
    reader = Reader(file, prefix)
    shared = reader.read({key: value for key, value in document.items() if key != "checks"}, SHARED, prefix)
    lines = file.read_text(encoding="utf-8").splitlines()
    checks, notes = [], [*_notes(document, f"{file}: {prefix}")]
    for name, table in _table(document, "checks", file, prefix).items():
        key = f"{prefix}checks.{name}"
        if not isinstance(table, dict):
            raise InputError(f"{file}: {key}: a table is needed; {form(prefix, name)}")
        own = reader.read(table, SHARED | OWN, f"{key}.")
        if "function" not in own:
            raise InputError(f'{file}: {key}: function is missing, such as function = "sigmoid"')
        path = [*filter(None, prefix.split(".")), "checks", name]
        line = next((n for n, text in enumerate(lines, 1) if _heads(text, path)), 0)
        checks.append(_check(name, line, shared, own))
        notes += _notes(table, f"{file}: {key}.")
    return Suite(file, tuple(checks), tuple(notes))


def _notes(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Say what was made of a number of seeds and of a list of lengths, which could each mean one or several."""
    seeds, shapes = table.get("seeds"), table.get("shapes")
    if isinstance(seeds, int) and seeds > 1:
        several = [*range(min(seeds, _LISTED))]
        yield f"{prefix}seeds = {seeds} is seed {seeds} alone; for {len(several)} seeds write seeds = {several}"
    if isinstance(shapes, str) and re.fullmatch(r"[\d\s]+(,[\d\s]+)+", shapes):
        lengths = [length.strip() for length in shapes.split(",")]
        several_shapes = json.dumps(lengths)
        one = "x".join(lengths)
        written = f"for {len(lengths)} shapes write shapes = {several_shapes}"
        yield f'{prefix}shapes = "{shapes}" is one shape, {one}; {written}'


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _prefix(file: Path) -> str:
    return "" if file.name == "jacinspect.toml" else "tool.jacinspect."


def _heads(line: str, path: Sequence[str]) -> bool:
    """Whether a line is the header of the table at a path of keys."""
    try:
        table: Any = tomllib.loads(line) if line.lstrip().startswith("[") else {}
    except tomllib.TOMLDecodeError:
        return False
    found = []
    while isinstance(table, dict) and len(table) == 1:
        ((key, table),) = table.items()
        found.append(key)
    return found == list(path)


def _check(name: str, line: int, shared: Mapping[str, Any], own: Mapping[str, Any]) -> Check:
    given = {**shared, **own}
    settings = {key: given.pop(key) for key in SETTINGS if key in given}
    return Check(name, line=line, settings=settings, own=frozenset(own), **given)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file}: is not TOML: {error}") from None


def _table(document: Mapping[str, Any], key: str, file: Path, prefix: str = "") -> dict[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        hint = f"; {form(prefix)}" if key == "checks" else ""
        given = "an array of tables" if isinstance(table, list) else named(table)
        raise InputError(f"{file}: {prefix}{key}: a table is needed, not {given}{hint}")
    return table
