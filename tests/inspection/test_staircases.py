"""Functions that move in steps: right derivatives are not called wrong, wrong ones are found where steps allow it."""

import re
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.special import erf, ndtr

import jacinspect
from jacinspect.choices import AnyDerivativeKind
from tests.lines import F
from tests.oracles import Array


def normal(*shape: int, seed: int, scale: float = 1.0) -> Array:
    return scale * np.random.default_rng(seed).standard_normal(shape)


def printed(x: Array) -> Array:
    """Return sin x as a program would that prints six digits and reads them again."""
    return np.array([float(f"{value:.6g}") for value in np.sin(x)])


def in_half_precision(x: Array) -> Array:
    return np.tanh(x).astype(np.float16).astype(np.float64) + x


def newton(x: Array, tolerance: float = 1e-4) -> Array:
    """Return √x by Newton's method, stopped when a step is below the tolerance for every entry."""
    root = np.ones_like(x)
    for _ in range(60):
        step = (root - x / root) / 2
        root = root - step
        if np.all(np.abs(step) < tolerance):
            return root
    raise ValueError("no convergence")


def fixed_point(a: Array, tolerance: float) -> Array:
    """Return y = cos(a·y) by iteration, for each entry alone."""

    def solved(a: float) -> float:
        y, better = 1.0, 0.0
        for _ in range(300):
            if abs(better - y) < tolerance:
                break
            y, better = better, float(np.cos(a * better))
        return better

    return np.array([solved(each) for each in a])


def cross_entropy(x: Array) -> Array:
    return np.asarray(-np.log(1 - 1 / (1 + np.exp(-x))))


def test_what_is_infinite_a_unit_of_x_away_is_known_to_some_digits() -> None:
    report = jacinspect.inspect(cross_entropy, [18.63, 17.96, 19.42], lambda x: 1 / (1 + np.exp(-x)))
    assert report.verdict == "pass", report.findings


def fixed_point_slope(a: Array) -> Array:
    y = fixed_point(a, 1e-14)
    sine = np.sin(a * y)
    return np.asarray(-sine * y / (1 + a * sine))


def adaptive(k: Array) -> Array:
    """Return y(3) of y' = -k·y², y(0) = 1, by an integrator that chooses its steps."""

    def solved(k: float) -> float:
        return float(solve_ivp(lambda t, y: -k * y * y, (0, 3), [1.0], rtol=1e-5, atol=1e-9).y[0, -1])

    return np.array([solved(each) for each in k])


def runge_kutta(k: Array) -> Array:
    """Return y(3) of the same equation in 20 steps of one length."""
    y, h = np.ones_like(k), 3 / 20
    for _ in range(20):
        a = -k * y * y
        b = -k * (y + h / 2 * a) ** 2
        c = -k * (y + h / 2 * b) ** 2
        y = y + h / 6 * (a + 2 * b + 2 * c - k * (y + h * c) ** 2)
    return y


def sensitivity(k: Array) -> Array:
    return np.asarray(-3 / (1 + 3 * k) ** 2)


def conjugate_gradients(p: Array) -> Array:
    """Solve (M + diag p²) x = b to four digits."""
    matrix, b, x = MATRIX + np.diag(p * p), np.arange(1.0, 5), np.zeros(4)
    rest = d = b.copy()
    while rest @ rest > 1e-8 * (b @ b):
        step = (rest @ rest) / (d @ matrix @ d)
        x, before = x + step * d, rest
        rest = rest - step * matrix @ d
        d = rest + (rest @ rest) / (before @ before) * d
    return x


def conjugate_gradients_slope(p: Array) -> Array:
    matrix = MATRIX + np.diag(p * p)
    return np.asarray(-np.linalg.inv(matrix) * (2 * p * np.linalg.solve(matrix, np.arange(1.0, 5))))


def predators(t: float, z: Array) -> Array:
    return np.array([z[0] * (1 - z[1]), z[1] * (z[0] - 1)])


def predators_at_3(z: Array) -> Array:
    """Return the state at 3 by an integrator whose steps change in number first at a quarter of a unit from z."""
    return np.asarray(solve_ivp(predators, (0, 3), z, rtol=1e-3, atol=1e-6).y[:, -1])


def predators_sensitivity(z: Array) -> Array:
    def joined(t: float, w: Array) -> Array:
        a, b = w[:2]
        return np.concatenate([predators(t, w), ([[1 - b, -a], [b, a - 1]] @ w[2:].reshape(2, 2)).ravel()])

    start = np.concatenate([z, np.eye(2).ravel()])
    return np.asarray(solve_ivp(joined, (0, 3), start, rtol=1e-11, atol=1e-12).y[2:, -1].reshape(2, 2))


