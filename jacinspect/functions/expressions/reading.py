"""The text of an expression to Python's syntax tree, by Python's own parser; grammar.py says which trees there are.

Nothing is run here or later. The text is parsed as one line, and its tree is of bounded size and depth.
"""

import ast
import re
from collections.abc import Iterator
from keyword import iskeyword

from jacinspect.errors import InputError
from jacinspect.functions.expressions.advice import LAMBDA, advice
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.expressions.spelling import AMBIGUOUS
from jacinspect.wording import printable

__all__ = ["read"]

_LONGEST, _DEEPEST = 10_000, 100  # characters, and levels: the parts are evaluated by recursion


def read(typed: Typed) -> ast.expr:
    """Parse the text with Python's parser.

    Raises
    ------
    InputError
        If the text is empty, too long, nested too deeply, or nothing that Python can read; it says what and where.
    """
    line = typed.line
    if not line:
        raise InputError("the expression is empty: write one of x, such as x * tanh(x)")
    if len(line) > _LONGEST:
        raise InputError(f"the expression has {len(line)} characters; it may have {_LONGEST}")
    if "#" in line:  # the line breaks are blanks now, and a comment would swallow what comes after it
        raise typed.refuse("there are no comments in an expression", (line.index("#"), len(line)))
    found = advice(line)
    if found is not None:
        raise typed.refuse(*found)
    both = AMBIGUOUS.search(line)
    if both is not None:
        raise typed.refuse("it is not clear what is divided by: write / (…), or * between the two", both.span(1))
    node = _parsed(typed)
    level = [node]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in _children(parent)]
    if level:
        raise typed.refuse(f"the expression is nested too deeply; it may be {_DEEPEST} deep", level[0])
    return node


def _parsed(typed: Typed) -> ast.expr:
    try:
        return typed.parsed()
    except SyntaxError as error:
        raise _misspelt(typed, error) from None
    except ValueError:
        raise InputError("the expression has a character that cannot be read") from None
    except (MemoryError, RecursionError):
        raise InputError(f"the expression is nested too deeply; it may be {_DEEPEST} deep") from None


def _children(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif not isinstance(child, ast.expr_context | ast.operator | ast.unaryop | ast.cmpop | ast.boolop):
            yield from _children(child)  # a keyword's value


def _misspelt(typed: Typed, error: SyntaxError) -> InputError:
    """Say where Python's parser found something wrong; it gives no place in a text that ends too early."""
    line = typed.line
    if "null bytes" in error.msg:
        return InputError("the expression has a character that cannot be read: a NUL byte")
    if "digits" in error.msg:
        return InputError("a number of the expression has too many digits")
    if not error.offset:
        word = re.search(r"\blambda\b", line)  # after which Python expects more
        if word is not None:
            return typed.refuse(LAMBDA, word.span())
        return typed.refuse("the expression ends too early: something is missing after it", (len(line), len(line)))
    places = typed.spelled[1]
    first = min(error.offset - 1, len(places) - 1)
    last = min(max((error.end_offset or 0) - 1, first + 1), len(places))
    start, end = places[first], places[last - 1] + 1
    if "positional argument follows" in error.msg:
        equals = re.search(r"(?<![=<>!])=(?!=)", line)
        words = "the operands come first, then name=value"
        if equals is not None:
            return typed.refuse(f"{words}; is equal to is written ==", equals.span())
        return typed.refuse(words, (start, end))
    return typed.refuse(_words(error.msg, line, start, end), (start, end))


def _words(message: str, line: str, start: int, end: int) -> str:
    """Describe what is wrong with a piece of the line, in our own words where Python's do not help."""
    piece, first = line[start:end], line[start : start + 1]
    if iskeyword(piece):
        return f"{piece} is a word of Python's: it cannot be a name, and an expression needs none"
    if first == "=" or "==" in message:
        return "nothing can be given a value with =; is equal to is written =="
    if message == "invalid decimal literal":
        return "this number cannot be read; between a number and a name, write *"
    begins = message == "invalid syntax" and (first.isalnum() or first in ("(", "_"))
    if "comma" in message or (begins and line[:start].endswith(" ")):
        return "an operator is missing: to multiply, write *, or @ for matrices"
    if message == "invalid syntax":
        return "this cannot stand here: an expression is operands with operators between them"
    return f"this cannot be read: {printable(message)}"
