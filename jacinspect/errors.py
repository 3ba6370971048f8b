"""What can go wrong through no fault of jacinspect's, and the exit statuses.

Every error here is worded for the person who typed the command: what, where, and what would be right.
"""

from enum import IntEnum

__all__ = ["ExitStatus", "FunctionFailedError", "InputError", "JacinspectError"]


class ExitStatus(IntEnum):
    """The exit statuses of the command line."""

    OK = 0
    FINDINGS = 1
    UNUSABLE = 2
    INTERRUPTED = 130


class JacinspectError(ValueError):
    """Something that the user can mend; its text is the whole message, one or two lines."""


class InputError(JacinspectError):
    """An operand, a file, a shape, a name or an option cannot be used."""


class FunctionFailedError(JacinspectError):
    """The inspected function raised, or broke the contract array -> array; the cause is chained."""
