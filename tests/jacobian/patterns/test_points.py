"""Where f is called: how far from x, on which side, and within the domain."""

from itertools import pairwise

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import Domain
from jacinspect.jacobian.patterns.points import NEARER, PointSource
from tests.oracles import Array, Shape

EVERYWHERE = (-np.inf, np.inf)
X = np.array([[-3.0, 0.25, 0.0], [1e-6, 5.0, -0.5]])
SIZE = np.abs(X)


def source(x: Array = X, domain: Domain = EVERYWHERE, seed: int = 0) -> PointSource:
    return PointSource(x, domain, np.random.default_rng(seed))


def between(low: Array | float, values: Array, high: Array | float) -> bool:
    """Whether all of some values lie between two others; none is NaN."""
    return bool(np.all((low <= values) & (values <= high)))


# --- How far


@pytest.mark.parametrize(("reach", "least"), [(1, 1), (0.25, 0), (1, 100), (2.0**-10, 0)])
@pytest.mark.parametrize("direction", [-1, 0, 1])
def test_entries_move_by_a_reach_of_their_size_or_by_the_least_and_up_to_twice_that(
    direction: int, reach: float, least: float
) -> None:
    far = np.where(SIZE == 0, max(least, 0), np.maximum(reach * SIZE, least))[SIZE > 0]
    for seed in range(5):
        moved = np.abs(source(seed=seed).moved(direction, reach, least) - X)[SIZE > 0]
        assert between(far * (1 - 1e-9), moved, 2 * far * (1 + 1e-9))


def test_the_direction_is_away_from_0_towards_it_or_random() -> None:
    x = np.array([3.0, -3.0] * 50)
    assert np.all((source(x).moved(1, 0.25, 0) - x) * x > 0)
    assert np.all((source(x).moved(-1, 0.25, 0) - x) * x < 0)
    away = (source(x).moved(0, 0.25, 0) - x) * x > 0
    assert 20 < np.count_nonzero(away) < 80
    assert 5 < np.count_nonzero(away & (x > 0)) < 45


def test_zero_moves_below_1_where_the_reach_is_relative_and_up_or_down_where_a_side_is_asked_for() -> None:
    zeros = np.zeros(50)
    for direction in (-1, 1):
        moved = direction * source(zeros).moved(direction, 0.25, 0)
        assert between(0, moved, 1)
        assert np.unique(moved).size == 50


def test_the_largest_numbers_move_and_stay_finite() -> None:
    largest = np.finfo(float).max
    x = np.array([largest, -largest, largest / 1.5])
    assert source(x).moved(1, 1, 1).tolist() == [largest / 2, -largest / 2, largest]
    assert source(-x).moved(1, 1, 1).tolist() == [-largest / 2, largest / 2, -largest]


def test_a_number_that_is_not_finite_gives_way_to_one_below_1_on_either_side_and_no_other_does() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 50.0] * 10)
    moved = source(x).moved(1, 1, 1)
    assert between(100, moved[3::4], 150)
    rest = np.delete(moved, slice(3, None, 4))
    assert between(-1, rest, 1)
    assert rest.min() < 0 < rest.max()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (2, 1, 3)])
def test_points_have_the_shape_and_the_precision_of_x(shape: Shape) -> None:
    x = np.full(shape, 3, np.float32)
    for domain in (EVERYWHERE, (0.0, 4.0), (-np.inf, 4.0), (2.0, np.inf)):
        points = source(x, domain)
        for point in [*points.flips(), *points.nearer(), points.near_one()]:
            assert point.shape == shape
            assert point.dtype == np.float32


def test_points_near_one_lie_between_a_half_and_two() -> None:
    assert between(0.5, source(np.full(99, 1e9)).near_one(), 2)


# --- Nearer and nearer


def distances(x: Array, reach: float = 1.0) -> list[float]:
    """How far the farthest entry has moved at each point."""
    return [float(np.abs(point - x).max()) for point in source(x).nearer(reach)]


def test_points_come_nearer_from_some_reach_on() -> None:
    x = np.full(30, 4.0)
    all_, some = distances(x), distances(x, NEARER)
    assert len(all_) == 6
    assert all(near < far / 2 for far, near in pairwise(all_))
    assert (len(some), len(distances(x, 2.0**-31))) == (2, 0)
    assert 4 * NEARER <= some[0] <= 8 * NEARER


def test_the_first_is_by_1_at_least_and_the_nearer_ones_by_a_share_of_what_x_is_of() -> None:
    far, near, *_ = distances(np.full(30, 1e-6))
    assert 1 <= far <= 2
    assert 0.25e-6 <= near <= 0.5e-6


@pytest.mark.parametrize("other", [0.0, np.nan, np.inf, -np.inf])
def test_what_x_is_of_is_told_by_the_numbers_that_are_finite_and_not_0(other: float) -> None:
    x = np.array([1e-6, *[other] * 3])
    point = list(source(x).nearer())[1]
    assert 0.25e-6 <= abs(point[0] - x[0]) <= 0.5e-6


def test_zeros_alone_and_large_numbers_count_as_1() -> None:
    for x in (np.zeros(9), np.r_[0.0, np.full(8, 1e3)]):
        point = list(source(x).nearer())[1]
        assert 0.25 <= abs(point[0]) <= 0.5


# --- Within the domain


def test_each_entry_may_have_a_domain_of_its_own() -> None:
    limits = np.array([0.0, -np.inf, -np.inf, 1.0]), np.array([np.inf, 0.0, np.inf, 2.0])
    x = np.array([-3.0, 3.0, 3.0, 2.5])
    assert PointSource(np.ones(4), limits, np.random.default_rng(0)).inside(x).tolist() == [3.0, -3.0, 3.0, 1.5]


@pytest.mark.parametrize("domain", [(0.5, 3.0), (-np.inf, 6.0), (-4.0, np.inf), (-1.0, 1.0)])
def test_all_points_lie_in_the_domain(domain: Domain) -> None:
    inside = source(np.clip(X, *domain), domain)
    for point in [*inside.flips(), *inside.nearer(), inside.near_one()]:
        assert between(domain[0], point, domain[1])


def test_what_lies_outside_is_reflected_at_one_end_and_goes_round_between_two() -> None:
    x = np.array([-7.0, -1.0, 0.5, 9.25])
    assert source(domain=(-1.0, np.inf)).inside(x).tolist() == [5.0, -1.0, 0.5, 9.25]
    assert source(domain=(-np.inf, 0.25)).inside(x).tolist() == [-7.0, -1.0, 0.0, -8.75]
    assert source(domain=(-1.0, 1.0)).inside(x).tolist() == [-1.0, -1.0, 0.5, -0.75]


@pytest.mark.parametrize("domain", [(-1.0, np.inf), (-np.inf, 1.0), (-1.0, 1.0)])
def test_what_lies_inside_keeps_its_last_bit(domain: Domain) -> None:
    x = np.array([0.1, 1e-20, -0.7, 1.0, -1.0])
    assert source(domain=domain).inside(x).tolist() == x.tolist()


def test_without_a_domain_a_point_is_passed_on_as_it_is() -> None:
    assert source().inside(X) is X
