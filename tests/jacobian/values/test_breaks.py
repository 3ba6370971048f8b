"""Whether f is smooth in pieces: its breaks are told from bends, and by how much a slope may be off between them."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import sqrtm

import jacinspect
from jacinspect.jacobian.values.breaks import between_pieces, in_pieces
from jacinspect.jacobian.values.numeric import numeric_jacobian
from jacinspect.jacobian.values.rough import NO_STAIRS, Stairs
from jacinspect.records import replace
from tests.kinds import KINDS, Case
from tests.kinds import inspected as of_kind
from tests.lines import F, looked_at, stencil_of
from tests.oracles import Array

X = np.array([0.3127, -1.2871, 2.0413])
DAMPING = 0.2357258


def off(f: F, x: Array = X) -> Array:
    """Return by how much a slope may be off at x."""
    stencil = stencil_of(f, x)
    slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    return between_pieces(stencil, slope, np.abs(slope), np.zeros(slope.size, bool))[0]


@pytest.mark.parametrize("f", [np.sin, np.exp, lambda x: x / (1 + np.abs(x)), lambda x: np.abs(x - 0.5) ** 3 + x])
def test_a_function_without_breaks_has_no_pieces(f: F) -> None:
    assert off(f).tolist() == [0, 0, 0]


def test_a_smooth_function_is_looked_at_once_on_each_side_near_and_far() -> None:
    stencil = stencil_of(lambda x: np.exp(x / 4), X)
    before = stencil.box.evaluations
    between_pieces(stencil, np.exp(X / 4) / 4, np.exp(X / 4) / 4, np.zeros(X.size, bool))
    assert stencil.box.evaluations - before == 64 + 3 * 65


def test_waves_between_the_places_and_poles_are_no_breaks() -> None:
    assert off(lambda t: np.sin(2 * np.pi * t / 86400), 1.6e9 + X).tolist() == [0, 0, 0]
    assert off(lambda x: 1 / (x - 0.4), X)[0] == 0


@pytest.mark.parametrize("away", [0.13, 1e-3])
@pytest.mark.parametrize(("turn", "times"), [(2.4e-3, 2), (1e-5, 32)])
def test_slopes_may_be_off_by_twice_what_two_pieces_differ_by_or_by_far_more_of_little(
    turn: float, times: int, away: float
) -> None:
    x = X[:1]

    def f(at: Array) -> Array:
        return np.asarray(np.exp(0.3 * at) + turn * np.maximum(at - x - away, 0))

    np.testing.assert_allclose(off(f, x), times * turn, rtol=0.05)


def test_many_kinks_are_those_of_a_solver_where_they_are_faint() -> None:
    knots = np.linspace(-4, 4, 42)[:, None]

    def f(x: Array, turn: float) -> Array:
        return np.asarray(np.exp(0.3 * x) + turn * np.maximum(x - knots, 0).sum(axis=0))

    assert (off(lambda x: f(x, 1e-5)) >= 1e-5).all()
    assert (off(lambda x: f(x, 8e-4))[:2] >= 8e-4).all()  # 0.3 % of a slope, as of RK23 at 1e-4
    assert off(lambda x: f(x, 0.02)).tolist() == [0, 0, 0]


def test_where_f_leaps_and_turns_at_once_it_leaps() -> None:
    """The differences of a kink shrink by 64, those of a leap do not, and those of both by less."""

    def f(x: Array) -> Array:
        breaks = [
            1e-8 * (x > at) + 1.4e-5 * np.maximum(x - at, 0) for at in (1.0, 1.004)
        ]  # too near for slopes between
        return np.asarray(np.exp(0.3 * x) + sum(breaks))

    assert off(f, np.array([1.3]))[0] > 0


def leaping(ends: Array, height: float) -> F:
    """Return a smooth function with leaps of one height."""
    return lambda x: np.exp(0.3 * x) + height * (x > ends[:, None]).sum(axis=0)


def test_by_a_leap_slopes_may_be_off_by_some_times_its_height_over_its_distance() -> None:
    np.testing.assert_allclose(off(leaping(np.array([1.1015]), 1e-7), np.array([1.1])), 16 * 1e-7 / 0.0015, rtol=0.6)


def test_where_f_leaps_and_turns_slopes_may_be_off_by_the_turn() -> None:
    slope, turn = 0.3 * np.exp(0.33), 0.01
    found = off(lambda x: np.exp(0.3 * x) + (x > 1.3) * (1e-4 + turn * (x - 1.3)), np.array([1.1]))[0]
    assert 2 * turn < found < 2 * turn + 1.01 * slope / 64


def test_leaps_that_crowd_excuse_no_more_than_one() -> None:
    ends = 1.4 + np.random.default_rng(0).uniform(-0.25, 0.25, 60)
    np.testing.assert_allclose(off(leaping(ends, 1e-3), np.array([1.0])), 0.3 * np.exp(0.3) / 64, rtol=1e-6)


@pytest.mark.parametrize(("number", "height"), [(800, 1e-4), (1000, 1e-6)])
def test_what_leaps_between_most_places_is_not_followed(number: int, height: float) -> None:
    ends = np.linspace(0.9, 1.9, number) + np.random.default_rng(0).uniform(-1e-3, 1e-3, number)
    assert off(leaping(ends, height), np.array([1.0])) == 0


def test_a_jump_of_f_s_own_excuses_nothing_where_leaps_of_a_solver_are_far_away() -> None:
    x = np.array([0.6])

    def leaps(x: Array) -> Array:
        return np.asarray(1e-7 * ((x < -1.2) + 1.0 * (x < -1.0) + (x > 1.8)))

    assert 0 < off(lambda x: x + (x > 0.5) + leaps(x), x)[0] < 1e-5


@pytest.mark.parametrize("seed", [0, 1])
def test_the_kinks_of_a_table_are_its_own(seed: int) -> None:
    rng, x = np.random.default_rng(seed), np.random.default_rng(0).uniform(-2, 2, 40)
    knots, values = np.sort(rng.uniform(-3, 3, 30)), rng.standard_normal(30)
    assert not off(lambda x: np.interp(x, knots, values), x).any()


def test_a_kink_as_steep_as_f_and_a_jump_excuse_little() -> None:
    assert off(lambda x: np.maximum(x, 0.5), np.array([0.6])) <= 1 / 64 * (1 + 1e-9)
    np.testing.assert_allclose(off(lambda x: x + 0.02 * (x > 0.5), np.array([0.6])), 1 / 64)
    assert off(lambda x: x + 1.0 * (x > 0.5), np.array([0.6])) == 0


def test_a_leap_is_a_solver_s_where_there_are_faint_ones_elsewhere() -> None:
    """As of RK23 at 1e-4 on logistic growth, whose number of steps grows by 1 beside x only."""
    x, faint = np.array([1.0]), np.linspace(0.2, 0.4, 9)[:, None]

    def f(x: Array) -> Array:
        return np.asarray(np.exp(x) + np.where(x > 1.3, 3e-3 + 0.5 * (x - 1.3), 0))

    assert off(f, x)[0] == 0
    assert off(lambda x: f(x) + 1e-5 * (x > faint).sum(axis=0), x)[0] > 0.02


def test_leaps_are_sought_beyond_those_that_are_noise() -> None:
    """As of RK45 at 1e-3, whose step sizes make rounding a thousand times as large."""
    x = np.array([1.1])

    def noisy(x: Array) -> Array:
        return np.asarray(np.exp(0.3 * x) + 1e-12 * np.sin(1e9 * x**2))

    assert off(noisy, x)[0] == 0
    assert off(lambda x: noisy(x) + 1e-4 * (x < -0.4) + 1e-4 * (x < -0.7), x)[0] > 1e-4


def test_beside_many_breaks_there_are_no_slopes_to_compare_and_others_are_a_few_places_away() -> None:
    """16 times the height of a leap over a distance of nine places, which are 1/64 of a unit, 64 times closer."""
    height, ends = 1e-8, np.array([1.398, 1.4, 1.402])
    found = off(leaping(ends, height), np.array([1.1]))[0]
    assert 16 * height / (9 / 64**2) / 2 < found < 16 * height / (9 / 64**2) * 8


def test_what_leaps_between_the_closest_places_is_noise() -> None:
    assert off(lambda x: np.exp(0.3 * x).astype(np.float32).astype(float), X).tolist() == [0, 0, 0]


def test_many_leaps_make_slopes_that_are_off_by_one_over_the_distance_between_two() -> None:
    ends = np.linspace(0.02, 2.02, 21)[:, None]
    sizes = 1e-6 * (1 + 0.01 * np.arange(21)[:, None])  # the largest is the farthest

    def f(x: Array) -> Array:
        return np.asarray(np.exp(0.3 * x) + (sizes * (x > ends)).sum(axis=0))

    assert 16 * 1e-5 < off(f, np.array([1.0]))[0] < 64 * 1e-5


def square_root(tolerance: float) -> F:
    """Return Newton's method, which takes one step more where its operand is some times as large."""

    def newton(a: float) -> float:
        root = max(a, 1.0)
        for _ in range(50):
            step = (root * root - a) / (2 * root)
            root -= step
            if abs(step) < tolerance:
                break
        return root

    return lambda x: np.array([newton(a) for a in x])


