"""How a refusal quotes: a text of any length and content comes in, one short line for a message goes out."""

import difflib
from collections.abc import Callable, Iterable

__all__ = ["did_you_mean", "shown"]


def shown(text: str, quote: Callable[[str], str] = repr) -> str:
    """Quote what was typed or read, in one line of moderate length; with `quote=str`, without quotation marks."""
    line = " ".join(text.split()) if quote is str else text
    return quote(line if len(line) <= 80 else line[:79] + "…")


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Write ``; did you mean 'weights'?`` if a candidate is close to `name`, and nothing otherwise."""
    close = difflib.get_close_matches(name, list(candidates), n=1)
    return f"; did you mean {shown(close[0])}?" if close else ""
