"""The application: its options beside those of its commands, and how it is run. Next: commands."""

import os
import sys
from copy import copy
from typing import Annotated

import typer

from jacinspect import __version__
from jacinspect.cli.child import go_on_in_a_child
from jacinspect.cli.group import InspectByDefault, UsageError, advice, options_of
from jacinspect.cli.help import COMMANDS
from jacinspect.cli.streams import complain, ctrl_c
from jacinspect.errors import ExitStatus

__all__ = ["app", "in_a_child", "run_command"]


app = typer.Typer(
    cls=InspectByDefault,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run_command() -> int:
    """Run the command that was typed; return its exit status. A mistake in the options is reported in one line."""
    try:
        with ctrl_c():
            status = typer.main.get_command(_alone(sys.argv[1:])).main(prog_name="jacinspect", standalone_mode=False)
    except SystemExit as end:
        if end.code != 1 or "_JACINSPECT_COMPLETE" in os.environ:  # 1 is typer's where a help text's reader has gone
            raise
        return ExitStatus.OK
    except UsageError as error:
        from jacinspect.cli.mistakes import correction

        command = typer.main.get_command(app)
        right = correction(sys.argv[1:], options_of(command))
        complain(right or f"{error.format_message()} ({advice(sys.argv[1:], command)})")
        return ExitStatus.UNUSABLE
    return status or ExitStatus.OK


def in_a_child(*typed: str | None) -> None:
    """Go on in a child process where the code that was typed may end this one; its exit status ends the command."""
    status = go_on_in_a_child(*typed)
    if status is not None:
        raise typer.Exit(status)


def _alone(arguments: list[str]) -> typer.Typer:
    """Return the app with the one command that is meant: typer takes long for each, with its many options."""
    if "_JACINSPECT_COMPLETE" in os.environ:
        return app
    meant = arguments[0] if arguments and arguments[0] in dict(COMMANDS) else "inspect"
    one = copy(app)
    one.registered_commands = [info for info in app.registered_commands if info.name == meant]
    return one


def _show_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # that is, unless a shell completes the command line
        typer.echo(f"jacinspect {__version__}")
        raise typer.Exit


@app.callback()
def _jacinspect(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Say whether a derivative is right, and what its Jacobian looks like."""
