"""Formats: a path or ``-`` comes in, and what the reader of its format made of it goes out. Next: `files`.

The reader is chosen by the extension, or for standard input by the first bytes. `numpy_files` and `safetensors_files`
take a stream; `text_files`, `json_files` and `matrix_market` take text.
"""

import io
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.coordinates import Coordinates
from jacinspect.operands.foreign import conversion
from jacinspect.operands.json_files import read_json
from jacinspect.operands.keys import split_key
from jacinspect.operands.matrix_market import read_matrix_market
from jacinspect.operands.numpy_files import read_npy, read_npz
from jacinspect.operands.safetensors_files import read_safetensors
from jacinspect.operands.shapes import Array
from jacinspect.operands.table_faults import through
from jacinspect.operands.text_files import data_lines, is_bracketed, read_brackets, read_table
from jacinspect.records import dataclass
from jacinspect.wording import did_you_mean, format_size, shown

__all__ = ["EXTENSIONS", "STDIN", "Reader"]

STDIN = "standard input"
_FROM_STREAM = {".npy": read_npy, ".npz": read_npz, ".safetensors": read_safetensors}
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": None, ".dat": None}
_PYTHON_NUMBER = re.compile(r"(?=[-+]?\.?\d)([-+]?)(\d*)(\.?)(\d*)")  # .5, 5. and +5 are no JSON
EXTENSIONS = (*_FROM_STREAM, *_DELIMITERS, ".json", ".mtx")

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


@dataclass(frozen=True)
class Reader:
    """Reads files: the numbers become `dtype` in the end, and `memory` is the limit in bytes.

    `told` is a callback for what is left out, in words; `stdin` is the stream of ``-``, the process's own if None.
    """

    dtype: npt.DTypeLike
    memory: int
    told: Callable[[str], None] = lambda _: None
    stdin: BinaryIO | None = None

    def read(self, source: str) -> Array | Coordinates:
        """Read the file of a name, ``file.npz:key``, or standard input.

        Raises
        ------
        InputError
            If there is no such file, or its content is not what its name says.
        """
        return self._from_stdin() if source == "-" else self._from_path(source)

    def typed(self, text: str, name: str) -> Array:
        """Read a text as JSON, or as a matrix as MATLAB writes it; numbers may be written as Python has them too."""
        if is_bracketed(text):
            return read_brackets(text, name)
        try:
            return read_json(text, name, self.dtype, self.memory)
        except InputError:  # which is worded for the text as it was typed
            with suppress(InputError):
                return read_json(_PYTHON_NUMBER.sub(_as_json, text), name, self.dtype, self.memory)
            raise

    def _from_stdin(self) -> Array | Coordinates:
        if self.stdin is None and sys.stdin is None:
            raise InputError(f"{STDIN}: is closed; name a file")
        data = _read_all(self.stdin or sys.stdin.buffer, STDIN, self.memory)
        if not data:
            raise InputError(f"{STDIN}: is empty; pipe a .npy, .npz, .csv, .tsv, .txt, .json or .mtx file into it")
        return self._opened(io.BytesIO(data), _sniff(data), STDIN)

    def _from_path(self, source: str) -> Array | Coordinates:
        path = Path(split_key(source)[0])
        if path.is_dir():
            raise InputError(f"{source}: is a folder; name a file in it")
        extension = path.suffix.lower()
        if source.lstrip().startswith("[") and extension not in EXTENSIONS:
            raise InputError(
                f"{source}: is a list that is not closed: write it as JSON, such as [0,2,1] or [[1,2],[3,4]]"
            )
        if source.lstrip().startswith("{") and extension not in EXTENSIONS:
            option = f"-p {shlex.quote(f'NAME={source}')}"
            raise InputError(
                f"{source}: is a JSON object, not an array; for a parameter, write {option},\n"
                "and to differentiate by the numbers in it, --wrt 'NAME.*'"
            )
        if extension not in EXTENSIONS:
            if command := conversion(source, _beginning(path)):
                raise InputError(f"{source}: is not read; convert it:\n{command}")
            raise InputError(
                f"{source}: its extension says no format; known are {', '.join(EXTENSIONS)}, and - (stdin)"
            )
        try:
            stream = path.open("rb")
        except FileNotFoundError:
            neighbours: list[str] = []
            with suppress(OSError):
                neighbours = [file.name for file in path.parent.iterdir() if file.suffix.lower() in EXTENSIONS]
            raise InputError(f"{source}: there is no such file{did_you_mean(path.name, neighbours)}") from None
        except ValueError:  # a NUL or a lone surrogate
            raise InputError(f"{shown(source)}: is not a path") from None
        with stream:
            return self._opened(stream, extension, source)

    def _opened(self, stream: BinaryIO, extension: str, name: str) -> Array | Coordinates:
        if from_stream := _FROM_STREAM.get(extension):
            if extension in _FIRST_BYTES:
                _require_format(stream.read(64), extension, name)
                stream.seek(0)
            return from_stream(stream, name, self.dtype, self.memory)
        data = _read_all(stream, name, self.memory)
        _require_format(data, extension, name)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError(f"{name}, line {line}: is not UTF-8 text: byte 0x{data[error.start]:02x}") from None
        if extension == ".json":
            return self.typed(text, name)
        if extension == ".mtx":
            return read_matrix_market(text, name, self.dtype, self.memory)
        delimiter = _DELIMITERS.get(_sniff_text(data[:65536]) if extension == ".dat" else extension)
        return read_table(text, name, delimiter, self.told)


def _sniff(data: bytes) -> str:
    """Return the extension that these bytes should have."""
    for extension, first_bytes in _FIRST_BYTES.items():
        if data.startswith(first_bytes):
            return extension
    if data.removeprefix(b"\xef\xbb\xbf")[:14].lower() == b"%%matrixmarket":
        return ".mtx"
    return _sniff_text(data[:65536])


def _sniff_text(data: bytes) -> str:
    _, line = next(data_lines(data.decode("utf-8-sig", errors="replace")), (0, ""))
    if line.lstrip().startswith(("[", "{")):
        return ".json"
    return ".tsv" if "\t" in line else ".csv" if "," in line else ".txt"


def _as_json(number: re.Match[str]) -> str:
    """Return a number of Python's as JSON has it."""
    sign, whole, point, fraction = number.groups()
    return sign.strip("+") + (whole or "0") + point + (fraction or "0" * len(point))


def _beginning(path: Path) -> bytes:
    with suppress(OSError, ValueError), path.open("rb") as stream:
        return stream.read(64)
    return b""


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
    command = through("iconv -f UTF-16 -t UTF-8", name) if "UTF-16" in looks_like else ""
    advice = f":\n{command}" if command else ""
    raise InputError(f"{name}: is not {expected}; it looks like {looks_like if data else 'an empty file'}{advice}")
