"""What can go wrong through no fault of jacinspect's, the exit statuses, and how messages write shapes and sizes.

Every error here is worded for the person who typed the command: what, where, and what would be right.
"""

from enum import IntEnum

__all__ = [
    "ExitStatus",
    "FunctionFailedError",
    "FunctionRaisedError",
    "InputError",
    "JacinspectError",
    "format_parameter",
    "format_shape",
    "format_size",
    "printable",
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
    """Tell an exception of somebody's code: its type, its message, and the last line of their own that led to it."""
    import linecache
    import os
    import sysconfig
    from pathlib import Path
    from traceback import walk_tb

    installed = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
    not_theirs = tuple(folder + os.sep for folder in (str(Path(__file__).parent), *installed))
    message, *more = str(error).strip().splitlines() or [""]
    message = f"{message[:300]}{' …' if more or len(message) > 300 else ''}"
    told = type(error).__name__ + (f": {message}" if message else "")
    told += "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        code = linecache.getline(file, line).strip()
        if code and not file.startswith(not_theirs):
            near = os.path.relpath(file)
            return f"{told}\n  {file if near.startswith('..') else near}:{line}: {code}"
    return told


def format_parameter(value: float | bool | str | None) -> str:
    """Write a parameter's value as people type it: ``none``, ``true``, ``0.2``, a word as it is."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:g}"


def format_shape(shape: tuple[int, ...]) -> str:
    """Write a shape as the field does: ``2×3``, ``4``, ``scalar``."""
    return "×".join(map(str, shape)) or "scalar"


def printable(text: str) -> str:
    """Spell out what a terminal would obey rather than show: escapes and controls, as in a hostile file name."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def format_size(n: int) -> str:
    """Write a number of bytes with three digits and a binary unit: ``512 bytes``, ``7.28 TiB``."""
    if n < 1024:
        return "1 byte" if n == 1 else f"{n} bytes"
    # half a unit less than 1024 of them would round to 1024: that is 1 of the next
    power = next((power for power in range(1, 9) if 2 * n < 2047 * 1024**power), None)
    if power is None:
        return "over 1023 YiB"
    value = n / 1024**power
    digits = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return f"{digits} {'KMGTPEZY'[power - 1]}iB"
