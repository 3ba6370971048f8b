""".safetensors: what is read, with the library as the oracle where it is installed, and the text of every refusal."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.operands.written import read, refusal, safetensors


def entry(kind: str, shape: list[Any], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


DOUBLES = np.arange(6.0)
TWO = safetensors(
    {"__metadata__": {"format": "pt"}, "a.weight": entry("F64", [2, 3], 0, 48), "n": entry("I32", [2], 48, 56)},
    DOUBLES.tobytes() + np.array([7, -8], "<i4").tobytes(),
)


def test_a_tensor_by_its_key() -> None:
    assert read("x.safetensors:a.weight", TWO).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read("x.safetensors:n", TWO).tolist() == [7, -8]
    assert read("x.safetensors", safetensors({"a": entry("F32", [], 0, 4)}, np.float32(1.5).tobytes())) == 1.5


def test_a_header_that_begins_like_another_format() -> None:
    header = b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}'
    content = safetensors(header.ljust(0x80), np.array([2.5]).tobytes())
    assert content[:1] == b"\x80"
    assert read("x.safetensors", content).tolist() == [2.5]


def test_bfloat16_is_read_exactly() -> None:
    exact = np.array([1.0, -2.5, 3.0e38, np.inf], np.float32)
    halves = (exact.view(np.uint32) >> 16).astype("<u2")
    values = (halves.astype(np.uint32) << 16).view(np.float32)
    content = safetensors({"a": entry("BF16", [4], 0, 8)}, halves.tobytes())
    assert np.array_equal(read("x.safetensors", content), values)


@settings(deadline=None, max_examples=40)
@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int64, np.uint16]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_what_the_library_writes_is_read(x: Any) -> None:
    library = pytest.importorskip("safetensors.numpy")
    assert np.array_equal(read("x.safetensors", library.save({"a": x})), x.astype(float), equal_nan=True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.safetensors",
            TWO,
            "x.safetensors: holds 2 arrays: 'a.weight', 'n'; write FILE.safetensors:KEY to say",
        ),
        ("x.safetensors:a.weigth", TWO, "has no 'a.weigth'; it holds 'a.weight', 'n'; did you mean 'a.weight'?"),
        ("x.safetensors", b"", "x.safetensors: is not a .safetensors file: a header of 0 bytes"),
        ("x.safetensors", b"\xff" * 16, "is not a .safetensors file: a header of 18446744073709551615 bytes"),
        ("x.safetensors", safetensors(b"[1]"), "x.safetensors: is not a .safetensors file"),
        ("x.safetensors", safetensors(b"[" * 99999), "x.safetensors: is not a .safetensors file"),
        ("x.safetensors", safetensors({}), "x.safetensors: holds no arrays"),
        ("x.safetensors", safetensors({"a": 1}), "x.safetensors:a: is damaged: its header gives no type, shape and pl"),
        (
            "x.safetensors",
            safetensors({"a": entry("F8_E5M2", [1], 0, 1)}, b"0"),
            "x.safetensors:a: holds F8_E5M2; read",
        ),
        ("x.safetensors", safetensors({"a": entry("F64", [-1], 0, 8)}, bytes(8)), "gives no type, shape and place"),
        (
            "x.safetensors",
            safetensors({"a": entry("F64", [2], 0, 8)}, bytes(8)),
            "cut short: 16 bytes are declared, 8 f",
        ),
        ("x.safetensors", safetensors({"a": entry("F64", [2], 0, 16)}, bytes(8)), "16 bytes are declared, 8 follow"),
        ("x.safetensors", safetensors({"a": entry("F64", [10**6, 10**6], 0, 8)}), "takes 7.28 TiB"),
    ],
)
def test_refused(name: str, content: bytes, message: str) -> None:
    assert message in refusal(name, content)
