"""Files: a path, ``-`` or a text comes in, and its numbers, checked and converted, go out.

`formats` reads them, by the extension or the first bytes. Next: `jacinspect.inspection.pipeline`, or a claim.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from jacinspect.errors import InputError
from jacinspect.operands.coordinates import Coordinates
from jacinspect.operands.foreign import conversion
from jacinspect.operands.formats import EXTENSIONS, STDIN, Reader
from jacinspect.operands.keys import split_key
from jacinspect.operands.shapes import MACHINE_FULL, Array, require_fits
from jacinspect.wording import shown

__all__ = ["is_file", "is_json", "read_claim", "read_operand"]


def read_operand(
    source: str,
    dtype: npt.DTypeLike,
    memory: int,
    stdin: BinaryIO | None = None,
    *,
    whole: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Array:
    """Read an operand from a file, from standard input if `source` is ``-``, or from the text itself if it is JSON.

    Parameters
    ----------
    source
        A path ending in .npy, .npz (``file.npz:key``), .csv, .tsv, .txt, .dat, .json, .mtx or .safetensors, or ``-``
        (the format is sniffed), or nested lists, or a number, as JSON, or a matrix as MATLAB writes it.
    dtype
        float64, float32, complex128 or complex64: what the numbers are converted to. Complex ones of a file stay
        complex, of the same precision.
    memory
        The limit, in bytes, for the whole inspection (see `require_fits`).
    stdin
        The stream that ``-`` stands for; the process's own if left out.
    whole
        Whether whole numbers, which may be labels or indices, stay integers.
    told
        A callback for what is left out of a table, a header for one, in words.

    Returns
    -------
    array
        Any shape, C-contiguous, native-endian, of `dtype`. A table of a single row or column is a vector.

    Raises
    ------
    InputError
        If there is no such file, it holds something else than real numbers, or they do not fit.
    """
    name = STDIN if source == "-" else shown(source, str) if is_json(source) else source
    reader = Reader(dtype, memory, told, stdin)
    with _unreadable_reported(name):
        array = _dense(reader.typed(source, name) if is_json(source) else reader.read(source), dtype, memory, name)
        require_fits(array.shape, dtype, memory, name)
        return array if whole and array.dtype.kind in "iu" else _convert(array, np.dtype(dtype), name)


def read_claim(source: str, memory: int, told: Callable[[str], None] = lambda _: None) -> Array | Coordinates:
    """Read a derivative from a file: as an operand, but that a sparse matrix stays one, in numerator layout.

    Raises
    ------
    InputError
        As `read_operand`.
    """
    with _unreadable_reported(source):
        stored = Reader(np.float64, memory, told).read(source)
        if isinstance(stored, Coordinates) and (stored.vec or 1 not in stored.shape):
            return stored.in_numerator_layout()
        return _dense(stored, np.float64, memory, source)


def is_file(text: str) -> bool:
    """Whether a text is the name of a file that holds numbers, by its extension; a module may be called json."""
    path, key = split_key(text)
    if conversion(path):  # the error says how to convert it
        return True
    return Path(path).suffix.lower() in EXTENSIONS and (key is None or ".json:" not in text or Path(path).exists())


def is_json(text: str) -> bool:
    """Whether a text is an operand itself, nested lists or a number, rather than where to find one."""
    return (
        re.fullmatch(r"\s*(\[.*\]|[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)\s*", text, re.ASCII | re.DOTALL | re.I)
        is not None
    )


def _dense(stored: Array | Coordinates, dtype: npt.DTypeLike, memory: int, name: str) -> Array:
    """Return an array as it is, and a sparse matrix as a dense one; a single row or column of it is a vector."""
    if not isinstance(stored, Coordinates):
        return stored
    require_fits(stored.shape, dtype, memory, name)
    dense = stored.toarray()
    return dense.reshape(-1) if 1 in dense.shape else dense


@contextmanager
def _unreadable_reported(name: str) -> Iterator[None]:
    """Turn what the operating system refuses into an InputError."""
    try:
        yield
    except MemoryError:
        raise InputError(f"{name}: {MACHINE_FULL}") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


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
