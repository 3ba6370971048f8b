"""A line through a point: where f is called along it, what is outside of its domain, and what rounding may do."""

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.stencil import (
    LAST,
    Stencil,
    finite,
    is_half,
    is_single,
    own_scale,
    precision,
    smallest,
    step_scale,
)
from jacinspect.records import replace
from tests.lines import DOUBLE, SINGLE, F, stencil_of
from tests.oracles import Array

HALF = 2.0**-10


def along(f: F, x: Array, v: Array, domain: tuple[float, float] = (-np.inf, np.inf)) -> Stencil:
    """Return the stencil of all outputs along a line through many inputs."""
    box = BlackBox(f, x, domain=domain)
    return Stencil(box, x, v, slice(None), None, box.y0, DOUBLE)


def bounded(f: F, x: Array, domain: tuple[float, float]) -> Stencil:
    """Return the stencil of an element-wise function that is declared on an interval."""
    return replace(stencil_of(f, x), box=BlackBox(f, x, domain=domain))


# --- Units and precisions ---------------------------------------------------------------------------------------------


def test_the_unit_of_a_step_is_x_and_1_at_least_and_1_where_x_is_not_finite() -> None:
    assert step_scale(np.array([3.0, -7, 0.5, 0, np.inf, -np.inf, np.nan])).tolist() == [3, 7, 1, 1, 1, 1, 1]
    assert own_scale(np.array([3.0, -7, 0.5, 0, np.inf, -np.inf, np.nan])).tolist() == [3, 7, 0.5, 1, 1, 1, 1]


def test_the_limits_of_a_precision_are_those_of_its_noise() -> None:
    assert [is_single(each) for each in (DOUBLE, SINGLE, HALF)] == [False, True, True]
    assert [is_half(each) for each in (DOUBLE, SINGLE, HALF)] == [False, False, True]
    assert precision(DOUBLE).tiny == np.finfo(np.float64).tiny
    assert precision(SINGLE).tiny == np.finfo(np.float32).tiny


def test_the_smallest_numbers_of_half_precision_are_scaled_as_its_values_are() -> None:
    y = np.array([-80.0, np.inf, 3.0])
    assert smallest(DOUBLE, y) == 5e-324
    assert smallest(SINGLE, y) == pytest.approx(1.4e-45, rel=1e-2, abs=0)
    assert smallest(HALF, y) == 80 * 2.0**-24
    assert smallest(HALF, np.zeros(2)) == smallest(HALF, np.zeros(0)) == 2.0**-24


def test_sizes_that_are_not_finite_are_0() -> None:
    assert finite(np.array([2.0, np.inf, np.nan, 0])).tolist() == [2, 0, 0, 0]


# --- Where f is called ------------------------------------------------------------------------------------------------


def test_each_output_is_moved_by_its_own_step_and_all_of_one_input_by_the_same() -> None:
    x = np.array([1.0, 2.0, 4.0])
    assert stencil_of(np.square, x).step(np.array([1.0, 0.5, 0.25])).tolist() == [4, 9, 25]
    assert along(lambda x: x[:2] * 10, x, np.array([1.0, 0, 0])).step(np.array([0.5, 0.5])).tolist() == [15, 20]


def test_sides_are_left_and_right_in_turn() -> None:
    sides = stencil_of(lambda x: x * 1, np.array([1.0])).sides([0.5, 0.25])
    assert [float(y[0]) for y in sides] == [0.5, 1.5, 0.75, 1.25]


def test_what_is_not_moved_keeps_the_sign_of_its_0() -> None:
    """The sides of a branch cut are told by it."""
    signs = along(lambda x: np.copysign(1, x), np.array([-0.0, 1.0]), np.array([0.0, 1.0]))
    assert signs.step(0.25).tolist() == signs.step(-0.25).tolist() == [-1, 1]


def test_points_have_the_dtype_of_x() -> None:
    x = np.array([1.0], np.float32)
    assert stencil_of(lambda x: np.asarray([x.dtype.itemsize]), x).step(np.array([0.1])).tolist() == [4]
    assert stencil_of(np.square, x).width(1e-3).tolist() == [float(np.float32(1.001)) - 1]


def test_of_an_output_outside_of_the_domain_there_is_no_value() -> None:
    one = bounded(np.sqrt, np.array([0.25, 4.0]), (0, np.inf))
    np.testing.assert_array_equal(one.step(-0.5), [np.nan, np.sqrt(2)])
    np.testing.assert_array_equal(one.step(0.5), [np.sqrt(0.75), np.sqrt(6)])
    second = one.subset(np.array([1]))
    assert second.step(-0.5).tolist() == [np.sqrt(2)]


def test_where_f_has_no_ends_nothing_is_asked_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlackBox, "outside", lambda *_: pytest.fail("asked"))
    assert stencil_of(np.square, np.array([1.0, 3.0])).step(1.0).tolist() == [4, 36]


def test_along_many_inputs_one_of_which_leaves_the_domain_f_is_not_called() -> None:
    line = along(np.sqrt, np.array([0.25, 4.0]), np.ones(2), (0, np.inf))
    before = line.box.evaluations
    np.testing.assert_array_equal([*line.steps([-0.5, 2.0])], [[np.nan, np.nan], np.sqrt([2.25, 6])])
    assert line.box.evaluations == before + 1


