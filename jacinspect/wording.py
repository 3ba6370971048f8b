"""How things are said: plurals, shapes, sizes, indices, quotations, suggestions, and non-finite numbers in JSON."""

import difflib
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from math import ceil, floor, isfinite, log10
from typing import Any

__all__ = [
    "close_matches",
    "counted",
    "did_you_mean",
    "format_duration",
    "format_entry",
    "format_index",
    "format_parameter",
    "format_shape",
    "format_size",
    "how_it_ended",
    "how_it_failed",
    "jsonable",
    "printable",
    "rounded_up",
    "shown",
    "told_apart",
]


def shown(text: str, quote: Callable[[str], str] = repr) -> str:
    """Quote what was typed or read, in one line of moderate length; with `quote=str`, without quotation marks."""
    line = " ".join(text.split()) if quote is str else text
    return quote(line if len(line) <= 80 else line[:79] + "…")


def close_matches(name: str, candidates: Iterable[str], n: int = 1, key: Callable[[str], str] = str) -> list[str]:
    """List up to n candidates spelled like `name`, the likeliest first; `key` gives what counts of a spelling."""
    spelled = {key(candidate): candidate for candidate in candidates}
    return [spelled[match] for match in difflib.get_close_matches(key(name), spelled, n)]


def did_you_mean(
    name: str,
    candidates: Iterable[str],
    n: int = 1,
    quote: Callable[[str], str] = shown,
    otherwise: str = "",
) -> str:
    """Write ``; did you mean 'weights'?`` of up to n candidates that are close to `name`; of none, what else to say."""
    close = close_matches(name, candidates, n)
    if close:
        return f"; did you mean {' or '.join(map(quote, close))}?"
    return f"; {otherwise}" if otherwise else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 entry``, ``3 entries``; the plural is ``one`` and an s if it is not given."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def format_index(index: Iterable[int | str]) -> str:
    """Write an index as Python does, ``[0,1]``; the empty one, of a single number, as nothing."""
    inside = ",".join(map(str, index))
    return f"[{inside}]" if inside else ""


def format_entry(output: Iterable[int], operand: Iterable[int]) -> str:
    """Name an entry of the Jacobian by the indices of its output and its input: ``∂A[0,1]/∂X[2]``."""
    return f"∂A{format_index(output)}/∂X{format_index(operand)}"


def format_parameter(value: Any) -> str:
    """Write a parameter's value as people type it: ``none``, ``true``, ``0.2``, a word as it is, ``[3, 4]`` as JSON."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    import json

    written = jsonable(value)
    return shown(written if isinstance(written, str) else json.dumps(written, ensure_ascii=False), str)


def format_shape(shape: tuple[int, ...]) -> str:
    """Write a shape as the field does: ``2×3``, ``4``, ``scalar``."""
    return "×".join(map(str, shape)) or "scalar"


def format_duration(seconds: float) -> str:
    """Write how long something takes, with two digits or so: ``0.52 s``, ``45 s``, ``12 min``, ``3.4 h``."""
    for unit, size, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 86400:,.0f} days"


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


def told_apart(*numbers: float, digits: int) -> list[str]:
    """Write numbers with at least so many digits, and as many as it takes for different ones to print differently."""
    different = len(set(numbers))
    for enough in range(digits, 17):
        texts = [f"{number:.{enough}g}" for number in numbers]
        if len(set(texts)) == different:
            return texts
    return [f"{number:.17g}" for number in numbers]  # which tells any two doubles apart


def rounded_up(number: float) -> str:
    """Write a positive number with one digit, and no smaller than it is."""
    power = 10.0 ** max(floor(log10(number)), -323)  # which is the least above 0
    return f"{ceil(number / power) * power:.0e}"


def printable(text: str) -> str:
    """Spell out what a terminal would obey rather than show: escapes and controls, as in a hostile file name."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def jsonable(value: Any) -> Any:
    """Write values as RFC 8259 can, non-finite numbers as the strings NaN, Infinity and -Infinity, inside lists too.

    Arrays become nested lists; of any other object there is the name of its type, or its own name.
    """
    if isinstance(value, Mapping):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "tolist"):  # an array, or a number of numpy's
        return jsonable(value.tolist())
    return str(getattr(value, "__qualname__", type(value).__qualname__))


def how_it_ended(code: int | None) -> str:
    """Say how code ended its process, from the exit status of a process, or minus the number of a signal."""
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"ended its process with {signal.Signals(-code).name}"
    return f"ended its process with exit status {code}"


def how_it_failed(error: BaseException, when: str = "") -> str:
    """Say how an executor failed, and when: the exception and its first line; of workers that f ended, how many."""
    if type(error).__name__ == "KilledWorker":  # of dask, whose words name addresses, which are others every time
        times = getattr(error, "allowed_failures", 0) + 1
        return f"the function ended its worker{f' {times} times in a row' * (times > 1)} (KilledWorker)"
    return ": ".join([f"the executor failed{when}", type(error).__name__, *str(error).strip().splitlines()[:1]])
