"""Several arrays laid end to end: joined, split, and their entries found again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jacinspect.operands.bundle import Bundle

SHAPES = st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=5)


@given(SHAPES)
def test_what_is_joined_is_split_again(shapes: list[tuple[int, ...]]) -> None:
    bundle = Bundle.of((f"p{k}", shape) for k, shape in enumerate(shapes))
    arrays = [np.random.default_rng(k).standard_normal(shape) for k, shape in enumerate(shapes)]
    whole = bundle.join(arrays)
    assert whole.shape == bundle.shape
    for array, piece in zip(arrays, bundle.split(whole), strict=True):
        np.testing.assert_array_equal(array, piece)
    for flat, value in enumerate(whole.ravel()):
        part, index = bundle.place(flat)
        assert arrays[bundle.names.index(part.name)][index] == value


def test_one_array_keeps_its_shape() -> None:
    bundle = Bundle.of([("x", (2, 3))])
    assert bundle.is_single
    assert bundle.shape == (2, 3)
    assert bundle.place(4) == (bundle.parts[0], (1, 1))


def test_the_items_of_a_tuple_have_a_letter() -> None:
    bundle = Bundle.of([("1", (2,)), ("h", ())])
    assert [part.label("A") for part in bundle.parts] == ["A1", "h"]
