"""Files: a path or ``-`` comes in, and the array that its reader made, checked and converted, goes out.

The reader is chosen by the extension, or for standard input by the first bytes. `numpy_files` takes a stream,
`text_files` and `json_files` take text.
"""

import io
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.json_files import read_json
from jacinspect.operands.numpy_files import read_npy, read_npz, split_key
from jacinspect.operands.shapes import MACHINE_FULL, Array, require_fits
from jacinspect.operands.text_files import data_lines, read_table
from jacinspect.wording import did_you_mean, format_size, shown

__all__ = ["is_json", "read_operand"]

_FROM_STREAM = {".npy": read_npy, ".npz": read_npz}
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": None}
_EXTENSIONS = (*_FROM_STREAM, *_DELIMITERS, ".json")

_FIRST_BYTES = {".npy": (b"\x93NUMPY",), ".npz": (b"PK\x03\x04", b"PK\x05\x06")}
_SIGNATURES = {
    b"\x93NUMPY": "a .npy file",
    b"PK\x03\x04": "a zip archive, such as .npz or .xlsx",
    b"PK\x05\x06": "an empty zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file",
    b"\x80": "a pickle, which is never loaded",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def read_operand(
    source: str, dtype: npt.DTypeLike, memory: int, stdin: BinaryIO | None = None, whole: bool = False
) -> Array:
    """Read an operand from a file, from standard input if `source` is ``-``, or from the text itself if it is JSON.

    Parameters
    ----------
    source
        A path ending in .npy, .npz (``file.npz:key``), .csv, .tsv, .txt or .json, or ``-`` (the format is sniffed), or
        nested lists, or a number, as JSON.
    dtype
        float64, float32, complex128 or complex64: what the numbers are converted to. Complex ones of a file stay
        complex, of the same precision.
    memory
        The limit, in bytes, for the whole inspection (see `require_fits`).
    stdin
        The stream that ``-`` stands for; the process's own if left out.
    whole
        Whether whole numbers, which may be labels or indices, stay integers.

    Returns
    -------
    array
        Any shape, C-contiguous, native-endian, of `dtype`. A table of a single row or column is a vector.

    Raises
    ------
    InputError
        If there is no such file, it holds something else than real numbers, or they do not fit.
    """
    name = "standard input" if source == "-" else source
    try:
        if is_json(source):
            name = shown(source, str)
            array = read_json(source, name, dtype, memory)
        else:
            array = _read_stdin(name, dtype, memory, stdin) if source == "-" else _read_path(source, dtype, memory)
        require_fits(array.shape, dtype, memory, name)
        return array if whole and array.dtype.kind in "iu" else _convert(array, np.dtype(dtype), name)
    except MemoryError:
        raise InputError(f"{name}: {MACHINE_FULL}") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


def is_json(text: str) -> bool:
    """Whether a text is an operand itself, nested lists or a number, rather than where to find one."""
    return (
        re.fullmatch(r"\s*(\[.*\]|[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)\s*", text, re.ASCII | re.DOTALL | re.I)
        is not None
    )


def _read_stdin(name: str, dtype: npt.DTypeLike, memory: int, stdin: BinaryIO | None) -> Array:
    if stdin is None and sys.stdin is None:
        raise InputError(f"{name}: is closed; name a file")
    data = _read_all(stdin or sys.stdin.buffer, name, memory)
    if not data:
        raise InputError(f"{name}: is empty; pipe a .npy, .npz, .csv, .tsv, .txt or .json file into it")
    return _read(io.BytesIO(data), _sniff(data), name, dtype, memory)


def _sniff(data: bytes) -> str:
    """Return the extension that these bytes should have."""
    for extension, first_bytes in _FIRST_BYTES.items():
        if data.startswith(first_bytes):
            return extension
    _, line = next(data_lines(data[:65536].decode("utf-8-sig", errors="replace")), (0, ""))
    if line.lstrip().startswith(("[", "{")):
        return ".json"
    return ".tsv" if "\t" in line else ".csv" if "," in line else ".txt"


def _read_path(source: str, dtype: npt.DTypeLike, memory: int) -> Array:
    path = Path(split_key(source)[0])
    if path.is_dir():
        raise InputError(f"{source}: is a folder; name a file in it")
    extension = path.suffix.lower()
    if source.lstrip().startswith("[") and extension not in _EXTENSIONS:
        raise InputError(f"{source}: is a list that is not closed: write it as JSON, such as [0,2,1] or [[1,2],[3,4]]")
    if extension not in _EXTENSIONS:
        raise InputError(f"{source}: its extension says no format; known are {', '.join(_EXTENSIONS)}, and - (stdin)")
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        neighbours: list[str] = []
        with suppress(OSError):
            neighbours = [file.name for file in path.parent.iterdir() if file.suffix.lower() in _EXTENSIONS]
        raise InputError(f"{source}: there is no such file{did_you_mean(path.name, neighbours)}") from None
    except ValueError:  # a NUL or a lone surrogate
        raise InputError(f"{shown(source)}: is not a path") from None
    with stream:
        return _read(stream, extension, source, dtype, memory)


def _read(stream: BinaryIO, extension: str, name: str, dtype: npt.DTypeLike, memory: int) -> Array:
    if from_stream := _FROM_STREAM.get(extension):
        _require_format(stream.read(64), extension, name)
        stream.seek(0)
        return from_stream(stream, name, dtype, memory)
    data = _read_all(stream, name, memory)
    _require_format(data, extension, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}: is not UTF-8 text: byte 0x{data[error.start]:02x}") from None
    if extension == ".json":
        return read_json(text, name, dtype, memory)
    return read_table(text, name, _DELIMITERS[extension])


def _read_all(stream: BinaryIO, name: str, memory: int) -> bytes:
    data = bytearray()
    while chunk := stream.read(1 << 20):
        data += chunk
        # at some 25 characters a number, its arrays would be over the limit all the more
        if len(data) > memory:
            raise InputError(f"{name}: is over the {format_size(memory)} of --memory; raise that, or take less")
    return bytes(data)


def _require_format(data: bytes, extension: str, name: str) -> None:
    """Raise InputError where the first bytes are of another format than the extension, and name that format."""
    first_bytes = _FIRST_BYTES.get(extension)
    if data.startswith(first_bytes) if first_bytes else not data.startswith(tuple(_SIGNATURES)):
        return
    looks_like = "text" if data.isascii() and b"\0" not in data else "unknown binary data"
    looks_like = next((what for signature, what in _SIGNATURES.items() if data.startswith(signature)), looks_like)
    expected = f"a {extension} file" if first_bytes else "text"
    raise InputError(f"{name}: is not {expected}; it looks like {looks_like if data else 'an empty file'}")


def _convert(array: Array, dtype: np.dtype[Any], name: str) -> Array:
    """Convert numbers to `dtype`, complex ones to a complex dtype; a finite number must stay finite."""
    if array.dtype.kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype, order="C")
    lost = np.isinf(converted) & np.isfinite(array)
    if lost.any():
        index = tuple(np.argwhere(lost)[0].tolist())
        limit = np.finfo(dtype).max
        raise InputError(f"{name}: entry {list(index)} is {array[index]!s}, and the largest {dtype} is {limit:.3g}")
    return converted
