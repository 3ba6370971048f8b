"""The gradient inspected as a function: right second derivatives are never accused, and planted errors are found."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn import functional

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.inspection.report import Report

X = np.array([0.7, -0.4, 1.3, 0.2])
W = torch.arange(16.0).reshape(4, 4).double() / 8


def second(function: Any, x: Any = X, *args: Any, **options: Any) -> Report:
    return jacinspect.inspect(function, x, *args, **{"order": 2, **options})


def hessian(report: Report, of: str = "numeric") -> Any:
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    assert report.second_order.gradient.jacobian is not None
    return report.second_order.gradient.jacobian.matrix(of)


def errors(report: Report) -> dict[str, str]:
    return {finding.code: finding.message for finding in report.findings if finding.severity == "error"}


def test_a_claimed_gradient_is_called_once_at_each_point() -> None:
    calls = 0

    def gradient(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return 4 * x**3

    report = second(lambda x: (x**4).sum(), X, gradient)
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    assert calls <= report.second_order.gradient.calls + 10


# --- torch ------------------------------------------------------------------------------------------------------------


class Cube(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.x = x.detach()
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 3 * ctx.saved_tensors[0] ** 2 * g


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_module_is_called_in_double_precision(dtype: type[np.floating]) -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh())
    report = second(module, np.linspace(-1, 1, 8).reshape(2, 4).astype(dtype))
    assert (report.verdict, report.second_order and report.second_order.message) == ("pass", None)


class Detached(Cube):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 3 * ctx.x**2 * g


class ByNumpy(Cube):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return torch.from_numpy(3 * ctx.x.numpy() ** 2 * g.detach().numpy())


class OnceDifferentiable(Cube):
    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, g: Any) -> Any:
        return 3 * ctx.saved_tensors[0] ** 2 * g


class DetachedCotangent(Cube):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 3 * ctx.saved_tensors[0] ** 2 * g.detach()


def with_second(by_x: Callable[[Any, Any], Any]) -> Any:
    """Make a Cube whose backward has a backward of its own: by_x is what it gives for x, times the cotangents."""

    class Backward(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, g: Any) -> Any:
            ctx.save_for_backward(x, g)
            return 3 * x**2 * g

        @staticmethod
        def backward(ctx: Any, h: Any) -> Any:
            x, g = ctx.saved_tensors
            return by_x(x, g * h), 3 * x**2 * h

    class Own(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return Backward.apply(ctx.saved_tensors[0], g)

    return Own


class Quadratic(torch.autograd.Function):  # type: ignore[misc]
    """x·Wx, W not symmetric, whose second derivative forgets the transpose."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x @ W @ x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return QuadraticBackward.apply(ctx.saved_tensors[0], g)


class QuadraticBackward(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any, g: Any) -> Any:
        ctx.save_for_backward(x, g)
        return g * (W + W.T) @ x

    @staticmethod
    def backward(ctx: Any, h: Any) -> Any:
        x, g = ctx.saved_tensors
        return g * 2 * W @ h, ((W + W.T) @ x) @ h


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize(
    ("function", "structure"),
    [
        (Cube, "diagonal"),
        (rosenbrock, "tridiagonal"),
        (lambda x: torch.logsumexp(x, 0), "dense"),
        (lambda x: functional.cross_entropy(x[None], torch.tensor([1])), "dense"),
        (lambda x: x @ W @ x, "dense"),
        (lambda x: torch.relu(x).sum(), "diagonal"),
        (lambda x: torch.relu(x[0]) * x[1] * x[2] + torch.sin(x[3]), "block-diagonal"),
        (torch.tanh, "diagonal"),
        (lambda x: torch.softmax(x, 0), "dense"),
        (lambda x: W @ x, "zero"),
        (lambda x: (Cube.apply(x) ** 2).sum(), "diagonal"),
    ],
)
def test_right_second_derivatives_of_torch_are_not_accused(function: Any, structure: str) -> None:
    report = second(function, backend="torch")
    assert report.verdict == "pass", errors(report)
    assert report.second_order is not None
    assert report.second_order.is_symmetric
    assert report.second_order.gradient is not None
    assert report.second_order.gradient.agreement is not None
    assert report.second_order.gradient.agreement.verdict == "pass"
    assert report.second_order.gradient.jacobian is not None
    assert report.second_order.gradient.jacobian.structure == structure


def test_kinks_of_the_gradient_are_notes() -> None:
    report = second(lambda x: torch.relu(x).sum(), np.array([0.0, 1.0, -1.0]), backend="torch")
    assert report.verdict == "pass"
    assert any(each.code == "J003" and each.message.startswith("second order: 1 entry") for each in report.findings)