MATRIX = 4 * np.eye(4) + np.add.outer(np.arange(4.0), np.arange(4.0)) / 4
SOLVERS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], Array]] = {
    "newton, 0.1": (
        lambda x: np.concatenate([newton(each, 0.1) for each in np.split(x, x.size)]),
        lambda x: 0.5 / np.sqrt(x),
        np.array([2.0, 7.0, 11.0]),
    ),
    "newton, 1e-4": (newton, lambda x: 0.5 / np.sqrt(x), np.array([3.0, 13.0, 17.0])),
    "fixed point, 1e-4": (partial(fixed_point, tolerance=1e-4), fixed_point_slope, np.array([0.57, 1.05])),
    "fixed point, 1e-8": (partial(fixed_point, tolerance=1e-8), fixed_point_slope, np.array([0.57, 1.05])),
    "conjugate gradients": (conjugate_gradients, conjugate_gradients_slope, np.array([0.8, 1.7, 0.4, 1.1])),
    "solve_ivp, 1e-3": (predators_at_3, predators_sensitivity, np.array([1.26773244, 1.92569554])),
    "solve_ivp": (adaptive, sensitivity, np.array([0.93])),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_s_right_derivative_is_not_called_wrong(name: str) -> None:
    f, derivative, x = SOLVERS[name]
    report = jacinspect.inspect(f, x, derivative=derivative)
    assert report.verdict != "fail", report.findings
    (noise,) = [*named_noise(report), None][:1]
    if noise is not None:
        assert jacinspect.inspect(f, x, derivative=derivative, noise=noise).verdict == "pass"


@pytest.mark.parametrize(("tolerance", "seed"), [(1e-3, 1), (1e-3, 4), (1e-5, 1), (1e-5, 5)])
def test_what_is_linear_for_half_a_unit_is_a_solver_s_where_it_leaps_farther_on(tolerance: float, seed: int) -> None:
    """By Jacobi's iteration, which is linear in b wherever it takes as many steps."""
    matrix = MATRIX + 16 * np.eye(4)

    def solved(b: Array) -> Array:
        x = np.zeros(4)
        while np.linalg.norm(rest := b - matrix @ x) > tolerance * np.linalg.norm(b):
            x = x + rest / matrix.diagonal()
        return x

    def inspected(factor: float, noise: float | None = None) -> jacinspect.Report:
        slopes = factor * np.linalg.inv(matrix)
        return jacinspect.inspect(
            solved, normal(4, seed=seed), derivative=lambda b: slopes, derivative_kind="jacobian", noise=noise
        )

    right = inspected(1.0)
    noise = max(named_noise(right))
    verdicts = [each.verdict for each in (right, inspected(1.03), inspected(1.0, noise), inspected(1.03, noise))]
    assert verdicts == ["inconclusive", "fail", "pass", "fail"]


def oscillation(x: Array) -> Array:
    """Where a damped oscillator of stiffness x[0] and damping x[1] is at 5."""
    pulse = np.sqrt(x[0] - x[1] ** 2 / 4)
    return np.exp(-x[1] * 2.5) * (np.cos(5 * pulse) + x[1] / (2 * pulse) * np.sin(5 * pulse))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("rtol", "at"), [(1e-3, (4.00328928, 0.30629738)), (1e-6, (2.0, 0.3))])
def test_between_faint_kinks_and_leaps_of_a_solver_its_right_sensitivities_are_not_called_wrong(
    rtol: float, at: tuple[float, float]
) -> None:
    """By complex steps of the solution, to its last digits."""
    sensitivities = np.array([[oscillation(np.array(at) + 1e-30j * unit).imag * 1e30 for unit in np.eye(2)]])

    def solved(x: Array) -> Array:
        solution = solve_ivp(
            lambda t, y: [y[1], -x[0] * y[0] - x[1] * y[1]], (0, 5), [1.0, 0.0], rtol=rtol, atol=1e-3 * rtol
        )
        return np.asarray(solution.y[0, -1:])

    report = jacinspect.inspect(solved, np.array(at), derivative=lambda x: sensitivities, derivative_kind="jacobian")
    assert report.verdict != "fail", report.findings


@pytest.mark.parametrize(
    ("method", "seed"), [*(("RK45", seed) for seed in (0, 1, 2, 4, 6)), ("LSODA", 2), ("LSODA", 7)]
)
def test_a_solver_s_slopes_are_off_by_more_than_its_pieces_differ_and_three_percent_are_found(
    method: str, seed: int
) -> None:
    slopes = expm(10 * np.array([[0, 1], [-1, -0.1]]))

    def damped(x: Array) -> Array:
        solution = solve_ivp(lambda t, y: [y[1], -y[0] - 0.1 * y[1]], (0, 10), x, method, rtol=1e-3, atol=1e-6)
        return np.asarray(solution.y[:, -1])

    x = normal(2, seed=seed, scale=3)
    verdicts = [jacinspect.inspect(damped, x, derivative=lambda x, c=c: c * slopes).verdict for c in (1, 1.03)]
    assert verdicts == ["inconclusive", "fail"]


@pytest.mark.parametrize("name", ["newton, 1e-4", "fixed point, 1e-8", "solve_ivp"])
def test_with_the_noise_of_a_solver_three_percent_are_found(name: str) -> None:
    f, derivative, x = SOLVERS[name]
    noise = named_noise(jacinspect.inspect(f, x, derivative=derivative))
    wrong = jacinspect.inspect(f, x, derivative=lambda x: 1.03 * derivative(x), noise=max(noise, default=None))
    assert wrong.verdict == "fail"


def test_a_part_in_single_precision_has_steps_of_many_lengths() -> None:
    """Those of an output that hardly depends on an input are longer than the places at which others' are seen."""
    rng = np.random.default_rng(14)
    matrix, x = (rng.standard_normal((8, 8)) / 8**0.5)[:4], rng.standard_normal(8)
    exact = matrix + np.eye(4, 8) * [[1], [0], [0], [0]]

    def f(x: Array) -> Array:
        return np.asarray([x[0], 0, 0, 0] + matrix.astype(np.float32) @ x.astype(np.float32))

    assert jacinspect.inspect(f, x, lambda x: exact).verdict == "pass"
    assert jacinspect.inspect(f, x, lambda x: exact * np.where(exact == exact[2, 5], 1.03, 1)).verdict == "fail"


HALVES: dict[str, Callable[[Array], Array]] = {
    "float16": lambda x: torch.tanh(torch.from_numpy(x.copy()).half()).double().numpy(),
    "float16, then float32": lambda x: np.tanh(x.astype(np.float16)).astype(np.float32).astype(float),
    "float16 in a part": lambda x: np.asarray(x * x + np.tanh(x.astype(np.float16)).astype(float)),
    "bfloat16": lambda x: torch.tanh(torch.from_numpy(x.copy()).bfloat16()).double().numpy(),
}


@pytest.mark.parametrize("name", HALVES)
def test_in_half_precision_the_right_derivative_passes_and_one_percent_is_found(name: str) -> None:
    x = np.abs(normal(3, 4, seed=1, scale=0.7))
    slopes = 1 / np.cosh(x) ** 2 + (2 * x if name == "float16 in a part" else 0)
    right = jacinspect.inspect(HALVES[name], x, derivative=lambda _: slopes)
    assert right.verdict == "pass", right.findings
    (message,) = (each.message for each in right.findings if each.code == "J014")
    assert message.startswith("12 entries judged over longer steps")
    for wrong in (1.02 if name == "bfloat16" else 1.01, -1):  # claims made of bfloat16 may be off by 0.8 %
        report = jacinspect.inspect(HALVES[name], x, derivative=lambda _, wrong=wrong: wrong * slopes)
        assert report.verdict == "fail"


