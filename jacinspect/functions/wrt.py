"""What to differentiate by, as people give it: places, names and patterns of names. Next: function.py."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

__all__ = ["Wrt", "in_pattern", "named_by", "patterns_of", "singly"]

Wrt = int | str | Sequence[int | str]  # operands to differentiate by; see Function.positions


def singly(wrt: Wrt, names: Sequence[str]) -> Iterator[int | str]:
    """Yield the places, names and patterns that `wrt` consists of, in its order; operands have these `names`."""
    if isinstance(wrt, str) and wrt not in names and "," in wrt:
        wrt = [each.strip() for each in wrt.split(",")]
    if not isinstance(wrt, int | str):
        for each in wrt:
            yield from singly(each, names)
    else:
        yield int(wrt) if isinstance(wrt, str) and wrt.isdecimal() and wrt not in names else wrt


def named_by(one: int | str, names: Sequence[str]) -> list[str]:
    """Return those of the names that a place, a name or a pattern stands for; none if there is no such operand."""
    if isinstance(one, int):
        return [name for place, name in enumerate(names, 1) if place == one]
    pattern = "*" if one == "all" else one
    return [one] if one in names else [name for name in names if in_pattern(name, pattern)]


def in_pattern(name: str, pattern: str) -> bool:
    """Whether an operand has a name of a pattern, or is in a container, or a module, that has."""
    return fnmatchcase(name, pattern) or (name.startswith(f"{pattern}.") and not pattern.isdecimal())


def patterns_of(wrt: Wrt | None) -> list[str]:
    """Return the patterns of names that `wrt` consists of."""
    if isinstance(wrt, str):
        return ["*" if each.strip() == "all" else each.strip() for each in wrt.split(",")]
    return [] if isinstance(wrt, int | None) else [pattern for each in wrt for pattern in patterns_of(each)]
