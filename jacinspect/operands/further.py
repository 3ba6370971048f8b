"""Further operands: what ``--with`` was given comes in, the text that stands for each operand goes out.

A text is a shape, to be filled at random, or a file; `shapes` and `files` are next.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from jacinspect.errors import InputError
from jacinspect.operands.shapes import SCALAR
from jacinspect.wording import did_you_mean, shown

__all__ = ["is_shape", "name_of", "place"]

Example = Callable[[Mapping[str, str], Sequence[str]], Sequence[str]]

_NAMED = re.compile(r"([^\W\d][\w.]*)=(.*)", re.DOTALL)


def name_of(text: str) -> str | None:
    """Return the name that an operand was given, as in ``NAME=SHAPE_OR_FILE``, or None."""
    match = _NAMED.fullmatch(text)
    return match and match[1]


def is_shape(text: str) -> bool:
    """Whether a text is meant as a shape: sizes and what stands between them, and nothing else; or "scalar"."""
    return text.strip() == SCALAR or re.fullmatch(r"[\s0-9xX×,()]*[0-9][\s0-9xX×,()]*", text) is not None


def place(
    function: str, names: Sequence[str], first: str | None, given: Sequence[str], example: Example
) -> dict[str, str]:
    """Assign texts to operands: one with a name to the operand of that name, then `first`, then the others in order.

    Parameters
    ----------
    function, names
        Its name, and those of all operands that need a text.
    first
        What --shape or --input was given: for the first operand that no text names. None if neither was given.
    given
        What --with was given: ``SHAPE_OR_FILE`` or ``NAME=SHAPE_OR_FILE``, where a name may have dots in it.
    example
        Gives, for the texts that are placed and the names that are missing, shapes that would do, for the message.

    Returns
    -------
    dict
        A text for each operand, by name; that of `first` comes first.

    Raises
    ------
    InputError
        If there are more or fewer than operands, or a name is no operand's, or given twice.
    """
    if len(names) == 1 and given and first is not None:
        raise InputError(f"{function} takes one operand: leave out --with {shown(given[0], str)}")
    known = f"{function} takes {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else ""
    named: dict[str, str] = {}
    in_order = []
    for text in given:
        match = _NAMED.fullmatch(text)
        if match is None:
            in_order.append(text)
            continue
        name, value = match.groups()
        fault = f"--with {shown(text, str)}: "
        if name not in names:
            raise InputError(f"{fault}{known}{did_you_mean(name, names)}; write ./{name}=… for a file of that name")
        if name in named:
            raise InputError(f"{fault}{name} is given twice")
        named[name] = value
    missing = [name for name in names if name not in named]
    if first is None and missing:
        raise InputError(f"give the shape of {missing[0]} (--shape 2x2) or a file with it (--input x.csv)")
    if first is not None and not missing:
        raise InputError(f"{known}, and --with gives all of them: leave out --shape or --input")
    if len(in_order) > len(missing[1:]):
        raise InputError(f"--with {shown(in_order[len(missing) - 1], str)} is one operand too many: {known}")
    placed = dict(zip(missing, [*([] if first is None else [first]), *in_order], strict=False)) | named
    lacking = [name for name in names if name not in placed]
    if lacking:
        are = "is" if len(lacking) == 1 else "are"
        shapes = zip(lacking, example(placed, lacking), strict=True)
        options = " ".join(f"--with {name}={shape}" for name, shape in shapes)
        number = f";\nwhere {names[0]} is a number, make it a parameter: -p {names[0]}=0" if ":" in function else ""
        raise InputError(
            f"{known}: {' and '.join(lacking)} {are} missing; add {options} (a shape, file or JSON){number}"
        )
    return placed