def test_beside_the_end_of_the_domain_there_is_a_value_to_one_side() -> None:
    stencil = bounded(np.sqrt, np.array([0.0, 1.0]), (0, np.inf))
    np.testing.assert_array_equal(stencil.beside(-np.inf), [np.nan, np.sqrt(1 - LAST / 2)])
    assert stencil.beside(np.inf).tolist() == [np.sqrt(5e-324), np.sqrt(1 + LAST)]
    free = replace(stencil_of(lambda x: x * 1, np.array([1.0, 1.0])), v=np.array([1.0, 0]))
    assert free.beside(np.inf).tolist() == [1 + LAST, 1]


def test_parts_are_moved_one_by_one() -> None:
    x, calls = np.array([1.0, 2.0, 3.0]), list[list[float]]()

    def f(x: Array) -> Array:
        calls.append(x.tolist())
        return np.asarray([x.sum(), x.prod()])

    line = replace(along(f, x, np.ones(3)), parts=((np.array([0, 2]), slice(0, 1)), (np.array([1]), slice(1, 2))))
    before = len(calls)
    (y,) = line.steps([1.0])
    assert calls[before:] == [[2, 2, 4], [1, 3, 3]]
    assert y.tolist() == [8, 9]


def test_a_dither_shifts_what_is_not_moved_alike_to_both_sides() -> None:
    x = np.array([1.0, 2.0, 0.0])
    line = replace(along(lambda x: x * 1, x, np.array([1.0, 0, 0])), dither=0.01)
    left, right, far, farther = line.sides([0.5, 0.25])
    assert (left[0], right[0], far[0]) == (0.5, 1.5, 0.75)
    assert left[1] == right[1] != 2
    assert far[1] == farther[1] != left[1]
    assert abs(left[1] - 2) < 0.1
    assert left[2] == 0  # a part of nothing


# --- What is known of each output -------------------------------------------------------------------------------------


def test_some_of_the_outputs_keep_what_belongs_to_them() -> None:
    noise, rounding = Magnitudes.of(np.array([1.0, 2, 3])), Magnitudes.of(np.array([5.0, 6, 7]))
    whole = replace(stencil_of(np.square, np.array([1.0, 2, 3])), noise=noise, rounding=rounding)
    some = whole.subset(np.array([2, 0]))
    assert some.y0.tolist() == [9, 1]
    assert some.step(1.0).tolist() == [36, 4]  # of 3, by a unit of 3
    assert some.noise is not None
    assert some.noise[:].tolist() == [3, 1]
    assert some.summed().tolist() == [7, 5]
    assert some.subset(np.array([0])).step(1.0).tolist() == [36]
    line = along(np.square, np.array([1.0, 2, 3]), np.ones(3)).subset(np.array([2, 1]))
    assert line.step(1.0).tolist() == [16, 9]
    assert [each.tolist() for each in line.widths(0.5)] == [0.5, 0.5, 0]
    bare = replace(whole, noise=None, rounding=None).subset(np.array([1]))
    assert (bare.noise, bare.rounding, bare.summed().tolist()) == (None, None, 0)


def test_units_are_those_of_the_inputs_and_1_along_many() -> None:
    stencil = stencil_of(np.square, np.array([-3.0, 0.5]))
    assert stencil.step_scale().tolist() == stencil.units().tolist() == [3, 1]
    assert stencil.size().tolist() == [3, 0.25]
    line = along(np.square, np.array([-3.0, 0.5]), np.ones(2))
    assert line.step_scale() == 1
    assert line.units().tolist() == [1, 1]
    assert line.width(0.125) == 0.125
    scaled = replace(stencil, v=np.array([1.0, 0])).scaled(np.array([0.5, 0.5]))
    assert scaled.v.tolist() == [0.5, 0]


@pytest.mark.parametrize(
    ("measured", "counts"),
    [
        (1e-22, False),  # far below a last bit of 1, and large beside f
        (LAST, True),  # as of what has lost last bits of 1, however small f is
        (1e-6, False),  # a bend or a jump of f
    ],
)
def test_a_floor_counts_measured_noise_that_may_be_one_of_rounding(measured: float, counts: bool) -> None:
    f_of_x = 1e-20
    stencil = replace(stencil_of(lambda x: 0 * x + f_of_x, np.array([1.0])), noise=Magnitudes.of(np.array([measured])))
    floor = stencil.floor(0.5, np.array([f_of_x]), np.zeros(1))[0]
    assert (floor > 8 * measured / 2) == counts


def test_a_floor_counts_noise_that_is_small_beside_f_and_no_less_than_its_rounding() -> None:
    stencil = replace(stencil_of(np.ones_like, np.array([1.0])), noise=Magnitudes.of(np.array([1e-9])))
    assert stencil.floor(0.5, np.ones(1), np.zeros(1)) == pytest.approx(8e-9, rel=0.1)
    quiet = replace(stencil, noise=Magnitudes.of(np.array([1e-17])))
    assert quiet.floor(0.5, np.ones(1), np.zeros(1)) == pytest.approx(8 * LAST, rel=0.1, abs=0)


def test_a_floor_has_a_term_for_the_rounding_of_x_or_of_all_that_an_output_reads() -> None:
    stencil = replace(stencil_of(np.zeros_like, np.array([8.0])), of_x=SINGLE)
    assert stencil.floor(0.5, np.zeros(1), np.array([3.0])) == pytest.approx(8 * SINGLE * 24 / 8)
    assert stencil.floor(0.5, np.zeros(1), np.array([np.inf])) < 1e-300
    summed = replace(stencil, rounding=Magnitudes.of(np.array([100.0])))
    assert summed.floor(0.5, np.zeros(1), np.array([3.0])) == pytest.approx(8 * SINGLE * 100 / 8, rel=0.1)
    assert replace(stencil, of_x=None).x_epsilon == DOUBLE