@pytest.mark.parametrize(("tolerance", "at"), [(1e-2, 44.0), (1e-3, 31.5)])
def test_newton_s_method_is_smooth_in_wide_pieces(tolerance: float, at: float) -> None:
    f, x = square_root(tolerance), np.array([at])
    assert jacinspect.inspect(f, x, lambda x: 0.5 / np.sqrt(x)).verdict == "inconclusive"
    assert jacinspect.inspect(f, x, lambda x: 0.515 / np.sqrt(x)).verdict == "fail"


@pytest.mark.parametrize("seed", [325, 328])
def test_an_iteration_that_stops_at_1e_10_passes(seed: int) -> None:
    """It is off by a relative 2e-9, and leaps by less than a millionth of that of one at 1e-3."""
    (kind,) = (kind for kind in KINDS if kind.name == "fixed point, 1e-10")
    report = of_kind(Case(kind, "numpy", 1, 1, seed))
    assert report
    assert report.verdict == "pass"


@pytest.mark.parametrize(("height", "steps"), [(1e-10, 2), (5e-11, 3)])
def test_a_slope_in_close_pieces_is_known_to_what_they_differ_by(height: float, steps: int) -> None:
    """As that of a root which is stopped at 1e-8 has six digits or more, and a claim is right or wrong to these."""

    def f(x: Array) -> Array:
        return np.asarray(np.exp(0.3 * x) + height * np.floor(steps * x) ** 2)

    x = np.array([1.0 + 0.4 / steps])
    slope = 0.3 * np.exp(0.3 * x)
    for off, verdict in ((1e-7, "pass"), (-1e-7, "pass"), (1e-6, "fail"), (-1e-6, "fail")):
        report = jacinspect.inspect(f, x, lambda x, off=off: slope + off)
        assert report.verdict == verdict, off
        assert report.jacobian is not None
        assert report.jacobian.error_bar is not None
        assert report.jacobian.error_bar[0] < 2.0**-20 * slope


