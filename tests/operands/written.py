"""What the tests of the readers share: files are written, read back, and refused."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacinspect.errors import InputError
from jacinspect.operands.files import read_operand

GIB = 1024**3

FLOATS = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5),
    elements=st.floats(width=64, allow_nan=True, allow_infinity=True),
)


def read(name: str, content: str | bytes, dtype: str = "float64", memory: int = GIB, **options: Any) -> Any:
    Path(name.partition(":")[0]).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_operand(name, dtype, memory, **options)


def pipe(content: bytes, memory: int = GIB) -> Any:
    return read_operand("-", "float64", memory, io.BytesIO(content))


def refusal(name: str, content: str | bytes, dtype: str = "float64", memory: int = GIB) -> str:
    with pytest.raises(InputError) as caught:
        read(name, content, dtype, memory)
    message = str(caught.value)
    assert len(message.splitlines()) <= 2
    return message


def notes(name: str, content: str | bytes) -> tuple[Any, list[str]]:
    """Read a file; return the array, and what was told."""
    said: list[str] = []
    array = read(name, content, told=said.append)
    return array, said


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def safetensors(header: Any, data: bytes = b"") -> bytes:
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + data


def npy_declaring(shape: str, data: bytes = b"", descr: str = "'<f8'", version: int = 1) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 if version == 1 else 4, "little") + header + data
