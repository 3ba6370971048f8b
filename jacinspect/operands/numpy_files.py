"""numpy's own files: a .npy or .npz stream comes in, the array it stores, or scipy's sparse matrix, goes out.

Headers are read before the data, so that nothing is allocated that would not fit, and objects are never unpickled.
"""

import math
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.coordinates import Coordinates
from jacinspect.operands.keys import chosen, split_key
from jacinspect.operands.shapes import Array, require_fits
from jacinspect.operands.sparse_npz import is_sparse, read_sparse
from jacinspect.wording import format_size, shown

__all__ = ["read_npy", "read_npz"]

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs only in the encoding of field names, and fields are refused
}
_LONGEST_WORD = 64  # bytes: the names of formats, orders and layouts are shorter
_NOT_NUMBERS = {"b": "booleans", "S": "text", "U": "text", "M": "dates", "m": "time spans"}


def read_npy(stream: IO[bytes], name: str, dtype: npt.DTypeLike, memory: int) -> Array:
    """Read the array of a .npy file, of any shape and any integer, float or complex dtype, in either byte order.

    Raises
    ------
    InputError
        If the file is damaged, holds something else than numbers, or its array would not fit in `memory` bytes
        as `dtype` (see `require_fits`).
    """
    with _damage_reported(name, ".npy"):
        shape, fortran, stored = _read_header(stream)
        _require_numbers(stored, name)
        require_fits(shape, dtype, memory, name)
        size = math.prod(shape) * stored.itemsize
        data = stream.read(size)
    if len(data) < size:
        declared = f"{format_size(size)} of numbers, {format_size(len(data))} follow"
        raise InputError(f"{name}: is cut short: its header declares {declared}; copy or save it anew")
    return np.frombuffer(data, stored).reshape(shape, order="F" if fortran else "C")


def read_npz(stream: IO[bytes], name: str, dtype: npt.DTypeLike, memory: int) -> Array | Coordinates:
    """Read the array that `name`, ``file.npz:key``, asks for; the key may be left out if there is but one.

    Without a key, the archive of a scipy sparse matrix is that matrix.

    Raises
    ------
    InputError
        If there is no such key, or for any of the reasons of `read_npy`.
    """
    path, key = split_key(name)
    with _damage_reported(path, ".npz"), zipfile.ZipFile(stream) as archive:
        keys = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]

        def array(key: str) -> Array:
            with archive.open(key + ".npy") as member:
                return read_npy(member, f"{path}:{key}", dtype, memory)

        def word(key: str) -> str | None:
            return _read_word(archive, key) if key in keys else None

        if key is None and is_sparse(keys):
            return read_sparse(array, word, path)
        return array(chosen(path, key, keys))


def _read_word(archive: zipfile.ZipFile, key: str) -> str:
    """Read a text of a few letters; nothing where it is something else."""
    with archive.open(key + ".npy") as member:
        shape, _, stored = _read_header(member)
        if shape != () or stored.kind not in "SU" or stored.itemsize > _LONGEST_WORD:
            return ""
        word = np.frombuffer(member.read(stored.itemsize), stored, 1)[0]
    return word.decode("ascii") if isinstance(word, bytes) else str(word)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise ValueError(f"its format version {version} is not known")
    try:
        shape, fortran, stored = _HEADER_READERS[version](stream)
    except MemoryError:  # which Python's parser raises for a nonsense header
        raise ValueError("a header nested too deeply") from None
    if any(n < 0 for n in shape):
        raise ValueError("a negative size in the header")
    return tuple(map(int, shape)), fortran, stored


def _require_numbers(stored: np.dtype[Any], name: str) -> None:
    if stored.hasobject:
        advice = "save numbers instead, as numpy.save(file, array.astype(float)) does"
        raise InputError(f"{name}: holds Python objects, that is a pickle, and pickles are never loaded;\n{advice}")
    if stored.kind not in "iufc":
        kind = _NOT_NUMBERS.get(stored.kind, "structured records")
        raise InputError(
            f"{name}: holds {kind} (dtype {shown(str(stored), str)}); only real and complex numbers are inspected"
        )


@contextmanager
def _damage_reported(name: str, kind: str) -> Iterator[None]:
    """Turn the dozen exception types of zipfile, its decompressors and numpy's header parser into one InputError."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        reason = shown(str(error) or type(error).__name__, str)
        raise InputError(f"{name}: is a damaged {kind} file: {reason}") from error
