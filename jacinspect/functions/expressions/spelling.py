"""An expression as people write it, spelled as Python reads it: 2x, x^2, a·b, |x|, xᵀ, x'. Next: source, reading.

Signs, bars and missing operators are replaced, and nothing else; every character of the result knows its place in the
text. A bar after an operand closes the one that is open, and any other bar opens one: |x| is abs(x), ||x|| is norm(x).
"""

import re

__all__ = ["AMBIGUOUS", "OPERAND_ENDS", "spelled", "unpaired"]

_SIGNS = dict.fromkeys("×·⋅⊙∗∙", "*") | dict.fromkeys("−–", "-") | {"^": "**", "²": "**2", "³": "**3", "÷": "/"}
_SIGNS |= {".*": "*", "./": "/", ".^": "**"}  # MATLAB's
_SIGNS |= dict.fromkeys("ᵀ⊤'′", ".T") | {"≤": "<=", "≥": ">=", "≠": "!=", "π": "pi", "σ": "sigmoid"}
_NUMBER = r"(?<![\w.])\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+"  # not the end of a name, as in log2
_TIMES = r"(?![jJ]\b|[xXoObB][\da-fA-F])(?=[^\W\d_]|\()"  # nor an imaginary number, nor a hexadecimal one
OPERAND_ENDS = r"[\w)\]}'′ᵀ⊤²³|‖]"  # the last character of an operand; a ' beside any other begins a text in quotes
_TOKEN = re.compile(
    rf"(?P<text>\"[^\"]*\"|(?<!{OPERAND_ENDS})'[^']*')"
    rf"|(?P<factor>{_NUMBER}{_TIMES})|(?P<power>[²³])(?=\w|\()|(?P<greek>(?<![^\W\d])(?:π(?!\w)|σ(?=\s*\()))"
    r"|(?P<sign>\.[*/^]|[\^²³×·⋅⊙∗∙÷−–≤≥≠ᵀ⊤'′])|(?P<bar>\||‖)"
)
AMBIGUOUS = re.compile(rf"/\s*({_NUMBER}{_TIMES}\w*)")  # 1/2x, which may mean 1/(2x) as well
_NORMS = {"_1": "l1_norm(", "_2": "norm(", "_F": "norm("}  # what may follow ||x||


def spelled(line: str) -> tuple[str, list[int]]:
    """Return a line as Python reads it, and the place in the line of each of its characters and of its end."""
    text, places, end = "", list[int](), 0
    bars, _ = _bars(line)
    for token in _TOKEN.finditer(line):
        start, piece, stop = token.start(), token[0], token.end()
        if start < end or token["text"]:
            continue
        if token["bar"]:
            new, stop = bars.get(start, (piece, stop))
        else:
            new = piece if token["factor"] else _SIGNS[piece]
            new += "*" if token["factor"] or token["power"] else ""
        text += line[end:start] + new
        kept = range(start, start + len(piece)) if token["factor"] else [start] * (len(new) - 1)
        places += [*range(end, start), *kept, stop - 1]
        end = stop
    return text + line[end:], [*places, *range(end, len(line) + 1)]


def unpaired(line: str) -> list[int]:
    """Return the places of the bars that do not belong to another one."""
    return _bars(line)[1]


def _bars(line: str) -> tuple[dict[int, tuple[str, int]], list[int]]:
    """Pair the bars: what is written for each that is replaced, and where that ends; and the places of the others."""
    pairs, is_product, alone = dict[int, int](), set[int](), list[int]()
    waiting: list[int] = []  # places of the brackets and bars that are open
    before, skipped = "", 0
    for place, sign in enumerate(line):
        if place < skipped or sign.isspace():
            continue
        token = _TOKEN.match(line, place)
        if token is not None and token["text"]:
            skipped = token.end()
        elif sign in "([{":
            waiting.append(place)
        elif sign in ")]}":
            while waiting and line[waiting[-1]] in "|‖":
                alone.append(waiting.pop())
            del waiting[-1:]
        elif sign in "|‖":
            follows = re.match(OPERAND_ENDS, before) is not None
            if follows and waiting and line[waiting[-1]] == sign:
                pairs[waiting.pop()] = place
            else:
                waiting.append(place)
                is_product |= {place} if follows else set()
                sign = "("  # after which another bar opens
        before = sign
    return _written(line, pairs, is_product), alone + [place for place in waiting if line[place] in "|‖"]


def _written(line: str, pairs: dict[int, int], is_product: set[int]) -> dict[int, tuple[str, int]]:
    """Return what is written for each bar of a pair, and where what it replaces ends; two beside two are a norm."""
    written: dict[int, tuple[str, int]] = {}
    inner = set[int]()
    for start, end in sorted(pairs.items()):
        if start in inner:
            continue
        double = line[start] == "|" and pairs.get(start + 1) == end - 1
        inner |= {start + 1} if double else set()
        first, last = (start + 2, end - 1) if double else (start + 1, end)
        is_norm = double or line[start] == "‖"
        named = re.compile(r"_[12F](?!\w)").match(line, end + 1) if is_norm else None
        opening = "abs(" if not is_norm else _NORMS[named[0]] if named else "norm("
        written[start] = ("*" * (start in is_product) + opening, first)
        written[last] = (")", named.end() if named else end + 1)
    return written