def test_what_nobody_doubts_or_is_excused_already_is_not_asked_for_pieces() -> None:
    first = looked_at(np.exp, np.array([0.3]))
    numeric = replace(numeric_jacobian(first, 1000), jacobian=replace(first.jacobian, data=np.exp([0.3])))
    claim, nothing = 1.001 * np.exp([0.3]), np.zeros(1)

    def calls(stairs: Stairs) -> int:
        before = first.near.box.evaluations
        in_pieces(first, replace(numeric, stairs=stairs), lambda _, value, bar: ~(np.abs(claim - value) <= bar))
        return first.near.box.evaluations - before

    excused = Stairs(np.zeros(1, np.int64), nothing + 1e-6, claim, nothing, nothing > 0)
    assert calls(NO_STAIRS) > 200
    assert calls(excused) == 0
    unasked = replace(numeric, jacobian=first.jacobian)
    assert in_pieces(first, unasked, lambda *_: pytest.fail("asked")) is unasked


def test_what_pieces_differ_by_is_a_part_of_each_output_s_own_slopes() -> None:
    x, slopes = np.array([0.3, 0.75]), np.array([[1.0, 1.0], [100.0, 100.0]])
    knots = x[1] + 0.03 + np.arange(-3, 3) / 16

    def f(x: Array) -> Array:
        return np.asarray(slopes @ (x + [0, 1e-5] * np.maximum(x - knots[:, None], 0).sum(axis=0)))

    right = slopes * [1, 1 + 3e-5]
    claimed = (right * [1, 1 + 2e-5]).ravel()
    first = looked_at(f, x)
    numeric = numeric_jacobian(first, 1000, lambda at, value, bar: ~(np.abs(claimed[at] - value) <= bar))
    found = in_pieces(first, numeric, lambda at, value, bar: ~(np.abs(claimed[at] - value) <= bar)).stairs
    assert found.entries.tolist() == [1, 3]
    np.testing.assert_allclose(found.bar, [32e-5, 32e-3], rtol=0.1)