@pytest.mark.parametrize("function", [Detached, ByNumpy, OnceDifferentiable])
def test_a_backward_without_a_graph_is_found(function: Any) -> None:
    found = errors(second(function))
    assert "4 entries disagree" in found["J001"]
    assert "cut off from X" in found["J001"]
    assert "no detach, numpy or once_differentiable" in found["J001"]


def test_a_backward_that_cuts_off_its_cotangent_is_found() -> None:
    found = errors(second(DetachedCotangent))
    assert set(found) == {"J015"}
    assert "is 0 by double backward by the cotangent" in found["J015"]
    assert not errors(jacinspect.inspect(DetachedCotangent, X))  # of the first order nothing is wrong


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (with_second(lambda x, g: -6 * x * g), "the opposite sign"),
        (with_second(lambda x, g: 3 * x * g), "a constant factor of 1/2"),
        (Quadratic, "12 entries disagree"),
        (lambda x: (Detached.apply(x) ** 2).sum(), "4 entries disagree"),
    ],
)
def test_wrong_second_derivatives_of_torch_are_found(function: Any, words: str) -> None:
    assert words in errors(second(function))["J001"]


def test_a_second_derivative_that_raises_is_found() -> None:
    def of_x(x: Any, g: Any) -> Any:
        raise RuntimeError("not implemented")

    found = errors(second(with_second(of_x)))
    assert found["J015"].startswith("second order: double backward fails: RuntimeError: not implemented")


def test_weights_have_a_second_order() -> None:
    linear = torch.nn.Linear(2, 2)

    def loss(x: Any) -> Any:
        return (linear(x) ** 2).sum()

    report = second(loss, np.array([[0.5, -1.0]]), wrt="linear.weight")
    assert report.verdict == "pass", errors(report)
    assert np.allclose(hessian(report), np.kron(2 * np.array([[0.25, -0.5], [-0.5, 1.0]]), np.eye(2)), atol=1e-6)


# --- jax --------------------------------------------------------------------------------------------------------------


@jax.custom_vjp  # type: ignore[untyped-decorator]
def cut(x: Any) -> Any:
    return x**3


cut.defvjp(lambda x: (x**3, x), lambda x, g: (jax.lax.stop_gradient(3 * x**2) * g,))


def test_second_derivatives_of_jax() -> None:
    report = second(lambda x: jnp.sum(x**3) * x[0])
    assert report.verdict == "pass", errors(report)
    x = jnp.array(X)
    assert np.allclose(hessian(report), jax.hessian(lambda x: jnp.sum(x**3) * x[0])(x), rtol=1e-5)
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    names = {rule.name: rule.verdict for rule in report.second_order.gradient.rules}
    assert names == {"forward over reverse": "pass", "reverse over reverse": "pass"}
    assert "no stop_gradient" in errors(second(lambda x: jnp.sum(cut(x))))["J001"]


@pytest.mark.parametrize(
    "function",
    [
        lambda z: (z * z.conj()).real.sum() * z.real.sum() + torch.zeros(()),
        lambda z: jnp.sum(jnp.abs(z) ** 4) + z.real[0] * z.imag[1] ** 2,
    ],
)
def test_complex_numbers_have_a_hessian_by_their_parts(function: Any) -> None:
    report = second(function, np.array([1 + 2j, 0.5 - 1j]))
    assert report.verdict == "pass", errors(report)
    assert report.second_order is not None
    assert report.second_order.is_symmetric
    with pytest.raises(InputError, match="a Hessian is checked by real operands"):
        second(function, np.array([1 + 2j]), hessian=np.eye)


# --- Hessians that people write ---------------------------------------------------------------------------------------


def f(x: Any) -> Any:
    return x[0] ** 2 * x[1] + np.sin(x[2] * x[3])


def gradient(x: Any) -> Any:
    return np.array([2 * x[0] * x[1], x[0] ** 2, x[3] * np.cos(x[2] * x[3]), x[2] * np.cos(x[2] * x[3])])


def right(x: Any) -> Any:
    p = x[2] * x[3]
    across = np.cos(p) - p * np.sin(p)
    return np.array(
        [
            [2 * x[1], 2 * x[0], 0, 0],
            [2 * x[0], 0, 0, 0],
            [0, 0, -(x[3] ** 2) * np.sin(p), across],
            [0, 0, across, -(x[2] ** 2) * np.sin(p)],
        ]
    )


def product(x: Any, v: Any) -> Any:
    return right(x) @ v


def without_a_term(x: Any) -> Any:
    h = right(x)
    h[2, 3] = h[3, 2] = np.cos(x[2] * x[3])
    return h


