"""The commands, each in a module of its own, and the application that has them all. Next: app."""

from jacinspect.cli.app import app, run_command
from jacinspect.cli.commands import check, explain, identities, inspect, listing

__all__ = ["app", "check", "explain", "identities", "inspect", "listing", "run_command"]
