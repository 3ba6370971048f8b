"""Paths and standard input, whatever they hold: which reader, and what every file goes through."""

import errno
import io
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.errors import InputError
from jacinspect.operands.files import read_operand
from tests.operands.written import GIB, npy, npy_declaring, npz, pipe, read, refusal, safetensors

SAMPLES = Path(__file__).parents[2] / "samples"
EXTENSIONS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json", ".dat", ".mtx", ".safetensors")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (npy(np.ones((1, 2))), [[1, 1]]),
        (npz(a=np.arange(3)), [0, 1, 2]),
        (b" \n[[1], [2]]", [[1], [2]]),
        (b'"Infinity"\n', [np.inf]),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"# a, b\n1\t2\n3\t4", [[1, 2], [3, 4]]),
        (b"# a\tb\n1,2\n3,4", [[1, 2], [3, 4]]),
        (b"1 2\n3 4", [[1, 2], [3, 4]]),
        (b'"1","2"\n"3","4"', [[1, 2], [3, 4]]),
        (b"7", [7]),
    ],
)
def test_standard_input_is_sniffed(content: bytes, expected: Any) -> None:
    assert pipe(content).tolist() == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "standard input: is empty; pipe"),
        (b" \n", "standard input: holds no numbers"),
        (b"1,2\n3,x", "standard input, line 2, column 2: 'x' is not a number"),
        (b'"a","b"\n"c","d"\n1,2', 'line 2: \'"c","d"\' holds no number, and one header line is skipped'),
        (b"a\nb\n1", "remove the lines before the numbers: tail -n +3"),
        (b"1,5;2,5", "make them points: tr ',;' '.,'\nif rows end with ;: tr ';' '\\n'"),
        (b"%%MatrixMarket matrix array real general\n", "standard input, line 1: '' is not the numbers of rows and"),
        (b"{}", "standard input: the top level is an object"),
        (npz(a=np.ones(2), b=np.ones(2)), "standard input: holds 2 arrays: 'a', 'b'; write FILE.npz:KEY"),
    ],
)
def test_standard_input_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        pipe(content)
    assert message in str(caught.value)


def test_the_process_own_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1,2")))
    assert read_operand("-", "float64", GIB).tolist() == [1, 2]
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input: is closed"):
        read_operand("-", "float64", GIB)


def test_standard_input_that_is_a_folder() -> None:
    class Folder(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise IsADirectoryError(errno.EISDIR, "Is a directory")

    with pytest.raises(InputError, match="standard input: cannot be read: Is a directory"):
        read_operand("-", "float64", GIB, Folder())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"1,2\n\xe9,3", "x.csv, line 2: is not UTF-8 text: byte 0xe9"),
        ("x.csv", "1,2".encode("utf-16"), "x.csv: is not text; it looks like UTF-16 text; save it as UTF-8"),
        ("x.csv", "1,2".encode("utf-16"), "save it as UTF-8:\niconv -f UTF-16 -t UTF-8 < x.csv > new.csv"),
        ("x.csv", npy(np.ones(2)), "x.csv: is not text; it looks like a .npy file"),
        ("x.json", npz(a=np.ones(2)), "x.json: is not text; it looks like a zip archive"),
        ("x.json", pickle.dumps([1.0]), "x.json: is not text; it looks like a pickle, which is never loaded"),
        ("x.npy", b"1,2\n", "x.npy: is not a .npy file; it looks like text"),
        ("x.npy", b"", "x.npy: is not a .npy file; it looks like an empty file"),
        ("x.npy", b"\x89HDF\r\n", "x.npy: is not a .npy file; it looks like an HDF5 file"),
        ("x.npy", b"\0\1\2", "x.npy: is not a .npy file; it looks like unknown binary data"),
        ("x.npz", npy(np.ones(2)), "x.npz: is not a .npz file; it looks like a .npy file"),
    ],
)
def test_files_of_another_format(name: str, content: str | bytes, message: str) -> None:
    assert message in refusal(name, content)


def path_refusal(source: str) -> str:
    with pytest.raises(InputError) as caught:
        read_operand(source, "float64", GIB)
    return str(caught.value)


def test_missing_file() -> None:
    assert path_refusal("none.csv") == "none.csv: there is no such file"
    Path("weights.csv").write_text("1")
    assert path_refusal("weight.csv") == "weight.csv: there is no such file; did you mean 'weights.csv'?"
    assert path_refusal("no/folder/x.npz:k") == "no/folder/x.npz:k: there is no such file"


def test_unknown_extension() -> None:
    known = ".npy, .npz, .safetensors, .csv, .tsv, .txt, .dat, .json, .mtx, and - (stdin)"
    assert path_refusal("x.doc") == f"x.doc: its extension says no format; known are {known}"
    assert path_refusal("x") == f"x: its extension says no format; known are {known}"