def test_a_derivative_in_half_precision_is_of_terms_that_cancel() -> None:
    """Near the minimum of gelu jax's own, in bfloat16, is off by 7 %, for terms of size 1 are rounded."""
    x = np.linspace(-1.85, -1.65, 21)
    report = jacinspect.inspect(lambda x: jax.nn.gelu(x.astype(jnp.bfloat16)).astype(jnp.float64), x, backend="jax")
    assert report.verdict != "fail", report.findings


RATES = np.array([0.8, 1.7, 0.4])


def reaction(y: Array, k: Array) -> Array:
    """Return the rates of two species that turn into each other."""
    return np.array([-k[0] * y[0] * y[1], k[0] * y[0] * y[1] - k[1] * y[1] + k[2] * y[0]])


def reacted(k: Array, method: str, rtol: float) -> Array:
    k = np.clip(k, 0.05, 5)  # elsewhere the species grow without bound, and an integrator does not come to its end
    solution = solve_ivp(lambda t, y: reaction(y, k), (0, 1.5), [1.0, 0.5], method=method, rtol=rtol, atol=1e-3 * rtol)
    return np.asarray(solution.y[:, -1])


def reacted_slopes(k: Array) -> Array:
    """Return the sensitivities, by the equations that they obey."""

    def both(_: float, z: Array) -> Array:
        y, s = z[:2], z[2:].reshape(2, 3)
        by_y = np.array([[-k[0] * y[1], -k[0] * y[0]], [k[0] * y[1] + k[2], k[0] * y[0] - k[1]]])
        by_k = np.array([[-y[0] * y[1], 0, 0], [y[0] * y[1], -y[1], y[0]]])
        return np.concatenate([reaction(y, k), (by_y @ s + by_k).ravel()])

    start = np.r_[1.0, 0.5, np.zeros(6)]
    return np.asarray(solve_ivp(both, (0, 1.5), start, method="DOP853", rtol=1e-12, atol=1e-13).y[2:, -1].reshape(2, 3))


@pytest.mark.parametrize(("method", "rtol"), [("LSODA", 1e-3), ("RK23", 1e-3), ("RK45", 1e-5)])
def test_the_noise_that_a_solver_is_said_to_need_is_no_more_than_it_needs(method: str, rtol: float) -> None:
    f, slopes = partial(reacted, method=method, rtol=rtol), reacted_slopes(RATES)
    report = jacinspect.inspect(f, RATES, derivative=lambda _: slopes)
    assert report.verdict == "inconclusive", report.findings
    noise = max(named_noise(report))
    assert noise < rtol
    assert jacinspect.inspect(f, RATES, derivative=lambda _: slopes, noise=noise).verdict == "pass"
    assert jacinspect.inspect(f, RATES, derivative=lambda _: 1.03 * slopes, noise=noise).verdict == "fail"


def test_over_many_steps_of_a_solver_its_slopes_are_known() -> None:
    f, slopes = partial(reacted, method="LSODA", rtol=1e-6), reacted_slopes(RATES)
    assert jacinspect.inspect(f, RATES, derivative=lambda _: slopes).verdict == "pass"
    assert jacinspect.inspect(f, RATES, derivative=lambda _: 1.003 * slopes).verdict == "fail"


def test_the_noise_that_explains_a_disagreement_is_named_and_works() -> None:
    """No black box can tell 20 steps of one length from a function of its own: it is for the user to say."""
    x = np.array([0.4, 0.93, 1.7])
    report = jacinspect.inspect(runge_kutta, x, derivative=sensitivity)
    (noise,) = named_noise(report)
    assert report.verdict == "fail"
    assert jacinspect.inspect(runge_kutta, x, derivative=sensitivity, noise=noise).verdict == "pass"
    wrong = jacinspect.inspect(runge_kutta, x, derivative=lambda k: 1.03 * sensitivity(k), noise=noise)
    assert wrong.verdict == "fail"


def named_noise(report: jacinspect.Report) -> list[float]:
    """Return the numbers that findings say to give as --noise."""
    return [float(r) for each in report.findings for r in re.findall(r"--noise (\S+)", each.message)]


def gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + erf(x / 2**0.5)))


def gelu_slopes(x: Array) -> Array:
    return np.asarray(ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


FLAT: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], Array]] = {
    "1 - tanh(1/x)": (lambda x: 1 - np.tanh(1 / x), lambda x: 1 / (np.cosh(1 / x) * x) ** 2, np.array([0.048, 0.0508])),
    "1 - cos x": (lambda x: 1 - np.cos(x), np.sin, np.array([3e-9, 2.7e-8])),
    "faint steps": (
        lambda x: x**3 + 1e-12 * np.floor(20 * x),
        lambda x: 3 * x * x,
        np.array([-1.30228, 0.64925]),
    ),
    "gelu between leaps that are three places apart": (gelu, gelu_slopes, np.array([-8.276219668817703])),
    "coth(x) - 1/x": (
        lambda x: 1 / np.tanh(x) - 1 / x,
        lambda x: np.full(1, 1 / 3),
        np.array([-1.1769455985202565e-08]),
    ),
    "gelu flat for a unit": (lambda x: 1e6 * gelu(x), lambda x: 1e6 * gelu_slopes(x), np.array([-9.09, -8.5])),
}


@pytest.mark.parametrize("name", FLAT)
def test_what_rounding_or_faint_steps_hide_is_not_called_wrong(name: str) -> None:
    f, derivative, x = FLAT[name]
    assert jacinspect.inspect(f, x, derivative=derivative).verdict != "fail"


