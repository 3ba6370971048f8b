"""Files of several arrays: dicts of arrays, which are parameters whose leaves are operands. Next: requests."""

from collections.abc import Callable, Mapping
from functools import partial
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
    from jacinspect.functions.wrt import in_pattern, patterns_of
    from jacinspect.operands.containers import named_arrays

    def dtype_of(name: str, path: str) -> str | None:
        return dtype if any(in_pattern(f"{name}.{path}", pattern) for pattern in patterns_of(wrt)) else None

    found = {name: named_arrays(text, read, partial(dtype_of, name)) for name, text in texts.items()}
    return {name: tree for name, tree in found.items() if tree is not None}
