"""What people write that is no expression here, and the spelling that is: LaTeX, f'(x), sin x, f(x) = …. Next: reading.

In: a line. Out: the words of an error with a line that works, and the piece of the line that they are about. A line
that is shown has been read by Python's parser; if it cannot be, an example is shown instead.
"""

import re
from collections.abc import Iterator
from keyword import iskeyword

from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.expressions.source import reads
from jacinspect.functions.expressions.spelling import OPERAND_ENDS, unpaired

__all__ = ["LAMBDA", "advice"]

LAMBDA = "lambda is a word of Python's: write the formula alone, and call an operand lam"
Advice = tuple[str, tuple[int, int]]

_NAME = r"(?<![\w.])[^\W\d]\w*"
_LATEX = "LaTeX cannot be read; write it as in 1 / (1 + e^(-x)) for \\frac{1}{1 + e^{-x}}"
# LaTeX, and what stands for it here, from the inside outwards
_FROM_LATEX = [
    (re.compile(pattern), written)
    for pattern, written in (
        (r"\$|\\left|\\right|\\[,;:!]|\\q?quad\b|~", " "),
        (r"\\(?:operatorname|mathrm|mathbf|mathit|boldsymbol|text|bm)\{(\w+)\}", r" \1"),
        (r"\^\{?\\?(?:top|intercal|mathsf\{T\}|T\b)\}?", "'"),
        (r"\\\||\\[lr]Vert\b|\\Vert\b", "||"),
        (r"\\[lr]vert\b|\\vert\b", "|"),
        (r"\\(?:cdot|times|odot|circ|ast)\b", " * "),
        (r"\\sigma(?=\s*\()", "sigmoid"),
        (r"\\(?:lambda)\b", "lam"),
        (r"\^\{(-?\w+(?:\.\d+)?)\}", r"^(\1)"),
        (r"\^\{([^{}]*)\}", r"^(\1)"),
        (r"_\{(\w+)\}", r"_\1"),
        (r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) / (\2)"),
        (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
        (r"\\([A-Za-z]+)\{([^{}]*)\}", r"\1(\2)"),
        (r"\\([A-Za-z]+)", r" \1"),
        (r"\^\((\w+)\)", r"^\1"),
        (r"(?<![\w)])\((\w+)\)", r"\1"),
        (r"\s+", " "),
        (r"(?<=\() | (?=\))", ""),
    )
]
_DEEPEST_LATEX = 20  # braces within braces that are followed
_LONGEST = 1000  # characters of a line of LaTeX that is rewritten
_SIGNS = {
    "∑": "sum(x)",
    "∏": "prod(x)",
    "∘": "x ⊙ y",
    "⊗": "kron(x, y)",
    "⁻": "inv(A) for the inverse of a matrix, 1 / x for that of each entry",
    "∞": "max(|x|) for the largest entry; there is no infinite number",
    "½": "0.5",
}


def advice(line: str) -> Advice | None:
    """Return what is wrong with a line that is written in another language than this one, and the piece meant."""
    for rule in (_left_division, _latex, _assignment, _derivative, _primes, _transposes, _functions, _signs, _bars):
        found = next(rule(line), None)
        if found is not None:
            return found
    return None


def _left_division(line: str) -> Iterator[Advice]:
    found = re.search(rf"({_NAME})\s*\\\s*([A-Za-z])(?![A-Za-z({{])", line)
    if found is not None:
        yield f"\\ is no operator here: write solve({found[1]}, {found[2]})", found.span()


def _latex(line: str) -> Iterator[Advice]:
    found = re.search(r"\\[A-Za-z|]+|\$|[\^_]\{", line)
    if found is None:
        return
    text = line if len(line) <= _LONGEST else ""
    for _ in range(_DEEPEST_LATEX):
        before = text
        for pattern, written in _FROM_LATEX:
            text = pattern.sub(written, text)
        if text == before:
            break
    text = _called(re.sub(r"^\s*[^\W\d]\w*\s*(\([^()=]*\))?\s*=(?!=)", "", text)).strip()
    known = all(catalogue.knows(called) for called in re.findall(rf"({_NAME})\s*\(", text))
    yield (f"LaTeX cannot be read; write {text}" if text and known and reads(text) else _LATEX), found.span()


def _assignment(line: str) -> Iterator[Advice]:
    """Find f(x) = …, y = …, x -> …, return … and lambda x: …."""
    left = rf"{_NAME}['′]*\s*(?:\([^()=]*\))?\s*=(?!=)\s*(?:lambda\b[^:]*:)?|\(?[\w ,]+\)?\s*(?:->|=>|→|↦)|return\b"
    found = re.match(rf"({left})(.+)", line)
    if found is not None and re.search(r"[^\W\d]", found[2]) and reads(found[2]):
        yield f"write the formula alone: {found[2].strip()}", found.span(1)
    found = re.match(r"lambda\b([^:]*):(.+)", line)
    if found is not None and reads(found[2]):
        yield f"lambda is a word of Python's; write the formula alone: {found[2].strip()}", (0, len(line))


def _derivative(line: str) -> Iterator[Advice]:
    found = re.match(r"(?:[d∂]\s*/\s*[d∂]\s*\w+\b|∇\w*)\s*(.*)", line)
    if found is not None:
        rest = found[1].strip()
        rest = rest if rest and reads(rest) else "x^2"
        yield f"the derivative is what jacinspect finds; write the function alone: {rest}", (0, found.start(1))


def _primes(line: str) -> Iterator[Advice]:
    """Find f'(x), and x'Ax."""
    for found in re.finditer(rf"({_NAME})(['′]+)\s*\(", line):
        name = found[1]
        if catalogue.knows(name) or name in ("f", "g", "h"):
            written = name if catalogue.knows(name) else "exp"
            words = f"the derivative of a function is not written with ': write {written}(x), and jacinspect finds it"
        else:
            words = f"between {name}' and what it multiplies, write @ or *, as in {name}' @ (x + 1)"
        yield words, (found.start(1), found.end(2))
    found_one = re.search(rf"({_NAME}|(?<=\)))['′]\s*(?={_NAME})({_NAME})", line)
    if found_one is not None and not _is_quoted(line, found_one.start(2)):
        next_one = f"{found_one[2]}(x)" if catalogue.knows(found_one[2]) else found_one[2]
        letters = [*next_one] if len(next_one) <= 3 and next_one.isalpha() else [next_one]
        product = " @ ".join([f"{found_one[1] or '(x + y)'}'", *letters])
        yield f"between x' and what it multiplies, write @ or *: {product}", found_one.span()


def _transposes(line: str) -> Iterator[Advice]:
    found = re.search(rf"({_NAME}|\)|\])(\^T)\b(?!\s*\()", line)
    if found is not None:
        name = found[1] if found[1].isidentifier() else "x"
        yield f"the transpose is written {name}' or {name}.T; a power of the name T, {name}**T", found.span(2)
    found = re.search(r"%\*%", line)
    if found is not None:
        yield "% is no operator here: matrices are multiplied by @, as in x @ y", found.span()


def _functions(line: str) -> Iterator[Advice]:
    """Find sin x, sin² x and sin^2(x)."""
    for found in re.finditer(rf"({_NAME})\s*((?:\^|\*\*)\s*\d|[²³])\s*(?=\(|{_NAME})(\w*)", line):
        name, power = found[1], found[2]
        if catalogue.knows(name) and len(name) > 1 and not iskeyword(found[3]):
            yield f"{name} is a function: write {name}({found[3] or 'x'}){power}", found.span()
    for found in re.finditer(rf"({_NAME})\s*(\|[^|]+\|)", line):
        if len(found[1]) > 1 and catalogue.knows(found[1]):
            yield f"{found[1]} is a function: write {found[1]}({found[2]})", found.span()
    for found in re.finditer(rf"({_NAME})\s+([\w.]+)", line):
        if _is_called(found) and not reads(line):
            yield f"{found[1]} is a function: write {found[1]}({found[2]})", found.span()


def _is_called(found: re.Match[str]) -> bool:
    name, operand = found[1], found[2]
    return len(name) > 1 and catalogue.knows(name) and not iskeyword(operand) and not iskeyword(name)


def _called(text: str) -> str:
    """Put parentheses around the operand of log x."""
    return re.sub(
        rf"({_NAME})\s+([\w.]+)",
        lambda found: f"{found[1]}({found[2]})" if _is_called(found) else found[0],
        text,
    )


def _signs(line: str) -> Iterator[Advice]:
    for place, sign in enumerate(line):
        root = re.compile(r"√\s*(\w+|\([^()]*\))").match(line, place)
        if root is not None:
            yield f"√ cannot be read: write sqrt({root[1].strip('()')})", root.span()
        if sign in _SIGNS:
            yield f"{sign} cannot be read: write {_SIGNS[sign]}", (place, place + 1)


def _bars(line: str) -> Iterator[Advice]:
    alone = unpaired(line)
    if alone and not reads(line):
        place = min(alone)
        yield "it is not clear which bars belong together: write abs(x) for |x|, norm(x) for ||x||", (place, place + 1)


def _is_quoted(line: str, place: int) -> bool:
    return re.search(rf"(?<!{OPERAND_ENDS})'[^']*$", line[:place]) is not None
