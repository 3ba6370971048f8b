"""A stream that is no terminal gets the width that rich would give it, and rich alone where colours may be wanted."""

import os
from io import StringIO

import pytest
from rich.console import Console

from jacinspect.cli.console import PlainConsole, make_console


def at_terminal(stream: int) -> os.terminal_size:
    """Standard error alone is a terminal."""
    if stream != 2:
        raise OSError
    return os.terminal_size((50, 9))


def at_none(stream: int) -> os.terminal_size:
    raise OSError


@pytest.mark.parametrize("columns", [None, "", "0", "33", "wide"])
@pytest.mark.parametrize("size", [at_terminal, at_none])
def test_the_width_of_a_pipe(monkeypatch: pytest.MonkeyPatch, columns: str | None, size: object) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("COLUMNS", raising=False) if columns is None else monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(os, "get_terminal_size", size)
    console = make_console(StringIO(), soft_wrap=False)
    assert isinstance(console, PlainConsole)
    assert console.width == (Console(file=StringIO()).width or 80)


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_colors_on_request(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    console = make_console(StringIO(), soft_wrap=False)
    assert isinstance(console, Console)
    assert console.is_terminal
