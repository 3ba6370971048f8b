"""Shapes and sizes: what is read, drawn and refused."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.errors import InputError
from jacinspect.operands.shapes import parse_shape, parse_size, random_operand, require_fits
from jacinspect.wording import format_size
from tests.operands.written import GIB


@pytest.mark.parametrize(
    ("text", "shape"),
    [("4", (4,)), ("2x3", (2, 3)), ("2X3×4", (2, 3, 4)), ("2,3", (2, 3)), (" 2 x 3 ", (2, 3)), ("0x3", (0, 3))],
)
def test_shape(text: str, shape: tuple[int, ...]) -> None:
    assert parse_shape(text) == shape


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=64), st.sampled_from("xX×,"))
def test_shape_round_trip(sizes: list[int], separator: str) -> None:
    assert parse_shape(separator.join(map(str, sizes))) == tuple(sizes)


@pytest.mark.parametrize(
    "text", ["", " ", "2x", "x2", "axb", "1.5", "-1", "2x-3", "2 3", "2xx3", "+2", "١", "9" * 5000]
)
def test_shape_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a shape: write sizes separated by x, such as 4, 2x3 or 2x3x4"):
        parse_shape(text)


def test_shape_refusal_quotes_what_was_typed() -> None:
    with pytest.raises(InputError, match=r"^shape '2x' is not a shape"):
        parse_shape("2x")


def test_shape_of_too_many_axes() -> None:
    assert len(parse_shape("x".join("1" * 64))) == 64
    with pytest.raises(InputError, match="65 axes: numpy allows 64"):
        parse_shape("x".join("1" * 65))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4294967296),
        ("512MiB", 536870912),
        ("4GB", 4000000000),
        ("1e9", 1000000000),
        ("1048576", 1048576),
        ("1.5 kb", 1500),
        ("1EB", 10**18),
        ("2YiB", 2 * 1024**8),
        ("9007199254740993", 9007199254740993),  # 2^53 + 1, which a float would round
    ],
)
def test_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "0.1", "4G", "4XiB", "nan", "inf", "1e999999999", "GiB", "1/2", "0x10"]
)
def test_size_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a number of bytes: write such as 4GiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (512, "512 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1023 * 1024, "1023 KiB"),
        (1024**2 - 1, "1 MiB"),
        (8 * 999999**2, "7.28 TiB"),
        (3 * 1024**8, "3 YiB"),
        (10**400, "over 1023 YiB"),
    ],
)
def test_size_written(size: int, text: str) -> None:
    assert format_size(size) == text


@settings(deadline=None)
@given(st.integers(1024, 1023 * 1024**8))
def test_size_written_to_three_digits(size: int) -> None:
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.006)


def test_memory_refusal_says_how_much() -> None:
    with pytest.raises(InputError) as caught:
        require_fits((999999, 999999), "float64", 4 * GIB, "random operand")
    message = str(caught.value)
    for part in ("random operand: shape 999999x999999 takes 7.28 TiB as float64", "116 TiB", "4 GiB", "--memory"):
        assert part in message


def test_memory_boundary() -> None:
    require_fits((4, 8), "float64", 16 * 4 * 8 * 8, "x")
    require_fits((8, 8), "float32", 16 * 4 * 8 * 8, "x")
    with pytest.raises(InputError, match="4x8 takes 256 bytes"):
        require_fits((4, 8), "float64", 16 * 4 * 8 * 8 - 1, "x")


def test_random_operand_is_refused_before_anything_is_allocated() -> None:
    tracemalloc.start()
    with pytest.raises(InputError, match="--memory"):
        random_operand((10000, 10000), "float64", 0, GIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000  # the array is 800 MB


def test_random_operand_of_more_than_the_machine_has() -> None:
    with pytest.raises(InputError, match="random operand: takes more memory than this machine gives"):
        random_operand((10**8, 10**8), "float64", 0, 10**30)


@pytest.mark.parametrize("shape", [(0, 10**40), (1,) * 65])
def test_shapes_that_numpy_cannot_index(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="more than numpy can index"):
        require_fits(shape, "float64", GIB, "x")


def test_random_operand_is_the_documented_draw() -> None:
    x = random_operand((2, 3), "float64", 7, GIB)
    assert x.dtype == np.float64
    assert np.array_equal(x, np.random.default_rng(7).standard_normal((2, 3)))
    assert not np.array_equal(x, random_operand((2, 3), "float64", 8, GIB))


def test_random_float32_is_the_float64_draw_rounded() -> None:
    x = random_operand((3, 5), "float32", 0, GIB)
    assert x.dtype == np.float32
    assert np.array_equal(x, random_operand((3, 5), "float64", 0, GIB).astype(np.float32))


@pytest.mark.parametrize("shape", [(0, 3), (), (1,)])
def test_random_operand_of_odd_shapes(shape: tuple[int, ...]) -> None:
    assert random_operand(shape, "float32", 0, GIB).shape == shape


def test_negative_seed() -> None:
    with pytest.raises(InputError, match="seed -1 is negative"):
        random_operand((2,), "float64", -1, GIB)


@pytest.mark.parametrize("domain", [(0.0, np.inf), (-1.0, np.inf), (0.0, 1.0), (-1.0, 1.0)])
def test_an_operand_is_drawn_where_the_function_is_defined(domain: tuple[float, float]) -> None:
    anywhere, x = (random_operand((50, 7), "float64", 3, GIB, 1, where) for where in ((-np.inf, np.inf), domain))
    inside = (anywhere >= domain[0]) & (anywhere <= domain[1])
    assert not inside.all()
    assert np.array_equal(x[inside], anywhere[inside])
    assert np.all((x >= domain[0]) & (x <= domain[1]))
    assert np.unique(x).size == x.size
