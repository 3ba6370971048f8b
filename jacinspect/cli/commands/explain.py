"""`jacinspect explain`: its options, and its exit status. Next: at_once."""

import sys
from typing import Annotated

import typer

from jacinspect.cli.app import app
from jacinspect.cli.at_once import explained
from jacinspect.cli.group import Command
from jacinspect.cli.streams import reported_errors, standard_output

__all__ = ["explain"]


def _explained() -> list[str]:
    """List what `explain` explains, for completion: a word of several parts is offered with hyphens."""
    from jacinspect.views.explain import words

    return [word.replace(" ", "-") for word in words()]


@app.command("explain", cls=Command)
def explain(
    word: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]",
            help="A finding (J001, kink) or a word of a report (bar, color, vec, chain rule); none lists them.",
            show_default=False,
            autocompletion=_explained,
        ),
    ] = None,
) -> None:
    """Explain a finding or a word of a report in a few lines.

    Exit status: 0 explained, 2 there is no such word.
    """
    with reported_errors(False):
        text = explained(word or [])
        with standard_output():
            sys.stdout.write(text)
