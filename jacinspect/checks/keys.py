"""The keys of [tool.jacinspect]: which there are, and what value each takes. Next: suite."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jacinspect.errors import InputError
from jacinspect.records import dataclass
from jacinspect.wording import did_you_mean

__all__ = ["OWN", "SETTINGS", "SHARED", "Reader", "form", "named"]

SETTINGS = (
    "vec", "layout", "expect", "rtol", "atol", "strict_kinks", "memory", "max_evaluations", "noise", "points",
    "order", "spectrum",
)  # fmt: skip
SHARED = {
    "shapes": "shapes", "seeds": "integers", "dtype": "text", "backend": "text", "allow": "texts", "vec": "text",
    "layout": "text", "expect": "texts", "rtol": "number", "atol": "number", "strict_kinks": "boolean",
    "memory": "size", "max_evaluations": "integer", "noise": "number", "points": "integer",
    "order": "integer", "spectrum": "boolean",
}  # fmt: skip
OWN = {
    "function": "text", "derivative": "text", "derivative_kind": "text", "parameters": "parameters",
    "operands": "operands", "wrt": "places", "take": "output", "mode": "text",
    "domain": "interval", "reseed": "integer", "hessian": "text", "logdet": "claim",
    "expect_pattern": "text",
}  # fmt: skip
_MEANT = {"with": "operands", "input": "operands", "shape": "shapes", "param": "parameters", "seed": "seeds"}  # options


@dataclass(frozen=True)
class Reader:
    """Converts the values of a table to a Check's fields; an error names the file and the key."""

    file: Path
    prefix: str

    def read(self, table: Mapping[str, Any], kinds: Mapping[str, str], prefix: str) -> dict[str, Any]:
        """Return the values of a table by key; `kinds` says what each key takes, `prefix` how a message names them.

        Raises
        ------
        InputError
            If a key is none of these, or its value of another kind.
        """
        for key in table:
            if key not in kinds:
                known = [*kinds, *(["checks"] if prefix == self.prefix else [])]
                meant = _MEANT.get(key)
                others = f"there are {', '.join(kinds)}"
                hint = f"; did you mean {meant}?" if meant in known else did_you_mean(key, known, 1, str, others)
                if prefix == self.prefix and isinstance(table[key], dict) and "?" not in hint:
                    hint = f"; {form(prefix, key)}"
                raise InputError(f"{self.file}: {prefix}{key}: there is no such key{hint}")
        return {key: self._value(value, kinds[key], f"{prefix}{key}") for key, value in table.items()}

    def _value(self, value: Any, kind: str, key: str) -> Any:
        wanted, read = _KINDS[kind]
        result = read(value)
        if result is None:
            raise InputError(f"{self.file}: {key}: {wanted} is needed, not {named(value)}")
        return result


def form(prefix: str, name: str = "NAME") -> str:
    """Say how a check is written."""
    return f'add a table [{prefix}checks.{name}] with function = "sigmoid" and shapes = ["2x2"]'


def named(value: Any) -> str:
    """Say of which kind a value is, and show it."""
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