def entropy(x: Array) -> Array:
    p = np.exp(x - x.max())
    p = p / p.sum()
    return np.asarray(-np.sum(p * np.log(np.where(p > 0, p, 1))))


@pytest.mark.parametrize("logits", [[60.0, 0.0], [33.4, 0.0, 100.0], [36.0, 0.0], [7.0, 0.0, 80.0, 3.0]])
def test_the_entropy_of_far_logits_has_lost_a_term_where_a_probability_is_rounded_to_1(logits: list[float]) -> None:
    """Of p₁ = 1 - q, -p₁·log p₁ = q is lost, beside q·log q: a part in 60."""
    x = np.array(logits)
    e = np.exp(x - x.max())
    log = x - x.max() - np.log1p(e.sum() - 1)
    small = np.where(e < 1, e, 0)
    p = e / e.sum()
    slopes = -p * (log - (p * np.where(e < 1, log, -small.sum())).sum())
    right, wrong = (jacinspect.inspect(entropy, x, derivative=lambda x, c=c: c * slopes) for c in (1, 1.1))
    assert right.verdict == "inconclusive", right.findings
    assert wrong.verdict == "fail"


def test_the_entropy_of_a_tiny_probability_has_lost_it_as_well() -> None:
    """The other term of the slope, 1 beside log p, shows from 1e-15 on, however tiny p is."""
    p = np.array([2e-16, 1e-17, 1e-19, 1e-30, 1e-100])

    def both(p: Array) -> Array:
        return np.asarray(-p * np.log(p) - (1 - p) * np.log(1 - p))

    right, wrong = (jacinspect.inspect(both, p, lambda p, c=c: c * (np.log1p(-p) - np.log(p))) for c in (1, 1.1))
    assert right.verdict == "inconclusive", right.findings
    assert wrong.verdict == "fail"


TINY: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], Array]] = {
    "exp": (np.exp, np.exp, np.array([-60.0, -45.0])),
    "exp(300 x)": (lambda x: np.exp(300 * x), lambda x: 300 * np.exp(300 * x), np.array([-0.2, -0.3])),
    "with a kink, and tiny everywhere": (
        lambda x: 1e-15 * (np.tanh(x) + 0.3 * np.abs(np.tanh(x - 1.65))),
        lambda x: 1e-15 * (1 / np.cosh(x) ** 2 + 0.3 * np.sign(x - 1.65) / np.cosh(x - 1.65) ** 2),
        np.array([0.5]),
    ),
    "with a kink beyond a jump": (
        lambda x: np.where(x < 2, 1e-15 * np.exp(x), 5 + np.abs(x - 2.1)),
        lambda x: 1e-15 * np.exp(x),
        np.array([0.5]),
    ),
}


@pytest.mark.parametrize("name", TINY)
def test_what_is_tiny_and_has_lost_nothing_is_judged(name: str) -> None:
    f, derivative, x = TINY[name]
    assert jacinspect.inspect(f, x, derivative=derivative).verdict == "pass"
    assert jacinspect.inspect(f, x, derivative=lambda x: 1.03 * derivative(x)).verdict == "fail"


def test_a_slope_that_the_steps_beyond_a_tread_would_show_is_called_wrong() -> None:
    report = jacinspect.inspect(gelu, np.array([-9.09]), derivative=lambda x: np.full(1, 1e-11))
    assert report.verdict == "fail"


@pytest.mark.parametrize("logits", [[-20.0, -5.0, 50.0], [20.0, -26.0, 4.0]])
def test_the_gradient_of_peaked_logits_passes(logits: list[float]) -> None:
    def loss(x: Array) -> Array:
        return np.asarray(np.log(np.exp(x - x.max()).sum()) + x.max() - x[0])

    def backward(x: Array, g: Array) -> Array:
        share = np.exp(x - x.max())
        return np.asarray(g * (share / share.sum() - np.eye(x.size)[0]))

    report = jacinspect.inspect(loss, np.array(logits), derivative=backward, derivative_kind="vjp")
    assert report.verdict == "pass", report.findings


def softmax(x: Array) -> Array:
    share = np.exp(x - x.max())
    return np.asarray(share / share.sum())


def softmax_jacobian(x: Array) -> Array:
    return np.asarray(np.diag(softmax(x)) - np.outer(softmax(x), softmax(x)))


def softmax_in_float32(x: Array) -> Array:
    return softmax(x.astype(np.float32)).astype(float)


def softmax_in_float16(x: Array) -> Array:
    return np.asarray(1e6 * softmax(x.astype(np.float16)).astype(float))


def log_softmax(x: Array) -> Array:
    return np.asarray(x - (x.max() + np.log(np.exp(x - x.max()).sum())))


def cross_entropy_in_float32(x: Array) -> Array:
    logits = torch.from_numpy(x.astype(np.float32))
    return np.asarray(torch.nn.functional.cross_entropy(logits[None], torch.tensor([0])).double().numpy().reshape(1))


FAR_LOGITS: dict[str, tuple[F, F, list[float]]] = {
    "log-softmax": (
        log_softmax,
        lambda x: np.eye(x.size) - softmax(x),
        [11.29867798, 31.38184167, -14.36068855, -17.3160562, 44.73412643, 31.48571771],
    ),
    "softmax in float32": (
        softmax_in_float32,
        softmax_jacobian,
        [-2.40471, 22.56674, -2.83491, 5.89007, -2.03608, 6.37628],
    ),
    "softmax in float16, scaled": (
        softmax_in_float16,
        lambda x: 1e6 * softmax_jacobian(x),
        [1.76104384, -11.0352594, -10.6989332, -6.69798811, -20.01003985, 20.17412224],
    ),
    "cross-entropy in float32": (
        cross_entropy_in_float32,
        lambda x: (softmax(x) - np.eye(x.size)[0])[None],
        [31.00214, 7.20317, -8.87138, -6.18393, -2.25417, 6.33171],
    ),
    "cross-entropy in float32, of two classes": (
        cross_entropy_in_float32,
        lambda x: (softmax(x) - np.eye(x.size)[0])[None],
        [20.71551, -0.27271, -3.19783, 16.85973, -26.83432, 2.51302],
    ),
}


