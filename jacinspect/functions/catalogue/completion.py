"""The names of the catalogue without its tables, which import numpy: for a shell at every Tab, and for lookup.py.

names.txt has a section for each table, ``[gated]``, and in it a line for each function: its name, its aliases, its
parameters as NAME=DEFAULT. `python -m tests.functions.catalogue.test_completion` writes it; a test compares it with the
tables.
"""

from collections.abc import Iterator
from pathlib import Path

__all__ = ["functions", "functions_without_aliases", "parameters", "tables"]


def functions() -> list[str]:
    """List the names and aliases, in the catalogue's order."""
    return [word for _, line in _lines() for word in line if "=" not in word]


def functions_without_aliases() -> list[str]:
    """List the names, in the catalogue's order."""
    return [line[0] for _, line in _lines()]


def parameters(function: str) -> list[str]:
    """List a function's parameters, ``negative_slope=0.01``; none where the catalogue does not have the function."""
    return [word for _, line in _lines() if function in line for word in line if "=" in word]


def tables() -> dict[str, str]:
    """Return the module of the table that has the function, by name and alias."""
    return {word: table for table, line in _lines() for word in line if "=" not in word}


def _lines() -> Iterator[tuple[str, list[str]]]:
    """Yield the table and the words of each function."""
    table = ""
    for line in Path(__file__).with_name("names.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        else:
            yield table, line.split()
