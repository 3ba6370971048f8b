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
    "NotDeterministicError",
    "RaisedElsewhereError",
    "UnsendableError",
    "WorkerDiedError",
    "is_own_file",
    "near_path",
    "raised",
]

# What is shown of another's message: of chainer's on dtypes, all three lines; of one with a C++ stack, its beginning.
_LINES, _LENGTH = 4, 300


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


class UnsendableError(InputError):
    """The inspected function cannot be sent to another process."""


class FunctionFailedError(JacinspectError):
    """The inspected function raised, or broke the contract array -> array; the cause is chained."""


class FunctionRaisedError(FunctionFailedError):
    """The inspected function raised at this argument, or returned what is no value; at another it may not.

    `what` it did is the message without the `place`.
    """

    def __init__(self, what: str, place: str = "") -> None:
        super().__init__(f"{place}{what}")
        self.what = what


class NotDeterministicError(FunctionFailedError):
    """The inspected function gives different outputs at one point on different workers, which differ by `jitter`."""

    def __init__(self, message: str, jitter: float) -> None:
        super().__init__(message)
        self.jitter = jitter


class RaisedElsewhereError(Exception):
    """An exception that the user's code raised in a worker: its description, as of `raised`, and its traceback."""

    def __init__(self, described: str, trace: str = "") -> None:
        super().__init__(trace or described)
        self.described = described


class WorkerDiedError(Exception):
    """The process that made a call ended; the text says how."""


def is_own_file(file: str) -> bool:
    """Whether a file is the user's own: neither of this package, nor of Python's library, nor of an installed one."""
    import os
    import sysconfig
    from pathlib import Path

    installed = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
    return not file.startswith(tuple(folder + os.sep for folder in (str(Path(__file__).parent), *installed)))


def near_path(file: str, folder: str = ".") -> str:
    """Return a file's path from a folder, or the whole path where the file is not in it."""
    import os
    from pathlib import Path

    try:
        near = os.path.relpath(file, folder)
    except ValueError:  # on Windows, for another drive
        return file
    return file if Path(near).parts[:1] == (os.pardir,) else near


def raised(error: BaseException) -> str:
    """Describe an exception that the user's code raised: type, message, and the last line of that code on the way.

    The lines of the message are one paragraph: what was expected, and what was given, may be in later ones.
    """
    import linecache
    from traceback import walk_tb

    if isinstance(error, RaisedElsewhereError):
        return error.described
    lines = [*filter(None, map(str.strip, str(error).splitlines()))]
    message = " / ".join(lines[:_LINES])
    message = f"{message[:_LENGTH]}{' …' if len(lines) > _LINES or len(message) > _LENGTH else ''}"
    text = type(error).__name__ + (f": {message}" if message else "")
    text += "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        code = linecache.getline(file, line).strip()
        if code and is_own_file(file):
            return f"{text}\n  {near_path(file)}:{line}: {code}"
    return text