def test_the_breaks_of_what_works_in_half_precision_are_those_of_rounding() -> None:
    def f(x: Array) -> Array:
        powers = np.exp(x.astype(np.float16))
        return np.asarray((powers / np.sum(powers)).astype(float))

    for x in (np.array([1.04, 2.46, 0.99, -3.91]), np.array([-2.41, -3.97, -0.75, 1.26])):
        p = np.exp(x) / np.sum(np.exp(x))
        off = 1.05 * (np.diag(p) - np.outer(p, p))
        assert jacinspect.inspect(f, x, lambda _, off=off: off).verdict == "fail"


def test_outputs_without_a_break_in_reach_share_the_work_of_those_that_have_one() -> None:
    """As the early times do at which an integrator gives its result."""

    def early(x: Array) -> Array:
        return np.asarray(np.sqrt(x) + 1e-4 * np.log(x))

    def f(x: Array) -> Array:
        return np.concatenate([square_root(1e-2)(x), early(x)])

    def slopes(x: Array) -> Array:
        return np.asarray(0.5 / np.sqrt(x) * np.ones((2, 1)))

    x = np.array([44.0])
    assert not off(early, x).any()
    assert jacinspect.inspect(f, x, slopes).verdict == "inconclusive"
    assert jacinspect.inspect(f, x, lambda x: slopes(x) * [[1], [1.03]]).verdict == "fail"


def test_what_is_found_of_other_inputs_holds_for_one_without_a_break_in_reach() -> None:
    """The work of f may depend on all of them."""

    def f(x: Array) -> Array:
        return square_root(1e-2)(x[:1]) * np.exp(x[1:] / 8)

    x = np.array([20.0, 1.0])
    slopes = np.array([(f(x + step) - f(x - step))[0] / 2e-4 for step in 1e-4 * np.eye(2)])
    for factor, verdict in ((1 + 1e-4, "inconclusive"), (1.03, "fail")):
        report = jacinspect.inspect(f, x, lambda _, factor=factor: slopes * [1, factor], derivative_kind="gradient")
        assert report.verdict == verdict


def lotka(k: Array, _: float, y: Array) -> list[float]:
    return [k[0] * y[0] - k[1] * y[0] * y[1], k[1] * y[0] * y[1] - k[2] * y[1]]


def van_der_pol(k: Array, _: float, y: Array) -> list[float]:
    return [y[1], k[0] * (1 - y[0] ** 2) * y[1] - k[1] * y[0]]


@pytest.mark.parametrize(
    ("rates", "inputs", "seed"),
    [(lotka, 3, 0), (lotka, 3, 7), (van_der_pol, 2, 1), (van_der_pol, 2, 3), (van_der_pol, 2, 4)],
)
def test_slopes_between_leaps_of_a_solver_that_are_far_off_accuse_nobody(rates: Any, inputs: int, seed: int) -> None:
    """By solve_ivp as it is, slopes are off by 14 %, and of the other sign: those over many leaps are not."""
    k = np.random.default_rng(seed).uniform(0.5, 1.5, inputs)

    def f(k: Array, **options: Any) -> Array:
        return np.asarray(solve_ivp(lambda t, y: rates(k, t, y), (0, 4.0), [1.0, 0.5], **options).y[:, -1])

    def exact(k: Array) -> Array:
        return f(k, method="DOP853", rtol=1e-12, atol=1e-13)

    steps = 1e-4 * np.eye(inputs)
    slopes = np.array([(exact(k + step) - exact(k - step)) / 2e-4 for step in steps]).T
    for noise, verdict in ((None, "inconclusive"), (1e-2, "pass")):
        assert jacinspect.inspect(lambda k: f(k, atol=1e-6), k, lambda _: slopes, noise=noise).verdict == verdict


