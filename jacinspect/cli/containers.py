"""Files of several arrays: dicts of arrays, which are parameters whose leaves are operands. Next: requests."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jacinspect.functions.function import Array

__all__ = ["may_be_containers", "read_containers"]


def may_be_containers(texts: list[str]) -> bool:
    """Whether some of what was typed for operands names a file that may hold several arrays."""
    return any(text.lower().endswith((".json", ".npz")) for text in texts)


def read_containers(
    texts: Mapping[str, str], wrt: str, read: Callable[[str], "Array"], dtype: str
) -> dict[str, dict[str, Any]]:
    """Read those operands that are files of several arrays, by name; whole numbers that `wrt` opens are of `dtype`."""
    from jacinspect.functions.function import patterns_of
    from jacinspect.operands.containers import read_container

    heads = [pattern.partition(".")[0] for pattern in patterns_of(wrt)]
    found = {
        name: read_container(text, read, dtype if any(fnmatchcase(name, head) for head in heads) else None)
        for name, text in texts.items()
    }
    return {name: tree for name, tree in found.items() if tree is not None}
