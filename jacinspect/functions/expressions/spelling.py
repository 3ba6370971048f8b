"""An expression as people write it, spelled as Python reads it: 2x, x^2, x², a·b, xᵀ. Next: source, reading.

Signs and missing operators are replaced, and nothing else; every character of the result knows its place in the text.
"""

import re

__all__ = ["AMBIGUOUS", "spelled"]

_SIGNS = dict.fromkeys("×·⋅⊙", "*") | dict.fromkeys("−–", "-") | {"^": "**", "²": "**2", "³": "**3", "÷": "/"}
_SIGNS |= {"≤": "<=", "≥": ">=", "ᵀ": ".T", "π": "pi", "σ": "sigmoid"}
_NUMBER = r"(?<![\w.])\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+"  # not the end of a name, as in log2
_TIMES = r"(?![jJ]\b|[xXoObB][\da-fA-F])(?=[^\W\d_]|\()"  # nor an imaginary number, nor a hexadecimal one
_TOKEN = re.compile(
    rf"(?P<factor>{_NUMBER}{_TIMES})|(?P<power>[²³])(?=\w|\()|(?P<greek>(?<![^\W\d])(?:π(?!\w)|σ(?=\s*\()))"
    r"|(?P<sign>[\^²³×·⋅⊙÷−–≤≥ᵀ])"
)
AMBIGUOUS = re.compile(rf"/\s*({_NUMBER}{_TIMES}\w*)")  # 1/2x, which may mean 1/(2x) as well


def spelled(line: str) -> tuple[str, list[int]]:
    """Return a line as Python reads it, and the place in the line of each of its characters and of its end."""
    text, places, end = "", list[int](), 0
    for token in _TOKEN.finditer(line):
        start, piece = token.start(), token[0]
        new = piece if token["factor"] else _SIGNS[piece]
        new += "*" if token["factor"] or token["power"] else ""
        text += line[end:start] + new
        kept = range(start, start + len(piece)) if token["factor"] else [start] * (len(new) - 1)
        places += [*range(end, start), *kept, token.end() - 1]
        end = token.end()
    return text + line[end:], [*places, *range(end, len(line) + 1)]
