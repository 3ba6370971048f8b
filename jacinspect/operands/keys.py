"""Keys: ``file.npz:key`` comes in, the path and the key of one of the arrays that a file holds go out."""

import re
from collections.abc import Sequence

from jacinspect.errors import InputError
from jacinspect.wording import did_you_mean, shown

__all__ = ["chosen", "split_key"]

_KEYED = re.compile(r"(.+\.(?:npz|json|safetensors)):(.*)", re.IGNORECASE | re.DOTALL)


def split_key(source: str) -> tuple[str, str | None]:
    """Split ``file.npz:key`` into path and key; the key is None if there is none."""
    match = _KEYED.fullmatch(source)
    return (match[1], match[2]) if match else (source, None)


def chosen(path: str, key: str | None, keys: Sequence[str]) -> str:
    """Return the key that was asked for, or the only one.

    Raises
    ------
    InputError
        If there is no such key, or several and none was asked for.
    """
    if not keys:
        raise InputError(f"{path}: holds no arrays")
    held = ", ".join(map(shown, keys[:20])) + ", …" * (len(keys) > 20)
    if key is None and len(keys) > 1:
        file = f"FILE.{path.rpartition('.')[2].lower()}" if "." in path else "FILE.npz"
        raise InputError(f"{path}: holds {len(keys)} arrays: {held}; write {file}:KEY to say which")
    key = keys[0] if key is None else key
    if key not in keys:
        raise InputError(f"{path}: has no {shown(key)}; it holds {held}{did_you_mean(key, keys)}")
    return key
