"""The names that a shell completes: those of the catalogue, whose own tables would import numpy at every Tab.

names.txt has a line for each function: its name, its aliases, its parameters as NAME=DEFAULT.
`python -m tests.functions.catalogue.test_completion` writes it, and a test holds it against the catalogue.
"""

from pathlib import Path

__all__ = ["functions", "parameters"]


def functions() -> list[str]:
    """List the names and aliases, in the catalogue's order."""
    return [word for line in _lines() for word in line if "=" not in word]


def parameters(function: str) -> list[str]:
    """List a function's parameters, ``negative_slope=0.01``; none where the catalogue does not have the function."""
    return [word for line in _lines() if function in line for word in line if "=" in word]


def _lines() -> list[list[str]]:
    text = Path(__file__).with_name("names.txt").read_text("utf-8")
    return [line.split() for line in text.splitlines()]
