"""The configuration: [tool.jacinspect] is read and checked, before anything is imported or run.

In: a pyproject.toml or jacinspect.toml. Out: a Suite of Checks, and its Cases, check × shape × seed × operand. Next:
workers.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jacinspect.errors import InputError
from jacinspect.records import dataclass
from jacinspect.wording import did_you_mean

__all__ = ["SETTINGS", "Case", "Check", "Suite", "find_configuration", "load_suite"]

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
            raise InputError(f"{self.file}: has no checks; {_form(_prefix(self.file))}")
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
    reader = _Reader(file, prefix)
    shared = reader.read({key: value for key, value in document.items() if key != "checks"}, _SHARED, prefix)
    lines = file.read_text(encoding="utf-8").splitlines()
    checks, notes = [], [*_notes(document, f"{file}: {prefix}")]
    for name, table in _table(document, "checks", file, prefix).items():
        key = f"{prefix}checks.{name}"
        if not isinstance(table, dict):
            raise InputError(f"{file}: {key}: a table is needed; {_form(prefix, name)}")
        own = reader.read(table, _SHARED | _OWN, f"{key}.")
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
        form = f"; {_form(prefix)}" if key == "checks" else ""
        named = "an array of tables" if isinstance(table, list) else _named(table)
        raise InputError(f"{file}: {prefix}{key}: a table is needed, not {named}{form}")
    return table


def _form(prefix: str, name: str = "NAME") -> str:
    """Say how a check is written."""
    return f'add a table [{prefix}checks.{name}] with function = "sigmoid" and shapes = ["2x2"]'


# --- Keys and their types ---------------------------------------------------------------------------------------------

SETTINGS = (
    "vec", "layout", "expect", "rtol", "atol", "strict_kinks", "memory", "max_evaluations", "noise", "points",
    "order", "spectrum",
)  # fmt: skip
_SHARED = {
    "shapes": "shapes", "seeds": "integers", "dtype": "text", "backend": "text", "allow": "texts", "vec": "text",
    "layout": "text", "expect": "texts", "rtol": "number", "atol": "number", "strict_kinks": "boolean",
    "memory": "size", "max_evaluations": "integer", "noise": "number", "points": "integer",
    "order": "integer", "spectrum": "boolean",
}  # fmt: skip
_OWN = {
    "function": "text", "derivative": "text", "derivative_kind": "text", "parameters": "parameters",
    "operands": "operands", "wrt": "places", "take": "output", "mode": "text",
    "domain": "interval", "reseed": "integer", "hessian": "text", "logdet": "claim",
    "expect_pattern": "text",
}  # fmt: skip
_MEANT = {"with": "operands", "input": "operands", "shape": "shapes", "param": "parameters", "seed": "seeds"}  # options


@dataclass(frozen=True)
class _Reader:
    """Converts the values of a table to a Check's fields; an error names the file and the key."""

    file: Path
    prefix: str

    def read(self, table: Mapping[str, Any], kinds: Mapping[str, str], prefix: str) -> dict[str, Any]:
        for key in table:
            if key not in kinds:
                known = [*kinds, *(["checks"] if prefix == self.prefix else [])]
                meant = _MEANT.get(key)
                others = f"there are {', '.join(kinds)}"
                hint = f"; did you mean {meant}?" if meant in known else did_you_mean(key, known, 1, str, others)
                if prefix == self.prefix and isinstance(table[key], dict) and "?" not in hint:
                    hint = f"; {_form(prefix, key)}"
                raise InputError(f"{self.file}: {prefix}{key}: there is no such key{hint}")
        return {key: self._value(value, kinds[key], f"{prefix}{key}") for key, value in table.items()}

    def _value(self, value: Any, kind: str, key: str) -> Any:
        wanted, read = _KINDS[kind]
        result = read(value)
        if result is None:
            raise InputError(f"{self.file}: {key}: {wanted} is needed, not {_named(value)}")
        return result


def _named(value: Any) -> str:
    kinds = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "a table",
    }
    return f"{kinds.get(type(value), type(value).__name__)} ({value!r:.60})"


def _list(value: Any, kind: type | tuple[type, ...]) -> tuple[Any, ...] | None:
    given = value if isinstance(value, list) else [value]
    fits = given and all(isinstance(item, kind) and not isinstance(item, bool) for item in given)
    return tuple(given) if fits else None


def _texts(value: Any) -> tuple[str, ...] | None:
    return () if value == [] else _list(value, str)


def _parameters(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) and all(map(_is_parameter, value.values())) else None


def _is_parameter(value: Any) -> bool:
    if isinstance(value, list | dict):
        return all(map(_is_parameter, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bool | int | float | str)


def _operands(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    given = {
        name: json.dumps(item) if isinstance(item, int | float | list) and not isinstance(item, bool) else item
        for name, item in value.items()
    }
    return given if all(isinstance(item, str) for item in given.values()) else None


def _shapes(value: Any) -> tuple[str, ...] | None:
    given = _list(value, (str, int))
    return None if given is None else tuple(map(str, given))


def _size(value: Any) -> Any:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if type(value) is int and 2**63 <= abs(value) < 2**1023:  # numpy knows no such integers
        return float(value)
    return value if isinstance(value, float) or (type(value) is int and abs(value) < 2**63) else None


def _interval(value: Any) -> str | tuple[float, ...] | None:
    if isinstance(value, str):
        return value
    return _list(value, (int, float)) if isinstance(value, list) and len(value) == 2 else None


def _plain(kind: type | tuple[type, ...]) -> Any:
    return lambda value: value if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) else None


_KINDS: dict[str, tuple[str, Any]] = {
    "text": ("a string", _plain(str)),
    "texts": ("a string or an array of strings", _texts),
    "number": ("a number", _number),
    "claim": ("a number or a string", lambda value: value if isinstance(value, str) else _number(value)),
    "integer": ("an integer", _plain(int)),
    "integers": ("an integer or an array of integers", lambda value: _list(value, int)),
    "boolean": ("true or false", _plain(bool)),
    "size": ('a number of bytes such as "4GiB"', _size),
    "shapes": ('an array of shapes such as ["3", "2x3"]', _shapes),
    "parameters": ("a table of numbers, booleans, strings, arrays and tables", _parameters),
    "operands": ('a table of shapes, files or arrays such as { q = "4x3", labels = [0, 2, 1] }', _operands),
    "interval": ('"LOW:HIGH" or [LOW, HIGH]', _interval),
    "output": ("the name or number of an output", _plain((str, int))),
    "places": ("the name or number of an operand, or an array of them", lambda value: _list(value, (str, int))),
}
