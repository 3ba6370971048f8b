"""What was typed for a parameter, NAME=VALUE -> its name and value. Next: requests."""

import ast
import json
from typing import Any

from jacinspect.errors import InputError

__all__ = ["parameter"]


def parameter(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE: a number, true, false or none, a list or object as JSON or Python writes it, or else a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--param {text!r}: write NAME=VALUE, such as negative_slope=0.2")
    words: dict[str, bool | None] = {"true": True, "false": False, "none": None}
    if value.strip().lower() in words:
        return name.strip(), words[value.strip().lower()]
    for number in (int, float):
        try:
            return name.strip(), number(value)
        except ValueError:
            continue
    if value.strip()[:1] not in ("[", "{", "("):
        return name.strip(), value
    for read in (json.loads, ast.literal_eval):
        try:
            return name.strip(), read(value.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError):
            continue
    raise InputError(f'--param {text!r}: is no list or object: write such as {name.strip()}=[3,4] or {{"a": 1}}')
