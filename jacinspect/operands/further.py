"""Further operands: what ``--with`` was given comes in, the text that stands for each operand goes out.

A text is a shape, to be filled at random, or a file; `shapes` and `files` are next.
"""

import re
from collections.abc import Sequence

from jacinspect.errors import InputError
from jacinspect.wording import did_you_mean, shown

__all__ = ["is_shape", "name_of", "place"]

_NAMED = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)


def name_of(text: str) -> str | None:
    """Return the name that an operand was given, as in ``NAME=SHAPE_OR_FILE``, or None."""
    match = _NAMED.fullmatch(text)
    return match and match[1]


def is_shape(text: str) -> bool:
    """Whether a text is meant as a shape: sizes and what stands between them, and nothing else."""
    return re.fullmatch(r"[\s0-9xX×,]*[0-9][\s0-9xX×,]*", text) is not None


def place(function: str, names: Sequence[str], given: Sequence[str], example: str) -> list[str]:
    """Assign texts to operands: one with a name to the operand of that name, the others in order.

    Parameters
    ----------
    function, names
        Its name, and those of all its operands; the first is not among those given.
    given
        ``SHAPE_OR_FILE`` or ``NAME=SHAPE_OR_FILE``, where a name is a Python identifier.
    example
        A shape that would do, for the message that something is missing.

    Returns
    -------
    list of str
        A text for each operand after the first.

    Raises
    ------
    InputError
        If there are more or fewer than operands, or a name is no operand's, the first's, or given twice.
    """
    if len(names) == 1 and given:
        raise InputError(f"{function} takes one operand: leave out --with {shown(given[0], str)}")
    known = f"{function} takes {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else ""
    placed: dict[str, str] = {}
    in_order = []
    for text in given:
        match = _NAMED.fullmatch(text)
        if match is None:
            in_order.append(text)
            continue
        name, value = match.groups()
        fault = f"--with {shown(text, str)}: "
        if name == names[0]:
            raise InputError(f"{fault}{name} is the first operand; --shape or --input gives it")
        if name not in names:
            raise InputError(f"{fault}{known}{did_you_mean(name, names)}; write ./{name}=… for a file of that name")
        if name in placed:
            raise InputError(f"{fault}{name} is given twice")
        placed[name] = value
    missing = [name for name in names[1:] if name not in placed]
    if len(in_order) > len(missing):
        raise InputError(f"--with {shown(in_order[len(missing)], str)} is one operand too many: {known}")
    placed |= dict(zip(missing, in_order, strict=False))
    lacking = [name for name in names[1:] if name not in placed]
    if lacking:
        options = " ".join("--with SHAPE_OR_FILE" for _ in lacking)
        raise InputError(f"{known}: {' and '.join(lacking)} is missing; add {options}, such as --with {example}")
    return [placed[name] for name in names[1:]]