def without_coupling(x: Any) -> Any:
    return right(x) * (np.abs(np.subtract.outer(range(4), range(4))) < 1)


def lower_alone(x: Any) -> Any:
    return np.tril(right(x))


@pytest.mark.parametrize("claim", [right, product])
def test_a_right_hessian_passes(claim: Any) -> None:
    report = jacinspect.inspect(f, X, gradient, hessian=claim)
    assert report.verdict == "pass", errors(report)
    assert np.allclose(hessian(report), right(X))


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (lambda x: -right(x), "the opposite sign"),
        (lambda x: right(x) / 2, "a constant factor of 1/2"),
        (without_a_term, "2 entries disagree, worst by its bar ∂²f/∂X["),
        (without_coupling, "4 entries disagree"),
        (lower_alone, "2 entries disagree"),
        (lambda x, v: without_a_term(x) @ v, "2 entries disagree"),
    ],
)
def test_a_wrong_hessian_is_found(claim: Any, words: str) -> None:
    assert words in errors(jacinspect.inspect(f, X, gradient, hessian=claim))["J001"]


def log_det(x: torch.Tensor) -> Any:
    """Raise where a matrix is not positive definite."""
    return 2 * torch.linalg.cholesky((x + x.T) / 2).diagonal().log().sum()


def cross_entropy(x: torch.Tensor) -> Any:
    """Raise outside of 0 to 1."""
    return functional.binary_cross_entropy(x, torch.tensor([0, 1, 1], dtype=x.dtype), reduction="sum")


def inside(x: Any) -> Any:
    if np.any(x <= 0):
        raise ValueError("x is not positive")
    return x


def logarithm(x: Any) -> Any:
    return (np.log(inside(x)) * np.arange(1, x.size + 1)).sum()


def its_gradient(x: Any) -> Any:
    return np.arange(1, x.size + 1) / inside(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("function", "given"),
    [(log_det, [[2, 0.5], [0.5, 1]]), (cross_entropy, [0.3, 0.6, 0.8]), (logarithm, [0.3, 0.6, 0.8])],
)
def test_a_gradient_that_raises_outside_its_domain_has_no_value_there(function: Any, given: Any, dtype: str) -> None:
    derivative = its_gradient if function is logarithm else None
    report = second(function, np.array(given, dtype), derivative)
    assert report.verdict == "pass", errors(report)
    assert np.isfinite(hessian(report)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_hessian_is_compared_beside_the_end_of_the_domain(dtype: str) -> None:
    for x in (np.array([0.3, 0.6, 0.8], dtype), np.array([1e-6, 2, 40], dtype)):
        for factor, verdict in ((1, "pass"), (-1, "fail"), (1.01, "fail")):
            claim = lambda x, k=factor: np.diag(-k * np.arange(1, 4) / inside(x) ** 2)  # noqa: E731
            assert jacinspect.inspect(logarithm, x, its_gradient, hessian=claim).verdict == verdict


def test_a_gradient_that_raises_at_x_is_told() -> None:
    with pytest.raises(FunctionFailedError, match="the derivative raised ValueError: x is not positive"):
        second(lambda x: (x**2).sum(), X, its_gradient)


def test_a_gradient_alone_has_to_have_a_symmetric_jacobian() -> None:
    assert second(f, X, gradient).verdict == "pass"

    def at_x_alone(x: Any) -> Any:
        return gradient(x) + np.array([0, x[2] - X[2], 0, 0])

    found = errors(second(f, X, at_x_alone))
    assert "the derivative of ∂f/∂X[1] by X[2] is 1 ±" in found["J015"]
    assert "that of ∂f/∂X[2] by X[1] is 0 ±" in found["J015"]


def test_a_full_row_takes_few_gradients_and_its_faults_are_found() -> None:
    x = np.linspace(-1, 1, 24)
    calls = 0

    def arrow(x: Any) -> Any:
        return x[0] * np.sum(x[1:] ** 2)

    def slope(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return np.r_[np.sum(x[1:] ** 2), 2 * x[0] * x[1:]]

    report = second(arrow, x, slope)
    assert report.verdict == "pass", errors(report)
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    assert report.second_order.gradient.jacobian is not None
    assert report.second_order.gradient.jacobian.colors == 2
    expected = np.diag([0, *[2 * x[0]] * 23])
    expected[0, 1:] = expected[1:, 0] = 2 * x[1:]
    assert np.allclose(hessian(report), expected)

    def off(y: Any) -> Any:
        return slope(y) + np.eye(24)[5] * (y[0] - x[0])

    assert "of ∂f/∂X[5] by X[0] is" in errors(second(arrow, x, off))["J015"]


def test_kinks_of_a_full_row_are_seen_in_each_entry() -> None:
    """On a kink an entry need not be its mirror image's, and each is differenced by itself."""
    x = np.array([0.5, *np.linspace(-1, 1, 19)])  # one of which is 0
    report = second(lambda x: x[0] * x.sum() + (np.maximum(x, 0) ** 2).sum(), x, lambda x: _with_kinks(x))
    assert [each.code for each in report.findings if each.code == "J003"] == ["J003"]
    assert report.verdict == "pass"


def _with_kinks(x: Any) -> Any:
    slopes = x[0] + 2 * np.maximum(x, 0)
    slopes[0] += x.sum()
    return slopes


def test_several_outputs_are_summed_with_random_weights() -> None:
    def g(x: Any) -> Any:
        return np.array([x[0] * x[1], x[0] ** 3])

    def jacobian(x: Any) -> Any:
        return np.array([[x[1], x[0]], [3 * x[0] ** 2, 0]])

    def tensor(x: Any) -> Any:
        return np.array([[[0, 1], [1, 0]], [[6 * x[0], 0], [0, 0]]])

    report = jacinspect.inspect(g, X[:2], jacobian, hessian=tensor)
    assert report.verdict == "pass", errors(report)
    assert report.second_order is not None
    assert report.second_order.of == "(w·f)"
    assert np.allclose(hessian(report), np.tensordot(np.asarray(report.second_order.weights), tensor(X[:2]), 1))
    assert "∂²(w·f)/∂X" in errors(jacinspect.inspect(g, X[:2], jacobian, hessian=lambda x: 2 * tensor(x)))["J001"]


# --- The catalogue and expressions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        *("sigmoid", "gelu", "mish", "softmax", "log_softmax", "logsumexp", "norm", "var", "relu", "x**3", "sum(x)**2"),
        *(
            "sum(log(1 + exp(x)))",
            "exp(-norm(x)**2)",
            "sum(softmax(x) * log_softmax(x))",
            "mean(where(x > 0, x**2, x))",
        ),
    ],
)
def test_our_own_second_derivatives(function: str) -> None:
    report = second(function)
    assert report.verdict == "pass", errors(report)
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    assert report.second_order.gradient.agreement is not None
    assert report.second_order.gradient.agreement.verdict == "pass"


