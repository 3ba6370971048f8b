"""The command line: options -> a request -> a report -> a view -> exit status. Only this folder prints or exits."""

import sys

__all__ = ["run"]


def run() -> int:
    """Run the command line, and return its exit status."""
    from jacinspect.cli.at_once import answer
    from jacinspect.cli.streams import spell_out

    for stream in (sys.stdout, sys.stderr):
        spell_out(stream)
    status = answer(sys.argv[1:])
    if status is None:
        from jacinspect.cli.commands import run_command

        status = run_command()
    return status
