"""The command line: options -> a request -> a report -> a view -> exit status. Only this folder prints or exits."""

from jacinspect.cli.commands import app, run

__all__ = ["app", "run"]
