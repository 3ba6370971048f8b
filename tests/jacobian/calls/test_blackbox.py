import re
import sys

import numpy as np
import pytest

from jacinspect.errors import FunctionFailedError, FunctionRaisedError
from jacinspect.jacobian.calls.blackbox import BlackBox, same
from tests.oracles import Array

X = np.array([[0.1, -2.5], [3.0, 1e-3]])


def test_equal_is_equal_by_value_and_nan_is_nan() -> None:
    a = np.array([0.0, np.nan, np.inf, 1.0, np.nan, np.inf, 5e-324])
    b = np.array([-0.0, np.nan, np.inf, np.nextafter(1, 2), 1.0, -np.inf, 0.0])
    assert same(a, b).tolist() == [True, True, True, False, False, False, False]
    assert same(b, a).tolist() == same(a, b).tolist()
    assert same(np.array(3.0), np.array(3.0)).tolist() is True
    assert same(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0, 2)


def test_the_output_is_flat_and_its_shape_known() -> None:
    box = BlackBox(lambda x: x.T[None] * 2, X)
    assert box.output_shape == (1, 2, 2)
    assert box.y0.tolist() == [0.2, 6.0, -5.0, 2e-3]
    assert box(X + 1).tolist() == [2.2, 8.0, -3.0, 2.002]
    assert (box.evaluations, box.deterministic, box.mutates) == (3, True, False)


def test_points_are_called_in_their_order_and_only_as_many_as_are_asked_for() -> None:
    box = BlackBox(lambda x: x[0] / (x[1] > 0), np.array([1.0, 2.0]))
    points = [np.array([1.0, 1.0]), np.array([2.0, -1.0]), np.array([3.0, 1.0])]
    assert [y.tolist() for y in box.many(points)] == [[1], [np.inf], [3]]
    assert (next(box.many(points)).tolist(), box.evaluations) == ([1], 6)

    def positive(x: Array) -> Array:
        if x.min() < 0:
            raise ValueError("negative")
        return x

    box = BlackBox(positive, np.array([1.0, 2.0]))
    assert [np.isnan(y).all() for y in box.many_where_defined(points)] == [False, True, False]
    assert [y is None for y in box.many_unless_raised(points)] == [False, True, False]
    with pytest.raises(FunctionRaisedError, match="ValueError: negative"):
        list(box.many(points))


def test_a_buffer_that_is_handed_out_again_does_not_change_what_was_returned() -> None:
    buffer = np.zeros(2)

    def f(x: Array) -> Array:
        buffer[:] = x
        return buffer

    box = BlackBox(f, np.array([1.0, 2.0]))
    one = box(np.array([3.0, 4.0]))
    other = box(np.array([5.0, 6.0]))
    assert box.y0.tolist() == [1, 2]
    assert (one.tolist(), other.tolist()) == ([3, 4], [5, 6])


@pytest.mark.parametrize("view", [lambda b: b, lambda b: b[::-1], lambda b: b.reshape(1, 2), lambda b: b[:1]])
def test_views_of_one_buffer_too(view: object) -> None:
    assert callable(view)
    buffer = np.zeros(2)

    def f(x: Array) -> Array:
        buffer[:] = x
        return np.asarray(view(buffer))

    box = BlackBox(f, np.array([1.0, 2.0]))
    one = box(np.array([3.0, 4.0])).copy()
    kept = box(np.array([3.0, 4.0]))
    box(np.array([5.0, 6.0]))
    assert kept.tolist() == one.tolist()


def test_what_is_not_deterministic_or_changes_its_argument() -> None:
    rng = np.random.default_rng(0)
    assert not BlackBox(lambda x: x + rng.random(), X).deterministic
    assert BlackBox(lambda x: x + np.nan, X).deterministic

    def spoils(x: Array) -> Array:
        x[0] += 1
        return x

    before = X.copy()
    assert BlackBox(spoils, X).mutates
    np.testing.assert_array_equal(X, before)


def test_one_shape_for_inputs_of_one_shape() -> None:
    box = BlackBox(lambda x: x[x > 0], X)
    with pytest.raises(FunctionFailedError) as error:
        box(-X)
    assert str(error.value) == (
        "at a point that was moved by 200 %, not at X, "
        "the function returned shape 1 after shape 3 for inputs of one shape"
    )


def test_numbers_of_any_real_kind_become_doubles() -> None:
    for f in (lambda x: x > 0, lambda x: x.astype(np.int8), lambda x: x.astype(np.float32), lambda x: x.tolist()):
        assert BlackBox(f, X).y0.dtype == np.float64
    assert BlackBox(lambda x: 3, X).y0.tolist() == [3.0]


def test_an_error_of_f_is_reported_with_the_line_it_came_from() -> None:
    for f in (lambda x: int("one"), lambda x: np.linalg.inv(x[0])):
        with pytest.raises(FunctionRaisedError) as error:
            BlackBox(f, X)
        reported, place = str(error.value).split("\n")
        assert re.match(r"the function raised (ValueError: invalid literal|LinAlgError: 1-dimensional)", reported)
        assert re.fullmatch(r"  tests/jacobian/calls/test_blackbox\.py:\d+: for f in .*", place)
    with pytest.raises(FunctionRaisedError, match="the function raised SystemExit: 3"):
        BlackBox(lambda x: sys.exit(3), X)


def test_where_f_raises_it_is_not_defined() -> None:
    def log(x: Array) -> Array:
        if np.any(x <= 0):
            raise ValueError("math domain error")
        return np.log(x)

    box = BlackBox(log, np.array([1.0, 2.0]))
    assert np.isnan(box.where_defined(np.array([1.0, -1.0]))).all()
    assert box.where_defined(np.array([1.0, 1.0])).tolist() == [0, 0]
    assert box.evaluations == 4
    for gives_up in (lambda x: x[x > 0], lambda x: None if x[0] < 0 else x, lambda x: np.emath.sqrt(x + 1)):
        other = np.array([-2.0, 1.0])
        assert np.isnan(BlackBox(gives_up, np.array([1.0, 2.0])).where_defined(other)).all()
