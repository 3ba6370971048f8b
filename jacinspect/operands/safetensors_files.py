"""safetensors: a stream of named tensors comes in, the one that is asked for goes out.

The format is a length of 8 bytes, a JSON object with the type, shape and place of each tensor, and their numbers.
"""

import json
import math
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.keys import chosen, split_key
from jacinspect.operands.shapes import Array, require_fits
from jacinspect.wording import shown

__all__ = ["read_safetensors"]

_TYPES = {
    **{f"{letter}{8 * size}": f"<{kind}{size}" for letter, kind in (("I", "i"), ("U", "u")) for size in (1, 2, 4, 8)},
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "C64": "<c8",
    "BF16": "<u2",
}
_LONGEST = 100_000_000  # bytes of a header, as safetensors itself has it


def read_safetensors(stream: IO[bytes], name: str, dtype: npt.DTypeLike, memory: int) -> Array:
    """Read the tensor that `name`, ``file.safetensors:key``, asks for; the key may be left out if there is but one.

    bfloat16 becomes float32, which holds it exactly.

    Raises
    ------
    InputError
        If there is no such key, the file is damaged, or its array would not fit in `memory` bytes as `dtype`.
    """
    path, key = split_key(name)
    tensors, start = _header(stream, path)
    key = chosen(path, key, [*tensors])
    name = f"{path}:{key}"
    try:
        kind, shape = tensors[key]["dtype"], tuple(tensors[key]["shape"])
        begin, end = tensors[key]["data_offsets"]
        sound = isinstance(kind, str) and all(type(n) is int and n >= 0 for n in (*shape, begin, end))
    except (TypeError, KeyError, ValueError):
        sound = False
    if not sound:
        raise InputError(f"{name}: is damaged: its header gives no type, shape and place")
    if kind not in _TYPES:
        raise InputError(f"{name}: holds {shown(kind, str)}; read are {', '.join(_TYPES)}")
    require_fits(shape, dtype, memory, name)
    stored = np.dtype(_TYPES[kind])
    size = math.prod(shape) * stored.itemsize
    stream.seek(start + begin)
    data = stream.read(size)
    if end - begin != size or len(data) != size:
        raise InputError(f"{name}: is cut short: {size} bytes are declared, {len(data)} follow; copy or save it anew")
    numbers = np.frombuffer(data, stored)
    if kind == "BF16":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)  # the upper half of a float32
    return numbers.reshape(shape)


def _header(stream: IO[bytes], path: str) -> tuple[dict[str, Any], int]:
    """Return what is known of each tensor, and where their bytes begin."""
    length = int.from_bytes(stream.read(8), "little")
    try:
        if not 2 <= length <= _LONGEST:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: is not a .safetensors file: {shown(str(error), str)}") from None
    if not header:
        raise InputError(f"{path}: holds no arrays")
    return header, 8 + length
