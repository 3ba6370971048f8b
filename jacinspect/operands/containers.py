"""Files that hold several arrays by name: the name of one comes in, a dict of its arrays goes out.

Such are .npz archives, and .json files of an object, in which objects may be nested. Next: a function's parameter.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from jacinspect.operands.json_files import of_arrays
from jacinspect.operands.keys import split_key
from jacinspect.operands.shapes import Array
from jacinspect.operands.sparse_npz import is_sparse

__all__ = ["named_arrays"]


def named_arrays(
    source: str, read: Callable[[str], Array], dtype_of: Callable[[str], npt.DTypeLike | None]
) -> dict[str, Any] | None:
    """Read a file without a key that holds several arrays, or a JSON object; None of anything else.

    `read` reads one of them, ``file.npz:key``. Whole numbers are of the dtype of their path in it, ``key`` or in an
    object ``a.b``; they stay integers where that is None.
    """
    path, key = split_key(source)
    if key is not None or not Path(path).is_file():
        return None
    suffix = Path(path).suffix.lower()
    if suffix == ".npz" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            keys = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
        if len(keys) == 1 or is_sparse(keys):
            return None
        arrays = {key: read(f"{path}:{key}") for key in keys}
        return {
            key: each.astype(dtype_of(key) or each.dtype) if each.dtype.kind in "iu" else each
            for key, each in arrays.items()
        }
    if suffix != ".json":
        return None
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # reported when it is read as an array
        return None
    return of_arrays(value, dtype_of) if isinstance(value, dict) and value else None