@pytest.mark.parametrize(
    ("height", "factors"), [(1e-5, (1.03, 1.3, 0.0, -1.0)), (1e-8, (1 + 1e-5, 1 + 1e-4)), (1e-9, (1 + 1e-5,))]
)
def test_an_error_that_is_large_beside_what_f_leaps_by_is_found(height: float, factors: tuple[float, ...]) -> None:
    leaps = X[:1] + np.array([-0.41, -0.22, 0.13, 0.27, 0.46])[:, None]

    def f(x: Array) -> Array:
        return np.asarray(np.exp(0.3 * x) + np.sin(3 * x) + height * (x > leaps).sum(axis=0))

    def slope(x: Array) -> Array:
        return np.asarray(0.3 * np.exp(0.3 * x) + 3 * np.cos(3 * x))

    for factor in factors:
        assert jacinspect.inspect(f, X[:1], lambda x, factor=factor: factor * slope(x)).verdict == "fail"


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.9, 1.3, -1.0])
@pytest.mark.parametrize("at", [0.25, 1.37, -0.62])
def test_large_errors_are_found_beside_a_leap_or_two(at: float, factor: float) -> None:
    x = np.array([at])
    of_its_own: list[F] = [lambda x: 100 + np.mod(x, 0.7), lambda x: 30 + x + 0.1 * (x > at + 0.1)]
    for f in of_its_own:
        assert jacinspect.inspect(f, x, lambda _: np.ones(1)).verdict == "pass"
        assert jacinspect.inspect(f, x, lambda _: np.full(1, factor)).verdict == "fail"


def test_several_leaps_that_are_most_of_what_f_moves_by_are_its_own() -> None:
    x = np.array([-0.62])
    assert jacinspect.inspect(lambda x: 100 + np.mod(x, 0.3), x, lambda _: np.full(1, 1.3)).verdict == "fail"


def test_a_kink_that_is_far_away_is_f_s_own() -> None:
    assert off(lambda x: x + 1e-3 * np.maximum(x, 0.1), np.array([0.6])) == 0


@pytest.mark.parametrize("units", [64, 1024])
def test_an_error_in_a_network_of_rectifiers_is_found(units: int) -> None:
    """It has a kink every few hundredths of a unit, as no solver has."""
    rng = np.random.default_rng(1)
    inner, shift, outer = rng.normal(size=(units, 5)) / 2, rng.normal(size=units), rng.normal(size=units) / units**0.5
    x = rng.normal(size=5)

    def gradient(x: Array) -> Array:
        return np.asarray((outer * (inner @ x + shift > 0)) @ inner)

    def network(x: Array) -> Array:
        return np.asarray(outer @ np.maximum(inner @ x + shift, 0))

    assert jacinspect.inspect(network, x, gradient).verdict == "pass"
    assert jacinspect.inspect(network, x, lambda x: 1.01 * gradient(x)).verdict == "fail"


def rectifiers(seed: int, inputs: int, units: int, layers: int, leak: float) -> tuple[F, F, Array]:
    """Return a network of rectifiers, its Jacobian, and numbers to look at it."""
    rng = np.random.default_rng(seed)
    sizes = [inputs, *[units] * layers, 3]
    weights = [rng.normal(size=(to, of)) / np.sqrt(of) for of, to in pairwise(sizes)]
    shifts = [0.3 * rng.normal(size=to) for to in sizes[1:]]

    def network(x: Array) -> Array:
        for w, b in zip(weights[:-1], shifts[:-1], strict=True):
            x = np.maximum(w @ x + b, leak * (w @ x + b))
        return np.asarray(weights[-1] @ x + shifts[-1])

    def jacobian(x: Array) -> Array:
        slopes = np.eye(inputs)
        for w, b in zip(weights[:-1], shifts[:-1], strict=True):
            factors = np.where(w @ x + b > 0, 1, leak)
            x, slopes = factors * (w @ x + b), factors[:, None] * (w @ slopes)
        return np.asarray(weights[-1] @ slopes)

    return network, jacobian, rng.normal(size=inputs)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("inputs", "units", "layers", "leak"), [(4, 8, 1, 0), (3, 16, 3, 0), (4, 16, 2, 0.1)])