def test_what_is_not_known_is_measured() -> None:
    report = second("layer_norm", np.array([0.5, 2.0, -1.0]))
    assert report.verdict == "pass"
    assert report.second_order is not None
    assert report.second_order.is_symmetric
    assert report.second_order.gradient is not None
    assert report.second_order.gradient.agreement is not None
    assert report.second_order.gradient.agreement.verdict is None


def test_a_diagonal_hessian_is_written_as_a_formula() -> None:
    report = jacinspect.inspect("x**3", X.reshape(2, 2), hessian="6 * x")
    assert report.verdict == "pass"
    assert report.second_order is not None
    assert report.second_order.formula == "6 * x"
    assert np.allclose(np.diag(hessian(report)), 6 * X.reshape(2, 2).ravel(order="F"))
    assert "a constant factor of 1/2" in errors(jacinspect.inspect("x**3", X, hessian="3 * x"))["J001"]


def test_terms_that_cancel_are_no_error() -> None:
    """Attention to equal values does not depend on the query, but for rounding in the rule."""
    keys, values = np.arange(6.0).reshape(3, 2), np.full((3, 2), 0.3)
    assert second("softmax(q @ k.T) @ v", X.reshape(2, 2), others={"k": keys, "v": values}).verdict == "pass"


# --- Where it is not possible -----------------------------------------------------------------------------------------


def test_without_a_gradient_it_is_said_what_to_give() -> None:
    with pytest.raises(InputError, match="--order 2 needs a gradient, and there is none: give one with -d"):
        second(f)


def test_a_wrong_derivative_has_no_second_order() -> None:
    report = second("tanh", X, "tanh(x)")
    assert report.second_order is not None
    assert report.second_order.message == "not inspected, for the derivative itself is wrong"
    assert set(errors(report)) == {"J001"}


def test_what_could_not_be_inspected_does_not_pass() -> None:
    report = second("x**3", np.array([np.nan, 1.0]))
    assert report.verdict == "inconclusive"
    assert errors(report) == {"J006": "second order: not inspected, for X or f(X) is not finite"}


@pytest.mark.parametrize("order", [0, 3, "2"])
def test_the_order_is_1_or_2(order: Any) -> None:
    with pytest.raises(InputError, match="order: "):
        second("tanh", order=order)


def test_equal_runs_give_equal_reports() -> None:
    assert second("softmax").to_json() == second("softmax").to_json()