@pytest.mark.parametrize("form", ["jacobian", "vjp"])
@pytest.mark.parametrize("name", FAR_LOGITS)
def test_entries_of_far_logits_that_show_a_unit_away_alone_are_not_called_wrong(
    name: str, form: AnyDerivativeKind
) -> None:
    f, jacobian, logits = FAR_LOGITS[name]
    derivative: Callable[..., Array] = jacobian if form == "jacobian" else lambda x, g: jacobian(x).T @ g
    for seed in range(3):
        report = jacinspect.inspect(f, np.array(logits), derivative=derivative, derivative_kind=form, seed=seed)
        assert report.verdict != "fail", report.findings


STEPPED: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "printed digits": (printed, np.cos),
    "rounded to 9": (lambda x: np.round(np.exp(x), 9), np.exp),
    "half precision": (in_half_precision, lambda x: 2 - np.tanh(x) ** 2),
    "treads of 1e-8": (lambda x: np.floor(1e8 * x) / 1e8 + np.sin(x), lambda x: 1 + np.cos(x)),
}


@pytest.mark.parametrize("scale", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_right_derivative_of_torch_s_gelu_is_not_called_wrong(scale: float, seed: int) -> None:
    report = jacinspect.inspect(torch.nn.functional.gelu, normal(6, 10, seed=seed, scale=scale))
    assert report.verdict != "fail", report.findings


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", ["", "1e6 * ", "1e-6 * "])
def test_what_cancels_to_few_digits_is_not_called_wrong(seed: int, factor: str) -> None:
    report = jacinspect.inspect(f"{factor}log(1 - sigmoid(x))", normal(10, seed=seed, scale=10))
    assert report.verdict != "fail", report.findings


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("seed", range(3))
def test_a_right_derivative_over_steps_is_not_called_wrong(name: str, seed: int) -> None:
    f, derivative = STEPPED[name]
    report = jacinspect.inspect(f, normal(8, seed=seed), derivative=derivative)
    assert report.verdict != "fail", report.findings
    assert {finding.code for finding in report.findings} <= {"J006", "J014"}


@pytest.mark.parametrize("name", ["rounded to 9", "treads of 1e-8"])
def test_a_wrong_derivative_over_small_steps_is_found(name: str) -> None:
    f, derivative = STEPPED[name]
    for seed in range(3):
        report = jacinspect.inspect(f, normal(8, seed=seed), derivative=lambda x: 1.03 * derivative(x))
        assert report.verdict == "fail", report.findings


def test_steps_are_named_where_entries_are_judged_over_them() -> None:
    f, derivative = STEPPED["treads of 1e-8"]
    codes: dict[str, str] = {}
    for seed in range(4):
        report = jacinspect.inspect(f, normal(8, seed=seed), derivative=derivative)
        codes |= {finding.code: finding.message for finding in report.findings}
    assert "moves in steps of" in codes["J014"]


def test_steps_are_looked_for_at_one_place_of_an_input_that_several_outputs_read() -> None:
    x = np.random.default_rng(0).normal(size=4).astype(np.float32)
    derivative = np.eye(4)[np.argsort(x)]
    derivative[0] *= 1.03
    report = jacinspect.inspect(lambda x: np.sort(x.astype(np.float32)), x, derivative=lambda _: derivative)
    assert report.verdict == "fail"


def test_the_rounding_of_single_precision_is_no_break_as_a_solver_s_result_has() -> None:
    def rate(x: Array) -> Array:
        return np.asarray((1e13 * torch.exp(-8e4 / 8.314 / torch.from_numpy(x).float())).double())

    x = np.array([306.2865, 293.39487, 332.0211])
    report = jacinspect.inspect(rate, x, derivative=lambda x: 1.03 * rate(x) * 8e4 / 8.314 / x**2)
    assert report.verdict == "fail"


def test_one_jump_excuses_nobody() -> None:
    """A hard shrink leaps at 0.5 and is smooth beside it: a slope of 1.2 there is wrong."""
    x = np.array([0.5 + 1e-6, 0.5 + 1e-3, 0.7, -0.6])
    report = jacinspect.inspect("hardshrink", x, derivative=lambda x: 1.2 * (np.abs(x) > 0.5))
    assert report.verdict == "fail"


def test_noise_that_the_user_names_is_accepted() -> None:
    x = np.array([2.0, 7.0, 11.0])

    def slope(x: Array) -> Array:
        return 0.5 / np.sqrt(x)

    assert jacinspect.inspect(newton, x, derivative=slope, noise=1e-4).verdict == "pass"
    assert jacinspect.inspect(newton, x, derivative=lambda x: 1.1 * slope(x), noise=1e-4).verdict == "fail"


def test_a_tolerance_of_the_user_s_is_added_to_the_bars() -> None:
    x = np.array([0.5, -0.25, 2.0])

    def off(x: Array) -> Array:
        return np.cos(x) * 1.001

    assert jacinspect.inspect(np.sin, x, derivative=off).verdict == "fail"
    assert jacinspect.inspect(np.sin, x, derivative=off, rtol=2e-3).verdict == "pass"
    assert jacinspect.inspect(np.sin, x, derivative=off, rtol=5e-4).verdict == "fail"
    assert jacinspect.inspect(np.sin, x, derivative=np.cos, rtol=1e-300).verdict == "pass"


@pytest.mark.parametrize(("rtol", "verdict"), [(1e-3, "pass"), (1e-5, "fail")])
def test_a_tolerance_is_added_to_what_a_vjp_gives_by_input(rtol: float, verdict: str) -> None:
    x, matrix = normal(5, seed=1), normal(4, 5, seed=2)

    def off(x: Array, g: Array) -> Array:
        return np.asarray(1.0001 * (g * (1 - np.tanh(matrix @ x) ** 2)) @ matrix)

    report = jacinspect.inspect(lambda x: np.tanh(matrix @ x), x, derivative=off, derivative_kind="vjp", rtol=rtol)
    assert report.verdict == verdict


WEIGHTS = normal(4, 3, seed=1)
PRODUCTS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "float16": lambda x, w: (x.half() @ w.half()).double(),
    "bfloat16, returned as float32, as autocast does": lambda x, w: (x.bfloat16() @ w.bfloat16()).float(),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_matrix_product_in_half_precision_is_known_to_two_digits(name: str) -> None:
    def f(x: Array) -> Array:
        return np.asarray(PRODUCTS[name](torch.as_tensor(x), torch.tensor(WEIGHTS)).numpy())

    def verdict(factor: float) -> str:
        wrong = WEIGHTS * np.where(np.arange(12).reshape(4, 3) == 5, factor, 1)
        return jacinspect.inspect(f, normal(3, 4, seed=0), lambda x, g: g @ wrong.T, derivative_kind="vjp").verdict

    assert [verdict(1), verdict(1.05)] == ["pass", "fail"]


def test_where_a_part_of_f_is_in_half_precision_no_output_s_right_derivative_is_called_wrong() -> None:
    """The treads of outputs that read one input end at different places, some beyond all that is searched."""
    w = torch.tensor(WEIGHTS).bfloat16()
    x, slopes = normal(1, 4, seed=9), np.eye(4) + (w @ w.T).double().numpy()

    def f(x: Array) -> Array:
        return np.asarray(x + (torch.as_tensor(x).bfloat16() @ w @ w.T).double().numpy())

    def inspected(slopes: Array) -> jacinspect.Report:
        return jacinspect.inspect(f, x, lambda x, g: g @ slopes, derivative_kind="vjp")

    right = inspected(slopes)
    assert right.verdict != "fail", right.findings
    assert inspected(1.1 * slopes).verdict == "fail"


def test_in_single_precision_entries_below_the_last_bit_of_an_output_are_not_called_wrong() -> None:
    x = np.array([[30.0, 1.0, 0.0], [0.0, 30.0, 1.0]])

    def loss(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(x.float(), torch.tensor([0, 0]))

    report = jacinspect.inspect(loss, x, backend="torch")
    assert report.verdict == "pass", report.findings


@pytest.mark.parametrize("shape", [(8,), (6, 7)])
def test_a_sum_in_single_precision_is_judged_to_the_digits_that_it_has(shape: tuple[int, ...]) -> None:
    """Its slopes are known to three digits, which tell one that is 3 % off; they were all left open."""
    x = normal(*shape, seed=0)

    def loss(x: Array) -> Array:
        return np.asarray(np.sum(np.sin(x.astype(np.float32)) ** 2))

    right = jacinspect.inspect(loss, x, lambda x: np.sin(2 * x), derivative_kind="gradient")
    assert right.verdict == "pass"
    told = next(found.message for found in right.findings if found.code == "J014")
    assert re.search(r"judged to few digits: f is precise to a relative 1e-07; .*, known to [23] digits", told)
    wrong = jacinspect.inspect(loss, x, lambda x: 1.03 * np.sin(2 * x), derivative_kind="gradient")
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_distances_of_points_to_themselves_have_a_slope_of_0(scale: float) -> None:
    """Squared lengths cancel in them, and they move by last bits alone: no step shows more of their slopes."""

    def distances(x: torch.Tensor) -> torch.Tensor:
        squares = (x * x).sum(1)
        return squares[:, None] + squares - 2 * x @ x.T

    def wrong(x: Array, d: Array) -> Array:
        return np.asarray(2 * ((x[:, None] - x) * d[:, None]).sum(-1))

    def biased(x: Array, d: Array) -> Array:
        return np.asarray(2 * ((x[:, None] - x) * (d[:, None] - d)).sum(-1) + np.diag(1e-9 * scale * d[:, 0]))

    for seed in range(4):
        x = torch.tensor(normal(4, 3, seed=seed, scale=scale))
        assert jacinspect.inspect(distances, x).verdict == "pass"
        for claim, verdicts in ((wrong, {"fail"}), (biased, {"fail", "inconclusive"})):
            assert jacinspect.inspect(distances, x, claim, derivative_kind="jvp").verdict in verdicts


@pytest.mark.parametrize("x", [-7.05, -7.0])
def test_steps_of_uneven_heights_are_steps(x: float) -> None:
    """XLA's tanh near 1 goes up and down by a few last bits, after a tread of many."""
    with jax.enable_x64(True):
        report = jacinspect.inspect(jax.nn.gelu, np.array([x]))
    assert report.verdict != "fail"


def test_a_small_output_is_not_judged_by_the_last_bits_of_a_large_one() -> None:
    def f(x: Array) -> Array:
        return np.stack([1e-18 * np.sin(x), 1e3 * x])

    def claim(x: Array, d: Array, factor: float) -> Array:
        return np.stack([1e-18 * factor * np.cos(x) * d, 1e3 * d])

    x = normal(3, seed=0)
    for factor, verdict in ((1, "pass"), (1.03, "fail"), (0, "fail")):
        assert jacinspect.inspect(f, x, partial(claim, factor=factor), derivative_kind="jvp").verdict == verdict


# What 1 - (1 - tiny) and (1 + tiny) - 1 leave: f, x and the derivative.
LEFT: dict[str, tuple[Callable[[Array], Array], float, float]] = {
    "erf's gelu, between two steps": (lambda x: 0.5 * x * (1 + erf(x / 2**0.5)), -8.371603574763117, -1.991e-15),
    "erf's gelu, where it is 0": (lambda x: 0.5 * x * (1 + erf(x / 2**0.5)), -8.621101257249922, -2.463e-16),
    "1 - tanh(1/x), where it is 0": (lambda x: 1 - np.tanh(1 / x), 0.033346832140152986, 3.227e-23),
    "log(1 + x)/x": (lambda x: np.log(1 + x) / x, 1.683278587264868e-14, -0.5),
}


@pytest.mark.parametrize("name", LEFT)
def test_nothing_is_said_of_what_last_bits_hide_where_nobody_claims_anything(name: str) -> None:
    f, x, truth = LEFT[name]
    report = jacinspect.inspect(f, [x])
    assert report.jacobian is not None
    assert report.jacobian.numeric is not None
    assert report.jacobian.error_bar is not None
    error = abs(report.jacobian.numeric.data[0] - truth)
    assert report.verdict == "inconclusive" or error <= report.jacobian.error_bar[0]


def van_leer(u: Array) -> Array:
    """Return the right-hand side of Burgers' equation by van Leer's limiter, which jumps where a value is 0."""
    rise = u - np.roll(u, 1)
    after = np.roll(rise, -1)
    alike = rise * after > 0
    slope = np.where(alike, 2 * rise * after / np.where(alike, rise + after, 1.0), 0.0)
    flux = np.where(u > 0, (u + slope / 2) ** 2 / 2, np.roll(u - slope / 2, -1) ** 2 / 2)
    return np.asarray(-10 * (flux - np.roll(flux, 1)))


SMALL = [  # of what number at which place, and the slope, by long doubles
    (14, 3, -1.972231996862107e-06),
    (12, 7, -1.5621565232318875e-06),
    (6, 4, 5.792657348393922e-06),
    (1, 5, 1.8196991058322168e-06),
    (8, 7, 8.347184772141513e-06),
]


@pytest.mark.parametrize(("seed", "at", "slope"), SMALL)
def test_what_leaps_over_distances_of_a_small_x_is_not_judged_by_a_unit(seed: int, at: int, slope: float) -> None:
    u = 1e-6 * np.random.default_rng(seed).standard_normal(12)

    def verdict(factor: float) -> str:
        by_one = lambda x: van_leer(np.concatenate([u[:at], x, u[at + 1 :]]))[at + 1 : at + 2]  # noqa: E731
        return jacinspect.inspect(by_one, u[at : at + 1], lambda x: np.array([factor * slope])).verdict

    assert verdict(1.0) == "pass"
    assert "pass" not in {verdict(1.03), verdict(1.5), verdict(-1.0)}


def test_steps_between_higher_ones_are_not_all_the_steps_there_are() -> None:
    """As BDF at 1e-3 leaps by 3e-6 a few times between leaps of 5e-3: slopes over the small ones are none of f's."""

    def f(x: Array) -> Array:
        high = np.floor(x * 100) / 100
        low = np.floor((x - high) * 1e4) / 1e4
        return np.asarray(np.sin(high) + 0.3 * low + 0.1 * (x - high - low))

    x = np.array([0.7234567, -1.3217358, 2.1112461])
    assert jacinspect.inspect(f, x, np.cos).verdict == "inconclusive"
    assert jacinspect.inspect(f, x, lambda x: 1.5 * np.cos(x)).verdict == "fail"


@pytest.mark.parametrize(("factor", "verdict"), [(1, "pass"), (1.001, "fail")])
def test_rounding_of_large_terms_is_no_wave(factor: float, verdict: str) -> None:
    """The area of a polygon in map coordinates is a sum of products of 2e12, and moves by 1e-4 at every step."""
    angles = np.array([0.4, 1.3, 2.6, 3.5, 4.4, 5.8])
    corners = [5e5, 4.6e6] + 130 * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def area(corners: Array) -> Array:
        x, y = corners.T
        return np.asarray(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))

    def gradient(corners: Array) -> Array:
        x, y = corners.T
        slopes = 0.5 * np.stack([np.roll(y, -1) - np.roll(y, 1), np.roll(x, 1) - np.roll(x, -1)], axis=1)
        slopes[1, 1] *= factor
        return np.asarray(slopes)

    assert jacinspect.inspect(area, corners, gradient).verdict == verdict


def claims(jacobian: Array) -> dict[AnyDerivativeKind, Callable[..., Array]]:
    """Return the claims that a derivative is a matrix, in each form."""
    return {"jacobian": lambda x: jacobian, "jvp": lambda x, v: jacobian @ v, "vjp": lambda x, w: w @ jacobian}


@pytest.mark.parametrize("form", ["jacobian", "jvp", "vjp"])
@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda x: np.tanh(x.astype(np.float16)).astype(float), lambda x: 1 - np.tanh(x) ** 2),
        (lambda x: x + np.tanh(x.astype(np.float32)), lambda x: 2 - np.tanh(x) ** 2),
        (lambda x: np.log(1 - 1 / (1 + np.exp(-20 - x))), lambda x: -1 / (1 + np.exp(-20 - x))),
        (lambda x: np.round(np.exp(x), 3), np.exp),
    ],
    ids=["half", "single", "lost digits", "rounded"],
)
def test_an_entry_where_f_has_none_is_found_in_an_output_that_moves_in_steps(
    f: F, slopes: F, form: AnyDerivativeKind
) -> None:
    x = np.random.default_rng(0).standard_normal(6)
    right = np.diag(slopes(x))
    for entry in (0.3, 100.0):
        wrong = right.copy()
        wrong[0, 3] = entry
        report = jacinspect.inspect(f, x, claims(wrong)[form], derivative_kind=form)
        assert "has entries where the function has none" in report.findings[0].message


