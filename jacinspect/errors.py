"""What can go wrong through the fault of what was typed or inspected, and the exit statuses.

Every error is worded for the person who typed the command: what, where, and what would be right.
"""

from enum import IntEnum

__all__ = [
    "ExitStatus",
    "FunctionFailedError",
    "FunctionRaisedError",
    "InputError",
    "JacinspectError",
    "raised",
]


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


class FunctionRaisedError(FunctionFailedError):
    """The inspected function raised at this argument; at another it may not."""


def raised(error: BaseException) -> str:
    """Describe an exception that the user's code raised: type, message, and the last line of that code on the way."""
    import linecache
    import os
    import sysconfig
    from pathlib import Path
    from traceback import walk_tb

    installed = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
    not_users = tuple(folder + os.sep for folder in (str(Path(__file__).parent), *installed))
    message, *more = str(error).strip().splitlines() or [""]
    message = f"{message[:300]}{' …' if more or len(message) > 300 else ''}"
    text = type(error).__name__ + (f": {message}" if message else "")
    text += "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        code = linecache.getline(file, line).strip()
        if code and not file.startswith(not_users):
            near = os.path.relpath(file)
            return f"{text}\n  {file if near.startswith('..') else near}:{line}: {code}"
    return text
