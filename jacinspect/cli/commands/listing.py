"""`jacinspect list`: its options, and its exit status."""

import sys
from typing import Annotated

import typer

from jacinspect.cli.app import app
from jacinspect.cli.console import make_console
from jacinspect.cli.group import Command
from jacinspect.cli.streams import reported_errors, standard_output
from jacinspect.functions.catalogue.completion import functions

__all__ = ["list_"]


@app.command("list", cls=Command)
def list_(
    text: Annotated[
        str,
        typer.Argument(
            metavar="[TEXT]",
            help="What to find: a name or a part of one, a kind, a word of a formula or note.",
            show_default=False,
            autocompletion=functions,
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is declared, as JSON.")] = False,
) -> None:
    """List the functions of the catalogue, or those that a text finds.

    Exit status: 0 found, 2 nothing found.
    """
    with reported_errors(False):
        from jacinspect.functions.catalogue.listing import search

        found = search(text)
        with standard_output():
            if as_json:
                sys.stdout.buffer.write(found.to_json().encode())
                return
            from jacinspect.views import listing

            console = make_console(sys.stdout, soft_wrap=False)
            console.print(listing.render(found, console.width))