def test_an_error_of_1_percent_in_a_small_network_of_rectifiers_is_found(
    inputs: int, units: int, layers: int, leak: float, seed: int
) -> None:
    network, jacobian, x = rectifiers(seed, inputs, units, layers, leak)
    one = jacobian(x)
    one[np.unravel_index(np.argsort(np.abs(one), axis=None)[one.size // 2], one.shape)] *= 1.01
    assert jacinspect.inspect(network, x, lambda _: one).verdict == "fail"
    assert jacinspect.inspect(network, x, lambda x: 1.01 * jacobian(x)).verdict == "fail"


@pytest.mark.parametrize("seed", range(6))
def test_an_error_in_a_square_root_of_a_matrix_is_found(seed: int) -> None:
    """It has roots where an eigenvalue is 0, which are no leaps, and leaps where it is not real: of all sizes."""
    rng, n = np.random.default_rng(seed), 3
    a = rng.normal(size=(n, n))

    def root(x: Array) -> Array:
        return np.asarray(sqrtm(x).real)

    x = a @ a.T + 0.5 * np.eye(n)
    slopes = np.linalg.inv(np.kron(root(x), np.eye(n)) + np.kron(np.eye(n), root(x).T)).reshape(n, n, n, n)
    assert jacinspect.inspect(root, x, lambda _: slopes).verdict == "pass"
    slopes[np.unravel_index(np.argsort(np.abs(slopes), axis=None)[slopes.size // 2], slopes.shape)] *= 1.01
    assert jacinspect.inspect(root, x, lambda _: slopes).verdict == "fail"


@pytest.mark.parametrize("factor", [1.03, -1.0])
def test_an_error_is_found_beside_the_slope_by_a_far_smaller_input(factor: float) -> None:
    """The impedance of a coil and a capacitor near resonance, whose slope by a capacity of 1e-12 is 5e14."""
    x = np.array([1.1e-12, 1e3, 1e9, 0.9e-6])

    def impedance(x: Array) -> Array:
        c, r, w, coil = x
        return np.array([np.hypot(r, w * coil - 1 / (w * c))])

    def slopes(x: Array) -> Array:
        (c, r, w, coil), z = x, impedance(x)[0]
        part = (w * coil - 1 / (w * c)) / z
        return np.array([[part / (w * c * c), r / z, part * (coil + 1 / (w * w * c)), part * w]])

    assert jacinspect.inspect(impedance, x, slopes).verdict == "pass"
    assert jacinspect.inspect(impedance, x, lambda x: slopes(x) * [1, 1, 1, factor]).verdict == "fail"


def test_an_error_beside_a_small_kink_is_found() -> None:
    x = np.array([0.7])

    def f(x: Array) -> Array:
        return np.asarray(np.sin(x) + 0.05 * np.abs(x - 0.71))

    def slope(x: Array) -> Array:
        return np.asarray(np.cos(x) + 0.05 * np.sign(x - 0.71))

    assert jacinspect.inspect(f, x, slope).verdict == "pass"
    assert jacinspect.inspect(f, x, lambda x: 1.01 * slope(x)).verdict == "fail"


def test_an_error_beside_a_branch_cut_is_found() -> None:
    def gradient(x: Array) -> Array:
        slopes: Array = np.array([x[1], -x[0]]) / (x @ x)
        return slopes

    x, angle = np.array([1e-6, -1.0]), lambda x: np.arctan2(x[0], x[1])
    assert jacinspect.inspect(angle, x, gradient).verdict == "pass"
    assert jacinspect.inspect(angle, x, lambda x: 1.001 * gradient(x)).verdict == "fail"


def test_an_error_in_what_a_table_is_part_of_is_found() -> None:
    at = np.linspace(250, 400, 12)
    table = 2000 + 3 * np.sin(at / 15) + 0.02 * (at - 300) ** 2
    x = np.array([379.2, 288.01])

    def flux(x: Array) -> Array:
        return np.atleast_1d(np.interp(x, at, table).sum() * (x[1] - x[0]) ** 2)

    def gradient(x: Array) -> Array:
        cells, width = np.searchsorted(at, x) - 1, x[1] - x[0]
        turn = 2 * np.interp(x, at, table).sum() * width * np.array([-1, 1])
        return np.asarray(np.diff(table)[cells] / np.diff(at)[cells] * width**2 + turn)

    assert jacinspect.inspect(flux, x, gradient).verdict == "pass"
    assert jacinspect.inspect(flux, x, lambda x: [1, 1.03] * gradient(x)).verdict == "fail"


def test_a_kink_at_x_is_a_solver_s_where_f_leaps_elsewhere_and_the_kink_is_faint() -> None:
    x, ends = np.array([0.75]), np.array([0.31, 0.45, 1.02, 1.17])

    def verdict(turn: float, leaps: float) -> str:
        def f(x: Array) -> Array:
            return np.asarray(
                np.exp(0.3 * x) + turn * np.maximum(x - 0.75, 0) + leaps * (x > ends[:, None]).sum(axis=0)
            )

        found: str = jacinspect.inspect(f, x, lambda _: 0.3 * np.exp(0.3 * x) + 3 * turn).verdict
        return found

    assert verdict(1e-5, 1e-5) == "inconclusive"
    assert verdict(1e-5, 0) == "fail"
    assert verdict(1e-3, 1e-5) == "fail"


def test_of_several_inputs_that_one_is_asked_by_which_f_is_off() -> None:
    x = np.array([0.3, 0.75])
    knots = x[1] + 0.03 + np.arange(-3, 3) / 16

    def f(x: Array) -> Array:
        return np.atleast_1d(np.sin(x[0]) + np.exp(0.3 * x[1]) + 1e-5 * np.maximum(x[1] - knots, 0).sum())

    slopes = np.array([np.cos(x[0]), 0.3 * np.exp(0.3 * x[1]) + 3e-5])
    assert jacinspect.inspect(f, x, lambda _: slopes).verdict == "pass"
    assert jacinspect.inspect(f, x, lambda _: slopes + 1e-5 * np.arange(2)).verdict == "inconclusive"
    assert jacinspect.inspect(f, x, lambda _: slopes * [1, 1.01]).verdict == "fail"


def test_a_peak_too_narrow_to_be_followed_is_f_s_own() -> None:
    assert off(lambda x: x + 1 / (1 + ((x - 0.41088506) / 1.76e-6) ** 2), np.array([-0.69064])) == 0


def decayed(k: Array) -> Array:
    """Return y(3) of y' = -|k| y² from y(0) = 1."""
    solution = solve_ivp(lambda _, y: -np.abs(k[0]) * y * y, (0, 3), [1.0], "LSODA", rtol=1e-4, atol=1e-7)
    return np.asarray(solution.y[0, -1:])


def swung(k: Array) -> Array:
    """Return y(5) of a damped spring of some stiffness, by an integrator at its default tolerance."""
    spring = solve_ivp(lambda _, y: [y[1], -k[0] * y[0] - DAMPING * y[1]], (0, 5), [1.0, 0], "RK23", atol=1e-6)
    return np.asarray(spring.y[0, -1:])


def swung_slope(k: Array) -> Array:
    frequency = np.sqrt(k - DAMPING**2 / 4 + 1e-30j)
    y = np.exp(-2.5 * DAMPING) * (np.cos(5 * frequency) + DAMPING / (2 * frequency) * np.sin(5 * frequency))
    return np.asarray(y.imag * 1e30)


def test_many_faint_kinks_show_a_solver_though_they_are_far_away() -> None:
    k = np.array([0.38912845])
    assert jacinspect.inspect(decayed, k, lambda k: -3 / (1 + 3 * k) ** 2).verdict == "inconclusive"
    assert jacinspect.inspect(decayed, k, lambda k: -3.09 / (1 + 3 * k) ** 2).verdict == "fail"


@pytest.mark.parametrize(
    ("method", "seed"), [("RK45", 4), ("RK45", 5), ("RK45", 9), ("RK23", 0), ("RK23", 4), ("RK23", 9)]
)
def test_steps_of_a_solver_are_faint_and_many_beside_what_a_slope_changes_by(method: str, seed: int) -> None:
    """By solve_ivp as it is, sensitivities of the simplest equation are off by 0.2 %, and by 1 % with RK23."""
    rate = np.random.default_rng(seed).uniform(0.5, 1.5, 1)

    def decayed(rate: Array) -> Array:
        return np.asarray(solve_ivp(lambda _, y: -rate[0] * y, (0.0, 3.0), [1.0], method).y[:, -1])

    for factor, verdict in ((1.0, "inconclusive"), (1.03, "fail")):
        report = jacinspect.inspect(decayed, rate, lambda r, factor=factor: -3 * factor * np.exp(-3 * r))
        assert report.verdict == verdict


def test_where_a_solver_leaps_it_turns_by_as_much_as_ever() -> None:
    assert jacinspect.inspect(swung, np.array([2.66678835]), swung_slope).verdict == "inconclusive"


@pytest.mark.parametrize(("at", "unit"), [(0.0, 1.0), (-20.0, 20.0)])
def test_far_away_is_in_units_of_x_and_of_1_at_0(at: float, unit: float) -> None:
    def f(x: Array) -> Array:
        return np.asarray(np.exp(0.3 * x / unit) + 1e-4 * (x < at - 1.1 * unit) + 1e-4 * (x < at - 1.3 * unit))

    assert off(f, np.array([at]))[0] > 1e-4 * 0.3 / unit


def test_a_few_colors_are_asked_and_those_alone_by_which_f_is_off() -> None:
    mixed, x = np.random.default_rng(0).normal(size=(6, 6)), np.random.default_rng(1).uniform(-0.1, 0.1, 6)
    knots = 0.03 + np.arange(-3, 3)[:, None] / 16
    calls: list[Array] = []

    def f(x: Array) -> Array:
        calls.append(x)
        return np.asarray(mixed @ (np.exp(0.3 * x) + 1e-5 * np.maximum(x - knots, 0).sum(axis=0)))

    def called(off: Array) -> int:
        slopes = mixed * (0.3 * np.exp(0.3 * x) + 1e-5 * (x > knots).sum(axis=0)) * (1 + 4e-5 * off)
        before = len(calls)
        assert jacinspect.inspect(f, x, lambda _: slopes, derivative_kind="jacobian").verdict == "inconclusive"
        return len(calls) - before

    assert called(np.eye(6)[5]) < 600
    assert called(np.ones(6)) < 1500


@pytest.mark.parametrize("width", [1e-7, 1e-5, 1e-4])
@pytest.mark.parametrize("times", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("power", [2, 4])
def test_a_narrow_dip_at_0_is_no_break(width: float, times: float, power: int) -> None:
    """From half a unit away, f is 1 everywhere but at one place."""

    def hill(c: Array) -> Array:
        return np.asarray(c**power / (width**power + c**power))

    def slope(c: Array) -> Array:
        return np.asarray(power * c ** (power - 1) * width**power / (width**power + c**power) ** 2)

    x = np.array([times * width])
    assert jacinspect.inspect(hill, x, derivative=slope).verdict == "pass"
    assert jacinspect.inspect(hill, x, derivative=lambda c: 1.01 * slope(c)).verdict == "fail"


def test_a_break_beside_a_small_x_is_one_however_close_it_is_looked_at() -> None:
    x = np.array([1e-4])
    found = off(lambda at: np.exp(at) + 2e-9 * np.floor(at / 7.3e-5) + 1e-9 * np.floor(at / 0.013), x)
    assert found > 0


def test_a_break_beside_0_is_not_followed_for_ever() -> None:
    stencil, one = stencil_of(lambda x: np.exp(x) + 1e-8 * (x > 0), np.zeros(1)), np.ones(1)
    before = stencil.box.evaluations
    between_pieces(stencil, one, one, one == 0)
    assert stencil.box.evaluations - before <= 10 * 3 * 65


def test_a_smooth_output_beside_one_in_pieces_is_in_none() -> None:
    found = off(lambda x: 1e3 + np.exp(0.3 * x) + 1e-5 * np.maximum(x - X[0] - 0.13, 0) * (X[0] == X))
    assert found[0] > 0
    assert found[1:].tolist() == [0, 0]


def test_beside_a_small_rate_a_solver_s_pieces_are_as_small() -> None:
    """Half a unit away, what decays at a rate of 1e-3 has other steps altogether."""

    def rates(t: float, z: Array, k: float) -> list[float]:
        bend = 1e-4 * np.sin(1e-3 * t)
        return [-k * z[0] + bend * z[0] ** 2, -z[0] + (2 * bend * z[0] - k) * z[1]]

    def decay(k: Array) -> Array:
        ends = solve_ivp(lambda t, y: rates(t, np.array([*y, 0]), k[0])[:1], (0, 2e3), [1.3], rtol=1e-8, atol=1e-11)
        return np.asarray(ends.y[0, -1:])

    x = np.array([1.1369617e-3])
    slope = solve_ivp(rates, (0, 2e3), [1.3, 0], "DOP853", rtol=1e-12, atol=1e-14, args=(x[0],)).y[1, -1:]
    assert jacinspect.inspect(decay, x, derivative=lambda k: slope).verdict != "fail"