@pytest.mark.parametrize("form", ["jacobian", "jvp", "vjp"])
@pytest.mark.parametrize("unit", [1e-4, 1e-6, 1e-9])
def test_an_entry_where_f_has_none_is_found_where_f_overflows_a_step_away(unit: float, form: AnyDerivativeKind) -> None:
    x = unit * np.random.default_rng(0).uniform(0.2, 2, 5)

    def f(x: Array) -> Array:
        return np.asarray(np.exp(-x[:-1] / unit) * x[1:] / unit)

    right = np.zeros((4, 5))
    rows = np.arange(4)
    right[rows, rows], right[rows, rows + 1] = -f(x) / unit, np.exp(-x[:-1] / unit) / unit
    assert jacinspect.inspect(f, x, claims(right)[form], derivative_kind=form).verdict == "pass"
    right[1, 4] = right[1, 1]
    assert jacinspect.inspect(f, x, claims(right)[form], derivative_kind=form).verdict == "fail"


@pytest.mark.parametrize("form", ["jacobian", "jvp", "vjp"])
def test_an_entry_where_f_has_none_is_found_among_inputs_in_si_units(form: AnyDerivativeKind) -> None:
    """Carriers a cubic metre, charge, mobility and temperature: steps of 1 make a charge 1e19 times as large."""
    x = np.array([1e23, 1.6e-19, 0.1, 300.0])

    def f(x: Array) -> Array:
        return np.array([x[0] * x[1] * x[2], 1.38e-23 * x[3] / x[1]])

    first, second = f(x)
    right = np.array([[first / x[0], first / x[1], first / x[2], 0], [0, -second / x[1], 0, second / x[3]]])
    assert jacinspect.inspect(f, x, claims(right)[form], derivative_kind=form).verdict == "pass"
    right[0, 3] = 0.1 * first / x[3]
    assert jacinspect.inspect(f, x, claims(right)[form], derivative_kind=form).verdict == "fail"


