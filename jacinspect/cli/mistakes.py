"""What people type in place of what works, and the line that works: the arguments come in. Next: commands."""

import re
import shlex
from collections.abc import Collection, Sequence

__all__ = ["begins_with_minus", "correction"]

_SHAPE = re.compile(r"\(?\d+([xX×,]\d+)*,?\)?")


def correction(arguments: Sequence[str], options: Collection[str]) -> str:
    """Return what is wrong with arguments and the line that works, if they are a common mistake; else nothing.

    `options` are the names of all options of the command.
    """
    reason, right = "", list[str]()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word not in options and f"-{word}" in options:
            reason, word = f"{word}: a long option has two dashes", f"-{word}"
        after_option = bool(right) and right[-1].startswith("-")
        if word.isdecimal() and right[-1:] and right[-1] in ("-s", "--shape") and rest and rest[0].isdecimal():
            while rest and rest[0].isdecimal():
                word += f"x{rest.pop(0)}"
            reason = "the sizes of a shape are joined by x"
        elif right and not after_option and _SHAPE.fullmatch(word) and not {"-s", "--shape"} & {*right, *rest}:
            reason = f"{word}: a shape follows --shape"
            right.append("--shape")
        right.append(word)
    return f"{reason}; write\n  jacinspect {shlex.join(right)}" if reason else ""


def begins_with_minus(word: str, options: Collection[str]) -> bool:
    """Whether a first word is an expression such as -x or '-x + 1' or -tanh(x), and no option."""
    if word in options or word.startswith("--") or not re.match(r"-\s*[\w(]", word):
        return False
    return word[:2] not in options or re.match(r"-[^\W\d]\w+\(", word) is not None
