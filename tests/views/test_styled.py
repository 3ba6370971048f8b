"""Lines in styles: plain text as rich prints it without colours, and rich's colours where they are shown."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from jacinspect.views.styled import MARKED, StyledLine, StyledText

LINES = StyledText(
    [
        StyledLine(("sigmoid", "bold"), "  X 2×2 → A 2×2   ", ("✓ pass", "bold green")),
        StyledLine(),
        StyledLine("  blanks at both ends   "),
        StyledLine("a line without a blank: ", ("0123456789" * 5, "cyan")),
        StyledLine(("0.1  ·  ·  ✘0.2  ?0.3  …", MARKED), "    ", ("dX", "bold"), wraps=False),
        StyledLine("二つの幅 の 記号 は 二桁 です"),  # ten of these signs take 20 columns
        StyledLine("combined: e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"),
    ]
)


def by_rich(width: int, system: Any = None, soft_wrap: bool = False) -> str:
    console = Console(
        file=(written := StringIO()),
        width=width,
        color_system=system,
        highlight=False,
        soft_wrap=soft_wrap,
        force_terminal=system is not None,
    )
    console.print(LINES)
    return written.getvalue()


@pytest.mark.parametrize("width", [1, 9, 20, 29, 30, 31, 47, 48, 49, 80])
def test_plain_text_is_what_rich_prints_without_colors(width: int) -> None:
    assert f"{LINES.wrapped(width)}\n" == by_rich(width)


def test_lines_that_the_reader_wraps_are_whole() -> None:
    assert f"{LINES.plain}\n" == by_rich(9, soft_wrap=True)
    assert "a line without a blank: " + "0123456789" * 5 in LINES.plain.splitlines()


def test_rich_shows_the_styles_and_the_colors_of_marks() -> None:
    shown = by_rich(80, "standard")
    assert "\x1b[1msigmoid\x1b[0m" in shown
    assert (
        "\x1b[2m·  ·\x1b[0m  \x1b[1;31m✘0.2\x1b[0m  \x1b[1;33m?0.3\x1b[0m  \x1b[2m…\x1b[0m    \x1b[1mdX\x1b[0m" in shown
    )


def test_a_line_in_one_style() -> None:
    line = StyledLine(("note", "yellow"), ": ", ("text", "bold")).styled("dim")
    console = Console(file=(written := StringIO()), color_system="standard", force_terminal=True)
    console.print(line)
    assert written.getvalue() == "\x1b[2mnote: text\x1b[0m\n"
    assert line.plain == "note: text"
