"""What is answered without a parser: typer takes longer to import than these answers.

In: what was typed. Out: an exit status, or None. Next: commands. These are `jacinspect --help`,
`--version` and `explain WORD`, as the commands themselves answer them.
"""

import os
import sys
from collections.abc import Sequence

from jacinspect import __version__
from jacinspect.cli.help import overview
from jacinspect.cli.streams import complain, standard_output
from jacinspect.errors import ExitStatus, InputError

__all__ = ["answer", "explained"]


def answer(arguments: Sequence[str]) -> int | None:
    """Answer what was typed, and return the exit status; None where it needs a parser, as completion always does."""
    if "_JACINSPECT_COMPLETE" in os.environ:
        return None
    try:
        match arguments:
            case ["--help" | "-h"]:
                text = overview()
            case ["--version"]:
                text = f"jacinspect {__version__}\n"
            case ["explain", *words] if not any(word.startswith("-") for word in words):
                text = explained(words)
            case _:
                return None
        with standard_output():
            sys.stdout.write(text)
    except InputError as error:
        complain(str(error))
        return ExitStatus.UNUSABLE
    return ExitStatus.OK


def explained(words: Sequence[str]) -> str:
    """Return what is said of one or several words; of none, what is explained."""
    from jacinspect.views.explain import contents, explain

    return explain(" ".join(words)) if words else contents()