def test_no_noise_is_named_for_an_entry_where_f_has_none() -> None:
    x = np.array([1.1e-12, 950.0, 1.05e9, 0.9e-6])

    def f(x: Array) -> Array:
        return np.array([x[1] ** 2 / 1000, x[1] * x[2], 1 / np.sqrt(x[3] * x[0])])

    last = f(x)[2]
    right = np.array([[0, x[1] / 500, 0, 0], [0, x[2], x[1], 0], [-last / 2 / x[0], 0, 0, -last / 2 / x[3]]])
    right[2, 2] = last / 10 / x[2]  # 1e-10 of f per unit
    (finding,) = [each for each in jacinspect.inspect(f, x, lambda _: right).findings if each.severity == "error"]
    assert "has entries where the function has none" in finding.message
    assert "--noise" not in finding.message


@pytest.mark.parametrize("at", [0.125, 0.5, 1.0, 3.0])
def test_a_number_on_the_edge_of_a_step_is_judged_over_many_of_them(at: float) -> None:
    """As 0.5 is, of what rounds down to so many digits: there f jumps, beside a slope that is none of f's."""
    report = partial(jacinspect.inspect, lambda x: np.floor(1e6 * x) / 1e6 + np.sin(x), np.array([at]))
    assert report(lambda x: 1 + np.cos(x)).verdict == "pass"
    assert report(lambda x: 1.1 + 1.1 * np.cos(x)).verdict == "fail"
    assert report(np.cos).verdict == "pass"  # the slope between two steps, as a jump of f has it