def test_paths_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("folder.csv").mkdir()
    assert path_refusal("folder.csv") == "folder.csv: is a folder; name a file in it"
    Path("loop.csv").symlink_to("loop.csv")
    assert "loop.csv: cannot be read: " in path_refusal("loop.csv")
    assert "cannot be read: File name too long" in path_refusal("y" * 300 + ".csv")
    assert path_refusal("a\0.csv") == r"'a\x00.csv': is not a path"

    def denied(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert path_refusal("x.csv") == "x.csv: cannot be read: Permission denied"


def test_more_than_the_machine_has() -> None:
    header = npy_declaring("(100000000, 100000000)", bytes(64))
    assert "takes more memory than this machine gives" in refusal("x.npy", header, memory=10**30)


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.npy", "x.npz"])
def test_files_over_the_memory_limit(name: str) -> None:
    array = np.ones((20, 30))
    text = "\n".join(",".join(map(str, row)) for row in array)
    content = {
        "x.csv": text.encode(),
        "x.json": json.dumps(array.tolist()).encode(),
        "x.npy": npy(array),
        "x.npz": npz(a=array),
    }
    assert read(name, content[name], memory=16 * 4800).shape == (20, 30)
    assert "takes 4.69 KiB" in refusal(name, content[name], memory=16 * 4800 - 1)


def test_endless_standard_input() -> None:
    with Path("/dev/zero").open("rb") as zeros, pytest.raises(InputError, match="standard input: is over the 10 MiB"):
        read_operand("-", "float64", 10 * 1024**2, zeros)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stored", ["<f2", ">f4", ">f8", "g", "<i2", ">i8", "u1", "u8"])
def test_every_real_dtype_is_converted(stored: str, dtype: str) -> None:
    x = np.arange(6).reshape(2, 3).astype(stored)
    y = read("x.npy", npy(x), dtype)
    assert y.dtype == np.dtype(dtype)
    assert y.dtype.isnative
    assert y.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_non_finite_numbers_survive_the_rounding_to_float32() -> None:
    y = read("x.npy", npy(np.array([[np.nan], [np.inf], [-np.inf]])), "float32")
    assert np.array_equal(y, [[np.nan], [np.inf], [-np.inf]], equal_nan=True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.npy",
            npy(np.array([[1, 2], [-1e300, 3]])),
            "x.npy: entry [1, 0] is -1e+300, and the largest float32 is 3.4e+38",
        ),
        ("x.csv", "1,2\n3,1e39", "x.csv: entry [1, 1] is 1e+39"),
        ("x.json", "4e38", "x.json: entry [] is 4e+38"),
    ],
)
def test_numbers_too_large_for_float32(name: str, content: str | bytes, message: str) -> None:
    assert message in refusal(name, content, "float32")
    assert np.isfinite(read(name, content)).all()


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="long double is double here")
def test_numbers_too_large_for_float64() -> None:
    array = np.array([np.longdouble(1), np.longdouble("1e4000")])
    assert "x.npy: entry [1] is 1e+4000, and the largest float64 is 1.8e+308" in refusal("x.npy", npy(array))


VALID = {
    ".npy": npy(np.arange(6.0).reshape(2, 3)),
    ".npz": npz(a=np.arange(6.0).reshape(2, 3)),
    ".csv": b'1,2.5,"3"\n# c\n-4e1,nan,inf\n',
    ".tsv": b"1\t2.5\t3\n4\t5\t6\n",
    ".txt": b"1 2.5 3\n4 5 6\n",
    ".json": b'[[1, 2.5, "NaN"], [4, -Infinity, 6e2]]',
    ".dat": b"1.0D-03  2.5  3\n4  5  6\n",
    ".mtx": b"%%MatrixMarket matrix coordinate real general\n% c\n2 3 2\n1 1 2.5\n2 3 -1e3\n",
    ".safetensors": safetensors({"a": {"dtype": "F64", "shape": [2, 3], "data_offsets": [0, 48]}}, bytes(48)),
}


def readable_or_refused(extension: str, content: bytes) -> None:
    with warnings.catch_warnings(action="error"):
        Path("x" + extension).write_bytes(content)
        for source in ("x" + extension, "-"):
            message, array = "", np.zeros(1)
            try:
                array = read_operand(source, "float64", GIB, io.BytesIO(content))
            except InputError as error:
                message = str(error)
            assert len(message.splitlines()) <= 2
            assert array.dtype in (np.float64, np.complex128)
            assert array.flags.c_contiguous


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(EXTENSIONS),
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=60).map(str.encode),
        st.text('01.e-,;\t\n "#[]nif', max_size=40).map(str.encode),
    ),
)
def test_any_bytes(extension: str, content: bytes) -> None:
    readable_or_refused(extension, content)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(EXTENSIONS), st.data())
def test_damaged_files(extension: str, data: st.DataObject) -> None:
    content = bytearray(VALID[extension])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    readable_or_refused(extension, bytes(content[: data.draw(st.integers(0, len(content)))] or content))


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_files_cut_at_every_byte(extension: str) -> None:
    for length in range(len(VALID[extension])):
        readable_or_refused(extension, VALID[extension][:length])
        if extension in (".npy", ".npz", ".safetensors"):
            refusal("x" + extension, VALID[extension][:length])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("weights.csv", (2, 3)),
        ("logits.json", (3, 4)),
        ("hidden.npy", (4, 3)),
        ("layers.npz:w1", (3, 2)),
        ("layers.npz:w2", (2, 4)),
        ("signal.txt", (5,)),
        ("table.tsv", (2, 2)),
    ],
)
def test_samples(name: str, shape: tuple[int, ...]) -> None:
    x = read_operand(str(SAMPLES / name), "float64", GIB)
    assert x.shape == shape
    assert np.isfinite(x).all()


def test_the_sample_of_a_kink_holds_an_exact_zero() -> None:
    assert read_operand(str(SAMPLES / "weights.csv"), "float64", GIB).tolist() == [[0.5, -1.25, 0], [2, -0.75, 1.5]]
