"""How the words of a command line find their command: inspect is the default. Next: commands."""

from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from jacinspect.cli.conversion import convert_by_annotations
from jacinspect.cli.help import COMMANDS, overview, write_options

__all__ = ["Command", "InspectByDefault", "UsageError", "advice", "options_of"]

UsageError: Any = typer.BadParameter.__base__  # which typer does not export by itself


class Command(TyperCommand):
    """A command whose help and completions are plain: to render them, typer would import all of rich."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, each with the type of its annotation."""
        return convert_by_annotations(super().get_params(ctx), self.callback)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, by groups."""
        write_options(self.get_params(ctx), ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return completions without a description."""
        return _without_help(super().shell_complete(ctx, incomplete))


class InspectByDefault(TyperGroup):
    """`jacinspect sigmoid` is `jacinspect inspect sigmoid`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, each with the type of its annotation."""
        return convert_by_annotations(super().get_params(ctx), self.callback)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in the order in which the help has them."""
        return sorted(super().list_commands(ctx), key=[name for name, _ in COMMANDS].index)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `inspect` before the words where they begin with no command."""
        completing = ctx.resilient_parsing
        if not args and not completing:
            raise UsageError("name a function, as in `jacinspect sigmoid --shape 2x2`")
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and not completing and args[0].startswith("-"):
            from jacinspect.cli.mistakes import begins_with_minus

            if begins_with_minus(args[0], own | options_of(self)):
                args = ["inspect", *args[1:], "--", args[0]]
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["inspect", *args]
        if completing and args and args[-1].startswith("-"):
            args = args[:-1]  # an option without its value would end the parsing before the function is read
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the commands, and what `inspect` would complete."""
        inspect = self.commands["inspect"]
        function = next(parameter for parameter in inspect.params if parameter.name == "function")
        found = [*super().shell_complete(ctx, incomplete), *inspect.shell_complete(ctx, incomplete)]
        unique = {item.value: item for item in [*found, *function.shell_complete(ctx, incomplete)]}
        return _without_help(unique.values())

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (click calls it with both)
        """Write the overview of all commands."""
        formatter.write(overview())


def _without_help(items: Iterable[Any]) -> list[Any]:
    items = list(items)
    for item in items:
        item.help = None
    return items


def options_of(group: Any) -> set[str]:
    """Return the names of all options of inspect, the default command."""
    return {name for parameter in group.commands["inspect"].params for name in parameter.opts}


def advice(arguments: list[str], group: Any) -> str:
    """Return what to do about a mistake in the options, in words."""
    if any(text.startswith("-") and "(" in text for text in arguments):
        return "put an expression that begins with - in parentheses: '(-exp(x))'"
    command = next((name for name in arguments if name in group.commands), "inspect")
    return f"see jacinspect {command} --help"