@pytest.mark.parametrize("seed", [3, 4, 8, 11])
def test_steps_that_an_output_shows_by_other_inputs_are_its_steps(seed: int) -> None:
    """Attention whose weights are computed in single precision: of hundreds of entries one was called wrong."""
    size = 6
    by = np.random.default_rng(seed).standard_normal((3, size, size)) / np.sqrt(size)
    x = np.random.default_rng(seed + 10).standard_normal((4, size))

    def weights(x: Array, dtype: type) -> Array:
        scores = (x @ by[0] @ (x @ by[1]).T / np.sqrt(size)).astype(dtype)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        return np.asarray(shares / shares.sum(-1, keepdims=True))

    def attention(x: Array) -> Array:
        return np.asarray(weights(x, np.float32).astype(float) @ (x @ by[2]))

    def jvp(x: Array, d: Array) -> Array:
        p = weights(x, np.float64)
        moved = (d @ by[0] @ (x @ by[1]).T + x @ by[0] @ (d @ by[1]).T) / np.sqrt(size)
        return np.asarray(p * (moved - (p * moved).sum(-1, keepdims=True)) @ (x @ by[2]) + p @ (d @ by[2]))

    report = jacinspect.inspect(attention, x, jvp, derivative_kind="jvp")
    assert report.verdict != "fail", report.findings


def calibrated(tolerance: float) -> F:
    """Undo a radial distortion k by iteration, which stops at once where k is small."""

    def f(z: Array) -> Array:
        k, point = z[0], z[1:]
        found = point
        for _ in range(400):
            if np.linalg.norm((1 + k * found @ found) * found - point) < tolerance:
                return np.asarray(found)
            found = point / (1 + k * found @ found)
        raise RuntimeError("did not converge")

    return f


@pytest.mark.parametrize("tolerance", [1e-7, 1e-6, 1e-5, 3e-5])
def test_what_a_solver_that_stops_at_once_does_not_read_is_not_called_wrong(tolerance: float) -> None:
    point = np.array([0.5, -0.4])
    x, squared = np.array([0.0, *point]), point @ point
    right = np.column_stack([-squared * point, np.eye(2)])
    f = calibrated(tolerance)
    assert jacinspect.inspect(f, x, derivative=lambda _: right).verdict in ("pass", "inconclusive")
    assert jacinspect.inspect(f, x, derivative=lambda _: right, noise=10 * tolerance).verdict == "pass"
    wrong = np.column_stack([squared * point, np.eye(2)])
    assert jacinspect.inspect(f, x, derivative=lambda _: wrong).verdict == "fail"


def test_a_wide_dead_zone_is_f_s_own() -> None:
    x = np.array([0.0, 0.1, -0.2])
    assert jacinspect.inspect("hardshrink", x, derivative=np.ones_like).verdict == "fail"
    assert (
        jacinspect.inspect("hardshrink(x, lambd=0.05)", x, derivative=lambda x: 1.0 * (np.abs(x) > 0.05)).verdict
        == "pass"
    )


@pytest.mark.parametrize("width", [1e-4, 1e-3])
def test_the_right_derivative_in_a_narrow_dead_zone_passes(width: float) -> None:
    x = np.array([0.0, 0.3 * width, 0.7 * width, 2 * width, 0.4])
    report = jacinspect.inspect(
        lambda x: np.where(np.abs(x) > width, x, 0), x, derivative=lambda x: 1.0 * (np.abs(x) > width)
    )
    assert report.verdict == "pass"
