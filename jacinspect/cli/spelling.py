"""Signs spelled out for a terminal whose encoding does not have them: text -> text. Next: streams.

Columns stay aligned: what a spelling is longer than its sign is taken from the next blanks between columns.
"""

import codecs
import re
import unicodedata

__all__ = ["SPELLED", "spelled"]

SPELLED = "jacinspect.spelled"  # the error handler's name: `stream.reconfigure(errors=SPELLED)`

_WORDS = {
    "■": "#",
    "·": ".",
    "…": "...",
    "×": "x",
    "∂": "d",
    "⊙": "(.)",
    "⊗": "(x)",
    "✘": "!",
    "−": "-",
    "–": "-",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "→": "->",
    "↦": "->",
    "∞": "inf",
    "√": "sqrt",
    "ᵀ": "^T",
    "²": "^2",
    "³": "^3",
    "‖": "||",
    "∈": "in",
    "─": "-",
    "│": "|",
    "\u2800": " ",
    **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),  # bars, by how much of their place they fill
    **dict.fromkeys("┌┐└┘", "+"),
}
_AT_START = {"✓": "ok  ", "✗": "FAIL"}  # equally long, so that rows that begin with one are aligned


def spelled(text: str, encoding: str) -> str:
    """Spell out what an encoding does not have; the text begins anywhere in a line."""
    return "\n".join(_line(line, encoding, bool(number)) for number, line in enumerate(text.split("\n")))


def _line(line: str, encoding: str, is_whole: bool) -> str:
    words, debt = [], 0
    for number, piece in enumerate(re.split(r"( {2,})", line)):
        if piece[:2] == "  ":
            kept = max(len(piece) - debt, 1)
            debt -= len(piece) - kept
            words.append(" " * kept)
            continue
        signs = [_sign(sign, encoding) for sign in piece]
        if is_whole and not number and piece[:1] in _AT_START and signs[0] != piece[:1]:
            debt -= len(_AT_START[piece[0]]) - 1  # by which every such row is longer
            signs[0] = _AT_START[piece[0]]
        words.append("".join(signs))
        debt += len(words[-1]) - len(piece)
    return "".join(words)


def _sign(sign: str, encoding: str) -> str:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return _word(sign)
    return sign


def _word(sign: str) -> str:
    if sign in _WORDS:
        return _WORDS[sign]
    if sign in _AT_START:
        return _AT_START[sign].rstrip()
    if "\u2800" < sign <= "\u28ff":  # braille, of which a pattern is drawn
        return "#"
    name = unicodedata.name(sign, "")
    if name.startswith("GREEK "):
        return name.rpartition(" ")[2].lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", sign) if c.isascii())
    return plain or sign.encode("ascii", "backslashreplace").decode()


def _handle(error: UnicodeError) -> tuple[str, int]:
    """Spell out the rest of a text from its first sign that cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    before = error.object[: error.start]
    begins = not before or before.endswith("\n")
    rest = error.object[error.start :]
    return (spelled(f"\n{rest}", error.encoding)[1:] if begins else spelled(rest, error.encoding)), len(error.object)


codecs.register_error(SPELLED, _handle)
