""".npy and .npz: what is read, and the text of every refusal."""

import io
import os
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.errors import InputError
from tests.operands.written import FLOATS, npy, npy_declaring, npz, pipe, read, refusal


@settings(deadline=None)
@given(FLOATS, st.booleans())
def test_npy_round_trip(x: Any, fortran: bool) -> None:
    y = read("x.npy", npy(np.asfortranarray(x) if fortran else x))
    assert np.array_equal(y, x, equal_nan=True)
    assert y.flags.c_contiguous
    assert y.flags.writeable


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 0, 4), (1, 2, 3, 1)])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_npy_shapes_and_versions(shape: tuple[int, ...], version: int) -> None:
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    y = read("x.npy", npy_declaring(str(shape), x.tobytes(), version=version))
    assert y.shape == shape
    assert np.array_equal(y, x)


def test_npy_by_python_2_is_read_without_a_warning() -> None:
    with warnings.catch_warnings(action="error"):
        assert read("x.npy", npy_declaring("(2L, 1L)", np.ones(2).tobytes())).shape == (2, 1)


def test_npz_with_and_without_key() -> None:
    w1, w2 = np.ones((2, 3)), np.arange(4.0)
    assert np.array_equal(read("X.NPZ", npz(w2=w2)), w2)
    assert np.array_equal(read("x.npz:w1", npz(w1=w1, w2=w2)), w1)
    assert np.array_equal(read("x.npz:w2", npz(w1=w1, w2=w2)), w2)


class Bomb:
    """Its pickle, once loaded, leaves a folder behind."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "-"])
def test_pickles_are_never_loaded(name: str) -> None:
    bomb = np.array([Bomb(), 1.0], dtype=object)
    content = npz(a=bomb) if name == "x.npz" else npy(bomb)
    with pytest.raises(InputError, match=r"pickles are never loaded;\nsave numbers instead"):
        pipe(content) if name == "-" else read(name, content)
    assert not Path("exploded").exists()
    np.load(io.BytesIO(npy(bomb)), allow_pickle=True)
    assert Path("exploded").exists(), "the bomb is live: not loading it is what kept it"


@pytest.mark.parametrize(
    ("array", "held"),
    [
        (np.array([True]), "booleans (dtype bool)"),
        (np.array(["a"]), "text (dtype <U1)"),
        (np.array([b"a"]), "text (dtype |S1)"),
        (np.array(["2020-01-01"], "M8[D]"), "dates (dtype datetime64[D])"),
        (np.array([3], "m8[s]"), "time spans (dtype timedelta64[s])"),
        (np.zeros(2, [("a", float)]), "structured records (dtype [('a', '<f8')])"),
    ],
)
def test_dtypes_that_are_no_numbers(array: Any, held: str) -> None:
    assert refusal("x.npy", npy(array)) == f"x.npy: holds {held}; only real and complex numbers are inspected"


@pytest.mark.parametrize("stored", ["<c16", ">c16", "<c8"])
@pytest.mark.parametrize(("dtype", "expected"), [("float64", "complex128"), ("float32", "complex64")])
def test_complex_numbers_stay_complex(stored: str, dtype: str, expected: str) -> None:
    x = read("x.npy", npy(np.array([1 + 2j, -3j], stored)), dtype)
    assert (x.dtype, x.tolist()) == (expected, [1 + 2j, -3j])
    assert read("x.npz:a", npz(a=[1j]), "complex64").dtype == np.complex64
    assert read("x.npy", npy(np.array([1.0])), "complex128").dtype == np.complex128


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(np.ones((3, 4)))[:-5], "x.npy: is cut short: its header declares 96 bytes of numbers, 91 bytes follow"),
        (npy(np.ones((3, 4)))[:40], "x.npy: is a damaged .npy file: EOF: reading array header"),
        (npy(np.ones((3, 4)))[:7], "x.npy: is a damaged .npy file: EOF"),
        (npy_declaring("(100000,)", bytes(8)), "is cut short: its header declares 781 KiB of numbers, 8 bytes follow"),
        (npy_declaring("(999999, 999999)"), "x.npy: shape 999999x999999 takes 7.28 TiB"),
        (npy_declaring("(-1,)"), "x.npy: is a damaged .npy file: a negative size"),
        (npy_declaring("(0, 99999999999999999999)"), "more than numpy can index"),
        (npy_declaring("(" + "1," * 70 + ")", bytes(8)), "more than numpy can index"),
        (npy_declaring("-" * 9000), "x.npy: is a damaged .npy file"),
        (npy_declaring("(1,)", bytes(8), version=9), "its format version (9, 0) is not known"),
        (npy_declaring("(2,)", bytes(32), "('<f8', (2,))"), "structured records"),
        (npy_declaring("(2,)", b"", "'|V0'"), "structured records (dtype |V0)"),
    ],
)
def test_npy_refused(content: bytes, message: str) -> None:
    assert message in refusal("x.npy", content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npz", npz(w1=1.0, w2=2.0), "x.npz: holds 2 arrays: 'w1', 'w2'; write FILE.npz:KEY to say which"),
        ("x.npz:v", npz(w1=1.0, w2=2.0), "x.npz: has no 'v'; it holds 'w1', 'w2'"),
        ("x.npz:", npz(w1=1.0), "x.npz: has no ''; it holds 'w1'"),
        ("x.npz:weight", npz(weights=1.0), "it holds 'weights'; did you mean 'weights'?"),
        ("x.npz", npz(), "x.npz: holds no arrays"),
        ("x.npz", npz(**{f"k{i}": 1.0 for i in range(30)}), "'k19', …; write"),
        ("x.npz", npz(a=1.0)[:100], "x.npz: is a damaged .npz file: File is not a zip file"),
        ("x.npz", npz(a=1.0).replace(b"\xf0?", b"\xf0@"), "x.npz:a: is a damaged .npy file: Bad CRC-32"),
        ("x.npz:a", npz(a=["b"]), "x.npz:a: holds text"),
    ],
)
def test_npz_refused(name: str, content: bytes, message: str) -> None:
    assert message in refusal(name, content)


def test_refused_before_anything_is_allocated() -> None:
    tracemalloc.start()
    with pytest.raises(InputError, match="--memory"):
        read("x.npy", npy_declaring("(10000, 10000)"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000  # the array is 800 MB
